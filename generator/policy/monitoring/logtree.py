"""Sections of a log shipper's configuration, whichever notation they are written in.

Fluent Bit's two notations and Fluentd's directives become the same thing: an input, a filter or an output with a
plugin and its options. A configuration inside a ConfigMap counts as well, at its place in the manifest.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from generator.document import Location, Node
from generator.policy.documents import Document
from generator.policy.found import elements, items, text
from generator.policy.monitoring import conftree, kinds

FORMATS = ("fluent-bit", "fluentd")
_TRUE = frozenset({"true", "on", "yes", "1"})
_LISTS = {
    "input": ("pipeline", "inputs"),
    "filter": ("pipeline", "filters"),
    "output": ("pipeline", "outputs"),
    "parser": ("parsers",),
    "multiline_parser": ("multiline_parsers",),
}
_DIRECTIVES = {"source": "input", "filter": "filter", "match": "output", "store": "output"}


@dataclass(frozen=True, slots=True)
class Section:
    """One section; `match` is what a filter or output takes in, `label` the Fluentd scope it stands in."""

    kind: str
    plugin: str
    options: Mapping[str, tuple[Node, ...]]
    node: Node
    match: str = ""
    label: str = ""
    argument: str = ""

    def word(self, *keys: str) -> str:
        """The first option that is there, as text."""
        for key in keys:
            for node in self.options.get(key, ()):
                return text(node)
        return ""

    def node_of(self, *keys: str) -> Node:
        """Where an option stands; the section when it is not there."""
        return next((node for key in keys for node in self.options.get(key, ())), self.node)

    def holds(self, key: str, default: bool = False) -> bool:
        """Whether a switch is on; Fluentd reads one without a value as on."""
        found = self.word(key).lower()
        return found in _TRUE if found else key in self.options or default

    def words(self, key: str) -> list[str]:
        """A list that may be written with commas or as a sequence."""
        found = [text(node) for node in self.options.get(key, ())]
        return [word.strip() for value in found for word in value.split(",") if word.strip()]

    def inside(self, name: str) -> Iterator[Section]:
        """Fluentd's directives inside it."""
        for child in elements(self.node, "@inside"):
            if text(child.get("@name")) == name:
                yield _directive(child, self.label)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One configuration: its sections in order, and the document that findings belong to."""

    form: str
    document: Document
    root: Node
    sections: tuple[Section, ...]
    whole: bool = True
    """Whether all that it includes is among the files."""

    def of(self, kind: str) -> tuple[Section, ...]:
        return tuple(section for section in self.sections if section.kind == kind)

    @property
    def service(self) -> Section:
        """Fluent Bit's `service`, empty when there is none."""
        found = next((section for section in self.sections if section.kind == "service"), None)
        return found or Section("service", "", {}, Node({}, self.root.at))


def pipelines(documents: Sequence[Document]) -> tuple[Pipeline, ...]:
    """Every configuration of Fluent Bit or Fluentd, with what it includes; a part that is included counts alone too.

    Thirty facts ask for the same documents one after the other, so the last answer is kept.
    """
    if not (_LAST and _LAST[0][0] is documents):
        _LAST[:] = [(documents, tuple(_pipelines(documents)))]
    return _LAST[0][1]


_LAST: list[tuple[Sequence[Document], tuple[Pipeline, ...]]] = []


def _pipelines(documents: Sequence[Document]) -> Iterator[Pipeline]:
    parts = list(_parts(documents))
    for part in parts:
        included = _includes(part)
        near = {
            other.name: other
            for other in parts
            if (other.folder, other.form) == (part.folder, part.form) and other is not part
        }
        found = [near[name] for word in included for name in sorted(near) if fnmatch.fnmatchcase(name, word)]
        whole = all(any(fnmatch.fnmatchcase(name, word) for name in near) for word in included)
        sections = [section for one in (part, *found) for section in _sections(one)]
        yield Pipeline(part.form, part.document, part.root, tuple(sections), whole)


@dataclass(frozen=True, slots=True)
class _Part:
    """A file, or an entry of a ConfigMap; those with one `folder` can include one another by name."""

    form: str
    document: Document
    root: Node
    folder: str
    name: str


def _parts(documents: Sequence[Document]) -> Iterator[_Part]:
    for document in documents:
        if document.format in FORMATS:
            folder, _, name = document.file.rpartition("/")
            yield _Part(document.format, document, document.root, folder, name)
        elif document.format == "kubernetes" and document.kind == "ConfigMap":
            for name, node in items(document.root, "data"):
                found = _embedded(name, node, document.file)
                if found is not None:
                    yield _Part(*(found[0], document, found[1]), folder=document.identity, name=name)


