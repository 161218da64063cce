"""The gates that others call, our composite action and our GitLab template: judged, and their shell really run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import __version__, data, policy
from generator.document import SourceFile

ROOT = Path(__file__).parents[1]
ACTION = ROOT / "action.yml"
TEMPLATE = ROOT / "gates/groundplan.gitlab-ci.yml"
BIN = Path(sys.executable).parent
HEALTHY = "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\n"
WRONG = "FROM node:latest\nRUN sudo true\nUSER root\n"


def program(name: str) -> str:
    found = str(BIN / name) if (BIN / name).exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed, so the gates were not checked with it")
    return found


def ran(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True, **options)


@pytest.mark.parametrize(("schema", "file"), [("vendor.github-actions", ACTION), ("vendor.gitlab-ci", TEMPLATE)])
def test_the_schema_of_the_forge_holds(schema: str, file: Path) -> None:
    made = ran([program("check-jsonschema"), "--builtin-schema", schema, str(file)])
    assert made.returncode == 0, made.stdout


def test_zizmor_has_nothing_to_say() -> None:
    made = ran([program("zizmor"), "--offline", "--no-progress", "--quiet", "--format=plain", str(ACTION)])
    assert made.returncode == 0, made.stdout


def test_actionlint_takes_a_workflow_that_calls_the_action(tmp_path: Path) -> None:
    linter = program("actionlint")
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    shutil.copy(ACTION, tmp_path / "action.yml")
    workflow = tmp_path / ".github/workflows/x.yml"
    head = "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: ./\n"
    workflow.write_text(f"{head}        with: {{command: lint, fail-on: high, paths: deploy}}\n")
    assert (made := ran([linter, "-no-color"], cwd=tmp_path)).returncode == 0, made.stdout
    workflow.write_text(f"{head}        with: {{fail_on: high}}\n")
    assert "fail_on" in ran([linter, "-no-color"], cwd=tmp_path).stdout


def test_shellcheck_has_nothing_to_say() -> None:
    checker = program("shellcheck")
    steps = [step["run"] for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"] if "run" in step]
    sides = {"bash": steps, "sh": yaml.safe_load(TEMPLATE.read_text())["groundplan"]["script"]}
    for dialect, scripts in sides.items():
        for script in scripts:
            made = ran([checker, "-s", dialect, "-"], input=script)
            assert made.returncode == 0, made.stdout


def test_our_own_rules_have_nothing_to_say() -> None:
    files = [SourceFile("action.yml", ACTION.read_text()), SourceFile(".gitlab-ci.yml", TEMPLATE.read_text())]
    rules = [rule for rule in policy.rules() if rule.family in ("ci", "cross")]
    outcome = policy.judge(files, rules, policy.Context(today="2026-11-23"))
    assert [finding.message for finding in outcome.findings] == []
    assert outcome.passes


def test_actions_and_images_are_the_ones_that_were_looked_up() -> None:
    pins = data.load("schemas/data/actions.json")["actions"]
    used = re.findall(r"uses: (\S+)@(\S+) # (\S+)", ACTION.read_text())
    assert len(used) == ACTION.read_text().count("uses: ")
    assert all((pins[name]["commit"], pins[name]["version"]) == (commit, version) for name, commit, version in used)
    lines = data.load("schemas/data/runtimes.json")["runtimes"]["python"]["lines"]
    image = lines["3.13"]["images"]["python"]
    assert yaml.safe_load(TEMPLATE.read_text())["groundplan"]["image"] == f"{image['ref']}@{image['digest']}"


def test_the_template_installs_the_version_it_came_with() -> None:
    assert yaml.safe_load(TEMPLATE.read_text())["groundplan"]["variables"]["GROUNDPLAN"] == f"groundplan=={__version__}"


# The shell itself, run


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "bad").mkdir()
    (tmp_path / "good").mkdir()
    (tmp_path / "bad/Dockerfile").write_text(WRONG)
    (tmp_path / "good/kustomization.yaml").write_text(HEALTHY)
    return tmp_path


def checked(tree: Path, **inputs: str) -> tuple[subprocess.CompletedProcess[str], dict[str, str], str]:
    """The step that checks, as a runner would start it."""
    if not (BIN / "groundplan").exists():
        pytest.skip("groundplan is not installed beside this Python, so the gate was not run")
    step = next(step for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"] if step.get("id") == "run")
    temporary = tree / "runner"
    (temporary / "groundplan").mkdir(parents=True)
    (temporary / "groundplan/bin").symlink_to(BIN)
    output, summary = temporary / "output", temporary / "summary"
    output.touch()
    summary.touch()
    known = {"COMMAND": "lint", "PATHS": "", "SPEC": "", "FAIL_ON": "medium", "SKIP": "checkov\nterraform", **inputs}
    assert set(step["env"]) == set(known)
    runner = {"RUNNER_TEMP": str(temporary), "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    made = ran(command, cwd=tree, env={**os.environ, **known, **runner})
    pairs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    return made, pairs, summary.read_text()


def test_findings_are_annotated_reported_and_summed_up(tree: Path) -> None:
    made, output, summary = checked(tree, PATHS="bad")
    assert made.returncode == 0, made.stderr
    assert output["code"] == "1"
    assert output["written"] == "true"
    assert "::error file=bad/Dockerfile" in made.stdout
    results = json.loads(Path(output["sarif"]).read_text())["runs"]
    assert any(result["ruleId"] == "docker/runs-as-root" for run in results for result in run["results"])
    assert "docker/runs-as-root" in summary


@pytest.mark.parametrize(("inputs", "code"), [({"PATHS": "good"}, "0"), ({"PATHS": "good\nbad"}, "1"), ({}, "1")])
def test_the_paths_decide(tree: Path, inputs: dict[str, str], code: str) -> None:
    assert checked(tree, **inputs)[1]["code"] == code


def test_the_limit_decides(tree: Path) -> None:
    assert checked(tree, PATHS="bad", FAIL_ON="critical")[1]["code"] == "0"


def test_an_input_never_becomes_code(tree: Path) -> None:
    made, output, _ = checked(tree, PATHS="$(touch stolen)\n; touch stolen\n--spec")
    assert not (tree / "stolen").exists()
    assert output["code"] == "2", made.stdout


def test_another_command_is_refused(tree: Path) -> None:
    made, output, _ = checked(tree, COMMAND="generate")
    assert made.returncode == 2
    assert 'command is check or lint, not "generate"' in made.stdout
    assert output == {}


def test_the_verdict_is_the_exit_code() -> None:
    last = yaml.safe_load(ACTION.read_text())["runs"]["steps"][-1]
    for code in (0, 1, 2, 3):
        assert ran(["bash", "-e", "-c", last["run"]], env={**os.environ, "CODE": str(code)}).returncode == code


def test_the_gitlab_job_leaves_its_reports(tree: Path) -> None:
    if not (BIN / "groundplan").exists():
        pytest.skip("groundplan is not installed beside this Python, so the gate was not run")
    job = yaml.safe_load(TEMPLATE.read_text())["groundplan"]
    chosen = {"GROUNDPLAN_COMMAND": "lint", "GROUNDPLAN_PATHS": "bad", "GROUNDPLAN_SKIP": "checkov"}
    variables = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    variables |= {"GROUNDPLAN_FAIL_ON": job["variables"]["GROUNDPLAN_FAIL_ON"], **chosen}
    made = ran(["sh", "-e", "-c", "\n".join(job["script"])], cwd=tree, env=variables)
    assert made.returncode == 1, made.stderr
    reports = job["artifacts"]["reports"]
    quality = json.loads((tree / reports["codequality"]).read_text())
    assert {entry["location"]["path"] for entry in quality} == {"bad/Dockerfile"}
    assert "<testsuite" in (tree / reports["junit"]).read_text()
    assert (tree / job["artifacts"]["paths"][0]).stat().st_size
