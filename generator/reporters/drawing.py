"""A graph as SVG: laid out in columns from left to right, coloured by the page's own style, told in words beside it.

A small layered layout: a node stands one column behind the last one that leads to it, an edge that passes a column has
a place of its own there, and what is in a column is ordered by the middle of its neighbours. Nothing is random, so the
same graph is the same picture.
"""

from __future__ import annotations

import html
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from generator.diagrams.graph import Edge, Graph, Node

_LETTER, _LINE, _PADDING = 6.7, 16, 12
"""Width of a letter, height of a line and room around a text, in the units of the picture."""
_COLUMN, _ROW, _MARGIN = 116, 22, 24
"""Room between columns, which holds the labels of edges, between rows, and around everything."""
_LOOP = 46
"""How far an edge swings out that leads back."""
_LONGEST = 34
_Point = tuple[float, float]
_SWEEPS = 6


@dataclass(frozen=True, slots=True)
class _Box:
    """Where a node stands: its left upper corner and its size."""

    node: Node
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def svg(graph: Graph, name: str) -> str:
    """The picture as markup; `name` is what its title is called by, unlike any other of the page."""
    boxes, through = _laid(graph)
    points = [point for places in through.values() for point in places]
    width = max((box.x + box.width for box in boxes.values()), default=0) + _MARGIN + _LOOP
    height = max((*(box.y + box.height for box in boxes.values()), *(y for _, y in points)), default=0) + _MARGIN
    room = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    tip = 'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"'
    parts = [
        f'<svg class="drawing" {room} role="img" aria-labelledby="{name}-title {name}-desc">',
        f'<title id="{name}-title">{_text(graph.title)}</title>',
        f'<desc id="{name}-desc">{_text(told(graph))}</desc>',
        f'<marker id="{name}-tip" {tip}><path d="M0 0L8 4L0 8z" class="tip"/></marker>',
        *_frames(graph, boxes),
        *(_line(edge, boxes, through[edge], name) for edge in graph.edges),
        *(_drawn(box) for box in boxes.values()),
        *(_label(edge, boxes, through[edge]) for edge in graph.edges),
        "</svg>",
    ]
    return "".join(parts)


def told(graph: Graph) -> str:
    """The same in words, for whoever cannot see it."""
    names = {node.id: node.label[0] for node in graph.nodes}
    links = [
        f"{names[edge.source]} to {names[edge.target]}" + (f" ({edge.label})" if edge.label else "")
        for edge in graph.edges
    ]
    alone = set(names) - {end for edge in graph.edges for end in (edge.source, edge.target)}
    apart = [f"{names[name]} stands alone" for name in names if name in alone]
    return f"{graph.about} {'; '.join((*links, *apart))}."


def _laid(graph: Graph) -> tuple[Mapping[str, _Box], Mapping[Edge, tuple[_Point, ...]]]:
    """Boxes of nodes by id, and the points through which each edge goes that passes columns."""
    ranks = _ranks(graph)
    columns: list[list[str]] = [[] for _ in range(max(ranks.values(), default=0) + 1)]
    for node in graph.nodes:
        columns[ranks[node.id]].append(node.id)
    passed = {edge: _passed(number, edge, ranks) for number, edge in enumerate(graph.edges)}
    links: list[tuple[str, str]] = []
    for edge, places in passed.items():
        for rank, place in enumerate(places, ranks[edge.source] + 1):
            columns[rank].append(place)
        links += itertools.pairwise((edge.source, *places, edge.target))
    nodes = {node.id: node for node in graph.nodes}
    sizes = {name: _size(nodes[name]) if name in nodes else (0.0, 4.0) for column in columns for name in column}
    spots = _placed(_ordered(columns, links), sizes)
    boxes = {name: _Box(node, *spots[name], *sizes[name]) for name, node in nodes.items()}
    return boxes, {edge: tuple(spots[place] for place in places) for edge, places in passed.items()}


def _passed(number: int, edge: Edge, ranks: Mapping[str, int]) -> tuple[str, ...]:
    """A name for the place of an edge in each column between its ends."""
    return tuple(f"{number} {rank}" for rank in range(ranks[edge.source] + 1, ranks[edge.target]))


def _placed(columns: Sequence[Sequence[str]], sizes: Mapping[str, tuple[float, float]]) -> Mapping[str, _Point]:
    heights = [sum(sizes[name][1] + _ROW for name in column) - _ROW for column in columns]
    spots: dict[str, _Point] = {}
    x = float(_MARGIN)
    for column, high in zip(columns, heights, strict=True):
        wide = max((sizes[name][0] for name in column), default=0)
        y = _MARGIN + _LINE + (max(heights) - high) / 2
        for name in column:
            width, height = sizes[name]
            spots[name] = (x + (wide - width) / 2, y)
            y += height + _ROW
        x += wide + _COLUMN
    return spots


def _size(node: Node) -> tuple[float, float]:
    longest = max(len(_short(line)) for line in node.label)
    return max(longest * _LETTER + 2 * _PADDING, 72), len(node.label) * _LINE + 2 * _PADDING - 4


def _ranks(graph: Graph) -> Mapping[str, int]:
    """The column of each node: the longest way to it, circles cut where they close."""
    following: dict[str, list[str]] = defaultdict(list)
    for edge in graph.edges:
        if edge.source != edge.target:
            following[edge.source].append(edge.target)
    order: list[str] = []
    state: dict[str, int] = {}
    cut: set[tuple[str, str]] = set()
    for node in graph.nodes:
        _visited(node.id, following, state, cut, order)
    ranks = {node.id: 0 for node in graph.nodes}
    for name in reversed(order):
        for other in following[name]:
            if (name, other) not in cut:
                ranks[other] = max(ranks[other], ranks[name] + 1)
    return ranks


