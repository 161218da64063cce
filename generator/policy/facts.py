"""Facts: named values with their places, selected out of any files.

`rules/facts.yaml` and its siblings name them. A fact says in which documents it lies, `at` which position a
subject stands, and which `value` of the subject is meant; a subject without the value yields a
missing one, so that a rule can ask whether it exists.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from generator import data
from generator.document import Location, Node, Scalar
from generator.errors import Fault
from generator.policy import derived, readings
from generator.policy.documents import POD, Document
from generator.policy.loading import Malformed, Mould, fault, plain

Trail: TypeAlias = tuple[str | int, ...]

KEYS = (
    *("file", "object", "pod", "container", "stage", "instruction", "entry"),
    *("service", "namespace", "name", "environment", "all"),
)
"""What values of two facts can be joined by."""

UNKNOWN = frozenset(["unknown", "reference"])
"""Layers of nodes whose value is known after apply only; a reference to a resource is sure to have one."""

LOCAL_KEYS = frozenset(["file", "object", "pod", "container", "stage", "instruction", "entry"])
"""Those that never join two objects."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a fact. `shown` is how the file writes it; `value` is what verbs compare."""

    fact: str
    value: Scalar | frozenset[str]
    shown: str
    at: Location
    document: Document = field(repr=False)
    trail: Trail = ()
    missing: bool = False
    unknown: bool = False
    """Whether it is known after apply only; `missing` is then False when it is sure to be there."""
    told_at: Location | None = None
    """Where somebody else said what stands here: the caller of a module."""

    @property
    def service(self) -> str:
        """The service it belongs to, or "" when nothing tells."""
        if self.document.format == "compose":
            return str(self.trail[1]) if len(self.trail) > 1 and self.trail[0] == "services" else ""
        return self.document.service

    @property
    def subject(self) -> str:
        """`Deployment/shop/web`, `service/web`, `stage/build`: who it is about."""
        if self.document.format == "kubernetes":
            return self.document.subject
        if self.document.format == "compose" and len(self.trail) > 1:
            return f"{str(self.trail[0]).rstrip('s')}/{self.trail[1]}"
        if self.document.format == "docker":
            return f"stage/{self._stage()}"
        return self.document.name if self.document.format == "terraform" else ""

    @property
    def container(self) -> str:
        """The name of the container around it, or ""."""
        place = _container(self.trail)
        node = self.document.root.get(*place) if place else None
        name = node.get("name") if node else None
        return str(name.value) if name else ""

    def key(self, by: str) -> str:
        """What it is joined by; "" joins nothing."""
        document = self.document
        if by == "container":
            place = _container(self.trail)
            return f"{document.identity}{place}" if place else ""
        if by == "stage":
            return f"{document.identity}:{self._stage()}"
        if by == "instruction":
            return f"{document.identity}{self.trail[:4]}"
        if by == "entry":
            return f"{document.identity}{_entry(self.trail)}"
        if by == "object" and document.format == "compose":
            return f"{document.identity}:{self.service}" if self.service else ""
        if by in ("object", "pod"):
            return document.identity
        keys = {
            "file": document.file,
            "service": self.service,
            "namespace": document.lives_in or "*",
            "name": document.name,
            "environment": document.environment,
            "all": "*",
        }
        return keys[by]

    def _stage(self) -> str:
        stages = self.document.root.get("stages")
        index = self.trail[1] if self.trail[:1] == ("stages",) and len(self.trail) > 1 else -1
        name = stages.get(index, "name") if stages is not None else None
        if name is not None and name.value:
            return str(name.value)
        count = len(stages.value) if stages is not None and isinstance(stages.value, tuple) else 0
        return str(index) if index != -1 else str(count - 1)


@dataclass(frozen=True, slots=True)
class Fact:
    """How to select: which documents, which positions, which value of each."""

    name: str
    says: str
    format: str
    kinds: frozenset[str]
    at: tuple[tuple[str, ...], ...]
    value: tuple[tuple[str, ...], ...]
    reading: str = ""
    absent: Scalar = None
    derive: str = ""


