"""A document against a JSON Schema: what is wrong with it, and what it leaves out.

jsonschema decides what is wrong; `mistakes` has the words. Annotations of ours in a schema:
`x-shorthand` (a scalar stands for an object with that key), `x-discriminator` (which keys go with which
value of a key), `x-overrides` (an environment may hold these top-level keys in part), `x-target` (what
renders the key, or some of its values), `x-form` (a pattern in words).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from generator import mistakes
from generator.document import Location, Node, pointer
from generator.finding import Finding

Schema = Mapping[str, Any]

_cache: dict[int, tuple[Schema, Schema, Any]] = {}
"""By identity: the schema itself (which keeps the identity), completed, and its fast judge."""


def validate(node: Node, schema: Schema, *, family: str) -> Iterator[Finding]:
    """Everything wrong with a document, in document order; ids are `<family>/<problem>`."""
    _, whole, judge = _prepared(schema)
    instance = node.plain
    if judge.is_valid(instance):
        return
    from jsonschema import Draft202012Validator

    errors = Draft202012Validator(whole).iter_errors(instance)
    yield from mistakes.findings(errors, node, whole, family)


def expand(node: Node, schema: Schema) -> Node:
    """Shorthand written out: where a scalar stands for an object, the object with its one key."""
    return _expand(node, schema, schema)


def fill(node: Node, schema: Schema) -> Node:
    """The document with every static default that it leaves out, as nodes of the layer `default`."""
    return _fill(node, schema, schema)


def unrendered(node: Node, schema: Schema) -> Iterator[tuple[Node, str, str]]:
    """Nodes whose target does not exist yet, with the key (`mesh`, or `mesh: istio` for a value) and the target."""
    yield from _unrendered(node, schema, schema, "")


def describe(schema: Schema, path: tuple[str, ...]) -> Schema | None:
    """The schema of a key by its path; a name in a map (`services.web`) stands for any."""
    here: Schema | None = resolved(schema, schema)
    for key in path:
        if here is None:
            return None
        here = child(here, key, schema) if not key.startswith("[") else resolved(here.get("items", {}), schema)
    return here


def complete(schema: Schema) -> dict[str, Any]:
    """The schema with our annotations said in JSON Schema: what environments may override, which keys go together."""
    made = {key: value for key, value in schema.items() if key != "$defs"}
    made["$defs"] = {name: _with_overrides(part, schema) for name, part in schema.get("$defs", {}).items()}
    whole: dict[str, Any] = _discriminating(made)
    return whole


resolved = mistakes.resolved


def child(part: Schema, key: str, root: Schema) -> Schema | None:
    """The schema of a key of an object."""
    if key in part.get("properties", {}):
        return resolved(part["properties"][key], root)
    if key in part.get("x-overrides", ()):
        return resolved(root["properties"][key], root)
    more = part.get("additionalProperties")
    return resolved(more, root) if isinstance(more, Mapping) else None


def tree(value: Any, at: Location) -> Node:
    """A plain value as nodes of the layer `default`, all at one place."""
    made: Any = value
    if isinstance(value, Mapping):
        made = {k: tree(v, dataclasses.replace(at, pointer=pointer(at.pointer, k))) for k, v in value.items()}
    elif isinstance(value, list):
        places = [dataclasses.replace(at, pointer=pointer(at.pointer, index)) for index in range(len(value))]
        made = tuple(tree(v, place) for v, place in zip(value, places, strict=True))
    return Node(made, at, layer="default", note="default of the schema")


# completing


def _prepared(schema: Schema) -> tuple[Schema, Schema, Any]:
    if id(schema) not in _cache:
        import jsonschema_rs

        whole = complete(schema)
        _cache[id(schema)] = (schema, whole, jsonschema_rs.validator_for(whole))
    return _cache[id(schema)]


def _with_overrides(part: Schema, root: Schema) -> Schema:
    if "x-overrides" not in part:
        return part
    more = {key: _partial(root["properties"][key], root) for key in part["x-overrides"]}
    kept = {key: value for key, value in part.items() if key != "x-overrides"}
    return {**kept, "properties": {**part["properties"], **more}}


_WHOLE_ONLY = frozenset({"required", "default", "minProperties", "x-discriminator", "allOf", "oneOf"})
"""What holds for a whole value only, and for a part of one once it is merged."""


def _partial(part: Schema, root: Schema) -> dict[str, Any]:
    """The same without required keys, and with null allowed everywhere."""
    made = {key: value for key, value in resolved(part, root).items() if key not in _WHOLE_ONLY}
    if "type" in made:
        kinds = made["type"] if isinstance(made["type"], list) else [made["type"]]
        made["type"] = [*kinds, "null"]
    if "enum" in made:
        made["enum"] = [*made["enum"], None]
    if "properties" in made:
        made["properties"] = {key: _partial(below, root) for key, below in made["properties"].items()}
    if isinstance(made.get("additionalProperties"), Mapping):
        made["additionalProperties"] = _partial(made["additionalProperties"], root)
    return made


def _discriminating(part: Any) -> Any:
    """Every `x-discriminator` as conditions on the names of keys; `x-of` names what has only these."""
    if isinstance(part, list):
        return [_discriminating(item) for item in part]
    if not isinstance(part, Mapping):
        return part
    made = {key: _discriminating(value) for key, value in part.items()}
    choice = part.get("x-discriminator")
    if not isinstance(choice, Mapping) or "keys" not in choice:
        return made
    usual = part.get("properties", {}).get(choice["key"], {}).get("default")
    conditions = [
        {
            "if": {
                "properties": {choice["key"]: {"const": value}},
                "required": [choice["key"]] if value != usual else [],
            },
            "then": {"propertyNames": {"enum": list(keys), "x-of": str(choice["noun"]).format(value)}},
        }
        for value, keys in choice["keys"].items()
    ]
    return {**made, "allOf": [*made.get("allOf", ()), *conditions]}


def _expand(node: Node, part: Schema, root: Schema) -> Node:
    part = resolved(part, root)
    key = part.get("x-shorthand", {}).get(mistakes.kind(node.value), "")
    if key:
        inner = Location(node.at.path, node.at.line, node.at.column, pointer(node.at.pointer, key))
        return dataclasses.replace(node, value={key: dataclasses.replace(node, at=inner)})
    if isinstance(node.value, dict):
        below = {name: (entry, child(part, name, root)) for name, entry in node.value.items()}
        made = {name: _expand(entry, its, root) if its else entry for name, (entry, its) in below.items()}
        return dataclasses.replace(node, value=made)
    if isinstance(node.value, tuple) and isinstance(part.get("items"), Mapping):
        return dataclasses.replace(node, value=tuple(_expand(entry, part["items"], root) for entry in node.value))
    return node


def _fill(node: Node, part: Schema, root: Schema) -> Node:
    part = resolved(part, root)
    if isinstance(node.value, tuple) and isinstance(part.get("items"), Mapping):
        return dataclasses.replace(node, value=tuple(_fill(entry, part["items"], root) for entry in node.value))
    if not isinstance(node.value, dict):
        return node
    made: dict[str, Node] = {}
    for name, entry in node.value.items():
        below = child(part, name, root)
        made[name] = _fill(entry, below, root) if below else entry
    fitting = mistakes.fitting(node, part)
    for name, raw in part.get("properties", {}).items():
        below = resolved(raw, root)
        if name not in made and "default" in below and name in fitting:
            made[name] = _fill(_default(below["default"], node, name), below, root)
    return dataclasses.replace(node, value=made)


def _default(value: Any, parent: Node, name: str) -> Node:
    near = parent.key_at or parent.at
    at = Location(near.path, near.line, near.column, pointer(parent.at.pointer, name))
    return tree(value, at)


def _unrendered(node: Node, part: Schema, root: Schema, name: str) -> Iterator[tuple[Node, str, str]]:
    target = part.get("x-target")
    if isinstance(target, str):
        yield node, name, target
        return
    if isinstance(target, Mapping) and isinstance(node.value, str) and node.value in target:
        yield node, f"{name}: {node.value}", str(target[node.value])
    misfits = set(part.get("properties", ())).difference(mistakes.fitting(node, part))
    for key, entry in node.items():
        below = child(part, key, root)
        if below is not None and entry.value is not None and key not in misfits:
            yield from _unrendered(entry, below, root, key)
    for entry in node.elements():
        yield from _unrendered(entry, resolved(part.get("items", {}), root), root, name)
