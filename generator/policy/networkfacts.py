"""Derived facts about the network: who may reach whom, on which port, and what a route leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from generator.document import Node
from generator.policy.documents import POD, Document
from generator.policy.found import (
    Found,
    elements,
    items,
    labels,
    matches,
    of_kind,
    operated,
    pod_labels,
    ports,
    selecting,
    text,
    together,
    workloads,
)

Trail = tuple[str | int, ...]
Labelled = tuple[Document, dict[str, str]]


def service_targets(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether each target port of a Service is a port of the pods it selects."""
    for service in of_kind(documents, "Service"):
        open_ports: dict[str, int] = {}
        for workload in _behind(documents, service):
            open_ports |= ports(workload)
        if not open_ports:
            continue
        for index, port in enumerate(elements(service.root, "spec", "ports")):
            target = port.get("targetPort") or port.get("port")
            if target is not None:
                trail: Trail = ("spec", "ports", index, "targetPort")
                yield Found(text(target) in open_ports, text(target), target.at, service, trail)


def backends(documents: Sequence[Document]) -> Iterator[Found]:
    """The names of the Services that routes lead to."""
    for document, node, trail, _ in _backends(documents):
        name = node.get("name")
        if name is not None:
            yield Found(text(name), text(name), name.at, document, trail)


def backend_ports(documents: Sequence[Document]) -> Iterator[Found]:
    """`name:port` of what routes lead to, when a Service of the name is in the files."""
    known = {service.name for service in of_kind(documents, "Service")}
    for document, node, trail, port in _backends(documents):
        if port is not None and text(node.get("name")) in known:
            value = f"{text(node.get('name'))}:{text(port)}"
            yield Found(value, value, port.at, document, trail)


def service_ports(documents: Sequence[Document]) -> Iterator[Found]:
    """`name:port` of every Service, by number and by name."""
    for service in of_kind(documents, "Service"):
        for index, port in enumerate(elements(service.root, "spec", "ports")):
            for key in ("port", "name"):
                node = port.get(key)
                if node is not None:
                    value = f"{service.name}:{text(node)}"
                    yield Found(value, value, node.at, service, ("spec", "ports", index, key))


def _backends(documents: Sequence[Document]) -> Iterator[tuple[Document, Node, Trail, Node | None]]:
    for document in of_kind(documents, "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"):
        for rule_index, rule in enumerate(elements(document.root, "spec", "rules")):
            for index, node in enumerate(elements(rule, "backendRefs")):
                if text(node.get("kind"), "Service") == "Service" and not node.get("namespace"):
                    yield document, node, ("spec", "rules", rule_index, "backendRefs", index), node.get("port")
    for document in of_kind(documents, "Ingress"):
        for rule_index, rule in enumerate(elements(document.root, "spec", "rules")):
            for index, path in enumerate(elements(rule, "http", "paths")):
                backend = path.get("backend", "service")
                if backend is not None:
                    port = backend.get("port", "number") or backend.get("port", "name")
                    yield document, backend, ("spec", "rules", rule_index, "http", "paths", index), port


def flows(direction: str, documents: Sequence[Document]) -> Iterator[Found]:
    """Whether each flow that one side's policy allows is allowed by the other side's as well.

    `direction` is the side that speaks: `egress` asks the called one, `ingress` the caller.
    """
    pods = [(document, pod_labels(document)) for document, _ in workloads(documents)]
    carried = {id(document): found for document, found in pods}
    policies = [_policy(document) for document in of_kind(documents, "NetworkPolicy")]
    far = "ingress" if direction == "egress" else "egress"
    for policy in policies:
        near = list(_selected(policy.document, pods))
        for trail, peer, rule in _peers(policy.document, direction) if near else ():
            selects = selecting(peer.get("podSelector"))
            others = [item for item, found in pods if together(policy.document, item) and selects(found)]
            for one, _ in near:
                for other in others:
                    caller, called = (one, other) if direction == "egress" else (other, one)
                    concerned = _concerned(policies, far, other, carried[id(other)])
                    for port in _ports(rule):
                        allowed = _allows(concerned, far, carried[id(one)], called, port)
                        shown = f"{caller.name} to {called.name}{f' on port {port}' if port else ''}"
                        yield Found(allowed, shown, peer.at, policy.document, trail)


