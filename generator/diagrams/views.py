"""The four drawings of an environment: who it deals with, what may talk to what, what runs where, where data goes.

They say what the other files say: flows are those of the network policies, numbers those of the manifests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator import flows
from generator.diagrams.graph import Edge, Graph, Group, Node, graph, parts
from generator.model import Receiver, Resource, Service, Spec
from generator.monitoring import instrumentation

VIEWS = ("context", "network", "deployment", "data-flow")
_OURS = frozenset({"postgres", "mysql", "mongodb", "valkey", "search"})
"""Stores that lie in the product's own network; the others are interfaces of the cloud."""
_NAMES = {"aws": "AWS", "gcp": "Google Cloud", "azure": "Azure"}


def graphs(spec: Spec) -> tuple[Graph, ...]:
    """All drawings of an environment, none too large to read."""
    return tuple(part for view in (_context, _network, _deployment, _data_flow) for part in parts(view(spec)))


def node_id(kind: str, name: str) -> str:
    """An id that no notation takes for a word of its own."""
    return f"{kind}_{re.sub(r'[^a-z0-9]', lambda found: f'_{ord(found[0]):x}_', name.lower())}"


# context


def _context(spec: Spec) -> Graph:
    said = (spec.app, *((spec.description,) if spec.description else ()))
    nodes = [Node("product", said, "product", ("app", "description"))]
    edges: list[Edge] = []
    public = [service for service in spec.services.values() if service.public is not None]
    if public:
        nodes.append(Node("users", ("Users",), "person", tuple(service.at("public") for service in public)))
    for service in public:
        assert service.public is not None  # noqa: S101  # chosen above
        edges.append(Edge("users", "product", service.public.host, (service.public.at("host"),)))
    nodes.append(Node("owner", (spec.owner,), "person", ("owner",)))
    edges.append(Edge("owner", "product", "answers for it", ("owner",), "aside"))
    for node, edge in (*_heard(spec), *_outside(spec), *_stands_on(spec)):
        nodes.append(node)
        edges.append(edge)
    about = f"Who deals with {spec.app} in {spec.environment.name}, and what it needs that is not its own."
    return graph("context", "Context", about, nodes, edges)


def _heard(spec: Spec) -> Iterator[tuple[Node, Edge]]:
    """Who hears of alerts."""
    notify = spec.notify
    if notify is None:
        return
    for word, receiver in (("pages", notify.page), ("tickets", notify.ticket), ("news", notify.stakeholders)):
        for name in _ways(receiver) if receiver is not None else ():
            cause = receiver.path if receiver is not None else "notify"
            yield (
                Node(node_id("told", name), (name,), "external", (cause,)),
                Edge("product", node_id("told", name), word, (cause,), "aside"),
            )


def _ways(receiver: Receiver) -> Iterator[str]:
    """The services that carry a message; addresses stand in Alertmanager's files."""
    named = {
        "PagerDuty": receiver.pagerduty,
        "Slack": receiver.slack,
        "Opsgenie": receiver.opsgenie,
        "Teams": receiver.teams,
        "Webhook": receiver.webhook,
        "E-mail": receiver.email,
    }
    return (name for name, text in named.items() if text)


def _outside(spec: Spec) -> Iterator[tuple[Node, Edge]]:
    """What services use or reach that is not made here."""
    for resource in spec.resources.values():
        if resource.type == "external":
            name = node_id("external", resource.name)
            words = [service.name for service in spec.users(resource.name)]
            label = f"used by {', '.join(words)}" if words else ""
            yield (
                Node(name, (resource.name,), "external", (resource.path,)),
                Edge("product", name, label, (resource.path,)),
            )
    for service in spec.services.values():
        for target in service.egress:
            name = node_id("egress", target)
            yield (
                Node(name, (target,), "external", (service.at("egress"),)),
                Edge("product", name, f"HTTPS from {service.name}", (service.at("egress"),)),
            )


