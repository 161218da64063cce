"""A graph as a Mermaid flowchart, which GitHub and GitLab draw within Markdown.

https://mermaid.js.org/syntax/flowchart.html. What could end or change a label is written as a numeric entity
(`#35;`), and labels in boxes stand in quotes as well. Ids are ours, so that none is a word of the language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.diagrams.graph import COLOURS, Graph, Group, Line, Node

_SHAPES = {
    "person": ("([", "])"),
    "gate": ("{{", "}}"),
    "store": ("[(", ")]"),
    "queue": ("[/", "/]"),
    "secret": ("[/", "\\]"),
    "job": ("(", ")"),
}


def lines(graph: Graph) -> Iterator[Line]:
    """The text, line by line; every node before the edges, so that ids are known."""
    origin = graph.nodes[0].causes if graph.nodes else ()
    yield "flowchart LR", origin
    yield from _inside(graph, "", 1)
    for edge in graph.edges:
        arrow = "-.->" if edge.kind == "aside" else "-->"
        label = f"|{escaped(edge.label, ' .,')}| " if edge.label else ""
        yield f"  {edge.source} {arrow} {label}{edge.target}", edge.causes
    for kind in sorted({node.kind for node in graph.nodes}):
        fill, line = COLOURS[kind]
        mine = [node for node in graph.nodes if node.kind == kind]
        causes = tuple(dict.fromkeys(cause for node in mine for cause in node.causes))
        yield f"  classDef {kind}_ fill:{fill},stroke:{line},color:#111827", causes
        yield f"  class {','.join(node.id for node in mine)} {kind}_", causes


def escaped(text: str, harmless: str = " .,:/_+()-=@*?!") -> str:
    """Text of a label: letters, digits and harmless marks as they are, all else by number."""
    shown = (mark if mark.isalnum() or mark in harmless else f"#{ord(mark)};" for mark in " ".join(text.split()))
    return re.sub(r"\bend\b", "#101;nd", "".join(shown))  # the one word that ends a chart within a label too


def _inside(graph: Graph, group: str, depth: int) -> Iterator[Line]:
    nodes, groups = graph.inside(group)
    indent = "  " * depth
    for node in nodes:
        yield indent + _drawn(node), node.causes
    for child in groups:
        yield from _frame(graph, child, depth)


def _frame(graph: Graph, group: Group, depth: int) -> Iterator[Line]:
    indent = "  " * depth
    yield f'{indent}subgraph group_{group.id}["{escaped(group.label)}"]', group.causes
    yield from _inside(graph, group.id, depth + 1)
    yield f"{indent}end", group.causes


def _drawn(node: Node) -> str:
    shape = _SHAPES.get(node.kind)
    if shape is None:
        return f'{node.id}["{"<br/>".join(escaped(text) for text in node.label)}"]'
    label = "<br/>".join(escaped(text, " .,:") for text in node.label)
    return f"{node.id}{shape[0]}{label}{shape[1]}"
