"""What streams, policies and objects of the logs are called, and which images run them."""

from __future__ import annotations

import uuid
from typing import Any

from generator import data
from generator.artifact import because
from generator.model import Spec
from generator.names import cut

_OBJECT_LIMIT = 63
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names"""


def stream(spec: Spec) -> str:
    """The data stream of an environment: type, data set, environment.

    https://www.elastic.co/docs/manage-data/data-store/data-streams#data-streams-naming-scheme
    """
    return f"logs-{spec.app}-{spec.environment.name}"


def audit_stream(spec: Spec) -> str:
    return f"logs-{spec.app}.audit-{spec.environment.name}"


def policy(spec: Spec) -> str:
    """The lifecycle policy, and the index template, of an environment's logs."""
    return f"{spec.namespace}-logs"


def audit_policy(spec: Spec) -> str:
    return f"{spec.namespace}-audit"


def workload(spec: Spec) -> str:
    """The shipper's objects in the cluster."""
    return cut(f"{spec.monitoring.logs.shipper}-{spec.namespace}", _OBJECT_LIMIT)


def image(name: str) -> Any:
    """An image of the dated data, tied to the key that asks for it."""
    cause = "monitoring.logs.shipper" if name.startswith("fluent") else "monitoring.logs.store"
    return because(data.load("schemas/data/monitoring-images-logs.json")["images"][name]["image"], cause)


def identity(app: str, name: str) -> str:
    """A UUID that is the same in every generation: Kibana replaces its object instead of making a second one."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:groundplan:{app}:logs:{name}"))
