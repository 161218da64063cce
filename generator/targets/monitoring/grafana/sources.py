"""What Grafana reads from: the stores of metrics, alerts, logs and traces, as files of provisioning and as objects.

A secret stands in neither. Grafana replaces `$NAME` in these files itself, so what is meant for it at run time is
written with two dollar signs: https://grafana.com/docs/grafana/latest/administration/provisioning/#using-environment-variables
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from generator.artifact import because
from generator.model import Spec
from generator.targets.monitoring.grafana.panels import Json

METRICS, ALERTS, LOGS, TRACES = "prometheus", "alertmanager", "logs", "traces"
"""The identities by which sources name each other."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where the stores are reached from Grafana."""

    metrics: str
    alerts: str
    logs: str
    traces: str


def beside(spec: Spec) -> Hosts:
    """The names of the stack for a laptop, and of a Grafana in one network with the stores."""
    return Hosts(
        metrics="http://prometheus:9090",
        alerts="http://alertmanager:9093",
        logs=f"http://{_LOGS[spec.monitoring.logs.store]}",
        traces=f"http://{_TRACES[spec.monitoring.traces.store]}",
    )


def within(spec: Spec) -> Hosts:
    """The Services of a cluster; the operator of Prometheus names its own."""
    place = f"{spec.namespace}.svc"

    def named(address: str) -> str:
        host, port = address.split(":")
        return f"http://{host}.{place}:{port}"

    return Hosts(
        metrics=named("prometheus-operated:9090"),
        alerts=named("alertmanager-operated:9093"),
        logs=named(_LOGS[spec.monitoring.logs.store]),
        traces=named(_TRACES[spec.monitoring.traces.store]),
    )


_LOGS = {"elasticsearch": "elasticsearch:9200", "loki": "loki:3100"}
_TRACES = {"jaeger": "jaeger:16686", "tempo": "tempo:3200"}


def sources(spec: Spec, hosts: Hosts, *, dollar: str) -> Iterator[Json]:
    """The four sources; `dollar` is how a `$` is written that Grafana must not replace."""
    yield {
        "name": "Prometheus",
        "uid": METRICS,
        "type": "prometheus",
        "access": "proxy",
        "url": because(hosts.metrics, "monitoring.metrics"),
        "isDefault": True,
        "editable": False,
        "jsonData": {
            "httpMethod": "POST",
            # the smallest window of $__rate_interval is four of these
            "timeInterval": because(spec.monitoring.metrics.interval, "monitoring.metrics.interval"),
            "exemplarTraceIdDestinations": [{"name": "trace_id", "datasourceUid": TRACES}],
            "manageAlerts": True,
            "alertmanagerUid": ALERTS,
        },
    }
    yield {
        "name": "Alertmanager",
        "uid": ALERTS,
        "type": "alertmanager",
        "access": "proxy",
        "url": because(hosts.alerts, "notify"),
        "editable": False,
        "jsonData": {"implementation": "prometheus", "handleGrafanaManagedAlerts": False},
    }
    yield _logs(spec, hosts, dollar)
    yield _traces(spec, hosts, dollar)


def _logs(spec: Spec, hosts: Hosts, dollar: str) -> Json:
    cause = "monitoring.logs.store"
    made = {"uid": LOGS, "access": "proxy", "url": because(hosts.logs, cause), "editable": False}
    trace = {"datasourceUid": TRACES, "url": f"{dollar}{{__value.raw}}"}
    if spec.monitoring.logs.store == "loki":
        field = {"name": "trace", "matcherType": "label", "matcherRegex": "trace_id", "urlDisplayLabel": "Trace"}
        return {
            "name": because("Loki", cause),
            "type": because("loki", cause),
            **made,
            "jsonData": {"derivedFields": [{**field, **trace}], "maxLines": 1000},
        }
    return {
        "name": because("Elasticsearch", cause),
        "type": because("elasticsearch", cause),
        **made,
        "jsonData": {
            "index": because(f"logs-{spec.app}*", "app", cause),
            "timeField": "@timestamp",
            "logMessageField": "message",
            "logLevelField": "log.level",
            "maxConcurrentShardRequests": 5,
            "dataLinks": [{"field": "trace.id", "urlDisplayLabel": "Trace", **trace}],
        },
    }


def _traces(spec: Spec, hosts: Hosts, dollar: str) -> Json:
    cause = "monitoring.traces.store"
    kind = spec.monitoring.traces.store
    return {
        "name": because(kind.capitalize(), cause),
        "uid": TRACES,
        "type": because(kind, cause),
        "access": "proxy",
        "url": because(hosts.traces, cause),
        "editable": False,
        "jsonData": {
            "nodeGraph": {"enabled": True},
            "tracesToLogsV2": {
                "datasourceUid": LOGS,
                # logs are written by another clock than spans, and later
                "spanStartTimeShift": "-5m",
                "spanEndTimeShift": "5m",
                "filterByTraceID": False,
                "filterBySpanID": False,
                "customQuery": True,
                "query": because(_by_trace(spec, dollar), "monitoring.logs.store"),
            },
            "tracesToMetrics": {
                "datasourceUid": METRICS,
                "spanStartTimeShift": "-10m",
                "spanEndTimeShift": "10m",
                "tags": [{"key": "service.name", "value": "service"}],
                "queries": [
                    {"name": "Requests", "query": f"service:requests:rate5m{{{dollar}__tags}}"},
                    {
                        "name": "Failed share",
                        "query": f"service:request_errors:ratio_rate5m{{{dollar}__tags}}",
                    },
                ],
            },
        },
    }


def _by_trace(spec: Spec, dollar: str) -> str:
    if spec.monitoring.logs.store == "loki":
        return f'{{service_name=~".+"}} | trace_id="{dollar}{{__span.traceId}}"'
    return f'trace.id:"{dollar}{{__span.traceId}}"'


def logs_query(spec: Spec) -> dict[str, Any]:
    """A service's logs in the environment that is chosen, for Explore."""
    if spec.monitoring.logs.store == "loki":
        text = '{service_name="${service}",service_namespace="${namespace}"}'
        return {"type": "loki", "query": {"expr": text, "queryType": "range"}}
    text = 'service.name:"${service}" AND service.namespace:"${namespace}"'
    return {"type": "elasticsearch", "query": {"query": text, "metrics": [{"id": "1", "type": "logs"}]}}


def traces_query(spec: Spec) -> dict[str, Any]:
    """A service's traces, for Explore."""
    if spec.monitoring.traces.store == "tempo":
        where = '{resource.service.name="${service}" && resource.service.namespace="${namespace}"}'
        return {"type": "tempo", "query": {"queryType": "traceql", "query": where, "limit": 20, "tableType": "traces"}}
    tags = "service.namespace=${namespace}"
    return {"type": "jaeger", "query": {"queryType": "search", "service": "${service}", "tags": tags}}
