"""The catalogue of metrics: whole, dated, with a source each, and found under the names that PromQL uses."""

from __future__ import annotations

import re

import pytest

from generator import data
from generator.monitoring import catalogue

PRODUCERS = [
    (file, producer, body)
    for file in catalogue.FILES
    for producer, body in data.load(f"schemas/data/metrics/{file}.json")["producers"].items()
]


@pytest.mark.parametrize("file", catalogue.FILES)
def test_a_file_is_dated(file: str) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", data.load(f"schemas/data/metrics/{file}.json")["checked"])


@pytest.mark.parametrize(("file", "producer", "body"), PRODUCERS, ids=[producer for _, producer, _ in PRODUCERS])
def test_a_producer_is_whole(file: str, producer: str, body: dict[str, object]) -> None:
    assert str(body["source"]).startswith("https://")
    metrics = body["metrics"]
    assert isinstance(metrics, dict)
    assert metrics
    assert list(metrics) == sorted(metrics)
    for name, entry in metrics.items():
        assert re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name)
        assert entry["type"] in ("counter", "gauge", "histogram", "summary")
        assert set(entry) <= {"type", "unit", "labels", "source"}
        labels = [*body.get("labels", ()), *entry.get("labels", ())]  # type: ignore[misc]
        assert len(labels) == len(set(labels)), name
        assert all(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", label) for label in labels)
        assert not {"le", "quantile"} & set(labels), "buckets and quantiles have them by themselves"


def test_producers_of_one_metric_agree_on_its_type() -> None:
    types: dict[str, set[str]] = {}
    for _, _, body in PRODUCERS:
        for name, entry in body["metrics"].items():
            types.setdefault(name, set()).add(entry["type"])
    assert {name: kinds for name, kinds in types.items() if len(kinds) > 1} == {}


def test_no_metric_is_called_like_the_part_of_another() -> None:
    histograms = [name for name, metric in catalogue.known().items() if metric.type in ("histogram", "summary")]
    parts = {name + suffix for name in histograms for suffix in ("_bucket", "_count", "_sum")}
    assert parts & set(catalogue.known()) == set()


@pytest.mark.parametrize(
    ("name", "kind", "label"),
    [
        ("up", "gauge", None),
        ("http_server_request_duration_seconds", "histogram", "http_route"),
        ("http_server_request_duration_seconds_bucket", "counter", "le"),
        ("http_server_request_duration_seconds_count", "counter", "http_response_status_code"),
        ("http_server_requests_seconds_sum", "counter", "uri"),
        ("jvm_gc_pause_seconds_count", "counter", "cause"),
        ("container_memory_working_set_bytes", "gauge", "container"),
        ("kube_pod_container_status_restarts_total", "counter", "pod"),
        ("node_filesystem_avail_bytes", "gauge", "mountpoint"),
        ("pg_stat_activity_count", "gauge", "datname"),
        ("redis_memory_used_bytes", "gauge", None),
        ("rabbitmq_queue_messages_ready", "gauge", "queue"),
        ("kafka_consumergroup_lag", "gauge", "consumergroup"),
        ("mysql_global_status_threads_connected", "gauge", None),
        ("mongodb_ss_connections", "gauge", "conn_type"),
        ("probe_ssl_earliest_cert_expiry", "gauge", None),
        ("aws_rds_cpuutilization_average", "gauge", "dimension_DBInstanceIdentifier"),
        ("aws_applicationelb_httpcode_target_5_xx_count_sum", "gauge", "dimension_LoadBalancer"),
        ("aws_sqs_approximate_age_of_oldest_message_maximum", "gauge", "dimension_QueueName"),
        ("certmanager_certificate_expiration_timestamp_seconds", "gauge", "name"),
        ("otelcol_exporter_send_failed_spans_total", "counter", "exporter"),
        ("prometheus_rule_evaluation_failures_total", "counter", "rule_group"),
        ("alertmanager_notifications_failed_total", "counter", "integration"),
    ],
)
def test_a_metric_is_known(name: str, kind: str, label: str | None) -> None:
    metric = catalogue.metric(name)
    assert metric is not None
    assert (metric.name, metric.type) == (name, kind)
    assert label is None or label in metric.labels
    assert metric.source.startswith("https://")
    assert metric.producer


@pytest.mark.parametrize(
    "name",
    [
        "orders_placed_total",
        "up_bucket",
        "jvm_gc_pause_seconds_bucket",
        "node_load1_count",
        "http_requests_total_sum",
        "job:http_requests:rate5m",
        "",
    ],
)
def test_a_metric_is_not_known(name: str) -> None:
    assert catalogue.metric(name) is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("container_memory_working_set_byte", "container_memory_working_set_bytes"),
        ("http_server_request_duration_second_bucket", "http_server_request_duration_seconds_bucket"),
        ("up", "up"),
        ("orders_placed_total", ""),
    ],
)
def test_the_nearest_metric(written: str, meant: str) -> None:
    assert catalogue.nearest(written) == meant


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize("profile", ["otel", "prometheus-client", "micrometer", "aspnet"])
def test_a_profile_measures_requests_by_metrics_of_the_catalogue(profile: str, protocol: str) -> None:
    requests = catalogue.requests(profile, protocol)
    if requests is None:
        assert (profile, protocol) in {("micrometer", "grpc"), ("aspnet", "grpc")}
        return
    count, duration = catalogue.metric(requests.count), catalogue.metric(requests.duration)
    assert count is not None
    assert duration is not None
    assert (count.type, duration.type, duration.unit) == ("counter", "histogram", requests.unit)
    assert {requests.status_label, requests.route_label, requests.method_label} <= set(count.labels)
    assert list(requests.buckets) == sorted(set(requests.buckets))
    assert requests.source.startswith("https://")


@pytest.mark.parametrize(
    ("profile", "protocol", "failed", "fine"),
    [
        ("otel", "http", ["500", "503"], ["200", "404", "50"]),
        ("prometheus-client", "http", ["500", "5xx"], ["2xx", "499"]),
        ("otel", "grpc", ["INTERNAL", "UNAVAILABLE"], ["OK", "NOT_FOUND", "CANCELLED"]),
        ("prometheus-client", "grpc", ["Internal", "DataLoss"], ["OK", "NotFound"]),
    ],
)
def test_what_counts_as_a_failure(profile: str, protocol: str, failed: list[str], fine: list[str]) -> None:
    requests = catalogue.requests(profile, protocol)
    assert requests is not None
    assert all(re.fullmatch(requests.error_values, value) for value in failed)
    assert not any(re.fullmatch(requests.error_values, value) for value in fine)


@pytest.mark.parametrize(("profile", "protocol"), [("custom", "http"), ("otel", "tcp"), ("", "")])
def test_nothing_is_promised(profile: str, protocol: str) -> None:
    assert catalogue.requests(profile, protocol) is None
