"""Derived facts about Grafana dashboards: panels, queries, variables, data sources, links.

A dashboard is judged as it is written: variables are not resolved, since the reader of the file does not know them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from generator.document import Node
from generator.monitoring import promql
from generator.policy.documents import Document
from generator.policy.found import Derive, Found, elements, text

Trail = tuple[str | int, ...]

_COLUMNS = 24
_DRAWING = frozenset(
    [
        *("timeseries", "stat", "gauge", "bargauge", "heatmap", "histogram", "barchart", "piechart", "table"),
        *("state-timeline", "status-history", "graph", "singlestat", "xychart", "trend", "candlestick"),
    ]
)
"""Panels that show nothing without a query."""

_MEASURING = frozenset(["timeseries", "stat", "gauge", "bargauge", "graph", "singlestat"])
"""Panels that show a number, and so its unit."""

_BUILT_IN = frozenset(
    ["-- grafana --", "-- mixed --", "-- dashboard --", "grafana", "mixed", "__expr__", "-- default --"]
)
_VARIABLE = re.compile(r"\$\{(\w+)(?:\.[\w.]+)?(?::[\w\s-]*)?\}|\$(\w+)|\[\[(\w+)(?::\w+)?\]\]")
_RATE = re.compile(r"\b(i?rate)\s*\((?:[^()\[\]]|\([^()]*\))*?\[\s*([^\]:]+?)\s*\]")
_EXACT = re.compile(r"(\w+)\s*(=|!=)\s*[\"'](?:\$(\w+)|\$\{(\w+)\}|\[\[(\w+)\]\])[\"']")
_DASHBOARD = re.compile(r"^/?d/([A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class _Place:
    """A node of a dashboard, and the way to it."""

    document: Document
    trail: Trail
    node: Node

    def found(self, verdict: bool, shown: str, node: Node | None = None) -> Found:
        at = node or self.node
        return Found(verdict, shown, at.key_at or at.at if node is not None else at.at, self.document, self.trail)

    @property
    def title(self) -> str:
        """What a reader calls it."""
        return text(self.node.get("title")) or f"panel {text(self.node.get('id')) or 'without a title'}"


def _dashboards(documents: Sequence[Document]) -> Iterator[Document]:
    return (document for document in documents if document.format == "grafana")


def _panels(documents: Sequence[Document]) -> Iterator[_Place]:
    """Every panel but rows, those inside rows included."""
    for document in _dashboards(documents):
        for index, panel in enumerate(elements(document.root, "panels")):
            if text(panel.get("type")) != "row":
                yield _Place(document, ("panels", index), panel)
            for inner, below in enumerate(elements(panel, "panels")):
                yield _Place(document, ("panels", index, "panels", inner), below)


def _drawn(documents: Sequence[Document]) -> Iterator[_Place]:
    """Panels that are defined here; one of the library says elsewhere what it is."""
    return (place for place in _panels(documents) if place.node.get("libraryPanel") is None)


def _targets(documents: Sequence[Document]) -> Iterator[tuple[_Place, _Place]]:
    """Every query with its panel."""
    for panel in _panels(documents):
        for index, target in enumerate(elements(panel.node, "targets")):
            yield panel, _Place(panel.document, (*panel.trail, "targets", index), target)


def _variables(document: Document) -> Iterator[_Place]:
    for index, variable in enumerate(elements(document.root, "templating", "list")):
        yield _Place(document, ("templating", "list", index), variable)


# data sources


def sources(documents: Sequence[Document]) -> Iterator[Found]:
    """Each data source that is named, once a dashboard, and whether a variable or Grafana itself stands for it."""
    for document in _dashboards(documents):
        seen: set[str] = set()
        for node in document.root.walk():
            named = node.get("datasource")
            uid = named.get("uid") if named is not None and isinstance(named.value, dict) else named
            word = text(uid)
            if word and word not in seen:
                seen.add(word)
                verdict = word.startswith(("$", "[[")) or word.lower() in _BUILT_IN
                yield Found(verdict, word, (uid or node).at, document)


# panels


def kinds(documents: Sequence[Document]) -> Iterator[Found]:
    """Each kind of panel, at its first in a dashboard."""
    seen: set[tuple[str, str]] = set()
    for place in _drawn(documents):
        node = place.node.get("type")
        key = (place.document.identity, text(node))
        if node is not None and key not in seen:
            seen.add(key)
            yield Found(key[1], key[1], node.at, place.document, place.trail)


def units(documents: Sequence[Document]) -> Iterator[Found]:
    """Each panel that shows numbers, and whether anything says what they count; words have no unit."""
    for place in _drawn(documents):
        node = place.node
        if text(node.get("type")) not in _MEASURING or node.get("targets") is None:
            continue
        options = node.get("fieldConfig", "defaults")
        worded = (options is not None and any(True for _ in elements(options, "mappings"))) or text(
            node.get("options", "textMode")
        ) == "name"
        old = text(node.get("format")) or any(text(axis.get("format")) for axis in elements(node, "yaxes"))
        own = text(options.get("unit")) if options is not None else ""
        overridden = any(
            text(item.get("id")) == "unit"
            for override in elements(node, "fieldConfig", "overrides")
            for item in elements(override, "properties")
        )
        if not worded:
            yield place.found(bool(own or old or overridden), place.title)


def queried(documents: Sequence[Document]) -> Iterator[Found]:
    """Each panel that draws data, and whether it asks for any."""
    for place in _drawn(documents):
        if text(place.node.get("type")) in _DRAWING:
            asked = any(_asks(target) for target in elements(place.node, "targets"))
            yield place.found(asked or place.node.get("snapshotData") is not None, place.title)


def _asks(target: Node) -> bool:
    """Whether a query says anything; what other sources than Prometheus are asked is not known."""
    expr = target.get("expr")
    return bool(text(expr).strip()) if expr is not None else len(target.entries()) > 0


def overlapping(documents: Sequence[Document]) -> Iterator[Found]:
    """Each panel, and whether it lies on another one."""
    for document in _dashboards(documents):
        levels: list[tuple[Trail, Node]] = [((), document.root)]
        levels += [(("panels", number), row) for number, row in enumerate(elements(document.root, "panels"))]
        for trail, holder in levels:
            placed: list[tuple[float, float, float, float]] = []
            for index, panel in enumerate(elements(holder, "panels")):
                box = _box(panel)
                if box is None:
                    continue
                place = _Place(document, (*trail, "panels", index), panel)
                yield place.found(not any(_cross(box, other) for other in placed), place.title)
                placed.append(box)


def outside(documents: Sequence[Document]) -> Iterator[Found]:
    """Each panel, and whether it lies within the 24 columns."""
    for place in _panels(documents):
        box = _box(place.node)
        if box is not None:
            yield place.found(box[0] >= 0 and box[2] <= _COLUMNS, place.title)


def _box(panel: Node) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom."""
    numbers = []
    for key in ("x", "y", "w", "h"):
        node = panel.get("gridPos", key)
        if node is None or isinstance(node.value, bool) or not isinstance(node.value, int | float):
            return None
        numbers.append(node.value)
    x, y, w, h = numbers
    return x, y, x + w, y + h


