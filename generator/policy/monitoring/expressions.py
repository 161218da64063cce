"""Derived facts about PromQL wherever it stands: rules, dashboards, analyses.

A verdict is true of an expression that has no problem of the kind, and false once for each problem, at its own place.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from generator.document import Node
from generator.monitoring import catalogue, promql, promqlfaults
from generator.monitoring.promql import Binary, Call, Expression, Number, Problem, Selector, Subquery, bare
from generator.policy.documents import Document
from generator.policy.found import Derive, Found, elements, items, text
from generator.policy.monitoring import alerttemplates
from generator.policy.monitoring.places import within


@dataclass(frozen=True, slots=True)
class Written:
    """An expression in a file: `form` is alert, record, panel or query; `around` is the rule or panel it is of."""

    form: str
    query: str
    node: Node
    document: Document
    trail: tuple[str | int, ...]
    source: str
    around: Node
    group: Node

    def found(self, verdict: bool, shown: str, offset: int = 0) -> Found:
        at = within(self.node, offset, self.source) if offset or not verdict else self.node.at
        return Found(verdict, shown, at, self.document, self.trail)


def rules(documents: Sequence[Document]) -> Iterator[Written]:
    """The expressions of rule files."""
    sources = _sources(documents)
    for document in documents:
        if document.format != "prometheus-rules":
            continue
        for number, group in enumerate(elements(document.root, "groups")):
            for index, rule in enumerate(elements(group, "rules")):
                node = rule.get("expr")
                query = text(node)
                form = "alert" if rule.get("alert") is not None else "record"
                if node is not None and query and "{{" not in query and "%(" not in query:
                    trail = ("groups", number, "rules", index, "expr")
                    yield Written(form, query, node, document, trail, sources.get(document.file, ""), rule, group)


def alerts(documents: Sequence[Document]) -> Iterator[tuple[Written, Expression]]:
    """The alerts whose expression can be read."""
    for written in rules(documents):
        read = parsed(written.query)
        if written.form == "alert" and not isinstance(read, Problem):
            yield written, read


def panels(documents: Sequence[Document]) -> Iterator[Written]:
    """The Prometheus queries of dashboards, with something in place of Grafana's variables."""
    sources = _sources(documents)
    for document in documents:
        if document.format == "grafana":
            for trail, panel in _panels((), document.root):
                for index, target in enumerate(elements(panel, "targets")):
                    node = target.get("expr")
                    query = text(node)
                    if node is not None and query.strip() and _is_promql(query, target, panel):
                        place = (*trail, "targets", index, "expr")
                        source = sources.get(document.file, "")
                        yield Written("panel", filled(query), node, document, place, source, panel, document.root)


def analyses(documents: Sequence[Document]) -> Iterator[Written]:
    """The Prometheus queries by which objects of a cluster decide: whether a release goes on, how many pods run."""
    sources = _sources(documents)
    for document in documents:
        for trail in _QUERIES.get(document.kind, ()) if document.format == "kubernetes" else ():
            for place, node in _at(document.root, trail, ()):
                query = _ARGUMENT.sub(lambda match: f"${'a' * (len(match.group()) - 1)}", text(node))
                if query.strip() and "{{" not in query:
                    source = sources.get(document.file, "")
                    yield Written("query", filled(query), node, document, place, source, document.root, document.root)


_ARGUMENT = re.compile(r"\{\{\s*[\w.-]+\s*\}\}")
_QUERIES: dict[str, tuple[tuple[str, ...], ...]] = {
    "AnalysisTemplate": (("spec", "metrics", "*", "provider", "prometheus", "query"),),
    "ClusterAnalysisTemplate": (("spec", "metrics", "*", "provider", "prometheus", "query"),),
    "MetricTemplate": (("spec", "query"),),
    "ScaledObject": (("spec", "triggers", "*", "metadata", "query"),),
}
"""Where such objects hold a query."""


