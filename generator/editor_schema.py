"""The spec's schema as an editor needs it: JSON Schema alone, and what makes completion, hover and messages helpful.

Our annotations become standard ones where an editor knows such a thing: the form of a pattern is its message, the
meaning of leaving a key out stands in the description, and of an object whose keys depend on its type each type has
its own keys, so that nothing is offered that would be refused. What is accepted stays the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from generator import data, schema
from generator.schema import Schema

_NAMED = ("properties", "$defs", "patternProperties")
_ONE = ("items", "additionalProperties", "propertyNames", "if", "then", "else", "not")
_MANY = ("allOf", "anyOf", "oneOf")
_SAID = ("title", "description", "examples", "$ref")


def text() -> str:
    """The schema of a spec as `groundplan schema` prints it."""
    return json.dumps(for_editors(data.load("schemas/spec.schema.json")), indent=2, ensure_ascii=False) + "\n"


def for_editors(spec: Schema) -> dict[str, Any]:
    shared: dict[str, Any] = {}
    made = _part(schema.complete(spec), shared)
    return {**made, "$defs": {**made["$defs"], **shared}}


def _part(part: Any, shared: dict[str, Any]) -> Any:
    """One schema; keys that several types of an object share are put into `shared`."""
    if not isinstance(part, Mapping):
        return part
    made = {key: _below(key, value, shared) for key, value in part.items() if not key.startswith(("x-", "$comment"))}
    if made.get("default") in ({}, []):
        del made["default"]  # an editor would write it down: `calls: []`
    made |= dict(_words(part))
    if isinstance(part.get("x-discriminator"), Mapping) and "keys" in part["x-discriminator"]:
        made = _by_type(part, made, shared)
    if isinstance(part.get("x-shorthand"), Mapping):
        made = _either(made, part["x-shorthand"].values())
    return made


def _below(key: str, value: Any, shared: dict[str, Any]) -> Any:
    if key in _NAMED:
        return {name: _part(below, shared) for name, below in value.items()}
    if key in _ONE:
        return _part(value, shared)
    if key in _MANY:
        return [_part(below, shared) for below in value]
    return value


def _words(part: Schema) -> Iterator[tuple[str, str]]:
    if "x-form" in part:
        yield "patternErrorMessage", f"Expected {part['x-form']}."
    if "description" not in part:
        return
    absent = part.get("x-absent")
    if part.get("default") not in (None, "", {}, []):
        yield "markdownDescription", f"{part['description']}\n\nDefault: `{_shown(part['default'])}`"
    elif absent:
        yield "markdownDescription", f"{part['description']}\n\nWhen left out: {absent}."


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _either(made: dict[str, Any], short: Iterable[str]) -> dict[str, Any]:
    """A scalar, or the object that it stands for.

    Of the object the choice knows the names of the keys only: servers tell a wrong key badly inside of a choice.
    """
    kept: dict[str, Any] = {
        key: made[key] for key in ("title", "description", "markdownDescription", "default") if key in made
    }
    whole = {key: value for key, value in made.items() if key not in kept and key != "examples"}
    wide = [example for example in made["examples"] if isinstance(example, Mapping)]
    narrow = [example for example in made["examples"] if not isinstance(example, Mapping)]
    scalars = [{**_bare(made["properties"][key]), "title": made["title"]} for key in short]
    keys = {name: _bare(below) for name, below in made["properties"].items()}
    loose = {
        "title": made["title"],
        "type": made["type"],
        "properties": {name: {key: below[key] for key in _SAID if key in below} for name, below in keys.items()},
        "defaultSnippets": [{"label": f"{{{', '.join(example)}}}", "body": example} for example in wide],
    }
    return {**kept, "examples": narrow, "anyOf": [*scalars, loose], "if": {"type": "object"}, "then": whole}


def _bare(part: Mapping[str, Any]) -> dict[str, Any]:
    """Without what leaving the key out means."""
    return {name: value for name, value in part.items() if name not in {"default", "markdownDescription"}}


def _by_type(part: Schema, made: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """Each type with its own keys, and all keys while the type is not written yet."""
    choice = part["x-discriminator"]
    kind, keys = str(choice["key"]), choice["keys"]
    usual = part["properties"][kind].get("default")
    properties = dict(made["properties"])
    references: dict[str, Any] = {kind: True}
    for name in (name for name in properties if name != kind):
        shared[f"{made['title']}.{name}"] = properties[name]
        references[name] = {"$ref": f"#/$defs/{made['title']}.{name}"}
    conditions = []
    for value, fitting in keys.items():
        noun = str(choice["noun"]).format(value)
        own = {name: references[name] for name in properties if name in fitting}
        message = f"{_upper(noun)} has the keys {', '.join(own)}."
        holds = {"properties": {kind: {"const": value}}, "required": [kind] if value != usual else []}
        conditions.append(
            {"if": holds, "then": {"properties": own, "additionalProperties": False, "errorMessage": message}}
        )
    known = {"properties": {kind: {"enum": list(keys)}}, "required": [] if usual else [kind]}
    every = {"properties": {name: references[name] for name in properties}, "additionalProperties": False}
    others = [one for one in made.get("allOf", ()) if "propertyNames" not in one.get("then", {})]
    kept = {key: value for key, value in made.items() if key not in {"additionalProperties", "allOf"}}
    return {
        **kept,
        "properties": {kind: properties[kind]},
        "allOf": [*others, *conditions, {"if": known, "else": every}],
    }


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
