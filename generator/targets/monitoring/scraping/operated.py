"""Prometheus as objects of its operator: monitors and rules in the product's namespace, Prometheus in the monitoring's.

Prometheus stands where network policies let scrapes come from. It selects by the label of the environment's instance,
in those two namespaces only, so that two environments in one cluster never read each other's objects.
https://prometheus-operator.dev/docs/api-reference/api/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.artifact import Artifact, because
from generator.model import Resource, Service, Spec
from generator.quantity import byte_count
from generator.targets.monitoring.prometheus import rule_groups
from generator.targets.monitoring.scraping import scrape
from generator.targets.monitoring.scraping.scrape import FOLDER, OWN_LIMIT, PLATFORM_LIMIT

_OPERATOR, _YOUNG = "monitoring.coreos.com/v1", "monitoring.coreos.com/v1alpha1"
_RIGHTS = "rbac.authorization.k8s.io"
_USER = 65534
"""nobody, whom the image of Prometheus runs as."""

_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_STORAGE, _STORAGE_SHARE = "20Gi", (85, 100)
_NAME = "app.kubernetes.io/name"

Object = dict[str, Any]


def plan(spec: Spec) -> Iterator[Artifact]:
    """One file an object, and the kustomization that applies them all."""
    made = {**dict(_monitors(spec)), **dict(_rules(spec)), **dict(_prometheus(spec))}
    folder = f"{FOLDER}/{spec.environment.name}/kubernetes"
    for name, (body, origin) in made.items():
        context: Object = {"objects": [body]}
        template = "kubernetes/object.yaml.j2"
        yield Artifact(f"{folder}/{name}.yaml", "monitoring", template, context, origin, spec.environment.name)
    context = {"resources": [f"{name}.yaml" for name in made], "folder": because(folder, spec.environment.path)}
    template = "monitoring/scraping/kustomization.yaml.j2"
    path = f"{folder}/kustomization.yaml"
    yield Artifact(path, "monitoring", template, context, "monitoring.metrics.operator", spec.environment.name)


Made = Iterator[tuple[str, tuple[Object, str]]]


def _monitors(spec: Spec) -> Made:
    for service in scrape.scraped(spec):
        kind = "ServiceMonitor" if service.listens and service.replicated else "PodMonitor"
        body = (_of_service if kind == "ServiceMonitor" else _of_pods)(spec, service)
        name = because(service.name, service.path)
        yield f"{kind.lower()}-{service.name}", (_object(spec, kind, name, body), service.path)
    if scrape.pushing(spec):
        yield "scrapeconfig-pushed", (_scrape(spec, "pushed", _of_gateway(spec)), scrape.pushed_cause(spec))
    for resource in scrape.exported(spec):
        body = _of_exporter(spec, resource)
        yield f"scrapeconfig-{resource.name}", (_scrape(spec, resource.name, body, resource.path), resource.path)
    if scrape.provider(spec) == "aws":
        host = f"cloudwatch-exporter.{spec.platform.kubernetes.monitoring_namespace}.svc:{scrape.CLOUDWATCH_PORT}"
        body = {"jobName": "cloudwatch", "staticConfigs": [{"targets": [because(host, "cloud.provider")]}]}
        yield "scrapeconfig-cloudwatch", (_scrape(spec, "cloudwatch", body, "cloud.provider"), "cloud.provider")
    yield from _platform(spec)


def _endpoint(spec: Spec, service: Service) -> Object:
    metrics = service.metrics
    port = "metrics" if service.metrics_port != service.port else _protocol(service)
    cause = service.at("metrics.port")
    return {
        "port": because(port, cause),
        "path": because(metrics.path_ if metrics else "/metrics", service.at("metrics.path")),
        "interval": scrape.interval(spec),
        "scrapeTimeout": scrape.timeout(spec),
    }


def _protocol(service: Service) -> str:
    """As the ports of pods and Services are called."""
    return service.protocol if service.protocol in {"http", "grpc"} else "tcp"


def _chosen(spec: Spec, service: Service) -> Object:
    return {"matchLabels": {_NAME: because(service.name, service.path), "app.kubernetes.io/instance": _app(spec)}}


def _of_service(spec: Spec, service: Service) -> Object:
    return {
        "jobLabel": _NAME,
        "namespaceSelector": {"matchNames": [scrape.namespace(spec)]},
        "selector": _chosen(spec, service),
        "sampleLimit": OWN_LIMIT,
        "endpoints": [_endpoint(spec, service)],
    }


def _of_pods(spec: Spec, service: Service) -> Object:
    """A worker has no Service to be found by."""
    return {
        "jobLabel": _NAME,
        "namespaceSelector": {"matchNames": [scrape.namespace(spec)]},
        "selector": _chosen(spec, service),
        "sampleLimit": OWN_LIMIT,
        "podMetricsEndpoints": [_endpoint(spec, service)],
    }


def _of_gateway(spec: Spec) -> Object:
    host = because(f"{scrape.GATEWAY}.{spec.platform.kubernetes.monitoring_namespace}.svc", scrape.pushed_cause(spec))
    return {
        "jobName": "pushed",
        "dnsSDConfigs": [{"names": [host], "type": "A", "port": scrape.GATEWAY_PORT}],
        "honorLabels": True,
        "sampleLimit": OWN_LIMIT * len(scrape.pushing(spec)),
        "metricRelabelings": [_camel(step) for step in scrape.relabelled_pushes(spec)],
    }


_CAMEL = {"source_labels": "sourceLabels", "target_label": "targetLabel"}


def _camel(step: Object) -> Object:
    return {_CAMEL.get(key, key): value for key, value in step.items()}


def _of_exporter(spec: Spec, resource: Resource) -> Object:
    host = f"{resource.name}-exporter.{spec.namespace}.svc:{scrape.EXPORTER_PORTS[resource.type]}"
    target = {"targets": [because(host, resource.path)], "labels": {"namespace": scrape.namespace(spec)}}
    return {"jobName": because(resource.name, resource.path), "staticConfigs": [target], "sampleLimit": OWN_LIMIT}


def _platform(spec: Spec) -> Made:
    """The exporters of the cluster, and the monitoring itself."""
    cause = "platform.compute"
    state = _watched(spec, "kube-state-metrics", "http", honorLabels=True)
    yield "podmonitor-kube-state-metrics", (_object(spec, "PodMonitor", "kube-state-metrics", state), cause)
    node = {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "instance"}
    nodes = _watched(spec, "prometheus-node-exporter", "metrics", relabelings=[node])
    yield "podmonitor-node-exporter", (_object(spec, "PodMonitor", "node-exporter", nodes), cause)
    yield "servicemonitor-kubelet", (_object(spec, "ServiceMonitor", "kubelet", _kubelet(spec)), cause)
    for name in ("prometheus", "alertmanager"):
        yield f"podmonitor-{name}", (_object(spec, "PodMonitor", name, _watched(spec, name, "web")), "monitoring")
    if any(service.public for service in spec.services.values()):
        body = _watched(spec, "cert-manager", "http-metrics", namespace="cert-manager", honorLabels=True)
        body["selector"]["matchLabels"]["app.kubernetes.io/component"] = "controller"
        yield "podmonitor-cert-manager", (_object(spec, "PodMonitor", "cert-manager", body), "services")


def _watched(spec: Spec, name: str, port: str, *, namespace: Any = None, **more: Any) -> Object:
    """Pods of the monitoring's namespace, or another one, by the name that their charts give them."""
    times = {"interval": scrape.interval(spec), "scrapeTimeout": scrape.timeout(spec)}
    return {
        "jobLabel": _NAME,
        "namespaceSelector": {"matchNames": [namespace or scrape.watchers(spec)]},
        "selector": {"matchLabels": {_NAME: name}},
        "sampleLimit": PLATFORM_LIMIT,
        "podMetricsEndpoints": [{"port": port, **times, **more}],
    }


