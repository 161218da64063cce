"""The collector's configurations: an agent beside the services, gateways that decide which traces are kept.

All spans of a trace must reach one gateway, or its decision is made on a part of them; all metrics of a service as
well, or two gateways offer the same series. Hence the agent's `load_balancing` for both. Names of components are those
of the version in the dated data; older ones wrote them without underscores.
https://opentelemetry.io/docs/collector/deployment/gateway/
https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/processor/tailsamplingprocessor
https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/loadbalancingexporter
"""

from __future__ import annotations

from typing import Any

from generator.artifact import because
from generator.model import Spec
from generator.quantity import milliseconds

GRPC, HTTP, HEALTH, OWN, OFFERED = 4317, 4318, 13133, 8888, 8889
"""https://opentelemetry.io/docs/specs/otlp/ and the defaults of the collector."""

POD = "${env:POD_IP}"
_BODY_MIB = 10
_ORDINARY_SPANS_A_SECOND = 1000
"""What one gateway keeps of traces that are neither slow nor failed, however many there are."""

Part = dict[str, Any]


def agent(spec: Spec, host: str, gateway: str) -> Part:
    """Takes what services push, says where it comes from, and hands it to the gateway that is responsible."""
    on_kubernetes = spec.platform.compute == "kubernetes"
    detecting = ["k8s_attributes", "resource"] if on_kubernetes else ["resource_detection"]
    stages = ["memory_limiter", *detecting, "batch"]
    return {
        "extensions": _health(host),
        "receivers": _otlp(host),
        "processors": {"memory_limiter": _limiter(), **_detection(spec, on_kubernetes), "batch": {}},
        "exporters": {
            "load_balancing/traces": _balanced("traceID", gateway),
            "load_balancing/metrics": _balanced("service", gateway),
        },
        "service": {
            "extensions": ["health_check"],
            "telemetry": telemetry(host),
            "pipelines": {
                "traces": _line(["otlp"], stages, ["load_balancing/traces"]),
                "metrics": _line(["otlp"], stages, ["load_balancing/metrics"]),
            },
        },
    }


def gateway(spec: Spec, host: str, store: str) -> Part:
    """Decides on whole traces, and offers metrics to Prometheus under `job` = `<namespace>/<service>`."""
    traces = ["memory_limiter", "tail_sampling", "batch"]
    return {
        "extensions": _health(host),
        "receivers": _otlp(host),
        "processors": {"memory_limiter": _limiter(), "tail_sampling": _sampling(spec), "batch": {}},
        "exporters": {
            "otlp_grpc/store": _sender(because(store, "monitoring.traces.store")),
            "prometheus": {"endpoint": f"{host}:{OFFERED}", "metric_expiration": "3m", "enable_open_metrics": True},
        },
        "service": {
            "extensions": ["health_check"],
            "telemetry": telemetry(host),
            "pipelines": {
                "traces": _line(["otlp"], traces, ["otlp_grpc/store"]),
                "metrics": _line(["otlp"], ["memory_limiter", "batch"], ["prometheus"]),
            },
        },
    }


def telemetry(host: str) -> Part:
    """The collector's own metrics, for Prometheus to ask."""
    reader = {"pull": {"exporter": {"prometheus": {"host": host, "port": OWN}}}}
    return {"metrics": {"level": "normal", "readers": [reader]}}


def policies(spec: Spec) -> list[Part]:
    """What is kept: a share of the failed traces, the slow ones, a share of all others up to a limit."""
    sampling = spec.monitoring.traces.sampling
    made: list[Part] = []
    failed = {"name": "status", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}
    errors = because(sampling.errors, sampling.at("errors"))
    if sampling.errors >= 100:
        made.append(because({**failed, "name": "errors"}, sampling.at("errors")))
    elif sampling.errors > 0:
        made.append(because(_both("errors", failed, _share(errors)), sampling.at("errors")))
    threshold = because(milliseconds(sampling.slow), sampling.at("slow"))
    made.append(
        because({"name": "slow", "type": "latency", "latency": {"threshold_ms": threshold}}, sampling.at("slow"))
    )
    if sampling.rest > 0:
        limit = {
            "name": "limit",
            "type": "rate_limiting",
            "rate_limiting": {"spans_per_second": _ORDINARY_SPANS_A_SECOND},
        }
        rest = because(sampling.rest, sampling.at("rest"))
        made.append(because(_both("rest", _share(rest), limit), sampling.at("rest")))
    return made


def _sampling(spec: Spec) -> Part:
    # a decision must wait until a slow trace has shown that it is slow
    wait = max(10, -(-milliseconds(spec.monitoring.traces.sampling.slow) * 2 // 1000))
    return {
        "decision_wait": because(f"{wait}s", spec.monitoring.traces.sampling.at("slow")),
        "num_traces": 50000,
        "policies": policies(spec),
    }


def _both(name: str, *parts: Part) -> Part:
    return {"name": name, "type": "and", "and": {"and_sub_policy": list(parts)}}


def _share(percent: Any) -> Part:
    return {"name": "share", "type": "probabilistic", "probabilistic": {"sampling_percentage": percent}}


def _health(host: str) -> Part:
    return {"health_check": {"endpoint": f"{host}:{HEALTH}"}}


def _otlp(host: str) -> Part:
    """Both forms of OTLP; a body may not be larger, also when it is unpacked."""
    grpc = {"endpoint": f"{host}:{GRPC}", "max_recv_msg_size_mib": _BODY_MIB}
    http = {"endpoint": f"{host}:{HTTP}", "max_request_body_size": _BODY_MIB * 1024 * 1024}
    return {"otlp": {"protocols": {"grpc": grpc, "http": http}}}


def _limiter() -> Part:
    return {"check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 20}


def _detection(spec: Spec, on_kubernetes: bool) -> Part:
    if not on_kubernetes:
        return {"resource_detection": {"detectors": ["env", "ecs"], "timeout": "5s", "override": False}}
    namespace = because(spec.namespace, "app", spec.environment.path)
    attributes = {
        "auth_type": "serviceAccount",
        "filter": {"node_from_env_var": "NODE_NAME", "namespace": namespace},
        "extract": {"metadata": ["k8s.namespace.name", "k8s.pod.name", "k8s.node.name"]},
        "pod_association": [{"sources": [{"from": "connection"}]}],
    }
    # Prometheus' `instance`, where a library gives none
    instance = {"key": "service.instance.id", "from_attribute": "k8s.pod.name", "action": "insert"}
    return {"k8s_attributes": attributes, "resource": {"attributes": [instance]}}


def _balanced(key: str, gateway: str) -> Part:
    sender = {name: value for name, value in _sender("").items() if name != "endpoint"}
    return {
        "routing_key": key,
        "protocol": {"otlp": sender},
        "resolver": {"dns": {"hostname": gateway, "port": str(GRPC), "interval": "5s"}},
    }


def _sender(endpoint: Any) -> Part:
    return {
        "endpoint": endpoint,
        "tls": {"insecure": True},  # inside one network, which policies close
        "sending_queue": {"queue_size": 2000},
        "retry_on_failure": {"max_elapsed_time": "300s"},
    }


def _line(receivers: list[str], processors: list[str], exporters: list[str]) -> Part:
    return {"receivers": receivers, "processors": processors, "exporters": exporters}
