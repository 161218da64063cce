"""A signal: something measured, with the readings that make a test of it, and the alerts on it.

An alert on a signal brings its own proof: the signal knows which input series make it read a value,
so the same number that stands in the alert makes its test fire and keeps the other one silent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from generator.model import Spec
from generator.monitoring import shown
from generator.monitoring.alert import Alert, Firing, Measure, Query, Recording, Series, Trial
from generator.quantity import seconds

Feed: TypeAlias = Callable[[float, int], tuple[Series, ...]]
"""(value, minutes) -> series that read the value for so long."""

EVALUATION = 60
"""Seconds between two evaluations of every group, as Prometheus has it by default."""

_SETTLE = 6
"""Minutes until a rate over five minutes reads its input: one window and a reading more."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is watched: a service, a resource or the platform of one environment."""

    spec: Spec
    name: str
    kind: str
    environment: str
    """Its name, or the variable of a dashboard."""

    @property
    def labels(self) -> dict[str, str]:
        """What every recorded series of it carries."""
        return {"service": self.name, "environment": self.environment}

    def recorded(self, record: str, **more: str) -> str:
        """The selector of a recorded series."""
        return f"{record}{selector({**self.labels, **more})}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """`expr` is recorded as `record`; `minutes` is how long its input takes to be read in full."""

    subject: Subject
    key: str
    title: str
    unit: str
    record: str
    expr: str
    feed: Feed
    description: str
    causes: tuple[str, ...]
    minutes: int = _SETTLE
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def query(self) -> str:
        return self.subject.recorded(self.record, **self.labels)

    @property
    def recording(self) -> Recording:
        return Recording(
            record=self.record, expr=self.expr, labels={**self.subject.labels, **self.labels}, causes=self.causes
        )

    @property
    def measure(self) -> Measure:
        return Measure(
            key=self.key,
            subject=self.subject.name,
            title=self.title,
            unit=self.unit,
            queries=(Query(expr=self.query, legend=self.title),),
            description=self.description,
            causes=self.causes,
        )


@dataclass(frozen=True, slots=True)
class Threshold:
    """When an alert fires: the comparison, the number, how long; `beyond` and `within` are readings for its tests."""

    name: str
    op: str
    value: float
    for_: str
    severity: str
    guide: str
    summary: str
    description: str
    beyond: float | None = None
    within: float | None = None
    keep: str = "5m"
    causes: tuple[str, ...] = ()


_OUTWARDS = {
    ">": (1.25, 0.8),
    ">=": (1.25, 0.8),
    "<": (0.8, 1.25),
    "<=": (0.8, 1.25),
    "==": (1.0, 2.0),
    "!=": (2.0, 1.0),
}
"""Factors of a reading that fires and of one that does not."""


def watched(signal: Signal, what: Threshold) -> Alert:
    """An alert on a signal, with a trial that fires and one that does not."""
    out, inside = _OUTWARDS[what.op]
    beyond = what.value * out if what.beyond is None else what.beyond
    within = what.value * inside if what.within is None else what.within
    minutes = -(-seconds(what.for_) // 60) + signal.minutes + 2
    at = f"{minutes}m"
    trials = (
        Trial(
            says=f"fires at {shown.said(signal.unit, beyond)}",
            series=signal.feed(beyond, minutes + 5),
            at=at,
            fires=(Firing(shown=shown.said(signal.unit, beyond)),),
        ),
        Trial(says=f"is silent at {shown.said(signal.unit, within)}", series=signal.feed(within, minutes + 5), at=at),
    )
    return Alert(
        name=what.name,
        subject=signal.subject.name,
        kind=signal.subject.kind,
        expr=f"{signal.query} {what.op} {shown.number(what.value)}",
        for_=what.for_,
        keep_firing_for=what.keep,
        severity=what.severity,
        labels={},
        summary=what.summary,
        description=what.description,
        shown=shown.template(signal.unit),
        guide=what.guide,
        measure=signal.key,
        threshold=what.value,
        unit=signal.unit,
        causes=what.causes or signal.causes,
        trials=trials,
    )


# series of tests


def selector(labels: Mapping[str, str], *matchers: str) -> str:
    """`{job="web",code=~"5.."}`; values are escaped as PromQL asks."""
    written = [f'{name}="{escaped(value)}"' for name, value in labels.items()]
    return "{" + ",".join([*written, *matchers]) + "}"


def escaped(value: str) -> str:
    """A label's value within double quotes: https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals"""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def level(name: str, labels: Mapping[str, str], value: float, minutes: int) -> Series:
    """A gauge that stands still."""
    return Series(series=f"{name}{selector(labels)}", values=f"{shown.number(value)}x{minutes}")


def counter(name: str, labels: Mapping[str, str], per_minute: float, minutes: int) -> Series:
    """A counter that grows evenly."""
    return Series(series=f"{name}{selector(labels)}", values=f"0+{shown.number(per_minute)}x{minutes}")


def gauge(name: str, labels: Mapping[str, str], scale: float = 1) -> Feed:
    """One gauge that reads the value, in a unit `scale` times as fine."""
    return lambda value, minutes: (level(name, labels, value * scale, minutes),)


def share(part: str, whole: str, labels: Mapping[str, str], extra: Mapping[str, str] | None = None) -> Feed:
    """Two gauges whose quotient is the value; the whole is 1000, `extra` are further labels of it."""
    return lambda value, minutes: (
        level(part, labels, value * 1000, minutes),
        level(whole, {**labels, **(extra or {})}, 1000, minutes),
    )
