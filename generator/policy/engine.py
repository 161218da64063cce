"""Rules over facts: the findings of the values that do not hold, a pass for the subjects that do.

A rule is evaluated only when its facts' formats are present, and judges nothing when the values it
compares cannot be joined: a cross-artifact rule never guesses. What looks across objects is judged
once for each environment, since objects of two environments never meet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from generator.document import TextFile
from generator.errors import Fault
from generator.finding import Finding, Outcome, Pass, Related
from generator.policy import facts as facts_module
from generator.policy.documents import documents
from generator.policy.facts import Facts, Value, placed, pointer
from generator.policy.overlays import effective, worlds
from generator.policy.rule import Condition, Judgement, Rule
from generator.policy.verbs import VERBS, Context


@dataclass(frozen=True, slots=True)
class Verdict:
    """`holds` is None when there was nothing to judge; `others` are what the value clashes with."""

    holds: bool | None
    others: tuple[Value, ...] = ()


def judge(files: Sequence[TextFile], rules: Iterable[Rule], context: Context) -> Outcome:
    """What the rules say about the files, in the order of findings and of rules."""
    rules = tuple(rules)
    every = effective(documents(files, terraform=any(_asks_terraform(rule) for rule in rules)))
    whole = Facts(every)
    environments = [Facts(world) for world in worlds(every)]
    findings: list[Finding] = []
    passes: set[Pass] = set()
    for rule in rules:
        if not _concerned(rule, whole):
            continue
        failed: set[tuple[str, str]] = set()
        judged: set[tuple[str, str]] = set()
        for facts in [whole] if rule.is_local else environments:
            for value, verdict in _verdicts(rule, facts, context):
                judged.add((value.document.file, value.subject))
                if not verdict.holds:
                    failed.add((value.document.file, value.subject))
                    findings.append(_finding(rule, value, verdict))
        passes |= {Pass(rule.id, path, subject) for path, subject in judged - failed}
    return Outcome(tuple(sorted(_once(findings), key=lambda finding: finding.order)), tuple(sorted(passes)))


def _once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Equal findings once; what several callers of a module said stands with the one finding in the module."""
    unique: dict[tuple[Finding, tuple[Related, ...]], list[Related]] = {}
    for finding in findings:
        told = tuple(item for item in finding.related if item.message == _TOLD)
        rest = tuple(item for item in finding.related if item.message != _TOLD)
        held = unique.setdefault((replace(finding, related=()), rest), [])
        held += [item for item in told if item not in held]
    for (finding, rest), told_here in unique.items():
        yield replace(finding, related=(*rest, *told_here[:5]))


def _asks_terraform(rule: Rule) -> bool:
    """Whether a fact of the rule is taken from Terraform files as such; texts are read anyway."""
    asked = [facts_module.fact(name) for name in rule.facts]
    return any(fact.format == "terraform" or fact.derive == "literal-secrets" for fact in asked)


def _concerned(rule: Rule, facts: Facts) -> bool:
    return any(facts_module.fact(name).format in facts.formats for name in rule.each)


def _verdicts(rule: Rule, facts: Facts, context: Context) -> Iterator[tuple[Value, Verdict]]:
    for name in rule.each:
        for value in facts.select(name):
            if not all(_applies(condition, value, facts, context) for condition in rule.where):
                continue
            if any(_applies(condition, value, facts, context, doubtful=True) for condition in rule.unless):
                continue
            verdict = _verdict(rule.judgement, value, facts, context)
            if verdict.holds is not None:
                yield value, verdict


def _applies(condition: Condition, value: Value, facts: Facts, context: Context, *, doubtful: bool = False) -> bool:
    """Whether a condition holds: on the value, or on at least one that is joined to it; `doubtful` if nobody knows."""
    if not condition.fact:
        return _verdict(condition.judgement, value, facts, context).holds is True or (value.unknown and doubtful)
    joined = facts.joined(value, condition.fact, condition.by)
    verb = condition.judgement.verb
    if any(other.unknown and (other.missing or verb not in ("exists", "is-absent")) for other in joined):
        known = [other for other in joined if not other.unknown]
        return doubtful or any(_verdict(condition.judgement, other, facts, context).holds is True for other in known)
    if verb in ("exists", "is-absent") and not condition.judgement.fact:
        return any(not other.missing for other in joined) == (verb == "exists")
    return any(_verdict(condition.judgement, other, facts, context).holds is True for other in joined)


