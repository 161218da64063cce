"""What all ways of scraping have in common: times, limits, labels, ports, and which exporters stand beside stores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator import data
from generator.artifact import because
from generator.model import Resource, Service, Spec
from generator.quantity import milliseconds

FOLDER = "monitoring/prometheus"
OWN_LIMIT, PLATFORM_LIMIT = 20_000, 500_000
"""Samples of one scrape: a service that gives more has an unbounded label; the platform's grow with the cluster."""

GATEWAY, GATEWAY_PORT, GATEWAY_OWN_PORT = "collector-gateway", 8889, 8888
"""The collector that services push to: where it offers their metrics, and where its own."""

PROMETHEUS_PORT, ALERTMANAGER_PORT, CLOUDWATCH_PORT = 9090, 9093, 5000
EXPORTER_PORTS = {"postgres": 9187, "mysql": 9104, "valkey": 9121}
"""https://github.com/prometheus/prometheus/wiki/Default-port-allocations"""

_LONGEST_MS, _SHARE = 10_000, (2, 3)


def image(name: str) -> str:
    """The reference of an image in the dated data."""
    return str(data.load("schemas/data/monitoring-images.json")["images"][name]["image"])


def interval(spec: Spec) -> Any:
    return because(spec.monitoring.metrics.interval, "monitoring.metrics.interval")


def timeout(spec: Spec) -> Any:
    """Two thirds of the interval and no more than ten seconds: a slow answer must not meet the next question."""
    whole = milliseconds(spec.monitoring.metrics.interval)
    part = min(_LONGEST_MS, whole * _SHARE[0] // _SHARE[1])
    return because(f"{part // 1000}s" if part % 1000 == 0 else f"{part}ms", "monitoring.metrics.interval")


def namespace(spec: Spec) -> Any:
    return because(spec.namespace, "app", spec.environment.path)


def watchers(spec: Spec) -> Any:
    """The namespace of the monitoring."""
    return because(spec.platform.kubernetes.monitoring_namespace, "platform.kubernetes.monitoring_namespace")


def external_labels(spec: Spec) -> dict[str, Any]:
    """What tells this Prometheus' series and alerts from those of others."""
    cluster = spec.platform.cluster
    return {
        "app": because(spec.app, "app"),
        **({"cluster": because(cluster, "platform.cluster")} if cluster else {}),
        "environment": because(spec.environment.name, spec.environment.path),
    }


def scraped(spec: Spec) -> Iterator[Service]:
    """Services that answer when they are asked."""
    return (service for service in spec.services.values() if service.metrics_port is not None)


def pushing(spec: Spec) -> list[Service]:
    """Services that tell a collector instead."""
    return [one for one in spec.services.values() if one.metrics is not None and one.metrics.port is None]


def pushed_cause(spec: Spec) -> str:
    return pushing(spec)[0].at("metrics")


def provider(spec: Spec) -> str:
    return spec.cloud.provider if spec.cloud is not None else "none"


def exported(spec: Spec) -> Iterator[Resource]:
    """Stores that no cloud measures, with an exporter that does."""
    if provider(spec) == "none":
        yield from (one for one in spec.resources.values() if one.type in EXPORTER_PORTS)


def relabelled_pushes(spec: Spec) -> list[dict[str, Any]]:
    """The collector names a job `<namespace>/<service>`; of ours alone it becomes two labels.

    https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#resource-attributes
    """
    own = because(f"{spec.namespace}/.+", "app", spec.environment.path)
    return [
        {"source_labels": ["job"], "regex": own, "action": "keep"},
        {"source_labels": ["job"], "regex": "(.+)/(.+)", "target_label": "namespace", "replacement": "$1"},
        {"source_labels": ["job"], "regex": "(.+)/(.+)", "target_label": "job", "replacement": "$2"},
    ]


def version(name: str) -> str:
    """The version that the image has."""
    return str(data.load("schemas/data/monitoring-images.json")["images"][name]["version"])
