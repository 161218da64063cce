"""PromQL as the parser reads it, with the places that the parser does not tell.

The grammar is that of PyPI `promql-parser`; its tree is laid over our own tokens, so that a finding can point into the
text. What the two cannot be brought together on becomes `Opaque`: nothing is said of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import promql_parser

from generator.monitoring.promql import (
    Aggregation,
    Binary,
    Call,
    Expression,
    Group,
    Matcher,
    Name,
    Number,
    Opaque,
    Problem,
    Selector,
    Subquery,
    Text,
    Unary,
    children,
)


def read(text: str) -> Expression | Problem:
    """The tree of an expression, or why it is none."""
    tokens = _tokens(text)
    if _is_monstrous(tokens):
        return Opaque(0, len(text))
    try:
        tree = promql_parser.parse(text)
    except ValueError as error:
        return _refused(text, tokens, str(error))
    reader = _Reader(tokens)
    try:
        found = reader.expression(tree)
    except (_Lost, RecursionError):
        return Opaque(0, len(text))
    return found if reader.is_done and _is_shallow(found) else Opaque(0, len(text))


_DEEPEST = 100
_LONGEST = 3000


def _is_monstrous(tokens: list[_Token]) -> bool:
    """Whether the parser, which calls itself for each level, would run out of stack: nobody writes such a text."""
    depth = signs = 0
    for token in tokens:
        depth += (token.text in ("(", "{", "[")) - (token.text in (")", "}", "]"))
        signs = signs + 1 if token.text in ("-", "+") else 0
        if depth > _DEEPEST or signs > _DEEPEST:
            return True
    return len(tokens) > _LONGEST


def _is_shallow(expression: Expression) -> bool:
    """Whether whoever walks the tree level by level comes back."""
    level: list[Expression] = [expression]
    for _ in range(_DEEPEST):
        level = [child for part in level for child in children(part)]
        if not level:
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


class _Lost(Exception):
    """The parser's tree and the tokens do not go together."""


_TOKEN = re.compile(
    r"""(?P<space>[\s]+|\#[^\n]*)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<number>0[xX][0-9a-fA-F]+|(?:\d+(?:ms|[smhdwy]))+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>[a-zA-Z_:][\w:]*)
    |(?P<sign>=~|!~|==|!=|<=|>=|[-+*/%^<>=(){}\[\],:@])
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def _tokens(text: str) -> list[_Token]:
    return [
        _Token(match.lastgroup or "", match.group(), match.start(), match.end())
        for match in _TOKEN.finditer(text)
        if match.lastgroup != "space"
    ]


class _Reader:
    """Walks over the tokens as the parser's tree says, and notes where each part stands."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0

    @property
    def is_done(self) -> bool:
        return self._next == len(self._tokens)

    def expression(self, node: Any) -> Expression:
        start = self._start
        match type(node).__name__:
            case "ParenExpr":
                self._take("(")
                inner = self.expression(node.expr)
                return Group(inner, start, self._take(")").end)
            case "UnaryExpr":
                operator = self._take("-", "+").text
                inner = self.expression(node.expr)
                return Unary(operator, inner, start, self._end)
            case "NumberLiteral":
                while self._is("-", "+"):
                    self._take()
                return Number(float(node.val), start, self._kind("number", "name").end)
            case "StringLiteral":
                return Text(str(node.val), start, self._kind("text").end)
            case "VectorSelector":
                metric, matchers = self._series()
                offset = self._modifiers()
                return Selector(metric, matchers, None, offset, start, self._end)
            case "MatrixSelector":
                metric, matchers = self._series()
                self._skip("[", "]")
                offset = self._modifiers()
                return Selector(metric, matchers, node.range.total_seconds(), offset, start, self._end)
            case "SubqueryExpr":
                return self._subquery(node, start)
            case "BinaryExpr":
                return self._binary(node, start)
            case "AggregateExpr":
                return self._aggregation(node, start)
            case "Call":
                return self._call(node, start)
        raise _Lost

    def _subquery(self, node: Any, start: int) -> Subquery:
        inner = self.expression(node.expr)
        self._skip("[", "]")
        self._modifiers()
        step = None if node.step is None else node.step.total_seconds()
        return Subquery(inner, node.range.total_seconds(), step, start, self._end)

    def _binary(self, node: Any, start: int) -> Binary:
        left = self.expression(node.lhs)
        operator = self._take()
        boolean = bool(self._is("bool") and self._take())
        matching, grouping = "", ""
        labels_: tuple[Name, ...] = ()
        included: tuple[Name, ...] = ()
        if self._is("on", "ignoring"):
            matching, labels_ = self._take().text.lower(), self._names()
        if self._is("group_left", "group_right"):
            grouping = self._take().text.lower().removeprefix("group_")
            included = self._names() if self._is("(") else ()  # parentheses are labels here, never an operand
        right = self.expression(node.rhs)
        return Binary(
            operator.text.lower(),
            left,
            right,
            boolean,
            matching,
            labels_,
            grouping,
            included,
            operator.start,
            start,
            self._end,
        )

    def _aggregation(self, node: Any, start: int) -> Aggregation:
        operator = self._kind("name").text.lower()
        grouping, names = self._grouping()
        self._take("(")
        parameter = None
        if node.param is not None:
            parameter = self.expression(node.param)
            self._take(",")
        inner = self.expression(node.expr)
        self._take(")")
        if not grouping:
            grouping, names = self._grouping()
        return Aggregation(operator, inner, parameter, grouping, names, start, self._end)

    def _call(self, node: Any, start: int) -> Call:
        name = self._kind("name").text
        self._take("(")
        arguments: list[Expression] = []
        for index, argument in enumerate(node.args):
            if self._is(")"):
                break  # an argument the parser filled in
            if index:
                self._take(",")
            arguments.append(self.expression(argument))
        if self._is(","):
            self._take()
        self._take(")")
        return Call(name, tuple(arguments), start, self._end)

    def _series(self) -> tuple[str, tuple[Matcher, ...]]:
        metric = "" if self._is("{") else self._kind("name").text
        found: list[Matcher] = []
        if self._is("{"):
            self._take()
            while not self._is("}"):
                if self._is(",", "or"):
                    self._take()
                    continue
                name = self._kind("name", "text")
                label = unquoted(name.text) if name.kind == "text" else name.text
                if not self._is("=", "!=", "=~", "!~"):
                    metric = label  # {"a.metric.name"}
                    continue
                operator = self._take().text
                found.append(Matcher(label, operator, unquoted(self._kind("text").text), name.start))
            self._take("}")
        if not metric:
            named = [matcher.value for matcher in found if matcher.label == "__name__" and matcher.operator == "="]
            metric = named[0] if named else ""
        return metric, tuple(found)

    def _modifiers(self) -> float:
        """What follows a selector: `offset 5m`, `@ start()`; the offset in seconds."""
        offset = 0.0
        while self._is("offset", "@"):
            if self._take().text == "@":
                if self._is("start", "end"):
                    self._take()
                    self._skip("(", ")")
                    continue
                while self._is("-", "+"):
                    self._take()
                self._kind("number", "name")
                continue
            sign = -1.0 if self._is("-") else 1.0
            while self._is("-", "+"):
                self._take()
            offset = sign * (seconds(self._kind("number").text) or 0.0)
        return offset

    def _grouping(self) -> tuple[str, tuple[Name, ...]]:
        return (self._take().text.lower(), self._names()) if self._is("by", "without") else ("", ())

    def _names(self) -> tuple[Name, ...]:
        self._take("(")
        found: list[Name] = []
        while not self._is(")"):
            token = self._take()
            if token.text != ",":
                found.append(Name(unquoted(token.text) if token.kind == "text" else token.text, token.start))
        self._take(")")
        return tuple(found)

    def _skip(self, opening: str, closing: str) -> None:
        self._take(opening)
        while not self._is(closing):
            self._take()
        self._take(closing)

    @property
    def _start(self) -> int:
        if self.is_done:
            raise _Lost
        return self._tokens[self._next].start

    @property
    def _end(self) -> int:
        return self._tokens[self._next - 1].end

    def _is(self, *texts: str) -> bool:
        if self.is_done:
            return False
        token = self._tokens[self._next]
        return token.kind in ("name", "sign") and (token.text in texts or token.text.lower() in texts)

    def _take(self, *texts: str) -> _Token:
        if self.is_done or (texts and not self._is(*texts)):
            raise _Lost
        self._next += 1
        return self._tokens[self._next - 1]

    def _kind(self, *kinds: str) -> _Token:
        token = self._take()
        if token.kind not in kinds:
            raise _Lost
        return token


def unquoted(text: str) -> str:
    """The value of a string literal."""
    body = text[1:-1]
    if text.startswith("`"):
        return body
    plain = {"n": "\n", "t": "\t", "r": "\r"}
    return re.sub(r"\\(.)", lambda match: plain.get(match[1], match[1]), body, flags=re.DOTALL)


_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}


