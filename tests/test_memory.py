"""An unchanged run is answered from memory, and whatever changes the answer is noticed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from generator import checkers, cli, memory, project
from generator.finding import NotChecked, Outcome
from generator.memory import Inputs

SPEC = """\
apiVersion: groundplan/v1
extends: platform.yaml
app: shop
owner: team-shop
targets: [docker, compose, kubernetes]
services:
  web: {runtime: node, port: 3000}
waivers:
  - {rule: kubernetes/image-without-digest, reason: not released yet, until: 2026-11-30}
"""
CHECK = ("check", "--skip", "checkov")


class Command:
    """The real command line, counted."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, arguments: Sequence[str]) -> int:
        self.runs += 1
        return cli.run(arguments)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.delenv(memory.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795392000")  # 2026-11-23
    monkeypatch.setenv("GROUNDPLAN_CHECKOV", sys.executable)
    monkeypatch.setattr(memory, "_own", lambda: [])
    (root / "platform.yaml").write_text("tags: {cost-centre: '1'}\n")
    (root / "groundplan.yaml").write_text(SPEC)
    (root / "sub").mkdir()
    assert cli.run(["generate", "-q"]) == 0
    settle()
    return root


def settle() -> None:
    """Files are older than the next run by more than the grain of their times."""
    time.sleep(2 * memory._GRAIN / 1e9)


def answers(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "groundplan" / "answers").glob("*"))