def _at(
    node: Node, path: tuple[str, ...], trail: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Node]]:
    if not path:
        yield trail, node
    elif path[0] == "*":
        for index, child in enumerate(node.elements()):
            yield from _at(child, path[1:], (*trail, index))
    elif (below := node.get(path[0])) is not None:
        yield from _at(below, path[1:], (*trail, path[0]))


def _panels(trail: tuple[str | int, ...], node: Node) -> Iterator[tuple[tuple[str | int, ...], Node]]:
    """The panels of a dashboard, those in rows included."""
    for index, panel in enumerate(elements(node, "panels")):
        yield (*trail, "panels", index), panel
        yield from _panels((*trail, "panels", index), panel)


def _is_promql(query: str, target: Node, panel: Node) -> bool:
    for node in (target, panel):
        kind = text(node.get("datasource", "type")) or text(node.get("datasource"))
        if kind and "$" not in kind:
            return kind.lower() in ("prometheus", "default") or "prom" in kind.lower() or "mimir" in kind.lower()
    return re.search(r"\|[=~]|!=\s*`|\|\s*(?:json|logfmt|line_format|unwrap|pattern)\b", query) is None


_GRAFANA = re.compile(r"\$\{\w+(?:\.\w+)?(?::[^}]*)?\}|\[\[\w+(?::\w+)?\]\]|\$\w+")
_NUMBERS = ("__range_s", "__range_ms", "__interval_ms", "__from", "__to", "__rate_interval_ms")


@functools.lru_cache(maxsize=4096)
def filled(query: str) -> str:
    """A query with text of the same length in place of each variable: a window, a number, a pattern or a name."""
    result = ""
    end = 0
    for match in _GRAFANA.finditer(query):
        result += query[end : match.start()]
        end = match.end()
        width = len(match.group())
        name = re.sub(r"\W+", " ", match.group()).split()[0]
        if _in_string(result):
            result += "." * width
        elif result.rfind("[") > result.rfind("]") or re.search(r"\boffset\s+-?$", result):
            result += "5m".ljust(width)
        elif name in _NUMBERS or _is_number(result, query[end:]):
            result += "1" * width
        else:
            result += "x" * width
    return result + query[end:]


