"""A document against a JSON Schema -> findings with a place, the user's value and a way out.

jsonschema decides what is wrong; the words are ours. Three annotations of ours in a schema:
`x-shorthand` (a scalar stands for an object with that key), `x-overrides` (an environment may hold these
top-level keys in part, null removing what lies below) and `x-target` (what renders the key).
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from generator.document import Location, Node, pointer
from generator.finding import Finding, Severity

Schema = Mapping[str, Any]

_SYNONYMS = {
    "replicas": "scale",
    "replica": "scale",
    "instances": "scale",
    "autoscaling": "scale",
    "ports": "port",
    "environment": "env",
    "environments": "env",
    "depends_on": "calls",
    "dependencies": "calls",
    "language": "runtime",
    "resources": "size",
    "requests": "size",
    "limits": "size",
    "healthcheck": "health",
    "probes": "health",
    "probe": "health",
    "ingress": "public",
    "host": "public",
    "domain": "public",
    "hostname": "host",
    "cmd": "command",
    "entrypoint": "command",
    "kind": "type",
    "engine": "type",
    "databases": "resources",
    "team": "owner",
    "name": "app",
    "project": "app",
    "labels": "tags",
    "pagerduty": "page",
    "timezone": "time_zone",
    "rto_minutes": "rto",
}
_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping of keys",
    "array": "a list",
    "null": "nothing",
}


def validate(node: Node, schema: Schema, *, family: str) -> Iterator[Finding]:
    """Everything wrong with a document, in document order; ids are `<family>/<problem>`."""
    complete = _complete(schema)
    instance = node.plain
    if _quick(json.dumps(complete, sort_keys=True)).is_valid(instance):
        return
    for error in sorted(
        _validator(complete).iter_errors(instance), key=lambda error: [str(key) for key in error.absolute_path]
    ):
        yield from _findings(error, node, family)


def expand(node: Node, schema: Schema) -> Node:
    """Shorthand written out: where a scalar stands for an object, the object with its one key."""
    return _expand(node, schema, schema)


def fill(node: Node, schema: Schema) -> Node:
    """The document with every static default that it leaves out, as nodes of the layer `default`."""
    return _fill(node, schema, schema)


def unrendered(node: Node, schema: Schema) -> Iterator[tuple[Node, str, str]]:
    """Nodes of keys whose target does not exist yet, with the path's last key and the target."""
    yield from _unrendered(node, schema, schema)


def describe(schema: Schema, path: tuple[str, ...]) -> Schema | None:
    """The schema of a key by its path; a name in a map (`services.web`) stands for any."""
    here: Schema | None = _resolve(schema, schema)
    for key in path:
        if here is None:
            return None
        here = _child(here, key, schema) if not key.startswith("[") else _resolve(here.get("items", {}), schema)
    return here


def editor_schema(schema: Schema) -> dict[str, Any]:
    """The schema as an editor needs it: shorthands allowed, environments written out, our annotations gone."""
    made: dict[str, Any] = _for_editor(copy.deepcopy(dict(_complete(schema))))
    return made


# completing


def _complete(schema: Schema) -> Schema:
    """The schema with what environments may override written out."""
    environment = schema.get("$defs", {}).get("environment", {})
    if "x-overrides" not in environment:
        return schema
    return _completed(json.dumps(schema))


@functools.lru_cache(maxsize=4)
def _completed(text: str) -> Schema:
    schema: dict[str, Any] = json.loads(text)
    environment = schema["$defs"]["environment"]
    for key in environment.pop("x-overrides"):
        environment["properties"][key] = _partial(schema["properties"][key], schema)
    return schema


