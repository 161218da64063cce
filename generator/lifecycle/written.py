"""The difference for programs (JSON, `schemas/diff.schema.json`) and for the comment of a pull request (Markdown)."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

from generator import __version__
from generator.document import Location
from generator.finding import Finding
from generator.lifecycle import effects, words
from generator.lifecycle.change import EFFECTS, Change, Difference, Field, Value
from generator.reporters.wording import counted, visible

VERSION = 1
_MOST_ROWS = 200


def as_json(difference: Difference, *, allow_replace: bool) -> str:
    """The whole difference; nothing is cut."""
    made = {
        "version": VERSION,
        "groundplan": __version__,
        "old": difference.old,
        "new": difference.new,
        "data": effects.date(),
        "exit_code": difference.exit_code(allow_replace=allow_replace),
        "allow_replace": allow_replace,
        "counts": {word: sum(change.effect == word for change in difference.changes) for word in EFFECTS},
        "files": [
            {
                "path": file.path,
                "action": file.action,
                "added": file.added,
                "removed": file.removed,
                "state": file.state,
            }
            for file in difference.files
        ],
        "changes": [_change(change) for change in difference.changes],
        "findings": [_finding(finding) for finding in difference.findings],
        "not_compared": [
            {"what": item.what, "reason": item.reason, "fix": item.fix} for item in difference.not_compared
        ],
        "notes": list(difference.notes),
    }
    return json.dumps(made, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace").decode() + "\n"


def _change(change: Change) -> dict[str, Any]:
    return {
        "area": change.area,
        "scope": change.scope,
        "environments": list(change.environments),
        "kind": change.kind,
        "subject": change.subject,
        "name": change.name,
        "was": change.was,
        "action": change.action,
        "effect": change.effect,
        "gates": change.gates,
        "data": change.data,
        "sentence": words.sentence(change) if change.gates else "",
        "notes": list(change.notes),
        "at": _place(change.at),
        "fields": [_field(field) for field in change.fields],
    }


def _field(field: Field) -> dict[str, Any]:
    sides = {"old": _value(field.old), "new": _value(field.new)}
    return {"path": field.path, **sides, "effect": field.effect, "note": field.note}


def _value(value: Value) -> dict[str, Any]:
    return {"state": value.state, "value": value.plain}


def _place(at: Location) -> dict[str, Any]:
    return {"path": at.path, "line": at.line, "column": at.column}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.word,
        "message": finding.message,
        "fix": finding.fix,
        "subject": finding.subject,
        "at": _place(finding.at),
        "fingerprint": finding.fingerprint,
    }


def as_markdown(difference: Difference, *, allow_replace: bool) -> str:
    """A comment for a pull request: decisions first, the rest folded away."""
    return "\n".join(_rows(difference, allow_replace)) + "\n"


def _rows(difference: Difference, allow_replace: bool) -> Iterator[str]:
    mark = "❌" if difference.exit_code(allow_replace=allow_replace) else "✅"
    yield "## What this changes"
    yield ""
    yield f"{mark} {_text(words.verdict(difference, allow_replace=allow_replace))}"
    if not difference.files:
        return
    yield ""
    generations = f"{_text(difference.old)} → {_text(difference.new)}"
    yield f"{counted(len(difference.files), 'file')}, {generations}: {words.tally(difference.changes)}."
    if difference.gating or difference.findings:
        yield ""
        yield "> [!CAUTION]"
        yield from (f"> - {_text(_located(change))}" for change in difference.gating)
        for finding in difference.findings:
            yield f"> - {_code(str(finding.at))} {_text(finding.message)}. {_text(finding.fix)}"
    for area in words.AREAS:
        mine = [change for change in difference.changes if change.area == area]
        if mine:
            yield from _table(area, mine)
    yield from _folded(counted(len(difference.files), "file"), [*_file_rows(difference)])
    if difference.not_compared or difference.notes:
        yield ""
        yield "**Not compared**" if difference.not_compared else "**Note**"
        yield ""
        yield from (f"- {_text(f'{item.what}: {item.reason}; {item.fix}')}" for item in difference.not_compared)
        yield from (f"- {_text(note)}" for note in difference.notes)


def _located(change: Change) -> str:
    where = words.scope(change)
    return f"{words.sentence(change)}  [{where}]" if where else words.sentence(change)


def _table(area: str, changes: list[Change]) -> Iterator[str]:
    rows = [_row(change, field) for change in changes for field in change.fields or (None,)]
    kept = rows[:_MOST_ROWS]
    if len(rows) > len(kept):
        kept.append(f"| … and {len(rows) - len(kept)} more | | | |")
    yield from _folded(
        f"{area}: {words.tally(changes)}", ["| Object | Field | Old → new | Effect |", "|--|--|--|--|", *kept]
    )


def _row(change: Change, field: Field | None) -> str:
    where = f" ({', '.join(change.environments)})" if change.environments else ""
    subject = f"{_code(words.symbol(change))} {_code(change.subject)}{_text(where)}"
    if field is None:
        return f"| {subject} | | | {_text(words.effect(change))} |"
    told = EFFECTS[field.effect]
    strong = f"**{told}**" if field.effect in ("replaces", "immutable") else told
    values = f"{_code(words.shown(field.old))} → {_code(words.shown(field.new))}"
    note = f" ({_text(field.note)})" if field.note else ""
    return f"| {subject} | {_code(field.path)} | {values} | {strong}{note} |"


def _folded(title: str, rows: list[str]) -> Iterator[str]:
    yield ""
    yield f"<details><summary>{html.escape(visible(title))}</summary>"
    yield ""
    yield from rows
    yield ""
    yield "</details>"


def _file_rows(difference: Difference) -> Iterator[str]:
    for file in difference.files:
        state = f", {file.state}" if file.state in ("edited", "foreign") else ""
        yield f"- {_code(file.path)} {file.action}{state} (+{file.added} -{file.removed})"


def _text(text: str) -> str:
    """Plain text in which nothing is Markdown or HTML."""
    return re.sub(r"([\\`*_\[\]|~#@])", r"\\\1", html.escape(visible(text), quote=False))


def _code(text: str) -> str:
    """A text as code within a table cell, whatever backticks and bars it has."""
    plain = visible(text).replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall(r"`+", plain)), default=0) + 1)
    pad = " " if plain.startswith("`") or plain.endswith("`") or not plain else ""
    return f"{fence}{pad}{plain}{pad}{fence}"
