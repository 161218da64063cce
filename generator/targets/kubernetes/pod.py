"""The pod of a service: what every workload kind shares."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from generator.artifact import because
from generator.model import Reference, Service, Spec, Text
from generator.monitoring import instrumentation
from generator.quantity import byte_count, memory

UID = 10001
"""User and group of every container; the same number is in the images."""

UNRELEASED = "unreleased"
"""The tag until a pipeline puts a digest in its place."""

DRAIN_SECONDS = 10
"""How long a stopping pod still serves, while load balancers take it out of rotation."""

STOP_SECONDS = 30
"""What a process then has to finish, as Kubernetes' own default."""

_SPOT = {
    "aws": ("karpenter.sh/capacity-type", "spot", False),
    "gcp": ("cloud.google.com/gke-spot", "true", True),
    "azure": ("kubernetes.azure.com/scalesetpriority", "spot", True),
}
_SCRATCH = 2


def shared(spec: Spec) -> dict[str, Any]:
    """What every object of a spec prints: names and labels."""
    return {
        "app": because(spec.app, "app"),
        "owner": because(spec.owner, "owner"),
        "tags": because(spec.tags, "tags"),
        "namespace": because(spec.app, "app"),
        "version": UNRELEASED,
        "wave": "",
    }


def labels(service: Service) -> dict[str, Any]:
    """What tells the pods of a service from others."""
    return {"workload": because(service.name, service.path), "component": because(service.type, service.at("type"))}


def image(spec: Spec, service: Service) -> Any:
    """The image a service runs: its own, or one that exists."""
    if service.image is not None:
        return because(service.image, service.at("image"))
    name = f"{spec.platform.registry.host}/{spec.app}-{service.name}:{UNRELEASED}"
    return because(name, service.path, "platform.registry.host")


