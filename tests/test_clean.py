"""Default output is clean: no finding at or above low from any checker, in every example."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from generator import checkers, project
from generator.checkers import provision
from generator.finding import NotChecked, Severity
from tests.conftest import APPS

EXAMPLES = sorted(path.parent.name for path in APPS.glob("*/groundplan.yaml"))


@pytest.fixture(scope="module")
def has_checkov() -> bool:
    offline = checkers.Settings(cache=checkers.user_cache(), offline=True)
    return not isinstance(provision.environment(offline), NotChecked)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_clean(name: str, tmp_path: Path, has_checkov: bool) -> None:
    shutil.copy(APPS / name / "groundplan.yaml", tmp_path)
    opened = project.find(tmp_path / "groundplan.yaml")
    assert project.generate(opened, Severity.MEDIUM, write=True, force=False)[0].exit_code == 0
    skip = () if has_checkov else ("checkov",)
    made = project.check(opened, project.Choices(Severity.MEDIUM, skip, offline=True, progress=checkers.silent))
    # that nobody is named to be woken is true of these specs, and no fault of what they yield
    loud = [f for f in made.report.findings if f.severity >= Severity.LOW and f.rule != "spec/no-receiver"]
    assert not loud, "\n".join(f"{f.at} {f.rule} {f.message}" for f in loud)
    assert made.exit_code == 0
    names = {tool.name for tool in made.report.tools}
    assert "hadolint" in names
    if has_checkov:
        assert "checkov" in names


def test_checkov_took_part(has_checkov: bool) -> None:
    """Said aloud: without its environment the examples were not shown to checkov."""
    if not has_checkov:
        pytest.skip("checkov's environment is not set up: run `groundplan check` once, or set GROUNDPLAN_CHECKOV")
    assert has_checkov


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_finding_names_the_spec_place_that_caused_it(name: str, tmp_path: Path) -> None:
    shutil.copy(APPS / name / "groundplan.yaml", tmp_path)
    opened = project.find(tmp_path / "groundplan.yaml")
    made = project.check(opened, project.Choices(Severity.LOW, ("checkov",), offline=True, progress=checkers.silent))
    judged = [*made.report.findings, *(item.finding for item in made.report.waived)]
    files = {file.path for file in made.report.files}
    assert files
    for finding in judged:
        if finding.at.path in files:
            assert finding.cause is not None
            assert finding.cause.path == "groundplan.yaml"
            assert finding.cause.line >= 1
