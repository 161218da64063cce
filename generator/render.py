"""Artifact -> RenderedFile: the one Jinja environment, and where each line came from.

The compiled template is driven chunk by chunk. Its code generator marks every piece of layout and
every expression with its template line; the context notes which spec paths were read in between
(`view`). So each output line knows its template line and its causes, conditions included.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.sandbox import ImmutableSandboxedEnvironment

from generator import __version__, data, filters, hcl
from generator.artifact import Artifact, LineOrigin, RenderedFile
from generator.filters import Written
from generator.view import Trace, View, bare, leaves, root

_MARK = re.compile("\0([^\0]*):(\\d+)\0")


def render(artifacts: Iterable[Artifact], spec_path: str) -> Iterator[RenderedFile]:
    """Each artifact as its full text."""
    for artifact in artifacts:
        yield render_one(artifact, spec_path)


def render_one(artifact: Artifact, spec_path: str) -> RenderedFile:
    """One artifact as text, with the origin of every line."""
    if not artifact.template.endswith(".j2"):
        return _verbatim(artifact, spec_path)
    trace = Trace()
    template = _environment(_format(artifact.template)).get_template(artifact.template)
    context = {**artifact.context, "made_by": made_by(spec_path, artifact.origin)}
    pieces = _pieces(template, {key: root(value, trace) for key, value in context.items()}, trace)
    text, origins = _assemble(pieces, artifact.origin)
    return RenderedFile(artifact.path, artifact.target, text, origins, artifact.environment)


def made_by(spec_path: str, origin: str) -> str:
    """The first comment of every file."""
    return f"made by groundplan {__version__} from {spec_path} ({origin or 'whole spec'}); do not edit, change the spec"


def _verbatim(artifact: Artifact, spec_path: str) -> RenderedFile:
    """A file that is the same for every spec: as it stands, below the comment that says who made it."""
    form = 1 if artifact.path.endswith(".md") else 0
    mark = filters.line(made_by(spec_path, artifact.origin)).replace("--", "- -" if form else "--")
    first = _static(_MARKS).splitlines()[form].replace("{{ made_by | comment }}", mark)
    text = _static(artifact.template)
    origins = [LineOrigin(_MARKS, form + 1, (artifact.origin,))]
    origins += [LineOrigin(artifact.template, number, (artifact.origin,)) for number in range(1, text.count("\n") + 1)]
    return RenderedFile(artifact.path, artifact.target, f"{first}\n{text}", tuple(origins), artifact.environment)


_MARKS = "verbatim.j2"
"""The first line of a file that is copied: in formats whose comments begin with `#`, and in Markdown."""


@functools.cache
def _static(template: str) -> str:
    return (data.folder("templates") / template).read_text("utf-8")


class Block(Written):
    """Several lines at once; `causes[i]` are the spec paths behind line i."""

    __slots__ = ("causes",)
    causes: tuple[tuple[str, ...], ...]


class Shift(Written):
    """Not text: indents all that follows by `amount` more spaces."""

    __slots__ = ("amount",)
    amount: int


def shift(amount: int) -> Shift:
    """In a template, alone on a line: `{{ shift(4) }}` before an include, `{{ shift(-4) }}` after it."""
    made = Shift("")
    made.amount = amount
    return made


class _Piece(NamedTuple):
    text: str
    template: str
    line: int
    causes: tuple[str, ...]
    printed: bool
    shift: int = 0


class _Marking(CodeGenerator):
    """Writes template name and line into the constant chunks, before layout and before expressions."""

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:
        children: list[nodes.Expr] = []
        for child in node.nodes:
            if not isinstance(child, nodes.TemplateData):
                children.append(nodes.TemplateData("", lineno=child.lineno))
            children.append(child)
        super().visit_Output(nodes.Output(children, lineno=node.lineno), frame)

    def _output_child_to_const(self, node: nodes.Expr, _frame: Frame, _finalize: Any) -> str:
        if isinstance(node, nodes.TemplateData):
            return f"\0{self.name}:{node.lineno}\0{node.data}"
        raise nodes.Impossible  # every expression is written at run time, by the writer of its format


class _Environment(ImmutableSandboxedEnvironment):
    code_generator_class = _Marking


def _format(template: str) -> str:
    """`docker/node.Dockerfile.j2` is a Dockerfile."""
    return template.removesuffix(".j2").rpartition(".")[2]


@functools.cache
def _environment(format_: str) -> _Environment:
    write = filters.WRITERS[format_]
    environment = _Environment(
        bytecode_cache=_bytecode(format_),
        loader=jinja2.FileSystemLoader(data.folder("templates")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
        finalize=lambda value: value if isinstance(value, Written) else Written(write(bare(_defined(value)))),
    )
    for name, function in filters.FILTERS.items():
        environment.filters[name] = functools.partial(_filtered, function)
    environment.filters["block"] = block
    environment.filters["literal"] = literal
    environment.filters["pretty"] = pretty
    environment.filters["attributes"] = attributes
    environment.globals = {"shift": shift}
    return environment


def _bytecode(format_: str) -> jinja2.BytecodeCache | None:
    """Compiled templates in the user's cache, by version of ours and of Python; without a home there is none."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "groundplan" / "templates"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (OSError, RuntimeError):
        return None
    return _Cache(str(folder), f"{__version__}-{_OWN}-{format_}-%s")