def _includes(part: _Part) -> list[str]:
    """The files it asks for: a name by its last part, since a mount moves files; a pattern as it is written."""
    key = "@include" if part.form == "fluentd" else "includes"
    node = part.root.get(key) or (part.root.get("service", "includes") if part.form == "fluent-bit" else None)
    if node is None:
        return []
    found = node.elements() if isinstance(node.value, tuple) else [node]
    words = [text(one).removeprefix("./") for one in found if text(one)]
    return [word if "*" in word else word.rpartition("/")[2] for word in words]


def _sections(part: _Part) -> Iterator[Section]:
    return _fluentd(part.root, "") if part.form == "fluentd" else _fluent_bit(part.root)


def _embedded(name: str, node: Node, path: str) -> tuple[str, Node] | None:
    written = text(node)
    if name.endswith(".conf"):
        form = kinds.format_of_text(written)
        root = conftree.read(written, path, form) if form else None
    elif name.endswith((".yaml", ".yml")) and "pipeline:" in written:
        from generator import yamlfile

        roots, _ = yamlfile.read(written, path)
        form = kinds.format_of(roots[0]) if roots else ""
        root = roots[0] if form == "fluent-bit" else None
    else:
        return None
    indent = node.key_at.column + 1 if node.key_at is not None else 0  # a block scalar two deeper than its key
    return (form, _moved(root, node.at.line, indent)) if root is not None else None


def _moved(node: Node, lines: int, columns: int) -> Node:
    """A tree whose text begins on the line after `lines`, indented."""

    def moved(at: Location) -> Location:
        return replace(at, line=at.line + lines, column=at.column + columns)

    value = node.value
    if isinstance(value, dict):
        value = {key: _moved(child, lines, columns) for key, child in value.items()}
    elif isinstance(value, tuple):
        value = tuple(_moved(child, lines, columns) for child in value)
    return replace(node, value=value, at=moved(node.at), key_at=moved(node.key_at) if node.key_at else None)


def _fluent_bit(root: Node) -> Iterator[Section]:
    if (service := root.get("service")) is not None:
        yield Section("service", "", _options(service), service)
    for kind, place in _LISTS.items():
        for node in elements(root, *place):
            options = _options(node)
            section = Section(kind, "", options, node)
            name, match = section.word("name").lower(), section.word("match", "match_regex")
            yield replace(section, plugin=name, match=match)


def _options(node: Node) -> dict[str, tuple[Node, ...]]:
    """Options by lower-case name; one that stands several times has several nodes."""
    made: dict[str, tuple[Node, ...]] = {}
    for key, value in node.items():
        nodes = tuple(value.elements()) if isinstance(value.value, tuple) else (value,)
        made[key.lower()] = (*made.get(key.lower(), ()), *nodes)
    return made


def _fluentd(node: Node, label: str) -> Iterator[Section]:
    for child in elements(node, "@inside"):
        name = text(child.get("@name"))
        if name == "label":
            yield from _fluentd(child, text(child.get("@argument")))
        elif name in ("worker", "ROOT"):
            yield from _fluentd(child, label)
        elif name in _DIRECTIVES:
            section = _directive(child, label)
            yield section
            for store in section.inside("store"):
                yield replace(store, kind="store")


def _directive(node: Node, label: str) -> Section:
    options = {key: value for key, value in _options(node).items() if not key.startswith("@i") and key != "@name"}
    argument = text(node.get("@argument"))
    section = Section(_DIRECTIVES.get(text(node.get("@name")), text(node.get("@name"))), "", options, node)
    plugin = section.word("@type", "type").lower()
    return replace(section, plugin=plugin, match=argument, label=label, argument=argument)


def meet(one: str, other: str) -> bool:
    """Whether two patterns, in both of which `*` stands for anything, have a tag in common."""
    if "*" not in other:
        return _matches(one, other)
    if "*" not in one:
        return _matches(other, one)
    left, right = one.split("*"), other.split("*")
    heads, tails = (left[0], right[0]), (left[-1], right[-1])
    begins = heads[0].startswith(heads[1]) or heads[1].startswith(heads[0])
    return begins and (tails[0].endswith(tails[1]) or tails[1].endswith(tails[0]))


def _matches(pattern: str, tag: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in re.split(r"\*+", pattern)), tag) is not None
