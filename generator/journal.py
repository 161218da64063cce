"""Many files switched as one, however the process ends.

The new texts are written beside the tree, then a journal; the rename of the journal is the commit. A write cut
off before it is undone by whoever comes next, one cut off after it is finished. The journal holds the bytes that
each path had: what the user changed since then stays the user's. A journal may also have come with a clone, so
it can do no more than a commit could: its paths are held to the same rule as ours.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from generator import lock as locks
from generator.errors import Fault
from generator.tree import Tree

_FOLDER = locks.STAGING
_FILES = f"{_FOLDER}/files"
_PLANNED = f"{_FOLDER}/journal.planned"
_COMMITTED = f"{_FOLDER}/journal.json"
_IGNORED = f"{_FOLDER}/.gitignore"


@dataclass(frozen=True, slots=True)
class Put:
    """A path to be written; `old` is what `Tree.bytes_at` says of it before."""

    path: str
    old: str
    text: str


@dataclass(frozen=True, slots=True)
class Removal:
    """A path to be removed; `old` as in `Put`."""

    path: str
    old: str


@dataclass(frozen=True, slots=True)
class _Move:
    """A staged file on its way."""

    path: str
    old: str
    new: str
    staged: str


def nothing(_step: str) -> None:
    """The step that does nothing."""


def hash_of(text: str | None) -> str:
    """What `Tree.bytes_at` says where this text is, or where nothing is."""
    return "" if text is None else hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def switch(root: Path, puts: Sequence[Put], removals: Sequence[Removal], step: Callable[[str], None] = nothing) -> None:
    """Write and remove all of it or nothing. Raises Fault when the tree is not what was expected.

    `step` is called before each thing that touches the disk.
    """
    with _faults(), _alone(root):
        _settle(root, step)
        _refuse_changed(root, (*puts, *removals))
        _refuse_unwritable(root, puts, removals)
        try:
            _stage(root, puts, removals, step)
        except BaseException:
            if not (root / _COMMITTED).exists():
                _discard(root, nothing)
            raise
        kept = _finish(root, step)
    if kept:
        raise Fault(
            f"{kept[0]} was changed while groundplan wrote, and was kept as it is", "see what `groundplan check` says"
        )


def recover(root: Path, step: Callable[[str], None] = nothing) -> bool:
    """Finish or undo a write that was cut off; true when there was one."""
    if Tree(root).kind(_FOLDER) != "directory":
        return False
    with _faults(), _alone(root):
        return _settle(root, step)


def require_whole(root: Path) -> None:
    """Raise Fault when a cut-off write left some old and some new files; changes nothing."""
    if Tree(root).kind(_COMMITTED) == "file":
        raise Fault(
            "a write of groundplan stopped between the old and the new files, or is under way",
            "run `groundplan generate`, which finishes it",
        )


def _settle(root: Path, step: Callable[[str], None]) -> bool:
    tree = Tree(root)
    kind = tree.kind(_FOLDER)
    if kind not in {"", "directory"}:
        raise Fault(f"{_FOLDER} is not a directory of ours", "move it away")
    if not kind:
        return False
    if tree.kind(_COMMITTED) == "file":
        _finish(root, step)
    else:
        _discard(root, step)
    return True


def _refuse_changed(root: Path, planned: Sequence[Put | Removal]) -> None:
    """What somebody changed between the comparison and the lock must be compared again."""
    tree = Tree(root)
    for change in planned:
        if tree.bytes_at(change.path) != change.old and not _goes_first(tree, change, planned):
            raise Fault(
                f"{change.path} was changed while groundplan was at work", "run it again; nothing has been written"
            )


def _goes_first(tree: Tree, change: Put | Removal, planned: Sequence[Put | Removal]) -> bool:
    """Whether only files that are removed first stand where a new one is to be."""
    removed = {other.path for other in planned if isinstance(other, Removal)}
    if change.old or isinstance(change, Removal):
        return False
    if way := tree.behind(change.path.rpartition("/")[0]):
        return way in removed
    return any(path.startswith(f"{change.path}/") for path in removed) and tree.kind(change.path) == "directory"


def _refuse_unwritable(root: Path, puts: Sequence[Put], removals: Sequence[Removal]) -> None:
    """Everything that would stop the switch half way is found before it begins."""
    tree = Tree(root)
    planned: list[Put | Removal] = [*puts, *removals]
    removed = {removal.path for removal in removals}
    device = os.lstat(root).st_dev
    for put in puts:
        way = tree.behind(put.path.rpartition("/")[0])
        if way and way not in removed:
            raise Fault(f"{put.path} lies behind {way}, which is not a directory", "move it away; nothing was written")
        if put.old == "directory":
            raise Fault(f"{put.path} is a directory", "move it away; nothing was written")
    for folder in sorted({_nearest(tree, change.path) for change in planned}):
        place = tree.place(folder) if folder else tree.root
        shown = folder or "the project's directory"
        if not os.access(place, os.W_OK | os.X_OK):
            raise Fault(f"{shown} cannot be written", "mend its permissions; nothing was written")
        if os.lstat(place).st_dev != device:
            raise Fault(f"{shown} lies on another file system", "unmount it; nothing was written")


def _nearest(tree: Tree, path: str) -> str:
    """The nearest directory that is already there."""
    folder = path.rpartition("/")[0]
    while folder and tree.kind(folder) != "directory":
        folder = folder.rpartition("/")[0]
    return folder


def _stage(root: Path, puts: Sequence[Put], removals: Sequence[Removal], step: Callable[[str], None]) -> None:
    """The complete new files beside the tree, then the journal whose rename is the commit."""
    step("stage")
    (root / _FOLDER).mkdir()
    (root / _FILES).mkdir()
    _put(root / _IGNORED, "*\n")
    moves = [_Move(put.path, put.old, hash_of(put.text), str(number)) for number, put in enumerate(puts)]
    for put, move in zip(puts, moves, strict=True):
        step(f"stage {put.path}")
        _put(root / _FILES / move.staged, put.text)
        if len(put.old) == 64:
            (root / _FILES / move.staged).chmod((root / put.path).stat().st_mode & 0o777)
    for move in moves:
        _sync(root / _FILES / move.staged)
    step("journal")
    _put(root / _PLANNED, json.dumps({"moves": [asdict(m) for m in moves], "removals": [asdict(r) for r in removals]}))
    for written in (_PLANNED, _FILES, _FOLDER):
        _sync(root / written)
    _sync(root)
    step("commit")
    with _undisturbed():
        os.replace(root / _PLANNED, root / _COMMITTED)  # noqa: PTH105
        _sync(root / _FOLDER)


def _finish(root: Path, step: Callable[[str], None]) -> tuple[str, ...]:
    """Carry out a committed journal, again after any interruption; gives the paths that were kept for the user.

    Removals come first: a directory may take the place of a file, and the other way round.
    """
    moves, removals = _committed(root)
    planned: list[_Move | Removal] = [*moves, *removals]
    kept: list[str] = []
    with _undisturbed():
        for removal in removals:
            step(f"remove {removal.path}")
            kept += _remove(root, removal)
        for move in moves:
            step(f"move {move.path}")
            kept += _move(root, move)
        step("sync")
        for folder in sorted({_nearest(Tree(root), change.path) for change in planned}):
            _sync(root / folder)
        step("done")
        (root / _COMMITTED).unlink()
    _discard(root, step)
    return tuple(kept)


def _committed(root: Path) -> tuple[list[_Move], list[Removal]]:
    try:
        raw: Any = json.loads((root / _COMMITTED).read_text(encoding="utf-8"))
        moves = [_Move(**{name: str(text) for name, text in row.items()}) for row in raw["moves"]]
        removals = [Removal(**{name: str(text) for name, text in row.items()}) for row in raw["removals"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Fault(f"{_COMMITTED} is damaged", f"remove {_FOLDER} and run `groundplan generate`") from error
    for path in [*(move.path for move in moves), *(removal.path for removal in removals)]:
        if path != locks.NAME and not locks.is_writable(path):
            raise Fault(f'{_COMMITTED} names "{path}", which is not ours to write', f"remove {_FOLDER}")
    if not all(move.staged.isdecimal() and move.staged.isascii() for move in moves):
        raise Fault(f"{_COMMITTED} is damaged", f"remove {_FOLDER} and run `groundplan generate`")
    return moves, removals


def _remove(root: Path, removal: Removal) -> list[str]:
    there = Tree(root).bytes_at(removal.path)
    if there != removal.old:
        return [removal.path] if there else []
    if removal.old in {"", "directory"}:
        return []
    (root / removal.path).unlink()
    for folder in list(PurePosixPath(removal.path).parents)[:-1]:
        try:
            (root / folder).rmdir()
        except OSError:
            break
    return []


def _move(root: Path, move: _Move) -> list[str]:
    tree = Tree(root)
    if tree.kind(f"{_FILES}/{move.staged}") != "file":
        return []  # moved before an interruption
    there = tree.bytes_at(move.path)
    if there == move.new:
        return []
    if there != move.old or there == "directory":
        return [move.path]
    target = root / move.path
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(root / _FILES / move.staged, target)  # noqa: PTH105
    return []


def _discard(root: Path, step: Callable[[str], None]) -> None:
    """Remove the staging, and of it only what we put there."""
    tree = Tree(root)
    for name in tree.names(_FILES):
        if name.isdecimal():
            step(f"discard {name}")
            (root / _FILES / name).unlink()
    for path in (_PLANNED, _IGNORED):
        step(f"discard {path}")
        (root / path).unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        (root / _FILES).rmdir()
    step(f"discard {_FOLDER}")
    (root / _FOLDER).rmdir()


def _put(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        stream.write(text)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals that ask us to stop wait until the few renames are done; only a kill cannot wait."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
