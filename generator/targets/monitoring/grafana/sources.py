"""What Grafana reads from: the stores of metrics, alerts, logs and traces, as files of provisioning and as objects.

A secret stands in neither. Grafana replaces `$NAME` in these files itself, so what is meant for it at run time is
written with two dollar signs: https://grafana.com/docs/grafana/latest/administration/provisioning/#using-environment-variables
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from generator.artifact import because
from generator.model import Spec
from generator.names import cut
from generator.targets.monitoring.grafana.panels import Json

METRICS, ALERTS, LOGS, TRACES = "metrics", "alerts", "logs", "traces"
"""What the sources hold, which is the end of their identities."""


def identity(spec: Spec, what: str, environment: str = "") -> Any:
    """By what sources name each other; the product's name keeps them apart from others of the same Grafana."""
    return because(cut("-".join(filter(None, (spec.app, what, environment))), _UID_LIMIT), "app")


_UID_LIMIT = 40


def title(spec: Spec, what: str, environment: str = "") -> Any:
    """What a reader chooses it by, and a dashboard by the environment."""
    product, cause = _PRODUCTS[what](spec)
    return because(" ".join(filter(None, (spec.app, product, environment))), "app", cause)


_PRODUCTS: dict[str, Callable[[Spec], tuple[str, str]]] = {
    METRICS: lambda spec: ("Prometheus", spec.monitoring.metrics.path),
    ALERTS: lambda spec: ("Alertmanager", spec.monitoring.metrics.path),
    LOGS: lambda spec: (spec.monitoring.logs.store.capitalize(), "monitoring.logs.store"),
    TRACES: lambda spec: (spec.monitoring.traces.store.capitalize(), "monitoring.traces.store"),
}


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
        logs=f"http://{_aside(spec, _LOGS[spec.monitoring.logs.store])}",
        traces=f"http://{_TRACES[spec.monitoring.traces.store]}",
    )


def _aside(spec: Spec, address: str) -> str:
    """The store of logs steps aside for a service or resource of its name."""
    host, _, port = address.partition(":")
    return f"{host}-of-logs:{port}" if host in {*spec.services, *spec.resources} else address


def within(spec: Spec) -> Hosts:
    """The Services of a cluster, all in the namespace of the monitoring; logs are read over TLS."""
    place = f"{spec.platform.kubernetes.monitoring_namespace}.svc"

    def named(address: str) -> str:
        host, port = address.split(":")
        return f"{host}.{place}:{port}"

    return Hosts(
        metrics=f"http://{named(f'{service_name(spec)}:9090')}",
        alerts=f"http://{named(f'{spec.app}-alertmanager:9093')}",
        logs=f"https://{named(_LOGS[spec.monitoring.logs.store])}",
        traces=f"http://{named(_TRACES[spec.monitoring.traces.store])}",
    )


def service_name(spec: Spec) -> str:
    """A name of its own: `prometheus-operated` is shared by the Prometheus of every environment in the namespace."""
    return cut(f"{spec.namespace}-prometheus", _SERVICE_LIMIT) if spec.monitoring.metrics.operator else "prometheus"


_SERVICE_LIMIT = 63
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#rfc-1035-label-names"""

_LOGS = {"elasticsearch": "elasticsearch:9200", "loki": "loki:3100"}
_TRACES = {"jaeger": "jaeger:16686", "tempo": "tempo:3200"}


def sources(spec: Spec, hosts: Hosts, *, dollar: str, environment: str = "") -> dict[str, Json]:
    """The four sources; `dollar` is how a `$` is written that Grafana must not replace.

    `environment` is that of the Prometheus, where each has one of its own.
    """
    return {
        METRICS: _metrics(spec, hosts, environment),
        ALERTS: _alerts(spec, hosts),
        LOGS: _logs(spec, hosts, dollar),
        TRACES: _traces(spec, hosts, dollar, environment),
    }


