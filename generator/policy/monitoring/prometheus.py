"""Derived facts about Prometheus: what is scraped, how often, under which labels, and who hears of its alerts.

https://prometheus.io/docs/prometheus/latest/configuration/configuration/
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence

from generator.document import Node
from generator.policy.documents import Document
from generator.policy.found import Derive, Found, elements, items, of_kind, text

Trail = tuple[str | int, ...]
Judge = Callable[[Document], Iterator[Found]]

_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
_UNITS = (31_536_000, 604_800, 86_400, 3600, 60, 1, 0.001)
_DEFAULTS = {"scrape_interval": "1m", "scrape_timeout": "10s", "evaluation_interval": "1m"}
_LOOKBACK_SECONDS = 300
"""How long a series is looked for after its last sample: --query.lookback-delta"""

_SECRETS = frozenset(["password", "credentials", "bearer_token", "client_secret", "secret_key", "token", "api_key"])
_PLACEHOLDER = re.compile(
    r"(?i)\s*(?:\$|<|\{\{|%|__|$)|.*(?:\byour\b|your[_-]|placeholder|change.?me|replace.?me|x{4})"
)
_ON_BEHALF = re.compile(
    r"(?i)gateway|federat|collector|otel|otlp|kube-?state|cadvisor|kubelet|exporter|cloudwatch|yace|prober?|blackbox"
    r"|push|statsd|graphite|snmp|cert-?manager|thanos|prometheus"
)
"""Names of what gives metrics of others, whose labels are worth more than those of the scrape."""

_NOT_RE2 = re.compile(r"\(\?(?:[=!]|<[=!])|\\[1-9]")
_GO_ONLY = re.compile(r"\[\[:|\\[pPzQE]|\(\?[a-zA-Z]*[sUi]")
_RELABELS = ("relabel_configs", "metric_relabel_configs")


def _each(judge: Judge) -> Derive:
    """A fact of one configuration at a time."""

    def derive(documents: Sequence[Document]) -> Iterator[Found]:
        for document in documents:
            if document.format == "prometheus":
                yield from judge(document)

    return derive


def _jobs(document: Document) -> Iterator[tuple[Trail, Node]]:
    for index, node in enumerate(elements(document.root, "scrape_configs")):
        yield ("scrape_configs", index), node


def _seconds(written: str) -> float | None:
    """A duration of Prometheus; None when it is none."""
    match = _DURATION.fullmatch(written)
    if not written or match is None:
        return 0.0 if written == "0" else None
    return sum(int(part) * unit for part, unit in zip(match.groups(), _UNITS, strict=True) if part)


def _setting(document: Document, job: Node | None, key: str) -> str:
    own = text(job.get(key)) if job is not None else ""
    return own or text(document.root.get("global", key)) or _DEFAULTS[key]


def timeouts(document: Document) -> Iterator[Found]:
    """Each job, and the global section: is its timeout within its interval?"""
    for trail, job in [(("global",), document.root.get("global")), *_jobs(document)]:
        if job is None or (job.get("scrape_timeout") is None and job.get("scrape_interval") is None):
            continue
        timeout, interval = (_setting(document, job, key) for key in ("scrape_timeout", "scrape_interval"))
        most, least = _seconds(timeout), _seconds(interval)
        if job.get("scrape_timeout") is None:
            continue  # Prometheus lowers a timeout that nobody wrote
        if most is not None and least:
            yield Found(most <= least, f"{timeout} of {interval}", job.at, document, trail)


def monitor_timeouts(documents: Sequence[Document]) -> Iterator[Found]:
    """The same for the endpoints of monitors."""
    for document, trail, endpoint in _endpoints(documents):
        timeout, interval = text(endpoint.get("scrapeTimeout")), text(endpoint.get("interval"))
        most, least = _seconds(timeout), _seconds(interval)
        if timeout and interval and most is not None and least:
            yield Found(most <= least, f"{timeout} of {interval}", endpoint.at, document, trail)


def _endpoints(documents: Sequence[Document]) -> Iterator[tuple[Document, Trail, Node]]:
    for document in of_kind(documents, "ServiceMonitor", "PodMonitor"):
        key = "endpoints" if document.kind == "ServiceMonitor" else "podMetricsEndpoints"
        for index, endpoint in enumerate(elements(document.root, "spec", key)):
            yield document, ("spec", key, index), endpoint


def monitor_ports(documents: Sequence[Document]) -> Iterator[Found]:
    """The port of each endpoint: is it a name?"""
    for document, trail, endpoint in _endpoints(documents):
        port = endpoint.get("port")
        if port is not None:
            yield Found(not text(port).isdigit(), text(port), port.at, document, (*trail, "port"))


def unique_jobs(document: Document) -> Iterator[Found]:
    """Each job: is it the first of its name?"""
    seen: set[str] = set()
    for trail, job in _jobs(document):
        name = text(job.get("job_name"))
        if name:
            yield Found(name not in seen, name, job.at, document, trail)
            seen.add(name)


def durations(document: Document) -> Iterator[Found]:
    """Each interval and timeout: can it be read?"""
    for trail, part in [(("global",), document.root.get("global")), *_jobs(document)]:
        for key in _DEFAULTS:
            node = part.get(key) if part is not None else None
            if node is not None and "$" not in text(node):
                yield Found(bool(_seconds(text(node))), f"{key} {text(node)}", node.at, document, (*trail, key))


def intervals(document: Document) -> Iterator[Found]:
    """Each interval of a scrape: does a series live until the next?"""
    for trail, part in [(("global",), document.root.get("global")), *_jobs(document)]:
        node = part.get("scrape_interval") if part is not None else None
        length = _seconds(text(node))
        if node is not None and length:
            yield Found(length < _LOOKBACK_SECONDS, text(node), node.at, document, (*trail, "scrape_interval"))


def evaluations(document: Document) -> Iterator[Found]:
    """The interval of rules, when both are written: are there new samples each time?"""
    node, scraped = document.root.get("global", "evaluation_interval"), document.root.get("global", "scrape_interval")
    length, often = _seconds(text(node)), _seconds(text(scraped))
    if node is not None and length and often:
        shown = f"every {text(node)} of what is scraped every {text(scraped)}"
        yield Found(length >= often, shown, node.at, document, ("global", "evaluation_interval"))


def rule_files(documents: Sequence[Document]) -> Iterator[Found]:
    """Each pattern of rule files, where the tree holds rules: does it match a file?"""
    there = {item.file for item in documents if _is_rule_file(item)}
    for document in documents:
        if document.format != "prometheus" or not there:
            continue
        folder = posixpath.dirname(document.file)
        for index, node in enumerate(elements(document.root, "rule_files")):
            pattern = text(node)
            # files with other names are not read here
            if re.search(r"(?:\.ya?ml|\*)$", pattern) and "$" not in pattern and "{" not in pattern:
                found = any(_loads(folder, pattern, path) for path in there)
                yield Found(found, pattern, node.at, document, ("rule_files", index))


def _is_rule_file(document: Document) -> bool:
    """Rules within an object are the operator's to load."""
    return document.format == "prometheus-rules" and document.kind != "PrometheusRule"


