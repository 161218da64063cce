"""What Terraform's operators and the plain ones of its functions do with values that are known."""

from __future__ import annotations

import ipaddress
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeAlias

from generator.document import Location, Node

UNKNOWN = frozenset(["unknown", "reference"])
_LONGEST = 1024
_GREATEST = 10**30
"""Numbers beyond it are written by nobody, and would grow without end when they are multiplied."""
_NUMBER = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,2})?")
Function: TypeAlias = Callable[[Location, Sequence[Node]], Node | None]


class NotKnown(Exception):
    """A value that nobody can tell now."""


class Absent(NotKnown):
    """A part that a known value does not have: an error for Terraform too, which `try` and `can` answer."""


def calculated(op: str, values: Sequence[Any]) -> Any:
    """The value of an operator; what does not fit is not known."""
    try:
        return whole(_OPERATORS[op, len(values)](*values))
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
    text = str(value)
    if not _NUMBER.fullmatch(text):
        raise ValueError
    return Fraction(text)  # Terraform's numbers are exact: 0.1 + 0.2 is 0.3


def whole(value: Any) -> Any:
    """A number as JSON has it: whole ones without a point."""
    if isinstance(value, bool) or not isinstance(value, Fraction | float | int):
        return value
    if not abs(float(value)) < _GREATEST:
        raise ValueError
    return int(value) if value == int(value) else float(value)


def _remainder(one: Fraction, other: Fraction) -> Fraction:
    return one - other * int(one / other)  # of the sign of the first, unlike Python's


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if {type(one), type(other)} in ({dict, str}, {list, str}):
        raise ValueError  # it may be JSON, of which the structure is kept instead of the text
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
    ("%", 2): lambda a, b: _remainder(_number(a), _number(b)),
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
        except (
            TypeError,
            ValueError,
            IndexError,
            KeyError,
            AttributeError,
            ArithmeticError,
            StopIteration,
            RecursionError,
        ):
            raise NotKnown from None

    return call


def _node(value: Any, at: Location) -> Node:
    if isinstance(value, dict):
        return Node({str(key): _node(item, at) for key, item in value.items()}, at)
    if isinstance(value, list | tuple):
        return Node(tuple(_node(item, at) for item in value), at)
    return Node(whole(value), at)


def converted(node: Node, kind: str) -> Node:
    """A known scalar as a string, number or bool; what cannot become one is not known."""
    value = node.value
    if node.layer in UNKNOWN or value is None:
        return node
    try:
        if kind == "bool":
            value = _truth(value)
        elif kind == "number" and isinstance(value, str):
            value = whole(_number(value))
        elif kind == "string":
            value = written(value)
    except (TypeError, ValueError, ArithmeticError):
        raise NotKnown from None
    return replace(node, value=value)


def as_set(node: Node) -> Node:
    """Each item once, in order, as Terraform walks over a set of texts or numbers."""
    if node.layer in UNKNOWN or not isinstance(node.value, tuple) or not _all_known([node]):
        return node
    items = _alike(node.value)
    if not all(isinstance(item.value, str | int | float) for item in items):
        return node
    once = {item.value: item for item in reversed(items)}
    return replace(node, value=tuple(once[value] for value in sorted(once)))  # type: ignore[type-var]


def _alike(items: Sequence[Node]) -> tuple[Node, ...]:
    """Scalars of several types become texts, as in any list or map of one type."""
    kinds = {
        ("bool" if isinstance(item.value, bool) else "text" if isinstance(item.value, str) else "number")
        for item in items
        if item.value is not None and item.layer not in UNKNOWN
    }
    scalar = all(not isinstance(item.value, dict | tuple) for item in items)
    return tuple(converted(item, "string") for item in items) if scalar and len(kinds) > 1 else tuple(items)


def _converting(kind: str) -> Function:
    def call(_: Location, nodes: Sequence[Node]) -> Node | None:
        return converted(nodes[0], kind) if len(nodes) == 1 else None

    return call


def _to_set(_: Location, nodes: Sequence[Node]) -> Node | None:
    return as_set(nodes[0]) if len(nodes) == 1 else None


def _to_collection(_: Location, nodes: Sequence[Node]) -> Node | None:
    node = nodes[0] if len(nodes) == 1 else None
    if node is None or node.layer in UNKNOWN:
        return node
    if isinstance(node.value, tuple):
        return replace(node, value=_alike(node.value))
    if isinstance(node.value, dict):
        return replace(node, value=dict(zip(node.value, _alike(tuple(node.value.values())), strict=True)))
    return node


