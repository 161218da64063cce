"""Runbooks: for each subject one page, for each of its alerts one heading that the alert links to.

One page serves all environments, since people know the subject and not the page of an environment; commands name
the last environment in promotion order, and beside it stand the names of the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from generator.artifact import Artifact, because
from generator.markdown import code, written
from generator.model import Product, Receiver, Spec, Text
from generator.monitoring.addresses import dashboard_url, runbook_path
from generator.monitoring.alert import Alert
from generator.monitoring.shown import said
from generator.targets.monitoring import firstaid

GUIDES = "monitoring/runbooks"
"""The folder of the texts, one a guide."""


def plan(product: Product) -> Iterator[Artifact]:
    """A page for every subject that has alerts in any environment."""
    from generator.monitoring.rules import groups

    alerts = {
        name: tuple(alert for group in groups(spec) for alert in group.alerts)
        for name, spec in product.environments.items()
    }
    yield from pages(product, alerts)


def pages(product: Product, alerts: Mapping[str, Sequence[Alert]]) -> Iterator[Artifact]:
    """The pages of these alerts, given by environment."""
    subjects = dict.fromkeys(alert.subject for found in alerts.values() for alert in found)
    for subject in sorted(subjects):
        own = {name: [alert for alert in found if alert.subject == subject] for name, found in alerts.items()}
        yield _page(product, subject, {name: found for name, found in own.items() if found}, frozenset(subjects))


def _page(product: Product, subject: str, alerts: Mapping[str, list[Alert]], subjects: frozenset[str]) -> Artifact:
    specs = {name: product.environments[name] for name in alerts}
    last = list(specs.values())[-1]
    kind = next(iter(alerts.values()))[0].kind
    names = dict.fromkeys(alert.name for found in reversed(list(alerts.values())) for alert in found)
    place = {"service": f"services.{subject}", "resource": f"resources.{subject}"}.get(kind, "monitoring")
    help_ = firstaid.commands(specs, subject, kind)
    return Artifact(
        path=runbook_path(subject),
        target="monitoring",
        template="monitoring/runbook.md.j2",
        context={
            "subject": because(subject, place),
            "kind": because(kind, place),
            "owner": because(written(last.owner), "owner"),
            "about": because(_about(last, subject, kind), place),
            "near": [because(text, place) for text in _near(last, subject, kind, subjects)],
            "where": [because(line, place, "environments") for line in help_.where],
            "run": {name: because(line, place) for name, line in help_.run.items()},
            "compute": because(last.platform.compute if kind != "resource" else help_.provider, "platform.compute"),
            "gitops": because(last.platform.kubernetes.gitops, "platform.kubernetes.gitops"),
            "dashboards": because(
                ", ".join(_dashboard(spec, subject) for spec in specs.values()),
                *("monitoring.grafana", place),
            ),
            "alerts": [_entry(name, alerts, specs) for name in names],
        },
        origin=place,
    )


def _entry(name: str, alerts: Mapping[str, list[Alert]], specs: Mapping[str, Spec]) -> dict[str, Any]:
    """All that the alerts of a name have in common, and how they differ."""
    same = {environment: [alert for alert in found if alert.name == name] for environment, found in alerts.items()}
    same = {environment: found for environment, found in same.items() if found}
    environment, variants = list(same.items())[-1]
    first = variants[0]
    causes = tuple(dict.fromkeys(cause for alert in variants for cause in alert.causes))
    severities = dict.fromkeys(alert.severity for found in same.values() for alert in found)
    told = [
        because(row, f"notify.{severity}") for severity in severities for row in _reached(specs, severity, first.guide)
    ]
    return {
        "name": because(name, *causes),
        "anchor": because(name.lower(), *causes),
        "summary": because(written(first.summary), *causes),
        "severities": because(" or ".join(severities), *causes),
        "guide": f"{GUIDES}/{first.guide}.md.j2",
        "environment": because(environment, "environments"),
        "fence": because(_fence(alert.expr for alert in variants), *causes),
        "rows": [because(row, *causes) for row in _rows(same)],
        "variants": [
            {"lines": [because(line, *alert.causes) for line in alert.expr.split("\n")]} for alert in variants
        ],
        "places": because(", ".join(map(code, causes)), *causes),
        "receivers": told,
    }


def _about(spec: Spec, subject: str, kind: str) -> str:
    if kind == "service" and subject in spec.services:
        return f"`{subject}`, a service of type {spec.services[subject].type}"
    if kind == "resource" and subject in spec.resources:
        return f"`{subject}`, a resource of type {spec.resources[subject].type}"
    return "what all services stand on, monitoring included"


def _dashboard(spec: Spec, subject: str) -> str:
    """A link; where nobody says what Grafana's address is, the path below it."""
    url = dashboard_url(spec, subject)
    return f"{spec.environment.name} {code(url)}" if url.startswith("/") else f"[{spec.environment.name}](<{url}>)"


