"""Use, saturation and errors of what a service runs on: pods of Kubernetes, tasks of ECS (USE)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from generator.model import Service
from generator.monitoring.alert import Alert, Series
from generator.monitoring.signal import Signal, Subject, Threshold, counter, gauge, level, selector, share, watched
from generator.names import LIMIT, SHORT_LIMIT, cut
from generator.quantity import seconds


class _Workload(NamedTuple):
    """What kube-state-metrics says of a kind of workload: its label, and the metrics of what is there and wanted.

    https://github.com/kubernetes/kube-state-metrics/tree/main/docs/metrics/workload
    """

    label: str
    there: str
    wanted: str


_WORKLOADS: Mapping[str, _Workload] = {
    "stateful": _Workload("statefulset", "kube_statefulset_status_replicas_ready", "kube_statefulset_replicas"),
    "daemon": _Workload(
        "daemonset", "kube_daemonset_status_number_available", "kube_daemonset_status_desired_number_scheduled"
    ),
    "": _Workload("deployment", "kube_deployment_status_replicas_available", "kube_deployment_spec_replicas"),
}
_RESTARTS = 3
_MEMORY, _THROTTLED, _VOLUME_LEFT, _CPU = 0.9, 0.25, 0.1, 90
_MARGIN_SECONDS = 3900
"""An hour, since the day on which clocks go back has 25, and five minutes."""


def of_service(subject: Subject, service: Service) -> Iterator[Signal]:
    """What a service's pods or tasks use, by where they run."""
    compute = subject.spec.platform.compute
    if compute == "kubernetes":
        yield from _pods(subject, service)
    elif compute == "ecs" and not service.once:
        yield from _tasks(subject, service)


def _pods(subject: Subject, service: Service) -> Iterator[Signal]:
    where = {"namespace": subject.spec.namespace, "container": service.name}
    of = selector(where)
    if service.once:
        yield from _runs(subject, service)
    else:
        yield _replicas(subject, service)
    limit = f"kube_pod_container_resource_limits{selector({**where, 'resource': 'memory'})}"
    yield Signal(
        subject=subject,
        key="memory",
        title="Memory, share of the limit",
        unit="percentunit",
        record="service:memory_working_set:ratio",
        expr=f"max(container_memory_working_set_bytes{of})\n/ max({limit})",
        feed=share(
            "container_memory_working_set_bytes",
            "kube_pod_container_resource_limits",
            where,
            {"resource": "memory"},
        ),
        description="Memory of the fullest pod that cannot be given back, as a share of its limit.",
        causes=(f"{service.path}.size.memory_limit", f"{service.path}.size"),
    )
    yield _cpu(subject, service, where)
    if service.size.cpu_limit != "none":
        yield _throttling(subject, service, where)
    yield Signal(
        subject=subject,
        key="restarts",
        title="Restarts in 15 minutes",
        unit="short",
        record="service:restarts:increase15m",
        expr=f"sum(increase(kube_pod_container_status_restarts_total{of}[15m]))",
        feed=lambda value, minutes: (
            counter("kube_pod_container_status_restarts_total", where, value / 15, minutes + 15),
        ),
        description="How often its containers were started again, whatever ended them.",
        causes=(service.path,),
        minutes=18,
    )
    if service.replicated and not service.scale.fixed and service.type != "stateful":
        yield _autoscaler(subject, service)
    if service.storage is not None:
        yield _volume(subject, service)


def _replicas(subject: Subject, service: Service) -> Signal:
    kind = _WORKLOADS.get(service.type, _WORKLOADS[""])
    where = {"namespace": subject.spec.namespace, kind.label: service.name}
    return Signal(
        subject=subject,
        key="replicas",
        title="Replicas that answer, share of those wanted",
        unit="percentunit",
        record="service:replicas_available:ratio",
        expr=f"sum({kind.there}{selector(where)})\n/ (sum({kind.wanted}{selector(where)}) > 0)",
        feed=share(kind.there, kind.wanted, where),
        description="Replicas that are ready, out of those the scheduler should run.",
        causes=(service.scale.path, service.path),
    )


def _cpu(subject: Subject, service: Service, where: dict[str, str]) -> Signal:
    asked = selector({**where, "resource": "cpu"})
    usage = "container_cpu_usage_seconds_total"
    return Signal(
        subject=subject,
        key="cpu",
        title="CPU, share of the request",
        unit="percentunit",
        record="service:cpu_usage:ratio_rate5m",
        expr=f"sum(rate({usage}{selector(where)}[5m]))\n/ sum(kube_pod_container_resource_requests{asked})",
        feed=lambda value, minutes: (
            counter(usage, where, value * 60, minutes),
            level("kube_pod_container_resource_requests", {**where, "resource": "cpu"}, 1, minutes),
        ),
        description="CPU that all its pods use, as a share of what they ask for; the autoscaler looks at the same.",
        causes=(f"{service.path}.size.cpu", f"{service.path}.size"),
    )


