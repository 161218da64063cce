"""Derived facts about who reaches whom: scrapes, monitors, policies, collectors, and the labels that scrapes give.

Names of hosts are judged only where the tree holds what could offer them; what lies elsewhere has no verdict.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from generator.document import Node
from generator.monitoring import promql
from generator.monitoring.promql import Problem
from generator.policy.documents import Document
from generator.policy.found import (
    Found,
    containers,
    elements,
    items,
    labels,
    matches,
    of_kind,
    operated,
    pod_labels,
    ports,
    selecting,
    text,
    together,
    workloads,
)
from generator.policy.monitoring import expressions

Trail = tuple[str | int, ...]


# What a scrape calls its series

_USUAL_JOBS = frozenset(
    [
        *("alertmanager", "apiserver", "blackbox", "blackbox-exporter", "cadvisor", "coredns", "etcd", "grafana"),
        *("kube-controller-manager", "kube-dns", "kube-etcd", "kube-proxy", "kube-scheduler", "kube-state-metrics"),
        *("kubelet", "kubernetes", "node", "node-exporter", "node_exporter", "prometheus", "prometheus-operator"),
        *("pushgateway", "thanos", "loki", "tempo", "otel-collector"),
    ]
)
_USUAL_NAMESPACES = frozenset(
    [
        *("argocd", "cattle-system", "cert-manager", "default", "flux-system", "gateway-system", "ingress-nginx"),
        *("istio-system", "kube-public", "kube-system", "linkerd", "logging", "monitoring", "observability"),
        *("openshift-monitoring", "tracing", "velero"),
    ]
)
_LIKE = 0.7
"""How alike two words are when one is probably a misspelt other."""


def labelled(label: str, where: str, documents: Sequence[Document]) -> Iterator[Found]:
    """Each value of a label that rules, or panels, ask for: does any scrape of the tree give it?

    A whole configuration of Prometheus tells all jobs. Of monitors others may exist elsewhere, so there only what is
    nearly the name of a known one is a mistake; and where what is scraped may bring a name of its own, none is.
    """
    known, certainty = _jobs(documents) if label == "job" else (_namespaces(documents), _SOME)
    usual = _USUAL_JOBS if label == "job" else _USUAL_NAMESPACES
    if not known:
        return
    given = {
        text(node)
        for written in expressions.rules(documents)
        for key, node in items(written.around, "labels")
        if key == label
    }
    for written in expressions.rules(documents) if where == "rules" else expressions.panels(documents):
        read = expressions.parsed(written.query)
        if isinstance(read, Problem) or (written.form == "panel" and "$" in text(written.node)):
            continue
        for selector in promql.selectors(read):
            for matcher in selector.matchers:
                if matcher.label != label or not matcher.value or matcher.value in given:
                    continue
                if _asked(matcher.operator, matcher.value, known):
                    yield written.found(True, matcher.value)
                elif _strange(matcher.operator, matcher.value, known, certainty, usual):
                    yield written.found(False, matcher.value, matcher.at)


_ALL, _SOME, _OPEN = "all", "some", "open"
"""What the known values are: all there can be, some of them, or some beside what the scraped bring themselves."""


def _asked(operator: str, value: str, known: frozenset[str]) -> bool:
    if operator == "=":
        return value in known
    try:
        return operator != "=~" or any(re.fullmatch(value, name) for name in known)
    except re.error:
        return True


def _strange(operator: str, value: str, known: frozenset[str], certainty: str, usual: frozenset[str]) -> bool:
    values = [value] if operator == "=" else value.split("|")
    if certainty == _OPEN or any(not re.fullmatch(r"[\w./-]+", one) for one in values):
        return False
    return certainty == _ALL or all(
        one not in usual and difflib.get_close_matches(one, known, 1, _LIKE) for one in values
    )


def _jobs(documents: Sequence[Document]) -> tuple[frozenset[str], str]:
    """The values of `job` that scrapes give, and whether these are all."""
    found: set[str] = set()
    certainty = _SOME
    for document in documents:
        if document.format == "prometheus":
            certainty = _ALL if certainty == _SOME else certainty
            if document.root.get("otlp") or document.root.get("scrape_config_files"):
                certainty = _OPEN
            for job in elements(document.root, "scrape_configs"):
                names = _written("job", job, text(job.get("job_name")))
                found |= names or set()
                if names is None or text(job.get("honor_labels")) == "true":
                    certainty = _OPEN
    if any("remote-write-receiver" in item.text or "otlp-receiver" in item.text for item in _texts(documents)):
        certainty = _OPEN
    services = list(of_kind(documents, "Service"))
    for monitor in of_kind(documents, "ServiceMonitor", "PodMonitor", "ScrapeConfig"):
        found |= _monitored(monitor, services)
        certainty = _OPEN if certainty == _OPEN or _brings_jobs(monitor) else _SOME
    return frozenset(found - {""}), certainty


def _brings_jobs(monitor: Document) -> bool:
    """Whether its series may have jobs of their own."""
    return any(
        text(node.get("targetLabel")) == "job" or text(node.get("honorLabels")) == "true"
        for node in monitor.root.walk()
        if isinstance(node.value, dict)
    )


def _texts(documents: Sequence[Document]) -> Iterator[Document]:
    return (item for item in documents if item.format == "text" and item.file.endswith((".yaml", ".yml")))


def _written(label: str, job: Node, name: str) -> set[str] | None:
    """The values that a scrape gives the label; None when they come from what it finds."""
    found = {name}
    for config in elements(job, "static_configs"):
        if value := text(config.get("labels", label)):
            found.add(value)
    for key in ("relabel_configs", "metric_relabel_configs"):
        for step in elements(job, key):
            if text(step.get("target_label")) == label:
                value = text(step.get("replacement"), "$1")
                if "$" in value:
                    return None
                found.add(value)
    return found


def _monitored(monitor: Document, services: Sequence[Document]) -> set[str]:
    spec = monitor.root.get("spec")
    key = text(spec.get("jobLabel")) if spec is not None else ""
    if monitor.kind == "ScrapeConfig":
        return {
            text(spec.get("jobName")) if spec is not None else "",
            f"scrapeConfig/{monitor.namespace}/{monitor.name}",
        }
    if monitor.kind == "PodMonitor" or spec is None:
        return {key, f"{monitor.namespace}/{monitor.name}"}
    found = set()
    for service in services:
        own = labels(service.root, "metadata", "labels")
        if matches(spec.get("selector"), own):
            found.add(own.get(key) or service.name)
    return found


def _namespaces(documents: Sequence[Document]) -> frozenset[str]:
    """The namespaces that the tree deploys to, when it says so itself."""
    found = {item.name for item in of_kind(documents, "Namespace")}
    found |= {text(item.root.get("namespace")) for item in documents if item.format == "kustomization"}
    found |= {item.lives_in for item, _ in workloads(documents)} if found - {""} else set()
    for document in documents:
        if document.format == "prometheus" and found - {""}:
            for job in elements(document.root, "scrape_configs"):
                found |= _written("namespace", job, "") or set()
    return frozenset(found - {""})


# Monitors and the Prometheus that should know them

_KINDS = {
    "monitors": {
        "ServiceMonitor": "serviceMonitorSelector",
        "PodMonitor": "podMonitorSelector",
        "ScrapeConfig": "scrapeConfigSelector",
        "Probe": "probeSelector",
    },
    "rules": {"PrometheusRule": "ruleSelector"},
}
_READERS = {"monitors": ("Prometheus", "PrometheusAgent"), "rules": ("Prometheus", "ThanosRuler")}


def selected(what: str, documents: Sequence[Document]) -> Iterator[Found]:
    """Each monitor or rule object, where the tree has a Prometheus: does it select the object?

    A selector that is not written selects nothing, an empty one everything:
    https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusSpec
    """
    readers = list(of_kind(documents, *_READERS[what]))
    for kind, key in _KINDS[what].items():
        selectors = [reader.root.get("spec", key) for reader in readers]
        wanted = [selecting(node) for node in selectors if node is not None and isinstance(node.value, dict)]
        for document in of_kind(documents, kind) if readers else ():
            own = labels(document.root, "metadata", "labels")
            there = any(selects(own) for selects in wanted)
            at = document.root.get("metadata", "labels") or document.root.get("metadata", "name") or document.root
            shown = ", ".join(f"{name}={value}" for name, value in own.items()) or "no labels"
            yield Found(there, shown, at.at, document, ("metadata", "labels"))


def monitors(documents: Sequence[Document]) -> Iterator[Found]:
    """Each ServiceMonitor or PodMonitor: is there anything that it selects, among what lives where it looks?"""
    for monitor in of_kind(documents, "ServiceMonitor", "PodMonitor"):
        selector = monitor.root.get("spec", "selector")
        where = _looked_at(monitor)
        if selector is None or where is None:
            continue
        if monitor.kind == "ServiceMonitor":
            candidates = [(item, labels(item.root, "metadata", "labels")) for item in of_kind(documents, "Service")]
        else:
            candidates = [(item, pod_labels(item)) for item, _ in workloads(documents)]
            candidates += operated(documents)
        near = [own for item, own in candidates if not where or not _home(item) or _home(item) in where]
        if near:
            selects = selecting(selector)
            shown = ", ".join(f"{key}={value}" for key, value in labels(selector, "matchLabels").items())
            there = any(map(selects, near))
            yield Found(there, shown or monitor.name, selector.at, monitor, ("spec", "selector"))


def _looked_at(monitor: Document) -> frozenset[str] | None:
    """The namespaces of a monitor; empty when nothing tells, None when these hold more than any tree does."""
    chosen = monitor.root.get("spec", "namespaceSelector")
    if chosen is not None and text(chosen.get("any")) == "true":
        return None
    named = frozenset(text(node) for node in elements(chosen, "matchNames"))
    own = _home(monitor)
    if (named - {own}) & _USUAL_NAMESPACES:
        return None
    return named or frozenset({own} - {""})


def _home(document: Document) -> str:
    """The namespace that an object names itself; else the one that it is put into."""
    return document.namespace or document.lives_in


# What policies let through


def allowed(documents: Sequence[Document]) -> Iterator[Found]:
    """Each port that a monitor fetches from pods with policies: does one of them open it to somebody outside?"""
    policies = [item for item in of_kind(documents, "NetworkPolicy") if _restricts(item)]
    for monitor, trail, node, pod, port in _fetched(documents) if policies else ():
        own = pod_labels(pod)
        concerned = [
            policy
            for policy in policies
            if together(policy, pod) and matches(policy.root.get("spec", "podSelector"), own)
        ]
        if concerned:
            number = ports(pod).get(port)
            open_ = any(_opens(policy, port, number) for policy in concerned)
            yield Found(open_, f"{port} of {pod.name}", node.at, monitor, trail)


def _restricts(policy: Document) -> bool:
    types = [text(kind) for kind in elements(policy.root, "spec", "policyTypes")]
    return not types or "Ingress" in types


def _fetched(documents: Sequence[Document]) -> Iterator[tuple[Document, Trail, Node, Document, str]]:
    """Monitor, place, port as written, workload, and the name or number of the port at its pods."""
    pods = [(item, pod_labels(item)) for item, _ in workloads(documents)]
    for monitor in of_kind(documents, "PodMonitor"):
        selects = selecting(monitor.root.get("spec", "selector"))
        for index, endpoint in enumerate(elements(monitor.root, "spec", "podMetricsEndpoints")):
            node = endpoint.get("port")
            for pod, own in pods if node is not None else ():
                if node is not None and selects(own) and together(monitor, pod) and text(node) in ports(pod):
                    yield monitor, ("spec", "podMetricsEndpoints", index, "port"), node, pod, text(node)
    for monitor in of_kind(documents, "ServiceMonitor"):
        selects = selecting(monitor.root.get("spec", "selector"))
        for service in of_kind(documents, "Service"):
            if not selects(labels(service.root, "metadata", "labels")) or not together(monitor, service):
                continue
            chosen = labels(service.root, "spec", "selector")
            behind = [pod for pod, own in pods if chosen and together(service, pod) and chosen.items() <= own.items()]
            targets = {
                text(port.get("name")): text(port.get("targetPort") or port.get("port"))
                for port in elements(service.root, "spec", "ports")
            }
            for index, endpoint in enumerate(elements(monitor.root, "spec", "endpoints")):
                node = endpoint.get("port") or endpoint.get("targetPort")
                port = targets.get(text(node), "") if endpoint.get("port") else text(node)
                for pod in behind if node is not None else ():
                    if node is not None and port in ports(pod):
                        yield monitor, ("spec", "endpoints", index, "port"), node, pod, port


def _opens(policy: Document, port: str, number: int | None) -> bool:
    """Whether a rule opens the port to all, to a network, to another namespace, or to what may be Prometheus."""
    for rule in elements(policy.root, "spec", "ingress"):
        peers = list(elements(rule, "from"))
        if peers and not any(_may_be_prometheus(peer) for peer in peers):
            continue
        opened = list(elements(rule, "ports"))
        if not opened or any(_is(one, port, number) for one in opened):
            return True
    return False


def _is(opened: Node, port: str, number: int | None) -> bool:
    written, last = text(opened.get("port")), text(opened.get("endPort"))
    if not written or written in (port, str(number)):
        return True
    return bool(last) and number is not None and written.isdigit() and int(written) <= number <= int(last)


def _may_be_prometheus(peer: Node) -> bool:
    if peer.get("namespaceSelector") is not None or peer.get("ipBlock") is not None:
        return True
    selector = peer.get("podSelector")
    if selector is None or not selector.value:
        return True
    words = [text(node) for node in selector.walk()]
    return any(re.search(r"(?i)prometheus|monitor|metric|scrap|agent|collector|alloy", word) for word in words)


# Hosts

_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:[^@/\s]+@)?(?P<host>[A-Za-z0-9._-]+)(?::(?P<port>\d+))?(?:/.*)?")
_OTLP = re.compile(r"OTEL_EXPORTER_OTLP(?:_TRACES|_METRICS|_LOGS)?_ENDPOINT")
_PLAIN = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?")
_OWN_HOSTS = frozenset(["localhost", "host", "gateway"])


def targets(what: str, documents: Sequence[Document]) -> Iterator[Found]:
    """Each host that Prometheus is told of, where it runs beside others in compose: is it one of them?"""
    offered = _composed(documents)
    if not any(_runs_prometheus(item) for item in documents):
        return
    for document in documents:
        if document.format != "prometheus":
            continue
        for trail, group in _target_groups(what, document.root):
            for place, node in enumerate(elements(group, "targets")):
                host = _host(text(node))
                if host and _PLAIN.fullmatch(host) and host not in _OWN_HOSTS and "$" not in text(node):
                    yield Found(host in offered, host, node.at, document, (*trail, "targets", place))


def _target_groups(what: str, root: Node) -> Iterator[tuple[Trail, Node]]:
    path: tuple[str, ...] = ("scrape_configs",) if what == "scrapes" else ("alerting", "alertmanagers")
    for number, job in enumerate(elements(root, *path)):
        # a prober is told of hosts that it asks itself, wherever these are
        if what != "scrapes" or not any(text(step.get("target_label")) == "__address__" for step in _steps(job)):
            for index, group in enumerate(elements(job, "static_configs")):
                yield (*path, number, "static_configs", index), group


def _steps(job: Node) -> Iterator[Node]:
    return elements(job, "relabel_configs")


def _runs_prometheus(document: Document) -> bool:
    return document.format == "compose" and any(
        re.search(r"(?:^|/)prometheus(?:[:@]|$)", text(service.get("image")))
        for _, service in items(document.root, "services")
    )


def _composed(documents: Sequence[Document]) -> frozenset[str]:
    """Every name that a container of compose answers to; Services of Kubernetes as well."""
    found = {item.name for item in of_kind(documents, "Service")}
    for document in documents:
        if document.format == "compose":
            for name, service in items(document.root, "services"):
                found |= {name, text(service.get("container_name")), text(service.get("hostname"))}
                for _, network in items(service, "networks"):
                    found |= {text(alias) for alias in elements(network, "aliases")}
                for key in ("extra_hosts", "links", "external_links"):
                    written = service.get(key)
                    found |= {re.split(r"[:=]", text(node))[-1 if "links" in key else 0] for node in elements(written)}
                    found |= {name for name, _ in items(written)}
    return frozenset(found)


def _host(address: str) -> str:
    match = _HOST.fullmatch(address.strip())
    return match["host"] if match else ""


def collectors(documents: Sequence[Document]) -> Iterator[Found]:
    """Each collector that a service is told to push to: is it there, where the tree would hold it?"""
    services: dict[tuple[str, str], Document] = {}
    for service in of_kind(documents, "Service"):
        services.setdefault((service.lives_in, service.name), service)
    made = {f"{item.name}-collector" for item in of_kind(documents, "OpenTelemetryCollector")}
    for document, _ in workloads(documents):
        for trail, container in containers(document):
            for index, variable in enumerate(elements(container, "env")):
                node = variable.get("value")
                if node is None or not _OTLP.fullmatch(text(variable.get("name"))):
                    continue
                verdict = _offered(text(node), document, services, made)
                if verdict is not None:
                    yield Found(verdict, text(node), node.at, document, (*trail, "env", index, "value"))


def _offered(address: str, caller: Document, services: dict[tuple[str, str], Document], made: set[str]) -> bool | None:
    """Whether a Service of the host's namespace has the name and port; None when that namespace is not in the tree."""
    match = _HOST.fullmatch(address.strip())
    if match is None or "$" in address or "localhost" in address:
        return None
    name, _, rest = match["host"].partition(".")
    space = rest.partition(".")[0] or caller.lives_in
    if not _PLAIN.fullmatch(name) or (rest and not re.fullmatch(r"[a-z0-9-]+(?:\.svc(?:\..+)?)?", rest)):
        return None
    there = [service for (where, _), service in services.items() if where == space or (not rest and not where)]
    if not there:
        return None
    own = [service for service in there if service.name == name]
    if not own:
        return name in made or name.removesuffix("-headless") in made
    opened = {text(port.get("port")) for service in own for port in elements(service.root, "spec", "ports")}
    return not match["port"] or match["port"] in opened


