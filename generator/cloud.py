"""What a cloud says of a spec: sizes, regions, networks and versions that exist there, and what recovery reaches.

Judged on the built model, one environment at a time; each finding stands at the spec line that asks for it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from generator import aws, derive, layers, recovery
from generator.addresses import PRIVATE, bits, subnets
from generator.document import Location
from generator.finding import Finding, Related, Severity
from generator.model import Cloud, DisasterRecovery, Resource, Service, Spec, Text
from generator.quantity import byte_count, millicores, seconds

_LARGEST_PREFIX, _SMALLEST_PREFIX = 16, 28
"""Of a VPC and its subnets: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"""

_LEAST_ZONES = 2
"""A load balancer, a group of database subnets and EKS each need subnets in two zones:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html"""

_NOT_ON_ECS = {
    "stateful": ("keeps a volume of its own", "use a resource for what it keeps, or `platform.compute: kubernetes`"),
    "daemon": ("runs once on each node", "use `platform.compute: kubernetes`, or leave it out: Fargate has no nodes"),
}
"""What a type of service does that Fargate cannot, and the way out."""

_NAME_LIMIT = 50
"""Of names in front of an account's number, which Terraform appends to those of buckets."""


def judge(specs: Mapping[str, Spec]) -> list[Finding]:
    """Every environment of a product whose cloud we know."""
    found: list[Finding] = []
    for spec in specs.values():
        if spec.cloud is not None and spec.cloud.provider == "aws":
            found += _judge(spec, spec.cloud)
    found += _overlaps(list(specs.values()))
    return found


def _judge(spec: Spec, cloud: Cloud) -> Iterator[Finding]:
    yield from _regions(spec, cloud)
    yield from _network(spec, cloud)
    yield from _platform(spec)
    yield from _window(spec)
    for service in spec.services.values():
        yield from _service(spec, service)
    for resource in spec.resources.values():
        yield from _resource(spec, resource)
    yield from _recovery(spec)


def at(spec: Spec, path: str) -> Location:
    """Where a spec path stands; of a mapping, its key."""
    node = layers.locate(spec.tree, path)
    whole = isinstance(node.value, dict | tuple)
    return (node.key_at or node.at) if whole else node.at


def _error(
    spec: Spec, rule: str, message: str, path: str, fix: str, *related: Related, severity: Severity = Severity.HIGH
) -> Finding:
    place = at(spec, path)
    return Finding(rule, severity, message, place, fix=fix, related=related, property=place.pointer)


def _regions(spec: Spec, cloud: Cloud) -> Iterator[Finding]:
    for key, region in (("region", cloud.region), ("dr_region", cloud.dr_region)):
        if region is None:
            continue
        zones = aws.zones(region)
        if zones is None:
            fix = "name a region of https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html"
            yield _error(spec, "spec/unknown-region", f'AWS has no region "{region}"', cloud.at(key), fix)
            continue
        area, allowed = aws.geography(region), _residency(spec)
        if allowed and area not in allowed:
            message = f"{region} is in {area}, and data may stay in {', '.join(allowed)} only"
            fix = "choose a region there, or widen `compliance.data_residency`"
            yield _error(spec, "cross/region-not-allowed", message, cloud.at(key), fix, severity=Severity.MEDIUM)
        if len(zones) < cloud.network.zones and cloud.network.create and cloud.network.existing is None:
            message = f"{region} has {len(zones)} zones, {cloud.network.zones} are asked for"
            fix = f"lower `zones` to {len(zones)}, or choose another region"
            zone_related = Related(at(spec, cloud.network.at("zones")), "the zones asked for")
            yield _error(spec, "spec/too-few-zones", message, cloud.at(key), fix, zone_related)
    if cloud.dr_region is not None and cloud.dr_region == cloud.region:
        message = f"the second region {cloud.dr_region} is the first one, which is lost with it"
        yield _error(spec, "spec/same-region", message, cloud.at("dr_region"), "name another region")


def _residency(spec: Spec) -> tuple[str, ...]:
    """Where data may stay, as the spec says it; nothing said allows every place."""
    return tuple(str(node.value) for node in spec.tree.listed("compliance", "data_residency"))


