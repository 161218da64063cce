"""One region of one environment: where modules are called, under which names and providers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from generator import aws
from generator.addresses import beside
from generator.artifact import because
from generator.derive import FOLLOWED
from generator.model import Cloud, Spec
from generator.names import LIMIT, cut
from generator.targets.terraform.call import Call, Expression, identifier

SECOND = "dr"
"""The second region in names, and the alias of its provider."""


@dataclass(frozen=True, slots=True)
class Site:
    """`suffix` is "" in the first region. `role` is primary or secondary where there is a failover, else ""."""

    spec: Spec
    cloud: Cloud
    region: str
    cidr: str
    suffix: str = ""
    role: str = ""
    network: Mapping[str, Any] = field(default_factory=dict)
    """Expressions of the network, whether made or found: vpc_id, subnet ids, endpoint group, prefix list."""
    cluster: Mapping[str, Any] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        parts = (self.spec.app, self.spec.environment.name, self.suffix)
        return "-".join(part for part in parts if part)

    @property
    def secret_prefix(self) -> str:
        """Where connection secrets stand; workloads read them by this name."""
        return f"{self.spec.app}/{self.spec.environment.name}"

    @property
    def region_cause(self) -> str:
        return self.cloud.at("dr_region" if self.suffix else "region")

    @property
    def key(self) -> Any:
        """The environment's own key in this region."""
        return because(Expression(f"module.{identifier('secrets', self.suffix)}.kms_key_arn"), "environments")

    def name(self, *words: str, limit: int = LIMIT) -> Any:
        causes = ("app", self.spec.environment.path)
        return because(cut("-".join((self.prefix, *words)), limit), *causes)

    def call(self, name: tuple[str, ...], module: str, file: str, origin: str, arguments: Mapping[str, Any]) -> Call:
        """A call in this region; arguments that are None are left to the module."""
        providers = {"aws": f"aws.{self.suffix}"} if self.suffix else {}
        kept = {key: value for key, value in arguments.items() if value is not None}
        behind = f"-{self.suffix}" if self.suffix else ""
        return Call(identifier(*name, self.suffix), module, file + behind, origin, kept, providers)

    def module(self, *name: str) -> str:
        """The address of a call of this region."""
        return f"module.{identifier(*name, self.suffix)}"

    def zones(self) -> tuple[str, ...]:
        return (aws.zones(self.region) or ())[: self.cloud.network.zones]


def first(spec: Spec, cloud: Cloud) -> Site:
    """The region the spec names."""
    role = "primary" if stands_by(spec) else ""
    return Site(spec, cloud, str(cloud.region), cloud.network.cidr, role=role)


def second(spec: Spec, cloud: Cloud) -> Site | None:
    """The second region, when the environment copies anything to it."""
    if cloud.dr_region is None or not copies(spec):
        return None
    role = "secondary" if stands_by(spec) else ""
    return Site(spec, cloud, cloud.dr_region, beside(cloud.network.cidr), suffix=SECOND, role=role)


def copies(spec: Spec) -> bool:
    """Whether anything of the environment goes to the second region."""
    copied = any(
        resource.replicate or (resource.backup is not None and resource.backup.copy_to_dr)
        for resource in spec.resources.values()
    )
    return copied or spec.disaster_recovery is not None


def follows(spec: Spec) -> bool:
    """Whether databases have a replica in the second region."""
    plan = spec.disaster_recovery
    return plan is not None and plan.strategy in FOLLOWED


def stands_by(spec: Spec) -> bool:
    """Whether the product itself runs in the second region."""
    plan = spec.disaster_recovery
    return plan is not None and plan.strategy in {"warm-standby", "active-active"}
