"""The store's own files: how long Elasticsearch keeps what, under which mapping; Loki's limits; Kibana's objects."""

from __future__ import annotations

import json
from typing import Any

from generator.artifact import because
from generator.model import Product, Spec
from generator.quantity import milliseconds
from generator.targets.monitoring.logs.names import audit_policy, audit_stream, identity, policy, stream

_POD_FIELDS = ("namespace_name", "pod_name", "container_name", "pod_id", "host", "container_image")


def lifecycle(keep: str, cause: str) -> dict[str, Any]:
    """A policy that deletes an index `keep` after it stopped growing: nothing is deleted earlier than `keep`.

    The age counts from the rollover, so the oldest line of an index lives a rollover longer.
    https://www.elastic.co/docs/manage-data/lifecycle/index-lifecycle-management/index-lifecycle
    """
    rollover = {"max_age": rollover_age(keep), "max_primary_shard_size": "50gb"}
    return {
        "policy": {
            "_meta": {"managed_by": "groundplan"},
            "phases": {
                "hot": {"min_age": "0ms", "actions": {"rollover": because(rollover, cause)}},
                "delete": {"min_age": because(keep, cause), "actions": {"delete": {}}},
            },
        }
    }


def rollover_age(keep: str) -> str:
    """A thirtieth of the time, a day at most and an hour at least: what retention is late by."""
    hours = milliseconds(keep) // 30 // 3_600_000
    return "1d" if hours >= 24 else f"{max(hours, 1)}h"


def settings(spec: Spec, name: str, cause: str) -> dict[str, Any]:
    """The component template that ties a stream to its policy and bounds its mapping."""
    copies = because(0 if spec.environment.development else 1, spec.environment.path)
    index = {
        "lifecycle": {"name": because(name, cause)},
        "number_of_shards": 1,
        "number_of_replicas": copies,
        "refresh_interval": "5s",
        "codec": "best_compression",
        "query": {"default_field": ["message"]},
        "mapping": {"ignore_malformed": True, "total_fields": {"limit": 1000, "ignore_dynamic_beyond_limit": True}},
    }
    return {"template": {"settings": {"index": index}}, "_meta": {"managed_by": "groundplan"}}


def mappings() -> dict[str, Any]:
    """Fields that queries rely on have their type; texts of the service's own are exact words, cut at 1,024."""
    word = {"type": "keyword", "ignore_above": 1024}
    return {
        "template": {
            "mappings": {
                "date_detection": False,
                "dynamic_templates": [{"words": {"match_mapping_type": "string", "mapping": word}}],
                "properties": {
                    "@timestamp": {"type": "date"},
                    "message": {"type": "match_only_text"},
                    "level": word,
                    "log_type": word,
                    "stream": word,
                    "environment": word,
                    "trace_id": word,
                    "span_id": word,
                    "data": {"type": "flattened", "ignore_above": 1024},
                    "service": {"properties": dict.fromkeys(("name", "namespace", "version"), word)},
                    "kubernetes": {"properties": dict.fromkeys(_POD_FIELDS, word)},
                },
            }
        },
        "_meta": {"managed_by": "groundplan"},
    }


def index_template(pattern: str, components: list[str], cause: str) -> dict[str, Any]:
    """Above the 100 of Elasticsearch's own `logs-*-*`."""
    return {
        "index_patterns": [because(pattern, cause)],
        "data_stream": {},
        "priority": 500,
        "composed_of": [because(name, cause) for name in components],
        "_meta": {"managed_by": "groundplan"},
    }


