"""AWS: the root of an environment, and what must exist before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from generator.artifact import Artifact, because
from generator.filters import hcl
from generator.model import Cloud, Product, Spec
from generator.names import cut
from generator.targets.terraform.aws import alarms, platform, stores, workloads
from generator.targets.terraform.aws.site import SECOND, Site, first, follows, second, stands_by
from generator.targets.terraform.call import Call, Expression
from generator.targets.terraform.root import Root

HOLDING = frozenset({"database", "bucket", "queue", "registry", "backup", "secrets", "cdn"})
"""Modules whose resources hold data, keys or images."""


def root(spec: Spec) -> Root:
    """Everything one environment needs, in one region or two."""
    cloud = spec.cloud
    assert cloud is not None  # noqa: S101  # the target plans no root without one
    near, far = first(spec, cloud), second(spec, cloud)
    calls, lookups, stores_near = _region(near, far)
    if far is not None:
        more, _, _ = _region(far, far, stores_near)
        calls += more
    return Root(
        calls=tuple(calls),
        providers=tuple(_providers(spec, cloud, calls)),
        tags=_tags(spec),
        backend=_backend(spec, cloud),
        lookups=tuple(lookups),
        variables=tuple(_variables(spec)),
        outputs=tuple(_outputs(spec, calls)),
    )


def _region(
    site: Site, far: Site | None, near: Mapping[str, Call] | None = None
) -> tuple[list[Call], list[platform.Lookup], dict[str, Call]]:
    """The calls of one region. In the second one `near` has the stores of the first, whose copies it holds."""
    spec = site.spec
    runs = not site.suffix or stands_by(spec)
    calls, lookups = [platform.secrets(site, far)], list[platform.Lookup]()
    if runs or follows(spec):
        site, made, found = platform.network(site)
        calls, lookups = [*calls, *made], [*lookups, *found]
    if runs:
        calls += platform.registry(site, far)
        site, made, found = platform.cluster(site)
        calls, lookups = [*calls, *made], [*lookups, *found]
    own = stores.calls(site, far)
    calls += own.values()
    if runs:
        calls += platform.edge(site)
        calls += workloads.calls(site, own) if spec.platform.compute == "ecs" else workloads.identity(site, own)
    copied = {name: call for name, call in (near or own).items() if call.module in {"database", "bucket"}}
    calls += platform.backup(site, copied, far)
    if runs or any(call.module == "bucket" for call in own.values()):
        calls.append(platform.observability(site, alarms.alarms(site, calls) if runs else {}))
    if not site.suffix:
        calls += platform.budget(site)
    return calls, lookups, own


def _tags(spec: Spec) -> dict[str, Any]:
    """The standard tags, and those of the spec."""
    standard = {
        "app": because(spec.app, "app"),
        "environment": because(spec.environment.name, spec.environment.path),
        "owner": because(spec.owner, "owner"),
        "managed-by": "groundplan",
    }
    return standard | {name: because(value, f"tags.{name}") for name, value in spec.tags.items()}


def _providers(spec: Spec, cloud: Cloud, calls: list[Call]) -> Iterator[dict[str, Any]]:
    account = cloud.account.get(spec.environment.name)
    cause = f"cloud.account.{spec.environment.name}"
    allowed = {"allowed_account_ids": because([account], cause)} if account else {}
    yield {"attributes": {"region": because(cloud.region, cloud.at("region")), **allowed}}
    used = {value for call in calls for value in call.providers.values()}
    if f"aws.{SECOND}" in used:
        region = because(cloud.dr_region, cloud.at("dr_region"))
        yield {"attributes": {"alias": SECOND, "region": region, **allowed}}
    if "aws.us_east_1" in used:
        # certificates and firewalls of CloudFront live there, whatever the product's region
        yield {"attributes": {"alias": "us_east_1", "region": "us-east-1", **allowed}}


def state_bucket(spec: Spec) -> str:
    """The bucket of an environment's state; bucket names are global, so an account makes it unlike others'."""
    account = spec.cloud.account.get(spec.environment.name) if spec.cloud else None
    return cut("-".join(part for part in (spec.app, spec.environment.name, "terraform-state", account) if part), 63)


def _backend(spec: Spec, cloud: Cloud) -> dict[str, Any]:
    """State in S3 with its own lock file and the environment's state key, both made by the bootstrap."""
    causes = ("app", spec.environment.path)
    return {
        "bucket": because(state_bucket(spec), f"cloud.account.{spec.environment.name}", *causes),
        "key": because(f"{spec.app}/{spec.environment.name}/terraform.tfstate", *causes),
        "region": because(cloud.region, cloud.at("region")),
        "encrypt": True,
        "kms_key_id": because(f"alias/{spec.app}-{spec.environment.name}-terraform-state", *causes),
        "use_lockfile": True,
    }


