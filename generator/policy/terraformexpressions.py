"""Expressions of Terraform as nodes: values that are known now, and references where they are not.

What cannot be told has the layer `unknown`, or `reference` where it is sure to have a value; the note keeps what
it speaks of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from generator.document import Location, Node
from generator.policy.hclread import Block, Expr
from generator.policy.terraformfound import UNKNOWN
from generator.policy.terraformvalues import FUNCTIONS, Absent, NotKnown, as_set, calculated, converted, whole, written


@dataclass(slots=True)
class Module:
    """One folder as one call of it: its blocks, what the caller says, and what `each` and `count` stand for."""

    folder: str
    blocks: list[Block]
    prefix: str = ""
    root: str = ""
    given: dict[str, tuple[Expr, Module, Scope]] = field(default_factory=dict)
    """What the caller says of each variable, to be evaluated where it is said."""
    inputs: dict[str, Node] = field(default_factory=dict)
    depth: int = 0
    service: str = ""
    locals: dict[str, Expr] = field(default_factory=dict)
    known_locals: dict[str, Node] = field(default_factory=dict)
    children: dict[str, list[tuple[str, Module]]] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)

    def of(self, kind: str) -> Iterator[Block]:
        return (block for block in self.blocks if block.kind == kind)


Scope = Mapping[str, Node]


_STEPS, _SIZE, _TEXT = 1_000_000, 20_000, 100_000
"""Expressions of a project, leaves of a value, characters of a text: beyond them nothing is calculated."""


class Expressions:
    """Evaluates expressions within a module, and gives up on those that were made to explode."""

    def __init__(self) -> None:
        self._steps = 0
        self._sizes: dict[int, tuple[Node, int]] = {}

    def value(self, expr: Expr, module: Module, scope: Scope) -> Node:
        self._steps += 1
        try:
            if self._steps > _STEPS:
                raise NotKnown
            found = self._evaluated(expr, module, scope)
            if isinstance(found.value, dict | tuple) and self._size(found) > _SIZE:
                raise NotKnown
        except (NotKnown, RecursionError, ValueError, ArithmeticError):
            return unknown(expr.at, "unknown", *_names(expr, module))
        return found

    def _size(self, node: Node) -> int:
        """How many leaves there are below a node; parts that are shared count each time."""
        if not isinstance(node.value, dict | tuple):
            return len(node.value) // 1000 + 1 if isinstance(node.value, str) else 1
        held = self._sizes.get(id(node))
        if held is not None:
            return held[1]
        parts = node.value.values() if isinstance(node.value, dict) else node.value
        size = 1 + sum(self._size(part) for part in parts)
        self._sizes[id(node)] = (node, size)
        return size

    def _evaluated(self, expr: Expr, module: Module, scope: Scope) -> Node:
        kind, at, parts = expr.kind, expr.at, expr.parts
        if kind == "lit":
            return Node(whole(parts[0]), at)
        if kind == "paren":
            return self.value(parts[0], module, scope)
        if kind == "tpl":
            return self._template(expr, module, scope)
        if kind in ("name", "get"):
            return self._reference(expr, module, scope)
        if kind == "list":
            return Node(tuple(here(self.value(item, module, scope), item.at) for item in parts), at)
        if kind == "obj":
            return self._object(expr, module, scope)
        if kind == "call":
            return self._call(expr, module, scope)
        if kind == "cond":
            return self._conditional(expr, module, scope)
        if kind == "for":
            return self._comprehension(expr, module, scope)
        if kind in ("bin", "un"):
            operands = [self.value(part, module, scope) for part in parts[1:]]
            short = _short(parts[0], operands)
            if short is not None:
                return Node(short, at)
            if any(node.layer in UNKNOWN for node in operands):
                return _mixed(at, operands, "reference")
            return Node(calculated(parts[0], [node.plain for node in operands]), at)
        return unknown(at, "unknown", *_names(expr, module))

    def _template(self, expr: Expr, module: Module, scope: Scope) -> Node:
        nodes = [part if isinstance(part, str) else self.value(part, module, scope) for part in expr.parts]
        if len(nodes) == 1 and isinstance(nodes[0], Node):
            return replace(nodes[0], at=expr.at)
        text, unknown = "", False
        for node in nodes:
            if isinstance(node, str):
                text += node
            elif node.layer in UNKNOWN:
                text, unknown = text + (node.note or "${}"), True
            elif isinstance(node.value, dict | tuple) or node.value is None:
                raise NotKnown
            else:
                text += written(node.value)
        if len(text) > _TEXT:
            raise NotKnown
        if unknown:
            return Node(None, expr.at, layer="reference", note=text)
        return Node(text, expr.at)

    def _object(self, expr: Expr, module: Module, scope: Scope) -> Node:
        values: dict[str, Node] = {}
        for key, value in expr.parts:
            name: Any = key.parts[0] if key.kind == "name" else self.value(key, module, scope).value
            if isinstance(name, bool) or not isinstance(name, str | int | float):
                raise NotKnown
            values[str(name)] = replace(here(self.value(value, module, scope), value.at), key_at=key.at)
        return Node(values, expr.at)

    def _conditional(self, expr: Expr, module: Module, scope: Scope) -> Node:
        chosen = self.value(expr.parts[0], module, scope)
        if isinstance(chosen.value, bool) and chosen.layer not in UNKNOWN:
            return self.value(expr.parts[1 if chosen.value else 2], module, scope)
        options = [self.value(part, module, scope) for part in expr.parts[1:]]
        if options[0].plain == options[1].plain and not any(node.layer in UNKNOWN for node in options):
            return options[0]
        sure = all(
            node.layer == "reference" or (node.layer != "unknown" and node.value is not None) for node in options
        )
        return _mixed(expr.at, options, "reference" if sure else "unknown")

    def _comprehension(self, expr: Expr, module: Module, scope: Scope) -> Node:
        names, over_expr, key_expr, value_expr, when, grouped, _ = expr.parts
        over = self.value(over_expr, module, scope)
        if over.layer in UNKNOWN:
            return unknown(expr.at, "reference", *_names(expr, module))
        entries = [(Node(key, over.at), value) for key, value in sorted(over.items())]
        entries += [(Node(index, over.at), item) for index, item in enumerate(over.elements())]
        listed: list[Node] = []
        mapped: dict[str, Node] = {}
        for key, value in entries:
            inner = {**scope, names[-1]: value}
            if len(names) == 2:
                inner[names[0]] = key
            if when is not None:
                wanted = self.value(when, module, inner)
                if wanted.layer in UNKNOWN:
                    return unknown(expr.at, "reference", *_names(expr, module))
                if wanted.value is not True:
                    continue
            made = self.value(value_expr, module, inner)
            if key_expr is None:
                listed.append(made)
            else:
                name = self.value(key_expr, module, inner)
                if name.layer in UNKNOWN or isinstance(name.value, dict | tuple):
                    return unknown(expr.at, "reference", *_names(expr, module))
                word = written(name.value)
                before = mapped[word].elements() if word in mapped else ()
                mapped[word] = Node((*before, made), expr.at) if grouped else made
        return Node(mapped if key_expr is not None else tuple(listed), expr.at)

    def _call(self, expr: Expr, module: Module, scope: Scope) -> Node:
        name, arguments = expr.parts
        if name in ("try", "can"):
            return self._tried(expr, module, scope)
        values: list[Node] = []
        for item in arguments:
            if item.kind == "spread":
                inner = self.value(item.parts[0], module, scope)
                if inner.layer in UNKNOWN:
                    return _mixed(expr.at, [inner], "reference")
                values.extend(inner.elements())
            else:
                values.append(self.value(item, module, scope))
        if name in FUNCTIONS:
            made = FUNCTIONS[name](expr.at, values)
            if made is not None:
                return made
        return _mixed(expr.at, values, "unknown" if name in ("one", "coalesce", "lookup", "element") else "reference")

    def _tried(self, expr: Expr, module: Module, scope: Scope) -> Node:
        """`try` and `can`: what surely is an error is passed over; what may be one is not known."""
        name, arguments = expr.parts
        for item in arguments:
            try:
                found = self._evaluated(item, module, scope)
            except Absent:
                continue
            except (NotKnown, ValueError, ArithmeticError):
                break
            if found.layer in UNKNOWN:
                break
            return Node(True, expr.at) if name == "can" else found
        else:
            return Node(False, expr.at) if name == "can" else unknown(expr.at, "unknown")
        return _mixed(expr.at, [self.value(item, module, scope) for item in arguments], "unknown")

    def _reference(self, expr: Expr, module: Module, scope: Scope) -> Node:
        base, steps = (expr, ()) if expr.kind == "name" else expr.parts
        if base.kind != "name":
            return self._stepped(self.value(base, module, scope), steps, module, scope, expr)
        head = base.parts[0]
        names = [step[1] for step in steps if step[0] == "attr"]
        if head in scope:
            return self._stepped(scope[head], steps, module, scope, expr)
        if names and steps[0][0] == "attr" and f"{head}.{names[0]}" in scope:
            return self._stepped(scope[f"{head}.{names[0]}"], steps[1:], module, scope, expr)
        if head == "var" and names:
            return self._stepped(self._input(names[0], module, expr), steps[1:], module, scope, expr)
        if head == "local" and names:
            return self._stepped(self._local(names[0], module), steps[1:], module, scope, expr)
        if head == "module" and names:
            return self._output(names[0], steps[1:], module, scope, expr)
        if head in ("path", "terraform", "self", "each", "count"):
            return unknown(expr.at, "reference", f"{module.prefix}{text_of(expr)}")
        return self._resource(head, steps, module, scope, expr)

    def _resource(
        self, head: str, steps: tuple[tuple[str, Any], ...], module: Module, scope: Scope, expr: Expr
    ) -> Node:
        """A resource, or part of it: known after apply, and sure to be there unless it may not exist itself."""
        count = 2 if head in ("data", "ephemeral") else 1
        names = [head, *(str(step) for kind, step in steps[:count] if kind == "attr")]
        if len(names) != count + 1:
            return unknown(expr.at, "unknown", f"{module.prefix}{text_of(expr)}")
        instances = self._whole(names, module, expr)
        return self._stepped(instances, steps[count:], module, scope, expr)

    def _whole(self, names: list[str], module: Module, expr: Expr) -> Node:
        """All instances of a resource: a list or a map of references where it is repeated and one can tell."""
        address = f"{module.prefix}{'.'.join(names)}"
        kind = names[0] if len(names) == 3 else "resource"
        block = next((item for item in module.of(kind) if item.labels[:2] == tuple(names[-2:])), None)
        repeated = block is not None and ("count" in block.attributes or "for_each" in block.attributes)
        if block is None or not repeated or address in module.pending:
            return unknown(expr.at, "unknown" if repeated else "reference", address)
        module.pending.add(address)
        instances = self.instances(block, module)
        module.pending.discard(address)
        if any(key == "" for key, _ in instances):
            return unknown(expr.at, "unknown", address)
        references = [(key, unknown(expr.at, "reference", f"{address}{key}")) for key, _ in instances]
        if "count" in block.attributes:
            return Node(tuple(node for _, node in references), expr.at)
        return Node({key[2:-2]: node for key, node in references}, expr.at)

    def instances(self, block: Block, module: Module) -> list[tuple[str, Scope]]:
        """Instance keys with what `each` or `count` is in them; one without a key when nobody can tell."""
        raise NotImplementedError

    def children(self, name: str, module: Module) -> list[tuple[str, Module]]:
        """The instances of a local module that is called by this name, each with its key."""
        raise NotImplementedError

    def _input(self, name: str, module: Module, expr: Expr) -> Node:
        """The value of a variable: the caller's, else its default, else a reference to whatever will be given."""
        if name not in module.inputs:
            if f"var.{name}" in module.pending:
                raise NotKnown
            module.pending.add(f"var.{name}")
            try:
                module.inputs[name] = self._given(name, module, expr)
            finally:
                module.pending.discard(f"var.{name}")
        return module.inputs[name]

    def _given(self, name: str, module: Module, expr: Expr) -> Node:
        block = next((item for item in module.of("variable") if item.labels[:1] == (name,)), None)
        if name not in module.given or block is None:
            found = self._default(block, f"{module.prefix}var.{name}", module, expr)
        else:
            told, where, scope = module.given[name]
            found = self.value(told, where, scope)
            nullable = block.attributes.get("nullable")
            if found.plain is None and found.layer not in UNKNOWN and nullable and literal(nullable[0]) is False:
                found = self._default(block, f"{module.prefix}var.{name}", module, expr)
        return (
            found
            if block is None or "type" not in block.attributes
            else self._typed(found, block.attributes["type"][0])
        )

    def _typed(self, node: Node, kind: Expr) -> Node:
        """A value with what its type fills in: the defaults of optional attributes."""
        if kind.kind == "name" and kind.parts[0] in ("string", "number", "bool"):
            return node if isinstance(node.value, dict | tuple) else converted(node, kind.parts[0])
        if kind.kind != "call" or node.layer in UNKNOWN or not kind.parts[1]:
            return node
        name, inner = kind.parts[0], kind.parts[1][0]
        if name in ("list", "set", "map") and isinstance(node.value, dict):
            return replace(node, value={key: self._typed(item, inner) for key, item in node.items()})
        if name in ("list", "set", "map") and isinstance(node.value, tuple):
            made = replace(node, value=tuple(self._typed(item, inner) for item in node.elements()))
            return as_set(made) if name == "set" else made
        if name != "object" or inner.kind != "obj" or not isinstance(node.value, dict):
            return node
        values = dict(node.value)
        for key, wanted in inner.parts:
            attribute = key.parts[0] if key.kind == "name" else literal(key)
            optional = wanted.kind == "call" and wanted.parts[0] == "optional"
            own = wanted.parts[1][0] if optional and wanted.parts[1] else wanted
            missing = attribute not in values or (values[attribute].value is None and values[attribute].layer == "file")
            if missing and optional:
                default = wanted.parts[1][1] if len(wanted.parts[1]) > 1 else None
                values[attribute] = Node(None, node.at) if default is None else self.value(default, Module("", []), {})
            if attribute in values:
                values[attribute] = self._typed(values[attribute], own)
        return replace(node, value=values)

    def _default(self, block: Block | None, name: str, module: Module, expr: Expr) -> Node:
        if block is None:
            return unknown(expr.at, "unknown", name)
        if "default" in block.attributes:
            return self.value(block.attributes["default"][0], module, {})
        return unknown(block.at, "reference", name)

    def _local(self, name: str, module: Module) -> Node:
        if name not in module.known_locals:
            expr = module.locals.get(name)
            if expr is None or name in module.pending:
                raise NotKnown
            module.pending.add(name)
            module.known_locals[name] = self.value(expr, module, {})
            module.pending.discard(name)
        return module.known_locals[name]

    def _output(self, name: str, steps: tuple[tuple[str, Any], ...], module: Module, scope: Scope, expr: Expr) -> Node:
        instances = self.children(name, module)
        wanted = ""
        if steps and steps[0][0] == "idx":
            key = self.value(steps[0][1], module, scope)
            wanted = f'["{key.value}"]' if isinstance(key.value, str) else f"[{key.value}]"
            steps = steps[1:]
        chosen = [child for key_, child in instances if key_ == wanted]
        if len(chosen) != 1 or not steps or steps[0][0] != "attr":
            return unknown(expr.at, "unknown", *(f"{child.prefix.rstrip('.')}" for _, child in instances))
        child = chosen[0]
        for block in child.of("output"):
            if block.labels[:1] == (steps[0][1],) and "value" in block.attributes:
                found = self.value(block.attributes["value"][0], child, {})
                return self._stepped(found, steps[1:], module, scope, expr)
        return unknown(expr.at, "unknown")

    def _stepped(
        self, node: Node, steps: tuple[tuple[str, Any], ...], module: Module, scope: Scope, expr: Expr
    ) -> Node:
        for index, (kind, step) in enumerate(steps):
            if node.layer in UNKNOWN:
                return _unknown_below(node, steps[index:])
            if kind == "splat":
                rest = steps[index + 1 :]
                items = (
                    node.elements() if isinstance(node.value, tuple) else iter([node] if node.value is not None else [])
                )
                return Node(tuple(self._stepped(item, rest, module, scope, expr) for item in items), expr.at)
            key = step if kind == "attr" else self.value(step, module, scope)
            if isinstance(key, Node):
                if key.layer in UNKNOWN:
                    return _mixed(expr.at, [node, key], "unknown")
                key = key.value
            if isinstance(key, bool) or not isinstance(key, str | int | float):
                raise NotKnown
            if isinstance(key, str) and isinstance(node.value, tuple):
                raise NotKnown
            place = int(key) if isinstance(key, float) else key
            found = None if isinstance(place, int) and place < 0 else node.get(place)
            if found is None:
                raise Absent
            node = found
        return node if node.layer in UNKNOWN else replace(node, key_at=None)


