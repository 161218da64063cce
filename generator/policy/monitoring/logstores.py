"""Derived facts about the stores of logs: how long Elasticsearch keeps what, and programs that have ended."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from generator.document import Node
from generator.policy.documents import Document
from generator.policy.found import Derive, Found, elements, items, text, workloads


def _policies(documents: Sequence[Document]) -> Iterator[tuple[Document, str, Node]]:
    """Lifecycle policies of Elasticsearch; a file of its own is named for its policy."""
    for document, root in _json(documents, '"phases"'):
        policy = root.get("policy") or root
        if policy.entries("phases"):
            yield document, posixpath.basename(document.file).removesuffix(".json"), policy


def _json(documents: Sequence[Document], mark: str) -> Iterator[tuple[Document, Node]]:
    from generator import yamlfile

    for document in documents:
        if document.format == "text" and document.file.endswith(".json") and mark in document.text:
            for root in yamlfile.read(document.text, document.file)[0]:
                yield document, root


def _deletes(documents: Sequence[Document]) -> Iterator[Found]:
    for document, name, policy in _policies(documents):
        delete = policy.get("phases", "delete")
        holds = delete is not None and delete.get("actions", "delete") is not None
        yield Found(holds, name, (policy.get("phases") or policy).at, document)


def _policy_there(documents: Sequence[Document]) -> Iterator[Found]:
    """The policy a template names, when the files have policies at all."""
    names = {name for _, name, _ in _policies(documents)}
    if not names:
        return
    for document, root in _json(documents, '"lifecycle"'):
        settings = root.get("template", "settings")
        for node in settings.walk() if settings is not None else ():
            lifecycle = node.get("lifecycle", "name") or node.get("lifecycle.name") or node.get("index.lifecycle.name")
            if lifecycle is not None:
                yield Found(text(lifecycle) in names, text(lifecycle), lifecycle.at, document)


def _age_days(node: Node | None) -> float | None:
    match = re.fullmatch(r"(\d+)(d|h|m|s|ms)", text(node))
    return int(match[1]) * {"d": 1, "h": 1 / 24, "m": 1 / 1440, "s": 1 / 86400, "ms": 0}[match[2]] if match else None


def _kept_after_rollover(documents: Sequence[Document]) -> Iterator[Found]:
    """An index that grows longer than it is kept is deleted with lines of all ages at once."""
    for document, name, policy in _policies(documents):
        rollover = policy.get("phases", "hot", "actions", "rollover", "max_age")
        delete = policy.get("phases", "delete", "min_age")
        grows, kept = _age_days(rollover), _age_days(delete)
        if grows is not None and kept is not None and delete is not None:
            yield Found(
                grows <= kept, f"{name} grows for {text(rollover)} and is kept {text(delete)}", delete.at, document
            )


def _alive(documents: Sequence[Document]) -> Iterator[Found]:
    """Images and configurations of programs that have ended."""
    for document in documents:
        if document.format == "compose":
            for name, service in items(document.root, "services"):
                node = service.get("image")
                if node is not None:
                    yield Found(not _is_promtail(text(node)), f"service {name} runs {text(node)}", node.at, document)
        elif document.format == "prometheus" and document.root.get("clients") and document.root.get("positions"):
            yield Found(False, "this is a configuration of Promtail", document.root.at, document)

    for document, pod in workloads(documents):
        for container in (*elements(pod, "containers"), *elements(pod, "initContainers")):
            node = container.get("image")
            if node is not None:
                yield Found(not _is_promtail(text(node)), f"{document.subject} runs {text(node)}", node.at, document)


def _is_promtail(image: str) -> bool:
    return re.search(r"(?:^|/)promtail(?:[:@]|$)", image) is not None


DERIVED: dict[str, Derive] = {
    "logs-deleted": _deletes,
    "logs-policies": _policy_there,
    "logs-rollovers": _kept_after_rollover,
    "logs-alive": _alive,
}