def _near(spec: Spec, subject: str, kind: str, subjects: frozenset[str]) -> Iterator[str]:
    """What it depends on and who depends on it: where a cause is looked for, and where the effect shows."""

    def linked(names: Iterable[str]) -> str:
        return ", ".join(f"[{name}]({name}.md)" if name in subjects else name for name in names)

    if kind == "service" and subject in spec.services:
        service = spec.services[subject]
        callers = [other.name for other in spec.callers(subject)]
        if service.calls:
            yield f"It calls {linked(service.calls)}."
        if service.uses:
            yield f"It uses {linked(service.uses)}."
        if callers:
            yield f"It is called by {linked(callers)}."
    elif kind == "resource":
        users = [service.name for service in spec.users(subject)]
        if users:
            yield f"It is used by {linked(users)}."


def _rows(same: Mapping[str, list[Alert]]) -> Iterator[str]:
    """Rows of a table: environments with the same values stand together."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for environment, found in same.items():
        for alert in found:
            limit = said(alert.unit, alert.threshold) if alert.threshold is not None else "none"
            key = (_more(alert) or "any", alert.severity, limit, alert.for_, code(alert.causes[0], cell=True))
            rows.setdefault(key, []).append(environment)
    for cells, environments in rows.items():
        yield f"| {' | '.join((', '.join(environments), *cells))} |"


def _more(alert: Alert) -> str:
    """The labels that tell alerts of one name apart."""
    return ", ".join(f"{key} {value}" for key, value in alert.labels.items())


def _reached(specs: Mapping[str, Spec], severity: str, guide: str) -> Iterator[str]:
    """Sentences on who hears of a severity, equal ones of several environments once."""
    told: dict[str, list[str]] = {}
    beating = _beating(specs)
    for environment, spec in specs.items():
        sentence = _heartbeat(environment in beating) if guide == "watchdog" else _hears(spec, severity)
        told.setdefault(sentence, []).append(environment)
    for sentence, environments in told.items():
        where = f" in {', '.join(environments)}" if len(told) > 1 else ""
        yield f"{'An' if severity == 'info' else 'A'} {severity} alert{where} {sentence}."


def _hears(spec: Spec, severity: str) -> str:
    """As Alertmanager routes it: in development nobody is woken, and stakeholders hear of pages."""
    if severity == "info":
        return "reaches nobody; it is there for whoever looks at the dashboards"
    lesser = severity == "page" and spec.environment.development
    notify = spec.notify
    receiver = None if notify is None else notify.page if severity == "page" and not lesser else notify.ticket
    copied = notify.stakeholders if notify is not None and severity == "page" and not lesser else None
    copies = ", ".join(_addresses(copied)) if copied is not None and copied.named else ""
    if receiver is None or not receiver.named:
        nobody = f"reaches nobody who could act, since the spec has no `notify.{'ticket' if lesser else severity}`"
        return f"{nobody}; only {copies} hears of it" if copies else nobody
    sentence = f"reaches {', '.join(_addresses(receiver))}{' as a ticket does' if lesser else ''}"
    return f"{sentence}; {copies} hears of it later" if copies else sentence


def _beating(specs: Mapping[str, Spec]) -> frozenset[str]:
    """The environments whose heartbeat leaves: of those with one address only the last."""
    found: dict[tuple[object, ...], str] = {}
    for environment, spec in reversed(list(specs.items())):
        if spec.notify is not None and spec.notify.deadman is not None:
            found.setdefault(spec.notify.deadman.parts, environment)
    return frozenset(found.values())


def _heartbeat(beats: bool) -> str:
    if beats:
        return "of this name reaches the service at `notify.deadman` again and again, and that calls when it stops"
    return "of this name reaches nobody; whoever looks at Alertmanager sees that it is there"


def _addresses(receiver: Receiver) -> Iterator[str]:
    for name, text in (
        ("PagerDuty", receiver.pagerduty),
        ("Slack", receiver.slack),
        ("Opsgenie", receiver.opsgenie),
        ("Teams", receiver.teams),
        ("a webhook", receiver.webhook),
    ):
        if text is not None:
            yield f"{name} ({_name(text)})" if name != "a webhook" else name
    yield from (written(address) for address in receiver.email)


def _name(text: Text) -> str:
    """Addresses that are secret are named, never shown."""
    only = text.only
    if only is not None:
        return f"the secret {code(only.output or only.name)}"
    return written("".join(part for part in text.parts if isinstance(part, str))) if not text.secret else "secret"


def _fence(texts: Iterable[str]) -> str:
    """A fence that no line of the texts can close."""
    longest = max((len(run) for text in texts for run in re.findall(r"`+", text)), default=0)
    return "`" * max(3, longest + 1)
