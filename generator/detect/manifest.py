"""Manifests with places: JSON, TOML, XML and YAML as values whose lines are known; what cannot be read is a note."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from generator.detect.found import Found
from generator.detect.tree import Text, Tree
from generator.document import Node


@dataclass(frozen=True)
class Json:
    """A JSON object with its places; empty when it is none."""

    file: Text
    value: Any = None

    def at(self, *keys: str) -> tuple[Any, str]:
        """The plain value at a path of keys and its place; (None, "") when there is none."""
        value = self.value
        for key in keys:
            value = value.get(key) if value is not None else None
        return (value.plain, self.file.where(value.start)) if value is not None else (None, "")

    def word(self, *keys: str) -> Found[str] | None:
        plain, where = self.at(*keys)
        return Found(plain, where) if isinstance(plain, str) and plain.strip() else None

    def entries(self, *keys: str) -> dict[str, tuple[Any, str]]:
        """Members of the object at a path: values and places of their keys."""
        value = self.value
        for key in keys:
            value = value.get(key) if value is not None else None
        members = value.members if value is not None else ()
        return {member.key: (member.value.plain, self.file.where(member.start)) for member in members}


def json(tree: Tree, path: str) -> Json:
    """A JSON file, comments allowed."""
    from generator import jsonc

    file = tree.text(path)
    if not file.text.strip():
        return Json(file)
    try:
        value = jsonc.read(file.text)
    except (jsonc.Unreadable, ValueError, RecursionError) as error:
        line = f":{error.line}" if isinstance(error, jsonc.Unreadable) else ""
        tree.note(f"{path}{line} is no JSON: {_reason(error)}")
        return Json(file)
    if value is None or not isinstance(value.plain, dict):
        tree.note(f"{path} is no JSON object")
        return Json(file)
    return Json(file, value)


@dataclass(frozen=True)
class Toml:
    """A TOML document; places are searched for in its text, since the reader keeps none."""

    file: Text
    value: dict[str, Any]

    def at(self, *keys: str) -> Any:
        value: Any = self.value
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def word(self, *keys: str) -> Found[str] | None:
        plain = self.at(*keys)
        if not isinstance(plain, str) or not plain.strip():
            return None
        return Found(plain, self.where(*keys))

    def where(self, *keys: str) -> str:
        """The line of a key, in the table it stands in; the file when it is written in another way."""
        *tables, last = keys
        key = re.compile(rf"""\s*["']?{re.escape(last)}["']?\s*[=.]|.*[{{,]\s*["']?{re.escape(last)}["']?\s*=""")
        inside = not tables
        for number, line in self.file.lines():
            header = re.match(r"\s*\[{1,2}\s*([^\]\n]+?)\s*\]{1,2}", line)
            if header:
                inside = [part.strip("\"' ") for part in header[1].split(".")] == [*tables]
                if [part.strip("\"' ") for part in header[1].split(".")] == [*tables, last]:
                    return f"{self.file.path}:{number}"
            elif inside and key.match(line):
                return f"{self.file.path}:{number}"
        return self.containing(last)

    def containing(self, text: str, after: str = "") -> str:
        """The first line with a text, behind the line that holds `after`."""
        begin = max(self.file.text.find(after), 0) if after else 0
        for match in re.finditer(re.escape(text), self.file.text[begin:]):
            offset = begin + match.start()
            start = self.file.text.rfind("\n", 0, offset) + 1
            if "#" not in self.file.text[start:offset]:
                return self.file.where(offset)
        return self.file.path


def toml(tree: Tree, path: str) -> Toml:
    import tomllib

    file = tree.text(path)
    try:
        return Toml(file, tomllib.loads(file.text))
    except (ValueError, RecursionError) as error:
        tree.note(f"{path} is no TOML: {_reason(error)}")
        return Toml(file, {})


@dataclass(frozen=True)
class Element:
    """An XML element: its path of names from the root, its text, attributes and place."""

    path: tuple[str, ...]
    text: str
    attributes: dict[str, str]
    where: str
    text_where: str
    group: int
    """The number of the element above, so that siblings can be told together."""


MOST_ELEMENTS = 50_000
_DEEPEST = 60


class _TooMuch(Exception):
    """More elements or depth than a manifest has, or entities of its own."""


def xml(tree: Tree, path: str) -> tuple[Element, ...]:
    """The elements of an XML file, in the order in which they end. Entities of the file's own are not read."""
    from xml.parsers import expat

    file = tree.text(path)
    if not file.text.strip():
        return ()
    parser = expat.ParserCreate()
    made: list[Element] = []
    serial = itertools.count(1)
    stack: list[tuple[str, dict[str, str], int, list[str], list[int], int]] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        if len(stack) >= _DEEPEST or len(made) >= MOST_ELEMENTS:
            raise _TooMuch
        stack.append((name.rpartition(":")[2], attributes, parser.CurrentLineNumber, [], [], next(serial)))

    def text(data: str) -> None:
        if stack:
            if data.strip() and not stack[-1][4]:
                stack[-1][4].append(parser.CurrentLineNumber)
            stack[-1][3].append(data)

    def end(_name: str) -> None:
        names = tuple(entry[0] for entry in stack)
        _, attributes, line, texts, lines, _ = stack.pop()
        group = stack[-1][5] if stack else 0
        where = f"{path}:{line}"
        inner = f"{path}:{lines[0]}" if lines else where
        made.append(Element(names, "".join(texts).strip(), attributes, where, inner, group))

    def refuse(*_: Any) -> None:
        raise _TooMuch

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begin, end, text
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(file.text.encode(), True)
    except expat.ExpatError as error:
        tree.note(f"{path}:{error.lineno} is no XML: {expat.errors.messages.get(error.code, 'it cannot be read')}")
        return ()
    except _TooMuch:
        tree.note(f"{path} was not read: it nests too deep, has too many elements, or entities of its own")
        return ()
    return tuple(made)


def yaml(tree: Tree, path: str) -> Node | None:
    """The first document of a YAML file."""
    from generator import yamlfile

    file = tree.text(path)
    if not file.text.strip():
        return None
    documents, found = yamlfile.read(file.text, path)
    worst = next(
        (finding for finding in found if finding.rule not in {"yaml/duplicate-key", "yaml/key-not-a-text"}), None
    )
    if worst is not None:
        tree.note(f"{worst.at.path}:{worst.at.line} was not read to its end: {worst.message}")
    return documents[0] if documents else None


def where(node: Node) -> str:
    return f"{node.at.path}:{node.at.line}"


def properties(file: Text) -> Iterator[tuple[str, str, str]]:
    """Keys, values and places of `key=value` lines; comments are left out."""
    for number, line in file.lines():
        match = re.match(r"\s*(?:export\s+)?([\w.\-\[\]]+)\s*[=:](.*)", line)
        if match and not line.lstrip().startswith(("#", "!")):
            yield match[1], match[2].strip(), f"{file.path}:{number}"


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or "it nests too deep"
