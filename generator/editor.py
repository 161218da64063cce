"""The spec's schema for editors: beside the spec, and named in the settings of VS Code.

The settings are the user's. What we need is put in as text and all else stays byte for byte; where that cannot be
done safely nothing is written, and the fault says what to add by hand. The spec itself is never touched.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator import disk, journal, jsonc
from generator.errors import Fault
from generator.tree import Tree

SCHEMA = "groundplan.schema.json"
SETTINGS = ".vscode/settings.json"
EXTENSIONS = ".vscode/extensions.json"
EXTENSION = "redhat.vscode-yaml"
MODELINE = f"# yaml-language-server: $schema=./{SCHEMA}"

_OURS = "urn:groundplan:spec:"
_KEY = "yaml.schemas"
_NAMES = (f"./{SCHEMA}", SCHEMA)
_GLOB = "*?[]{}()!\\"


@dataclass(frozen=True, slots=True)
class Installed:
    """Paths that were written, paths that were so already, and what the user may want to know."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    remarks: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        yield from (f"wrote {path}" for path in self.written)
        yield from (f"{path} is already so" for path in self.kept)
        yield from self.remarks


def install(spec: Path, schema: str) -> Installed:
    """Write the schema beside the spec and tell VS Code of it: all of it, or nothing and a Fault."""
    if not spec.is_file():
        raise Fault(f"{spec} is not a file", "name the spec with --spec, or write one with `groundplan init`")
    root, name, named = spec.parent.resolve(), spec.name, _names_a_schema(spec)
    if any(character in _GLOB for character in name):
        raise Fault(f"{name} has a character that means something in a pattern", "rename the spec")
    disk.recover(root)
    tree = Tree(root)
    settings = _edited(tree, SETTINGS, f'"{_KEY}": {json.dumps(_association(name))}', lambda text: _told(text, name))
    wanted = {
        SCHEMA: _schema(tree, schema),
        SETTINGS: settings,
        EXTENSIONS: _edited(tree, EXTENSIONS, json.dumps({"recommendations": [EXTENSION]})[1:-1], _recommended),
    }
    old = {path: tree.read(path)[0] for path in wanted}
    changed = tuple(path for path, text in wanted.items() if old[path] != text)
    if changed:
        journal.switch(root, [journal.Put(path, tree.bytes_at(path), wanted[path]) for path in changed], ())
    kept = tuple(path for path in wanted if path not in changed)
    return Installed(changed, kept, tuple(_remarks(name, root, settings, named=named)))


def _association(name: str) -> dict[str, str]:
    return {_NAMES[0]: name}


def _schema(tree: Tree, schema: str) -> str:
    """The schema, where nothing stands or an older one of ours."""
    old, obstacle = tree.read(SCHEMA)
    if obstacle:
        raise Fault(f"{SCHEMA} {obstacle}", "move it away; nothing was written")
    if old and old.strip() and not _is_ours(old):
        raise Fault(f"{SCHEMA} is not a schema of groundplan's", "move it away; nothing was written")
    return schema


def _is_ours(text: str) -> bool:
    try:
        made = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(made, dict) and str(made.get("$id", "")).startswith(_OURS)


class _NotAsExpected(Exception):
    """What stands in a file where we would put something, and the place where it stands."""

    def __init__(self, message: str, at: int = -1) -> None:
        super().__init__(message)
        self.at = at


def _edited(tree: Tree, path: str, wanted: str, edit: Callable[[str], str]) -> str:
    """The text of an editor's file with ours in it. Raises Fault that says what to add by hand."""
    by_hand = f"add {wanted} to it by hand; nothing was written"
    text, obstacle = tree.read(path)
    if obstacle:
        raise Fault(f"{path} {obstacle}", by_hand)
    try:
        return edit(text or "")
    except jsonc.Unreadable as error:
        raise Fault(f"{path}:{error.line}:{error.column} cannot be read: {error}", by_hand) from error
    except _NotAsExpected as error:
        place = f"{path}:{text.count(chr(10), 0, error.at) + 1}" if text and error.at >= 0 else path
        raise Fault(f"{place}: {error}", by_hand) from error


def _told(text: str, name: str) -> str:
    """Settings that associate the schema with the spec."""
    whole = _object(jsonc.read(text), "the settings are")
    schemas = whole.get(_KEY) if whole else None
    if whole is None or schemas is None:
        return jsonc.with_member(text, whole, (), _KEY, _association(name))
    _object(schemas, f'"{_KEY}" is')
    for member in schemas.members:
        if member.key not in _NAMES and name in _patterns(member.value):
            raise _NotAsExpected(f'{name} is associated with "{member.key}" already; take that away', member.start)
    ours = next((value for key in _NAMES if (value := schemas.get(key)) is not None), None)
    if ours is None:
        return jsonc.with_member(text, whole, (_KEY,), _NAMES[0], name)
    if name in _patterns(ours):
        return text
    if not isinstance(ours.plain, (str, list)):
        raise _NotAsExpected(f'what "{_NAMES[0]}" is associated with is no pattern', ours.start)
    return jsonc.with_element(text, whole, ours, name)


def _recommended(text: str) -> str:
    """Recommended extensions with the one that reads the schema, unless the user wants it not."""
    whole = _object(jsonc.read(text), "the recommendations are")
    listed = whole.get("recommendations") if whole else None
    if whole is not None and EXTENSION in _words(whole.get("unwantedRecommendations")):
        return text
    if whole is None or listed is None:
        return jsonc.with_member(text, whole, (), "recommendations", [EXTENSION])
    if not isinstance(listed.plain, list):
        raise _NotAsExpected('"recommendations" is not a list', listed.start)
    return text if EXTENSION in _words(listed) else jsonc.with_element(text, whole, listed, EXTENSION)


def _object(value: jsonc.Value | None, what: str) -> jsonc.Value | None:
    if value is not None and not isinstance(value.plain, dict):
        raise _NotAsExpected(f"{what} not an object", value.start)
    return value


def _words(value: jsonc.Value | None) -> set[str]:
    """Names of extensions, which do not know case."""
    listed: Any = value.plain if value else []
    return {str(entry).lower() for entry in listed} if isinstance(listed, list) else set()


def _patterns(value: jsonc.Value) -> set[str]:
    """What a schema is associated with; the same file may be written in several ways."""
    given = value.plain if isinstance(value.plain, list) else [value.plain]
    return {entry.removeprefix("**").removeprefix(".").removeprefix("/") for entry in given if isinstance(entry, str)}


def _names_a_schema(spec: Path) -> bool:
    """Whether the spec's head has the line that editors of all kinds read."""
    try:
        with spec.open(encoding="utf-8", errors="replace") as stream:
            return "yaml-language-server:" in stream.read(4096)
    except OSError as error:
        raise Fault(f"{spec} cannot be read: {error.strerror}", "mend its permissions; nothing was written") from error


def _remarks(name: str, root: Path, settings: str, *, named: bool) -> Iterator[str]:
    if not named:
        yield f"for editors that read no settings of VS Code, make this the first line of {name}: {MODELINE}"
    whole = jsonc.read(settings)
    schemas = whole.get(_KEY) if whole else None
    for member in schemas.members if schemas and not named else ():
        if member.key not in _NAMES and any(fnmatch.fnmatchcase(name, one) for one in _patterns(member.value)):
            yield f'{SETTINGS} lays "{member.key}" on {name} too; that line would settle it'
    if not (root / ".git").exists() and any((above / ".git").exists() for above in root.parents):
        yield f"VS Code reads {SETTINGS} of the folder that it opens: open {root.name}, not the repository above it"
