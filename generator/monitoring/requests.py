"""Requests of a service: how many, how many fail, how long they take (RED), by the metrics its library gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from generator.model import Service, Spec
from generator.monitoring import catalogue
from generator.monitoring.alert import Alert, Firing, Series, Trial
from generator.monitoring.shown import number
from generator.monitoring.signal import Signal, Subject, Threshold, counter, selector, watched
from generator.quantity import milliseconds

RATE, ERRORS, RATIO = "service:requests:rate5m", "service:request_errors:rate5m", "service:request_errors:ratio_rate5m"
_PERCENTILES = (("p50", "0.5"), ("p95", "0.95"), ("p99", "0.99"))
_ERROR_RATIO = 0.05
_SLOW_SECONDS = 1.0
_FEW = 20
"""Requests in five minutes below which a share says nothing: one of twenty is five percent."""
_PER_MINUTE = 6000
_MISSING_MINUTES = 30


@dataclass(frozen=True, slots=True)
class Counted:
    """The metrics of a service's requests; `scale` turns the histogram's unit into seconds, `buckets` are seconds."""

    duration: str
    count: str
    status: str
    errors: str
    buckets: tuple[float, ...]
    scale: float = 1

    @property
    def timed(self) -> str:
        """The counter of the histogram."""
        return f"{self.duration}_count"


def counted(service: Service) -> Counted | None:
    """What counts a service's requests; None when nothing does."""
    metrics = service.metrics
    if metrics is None or service.protocol == "tcp" or service.port is None:
        return None
    if metrics.profile == "custom":
        if not metrics.requests or not metrics.status:
            return None
        return Counted(metrics.duration or "", metrics.requests, metrics.status, "5..", metrics.buckets)
    known = catalogue.requests(metrics.profile, service.protocol)
    if known is None:
        return None
    scale = 0.001 if known.unit == "milliseconds" else 1
    buckets = metrics.buckets or tuple(bound * scale for bound in known.buckets)
    return Counted(known.duration, known.count, known.status_label, known.error_values, buckets, scale)


def where(spec: Spec, service: Service) -> dict[str, str]:
    """The labels of everything that a service tells of itself."""
    return {"job": service.name, "namespace": spec.namespace}


@dataclass(frozen=True, slots=True)
class Traffic:
    """Input of a test: requests in an even stream, a share of which fails or is slow."""

    counted: Counted
    labels: Mapping[str, str]

    def failing(self, ratio: float, minutes: int, per_minute: float = _PER_MINUTE) -> tuple[Series, ...]:
        """So many requests a minute, so large a share of errors."""
        status, error = self.counted.status, _a_value_of(self.counted.errors)
        good = {**self.labels, status: _good(error)}
        bad = {**self.labels, status: error}
        return (
            counter(self.counted.count, good, per_minute * (1 - ratio), minutes),
            counter(self.counted.count, bad, per_minute * ratio, minutes),
        )

    def coming(self, per_second: float, minutes: int) -> tuple[Series, ...]:
        """So many requests a second, none of which fails."""
        return self.failing(0, minutes, per_second * 60)

    def failed(self, per_second: float, minutes: int) -> tuple[Series, ...]:
        """So many failures a second, among twice as many requests."""
        return self.failing(0.5, minutes, per_second * 120)

    def slow(self, ratio: float, bound: float, minutes: int, per_minute: float = _PER_MINUTE) -> tuple[Series, ...]:
        """A share of the requests takes longer than the bound in seconds."""
        below = {"le": number(bound / self.counted.scale)}
        return self._timed([(below, per_minute * (1 - ratio)), ({"le": "+Inf"}, per_minute)], minutes, per_minute)

    def lasting(self, seconds: float, minutes: int, per_minute: float = _PER_MINUTE) -> tuple[Series, ...]:
        """All requests lie in a narrow bucket below a duration, so that each percentile reads it."""
        low, high = seconds * 0.9999999 / self.counted.scale, seconds / self.counted.scale
        rows = [({"le": number(low)}, 0.0), ({"le": number(high)}, per_minute), ({"le": "+Inf"}, per_minute)]
        return self._timed(rows, minutes, per_minute)

    def _timed(self, rows: list[tuple[dict[str, str], float]], minutes: int, per_minute: float) -> tuple[Series, ...]:
        name = f"{self.counted.duration}_bucket"
        made = [counter(name, {**self.labels, **bound}, many, minutes) for bound, many in rows]
        fine = {**self.labels, self.counted.status: _good(_a_value_of(self.counted.errors))}
        for metric in dict.fromkeys((self.counted.timed, self.counted.count)):
            made.append(counter(metric, fine, per_minute, minutes))
        return tuple(made)


def _a_value_of(pattern: str) -> str:
    """A value that a pattern of errors matches: `5..` is 500."""
    return pattern.partition("|")[0].replace(".", "0")


def _good(error: str) -> str:
    """A value of the same kind that is no error."""
    return "OK" if not error.isdigit() else "200" if len(error) == 3 else "0"


