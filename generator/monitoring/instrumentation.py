"""What a service's OpenTelemetry library is told: one name everywhere, where to push, and that it samples nothing.

The library keeps every trace (`parentbased_always_on`), since gateways decide on whole ones.
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
https://opentelemetry.io/docs/specs/otel/protocol/exporter/
https://opentelemetry.io/docs/specs/semconv/resource/
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from urllib.parse import quote

from generator.artifact import because
from generator.model import Service, Spec

AGENT, AGENT_PORT = "collector-agent", 4318


def instrumented(spec: Spec, service: Service) -> bool:
    """Whether a service is ours to instrument, and its spec asks for monitoring by name."""
    return "monitoring" in spec.targets and service.image is None and service.type != "static"


def endpoint(spec: Spec) -> Any:
    """The agent: in a cluster the one of the pod's node, on ECS the one in the task."""
    if spec.platform.compute != "kubernetes":
        return because(f"http://localhost:{AGENT_PORT}", "platform.compute")
    place = spec.platform.kubernetes.monitoring_namespace
    return because(f"http://{AGENT}.{place}.svc:{AGENT_PORT}", "platform.kubernetes.monitoring_namespace")


def environment(spec: Spec, service: Service, to: Any = None) -> dict[str, Any]:
    """Variables by name, without those that the service sets itself; `to` is another place to push to."""
    if not instrumented(spec, service):
        return {}
    name = spec.environment.name
    attributes = {"service.namespace": spec.namespace, **({"deployment.environment.name": name} if name else {})}
    listed = ",".join(f"{key}={quote(value, safe='')}" for key, value in attributes.items())
    pushes = service.metrics is not None and service.metrics.port is None
    cause = "monitoring.traces"
    told = {
        "OTEL_SERVICE_NAME": because(service.name, service.path),
        "OTEL_RESOURCE_ATTRIBUTES": because(listed, "app", spec.environment.path),
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint(spec) if to is None else because(to, cause),
        "OTEL_EXPORTER_OTLP_PROTOCOL": because("http/protobuf", cause),
        "OTEL_TRACES_SAMPLER": because("parentbased_always_on", "monitoring.traces.sampling"),
        "OTEL_PROPAGATORS": because("tracecontext,baggage", cause),
        "OTEL_METRICS_EXPORTER": because("otlp" if pushes else "none", service.at("metrics")),
        "OTEL_LOGS_EXPORTER": because("none", "monitoring.logs"),
    }
    return {key: value for key, value in told.items() if key not in service.env}