def _from_json(at: Location, nodes: Sequence[Node]) -> Node | None:
    """What a text of JSON holds; what jsonencode has made is still the structure."""
    if len(nodes) != 1 or nodes[0].layer in UNKNOWN:
        return None
    if isinstance(nodes[0].value, dict | tuple):
        return nodes[0]
    try:
        return _node(json.loads(str(nodes[0].value)), at) if isinstance(nodes[0].value, str) else None
    except (ValueError, RecursionError):
        raise NotKnown from None


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
    if isinstance(value, str) and not _is_simple(value):
        return None
    return Node(len(value), at) if isinstance(value, dict | tuple | str) else None


def _is_simple(text: str) -> bool:
    """Whether a character is what a person would call one: no accents of their own, no joined signs."""
    return all(ord(sign) < 0x300 for sign in text)


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
    network = ipaddress.ip_network(prefix, strict=False)
    size = network.prefixlen + int(bits)
    if size > network.max_prefixlen or not 0 <= int(number) < 2 ** int(bits):
        raise ValueError
    first = int(network.network_address) + (int(number) << (network.max_prefixlen - size))
    return f"{type(network.network_address)(first)}/{size}"


def _range(*bounds: Any) -> list[int]:
    if any(_number(bound) != int(_number(bound)) for bound in bounds):
        raise ValueError
    given = [int(_number(bound)) for bound in bounds]
    first, end = (given[0], given[1]) if len(given) > 1 else (0, given[0])
    step = given[2] if len(given) > 2 else 1 if first <= end else -1
    numbers = range(first, end, step)
    if len(numbers) > _LONGEST or (end - first) * step < 0:
        raise ValueError
    return list(numbers)


_VERB = re.compile(r"%(?:%|[sv]|t|0?\d{0,2}d|\.\d{1,2}f)")


def _format(text: str, *values: Any) -> str:
    """Plain verbs with what is given; the others nobody needs to judge."""
    if "%" in _VERB.sub("", text):
        raise ValueError
    left = list(values)
    made = _VERB.sub(lambda match: "%" if match[0] == "%%" else _filled(match[0], left.pop(0)), text)
    if left:
        raise ValueError
    return made


def _filled(verb: str, value: Any) -> str:
    if value is None:
        raise ValueError
    if verb in ("%s", "%v"):
        return written(value)
    if verb == "%t":
        return written(_truth(value))
    number = _number(value)
    if verb.endswith("d") and number != int(number):
        raise ValueError
    return verb % (int(number) if verb.endswith("d") else float(number))


def written(value: Any) -> str:
    """A scalar as the text that Terraform turns it into."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list | tuple) or value is None:
        raise ValueError
    return str(whole(value))


def _replaced(text: str, old: str, new: str) -> str:
    if old.startswith("/") and old.endswith("/"):
        raise ValueError  # a regular expression of another dialect
    return text.replace(old, new)


def _part(text: str, first: Any, count: Any) -> str:
    if not _is_simple(text):
        raise ValueError
    rest = text[int(first) :]
    return rest if count < 0 else rest[: int(count)]


def _cut(items: list[Any], first: Any, end: Any) -> list[Any]:
    if not 0 <= first <= end <= len(items):
        raise ValueError
    return items[int(first) : int(end)]


def _element(items: list[Any], index: Any) -> Any:
    if index < 0 or index != int(index):
        raise ValueError
    return items[int(index) % len(items)]


def _cased(change: Callable[[str], str]) -> Callable[[str], str]:
    """Letter by letter; a letter that becomes two is left to Terraform."""

    def call(text: str) -> str:
        made = [change(sign) for sign in text]
        if any(len(sign) != 1 for sign in made):
            raise ValueError
        return "".join(made)

    return call


def _chunks(items: list[Any], size: int) -> list[list[Any]]:
    if size < 1:
        raise ValueError
    return [items[first : first + size] for first in range(0, len(items), size)]


def _contains(items: list[Any], wanted: Any) -> bool:
    return any(_equal(item, wanted) for item in items)


def _texts(items: Iterable[Any]) -> list[str]:
    return [written(item) for item in items]


def _united(*lists: list[Any]) -> list[Any]:
    """A set of texts or numbers; the order of others is Terraform's own."""
    items = [item for each in lists for item in each]
    if all(isinstance(item, str) for item in items) or not any(isinstance(item, str | bool) for item in items):
        return sorted(set(items))
    raise ValueError


