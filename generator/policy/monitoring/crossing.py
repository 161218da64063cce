"""Derived facts about monitoring files against one another: alerts, routes, runbooks, dashboards, tests, stores.

What a tree does not hold is never judged: an alert whose runbook lies elsewhere has no verdict, not a good one.
"""

from __future__ import annotations

import fnmatch
import math
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from generator.document import Location, Node
from generator.monitoring import promql
from generator.monitoring.promql import Binary, Expression, Number, Problem, Selector, Subquery
from generator.policy.documents import Document
from generator.policy.found import Derive, Found, containers, elements, items, of_kind, text, workloads
from generator.policy.monitoring import expressions, reaching
from generator.policy.monitoring.routes import Route, reached, tree
from generator.policy.monitoring.worlds import each

_Place: TypeAlias = "tuple[Document, tuple[str | int, ...], Node]"

_QUIET = frozenset(["info", "none", "debug"])
_SILENT = re.compile(
    r"(?i)\b(?:null|none|nobody|no-?one|nothing|black-?hole|dev-?null|drop|discard|ignore|void|silent)\b"
)


def delivered(documents: Sequence[Document]) -> Iterator[Found]:
    """Each alert whose severity is delivered to somebody: is it delivered with all its other labels as well?

    A route below the root that leads to nobody is meant so: it names the alert, or its receiver says it in its name.
    """
    trees = [(item, tree(item.root)) for item in documents if item.format == "alertmanager"]
    known = [(_speaking(document), route) for document, route in trees if route is not None and route.receiver]
    known = [(speaking, route) for speaking, route in known if speaking]
    for written in expressions.rules(documents) if known else ():
        if written.form != "alert":
            continue
        name = text(written.around.get("alert"))
        labels = {key: text(value) for key, value in items(written.around, "labels") if "{{" not in text(value)}
        severity = labels.get("severity", "")
        labels["alertname"] = name
        alone = {"severity": severity} if severity else {}
        if severity in _QUIET or not any(_heard(route, alone, speaking) for speaking, route in known):
            continue
        verdict = any(_heard(route, labels, speaking) or _muted(route, labels) for speaking, route in known)
        at = written.around.get("alert") or written.node
        yield Found(verdict, name, at.at, written.document, (*written.trail[:-1], "alert"))


def _speaking(document: Document) -> frozenset[str]:
    """The receivers that deliver anything."""
    return frozenset(
        text(item.get("name"))
        for item in elements(document.root, "receivers")
        if any(key.endswith("_configs") and node.value for key, node in item.items())
    )


def _heard(route: Route, labels: Mapping[str, str], speaking: frozenset[str]) -> bool:
    return any(found.receiver in speaking for found in reached(route, labels))


def _muted(route: Route, labels: Mapping[str, str]) -> bool:
    return any(
        found is not route
        and (
            _SILENT.search(found.receiver) is not None
            or any(matcher.label == "alertname" for matcher in (*found.matchers, *found.above))
        )
        for found in reached(route, labels)
    )


# Runbooks and dashboards

_ANCHOR_DROPPED = re.compile(r"[^\w\- ]")
_HEADING = re.compile(r"(#{1,6})[ \t]+(.+?)(?:[ \t]+#+)?[ \t]*")
_ANCHOR = re.compile(r"""<a\s[^>]*(?:name|id)=["']([^"']+)["']|\{#([\w-]+)\}""")
_ALERT_NAME = re.compile(r"(?:[A-Z][a-z0-9]+[A-Z]\w*|[A-Z]{2,}[a-z]\w*|[A-Z][A-Za-z0-9]*_\w+)")
_UID = re.compile(r"""uid["']?\s*:\s*["']?([A-Za-z0-9_-]+)""")
_DASHBOARD = re.compile(r"/d/([A-Za-z0-9_-]+)")


def runbooks(documents: Sequence[Document]) -> Iterator[Found]:
    """Each `runbook_url` that leads to a file of this tree: is the heading there?"""
    annotated = ((document, trail, node) for document, trail, node, _ in _annotated(documents, "runbook_url"))
    yield from _led(documents, annotated)


def board_links(documents: Sequence[Document]) -> Iterator[Found]:
    """The same for the links of dashboards and their panels."""
    yield from _led(documents, _linked(documents))


def _linked(documents: Sequence[Document]) -> Iterator[_Place]:
    for document in documents:
        for node in document.root.walk() if document.format == "grafana" else ():
            url = node.get("url")
            if url is not None and text(url):
                yield document, (), url