def _loads(folder: str, pattern: str, path: str) -> bool:
    """An absolute pattern is one within a container: there the name of the file must do."""
    if pattern.startswith("/"):
        return fnmatch.fnmatchcase(posixpath.basename(path), posixpath.basename(pattern))
    wanted = posixpath.normpath(posixpath.join(folder, pattern))
    same_depth = wanted.count("/") == posixpath.normpath(path).count("/")
    return same_depth and fnmatch.fnmatchcase(posixpath.normpath(path), wanted)


def alerting(documents: Sequence[Document]) -> Iterator[Found]:
    """A configuration that loads alerts of this tree: does it send them to anybody?"""
    alerts = {
        item.file
        for item in documents
        if _is_rule_file(item)
        and any(rule.get("alert") for group in elements(item.root, "groups") for rule in elements(group, "rules"))
    }
    for document in documents:
        if document.format == "prometheus":
            folder = posixpath.dirname(document.file)
            patterns = [text(node) for node in elements(document.root, "rule_files")]
            if any(_loads(folder, pattern, path) for pattern in patterns for path in alerts):
                managers = list(elements(document.root, "alerting", "alertmanagers"))
                at = document.root.get("rule_files")
                yield Found(bool(managers), ", ".join(patterns), (at or document.root).at, document, ("rule_files",))


def limits(document: Document) -> Iterator[Found]:
    """Each job: is the number of its samples limited?"""
    whole = document.root.get("global", "sample_limit") is not None
    for trail, job in _jobs(document):
        yield Found(whole or job.get("sample_limit") is not None, text(job.get("job_name")), job.at, document, trail)


def secrets(document: Document) -> Iterator[Found]:
    """Each place for a password or token: is it free of one?"""
    for trail, key, node in _scalars(document.root, ()):
        if key in _SECRETS and text(node):
            yield Found(bool(_PLACEHOLDER.match(text(node))), key, node.at, document, trail)


