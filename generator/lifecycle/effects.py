"""What changing an argument of a Terraform resource, or a field of a Kubernetes object, does to what runs.

The facts are in `schemas/data/replacement.json`. What is not in it is unknown: that a table is silent is no promise.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from generator import data
from generator.lifecycle.change import worst
from generator.lifecycle.fields import Pair, written

_V = TypeVar("_V")
_REFERENCE = re.compile(r"\$\{([^{}]*)\}")
_INDEX = re.compile(r"\[[^\]]*\]")
_TAGS = frozenset({"tags", "tags_all"})


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change of one field does, and on what it depends."""

    word: str
    note: str = ""


def table() -> Mapping[str, Any]:
    """The data as it stands in its file."""
    made: Mapping[str, Any] = data.load("schemas/data/replacement.json")
    return made


def date() -> str:
    return str(table()["date"])


def holds(kind: str) -> str:
    """What data a type of resource holds, such as "the database"; "" for none."""
    return str(table()["terraform"]["holds"].get(kind, ""))


def is_routine(kind: str) -> bool:
    """Whether replacing it is how it is changed always: a new revision stands beside or at once in place of the old."""
    return kind in table()["terraform"]["routine"]


def guards(kind: str) -> tuple[str, ...]:
    """The arguments with which the service itself refuses to delete it."""
    return tuple(table()["terraform"]["guards"].get(kind, ()))


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one type: paths (`volume.name`; `volume{}` is the block as such) by their effect."""

    effects: Mapping[str, str]
    computed: frozenset[str]
    defaults: Mapping[str, Any]
    conditions: Mapping[str, Mapping[str, str]]


@functools.cache
def facts(kind: str) -> Facts | None:
    """The facts of a type of resource, or None for a type nobody looked at."""
    said = table()["terraform"]["types"].get(kind)
    if said is None:
        return None
    words = {"replaces": "replaces", "sometimes": "may-replace", "in_place": "in-place"}
    sources = (said, table()["terraform"]["read"].get(kind, {}))
    effects = {path: word for one in sources for key, word in words.items() for path in one.get(key, "").split()}
    conditions = table()["terraform"]["conditions"].get(kind, {})
    return Facts(effects, frozenset(said.get("computed", "").split()), said.get("defaults", {}), conditions)


def of_argument(kind: str, pair: Pair) -> Effect:
    """What the provider does when an argument changes."""
    known = facts(kind)
    path = _INDEX.sub("", pair.path)
    if kind == "terraform_data":
        return Effect("replaces" if path.startswith("triggers_replace") else "in-place")
    if known is None:
        return Effect("unknown", f"nothing is known here about {kind}")
    if path.partition(".")[0] in _TAGS:
        return Effect("in-place")
    blocks = [f"{_INDEX.sub('', block)}{{}}" for block in pair.blocks]
    found = [known.effects[name] for name in blocks if name in known.effects]
    if not found and (condition := _nearest(known.conditions, path)):
        return _conditional(condition, pair)
    direct = _nearest(known.effects, path)
    if direct is None and not found:
        return Effect("unknown", "the provider's answer for this argument is not known here")
    word = worst([*found, *([direct] if direct else [])])
    if word in ("replaces", "may-replace"):
        return _softened(word, path, pair, known)
    return Effect(word)


def _conditional(condition: Mapping[str, str], pair: Pair) -> Effect:
    """What replaces for some values: judged where the condition can be, else said."""
    versions = [_version(side.plain) for side in (pair.old, pair.new)]
    if condition.get("when") == "lower" and versions[0] and versions[1]:
        return Effect("replaces" if versions[1] < versions[0] else "in-place")
    return Effect("may-replace", condition["note"])


def _version(value: Any) -> tuple[int, ...]:
    text = str(written(value))
    return tuple(int(part) for part in text.split(".")) if re.fullmatch(r"\d+(\.\d+)*", text) else ()


def _softened(word: str, path: str, pair: Pair, known: Facts) -> Effect:
    """What replaces when it truly changes, and may not change after all."""
    if path in known.defaults:
        default = written(known.defaults[path])
        sides = [written(side.plain) if side.is_there else default for side in (pair.old, pair.new)]
        if sides[0] == sides[1] and "unknown" not in (pair.old.state, pair.new.state):
            return Effect("none", "it is the provider's default")
    elif path in known.computed and not pair.new.is_there:
        return Effect("none", "what is there is kept when the argument is left out")
    elif path in known.computed and not pair.old.is_there:
        return Effect("may-replace", "replaces it unless this is what it already has")
    if "unknown" in (pair.old.state, pair.new.state) and not _surely_differ(pair):
        return Effect("may-replace", "known only after apply; replaces it if the value changes")
    if word == "may-replace":
        return Effect(word, "for some values the provider replaces it, for others it does not")
    return Effect(word)


def _surely_differ(pair: Pair) -> bool:
    """Whether two texts with the same references in them differ in what stands around these."""
    if not pair.old.state == pair.new.state == "unknown":
        return False
    old, new = str(pair.old.plain), str(pair.new.plain)
    references = [_REFERENCE.findall(side) for side in (old, new)]
    return references[0] == references[1] and all(references[0]) and _REFERENCE.split(old) != _REFERENCE.split(new)


def _nearest(known: Mapping[str, _V], path: str) -> _V | None:
    """What is known of a path, or of the argument that it is a part of."""
    while path:
        if path in known:
            return known[path]
        path = path.rpartition(".")[0]
    return None


# Kubernetes


def of_field(kind: str, path: str, pair: Pair, root: Mapping[str, Any]) -> Effect:
    """What the API server and the controllers do when a field of an object changes."""
    said = table()["kubernetes"]["kinds"].get(kind, {})
    for row in said.get("immutable", ()):
        if not _covers(row["fields"], path) or _covers(row.get("except", ()), path):
            continue
        if row.get("once_set") and not pair.old.is_there:
            continue
        if "if" in row and not _holds(row["if"], root):
            continue
        return Effect("immutable", str(row.get("note", "")))
    if _covers(said.get("restarts", ()), path):
        return Effect("restarts-pods")
    for row in said.get("notes", ()):
        if _covers(row["fields"], path):
            return Effect("in-place", str(row["note"]))
    return Effect("in-place")


def of_removal(kind: str) -> tuple[str, str]:
    """What goes with an object of a kind when it is deleted, and in which words; ("", "") for no data."""
    said = table()["kubernetes"]["kinds"].get(kind, {}).get("removal", {})
    return str(said.get("data", "")), str(said.get("note", ""))


def _covers(fields: Any, path: str) -> bool:
    plain = _INDEX.sub("", path)
    return any(plain == name or plain.startswith((f"{name}.", f"{name}[")) or name == "*" for name in fields)


def _holds(condition: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    return all(root.get(key) == value for key, value in condition.items())
