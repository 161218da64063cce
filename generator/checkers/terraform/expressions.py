"""What every expression of a folder yields, as far as it is known without a plan, and where that cannot be meant.

Only types are followed, and values that are written out; what is not known is judged by nobody.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from generator import data
from generator.checkers.terraform.bodies import found, suggestion
from generator.checkers.terraform.facts import Body, body
from generator.checkers.terraform.types import (
    NOTHING,
    PRIMITIVES,
    UNKNOWN,
    Kind,
    element,
    letter,
    member,
    misfit,
    of_constraint,
    together,
    words,
)
from generator.document import Location
from generator.finding import Finding
from generator.policy.hclread import Block, Expr

_DEEPEST = 60
_Steps: TypeAlias = Sequence[tuple[str, Any]]
_TRYING = frozenset({"try", "can"})
_OPERANDS = {**dict.fromkeys(("+", "-", "*", "/", "%", "<", ">", "<=", ">="), "n"), "&&": "b", "||": "b"}
_SAME = frozenset({"sensitive", "nonsensitive", "ephemeralasnull", "reverse", "distinct"})


@dataclass(frozen=True, slots=True)
class Scope:
    """Types of what stands for something at a place only: loop variables, `each.value` and `self`."""

    names: Mapping[str, Any] = field(default_factory=dict)
    each: Any = "y"
    self_: Any = "y"

    def having(self, **more: Any) -> Scope:
        return replace(self, names={**self.names, **more})


@dataclass(frozen=True, slots=True)
class Declared:
    """What a folder declares, by name; `outputs_of` answers for a call of a module of which we have the files."""

    variables: Mapping[str, Block]
    locals: Mapping[str, tuple[Expr, Location]]
    calls: Mapping[str, Block]
    typed: Mapping[tuple[str, str, str], Block]
    outputs_of: Callable[[Block], Any]


class Expressions:
    """Reads expressions of one folder; what cannot be meant is kept in `findings`, once."""

    def __init__(self, declared: Declared) -> None:
        self.declared = declared
        self.findings: dict[Finding, None] = {}
        self._trying = 0
        self._depth = 0
        self._locals: dict[str, Any] = {}
        self._variables: dict[str, Any] = {}

    def say(self, rule: str, message: str, at: Location, fix: str) -> None:
        if not self._trying:
            self.findings[found(rule, message, at, fix)] = None

    def want(self, given: Kind, wanted: Any, rule: str, what: str, at: Location) -> None:
        """Say it where a value is not, and cannot become, what is wanted."""
        if reason := misfit(given, wanted):
            self.say(rule, f"{what} is {reason}, {_given(given)} stands here", at, f"give {reason}")

    def kind(self, expr: Expr, scope: Scope) -> Kind:
        """The type of an expression, and its value where it is written out."""
        if self._depth > _DEEPEST:
            return UNKNOWN
        self._depth += 1
        try:
            read = _READERS.get(expr.kind)
            return UNKNOWN if read is None else read(self, expr, scope)
        finally:
            self._depth -= 1

    # names

    def local(self, name: str) -> Any:
        """The type of a local value; not known while it is being found out, or refers to itself."""
        if name not in self._locals:
            self._locals[name] = "y"
            if name in self.declared.locals:
                trying, self._trying = self._trying, 0
                self._locals[name] = self.kind(self.declared.locals[name][0], Scope()).type
                self._trying = trying
        return self._locals[name]

    def variable(self, name: str) -> Any:
        if name not in self._variables:
            block = self.declared.variables.get(name)
            given = block.attributes.get("type") if block is not None else None
            self._variables[name] = of_constraint(given[0]) if given else "y"
        return self._variables[name]

    def _resource(self, kind: str, type_: str, name: str) -> Any:
        block = self.declared.typed.get((kind, type_, name))
        return "y" if block is None else _repeated(object_of(kind, type_), block)

    # literals and texts

    def _literal(self, expr: Expr, _scope: Scope) -> Kind:
        value = expr.parts[0]
        if value is None:
            return Kind("z", None)
        return Kind("b" if isinstance(value, bool) else "n", value)

    def _template(self, expr: Expr, scope: Scope) -> Kind:
        if all(isinstance(part, str) for part in expr.parts):
            return Kind("s", "".join(expr.parts))
        if len(expr.parts) == 1:
            return self.kind(expr.parts[0], scope)
        for part in expr.parts:
            if isinstance(part, Expr):
                given = self.kind(part, scope).type
                if given == "z":
                    self.say("collection-in-text", "null cannot stand within a text", part.at, "give a value")
                elif letter(given) not in {*PRIMITIVES, "y"}:
                    message = f"{words(given)} cannot stand within a text"
                    fix = "join its items with join(), write it with jsonencode(), or choose one of them"
                    self.say("collection-in-text", message, part.at, fix)
        return Kind("s")

    def _directive(self, expr: Expr, scope: Scope) -> Kind:
        self.kind(expr.parts[0], scope)
        return Kind("s")

    def _list(self, expr: Expr, scope: Scope) -> Kind:
        return Kind(("t", *[self.kind(item, scope).type for item in expr.parts]))

    def _mapping(self, expr: Expr, scope: Scope) -> Kind:
        made: dict[str, Any] = {}
        whole = True
        for key, value in expr.parts:
            inner = self.kind(value, scope).type
            name = Kind("s", key.parts[0]) if key.kind == "name" else self.kind(key, scope)
            if name.value is NOTHING or name.value is None:
                whole = False
            else:
                made[_key(name.value)] = inner
        return Kind(made) if whole else UNKNOWN

    def _inner(self, expr: Expr, scope: Scope) -> Kind:
        return self.kind(expr.parts[0], scope)

    def _name(self, expr: Expr, scope: Scope) -> Kind:
        return Kind(scope.names.get(str(expr.parts[0]), "y"))

    # operators

    def _unary(self, expr: Expr, scope: Scope) -> Kind:
        sign, operand = expr.parts
        wanted = "b" if sign == "!" else "n"
        given = self.kind(operand, scope)
        self.want(given, wanted, "wrong-operand", f"what stands after {sign}", operand.at)
        negative = sign == "-" and isinstance(given.value, int | float) and not isinstance(given.value, bool)
        return Kind(wanted, -given.value if negative else NOTHING)

    def _binary(self, expr: Expr, scope: Scope) -> Kind:
        sign, *operands = expr.parts
        wanted = _OPERANDS.get(sign)
        for side, operand in zip(("before", "after"), operands, strict=True):
            given = self.kind(operand, scope)
            if wanted is not None:
                self.want(given, wanted, "wrong-operand", f"what stands {side} {sign}", operand.at)
        return Kind("n" if sign in "+-*/%" else "b")

    def _conditional(self, expr: Expr, scope: Scope) -> Kind:
        condition, yes, no = expr.parts
        self.want(self.kind(condition, scope), "b", "wrong-condition", "what stands before ?", condition.at)
        return Kind(together([self.kind(yes, scope).type, self.kind(no, scope).type]))

    def _for(self, expr: Expr, scope: Scope) -> Kind:
        names, over, key, value, when, grouped, _ = expr.parts
        given = self.kind(over, scope).type
        if letter(given) in PRIMITIVES:
            message = f"for walks over a list, set, map or object, {words(given)} stands here"
            self.say("wrong-loop", message, over.at, "write it in brackets, or name the collection")
        item = element(given)
        front = {"l": "n", "t": "n", "m": "s", "object": "s"}.get(letter(given), item)
        inner = scope.having(**({names[0]: item} if len(names) == 1 else {names[0]: front, names[1]: item}))
        if when is not None:
            self.want(self.kind(when, inner), "b", "wrong-condition", "what stands after if", when.at)
        made = self.kind(value, inner).type
        if key is None:
            return Kind(("l", made))
        self.want(self.kind(key, inner), "s", "wrong-key", "a key", key.at)
        return Kind(("m", ("l", made) if grouped else made))

    # functions

    def _call(self, expr: Expr, scope: Scope) -> Kind:
        name, arguments = str(expr.parts[0]).removeprefix("core::"), expr.parts[1]
        spread = bool(arguments) and arguments[-1].kind == "spread"
        self._trying += name in _TRYING
        given = [self.kind(each.parts[0] if each.kind == "spread" else each, scope) for each in arguments]
        self._trying -= name in _TRYING
        if "::" in name:
            return UNKNOWN
        signature = functions().get(name)
        if signature is None:
            fix = suggestion(name, list(functions()), "see the list of functions in Terraform's documentation")
            self.say("unknown-function", f'there is no function "{name}"', expr.at, fix)
            return UNKNOWN
        result, parameters, last = signature
        if not spread and not self._counted(name, len(given), parameters, last, expr):
            return Kind(result)
        if spread:
            given = given[:-1]
        self._arguments(name, given, parameters, last, arguments)
        if name in _SHAPES and not spread:
            return Kind(_SHAPES[name]([each.type for each in given]))
        return Kind(given[0].type if name in _SAME and given else result)

    def _counted(self, name: str, count: int, parameters: Sequence[Any], last: Any, expr: Expr) -> bool:
        """Whether a function got as many arguments as it takes."""
        least = len(parameters)
        if count == least or (count > least and last is not None):
            return True
        wanted = f"{'at least ' if last is not None else ''}{least} argument{'' if least == 1 else 's'}"
        message = f"{name} takes {wanted}, {count} stand{'s' if count == 1 else ''} here"
        self.say("wrong-function-arguments", message, expr.at, f"give {wanted}")
        return False

    def _arguments(
        self, name: str, given: Sequence[Kind], parameters: Sequence[Any], last: Any, arguments: Sequence[Expr]
    ) -> None:
        for number, (each, expr) in enumerate(zip(given, arguments, strict=False)):
            wanted, nullable = parameters[number] if number < len(parameters) else (last or ["y", True])
            what = f"argument {number + 1} of {name}"
            if each.type == "z" and not nullable and name not in _TRYING:
                self.say("wrong-function-argument", f"{what} is null", expr.at, "give a value, or use coalesce()")
                continue
            self.want(each, wanted, "wrong-function-argument", what, expr.at)
            accepted = _ACCEPTED.get(name)
            if (
                accepted is not None
                and (number == 0 or not parameters)
                and letter(each.type) not in {*accepted, "y", "z"}
            ):
                needed = " or ".join(dict.fromkeys(_NAMES[sort] for sort in sorted(accepted)))
                message = f"{what} is {needed}, {_given(each)} stands here"
                self.say("wrong-function-argument", message, expr.at, f"give {needed}")

    # reaching into values

    def _get(self, expr: Expr, scope: Scope) -> Kind:
        base, steps = expr.parts
        for sort, inner in steps:
            if sort == "idx":
                self.kind(inner, scope)
        if base.kind != "name":
            return Kind(self._steps(self.kind(base, scope).type, steps, expr, scope))
        start, rest = self._start(str(base.parts[0]), steps, scope)
        return Kind(self._steps(start, rest, expr, scope))

    def _start(self, root: str, steps: _Steps, scope: Scope) -> tuple[Any, _Steps]:
        """The type of what a reference begins with, and the steps that lead on from there."""
        words_ = [word for sort, word in steps[:3] if sort == "attr"]
        if root in scope.names:
            return scope.names[root], steps
        if root == "self":
            return scope.self_, steps
        if root == "resource" and words_:
            return self._start(words_[0], steps[1:], scope)
        if root in {"data", "ephemeral"}:
            return (self._resource(root, words_[0], words_[1]), steps[2:]) if len(words_) > 1 else ("y", ())
        if not words_ or steps[0][0] != "attr":
            return "y", ()
        named: Mapping[str, Callable[[str], Any]] = {
            "var": self.variable,
            "local": self.local,
            "module": self._module,
            "each": lambda word: {"key": "s", "value": scope.each}.get(word, "y"),
            "count": lambda _word: "n",
            "path": lambda _word: "s",
            "terraform": lambda _word: "s",
        }
        if root in named:
            return named[root](words_[0]), steps[1:]
        return self._resource("resource", root, words_[0]), steps[1:]

    def _module(self, name: str) -> Any:
        call = self.declared.calls.get(name)
        return "y" if call is None else _repeated(self.declared.outputs_of(call), call)

    def _steps(self, kind: Any, steps: _Steps, expr: Expr, scope: Scope) -> Any:
        for number, (sort, word) in enumerate(steps):
            if letter(kind) in {"y", "z"}:
                return "y"
            if sort == "splat":
                return self._splat(kind, steps[number + 1 :], expr, scope)
            if sort == "attr":
                kind = self._attribute(kind, str(word), expr)
            else:
                trying, self._trying = self._trying, 1  # the index has been judged
                index = self.kind(word, scope)
                self._trying = trying
                kind = self._index(kind, index, expr, word)
        return kind

    def _splat(self, kind: Any, rest: _Steps, expr: Expr, scope: Scope) -> Any:
        if any(sort == "idx" for sort, _ in rest):
            return "y"  # `.*.a[0]` means another thing than `[*].a[0]`
        sort = letter(kind)
        inner = element(kind) if sort in {"l", "e", "t"} else kind
        return ("l", self._steps(inner, rest, expr, scope))

    def _attribute(self, kind: Any, name: str, expr: Expr) -> Any:
        sort = letter(kind)
        if sort == "object":
            if name in kind:
                return member(kind[name])
            fix = suggestion(name, list(kind), f"it has {', '.join(sorted(kind)[:8]) or 'none'}")
            self.say("unknown-attribute", f'{front(expr)}there is no attribute "{name}"', expr.at, fix)
        elif sort == "m":
            return kind[1]
        elif sort in PRIMITIVES:
            message = f'{front(expr)}{words(kind)} has no attribute "{name}"'
            self.say("unknown-attribute", message, expr.at, f"remove .{name}")
        else:
            message = f'{front(expr)}{words(kind)} has no attribute "{name}"'
            fix = "choose one of its items, or all with [*]" if sort != "e" else "take one with one(), or all with [*]"
            self.say("unknown-attribute", message, expr.at, fix)
        return "y"

    def _index(self, kind: Any, index: Kind, expr: Expr, at: Expr) -> Any:
        sort = letter(kind)
        if sort == "object" and isinstance(index.value, str | int):
            return self._attribute(kind, _key(index.value), expr)
        if sort == "e":
            message = f"{front(expr)}the items of a set have no order and no names"
            self.say("wrong-index", message, at.at, "take the only one with one(), or make a list with tolist()")
            return "y"
        if sort in PRIMITIVES:
            message = f"{front(expr)}{words(kind)} has no items"
            self.say("wrong-index", message, at.at, "remove the index")
            return "y"
        if sort in {"l", "t"}:
            self.want(index, "n", "wrong-index", "the index of a list", at.at)
        if sort == "t" and isinstance(index.value, int) and index.value >= len(kind) - 1:
            message = f"there is no item {index.value} in a list of {len(kind) - 1}"
            self.say("wrong-index", message, at.at, "count from 0")
            return "y"
        if sort == "t" and isinstance(index.value, int) and index.value >= 0:
            return kind[1 + index.value]
        return element(kind)


_READERS: Mapping[str, Callable[[Expressions, Expr, Scope], Kind]] = {
    "lit": Expressions._literal,
    "tpl": Expressions._template,
    "list": Expressions._list,
    "obj": Expressions._mapping,
    "paren": Expressions._inner,
    "name": Expressions._name,
    "un": Expressions._unary,
    "bin": Expressions._binary,
    "cond": Expressions._conditional,
    "for": Expressions._for,
    "call": Expressions._call,
    "get": Expressions._get,
    "opaque": Expressions._directive,
}


# types of what is declared


@functools.lru_cache(maxsize=512)
def object_of(kind: str, type_: str) -> Any:
    """The object that a resource or data source is to those who read it."""
    known = body(kind, type_)
    return "y" if known is None else _object(known, {})


def _object(known: Body, made: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """The object that a block is; blocks that are the same share it."""
    if id(known) not in made:
        members = {name: attribute.type for name, attribute in known.attributes.items()}
        for name, nested in known.blocks.items():
            inner = _object(nested.body, made)
            members[name] = {"list": ("l", inner), "set": ("e", inner), "map": ("m", inner)}.get(nested.nesting, inner)
        made[id(known)] = members
    return made[id(known)]


def _repeated(kind: Any, block: Block) -> Any:
    """Of a block with count there is a list, with for_each a map."""
    if kind == "y":
        return "y"
    if "count" in block.attributes:
        return ("l", kind)
    return ("m", kind) if "for_each" in block.attributes else kind


# functions


@functools.cache
def functions() -> Mapping[str, Any]:
    """Result, parameters and repeated parameter of each of Terraform's functions."""
    return dict(data.load("schemas/terraform/functions.json")["functions"])


