"""What a check says: findings, passes, and what was not checked.

Stands on the ground floor, since parsers yield findings too. `fingerprint` has no line numbers,
so that a baseline survives an edit above.
"""

from __future__ import annotations

import builtins
import enum
import hashlib
from dataclasses import dataclass, field

from generator.document import Location


class Severity(enum.IntEnum):
    """How bad; ordered, so that `--fail-on` is a comparison."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @builtins.property
    def word(self) -> str:
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Severity:
        return cls[word.upper()]


@dataclass(frozen=True, slots=True, order=True)
class Related:
    """The other end of a clash between two places."""

    at: Location
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem. `at` is in the judged file, `cause` in the spec, `related` the other ends.

    `rule` is `family/problem` for ours and `tool/ID` for a foreign one; `subject` names the
    resource (`Deployment/shop/web`), `property` the field in it, `value` the offending value:
    the three, with rule and path, make the fingerprint. `confidence` is high, medium or low.
    """

    rule: str
    severity: Severity
    message: str
    at: Location
    cause: Location | None = None
    related: tuple[Related, ...] = ()
    fix: str = ""
    aliases: tuple[str, ...] = ()
    confidence: str = "high"
    subject: str = ""
    property: str = ""
    value: str = ""
    url: str = ""

    @builtins.property
    def order(self) -> tuple[str, int, int, str, str, str]:
        """Sort key: by place, then rule and text, so that reports are byte-stable."""
        return (self.at.path, self.at.line, self.at.column, self.rule, self.subject, self.message)

    @builtins.property
    def fingerprint(self) -> str:
        """32 hex digits over rule, path, subject, property and value."""
        parts = (self.rule, self.at.path, self.subject, self.property or self.at.pointer, self.value)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True, order=True)
class Pass:
    """A rule that judged a subject and found nothing wrong: the only thing that ticks a box."""

    rule: str
    path: str
    subject: str = ""


@dataclass(frozen=True, slots=True, order=True)
class NotChecked:
    """Something a user could believe to be checked and is not, with the way to get it checked."""

    what: str
    reason: str
    fix: str = ""
    fleeting: bool = field(default=False, compare=False)
    """Whether another run may do better though nothing has changed: a program was too slow, or broke down."""


@dataclass(frozen=True, slots=True, order=True)
class Tool:
    """A program or data set that took part, with its version."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one checker answers."""

    findings: tuple[Finding, ...] = ()
    passes: tuple[Pass, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    tools: tuple[Tool, ...] = ()


@dataclass(frozen=True, slots=True)
class Waived:
    """A finding that somebody accepted, with the reason, owner and end."""

    finding: Finding
    reason: str
    at: Location
    owner: str = ""
    until: str = ""
    source: str = "spec"
    """`spec`, `file` (a comment in the judged file) or `pack` (ours, where a linter contradicts reality)."""