@dataclass(frozen=True, slots=True)
class _Policy:
    """A NetworkPolicy with its selector ready to be asked."""

    document: Document
    selects: Callable[[Mapping[str, str]], bool]
    directions: frozenset[str]


def _policy(document: Document) -> _Policy:
    selects = selecting(document.root.get("spec", "podSelector"))
    return _Policy(document, selects, frozenset(_directions(document)))


def _concerned(
    policies: Sequence[_Policy], direction: str, subject: Document, carried: Mapping[str, str]
) -> list[Document]:
    """The policies that restrict a pod in a direction."""
    return [
        policy.document
        for policy in policies
        if direction in policy.directions and policy.selects(carried) and together(policy.document, subject)
    ]


def _peers(policy: Document, direction: str) -> Iterator[tuple[Trail, Node, Node]]:
    side = "to" if direction == "egress" else "from"
    for rule_index, rule in enumerate(elements(policy.root, "spec", direction)):
        for index, peer in enumerate(elements(rule, side)):
            selector = peer.get("podSelector")
            if selector is not None and selector.value and not peer.get("namespaceSelector"):
                yield ("spec", direction, rule_index, side, index), peer, rule


def _selected(policy: Document, pods: list[Labelled]) -> Iterator[Labelled]:
    """The workloads a policy names; one for every pod of the namespace names none."""
    selector = policy.root.get("spec", "podSelector")
    if selector is None or not selector.value:
        return
    selects = selecting(selector)
    for document, carried in pods:
        if selects(carried) and together(policy, document):
            yield document, carried


def _ports(rule: Node) -> list[str]:
    """The ports of a rule; [""] when it is open on all of them."""
    found = [text(port.get("port")) for port in elements(rule, "ports") if not port.get("endPort")]
    return [port for port in found if port] or [""]


def _allows(
    concerned: Sequence[Document], direction: str, opposite: Mapping[str, str], called: Document, port: str
) -> bool:
    """Whether the policies for a pod let the flow pass; without any, everything passes."""
    if not concerned:
        return True
    side = "from" if direction == "ingress" else "to"
    known = ports(called)
    for policy in concerned:
        for rule in elements(policy.root, "spec", direction):
            peers = list(elements(rule, side))
            if peers and not any(_takes_in(peer, opposite) for peer in peers):
                continue
            opened = _ports(rule)
            if "" in opened or not port or known.get(port, port) in [known.get(item, item) for item in opened]:
                return True
    return False


def _takes_in(peer: Node, carried: Mapping[str, str]) -> bool:
    if peer.get("ipBlock"):
        return text(peer.get("ipBlock", "cidr")) == "0.0.0.0/0"
    return matches(peer.get("podSelector"), carried)


def _directions(policy: Document) -> set[str]:
    types = {text(kind).lower() for kind in elements(policy.root, "spec", "policyTypes")}
    return types or ({"ingress", "egress"} if policy.root.get("spec", "egress") else {"ingress"})


