"""Other people's schemas (Kubernetes, compose) over a document: what differs, where, in plain words.

A quick validator says yes in microseconds; only a document that is refused is judged in detail. Where a
schema offers several forms, the one is judged that the value was meant to have.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from generator.document import Location, Node

_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where a document is not what the schema says; `rule` is unknown-field, wrong-type, missing-field
    or invalid-value."""

    rule: str
    at: Location
    message: str
    fix: str


def differences(node: Node, schema: Mapping[str, Any], *, partial: bool = False) -> Iterator[Difference]:
    """Everything that differs, in document order; a `partial` document may leave required fields out."""
    from jsonschema import Draft202012Validator

    errors = Draft202012Validator(schema).iter_errors(node.plain)
    seen = set()
    for error in sorted(errors, key=lambda error: [str(key) for key in error.absolute_path]):
        for leaf in _leaves(error):
            for made in _told(leaf, node, partial=partial):
                if made not in seen:
                    seen.add(made)
                    yield made


def _leaves(error: Any) -> Iterator[Any]:
    """The errors that matter: inside a choice of forms, those of the form that was meant."""
    if error.validator not in {"oneOf", "anyOf"} or not error.context:
        yield error
        return
    branches: dict[int, list[Any]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    depth = len(error.absolute_path)

    def misfit(branch: list[Any]) -> tuple[bool, int]:
        return any(len(inner.absolute_path) == depth and inner.validator == "type" for inner in branch), len(branch)

    best = min(branches.values(), key=misfit)
    if misfit(best)[0]:
        yield error
        return
    for inner in best:
        yield from _leaves(inner)


def _told(error: Any, document: Node, *, partial: bool) -> Iterator[Difference]:
    node = document.get(*error.absolute_path) or document
    name = node.at.pointer.rpartition(".")[2] or "the document"
    if error.validator in {"additionalProperties", "unevaluatedProperties"}:
        yield from _unknown(error, node)
    elif error.validator == "required":
        yield from () if partial else _missing(error, node, name)
    elif error.validator in {"type", "oneOf", "anyOf"}:
        wanted = _wanted(error)
        if not (partial and node.value is None):
            yield Difference(
                "wrong-type", node.at, f"{name} is {wanted}, and here stands {_quoted(node)}", _cure(error, node)
            )
    elif error.validator in {"enum", "const"}:
        allowed = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
        words = [str(value) for value in allowed if value is not None]
        near = difflib.get_close_matches(str(node.value), words, n=1)
        fix = f'did you mean "{near[0]}"?' if near else f"it is one of: {', '.join(words)}"
        yield Difference("invalid-value", node.at, f"{_quoted(node)} is not a {name}", fix)
    else:
        wanted = f"{error.validator} {json.dumps(error.validator_value)}"
        yield Difference("invalid-value", node.at, f"{_quoted(node)} is not a {name} ({wanted})", "mend the value")


def _unknown(error: Any, node: Node) -> Iterator[Difference]:
    import re

    known = list(error.schema.get("properties", {}))
    patterns = list(error.schema.get("patternProperties", {}))
    for key, child in node.items():
        if key in known or any(re.search(pattern, key) for pattern in patterns):
            continue
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.7)
        place = node.at.pointer.rpartition(".")[2]
        listed = ", ".join(known[:12]) + (" …" if len(known) > 12 else "")
        fix = f'did you mean "{near[0]}"?' if near else f"its fields are: {listed}" if known else "remove it"
        where = f" of {place}" if place else ""
        yield Difference("unknown-field", child.key_at or child.at, f'"{key}" is not a field{where}', fix)


def _missing(error: Any, node: Node, name: str) -> Iterator[Difference]:
    for key in error.validator_value:
        if key not in node.entries():
            yield Difference("missing-field", node.key_at or node.at, f'{name} needs "{key}"', f"add `{key}:`")


def _wanted(error: Any) -> str:
    kinds: list[str] = []
    for schema in [error.schema, *error.schema.get("oneOf", []), *error.schema.get("anyOf", [])]:
        kind = schema.get("type", [])
        kinds += kind if isinstance(kind, list) else [kind]
    words = [_TYPES[kind] for kind in dict.fromkeys(kinds) if kind in _TYPES]
    return " or ".join(words) or "of another form"


def _cure(error: Any, node: Node) -> str:
    if "a text" in _wanted(error) and isinstance(node.value, bool | int | float):
        return f"quote it: {json.dumps(str(node.value).lower() if isinstance(node.value, bool) else str(node.value))}"
    if "a list" in _wanted(error) and isinstance(node.value, str):
        return "write it as a list"
    return "mend the value"


def _quoted(node: Node) -> str:
    if isinstance(node.value, dict):
        return "a mapping"
    if isinstance(node.value, tuple):
        return "a list"
    if node.value is None:
        return "nothing"
    text = json.dumps(node.value, ensure_ascii=False)
    return text if len(text) < 60 else f'{text[:57]}…"'
