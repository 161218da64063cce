"""The report for people: findings with a source frame, then one screen that also says what was not checked.

Without colour it is plain text whose bytes depend on the report alone. Rich is imported only for a
terminal with colours: it is a tenth of the start-up, and a pipe does not need it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias, TypeVar

from generator.document import Location
from generator.finding import Finding, Severity
from generator.report import Report, Summary, Value, tally
from generator.reporters.frame import frame, without_secrets
from generator.reporters.wording import Style, counted, place, severities, states, verdict, visible

Line: TypeAlias = "tuple[tuple[str, str], ...]"
"""Pieces of style and text."""

_V = TypeVar("_V")

_STYLES = {
    "critical": "bold bright_magenta",
    "high": "bold red",
    "medium": "bold yellow",
    "low": "bold cyan",
    "info": "bold blue",
    "path": "bold",
    "rule": "bold",
    "gutter": "blue",
    "help": "green",
    "heading": "bold underline",
    "good": "bold green",
    "bad": "bold red",
    "faint": "dim",
}
_MOST_FINDINGS = 50
_MOST_LISTED = 12
_MOST_LETTERS = 160
_USUAL_WIDTH = 100


def render(report: Report, sources: Mapping[str, str], style: Style) -> str:
    """The report as text for a terminal or a log."""
    painted = _painter() if style.colour else _plain
    lines = _brief(report) if style.quiet else _all(report, sources, style.width)
    return "".join("".join(painted(kind, visible(part)) for kind, part in line).rstrip() + "\n" for line in lines)


def _plain(_style: str, text: str) -> str:
    return text


def _painter() -> Callable[[str, str], str]:
    from rich.color import ColorSystem
    from rich.style import Style

    styles = {name: Style.parse(definition) for name, definition in _STYLES.items()}

    def paint(style: str, text: str) -> str:
        return styles[style].render(text, color_system=ColorSystem.STANDARD) if style and text.strip() else text

    return paint


def _brief(report: Report) -> Iterator[Line]:
    """Findings that are more than information, and the verdict."""
    least = min(report.fail_on, Severity.LOW)
    yield from (_headline(finding) for finding in report.ordered if finding.severity >= least)
    yield _verdict(report)


def _all(report: Report, sources: Mapping[str, str], width: int) -> Iterator[Line]:
    shown, hidden = _most_telling(report)
    sources = without_secrets(report, sources)
    for finding in shown:
        if finding.severity > Severity.INFO:
            yield from _finding(finding, sources, width)
            yield ()
    told = [finding for finding in shown if finding.severity == Severity.INFO]
    if told:
        yield from (_headline(finding) for finding in told)
        yield ()
    if hidden:
        yield (("faint", f"... and {counted(hidden, 'finding')} more, none of them worse; -o json lists all"),)
        yield ()
    if report.summary and report.command == "report":
        yield from _summary(report.summary)
    yield from _closing(report, width)


def _most_telling(report: Report) -> tuple[tuple[Finding, ...], int]:
    """As many findings as one reads, the worst of them, by place; and how many are left."""
    every = report.ordered
    worst = sorted(every, key=lambda finding: -finding.severity)[:_MOST_FINDINGS]
    return tuple(sorted(worst, key=lambda finding: finding.order)), len(every) - len(worst)


# one finding


def _headline(finding: Finding) -> Line:
    return (
        ("path", str(finding.at)),
        ("", ": "),
        (finding.severity.word, finding.severity.word),
        ("", " "),
        ("rule", finding.rule),
        ("", f": {finding.message}"),
    )


def _finding(finding: Finding, sources: Mapping[str, str], width: int) -> Iterator[Line]:
    yield _headline(finding)
    others = [(finding.cause, "caused by")] if finding.cause and finding.cause != finding.at else []
    margin = max(len(str(at.line + 1)) for at in (finding.at, *(at for at, _ in others)))
    yield from _frame(finding.at, sources, margin, finding.severity.word, width, around=1)
    for at, words in others:
        apart = at.path != finding.at.path or abs(at.line - finding.at.line) > 1
        shown = list(_frame(at, sources, margin, "gutter", width, around=0)) if apart else []
        yield _noted(margin, f"{words} {place(at)}", ":::" if shown else " = ")
        yield from shown
    for other in finding.related:
        yield _noted(margin, f"see {other.at}" + (f": {_shortened(other.message)}" if other.message else ""))
    if finding.fix:
        yield from _help(margin, finding.fix, width)
    if finding.url:
        yield ((("gutter", f"{' ' * margin} = "), ("faint", f"see {finding.url}")))


def _shortened(text: str) -> str:
    """A text that is no longer than two lines of a terminal."""
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 3]}..."


def _noted(margin: int, text: str, mark: str = " = ") -> Line:
    return (("gutter", f"{' ' * margin}{mark}"), ("", f"{' ' if mark == ':::' else ''}{text}"))


def _help(margin: int, fix: str, width: int) -> Iterator[Line]:
    first, *rest = _wrapped(visible(fix), width - margin - len(" = help: ") if width else 0)
    yield (("gutter", f"{' ' * margin} = "), ("help", "help"), ("", f": {first}"))
    for line in rest:
        yield (("", f"{' ' * margin}         {line}"),)


def _wrapped(text: str, width: int) -> list[str]:
    if width < 20:  # not a terminal, or one in which wrapping makes it worse
        return [text]
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [text]


def _frame(
    at: Location, sources: Mapping[str, str], margin: int, style: str, width: int, *, around: int
) -> Iterator[Line]:
    """The lines around a place with their numbers, and a caret below the word that begins there."""
    lines = tuple(frame(at, sources, (width or _USUAL_WIDTH) - margin - 3, around=around))
    if lines:
        yield (("gutter", f"{' ' * margin} |"),)
    for line in lines:
        yield (("gutter", f"{line.number:>{margin}} | "), ("", line.text))
        if line.caret:
            yield (("gutter", f"{' ' * margin} | "), (style, line.caret))


# the closing screen


def _closing(report: Report, width: int) -> Iterator[Line]:
    if report.changes:
        actions = tally(change.action for change in report.changes)
        yield _entry("changes", ", ".join(f"{number} {action}" for action, number in actions.items()))
        changed = [f"{change.action} {change.path}" for change in sorted(report.changes)]
        yield from _listed(changed, "-o json lists all")
    if report.files:
        lines = sum(file.lines for file in report.files)
        yield _entry("files", f"{len(report.files)} with {counted(lines, 'line')}: {states(report)}")
        wanting = [f"{file.state} {file.path}" for file in sorted(report.files) if file.state in _WANTING]
        yield from _listed(wanting, "-o json lists all")
    yield _entry("findings", severities(report))
    if report.waived:
        sources = tally(item.source for item in report.waived)
        told = ", ".join(f"{number} by the {source}" for source, number in sources.items())
        yield _entry("waived", f"{told}; -o markdown lists the reasons")
    if report.tools:
        yield _entry("checked by", ", ".join(f"{tool.name} {tool.version}" for tool in sorted(report.tools)))
    yield from _not_checked(report, width)
    if report.findings:
        yield _entry("more", "groundplan explain RULE says why; groundplan why FILE:LINE says where a line comes from")
    yield _verdict(report)


def _verdict(report: Report) -> Line:
    return (("bad" if report.exit_code else "good", verdict(report)),)


_WANTING = frozenset({"stale", "edited", "orphan", "missing", "foreign"})


def _entry(label: str, text: str) -> Line:
    return (("faint", f"{label:<12}"), ("", text))


def _listed(items: list[str], rest: str) -> Iterator[Line]:
    for item in items[:_MOST_LISTED]:
        yield (("", f"{'':<12}{item}"),)
    if len(items) > _MOST_LISTED:
        yield (("faint", f"{'':<12}... and {len(items) - _MOST_LISTED} more; {rest}"),)


def _not_checked(report: Report, width: int) -> Iterator[Line]:
    if not report.not_checked:
        return
    yield _entry("not checked", counted(len(report.not_checked), "thing"))
    for item in sorted(report.not_checked)[:_MOST_LISTED]:
        said = f"{item.what}: {item.reason}" + (f"; {item.fix}" if item.fix else "")
        for line in _wrapped(visible(said), width - 12 if width else 0):
            yield (("medium", f"{'':<12}"), ("", line))
    left = len(report.not_checked) - _MOST_LISTED
    if left > 0:
        yield (("faint", f"{'':<12}... and {left} more; -o json lists all"),)


# the summary of the product


def _summary(summary: Summary) -> Iterator[Line]:
    yield (("heading", f"Infrastructure Configuration Summary: {summary.app}"),)
    yield ()
    for section in summary.sections:
        yield (("heading", section.title),)
        for row in section.rows:
            label = f"  {row.label}" + (f" {row.subject}" if row.subject else "")
            for names, value in _alike(summary.environments, row.values):
                yield _cell(f"{label} ({names})" if names else label, value)
                label = " " * len(label)
        yield ()
    yield (("heading", "Security Measures"),)
    for box in summary.boxes:
        for inner, indent in ((box, "  "), *((part, "      ") for part in box.parts)):
            mark = ("good", "[x]") if inner.ticked else ("faint", "[ ]")
            yield (("", indent), mark, ("", f" {inner.text}"), ("faint", f"  {inner.reason}"))
    yield ()
    yield (("heading", "Success Criteria"),)
    for criterion in summary.criteria:
        yield (("", f"  {criterion.text}"),)
        for names, judged in _alike(summary.environments, criterion.verdicts):
            style = {"met": "good", "not met": "bad"}.get(judged.state, "medium")
            where = f" ({names})" if names else ""
            yield (("", "    "), (style, judged.state), ("", f"{where}: {judged.reason}"))
    yield ()


def _cell(label: str, value: Value) -> Line:
    source = value.source + (f", {value.place}" if value.place else "")
    return (("", f"{label}: {value.text}"), ("faint", f"  [{source}]"))


def _alike(names: tuple[str, ...], values: Iterable[_V]) -> Iterator[tuple[str, _V]]:
    """Equal values once, with the environments they hold for; no environment when they hold for all."""
    groups: dict[_V, list[str]] = {}
    for name, value in zip(names, values, strict=True):
        groups.setdefault(value, []).append(name)
    for value, members in groups.items():
        yield ("" if len(members) == len(names) else ", ".join(members)), value
