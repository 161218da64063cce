"""Product + report -> Summary: what the product is, per environment, and what has been proven of it.

Every value is read from the model or from a generated file and says so; what nobody measured is
"not measured". A box is ticked by a rule that judged something and found it right, by nothing else.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from generator import data
from generator.diagrams.views import graphs
from generator.document import Location, Node
from generator.finding import Finding
from generator.model import Product, Resource, Service, Spec
from generator.quantity import byte_count, cpu, memory, millicores
from generator.report import Box, Criterion, Drawing, Report, Row, Section, Summary, Value, Verdict

Need = tuple[str, ...]
"""Names of one requirement: any of them proves it, every one of them can refute it."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A check box to be: proven by all its needs, or by all its parts; `unless` can only refute it.

    A rule that looks for something forbidden passes nowhere when there is none, so it proves nothing.
    """

    text: str
    needs: tuple[Need, ...] = ()
    unless: Need = ()
    parts: tuple[Promise, ...] = ()


BOXES = (
    Promise("Image vulnerability scanning enabled", (("ci/image-not-scanned",),)),
    Promise(
        "Network policies configured",
        (("checkov/CKV2_K8S_6",),),
        unless=("cross/flow-not-allowed", "cross/flow-not-declared", "cross/policy-selects-nothing"),
    ),
    Promise(
        "Secrets management implemented",
        (("cross/secret-key-not-provided",),),
        unless=("secrets/literal", "secrets/literal-variable", "kubernetes/secret-in-repository"),
    ),
    Promise(
        "Encryption at rest and in transit",
        parts=(
            Promise(
                "Encryption at rest",
                (("terraform/unencrypted-database", "checkov/CKV_AWS_16"),),
                unless=("terraform/unencrypted-queue", "terraform/unencrypted-topic", "terraform/unencrypted-volume"),
            ),
            Promise("Encryption in transit", (("kubernetes/route-without-tls", "kubernetes/ingress-without-tls"),)),
        ),
    ),
)
"""The check boxes of the founding document."""

_DATABASES = frozenset({"postgres", "mysql", "mongodb", "valkey", "search"})
_DATABASE_KEYS = (
    ("type",),
    ("version",),
    ("highly_available",),
    ("size", "cpu"),
    ("size", "memory"),
    ("size", "storage"),
)
PROBES: tuple[Need, ...] = (
    ("kubernetes/missing-liveness", "checkov/CKV_K8S_8"),
    ("kubernetes/missing-readiness", "checkov/CKV_K8S_9"),
)
REPRODUCIBLE_BUILD: tuple[Need, ...] = (
    ("docker/unpinned-base-image",),
    ("docker/unlocked-install",),
)
_UP_TO_DATE = frozenset({"current", "written", "created", "updated", "unchanged"})


def summarise(product: Product, report: Report, texts: Mapping[str, str]) -> Summary:
    """The summary of a product. `texts` has generated files by path; the base images are read from them."""
    specs = tuple(product.environments.values())
    facts = _Facts(specs, report, texts)
    return Summary(
        app=product.base.app,
        environments=tuple(product.environments),
        sections=(
            Section("Container Configuration", tuple(_containers(facts))),
            Section("Infrastructure Components", tuple(_infrastructure(facts))),
            Section("Deployment Strategy", tuple(_deployment(facts))),
            Section("Monitoring Setup", tuple(_monitoring(facts))),
            Section("Cost Estimate", tuple(_cost(facts))),
        ),
        boxes=tuple(_box(promise, report) for promise in BOXES),
        criteria=tuple(_criteria(facts)),
        diagrams=tuple(Drawing(name, graph) for name, spec in product.environments.items() for graph in graphs(spec)),
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    specs: tuple[Spec, ...]
    report: Report
    texts: Mapping[str, str]

    def row(self, label: str, value: Callable[[Spec], Value], subject: str = "") -> Row:
        return Row(label, tuple(value(spec) for spec in self.specs), subject)

    def services(self) -> tuple[str, ...]:
        """Names of the services of all environments, in spec order."""
        return tuple(dict.fromkeys(name for spec in self.specs for name in spec.services))

    def databases(self) -> tuple[str, ...]:
        kept = (item for spec in self.specs for item in spec.resources.values() if item.type in _DATABASES)
        return tuple(dict.fromkeys(item.name for item in kept))

    def made(self, target: str) -> int:
        """How many files a target has."""
        return sum(file.target == target for file in self.report.files)


_ABSENT = Value("not in this environment", "derived")


def _read(text: str, *nodes: Node | None) -> Value:
    """A text made of values of the spec, with the place that says most about it."""
    given = [node for node in nodes if node is not None]
    written = [node for node in given if node.layer not in {"default", "derived"} and node.at.line]
    if written:
        telling = next((node for node in written if node.layer == "environment"), written[0])
        return Value(text, "declared" if len(written) == len(given) else "derived", _where(telling.at))
    noted = next((node for node in given if node.note), None)
    if noted is not None:
        return Value(text, "derived", noted.note)
    return Value(text, "derived", f"default of {given[0].at.pointer}" if given and given[0].at.pointer else "default")


def _where(at: Location) -> str:
    return f"{at} {at.pointer}".rstrip()


def _joined(words: Iterable[str], none: str) -> str:
    return ", ".join(words) or none


# Container Configuration


def _containers(facts: _Facts) -> Iterator[Row]:
    for name in facts.services():
        yield facts.row("Base Image", partial(_base_image, name=name, texts=facts.texts), name)
    yield facts.row("Image Size", lambda _: Value("not measured", "unknown", "no image report was imported"))
    yield facts.row("Security Scan", lambda _: Value("not scanned", "unknown", "no scan report was imported"))


def _base_image(spec: Spec, name: str, texts: Mapping[str, str]) -> Value:
    service = spec.services.get(name)
    if service is None:
        return _ABSENT
    if service.image is not None:
        return _read(f"{service.image} (as it is)", spec.tree.get("services", service.name, "image"))
    path = _dockerfile(service, texts)
    found = _last_base(texts[path]) if path else None
    if found is None:
        return Value("unknown", "unknown", "no Dockerfile was read")
    support, dated = _support(found[0].partition("@")[0])
    return Value(f"{_shortened(found[0])}; {support}", "derived", f"{path}:{found[1]}{dated}")


def _shortened(image: str) -> str:
    """The image with as much of its digest as one reads."""
    name, _, digest = image.partition("@")
    return f"{name}, digest {digest[:19]}" if digest else f"{name}, no digest"


def _support(name: str) -> tuple[str, str]:
    """Until when an image's line and distribution are supported, as the dated data knows; and its date."""
    known = data.load("schemas/data/runtimes.json")
    lines = [
        (f"{runtime} {line}", about["end_of_life"], image.get("base"))
        for runtime, of_runtime in known["runtimes"].items()
        for line, about in of_runtime["lines"].items()
        for use, image in about["images"].items()
        if image["ref"] == name and use != "build"
    ]
    ends = {base: known["distributions"].get(base, {}).get("end_of_life") for _, _, base in lines if base}
    if len(lines) == 1:  # an image that serves several lines says nothing of any of them
        ends[lines[0][0]] = lines[0][1]
    told = [f"{what} supported until {end}" for what, end in sorted(ends.items()) if end]
    return (", ".join(told), f" and data of {known['date']}") if told else ("end of support unknown", "")