def _led(documents: Sequence[Document], places: Iterable[_Place]) -> Iterator[Found]:
    texts = _texts(documents)
    known: dict[str, set[str]] = {}
    for document, trail, node in places:
        path, anchor = _target(text(node), document.file, texts)
        if path and path not in texts:
            yield Found(False, f"there is no file {path}", node.at, document, trail)
        elif path:
            if path not in known:
                known[path] = _anchors(texts[path].text)
            there = not anchor or anchor in known[path]
            shown = f"{path} has no heading #{anchor}" if not there else text(node)
            yield Found(there, shown, node.at, document, trail)


def headings(documents: Sequence[Document]) -> Iterator[Found]:
    """Each heading of a runbook that is named like an alert, beside those that alerts lead to: is there the alert?"""
    texts = _texts(documents)
    led: dict[str, set[str]] = {}
    for document, _, node, _ in _annotated(documents, "runbook_url"):
        path, anchor = _target(text(node), document.file, texts)
        if path in texts and anchor:
            led.setdefault(path, set()).add(anchor)
    names = {text(written.around.get("alert")).lower() for written in expressions.rules(documents)}
    for path in sorted(led):
        found = list(_headings(texts[path].text))
        levels = {level for level, _, name in found if slug(name) in led[path]}
        for level, line, name in found:
            if level in levels and _ALERT_NAME.fullmatch(name):
                there = slug(name) in led[path] or name.lower() in names
                yield Found(there, name, Location(path, line, 1), texts[path])


def dashboards(documents: Sequence[Document]) -> Iterator[Found]:
    """Each `dashboard_url` when there are dashboards in the tree: is one of them the dashboard it names?

    Dashboards stand as files, or as text within objects; a uid anywhere outside of rules is taken for one.
    """
    if not any(item.format == "grafana" and text(item.root.get("uid")) for item in documents):
        return
    rules = {item.file for item in documents if item.format in ("prometheus-rules", "prometheus-tests")}
    known = {
        uid
        for item in documents
        if item.format == "text" and item.file not in rules and item.file.endswith((".json", ".yaml", ".yml"))
        for uid in _UID.findall(item.text)
    }
    for document, trail, node, _ in _annotated(documents, "dashboard_url", "dashboard", "grafana_url"):
        match = _DASHBOARD.search(text(node))
        if match is not None and "{{" not in text(node)[: match.end() + 2]:
            yield Found(match.group(1) in known, match.group(1), node.at, document, trail)


def _annotated(
    documents: Sequence[Document], *names: str
) -> Iterator[tuple[Document, tuple[str | int, ...], Node, Node]]:
    for written in expressions.rules(documents):
        for name in names:
            node = written.around.get("annotations", name)
            if written.form == "alert" and node is not None and text(node):
                yield written.document, (*written.trail[:-1], "annotations", name), node, written.around


def _texts(documents: Sequence[Document]) -> dict[str, Document]:
    return {item.file: item for item in documents if item.format == "text"}


def _target(url: str, source: str, texts: Mapping[str, Document]) -> tuple[str, str]:
    """The file of the tree that an address means, and the anchor; "" when it lies elsewhere.

    The address of a forge ends in the path of a file: only a path of a folder and a name, at least, is trusted.
    """
    if "{{" in url or "$" in url:
        return "", ""
    address, _, anchor = url.partition("#")
    if "://" not in address:
        if address.startswith("/") or not address.lower().endswith((".md", ".markdown")):
            return "", ""
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(source), address))
        return (beside if beside in texts else posixpath.normpath(address)), anchor.lower()
    parts = address.partition("://")[2].split("/")
    if "blob" not in parts and "src" not in parts and "raw" not in parts:
        return "", ""
    for start in range(3, len(parts) - 1):
        path = "/".join(parts[start:])
        if path in texts:
            return path, anchor.lower()
    return "", ""