def _stands_on(spec: Spec) -> Iterator[tuple[Node, Edge]]:
    cloud = spec.cloud
    if cloud is not None and cloud.provider != "none":
        place = (_NAMES.get(cloud.provider, cloud.provider), cloud.region or "")
        yield (
            Node("cloud", tuple(filter(None, place)), "external", (cloud.at("provider"), cloud.at("region"))),
            Edge("product", "cloud", "runs on", (cloud.at("provider"),), "aside"),
        )
    host = spec.platform.registry.host
    if any(service.built for service in spec.services.values()):
        cause = spec.platform.registry.at("host")
        yield Node("registry", (host,), "external", (cause,)), Edge("product", "registry", "images", (cause,), "aside")
    if spec.delivery.repository:
        cause = spec.delivery.at("repository")
        yield (
            Node("repository", (spec.delivery.repository,), "external", (cause,)),
            Edge("repository", "product", "delivers", (cause,), "aside"),
        )


# network


def _network(spec: Spec) -> Graph:
    groups = tuple(_places(spec))
    inside = groups[-1].id
    nodes = [_service(service, inside) for service in spec.services.values()]
    nodes += [
        _store(resource, _where(spec, resource)) for resource in spec.resources.values() if resource.type != "cdn"
    ]
    edges: list[Edge] = []
    for part in (_ways_in(spec), _between(spec), _ways_out(spec), _watched(spec)):
        for node, edge in part:
            nodes += [node] if node is not None else []
            edges.append(edge)
    about = (
        "Which connections are open. An arrow is a flow that the network rules allow, with its port; what has no arrow "
        "is closed."
    )
    return graph("network", "Network", about, nodes, edges, groups)


def _places(spec: Spec) -> Iterator[Group]:
    """From the outside in; the last one holds the services."""
    cloud = spec.cloud
    parent = ""
    if cloud is not None and cloud.provider != "none":
        network = cloud.network
        label = f"network {network.existing}" if network.existing else f"network {network.cidr}"
        yield Group("vpc", label, (network.at("existing" if network.existing else "cidr"),))
        yield Group("data", "data subnets", (network.path,), "vpc")
        parent = "vpc"
    if spec.platform.compute == "kubernetes":
        yield Group("workloads", f"namespace {spec.namespace}", ("app", spec.environment.path), parent)
    else:
        yield Group("workloads", f"{spec.platform.compute} {spec.namespace}", ("platform.compute", "app"), parent)


def _where(spec: Spec, resource: Resource) -> str:
    made = spec.cloud is not None and spec.cloud.provider != "none"
    return "data" if made and resource.type in _OURS else ""


def _ways_in(spec: Spec) -> Iterator[tuple[Node | None, Edge]]:
    kubernetes = spec.platform.compute == "kubernetes"
    name = "Gateway" if kubernetes else "Load balancer"
    for service in spec.services.values():
        if service.public is None:
            continue
        cause = (service.public.path, service.at("port"))
        group = "" if kubernetes else "vpc" if spec.cloud is not None else ""
        yield (
            Node("internet", ("Internet",), "person", (service.public.path,)),
            Edge("internet", "way_in", "HTTPS 443", (service.public.path,)),
        )
        yield (
            Node("way_in", (name,), "gate", ("platform", service.public.path), group),
            Edge("way_in", node_id("service", service.name), f"{service.port}", cause),
        )


def _between(spec: Spec) -> Iterator[tuple[Node | None, Edge]]:
    for service in spec.services.values():
        here = node_id("service", service.name)
        for number, name in enumerate(service.calls):
            port = spec.services[name].port
            if port is not None:
                cause = (f"{service.at('calls')}[{number}]", spec.services[name].at("port"))
                yield None, Edge(here, node_id("service", name), f"{port}", cause)
        for number, name in enumerate(service.uses):
            port = flows.resource_port(spec.resources[name])
            if port is not None:
                yield None, Edge(here, node_id("resource", name), f"{port}", (f"{service.at('uses')}[{number}]",))


def _ways_out(spec: Spec) -> Iterator[tuple[Node | None, Edge]]:
    for service in spec.services.values():
        for number, target in enumerate(service.egress):
            cause = (f"{service.at('egress')}[{number}]",)
            name = node_id("egress", target)
            yield Node(name, (target,), "external", cause), Edge(node_id("service", service.name), name, "443", cause)