_COLLECTIONS = frozenset({"l", "e", "m", "t", "object"})
_ACCEPTED: Mapping[str, frozenset[str]] = {
    "length": _COLLECTIONS | {"s"},
    "keys": frozenset({"m", "object"}),
    "values": frozenset({"m", "object"}),
    "lookup": frozenset({"m", "object"}),
    "merge": frozenset({"m", "object"}),
    "concat": frozenset({"l", "t", "e"}),
    "flatten": frozenset({"l", "t", "e"}),
    "element": frozenset({"l", "t"}),
    "toset": frozenset({"l", "t", "e"}),
    "tolist": frozenset({"l", "t", "e"}),
    "tomap": frozenset({"m", "object"}),
    "tostring": PRIMITIVES,
    "tonumber": PRIMITIVES,
    "tobool": PRIMITIVES,
}
"""What a function takes first where its signature says any."""
_NAMES = {
    **{"l": "a list", "t": "a list", "e": "a set", "m": "a map", "object": "a map"},
    **{"s": "a text", "n": "a number", "b": "true or false"},
}


def _merged(kinds: Sequence[Any]) -> Any:
    made: dict[str, Any] = {}
    for kind in kinds:
        if not isinstance(kind, Mapping):
            return "y"
        made.update(kind)
    return made


