"""Product -> Artifacts. Each target is a module with `plan(product)`; the table is the registry."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Protocol, cast

from generator.artifact import Artifact
from generator.model import Product


class Target(Protocol):
    """What a target module looks like: it plans files, it writes none."""

    def plan(self, product: Product) -> Iterator[Artifact]: ...


TARGETS: dict[str, str] = {
    "docker": "generator.targets.docker",
    "compose": "generator.targets.compose",
    "kubernetes": "generator.targets.kubernetes",
    "terraform": "generator.targets.terraform",
    "monitoring": "generator.targets.monitoring",
    "ci": "generator.targets.ci",
    "docs": "generator.targets.docs",
}


def target(name: str) -> Target:
    """The target module by its name in the table."""
    return cast("Target", importlib.import_module(TARGETS[name]))
