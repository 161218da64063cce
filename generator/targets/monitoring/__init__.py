"""Spec -> what is measured, alarmed, drawn, logged and traced: one tree below `monitoring/`, and the runbooks."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from generator.artifact import Artifact
from generator.model import Product

PARTS = ("prometheus", "scraping", "alertmanager", "grafana", "logs", "traces", "runbooks")
"""Modules with `plan(product)`, in the order in which a reader wants their files."""


def plan(product: Product) -> Iterator[Artifact]:
    """Every part of the monitoring of every environment."""
    for name in PARTS:
        yield from importlib.import_module(f"generator.targets.monitoring.{name}").plan(product)
