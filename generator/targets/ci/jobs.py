"""The jobs that several workflows share: planning and applying with the roles that terraform/bootstrap makes.

An environment is changed by its own role only, and that role is handed out to jobs of the environment alone, whose
reviewers the forge asks first. What is applied is the plan that was made and kept, and no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from generator.artifact import because
from generator.model import Spec
from generator.targets.ci import scripts
from generator.targets.ci.plan import Job, Kept, Step

_TERRAFORM_CLOUDS = frozenset({"aws"})
PLANS = {"PLANS": "<workspace>/handover"}
EVIDENCE_DAYS = 90
_STATE_DAYS = 30
_PLAN_DAYS = 1
MARK_ISSUE = {"contents": "read", "issues": "write"}


def terraformed(spec: Spec) -> bool:
    return spec.renders("terraform") and spec.cloud is not None and spec.cloud.provider in _TERRAFORM_CLOUDS


def deployable(spec: Spec) -> bool:
    """Whether we know how a release reaches the environment."""
    if spec.platform.compute == "kubernetes":
        return spec.renders("kubernetes")
    return spec.platform.compute == "ecs" and terraformed(spec)


def asked(spec: Spec, *path: str) -> str:
    return spec.tree.word("delivery", *path)


def role_of(spec: Spec, kind: str) -> tuple[Any, Any]:
    """The role that terraform/bootstrap makes for planning or applying, and the region."""
    cloud = spec.cloud
    if cloud is None:
        raise AssertionError("asked for a role without a cloud")
    name = spec.environment.name
    account = cloud.account.get(name)
    number = account or f"<variable:AWS_ACCOUNT_{_upper(name)}>"
    arn = f"arn:aws:iam::{number}:role/{spec.namespace}-{kind}"
    cause = cloud.at(f"account.{name}") if account else cloud.at("account")
    return because(arn, cause, "app"), because(cloud.region or "<variable:AWS_REGION>", cloud.at("region"))


def _upper(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def named(spec: Spec) -> dict[str, Any]:
    return {"ENVIRONMENT": because(spec.environment.name, spec.environment.path), **PLANS}


def _seal(spec: Spec, what: str, file: str) -> Step:
    key = because(f"alias/{spec.namespace}-terraform-state", spec.environment.path, "app")
    sealed = {"STATE_KEY": key, "SEALED": file}
    return Step(title=f"Seal the {what}", script=scripts.SEAL, variables=sealed, forge="github")


def environment_of(spec: Spec) -> Any:
    """The forge's environment: where reviewers are asked. Its first cause says why somebody is."""
    name = spec.environment.name
    if spec.tree.get("delivery", "approvals", name):
        return because(name, f"delivery.approvals.{name}")
    return because(name, spec.environment.at("protect") if spec.environment.protect else spec.environment.path)


def reviewers(specs: Iterable[Spec]) -> tuple[Any, ...]:
    """Who is to be asked before a job of an environment runs: a setting of the forge, which no file can make."""
    found = []
    for spec in specs:
        name = spec.environment.name
        people = [node.word() for node in spec.tree.listed("delivery", "approvals", name)]
        if people:
            text = f"Protect the environment {name} at the forge, with reviewers {', '.join(people)}."
            found.append(because(text, f"delivery.approvals.{name}"))
        elif spec.environment.protect:
            text = f"Protect the environment {name} at the forge, with reviewers."
            found.append(because(text, spec.environment.at("protect")))
    return tuple(found)


def checkout() -> Step:
    return Step(title="Fetch the commit", action="actions/checkout", inputs={"persist-credentials": False})


def plan_job(
    spec: Spec,
    name: str,
    needs: tuple[str, ...],
    before: str,
    variables: Mapping[str, Any],
    *first: Step,
    when: str = "",
) -> Job:
    """Makes the plan that its apply job will carry out, and no other."""
    environment = spec.environment.name
    steps = (
        *(first or (checkout(),)),
        Step(title="Make room", script=scripts.PLANS),
        Step(title="Initialise", script=scripts.INIT),
        Step(title="Plan", script=before + scripts.PLAN),
        Step(title="Show the plan", script=scripts.SHOW, id="plan", forge="github"),
        _seal(spec, "plan", "tfplan"),
    )
    return Job(
        name=name,
        title=f"Plan {environment}",
        steps=steps,
        minutes=30,
        tools=("terraform", "cloud"),
        needs=needs,
        rights={"contents": "read", "id-token": "write"},
        cloud=role_of(spec, "plan"),
        when=when or "main",
        outputs={"changed": "plan.changed"},
        keeps=(Kept(name=f"plan-{environment}", paths=("handover/tfplan",), days=_PLAN_DAYS),),
        variables={**named(spec), **variables},
    )


def apply_job(
    spec: Spec,
    name: str,
    planned: str,
    *first: Step,
    lane: str = "infra",
    when: str = "main",
    frozen: bool = True,
) -> Job:
    environment = spec.environment.name
    steps = (
        *(held(spec) if frozen else ()),
        *(first or (checkout(),)),
        Step(title="Make room", script=scripts.PLANS),
        Step(title="Fetch the plan", action="take", inputs={"name": f"plan-{environment}", "path": "handover"}),
        Step(title="Unseal the plan", script=scripts.UNSEAL, forge="github"),
        Step(title="Initialise", script=scripts.INIT),
        Step(title="Back up the state", script=scripts.BACKUP),
        _seal(spec, "state", "state"),
        Step(title="Keep the state", action="keep", inputs={"name": f"state-{environment}"}),
        Step(title="Apply the plan", script=scripts.APPLY),
        Step(
            title="Write down what was done",
            script=scripts.EVIDENCE,
            variables={"COMMIT": "<commit>", "ACTOR": "<actor>", "RUN": "<run>"},
        ),
    )
    return Job(
        name=name,
        title=f"Apply {environment}",
        steps=steps,
        minutes=60,
        tools=("terraform", "cloud"),
        needs=(planned,),
        rights={"contents": "read", "id-token": "write"},
        cloud=role_of(spec, "apply"),
        environment=environment_of(spec),
        when=f"{when}&output:{planned}.changed=true",
        lane=f"{lane}-{environment}",
        keeps=(
            Kept(name=f"state-{environment}", paths=("handover/state",), days=_STATE_DAYS),
            Kept(name=f"evidence-{environment}", paths=("handover/evidence.txt",), days=EVIDENCE_DAYS),
        ),
        takes=(planned,),
        variables=named(spec),
    )


def held(spec: Spec) -> tuple[Step, ...]:
    """Stops on days without releases, when there are any."""
    spans = [(span.word("from"), span.word("to")) for span in spec.tree.listed("delivery", "releases", "freeze")]
    return (Step(title="No releases in a freeze", script=scripts.freeze(spans)),) if spans else ()


def issue(title: str, label: str, when: str, guard: str = "") -> tuple[Step, ...]:
    """One issue, opened or told again."""
    told = {"TITLE": title, "LABEL": label}
    return (
        Step(
            title="Open or update the issue",
            script=scripts.ISSUE,
            forge="github",
            when=when,
            variables={"GH_TOKEN": "<token>", "GH_REPO": "<repository>", **told},
        ),
        Step(title="Open or update the issue", script=guard + scripts.GITLAB_ISSUE, forge="gitlab", variables=told),
    )
