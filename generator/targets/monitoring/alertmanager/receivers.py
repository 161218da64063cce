"""Receivers of the spec as Alertmanager's: what is secret comes from files, whose names stand here.

Needs Alertmanager 0.26 for a webhook whose address is secret (`url_file`) and 0.28 for Teams (`msteamsv2_configs`,
since Microsoft has retired the connectors that `msteams_configs` speaks to).
https://prometheus.io/docs/alerting/latest/configuration/
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.artifact import because
from generator.model import Receiver, Spec, Text

NOBODY = "nobody"
"""The receiver that delivers nothing: what goes there is on the dashboard alone."""

_NAME_LIMIT = 40
_TITLE, _TEXT = '{{ template "groundplan.title" . }}', '{{ template "groundplan.text" . }}'
_URGENCY = {"page": ("critical", "P1"), "ticket": ("warning", "P3"), "stakeholders": ("info", "P5")}


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file that Alertmanager reads: `name` in the folder of secrets, and where the vault keeps its text."""

    name: str
    remote: str
    key: str
    cause: str


def secret_name(app: str) -> str:
    """The Kubernetes Secret that holds the files, which is also the last folder of their path."""
    return f"{app}-alertmanager"


def folder(app: str) -> str:
    """Where the operator mounts that Secret: https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.AlertmanagerSpec"""
    return f"/etc/alertmanager/secrets/{secret_name(app)}"


def tied(value: Any, cause: str) -> Any:
    """A derived structure whose every leaf answers with one spec path."""
    if isinstance(value, dict):
        return {key: tied(item, cause) for key, item in value.items()}
    return [tied(item, cause) for item in value] if isinstance(value, list) else because(value, cause)


def integrations(role: str, spec: Spec, files: dict[str, SecretFile]) -> dict[str, Any]:
    """The receiver of a role (`page`, `ticket`, `stakeholders`) without its name; {} when the spec names none."""
    receiver = getattr(spec.notify, role) if spec.notify else None
    if receiver is None:
        return {}
    found: dict[str, Any] = {}
    for key, body in _integrations(role, receiver, spec, files):
        found.setdefault(key, []).append(body)
    return found


def deadman(spec: Spec, files: dict[str, SecretFile]) -> dict[str, Any]:
    """The receiver of heartbeats; a heartbeat that is resolved would be one more beat of a dead heart."""
    text = spec.notify.deadman if spec.notify else None
    if text is None:
        return {}
    return {"webhook_configs": [{**_address(text, "deadman", spec, files), "send_resolved": False}]}


def settings(
    specs: Sequence[Spec], receivers: Mapping[str, Mapping[str, Any]], files: dict[str, SecretFile]
) -> dict[str, Any]:
    """The global section: what the receivers leave to it."""
    made: dict[str, Any] = {"resolve_timeout": "5m"}
    for key, (setting, own, file) in _GLOBAL.items():
        used = [item for body in receivers.values() for item in body.get(key, [])]
        if any(own not in item for item in used):
            made |= _mail(specs) if key == "email_configs" else {}
            made[setting] = because(_given(file, specs[-1], files, "notify"), "notify")
    return made


_GLOBAL = {
    "slack_configs": ("slack_api_url_file", "api_url_file", "slack-url"),
    "opsgenie_configs": ("opsgenie_api_key_file", "api_key_file", "opsgenie-key"),
    "email_configs": ("smtp_auth_password_file", "auth_password_file", "smtp-password"),
}
"""What receivers of a kind share, the key of those that have their own, and the file."""


def _mail(specs: Sequence[Spec]) -> dict[str, Any]:
    """Mail goes to a relay beside Alertmanager: the spec names no server."""
    spec = specs[-1]
    inside = spec.platform.compute == "kubernetes"
    namespace = spec.platform.kubernetes.monitoring_namespace
    domain = spec.cloud.domain if spec.cloud and spec.cloud.domain else ""
    addresses = [address for one in reversed(specs) if one.notify for address in one.notify.emails]
    sender = f"alertmanager@{domain or addresses[0].rpartition('@')[2]}"
    cause = "cloud.domain" if domain else "notify"
    return {
        "smtp_smarthost": because(f"smtp-relay.{namespace}.svc:587" if inside else "smtp-relay:587", "notify"),
        "smtp_from": because(_verbatim(sender), cause),
        "smtp_auth_username": because(sender, cause),
        "smtp_require_tls": True,
    }


