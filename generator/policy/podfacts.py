"""Derived facts about workloads, their scaling and what they promise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from generator import quantity
from generator.document import Location, Node
from generator.policy.documents import POD, Document
from generator.policy.found import (
    Found,
    containers,
    elements,
    items,
    labels,
    of_kind,
    operated,
    pod_labels,
    replicas,
    scaler,
    selecting,
    text,
    together,
    whole,
    workloads,
)


def objects(documents: Sequence[Document]) -> Iterator[Found]:
    for document in documents:
        if document.format == "kubernetes":
            name = f"{document.kind}/{document.name}"
            yield Found(name, name, _at(document), document)


def scaled_objects(documents: Sequence[Document]) -> Iterator[Found]:
    for document, _ in workloads(documents):
        name = f"{document.kind}/{document.name}"
        yield Found(name, name, _at(document), document)


def scaled(documents: Sequence[Document]) -> Iterator[Found]:
    for document, _ in workloads(documents):
        owner = scaler(documents, document)
        yield Found(owner is not None, owner.name if owner else "", _at(document), document)


def several(documents: Sequence[Document]) -> Iterator[Found]:
    for document, _ in workloads(documents):
        count = sum(1 for _ in containers(document))
        yield Found(count > 1, str(count), _at(document), document)


def lesser_environments(documents: Sequence[Document]) -> Iterator[Found]:
    for document in documents:
        if document.format == "kubernetes":
            yield Found(document.environment in _LESSER, document.environment, _at(document), document)


def api_versions(documents: Sequence[Document]) -> Iterator[Found]:
    for document in documents:
        if document.format == "kubernetes":
            node = document.root.get("apiVersion") or document.root
            name = f"{text(node)} {document.kind}"
            yield Found(name, name, node.at, document, ("apiVersion",))


def labelled_pods(documents: Sequence[Document]) -> Iterator[Found]:
    for document, pod in workloads(documents):
        carried = pod_labels(document)
        shown = ", ".join(f"{key}={value}" for key, value in carried.items())
        trail = (*POD[document.kind][:-1], "metadata", "labels")
        node = document.root.get(*trail) or pod
        yield Found(frozenset(f"{key}={value}" for key, value in carried.items()), shown, node.at, document, trail)
    for document, carried in operated(documents):
        shown = ", ".join(f"{key}={value}" for key, value in carried.items())
        pairs = frozenset(f"{key}={value}" for key, value in carried.items())
        yield Found(pairs, shown, document.root.at, document, ("metadata", "name"))


def pre_stop(documents: Sequence[Document]) -> Iterator[Found]:
    """How long preStop sleeps: the sleep action, or `sleep N` in a command."""
    for document, _ in workloads(documents):
        for trail, container in containers(document):
            hook = container.get("lifecycle", "preStop")
            if hook is None:
                continue
            seconds = whole(hook.get("sleep", "seconds"))
            if seconds is None:
                words = " ".join(text(word) for word in elements(hook, "exec", "command"))
                match = re.search(r"\bsleep (\d{1,6})\b", words)
                seconds = int(match[1]) if match else None
            if seconds is not None:
                yield Found(seconds, str(seconds), hook.at, document, (*trail, "lifecycle", "preStop"))


def probe_descriptions(kind: str, documents: Sequence[Document]) -> Iterator[Found]:
    """What a probe does and when it gives up, as one text: two equal ones are one probe."""
    for document, _ in workloads(documents):
        for trail, container in containers(document):
            probe = container.get(kind)
            action = next(
                (probe.get(key) for key in ("httpGet", "tcpSocket", "grpc", "exec") if probe and probe.get(key)), None
            )
            if probe is None or action is None:
                continue
            period = text(probe.get("periodSeconds"), "10")
            failures = text(probe.get("failureThreshold"), "3")
            what = f"{action.plain} {period} {failures}"
            shown = text(action.get("path")) or text(action.get("port")) or "the same command"
            yield Found(what, shown, action.at, document, (*trail, kind))


def hpa_resources(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether pods request what their autoscaler measures in per cent of the request."""
    for scaling in of_kind(documents, "HorizontalPodAutoscaler"):
        target = scaling.root.get("spec", "scaleTargetRef")
        owner = next(
            (
                document
                for document, _ in workloads(documents)
                if target
                and (document.kind, document.name) == (text(target.get("kind")), text(target.get("name")))
                and together(document, scaling)
            ),
            None,
        )
        if owner is None:
            continue
        for index, metric in enumerate(elements(scaling.root, "spec", "metrics")):
            resource = metric.get("resource", "name")
            if resource is None or text(metric.get("resource", "target", "type")) != "Utilization":
                continue
            requested = all(node.get("resources", "requests", text(resource)) for _, node in containers(owner))
            limited = all(node.get("resources", "limits", text(resource)) for _, node in containers(owner))
            yield Found(requested or limited, text(resource), resource.at, scaling, ("spec", "metrics", index))