def _dockerfile(service: Service, texts: Mapping[str, str]) -> str | None:
    """The service's Dockerfile: in its build context, and named for it when the context is shared."""
    context = posixpath.normpath(service.build.context or ".")
    beside = [path for path in sorted(texts) if posixpath.normpath(posixpath.dirname(path) or ".") == context]
    dockerfiles = [path for path in beside if re.search(r"(?:^|[/.])Dockerfile(?:\.[^/]+)?$", path)]
    named = [path for path in dockerfiles if service.name in re.split(r"[/.]", path.rpartition("/")[2])]
    plain = [path for path in dockerfiles if path.rpartition("/")[2] == "Dockerfile"]
    return next(iter(named + plain), None)


def _last_base(text: str) -> tuple[str, int] | None:
    """The image the last stage stands on, through stages that build on one another, and its line."""
    stages: dict[str, tuple[str, int]] = {}
    last = None
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"(?i)\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", line)
        if match:
            last = stages.get(match[1].lower(), (match[1], number))
            if match[2]:
                stages[match[2].lower()] = last
    return last


# Infrastructure Components


def _infrastructure(facts: _Facts) -> Iterator[Row]:
    yield facts.row("Compute", _compute)
    yield facts.row("Storage", _storage)
    yield facts.row("Networking", _network)
    if any(spec.cloud for spec in facts.specs) and not facts.made("terraform"):
        unknown = Value("not generated yet", "unknown", "there is no terraform target yet")
        yield facts.row("Networking", lambda _: unknown, "subnets and security groups")
    yield facts.row("Networking", _exposed, "public hosts")
    yield facts.row("Networking", _flows, "declared flows")
    databases = facts.databases()
    for name in databases:
        yield facts.row("Database", partial(_database, name=name), name)
    if not databases:
        yield facts.row("Database", lambda _: Value("none", "declared", "no resource is a database"))