def elasticsearch(spec: Spec) -> dict[str, Any]:
    """Every file of an environment by its path below `elasticsearch/`; its name is the object's name."""
    logs, audit = policy(spec), audit_policy(spec)
    keep, audit_keep = spec.monitoring.logs.at("keep"), spec.monitoring.logs.at("audit_keep")
    shared = f"{logs}-mappings"
    return {
        f"ilm-policies/{logs}.json": lifecycle(spec.monitoring.logs.keep, keep),
        f"ilm-policies/{audit}.json": lifecycle(spec.monitoring.logs.audit_keep, audit_keep),
        f"component-templates/{shared}.json": mappings(),
        f"component-templates/{logs}-settings.json": settings(spec, logs, keep),
        f"component-templates/{audit}-settings.json": settings(spec, audit, audit_keep),
        f"index-templates/{logs}.json": index_template(stream(spec), [shared, f"{logs}-settings"], keep),
        f"index-templates/{audit}.json": index_template(audit_stream(spec), [shared, f"{audit}-settings"], audit_keep),
    }


def loki_limits(product: Product) -> dict[str, Any]:
    """How long each environment's streams are kept, and which attributes of a resource are labels."""
    streams: list[Any] = []
    for spec in product.environments.values():
        logs = spec.monitoring.logs
        selector = f'{{service_namespace="{spec.namespace}"}}'
        audit = f'{{service_namespace="{spec.namespace}", log_type="audit"}}'
        streams.append(because({"selector": selector, "priority": 1, "period": hours(logs.keep)}, logs.at("keep")))
        held = {"selector": audit, "priority": 2, "period": hours(logs.audit_keep)}
        streams.append(because(held, logs.at("audit_keep")))
    labels = ["service.name", "service.namespace", "deployment.environment.name", "log.type"]
    base = product.base.monitoring.logs
    return {
        "allow_structured_metadata": True,
        "otlp_config": {
            "resource_attributes": {
                "ignore_defaults": True,
                "attributes_config": [{"action": "index_label", "attributes": labels}],
            }
        },
        "retention_period": because(hours(base.keep), base.at("keep")),
        "retention_stream": streams,
        "reject_old_samples": True,
        "reject_old_samples_max_age": "168h",
    }


def hours(keep: str) -> str:
    """Loki deletes by the day: never less than the 24 hours it asks for."""
    return f"{max(-(-milliseconds(keep) // 3_600_000), 24)}h"


def kibana(product: Product) -> list[Any]:
    """A data view, the search `critical-errors` and a dashboard, with ids that stay."""
    app = product.base.app
    view, search, board = (identity(app, name) for name in ("data-view", "critical-errors", "dashboard"))
    return [
        because(made, "app")
        for made in (_view(app, view), _search(app, search, view), _board(app, board, search, view))
    ]


def _saved(kind: str, uid: str, version: str, attributes: dict[str, Any], references: list[Any]) -> dict[str, Any]:
    return {
        "id": uid,
        "type": kind,
        "attributes": attributes,
        "references": references,
        "coreMigrationVersion": "8.8.0",
        "typeMigrationVersion": version,
        "managed": False,
    }


def _reference(name: str, kind: str, uid: str) -> dict[str, str]:
    return {"id": uid, "name": name, "type": kind}


_SOURCE = "kibanaSavedObjectMeta.searchSourceJSON.index"
_CRITICAL = "level : (error or fatal or critical or emergency or alert)"


def _view(app: str, uid: str) -> dict[str, Any]:
    attributes = {
        "title": f"logs-{app}-*,logs-{app}.audit-*",
        "name": f"{app} logs",
        "timeFieldName": "@timestamp",
        "fields": "[]",
        "fieldAttrs": "{}",
        "fieldFormatMap": "{}",
        "runtimeFieldMap": "{}",
        "typeMeta": "{}",
    }
    return _saved("index-pattern", uid, "7.11.0", attributes, [])


def _search(app: str, uid: str, view: str) -> dict[str, Any]:
    source = {"query": {"query": _CRITICAL, "language": "kuery"}, "filter": [], "indexRefName": _SOURCE}
    attributes = {
        "title": f"critical-errors ({app})",
        "description": "Lines at level error and above, newest first; trace_id leads to the trace.",
        "columns": ["environment", "service.name", "level", "message", "trace_id"],
        "sort": [["@timestamp", "desc"]],
        "kibanaSavedObjectMeta": {"searchSourceJSON": _packed(source)},
    }
    return _saved("search", uid, "7.9.3", attributes, [_reference(_SOURCE, "index-pattern", view)])


