"""What derived facts about Terraform have in common: walking effective resources and what they refer to.

A node that is known after apply only has the layer `unknown`, or `reference` where it is sure to have a value;
its `note` is the text with the references in it: `${aws_sqs_queue.orders.arn}`, `service/${…}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from generator.document import Node
from generator.policy.documents import Document
from generator.policy.found import Found

Trail: TypeAlias = tuple[str | int, ...]

UNKNOWN = frozenset(["unknown", "reference"])
_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_KEY = re.compile(r"\[[^\]]*\]")
PRODUCTION = re.compile(r"(?:^|[-_])(?:prod|prd|production|live)(?:[-_]|$)")


def resources(documents: Sequence[Document], *kinds: str) -> Iterator[Document]:
    """The effective resources of some kinds."""
    return (document for document in documents if document.format == "terraform" and document.kind in kinds)


def production(document: Document) -> bool:
    """Whether its root is named for production."""
    return bool(PRODUCTION.search(document.environment))


def is_known(node: Node | None) -> bool:
    """Whether a node is there with a value that is known now, all below it included."""
    return node is not None and node.value is not None and all(part.layer not in UNKNOWN for part in node.walk())


def is_unknown(node: Node | None) -> bool:
    """Whether a node, or something below it, is known after apply only."""
    return node is not None and any(part.layer in UNKNOWN for part in node.walk())


def reach(node: Node, *path: str | int) -> Node | None:
    """The node at a path, or the unknown one on the way to it."""
    here: Node | None = node
    for key in path:
        if here is None or here.layer in UNKNOWN:
            return here
        here = here.get(key)
    return here


def absent(node: Node | None) -> bool:
    """Whether an argument is left out, or null."""
    return node is None or (node.value is None and node.layer not in UNKNOWN)


def flag(node: Node | None, default: bool) -> bool | None:
    """A truth value, or None when it is not known now."""
    if absent(node):
        return default
    assert node is not None  # noqa: S101 - an absent one has returned
    if node.layer in UNKNOWN:
        return None
    if isinstance(node.value, bool):
        return node.value
    return {"true": True, "false": False}.get(str(node.value))


def known(node: Node | None, default: str = "") -> str | None:
    """A scalar as text, or None when it is not known now."""
    if absent(node):
        return default
    assert node is not None  # noqa: S101 - an absent one has returned
    if node.layer in UNKNOWN or isinstance(node.value, dict | tuple):
        return None
    return ("true" if node.value else "false") if isinstance(node.value, bool) else str(node.value)


def words(node: Node | None) -> list[str] | None:
    """The texts of a list (or the one text), or None when not all of them are known now."""
    if absent(node):
        return []
    if node is None or is_unknown(node):
        return None
    if isinstance(node.value, tuple):
        return [str(item.value) for item in node.elements()]
    return None if isinstance(node.value, dict) else [str(node.value)]


def number(node: Node | None) -> float | None:
    """A number that is known now."""
    word = known(node)
    return float(word) if word and re.fullmatch(r"-?\d{1,15}(\.\d+)?", word) else None


def written(node: Node) -> str:
    """The text of a scalar, with `${…}` for what is not known."""
    if node.layer in UNKNOWN:
        return node.note
    return "" if node.value is None or isinstance(node.value, dict | tuple) else str(node.value)


def references(node: Node | None) -> frozenset[str]:
    """The addresses of the resources that a node, or anything below it, refers to."""
    found: set[str] = set()
    for part in node.walk() if node is not None else ():
        if part.layer in UNKNOWN:
            for inside in _REFERENCE.findall(part.note):
                found.update(address(word) for word in inside.split())
    return frozenset(found)


def attributes(node: Node | None) -> frozenset[str]:
    """What a node refers to, attributes included and instance keys left out."""
    found: set[str] = set()
    for part in node.walk() if node is not None else ():
        if part.layer in UNKNOWN:
            for inside in _REFERENCE.findall(part.note):
                found.update(_KEY.sub("", word) for word in inside.split())
    return frozenset(found)


def address(reference: str) -> str:
    """`module.db.aws_db_instance.this` of `module.db.aws_db_instance.this["a"].arn`: no keys, no attributes."""
    parts = _KEY.sub("", reference).split(".")
    taken: list[str] = []
    while len(parts) >= 2 and parts[0] == "module":
        taken += parts[:2]
        parts = parts[2:]
    count = 3 if parts[:1] == ["data"] or parts[:1] == ["ephemeral"] else 2
    return ".".join([*taken, *parts[:count]])


def bare(document: Document) -> str:
    """The address of a document without instance keys."""
    return _KEY.sub("", document.address)


_TARGET = re.compile(
    r"(?P<home>(?:module\.[\w-]+(?:\[[^\]]*\])?\.)*(?:(?:data|ephemeral)\.)?[\w-]+\.[\w-]+)(?P<key>\[[^\]]*\])?"
)


class Roots:
    """The resources of each root by their address, for following references."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._found: dict[tuple[str, str], list[Document]] = {}
        self.all: dict[str, list[Document]] = {}
        self.opaque = any(_is_elsewhere(document) for document in resources(documents, "module"))
        """Whether modules from elsewhere may add rules, policies or groups that no file shows."""
        for document in documents:
            if document.format == "terraform" and document.address:
                homes = {bare(document), _home(document.address)}
                for home in homes:
                    self._found.setdefault((document.configuration, home), []).append(document)
                self.all.setdefault(document.configuration, []).append(document)

    def of(self, document: Document, node: Node | None, *kinds: str) -> list[Document]:
        """The resources that a node of a document refers to: the one instance where it names one, else all."""
        found: dict[str, Document] = {}
        for home, key in _targets(node):
            there = self._found.get((document.configuration, home), ())
            exact = [other for other in there if key and other.address == home + key]
            found.update({other.address: other for other in exact or there})
        return [other for _, other in sorted(found.items()) if not kinds or other.kind in kinds]

    def beside(self, document: Document, *kinds: str) -> Iterator[Document]:
        """The resources of the same root."""
        return (other for other in self.all.get(document.configuration, ()) if not kinds or other.kind in kinds)


def _is_elsewhere(call: Document) -> bool:
    source = known(call.root.get("source"))
    return source is None or not source.startswith((".", "/"))


def _targets(node: Node | None) -> Iterator[tuple[str, str]]:
    for part in node.walk() if node is not None else ():
        for inside in _REFERENCE.findall(part.note) if part.layer in UNKNOWN else ():
            for word in inside.split():
                if match := _TARGET.match(word):
                    yield match["home"], match["key"] or ""


def _home(whole: str) -> str:
    """An address without the key of the resource itself."""
    return re.sub(r"\[[^\]]*\]$", "", whole)


def verdict(document: Document, holds: bool, shown: str, node: Node | None = None, trail: Trail = ()) -> Found:
    """A truth value about a resource, placed at the node that decides."""
    told_at = node.below[0].at if node is not None and node.below else None
    return Found(holds, shown, (node or document.root).at, document, trail, told_at)
