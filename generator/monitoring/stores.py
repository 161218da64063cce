"""Signals of databases, caches and queues: from CloudWatch on AWS, from an exporter beside the store elsewhere.

What nothing measures is not there: an alert on it would be silent for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from generator.model import Resource, Spec
from generator.monitoring.alert import Alert
from generator.monitoring.signal import Feed, Signal, Subject, Threshold, counter, gauge, selector, share, watched
from generator.names import LIMIT, cut
from generator.quantity import byte_count, seconds

_SHARE = 0.8
_LEFT = 0.1
_OLD_SECONDS, _DEEP = 900, 1000
_ONE_CONNECTION_BYTES = 9_531_392
_MOST_CONNECTIONS = 5000
"""RDS gives PostgreSQL a connection for each so many bytes of memory, and no more than this:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections"""
_ONE_MYSQL_CONNECTION_BYTES = 12_582_880


def of_resource(subject: Subject, resource: Resource) -> Iterator[Signal]:
    """What can be measured of a resource where it runs."""
    provider = subject.spec.cloud.provider if subject.spec.cloud is not None else "none"
    maker = (_ON_AWS if provider == "aws" else _BESIDE if provider == "none" else {}).get(resource.type)
    if maker is not None:
        yield from maker(subject, resource)


def cloud_name(spec: Spec, resource: Resource) -> str:
    """What the cloud calls it, as the Terraform of the same spec does."""
    return cut(f"{spec.app}-{spec.environment.name}-{resource.name}", 40 if resource.type == "valkey" else LIMIT)


def _one(
    subject: Subject, resource: Resource, key: str, title: str, unit: str, expr: str, feed: Feed, description: str
) -> Signal:
    return Signal(
        subject=subject,
        key=key,
        title=title,
        unit=unit,
        record=f"resource:{key}:{'ratio' if unit == 'percentunit' else 'value'}",
        expr=expr,
        feed=feed,
        description=description,
        causes=(resource.path,),
    )


def _rds(subject: Subject, resource: Resource) -> Iterator[Signal]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html"""
    name = cloud_name(subject.spec, resource)
    where = {"dimension_DBClusterIdentifier" if resource.aurora else "dimension_DBInstanceIdentifier": name}
    at = selector(where)
    cpu, open_ = "aws_rds_cpuutilization_average", "aws_rds_database_connections_average"
    yield _one(
        *(subject, resource, "cpu", "CPU", "percentunit", f"max({cpu}{at}) / 100", gauge(cpu, where, 100)),
        "CPU of the database's instance.",
    )
    yield _one(
        *(subject, resource, "connections", "Connections", "short", f"max({open_}{at})", gauge(open_, where)),
        "Open connections.",
    )
    most = most_connections(resource)
    if most:
        yield _one(
            *(subject, resource, "connections_share", "Connections, share of the most", "percentunit"),
            *(f"max({open_}{at}) / {most}", gauge(open_, where, most)),
            f"Open connections out of the {most} that the instance's memory allows.",
        )
    if not resource.aurora and resource.size is not None and resource.size.storage is not None:
        free, whole = "aws_rds_free_storage_space_average", byte_count(resource.size.storage)
        yield _one(
            *(subject, resource, "storage_free", "Free storage", "bytes", f"min({free}{at})", gauge(free, where)),
            f"Of {resource.size.storage}.",
        )
        yield _one(
            *(subject, resource, "storage_share", "Free storage, share", "percentunit"),
            *(f"min({free}{at}) / {whole}", gauge(free, where, whole)),
            f"Of {resource.size.storage}.",
        )
    lag = "aws_rds_replica_lag_maximum"
    yield _one(
        *(subject, resource, "replication_lag", "Replication lag", "s", f"max({lag}{at})", gauge(lag, where)),
        "How far the slowest replica is behind.",
    )