def here(node: Node, at: Location) -> Node:
    """A value that a caller told, at the place it is used; where it was told stands below it."""
    if node.at.path == at.path:
        return node
    return replace(node, at=at, below=(node,))


def all_here(node: Node, at: Location) -> Node:
    """The same for a value and everything in it."""
    moved = here(node, at)
    if isinstance(node.value, dict):
        values = {key: all_here(child, at) for key, child in node.items()}
        changed = any(values[key] is not child for key, child in node.items())
        return replace(moved, value=values) if changed else moved
    if isinstance(node.value, tuple):
        items = tuple(all_here(child, at) for child in node.elements())
        return replace(moved, value=items) if any(a is not b for a, b in zip(items, node.value, strict=True)) else moved
    return moved


def unknown(at: Location, layer: str, *names: str) -> Node:
    return Node(None, at, layer=layer, note="${" + " ".join(names) + "}" if names else "")


def _unknown_below(node: Node, steps: tuple[tuple[str, Any], ...]) -> Node:
    """A part of what is unknown: of a reference to a resource the attributes go on."""
    note = node.note
    if re.fullmatch(r"\$\{[^\s${}]+\}", note):
        attributes = "".join(f".{step}" for kind, step in steps if kind == "attr")
        note = note[:-1] + attributes + "}"
    return replace(node, note=note, layer="unknown" if ".var." in f".{node.note[2:]}" else node.layer)


