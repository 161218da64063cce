"""A document against a compiled schema: what does not conform, where, and the way out, in words.

Of the branches of a `oneOf` only the one is spoken of that the value was meant for, which its type tells.
Values below keys that often hold secrets are not quoted.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.document import Location, Node, pointer

Path = tuple[str | int, ...]
Schema = Mapping[str, Any]

UNKNOWN, TYPE, MISSING, VALUE = "unknown", "type", "missing", "value"

_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
"""In the order in which a message offers them."""
_GIVEN = {**_KINDS, "boolean": "a truth value"}
_SILENT = frozenset({"data", "stringData", "env", "environment", "args", "command", "literals", "options"})
_MOST_LISTED = 12
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True, order=True)
class Breach:
    """One place that does not conform; `problem` is one of UNKNOWN, TYPE, MISSING, VALUE."""

    at: Location
    problem: str
    message: str
    fix: str = ""
    property: str = ""
    value: str = ""


def breaches(
    errors: Iterable[Any], document: Node, schema: Schema, *, noun: str, wrapped: bool = False
) -> Iterator[Breach]:
    """The errors of a jsonschema-rs validator in words; `noun` names the whole, such as "a Deployment".

    `wrapped` tells that the validator saw the document as the one value of a mapping.
    """
    judged = [(one, _Place(document, schema, noun, tuple(one.instance_path), int(wrapped))) for one in errors]
    said = [breach for error, place in judged for breach in _spoken(error, place)]
    # an error that only follows from others says nothing, unless there are no others
    said = said or [_not_accepted(error, place) for error, place in judged]
    meant = {(_above(one), one.fix) for one in said if one.problem == UNKNOWN}
    other = {one.at for one in said if one.problem == TYPE}
    for one in said:
        follows = one.problem == MISSING and (_above(one), _did_you_mean(one)) in meant
        if not follows and not (one.problem == VALUE and one.at in other):
            yield one


def _above(breach: Breach) -> str:
    return breach.property.rpartition(".")[0]


def _did_you_mean(missing: Breach) -> str:
    """What the fix of an unknown field says when this one was meant: then it is one mistake, not two."""
    return f'did you mean "{missing.property.rpartition(".")[2]}"?'


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an error is: the value, and how to speak of it."""

    document: Node
    schema: Schema
    noun: str
    judged: Path
    skipped: int

    @property
    def path(self) -> Path:
        return self.judged[self.skipped :]

    @property
    def node(self) -> Node:
        return self.document.get(*self.path) or self.document

    @property
    def name(self) -> str:
        """`replicas`, "an entry of `ports`", or the whole."""
        named = [f"`{part}`" for part in self.path if isinstance(part, str)]
        whole = named[-1] if named else self.noun
        return f"an entry of {whole}" if self.path and isinstance(self.path[-1], int) else whole

    @property
    def silent(self) -> bool:
        return not _SILENT.isdisjoint(part for part in self.path if isinstance(part, str))

    @property
    def given(self) -> str:
        """The value as a message quotes it."""
        value = self.node.value
        if value is None or isinstance(value, dict | tuple) or self.silent:
            return _GIVEN[_kind(value)]
        text = json.dumps(value, ensure_ascii=False)
        return text if len(text) <= _LONGEST_SHOWN else f'{text[: _LONGEST_SHOWN - 2]}…"'

    def breach(self, problem: str, message: str, fix: str) -> Breach:
        node = self.node
        value = "" if isinstance(node.value, dict | tuple) or self.silent else str(node.plain)
        return Breach(node.at, problem, message, fix, node.at.pointer, value)


def _spoken(error: Any, place: _Place) -> Iterator[Breach]:
    name = error.kind.name
    if name in {"additionalProperties", "unevaluatedProperties"}:
        yield from _unknown(error, place)
    elif name == "type":
        yield _wrong_type(error.kind.types, place)
    elif name == "required":
        yield _missing(str(error.kind.property), place)
    elif name == "enum":
        yield _not_listed(error.kind.options, place)
    elif name in {"oneOf", "anyOf"} and getattr(error.kind, "context", None):
        yield from _alternatives(error, place)
    else:
        yield _not_accepted(error, place)


def _unknown(error: Any, place: _Place) -> Iterator[Breach]:
    from generator import mistakes

    known, patterns = _fields(_part(place.schema, error.schema_path[:-1]), place.schema)
    # a mistake below a key makes the key itself count as unevaluated
    unexpected = [key for key in error.kind.unexpected if key not in known]
    for key in (key for key in unexpected if not any(re.search(pattern, key) for pattern in patterns)):
        entry = place.node.entries().get(key)
        at = (entry.key_at or entry.at) if entry else place.node.at
        near = mistakes.nearest(key, known)
        fix = f'did you mean "{near}"?' if near else _listed(known)
        message = f'"{key}" is not a field of {place.name}'
        yield Breach(at, UNKNOWN, message, fix, pointer(place.node.at.pointer, key))


def _fields(part: Schema, root: Schema) -> tuple[list[str], list[str]]:
    """The names and the patterns of names that a schema and all it consists of know, sorted."""
    names, patterns = set(part.get("properties", ())), set(part.get("patternProperties", ()))
    below = list(part.get("allOf", ()))
    if "$ref" in part:
        below.append(_part(root, str(part["$ref"]).removeprefix("#/").split("/")))
    for one in below:
        more, forms = _fields(one, root)
        names.update(more)
        patterns.update(forms)
    return sorted(names), sorted(patterns)


