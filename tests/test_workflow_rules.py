"""Rules about pipelines, beyond the examples that each of them carries: what must not be caught, and our own output."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from generator import policy, render, spec
from generator.document import SourceFile
from generator.policy.documents import documents
from generator.targets import ci

ROOT = Path(__file__).parents[1]
APPS = sorted(path.parent.name for path in (ROOT / "fixtures/apps").glob("*/groundplan.yaml"))
TODAY = policy.Context(today="2026-11-23")
RULES = [
    rule
    for rule in policy.rules()
    if rule.family == "ci" or rule.id in ("cross/deployed-image-not-signed", "cross/drift-slower-than-spec")
]
SHA = "3d3c42e5aac5ba805825da76410c181273ba90b1"
WORKFLOW = ".github/workflows/x.yml"


def found(text: str, path: str = WORKFLOW, *more: SourceFile) -> list[str]:
    outcome = policy.judge([SourceFile(path, text), *more], RULES, TODAY)
    return sorted(finding.rule for finding in outcome.findings)


def job(body: str, on: str = "push: {branches: [main]}") -> str:
    return f"on: {{{on}}}\npermissions: {{}}\njobs:\n  a:\n    timeout-minutes: 5\n" + "".join(
        f"    {line}\n" for line in body.splitlines()
    )


def test_there_are_at_least_twenty() -> None:
    assert len(RULES) >= 20


@pytest.mark.parametrize("app", APPS)
def test_our_own_pipelines_pass(app: str) -> None:
    product = spec.load(ROOT / "fixtures/apps" / app / "groundplan.yaml").product
    assert product is not None
    delivery = dataclasses.replace(product.base.delivery, ci=("github", "gitlab"))
    both = dataclasses.replace(product, base=dataclasses.replace(product.base, delivery=delivery))
    files = [render.render_one(artifact, "groundplan.yaml") for artifact in ci.plan(both)]
    files_of_spec = SourceFile("groundplan.yaml", (ROOT / "fixtures/apps" / app / "groundplan.yaml").read_text())
    outcome = policy.judge([*files, files_of_spec], RULES, TODAY)
    assert [f"{finding.at}: {finding.rule}: {finding.message}" for finding in outcome.findings] == []
    assert outcome.passes


@pytest.mark.parametrize(
    ("path", "text", "form"),
    [
        (WORKFLOW, "on: push\njobs: {a: {steps: [{run: x}]}}\n", "github-workflow"),
        ("ci/build.yml", "on: push\njobs: {a: {steps: [{run: x}]}}\n", "github-workflow"),
        ("action.yml", "name: x\nruns: {using: composite, steps: []}\n", "github-action"),
        ("tools/x/action.yaml", "runs: {using: node24, main: x.js}\n", "github-action"),
        (".gitlab-ci.yml", "test: {script: [make]}\n", "gitlab-ci"),
        (".gitlab/ci/x.yml", "test: {script: [make]}\n", "gitlab-ci"),
        ("groundplan.yaml", "apiVersion: groundplan/v1\napp: shop\n", "groundplan"),
    ],
)
def test_a_pipeline_is_known_by_its_keys_and_place(path: str, text: str, form: str) -> None:
    assert [document.format for document in documents([SourceFile(path, text)])] == ["text", form]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("values.yaml", "jobs: {a: {steps: []}}\n"),
        ("config.yml", "test: {script: [make]}\n"),
        ("compose.yaml", "services: {web: {image: nginx}}\n"),
        (WORKFLOW, "- a\n- b\n"),
        (".gitlab/issue.yml", "name: x\n"),
    ],
)
def test_other_yaml_is_no_pipeline(path: str, text: str) -> None:
    forms = {document.format for document in documents([SourceFile(path, text)])}
    assert not forms & {"github-workflow", "github-action", "gitlab-ci"}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (job("steps: [{uses: docker://alpine:3}]"), "ci/unpinned-action"),
        (
            job("steps:\n  - run: |\n      terraform -chdir=x apply \\\n        -auto-approve"),
            "ci/apply-without-saved-plan",
        ),
        (job("steps: [{run: tofu apply}]"), "ci/apply-without-approval"),
        (
            job("steps: [{run: 'echo ${{ github.event.comment.body }}'}]", "issue_comment: {}"),
            "ci/untrusted-input-in-shell",
        ),
        (job("steps: [{run: 'echo ${{ inputs.name }}'}]", "workflow_dispatch: {}"), "ci/input-in-shell"),
        (
            job("steps:\n  - run: echo ${{ format('{0}', github.event.commits[0].message) }}"),
            "ci/untrusted-input-in-shell",
        ),
        (job("steps: [{run: 'git fetch ${{ github.event.pull_request.head.ref }}'}]"), "ci/untrusted-input-in-shell"),
        (job("steps: [{run: 'x ${{ github.event.head_commit.author.name }}'}]"), "ci/untrusted-input-in-shell"),
        (job("container: {image: 'ghcr.io/acme/tool:latest'}\nsteps: [{run: make}]"), "ci/moving-container-image"),
        (job("steps: [{run: 'kubectl -n shop set image deployment/web web=web:1.2'}]"), "ci/image-deployed-by-tag"),
        (job("continue-on-error: true\nsteps: [{run: pytest}]"), "ci/gate-may-fail"),
        ("on: [push]\njobs: {a: {steps: [{run: make}]}}\n", "ci/missing-permissions"),
    ],
)
def test_it_is_caught(text: str, rule: str) -> None:
    assert rule in found(text)


@pytest.mark.parametrize(
    "text",
    [
        job("steps: [{run: 'echo ${{ github.event.pull_request.number }}'}]", "pull_request: {}"),
        job("steps: [{run: 'echo ${{ github.sha }} ${{ matrix.name }}'}]"),
        job("steps: [{run: 'git diff ${{ github.event.pull_request.base.ref }}'}]", "pull_request: {}"),
        job("steps: [{run: 'git diff ${{ github.event.pull_request.head.sha }}'}]", "pull_request: {}"),
        job("steps: [{run: 'x ${{ github.event.pull_request.head.repo.full_name }}'}]", "pull_request: {}"),
        job("steps: [{run: 'x ${{ inputs.fast }}'}]", "workflow_dispatch: {inputs: {fast: {type: boolean}}}"),
        job("steps: [{run: 'the word github.head_ref stands here'}]"),
        job("steps: [{run: 'TOKEN=${{ secrets.GITHUB_TOKEN }} make'}]"),
        job("steps: [{run: terraform plan -out tfplan}]"),
        job("steps: [{run: 'echo terraform apply is done by another workflow > note.md'}]").replace(
            "terraform apply is", "applying is"
        ),
        job("steps: [{run: kubectl get pods}]"),
        job("steps: [{run: helm template ./chart}]"),
        job("if: ${{ github.ref == 'refs/heads/main' }}\nsteps: [{run: make}]"),
        job("steps: [{run: curl -fsSL https://example.com/data.json | jq .}]"),
        job("continue-on-error: true\nsteps: [{run: make docs}]"),
        job(f"steps: [{{uses: actions/setup-node@{SHA}, with: {{cache: npm}}}}]"),
        job("services: {db: {image: 'postgres:17'}}\nsteps: [{run: make}]"),
        job("container: '${{ matrix.image }}'\nsteps: [{run: make}]"),
    ],
)
def test_it_is_not_caught(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "image: python:3.13\n.template: {script: [terraform apply]}\n",
        "test:\n  script: [make]\n  allow_failure: true\n",
        "test:\n  trigger: {project: acme/other}\n",
        "include: {template: Jobs/SAST.gitlab-ci.yml}\ntest: {script: [make]}\n",
    ],
)
def test_it_is_not_caught_on_gitlab(text: str) -> None:
    assert found(text, ".gitlab-ci.yml") == []


@pytest.mark.parametrize(
    ("every", "cron", "rules"),
    [
        ("1h", "17 * * * *", []),
        ("1h", "17 */2 * * *", ["cross/drift-slower-than-spec"]),
        ("24h", "17 5 * * *", []),
        ("24h", "17 5 * * 1-5", ["cross/drift-slower-than-spec"]),
        ("1h", "no schedule", []),
    ],
)
def test_the_schedule_of_drift_is_held_against_the_spec(every: str, cron: str, rules: list[str]) -> None:
    promise = SourceFile("groundplan.yaml", f"apiVersion: groundplan/v1\ndelivery: {{drift: {{every: {every}}}}}\n")
    text = job("steps: [{run: terraform plan -refresh-only}]", f'schedule: [{{cron: "{cron}"}}]')
    assert found(text, WORKFLOW, promise) == rules


def test_a_finding_stands_at_its_line() -> None:
    text = job("steps:\n  - run: make\n  - uses: actions/checkout@v7\n    with: {persist-credentials: false}")
    outcome = policy.judge([SourceFile(WORKFLOW, text)], RULES, TODAY)
    assert [(finding.rule, finding.at.line) for finding in outcome.findings] == [("ci/unpinned-action", 8)]


@pytest.mark.parametrize(
    "text",
    [
        "on: 1\njobs: {a: 2, b: {steps: 3}, c: {steps: [4, {run: 5, uses: [], with: 6, if: {}}]}}\n",
        "on: {schedule: {cron: x}}\njobs: {a: {needs: {x: y}, container: [], services: 1, concurrency: 4}}\n",
        "on: push\npermissions: [x]\njobs: {a: {runs-on: {group: x}, steps: [{uses: '@'}, {run: terraform apply}]}}\n",
    ],
)
def test_strange_values_are_no_reason_to_stumble(text: str) -> None:
    assert isinstance(found(text), list)
    assert isinstance(found(text.replace("on:", "include:"), ".gitlab-ci.yml"), list)
