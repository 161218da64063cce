"""What derived facts have in common: the shape of an answer, and how objects of a cluster belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from generator.document import Location, Node, Scalar
from generator.policy.documents import POD, Document


@dataclass(frozen=True, slots=True)
class Found:
    """One value of a derived fact; a verdict is a truth value whose `shown` says what was looked at."""

    value: Scalar | frozenset[str]
    shown: str
    at: Location
    document: Document
    trail: tuple[str | int, ...] = ()
    told_at: Location | None = None
    """Where somebody else said what stands here: the caller of a module."""


Derive: TypeAlias = Callable[[Sequence[Document]], Iterator[Found]]
"""A derived fact: all documents in, its values out."""


def text(node: Node | None, default: str = "") -> str:
    """A scalar as text."""
    if node is None or node.value is None or isinstance(node.value, dict | tuple):
        return default
    return ("true" if node.value else "false") if isinstance(node.value, bool) else str(node.value)


def whole(node: Node | None) -> int | None:
    """A whole number, or None."""
    word = text(node)
    return int(word) if word.isascii() and word.isdigit() and len(word) < 12 else None


def elements(node: Node | None, *path: str) -> Iterator[Node]:
    """The elements of the sequence at a path."""
    found = node.get(*path) if node is not None else None
    if found is not None:
        yield from found.elements()


def items(node: Node | None, *path: str) -> Iterator[tuple[str, Node]]:
    """The entries of the mapping at a path."""
    found = node.get(*path) if node is not None else None
    if found is not None:
        yield from found.items()


def labels(node: Node | None, *path: str) -> dict[str, str]:
    """A mapping of labels as plain text."""
    return {key: text(value) for key, value in items(node, *path)}


def of_kind(documents: Iterable[Document], *kinds: str) -> Iterator[Document]:
    """The Kubernetes objects of some kinds."""
    return (document for document in documents if document.format == "kubernetes" and document.kind in kinds)


def workloads(documents: Iterable[Document]) -> Iterator[tuple[Document, Node]]:
    """Every object that makes pods, with its pod spec."""
    for document in documents:
        place = POD.get(document.kind) if document.format == "kubernetes" else None
        pod = document.root.get(*place) if place else None
        if pod is not None:
            yield document, pod


def pod_labels(document: Document) -> dict[str, str]:
    """The labels its pods will carry."""
    place = POD[document.kind][:-1]
    return labels(document.root, *place, "metadata", "labels")


_OPERATED = {"Alertmanager": "alertmanager", "Prometheus": "prometheus"}
"""Objects of which the Prometheus Operator makes pods, and the name that it gives these in their labels."""


def operated(documents: Iterable[Document]) -> Iterator[tuple[Document, dict[str, str]]]:
    """Objects whose pods an operator makes, with the labels these will carry.

    https://github.com/prometheus-operator/prometheus-operator/tree/main/pkg
    """
    for document in of_kind(documents, *_OPERATED):
        name = _OPERATED[document.kind]
        given = {
            name: document.name,
            "app.kubernetes.io/name": name,
            "app.kubernetes.io/instance": document.name,
            "app.kubernetes.io/managed-by": "prometheus-operator",
        }
        yield document, {**given, **labels(document.root, "spec", "podMetadata", "labels")}


def containers(document: Document) -> Iterator[tuple[tuple[str | int, ...], Node]]:
    """The main containers of a workload with their trails."""
    place = POD.get(document.kind)
    if place:
        for index, node in enumerate(elements(document.root, *place, "containers")):
            yield (*place, "containers", index), node


def ports(document: Document) -> dict[str, int]:
    """The ports of a workload by name and by number."""
    found: dict[str, int] = {}
    for _, container in containers(document):
        for port in elements(container, "ports"):
            number = whole(port.get("containerPort"))
            if number is not None:
                found[str(number)] = number
                if name := text(port.get("name")):
                    found[name] = number
    return found


def together(one: Document, other: Document) -> bool:
    """Whether two objects may live in one cluster side by side: same namespace and same environment, if told."""
    return (not one.lives_in or not other.lives_in or one.lives_in == other.lives_in) and (
        not one.environment or not other.environment or one.environment == other.environment
    )


def matches(selector: Node | None, carried: Mapping[str, str]) -> bool:
    """Whether a label selector (`matchLabels` and `matchExpressions`) takes in the labels."""
    return selecting(selector)(carried)


def selecting(selector: Node | None) -> Callable[[Mapping[str, str]], bool]:
    """A label selector as a function, for asking it about many pods."""
    wanted = labels(selector, "matchLabels")
    expressions = [
        (text(item.get("key")), text(item.get("operator")), {text(value) for value in elements(item, "values")})
        for item in elements(selector, "matchExpressions")
    ]

    def selects(carried: Mapping[str, str]) -> bool:
        return all(carried.get(key) == value for key, value in wanted.items()) and all(
            _expressed(key, operator, values, carried) for key, operator, values in expressions
        )

    return selects


def _expressed(key: str, operator: str, values: set[str], carried: Mapping[str, str]) -> bool:
    if operator == "In":
        return carried.get(key) in values
    if operator == "NotIn":
        return carried.get(key) not in values
    return (key in carried) != (operator == "DoesNotExist") if operator in ("Exists", "DoesNotExist") else True


def scaler(documents: Sequence[Document], workload: Document) -> Document | None:
    """The autoscaler of a workload."""
    for document in of_kind(documents, "HorizontalPodAutoscaler", "ScaledObject"):
        target = document.root.get("spec", "scaleTargetRef")
        kind = text(target.get("kind"), "Deployment") if target else ""
        if (
            target
            and (kind, text(target.get("name"))) == (workload.kind, workload.name)
            and together(document, workload)
        ):
            return document
    return None


def replicas(documents: Sequence[Document], workload: Document) -> tuple[int, int]:
    """The least and the most replicas of a workload."""
    fixed = whole(workload.root.get("spec", "replicas"))
    own = 1 if fixed is None else fixed
    scaling = scaler(documents, workload)
    if scaling is None or scaling.kind != "HorizontalPodAutoscaler":
        return own, own
    least = whole(scaling.root.get("spec", "minReplicas"))
    most = whole(scaling.root.get("spec", "maxReplicas"))
    return (1 if least is None else least), (own if most is None else most)
