"""Delivery: one plan of workflows, written for each forge that the spec names."""

from __future__ import annotations

from collections.abc import Iterator

from generator.artifact import Artifact
from generator.model import Product
from generator.targets.ci import github, gitlab
from generator.targets.ci.releases import accepted
from generator.targets.ci.workflows import workflows

_FORGES = {"github": github, "gitlab": gitlab}


def plan(product: Product) -> Iterator[Artifact]:
    """The workflows in the notation of every forge of `delivery.ci`."""
    made = tuple(workflows(product))
    if product.base.delivery.ci and any(service.built for service in product.base.services.values()):
        yield from accepted(product)
    for forge in product.base.delivery.ci:
        yield from _FORGES[forge].files(made)