class _Cache(jinja2.FileSystemBytecodeCache):
    """Like its base, but a cache that cannot be written is no error."""

    def dump_bytecode(self, bucket: Any) -> None:
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)


_OWN = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
"""This module writes marks into compiled templates, so another version of it needs others."""


def _defined(value: Any) -> Any:
    return str(value) if isinstance(value, jinja2.Undefined) else value  # str() of an undefined raises


def _filtered(function: Any, value: Any) -> Written:
    return Written(function(bare(_defined(value))))


def block(value: Any, indent: int = 0) -> Block:
    """A mapping or sequence in YAML block style, every line indented; each line keeps its own causes.

    Written alone at the start of a template line; the line's own end closes the last one.
    """
    lines = list(_block_lines(value, indent))
    made = Block("\n".join(text for text, _ in lines))
    made.causes = tuple(causes for _, causes in lines)
    return made


def attributes(value: Any, indent: int = 0) -> Block:
    """A mapping as the attributes of an HCL body, aligned; alone on a template line, each line with its causes."""
    lines = list(hcl.body(value, indent))
    made = Block("\n".join(text for text, _ in lines))
    made.causes = tuple(causes for _, causes in lines)
    return made


def literal(value: Any, indent: int) -> Block:
    """A text of many lines as a YAML literal block scalar, `|` included; falls back to a quoted scalar."""
    trace = value._trace if isinstance(value, View) else Trace()
    plain, causes = leaves(value, trace)
    text = str(plain)
    if (
        re.search(r"[^\n\x20-\x7e\xa0-\ud7ff]", text)
        or text[:1] in {" ", "\n", ""}
        or re.search(r"\s+$", text.rstrip("\n"), re.M)
    ):
        lines = [filters.yaml_scalar(text)]
    else:
        stripped = text.rstrip("\n")
        chomp = {0: "-", 1: ""}.get(len(text) - len(stripped), "+")
        body = text[: len(stripped)].split("\n") + [""] * max(0, len(text) - len(stripped) - 1)
        lines = [f"|{chomp}", *(" " * indent + row if row else "" for row in body)]
    made = Block("\n".join(lines))
    made.causes = tuple(causes for _ in lines)
    return made


