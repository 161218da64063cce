"""Go: modules and their main packages; what a program reads is what the packages it imports read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from generator.detect import lines, source
from generator.detect.found import Found, Process, Unit
from generator.detect.tree import Text, Tree, join, parent

_MAIN = re.compile(r"^package main\b", re.MULTILINE)
_FUNCTION = re.compile(r"^func main\(\)", re.MULTILINE)
_IMPORT = re.compile(r'"([\w.~/-]+)"')
_IMPORTS = re.compile(r"^import\s+(?:\(([^)]*)\)|[\w.]*\s*(\"[^\"\n]+\"))", re.MULTILINE)
_REQUIRED = re.compile(r"^\s*(?:require\s+)?([\w.~-]+(?:/[\w.~-]+)+)\s+v[\w.+-]+\s*(//.*)?$")
_LISTENS = re.compile(
    r"\b(?:ListenAndServe(?:TLS)?|net\.Listen|http\.Serve)\(|\.(?:Run|Start|Listen)\(\s*[\"\w:]|\.Run\(\)"
)
PORTS = tuple(
    re.compile(pattern)
    for pattern in (
        r'\b(?:ListenAndServe(?:TLS)?|Run|Start|Listen)\(\s*"[^":\n]*:(\d{2,5})"',
        r'\bnet\.Listen\(\s*"tcp[46]?"\s*,\s*"[^":\n]*:(\d{2,5})"',
        r'\bAddr:\s*"[^":\n]*:(\d{2,5})"',
        r'"PORT"\s*,\s*"?:?(\d{2,5})"?',
        r'\b(?:port|addr|address|listenAddr)\s*:?=\s*"(?:[^":\n]*:)?(\d{2,5})"',
        r'\bflag\.\w+\([^\n]{0,30}"(?:port|addr|listen)"\s*,\s*"?(?:[^":\n]*:)?(\d{2,5})\b',
    )
)


def units(tree: Tree) -> Iterator[Unit]:
    paths = list(tree.named("go.mod"))
    folders = [parent(path) for path in paths]
    for path in paths:
        unit = _unit(tree, tree.text(path), folders)
        if unit is not None:
            yield unit


def _unit(tree: Tree, file: Text, folders: Sequence[str]) -> Unit | None:
    module = re.search(r"^module\s+(\S+)", file.text, re.MULTILINE)
    if module is None:
        return None
    folder = parent(file.path)
    packages = _packages(source.sources(tree, folder, "go", folders))
    mains = {name: found for name, found in packages.items() if _place(found) is not None}
    processes = tuple(_process(folder, module[1], name, packages) for name in sorted(mains))
    version, remark = _version(file)
    name = module[1].rpartition("/")[2]
    notes = []
    if _libraries(file) and tree.first(folder, "go.sum") is None:
        notes.append(f"{file.path} has no go.sum beside it; go mod tidy makes it, and the image is built from it")
    return Unit(
        folder=folder,
        runtime=Found("go", file.path),
        runs=bool(mains),
        name=Found(name, file.where(module.start(1))) if not re.fullmatch(r"v\d+", name) else None,
        version=version,
        processes=processes or (Process(),),
        libraries=_libraries(file),
        remarks=(remark,) if remark else (),
        notes=tuple(notes),
    )


def _packages(found: Sequence[source.Source]) -> dict[str, list[source.Source]]:
    """Sources by the folder they lie in."""
    made: dict[str, list[source.Source]] = {}
    for file in found:
        made.setdefault(parent(file.file.path), []).append(file)
    return made


def _place(found: Sequence[source.Source]) -> str | None:
    """Where a package has its main function, if it is a program."""
    for file in found:
        match = next(file.matches(_FUNCTION), None)
        if match is not None and next(file.matches(_MAIN), None) is not None:
            return file.where(match)
    return None


def _process(folder: str, module: str, name: str, packages: Mapping[str, Sequence[source.Source]]) -> Process:
    reached = _reached(folder, module, name, packages)
    found = [file for package in sorted(reached) for file in packages[package]]
    inner = "." if name == folder else name if folder == "." else name[len(folder) + 1 :]
    where = _place(packages[name]) or name
    return Process(
        name=Found(inner.rpartition("/")[2], name) if inner != "." else None,
        port=source.port(found, PORTS) or _gin(found),
        listens=any(True for file in found for _ in file.matches(_LISTENS)),
        entry=Found(inner, where, seen="func main()"),
        within=frozenset(reached),
    )


def _gin(found: Sequence[source.Source]) -> Found[int] | None:
    """Gin without an address takes PORT, else 8080."""
    for file in found:
        for match in file.matches(re.compile(r"\.Run\(\)")):
            if "gin-gonic/gin" in file.code:
                return Found(8080, "", assumed=f"where Gin listens unless told otherwise ({file.where(match)})")
    return None


def _reached(folder: str, module: str, start: str, packages: Mapping[str, Sequence[source.Source]]) -> set[str]:
    """The folders of a package and of all it imports from its own module."""
    pending, seen = [start], {start}
    while pending:
        for file in packages[pending.pop()]:
            for block in _IMPORTS.finditer(file.code):
                for match in _IMPORT.finditer(block[1] or block[2]):
                    rest = match[1].removeprefix(module)
                    package = join(folder, rest.lstrip("/")) if rest != match[1] else ""
                    if package in packages and package not in seen:
                        seen.add(package)
                        pending.append(package)
    return seen


def _version(file: Text) -> tuple[Found[str] | None, str]:
    match = re.search(r"^go\s+(\d+\.\d+\S*)", file.text, re.MULTILINE)
    return lines.line("go", match[1], file.where(match.start(1)), least=True) if match else (None, "")


def _libraries(file: Text) -> dict[str, Found[str]]:
    made: dict[str, Found[str]] = {}
    for number, line in file.lines():
        match = _REQUIRED.match(line)
        if match and "indirect" not in (match[2] or ""):
            made[match[1]] = Found(match[1], f"{file.path}:{number}")
    return made
