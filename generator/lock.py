"""groundplan.lock: what was written last, committed beside the files.

One line per file, sorted, so that git merges it as it merges code. No time, no machine, no path outside.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from generator import __version__
from generator.artifact import RenderedFile
from generator.errors import Fault

NAME = "groundplan.lock"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One written file: which target made it and the hash of what was written."""

    target: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Lock:
    """The content of the lock; `spec` is the path of the spec, `data` the dates of the data that was used."""

    spec: str = ""
    tool: str = __version__
    data: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Entry] = field(default_factory=dict)


def digest(text: str) -> str:
    """SHA-256 of a text, the same for a checkout with CRLF line ends or a byte order mark."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return hashlib.sha256(plain.encode("utf-8", "surrogateescape")).hexdigest()


def lock_of(spec: str, data: Mapping[str, str], files: Iterable[RenderedFile]) -> Lock:
    """The lock that describes a set of rendered files."""
    return Lock(spec, __version__, dict(data), {file.path: Entry(file.target, digest(file.text)) for file in files})


def render(lock: Lock) -> str:
    """The lock as text: JSON, one line per file."""
    rows = [
        f"    {json.dumps(path)}: {json.dumps({'sha256': entry.sha256, 'target': entry.target})}"
        for path, entry in sorted(lock.files.items())
    ]
    head = {"format": FORMAT, "tool": lock.tool, "spec": lock.spec, "data": dict(sorted(lock.data.items()))}
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    return "\n".join(["{", *lines, '  "files": {', ",\n".join(rows), "  }", "}", ""])


def read(root: Path) -> Lock:
    """The lock of a project; an empty one where there is none. Raises Fault for one that cannot be read."""
    path = root / NAME
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return Lock()
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"{NAME} cannot be read: {error}", "mend its permissions or restore it from git") from error
    if "<<<<<<<" in text and ">>>>>>>" in text:
        raise Fault(f"{NAME} has merge conflict markers", _REBUILD)
    try:
        raw = json.loads(text)
        if raw["format"] > FORMAT:
            raise Fault(f"{NAME} was written by a newer groundplan ({raw['tool']})", "update groundplan")
        files = {str(path): Entry(str(row["target"]), str(row["sha256"])) for path, row in raw["files"].items()}
        return Lock(str(raw["spec"]), str(raw["tool"]), {str(k): str(v) for k, v in raw["data"].items()}, files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Fault(f"{NAME} is damaged: {error}", _REBUILD) from error


_REBUILD = (
    f"take either side of it (`git checkout --ours {NAME}`) or delete it, then run `groundplan generate`; "
    "files equal to what is generated are recognised without it"
)