def verified(document: Document) -> Iterator[Found]:
    """Each TLS section: is the other side verified?"""
    for trail, key, node in _sections(document.root, ()):
        if key == "tls_config":
            off = node.get("insecure_skip_verify")
            yield Found(text(off) != "true", "insecure_skip_verify", (off or node).at, document, trail)


def _sections(node: Node, trail: Trail) -> Iterator[tuple[Trail, str, Node]]:
    for key, child in items(node):
        if isinstance(child.value, dict):
            yield (*trail, key), key, child
        yield from _sections(child, (*trail, key))
    for index, child in enumerate(elements(node)):
        yield from _sections(child, (*trail, index))


def _scalars(node: Node, trail: Trail) -> Iterator[tuple[Trail, str, Node]]:
    for key, child in items(node):
        if isinstance(child.value, dict | tuple):
            yield from _scalars(child, (*trail, key))
        else:
            yield (*trail, key), key, child
    for index, child in enumerate(elements(node)):
        yield from _scalars(child, (*trail, index))


def honoured(document: Document) -> Iterator[Found]:
    """Each job that lets targets choose `job` and `instance`: does it ask one that speaks for others?"""
    for trail, job in _jobs(document):
        if text(job.get("honor_labels")) == "true":
            targets = [text(one) for group in elements(job, "static_configs") for one in elements(group, "targets")]
            words = [text(job.get("job_name")), text(job.get("metrics_path")), *targets]
            words += [text(step.get("regex")) for key in _RELABELS for step in elements(job, key)]
            trusted = any(_ON_BEHALF.search(word) for word in words)
            yield Found(trusted, text(job.get("job_name")), job.at, document, trail)


def _steps(document: Document, *keys: str) -> Iterator[tuple[Trail, str, Node, Node]]:
    for trail, job in _jobs(document):
        for key in keys or _RELABELS:
            for index, step in enumerate(elements(job, key)):
                yield (*trail, key, index), key, step, job


def patterns(document: Document) -> Iterator[Found]:
    """Each pattern of a relabelling: can Prometheus compile it?"""
    for trail, _, step, _ in _steps(document):
        node = step.get("regex")
        if node is not None and "$(" not in text(node):
            yield Found(_compiles(text(node)), text(node), node.at, document, (*trail, "regex"))


def _compiles(pattern: str) -> bool:
    if _NOT_RE2.search(pattern):
        return False
    if _GO_ONLY.search(pattern):
        return True  # what Python would read otherwise
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def survivors(document: Document) -> Iterator[Found]:
    """Each step that keeps or drops: is anything left behind it?"""
    for trail, job in _jobs(document):
        for key in _RELABELS:
            kept: dict[tuple[str, ...], frozenset[str]] = {}
            for index, step in enumerate(elements(job, key)):
                labels = tuple(text(one) for one in elements(step, "source_labels"))
                action, pattern = text(step.get("action"), "replace").lower(), text(step.get("regex"), "(.*)")
                if action == "drop":
                    left = pattern not in ("(.*)", ".*")
                elif action == "keep":
                    words = _words(pattern)
                    left = not (words and labels in kept and not words & kept[labels])
                    if words:
                        kept[labels] = words
                else:
                    if text(step.get("target_label")):
                        kept = {one: words for one, words in kept.items() if text(step.get("target_label")) not in one}
                    continue
                shown = f"{action} {'+'.join(labels)} {pattern}".replace("  ", " ")
                yield Found(left, shown, step.at, document, (*trail, key, index))


def _words(pattern: str) -> frozenset[str]:
    """The only values a pattern matches, when it lists them."""
    plain = re.fullmatch(r"\(?((?:[\w-]|\\\.)+(?:\|(?:[\w-]|\\\.)+)*)\)?", pattern)
    return frozenset(plain[1].split("|")) if plain else frozenset()


def meta_labels(document: Document) -> Iterator[Found]:
    """Each step on metrics: does it read only labels that metrics still have?"""
    for trail, _, step, _ in _steps(document, "metric_relabel_configs"):
        for index, node in enumerate(elements(step, "source_labels")):
            gone = text(node).startswith("__") and text(node) != "__name__"
            if not gone or text(node).startswith(("__meta_", "__address__", "__scheme__", "__metrics_path__")):
                yield Found(not gone, text(node), node.at, document, (*trail, "source_labels", index))


