"""The report as GitLab Code Quality, for the widget of a merge request.

The format has findings and nothing else: a required criterion that is not met is told as a finding on the
spec, since it closes the gate; what was not checked has no place in it.
https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from generator.finding import Finding, Severity
from generator.report import Report
from generator.reporters.wording import Style, visible

_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}
_UNMET = "summary/criterion-not-met"


def render(report: Report, _sources: Mapping[str, str], _style: Style) -> str:
    return json.dumps(document(report), indent=2) + "\n"


def document(report: Report) -> list[dict[str, Any]]:
    """The issues as plain values, by place."""
    seen: Counter[str] = Counter()
    issues = []
    for finding in report.ordered:
        issues.append(_issue(finding, seen[finding.fingerprint]))
        seen[finding.fingerprint] += 1
    return [*issues, *_unmet(report)]


def _issue(finding: Finding, earlier: int) -> dict[str, Any]:
    said = finding.message + (f"; {finding.fix}" if finding.fix else "")
    return {
        "description": visible(said),
        "check_name": visible(finding.rule),
        "fingerprint": _fingerprint(finding.fingerprint, earlier),
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": _path(finding.at.path), "lines": {"begin": max(finding.at.line, 1)}},
    }


def _fingerprint(of_finding: str, earlier: int) -> str:
    """Unique as well as stable: GitLab shows only the first issue of a fingerprint, so the next ones are numbered."""
    return hashlib.sha256(f"{of_finding}\0{earlier}".encode()).hexdigest()[:32] if earlier else of_finding


def _path(path: str) -> str:
    """Relative to the root of the repository; GitLab does not understand a leading `./`."""
    return visible(path.removeprefix("./"))


def _unmet(report: Report) -> Iterator[dict[str, Any]]:
    names = report.summary.environments if report.summary else ()
    for criterion in report.unmet:
        for name, verdict in zip(names, criterion.verdicts, strict=True):
            if verdict.state == "not met":
                key = "\0".join((_UNMET, name, criterion.text)).encode("utf-8", "surrogatepass")
                yield {
                    "description": visible(f"not met in {name}: {criterion.text}: {verdict.reason}"),
                    "check_name": _UNMET,
                    "fingerprint": hashlib.sha256(key).hexdigest()[:32],
                    "severity": _SEVERITIES[Severity.HIGH],
                    "location": {"path": _path(report.spec_path), "lines": {"begin": 1}},
                }