def _mixed(at: Location, nodes: Sequence[Node], layer: str) -> Node:
    """Something made of several values of which not all are known."""
    names: list[str] = []
    for node in nodes:
        for part in node.walk():
            if part.layer in UNKNOWN:
                for inside in re.findall(r"\$\{([^}]*)\}", part.note):
                    names += [name for name in inside.split() if name not in names]
    return unknown(at, layer, *names) if names else Node(None, at, layer=layer)


def _names(expr: Any, module: Module) -> Iterator[str]:
    """The resources an expression speaks of, for when its value cannot be told."""
    if isinstance(expr, Expr):
        if expr.kind == "get" and expr.parts[0].kind == "name":
            head = expr.parts[0].parts[0]
            if head not in ("var", "local", "each", "count", "path", "terraform", "self", "module"):
                yield f"{module.prefix}{text_of(expr)}"
        for part in expr.parts:
            yield from _names(part, module)
    elif isinstance(expr, tuple):
        for part in expr:
            yield from _names(part, module)


def text_of(expr: Expr) -> str:
    """A reference as it is written, without keys that are no literals."""
    if expr.kind == "name":
        return str(expr.parts[0])
    if expr.kind == "get":
        text = text_of(expr.parts[0])
        for kind, step in expr.parts[1]:
            text += f".{step}" if kind == "attr" else "[*]" if kind == "splat" else "[0]"
        return text
    if expr.kind == "tpl" and all(isinstance(part, str) for part in expr.parts):
        return "".join(expr.parts)
    return ""


def literal(expr: Expr) -> Any:
    if expr.kind == "lit":
        return expr.parts[0]
    if expr.kind == "tpl" and all(isinstance(part, str) for part in expr.parts):
        return "".join(expr.parts)
    return None


def _short(op: str, operands: Sequence[Node]) -> bool | None:
    """What `&&` and `||` are when one side decides."""
    deciding = {"&&": False, "||": True}.get(op)
    if deciding is not None and any(node.value is deciding for node in operands if node.layer not in UNKNOWN):
        return deciding
    return None