def _network(spec: Spec, cloud: Cloud) -> Iterator[Finding]:
    if cloud.network.existing is not None or not cloud.network.create:
        return
    path = cloud.network.at("cidr")
    network = ipaddress.IPv4Network(cloud.network.cidr, strict=False)
    if str(network) != cloud.network.cidr:
        message = f"{cloud.network.cidr} has bits behind its prefix; the network is {network}"
        yield _error(spec, "spec/network-form", message, path, f"write {network}")
        return
    if not any(network.subnet_of(block) for block in PRIVATE):
        message = f"{network} is not a private range: hosts of the Internet that have these addresses are cut off"
        yield _error(spec, "spec/network-not-private", message, path, "choose a block within 10.0.0.0/8")
    if network.prefixlen < _LARGEST_PREFIX:
        message = f"{network} is larger than a VPC may be, /{_LARGEST_PREFIX}"
        yield _error(
            spec, "spec/network-too-large", message, path, f"write {network.network_address}/{_LARGEST_PREFIX}"
        )
    if cloud.network.zones < _LEAST_ZONES:
        message = f"{cloud.network.zones} zone is asked for; a load balancer or a database needs {_LEAST_ZONES}"
        zones_path = cloud.network.at("zones")
        yield _error(spec, "spec/too-few-zones", message, zones_path, f"write {_LEAST_ZONES} or more")
    zones = aws.zones(cloud.region or "") or ()
    wanted = zones[: cloud.network.zones]
    if wanted and subnets(str(network), wanted) is None:
        message = (
            f"{network} is too small for public, private and data subnets in {len(wanted)} zones; "
            f"AWS has no subnet below /{_SMALLEST_PREFIX}"
        )
        largest = _SMALLEST_PREFIX - sum(bits(len(wanted)))
        yield _error(spec, "spec/network-too-small", message, path, f"choose /{largest} or larger")


def _overlaps(specs: list[Spec]) -> Iterator[Finding]:
    """Networks of one account can be joined one day; that needs blocks that differ."""
    seen: list[tuple[Spec, Cloud, ipaddress.IPv4Network]] = []
    for spec in specs:
        cloud = spec.cloud
        if cloud is None or cloud.network.existing is not None or not cloud.network.create:
            continue
        account = cloud.account.get(spec.environment.name)
        network = ipaddress.IPv4Network(cloud.network.cidr, strict=False)
        for other, theirs, block in seen:
            same = theirs.account.get(other.environment.name) == account and theirs.region == cloud.region
            if account is not None and same and network.overlaps(block):
                message = (
                    f"the network {network} of {spec.environment.name} overlaps {block} of "
                    f"{other.environment.name} in the same account"
                )
                first = Related(at(other, theirs.network.at("cidr")), "the other network")
                path = cloud.network.at("cidr")
                fix = "give each environment of an account a block of its own"
                yield _error(spec, "spec/network-overlaps", message, path, fix, first)
        seen.append((spec, cloud, network))


def _platform(spec: Spec) -> Iterator[Finding]:
    platform = spec.platform
    if platform.compute not in {"kubernetes", "ecs"}:
        message = f"{platform.compute} is not a service of AWS"
        yield _error(spec, "spec/compute-not-here", message, platform.at("compute"), "choose kubernetes or ecs")
    ended = aws.ended("kubernetes", platform.kubernetes.version)
    if platform.compute == "kubernetes" and platform.cluster is None and ended:
        message = f"EKS ended standard support of Kubernetes {platform.kubernetes.version} on {ended}"
        path = platform.kubernetes.at("version")
        yield _error(spec, "spec/engine-version-ended", message, path, "choose a newer version")
    flavour = spec.tree.word("platform", "kubernetes", "flavour")
    if flavour in {"gke", "aks"}:
        message = f"{flavour} is not the Kubernetes of AWS"
        yield _error(spec, "spec/compute-not-here", message, platform.kubernetes.at("flavour"), "write eks")


_LEAST_WINDOW = {"postgres": 30, "mysql": 30, "valkey": 60}
"""Minutes of a maintenance window.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.Maintenance.html
https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html"""


