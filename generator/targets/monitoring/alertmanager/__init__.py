"""Who hears of an alert: one Alertmanager configuration for all environments.

The route tree goes by environment, then by severity. The spec knows one owner, who stands in every message; a third
level would hold one branch. Dead-man beats come from the last environment only, unless another one names an address
of its own: environments that share an address would cover for each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from generator.artifact import Artifact, because
from generator.model import Product, Spec
from generator.targets.monitoring.alertmanager.objects import objects
from generator.targets.monitoring.alertmanager.receivers import (
    NOBODY,
    SecretFile,
    deadman,
    integrations,
    settings,
    tied,
)

FOLDER = "monitoring/alertmanager"
WATCHDOG, CLUSTER_DOWN = "Watchdog", "ClusterDown"
GROUP_BY = ("alertname", "service", "environment")

_TIMES: Mapping[str, Mapping[str, str]] = {
    # half a minute lets what inhibits arrive first; PagerDuty takes a repetition for the same incident
    "page": {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "1h"},
    "ticket": {"group_wait": "5m", "group_interval": "30m", "repeat_interval": "1d"},
    "stakeholders": {"group_wait": "5m", "group_interval": "30m", "repeat_interval": "1d"},
    # with both at a minute every second beat is left out: https://github.com/prometheus/alertmanager/issues/676
    "deadman": {"group_wait": "0s", "group_interval": "30s", "repeat_interval": "50s"},
}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the alerts of each environment go: receiver names by role and environment, all receivers by name,
    what they share, and the files they read."""

    names: Mapping[tuple[str, str], str]
    receivers: Mapping[str, Mapping[str, Any]]
    settings: Mapping[str, Any]
    files: Mapping[str, SecretFile]

    def of(self, role: str, spec: Spec) -> str:
        """The receiver of a role (`page`) in an environment."""
        return self.names.get((role, spec.environment.name), NOBODY)


def plan(product: Product) -> Iterator[Artifact]:
    """The configuration, its message templates, a script that proves the routes, and the operator's objects."""
    specs = environments(product)
    last = specs[-1]
    delivery = deliveries(specs)
    windows = _windows(specs)
    context = {
        "settings": delivery.settings,
        "route": _route(specs, delivery, windows),
        "inhibitions": _inhibitions(),
        "intervals": list({item["name"].value: item for item in windows.values()}.values()),
        "receivers": [{"name": name, **body} for name, body in delivery.receivers.items()],
    }
    template = f"{FOLDER}/alertmanager.yaml.j2"
    yield Artifact(f"{FOLDER}/alertmanager.yaml", "monitoring", template, context, "notify")
    yield Artifact(f"{FOLDER}/templates/groundplan.tmpl", "monitoring", f"{FOLDER}/groundplan.tmpl", {}, "notify")
    tests = {"checks": [*_checks(specs, delivery)]}
    yield Artifact(f"{FOLDER}/tests/routes.sh", "monitoring", f"{FOLDER}/routes.txt.j2", tests, "notify")
    if last.platform.compute == "kubernetes" and last.monitoring.metrics.operator:
        yield from objects(
            last, tuple(delivery.files.values()), strict=any(not s.environment.development for s in specs)
        )


def environments(product: Product) -> tuple[Spec, ...]:
    """Every environment in promotion order; the base when there is none."""
    return tuple(product.environments.values()) or (product.base,)


def deliveries(specs: tuple[Spec, ...]) -> Delivery:
    """Receivers that are equal in all environments have one name, `page`; else each has its own, `page-prod`."""
    files: dict[str, SecretFile] = {}
    contents: dict[tuple[str, str], dict[str, Any]] = {}
    for spec in reversed(specs):  # a secret that several environments read is the last one's
        for role in _roles(spec):
            body = integrations(role, spec, files)
            if body:
                contents[role, spec.environment.name] = body
    contents |= {("deadman", name): body for name, body in _beats(specs, files).items()}
    names: dict[tuple[str, str], str] = {}
    receivers: dict[str, dict[str, Any]] = {}
    for role in ("page", "ticket", "stakeholders", "deadman"):
        mine = {spec.environment.name: contents.get((role, spec.environment.name)) for spec in specs}
        present = [body for body in mine.values() if body]
        same = all(body == present[0] for body in present)
        for environment, content in mine.items():
            if content:
                names[role, environment] = role if same else f"{role}-{environment}"
                receivers[names[role, environment]] = content
    receivers[NOBODY] = {}
    shared = settings(specs, receivers, files)
    return Delivery(names, receivers, shared, dict(sorted(files.items())))


def _roles(spec: Spec) -> tuple[str, ...]:
    """In development nobody is woken: a page is delivered as a ticket."""
    return ("ticket",) if spec.environment.development else ("page", "ticket", "stakeholders")


def _beats(specs: tuple[Spec, ...], files: dict[str, SecretFile]) -> dict[str, dict[str, Any]]:
    """The dead-man receiver of each environment that has an address which no later one has."""
    beats: dict[str, dict[str, Any]] = {}
    for spec in reversed(specs):
        body = deadman(spec, files)
        if body and body not in beats.values():
            beats[spec.environment.name] = body
    return beats


def _route(specs: tuple[Spec, ...], delivery: Delivery, windows: Mapping[str, Any]) -> dict[str, Any]:
    last = specs[-1]
    return {
        "receiver": because(delivery.of("ticket", last), "notify.ticket"),
        "group_by": list(GROUP_BY),
        **_TIMES["ticket"],
        "routes": [*_watchdogs(specs, delivery), *(_environment(spec, delivery, windows) for spec in specs)],
    }


