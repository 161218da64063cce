"""Rendered files against the working tree.

A file is ours only if its recorded hash is in the lock, or if it is byte for byte what we would write;
anything else is foreign and is never overwritten. Writing is all or nothing: everything is staged beside
the tree first, one rename of the journal is the commit, and whoever comes next finishes or undoes the rest.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from generator import lock as locks
from generator.artifact import RenderedFile
from generator.document import Location
from generator.errors import Fault
from generator.finding import Finding, Severity
from generator.lock import Lock

STAGING = ".groundplan-staging"
_JOURNAL = "journal.json"
_PLANNED = "journal.planned"

STATES = ("current", "stale", "edited", "orphan", "missing", "foreign")


@dataclass(frozen=True, slots=True)
class FileState:
    """One path: its state, what is on disk and what would be written (None where there is nothing)."""

    path: str
    target: str
    state: str
    old: str | None
    new: str | None
    recorded: str = ""
    """The hash in the lock, or ""."""

    @property
    def changes(self) -> bool:
        """Whether writing would touch the path."""
        return self.state in {"stale", "missing", "orphan"}


def compare(root: Path, files: Sequence[RenderedFile], lock: Lock) -> tuple[FileState, ...]:
    """The state of every path that is generated or was; sorted. Raises Fault for paths that cannot be written."""
    _refuse_clashes(files)
    made = {file.path: file for file in files}
    states = [_state(root, path, made.get(path), lock) for path in sorted({*made, *lock.files})]
    return tuple(state for state in states if state is not None)


def _state(root: Path, path: str, file: RenderedFile | None, lock: Lock) -> FileState | None:
    entry = lock.files.get(path)
    recorded = entry.sha256 if entry else ""
    target = file.target if file else entry.target if entry else ""
    exists, old = _read(root, path)
    new = file.text if file else None
    if not exists:
        return FileState(path, target, "missing", None, new, recorded) if file else None
    if new is not None and old is not None and locks.digest(old) == locks.digest(new):
        return FileState(path, target, "current", old, new, recorded)
    ours = old is not None and bool(recorded) and locks.digest(old) == recorded
    if new is None:
        return FileState(path, target, "orphan" if ours else "edited", old, None, recorded)
    if ours:
        return FileState(path, target, "stale", old, new, recorded)
    return FileState(path, target, "edited" if recorded and old is not None else "foreign", old, new, recorded)


def _read(root: Path, path: str) -> tuple[bool, str | None]:
    """Whether something is there, and its text when it is a file of its own (no link, no directory)."""
    place = root / path
    if _linked(root, path) or place.is_symlink():
        return True, None
    if not place.exists():
        return False, None
    if not place.is_file():
        return True, None
    try:
        return True, place.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise Fault(f"{path} cannot be read: {error.strerror}", "mend its permissions") from error


def _linked(root: Path, path: str) -> bool:
    """Whether a directory on the way is a symbolic link or no directory: we never write through one."""
    parents = list(PurePosixPath(path).parents)[:-1]
    return any((root / part).is_symlink() or (root / part).is_file() for part in parents)


def _refuse_clashes(files: Sequence[RenderedFile]) -> None:
    seen: dict[str, str] = {}
    for file in files:
        parts = PurePosixPath(file.path)
        if parts.is_absolute() or ".." in parts.parts or not parts.parts or "\\" in file.path:
            raise Fault(f"{file.path} lies outside the project", "mend the build context or name it is made from")
        other = seen.setdefault(file.path.casefold(), file.path)
        if other != file.path:
            raise Fault(f"{file.path} and {other} are one file where case does not count", "rename one of the services")


_PROBLEMS = {
    "stale": ("is not what the spec says any more", "run `groundplan generate`"),
    "missing": ("is not there", "run `groundplan generate`"),
    "orphan": ("is not made by the spec any more", "run `groundplan generate`, which removes it"),
    "edited": (
        "was edited by hand",
        "move the change into the spec, or take the generated text with `generate --force`",
    ),
    "foreign": ("exists and was not made by groundplan", "move it away, or overwrite it with `generate --force`"),
}


def findings(states: Iterable[FileState]) -> tuple[Finding, ...]:
    """A finding for every path that is not current."""
    return tuple(
        Finding(
            f"disk/{state.state}",
            Severity.HIGH,
            f"{state.path} {_PROBLEMS[state.state][0]}",
            Location(state.path, 1, 1),
            fix=_PROBLEMS[state.state][1],
        )
        for state in states
        if state.state in _PROBLEMS
    )


def difference(states: Iterable[FileState]) -> str:
    """What writing would change, as a unified diff."""
    rows: list[str] = []
    for state in states:
        if state.state == "current":
            continue
        old = (state.old or "").replace("\r\n", "\n").splitlines(keepends=True)
        new = (state.new or "").splitlines(keepends=True)
        before = f"a/{state.path}" if state.old is not None else "/dev/null"
        after = f"b/{state.path}" if state.new is not None else "/dev/null"
        rows += [row if row.endswith("\n") else f"{row}\n" for row in difflib.unified_diff(old, new, before, after)]
    return "".join(rows)


# writing


def nothing(_step: str) -> None:
    """The step callback that does nothing."""


def write(
    root: Path,
    states: Sequence[FileState],
    lock: Lock,
    *,
    force: bool = False,
    step: Callable[[str], None] = nothing,
) -> tuple[Finding, ...]:
    """Make the tree what the states say, all or nothing; findings instead when something of the user's is in the way.

    `step` is called before each thing that touches the disk.
    """
    blocked = [state for state in states if state.state in {"edited", "foreign"}]
    if blocked and not force:
        return findings(blocked)
    text = locks.render(_kept(lock, states, force=force))
    puts = {state.path: state.new for state in states if state.new is not None and (state.changes or state in blocked)}
    removals = [state.path for state in states if state.new is None and (state.state == "orphan" or force)]
    through = [path for path in puts if _linked(root, path)]
    if through:
        raise Fault(
            f"{through[0]} lies behind a symbolic link or a file", "replace it by a directory; nothing was written"
        )
    _, present = _read(root, locks.NAME)
    if not puts and not removals and present == text:
        return ()
    with _faults(), _alone(root):
        _stage(root, {**puts, locks.NAME: text}, removals, step)
        _finish(root, step)
    return ()


def _kept(lock: Lock, states: Iterable[FileState], *, force: bool) -> Lock:
    """An edited file that is not generated any more stays known until somebody decides."""
    stay = {
        state.path: locks.Entry(state.target, state.recorded)
        for state in states
        if state.new is None and state.state == "edited" and not force
    }
    return Lock(lock.spec, lock.tool, lock.data, {**lock.files, **stay})


def recover(root: Path) -> bool:
    """Finish or undo a write that was cut off; true when there was one."""
    staging = root / STAGING
    if not staging.is_dir() or staging.is_symlink():
        return False
    with _faults(), _alone(root):
        if (staging / _JOURNAL).is_file():
            _finish(root, nothing)
        else:
            shutil.rmtree(staging)
    return True


def _stage(root: Path, puts: dict[str, str], removals: Sequence[str], step: Callable[[str], None]) -> None:
    """The complete new files beside the tree, then the journal whose rename is the commit."""
    staging = root / STAGING
    step("stage")
    shutil.rmtree(staging, ignore_errors=True)
    (staging / "files").mkdir(parents=True)
    for number, (path, text) in enumerate(puts.items()):
        step(f"stage {path}")
        _put(staging / "files" / str(number), text)
        _keep_mode(root / path, staging / "files" / str(number))
    step("journal")
    _put(staging / _PLANNED, json.dumps({"puts": list(puts), "removals": list(removals)}))
    step("commit")
    os.replace(staging / _PLANNED, staging / _JOURNAL)  # noqa: PTH105
    _sync_folder(staging)


def _finish(root: Path, step: Callable[[str], None]) -> None:
    """Carry out a committed journal; may be run again after any interruption."""
    staging = root / STAGING
    journal = json.loads((staging / _JOURNAL).read_text(encoding="utf-8"))
    for number, path in enumerate(journal["puts"]):
        step(f"move {path}")
        source, target = staging / "files" / str(number), root / path
        if not source.exists():
            continue  # moved before the interruption
        if target.is_dir() and not target.is_symlink():
            raise Fault(f"{path} is a directory", "move it away and run the command again")
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(source, target)  # noqa: PTH105
    for path in journal["removals"]:
        step(f"remove {path}")
        (root / path).unlink(missing_ok=True)
        _remove_empty(root, path)
    step("done")
    (staging / _JOURNAL).unlink()
    shutil.rmtree(staging)


def _put(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _keep_mode(old: Path, new: Path) -> None:
    if old.is_file() and not old.is_symlink():
        new.chmod(old.stat().st_mode & 0o777)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_empty(root: Path, path: str) -> None:
    for part in list(PurePosixPath(path).parents)[:-1]:
        try:
            (root / part).rmdir()
        except OSError:
            return


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        name = error.filename or "a file"
        fix = "mend it and run the command again; what was begun is finished or undone then"
        raise Fault(f"{name} cannot be written: {error.strerror}", fix) from error


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """One writer at a time: an advisory lock on the project directory, released even by a kill."""
    import fcntl

    descriptor = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Fault("another groundplan is writing in this project", "wait for it to end") from error
        yield
    finally:
        os.close(descriptor)
