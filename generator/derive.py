"""Defaults that depend on the rest of the spec, as a layer of their own.

Each derived value is a node that says why (`note`) and stands at the place that decided it, so that
`explain` and `why` answer for it. What does not depend on anything is a default in the schema.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from generator import references
from generator.document import Location, Node, Scalar, pointer
from generator.layers import with_key
from generator.quantity import byte_count, cpu, memory, millicores

DEVELOPMENT = frozenset({"dev", "development", "test", "local", "sandbox", "preview", "review"})
"""Environment names with the weak defaults; every other name is strict."""

PROFILES = {"small": ("100m", "128Mi"), "medium": ("250m", "512Mi"), "large": ("1", "2Gi")}
"""Named sizes: requests of cpu and memory."""

_RUNTIME_PROFILE = {"java": "medium", "dotnet": "medium"}
_STORES = {"aws": "aws-secrets-manager", "gcp": "gcp-secret-manager", "azure": "azure-key-vault"}
_GRACEFUL_LIMIT = 5
_RUN_ONCE = frozenset({"cron", "job"})


def derive(tree: Node, environment: str) -> Node:
    """The tree with derived values filled in where the spec is silent."""
    tree = _platform(tree)
    services = tree.get("services")
    if services is None or not isinstance(services.value, dict):
        return tree
    names = {"service": list(tree.entries("services")), "resource": list(tree.entries("resources"))}
    made = {name: _service(node, environment, names) for name, node in services.items()}
    return _resources(with_key(tree, "services", dataclasses.replace(services, value=made)), environment)


def _made(value: Scalar | tuple[Node, ...], near: Node, path: str, why: str) -> Node:
    at = near.key_at or near.at
    return Node(value, Location(at.path, at.line, at.column, path), layer="derived", note=why)


def _default(node: Node, key: str, value: Scalar, why: str, near: Node | None = None) -> Node:
    if node.get(key) is not None:
        return node
    return with_key(node, key, _made(value, near or node, pointer(node.at.pointer, key), why))


def _platform(tree: Node) -> Node:
    provider = tree.get("cloud", "provider")
    platform = tree.get("platform") or Node({}, tree.at, layer="derived")
    name = str(provider.value) if provider else "none"
    store = platform.get("secrets") or Node({}, platform.at, layer="derived")
    store = _default(store, "store", _STORES.get(name, "vault"), f"the cloud provider is {name}", provider)
    registry = platform.get("registry") or Node({}, platform.at, layer="derived")
    accounts = list(tree.entries("cloud", "account").values())
    region = tree.word("cloud", "region")
    if name == "aws" and accounts and region:
        host = f"{accounts[-1].value}.dkr.ecr.{region}.amazonaws.com"
        registry = _default(registry, "host", host, "no registry is given; this is the last account's", accounts[-1])
    owner = tree.get("delivery", "repository") or tree.get("owner")
    if owner is not None:
        host = f"ghcr.io/{str(owner.value).partition('/')[0]}"
        registry = _default(registry, "host", host, "no registry is given; this is the owner's on GitHub", owner)
    tree = with_key(tree, "platform", with_key(with_key(platform, "secrets", store), "registry", registry))
    return _runbooks(tree)


RUNBOOKS = "docs/infrastructure/runbooks"
"""Where runbooks lie in the repository."""


def _runbooks(tree: Node) -> Node:
    """Where people read the runbooks: the forge of the repository shows them."""
    monitoring = tree.get("monitoring") or Node({}, tree.at, layer="derived")
    if not isinstance(monitoring.value, dict) or monitoring.get("runbooks") is not None:
        return tree
    at = dataclasses.replace(monitoring.at, pointer="monitoring")
    monitoring = dataclasses.replace(monitoring, at=at)
    repository = tree.get("delivery", "repository")
    if repository is None:
        made = _default(monitoring, "runbooks", RUNBOOKS, "no `delivery.repository` says where they can be read")
        return with_key(tree, "monitoring", made)
    services = [str(node.value) for node in tree.listed("delivery", "ci")]
    shown = (
        "https://gitlab.com/{}/-/blob/HEAD/{}" if services[:1] == ["gitlab"] else "https://github.com/{}/blob/HEAD/{}"
    )
    address = shown.format(repository.value, RUNBOOKS)
    made = _default(monitoring, "runbooks", address, "the repository shows them there", repository)
    return with_key(tree, "monitoring", made)


def _resources(tree: Node, environment: str) -> Node:
    resources = tree.get("resources")
    if resources is None or not isinstance(resources.value, dict) or tree.word("cloud", "provider") in {"", "none"}:
        return tree  # without a cloud nothing is made of them
    made = {name: _resource(name, node, tree, environment) for name, node in resources.items()}
    return with_key(tree, "resources", dataclasses.replace(resources, value=made))


def _resource(name: str, resource: Node, tree: Node, environment: str) -> Node:
    """What a cloud must know of a store and the spec does not say."""
    kind = resource.word("type")
    if kind not in _STORE_SIZES:
        return resource
    weak = environment in DEVELOPMENT
    why = f"{environment} is a development environment" if weak else "it is not known to be a development environment"
    resource = _default(resource, "highly_available", not weak, why)
    size = resource.get("size") or Node({}, resource.at, layer="derived")
    if not isinstance(size.value, dict):
        return resource
    path = pointer(resource.at.pointer, "size")
    size = dataclasses.replace(size, at=dataclasses.replace(size.at, pointer=path))
    for key, value in _STORE_SIZES[kind].items():
        size = _default(size, key, value, f"the usual size of a {kind}")
    resource = with_key(resource, "size", size)
    if kind not in _WITH_PASSWORD:
        return resource
    strategy = tree.get("disaster_recovery", "strategy")
    if strategy is not None and strategy.value in FOLLOWED:
        why = f"the second region's database follows this one ({strategy.value}), and needs its password"
        return _default(resource, "credentials", "generated", why, strategy)
    reader = composed(name, tree)
    if reader is None:
        return _default(resource, "credentials", "managed", "no service needs the password within another text")
    why = f"`{reader.value}` can only be composed where the password is known"
    return _default(resource, "credentials", "generated", why, reader)


_STORE_SIZES: dict[str, dict[str, Scalar]] = {
    "postgres": {"cpu": 2, "memory": "4Gi", "storage": "20Gi"},
    "mysql": {"cpu": 2, "memory": "4Gi", "storage": "20Gi"},
    "valkey": {"memory": "1Gi"},
}
_WITH_PASSWORD = frozenset({"postgres", "mysql"})
FOLLOWED = frozenset({"pilot-light", "warm-standby", "active-active"})
"""Strategies of recovery with a database in the second region that follows the first one's."""


