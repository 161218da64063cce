"""Signals of what everything stands on: nodes, certificates, quotas, backups, and the monitoring itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from generator.model import Spec
from generator.monitoring.addresses import PLATFORM
from generator.monitoring.alert import Alert, Firing, Series, Trial
from generator.monitoring.signal import Signal, Subject, Threshold, counter, gauge, level, selector, share, watched
from generator.names import LIMIT, cut
from generator.quantity import seconds

_DAYS = 86_400
_FULL = 0.9


def of_platform(spec: Spec, environment: str) -> tuple[Subject, tuple[Signal, ...]]:
    """What can be measured of the platform, by what it is."""
    subject = Subject(spec, PLATFORM, "platform", environment)
    made = [*_monitoring(subject)]
    if spec.platform.compute == "kubernetes":
        made += [*_nodes(subject), *_quota(subject), *_certificates(subject)]
    if spec.cloud is not None and spec.cloud.provider == "aws":
        made += [*_backups(subject)]
    return subject, tuple(made)


def _one(subject: Subject, key: str, title: str, unit: str, expr: str, **more: object) -> Signal:
    values: dict[str, object] = {"description": title, "causes": ("platform",), **more}
    return Signal(subject=subject, key=key, title=title, unit=unit, record=f"platform:{key}:value", expr=expr, **values)  # type: ignore[arg-type]


def _nodes(subject: Subject) -> Iterator[Signal]:
    """Of kube-state-metrics and node_exporter:
    https://github.com/kubernetes/kube-state-metrics/blob/main/docs/metrics/cluster/node-metrics.md"""
    ready, status = "kube_node_status_condition", {"condition": "Ready", "status": "true"}
    one = {"node": "node-1", **status}
    yield _one(
        *(subject, "nodes_ready", "Nodes that are ready, share", "percentunit"),
        f"sum({ready}{selector(status)})\n/ count({ready}{selector(status)})",
        feed=lambda value, minutes: tuple(
            level(ready, {**one, "node": f"node-{number}"}, 1 if number < value * 100 else 0, minutes)
            for number in range(100)
        ),
        description="Nodes that can run pods, out of all.",
    )
    pressed = 'condition=~"MemoryPressure|DiskPressure|PIDPressure"'
    state = {"status": "true"}
    yield _one(
        *(subject, "nodes_pressed", "Nodes under pressure", "short"),
        f"sum({ready}{selector(state, pressed)})",
        feed=gauge(ready, {"node": "node-1", "condition": "DiskPressure", **state}),
        description="Nodes that are short of memory, disk or process ids and begin to evict pods.",
    )
    free, whole = "node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"
    node = {"instance": "node-1"}
    yield _one(
        *(subject, "node_memory", "Memory of the fullest node", "percentunit"),
        f"1 - min(\n  {free}\n  / {whole}\n)",
        feed=lambda value, minutes: (
            level(free, node, (1 - value) * 1000, minutes),
            level(whole, node, 1000, minutes),
        ),
        description="Memory in use on the node that has least left.",
    )
    idle = "node_cpu_seconds_total"
    yield _one(
        *(subject, "node_cpu", "CPU of the busiest node", "percentunit"),
        f'1 - min(avg by (instance) (rate({idle}{{mode="idle"}}[5m])))',
        feed=lambda value, minutes: (counter(idle, {**node, "cpu": "0", "mode": "idle"}, (1 - value) * 60, minutes),),
        description="CPU in use on the node that has least left.",
    )
    disk, size = "node_filesystem_avail_bytes", "node_filesystem_size_bytes"
    real = 'fstype!~"tmpfs|ramfs|overlay|squashfs",mountpoint!~"/(boot|run|var/lib/kubelet/pods)(/.*)?"'
    mount = {**node, "device": "/dev/nvme0n1p1", "fstype": "ext4", "mountpoint": "/"}
    yield _one(
        *(subject, "node_disk", "Free disk of the fullest node", "percentunit"),
        f"min(\n  {disk}{{{real}}}\n  / {size}{{{real}}}\n)",
        feed=share(disk, size, mount),
        description="Free space of the fullest file system that lies on a disk.",
    )


