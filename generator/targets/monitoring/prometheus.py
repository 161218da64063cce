"""Rule files, and for each alert a promtool test that makes it fire and one that keeps it silent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from generator.artifact import Artifact, because
from generator.model import Product, Spec
from generator.monitoring.addresses import dashboard_url, runbook_url
from generator.monitoring.alert import Alert, Group, Recording, Trial
from generator.monitoring.rules import groups

FOLDER = "monitoring/prometheus"


def plan(product: Product) -> Iterator[Artifact]:
    """One rule file and one test file for each subject of each environment."""
    for spec in product.environments.values():
        for group in groups(spec):
            name, origin = spec.environment.name, _origin(spec, group.subject)
            context: dict[str, Any] = {"groups": [_group(spec, group)]}
            yield _artifact(f"{FOLDER}/{name}/rules/{group.subject}.yaml", "rules", context, origin, name)
            tests = list(_tests(spec, group))
            if tests:
                context = {"subject": group.subject, "interval": group.interval, "tests": tests}
                yield _artifact(f"{FOLDER}/{name}/tests/{group.subject}.test.yaml", "tests", context, origin, name)


def rule_groups(spec: Spec) -> dict[str, list[dict[str, Any]]]:
    """The group of each subject as Prometheus writes it, its values tied to the spec."""
    return {group.subject: [_group(spec, group)] for group in groups(spec)}


def _origin(spec: Spec, subject: str) -> str:
    part = spec.services.get(subject) or spec.resources.get(subject)
    return part.path if part is not None else "monitoring"


def _artifact(path: str, template: str, context: Mapping[str, Any], origin: str, environment: str) -> Artifact:
    return Artifact(path, "monitoring", f"monitoring/{template}.yaml.j2", context, origin, environment)


def _group(spec: Spec, group: Group) -> dict[str, Any]:
    rules: list[Any] = [because(_recording(one), *one.causes) for one in group.recordings]
    rules += [because(_alert(spec, one), *one.causes) for one in group.alerts]
    return {"name": group.name, "interval": group.interval, "rules": rules}


def _recording(one: Recording) -> dict[str, Any]:
    return {"record": one.record, "expr": one.expr, "labels": dict(one.labels)}


def _alert(spec: Spec, one: Alert) -> dict[str, Any]:
    kept = {"keep_firing_for": one.keep_firing_for} if one.keep_firing_for else {}
    held = {"for": one.for_} if one.for_ != "0s" else {}
    return {
        "alert": one.name,
        "expr": one.expr,
        **held,
        **kept,
        "labels": labels(spec, one),
        "annotations": _annotations(spec, one, one.shown),
    }


def labels(spec: Spec, alert: Alert) -> dict[str, str]:
    """What routes and dashboards know an alert by."""
    return {
        "severity": alert.severity,
        "service": alert.subject,
        "environment": spec.environment.name,
        "owner": spec.owner,
        **alert.labels,
    }


def _annotations(spec: Spec, alert: Alert, value: str, *, literal: bool = False) -> dict[str, str]:
    """`value` stands where the description has `{value}`; texts of ours and the user's are no templates."""
    write = str if literal else _untemplated
    before, _, after = alert.description.partition("{value}")
    shown = value if "{value}" in alert.description else ""
    return {
        "summary": write(alert.summary),
        "description": f"{write(before)}{shown}{write(after)}",
        "runbook_url": write(runbook_url(spec, alert.subject, alert.name)),
        "dashboard_url": write(dashboard_url(spec, alert.subject)),
    }


def _untemplated(text: str) -> str:
    """Text that Go's template language gives back as it is."""
    return text.replace("{{", '{{ "{{" }}')


def _tests(spec: Spec, group: Group) -> Iterator[dict[str, Any]]:
    for alert in group.alerts:
        for trial in alert.trials:
            yield because(_test(spec, alert, trial), *alert.causes)


def _test(spec: Spec, alert: Alert, trial: Trial) -> dict[str, Any]:
    window = f" ({', '.join(alert.labels.values())})" if alert.labels else ""
    made: dict[str, Any] = {
        "name": f"{alert.name}{window} {trial.says}",
        "interval": "1m",
        "input_series": [{"series": one.series, "values": one.values} for one in trial.series],
    }
    if not trial.labelled:
        return {**made, "promql_expr_test": [_firing(alert, trial)]}
    expected = [
        {
            "exp_labels": {**labels(spec, alert), **firing.labels},
            "exp_annotations": _annotations(spec, alert, firing.shown, literal=True),
        }
        for firing in trial.fires
    ]
    test = {"eval_time": trial.at, "alertname": alert.name, "exp_alerts": expected}
    return {**made, "alert_rule_test": [test]}


def _firing(alert: Alert, trial: Trial) -> dict[str, Any]:
    """Whether it fires at all, whatever labels it has."""
    expr = f'count(ALERTS{{alertname="{alert.name}",alertstate="firing"}}) > bool 0'
    samples = [{"labels": "{}", "value": 1}] if trial.fires else []
    return {"expr": expr, "eval_time": trial.at, "exp_samples": samples}
