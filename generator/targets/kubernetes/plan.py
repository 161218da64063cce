"""Spec -> artifacts of the base and the overlays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from generator import flows
from generator.artifact import Artifact, RenderedFile, because
from generator.model import Product, Service, Spec
from generator.quantity import byte_count, cpu, memory, millicores, seconds
from generator.render import render_one
from generator.targets.kubernetes import pod
from generator.targets.kubernetes.difference import difference

BASE = "kubernetes/base"
_SURGE_PERCENT = 125
_BEFORE, _FIRST = "-1", "-2"
_MIGRATION_SECONDS = 1800


def plan(product: Product) -> Iterator[Artifact]:
    """The base, then one overlay for each environment."""
    if product.base.platform.compute != "kubernetes":
        return
    base = {artifact.path: artifact for artifact in objects(product.base)}
    yield from base.values()
    yield _kustomization(BASE, "app", {"resources": [path.removeprefix(f"{BASE}/") for path in base]})
    texts: dict[str, RenderedFile] = {}
    for spec in product.environments.values():
        yield from _overlay(product, base, spec, texts)


def rendered_environment(product: Product, name: str) -> tuple[RenderedFile, ...]:
    """Every object of an environment in full, as the overlay's build must yield it."""
    return tuple(render_one(artifact, product.spec_path) for artifact in objects(product.spec(name)))


def objects(spec: Spec) -> Iterator[Artifact]:
    """All objects of one effective spec, at the paths of the base."""
    yield _common("default-deny", "defaultdeny", spec, {})
    for name, (remote, keys, path) in pod.secrets_read(spec).items():
        yield _external_secret(spec, name, remote, keys, path)
    for service in spec.services.values():
        yield from _service_objects(spec, service)


def _overlay(
    product: Product, base: dict[str, Artifact], spec: Spec, texts: dict[str, RenderedFile]
) -> Iterator[Artifact]:
    """The differences of one environment; `texts` keeps what was rendered of the base for the next one."""
    folder = f"kubernetes/overlays/{spec.environment.name}"
    full = {artifact.path: artifact for artifact in objects(spec)}
    patches, added = [], []
    for path, artifact in full.items():
        short = path.removeprefix(f"{BASE}/")
        if path not in base:
            added.append(short)
            yield replace(artifact, path=f"{folder}/{short}", environment=spec.environment.name)
            continue
        if artifact.context == base[path].context:
            continue  # equal values make equal text
        before = texts.get(path) or texts.setdefault(path, render_one(base[path], product.spec_path))
        after = render_one(replace(artifact, environment=spec.environment.name), product.spec_path)
        changes = difference(before, after)
        if changes:
            name = f"patches/{short.replace('/', '-')}"
            patches.append(name)
            yield _overlay_file(spec, f"{folder}/{name}", "object", {"objects": changes}, artifact.origin)
    for path, artifact in base.items():
        if path not in full:
            name = f"patches/remove-{path.removeprefix(f'{BASE}/').replace('/', '-')}"
            patches.append(name)
            yield _overlay_file(
                spec, f"{folder}/{name}", "object", {"objects": _removals(artifact, product)}, spec.environment.path
            )
    yield from _namespace_objects(spec, folder)
    context = {
        "resources": ["../../base", "namespace.yaml", "limitrange.yaml", "resourcequota.yaml", *added],
        "patches": patches,
        "namespace": because(spec.namespace, spec.environment.path, "app"),
        "environment": because(spec.environment.name, spec.environment.path),
    }
    yield replace(_kustomization(folder, spec.environment.path, context), environment=spec.environment.name)


def _removals(artifact: Artifact, product: Product) -> list[Any]:
    from generator.targets.kubernetes import difference as parts

    file = render_one(artifact, product.spec_path)
    return [{**parts.identity(node, file), "$patch": "delete"} for node in parts.objects(file).values()]


def _overlay_file(spec: Spec, path: str, template: str, context: dict[str, Any], origin: str) -> Artifact:
    return Artifact(path, "kubernetes", f"kubernetes/{template}.yaml.j2", context, origin, spec.environment.name)


def _kustomization(folder: str, origin: str, context: dict[str, Any]) -> Artifact:
    empty = {"resources": [], "patches": [], "namespace": "", "environment": ""}
    return Artifact(
        f"{folder}/kustomization.yaml", "kubernetes", "kubernetes/kustomization.yaml.j2", {**empty, **context}, origin
    )


