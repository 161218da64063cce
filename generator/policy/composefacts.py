"""Derived facts about compose files: what services wait for, and what they name without declaring it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from generator.document import Location, Node
from generator.policy.documents import Document
from generator.policy.found import Found, elements, items, text

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def waits(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether a service that is waited for until it is healthy has a health check."""
    for document in documents:
        for service, node in _services(document):
            for name, wanted in items(node, "depends_on"):
                other = document.root.get("services", name)
                if other is None or text(wanted.get("condition")) != "service_healthy":
                    continue
                checked = other.get("healthcheck") is not None or other.get("build") is not None
                yield Found(checked, name, wanted.at, document, ("services", service, "depends_on", name))


def hurries(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether a service waits for the health of a dependency that has a health check."""
    for document in documents:
        for service, node in _services(document):
            for name, wanted in items(node, "depends_on"):
                other = document.root.get("services", name)
                if other is None or other.get("healthcheck", "test") is None:
                    continue
                patient = text(wanted.get("condition")) not in ("", "service_started")
                yield Found(patient, name, wanted.at, document, ("services", service, "depends_on", name))


def undeclared(kind: str, documents: Sequence[Document]) -> Iterator[Found]:
    """Whether each named volume or network of a service is declared at the top."""
    for document in documents:
        for service, node in _services(document):
            if node.get("extends"):
                continue
            for name, place in _named(kind, node):
                declared = _is_declared(document, kind, name)
                yield Found(declared, name, place, document, ("services", service, kind, name))


def _named(kind: str, service: Node) -> Iterator[tuple[str, Location]]:
    if kind == "networks":
        yield from ((name, node.key_at or node.at) for name, node in items(service, kind))
        return
    for volume in elements(service, kind):
        source = volume.get("source")
        if source is not None and _NAME.fullmatch(text(source)) and text(volume.get("type"), "volume") == "volume":
            yield text(source), source.at


def _is_declared(document: Document, kind: str, name: str) -> bool:
    return name == "default" or any(key == name for key, _ in items(document.root, kind))


def _services(document: Document) -> Iterator[tuple[str, Node]]:
    if document.format == "compose":
        yield from items(document.root, "services")
