"""Derived facts about the OpenTelemetry Collector: components, pipelines, and what is lost between them.

A name is a type and, after a slash, a name of its own; types are compared without underscores, since the project is
renaming them. What stands in another file that is merged at the start is not known here, so nothing is said of a
part that is empty.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from generator import data
from generator.document import Node
from generator.policy.documents import Document
from generator.policy.found import Derive, Found, elements, items, of_kind, text, whole

_Judged: TypeAlias = Iterator[tuple[bool, str, Node]]
"""Verdict, what was looked at, and where."""

_ROLES = ("receivers", "processors", "exporters")
_SIGNAL = re.compile(r"(traces|metrics|logs|profiles)(?:/.*)?")
_SECRET = re.compile(r"(?i)(?:^|[_-])(?:password|secret|token|api[_-]?key|access[_-]?key|authorization)$")
_NEAR = 0.85


def _facts() -> Any:
    return data.load("schemas/data/collector.json")


def _derived(judge: Callable[[Node], _Judged]) -> Derive:
    """A fact about each configuration."""

    def derive(documents: Sequence[Document]) -> Iterator[Found]:
        for document in documents:
            if document.format == "collector":
                for holds, shown, node in judge(document.root):
                    yield Found(holds, shown, node.key_at or node.at, document)

    return derive


def _type(name: str) -> str:
    return name.partition("/")[0].strip()


def _plain(name: str) -> str:
    return _type(name).replace("_", "")


def _pipelines(root: Node) -> Iterator[tuple[str, str, Node]]:
    """Name, signal and body."""
    for name, body in items(root, "service", "pipelines"):
        if match := _SIGNAL.fullmatch(name):
            yield name, match[1], body


def _asked(root: Node) -> Iterator[tuple[str, str, str, Node]]:
    """Pipeline, its signal, role and node of each component that a pipeline names."""
    for name, signal, body in _pipelines(root):
        for role in _ROLES:
            for node in elements(body, role):
                yield name, signal, role, node


def _configured(root: Node) -> Iterator[tuple[str, str, Node]]:
    for kind in (*_ROLES, "connectors", "extensions"):
        for name, node in items(root, kind):
            yield kind, name, node


def _names(root: Node, kind: str) -> set[str]:
    return {name for name, _ in items(root, kind)}


def _defined(root: Node) -> _Judged:
    connectors = _names(root, "connectors")
    for name, _, role, node in _asked(root):
        if _there(root, role):
            known = _names(root, role) | (connectors if role != "processors" else set())
            yield text(node) in known, f'{role[:-1]} "{text(node)}" of pipeline {name}', node


def _there(root: Node, kind: str) -> bool:
    """Whether a part is in this file at all."""
    return next(items(root, kind), None) is not None


def _used(root: Node) -> _Judged:
    asked = {(role, text(node)) for _, _, role, node in _asked(root)}
    for kind, name, node in _configured(root):
        if kind in _ROLES:
            yield (kind, name) in asked, f'{kind[:-1]} "{name}"', node


def _connected(root: Node) -> _Judged:
    asked = {(role, text(node)) for _, _, role, node in _asked(root)}
    for name, node in items(root, "connectors"):
        into, out = ("exporters", name) in asked, ("receivers", name) in asked
        side = "neither" if not (into or out) else "an exporter only" if into else "a receiver only"
        yield into and out, f'connector "{name}" is {side}', node


def _complete(root: Node) -> _Judged:
    for name, _, body in _pipelines(root):
        missing = [role for role in ("receivers", "exporters") if not any(True for _ in elements(body, role))]
        yield not missing, f"pipeline {name} has no {' and no '.join(missing)}", body


def _ordered(root: Node) -> _Judged:
    for name, _, body in _pipelines(root):
        stages = list(elements(body, "processors"))
        types = [_plain(text(node)) for node in stages]
        for place, node in enumerate(stages):
            if types[place] == "memorylimiter":
                yield place == 0, f"{text(node)} is not the first processor of {name}", node
            if types[place] == "batch":
                yield place == len(types) - 1, f"{text(node)} is not the last processor of {name}", node


def _context(root: Node) -> _Judged:
    """Tail sampling and batches make new bundles, which have no connection any more."""
    for name, _, body in _pipelines(root):
        stages = list(elements(body, "processors"))
        before: set[str] = set()
        for node in stages:
            if _plain(text(node)) == "k8sattributes":
                lost = sorted(before & {"tailsampling", "batch", "groupbytrace"})
                yield not lost, f"{text(node)} of {name} stands behind what regroups spans", node
            before.add(_plain(text(node)))


def _limited(root: Node) -> _Judged:
    for name, _, body in _pipelines(root):
        stages = [_plain(text(node)) for node in elements(body, "processors")]
        yield "memorylimiter" in stages, f"pipeline {name}", body


def _checked(root: Node) -> _Judged:
    for name, node in items(root, "processors"):
        if _plain(name) == "memorylimiter":
            limits = text(node.get("limit_mib")) or text(node.get("limit_percentage"))
            every = text(node.get("check_interval"))
            missing = "check_interval" if every in ("", "0", "0s") else "" if limits else "limit_mib"
            yield not missing, f"{name} has no {missing}", node


def _present(root: Node) -> _Judged:
    gone = {(one["kind"], one["type"].replace("_", "")): one["instead"] for one in _facts()["gone"]}
    for kind, name, node in _configured(root):
        instead = gone.get((kind, _plain(name)), "")
        yield not instead, f'{kind[:-1]} "{name}" is gone; use {instead}', node


def _current(root: Node) -> _Judged:
    renamed = {(one["kind"], one["old"]): one["new"] for one in _facts()["renamed"]}
    for kind, name, node in _configured(root):
        new = renamed.get((kind, _type(name)), "")
        yield not new, f'{kind[:-1]} "{_type(name)}" is called {new}', node


def _spelt(root: Node) -> _Judged:
    components = _facts()["components"]
    gone = {one["type"].replace("_", "") for one in _facts()["gone"]}
    for kind, name, node in _configured(root):
        own, known = _plain(name), components[kind]
        if own in known or own in gone:
            yield True, f'{kind[:-1]} "{_type(name)}"', node
            continue
        near = difflib.get_close_matches(own, known, 1, _NEAR)
        if near and abs(len(near[0]) - len(own)) < 2:
            yield False, f'{kind[:-1]} "{_type(name)}" looks like a slip for "{near[0]}"', node


def _fitting(root: Node) -> _Judged:
    signals = _facts()["signals"]
    connectors = _names(root, "connectors")
    for name, signal, role, node in _asked(root):
        can = signals[role].get(_plain(text(node)))
        if can is not None and text(node) not in connectors:
            yield signal in can, f"{text(node)} of pipeline {name} knows {' and '.join(can)} only", node


def _keeping(root: Node) -> _Judged:
    for name, node in items(root, "processors"):
        if _plain(name) == "probabilisticsampler":
            share = text(node.get("sampling_percentage"))
            yield share not in ("", "0", "0.0"), f"{name} keeps {share or 0} percent", node
        elif _plain(name) == "tailsampling":
            yield any(True for _ in elements(node, "policies")), f"{name} has no policy", node


def _quiet(root: Node) -> _Judged:
    for name, node in items(root, "exporters"):
        if _plain(name) == "debug":
            yield text(node.get("verbosity")) != "detailed", f"{name} prints everything", node


def _queued(root: Node) -> _Judged:
    for name, node in items(root, "exporters"):
        for part in ("sending_queue", "retry_on_failure"):
            switch = node.get(part, "enabled")
            if switch is not None:
                yield text(switch) != "false", f"{part} of {name} is off", switch


def _remote(address: str) -> bool:
    """Whether a host is outside of the own network, as far as its name tells."""
    host = re.sub(r"^[a-z]+://", "", address).partition("/")[0].rpartition(":")[0] or address
    inner = (".svc", ".local", ".internal", ".localdomain", ".lan")
    return (
        bool(re.search(r"[a-z]", host))
        and "." in host
        and "$" not in host
        and not (".svc." in host or host.endswith(inner))
    )


def _encrypted(root: Node) -> _Judged:
    for name, node in items(root, "exporters"):
        address = text(node.get("endpoint"))
        if _remote(address):
            clear = address.startswith("http://") or text(node.get("tls", "insecure")) == "true"
            yield not clear, f"{name} sends to {address}", node


def _verified(root: Node) -> _Judged:
    for name, node in items(root, "exporters"):
        switch = node.get("tls", "insecure_skip_verify")
        if switch is not None:
            yield text(switch) != "true", name, switch


def _secrets(root: Node) -> _Judged:
    for kind, name, node in _configured(root):
        for key, value in _scalars(node):
            if _SECRET.search(key) and text(value):
                yield text(value).startswith("$"), f"{key} of {kind[:-1]} {name}", value


def _scalars(node: Node) -> Iterator[tuple[str, Node]]:
    for key, value in items(node):
        if isinstance(value.value, dict):
            yield from _scalars(value)
        elif isinstance(value.value, str):
            yield key, value


def _extended(root: Node) -> _Judged:
    if _there(root, "extensions"):
        known = _names(root, "extensions")
        for node in elements(root, "service", "extensions"):
            yield text(node) in known, f'"{text(node)}"', node


def _extensions_used(root: Node) -> _Judged:
    asked = {text(node) for node in elements(root, "service", "extensions")}
    for name, node in items(root, "extensions"):
        yield name in asked, f'"{name}"', node


def _healthy(root: Node) -> _Judged:
    asked = [_plain(text(node)) for node in elements(root, "service", "extensions")]
    service = root.get("service")
    if service is not None:
        yield any(name.startswith("healthcheck") for name in asked), "the collector", service


def _unbalanced(documents: Sequence[Document]) -> Iterator[Found]:
    """An operator's collector with several replicas that samples by whole traces: does somebody share them out?"""
    balanced = any(
        _plain(name) == "loadbalancing"
        for document in documents
        if document.format == "collector"
        for name, _ in items(document.root, "exporters")
    )
    for document in of_kind(documents, "OpenTelemetryCollector"):
        replicas = whole(document.root.get("spec", "replicas")) or 1
        mode = text(document.root.get("spec", "mode"))
        for name, node in items(document.root, "spec", "config", "processors"):
            if _plain(name) == "tailsampling":
                several = replicas > 1 or mode == "daemonset"
                shown = f"{name} runs in {replicas if replicas > 1 else 'several'} collectors"
                yield Found(balanced or not several, shown, node.key_at or node.at, document)


DERIVED: dict[str, Derive] = {
    "collector-defined": _derived(_defined),
    "collector-used": _derived(_used),
    "collector-connected": _derived(_connected),
    "collector-complete": _derived(_complete),
    "collector-ordered": _derived(_ordered),
    "collector-context": _derived(_context),
    "collector-limited": _derived(_limited),
    "collector-checked": _derived(_checked),
    "collector-present": _derived(_present),
    "collector-current": _derived(_current),
    "collector-spelt": _derived(_spelt),
    "collector-fitting": _derived(_fitting),
    "collector-keeping": _derived(_keeping),
    "collector-quiet": _derived(_quiet),
    "collector-queued": _derived(_queued),
    "collector-encrypted": _derived(_encrypted),
    "collector-verified": _derived(_verified),
    "collector-secrets": _derived(_secrets),
    "collector-extended": _derived(_extended),
    "collector-extensions-used": _derived(_extensions_used),
    "collector-healthy": _derived(_healthy),
    "collector-balanced": _unbalanced,
}
