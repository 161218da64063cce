"""From source to an environment: images by digest, signed, and nothing else ever deployed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from generator.artifact import Artifact, because
from generator.model import Product, Spec
from generator.targets.ci import scripts
from generator.targets.ci.jobs import (
    EVIDENCE_DAYS,
    apply_job,
    asked,
    checkout,
    deployable,
    environment_of,
    held,
    named,
    plan_job,
    reviewers,
    role_of,
    terraformed,
)
from generator.targets.ci.plan import Job, Kept, Step, Trigger, Workflow

ACCEPTED = ".grype.yaml"
_SCAN = "grype/"


def _registry(spec: Spec) -> dict[str, Any]:
    host = spec.platform.registry.host
    cause = spec.platform.registry.at("host")
    return {
        "APP": because(spec.app, "app"),
        "REGISTRY": because(host, cause),
        "REGISTRY_HOST": because(host.partition("/")[0], cause),
    }


def _rights(spec: Spec, kind: str) -> dict[str, str]:
    """What a job may that speaks with the registry; only GitHub's own asks for a right of GitHub's."""
    own = {"packages": kind} if spec.platform.registry.host.startswith("ghcr.io") else {}
    return {"contents": "read", "id-token": "write", **own}


def _login(spec: Spec, *, aws: bool) -> Step:
    host = spec.platform.registry.host.partition("/")[0]
    if ".dkr.ecr." in host and aws:
        return Step(title="Log in to the registry", script=scripts.LOGIN_ECR)
    if host == "ghcr.io":
        known = {"REGISTRY_USER": "<actor-name>", "REGISTRY_PASSWORD": "<registry-token>"}
    else:
        known = {"REGISTRY_USER": "<variable:REGISTRY_USER>", "REGISTRY_PASSWORD": "<secret:REGISTRY_PASSWORD>"}
    return Step(title="Log in to the registry", script=scripts.LOGIN, variables=known)


def _signed(spec: Spec) -> bool:
    return spec.platform.registry.sign == "keyless"


def image(product: Product, built: list[str]) -> Workflow:
    base = product.base
    keeper = product.registry_keeper
    test = Job(
        name="test",
        title="Build for a test",
        steps=(checkout(), Step(title="Build", script=scripts.BUILD, variables={"COMMIT": "<commit>"})),
        minutes=45,
        tools=("build-one",),
    )
    fixed = {"ONLY_FIXED": because("true", "delivery.scan.ignore_unfixed")}
    limits = {
        "FAIL_ON": because(asked(base, "scan", "fail_on") or "critical", "delivery.scan.fail_on"),
        **(fixed if asked(base, "scan", "ignore_unfixed") != "False" else {}),
    }
    pushed = {"COMMIT": "<commit>", "SERVICES": because(" ".join(built), "services")}
    publish = Job(
        name="publish",
        title="Build, scan and sign",
        steps=(
            checkout(),
            _login(base, aws=keeper is not None),
            Step(title="Build and push by digest", script=scripts.PUSH, variables=pushed),
            Step(title="Scan", script=scripts.scan(ACCEPTED if any(accepted(product)) else ""), variables=limits),
            Step(title="List the parts", script=scripts.SBOM),
            *((_sign_step(), _verify_step()) if _signed(base) else ()),
            Step(title="Name the release", script=scripts.NAME, variables={"COMMIT": "<commit>"}),
        ),
        minutes=90,
        tools=("build", *(("cloud",) if keeper else ())),
        needs=("test",),
        rights=_rights(base, "write"),
        cloud=role_of(keeper, "publish") if keeper else None,
        when="main",
        keeps=(Kept(name="images", paths=("digests.txt", "sbom"), days=EVIDENCE_DAYS),),
        variables=_registry(base),
    )
    firsts = [spec for spec in product.environments.values() if not spec.environment.promote_from]
    deploys = [job for spec in firsts for job in _deploy(spec, built, "<commit>", ("publish",), "main", "image")]
    return Workflow(
        name="image",
        title="Image",
        why="Images are built once, stopped by the scan, signed, and from there on named by their digest only.",
        origin="services",
        triggers=(Trigger(kind="change"), Trigger(kind="main")),
        jobs=(test, publish, *deploys),
        notes=reviewers(firsts),
    )


def accepted(product: Product) -> Iterator[Artifact]:
    """The vulnerabilities that the scan lets pass, each with its reason and end; none, no file."""
    entries = []
    for node in product.base.tree.listed("waivers"):
        if node.word("rule").startswith(_SCAN):
            place = node.at.pointer
            until = f", until {node.word('until')}" if node.get("until") else ""
            why = f"{node.word('reason')} ({node.word('owner') or product.base.owner}{until})"
            rule = node.word("rule").removeprefix(_SCAN)
            entries.append({"vulnerability": because(rule, f"{place}.rule"), "reason": because(why, f"{place}.reason")})
    if entries:
        yield Artifact(ACCEPTED, "ci", "ci/grype.yaml.j2", {"entries": entries}, "waivers")


def _sign_step() -> Step:
    return Step(title="Sign and attest without a key", script=scripts.SIGN)


def _verify_step() -> Step:
    identity = {"IDENTITY": "<identity>", "ISSUER": "<issuer>"}
    return Step(title="Verify the signature", script=scripts.VERIFY, variables=identity)


def _taken(release: str) -> tuple[Step, ...]:
    """The files of a release's commit."""
    chosen = {"RELEASE": release}
    named = Step(title="A release is a commit", script=scripts.RELEASE, variables=chosen)
    fetch = Step(
        title="Fetch the release",
        action="actions/checkout",
        inputs={"persist-credentials": False, "ref": release},
    )
    take = Step(title="Take the release", script=scripts.GITLAB_RELEASE, variables=chosen, forge="gitlab")
    return (named, fetch, take) if "input" in release else (fetch,)


