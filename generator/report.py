"""All that a run has to say, as data; every output format is a view of it.

The exit code follows from the report alone, so it is the same in every format.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from generator import __version__
from generator.diagrams.graph import Graph
from generator.finding import Finding, NotChecked, Pass, Severity, Tool, Waived

VERSION = 1
"""Of the report as JSON, `schemas/report.schema.json`; raised when a reader of the old form would break."""

SOURCES = ("declared", "derived", "imported", "unknown")
"""Where a value of the summary comes from: the spec, a default or rule of ours, another tool's report, nowhere."""


class RuleText(Protocol):
    """What a reporter tells of a rule; `generator.policy.rule.Rule` is one."""

    @property
    def id(self) -> str: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def summary(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def fix(self) -> str: ...
    @property
    def tags(self) -> tuple[str, ...]: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...
    @property
    def url(self) -> str: ...


@dataclass(frozen=True, slots=True, order=True)
class ReportedFile:
    """A generated or linted file; `state` is a word of `disk` (`current`, `stale`, …) or `written`, `linted`."""

    path: str
    target: str
    state: str
    lines: int


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """What happened, or would happen, to a file: `created`, `updated` or `removed`."""

    path: str
    action: str


@dataclass(frozen=True, slots=True)
class Value:
    """A cell of the summary: a text, its source (one of `SOURCES`) and the place or reason behind it."""

    text: str
    source: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One fact, a value per environment; `subject` is the service or resource it is about, if one."""

    label: str
    values: tuple[Value, ...]
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """A check box. Only passing rules tick it; `rules` names them, `reason` says what stands behind either state."""

    text: str
    ticked: bool
    rules: tuple[str, ...]
    reason: str
    parts: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """`met`, `open` (only findings below the gate), `not met` or `unknown`; an unknown is never a pass."""

    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Criterion:
    """A success criterion with a verdict per environment; a `required` one that is not met closes the gate."""

    text: str
    required: bool
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A graph of an environment, as the documents have it."""

    environment: str
    graph: Graph


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of a product, in the order of its headings."""

    app: str
    environments: tuple[str, ...]
    sections: tuple[Section, ...]
    boxes: tuple[Box, ...]
    criteria: tuple[Criterion, ...]
    diagrams: tuple[Drawing, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run. `rules` are the texts of our rules, for formats that explain them; ids without a text are fine."""

    command: str
    spec_path: str = ""
    files: tuple[ReportedFile, ...] = ()
    findings: tuple[Finding, ...] = ()
    waived: tuple[Waived, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    tools: tuple[Tool, ...] = ()
    passes: tuple[Pass, ...] = ()
    changes: tuple[Change, ...] = ()
    rules: tuple[RuleText, ...] = ()
    summary: Summary | None = None
    fail_on: Severity = Severity.MEDIUM
    version: str = __version__

    @property
    def ordered(self) -> tuple[Finding, ...]:
        """The findings by place."""
        return tuple(sorted(self.findings, key=lambda finding: finding.order))

    @property
    def failing(self) -> tuple[Finding, ...]:
        """The findings that close the gate."""
        return tuple(finding for finding in self.ordered if finding.severity >= self.fail_on)

    @property
    def unmet(self) -> tuple[Criterion, ...]:
        """The required criteria that are not met in some environment."""
        criteria = self.summary.criteria if self.summary else ()
        return tuple(item for item in criteria if item.required and any(v.state == "not met" for v in item.verdicts))

    @property
    def exit_code(self) -> int:
        """0 or 1; a fault has no report."""
        return 1 if self.failing or self.unmet else 0

    @property
    def counts(self) -> Mapping[Severity, int]:
        """Findings by severity, the worst first, zeros included."""
        found = Counter(finding.severity for finding in self.findings)
        return {severity: found[severity] for severity in sorted(Severity, reverse=True)}


def tally(words: Iterable[str]) -> dict[str, int]:
    """How often each word occurs, in alphabetical order."""
    return dict(sorted(Counter(words).items()))
