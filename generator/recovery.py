"""What a lost region costs: data lost (RPO) and time away (RTO), reached against asked, with the arithmetic.

The numbers are dated data (`schemas/data/recovery.json`), each with its source or marked as assumed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from generator import data
from generator.model import DisasterRecovery, Resource, Spec
from generator.quantity import seconds

STORES = ("postgres", "mysql", "bucket")
"""Resource types that hold data which exists nowhere else."""


@dataclass(frozen=True, slots=True)
class Step:
    """One term of a sum."""

    says: str
    seconds: int
    cause: str
    """The spec path that makes it so, or "" for a fact of the cloud."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What is reached for a store or for the product; `steps` is None where nothing bounds it."""

    subject: str
    steps: tuple[Step, ...] | None

    @property
    def seconds(self) -> int | None:
        return None if self.steps is None else sum(step.seconds for step in self.steps)

    @property
    def arithmetic(self) -> str:
        """`1h (a backup every hour) + 1h (…) = 2h`."""
        if self.steps is None:
            return "nothing is copied to the second region"
        terms = " + ".join(f"{spoken(step.seconds)} ({step.says})" for step in self.steps)
        return terms if len(self.steps) == 1 else f"{terms} = {spoken(self.seconds or 0)}"


def spoken(count: int) -> str:
    """Seconds as people say them: 5400 is `1h 30m`, 90 is `1m 30s`."""
    parts = []
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        number, count = divmod(count, size)
        if number:
            parts.append(f"{number}{unit}")
    return " ".join(parts) or "0s"


def data_loss(spec: Spec, plan: DisasterRecovery) -> Iterator[tuple[Resource, Reached]]:
    """For each store, how old the copy in the second region may be."""
    for resource in spec.resources.values():
        if resource.type in STORES:
            yield resource, Reached(resource.name, _copy(resource, plan))


def time_away(plan: DisasterRecovery) -> Reached:
    """How long the product is away when its region is lost."""
    names = ["detection"]
    if plan.failover == "manual" or plan.strategy in {"backup-restore", "pilot-light"}:
        names.append("decision")
    names += {"backup-restore": ["build", "restore"], "pilot-light": ["build", "promotion"]}.get(
        plan.strategy, ["promotion"]
    )
    causes = {"decision": plan.at("failover"), "build": plan.at("strategy"), "restore": plan.at("strategy")}
    steps = tuple(_fact(name, causes.get(name, "")) for name in [*names, "dns"])
    return Reached(spec_subject(plan), steps)


def spec_subject(plan: DisasterRecovery) -> str:
    return f"the product with {plan.strategy}"


def _copy(resource: Resource, plan: DisasterRecovery) -> tuple[Step, ...] | None:
    if resource.type == "bucket":
        return (_fact("object_replication", resource.at("replicate")),) if resource.replicate else _backups(resource)
    if plan.strategy != "backup-restore":
        return (_fact("replica_lag", plan.at("strategy")),)
    if resource.backup is not None and resource.backup.copy_to_dr and not resource.aurora:
        return (_fact("replicated_backup", resource.backup.at("copy_to_dr")),)
    return _backups(resource)


def _backups(resource: Resource) -> tuple[Step, ...] | None:
    """A backup every so often, and the time to copy it."""
    backup = resource.backup
    if backup is None or not backup.copy_to_dr:
        return None
    every = Step(f"a backup every {backup.every}", seconds(backup.every), backup.at("every"))
    return (every, _fact("backup_copy", backup.at("copy_to_dr")))


def _fact(name: str, cause: str) -> Step:
    entry = data.load("schemas/data/recovery.json")["aws"][name]
    return Step(entry["says"], entry["seconds"], cause)
