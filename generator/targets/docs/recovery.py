"""The day a region or a store is lost: what is asked, what is reached, and what is done then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator import recovery
from generator.artifact import Artifact, because
from generator.markdown import code, written
from generator.model import DisasterRecovery, Product, Resource, Spec
from generator.names import LIMIT, cut
from generator.quantity import seconds
from generator.targets.docs.site import (
    FOLDER,
    addresses,
    cluster,
    last,
    on_kubernetes,
    pipelines,
    planned,
    row,
    terraformed,
    told,
)
from generator.targets.docs.trouble import called

Told = tuple[str, tuple[str, ...]]
_WAYS = {
    "backup-restore": "Nothing runs in the second region; everything is built there and data restored from backups.",
    "pilot-light": "Data is copied to the second region; everything else is built when it is needed.",
    "warm-standby": "The product runs in the second region, small, beside a replica of its data.",
    "active-active": "The product serves from both regions.",
}


def plan(product: Product) -> Iterator[Artifact]:
    spec = last(product)
    drill = pipelines(product).get("dr-drill", "")
    context: dict[str, Any] = {
        "app": because(written(spec.app), "app"),
        "owner": because(written(spec.owner), "owner"),
        "asked": [_asked(one) for one in product.environments.values() if one.disaster_recovery is not None],
        "unasked": told(_unasked(product)),
        "stores": told(_stores(product)),
        "databases": [item for one in product.environments.values() for item in _databases(one)],
        "application": [_application(one) for one in product.environments.values()],
        "checks": told(_checks(spec)),
        "drill": because(code(drill) if drill else "", "disaster_recovery.drill"),
        "often": because(_often(product), "disaster_recovery.drill"),
        "called": told(called(spec)),
    }
    yield Artifact(f"{FOLDER}/disaster-recovery.md", "docs", "docs/recovery.md.j2", context, "disaster_recovery")


def _asked(spec: Spec) -> dict[str, Any]:
    """What an environment promises, and the arithmetic of what it reaches."""
    plan_ = spec.disaster_recovery
    assert plan_ is not None  # noqa: S101  # asked for such environments alone
    cloud = spec.cloud
    far = cloud.dr_region if cloud is not None else None
    return {
        "name": because(spec.environment.name, spec.environment.path),
        "strategy": because(plan_.strategy, plan_.at("strategy")),
        "means": because(_WAYS[plan_.strategy], plan_.at("strategy")),
        "region": because(far or "", "cloud.dr_region"),
        "rows": told(_reached(spec, plan_)),
    }


def _reached(spec: Spec, plan_: DisasterRecovery) -> Iterator[Told]:
    away = recovery.time_away(plan_)
    cells = ("time away (RTO)", written(spec.app), plan_.rto, _spoken(away), away.arithmetic, _met(away, plan_.rto))
    yield row(*cells), (plan_.at("rto"),)
    for resource, reached in recovery.data_loss(spec, plan_):
        says = (
            "data lost (RPO)",
            resource.name,
            plan_.rpo,
            _spoken(reached),
            reached.arithmetic,
            _met(reached, plan_.rpo),
        )
        yield row(*says), (plan_.at("rpo"), resource.path)


def _spoken(reached: recovery.Reached) -> str:
    return recovery.spoken(reached.seconds) if reached.seconds is not None else "unbounded"


def _met(reached: recovery.Reached, asked: str) -> str:
    if reached.seconds is None:
        return "no"
    return "yes" if reached.seconds <= seconds(asked) else "no"


def _unasked(product: Product) -> Iterator[Told]:
    for name, spec in product.environments.items():
        if spec.disaster_recovery is None:
            yield f"- {name}: the spec asks for no recovery in another region", (spec.environment.path,)


def _stores(product: Product) -> Iterator[Told]:
    for name, spec in product.environments.items():
        for resource in spec.resources.values():
            backup = resource.backup
            if backup is not None:
                far = "yes" if backup.copy_to_dr or resource.replicate else "no"
                yield row(name, resource.name, resource.type, backup.every, backup.keep, far), (backup.path,)


def _databases(spec: Spec) -> Iterator[dict[str, Any]]:
    """The commands that bring a store back: from its backups, and from its copy when the region is lost."""
    name = spec.environment.name
    for resource in spec.resources.values():
        if resource.backup is None or not terraformed(spec):
            continue
        for title, lines in (
            (f"{resource.name} of {name}", tuple(_restore(spec, resource))),
            (f"{resource.name} of {name}, when its region is lost", tuple(_promoted(spec, resource))),
        ):
            if lines:
                cause = (resource.path, spec.environment.path)
                yield {"title": because(title, *cause), "lines": told((line, cause) for line in lines)}


def _restore(spec: Spec, resource: Resource) -> Iterator[str]:
    region = spec.cloud.region if spec.cloud is not None else ""
    name = cut(f"{spec.app}-{spec.environment.name}-{resource.name}", LIMIT)
    if resource.type in {"postgres", "mysql"}:
        kind = "db-cluster" if resource.aurora else "db-instance"
        option = '--restore-time "$LAST_RIGHT"'
        yield f"export AWS_REGION={region}"
        yield f"aws rds describe-{kind}s --{kind}-identifier {name}"
        yield "# into a new one; the old one stays until the new one is proven. LAST_RIGHT is the last moment that was"
        yield "# right, in UTC as in 2026-01-31T12:00:00Z; after a mere loss write --use-latest-restorable-time"
        target = "--db-cluster" if resource.aurora else "--target-db-instance"
        restored = f"{target}-identifier {name}-restored {option}"
        yield f"aws rds restore-{kind}-to-point-in-time --source-{kind}-identifier {name} {restored}"
    elif resource.type == "bucket":
        yield f"export AWS_REGION={region}"
        yield f"BUCKET={name}-$(aws sts get-caller-identity --query Account --output text)"
        yield 'aws s3api list-object-versions --bucket "$BUCKET" --prefix "$KEY"'
        yield "# the VERSION that was right is copied over the one that is wrong"
        yield 'aws s3api copy-object --bucket "$BUCKET" --key "$KEY" --copy-source "$BUCKET/$KEY?versionId=$VERSION"'


def _promoted(spec: Spec, resource: Resource) -> Iterator[str]:
    """A replica in the second region becomes the store."""
    plan_, cloud = spec.disaster_recovery, spec.cloud
    if plan_ is None or cloud is None or not cloud.dr_region or plan_.strategy == "backup-restore":
        return
    name = cut(f"{spec.app}-{spec.environment.name}-dr-{resource.name}", LIMIT)
    if resource.type in {"postgres", "mysql"}:
        yield f"export AWS_REGION={cloud.dr_region}"
        if resource.aurora:
            yield f"aws rds describe-db-clusters --db-cluster-identifier {name}"
            together = f"{cut(f'{spec.app}-{spec.environment.name}-{resource.name}', LIMIT)}-global"
            removed = 'aws rds remove-from-global-cluster --db-cluster-identifier "$ARN_OF_IT"'
            yield f"{removed} --global-cluster-identifier {together}"
        else:
            yield f"aws rds promote-read-replica --db-instance-identifier {name}"
            yield f"aws rds wait db-instance-available --db-instance-identifier {name}"


def _application(spec: Spec) -> dict[str, Any]:
    lines: list[Told] = []
    cause = (spec.environment.path,)
    name = spec.environment.name
    if terraformed(spec):
        lines += [(line, cause) for line in planned(spec)]
    if on_kubernetes(spec):
        if terraformed(spec):
            region = f" --region {spec.cloud.region}" if spec.cloud is not None and spec.cloud.region else ""
            lines.append((f"aws eks update-kubeconfig --name {cluster(spec)}{region}", cause))
        lines.append((f"kubectl apply -k kubernetes/overlays/{name}", cause))
    return {"name": because(name, *cause), "lines": told(iter(lines))}


def _checks(spec: Spec) -> Iterator[Told]:
    """How somebody proves that what came back is what was lost."""
    kinds = {resource.type for resource in spec.resources.values()}
    if "postgres" in kinds:
        yield 'pg_dump --data-only "$OLD_URL" | sha256sum; pg_dump --data-only "$NEW_URL" | sha256sum', ("resources",)
    if "mysql" in kinds:
        yield "mysql --execute 'CHECKSUM TABLE TABLE_NAME'  # in both, for each table", ("resources",)
    if "bucket" in kinds:
        yield 'aws s3api head-object --bucket "$BUCKET" --key "$KEY" --checksum-mode ENABLED', ("resources",)
    for address, causes in addresses(spec):
        yield f"curl -fsS {address}", causes


def _often(product: Product) -> str:
    plans = [spec.disaster_recovery for spec in product.environments.values() if spec.disaster_recovery is not None]
    return plans[-1].drill if plans else ""