def _visited(
    start: str, following: Mapping[str, list[str]], state: dict[str, int], cut: set[tuple[str, str]], order: list[str]
) -> None:
    """Depth first, without recursion: fills the order in which nodes are left, and the edges that close a circle."""
    if start in state:
        return
    state[start] = 1
    path = [(start, iter(following[start]))]
    while path:
        name, rest = path[-1]
        other = next(rest, None)
        if other is None:
            state[name] = 2
            order.append(name)
            path.pop()
        elif state.get(other) == 1:
            cut.add((name, other))
        elif other not in state:
            state[other] = 1
            path.append((other, iter(following[other])))


def _ordered(columns: list[list[str]], links: Sequence[tuple[str, str]]) -> list[list[str]]:
    near: dict[str, list[str]] = defaultdict(list)
    for one, other in links:
        near[one].append(other)
        near[other].append(one)
    for sweep in range(_SWEEPS):
        walk = range(len(columns)) if sweep % 2 == 0 else reversed(range(len(columns)))
        for index in walk:
            place = {name: at / max(len(column), 1) for column in columns for at, name in enumerate(column)}
            column = columns[index]
            middle = {
                name: sum(place[other] for other in near[name]) / len(near[name]) if near[name] else place[name]
                for name in column
            }
            columns[index] = sorted(column, key=lambda name: (middle[name], column.index(name)))
    return columns


def _frames(graph: Graph, boxes: Mapping[str, _Box]) -> Iterator[str]:
    """Groups whose nodes stand together, and with no other node between them."""
    for group in graph.groups:
        inside = _members(graph, group.id)
        own = [boxes[name] for name in inside]
        left, top = min(box.x for box in own) - 10, min(box.y for box in own) - _LINE - 4
        right, low = max(box.x + box.width for box in own) + 10, max(box.y + box.height for box in own) + 8
        strangers = (box for name, box in boxes.items() if name not in inside)
        if any(b.x < right and b.x + b.width > left and b.y < low and b.y + b.height > top for b in strangers):
            continue
        room = f'x="{left:.0f}" y="{top:.0f}" width="{right - left:.0f}" height="{low - top:.0f}"'
        yield f'<rect class="frame" {room} rx="8"/>'
        yield f'<text class="group" x="{left + 8:.0f}" y="{top + 13:.0f}">{_text(group.label)}</text>'


def _members(graph: Graph, group: str) -> set[str]:
    nodes, groups = graph.inside(group)
    return {node.id for node in nodes}.union(*(_members(graph, child.id) for child in groups))


def _line(edge: Edge, boxes: Mapping[str, _Box], through: Sequence[_Point], name: str) -> str:
    source, target = boxes[edge.source], boxes[edge.target]
    if source is target:
        return ""
    begin = (source.x + source.width, source.middle)
    if target.x > begin[0]:
        points = (begin, *through, (target.x - 2, target.middle))
        path = "".join(_curve(one, other) for one, other in itertools.pairwise(points))
    else:
        end = (target.x + target.width + 2, target.middle)
        far = max(begin[0], end[0]) + _LOOP
        path = f"C{far:.0f} {begin[1]:.0f} {far:.0f} {end[1]:.0f} {end[0]:.0f} {end[1]:.0f}"
    return f'<path class="{edge.kind}" d="M{begin[0]:.0f} {begin[1]:.0f}{path}" marker-end="url(#{name}-tip)"/>'


def _curve(one: _Point, other: _Point) -> str:
    bend = (other[0] - one[0]) / 2
    return f"C{one[0] + bend:.0f} {one[1]:.0f} {other[0] - bend:.0f} {other[1]:.0f} {other[0]:.0f} {other[1]:.0f}"


def _label(edge: Edge, boxes: Mapping[str, _Box], through: Sequence[_Point]) -> str:
    """In the room behind the column where the edge begins, which holds no box."""
    source, target = boxes[edge.source], boxes[edge.target]
    if not edge.label or source is target:
        return ""
    begin = source.x + source.width
    if target.x > begin:
        x, y = through[0] if through else (target.x, target.middle)
        x, y = (begin + x) / 2, (source.middle + y) / 2
    else:
        x, y = max(begin, target.x + target.width) + 36, (source.middle + target.middle) / 2
    return f'<text class="label" x="{x:.0f}" y="{y - 4:.0f}">{_text(_short(edge.label))}</text>'


def _drawn(box: _Box) -> str:
    more = ' class="more"'
    lines = "".join(
        f'<tspan x="{box.x + box.width / 2:.0f}" y="{box.y + _PADDING + 10 + number * _LINE:.0f}"'
        f"{more if number else ''}>{_text(_short(line))}</tspan>"
        for number, line in enumerate(box.node.label)
    )
    round_ = {"person": box.height / 2, "job": 14, "service": 6, "product": 6}.get(box.node.kind, 2)
    room = f'x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width:.0f}" height="{box.height:.0f}" rx="{round_:.0f}"'
    return f'<g class="node {box.node.kind}"><rect {room}/><text>{lines}</text></g>'


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _text(text: str) -> str:
    from generator.reporters.wording import visible

    return html.escape(visible(text))
