"""Rendered files against the working tree.

A file is ours only if its recorded hash is in the lock, or if it is what we would write; anything else is
foreign and is never overwritten. How writing is all or nothing is the business of `journal`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generator import journal
from generator import lock as locks
from generator.artifact import RenderedFile
from generator.document import Location
from generator.errors import Fault
from generator.finding import Finding, Severity
from generator.lock import Lock
from generator.tree import Tree

STAGING = locks.STAGING
recover = journal.recover
require_whole = journal.require_whole

STATES = ("current", "stale", "edited", "orphan", "missing", "foreign")


@dataclass(frozen=True, slots=True)
class FileState:
    """One path: its state, what is on disk and what would be written (None where there is no text)."""

    path: str
    target: str
    state: str
    old: str | None
    new: str | None
    recorded: str = ""
    """The hash in the lock, or ""."""
    obstacle: str = ""
    """What stands there when it is not a file that we may read: "is a directory"."""

    @property
    def changes(self) -> bool:
        """Whether writing would touch the path."""
        return self.state in {"stale", "missing", "orphan"}


def compare(root: Path, files: Sequence[RenderedFile], lock: Lock) -> tuple[FileState, ...]:
    """The state of every path that is generated or was; sorted. Raises Fault for paths that cannot be written."""
    _refuse_clashes(files)
    made = {file.path: file for file in files}
    tree = Tree(root)
    states = [_state(tree, path, made.get(path), lock) for path in sorted({*made, *lock.files})]
    return tuple(_cleared(tree, [state for state in states if state is not None]))


def _state(tree: Tree, path: str, file: RenderedFile | None, lock: Lock) -> FileState | None:
    entry = lock.files.get(path)
    recorded = entry.sha256 if entry else ""
    target = file.target if file else entry.target if entry else ""
    old, obstacle = tree.read(path)
    new = file.text if file else None
    if old is None:
        if new is None:
            return None  # ours is gone, and what may stand there has nothing to do with us
        return FileState(path, target, "foreign" if obstacle else "missing", None, new, recorded, obstacle)
    if old == new:
        return FileState(path, target, "current", old, new, recorded)
    here = locks.digest(old)
    if new is not None and here == locks.digest(new):
        return FileState(path, target, "current", old, new, recorded)
    if entry is not None and entry.wrote(here):
        return FileState(path, target, "orphan" if new is None else "stale", old, new, recorded)
    return FileState(path, target, "edited" if entry else "foreign", old, new, recorded)


def _cleared(tree: Tree, states: Sequence[FileState]) -> Iterator[FileState]:
    """Our own orphans are in nobody's way, and an orphan that differs from a file of ours in case alone is that file.

    The second is so where a file system does not know case: `Web/Dockerfile` is `web/Dockerfile` there.
    """
    orphans = {state.path for state in states if state.state == "orphan"}
    if not orphans:
        yield from states
        return
    made = {state.path.casefold(): state.path for state in states if state.new is not None}
    for state in states:
        twin = made.get(state.path.casefold())
        if state.state == "orphan" and twin and tree.is_same(twin, state.path):
            continue
        if state.obstacle and _only(tree, state.path, orphans):
            yield replace(state, state="missing", obstacle="")
        else:
            yield state


def _only(tree: Tree, path: str, orphans: set[str]) -> bool:
    """Whether what stands at or above a path is nothing but orphans, which go first."""
    if way := tree.behind(path.rpartition("/")[0]):
        return way in orphans
    if tree.kind(path) != "directory":
        return False
    below = [f"{path}/{name}" for name in tree.names(path)]
    return bool(below) and all(inner in orphans or _only(tree, inner, orphans) for inner in below)


def _refuse_clashes(files: Sequence[RenderedFile]) -> None:
    seen: dict[str, str] = {}
    for file in files:
        if not locks.is_writable(file.path):
            raise Fault(
                f"{file.path} lies outside the project or in a place that is not ours",
                "mend the build context or name it is made from",
            )
        other = seen.setdefault(_folded(file.path), file.path)
        if other != file.path:
            raise Fault(f"{file.path} and {other} are one file where case does not count", "rename one of the services")
    folders: set[str] = set()
    for folded, path in seen.items():
        folder = folded.rpartition("/")[0]
        while folder and folder not in folders:
            if above := seen.get(folder):
                raise Fault(f"{above} would be a file and the directory of {path}", "rename one of the services")
            folders.add(folder)
            folder = folder.rpartition("/")[0]


def _folded(path: str) -> str:
    """A path as a file system sees it that knows neither case nor how an accent is composed."""
    if path.isascii():
        return path.lower()
    import unicodedata

    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


_PROBLEMS = {
    "stale": ("is not what the spec says any more", "run `groundplan generate`"),
    "missing": ("is not there", "run `groundplan generate`"),
    "orphan": ("is not made by the spec any more", "run `groundplan generate`, which removes it"),
    "edited": (
        "was edited by hand",
        "move the change into the spec, or take the generated text with `groundplan generate --force`",
    ),
    "foreign": (
        "exists and was not made by groundplan",
        "move it away, or overwrite it with `groundplan generate --force`",
    ),
}
_EDITED_ORPHAN = (
    "was edited by hand and is not made by the spec any more",
    "move it elsewhere to keep it, or have it removed with `groundplan generate --force`",
)


def findings(states: Iterable[FileState]) -> tuple[Finding, ...]:
    """A finding for every path that is not current, and one when the lock does not know what is there."""
    every = tuple(states)
    found = [_finding(state) for state in every if state.state in _PROBLEMS]
    lost = [
        state.path for state in every if state.state == "current" and state.recorded != locks.digest(state.new or "")
    ]
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        message = f"{locks.NAME} does not hold what was written last for {lost[0]}{more}"
        fix = "run `groundplan generate`, and commit the lock"
        found.append(Finding("disk/unrecorded", Severity.MEDIUM, message, Location(locks.NAME, 1, 1), fix=fix))
    return tuple(found)


def _finding(state: FileState) -> Finding:
    said, fix = _PROBLEMS[state.state]
    if state.state == "edited" and state.new is None:
        said, fix = _EDITED_ORPHAN
    if state.obstacle:
        said, fix = f"cannot be written: it {state.obstacle}", "move away what is there"
    line = _first_change(state) if state.state == "edited" else 1
    if line > 1:
        said = f"{said}, first at line {line}"
    return Finding(f"disk/{state.state}", Severity.HIGH, f"{state.path} {said}", Location(state.path, line, 1), fix=fix)


def _first_change(state: FileState) -> int:
    """The line, from 1, where a file begins to differ from what the spec says; 1 when it says nothing."""
    if state.old is None or state.new is None:
        return 1
    pairs = zip(_rows(state.old), _rows(state.new), strict=False)
    same = next((number for number, (old, new) in enumerate(pairs) if old != new), None)
    return max(1, min(len(_rows(state.old)), len(_rows(state.new)))) if same is None else same + 1


def difference(states: Iterable[FileState]) -> str:
    """What writing would change, as a unified diff."""
    rows: list[str] = []
    for state in states:
        if state.state == "current":
            continue
        old_rows, new_rows = _rows(state.old), _rows(state.new)
        before = f"a/{state.path}" if state.old is not None else "/dev/null"
        after = f"b/{state.path}" if state.new is not None else "/dev/null"
        for row in difflib.unified_diff(old_rows, new_rows, before, after):
            rows.append(row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n")
    return "".join(rows)


def _rows(text: str | None) -> list[str]:
    """Lines by LF alone; bytes that are no UTF-8 are shown as such."""
    shown = (text or "").encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\r\n", "\n")
    rows = [f"{row}\n" for row in shown.split("\n")]
    last = rows.pop()[:-1]
    return [*rows, last] if last else rows


def write(
    root: Path,
    states: Sequence[FileState],
    lock: Lock,
    *,
    force: bool = False,
    step: Callable[[str], None] = journal.nothing,
) -> tuple[Finding, ...]:
    """Make the tree what the states say, all or nothing; findings instead when something of the user's is in the way.

    `step` is called before each thing that touches the disk. Raises Fault, and writes nothing, when the tree is
    no longer what was compared or cannot be written.
    """
    blocked = [state for state in states if state.state in {"edited", "foreign"}]
    if blocked and not force:
        return findings(blocked)
    tree = Tree(root)
    changing = [state for state in states if state.changes or state.state in {"edited", "foreign"}]
    puts = [journal.Put(state.path, _expected(tree, state), state.new) for state in changing if state.new is not None]
    removals = [journal.Removal(state.path, _expected(tree, state)) for state in changing if state.new is None]
    text = locks.render(lock)
    known, _ = tree.read(locks.NAME)
    if known is None or locks.digest(known) != locks.digest(text):
        puts.append(journal.Put(locks.NAME, tree.bytes_at(locks.NAME), text))
    if puts or removals:
        journal.switch(root, puts, removals, step)
    return ()


def _expected(tree: Tree, state: FileState) -> str:
    """What must still be there when the path is written: what was compared, or what --force was given for."""
    if state.obstacle:
        return tree.bytes_at(state.path)
    return journal.hash_of(state.old)
