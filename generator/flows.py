"""Flows: exactly what `calls`, `uses`, `public` and metrics declare, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.artifact import because
from generator.model import Resource, Service, Spec
from generator.monitoring import instrumentation

RESOURCE_PORTS = {
    "postgres": 5432,
    "mysql": 3306,
    "mongodb": 27017,
    "valkey": 6379,
    "queue": 443,
    "topic": 443,
    "bucket": 443,
    "search": 443,
    "secret": 443,
    "cdn": 443,
}
"""The port at which a resource type is reached; cloud interfaces are all HTTPS."""

_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
_DATA = frozenset({"postgres", "mysql", "mongodb", "valkey"})
_ANYWHERE = "0.0.0.0/0"


def ingress(spec: Spec, service: Service) -> list[dict[str, Any]]:
    """Who may open connections to a service."""
    flows: list[dict[str, Any]] = []
    if service.port is not None:
        port = because(service.port, service.at("port"))
        for caller in spec.callers(service.name):
            name = because(caller.name, f"{caller.path}.calls")
            flows.append({"service": name, "namespace": "", "port": port})
        if service.public is not None:
            gateway = because(spec.platform.kubernetes.gateway_namespace, service.public.path)
            flows.append({"service": "", "namespace": gateway, "port": port})
    if service.metrics is not None and service.metrics.port is not None:
        monitoring = because(spec.platform.kubernetes.monitoring_namespace, service.metrics.path)
        port = because(service.metrics.port, service.metrics.at("port"))
        flows.append({"service": "", "namespace": monitoring, "port": port})
    return flows


def egress(spec: Spec, service: Service) -> list[dict[str, Any]]:
    """Where a service may connect to."""
    flows: list[dict[str, Any]] = []
    for number, name in enumerate(service.calls):
        callee = spec.services[name]
        if callee.port is not None:
            to = because(name, f"{service.at('calls')}[{number}]")
            flows.append(
                {"service": to, "networks": [], "namespace": "", "ports": [because(callee.port, callee.at("port"))]}
            )
    return [*flows, *outwards(spec, service), *_told(spec, service)]


def _told(spec: Spec, service: Service) -> Iterator[dict[str, Any]]:
    """Traces and metrics go to the collector of the cluster."""
    if instrumentation.instrumented(spec, service):
        monitoring = because(spec.platform.kubernetes.monitoring_namespace, "monitoring.traces")
        port = because(instrumentation.PORT, "monitoring.traces")
        yield {"service": "", "networks": [], "namespace": monitoring, "ports": [port]}


def outwards(spec: Spec, service: Service) -> list[dict[str, Any]]:
    """Where its migration may connect to: its resources and declared networks, no other service."""
    flows: list[dict[str, Any]] = []
    for number, name in enumerate(service.uses):
        flows += _to_resource(spec, spec.resources[name], f"{service.at('uses')}[{number}]")
    flows += [
        {
            "service": "",
            "networks": [because(target, f"{service.at('egress')}[{number}]")],
            "namespace": "",
            "ports": [443],
        }
        for number, target in enumerate(service.egress)
    ]
    return flows


def resource_port(resource: Resource) -> int | None:
    """The port at which a resource is reached; one that exists elsewhere says its own."""
    literal = _said_port(resource)
    return int(literal) if literal and literal.isdigit() else RESOURCE_PORTS.get(resource.type)


def _said_port(resource: Resource) -> str | None:
    return resource.outputs["port"].literal if "port" in resource.outputs else None


def _to_resource(spec: Spec, resource: Resource, cause: str) -> Iterator[dict[str, Any]]:
    port = resource_port(resource)
    if port is None:
        return
    if resource.type not in _DATA and not _said_port(resource):
        networks = [because(_ANYWHERE, cause)]  # a cloud's public endpoints have no fixed addresses
    elif spec.cloud is not None and spec.cloud.provider != "none":
        networks = [because(spec.cloud.network.cidr, spec.cloud.network.at("cidr"), cause)]
    else:
        networks = [because(network, cause) for network in _PRIVATE]
    yield {"service": "", "networks": networks, "namespace": "", "ports": [because(port, cause)]}