def _kubelet(spec: Spec) -> Object:
    """The Service that the operator keeps for the kubelets; of containers and volumes only ours."""
    own = because(f"{spec.namespace}|", "app", spec.environment.path)
    endpoints = [
        {
            "port": "https-metrics",
            "scheme": "https",
            "path": path,
            "honorLabels": True,
            "interval": scrape.interval(spec),
            "scrapeTimeout": scrape.timeout(spec),
            "bearerTokenFile": f"{_ACCOUNT}/token",
            "tlsConfig": {"caFile": f"{_ACCOUNT}/ca.crt"},
            "metricRelabelings": [{"sourceLabels": ["namespace"], "regex": own, "action": "keep"}],
        }
        for path in ("/metrics/cadvisor", "/metrics")
    ]
    return {
        "jobLabel": _NAME,
        "namespaceSelector": {"matchNames": ["kube-system"]},
        "selector": {"matchLabels": {_NAME: "kubelet"}},
        "sampleLimit": PLATFORM_LIMIT,
        "endpoints": endpoints,
    }


def _rules(spec: Spec) -> Made:
    """The rules of each subject, the same as in the plain files."""
    for subject, groups in rule_groups(spec).items():
        part = spec.services.get(subject) or spec.resources.get(subject)
        origin = part.path if part is not None else "monitoring"
        body = _object(spec, "PrometheusRule", because(subject, origin), {"groups": groups})
        yield f"prometheusrule-{subject}", (body, origin)