def _verdict(judgement: Judgement, value: Value, facts: Facts, context: Context) -> Verdict:
    verb = judgement.verb
    if value.unknown and (value.missing or verb not in ("exists", "is-absent")):
        return Verdict(None)
    if verb == "cel":
        return Verdict(None if value.missing and value.value is None else _cel(judgement.argument, value))
    if verb in ("exists", "is-absent"):
        return _presence(judgement, value, facts)
    if value.missing and value.value is None:
        return Verdict(None)
    if verb == "is-unique":
        return _uniqueness(judgement, value, facts)
    test = VERBS[verb].test
    if not judgement.fact:
        return Verdict(test(value.value, judgement.argument, context))
    others = [
        other
        for other in facts.joined(value, judgement.fact, judgement.by)
        if (other.unknown or not (other.missing and other.value is None)) and other is not value
    ]
    answers = [(other, test(value.value, other.value, context)) for other in others if not other.unknown]
    answers = [(other, answer) for other, answer in answers if answer is not None]
    if not answers:
        return Verdict(None)
    some = VERBS[verb].among == "some"
    holds = any(answer for _, answer in answers) if some else all(answer for _, answer in answers)
    if holds != some and any(other.unknown for other in others):
        return Verdict(None)
    return Verdict(holds, () if holds else tuple(other for other, answer in answers if not answer))


def _presence(judgement: Judgement, value: Value, facts: Facts) -> Verdict:
    wanted = judgement.verb == "exists"
    if not judgement.fact:
        return Verdict(value.missing != wanted)
    if (value.missing and value.value is None) or not value.key(judgement.by):
        return Verdict(None)
    joined = facts.joined(value, judgement.fact, judgement.by)
    present = tuple(other for other in joined if not other.missing)
    if not present and any(other.unknown for other in joined):
        return Verdict(None)
    return Verdict(bool(present) == wanted, () if wanted else present)


def _uniqueness(judgement: Judgement, value: Value, facts: Facts) -> Verdict:
    """The first of equal values is right, the later ones are not."""
    for other in facts.joined(value, value.fact, judgement.by):
        if other is value:
            return Verdict(True)
        if other.value == value.value:
            return Verdict(False, (other,))
    return Verdict(None)


def _cel(expression: str, value: Value) -> bool:
    """A user's condition in CEL over `value`, `shown`, `subject` and `service`."""
    from generator.policy import cel

    plain = sorted(value.value) if isinstance(value.value, frozenset) else value.value
    names = {"value": plain, "shown": value.shown, "subject": value.subject, "service": value.service}
    answer = cel.evaluate(expression, names)
    if not isinstance(answer, bool):
        raise Fault(f"the CEL expression {expression!r} gives no truth value", "compare something in it")
    return answer


def _finding(rule: Rule, value: Value, verdict: Verdict) -> Finding:
    others = list(dict.fromkeys((placed(other), other.shown, other.subject) for other in verdict.others))
    at = placed(value)
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        message=_message(rule.message, value, verdict),
        at=at,
        related=(
            *(Related(place, f"{subject}: {shown}" if subject else shown) for place, shown, subject in others[:5]),
            *([Related(value.told_at, _TOLD)] if value.told_at else []),
        ),
        fix=rule.fix,
        aliases=rule.aliases,
        confidence=rule.confidence,
        subject=value.subject,
        property=pointer(value.trail) or value.fact,
        value=value.shown,
        url=rule.url,
    )


_LONGEST = 120
_TOLD = "the caller says so here"


def _message(template: str, value: Value, verdict: Verdict) -> str:
    shown = list(dict.fromkeys(other.shown for other in verdict.others))
    words = {
        "value": value.shown if len(value.shown) <= _LONGEST else value.shown[: _LONGEST - 1] + "…",
        "subject": value.subject,
        "other": ", ".join(shown[:4]) + (" …" if len(shown) > 4 else ""),
        "service": value.service,
        "container": value.container,
        "name": value.document.name,
        "file": value.document.file,
        "kind": value.document.kind,
        "namespace": value.document.namespace,
    }
    return re.sub(r"\{(\w+)\}", lambda match: words[match[1]], template)