def budgets(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether each budget lets at least one pod go."""
    for budget in of_kind(documents, "PodDisruptionBudget"):
        selector = budget.root.get("spec", "selector")
        spec = budget.root.get("spec")
        if spec is None or selector is None:
            continue
        for workload in _selected(documents, budget, selector):
            least, _ = replicas(documents, workload)
            unavailable, available = spec.get("maxUnavailable"), spec.get("minAvailable")
            node = unavailable or available
            if node is None or workload.kind not in ("Deployment", "StatefulSet", "Rollout", "ReplicaSet"):
                continue
            word = text(node)
            if unavailable is not None:
                free = word not in ("0", "0%")
                shown = f"maxUnavailable {word}"
            else:
                count = whole(node)
                free = count < least if count is not None else word != "100%" and least > 1
                shown = f"minAvailable {word} of {least}"
            yield Found(free, shown, node.at, budget, ("spec", "maxUnavailable" if unavailable else "minAvailable"))


def guarded(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether a workload of several pods has a disruption budget."""
    budgets = of_kind(documents, "PodDisruptionBudget")
    guards = [(budget, selecting(budget.root.get("spec", "selector"))) for budget in budgets]
    for workload, _ in workloads(documents):
        if workload.kind not in ("Deployment", "StatefulSet", "Rollout") or replicas(documents, workload)[0] < 2:
            continue
        carried = pod_labels(workload)
        held = any(selects(carried) and together(budget, workload) for budget, selects in guards)
        yield Found(held, f"{workload.kind}/{workload.name}", _at(workload), workload)


def quotas(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether a quota has room for every workload at its most replicas."""
    for quota in of_kind(documents, "ResourceQuota"):
        if quota.root.get("spec", "scopeSelector") or quota.root.get("spec", "scopes"):
            continue
        for key, node in items(quota.root, "spec", "hard"):
            need = _need(documents, quota, key)
            room = _amount(key, text(node))
            if need is None or room is None or not need:
                continue
            shown = f"{key} {text(node)}, {_written(key, need)} needed"
            yield Found(need <= room, shown, node.at, quota, ("spec", "hard", key))


def _need(documents: Sequence[Document], quota: Document, key: str) -> int | None:
    """The sum over all workloads of the quota's namespace, or None when it cannot be told."""
    side, _, resource = key.rpartition(".")
    if key in ("cpu", "memory"):
        side = "requests"
    if key != "pods" and (side not in ("requests", "limits") or resource not in ("cpu", "memory")):
        return None
    total = 0
    for workload, _ in workloads(documents):
        if not together(quota, workload) or workload.kind not in ("Deployment", "StatefulSet", "Rollout"):
            continue
        most = replicas(documents, workload)[1]
        if key == "pods":
            total += most
            continue
        for _, container in containers(workload):
            amount = _amount(resource, text(container.get("resources", side, resource)))
            total += (amount or 0) * most
    return total


def _amount(key: str, word: str) -> int | None:
    try:
        if key.endswith("cpu"):
            return quantity.millicores(word)
        return int(word) if key == "pods" else quantity.byte_count(word)
    except ValueError:
        return None


def _written(key: str, amount: int) -> str:
    if key.endswith("cpu"):
        return quantity.cpu(amount)
    return str(amount) if key == "pods" else quantity.memory(amount)


_PROTECTED = ("prod", "production", "live")
_LESSER = ("staging", "stage", "preprod", "pre-prod", "uat", "test", "qa", "dev", "development")
_PROMISES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("HorizontalPodAutoscaler", ("spec", "minReplicas")),
    ("Deployment", ("spec", "replicas")),
    ("StatefulSet", ("spec", "replicas")),
)


def weaker_environments(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether production runs at least as many replicas as the environments before it."""
    for kind, path in _PROMISES:
        there = [item for item in documents if item.kind == kind and item.format == "kubernetes"]
        for document in there:
            own = document.root.get(*path)
            if document.environment not in _PROTECTED or whole(own) is None or own is None:
                continue
            for other in there:
                lesser = whole(other.root.get(*path))
                if other.environment in _LESSER and other.name == document.name and lesser is not None:
                    holds = (whole(own) or 0) >= lesser
                    shown = f"{path[-1]} {text(own)} in {document.environment}, {lesser} in {other.environment}"
                    yield Found(holds, shown, own.at, document, path)


def _selected(documents: Sequence[Document], by: Document, selector: Node) -> Iterator[Document]:
    """The workloads whose pods a selector takes in; an empty selector is left alone."""
    if not labels(selector, "matchLabels") and not any(elements(selector, "matchExpressions")):
        return
    selects = selecting(selector)
    for document, _ in workloads(documents):
        if selects(pod_labels(document)) and together(by, document):
            yield document


def _at(document: Document) -> Location:
    node = document.root.get("metadata", "name") or document.root
    return replace(node.at, pointer=node.at.pointer or "metadata.name")
