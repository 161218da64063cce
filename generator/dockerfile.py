"""A Dockerfile with places: instructions, stages, references between stages.

Reads as BuildKit does (https://docs.docker.com/reference/dockerfile/), but never refuses: a line
it does not understand is an instruction with an unknown keyword, and judging is left to others.
"""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from generator.document import Location


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of an instruction, unquoted, and where it begins."""

    text: str
    at: Location


@dataclass(frozen=True, slots=True)
class Flag:
    """`--name=value` in front of an instruction's arguments."""

    name: str
    value: str
    at: Location


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction. `text` is what follows keyword and flags, on one line, without comments."""

    keyword: str
    text: str
    at: Location
    text_at: Location
    last_line: int
    flags: tuple[Flag, ...] = ()
    words: tuple[Word, ...] = ()
    listed: tuple[str, ...] | None = None
    """The strings of the exec (JSON) form; None in shell form."""
    bodies: tuple[Word, ...] = ()
    """The texts of its here-documents."""

    def flag(self, name: str) -> Flag | None:
        """The first flag of that name."""
        return next((flag for flag in self.flags if flag.name == name), None)

    @property
    def pairs(self) -> tuple[tuple[Word, str], ...]:
        """Names and values of ENV, ARG and LABEL, in both notations."""
        if not self.words:
            return ()
        if "=" not in self.words[0].text and self.keyword != "ARG":
            value = " ".join(word.text for word in self.words[1:])
            return ((self.words[0], value),)
        found = []
        for word in self.words:
            name, _, value = word.text.partition("=")
            found.append((Word(name, word.at), value))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Stage:
    """From one FROM to the next. `base` is the image as written, `image` with ARG defaults filled in."""

    index: int
    name: str
    base: Word
    image: str
    platform: str
    at: Location
    instructions: tuple[Instruction, ...]
    parent: int | None = None
    """The index of the earlier stage it continues, if it does."""


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A whole file; `arguments` are the ARG defaults in front of the first FROM."""

    path: str
    directives: Mapping[str, str]
    arguments: Mapping[str, str]
    preamble: tuple[Instruction, ...]
    stages: tuple[Stage, ...]

    def lineage(self, stage: Stage) -> Iterator[Stage]:
        """The stage and those it continues, nearest first."""
        seen: Stage | None = stage
        while seen is not None:
            yield seen
            seen = self.stages[seen.parent] if seen.parent is not None else None

    def stage(self, reference: str) -> Stage | None:
        """The stage that `--from=reference` means: by name (case does not matter) or by number."""
        for stage in self.stages:
            if stage.name and stage.name.lower() == reference.lower():
                return stage
        if reference.isascii() and reference.isdigit() and int(reference) < len(self.stages):
            return self.stages[int(reference)]
        return None


def is_dockerfile(path: str) -> bool:
    """Whether a file is a Dockerfile by its name: `Dockerfile`, `web.Dockerfile`, `Dockerfile.web`, `Containerfile`."""
    name = path.rpartition("/")[2]
    if name.endswith((".dockerignore", ".j2", ".tmpl", ".md")):
        return False
    lower = name.lower()
    return (
        lower in ("dockerfile", "containerfile")
        or lower.endswith((".dockerfile", ".containerfile"))
        or (lower.startswith(("dockerfile.", "containerfile.")))
    )


def read(text: str, path: str) -> Dockerfile:
    """Any text as a Dockerfile; never raises."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    directives = _directives(lines)
    instructions = tuple(_instructions(lines, path, directives.get("escape", "\\")))
    preamble: list[Instruction] = []
    groups: list[list[Instruction]] = []
    for instruction in instructions:
        if instruction.keyword == "FROM":
            groups.append([instruction])
        elif groups:
            groups[-1].append(instruction)
        else:
            preamble.append(instruction)
    arguments = {
        name.text: value for item in preamble if item.keyword == "ARG" for name, value in item.pairs if name.text
    }
    return Dockerfile(path, directives, arguments, tuple(preamble), _stages(groups, arguments))


def expand(text: str, values: Mapping[str, str]) -> str:
    """`$name`, `${name}`, `${name:-default}` and `${name:+other}` filled in; unknown names stay as written."""

    def replace(match: re.Match[str]) -> str:
        name = match["brace"] or match["bare"]
        value = values.get(name, "")
        if match["operator"] == "-" and not value:
            return match["rest"] or ""
        if match["operator"] == "+":
            return (match["rest"] or "") if value else ""
        return value or match.group()

    return _VARIABLE.sub(replace, text)


_VARIABLE = re.compile(r"\$(?:\{(?P<brace>\w+)(?::(?P<operator>[-+])(?P<rest>[^{}]*))?\}|(?P<bare>\w+))")
_DIRECTIVE = re.compile(r"\s*#\s*([A-Za-z][\w-]*)\s*=\s*(.*?)\s*$")
_HEREDOC = re.compile(r"(?:^|(?<=[\s;|&(]))\d*<<(?P<dash>-?)(?P<quote>['\"]?)(?P<name>[A-Za-z_][\w.-]*)(?P=quote)")
_FLAG = re.compile(r"--([A-Za-z][\w-]*)(?:=(\S*))?(?:\s+|$)")
_WORD = re.compile(r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"?|'[^']*'?|\\$)+""")
_PIECE = re.compile(r"""\\(.)|"((?:[^"\\]|\\.)*)"?|'([^']*)'?|([^"'\\]+)|(\\)""")


