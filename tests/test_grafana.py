"""Dashboards: their layout, what they measure, and that Grafana's own model knows every key of them."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from generator import policy
from generator import spec as loading
from generator.artifact import RenderedFile
from generator.document import SourceFile
from generator.model import Product
from generator.monitoring import catalogue, promql, rules
from generator.monitoring.addresses import dashboard_url
from generator.monitoring.alert import Alert, Measure, Query
from generator.policy.monitoring.grafana import plain
from generator.render import render_one
from generator.targets.monitoring.grafana import plan
from generator.targets.monitoring.grafana.panels import COLUMNS, Section, Watch, laid_out, operator, steps
from tests.conftest import APPS

PRODUCTS = ("shop", "with-database", "ecs", "every-kind", "petclinic", "smallest", "two-regions")


def product(app: str) -> Product:
    made = loading.load(APPS / app / "groundplan.yaml").product
    assert made is not None
    return made


@cache
def rendered(app: str) -> tuple[RenderedFile, ...]:
    made = product(app)
    return tuple(render_one(artifact, made.spec_path) for artifact in plan(made))


def dashboards(app: str) -> dict[str, dict[str, Any]]:
    return {file.path: json.loads(file.text) for file in rendered(app) if file.path.endswith(".json")}


def every(made: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in made["panels"]:
        yield panel
        yield from panel.get("panels", ())


ALL = [(app, path) for app in PRODUCTS for path in dashboards(app)]


@pytest.mark.parametrize(("app", "path"), ALL)
class TestEachDashboard:
    def test_panels_do_not_overlap_and_lines_are_filled(self, app: str, path: str) -> None:
        made = dashboards(app)[path]
        folded = [row["panels"] for row in made["panels"] if row.get("panels")]
        for panels in (made["panels"], *folded):
            boxes = [panel["gridPos"] for panel in panels]
            for one, other in combinations(boxes, 2):
                apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
                assert apart or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
            for y in {box["y"] for box in boxes}:
                assert sum(box["w"] for box in boxes if box["y"] == y) == COLUMNS
                assert len({box["h"] for box in boxes if box["y"] == y}) == 1

    def test_it_has_an_identity_and_no_number(self, app: str, path: str) -> None:
        made = dashboards(app)[path]
        assert "id" not in made
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", made["uid"])
        numbers = [panel["id"] for panel in every(made)]
        assert numbers == list(range(1, len(numbers) + 1))

    def test_sources_are_chosen_never_named(self, app: str, path: str) -> None:
        sources = re.findall(r'"uid": "([^"]*)"', json.dumps({**dashboards(app)[path], "uid": ""}))
        assert set(sources) - {""} <= {"${datasource}", "-- Grafana --"}

    def test_every_variable_is_declared_and_read(self, app: str, path: str) -> None:
        made = dashboards(app)[path]
        declared = {variable["name"] for variable in made["templating"]["list"]}
        read = set(re.findall(r"\$\{?(\w+)", json.dumps(made)))
        assert {name for name in read if not name.startswith("__")} == declared

    def test_each_panel_says_what_it_shows(self, app: str, path: str) -> None:
        for panel in every(dashboards(app)[path]):
            if panel["type"] != "row":
                assert panel["title"]
                assert panel["description"]
                assert panel["fieldConfig"]["defaults"]["unit"]
                assert panel["targets"]

    def test_windows_follow_the_zoom_where_raw_series_are_read(self, app: str, path: str) -> None:
        for panel in every(dashboards(app)[path]):
            for target in panel.get("targets", ()):
                for window in re.findall(r"(?:rate|increase)\([^\[]*\[([^\]]+)\]", target["expr"]):
                    assert window == "$__rate_interval"

    def test_queries_are_of_the_environment_that_is_chosen(self, app: str, path: str) -> None:
        for panel in every(dashboards(app)[path]):
            for target in panel.get("targets", ()):
                for name in re.findall(r'environment="([^"]*)"', target["expr"]):
                    assert name == "$environment"
                for name in re.findall(r'namespace="([^"]*)"', target["expr"]):
                    assert name == "$namespace"

    def test_each_line_has_a_cause(self, app: str, path: str) -> None:
        file = next(file for file in rendered(app) if file.path == path)
        assert len(file.origins) == file.text.count("\n")
        assert all(origin.causes for origin in file.origins)
        titles = [number for number, line in enumerate(file.text.splitlines()) if '"expr":' in line]
        assert all(file.origins[number].causes != ("",) for number in titles)


# Grafana's own model


def unknown(written: Any, read: Any, place: str = "") -> Iterator[str]:
    """Keys that the model dropped when it read the file."""
    if isinstance(written, dict):
        for key, value in written.items():
            if key not in read:
                yield f"{place}.{key}"
            else:
                yield from unknown(value, read[key], f"{place}.{key}")
    elif isinstance(written, list):
        for index, value in enumerate(written):
            yield from unknown(value, read[index], f"{place}[{index}]")


NOT_IN_MODEL = re.compile(
    r"\.annotations\.list\[\d+\]\.(titleFormat|tagKeys|useValueForTime|target\.(expr|interval|refId))$"
)
"""Keys of the Prometheus data source in an annotation:
https://github.com/grafana/grafana/blob/main/packages/grafana-prometheus/src/types.ts"""


