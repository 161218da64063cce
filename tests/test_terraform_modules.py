"""Modules and roots of Terraform, tried with the real terraform and the real AWS provider where they are installed."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from generator import pipeline, spec
from tests import module_readmes, terraform_roots
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