def _integrations(
    role: str, receiver: Receiver, spec: Spec, files: dict[str, SecretFile]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """In the order in which the schema names them."""
    severity, priority = _URGENCY[role]
    if text := _given_text(receiver.pagerduty):
        yield "pagerduty_configs", _pagerduty(_file(text, "pagerduty", role, spec, files), severity)
    if text := _given_text(receiver.slack):
        yield "slack_configs", _slack(text, role, spec, files)
    if text := _given_text(receiver.opsgenie):
        yield "opsgenie_configs", _opsgenie(text, role, priority, spec, files)
    if text := _given_text(receiver.teams):
        body = {"webhook_url_file": _file(text, "teams", role, spec, files)}
        yield "msteamsv2_configs", {"send_resolved": True, **body, "title": _TITLE, "text": _TEXT}
    if text := _given_text(receiver.webhook):
        yield "webhook_configs", {**_address(text, f"{role}-webhook", spec, files), "send_resolved": True}
    if receiver.email:
        to = because(_verbatim(", ".join(receiver.email)), receiver.at("email"))
        # text alone: nothing in a label or annotation can become markup
        body = {"to": to, "send_resolved": True, "headers": {"Subject": _TITLE}, "html": "", "text": _TEXT}
        yield "email_configs", body


def _given_text(text: Text | None) -> Text | None:
    return None if text is None or text.literal == "" else text


def _pagerduty(file: Any, severity: str) -> dict[str, Any]:
    details = {name: f'{{{{ template "groundplan.{name}" . }}}}' for name in ("owner", "runbook", "dashboard")}
    return {
        "send_resolved": True,
        "routing_key_file": file,
        "severity": severity,
        "description": _TITLE,
        "class": "{{ .CommonLabels.alertname }}",
        "component": "{{ .CommonLabels.service }}",
        "group": "{{ .CommonLabels.environment }}",
        "details": details,
    }


def _slack(text: Text, role: str, spec: Spec, files: dict[str, SecretFile]) -> dict[str, Any]:
    """A channel of the workspace whose address all share, or a secret address that leads to one channel."""
    channel = _known(text, spec)
    place = (
        {"api_url_file": _file(text, "slack", role, spec, files)}
        if channel is None
        else {"channel": because(_verbatim(channel), text.path)}
    )
    return {
        "send_resolved": True,
        **place,
        "title": '{{ template "groundplan.slack.title" . }}',
        "text": '{{ template "groundplan.slack.text" . }}',
        "fallback": _TITLE,
    }


def _opsgenie(text: Text, role: str, priority: str, spec: Spec, files: dict[str, SecretFile]) -> dict[str, Any]:
    team = _known(text, spec)
    who: dict[str, Any] = (
        {"api_key_file": _file(text, "opsgenie", role, spec, files)}
        if team is None
        else {"responders": [{"name": because(_verbatim(team), text.path), "type": "team"}]}
    )
    tags = "{{ .CommonLabels.environment }},{{ .CommonLabels.service }}"
    return {"send_resolved": True, **who, "message": _TITLE, "description": _TEXT, "priority": priority, "tags": tags}


def _address(text: Text, name: str, spec: Spec, files: dict[str, SecretFile]) -> dict[str, Any]:
    """A plain address as it is, any other one from a file."""
    known = _known(text, spec)
    if known is not None and re.match(r"https?://\S", known) and not text.secret:
        return {"url": because(known.replace("{", "%7B").replace("}", "%7D"), text.path)}
    return {"url_file": _secret(text, name, spec, files)}


def _file(text: Text, kind: str, role: str, spec: Spec, files: dict[str, SecretFile]) -> Any:
    """The file with what a name (`shop-oncall`) or a reference to a secret stands for."""
    known = _known(text, spec)
    # an address that somebody typed is a secret all the same, and is not repeated, not even as a name
    name = f"{role}-{kind}" if known is None or "://" in known else f"{kind}-{_slug(known)}"
    return _secret(text, name, spec, files)


def _secret(text: Text, name: str, spec: Spec, files: dict[str, SecretFile]) -> Any:
    only = text.only
    name = only.output if only is not None and only.kind == "secret" else name
    return because(_given(name, spec, files, text.path), text.path)


def _given(name: str, spec: Spec, files: dict[str, SecretFile], cause: str) -> str:
    """A file that no reference names: a secret of that name when the spec declares one, else an entry of our own."""
    home = f"{spec.app}/{spec.environment.name or 'base'}"
    file = SecretFile(name, f"{home}/alertmanager", name, cause)
    if name in spec.secrets:
        file = SecretFile(name, f"{home}/{name}", "value", spec.secrets[name].path)
    files.setdefault(name, file)
    return f"{folder(spec.app)}/{name}"


def _known(text: Text, spec: Spec) -> str | None:
    """The whole text when all of it is known before anything runs."""
    parts = []
    for part in text.parts:
        value: str | None = part if isinstance(part, str) else None
        if not isinstance(part, str) and part.kind == "resource":
            output = spec.resources[part.name].outputs.get(part.output)
            value = output.literal if output else None
        elif not isinstance(part, str) and part.kind == "service" and part.output == "public_url":
            public = spec.services[part.name].public
            value = f"https://{public.host}" if public else None
        if value is None:
            return None
        parts.append(value)
    return "".join(parts)


def _verbatim(text: str) -> str:
    """A user's text in a place that Alertmanager expands as a Go template."""
    return text.replace("{{", '{{ "{{" }}')


def _slug(text: str) -> str:
    """A name as part of a file's name; one that loses something keeps a mark of the whole."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if slug == text and len(slug) <= _NAME_LIMIT:
        return slug
    return f"{slug[:_NAME_LIMIT]}-{hashlib.sha256(text.encode()).hexdigest()[:6]}".lstrip("-")
