"""Product -> the files of Grafana, from the last environment in promotion order: one set serves all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from generator.artifact import Artifact, because
from generator.model import Product, Spec
from generator.monitoring.addresses import runbook_url
from generator.monitoring.alert import Alert, Measure
from generator.monitoring.rules import groups, measures
from generator.targets.monitoring.grafana import contents, sources
from generator.targets.monitoring.grafana.dashboard import Board, dashboard
from generator.targets.monitoring.grafana.panels import Json, Section, Watch

FOLDER = "monitoring/grafana"
READ_FROM = "/etc/grafana/dashboards"
"""Where a Grafana that reads files finds the folder `dashboards`; its files of provisioning lie in
/etc/grafana/provisioning."""

_OPERATED = "grafana.integreatly.org/v1beta1"
"""https://grafana.github.io/grafana-operator/docs/api/"""


def plan(product: Product) -> Iterator[Artifact]:
    """Dashboards, provisioning, and on Kubernetes the operator's objects."""
    spec = _last(product)
    alerts = tuple(alert for group in groups(spec) for alert in group.alerts)
    seen = measures(spec, contents.ENVIRONMENT)
    boards = dict(dashboards(spec, tuple(product.environments), seen, alerts))
    for name, (made, origin) in boards.items():
        path = f"{FOLDER}/dashboards/{name}.json"
        yield _artifact(path, "dashboard.json.j2", {"dashboard": made}, origin)
    yield _provisioned_sources(spec)
    yield _provisioned_dashboards(spec)
    if spec.platform.compute == "kubernetes":
        yield from _operated(product, spec, {name: origin for name, (_, origin) in boards.items()})


def dashboards(
    spec: Spec, environments: Sequence[str], measures: Sequence[Measure], alerts: Sequence[Alert]
) -> Iterator[tuple[str, tuple[Json, str]]]:
    """Each dashboard by the name of its file, with the spec path that asks for it."""
    alerts = [_of_budget(alert) for alert in alerts]
    runbooks = tuple((alert.subject, alert.name, runbook_url(spec, alert.subject, alert.name)) for alert in alerts)
    readable = (spec.monitoring.runbooks or "").startswith("https://")
    watch = Watch(tuple(alerts), tuple(dict.fromkeys(runbooks)) if readable else ())
    for board, (stats, sections) in _boards(spec, measures):
        if any(section.measures for section in sections):
            seen = _on_objectives(watch) if board.name == "slo" else watch
            yield board.name, (dashboard(spec, environments, board, stats, sections, seen), board.origin)


def _boards(spec: Spec, measures: Sequence[Measure]) -> Iterator[tuple[Board, tuple[list[Measure], list[Section]]]]:
    """What the spec asks for; promises are always shown."""
    asked = spec.monitoring.dashboards
    names = tuple(spec.services)
    if "infrastructure" in asked:
        board = Board("infrastructure", f"{spec.app}: infrastructure", "What the services stand on.", "resources")
        yield board, contents.of_resources(spec, measures)
    if "kubernetes" in asked and spec.platform.compute == "kubernetes":
        title, text = f"{spec.app}: Kubernetes", "Pods, what they use, and the cluster they run in."
        board = Board("kubernetes", title, text, "platform", services=names)
        yield board, contents.of_cluster(spec, measures)
    if contents.promised(spec):
        title, text = f"{spec.app}: objectives", "What was promised, and how much of each budget is left."
        yield Board("slo", title, text, "services", services=names), contents.of_objectives(spec, measures)
    if "applications" in asked:
        for service in spec.services.values():
            mine = [measure for measure in measures if measure.subject == service.name]
            text = f"{service.name} ({service.type}): requests, promises, what it uses, and its pods."
            title = f"{spec.app}: {service.name}"
            board = Board(service.name, title, text, service.path, service=service.name)
            yield board, contents.of_service(spec, service, mine)


def _of_budget(alert: Alert) -> Alert:
    """Alerts on budgets look at windows of hours, and so belong to the graph that shows these."""
    return replace(alert, measure="burn") if "window" in alert.labels and alert.measure == "error_rate" else alert


def _on_objectives(watch: Watch) -> Watch:
    """The alerts on budgets alone: theirs are the numbers that matter beside a promise."""
    return Watch(tuple(alert for alert in watch.alerts if "window" in alert.labels), watch.runbooks)


def _last(product: Product) -> Spec:
    return next(iter(reversed(list(product.environments.values()))), product.base)


def _artifact(path: str, template: str, context: dict[str, Any], origin: str) -> Artifact:
    return Artifact(path, "monitoring", f"monitoring/grafana/{template}", context, origin)


def _document(path: str, document: Json, origin: str = "monitoring") -> Artifact:
    return _artifact(path, "document.yaml.j2", {"document": document}, origin)


# provisioning


def _provisioned_sources(spec: Spec) -> Artifact:
    made = list(sources.sources(spec, sources.beside(spec), dollar="$$").values())
    made[0] = {**made[0], "isDefault": True}
    return _document(f"{FOLDER}/provisioning/datasources/sources.yaml", {"apiVersion": 1, "datasources": made})


