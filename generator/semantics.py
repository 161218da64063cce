"""What a schema cannot say about a spec: names that must exist, numbers that must fit, cycles, taint."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping

from generator import references
from generator.document import Location, Node
from generator.finding import Finding, Related, Severity
from generator.layers import with_key
from generator.mistakes import distance
from generator.model import Reference
from generator.quantity import byte_count, millicores

_USUAL_ENVIRONMENTS = ("dev", "test", "staging", "prod", "production")
_NAMED = {"services": "service", "resources": "resource", "secrets": "secret"}
_BARE_NAMES = re.compile(r"services\.[^.]+\.(?:calls|uses)\[|services\.[^.]+\.scale\.queue\.name$")
_SECRET_PLACES = re.compile(r"services\.[^.]+\.(?:env|files)\.|notify\.")
_REFERENCE_PLACES = re.compile(
    r"services\.[^.]+\.(?:env|files)\.|notify\.|alerts\.[^.]+\.(?:when|expr)$|resources\.[^.]+\.outputs\."
)
_SIGNAL_PLACES = re.compile(r"alerts\.[^.]+\.(?:when|expr)$")
_ENVIRONMENT_PREFIX = re.compile(r"^environments\.[^.]+\.")


def error(rule: str, message: str, at: Location, fix: str, *related: Related) -> Finding:
    """A finding of the spec family that makes the spec unusable."""
    return Finding(f"spec/{rule}", Severity.HIGH, message, at, fix=fix, related=related, property=at.pointer)


def inside(at: Location, offset: int) -> Location:
    """A place within a plain one-line string."""
    return Location(at.path, at.line, at.column + offset, at.pointer)


def names(base: Node, overrides: Mapping[str, Node]) -> list[Finding]:
    """Names of services, resources and environments against each other."""
    found = [*_clashes(base), *_targets_of_names(base), *_override_names(base, overrides)]
    for layer in (base, *overrides.values()):
        found += _environment_names(layer, list(overrides) or ["prod"])
    return found


def slips(environments: Mapping[str, Node]) -> Iterator[Finding]:
    """Environments a letter away from a usual name: what is not called dev or staging is held to be production."""
    for name, layer in environments.items():
        meant = [usual for usual in _USUAL_ENVIRONMENTS if distance(name, usual) == 1]
        if meant and not set(meant) & set(environments) and name.isalpha():
            at, message = layer.key_at or layer.at, f'the environment "{name}" is a letter away from "{meant[0]}"'
            yield Finding("spec/unusual-name", Severity.INFO, message, at, fix=f'did you mean "{meant[0]}"?')


def shared_hosts(environments: Mapping[str, Node]) -> Iterator[Finding]:
    """Public hosts that two environments are to answer: a name leads to one of them."""
    owners: dict[str, str] = {}
    for name, tree in environments.items():
        for service in tree.entries("services").values():
            host = service.get("public", "host")
            if host is None or not isinstance(host.value, str):
                continue
            first = owners.setdefault(host.value, name)
            if first != name:
                message = f"{first} and {name} are both reached as {host.value}; the name can lead to one of them"
                fix = f"give the service another `public` under environments.{first} or environments.{name}"
                yield Finding("spec/shared-host", Severity.LOW, message, host.at, fix=fix, property=host.at.pointer)


def nulls(tree: Node) -> Iterator[Finding]:
    """Keys with no value in the lowest layer: null takes something away, and here is nothing to take."""
    for key, node in tree.items():
        if node.value is None:
            at = node.key_at or node.at
            yield error("empty-value", f"`{key}` has no value", at, f"give `{key}` a value, {{}} or [], or remove it")
        else:
            yield from nulls(node)


def known(layer: Node, base: Node) -> Node:
    """What an environment changes, without changes of what does not exist: those are found by `names`."""
    for block in _NAMED:
        node = layer.get(block)
        if node is not None and isinstance(node.value, dict):
            kept = {key: child for key, child in node.value.items() if key in base.entries(block)}
            layer = with_key(layer, block, dataclasses.replace(node, value=kept))
    return layer


def holds_name(node: Node) -> bool:
    """Whether a bare name stands here, never a reference: `names` judges it."""
    return bool(_BARE_NAMES.search(node.at.pointer))


def placement(node: Node, meant: Reference, offset: int) -> Iterator[Finding]:
    """Whether a known reference may stand where it stands."""
    path = _ENVIRONMENT_PREFIX.sub("", node.at.pointer)
    at = inside(node.at, offset)
    if meant.kind == "signal":
        if not _SIGNAL_PLACES.match(path):
            message = f"{meant} is a measurement, not a value that is known when the files are written"
            yield error("signal-as-value", message, at, "use it in `alerts`, or name an output")
    elif not _REFERENCE_PLACES.match(path):
        message = f"{meant} cannot stand in {path}, whose value must be known when the files are written"
        yield error("reference-not-allowed", message, at, "write the value, or move the reference to `env`")
    elif meant.secret and not _SECRET_PLACES.match(path):
        message = f"{meant} is secret and would be seen in {path}"
        yield error("secret-exposed", message, at, "refer to secrets only in `env`, `files` and `notify`")
    elif meant.secret and not meant.output and ".files." not in path:
        message = f"{meant} is all values of {meant.name} at once, which only a file can hold"
        yield error("reference-needs-output", message, at, f"name one, such as ${{{meant.name}.url}}")


def judge(tree: Node, environment: str, base: Node) -> list[Finding]:
    """One effective tree; what an environment took away from the base may still be called or used in it."""
    found: list[Finding] = [*_cycles(tree), *_hosts(tree), *_second_region(tree), *_freezes(tree)]
    for name, service in tree.entries("services").items():
        found += [*_service(name, service), *_scale(service), *_limits(service)]
    if environment:
        known = {(finding.rule, finding.at) for finding in _targets_of_names(base)}
        found += [
            dataclasses.replace(finding, message=f"in environment {environment} {finding.message}")
            for finding in _targets_of_names(tree)
            if (finding.rule, finding.at) not in known
        ]
    return found


def _second_region(tree: Node) -> Iterator[Finding]:
    """What is copied needs a place to be copied to."""
    if tree.get("cloud", "dr_region") is not None:
        return
    asking = [
        node
        for resource in tree.entries("resources").values()
        for node in (resource.get("backup", "copy_to_dr"), resource.get("replicate"))
        if node is not None and node.value is True
    ]
    strategy = tree.get("disaster_recovery", "strategy")
    asking += [strategy] if strategy is not None and strategy.value != "backup-restore" else []
    for node in asking:
        key = node.at.pointer.rpartition(".")[2]
        message = f"`{key}: {str(node.value).lower()}` needs a second region"
        yield error("missing-key", message, node.key_at or node.at, "add `cloud.dr_region`")


def _freezes(tree: Node) -> Iterator[Finding]:
    for span in tree.listed("delivery", "releases", "freeze"):
        first, last = span.get("from"), span.get("to")
        if first is not None and last is not None and str(first.value) > str(last.value):
            message = f"the freeze ends on {last.value}, before it begins on {first.value}"
            yield error("contradiction", message, last.at, "swap the two", Related(first.at, "the first day"))


def promotion(overrides: Mapping[str, Node]) -> list[Finding]:
    """`promote_from` names other environments and makes no circle."""
    found = []
    came_from: dict[str, str] = {}
    for name, node in overrides.items():
        source = node.get("promote_from")
        if source is None or not isinstance(source.value, str):
            continue
        if source.value not in overrides:
            fix = references.suggest(source.value, list(overrides))
            found.append(error("unknown-environment", f'there is no environment "{source.value}"', source.at, fix))
            continue
        came_from[name] = source.value
        chain = _chain(came_from, name)
        if chain:
            message = f"environments promote in a circle: {' → '.join(chain)}"
            found.append(error("cycle", message, source.at, "let the first environment promote from none"))
    return found


def _chain(edges: Mapping[str, str], start: str) -> list[str]:
    chain = [start]
    while (after := edges.get(chain[-1])) is not None:
        chain.append(after)
        if after == start:
            return chain
        if after in chain[:-1]:
            return []
    return []


def _clashes(base: Node) -> Iterator[Finding]:
    taken = base.entries("services")
    for name, node in base.entries("resources").items():
        if name in taken:
            first = Related(taken[name].key_at or taken[name].at, "the service of that name")
            message = f'"{name}" is a service and a resource; both are referred to as ${{{name}.…}}'
            yield error("name-clash", message, node.key_at or node.at, "rename one of them", first)
    for block in ("services", "resources"):
        for name, node in base.entries(block).items():
            if name in references.RESERVED:
                message = f'"{name}" is reserved: ${{{name}…}} has a meaning of its own'
                yield error("reserved-name", message, node.key_at or node.at, "choose another name")


def _targets_of_names(base: Node) -> Iterator[Finding]:
    """Bare names in `calls`, `uses` and `scale.queue.name`."""
    known_services, known_resources = list(base.entries("services")), list(base.entries("resources"))
    for name, service in base.entries("services").items():
        for key, wanted, others, other_key in (
            ("calls", known_services, known_resources, "uses"),
            ("uses", known_resources, known_services, "calls"),
        ):
            for node in service.listed(key):
                if isinstance(node.value, str):
                    yield from _named(name, node, wanted, others, other_key)
        queue = service.get("scale", "queue", "name")
        if queue is not None and isinstance(queue.value, str):
            yield from _queue(queue, base.entries("resources"))
    for resource in base.entries("resources").values():
        origin = resource.get("origin")
        if origin is not None and origin.value not in [*known_services, *known_resources]:
            fix = references.suggest(str(origin.value), [*known_services, *known_resources])
            yield error("unknown-reference", f'there is no service or resource "{origin.value}"', origin.at, fix)


def _named(service: str, node: Node, wanted: list[str], others: list[str], other_key: str) -> Iterator[Finding]:
    word = str(node.value)
    kind = "resource" if other_key == "calls" else "service"
    if word == service and kind == "service":
        yield error("calls-itself", f"{word} calls itself", node.at, "remove it; a service may always talk to itself")
    elif word in others and word not in wanted:
        other = "service" if kind == "resource" else "resource"
        yield error("wrong-kind", f'"{word}" is a {other}, not a {kind}', node.at, f"write it under `{other_key}`")
    elif word not in wanted and "${" in word:
        yield error("name-expected", f"{word} is a reference where a bare name stands", node.at, "write the name alone")
    elif word not in wanted:
        fix = references.suggest(word, wanted)
        yield error("unknown-reference", f'there is no {kind} "{word}"', node.at, fix)


def _queue(queue: Node, resources: Mapping[str, Node]) -> Iterator[Finding]:
    word = str(queue.value)
    if "${" in word:
        yield error(
            "name-expected", f"{word} is a reference where a bare name stands", queue.at, "write the name alone"
        )
        return
    if word not in resources:
        fix = references.suggest(word, list(resources))
        yield error("unknown-reference", f'there is no resource "{word}"', queue.at, fix)
        return
    kind = resources[word].word("type")
    if kind not in {"queue", "topic"}:
        message = f'"{word}" is of type {kind}, and has no depth to scale on'
        yield error("wrong-kind", message, queue.at, "name a queue")


def _environment_names(layer: Node, environments: list[str]) -> Iterator[Finding]:
    """Keys and entries that name environments."""
    named = [
        (name, node.key_at or node.at)
        for path in (("cloud", "account"), ("cost", "monthly_limit"), ("delivery", "approvals"))
        for name, node in layer.entries(*path).items()
    ]
    named += [(name, node.key_at or node.at) for name, node in layer.entries("delivery", "drift", "remediate").items()]
    listed = layer.listed("cost", "off_hours", "environments")
    named += [(node.value, node.at) for node in listed if isinstance(node.value, str)]
    for name, at in named:
        if name not in environments:
            fix = references.suggest(name, environments)
            yield error("unknown-environment", f'there is no environment "{name}"', at, fix)


def _override_names(base: Node, overrides: Mapping[str, Node]) -> Iterator[Finding]:
    """An environment changes what exists; it adds nothing."""
    for name, layer in overrides.items():
        for block, kind in _NAMED.items():
            known = list(base.entries(block))
            for key, node in layer.entries(block).items():
                if key not in known:
                    message = f'environment {name} changes the {kind} "{key}", which the spec does not have'
                    fix = references.suggest(key.lstrip("+"), known)
                    yield error(f"unknown-{kind}", message, node.key_at or node.at, fix)


def _cycles(tree: Node) -> Iterator[Finding]:
    """Calls in a circle have no order to start in."""
    calls = {
        name: [str(node.value) for node in service.listed("calls")]
        for name, service in tree.entries("services").items()
    }
    reported: set[frozenset[str]] = set()
    for name in calls:
        circle = _circle(calls, name)
        if circle and frozenset(circle) not in reported:
            reported.add(frozenset(circle))
            at = next(node.at for node in tree.listed("services", name, "calls") if node.value == circle[1])
            message = f"services call each other in a circle: {' → '.join(circle)}"
            yield error("cycle", message, at, "put a queue between two of them, or merge them")


def _circle(edges: Mapping[str, list[str]], start: str) -> list[str]:
    """The shortest way from a name back to it, or nothing."""
    paths = [[start]]
    seen = set()
    while paths:
        path = paths.pop(0)
        for after in edges.get(path[-1], []):
            if after == start and len(path) > 1:
                return [*path, start]
            if after not in seen and after != start:
                seen.add(after)
                paths.append([*path, after])
    return []


def _hosts(tree: Node) -> Iterator[Finding]:
    taken: dict[tuple[str, str], Node] = {}
    for service in tree.entries("services").values():
        host = service.get("public", "host")
        if host is None:
            continue
        key = (str(host.value), service.word("public", "path_prefix") or "/")
        if key in taken:
            message = f"{key[0]}{key[1]} is public for two services"
            first = Related(taken[key].at, "the other service")
            yield error("host-clash", message, host.at, "give one of them another host or `path_prefix`", first)
        else:
            taken[key] = host


def _service(name: str, service: Node) -> Iterator[Finding]:
    """Keys that belong together."""
    kind = service.word("type")
    at = service.key_at or service.at
    port, public, schedule = service.get("port"), service.get("public"), service.get("schedule")
    if service.get("runtime") is None and service.get("image") is None:
        fix = "add `runtime: node` (or another), or `image:` for one that exists"
        yield error("missing-key", f"{name} has neither a `runtime` nor an `image`", at, fix)
    if service.get("runtime") is not None and (image := service.get("image")) is not None:
        yield error("contradiction", f"{name} has both a `runtime` and an `image`", image.at, "keep one of them")
    if port is None and public is None and kind in {"web", "api", "static"}:
        yield error("missing-key", f"{name} is of type {kind} and has no `port`", at, "add `port: 8080`")
    if public is not None and port is None:
        yield error("missing-key", f"{name} is public and has no `port`", public.at, "add `port: 8080`")
    if kind == "cron" and schedule is None:
        yield error("missing-key", f"{name} is of type cron and has no `schedule`", at, 'add `schedule: "15 3 * * *"`')
    if kind != "cron" and schedule is not None:
        message = f"{name} has a `schedule` and is of type {kind}"
        yield error("contradiction", message, schedule.at, "remove `type`, or the schedule")
    if public is not None and kind not in {"web", "api", "static", "stateful"}:
        message = f"{name} is public and of type {kind}, which nobody can call"
        yield error("contradiction", message, public.at, "remove `type`, or `public`")
    storage = service.get("storage")
    if kind != "stateful" and storage is not None:
        message = f"{name} has `storage` and is of type {kind}, which keeps nothing"
        yield error("contradiction", message, storage.key_at or storage.at, "write `type: stateful`, or remove it")
    if kind == "stateful" and storage is None:
        yield error(
            "missing-key", f"{name} is stateful and has no `storage`", at, "add `storage: {size: 10Gi, mount: /data}`"
        )


def _scale(service: Node) -> Iterator[Finding]:
    least, most = service.get("scale", "min"), service.get("scale", "max")
    if least is None or most is None or not isinstance(least.value, int) or not isinstance(most.value, int):
        return
    if least.value > most.value:
        message = f"`min` {least.value} is more than `max` {most.value}"
        shown, other = (least, most) if least.layer != "derived" else (most, least)
        fix = f"lower `min` to {most.value}, or raise `max`"
        yield error("minimum-above-maximum", message, shown.at, fix, Related(other.at, "the other end"))


def _limits(service: Node) -> Iterator[Finding]:
    for key, measure in (("cpu", millicores), ("memory", byte_count)):
        request, limit = service.get("size", key), service.get("size", f"{key}_limit")
        if request is None or limit is None or limit.value == "none":
            continue
        try:
            too_low = measure(str(limit.value)) < measure(str(request.value))
        except ValueError:
            continue
        if too_low:
            message = f"the {key} limit {limit.value} is less than the request {request.value}"
            related = Related(request.at, "the request")
            yield error(
                "limit-below-request", message, limit.at, f"raise `{key}_limit` to {request.value} or more", related
            )
