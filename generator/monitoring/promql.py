"""PromQL as a tree whose every part knows its place.

The text is read by `promqlreader`; here are the parts of the tree, and which labels a result can carry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with an expression; `offset` counts characters of the text, `kind` names the sort of mistake."""

    message: str
    offset: int
    kind: str = "syntax"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition of a selector; `operator` is one of = != =~ !~."""

    label: str
    operator: str
    value: str
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    """A label in a list of labels."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Number:
    value: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Selector:
    """Series of one metric ("" when a matcher of `__name__` alone tells); `range` in seconds makes a range vector."""

    metric: str
    matchers: tuple[Matcher, ...]
    range: float | None
    offset: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Subquery:
    inner: Expression
    range: float
    step: float | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Group:
    """What stands in parentheses."""

    inner: Expression
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str
    inner: Expression
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Binary:
    """`matching` is on, ignoring or ""; `grouping` is left, right or ""; `included` are the labels of group_left."""

    operator: str
    left: Expression
    right: Expression
    boolean: bool
    matching: str
    labels: tuple[Name, ...]
    grouping: str
    included: tuple[Name, ...]
    at: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Aggregation:
    """`grouping` is by, without or ""."""

    operator: str
    inner: Expression
    parameter: Expression | None
    grouping: str
    labels: tuple[Name, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Expression, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Opaque:
    """Valid, but not taken apart."""

    start: int
    end: int


Expression: TypeAlias = "Number | Text | Selector | Subquery | Group | Unary | Binary | Aggregation | Call | Opaque"

COMPARISONS = frozenset(["==", "!=", ">", "<", ">=", "<="])
SETS = frozenset(["and", "or", "unless"])


@dataclass(frozen=True, slots=True)
class Labels:
    """Which labels a result can carry: those of `only` (None: any), and never those of `without`."""

    only: frozenset[str] | None
    without: frozenset[str] = frozenset()

    def may_have(self, label: str) -> bool:
        return (self.only is None or label in self.only) and label not in self.without

    def less(self, labels: frozenset[str]) -> Labels:
        only = None if self.only is None else self.only - labels
        return Labels(only, self.without | labels)

    def more(self, labels: frozenset[str]) -> Labels:
        only = None if self.only is None else self.only | labels
        return Labels(only, self.without - labels)

    def limited_to(self, labels: frozenset[str]) -> Labels:
        return Labels(frozenset(label for label in labels if self.may_have(label)))


def parse(text: str) -> Expression | Problem:
    """The tree of an expression, or why it is none."""
    from generator.monitoring import promqlreader

    return promqlreader.read(text)


def children(expression: Expression) -> tuple[Expression, ...]:
    """The parts of an expression, as they stand in the text."""
    match expression:
        case Subquery() | Group() | Unary():
            return (expression.inner,)
        case Binary():
            return (expression.left, expression.right)
        case Aggregation():
            return (expression.inner,) if expression.parameter is None else (expression.parameter, expression.inner)
        case Call():
            return expression.arguments
        case _:
            return ()


def walk(expression: Expression) -> Iterator[Expression]:
    """An expression and all below it, the outermost first."""
    yield expression
    for child in children(expression):
        yield from walk(child)


def selectors(expression: Expression) -> tuple[Selector, ...]:
    """Every selector, in the order of the text."""
    return tuple(part for part in walk(expression) if isinstance(part, Selector))


def bare(expression: Expression) -> Expression:
    """An expression without the parentheses around it."""
    while isinstance(expression, Group):
        expression = expression.inner
    return expression


def is_scalar(expression: Expression) -> bool:
    """Whether it is a number and not a vector."""
    match bare(expression):
        case Number() | Text():
            return True
        case Call(function=function):
            return function in ("scalar", "time", "pi", "start", "end", "range", "step")
        case Unary(inner=inner):
            return is_scalar(inner)
        case Binary(left=left, right=right):
            return is_scalar(left) and is_scalar(right)
        case _:
            return False


KEEPING = frozenset(["topk", "bottomk", "limitk", "limit_ratio"])
"""Aggregations that choose series and leave their labels alone."""

_WITHOUT_LABELS = frozenset(["vector", "scalar", "time", "pi", "start", "end", "range", "step"])
_NOTHING = Labels(frozenset())


def labels(expression: Expression) -> Labels:
    """Which labels the result of an expression can carry; the metric's name is not one of them."""
    match expression:
        case Selector():
            absent = frozenset(
                matcher.label for matcher in expression.matchers if matcher.operator == "=" and matcher.value == ""
            )
            return Labels(None, absent)
        case Subquery() | Group() | Unary():
            return labels(expression.inner)
        case Aggregation():
            return _aggregated(expression)
        case Call():
            return _called(expression)
        case Binary():
            return _matched(expression)
        case Opaque():
            return Labels(None)
        case _:
            return _NOTHING


def _aggregated(expression: Aggregation) -> Labels:
    inner = labels(expression.inner)
    if expression.operator in KEEPING:
        return inner
    named = frozenset(name.text for name in expression.labels)
    left = inner.less(named) if expression.grouping == "without" else inner.limited_to(named)
    if expression.operator == "count_values" and isinstance(expression.parameter, Text):
        left = left.more(frozenset([expression.parameter.value]))
    return left


def _called(expression: Call) -> Labels:
    name, arguments = expression.function, expression.arguments
    if name in _WITHOUT_LABELS or not arguments:
        return _NOTHING
    if name == "info":
        return Labels(None)
    if name in ("absent", "absent_over_time"):
        inner = bare(arguments[0])
        matchers = inner.matchers if isinstance(inner, Selector) else ()
        equal = [matcher.label for matcher in matchers if matcher.operator == "=" and matcher.label != "__name__"]
        return Labels(frozenset(label for label in equal if equal.count(label) == 1))
    vectors = [argument for argument in arguments if not isinstance(bare(argument), Text) and not is_scalar(argument)]
    inner_labels = labels(vectors[0]) if vectors else Labels(None)
    if name in ("histogram_quantile", "histogram_fraction"):
        return inner_labels.less(frozenset(["le"]))
    if name == "histogram_quantiles" and len(arguments) > 1 and isinstance(arguments[1], Text):
        return inner_labels.less(frozenset(["le"])).more(frozenset([arguments[1].value]))
    if name in ("label_replace", "label_join") and len(arguments) > 1 and isinstance(arguments[1], Text):
        return inner_labels.more(frozenset([arguments[1].value]))
    return inner_labels


def _matched(expression: Binary) -> Labels:
    left, right = expression.left, expression.right
    if is_scalar(left) or is_scalar(right):
        return labels(right if is_scalar(left) else left)
    one, other = labels(left), labels(right)
    if expression.operator == "or":
        only = None if one.only is None or other.only is None else one.only | other.only
        return Labels(only, one.without & other.without)
    if expression.operator in SETS:
        return one
    named = frozenset(name.text for name in expression.labels)
    if expression.grouping:
        many, single = (one, other) if expression.grouping == "left" else (other, one)
        included = frozenset(name.text for name in expression.included)
        given = frozenset(label for label in included if single.may_have(label))
        return many.less(included - given).more(given)
    if expression.matching == "on":
        return one.limited_to(named)
    if expression.matching == "ignoring":
        return one.less(named)
    only = other.only if one.only is None else (one.only if other.only is None else one.only & other.only)
    return Labels(only, one.without | other.without)
