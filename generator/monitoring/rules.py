"""All that is recorded and alarmed in one environment, subject by subject."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from generator.model import Spec
from generator.monitoring import custom, objectives, platform, requests, saturation, stores
from generator.monitoring.alert import Alert, Group, Measure, Query, Recording
from generator.monitoring.objectives import Objective
from generator.monitoring.signal import EVALUATION, Signal, Subject


@dataclass(frozen=True, slots=True)
class Watched:
    """A subject with its signals, its objectives and the alerts on them."""

    subject: Subject
    signals: tuple[Signal, ...]
    objectives: tuple[Objective, ...]
    alerts: tuple[Alert, ...]

    @property
    def recordings(self) -> tuple[Recording, ...]:
        made = [signal.recording for signal in self.signals]
        for objective in self.objectives:
            made += objectives.recordings(objective)
        return tuple({(one.record, *one.labels.values()): one for one in reversed(made)}.values())[::-1]


def watch(spec: Spec, environment: str = "") -> tuple[Watched, ...]:
    """Services and resources in the spec's order, then the platform; `environment` may be a dashboard's variable."""
    name = environment or spec.environment.name
    made = [*_services(spec, name), *_resources(spec, name), _platform(spec, name)]
    signals = {(one.subject.name, signal.key): signal for one in made for signal in one.signals}
    extra: dict[str, list[Alert]] = {}
    for subject, alert in custom.alerts(spec, signals):
        extra.setdefault(subject, []).append(alert)
    return tuple(
        Watched(one.subject, one.signals, one.objectives, (*one.alerts, *extra.get(one.subject.name, ())))
        for one in made
    )


def groups(spec: Spec) -> tuple[Group, ...]:
    """One group for each subject of an environment: its alerts see what was recorded a moment before."""
    return tuple(
        Group(
            name=f"{spec.app}-{spec.environment.name}-{one.subject.name}",
            subject=one.subject.name,
            interval=f"{EVALUATION}s",
            recordings=one.recordings,
            alerts=one.alerts,
        )
        for one in watch(spec)
        if one.recordings or one.alerts
    )


def measures(spec: Spec, environment: str = "$environment") -> tuple[Measure, ...]:
    """What can be looked at, for dashboards: every signal, then the share of slow requests for each promise."""
    found: list[Measure] = []
    for one in watch(spec, environment):
        found += [signal.measure for signal in one.signals]
        found += _slow(one.objectives)
    return tuple(found)


def _slow(promised: Iterable[Objective]) -> Iterator[Measure]:
    for objective in promised:
        windows = tuple(Query(expr=objective.ratio(window), legend=window) for window in objectives.WINDOWS)
        bad = f"slower than {objective.bound} s" if objective.percentile else "failed"
        yield Measure(
            key=f"slow_{objective.percentile}" if objective.percentile else "burn",
            subject=objective.subject.name,
            title=f"Share of requests {bad}, by window",
            unit="percentunit",
            queries=windows,
            description=f"{float(objective.budget) * 100:g} % may be over {objective.slo.period}.",
            causes=(objective.cause,),
        )


def _services(spec: Spec, environment: str) -> Iterator[Watched]:
    for service in spec.services.values():
        subject = Subject(spec, service.name, "service", environment)
        how = requests.counted(service)
        signals = [*(requests.rates(subject, service, how) if how else ()), *saturation.of_service(subject, service)]
        by_key = {signal.key: signal for signal in signals}
        promised = tuple(objectives.objectives(subject, service, how)) if how else ()
        alerts = [alert for objective in promised for alert in objectives.alerts(objective)]
        alerts += requests.alerts(subject, service, by_key)
        alerts += saturation.alerts(service, by_key)
        yield Watched(subject, tuple(signals), promised, tuple(alerts))


def _resources(spec: Spec, environment: str) -> Iterator[Watched]:
    for resource in spec.resources.values():
        subject = Subject(spec, resource.name, "resource", environment)
        signals = tuple(stores.of_resource(subject, resource))
        alerts = stores.alerts(resource, {signal.key: signal for signal in signals})
        yield Watched(subject, signals, (), tuple(alerts))


def _platform(spec: Spec, environment: str) -> Watched:
    subject, signals = platform.of_platform(spec, environment)
    alerts = platform.alerts(subject, {signal.key: signal for signal in signals})
    return Watched(subject, signals, (), tuple(alerts))