@pytest.mark.parametrize(("app", "path"), ALL)
def test_the_official_model_knows_every_key(app: str, path: str) -> None:
    model = pytest.importorskip("grafana_foundation_sdk.models.dashboard", exc_type=ImportError)
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins

    register_default_plugins()
    made = dashboards(app)[path]
    read = json.loads(JSONEncoder(sort_keys=True).encode(model.Dashboard.from_json(made)))
    missing = [key for key in unknown(made, read) if not NOT_IN_MODEL.search(key)]
    assert missing == []


# thresholds


def alert(expr: str, threshold: float, severity: str = "ticket", **more: Any) -> Alert:
    values: dict[str, Any] = {
        **{"name": "A", "subject": "web", "kind": "service", "expr": expr, "for_": "5m", "keep_firing_for": ""},
        **{"severity": severity, "labels": {}, "summary": "", "description": "", "shown": "", "guide": "g"},
        **{"measure": "cpu", "threshold": threshold, "unit": "percentunit", "causes": ("services.web",), "trials": ()},
        **more,
    }
    return Alert(**values)


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        pytest.param([], [("green", None)], id="none"),
        pytest.param([alert("x > 0.9", 0.9)], [("green", None), ("orange", 0.9)], id="too much"),
        pytest.param([alert("x > 0.9", 0.9, "page")], [("green", None), ("red", 0.9)], id="somebody is woken"),
        pytest.param(
            [alert("x > 0.9", 0.9, "page"), alert("x > 0.5", 0.5)],
            [("green", None), ("orange", 0.5), ("red", 0.9)],
            id="two, in the order of their numbers",
        ),
        pytest.param(
            [alert("x > 0.9", 0.9), alert("x > 0.9", 0.9, "page")],
            [("green", None), ("red", 0.9)],
            id="the graver of two at one number",
        ),
        pytest.param([alert("x < 0.1", 0.1)], [("orange", None), ("green", 0.1)], id="too little"),
        pytest.param(
            [alert("x < 1", 1), alert("x < 0.5", 0.5, "page")],
            [("red", None), ("orange", 0.5), ("green", 1)],
            id="less is worse",
        ),
        pytest.param([alert("x > 0", 0)], [("green", None), ("orange", 1e-9)], id="nought is well"),
        pytest.param(
            [alert("x == 0", 0, "page"), alert("x < 1", 1)],
            [("red", None), ("orange", 1e-9), ("green", 1)],
            id="none at all, and too few",
        ),
        pytest.param([alert("x >= 1", 1)], [("green", None), ("orange", 1)], id="at its end"),
    ],
)
def test_colours_begin_where_alerts_fire(alerts: list[Alert], expected: list[tuple[str, float | None]]) -> None:
    assert [(step["color"], step["value"]) for step in steps(alerts)] == expected


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ('service:cpu:ratio{service="web"} > 0.9', ">"),
        ('a{b=~"x|y"} > (14.4 * 0.001)\nand c >= 70', ">"),
        ('a{b!="<"} <= 3', "<="),
        ("a == 0", "=="),
    ],
)
def test_an_alert_compares_as_it_is_written(expr: str, expected: str) -> None:
    assert operator(alert(expr, 1)) == expected