def _throttling(subject: Subject, service: Service, where: dict[str, str]) -> Signal:
    held, all_ = "container_cpu_cfs_throttled_periods_total", "container_cpu_cfs_periods_total"
    of = selector(where)
    return Signal(
        subject=subject,
        key="throttling",
        title="CPU held back",
        unit="percentunit",
        record="service:cpu_throttled:ratio_rate5m",
        expr=f"sum(rate({held}{of}[5m]))\n/ (sum(rate({all_}{of}[5m])) > 0)",
        feed=lambda value, minutes: (
            counter(held, where, value * 600, minutes),
            counter(all_, where, 600, minutes),
        ),
        description="Share of the scheduler's periods in which a container had reached its CPU limit and waited.",
        causes=(f"{service.path}.size.cpu_limit", f"{service.path}.size"),
    )


def _autoscaler(subject: Subject, service: Service) -> Signal:
    where = {"namespace": subject.spec.namespace, "horizontalpodautoscaler": service.name}
    now, most = "kube_horizontalpodautoscaler_status_current_replicas", "kube_horizontalpodautoscaler_spec_max_replicas"
    return Signal(
        subject=subject,
        key="autoscaler",
        title="Replicas, share of the most",
        unit="percentunit",
        record="service:autoscaler_replicas:ratio",
        expr=f"max({now}{selector(where)})\n/ max({most}{selector(where)})",
        feed=share(now, most, where),
        description="How near the autoscaler is to the most that it may start.",
        causes=(f"{service.scale.path}.max", service.scale.path),
    )


def _volume(subject: Subject, service: Service) -> Signal:
    claim = f'persistentvolumeclaim=~".*-{service.name}-[0-9]+"'
    where = {"namespace": subject.spec.namespace}
    free, whole = "kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"
    one = {**where, "persistentvolumeclaim": f"data-{service.name}-0"}
    return Signal(
        subject=subject,
        key="storage_free",
        title="Volume, share that is free",
        unit="percentunit",
        record="service:volume_available:ratio",
        expr=f"min(\n  {free}{selector(where, claim)}\n  / {whole}{selector(where, claim)}\n)",
        feed=share(free, whole, one),
        description="Free space of its fullest volume.",
        causes=(f"{service.path}.storage.size", service.path),
    )


def _runs(subject: Subject, service: Service) -> Iterator[Signal]:
    where = {"namespace": subject.spec.namespace, "cronjob": service.name}
    if service.schedule is not None:
        last = "kube_cronjob_status_last_successful_time"
        yield Signal(
            subject=subject,
            key="last_success",
            title="Time since the last success",
            unit="s",
            record="service:last_success:age_seconds",
            expr=f"time() - max({last}{selector(where)})",
            feed=lambda value, minutes: (_aging(last, where, value, minutes),),
            description="How long ago a run last ended well.",
            causes=(f"{service.path}.schedule.cron", service.path),
            minutes=0,
        )
    failed = {"namespace": subject.spec.namespace, "condition": "true"}
    pattern = f'job_name=~"{service.name}(-[0-9]+)?"'
    yield Signal(
        subject=subject,
        key="failed_runs",
        title="Failed runs",
        unit="short",
        record="service:failed_runs:sum",
        expr=f"sum(kube_job_failed{selector(failed, pattern)})",
        feed=gauge("kube_job_failed", {**failed, "job_name": f"{service.name}-1"}),
        description="Runs that failed and have not been cleared away.",
        causes=(service.path,),
    )


def _aging(name: str, labels: Mapping[str, str], age: float, minutes: int) -> Series:
    """A time stamp that lies `age` seconds back when the test looks, five minutes before its end."""
    return level(name, labels, (minutes - 5) * 60 - age, minutes)