def _block_lines(value: Any, indent: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    pad = " " * indent
    trace = value._trace if isinstance(value, View) else Trace()
    inner = value._value if isinstance(value, View) else value
    keys: Iterable[Any] = inner if isinstance(inner, Mapping) else range(len(inner))
    for key in keys:
        kept, trace.reads = trace.reads, []
        child = value[key]
        above = trace.take_all()
        trace.reads = kept
        lead = f"{pad}{filters.yaml_scalar(str(key))}:" if isinstance(inner, Mapping) else f"{pad}-"
        content = child._value if isinstance(child, View) else child
        if isinstance(content, Mapping | list | tuple) and content:
            lines = list(_block_lines(child, indent + 2))
            if isinstance(inner, Mapping):
                yield lead, above or lines[0][1]
                yield from lines
            else:
                first, causes = lines[0]
                yield f"{lead} {first.lstrip()}", causes or above
                yield from lines[1:]
        elif isinstance(content, str) and "\n" in content:
            made = literal(child, indent + 2)
            first, *rest = made.split("\n")
            yield f"{lead} {first}", made.causes[0] or above
            yield from ((row, made.causes[0] or above) for row in rest)
        else:
            plain, causes = leaves(child, trace)
            yield f"{lead} {filters.yaml_flow(plain)}", causes or above


def pretty(value: Any) -> Block:
    """A mapping or sequence as JSON over many lines; alone in a template, each line with its own causes."""
    lines = list(_json_lines(value, 0, "", ""))
    made = Block("\n".join(text for text, _ in lines))
    made.causes = tuple(causes for _, causes in lines)
    return made


def _json_lines(value: Any, indent: int, lead: str, tail: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    pad = " " * indent
    trace = value._trace if isinstance(value, View) else Trace()
    inner = value._value if isinstance(value, View) else value
    if not isinstance(inner, Mapping | list | tuple) or not inner:
        plain, causes = leaves(value, trace)
        yield f"{pad}{lead}{filters.json_text(plain)}{tail}", causes
        return
    mapping = isinstance(inner, Mapping)
    lines: list[tuple[str, tuple[str, ...]]] = []
    keys: list[Any] = list(inner if isinstance(inner, Mapping) else range(len(inner)))
    for number, key in enumerate(keys):
        kept, trace.reads = trace.reads, []
        child = value[key]
        above = trace.take_all()
        trace.reads = kept
        name = f"{filters.json_text(str(key))}: " if mapping else ""
        comma = "," if number + 1 < len(keys) else ""
        lines += [(text, causes or above) for text, causes in _json_lines(child, indent + 2, name, comma)]
    yield f"{pad}{lead}{'{' if mapping else '['}", lines[0][1]
    yield from lines
    yield f"{pad}{'}' if mapping else ']'}{tail}", lines[-1][1]


def _pieces(template: jinja2.Template, context: Mapping[str, Any], trace: Trace) -> Iterator[_Piece]:
    """The template's output piece by piece, each with its template line and causes."""
    name, line = template.name or "", 1
    for chunk in template.root_render_func(template.new_context(dict(context))):
        if isinstance(chunk, Shift):
            yield _Piece("", name, line, (), printed=False, shift=chunk.amount)
        elif isinstance(chunk, Block):
            trace.take_all()
            for number, text in enumerate(chunk.split("\n")):
                yield _Piece(("\n" if number else "") + text, name, line, chunk.causes[number], printed=True)
        elif isinstance(chunk, Written):
            yield _Piece(chunk, name, line, trace.take_all(), printed=True)
        else:
            parts = _MARK.split(chunk)
            # a chunk of marks alone prints nothing; what was read belongs to what follows
            causes = trace.take() if any(parts[3::3]) else ()
            for index in range(1, len(parts), 3):
                name, line = parts[index], int(parts[index + 1])
                if parts[index + 2]:
                    yield _Piece(parts[index + 2], name, line, causes, printed=False)


def _assemble(pieces: Iterable[_Piece], origin: str) -> tuple[str, tuple[LineOrigin, ...]]:
    lines: list[str] = []
    origins: list[LineOrigin] = []
    current: list[_Piece] = []
    indent, swallow = 0, False

    def close() -> None:
        text = "".join([piece.text for piece in current]).rstrip(" ")
        lines.append(" " * indent + text if text else "")
        origins.append(_line_origin(current, origin))
        current.clear()

    for piece in pieces:
        if piece.shift:
            indent, swallow = indent + piece.shift, True  # the directive's own line end is no output
            continue
        rows = piece.text.split("\n")
        skipped = int(swallow and rows[0] == "")
        swallow = False
        for number, text in enumerate(rows[skipped:]):
            if number:
                close()
            here = piece.line if piece.printed else piece.line + skipped + number
            current.append(_Piece(text, piece.template, here, piece.causes, piece.printed))
    if any(piece.text for piece in current):
        close()
    return "".join(f"{line}\n" for line in lines), tuple(origins)


def _line_origin(pieces: list[_Piece], origin: str) -> LineOrigin:
    """The template line that began it; printed values explain it best, then conditions, then the artifact."""
    if len(pieces) == 1:  # most lines are one piece of layout
        piece = pieces[0]
        causes = piece.causes if piece.printed else piece.causes[::-1]
        return LineOrigin(piece.template, piece.line, causes or (origin,))
    visible = [piece for piece in pieces if piece.text] or pieces[-1:]
    printed = [cause for piece in visible if piece.printed for cause in piece.causes]
    layout = [cause for piece in visible if not piece.printed for cause in reversed(piece.causes)]
    every = tuple(dict.fromkeys([*printed, *layout])) or (origin,)
    return LineOrigin(visible[0].template, visible[0].line, every)
