"""The pipeline in the notation of GitHub Actions: one file a workflow.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.artifact import Artifact
from generator.targets.ci.forge import SEALED, known, spoken
from generator.targets.ci.plan import Job, Kept, Step, Workflow
from generator.targets.ci.scripts import pinned

_MAIN = "main"
"""The branch that terraform/bootstrap trusts unless told otherwise."""

_HERE = "${{ github.server_url }}/${{ github.repository }}"
_WORDS = {
    "commit": "${{ github.sha }}",
    "main": _MAIN,
    "change": "${{ github.event.pull_request.number }}",
    "repository": "${{ github.repository }}",
    "run": f"{_HERE}/actions/runs/${{{{ github.run_id }}}}",
    "actor": "${{ github.actor }}",
    "actor-name": "${{ github.actor }}",
    "token": "${{ github.token }}",
    "registry-token": "${{ github.token }}",
    "issuer": "https://token.actions.githubusercontent.com",
    "identity": f"{_HERE}/.github/workflows/image.yml@refs/heads/{_MAIN}",
    "server": "${{ github.server_url }}",
    "remote": "origin",
    "workspace": "${{ github.workspace }}",
}
_RUNNER = "ubuntu-24.04"
_OWN = "github.event.pull_request.head.repo.full_name == github.repository"


def files(workflows: tuple[Workflow, ...]) -> Iterator[Artifact]:
    """A file for each workflow."""
    for workflow in workflows:
        context = {
            "title": workflow.title,
            "why": workflow.why,
            "notes": list(workflow.notes),
            "triggers": spoken(dict(_triggers(workflow)), _speak),
            "concurrency": _concurrency(workflow),
            "jobs": [_job(job) for job in workflow.jobs],
        }
        path = f".github/workflows/{workflow.name}.yml"
        yield Artifact(path, "ci", "ci/github.yaml.j2", context, workflow.origin)


def _speak(name: str, argument: str, default: str) -> str:
    if name == "variable":
        return f"${{{{ vars.{argument} || '{default}' }}}}" if default else f"${{{{ vars.{argument} }}}}"
    prefixes = {"secret": "secrets", "input": "inputs", "each": "matrix"}
    return f"${{{{ {prefixes[name]}.{argument} }}}}" if name in prefixes else _WORDS[name]


def _triggers(workflow: Workflow) -> Iterator[tuple[str, Any]]:
    for trigger in workflow.triggers:
        paths = {"paths": list(trigger.paths)} if trigger.paths else {}
        if trigger.kind == "change":
            yield "pull_request", {"branches": [_MAIN], **paths}
        elif trigger.kind == "main":
            yield "push", {"branches": [_MAIN], **paths}
        elif trigger.kind == "schedule":
            yield "schedule", [{"cron": trigger.cron}]
        else:
            yield "workflow_dispatch", {"inputs": trigger.inputs} if trigger.inputs else None


def _concurrency(workflow: Workflow) -> dict[str, Any]:
    """Only checks are cancelled; what changes the world runs to its end."""
    return {"group": f"{workflow.name}-${{{{ github.ref }}}}", "cancel-in-progress": workflow.stops}


def _job(job: Job) -> dict[str, Any]:
    head: dict[str, Any] = {"name": job.title}
    if job.needs:
        head["needs"] = list(job.needs)
    if condition := _condition(job):
        head["if"] = condition
    head["runs-on"] = _RUNNER
    head["timeout-minutes"] = job.minutes
    head["permissions"] = dict(job.rights)
    if job.environment:
        head["environment"] = job.environment
    if job.lane:
        head["concurrency"] = {"group": job.lane, "cancel-in-progress": False}
    if job.each:
        head["strategy"] = {"fail-fast": False, "matrix": {"include": [dict(one) for one in job.each]}}
    if job.outputs:
        head["outputs"] = {
            name: f"${{{{ steps.{place.partition('.')[0]}.outputs.{place.partition('.')[2]} }}}}"
            for name, place in job.outputs.items()
        }
    if job.variables:
        head["env"] = dict(job.variables)
    kept_by_step = {step.inputs["name"] for step in job.steps if step.action == "keep"}
    steps = [
        *_tools(job),
        *(_step(step, job) for step in job.steps if step.forge != "gitlab"),
        *(_upload(kept) for kept in job.keeps if kept.name not in kept_by_step),
    ]
    return {"name": job.name, "head": spoken(head, _speak), "steps": [spoken(step, _speak) for step in steps]}


def _condition(job: Job) -> str:
    parts: list[str] = []
    for word in filter(None, job.when.split("&")):
        kind, _, rest = word.partition(":")
        if kind == "own":
            parts.append(_OWN)
        elif kind == "main":
            parts.append(f"github.ref == 'refs/heads/{_MAIN}'")
        elif kind == "input":
            name, _, wanted = rest.partition("=")
            parts += [f"github.ref == 'refs/heads/{_MAIN}'", f"inputs.{name} == '{wanted}'"]
        else:
            place, _, wanted = rest.partition("=")
            needed, _, output = place.rpartition(".")
            parts.append(f"needs.{needed}.outputs.{output} == '{wanted}'")
    if job.needs and parts:
        # a job that was skipped above must not skip this one too; one that failed must
        parts = ["!cancelled()", "!failure()", *parts]
    return " && ".join(parts)


def _tools(job: Job) -> Iterator[dict[str, Any]]:
    programs = known()["programs"]
    if "terraform" in job.tools:
        version = {"terraform_version": programs["terraform"]["version"], "terraform_wrapper": False}
        yield _action("Set up Terraform", "hashicorp/setup-terraform", version)
    if "groundplan" in job.tools:
        yield _action("Set up Python", "actions/setup-python", {"python-version": programs["python"]["version"]})
        yield {"title": "Install groundplan", "run": 'pip install "$GROUNDPLAN"\n', "head": {}, "rest": {}}
    if "build" in job.tools:
        emulation = {"image": pinned("emulation"), "cache-image": False}
        yield _action("Set up emulation", "docker/setup-qemu-action", emulation)
    if {"build", "build-one"} & set(job.tools):
        yield _action("Set up the builder", "docker/setup-buildx-action", {"cache-binary": False})
    if "cloud" in job.tools and job.cloud:
        role, region = job.cloud
        yield _action(
            "Take the role of the job",
            "aws-actions/configure-aws-credentials",
            {"role-to-assume": role, "aws-region": region},
        )


def _action(title: str, name: str, inputs: Any, head: Any = None) -> dict[str, Any]:
    pin = known()["actions"][name]
    rest = {"with": dict(inputs)} if inputs else {}
    made = {"title": title, "uses": f"{name}@{pin['commit']}", "version": pin["version"], "head": head or {}}
    return {**made, "rest": rest, "run": ""}


def _step(step: Step, job: Job) -> dict[str, Any]:
    if step.action == "take":
        return _action(step.title, "actions/download-artifact", step.inputs)
    if step.action == "keep":
        kept = next(kept for kept in job.keeps if kept.name == step.inputs["name"])
        return {**_upload(kept), "title": step.title}
    head: dict[str, Any] = {"id": step.id} if step.id else {}
    if step.when:
        head["if"] = " && ".join(_when(word) for word in step.when.split("&"))
    if step.action:
        return _action(step.title, step.action, step.inputs, head)
    if step.variables:
        head["env"] = dict(step.variables)
    return {"title": step.title, "run": step.script, "head": head, "rest": {}}


def _when(word: str) -> str:
    if word == "always":
        return "always()"
    if word == "own":
        return f"always() && (github.event_name != 'pull_request' || {_OWN})"
    kind, _, rest = word.partition(":")
    if kind == "each":
        name, _, wanted = rest.partition("=")
        return f"matrix.{name} == '{wanted}'"
    place, _, output = word.partition("=")
    return f"steps.{place}.outputs.{output} == 'true'"


def _upload(kept: Kept) -> dict[str, Any]:
    paths = [name for path in kept.paths for name in _uploaded(path)]
    inputs = {
        "name": kept.name,
        "path": "".join(f"{path}\n" for path in paths),
        "retention-days": kept.days,
        "if-no-files-found": "error",
        "overwrite": True,
    }
    return _action(f"Keep {kept.name}", "actions/upload-artifact", inputs, {"if": "always()"} if kept.always else {})


def _uploaded(path: str) -> tuple[str, ...]:
    """A file that may hold secrets leaves the machine sealed, with its sealed key."""
    return (f"{path}.sealed", f"{path}.sealed.key") if path in SEALED else (path,)
