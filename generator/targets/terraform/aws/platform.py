"""What an environment stands on: network, key, cluster, registry, ways in, copies, alarms."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from generator.addresses import subnets
from generator.artifact import because
from generator.model import Public, Service, Spec
from generator.quantity import seconds
from generator.targets.terraform.aws.site import Site, follows
from generator.targets.terraform.call import Call, Expression, identifier, whole

DAY = 86_400
_LEAST_AUDIT_DAYS = 365
_WAF_WINDOW_SECONDS = 300
_STORES = ("postgres", "mysql")

Lookup = tuple[str, str, Mapping[str, Any], str]
"""A file of data sources: its name, template, context and origin."""


def days(duration: str) -> int:
    """Whole days, rounded up."""
    return -(-seconds(duration) // DAY)


def log_days(spec: Spec) -> Any:
    keep = spec.monitoring.logs
    return because(retention(days(keep.keep)), keep.at("keep"))


def audit_days(spec: Spec) -> Any:
    keep = spec.monitoring.logs
    return because(retention(max(days(keep.audit_keep), _LEAST_AUDIT_DAYS)), keep.at("audit_keep"))


def retention(wanted: int) -> int:
    """The least retention of CloudWatch Logs that keeps what is wanted.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
    """
    return next((count for count in _RETENTIONS if count >= wanted), _RETENTIONS[-1])


_RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180),
    *(365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


def protect(spec: Spec) -> Any:
    return because(spec.environment.protect, spec.environment.at("protect"))


def network(site: Site) -> tuple[Site, list[Call], list[Lookup]]:
    """The site with its network, made or found."""
    settings = site.cloud.network
    if settings.existing is not None and not site.suffix:
        return _existing_network(site)
    cause = settings.at("cidr")
    blocks = subnets(site.cidr, site.zones()) or {}
    call = site.call(
        ("network",),
        "network",
        "network",
        settings.path,
        {
            "name": site.name(),
            "cidr": because(site.cidr, cause),
            "subnets": because(blocks, cause, settings.at("zones"), site.region_cause),
            "single_nat_gateway": because(site.spec.environment.development, site.spec.environment.path),
            "kms_key_arn": site.key,
            "audit_retention_days": audit_days(site.spec),
        },
    )
    subnet_ids = ("public_subnet_ids", "private_subnet_ids", "data_subnet_ids")
    names = ("vpc_id", *subnet_ids, "endpoint_security_group_id", "s3_prefix_list_id")
    return replace(site, network={name: call.output(name, settings.path) for name in names}), [call], []


def _existing_network(site: Site) -> tuple[Site, list[Call], list[Lookup]]:
    cause = site.cloud.network.at("existing")
    tasks = site.spec.platform.compute == "ecs"
    found = {
        "vpc_id": "data.aws_vpc.this.id",
        "public_subnet_ids": "data.aws_subnets.public.ids",
        "private_subnet_ids": "data.aws_subnets.private.ids",
        "data_subnet_ids": "data.aws_subnets.data.ids",
        "vpc_cidr": "data.aws_vpc.this.cidr_block",
        "s3_prefix_list_id": "data.aws_prefix_list.s3.id",
    }
    context = {
        "network": because(site.cloud.network.existing, cause),
        "s3_service": because(f"com.amazonaws.{site.region}.s3", site.region_cause) if tasks else "",
        "tiers": ["public", "private", "data"],
    }
    lookup = ("network.tf", "aws/existing-network.tf", context, cause)
    return replace(site, network={name: because(Expression(text), cause) for name, text in found.items()}), [], [lookup]


def secrets(site: Site, second: Site | None) -> Call:
    """The environment's key and, in the first region, the secrets that the spec declares."""
    spec = site.spec
    declared = {} if site.suffix else _declared(spec)
    return site.call(
        ("secrets",),
        "secrets",
        "secrets",
        "secrets" if declared else "environments",
        {
            "name": site.name(),
            "prefix": because(site.secret_prefix, "app", spec.environment.path) if declared else None,
            "secrets": declared or None,
            "replica_region": replica_region(site, second) if declared else None,
            "protect": protect(spec),
        },
    )