def _watched(spec: Spec) -> Iterator[tuple[Node | None, Edge]]:
    """Metrics are fetched, traces are sent."""
    if spec.platform.compute != "kubernetes":
        return
    namespace = spec.platform.kubernetes.monitoring_namespace
    monitoring = Node("monitoring", ("Monitoring", namespace), "observer", ("monitoring",))
    for service in spec.services.values():
        here = node_id("service", service.name)
        if service.metrics is not None and service.metrics.port is not None:
            yield (
                monitoring,
                Edge("monitoring", here, f"{service.metrics.port}", (service.metrics.at("port"),), "aside"),
            )
        if instrumentation.instrumented(spec, service):
            yield monitoring, Edge(here, "monitoring", f"{instrumentation.PORT}", ("monitoring.traces",), "aside")


# deployment


def _deployment(spec: Spec) -> Graph:
    groups = list(_sites(spec))
    nodes: list[Node] = []
    edges: list[Edge] = []
    registry = spec.platform.registry
    built = [service for service in spec.services.values() if service.built]
    if built:
        nodes.append(Node("registry", (registry.host,), "registry", (registry.at("host"),)))
    if spec.delivery.repository or spec.delivery.ci:
        what = (spec.delivery.repository or "Repository", *(f"{forge} pipelines" for forge in spec.delivery.ci))
        nodes.append(Node("repository", what, "registry", (spec.delivery.at("repository"), spec.delivery.at("ci"))))
        signed = "signed images" if registry.sign == "keyless" else "images"
        edges.append(Edge("repository", "registry", signed, (registry.at("sign"),), "aside"))
    for service in spec.services.values():
        nodes.append(
            Node(node_id("service", service.name), _workload(service), _shape(service), (service.path,), "run")
        )
        if service.built:
            edges.append(Edge("registry", node_id("service", service.name), "", (service.path,), "aside"))
    nodes += [
        Node(node_id("resource", resource.name), _engine(resource), "store", (resource.path,), "managed")
        for resource in spec.resources.values()
    ]
    about = "What runs where, how many of each, and where its image comes from."
    return graph("deployment", "Deployment", about, nodes, edges, groups)


def _sites(spec: Spec) -> Iterator[Group]:
    cloud = spec.cloud
    parent = ""
    if cloud is not None and cloud.provider != "none":
        place = " ".join(filter(None, (_NAMES.get(cloud.provider, cloud.provider), cloud.region)))
        yield Group("cloud", place, (cloud.at("provider"), cloud.at("region")))
        parent = "cloud"
    if spec.platform.compute == "kubernetes":
        cluster = f"cluster {spec.platform.cluster}, " if spec.platform.cluster else ""
        label = f"{cluster}namespace {spec.namespace}"
        yield Group("run", label, ("platform.cluster", "app"), parent)
    else:
        yield Group("run", f"{spec.platform.compute} {spec.namespace}", ("platform.compute", "app"), parent)
    yield Group("managed", "stores and services", ("resources",), parent)


def _workload(service: Service) -> tuple[str, ...]:
    runtime = service.runtime
    made = f"{runtime.name} {runtime.version or ''}".strip() if runtime is not None else service.image or ""
    if service.schedule is not None:
        many = f"at {service.schedule.cron} {service.schedule.time_zone}"
    elif not service.replicated:
        many = "one on each node" if service.type == "daemon" else ""
    elif service.scale.fixed:
        many = f"{service.scale.min} of it"
    else:
        many = f"{service.scale.min} to {service.scale.max}"
    return tuple(filter(None, (service.name, f"{service.type}, {made}" if made else service.type, many)))


def _engine(resource: Resource) -> tuple[str, ...]:
    engine = " ".join(filter(None, (resource.type, resource.version)))
    available = "highly available" if resource.highly_available else ""
    return tuple(filter(None, (resource.name, engine, available)))


# data flow


def _data_flow(spec: Spec) -> Graph:
    nodes = [_service(service, "") for service in spec.services.values()]
    nodes += [_store(resource, "") for resource in spec.resources.values()]
    edges: list[Edge] = []
    for service in spec.services.values():
        edges += _reads(spec, service)
        if service.public is not None:
            nodes.append(Node("users", ("Users",), "person", (service.public.path,)))
            edges.append(Edge("users", node_id("service", service.name), "requests", (service.public.path,)))
    for node, edge in (*_secrets(spec), *_kept(spec), *_recorded(spec)):
        nodes.append(node)
        edges.append(edge)
    about = "Where data is written, read, copied and recorded, and how long it is kept."
    return graph("data-flow", "Data flow", about, nodes, edges)


