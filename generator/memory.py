"""A run whose inputs are what they were is answered from memory: the same output, the same exit code.

As a build system does: a run says what it read, and as long as all of it is the same, byte for byte, so is the
answer. A stale answer would be worse than a slow one, so whatever is in doubt is run again: a run that wrote into the
tree, told of long work, met something fleeting, or read what was changed while it ran, is not remembered.

A hook pays for every import here, so there are few: no dataclasses, pathlib, shutil or typing (30 of 60 milliseconds).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time

from generator import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Any, TextIO

VARIABLE = "GROUNDPLAN_CACHE"
COMMANDS = frozenset({"check", "generate", "lint", "report", "validate"})
"""What is worth remembering, and answers nothing but what files say."""

_PACKAGE = os.path.dirname(os.path.realpath(__file__))
_FORM = 1
_VARIABLES = (
    "COLUMNS",
    "FORCE_COLOR",
    "HOME",
    "LANG",
    "LC_ALL",
    "LINES",
    "NO_COLOR",
    "PATH",
    "SOURCE_DATE_EPOCH",
    "TERM",
)
_PROGRAMS = ("amtool", "checkov", "hadolint", "promtool", "terraform")
_GRAIN = 50_000_000
"""Nanoseconds: times of files are that much coarser than the clock, at most."""
_MOST = 200
_LARGEST = 5_000_000


class Inputs:
    """What a run read: files (there or not), folders whose names it listed, and programs beside those on the path."""

    __slots__ = ("files", "folders", "programs")

    def __init__(
        self, files: tuple[str, ...] = (), folders: tuple[str, ...] = (), programs: tuple[str, ...] = ()
    ) -> None:
        self.files, self.folders, self.programs = files, folders, programs


class _Run:
    """What a run does while it is watched."""

    def __init__(self, began: int) -> None:
        self.began = began
        self.said: list[tuple[str, str]] = []
        self.written: dict[str, str] = {}
        self.inputs: Inputs | None = None
        self.doubtful = False


_watched: _Run | None = None


def run(arguments: Sequence[str], command: Callable[[Sequence[str]], int]) -> int:
    """The exit code of a command line: from memory, or by running it."""
    if not arguments or arguments[0] not in COMMANDS or os.environ.get(VARIABLE) == "off":
        return command(arguments)
    began = time.time_ns()
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        place = _place(arguments)
        code = _recalled(place)
        if code is not None:
            return code
        return _watch(arguments, command, place, began)
    return command(arguments)


def depend(inputs: Inputs | None) -> None:
    """Called by a command that has an answer: it follows from these inputs too, or, with None, from more."""
    if _watched is not None and inputs is not None:
        before = _watched.inputs or Inputs()
        together = (dict.fromkeys((*old, *new)) for old, new in zip(_parts(before), _parts(inputs), strict=True))
        _watched.inputs = Inputs(*(tuple(part) for part in together))
    elif _watched is not None:
        _watched.doubtful = True


def _parts(inputs: Inputs) -> tuple[tuple[str, ...], ...]:
    return inputs.files, inputs.folders, inputs.programs


def doubt() -> None:
    """Called when another run may do better though nothing has changed."""
    if _watched is not None:
        _watched.doubtful = True


def wrote(path: Path, text: str) -> None:
    """Called for a report that was written to a file."""
    if _watched is not None:
        _watched.written[os.path.abspath(path)] = text


# recalling


def _place(arguments: Sequence[str]) -> str:
    """The file of the answer to a command line, here and now."""
    streams = [[stream.isatty(), stream.encoding, _width(stream)] for stream in (sys.stdout, sys.stderr)]
    known = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    known |= {name: value for name, value in os.environ.items() if name.startswith(("GROUNDPLAN_", "XDG_"))}
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    day = time.strftime("%Y-%m-%d", time.gmtime(int(epoch) if epoch.isdigit() else None))
    named = [_FORM, __version__, sys.version, _own(), os.getcwd(), list(arguments), streams, sorted(known.items()), day]
    key = hashlib.sha256(json.dumps(named).encode()).hexdigest()[:40]
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "groundplan", "answers", f"{key}.json")


def _width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except OSError:
        return 0


def _own() -> list[Any]:
    """What changes when we, or what we stand on, are installed anew; in a checkout, when any file of ours is edited."""
    root = os.path.dirname(_PACKAGE)
    around = [[place, _stamp(place)] for place in (_PACKAGE, root)]
    if os.path.isdir(os.path.join(_PACKAGE, "_data")):
        return around
    libraries = [place for place in sys.path if place.endswith("-packages")]
    around += [[place, _stamp(place)] for place in libraries]
    for top in ("generator", "templates", "schemas", "rules"):
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            around += [[f"{folder}/{name}", _stamp(f"{folder}/{name}")] for name in sorted(names)]
    return around


def _stamp(place: str) -> list[int]:
    try:
        seen = os.stat(place)
    except OSError:
        return []
    return [seen.st_size, seen.st_mtime_ns, seen.st_ino]


def _recalled(place: str) -> int | None:
    try:
        with open(place, "rb") as stream:
            entry = json.loads(stream.read())
        inputs = Inputs(*(tuple(entry["inputs"][part]) for part in ("files", "folders", "programs")))
        if _seen(inputs) != entry["inputs"]:
            return None
        for path, text in entry["written"].items():
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8", newline="\n") as report:
                report.write(text)
        said, code = [(str(name), str(text)) for name, text in entry["said"]], int(entry["code"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None  # none, or one that was not written by us: it is as if there were none
    os.utime(place)
    try:
        for name, text in said:
            (sys.stderr if name == "err" else sys.stdout).write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _seen(inputs: Inputs) -> dict[str, Any]:
    """The world as the inputs see it now."""
    return {
        "files": {path: _content(path) for path in inputs.files},
        "folders": {path: _names(path) for path in inputs.folders},
        "programs": {name: _program(name) for name in inputs.programs},
        "ways": {folder: _is_plain(folder) for folder in sorted(set(_ways(inputs.files)))},
    }


def _ways(files: Iterable[str]) -> Iterator[str]:
    """The folders through which files are reached."""
    done: set[str] = set()
    for path in files:
        folder = os.path.dirname(path)
        while folder not in done:
            done.add(folder)
            yield folder
            folder = os.path.dirname(folder)


def _content(path: str) -> str:
    """A hash of a file, with what it is when it is no plain one; "" for none."""
    try:
        link = f"{os.readlink(path)}\0" if os.path.islink(path) else ""
        with open(path, "rb") as stream:
            return link + hashlib.blake2b(stream.read(), digest_size=20).hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return "link" if os.path.islink(path) else ""
    except IsADirectoryError:
        return "directory"


def _names(path: str) -> str:
    with os.scandir(path) as entries:
        names = sorted(
            f"{entry.name}\0{entry.is_dir(follow_symlinks=False)}\0{entry.is_symlink()}" for entry in entries
        )
    return hashlib.blake2b("\0".join(names).encode("utf-8", "surrogateescape"), digest_size=20).hexdigest()


def _program(name: str) -> list[Any]:
    found = _which(name)
    return [found, _stamp(os.path.realpath(found)) if found else []]


def _which(name: str) -> str | None:
    """The program on the path; a name with a folder stands for itself."""
    if os.name == "nt":  # where a program has a suffix
        import shutil

        return shutil.which(name)
    folders = [""] if os.path.dirname(name) else os.environ.get("PATH", os.defpath).split(os.pathsep)
    places = (os.path.join(folder, name) for folder in folders)
    return next((place for place in places if os.path.isfile(place) and os.access(place, os.X_OK)), None)


def _is_plain(folder: str) -> bool:
    return os.path.isdir(folder) and not os.path.islink(folder)


# remembering


class _Heard:
    """A stream that is written through, and whose text is kept."""

    def __init__(self, name: str, stream: TextIO, said: list[tuple[str, str]]) -> None:
        self._name, self._stream, self._said = name, stream, said

    def write(self, text: str) -> int:
        count = self._stream.write(text)
        self._said.append((self._name, text))
        return count

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Listening:
    """Both streams heard, and given back."""

    def __init__(self, run: _Run) -> None:
        self._streams = (sys.stdout, sys.stderr)
        self._said = run.said

    def __enter__(self) -> None:
        out, err = self._streams
        sys.stdout, sys.stderr = _Heard("out", out, self._said), _Heard("err", err, self._said)

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        sys.stdout, sys.stderr = self._streams


def _watch(arguments: Sequence[str], command: Callable[[Sequence[str]], int], place: str, began: int) -> int:
    global _watched  # noqa: PLW0603
    watched = _watched = _Run(began)
    try:
        with _Listening(watched):
            code = command(arguments)
    finally:
        _watched = None
    if code in (0, 1) and watched.inputs is not None and not watched.doubtful:
        with contextlib.suppress(OSError, ValueError):
            _remember(place, watched, watched.inputs, code)
    return code


def _remember(place: str, watched: _Run, inputs: Inputs, code: int) -> None:
    every = Inputs(inputs.files, inputs.folders, (*inputs.programs, *_PROGRAMS))
    seen = _seen(every)
    if any(_changed_since(path, watched.began) for path in (*inputs.files, *inputs.folders)):
        return
    entry = {"inputs": seen, "said": watched.said, "written": watched.written, "code": code}
    text = json.dumps(entry)
    if len(text) > _LARGEST:
        return
    folder = os.path.dirname(place)
    os.makedirs(folder, exist_ok=True, mode=0o700)
    fresh = f"{place}.{os.getpid()}"
    with open(fresh, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(fresh, place)
    for old in _too_many(folder):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(old)


def _changed_since(path: str, began: int) -> bool:
    """Whether something may have been changed after the run began: what it read may be older than what is there."""
    try:
        return os.lstat(path).st_ctime_ns > began - _GRAIN
    except (FileNotFoundError, NotADirectoryError):
        return False


def _too_many(folder: str) -> list[str]:
    with os.scandir(folder) as entries:
        found = sorted((entry.stat().st_mtime_ns, entry.path) for entry in entries if entry.is_file())
    return [path for _, path in found[: max(0, len(found) - _MOST)]]