def _listed(known: Sequence[str]) -> str:
    if not known:
        return "remove it"
    more = ", …" if len(known) > _MOST_LISTED else ""
    return f"its fields are: {', '.join(known[:_MOST_LISTED])}{more}"


def _wrong_type(kinds: Iterable[str], place: _Place) -> Breach:
    allowed = set(kinds)
    wanted = [kind for kind in _KINDS if kind in allowed and kind != "null"] or ["null"]
    words = " or ".join(_KINDS[kind] for kind in wanted)
    return place.breach(TYPE, f"{place.name} is {words}, and here stands {place.given}", _other_type(place, wanted))


def _other_type(place: _Place, wanted: Sequence[str]) -> str:
    value = place.node.value
    if "string" in wanted and isinstance(value, bool | int | float):
        return "put quotes around it"
    if isinstance(value, str) and {"integer", "number"} & set(wanted) and value.strip().lstrip("-").isdigit():
        return "write it without quotes"
    if isinstance(value, str) and "boolean" in wanted and value.lower() in {"true", "false"}:
        return f"write it without quotes: {value.lower()}"
    if "array" in wanted:
        return "begin each entry with `- `"
    return "write a mapping of keys and values" if wanted == ["object"] else f"write {_KINDS[wanted[0]]}"


def _missing(key: str, place: _Place) -> Breach:
    node = place.node
    at = node.key_at or node.at
    message = f"{place.name} needs `{key}`"
    return Breach(at, MISSING, message, f"add `{key}`", pointer(node.at.pointer, key))


def _not_listed(options: Iterable[Any], place: _Place) -> Breach:
    from generator import mistakes

    words = [str(option) for option in options if option not in {None, ""}]
    given = place.node.value if isinstance(place.node.value, str) else ""
    holding = [word for word in words if given and given.lower() in word.lower()]
    near = mistakes.nearest(given, words) or (holding[0] if len(holding) == 1 else "") if given else ""
    fix = f'did you mean "{near}"?' if near else f"write {'one of: ' if len(words) > 1 else ''}{', '.join(words)}"
    return place.breach(VALUE, f"{place.given} is not a value of {place.name}", fix)


def _not_accepted(error: Any, place: _Place) -> Breach:
    """A pattern, a range, a repetition: the validator's own words, unless the schema has a form in words."""
    part = _part(place.schema, error.schema_path[:-1])
    limit = part.get(error.kind.name)
    if "x-form" in part:
        return place.breach(VALUE, f"{place.given} is not {part['x-form']}", f"for example {part['examples'][0]}")
    fixes = {
        "pattern": f"it has the form {limit}",
        "minimum": f"it is at least {limit}",
        "maximum": f"it is at most {limit}",
        "uniqueItems": "remove what is there twice",
        "minItems": f"it has at least {limit} entries",
        "maxItems": f"it has at most {limit} entries",
        "minLength": f"it has at least {limit} characters" if limit != 1 else "it may not be empty",
        "maxLength": f"it has at most {limit} characters",
        "minProperties": f"it has at least {limit} keys" if limit != 1 else "it may not be empty",
        "maxProperties": f"it has at most {limit} keys" if limit != 1 else "it has one key only",
    }
    fix = fixes.get(error.kind.name, f"the schema says {error.kind.name}: {json.dumps(limit)[:_LONGEST_SHOWN]}")
    return place.breach(VALUE, f"{place.given} is not accepted for {place.name}", fix)


def _alternatives(error: Any, place: _Place) -> Iterator[Breach]:
    """The errors of the branch that was meant; when the type fits none, all types there are."""
    here = list(error.instance_path)
    if not all(error.kind.context):
        yield _not_accepted(error, place)  # it fits more than one of what excludes each other
        return
    meant = [branch for branch in error.kind.context if not any(_of_type(one, here) for one in branch)]
    if not meant:
        kinds = [kind for branch in error.kind.context for one in branch for kind in _types(one, here)]
        yield _wrong_type(kinds, place)
        return
    for one in min(meant, key=len):
        yield from _spoken(one, dataclasses.replace(place, judged=tuple(one.instance_path)))


def _of_type(error: Any, here: list[Any]) -> bool:
    """An error that says that the value at this place is of another type than the branch is for."""
    if list(error.instance_path) != here:
        return False
    if error.kind.name in {"oneOf", "anyOf"} and getattr(error.kind, "context", None):
        return all(any(_of_type(one, here) for one in branch) for branch in error.kind.context)
    return bool(error.kind.name == "type")


def _types(error: Any, here: list[Any]) -> list[str]:
    if list(error.instance_path) != here:
        return []
    if error.kind.name in {"oneOf", "anyOf"} and getattr(error.kind, "context", None):
        return [kind for branch in error.kind.context for one in branch for kind in _types(one, here)]
    return list(error.kind.types) if error.kind.name == "type" else []


def _part(schema: Schema, path: Sequence[str | int]) -> Mapping[str, Any]:
    part: Any = schema
    for key in path:
        part = part[key]
    return part if isinstance(part, Mapping) else {}


def _kind(value: Any) -> str:
    from generator import mistakes

    return mistakes.kind(value)
