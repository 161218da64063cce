"""What each dashboard shows: the measures of a subject by concern, and what is read beside them.

Measures come from the plan of the alerts, on recorded series; what a person asks further when something is wrong
(which pod, how much of the budget is left) is asked here, of the exporters and the same recorded series.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

from generator.model import Service, Spec
from generator.monitoring import objectives as slos
from generator.monitoring import requests
from generator.monitoring.alert import Measure, Query
from generator.monitoring.shown import number
from generator.monitoring.signal import Subject
from generator.quantity import seconds
from generator.targets.monitoring.grafana.panels import BUDGET, FIRING, Section

ENVIRONMENT = "$environment"
"""The variable in place of an environment's name."""

_REQUESTS = ("requests_per_second", "failures", "error_rate", "latency_p99")
_RUNS = ("last_success", "failed_runs")
_USE = ("replicas", "memory", "cpu", "throttling", "restarts", "autoscaler", "storage_free")
_FIRST = ("requests_per_second", "error_rate", "latency_p99", "last_success", "failed_runs", "replicas", "memory")
_TIMED = "service:request_durations:rate5m"
"""The rate of what a histogram counts, where that is not the counter of requests."""

_PLACE = 'namespace="$namespace",container=~"$service"'


def of_service(spec: Spec, service: Service, measures: Sequence[Measure]) -> tuple[list[Measure], list[Section]]:
    """The numbers on top and the rows of a service's dashboard."""
    known = {measure.key: measure for measure in _joined(measures)}
    promises = tuple(_objectives(spec, service, measures))
    shown = {*_REQUESTS, *_RUNS, *_USE, *(measure.key for measure in promises)}
    stats = [
        firing(service.name, f'service="{service.name}"', service.path),
        *(single(known[key]) for key in _FIRST if key in known),
    ]
    sections = [
        Section("Requests, errors, durations", _of(known, _REQUESTS)),
        Section("Objectives", promises),
        Section("Runs", _of(known, _RUNS)),
        Section("Saturation", _of(known, _USE)),
        Section("More", tuple(known[key] for key in known if key not in shown)),
    ]
    if spec.platform.compute == "kubernetes":
        sections.append(Section("Pods", tuple(_pods(service.name, "pod", service.path)), folded=True))
    return stats[:6], sections


def of_resources(spec: Spec, measures: Sequence[Measure]) -> tuple[list[Measure], list[Section]]:
    """What the services stand on: a row a resource."""
    sections = []
    for resource in spec.resources.values():
        mine = tuple(measure for measure in _joined(measures) if measure.subject == resource.name)
        sections.append(Section(f"{resource.name} ({resource.type})", mine))
    if spec.platform.compute != "kubernetes":
        sections.append(Section("Platform", _others(spec, measures)))
    return _severities(), sections


def of_cluster(spec: Spec, measures: Sequence[Measure]) -> tuple[list[Measure], list[Section]]:
    """What Kubernetes makes of it: how many pods, what they use, which of them fail; then the platform's own."""
    return _severities(), [
        Section("Services", tuple(_cluster())),
        Section("Use", tuple(_pods("", "container", "platform.compute"))),
        Section("Platform", _others(spec, measures)),
        Section("Nodes", tuple(_nodes()), folded=True),
    ]


def of_objectives(spec: Spec, measures: Sequence[Measure]) -> tuple[list[Measure], list[Section]]:
    """Each promise, and how much of its budget is left."""
    promising = [service for service in spec.services.values() if service.slo is not None]
    sections = [Section(service.name, tuple(_named(spec, service, measures))) for service in promising]
    left = [measure for section in sections for measure in section.measures if measure.key.startswith(BUDGET)]
    return left, sections


def firing(subject: str, matcher: str, *causes: str) -> Measure:
    """How many alerts fire now; Prometheus itself keeps this series."""
    expr = f'count(ALERTS{{alertstate="firing",environment="$environment",{matcher}}}) or vector(0)'
    return Measure(
        key=FIRING,
        subject=subject,
        title="Alerts that fire",
        unit="short",
        queries=(Query(expr=expr, legend="firing"),),
        description="Alerts that fire now; which ones is drawn in red into the graphs below",
        causes=causes,
    )


