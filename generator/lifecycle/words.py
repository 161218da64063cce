"""The difference in sentences that all formats share."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

from generator.lifecycle.change import EFFECTS, Change, Difference, Field, Value
from generator.reporters.wording import counted

_LONGEST = 70
SYMBOLS = {"add": "+", "remove": "-", "change": "~", "move": ">", "forget": "o"}
AREAS = ("terraform", "kubernetes", "compose")


def shown(value: Value, longest: int = _LONGEST) -> str:
    """A value as one writes it, cut where it is long."""
    if value.state == "absent":
        return "(none)"
    if value.state == "hidden":
        return "(hidden)"
    if value.state == "unknown":
        return _cut(str(value.plain), longest) if value.plain else "(known only after apply)"
    return _cut(json.dumps(value.plain, ensure_ascii=False), longest)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def arrow(field: Field, longest: int = _LONGEST) -> str:
    """`"postgres" -> "mysql"`; what is the same text on both sides is known only after apply."""
    if field.old == field.new and field.old.state == "unknown":
        return f"{shown(field.old, longest)} -> (known only after apply)"
    return f"{shown(field.old, longest)} -> {shown(field.new, longest)}"


def symbol(change: Change) -> str:
    """`-/+` for what is made anew, as Terraform writes it."""
    if change.action in ("change", "move") and change.effect in ("replaces", "destroys-data", "renews"):
        return "-/+"
    return SYMBOLS[change.action]


def effect(change: Change) -> str:
    """The effect in words; a removal with data and a replacement with data are not the same news."""
    if change.effect == "destroys-data":
        return "DESTROYS DATA" if change.action == "remove" else "REPLACES, DESTROYS DATA"
    return EFFECTS[change.effect]


def sentence(change: Change) -> str:
    """What a change that needs a decision does, in one sentence."""
    decisive = [field for field in change.fields if field.effect in ("replaces", "immutable")]
    if not decisive:
        decisive = [field for field in change.fields if field.effect == "may-replace"]
    reason = f"{change.kind}.{decisive[0].path}: {arrow(decisive[0])}" if decisive else change.subject
    named = f'{change.data or change.kind} "{change.name}"' if change.name else f"{change.data or change.kind}"
    ends = "".join(f"; {note}" for note in change.notes)
    if change.effect == "immutable":
        note = f"; {decisive[0].note}" if decisive and decisive[0].note else ""
        return f"CANNOT CHANGE {change.subject} ({decisive[0].path}: {arrow(decisive[0])}){ends}{note}"
    if change.action == "remove":
        what = f"DELETES {change.subject} with {change.data}" if change.area == "kubernetes" else f"DESTROYS {named}"
        return f"{what}{'' if change.area == 'kubernetes' else f' ({change.subject})'}{ends}"
    if change.kind == "provider":
        return f"REPLACES everything in {change.scope} ({change.subject} {decisive[0].path}: {arrow(decisive[0])})"
    return f"REPLACES {named} ({reason}){ends}"


def tally(changes: Iterable[Change]) -> str:
    """`1 replaces, 3 in place`, the gravest first."""
    counts = Counter(change.effect for change in changes)
    return ", ".join(f"{counts[word]} {EFFECTS[word]}" for word in EFFECTS if counts[word]) or "nothing"


def verdict(difference: Difference, *, allow_replace: bool) -> str:
    """The last word."""
    gating, lost = len(difference.gating), len(difference.findings)
    if not difference.files:
        return "nothing changes"
    if not gating and not lost:
        open_ = sum(change.effect in ("may-replace", "unknown") for change in difference.changes)
        said = "nothing that is known here to replace or destroy"
        return f"{said}; of {counted(open_, 'change')} the effect is not sure: ask `terraform plan`" if open_ else said
    what = f"{counted(gating, 'change')} {'replaces or destroys' if gating == 1 else 'replace or destroy'} something"
    told = " and ".join(
        part for part in (what if gating else "", counted(lost, "address") + " lost" if lost else "") if part
    ).replace("addresss", "addresses")
    return f"{told}; agreed with --allow-replace" if allow_replace else f"{told}; agree with --allow-replace"


def scope(change: Change) -> str:
    """Where it happens: `terraform/environments/prod`, `dev, prod`, or ""."""
    return change.scope or ", ".join(change.environments)
