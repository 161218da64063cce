"""What the formats for people say in the same words, and how wide and colourful they may be."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from generator.document import Location
from generator.report import Report, tally


@dataclass(frozen=True, slots=True)
class Style:
    """How people read: `width` 0 is not a terminal, `quiet` is a line a finding and the verdict."""

    width: int = 0
    colour: bool = False
    quiet: bool = False

    @classmethod
    def of(cls, stream: TextIO, environ: Mapping[str, str], *, quiet: bool = False) -> Style:
        """The style of a stream: colour and wrapping for a terminal only, no colour with NO_COLOR or TERM=dumb."""
        if not stream.isatty():
            return cls(quiet=quiet, colour=bool(environ.get("FORCE_COLOR")) and not environ.get("NO_COLOR"))
        try:
            width = os.get_terminal_size(stream.fileno()).columns
        except (OSError, ValueError):
            width = 80
        plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        return cls(width or 80, not plain, quiet)


# control, format (direction overrides, zero width), surrogate, line and paragraph separator, private use
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co"})
CODE_SPAN = re.compile(r"(?<![`\\])`([^`\\]*[^`\\\s][^`\\]*)`(?!`)")
"""A span in backticks in one of our sentences, by its content."""
_ASCII = re.compile(r"[ -~]*")


def visible(text: str) -> str:
    """Text on one line in which nothing can move the cursor or hide: unprintable characters are spelled out."""
    if _ASCII.fullmatch(text):
        return text
    return "".join(_spelled(char) if unicodedata.category(char) in _INVISIBLE else char for char in text)


def _spelled(char: str) -> str:
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
    if short:
        return short
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def place(at: Location) -> str:
    """`path:line:column pointer`, the pointer only when there is one."""
    return visible(f"{at} {at.pointer}".rstrip())


FOREIGN = frozenset({"amtool", "checkov", "hadolint", "promtool"})
"""Tools whose findings keep the tool's name in their id; every other family is ours."""


def family(rule: str) -> str:
    """`docker` of `docker/unpinned-base-image`."""
    return rule.partition("/")[0]


def tool(rule: str) -> str:
    """Who judges a rule: the foreign tool, or groundplan."""
    return family(rule) if family(rule) in FOREIGN else "groundplan"


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def verdict(report: Report) -> str:
    """The last word: whether the gate opens, and what lies below it."""
    failing, unmet = len(report.failing), len(report.unmet)
    if failing or unmet:
        reasons = [f"{counted(failing, 'finding')} at or above {report.fail_on.word}"] if failing else []
        reasons += [f"{unmet} required {'criterion is' if unmet == 1 else 'criteria are'} not met"] if unmet else []
        return f"not clean: {' and '.join(reasons)}"
    below = len(report.findings)
    said = f"clean: nothing at or above {report.fail_on.word}"
    said += f", {counted(below, 'finding')} below" if below else ""
    return said + (f"; {counted(len(report.not_checked), 'thing')} not checked" if report.not_checked else "")


def severities(report: Report) -> str:
    """`2 high, 1 low`, or `none`."""
    return ", ".join(f"{number} {severity.word}" for severity, number in report.counts.items() if number) or "none"


def states(report: Report) -> str:
    """`12 current, 1 stale` over all files, or `none`."""
    found = tally(file.state for file in report.files)
    return ", ".join(f"{number} {state}" for state, number in found.items()) or "none"
