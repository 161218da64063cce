"""The text of a spec -> a tree of nodes with places, or findings that say what to write instead.

Reads YAML 1.2 events and resolves scalars itself, so that everything a YAML 1.1 reader, an editor or
a colleague could read differently (`no`, `0550`, `1e3`, `1.10`) is refused with its cure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generator.document import Location, Node, Scalar, pointer
from generator.errors import Fault
from generator.finding import Finding, Related, Severity

MAX_BYTES = 1_048_576
MAX_VALUES = 20_000
MAX_DEPTH = 40
MAX_BRACKETS = 400

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)?\.[0-9]+|[-+]?(?:0|[1-9][0-9]*)\.")
_HALF = re.compile("[\ud800-\udfff]")
_BOOLEAN_TRAP = re.compile(r"yes|no|on|off|y|n", re.I)
_NO_KEYS = frozenset({"yes", "no", "on", "off", "true", "false", "null", "~"})
_NUMBER_TRAP = re.compile(
    r"[-+]?0[0-9_]+|[-+]?0[oxb][0-9a-f_]+|[-+]?[0-9.][0-9_.]*e[-+]?[0-9]+|[-+]?[0-9]+_[0-9_.]*"
    r"|[-+]?\.(?:inf|nan)|[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?",
    re.I,
)
_BARE_REFERENCE = re.compile(r"""[\[{][^"'#]*?(?:[:,\[]\s*)(?P<at>\$\{[^}]*\})""")


def read(path: Path, name: str) -> tuple[Node | None, tuple[Finding, ...], str]:
    """The file as (tree, findings, text); the tree is None when the text cannot be a spec.

    `name` is the path that places and messages show. Raises Fault for a path that is no readable file.
    """
    if path.is_dir():
        raise Fault(f"{name} is a directory", f"name the spec in it, such as {name.rstrip('/')}/groundplan.yaml")
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise Fault(f"there is no {name}", "write one with `groundplan init`, or name yours with --spec") from error
    except OSError as error:
        raise Fault(f"{name} cannot be read: {error.strerror}", "mend its permissions") from error
    if len(raw) > MAX_BYTES:
        text = f"the file has {len(raw):,} bytes; a spec has at most {MAX_BYTES:,}"
        return None, (_finding("too-large", text, Location(name, 1, 1), "split it with `extends`"),), ""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        at = Location(name, before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1)
        message = f"the byte 0x{raw[error.start]:02x} is not UTF-8"
        return None, (_finding("not-utf8", message, at, "save the file as UTF-8"),), ""
    tree, findings = parse(text, name)
    return tree, findings, text


def parse(text: str, name: str) -> tuple[Node | None, tuple[Finding, ...]]:
    """The same for a text at hand."""
    if _brackets(text) > MAX_BRACKETS:
        message = f"values are nested more than {MAX_DEPTH} deep"
        return None, (_finding("too-deep", message, Location(name, 1, 1), "write the values with less nesting"),)
    events = _quick(text)
    if events is None:
        events, wrong = _careful(text, name)
        if wrong is not None:
            return None, (wrong,)
    builder = _Builder(name)
    tree = builder.document(iter(events))
    findings = tuple(sorted(builder.findings, key=lambda finding: finding.order))
    if tree is None:
        return None, findings or (
            _finding("empty", "the file holds no spec", Location(name, 1, 1), "write one with `groundplan init`"),
        )
    if not isinstance(tree.value, dict):
        message = "a spec is a mapping of keys, such as `app: shop`"
        return None, (*findings, _finding("not-a-mapping", message, tree.at, "see `groundplan schema`"))
    return tree, findings


def _brackets(text: str) -> int:
    """How deep brackets open, strings not looked at: enough to keep a parser from a hostile file."""
    depth = deepest = 0
    for char in text:
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


def _quick(text: str) -> list[Any] | None:
    """The events as libyaml gives them, twenty times faster; None where it is not there or sees an error."""
    import yaml

    if not hasattr(yaml, "CLoader"):
        return None
    try:
        return list(yaml.parse(text, Loader=yaml.CLoader))
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _careful(text: str, name: str) -> tuple[list[Any], Finding | None]:
    """The events as ruamel.yaml gives them, or what it says is wrong: its places and words are the better ones."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        return list(YAML(pure=True).parse(text)), None
    except MarkedYAMLError as error:
        return [], _syntax(error, text, name)
    except ReaderError as error:
        return [], _character(error.position, text, name)
    except YAMLError as error:
        return [], _finding("syntax", _first_line(str(error)), Location(name, 1, 1), "remove the character")
    except (ValueError, RecursionError) as error:
        return [], _finding("syntax", _first_line(str(error)), Location(name, 1, 1), "mend the YAML")


class _TooMuch(Exception):
    """The document is larger than a spec may be; the finding says so."""


@dataclass(slots=True)
class _Builder:
    """Events -> nodes, collecting findings on the way."""

    name: str
    findings: list[Finding] = field(default_factory=list)
    anchors: dict[str, Node] = field(default_factory=dict)
    open_anchors: set[str] = field(default_factory=set)
    values: int = 0

    def document(self, events: Iterator[Any]) -> Node | None:
        tree: Node | None = None
        documents = 0
        try:
            for event in events:
                kind = type(event).__name__
                if kind == "DocumentStartEvent":
                    documents += 1
                    if documents > 1:
                        message = "a second document begins here; a spec is one document"
                        self.say("several-documents", message, self.place(event, ""), "remove the `---`")
                        return tree
                    tree = self.node(next(events), events, "", 0)
        except _TooMuch:
            return None
        if tree is not None and tree.value is None and tree.at.pointer == "":
            return None
        return tree

    def node(self, event: Any, events: Iterator[Any], path: str, depth: int) -> Node:
        at = self.place(event, path)
        if depth > MAX_DEPTH:
            self.too_much("too-deep", f"values are nested more than {MAX_DEPTH} deep", at, "write them flat")
        kind = type(event).__name__
        if kind == "AliasEvent":
            return self.alias(event, at)
        if getattr(event, "tag", None) not in {None, "!"}:
            self.say("tag", f"the tag {event.tag} has no meaning in a spec", at, "write the value without a tag")
        anchor = event.anchor
        if anchor:
            self.open_anchors.add(anchor)
        if kind == "ScalarEvent":
            made = Node(self.scalar(event, at), at)
        elif kind == "SequenceStartEvent":
            made = self.sequence(events, at, path, depth)
        else:
            made = self.mapping(events, at, path, depth)
        if anchor:
            self.open_anchors.discard(anchor)
            self.anchors[anchor] = made
        self.count(1, at)
        return made

    def alias(self, event: Any, at: Location) -> Node:
        if event.anchor in self.open_anchors or event.anchor not in self.anchors:
            why = "refers to itself" if event.anchor in self.open_anchors else "has no anchor before it"
            self.say("alias", f"the alias *{event.anchor} {why}", at, "write the value out")
            return Node("", at)
        target = self.anchors[event.anchor]
        self.count(sum(1 for _ in target.walk()), at)
        return target

    def count(self, more: int, at: Location) -> None:
        self.values += more
        if self.values > MAX_VALUES:
            fix = "write the values out where they are needed, without aliases of aliases"
            self.too_much("too-many-values", f"the spec grows beyond {MAX_VALUES:,} values here", at, fix)

    def too_much(self, rule: str, message: str, at: Location, fix: str) -> None:
        self.say(rule, message, at, fix)
        raise _TooMuch

    def sequence(self, events: Iterator[Any], at: Location, path: str, depth: int) -> Node:
        items: list[Node] = []
        for event in events:
            if type(event).__name__ == "SequenceEndEvent":
                break
            items.append(self.node(event, events, pointer(path, len(items)), depth + 1))
        return Node(tuple(items), at)

    def mapping(self, events: Iterator[Any], at: Location, path: str, depth: int) -> Node:
        entries: dict[str, Node] = {}
        for event in events:
            if type(event).__name__ == "MappingEndEvent":
                break
            key_at = self.place(event, path)
            if type(event).__name__ != "ScalarEvent":
                self.say(
                    "key-not-text", "a key is a word, not a list or mapping", key_at, "write a word before the `:`"
                )
                self.node(event, events, path, depth + 1)
                self.node(next(events), events, path, depth + 1)
                continue
            key = str(event.value)
            here = pointer(path, key)
            if not event.style and key.lower() in _NO_KEYS:
                message = f"the key `{key}` is no word to YAML readers"
                self.say(
                    "ambiguous-boolean", message, self.place(event, here), f'write "{key}", or choose another name'
                )
            value = self.node(next(events), events, here, depth + 1)
            if key == "<<":
                self.say("merge-key", "`<<` is not part of YAML 1.2", key_at, "use `extends` or an environment")
            elif key in entries:
                first = Related(entries[key].key_at or entries[key].at, "first given here")
                fix = "keep one of the two"
                self.say("duplicate-key", f'"{key}" is given twice', self.place(event, here), fix, first)
            else:
                entries[key] = Node(value.value, _moved(value.at, here), self.place(event, here))
        return Node(entries, at)

    def scalar(self, event: Any, at: Location) -> Scalar:
        text = str(event.value)
        if event.style:
            return self.whole(text, at)
        return self.plain(text, at)

    def whole(self, text: str, at: Location) -> str:
        """A quoted text with characters that JSON escapes as two halves put together."""
        if text.isascii() or not _HALF.search(text):
            return text
        try:
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            fix = r"write the character itself, or both halves such as \ud83c\udf0d"
            self.say("half-character", "an escape here is one half of a character", at, fix)
            return _HALF.sub("\ufffd", text)

    def plain(self, text: str, at: Location) -> Scalar:
        """A word without quotes, as YAML 1.2 core reads it; traps are reported and read as text."""
        if text in {"", "~", "null", "Null", "NULL"}:
            return None
        if text in {"true", "True", "TRUE", "false", "False", "FALSE"}:
            return text.lower() == "true"
        if _BOOLEAN_TRAP.fullmatch(text):
            truth = "true" if text.lower() in {"yes", "on", "y"} else "false"
            message = f"`{text}` is a boolean to some YAML readers and a word to others"
            self.say("ambiguous-boolean", message, at, f'write {truth}, or "{text}" for the word')
            return text
        if _NUMBER_TRAP.fullmatch(text):
            message = f"`{text}` is one number to some YAML readers and another, or a word, to others"
            self.say("ambiguous-number", message, at, f'write "{text}" for the text, or the number in plain decimals')
            return text
        if _INT.fullmatch(text):
            return int(text) if len(text) < 19 else text
        if _FLOAT.fullmatch(text):
            if str(float(text)) != text:
                message = f"`{text}` is read as the number {float(text)}"
                fix = f'write "{text}" for the text, or {float(text)} where a number is meant'
                self.say("ambiguous-number", message, at, fix)
                return text
            return float(text)
        return text

    def place(self, event: Any, path: str) -> Location:
        return Location(self.name, event.start_mark.line + 1, event.start_mark.column + 1, path)

    def say(self, rule: str, message: str, at: Location, fix: str, *related: Related) -> None:
        self.findings.append(_finding(rule, message, at, fix, *related))


def _moved(at: Location, path: str) -> Location:
    return Location(at.path, at.line, at.column, path)


def _finding(rule: str, message: str, at: Location, fix: str, *related: Related) -> Finding:
    return Finding(f"spec/{rule}", Severity.HIGH, message, at, fix=fix, related=related, property=at.pointer)


def _character(position: int, text: str, name: str) -> Finding:
    """A character that YAML forbids, at its place."""
    before = text[:position]
    at = Location(name, before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)
    message = f"the character U+{ord(text[position]):04X} cannot stand in YAML"
    return _finding("syntax", message, at, "remove it")


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "the text is not YAML"


def _syntax(error: Any, text: str, name: str) -> Finding:
    """A parser's error in our words; the two that people meet most have answers of their own."""
    mark = error.problem_mark or error.context_mark
    at = Location(name, mark.line + 1, mark.column + 1) if mark else Location(name, 1, 1)
    lines = text.splitlines()
    for number in range(at.line, max(0, at.line - 3), -1):
        row = lines[number - 1] if number <= len(lines) else ""
        bare = _BARE_REFERENCE.search(row)
        if bare:
            place = Location(name, number, bare.start("at") + 1)
            message = f"{bare.group('at')} stands without quotes between braces, where YAML reads `{{` as a mapping"
            return _finding("unquoted-reference", message, place, f'quote it: "{bare.group("at")}"')
        indent = re.match(r" *\t", row)
        if indent:
            place = Location(name, number, indent.end())
            return _finding("tab", "a tab cannot indent YAML", place, "use spaces")
    problem = error.problem or error.context or "the text is not YAML"
    return _finding(
        "syntax", f"YAML cannot be read here: {problem}", at, "mend the line; often a quote, colon or indent is missing"
    )