class Facts:
    """The facts of some documents; each is selected once, when it is first asked for."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents = tuple(documents)
        self._by_format: dict[str, list[Document]] = {}
        for document in self.documents:
            self._by_format.setdefault(document.format, []).append(document)
        self.formats = frozenset(self._by_format)
        self._selected: dict[str, tuple[Value, ...]] = {}
        self._grouped: dict[tuple[str, str], dict[str, tuple[Value, ...]]] = {}

    def select(self, name: str) -> tuple[Value, ...]:
        """All values of a fact, missing ones included, in document order."""
        if name not in self._selected:
            self._selected[name] = tuple(self._values(fact(name)))
        return self._selected[name]

    def grouped(self, name: str, by: str) -> Mapping[str, tuple[Value, ...]]:
        """The values of a fact by a join key; those without the key are left out."""
        if (name, by) not in self._grouped:
            groups: dict[str, list[Value]] = {}
            for value in self.select(name):
                if key := value.key(by):
                    groups.setdefault(key, []).append(value)
            self._grouped[name, by] = {key: tuple(values) for key, values in groups.items()}
        return self._grouped[name, by]

    def joined(self, value: Value, name: str, by: str) -> tuple[Value, ...]:
        """The values of a fact that share the key with `value`."""
        if by == "namespace":
            own = value.key(by)
            groups = self.grouped(name, by)
            if own == "*":
                return self.select(name)
            return (*groups.get(own, ()), *groups.get("*", ()))
        key = value.key(by)
        return self.grouped(name, by).get(key, ()) if key else ()

    def _values(self, what: Fact) -> Iterator[Value]:
        if what.derive:
            for found in derived.DERIVED[what.derive](self.documents):
                yield Value(
                    what.name,
                    found.value,
                    found.shown,
                    found.at,
                    found.document,
                    found.trail,
                    told_at=found.told_at,
                )
            return
        for document in self._by_format.get(what.format, ()):
            if not what.kinds or document.kind in what.kinds:
                yield from _of_document(what, document)


def _of_document(what: Fact, document: Document) -> Iterator[Value]:
    for path in what.at:
        for trail, subject in _walk(document, path, (), document.root):
            if subject.layer not in UNKNOWN:
                yield from _of_subject(what, document, trail, subject)


def _of_subject(what: Fact, document: Document, trail: Trail, subject: Node) -> Iterator[Value]:
    for path in what.value:
        walked = list(_walk(document, path, trail, subject))
        if veiled := next((node for _, node in walked if node.layer in UNKNOWN), None):
            sure = veiled.layer == "reference"
            yield Value(what.name, None, veiled.note, veiled.at, document, trail, missing=not sure, unknown=True)
            return
        found = [(place, node) for place, node in walked if node.value is not None]
        if path == ("@key",):
            key = str(trail[-1]) if trail else ""
            yield Value(what.name, key, key, subject.key_at or subject.at, document, trail)
            return
        values = [
            value
            for place, node in found
            # a value that the subject inherits is still the subject's, so that it is joined with it
            for value in _read(what, document, place if place[: len(trail)] == trail else trail, node)
        ]
        if found:
            yield from values
            return
    shown = "" if what.absent is None else _shown(what.absent)
    yield Value(what.name, what.absent, shown, subject.at, document, trail, missing=True)


def _read(what: Fact, document: Document, trail: Trail, node: Node) -> Iterator[Value]:
    if what.reading:
        try:
            read = readings.READINGS[what.reading](node)
        except ValueError:
            return  # a value that is no quantity is the schema's business
        if read is None:
            return
    else:
        read = node.value if not isinstance(node.value, dict | tuple) else _shown(node.plain)
    shown = _shown(node.plain) if what.reading not in readings.HIDING else _shown(read)
    yield Value(what.name, read, shown, node.at, document, trail, told_at=node.below[0].at if node.below else None)


def _shown(value: Any) -> str:
    """A value as a message quotes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return ", ".join(f"{key}={_shown(item)}" for key, item in value.items())
    if isinstance(value, list | frozenset):
        return ", ".join(sorted(value) if isinstance(value, frozenset) else [_shown(item) for item in value])
    return "" if value is None else str(value)


def _walk(document: Document, path: tuple[str, ...], trail: Trail, node: Node) -> Iterator[tuple[Trail, Node]]:
    """All nodes at a path; `*`, `[*]`, `**` and `{a,b}` branch. What lies below an unknown one is unknown."""
    if not path or node.layer in UNKNOWN:
        yield trail, node
        return
    head, rest = path[0], path[1:]
    if head == "@pod":
        position = POD.get(document.kind)
        pod = document.root.get(*position) if position else None
        if pod is not None and position is not None:
            yield from _walk(document, rest, position, pod)
    elif head == "@root":
        yield from _walk(document, rest, (), document.root)
    elif head == "@key":
        return
    elif head == "**":
        for place, leaf in _leaves(trail, node):
            yield from _walk(document, rest, place, leaf)
    elif head in ("*", "[*]"):
        for key, child in enumerate(node.elements()) if head == "[*]" else node.items():
            yield from _walk(document, rest, (*trail, key), child)
    else:
        for option in head[1:-1].split(",") if head.startswith("{") else (head,):
            child_ = node.get(option)
            if child_ is not None:
                yield from _walk(document, rest, (*trail, option), child_)


