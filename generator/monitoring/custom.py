"""Alerts of the user's: a measurement, a comparison and a quantity, or PromQL with its own trials."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from generator.model import AlertRule, Reference, Spec, Text
from generator.monitoring.addresses import PLATFORM
from generator.monitoring.alert import Alert, Firing, Series, Trial
from generator.monitoring.shown import template
from generator.monitoring.signal import Signal, Threshold, watched
from generator.quantity import byte_count, milliseconds

_CONDITION = re.compile(r"\s*(>=|<=|>|<|==|!=)\s*([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|%|Ki|Mi|Gi|Ti)?\s*")
_UNITS: Mapping[str, str] = {
    **dict.fromkeys(("ms", "s", "m", "h", "d"), "s"),
    **dict.fromkeys(("Ki", "Mi", "Gi", "Ti"), "bytes"),
    "%": "percentunit",
}
BOUNDED = frozenset({"error_rate", "memory", "storage_share", "connections_share"})
"""Shares that are never above one."""

Signals = Mapping[tuple[str, str], Signal]
"""By subject and key."""


class Unfit(ValueError):
    """A condition that nothing can measure, or that says nothing; `fix` is the way out."""

    def __init__(self, rule: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Condition:
    """`signal op value`, the value in the signal's unit."""

    signal: Signal
    op: str
    value: float


def condition(when: Text, signals: Signals) -> Condition:
    """What a `when` says. Raises Unfit."""
    reference = when.references[0]
    match = _CONDITION.fullmatch("".join(part for part in when.parts if isinstance(part, str)))
    if match is None or len(when.references) != 1:
        raise Unfit("alert-form", f"{when.parts} is no condition", "write ${name.signal}, a comparison and a quantity")
    signal = _signal(reference, signals)
    op, digits, unit = match.groups()
    value = _quantity(digits, unit or "", signal, reference)
    _possible(signal, op, value, f"{op} {digits}{unit or ''}")
    return Condition(signal, op, value)


def _signal(reference: Reference, signals: Signals) -> Signal:
    found = signals.get((reference.name, reference.output))
    if found is None:
        known = sorted(key for name, key in signals if name == reference.name)
        fix = f"measured of {reference.name} are: {', '.join(known)}" if known else "choose something that is measured"
        raise Unfit("metric-of-nobody", f"nobody measures {reference} where {reference.name} runs", fix)
    return found


def _quantity(digits: str, unit: str, signal: Signal, reference: Reference) -> float:
    asked = _UNITS.get(unit)
    if asked is not None and asked != signal.unit:
        kinds = {"s": "a time", "bytes": "a size", "percentunit": "a share", "short": "a number", "reqps": "a number"}
        examples = {"s": "10m", "bytes": "5Gi", "percentunit": "80%", "short": "100", "reqps": "100"}
        message = f"{reference} is {kinds[signal.unit]}, and {digits}{unit} is {kinds[asked]}"
        raise Unfit("unit-differs", message, f"write a quantity such as {examples[signal.unit]}")
    if asked == "s":
        return milliseconds(f"{digits}{unit}") / 1000
    if asked == "bytes":
        return byte_count(f"{digits}{unit}")
    return float(digits) / (100 if asked == "percentunit" else 1)


def _possible(signal: Signal, op: str, value: float, said: str) -> None:
    """Measurements are not negative, and some shares not above one."""
    bounded = signal.key in BOUNDED and signal.unit == "percentunit"
    never = (op == "<" and value <= 0) or (
        bounded and ((op == ">" and value >= 1) or (op in {">=", "=="} and value > 1))
    )
    always = (op == ">=" and value <= 0) or (bounded and op == "<=" and value >= 1)
    title = signal.title[:1].lower() + signal.title[1:]
    if never:
        raise Unfit("alert-never-fires", f"{title} is never {said}", "choose a quantity that can be reached")
    if always:
        raise Unfit("alert-always-fires", f"{title} is always {said}", "choose a quantity that separates good from bad")


def alerts(spec: Spec, signals: Signals) -> Iterator[tuple[str, Alert]]:
    """The user's alerts with the subjects they belong to; what is unfit was found when the spec was judged."""
    for rule in spec.alerts.values():
        try:
            made = _of(spec, rule, signals)
        except Unfit:
            continue
        yield made.subject, made


def _of(spec: Spec, rule: AlertRule, signals: Signals) -> Alert:
    if rule.expr is not None:
        return _expression(spec, rule, rule.expr, signals)
    if rule.when is not None:
        asked = condition(rule.when, signals)
        text = f"{asked.signal.title} of {asked.signal.subject.name}: {{value}}."
        out, inside = _readings(asked)
        return watched(
            asked.signal,
            Threshold(
                *(rule.name, asked.op, asked.value, rule.for_, rule.severity, "custom", rule.summary, text),
                *(out, inside),
                causes=(rule.path,),
            ),
        )
    raise Unfit("alert-form", f"{rule.name} has neither `when` nor `expr`", "write one of the two")


def _readings(asked: Condition) -> tuple[float | None, float | None]:
    """Readings that can be had: shares do not exceed one, and a fourth more than nothing is nothing."""
    value = asked.value
    if value == 0:
        return (0, 1) if asked.op in {"==", "<="} else (1, 0)
    if asked.signal.key in BOUNDED and value * 1.25 > 1 and asked.op in {">", ">="}:
        return (value + 1) / 2, None
    if asked.op == "==" and value * 2 > 1 and asked.signal.key in BOUNDED:
        return value, value / 2
    return None, None


def filled(text: Text, signals: Signals) -> str:
    """PromQL with its references replaced by what is recorded, free of labels so that any two match. Raises Unfit."""
    return "".join(part if isinstance(part, str) else f"sum({_signal(part, signals).query})" for part in text.parts)


def subject_of(rule: AlertRule) -> str:
    """Who it is about: the first that it refers to, else the platform."""
    text = rule.when or rule.expr
    return (
        next((reference.name for reference in text.references if reference.kind == "signal"), PLATFORM) if text else ""
    )


def _expression(spec: Spec, rule: AlertRule, text: Text, signals: Signals) -> Alert:
    subject = subject_of(rule)
    minutes = -(-milliseconds(rule.for_) // 60_000) + 10
    kind = "service" if subject in spec.services else "resource" if subject in spec.resources else "platform"
    return Alert(
        name=rule.name,
        subject=subject,
        kind=kind,
        expr=filled(text, signals),
        for_=rule.for_,
        keep_firing_for="5m",
        severity=rule.severity,
        labels={},
        summary=rule.summary,
        description="{value} was measured.",
        shown=template("short"),
        guide="custom",
        measure="",
        threshold=None,
        unit="short",
        causes=(rule.at("expr"), rule.path),
        trials=tuple(_trials(rule, f"{minutes}m")),
    )


def _trials(rule: AlertRule, at: str) -> Iterator[Trial]:
    """What the user gives as proof: series that make it fire, and series that do not."""
    if rule.tests is None:
        return
    fires = tuple(Series(series=name, values=values) for name, values in rule.tests.fires.items())
    silent = tuple(Series(series=name, values=values) for name, values in rule.tests.silent.items())
    yield Trial(says="fires as the spec says", series=fires, at=at, fires=(Firing(),), labelled=False)
    yield Trial(says="is silent as the spec says", series=silent, at=at, labelled=False)
