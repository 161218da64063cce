"""The drawings of every environment: in Markdown for whoever reads the repository, in DOT for whoever prints them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from generator.artifact import Artifact, because
from generator.diagrams import dot, mermaid
from generator.diagrams.graph import Graph, Line
from generator.diagrams.views import graphs
from generator.markdown import written
from generator.model import Product

FOLDER = "docs/infrastructure/diagrams"


def plan(product: Product) -> Iterator[Artifact]:
    """A page and the sources of its drawings for each environment."""
    for name, spec in product.environments.items():
        drawn = graphs(spec)
        context = {
            "app": because(written(spec.app), "app"),
            "environment": because(name, spec.environment.path),
            "views": [_view(graph) for graph in drawn],
        }
        yield Artifact(f"{FOLDER}/{name}.md", "docs", "docs/diagrams.md.j2", context, "services", name)
        for graph in drawn:
            path = f"{FOLDER}/{name}-{graph.name}.dot"
            yield Artifact(path, "docs", "docs/diagram.dot.j2", {"lines": _lines(dot.lines(graph))}, "services", name)


def _view(graph: Graph) -> dict[str, Any]:
    cause = graph.nodes[0].causes if graph.nodes else ("services",)
    return {
        "title": because(graph.title, *cause),
        "about": because(written(graph.about), *cause),
        "lines": _lines(mermaid.lines(graph)),
    }


def _lines(lines: Iterable[Line]) -> list[Any]:
    return [because(text, *causes) for text, causes in lines]