def _compute(spec: Spec) -> Value:
    lasting = [service for service in spec.services.values() if service.replicated]
    least, most = sum(service.scale.min for service in lasting), sum(service.scale.max for service in lasting)
    cores = sum(millicores(service.size.cpu) * service.scale.min for service in lasting)
    size = sum(byte_count(service.size.memory) * service.scale.min for service in lasting)
    pods = f"{least} pods" if least == most else f"{least} to {most} pods"
    text = f"{pods} of {_services(len(lasting))}; at the least {cpu(cores)} cpu and {memory(size)} requested"
    others = [service.type for service in spec.services.values() if not service.replicated]
    text += "".join(f"; {others.count(kind)} {kind}" for kind in sorted(set(others)))
    return Value(text, "derived", "sum over services.*.scale and services.*.size")


def _services(number: int) -> str:
    return "1 service" if number == 1 else f"{number} services"


def _storage(spec: Spec) -> Value:
    volumes = [(service.storage.size, service.scale.min) for service in spec.services.values() if service.storage]
    volumes += [(item.size.storage, 1) for item in spec.resources.values() if item.size and item.size.storage]
    count, total = sum(copies for _, copies in volumes), sum(byte_count(size) * copies for size, copies in volumes)
    unbounded = [item.name for item in spec.resources.values() if _unbounded(item)]
    text = (
        f"{memory(total)} across {count} {'volume' if count == 1 else 'volumes'}"
        if count
        else "no volume of a given size"
    )
    text += f"; without a given size: {', '.join(unbounded)}" if unbounded else ""
    return Value(text, "derived", "sum over services.*.storage and resources.*.size.storage")


def _unbounded(resource: Resource) -> bool:
    stores = resource.type == "bucket" or resource.type in _DATABASES
    return stores and not (resource.size and resource.size.storage)


def _network(spec: Spec) -> Value:
    if spec.cloud is None or spec.cloud.provider == "none":
        return Value("no cloud network", "derived", "the spec names no cloud")
    network = spec.cloud.network
    node = spec.tree.get("cloud", "network", "existing" if network.existing else "cidr")
    if network.existing:
        return _read(f"existing network {network.existing}", node)
    return _read(f"{spec.cloud.provider} network {network.cidr} over {network.zones} zones", node)


def _exposed(spec: Spec) -> Value:
    public = [(service, service.public) for service in spec.services.values() if service.public]
    text = _joined((f"{at.host}{at.path_prefix.rstrip('/')} to {service.name}" for service, at in public), "none")
    nodes = [spec.tree.get("services", service.name, "public", "host") for service, _ in public]
    return _read(text, *nodes) if public else Value(text, "declared", "no service is public")


def _flows(spec: Spec) -> Value:
    flows = [
        f"{service.name} to {other}" for service in spec.services.values() for other in (*service.calls, *service.uses)
    ]
    return Value(_joined(flows, "none"), "derived", "services.*.calls and services.*.uses")