def _provisioned_dashboards(spec: Spec) -> Artifact:
    provider = {
        "name": because(spec.app, "app"),
        "orgId": 1,
        "folder": because(spec.app, "app"),
        "type": "file",
        "disableDeletion": False,
        "allowUiUpdates": False,
        "updateIntervalSeconds": 30,
        "options": {"path": READ_FROM},
    }
    return _document(
        f"{FOLDER}/provisioning/dashboards/dashboards.yaml",
        {"apiVersion": 1, "providers": [provider]},
        "monitoring.dashboards",
    )


# Kubernetes


def _operated(product: Product, spec: Spec, boards: dict[str, str]) -> Iterator[Artifact]:
    """ConfigMaps of the very files, as a sidecar finds them, and the operator's objects that read these ConfigMaps."""
    yield _document(
        f"{FOLDER}/dashboards/kustomization.yaml",
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": _namespace(spec),
            # an object that kustomize does not know refers to them by name
            "generatorOptions": {
                "disableNameSuffixHash": True,
                "labels": {**_labels(spec), "grafana_dashboard": "1"},
                **_applied(spec),
            },
            "configMapGenerator": [
                {"name": because(_config(spec, name), origin), "files": [because(f"{name}.json", origin)]}
                for name, origin in boards.items()
            ],
        },
        "monitoring.dashboards",
    )
    folder = f"{FOLDER}/kubernetes"
    yield _document(f"{folder}/folder.yaml", _object(spec, "GrafanaFolder", spec.app, {"title": spec.app}, "app"))
    for name, origin in boards.items():
        reference = {"name": _config(spec, name), "key": f"{name}.json"}
        body = {"folderRef": spec.app, "resyncPeriod": "10m0s", "configMapRef": reference}
        made = _object(spec, "GrafanaDashboard", f"{spec.app}-{name}", body, origin)
        yield _document(f"{folder}/dashboard-{name}.yaml", made, origin)
    found = dict(_sources(product, spec))
    for name, source in found.items():
        yield _document(f"{folder}/{name}.yaml", source)
    resources = ["../dashboards", "folder.yaml", *(f"dashboard-{name}.yaml" for name in boards)]
    yield _document(
        f"{folder}/kustomization.yaml",
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [*resources, *(f"{name}.yaml" for name in found)],
        },
    )


def _applied(spec: Spec) -> Json:
    """Applied by a client, an object is copied into one of its annotations, where a large dashboard has no room.

    https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/#server-side-apply
    """
    if spec.platform.kubernetes.gitops != "argocd":
        return {}
    option = because("ServerSideApply=true", "platform.kubernetes.gitops")
    return {"annotations": {"argocd.argoproj.io/sync-options": option}}


def _sources(product: Product, last: Spec) -> Iterator[tuple[str, Json]]:
    """The Prometheus of each environment, then what all of them share, as the last one has it."""
    for name, spec in product.environments.items():
        found = sources.sources(spec, sources.within(spec), dollar="$", environment=name)
        if spec.monitoring.metrics.operator:
            yield f"service-metrics-{name}", _service(spec)
        yield f"source-metrics-{name}", _source(spec, f"{sources.METRICS}-{name}", found.pop(sources.METRICS))
        if spec is last:
            for what, source in found.items():
                yield f"source-{what}", _source(spec, what, source)


def _service(spec: Spec) -> Json:
    """One of two replicas answers a client every time, since the two have read at different moments."""
    ports = [{"name": "web", "port": 9090, "targetPort": "web", "protocol": "TCP"}]
    pods = {"prometheus": because(spec.namespace, "app", spec.environment.path)}  # the operator's own label
    name = because(sources.service_name(spec), "app", spec.environment.path)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": _namespace(spec), "labels": _labels(spec)},
        "spec": {"type": "ClusterIP", "sessionAffinity": "ClientIP", "selector": pods, "ports": ports},
    }


def _source(spec: Spec, what: str, source: Json) -> Json:
    body: Json = {"uid": source.pop("uid"), "resyncPeriod": "10m0s", "datasource": source}
    if what == sources.LOGS:
        body = {**body, "datasource": sources.with_key(spec, source), "valuesFrom": sources.references(spec)}
    return _object(spec, "GrafanaDatasource", f"{spec.app}-{what}", body, "monitoring")


def _config(spec: Spec, name: str) -> str:
    return f"{spec.app}-dashboard-{name}"


def _namespace(spec: Spec) -> Any:
    cause = "platform.kubernetes.monitoring_namespace"
    return because(spec.platform.kubernetes.monitoring_namespace, cause)


def _labels(spec: Spec) -> Json:
    return {
        "app.kubernetes.io/name": "grafana",
        "app.kubernetes.io/instance": because(spec.app, "app"),
        "app.kubernetes.io/part-of": because(spec.app, "app"),
        "app.kubernetes.io/managed-by": "groundplan",
        "owner": because(spec.owner, "owner"),
    }


def _object(spec: Spec, kind: str, name: str, body: Json, cause: str) -> Json:
    """An object of the operator, for the Grafana that carries the label `dashboards: grafana`."""
    return {
        "apiVersion": _OPERATED,
        "kind": kind,
        "metadata": {"name": because(name, cause), "namespace": _namespace(spec), "labels": _labels(spec)},
        "spec": {
            "allowCrossNamespaceImport": True,
            "instanceSelector": {"matchLabels": {"dashboards": "grafana"}},
            **body,
        },
    }
