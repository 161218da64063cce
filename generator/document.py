"""Text with places: where a value stands, and documents whose every value knows it.

Reading yields a tree of `Node`; judging and merging keep the tree, so a place is never lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

Scalar: TypeAlias = str | int | float | bool | None
Plain: TypeAlias = "Scalar | list[Plain] | dict[str, Plain]"


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a text; `line` and `column` count from 1, 0 means the whole file.

    `pointer` is the dotted path of the value inside its document, such as `services.web.port`.
    """

    path: str
    line: int = 0
    column: int = 0
    pointer: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path


class TextFile(Protocol):
    """Anything with a project-relative POSIX path and a text: rendered or read from disk."""

    @property
    def path(self) -> str: ...
    @property
    def text(self) -> str: ...


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file read from disk; `path` is relative to the project, with forward slashes."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a document with its place.

    `value` is a scalar, a tuple of nodes (sequence) or a dict of nodes (mapping, in file order).
    `at` is where the value begins, `key_at` where its key begins (the value's place in a sequence).
    `layer` names who set it: `file` for a plain document; `default`, `derived`, `extends`, `base`
    or `environment` in an effective spec; `note` says why when no place in a file does.
    """

    value: Scalar | tuple[Node, ...] | dict[str, Node]
    at: Location
    key_at: Location | None = None
    layer: str = "file"
    note: str = ""
    below: tuple[Node, ...] = field(default=(), repr=False, compare=False)
    """The values this one replaced, nearest first: what `explain` prints."""

    @property
    def plain(self) -> Plain:
        """The value without places, as `json.loads` would give it."""
        if isinstance(self.value, dict):
            return {key: node.plain for key, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain for node in self.value]
        return self.value

    def get(self, *keys: str | int) -> Node | None:
        """The node at the path, or None when there is none."""
        node: Node | None = self
        for key in keys:
            if node is None:
                return None
            value = node.value
            if isinstance(value, dict):
                node = value.get(str(key))
            elif isinstance(value, tuple) and isinstance(key, int) and -len(value) <= key < len(value):
                node = value[key]
            else:
                return None
        return node

    def entries(self, *keys: str | int) -> dict[str, Node]:
        """Keys and nodes of the mapping at the path; empty when there is none."""
        node = self.get(*keys)
        return node.value if node is not None and isinstance(node.value, dict) else {}

    def listed(self, *keys: str | int) -> tuple[Node, ...]:
        """Nodes of the sequence at the path; empty when there is none."""
        node = self.get(*keys)
        return node.value if node is not None and isinstance(node.value, tuple) else ()

    def word(self, *keys: str | int) -> str:
        """The scalar at the path as text; "" when there is none."""
        node = self.get(*keys)
        return "" if node is None or node.value is None or isinstance(node.value, dict | tuple) else str(node.value)

    def items(self) -> Iterator[tuple[str, Node]]:
        """Keys and nodes of a mapping; nothing for anything else."""
        return iter(self.value.items() if isinstance(self.value, dict) else ())

    def elements(self) -> Iterator[Node]:
        """Nodes of a sequence; nothing for anything else."""
        return iter(self.value if isinstance(self.value, tuple) else ())

    def walk(self) -> Iterator[Node]:
        """This node and all below it, in document order."""
        yield self
        children = self.value.values() if isinstance(self.value, dict) else self.elements()
        for child in children:
            yield from child.walk()


def pointer(path: str, key: str | int) -> str:
    """`services.web` and `port` give `services.web.port`; an index is written `[0]`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


Places: TypeAlias = Mapping[str, Location]