@pytest.mark.parametrize("app", PRODUCTS)
def test_thresholds_are_those_of_the_alerts(app: str) -> None:
    """Each number at which a colour begins is the threshold of an alert, and each threshold is drawn somewhere."""
    made = product(app)
    spec = next(iter(reversed(list(made.environments.values()))), made.base)
    alerts = [one for group in rules.groups(spec) for one in group.alerts if one.threshold is not None]
    numbers = {one.threshold for one in alerts}
    drawn = {
        step["value"]
        for board in dashboards(app).values()
        for panel in every(board)
        if panel["type"] != "row" and "fires" in panel["description"]
        for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        if step["value"] is not None
    }
    assert {0 if value == 1e-9 else value for value in drawn} <= numbers
    described = " ".join(panel.get("description", "") for board in dashboards(app).values() for panel in every(board))
    assert [one.name for one in alerts if one.measure and one.name not in described] == []


# layout


def measure(key: str, subject: str = "web", **more: Any) -> Measure:
    values: dict[str, Any] = {"title": key, "unit": "short", "description": key, "causes": ("services.web",), **more}
    return Measure(key=key, subject=subject, queries=(Query(expr="up", legend="up"),), **values)


@pytest.mark.parametrize("count", range(1, 14))
def test_any_number_of_panels_fills_its_lines(count: int) -> None:
    some = tuple(measure(str(number)) for number in range(count))
    for panels in (laid_out(some, [], Watch()), laid_out([], [Section("Row", some)], Watch())[1:]):
        boxes = [panel["gridPos"] for panel in panels]
        assert len(boxes) == count
        assert {sum(box["w"] for box in boxes if box["y"] == y) for y in {box["y"] for box in boxes}} == {COLUMNS}
        assert min(box["w"] for box in boxes) >= 4


def test_a_folded_row_takes_one_line_and_holds_its_panels() -> None:
    rows = laid_out([], [Section("A", (measure("a"),), folded=True), Section("B", (measure("b"),))], Watch())
    assert [(panel["type"], panel["gridPos"]["y"]) for panel in rows] == [("row", 0), ("row", 1), ("timeseries", 2)]
    assert [panel["title"] for panel in rows[0]["panels"]] != []
    assert rows[0]["collapsed"]


def test_an_empty_section_is_left_out() -> None:
    assert laid_out([], [Section("A", ())], Watch()) == []


def test_the_runbook_is_linked_where_the_alert_is_drawn() -> None:
    watch = Watch((alert("x > 1", 1),), (("web", "A", "https://example.com/web.md#a"), ("web", "B", "https://no")))
    panel = laid_out([], [Section("Row", (measure("cpu"),))], watch)[1]
    assert [link["url"] for link in panel["links"]] == ["https://example.com/web.md#a"]


# identity


@pytest.mark.parametrize("app", PRODUCTS)
def test_identities_differ(app: str) -> None:
    uids = [made["uid"] for made in dashboards(app).values()]
    assert len(set(uids)) == len(uids)


@pytest.mark.parametrize("name", ["infrastructure", "kubernetes", "slo"])
def test_no_service_may_be_named_like_a_dashboard_of_ours(spec_file: Any, name: str) -> None:
    service = f"{name}: {{type: api, runtime: python, port: 8000}}"
    text = f"apiVersion: groundplan/v1\napp: shop\nowner: me\nservices:\n  {service}\n"
    assert "spec/reserved-name" in {finding.rule for finding in loading.load(spec_file(text)).findings}


@pytest.mark.parametrize("app", ["shop", "ecs"])
def test_the_same_spec_gives_the_same_bytes(app: str) -> None:
    made = product(app)
    again = [render_one(artifact, made.spec_path).text for artifact in plan(made)]
    assert again == [file.text for file in rendered(app)]


def test_hostile_texts_stay_within_their_strings(spec_file: Any) -> None:
    text = """
apiVersion: groundplan/v1
app: shop
owner: me
monitoring: {runbooks: 'https://e.org/a"b}?{{ y }}'}
services:
  web: {type: web, runtime: node, port: 3000, slo: {availability: 99.9}}
notify: {ticket: {slack: '#x'}}
alerts:
  Odd:
    expr: 'kube_pod_info{pod="a\\\"b{{ $value }}"} > 1'
    severity: ticket
    summary: 'quote " backslash \\ brace } {{ $value }}'
"""
    loaded = loading.load(spec_file(text))
    assert loaded.product is not None, loaded.findings
    for artifact in plan(loaded.product):
        if artifact.path.endswith(".json"):
            made = json.loads(render_one(artifact, "groundplan.yaml").text)
            addresses = [link["url"] for panel in every(made) for link in panel.get("links", ())]
            assert all(address.startswith('https://e.org/a"b}?{{ y }}/') for address in addresses)