def single(measure: Measure) -> Measure:
    """What one number is made of: the last of its queries, which is the one that its alerts look at."""
    several = len(measure.queries) > 1
    title = measure.queries[-1].legend if several else measure.title.partition(",")[0]  # there is little room
    return dataclasses.replace(measure, title=title, queries=measure.queries[-1:])


def _severities() -> list[Measure]:
    made = []
    for severity, title in (("page", "Pages"), ("ticket", "Tickets"), ("info", "Notes")):
        measure = firing("", f'alertname!="Watchdog",severity="{severity}"', "notify", "services")
        made.append(dataclasses.replace(measure, key=f"{FIRING}_{severity}", title=f"{title} that fire"))
    return made


def _others(spec: Spec, measures: Iterable[Measure]) -> tuple[Measure, ...]:
    """The measures that are about no service and no resource."""
    return tuple(
        measure
        for measure in _joined(measures)
        if measure.subject not in spec.services and measure.subject not in spec.resources
    )


def _of(known: Mapping[str, Measure], keys: Iterable[str]) -> tuple[Measure, ...]:
    return tuple(known[key] for key in keys if key in known)


def _joined(measures: Iterable[Measure]) -> list[Measure]:
    """Percentiles of one duration as one graph, under the key of the last of them."""
    made: list[Measure] = []
    for measure in measures:
        before = made[-1] if made else None
        if before and before.subject == measure.subject and _percentile(before) and _percentile(measure):
            made[-1] = dataclasses.replace(
                measure,
                title="Duration",
                queries=(*before.queries, *measure.queries),
                description="How long requests take: half, 95 and 99 of 100 are answered within these times",
            )
        else:
            made.append(measure)
    return made


def _percentile(measure: Measure) -> bool:
    return measure.key.startswith("latency_p")


def _objectives(spec: Spec, service: Service, measures: Iterable[Measure]) -> Iterator[Measure]:
    """For each promise: the share of bad requests over the windows of its alerts, and the budget that is left."""
    known = {measure.key: measure for measure in measures if measure.subject == service.name}
    how = requests.counted(service)
    if how is None:
        return
    for objective in slos.objectives(Subject(spec, service.name, "service", ENVIRONMENT), service, how):
        key = f"slow_{objective.percentile}" if objective.percentile else "burn"
        of = objective.percentile or "errors"
        if key in known:
            yield known[key]
        window = min(objective.slo.period, spec.monitoring.metrics.keep, key=seconds)
        bad = f"be slower than {number(objective.bound)} s" if objective.percentile else "fail"
        yield Measure(
            key=f"{BUDGET}{of}",
            subject=service.name,
            title=f"Budget left, {of}",
            unit="percent",
            queries=(Query(expr=_left(objective, window), legend="left"),),
            description=f"What is left of the {number(float(objective.budget * 100))} % of requests within {window} "
            f"that may {bad}. Below nought the promise is broken",
            causes=(objective.cause, f"{objective.slo.path}.period", objective.slo.path),
        )


def _named(spec: Spec, service: Service, measures: Iterable[Measure]) -> Iterator[Measure]:
    """The same, where several services are shown."""
    for measure in _objectives(spec, service, measures):
        title = measure.title[:1].lower() + measure.title[1:]
        yield dataclasses.replace(measure, title=f"{service.name}: {title}")


def _left(objective: slos.Objective, window: str) -> str:
    """One less the share of the budget that is spent: bad requests out of all, by how many may be bad."""
    part = objective.subject.recorded(f"{objective.record}:rate5m", **objective.more)
    if objective.percentile and objective.counted.timed != objective.counted.count:
        whole, aside = objective.subject.recorded(_TIMED, **objective.more), ""
    else:
        whole, aside = (
            objective.subject.recorded(requests.RATE),
            " ignoring (objective)" if objective.percentile else "",
        )
    spent = f"sum_over_time({part}[{window}])\n  /{aside} sum_over_time({whole}[{window}])"
    return f"100 * (1 - (\n  {spent}\n) / {number(float(objective.budget))})"


