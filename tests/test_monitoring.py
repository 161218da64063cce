"""What is watched: numbers, schedules, objectives, and the real promtool on what every example yields."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from generator import spec
from generator.model import Product
from generator.monitoring import objectives, shown
from generator.monitoring.cron import longest_gap
from generator.monitoring.objectives import BURNS
from generator.monitoring.rules import Watched, groups, watch
from generator.render import render_one
from generator.targets.monitoring import prometheus
from tests.conftest import APPS

NAMES = sorted(path.name for path in APPS.iterdir() if path.is_dir())
PROMTOOL = shutil.which("promtool")
SMALL = """\
apiVersion: groundplan/v1
app: shop
owner: team-shop
notify: {{page: {{pagerduty: shop}}}}
services:
  web:
    runtime: node
    port: 3000
    {web}
{rest}
"""


def product(tmp_path: Path, web: str = "", rest: str = "") -> Product:
    path = tmp_path / "groundplan.yaml"
    path.write_text(SMALL.format(web=web, rest=rest), encoding="utf-8")
    loaded = spec.load(path)
    assert loaded.product is not None, [finding.message for finding in loaded.findings]
    return loaded.product


def example(name: str) -> Product:
    loaded = spec.load(APPS / name / "groundplan.yaml")
    assert loaded.product is not None
    return loaded.product


def last(found: Product) -> Watched:
    return watch(list(found.environments.values())[-1])[0]


# words and schedules


@pytest.mark.parametrize(
    ("form", "value", "said"),
    [
        (shown.percentage, 0.0144, "1.44%"),
        (shown.percentage, 1, "100%"),
        (shown.scaled, 0, "0"),
        (shown.scaled, 12345, "12.35k"),
        (shown.scaled, 0.5, "500m"),
        (shown.scaled, 2e-5, "20u"),
        (shown.binary, 1536, "1.5ki"),
        (shown.binary, 10, "10"),
        (shown.duration, 0, "0s"),
        (shown.duration, 0.3, "300ms"),
        (shown.duration, 1.25, "1.25s"),
        (shown.duration, 75, "1m 15s"),
        (shown.duration, 3_600, "1h 0m 0s"),
        (shown.duration, 93_784, "1d 2h 3m 4s"),
        (shown.duration, -75, "-1m 15s"),
    ],
)
def test_a_number_reads_as_prometheus_writes_it(form: Callable[[float], str], value: float, said: str) -> None:
    assert form(value) == said


@pytest.mark.parametrize(
    ("cron", "hours"),
    [
        ("15 3 * * *", 24),
        ("*/5 * * * *", 1 / 12),
        ("0 */6 * * *", 6),
        ("0 9-17 * * mon-fri", 64),
        ("0 0 1 * *", 31 * 24),
        ("0 0 13 * 5", 7 * 24),
        ("30 2 29 2 *", 1461 * 24),
        ("0 0 1 jan,jul *", 184 * 24),
        ("@weekly", 168),
    ],
)
def test_the_longest_rest_of_a_schedule(cron: str, hours: float) -> None:
    assert longest_gap(cron) == hours * 3600


@pytest.mark.parametrize("cron", ["", "1 2 3", "x * * * *", "0 0 31 2 *"])
def test_what_is_no_schedule_is_refused(cron: str) -> None:
    with pytest.raises(ValueError, match=r"fields|never|literal|int"):
        longest_gap(cron)


# objectives


@pytest.mark.parametrize(
    ("period", "factors"),
    [
        ("30d", ["14.4", "6", "3", "1"]),
        ("28d", ["13.44", "5.6", "2.8", "0.9333"]),
        ("7d", ["3.36", "1.4", "0.7", "0.2333"]),
    ],
)
def test_factors_are_the_budget_times_the_period_by_the_window(period: str, factors: list[str]) -> None:
    found = [objectives.factor(burn, period) for burn in BURNS]
    assert [round(factor, 4) for factor in found] == [Decimal(factor) for factor in factors]


def test_each_pair_of_windows_is_an_alert_of_its_own(tmp_path: Path) -> None:
    found = [alert for alert in last(product(tmp_path)).alerts if alert.name == "ErrorBudgetBurn"]
    assert [(alert.severity, alert.labels["window"], alert.for_) for alert in found] == [
        ("page", "1h", "2m"),
        ("page", "6h", "15m"),
        ("ticket", "1d", "1h"),
        ("ticket", "3d", "3h"),
    ]
    assert "> (14.4 * 0.001)" in found[0].expr
    assert "[1h]) * 60 >= 70" in found[0].expr  # one of 69 is more than 1.44 %


@pytest.mark.parametrize(
    ("web", "windows"),
    [
        ("slo: {availability: 99.9}", ["1h", "6h", "1d", "3d"]),
        ("slo: {availability: 90}", ["6h", "1d", "3d"]),
        ("slo: {availability: 50}", ["3d"]),
    ],
)
def test_a_pair_that_cannot_fire_is_left_out(tmp_path: Path, web: str, windows: list[str]) -> None:
    found = [alert.labels["window"] for alert in last(product(tmp_path, web)).alerts if alert.name == "ErrorBudgetBurn"]
    assert found == windows


@pytest.mark.parametrize(
    ("web", "bound"),
    [
        ("slo: {latency: {p99: 250ms}}", 'le="0.25"'),
        ("slo: {latency: {p99: 1s}}", 'le=~"1(\\\\.0)?"'),
        ("{slo: {latency: {p95: 300ms}}, metrics: {buckets: [0.1, 0.3, 1]}}", 'le="0.3"'),
    ],
)
def test_a_latency_is_counted_at_its_own_bucket(tmp_path: Path, web: str, bound: str) -> None:
    web = web.strip("{}").replace("}, metrics", "}\n    metrics") if web.startswith("{slo") else web
    recorded = {one.record: one.expr for one in last(product(tmp_path, _closed(web))).recordings}
    assert bound in recorded["service:request_slow:ratio_rate5m"]


def _closed(text: str) -> str:
    return text + "}" * (text.splitlines()[-1].count("{") - text.splitlines()[-1].count("}"))


# what a test must not do


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_has_a_trial_that_fires_and_one_that_does_not(name: str) -> None:
    for one in example(name).environments.values():
        for part in watch(one):
            for alert in part.alerts:
                assert any(trial.fires for trial in alert.trials), alert.name
                assert alert.name == "Watchdog" or any(not trial.fires for trial in alert.trials), alert.name


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_holds_what_its_reader_needs(name: str) -> None:
    for one in example(name).environments.values():
        for artifact in prometheus.plan(Product("groundplan.yaml", one, {one.environment.name: one})):
            if "/rules/" not in artifact.path:
                continue
            for group in yaml.safe_load(render_one(artifact, "groundplan.yaml").text)["groups"]:
                for rule in group["rules"]:
                    if "alert" not in rule:
                        continue
                    assert rule["labels"]["severity"] in {"page", "ticket", "info"}
                    assert {"service", "environment", "owner"} <= set(rule["labels"])
                    assert {"summary", "description", "runbook_url", "dashboard_url"} == set(rule["annotations"])
                    assert "for" in rule or rule["alert"] == "Watchdog"


@pytest.mark.parametrize("name", NAMES)
def test_no_alert_on_cpu_alone_wakes_anybody(name: str) -> None:
    for one in example(name).environments.values():
        paging = [alert for part in watch(one) for alert in part.alerts if alert.severity == "page"]
        assert not [alert.name for alert in paging if "cpu" in alert.measure]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_unique_within_a_subject(name: str) -> None:
    for one in example(name).environments.values():
        for group in groups(one):
            keys = [(alert.name, *sorted(alert.labels.items())) for alert in group.alerts]
            assert len(keys) == len(set(keys))
            recorded = [(record.record, *sorted(record.labels.items())) for record in group.recordings]
            assert len(recorded) == len(set(recorded))


# custom alerts


@pytest.mark.parametrize(
    ("when", "expr"),
    [
        ("${web.error_rate} > 2%", 'service:request_errors:ratio_rate5m{service="web",environment="prod"} > 0.02'),
        ("${web.latency_p99} >= 750ms", 'p99_rate5m{service="web",environment="prod"} >= 0.75'),
        ("${web.requests_per_second} < 0.5", 'rate5m{service="web",environment="prod"} < 0.5'),
        ("${web.memory} > 95%", "> 0.95"),
        ("${orders.oldest_message_age} > 10m", "> 600"),
        ("${orders.depth} != 0", "!= 0"),
        ("${db.storage_free} < 5Gi", "< 5368709120"),
    ],
)
def test_a_condition_in_our_words_is_promql(tmp_path: Path, when: str, expr: str) -> None:
    rest = (
        "cloud: {provider: aws, region: eu-west-1}\n"
        "resources: {orders: {type: queue}, db: {type: postgres, version: 17}}\n"
        f'alerts: {{Mine: {{when: "{when}", summary: "it is {{{{ mine }}}}"}}}}\n'
    )
    found = [alert for part in watch(product(tmp_path, "", rest).environments["prod"]) for alert in part.alerts]
    mine = [alert for alert in found if alert.name == "Mine"]
    assert [expr in alert.expr for alert in mine] == [True]
    assert mine[0].guide == "custom"


CUSTOM = """\
alerts:
  WebFailing:
    when: ${web.error_rate} > 2%
    summary: "web fails: {{ $labels.x }} \\"quoted\\""
    severity: page
  NothingOrdered:
    expr: sum(rate(orders_placed_total{job="web"}[10m])) == 0 and ${web.requests_per_second} > 1
    for: 10m
    summary: nothing is ordered
    tests:
      fires:
        'orders_placed_total{job="web"}': "0x40"
        'http_server_request_duration_seconds_count{job="web",namespace="shop-prod"}': "0+600x40"
      silent:
        'orders_placed_total{job="web"}': "0+5x40"
        'http_server_request_duration_seconds_count{job="web",namespace="shop-prod"}': "0+600x40"