def external_labels(document: Document) -> Iterator[Found]:
    """A configuration that writes elsewhere: does it say who it is?"""
    writes = document.root.get("remote_write")
    if writes is not None and list(elements(writes)):
        named = document.root.get("global", "external_labels") is not None
        yield Found(named, "remote_write", writes.at, document, ("remote_write",))


def targets(document: Document) -> Iterator[Found]:
    """Each fixed target of a job without relabelling: is it a host and a port?"""
    for trail, job in _jobs(document):
        rewritten = any(text(step.get("target_label")) == "__address__" for step in elements(job, "relabel_configs"))
        for place, group in enumerate(elements(job, "static_configs")):
            for index, node in enumerate(elements(group, "targets")):
                if not rewritten and "$" not in text(node) and "{" not in text(node):
                    where = (*trail, "static_configs", place, "targets", index)
                    yield Found("/" not in text(node), text(node), node.at, document, where)


def paths(document: Document) -> Iterator[Found]:
    """Each path: is it free of parameters?"""
    for trail, job in _jobs(document):
        node = job.get("metrics_path")
        if node is not None:
            yield Found("?" not in text(node), text(node), node.at, document, (*trail, "metrics_path"))


def interfaces(document: Document) -> Iterator[Found]:
    """Each Alertmanager whose interface is named: is it one that Prometheus 3 speaks?"""
    for index, manager in enumerate(elements(document.root, "alerting", "alertmanagers")):
        node = manager.get("api_version")
        if node is not None:
            yield Found(text(node) != "v1", text(node), node.at, document, ("alerting", "alertmanagers", index))


def loopbacks(documents: Sequence[Document]) -> Iterator[Found]:
    """Each target on localhost of a Prometheus in a container of compose: is it Prometheus itself?"""
    files = set(_configured(documents))
    for document in documents:
        if document.format != "prometheus" or posixpath.normpath(document.file) not in files:
            continue
        for trail, job in _jobs(document):
            for place, group in enumerate(elements(job, "static_configs")):
                for index, node in enumerate(elements(group, "targets")):
                    match = re.fullmatch(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::(\d+))?", text(node))
                    if match:
                        where = (*trail, "static_configs", place, "targets", index)
                        yield Found(match[1] == "9090", text(node), node.at, document, where)


def _configured(documents: Sequence[Document]) -> Iterator[str]:
    """The configuration files that compose mounts into a Prometheus with a network of its own."""
    for document in documents:
        for _, service in items(document.root, "services") if document.format == "compose" else ():
            if re.search(r"(?:^|/)prometheus(?:[:@]|$)", text(service.get("image"))) and not service.get(
                "network_mode"
            ):
                command = service.get("command")
                words = [text(one) for one in elements(command)] or text(command).split()
                given = [word.partition("=")[2] for word in words if word.startswith("--config.file=")]
                for path in given or ["/etc/prometheus/prometheus.yml"]:
                    yield from _mounted(document, service, path)


def _mounted(document: Document, service: Node, path: str) -> Iterator[str]:
    """What lies at a path of the container, in the tree."""
    for volume in elements(service, "volumes"):
        written = text(volume).split(":")
        source = text(volume.get("source")) or written[0]
        target = text(volume.get("target")) or (written[1] if len(written) > 1 else "")
        here = posixpath.normpath(posixpath.join(posixpath.dirname(document.file), source))
        target = target.rstrip("/")
        if target and (path == target or path.startswith(f"{target}/")):
            yield posixpath.normpath(here + path[len(target) :])


DERIVED: dict[str, Derive] = {
    "prometheus-timeouts": _each(timeouts),
    "prometheus-monitor-timeouts": monitor_timeouts,
    "prometheus-monitor-ports": monitor_ports,
    "prometheus-jobs": _each(unique_jobs),
    "prometheus-durations": _each(durations),
    "prometheus-intervals": _each(intervals),
    "prometheus-evaluations": _each(evaluations),
    "prometheus-rule-files": rule_files,
    "prometheus-alerting": alerting,
    "prometheus-limits": _each(limits),
    "prometheus-secrets": _each(secrets),
    "prometheus-verified": _each(verified),
    "prometheus-honoured": _each(honoured),
    "prometheus-patterns": _each(patterns),
    "prometheus-survivors": _each(survivors),
    "prometheus-meta-labels": _each(meta_labels),
    "prometheus-external-labels": _each(external_labels),
    "prometheus-targets": _each(targets),
    "prometheus-paths": _each(paths),
    "prometheus-interfaces": _each(interfaces),
    "prometheus-loopbacks": loopbacks,
}