def _is_number(before: str, after: str) -> bool:
    """Whether a variable outside of quotes and brackets must be a number, and not the name of a metric or label."""
    if re.match(r"\w|\s*[\[{]", after) or re.search(r"\w$", before):
        return False
    depth = 0
    for position in range(len(before) - 1, -1, -1):
        depth += (before[position] == ")") - (before[position] == "(")
        if depth < 0:
            if re.search(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*$", before[:position], re.IGNORECASE):
                return False
            break
    return re.search(r"[-+*/%^<>=,]\s*$", before) is not None or (
        re.search(r"\(\s*$", before) is not None and re.match(r"\s*,", after) is not None
    )


def _in_string(before: str) -> bool:
    """Whether a text ends within quotes."""
    rest = re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`', "", before)
    return any(mark in rest for mark in "\"'`")


@functools.lru_cache(maxsize=8192)
def parsed(query: str) -> Expression | Problem:
    return promql.parse(query)


@functools.lru_cache(maxsize=8192)
def _problems(query: str, given: frozenset[str]) -> tuple[Problem, ...]:
    return promqlfaults.problems(query, given)


def _sources(documents: Sequence[Document]) -> dict[str, str]:
    return {document.file: document.text for document in documents if document.format == "text"}


def _given(documents: Sequence[Document]) -> frozenset[str]:
    """Labels that the project's own scraping adds."""
    found: set[str] = set()
    for document in documents:
        if document.format != "prometheus" and document.kind not in ("ServiceMonitor", "PodMonitor", "ScrapeConfig"):
            continue
        for node in document.root.walk():
            if isinstance(node.value, dict):
                found.update(text(node.get(key)) for key in ("target_label", "targetLabel", "replacement"))
                found.update(name for key in ("labels", "external_labels") for name, _ in items(node, key))
    return frozenset(found)


def _problem_free(kind: str, where: Callable[[Sequence[Document]], Iterator[Written]], forms: str = "") -> Derive:
    def derive(documents: Sequence[Document]) -> Iterator[Found]:
        given: frozenset[str] | None = None
        for written in where(documents):
            if forms and written.form not in forms:
                continue
            given = _given(documents) if given is None else given
            problems = _problems(written.query, given)
            wrong = [problem for problem in problems if problem.kind == kind]
            if not wrong and any(problem.kind == "syntax" for problem in problems):
                continue  # what cannot be read is judged once
            if not wrong:
                yield written.found(True, _named(written))
            for problem in wrong:
                yield written.found(False, problem.message, problem.offset)

    return derive


def _named(written: Written) -> str:
    rule = written.around
    return text(rule.get("alert")) or text(rule.get("record")) or text(rule.get("title")) or written.query


# Alerts: when they fire


def compared(documents: Sequence[Document]) -> Iterator[Found]:
    """Each alert: can its expression be empty while there are data?"""
    for written, read in alerts(documents):
        if promql.selectors(read):
            yield written.found(_can_be_silent(read), _named(written))


def _can_be_silent(part: Expression) -> bool:
    match part:
        case Binary(operator="unless"):
            return True
        case Binary(operator="or"):
            return _can_be_silent(part.left) and _can_be_silent(part.right)
        case Binary():
            filters = part.operator in promql.COMPARISONS and not part.boolean
            return filters or _can_be_silent(part.left) or _can_be_silent(part.right)
        case Call(function="absent" | "absent_over_time"):
            return True
        case Selector():
            return part.metric.startswith("ALERTS")
        case promql.Opaque():
            return True
        case _:
            return any(_can_be_silent(child) for child in promql.children(part))


def patient(documents: Sequence[Document]) -> Iterator[Found]:
    """Each alert on a threshold: does it wait, by `for` or by a window?"""
    for written, read in alerts(documents):
        if not any(isinstance(part, Binary) and part.operator in promql.COMPARISONS for part in promql.walk(read)):
            continue
        windows = [
            part.range or 0.0
            for part in promql.walk(read)
            if isinstance(part, Selector | Subquery) and part.range is not None
        ]
        timed = any(
            isinstance(part, Call) and part.function in ("time", "absent_over_time") for part in promql.walk(read)
        )
        waits = written.around.get("for") is not None or max(windows, default=0.0) >= 120 or timed
        yield written.found(waits, _named(written))


def steady(documents: Sequence[Document]) -> Iterator[Found]:
    """Each alert: is it free of irate(), which looks at two samples only?"""
    for written, read in alerts(documents):
        calls = [part for part in promql.walk(read) if isinstance(part, Call) and part.function == "irate"]
        for call in calls[:1]:
            yield written.found(False, f"{_named(written)} decides on the last two samples of irate()", call.start)
        if not calls:
            yield written.found(True, _named(written))


def waits_an_interval(documents: Sequence[Document]) -> Iterator[Found]:
    """Each alert with `for` in a group with an interval: is it at least that long?"""
    default = _evaluation(documents)
    for written, _ in alerts(documents):
        waits = duration(written.around.get("for"))
        interval = duration(written.group.get("interval")) or default
        if waits and interval:
            node = written.around.get("for")
            at = node.at if node is not None else written.node.at
            shown = f"for: {text(node)}, and the group is evaluated every {interval:g} s"
            yield Found(waits >= interval, shown, at, written.document, (*written.trail[:-1], "for"))


def duration(node: Node | None) -> float:
    """A duration of a rule file in seconds; 0 when there is none."""
    from generator.monitoring.promqlreader import seconds

    return seconds(text(node)) or 0.0


def _evaluation(documents: Sequence[Document]) -> float:
    """How often rules are evaluated, as the shortest of the Prometheus configurations says; 0 when there is none."""
    found = [
        duration(document.root.get("global", "evaluation_interval")) or 60.0
        for document in documents
        if document.format == "prometheus"
    ]
    return min(found, default=0.0)


def _scrape_intervals(documents: Sequence[Document]) -> tuple[dict[str, float], float]:
    """Seconds between samples, by job, and of any job; 15 when nothing tells."""
    jobs: dict[str, float] = {}
    general: list[float] = []
    for document in documents:
        if document.format == "prometheus":
            base = duration(document.root.get("global", "scrape_interval")) or 60.0
            general.append(base)
            for job in elements(document.root, "scrape_configs"):
                own = duration(job.get("scrape_interval")) or base
                name = text(job.get("job_name"))
                jobs[name] = min(own, jobs.get(name, own))
                general.append(own)
        elif document.kind in ("ServiceMonitor", "PodMonitor"):
            for key in ("endpoints", "podMetricsEndpoints"):
                general += [duration(end.get("interval")) or 30.0 for end in elements(document.root, "spec", key)]
    return jobs, min(general, default=15.0)


def wide_windows(documents: Sequence[Document]) -> Iterator[Found]:
    """Each window of a rate: does it hold two samples?"""
    jobs, general = _scrape_intervals(documents)
    for written in rules(documents):
        read = parsed(written.query)
        if isinstance(read, Problem):
            continue
        for part in promql.walk(read):
            if not isinstance(part, Call) or part.function not in (*promqlfaults.RATES, "delta", "deriv"):
                continue
            inner = bare(part.arguments[0]) if part.arguments else part
            if not isinstance(inner, Selector) or inner.range is None:
                continue
            job = next((matcher.value for matcher in inner.matchers if matcher.label == "job"), "")
            interval = jobs.get(job, general)
            shown = f"{part.function}() over {inner.range:g} s of samples that come every {interval:g} s"
            yield written.found(inner.range >= 2 * interval, shown, inner.start)


# Alerts: what they say


def _texts(written: Written, *keys: str) -> Iterator[tuple[str, str, Node]]:
    for key in keys:
        for name, node in items(written.around, key):
            if isinstance(node.value, str):
                yield key, name, node


def kept_labels(documents: Sequence[Document]) -> Iterator[Found]:
    """Each label a text quotes: does the expression keep it?"""
    for written, read in alerts(documents):
        carried = promql.labels(read)
        from_alerts = any(part.metric.startswith("ALERTS") for part in promql.selectors(read))
        for key, name, node in _texts(written, "annotations", "labels"):
            for use in alerttemplates.labels(str(node.value)):
                kept = carried.may_have(use.word) and (use.word != "alertname" or from_alerts)
                shown = f'the {name} of {_named(written)} quotes the label "{use.word}"'
                place = (*written.trail[:-1], key, name)
                at = node.at if kept else within(node, use.at, written.source)
                yield Found(kept, shown, at, written.document, place)


def templates(unknown: bool, documents: Sequence[Document]) -> Iterator[Found]:
    """Each text of an alert: can Prometheus expand it?"""
    for written, _ in alerts(documents):
        for key, name, node in _texts(written, "annotations", "labels"):
            content = str(node.value)
            place = (*written.trail[:-1], key, name)
            wrong = [flaw for flaw in alerttemplates.flaws(content) if flaw.unknown == unknown]
            for flaw in wrong:
                at = within(node, flaw.at, written.source)
                yield Found(False, flaw.message, at, written.document, place)
            if not wrong and "{{" in content:
                yield Found(True, name, node.at, written.document, place)


def fixed_labels(documents: Sequence[Document]) -> Iterator[Found]:
    """Each label an alert sets: is it free of the measured value?"""
    for written, _ in alerts(documents):
        for key, name, node in _texts(written, "labels"):
            place = (*written.trail[:-1], key, name)
            free = not alerttemplates.uses_value(str(node.value))
            yield Found(free, f"the label {name} of {_named(written)}", node.at, written.document, place)


def distinct(documents: Sequence[Document]) -> Iterator[Found]:
    """Each label a rule sets: does it leave apart what the expression keeps apart?"""
    for written in rules(documents):
        read = parsed(written.query)
        if isinstance(read, Problem):
            continue
        carried = promql.labels(read)
        for name, node in items(written.around, "labels"):
            if not text(node) or "{{" in text(node):
                continue
            pinned = all(
                any(matcher.label == name and matcher.operator == "=" for matcher in selector.matchers)
                for selector in promql.selectors(read)
            )
            kept = name in carried.only if carried.only is not None else name in ("instance", "pod")
            merges = kept and carried.may_have(name) and not pinned
            shown = f'{_named(written)} sets the label "{name}", by which its expression tells series apart'
            place = (*written.trail[:-1], "labels", name)
            yield Found(not merges, shown, node.key_at or node.at, written.document, place)


_PERCENTAGE = re.compile(r"\$value\s*\|\s*humanizePercentage|humanizePercentage\s+\$value")
_PERCENT_SIGN = re.compile(
    r"\{\{-?\s*(?:\$value|\.Value|printf\s+\"[^\"]*\"\s+\$value|\$value\s*\|\s*\w+)\s*-?\}\}\s?%"
)


def percentages(documents: Sequence[Document]) -> Iterator[Found]:
    """Each percentage in a text: is the value of the alert in the unit that the text takes it for?"""
    for written, read in alerts(documents):
        threshold = _threshold(read)
        if threshold is None:
            continue
        for key, name, node in _texts(written, "annotations"):
            content = str(node.value)
            ratio, percent = _PERCENTAGE.search(content), _PERCENT_SIGN.search(content)
            if not ratio and not (percent and "humanizePercentage" not in percent.group()):
                continue
            right = threshold <= 1.5 if ratio else threshold >= 1 or threshold == 0
            shown = (
                f"the {name} shows {threshold:g} as {threshold * 100:g} %"
                if ratio
                else f"the {name} shows a ratio of {threshold:g} as {threshold:g} %"
            )
            place = (*written.trail[:-1], key, name)
            yield Found(right, shown, node.at, written.document, place)


def _threshold(read: Expression) -> float | None:
    """The number that the outermost comparison is with."""
    part = bare(read)
    if isinstance(part, Binary) and part.operator in (">", ">=", "<", "<="):
        number = bare(part.right)
        return number.value if isinstance(number, Number) else None
    return None


def explained(keys: tuple[str, ...], place: str, documents: Sequence[Document]) -> Iterator[Found]:
    """Each alert: has it one of these labels or annotations?"""
    for written in rules(documents):
        if written.form == "alert":
            there = any(text(written.around.get(place, key)) for key in keys)
            name = written.around.get("alert")
            at = name.at if name is not None else written.node.at
            yield Found(there, _named(written), at, written.document, written.trail[:-1])


def guided(documents: Sequence[Document]) -> Iterator[Found]:
    """Each alert that wakes somebody: does it say where to read on?"""
    for written in rules(documents):
        severity = text(written.around.get("labels", "severity")).lower()
        if written.form == "alert" and severity in ("page", "critical"):
            there = any(
                text(written.around.get("annotations", key)) for key in ("runbook_url", "runbook", "runbookUrl")
            )
            name = written.around.get("alert")
            at = name.at if name is not None else written.node.at
            yield Found(there, _named(written), at, written.document, written.trail[:-1])


# Names


def unique(form: str, documents: Sequence[Document]) -> Iterator[Found]:
    """Each alert or recording: is it the first of its name and labels in its document?"""
    seen: set[tuple[str, str, str]] = set()
    for written in rules(documents):
        if written.form != form:
            continue
        name = _named(written)
        own = ",".join(f"{key}={text(node)}" for key, node in sorted(items(written.around, "labels")))
        identity = (written.document.identity + written.document.format, name, own)
        node = written.around.get(form)
        shown = f"{name} with {own or 'no labels'}"
        at = node.at if node is not None else written.node.at
        yield Found(identity not in seen, shown if len(shown) <= 90 else name, at, written.document, written.trail[:-1])
        seen.add(identity)


def known_metrics(
    where: Callable[[Sequence[Document]], Iterator[Written]], documents: Sequence[Document]
) -> Iterator[Found]:
    """Each metric: is it one that is known or recorded, or at least nothing like one?"""
    recorded = {text(written.around.get("record")) for written in rules(documents) if written.form == "record"}
    for written in where(documents):
        read = parsed(written.query)
        if isinstance(read, Problem):
            continue
        for selector in promql.selectors(read):
            name = selector.metric
            if not name or ":" in name or name in recorded or "xxx" in name:
                continue
            meant = "" if catalogue.metric(name) is not None else _meant(name)
            shown = f'nobody gives {name}; did you mean "{meant}"?' if meant else name
            yield written.found(not meant, shown, selector.start)


@functools.lru_cache(maxsize=4096)
def _meant(name: str) -> str:
    """The known metric that differs by a suffix, or by one slip of the finger."""
    for other in (f"{name}_total", f"{name}_seconds", f"{name}_bytes", name.removesuffix("_total")):
        if other != name and (known := catalogue.metric(other)) is not None and not _is_chosen(known):
            return other
    if len(name) < 10:
        return ""
    metrics = catalogue.known().values()
    return next((known.name for known in metrics if _one_slip(name, known.name) and not _is_chosen(known)), "")


def _is_chosen(metric: catalogue.Metric) -> bool:
    """Whether applications name such metrics themselves, so that another name may be right as well."""
    return metric.producer.startswith(("prometheus-client http", "prometheus-net"))


def _one_slip(one: str, other: str) -> bool:
    """Whether one letter too many, too few, wrong, or two swapped make the difference; a digit is no slip."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return False
    start = next((index for index, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
    if start is None:
        return not (one + other)[-1].isdigit()
    rest, tail = one[start:], other[start:]
    if rest[0].isdigit() or tail[0].isdigit():
        return False
    swapped = rest[1:2] + rest[:1] + rest[2:] == tail
    return rest[1:] == tail or tail[1:] == rest or rest[1:] == tail[1:] or swapped


_KINDS = (
    *("syntax", "range", "rate-over-gauge", "counter-without-rate", "trend-over-counter", "rate-of-sum"),
    *("quantile-without-le", "quantile-over-non-buckets", "quantile-out-of-range", "unknown-label"),
    *("unsatisfiable-matcher", "regex-not-needed", "labels-do-not-match"),
)

DERIVED: dict[str, Derive] = {
    **{f"promql-{kind}": _problem_free(kind, rules) for kind in _KINDS},
    **{f"panel-{kind}": _problem_free(kind, panels) for kind in _KINDS},
    **{f"query-{kind}": _problem_free(kind, analyses) for kind in _KINDS},
    "promql-never-true": _problem_free("never-true", rules, "alert"),
    "alert-compared": compared,
    "alert-patient": patient,
    "alert-steady": steady,
    "alert-for": waits_an_interval,
    "alert-labels-kept": kept_labels,
    "alert-templates": partial(templates, False),
    "alert-template-names": partial(templates, True),
    "alert-labels-fixed": fixed_labels,
    "alert-percentages": percentages,
    "rule-labels-distinct": distinct,
    "alert-severity": partial(explained, ("severity", "priority", "level"), "labels"),
    "alert-summary": partial(explained, ("summary", "description", "message", "title"), "annotations"),
    "alert-guided": guided,
    "alert-unique": partial(unique, "alert"),
    "recording-unique": partial(unique, "record"),
    "promql-windows": wide_windows,
    "promql-known": partial(known_metrics, rules),
    "panel-known": partial(known_metrics, panels),
    "query-known": partial(known_metrics, analyses),
}
