"""The report as SARIF 2.1.0, for code scanning.

One run and one driver: foreign rules keep their tool in their id (`hadolint/DL3008`), the tools
themselves are listed as extensions with their versions. A finding's place in the spec comes first among
the related locations, since that is where it is mended.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from generator.document import Location
from generator.finding import Finding, NotChecked, Severity, Waived
from generator.report import Report, RuleText
from generator.reporters.wording import Style, verdict

# what the reader of the log is told to validate with; the version GitHub names
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
# https://docs.github.com/en/code-security/reference/code-scanning/sarif-support-for-code-scanning:
# over 9.0 critical, 7.0 to 8.9 high, 4.0 to 6.9 medium, 0.1 to 3.9 low
_SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.5"}
_NOT_SECURITY = frozenset({"spec", "files", "names", "docs"})


def render(report: Report, _sources: Mapping[str, str], _style: Style) -> str:
    return json.dumps(document(report), indent=2) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The log as plain values."""
    waived = sorted(report.waived, key=lambda item: item.finding.order)
    every = (*report.ordered, *(item.finding for item in waived))
    rules = _rules(every, report)
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    results = [_result(finding, index) for finding in report.ordered]
    results += [{**_result(item.finding, index), "suppressions": [_suppression(item)]} for item in waived]
    run = {
        "tool": _tool(report, rules),
        "invocations": [_invocation(report)],
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The root of the project."}}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _tool(report: Report, rules: list[dict[str, Any]]) -> dict[str, Any]:
    driver = {"name": "groundplan", "version": report.version, "rules": rules}
    extensions = [{"name": tool.name, "version": tool.version} for tool in sorted(report.tools)]
    return {"driver": driver, **({"extensions": extensions} if extensions else {})}


def _invocation(report: Report) -> dict[str, Any]:
    return {
        "executionSuccessful": True,
        "exitCode": report.exit_code,
        "exitCodeDescription": verdict(report),
        "toolExecutionNotifications": [_notification(item) for item in sorted(report.not_checked)],
    }


def _notification(item: NotChecked) -> dict[str, Any]:
    fix = f"; {item.fix}" if item.fix else ""
    return {"level": "warning", "message": _message(f"not checked: {item.what}: {item.reason}{fix}")}


# rules


def _rules(findings: tuple[Finding, ...], report: Report) -> list[dict[str, Any]]:
    """A description for every rule that a result names, by id."""
    texts = {rule.id: rule for rule in report.rules}
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    return [_rule(name, by_rule[name], texts.get(name)) for name in sorted(by_rule)]


def _rule(name: str, findings: list[Finding], text: RuleText | None) -> dict[str, Any]:
    severity = text.severity if text else max(finding.severity for finding in findings)
    family = name.partition("/")[0]
    tags = {family, *(text.tags if text else ())}
    properties: dict[str, Any] = {}
    if severity in _SCORES and family not in _NOT_SECURITY:
        tags.add("security")
        properties["security-severity"] = _SCORES[severity]
    aliases = sorted({*(text.aliases if text else ()), *(alias for finding in findings for alias in finding.aliases)})
    properties |= {"tags": sorted(tags), **({"aliases": aliases} if aliases else {})}
    url = text.url if text and text.url else next((finding.url for finding in findings if finding.url), "")
    short = text.summary if text else f"{name}, a rule of {family}"
    why, fix = (text.why, text.fix) if text else ("", next((finding.fix for finding in findings if finding.fix), ""))
    return {
        "id": name,
        "name": "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", name)),
        "shortDescription": {"text": short},
        "fullDescription": {"text": why or short},
        "help": {"text": _help(short, why, fix), "markdown": _help(_markdown(short), _markdown(why), _markdown(fix))},
        **({"helpUri": url} if re.match(r"https?://[^\s<>\"]+$", url) else {}),
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": properties,
    }


def _help(short: str, why: str, fix: str) -> str:
    return "\n\n".join(part for part in (short, why, f"Way out: {fix}" if fix else "") if part)


def _markdown(said: str) -> str:
    """Text whose brackets and tags are no links and no markup; code spans and lists of a rule's text stay."""
    escaped = said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\[\]!])", r"\\\1", escaped)


# results


def _result(finding: Finding, index: Mapping[str, int]) -> dict[str, Any]:
    said = finding.message + (f"; {finding.fix}" if finding.fix else "")
    properties = {
        "severity": finding.severity.word,
        "confidence": finding.confidence,
        **({"fix": finding.fix} if finding.fix else {}),
        **({"property": finding.property} if finding.property else {}),
        **({"value": finding.value} if finding.value else {}),
        **({"aliases": list(finding.aliases)} if finding.aliases else {}),
    }
    related = _related(finding)
    return {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": _message(said),
        "locations": [_location(finding.at, subject=finding.subject)],
        **({"relatedLocations": related} if related else {}),
        "partialFingerprints": {"groundplan/v1": finding.fingerprint},
        "properties": properties,
    }


def _related(finding: Finding) -> list[dict[str, Any]]:
    places = [(finding.cause, f"caused by {finding.cause.pointer or 'this'}")] if finding.cause else []
    others = [(other.at, other.message) for other in finding.related]
    return [
        {"id": number, **_location(at), "message": _message(said)} for number, (at, said) in enumerate(places + others)
    ]


def _location(at: Location, *, subject: str = "") -> dict[str, Any]:
    physical: dict[str, Any] = {
        "artifactLocation": {"uri": quote(at.path, safe="/", errors="surrogatepass"), "uriBaseId": "SRCROOT"}
    }
    # a whole file is its first line: code scanning shows nothing without a region
    physical["region"] = {"startLine": max(at.line, 1), **({"startColumn": at.column} if at.column > 0 else {})}
    logical = [{"fullyQualifiedName": name, "kind": kind} for name, kind in _names(at, subject)]
    return {"physicalLocation": physical, **({"logicalLocations": logical} if logical else {})}


def _names(at: Location, subject: str) -> list[tuple[str, str]]:
    return [(name, kind) for name, kind in ((subject, "resource"), (at.pointer, "property")) if name]


def _suppression(item: Waived) -> dict[str, Any]:
    owner = f", {item.owner}" if item.owner else ""
    until = f" (until {item.until})" if item.until else ""
    return {
        "kind": "inSource" if item.source == "file" else "external",
        "status": "accepted",
        "justification": f"{item.reason}{until}{owner}",
        **({"location": _location(item.at)} if item.at.path else {}),
    }


def _message(said: str) -> dict[str, str]:
    """A message in which nothing is an embedded link (SARIF 2.1.0, section 3.11.6)."""
    return {"text": re.sub(r"\[(?=[^\]]*\]\()", r"\\[", said)}