def composed_collectors(documents: Sequence[Document]) -> Iterator[Found]:
    """The same for a service of compose."""
    offered = _composed(documents)
    for document in documents:
        if document.format != "compose":
            continue
        networks = [node for _, node in items(document.root, "networks") if node.get("external")]
        for name, service in items(document.root, "services"):
            for key, node in items(service, "environment"):
                host = _host(text(node))
                plain = bool(host and _PLAIN.fullmatch(host)) and host not in _OWN_HOSTS and "$" not in text(node)
                if _OTLP.fullmatch(key) and plain and not networks and not service.get("network_mode"):
                    trail = ("services", name, "environment", key)
                    yield Found(host in offered, text(node), node.at, document, trail)


_ATTRIBUTE = re.compile(r"(?:^|,)\s*service\.name=([^,]*)")


def trace_names(documents: Sequence[Document]) -> Iterator[Found]:
    """Each name under which a workload's traces arrive: is it the name that its pods carry?"""
    for document, trail, node, name in _named(documents):
        own = pod_labels(document).get("app.kubernetes.io/name", "")
        if own:
            shown = f'traces of "{own}" arrive as "{name}"'
            yield Found(name == own, shown, node.at, document, trail)


def composed_trace_names(documents: Sequence[Document]) -> Iterator[Found]:
    """Each such name in compose, where the same service runs in a cluster too: is it the same there?"""
    known: dict[str, set[str]] = {}
    for document, _, _, name in _named(documents):
        known.setdefault(document.service, set()).add(name)
    for document in documents if known else ():
        if document.format == "compose":
            for service, body in items(document.root, "services"):
                for key, node in items(body, "environment"):
                    name = _trace_name(key, text(node))
                    if name and service in known:
                        there = ", ".join(sorted(known[service]))
                        shown = f'traces of "{service}" arrive as "{name}" here and as "{there}" from the cluster'
                        trail = ("services", service, "environment", key)
                        yield Found(name in known[service], shown, node.at, document, trail)


def _named(documents: Sequence[Document]) -> Iterator[tuple[Document, Trail, Node, str]]:
    """Workloads of one container, and what it calls itself."""
    for document, _ in workloads(documents):
        own = list(containers(document))
        for trail, container in own if len(own) == 1 else ():
            for index, variable in enumerate(elements(container, "env")):
                node = variable.get("value")
                name = _trace_name(text(variable.get("name")), text(node))
                if node is not None and name:
                    yield document, (*trail, "env", index, "value"), node, name


def _trace_name(variable: str, value: str) -> str:
    """The service name that a variable sets; "" when it sets none that is known."""
    match = _ATTRIBUTE.search(value) if variable == "OTEL_RESOURCE_ATTRIBUTES" else None
    name = value if variable == "OTEL_SERVICE_NAME" else match.group(1).strip() if match else ""
    return "" if "$" in name else name
