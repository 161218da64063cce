"""Values as HCL bodies, written as `terraform fmt` writes them.

A body is a mapping; every entry is an attribute. Neighbouring attributes that fit on one line have
their `=` aligned; one that opens a bracket stands alone, as hclwrite's formatter does it:
https://github.com/hashicorp/hcl/blob/main/hclwrite/format.go (formatCells).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from generator.filters import Expression, hcl
from generator.view import Trace, View, leaves

Line = tuple[str, tuple[str, ...]]
"""A line's text and the spec paths behind it."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_RESERVED = frozenset({"for", "if", "in", "true", "false", "null", "else", "endif", "endfor"})
_WIDTH = 100


def key(name: str) -> str:
    """A key of an object: bare where HCL reads it as itself, or we wrote it as an expression; else a quoted string."""
    if isinstance(name, Expression):
        return str(name)
    return name if _IDENTIFIER.fullmatch(name) and name not in _RESERVED else hcl(name)


def body(value: Any, indent: int) -> Iterator[Line]:
    """The lines of a mapping's entries; `value` is a mapping or a view of one."""
    pad = " " * indent
    group: list[tuple[str, str, tuple[str, ...]]] = []
    for name, child, above in _children(value):
        lines = list(_value(child, indent, len(name) + 3))
        if len(lines) == 1:
            group.append((key(name), lines[0][0], lines[0][1] or above))
            continue
        yield from _aligned(group, pad)
        group = []
        yield f"{pad}{key(name)} = {lines[0][0]}", lines[0][1] or above
        yield from lines[1:]
    yield from _aligned(group, pad)


def _aligned(group: list[tuple[str, str, tuple[str, ...]]], pad: str) -> Iterator[Line]:
    width = max((len(name) for name, _, _ in group), default=0)
    for name, text, causes in group:
        yield f"{pad}{name.ljust(width)} = {text}", causes


def _children(value: Any) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    """The entries of a mapping, each with the paths read on the way to it."""
    trace = value._trace if isinstance(value, View) else Trace()
    for name in value._value if isinstance(value, View) else value:
        kept, trace.reads = trace.reads, []
        child = value[name]
        above = trace.take_all()
        trace.reads = kept
        yield name, child, above


def _value(value: Any, indent: int, lead: int) -> Iterator[Line]:
    """A value, its first line without indentation; `lead` is what stands before it on that line."""
    inner = value._value if isinstance(value, View) else value
    trace = value._trace if isinstance(value, View) else Trace()
    if isinstance(inner, Mapping) and inner:
        yield "{", ()
        yield from body(value, indent + 2)
        yield " " * indent + "}", ()
        return
    if isinstance(inner, list | tuple) and inner:
        plain, causes = leaves(value, trace)
        flat = hcl(plain)
        scalars = not any(isinstance(item, Mapping | list | tuple) for item in plain)
        if scalars and indent + lead + len(flat) <= _WIDTH:
            yield flat, causes
            return
        yield "[", ()
        for index in range(len(inner)):
            rows = list(_value(value[index], indent + 2, 0))
            for number, (text, why) in enumerate(rows):
                front = " " * (indent + 2) if number == 0 else ""
                yield f"{front}{text}{',' if number == len(rows) - 1 else ''}", why or causes
        yield " " * indent + "]", ()
        return
    plain, causes = leaves(value, trace)
    yield hcl(plain), causes


__all__ = ["Expression", "Line", "body", "key"]
