"""What is watched, as values: measures and the alerts on them, each with the trials that prove it.

One plan serves every format: the rule file, its promtool test, the dashboard's threshold, the runbook's heading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """PromQL of a panel; `legend` is in Grafana's notation (`{{pod}}`)."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One thing to look at: `key` is unique for its subject, `unit` one of Grafana's (`s`, `reqps`, `percentunit`)."""

    key: str
    subject: str
    title: str
    unit: str
    queries: tuple[Query, ...]
    description: str
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording rule; `record` is `level:metric:operations`."""

    record: str
    expr: str
    labels: Mapping[str, str]
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Input of a promtool test: a series and its values in promtool's notation (`0+6x120`)."""

    series: str
    values: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """An alert that must fire: the labels beyond the rule's own, and what the description's value reads."""

    labels: Mapping[str, str] = field(default_factory=dict)
    shown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One promtool test of one alert: these series, looked at `at`; nothing in `fires` means silence.

    Where nobody knows which labels the alert will have, `labelled` is False, and only its firing is looked at.
    """

    says: str
    series: tuple[Series, ...]
    at: str
    fires: tuple[Firing, ...] = ()
    labelled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alerting rule.

    `kind` is service, resource or platform; `measure` the key of the measure whose threshold this is ("" for none);
    `description` may hold `{value}` where the measured value stands, `shown` is its form in Go's template language;
    `guide` names the text of its runbook; `causes` are spec paths, the most telling first.
    """

    name: str
    subject: str
    kind: str
    expr: str
    for_: str
    keep_firing_for: str
    severity: str
    labels: Mapping[str, str]
    summary: str
    description: str
    shown: str
    guide: str
    measure: str
    threshold: float | None
    unit: str
    causes: tuple[str, ...]
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rules that are evaluated one after the other, in one file with the subject's other groups."""

    name: str
    subject: str
    interval: str
    recordings: tuple[Recording, ...]
    alerts: tuple[Alert, ...]
