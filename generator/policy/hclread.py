"""HCL text as blocks, attributes and expressions, each with its place."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import Any

from generator.document import Location


@dataclass(frozen=True, slots=True)
class Expr:
    """One expression; `text` is how an attribute writes it. What `parts` hold, by kind:

    lit: the value · name: the word · tpl: texts and expressions · list: items · obj: pairs · paren: the inner one
    get: what is reached into, and steps (attr, idx, splat) · call: name and arguments, the last may be a spread
    un, bin: operator and operands · cond: condition, yes, no
    opaque: a directive (`%{ if … }`); what it comes to, but for the spaces that it strips
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
    """This is no HCL; the message is the place, `why` says what is wrong there, where that is known."""

    def __init__(self, place: str, why: str = "") -> None:
        super().__init__(place)
        self.why = why


_IDENT = re.compile(r"[^\W\d][\w-]*")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_OPERATOR = re.compile(r"\|\||&&|[=!<>]=|[<>+\-*/%]")
_BINDING = {
    **{"||": 0, "&&": 1, "==": 2, "!=": 2, "<": 3, ">": 3, "<=": 3, ">=": 3},
    **{"+": 4, "-": 4, "*": 5, "/": 5, "%": 5},
}
_SPACES = re.compile(r"(?:[ \t\r]+|#[^\n]*|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_BLANKS = re.compile(r"(?:\s+|#[^\n]*|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_DEEPEST = 50
_DEEPEST_VALUE = 80
_LONGEST_CHAIN = 150
"""Bounds on nesting and on operators in a row, so that whoever walks over what was read comes to an end."""
_LABEL = re.compile(r'"((?:[^"\\\n$%]|\$\$\{|%%\{|[$%](?!\{)|\\[nrt"\\]|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8})*)"')
_PLAIN = re.compile(r'[^"\\$%\n]+')
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


class _Reader:
    def __init__(self, text: str, path: str, lines_before: int = 0, margin: int = 0) -> None:
        self.t = text
        self.i = 0
        self.path = path
        self.lines_before = lines_before
        self.margin = margin
        self.nl = [False]
        self.deep = 0
        self.starts = [0]
        for match in re.finditer("\n", text):
            self.starts.append(match.end())

    def at(self, i: int | None = None) -> Location:
        import bisect

        i = self.i if i is None else i
        line = bisect.bisect_right(self.starts, i)
        return Location(self.path, line + self.lines_before, i - self.starts[line - 1] + 1 + self.margin)

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
            raise Unreadable(str(self.at()), f'"{word}" is missing')

    def ident(self) -> str:
        self.skip()
        match = _IDENT.match(self.t, self.i)
        if not match:
            raise Unreadable(str(self.at()))
        self.i = match.end()
        return match.group()

    def ended(self, opened: int, what: str) -> None:
        """An argument or block ends with its line, or with the block it stands in on one line."""
        self.skip(False)
        if self.i >= len(self.t) or self.t[self.i] == "\n":
            return
        if self.t[self.i] != "}" or opened < 0 or what == "block" or "\n" in self.t[opened : self.i]:
            raise Unreadable(str(self.at()), f"a new line is missing after this {what}")

    def body(self, block: Block, opened: int = -1) -> Block:
        """What stands between braces, of which the first is at `opened`, or in the whole file."""
        while True:
            self.skip(True)
            if self.i >= len(self.t) or self.t[self.i] == "}":
                return block
            at = self.at()
            alone = opened >= 0 and "\n" not in self.t[opened : self.i]
            name = self.ident()
            if self.peek("=") and not self.peek("=="):
                self.i += 1
                start = self.i
                expr = self.expr()
                text = self.t[start : self.i].strip()
                self.ended(opened, "argument")
                if alone and self.t[self.i : self.i + 1] != "}":
                    raise Unreadable(str(at), "a block on one line ends on that line")
                if name in block.attributes:
                    block.repeated.append((name, at))
                block.attributes[name] = (Expr(expr.kind, expr.at, expr.parts, text), at)
                continue
            if alone:
                raise Unreadable(str(at), "a block on one line holds one argument and no block")
            labels = []
            while not self.peek("{"):
                if self.peek('"'):
                    label = _LABEL.match(self.t, self.i)
                    if label is None:
                        raise Unreadable(str(self.at()), "a name is one plain text in quotes")
                    labels.append(label[1])
                    self.i = label.end()
                else:
                    labels.append(self.ident())
            self.need("{")
            start = self.i - 1
            inner = Block(name, tuple(labels), at)
            if len(self.nl) > _DEEPEST:
                raise Unreadable(str(at))
            self.nl.append(False)
            self.body(inner, start)
            self.nl.pop()
            self.skip(True)
            self.need("}")
            self.ended(opened, "block")
            block.blocks.append(inner)

    def deeper(self) -> None:
        self.deep += 1
        if self.deep > _DEEPEST_VALUE:
            raise Unreadable(str(self.at()), f"values nest more than {_DEEPEST_VALUE} deep")

    def expr(self) -> Expr:
        self.deeper()
        made = self.binary(0)
        if self.peek("?"):
            self.i += 1
            yes = self.expr()
            self.need(":")
            made = Expr("cond", made.at, (made, yes, self.expr()))
        self.deep -= 1
        return made

    def binary(self, level: int) -> Expr:
        """Operators that bind at least as tightly as `level`, the left ones first."""
        left = self.unary()
        for _ in range(_LONGEST_CHAIN):
            self.skip()
            match = _OPERATOR.match(self.t, self.i)
            if match is None or _BINDING[match.group()] < level:
                return left
            self.i = match.end()
            left = Expr("bin", left.at, (match.group(), left, self.binary(_BINDING[match.group()] + 1)))
        raise Unreadable(str(self.at()), f"more than {_LONGEST_CHAIN} operators stand in a row")

    def unary(self) -> Expr:
        self.skip()
        at = self.at()
        if (self.peek("!") and not self.peek("!=")) or self.peek("-"):
            sign = self.t[self.i]
            self.i += 1
            self.deeper()
            made = Expr("un", at, (sign, self.unary()))
            self.deep -= 1
            return made
        return self.postfix(self.primary())

    def postfix(self, base: Expr) -> Expr:
        steps: list[tuple[str, Any]] = []
        while True:
            here = self.i
            self.skip()
            if not self.t.startswith((".", "["), self.i) or self.t.startswith("...", self.i):
                self.i = here
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
            else:
                self.i += 1
                self.nl.append(True)
                if self.take("*"):
                    steps.append(("splat", None))
                else:
                    steps.append(("idx", self.expr()))
                self.need("]")
                self.nl.pop()
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
        if c == "'":
            raise Unreadable(str(at), "a text stands in double quotes")
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
        here = self.i
        self.skip()
        if not t.startswith("(", self.i):
            self.i = here
        if "::" in name and not t.startswith("(", self.i):
            raise Unreadable(str(self.at()), f"{name} is a function, so brackets follow")
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
            if not self.take("="):
                self.need(":")
            items.append((key, self.expr()))
            if not self.take(",") and not self.peek("}") and self.t[self.i : self.i + 1] != "\n":
                raise Unreadable(str(self.at()), "a comma or a new line is missing before the next item")
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
        if (key is None) == (end == "}"):
            why = (
                "for in braces makes an object, so it has key => value"
                if key is None
                else "for in brackets makes a list, which has no =>"
            )
            raise Unreadable(str(self.at()), why)
        grouped = self.take("...")
        when = None
        self.skip()
        if re.compile(r"if\b").match(self.t, self.i):
            self.ident()
            when = self.expr()
        self.need(end)
        return Expr("for", at, (tuple(names), over, key, value, when, grouped, end))

    def template(self, at: Location, end: str) -> Expr:
        parts, word = self.pieces(at, end)
        if word:
            raise Unreadable(str(self.at()), f"%{{ {word} }} ends nothing")
        if end:
            if self.i >= len(self.t):
                raise Unreadable(str(at), "the quote that ends this text is missing")
            self.i += 1
        return Expr("tpl", at, tuple(parts) or ("",))

    def pieces(self, at: Location, end: str) -> tuple[list[Any], str]:
        """Texts and expressions up to the end, or up to a directive that ends or parts a section: its word."""
        parts: list[Any] = []
        t = self.t
        while self.i < len(t) and not (end and t[self.i] == end):
            if end and t[self.i] == "\n":
                raise Unreadable(str(at), "the quote that ends this text is missing on its line")
            if t.startswith("%{", self.i):
                word, made = self.directive(end)
                if made is None:
                    return parts, word
                parts.append(made)
                continue
            if t.startswith("${", self.i):
                parts.append(self.interpolation())
                continue
            text = self.character(end)
            if parts and isinstance(parts[-1], str):
                parts[-1] += text
            else:
                parts.append(text)
        return parts, ""

    def interpolation(self) -> Expr:
        """What stands in `${…}`."""
        self.i += 2
        if self.t.startswith("~", self.i):
            self.i += 1
        self.nl.append(True)
        inner = self.expr()
        self.closed()
        return inner

    def closed(self) -> None:
        """The end of `${…}` or `%{…}`."""
        self.skip()
        if self.t.startswith("~", self.i):
            self.i += 1
        self.need("}")
        self.nl.pop()

    def directive(self, end: str) -> tuple[str, Expr | None]:
        """A section that begins with `%{…}`, or the word of a directive that does not begin one."""
        at = self.at()
        self.deeper()
        self.i += 2
        if self.t.startswith("~", self.i):
            self.i += 1
        self.nl.append(True)
        word = self.ident()
        if word in ("else", "endif", "endfor"):
            self.closed()
            self.deep -= 1
            return word, None
        if word == "if":
            condition = self.expr()
            self.closed()
            yes, following = self.pieces(at, end)
            no: list[Any] = []
            if following == "else":
                no, following = self.pieces(at, end)
            made = Expr(
                "cond", at, (condition, Expr("tpl", at, tuple(yes) or ("",)), Expr("tpl", at, tuple(no) or ("",)))
            )
        elif word == "for":
            names = [self.ident()]
            if self.take(","):
                names.append(self.ident())
            if self.ident() != "in":
                raise Unreadable(str(self.at()), '"in" is missing')
            over = self.expr()
            self.closed()
            inner, following = self.pieces(at, end)
            each = Expr("tpl", at, tuple(inner) or ("",))
            made = Expr("for", at, (tuple(names), over, None, each, None, False, "]"))
        else:
            raise Unreadable(str(at), f'"{word}" is no directive; there are if, else, endif, for and endfor')
        if following != f"end{word}":
            raise Unreadable(str(at), f"%{{ end{word} }} is missing")
        self.deep -= 1
        return "", Expr("opaque", at, (made,))

    def character(self, end: str) -> str:
        """The next character of a template, escapes resolved; a run of plain ones at once."""
        t = self.t
        if t.startswith(("$${", "%%{"), self.i):
            self.i += 3
            return t[self.i - 2 : self.i]
        if t[self.i] == "\\" and end:
            following = t[self.i + 1 : self.i + 2]
            width = {"u": 4, "U": 8}.get(following, 0)
            if not width and following not in _ESCAPES:
                raise Unreadable(
                    str(self.at()), f'"\\{following}" means nothing in a text; write "\\\\" for a backslash'
                )
            self.i += 2 + width
            return chr(int(t[self.i - width : self.i], 16)) if width else _ESCAPES[following]
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
        margin = 0
        if match[1]:
            lines = content.split("\n")
            margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
            content = "\n".join(line[margin:] for line in lines)
        inner = _Reader(content, self.path, at.line, margin)
        inner.deep = self.deep
        made = inner.template(at, "")
        return Expr("tpl", at, made.parts)


@functools.lru_cache(maxsize=1024)
def read(text: str, path: str) -> Block:
    """The whole file as one block; `Unreadable` where it is no HCL. Several readers share it, so none changes it."""
    reader = _Reader(text.removeprefix("\ufeff"), path)
    try:
        top = reader.body(Block("", (), Location(path, 1, 1)))
    except (ValueError, IndexError, RecursionError) as error:
        raise Unreadable(str(error)) from None
    if reader.i < len(reader.t):
        raise Unreadable(str(reader.at()))
    return top
