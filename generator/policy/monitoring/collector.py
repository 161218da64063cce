"""Derived facts about the OpenTelemetry Collector: components and pipelines."""

from __future__ import annotations

from generator.policy.found import Derive

DERIVED: dict[str, Derive] = {}
