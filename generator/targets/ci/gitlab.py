"""The pipeline in the notation of GitLab CI: `.gitlab-ci.yml`, and one included file a workflow.

Schedules and inputs live outside the files: a schedule sets the variable TASK to the workflow's name, and whoever
starts a pipeline by hand chooses TASK, TARGET and RELEASE. The roles of terraform/bootstrap trust the main branch
alone, so a merge request is checked but not planned against the cloud.
https://docs.gitlab.com/ci/yaml/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from generator.artifact import Artifact, Because, because
from generator.targets.ci import scripts
from generator.targets.ci.forge import SEALED, known, spoken
from generator.targets.ci.plan import Job, Step, Trigger, Workflow

_WORDS = {
    "commit": "$CI_COMMIT_SHA",
    "main": "$CI_DEFAULT_BRANCH",
    "change": "$CI_MERGE_REQUEST_IID",
    "repository": "$CI_PROJECT_PATH",
    "run": "$CI_PIPELINE_URL",
    "actor": "$GITLAB_USER_LOGIN",
    "actor-name": "$REGISTRY_USER",
    "token": "$GITLAB_TOKEN",
    "registry-token": "$REGISTRY_PASSWORD",
    "issuer": "$CI_SERVER_URL",
    "identity": "$CI_SERVER_URL/$CI_PROJECT_PATH//.gitlab-ci.yml@refs/heads/$CI_DEFAULT_BRANCH",
    "server": "$CI_SERVER_URL",
    "remote": "https://pipeline:$GITLAB_TOKEN@$CI_SERVER_HOST/$CI_PROJECT_PATH.git",
    "workspace": "$CI_PROJECT_DIR",
}
_INPUTS = {"environment": "$TARGET", "release": "$RELEASE"}
_ASKED = re.compile(r"^delivery\.approvals\.|\.protect$")
_BUILDS = frozenset({"build", "build-one"})
_CONTAINERS = _BUILDS | {"docker"}
_FOLDER = ".gitlab/ci"
_MAIN = "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"

_TERRAFORM = """\
mkdir -p "$CI_PROJECT_DIR/handover/bin"
wget -q -O /tmp/terraform.zip "$TERRAFORM_URL"
echo "$TERRAFORM_SHA256  /tmp/terraform.zip" | sha256sum -c -
unzip -q -o /tmp/terraform.zip terraform -d "$CI_PROJECT_DIR/handover/bin"
export PATH="$CI_PROJECT_DIR/handover/bin:$PATH"
"""
_IDENTITY = """\
mkdir -p "$CI_PROJECT_DIR/handover"
printf '%s' "$CLOUD_TOKEN" > "$AWS_WEB_IDENTITY_TOKEN_FILE"
"""
_EMULATION = 'docker run --privileged --rm "$EMULATION" --install all\n'
_BUILDER = """\
docker context create pipeline
docker buildx create --use pipeline
"""
_LENT = """\
lend() {{
  docker run --rm -i -v "$CI_PROJECT_DIR:$CI_PROJECT_DIR" -w "$PWD" -e HOME="$CI_PROJECT_DIR/handover" -e AWS_REGION \\
    -e AWS_ROLE_ARN -e AWS_WEB_IDENTITY_TOKEN_FILE {image} "$@"
}}
jq() {{ lend jq "$@"; }}
aws() {{ lend aws "$@"; }}
kubectl() {{ lend kubectl "$@"; }}
"""


def files(workflows: tuple[Workflow, ...]) -> Iterator[Artifact]:
    """The main file, and one for each workflow."""
    made = [(workflow, [job for job in workflow.jobs if job.when != "own"]) for workflow in workflows]
    made = [(workflow, jobs) for workflow, jobs in made if jobs]
    yield Artifact(".gitlab-ci.yml", "ci", "ci/gitlab.yaml.j2", _main(made), "delivery.ci")
    for workflow, jobs in made:
        context = {
            "why": workflow.why,
            "notes": list(workflow.notes),
            "hint": spoken(_hint(workflow), _speak),
            "jobs": [{"name": f"{workflow.name}:{job.name}", "body": _job(workflow, job)} for job in jobs],
        }
        yield Artifact(f"{_FOLDER}/{workflow.name}.yml", "ci", "ci/gitlab-jobs.yaml.j2", context, workflow.origin)


def _speak(name: str, argument: str, default: str) -> str:
    if name == "variable":
        return default or f"${argument}"
    if name == "input":
        return _INPUTS[argument]
    if name in ("secret", "each"):
        return f"${argument.upper()}"
    return _WORDS[name]


def _main(made: list[tuple[Workflow, list[Job]]]) -> dict[str, Any]:
    tasks = [workflow.name for workflow, _ in made if workflow.on("schedule") or workflow.on("manual")]
    targets = dict.fromkeys(
        name
        for workflow, _ in made
        for trigger in workflow.triggers
        for name in trigger.inputs.get("environment", {}).get("options", ())
    )
    variables: dict[str, Any] = {
        "TASK": {"value": "", "options": ["", *tasks], "description": "Which workflow to start by hand"}
    }
    if targets:
        chosen = {"value": "", "options": ["", *targets]}
        variables["TARGET"] = {**chosen, "description": "Environment to promote or roll back"}
        variables["RELEASE"] = {"value": "", "description": "Commit of the release, 40 digits"}
    return {
        "includes": [{"local": f"/{_FOLDER}/{workflow.name}.yml"} for workflow, _ in made],
        "stages": [workflow.name for workflow, _ in made],
        "variables": variables,
    }


def _hint(workflow: Workflow) -> Any:
    """What must be set up beside the files."""
    trigger = workflow.on("schedule")
    if trigger is None:
        return ""
    cron = trigger.cron
    value, causes = (cron.value, cron.causes) if isinstance(cron, Because) else (cron, ())
    return because(f'Make a pipeline schedule "{value}" with the variable TASK={workflow.name}.', *causes)


def _job(workflow: Workflow, job: Job) -> dict[str, Any]:
    steps = [step for step in job.steps if step.forge != "github"]
    body: dict[str, Any] = {"stage": workflow.name, **_machine(job)}
    body["rules"] = list(_rules(workflow, job))
    if job.needs:
        body["needs"] = [{"job": f"{workflow.name}:{name}", "artifacts": name in job.takes} for name in job.needs]
    else:
        body["needs"] = []
    if job.environment:
        body["environment"] = {"name": job.environment}
    if job.lane:
        body["resource_group"] = job.lane
    body["interruptible"] = workflow.stops
    body["timeout"] = f"{job.minutes} minutes"
    if tokens := dict(_tokens(job, steps)):
        body["id_tokens"] = tokens
    if job.each:
        body["parallel"] = {"matrix": [{key.upper(): value for key, value in one.items()} for one in job.each]}
    body["variables"] = _variables(job, steps)
    if before := list(_before(job)):
        body["before_script"] = before
    body["script"] = [_script(step) for step in steps if step.script]
    if artifacts := _artifacts(job):
        body["artifacts"] = artifacts
    return dict(spoken({key: value for key, value in body.items() if value != {}}, _speak))


def _machine(job: Job) -> dict[str, Any]:
    if _CONTAINERS & set(job.tools):
        daemon = {"name": scripts.pinned("docker-daemon"), "alias": "docker"}
        return {"image": scripts.pinned("docker"), "services": [daemon]}
    if "groundplan" in job.tools:
        return {"image": _python()}
    return {"image": {"name": scripts.pinned("tools"), "entrypoint": [""]}}


def _python() -> str:
    from generator import data

    line = known()["programs"]["python"]["version"]
    image = data.load("schemas/data/runtimes.json")["runtimes"]["python"]["lines"][line]["images"]["python"]
    return f"{image['ref']}@{image['digest']}"


def _rules(workflow: Workflow, job: Job) -> Iterator[dict[str, Any]]:
    words = job.when.split("&")
    for trigger in workflow.triggers:
        if trigger.kind == "change" and "main" in words:
            continue
        rule: dict[str, Any] = {"if": _if(workflow, trigger, words)}
        if trigger.paths:
            rule["changes"] = list(trigger.paths)
        if job.lane and job.environment and _waits(job):
            rule["when"] = "manual"
        yield rule


def _waits(job: Job) -> bool:
    """Whether somebody is to press the button: where approvers are named, or the environment is protected."""
    environment = job.environment
    return isinstance(environment, Because) and bool(_ASKED.search(environment.causes[0]))


def _if(workflow: Workflow, trigger: Trigger, words: list[str]) -> str:
    if trigger.kind == "change":
        return '$CI_PIPELINE_SOURCE == "merge_request_event"'
    if trigger.kind == "main":
        return f'{_MAIN} && $CI_PIPELINE_SOURCE == "push"'
    source = "schedule" if trigger.kind == "schedule" else "web"
    asked = f'{_MAIN} && $CI_PIPELINE_SOURCE == "{source}" && $TASK == "{workflow.name}"'
    wanted = [word.partition("=")[2] for word in words if word.startswith("input:environment=")]
    return f'{asked} && $TARGET == "{wanted[0]}"' if wanted else asked


def _tokens(job: Job, steps: list[Step]) -> Iterator[tuple[str, Any]]:
    if job.cloud:
        yield "CLOUD_TOKEN", {"aud": "$CI_SERVER_URL"}
    if any(step.script == scripts.SIGN for step in steps):
        yield "SIGSTORE_ID_TOKEN", {"aud": "sigstore"}


def _variables(job: Job, steps: list[Step]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if _CONTAINERS & set(job.tools):
        made |= {
            "DOCKER_HOST": "tcp://docker:2376",
            "DOCKER_TLS_CERTDIR": "/certs",
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": "/certs/client",
            "DOCKER_CONFIG": "$CI_PROJECT_DIR/handover/docker",
        }
    if "build" in job.tools:
        made["EMULATION"] = scripts.pinned("emulation")
    if "terraform" in job.tools:
        program = known()["programs"]["terraform"]
        made |= {"TERRAFORM_URL": program["url"], "TERRAFORM_SHA256": program["sha256"]}
    if job.cloud:
        role, region = job.cloud
        made |= {"AWS_ROLE_ARN": role, "AWS_REGION": region}
        made |= {"AWS_WEB_IDENTITY_TOKEN_FILE": "$CI_PROJECT_DIR/handover/cloud-token"}
    made |= dict(job.variables)
    for step in steps:
        made |= dict(step.variables)
    return {key: value for key, value in made.items() if not _itself(key, value)}


def _itself(key: str, value: Any) -> bool:
    """`RELEASE: $RELEASE` would never end."""
    said = spoken(value.value if isinstance(value, Because) else value, _speak)
    return bool(said == f"${key}")


def _before(job: Job) -> Iterator[str]:
    if "terraform" in job.tools:
        yield _TERRAFORM
    if "groundplan" in job.tools:
        yield 'pip install --quiet "$GROUNDPLAN"'
    if job.cloud:
        yield _IDENTITY
    if "build" in job.tools:
        yield _EMULATION
    if _BUILDS & set(job.tools):
        yield _BUILDER
    if _CONTAINERS & set(job.tools):
        yield _LENT.format(image=scripts.pinned("tools"))


def _script(step: Step) -> str:
    """In a shell of its own, as a step is elsewhere: neither its folder nor its variables outlive it."""
    return f"# {step.title}\n(\n{step.script})\n"


def _artifacts(job: Job) -> Mapping[str, Any]:
    made: dict[str, Any] = {}
    paths = [path for kept in job.keeps for path in kept.paths]
    if paths:
        made["paths"] = paths
        made["expire_in"] = f"{max(kept.days for kept in job.keeps)} days"
        made["access"] = "maintainer" if SEALED & set(paths) else "developer"
        if any(kept.always for kept in job.keeps):
            made["when"] = "always"
    if any(step.script == scripts.CHECK for step in job.steps):
        made["reports"] = {"junit": "groundplan.junit.xml", "codequality": "groundplan.codequality.json"}
    return made
