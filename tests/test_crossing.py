"""Monitoring files against one another: what is caught, and beside it what must not be."""

from __future__ import annotations

import copy
import functools
import json
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import policy, render, spec
from generator.document import SourceFile
from generator.policy import facts
from generator.policy.monitoring import crossing, reaching
from generator.targets.monitoring import alertmanager, grafana, prometheus, runbooks, scraping

TODAY = policy.Context(today="2026-11-23")
RULES = {rule.id: rule for rule in policy.rules()}


def caught(rule: str, **files: str) -> list[str]:
    """The messages of a rule on files, whose names are written with `__` for `/` and `_` for `.`."""
    sources = [SourceFile(_path(name), textwrap.dedent(text).lstrip("\n")) for name, text in files.items()]
    return [finding.message for finding in policy.judge(sources, [RULES[f"cross/{rule}"]], TODAY).findings]


def _path(name: str) -> str:
    folder, _, base = name.replace("__", "/").rpartition("/")
    stem, _, suffix = base.rpartition("_")
    return f"{folder}/{stem}.{suffix}" if folder else f"{stem}.{suffix}"


def alert(
    name: str = "WebDown", expr: str = 'up{job="web"} == 0', labels: str = "severity: page", note: str = ""
) -> str:
    return (
        "groups:\n- name: web\n  rules:\n"
        f"  - alert: {name}\n    expr: '{expr}'\n    labels: {{{labels}}}\n    annotations: {{summary: web, {note}}}\n"
    )


# Routes

ROUTES = """
route:
  receiver: {root}
  routes:
    - {{receiver: pager, matchers: ['{matcher}']{more}}}
    - {{receiver: chat, matchers: ['severity="ticket"']}}
receivers:
  - {{name: pager, pagerduty_configs: [{{routing_key_file: /key}}]}}
  - {{name: chat, slack_configs: [{{channel: '#a', api_url_file: /url}}]}}
  - name: nobody
"""


@pytest.mark.parametrize(
    ("matcher", "labels", "verdict"),
    [
        pytest.param('severity="page"', "severity: page, team: a", True, id="equal"),
        pytest.param('team!="b"', "severity: page, team: a", True, id="not equal"),
        pytest.param('team!="a"', "severity: page, team: a", False, id="not equal refuses"),
        pytest.param('team=~"a|b"', "severity: page, team: a", True, id="pattern"),
        pytest.param('team=~"a"', "severity: page, team: ab", False, id="patterns are anchored"),
        pytest.param('team!~"a.*"', "severity: page, team: ab", False, id="negated pattern"),
        pytest.param('team!~"a"', "severity: page, team: ab", True, id="negated patterns are anchored too"),
        pytest.param('cluster="x"', "severity: page", True, id="a label that only series know may be right"),
        pytest.param('team="a"', "severity: info, team: b", True, id="info may be quiet"),
        pytest.param('team="a"', "severity: '{{ $labels.s }}', team: b", True, id="an unknown severity may be one"),
    ],
)
def test_an_alert_is_walked_through_the_routes(matcher: str, labels: str, verdict: bool) -> None:
    routes = ROUTES.format(root="nobody", matcher=matcher, more="")
    assert (not caught("alert-not-routed", alertmanager_yaml=routes, rules_yaml=alert(labels=labels))) == verdict


def test_a_root_that_delivers_takes_everything() -> None:
    routes = ROUTES.format(root="chat", matcher='team="a"', more="")
    assert not caught("alert-not-routed", alertmanager_yaml=routes, rules_yaml=alert(labels="severity: page, team: b"))


def test_a_route_to_nobody_is_meant_so() -> None:
    silent = "\n    - {receiver: nobody, matchers: ['environment=\"dev\"']}"
    routes = ROUTES.format(root="chat", matcher='environment="prod"', more="").replace(
        "  routes:", f"  routes:{silent}"
    )
    labels = "severity: page, environment: dev"
    assert not caught("alert-not-routed", alertmanager_yaml=routes, rules_yaml=alert(labels=labels))


# Runbooks

