"""Services as Fargate services and jobs on ECS, or as identities of pods on EKS."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from generator import aws
from generator.artifact import because
from generator.filters import hcl
from generator.model import Reference, Service, Spec, Text
from generator.monitoring import instrumentation
from generator.names import SHORT_LIMIT
from generator.quantity import byte_count, millicores, seconds
from generator.targets.terraform.aws import platform, stores
from generator.targets.terraform.aws.platform import log_days, protect
from generator.targets.terraform.aws.site import Site
from generator.targets.terraform.call import Call, Expression

UID = 10001
"""User and group of every container; the same number is in the images."""

_STOP_SECONDS = 30
_HTTPS = 443
_ANYWHERE = "0.0.0.0/0"


def calls(site: Site, resources: Mapping[str, Call]) -> Iterator[Call]:
    """Every service of the spec on ECS."""
    taken: set[int] = set()
    for service in site.spec.services.values():
        if site.spec.handed_out(service):
            continue  # its files lie in a bucket behind the content network
        if service.once:
            yield _job(site, service, resources)
        else:
            yield _service(site, service, resources, platform.priority(service, taken))
        if service.migrate:
            yield _migration(site, service, resources)


def identity(site: Site, resources: Mapping[str, Call]) -> Iterator[Call]:
    """Roles for the pods of services that use a cloud interface, and for what syncs secrets into the cluster."""
    spec = site.spec
    workloads: dict[str, Any] = {}
    for service in spec.services.values():
        statements = stores.permissions(site, service, resources)
        if statements:
            entry = {
                "permissions": statements,
                "namespace": because(spec.namespace, "app", spec.environment.path),
                "service_account": because(service.name, service.path),
            }
            workloads[service.name] = because(entry, service.at("uses"))
    if spec.platform.secrets.sync == "external-secrets" and spec.platform.secrets.store == "aws-secrets-manager":
        synced = _sync(site, resources)
        workloads |= {"external-secrets": synced} if synced else {}
    if not workloads:
        return
    arguments = {
        "name": site.name(),
        "cluster_name": site.cluster["cluster_name"],
        "workloads": workloads,
    }
    yield site.call(("identity",), "identity", "identity", "services", arguments)


def _sync(site: Site, resources: Mapping[str, Call]) -> Any:
    """The External Secrets operator reads the secrets of this environment and no other; None where there are none."""
    names = [*site.spec.secrets, *[name for name, item in site.spec.resources.items() if item.type == "secret"]]
    arns = [f"{call.address}.connection_secret_arn" for call in resources.values() if call.module in CONNECTED]
    arns += [stores.secret_arn(site, name) for name in names]
    if not arns:
        return None
    cause = site.spec.platform.secrets.at("sync")
    read = {"actions": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]}
    permissions = {
        "secrets": {**read, "resources": [Expression(arn) for arn in arns]},
        "key": {"actions": ["kms:Decrypt"], "resources": [site.key]},
    }
    namespace = {"namespace": "external-secrets", "service_account": "external-secrets"}
    return because({"permissions": permissions, **namespace}, cause)


CONNECTED = frozenset({"database", "cache", "queue", "topic", "bucket"})
"""Modules that write a connection secret."""


def _shared(site: Site, service: Service, resources: Mapping[str, Call]) -> dict[str, Any]:
    """What services and jobs have in common."""
    spec = site.spec
    size = service.size
    cpu = size.cpu if size.cpu_limit == "none" else size.cpu_limit
    pair = aws.fargate(millicores(cpu), byte_count(size.memory_limit)) or (0, 0)
    secrets = {name: value for name, text in service.env.items() if (value := _secret(site, spec, text, resources))}
    environment = {
        name: value for name, text in service.env.items() if (value := _plain(spec, text, resources)) is not None
    }
    if service.go_memory_limit:
        environment = {"GOMEMLIMIT": because(service.go_memory_limit, size.at("memory_limit")), **environment}
    environment |= instrumentation.environment(spec, service)
    return {
        "cluster_arn": site.cluster["cluster_arn"],
        "image": _image(service),
        "command": because(list(service.command), service.at("command")) if service.command else None,
        "cpu": because(pair[0], size.at("cpu_limit")),
        "memory_mib": because(pair[1], size.at("memory_limit")),
        "environment": environment or None,
        "secrets": secrets or None,
        "permissions": stores.permissions(site, service, resources) or None,
        "kms_key_arn": site.key,
        "vpc_id": site.network["vpc_id"],
        "subnet_ids": site.network["private_subnet_ids"],
        **_outwards(site, service),
        "user": f"{UID}:{UID}",
        "writable_paths": because(list(service.writable), service.at("writable")),
        "log_retention_days": log_days(spec),
    }


def _service(site: Site, service: Service, resources: Mapping[str, Call], priority: int) -> Call:
    spec, scale, health = site.spec, service.scale, service.health
    entry = service.public
    callers = {
        caller.name: because(Expression(f"{stores.workload(site, caller)}.security_group_id"), f"{caller.path}.calls")
        for caller in spec.callers(service.name)
    }
    balancer = None
    if entry is not None:
        edge = site.module("edge")
        balancer = {
            "listener_arn": Expression(f"{edge}.listener_arn"),
            "security_group_id": Expression(f"{edge}.security_group_id"),
            "arn_suffix": Expression(f"{edge}.load_balancer_arn_suffix"),
            "priority": priority,
            "hosts": [because(entry.host, entry.at("host"))],
            "path_patterns": because(_patterns(entry.path_prefix), entry.at("path_prefix")),
        }
    arguments = {
        "name": site.name(service.name, limit=SHORT_LIMIT),
        **_shared(site, service, resources),
        "cluster_name": site.cluster["cluster_name"],
        "namespace_arn": site.cluster["namespace_arn"],
        "discovery_name": because(service.name, service.path) if service.port is not None else None,
        "port": because(service.port, service.at("port")) if service.port is not None else None,
        "protocol": because(service.protocol, service.at("protocol")) if service.port is not None else None,
        "metrics_port": because(service.metrics.port, service.metrics.at("port"))
        if service.metrics and service.metrics.port is not None
        else None,
        "callers": callers or None,
        "load_balancer": because(balancer, entry.path) if balancer and entry else None,
        "health_path": because(health.ready, health.at("ready")) if entry and service.protocol == "http" else None,
        "health_command": because(list(health.command), health.at("command")) if health.command else None,
        "startup_seconds": because(health.startup_seconds, health.at("startup_seconds")),
        "min": because(scale.min, scale.at("min")),
        "max": because(scale.max, scale.at("max")),
        "cpu_target": because(scale.cpu, scale.at("cpu")),
        "memory_target": because(scale.memory, scale.at("memory")) if scale.memory else None,
        "requests_per_second": because(scale.requests_per_second, scale.at("requests_per_second"))
        if scale.requests_per_second and entry
        else None,
        "queue": _queue(service, resources),
        "spot": because(True, service.at("spot")) if service.spot else None,
        "stop_timeout_seconds": _STOP_SECONDS,
        "protect": protect(spec),
    }
    return site.call(("service", service.name), "service", "services", service.path, arguments)


def _patterns(prefix: str) -> list[str]:
    """`/api` and what lies below it, not `/apiary`; everything needs no pattern."""
    bare = prefix.rstrip("/")
    return [bare, f"{bare}/*"] if bare else []


def _queue(service: Service, resources: Mapping[str, Call]) -> Any:
    queue = service.scale.queue
    if queue is None or queue.name not in resources:
        return None
    value = {
        "name": resources[queue.name].output("name", queue.at("name")),
        "per_replica": because(queue.per_replica, queue.at("per_replica")),
    }
    return because(value, queue.path)


def _job(site: Site, service: Service, resources: Mapping[str, Call]) -> Call:
    timing = service.schedule
    schedule = None
    if timing is not None:
        parts = {
            "expression": because(scheduler(timing.cron), timing.at("cron")),
            "time_zone": because(timing.time_zone, timing.at("time_zone")),
        }
        schedule = because(parts, timing.path)
    arguments = {
        "name": site.name(service.name, limit=SHORT_LIMIT),
        **_shared(site, service, resources),
        "schedule": schedule,
        "deadline_seconds": because(seconds(timing.deadline), timing.at("deadline")) if timing else None,
    }
    return site.call(("job", service.name), "job", "services", service.path, arguments)


def _migration(site: Site, service: Service, resources: Mapping[str, Call]) -> Call:
    arguments = {
        "name": site.name(service.name, "migrate", limit=SHORT_LIMIT),
        **_shared(site, service, resources),
        "command": because(shlex.split(service.migrate or ""), service.at("migrate")),
    }
    return site.call(("job", service.name, "migrate"), "job", "services", service.at("migrate"), arguments)


def scheduler(cron: str) -> str:
    """Five fields of cron as six of EventBridge Scheduler: one of the two day fields is `?`, weeks begin on Sunday 1.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
    """
    minute, hour, day, month, weekday = cron.split()
    if weekday in {"*", "?"}:
        return f"cron({minute} {hour} {'*' if day == '?' else day} {month} ? *)"
    return f"cron({minute} {hour} ? {month} {_weekdays(weekday)} *)"


def _weekdays(field: str) -> str:
    """The days by EventBridge's numbers: a range where they follow one another, else each day for itself."""
    days: set[int] = set()
    for part in field.upper().split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        low, high = (0, 6) if span == "*" else (_weekday(first), _weekday(last or first))
        high = 6 if step and not last and span != "*" else high
        days |= {day % 7 + 1 for day in range(low, high + (7 if high < low else 0) + 1, int(step or 1))}
    numbers = sorted(days)
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]}-{numbers[-1]}"
    return ",".join(str(number) for number in numbers)


