"""One merge rule for `extends` and environments.

Maps merge deeply, scalars and lists replace, `null` removes; `false`, `0` and `""` are values.
Each node keeps what it replaced (`below`), so that `explain` can print the chain.
"""

from __future__ import annotations

import dataclasses

from generator.document import Node


def stamped(node: Node, layer: str) -> Node:
    """The tree with every node naming its layer."""
    value = node.value
    if isinstance(value, dict):
        value = {key: stamped(child, layer) for key, child in value.items()}
    elif isinstance(value, tuple):
        value = tuple(stamped(child, layer) for child in value)
    return dataclasses.replace(node, value=value, layer=layer)


def merge(lower: Node, upper: Node) -> Node:
    """`upper` laid over `lower`."""
    if not (isinstance(lower.value, dict) and isinstance(upper.value, dict)):
        return dataclasses.replace(upper, below=(lower, *lower.below))
    entries = dict(lower.value)
    for key, node in upper.value.items():
        if node.value is None:
            entries.pop(key, None)
        elif key in entries:
            entries[key] = merge(entries[key], node)
        else:
            entries[key] = without_nulls(node)
    return dataclasses.replace(upper, value=entries, below=(lower, *lower.below))


def without_nulls(node: Node) -> Node:
    """The tree without keys whose value is null: a null takes away what a lower layer gave, or nothing."""
    if not isinstance(node.value, dict):
        return node
    kept = {key: without_nulls(child) for key, child in node.value.items() if child.value is not None}
    return dataclasses.replace(node, value=kept)


def with_key(node: Node, key: str, child: Node) -> Node:
    """The mapping with one key set."""
    entries = dict(node.value) if isinstance(node.value, dict) else {}
    return dataclasses.replace(node, value={**entries, key: child})


def without_keys(node: Node, *keys: str) -> Node:
    """The mapping without some keys."""
    return dataclasses.replace(node, value={key: child for key, child in node.items() if key not in keys})


def locate(tree: Node, path: str) -> Node:
    """The node at a dotted path, or its nearest ancestor; keys may hold dots and slashes themselves."""
    node = tree
    rest = path
    while rest:
        value = node.value
        if isinstance(value, tuple) and rest.startswith("["):
            index, _, rest = rest[1:].partition("]")
            if not index.isdigit() or int(index) >= len(value):
                return node
            node, rest = value[int(index)], rest.lstrip(".")
            continue
        if not isinstance(value, dict):
            return node
        key = max(
            (key for key in value if rest == key or rest.startswith((f"{key}.", f"{key}["))), key=len, default=None
        )
        if key is None:
            return node
        node, rest = value[key], rest[len(key) :].lstrip(".")
    return node
