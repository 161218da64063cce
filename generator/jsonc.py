"""JSON as editors write it: with comments and trailing commas, every value with its place.

Nothing is ever written anew: a change is an insertion of text at the right place, and all other text stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

DEPTH = 100
"""What an editor's file may nest; deeper ones are not read."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_COMMENTS = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_REST_OF_LINE = re.compile(r"(?:[ \t]*/\*(?:(?!\*/)[^\r\n])*\*/)*(?:[ \t]*//[^\r\n]*)?")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"')
_WORD = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


class Unreadable(ValueError):
    """Text that is no JSON, even with comments; `line` and `column` are where."""

    def __init__(self, message: str, text: str, at: int) -> None:
        super().__init__(message)
        self.line = text.count("\n", 0, at) + 1
        self.column = at - (text.rfind("\n", 0, at) + 1) + 1


@dataclass(frozen=True, slots=True)
class Value:
    """A value and the text it has, from `start` up to `end`."""

    plain: Any
    start: int
    end: int
    members: tuple[Member, ...] = ()
    """Of an object, in order, repeated keys too."""
    elements: tuple[Value, ...] = ()
    open_end: bool = False
    """Whether a comma follows the last member or element."""

    def get(self, key: str) -> Value | None:
        """The member of an object; the last one where a key is repeated, as editors read it."""
        return next((member.value for member in reversed(self.members) if member.key == key), None)

    @property
    def last(self) -> Value | None:
        return self.members[-1].value if self.members else self.elements[-1] if self.elements else None


@dataclass(frozen=True, slots=True)
class Member:
    key: str
    start: int
    value: Value


def read(text: str) -> Value | None:
    """The one value of a text; None for a text of blanks and comments. Raises Unreadable."""
    at = _blank(text, 1 if text.startswith("\ufeff") else 0)
    if at == len(text):
        return None
    value = _value(text, at, 0)
    end = _blank(text, value.end)
    if end != len(text):
        raise Unreadable("something stands behind the end", text, end)
    return value


def with_member(text: str, whole: Value | None, path: Sequence[str], key: str, value: Any) -> str:
    """The text with one more member in the object at a path of keys; None for `whole` is a text without a value."""
    if whole is None:
        end = "" if not text.strip("\ufeff \t\r\n") or text.endswith("\n") else _eol(text)
        return f"{text}{end}{_written({key: value}, '', _unit(text, whole), _eol(text))}{_eol(text)}"
    here = whole
    for step in path:
        below = here.get(step)
        if below is None:
            raise KeyError(step)
        here = below
    inner = _indent(text, here) + _unit(text, whole)
    if here.members and (own := _own_line(text, here.members[0].start)) is not None:
        inner = own
    wide = _wide(text, here)
    shown = _written(value, inner, _unit(text, whole), _eol(text)) if wide else json.dumps(value, ensure_ascii=False)
    return _inserted(text, here, f"{json.dumps(key, ensure_ascii=False)}: {shown}", inner, wide=wide)


def with_element(text: str, whole: Value, array: Value, value: str) -> str:
    """The text with one more string at the end of a list; a lone string becomes a list of two."""
    shown = json.dumps(value, ensure_ascii=False)
    if isinstance(array.plain, str):
        return f"{text[: array.start]}[{text[array.start : array.end]}, {shown}]{text[array.end :]}"
    inner = _indent(text, array) + _unit(text, whole)
    if array.elements and (own := _own_line(text, array.elements[0].start)) is not None:
        inner = own
    return _inserted(text, array, shown, inner, wide="\n" in text[array.start : array.end])


# reading


def _blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    end = found.end() if found else at
    if text.startswith("/*", end):
        raise Unreadable("a comment is not closed", text, end)
    return end


def _value(text: str, at: int, depth: int) -> Value:
    if depth > DEPTH:
        raise Unreadable(f"it nests deeper than {DEPTH} levels", text, at)
    if text.startswith("{", at):
        return _object(text, at, depth)
    if text.startswith("[", at):
        return _list(text, at, depth)
    if found := _STRING.match(text, at):
        return Value(json.loads(found[0]), at, found.end())
    if (found := _WORD.match(text, at)) and not text[found.end() : found.end() + 1].isalnum():
        return Value(json.loads(found[0]), at, found.end())
    raise Unreadable("no value stands here" if at < len(text) else "it ends too early", text, at)