def _reads(spec: Spec, service: Service) -> Iterator[Edge]:
    here = node_id("service", service.name)
    for name in service.calls:
        yield Edge(here, node_id("service", name), "calls", (service.at("calls"),))
    queue = service.scale.queue.name if service.scale.queue is not None else ""
    for name in service.uses:
        there, kind = node_id("resource", name), spec.resources[name].type
        if name == queue:
            yield Edge(there, here, "is worked off", (service.scale.at("queue"),))
        else:
            word = {"queue": "messages", "topic": "messages", "bucket": "objects", "secret": "reads"}.get(kind, "data")
            yield Edge(here, there, word, (service.at("uses"),))


def _secrets(spec: Spec) -> Iterator[tuple[Node, Edge]]:
    """Which service is handed a declared secret."""
    for service in spec.services.values():
        texts = {**service.env, **service.files}
        named = {ref.name for text in texts.values() for ref in text.references if ref.kind == "secret"}
        used = {ref.output for text in texts.values() for ref in text.references if ref.kind == "secret"}
        for name in sorted((named | used) & spec.secrets.keys()):
            here = node_id("secret", name)
            cause = spec.secrets[name].path
            yield (
                Node(here, (name, "secret"), "secret", (cause,)),
                Edge(here, node_id("service", service.name), "is read by", (cause,)),
            )


def _kept(spec: Spec) -> Iterator[tuple[Node, Edge]]:
    """Backups, and copies in the second region."""
    for resource in spec.resources.values():
        backup, here = resource.backup, node_id("resource", resource.name)
        if backup is not None:
            yield (
                Node("backups", ("Backups",), "store", (backup.path,)),
                Edge(here, "backups", f"every {backup.every}, kept {backup.keep}", (backup.path,), "aside"),
            )
        region = spec.cloud.dr_region if spec.cloud is not None else None
        if region and backup is not None and backup.copy_to_dr:
            yield (
                Node("second", ("Copies", region), "store", ("cloud.dr_region",)),
                Edge("backups", "second", f"copies of {resource.name}", (backup.at("copy_to_dr"),), "aside"),
            )
        if region and resource.replicate:
            yield (
                Node("second", ("Copies", region), "store", ("cloud.dr_region",)),
                Edge(here, "second", "is replicated", (resource.at("replicate"),), "aside"),
            )


def _recorded(spec: Spec) -> Iterator[tuple[Node, Edge]]:
    """Logs, metrics and traces, from all services at once."""
    if not spec.renders("monitoring"):
        return
    told = spec.monitoring
    for name, label, keep, part in (
        ("logs", f"Logs in {told.logs.store}", told.logs.keep, "monitoring.logs"),
        ("metrics", "Metrics in Prometheus", told.metrics.keep, "monitoring.metrics"),
        ("traces", f"Traces in {told.traces.store}", told.traces.keep, "monitoring.traces"),
    ):
        for service in spec.services.values():
            spoken = {"logs": True, "metrics": service.metrics is not None}.get(
                name, instrumentation.instrumented(spec, service)
            )
            if spoken:
                yield (
                    Node(name, (label, f"kept {keep}"), "observer", (part,)),
                    Edge(node_id("service", service.name), name, "", (part,), "aside"),
                )


# nodes that several views share


def _service(service: Service, group: str) -> Node:
    return Node(node_id("service", service.name), (service.name, service.type), _shape(service), (service.path,), group)


def _shape(service: Service) -> str:
    return "job" if service.type in {"cron", "job"} else "service"


def _store(resource: Resource, group: str) -> Node:
    kinds = {"queue": "queue", "topic": "queue", "secret": "secret", "external": "external"}
    kind = kinds.get(resource.type, "store")
    return Node(node_id("resource", resource.name), (resource.name, resource.type), kind, (resource.path,), group)
