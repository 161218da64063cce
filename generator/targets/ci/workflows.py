"""Which workflows a product needs: only what fits it.

There is no Terraform job without a cloud, no drill without a promise of recovery, no image job when nothing is built.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator import __version__
from generator.artifact import because
from generator.model import Product, Spec
from generator.quantity import seconds
from generator.targets.ci import scripts
from generator.targets.ci.jobs import (
    EVIDENCE_DAYS,
    MARK_ISSUE,
    PLANS,
    apply_job,
    asked,
    checkout,
    deployable,
    issue,
    named,
    plan_job,
    reviewers,
    role_of,
    terraformed,
)
from generator.targets.ci.plan import Job, Kept, Step, Trigger, Workflow
from generator.targets.ci.releases import image, manual

_DRILLS = {"monthly": "23 4 3 * *", "quarterly": "23 4 3 1,4,7,10 *", "yearly": "23 4 3 2 *"}
_GROUNDPLAN = {"GROUNDPLAN": f"<variable:GROUNDPLAN|groundplan=={__version__}>"}
_GATE_RIGHTS = {"contents": "read", "security-events": "write"}
_TOLD = 'cat found >> "$GITHUB_OUTPUT"\n'
_GITLAB_PINS = """\
if grep -q old=false found; then
  echo "nothing has grown old"
  exit 0