def _quota(subject: Subject) -> Iterator[Signal]:
    where = {"namespace": subject.spec.namespace}
    used, hard = {**where, "type": "used"}, {**where, "type": "hard"}
    metric = "kube_resourcequota"
    both = "on (resource) "
    yield _one(
        *(subject, "quota", "Quota in use", "percentunit"),
        f"max(\n  {metric}{selector(used)}\n  / {both}({metric}{selector(hard)} > 0)\n)",
        feed=lambda value, minutes: (
            level(metric, {**used, "resource": "pods"}, value * 1000, minutes),
            level(metric, {**hard, "resource": "pods"}, 1000, minutes),
        ),
        description="The resource whose quota in the namespace is nearest to its end.",
        causes=("services", "platform"),
    )


def _certificates(subject: Subject) -> Iterator[Signal]:
    """https://cert-manager.io/docs/devops-tips/prometheus-metrics/"""
    public = [service for service in subject.spec.services.values() if service.public is not None]
    if not public:
        return
    metric = "certmanager_certificate_expiration_timestamp_seconds"
    where = {"namespace": subject.spec.platform.kubernetes.gateway_namespace}
    causes = tuple(service.public.path for service in public if service.public is not None)
    yield _one(
        *(subject, "certificate", "Time until the first certificate ends", "s"),
        f"min({metric}{selector(where)}) - time()",
        feed=lambda value, minutes: (level(metric, {**where, "name": "shop"}, (minutes - 5) * 60 + value, minutes),),
        description="How long the certificate that ends first is still good.",
        causes=causes,
        minutes=0,
    )