def _object(text: str, start: int, depth: int) -> Value:
    members: list[Member] = []
    at, comma = _blank(text, start + 1), True
    while not text.startswith("}", at):
        name = _STRING.match(text, at)
        if not comma or name is None:
            wanted = "a name in quotes" if comma else "a comma"
            raise Unreadable(f"{wanted} is missing" if at < len(text) else "it ends too early", text, at)
        colon = _blank(text, name.end())
        if not text.startswith(":", colon):
            raise Unreadable("a colon is missing", text, colon)
        value = _value(text, _blank(text, colon + 1), depth + 1)
        members.append(Member(json.loads(name[0]), at, value))
        at, comma = _comma(text, value.end)
    plain = {member.key: member.value.plain for member in members}
    return Value(plain, start, at + 1, members=tuple(members), open_end=comma and bool(members))


def _list(text: str, start: int, depth: int) -> Value:
    elements: list[Value] = []
    at, comma = _blank(text, start + 1), True
    while not text.startswith("]", at):
        if not comma:
            raise Unreadable("a comma is missing" if at < len(text) else "it ends too early", text, at)
        elements.append(_value(text, at, depth + 1))
        at, comma = _comma(text, elements[-1].end)
    plain = [element.plain for element in elements]
    return Value(plain, start, at + 1, elements=tuple(elements), open_end=comma and bool(elements))


def _comma(text: str, at: int) -> tuple[int, bool]:
    """Where the next thing stands behind a value, and whether a comma came before it."""
    at = _blank(text, at)
    return (_blank(text, at + 1), True) if text.startswith(",", at) else (at, False)


# inserting


def _inserted(text: str, inside: Value, shown: str, indent: str, *, wide: bool) -> str:
    """Text put in as the last thing inside braces; a comment on the line of what was last stays on that line."""
    last = inside.last
    end = inside.end - 1
    if last is None:
        comments = list(_COMMENTS.finditer(text, inside.start + 1, end))
        at = comments[-1].end() if comments else inside.start + 1
        before = f"{_eol(text)}{indent}" if wide else " " if comments else ""
        after = f"{_eol(text)}{_indent(text, inside)}" if wide and "\n" not in text[at:end] else ""
        return f"{text[:at]}{before}{shown}{after}{text[at:]}"
    comma = "" if inside.open_end else ","
    behind = _blank(text, last.end) + 1 if inside.open_end else last.end
    found = _REST_OF_LINE.match(text, behind, end)
    at = found.end() if found else behind
    before = f"{_eol(text)}{indent}" if wide else " "
    return f"{text[: last.end]}{comma}{text[last.end : at]}{before}{shown}{text[at:]}"


def _wide(text: str, inside: Value) -> bool:
    """Whether an object has a line for each member; an empty one may have."""
    return not inside.members or "\n" in text[inside.start : inside.end]


def _written(value: Any, indent: str, unit: str, eol: str) -> str:
    lines = json.dumps(value, indent=unit, ensure_ascii=False).split("\n")
    return f"{eol}{indent}".join(lines)


def _unit(text: str, whole: Value | None) -> str:
    """One step of indentation, as the first member has it; four spaces where nothing tells."""
    first = whole.members[0].start if whole and whole.members else None
    own = _own_line(text, first) if first is not None else None
    return own or "    "


def _indent(text: str, value: Value) -> str:
    """The indentation of the line that a value begins on."""
    begin = text.rfind("\n", 0, value.start) + 1
    return "".join(_leading(text[begin : value.start].lstrip("\ufeff")))


def _leading(line: str) -> Iterator[str]:
    for character in line:
        if character not in " \t":
            return
        yield character


def _own_line(text: str, at: int) -> str | None:
    """What stands before a place on its line, when that is nothing but blanks; None on the first line."""
    begin = text.rfind("\n", 0, at) + 1
    before = text[begin:at]
    return before if begin and not before.strip(" \t") else None


def _eol(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