def _partial(part: Schema, root: Schema) -> dict[str, Any]:
    """The same without required keys, and with null allowed everywhere."""
    made = dict(_resolve(part, root))
    made.pop("required", None)
    made.pop("default", None)
    made.pop("minProperties", None)
    if "type" in made:
        kinds = made["type"] if isinstance(made["type"], list) else [made["type"]]
        made["type"] = [*kinds, "null"]
    if "enum" in made:
        made["enum"] = [*made["enum"], None]
    if "properties" in made:
        made["properties"] = {key: _partial(child, root) for key, child in made["properties"].items()}
    for key in ("additionalProperties",):
        if isinstance(made.get(key), dict):
            made[key] = _partial(made[key], root)
    return made


def _for_editor(part: Any) -> Any:
    if isinstance(part, list):
        return [_for_editor(item) for item in part]
    if not isinstance(part, dict):
        return part
    made = {key: _for_editor(child) for key, child in part.items() if not key.startswith("x-")}
    shorthand = part.get("x-shorthand")
    if not shorthand:
        return made
    kept = {key: made.pop(key) for key in ("title", "description", "default", "examples") if key in made}
    short = {"type": list(shorthand), "title": f"short for {{{next(iter(shorthand.values()))}: …}}"}
    return {**kept, "anyOf": [short, made]}


# walking


def _resolve(part: Schema, root: Schema) -> Schema:
    """A reference followed; keys beside it (title, default) win."""
    while "$ref" in part:
        target = root
        for key in str(part["$ref"]).removeprefix("#/").split("/"):
            target = target[key]
        part = {**target, **{key: value for key, value in part.items() if key != "$ref"}}
    return part


def _child(part: Schema, key: str, root: Schema) -> Schema | None:
    """The schema of a key of an object."""
    if key in part.get("properties", {}):
        return _resolve(part["properties"][key], root)
    if key in part.get("x-overrides", ()):
        return _resolve(root["properties"][key], root)
    more = part.get("additionalProperties")
    return _resolve(more, root) if isinstance(more, Mapping) else None


def _expand(node: Node, part: Schema, root: Schema) -> Node:
    part = _resolve(part, root)
    key = _shorthand(node, part)
    if key:
        inner = Location(node.at.path, node.at.line, node.at.column, pointer(node.at.pointer, key))
        return dataclasses.replace(node, value={key: dataclasses.replace(node, at=inner)})
    if isinstance(node.value, dict):
        children = {name: (child, _child(part, name, root)) for name, child in node.value.items()}
        made = {name: _expand(child, below, root) if below else child for name, (child, below) in children.items()}
        return dataclasses.replace(node, value=made)
    if isinstance(node.value, tuple) and isinstance(part.get("items"), Mapping):
        return dataclasses.replace(node, value=tuple(_expand(child, part["items"], root) for child in node.value))
    return node


def _shorthand(node: Node, part: Schema) -> str:
    """The key that a scalar stands for, or ""."""
    value = node.value
    kind = (
        "boolean"
        if isinstance(value, bool)
        else "integer"
        if isinstance(value, int)
        else "number"
        if isinstance(value, float)
        else "string"
        if isinstance(value, str)
        else ""
    )
    return str(part.get("x-shorthand", {}).get(kind, ""))


def _fill(node: Node, part: Schema, root: Schema) -> Node:
    part = _resolve(part, root)
    if isinstance(node.value, tuple) and isinstance(part.get("items"), Mapping):
        return dataclasses.replace(node, value=tuple(_fill(child, part["items"], root) for child in node.value))
    if not isinstance(node.value, dict):
        return node
    made: dict[str, Node] = {}
    for name, child in node.value.items():
        below = _child(part, name, root)
        made[name] = _fill(child, below, root) if below else child
    for name, raw in part.get("properties", {}).items():
        below = _resolve(raw, root)
        if name not in made and "default" in below:
            made[name] = _fill(_default(below["default"], node, name), below, root)
    return dataclasses.replace(node, value=made)


def _default(value: Any, parent: Node, name: str) -> Node:
    near = parent.key_at or parent.at
    at = Location(near.path, near.line, near.column, pointer(parent.at.pointer, name))
    return _tree(value, at)


