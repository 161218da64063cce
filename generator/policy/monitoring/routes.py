"""Alertmanager's route tree with what each route inherits, and what can be known of matchers without an alert.

What depends on labels that no file tells is never decided: an unknown is neither a match nor a miss.
https://prometheus.io/docs/alerting/latest/configuration/#route
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from generator.document import Node
from generator.policy.found import elements, items, text

_MATCHER = re.compile(
    r"""\s*(?P<label>"(?:[^"\\]|\\.)*"|[^\s{}!=~,\\"'`]+)\s*(?P<sign>=~|!~|!=|=)\s*"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"|[^,]*?)\s*(?:,|$)"""
)
_WORDS = re.compile(r"[\w-]+(?:\|[\w-]+)*")
_DEAD_MAN = re.compile(r"(?i)watchdog|dead.?mans?.?(?:switch|snitch)?|heartbeat")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_TIMES = {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}


@dataclass(frozen=True, slots=True)
class Matcher:
    """`severity =~ "page|ticket"`; `quoted` says whether the value was written in quotes."""

    label: str
    sign: str
    value: str
    quoted: bool = True

    def holds(self, value: str) -> bool:
        """Whether a label with this value passes; a missing label is an empty one."""
        if self.sign in ("=", "!="):
            return (value == self.value) == (self.sign == "=")
        try:
            return bool(re.fullmatch(self.value, value)) == (self.sign == "=~")
        except re.error:
            return True  # a pattern of another dialect: nothing is known

    @property
    def values(self) -> frozenset[str]:
        """The only values that pass, when they can be listed."""
        if self.sign == "=":
            return frozenset([self.value])
        if self.sign == "=~" and _WORDS.fullmatch(self.value):
            return frozenset(self.value.split("|"))
        return frozenset()

    def __str__(self) -> str:
        return f"{self.label}{self.sign}{self.value}"


@dataclass(frozen=True, slots=True)
class Route:
    """A route with its place; `matchers` are its own, `above` those of the routes around it."""

    node: Node
    trail: tuple[str | int, ...]
    matchers: tuple[Matcher, ...]
    above: tuple[Matcher, ...]
    receiver: str
    times: Mapping[str, str]
    routes: tuple[Route, ...] = ()

    @property
    def goes_on(self) -> bool:
        """Whether what it matches is offered to its siblings too."""
        return text(self.node.get("continue")) == "true"

    @property
    def dead_man(self) -> bool:
        """Whether it carries the heartbeat of the monitoring itself."""
        return any(item.label == "alertname" and any(map(_DEAD_MAN.fullmatch, item.values)) for item in self.matchers)

    def lasts(self, key: str) -> float | None:
        """One of its times in seconds; None when it is none."""
        parts = re.findall(r"(\d+)(ms|[smhdwy])", self.times[key])
        if not parts or "".join(map("".join, parts)) != self.times[key]:
            return None
        return sum(int(number) * _SECONDS[unit] for number, unit in parts)

    def __str__(self) -> str:
        return ", ".join(map(str, self.matchers)) or "any alert"


def tree(root: Node) -> Route | None:
    """The route tree of a configuration."""
    node = root.get("route")
    if node is None or not isinstance(node.value, dict):
        return None
    return _route(node, ("route",), Route(node, (), (), (), "", _TIMES))


def every(route: Route | None) -> Iterator[Route]:
    """A route and all below it, in the order in which they are tried."""
    if route is not None:
        yield route
        for child in route.routes:
            yield from every(child)


def _route(node: Node, trail: tuple[str | int, ...], parent: Route) -> Route:
    own = Route(
        node,
        trail,
        tuple(matchers(node, "")),
        (*parent.above, *parent.matchers),
        text(node.get("receiver")) or parent.receiver,
        {key: text(node.get(key)) or value for key, value in parent.times.items()},
    )
    children = [_route(child, (*trail, "routes", index), own) for index, child in enumerate(elements(node, "routes"))]
    return replace(own, routes=tuple(children))


def matchers(node: Node, side: str) -> Iterator[Matcher]:
    """Those of a route (`side` is "") or of one side of an inhibition (`source_`, `target_`), old notations too."""
    for key, sign in ((f"{side}match", "="), (f"{side}match_re", "=~")):
        for label, value in items(node, key):
            yield Matcher(label, sign, text(value))
    for written in elements(node, f"{side}matchers"):
        yield from parsed(text(written))


def parsed(written: str) -> Iterator[Matcher]:
    """`severity="page"` or `{severity="page", team!="a"}`."""
    inner = written.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1]
    for match in _MATCHER.finditer(inner):
        value = match["value"]
        quoted = value.startswith('"') and len(value) > 1
        yield Matcher(_bare(match["label"]), match["sign"], _bare(value), quoted)


def _bare(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') and len(word) > 1 else word


def implies(known: Iterable[Matcher], wanted: Matcher) -> bool:
    """Whether every alert that passes the known matchers is sure to pass the wanted one."""
    if wanted.sign == "=~" and wanted.value == ".*":
        return True
    for item in known:
        if item.label == wanted.label:
            if (item.sign, item.value) == (wanted.sign, wanted.value):
                return True
            if item.values and all(wanted.holds(value) for value in item.values):
                return True
    return False


def covers(wider: Iterable[Matcher], narrower: Iterable[Matcher]) -> bool:
    """Whether every alert that passes the narrower ones passes the wider ones."""
    known = tuple(narrower)
    return all(implies(known, item) for item in wider)


def possible(route: Route, labels: Mapping[str, str]) -> bool:
    """Whether an alert with these labels, and others that nobody knows, may match."""
    return all(item.holds(labels[item.label]) for item in route.matchers if item.label in labels)


def certain(route: Route, labels: Mapping[str, str]) -> bool:
    """Whether an alert with these labels is sure to match."""
    return all(item.label in labels and item.holds(labels[item.label]) for item in route.matchers)


def reached(route: Route, labels: Mapping[str, str]) -> Iterator[Route]:
    """The routes that may deliver an alert with these labels."""
    held = False
    for child in route.routes:
        if possible(child, labels):
            yield from reached(child, labels)
        if certain(child, labels):
            held = True
            if not child.goes_on:
                break
    if not held:
        yield route