def _weekday(word: str) -> int:
    return int(word) if word.isdigit() else ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT").index(word)


def _image(service: Service) -> Any:
    if service.image is not None:
        return because(service.image, service.at("image"))
    return because(Expression(f"var.images[{hcl(service.name)}]"), service.path)


def _outwards(site: Site, service: Service) -> dict[str, Any]:
    """What a task may call: the endpoints of AWS, networks that the spec names, and a registry outside."""
    rules: dict[str, Any] = {}
    group, listed = site.network.get("endpoint_security_group_id"), site.network["s3_prefix_list_id"]
    if group is None:
        said = "HTTPS to the endpoints of AWS, which the network must have"
        rules["aws"] = {"description": said, "port": _HTTPS, "cidr": site.network["vpc_cidr"]}
        rules["s3"] = {"description": "HTTPS to S3, for the layers of images", "port": _HTTPS, "prefix_list_id": listed}
    host = site.spec.platform.registry
    if ".dkr.ecr." not in host.host or service.image is not None:
        said = because("HTTPS to the image registry, whose addresses are not fixed", host.at("host"))
        rules["registry"] = {"description": said, "port": _HTTPS, "cidr": _ANYWHERE}
    for number, target in enumerate(service.egress):
        rule = {"description": f"HTTPS to {target}, as the spec names it", "port": _HTTPS, "cidr": target}
        rules[_key(target)] = because(rule, f"{service.at('egress')}[{number}]")
    if group is None:
        return {"endpoints": False, "egress": rules}
    return {"endpoint_security_group_id": group, "s3_prefix_list_id": listed, "egress": rules or None}