def _window(spec: Spec) -> Iterator[Finding]:
    """The maintenance window where something is maintained in it; AWS knows it in UTC only."""
    least = {name: _LEAST_WINDOW[item.type] for name, item in spec.resources.items() if item.type in _LEAST_WINDOW}
    if not least:
        return
    path = spec.delivery.at("maintenance_window")
    _, hours, zone = spec.delivery.maintenance_window.split(" ")
    start, end = (int(text[:2]) * 60 + int(text[3:]) for text in hours.split("-"))
    length, name = (end - start) % 1440, max(least, key=lambda name: least[name])
    if length < least[name]:
        message = f"the window {hours} has {length} minutes, and {name} needs {least[name]}"
        yield _error(spec, "spec/window-too-short", message, path, "write a later end")
    if zone != "UTC" and not _known(zone):
        message = f'no time zone is called "{zone}", or this machine has no list of them'
        yield _error(spec, "spec/unknown-time-zone", message, path, "write UTC, or a name such as Europe/Berlin")


def _known(zone: str) -> bool:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _service(spec: Spec, service: Service) -> Iterator[Finding]:
    if spec.platform.compute != "ecs":
        return
    if service.type in _NOT_ON_ECS:
        does, fix = _NOT_ON_ECS[service.type]
        message = f"{service.name} {does}, which Fargate cannot do"
        yield _error(spec, "spec/type-not-here", message, service.at("type"), fix)
    if service.type in {"cron", "job"} and service.calls:
        message = f"{service.name} runs once, so it is no member of Service Connect and cannot call {service.calls[0]}"
        fix = "let a worker call it, or make the call by its public address"
        yield _error(spec, "spec/call-not-here", message, service.at("calls"), fix)
    size = service.size
    cpu = size.cpu if size.cpu_limit == "none" else size.cpu_limit
    if aws.fargate(millicores(cpu), byte_count(size.memory_limit)) is None:
        message = f"no Fargate task has cpu {cpu} and memory {size.memory_limit}, the most that {service.name} may use"
        fix = "Fargate ends at 16 cores and 120Gi; make it smaller, or use `platform.compute: kubernetes`"
        key = "memory_limit"
        if aws.fargate(millicores(cpu), 0) is None:
            key = "cpu" if size.cpu_limit == "none" else "cpu_limit"
        yield _error(spec, "spec/no-such-size", message, size.at(key), fix)
    timing = service.schedule
    if timing is not None and "*" not in timing.cron.split()[2::2]:
        _, _, day, _, weekday = timing.cron.split()
        message = f"{timing.cron} means day {day} and also weekday {weekday}, and EventBridge takes one of the two"
        fix = "write `*` for one of them, or make two services of it"
        yield _error(spec, "spec/schedule-not-here", message, timing.at("cron"), fix)
    for path, text in service.files.items():
        message = f"{path} would be a file of {service.name}, and Fargate gives texts as variables only"
        yield _error(spec, "spec/file-not-here", message, text.path, "write it under `env`")
    for text in service.env.values():
        yield from _composed(spec, text)


def _composed(spec: Spec, text: Text) -> Iterator[Finding]:
    """A secret within other text; the address of a cache is none, because caches have no password here."""
    if text.only is not None:
        return
    for part in text.references:
        resource = spec.resources.get(part.name) if part.kind == "resource" else None
        if not part.secret or (resource is not None and resource.type == "valkey"):
            continue
        message = f"{part} stands within other text, and ECS gives a secret only whole"
        fix = f"give {part} as a variable of its own"
        if resource is not None and resource.type in {"postgres", "mysql"}:
            whole = "${" + part.name + ".url}"
            fix = f"use {whole}, or give host, username and password as variables of their own"
        yield _error(spec, "spec/secret-cannot-be-composed", message, text.path, fix)
        return


def _resource(spec: Spec, resource: Resource) -> Iterator[Finding]:
    if resource.type in {"postgres", "mysql"}:
        yield from _database(spec, resource)
    if resource.type == "valkey":
        yield from _cache(spec, resource)
    if resource.type == "bucket":
        name = f"{spec.app}-{spec.environment.name}-{resource.name}"
        problem = aws.bucket_name_problem(f"{name[:_NAME_LIMIT].rstrip('-')}-123456789012")
        if problem:
            message = f"no bucket can be called {name}: {problem}"
            yield _error(spec, "spec/bucket-name", message, resource.path, "choose another name for the app")


