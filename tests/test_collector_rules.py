"""Rules about the collector: what they must not catch, and the facts they rest on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generator import policy
from generator.document import SourceFile

TODAY = policy.Context(today="2026-11-23")
FACTS = json.loads((Path(__file__).parents[1] / "schemas/data/collector.json").read_text(encoding="utf-8"))
GOOD = """\
extensions: {health_check: {endpoint: "127.0.0.1:13133"}}
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:4317"}}}}
processors: {memory_limiter: {check_interval: 1s, limit_percentage: 80}, batch: {}}
exporters: {otlp_grpc/store: {endpoint: ENDPOINT, tls: {insecure: INSECURE}}}
service:
  extensions: [health_check]
  pipelines:
    traces: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp_grpc/store]}
"""


def rules_of(text: str) -> list[str]:
    found = policy.judge([SourceFile("collector.yaml", text)], policy.rules(), TODAY).findings
    return sorted({finding.rule for finding in found if finding.rule.startswith("monitoring/collector-")})


def written(endpoint: str, insecure: str = "true") -> str:
    return GOOD.replace("ENDPOINT", endpoint).replace("INSECURE", insecure)


@pytest.mark.parametrize(
    "endpoint",
    ["jaeger:4317", "tempo.monitoring.svc:4317", "tempo.monitoring.svc.cluster.local:4317", "10.0.0.7:4317", "$STORE"],
)
def test_own_networks_need_no_tls(endpoint: str) -> None:
    assert rules_of(written(f'"{endpoint}"')) == []


@pytest.mark.parametrize("endpoint", ["traces.example.com:4317", "api.vendor.io:443"])
def test_a_remote_host_needs_tls(endpoint: str) -> None:
    assert rules_of(written(f'"{endpoint}"')) == ["monitoring/collector-sends-in-clear"]
    assert rules_of(written(f'"{endpoint}"', "false")) == []


@pytest.mark.parametrize("name", ["vendor_special", "healthcheckv3", "my_own_thing"])
def test_a_component_of_another_distribution_is_no_slip(name: str) -> None:
    text = written("jaeger:4317").replace("batch: {}}", f"batch: {{}}, {name}: {{}}}}")
    assert rules_of(text.replace("[memory_limiter, batch]", f"[memory_limiter, {name}, batch]")) == []


@pytest.mark.parametrize("one", FACTS["gone"], ids=lambda one: f"{one['kind']}-{one['type']}")
def test_what_is_gone_is_not_listed_as_there(one: dict[str, str]) -> None:
    assert one["type"].replace("_", "") not in FACTS["components"][one["kind"]]


@pytest.mark.parametrize("one", FACTS["renamed"], ids=lambda one: one["old"])
def test_what_is_renamed_is_the_same_without_underscores(one: dict[str, str]) -> None:
    assert one["new"].replace("_", "") in FACTS["components"][one["kind"]]
    assert one["old"] in FACTS["components"][one["kind"]]