def _board(app: str, uid: str, search: str, view: str) -> dict[str, Any]:
    panels = [
        _lens("lines", "Lines by service", "service.name", "", view, (0, 0, 24, 12)),
        _lens("errors", "Errors by service", "service.name", _CRITICAL, view, (24, 0, 24, 12)),
        _lens("levels", "Lines by level", "level", "", view, (0, 12, 48, 10)),
        {
            "type": "search",
            "gridData": {"x": 0, "y": 22, "w": 48, "h": 20, "i": "critical"},
            "panelIndex": "critical",
            "embeddableConfig": {"enhancements": {}},
            "panelRefName": "panel_critical",
            "title": "critical-errors",
        },
    ]
    attributes = {
        "title": f"{app} logs",
        "description": "How much is logged, how much of it is an error, and the errors themselves.",
        "panelsJSON": _packed(panels),
        "optionsJSON": _packed({"useMargins": True, "syncColors": True, "syncCursor": True, "hidePanelTitles": False}),
        "timeRestore": True,
        "timeFrom": "now-24h",
        "timeTo": "now",
        "refreshInterval": {"pause": True, "value": 60000},
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": _packed({"query": {"query": "", "language": "kuery"}, "filter": []})
        },
        "version": 1,
    }
    layers = [_reference(f"{name}:{_layer(name)}", "index-pattern", view) for name in ("lines", "errors", "levels")]
    return _saved(
        "dashboard", uid, "8.7.0", attributes, [*layers, _reference("critical:panel_critical", "search", search)]
    )


def _layer(name: str) -> str:
    return f"indexpattern-datasource-layer-{name}-layer"


def _lens(name: str, title: str, split: str, query: str, view: str, grid: tuple[int, int, int, int]) -> dict[str, Any]:
    """A stacked count over time, one colour a value of `split`."""
    layer = f"{name}-layer"
    columns = {
        "time": {
            **{"label": "@timestamp", "dataType": "date", "operationType": "date_histogram", "isBucketed": True},
            **{"sourceField": "@timestamp", "scale": "interval", "params": {"interval": "auto", "dropPartials": False}},
        },
        "split": {
            **{"label": split, "dataType": "string", "operationType": "terms", "isBucketed": True, "scale": "ordinal"},
            "sourceField": split,
            "params": {
                "size": 10,
                "orderBy": {"type": "column", "columnId": "count"},
                "orderDirection": "desc",
                "otherBucket": True,
                "missingBucket": False,
            },
        },
        "count": {
            **{"label": "Lines", "dataType": "number", "operationType": "count", "isBucketed": False},
            **{"sourceField": "___records___", "scale": "ratio", "params": {"emptyAsNull": True}},
        },
    }
    shown = {
        **{"layerId": layer, "layerType": "data", "seriesType": "bar_stacked"},
        **{"xAccessor": "time", "splitAccessor": "split", "accessors": ["count"]},
    }
    state = {
        "visualization": {
            "legend": {"isVisible": True, "position": "right"},
            "valueLabels": "hide",
            "preferredSeriesType": "bar_stacked",
            "layers": [shown],
        },
        "query": {"query": query, "language": "kuery"},
        "filters": [],
        "datasourceStates": {
            "formBased": {
                "layers": {
                    layer: {"columns": columns, "columnOrder": ["split", "time", "count"], "incompleteColumns": {}}
                }
            }
        },
        "internalReferences": [],
        "adHocDataViews": {},
    }
    attributes = {
        "title": title,
        "visualizationType": "lnsXY",
        "type": "lens",
        "references": [_reference(_layer(name), "index-pattern", view)],
        "state": state,
    }
    x, y, w, h = grid
    return {
        "type": "lens",
        "gridData": {"x": x, "y": y, "w": w, "h": h, "i": name},
        "panelIndex": name,
        "embeddableConfig": {"attributes": attributes, "enhancements": {}},
        "title": title,
    }


def _packed(value: Any) -> str:
    """Kibana keeps parts of an object as JSON inside a string."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
