"""A source tree, read within bounds: no link is followed, nothing is read twice, and what is too much is said.

Folders of dependencies, of build results and of version control are left out; tests, documents and examples are
listed, but neither services nor variables are looked for in them.
"""

from __future__ import annotations

import bisect
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from generator.detect.found import Found, Kind

MAX_DEPTH = 14
MAX_ENTRIES = 60_000
MAX_FILES_READ = 1_500
MAX_BYTES = 1_000_000
MAX_BYTES_READ = 48_000_000
MAX_LINE = 10_000
MAX_NOTES = 12
MOST_TOLD = 40

_LEFT_OUT = frozenset({
    "node_modules", "bower_components", "vendor", "venv", "virtualenv", "site-packages", "__pycache__", "dist",
    "build", "target", "out", "obj", "coverage", "htmlcov", "_build", "cdk.out", "storybook-static", "DerivedData",
    "Pods", "bazel-bin", "bazel-out", "elm-stuff", "jspm_packages",
})  # fmt: skip
_ASIDE = frozenset({
    "test", "tests", "__tests__", "__mocks__", "spec", "specs", "e2e", "testdata", "test-data", "cypress", "fixtures",
    "fixture", "mocks", "doc", "docs", "documentation", "example", "examples", "sample", "samples", "demo", "demos",
    "benchmark", "benchmarks", "stories", "storybook", "scripts", "tools", "hack", "ci", "terraform", "kubernetes",
    "k8s", "helm", "charts", "deploy", "deployment", "monitoring", "third_party", "testing", "integration-tests",
    "integration_tests",
})  # fmt: skip
_ASIDE_FOLDER = re.compile(r".*[._-]?tests?$|.*\.(?:Unit|Integration|Functional)?Tests?$|it|androidTest", re.IGNORECASE)
_ASIDE_FILE = re.compile(
    r"(?:^test_.*|.*_test|^conftest|.*[._-](?:test|spec|stories|e2e|bench|mock)|.*(?:Tests?|IT|Spec))\.\w+$|"
    r".*\.(?:min\.js|d\.ts|config\.[cm]?[jt]s|generated\.\w+|pb\.go)$|^(?:gulpfile|gruntfile|setupTests)\..*",
)


@dataclass(frozen=True)
class Text:
    """A file of the tree; empty when it could not be read."""

    path: str
    text: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def line(self, offset: int) -> int:
        return bisect.bisect_right(self._starts, offset)

    def where(self, offset: int) -> str:
        """`path:line` of a place in the text."""
        return f"{self.path}:{self.line(offset)}"

    def lines(self) -> Iterator[tuple[int, str]]:
        """Numbered lines, from 1."""
        return enumerate(self.text.split("\n"), 1)


@dataclass
class Tree:
    """The files under a root by their paths, shallow ones first."""

    root: Path
    files: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    files_read: int = 0
    bytes_read: int = 0
    _texts: dict[str, Text] = field(default_factory=dict)
    memory: dict[tuple[str, str], object] = field(default_factory=dict)
    """What was made of a file, for whoever asks again."""
    _known: frozenset[str] = frozenset()
    _sorted: tuple[str, ...] = ()
    _unread: int = 0

    def __contains__(self, path: str) -> bool:
        return path in self._known

    def text(self, path: str) -> Text:
        """A file's text; empty when there is none, or none that can be read: then a note says why."""
        if path not in self._texts:
            self._texts[path] = Text(path, self._read(path) if path in self._known else "")
        return self._texts[path]

    def named(self, *names: str) -> Iterator[str]:
        """Paths of files of these names, outside of tests, documents and examples."""
        wanted = {name.lower() for name in names}
        return (path for path in self.files if path.rpartition("/")[2].lower() in wanted and not aside(path))

    def ending(self, *suffixes: str) -> Iterator[str]:
        return (path for path in self.files if path.endswith(suffixes) and not aside(path))

    def below(self, folder: str, *suffixes: str) -> Iterator[str]:
        """Files in a folder and the folders in it, that are neither tests nor examples."""
        start = "" if folder == "." else f"{folder}/"
        first = bisect.bisect_left(self._sorted, start)
        last = bisect.bisect_left(self._sorted, f"{start}\U0010ffff") if start else len(self._sorted)
        found = (path for path in self._sorted[first:last] if path.endswith(suffixes))
        yield from sorted((path for path in found if not aside(path[len(start) :])), key=_shallow)

    def first(self, folder: str, *names: str) -> str | None:
        """The first of these files that a folder has."""
        return next((path for path in (join(folder, name) for name in names) if path in self._known), None)

    def found(self, value: Kind, where: str, *seen: str) -> Found[Kind]:
        """A value at a place; when the line does not hold it as it is, the first of `seen` that it does hold."""
        path, _, number = where.rpartition(":")
        if not path or not number.isdigit():
            return Found(value, where)
        lines = self.text(path).text.split("\n")
        line = lines[int(number) - 1] if 0 < int(number) <= len(lines) else ""
        if str(value) in line:
            return Found(value, where)
        shown = next((text for text in seen if text and text in line and text.isprintable()), "")
        return Found(value, where, seen=shown) if shown else Found(value, path)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def _read(self, path: str) -> str:
        if self.files_read >= MAX_FILES_READ or self.bytes_read >= MAX_BYTES_READ:
            self._unread += 1
            return ""
        try:
            with (self.root / path).open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
        except OSError as error:
            return self._unreadable(path, error.strerror or "it cannot be opened")
        self.files_read += 1
        self.bytes_read += len(raw)
        if len(raw) > MAX_BYTES:
            return self._unreadable(path, f"it has more than {MAX_BYTES:,} bytes")
        if b"\0" in raw:
            return self._unreadable(path, "it is not text")
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            return self._unreadable(path, "it is not UTF-8")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if any(len(line) > MAX_LINE for line in text.split("\n")):
            return self._unreadable(path, f"it has a line of more than {MAX_LINE:,} characters")
        return text

    def _unreadable(self, path: str, why: str) -> str:
        if len(self.notes) < MAX_NOTES:
            self.note(f"{path} was not read: {why}")
        else:
            self._unread += 1
        return ""

    def closing_notes(self) -> Iterator[str]:
        """What was seen of the tree as a whole, after all reading."""
        yield from self.notes[:MOST_TOLD]
        if len(self.notes) > MOST_TOLD:
            yield f"{len(self.notes) - MOST_TOLD} more things like these"
        if self._unread:
            yield f"{self._unread} more files were not read: {MAX_FILES_READ:,} files are enough for a first spec"


