"""YAML (and JSON) files with places, fast: PyYAML's C parser, nodes only.

Scalars are read as Kubernetes reads them (sigs.k8s.io/yaml: YAML 1.1 booleans, `y` and `n` among them, numbers
as Go writes them), since most files we judge are its. A spec is read by `specfile`, which refuses such words instead.
"""

from __future__ import annotations

import functools
import math
import re
from typing import Any

from generator.document import Location, Node, Scalar, pointer
from generator.finding import Finding, Related, Severity

MAX_BYTES = 5_000_000
MAX_VALUES = 200_000
MAX_DEPTH = 100
_MANY_MARKS = 5_000

_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_NUMBERS = (
    (re.compile(r"[-+]?(?:0|[1-9][0-9]*)"), 10),
    (re.compile(r"[-+]?0[oO]?[0-7]+"), 8),
    (re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), 16),
    (re.compile(r"[-+]?0[bB][01]+"), 2),
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_MOST_DIGITS = 40
"""More than any number has that a cluster takes; Python itself refuses to read more than 4,300."""
_TEXT = "tag:yaml.org,2002:str"


@functools.lru_cache(maxsize=1024)
def read(text: str, path: str) -> tuple[tuple[Node, ...], tuple[Finding, ...]]:
    """The documents of a file, and what is wrong with it; what follows a syntax error is not read.

    Several checkers read the same files, so an answer is kept; its nodes are not to be changed.
    """
    import yaml

    if len(text) > MAX_BYTES:
        message = f"the file has {len(text):,} characters; at most {MAX_BYTES:,} are read"
        return (), (_finding("too-large", message, Location(path, 1, 1), "split it"),)
    loader_class: Any = getattr(yaml, "CLoader", yaml.Loader)
    reader = _Reader(path, text)
    documents: list[Node] = []
    try:
        _refuse_depth(loader_class, text)
        loader = loader_class(text)
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                documents.append(reader.node(node, "", 0))
    except yaml.MarkedYAMLError as error:
        reader.findings.append(_syntax(error, text, path))
    except yaml.YAMLError as error:
        message = f"YAML cannot be read: {str(error).splitlines()[0]}"
        reader.findings.append(_finding("syntax", message, Location(path, 1, 1), "remove the character"))
    except (_TooDeep, RecursionError):
        message = f"the file nests its values more than {MAX_DEPTH} deep"
        reader.findings.append(_finding("too-many-values", message, Location(path, 1, 1), "take the nesting apart"))
        documents.clear()
    except _TooMany:
        message = f"the file holds more than {MAX_VALUES:,} values"
        fix = "split it, or write out the aliases that multiply them"
        reader.findings.append(_finding("too-many-values", message, Location(path, 1, 1), fix))
        documents.clear()
    return tuple(documents), tuple(reader.findings)


class _TooMany(Exception):
    """More values than a file may grow to."""


class _TooDeep(Exception):
    """More nesting than a file may have."""


def _refuse_depth(loader_class: Any, text: str) -> None:
    """The C parser makes nodes by recursion and dies of depth; its events tell the depth without any.

    Few files have brackets and dashes enough to be worth the second look: blocks nest by indentation
    only as deep as a file of this size has room for.
    """
    import yaml

    if text.count("[") + text.count("{") + text.count("-") + text.count("?") < _MANY_MARKS:
        return
    loader, depth = loader_class(text), 0
    while loader.check_event():
        event = loader.get_event()
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _TooDeep


class _Reader:
    """PyYAML nodes -> ours."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.findings: list[Finding] = []
        self.values = 0

    def node(self, node: Any, path: str, depth: int) -> Node:
        self.values += 1
        if depth > MAX_DEPTH:
            raise _TooDeep
        if self.values > MAX_VALUES:
            raise _TooMany
        at = Location(self.path, node.start_mark.line + 1, node.start_mark.column + 1, path)
        kind = node.id
        if kind == "mapping":
            return Node(self.mapping(node, path, depth), at)
        if kind == "sequence":
            children = enumerate(node.value)
            return Node(tuple(self.node(child, pointer(path, index), depth + 1) for index, child in children), at)
        return Node(node.value if node.style or self.tagged_text(node) else scalar(node.value), at)

    def tagged_text(self, node: Any) -> bool:
        """`!!str 8080`: a text without quotes."""
        return bool(node.tag == _TEXT and self.text.startswith("!", node.start_mark.index))

    def mapping(self, node: Any, path: str, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for key_node, value_node in node.value:
            if key_node.id != "scalar":
                at = Location(self.path, key_node.start_mark.line + 1, key_node.start_mark.column + 1, path)
                fix = "write the key as a text"
                self.findings.append(_finding("key-not-a-text", "a list or a mapping stands as a key here", at, fix))
                continue
            key = str(key_node.value)
            here = pointer(path, key)
            key_at = Location(self.path, key_node.start_mark.line + 1, key_node.start_mark.column + 1, here)
            value = self.node(value_node, here, depth + 1)
            if key == "<<" and not key_node.style:
                self.merge(entries, value)
                continue
            if key in entries and entries[key].layer != "merged":
                first = Related(entries[key].key_at or entries[key].at, "first given here")
                message = f'"{key}" is given twice; most readers keep the last one'
                self.findings.append(_finding("duplicate-key", message, key_at, "keep one of the two", first))
            entries[key] = Node(value.value, value.at, key_at)
        return entries

    def merge(self, entries: dict[str, Node], value: Node) -> None:
        """YAML 1.1 merge keys, as compose files use them: what is there wins."""
        for source in value.listed() or (value,):
            for key, child in source.items():
                entries.setdefault(key, Node(child.value, child.at, child.key_at, layer="merged"))


def scalar(text: str) -> Scalar:
    """A plain scalar as YAML 1.1 reads it."""
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if not (text[0].isdigit() or text[0] in "+-."):
        return text
    digits = text.replace("_", "") if text[0] != "." else text
    if len(digits) <= _MOST_DIGITS:
        for pattern, radix in _NUMBERS:
            if pattern.fullmatch(digits):
                return int(digits.lower().replace("0o", "0"), radix)
    number = float(digits) if _FLOAT.fullmatch(digits) else math.inf
    return number if math.isfinite(number) else text


def _syntax(error: Any, text: str, path: str) -> Finding:
    mark = error.problem_mark or error.context_mark
    at = Location(path, mark.line + 1, mark.column + 1) if mark else Location(path, 1, 1)
    problem = str(error.problem or error.context or "the text is not YAML")
    row = text.splitlines()[at.line - 1 : at.line]
    if row and "\t" in row[0][: len(row[0]) - len(row[0].lstrip())]:
        return _finding("tab", "a tab cannot indent YAML", at, "use spaces")
    return _finding(
        "syntax", f"YAML cannot be read here: {problem}", at, "mend the line; often a quote, colon or indent is missing"
    )


def _finding(rule: str, message: str, at: Location, fix: str, *related: Related) -> Finding:
    return Finding(f"yaml/{rule}", Severity.HIGH, message, at, fix=fix, related=related, property=at.pointer)
