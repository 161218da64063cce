"""The working tree: states, refusals, and nothing of the user's ever lost."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import disk, lock
from generator.artifact import RenderedFile
from generator.errors import Fault
from tests.conftest import ROOT


def files(**texts: str) -> list[RenderedFile]:
    return [RenderedFile(path.replace("__", "/"), "test", text) for path, text in texts.items()]


def write(root: Path, made: list[RenderedFile], *, force: bool = False) -> tuple[str, ...]:
    states = disk.compare(root, made, lock.read(root))
    found = disk.write(root, states, lock.lock_of("groundplan.yaml", {}, made), force=force)
    return tuple(finding.rule for finding in found)


def states(root: Path, made: list[RenderedFile]) -> dict[str, str]:
    return {state.path: state.state for state in disk.compare(root, made, lock.read(root))}


def content(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.parts
    }


def test_the_six_states(tmp_path: Path) -> None:
    write(tmp_path, files(current="a\n", stale="a\n", edited="a\n", orphan="a\n", missing="a\n"))
    (tmp_path / "edited").write_text("mine\n")
    (tmp_path / "foreign").write_text("mine\n")
    (tmp_path / "missing").unlink()
    made = files(current="a\n", stale="b\n", edited="b\n", missing="a\n", foreign="x\n")
    assert states(tmp_path, made) == {name: name for name in disk.STATES}
    assert sorted(finding.rule for finding in disk.findings(disk.compare(tmp_path, made, lock.read(tmp_path)))) == [
        f"disk/{name}" for name in sorted(disk.STATES) if name != "current"
    ]


def test_equal_files_are_ours_without_a_lock(tmp_path: Path) -> None:
    write(tmp_path, files(a="x\n"))
    (tmp_path / lock.NAME).unlink()
    assert states(tmp_path, files(a="x\n")) == {"a": "current"}
    assert write(tmp_path, files(a="x\n")) == ()
    assert lock.read(tmp_path).files.keys() == {"a"}


@pytest.mark.parametrize("in_the_way", ["edited", "foreign"])
def test_what_is_the_users_is_not_overwritten_and_nothing_else_is_written(tmp_path: Path, in_the_way: str) -> None:
    if in_the_way == "edited":
        write(tmp_path, files(a="1\n"))
    (tmp_path / "a").write_text("mine\n")
    before = content(tmp_path)
    assert write(tmp_path, files(a="2\n", b="2\n")) == (f"disk/{in_the_way}",)
    assert content(tmp_path) == before
    assert write(tmp_path, files(a="2\n", b="2\n"), force=True) == ()
    assert (tmp_path / "a").read_text() == "2\n"


def test_orphans_go_only_when_they_are_ours(tmp_path: Path) -> None:
    write(tmp_path, files(a="1\n", deep__er__b="1\n", c="1\n"))
    (tmp_path / "c").write_text("mine\n")
    assert write(tmp_path, files(a="1\n")) == ("disk/edited",)
    assert (tmp_path / "deep" / "er" / "b").exists()
    (tmp_path / "c").write_text("1\n")
    (tmp_path / "deep" / "note").write_text("mine\n")
    assert write(tmp_path, files(a="1\n")) == ()
    assert content(tmp_path).keys() == {"a", "deep/note", lock.NAME}


def test_a_directory_that_empties_goes_too(tmp_path: Path) -> None:
    write(tmp_path, files(a="1\n", deep__er__b="1\n"))
    write(tmp_path, files(a="1\n"))
    assert not (tmp_path / "deep").exists()


def test_modes_are_kept(tmp_path: Path) -> None:
    write(tmp_path, files(a="1\n"))
    (tmp_path / "a").chmod(0o755)
    write(tmp_path, files(a="2\n"))
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("kind", ["link", "directory", "link above"])
def test_links_and_directories_are_foreign(tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b").write_text("mine\n")
    root = tmp_path / "project"
    root.mkdir()
    if kind == "link":
        (root / "d").mkdir()
        (root / "d" / "b").symlink_to(outside / "b")
    elif kind == "directory":
        (root / "d" / "b").mkdir(parents=True)
    else:
        (root / "d").symlink_to(outside)
    assert states(root, files(d__b="x\n")) == {"d/b": "foreign"}
    assert write(root, files(d__b="x\n")) == ("disk/foreign",)
    if kind == "link above":
        with pytest.raises(Fault, match="lies behind d, which"):
            write(root, files(d__b="x\n"), force=True)
    assert (outside / "b").read_text() == "mine\n"


@pytest.mark.parametrize("path", ["../a", "/etc/a", "a/../../b", "a\\b"])
def test_paths_out_of_the_project_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(Fault, match="outside the project"):
        disk.compare(tmp_path, [RenderedFile(path, "test", "x\n")], lock.Lock())


def test_paths_that_differ_in_case_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="case"):
        disk.compare(tmp_path, files(A="1\n", a="1\n"), lock.Lock())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"format": 1}', "damaged"),
        ('{"format": 99, "tool": "9.9.9"}', "newer"),
        ("<<<<<<< HEAD\n=======\n>>>>>>> x\n", "conflict"),
    ],
)
def test_a_lock_that_cannot_be_read_says_what_to_do(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / lock.NAME).write_text(text)
    with pytest.raises(Fault, match=said) as fault:
        lock.read(tmp_path)
    assert fault.value.fix


def test_the_lock_holds_no_machine_and_one_line_a_file(tmp_path: Path) -> None:
    write(tmp_path, files(a="1\n", b="2\n"))
    text = (tmp_path / lock.NAME).read_text()
    assert str(tmp_path) not in text
    assert [line.count("sha256") for line in text.splitlines() if "sha256" in line] == [1, 1]
    assert lock.render(lock.read(tmp_path)) == text


def test_the_difference_is_a_unified_diff(tmp_path: Path) -> None:
    write(tmp_path, files(a="1\n", gone="1\n"))
    text = disk.difference(disk.compare(tmp_path, files(a="2\n", b="3\n"), lock.read(tmp_path)))
    assert "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+2\n" in text
    assert "--- /dev/null\n+++ b/b\n" in text
    assert "--- a/gone\n+++ /dev/null\n" in text


# git


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("line_ends", ["false", "true"])
def test_a_clone_or_a_crlf_checkout_edits_nothing(tmp_path: Path, line_ends: str) -> None:
    root = tmp_path / "one"
    root.mkdir()
    made = files(a="1\n2\n", d__b="x\n")
    write(root, made)
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "x")
    git(tmp_path, "-c", f"core.autocrlf={line_ends}", "clone", "-q", "one", "two")
    assert (b"\r\n" in (tmp_path / "two" / "a").read_bytes()) is (line_ends == "true")
    assert set(states(tmp_path / "two", made).values()) == {"current"}
    assert states(tmp_path / "two", files(a="3\n", d__b="x\n"))["a"] == "stale"


def test_a_rebase_merges_the_lock_and_edits_nothing(tmp_path: Path) -> None:
    names = {f"f{number}": f"{number}\n" for number in range(9)}
    write(tmp_path, files(**names))
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "base")
    git(tmp_path, "checkout", "-qb", "theirs")
    write(tmp_path, files(**{**names, "f1": "theirs\n"}))
    git(tmp_path, "commit", "-qam", "theirs")
    git(tmp_path, "checkout", "-q", "main")
    write(tmp_path, files(**{**names, "f7": "ours\n"}))
    git(tmp_path, "commit", "-qam", "ours")
    git(tmp_path, "rebase", "-q", "theirs")
    both = files(**{**names, "f1": "theirs\n", "f7": "ours\n"})
    assert set(states(tmp_path, both).values()) == {"current"}
    assert set(states(tmp_path, files(**names)).values()) == {"current", "stale"}


# interruption

CHILD = """
import os, sys
from pathlib import Path
from generator import disk, lock
from generator.artifact import RenderedFile
root, stop = Path(sys.argv[1]), int(sys.argv[2])
made = [RenderedFile(f"d{n % 7}/f{n}", "test", f"new {n}\\n" * 50) for n in range(5, 65)]
count = 0
def step(name):
    global count
    count += 1
    if count == stop:
        os._exit(9)
