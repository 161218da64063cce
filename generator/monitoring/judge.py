"""What the numbers say of a spec's promises: findings at the line that asks, with the arithmetic in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from generator import layers
from generator.document import Location
from generator.finding import Finding, Severity
from generator.model import AlertRule, Receiver, Service, Slo, Spec
from generator.monitoring import custom, objectives, requests
from generator.monitoring.addresses import PLATFORM
from generator.monitoring.custom import Unfit
from generator.monitoring.objectives import BURNS
from generator.monitoring.rules import Watched, watch
from generator.monitoring.shown import number
from generator.quantity import milliseconds, seconds

_RESERVED = (PLATFORM, "infrastructure", "kubernetes", "slo")
_SHORTEST = 300
"""Seconds of the shortest window of an alert."""
_READINGS = 4
"""A rate needs two readings, and two more in case one is lost."""

PROBLEMS = {
    "no-error-budget": (
        "A promise of 100 % leaves nothing that may go wrong, so that no alert can tell trouble from noise."
    ),
    "burn-alert-cannot-fire": (
        "An alert on how fast a budget burns compares the share of bad requests with `factor * (1 - "
        "objective)`. At or above 1 no share can reach it; the alert is left out."
    ),
    "latency-bucket-missing": (
        "A histogram counts requests up to the bounds of its buckets and no others. A promise that lies "
        "between two bounds cannot be counted."
    ),
    "metric-of-nobody": (
        "Nothing in the product, its exporters or its cloud produces this metric; an alert on it is silent for ever."
    ),
    "window-longer-than-retention": (
        "An alert looks back further than readings are kept, and sees less than it should."
    ),
    "interval-too-long": "A rate needs at least two readings within its window, and two more in case one is lost.",
    "receiver-without-secret": (
        "An address that lets its holder write to a channel is a secret, and has no place in a repository."
    ),
    "alert-form": "A condition is a measurement, a comparison and a quantity: ${orders.oldest_message_age} > 10m.",
    "unit-differs": "A time is compared with a time, a size with a size, a share with a share.",
    "alert-always-fires": "A condition that always holds says nothing.",
    "alert-not-tested": "An alert in PromQL has no trial that makes it fire and none that keeps it silent.",
}
"""What is found in a spec and not in a file, for `explain`."""


def judge(specs: Mapping[str, Spec]) -> list[Finding]:
    """Every environment in which monitoring is made."""
    found: list[Finding] = []
    for spec in specs.values():
        if spec.renders("monitoring"):
            found += _judge(spec)
    return found


def _judge(spec: Spec) -> Iterator[Finding]:
    for service in spec.services.values():
        yield from _names(spec, service)
        yield from _metrics(spec, service)
        if service.slo is not None:
            yield from _availability(spec, service, service.slo)
            yield from _latency(spec, service, service.slo)
    yield from _retention(spec)
    yield from _interval(spec)
    if any(service.slo is not None and service.slo.availability >= 100 for service in spec.services.values()):
        return  # nothing can be computed from a budget of nothing
    watched = watch(spec)
    yield from _receivers(spec, watched)
    yield from _alerts(spec, watched)


def at(spec: Spec, path: str) -> Location:
    """Where a spec path stands; of a mapping, its key."""
    node = layers.locate(spec.tree, path)
    return node.key_at or node.at if isinstance(node.value, dict | tuple) else node.at


def _finding(rule: str, severity: Severity, message: str, place: Location, fix: str) -> Finding:
    return Finding(rule, severity, message, place, fix=fix, property=place.pointer)


def _names(spec: Spec, service: Service) -> Iterator[Finding]:
    if service.name in _RESERVED:
        message = f'"{service.name}" is the name of a dashboard or runbook of ours'
        yield _finding(
            "spec/reserved-name", Severity.HIGH, message, at(spec, service.path), "give the service another name"
        )


def _metrics(spec: Spec, service: Service) -> Iterator[Finding]:
    metrics = service.metrics
    if metrics is None or metrics.profile != "custom" or service.slo is None:
        return
    missing = [key for key in ("requests", "status") if not getattr(metrics, key)]
    if missing:
        words = " and ".join(f"`{key}`" for key in missing)
        message = f"profile custom does not say what counts the requests, and needs {words}"
        fix = "name them, such as `requests: app_requests_total` and `status: code`"
        yield _finding("spec/missing-key", Severity.HIGH, message, at(spec, metrics.path), fix)


def _availability(spec: Spec, service: Service, slo: Slo) -> Iterator[Finding]:
    place = at(spec, f"{slo.path}.availability")
    budget = (100 - Decimal(str(slo.availability))) / 100
    if budget <= 0:
        message = "a promise of 100 % leaves no budget: (100 - 100) / 100 = 0, so that one request that fails breaks it"
        yield _finding("monitoring/no-error-budget", Severity.HIGH, message, place, "promise less, such as 99.9")
        return
    if requests.counted(service) is None:
        if service.metrics is not None and service.metrics.profile == "custom":
            return  # what is missing there is said already
        message = f"nothing counts the requests of {service.name}, so that nobody can tell whether it keeps its promise"
        fix = "say in `metrics` which library counts them, or remove `slo`"
        yield _finding("monitoring/metric-of-nobody", Severity.MEDIUM, message, at(spec, slo.path), fix)
        return
    yield from _speeds(slo, budget, place, Severity.MEDIUM)


def _speeds(slo: Slo, budget: Decimal, place: Location, severity: Severity) -> Iterator[Finding]:
    """The pairs of windows that no share of bad requests can reach."""
    for burn in BURNS:
        share = objectives.factor(burn, slo.period) * budget
        if share >= 1:
            speed = number(float(objectives.factor(burn, slo.period)))
            message = (
                f"the alert over {burn.long} can never fire: {burn.budget} % * {slo.period} / {burn.long} = {speed}, "
                f"{speed} * {number(float(budget))} = {number(float(share))}, and no share is above 1"
            )
            fix = "promise more, or shorten `period`; the alert is left out"
            yield _finding("monitoring/burn-alert-cannot-fire", severity, message, place, fix)
            return  # the others follow from the same promise


def _latency(spec: Spec, service: Service, slo: Slo) -> Iterator[Finding]:
    how = requests.counted(service)
    for name, text in slo.latency.items():
        place = at(spec, f"{slo.path}.latency.{name}")
        if how is None or not how.duration:
            message = f"nothing measures how long requests to {service.name} take"
            fix = "name a histogram in `metrics.duration`, or leave the latency out"
            yield _finding("monitoring/metric-of-nobody", Severity.MEDIUM, message, place, fix)
            continue
        if not how.buckets:
            message = (
                f"{service.name} counts no buckets unless it is told which, so that no share of quick requests is known"
            )
            fix = f"build it with buckets, {text} among them, and name them in `metrics.buckets`"
            yield _finding("monitoring/latency-bucket-missing", Severity.MEDIUM, message, place, fix)
            continue
        bound = milliseconds(text) / 1000
        if not objectives.has_bucket(how, bound):
            yield _no_bucket(service, how.buckets, bound, place)
            continue
        budget = (100 - Decimal(name.removeprefix("p"))) / 100
        yield from _speeds(slo, budget, place, Severity.INFO)


def _no_bucket(service: Service, buckets: tuple[float, ...], bound: float, place: Location) -> Finding:
    below = max((one for one in buckets if one < bound), default=0)
    above = min((one for one in buckets if one > bound), default=None)
    between = (
        f"between the buckets {number(below)} s and {number(above)} s"
        if above
        else f"above {number(below)} s, the last"
    )
    message = f"{number(bound)} s lies {between} of {service.name}, so that nobody can count the requests within it"
    near = [f"{number(one * 1000)}ms" for one in (below, above) if one]
    fix = f"promise {' or '.join(near)}, or say in `metrics.buckets` which ones the service is built with"
    return _finding("monitoring/latency-bucket-missing", Severity.MEDIUM, message, place, fix)


def _retention(spec: Spec) -> Iterator[Finding]:
    keep, longest = spec.monitoring.metrics.keep, max((burn.long for burn in BURNS), key=seconds)
    if seconds(keep) < seconds(longest):
        message = (
            f"alerts look back {longest}, and readings are kept for {keep}: {seconds(longest)} s > {seconds(keep)} s"
        )
        place = at(spec, "monitoring.metrics.keep")
        yield _finding(
            "monitoring/window-longer-than-retention", Severity.HIGH, message, place, f"keep at least {longest}"
        )


def _interval(spec: Spec) -> Iterator[Finding]:
    interval = spec.monitoring.metrics.interval
    if seconds(interval) * _READINGS > _SHORTEST:
        many = _SHORTEST // seconds(interval)
        message = (
            f"alerts look at 5 minutes, in which one every {interval} gives {many} readings, and {_READINGS} are needed"
        )
        place = at(spec, "monitoring.metrics.interval")
        yield _finding(
            "monitoring/interval-too-long", Severity.HIGH, message, place, f"choose {_SHORTEST // _READINGS}s or less"
        )


def _receivers(spec: Spec, watched: tuple[Watched, ...]) -> Iterator[Finding]:
    """A page that reaches nobody is worse than none."""
    pages = sum(alert.severity == "page" for one in watched for alert in one.alerts)
    notify = spec.notify
    pager = notify.page if notify is not None else None
    if pages and not spec.environment.development and (pager is None or not pager.named):
        place = at(spec, notify.path) if notify is not None else at(spec, "app")
        message = f"{pages} alerts of {spec.environment.name} page, and nobody is named to hear of them"
        fix = "add `notify: {page: {pagerduty: …}}`, or another receiver"
        yield _finding("spec/no-receiver", Severity.LOW, message, place, fix)
    if notify is None:
        return
    for receiver in (notify.page, notify.ticket, notify.stakeholders):
        if receiver is not None:
            yield from _secret(spec, receiver)
    deadman = notify.deadman
    if deadman is not None and deadman.literal is None and not deadman.secret:
        yield _not_secret(spec, notify.at("deadman"), "deadman")


def _secret(spec: Spec, receiver: Receiver) -> Iterator[Finding]:
    """Addresses that are secrets must be references: who knows a hook may write to it."""
    for key in ("teams", "webhook"):
        text = getattr(receiver, key)
        if (
            text is not None
            and text.literal is not None
            and (key == "teams" or not text.literal.startswith("https://"))
        ):
            yield _not_secret(spec, receiver.at(key), key)


def _not_secret(spec: Spec, path: str, key: str) -> Finding:
    message = f"`{key}` stands in plain text, and whoever knows that address may write to it"
    fix = "declare it in `secrets`, and refer to it as ${secret.name}"
    return _finding("monitoring/receiver-without-secret", Severity.HIGH, message, at(spec, path), fix)


def _alerts(spec: Spec, watched: tuple[Watched, ...]) -> Iterator[Finding]:
    signals = {(one.subject.name, signal.key): signal for one in watched for signal in one.signals}
    recorded = {one.record for part in watched for one in part.recordings}
    ours = {alert.name for one in watched for alert in one.alerts if alert.guide != "custom"}
    for rule in spec.alerts.values():
        if rule.name in ours:
            message = f'"{rule.name}" is the name of an alert that is made anyway'
            yield _finding(
                "spec/reserved-name", Severity.HIGH, message, at(spec, rule.path), "give the alert another name"
            )
        yield from _alert(spec, rule, signals, frozenset(recorded))


def _alert(spec: Spec, rule: AlertRule, signals: custom.Signals, recorded: frozenset[str]) -> Iterator[Finding]:
    key = "when" if rule.when is not None else "expr"
    place = at(spec, rule.at(key))
    try:
        if rule.when is not None:
            custom.condition(rule.when, signals)
        elif rule.expr is not None:
            expr = custom.filled(rule.expr, signals)
            yield from _promql(spec, expr, place, recorded)
    except Unfit as problem:
        yield _finding(f"monitoring/{problem.rule}", Severity.HIGH, str(problem), place, problem.fix)
    if rule.expr is not None and rule.tests is None:
        message = f"nothing proves that {rule.name} fires: a test can be made of `when`, not of `expr`"
        fix = "give it `tests` with series that make it fire and series that do not"
        yield _finding("monitoring/alert-not-tested", Severity.LOW, message, at(spec, rule.path), fix)


def _promql(spec: Spec, expr: str, place: Location, recorded: frozenset[str]) -> Iterator[Finding]:
    """What is wrong with an expression: its form, and metrics that nobody produces."""
    from generator.monitoring import catalogue, promql, promqlfaults

    parsed = promql.parse(expr)
    if isinstance(parsed, promql.Problem):
        yield _finding("monitoring/syntax-error", Severity.HIGH, parsed.message, place, "mend the expression")
        return
    for fault in promqlfaults.faults(parsed, expr):
        rule = _FAULTS.get(fault.kind, fault.kind)
        fix = f"see `groundplan explain monitoring/{rule}`"
        yield _finding(f"monitoring/{rule}", Severity.MEDIUM, fault.message, place, fix)
    own = recorded | {name for service in spec.services.values() for name in _produced(service)}
    for one in promql.selectors(parsed):
        metric = one.metric
        if metric and metric not in own and catalogue.metric(metric) is None:
            near = catalogue.nearest(metric)
            hint = f'did you mean "{near}"? ' if near else ""
            fix = f"{hint}a metric of a service's own is declared in its `metrics.series`"
            message = f'nobody produces the metric "{metric}"'
            yield _finding("monitoring/metric-of-nobody", Severity.HIGH, message, place, fix)


_FAULTS = {"range": "range-not-instant", "never-true": "alert-never-fires"}
"""Kinds of faults whose rule has another name."""


def _produced(service: Service) -> Iterator[str]:
    """Metrics that a service declares, with what a histogram is made of."""
    metrics = service.metrics
    if metrics is None:
        return
    yield from (name for name in (metrics.requests,) if name)
    several = {name for name, series in metrics.series.items() if series.type in {"histogram", "summary"}}
    several |= {metrics.duration} if metrics.duration else set()
    yield from metrics.series
    for name in several:
        yield from (f"{name}{suffix}" for suffix in ("_bucket", "_count", "_sum"))
