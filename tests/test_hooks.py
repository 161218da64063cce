"""The hooks for pre-commit, by the real program, installed from a bare clone of this repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from generator import cli, memory
from tests import linted
from tests.conftest import ROOT

BIN = Path(sys.executable).parent
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
NAMES = [hook["id"] for hook in HOOKS]
SPEC = """\
apiVersion: groundplan/v1
app: shop
owner: team-shop
targets: [docker, compose, kubernetes]
services:
  web: {runtime: node, port: 3000}
"""


def ran(words: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, **more}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def git(folder: Path, *words: str) -> str:
    named = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    done = ran(["git", *named, *words], folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Hooked:
    """A repository with our hooks in its configuration."""

    def __init__(self, root: Path, home: Path, source: Path, *hooks: str) -> None:
        self.root, self.home = root, home
        root.mkdir()
        git(root, "init", "-q")
        rev = git(source, "rev-parse", "HEAD")
        listed = [{"id": hook} for hook in hooks]
        config = {"repos": [{"repo": source.as_uri(), "rev": rev, "hooks": listed}]}
        (root / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        git(root, "add", "-A")

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        git(self.root, "add", "-A")
        return self.asked("run", *words)

    def asked(self, *words: str) -> subprocess.CompletedProcess[str]:
        known = {"PRE_COMMIT_HOME": str(self.home / "pre-commit"), "XDG_CACHE_HOME": str(self.home / "cache")}
        known |= {"GROUNDPLAN_CHECKOV": str(linted.checkov_python()), "PRE_COMMIT_COLOR": "never"}
        return ran([str(BIN / "pre-commit"), *words], self.root, **known)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared by all workers: pre-commit itself sees to it that one of them installs and the others wait."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "hooks"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def source(home: Path) -> Path:
    """This repository as it is committed."""
    if not (BIN / "pre-commit").is_file():
        pytest.skip("pre-commit is not installed")
    if ran(["git", "rev-parse", "HEAD"], ROOT).returncode:
        pytest.skip("not a git checkout: there is nothing to install hooks from")
    made = home / "groundplan.git"
    if not made.exists():
        fresh = home / f"{os.getpid()}.git"
        git(home, "clone", "--quiet", "--bare", f"file://{ROOT}", str(fresh))
        try:
            fresh.rename(made)
        except OSError:
            shutil.rmtree(fresh)  # another worker was faster
    return made


@pytest.fixture
def repository(tmp_path: Path, home: Path, source: Path) -> Hooked:
    made = Hooked(tmp_path / "work", home, source, *NAMES)
    done = made.asked("install-hooks")
    if done.returncode and "groundplan" not in done.stdout + done.stderr:
        pytest.skip(f"the hooks could not be installed: {done.stdout[-300:]}")
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def generated(made: Hooked, folder: str = ".") -> None:
    text = SPEC if folder == "." else SPEC.replace("app: shop", f"app: {folder}")
    made.write(f"{folder}/groundplan.yaml", text)
    assert cli.run(["generate", "-q", "--spec", str(made.root / folder / "groundplan.yaml")]) == 0


def verdicts(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """What pre-commit says of each hook, by its name."""
    shown = re.findall(r"^(.+?)\.{3,}(?:\([^)]*\))?(Passed|Failed|Skipped)$", done.stdout, re.MULTILINE)
    names = {hook["name"]: hook["id"].removeprefix("groundplan-") for hook in HOOKS}
    return {names[name]: verdict for name, verdict in shown}


def test_the_manifest_is_valid_and_names_only_commands_that_exist(source: Path) -> None:
    done = ran([str(BIN / "pre-commit"), "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")], ROOT)
    assert done.returncode == 0, done.stdout
    assert NAMES == ["groundplan-validate", "groundplan-generate", "groundplan-check", "groundplan-lint"]
    for hook in HOOKS:
        program, command, *options = hook["entry"].split()
        assert program == "groundplan"
        known = {name for option in cli.main.commands[command].params for name in option.opts}
        assert set(options) <= known


def test_a_whole_project_passes_and_what_is_not_of_it_starts_nothing(repository: Hooked) -> None:
    generated(repository)
    done = repository.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdicts(done) == dict.fromkeys(("validate", "generate", "check", "lint"), "Passed")
    git(repository.root, "commit", "-q", "-m", "all", "--no-verify")
    repository.write("src/server.js", "console.log(1)\n")
    repository.write("README.md", "# shop\n")
    done = repository.run()
    assert done.returncode == 0
    assert verdicts(done) == dict.fromkeys(("validate", "generate", "check", "lint"), "Skipped")


FAILURES = {
    "a mistake in the spec": (
        {"groundplan.yaml": SPEC.replace("port:", "prot:")},
        {"validate": "Failed", "generate": "Failed", "check": "Failed"},
        '"prot" is not a key of a service',
    ),
    "a spec that was changed and not rendered": (
        {"groundplan.yaml": SPEC.replace("3000", "3001")},
        {"validate": "Passed", "generate": "Failed"},
        "files follow the spec now; add them to the commit",
    ),
    "a generated file that was edited": (
        {"compose.yaml": "services: {}\n"},
        {"validate": "Skipped", "generate": "Skipped", "check": "Failed"},
        "disk/edited: compose.yaml was edited by hand",
    ),
    "a hand-written file with a finding": (
        {"tools/Dockerfile": "FROM node:latest\nCMD node server.js\n"},
        {"validate": "Skipped", "generate": "Skipped", "check": "Passed", "lint": "Failed"},
        'tools/Dockerfile:1:6: medium docker/latest-tag: base image has the moving tag "latest"',
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_hook_fails_with_its_message(failure: str, repository: Hooked) -> None:
    files, wanted, message = FAILURES[failure]
    generated(repository)
    git(repository.root, "add", "-A")
    git(repository.root, "commit", "-q", "-m", "all", "--no-verify")
    for path, text in files.items():
        repository.write(path, text)
    done = repository.run()
    assert done.returncode == 1
    assert verdicts(done).items() >= wanted.items(), done.stdout
    assert message in done.stdout
    assert "Traceback" not in done.stdout


def test_a_fault_is_readable_and_has_its_own_exit_code(repository: Hooked) -> None:
    generated(repository)
    repository.write("groundplan.lock", "{")
    done = repository.run("groundplan-check")
    assert done.returncode == 1
    assert "- exit code: 2" in done.stdout
    assert "groundplan.lock" in done.stdout.partition("exit code: 2")[2]


def test_what_generate_wrote_passes_when_it_is_added(repository: Hooked) -> None:
    generated(repository)
    repository.run()
    repository.write("groundplan.yaml", f"{SPEC}  jobs: {{runtime: python}}\n")
    assert verdicts(repository.run())["generate"] == "Failed"
    done = repository.run()
    assert done.returncode == 0, done.stdout
    assert (repository.root / "kubernetes/base/jobs/deployment.yaml").is_file()


def test_of_several_projects_those_are_checked_that_changed(repository: Hooked) -> None:
    for folder in ("shop", "books"):
        generated(repository, folder)
    assert repository.run().returncode == 0
    git(repository.root, "commit", "-q", "-m", "all", "--no-verify")
    repository.write("books/compose.yaml", "services: {}\n")
    done = repository.run("groundplan-check")
    assert done.returncode == 1
    assert "books" in done.stdout or "compose.yaml was edited by hand" in done.stdout
    repository.write("shop/compose.yaml", "services: {}\n")
    done = repository.run("groundplan-check")
    assert done.stdout.count("compose.yaml was edited by hand") == 2


def test_what_is_staged_is_what_counts(repository: Hooked) -> None:
    """pre-commit puts aside what is not staged, so an edit that stays behind fails nothing."""
    generated(repository)
    git(repository.root, "add", "-A")
    git(repository.root, "commit", "-q", "-m", "all", "--no-verify")
    repository.write("groundplan.yaml", SPEC + "# a remark\n")
    git(repository.root, "add", "groundplan.yaml")
    repository.write("compose.yaml", "services: {}\n")
    done = repository.asked("run")
    assert done.returncode == 0, done.stdout
    assert (repository.root / "compose.yaml").read_text() == "services: {}\n"


def test_an_unchanged_run_costs_little_beside_pre_commit_itself(
    repository: Hooked, monkeypatch: pytest.MonkeyPatch, record_property: object
) -> None:
    """Nothing is timed here but for the record; that the second run does no work is what must hold."""
    monkeypatch.delenv(memory.VARIABLE)
    generated(repository)
    took = []
    for _ in range(3):
        time.sleep(0.2)
        began = time.monotonic()
        done = repository.run("--all-files", "--verbose")
        took.append(time.monotonic() - began)
        assert done.returncode == 0, done.stdout
    shown = [float(seconds) for seconds in re.findall(r"- duration: ([\d.]+)s", done.stdout)]
    print(f"all four hooks: {took[0]:.2f} s at first, {took[-1]:.2f} s unchanged, of which hooks {sum(shown):.2f} s")
    answers = list((repository.home / "cache" / "groundplan" / "answers").glob("*.json"))
    assert len(answers) >= 4
