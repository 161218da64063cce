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

from generator import spec as loading
from generator.artifact import RenderedFile
from generator.model import Product
from generator.monitoring import rules
from generator.monitoring.addresses import dashboard_uid
from generator.monitoring.alert import Alert, Measure, Query
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
    spec = next(reversed(made.environments.values()), made.base)
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


def test_a_service_named_like_a_dashboard_has_one_of_its_own(spec_file: Any) -> None:
    text = "apiVersion: groundplan/v1\napp: shop\nowner: me\nservices:\n"
    for name in ("slo", "kubernetes", "infrastructure"):
        text += f"  {name}: {{type: api, runtime: python, port: 8000, slo: {{availability: 99.9}}}}\n"
    made = loading.load(spec_file(text)).product
    assert made is not None
    paths = [artifact.path for artifact in plan(made)]
    assert len(set(paths)) == len(paths)
    assert "monitoring/grafana/dashboards/service-slo.json" in paths


@pytest.mark.parametrize("app", ["shop", "ecs"])
def test_the_same_spec_gives_the_same_bytes(app: str) -> None:
    made = product(app)
    again = [render_one(artifact, made.spec_path).text for artifact in plan(made)]
    assert again == [file.text for file in rendered(app)]


def test_hostile_texts_stay_within_their_strings(spec_file: Any) -> None:
    text = (
        "apiVersion: groundplan/v1\napp: shop\nowner: me\nmonitoring: {runbooks: 'https://e.org/a\"b}?{{ y }}'}\n"
        "services:\n  web: {type: web, runtime: node, port: 3000, slo: {availability: 99.9}}\n"
        "notify: {ticket: {slack: '#x'}}\n"
        'alerts:\n  Odd:\n    expr: \'up{job="a\\\\"b"} > 1\'\n    severity: ticket\n'
        "    summary: 'quote \" backslash \\\\ brace } {{ $value }}'\n"
    )
    loaded = loading.load(spec_file(text))
    assert loaded.product is not None, loaded.findings
    for artifact in plan(loaded.product):
        if artifact.path.endswith(".json"):
            json.loads(render_one(artifact, "groundplan.yaml").text)


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


def test_links_of_alerts_lead_to_a_dashboard() -> None:
    uids = {made["uid"] for made in dashboards("shop").values()}
    assert {
        dashboard_uid("shop", name) for name in ("web", "api", "worker", "report", "infrastructure", "kubernetes")
    } <= uids


def test_dataclasses_are_not_changed_by_drawing_them() -> None:
    one = measure("cpu")
    before = dataclasses.asdict(one)
    laid_out([one], [Section("Row", (one,))], Watch((alert("x > 1", 1),)))
    assert dataclasses.asdict(one) == before
