"""The report as JSON: the contract that `schemas/report.schema.json` publishes.

Pure ASCII, so that no terminal, log or editor can be steered by a value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from generator.document import Location
from generator.finding import Finding, Waived
from generator.report import VERSION, Box, Drawing, Report, RuleText, Summary, tally
from generator.reporters.wording import Style


def render(report: Report, _sources: Mapping[str, str], _style: Style) -> str:
    return json.dumps(document(report), indent=2) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The report as plain values."""
    return {
        "version": VERSION,
        "groundplan": report.version,
        "command": report.command,
        "spec": report.spec_path,
        "fail_on": report.fail_on.word,
        "exit_code": report.exit_code,
        "counts": {
            **{severity.word: number for severity, number in report.counts.items()},
            "failing": len(report.failing),
            "waived": len(report.waived),
            "not_checked": len(report.not_checked),
        },
        "findings": [_finding(finding) for finding in report.ordered],
        "waived": [_waived(item) for item in sorted(report.waived, key=lambda item: item.finding.order)],
        "not_checked": [
            {"what": item.what, "reason": item.reason, "fix": item.fix} for item in sorted(report.not_checked)
        ],
        "files": [
            {"path": file.path, "target": file.target, "state": file.state, "lines": file.lines}
            for file in sorted(report.files)
        ],
        "changes": [{"path": change.path, "action": change.action} for change in sorted(report.changes)],
        "tools": [{"name": tool.name, "version": tool.version} for tool in sorted(report.tools)],
        "passes": [{"rule": rule, "count": n} for rule, n in tally(passed.rule for passed in report.passes).items()],
        "rules": [_rule(rule) for rule in _spoken_of(report)],
        "summary": _summary(report.summary) if report.summary else None,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.word,
        "confidence": finding.confidence,
        "message": finding.message,
        "at": _location(finding.at),
        "cause": _location(finding.cause) if finding.cause else None,
        "related": [{"at": _location(other.at), "message": other.message} for other in finding.related],
        "fix": finding.fix,
        "aliases": list(finding.aliases),
        "subject": finding.subject,
        "property": finding.property,
        "value": finding.value,
        "url": finding.url,
        "fingerprint": finding.fingerprint,
    }


def _waived(item: Waived) -> dict[str, Any]:
    return {
        "finding": _finding(item.finding),
        "reason": item.reason,
        "at": _location(item.at),
        "owner": item.owner,
        "until": item.until,
        "source": item.source,
    }


def _location(at: Location) -> dict[str, Any]:
    return {"path": at.path, "line": at.line, "column": at.column, "pointer": at.pointer}


def _spoken_of(report: Report) -> list[RuleText]:
    """The rules that some finding or waiver names."""
    named = {finding.rule for finding in report.findings} | {item.finding.rule for item in report.waived}
    return sorted((rule for rule in report.rules if rule.id in named), key=lambda rule: rule.id)


def _rule(rule: RuleText) -> dict[str, Any]:
    return {
        "id": rule.id,
        "severity": rule.severity.word,
        "summary": rule.summary,
        "why": rule.why,
        "fix": rule.fix,
        "tags": list(rule.tags),
        "aliases": list(rule.aliases),
        "url": rule.url,
    }


def _summary(summary: Summary) -> dict[str, Any]:
    names = summary.environments
    return {
        "app": summary.app,
        "environments": list(names),
        "sections": [
            {
                "title": section.title,
                "rows": [
                    {
                        "label": row.label,
                        "subject": row.subject,
                        "values": {
                            name: {"text": value.text, "source": value.source, "place": value.place}
                            for name, value in zip(names, row.values, strict=True)
                        },
                    }
                    for row in section.rows
                ],
            }
            for section in summary.sections
        ],
        "security_measures": [_box(box) for box in summary.boxes],
        "success_criteria": [
            {
                "text": criterion.text,
                "required": criterion.required,
                "verdicts": {
                    name: {"state": verdict.state, "reason": verdict.reason}
                    for name, verdict in zip(names, criterion.verdicts, strict=True)
                },
            }
            for criterion in summary.criteria
        ],
        "diagrams": [_drawing(drawing) for drawing in summary.diagrams],
    }


def _drawing(drawing: Drawing) -> dict[str, Any]:
    graph = drawing.graph
    return {
        "environment": drawing.environment,
        "view": graph.view,
        "title": graph.title,
        "about": graph.about,
        "nodes": [{"id": n.id, "label": list(n.label), "kind": n.kind, "group": n.group} for n in graph.nodes],
        "edges": [{"from": e.source, "to": e.target, "label": e.label, "kind": e.kind} for e in graph.edges],
        "groups": [{"id": g.id, "label": g.label, "parent": g.parent} for g in graph.groups],
    }


def _box(box: Box) -> dict[str, Any]:
    return {
        "text": box.text,
        "ticked": box.ticked,
        "rules": list(box.rules),
        "reason": box.reason,
        "parts": [_box(part) for part in box.parts],
    }