def context(spec: Spec, service: Service, *, once: bool = False, command: str | None = None) -> dict[str, Any]:
    """The variables of `pod.yaml.j2`. `once` is a pod that runs to its end; `command` replaces the image's own."""
    serves = not once and service.listens
    config, variables, files = configuration(service, spec), list(_variables(service, spec)), file_entries(service)
    volumes, mounts = _volumes(service)
    return {
        **shared(spec),
        **labels(service),
        "service": service,
        "token": because(bool(service.kubernetes_access), service.at("kubernetes_access")),
        "uid": UID,
        "group": bool(service.storage or service.files),
        "once": once,
        "grace": DRAIN_SECONDS + STOP_SECONDS + 5 if serves else STOP_SECONDS,
        "drain": DRAIN_SECONDS if serves else 0,
        "spread": [] if once else _spread(spec, service),
        "spot": _spot(spec, service),
        "everywhere": service.type == "daemon",
        "image": image(spec, service),
        "command": because(shlex.split(command), service.at("migrate")) if command else [],
        "arguments": because(list(service.command), service.at("command")) if not command else [],
        "ports": [] if once else ports(service),
        "config_name": config_name(service),
        "config_hash": because(_hash(config), service.at("env")) if config else "",
        "files_hash": because(_hash(files), service.at("files")) if files else "",
        "variables": variables,
        "disk_request": because(memory(byte_count(service.size.disk) // 4), service.size.at("disk")),
        "probes": [] if once else _probes(service),
        "skips": list(_skips(service, once=once)),
        "hook": False,
        "mounts": mounts,
        "volumes": volumes,
    }


def _skips(service: Service, *, once: bool) -> Iterator[dict[str, Any]]:
    """What a linter asks for and this pod rightly lacks, with the reason, in the linter's own notation."""
    asked: list[tuple[str, str, str]] = []
    if not once and not _probes(service):
        reason = "it has no port to ask and no health command; its process ending is the signal"
        asked += [("CKV_K8S_8", reason, service.path), ("CKV_K8S_9", reason, service.path)]
    if service.size.cpu_limit == "none":
        asked.append(("CKV_K8S_11", "the spec lets it use idle cpu", service.size.at("cpu_limit")))
    if service.kubernetes_access:
        reason = "it talks to the Kubernetes API, and its role names what it may do"
        asked.append(("CKV_K8S_38", reason, service.at("kubernetes_access")))
    for number, (check, reason, cause) in enumerate(asked, 1):
        yield {"key": f"checkov.io/skip{number}", "text": because(f"{check}={reason}", cause)}


def ports(service: Service) -> list[dict[str, Any]]:
    """The named ports of the container and of its Service."""
    made = []
    if service.port is not None:
        protocol = {"http": "http", "grpc": "grpc"}.get(service.protocol, "tcp")
        number = because(service.port, service.at("port"))
        made.append(
            {"name": port_name(service), "number": number, "protocol": because(protocol, service.at("protocol"))}
        )
    if service.metrics is not None and service.metrics.port not in {None, service.port}:
        number = because(service.metrics.port, service.metrics.at("port"))
        made.append({"name": "metrics", "number": number, "protocol": "http"})
    return made


def port_name(service: Service) -> str:
    """`http`, `grpc` or `tcp`: probes and Services speak of ports by name."""
    return service.protocol if service.protocol in {"http", "grpc"} else "tcp"


def config_name(service: Service) -> str:
    return f"{service.name}-config"


def secret_name(reference: Reference) -> str:
    """The Secret that holds what is referred to: a declared secret, or a resource's connection."""
    return reference.output if reference.kind == "secret" else f"{reference.name}-connection"


def known(reference: Reference, spec: Spec) -> str | None:
    """The value of a reference when it is known before anything runs, else None."""
    if reference.kind == "service":
        service = spec.services[reference.name]
        scheme = "http" if service.protocol == "http" else service.protocol
        public = f"https://{service.public.host}" if service.public else None
        values = {
            "host": service.name,
            "port": str(service.port),
            "url": f"{scheme}://{service.name}:{service.port}",
            "public_url": public,
        }
        return values[reference.output]
    if reference.kind == "resource":
        output = spec.resources[reference.name].outputs.get(reference.output)
        return output.literal if output else None
    return None


def literal(text: Text, spec: Spec) -> str | None:
    """The whole text when all of it is known."""
    parts = [part if isinstance(part, str) else known(part, spec) for part in text.parts]
    return None if any(part is None for part in parts) else "".join(str(part) for part in parts)


def configuration(service: Service, spec: Spec) -> dict[str, Any]:
    """Variables whose values are known: the service's ConfigMap."""
    entries = ((name, text, literal(text, spec)) for name, text in service.env.items())
    given = {name: because(value, text.path) for name, text, value in entries if value is not None}
    return {**given, **instrumentation.environment(spec, service)}


def file_entries(service: Service) -> dict[str, Any]:
    """Files with plain text, by the key they have in the ConfigMap."""
    texts = ((path, text) for path, text in service.files.items() if text.literal is not None)
    return {_file_key(path): because(text.literal, text.path) for path, text in texts}


def secrets_read(spec: Spec) -> Mapping[str, tuple[str, tuple[str, ...], str]]:
    """Secret name -> (remote key, keys read, spec path), for every reference whose value a store must give."""
    made: dict[str, tuple[str, dict[str, None], str]] = {}
    for service in spec.services.values():
        for text in (*service.env.values(), *service.files.values()):
            for reference in text.references:
                if known(reference, spec) is not None:
                    continue
                remote, path = _remote(spec, reference)
                _, keys, _ = made.setdefault(secret_name(reference), (remote, {}, path))
                keys.update(dict.fromkeys(_keys(reference)))
    return {name: (remote, tuple(keys), path) for name, (remote, keys, path) in made.items()}


def _remote(spec: Spec, reference: Reference) -> tuple[str, str]:
    environment = spec.environment.name or "base"
    if reference.kind == "secret":
        return f"{spec.app}/{environment}/{reference.output}", f"secrets.{reference.output}"
    return f"{spec.app}/{environment}/{reference.name}", f"resources.{reference.name}"


def _keys(reference: Reference) -> tuple[str, ...]:
    if reference.kind == "secret":
        return ("value",)
    if reference.output:
        return (reference.output,)
    return ("host", "port", "name", "username", "password", "url")


def _variables(service: Service, spec: Spec) -> Iterator[dict[str, Any]]:
    """Variables that a Secret gives; a text around a reference is composed by the kubelet (`$(NAME)`)."""
    seen = set(service.env)
    if service.go_memory_limit:
        limit = because(service.go_memory_limit, service.size.at("memory_limit"))
        yield {"name": "GOMEMLIMIT", "value": limit, "secret": "", "key": ""}
    for name, text in service.env.items():
        if literal(text, spec) is not None:
            continue
        only = text.only
        if only is not None:
            yield _from_secret(name, only, text.path)
            continue
        made = []
        for part in text.parts:
            value = part if isinstance(part, str) else known(part, spec)
            if value is not None or isinstance(part, str):
                made.append(str(value).replace("$(", "$$("))
                continue
            helper = _helper_name(part)
            if helper not in seen:
                seen.add(helper)
                yield _from_secret(helper, part, text.path)
            made.append(f"$({helper})")
        yield {"name": because(name, text.path), "value": because("".join(made), text.path), "secret": "", "key": ""}


def _helper_name(reference: Reference) -> str:
    return f"{reference.name}_{reference.output}".upper().replace("-", "_")


def _from_secret(name: str, reference: Reference, path: str) -> dict[str, Any]:
    return {
        "name": because(name, path),
        "secret": because(secret_name(reference), path),
        "key": because(_keys(reference)[0], path),
        "value": "",
    }


def _hash(entries: Mapping[str, Any]) -> str:
    text = json.dumps({key: value.value for key, value in entries.items()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _file_key(path: str) -> str:
    return path.strip("/").replace("/", ".")


def _volumes(service: Service) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Volumes and mounts: scratch directories, secrets and texts as files, the stateful data."""
    volumes: list[dict[str, Any]] = []
    mounts: list[dict[str, Any]] = []
    share = memory(max(byte_count(service.size.disk) // _SCRATCH // max(1, len(service.writable)) >> 20, 1) << 20)
    for number, path in enumerate(service.writable):
        cause = f"{service.at('writable')}[{number}]"
        name = "tmp" if path == "/tmp" else f"scratch-{number}"  # noqa: S108
        volumes.append({"name": name, "scratch": because(share, cause, service.size.at("disk"))})
        mounts.append({"name": name, "path": because(path, cause), "file": "", "fixed": False})
    for number, (path, text) in enumerate(service.files.items()):
        volumes, mounts = _file(service, number, path, text, volumes, mounts)
    if service.storage is not None:
        mounts.append(
            {
                "name": "data",
                "path": because(service.storage.mount, service.storage.at("mount")),
                "file": "",
                "fixed": False,
            }
        )
    return volumes, mounts


def _file(
    service: Service, number: int, path: str, text: Text, volumes: list[dict[str, Any]], mounts: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    reference = text.only
    if reference is None:
        name, mounted = (
            "files",
            {"name": "files", "path": because(path, text.path), "file": _file_key(path), "fixed": True},
        )
        volume = {"name": name, "scratch": "", "secret": "", "config": f"{service.name}-files"}
        return (volumes if volume in volumes else [*volumes, volume]), [*mounts, mounted]
    name = f"secret-{number}"
    held = reference.output if reference.kind == "secret" else f"{reference.name}-connection"
    key = "" if not reference.output else "value" if reference.kind == "secret" else reference.output
    volume = {"name": name, "scratch": "", "secret": because(held, text.path), "config": ""}
    mounted = {"name": name, "path": because(path, text.path), "file": key, "fixed": True}
    return [*volumes, volume], [*mounts, mounted]


def _spread(spec: Spec, service: Service) -> list[dict[str, Any]]:
    """Over zones and hosts; zones are a condition only when there are enough pods for each."""
    if not service.replicated:
        return []
    zones = spec.cloud.network.zones if spec.cloud else 3
    strict = service.scale.min >= zones
    by_template = service.type != "stateful"
    zone = because("DoNotSchedule" if strict else "ScheduleAnyway", service.scale.at("min"))
    return [
        {"key": "topology.kubernetes.io/zone", "otherwise": zone, "by_template": by_template},
        {"key": "kubernetes.io/hostname", "otherwise": "ScheduleAnyway", "by_template": by_template},
    ]


def _spot(spec: Spec, service: Service) -> Any:
    provider = spec.cloud.provider if spec.cloud else "none"
    if not service.spot or provider not in _SPOT:
        return {}
    label, value, tainted = _SPOT[provider]
    cause = service.at("spot")
    return because({"label": because(label, cause), "value": because(value, cause), "tainted": tainted}, cause)


def _probes(service: Service) -> list[dict[str, Any]]:
    """Startup gives the time to boot, liveness looks at the process alone, readiness at what it needs to serve."""
    health = service.health
    failures = because(-(-health.startup_seconds // 5), health.at("startup_seconds"))
    return [
        {**probe, "name": name, "period": period, "timeout": 3, "failures": limit}
        for name, path, key, period, limit in (
            ("startupProbe", health.live, "live", 5, failures),
            ("livenessProbe", health.live, "live", 10, 3),
            ("readinessProbe", health.ready, "ready", 5, 3),
        )
        if (probe := _probe(service, path, health.at(key)))
    ]


def _probe(service: Service, path: str, cause: str) -> dict[str, Any]:
    empty = {"path": "", "grpc": 0, "command": [], "port": ""}
    if service.health.command:
        return {**empty, "command": because(list(service.health.command), service.health.at("command"))}
    if service.port is None:
        return {}
    if service.protocol == "grpc":
        return {**empty, "grpc": because(service.port, service.at("port"))}
    if service.protocol == "http":
        return {**empty, "path": because(path, cause)}
    return {**empty, "port": port_name(service)}