fi
"""


def workflows(product: Product) -> Iterator[Workflow]:
    """Every workflow of the product, the cheapest first."""
    grounded = [spec for spec in product.environments.values() if terraformed(spec)]
    yield _check()
    if grounded:
        yield _infra_plan(product, grounded)
        yield _infra_apply(grounded)
        yield _drift(product, grounded)
    built = [name for name, service in product.base.services.items() if service.built]
    if built:
        yield image(product, built)
        later = [spec for spec in product.environments.values() if spec.environment.promote_from]
        if later:
            yield manual(built, later, "promote")
        if any(deployable(spec) for spec in product.environments.values()):
            yield manual(built, list(product.environments.values()), "rollback")
    drilled = [spec for spec in grounded if spec.disaster_recovery is not None and _backed(spec)]
    if drilled:
        yield _drill(drilled)
    yield _pins()


def _backed(spec: Spec) -> bool:
    return any(resource.backup is not None for resource in spec.resources.values())


def _check() -> Workflow:
    """The gate. It has no filter of paths: a generated file that was edited by hand is what it is there for."""
    upload = Step(
        title="Show the findings beside the code",
        action="github/codeql-action/upload-sarif",
        inputs={"sarif_file": "groundplan.sarif", "category": "groundplan"},
        when="own",
    )
    gate = Job(
        name="check",
        title="Check",
        steps=(checkout(), *_judged(), upload),
        minutes=20,
        tools=("groundplan",),
        rights=_GATE_RIGHTS,
        keeps=(Kept(name="report", paths=("groundplan.sarif",), days=5, always=True),),
        variables=_GROUNDPLAN,
    )
    return Workflow(
        name="check",
        title="Check",
        why="Every proposed change is checked before anybody reads it.",
        origin="delivery.ci",
        triggers=(Trigger(kind="change"), Trigger(kind="main")),
        jobs=(gate,),
        stops=True,
    )


def _judged() -> tuple[Step, ...]:
    return (
        Step(title="Check the spec and what it makes", script=scripts.CHECK),
        Step(title="Show the report", script=scripts.SUMMARY, forge="github", when="always"),
    )


def _infra_plan(product: Product, specs: list[Spec]) -> Workflow:
    each = tuple(_planned(spec) for spec in specs)
    shapes = (
        Step(title="Format", script=scripts.FORMAT),
        Step(title="Validate", script=scripts.VALIDATE),
    )
    check = Job(
        name="check",
        title="Check",
        steps=(checkout(), *shapes, *_judged()),
        minutes=20,
        tools=("terraform", "groundplan"),
        variables=_GROUNDPLAN,
    )
    images = _images_that_run(specs[0])
    steps = (
        checkout(),
        Step(title="Make room", script=scripts.PLANS),
        Step(title="Initialise", script=scripts.INIT),
        Step(title="Plan", script=images + scripts.PLAN),
        Step(title="Show the plan", script=scripts.SHOW, forge="github"),
        Step(
            title="Say it in the pull request",
            script=scripts.COMMENT,
            forge="github",
            variables={"GH_TOKEN": "<token>", "REPOSITORY": "<repository>", "CHANGE": "<change>"},
        ),
    )
    plan = Job(
        name="plan",
        title="Plan <each:environment>",
        steps=steps,
        minutes=30,
        tools=("terraform", "cloud"),
        needs=("check",),
        rights={"contents": "read", "id-token": "write", "pull-requests": "write"},
        cloud=("<each:role>", "<each:region>"),
        when="own",
        each=each,
        variables={"ENVIRONMENT": "<each:environment>", **PLANS, **_each_tasks(specs)},
    )
    return Workflow(
        name="infra-plan",
        title="Infrastructure: plan",
        why="What a change would do to each environment, before anybody approves it.",
        origin="cloud",
        triggers=(Trigger(kind="change", paths=("terraform/**", product.spec_path)),),
        jobs=(check, plan),
        stops=True,
    )


def _planned(spec: Spec) -> dict[str, Any]:
    role, region = role_of(spec, "plan")
    tasks = {key.lower(): said for key, said in _tasks(spec).items()}
    name = because(spec.environment.name, spec.environment.path)
    return {"environment": name, "role": role, "region": region, **tasks}


def _images_that_run(spec: Spec) -> str:
    return scripts.RUNNING if spec.platform.compute == "ecs" else ""


def _tasks(spec: Spec) -> dict[str, Any]:
    """Which task runs which service, for the variable that `RUNNING` reads."""
    if spec.platform.compute != "ecs":
        return {}
    pairs = (f"{name}={task}" for name, task in spec.tasks.items() if spec.services[name].built)
    return {"TASKS": because(" ".join(pairs), "services", "app", spec.environment.path)}


def _each_tasks(specs: list[Spec]) -> dict[str, Any]:
    return {"TASKS": "<each:tasks>"} if _tasks(specs[0]) else {}


def _infra_apply(specs: list[Spec]) -> Workflow:
    jobs: list[Job] = []
    applied = {spec.environment.name for spec in specs}
    for spec in specs:
        name, before = spec.environment.name, spec.environment.promote_from
        after = (f"apply-{before}",) if before in applied else ()
        jobs.append(plan_job(spec, f"plan-{name}", after, _images_that_run(spec), _tasks(spec)))
        jobs.append(apply_job(spec, f"apply-{name}", f"plan-{name}"))
    return Workflow(
        name="infra-apply",
        title="Infrastructure: apply",
        why="Each environment gets the plan that its reviewers saw, one environment after the other.",
        origin="cloud",
        triggers=(Trigger(kind="main", paths=("terraform/**",)), Trigger(kind="manual")),
        jobs=tuple(jobs),
        notes=reviewers(specs),
    )


def _drift(product: Product, specs: list[Spec]) -> Workflow:
    mended = [spec for spec in specs if asked(spec, "drift", "remediate", spec.environment.name) == "in-place"]
    label = "drift-<each:environment>"
    steps: list[Step] = [
        checkout(),
        Step(title="Make room", script=scripts.PLANS),
        Step(title="Initialise", script=scripts.INIT),
        Step(
            title="Compare with the world",
            script=_images_that_run(specs[0]) + scripts.DRIFT,
            variables={"RUN": "<run>"},
        ),
        Step(title="Say whether there is drift", script=scripts.FOUND, id="look", forge="github"),
        *issue("Drift in <each:environment>", label, "look=drift", scripts.GITLAB_DRIFT),
    ]
    rights = {**MARK_ISSUE, "id-token": "write"}
    if mended:
        rights["actions"] = "write"
        steps.append(
            Step(
                title="Apply again where that changes in place only",
                script=scripts.IN_PLACE,
                forge="github",
                when="look=drift&each:remedy=in-place",
                variables={"GH_TOKEN": "<token>", "GH_REPO": "<repository>", "MAIN": "<main>"},
            )
        )
    each = tuple({**_planned(spec), "remedy": "in-place" if spec in mended else "never"} for spec in specs)
    job = Job(
        name="drift",
        title="Drift of <each:environment>",
        steps=tuple(steps),
        minutes=30,
        tools=("terraform", "cloud"),
        rights=rights,
        cloud=("<each:role>", "<each:region>"),
        each=each,
        variables={"ENVIRONMENT": "<each:environment>", **PLANS, **_each_tasks(specs)},
    )
    every = because(how_often(asked(product.base, "drift", "every") or "1h"), "delivery.drift.every")
    return Workflow(
        name="drift",
        title="Drift",
        why="Looks whether somebody changed the cloud past the files, and says so in one issue an environment.",
        origin="delivery.drift",
        triggers=(Trigger(kind="schedule", cron=every), Trigger(kind="manual")),
        jobs=(job,),
    )


def how_often(every: str) -> str:
    """At least so often, and never on the full hour, when everybody's schedules start."""
    minutes = max(seconds(every) // 60, 1)
    if minutes < 60:
        step = next(step for step in (30, 20, 15, 10, 5) if step <= max(minutes, 5))
        return f"{','.join(str(minute) for minute in range(step // 5 + 1, 60, step))} * * * *"
    hours = minutes // 60
    if hours < 24:
        step = next(step for step in (12, 8, 6, 4, 3, 2, 1) if step <= hours)
        return "17 * * * *" if step == 1 else f"17 */{step} * * *"
    return "17 5 * * *" if hours < 168 else "17 5 * * 1"


def _drill(specs: list[Spec]) -> Workflow:
    jobs = tuple(_drill_job(spec) for spec in specs)
    recovery = specs[-1].disaster_recovery
    cron = because(_DRILLS[recovery.drill if recovery else "monthly"], "disaster_recovery.drill")
    return Workflow(
        name="dr-drill",
        title="Disaster recovery drill",
        why="What was promised for the day a region is lost is held against what is there.",
        origin="disaster_recovery",
        triggers=(Trigger(kind="schedule", cron=cron), Trigger(kind="manual")),
        jobs=jobs,
    )


def _drill_job(spec: Spec) -> Job:
    name, recovery, cloud = spec.environment.name, spec.disaster_recovery, spec.cloud
    if recovery is None or cloud is None:
        raise AssertionError("a drill of nothing")
    far = cloud.dr_region and any(item.backup and item.backup.copy_to_dr for item in spec.resources.values())
    promised = {
        "VAULT": because(f"{spec.namespace}-dr" if far else spec.namespace, "app"),
        "VAULT_REGION": because(cloud.dr_region, cloud.at("dr_region")) if far else "<region>",
        "POINT_SECONDS": because(str(seconds(recovery.rpo)), recovery.at("rpo")),
        "TIME": because(recovery.rto, recovery.at("rto")),
        "RUN": "<run>",
    }
    role, region = role_of(spec, "plan")
    if not far:
        promised["VAULT_REGION"] = region
    return Job(
        name=f"drill-{name}",
        title=f"Drill of {name}",
        steps=(
            Step(title="Hold the promises against the backups", script=scripts.DRILL, variables=promised),
            *issue(f"Disaster recovery drill of {name}", f"drill-{name}", ""),
            Step(title="Pass or fail", script=scripts.DRILL_RESULT),
        ),
        minutes=15,
        tools=("cloud",),
        rights={"id-token": "write", "issues": "write"},
        cloud=(role, region),
        keeps=(Kept(name=f"drill-{name}", paths=("report.md",), days=EVIDENCE_DAYS, always=True),),
        variables=named(spec),
    )


def _pins() -> Workflow:
    job = Job(
        name="pins",
        title="Pins",
        steps=(
            checkout(),
            Step(title="Check with today's date", script=scripts.PINS),
            Step(
                title="Say whether something is old",
                script='cat found >> "$GITHUB_OUTPUT"\n',
                id="look",
                forge="github",
            ),
            *issue("Something pinned has grown old", "pins", "look=old", _GITLAB_PINS),
        ),
        minutes=20,
        tools=("groundplan",),
        rights=MARK_ISSUE,
        variables=_GROUNDPLAN,
    )
    return Workflow(
        name="pins",
        title="Pins",
        why="What is pinned grows old by itself: images reach their end, waivers their date.",
        origin="delivery.ci",
        triggers=(Trigger(kind="schedule", cron="41 6 * * 1"), Trigger(kind="manual")),
        jobs=(job,),
    )
