"""What the exporter of CloudWatch asks AWS for: what the rules read, of exactly our resources, and nothing else.

Every metric costs a request each time, so the list is made from the rules. A name that a rule knows whole is asked
by its dimensions; where a rule has a pattern (nodes of a cache) the exporter finds them by the tags of our Terraform.
https://github.com/prometheus-community/yet-another-cloudwatch-exporter/blob/master/docs/configuration.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from generator.artifact import Artifact, because
from generator.model import Spec
from generator.monitoring.alert import Recording
from generator.monitoring.rules import groups
from generator.targets.monitoring.scraping.scrape import FOLDER, provider

_MINUTE, _PAUSE_SECONDS = 60, 60
_SELECTOR = re.compile(r'(aws_[a-z0-9_]+)\{((?:[a-zA-Z_]+=~?"[^"]*",?)+)\}')
_DIMENSION = re.compile(r'dimension_([a-zA-Z]+)(=~?)"([^"]*)"')

Asked = dict[tuple[str, tuple[tuple[str, str, str], ...]], dict[tuple[str, str], Recording]]

_METRICS = {
    "aws_backup_number_of_backup_jobs_completed": ("AWS/Backup", "NumberOfBackupJobsCompleted", 3600),
    "aws_ecs_cpuutilization": ("AWS/ECS", "CPUUtilization", _MINUTE),
    "aws_ecs_memory_utilization": ("AWS/ECS", "MemoryUtilization", _MINUTE),
    "aws_elasticache_curr_connections": ("AWS/ElastiCache", "CurrConnections", _MINUTE),
    "aws_elasticache_database_memory_usage_percentage": ("AWS/ElastiCache", "DatabaseMemoryUsagePercentage", _MINUTE),
    "aws_elasticache_engine_cpuutilization": ("AWS/ElastiCache", "EngineCPUUtilization", _MINUTE),
    "aws_elasticache_evictions": ("AWS/ElastiCache", "Evictions", _MINUTE),
    "aws_rds_cpuutilization": ("AWS/RDS", "CPUUtilization", _MINUTE),
    "aws_rds_database_connections": ("AWS/RDS", "DatabaseConnections", _MINUTE),
    "aws_rds_free_storage_space": ("AWS/RDS", "FreeStorageSpace", _MINUTE),
    "aws_rds_replica_lag": ("AWS/RDS", "ReplicaLag", _MINUTE),
    "aws_sqs_approximate_age_of_oldest_message": ("AWS/SQS", "ApproximateAgeOfOldestMessage", _MINUTE),
    "aws_sqs_approximate_number_of_messages_visible": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", _MINUTE),
}
"""Series of the exporter -> CloudWatch's namespace and name, and how many seconds one value is about."""

_STATISTICS = {"average": "Average", "maximum": "Maximum", "minimum": "Minimum", "sum": "Sum"}


def plan(spec: Spec) -> Iterator[Artifact]:
    """The exporter's file, where there is anything to ask."""
    if provider(spec) != "aws" or spec.cloud is None or not (asked := _asked(spec)):
        return
    region = because(spec.cloud.region, "cloud.region")
    context = {
        "region": region,
        "pause": _PAUSE_SECONDS,
        "found": [_found(spec, key, metrics) for key, metrics in asked.items() if _is_pattern(key)],
        "fixed": [_fixed(spec, key, metrics) for key, metrics in asked.items() if not _is_pattern(key)],
    }
    path = f"{FOLDER}/{spec.environment.name}/cloudwatch.yaml"
    template = "monitoring/scraping/cloudwatch.yaml.j2"
    yield Artifact(path, "monitoring", template, context, "cloud", spec.environment.name)


def unknown(spec: Spec) -> list[str]:
    """Series that rules read and this exporter would not be asked for; the tests hold it to none."""
    return [name for name, _, _ in _read(spec) if _metric(name) is None]


def _read(spec: Spec) -> Iterator[tuple[str, str, Recording]]:
    for group in groups(spec):
        for recording in group.recordings:
            for match in _SELECTOR.finditer(recording.expr):
                yield match[1], match[2], recording


def _metric(series: str) -> tuple[str, str, str, int] | None:
    name, _, statistic = series.rpartition("_")
    if name not in _METRICS or statistic not in _STATISTICS:
        return None
    namespace, metric, period = _METRICS[name]
    return namespace, metric, _STATISTICS[statistic], period


def _asked(spec: Spec) -> Asked:
    """(CloudWatch's namespace, dimensions) -> (metric, statistic) -> the rule that reads it."""
    made: Asked = {}
    for series, selector, recording in _read(spec):
        known = _metric(series)
        dimensions = tuple((match[1], match[2], match[3]) for match in _DIMENSION.finditer(selector))
        if known is not None and dimensions:
            made.setdefault((known[0], dimensions), {}).setdefault((known[1], known[2]), recording)
    return made


def _is_pattern(key: tuple[str, tuple[tuple[str, str, str], ...]]) -> bool:
    return any(operator == "=~" for _, operator, _ in key[1])


def _fixed(
    spec: Spec, key: tuple[str, tuple[tuple[str, str, str], ...]], metrics: dict[tuple[str, str], Recording]
) -> dict[str, Any]:
    namespace, dimensions = key
    causes = next(iter(metrics.values())).causes
    return {
        "name": because("-".join([namespace.removeprefix("AWS/").lower(), dimensions[-1][2]]), *causes),
        "namespace": because(namespace, *causes),
        "regions": [because(spec.cloud.region if spec.cloud else None, "cloud.region")],
        "dimensions": [
            {"name": because(name, *causes), "value": because(value, *causes)} for name, _, value in dimensions
        ],
        "metrics": _values(namespace, metrics),
    }


def _found(
    spec: Spec, key: tuple[str, tuple[tuple[str, str, str], ...]], metrics: dict[tuple[str, str], Recording]
) -> dict[str, Any]:
    namespace, dimensions = key
    causes = next(iter(metrics.values())).causes
    tags = {
        "app": because(f"^{re.escape(spec.app)}$", "app"),
        "environment": because(f"^{re.escape(spec.environment.name)}$", spec.environment.path),
    }
    return {
        "type": because(namespace, *causes),
        "regions": [because(spec.cloud.region if spec.cloud else None, "cloud.region")],
        "searchTags": [{"key": name, "value": value} for name, value in tags.items()],
        "dimensionNameRequirements": [because(name, *causes) for name, _, _ in dimensions],
        "metrics": _values(namespace, metrics),
    }


def _values(namespace: str, metrics: dict[tuple[str, str], Recording]) -> list[dict[str, Any]]:
    """Two periods are asked for, since CloudWatch is a period late."""
    periods = {(known[0], known[1]): known[2] for known in _METRICS.values()}
    made = []
    for (name, statistic), recording in metrics.items():
        period = periods[namespace, name]
        body = {
            "name": because(name, *recording.causes),
            "statistics": [statistic],
            "period": period,
            "length": 5 * period if period == _MINUTE else 2 * period,
            "nilToZero": statistic == "Sum",
        }
        made.append(body)
    return made