def _watchdogs(specs: tuple[Spec, ...], delivery: Delivery) -> Iterator[dict[str, Any]]:
    for spec in specs:
        if ("deadman", spec.environment.name) in delivery.names:
            yield {
                "matchers": [f"alertname = {WATCHDOG}", *_of_environment(spec)],
                "receiver": because(delivery.of("deadman", spec), "notify.deadman"),
                **_TIMES["deadman"],
            }
    yield {"matchers": [f"alertname = {WATCHDOG}"], "receiver": NOBODY}


def _of_environment(spec: Spec) -> list[Any]:
    name = spec.environment.name
    return [because(f"environment = {name}" if name else "environment =~ .*", spec.environment.path)]


def _environment(spec: Spec, delivery: Delivery, windows: Mapping[str, Any]) -> dict[str, Any]:
    """An environment's branch; what has no severity of ours is a ticket that no window mutes."""
    ticket = because(delivery.of("ticket", spec), "notify.ticket")
    window = windows.get(spec.environment.name)
    # a window is for what is expected; a page tells of users who notice, and stays on
    muted = {"mute_time_intervals": [window["name"]]} if window else {}
    routes: list[dict[str, Any]] = []
    if spec.environment.development:
        both = because("severity =~ page|ticket", spec.environment.path)
        routes.append({"matchers": [both], "receiver": ticket, **muted})
    else:
        page = {"matchers": ["severity = page"], "receiver": because(delivery.of("page", spec), "notify.page")}
        if ("stakeholders", spec.environment.name) in delivery.names:
            copied = because(delivery.of("stakeholders", spec), "notify.stakeholders")
            routes.append({**page, "receiver": copied, **_TIMES["stakeholders"], "continue": True})
        routes.append({**page, **_TIMES["page"]})
        routes.append({"matchers": ["severity = ticket"], "receiver": ticket, **muted})
    routes.append({"matchers": ["severity = info"], "receiver": NOBODY})
    return {"matchers": _of_environment(spec), "receiver": ticket, "routes": routes}


def _inhibitions() -> list[dict[str, Any]]:
    """No alert is on both sides of a rule, and a label that both lack makes them no equals."""
    return [
        {
            "source_matchers": [f"alertname = {CLUSTER_DOWN}", "environment =~ .+"],
            "target_matchers": [f"alertname != {CLUSTER_DOWN}", f"alertname != {WATCHDOG}"],
            "equal": ["environment"],
        },
        {
            "source_matchers": ["severity = page", "service =~ .+"],
            "target_matchers": ["severity = ticket"],
            "equal": ["service", "environment"],
        },
    ]


def _windows(specs: tuple[Spec, ...]) -> dict[str, dict[str, Any]]:
    """The maintenance window of each environment as a time interval; one name when all are equal."""
    same = len({spec.delivery.maintenance_window for spec in specs}) == 1
    made = {}
    for spec in specs:
        ranges = [*_ranges(spec.delivery.maintenance_window)]
        if ranges:
            name = "maintenance" if same else f"maintenance-{spec.environment.name}"
            cause = spec.delivery.at("maintenance_window")
            made[spec.environment.name] = {"name": because(name, cause), "time_intervals": tied(ranges, cause)}
    return made


def _ranges(window: str) -> Iterator[dict[str, Any]]:
    """`sun 23:00-01:00 UTC` is the end of Sunday and the beginning of Monday: a range may not pass midnight."""
    day, hours, zone = window.split(" ")
    start, end = hours.split("-")
    number = next(index for index, name in enumerate(_DAYS) if name.startswith(day))
    parts = [(number, start, end)] if start < end else [(number, start, "24:00"), ((number + 1) % 7, "00:00", end)]
    for index, begins, ends in parts:
        if start != end and begins != ends:
            times = [{"start_time": begins, "end_time": ends}]
            yield {"weekdays": [_DAYS[index]], "times": times, "location": zone}


def _checks(specs: tuple[Spec, ...], delivery: Delivery) -> Iterator[dict[str, Any]]:
    """One alert of each class with the receivers it must reach, in the order amtool names them."""
    for spec in specs:
        name, ticket = spec.environment.name, delivery.of("ticket", spec)
        page = [delivery.of("stakeholders", spec)] if ("stakeholders", name) in delivery.names else []
        expected = {
            "page": [ticket] if spec.environment.development else [*page, delivery.of("page", spec)],
            "ticket": [ticket],
            "info": [NOBODY],
            "unknown": [ticket],
        }
        labels = {"environment": name, "service": next(iter(spec.services), "platform"), "owner": spec.owner}
        for severity, receivers in expected.items():
            yield _check(spec, receivers, {"alertname": "Example", "severity": severity, **labels})
        yield _check(spec, [delivery.of("deadman", spec)], {"alertname": WATCHDOG, "severity": "info", **labels})
    stray = {"alertname": "Example", "severity": "page", "environment": "another"}
    yield _check(specs[-1], [delivery.of("ticket", specs[-1])], stray)


def _check(spec: Spec, receivers: list[str], labels: Mapping[str, str]) -> dict[str, Any]:
    cause = spec.environment.path
    pairs = [f"{key}={value}" for key, value in labels.items() if value]
    return {"receivers": because(",".join(receivers), "notify", cause), "labels": because(pairs, cause)}
