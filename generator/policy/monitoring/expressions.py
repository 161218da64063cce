"""Derived facts about PromQL wherever it stands: rules, dashboards, analyses."""

from __future__ import annotations

from generator.policy.found import Derive

DERIVED: dict[str, Derive] = {}
