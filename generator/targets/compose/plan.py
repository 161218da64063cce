"""Spec -> compose.yaml and .env.example."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from generator.artifact import Artifact, Because, because
from generator.model import Product, Reference, Service, Spec, Text
from generator.monitoring import instrumentation
from generator.quantity import byte_count, millicores
from generator.targets.compose.standins import LOGGING, StandIn, stand_in

UID = 10001
"""User and group of every container; the same number is in the images."""

_STOP_SECONDS = 45


def plan(product: Product) -> Iterator[Artifact]:
    """One compose file for the whole product, and the names its `.env` needs."""
    spec = product.base
    backing = {name: made for name, resource in spec.resources.items() if (made := stand_in(resource, spec.app))}
    published = _published(spec)
    services = [*_backing_services(spec, backing), *_own_services(spec, backing, published)]
    volumes: dict[str, Any] = {volume: {} for made in backing.values() for volume in made.volumes}
    volumes |= {f"{name}-data": {} for name, service in spec.services.items() if service.storage}
    context = {
        "app": because(spec.app, "app"),
        "services": services,
        "volumes": volumes,
        "secrets": _secrets(spec, backing),
        "configs": _configs(spec, backing),
    }
    yield Artifact("compose.yaml", "compose", "compose/compose.yaml.j2", context, "services")
    variables = [{"name": because(name, cause)} for name, cause in _variables(spec, backing).items()]
    if variables:
        yield Artifact(".env.example", "compose", "compose/example.env.j2", {"variables": variables}, "services")


def _backing_services(spec: Spec, backing: Mapping[str, StandIn]) -> Iterator[dict[str, Any]]:
    for name, made in backing.items():
        yield {"name": because(name, spec.resources[name].path), "body": because(made.body, spec.resources[name].path)}


def _own_services(spec: Spec, backing: Mapping[str, StandIn], published: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    for name, service in spec.services.items():
        if service.migrate:
            body = _body(spec, service, backing, None)
            words = because(shlex.split(service.migrate), service.at("migrate"))
            migration = {**body, "entrypoint": words, "command": [], "restart": "no"}
            yield {"name": because(f"{name}-migrate", service.at("migrate")), "body": because(migration, service.path)}
        body = _body(spec, service, backing, published.get(name))
        if service.migrate:
            after = {
                **_depends(spec, service, backing),
                f"{name}-migrate": {"condition": "service_completed_successfully"},
            }
            body["depends_on"] = because(after, service.at("migrate"))
        yield {"name": because(name, service.path), "body": because(body, service.path)}


def _body(spec: Spec, service: Service, backing: Mapping[str, StandIn], published: int | None) -> dict[str, Any]:
    once = service.once
    public = published is not None
    made: dict[str, Any] = _image(spec, service)
    if service.command:
        made["command"] = because(list(service.command), service.at("command"))
    if once:
        made["profiles"] = because(["jobs"], service.at("type"))
    made["user"] = f"{UID}:{UID}"
    environment = dict(_environment(service, spec, backing))
    if environment:
        made["environment"] = environment
    configs = [_config_mount(service, number, path, key) for number, path, key, _ in _files(service, spec, backing)]
    if configs:
        made["configs"] = configs
    if public and service.port is not None:
        made["ports"] = [because(f"127.0.0.1:{published}:{service.port}", service.at("port"))]
    outside = service.at("public") if public else service.at("egress") if service.egress else ""
    made["networks"] = because(["edge", "backend"] if outside else ["backend"], outside or service.path)
    depends = _depends(spec, service, backing)
    if depends:
        made["depends_on"] = depends
    if service.storage:
        made["volumes"] = [because(f"{service.name}-data:{service.storage.mount}", service.storage.path)]
    return {**made, **_hardened(service, once)}


def _environment(service: Service, spec: Spec, backing: Mapping[str, StandIn]) -> Iterator[tuple[str, Any]]:
    """The variables of a service; the parts of a composed one too, since Kubernetes needs them by name."""
    if service.go_memory_limit:
        yield "GOMEMLIMIT", because(service.go_memory_limit, service.size.at("memory_limit"))
    for name, text in service.env.items():
        if text.only is None:
            for reference in text.references:
                part = _variable(reference)
                if reference.kind == "resource" and part not in service.env and not _is_declared(reference, spec):
                    yield part, because(_local(reference, spec, backing), text.path)
        yield name, because(_text(text, spec, backing), text.path)
    if instrumentation.instrumented(spec, service) and "OTEL_SDK_DISABLED" not in service.env:
        yield "OTEL_SDK_DISABLED", because("true", "monitoring.traces")  # compose.monitoring.yaml has the collector


def _is_declared(reference: Reference, spec: Spec) -> bool:
    """Whether an external resource gives the value in the spec itself."""
    given = spec.resources[reference.name].outputs.get(reference.output)
    return given is not None and given.literal is not None


def _image(spec: Spec, service: Service) -> dict[str, Any]:
    if service.image is not None:
        return {"image": because(service.image, service.at("image")), "init": True}
    context = because(service.build.context, service.build.at("context"))
    file = because(spec.dockerfile(service), service.build.at("context"))
    return {
        "image": because(f"{spec.app}-{service.name}:local", service.path),
        "build": {"context": context, "dockerfile": file},
    }


def _hardened(service: Service, once: bool) -> dict[str, Any]:
    """As in production: nothing writable but scratch, no capabilities, limits."""
    megabytes = max(byte_count(service.size.memory_limit) // 2**20, 6)
    cpus = service.size.cpu_limit if service.size.cpu_limit != "none" else service.size.cpu
    scratch = {
        path: because(f"{path}:size=64m,uid={UID},gid={UID},mode=1770", f"{service.at('writable')}[{number}]")
        for number, path in enumerate(service.writable)
    }
    return {
        "read_only": True,
        **({"tmpfs": list(scratch.values())} if scratch else {}),
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": because(f"{megabytes}m", service.size.at("memory_limit")),
        "cpus": because(millicores(cpus) / 1000, service.size.at("cpu_limit")),
        "pids_limit": 256,
        "stop_grace_period": f"{_STOP_SECONDS}s",
        "restart": because("no" if once else "unless-stopped", service.at("type")),
        "logging": LOGGING,
    }


def _depends(spec: Spec, service: Service, backing: Mapping[str, StandIn]) -> dict[str, Any]:
    """Resources must be healthy; another service need only have started, since it may come and go."""
    made: dict[str, Any] = {}
    for number, name in enumerate(service.uses):
        if name in backing:
            made[name] = because({"condition": "service_healthy"}, f"{service.at('uses')}[{number}]")
    for number, name in enumerate(service.calls):
        if not spec.services[name].once:
            made[name] = because({"condition": "service_started"}, f"{service.at('calls')}[{number}]")
    return made


def _published(spec: Spec) -> dict[str, int]:
    """Service -> host port: what is public, or what nothing calls when nothing is public; no port twice."""
    listening = [service for service in spec.services.values() if service.port is not None]
    chosen = [service for service in listening if service.public]
    chosen = chosen or [service for service in listening if not list(spec.callers(service.name))]
    taken: dict[str, int] = {}
    for service in chosen:
        port = max(service.port or 0, 1024) if (service.port or 0) >= 1024 else 8000 + (service.port or 0)
        while port in taken.values():
            port += 1
        taken[service.name] = port
    return taken


def _text(text: Text, spec: Spec, backing: Mapping[str, StandIn]) -> str:
    """A value as compose reads it: its own `$` doubled, references as local values or variables of `.env`."""
    parts = [part.replace("$", "$$") if isinstance(part, str) else _local(part, spec, backing) for part in text.parts]
    return "".join(parts)


def _local(reference: Reference, spec: Spec, backing: Mapping[str, StandIn]) -> str:
    if reference.kind == "service":
        return _service_output(reference, spec)
    made = backing.get(reference.name)
    if reference.kind == "resource" and made is not None:
        return made.outputs[reference.output]
    if reference.kind == "resource":
        given = spec.resources[reference.name].outputs.get(reference.output)
        if given is not None and given.literal is not None:
            return given.literal.replace("$", "$$")
    return f"${{{_variable(reference)}:?set it in .env}}"


def _service_output(reference: Reference, spec: Spec) -> str:
    service = spec.services[reference.name]
    scheme = "http" if service.protocol == "http" else service.protocol
    public = _published(spec).get(service.name, service.port)
    values = {
        "host": service.name,
        "port": str(service.port),
        "url": f"{scheme}://{service.name}:{service.port}",
        "public_url": f"http://127.0.0.1:{public}",
    }
    return values[reference.output]


def _variable(reference: Reference) -> str:
    words = (reference.output,) if reference.kind == "secret" else (reference.name, reference.output)
    return "_".join(words).upper().replace("-", "_")


def _variables(spec: Spec, backing: Mapping[str, StandIn]) -> dict[str, str]:
    """Names that `.env` must give, with the spec path that asks for each."""
    made = {standing.password: spec.resources[name].path for name, standing in backing.items() if standing.password}
    for service in spec.services.values():
        for text in (*service.env.values(), *service.files.values()):
            for reference in text.references:
                value = "" if not reference.output and reference.kind != "secret" else _local(reference, spec, backing)
                if value == f"${{{_variable(reference)}:?set it in .env}}":
                    made.setdefault(_variable(reference), text.path)
    return made


def _secrets(spec: Spec, backing: Mapping[str, StandIn]) -> dict[str, Any]:
    return {
        f"{name}-password": {"environment": because(standing.password, spec.resources[name].path)}
        for name, standing in backing.items()
        if standing.password
    }


def _files(service: Service, spec: Spec, backing: Mapping[str, StandIn]) -> Iterator[tuple[int, str, str, Because]]:
    """(number, path, key, content) of each file a service reads; a whole resource is a directory of its outputs."""
    for number, (path, text) in enumerate(service.files.items()):
        only = text.only
        if only is not None and not only.output and only.kind == "resource":
            made = backing.get(only.name)
            for key, value in (made.outputs if made else {}).items():
                yield number, f"{path}/{key}", key, Because(value, (text.path,))
        else:
            yield number, path, "", Because(_text(text, spec, backing), (text.path,))


def _config_name(service: Service, number: int, key: str) -> str:
    return f"{service.name}-file-{number}{f'-{key}' if key else ''}"


def _config_mount(service: Service, number: int, path: str, key: str) -> dict[str, Any]:
    cause = f"{service.at('files')}"
    return {"source": because(_config_name(service, number, key), cause), "target": because(path, cause)}


def _configs(spec: Spec, backing: Mapping[str, StandIn]) -> dict[str, Any]:
    made: dict[str, Any] = {name: body for standing in backing.values() for name, body in standing.configs.items()}
    for service in spec.services.values():
        for number, _, key, content in _files(service, spec, backing):
            made[_config_name(service, number, key)] = {"content": content}
    return made
