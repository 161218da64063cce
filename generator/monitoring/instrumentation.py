"""What a service's OpenTelemetry SDK is told by its environment: who it is, and whom it tells.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/. Sampling is left to the collector,
which sees whole traces; logs go by the container's output. A variable of the user's own wins.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from generator.artifact import because
from generator.model import Service, Spec
from generator.quantity import milliseconds

AGENT = "collector-agent"
"""The Service before the collectors of a cluster's nodes, in the namespace of the monitoring."""
LAPTOP = "collector"
"""The collector's name among the services of compose."""
PORT = AGENT_PORT = 4318
"""OTLP over HTTP: https://opentelemetry.io/docs/specs/otlp/#otlphttp-default-port"""


def instrumented(spec: Spec, service: Service) -> bool:
    """Whether a service is one whose library we may speak to: built here, and not a bare web server."""
    runtime = service.runtime.name if service.runtime is not None else ""
    return spec.renders("monitoring") and service.built and runtime not in {"", "static"} and service.type != "static"


def endpoint(spec: Spec, *, laptop: bool = False) -> str:
    """Where OTLP is taken; "" when nobody says, and the SDK looks beside itself."""
    if laptop:
        return f"http://{LAPTOP}:{PORT}"
    if spec.platform.compute == "kubernetes":
        return f"http://{AGENT}.{spec.platform.kubernetes.monitoring_namespace}.svc:{PORT}"
    return ""


def environment(spec: Spec, service: Service, to: str = "", *, laptop: bool = False) -> dict[str, Any]:
    """The variables by name, each tied to what it follows from; `to` is another place to push to.

    Empty for what is not instrumented.
    """
    if not instrumented(spec, service):
        return {}
    traces = "monitoring.traces"
    identity = f"service.namespace={quote(spec.namespace)},deployment.environment.name={quote(spec.environment.name)}"
    pushes = service.metrics is not None and service.metrics.port is None
    interval = milliseconds(spec.monitoring.metrics.interval)
    told = to or endpoint(spec, laptop=laptop)
    made = {
        "OTEL_SERVICE_NAME": because(service.name, service.path),
        "OTEL_RESOURCE_ATTRIBUTES": because(identity, "app", spec.environment.path),
        **({"OTEL_EXPORTER_OTLP_ENDPOINT": because(told, traces)} if told else {}),
        "OTEL_EXPORTER_OTLP_PROTOCOL": because("http/protobuf", traces),
        "OTEL_TRACES_SAMPLER": because("parentbased_always_on", "monitoring.traces.sampling"),
        "OTEL_METRICS_EXPORTER": because("otlp" if pushes else "none", service.at("metrics"), service.path),
        "OTEL_LOGS_EXPORTER": because("none", "monitoring.logs"),
        "OTEL_SEMCONV_STABILITY_OPT_IN": because("http,rpc", service.at("metrics"), service.path),
    }
    if pushes:
        made["OTEL_METRIC_EXPORT_INTERVAL"] = because(str(interval), "monitoring.metrics.interval")
    return {name: value for name, value in made.items() if name not in service.env}