@pytest.mark.parametrize(
    "arguments",
    [
        CHECK,
        (*CHECK, "-q"),
        (*CHECK, "-o", "json", "-o", "sarif=made/report.sarif"),
        (*CHECK, "--fail-on", "info"),
        ("generate",),
        ("generate", "--diff"),
        ("validate",),
        ("lint", ".", "--skip", "checkov", "--fail-on", "info"),
        ("report", "--skip", "checkov"),
    ],
    ids=" ".join,
)
def test_the_second_run_says_the_same_and_does_nothing(
    arguments: tuple[str, ...], here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = Command()
    first = memory.run(arguments, command), capfd.readouterr()
    written = {path: path.read_bytes() for path in here.rglob("*.sarif")}
    for path in written:
        path.unlink()
    second = memory.run(arguments, command), capfd.readouterr()
    assert command.runs == 1
    assert second == first
    assert {path: path.read_bytes() for path in here.rglob("*.sarif")} == written


def edit(path: str, old: str = "", new: str = "# one more line\n") -> Callable[[Path, pytest.MonkeyPatch], None]:
    def change(root: Path, _: pytest.MonkeyPatch) -> None:
        text = (root / path).read_text()
        (root / path).write_text(text.replace(old, new) if old else text + new)

    return change


def remove(path: str) -> Callable[[Path, pytest.MonkeyPatch], None]:
    return lambda root, _: (root / path).unlink()


def variable(name: str, value: str) -> Callable[[Path, pytest.MonkeyPatch], None]:
    return lambda _, patch: patch.setenv(name, value)


def link_file(root: Path, _: pytest.MonkeyPatch) -> None:
    (root / "compose.yaml").rename(root / "elsewhere.yaml")
    (root / "compose.yaml").symlink_to("elsewhere.yaml")


def link_folder(root: Path, _: pytest.MonkeyPatch) -> None:
    (root / "kubernetes").rename(root / "elsewhere")
    (root / "kubernetes").symlink_to("elsewhere")


def same_time(root: Path, _: pytest.MonkeyPatch) -> None:
    """Another content of the same size with the old times, as a careless tool leaves it."""
    path = root / "compose.yaml"
    before = path.stat()
    path.write_text(path.read_text().replace("3000", "3001"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def tool(root: Path, patch: pytest.MonkeyPatch) -> None:
    """A program appears on the path."""
    folder = root.parent / "bin"
    folder.mkdir()
    (folder / "promtool").write_text("#!/bin/sh\n")
    (folder / "promtool").chmod(0o755)
    patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


CHANGES: dict[str, Callable[[Path, pytest.MonkeyPatch], None]] = {
    "the spec": edit("groundplan.yaml", "3000", "3001"),
    "a comment in the spec": edit("groundplan.yaml"),
    "what it extends": edit("platform.yaml", "'1'", "'2'"),
    "what it extends is gone": remove("platform.yaml"),
    "a generated file was edited": edit("compose.yaml"),
    "a generated file was edited in no time": same_time,
    "a generated file is gone": remove("Dockerfile"),
    "a generated file is a link to the same": link_file,
    "a folder is a link to the same": link_folder,
    "the lock": edit("groundplan.lock", '"compose.yaml"', '"compose.yml"'),
    "the lock is gone": remove("groundplan.lock"),
    "a killed run left something": lambda root, _: (root / project.disk.STAGING).mkdir(),
    "the day": variable("SOURCE_DATE_EPOCH", "1798156800"),
    "colours": variable("FORCE_COLOR", "1"),
    "a variable of ours": variable("GROUNDPLAN_OFFLINE", "1"),
    "a tool": tool,
    "our own code": lambda _, patch: patch.setattr(memory, "_own", lambda: ["another"]),
    "another spec of the same name": lambda root, _: (root / "groundplan.yml").write_text(SPEC),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_the_answer_is_noticed(
    change: str, here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    command = Command()
    for _ in range(2):
        memory.run(CHECK, command)
    assert command.runs == 1
    capfd.readouterr()
    CHANGES[change](here, monkeypatch)
    code = memory.run(CHECK, command)
    assert command.runs == 2
    said = capfd.readouterr()
    monkeypatch.setenv(memory.VARIABLE, "off")
    assert (memory.run(CHECK, command), capfd.readouterr()) == (code, said)


def test_a_nearer_spec_is_noticed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here / "sub")
    command = Command()
    assert [memory.run(CHECK, command) for _ in range(2)] == [0, 0]
    assert command.runs == 1
    (here / "sub" / "groundplan.yaml").write_text(SPEC.replace("extends: platform.yaml\n", ""))
    assert memory.run(CHECK, command) == 1
    assert command.runs == 2


@pytest.mark.parametrize("other", [("--fail-on", "low"), ("-q",), ("-o", "json")])
def test_another_command_line_is_another_question(other: tuple[str, ...], here: Path) -> None:
    command = Command()
    memory.run(CHECK, command)
    memory.run((*CHECK, *other), command)
    assert command.runs == 2


def test_another_place_is_another_question(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = Command()
    memory.run(CHECK, command)
    monkeypatch.chdir(here / "sub")
    memory.run(CHECK, command)
    assert command.runs == 2


LINT = ("lint", "kubernetes", "Dockerfile", "--skip", "checkov")


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "kubernetes" / "base" / "more.yaml").write_text("kind: A\n"),
        lambda root: (root / "kubernetes" / "base" / "web" / "deployment.yaml").unlink(),
        lambda root: (root / "kubernetes" / "new").mkdir(),
        lambda root: (root / "Dockerfile").write_text("FROM node:latest\n"),
        lambda root: (root / "kubernetes/base/web/service.yaml").rename(root / "kubernetes/base/web/other.yaml"),
    ],
    ids=["a new file", "a file is gone", "a new folder", "another text", "another name"],
)
def test_what_changes_what_is_linted_is_noticed(change: Callable[[Path], object], here: Path) -> None:
    command = Command()
    for _ in range(2):
        memory.run(LINT, command)
    assert command.runs == 1
    change(here)
    memory.run(LINT, command)
    assert command.runs == 2


def test_a_file_beside_what_is_linted_changes_nothing(here: Path) -> None:
    command = Command()
    memory.run(LINT, command)
    (here / "notes.yaml").write_text("kind: A\n")
    memory.run(LINT, command)
    assert command.runs == 1


def test_a_run_that_writes_is_not_remembered(here: Path) -> None:
    command = Command()
    edit("groundplan.yaml", "3000", "3001")(here, pytest.MonkeyPatch())
    settle()
    assert memory.run(("generate", "-q"), command) == 0
    (here / "compose.yaml").unlink()
    assert memory.run(("generate", "-q"), command) == 0
    assert command.runs == 2
    assert (here / "compose.yaml").is_file()


def test_what_was_changed_while_it_ran_is_not_remembered(here: Path, tmp_path: Path) -> None:
    def command(arguments: Sequence[str]) -> int:
        code = cli.run(arguments)
        edit("compose.yaml")(here, pytest.MonkeyPatch())
        return code

    memory.run(CHECK, command)
    assert answers(tmp_path) == []


@pytest.mark.parametrize("kept", [True, False])
def test_what_is_fleeting_is_not_remembered(
    kept: bool, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = NotChecked("compose.yaml", "it took too long", fleeting=not kept)
    monkeypatch.setattr(project.pipeline, "check", lambda *_: Outcome(not_checked=(row,)))
    memory.run(CHECK, cli.run)
    assert bool(answers(tmp_path)) is kept


def test_long_work_that_is_told_of_is_not_remembered(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(files: object, settings: checkers.Settings, *_: object) -> Outcome:
        settings.progress("setting something up")
        return Outcome()

    monkeypatch.setattr(project.pipeline, "check", check)
    memory.run(CHECK, cli.run)
    assert answers(tmp_path) == []


@pytest.mark.parametrize("arguments", [("check", "--spec", "none.yaml"), ("check", "--nonsense"), ("lint", "nowhere")])
def test_a_fault_is_not_remembered(arguments: tuple[str, ...], here: Path, tmp_path: Path) -> None:
    assert memory.run(arguments, cli.run) == 2
    assert answers(tmp_path) == []


def test_a_spec_with_mistakes_is_read_again(here: Path, tmp_path: Path) -> None:
    edit("groundplan.yaml", "port:", "prot:")(here, pytest.MonkeyPatch())
    settle()
    assert memory.run(CHECK, cli.run) == 1
    assert answers(tmp_path) == []


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"inputs": 1}', "null", '{"inputs": {"files": {}}}'])
def test_a_damaged_answer_is_none(damage: str, here: Path, tmp_path: Path) -> None:
    command = Command()
    memory.run(CHECK, command)
    (answer,) = answers(tmp_path)
    answer.write_text(damage)
    assert memory.run(CHECK, command) == 0
    assert command.runs == 2


def test_a_cache_that_cannot_be_written_is_no_error(here: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
    (tmp_path / "cache").write_text("a file")
    command = Command()
    assert [memory.run(CHECK, command) for _ in range(2)] == [0, 0]
    assert command.runs == 2


def test_it_is_switched_off(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(memory.VARIABLE, "off")
    memory.run(CHECK, cli.run)
    assert answers(tmp_path) == []


def test_old_answers_go(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_MOST", 3)
    for level in ("critical", "high", "medium", "low", "info"):
        memory.run(("validate", "--fail-on", level), cli.run)
    assert len(answers(tmp_path)) == 3
    assert oct(answers(tmp_path)[0].parent.stat().st_mode & 0o777) == "0o700"


def test_no_answer_holds_a_text_of_the_tree(here: Path, tmp_path: Path) -> None:
    """What is kept of files is their hash."""
    memory.run(CHECK, cli.run)
    (answer,) = answers(tmp_path)
    entry = json.loads(answer.read_text())
    assert set(entry) == {"inputs", "said", "written", "code"}
    assert "FROM" not in answer.read_text()


def test_a_run_of_two_answers_follows_from_the_inputs_of_both(here: Path) -> None:
    (here / "a").write_text("1")
    (here / "b").write_text("1")
    settle()
    runs = []

    def command(_: Sequence[str]) -> int:
        runs.append(1)
        for name in ("a", "b"):
            memory.depend(Inputs(files=(str(here / name),)))
        return 0

    for changed in ("", "a", "b"):
        if changed:
            (here / changed).write_text("2")
            settle()
        for _ in range(2):
            memory.run(CHECK, command)
    assert len(runs) == 3


def test_an_unchanged_run_imports_nothing_heavy(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the real start, in processes of their own: the second one does not even load the command line."""
    code = (
        "import sys; from generator import __main__ as start\n"
        "sys.argv[1:] = ['check', '--skip', 'checkov', '-q']\n"
        "try: start.main()\n"
        "finally: sys.stderr.write('heavy' if 'generator.cli' in sys.modules or 'yaml' in sys.modules else 'light')\n"
    )
    root = Path(__file__).resolve().parent.parent
    environment = {**os.environ, "PYTHONPATH": str(root)}
    said = [
        subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
        for _ in range(2)
    ]
    assert [done.stderr[-5:] for done in said] == ["heavy", "light"]
    assert said[0].stdout == said[1].stdout
    assert [done.returncode for done in said] == [0, 0]
