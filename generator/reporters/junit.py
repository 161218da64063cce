"""The report as JUnit XML, for the test views of CI servers.

A test case is one rule on one file: passed where the rule judged something and found nothing at or above the
gate, failed where it did, skipped where every finding is waived. Its name has both, since GitLab keeps only the
first of several cases with one name, and Jenkins only the first failure of a case. The elements and attributes are
those of `junit-10.xsd` of Jenkins' xunit plugin, which the other readers take as well.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from generator.finding import Finding, Waived
from generator.report import Criterion, Report, Verdict
from generator.reporters.wording import Style, counted, family, place, tool, visible

_NOT_XML = re.compile("[\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class _Case:
    """`failure` and `skipped` are a message and the lines below it; a case without either has passed."""

    classname: str
    name: str
    failure: tuple[str, str, Sequence[str]] | None = None
    skipped: str = ""
    told: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Judged:
    """What one rule says of one file."""

    findings: list[Finding] = field(default_factory=list)
    waived: list[Waived] = field(default_factory=list)


def render(report: Report, _sources: Mapping[str, str], _style: Style) -> str:
    suites = [(name, cases) for name, cases in _suites(report) if cases]
    every = [case for _, cases in suites for case in cases]
    failed = sum(case.failure is not None for case in every)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="groundplan" tests="{len(every)}" failures="{failed}" errors="0">',
        *(line for name, cases in suites for line in _suite(name, cases, report)),
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _suites(report: Report) -> Iterator[tuple[str, list[_Case]]]:
    """One suite a tool, then the success criteria and what was not checked."""
    judged: dict[tuple[str, str], _Judged] = {(passed.rule, passed.path): _Judged() for passed in report.passes}
    for finding in report.ordered:
        judged.setdefault((finding.rule, finding.at.path), _Judged()).findings.append(finding)
    for item in sorted(report.waived, key=lambda item: item.finding.order):
        judged.setdefault((item.finding.rule, item.finding.at.path), _Judged()).waived.append(item)
    by_tool: dict[str, list[_Case]] = {}
    for rule, path in sorted(judged):
        by_tool.setdefault(tool(rule), []).append(_case(rule, path, judged[rule, path], report))
    yield from sorted(by_tool.items())
    yield "success criteria", list(_criteria(report))
    yield "not checked", list(_left_out(report))


def _left_out(report: Report) -> Iterator[_Case]:
    reasons: dict[str, list[str]] = {}
    for item in sorted(report.not_checked):
        reasons.setdefault(item.what, []).append(f"{item.reason}; {item.fix}" if item.fix else item.reason)
    for what, told in reasons.items():
        yield _Case("not checked", what, skipped="; ".join(told))


def _case(rule: str, path: str, judged: _Judged, report: Report) -> _Case:
    group = family(rule) if tool(rule) == family(rule) else f"{tool(rule)}.{family(rule)}"
    name = f"{rule} in {path}"
    failing = [finding for finding in judged.findings if finding.severity >= report.fail_on]
    told = [_told(finding) for finding in judged.findings]
    told += [f"waived: {_told(item.finding)} ({item.reason})" for item in judged.waived]
    if failing:
        worst = max(failing, key=lambda finding: finding.severity)
        more = f"; {counted(len(failing) - 1, 'finding')} more" if len(failing) > 1 else ""
        return _Case(group, name, failure=(worst.severity.word, f"{worst.message}{more}", told))
    if judged.waived and not judged.findings:
        reasons = dict.fromkeys(item.reason for item in judged.waived)
        return _Case(group, name, skipped=f"waived: {'; '.join(reasons)}", told=told)
    return _Case(group, name, told=told)


def _told(finding: Finding) -> str:
    """A finding on one line, for the body of a case."""
    said = f"{finding.at}: {finding.severity.word}: {finding.message}"
    said += f"; caused by {place(finding.cause)}" if finding.cause and finding.cause != finding.at else ""
    said += "".join(f"; see {place(other.at)}: {other.message}" for other in finding.related)
    return said + (f"; way out: {finding.fix}" if finding.fix else "")


def _criteria(report: Report) -> Iterator[_Case]:
    if report.summary is None:
        return
    for criterion in report.summary.criteria:
        for environment, verdict in zip(report.summary.environments, criterion.verdicts, strict=True):
            yield _criterion(criterion, environment, verdict)


def _criterion(criterion: Criterion, environment: str, verdict: Verdict) -> _Case:
    """`open` has passed with a word; an unknown, and what is not required, is neither passed nor failed."""
    case = _Case("success criteria", f"{criterion.text} in {environment}")
    said = f"{verdict.state}: {verdict.reason}"
    if verdict.state == "not met" and criterion.required:
        return _Case(case.classname, case.name, failure=("not met", said, [said]))
    if verdict.state in {"met", "open"}:
        return _Case(case.classname, case.name, told=[said])
    return _Case(case.classname, case.name, skipped=said)


# XML


def _suite(name: str, cases: Sequence[_Case], report: Report) -> Iterator[str]:
    failed = sum(case.failure is not None for case in cases)
    skipped = sum(bool(case.skipped) for case in cases)
    counts = f'tests="{len(cases)}" failures="{failed}" errors="0" skipped="{skipped}"'
    yield f'  <testsuite name="{_text(name)}" {counts}>'
    versions = [of.version for of in sorted(report.tools) if of.name == name]
    versions += [report.version] if name == "groundplan" else []
    if versions:
        yield f'    <properties><property name="version" value="{_text(versions[0])}"/></properties>'
    for case in cases:
        yield from _written(case)
    yield "  </testsuite>"


def _written(case: _Case) -> Iterator[str]:
    opened = f'    <testcase classname="{_text(case.classname)}" name="{_text(case.name)}"'
    if case.failure is None and not case.skipped and not case.told:
        yield f"{opened}/>"
        return
    yield f"{opened}>"
    if case.failure:
        kind, message, lines = case.failure
        body = "\n".join(_text(line) for line in lines)
        yield f'      <failure type="{_text(kind)}" message="{_text(message)}">{body}</failure>'
    if case.skipped:
        # GitLab shows the content, Jenkins the attribute
        yield f'      <skipped message="{_text(case.skipped)}">{_text(case.skipped)}</skipped>'
    if case.told:
        yield f"      <system-out>{chr(10).join(_text(line) for line in case.told)}</system-out>"
    yield "    </testcase>"


def _text(value: str) -> str:
    """A value as XML text on one line: what XML cannot hold at all is spelled out like what cannot be seen."""
    return html.escape(_NOT_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", visible(value)))
