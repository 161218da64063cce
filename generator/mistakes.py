"""Errors of a JSON Schema validator -> findings in the user's words.

One mistake, one finding: of several errors about a value only the most telling is said, and its fix
names the way out: the key that was meant, where it belongs, the form, or an example.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.document import Location, Node
from generator.finding import Finding, Severity

_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "replicas": ("scale",),
    "replica": ("scale",),
    "instances": ("scale",),
    "count": ("scale",),
    "autoscaling": ("scale",),
    "hpa": ("scale",),
    "minimum": ("min",),
    "maximum": ("max",),
    "min_replicas": ("min",),
    "max_replicas": ("max",),
    "container_port": ("port",),
    "listen": ("port",),
    "environment": ("env", "environments"),
    "env_vars": ("env",),
    "variables": ("env",),
    "stages": ("environments",),
    "depends_on": ("calls", "uses"),
    "dependencies": ("calls", "uses"),
    "needs": ("calls", "uses"),
    "language": ("runtime",),
    "resources": ("size",),
    "requests": ("size",),
    "limits": ("size",),
    "databases": ("resources",),
    "healthcheck": ("health",),
    "probes": ("health",),
    "probe": ("health",),
    "liveness": ("live",),
    "readiness": ("ready",),
    "startup": ("startup_seconds",),
    "ingress": ("public",),
    "expose": ("public",),
    "hostname": ("host", "public"),
    "domain": ("host", "public"),
    "dockerfile": ("build",),
    "path": ("context",),
    "cmd": ("command", "start"),
    "entrypoint": ("command", "start"),
    "run": ("start",),
    "args": ("command",),
    "kind": ("type",),
    "engine": ("type",),
    "team": ("owner",),
    "maintainer": ("owner",),
    "name": ("app",),
    "project": ("app",),
    "labels": ("tags",),
    "cron": ("schedule", "cron"),
    "timezone": ("time_zone",),
    "tz": ("time_zone",),
    "timeout": ("deadline",),
    "volumes": ("storage",),
    "mounts": ("files",),
    "cpus": ("cpu",),
    "ram": ("memory",),
    "mem": ("memory",),
    "disk": ("storage",),
    "ha": ("highly_available",),
    "multi_az": ("highly_available",),
    "dlq": ("dead_letter_after",),
    "ttl": ("expire",),
    "retention": ("keep",),
    "schedule": ("every",),
    "budget": ("cost", "monthly_limit"),
    "vpc": ("network",),
    "pager": ("page",),
    "ignore": ("waivers",),
    "expires": ("until",),
    "expiry": ("until",),
    "why": ("reason",),
    "condition": ("when",),
    "description": ("summary",),
}
"""What other tools call it -> our key, the first that the object has."""

_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping of keys",
    "array": "a list",
}
_LONGEST_SHOWN = 60

Schema = Mapping[str, Any]
Said = tuple[str, Location, str, str]
"""Problem, place, message, fix."""


def findings(errors: Iterable[Any], document: Node, root: Schema, family: str) -> Iterator[Finding]:
    """The findings of a validator's errors, in document order, one for each mistake."""
    kept: dict[tuple[str, Location], tuple[tuple[int, int], Said, str]] = {}
    for error in errors:
        mistake = _mistake(error, document, root)
        words = _words(mistake)
        for said in words(mistake):
            rank = _rank(error, said)
            place = (said[2] if said[0] == "missing-key" else "", said[1])
            if place not in kept or kept[place][0] < rank:
                kept[place] = (rank, said, mistake.quoted)
    made = [
        Finding(f"{family}/{rule}", Severity.HIGH, message, at, fix=fix, property=at.pointer, value=value)
        for _, (rule, at, message, fix), value in kept.values()
    ]
    yield from sorted(made, key=lambda finding: finding.order)


def resolved(part: Schema, root: Schema) -> Schema:
    """A reference followed; keys beside it (title, default) win."""
    while "$ref" in part:
        target = root
        for key in str(part["$ref"]).removeprefix("#/").split("/"):
            target = target[key]
        part = {**target, **{key: value for key, value in part.items() if key != "$ref"}}
    return part


def kind(value: Any) -> str:
    """The JSON type of a node's value."""
    if isinstance(value, bool):
        return "boolean"
    names = {int: "integer", float: "number", str: "string", dict: "object", tuple: "array"}
    return names.get(type(value), "null")


def nearest(word: str, known: Sequence[str]) -> str:
    """The known word that a slip of the finger or another notation makes of it, or ""."""
    plain = _plain(word)
    for name in known:
        if _plain(name) == plain or _plain(name) in {f"{plain}s", plain.removesuffix("s")}:
            return name
    slips = sorted((distance(word.lower(), name.lower()), name) for name in known)
    if slips and slips[0][0] <= (1 if len(word) < 5 else 2 if len(word) < 10 else 3):
        return slips[0][1]
    longer = [name for name in known if len(plain) > 2 and (name.startswith(word) or word.startswith(f"{name}_"))]
    return longer[0] if longer else ""


