"""Both tiers and the store in a cluster, in the namespace of the monitoring.

A pod pushes to the agent of its own node (`internalTrafficPolicy: Local`), which knows it by the address of the
connection. The gateways have a headless Service, since the agents must see each of them.
https://kubernetes.io/docs/concepts/services-networking/service-traffic-policy/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from generator.artifact import Artifact, because
from generator.model import Spec
from generator.monitoring import instrumentation
from generator.targets.monitoring.traces import pipeline, store

AGENT, GATEWAY = instrumentation.AGENT, "collector-gateway"
_UID = 10001
_RBAC = "rbac.authorization.k8s.io"

Part = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Workload:
    """A program of the stack: its name, image, configuration file, ports by name, and what it needs."""

    name: str
    image: Any
    flag: str
    file: str
    ports: dict[str, int]
    health: str
    health_port: str
    memory: str
    memory_limit: str

    @property
    def config(self) -> str:
        return f"{self.name}-config"


def plan(spec: Spec, folder: str) -> Iterator[Artifact]:
    """Plain configurations, and the objects that run them."""
    place = spec.platform.kubernetes.monitoring_namespace
    kind = spec.monitoring.traces.store
    search = f"https://elasticsearch.{place}.svc:9200" if kind == "jaeger" else ""
    configurations = {
        "agent": ("takes what the pods of its node push", _agent(spec, place)),
        "gateway": ("decides on whole traces", pipeline.gateway(spec, pipeline.POD, f"{kind}.{place}.svc:4317")),
        kind: ("keeps traces as long as the spec says", store.configuration(spec, pipeline.POD, search=search)),
    }
    for name, (what, body) in configurations.items():
        context = {"what": because(what, "monitoring.traces"), "object": body}
        yield _artifact(spec, f"{folder}/kubernetes/{name}.yaml", "configuration", context)
    objects = dict(_objects(spec))
    for name, body in objects.items():
        yield _artifact(spec, f"{folder}/kubernetes/{name}.yaml", "object", {"object": body})
    yield _artifact(spec, f"{folder}/kubernetes/kustomization.yaml", "kustomization", _kustomization(spec, objects))


def _agent(spec: Spec, place: str) -> Part:
    gateway = because(f"{GATEWAY}.{place}.svc", "platform.kubernetes.monitoring_namespace")
    return pipeline.agent(spec, pipeline.POD, gateway)


def _workloads(spec: Spec) -> tuple[Workload, Workload, Workload]:
    otlp = {"otlp-grpc": pipeline.GRPC, "otlp-http": pipeline.HTTP}
    own = {"metrics": pipeline.OWN, "health": pipeline.HEALTH}
    kind = spec.monitoring.traces.store
    ports = {"otlp-grpc": pipeline.GRPC, "http": store.UI[kind]}
    tempo = kind == "tempo"
    image = store.image("collector")
    return (
        Workload(AGENT, image, "--config", "agent", {**otlp, **own}, "/", "health", "128Mi", "256Mi"),
        Workload(
            GATEWAY,
            image,
            "--config",
            "gateway",
            {"otlp-grpc": pipeline.GRPC, "pushed": pipeline.OFFERED, **own},
            "/",
            "health",
            "512Mi",
            "1Gi",
        ),
        Workload(
            kind,
            store.image(kind),
            "-config.file" if tempo else "--config",
            kind,
            ports if tempo else {**ports, **own},
            "/ready" if tempo else "/status",
            "http" if tempo else "health",
            "512Mi",
            "1Gi",
        ),
    )


def _objects(spec: Spec) -> Iterator[tuple[str, Part]]:
    agent, gateway, kept = _workloads(spec)
    replicas = because(1 if spec.environment.development else 2, spec.environment.path)
    for one in (agent, gateway, kept):
        yield f"{one.file}-serviceaccount", _account(spec, one)
        yield f"{one.file}-networkpolicy", _policy(spec, one)
    yield "agent-role", _role(spec, agent)
    yield "agent-rolebinding", _binding(spec, agent)
    yield "agent-daemonset", _daemons(spec, agent)
    yield "agent-service", _service(spec, agent, {"internalTrafficPolicy": "Local"}, ("otlp-grpc", "otlp-http"))
    yield "gateway-deployment", _pods(spec, gateway, replicas)
    if not spec.environment.development:
        yield "gateway-poddisruptionbudget", _budget(spec, gateway)
    yield "gateway-service", _service(spec, gateway, {"clusterIP": "None"}, ("otlp-grpc", "pushed", "metrics"))
    if kept.name == "tempo":
        yield "tempo-statefulset", _stateful(spec, kept)
    else:
        yield "jaeger-deployment", _pods(spec, kept, because(1, "monitoring.traces.store"))
        yield "jaeger-cronjob", _cleaner(spec)
    yield f"{kept.file}-service", _service(spec, kept, {}, ("otlp-grpc", "http"))


def _labels(spec: Spec, name: str) -> Part:
    return {
        "app.kubernetes.io/name": because(name, "monitoring.traces"),
        "app.kubernetes.io/instance": because(spec.namespace, "app", spec.environment.path),
        "app.kubernetes.io/component": "traces",
        "app.kubernetes.io/part-of": because(spec.app, "app"),
        "app.kubernetes.io/managed-by": "groundplan",
        "owner": because(spec.owner, "owner"),
        **{key: because(value, f"tags.{key}") for key, value in spec.tags.items()},
    }


def _selector(spec: Spec, name: str) -> Part:
    return {key: value for key, value in _labels(spec, name).items() if key.endswith(("/name", "/instance"))}


def _place(spec: Spec) -> Any:
    return because(spec.platform.kubernetes.monitoring_namespace, "platform.kubernetes.monitoring_namespace")


def _object(of: Spec, kind: str, version: str, name: str, **more: Any) -> Part:
    metadata = {"name": name, "namespace": _place(of), "labels": _labels(of, name)}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def _account(spec: Spec, one: Workload) -> Part:
    return _object(spec, "ServiceAccount", "v1", one.name, automountServiceAccountToken=False)


def _in_product(spec: Spec, made: Part) -> Part:
    """The same object in the namespace of the product, under a name that tells whose it is."""
    namespace = because(spec.namespace, "app", spec.environment.path)
    return {**made, "metadata": {**made["metadata"], "namespace": namespace}}


def _role(spec: Spec, one: Workload) -> Part:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]
    return _in_product(spec, _object(spec, "Role", f"{_RBAC}/v1", one.name, rules=rules))


def _binding(spec: Spec, one: Workload) -> Part:
    role = {"apiGroup": _RBAC, "kind": "Role", "name": one.name}
    subject = {"kind": "ServiceAccount", "name": one.name, "namespace": _place(spec)}
    return _in_product(spec, _object(spec, "RoleBinding", f"{_RBAC}/v1", one.name, roleRef=role, subjects=[subject]))


def _service(spec: Spec, one: Workload, more: Part, names: tuple[str, ...]) -> Part:
    ports = [{"name": name, "port": one.ports[name], "targetPort": name, "protocol": "TCP"} for name in names]
    body = {**more, "selector": _selector(spec, one.name), "ports": ports}
    return _object(spec, "Service", "v1", one.name, spec=body)


def _budget(spec: Spec, one: Workload) -> Part:
    body = {"maxUnavailable": 1, "selector": {"matchLabels": _selector(spec, one.name)}}
    return _object(spec, "PodDisruptionBudget", "policy/v1", one.name, spec=body)


def _policy(spec: Spec, one: Workload) -> Part:
    """Pods of the product reach the agents, agents the gateways, gateways the store; the monitoring asks all."""
    beside: list[Part] = [{"podSelector": {}}]
    ingress = [{"from": beside, "ports": [_tcp(port) for port in one.ports.values() if port != pipeline.HEALTH]}]
    if one.name == AGENT:
        own = {"kubernetes.io/metadata.name": because(spec.namespace, "app", spec.environment.path)}
        pods = [{"namespaceSelector": {"matchLabels": own}}]
        ingress.append({"from": pods, "ports": [_tcp(pipeline.GRPC), _tcp(pipeline.HTTP)]})
    dns = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    egress: list[Part] = [{"to": [dns], "ports": [{"protocol": "UDP", "port": 53}, _tcp(53)]}]
    if one.name in (AGENT, GATEWAY):
        egress.append({"to": beside, "ports": [_tcp(pipeline.GRPC)]})
    if one.name == AGENT:
        egress.append({"ports": [_tcp(443), _tcp(6443)]})  # the API server has no label to be chosen by
    if one.name == "jaeger":
        egress.append({"to": beside, "ports": [_tcp(9200)]})
    body = {
        "podSelector": {"matchLabels": _selector(spec, one.name)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": ingress,
        "egress": egress,
    }
    return _object(spec, "NetworkPolicy", "networking.k8s.io/v1", one.name, spec=body)


def _tcp(port: int) -> Part:
    return {"protocol": "TCP", "port": port}


def _container(one: Workload) -> Part:
    fields = {"POD_IP": "status.podIP", "NODE_NAME": "spec.nodeName"}
    asked = {"httpGet": {"path": one.health, "port": one.health_port}, "timeoutSeconds": 5}
    return {
        "name": one.name,
        "image": one.image,
        "imagePullPolicy": "Always",
        "args": [f"{one.flag}=/etc/traces/{one.file}.yaml"],
        "env": [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()],
        "ports": [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in one.ports.items()],
        "livenessProbe": {**asked, "periodSeconds": 20, "failureThreshold": 6},
        "readinessProbe": {**asked, "periodSeconds": 10, "failureThreshold": 3},
        "resources": _resources(one.memory, one.memory_limit),
        "securityContext": _closed(),
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/traces", "readOnly": True},
            {"name": "data", "mountPath": store.DATA},
            *([_MOUNT] if one.name == "jaeger" else []),
        ],
    }


_MOUNT: Part = {"name": "store", "mountPath": store.SECRETS, "readOnly": True}
_SECRET: Part = {"name": "store", "secret": {"secretName": store.SECRET, "defaultMode": 0o440}}
"""The password and the authority of Elasticsearch."""


def _resources(memory: str, limit: str) -> Part:
    return {
        "requests": {"cpu": "100m", "memory": memory, "ephemeral-storage": "64Mi"},
        "limits": {"cpu": "1", "memory": limit, "ephemeral-storage": "1Gi"},
    }


def _closed() -> Part:
    return {
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
    }


def _pod(spec: Spec, one: Workload, **more: Any) -> Part:
    volumes: list[Part] = [{"name": "config", "configMap": {"name": one.config, "defaultMode": 0o444}}]
    if one.name != "tempo":
        volumes.append({"name": "data", "emptyDir": {"sizeLimit": "256Mi"}})
    if one.name == "jaeger":
        volumes.append(_SECRET)
    body = {
        "serviceAccountName": one.name,
        "automountServiceAccountToken": one.name == AGENT,  # it asks the API server whose a connection is
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 60,
        "securityContext": _user(),
        **more,
        "containers": [_container(one)],
        "volumes": volumes,
    }
    return {"metadata": {"labels": _labels(spec, one.name)}, "spec": body}


def _user() -> Part:
    return {
        "runAsNonRoot": True,
        "runAsUser": _UID,
        "runAsGroup": _UID,
        "fsGroup": _UID,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _daemons(spec: Spec, one: Workload) -> Part:
    tolerations = [{"operator": "Exists", "effect": "NoSchedule"}]
    body = {
        "revisionHistoryLimit": 5,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
        "selector": {"matchLabels": _selector(spec, one.name)},
        "template": _pod(spec, one, tolerations=tolerations),
    }
    made = _object(spec, "DaemonSet", "apps/v1", one.name, spec=body)
    skip = {"checkov.io/skip1": "CKV_K8S_38=it asks the API server whose a connection is"}
    return {**made, "metadata": {**made["metadata"], "annotations": skip}}


def _pods(spec: Spec, one: Workload, replicas: Any) -> Part:
    spread = [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": _selector(spec, one.name)},
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
    body = {
        "replicas": replicas,
        "revisionHistoryLimit": 5,
        "selector": {"matchLabels": _selector(spec, one.name)},
        "template": _pod(spec, one, topologySpreadConstraints=spread),
    }
    return _object(spec, "Deployment", "apps/v1", one.name, spec=body)


def _stateful(spec: Spec, one: Workload) -> Part:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "20Gi"}}},
    }
    body = {
        "serviceName": one.name,
        "replicas": because(1, "monitoring.traces.store"),
        "revisionHistoryLimit": 5,
        "selector": {"matchLabels": _selector(spec, one.name)},
        "template": _pod(spec, one),
        "volumeClaimTemplates": [claim],
    }
    return _object(spec, "StatefulSet", "apps/v1", one.name, spec=body)


def _cleaner(spec: Spec) -> Part:
    """Deletes the daily indices that are older than `keep`, each night."""
    place = spec.platform.kubernetes.monitoring_namespace
    container = {
        "name": "cleaner",
        "image": store.image("jaeger-es-index-cleaner"),
        "imagePullPolicy": "Always",
        "args": [
            because(str(store.days(spec)), "monitoring.traces.keep"),
            f"https://elasticsearch.{place}.svc:9200",
            because(f"--index-prefix={spec.namespace}", "app", spec.environment.path),
        ],
        "env": [
            {"name": "ES_USERNAME", "value": store.USER},
            {"name": "ES_PASSWORD", "valueFrom": {"secretKeyRef": {"name": store.SECRET, "key": "password"}}},
            {"name": "ES_TLS_ENABLED", "value": "true"},
            {"name": "ES_TLS_CA", "value": f"{store.SECRETS}/ca.crt"},
        ],
        "resources": _resources("64Mi", "128Mi"),
        "securityContext": _closed(),
        "volumeMounts": [_MOUNT],
    }
    pod = {
        "serviceAccountName": "jaeger",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "securityContext": _user(),
        "containers": [container],
        "volumes": [_SECRET],
    }
    job = {
        "backoffLimit": 2,
        "activeDeadlineSeconds": 1800,
        "ttlSecondsAfterFinished": 86400,
        "template": {"metadata": {"labels": _labels(spec, "jaeger")}, "spec": pod},
    }
    body = {
        "schedule": "23 2 * * *",
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 3600,
        "successfulJobsHistoryLimit": 1,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {"spec": job},
    }
    made = _object(spec, "CronJob", "batch/v1", "jaeger-index-cleaner", spec=body)
    skip = {"checkov.io/skip1": "CKV_K8S_35=it reads its password from a variable and from nowhere else"}
    return {**made, "metadata": {**made["metadata"], "annotations": skip}}


def _kustomization(spec: Spec, objects: dict[str, Part]) -> Part:
    maps = [{"name": one.config, "namespace": _place(spec), "files": [f"{one.file}.yaml"]} for one in _workloads(spec)]
    body = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"{name}.yaml" for name in objects],
        "configMapGenerator": maps,
    }
    return {
        "needs": because("applied after the namespaces of the monitoring and of the product", "app"),
        "object": body,
    }


def _artifact(spec: Spec, path: str, template: str, context: Part) -> Artifact:
    name = f"monitoring/traces/{template}.yaml.j2"
    return Artifact(path, "monitoring", name, context, "monitoring.traces", spec.environment.name)
