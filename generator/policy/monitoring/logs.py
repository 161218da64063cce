"""Derived facts about Fluent Bit, Fluentd and the stores of logs."""

from __future__ import annotations

from generator.policy.found import Derive

DERIVED: dict[str, Derive] = {}