def _database(spec: Spec, resource: Resource) -> Iterator[Finding]:
    size = resource.size
    if size is not None and size.cpu is not None and size.memory is not None:
        cores, count = millicores(size.cpu), byte_count(size.memory)
        if aws.database_class(cores, count, aurora=bool(resource.aurora)) is None:
            message = f"no class of RDS has {size.cpu} cores and {size.memory}"
            fix = "make it smaller; the largest we know has 64 cores and 512Gi"
            yield _error(spec, "spec/no-such-size", message, size.at("memory"), fix)
    ended = aws.ended(resource.type, resource.version, aurora=bool(resource.aurora)) if resource.version else None
    if ended:
        message = f"{resource.type} {resource.version} lost standard support at RDS on {ended}"
        yield _error(spec, "spec/engine-version-ended", message, resource.at("version"), "choose a newer line")
    composed = derive.composed(resource.name, spec.tree)
    if resource.credentials == "managed" and composed is not None:
        message = f"the cloud's own password cannot be composed into {composed.value}"
        related = Related(composed.at, "what needs the password")
        fix = "write `credentials: generated`, or leave it out"
        path = resource.at("credentials")
        yield _error(spec, "spec/secret-cannot-be-composed", message, path, fix, related)


def _cache(spec: Spec, resource: Resource) -> Iterator[Finding]:
    """AWS knows no way to set a cache's password that keeps it out of Terraform's state."""
    size = resource.size
    if size is not None and size.memory is not None and aws.cache_node(byte_count(size.memory)) is None:
        message = f"no node of ElastiCache holds {size.memory}"
        yield _error(spec, "spec/no-such-size", message, size.at("memory"), "make it smaller, or split it")
    for service in spec.services.values():
        for text in (*service.env.values(), *service.files.values()):
            for part in text.references:
                if part.name == resource.name and part.output in {"password", ""}:
                    message = (
                        f"a password of ElastiCache would stand in the Terraform state, so {resource.name} has none"
                    )
                    fix = f"use ${{{resource.name}.url}}; only declared services reach it, and by TLS"
                    yield _error(spec, "spec/secret-cannot-be-composed", message, text.path, fix)


def _recovery(spec: Spec) -> Iterator[Finding]:
    plan = spec.disaster_recovery
    if plan is None:
        return
    asked = seconds(plan.rpo)
    for resource, reached in recovery.data_loss(spec, plan):
        if reached.seconds is None or reached.seconds > asked:
            message = f"{resource.name} may lose more than {plan.rpo}: {reached.arithmetic}"
            fix = _nearer(resource, plan)
            related = Related(at(spec, resource.path), "the store")
            path = plan.at("rpo")
            yield _error(spec, "dr/rpo-not-met", message, path, fix, related, severity=Severity.MEDIUM)
    away = recovery.time_away(plan)
    if (away.seconds or 0) > seconds(plan.rto):
        message = f"{away.subject} is away for more than {plan.rto}: {away.arithmetic}"
        fix = "choose a strategy with more standing ready, automatic failover, or a longer `rto`"
        yield _error(spec, "dr/rto-not-met", message, plan.at("rto"), fix, severity=Severity.MEDIUM)


def _nearer(resource: Resource, plan: DisasterRecovery) -> str:
    """What would lose less, as far as the spec has not asked for it yet."""
    copied = resource.backup is not None and resource.backup.copy_to_dr
    if resource.type == "bucket":
        if resource.replicate:
            return "write a longer `rpo`"
        return f"write `replicate: true`, or {'a shorter `backup.every`' if copied else 'a `backup` with `copy_to_dr`'}"
    if plan.strategy in derive.FOLLOWED:
        return "write a longer `rpo`"
    replica = "a `strategy` that keeps a replica"
    if not copied:
        return f"write `backup.copy_to_dr: true`, or {replica}"
    return f"choose {'a shorter `backup.every`' if resource.aurora else 'a longer `rpo`'}, or {replica}"
