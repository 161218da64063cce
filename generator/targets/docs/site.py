"""What the documents speak of: which trees, pipelines and places this product has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from generator.artifact import because
from generator.markdown import code, written
from generator.model import Product, Spec
from generator.monitoring.addresses import runbook_path
from generator.names import LIMIT, cut

FOLDER = "docs/infrastructure"
_CLOUDS = frozenset({"aws"})
"""Clouds that Terraform is made for."""


def last(product: Product) -> Spec:
    """The environment that the others lead to."""
    return list(product.environments.values())[-1]


def on_kubernetes(spec: Spec) -> bool:
    return spec.renders("kubernetes") and spec.platform.compute == "kubernetes"


def on_ecs(spec: Spec) -> bool:
    return terraformed(spec) and spec.platform.compute == "ecs"


def terraformed(spec: Spec) -> bool:
    return spec.renders("terraform") and spec.cloud is not None and spec.cloud.provider in _CLOUDS


def followed(spec: Spec) -> bool:
    """Whether a controller of the cluster applies what the repository holds."""
    return on_kubernetes(spec) and spec.platform.kubernetes.gitops != "none"


def built(spec: Spec) -> tuple[str, ...]:
    return tuple(name for name, service in spec.services.items() if service.built)


def planned(spec: Spec) -> Iterator[str]:
    """The commands that bring the cloud of an environment to what its root says."""
    root = f"terraform -chdir=terraform/environments/{spec.environment.name}"
    images = " -var-file=images.tfvars.json" if on_ecs(spec) else ""
    yield f"{root} init -backend-config=state.s3.tfbackend"
    yield f"{root} plan{images} -out=plan.tfplan"
    yield f"{root} apply plan.tfplan"


def tasks(spec: Spec) -> tuple[str, ...]:
    """The services of ECS by the names that Terraform gives them."""
    return tuple(task for name, task in spec.tasks.items() if not spec.services[name].once)


def addresses(spec: Spec) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What says from outside that it is ready, once each; a path that is not behind the prefix leads elsewhere."""
    found: dict[str, tuple[str, ...]] = {}
    for service in spec.services.values():
        public = service.public
        path = service.health.ready if service.type != "static" else "/"
        if public is not None and path.startswith(public.path_prefix.rstrip("/") + "/"):
            found.setdefault(f"https://{public.host}{path}", (public.path,))
    return iter(found.items())


def pipelines(product: Product) -> Mapping[str, str]:
    """The workflows by name, with the file of each; none where no pipeline is made."""
    base = product.base
    if not base.renders("ci") or not base.delivery.ci:
        return {}
    names = ["check"]
    grounded = [spec for spec in product.environments.values() if terraformed(spec)]
    if grounded:
        names += ["infra-plan", "infra-apply", "drift"]
    deployable = any(on_kubernetes(spec) or on_ecs(spec) for spec in product.environments.values())
    if built(base):
        names.append("image")
        names += ["promote"] if any(spec.environment.promote_from for spec in product.environments.values()) else []
        names += ["rollback"] if deployable else []
    backed = [spec for spec in grounded if any(resource.backup for resource in spec.resources.values())]
    if any(spec.disaster_recovery is not None for spec in backed):
        names.append("dr-drill")
    folder = ".github/workflows" if "github" in base.delivery.ci else ".gitlab/ci"
    return {name: f"{folder}/{name}.yml" for name in (*names, "pins")}


def subjects(product: Product) -> tuple[str, ...]:
    """What has a runbook of its own."""
    if not product.base.renders("monitoring"):
        return ()
    from generator.monitoring.rules import groups

    specs = product.environments.values()
    return tuple(sorted({alert.subject for spec in specs for group in groups(spec) for alert in group.alerts}))


def runbooks(product: Product) -> Iterator[str]:
    """Links to the runbooks, from a document beside their folder."""
    for name in subjects(product):
        yield f"[{name}]({runbook_path(name).removeprefix(f'{FOLDER}/')})"


def row(*cells: str) -> str:
    """A row of a table; texts of the user's are escaped before."""
    return f"| {' | '.join(cell or '-' for cell in cells)} |"


def told(rows: Iterator[tuple[str, tuple[str, ...]]]) -> list[object]:
    """Lines with the spec places behind them, for a template."""
    return [because(text, *causes) for text, causes in rows]


def home(spec: Spec) -> str:
    """Where an environment runs, in words."""
    cloud = spec.cloud
    region = f", {cloud.region}" if cloud is not None and cloud.region else ""
    if on_kubernetes(spec):
        return f"namespace {code(spec.namespace, cell=True)}{region}"
    if on_ecs(spec):
        return f"ECS cluster {code(cluster(spec), cell=True)}{region}"
    return f"{written(spec.platform.compute)}{region}"


def cluster(spec: Spec) -> str:
    """The cluster's name, as Terraform gives it."""
    return spec.platform.cluster or cut(f"{spec.app}-{spec.environment.name}", LIMIT)
