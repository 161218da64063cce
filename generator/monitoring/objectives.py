"""Service level objectives: how fast the error budget burns, over a long and a short window at once.

Multi-window, multi-burn-rate alerts as https://sre.google/workbook/alerting-on-slos/ derives them. The factor of an
alert is `budget x period / long window`: at that speed the share of the budget is gone within the long window.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from generator.model import Service, Slo
from generator.monitoring.alert import Alert, Firing, Recording, Series, Trial
from generator.monitoring.requests import ERRORS, RATE, Counted, Traffic, ratio, where
from generator.monitoring.shown import number, said, template
from generator.monitoring.signal import EVALUATION, Subject, selector
from generator.quantity import milliseconds, seconds


@dataclass(frozen=True, slots=True)
class Burn:
    """One pair of windows: which share of the budget (in percent) may go within the long one before it fires."""

    severity: str
    long: str
    short: str
    budget: int
    for_: str


BURNS = (
    Burn("page", "1h", "5m", 2, "2m"),
    Burn("page", "6h", "30m", 5, "15m"),
    Burn("ticket", "1d", "2h", 10, "1h"),
    Burn("ticket", "3d", "6h", 10, "3h"),
)
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
_RAW = frozenset({"5m", "30m", "1h"})
"""Windows over the readings themselves; longer ones are summed from recorded rates, which are few."""

_SLOW, _TIMED = "service:request_slow:rate5m", "service:request_durations:rate5m"


def factor(burn: Burn, period: str) -> Decimal:
    """How many times the even speed: 2 % of 30 days within an hour is 14.4."""
    return Decimal(burn.budget) / 100 * seconds(period) / seconds(burn.long)


@dataclass(frozen=True, slots=True)
class Objective:
    """`budget` is the share of requests that may fail, or be slower than `bound` seconds."""

    subject: Subject
    slo: Slo
    counted: Counted
    labels: dict[str, str]
    budget: Decimal
    percentile: str = ""
    bound: float = 0

    @property
    def cause(self) -> str:
        return f"{self.slo.path}.latency.{self.percentile}" if self.percentile else f"{self.slo.path}.availability"

    @property
    def more(self) -> dict[str, str]:
        """Labels beyond the subject's."""
        return {"objective": self.percentile} if self.percentile else {}

    @property
    def record(self) -> str:
        return "service:request_slow" if self.percentile else "service:request_errors"

    def ratio(self, window: str) -> str:
        """The recorded share of bad requests over a window."""
        return self.subject.recorded(f"{self.record}:ratio_rate{window}", **self.more)

    def limit(self, burn: Burn) -> Decimal:
        """The share of bad requests above which an alert fires."""
        return factor(burn, self.slo.period) * self.budget

    def can_fire(self, burn: Burn) -> bool:
        """No share is above one."""
        return self.limit(burn) < 1


def objectives(subject: Subject, service: Service, counted: Counted) -> Iterator[Objective]:
    """Availability first, then each latency whose bound is a bucket."""
    slo = service.slo
    if slo is None:
        return
    labels = where(subject.spec, service)
    yield Objective(subject, slo, counted, labels, (100 - Decimal(str(slo.availability))) / 100)
    for name, text in slo.latency.items():
        bound = milliseconds(text) / 1000
        if counted.duration and has_bucket(counted, bound):
            budget = (100 - Decimal(name.removeprefix("p"))) / 100
            yield Objective(subject, slo, counted, labels, budget, name, bound)


def has_bucket(counted: Counted, bound: float) -> bool:
    """Whether a bucket ends just there; without one nobody can say how many requests were faster."""
    return any(math.isclose(bound, bucket, rel_tol=1e-9) for bucket in counted.buckets)


def recordings(objective: Objective) -> Iterator[Recording]:
    """The share of bad requests over each window."""
    labels = {**objective.subject.labels, **objective.more}
    causes = (objective.cause,)
    if objective.percentile:
        yield Recording(record=_SLOW, expr=_slow(objective, "5m"), labels=labels, causes=causes)
        if objective.counted.timed != objective.counted.count:
            yield Recording(record=_TIMED, expr=_timed(objective, "5m"), labels=labels, causes=causes)
    for window in WINDOWS:
        if window == "5m" and not objective.percentile:
            continue  # recorded beside the rates
        record = f"{objective.record}:ratio_rate{window}"
        yield Recording(record=record, expr=_share(objective, window), labels=labels, causes=causes)


def _slow(objective: Objective, window: str) -> str:
    """Requests in a second that took longer than the bound."""
    bound = objective.bound / objective.counted.scale
    text = number(bound)
    bucket = f'le="{text}"' if "." in text else f'le=~"{text}(\\\\.0)?"'  # Prometheus 3 writes 1 as 1.0
    fast = f"sum(rate({objective.counted.duration}_bucket{selector(objective.labels, bucket)}[{window}]))"
    return f"{_timed(objective, window)}\n- {fast}"


def _timed(objective: Objective, window: str) -> str:
    return f"sum(rate({objective.counted.timed}{selector(objective.labels)}[{window}]))"