def policy_ports(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether a port that a policy opens towards pods is one they have."""
    pods = [(document, pod_labels(document)) for document, _ in workloads(documents)]
    for policy in of_kind(documents, "NetworkPolicy"):
        known: dict[str, int] = {}
        for document, _ in _selected(policy, pods):
            known |= ports(document)
        if not known:
            continue
        for rule_index, rule in enumerate(elements(policy.root, "spec", "ingress")):
            for index, port in enumerate(elements(rule, "ports")):
                node = port.get("port")
                if node is not None and not port.get("endPort"):
                    trail: Trail = ("spec", "ingress", rule_index, "ports", index)
                    yield Found(text(node) in known, text(node), node.at, policy, trail)


def policy_selectors(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether a policy that names pods finds any."""
    pods = [(document, pod_labels(document)) for document, _ in workloads(documents)]
    pods += operated(documents)
    if not pods:
        return
    for policy in of_kind(documents, "NetworkPolicy"):
        selector = policy.root.get("spec", "podSelector")
        if selector is not None and selector.value:
            shown = ", ".join(f"{key}={value}" for key, value in labels(selector, "matchLabels").items())
            yield Found(any(_selected(policy, pods)), shown, selector.at, policy, ("spec", "podSelector"))


def _behind(documents: Sequence[Document], service: Document) -> Iterator[Document]:
    """The workloads whose pods a Service selects."""
    selector = labels(service.root, "spec", "selector")
    for document, _ in workloads(documents):
        if selector and together(service, document) and selector.items() <= pod_labels(document).items():
            yield document


def scraped(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether each scraped port is one that somebody listens on."""
    yield from _annotated(documents)
    yield from _monitored(documents)
    yield from _static(documents)


def _annotated(documents: Sequence[Document]) -> Iterator[Found]:
    for document, _ in workloads(documents):
        trail = (*POD[document.kind][:-1], "metadata", "annotations", "prometheus.io/port")
        node, known = document.root.get(*trail), ports(document)
        if node is not None and known:
            yield Found(text(node) in known, text(node), node.at, document, trail)


def _monitored(documents: Sequence[Document]) -> Iterator[Found]:
    for monitor in of_kind(documents, "ServiceMonitor", "PodMonitor"):
        selector = monitor.root.get("spec", "selector")
        named: set[str] = set()
        at_pods: set[str] = set()
        if monitor.kind == "PodMonitor":
            for document, _ in workloads(documents):
                if matches(selector, pod_labels(document)):
                    at_pods |= set(ports(document))
            named = at_pods
        else:
            for service in of_kind(documents, "Service"):
                if matches(selector, labels(service.root, "metadata", "labels")):
                    named |= {text(port.get("name")) for port in elements(service.root, "spec", "ports")}
                    at_pods |= {port for pod in _behind(documents, service) for port in ports(pod)}
        key = "podMetricsEndpoints" if monitor.kind == "PodMonitor" else "endpoints"
        for index, endpoint in enumerate(elements(monitor.root, "spec", key)):
            for word, known in (("port", named), ("targetPort", at_pods), ("portNumber", at_pods)):
                port = endpoint.get(word)
                if port is not None and known:
                    yield Found(text(port) in known, text(port), port.at, monitor, ("spec", key, index, word))


def _static(documents: Sequence[Document]) -> Iterator[Found]:
    """`host:port` targets of Prometheus whose host is a Service.

    A container of compose opens every port to its neighbours, so a name that compose has too is left alone.
    """
    known: dict[str, set[str]] = {}
    for service in of_kind(documents, "Service"):
        known.setdefault(service.name, set()).update(
            text(port.get("port")) for port in elements(service.root, "spec", "ports")
        )
    composed = {name for item in documents if item.format == "compose" for name, _ in items(item.root, "services")}
    for document, trail, target in _targets(documents):
        host, _, port = text(target).rpartition(":")
        name = host.partition(".")[0]
        if name in known and port and name not in composed:
            yield Found(port in known[name], text(target), target.at, document, trail)


def _targets(documents: Sequence[Document]) -> Iterator[tuple[Document, Trail, Node]]:
    for document in documents:
        if document.format == "prometheus":
            for job_index, job in enumerate(elements(document.root, "scrape_configs")):
                for index, static in enumerate(elements(job, "static_configs")):
                    for place, target in enumerate(elements(static, "targets")):
                        yield document, ("scrape_configs", job_index, "static_configs", index, "targets", place), target
        elif document.format == "kubernetes" and document.kind == "ScrapeConfig":
            for index, static in enumerate(elements(document.root, "spec", "staticConfigs")):
                for place, target in enumerate(elements(static, "targets")):
                    yield document, ("spec", "staticConfigs", index, "targets", place), target
