"""groundplan.lock: what was written last, committed beside the files.

A short block per file, sorted, its changing lines fenced by lines that never change: git joins two branches
that touched neighbouring files. For the same reason there is no hash over everything. No time, no machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generator import __version__
from generator.artifact import RenderedFile
from generator.errors import Fault
from generator.history import Called, History, Past

NAME = "groundplan.lock"
STAGING = ".groundplan-staging"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One written file: which target made it, the hash of what was written and, where known, of what it came from."""

    target: str
    sha256: str
    inputs: str = ""
    also: frozenset[str] = frozenset()
    """Hashes of the other sides of a merge conflict: each was written by us, any of them may be on disk."""

    def wrote(self, sha256: str) -> bool:
        """Whether bytes of this hash are ours."""
        return sha256 == self.sha256 or sha256 in self.also


@dataclass(frozen=True, slots=True)
class Lock:
    """The content of the lock; `spec` is the path of the spec, `data` the dates of the data that was used."""

    spec: str = ""
    tool: str = __version__
    data: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Entry] = field(default_factory=dict)
    history: History = field(default_factory=dict)
    """Module calls of each environment, to tell a rename from a removal."""


def digest(text: str) -> str:
    """SHA-256 of a text, the same for a checkout with CRLF line ends or a byte order mark."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return hashlib.sha256(plain.encode("utf-8", "surrogateescape")).hexdigest()


def digest_inputs(inputs: Mapping[str, Any]) -> str:
    """SHA-256 of what a file was made from: spec paths with their plain values, templates with their texts."""
    plain = json.dumps(inputs, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(plain.encode("ascii")).hexdigest()


def lock_of(
    spec: str,
    data: Mapping[str, str],
    files: Iterable[RenderedFile],
    inputs: Mapping[str, str] | None = None,
    history: History | None = None,
) -> Lock:
    """The lock that describes a set of rendered files; `inputs` gives, by path, what `digest_inputs` says."""
    known = inputs or {}
    entries = {file.path: Entry(file.target, digest(file.text), known.get(file.path, "")) for file in files}
    return Lock(spec, __version__, dict(data), entries, history or {})


def render(lock: Lock) -> str:
    """The lock as text; equal locks have equal bytes."""
    made = {
        "format": FORMAT,
        "tool": lock.tool,
        "spec": lock.spec,
        "data": dict(sorted(lock.data.items())),
        **(
            {"terraform": {name: _remembered(past) for name, past in sorted(lock.history.items())}}
            if lock.history
            else {}
        ),
        "files": {path: _block(entry) for path, entry in sorted(lock.files.items())},
    }
    return json.dumps(made, indent=2) + "\n"


def _remembered(past: Past) -> dict[str, Any]:
    moved = {"moved": [list(move) for move in past.moved]} if past.moved else {}
    removed = {"removed": list(past.removed)} if past.removed else {}
    calls = {name: f"{call.module} {call.fingerprint}" for name, call in sorted(past.calls.items())}
    return {"calls": calls, **moved, **removed}


def _past(row: Any) -> Past:
    calls = {}
    for name, text in row["calls"].items():
        module, _, fingerprint = text.partition(" ")
        calls[_plain(name)] = Called(_plain(module), _plain(fingerprint))
    moved = tuple((_plain(old), _plain(new)) for old, new in row.get("moved", ()))
    return Past(calls, moved, tuple(_plain(name) for name in row.get("removed", ())))


def _plain(name: Any) -> str:
    """A name that may stand in Terraform unquoted; the lock is untrusted."""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,200}", name):
        raise ValueError(f"{name!r} is not a name of a module")
    return name


def _block(entry: Entry) -> dict[str, str]:
    inputs = {"inputs": entry.inputs} if entry.inputs else {}
    return {**inputs, "sha256": entry.sha256, "target": entry.target}


def is_writable(path: str) -> bool:
    """Whether a path may be an output at all: inside the project, plainly written, in nobody else's territory.

    A lock or a journal that came with a clone is untrusted: what it names is deleted or replaced.
    """
    parts = path.split("/")
    if not {"", ".", ".."}.isdisjoint(parts) or "\\" in path or not path.isprintable():
        return False
    folded = [part.casefold() for part in parts]
    return ".git" not in folded and folded[0] not in {STAGING, NAME}


def read(root: Path) -> Lock:
    """The lock of a project; an empty one where there is none. Raises Fault for one that cannot be read."""
    text = _text(root)
    if text is None:
        return Lock()
    if _CONFLICT.search(text):
        raise Fault(f"{NAME} has merge conflict markers", "run `groundplan generate`, which keeps what both sides knew")
    try:
        return _parsed(text)
    except ValueError as error:
        fix = "restore it from git, or run `groundplan generate`, which keeps what can still be read"
        raise Fault(f"{NAME} is damaged: {error}", fix) from error


def salvage(root: Path) -> Lock:
    """The lock as far as it can be read, for `generate`, which writes it anew.

    A conflict gives the hashes of both sides, a cut-off file what stands before the cut. What is lost makes
    files foreign, which are never overwritten: nothing of the user's depends on the lock being whole.
    """
    text = _text(root)
    if text is None:
        return Lock()
    if not _CONFLICT.search(text):
        with contextlib.suppress(ValueError):
            return _parsed(text)
    for number in re.findall(r'^  "format": (\d{1,9}),', text, re.M):
        _refuse_newer(int(number), "")
    found: dict[str, list[str]] = {}
    targets: dict[str, str] = {}
    path = ""
    for line in text.splitlines():
        if block := _PATH.fullmatch(line):
            path = _unquoted(block[1])
        elif path and (row := _ROW.fullmatch(line)):
            if row[1] == "target":
                targets[path] = row[2]
            elif re.fullmatch(r"[0-9a-f]{64}", row[2]):
                found.setdefault(path, []).append(row[2])
    files = {
        path: Entry(targets.get(path, ""), hashes[0], also=frozenset(hashes[1:]))
        for path, hashes in found.items()
        if is_writable(path)
    }
    specs = re.findall(r'^  "spec": "([^"\\]+)",', text, re.M)
    return Lock(specs[0] if specs else "", files=files)


def require_same_spec(root: Path, known: Lock, spec: str) -> None:
    """Raise Fault when the lock belongs to another spec that is still there: its files would all be orphans."""
    if known.spec and known.spec != spec and (root / known.spec).is_file():
        raise Fault(
            f"{NAME} belongs to {known.spec}, and one directory holds the output of one spec",
            f"name it with --spec {known.spec}, or move {spec} to a directory of its own",
        )


def _text(root: Path) -> str | None:
    path = root / NAME
    if path.is_symlink():
        raise Fault(f"{NAME} is a symbolic link", "replace it by the file")
    try:
        return path.read_bytes().decode("utf-8-sig", "replace").replace("\r\n", "\n")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Fault(f"{NAME} cannot be read: {os.strerror(error.errno or 0)}", "mend its permissions") from error


def _parsed(text: str) -> Lock:
    """Raises ValueError for what is no lock, Fault for one that must not be believed."""
    try:
        raw = json.loads(text)
        _refuse_newer(int(raw["format"]), str(raw.get("tool", "")))
        files = {path: _entry(row) for path, row in raw["files"].items()}
        data = {name: str(date) for name, date in raw["data"].items()}
        history = {_plain(name): _past(row) for name, row in raw.get("terraform", {}).items()}
        made = Lock(str(raw["spec"]), str(raw["tool"]), data, files, history)
    except KeyError as error:
        raise ValueError(f"it has no {error}") from error
    except (TypeError, AttributeError, RecursionError) as error:
        raise ValueError("its form is not that of a lock") from error
    for path in files:
        if not is_writable(path):
            raise Fault(f'{NAME} names "{path}", which no target writes', "somebody changed it; restore it from git")
    return made


def _entry(row: Any) -> Entry:
    inputs = row.get("inputs", "")
    if not all(isinstance(text, str) for text in (row["target"], row["sha256"], inputs)):
        raise TypeError("a file's target and hashes are texts")
    return Entry(row["target"], row["sha256"], inputs)


def _refuse_newer(number: int, tool: str) -> None:
    if number > FORMAT:
        raise Fault(f"{NAME} was written by a newer groundplan{f' ({tool})' if tool else ''}", "update groundplan")


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return ""


_CONFLICT = re.compile(r"^(<{7}|={7}|>{7}|\|{7})( |$)", re.M)
_PATH = re.compile(r'\s*("[^"]+(?:\\"[^"]*)*"): \{')
_ROW = re.compile(r'\s*"(sha256|target)": "([^"\\]*)",?')