def _metrics(spec: Spec, hosts: Hosts, environment: str) -> Json:
    return {
        "name": title(spec, METRICS, environment),
        "uid": identity(spec, METRICS, environment),
        "type": "prometheus",
        "access": "proxy",
        "url": because(hosts.metrics, "monitoring.metrics"),
        "editable": False,
        "jsonData": {
            "httpMethod": "POST",
            # the smallest window of $__rate_interval is four of these
            "timeInterval": because(spec.monitoring.metrics.interval, "monitoring.metrics.interval"),
            "exemplarTraceIdDestinations": [{"name": "trace_id", "datasourceUid": identity(spec, TRACES)}],
            "manageAlerts": True,
            "alertmanagerUid": identity(spec, ALERTS),
        },
    }


def _alerts(spec: Spec, hosts: Hosts) -> Json:
    return {
        "name": title(spec, ALERTS),
        "uid": identity(spec, ALERTS),
        "type": "alertmanager",
        "access": "proxy",
        "url": because(hosts.alerts, "notify"),
        "editable": False,
        "jsonData": {"implementation": "prometheus", "handleGrafanaManagedAlerts": False},
    }


def _logs(spec: Spec, hosts: Hosts, dollar: str) -> Json:
    cause = "monitoring.logs.store"
    made = {"uid": identity(spec, LOGS), "access": "proxy", "url": because(hosts.logs, cause), "editable": False}
    trace = {"datasourceUid": identity(spec, TRACES), "url": f"{dollar}{{__value.raw}}"}
    if spec.monitoring.logs.store == "loki":
        field = {"name": "trace", "matcherType": "label", "matcherRegex": "trace_id", "urlDisplayLabel": "Trace"}
        return {
            "name": title(spec, LOGS),
            "type": because("loki", cause),
            **made,
            "jsonData": {"derivedFields": [{**field, **trace}], "maxLines": 1000},
        }
    return {
        "name": title(spec, LOGS),
        "type": because("elasticsearch", cause),
        **made,
        "jsonData": {
            "index": because(f"logs-{spec.app}-*", "app", cause),
            "timeField": "@timestamp",
            "logMessageField": "message",
            "logLevelField": "level",
            "maxConcurrentShardRequests": 5,
            "dataLinks": [{"field": "trace_id", "urlDisplayLabel": "Trace", **trace}],
        },
    }


def _traces(spec: Spec, hosts: Hosts, dollar: str, environment: str) -> Json:
    cause = "monitoring.traces.store"
    kind = spec.monitoring.traces.store
    return {
        "name": title(spec, TRACES),
        "uid": identity(spec, TRACES),
        "type": because(kind, cause),
        "access": "proxy",
        "url": because(hosts.traces, cause),
        "editable": False,
        "jsonData": {
            "nodeGraph": {"enabled": True},
            "tracesToLogsV2": {
                "datasourceUid": identity(spec, LOGS),
                # logs are written by another clock than spans, and later
                "spanStartTimeShift": "-5m",
                "spanEndTimeShift": "5m",
                "filterByTraceID": False,
                "filterBySpanID": False,
                "customQuery": True,
                "query": because(_by_trace(spec, dollar), "monitoring.logs.store"),
            },
            "tracesToMetrics": {
                "datasourceUid": identity(spec, METRICS, environment),
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
    return f'trace_id:"{dollar}{{__span.traceId}}"'


KEY, AUTHORITY = "logs-key", "logs-ca.crt"
"""The keys of the Secret from which a Grafana in a cluster reads logs: with rights to read, not the shipper's."""


def with_key(spec: Spec, source: Json) -> Json:
    """The source of logs as the operator's object wants it: secrets by reference, filled in where it runs."""
    scheme = "ApiKey" if spec.monitoring.logs.store == "elasticsearch" else "Bearer"
    options = {**source["jsonData"], "httpHeaderName1": "Authorization", "tlsAuthWithCACert": True}
    secret = {"httpHeaderValue1": f"{scheme} ${{{KEY}}}", "tlsCACert": f"${{{AUTHORITY}}}"}
    return {**source, "jsonData": options, "secureJsonData": secret}


def references(spec: Spec) -> list[Json]:
    """Where those two values come from."""
    name = because(f"{spec.app}-grafana", "app")
    return [
        {"targetPath": path, "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}
        for path, key in (("secureJsonData.httpHeaderValue1", KEY), ("secureJsonData.tlsCACert", AUTHORITY))
    ]


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
