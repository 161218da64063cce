"""Where a part of a text stands in its file, however YAML or JSON wrote the text.

Blanks do not count, since folding moves them: the n-th other character of the value is the n-th of the scalar.
"""

from __future__ import annotations

import re
from dataclasses import replace

from generator.document import Location, Node

_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)


def within(node: Node, offset: int, source: str) -> Location:
    """The place of the character at `offset` of a scalar; `source` is the whole file, "" when it is not known."""
    value = node.value if isinstance(node.value, str) else ""
    start = _position(node.at, source)
    if start is None or not value:
        return node.at
    wanted = sum(not character.isspace() for character in value[:offset])
    found = _counted(source, start, wanted)
    if found is None:
        return node.at
    line_start = source.rfind("\n", 0, found) + 1
    return replace(node.at, line=source.count("\n", 0, found) + 1, column=found - line_start + 1)


def _position(at: Location, source: str) -> int | None:
    """The character at which a scalar begins."""
    position = 0
    for _ in range(at.line - 1):
        position = source.find("\n", position) + 1
        if position == 0:
            return None
    position += at.column - 1
    return position if at.line > 0 and position < len(source) else None


def _counted(source: str, start: int, wanted: int) -> int | None:
    """The place of the character that has so many others before it in the scalar."""
    opening = source[start]
    position = start + 1 if opening in "\"'" else start
    if opening in "|>":
        position = source.find("\n", start) + 1
        if position == 0:
            return None
    left = wanted
    while position < len(source):
        width, counts = 1, not source[position].isspace()
        if opening == '"' and (escape := _ESCAPE.match(source, position)):
            width, counts = len(escape.group()), escape.group()[1] not in "nrt \n"
        elif opening == "'" and source.startswith("''", position):
            width = 2
        if counts:
            if left == 0:
                return position
            left -= 1
        position += width
    return None
