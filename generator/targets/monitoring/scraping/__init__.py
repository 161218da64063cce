"""What is asked for metrics, how often, and where: the operator's objects, a plain file, a laptop's stack."""

from __future__ import annotations

from collections.abc import Iterator

from generator.artifact import Artifact
from generator.model import Product, Spec
from generator.targets.monitoring.scraping import cloudwatch, laptop, operated, plain


def plan(product: Product) -> Iterator[Artifact]:
    """Of each environment the scrapes, and for AWS what its exporter asks; the stack for a laptop once."""
    for spec in product.environments.values():
        yield from (operated if operates(spec) else plain).plan(spec)
        yield from cloudwatch.plan(spec)
    if product.environments and product.base.renders("compose"):
        yield from laptop.plan(product)


def operates(spec: Spec) -> bool:
    """Whether the Prometheus operator runs Prometheus there."""
    return spec.platform.compute == "kubernetes" and spec.monitoring.metrics.operator
