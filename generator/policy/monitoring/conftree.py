"""Fluent Bit's classic notation and Fluentd's as trees with places.

Classic Fluent Bit becomes what its YAML notation is (`service`, `pipeline.inputs` …), so that one set of facts
serves both; names of options are lower case there, since Fluent Bit does not tell them apart, and one that stands
several times is a sequence. Fluentd has a tree of its own: a directive is a mapping with `@name`, `@argument`, its
parameters and `@inside`. Both keep what cannot be read under `problems`.

https://docs.fluentbit.io/manual/administration/configuring-fluent-bit/classic-mode/format-schema
https://docs.fluentd.org/configuration/config-file
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from generator.document import Location, Node

_SECTION = re.compile(r"\[\s*([A-Za-z_]+)\s*\]")
_PLACES = {
    "input": ("pipeline", "inputs"),
    "filter": ("pipeline", "filters"),
    "output": ("pipeline", "outputs"),
    "parser": ("parsers",),
    "multiline_parser": ("multiline_parsers",),
    "stream_task": ("stream_processor",),
    "plugins": ("plugins",),
    "upstream": ("upstream_servers",),
    "node": ("upstream_nodes",),
    "custom": ("customs",),
}
"""Where the YAML notation has the sections that may stand several times."""


def read(text: str, path: str, form: str) -> Node:
    """The sections of a file, in the shape that the YAML notation has (`fluent-bit`), or its directives (`fluentd`)."""
    return _fluentd(text, path) if form == "fluentd" else _classic(text, path)


@dataclass(slots=True)
class _Section:
    """A section while it is read: its options in file order, each with all its values."""

    at: Location
    options: dict[str, list[Node]] = field(default_factory=dict)

    def add(self, key: str, node: Node) -> None:
        self.options.setdefault(key, []).append(node)

    def node(self) -> Node:
        made = {key: _one_or_all(values) for key, values in self.options.items()}
        return Node(made, self.at, self.at)


def _one_or_all(values: list[Node]) -> Node:
    return values[0] if len(values) == 1 else Node(tuple(values), values[0].at, values[0].key_at)


# Fluent Bit, classic


def _classic(text: str, path: str) -> Node:
    top = Location(path, 1, 1)
    sections: dict[str, list[_Section]] = {}
    includes: list[Node] = []
    variables: dict[str, Node] = {}
    problems: list[Node] = []
    current: _Section | None = None
    for number, line in enumerate(text.splitlines(), 1):
        body = line.strip()
        at = Location(path, number, len(line) - len(line.lstrip()) + 1)
        if not body or body.startswith("#"):
            continue
        if body.startswith("@"):
            _command(body, at, includes, variables, problems)
        elif header := _SECTION.fullmatch(body):
            current = _Section(at)
            sections.setdefault(header[1].lower(), []).append(current)
        elif current is None:
            problems.append(Node(f"{body.split()[0]} stands in no section", at, at))
        else:
            key, node = _entry(body, at)
            current.add(key, node)
    made: dict[str, Node] = {}
    if includes:
        made["includes"] = Node(tuple(includes), includes[0].at)
    if variables:
        made["env"] = Node(variables, top)
    for name, found in sections.items():
        _place(made, name, found)
    made["problems"] = Node(tuple(problems), top)
    return Node(made, top)


def _command(body: str, at: Location, includes: list[Node], variables: dict[str, Node], problems: list[Node]) -> None:
    """`@INCLUDE file`, `@SET key=value`."""
    word, _, rest = body.partition(" ")
    rest = rest.strip()
    if word.upper() == "@INCLUDE" and rest:
        includes.append(Node(rest, at, at))
    elif word.upper() == "@SET" and "=" in rest:
        key, _, value = rest.partition("=")
        variables[key.strip()] = Node(value.strip(), at, at)
    else:
        problems.append(Node(f"{word} is no command of Fluent Bit", at, at))


def _entry(body: str, at: Location) -> tuple[str, Node]:
    """A key and all that stands behind the blanks after it; a value may be empty."""
    key, *rest = re.split(r"[ \t]+", body, maxsplit=1)
    value = rest[0] if rest else ""
    column = at.column + len(body) - len(value) if value else at.column
    place = Location(at.path, at.line, column, key.lower())
    return key.lower(), Node(value, place, at)


def _place(made: dict[str, Node], name: str, found: list[_Section]) -> None:
    place = _PLACES.get(name, (name,))
    nodes = tuple(section.node() for section in found)
    if name == "service":
        merged: dict[str, Node] = {}
        for node in nodes:
            merged |= dict(node.items())
        made["service"] = Node(merged, nodes[0].at, nodes[0].at)
    elif len(place) == 2:
        pipeline = made.get(place[0])
        inner = dict(pipeline.items()) if pipeline is not None else {}
        inner[place[1]] = Node(nodes, nodes[0].at)
        made[place[0]] = Node(inner, pipeline.at if pipeline is not None else nodes[0].at)
    else:
        made[place[0]] = Node(nodes, nodes[0].at)


# Fluentd

_OPENS = re.compile(r"<\s*([a-zA-Z_]\w*)\s*([^>]*?)\s*>")
_CLOSES = re.compile(r"</\s*([a-zA-Z_]\w*)\s*>")


@dataclass(slots=True)
class _Directive:
    name: str
    argument: str
    at: Location
    section: _Section
    inside: list[Node] = field(default_factory=list)

    def node(self) -> Node:
        made = {"@name": Node(self.name, self.at, self.at), "@argument": Node(self.argument, self.at, self.at)}
        made |= dict(self.section.node().items())
        made["@inside"] = Node(tuple(self.inside), self.at)
        return Node(made, self.at, self.at)


def _fluentd(text: str, path: str) -> Node:
    top = Location(path, 1, 1)
    stack = [_Directive("", "", top, _Section(top))]
    problems: list[Node] = []
    lines = text.splitlines()
    for number, body in _logical_lines(lines):
        raw = lines[number - 1]
        at = Location(path, number, len(raw) - len(raw.lstrip()) + 1)
        if closed := _CLOSES.fullmatch(body):
            _close(stack, closed[1], at, problems)
        elif opened := _OPENS.fullmatch(body):
            stack.append(_Directive(opened[1], opened[2], at, _Section(at)))
        elif body.startswith("<"):
            problems.append(Node(f"{body} is no directive", at, at))
        else:
            key, node = _parameter(body, at)
            stack[-1].section.add(key, node)
    while len(stack) > 1:
        problems.append(Node(f"<{stack[-1].name}> is never closed", stack[-1].at, stack[-1].at))
        _close(stack, stack[-1].name, stack[-1].at, problems)
    root = stack[0].node()
    made = {key: node for key, node in root.items() if key not in ("@name", "@argument")}
    return Node({**made, "problems": Node(tuple(problems), top)}, top)


def _close(stack: list[_Directive], name: str, at: Location, problems: list[Node]) -> None:
    """End the innermost directive; one of another name is a problem, and ends nothing when none is open."""
    if stack[-1].name != name:
        problems.append(Node(f"</{name}> ends no <{name}>", at, at))
        if all(directive.name != name for directive in stack[1:]):
            return
        while stack[-1].name != name:
            stack[-2].inside.append(stack.pop().node())
    stack[-2].inside.append(stack.pop().node())


def _logical_lines(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Lines without comments; a bracket or a double quote that is not closed goes on in the next line."""
    held, first = "", 0
    for number, line in enumerate(lines, 1):
        body = line.strip()
        if not held and (not body or body.startswith("#")):
            continue
        first = first or number
        held = f"{held}\n{body}" if held else body
        if _is_open(held) and number - first < 1_000:
            continue
        yield first, _uncommented(held)
        held, first = "", 0
    if held:
        yield first, _uncommented(held)


