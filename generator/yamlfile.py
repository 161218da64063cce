"""YAML (and JSON) files with places, fast: PyYAML's C parser, nodes only.

Scalars are read as Kubernetes reads them (sigs.k8s.io/yaml: YAML 1.1 booleans and octals), since most
files we judge are its. A spec is read by `specfile`, which refuses such words instead.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from generator.document import Location, Node, Scalar, pointer
from generator.finding import Finding, Related, Severity

MAX_BYTES = 5_000_000
MAX_VALUES = 200_000
MAX_DEPTH = 100

_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_HEX = re.compile(r"[-+]?0x[0-9a-fA-F_]+")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+")


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
    reader = _Reader(path)
    documents: list[Node] = []
    try:
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
    except (_TooMuch, RecursionError):
        message = f"the file holds more than {MAX_VALUES:,} values, or nests them more than {MAX_DEPTH} deep"
        reader.findings.append(
            _finding("too-many-values", message, Location(path, 1, 1), "write aliases out where they are needed")
        )
        documents.clear()
    return tuple(documents), tuple(reader.findings)


class _TooMuch(Exception):
    """More values than a file may grow to."""


class _Reader:
    """PyYAML nodes -> ours."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.findings: list[Finding] = []
        self.values = 0

    def node(self, node: Any, path: str, depth: int) -> Node:
        self.values += 1
        if self.values > MAX_VALUES or depth > MAX_DEPTH:
            raise _TooMuch
        at = Location(self.path, node.start_mark.line + 1, node.start_mark.column + 1, path)
        kind = node.id
        if kind == "mapping":
            return Node(self.mapping(node, path, depth), at)
        if kind == "sequence":
            children = enumerate(node.value)
            return Node(tuple(self.node(child, pointer(path, index), depth + 1) for index, child in children), at)
        return Node(node.value if node.style else scalar(node.value), at)

    def mapping(self, node: Any, path: str, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value) if key_node.id == "scalar" else "?"
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
    first = text[0]
    if not (first.isdigit() or first in "+-."):
        return text
    digits = text.replace("_", "")
    if _INT.fullmatch(text):
        return int(digits)
    if _OCTAL.fullmatch(text):
        return int(digits, 8)
    if _HEX.fullmatch(text):
        return int(digits, 16)
    return float(digits) if _FLOAT.fullmatch(text) and digits not in {".", "-.", "+."} else text


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