def _prometheus(spec: Spec) -> Made:
    """Prometheus, what it may read, and what keeps one of two running."""
    strict = not spec.environment.development
    yield "prometheus", (_object(spec, "Prometheus", _own(spec), _server(spec), watching=True), "monitoring.metrics")
    account = _object(spec, "ServiceAccount", _own(spec), None, watching=True)
    yield "serviceaccount", ({**account, "automountServiceAccountToken": False}, "monitoring.metrics")
    yield "networkpolicy", (_object(spec, "NetworkPolicy", _own(spec), _policy(spec), watching=True), "monitoring")
    spaces = {"": spec.namespace, "-monitoring": spec.platform.kubernetes.monitoring_namespace}
    spaces |= {"-kubelet": "kube-system"}
    if any(service.public for service in spec.services.values()):
        spaces["-cert-manager"] = "cert-manager"
    for suffix, space in spaces.items():
        yield f"role{suffix}", (_role(spec, space), "monitoring.metrics")
        yield f"rolebinding{suffix}", (_binding(spec, space), "monitoring.metrics")
    yield "clusterrole", (_cluster_role(spec), "monitoring.metrics")
    yield "clusterrolebinding", (_binding(spec, ""), "monitoring.metrics")
    if strict:
        budget = {"maxUnavailable": 1, "selector": {"matchLabels": _pods(spec)}}
        body = _object(spec, "PodDisruptionBudget", _own(spec), budget, watching=True)
        yield "poddisruptionbudget", (body, spec.environment.path)


def _server(spec: Spec) -> Object:
    strict = not spec.environment.development
    cause = spec.environment.path
    spaces = {
        "matchExpressions": [
            {
                "key": "kubernetes.io/metadata.name",
                "operator": "In",
                "values": [scrape.namespace(spec), scrape.watchers(spec)],
            }
        ]
    }
    ours = {"matchLabels": {"app.kubernetes.io/instance": scrape.namespace(spec)}}
    selectors: Object = {}
    for kind in ("serviceMonitor", "podMonitor", "scrapeConfig", "rule"):
        selectors |= {f"{kind}Selector": ours, f"{kind}NamespaceSelector": spaces}
    memory = "2Gi" if strict else "1Gi"
    alertmanager = {
        "name": because(f"{spec.app}-alertmanager", "app"),
        "namespace": scrape.watchers(spec),
        "port": "web",
        "apiVersion": "v2",
    }
    body: Object = {
        "image": scrape.image("prometheus"),
        "version": f"v{scrape.version('prometheus')}",
        "replicas": because(2 if strict else 1, cause),
        "retention": because(spec.monitoring.metrics.keep, "monitoring.metrics.keep"),
        "scrapeInterval": scrape.interval(spec),
        "scrapeTimeout": scrape.timeout(spec),
        "evaluationInterval": scrape.interval(spec),
        "enforcedSampleLimit": PLATFORM_LIMIT,
        "externalLabels": scrape.external_labels(spec),
        **selectors,
        "alerting": {"alertmanagers": [alertmanager]},
        "serviceAccountName": _own(spec),
        "podMetadata": {"labels": _own_labels(spec)},
        "logFormat": "json",
        "resources": {
            "requests": {"cpu": "200m", "memory": because(memory, cause)},
            "limits": {"cpu": "2", "memory": because("4Gi" if strict else "2Gi", cause)},
        },
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {**body, **_storage(), **(_spread(spec) if strict else {})}


def _storage() -> Object:
    """A volume, and a little less than it as the most that is kept: a full one stops Prometheus."""
    most = byte_count(_STORAGE) * _STORAGE_SHARE[0] // _STORAGE_SHARE[1] // 2**30
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": _STORAGE}}}
    return {"retentionSize": f"{most}GiB", "storage": {"volumeClaimTemplate": {"spec": claim}}}


def _spread(spec: Spec) -> Object:
    apart = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": _pods(spec)},
    }
    return {"topologySpreadConstraints": [apart]}