def seconds(duration: str) -> float | None:
    """`1h30m` in seconds; None for what is no duration."""
    if not re.fullmatch(r"(?:\d+(?:ms|[smhdwy]))+", duration):
        return float(duration) if re.fullmatch(r"\d+(?:\.\d+)?", duration) else None
    return sum(int(count) * _SECONDS[unit] for count, unit in re.findall(r"(\d+)(ms|[smhdwy])", duration))


def _refused(text: str, tokens: list[_Token], message: str) -> Problem:
    """Where the text stops being PromQL: at a bracket, a named part, or the first token that cannot follow."""
    kind = "range" if "expected type" in message and "matrix" in message else "syntax"
    if not tokens:
        return Problem("there is no expression", 0)
    if (bracket := _unbalanced(tokens)) is not None:
        return Problem(message, bracket.start, kind)
    if named := re.search(r"(?:call to function|with name) '([^']+)'", message):
        for token in tokens:
            if token.text == named[1]:
                return Problem(message, token.start, kind)
    if "regex" in message:
        tail = message.rpartition("regex for ")[2].strip()
        for token in tokens:
            if token.kind == "text" and unquoted(token.text) == tail:
                return Problem(message, token.start, kind)
    return Problem(message, 0 if "expected type" in message else _first_wrong(text, tokens), kind)


def _unbalanced(tokens: list[_Token]) -> _Token | None:
    opened: list[_Token] = []
    for token in tokens:
        if token.kind != "sign":
            continue
        if token.text in _BRACKETS.values():
            opened.append(token)
        elif token.text in _BRACKETS:
            if not opened or opened[-1].text != _BRACKETS[token.text]:
                return token
            opened.pop()
    return opened[-1] if opened else None


_UNFINISHED = ("unexpected end", "unclosed", "invalid promql", "no expression")
"""What the parser says of a text that may still go on."""


def _first_wrong(text: str, tokens: list[_Token]) -> int:
    """The start of the first token after which nothing could make the text whole."""
    strange = next((token.start for token in tokens if token.kind == "other"), None)
    if strange is not None:
        return strange
    last = 0
    for token in tokens[:200]:
        try:
            promql_parser.parse(text[: token.end])
        except ValueError as error:
            if not any(
                word in str(error) for word in ("unexpected end", "unclosed", "invalid promql", "no expression")
            ):
                return token.start
            last = token.start
    return last
