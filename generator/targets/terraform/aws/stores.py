"""Resources of the spec as calls of modules, and what a service that uses one may do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from generator import aws, data
from generator.artifact import because
from generator.filters import hcl
from generator.model import Resource, Service, Spec
from generator.quantity import byte_count, millicores, seconds
from generator.targets.terraform.aws.platform import (
    audit_days,
    days,
    log_days,
    protect,
    replica_region,
    zone_call,
    zone_of,
)
from generator.targets.terraform.aws.site import Site, follows, stands_by
from generator.targets.terraform.call import Call, Expression, identifier

MODULES = {
    "postgres": "database",
    "mysql": "database",
    "valkey": "cache",
    "queue": "queue",
    "topic": "topic",
    "bucket": "bucket",
    "cdn": "cdn",
}
"""The module behind a resource type."""

PORTS = {"postgres": 5432, "mysql": 3306, "valkey": 6379}
"""Types that are reached inside the network, and their port."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 24 * 60
_GIB = 2**30
_LEAST_STORAGE_GIB = 20
_GROWTH = 4


def calls(site: Site, second: Site | None) -> dict[str, Call]:
    """The call of each resource in a region; what the second region does not need is not there."""
    made: dict[str, Call] = {}
    for name, resource in site.spec.resources.items():
        make = _MAKERS.get(resource.type)
        if make is not None and (not site.suffix or _copied(resource, site)):
            made[name] = make(site, resource, second)
    return made


def _copied(resource: Resource, site: Site) -> bool:
    """Whether a resource exists in the second region too."""
    if resource.type in {"postgres", "mysql"}:
        return follows(site.spec)
    if resource.type == "bucket":
        return bool(resource.replicate) or site.role != ""
    return site.role != "" and resource.type != "cdn"


def clients(site: Site, resource: Resource) -> dict[str, Any]:
    """Security groups that may reach a store, by the name of the service; a cluster's pods share one."""
    users = list(site.spec.users(resource.name)) if not site.suffix or stands_by(site.spec) else []
    if site.spec.platform.compute != "ecs":
        group = site.cluster.get("security_group_id")
        return {"cluster": because(_bare(group), *[f"{user.path}.uses" for user in users])} if users and group else {}
    groups = {}
    for user in users:
        groups[user.name] = because(Expression(f"{workload(site, user)}.security_group_id"), f"{user.path}.uses")
        if user.migrate:
            address = site.module("job", user.name, "migrate")
            groups[f"{user.name}-migrate"] = because(Expression(f"{address}.security_group_id"), user.at("migrate"))
    return groups


def workload(site: Site, service: Service) -> str:
    """The address of the call that runs a service."""
    return site.module("job" if service.type in {"cron", "job"} else "service", service.name)


def _bare(value: Any) -> Any:
    return getattr(value, "value", value)