def _listed(kinds: Sequence[Any]) -> Any:
    return ("l", element(kinds[0]))


_SHAPES: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "merge": _merged,
    "tolist": _listed,
    "toset": lambda kinds: ("e", element(kinds[0])),
    "tomap": lambda kinds: ("m", element(kinds[0])),
    "values": _listed,
    "keys": lambda _kinds: ("l", "s"),
    "format": lambda _kinds: "s",
    "length": lambda _kinds: "n",
    "contains": lambda _kinds: "b",
    "one": lambda kinds: element(kinds[0]),
    "element": lambda kinds: element(kinds[0]),
    "concat": lambda kinds: ("l", together(element(kind) for kind in kinds)),
    "split": lambda _kinds: ("l", "s"),
}
"""What a function yields where its signature does not say it whole."""


# words


def front(expr: Expr) -> str:
    """A reference as it is written, without what stands in brackets, to begin a message with."""
    base, steps = expr.parts
    if base.kind != "name":
        return ""
    return f'"{base.parts[0]}{"".join(_STEPS.get(sort, f".{word}") for sort, word in steps)}": '


_STEPS = {"idx": "[…]", "splat": "[*]"}


def _given(kind: Kind) -> str:
    if kind.value is not NOTHING and isinstance(kind.value, str | int | float) and not isinstance(kind.value, bool):
        return f'"{str(kind.value)[:40]}"'
    return words(kind.type)


def _key(value: Any) -> str:
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
