"""Blocks against what their expressions yield: values of a wrong type, and names that a value has not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from generator.checkers.terraform.bodies import KINDS, suggestion
from generator.checkers.terraform.expressions import Declared, Expressions, Scope, object_of
from generator.checkers.terraform.facts import Body, body
from generator.checkers.terraform.names import Folder, dotted
from generator.checkers.terraform.types import PRIMITIVES, Kind, element, letter, misfit, words
from generator.document import Location
from generator.finding import Finding, Severity
from generator.policy.hclread import Block, Expr

_META = frozenset({"count", "for_each", "provider", "depends_on", "providers", "source", "version"})
_UNREAD = frozenset({"lifecycle", "moved", "removed", "terraform", "locals"})


def judge(folders: Mapping[str, Folder]) -> Iterator[Finding]:
    """Every folder, each with what it knows of the modules it calls."""
    made: dict[str, _Values] = {}
    for folder in folders.values():
        if not folder.whole:
            continue
        yield from _values(folder, folders, made).judge()


def _values(folder: Folder, folders: Mapping[str, Folder], made: dict[str, _Values]) -> _Values:
    if folder.path not in made:
        made[folder.path] = _Values(folder, folders, made)
    return made[folder.path]


class _Values:
    def __init__(self, folder: Folder, folders: Mapping[str, Folder], made: dict[str, _Values]) -> None:
        self.folder = folder
        self.folders = folders
        self.made = made
        self._outputs: dict[str, Any] | None = None
        self.read = Expressions(Declared(folder.variables, folder.locals, folder.calls, folder.typed, self._outputs_of))

    def judge(self) -> Iterable[Finding]:
        for name in self.folder.locals:
            self.read.local(name)
        self.outputs()
        for block in self.folder.blocks:
            self._block(block)
        return self.read.findings

    # modules

    def outputs(self) -> dict[str, Any]:
        """The types of this folder's outputs; while they are being found out, there are none."""
        if self._outputs is None:
            self._outputs = {}
            found = {}
            for name, block in self.folder.outputs.items():
                value = block.attributes.get("value")
                found[name] = self.read.kind(value[0], Scope()).type if value else "y"
            self._outputs = found
        return self._outputs

    def _outputs_of(self, call: Block) -> Any:
        target = self.folder.target(call, self.folders)
        return "y" if target is None else _values(target, self.folders, self.made).outputs() or "y"

    # blocks

    def _block(self, block: Block) -> None:
        if block.kind in KINDS and len(block.labels) == 2:
            known = body(block.kind, block.labels[0])
            scope = Scope(each=self._repeated(block), self_=object_of(block.kind, block.labels[0]))
            self._body(block, known, scope, block.labels[0])
        elif block.kind == "module":
            self._call(block, Scope(each=self._repeated(block)))
        elif block.kind == "variable" and len(block.labels) == 1:
            self._variable(block)
        elif block.kind == "provider" and block.labels:
            self._body(block, body("provider", block.labels[0]), Scope(), f"provider {block.labels[0]}")
        elif block.kind not in _UNREAD:
            self._others(block, Scope())

    def _repeated(self, block: Block) -> Any:
        """What each.value is, if it is anything; count and for_each are judged on the way."""
        if "count" in block.attributes:
            expr = block.attributes["count"][0]
            count = self.read.kind(expr, Scope())
            self.read.want(count, "n", "wrong-count", "count", expr.at)
            if isinstance(count.value, int | float) and count.value < 0:
                self.read.say("wrong-count", "count is less than nothing", expr.at, "give 0 or more")
        if "for_each" not in block.attributes:
            return "y"
        expr = block.attributes["for_each"][0]
        over = self.read.kind(expr, Scope()).type
        sort = letter(over)
        if sort in {"l", "t", "z", *PRIMITIVES}:
            fix = "write toset([…]), or a map by name" if sort in {"l", "t"} else "give a set of texts, or a map"
            self.read.say("wrong-for-each", f"for_each is a map or a set of texts, not {words(over)}", expr.at, fix)
        elif sort == "e" and letter(over[1]) not in {"s", "y"}:
            fix = "turn each into a text with tostring(), or use a map"
            self.read.say(
                "wrong-for-each", f"for_each is a set of texts; each of this is {words(over[1])}", expr.at, fix
            )
        return element(over)

    def _body(self, block: Block, known: Body | None, scope: Scope, where: str) -> None:
        """A block of a provider: arguments against their types, then the blocks within."""
        for name, (expr, _) in block.attributes.items():
            if name in _META:
                continue
            attribute = known.attributes.get(name) if known is not None else None
            self._value(
                name, expr, attribute.type if attribute is not None and attribute.settable else "y", scope, where
            )
        for inner in block.blocks:
            self._nested(inner, known, scope, where)

    def _value(self, name: str, expr: Expr, wanted: Any, scope: Scope, where: str) -> None:
        given = self.read.kind(expr, scope)
        self.read.want(given, wanted, "wrong-argument-type", f'"{name}" of {where}', expr.at)

    def _nested(self, inner: Block, known: Body | None, scope: Scope, where: str) -> None:
        name, content = inner.kind, inner
        if name == "lifecycle":
            self._lifecycle(inner, known, scope, where)
            return
        if name == "dynamic" and inner.labels:
            name = inner.labels[0]
            scope = self._dynamic(inner, scope)
            contents = [child for child in inner.blocks if child.kind == "content"]
            if not contents:
                return
            content = contents[0]
        place = f"{where}.{name}"
        if known is not None and name in known.blocks:
            self._body(content, known.blocks[name].body, scope, place)
            return
        attribute = known.attributes.get(name) if known is not None else None
        objects = attribute.objects if attribute is not None else None
        if objects is None:
            self._others(content, scope)
            return
        for key, (expr, _) in content.attributes.items():
            self._value(key, expr, objects.get(key, "y"), scope, place)

    def _dynamic(self, block: Block, scope: Scope) -> Scope:
        """The scope within: the iterator has a key and a value."""
        over: Any = "y"
        if "for_each" in block.attributes:
            expr = block.attributes["for_each"][0]
            over = self.read.kind(expr, scope).type
            if letter(over) in PRIMITIVES:
                message = f"for_each of a dynamic block is a list, set or map, not {words(over)}"
                self.read.say("wrong-for-each", message, expr.at, "write it in brackets, or name the collection")
        iterator = block.attributes.get("iterator")
        name = dotted(iterator[0]) if iterator else block.labels[0]
        item = element(over)
        key = {"m": "s", "object": "s", "l": "n", "t": "n"}.get(letter(over), item)
        return scope.having(**{name or block.labels[0]: {"key": key, "value": item}})

    def _lifecycle(self, block: Block, known: Body | None, scope: Scope, where: str) -> None:
        ignored = block.attributes.get("ignore_changes")
        if known is not None and ignored is not None and ignored[0].kind == "list":
            names = [*known.attributes, *known.blocks]
            for item in ignored[0].parts:
                name = _first(item)
                if name and name not in names:
                    fix = suggestion(name, names, "remove it")
                    self.read.say("unknown-attribute", f'{where} has no attribute "{name}" to ignore', item.at, fix)
        for inner in block.blocks:
            self._others(inner, scope)

    def _others(self, block: Block, scope: Scope) -> None:
        """A block of Terraform's own: conditions are conditions, everything else is read only."""
        if block.kind in KINDS and len(block.labels) == 2:
            self._block(block)
            return
        for name, (expr, _) in block.attributes.items():
            if name in {"providers", "depends_on", "provider", "to", "from"}:
                continue
            given = self.read.kind(expr, scope)
            if name == "condition" and block.kind in {"validation", "precondition", "postcondition", "assert"}:
                self.read.want(given, "b", "wrong-condition", "a condition", expr.at)
        for inner in block.blocks:
            self._others(inner, scope)

    # what goes into modules

    def _variable(self, block: Block) -> None:
        default = block.attributes.get("default")
        if default is not None:
            given = self.read.kind(default[0], Scope())
            name = f'the default of "{block.labels[0]}"'
            self.read.want(given, self.read.variable(block.labels[0]), "wrong-default", name, default[0].at)
            nullable = block.attributes.get("nullable")
            if given.type == "z" and nullable is not None and nullable[0].parts == (False,):
                fix = "remove it, so that a caller must give a value, or remove nullable"
                self.read.say("wrong-default", f"{name} is null, and nullable is false", default[0].at, fix)
        for inner in block.blocks:
            self._others(inner, Scope())

    def _call(self, call: Block, scope: Scope) -> None:
        target = self.folder.target(call, self.folders)
        known = _values(target, self.folders, self.made).read if target is not None else None
        source = call.attributes.get("source")
        where = f"the module {''.join(map(str, source[0].parts))}" if source and known else "the module"
        for name, (expr, _) in call.attributes.items():
            if name in _META:
                continue
            given = self.read.kind(expr, scope)
            wanted = known.variable(name) if known is not None else "y"
            if reason := misfit(given, wanted):
                message = f'"{name}" of {where} is {reason}, {_stands(given)} stands here'
                self.read.say("wrong-module-argument", message, expr.at, f"give {reason}")


def _stands(given: Kind) -> str:
    return words(given.type)


def _first(expr: Expr) -> str:
    """The attribute that an entry of ignore_changes begins with."""
    if expr.kind == "name":
        return str(expr.parts[0])
    if expr.kind == "get":
        return _first(expr.parts[0])
    return ""


def beside(findings: Iterable[Finding], others: Iterable[Finding]) -> list[Finding]:
    """Findings at places where nothing was said already: one mistake, one finding."""
    taken = {_place(finding.at) for finding in others if finding.severity > Severity.LOW}
    return [finding for finding in findings if _place(finding.at) not in taken]


def _place(at: Location) -> tuple[str, int, int]:
    return (at.path, at.line, at.column)
