"""Diagrams: every part of the spec is drawn, nothing else is, and the real parsers agree."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import hypothesis
import pytest
import yaml
from hypothesis import strategies as st

from generator import pipeline, render, spec
from generator.artifact import RenderedFile
from generator.diagrams import dot, mermaid
from generator.diagrams.graph import LIMIT, Edge, Graph, Group, Node, graph, parts
from generator.diagrams.views import VIEWS, graphs, node_id
from generator.model import Product
from generator.targets.docs import diagrams
from tests.conftest import APPS, ROOT

NAMES = sorted(path.parent.name for path in APPS.glob("*/groundplan.yaml"))


@functools.cache
def product(app: str) -> Product:
    made = spec.load(APPS / app / "groundplan.yaml").product
    assert made is not None
    return made


def on_kubernetes(app: str) -> bool:
    made = product(app)
    return "kubernetes" in pipeline.wanted(made) and made.base.platform.compute == "kubernetes"


@functools.cache
def rendered(app: str) -> tuple[RenderedFile, ...]:
    return tuple(render.render_one(artifact, "groundplan.yaml") for artifact in diagrams.plan(product(app)))


def node_tool(name: str) -> str:
    """A program of npm: from the folder that is named, from tests/node, or from the path."""
    folders = [os.environ.get("GROUNDPLAN_NODE_TOOLS", ""), str(ROOT / "tests" / "node")]
    for folder in filter(None, folders):
        found = Path(folder) / "node_modules" / ".bin" / name
        if found.exists():
            return str(found)
    on_path = shutil.which(name)
    if on_path is None:
        pytest.skip(f"{name} is not installed: npm ci --prefix tests/node")
    return on_path


@pytest.mark.parametrize("app", NAMES)
def test_every_environment_has_every_view_and_none_is_too_large(app: str) -> None:
    for made in product(app).environments.values():
        drawn = graphs(made)
        assert {graph.view for graph in drawn} == set(VIEWS)
        for one in drawn:
            assert 1 <= len(one.nodes) <= LIMIT
            assert {end for edge in one.edges for end in (edge.source, edge.target)} <= {n.id for n in one.nodes}


@pytest.mark.parametrize("app", NAMES)
def test_every_service_and_store_is_drawn(app: str) -> None:
    for made in product(app).environments.values():
        for view in ("deployment", "data-flow"):
            ids = {node.id for graph in graphs(made) if graph.view == view for node in graph.nodes}
            assert ids >= {node_id("service", name) for name in made.services}
            assert ids >= {node_id("resource", name) for name in made.resources}


@pytest.mark.parametrize("app", NAMES)
def test_no_arrow_between_services_is_undeclared(app: str) -> None:
    for made in product(app).environments.values():
        declared = {
            (node_id("service", one.name), node_id("service", other))
            for one in made.services.values()
            for other in one.calls
        }
        declared |= {
            (node_id("service", one.name), node_id("resource", other))
            for one in made.services.values()
            for other in one.uses
        }
        declared |= {
            (there, here) for here, there in declared if there.startswith("resource_")
        }  # a queue is worked off
        for one in graphs(made):
            for edge in one.edges:
                if edge.source.startswith("service_") and edge.target.startswith(("service_", "resource_")):
                    assert (edge.source, edge.target) in declared


@pytest.mark.parametrize("app", [app for app in NAMES if on_kubernetes(app)])
def test_the_network_view_is_what_the_network_policies_allow(app: str) -> None:
    """Between pods: each policy's ports from each named caller, in the rendered manifests."""
    base = [file for file in pipeline.generate(product(app)) if file.path.endswith("/networkpolicy.yaml")]
    allowed = set()
    for file in base:
        body = yaml.safe_load(file.text)
        if body["kind"] != "NetworkPolicy" or not file.path.startswith("kubernetes/base/"):
            continue
        to = body["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
        for rule in body["spec"].get("ingress", []):
            for peer in rule.get("from", []):
                caller = peer.get("podSelector", {}).get("matchLabels", {}).get("app.kubernetes.io/name")
                if caller and "namespaceSelector" not in peer:
                    allowed |= {
                        (node_id("service", caller), node_id("service", to), str(p["port"])) for p in rule["ports"]
                    }
    last = list(product(app).environments.values())[-1]
    drawn = {
        (edge.source, edge.target, edge.label)
        for one in graphs(last)
        if one.view == "network"
        for edge in one.edges
        if edge.source.startswith("service_") and edge.target.startswith("service_")
    }
    assert {(a, b) for a, b, _ in drawn} == {(a, b) for a, b, _ in allowed}


@pytest.mark.parametrize("app", NAMES)
def test_every_line_answers_why(app: str) -> None:
    for file in rendered(app):
        assert len(file.origins) == file.text.count("\n")
        assert all(origin.causes for origin in file.origins)


@pytest.mark.parametrize("app", NAMES)
def test_mermaid_is_what_its_parser_reads(app: str, tmp_path: Path) -> None:
    program = node_tool("maid")
    for file in rendered(app):
        if file.path.endswith(".md"):
            (tmp_path / Path(file.path).name).write_text(file.text, encoding="utf-8")
    done = subprocess.run([program, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("app", NAMES)
def test_graphviz_draws_all_of_it(app: str) -> None:
    program = shutil.which("dot")
    if program is None:
        pytest.skip("graphviz is not installed")
    for file in rendered(app):
        if file.path.endswith(".dot"):
            done = subprocess.run([program, "-Tjson"], input=file.text, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert not done.stderr
            assert json.loads(done.stdout)["objects"]


def test_sixty_services_are_drawn_in_parts(tmp_path: Path) -> None:
    lines = ["apiVersion: groundplan/v1", "app: many", "owner: team-many", "services:"]
    for number in range(60):
        calls = f", calls: [s{number + 1}]" if number < 59 else ""
        lines.append(f"  s{number}: {{runtime: go, port: 8080, uses: [db]{calls}}}")
    lines += ["resources:", "  db: {type: postgres, version: 17}"]
    path = tmp_path / "groundplan.yaml"
    path.write_text("\n".join(lines) + "\n")
    made = spec.load(path).product
    assert made is not None
    drawn = graphs(made.environments["prod"])
    network = [one for one in drawn if one.view == "network"]
    assert len(network) > 1
    assert all(len(one.nodes) <= LIMIT for one in drawn)
    assert [one.part for one in network] == list(range(1, len(network) + 1))
    assert len({one.name for one in drawn}) == len(drawn)
    edges = {(edge.source, edge.target) for one in network for edge in one.edges}
    assert {(f"service_s{n}", f"service_s{n + 1}") for n in range(59)} <= edges


def test_a_part_shows_no_more_than_it_may_and_all_parts_show_everything() -> None:
    nodes = [Node(f"n{number}", ("x",), "service", ("app",)) for number in range(100)]
    hub = [Edge("n0", f"n{number}", "", ("app",)) for number in range(1, 90)]
    whole = graph("network", "N", "n", nodes, hub)
    drawn = list(parts(whole))
    assert all(len(one.nodes) <= LIMIT for one in drawn)
    assert {node.id for one in drawn for node in one.nodes} == {node.id for node in nodes}
    assert [edge for one in drawn for edge in one.edges] == hub


HOSTILE = [
    '"',
    "]",
    "end",
    "#35;",
    "<script>",
    "%% x",
    "`",
    "a|b",
    "\\",
    "{{",
    "é 漢",
    "--> b",
    "(x)",
    "a\nb",
    "&amp;",
    ";",
    "\\n",
]


def small(text: str) -> Graph:
    """A label everywhere one can stand."""
    kinds = ("person", "gate", "store", "queue", "secret", "external", "job", "service", "observer", "registry")
    nodes = [Node(f"n{number}", (text, text), kind, ("app",), "g") for number, kind in enumerate(kinds)]
    edges = [Edge("n0", f"n{number}", text, ("app",), "aside" if number % 2 else "flow") for number in range(1, 10)]
    return graph("network", text, text, nodes, edges, [Group("g", text, ("app",))])


@pytest.mark.parametrize("text", HOSTILE)
def test_no_label_breaks_out(text: str, tmp_path: Path) -> None:
    made = small(text)
    for lines in (mermaid.lines(made), dot.lines(made)):
        assert all("\n" not in line for line, _ in lines)
    count = 1 + 10 + 2 + 9 + 2 * 10
    assert len(list(mermaid.lines(made))) == count
    (tmp_path / "a.mmd").write_text("\n".join(line for line, _ in mermaid.lines(made)) + "\n", encoding="utf-8")
    done = subprocess.run([node_tool("maid"), str(tmp_path / "a.mmd")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    program = shutil.which("dot")
    if program is not None:
        source = "\n".join(line for line, _ in dot.lines(made))
        drawn = subprocess.run([program, "-Tjson"], input=source, capture_output=True, text=True, check=False)
        assert drawn.returncode == 0, drawn.stderr
        assert len([item for item in json.loads(drawn.stdout)["objects"] if "nodes" not in item]) == 10


@hypothesis.given(st.text(max_size=30))
def test_a_label_has_nothing_that_ends_it(text: str) -> None:
    shown = mermaid.escaped(text)
    assert not re.search(r'["\[\]{}|<>`%\\]', shown)
    assert re.fullmatch(r"(?:[^#;]|#\d+;)*", shown)
    assert len(dot.quoted(text).replace("\\\\", "").replace('\\"', "").strip('"')) >= 0
    assert '"' not in dot.quoted(text)[1:-1].replace("\\\\", "").replace('\\"', "")