def _key(text: str) -> str:
    """A network as a key of a map: letters, digits and dashes."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text)


def reference(spec: Spec, part: Reference, resources: Mapping[str, Call]) -> Expression | str | None:
    """A reference that is no secret: as text where it is known, else as the output of a module."""
    if part.kind == "service":
        service = spec.services[part.name]
        scheme = "http" if service.protocol == "http" else service.protocol
        values = {
            "host": service.name,
            "port": str(service.port),
            "url": f"{scheme}://{service.name}:{service.port}",
            "public_url": f"https://{service.public.host}" if service.public else "",
        }
        return values[part.output]
    resource = spec.resources[part.name]
    if resource.type == "external":
        return resource.outputs[part.output].literal
    if part.secret and resource.type != "valkey":
        return None
    call = resources.get(part.name)
    return Expression(f"{call.address}.{part.output}") if call else None


def _plain(spec: Spec, text: Text, resources: Mapping[str, Call]) -> Any:
    """A variable without secrets as an argument, or None when it holds one."""
    if any(part.secret and spec_secret(spec, part) for part in text.references):
        return None
    if (literal := text.literal) is not None:
        return because(literal, text.path)
    pieces = [part if isinstance(part, str) else reference(spec, part, resources) for part in text.parts]
    if all(isinstance(piece, str) and not isinstance(piece, Expression) for piece in pieces):
        return because("".join(str(piece) for piece in pieces), text.path)
    if len(pieces) == 1:
        return because(pieces[0], text.path)
    return because(Expression(template(pieces)), text.path)


def spec_secret(spec: Spec, part: Reference) -> bool:
    """Whether a reference is secret on AWS; a cache's address holds no password there."""
    return not (part.kind == "resource" and spec.resources[part.name].type == "valkey" and part.output == "url")


def template(pieces: list[Any]) -> str:
    """An HCL string from literal texts, which are escaped, and expressions of ours."""
    inside = [f"${{{piece}}}" if isinstance(piece, Expression) else hcl(str(piece))[1:-1] for piece in pieces]
    return f'"{"".join(inside)}"'


def _secret(site: Site, spec: Spec, text: Text, resources: Mapping[str, Call]) -> Any:
    """A variable that is one secret: where ECS finds it, `ARN:key::`."""
    part = text.only
    if part is None or not part.secret or not spec_secret(spec, part):
        return None
    if part.kind == "secret" or spec.resources[part.name].type == "secret":
        name = part.output if part.kind == "secret" else part.name
        arn, key = stores.secret_arn(site, name), "value"
        return because(Expression(f'"${{{arn}}}:{key}::"'), text.path)
    resource, call = spec.resources[part.name], resources[part.name]
    managed = resource.credentials == "managed" and part.output in {"username", "password"}
    output = "master_secret_arn" if managed else "connection_secret_arn"
    return because(Expression(f'"${{{call.address}.{output}}}:{part.output}::"'), text.path)