def _common(name: str, template: str, spec: Spec, context: dict[str, Any]) -> Artifact:
    path = f"{BASE}/{name}.yaml"
    return Artifact(path, "kubernetes", f"kubernetes/{template}.yaml.j2", {**pod.shared(spec), **context}, "app")


def _external_secret(spec: Spec, name: str, remote: str, keys: tuple[str, ...], path: str) -> Artifact:
    context = {
        **pod.shared(spec),
        "name": because(name, path),
        "store": because(spec.platform.secrets.store, "platform.secrets.store"),
        "remote": because(remote, path),
        "keys": [because(key, path) for key in keys],
        "wave": _first(spec),
    }
    return Artifact(f"{BASE}/secrets/{name}.yaml", "kubernetes", "kubernetes/externalsecret.yaml.j2", context, path)


def _first(spec: Spec) -> str:
    """What a migration needs comes before it, when Argo CD orders things."""
    migrates = any(service.migrate for service in spec.services.values())
    return _FIRST if migrates and spec.platform.kubernetes.gitops == "argocd" else ""


def _service_objects(spec: Spec, service: Service) -> Iterator[Artifact]:
    yield _object(spec, service, "serviceaccount", {"token": bool(service.kubernetes_access), "wave": _first(spec)})
    yield from _configuration(spec, service)
    yield from _access(spec, service)
    yield from _workload(spec, service)
    yield from _reachable(spec, service)
    yield from _scaled(spec, service)
    allowed = {"ingress": flows.ingress(spec, service), "egress": flows.egress(spec, service)}
    yield _object(spec, service, "networkpolicy", allowed)
    if service.migrate:
        outwards = {"ingress": [], "egress": flows.outwards(spec, service), **_migration_labels(service)}
        yield _object(
            spec, service, "networkpolicy", outwards, name="migration-networkpolicy", origin=service.at("migrate")
        )


def _object(
    spec: Spec, service: Service, kind: str, context: dict[str, Any], name: str = "", origin: str = ""
) -> Artifact:
    path = f"{BASE}/{service.name}/{name or kind}.yaml"
    values = {**pod.shared(spec), **pod.labels(service), "service": service, **context}
    return Artifact(path, "kubernetes", f"kubernetes/{kind}.yaml.j2", values, origin or service.path)


def _configuration(spec: Spec, service: Service) -> Iterator[Artifact]:
    for name, entries, key in (
        (pod.config_name(service), pod.configuration(service, spec), "env"),
        (f"{service.name}-files", pod.file_entries(service), "files"),
    ):
        if entries:
            context = {"name": name, "entries": entries, "wave": _first(spec)}
            yield _object(
                spec, service, "configmap", context, name=name.removeprefix(f"{service.name}-"), origin=service.at(key)
            )


def _access(spec: Spec, service: Service) -> Iterator[Artifact]:
    """Role and binding for a service that talks to the Kubernetes API: `get,list pods`, `get deployments.apps`."""
    if not service.kubernetes_access:
        return
    rules = []
    for number, text in enumerate(service.kubernetes_access):
        verbs, _, resource = text.partition(" ")
        cause = f"{service.at('kubernetes_access')}[{number}]"
        name, _, group = resource.strip().partition(".")
        values = {
            "group": group,
            "resource": because(name, cause),
            "verbs": [because(v, cause) for v in verbs.split(",")],
        }
        rules.append(values)
    yield _object(spec, service, "role", {"rules": rules}, origin=service.at("kubernetes_access"))
    yield _object(spec, service, "rolebinding", {}, origin=service.at("kubernetes_access"))


def _migration_labels(service: Service) -> dict[str, Any]:
    """A name of its own: the Service, the budget and the autoscaler count only the pods that serve."""
    return {"workload": because(f"{service.name}-migrate", service.at("migrate")), "component": "migration"}


def _workload(spec: Spec, service: Service) -> Iterator[Artifact]:
    if service.migrate:
        context = {
            **pod.context(spec, service, once=True, command=service.migrate),
            "name": f"{service.name}-migrate",
            **_migration_labels(service),
            "hook": spec.platform.kubernetes.gitops == "argocd",
            "backoff": 0,
            "deadline": _MIGRATION_SECONDS,
        }
        yield _object(spec, service, "job", context, name="migration", origin=service.at("migrate"))
    if service.schedule is not None:
        deadline = because(seconds(service.schedule.deadline), service.schedule.at("deadline"))
        context = {**pod.context(spec, service, once=True), "backoff": 2, "deadline": deadline}
        yield _object(spec, service, "cronjob", context)
    elif service.type == "job":
        context = {**pod.context(spec, service, once=True), "name": service.name, "hook": False, "backoff": 2}
        yield _object(spec, service, "job", {**context, "deadline": _MIGRATION_SECONDS})
    elif service.type == "stateful":
        yield _object(
            spec, service, "statefulset", {**pod.context(spec, service), "headless": f"{service.name}-headless"}
        )
    elif service.type == "daemon":
        yield _object(spec, service, "daemonset", pod.context(spec, service))
    else:
        replicas = because(service.scale.min, service.scale.at("min")) if service.scale.fixed else 0
        deadline = because(max(600, service.health.startup_seconds * 2), service.health.at("startup_seconds"))
        context = {**pod.context(spec, service), "replicas": replicas, "progress_deadline": deadline}
        yield _object(spec, service, "deployment", context)


