"""The shipper in a cluster: one pod a node, in the platform's namespace, since a restricted one mounts no node's files.

It may read pods of the product's namespace and nothing else. It runs as a user of its own; container logs are readable
for the group root (containerd writes them 0640, CRI-O since conmon 2.1.13).
https://github.com/cri-o/cri-o/issues/9013
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.artifact import Artifact, because
from generator.model import Spec
from generator.targets.monitoring.logs import fluentd, pipeline
from generator.targets.monitoring.logs.names import image, workload

_UID = 10001


def plan(spec: Spec, folder: str) -> Iterator[Artifact]:
    """Account, rights, pods and how they are scraped; the configuration is generated from the plain file."""
    objects = {
        "serviceaccount": _account(spec),
        "role": _role(spec),
        "rolebinding": _binding(spec),
        "networkpolicy": _policy(spec),
    }
    if spec.monitoring.metrics.operator:
        objects["podmonitor"] = _monitor(spec)
    for name, body in objects.items():
        yield _artifact(spec, f"{folder}/{name}.yaml", "object", {"object": body})
    yield _artifact(spec, f"{folder}/daemonset.yaml", "daemonset", _pods(spec))
    configuration = "fluentd.conf" if _is_fluentd(spec) else "fluent-bit.yaml"
    context = {
        "resources": [f"{name}.yaml" for name in (*objects, "daemonset")],
        "name": _cause(spec, f"{workload(spec)}-config"),
        "namespace": _namespace(spec),
        "configuration": because(configuration, "monitoring.logs.shipper"),
        "secret": "log-store",
    }
    yield _artifact(spec, f"{folder}/kustomization.yaml", "kustomization", context)


def host(spec: Spec) -> str:
    """Where the store is looked for unless the pods are told otherwise."""
    return f"{spec.monitoring.logs.store}.{spec.platform.kubernetes.monitoring_namespace}.svc"


def _artifact(spec: Spec, path: str, template: str, context: dict[str, Any]) -> Artifact:
    name = f"monitoring/logs/{template}.yaml.j2"
    return Artifact(path, "monitoring", name, context, "monitoring.logs", spec.environment.name)


def _is_fluentd(spec: Spec) -> bool:
    return spec.monitoring.logs.shipper == "fluentd"


def _cause(spec: Spec, value: str) -> Any:
    return because(value, "monitoring.logs.shipper", "app", spec.environment.path)


def _namespace(spec: Spec) -> Any:
    return because(spec.platform.kubernetes.monitoring_namespace, "platform.kubernetes.monitoring_namespace")


def _labels(spec: Spec) -> dict[str, Any]:
    return {
        "app.kubernetes.io/name": because(spec.monitoring.logs.shipper, "monitoring.logs.shipper"),
        "app.kubernetes.io/instance": because(spec.namespace, "app", spec.environment.path),
        "app.kubernetes.io/component": "logs",
        "app.kubernetes.io/part-of": because(spec.app, "app"),
        "app.kubernetes.io/managed-by": "groundplan",
        "owner": because(spec.owner, "owner"),
        **{key: because(value, f"tags.{key}") for key, value in spec.tags.items()},
    }


def _selector(spec: Spec) -> dict[str, Any]:
    return {key: value for key, value in _labels(spec).items() if key.endswith(("/name", "/instance"))}


def _object(of: Spec, kind: str, version: str, namespace: Any, **more: Any) -> dict[str, Any]:
    metadata = {"name": _cause(of, workload(of)), "namespace": namespace, "labels": _labels(of)}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def _account(spec: Spec) -> dict[str, Any]:
    return _object(spec, "ServiceAccount", "v1", _namespace(spec), automountServiceAccountToken=False)


def _role(spec: Spec) -> dict[str, Any]:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]
    return _object(spec, "Role", "rbac.authorization.k8s.io/v1", _own(spec), rules=rules)


def _binding(spec: Spec) -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    role = {"apiGroup": group, "kind": "Role", "name": _cause(spec, workload(spec))}
    subject = {"kind": "ServiceAccount", "name": _cause(spec, workload(spec)), "namespace": _namespace(spec)}
    return _object(spec, "RoleBinding", f"{group}/v1", _own(spec), roleRef=role, subjects=[subject])


def _own(spec: Spec) -> Any:
    """The namespace of the product."""
    return because(spec.namespace, spec.environment.path, "app")


def _monitor(spec: Spec) -> dict[str, Any]:
    path = fluentd.METRICS_PATH if _is_fluentd(spec) else "/api/v2/metrics/prometheus"
    endpoint = {
        "port": "http",
        "path": path,
        "interval": because(spec.monitoring.metrics.interval, "monitoring.metrics.interval"),
    }
    body = {
        "jobLabel": "app.kubernetes.io/name",
        "selector": {"matchLabels": _selector(spec)},
        "podMetricsEndpoints": [endpoint],
    }
    return _object(spec, "PodMonitor", "monitoring.coreos.com/v1", _namespace(spec), spec=body)


def _policy(spec: Spec) -> dict[str, Any]:
    """In come scrapes and nothing else; out go lines to the store, questions to the API server and to DNS."""
    store = because(_STORE_PORT[spec.monitoring.logs.store], "monitoring.logs.store")
    dns = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    body = {
        "podSelector": {"matchLabels": _selector(spec)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [{"podSelector": {}}], "ports": [_tcp(_port(spec))]}],
        "egress": [
            {"to": [dns], "ports": [{"protocol": "UDP", "port": 53}, _tcp(53)]},
            {"ports": [_tcp(443), _tcp(6443), _tcp(store)]},
        ],
    }
    return _object(spec, "NetworkPolicy", "networking.k8s.io/v1", _namespace(spec), spec=body)


_STORE_PORT = {"elasticsearch": 9200, "loki": 3100}


def _tcp(port: Any) -> dict[str, Any]:
    return {"protocol": "TCP", "port": port}


def _port(spec: Spec) -> int:
    return fluentd.HTTP_PORT if _is_fluentd(spec) else pipeline.HTTP_PORT


def _pods(spec: Spec) -> dict[str, Any]:
    fluent = _is_fluentd(spec)
    loki = spec.monitoring.logs.store == "loki"
    state = fluentd.STATE if fluent else pipeline.STATE
    return {
        "name": _cause(spec, workload(spec)),
        "namespace": _namespace(spec),
        "labels": _labels(spec),
        "selector": _selector(spec),
        "container": because(spec.monitoring.logs.shipper, "monitoring.logs.shipper"),
        "image": image(spec.monitoring.logs.shipper),
        "uid": _UID,
        "command": fluentd.COMMAND if fluent else ["/fluent-bit/bin/fluent-bit", "-c", "/etc/logs/fluent-bit.yaml"],
        "port": _port(spec),
        "live": fluentd.METRICS_PATH if fluent else "/",
        "ready": "/api/plugins.json" if fluent else "/api/v1/health",
        "agent": fluentd.AGENT_PORT if fluent else 0,
        "host_name": "LOKI_HOST" if loki else "ELASTICSEARCH_HOST",
        "host": because(host(spec), "monitoring.logs.store"),
        "memory": "512Mi" if fluent else "128Mi",
        "memory_limit": "768Mi" if fluent else "256Mi",
        "config": _cause(spec, f"{workload(spec)}-config"),
        "state": state,
        "secrets": pipeline.SECRETS,
        "secret": "log-store",
    }