"""


def written(found: Product, root: Path, environments: tuple[str, ...]) -> tuple[list[str], list[str]]:
    for artifact in prometheus.plan(found):
        if artifact.environment in environments:
            path = root / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(render_one(artifact, "groundplan.yaml").text, encoding="utf-8")
    return sorted(map(str, root.rglob("rules/*.yaml"))), sorted(map(str, root.rglob("*.test.yaml")))


def promtool(*arguments: str) -> None:
    if PROMTOOL is None:
        pytest.skip("promtool is not here")
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def test_promtool_agrees_with_the_users_own_alerts(tmp_path: Path) -> None:
    found = product(tmp_path, "metrics: {series: {orders_placed_total: {type: counter}}}", CUSTOM)
    rules, tests = written(found, tmp_path / "out", ("prod",))
    promtool("check", "rules", "--lint=all", "--lint-fatal", *rules)
    promtool("test", "rules", *tests)


WEBS = {
    "prometheus-client": "metrics: {port: 9000, profile: prometheus-client}\n    slo: {latency: {p95: 500ms}}",
    "micrometer": "metrics: {port: 9000, profile: micrometer, buckets: [0.1, 0.5]}\n    slo: {latency: {p99: 500ms}}",
    "aspnet": "metrics: {port: 9000, profile: aspnet}\n    slo: {availability: 99}",
    "grpc": "protocol: grpc\n    slo: {availability: 99.5, period: 7d}",
    "custom": "metrics: {port: 9000, profile: custom, requests: hits_total, status: code, duration: hit_seconds, "
    "buckets: [0.2, 2]}\n    slo: {availability: 95, latency: {p99: 2s, p90: 200ms}, period: 28d}",
}


@pytest.mark.parametrize("web", WEBS.values(), ids=WEBS)
def test_promtool_agrees_with_every_profile(tmp_path: Path, web: str) -> None:
    rules, tests = written(product(tmp_path, web), tmp_path / "out", ("prod",))
    promtool("check", "rules", "--lint=all", "--lint-fatal", *rules)
    promtool("test", "rules", *(path for path in tests if "platform" not in path))


@pytest.mark.parametrize("name", NAMES)
def test_promtool_accepts_the_rules_of_an_example(tmp_path: Path, name: str) -> None:
    found = example(name)
    rules, _ = written(found, tmp_path, tuple(found.environments))
    promtool("check", "rules", "--lint=all", "--lint-fatal", *rules)


@pytest.mark.parametrize("name", ["shop", "ecs", "every-kind"])
def test_promtool_agrees_with_an_example(tmp_path: Path, name: str) -> None:
    """The last environment of those that differ most; the slow run looks at every one of all of them."""
    found = example(name)
    _, tests = written(found, tmp_path, (list(found.environments)[-1],))
    promtool("test", "rules", *tests)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_promtool_agrees_with_all_environments(tmp_path: Path, name: str) -> None:
    found = example(name)
    rules, tests = written(found, tmp_path, tuple(found.environments))
    promtool("check", "rules", "--lint=all", "--lint-fatal", *rules)
    promtool("test", "rules", *tests)


def test_a_test_that_expects_another_number_fails(tmp_path: Path) -> None:
    """The trials are proof only if a wrong rule breaks them."""
    if PROMTOOL is None:
        pytest.skip("promtool is not here")
    rules, tests = written(product(tmp_path), tmp_path / "out", ("prod",))
    web = next(Path(path) for path in rules if path.endswith("web.yaml"))
    web.write_text(web.read_text("utf-8").replace("> (14.4 * 0.001)", "> (144 * 0.001)"), encoding="utf-8")
    test = next(path for path in tests if path.endswith("web.test.yaml"))
    done = subprocess.run([PROMTOOL, "test", "rules", test], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "ErrorBudgetBurn" in done.stderr + done.stdout