def distance(one: str, other: str) -> int:
    """Edits from one word to the other; two letters swapped are one edit."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        current = [i]
        for j, b in enumerate(other, 1):
            best = min(row[j] + 1, current[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                best = min(best, before[j - 2] + 1)
            current.append(best)
        before, row = row, current
    return row[-1]


@dataclass(frozen=True, slots=True)
class _Mistake:
    """An error of the validator, the node it is about, and the schema of that node."""

    error: Any
    node: Node
    part: Schema
    root: Schema
    path: tuple[str | int, ...]
    mapped: bool
    """Whether the node is one of a map's or list's entries, so that it is called by its title."""

    @property
    def name(self) -> str:
        """What messages call the node."""
        if not self.path:
            return "the spec" if self.part.get("title") == "Spec" else "the document"
        last = self.path[-1]
        return f"`{last}`" if isinstance(last, str) else f"an entry of `{_last_word(self.path)}`"

    @property
    def quoted(self) -> str:
        """The value as messages show it; what stands where a secret could is not repeated."""
        if self.path[-2:-1] == ("secrets",) and isinstance(self.node.value, str):
            return "a text"
        return _quoted(self.node.value)

    @property
    def owner(self) -> str:
        """What messages call an object whose keys are meant."""
        if "x-of" in self.part:
            return _article(str(self.part["x-of"]))
        if self.path and not self.mapped:
            return self.name
        return _article(str(self.part.get("title", "document")).lower())


def _last_word(path: Sequence[str | int]) -> str:
    return next((word for word in reversed(path) if isinstance(word, str)), "list")


def _mistake(error: Any, document: Node, root: Schema) -> _Mistake:
    path = tuple(error.absolute_path)
    part, mapped = _part(path, root)
    if "then" in error.absolute_schema_path and isinstance(error.schema, Mapping):
        part = {**part, **error.schema}
    return _Mistake(error, document.get(*path) or document, part, root, path, mapped)


def _part(path: Sequence[str | int], root: Schema) -> tuple[Schema, bool]:
    """The schema of the value at a path, with what stands beside its reference; and whether it is an entry."""
    part, mapped = resolved(root, root), True
    for key in path:
        named = part.get("properties", {})
        mapped = key not in named
        below = part.get("items") if isinstance(key, int) else named.get(key, part.get("additionalProperties"))
        part = resolved(below, root) if isinstance(below, Mapping) else {}
    return part, mapped


def _rank(error: Any, said: Said) -> tuple[int, int]:
    """Which of several errors at one place is said: a wrong type first, then what a condition says."""
    conditional = "then" in error.absolute_schema_path
    if said[0] == "unknown-key":
        conditional = not conditional  # a key that nobody knows is worse than one that does not fit
    return (int(said[0] == "wrong-type"), int(conditional))


def _words(mistake: _Mistake) -> Any:
    if "propertyNames" in mistake.error.absolute_schema_path:
        return _misfit if "x-of" in mistake.error.schema else _wrong_name
    return _WORDS.get(mistake.error.validator, _not_accepted)


def _not_accepted(mistake: _Mistake) -> Iterator[Said]:
    message = f"{mistake.quoted} is not accepted for {mistake.name}"
    yield "wrong-form", mistake.node.at, message, _example(mistake.part)


def fitting(node: Node, part: Schema) -> list[str]:
    """The keys of an object, by `x-discriminator` only those that go with the value of the deciding key."""
    named = part.get("properties", {})
    choice = part.get("x-discriminator")
    if choice is None:
        return list(named)
    decisive = choice["key"]
    keys: list[str] = choice["keys"].get(node.word(decisive) or named[decisive].get("default", ""), list(named))
    return keys


def _unknown_key(mistake: _Mistake) -> Iterator[Said]:
    every, known = mistake.part.get("properties", {}), fitting(mistake.node, mistake.part)
    for name, child in mistake.node.items():
        if name not in every:
            message = f'"{name}" is not a key of {mistake.owner}'
            yield "unknown-key", child.key_at or child.at, message, _meant(name, known, mistake)


def _meant(name: str, known: list[str], mistake: _Mistake) -> str:
    """The way out for an unknown key: the one that was meant, the place where it belongs, or all there are."""
    near = _similar(name, known)
    if near:
        return f'did you mean "{near}"?'
    below = [
        key for key in known if name in resolved(mistake.part["properties"][key], mistake.root).get("properties", {})
    ]
    if below:
        return f"`{name}` belongs below {' or '.join(f'`{key}`' for key in below)}"
    if mistake.path and name in mistake.root.get("properties", {}):
        return f"`{name}` belongs at the top of the file"
    for key in ("services", "resources"):
        entry = resolved(mistake.part.get("properties", {}).get(key, {}), mistake.root).get("additionalProperties", {})
        keys = list(resolved(entry, mistake.root).get("properties", {})) if isinstance(entry, Mapping) else []
        found = name if name in keys else next((word for word in _SYNONYMS.get(name.lower(), ()) if word in keys), "")
        if found:
            return f"`{found}` belongs to one of the `{key}`"
    return f"its keys are: {', '.join(known)}" if known else "it has no keys"


def _similar(name: str, known: Sequence[str]) -> str:
    return nearest(name, known) or next((key for key in _SYNONYMS.get(name.lower(), ()) if key in known), "")


def _misfit(mistake: _Mistake) -> Iterator[Said]:
    """A key that goes with another value of the deciding key; the validator reports it at the object."""
    name = str(mistake.error.instance)
    child = mistake.node.entries().get(name)
    if child is None or name not in mistake.part.get("properties", {}):
        return
    keys = mistake.error.schema["enum"]
    message = f'"{name}" is not a key of {_article(mistake.error.schema["x-of"])}'
    yield "unknown-key", child.key_at or child.at, message, f"its keys are: {', '.join(keys)}"


def _wrong_name(mistake: _Mistake) -> Iterator[Said]:
    """A key of a map that is no name; the validator reports it at the map."""
    name = str(mistake.error.instance)
    child = mistake.node.entries().get(name)
    at = (child.key_at or child.at) if child else mistake.node.at
    wanted = mistake.error.schema.get("x-form", "a name")
    yield "wrong-name", at, f"{_quoted(name)} is not {wanted}", _example(mistake.error.schema)


def _wrong_type(mistake: _Mistake) -> Iterator[Said]:
    given = mistake.error.validator_value
    kinds = [kind for kind in ([given] if isinstance(given, str) else given) if kind != "null"]
    short = [kind for kind in mistake.part.get("x-shorthand", {}) if kind not in kinds]
    wanted = " or ".join(
        _KINDS[kind]
        for kind in dict.fromkeys(["number" if k == "integer" and "number" in kinds else k for k in [*kinds, *short]])
    )
    message = f"{mistake.name} is {wanted}, and here stands {mistake.quoted}"
    yield "wrong-type", mistake.node.at, message, _other_type(mistake, kinds)


def _other_type(mistake: _Mistake, kinds: list[str]) -> str:
    value = mistake.node.value
    if "string" in kinds and isinstance(value, bool | int | float):
        text = str(value).lower() if isinstance(value, bool) else str(value)
        fits = re.search(mistake.part.get("pattern", ""), text) and text in mistake.part.get(
            "enum", [mistake.part.get("const", text)]
        )
        return f'quote it: "{text}"' if fits else _example(mistake.part)
    if "array" in kinds and isinstance(value, bool | int | float | str):
        return f"write a list: [{value}]"
    if isinstance(value, str) and ("integer" in kinds or "number" in kinds) and value.strip().isdigit():
        return f"write it without quotes: {value.strip()}"
    if isinstance(value, str) and "boolean" in kinds and value.lower() in {"true", "false"}:
        return f"write it without quotes: {value.lower()}"
    if isinstance(value, float) and "integer" in kinds and value.is_integer():
        return f"write {int(value)}"
    return _example(mistake.part)


def _missing(mistake: _Mistake) -> Iterator[Said]:
    at = mistake.node.key_at or mistake.node.at
    named = mistake.part.get("properties", {})
    meant = {_similar(key, list(named)) for key in mistake.node.entries() if key not in named}
    for name in mistake.error.validator_value:
        if name not in mistake.node.entries() and name not in meant:
            below = resolved(named.get(name, {}), mistake.root)
            below = {**below, "examples": below.get("examples") or ["…"]}
            message = f"{mistake.owner} needs `{name}`"
            yield "missing-key", at, message, f"add `{name}: {_written(below['examples'][0])}`"


def _one_of(mistake: _Mistake) -> Iterator[Said]:
    """Keys of which exactly one is given."""
    if not isinstance(mistake.node.value, dict):
        return  # its type is wrong, and that is said
    keys = [option["required"][0] for option in mistake.error.validator_value]
    given = [mistake.node.entries()[key] for key in keys if key in mistake.node.entries()]
    choice = " or ".join(f"`{key}`" for key in keys)
    if given:
        at = given[-1].key_at or given[-1].at
        yield "contradiction", at, f"{mistake.owner} has {choice.replace(' or ', ' and ')}", "keep one of them"
    else:
        at = mistake.node.key_at or mistake.node.at
        yield "missing-key", at, f"{mistake.owner} needs {choice}", f"add one of them{_sample(mistake.part, keys[0])}"


def _sample(part: Schema, key: str) -> str:
    examples = part.get("properties", {}).get(key, {}).get("examples", [])
    return f", such as `{key}: {_written(examples[0])}`" if examples else ""


def _pattern(mistake: _Mistake) -> Iterator[Said]:
    wanted = mistake.part.get("x-form") or f"the form {mistake.error.validator_value}"
    yield "wrong-form", mistake.node.at, f"{mistake.quoted} is not {wanted}", _example(mistake.part)


def _enumerated(mistake: _Mistake) -> Iterator[Said]:
    allowed = [str(value) for value in mistake.error.validator_value if value is not None]
    value = mistake.node.value
    near = nearest(str(value), allowed) if isinstance(value, str) else ""
    listed = f"one of: {', '.join(allowed)}" if len(allowed) > 1 else allowed[0]
    fix = f'did you mean "{near}"?' if near else f"write {listed}"
    subject = _article(str(mistake.part.get("title", "value")).lower())
    yield "not-one-of", mistake.node.at, f"{mistake.quoted} is not {subject}", fix


def _constant(mistake: _Mistake) -> Iterator[Said]:
    message = f"{mistake.quoted} is not {_written(mistake.error.validator_value)}"
    yield "not-one-of", mistake.node.at, message, f"write `{mistake.name.strip('`')}: {mistake.error.validator_value}`"


def _range(mistake: _Mistake) -> Iterator[Said]:
    part = mistake.part
    low = part.get("minimum", part.get("exclusiveMinimum"))
    high = part.get("maximum", part.get("exclusiveMaximum"))
    least = f"more than {low}" if "exclusiveMinimum" in part else f"at least {low}"
    most = f"less than {high}" if "exclusiveMaximum" in part else f"at most {high}"
    bounds = least if high is None else most if low is None else f"{least} and {most}"
    message = f"{mistake.name} is {bounds}, and here stands {mistake.quoted}"
    yield "out-of-range", mistake.node.at, message, _example(part)


def _length(mistake: _Mistake) -> Iterator[Said]:
    few = str(mistake.error.validator).startswith("min")
    bound = mistake.error.validator_value
    length = len(mistake.error.instance)
    things = ("characters", "character") if "Length" in mistake.error.validator else ("entries", "entry")
    has = "is empty" if not length else f"has {length} {things[length == 1]}"
    fix = f"it has {'at least' if few else 'at most'} {bound} {things[bound == 1]}; {_example(mistake.part)}"
    yield "too-few" if few else "too-many", mistake.node.at, f"{mistake.name} {has}", fix


def _unique(mistake: _Mistake) -> Iterator[Said]:
    seen: list[Any] = []
    for child in mistake.node.elements():
        if child.plain in seen:
            message = f"{_quoted(child.value)} stands twice in {mistake.name}"
            yield "not-unique", child.at, message, "remove one of the two"
        seen.append(child.plain)


_WORDS: Mapping[str, Any] = {
    "additionalProperties": _unknown_key,
    "type": _wrong_type,
    "required": _missing,
    "oneOf": _one_of,
    "pattern": _pattern,
    "enum": _enumerated,
    "const": _constant,
    "minimum": _range,
    "maximum": _range,
    "exclusiveMinimum": _range,
    "exclusiveMaximum": _range,
    "minItems": _length,
    "maxItems": _length,
    "minLength": _length,
    "maxLength": _length,
    "minProperties": _length,
    "maxProperties": _length,
    "uniqueItems": _unique,
}


def _plain(word: str) -> str:
    """A key without the marks in which notations differ: `startupSeconds`, `startup-seconds`."""
    return word.lower().replace("-", "").replace("_", "")


def _quoted(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, tuple):
        return "a list"
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else f'{text[: _LONGEST_SHOWN - 2]}…"'


def _written(value: Any) -> str:
    """A value as one would write it in YAML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_written(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_written(entry) for entry in value) + "]"
    if isinstance(value, str) and value and not set(value) & set(":#{}[],&*!|>'\"%@`$ ") and not value[:1].isdigit():
        return value
    return json.dumps(value, ensure_ascii=False)


def _article(word: str) -> str:
    return f"{'an' if word[:1] in 'aeiou' else 'a'} {word}"


def _example(part: Schema) -> str:
    examples = part.get("examples") or ([part["default"]] if "default" in part else [])
    return f"for example {_written(examples[0])}" if examples else "see `groundplan schema`"
