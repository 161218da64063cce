"""HCL text as blocks, attributes and expressions, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from generator.document import Location


@dataclass(frozen=True, slots=True)
class Expr:
    """One expression; `text` is how an attribute writes it. What `parts` hold, by kind:

    lit: the value · name: the word · tpl: texts and expressions · list: items · obj: pairs · paren: the inner one
    get: what is reached into, and steps (attr, idx, splat) · call: name and arguments, the last may be a spread
    un, bin: operator and operands · cond: condition, yes, no · opaque: a directive, which is not read
    for: names, over what, key or None, value, condition or None, grouped, the closing bracket
    """

    kind: str
    at: Location
    parts: tuple[Any, ...] = ()
    text: str = ""


@dataclass(slots=True)
class Block:
    """A block: attributes (expression, place of the name) and inner blocks; a whole file is one without a kind."""

    kind: str
    labels: tuple[str, ...]
    at: Location
    attributes: dict[str, tuple[Expr, Location]] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    repeated: list[tuple[str, Location]] = field(default_factory=list)
    """Arguments that are given more than once, each at its later place."""


class Unreadable(Exception):
    """This is no HCL; the message is the place."""


_IDENT = re.compile(r"[^\W\d][\w-]*")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_OPERATOR = re.compile(r"\|\||&&|[=!<>]=|[<>+\-*/%]")
_BINDING = {
    **{"||": 0, "&&": 1, "==": 2, "!=": 2, "<": 3, ">": 3, "<=": 3, ">=": 3},
    **{"+": 4, "-": 4, "*": 5, "/": 5, "%": 5},
}
_SPACES = re.compile(r"(?:[ \t\r]+|#[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z))*", re.DOTALL)
_BLANKS = re.compile(r"(?:\s+|#[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z))*", re.DOTALL)
_DEEPEST = 50
_PLAIN = re.compile(r'[^"\\$%\n]+')
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


class _Reader:
    def __init__(self, text: str, path: str) -> None:
        self.t = text
        self.i = 0
        self.path = path
        self.nl = [False]
        self.starts = [0]
        for match in re.finditer("\n", text):
            self.starts.append(match.end())

    def at(self, i: int | None = None) -> Location:
        import bisect

        i = self.i if i is None else i
        line = bisect.bisect_right(self.starts, i)
        return Location(self.path, line, i - self.starts[line - 1] + 1)

    def skip(self, newlines: bool | None = None) -> None:
        over = self.nl[-1] if newlines is None else newlines
        match = (_BLANKS if over else _SPACES).match(self.t, self.i)
        assert match is not None  # noqa: S101 - it may match nothing, but it matches
        self.i = match.end()

    def peek(self, word: str) -> bool:
        self.skip()
        return self.t.startswith(word, self.i)

    def take(self, word: str) -> bool:
        if self.peek(word):
            self.i += len(word)
            return True
        return False

    def need(self, word: str) -> None:
        if not self.take(word):
            raise Unreadable(str(self.at()))

    def ident(self) -> str:
        self.skip()
        match = _IDENT.match(self.t, self.i)
        if not match:
            raise Unreadable(str(self.at()))
        self.i = match.end()
        return match.group()

    def body(self, block: Block) -> Block:
        while True:
            self.skip(True)
            if self.i >= len(self.t) or self.t[self.i] == "}":
                return block
            at = self.at()
            name = self.ident()
            if self.peek("=") and not self.peek("=="):
                self.i += 1
                start = self.i
                expr = self.expr()
                if name in block.attributes:
                    block.repeated.append((name, at))
                block.attributes[name] = (
                    Expr(expr.kind, expr.at, expr.parts, self.t[start : self.i].strip()),
                    at,
                )
                continue
            labels = []
            while not self.peek("{"):
                if self.peek('"'):
                    self.i += 1
                    end = self.t.index('"', self.i)
                    labels.append(self.t[self.i : end])
                    self.i = end + 1
                else:
                    labels.append(self.ident())
            self.need("{")
            inner = Block(name, tuple(labels), at)
            if len(self.nl) > _DEEPEST:
                raise Unreadable(str(at))
            self.nl.append(False)
            self.body(inner)
            self.nl.pop()
            self.skip(True)
            self.need("}")
            block.blocks.append(inner)

    def expr(self) -> Expr:
        left = self.binary(0)
        if self.peek("?"):
            self.i += 1
            self.nl.append(True)
            self.skip()
            self.nl.pop()
            yes = self.expr()
            self.skip(True)
            self.need(":")
            self.skip(True)
            no = self.expr()
            return Expr("cond", left.at, (left, yes, no))
        return left

    def binary(self, level: int) -> Expr:
        """Operators that bind at least as tightly as `level`, the left ones first."""
        left = self.unary()
        while True:
            self.skip()
            match = _OPERATOR.match(self.t, self.i)
            if match is None or _BINDING[match.group()] < level:
                return left
            self.i = match.end()
            self.skip(True)
            left = Expr("bin", left.at, (match.group(), left, self.binary(_BINDING[match.group()] + 1)))

    def unary(self) -> Expr:
        self.skip()
        at = self.at()
        if self.peek("!") and not self.peek("!="):
            self.i += 1
            return Expr("un", at, ("!", self.unary()))
        if self.peek("-"):
            self.i += 1
            return Expr("un", at, ("-", self.unary()))
        return self.postfix(self.primary())

    def postfix(self, base: Expr) -> Expr:
        steps: list[tuple[str, Any]] = []
        while True:
            if self.nl[-1]:
                self.skip()
            if self.t.startswith("...", self.i):
                break
            if self.t.startswith(".", self.i):
                self.i += 1
                if self.t.startswith("*", self.i):
                    self.i += 1
                    steps.append(("splat", None))
                elif match := re.compile(r"\d+").match(self.t, self.i):
                    self.i = match.end()
                    steps.append(("idx", Expr("lit", base.at, (int(match.group()),))))
                else:
                    steps.append(("attr", self.ident()))
            elif self.t.startswith("[", self.i):
                self.i += 1
                self.nl.append(True)
                if self.take("*"):
                    steps.append(("splat", None))
                else:
                    steps.append(("idx", self.expr()))
                self.need("]")
                self.nl.pop()
            else:
                break
        return Expr("get", base.at, (base, tuple(steps))) if steps else base

    def primary(self) -> Expr:
        self.skip()
        at = self.at()
        t = self.t
        if self.i >= len(t):
            raise Unreadable(str(at))
        c = t[self.i]
        if c == '"':
            self.i += 1
            return self.template(at, '"')
        if t.startswith("<<", self.i):
            return self.heredoc(at)
        if c == "(":
            self.i += 1
            self.nl.append(True)
            inner = self.expr()
            self.need(")")
            self.nl.pop()
            return Expr("paren", at, (inner,))
        if c == "[":
            return self.sequence(at)
        if c == "{":
            return self.mapping(at)
        if match := _NUMBER.match(t, self.i):
            self.i = match.end()
            word = match.group()
            return Expr("lit", at, (int(word) if word.isdigit() else float(word),))
        return self.word(at)

    def word(self, at: Location) -> Expr:
        """A call, a literal that is a word, or a name."""
        t = self.t
        name = self.ident()
        while t.startswith("::", self.i):
            self.i += 2
            name += "::" + self.ident()
        if t.startswith("(", self.i):
            self.i += 1
            self.nl.append(True)
            args: list[Expr] = []
            while not self.take(")"):
                args.append(self.expr())
                if self.take("..."):
                    args[-1] = Expr("spread", args[-1].at, (args[-1],))
                if not self.take(","):
                    self.need(")")
                    break
            self.nl.pop()
            return Expr("call", at, (name, tuple(args)))
        if name in ("true", "false", "null"):
            return Expr("lit", at, ({"true": True, "false": False, "null": None}[name],))
        return Expr("name", at, (name,))

    def sequence(self, at: Location) -> Expr:
        self.i += 1
        self.nl.append(True)
        self.skip()
        if re.compile(r"for\b").match(self.t, self.i):
            made = self.comprehension(at, "]")
        else:
            items = []
            while not self.take("]"):
                items.append(self.expr())
                if not self.take(","):
                    self.need("]")
                    break
            made = Expr("list", at, tuple(items))
        self.nl.pop()
        return made

    def mapping(self, at: Location) -> Expr:
        self.i += 1
        self.skip(True)
        if re.compile(r"for\b(?!\s*[=:])").match(self.t, self.i):
            self.nl.append(True)
            made = self.comprehension(at, "}")
            self.nl.pop()
            return made
        self.nl.append(False)
        items = []
        while True:
            self.skip(True)
            if self.take("}"):
                break
            key = self.expr()
            self.skip(True)
            if not self.take("="):
                self.need(":")
            self.skip(True)
            items.append((key, self.expr()))
            self.take(",")
        self.nl.pop()
        return Expr("obj", at, tuple(items))

    def comprehension(self, at: Location, end: str) -> Expr:
        self.ident()
        names = [self.ident()]
        if self.take(","):
            names.append(self.ident())
        if self.ident() != "in":
            raise Unreadable(str(self.at()))
        over = self.expr()
        self.need(":")
        value = self.expr()
        key = None
        if self.take("=>"):
            key, value = value, self.expr()
        grouped = self.take("...")
        when = None
        self.skip()
        if re.compile(r"if\b").match(self.t, self.i):
            self.ident()
            when = self.expr()
        self.need(end)
        return Expr("for", at, (tuple(names), over, key, value, when, grouped, end))

    def template(self, at: Location, end: str) -> Expr:
        parts: list[Any] = []
        t = self.t
        while self.i < len(t) and not (end and t[self.i] == end):
            if end and t[self.i] == "\n":
                raise Unreadable(str(at))
            if t.startswith(("${", "%{"), self.i):
                parts.append(self.interpolation(at))
                continue
            text = self.character(end)
            if parts and isinstance(parts[-1], str):
                parts[-1] += text
            else:
                parts.append(text)
        if end:
            if self.i >= len(t):
                raise Unreadable(str(at))
            self.i += 1
        return Expr("tpl", at, tuple(parts) or ("",))

    def interpolation(self, at: Location) -> Expr:
        """What stands in `${…}`; a directive (`%{…}`) is told apart, not read."""
        directive = self.t[self.i] == "%"
        self.i += 2
        if directive:
            close = self.t.find("}", self.i)
            self.i = len(self.t) if close < 0 else close + 1
            return Expr("opaque", at)
        if self.t.startswith("~", self.i):
            self.i += 1
        self.nl.append(True)
        inner = self.expr()
        self.skip()
        if self.t.startswith("~", self.i):
            self.i += 1
        self.need("}")
        self.nl.pop()
        return inner

    def character(self, end: str) -> str:
        """The next character of a template, escapes resolved; a run of plain ones at once."""
        t = self.t
        if t.startswith(("$${", "%%{"), self.i):
            self.i += 3
            return t[self.i - 2 : self.i]
        if t[self.i] == "\\" and end:
            following = t[self.i + 1 : self.i + 2]
            width = {"u": 4, "U": 8}.get(following, 0)
            self.i += 2 + width
            return chr(int(t[self.i - width : self.i], 16)) if width else _ESCAPES.get(following, following)
        match = _PLAIN.match(t, self.i)
        self.i = match.end() if match else self.i + 1
        return match.group() if match else t[self.i - 1]

    def heredoc(self, at: Location) -> Expr:
        match = re.compile(r"<<(-?)([\w-]+)[ \t]*\r?\n").match(self.t, self.i)
        if not match:
            raise Unreadable(str(at))
        close = re.compile(rf"^[ \t]*{re.escape(match[2])}[ \t]*\r?$", re.M).search(self.t, match.end())
        if not close:
            raise Unreadable(str(at))
        content = self.t[match.end() : close.start()]
        self.i = close.end()
        if match[1]:
            lines = content.split("\n")
            margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
            content = "\n".join(line[margin:] for line in lines)
        inner = _Reader(content, self.path)
        made = inner.template(at, "")
        return Expr("tpl", at, made.parts)


def read(text: str, path: str) -> Block:
    """The whole file as one block; `Unreadable` where it is no HCL."""
    reader = _Reader(text, path)
    try:
        top = reader.body(Block("", (), Location(path, 1, 1)))
    except (ValueError, IndexError, RecursionError) as error:
        raise Unreadable(str(error)) from None
    if reader.i < len(text):
        raise Unreadable(str(reader.at()))
    return top