# files


def test_sources_name_no_secret_and_each_other() -> None:
    for app in PRODUCTS:
        text = next(file.text for file in rendered(app) if file.path.endswith("sources.yaml"))
        assert "password" not in text.lower()
        assert "secureJsonData" not in text
        assert re.findall(r"(?<!\$)\$(?!\$)", text.replace("$$", "")) == []
        declared = set(re.findall(r"^\s+-? ?(?:name: .*\n\s+)?uid: (\S+)", text, re.M))
        assert set(re.findall(r"[dD]atasourceUid: (\S+)|alertmanagerUid: (\S+)", text)) != set()
        assert {one or other for one, other in re.findall(r"datasourceUid: (\S+)|alertmanagerUid: (\S+)", text)} <= (
            declared
        )


@pytest.mark.parametrize("app", ["shop", "ecs"])
def test_the_environment_chooses_its_own_prometheus(app: str) -> None:
    names = [
        match
        for file in rendered(app)
        if file.path.endswith(".yaml")
        for match in re.findall(r"name: (\S+ Prometheus.*)", file.text)
    ]
    board = next(iter(dashboards(app).values()))
    variable = next(one for one in board["templating"]["list"] if one["name"] == "datasource")
    for environment in product(app).environments:
        pattern = variable["regex"].strip("/").replace("${environment}", environment)
        fitting = [name for name in names if re.search(pattern, name)]
        own = f"{product(app).base.app} Prometheus"
        assert fitting == [own, f"{own} {environment}"] if app == "shop" else [own]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.parametrize("folder", ["dashboards", "kubernetes"])
def test_kustomize_builds_the_objects_from_the_same_files(tmp_path: Path, folder: str) -> None:
    for file in rendered("shop"):
        path = tmp_path / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, "utf-8")
    place = tmp_path / "monitoring/grafana" / folder
    done = subprocess.run(["kubectl", "kustomize", str(place)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    import yaml

    objects = list(yaml.safe_load_all(done.stdout))
    maps = {one["metadata"]["name"]: one for one in objects if one["kind"] == "ConfigMap"}
    assert {text for one in maps.values() for text in one["data"].values()} == {
        file.text for file in rendered("shop") if file.path.endswith(".json")
    }
    assert all(one["metadata"]["labels"]["grafana_dashboard"] == "1" for one in maps.values())
    for one in objects:
        if one["kind"] == "GrafanaDashboard":
            reference = one["spec"]["configMapRef"]
            assert reference["key"] in maps[reference["name"]]["data"]


@pytest.mark.parametrize("app", PRODUCTS)
def test_links_of_alerts_lead_to_a_dashboard(app: str) -> None:
    made = product(app)
    uids = {board["uid"] for board in dashboards(app).values()}
    for spec in made.environments.values():
        for group in rules.groups(spec):
            for one in group.alerts:
                address = dashboard_url(spec, one.subject)
                assert address.rpartition("/d/")[2].partition("?")[0] in uids, (one.name, address)


def test_dataclasses_are_not_changed_by_drawing_them() -> None:
    one = measure("cpu")
    before = dataclasses.asdict(one)
    laid_out([one], [Section("Row", (one,))], Watch((alert("x > 1", 1),)))
    assert dataclasses.asdict(one) == before


# queries, read as PromQL


@pytest.mark.parametrize("app", PRODUCTS)
def test_every_query_is_promql_of_known_metrics(app: str) -> None:
    made = product(app)
    spec = next(iter(reversed(list(made.environments.values()))), made.base)
    recorded = {one.record for group in rules.groups(spec) for one in group.recordings}
    for board in dashboards(app).values():
        queries = [target["expr"] for panel in every(board) for target in panel.get("targets", ())]
        queries += [item["target"]["expr"] for item in board["annotations"]["list"] if "expr" in item.get("target", {})]
        assert queries
        for query in queries:
            read = promql.parse(plain(query))
            assert not isinstance(read, promql.Problem), (query, read)
            for selector in promql.selectors(read):
                known = selector.metric in recorded or selector.metric == "ALERTS" or catalogue.metric(selector.metric)
                assert known, selector.metric


@pytest.mark.parametrize("app", PRODUCTS)
def test_no_rule_about_monitoring_finds_anything_in_them(app: str) -> None:
    ours = [rule for rule in policy.rules() if rule.id.startswith("monitoring/")]
    outcome = policy.judge(list(rendered(app)), ours, policy.Context(today="2026-11-23"))
    assert [f"{finding.at} {finding.rule} {finding.message}" for finding in outcome.findings] == []


# rules about dashboards


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('rate(x{a="$b"}[$__rate_interval])', 'rate(x{a="$b"}[5m])'),
        ("rate(x[${window:raw}])", "rate(x[5m])"),
        ("rate(x[[[window]]])", "rate(x[5m])"),
        ("max_over_time(x[$__range:$__interval])", "max_over_time(x[5m:5m])"),
        ("topk($n, x offset $back)", "topk(1, x offset 5m)"),
        ("x / $total", "x / 1"),
        ('label_replace(x, "a", "$1", "b", "(.*)")', 'label_replace(x, "a", "$1", "b", "(.*)")'),
    ],
)
def test_variables_are_put_aside_before_a_query_is_read(query: str, expected: str) -> None:
    assert plain(query) == expected


