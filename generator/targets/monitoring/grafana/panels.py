"""Panels and how they lie: a measure becomes a panel, its alerts become the panel's thresholds.

The grid has 24 columns. Panels of a section flow in lines that are always filled, so that no dashboard has holes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from generator.artifact import Because, because
from generator.monitoring import shown
from generator.monitoring.alert import Alert, Measure, Query

Json: TypeAlias = dict[str, Any]

COLUMNS = 24
"""https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/#panel-size-and-position"""

SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
_STAT_HEIGHT, _GRAPH_HEIGHT = 4, 8
_MOST_STATS = 6
_COLOURS = {"page": "red", "ticket": "orange", "info": "yellow"}
_FINE = "green"
FIRING, BUDGET = "firing", "budget_"
"""How keys of measures begin whose colours no alert decides: how many alerts fire, what is left of a budget."""

_JUST_ABOVE = 1e-9
"""A step begins at its number, an alert on `> 0` fires above it, one on `== 0` at it alone."""

_COMPARED = re.compile(r"\s(>=|<=|==|!=|>|<)\s")
"""The first comparison of an alert's expression; those of selectors have no space before them."""


@dataclass(frozen=True, slots=True)
class Section:
    """A row of a dashboard: its graphs, opened or folded up."""

    title: str
    measures: tuple[Measure, ...]
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A runbook of an alert, shown at the panel of its measure."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Watch:
    """What panels know beside their measure: the alerts, and where their runbooks are read."""

    alerts: tuple[Alert, ...] = ()
    runbooks: tuple[tuple[str, str, str], ...] = ()
    """(subject, alert, address)"""

    def on(self, measure: Measure) -> tuple[Alert, ...]:
        """The alerts with a threshold on a measure."""
        return tuple(
            alert
            for alert in self.alerts
            if (alert.subject, alert.measure) == (measure.subject, measure.key) and alert.threshold is not None
        )

    def links(self, measure: Measure) -> Iterator[Link]:
        """The runbooks of those alerts."""
        mine = {alert.name for alert in self.on(measure)}
        for subject, alert, address in self.runbooks:
            if subject == measure.subject and alert in mine:
                yield Link(f"Runbook: {alert}", address)


def laid_out(stats: Sequence[Measure], sections: Iterable[Section], watch: Watch) -> list[Json]:
    """All panels of a dashboard with their places and numbers: single numbers on top, then a row a section."""
    panels: list[Json] = []
    y = 0
    for line in _lines([stat(measure, watch) for measure in stats], _MOST_STATS):
        y = _placed(line, y, _STAT_HEIGHT)
        panels += line
    for section in sections:
        if not section.measures:
            continue
        row = _row(section, y)
        y += 1
        graphs = [graph(measure, watch) for measure in section.measures]
        for line in _lines(graphs, 2 if len(graphs) in (2, 4) else 3):
            y = _placed(line, y, _GRAPH_HEIGHT)
        panels.append(row)
        if section.folded:
            # what is folded takes no room: the next row follows at once, and moves down when it is opened
            row["panels"] = graphs
            y = row["gridPos"]["y"] + 1
        else:
            panels += graphs
    for number, panel in enumerate(_every(panels), 1):
        panel["id"] = number
    return panels


def stat(measure: Measure, watch: Watch) -> Json:
    """The last value as one large number, coloured by the alerts."""
    made = _panel("stat", measure, watch, instant=True)
    made["fieldConfig"]["defaults"]["noValue"] = "no data"
    made["options"] = {
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": "value" if len(measure.queries) == 1 else "value_and_name",
    }
    return made