def survey(root: Path) -> Tree:
    """List a tree, breadth first and by name, without following a link."""
    tree = Tree(root)
    found: list[str] = []
    level = [""]
    for _ in range(MAX_DEPTH):
        below: list[str] = []
        for folder in level:
            files, folders = _listed(tree, folder)
            found += files
            below += folders
            if len(found) > MAX_ENTRIES:
                tree.note(f"the tree has more than {MAX_ENTRIES:,} files; those in its depth were left out")
                below = []
                break
        level = below
        if not level:
            break
    else:
        tree.note(f"folders more than {MAX_DEPTH} deep were left out, such as {level[0].rstrip('/')}")
    tree.files = tuple(found[:MAX_ENTRIES])
    tree._known = frozenset(tree.files)
    tree._sorted = tuple(sorted(tree.files))
    return tree


def _listed(tree: Tree, folder: str) -> tuple[list[str], list[str]]:
    """Files and folders of a folder, by name."""
    files, folders = [], []
    try:
        with os.scandir(tree.root / folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        tree.note(f"{folder or '.'} was not listed: {error.strerror}")
        return [], []
    for entry in listed:
        name = f"{folder}{entry.name}"
        if not name.isprintable() or entry.is_symlink() or "#" in entry.name:
            continue  # such a name could not stand in a comment; a link may lead out
        if entry.is_file(follow_symlinks=False):
            files.append(name)
        elif entry.is_dir(follow_symlinks=False) and not _left_out(entry.name, tree.root / name):
            folders.append(f"{name}/")
    return files, folders


def _left_out(name: str, path: Path) -> bool:
    if name == "env":
        return (path / "pyvenv.cfg").exists()
    return name.startswith(".") or name in _LEFT_OUT or name.endswith((".egg-info", ".xcodeproj"))


def _shallow(path: str) -> tuple[int, str]:
    return path.count("/"), path


def aside(path: str) -> bool:
    """Whether a path is of tests, documents, examples or tooling."""
    *folders, name = path.split("/")
    if "src/main/" in path:  # below it, folders are packages, and `org.example` is one
        folders = path.partition("src/main/")[0].split("/")
    return bool(_ASIDE_FILE.match(name)) or any(
        folder.lower() in _ASIDE or _ASIDE_FOLDER.fullmatch(folder) for folder in folders
    )


def join(folder: str, name: str) -> str:
    """A path in a folder, where "." is the root; `./` and `..` are resolved, and "" is what lies outside."""
    parts: list[str] = []
    for part in PurePosixPath("" if folder == "." else folder).parts + PurePosixPath(name).parts:
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        elif part not in {".", "/"}:
            parts.append(part)
    return "/".join(parts) or "."


def parent(path: str) -> str:
    """The folder of a file, "." for the root."""
    return path.rpartition("/")[0] or "."