def _share(objective: Objective, window: str) -> str:
    how = objective.counted
    if window in _RAW:
        if objective.percentile:
            return ratio(_slow(objective, window), _timed(objective, window))
        total = f"sum(rate({how.count}{selector(objective.labels)}[{window}]))"
        bad = selector(objective.labels, f'{how.status}=~"{how.errors}"')
        return ratio(f"sum(rate({how.count}{bad}[{window}]))\nor 0 * {total}", total)
    if not objective.percentile:
        part, whole = objective.subject.recorded(ERRORS), objective.subject.recorded(RATE)
        return f"sum_over_time({part}[{window}])\n/ (sum_over_time({whole}[{window}]) > 0)"
    part = objective.subject.recorded(_SLOW, **objective.more)
    whole = objective.subject.recorded(RATE)
    aside = " ignoring (objective)"
    if how.timed != how.count:
        whole, aside = objective.subject.recorded(_TIMED, **objective.more), ""
    return f"sum_over_time({part}[{window}])\n/{aside} (sum_over_time({whole}[{window}]) > 0)"


def alerts(objective: Objective) -> Iterator[Alert]:
    """One alert for each pair of windows that can fire."""
    for index, burn in enumerate(BURNS):
        if objective.can_fire(burn):
            yield _alert(objective, burn, index)


def _alert(objective: Objective, burn: Burn, index: int) -> Alert:
    subject = objective.subject
    speed, limit = factor(burn, objective.slo.period), objective.limit(burn)
    product = f"{number(float(speed))} * {number(float(objective.budget))}"
    least = math.ceil(1 / limit)
    enough = f"sum_over_time({subject.recorded(RATE)}[{burn.long}]) * {EVALUATION} >= {least}"
    aside = "ignoring (objective) " if objective.percentile else ""
    expr = (
        f"{objective.ratio(burn.long)} > ({product})\n"
        f"and {objective.ratio(burn.short)} > ({product})\n"
        f"and {aside}{enough}"
    )
    if objective.percentile:
        what = f"slower than {said('s', objective.bound)}"
        name, guide = "LatencyBudgetBurn", "latency-budget-burn"
        summary = f"{subject.name} is slow for too many of its requests"
    else:
        what, name, guide = "failed", "ErrorBudgetBurn", "error-budget-burn"
        summary = f"{subject.name} fails too many of its requests"
    promised = number(float(100 - objective.budget * 100))
    return Alert(
        name=name,
        subject=subject.name,
        kind=subject.kind,
        expr=expr,
        for_=burn.for_,
        keep_firing_for="5m",
        severity=burn.severity,
        labels={"window": burn.long, **objective.more},
        summary=summary,
        description=(
            f"{{value}} of the requests to {subject.name} were {what} over {burn.long}; promised are {promised} % good "
            f"over {objective.slo.period}. At this speed {burn.budget} % of the budget goes within {burn.long}."
        ),
        shown=template("percentunit"),
        guide=guide,
        measure=f"slow_{objective.percentile}" if objective.percentile else "error_rate",
        threshold=float(limit),
        unit="percentunit",
        causes=(objective.cause, f"{objective.slo.path}.period"),
        trials=tuple(_trials(objective, burn, index, least)),
    )


def _trials(objective: Objective, burn: Burn, index: int, least: int) -> Iterator[Trial]:
    """Fires a little above the limit; silent below it, after recovery, and for a single failure among few requests.

    What is slower to fire than this pair is still pending at that time, and what is quicker needs a larger share.
    """
    limit = float(objective.limit(burn))
    quicker = [float(objective.limit(other)) for other in BURNS[:index]]
    above = limit * 1.2 if not quicker or limit * 1.2 < min(quicker) else (limit + min(quicker)) / 2
    above = above if above < 1 else (limit + 1) / 2
    minutes = seconds(burn.for_) // 60 + 8
    at = f"{minutes}m"
    fires = (Firing(shown=said("percentunit", _rounded(above))),)
    yield Trial(
        says=f"fires when {said('percentunit', _rounded(above))} are bad",
        series=_bad(objective, _rounded(above), minutes),
        at=at,
        fires=fires,
    )
    below = _rounded(limit * 0.9)
    yield Trial(
        says=f"is silent when {said('percentunit', below)} are bad", series=_bad(objective, below, minutes), at=at
    )
    if index:
        return  # over a longer window the quicker pairs would fire first
    says = "is silent when there are too few requests to judge by"
    yield Trial(says=says, series=_bad(objective, 0.999, minutes, _rounded(least / 2 / minutes)), at=at)


def _rounded(share: float) -> float:
    """Four digits are what a description shows."""
    return float(f"{share:.4g}")


def _bad(objective: Objective, share: float, minutes: int, per_minute: float = 6000) -> tuple[Series, ...]:
    traffic = Traffic(objective.counted, objective.labels)
    if objective.percentile:
        return traffic.slow(share, objective.bound, minutes, per_minute)
    return traffic.failing(share, minutes, per_minute)
