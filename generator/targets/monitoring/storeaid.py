"""Commands of runbooks about databases, caches and queues: the cloud's own, or the store's own tools."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from generator.model import Resource, Spec
from generator.names import LIMIT, cut

_DAY = '--start-time "$(date -u -d -3hours +%FT%TZ)" --end-time "$(date -u +%FT%TZ)" --period 300'


def commands(specs: Mapping[str, Spec], name: str) -> tuple[tuple[str, ...], dict[str, str], str]:
    """Lines that set the variables, commands by what they are for, and who offers the store: `aws` or `own`."""
    last = list(specs.values())[-1]
    resource = last.resources[name]
    on_aws = last.cloud is not None and last.cloud.provider == "aws" and resource.type in _AWS
    if not on_aws:
        spaces = {key: spec.namespace for key, spec in specs.items()}
        return (assigned("NAMESPACE", spaces),), {**_QUERIES.get(resource.type, _PLAIN), **_users(last, name)}, "own"
    limit = 40 if resource.type == "valkey" else LIMIT
    tail = ".fifo" if resource.type == "queue" and resource.ordered else ""
    names = {key: cut(f"{spec.app}-{key}-{name}", limit) + tail for key, spec in specs.items()}
    regions = {key: spec.cloud.region or "" for key, spec in specs.items() if spec.cloud is not None}
    lines = [assigned("export AWS_REGION", regions), assigned("STORE", names)]
    if tail or resource.type == "queue":
        dead = {key: cut(f"{spec.app}-{key}-{name}", limit) + f"-dead-letters{tail}" for key, spec in specs.items()}
        lines.append(assigned("DEAD", dead))
    maker = _AWS[resource.type]
    return tuple(lines), {**maker(resource), **_QUERIES.get(resource.type, _PLAIN), **_users(last, name)}, "aws"


def assigned(name: str, values: Mapping[str, str]) -> str:
    """`NAMESPACE=shop-prod  # dev: shop-dev`: the last environment's value, and what it is elsewhere."""
    environment, value = list(values.items())[-1]
    others = [f"{key}: {other}" for key, other in values.items() if key != environment and other != value]
    return f"{name}={shlex.quote(value)}{'  # ' + ', '.join(others) if others else ''}"


def _users(spec: Spec, name: str) -> dict[str, str]:
    """Stopping the service that loads a store most is the quickest relief; which one is for the reader to say."""
    users = [service.name for service in spec.users(name)]
    return {"users": ", ".join(users) or "nobody in the spec"}


def _figure(space: str, metric: str, dimension: str, statistic: str) -> str:
    return (
        f"aws cloudwatch get-metric-statistics --namespace {space} --metric-name {metric} "
        f'--dimensions Name={dimension},Value="$STORE" {_DAY} --statistics {statistic} '
        "--query 'sort_by(Datapoints,&Timestamp)[].[Timestamp," + statistic + "]' --output text"
    )


def _rds(resource: Resource) -> dict[str, str]:
    cluster = bool(resource.aurora)
    what, flag = ("db-cluster", "DBClusterIdentifier") if cluster else ("db-instance", "DBInstanceIdentifier")
    which = f'--{what}-identifier "$STORE"'
    fields = (
        "DBClusters[0].[Status,Engine,EngineVersion,DBClusterMembers[].[DBInstanceIdentifier,IsClusterWriter]]"
        if cluster
        else "DBInstances[0].[DBInstanceStatus,DBInstanceClass,AllocatedStorage,MaxAllocatedStorage,MultiAZ]"
    )
    failover = (
        f"aws rds failover-db-cluster {which}" if cluster else f"aws rds reboot-db-instance {which} --force-failover"
    )
    source = "db-cluster" if cluster else "db-instance"
    instance = 'aws rds modify-db-instance --db-instance-identifier "$STORE"'
    made = {
        "state": f"aws rds describe-{what}s {which} --query '{fields}'",
        "events": f'aws rds describe-events --source-type {source} --source-identifier "$STORE" --duration 1440',
        "cpu": _figure("AWS/RDS", "CPUUtilization", flag, "Maximum"),
        "connections": _figure("AWS/RDS", "DatabaseConnections", flag, "Maximum"),
        "storage": _figure("AWS/RDS", "FreeStorageSpace", flag, "Minimum"),
        "lag": _figure("AWS/RDS", "ReplicaLag", flag, "Maximum"),
        "failover": failover,
        "grow": f'{instance} --allocated-storage "$GIGABYTES" --apply-immediately',
        "larger": f'{instance} --db-instance-class "$CLASS" --apply-immediately',
    }
    if cluster:
        del (
            made["grow"],
            made["larger"],
        )  # storage of a cluster grows by itself, and its members have names of their own
    return made