def board(panel: dict[str, Any], **more: Any) -> str:
    return json.dumps({"uid": "web", "title": "Web", "panels": [{"id": 1, "title": "Panel", **panel}], **more})


def query(expr: str, **more: Any) -> dict[str, Any]:
    return {"type": "timeseries", "targets": [{"refId": "A", "expr": expr, **more}]}


VARIABLE = {"name": "job", "type": "query", "query": "label_values(up, job)", "refresh": 2}


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        pytest.param("undefined-variable", board(query('x{a=~"b$"}')), id="the end of a pattern"),
        pytest.param("undefined-variable", board(query('label_replace(x, "a", "$1", "b", "(.*)")')), id="a group"),
        pytest.param("undefined-variable", board(query("rate(x[$__rate_interval])")), id="one of Grafana's own"),
        pytest.param(
            "undefined-variable",
            board(query('x{a="${job:regex}"}'), templating={"list": [VARIABLE]}),
            id="with a format",
        ),
        pytest.param(
            "unused-variable",
            board({"type": "timeseries", "repeat": "job"}, templating={"list": [VARIABLE]}),
            id="repeated by it",
        ),
        pytest.param(
            "unused-variable",
            board({"type": "text"}, templating={"list": [VARIABLE]}, links=[{"url": "/d/x?var-job=a"}]),
            id="handed on by a link",
        ),
        pytest.param(
            "unused-variable", board({}, templating={"list": [{**VARIABLE, "type": "adhoc"}]}), id="ad-hoc filters"
        ),
        pytest.param("panel-without-query", board({"type": "text"}), id="text"),
        pytest.param("panel-without-query", board({"type": "stat", "libraryPanel": {"uid": "a"}}), id="of the library"),
        pytest.param(
            "panel-without-query",
            board({"type": "stat", "targets": [{"refId": "A", "rawSql": "select 1"}]}),
            id="another language",
        ),
        pytest.param(
            "panel-without-unit",
            board({**query("up"), "fieldConfig": {"defaults": {"mappings": [{"type": "value"}]}}}),
            id="words for numbers",
        ),
        pytest.param(
            "panel-without-unit",
            board(
                {**query("up"), "fieldConfig": {"overrides": [{"properties": [{"id": "unit", "value": "s"}]}]}},
            ),
            id="a unit for some fields",
        ),
        pytest.param("fixed-rate-window", board(query("rate(x[1h])", instant=True)), id="one moment"),
        pytest.param("fixed-rate-window", board(query("increase(x[1d])")), id="a sum over a day"),
        pytest.param("fixed-rate-window", board({**query("rate(x[5m])"), "type": "stat"}), id="a single number"),
        pytest.param("legend-label-dropped", board(query("up", legendFormat="{{job}}")), id="all labels are there"),
        pytest.param(
            "legend-label-dropped",
            board(query("sum by (a) (x) * on (a) group_left (b) y", legendFormat="{{b}}")),
            id="brought by the other side",
        ),
        pytest.param("legend-label-dropped", board(query("sum by (", legendFormat="{{b}}")), id="no PromQL"),
        pytest.param(
            "series-named-alike",
            board(query('sum by (job) (x{job="$job"})', legendFormat="x")),
            id="held to one by the reader",
        ),
        pytest.param(
            "hard-wired-data-source",
            board({"type": "stat", "datasource": {"type": "datasource", "uid": "grafana"}}),
            id="Grafana itself",
        ),
        pytest.param("too-fast-refresh", board({}, refresh=""), id="never"),
        pytest.param("too-fast-refresh", board({}, refresh=False), id="never, in an older notation"),
        pytest.param("dead-dashboard-link", board({}, links=[{"url": "/d/elsewhere"}]), id="the only one in the tree"),
        pytest.param("dashboard-with-id", board({}, id=None), id="null"),
        pytest.param(
            "overlapping-panels",
            board({"gridPos": {"x": 0, "y": 0, "w": 12}}),
            id="a place that is not whole",
        ),
        pytest.param("thresholds-out-of-order", board({"fieldConfig": {"defaults": {}}}), id="no thresholds"),
    ],
)
def test_what_is_well_is_left_alone(rule: str, text: str) -> None:
    assert messages(rule, text) == []


