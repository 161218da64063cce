"""The working tree: states, refusals, and nothing of the user's ever lost."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from generator import data, disk, lock
from generator.artifact import RenderedFile
from generator.errors import Fault


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


HOSTILE = [
    "../a", "/etc/a", "a/../../b", "a\\b", "", ".", "./a", "a//b", "a/", "a\nb", "a\0b",
    ".git/hooks/pre-commit", "sub/.GIT/config", lock.NAME, ".groundplan-staging/a",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE)
def test_paths_that_are_not_ours_are_refused_from_a_target_and_from_a_lock(tmp_path: Path, path: str) -> None:
    with pytest.raises(Fault, match="outside the project"):
        disk.compare(tmp_path, [RenderedFile(path, "test", "x\n")], lock.Lock())
    (tmp_path / lock.NAME).write_text(lock.render(lock.Lock(files={path: lock.Entry("test", lock.digest("x\n"))})))
    with pytest.raises(Fault, match="which no target writes"):
        lock.read(tmp_path)


@pytest.mark.parametrize("path", ["a", ".env.example", ".github/workflows/a.yaml", "a b/ü", "gitlab/.gitignore", "..a"])
def test_paths_that_are_ours(tmp_path: Path, path: str) -> None:
    assert write(tmp_path, [RenderedFile(path, "test", "x\n")]) == ()
    assert states(tmp_path, [RenderedFile(path, "test", "x\n")]) == {path: "current"}


def test_paths_that_differ_in_case_alone_are_refused(tmp_path: Path) -> None:
    for one, other in (("A", "a"), ("d/É", "D/e\u0301")):
        with pytest.raises(Fault, match="case"):
            disk.compare(tmp_path, [RenderedFile(path, "t", "1\n") for path in (one, other)], lock.Lock())


def test_a_file_and_a_directory_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="a would be a file and the directory of a/b/c"):
        disk.compare(tmp_path, files(a="1\n", a__b__c="1\n"), lock.Lock())


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


def test_a_second_writer_is_told_to_wait(tmp_path: Path) -> None:
    import fcntl

    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(Fault, match="another groundplan"):
            write(tmp_path, files(a="1\n"))
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(("before", "after"), [("d", "d__e__f"), ("d__e__f", "d"), ("d__e__f", "d__e")])
def test_a_directory_takes_the_place_of_our_file_and_the_other_way_round(
    tmp_path: Path, before: str, after: str
) -> None:
    write(tmp_path, files(**{before: "1\n"}))
    assert write(tmp_path, files(**{after: "2\n"})) == ()
    assert content(tmp_path).keys() == {after.replace("__", "/"), lock.NAME}


def test_a_directory_with_a_file_of_the_users_stays(tmp_path: Path) -> None:
    write(tmp_path, files(d__e="1\n"))
    (tmp_path / "d" / "note").write_text("mine\n")
    before = content(tmp_path)
    assert write(tmp_path, files(d="2\n")) == ("disk/foreign",)
    with pytest.raises(Fault, match="d is a directory"):
        write(tmp_path, files(d="2\n"), force=True)
    assert content(tmp_path) == before


@pytest.mark.parametrize(
    ("edited", "line"),
    [("x\n2\n3\n", 1), ("1\n2\nx\n", 3), ("1\n2\n", 2), ("1\n2\n3\nx\n", 3), ("1\r\n2\r\nx\r\n", 3), ("", 1)],
)
def test_an_edited_file_is_shown_where_it_begins_to_differ(tmp_path: Path, edited: str, line: int) -> None:
    write(tmp_path, files(a="1\n2\n3\n"))
    (tmp_path / "a").write_bytes(edited.encode())
    (found,) = disk.findings(disk.compare(tmp_path, files(a="1\n2\n3\n"), lock.read(tmp_path)))
    assert (found.rule, found.at.line) == ("disk/edited", line)
    assert ("first at line" in found.message) is (line > 1)


def test_an_edited_orphan_goes_with_force_alone_and_says_how_to_keep_it(tmp_path: Path) -> None:
    write(tmp_path, files(a="1\n", b="1\n"))
    (tmp_path / "b").write_text("mine\n")
    (found,) = disk.findings(disk.compare(tmp_path, files(a="1\n"), lock.read(tmp_path)))
    assert found.message == "b was edited by hand and is not made by the spec any more"
    assert found.fix == "move it elsewhere to keep it, or have it removed with `groundplan generate --force`"
    assert write(tmp_path, files(a="1\n"), force=True) == ()
    assert content(tmp_path).keys() == {"a", lock.NAME}


def test_what_stands_where_an_orphan_was_is_not_ours(tmp_path: Path) -> None:
    """The lock names a file; a link or a directory in its place is never removed, not even with force."""
    write(tmp_path, files(a="1\n", b="1\n", d__c="1\n"))
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to("note")
    (tmp_path / "note").write_text("1\n")
    (tmp_path / "b").unlink()
    (tmp_path / "b").mkdir()
    (tmp_path / "d").rename(tmp_path / "moved")
    (tmp_path / "d").symlink_to("moved")
    assert write(tmp_path, [], force=True) == ()
    assert (tmp_path / "a").is_symlink()
    assert (tmp_path / "b").is_dir()
    assert content(tmp_path).keys() >= {"a", "note", "moved/c"}


def test_one_file_under_two_cases_is_no_orphan(tmp_path: Path) -> None:
    write(tmp_path, files(Web="1\n"))
    os.link(tmp_path / "Web", tmp_path / "web")  # what a file system that does not know case shows
    assert states(tmp_path, files(web="1\n")) == {"web": "current"}
    assert write(tmp_path, files(web="1\n")) == ()
    assert (tmp_path / "web").exists()


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00bad", b"\xef\xbb\xbfmine\r\n", b"x" * 10 + b"\x85\xe2\x80\xa8"])
def test_bytes_that_are_no_text_are_kept(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a").write_bytes(raw)
    compared = disk.compare(tmp_path, files(a="1\n"), lock.Lock())
    assert [state.state for state in compared] == ["foreign"]
    disk.difference(compared).encode("utf-8")
    assert write(tmp_path, files(a="1\n")) == ("disk/foreign",)
    assert (tmp_path / "a").read_bytes() == raw


@pytest.mark.parametrize("change", ["\ufeff1\n2\n", "1\r\n2\r\n", "\ufeff1\r\n2\r\n"])
def test_a_checkout_with_other_line_ends_or_a_mark_is_not_edited(tmp_path: Path, change: str) -> None:
    write(tmp_path, files(a="1\n2\n"))
    (tmp_path / "a").write_bytes(change.encode())
    lock_bytes = (tmp_path / lock.NAME).read_bytes().replace(b"\n", b"\r\n")
    (tmp_path / lock.NAME).write_bytes(lock_bytes)
    assert states(tmp_path, files(a="1\n2\n")) == {"a": "current"}
    assert states(tmp_path, files(a="3\n")) == {"a": "stale"}
    assert write(tmp_path, files(a="1\n2\n")) == ()
    assert (tmp_path / "a").read_bytes() == change.encode()
    assert (tmp_path / lock.NAME).read_bytes() == lock_bytes


@pytest.mark.parametrize("change", ["1\n2", "1\n2\n\n", "1\r2\n", "1 \n2\n"])
def test_any_other_change_is_an_edit(tmp_path: Path, change: str) -> None:
    write(tmp_path, files(a="1\n2\n"))
    (tmp_path / "a").write_bytes(change.encode())
    assert states(tmp_path, files(a="1\n2\n")) == {"a": "edited"}


def test_a_lock_that_lags_behind_is_said_and_mended(tmp_path: Path) -> None:
    made = files(a="1\n", b="1\n", c="1\n")
    write(tmp_path, made)
    (tmp_path / lock.NAME).unlink()
    (found,) = disk.findings(disk.compare(tmp_path, made, lock.read(tmp_path)))
    assert (found.rule, found.at.path) == ("disk/unrecorded", lock.NAME)
    assert found.message == "groundplan.lock does not hold what was written last for a and 2 more"
    assert write(tmp_path, made) == ()
    assert disk.findings(disk.compare(tmp_path, made, lock.read(tmp_path))) == ()


def test_a_tree_that_is_current_is_not_touched(tmp_path: Path) -> None:
    write(tmp_path, files(a="1\n"))
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert write(tmp_path, files(a="1\n")) == ()
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_what_changes_after_the_comparison_is_kept(tmp_path: Path) -> None:
    write(tmp_path, files(a="1\n", b="1\n"))
    compared = disk.compare(tmp_path, files(a="2\n", b="2\n"), lock.read(tmp_path))
    (tmp_path / "b").write_text("mine\n")
    before = content(tmp_path)
    with pytest.raises(Fault, match="b was changed while groundplan was at work; run it again"):
        disk.write(tmp_path, compared, lock.lock_of("groundplan.yaml", {}, files(a="2\n", b="2\n")))
    assert content(tmp_path) == before


def test_a_directory_that_cannot_be_written_stops_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, files(a="1\n", d__b="1\n"))
    before = content(tmp_path)
    monkeypatch.setattr(os, "access", lambda place, _mode: not str(place).endswith("/d"))  # root may write everywhere
    with pytest.raises(Fault, match="d cannot be written; mend its permissions"):
        write(tmp_path, files(a="2\n", d__b="2\n"))
    assert content(tmp_path) == before


def test_a_disk_that_is_full_leaves_the_old_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, files(a="1\n"))
    before = content(tmp_path)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Fault, match="cannot be written: No space left on device"):
        write(tmp_path, files(a="2\n", b="2\n"))
    assert content(tmp_path) == before


def test_the_lock_is_as_its_schema_says_and_another_specs_is_left_alone(tmp_path: Path) -> None:
    made = files(a="1\n", d__b="2\n")
    digest = lock.digest_inputs({"services.web.port": 80, "docker/Dockerfile.j2": "FROM"})
    held = lock.lock_of("shop.yaml", {"runtimes": "2026-11-23"}, made, {"a": digest})
    schema = Draft202012Validator(data.load("schemas/lock.schema.json"))
    assert not list(schema.iter_errors(json.loads(lock.render(held))))
    for path in ("../a", "/a", "a\\b", "d/.."):
        assert list(schema.iter_errors({**json.loads(lock.render(held)), "files": {path: {}}}))
    (tmp_path / lock.NAME).write_text(lock.render(held))
    assert lock.read(tmp_path) == held
    lock.require_same_spec(tmp_path, held, "other.yaml")  # shop.yaml was renamed
    (tmp_path / "shop.yaml").write_text("product: shop\n")
    lock.require_same_spec(tmp_path, held, "shop.yaml")
    with pytest.raises(Fault, match=r"groundplan.lock belongs to shop.yaml"):
        lock.require_same_spec(tmp_path, held, "other.yaml")


# a lock in conflict, or damaged


def test_branches_that_change_neighbours_merge_and_a_conflict_keeps_both_sides(tmp_path: Path) -> None:
    names = {f"f{number}": f"{number}\n" for number in range(6)}
    write(tmp_path, files(**names))
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "base")
    git(tmp_path, "checkout", "-qb", "theirs")
    write(tmp_path, files(**{**names, "f2": "theirs\n", "f4": "theirs\n"}))
    git(tmp_path, "commit", "-qam", "theirs")
    git(tmp_path, "checkout", "-q", "main")
    write(tmp_path, files(**{**names, "f3": "ours\n"}))
    git(tmp_path, "commit", "-qam", "ours")
    git(tmp_path, "merge", "-q", "theirs")
    both = files(**{**names, "f2": "theirs\n", "f3": "ours\n", "f4": "theirs\n"})
    assert set(states(tmp_path, both).values()) == {"current"}

    git(tmp_path, "checkout", "-qb", "more", "main~1")
    write(tmp_path, files(**{**names, "f2": "more\n", "f3": "more\n", "f5": "more\n"}))
    git(tmp_path, "commit", "-qam", "more")
    with pytest.raises(subprocess.CalledProcessError):
        git(tmp_path, "merge", "-q", "main")
    assert "<<<<<<<" in (tmp_path / lock.NAME).read_text()
    git(tmp_path, "checkout", "--theirs", "f2")
    git(tmp_path, "checkout", "--ours", "f3")
    with pytest.raises(Fault, match="run `groundplan generate`, which keeps what both sides knew"):
        lock.read(tmp_path)
    wanted = files(**dict.fromkeys(names, "all new\n"))
    found = {state.path: state.state for state in disk.compare(tmp_path, wanted, lock.salvage(tmp_path))}
    assert found == dict.fromkeys(names, "stale"), "each side's bytes are known to be ours"
    (tmp_path / "f1").write_text("mine\n")
    found = {state.path: state.state for state in disk.compare(tmp_path, wanted, lock.salvage(tmp_path))}
    assert found == {**dict.fromkeys(names, "stale"), "f1": "edited"}


def test_a_cut_off_lock_keeps_what_stands_before_the_cut(tmp_path: Path) -> None:
    write(tmp_path, files(a="1\n", b="1\n"))
    text = (tmp_path / lock.NAME).read_text()
    (tmp_path / lock.NAME).write_text(text[: text.index('"b"')])
    with pytest.raises(Fault, match="damaged"):
        lock.read(tmp_path)
    wanted = files(a="2\n", b="2\n")
    found = {state.path: state.state for state in disk.compare(tmp_path, wanted, lock.salvage(tmp_path))}
    assert found == {"a": "stale", "b": "foreign"}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 1}', "\0\xff", "[" * 100_000])
def test_a_lock_of_which_nothing_is_left_makes_files_foreign(tmp_path: Path, text: str) -> None:
    (tmp_path / lock.NAME).write_text(text)
    (tmp_path / "a").write_text("1\n")
    with pytest.raises(Fault, match="damaged"):
        lock.read(tmp_path)
    assert lock.salvage(tmp_path).files == {}


def test_a_lock_of_a_newer_program_is_not_salvaged(tmp_path: Path) -> None:
    for text in ('{"format": 99, "tool": "9.9.9"}', '<<<<<<< a\n  "format": 99,\n'):
        (tmp_path / lock.NAME).write_text(text)
        with pytest.raises(Fault, match="newer groundplan"):
            lock.salvage(tmp_path)


@pytest.mark.parametrize("kind", ["link", "directory"])
def test_a_lock_that_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    if kind == "link":
        (tmp_path / lock.NAME).symlink_to("/etc/passwd")
    else:
        (tmp_path / lock.NAME).mkdir()
    with pytest.raises(Fault, match=r"groundplan\.lock (is a symbolic link|cannot be read)"):
        lock.read(tmp_path)
