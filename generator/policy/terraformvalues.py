"""What Terraform's operators and the plain ones of its functions do with values that are known."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from generator.document import Location, Node

UNKNOWN = frozenset(["unknown", "reference"])
_LONGEST = 1024
Function: TypeAlias = Callable[[Location, Sequence[Node]], Node | None]


class NotKnown(Exception):
    """A value that nobody can tell now."""


def calculated(op: str, values: Sequence[Any]) -> Any:
    """The value of an operator; what does not fit is not known."""
    try:
        return _OPERATORS[op, len(values)](*values)
    except (KeyError, TypeError, ValueError, ArithmeticError):
        raise NotKnown from None


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise NotKnown


def _number(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        raise NotKnown
    if isinstance(value, int | float):
        return value
    return int(value) if str(value).lstrip("-").isdigit() else float(value)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    return bool(one == other)


_OPERATORS: dict[tuple[str, int], Callable[..., Any]] = {
    ("!", 1): lambda a: not _truth(a),
    ("-", 1): lambda a: -_number(a),
    ("&&", 2): lambda a, b: _truth(a) and _truth(b),
    ("||", 2): lambda a, b: _truth(a) or _truth(b),
    ("==", 2): _equal,
    ("!=", 2): lambda a, b: not _equal(a, b),
    ("<", 2): lambda a, b: _number(a) < _number(b),
    (">", 2): lambda a, b: _number(a) > _number(b),
    ("<=", 2): lambda a, b: _number(a) <= _number(b),
    (">=", 2): lambda a, b: _number(a) >= _number(b),
    ("+", 2): lambda a, b: _number(a) + _number(b),
    ("-", 2): lambda a, b: _number(a) - _number(b),
    ("*", 2): lambda a, b: _number(a) * _number(b),
    ("/", 2): lambda a, b: _number(a) / _number(b),
    ("%", 2): lambda a, b: _number(a) % _number(b),
}


def _all_known(nodes: Sequence[Node]) -> bool:
    return all(part.layer not in UNKNOWN for node in nodes for part in node.walk())


def _plainly(function: Callable[..., Any]) -> Function:
    """A function of plain values, for arguments that are known to the last leaf."""

    def call(at: Location, nodes: Sequence[Node]) -> Node | None:
        if not _all_known(nodes):
            return None
        try:
            return _node(function(*[node.plain for node in nodes]), at)
        except (TypeError, ValueError, IndexError, KeyError, AttributeError, ArithmeticError, StopIteration):
            raise NotKnown from None

    return call


def _node(value: Any, at: Location) -> Node:
    if isinstance(value, dict):
        return Node({str(key): _node(item, at) for key, item in value.items()}, at)
    if isinstance(value, list | tuple):
        return Node(tuple(_node(item, at) for item in value), at)
    return Node(value, at)


def _same(_: Location, nodes: Sequence[Node]) -> Node | None:
    """Conversions that change nothing a rule looks at; `jsonencode` keeps the structure instead of the text."""
    return nodes[0] if len(nodes) == 1 else None


def _merge(at: Location, nodes: Sequence[Node]) -> Node | None:
    values: dict[str, Node] = {}
    for node in nodes:
        if node.layer in UNKNOWN or (node.value is not None and not isinstance(node.value, dict)):
            return None
        values.update(dict(node.items()))
    return Node(values, at)


def _concat(at: Location, nodes: Sequence[Node]) -> Node | None:
    if any(not isinstance(node.value, tuple) for node in nodes):
        return None  # the size of what comes out is looked at by who asked
    return Node(tuple(item for node in nodes for item in node.elements()), at)


def _flatten(at: Location, nodes: Sequence[Node]) -> Node | None:
    def leaves(node: Node) -> list[Node]:
        return [leaf for item in node.elements() for leaf in leaves(item)] if isinstance(node.value, tuple) else [node]

    if len(nodes) != 1 or any(leaf.layer in UNKNOWN for leaf in leaves(nodes[0])):
        return None
    return Node(tuple(leaves(nodes[0])), at)


def _compact(at: Location, nodes: Sequence[Node]) -> Node | None:
    if len(nodes) != 1 or any(item.layer == "unknown" for item in nodes[0].elements()):
        return None
    kept = (item for item in nodes[0].elements() if item.layer in UNKNOWN or item.value not in (None, ""))
    return Node(tuple(kept), at)


def _length(at: Location, nodes: Sequence[Node]) -> Node | None:
    value = nodes[0].value if len(nodes) == 1 and nodes[0].layer not in UNKNOWN else None
    return Node(len(value), at) if isinstance(value, dict | tuple | str) else None


def _keys(at: Location, nodes: Sequence[Node]) -> Node | None:
    if len(nodes) != 1 or not isinstance(nodes[0].value, dict):
        return None
    return Node(tuple(Node(key, at) for key in sorted(nodes[0].value)), at)


def _values(at: Location, nodes: Sequence[Node]) -> Node | None:
    if len(nodes) != 1 or not isinstance(nodes[0].value, dict):
        return None
    return Node(tuple(nodes[0].value[key] for key in sorted(nodes[0].value)), at)


def _lookup(_: Location, nodes: Sequence[Node]) -> Node | None:
    if len(nodes) < 2 or not isinstance(nodes[0].value, dict) or not isinstance(nodes[1].value, str):
        return None
    return nodes[0].value.get(nodes[1].value) or (nodes[2] if len(nodes) > 2 else None)


def _coalesce(_: Location, nodes: Sequence[Node]) -> Node | None:
    for node in nodes:
        if node.layer in UNKNOWN:
            return None
        if node.value not in (None, ""):
            return node
    return None


def _one(at: Location, nodes: Sequence[Node]) -> Node | None:
    if len(nodes) != 1 or not isinstance(nodes[0].value, tuple) or len(nodes[0].value) > 1:
        return None
    return nodes[0].value[0] if nodes[0].value else Node(None, at)


def _subnet(prefix: str, bits: Any, number: Any) -> str:
    network = ipaddress.ip_network(prefix)
    size = network.prefixlen + int(bits)
    if size > network.max_prefixlen or not 0 <= int(number) < 2 ** int(bits):
        raise ValueError
    first = int(network.network_address) + (int(number) << (network.max_prefixlen - size))
    return f"{type(network.network_address)(first)}/{size}"


def _range(*bounds: Any) -> list[int]:
    numbers = range(*[int(bound) for bound in bounds])
    if len(numbers) > _LONGEST:
        raise ValueError
    return list(numbers)


def _format(text: str, *values: Any) -> str:
    """`%s`, `%d` and `%%` of what is given; the rest of the verbs nobody needs to judge."""
    if not re.fullmatch(r"(?:[^%]|%[sd%])*", text):
        raise ValueError
    left = iter(values)
    return re.sub(r"%([sd%])", lambda match: "%" if match[1] == "%" else _written(next(left)), text)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list) or value is None:
        raise ValueError
    return str(value)


def _replaced(text: str, old: str, new: str) -> str:
    if old.startswith("/") and old.endswith("/"):
        raise ValueError  # a regular expression of another dialect
    return text.replace(old, new)


def _part(text: str, first: Any, count: Any) -> str:
    rest = text[int(first) :]
    return rest if count < 0 else rest[: int(count)]


def _distinct(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


FUNCTIONS: dict[str, Function] = {
    **dict.fromkeys(
        (
            *("jsonencode", "toset", "tolist", "tomap", "tostring", "tonumber", "tobool", "sensitive"),
            *("nonsensitive", "ephemeralasnull", "issensitive"),
        ),
        _same,
    ),
    "merge": _merge,
    "concat": _concat,
    "flatten": _flatten,
    "compact": _compact,
    "length": _length,
    "keys": _keys,
    "values": _values,
    "lookup": _lookup,
    "coalesce": _coalesce,
    "one": _one,
    "format": _plainly(_format),
    "replace": _plainly(_replaced),
    "substr": _plainly(
        lambda text, first, count: text[int(first) :] if count < 0 else text[int(first) :][: int(count)]
    ),
    "title": _plainly(lambda text: text.title()),
    "lower": _plainly(lambda text: text.lower()),
    "upper": _plainly(lambda text: text.upper()),
    "trimspace": _plainly(lambda text: text.strip()),
    "trimprefix": _plainly(lambda text, prefix: text.removeprefix(prefix)),
    "trimsuffix": _plainly(lambda text, suffix: text.removesuffix(suffix)),
    "startswith": _plainly(lambda text, prefix: text.startswith(prefix)),
    "endswith": _plainly(lambda text, suffix: text.endswith(suffix)),
    "join": _plainly(lambda glue, items: glue.join(str(item) for item in items)),
    "split": _plainly(lambda glue, text: text.split(glue)),
    "slice": _plainly(lambda items, first, end: items[int(first) : int(end)]),
    "sort": _plainly(lambda items: sorted(str(item) for item in items)),
    "reverse": _plainly(lambda items: items[::-1]),
    "index": _plainly(lambda items, item: items.index(item)),
    "contains": _plainly(lambda items, item: item in items),
    "distinct": _plainly(_distinct),
    "setunion": _plainly(lambda *lists: _distinct([item for each in lists for item in each])),
    "setsubtract": _plainly(lambda one, other: [item for item in one if item not in other]),
    "element": _plainly(lambda items, index: items[int(index) % len(items)]),
    "range": _plainly(_range),
    "min": _plainly(lambda *numbers: min(numbers)),
    "max": _plainly(lambda *numbers: max(numbers)),
    "zipmap": _plainly(lambda keys, values: dict(zip(keys, values, strict=True))),
    "cidrsubnet": _plainly(_subnet),
}
