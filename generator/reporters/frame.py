"""The lines around a place in a file, for formats that show them to people, and the word a caret stands below.

No frame shows a secret: lines at and around findings of secrets are left out, whoever asks for them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from generator.document import Location
from generator.finding import Finding
from generator.report import Report
from generator.reporters.wording import visible


@dataclass(frozen=True, slots=True)
class FrameLine:
    """A line as it is shown; of the line in question, `word` begins where the place is."""

    number: int
    before: str
    word: str = ""
    after: str = ""
    caret: str = ""
    """Spaces and `^` to print below the line; empty for lines that only stand around it."""

    @property
    def text(self) -> str:
        return self.before + self.word + self.after


def frame(at: Location, sources: Mapping[str, str], room: int, *, around: int) -> Iterator[FrameLine]:
    """The line of a place and its neighbours that are not empty, each in at most `room` cells."""
    lines = sources.get(at.path, "").split("\n")
    if not 1 <= at.line <= len(lines) or not lines[at.line - 1].strip():
        return
    for number in range(max(1, at.line - around), min(len(lines), at.line + around) + 1):
        raw = lines[number - 1]
        if number == at.line:
            yield _pointed(number, raw, at.column, room)
        elif raw.strip():
            yield FrameLine(number, _cropped(_shown(raw), 0, room)[0])


def without_secrets(report: Report, sources: Mapping[str, str]) -> Mapping[str, str]:
    """The sources without the lines at and around findings of secrets: another finding's frame could show them."""
    found = [
        finding for finding in (*report.findings, *(item.finding for item in report.waived)) if _secretive(finding)
    ]
    places = [at for finding in found for at in (finding.at, finding.cause) if at is not None and at.path in sources]
    if not places:
        return sources
    texts = {at.path: sources[at.path].split("\n") for at in places}
    for at in places:
        lines = texts[at.path]
        for number in range(max(at.line - 2, 1), min(at.line + 2, len(lines)) + 1):
            lines[number - 1] = ""
    return {**sources, **{path: "\n".join(lines) for path, lines in texts.items()}}


def _secretive(finding: Finding) -> bool:
    """Whether the line it points at may hold a secret, which no report repeats."""
    return any("secret" in name.lower() for name in (finding.rule, *finding.aliases))


def _pointed(number: int, raw: str, column: int, room: int) -> FrameLine:
    before, word = _split(raw, column)
    text, start = _cropped(_shown(raw), _cells(_shown(before)), room)
    if not column:
        return FrameLine(number, text)
    length = min(_cells(_shown(word)), room - start)
    head = _cells_from(text, 0, start)
    marked = _cells_from(text, start, length)
    return FrameLine(number, head, marked, text[len(head) + len(marked) :], " " * start + "^" * max(length, 1))


def _split(raw: str, column: int) -> tuple[str, str]:
    """What stands before a column, and the word that begins there."""
    before, rest = raw[: max(column - 1, 0)], raw[max(column - 1, 0) :]
    if rest[:1] in {'"', "'"} and rest.find(rest[0], 1) > 0:
        return before, rest[: rest.find(rest[0], 1) + 1]
    word = rest.split(maxsplit=1)[0] if rest.strip() and not rest[0].isspace() else ""
    return before, word.rstrip(":,]}") or word[:1]


def _shown(text: str) -> str:
    return visible(text.rstrip("\r").replace("\t", "    "))


def _cells(text: str) -> int:
    """How many cells of a terminal a text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _cropped(text: str, start: int, room: int) -> tuple[str, int]:
    """A part of a long line that shows the cell `start`, and where that cell is in it."""
    if _cells(text) <= room or room < 20:
        return text, start
    skip = max(0, start - room // 2) if start > room - 20 else 0
    head = "..." if skip else ""
    kept = _cells_from(text, skip, room - len(head) - 3)
    tail = "..." if skip + _cells(kept) < _cells(text) else ""
    return f"{head}{kept}{tail}", start - skip + len(head)


def _cells_from(text: str, skip: int, room: int) -> str:
    kept, cell = [], 0
    for char in text:
        if cell >= skip + room:
            break
        if cell >= skip:
            kept.append(char)
        cell += _cells(char)
    return "".join(kept)