def _elasticache(_resource: Resource) -> dict[str, str]:
    which = '--replication-group-id "$STORE"'
    space, dimension = "AWS/ElastiCache", "CacheClusterId"
    members = "NodeGroups[].NodeGroupMembers[].[CacheClusterId,CurrentRole]"
    query = f"ReplicationGroups[0].[Status,CacheNodeType,MultiAZ,{members}]"
    first = '"$STORE-001"'
    first_one = f"--source-identifier {first}"
    modify = f"aws elasticache modify-replication-group {which}"
    return {
        "state": f"aws elasticache describe-replication-groups {which} --query '{query}'",
        "events": f"aws elasticache describe-events --source-type cache-cluster {first_one} --duration 1440",
        "cpu": _figure(space, "EngineCPUUtilization", dimension, "Maximum").replace('"$STORE"', first),
        "memory": _figure(space, "DatabaseMemoryUsagePercentage", dimension, "Maximum").replace('"$STORE"', first),
        "evictions": _figure(space, "Evictions", dimension, "Sum").replace('"$STORE"', first),
        "connections": _figure(space, "CurrConnections", dimension, "Maximum").replace('"$STORE"', first),
        "failover": f"aws elasticache test-failover {which} --node-group-id 0001",
        "larger": f'{modify} --cache-node-type "$NODE_TYPE" --apply-immediately',
    }


def _sqs(_resource: Resource) -> dict[str, str]:
    address = '--queue-url "$(aws sqs get-queue-url --queue-name "{}" --query QueueUrl --output text)"'
    own, dead = address.format("$STORE"), address.format("$DEAD")
    arn = f"$(aws sqs get-queue-attributes {dead} --attribute-names QueueArn --query Attributes.QueueArn --output text)"
    return {
        "state": f"aws sqs get-queue-attributes {own} --attribute-names All",
        "dead": f"aws sqs get-queue-attributes {dead} --attribute-names ApproximateNumberOfMessages",
        "look": f"aws sqs receive-message {dead} --max-number-of-messages 5 --visibility-timeout 0",
        "redrive": f'aws sqs start-message-move-task --source-arn "{arn}" --max-number-of-messages-per-second 10',
        "redriven": f'aws sqs list-message-move-tasks --source-arn "{arn}"',
        "age": _figure("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "Maximum"),
        "taken": _figure("AWS/SQS", "NumberOfMessagesDeleted", "QueueName", "Sum"),
        "sent": _figure("AWS/SQS", "NumberOfMessagesSent", "QueueName", "Sum"),
    }


def _other(resource: Resource) -> dict[str, str]:
    tag = f"Key=service,Values={shlex.quote(resource.name)}"
    return {"state": f"aws resourcegroupstaggingapi get-resources --tag-filters {tag}"}


_AWS = {"postgres": _rds, "mysql": _rds, "valkey": _elasticache, "queue": _sqs, "bucket": _other, "topic": _other}

_PLAIN: dict[str, str] = {}
_POSTGRES = {
    "sessions": "SELECT state, application_name, count(*) FROM pg_stat_activity GROUP BY 1, 2 ORDER BY 3 DESC;",
    "slowest": "SELECT pid, now() - query_start AS lasts, state, left(query, 80) FROM pg_stat_activity "
    "WHERE state <> 'idle' ORDER BY query_start LIMIT 10;",
    "locks": "SELECT pid, pg_blocking_pids(pid) AS waits_for, left(query, 80) FROM pg_stat_activity "
    "WHERE cardinality(pg_blocking_pids(pid)) > 0;",
    "largest": "SELECT relname, pg_size_pretty(pg_total_relation_size(relid)) FROM pg_statio_user_tables "
    "ORDER BY pg_total_relation_size(relid) DESC LIMIT 10;",
    "slots": "SELECT slot_name, active, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) "
    "FROM pg_replication_slots;",
    "replicas": "SELECT application_name, state, replay_lag FROM pg_stat_replication;",
    "end": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' "
    "AND now() - state_change > interval '10 minutes';",
}
_MYSQL = {
    "sessions": "SELECT user, command, count(*) FROM information_schema.processlist GROUP BY 1, 2 ORDER BY 3 DESC;",
    "slowest": "SELECT id, time, state, left(info, 80) FROM information_schema.processlist "
    "WHERE command <> 'Sleep' ORDER BY time DESC LIMIT 10;",
    "locks": "SELECT waiting_pid, blocking_pid, wait_age, left(waiting_query, 80) FROM sys.innodb_lock_waits;",
    "largest": "SELECT table_schema, table_name, round((data_length + index_length) / 1048576) AS megabytes "
    "FROM information_schema.tables ORDER BY 3 DESC LIMIT 10;",
    "slots": "SHOW BINARY LOGS;",
    "replicas": "SHOW REPLICA STATUS;",
    "end": "KILL <id>;",
}
_VALKEY = {
    "info": "INFO memory",
    "stats": "INFO stats",
    "clients": "CLIENT LIST",
    "slow": "SLOWLOG GET 10",
    "biggest": "valkey-cli --bigkeys",
    "policy": "CONFIG GET maxmemory*",
}
_QUERIES: Mapping[str, dict[str, str]] = {"postgres": _POSTGRES, "mysql": _MYSQL, "valkey": _VALKEY}