@pytest.mark.parametrize(
    ("rule", "text", "message"),
    [
        pytest.param(
            "undefined-variable",
            board({"type": "row", "panels": [{"id": 2, **query('x{a="[[nobody]]"}')}]}),
            "$nobody is not declared",
            id="in a folded row, in the old notation",
        ),
        pytest.param(
            "multi-value-matched-exactly",
            board(query('x{job!="${job}"}'), templating={"list": [{**VARIABLE, "includeAll": True}]}),
            'job!="${job}" matches nothing as soon as two values are chosen',
            id="all of them, and not equal",
        ),
        pytest.param(
            "fixed-rate-window",
            board(query("sum(rate(x{a=~'b(c)'}[$__interval]))")),
            "the rate is over $__interval, whatever is looked at",
            id="as small as a pixel",
        ),
        pytest.param(
            "hard-wired-data-source",
            board({}, annotations={"list": [{"datasource": "Prometheus"}]}),
            "data source Prometheus exists in one Grafana only",
            id="of an annotation, by name",
        ),
        pytest.param(
            "thresholds-out-of-order",
            board({"fieldConfig": {"defaults": {"thresholds": {"steps": [{"value": 1}, {"value": 2}]}}}}),
            "steps do not rise, Panel: 1, 2",
            id="no base",
        ),
        pytest.param(
            "overlapping-panels",
            board(
                {
                    "type": "row",
                    "panels": [
                        {"title": "A", "gridPos": {"x": 0, "y": 1, "w": 12, "h": 8}},
                        {"title": "B", "gridPos": {"x": 11, "y": 8, "w": 12, "h": 8}},
                    ],
                }
            ),
            'panel "B" lies on another one',
            id="within a row",
        ),
    ],
)
def test_what_breaks_is_found(rule: str, text: str, message: str) -> None:
    assert messages(rule, text) == [message]


def messages(rule: str, text: str) -> list[str]:
    ours = [one for one in policy.rules() if one.id == f"monitoring/{rule}"]
    assert ours
    outcome = policy.judge([SourceFile("web.json", text)], ours, policy.Context(today="2026-11-23"))
    return [finding.message for finding in outcome.findings]


def test_the_laptop_mounts_what_is_written() -> None:
    from generator.targets.monitoring.grafana import laptop

    made = product("shop")
    service = laptop.services(made)["grafana"].value
    folders = {volume.split(":")[0].removeprefix("./") for volume in service["volumes"] if volume.startswith("./")}
    paths = [file.path for file in rendered("shop")]
    assert folders
    assert all(any(path.startswith(f"{folder}/") for path in paths) for folder in folders)
    provider = next(
        file.text for file in rendered("shop") if file.path.endswith("provisioning/dashboards/dashboards.yaml")
    )
    assert any(f":{path}:ro" in volume for volume in service["volumes"] for path in re.findall("path: (.*)", provider))
    named = {volume.split(":")[0] for volume in service["volumes"]} - {f"./{folder}" for folder in folders}
    assert named == set(laptop.volumes(made))
