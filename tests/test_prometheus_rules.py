"""Rules on Prometheus' configuration beyond their examples: what stands beside a catch and must not be caught."""

from __future__ import annotations

import pytest

from generator import policy
from generator.document import SourceFile

COMPOSE = """services:
  prometheus:
    image: prom/prometheus:v3.13.4
    command: ["--config.file=/etc/prometheus/prometheus.yaml"]
    volumes: ["./config:/etc/prometheus:ro"]
"""


def found(rule: str, files: dict[str, str]) -> list[str]:
    ours = [one for one in policy.rules() if one.id == f"monitoring/{rule}"]
    assert ours, rule
    sources = [SourceFile(path, text) for path, text in files.items()]
    return [one.message for one in policy.judge(sources, ours, policy.Context(today="2026-11-23")).findings]


def configuration(job: str, glob: str = "scrape_interval: 15s") -> str:
    return f"global: {{{glob}}}\nscrape_configs:\n  - {{job_name: web, {job}}}\n"


@pytest.mark.parametrize(
    ("rule", "job"),
    [
        ("timeout-above-interval", "scrape_interval: 5s"),  # Prometheus lowers a timeout that nobody wrote
        ("duration-not-valid", "scrape_interval: 1h30m"),
        ("duration-not-valid", "scrape_interval: '${INTERVAL}'"),
        ("relabelled-away", "relabel_configs: [{source_labels: [a], action: drop, regex: x.*}]"),
        ("relabel-pattern-invalid", "relabel_configs: [{regex: '[[:alpha:]]+', action: labeldrop}]"),
        ("relabel-pattern-invalid", "relabel_configs: [{regex: '(?P<name>a)', action: labeldrop}]"),
        ("labels-of-target-honoured", "honor_labels: true, metrics_path: /federate"),
        ("target-as-address", "static_configs: [{targets: ['[::1]:9090', 'web.example.com', '10.0.0.1:80']}]"),
        ("secret-in-prometheus", "authorization: {credentials_file: /run/secrets/token}"),
        ("tls-verification-off", "tls_config: {insecure_skip_verify: false}"),
        ("meta-label-too-late", "metric_relabel_configs: [{source_labels: [__name__, le], action: drop, regex: a}]"),
    ],
)
def test_what_is_right_is_left_alone(rule: str, job: str) -> None:
    assert found(rule, {"prometheus.yaml": configuration(job)}) == []


@pytest.mark.parametrize(
    ("rule", "job"),
    [
        ("timeout-above-interval", "scrape_timeout: 16s"),
        ("duration-not-valid", "scrape_interval: 15 s"),
        ("relabelled-away", "metric_relabel_configs: [{source_labels: [__name__], action: drop}]"),
        ("target-as-address", "static_configs: [{targets: ['http://web:80']}]"),
        ("secret-in-prometheus", "consul_sd_configs: [{server: 'consul:8500', token: not-a-real-token}]"),
        ("tls-verification-off", "consul_sd_configs: [{tls_config: {insecure_skip_verify: true}}]"),
    ],
)
def test_what_is_wrong_is_told_once(rule: str, job: str) -> None:
    assert len(found(rule, {"prometheus.yaml": configuration(job)})) == 1


@pytest.mark.parametrize(
    ("path", "target", "wrong"),
    [
        ("config/prometheus.yaml", "localhost:9100", True),
        ("config/prometheus.yaml", "localhost:9090", False),
        ("config/prometheus.yaml", "node:9100", False),
        ("other/prometheus.yaml", "localhost:9100", False),
    ],
)
def test_localhost_is_judged_where_the_file_is_mounted(path: str, target: str, wrong: bool) -> None:
    text = configuration(f"static_configs: [{{targets: ['{target}']}}]")
    assert bool(found("localhost-in-container", {"compose.yaml": COMPOSE, path: text})) == wrong