def _leaves(trail: Trail, node: Node) -> Iterator[tuple[Trail, Node]]:
    if isinstance(node.value, dict):
        for key, child in node.items():
            yield from _leaves((*trail, key), child)
    elif isinstance(node.value, tuple):
        for index, child in enumerate(node.elements()):
            yield from _leaves((*trail, index), child)
    else:
        yield trail, node


def _container(trail: Trail) -> Trail:
    """The part of a trail that leads to a container."""
    for index, key in enumerate(trail[:-1]):
        if key in ("containers", "initContainers", "ephemeralContainers") and isinstance(trail[index + 1], int):
            return trail[: index + 2]
    return ()


def _entry(trail: Trail) -> Trail:
    """The part of a trail that leads to the innermost element of a sequence."""
    last = max((index for index, key in enumerate(trail) if isinstance(key, int)), default=-1)
    return trail[: last + 1]


def pointer(trail: Trail) -> str:
    """`spec.containers[0].image`."""
    text = ""
    for key in trail:
        text += f"[{key}]" if isinstance(key, int) else (f".{key}" if text else key)
    return text


def placed(value: Value) -> Location:
    """The place of a value, with the pointer of its document."""
    return (
        value.at
        if value.at.pointer and value.document.format != "docker"
        else replace(value.at, pointer=pointer(value.trail))
    )


def facts() -> Mapping[str, Fact]:
    """All facts of `rules/facts*.yaml` by name."""
    return _table()


def fact(name: str) -> Fact:
    """One fact; an unknown name is a fault."""
    found = _table().get(name)
    if found is None:
        raise Fault(f'there is no fact "{name}"', suggestion(name))
    return found


def suggestion(name: str, names: Iterable[str] = ()) -> str:
    """`did you mean "…"?`, or ""."""
    close = difflib.get_close_matches(name, list(names) or list(_table()), n=1, cutoff=0.6)
    return f'did you mean "{close[0]}"?' if close else "the facts are listed in rules/facts.yaml"


@functools.cache
def _table() -> dict[str, Fact]:
    found: dict[str, Fact] = {}
    for path in sorted(data.folder("rules").glob("facts*.yaml")):
        text = path.read_text(encoding="utf-8")
        name = f"rules/{path.name}"
        try:
            document = plain(text, name)
            groups = document.get("groups", {})
            for key, body in document.get("facts", {}).items():
                if key in found:
                    raise Malformed(("facts", key), f'"{key}" is a fact already')
                found[key] = _fact(key, body, groups)
        except Malformed as problem:
            raise fault(text, name, problem) from None
    return found


def _fact(name: str, body: Any, groups: Mapping[str, list[str]]) -> Fact:
    mould = Mould(body, ("facts", name))
    mould.only("says", "in", "kinds", "at", "value", "as", "absent", "derive")
    kinds: list[str] = []
    for word in mould.words("kinds"):
        kinds.extend(groups.get(word, [word]))
    reading = mould.word("as", "")
    if reading and reading not in readings.READINGS:
        raise Malformed(("facts", name, "as"), f'there is no reading "{reading}"')
    derive = mould.word("derive", "")
    if derive and derive not in derived.DERIVED:
        raise Malformed(("facts", name, "derive"), f'nothing derives "{derive}"')
    at = mould.words("at") or [""]
    return Fact(
        name=name,
        says=mould.word("says"),
        format=mould.word("in"),
        kinds=frozenset(kinds),
        at=tuple(steps(path) for path in at),
        value=tuple(steps(path) for path in mould.words("value") or [""]),
        reading=reading,
        absent=body.get("absent"),
        derive=derive,
    )


_STEP = re.compile(r'"(?P<quoted>[^"]+)"|(?P<plain>\{[^}]*\}|\[\*\]|[^.\[\]{}"]+)')


def steps(path: str) -> tuple[str, ...]:
    """`@pod.containers[*].image` as its steps; a key with dots is quoted."""
    return tuple(match["quoted"] or match["plain"] for match in _STEP.finditer(path))
