"""A drawing before any notation: nodes, edges and groups, each with the spec places it follows from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

LIMIT = 40
"""More nodes than this nobody reads on one page."""

Line = tuple[str, tuple[str, ...]]
"""A line of a notation, and the spec places behind it."""

COLOURS = {
    "person": ("#fff4d6", "#8a6100"),
    "product": ("#dbeafe", "#1d4ed8"),
    "service": ("#dbeafe", "#1d4ed8"),
    "job": ("#e0e7ff", "#4338ca"),
    "gate": ("#dcfce7", "#15803d"),
    "store": ("#fce7f3", "#be185d"),
    "queue": ("#fce7f3", "#be185d"),
    "secret": ("#fee2e2", "#b91c1c"),
    "external": ("#f3f4f6", "#4b5563"),
    "observer": ("#ede9fe", "#6d28d9"),
    "registry": ("#f3f4f6", "#4b5563"),
}
"""Fill and line of each kind; the text is dark on all of them, so that a dark page changes nothing."""


@dataclass(frozen=True, slots=True)
class Node:
    """`kind` decides the shape; the lines of `label` stand below each other; `group` is the id of a group, or ""."""

    id: str
    label: tuple[str, ...]
    kind: str
    causes: tuple[str, ...]
    group: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """From one node to another; `kind` is `flow`, or `aside` for what is no request (copies, pages, records)."""

    source: str
    target: str
    label: str
    causes: tuple[str, ...]
    kind: str = "flow"


@dataclass(frozen=True, slots=True)
class Group:
    """A frame around nodes; `parent` is the group it lies in, or ""."""

    id: str
    label: str
    causes: tuple[str, ...]
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """One drawing. `view` names what it shows, `part` tells drawings of one view apart; 0 when there is one."""

    view: str
    title: str
    about: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...] = ()
    part: int = 0

    @property
    def name(self) -> str:
        return f"{self.view}-{self.part}" if self.part else self.view

    def inside(self, group: str) -> tuple[tuple[Node, ...], tuple[Group, ...]]:
        """The nodes and groups directly in a group; "" for those in none."""
        nodes = tuple(node for node in self.nodes if node.group == group)
        return nodes, tuple(child for child in self.groups if child.parent == group)


def graph(
    view: str, title: str, about: str, nodes: Iterable[Node], edges: Iterable[Edge], groups: Iterable[Group] = ()
) -> Graph:
    """A graph without doubles, without edges to nowhere and without empty groups."""
    known = {node.id: node for node in nodes}
    kept = {
        (edge.source, edge.target, edge.label): edge for edge in edges if {edge.source, edge.target} <= known.keys()
    }
    return _framed(Graph(view, title, about, tuple(known.values()), tuple(kept.values()), tuple(groups)))


def parts(whole: Graph) -> Iterator[Graph]:
    """The graph, or several that together show each node and each edge, none with more than LIMIT nodes.

    An edge is shown with both its ends, so a node with many neighbours stands in several parts.
    """
    if len(whole.nodes) <= LIMIT:
        yield whole
        return
    drawn: list[tuple[set[str], list[Edge]]] = [(set(), [])]
    for edge in whole.edges:
        if len(drawn[-1][0] | {edge.source, edge.target}) > LIMIT:
            drawn.append((set(), []))
        drawn[-1][0].update((edge.source, edge.target))
        drawn[-1][1].append(edge)
    joined = {name for names, _ in drawn for name in names}
    for node in whole.nodes:
        if node.id not in joined:
            if len(drawn[-1][0]) >= LIMIT:
                drawn.append((set(), []))
            drawn[-1][0].add(node.id)
    for number, (names, edges) in enumerate(drawn, 1):
        nodes = tuple(node for node in whole.nodes if node.id in names)
        title = f"{whole.title}, part {number} of {len(drawn)}"
        yield _framed(replace(whole, title=title, nodes=nodes, edges=tuple(edges), part=number))


def _framed(made: Graph) -> Graph:
    """Without groups that hold nothing."""
    parents = {group.id: group.parent for group in made.groups}
    used: set[str] = set()
    for node in made.nodes:
        around = node.group
        while around in parents and around not in used:
            used.add(around)
            around = parents[around]
    return replace(made, groups=tuple(group for group in made.groups if group.id in used))
