"""What a folder of Terraform declares, and whether every name that is used is declared."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from generator.checkers.terraform.bodies import KINDS, found, suggestion
from generator.checkers.terraform.facts import PREFIX, body
from generator.document import Location
from generator.finding import Finding, Severity
from generator.policy.hclread import Block, Expr

_ALWAYS: Mapping[str, tuple[str, ...]] = {
    "path": ("module", "root", "cwd"),
    "terraform": ("workspace", "applying"),
}
"""What is there without being declared."""
_UNREAD = {
    "variable": frozenset({"type"}),
    "moved": frozenset({"from", "to"}),
    "removed": frozenset({"from"}),
    "import": frozenset({"to", "provider"}),
    "module": frozenset({"providers"}),
    "lifecycle": frozenset({"ignore_changes"}),
    "terraform": frozenset({"required_version", "experiments"}),
    "provisioner": frozenset({"when", "on_failure"}),
}
"""Arguments that hold names of another kind than values."""
_MODULE_META = frozenset({"source", "version", "count", "for_each", "providers", "depends_on"})
_RESULT = frozenset({"id"})


@dataclass(slots=True)
class Folder:
    """A module: its blocks by what they declare. Names are kept with the block that declares them."""

    path: str
    blocks: list[Block] = field(default_factory=list)
    variables: dict[str, Block] = field(default_factory=dict)
    locals: dict[str, tuple[Expr, Location]] = field(default_factory=dict)
    outputs: dict[str, Block] = field(default_factory=dict)
    calls: dict[str, Block] = field(default_factory=dict)
    typed: dict[tuple[str, str, str], Block] = field(default_factory=dict)
    """By kind, type and name."""
    aliases: set[str] = field(default_factory=set)
    """Providers with an alias, configured here or passed by the caller: `aws.dr`."""
    used: set[str] = field(default_factory=set)
    doubles: list[Finding] = field(default_factory=list)
    whole: bool = True
    """Whether all its files could be read."""

    def declare(self, block: Block) -> None:
        self.blocks.append(block)
        tables: Mapping[str, dict[str, Block]] = {
            "variable": self.variables,
            "output": self.outputs,
            "module": self.calls,
        }
        if block.kind == "locals":
            for name, value in block.attributes.items():
                self._once(f"local.{name}", name in self.locals, value[1])
                self.locals[name] = value
        elif block.kind in tables and len(block.labels) == 1:
            table = tables[block.kind]
            self._once(f"{block.kind} {block.labels[0]}", block.labels[0] in table, block.at)
            table[block.labels[0]] = block
        elif block.kind in KINDS and len(block.labels) == 2:
            key = (block.kind, block.labels[0], block.labels[1])
            self._once(f"{block.labels[0]}.{block.labels[1]}", key in self.typed, block.at)
            self.typed[key] = block
        elif block.kind == "provider" and block.labels and "alias" in block.attributes:
            alias = block.attributes["alias"][0]
            self.aliases.add(f"{block.labels[0]}.{''.join(str(part) for part in alias.parts)}")
        elif block.kind == "check":
            for inner in block.blocks:
                if inner.kind == "data" and len(inner.labels) == 2:
                    self.typed["data", inner.labels[0], inner.labels[1]] = inner
        elif block.kind == "terraform":
            self._required(block)

    def _required(self, block: Block) -> None:
        for inner in block.blocks:
            if inner.kind != "required_providers":
                continue
            for expr, _ in inner.attributes.values():
                for key, value in expr.parts if expr.kind == "obj" else ():
                    if _word(key) == "configuration_aliases" and value.kind == "list":
                        self.aliases |= {dotted(item) for item in value.parts}

    def target(self, call: Block, folders: Mapping[str, Folder]) -> Folder | None:
        """The folder that a call of a local module names, when its files are at hand."""
        source = call.attributes.get("source")
        word = _word(source[0]) if source else ""
        if not word.startswith(("./", "../")):
            return None
        made = folders.get(posixpath.normpath(posixpath.join(self.path, word)))
        return made if made is not None and made.whole else None

    def _once(self, name: str, taken: bool, at: Location) -> None:
        if taken:
            self.doubles.append(
                found("declared-twice", f"{name} is declared twice", at, "rename or remove one of them")
            )


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean at a place: loop variables, and whether each, count and self stand for something."""

    names: frozenset[str] = frozenset()
    each: bool = False
    count: bool = False
    self_: bool = False

    def having(self, *more: str) -> Scope:
        return Scope(self.names | set(more), self.each, self.count, self.self_)


def _word(expr: Expr) -> str:
    return str(expr.parts[0]) if expr.kind in {"name", "lit"} or (expr.kind == "tpl" and len(expr.parts) == 1) else ""