def _tree(value: Any, at: Location) -> Node:
    if isinstance(value, Mapping):
        made = {k: _tree(v, dataclasses.replace(at, pointer=pointer(at.pointer, k))) for k, v in value.items()}
        return Node(made, at, layer="default", note="default of the schema")
    if isinstance(value, list):
        children = enumerate(value)
        return Node(
            tuple(_tree(v, dataclasses.replace(at, pointer=pointer(at.pointer, i))) for i, v in children),
            at,
            layer="default",
            note="default of the schema",
        )
    return Node(value, at, layer="default", note="default of the schema")


def _unrendered(node: Node, part: Schema, root: Schema) -> Iterator[tuple[Node, str, str]]:
    for name, child in node.items():
        below = _child(_resolve(part, root), name, root)
        if below is None:
            continue
        if "x-target" in below:
            yield child, name, str(below["x-target"])
        elif isinstance(child.value, str) and child.value in below.get("x-unrendered", {}):
            yield child, f"{name}: {child.value}", str(below["x-unrendered"][child.value])
        else:
            yield from _unrendered(child, below, root)


# judging


@functools.lru_cache(maxsize=8)
def _quick(text: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(json.loads(text))


def _validator(schema: Schema) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema)


def _findings(error: Any, document: Node, family: str) -> Iterator[Finding]:
    node = _node(document, error.absolute_path)
    part = error.schema if isinstance(error.schema, Mapping) else {}
    make = _names if "propertyNames" in error.absolute_schema_path else _WORDS.get(error.validator)
    if make is None:
        yield _finding(family, "wrong-form", node, f"{_quoted(node.value)} is not accepted here", _example(part))
        return
    for rule, at, message, fix in make(error, node, part):
        yield Finding(
            f"{family}/{rule}", Severity.HIGH, message, at, fix=fix, property=at.pointer, value=_quoted(node.value)
        )


def _finding(family: str, rule: str, node: Node, message: str, fix: str) -> Finding:
    return Finding(f"{family}/{rule}", Severity.HIGH, message, node.at, fix=fix, property=node.at.pointer)


_Said = Iterator[tuple[str, Location, str, str]]


def _unknown_keys(_error: Any, node: Node, part: Schema) -> _Said:
    known = list(part.get("properties", {}))
    for name, child in node.items():
        if name not in known:
            what = str(part.get("title", "this")).lower()
            message = f'"{name}" is not a key of {_article(what)}'
            yield "unknown-key", child.key_at or child.at, message, _near_key(name, known)


