"""Two versions of a value, field by field.

Objects in lists are matched by what names them (`name`, `mountPath` …), else by being equal, else by position.
A value that may be a secret is told to have changed, and is not repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from generator import secrets
from generator.document import Node
from generator.lifecycle.change import ABSENT, Value

_NAMING = ("name", "key", "mountPath", "containerPort", "port", "path", "host", "target", "ip", "sid", "Sid")
_UNKNOWN = frozenset({"unknown", "reference"})
Resolve = Callable[[Node], Node]


@dataclass(frozen=True, slots=True)
class Pair:
    """A leaf that differs, with its path; `blocks` are the paths of the objects in lists that came or went with it."""

    path: str
    old: Value
    new: Value
    old_node: Node | None = None
    new_node: Node | None = None
    blocks: tuple[str, ...] = ()


def compare(old: Node | None, new: Node | None, resolve: tuple[Resolve, Resolve] | None = None) -> tuple[Pair, ...]:
    """Every leaf that differs; `resolve` gives the value behind a reference, on each side."""
    return tuple(_compared("", old, new, resolve or (_same, _same), ()))


def _same(node: Node) -> Node:
    return node


def _compared(
    path: str, old: Node | None, new: Node | None, resolve: tuple[Resolve, Resolve], blocks: tuple[str, ...]
) -> Iterator[Pair]:
    old = resolve[0](old) if old is not None else None
    new = resolve[1](new) if new is not None else None
    if _is(dict, old, new) and not _leaf(old, new):
        yield from _mappings(path, old, new, resolve, blocks)
    elif _objects(old, new):
        yield from _lists(path, old, new, resolve, blocks)
    elif not _equal(old, new, resolve):
        yield Pair(path, _value(path, old, resolve[0]), _value(path, new, resolve[1]), old, new, blocks)


def _is(kind: type, *nodes: Node | None) -> bool:
    """Whether the nodes that are there are all of a kind, and not unknown."""
    there = [node for node in nodes if node is not None]
    return bool(there) and all(isinstance(node.value, kind) and node.layer not in _UNKNOWN for node in there)


def _leaf(old: Node | None, new: Node | None) -> bool:
    """An empty mapping that comes or goes is a value of its own."""
    return not any(node.value for node in (old, new) if node is not None)


def _objects(old: Node | None, new: Node | None) -> bool:
    """Whether both are lists that hold objects."""
    if not _is(tuple, old, new):
        return False
    items = [item for node in (old, new) if node is not None for item in node.elements()]
    return bool(items) and all(isinstance(item.value, dict) for item in items)


def _mappings(
    path: str, old: Node | None, new: Node | None, resolve: tuple[Resolve, Resolve], blocks: tuple[str, ...]
) -> Iterator[Pair]:
    before = dict(old.items()) if old is not None else {}
    after = dict(new.items()) if new is not None else {}
    for key in dict.fromkeys([*before, *after]):
        shown = key if _plain(key) else f'["{key}"]'
        yield from _compared(joined(path, shown), before.get(key), after.get(key), resolve, blocks)


def _plain(key: str) -> bool:
    return key.replace("_", "").replace("-", "").isalnum()


def joined(path: str, key: str) -> str:
    return f"{path}{key}" if key.startswith("[") or not path else f"{path}.{key}"


def _lists(
    path: str, old: Node | None, new: Node | None, resolve: tuple[Resolve, Resolve], blocks: tuple[str, ...]
) -> Iterator[Pair]:
    before, after = (tuple(node.elements()) if node is not None else () for node in (old, new))
    for name, one, other in _matched(before, after, resolve):
        inner = (*blocks, path) if one is None or other is None else blocks
        yield from _compared(f"{path}[{name}]", one, other, resolve, inner)


def _matched(
    before: Sequence[Node], after: Sequence[Node], resolve: tuple[Resolve, Resolve]
) -> Iterator[tuple[str, Node | None, Node | None]]:
    for key in _NAMING:
        old, new = _names(before, key), _names(after, key)
        if old is not None and new is not None and _in_common(old, new):
            for name in dict.fromkeys([*old, *new]):
                yield name, old.get(name), new.get(name)
            return
    left, right = list(enumerate(before)), list(enumerate(after))
    for one in list(left):
        twin = next((other for other in right if _equal(one[1], other[1], resolve)), None)
        if twin is not None:
            left.remove(one)
            right.remove(twin)
    for place in range(max(len(left), len(right))):
        number = right[place][0] if place < len(right) else left[place][0]
        yield (
            str(number),
            left[place][1] if place < len(left) else None,
            right[place][1] if place < len(right) else None,
        )


def _in_common(one: dict[str, Node], other: dict[str, Node]) -> bool:
    """Whether a key tells which is which: where all names differ, it may be the name itself that changes."""
    return not one or not other or not one.keys().isdisjoint(other)


def _names(items: Sequence[Node], key: str) -> dict[str, Node] | None:
    """The items by the key that names them; None where it does not name each of them alone."""
    named: dict[str, Node] = {}
    for item in items:
        name = item.get(key)
        if name is None or isinstance(name.value, dict | tuple | None) or name.layer in _UNKNOWN:
            return None
        named[str(name.value)] = item
    return named if len(named) == len(items) else None


def _equal(old: Node | None, new: Node | None, resolve: tuple[Resolve, Resolve]) -> bool:
    if old is None or new is None:
        return _nothing(old) and _nothing(new)
    old, new = resolve[0](old), resolve[1](new)
    if old.layer in _UNKNOWN or new.layer in _UNKNOWN:
        return old.layer in _UNKNOWN and new.layer in _UNKNOWN and old.note == new.note
    if isinstance(old.value, dict) and isinstance(new.value, dict):
        keys = dict.fromkeys([*old.value, *new.value])
        return all(_equal(old.value.get(key), new.value.get(key), resolve) for key in keys)
    if isinstance(old.value, tuple) and isinstance(new.value, tuple):
        if len(old.value) != len(new.value):
            return False
        return all(_equal(one, other, resolve) for one, other in zip(old.value, new.value, strict=True))
    return bool(written(old.value) == written(new.value))


def _nothing(node: Node | None) -> bool:
    return node is None or (node.value is None and node.layer not in _UNKNOWN)


def written(value: Any) -> Any:
    """A scalar as Terraform and Kubernetes turn it into a text: 17 and "17" are one value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else value


