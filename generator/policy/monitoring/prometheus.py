"""Derived facts about Prometheus: what is scraped, how often, which rule files."""

from __future__ import annotations

from generator.policy.found import Derive

DERIVED: dict[str, Derive] = {}