def _declared(spec: Spec) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, secret in spec.secrets.items():
        owner = f", owned by {secret.owner}" if secret.owner else ""
        entry: dict[str, Any] = {"description": because(f"{name} of {spec.app}{owner}", secret.path)}
        if secret.rotate:
            entry["rotate_days"] = because(days(secret.rotate), secret.at("rotate"))
        made[name] = because(entry, secret.path)
    for name, resource in spec.resources.items():
        if resource.type == "secret":
            owner = f", owned by {resource.owner}" if resource.owner else ""
            entry = {"description": because(f"{name} of {spec.app}{owner}", resource.path)}
            if resource.rotate:
                entry["rotate_days"] = because(days(resource.rotate), resource.at("rotate"))
            made[name] = because(entry, resource.path)
    return made


def replica_region(site: Site, second: Site | None) -> Any:
    """Where secrets are copied, when the product is to run there."""
    if second is None or site.suffix or not site.spec.disaster_recovery:
        return None
    return because(second.region, site.cloud.at("dr_region"))


def observability(site: Site, alarms: Mapping[str, Any]) -> Call:
    """The bucket of access logs, the topic of alarms, and the alarms themselves."""
    spec = site.spec
    emails = spec.notify.emails if spec.notify else ()
    return site.call(
        ("observability",),
        "observability",
        "observability",
        "monitoring",
        {
            "name": site.name(),
            "kms_key_arn": site.key,
            "audit_retention_days": audit_days(spec),
            "emails": because(list(emails), "notify") if emails else None,
            "alarms": dict(alarms) or None,
            "content_logs": _content(spec) if not site.suffix else None,
            "protect": protect(spec),
        },
    )


def _content(spec: Spec) -> Any:
    """Whether a content network writes its logs to the bucket."""
    networks = [resource.path for resource in spec.resources.values() if resource.type == "cdn"]
    return because(True, *networks) if networks else None


def cluster(site: Site) -> tuple[Site, list[Call], list[Lookup]]:
    """The site with its cluster: made, or found by its name."""
    spec = site.spec
    kind = "ecs" if spec.platform.compute == "ecs" else "eks"
    cause = spec.platform.at("compute")
    if spec.platform.cluster is not None and not site.suffix:
        return _existing_cluster(site, kind)
    arguments: dict[str, Any] = {"name": site.name(), "kms_key_arn": site.key}
    if kind == "ecs":
        arguments |= {"audit_retention_days": audit_days(spec), "protect": protect(spec)}
        outputs = ("cluster_arn", "cluster_name", "namespace_arn")
    else:
        version = spec.platform.kubernetes.at("version")
        arguments |= {
            "kubernetes_version": because(spec.platform.kubernetes.version, version),
            "subnet_ids": site.network["private_subnet_ids"],
            "access_entries": because(Expression("var.cluster_access"), cause),
            "audit_retention_days": audit_days(spec),
            "protect": protect(spec),
        }
        outputs = ("cluster_arn", "cluster_name", "security_group_id")
    call = site.call(("cluster",), f"cluster-{kind}", "cluster", "platform", arguments)
    return replace(site, cluster={name: call.output(name, cause) for name in outputs}), [call], []


