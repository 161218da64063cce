"""A graph in the language of Graphviz: https://graphviz.org/doc/info/lang.html.

Every id and label is a quoted string, in which a quote and a backslash are escaped and nothing else means anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from generator.diagrams.graph import COLOURS, Graph, Line, Node

_SHAPES = {
    "person": "ellipse",
    "gate": "hexagon",
    "store": "cylinder",
    "queue": "parallelogram",
    "secret": "note",
    "external": "component",
    "observer": "tab",
    "registry": "folder",
}


def lines(graph: Graph) -> Iterator[Line]:
    """The text, line by line."""
    origin = graph.nodes[0].causes if graph.nodes else ()
    yield f"digraph {quoted(graph.name)} {{", origin
    yield f"  graph [rankdir=LR, fontname=Helvetica, labelloc=t, label={quoted(graph.title)}]", origin
    yield '  node [shape=box, style="filled,rounded", fontname=Helvetica, fontsize=11, fontcolor="#111827"]', origin
    yield '  edge [fontname=Helvetica, fontsize=9, color="#6b7280", fontcolor="#374151"]', origin
    yield from _inside(graph, "", 1)
    for edge in graph.edges:
        style = ", style=dashed" if edge.kind == "aside" else ""
        yield f"  {quoted(edge.source)} -> {quoted(edge.target)} [label={quoted(edge.label)}{style}]", edge.causes
    yield "}", origin


def quoted(text: str) -> str:
    """A string of the language; control characters have no place in a label."""
    flat = "".join(mark if mark.isprintable() else " " for mark in text)
    return '"' + flat.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _inside(graph: Graph, group: str, depth: int) -> Iterator[Line]:
    nodes, groups = graph.inside(group)
    indent = "  " * depth
    for node in nodes:
        yield indent + _drawn(node), node.causes
    for child in groups:
        yield f"{indent}subgraph {quoted(f'cluster_{child.id}')} {{", child.causes
        yield f'{indent}  graph [label={quoted(child.label)}, style=rounded, color="#9ca3af"]', child.causes
        yield from _inside(graph, child.id, depth + 1)
        yield f"{indent}}}", child.causes


def _drawn(node: Node) -> str:
    fill, line = COLOURS[node.kind]
    shape = _SHAPES.get(node.kind, "box")
    style = "" if shape in {"box", "hexagon"} else ", style=filled"
    label = "\\n".join(quoted(text)[1:-1] for text in node.label)
    return f'{quoted(node.id)} [label="{label}", shape={shape}, fillcolor="{fill}", color="{line}"{style}]'