def _pods(subject: str, by: str, cause: str) -> Iterator[Measure]:
    """What containers use, by pod or by service."""
    legend = f"{{{{{by}}}}}"
    rows = (
        (
            "cpu_cores",
            "CPU",
            "short",
            f"sum by ({by}) (rate(container_cpu_usage_seconds_total{{{_PLACE}}}[$__rate_interval]))",
            "Cores in use",
        ),
        (
            "memory_bytes",
            "Memory",
            "bytes",
            f"sum by ({by}) (container_memory_working_set_bytes{{{_PLACE}}})",
            "Memory that cannot be given back, which is what the limit looks at",
        ),
        (
            "waiting",
            "CPU held back",
            "percentunit",
            (
                f"sum by ({by}) (rate(container_cpu_cfs_throttled_periods_total{{{_PLACE}}}[$__rate_interval]))\n"
                f"/ sum by ({by}) (rate(container_cpu_cfs_periods_total{{{_PLACE}}}[$__rate_interval]))"
            ),
            "Share of the scheduler's periods in which it had used up its CPU limit and waited",
        ),
        (
            "restarts_total",
            "Restarts",
            "short",
            f"sum by ({by}) (increase(kube_pod_container_status_restarts_total{{{_PLACE}}}[$__rate_interval]))",
            "How often containers were started again",
        ),
    )
    for key, title, unit, expr, description in rows:
        yield Measure(
            key=key,
            subject=subject,
            title=f"{title} by {'pod' if by == 'pod' else 'service'}",
            unit=unit,
            queries=(Query(expr=expr, legend=legend),),
            description=description,
            causes=(cause,),
        )


def _cluster() -> Iterator[Measure]:
    of = 'namespace="$namespace",deployment=~"$service"'
    scaler = 'namespace="$namespace",horizontalpodautoscaler=~"$service"'
    yield _kubernetes(
        "available",
        "Replicas that answer, share of those wanted",
        "percentunit",
        f"sum by (deployment) (kube_deployment_status_replicas_available{{{of}}})\n"
        f"/ sum by (deployment) (kube_deployment_spec_replicas{{{of}}})",
        "deployment",
        "Replicas that are ready, out of those the scheduler should run",
    )
    yield _kubernetes(
        "phases",
        "Pods by phase",
        "short",
        'sum by (phase) (kube_pod_status_phase{namespace="$namespace"})',
        "phase",
        "Pods that wait, run, ended or failed",
    )
    yield _kubernetes(
        "scaled",
        "Replicas, share of the most",
        "percentunit",
        f"max by (horizontalpodautoscaler) (kube_horizontalpodautoscaler_status_current_replicas{{{scaler}}})\n"
        f"/ max by (horizontalpodautoscaler) (kube_horizontalpodautoscaler_spec_max_replicas{{{scaler}}})",
        "horizontalpodautoscaler",
        "How near each autoscaler is to the most that it may start",
    )
    yield _kubernetes(
        "reasons",
        "Containers that wait, by reason",
        "short",
        'sum by (container, reason) (kube_pod_container_status_waiting_reason{namespace="$namespace"}) > 0',
        "container}} {{reason",
        "Images that cannot be pulled, containers that crash at once",
    )


def _nodes() -> Iterator[Measure]:
    yield _kubernetes(
        "node_cpu",
        "CPU of the nodes",
        "percentunit",
        '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))',
        "instance",
        "Share of its cores that a node uses",
    )
    yield _kubernetes(
        "node_memory",
        "Memory of the nodes",
        "percentunit",
        "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
        "instance",
        "Share of its memory that a node cannot give away",
    )
    yield _kubernetes(
        "node_disk",
        "Disks of the nodes",
        "percentunit",
        'max by (instance) (1 - node_filesystem_avail_bytes{fstype!~"tmpfs|overlay"}\n'
        '/ node_filesystem_size_bytes{fstype!~"tmpfs|overlay"})',
        "instance",
        "Share of the fullest file system that is used",
    )


def _kubernetes(key: str, title: str, unit: str, expr: str, by: str, description: str) -> Measure:
    return Measure(
        key=key,
        subject="",
        title=title,
        unit=unit,
        queries=(Query(expr=expr, legend=f"{{{{{by}}}}}"),),
        description=description,
        causes=("platform.compute", "services"),
    )


def promised(spec: Spec) -> bool:
    """Whether any service promises something."""
    return any(service.slo is not None for service in spec.services.values())