def _distinct(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if not _contains(found, value):
            found.append(value)
    return found


def _subnets(prefix: str, *bits: Any) -> list[str]:
    """Networks of several sizes, one behind the other."""
    network = ipaddress.ip_network(prefix, strict=False)
    made: list[str] = []
    ahead = int(network.network_address)
    for more in bits:
        size = network.prefixlen + int(more)
        room = 1 << (network.max_prefixlen - size)
        ahead = -(-ahead // room) * room
        if ahead + room > int(network.network_address) + network.num_addresses:
            raise ValueError
        made.append(f"{type(network.network_address)(ahead)}/{size}")
        ahead += room
    return made


def _host(prefix: str, number: Any) -> str:
    network = ipaddress.ip_network(prefix, strict=False)
    if not 0 <= int(number) < network.num_addresses:
        raise ValueError
    return str(network.network_address + int(number))


FUNCTIONS: dict[str, Function] = {
    **dict.fromkeys(("jsonencode", "sensitive", "nonsensitive", "ephemeralasnull", "issensitive"), _same),
    "jsondecode": _from_json,
    "tostring": _converting("string"),
    "tonumber": _converting("number"),
    "tobool": _converting("bool"),
    "toset": _to_set,
    "tolist": _to_collection,
    "tomap": _to_collection,
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
    "substr": _plainly(_part),
    "title": _plainly(lambda text: re.sub(r"(?<!\w)\w", lambda match: match[0].upper(), text)),
    "lower": _plainly(_cased(str.lower)),
    "upper": _plainly(_cased(str.upper)),
    "trimspace": _plainly(lambda text: text.strip()),
    "trimprefix": _plainly(lambda text, prefix: text.removeprefix(prefix)),
    "trimsuffix": _plainly(lambda text, suffix: text.removesuffix(suffix)),
    "startswith": _plainly(lambda text, prefix: text.startswith(prefix)),
    "endswith": _plainly(lambda text, suffix: text.endswith(suffix)),
    "join": _plainly(lambda glue, items: glue.join(_texts(items))),
    "split": _plainly(lambda glue, text: text.split(glue)),
    "slice": _plainly(_cut),
    "sort": _plainly(lambda items: sorted(_texts(items))),
    "reverse": _plainly(lambda items: items[::-1]),
    "index": _plainly(lambda items, item: items.index(item)),
    "contains": _plainly(_contains),
    "distinct": _plainly(_distinct),
    "setunion": _plainly(_united),
    "setsubtract": _plainly(lambda one, other: [item for item in _united(one) if item not in other]),
    "element": _plainly(_element),
    "range": _plainly(_range),
    "min": _plainly(lambda *numbers: min(map(_number, numbers))),
    "max": _plainly(lambda *numbers: max(map(_number, numbers))),
    "zipmap": _plainly(lambda keys, values: dict(zip(keys, values, strict=True))),
    "cidrsubnet": _plainly(_subnet),
    "cidrsubnets": _plainly(_subnets),
    "cidrhost": _plainly(_host),
    "cidrnetmask": _plainly(lambda prefix: str(ipaddress.IPv4Network(prefix, strict=False).netmask)),
    "setintersection": _plainly(lambda one, *others: [x for x in _united(one) if all(x in each for each in others)]),
    "alltrue": _plainly(lambda items: all(map(_truth, items))),
    "anytrue": _plainly(lambda items: any(map(_truth, items))),
    "sum": _plainly(lambda items: sum(map(_number, items[1:]), _number(items[0]))),
    "abs": _plainly(lambda number: abs(_number(number))),
    "ceil": _plainly(lambda number: math.ceil(_number(number))),
    "floor": _plainly(lambda number: math.floor(_number(number))),
    "signum": _plainly(lambda number: (_number(number) > 0) - (_number(number) < 0)),
    "strcontains": _plainly(lambda text, part: part in text),
    "chomp": _plainly(lambda text: text.rstrip("\r\n")),
    "trim": _plainly(lambda text, signs: text.strip(signs) if signs else text),
    "coalescelist": _plainly(lambda *lists: next(each for each in lists if each)),
    "chunklist": _plainly(_chunks),
}
