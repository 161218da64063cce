"""The summary report as Markdown: the headings of the founding document in its order, then what was found.

Values of the user's stand in code spans, where nothing is markup; our own sentences, which may quote
them, are escaped.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from generator.finding import Finding
from generator.report import Box, Report, Row, Section, Summary, Value, tally
from generator.reporters.wording import CODE_SPAN, Style, counted, place, severities, states, verdict, visible

_MARKUP = re.compile(r"([\\`*_\[\]{}|~])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LINK = re.compile(r"(?i)\b(https?|ftp|www)(:|\.)(?=\S)")
_BLOCK = re.compile(r"^(?:#{1,6}(?=\s|$)|[-+=](?=[-+=\s]|$)|\d{1,9}[.)](?=\s|$))")
_MENTION = re.compile(r"(?<![\w`/])@(?=\w)")


def render(report: Report, _sources: Mapping[str, str], _style: Style) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(_lines(report))).rstrip("\n") + "\n"


def text(said: str) -> str:
    """A sentence on one line, with its code spans, in which nothing else is markup, a link or a mention."""
    parts = CODE_SPAN.split(visible(said).strip())
    return "".join(code(part) if number % 2 else _escaped(part, number) for number, part in enumerate(parts))


def _escaped(part: str, number: int) -> str:
    escaped = "".join(_ENTITIES.get(char, char) for char in part)
    escaped = _MARKUP.sub(r"\\\1", escaped)
    escaped = _LINK.sub(lambda match: f"{match[1]}{'&#58;' if match[2] == ':' else '&#46;'}", escaped)
    escaped = _MENTION.sub("&#64;", escaped)
    return escaped if number else _BLOCK.sub(lambda match: match[0][:-1] + "\\" + match[0][-1], escaped)


def code(value: str) -> str:
    """A value as a code span that it cannot close; in a table a bar must be escaped even there."""
    shown = visible(value).replace("|", "\\|")
    if not shown.strip():
        return "(empty)"
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown.startswith(("`", " ")) or shown.endswith(("`", " ")) else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' -- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _lines(report: Report) -> Iterator[str]:
    yield "## Infrastructure Configuration Summary"
    yield ""
    said = verdict(report)
    yield text(f"{said[0].upper()}{said[1:]}.")
    yield ""
    yield from _facts(report)
    if report.summary:
        yield from _summary(report.summary)
    yield from _findings(report)
    yield from _waivers(report)
    yield from _not_checked(report)
    yield from _changes(report)


def _facts(report: Report) -> Iterator[str]:
    if report.summary:
        yield f"- App: {code(report.summary.app)}"
    if report.spec_path:
        yield f"- Spec: {code(report.spec_path)}"
    if report.files:
        yield f"- Files: {len(report.files)} ({text(states(report))})"
    yield f"- Findings: {severities(report)}; gate at {report.fail_on.word}"
    tools = ", ".join(text(f"{tool.name} {tool.version}") for tool in sorted(report.tools))
    yield f"- Made with: groundplan {text(report.version)}" + (f"; checked by {tools}" if tools else "")


# the summary of the product


def _summary(summary: Summary) -> Iterator[str]:
    for section in summary.sections:
        yield ""
        yield f"### {section.title}:"
        yield ""
        yield from _section(summary, section)
    yield ""
    yield "### Security Measures:"
    yield ""
    for box in summary.boxes:
        yield from _box(box, "")
    yield ""
    yield "## Success Criteria"
    yield ""
    head = ("Criterion", *(code(name) for name in summary.environments))
    yield from _table(
        head,
        (
            (text(item.text), *(f"**{verdict.state}**: {text(verdict.reason)}" for verdict in item.verdicts))
            for item in summary.criteria
        ),
    )


def _section(summary: Summary, section: Section) -> Iterator[str]:
    head = ("", "For", *(code(name) for name in summary.environments), "Source")
    yield from _table(head, (_row(summary.environments, row) for row in section.rows))


def _row(names: Sequence[str], row: Row) -> tuple[str, ...]:
    subject = code(row.subject) if row.subject else "all"
    return (f"**{row.label}**", subject, *(_value(value) for value in row.values), _source(names, row.values))


def _value(value: Value) -> str:
    return f"*{text(value.text)}*" if value.source == "unknown" else code(value.text)


def _source(names: Sequence[str], values: Sequence[Value]) -> str:
    """Where the values of a row come from, said once when it is one place."""
    told = [text(value.source + (f": {value.place}" if value.place else "")) for value in values]
    if len(set(told)) == 1:
        return told[0]
    return "; ".join(f"{code(name)} {source}" for name, source in zip(names, told, strict=True))


def _box(box: Box, indent: str) -> Iterator[str]:
    mark = "x" if box.ticked else " "
    rules = f" ({', '.join(code(rule) for rule in box.rules)})" if box.rules else ""
    yield f"{indent}- [{mark}] {text(box.text)}: {text(box.reason)}{rules}"
    for part in box.parts:
        yield from _box(part, f"{indent}  ")


# what was found


def _findings(report: Report) -> Iterator[str]:
    yield ""
    yield "## Findings"
    yield ""
    if not report.findings:
        yield "None."
        return
    for path, of_file in itertools.groupby(report.ordered, key=lambda finding: finding.at.path):
        yield f"### {code(path)}"
        yield ""
        yield from _table(
            ("Line", "Severity", "Rule", "Finding", "Caused by", "Way out"), (_finding(finding) for finding in of_file)
        )
        yield ""


def _finding(finding: Finding) -> tuple[str, ...]:
    line = ":".join(str(number) for number in (finding.at.line, finding.at.column) if number)
    said = text(finding.message)
    said += "".join(f"; {text(other.message)} {code(place(other.at))}" for other in finding.related)
    cause = code(place(finding.cause)) if finding.cause else ""
    return line, finding.severity.word, code(finding.rule), said, cause, text(finding.fix)


def _waivers(report: Report) -> Iterator[str]:
    yield ""
    yield "## Waivers"
    yield ""
    if not report.waived:
        yield "None."
        return
    yield from _table(
        ("Rule", "At", "Reason", "Owner", "Until", "Stated in"),
        (
            (
                code(item.finding.rule),
                code(place(item.finding.at)),
                text(item.reason),
                text(item.owner),
                text(item.until),
                f"{item.source}: {code(place(item.at))}" if item.at.path else item.source,
            )
            for item in sorted(report.waived, key=lambda item: item.finding.order)
        ),
    )


def _not_checked(report: Report) -> Iterator[str]:
    yield ""
    yield "## Not checked"
    yield ""
    if not report.not_checked:
        yield "Nothing was left out."
        return
    rows = ((text(item.what), text(item.reason), text(item.fix)) for item in sorted(report.not_checked))
    yield from _table(("What", "Why not", "Way to get it checked"), rows)


def _changes(report: Report) -> Iterator[str]:
    yield ""
    yield "## Changes"
    yield ""
    if not report.changes:
        yield "None."
        return
    actions = tally(change.action for change in report.changes)
    yield f"{counted(len(report.changes), 'file')}: {', '.join(f'{n} {action}' for action, n in actions.items())}."
    yield ""
    for change in sorted(report.changes):
        yield f"- {text(change.action)} {code(change.path)}"
