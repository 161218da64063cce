"""CloudWatch alarms for what a root makes: each resource's few signs of trouble, with the numbers behind them.

Metric names and units: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html,
https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html,
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from generator.artifact import because
from generator.quantity import byte_count
from generator.targets.terraform.aws.site import Site
from generator.targets.terraform.call import Call, Expression

_MINUTE = 60
_PERCENT = 80
_FULL = 0.1
_OLD_SECONDS = 900
_FAILED_SHARE = 5


def alarms(site: Site, calls: Iterable[Call]) -> dict[str, Any]:
    """Alarms by name, for the observability module."""
    made: dict[str, Any] = {}
    for call in calls:
        make = _MAKERS.get(call.module)
        if make is not None:
            for name, entry in make(site, call):
                made[f"{call.name.replace('_', '-')}-{name}"] = because(entry, call.origin)
    return made


def _alarm(
    description: str,
    namespace: str,
    metric: str,
    dimensions: Mapping[str, Any],
    threshold: float,
    *,
    statistic: str = "Average",
    comparison: str = "GreaterThanThreshold",
    minutes: int = 15,
    missing: str = "missing",
    severity: str = "ticket",
) -> dict[str, Any]:
    return {
        "description": description,
        "namespace": namespace,
        "metric_name": metric,
        "dimensions": dict(dimensions),
        "statistic": statistic,
        "comparison": comparison,
        "threshold": threshold,
        "period_seconds": 5 * _MINUTE if minutes >= 15 else _MINUTE,
        "evaluation_periods": 3,
        "missing": missing,
        "severity": severity,
    }


def _database(site: Site, call: Call) -> Iterator[tuple[str, dict[str, Any]]]:
    resource = site.spec.resources[call.origin.removeprefix("resources.")]
    key = "DBClusterIdentifier" if resource.aurora else "DBInstanceIdentifier"
    where = {key: Expression(f"{call.address}.identifier")}
    rds = "AWS/RDS"
    yield "cpu", _alarm(f"Database {resource.name} is short of CPU.", rds, "CPUUtilization", where, _PERCENT)
    if not resource.aurora and resource.size is not None and resource.size.storage is not None:
        left = int(byte_count(resource.size.storage) * _FULL)
        text = f"Database {resource.name} has less than a tenth of its storage left."
        yield (
            "storage",
            _alarm(text, rds, "FreeStorageSpace", where, left, comparison="LessThanThreshold", severity="page"),
        )
    if site.suffix:
        text = f"The replica of {resource.name} is behind."
        yield "lag", _alarm(text, rds, "ReplicaLag", where, _OLD_SECONDS, severity="page")


def _cache(_site: Site, call: Call) -> Iterator[tuple[str, dict[str, Any]]]:
    name = call.origin.removeprefix("resources.")
    where = {"ReplicationGroupId": Expression(f"{call.address}.replication_group_id")}
    namespace = "AWS/ElastiCache"
    yield "cpu", _alarm(f"Cache {name} is short of CPU.", namespace, "EngineCPUUtilization", where, _PERCENT)
    text = f"Cache {name} is nearly full."
    yield "memory", _alarm(text, namespace, "DatabaseMemoryUsagePercentage", where, _PERCENT)


def _queue(_site: Site, call: Call) -> Iterator[tuple[str, dict[str, Any]]]:
    name = call.origin.removeprefix("resources.")
    where = {"QueueName": Expression(f"{call.address}.name")}
    text = f"Messages of {name} wait too long."
    yield (
        "age",
        _alarm(
            text,
            "AWS/SQS",
            "ApproximateAgeOfOldestMessage",
            where,
            _OLD_SECONDS,
            statistic="Maximum",
            missing="notBreaching",
        ),
    )
    dead = {"QueueName": Expression(f"{call.address}.dead_letter_name")}
    text = f"Messages of {name} could not be handled and were set aside."
    yield (
        "dead-letters",
        _alarm(
            text,
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            dead,
            0,
            statistic="Maximum",
            missing="notBreaching",
        ),
    )


def _service(site: Site, call: Call) -> Iterator[tuple[str, dict[str, Any]]]:
    service = site.spec.services[call.origin.removeprefix("services.")]
    where = {
        "ClusterName": site.cluster["cluster_name"],
        "ServiceName": Expression(f"{call.address}.service_name"),
    }
    text = f"{service.name} is short of memory."
    yield "memory", _alarm(text, "AWS/ECS", "MemoryUtilization", where, 90)
    if service.public is None:
        return
    target = {
        "LoadBalancer": Expression(f"{site.module('edge')}.load_balancer_arn_suffix"),
        "TargetGroup": Expression(f"{call.address}.target_group_arn_suffix"),
    }
    balancer = "AWS/ApplicationELB"
    text = f"Targets of {service.name} do not answer their health check."
    yield (
        "unhealthy",
        _alarm(text, balancer, "UnHealthyHostCount", target, 0, statistic="Maximum", minutes=3, severity="page"),
    )
    text = f"{service.name} answers with server errors."
    yield (
        "errors",
        _alarm(
            text,
            balancer,
            "HTTPCode_Target_5XX_Count",
            target,
            _FAILED_SHARE,
            statistic="Sum",
            minutes=3,
            missing="notBreaching",
            severity="page",
        ),
    )


_MAKERS: Mapping[str, Callable[[Site, Call], Iterator[tuple[str, dict[str, Any]]]]] = {
    "database": _database,
    "cache": _cache,
    "queue": _queue,
    "service": _service,
}