def slug(heading: str) -> str:
    """The anchor that forges give a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
    return _ANCHOR_DROPPED.sub("", plain.strip().lower()).replace(" ", "-")


def _headings(source: str) -> Iterator[tuple[int, int, str]]:
    """Level, line and text of each heading outside of code."""
    fence = ""
    for number, line in enumerate(source.splitlines(), 1):
        mark = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if fence:
            fence = "" if mark and mark.group(1).startswith(fence) and not line.strip(" `~") else fence
        elif mark:
            fence = mark.group(1)
        elif match := _HEADING.fullmatch(line):
            yield len(match.group(1)), number, match.group(2)


def _anchors(source: str) -> set[str]:
    found: set[str] = set()
    for _, _, name in _headings(source):
        base, number = slug(name), 0
        while (f"{base}-{number}" if number else base) in found:
            number += 1
        found.add(f"{base}-{number}" if number else base)
    return found | {(one or other).lower() for one, other in _ANCHOR.findall(source)}


# Thresholds


def thresholds(documents: Sequence[Document]) -> Iterator[Found]:
    """Each panel with thresholds that draws what an alert compares: is the alert's number among them?"""
    limits: dict[str, set[float]] = {}
    for written, read in expressions.alerts(documents):
        for side, number in _comparisons(read):
            limits.setdefault(_dense(written.query[side.start : side.end]), set()).add(number)
    for panel in expressions.panels(documents) if limits else ():
        steps = list(elements(panel.around, "fieldConfig", "defaults", "thresholds", "steps"))
        values = [value for value in (_value(step) for step in steps) if value is not None]
        if not values or values == [80.0] or len(list(elements(panel.around, "targets"))) != 1:
            continue  # [80] is what Grafana puts into every new panel
        pattern = _pattern(text(panel.node))
        wanted = {number for query, numbers in limits.items() if pattern.fullmatch(query) for number in numbers}
        if wanted:
            there = any(
                math.isclose(value, number, rel_tol=1e-6, abs_tol=1e-6) for value in values for number in wanted
            )
            marks = ", ".join(f"{value:g}" for value in values)
            fires = ", ".join(f"{number:g}" for number in sorted(wanted))
            title = text(panel.around.get("title"))
            shown = title if there else f'"{title}" marks {marks}, and the alert on it fires at {fires}'
            at = panel.around.get("fieldConfig", "defaults", "thresholds") or panel.node
            trail = (*panel.trail[:-3], "fieldConfig", "defaults", "thresholds")
            yield Found(there, shown, at.at, panel.document, trail)


def _comparisons(read: Expression) -> Iterator[tuple[Expression, float]]:
    """The parts that are compared with a number, guards aside."""
    match promql.bare(read):
        case Binary(operator="and" | "unless") as both:
            yield from _comparisons(both.left)
        case Binary(operator=operator, right=Number(value=value)) as one if operator in promql.COMPARISONS:
            yield promql.bare(one.left), value


def _dense(query: str) -> str:
    return re.sub(r"\s+", "", query)


_VARIABLE = re.compile(r"\\\$\\\{\w+(?::\w+)?\\\}|\\\$\w+|\\\[\\\[\w+\\\]\\\]")


def _pattern(query: str) -> re.Pattern[str]:
    """What a panel's query is with any values of its variables."""
    return re.compile(_VARIABLE.sub(r'[^"]*', re.escape(_dense(query))))


def _value(step: Node) -> float | None:
    node = step.get("value")
    known = node is not None and isinstance(node.value, int | float) and not isinstance(node.value, bool)
    return float(text(node)) if known else None


# Tests and rule files


def tested(documents: Sequence[Document]) -> Iterator[Found]:
    """Each alert of a rule file that a promtool test loads: is it tested?"""
    tests = [item for item in documents if item.format == "prometheus-tests"]
    names = {
        text(one.get("alertname"))
        for document in tests
        for test in elements(document.root, "tests")
        for one in elements(test, "alert_rule_test")
    }
    patterns = [
        posixpath.normpath(posixpath.join(posixpath.dirname(document.file), text(node)))
        for document in tests
        for node in elements(document.root, "rule_files")
    ]
    for written in expressions.rules(documents) if patterns else ():
        loaded = any(fnmatch.fnmatchcase(written.document.file, pattern) for pattern in patterns)
        name = text(written.around.get("alert"))
        if loaded and written.form == "alert" and written.document.format == "prometheus-rules":
            at = written.around.get("alert") or written.node
            yield Found(name in names, name, at.at, written.document, (*written.trail[:-1], "alert"))


def loaded(documents: Sequence[Document]) -> Iterator[Found]:
    """Each plain rule file beside a configuration of Prometheus: does the configuration load a file of its name?"""
    configurations = [item for item in documents if item.format == "prometheus"]
    patterns = [text(node) for item in configurations for node in elements(item.root, "rule_files")]
    for document in documents if patterns else ():
        if document.format != "prometheus-rules" or document.kind or _of_another_program(document):
            continue
        there = any(_loads(pattern, document.file) for pattern in patterns)
        yield Found(there, posixpath.basename(document.file), document.root.at, document)


def _loads(pattern: str, path: str) -> bool:
    """Whether a pattern may mean the file: where it is mounted is not known, its name is."""
    return fnmatch.fnmatchcase(posixpath.basename(path), posixpath.basename(pattern))


def _of_another_program(document: Document) -> bool:
    """Loki, Mimir and vmalert read files of the same shape."""
    return re.search(r"(?i)(?:^|[/_.-])(?:loki|logql|vmalert|mimir|cortex|thanos)", document.file) is not None