def _cross(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def ordered(documents: Sequence[Document]) -> Iterator[Found]:
    """The steps of each panel's thresholds, and whether they rise from one without a number."""
    for place in _drawn(documents):
        steps = [step.get("value") for step in elements(place.node, "fieldConfig", "defaults", "thresholds", "steps")]
        if not steps:
            continue
        values = [None if step is None else step.value for step in steps]
        numbers = [value for value in values[1:] if isinstance(value, int | float)]
        rising = len(numbers) == len(values) - 1 and all(one < other for one, other in pairwise(numbers))
        shown = ", ".join("base" if value is None else str(value) for value in values)
        yield place.found(values[0] is None and rising, f"{place.title}: {shown}")


# queries


def windows(documents: Sequence[Document]) -> Iterator[Found]:
    """The windows of the rates that are drawn over time, each once a dashboard."""
    seen: set[tuple[str, str]] = set()
    for panel, target in _targets(documents):
        expr = target.node.get("expr")
        if expr is None or text(panel.node.get("type")) not in ("timeseries", "graph") or _is_instant(target.node):
            continue
        for match in _RATE.finditer(text(expr)):
            window = match[2]
            key = (target.document.identity, window)
            if key in seen:
                continue
            seen.add(key)
            yield target.found(window not in _FOLLOWING and not re.match(r"\d", window), window, expr)


_FOLLOWING = frozenset(["$__interval", "${__interval}", "$interval_ms", "[[__interval]]"])
"""As small as a pixel: with a near zoom there is not one reading within it."""


def _is_instant(target: Node) -> bool:
    node = target.get("instant")
    return node is not None and node.value is True


def multiple(documents: Sequence[Document]) -> Iterator[Found]:
    """Each comparison with a variable that may have several values, and whether it is by pattern."""
    for document in _dashboards(documents):
        several = {text(place.node.get("name")) for place in _variables(document) if _is_multiple(place.node)}
        for _, target in _targets([document]):
            expr = target.node.get("expr")
            for match in _EXACT.finditer(text(expr)) if expr is not None else ():
                name = match[3] or match[4] or match[5]
                yield target.found(name not in several, match[0], expr)


def _is_multiple(variable: Node) -> bool:
    return any((node := variable.get(key)) is not None and node.value is True for key in ("multi", "includeAll"))


def numbered(documents: Sequence[Document]) -> Iterator[Found]:
    """The letter of each query, and whether it is the first of its panel."""
    seen: set[tuple[str, Trail, str]] = set()
    for panel, target in _targets(documents):
        node = target.node.get("refId")
        key = (panel.document.identity, panel.trail, text(node))
        if node is not None and key[2]:
            yield Found(key not in seen, key[2], node.at, target.document, target.trail)
            seen.add(key)


def hundredths(documents: Sequence[Document]) -> Iterator[Found]:
    """Each panel of shares that Grafana multiplies by hundred, and whether the query does not."""
    for place in _drawn(documents):
        if text(place.node.get("fieldConfig", "defaults", "unit")) != "percentunit":
            continue
        for target in elements(place.node, "targets"):
            expr = target.get("expr")
            if expr is not None:
                yield place.found(not _HUNDRED.search(text(expr)), place.title, expr)


_HUNDRED = re.compile(r"^\s*100\s*\*|\*\s*100\s*$")


def legends(documents: Sequence[Document]) -> Iterator[Found]:
    """Each label that a legend shows, and whether the query leaves it."""
    for _, target, expr, legend in _expressions(documents):
        left = _labels(expr)
        if left is None:
            continue
        for name in re.findall(r"\{\{\s*(\w+)\s*\}\}", legend):
            if name != "__name__":
                yield target.found(left.may_have(name), name, target.node.get("legendFormat"))


def alike(documents: Sequence[Document]) -> Iterator[Found]:
    """Each fixed legend of a query, and whether the query gives a single series."""
    for panel, target, expr, legend in _expressions(documents):
        if not legend or "{{" in legend or "$" in legend or legend == "__auto":
            continue
        if text(panel.node.get("type")) not in ("timeseries", "graph"):
            continue
        left = _labels(expr)
        if left is not None and left.only is not None:
            open_ = left.only - _chosen(expr)
            yield target.found(not open_, legend, target.node.get("legendFormat"))


def _chosen(expr: str) -> frozenset[str]:
    """Labels that are held to one value, or to what the reader chooses."""
    read = promql.parse(plain(expr))
    if isinstance(read, promql.Problem):
        return frozenset()
    return frozenset(
        matcher.label
        for selector in promql.selectors(read)
        for matcher in selector.matchers
        if matcher.operator == "=" or "$" in matcher.value or "[[" in matcher.value
    )


def _expressions(documents: Sequence[Document]) -> Iterator[tuple[_Place, _Place, str, str]]:
    for panel, target in _targets(documents):
        expr = text(target.node.get("expr"))
        if expr:
            yield panel, target, expr, text(target.node.get("legendFormat"))


def _labels(expr: str) -> promql.Labels | None:
    """Which labels the result of a query can carry, None for what is no PromQL."""
    read = promql.parse(plain(expr))
    return None if isinstance(read, promql.Problem) else promql.labels(read)


def plain(expr: str) -> str:
    """A query with values in place of Grafana's variables, so that it can be read as PromQL.

    Within strings they may stay, where a length of time is expected five minutes are meant, elsewhere a number.
    """
    timed = re.sub(rf"(\[\s*|:\s*(?=[^\]\"]*\])|\boffset\s+){_ONE}", r"\g<1>5m", expr)
    return re.sub(rf"({_STRING})|{_ONE}", lambda match: match[1] or "1", timed)


_ONE = r"(?:\$\{\w+(?::[\w\s-]*)?\}|\$[A-Za-z_]\w*|\[\[\w+(?::\w+)?\]\])"
_STRING = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`"


# variables


def undefined(documents: Sequence[Document]) -> Iterator[Found]:
    """Each variable that a query reads, and whether the dashboard declares it."""
    for document in _dashboards(documents):
        known = {text(place.node.get("name")) for place in _variables(document)}
        known |= {text(item.get("name")) for item in elements(document.root, "__inputs")}
        for _, target in _targets([document]):
            expr = target.node.get("expr")
            for name in _read(text(expr)) if expr is not None else ():
                if not name.startswith("__"):
                    yield target.found(name in known, name, expr)


def _read(expr: str) -> Iterator[str]:
    """The variables of a text; `$1` is a group of a pattern, `$"` its end."""
    for match in _VARIABLE.finditer(expr):
        name = match[1] or match[2] or match[3]
        if not name[0].isdigit():
            yield name


def unread(documents: Sequence[Document]) -> Iterator[Found]:
    """Each variable, and whether anything reads it; ad-hoc filters need not be named."""
    for document in _dashboards(documents):
        places = list(_variables(document))
        texts = {place.trail: " ".join(_texts(place.node)) for place in places}
        rest = " ".join(word for key, node in document.root.items() if key != "templating" for word in _texts(node))
        repeats = {text(panel.get("repeat")) for panel in elements(document.root, "panels")}
        repeats |= {text(place.node.get("repeat")) for place in _panels([document])}
        for place in places:
            name = text(place.node.get("name"))
            if not name or text(place.node.get("type")) in ("adhoc", "groupby", "system"):
                continue
            others = " ".join(value for trail, value in texts.items() if trail != place.trail)
            everything = f"{rest} {others}"
            is_read = name in set(_read(everything)) or f"var-{name}" in everything or name in repeats
            yield place.found(is_read, name, place.node.get("name"))


def _texts(node: Node) -> Iterator[str]:
    return (item.value for item in node.walk() if isinstance(item.value, str))


# links


def links(documents: Sequence[Document]) -> Iterator[Found]:
    """Each link to a dashboard of the same Grafana, and whether that one is in the tree."""
    boards = list(_dashboards(documents))
    known = {text(document.root.get("uid")) for document in boards}
    if len(boards) < 2:
        return  # a single dashboard says nothing of the others
    for document in boards:
        for node in document.root.walk():
            url = node.get("url")
            match = _DASHBOARD.match(text(url))
            if url is not None and match and "$" not in match[0]:
                yield Found(match[1] in known, match[1], url.at, document)


def titles(documents: Sequence[Document]) -> Iterator[Found]:
    """The title of each dashboard, and whether none before it in its folder has the same."""
    seen: set[tuple[str, str]] = set()
    for document in _dashboards(documents):
        node = document.root.get("title")
        key = (posixpath.dirname(document.file), text(node))
        if node is not None and key[1]:
            yield Found(key not in seen, key[1], node.at, document, ("title",))
            seen.add(key)


def identities(documents: Sequence[Document]) -> Iterator[Found]:
    """The identity of each dashboard, and whether none before it has the same; each environment has a Grafana."""
    seen: set[tuple[str, str]] = set()
    for document in _dashboards(documents):
        node = document.root.get("uid")
        key = (document.environment, text(node))
        if node is not None and key[1]:
            yield Found(key not in seen, key[1], node.at, document, ("uid",))
            seen.add(key)


DERIVED: dict[str, Derive] = {
    "grafana-alike": alike,
    "grafana-hundredths": hundredths,
    "grafana-identities": identities,
    "grafana-kinds": kinds,
    "grafana-legends": legends,
    "grafana-links": links,
    "grafana-multiple": multiple,
    "grafana-numbered": numbered,
    "grafana-ordered": ordered,
    "grafana-outside": outside,
    "grafana-overlapping": overlapping,
    "grafana-queried": queried,
    "grafana-sources": sources,
    "grafana-titles": titles,
    "grafana-undefined": undefined,
    "grafana-units": units,
    "grafana-unread": unread,
    "grafana-windows": windows,
}
