"""The report as GitHub workflow commands: annotations on the lines of a pull request.

GitHub shows ten errors, ten warnings and ten notices of a step and drops the rest without a word, so we
print the worst that fit and say how many are left.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
https://github.com/actions/toolkit/blob/main/docs/problem-matchers.md#limitations
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

from generator.finding import Finding, Severity
from generator.report import Report
from generator.reporters.wording import Style, counted, place, severities, verdict, visible

_COMMANDS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}
_SHOWN = 10
"""Annotations of one kind that GitHub shows of a step."""


def render(report: Report, _sources: Mapping[str, str], _style: Style) -> str:
    closing = list(_closing(report))
    errors = [_criterion(text) for text in _unmet(report)]
    kept: list[Finding] = []
    worst_first = sorted(report.ordered, key=lambda finding: -finding.severity)
    for kind, room in (("error", _SHOWN - len(errors)), ("warning", _SHOWN), ("notice", _SHOWN - len(closing) - 1)):
        of_kind = [finding for finding in worst_first if _COMMANDS[finding.severity] == kind]
        kept += of_kind[: max(room, 0)]
    lines = [*errors[:_SHOWN], *(_annotation(finding) for finding in kept)]
    left = len(report.findings) + len(errors) - len(lines)
    lines += closing
    if left:
        cut = f"{counted(left, 'finding')} more than GitHub shows of a step ({severities(report)} in all)"
        lines.append(_command("notice", {"title": "groundplan"}, f"{cut}; -o sarif or -o html has all of them"))
    return "\n".join([*lines, verdict(report)]) + "\n"


def _unmet(report: Report) -> Iterator[str]:
    names = report.summary.environments if report.summary else ()
    for criterion in report.unmet:
        judged = zip(names, criterion.verdicts, strict=True)
        told = (f"{name}: {verdict.reason}" for name, verdict in judged if verdict.state == "not met")
        yield f"{criterion.text}: not met in {'; '.join(told)}"


def _criterion(said: str) -> str:
    return _command("error", {"title": "groundplan: success criterion"}, said)


def _closing(report: Report) -> Iterator[str]:
    """What was not checked, in one notice: silence must not look like success."""
    if report.not_checked:
        items = [
            f"{item.what}: {item.reason}" + (f"; {item.fix}" if item.fix else "") for item in sorted(report.not_checked)
        ]
        head = f"{counted(len(items), 'thing')} not checked"
        yield _command("notice", {"title": f"groundplan: {head}"}, *itertools.islice(items, _SHOWN), *_more(items))


def _more(items: list[str]) -> Iterable[str]:
    return (f"and {len(items) - _SHOWN} more",) if len(items) > _SHOWN else ()


def _annotation(finding: Finding) -> str:
    at = finding.at
    properties = {
        "file": at.path.removeprefix("./"),
        "line": str(at.line) if at.line else "",
        "col": str(at.column) if at.line and at.column else "",
        "title": f"{finding.severity.word} {finding.rule}",
    }
    told = [finding.message]
    told += [f"caused by {place(finding.cause)}"] if finding.cause and finding.cause != finding.at else []
    told += [f"see {place(other.at)}: {other.message}" for other in finding.related]
    told += [f"way out: {finding.fix}"] if finding.fix else []
    return _command(_COMMANDS[finding.severity], properties, *told)


def _command(name: str, properties: Mapping[str, str], *lines: str) -> str:
    """One command; `%0A` is what the runner reads as a line feed."""
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
    return f"::{name} {given}::{'%0A'.join(_data(line) for line in lines)}"


def _data(text: str) -> str:
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
