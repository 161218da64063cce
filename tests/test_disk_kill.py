"""Writing that is cut off: the old or the new tree, never a mix, and never a loss of the user's bytes."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from generator import disk, journal, lock
from generator.artifact import RenderedFile
from generator.errors import Fault
from tests.conftest import ROOT

Tree = dict[str, bytes]

OLD = [RenderedFile(f"d{n % 7}/f{n}", "test", f"old {n}\n" * 50) for n in range(60)]
NEW = [RenderedFile(f"d{n % 7}/f{n}", "test", f"new {n}\n" * 50) for n in range(5, 65)]
NEW += [RenderedFile("d0/f0/below", "test", "a directory where a file was\n")]


def generate(root: Path, made: list[RenderedFile], step: Callable[[str], None] = lambda _: None) -> tuple[str, ...]:
    compared = disk.compare(root, made, lock.read(root))
    found = disk.write(root, compared, lock.lock_of("groundplan.yaml", {}, made), step=step)
    return tuple(finding.rule for finding in found)


def content(root: Path) -> Tree:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def stopped(action: Callable[[Callable[[str], None]], object], stop: int) -> bool:
    """Run an action in a process that dies at its n-th step, without any clean-up; false when it ended before."""
    child = os.fork()
    if child == 0:
        count = 0

        def step(_name: str) -> None:
            nonlocal count
            count += 1
            if count == stop:
                os._exit(9)

        try:
            action(step)
        except BaseException:  # whatever it is, pytest must not go on in the child
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, 9}
    return code == 9


class Case:
    """A project of 60 files and two of the user's, as it was and as it will be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        root = folder / "project"
        root.mkdir()
        generate(root, OLD)
        (root / "d1" / "note").write_text("mine\n")
        (root / "d9").mkdir()
        (root / "d9" / "note").write_text("mine\n")
        self.old = content(root)
        shutil.copytree(root, folder / "after")
        assert generate(folder / "after", NEW) == ()
        self.new = content(folder / "after")

    def fresh(self) -> Path:
        work = self.folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        return shutil.copytree(self.folder / "project", work)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("killed"))


