"""References between resources: what stands behind them, and what they reach.

A reference to an argument of another resource is the value of that argument, where it is known; one to anything else
is known only after apply. On the old side every address is called as it is called now, so that a move is no change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from generator.document import Node
from generator.policy.documents import Document

UNKNOWN = frozenset({"unknown", "reference"})
_REFERENCE = re.compile(r"\$\{([^{}]*)\}")
Resources = Mapping[str, Document]


class Values:
    """What stands behind references: the arguments of other resources, where they are known."""

    def __init__(self, resources: Resources, rename: Callable[[str], str] | None = None) -> None:
        self._resources = resources
        self._rename = rename
        self._known: dict[str, Node] = {}

    def __call__(self, node: Node) -> Node:
        if node.layer not in UNKNOWN or "${" not in node.note:
            return node
        if node.note not in self._known:
            self._known[node.note] = node  # what refers to itself stays open
            self._known[node.note] = self._found(node)
        return self._known[node.note]

    def _found(self, node: Node) -> Node:
        whole = _REFERENCE.fullmatch(node.note)
        if whole:
            found = self._argument(whole[1])
            return found if found is not None else replace(node, note=self._renamed(node.note))
        open_, text = False, node.note
        for inner in _REFERENCE.findall(node.note):
            found = self._argument(inner)
            if found is None or found.layer in UNKNOWN or isinstance(found.value, dict | tuple | None):
                open_ = True
            else:
                text = text.replace(f"${{{inner}}}", str(found.value))
        return replace(node, note=self._renamed(text)) if open_ else Node(text, node.at)

    def _argument(self, reference: str) -> Node | None:
        address, path = split(reference, self._resources)
        if not address or not path:
            return None
        found = self._resources[address].root.get(path)
        if found is None or (found.value is None and found.layer not in UNKNOWN):
            return None
        return self(found)

    def _renamed(self, note: str) -> str:
        """A note with the addresses as they are now."""
        rename = self._rename
        if rename is None:
            return note
        return _REFERENCE.sub(lambda found: "${" + " ".join(rename(one) for one in found[1].split()) + "}", note)


def split(reference: str, resources: Resources) -> tuple[str, str]:
    """The resource of a reference and the argument of it: `("module.a.aws_x.y", "arn")`; "" for none."""
    words = reference.split(".")
    for end in range(len(words), 1, -1):
        address = ".".join(words[:end])
        if address in resources:
            return address, words[end] if end < len(words) else ""
    return "", ""


def referred(node: Node | None, resources: Resources, *, only_new: bool = False) -> frozenset[str]:
    """The addresses a value refers to; with `only_new`, only by what is not an argument of theirs."""
    if node is None:
        return frozenset()
    found = set()
    for part in node.walk():
        if part.layer not in UNKNOWN:
            continue
        for inside in _REFERENCE.findall(part.note):
            for reference in inside.split():
                address, path = split(reference, resources)
                if address and not (only_new and path and resources[address].root.get(path) is not None):
                    found.add(address)
    return frozenset(found)


def leaves(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    """What is open in a resource, by path."""
    if node.layer in UNKNOWN:
        yield path, node
        return
    for key, child in node.items():
        yield from leaves(child, f"{path}.{key}" if path else key)
    for index, child in enumerate(node.elements()):
        yield from leaves(child, f"{path}[{index}]")