@dataclass(slots=True)
class _Logical:
    """A logical line under construction: its text, and at which offset which physical place begins."""

    path: str
    text: str = ""
    offsets: list[int] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)

    def add(self, text: str, line: int, column: int) -> None:
        self.offsets.append(len(self.text))
        self.places.append((line, column))
        self.text += text

    def at(self, offset: int) -> Location:
        index = max(0, bisect.bisect_right(self.offsets, offset) - 1)
        line, column = self.places[index]
        return Location(self.path, line, column + offset - self.offsets[index])


def _directives(lines: list[str]) -> dict[str, str]:
    """Parser directives: comments `# name=value` before anything else."""
    found: dict[str, str] = {}
    for line in lines:
        match = _DIRECTIVE.fullmatch(line)
        name = match.group(1).lower() if match else ""
        if match is None or name not in ("syntax", "escape", "check") or name in found:
            break
        found[name] = match.group(2)
    if found.get("escape", "\\") not in ("\\", "`"):
        del found["escape"]
    return found


def _instructions(lines: list[str], path: str, escape: str) -> Iterator[Instruction]:
    index = 0
    continued = re.compile(re.escape(escape) + r"[ \t]*$")
    while index < len(lines):
        stripped = lines[index].strip()
        if not stripped or stripped.startswith("#"):
            index += 1
            continue
        logical = _Logical(path)
        first = True
        while index < len(lines):
            line = lines[index]
            if not first and (not line.strip() or line.lstrip().startswith("#")):
                index += 1
                continue
            indent = len(line) - len(line.lstrip()) if first else 0
            more = continued.search(line)
            logical.add(line[indent : more.start() if more else len(line)], index + 1, indent + 1)
            first = False
            index += 1
            if not more:
                break
        bodies: list[Word] = []
        keyword = logical.text.split(None, 1)[0].upper() if logical.text.split() else ""
        if keyword in ("RUN", "COPY", "ADD"):
            for match in _HEREDOC.finditer(logical.text):
                index, body = _heredoc(lines, index, path, match["name"], bool(match["dash"]))
                bodies.append(body)
        if keyword:
            yield _instruction(logical, keyword, index, tuple(bodies))


def _heredoc(lines: list[str], index: int, path: str, name: str, dash: bool) -> tuple[int, Word]:
    """The body of a here-document from `index` on, and the line after its end."""
    start = index
    while index < len(lines):
        line = lines[index].lstrip("\t") if dash else lines[index]
        if line == name:
            return index + 1, Word("\n".join(lines[start:index]), Location(path, start + 1, 1))
        index += 1
    return index, Word("\n".join(lines[start:]), Location(path, min(start + 1, len(lines)), 1))


def _instruction(logical: _Logical, keyword: str, next_line: int, bodies: tuple[Word, ...]) -> Instruction:
    text = logical.text
    offset = _skip_space(text, len(keyword))
    flags: list[Flag] = []
    while keyword in ("FROM", "RUN", "COPY", "ADD", "HEALTHCHECK"):
        match = _FLAG.match(text, offset)
        if not match:
            break
        flags.append(Flag(match.group(1).lower(), match.group(2) or "", logical.at(offset)))
        offset = match.end()
    rest = text[offset:].rstrip()
    words = tuple(Word(_unquote(match.group()), logical.at(offset + match.start())) for match in _WORD.finditer(rest))
    return Instruction(
        keyword=keyword,
        text=rest,
        at=logical.at(0),
        text_at=logical.at(offset),
        last_line=next_line,
        flags=tuple(flags),
        words=words,
        listed=_listed(keyword, rest),
        bodies=bodies,
    )


def _skip_space(text: str, offset: int) -> int:
    while offset < len(text) and text[offset].isspace():
        offset += 1
    return offset


def _listed(keyword: str, text: str) -> tuple[str, ...] | None:
    """The exec form: a JSON list of strings."""
    if keyword == "HEALTHCHECK" and text[:4].upper() == "CMD ":
        text = text[4:].strip()
    if not text.startswith("["):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, list) and all(isinstance(item, str) for item in found):
        return tuple(found)
    return None


def _unquote(word: str) -> str:
    if not any(mark in word for mark in "\"'\\"):
        return word
    pieces = []
    for escaped, double, single, plain, last in _PIECE.findall(word):
        pieces.append(escaped or single or plain or last or re.sub(r"\\([\"\\$`])", r"\1", double))
    return "".join(pieces)


def _stages(groups: list[list[Instruction]], arguments: Mapping[str, str]) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    for index, group in enumerate(groups):
        first = group[0]
        base = first.words[0] if first.words else Word("", first.at)
        name = first.words[2].text if len(first.words) > 2 and first.words[1].text.upper() == "AS" else ""
        platform = first.flag("platform")
        earlier = [stage.index for stage in stages if stage.name and stage.name.lower() == base.text.lower()]
        stages.append(
            Stage(
                index=index,
                name=name,
                base=base,
                image=expand(base.text, arguments),
                platform=platform.value if platform else "",
                at=first.at,
                instructions=tuple(group[1:]),
                parent=earlier[-1] if earlier else None,
            )
        )
    return tuple(stages)