def _near_key(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    same = _SYNONYMS.get(name)
    if not near and same in known:
        near = [same]
    if not near:
        near = [key for key in known if len(name) > 2 and (key.startswith(name) or name.startswith(key))][:1]
    return f'did you mean "{near[0]}"?' if near else f"its keys are: {', '.join(known)}"


def _wrong_type(error: Any, node: Node, part: Schema) -> _Said:
    kinds = [
        kind
        for kind in ([error.validator_value] if isinstance(error.validator_value, str) else error.validator_value)
        if kind != "null"
    ]
    wanted = " or ".join(_TYPES[kind] for kind in kinds)
    if "string" in kinds and isinstance(node.value, float):
        fix = f'quote it: "{node.value}"'
    elif "string" in kinds and isinstance(node.value, bool):
        fix = f'quote it: "{str(node.value).lower()}"'
    elif "string" in kinds and isinstance(node.value, int):
        fix = f'quote it: "{node.value}"'
    elif "array" in kinds and isinstance(node.value, str | int):
        fix = f"write it as a list: [{node.value}]"
    else:
        fix = _example(part)
    yield "wrong-type", node.at, f"{_name(node)} is {wanted}, and here stands {_shown(node)}", fix


def _missing(error: Any, node: Node, part: Schema) -> _Said:
    for name in error.validator_value:
        if name not in node.entries():
            below = part.get("properties", {}).get(name, {})
            what = str(part.get("title", "this")).lower()
            examples = below.get("examples") or ["…"]
            fix = f"add `{name}: {json.dumps(examples[0], ensure_ascii=False)}`".replace('"', "")
            yield "missing-key", node.key_at or node.at, f'{_article(what)} needs "{name}"', fix


def _pattern(error: Any, node: Node, part: Schema) -> _Said:
    wanted = part.get("x-form") or f"the form {error.validator_value}"
    yield "wrong-form", node.at, f"{_quoted(node.value)} is not {wanted}", _example(part)


def _enumerated(error: Any, node: Node, _part: Schema) -> _Said:
    allowed = [value for value in error.validator_value if value is not None]
    near = difflib.get_close_matches(str(node.value), [str(value) for value in allowed], n=1)
    listed = ", ".join(str(value) for value in allowed)
    fix = f'did you mean "{near[0]}"?' if near else f"it is one of: {listed}"
    yield "not-one-of", node.at, f"{_quoted(node.value)} is not a {_name(node)}", fix


def _constant(error: Any, node: Node, _part: Schema) -> _Said:
    yield "not-one-of", node.at, f"{_quoted(node.value)} is not a {_name(node)}", f"write {error.validator_value}"


def _range(_error: Any, node: Node, part: Schema) -> _Said:
    low, high = part.get("minimum"), part.get("maximum")
    bounds = " and ".join(
        [*([f"at least {low}"] if low is not None else []), *([f"at most {high}"] if high is not None else [])]
    )
    yield "out-of-range", node.at, f"{_name(node)} is {bounds}, and here stands {node.value}", _example(part)


def _length(error: Any, node: Node, part: Schema) -> _Said:
    few = error.validator in {"minItems", "minProperties", "minLength"}
    wanted = "at least" if few else "at most"
    things = {"minLength": "characters", "maxLength": "characters"}.get(error.validator, "entries")
    message = f"{_name(node)} has {wanted} {error.validator_value} {things}"
    yield "too-few" if few else "too-many", node.at, message, _example(part)


def _unique(_error: Any, node: Node, _part: Schema) -> _Said:
    seen: list[Any] = []
    for child in node.elements():
        if child.plain in seen:
            yield (
                "not-unique",
                child.at,
                f"{_quoted(child.value)} stands twice in {_name(node)}",
                "remove one of the two",
            )
        seen.append(child.plain)


def _names(error: Any, node: Node, _part: Schema) -> _Said:
    """A key of a map that is no name; jsonschema reports it at the map, with the key as the instance."""
    child = node.entries().get(str(error.instance))
    wanted = error.schema.get("x-form", "a name")
    at = (child.key_at or child.at) if child else node.at
    yield (
        "wrong-name",
        at,
        f'"{error.instance}" is not {wanted}',
        "use lower-case letters, digits and dashes, a letter first",
    )


_WORDS: Mapping[str, Any] = {
    "additionalProperties": _unknown_keys,
    "type": _wrong_type,
    "required": _missing,
    "pattern": _pattern,
    "enum": _enumerated,
    "const": _constant,
    "minimum": _range,
    "maximum": _range,
    "minItems": _length,
    "maxItems": _length,
    "minLength": _length,
    "maxLength": _length,
    "minProperties": _length,
    "uniqueItems": _unique,
}


def _node(document: Node, path: Any) -> Node:
    return document.get(*path) or document


def _name(node: Node) -> str:
    return node.at.pointer.rpartition(".")[2] or "the document"


def _quoted(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, tuple):
        return "a list"
    return json.dumps(value, ensure_ascii=False)


def _shown(node: Node) -> str:
    return _quoted(node.value) if not isinstance(node.value, str) or len(node.value) < 60 else f'"{node.value[:57]}…"'


def _article(word: str) -> str:
    return f"{'an' if word[:1] in 'aeiou' else 'a'} {word}" if not word.startswith(("the ", "a ", "an ")) else word


def _example(part: Schema) -> str:
    examples = part.get("examples") or ([part["default"]] if "default" in part else [])
    return f"for example {json.dumps(examples[0], ensure_ascii=False)}" if examples else "see `groundplan schema`"
