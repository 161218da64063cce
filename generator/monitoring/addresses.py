"""Where an alert sends its reader: the runbook's heading, the dashboard of its subject."""

from __future__ import annotations

from generator.model import Spec
from generator.names import cut

_UID_LIMIT = 40
"""https://grafana.com/docs/grafana/latest/developers/http_api/dashboard/#identifier-id-vs-unique-identifier-uid"""

PLATFORM = "platform"
"""The subject of what concerns no service or resource alone."""


def runbook_path(subject: str) -> str:
    """The file of a subject's runbook in the repository."""
    from generator.derive import RUNBOOKS

    return f"{RUNBOOKS}/{subject}.md"


def runbook_url(spec: Spec, subject: str, alert: str) -> str:
    """The heading of an alert, where the repository is read."""
    return f"{(spec.monitoring.runbooks or '').rstrip('/')}/{subject}.md#{alert.lower()}"


def dashboard_uid(app: str, name: str) -> str:
    """Stable: made from what the dashboard is about."""
    return cut(f"{app}-{name}", _UID_LIMIT)


def dashboard_url(spec: Spec, subject: str) -> str:
    """The subject's dashboard, in the right environment; a path alone when nobody says where Grafana is."""
    name = subject if subject in spec.services else "kubernetes" if subject == PLATFORM else "infrastructure"
    if name == "kubernetes" and spec.platform.compute != "kubernetes":
        name = "infrastructure"
    address = (spec.monitoring.grafana or "").rstrip("/")
    return f"{address}/d/{dashboard_uid(spec.app, name)}?var-environment={spec.environment.name}"
