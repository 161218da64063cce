"""Derived facts about monitoring files against one another and against what is watched."""

from __future__ import annotations

from generator.policy.found import Derive

DERIVED: dict[str, Derive] = {}
