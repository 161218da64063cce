"""Types of Terraform values, and whether a value of one can be given where another is wanted.

A type is written as in the provider's facts: `s` text, `n` number, `b` boolean, `y` not known, `("l", T)` list,
`("e", T)` set, `("m", T)` map, a mapping of names to types for an object; besides, `z` is null, `("t", T…)` a tuple,
and `("o", T)` a member of an object that may be left out. https://developer.hashicorp.com/terraform/language/expressions/types
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from generator.policy.hclread import Expr

NOTHING = object()
PRIMITIVES = frozenset({"s", "n", "b"})
_WORDS = {"s": "a text", "n": "a number", "b": "true or false", "z": "null", "y": "a value"}
_BOOLEANS = frozenset({"true", "false", "1", "0"})
_LETTERS = {"l": "a list", "e": "a set", "m": "a map", "t": "a list"}


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of an expression, and its value where that is written out."""

    type: Any
    value: Any = NOTHING


UNKNOWN = Kind("y")


def letter(kind: Any) -> str:
    """`o` for an object, the letter of a collection or tuple, or the primitive itself."""
    if isinstance(kind, Mapping):
        return "object"
    return str(kind[0]) if isinstance(kind, list | tuple) else str(kind)


def words(kind: Any) -> str:
    """A type in the reader's words."""
    if isinstance(kind, Mapping):
        return "an object"
    return _LETTERS[kind[0]] if isinstance(kind, list | tuple) else _WORDS[kind]


def member(kind: Any) -> Any:
    """The type of a member of an object, whether or not it may be left out."""
    return kind[1] if letter(kind) == "o" else kind


def element(kind: Any) -> Any:
    """What one gets when walking over a value."""
    sort = letter(kind)
    if sort in {"l", "e", "m"}:
        return kind[1]
    if sort == "t":
        return together(kind[1:])
    if sort == "object":
        return together(member(inner) for inner in kind.values())
    return "y"


def together(kinds: Iterable[Any]) -> Any:
    """One type for several values; not known when they differ."""
    made: Any = None
    for kind in kinds:
        if kind in ("z", made):
            made = made or kind
        elif made is None or made == "z":
            made = kind
        elif isinstance(made, str) and isinstance(kind, str) and {made, kind} <= PRIMITIVES:
            made = "s"
        else:
            return "y"
    return "y" if made is None or made == "z" else made


def misfit(given: Kind, wanted: Any, depth: int = 0) -> str:
    """What is wanted, in words, where the given cannot be turned into it; else ""."""
    sort, aim = letter(given.type), letter(wanted)
    if depth > 20 or "y" in {sort, aim} or sort == "z":
        return ""
    if aim == "o":
        return misfit(given, wanted[1], depth + 1)
    if aim in PRIMITIVES:
        return _primitive(given, sort, aim)
    if sort in PRIMITIVES:
        return words(wanted)
    if aim in {"l", "e"}:
        return _listed(given, sort, wanted, depth)
    if aim == "m":
        return _mapped(given, sort, wanted, depth)
    if aim == "object":
        return _object(given, sort, wanted, depth)
    return ""


def _primitive(given: Kind, sort: str, aim: str) -> str:
    if sort not in PRIMITIVES:
        return _WORDS[aim]
    if aim == "n" and (sort == "b" or (isinstance(given.value, str) and not is_number(given.value))):
        return _WORDS[aim]
    if aim == "b" and (sort == "n" or (isinstance(given.value, str) and given.value not in _BOOLEANS)):
        return _WORDS[aim]
    return ""


def _listed(given: Kind, sort: str, wanted: Any, depth: int) -> str:
    if sort in {"m", "object"}:
        return words(wanted)
    return _each(given.type[1:], wanted[1], f"{words(wanted)}; each of it", depth)


def _mapped(given: Kind, sort: str, wanted: Any, depth: int) -> str:
    if sort in {"l", "e", "t"}:
        return words(wanted)
    inner = [member(kind) for kind in given.type.values()] if sort == "object" else [given.type[1]]
    return _each(inner, wanted[1], "a map; each of it", depth)


def _object(given: Kind, sort: str, wanted: Mapping[str, Any], depth: int) -> str:
    if sort in {"l", "e", "t"}:
        return "an object"
    if sort == "m":
        return ""
    for name, kind in wanted.items():
        if name not in given.type:
            if letter(kind) != "o":
                return f'an object with "{name}"'
            continue
        if inner := misfit(Kind(member(given.type[name])), kind, depth + 1):
            return f'an object whose "{name}" is {inner}'
    return ""


def _each(kinds: Iterable[Any], wanted: Any, front: str, depth: int) -> str:
    for kind in kinds:
        if inner := misfit(Kind(kind), wanted, depth + 1):
            return f"{front} {inner}"
    return ""


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip() == text and text.lower() not in {"nan", "inf", "-inf", "+inf", "infinity"}


def of_constraint(expr: Expr, depth: int = 0) -> Any:
    """The type that a variable's `type` says; not known where it says any, or what we cannot read."""
    if depth > 20:
        return "y"
    if expr.kind == "name":
        return {"string": "s", "number": "n", "bool": "b"}.get(str(expr.parts[0]), "y")
    if expr.kind != "call" or not expr.parts[1]:
        return "y"
    name, first = expr.parts[0], expr.parts[1][0]
    if name in {"list", "set", "map"}:
        return ({"list": "l", "set": "e", "map": "m"}[name], of_constraint(first, depth + 1))
    if name == "object" and first.kind == "obj":
        return {_name(key): _member(value, depth + 1) for key, value in first.parts}
    if name == "tuple" and first.kind == "list":
        return ("t", *[of_constraint(item, depth + 1) for item in first.parts])
    return "y"


def _member(expr: Expr, depth: int) -> Any:
    if expr.kind == "call" and expr.parts[0] == "optional" and expr.parts[1]:
        return ("o", of_constraint(expr.parts[1][0], depth))
    return of_constraint(expr, depth)


def _name(key: Expr) -> str:
    return "".join(str(part) for part in key.parts)
