"""The general runbook: seven steps for when something is wrong and no alert says what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.artifact import Artifact, because
from generator.markdown import code, written
from generator.model import Product, Receiver, Spec
from generator.targets.docs.site import (
    FOLDER,
    addresses,
    cluster,
    followed,
    last,
    on_ecs,
    on_kubernetes,
    runbooks,
    terraformed,
    told,
)

Told = tuple[str, tuple[str, ...]]


def plan(product: Product) -> Iterator[Artifact]:
    spec = last(product)
    context: dict[str, Any] = {
        "app": because(written(spec.app), "app"),
        "owner": because(written(spec.owner), "owner"),
        "environment": because(spec.environment.name, spec.environment.path),
        "where": told(_where(product)),
        "syntax": told(_syntax(spec)),
        "quotas": told(_quotas(spec)),
        "network": told(_network(spec)),
        "identity": told(_identity(spec)),
        "signals": told(_signals(spec)),
        "runbooks": because(", ".join(runbooks(product)), "services"),
        "units": because("Pods" if on_kubernetes(spec) else "Containers", "platform.compute"),
        "followed": because(followed(spec), "platform.kubernetes.gitops"),
        "called": told(called(spec)),
    }
    yield Artifact(f"{FOLDER}/runbook.md", "docs", "docs/trouble.md.j2", context, "app")


def _where(product: Product) -> Iterator[Told]:
    """One line an environment that sets what the commands below use."""
    for name, spec in product.environments.items():
        cause = (spec.environment.path,)
        cloud = spec.cloud
        region = f" AWS_REGION={cloud.region}" if cloud is not None and cloud.region and terraformed(spec) else ""
        if on_kubernetes(spec):
            yield f"export NAMESPACE={spec.namespace}{region}  # {name}", cause
        elif on_ecs(spec):
            yield f"export CLUSTER={cluster(spec)}{region}  # {name}", cause


def _syntax(spec: Spec) -> Iterator[Told]:
    name = spec.environment.name
    yield "groundplan check", ("app",)
    for service in spec.services.values():
        if service.built and spec.renders("docker"):
            context = service.build.context
            file = spec.dockerfile(service) if context in {"", "."} else f"{context}/{spec.dockerfile(service)}"
            yield f"docker build --check --file {file} {context or '.'}", (service.path,)
    if terraformed(spec):
        yield f"terraform -chdir=terraform/environments/{name} validate", ("cloud",)
    if on_kubernetes(spec):
        yield f"kubectl apply -k kubernetes/overlays/{name} --dry-run=server", ("platform.compute",)


def _quotas(spec: Spec) -> Iterator[Told]:
    if on_kubernetes(spec):
        yield 'kubectl -n "$NAMESPACE" describe resourcequota', ("platform.compute",)
        yield 'kubectl -n "$NAMESPACE" get events --field-selector type=Warning --sort-by .lastTimestamp', ("services",)
        yield 'kubectl -n "$NAMESPACE" top pods', ("services",)
        yield "kubectl get nodes", ("platform.compute",)
    if on_ecs(spec):
        yield 'aws ecs describe-clusters --clusters "$CLUSTER" --include STATISTICS', ("platform.compute",)
        yield "aws service-quotas list-service-quotas --service-code fargate", ("platform.compute",)
    if terraformed(spec):
        yield "aws service-quotas list-service-quotas --service-code vpc", ("cloud",)


def _network(spec: Spec) -> Iterator[Told]:
    if on_kubernetes(spec):
        yield 'kubectl -n "$NAMESPACE" get networkpolicy,service,endpointslices', ("platform.compute",)
        if any(service.public for service in spec.services.values()):
            yield 'kubectl -n "$NAMESPACE" describe httproute', ("services",)
    public = [service.public for service in spec.services.values() if service.public is not None]
    for host, one in {one.host: one for one in public}.items():
        yield f"dig +short {host}", (one.at("host"),)
    for address, causes in addresses(spec):
        yield f"curl -sv -o /dev/null {address}", causes
    if on_ecs(spec) and public:
        groups = "$(aws elbv2 describe-target-groups --query 'TargetGroups[].TargetGroupArn' --output text)"
        each = 'aws elbv2 describe-target-health --target-group-arn "$group"'
        yield f"for group in {groups}; do {each}; done", ("platform.compute",)


def _identity(spec: Spec) -> Iterator[Told]:
    if terraformed(spec):
        yield "aws sts get-caller-identity", ("cloud",)
    if on_kubernetes(spec):
        yield "kubectl auth whoami", ("platform.compute",)
        yield 'kubectl -n "$NAMESPACE" get serviceaccounts', ("services",)
        if spec.secrets or spec.resources:
            yield 'kubectl -n "$NAMESPACE" get externalsecrets', ("platform.secrets",)
    if terraformed(spec):
        yield (
            "aws cloudtrail lookup-events --lookup-attributes AttributeKey=ReadOnly,AttributeValue=false",
            ("cloud",),
        )


def _signals(spec: Spec) -> Iterator[Told]:
    for service in spec.services.values():
        if on_kubernetes(spec):
            selector = f"app.kubernetes.io/name={service.name}"
            yield f'kubectl -n "$NAMESPACE" logs --selector {selector} --since 15m --prefix', (service.path,)
    if on_kubernetes(spec):
        yield 'kubectl -n "$NAMESPACE" get pods --sort-by .status.startTime', ("services",)
    if on_ecs(spec):
        names = '$(aws ecs list-services --cluster "$CLUSTER" --query "serviceArns[]" --output text)'
        each = 'aws logs tail "/ecs/$CLUSTER/${name##*/}" --since 15m'
        yield f"for name in {names}; do {each}; done", ("platform.compute",)
        yield 'aws ecs list-tasks --cluster "$CLUSTER" --desired-status STOPPED', ("platform.compute",)


def called(spec: Spec) -> Iterator[Told]:
    """Who is told, in the words of the spec."""
    notify = spec.notify
    for word, receiver in (
        ("users are affected", notify.page if notify else None),
        ("nothing is urgent", notify.ticket if notify else None),
        ("others must know", notify.stakeholders if notify else None),
    ):
        if receiver is not None and receiver.named:
            yield f"- {word}: {', '.join(_ways(receiver))}", (receiver.path,)


def _ways(receiver: Receiver) -> Iterator[str]:
    for name, text in (
        ("PagerDuty", receiver.pagerduty),
        ("Slack", receiver.slack),
        ("Opsgenie", receiver.opsgenie),
        ("Teams", receiver.teams),
        ("a webhook", receiver.webhook),
    ):
        if text is not None:
            yield name if text.literal is None or name == "a webhook" else f"{name} {code(text.literal)}"
    yield from (written(address) for address in receiver.email)