def _database(spec: Spec, name: str) -> Value:
    resource = spec.resources.get(name)
    if resource is None:
        return _ABSENT
    parts = [" ".join(part for part in (resource.type, resource.version) if part)]
    if resource.highly_available is not None:
        parts.append("highly available" if resource.highly_available else "one instance")
    if resource.size:
        parts += [f"{value} {unit}" for value, unit in _sizes(resource) if value]
    if resource.backup:
        parts.append(f"backup every {resource.backup.every}, kept {resource.backup.keep}")
    return _read("; ".join(parts), *(spec.tree.get("resources", name, *key) for key in _DATABASE_KEYS))


def _sizes(resource: Resource) -> Iterator[tuple[str | None, str]]:
    if resource.size:
        yield resource.size.cpu, "cpu"
        yield resource.size.memory, "memory"
        yield resource.size.storage, "storage"


# Deployment Strategy


def _deployment(facts: _Facts) -> Iterator[Row]:
    yield facts.row("Environment", partial(_environment, alone=len(facts.specs) == 1))
    for name in facts.services():
        yield facts.row("Scaling", partial(_scaling, name=name), name)
    yield facts.row("High Availability", _availability)


def _environment(spec: Spec, *, alone: bool) -> Value:
    environment = spec.environment
    parts = [environment.name, "development defaults" if environment.development else "strict defaults"]
    parts += [f"promoted from {environment.promote_from}"] if environment.promote_from else []
    parts += ["protected"] if environment.protect else []
    if alone and environment.name == "prod":
        return Value("; ".join(parts), "derived", "without `environments` there is one, prod")
    return Value("; ".join(parts), "declared", environment.path)


def _scaling(spec: Spec, name: str) -> Value:
    service = spec.services.get(name)
    if service is None:
        return _ABSENT
    if service.schedule:
        text = f"runs at {service.schedule.cron} {service.schedule.time_zone}"
        return _read(text, spec.tree.get("services", name, "schedule", "cron"))
    if not service.replicated:
        text = "one pod a node" if service.type == "daemon" else "runs once"
        return _read(f"a {service.type}: {text}", spec.tree.get("services", name, "type"))
    scale = service.scale
    nodes = (spec.tree.get("services", name, "scale", "min"), spec.tree.get("services", name, "scale", "max"))
    if scale.fixed:
        return _read(f"{scale.min}, fixed; rollout {service.rollout.strategy}", *nodes)
    signals = [f"cpu {scale.cpu} %"]
    signals += [f"memory {scale.memory} %"] if scale.memory else []
    signals += [f"{scale.requests_per_second} requests a second each"] if scale.requests_per_second else []
    signals += [f"{scale.queue.per_replica} of {scale.queue.name} each"] if scale.queue else []
    text = f"{scale.min} to {scale.max} by {', '.join(signals)}; rollout {service.rollout.strategy}"
    return _read(text, *nodes)


def _availability(spec: Spec) -> Value:
    lasting = [service for service in spec.services.values() if service.replicated]
    doubled = sum(service.scale.min >= 2 for service in lasting)
    parts = [f"{spec.cloud.network.zones} zones"] if spec.cloud else ["zones unknown: the spec names no cloud"]
    parts.append(f"{doubled} of {_services(len(lasting))} with two pods or more")
    twofold = [item.name for item in spec.resources.values() if item.highly_available]
    parts += [f"highly available: {', '.join(twofold)}"] if twofold else []
    return Value("; ".join(parts), "derived", "cloud.network.zones, services.*.scale.min, resources.*.highly_available")


# Monitoring Setup and Cost Estimate


def _monitoring(facts: _Facts) -> Iterator[Row]:
    made = facts.made("monitoring") > 0
    collected = (("metrics", "interval"), ("metrics", "keep"))
    logged = (("logs", "shipper"), ("logs", "store"), ("logs", "keep"))
    yield facts.row("Metrics", _endpoints, "endpoints")
    yield facts.row("Metrics", partial(_planned, keys=collected, made=made), "collection")
    yield facts.row("Logging", partial(_planned, keys=logged, made=made))
    yield facts.row("Alerts", partial(_alerts, made=made))


def _endpoints(spec: Spec) -> Value:
    told = [(name, service.metrics) for name, service in spec.services.items() if service.metrics]
    said = (f"{name} {metrics.port}{metrics.path_}" if metrics.port else f"{name} by OTLP" for name, metrics in told)
    nodes = [spec.tree.get("services", name, "metrics", "port") for name, _ in told]
    return _read(", ".join(said), *nodes) if told else Value("none", "declared", "no service has `metrics`")