def composed(name: str, tree: Node) -> Node | None:
    """The string that needs a resource's password where the cloud does not give it alone, or None.

    A container of ECS can be given one key of a secret; a pod reads one secret of a known name, so
    there every secret output counts.
    """
    alone = {"username", "password"} if tree.word("platform", "compute") == "ecs" else set[str]()
    for service in tree.entries("services").values():
        for node in _strings(service):
            bodies = [body for _, body, _ in references.split(str(node.value)) if body is not None]
            for body in bodies:
                owner, _, output = body.partition(".")
                secret = output in {"", "username", "password", "url"}
                if owner == name and secret and (output not in alone or str(node.value) != f"${{{body}}}"):
                    return node
    return None


def _service(service: Node, environment: str, names: dict[str, list[str]]) -> Node:
    if not isinstance(service.value, dict):
        return service
    service = _type(service)
    kind = service.word("type")
    service = _static_port(service, kind)
    service = _implied(service, "uses", names["resource"])
    service = _implied(service, "calls", names["service"])
    service = _sized(service)
    service = _watched(service, kind)
    return _scaled(service, kind, environment)


def _type(service: Node) -> Node:
    for key, kind in (("schedule", "cron"), ("public", "web"), ("port", "api")):
        given = service.get(key)
        if given is not None:
            return _default(service, "type", kind, f"`{key}` is given", given)
    return _default(service, "type", "worker", "neither `public`, `port` nor `schedule` is given")


def _static_port(service: Node, kind: str) -> Node:
    runtime = service.get("runtime", "name")
    if kind == "static" or (runtime is not None and runtime.value == "static"):
        return _default(service, "port", 8080, "the unprivileged web server listens there", runtime)
    return service


