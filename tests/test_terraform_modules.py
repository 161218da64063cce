"""Modules and roots of Terraform, tried with the real terraform and the real AWS provider where they are installed."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from generator import checkers, explain, pipeline, spec
from generator.checkers import checkov
from generator.document import SourceFile
from tests import linted, module_readmes, terraform_roots
from tests.conftest import APPS

MODULES = [folder.name for folder in module_readmes.folders()]
ROOTS = sorted(
    (app.parent.name, root.name)
    for app in APPS.glob("*/groundplan.yaml")
    for root in app.parent.glob("expected/terraform/environments/*")
)
WANTED = {
    *("backup", "bucket", "budget", "cache", "cdn", "cluster-ecs", "cluster-eks", "database", "dns", "edge"),
    *("identity", "job", "network", "observability", "queue", "registry", "secrets", "service", "topic"),
}

terraform = pytest.mark.skipif(terraform_roots.TERRAFORM is None, reason="terraform is not installed")
provider = pytest.mark.skipif(
    terraform_roots.TERRAFORM is None or terraform_roots.mirror() is None,
    reason="terraform or a mirror with its AWS provider is not installed",
)


@cache
def files(name: str) -> tuple[tuple[str, str], ...]:
    """The Terraform of an example, as (path, text)."""
    loaded = spec.load(APPS / name / "groundplan.yaml")
    assert loaded.product is not None, loaded.findings
    made = pipeline.generate(loaded.product)
    return tuple((file.path, file.text) for file in made if file.target == "terraform")


def laid_out(name: str, folder: Path) -> Path:
    for path, text in files(name):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def with_every_module(folder: Path) -> Path:
    """Both examples that together call every module."""
    return laid_out("shop", laid_out("ecs", folder))


def test_every_module_is_there() -> None:
    assert set(MODULES) - {"bootstrap"} == WANTED


def test_every_module_is_called_by_an_example() -> None:
    called = {
        path.split("/")[2] for name in {app for app, _ in ROOTS} for path, _ in files(name) if "/modules/" in path
    }
    assert called == WANTED


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_complete(name: str) -> None:
    folder = next(folder for folder in module_readmes.folders() if folder.name == name)
    kept = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"variables.tf", "outputs.tf", "README.md"} <= kept
    assert name == "bootstrap" or any(path.endswith(".tftest.hcl") for path in kept)


@pytest.mark.parametrize("name", MODULES)
def test_the_tables_of_a_readme_are_those_of_the_code(name: str) -> None:
    folder = next(folder for folder in module_readmes.folders() if folder.name == name)
    hint = "run python -m tests.module_readmes"
    assert (folder / "README.md").read_text(encoding="utf-8") == module_readmes.written(folder), hint


@terraform
@pytest.mark.parametrize("name", sorted({app for app, _ in ROOTS}))
def test_everything_is_as_terraform_formats_it(name: str, tmp_path: Path) -> None:
    done = terraform_roots.run(
        ["fmt", "-check", "-recursive", "-diff"], laid_out(name, tmp_path), terraform_roots.settings(tmp_path)
    )
    assert (done.returncode, done.stdout) == (0, "")


def made_ready(folder: Path, environment: dict[str, str]) -> None:
    done = terraform_roots.run(["init", "-backend=false", "-no-color"], folder, environment)
    assert done.returncode == 0, done.stderr


@provider
@pytest.mark.parametrize(("name", "root"), [*ROOTS, ("ecs", "../bootstrap")])
def test_a_root_is_valid(name: str, root: str, tmp_path: Path) -> None:
    folder = laid_out(name, tmp_path) / "terraform" / "environments" / root
    environment = terraform_roots.settings(tmp_path)
    made_ready(folder, environment)
    answer = json.loads(terraform_roots.run(["validate", "-json"], folder, environment).stdout)
    assert (answer["valid"], answer["diagnostics"]) == (True, [])


@provider
@pytest.mark.parametrize("name", sorted(WANTED))
def test_a_module_keeps_its_promises(name: str, tmp_path: Path) -> None:
    """Each module's own tests, in a copy of what is generated."""
    folder = with_every_module(tmp_path) / "terraform" / "modules" / name
    environment = terraform_roots.settings(tmp_path)
    made_ready(folder, environment)
    done = terraform_roots.run(["test", "-no-color"], folder, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 passed" not in done.stdout


@provider
@pytest.mark.slow
@pytest.mark.parametrize(("name", "root"), ROOTS)
def test_a_root_can_be_planned(name: str, root: str, tmp_path: Path) -> None:
    """The real provider plans it, without an account: every argument of every call passes every validation."""
    folder = laid_out(name, tmp_path) / "terraform" / "environments" / root
    environment = terraform_roots.settings(tmp_path)
    terraform_roots.prepare(folder)
    made_ready(folder, environment)
    done = terraform_roots.run(["test", "-no-color"], folder, environment)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "path", sorted((APPS.parent / "terraform" / "broken").glob("*.tf")), ids=lambda path: path.stem
)
def test_each_problem_is_explained(path: Path) -> None:
    rule = path.read_text(encoding="utf-8").splitlines()[0].rpartition(" ")[2]
    assert len(explain.rule(rule).splitlines()) == 2


def skips() -> set[tuple[str, str]]:
    """Every checkov skip in the modules and the bootstrap: rule, and the file it stands in."""
    made = set()
    for folder in module_readmes.folders():
        for path in folder.rglob("*.tf"):
            where = f"{folder.name}/{path.name}"
            made |= {(rule, where) for rule in re.findall(r"#checkov:skip=(\w+):", path.read_text(encoding="utf-8"))}
    return made


def test_every_skip_has_a_reason() -> None:
    for folder in module_readmes.folders():
        for path in folder.rglob("*.tf"):
            for line in path.read_text(encoding="utf-8").splitlines():
                if "checkov:skip" in line:
                    assert re.fullmatch(r"  #checkov:skip=CKV2?_AWS_\d+:\S.{20,}", line), (path, line)


ONLY_ON_REQUEST = {
    ("CKV2_AWS_38", "dns/main.tf"),  # a zone of one's own
    ("CKV2_AWS_39", "dns/main.tf"),
}
"""Skips in what no example asks for; checkov sees them where the module is called otherwise."""


@pytest.mark.slow
def test_every_skip_is_still_needed() -> None:
    """Each is a finding that checkov would make on some example; one that it no longer makes has to go."""
    python = linted.checkov_python()
    settings = checkers.Settings(cache=checkers.user_cache(), checkov=python, offline=True)
    seen = set()
    for name in sorted({app for app, _ in ROOTS}):
        outcome = checkov.check([SourceFile(path, text) for path, text in files(name)], settings)
        for finding in outcome.findings:
            place = finding.at.path.removeprefix("terraform/").removeprefix("modules/")
            seen.add((finding.rule.removeprefix("checkov/"), place))
    assert skips() - seen - ONLY_ON_REQUEST == set()
