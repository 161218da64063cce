"""One dashboard: variables, links, annotations, and the panels in their places.

A dashboard serves every environment: the data source and the environment are chosen on top, the namespace follows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from generator.artifact import because
from generator.model import Spec
from generator.monitoring.addresses import dashboard_uid
from generator.monitoring.alert import Measure
from generator.targets.monitoring.grafana import sources
from generator.targets.monitoring.grafana.panels import SOURCE, Json, Section, Watch, laid_out

SCHEMA_VERSION = 42
"""The newest of the classic model: `defaultDashboard` of @grafana/schema 13.2.3, LATEST_VERSION of
https://github.com/grafana/grafana/blob/main/apps/dashboard/pkg/migration/schemaversion/migrations.go"""


@dataclass(frozen=True, slots=True)
class Board:
    """What a dashboard is about: `name` is in its file's name and identity, `services` are those it can be narrowed to,
    one for the dashboard of a service."""

    name: str
    title: str
    description: str
    origin: str
    services: tuple[str, ...] = ()
    service: str = ""


def dashboard(
    spec: Spec,
    environments: Sequence[str],
    board: Board,
    stats: Sequence[Measure],
    sections: Iterable[Section],
    watch: Watch,
) -> Json:
    """The whole model; https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/"""
    made: Json = {
        "uid": because(dashboard_uid(spec.app, board.name), board.origin, "app"),
        "title": because(board.title, board.origin, "app"),
        "description": because(board.description, board.origin),
        "tags": [because(spec.app, "app"), because("groundplan", "app"), *_tags(board)],
        "annotations": {"list": _annotations(spec, board)},
        "editable": False,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "links": [],
        "panels": laid_out(stats, sections, watch),
        "refresh": "1m",
        "schemaVersion": SCHEMA_VERSION,
        "templating": {"list": []},
        "time": {"from": "now-6h", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "version": 1,
        "weekStart": "",
    }
    made["links"] = _links(spec, board)
    made["templating"]["list"] = _needed(_variables(spec, environments, board), made)
    return made


def _tags(board: Board) -> list[Any]:
    return [because("service" if board.service else board.name, board.origin)]


# variables


def _variables(spec: Spec, environments: Sequence[str], board: Board) -> list[Json]:
    store = spec.monitoring
    made = [
        _source(spec, "datasource", sources.METRICS, "prometheus", "monitoring.metrics"),
        _source(spec, "logs", sources.LOGS, store.logs.store, "monitoring.logs.store"),
        _source(spec, "traces", sources.TRACES, store.traces.store, "monitoring.traces.store"),
        _choice("environment", "Environment", list(environments) or [""], spec.environment.name, "environments"),
        _namespace(spec),
    ]
    if board.service:
        made.append(_constant("service", board.service, board.origin))
    elif board.services:
        choice = _choice("service", "Service", list(board.services), "$__all", "services")
        every = {"selected": True, "text": "All", "value": "$__all"}
        made.append({**choice, "multi": True, "includeAll": True, "current": every})
    return made


def _needed(variables: list[Json], made: Json) -> list[Json]:
    """Those that are read by a panel, a link, an annotation or another variable."""
    rest = repr({key: value for key, value in made.items() if key != "templating"})
    kept: list[Json] = []
    for variable in reversed(variables):
        name = variable["name"]
        if f"${name}" in rest or f"${{{name}" in rest:
            kept.insert(0, variable)
            rest += repr(variable)
    return kept


def _source(spec: Spec, name: str, what: str, kind: str, cause: str) -> Json:
    """The product's own data sources of a kind; a panel names none, so that it can be moved.

    Where each environment has a Prometheus of its own, the name ends in the environment, which so chooses it.
    """
    tail = "( ${environment})?" if what == sources.METRICS else ""
    return {
        "name": name,
        "label": what.capitalize(),
        "type": "datasource",
        "query": because(kind, cause),
        "hide": 0 if what == sources.METRICS else 2,
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": 1,
        "regex": because(f"/^{sources.title(spec, what).value}{tail}$/", "app", cause),
        "skipUrlSync": False,
    }


def _choice(name: str, label: str, values: list[str], chosen: str, cause: str) -> Json:
    return {
        "name": name,
        "label": label,
        "type": "custom",
        "query": because(",".join(values), cause),
        "current": {"selected": True, "text": because(chosen, cause), "value": because(chosen, cause)},
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [
            {
                "selected": value == chosen,
                "text": because(value, f"{cause}.{value}"),
                "value": because(value, f"{cause}.{value}"),
            }
            for value in values
        ],
        "skipUrlSync": False,
    }


def _constant(name: str, value: str, cause: str) -> Json:
    return {
        "name": name,
        "type": "constant",
        "query": because(value, cause),
        "current": {"selected": True, "text": because(value, cause), "value": because(value, cause)},
        "hide": 2,
        "options": [{"selected": True, "text": because(value, cause), "value": because(value, cause)}],
        "skipUrlSync": True,
    }


def _namespace(spec: Spec) -> Json:
    """The namespace of the environment that is chosen.

    Grafana works out no text from another variable; Prometheus does, and asks no metric for it.
    """
    joined = f"{spec.app}-$environment" if spec.environment.name else spec.app
    expr = f'label_replace(vector(1), "namespace", "{joined}", "", "")'
    query = {"qryType": 3, "query": f"query_result({expr})", "refId": "PrometheusVariableQueryEditor-VariableQuery"}
    return {
        "name": "namespace",
        "label": "Namespace",
        "type": "query",
        "datasource": SOURCE,
        "query": {**query, "query": because(query["query"], "app")},
        "hide": 2,
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": 2,
        "regex": '/namespace="([^"]+)"/',
        "skipUrlSync": True,
        "sort": 0,
    }


# annotations


def _annotations(spec: Spec, board: Board) -> list[Json]:
    made: list[Json] = [
        {
            "builtIn": 1,
            "datasource": {"type": "grafana", "uid": "-- Grafana --"},
            "enable": True,
            "hide": True,
            "iconColor": "rgba(0, 211, 255, 1)",
            "name": "Annotations & Alerts",
            "type": "dashboard",
        },
        _asked("Alerts", "red", _alerts(board), "{{alertname}}", "severity"),
    ]
    if spec.platform.compute == "kubernetes":
        made.append(_asked("Deployments", "blue", _rolled_out(board), "{{replicaset}}", "replicaset"))
    else:
        made.append(_posted(spec, board))
    return made


def _alerts(board: Board) -> str:
    of = f'service="{board.service}"' if board.service else 'alertname!="Watchdog"'
    return f'ALERTS{{alertstate="firing",environment="$environment",{of}}}'


def _rolled_out(board: Board) -> str:
    """Sets of replicas that have pods and had none a minute ago: each roll-out, and each way back."""
    of = f'replicaset=~"{board.service}-[a-z0-9]+"' if board.service else 'replicaset!=""'
    metric = f'kube_replicaset_spec_replicas{{namespace="$namespace",{of}}}'
    return f"max by (replicaset) ({metric}) > 0\nunless max by (replicaset) ({metric} offset 1m) > 0"


def _asked(name: str, colour: str, expr: str, title: str, tags: str) -> Json:
    """Every reading is a mark, so the query answers only while something happens; a minute apart is enough."""
    return {
        "datasource": SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "name": name,
        "target": {"expr": expr, "interval": "60s", "refId": name},
        "titleFormat": title,
        "tagKeys": tags,
        "useValueForTime": False,
    }


def _posted(spec: Spec, board: Board) -> Json:
    """What a pipeline posts to Grafana; https://grafana.com/docs/grafana/latest/developers/http_api/annotations/"""
    tags = ["deploy", spec.app, "$environment", *([board.service] if board.service else [])]
    return {
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": True,
        "hide": False,
        "iconColor": "blue",
        "name": "Deployments",
        "target": {"limit": 100, "matchAny": False, "tags": tags, "type": "tags"},
    }


# links


def _links(spec: Spec, board: Board) -> list[Json]:
    made = [_others(spec)]
    if board.service:
        runbooks = (spec.monitoring.runbooks or "").rstrip("/")
        if runbooks.startswith("https://"):  # a folder of the repository is no address
            made.append(_link("Runbook", "doc", f"{runbooks}/{board.service}.md", "monitoring.runbooks"))
        made.append(_link("Logs", "bolt", explored("logs", sources.logs_query(spec)), "monitoring.logs"))
        made.append(_link("Traces", "bolt", explored("traces", sources.traces_query(spec)), "monitoring.traces"))
    return made


def _others(spec: Spec) -> Json:
    """The product's other dashboards, at the same time and environment."""
    return {
        "title": because(spec.app, "app"),
        "type": "dashboards",
        "tags": [because(spec.app, "app"), "groundplan"],
        "asDropdown": True,
        "icon": "external link",
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "tooltip": "",
        "url": "",
    }


def _link(title: str, icon: str, url: str, cause: str) -> Json:
    return {
        "title": title,
        "type": "link",
        "url": because(url, cause),
        "icon": icon,
        "tooltip": because(f"{title} of this service", cause),
        "tags": [],
        "asDropdown": False,
        "includeVars": False,
        "keepTime": False,
        "targetBlank": True,
    }


def explored(source: str, query: Json) -> str:
    """The address of a query in Explore, at the time that is looked at.

    https://grafana.com/docs/grafana/latest/explore/get-started-with-explore/#generate-explore-urls-from-external-tools
    """
    uid = f"${{{source}}}"
    asked = {"refId": "A", "datasource": {"type": query["type"], "uid": uid}, **query["query"]}
    pane = {"datasource": uid, "queries": [asked], "range": {"from": "${__from}", "to": "${__to}"}}
    text = quote(json.dumps({"a": pane}, separators=(",", ":")), safe="")
    for name in (source, "__from", "__to", "environment", "namespace", "service"):
        text = text.replace(quote(f"${{{name}}}", safe=""), f"${{{name}}}")
    return f"/explore?schemaVersion=1&panes={text}"