def _existing_cluster(site: Site, kind: str) -> tuple[Site, list[Call], list[Lookup]]:
    spec = site.spec
    cause, name = spec.platform.at("cluster"), spec.platform.cluster
    if kind == "ecs":
        calls = [
            site.call(
                ("namespace",),
                "cluster-ecs",
                "cluster",
                cause,
                {
                    "name": site.name(),
                    "existing_cluster_name": because(name, cause),
                    "kms_key_arn": site.key,
                    "audit_retention_days": audit_days(spec),
                    "protect": protect(spec),
                },
            )
        ]
        found = {key: calls[0].output(key, cause) for key in ("cluster_arn", "cluster_name", "namespace_arn")}
        return replace(site, cluster=found), calls, []
    lookup = (
        "cluster.tf",
        "aws/existing-cluster.tf",
        {"type": "aws_eks_cluster", "lookup": {"name": because(name, cause)}},
        cause,
    )
    data = "data.aws_eks_cluster.this"
    found = {
        "cluster_arn": f"{data}.arn",
        "cluster_name": f"{data}.name",
        "security_group_id": f"{data}.vpc_config[0].cluster_security_group_id",
    }
    return replace(site, cluster={key: because(Expression(text), cause) for key, text in found.items()}), [], [lookup]


def public(spec: Spec) -> dict[str, Public]:
    """What is reached from outside, by service."""
    return {service.name: service.public for service in spec.services.values() if service.public is not None}


def zone_of(host: str, site: Site) -> tuple[str, str]:
    """The hosted zone of a host, and the spec path that says so; without a domain, the name above the host."""
    domain = site.cloud.domain
    if domain and (host == domain or host.endswith(f".{domain}")):
        return domain, site.cloud.at("domain")
    return host.removeprefix("*.").partition(".")[2] if host.count(".") > 1 else host, ""


def zones(site: Site) -> dict[str, dict[str, str]]:
    """Hosted zones of all public names: zone -> host -> the spec path that names it."""
    spec = site.spec
    hosts = {entry.host: entry.at("host") for entry in public(spec).values()}
    hosts |= {
        resource.host: resource.at("host")
        for resource in spec.resources.values()
        if resource.type == "cdn" and resource.host
    }
    made: dict[str, dict[str, str]] = {}
    for host, cause in hosts.items():
        made.setdefault(zone_of(host, site)[0], {})[host] = cause
    return made


def zone_call(site: Site, zone: str) -> tuple[str, ...]:
    """The words of the name of a zone's call: `dns`, or `dns_example_com` where there are several zones."""
    return ("dns",) if len(zones(site)) == 1 else ("dns", re.sub(r"[^a-z0-9]+", "-", zone))


def edge(site: Site) -> list[Call]:
    """Certificates and, for ECS, the load balancer; a cluster's gateway brings its own and takes the firewall."""
    published = public(site.spec)
    found = zones(site)
    calls = [_dns(site, zone, hosts) for zone, hosts in found.items()]
    by_host = {host: call for call, hosts in zip(calls, found.values(), strict=True) for host in hosts}
    if not published:
        return calls
    used = {entry.host: by_host[entry.host] for entry in published.values()}
    return [*calls, _edge(site, published, list({call.name: call for call in used.values()}.values()), used)]


def _dns(site: Site, zone: str, hosts: Mapping[str, str]) -> Call:
    causes = list(hosts.values())
    origin = causes[0].removesuffix(".host")
    where = zone_of(next(iter(hosts)), site)[1] or causes[0]
    return site.call(
        zone_call(site, zone),
        "dns",
        "edge",
        origin,
        {"zone_name": because(zone, where), "hosts": because(sorted(hosts), *causes)},
    )


def _edge(site: Site, published: Mapping[str, Public], calls: list[Call], by_host: Mapping[str, Call]) -> Call:
    spec = site.spec
    origin = next(iter(published.values())).path
    serves = spec.platform.compute == "ecs"
    rate, rate_cause = _rate(published)
    hosts = {host: call.output("zone_id", origin) for host, call in sorted(by_host.items())}
    extra = {identifier(call.name): call.output("certificate_arn", origin) for call in calls[1:]}
    arguments = {
        "name": site.name(limit=26),
        "load_balancer": None if serves else because(False, spec.platform.at("compute")),
        "vpc_id": site.network["vpc_id"] if serves else None,
        "subnet_ids": site.network["public_subnet_ids"] if serves else None,
        "certificate_arn": calls[0].output("certificate_arn", origin) if serves else None,
        "additional_certificate_arns": extra if serves and extra else None,
        "hosts": hosts,
        "log_bucket_name": Expression(f"{site.module('observability')}.log_bucket_name") if serves else None,
        "waf": because(any(entry.waf for entry in published.values()), *[e.at("waf") for e in published.values()]),
        "rate_limit": because(rate, rate_cause) if rate else None,
        "failover": because(site.role, spec.disaster_recovery.at("failover"))
        if site.role and spec.disaster_recovery
        else None,
        "kms_key_arn": site.key,
        "audit_retention_days": audit_days(spec),
        "protect": protect(spec),
    }
    return site.call(("edge",), "edge", "edge", origin, arguments)