PAGE = """
# Web

## WebDown

```
## NotAHeading
```

## WebSlow and `more` (really)

## WebDown

<a id="old"></a>
"""


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("docs/web.md#webdown", ""),
        ("docs/web.md#WebDown", ""),
        ("docs/web.md#webdown-1", ""),
        ("docs/web.md#old", ""),
        ("docs/web.md", ""),
        ("docs/web.md#webslow-and-more-really", ""),
        ("https://github.com/acme/shop/blob/main/docs/web.md#webdown", ""),
        ("https://gitlab.com/acme/shop/-/blob/HEAD/docs/web.md#webdown", ""),
        ("https://wiki.example.com/docs/web.md#nothing", ""),
        ("https://runbooks.example.com/webdown", ""),
        ("https://github.com/acme/other/blob/main/docs/other.md#nothing", ""),
        ("docs/{{ $labels.job }}.md#webdown", ""),
        ("docs/web.md#notaheading", "docs/web.md has no heading #notaheading"),
        ("docs/web.md#webdown-2", "docs/web.md has no heading #webdown-2"),
        ("docs/missing.md#webdown", "there is no file docs/missing.md"),
        ("https://github.com/acme/shop/blob/main/docs/web.md#gone", "docs/web.md has no heading #gone"),
    ],
)
def test_a_runbook_url(url: str, message: str) -> None:
    rules = alert(note=f"runbook_url: '{url}'")
    assert caught("runbook-anchor-missing", rules_yaml=rules, docs__web_md=PAGE) == ([message] if message else [])


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Web Down", "web-down"),
        ("A `b` [c](d.md)!", "a-b-c"),
        ("über_all", "über_all"),
        ("CPU: 90 %", "cpu-90-"),
    ],
)
def test_anchors_are_those_of_forges(heading: str, anchor: str) -> None:
    assert crossing.slug(heading) == anchor


@pytest.mark.parametrize(
    ("heading", "count"),
    [("WebGone", 1), ("CPUThrottled", 1), ("Meaning", 0), ("Before you begin", 0), ("WebDown", 0), ("WEB", 0)],
)
def test_headings_that_are_named_like_alerts(heading: str, count: int) -> None:
    rules = alert(note="runbook_url: docs/web.md#webdown")
    page = f"# Web\n\n## WebDown\n\n## {heading}\n\n### WebOther\n"
    assert len(caught("runbook-of-no-alert", rules_yaml=rules, docs__web_md=page)) == count


def test_a_page_that_no_alert_leads_to_is_no_runbook() -> None:
    assert not caught("runbook-of-no-alert", rules_yaml=alert(), docs__design_md="# A\n\n## WebGone\n")


# Dashboards

BOARD = """
{{"uid": "web", "title": "Web", "schemaVersion": 39, "panels": [
  {{"title": "P", "targets": [{{"refId": "A", "expr": {expr}}}],
   "fieldConfig": {{"defaults": {{"thresholds": {{"mode": "absolute", "steps": {steps}}}}}}}}}
]}}
"""


@pytest.mark.parametrize(
    ("url", "count"),
    [
        ("https://g.example.com/d/web", 0),
        ("/d/web/title?var-a=b", 0),
        ("/d/wep", 1),
        ("/d/{{ $labels.job }}", 0),
        ("https://example.com/elsewhere", 0),
    ],
)
def test_a_dashboard_url(url: str, count: int) -> None:
    board = BOARD.format(expr='"up"', steps="[]")
    assert len(caught("dashboard-missing", rules_yaml=alert(note=f"dashboard_url: '{url}'"), d_json=board)) == count


def test_without_dashboards_nothing_is_said_of_them() -> None:
    assert not caught("dashboard-missing", rules_yaml=alert(note="dashboard_url: /d/wep"))


