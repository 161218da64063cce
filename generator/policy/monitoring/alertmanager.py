"""Derived facts about Alertmanager: routes, receivers, inhibition."""

from __future__ import annotations

from generator.policy.found import Derive

DERIVED: dict[str, Derive] = {}