def _tasks(subject: Subject, service: Service) -> Iterator[Signal]:
    """CloudWatch's figures of an ECS service, as yet-another-cloudwatch-exporter names them."""
    spec = subject.spec
    prefix = f"{spec.app}-{spec.environment.name}"
    where = {
        "dimension_ClusterName": cut(prefix, LIMIT),
        "dimension_ServiceName": cut(f"{prefix}-{service.name}", SHORT_LIMIT),
    }
    for key, metric, title in (
        ("memory", "aws_ecs_memory_utilization_average", "Memory, share of the limit"),
        ("cpu", "aws_ecs_cpuutilization_average", "CPU, share of the limit"),
    ):
        yield Signal(
            subject=subject,
            key=key,
            title=title,
            unit="percentunit",
            record=f"service:{'memory_working_set' if key == 'memory' else 'cpu_usage'}:ratio",
            expr=f"max({metric}{selector(where)}) / 100",
            feed=gauge(metric, where, 100),
            description="Average over the tasks of the service, from CloudWatch.",
            causes=(f"{service.path}.size", service.path),
        )


def alerts(service: Service, signals: Mapping[str, Signal]) -> Iterator[Alert]:
    """CPU alone never wakes anybody: what it does to requests is seen in the objectives."""
    for key, what in _thresholds(service):
        if key in signals:
            yield watched(signals[key], what)


def _thresholds(service: Service) -> Iterator[tuple[str, Threshold]]:
    yield from _missing(service)
    yield from _short(service)
    yield from _late(service)


def _missing(service: Service) -> Iterator[tuple[str, Threshold]]:
    """Too few replicas, ones that keep ending, and no more to come."""
    name = service.name
    yield (
        "replicas",
        Threshold(
            *("ServiceUnavailable", "==", 0, "2m", "page" if service.replicated else "ticket", "replicas-missing"),
            *(f"no replica of {name} is ready", f"{{value}} of the replicas of {name} are ready."),
            beyond=0,
            within=1,
        ),
    )
    yield (
        "replicas",
        Threshold(
            *("ReplicasMissing", "<", 1, "15m", "ticket", "replicas-missing"),
            *(f"{name} has fewer replicas than it should", f"Only {{value}} of the replicas of {name} are ready."),
            beyond=0.5,
            within=1,
        ),
    )
    yield (
        "restarts",
        Threshold(
            *("PodRestarting", ">", _RESTARTS, "5m", "ticket", "pod-restarts", f"{name} keeps restarting"),
            *(f"{name} was started again {{value}} times within 15 minutes.", 6, 1),
        ),
    )
    text = f"{name} runs {{value}} of the replicas it may have; it cannot grow with the load."
    yield (
        "autoscaler",
        Threshold(
            *("AutoscalerAtMaximum", ">=", 1, "30m", "ticket", "autoscaler-at-maximum"),
            *(f"{name} has reached its most replicas", text),
            beyond=1,
            within=0.8,
            causes=(f"{service.scale.path}.max", service.scale.path),
        ),
    )


def _short(service: Service) -> Iterator[tuple[str, Threshold]]:
    """Short of memory, of CPU, of room on a volume."""
    name = service.name
    text = f"The fullest of {name} uses {{value}} of its memory limit; above it, it is killed."
    yield (
        "memory",
        Threshold(
            *("MemoryNearLimit", ">", _MEMORY, "15m", "ticket", "memory-near-limit", f"{name} is short of memory"),
            *(text, 0.95),
        ),
    )
    held = f"{name} is held back by its CPU limit"
    text = f"{name} had to wait for CPU in {{value}} of the time."
    yield "throttling", Threshold("CPUThrottled", ">", _THROTTLED, "15m", "info", "cpu-throttled", held, text)
    full = f"a volume of {name} is nearly full"
    text = f"Only {{value}} of a volume of {name} is free."
    yield "storage_free", Threshold("VolumeFilling", "<", _VOLUME_LEFT, "15m", "page", "volume-filling", full, text)


def _late(service: Service) -> Iterator[tuple[str, Threshold]]:
    name = service.name
    text = f"{{value}} runs of {name} failed and were not repeated."
    alert = "CronFailed" if service.schedule is not None else "JobFailed"
    guide = "cron-failed" if service.schedule is not None else "job-failed"
    yield (
        "failed_runs",
        Threshold(alert, ">", 0, "1m", "ticket", guide, f"a run of {name} failed", text, beyond=1, within=0),
    )
    if service.schedule is None:
        return
    from generator.monitoring.cron import longest_gap

    limit = longest_gap(service.schedule.cron) + seconds(service.schedule.deadline) + _MARGIN_SECONDS
    yield (
        "last_success",
        Threshold(
            *("CronLate", ">", limit, "5m", "ticket", "cron-late", f"{name} has not succeeded for too long"),
            f"The last run of {name} that ended well was {{value}} ago.",
            beyond=limit + 3600,
            within=limit - _MARGIN_SECONDS,
            causes=(f"{service.path}.schedule.cron", f"{service.path}.schedule.deadline"),
        ),
    )