@pytest.mark.parametrize(
    ("expr", "panel", "steps", "count"),
    [
        pytest.param("a:b > 0.05", "a:b", "[0.05]", 0, id="the same"),
        pytest.param("a:b > 0.05", "a:b", "[0.1]", 1, id="another"),
        pytest.param("a:b > 0.05", "a:b", "[0.01, 0.05]", 0, id="one of several"),
        pytest.param("a:b > 0.05", "a:b", "[80]", 0, id="what Grafana puts there itself"),
        pytest.param("a:b > 0.05", "a:b", "[]", 0, id="no thresholds"),
        pytest.param("a:b > 0.05", "a:c", "[0.1]", 0, id="something else is drawn"),
        pytest.param("a:b > 0", "a:b", "[1e-9]", 0, id="a little above nothing"),
        pytest.param('a:b{e="x"} > 0.05', 'a:b{e="$e"}', "[0.1]", 1, id="a variable"),
        pytest.param("a:b > 0.05 and c > 1", "a:b", "[0.1]", 1, id="beside a guard"),
        pytest.param("a:b > c", "a:b", "[0.1]", 0, id="no number"),
    ],
)
def test_a_threshold(expr: str, panel: str, steps: str, count: int) -> None:
    written = [{"color": "green", "value": None}, *({"color": "red", "value": step} for step in json.loads(steps))]
    board = BOARD.format(expr=json.dumps(panel), steps=json.dumps(written))
    assert len(caught("threshold-differs", rules_yaml=alert(expr=expr), d_json=board)) == count


# Labels

CONFIG = """
scrape_configs:
  - job_name: web
    static_configs: [{{targets: ['web:9000'], labels: {{{labels}}}}}]
    {more}
"""


@pytest.mark.parametrize(
    ("expr", "labels", "more", "count"),
    [
        pytest.param('up{job="web"}', "", "", 0, id="the name"),
        pytest.param('up{job="wep"}', "", "", 1, id="another name"),
        pytest.param('up{job=~"web|api"}', "", "", 0, id="one of a pattern"),
        pytest.param('up{job=~"wep|api"}', "", "", 1, id="none of a pattern"),
        pytest.param('up{job=~".*-exporter"}', "", "", 0, id="a pattern that nobody can list"),
        pytest.param('up{job!="wep"}', "", "", 0, id="another than"),
        pytest.param('up{job="api"}', "job: api", "", 0, id="a label of the targets"),
        pytest.param('up{job="any"}', "", "honor_labels: true", 0, id="labels of the scraped"),
        pytest.param(
            'up{job="any"}', "", "relabel_configs: [{source_labels: [x], target_label: job}]", 0, id="from discovery"
        ),
        pytest.param(
            'up{job="api"}', "", "relabel_configs: [{target_label: job, replacement: api}]", 0, id="a name given"
        ),
    ],
)
def test_a_job(expr: str, labels: str, more: str, count: int) -> None:
    config = CONFIG.format(labels=labels, more=more)
    assert len(caught("job-label-differs", prometheus_yaml=config, rules_yaml=alert(expr=f"{expr} == 0"))) == count


def test_of_an_operators_jobs_only_near_misses_are_told() -> None:
    monitor = """
        apiVersion: monitoring.coreos.com/v1
        kind: PodMonitor
        metadata: {name: storefront, namespace: shop}
        spec: {jobLabel: x, selector: {matchLabels: {a: b}}, podMetricsEndpoints: [{port: m}]}
    """
    find = functools.partial(caught, "job-label-differs", monitor_yaml=monitor)
    assert find(rules_yaml=alert(expr='up{job="shop/storefront"} == 0')) == []
    assert find(rules_yaml=alert(expr='up{job="shop/storefrond"} == 0')) == [
        'no scrape gives the job "shop/storefrond"'
    ]
    assert find(rules_yaml=alert(expr='up{job="kube-state-metrics"} == 0')) == []
    assert find(rules_yaml=alert(expr='up{job="something"} == 0')) == []


def test_environments_are_kept_apart() -> None:
    def config(job: str) -> str:
        return f"scrape_configs:\n- job_name: {job}\n  static_configs: [{{targets: ['w:1']}}]\n"

    find = functools.partial(
        caught,
        "job-label-differs",
        monitoring__prometheus__dev__prometheus_yaml=config("one"),
        monitoring__prometheus__prod__prometheus_yaml=config("two"),
    )
    assert find(monitoring__prometheus__dev__rules__web_yaml=alert(expr='up{job="one"} == 0')) == []
    assert len(find(monitoring__prometheus__prod__rules__web_yaml=alert(expr='up{job="one"} == 0'))) == 1