def graph(measure: Measure, watch: Watch) -> Json:
    """The measure over time, the thresholds as dashed lines."""
    made = _panel("timeseries", measure, watch, instant=False)
    mode = "dashed" if watch.on(measure) else "off"
    made["fieldConfig"]["defaults"]["custom"] = {
        "drawStyle": "line",
        "fillOpacity": 10,
        "lineWidth": 1,
        "showPoints": "never",
        "spanNulls": False,
        "thresholdsStyle": {"mode": mode},
    }
    made["fieldConfig"]["defaults"]["color"] = {"mode": "palette-classic"}
    made["options"] = {
        "legend": {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return made


def _panel(kind: str, measure: Measure, watch: Watch, *, instant: bool) -> Json:
    defaults: Json = {
        "unit": measure.unit,
        "color": {"mode": "thresholds"},
        "thresholds": {"mode": "absolute", "steps": told(_colours(measure, watch), *_causes(measure, watch))},
    }
    if measure.unit not in _MAY_BE_CLOSE:
        defaults["min"] = 0
    return {
        "type": kind,
        "title": told(measure.title, *measure.causes),
        "description": told(_description(measure, watch), *measure.causes),
        "datasource": SOURCE,
        "gridPos": {},
        "links": [{"title": link.title, "url": link.url, "targetBlank": True} for link in watch.links(measure)],
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [
            _target(query, ref, measure, instant) for query, ref in zip(measure.queries, _refs(), strict=False)
        ],
    }


def _colours(measure: Measure, watch: Watch) -> list[Json]:
    if measure.key.startswith(FIRING):
        return [{"color": _FINE, "value": None}, {"color": "red", "value": 1}]
    if measure.key.startswith(BUDGET):
        return [{"color": "red", "value": None}, {"color": _FINE, "value": 0}]
    return steps(watch.on(measure))


_MAY_BE_CLOSE = frozenset(["percent", "dateTimeAsIso", "none"])
"""Units whose values may lie close together far from nought, so that the axis need not begin there."""


def _target(query: Query, ref: str, measure: Measure, instant: bool) -> Json:
    return {
        "refId": ref,
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": told(query.expr, *measure.causes),
        "legendFormat": told(query.legend, *measure.causes),
        "instant": instant,
        "range": not instant,
        **({"exemplar": True} if measure.unit == "s" and not instant else {}),
    }


def _refs() -> Iterator[str]:
    """A, B … Z, AA, AB …"""
    letters = [chr(code) for code in range(ord("A"), ord("Z") + 1)]
    yield from letters
    yield from (first + second for first in letters for second in letters)


def _description(measure: Measure, watch: Watch) -> str:
    """What is seen, and what happens beyond which number."""
    parts = [measure.description.rstrip(". ") + "."]
    for alert in watch.on(measure):
        parts.append(f"{alert.name} ({alert.severity}) fires after {alert.for_} {compared(alert)}.")
    return " ".join(dict.fromkeys(parts))


def compared(alert: Alert) -> str:
    """`above 90%`, in the unit of what it looks at."""
    value = alert.threshold or 0.0
    amount = shown.said(alert.unit, value) if alert.unit in shown.FORMS else shown.number(value)
    return f"{_WORDS[operator(alert)]} {amount}"


_WORDS = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below", "==": "at", "!=": "away from"}


def operator(alert: Alert) -> str:
    """How the alert compares."""
    match = _COMPARED.search(alert.expr)
    return match[1] if match else ">"


def steps(alerts: Iterable[Alert]) -> list[Json]:
    """The colours by value: each alert's number is where its colour begins, or ends for an alert on too little."""
    above: dict[float, str] = {}
    below: dict[float, str] = {}
    for alert in alerts:
        if alert.threshold is None or operator(alert) == "!=":
            continue
        colour = _COLOURS.get(alert.severity, "yellow")
        if operator(alert) in (">", ">="):
            at = alert.threshold or (_JUST_ABOVE if operator(alert) == ">" else 0.0)
            above[at] = _worse(above.get(at), colour)
        else:
            at = alert.threshold + (_JUST_ABOVE if operator(alert) == "==" else 0)
            below[at] = _worse(below.get(at), colour)
    if below:
        # too little and too much on one panel do not occur together; the first is the one that is drawn
        limits = sorted(below)
        colours = [*(below[limit] for limit in limits), _FINE]
        return [{"color": colours[0], "value": None}] + [
            {"color": colour, "value": limit} for colour, limit in zip(colours[1:], limits, strict=True)
        ]
    return [{"color": _FINE, "value": None}] + [{"color": above[limit], "value": limit} for limit in sorted(above)]


def _worse(one: str | None, other: str) -> str:
    order = list(_COLOURS.values())
    return other if one is None else min(one, other, key=order.index)


def _causes(measure: Measure, watch: Watch) -> tuple[str, ...]:
    causes = [cause for alert in watch.on(measure) for cause in alert.causes]
    return tuple(dict.fromkeys([*causes, *measure.causes]))


def told(value: Any, *causes: str) -> Any:
    """A value whose every leaf is tied to the spec paths it came from."""
    if isinstance(value, Because) or not causes:
        return value
    if isinstance(value, dict):
        return {key: told(item, *causes) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [told(item, *causes) for item in value]
    return because(value, *causes)


def _row(section: Section, y: int) -> Json:
    return {
        "type": "row",
        "title": section.title,
        "collapsed": section.folded,
        "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": y},
        "panels": [],
    }


def _lines(panels: list[Json], most: int) -> Iterator[list[Json]]:
    """At most so many panels a line, lines of about equal length."""
    count = -(-len(panels) // most)
    for number in range(count):
        yield panels[number * len(panels) // count : (number + 1) * len(panels) // count]


def _placed(line: list[Json], y: int, height: int) -> int:
    """Give each panel of a line its place; answers where the next line begins."""
    edges = [number * COLUMNS // len(line) for number in range(len(line) + 1)]
    for panel, x, end in zip(line, edges, edges[1:], strict=False):
        panel["gridPos"] = {"h": height, "w": end - x, "x": x, "y": y}
    return y + height


def _every(panels: Iterable[Json]) -> Iterator[Json]:
    """Panels in reading order, those of folded rows included."""
    for panel in panels:
        yield panel
        yield from panel.get("panels", ())