def _policy(spec: Spec) -> Object:
    """Asked by what stands beside it; it asks whatever it scrapes, wherever that is."""
    beside = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": scrape.watchers(spec)}}}
    ports = [{"protocol": "TCP", "port": scrape.PROMETHEUS_PORT}, {"protocol": "TCP", "port": 8080}]
    return {
        "podSelector": {"matchLabels": _pods(spec)},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [beside], "ports": ports}],
    }


def _role(spec: Spec, space: str) -> Object:
    found = {"apiGroups": [""], "resources": ["services", "endpoints", "pods"], "verbs": ["get", "list", "watch"]}
    slices = {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list", "watch"]}
    made = _object(spec, "Role", _own(spec), None)
    made["metadata"]["namespace"] = _space(spec, space)
    return {**made, "rules": [found, slices]}


def _cluster_role(spec: Spec) -> Object:
    """Kubelets answer whoever may get the metrics of nodes, which belong to no namespace."""
    rules = [{"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]}]
    made = _object(spec, "ClusterRole", _own(spec), None)
    del made["metadata"]["namespace"]
    return {**made, "rules": rules}


def _binding(spec: Spec, space: str) -> Object:
    kind = "Role" if space else "ClusterRole"
    made = _object(spec, f"{kind}Binding", _own(spec), None)
    if space:
        made["metadata"]["namespace"] = _space(spec, space)
    else:
        del made["metadata"]["namespace"]
    account = {"kind": "ServiceAccount", "name": _own(spec), "namespace": scrape.watchers(spec)}
    return {**made, "roleRef": {"apiGroup": _RIGHTS, "kind": kind, "name": _own(spec)}, "subjects": [account]}


def _space(spec: Spec, space: str) -> Any:
    if space == spec.namespace:
        return scrape.namespace(spec)
    return scrape.watchers(spec) if space == spec.platform.kubernetes.monitoring_namespace else space


_VERSIONS = {
    "ScrapeConfig": _YOUNG,
    "ServiceAccount": "v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "PodDisruptionBudget": "policy/v1",
    **dict.fromkeys(("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"), f"{_RIGHTS}/v1"),
}


def _scrape(spec: Spec, name: str, body: Object, cause: str = "") -> Object:
    times = {"scrapeInterval": scrape.interval(spec), "scrapeTimeout": scrape.timeout(spec)}
    return _object(spec, "ScrapeConfig", because(name, cause or scrape.pushed_cause(spec)), {**body, **times})


def _object(spec: Spec, kind: str, name: Any, body: Object | None, *, watching: bool = False) -> Object:
    """An object of the product's namespace, or of the monitoring's."""
    space = scrape.watchers(spec) if watching else scrape.namespace(spec)
    metadata = {"name": name, "namespace": space, "labels": _labels(spec)}
    made: Object = {"apiVersion": _VERSIONS.get(kind, _OPERATOR), "kind": kind, "metadata": metadata}
    return made if body is None else {**made, "spec": body}


def _labels(spec: Spec) -> Object:
    return {
        _NAME: "prometheus",
        "app.kubernetes.io/instance": scrape.namespace(spec),
        "app.kubernetes.io/managed-by": "groundplan",
        **_own_labels(spec),
    }


def _own_labels(spec: Spec) -> Object:
    """Those that the operator leaves alone on the pods it makes."""
    return {
        "app.kubernetes.io/part-of": _app(spec),
        "app.kubernetes.io/component": "monitoring",
        "owner": because(spec.owner, "owner"),
        **{key: because(value, f"tags.{key}") for key, value in spec.tags.items()},
    }


def _pods(spec: Spec) -> Object:
    """What the operator puts on the pods of the object called like the namespace."""
    return {"prometheus": scrape.namespace(spec)}


def _own(spec: Spec) -> Any:
    return scrape.namespace(spec)


def _app(spec: Spec) -> Any:
    return because(spec.app, "app")