def _planned(spec: Spec, keys: Sequence[tuple[str, str]], *, made: bool) -> Value:
    """What the spec says of a part of the monitoring, and whether anything was made of it."""
    nodes = [(key[-1], spec.tree.get("monitoring", *key)) for key in keys]
    said = ", ".join(f"{key} {node.value}" for key, node in nodes if node is not None)
    if not made:
        wanted = f"not generated yet; the spec says {said}" if said else "not generated yet"
        return Value(wanted, "unknown", "there is no monitoring target yet")
    return _read(said or "as the defaults are", *(node for _, node in nodes))


def _alerts(spec: Spec, *, made: bool) -> Value:
    alerts, receivers = spec.tree.entries("alerts"), spec.tree.entries("notify")
    said = f"declared: {_joined(alerts, 'none')}; receivers: {_joined(receivers, 'none')}"
    if not made:
        return Value(f"not generated yet; {said}", "unknown", "there is no monitoring target yet")
    return _read(f"{_proven(spec)}; {said}", *alerts.values(), *receivers.values())


def _proven(spec: Spec) -> str:
    """How many alerts there are, and how many tests prove them."""
    from generator.monitoring.rules import watch

    alerts = [alert for one in watch(spec) for alert in one.alerts]
    pages = sum(alert.severity == "page" for alert in alerts)
    return f"{len(alerts)} alerts, {pages} of which page, with {sum(len(alert.trials) for alert in alerts)} tests"


def _cost(facts: _Facts) -> Iterator[Row]:
    unknown = Value("not estimated yet", "unknown", "no prices are read yet")
    yield facts.row("Monthly Cost", lambda _: unknown)
    if any(spec.tree.get("cost", "monthly_limit") for spec in facts.specs):
        yield facts.row("Monthly Cost", _limit, "limit")
    yield facts.row("Cost Optimization", _savings)


def _limit(spec: Spec) -> Value:
    node = spec.tree.get("cost", "monthly_limit", spec.environment.name)
    if node is None:
        return Value("none", "declared", "cost.monthly_limit")
    return _read(f"{node.value} {spec.tree.word('cost', 'currency')}".strip(), node)


def _savings(spec: Spec) -> Value:
    nodes = [spec.tree.get("services", service.name, "spot") for service in spec.services.values() if service.spot]
    said = [f"spot: {', '.join(service.name for service in spec.services.values() if service.spot)}"] if nodes else []
    hours = spec.tree.get("cost", "off_hours")
    if hours is not None and spec.environment.name in [node.value for node in hours.listed("environments")]:
        said.append(f"off from {hours.word('stop')} to {hours.word('start')} {hours.word('time_zone')}".rstrip())
        nodes.append(hours)
    return (
        _read("; ".join(said), *nodes) if said else Value("none declared", "derived", "services.*.spot, cost.off_hours")
    )


# Security Measures


def _box(promise: Promise, report: Report) -> Box:
    if promise.parts:
        parts = tuple(_box(part, report) for part in promise.parts)
        missing = [part.text for part in parts if not part.ticked]
        reason = f"not proven: {', '.join(missing)}" if missing else "all parts are proven"
        return Box(promise.text, not missing, (), reason, parts)
    states = [_proof(need, report, report.findings) for need in promise.needs]
    rules = tuple(name for need in promise.needs for name in _judging(need, report))
    problems = [reason for proven, reason in states if not proven]
    problems += [found for name in promise.unless if (found := _objection((name,), report, report.findings))]
    return Box(promise.text, not problems, rules, "; ".join(problems or [reason for _, reason in states]))


def _judging(need: Need, report: Report) -> tuple[str, ...]:
    """The names that had a say in this run; all that could have had one when none did."""
    spoke = {item.rule for item in report.passes} | {finding.rule for finding in report.findings}
    return tuple(name for name in need if name in spoke) or need