# Monitors, policies and selectors

APP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, ports: [{name: http, containerPort: 80}, {name: metrics, containerPort: 9000}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {selector: {app: web}, ports: [{name: metrics, port: 9000, targetPort: metrics}]}
---
"""


def monitor(spec: str, namespace: str = "shop", kind: str = "ServiceMonitor") -> str:
    meta = f"metadata: {{name: m, namespace: {namespace}}}" if namespace else "metadata: {name: m}"
    return f"apiVersion: monitoring.coreos.com/v1\nkind: {kind}\n{meta}\nspec: {spec}\n"


@pytest.mark.parametrize(
    ("spec", "namespace", "count"),
    [
        pytest.param("{selector: {matchLabels: {app: web}}}", "shop", 0, id="selects"),
        pytest.param("{selector: {matchLabels: {app: wep}}}", "shop", 1, id="selects nothing"),
        pytest.param("{selector: {}}", "shop", 0, id="everything"),
        pytest.param("{selector: {matchLabels: {app: x}}}", "kube-system", 0, id="where the tree has nothing"),
        pytest.param(
            "{namespaceSelector: {matchNames: [kube-system]}, selector: {matchLabels: {k: v}}}",
            "shop",
            0,
            id="elsewhere",
        ),
        pytest.param(
            "{namespaceSelector: {matchNames: [other]}, selector: {matchLabels: {app: x}}}",
            "shop",
            1,
            id="a neighbour's",
        ),
        pytest.param(
            "{namespaceSelector: {matchNames: [monitoring]}, selector: {matchLabels: {app: x}}}", "shop", 0, id="shared"
        ),
        pytest.param("{namespaceSelector: {any: true}, selector: {matchLabels: {k: v}}}", "shop", 0, id="everywhere"),
        pytest.param(
            "{selector: {matchExpressions: [{key: app, operator: In, values: [web]}]}}", "shop", 0, id="expressions"
        ),
        pytest.param(
            "{selector: {matchExpressions: [{key: app, operator: DoesNotExist}]}}", "shop", 1, id="absent label"
        ),
    ],
)
def test_a_monitor_selects(spec: str, namespace: str, count: int) -> None:
    others = "".join(
        f"---\napiVersion: v1\nkind: Service\nmetadata: {{name: s, namespace: {name}, labels: {{app: s}}}}\n"
        for name in ("other", "monitoring")
    )
    assert len(caught("monitor-selects-nothing", app_yaml=APP + monitor(spec, namespace) + others)) == count


@pytest.mark.parametrize(
    ("reader", "count"),
    [
        ("{ruleSelector: {}}", 0),
        ("{ruleSelector: {matchLabels: {role: rules}}}", 0),
        ("{ruleSelector: {matchLabels: {role: other}}}", 1),
        ("{}", 1),
    ],
)
def test_rules_are_selected(reader: str, count: int) -> None:
    rule = """
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: r, labels: {role: rules}}
spec: {groups: []}
"""
    assert len(caught("rule-not-selected", a_yaml=rule + "---\n" + monitor(reader, kind="Prometheus"))) == count
    assert not caught("rule-not-selected", a_yaml=rule)


POLICY = """
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: %s}
"""


@pytest.mark.parametrize(
    ("ingress", "count"),
    [
        pytest.param("[]", 1, id="nothing is open"),
        pytest.param("[{}]", 0, id="everything is open"),
        pytest.param("[{ports: [{port: metrics}]}]", 0, id="by name"),
        pytest.param("[{ports: [{port: 9000}]}]", 0, id="by number"),
        pytest.param("[{ports: [{port: 8000, endPort: 9999}]}]", 0, id="within a range"),
        pytest.param("[{ports: [{port: http}]}]", 1, id="another port"),
        pytest.param("[{from: [{namespaceSelector: {}}], ports: [{port: 9000}]}]", 0, id="another namespace"),
        pytest.param(
            "[{from: [{podSelector: {matchLabels: {app: api}}}], ports: [{port: 9000}]}]", 1, id="a neighbour"
        ),
        pytest.param(
            "[{from: [{podSelector: {matchLabels: {app: prometheus}}}], ports: [{port: 9000}]}]",
            0,
            id="Prometheus itself",
        ),
    ],
)
def test_a_policy_lets_the_scrape_pass(ingress: str, count: int) -> None:
    spec = "{selector: {matchLabels: {app: web}}, endpoints: [{port: metrics}]}"
    assert len(caught("scrape-not-allowed", app_yaml=APP + monitor(spec) + POLICY % ingress)) == count


def test_pods_without_a_policy_are_open() -> None:
    spec = "{selector: {matchLabels: {app: web}}, endpoints: [{port: metrics}]}"
    other = (POLICY % "[]").replace("{app: web}", "{app: api}")
    assert not caught("scrape-not-allowed", app_yaml=APP + monitor(spec) + other)


# Hosts

COMPOSE = """
services:
  prometheus: {{image: prom/prometheus:v3.5.0, command: ["--config.file=/p.yaml"{more}]}}
  web: {{image: web, container_name: shop-web, networks: {{default: {{aliases: [front]}}}}{env}}}