states = disk.compare(root, made, lock.read(root))
disk.write(root, states, lock.lock_of("groundplan.yaml", {}, made), step=step)
print(count)
"""


def before_and_after(folder: Path) -> tuple[Path, dict[str, bytes], dict[str, bytes]]:
    """A project of 60 files with one of the user's, its bytes, and its bytes after the next write."""
    root = folder / "project"
    root.mkdir()
    write(root, [RenderedFile(f"d{n % 7}/f{n}", "test", f"old {n}\n" * 50) for n in range(60)])
    (root / "d1" / "note").write_text("mine\n")
    old = content(root)
    shutil.copytree(root, folder / "after")
    done = child(folder / "after", 0)
    assert done.returncode == 0, done.stderr
    return root, old, content(folder / "after")


def child(root: Path, stop: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CHILD, str(root), str(stop)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_stopped_at_any_step_the_tree_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    root, old, new = before_and_after(tmp_path)
    outcomes = set()
    steps = int(child(fresh(tmp_path, root), 0).stdout)
    for stop in sorted({*range(1, steps + 1, 7), steps, steps - 1, *range(60, 66)}):
        folder = fresh(tmp_path, root)
        assert child(folder, stop).returncode == 9
        assert disk.recover(folder) is (stop > 1)
        found = content(folder)
        assert found in (old, new), f"neither the old nor the new tree after step {stop}"
        outcomes.add(found == new)
        assert not (folder / disk.STAGING).exists()
    assert outcomes == {True, False}


def fresh(folder: Path, root: Path) -> Path:
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(root, work)
    return work


def test_killed_at_random_moments_the_tree_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    root, old, new = before_and_after(tmp_path)
    chance = random.Random(4711)
    for _ in range(12):
        folder = fresh(tmp_path, root)
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(folder), "0"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
        )
        limit = time.monotonic() + 20
        while not (folder / disk.STAGING).exists() and process.poll() is None and time.monotonic() < limit:
            time.sleep(0.0005)
        time.sleep(chance.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        disk.recover(folder)
        assert content(folder) in (old, new)


def test_a_second_writer_is_told_to_wait(tmp_path: Path) -> None:
    import fcntl

    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(Fault, match="another groundplan"):
            write(tmp_path, files(a="1\n"))
    finally:
        os.close(descriptor)


NAMES = st.sampled_from(["a", "b", "d/c", "d/e/f"])
TEXTS = st.sampled_from(["1\n", "2\n", "3\n"])
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("generate"), st.dictionaries(NAMES, TEXTS, max_size=4)),
        st.tuples(st.just("edit"), NAMES, TEXTS),
        st.tuples(st.just("delete"), NAMES),
        st.tuples(st.just("forget")),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(ACTIONS)
def test_whatever_happens_the_users_bytes_are_never_lost(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[object, ...]]
) -> None:
    """Only bytes that some generate wrote may be replaced or removed without force."""
    root = tmp_path_factory.mktemp("tree")
    ours: set[tuple[str, str]] = set()
    for action in actions:
        if action[0] == "generate":
            wanted = action[1]
            assert isinstance(wanted, dict)
            made = [RenderedFile(path, "test", text) for path, text in wanted.items()]
            before = {path: text for path, text in content(root).items() if path != lock.NAME}
            write(root, made)
            after = content(root)
            for path, raw in before.items():
                if after.get(path) != raw:
                    assert (path, raw.decode()) in ours or wanted.get(path) == raw.decode()
            ours |= {(path, text) for path, text in wanted.items() if after.get(path) == text.encode()}
        elif action[0] == "edit":
            path = root / str(action[1])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"user {action[2]}")
        elif action[0] == "delete":
            (root / str(action[1])).unlink(missing_ok=True)
        else:
            (root / lock.NAME).unlink(missing_ok=True)
