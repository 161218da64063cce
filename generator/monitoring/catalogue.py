"""Which metrics exist: names, kinds, units and labels, as their producers document them.

Dated data in `schemas/data/metrics/`, each producer with its source. The labels are those the producer itself gives;
what a scrape adds (`job`, `instance`, `namespace` …) is in `TARGET_LABELS` and may stand beside any metric.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from generator import data

FILES = ("cloud", "kubernetes", "node", "platform", "profiles", "services")

TARGET_LABELS = frozenset(
    [
        *("job", "instance", "namespace", "pod", "container", "service", "endpoint", "node", "cluster", "environment"),
        *("env", "region", "zone", "app", "prometheus", "prometheus_replica", "replica", "receive", "tenant", "team"),
        *(
            "owner",
            "metrics_path",
            "host",
            "hostname",
            "nodename",
            "service_name",
            "service_namespace",
            "service_version",
        ),
        *("service_instance_id", "otel_scope_name", "otel_scope_version", "otel_scope_schema_url", "deployment"),
        *("deployment_environment", "deployment_environment_name", "k8s_namespace_name", "k8s_pod_name", "version"),
        *("application", "component", "stage", "project", "account", "account_id", "datacenter", "dc", "group", "role"),
    ]
)
"""Labels that scraping, relabelling and external labels commonly add to any series."""


@dataclass(frozen=True, slots=True)
class Metric:
    """`type` is counter, gauge, histogram or summary; `unit` "" when it counts things, `boolean` for 0 or 1."""

    name: str
    type: str
    unit: str
    labels: tuple[str, ...]
    source: str
    producer: str


@dataclass(frozen=True, slots=True)
class Requests:
    """How a profile measures requests.

    `duration` is a histogram without its suffix, `count` a counter; `error_values` is a pattern of the label that
    counts as the server's own failure. `buckets` are the default upper bounds in `unit`; empty: there are none unless
    the application asks for them.
    """

    duration: str
    count: str
    status_label: str
    error_values: str
    route_label: str
    method_label: str
    buckets: tuple[float, ...]
    unit: str
    source: str


def metric(name: str) -> Metric | None:
    """A metric by its name as PromQL writes it, `_bucket`, `_count` and `_sum` of histograms and summaries included."""
    found = known().get(name)
    if found is not None:
        return found
    for suffix in ("_bucket", "_count", "_sum"):
        base = known().get(name.removesuffix(suffix)) if name.endswith(suffix) else None
        if base is None or base.type not in ("histogram", "summary") or (suffix, base.type) == ("_bucket", "summary"):
            continue
        labels = (*base.labels, "le") if suffix == "_bucket" else base.labels
        return replace(base, name=name, type="counter", unit=base.unit if suffix == "_sum" else "", labels=labels)
    return None


@functools.cache
def known() -> Mapping[str, Metric]:
    """Every metric of the catalogue; what several producers give has the labels of all of them."""
    found: dict[str, Metric] = {}
    for file in FILES:
        for producer, body in data.load(f"schemas/data/metrics/{file}.json")["producers"].items():
            for name, entry in body["metrics"].items():
                own = Metric(
                    name=name,
                    type=entry["type"],
                    unit=entry.get("unit", ""),
                    labels=(*body.get("labels", ()), *entry.get("labels", ())),
                    source=entry.get("source", body["source"]),
                    producer=producer,
                )
                before = found.get(name)
                found[name] = own if before is None else _both(before, own)
    return found


def nearest(name: str) -> str:
    """The known name that was probably meant, or ""."""
    if metric(name) is not None:
        return name
    for suffix in ("_bucket", "_count", "_sum", ""):
        if name.endswith(suffix):
            stem = name.removesuffix(suffix)
            close = difflib.get_close_matches(stem, known(), n=1, cutoff=0.85)
            if close and metric(close[0] + suffix) is not None:
                return close[0] + suffix
    return ""


def requests(profile: str, protocol: str) -> Requests | None:
    """How an application of the profile measures requests; None when nothing is promised."""
    entry: dict[str, Any] | None = (
        data.load("schemas/data/metrics/profiles.json")["requests"].get(profile, {}).get(protocol)
    )
    if entry is None:
        return None
    return Requests(
        duration=entry["duration"],
        count=entry["count"],
        status_label=entry["status_label"],
        error_values=entry["error_values"],
        route_label=entry["route_label"],
        method_label=entry["method_label"],
        buckets=tuple(float(bound) for bound in entry["buckets"]),
        unit=entry["unit"],
        source=entry["source"],
    )


def _both(one: Metric, other: Metric) -> Metric:
    labels = tuple(dict.fromkeys((*one.labels, *other.labels)))
    return replace(one, labels=labels, producer=f"{one.producer}, {other.producer}")