def test_stopped_at_each_of_all_steps_the_tree_is_the_old_or_the_new_one(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # a killed process loses no page of the system; see the next test
    outcomes: list[bool] = []
    stop = 0
    while True:
        stop += 1
        root = case.fresh()
        if not stopped(lambda step, root=root: generate(root, NEW, step), stop):  # type: ignore[misc]
            break
        half = (root / disk.STAGING / "journal.json").exists()
        if half:
            with pytest.raises(Fault, match="between the old and the new files"):
                disk.require_whole(root)
        else:
            disk.require_whole(root)
            assert {path: raw for path, raw in content(root).items() if disk.STAGING not in path} in (
                case.old,
                case.new,
            ), f"step {stop}: check believes the tree to be whole"
        assert disk.recover(root) is (stop > 1)
        found = content(root)
        assert found in (case.old, case.new), f"neither the old nor the new tree after step {stop}"
        assert not disk.recover(root)
        outcomes.append(found == case.new)
    assert stop > 2 * len(NEW), "every file has a step for being staged and one for being moved"
    assert outcomes == sorted(outcomes), "after the commit there is no way back"
    assert set(outcomes) == {True, False}


def test_a_recovery_that_is_killed_itself_is_taken_up_again(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    for first in (40, 75, 120):
        second = 0
        while True:
            second += 7
            root = case.fresh()
            assert stopped(lambda step, root=root: generate(root, NEW, step), first)  # type: ignore[misc]
            expected = case.new if (root / disk.STAGING / "journal.json").exists() else case.old
            cut = stopped(lambda step, root=root: disk.recover(root, step), second)  # type: ignore[misc]
            disk.recover(root)
            assert content(root) == expected, (first, second)
            if not cut:
                break
        assert second > 7


CHILD = """
import sys
from pathlib import Path
from tests.test_disk_kill import NEW, generate
print("ready", flush=True)
sys.stdin.readline()
generate(Path(sys.argv[1]), NEW)
"""


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_at_random_moments_the_tree_is_the_old_or_the_new_one(case: Case, signal_number: int) -> None:
    chance = random.Random(4711)
    for _ in range(10):
        root = case.fresh()
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, str(root)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            process.stdin.write(b"go\n")
            process.stdin.flush()
            time.sleep(chance.uniform(0, 0.12))
            process.send_signal(signal_number)
        if signal_number == signal.SIGTERM:
            disk.require_whole(root)  # who can still be asked to stop finishes the renames first
        disk.recover(root)
        assert content(root) in (case.old, case.new)


def between(case: Case) -> Path:
    """A project cut off in the middle of its renames."""
    root = case.fresh()

    def until_half(step: Callable[[str], None]) -> None:
        generate(root, NEW, lambda name: step(name) if name.startswith("move ") else None)

    assert stopped(until_half, 30)
    return root


def test_what_the_user_did_between_a_kill_and_the_recovery_stays(case: Case) -> None:
    root = between(case)
    moved, waiting, created, removed = NEW[3].path, NEW[50].path, "d6/f62", "d3/f3"
    (root / moved).write_text("mine 1\n")
    (root / waiting).write_text("mine 2\n")
    (root / created).write_text("mine 3\n")
    (root / removed).write_text("mine 4\n")
    (root / "d4" / "f46").unlink()
    (root / "d4" / "f46").symlink_to("../d9/note")
    assert disk.recover(root)
    found = content(root)
    mine = {moved: b"mine 1\n", waiting: b"mine 2\n", created: b"mine 3\n", removed: b"mine 4\n"}
    mine["d4/f46"] = b"mine\n"
    assert found == {**case.new, **mine}
    states = {s.path: s.state for s in disk.compare(root, NEW, lock.read(root)) if s.state != "current"}
    assert states == {moved: "edited", waiting: "edited", created: "edited", "d4/f46": "foreign"}


def test_an_edit_before_the_next_generate_is_refused_not_lost(case: Case) -> None:
    root = between(case)
    (root / NEW[50].path).write_text("mine\n")
    disk.recover(root)
    assert generate(root, OLD) == ("disk/edited",)
    assert (root / NEW[50].path).read_text() == "mine\n"


HOSTILE = [
    {"moves": [{"path": "../out", "old": "", "new": "x", "staged": "0"}], "removals": []},
    {"moves": [{"path": ".git/hooks/pre-commit", "old": "", "new": "x", "staged": "0"}], "removals": []},
    {"moves": [{"path": "a", "old": "", "new": "x", "staged": "../../b"}], "removals": []},
    {"moves": [], "removals": [{"path": "../victim", "old": journal.hash_of("mine\n")}]},
    {"moves": [], "removals": [{"path": "/etc/hostname", "old": ""}]},
    {"moves": 1, "removals": []},
    [],
]


@pytest.mark.parametrize("planted", HOSTILE)
def test_a_journal_that_came_with_a_clone_does_nothing(tmp_path: Path, planted: object) -> None:
    root = tmp_path / "project"
    (root / disk.STAGING / "files").mkdir(parents=True)
    (root / disk.STAGING / "files" / "0").write_text("evil\n")
    (root / disk.STAGING / "journal.json").write_text(json.dumps(planted))
    (tmp_path / "victim").write_text("mine\n")
    before = content(tmp_path)
    with pytest.raises(Fault, match=r"remove \.groundplan-staging"):
        disk.recover(root)
    assert content(tmp_path) == before


def test_a_journal_does_not_reach_through_a_link(tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / disk.STAGING / "files").mkdir(parents=True)
    (root / disk.STAGING / "files" / "0").write_text("evil\n")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "b").write_text("mine\n")
    (root / "d").symlink_to(tmp_path / "home")
    plan = {
        "moves": [{"path": "d/a", "old": "", "new": "x", "staged": "0"}],
        "removals": [{"path": "d/b", "old": journal.hash_of("mine\n")}],
    }
    (root / disk.STAGING / "journal.json").write_text(json.dumps(plan))
    disk.recover(root)
    assert content(tmp_path / "home") == {"b": b"mine\n"}


@pytest.mark.parametrize("kind", ["file", "link"])
def test_something_else_by_the_name_of_the_staging_is_left_alone(tmp_path: Path, kind: str) -> None:
    if kind == "file":
        (tmp_path / disk.STAGING).write_text("mine\n")
    else:
        (tmp_path / "mine").mkdir()
        (tmp_path / disk.STAGING).symlink_to("mine")
    assert not disk.recover(tmp_path)
    with pytest.raises(Fault, match="is not a directory of ours; move it away"):
        generate(tmp_path, OLD)
    assert not (tmp_path / "d1").exists()


def test_files_of_the_users_in_the_staging_are_not_swept_away(tmp_path: Path) -> None:
    (tmp_path / disk.STAGING).mkdir()
    (tmp_path / disk.STAGING / "note").write_text("mine\n")
    with pytest.raises(Fault, match="not empty"):
        disk.recover(tmp_path)
    assert content(tmp_path) == {f"{disk.STAGING}/note": b"mine\n"}


PATHS = st.sampled_from(["a", "b", "d/c", "d/e/f", "d/e/g"])
VERSIONS = st.integers(0, 3)


class Life(RuleBasedStateMachine):
    """A user and groundplan in one directory; what the user typed last stands until the user changes it."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.mine: dict[str, bytes] = {}
        self.typed = 0
        self.generated: dict[str, set[bytes]] = {}

    def teardown(self) -> None:
        self.folder.cleanup()

    def wanted(self, spec: dict[str, int]) -> list[RenderedFile]:
        made = [RenderedFile(path, "test", f"{path} {version}\n") for path, version in spec.items()]
        for file in made:
            self.generated.setdefault(file.path, set()).add(file.text.encode())
        return made

    @rule(spec=st.dictionaries(PATHS, VERSIONS))
    def generates(self, spec: dict[str, int]) -> None:
        made = self.wanted(spec)
        disk.recover(self.root)
        before = content(self.root)
        if generate(self.root, made):
            assert content(self.root) == before
        else:
            assert all((self.root / file.path).read_text() == file.text for file in made)

    @rule(spec=st.dictionaries(PATHS, VERSIONS), stop=st.integers(1, 40))
    def is_killed(self, spec: dict[str, int], stop: int) -> None:
        made = self.wanted(spec)
        disk.recover(self.root)
        stopped(lambda step: generate(self.root, made, step), stop)

    @rule()
    def recovers(self) -> None:
        disk.recover(self.root)
        disk.require_whole(self.root)
        assert not (self.root / disk.STAGING).exists()

    @rule(path=PATHS)
    def types(self, path: str) -> None:
        self.typed += 1
        self.mine[path] = f"mine {self.typed}\n".encode()
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(self.mine[path])

    @rule(path=PATHS)
    def deletes(self, path: str) -> None:
        (self.root / path).unlink(missing_ok=True)
        self.mine.pop(path, None)

    @precondition(lambda self: not (self.root / disk.STAGING).exists())
    @rule()
    def loses_the_lock(self) -> None:
        (self.root / lock.NAME).unlink(missing_ok=True)

    @invariant()
    def nothing_of_mine_is_lost_and_all_else_is_generated(self) -> None:
        for path, raw in content(self.root).items():
            if path == lock.NAME or path.startswith(disk.STAGING):
                continue
            assert raw == self.mine[path] if path in self.mine else raw in self.generated.get(path, set())
        for path, raw in self.mine.items():
            assert (self.root / path).read_bytes() == raw


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=15, deadline=None, derandomize=True)