def _backups(subject: Subject) -> Iterator[Signal]:
    """https://docs.aws.amazon.com/aws-backup/latest/devguide/cloudwatch.html"""
    kept = [resource for resource in subject.spec.resources.values() if resource.backup is not None]
    if not kept:
        return
    spec = subject.spec
    where = {"dimension_BackupVaultName": cut(f"{spec.app}-{spec.environment.name}", LIMIT)}
    metric = "aws_backup_number_of_backup_jobs_completed_sum"
    every = max(seconds(resource.backup.every) for resource in kept if resource.backup is not None)
    hours = max(2, -(-2 * every // 3600))
    yield _one(
        *(subject, "backups", f"Backups within {hours} h", "short"),
        f"sum(sum_over_time({metric}{selector(where)}[{hours}h]))",
        feed=lambda value, minutes: (level(metric, where, value, minutes),),
        description="Backups that were completed within twice the longest interval.",
        causes=tuple(f"{resource.path}.backup.every" for resource in kept),
    )


def _monitoring(subject: Subject) -> Iterator[Signal]:
    """https://prometheus.io/docs/prometheus/latest/getting_started/ and the servers' own /metrics"""
    for key, metric, title, text in (
        (
            *("rule_failures", "prometheus_rule_evaluation_failures_total", "Rules that could not be evaluated"),
            "Within five minutes.",
        ),
        (
            *("lost_notifications", "prometheus_notifications_dropped_total", "Alerts that did not reach Alertmanager"),
            "Within five minutes.",
        ),
        (
            *(
                "failed_notifications",
                "alertmanager_notifications_failed_total",
                "Messages that Alertmanager could not send",
            ),
            "Within five minutes.",
        ),
        (
            *(
                "scrapes_refused",
                "prometheus_target_scrapes_exceeded_sample_limit_total",
                "Scrapes with too many samples",
            ),
            "Refused within five minutes, since they had more samples than the limit.",
        ),
        (
            *("spans_lost", "otelcol_exporter_send_failed_spans_total", "Spans that the collector could not send"),
            "Within five minutes.",
        ),
        (
            *("logs_lost", "fluentbit_output_retries_failed_total", "Pieces of logs that could not be delivered"),
            "Within five minutes, after every attempt.",
        ),
    ):
        labels = {"instance": "one"}
        yield _one(
            *(subject, key, title, "short", f"sum(increase({metric}[5m]))"),
            feed=lambda value, minutes, metric=metric, labels=labels: (counter(metric, labels, value / 5, minutes),),
            description=text,
            causes=("monitoring",),
        )


def alerts(subject: Subject, signals: Mapping[str, Signal]) -> Iterator[Alert]:
    """What concerns everybody, and the alert that never ends."""
    yield _watchdog(subject)
    for key, what in _thresholds():
        if key in signals:
            yield watched(signals[key], what)


_THRESHOLDS: tuple[tuple[str, Threshold], ...] = (
    (
        "nodes_ready",
        Threshold(
            *("ClusterDown", "<", 0.5, "5m", "page", "node-pressure", "half of the nodes are not ready"),
            *("Only {value} of the nodes are ready; what runs here is about to stop.", 0.3, 0.8),
        ),
    ),
    (
        "nodes_ready",
        Threshold(
            *("NodeNotReady", "<", 1, "15m", "ticket", "node-pressure", "a node is not ready"),
            *("Only {value} of the nodes are ready.", 0.9, 1),
        ),
    ),
    (
        "nodes_pressed",
        Threshold(
            *("NodePressure", ">", 0, "5m", "ticket", "node-pressure", "a node is under pressure"),
            *("{value} nodes are short of memory, disk or process ids and evict pods.", 1, 0),
        ),
    ),
    (
        "node_memory",
        Threshold(
            *("NodeMemoryFull", ">", _FULL, "15m", "ticket", "node-pressure", "a node is short of memory"),
            *("The fullest node uses {value} of its memory.", 0.95),
        ),
    ),
    (
        "node_cpu",
        Threshold(
            *("NodeBusy", ">", _FULL, "30m", "info", "node-pressure", "a node is short of CPU"),
            *("The busiest node uses {value} of its CPU.", 0.95),
        ),
    ),
    (
        "node_disk",
        Threshold(
            *("NodeDiskFilling", "<", 0.1, "15m", "ticket", "node-pressure", "a node's disk is nearly full"),
            "Only {value} of a node's disk is free.",
        ),
    ),
    (
        "quota",
        Threshold(
            *("QuotaNearLimit", ">", _FULL, "15m", "ticket", "quota-near", "the namespace's quota is nearly used up"),
            *("{value} of a quota is in use; at its end no pod starts.", 0.95),
        ),
    ),
    (
        "certificate",
        Threshold(
            *("CertificateExpiring", "<", 14 * _DAYS, "1h", "ticket", "certificate-expiring"),
            *("a certificate ends soon", "The first certificate ends in {value}, and should have been renewed by now."),
        ),
    ),
    (
        "backups",
        Threshold(
            *("BackupLate", "<", 1, "1h", "ticket", "backup-late", "no backup was completed in time"),
            *("{value} backups were completed within twice the longest interval.", 0, 1),
        ),
    ),
)

_PROMETHEUS = "prometheus-failing"
_LOSSES = (
    (
        *("rule_failures", "PrometheusRuleFailures", "ticket", _PROMETHEUS, "rules cannot be evaluated"),
        "{value} evaluations failed within five minutes; alerts may be missing.",
    ),
    (
        *("lost_notifications", "PrometheusNotificationsLost", "page", _PROMETHEUS),
        *("alerts do not reach Alertmanager", "{value} alerts were dropped within five minutes."),
    ),
    (
        *("failed_notifications", "AlertmanagerNotificationsFailing", "page", _PROMETHEUS),
        *("Alertmanager cannot send messages", "{value} messages could not be sent within five minutes."),
    ),
    (
        *("scrapes_refused", "ScrapesRefused", "ticket", _PROMETHEUS, "a target gives more samples than it may"),
        "{value} scrapes were refused within five minutes; what they held is not known.",
    ),
    (
        *("spans_lost", "CollectorDropping", "ticket", "collector-dropping", "traces are lost"),
        "{value} spans could not be sent within five minutes.",
    ),
    (
        *("logs_lost", "LogsDropping", "ticket", "logs-dropping", "logs are lost"),
        "{value} pieces of logs could not be delivered within five minutes.",
    ),
)
"""What must not get lost on its way: key, alert, severity, guide, summary, description."""


def _thresholds() -> Iterator[tuple[str, Threshold]]:
    yield from _THRESHOLDS
    for key, name, severity, guide, summary, sentence in _LOSSES:
        yield key, Threshold(name, ">", 0, "10m", severity, guide, summary, sentence, beyond=10, within=0)


def _watchdog(subject: Subject) -> Alert:
    """Always fires: whoever waits for it hears of it when it stops."""
    return Alert(
        name="Watchdog",
        subject=subject.name,
        kind=subject.kind,
        expr="vector(1)",
        for_="0s",
        keep_firing_for="",
        severity="info",
        labels={},
        summary="monitoring is alive",
        description="This alert always fires. When it stops arriving, monitoring itself is down.",
        shown="",
        guide="watchdog",
        measure="",
        threshold=None,
        unit="short",
        causes=("notify.deadman", "monitoring"),
        trials=(
            Trial(
                says="always fires",
                series=(Series(series='up{job="another"}', values="1x5"),),
                at="1m",
                fires=(Firing(shown="1"),),
            ),
        ),
    )