def _variables(spec: Spec) -> Iterator[dict[str, Any]]:
    """What only a pipeline knows: the digests of the images, and who may administer a cluster."""
    if spec.platform.compute == "ecs":
        built = [name for name in spec.tasks if spec.services[name].built]
        if built:
            yield _images(built)
    elif spec.platform.cluster is None:
        yield _access()


def _images(built: list[str]) -> dict[str, Any]:
    attributes = {
        "type": Expression("map(string)"),
        "description": f"Image of each service by digest, made by the pipeline: {', '.join(built)}.",
        "nullable": False,
    }
    listed = ", ".join(hcl(name) for name in built)
    named = f"alltrue([for name in [{listed}] : can(var.images[name])])"
    pinned = 'alltrue([for image in values(var.images) : can(regex("@sha256:[0-9a-f]{64}$", image))])'
    return {
        "name": "images",
        "attributes": attributes,
        "validation": {
            "condition": Expression(f"{named} && {pinned}"),
            "error_message": "Every service has an image, and every image ends in its digest, @sha256: and 64 digits.",
        },
    }


def _access() -> dict[str, Any]:
    kind = "map(object({ principal_arn = string, policy = string, namespaces = optional(list(string), []) }))"
    matches = 'can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/", entry.principal_arn))'
    return {
        "name": "cluster_access",
        "attributes": {
            "type": Expression(kind),
            "description": "Who may use the cluster, by a name of your own: an IAM role and an access policy of EKS.",
            "default": {},
            "nullable": False,
        },
        "validation": {
            "condition": Expression(f"alltrue([for entry in values(var.cluster_access) : {matches}])"),
            "error_message": "Each principal_arn is the ARN of an IAM role or user.",
        },
    }


def _outputs(spec: Spec, calls: list[Call]) -> Iterator[dict[str, Any]]:
    """What pipelines and people ask for."""
    wanted = {
        "cluster": ("cluster_name", "Name of the cluster."),
        "edge": ("web_acl_arn", "Web ACL that the gateway or the load balancer takes."),
        "registry": ("repository_urls", "Repositories of the images, by name."),
    }
    by_name = {call.name: call for call in calls}
    for name, (output, description) in wanted.items():
        call = by_name.get(name)
        if call is not None:
            yield _output(output, call.output(output), description, call.origin)
    if spec.platform.compute != "ecs" and "dns" in by_name:
        call = by_name["dns"]
        yield _output(
            "certificate_arn", call.output("certificate_arn"), "Certificate of the public hosts.", call.origin
        )
    for call in calls:
        if call.module == "job" and call.name.endswith("_migrate"):
            name = f"{call.name.removeprefix('job_')}_task"
            yield _output(name, call.output("task_definition_arn"), "Task that migrates the database.", call.origin)


def _output(name: str, value: Any, description: str, origin: str) -> dict[str, Any]:
    return {"name": because(name, origin), "attributes": {"description": description, "value": value}}


def bootstrap(product: Product) -> Iterator[Artifact]:
    """Values, one file an environment, for the root that makes the state's bucket and key and the pipeline's roles."""
    for spec in product.environments.values():
        cloud = spec.cloud
        if cloud is None or cloud.provider != "aws":
            continue
        name = spec.environment.name
        forge = [kind for kind in spec.delivery.ci if kind in {"github", "gitlab"}]
        values = {
            "app": because(spec.app, "app"),
            "environment": because(name, spec.environment.path),
            "owner": because(spec.owner, "owner"),
            "region": because(cloud.region, cloud.at("region")),
            "account": because(cloud.account.get(name, ""), f"cloud.account.{name}"),
            "state_bucket": because(state_bucket(spec), "app", spec.environment.path),
            "ci_provider": because(forge[0] if forge else "github", "delivery.ci"),
            "repository": because(spec.delivery.repository or "", "delivery.repository"),
        }
        if product.registry_keeper is spec:
            values["publishes"] = because(True, "platform.registry.host")
        context = {"values": values}
        path = f"terraform/bootstrap/{name}.tfvars"
        yield Artifact(path, "terraform", "terraform/backend.hcl.j2", context, spec.environment.path, name)


__all__ = ["bootstrap", "root"]