def _database(site: Site, resource: Resource, second: Site | None) -> Call:
    spec, size = site.spec, resource.size
    assert size is not None and size.cpu is not None and size.memory is not None and size.storage is not None  # noqa: S101, PT018
    aurora = bool(resource.aurora)
    kind = aws.database_class(millicores(size.cpu), byte_count(size.memory), aurora=aurora)
    gib = max(-(-byte_count(size.storage) // _GIB), _LEAST_STORAGE_GIB)
    start, end = window(spec)
    plan = resource.backup
    arguments: dict[str, Any] = {
        "name": site.name(resource.name),
        "engine": because(resource.type, resource.at("type")),
        "engine_version": _version(resource),
        "aurora": because(True, resource.at("aurora")) if aurora else None,
        "instance_class": because(kind, size.at("cpu"), size.at("memory")),
        "storage_gib": None if aurora else because(gib, size.at("storage")),
        "max_storage_gib": None if aurora else because(gib * _GROWTH, size.at("storage")),
        "multi_az": because(bool(resource.highly_available), resource.at("highly_available")),
        "reader_count": because(1, resource.at("highly_available")) if aurora and resource.highly_available else None,
        "vpc_id": site.network["vpc_id"],
        "subnet_ids": site.network["data_subnet_ids"],
        "clients": clients(site, resource),
        "port": because(PORTS[resource.type], resource.at("type")),
        "database_name": because(spec.app.replace("-", "_"), "app"),
        "credentials": because(resource.credentials, resource.at("credentials")),
        "connection_secret_name": connection_secret(site, resource),
        "kms_key_arn": site.key,
        "backup_retention_days": because(min(days(plan.keep), 35), plan.at("keep")) if plan else None,
        "backup_window": because(_hours_before(start, 2), "delivery.maintenance_window"),
        "maintenance_window": because(f"{start}-{end}", "delivery.maintenance_window"),
        "log_retention_days": log_days(spec),
        "replica_region": replica_region(site, second),
        "protect": protect(spec),
    }
    if follows(spec):
        arguments |= _following(site, resource, aurora=aurora)
    return site.call(("database", resource.name), "database", "resources", resource.path, arguments)


def _following(site: Site, resource: Resource, *, aurora: bool) -> dict[str, Any]:
    """What makes the database of the second region follow that of the first; its password comes by a copied secret."""
    plan = site.spec.disaster_recovery
    cause = plan.at("strategy") if plan else resource.path
    if not site.suffix:
        return {"global_cluster": because(True, cause)} if aurora else {}
    first = f"module.{identifier('database', resource.name)}"
    source = (
        {"global_cluster_id": because(Expression(f"{first}.global_cluster_id"), cause)}
        if aurora
        else {"replicate_source_arn": because(Expression(f"{first}.arn"), cause)}
    )
    secret = because(Expression(f"{first}.connection_secret_arn"), cause)
    return {**source, "source_connection_secret_arn": secret}


def _version(resource: Resource) -> Any:
    """The engine's version: what the spec says, else the line that runs on developers' machines."""
    if resource.version:
        return because(resource.version, resource.at("version"))
    default = data.load("schemas/data/runtimes.json")["images"][resource.type]["default"]
    return because(default, resource.at("type"))


def connection_secret(site: Site, resource: Resource) -> Any:
    """`<app>/<environment>/<resource>`: the name under which workloads read what is known only after apply.

    In the second region that of a database is taken by the copy of the first one's.
    """
    behind = f"-{site.suffix}" if site.suffix and resource.type in {"postgres", "mysql"} else ""
    return because(f"{site.secret_prefix}/{resource.name}{behind}", resource.path)


def window(spec: Spec) -> tuple[str, str]:
    """The maintenance window as RDS writes it, `sun:03:00` and `sun:05:00`, in UTC.

    A window in another time zone is moved by its offset in winter; RDS knows no time zones.
    """
    import datetime
    import zoneinfo

    day, hours, zone = spec.delivery.maintenance_window.split(" ")
    start, end = (int(text[:2]) * 60 + int(text[3:]) for text in hours.split("-"))
    try:
        shift = datetime.datetime(2026, 1, 15, tzinfo=zoneinfo.ZoneInfo(zone)).utcoffset()
    except zoneinfo.ZoneInfoNotFoundError:
        shift = None  # of UTC where there is no list of zones; any other name was refused before
    begin = _DAYS.index(day) * _DAY + start - int((shift.total_seconds() if shift else 0) // 60)
    return _moment(begin), _moment(begin + ((end - start) % _DAY or _DAY))


def _moment(minutes: int) -> str:
    """Minutes since Monday as `mon:03:00`."""
    days_, rest = divmod(minutes % (7 * _DAY), _DAY)
    return f"{_DAYS[days_]}:{rest // 60:02}:{rest % 60:02}"


def _hours_before(start: str, hours: int) -> str:
    """A daily window of an hour that ends before the maintenance window begins: `00:30-01:30`."""
    hour, minute = (int(part) for part in start.split(":")[1:])
    begin = (hour * 60 + minute - hours * 60) % 1440
    end = (begin + 60) % 1440
    return f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"


def _cache(site: Site, resource: Resource, second: Site | None) -> Call:
    size, spec, plan = resource.size, site.spec, resource.backup
    assert size is not None and size.memory is not None  # noqa: S101, PT018
    start, end = window(spec)
    arguments = {
        "name": site.name(resource.name, limit=40),
        "engine_version": _version(resource),
        "node_type": because(aws.cache_node(byte_count(size.memory)), size.at("memory")),
        "replicas": because(1 if resource.highly_available else 0, resource.at("highly_available")),
        "vpc_id": site.network["vpc_id"],
        "subnet_ids": site.network["data_subnet_ids"],
        "clients": clients(site, resource),
        "connection_secret_name": connection_secret(site, resource),
        "kms_key_arn": site.key,
        "snapshot_retention_days": because(min(days(plan.keep), 35), plan.at("keep")) if plan else None,
        "snapshot_window": because(_hours_before(start, 2), "delivery.maintenance_window"),
        "maintenance_window": because(f"{start}-{end}", "delivery.maintenance_window"),
        "log_retention_days": log_days(spec),
        "replica_region": replica_region(site, second) if not site.role else None,
        "protect": protect(spec),
    }
    return site.call(("cache", resource.name), "cache", "resources", resource.path, arguments)


def _queue(site: Site, resource: Resource, second: Site | None) -> Call:
    arguments = {
        "name": site.name(resource.name),
        "fifo": because(True, resource.at("ordered")) if resource.ordered else None,
        "visibility_seconds": because(seconds(resource.visibility), resource.at("visibility"))
        if resource.visibility
        else None,
        "dead_letter_after": because(resource.dead_letter_after, resource.at("dead_letter_after")),
        "connection_secret_name": connection_secret(site, resource),
        "kms_key_arn": site.key,
        "replica_region": replica_region(site, second) if not site.role else None,
        "protect": protect(site.spec),
    }
    return site.call(("queue", resource.name), "queue", "resources", resource.path, arguments)


def _topic(site: Site, resource: Resource, second: Site | None) -> Call:
    arguments = {
        "name": site.name(resource.name),
        "fifo": because(True, resource.at("ordered")) if resource.ordered else None,
        "connection_secret_name": connection_secret(site, resource),
        "kms_key_arn": site.key,
        "replica_region": replica_region(site, second) if not site.role else None,
        "protect": protect(site.spec),
    }
    return site.call(("topic", resource.name), "topic", "resources", resource.path, arguments)


def _bucket(site: Site, resource: Resource, second: Site | None) -> Call:
    replication = None
    if resource.replicate and second is not None and not site.suffix:
        target = second.module("bucket", resource.name)
        keys = {"bucket_arn": Expression(f"{target}.arn"), "kms_key_arn": second.key}
        replication = because(keys, resource.at("replicate"))
    arguments = {
        "name": site.name(resource.name),
        "versioned": because(bool(resource.versioned), resource.at("versioned")),
        "expire_days": because(days(resource.expire), resource.at("expire")) if resource.expire else None,
        "log_bucket_name": Expression(f"{site.module('observability')}.log_bucket_name"),
        "kms_key_arn": site.key,
        "distributions": _readers(site, resource) or None,
        "replication": replication,
        "connection_secret_name": connection_secret(site, resource),
        "replica_region": replica_region(site, second) if not site.role else None,
        "protect": protect(site.spec),
    }
    return site.call(("bucket", resource.name), "bucket", "resources", resource.path, arguments)


def _readers(site: Site, resource: Resource) -> dict[str, Any]:
    """Content networks that hand out a bucket's files."""
    return {
        other.name: because(Expression(f"{site.module('cdn', other.name)}.reader_arn"), other.at("origin"))
        for other in site.spec.resources.values()
        if other.type == "cdn" and other.origin == resource.name and not site.suffix
    }


def _cdn(site: Site, resource: Resource, second: Site | None) -> Call:
    del second
    spec = site.spec
    origin = spec.resources.get(resource.origin or "")
    bucket = None
    if origin is not None and origin.type == "bucket":
        address = site.module("bucket", origin.name)
        names = ("name", "arn", "domain_name")
        bucket = because({name: Expression(f"{address}.{name}") for name in names}, resource.at("origin"))
    hosts = {}
    if resource.host:
        zone = Expression(f"{site.module(*zone_call(site, zone_of(resource.host, site)[0]))}.zone_id")
        hosts[resource.host] = because(zone, resource.at("host"))
    arguments = {
        "name": site.name(resource.name),
        "hosts": hosts,
        "origin_bucket": bucket,
        "log_bucket_domain_name": Expression(f"{site.module('observability')}.log_bucket_domain_name"),
        "kms_key_arn": site.key,
        "audit_retention_days": audit_days(spec),
        "protect": protect(spec),
    }
    call = site.call(("cdn", resource.name), "cdn", "resources", resource.path, arguments)
    providers = {"aws": "aws", "aws.us_east_1": "aws.us_east_1"}
    return Call(call.name, call.module, call.file, call.origin, call.arguments, providers)


_MAKERS: Mapping[str, Callable[[Site, Resource, Site | None], Call]] = {
    "postgres": _database,
    "mysql": _database,
    "valkey": _cache,
    "queue": _queue,
    "topic": _topic,
    "bucket": _bucket,
    "cdn": _cdn,
}


_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "queue": (
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
    ),
    "topic": ("sns:GetTopicAttributes", "sns:Publish"),
    "bucket": ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
    "secret": ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"),
}
"""What using a resource means to IAM; stores that are reached with a password need nothing."""


def permissions(site: Site, service: Service, stores: Mapping[str, Call]) -> dict[str, Any]:
    """Statements for a service's role, from `uses` alone."""
    made: dict[str, Any] = {}
    keyed = False
    for number, name in enumerate(service.uses):
        resource = site.spec.resources[name]
        cause = f"{service.at('uses')}[{number}]"
        if resource.type not in _ACTIONS:
            continue
        keyed = True
        arn = _arn(site, name, resource, stores)
        objects = Expression(f'"${{{arn}}}/*"') if resource.type == "bucket" else arn
        made[name] = because({"actions": list(_ACTIONS[resource.type]), "resources": [objects]}, cause)
        if resource.type == "bucket":
            made[f"{name}-list"] = because(
                {"actions": ["s3:GetBucketLocation", "s3:ListBucket"], "resources": [arn]}, cause
            )
    if keyed:
        made["key"] = because(
            {"actions": ["kms:Decrypt", "kms:GenerateDataKey"], "resources": [site.key]}, service.at("uses")
        )
    return made


def secret_arn(site: Site, name: str) -> Expression:
    """The ARN of a declared secret; that of its copy in the second region differs in the region alone."""
    first = f"module.secrets.secret_arns[{hcl(name)}]"
    if not site.suffix:
        return Expression(first)
    return Expression(f'replace({first}, ":{site.cloud.region}:", ":{site.region}:")')


def _arn(site: Site, name: str, resource: Resource, stores: Mapping[str, Call]) -> Expression:
    if resource.type == "secret":
        return secret_arn(site, name)
    return Expression(f"{stores[name].address}.arn")