def rates(subject: Subject, service: Service, how: Counted) -> Iterator[Signal]:
    """Rate, errors and their share; where there is a histogram, percentiles."""
    labels = where(subject.spec, service)
    traffic = Traffic(how, labels)
    causes = (service.metrics.path, service.path) if service.metrics is not None else (service.path,)
    errors = f'{how.status}=~"{how.errors}"'
    total = f"sum(rate({how.count}{selector(labels)}[5m]))"
    failed = f"sum(rate({how.count}{selector(labels, errors)}[5m]))\nor 0 * {total}"
    yield Signal(
        subject=subject,
        key="requests_per_second",
        title="Requests",
        unit="reqps",
        record=RATE,
        expr=total,
        feed=traffic.coming,
        description="Requests that arrive in a second.",
        causes=causes,
    )
    yield Signal(
        subject=subject,
        key="failures",
        title="Requests that fail",
        unit="reqps",
        record=ERRORS,
        expr=failed,
        feed=traffic.failed,
        description="Requests in a second that the service did not answer as it should.",
        causes=causes,
    )
    yield Signal(
        subject=subject,
        key="error_rate",
        title="Share of requests that fail",
        unit="percentunit",
        record=RATIO,
        expr=ratio(failed, total),
        feed=traffic.failing,
        description="Failed requests out of all; nothing is drawn when there are none.",
        causes=causes,
    )
    for name, quantile in _PERCENTILES if how.duration and how.buckets else ():
        scale = f" * {number(how.scale)}" if how.scale != 1 else ""
        buckets = f"sum by (le) (rate({how.duration}_bucket{selector(labels)}[5m]))"
        yield Signal(
            subject=subject,
            key=f"latency_{name}",
            title=f"Duration {name}",
            unit="s",
            record=f"service:request_duration_seconds:{name}_rate5m",
            expr=f"histogram_quantile(\n  {quantile},\n  {buckets}\n){scale}",
            feed=traffic.lasting,
            description=f"{number(float(quantile) * 100)} of 100 requests are answered within this time.",
            causes=causes,
        )


def ratio(part: str, whole: str) -> str:
    """Two expressions as a share that is not there when the whole is nothing."""
    inner = part.replace("\n", "\n  ")
    return f"(\n  {inner}\n)\n/ ({whole} > 0)"


def alerts(subject: Subject, service: Service, signals: Mapping[str, Signal]) -> Iterator[Alert]:
    """What asks for a look in working hours; what wakes people are the objectives."""
    name = service.name
    if "error_rate" in signals:
        text = f"{{value}} of the requests to {name} failed over the last five minutes."
        summary = f"{name} fails more than {number(_ERROR_RATIO * 100)} % of its requests"
        yield _guarded(
            subject,
            watched(
                signals["error_rate"],
                Threshold("ErrorRatioHigh", ">", _ERROR_RATIO, "15m", "ticket", "error-ratio-high", summary, text),
            ),
        )
    if "latency_p99" in signals:
        limit, causes = _slow(service)
        text = f"One request to {name} in a hundred takes {{value}} or longer."
        yield _guarded(
            subject,
            watched(
                signals["latency_p99"],
                Threshold(
                    *("LatencyHigh", ">", limit, "15m", "ticket", "latency-high", f"{name} answers slowly", text),
                    causes=causes,
                ),
            ),
        )
    if "requests_per_second" in signals:
        yield _missing(subject, signals["requests_per_second"])


def _guarded(subject: Subject, alert: Alert) -> Alert:
    """Silent while there are too few requests for a share to mean anything."""
    return dataclasses.replace(alert, expr=f"{alert.expr}\nand {subject.recorded(RATE)} * 300 >= {_FEW}")


def _slow(service: Service) -> tuple[float, tuple[str, ...]]:
    """Where slowness begins: twice the promise of the 99th percentile, or a second."""
    slo = service.slo
    if slo is not None and "p99" in slo.latency:
        return 2 * milliseconds(slo.latency["p99"]) / 1000, (f"{slo.path}.latency.p99",)
    return _SLOW_SECONDS, (service.path,)


def _missing(subject: Subject, signal: Signal) -> Alert:
    """Silence of the metrics is no proof of health: no other alert on requests can fire then."""
    minutes = _MISSING_MINUTES + signal.minutes + 2
    others = (Series(series='up{job="another"}', values=f"1x{minutes}"),)
    fired = (Firing(shown="1"),)
    return Alert(
        name="SLOMetricsMissing",
        subject=subject.name,
        kind=subject.kind,
        expr=f"absent({signal.query})",
        for_=f"{_MISSING_MINUTES}m",
        keep_firing_for="5m",
        severity="ticket",
        labels={},
        summary=f"nothing is known of the requests to {subject.name}",
        description=f"No metric of the requests to {subject.name} has been read; its other alerts cannot fire.",
        shown="",
        guide="metrics-missing",
        measure="",
        threshold=None,
        unit="short",
        causes=signal.causes,
        trials=(
            Trial(says="fires when there is no series", series=others, at=f"{minutes}m", fires=fired),
            Trial(says="is silent while requests are counted", series=signal.feed(10, minutes), at=f"{minutes}m"),
        ),
    )
