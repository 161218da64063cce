"""How the product gets where it runs: for the first time, with each change, and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.artifact import Artifact, because
from generator.markdown import code, written
from generator.model import Product, Spec
from generator.targets.docs.site import (
    FOLDER,
    addresses,
    built,
    cluster,
    followed,
    last,
    on_ecs,
    on_kubernetes,
    pipelines,
    planned,
    row,
    tasks,
    terraformed,
    told,
)

_AT_ONCE = 10
"""Services that can be asked for together:
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html"""
Told = tuple[str, tuple[str, ...]]


def plan(product: Product) -> Iterator[Artifact]:
    spec = last(product)
    flows = pipelines(product)
    forge = "GitLab" if "gitlab" in spec.delivery.ci else "GitHub"
    context: dict[str, Any] = {
        "app": because(written(spec.app), "app"),
        "owner": because(written(spec.owner), "owner"),
        "tools": told(_tools(spec)),
        "needs": told(_needs(spec)),
        "secrets": told(_secrets(product)),
        "first": [_first(one) for one in product.environments.values()],
        "pipelines": told(_pipelines(product)),
        "forge": because(forge, "delivery.ci"),
        "steps": told(_change(product)),
        "approvals": told(_approvals(product)),
        "looks": [_look(one) for one in product.environments.values()],
        "parts": because("the manifests and the images" if on_kubernetes(spec) else "the images", "platform.compute"),
        "rollback": because(code(flows["rollback"]) if "rollback" in flows else "", "delivery.ci"),
        "back": [_back(one) for one in product.environments.values()],
        "stores": because(any(resource.backup for resource in spec.resources.values()), "resources"),
        "grounded": because(any(terraformed(one) for one in product.environments.values()), "cloud"),
    }
    yield Artifact(f"{FOLDER}/deployment.md", "docs", "docs/deployment.md.j2", context, "app")


def _tools(spec: Spec) -> Iterator[Told]:
    yield "- `groundplan`, for the files", ("app",)
    if built(spec):
        yield "- `docker` with buildx, for the images", ("services",)
    if terraformed(spec):
        yield "- `terraform` and `aws`, for the cloud", ("cloud.provider",)
    if on_kubernetes(spec):
        yield "- `kubectl`, for the cluster", ("platform.compute",)


def _needs(spec: Spec) -> Iterator[Told]:
    """What a cluster has before anything of ours is applied."""
    if not on_kubernetes(spec):
        return
    platform = spec.platform.kubernetes
    if spec.secrets or spec.resources:
        store = code(spec.platform.secrets.store)
        yield f"- the External Secrets operator, with a ClusterSecretStore {store}", ("platform.secrets",)
    if any(service.public for service in spec.services.values()):
        gateway = code(platform.gateway)
        yield f"- a Gateway {gateway} in the namespace {code(platform.gateway_namespace)}", (platform.at("gateway"),)
    if any(not service.scale.fixed for service in spec.services.values()):
        yield "- the metrics server, which the autoscalers ask", ("services",)
    if spec.renders("monitoring") and spec.monitoring.metrics.operator:
        namespace = code(platform.monitoring_namespace)
        yield f"- the Prometheus operator and the namespace {namespace}", ("monitoring.metrics.operator",)
    if followed(spec):
        yield "- Argo CD, which follows the branches that the pipeline writes", (platform.at("gitops"),)


def _secrets(product: Product) -> Iterator[Told]:
    """Names that somebody gives a value; connections of stores are written by Terraform."""
    for spec in product.environments.values():
        for secret in spec.secrets.values():
            name = f"{spec.app}/{spec.environment.name}/{secret.name}"
            who = secret.owner or spec.owner
            often = f"every {secret.rotate}" if secret.rotate else ""
            yield row(code(name, cell=True), spec.environment.name, written(who), often), (secret.path,)
    yield from _watched(last(product))


def _watched(spec: Spec) -> Iterator[Told]:
    """What the monitoring needs: the addresses of receivers, and how its stores are logged in to."""
    if not (spec.renders("monitoring") and on_kubernetes(spec)):
        return
    name, owner, notify = spec.environment.name, written(spec.owner), spec.notify
    receivers = (notify.page, notify.ticket, notify.stakeholders) if notify is not None else ()
    if any(one and (one.pagerduty or one.slack or one.opsgenie or one.teams or one.webhook) for one in receivers):
        yield row(code(f"{spec.app}/{name}/alertmanager", cell=True), name, owner, ""), ("notify",)
    place = f"{name}, a Secret in {code(spec.platform.kubernetes.monitoring_namespace, cell=True)}"
    for secret, cause in (
        ("log-store", "monitoring.logs"),
        ("trace-store", "monitoring.traces"),
        (f"{spec.app}-grafana", "monitoring.dashboards"),
    ):
        yield row(code(secret, cell=True), place, owner, ""), (cause,)


def _first(spec: Spec) -> dict[str, Any]:
    """The commands that bring an environment into being, in their order."""
    lines: list[Told] = []
    name = spec.environment.name
    cause = (spec.environment.path,)
    if terraformed(spec):
        lines += [
            ("# once, by a person with administrator rights in the account", cause),
            ("terraform -chdir=terraform/bootstrap init", cause),
            (f"terraform -chdir=terraform/bootstrap apply -var-file={name}.tfvars -state={name}.tfstate", cause),
            ("# the cloud", cause),
            *((line, cause) for line in planned(spec)),
        ]
    if on_kubernetes(spec):
        lines.append(("# the cluster", cause))
        if terraformed(spec):
            region = f" --region {spec.cloud.region}" if spec.cloud is not None and spec.cloud.region else ""
            lines.append((f"aws eks update-kubeconfig --name {cluster(spec)}{region}", ("platform.cluster", *cause)))
        lines.append((f"kubectl diff -k kubernetes/overlays/{name}", cause))
        if not followed(spec):
            lines.append((f"kubectl apply -k kubernetes/overlays/{name}", cause))
    return {
        "name": because(name, *cause),
        "lines": told(iter(lines)),
        "followed": because(f"deploy/{name}" if followed(spec) else "", "platform.kubernetes.gitops", *cause),
        "ecs": because(on_ecs(spec), "platform.compute", *cause),
    }


def _pipelines(product: Product) -> Iterator[Told]:
    says = {
        "check": "checks every proposed change",
        "infra-plan": "shows what a change would do to the cloud",
        "infra-apply": "applies the plan that was reviewed",
        "drift": "looks for what somebody changed by hand",
        "image": "builds, scans, signs and publishes images",
        "promote": "brings a release to the next environment, started by hand",
        "rollback": "brings an earlier release back, started by hand",
        "dr-drill": "holds the recovery that was promised against the backups",
        "pins": "looks for what has grown old",
    }
    for name, path in pipelines(product).items():
        yield row(name, code(path), says[name]), ("delivery.ci",)


def _change(product: Product) -> Iterator[Told]:
    """What happens between an edit of the spec and the last environment."""
    flows = pipelines(product)
    if "infra-plan" in flows:
        yield "The pipeline infra-plan shows the plan of each environment in the proposed change.", ("cloud",)
    if "infra-apply" in flows:
        order = ", then ".join(name for name, spec in product.environments.items() if terraformed(spec))
        yield f"After the merge infra-apply applies the plans: {order}.", ("environments",)
    if "image" in flows:
        firsts = [name for name, spec in product.environments.items() if not spec.environment.promote_from]
        yield f"The pipeline image builds each image once and brings it to {', '.join(firsts)}.", ("environments",)
    for name, spec in product.environments.items():
        before = spec.environment.promote_from
        if before and "promote" in flows:
            yield (
                f"Start promote with the environment {name} and the commit of the release that runs in {before}.",
                (spec.environment.at("promote_from"),),
            )
    for service in product.base.services.values():
        if service.migrate:
            yield (
                f"The migration of {service.name} runs before its new version: {code(service.migrate)}.",
                (service.at("migrate"),),
            )


def _approvals(product: Product) -> Iterator[Told]:
    for name, spec in product.environments.items():
        people = [node.word() for node in spec.tree.listed("delivery", "approvals", name)]
        if people:
            who = ", ".join(written(person) for person in people)
            yield f"- {name}: {who} agree before anything reaches it", (f"delivery.approvals.{name}",)
        elif spec.environment.protect:
            yield f"- {name}: somebody agrees before anything reaches it", (spec.environment.at("protect"),)
    for freeze in product.base.tree.listed("delivery", "releases", "freeze"):
        since, until = freeze.word("from"), freeze.word("to")
        yield f"- from {since} to {until} nothing is released", ("delivery.releases",)


def _look(spec: Spec) -> dict[str, Any]:
    lines: list[Told] = []
    for service in spec.services.values():
        cause = (service.path, spec.environment.path)
        kind = {"stateful": "statefulset", "daemon": "daemonset"}.get(service.type, "deployment")
        if on_kubernetes(spec) and service.type in {"web", "api", "worker", "static", "stateful", "daemon"}:
            lines.append((f"kubectl -n {spec.namespace} rollout status {kind}/{service.name}", cause))
    if on_ecs(spec):
        waited = f"aws ecs wait services-stable --cluster {cluster(spec)} --services"
        cause = ("platform.compute", spec.environment.path)
        names = tasks(spec)
        some = [names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE)]
        lines += [(f"{waited} {' '.join(part)}", cause) for part in some]
    if spec.platform.compute in {"kubernetes", "ecs"}:
        lines += [(f"curl -fsS {address}", causes) for address, causes in addresses(spec)]
    return {"name": because(spec.environment.name, spec.environment.path), "lines": told(iter(lines))}


def _back(spec: Spec) -> dict[str, Any]:
    """By hand, when the pipeline cannot be waited for."""
    lines: list[Told] = []
    for service in spec.services.values():
        if on_kubernetes(spec) and not followed(spec) and service.type in {"web", "api", "worker", "static"}:
            cause = (service.path, spec.environment.path)
            lines.append((f"kubectl -n {spec.namespace} rollout undo deployment/{service.name}", cause))
    if followed(spec):
        branch = f"deploy/{spec.environment.name}"
        cause = ("platform.kubernetes.gitops", spec.environment.path)
        lines.append((f"git fetch origin {branch} && git checkout {branch}", cause))
        lines.append((f"git revert --no-edit HEAD && git push origin {branch}", cause))
    return {"name": because(spec.environment.name, spec.environment.path), "lines": told(iter(lines))}
