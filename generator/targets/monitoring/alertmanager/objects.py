"""Alertmanager in the cluster: the object that the Prometheus operator runs it from, and what guards it.

The operator takes a configuration from a Secret only (`configSecret`), and mounts that Secret's other keys beside it;
kustomize makes the Secret from the plain files, which hold no secret.
https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.AlertmanagerSpec
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.artifact import Artifact, because
from generator.model import Spec
from generator.targets.monitoring.alertmanager.receivers import SecretFile, secret_name, tied

FOLDER = "monitoring/alertmanager"
_OBJECT = "kubernetes/object.yaml.j2"
_WEB, _MESH, _RELOADER, _SMTP = 9093, 9094, 8080, 587
_USER = 65534
"""nobody, whom the image of Alertmanager runs as."""


def objects(spec: Spec, files: tuple[SecretFile, ...], *, strict: bool) -> Iterator[Artifact]:
    """All objects and the kustomization; two replicas and a volume where an environment is strict."""
    made: dict[str, Any] = {
        "alertmanager": _alertmanager(spec, files, strict=strict),
        "service": _service(spec),
        "serviceaccount": {**_head(spec, "v1", "ServiceAccount"), "automountServiceAccountToken": False},
        "networkpolicy": _policy(spec),
    }
    if strict:
        budget = {"maxUnavailable": 1, "selector": {"matchLabels": _pods(spec)}}
        made["poddisruptionbudget"] = {**_head(spec, "policy/v1", "PodDisruptionBudget"), "spec": budget}
    if files and spec.platform.secrets.sync == "external-secrets":
        made["externalsecret"] = _external_secret(spec, files)
    for name, value in made.items():
        context = {"objects": [value]}
        yield Artifact(f"{FOLDER}/kubernetes/{name}.yaml", "monitoring", _OBJECT, context, "monitoring.metrics")
    context = {
        "namespace": _namespace(spec),
        "name": because(_config_name(spec), "app"),
        "resources": [f"kubernetes/{name}.yaml" for name in made],
    }
    template = f"{FOLDER}/kustomization.yaml.j2"
    yield Artifact(f"{FOLDER}/kustomization.yaml", "monitoring", template, context, "monitoring.metrics.operator")


def _alertmanager(spec: Spec, files: tuple[SecretFile, ...], *, strict: bool) -> dict[str, Any]:
    size = {"cpu": "10m", "memory": "64Mi"}
    body: dict[str, Any] = {
        "replicas": because(2 if strict else 1, "environments"),
        "configSecret": because(_config_name(spec), "app"),
        **({"secrets": [because(secret_name(spec.app), "notify")]} if files else {}),
        "serviceAccountName": because(secret_name(spec.app), "app"),
        "automountServiceAccountToken": False,
        "podMetadata": {"labels": _own_labels(spec)},
        "portName": "web",
        "logFormat": "json",
        "retention": "120h",
        "resources": {"requests": size, "limits": {"cpu": "100m", "memory": "128Mi"}},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    if strict:
        # silences and what was sent already must outlive a pod
        claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        body["storage"] = {"volumeClaimTemplate": {"spec": claim}}
        body["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": _pods(spec)},
            }
        ]
    return {**_head(spec, "monitoring.coreos.com/v1", "Alertmanager", because(spec.app, "app")), "spec": body}


def _service(spec: Spec) -> dict[str, Any]:
    """A name of its own: `alertmanager-operated` is shared by all Alertmanagers of the namespace."""
    ports = [{"name": "web", "port": _WEB, "targetPort": "web", "protocol": "TCP"}]
    body = {"type": "ClusterIP", "selector": _pods(spec), "ports": ports}
    return {**_head(spec, "v1", "Service"), "spec": body}


def _policy(spec: Spec) -> dict[str, Any]:
    """In: Prometheus and its peers. Out: names, receivers by TLS, the mail relay."""
    namespace = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": _namespace(spec)}}}
    peers = {"podSelector": {"matchLabels": _pods(spec)}}
    mesh = [{"protocol": "TCP", "port": _MESH}, {"protocol": "UDP", "port": _MESH}]
    names = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    egress: list[dict[str, Any]] = [
        {"to": [names], "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]},
        {"to": [peers], "ports": mesh},
        {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}}], "ports": [_tcp(443)]},
    ]
    if spec.notify and spec.notify.emails:
        egress.append({"to": [namespace], "ports": tied([_tcp(_SMTP)], "notify")})
    body = {
        "podSelector": {"matchLabels": _pods(spec)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {"from": [namespace], "ports": [_tcp(_WEB), _tcp(_RELOADER)]},
            {"from": [peers], "ports": mesh},
        ],
        "egress": egress,
    }
    return {**_head(spec, "networking.k8s.io/v1", "NetworkPolicy"), "spec": body}


def _tcp(port: int) -> dict[str, Any]:
    return {"protocol": "TCP", "port": port}


def _external_secret(spec: Spec, files: tuple[SecretFile, ...]) -> dict[str, Any]:
    name = because(secret_name(spec.app), "app")
    data = [{"secretKey": file.name, "remoteRef": {"key": file.remote, "property": file.key}} for file in files]
    body = {
        "refreshInterval": "1h",
        "secretStoreRef": {
            "kind": "ClusterSecretStore",
            "name": because(spec.platform.secrets.store, "platform.secrets.store"),
        },
        "target": {"name": name, "creationPolicy": "Owner", "deletionPolicy": "Retain"},
        "data": [tied(item, file.cause) for item, file in zip(data, files, strict=True)],
    }
    return {**_head(spec, "external-secrets.io/v1", "ExternalSecret"), "spec": body}


def _head(spec: Spec, version: str, kind: str, name: Any = None) -> dict[str, Any]:
    metadata = {
        "name": name or because(secret_name(spec.app), "app"),
        "namespace": _namespace(spec),
        "labels": _labels(spec),
    }
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _labels(spec: Spec) -> dict[str, Any]:
    return {
        "app.kubernetes.io/name": "alertmanager",
        "app.kubernetes.io/instance": because(spec.app, "app"),
        "app.kubernetes.io/managed-by": "groundplan",
        **_own_labels(spec),
    }


def _own_labels(spec: Spec) -> dict[str, Any]:
    """Those that the operator leaves alone on the pods it makes."""
    return {
        "app.kubernetes.io/part-of": because(spec.app, "app"),
        "app.kubernetes.io/component": "monitoring",
        "owner": because(spec.owner, "owner"),
        **{key: because(value, f"tags.{key}") for key, value in spec.tags.items()},
    }


def _pods(spec: Spec) -> dict[str, Any]:
    """What the operator puts on the pods of the object called like the app."""
    return {"alertmanager": because(spec.app, "app")}


def _config_name(spec: Spec) -> str:
    return f"{spec.app}-alertmanager-config"


def _namespace(spec: Spec) -> Any:
    return because(spec.platform.kubernetes.monitoring_namespace, "platform.kubernetes.monitoring_namespace")