"""


def targets(host: str, more: str = "") -> str:
    return f"scrape_configs:\n- job_name: web\n  static_configs: [{{targets: ['{host}:9000']}}]\n{more}"


PROBE = "  relabel_configs: [{target_label: __address__, replacement: 'blackbox:9115'}]\n"


@pytest.mark.parametrize(
    ("config", "count"),
    [
        pytest.param(targets("web"), 0, id="service"),
        pytest.param(targets("shop-web"), 0, id="container name"),
        pytest.param(targets("front"), 0, id="alias"),
        pytest.param(targets("localhost"), 0, id="itself"),
        pytest.param(targets("10.0.0.1"), 0, id="address"),
        pytest.param(targets("web.example.com"), 0, id="a name of the internet"),
        pytest.param(targets("host.docker.internal"), 0, id="the host"),
        pytest.param(targets("${HOST}"), 0, id="a variable"),
        pytest.param(targets("api"), 1, id="nobody"),
        pytest.param(targets("api", PROBE), 0, id="what a prober is told to ask"),
    ],
)
def test_hosts_that_are_scraped(config: str, count: int) -> None:
    compose = COMPOSE.format(more="", env="")
    assert len(caught("scrape-target-missing", compose_yaml=compose, prometheus_yaml=config)) == count


def test_where_prometheus_runs_elsewhere_hosts_are_not_known() -> None:
    compose = "services: {web: {image: web}}\n"
    assert not caught("scrape-target-missing", compose_yaml=compose, prometheus_yaml=targets("api"))


@pytest.mark.parametrize(
    ("address", "count"),
    [("http://web:4317", 0), ("http://api:4317", 1), ("http://localhost:4317", 0), ("https://otlp.example.com", 0)],
)
def test_collectors_in_compose(address: str, count: int) -> None:
    compose = COMPOSE.format(more="", env=f", environment: {{OTEL_EXPORTER_OTLP_ENDPOINT: '{address}'}}")
    assert len(caught("collector-endpoint-missing", compose_yaml=compose)) == count


@pytest.mark.parametrize(
    ("address", "count"),
    [
        ("http://web:9000", 0),
        ("http://web.shop:9000", 0),
        ("http://web.shop.svc.cluster.local:9000/v1/traces", 0),
        ("http://web:4317", 1),
        ("http://collector:4317", 1),
        ("http://collector.observability.svc:4317", 0),
        ("http://$(NODE_IP):4317", 0),
        ("https://otlp.vendor.example.com", 0),
    ],
)
def test_collectors_in_a_cluster(address: str, count: int) -> None:
    env = f"containers: [{{name: web, env: [{{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: '{address}'}}], ports:"
    app = APP.replace("containers: [{name: web, ports:", env)
    assert len(caught("collector-endpoint-missing", app_yaml=app)) == count


# Windows, files, tests


@pytest.mark.parametrize(
    ("expr", "kept", "count"),
    [
        ("rate(a[15d]) > 1", "", 0),
        ("rate(a[16d]) > 1", "", 1),
        ("rate(a[1d] offset 15d) > 1", "", 1),
        ("max_over_time(rate(a[1d])[15d:1h]) > 1", "", 1),
        ("rate(a[16d]) > 1", ', "--storage.tsdb.retention.time=30d"', 0),
        ("rate(a[2h]) > 1", ', "--storage.tsdb.retention.time=1h"', 1),
        ("a > 1", ', "--storage.tsdb.retention.time=1h"', 0),
        ("rate(a[16d]) > 1", ', "--storage.tsdb.retention.time=${KEEP}"', 0),
    ],
)
def test_how_far_a_rule_looks_back(expr: str, kept: str, count: int) -> None:
    compose = COMPOSE.format(more=kept, env="")
    assert len(caught("window-longer-than-retention", compose_yaml=compose, rules_yaml=alert(expr=expr))) == count


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15d", 1_296_000),
        ("200h", 720_000),
        ("1h30m", 5400),
        ("1y", 31_536_000),
        ("", None),
        ("soon", None),
        ("5", None),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert crossing.seconds(text) == seconds


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("rules/*.yaml", 0), ("/etc/prometheus/web.yaml", 0), ("/etc/prometheus/*.yml", 1), ("*", 0), ("api.yaml", 1)],
)
def test_rule_files_that_are_loaded(pattern: str, count: int) -> None:
    config = f"rule_files: ['{pattern}']\n" + targets("web")
    assert len(caught("rule-file-not-loaded", prometheus_yaml=config, rules__web_yaml=alert())) == count
    assert not caught("rule-file-not-loaded", prometheus_yaml=config, loki__rules__logs_yaml=alert())


def test_alerts_of_files_without_tests_are_left_alone() -> None:
    test = "rule_files: [web.yaml]\ntests: [{alert_rule_test: [{alertname: WebDown}]}]\n"
    find = functools.partial(caught, "alert-not-tested", rules__web_test_yaml=test)
    assert find(rules__web_yaml=alert()) == []
    assert find(rules__web_yaml=alert("WebSlow")) == ['no test looks at alert "WebSlow"']
    assert find(rules__api_yaml=alert("ApiSlow")) == []


@pytest.mark.parametrize(
    ("label", "name", "count"),
    [("app.kubernetes.io/name: web", "web", 0), ("app.kubernetes.io/name: web", "webshop", 1), ("app: web", "x", 0)],
)
def test_names_of_traces(label: str, name: str, count: int) -> None:
    app = APP.replace("metadata: {labels: {app: web}}", f"metadata: {{labels: {{{label}}}}}")
    app = app.replace("{name: web, ports:", f"{{name: web, env: [{{name: OTEL_SERVICE_NAME, value: {name}}}], ports:")
    assert len(caught("trace-name-differs", app_yaml=app)) == count


def test_many_alerts_and_a_long_runbook_take_no_time() -> None:
    names = [f"WebAlert{number}" for number in range(400)]
    page = "".join(f"## {name}\n\ntext\n\n" for name in names)
    rules = "groups:\n- name: web\n  rules:\n" + "".join(
        f"  - {{alert: {name}, expr: up == 0, annotations: {{runbook_url: 'docs/w.md#{name.lower()}'}}}}\n"
        for name in names
    )
    begun = time.process_time()
    assert not caught("runbook-anchor-missing", rules_yaml=rules, docs__w_md=page)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("name", "count"), [("web", 0), ("shop-web", 1), ("${NAME}", 0)], ids=["the same", "another", "a variable"]
)
def test_names_of_traces_in_compose(name: str, count: int) -> None:
    app = APP.replace("{name: web, ports:", "{name: web, env: [{name: OTEL_SERVICE_NAME, value: web}], ports:")
    compose = (
        f"services: {{web: {{image: web, environment: {{OTEL_RESOURCE_ATTRIBUTES: 'a=b,service.name={name}'}}}}}}\n"
    )
    assert len(caught("trace-name-differs", app_yaml=app, compose_yaml=compose)) == count
    assert not caught("trace-name-differs", compose_yaml=compose)


@pytest.mark.parametrize(
    ("url", "count"), [("docs/web.md#webdown", 0), ("docs/web.md#gone", 1), ("docs/${x}.md#gone", 0), ("/d/web", 0)]
)
def test_links_of_dashboards(url: str, count: int) -> None:
    board = BOARD.format(expr='"up"', steps="[]").replace('"panels"', f'"links": [{{"url": "{url}"}}], "panels"')
    assert len(caught("runbook-anchor-missing", d_json=board, docs__web_md=PAGE)) == count


OWN = sorted(
    rule.id
    for rule in RULES.values()
    if any(facts.fact(name).derive.startswith(("crossing-", "scrape-")) for name in rule.facts)
)
STRANGE: tuple[Any, ...] = (None, "x", 7, [], {}, [None], {"a": {"b": 1}}, ["(["], True)


def _nodes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _nodes(inner, (*path, key))


def _replaced(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    made = copy.copy(value)
    made[path[0]] = _replaced(value[path[0]], path[1:], other)
    return made


def test_every_rule_of_ours_is_among_them() -> None:
    assert len(OWN) == 19


@pytest.mark.parametrize("identity", OWN)
def test_no_value_of_a_strange_kind_is_stumbled_over(identity: str) -> None:
    """Each value of each bad example in turn is something that does not belong there."""
    rule, tried = RULES[identity], 0
    for tree in rule.examples["bad"]:
        for path, text in tree.items():
            if path.endswith(".md"):
                continue
            parts = list(yaml.safe_load_all(text))
            for number, place in ((number, place) for number, part in enumerate(parts) for place in _nodes(part)):
                tried += 1
                other = [*parts]
                other[number] = _replaced(parts[number], place, STRANGE[tried % len(STRANGE)])
                written = json.dumps(other[0]) if path.endswith(".json") else yaml.safe_dump_all(other)
                files = [SourceFile(name, written if name == path else body) for name, body in tree.items()]
                outcome = policy.judge(files, [rule], TODAY)
                assert all(finding.at.path in tree for finding in outcome.findings)
    assert tried > 10


@pytest.mark.parametrize("app", ["shop", "ecs", "voting-app"])
def test_what_we_make_agrees_with_itself(app: str) -> None:
    """Rules, routes, dashboards, scrapes, runbooks and manifests of an example, judged together."""
    folder = Path("fixtures/apps") / app
    product = spec.load(folder / "groundplan.yaml").product
    assert product is not None
    texts = {
        path.relative_to(folder / "expected").as_posix(): path.read_text("utf-8")
        for path in sorted((folder / "expected").rglob("*"))
        if path.is_file()
    }
    for part in (alertmanager, grafana, prometheus, runbooks, scraping):
        for artifact in part.plan(product):
            texts[artifact.path] = render.render_one(artifact, "groundplan.yaml").text
    sources = [SourceFile(path, text) for path, text in sorted(texts.items())]
    outcome = policy.judge(sources, [RULES[identity] for identity in OWN], TODAY)
    assert [f"{finding.at}: {finding.rule} {finding.message}" for finding in outcome.findings] == []
    judged = {item.rule for item in outcome.passes}
    assert {
        *("cross/alert-not-tested", "cross/dashboard-missing", "cross/job-label-differs"),
        *("cross/runbook-anchor-missing", "cross/runbook-of-no-alert", "cross/threshold-differs"),
        *("cross/window-longer-than-retention",),
    } <= judged
    assert ("cross/alert-not-routed" in judged) == (app != "voting-app"), "where nobody is named, nobody is reached"


def test_a_pattern_of_another_dialect_is_not_judged() -> None:
    assert reaching._asked("=~", "(", frozenset(["web"]))