def _is_open(text: str) -> bool:
    value = text.partition(" ")[2].strip()
    if value[:1] in "[{" and value:
        return value.count(value[0]) > value.count({"[": "]", "{": "}"}[value[0]])
    return value.startswith('"') and len(re.findall(r'(?<!\\)"', value)) % 2 == 1


def _uncommented(text: str) -> str:
    """Without a comment behind the value; quotes, patterns and lists may hold a `#`."""
    value = text.partition(" ")[2].strip()
    if value[:1] in ('"', "'", "[", "{", "/") or "#{" in value:
        return text
    return re.sub(r"\s+#.*\Z", "", text)


def _parameter(body: str, at: Location) -> tuple[str, Node]:
    """A parameter; a quoted value is what the quotes hold."""
    key, *rest = re.split(r"[ \t]+", body, maxsplit=1)
    value = rest[0].strip() if rest else ""
    column = at.column + body.find(value) if value else at.column
    place = Location(at.path, at.line, column, key)
    return key, Node(_unquoted(value), place, at)


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1].replace("\\'", "'").replace("\\\\", "\\")
    if len(value) > 1 and value[0] == value[-1] == '"' and "\n" not in value:
        try:
            found = json.loads(value)
        except ValueError:
            return value[1:-1]
        return str(found)
    return value