def dotted(expr: Expr) -> str:
    """`aws.dr` of a reference that is nothing but names."""
    if expr.kind == "name":
        return str(expr.parts[0])
    if expr.kind == "get" and expr.parts[0].kind == "name":
        return ".".join([str(expr.parts[0].parts[0]), *[str(word) for kind, word in expr.parts[1] if kind == "attr"]])
    return ""


class References:
    """Judges every expression of a folder; what is used is noted in the folder."""

    def __init__(self, folder: Folder, folders: Mapping[str, Folder]) -> None:
        self.folder = folder
        self.folders = folders
        self.findings: list[Finding] = []
        self.unseen: set[str] = set()
        """Local modules whose files were not given."""

    def judge(self) -> list[Finding]:
        for block in self.folder.blocks:
            self._block(block, Scope(), top=True)
        for name, block in self.folder.calls.items():
            self._call(name, block)
        self._unused()
        return [*self.folder.doubles, *self.findings]

    # walking

    def _block(self, block: Block, scope: Scope, *, top: bool = False) -> None:
        if top:
            scope = Scope(each="for_each" in block.attributes, count="count" in block.attributes)
        if block.kind in {"provisioner", "connection", "postcondition"}:
            scope = Scope(scope.names, scope.each, scope.count, self_=True)
        if block.kind in {"required_providers", "backend", "cloud"}:
            return
        unread = _UNREAD.get(block.kind, frozenset())
        for name, (expr, _) in block.attributes.items():
            if name == "provider" and (top or block.kind in KINDS):
                self._provider(expr)
            elif name not in unread:
                self._expr(expr, scope)
        if block.kind == "module" and top:
            self._providers(block)
        for inner in block.blocks:
            self._block(inner, self._inside(inner, scope))

    def _inside(self, inner: Block, scope: Scope) -> Scope:
        if inner.kind == "dynamic" and inner.labels:
            iterator = inner.attributes.get("iterator")
            return scope.having(_word(iterator[0]) if iterator else inner.labels[0])
        if inner.kind in KINDS:
            return Scope(each="for_each" in inner.attributes, count="count" in inner.attributes)
        return scope

    def _expr(self, expr: Any, scope: Scope) -> None:
        if not isinstance(expr, Expr):
            return
        if expr.kind == "for":
            self._for(expr, scope)
        elif expr.kind == "get":
            self._get(expr, scope)
        elif expr.kind == "name":
            self._name(str(expr.parts[0]), expr, scope)
        elif expr.kind == "obj":
            for key, value in expr.parts:
                if key.kind != "name":  # a bare key is a text
                    self._expr(key, scope)
                self._expr(value, scope)
        elif expr.kind == "call":
            for argument in expr.parts[1]:
                self._expr(argument, scope)
        else:
            self._parts(expr.parts, scope)

    def _parts(self, parts: Any, scope: Scope) -> None:
        for part in parts:
            if isinstance(part, tuple | list):
                self._parts(part, scope)
            else:
                self._expr(part, scope)

    def _for(self, expr: Expr, scope: Scope) -> None:
        loop, over, key, value, when = expr.parts[:5]
        self._expr(over, scope)
        inner = scope.having(*loop)
        for part in (key, value, when):
            self._expr(part, inner)

    # judging

    def _name(self, name: str, expr: Expr, scope: Scope) -> None:
        if name in scope.names or name in {"each", "count", "self"}:
            return
        if name in {*_ALWAYS, "var", "local", "module", "data", "ephemeral", "resource"}:
            message = f'"{name}" alone is no value'
            self.findings.append(found("undeclared-name", message, expr.at, f"name what is meant: {name}.…"))
            return
        fix = "quote it when it is a text, or write var., local. or a resource's type before it"
        self.findings.append(found("undeclared-name", f'"{name}" stands for nothing', expr.at, fix))

    def _get(self, expr: Expr, scope: Scope) -> None:
        base, steps = expr.parts
        for kind, inner in steps:
            if kind == "idx":
                self._expr(inner, scope)
        if base.kind != "name":
            self._expr(base, scope)
            return
        root = str(base.parts[0])
        if root in scope.names:
            return
        words = [(kind, str(word) if kind == "attr" else "") for kind, word in steps]
        judge = {
            "var": self._variable,
            "local": self._local,
            "module": self._module,
            "each": self._each,
            "count": self._count,
            "self": self._self,
            "path": self._always,
            "terraform": self._always,
        }.get(root)
        if judge is not None:
            judge(words, expr, scope)
        elif root == "resource":
            self._typed("resource", words, expr)
        elif root in {"data", "ephemeral"}:
            self._typed(root, words, expr)
        elif words and words[0][0] == "attr":
            self._typed("resource", [("attr", root), *words], expr)
        else:
            self._name(root, expr, scope)

    def _variable(self, words: list[tuple[str, str]], expr: Expr, _scope: Scope) -> None:
        self._declared("variable", "var", words, self.folder.variables, expr)

    def _local(self, words: list[tuple[str, str]], expr: Expr, _scope: Scope) -> None:
        self._declared("local", "local", words, self.folder.locals, expr)

    def _declared(
        self, kind: str, root: str, words: list[tuple[str, str]], table: Mapping[str, Any], expr: Expr
    ) -> None:
        name = words[0][1] if words and words[0][0] == "attr" else ""
        self.folder.used.add(f"{root}.{name}")
        if name not in table:
            fix = suggestion(name, list(table), f"declare the {kind}, or mend the name")
            self.findings.append(found(f"undeclared-{kind}", f"{root}.{name} is not declared", expr.at, fix))

    def _each(self, words: list[tuple[str, str]], expr: Expr, scope: Scope) -> None:
        if not scope.each:
            message = "each stands for nothing where there is no for_each"
            self.findings.append(found("each-outside", message, expr.at, "add for_each, or name the value itself"))
        elif words and words[0][1] not in {"key", "value"}:
            message = f'each has no "{words[0][1]}"'
            self.findings.append(found("each-outside", message, expr.at, "write each.key or each.value"))

    def _count(self, _words: list[tuple[str, str]], expr: Expr, scope: Scope) -> None:
        if not scope.count:
            message = "count.index stands for nothing where there is no count"
            self.findings.append(found("count-outside", message, expr.at, "add count, or name the value itself"))

    def _always(self, words: list[tuple[str, str]], expr: Expr, _scope: Scope) -> None:
        root, word = str(expr.parts[0].parts[0]), words[0][1]
        if word not in _ALWAYS[root]:
            fix = suggestion(
                word, list(_ALWAYS[root]), f"there is {', '.join(f'{root}.{each}' for each in _ALWAYS[root])}"
            )
            self.findings.append(found("undeclared-name", f"{root}.{word} stands for nothing", expr.at, fix))

    def _self(self, _words: list[tuple[str, str]], expr: Expr, scope: Scope) -> None:
        if not scope.self_:
            message = "self stands for something in provisioners, connections and postconditions only"
            self.findings.append(found("self-outside", message, expr.at, "name the resource itself"))

    def _module(self, words: list[tuple[str, str]], expr: Expr, _scope: Scope) -> None:
        name = words[0][1] if words and words[0][0] == "attr" else ""
        call = self.folder.calls.get(name)
        if call is None:
            fix = suggestion(name, list(self.folder.calls), "call the module, or mend the name")
            self.findings.append(found("undeclared-module", f"module.{name} is not called here", expr.at, fix))
            return
        rest = words[1:]
        many = bool({"count", "for_each"} & set(call.attributes))
        target = self.folder.target(call, self.folders)
        outputs = target.outputs if target is not None else {}
        if "for_each" in call.attributes and rest and rest[0][0] == "attr" and rest[0][1] not in outputs:
            rest = rest[1:]  # instances are members by their keys
        elif many or rest[:1] != [("idx", "")]:  # a module is an object, whose outputs may be read in brackets
            self._instance(f"module.{name}", rest, many, expr)
        output = next((word for kind, word in rest if kind == "attr"), "")
        if output and target is not None and output not in target.outputs:
            fix = suggestion(output, list(target.outputs), f"add the output to {target.path}, or mend the name")
            self.findings.append(found("undeclared-output", f'module.{name} has no output "{output}"', expr.at, fix))

    def _typed(self, kind: str, words: list[tuple[str, str]], expr: Expr) -> None:
        if len(words) < 2 or words[0][0] != "attr" or words[1][0] != "attr":
            if kind != "resource" and len(words) == 1:
                message = f"{kind}.{words[0][1]} is a type, not a {KINDS[kind]}"
                self.findings.append(found("undeclared-name", message, expr.at, "write its name as well"))
            return
        type_, name = words[0][1], words[1][1]
        shown = f"{'' if kind == 'resource' else f'{kind}.'}{type_}.{name}"
        self.folder.used.add(f"{kind} {type_}.{name}")
        block = self.folder.typed.get((kind, type_, name))
        if block is None:
            alike = [other for known, of, other in self.folder.typed if known == kind and of == type_]
            fix = suggestion(
                name, alike, f"declare it, or mend the name; {type_} has {', '.join(alike) or 'none'} here"
            )
            rule = {"resource": "undeclared-resource", "data": "undeclared-data"}.get(kind, "undeclared-resource")
            self.findings.append(found(rule, f"{shown} is not declared", expr.at, fix))
            return
        rest = words[2:]
        self._instance(shown, rest, bool({"count", "for_each"} & set(block.attributes)), expr)
        attribute = next((word for step, word in rest if step == "attr"), "")
        known = body(kind, type_) if type_.startswith(PREFIX) else None
        if attribute and known is not None and attribute not in {*known.attributes, *known.blocks, *_RESULT}:
            fix = suggestion(attribute, [*known.attributes, *known.blocks], "see the provider's documentation")
            message = f'{type_} has no attribute "{attribute}"'
            self.findings.append(found("unknown-attribute", message, expr.at, fix))

    def _instance(self, shown: str, rest: list[tuple[str, str]], many: bool, expr: Expr) -> None:
        """Of several instances one must be chosen; of a single one none can be."""
        if not many and rest and rest[0][0] == "idx":
            message = f"{shown} has neither count nor for_each, so there is one of it"
            self.findings.append(found("instance-of-one", message, expr.at, "remove the brackets"))
        if many and rest and rest[0][0] == "attr":
            message = f"{shown} has count or for_each, so there are several of it"
            fix = f'choose one, as {shown}["…"] or {shown}[0], or all, as {shown}[*]'
            self.findings.append(found("instance-not-chosen", message, expr.at, fix))

    # module calls

    def _call(self, name: str, call: Block) -> None:
        source = call.attributes.get("source")
        if source is None:
            self.findings.append(found("missing-argument", f'module "{name}" needs "source"', call.at, "add source"))
            return
        word, target = _word(source[0]), self.folder.target(call, self.folders)
        if target is None:
            if word.startswith(("./", "../")):
                self._missing_folder(word, source[1])
            return
        for argument, (_, at) in call.attributes.items():
            if argument not in _MODULE_META and argument not in target.variables:
                fix = suggestion(argument, list(target.variables), f"declare it in {target.path}, or remove it")
                message = f'the module {word} has no variable "{argument}"'
                self.findings.append(found("unknown-module-argument", message, at, fix))
        for variable, block in target.variables.items():
            if "default" not in block.attributes and variable not in call.attributes:
                message = f'the module {word} needs "{variable}"'
                self.findings.append(found("missing-module-argument", message, call.at, f"add {variable}"))

    def _missing_folder(self, word: str, at: Location) -> None:
        place = posixpath.normpath(posixpath.join(self.folder.path, word))
        if place in self.folders:
            return  # its files could not be read
        beside = posixpath.dirname(place)
        if any(path == beside or path.startswith(f"{beside}/") for path in self.folders) and not place.startswith(".."):
            message = f"{place} has no Terraform in it"
            self.findings.append(found("module-missing", message, at, "mend the path, or add the module"))
        else:
            self.unseen.add(place)

    # providers

    def _provider(self, expr: Expr) -> None:
        word = dotted(expr)
        if "." in word and word not in self.folder.aliases:
            fix = suggestion(
                word, sorted(self.folder.aliases), f"configure it: provider with alias = {word.split('.')[1]}"
            )
            self.findings.append(found("undeclared-provider", f"{word} is not configured here", expr.at, fix))

    def _providers(self, call: Block) -> None:
        given = call.attributes.get("providers")
        if given is None or given[0].kind != "obj":
            return
        target = self.folder.target(call, self.folders)
        names = set()
        for key, value in given[0].parts:
            self._provider(value)
            names.add(dotted(key))
        for alias in sorted((target.aliases if target else set()) - names - _own(target)):
            message = f"the module needs the provider {alias}"
            self.findings.append(found("provider-not-passed", message, given[1], f"add {alias} to providers"))

    # what nobody uses

    def _unused(self) -> None:
        for name, block in self.folder.variables.items():
            if f"var.{name}" not in self.folder.used:
                fix = "use it, or remove it from here and from the calls"
                self._low("unused-variable", f"nothing reads var.{name}", block.at, fix)
        for name, (_, at) in self.folder.locals.items():
            if f"local.{name}" not in self.folder.used:
                self._low("unused-local", f"nothing reads local.{name}", at, "use it, or remove it")
        for (kind, type_, name), block in self.folder.typed.items():
            if kind == "data" and f"data {type_}.{name}" not in self.folder.used and not _asserts(block):
                self._low("unused-data", f"nothing reads data.{type_}.{name}", block.at, "use it, or remove it")

    def _low(self, rule: str, message: str, at: Location, fix: str) -> None:
        self.findings.append(found(rule, message, at, fix, Severity.LOW))


def _own(target: Folder | None) -> set[str]:
    """Aliases a module configures by itself, which nobody passes."""
    if target is None:
        return set()
    made = set()
    for block in target.blocks:
        if block.kind == "provider" and block.labels and "alias" in block.attributes:
            made.add(f"{block.labels[0]}.{''.join(str(part) for part in block.attributes['alias'][0].parts)}")
    return made


def _asserts(block: Block) -> bool:
    """Whether a data source is there to be asked, not to be read: it has conditions."""
    return any(inner.kind == "lifecycle" and inner.blocks for inner in block.blocks)