def most_connections(resource: Resource) -> int:
    """What the engine allows by default at the memory of its size; 0 when nobody says how large it is."""
    if resource.size is None or resource.size.memory is None:
        return 0
    one = _ONE_CONNECTION_BYTES if resource.type == "postgres" else _ONE_MYSQL_CONNECTION_BYTES
    return min(byte_count(resource.size.memory) // one, _MOST_CONNECTIONS)


def _elasticache(subject: Subject, resource: Resource) -> Iterator[Signal]:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html"""
    name = cloud_name(subject.spec, resource)
    at = selector({}, f'dimension_CacheClusterId=~"{name}-[0-9]+"')
    where = {"dimension_CacheClusterId": f"{name}-001"}
    for key, metric, title, says in (
        ("cpu", "aws_elasticache_engine_cpuutilization_average", "CPU", "CPU of the busiest node's engine."),
        (
            *("memory", "aws_elasticache_database_memory_usage_percentage_average", "Memory"),
            "Memory of the fullest node that holds data.",
        ),
    ):
        yield _one(
            subject, resource, key, title, "percentunit", f"max({metric}{at}) / 100", gauge(metric, where, 100), says
        )
    for key, metric, title, says in (
        ("connections", "aws_elasticache_curr_connections_average", "Connections", "Open connections."),
        ("evictions", "aws_elasticache_evictions_sum", "Evictions", "Entries thrown out to make room."),
    ):
        yield _one(subject, resource, key, title, "short", f"sum({metric}{at})", gauge(metric, where), says)


def _sqs(subject: Subject, resource: Resource) -> Iterator[Signal]:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"""
    name, tail = cloud_name(subject.spec, resource), ".fifo" if resource.ordered else ""
    age, seen = (
        "aws_sqs_approximate_age_of_oldest_message_maximum",
        "aws_sqs_approximate_number_of_messages_visible_maximum",
    )
    own, dead = {"dimension_QueueName": f"{name}{tail}"}, {"dimension_QueueName": f"{name}-dead-letters{tail}"}
    yield _one(
        *(subject, resource, "oldest_message_age", "Age of the oldest message", "s"),
        *(f"max({age}{selector(own)})", gauge(age, own), "How long the first in the queue has been waiting."),
    )
    yield _one(
        *(subject, resource, "depth", "Waiting messages", "short", f"max({seen}{selector(own)})", gauge(seen, own)),
        "Messages that nobody has taken yet.",
    )
    if resource.dead_letter_after:
        yield _one(
            *(subject, resource, "dead_letters", "Dead letters", "short"),
            *(f"max({seen}{selector(dead)})", gauge(seen, dead)),
            f"Messages that {resource.dead_letter_after} attempts could not handle.",
        )


def _postgres(subject: Subject, resource: Resource) -> Iterator[Signal]:
    """https://github.com/prometheus-community/postgres_exporter"""
    where = _beside(subject, resource)
    used, most, lag = "pg_stat_activity_count", "pg_settings_max_connections", "pg_replication_lag_seconds"
    yield _up(subject, resource, "pg_up", where)
    yield _one(
        *(subject, resource, "connections", "Connections", "short"),
        *(f"sum({used}{selector(where)})", gauge(used, where)),
        "Open connections.",
    )
    yield _one(
        *(subject, resource, "connections_share", "Connections, share of the most", "percentunit"),
        *(f"sum({used}{selector(where)})\n/ max({most}{selector(where)})", share(used, most, where)),
        "Open connections out of those the server allows.",
    )
    yield _one(
        *(
            subject,
            resource,
            "replication_lag",
            "Replication lag",
            "s",
            f"max({lag}{selector(where)})",
            gauge(lag, where),
        ),
        "How far the slowest replica is behind.",
    )


def _mysql(subject: Subject, resource: Resource) -> Iterator[Signal]:
    """https://github.com/prometheus/mysqld_exporter"""
    where = _beside(subject, resource)
    used, most = "mysql_global_status_threads_connected", "mysql_global_variables_max_connections"
    yield _up(subject, resource, "mysql_up", where)
    yield _one(
        *(subject, resource, "connections", "Connections", "short"),
        *(f"sum({used}{selector(where)})", gauge(used, where)),
        "Open connections.",
    )
    yield _one(
        *(subject, resource, "connections_share", "Connections, share of the most", "percentunit"),
        *(f"sum({used}{selector(where)})\n/ max({most}{selector(where)})", share(used, most, where)),
        "Open connections out of those the server allows.",
    )


def _redis(subject: Subject, resource: Resource) -> Iterator[Signal]:
    """https://github.com/oliver006/redis_exporter, which serves Valkey as well"""
    where = _beside(subject, resource)
    used, most = "redis_memory_used_bytes", "redis_memory_max_bytes"
    open_, thrown = "redis_connected_clients", "redis_evicted_keys_total"
    yield _up(subject, resource, "redis_up", where)
    yield _one(
        *(subject, resource, "memory", "Memory, share of the most", "percentunit"),
        *(f"max({used}{selector(where)})\n/ (max({most}{selector(where)}) > 0)", share(used, most, where)),
        "Memory in use out of what it may take.",
    )
    yield _one(
        *(
            subject,
            resource,
            "connections",
            "Connections",
            "short",
            f"sum({open_}{selector(where)})",
            gauge(open_, where),
        ),
        "Open connections.",
    )
    yield _one(
        *(subject, resource, "evictions", "Evictions", "short", f"sum(increase({thrown}{selector(where)}[5m]))"),
        lambda value, minutes: (counter(thrown, where, value / 5, minutes),),
        "Entries thrown out within five minutes to make room.",
    )


def _beside(subject: Subject, resource: Resource) -> dict[str, str]:
    """The labels that the scrape of an exporter gives it."""
    return {"job": resource.name, "namespace": subject.spec.namespace}


def _up(subject: Subject, resource: Resource, metric: str, where: dict[str, str]) -> Signal:
    return _one(
        *(subject, resource, "up", "Answers", "short", f"max({metric}{selector(where)})", gauge(metric, where)),
        "1 while the store answers its exporter.",
    )


_ON_AWS = {"postgres": _rds, "mysql": _rds, "valkey": _elasticache, "queue": _sqs}
_BESIDE = {"postgres": _postgres, "mysql": _mysql, "valkey": _redis}


def alerts(resource: Resource, signals: Mapping[str, Signal]) -> Iterator[Alert]:
    """Thresholds on what there is."""
    for key, what in _thresholds(resource):
        if key in signals:
            yield watched(signals[key], what)


def _thresholds(resource: Resource) -> Iterator[tuple[str, Threshold]]:
    name, database = resource.name, resource.type in {"postgres", "mysql"}
    full = f"{name} uses {{value}} of "
    down = f"{name} does not answer"
    yield "up", Threshold("StoreDown", "<", 1, "2m", "page", "store-down", down, f"{down} its exporter.", 0, 1)
    guide = "database-cpu" if database else "cache-cpu"
    yield (
        "cpu",
        Threshold("StoreBusy", ">", _SHARE, "15m", "ticket", guide, f"{name} is short of CPU", f"{full}its CPU."),
    )
    if database:
        text = f"{full}the connections it allows; the next are refused."
        few = f"{name} runs out of connections"
        yield (
            "connections_share",
            Threshold("ConnectionsNearLimit", ">", _SHARE, "5m", "ticket", "database-connections", few, text),
        )
        text = f"Only {{value}} of the storage of {name} is free; a full database stops."
        little = f"{name} is nearly full"
        yield "storage_share", Threshold("StorageFilling", "<", _LEFT, "15m", "page", "database-storage", little, text)
        limit = seconds(resource.backup.every) if resource.backup is not None else _OLD_SECONDS
        text = f"A replica of {name} is {{value}} behind; what it lacks is lost in a failover."
        cause = (f"{resource.path}.backup.every",) if resource.backup is not None else (resource.path,)
        yield (
            "replication_lag",
            Threshold(
                *("ReplicationLagging", ">", min(limit, _OLD_SECONDS), "15m", "ticket", "replication-lag"),
                *(f"a replica of {name} is behind", text),
                causes=cause,
            ),
        )
    else:
        text = f"{full}its memory; when it is full, entries are thrown out."
        yield (
            "memory",
            Threshold("CacheFilling", ">", _SHARE, "15m", "ticket", "cache-memory", f"{name} is nearly full", text),
        )
        text = f"{name} threw out {{value}} entries within five minutes."
        evicting = f"{name} throws out entries"
        yield "evictions", Threshold("CacheEvicting", ">", 100, "15m", "info", "cache-evictions", evicting, text)
    yield from _queues(resource)


def _queues(resource: Resource) -> Iterator[tuple[str, Threshold]]:
    name = resource.name
    text = f"The oldest message of {name} has waited {{value}}."
    yield (
        "oldest_message_age",
        Threshold(
            "QueueOld", ">", _OLD_SECONDS, "5m", "ticket", "queue-old", f"messages of {name} wait too long", text
        ),
    )
    text = f"{{value}} messages wait in {name}."
    yield "depth", Threshold("QueueDeep", ">", _DEEP, "15m", "info", "queue-deep", f"{name} is filling", text)
    text = f"{{value}} messages of {name} could not be handled and were set aside."
    letters = f"{name} has dead letters"
    yield (
        "dead_letters",
        Threshold("DeadLetters", ">", 0, "5m", "ticket", "dead-letters", letters, text, beyond=1, within=0),
    )