def _implied(service: Node, key: str, names: list[str]) -> Node:
    """`uses` and `calls` as written, and what the service's own strings refer to."""
    written = service.listed(key)
    known, entries = [str(node.value) for node in written], list(written)
    for node in _strings(service):
        for _, body, _ in references.split(str(node.value)):
            name = (body or "").partition(".")[0]
            if name in names and name not in known:
                known.append(name)
                path = pointer(pointer(service.at.pointer, key), len(entries))
                entries.append(_made(name, node, path, f"`${{{body}}}` refers to it"))
    if len(entries) == len(written):
        return service
    base = service.get(key) or _made((), service, pointer(service.at.pointer, key), "")
    return with_key(service, key, dataclasses.replace(base, value=tuple(entries)))


_ANSWERING = frozenset({"web", "api"})
_COUNTED = frozenset({"http", "grpc"})
"""Protocols whose requests a library counts."""


def _watched(service: Node, kind: str) -> Node:
    """What we build and what answers requests tells of them, and promises something."""
    ours = service.get("image") is None and service.word("runtime", "name") != "static"
    counted = (service.word("protocol") or "http") in _COUNTED
    if kind not in _ANSWERING or not ours or not counted:
        return service
    if service.get("metrics") is None:
        service = _empty(service, "metrics", f"the requests of a {kind} service are counted, and pushed by OTLP")
    if service.get("slo") is None:
        service = _empty(service, "slo", f"the usual promise of a {kind} service")
    return service


def _empty(node: Node, key: str, why: str) -> Node:
    """A mapping that is there; the schema's defaults fill it."""
    near = node.key_at or node.at
    at = Location(near.path, near.line, near.column, pointer(node.at.pointer, key))
    return with_key(node, key, Node({}, at, layer="derived", note=why))


def _strings(service: Node) -> Iterator[Node]:
    for key in ("env", "files"):
        for node in service.entries(key).values():
            if isinstance(node.value, str) and "${" in node.value:
                yield node
    queue = service.get("scale", "queue", "name")
    if queue is not None and isinstance(queue.value, str):
        yield dataclasses.replace(queue, value=f"${{{queue.value}}}")


def _sized(service: Node) -> Node:
    """Requests from the profile, limits from the requests: cpu 5 times, memory twice."""
    size = service.get("size") or Node({}, service.at, layer="derived")
    if not isinstance(size.value, dict):
        return service
    size = dataclasses.replace(size, at=dataclasses.replace(size.at, pointer=pointer(service.at.pointer, "size")))
    runtime = service.get("runtime", "name")
    profile = size.get("profile")
    name = str(profile.value) if profile else _RUNTIME_PROFILE.get(str(runtime.value) if runtime else "", "small")
    requests = PROFILES.get(name, PROFILES["small"])
    why = f"profile {name}"
    size = _default(_default(size, "cpu", requests[0], why), "memory", requests[1], why)
    asked_cpu, asked_memory = size.get("cpu"), size.get("memory")
    try:
        cpu_limit = cpu(millicores(str(asked_cpu.value)) * _GRACEFUL_LIMIT) if asked_cpu else ""
        memory_limit = memory(byte_count(str(asked_memory.value)) * 2) if asked_memory else ""
    except ValueError:
        return with_key(service, "size", size)
    size = _default(size, "cpu_limit", cpu_limit, "5 times the cpu request", asked_cpu)
    size = _default(size, "memory_limit", memory_limit, "twice the memory request", asked_memory)
    return with_key(service, "size", size)


def _scaled(service: Node, kind: str, environment: str) -> Node:
    scale = service.get("scale") or Node({}, service.at, layer="derived")
    if not isinstance(scale.value, dict):
        return service
    scale = dataclasses.replace(scale, at=dataclasses.replace(scale.at, pointer=pointer(service.at.pointer, "scale")))
    least, most = scale.get("min"), scale.get("max")
    if kind in _RUN_ONCE or kind in {"stateful", "daemon"}:
        low, high, why = 1, 1, f"a {kind} service runs one unless the spec says more"
    elif environment in DEVELOPMENT:
        low, high, why = 1, 10, f"{environment} is a development environment"
    else:
        low, high, why = 2, 10, f"{environment or 'the base'} is not known to be a development environment"
    if most is not None and isinstance(most.value, int) and most.value < low:
        low, why = most.value, "`max` is lower than the usual least"
    scale = _default(scale, "min", low, why, most)
    if least is not None and isinstance(least.value, int):
        high = max(high, least.value)
    return with_key(
        service, "scale", _default(scale, "max", high, "the usual most, or `min` where that is more", least)
    )
