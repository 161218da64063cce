"""Traces on a laptop: one collector that samples as production does, and a store beside it.

These are parts of `compose.monitoring.yaml`, which another module writes; services push only when it is used.
"""

from __future__ import annotations

from typing import Any

from generator.artifact import because
from generator.model import Product, Spec
from generator.monitoring import instrumentation
from generator.targets.monitoring.traces import store

FOLDER = "monitoring/traces"
COLLECTOR = instrumentation.LAPTOP
_UID = "10001:10001"
_LOGGING = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}


def shown(product: Product) -> Spec:
    """The environment that a laptop stands in for."""
    specs = list(product.environments.values())
    return next((spec for spec in specs if spec.environment.development), specs[0])


def services(product: Product) -> dict[str, Any]:
    """The collector, the store, and for each service of the product where it pushes to."""
    spec = shown(product)
    made: dict[str, Any] = {}
    for name, service in spec.services.items():
        told = instrumentation.environment(spec, service, laptop=True)
        if told and "OTEL_SDK_DISABLED" not in service.env:
            told["OTEL_SDK_DISABLED"] = because("false", "monitoring.traces")  # compose.yaml alone has no collector
        if told:
            made[name] = because({"environment": told}, service.path)
    kind = spec.monitoring.traces.store
    made[COLLECTOR] = because(_collector(kind), "monitoring.traces")
    made[kind] = because(_store(kind), "monitoring.traces.store")
    return made


def volumes(product: Product) -> dict[str, Any]:
    """The named volumes of those services."""
    return {f"{shown(product).monitoring.traces.store}-data": because({}, "monitoring.traces.store")}


def _collector(kind: str) -> dict[str, Any]:
    return _hardened(
        "256m",
        image=store.image("collector"),
        user=_UID,
        command=["--config=/etc/collector/collector.yaml"],
        networks=["backend"],
        volumes=[f"./{FOLDER}/compose/collector.yaml:/etc/collector/collector.yaml:ro"],
        depends_on={kind: {"condition": "service_started"}},
    )


def _store(kind: str) -> dict[str, Any]:
    flag = "--config" if kind == "jaeger" else "-config.file"
    return _hardened(
        "512m",
        image=store.image(kind),
        user="0:0",  # a new named volume belongs to root
        command=[f"{flag}=/etc/{kind}/{kind}.yaml"],
        ports=[f"127.0.0.1:{store.UI[kind]}:{store.UI[kind]}"],
        networks=["edge", "backend"],
        volumes=[f"./{FOLDER}/compose/{kind}.yaml:/etc/{kind}/{kind}.yaml:ro", f"{kind}-data:{store.DATA}"],
    )


def _hardened(memory: str, **more: Any) -> dict[str, Any]:
    return {
        **more,
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": memory,
        "cpus": 1,
        "pids_limit": 256,
        "restart": "unless-stopped",
        "logging": _LOGGING,
    }