def _value(path: str, node: Node | None, resolve: Resolve) -> Value:
    if node is None or _nothing(node):
        return ABSENT
    if node.layer in _UNKNOWN:
        return Value(node.note, "unknown")
    plain = _resolved(node, resolve)
    return Value(None, "hidden") if _secret(path, plain) else Value(plain)


def _resolved(node: Node, resolve: Resolve) -> Any:
    """The plain value; what is open in it stands as the text that refers to it."""
    node = resolve(node)
    if node.layer in _UNKNOWN:
        return node.note or "${}"
    if isinstance(node.value, dict):
        return {key: _resolved(child, resolve) for key, child in node.items()}
    if isinstance(node.value, tuple):
        return [_resolved(child, resolve) for child in node.elements()]
    return node.value


def _secret(path: str, plain: Any) -> bool:
    if isinstance(plain, dict):
        return any(_secret(str(key), item) for key, item in plain.items())
    if isinstance(plain, list):
        return any(_secret(path, item) for item in plain)
    if not isinstance(plain, str):
        return False
    if secrets.known(plain) or secrets.is_random(plain):
        return True
    words = [word for word in path.replace("]", "").replace("[", ".").split(".") if word not in ("value", "")]
    return bool(words) and secrets.names_secret(words[-1].strip('"')) and secrets.is_literal(plain)
