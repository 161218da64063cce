"""Documents: what people read before they change, run or mend the product."""

from __future__ import annotations

from collections.abc import Iterator

from generator.artifact import Artifact
from generator.model import Product
from generator.targets.docs import catalog, deployment, diagrams, onboarding, overview, recovery, trouble

PARTS = (overview, deployment, trouble, recovery, onboarding, diagrams, catalog)
"""Modules with `plan(product)`, in the order in which a reader wants their files."""


def plan(product: Product) -> Iterator[Artifact]:
    """Every document of the product."""
    for part in PARTS:
        yield from part.plan(product)