# Windows and retention

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_RETENTION = re.compile(r"--storage\.tsdb\.retention(?:\.time)?[= ](\S+)")
_DEFAULT_SECONDS = 15 * 86_400
"""https://prometheus.io/docs/prometheus/latest/storage/#operational-aspects"""
_OPERATOR_DEFAULT_SECONDS = 86_400
"""https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusSpec"""


def windows(documents: Sequence[Document]) -> Iterator[Found]:
    """Each rule, where it is known how long Prometheus keeps readings: does it look back no further?"""
    kept = [seconds for seconds in _kept(documents) if seconds is not None]
    if not kept or _kept_elsewhere(documents):
        return
    most = max(kept)
    for written in expressions.rules(documents):
        read = expressions.parsed(written.query)
        if isinstance(read, Problem):
            continue
        back = max((_reach(part) for part in promql.walk(read)), default=0)
        if back:
            name = text(written.around.get("alert")) or text(written.around.get("record"))
            shown = name if back <= most else f"{name} looks back {_days(back)}, and Prometheus keeps {_days(most)}"
            yield written.found(back <= most, shown)


def _reach(part: Expression) -> float:
    match part:
        case Selector():
            return (part.range or 0) + max(part.offset, 0)
        case Subquery():
            return part.range + max((_reach(inner) for inner in promql.walk(part.inner)), default=0)
    return 0


def _days(seconds: float) -> str:
    return f"{seconds / 86_400:g} d" if seconds >= 86_400 else f"{seconds / 3600:g} h"


def _kept(documents: Sequence[Document]) -> Iterator[float | None]:
    """Seconds for which each Prometheus of the tree keeps what it read."""
    for item in of_kind(documents, "Prometheus"):
        written = text(item.root.get("spec", "retention"))
        yield seconds(written) if written else _OPERATOR_DEFAULT_SECONDS
    for words in _commands(documents):
        if any(word.startswith("--config.file") or word.startswith("--storage.tsdb.") for word in words):
            match = _RETENTION.search(" ".join(words))
            yield seconds(match.group(1)) if match else _DEFAULT_SECONDS


def _commands(documents: Sequence[Document]) -> Iterator[list[str]]:
    """The arguments of every container whose image is Prometheus."""
    for document in documents:
        if document.format == "compose":
            for _, service in items(document.root, "services"):
                if re.search(r"(?:^|/)prometheus(?:[:@]|$)", text(service.get("image"))):
                    command = service.get("command")
                    yield [text(node) for node in elements(command)] or text(command).split()
    for document, _ in workloads(documents):
        for _, container in containers(document):
            if re.search(r"(?:^|/)prometheus(?:[:@]|$)", text(container.get("image"))):
                yield [text(node) for key in ("command", "args") for node in elements(container, key)]


def _kept_elsewhere(documents: Sequence[Document]) -> bool:
    """Whether older readings are fetched from another store."""
    return any(
        (item.format == "prometheus" and item.root.get("remote_read"))
        or (item.kind == "Prometheus" and (item.root.get("spec", "remoteRead") or item.root.get("spec", "thanos")))
        or item.kind == "ThanosRuler"
        for item in documents
    )


def seconds(duration: str) -> float | None:
    """A duration of Prometheus; None when it is none."""
    parts = re.findall(r"(\d+)(ms|[smhdwy])", duration)
    if not parts or "".join(map("".join, parts)) != duration:
        return None
    return sum(int(number) * _SECONDS[unit] for number, unit in parts)


DERIVED: dict[str, Derive] = {
    "crossing-board-links": board_links,
    "crossing-dashboards": dashboards,
    "crossing-delivered": delivered,
    "crossing-headings": headings,
    "crossing-loaded": each(loaded),
    "crossing-runbooks": runbooks,
    "crossing-tested": tested,
    "crossing-thresholds": thresholds,
    "crossing-windows": each(windows),
    "crossing-alertmanagers": each(partial(reaching.targets, "alertmanagers")),
    "crossing-collectors": each(reaching.collectors),
    "crossing-composed-collectors": each(reaching.composed_collectors),
    "crossing-jobs": each(partial(reaching.labelled, "job", "rules")),
    "crossing-monitors": each(reaching.monitors),
    "crossing-monitors-selected": each(partial(reaching.selected, "monitors")),
    "crossing-namespaces": each(partial(reaching.labelled, "namespace", "rules")),
    "crossing-panel-jobs": each(partial(reaching.labelled, "job", "panels")),
    "crossing-panel-namespaces": each(partial(reaching.labelled, "namespace", "panels")),
    "crossing-rules-selected": each(partial(reaching.selected, "rules")),
    "crossing-scrapes-allowed": each(reaching.allowed),
    "crossing-targets": each(partial(reaching.targets, "scrapes")),
    "crossing-composed-trace-names": each(reaching.composed_trace_names),
    "crossing-trace-names": reaching.trace_names,
}