def _reachable(spec: Spec, service: Service) -> Iterator[Artifact]:
    ports = pod.ports(service)
    if not ports or service.type in {"cron", "job"}:
        return
    major, minor = (int(word) for word in spec.platform.kubernetes.version.split(".")[:2])
    nearest = "PreferSameZone" if (major, minor) >= (1, 35) else "PreferClose"
    near = because(nearest, "platform.kubernetes.version")
    context = {"name": because(service.name, service.path), "ports": ports, "distribution": near, "headless": False}
    yield _object(spec, service, "service", context)
    if service.type == "stateful":
        headless = {**context, "name": because(f"{service.name}-headless", service.path), "headless": True}
        yield _object(spec, service, "service", headless, name="service-headless")
    if service.public is not None:
        platform = spec.platform.kubernetes
        gateway = {
            "name": because(platform.gateway, platform.at("gateway")),
            "namespace": because(platform.gateway_namespace, platform.at("gateway_namespace")),
        }
        context = {"gateway": gateway, "redirect": because(f"{service.name}-redirect", service.public.path)}
        yield _object(spec, service, "httproute", context, origin=service.public.path)


def _scaled(spec: Spec, service: Service) -> Iterator[Artifact]:
    if not service.replicated:
        return
    if not service.scale.fixed and service.type != "stateful":
        yield _object(spec, service, "horizontalpodautoscaler", {}, origin=service.scale.path)
    if service.scale.min >= 2:  # a budget on a single pod blocks every node drain
        yield _object(spec, service, "poddisruptionbudget", {}, origin=service.scale.at("min"))


def _namespace_objects(spec: Spec, folder: str) -> Iterator[Artifact]:
    version = because(f"v{'.'.join(spec.platform.kubernetes.version.split('.')[:2])}", "platform.kubernetes.version")
    limited = all(service.size.cpu_limit != "none" for service in spec.services.values())
    shared = {**pod.shared(spec), "namespace": because(spec.namespace, spec.environment.path, "app")}
    for name, context in (
        ("namespace", {"pod_security": version}),
        ("limitrange", {"cpu_limited": limited}),
        ("resourcequota", {"total": _total(spec, limited)}),
    ):
        yield _overlay_file(spec, f"{folder}/{name}.yaml", name, {**shared, **context}, "app")


def _total(spec: Spec, limited: bool) -> dict[str, Any]:
    """What all services may ask for at their largest, with room for a rolling update."""
    pods = {service.name: _most_pods(service) for service in spec.services.values()}

    def summed(measure: Any, key: str) -> int:
        sizes = ((pods[name], getattr(service.size, key)) for name, service in spec.services.items())
        return sum(count * int(measure(size)) for count, size in sizes)

    return {
        "pods": because(sum(pods.values()), "services"),
        "cpu": because(cpu(summed(millicores, "cpu")), "services"),
        "memory": because(memory(summed(byte_count, "memory")), "services"),
        "disk": because(memory(summed(byte_count, "disk") // 4), "services"),
        "cpu_limit": because(cpu(summed(millicores, "cpu_limit")), "services") if limited else "",
        "memory_limit": because(memory(summed(byte_count, "memory_limit")), "services"),
        "disk_limit": because(memory(summed(byte_count, "disk")), "services"),
        "claims": because(sum(service.scale.max for service in spec.services.values() if service.storage), "services"),
    }


def _most_pods(service: Service) -> int:
    """Pods at the largest scale; a rolling update adds a quarter, a migration one."""
    if service.type == "daemon":
        return 100  # one a node; the quota allows for a hundred nodes
    rolling = service.replicated and service.type != "stateful"
    most = -(-service.scale.max * _SURGE_PERCENT // 100) if rolling else service.scale.max
    return most + (1 if service.migrate else 0)