def _rate(published: Mapping[str, Public]) -> tuple[int, str]:
    """The strictest rate limit, in requests of one address in five minutes."""
    rates = []
    for entry in published.values():
        if entry.rate_limit:
            count, _, span = entry.rate_limit.partition("/")
            rates.append((max(int(count) * _WAF_WINDOW_SECONDS // seconds(span), 10), entry.at("rate_limit")))
    return min(rates, default=(0, ""))


def priority(service: Service, taken: set[int]) -> int:
    """A listener rule's priority: deeper paths first, else by name, so that no neighbour moves it."""
    entry = service.public
    depth = (entry.path_prefix if entry else "/").strip("/").count("/") + 1
    if entry is None or entry.path_prefix == "/":
        depth = 0
    band, width = ((4 - depth) * 10_000, 9_000) if depth < 4 else ((9 - min(depth, 9)) * 1_600, 1_500)
    number = band + 1 + zlib.crc32(service.name.encode()) % width
    while number in taken:
        number += 1
    taken.add(number)
    return number


def registry(site: Site, second: Site | None) -> Iterator[Call]:
    """Repositories for the images we build, when the spec keeps them in this cloud; mirrors when it asks."""
    spec = site.spec
    host = spec.platform.registry
    account = site.cloud.account.get(spec.environment.name)
    ours = ".dkr.ecr." in host.host and (account is None or host.host.startswith(f"{account}."))
    if not ours and not host.mirror:
        return
    again = bool(site.suffix)
    if again and not ours:
        return
    names = [f"{spec.app}-{service.name}" for service in spec.services.values() if service.built]
    arguments = {
        "name": site.name(),
        "repositories": because(names, host.at("host"), "services") if ours and names else None,
        "cache_repository": because(f"{spec.app}-buildcache", "app") if ours and names and not again else None,
        "pull_through": because(_MIRRORS, host.at("mirror")) if host.mirror else None,
        "reader_account_ids": _readers(site) or None if ours else None,
        "replica_region": because(second.region, site.cloud.at("dr_region")) if second and ours and not again else None,
        "manage_registry": None if _manages(site) else because(False, f"cloud.account.{spec.environment.name}"),
        "kms_key_arn": site.key,
        "protect": protect(spec),
    }
    yield site.call(("registry",), "registry", "registry", host.path, arguments)


def _manages(site: Site) -> bool:
    """Whether this environment sets what holds for the whole registry: of several in one account, the first does."""
    account = site.cloud.account.get(site.spec.environment.name)
    sharing = [name for name, number in site.cloud.account.items() if number == account]
    return account is None or sharing[0] == site.spec.environment.name


def _readers(site: Site) -> list[Any]:
    """Accounts of other environments, which pull from the one registry."""
    own = site.cloud.account.get(site.spec.environment.name)
    accounts = {account: name for name, account in site.cloud.account.items() if account != own}
    return [because(account, f"cloud.account.{name}") for account, name in accounts.items()]


_MIRRORS = {"ecr-public": "public.ecr.aws", "kubernetes": "registry.k8s.io", "quay": "quay.io"}
"""Upstreams that ECR mirrors without a credential, by the prefix of their images here.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
"""


def backup(site: Site, stores: Mapping[str, Call], second: Site | None) -> Iterator[Call]:
    """One plan for all stores, as strict as the strictest asks; the second region holds a vault alone."""
    spec = site.spec
    plans = {name: spec.resources[name].backup for name in stores if spec.resources[name].backup is not None}
    if not plans:
        return
    if site.suffix:
        if any(_copied(spec, name) for name in stores):
            yield _second_vault(
                site, stores, max((days(plan.keep), plan.at("keep")) for plan in plans.values() if plan)
            )
        return
    often = min((seconds(plan.every), plan.at("every")) for plan in plans.values() if plan)
    long = max((days(plan.keep), plan.at("keep")) for plan in plans.values() if plan)
    copied = [plan.at("copy_to_dr") for plan in plans.values() if plan and plan.copy_to_dr]
    arguments: dict[str, Any] = {
        "name": site.name(),
        "kms_key_arn": site.key,
        "schedule": because(schedule(often[0]), often[1]),
        "keep_days": because(long[0], long[1]),
        "resource_arns": {name: store.output("arn", spec.resources[name].path) for name, store in stores.items()},
        "restore_test_types": _tested(spec, stores),
        "topic_arn": Expression(f"{site.module('observability')}.topic_arn"),
        "protect": protect(spec),
    }
    if second is not None and copied:
        vault = Expression(f"{second.module('backup')}.vault_arn")
        arguments["copy"] = because({"vault_arn": vault, "keep_days": because(long[0], long[1])}, *copied)
    yield site.call(("backup",), "backup", "recovery", _origin(plans), arguments)


def _tested(spec: Spec, stores: Mapping[str, Call]) -> Any:
    """What restores are tried with: the kinds of databases there are."""
    kinds = {
        name: "Aurora" if spec.resources[name].aurora else "RDS"
        for name in stores
        if spec.resources[name].type in _STORES
    }
    return because(sorted(set(kinds.values())), *[spec.resources[name].path for name in kinds])


def _origin(plans: Mapping[str, Any]) -> str:
    return f"resources.{next(iter(plans))}.backup" if len(plans) == 1 else "resources"


def _second_vault(site: Site, stores: Mapping[str, Call], kept: tuple[int, str]) -> Call:
    spec = site.spec
    replicated = {
        name: store.output("arn", spec.resources[name].at("backup.copy_to_dr"))
        for name, store in stores.items()
        if spec.resources[name].type in _STORES
        and not spec.resources[name].aurora
        and _copied(spec, name)
        and not follows(spec)
    }
    arguments = {
        "name": site.name(),
        "kms_key_arn": site.key,
        "keep_days": because(*kept),
        "database_backups": replicated or None,
        "protect": protect(spec),
    }
    return site.call(("backup",), "backup", "recovery", site.cloud.at("dr_region"), arguments)


def _copied(spec: Spec, name: str) -> bool:
    plan = spec.resources[name].backup
    return plan is not None and plan.copy_to_dr


def schedule(every: int) -> str:
    """An AWS Backup schedule that runs at least so often: whole hours that divide a day, else daily."""
    hours = max((count for count in (1, 2, 3, 4, 6, 8, 12) if count * 3600 <= every), default=1)
    return "cron(0 3 * * ? *)" if every >= DAY else f"cron(0 0/{hours} * * ? *)"


def budget(site: Site) -> Iterator[Call]:
    spec = site.spec
    limits = spec.cost.monthly_limit if spec.cost else {}
    limit = limits.get(spec.environment.name)
    if limit is None or spec.cost is None:
        return
    emails = spec.notify.emails if spec.notify else ()
    arguments = {
        "name": site.name(),
        "limit": because(whole(limit), f"cost.monthly_limit.{spec.environment.name}"),
        "currency": because(spec.cost.currency, spec.cost.at("currency")),
        "emails": because(list(emails), "notify") if emails else None,
        "topic_arn": Expression(f"{site.module('observability')}.topic_arn"),
        "application": because(spec.app, "app"),
        "environment": because(spec.environment.name, spec.environment.path),
    }
    yield site.call(("budget",), "budget", "observability", f"cost.monthly_limit.{spec.environment.name}", arguments)
