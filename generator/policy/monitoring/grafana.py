"""Derived facts about Grafana dashboards: panels, variables, data sources."""

from __future__ import annotations

from generator.policy.found import Derive

DERIVED: dict[str, Derive] = {}