def _proof(need: Need, report: Report, findings: Iterable[Finding]) -> tuple[bool, str]:
    """Whether a requirement is proven, and by what or why not."""
    objection = _objection(need, report, findings)
    if objection:
        return False, objection
    passed = {name: sum(item.rule == name for item in report.passes) for name in need}
    best = next((name for name in need if passed[name]), None)
    if best is None:
        return False, f"not checked: {need[0]} judged nothing"
    return True, f"{best} passed {'once' if passed[best] == 1 else f'{passed[best]} times'}"


def _objection(need: Need, report: Report, findings: Iterable[Finding]) -> str:
    """The findings or waivers that speak against a requirement, in words."""
    names = set(need)
    found = sum(_named(finding, names) for finding in findings)
    if found:
        return f"{found} {'finding' if found == 1 else 'findings'} of {need[0]}"
    waived = sum(_named(item.finding, names) for item in report.waived)
    return f"{need[0]} is waived {'once' if waived == 1 else f'{waived} times'}" if waived else ""


def _named(finding: Finding, names: set[str]) -> bool:
    return finding.rule in names or not names.isdisjoint(finding.aliases)


# Success Criteria


def _criteria(facts: _Facts) -> Iterator[Criterion]:
    def every(judge: Callable[[Spec], Verdict]) -> tuple[Verdict, ...]:
        return tuple(judge(spec) for spec in facts.specs)

    def unknown(reason: str) -> tuple[Verdict, ...]:
        return every(lambda _: Verdict("unknown", reason))

    scans = unknown("no scan report was imported")
    yield Criterion("All containers pass security scans with no critical vulnerabilities", True, scans)
    yield Criterion("Infrastructure is fully defined as code", False, unknown("no record of what runs was imported"))
    yield Criterion("Deployments are reproducible and idempotent", True, every(lambda spec: _reproducible(spec, facts)))
    yield Criterion("Auto-scaling and health checks are configured", True, every(lambda spec: _tended(spec, facts)))
    alerts = (
        "every alert is generated with a test that makes it fire; whether it runs is not known here"
        if facts.made("monitoring")
        else "no monitoring is generated"
    )
    yield Criterion("Monitoring and alerting are operational", True, unknown(alerts))
    yield Criterion("Disaster recovery plan is tested and documented", False, unknown("no drill record was imported"))
    yield Criterion("Cost optimization measures are implemented", False, unknown("no costs are estimated yet"))


def _reproducible(spec: Spec, facts: _Facts) -> Verdict:
    """Written once more, nothing changes; built once more, the same comes out."""
    behind = [file for file in facts.report.files if file.target and file.state not in _UP_TO_DATE]
    if behind:
        return Verdict("not met", f"{len(behind)} generated files differ from the spec, such as {behind[0].path}")
    return _judged(spec, facts, REPRODUCIBLE_BUILD, "every generated file is as the spec says")


def _tended(spec: Spec, facts: _Facts) -> Verdict:
    fixed = [service.name for service in spec.services.values() if service.replicated and service.scale.fixed]
    scaling = f"of a fixed number: {', '.join(fixed)}" if fixed else "every lasting service scales"
    return _judged(spec, facts, PROBES, scaling)


def _judged(spec: Spec, facts: _Facts, needs: tuple[Need, ...], said: str) -> Verdict:
    findings = [finding for finding in facts.report.findings if _concerns(finding, spec, facts)]
    names = {name for need in needs for name in need}
    states = [_proof(need, facts.report, findings) for need in needs]
    problems = [reason for proven, reason in states if not proven]
    if not problems:
        return Verdict("met", "; ".join([said, *(reason for _, reason in states)]))
    guilty = [finding for finding in findings if _named(finding, names)]
    if guilty:
        closes = any(finding.severity >= facts.report.fail_on for finding in guilty)
        return Verdict("not met" if closes else "open", "; ".join(problems))
    return Verdict("unknown", "; ".join(problems))


def _concerns(finding: Finding, spec: Spec, facts: _Facts) -> bool:
    """Whether a finding is about an environment: one in a file or override of another environment is not."""
    names = {other.environment.name for other in facts.specs}
    words = set(finding.at.path.split("/"))
    if finding.cause and finding.cause.pointer.startswith("environments."):
        words.add(finding.cause.pointer.split(".")[1])
    about = words & names
    return not about or spec.environment.name in about