def _release(spec: Spec, built: list[str], release: str) -> tuple[Step, ...]:
    """The commit of a release and the digests that were built from it, each with a signature that holds."""
    wanted = {"RELEASE": release, "SERVICES": because(" ".join(built), "services")}
    return (
        *_taken(release),
        _login(spec, aws=terraformed(spec)),
        Step(
            title="Digests of the release",
            script=scripts.DIGESTS,
            variables=wanted,
        ),
        *((_verify_step(),) if _signed(spec) else ()),
    )


def _deploy(
    spec: Spec, built: list[str], release: str, needs: tuple[str, ...], when: str, workflow: str
) -> Iterator[Job]:
    """The jobs that bring a release into an environment."""
    if not deployable(spec):
        return
    name = spec.environment.name
    fetch = _release(spec, built, release)
    rights = _rights(spec, "read")
    if spec.platform.compute == "ecs":
        planned = plan_job(spec, f"plan-{name}", needs, scripts.FARGATE, _registry(spec), *fetch, when=when)
        yield replace(planned, tools=("docker", *planned.tools), rights=rights)
        yield apply_job(
            spec,
            f"deploy-{name}",
            f"plan-{name}",
            *_taken(release),
            lane="deploy",
            when=when,
            frozen=workflow != "rollback",
        )
        return
    gitops = spec.platform.kubernetes.gitops != "none"
    reach = _hand_over(spec, release, promoted=workflow == "promote") if gitops else _roll_out(spec)
    ecr = ".dkr.ecr." in spec.platform.registry.host
    cloud = role_of(spec, "apply") if terraformed(spec) and (ecr or not gitops) else None
    yield Job(
        name=f"deploy-{name}",
        title=f"Deploy {name}",
        steps=(
            *(held(spec) if workflow != "rollback" else ()),
            *fetch,
            Step(title="Make room", script=scripts.PLANS),
            Step(title="Put the digests in", script=scripts.KUSTOMIZE),
            *reach,
        ),
        minutes=30,
        tools=("docker", "kubectl", *(("cloud",) if cloud else ())),
        needs=needs,
        rights={**rights, "contents": "write"} if gitops else rights,
        cloud=cloud,
        environment=environment_of(spec),
        when=when,
        lane=f"deploy-{name}",
        keeps=(Kept(name=f"release-{name}", paths=("digests.txt", "release"), days=EVIDENCE_DAYS),),
        variables={**named(spec), **_registry(spec), "NAMESPACE": because(spec.namespace, "app")},
    )


def _hand_over(spec: Spec, release: str, *, promoted: bool) -> tuple[Step, ...]:
    told = {"RELEASE": release, "REMOTE": "<remote>"}
    before = spec.environment.promote_from
    earlier = {**told, "BEFORE": because(before, spec.environment.at("promote_from"))}
    return (
        Step(
            title="Let git in",
            script=scripts.GITHUB_REMOTE,
            forge="github",
            variables={"TOKEN": "<token>", "SERVER": "<server>"},
        ),
        *((Step(title="It ran before", script=scripts.RAN_BEFORE, variables=earlier),) if promoted and before else ()),
        Step(title="Hand over to the controller of the cluster", script=scripts.GITOPS, variables=told),
    )


def _roll_out(spec: Spec) -> tuple[Step, ...]:
    if terraformed(spec):
        cluster = spec.platform.cluster or spec.namespace
        named = {"CLUSTER": because(cluster, "platform.cluster" if spec.platform.cluster else "app")}
        reach = Step(title="Find the cluster", script=scripts.EKS, variables=named)
    else:
        named = {"CLUSTER_ACCESS": "<secret:KUBECONFIG>"}
        reach = Step(title="Find the cluster", script=scripts.KUBECONFIG, variables=named)
    return reach, Step(title="Roll out", script=scripts.ROLL_OUT)


def manual(built: list[str], specs: list[Spec], name: str) -> Workflow:
    jobs = [
        job
        for spec in specs
        for job in _deploy(spec, built, "<input:release>", (), f"input:environment={spec.environment.name}", name)
    ]
    names = list(dict.fromkeys(spec.environment.name for spec in specs if deployable(spec)))
    what = {
        "promote": "A release that runs in one environment goes on to the next: the same digests, never a new build.",
        "rollback": "An environment goes back to a release that ran before: its manifests and its digests.",
    }
    inputs = {
        "environment": {"description": "Where to", "type": "choice", "options": names, "required": True},
        "release": {"description": "Commit of the release, 40 digits", "type": "string", "required": True},
    }
    return Workflow(
        name=name,
        title=name.capitalize(),
        why=what[name],
        origin="environments",
        triggers=(Trigger(kind="manual", inputs=inputs),),
        jobs=tuple(jobs),
        notes=reviewers(specs),
    )
