"""Who a service is to its tracing library: one name in compose, Kubernetes and ECS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import spec
from generator.artifact import Because
from generator.model import Product
from generator.monitoring import instrumentation
from generator.render import render_one
from generator.targets import target
from tests.conftest import APPS

SMALL = """\
apiVersion: groundplan/v1
app: shop
owner: team-shop
services:
  web:
    {web}
{rest}
"""
NODE = "runtime: node\n    port: 3000"


def product(spec_file: Callable[[str], Path], web: str = NODE, rest: str = "") -> Product:
    loaded = spec.load(spec_file(SMALL.format(web=web, rest=rest)))
    assert loaded.product is not None, loaded.findings
    return loaded.product


def told(found: Product, **more: Any) -> dict[str, Any]:
    one = found.environments["prod"]
    made = instrumentation.environment(one, one.services["web"], **more)
    return {name: value.value if isinstance(value, Because) else value for name, value in made.items()}


def test_a_service_is_told_who_it_is_and_whom_to_tell(spec_file: Callable[[str], Path]) -> None:
    assert told(product(spec_file)) == {
        "OTEL_SERVICE_NAME": "web",
        "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=shop-prod,deployment.environment.name=prod",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector-agent.monitoring.svc:4318",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_TRACES_SAMPLER": "parentbased_always_on",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "http,rpc",
        "OTEL_METRIC_EXPORT_INTERVAL": "15000",
    }


@pytest.mark.parametrize(
    ("web", "rest", "name", "value"),
    [
        (NODE, "monitoring: {metrics: {interval: 30s}}", "INTERVAL", "30000"),
        (f"{NODE}\n    metrics: 9000", "", "METRICS_EXPORTER", "none"),
        (f"{NODE}\n    env: {{OTEL_SERVICE_NAME: other}}", "", "SERVICE_NAME", None),
        (NODE, "targets: [kubernetes, docker]", "SERVICE_NAME", None),
        ("image: nginx:1.29\n    port: 8080", "", "SERVICE_NAME", None),
        ("runtime: static", "", "SERVICE_NAME", None),
    ],
)
def test_what_the_spec_says_changes_it(
    spec_file: Callable[[str], Path], web: str, rest: str, name: str, value: str | None
) -> None:
    found = told(product(spec_file, web, rest))
    assert next((text for key, text in found.items() if key.endswith(name)), None) == value


def test_a_laptop_has_its_own_collector(spec_file: Callable[[str], Path]) -> None:
    assert told(product(spec_file), laptop=True)["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector:4318"


def rendered(name: str, kind: str) -> dict[str, str]:
    loaded = spec.load(APPS / name / "groundplan.yaml")
    assert loaded.product is not None
    return {one.path: render_one(one, "groundplan.yaml").text for one in target(kind).plan(loaded.product)}


@pytest.mark.parametrize("service", ["web", "api", "worker"])
def test_the_name_reaches_the_pods(service: str) -> None:
    files = rendered("shop", "kubernetes")
    config = yaml.safe_load(files[f"kubernetes/base/{service}/config.yaml"])
    assert config["data"]["OTEL_SERVICE_NAME"] == service
    policy = yaml.safe_load(files[f"kubernetes/base/{service}/networkpolicy.yaml"])
    ports = [port["port"] for flow in policy["spec"]["egress"] for port in flow["ports"]]
    assert instrumentation.PORT in ports


def test_the_name_reaches_ecs_and_compose_waits_for_the_collector() -> None:
    roots = rendered("ecs", "terraform")
    text = next(text for path, text in roots.items() if path.endswith("environments/prod/services.tf"))
    assert "OTEL_SERVICE_NAME" in text
    services = yaml.safe_load(rendered("shop", "compose")["compose.yaml"])["services"]
    assert services["web"]["environment"]["OTEL_SDK_DISABLED"] == "true"
