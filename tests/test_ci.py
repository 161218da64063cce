"""The pipelines: right by the judgement of actionlint, zizmor, shellcheck and both forges' schemas, least in rights."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import data, pipeline, render, spec
from generator.artifact import RenderedFile
from generator.targets import ci
from generator.targets.ci import scripts
from generator.targets.ci.workflows import how_often
from generator.targets.terraform import aws

ROOT = Path(__file__).parents[1]
APPS = sorted(path.parent.name for path in (ROOT / "fixtures/apps").glob("*/groundplan.yaml"))
PINS = data.load("schemas/data/actions.json")
SHOP = "shop"


def program(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed, so the pipelines were not checked with it")
    return found


def ran(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True, **options)


@functools.cache
def rendered(app: str) -> tuple[RenderedFile, ...]:
    """What both forges get, whichever the spec names."""
    product = spec.load(ROOT / "fixtures/apps" / app / "groundplan.yaml").product
    assert product is not None
    delivery = dataclasses.replace(product.base.delivery, ci=("github", "gitlab"))
    both = dataclasses.replace(product, base=dataclasses.replace(product.base, delivery=delivery))
    return tuple(render.render_one(artifact, "groundplan.yaml") for artifact in ci.plan(both))


def parsed(app: str, start: str) -> dict[str, Any]:
    return {file.path: yaml.safe_load(file.text) for file in rendered(app) if file.path.startswith(start)}


def github(app: str) -> dict[str, Any]:
    return {Path(path).stem: body for path, body in parsed(app, ".github/").items()}


def gitlab(app: str) -> dict[str, Any]:
    return {name: job for body in parsed(app, ".gitlab/").values() for name, job in body.items()}


@pytest.fixture(params=APPS)
def tree(request: Any, tmp_path: Path) -> Path:
    for file in rendered(request.param):
        place = tmp_path / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(file.text, encoding="utf-8")
    return tmp_path


def test_actionlint_has_nothing_to_say(tree: Path) -> None:
    linter = program("actionlint")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    files = sorted(str(file) for file in tree.glob(".github/workflows/*.yml"))
    made = ran(
        [linter, "-no-color", *files],
        cwd=tree,
        env={**os.environ, "PATH": path},
    )
    assert (made.returncode, made.stdout) == (0, "")


def test_zizmor_has_nothing_to_say(tree: Path) -> None:
    linter = program("zizmor")
    made = ran(
        [linter, "--offline", "--no-progress", "--quiet", "--format=plain", str(tree)],
    )
    assert made.returncode == 0, made.stdout


def test_the_schemas_of_both_forges_hold(tree: Path) -> None:
    checker = program("check-jsonschema")
    sides = {
        "vendor.github-workflows": [*tree.glob(".github/workflows/*.yml")],
        "vendor.gitlab-ci": [tree / ".gitlab-ci.yml", *tree.glob(".gitlab/ci/*.yml")],
    }
    for schema, files in sides.items():
        assert files
        command = [checker, "--builtin-schema", schema, *(str(file) for file in files)]
        made = ran(
            command,
        )
        assert made.returncode == 0, made.stdout


@pytest.mark.parametrize("app", ["ecs", "every-kind", "existing", SHOP])
def test_shellcheck_has_nothing_to_say_about_gitlab_jobs(app: str) -> None:
    checker = program("shellcheck")
    for name, job in gitlab(app).items():
        text = "\n".join([*job.get("before_script", []), *job["script"]])
        made = ran(
            [checker, "-s", "sh", "-"],
            input=text,
        )
        assert made.returncode == 0, f"{name}\n{made.stdout}"


@pytest.mark.parametrize("app", APPS)
def test_every_action_is_a_commit_that_was_looked_up(app: str) -> None:
    used = re.findall(r"uses: (\S+)@(\S+) # (\S+)", "\n".join(file.text for file in rendered(app)))
    assert used
    for name, commit, version in used:
        assert re.fullmatch("[0-9a-f]{40}", commit)
        assert (PINS["actions"][name]["commit"], PINS["actions"][name]["version"]) == (commit, version)
    assert "uses:" not in re.sub(r"uses: \S+@[0-9a-f]{40} # v\S+", "", "\n".join(f.text for f in rendered(app)))


def test_every_pin_says_where_it_was_seen() -> None:
    for kind in ("actions", "images"):
        for name, pin in PINS[kind].items():
            assert pin["seen"], name
    assert all(re.fullmatch("sha256:[0-9a-f]{64}", image["digest"]) for image in PINS["images"].values())


@pytest.mark.parametrize("app", APPS)
def test_rights_are_given_to_jobs_and_never_more_than_known(app: str) -> None:
    known = {
        *(("contents", "read"), ("contents", "write"), ("id-token", "write"), ("pull-requests", "write")),
        *(("issues", "write"), ("actions", "write"), ("packages", "read"), ("packages", "write")),
        ("security-events", "write"),
    }
    for name, workflow in github(app).items():
        assert workflow["permissions"] == {}
        assert workflow["concurrency"]["cancel-in-progress"] is (name in ("check", "infra-plan"))
        for job in workflow["jobs"].values():
            assert set(job["permissions"].items()) <= known
            assert 0 < job["timeout-minutes"] <= 90
            for step in job["steps"]:
                assert "${{" not in step.get("run", ""), "a script reads variables"
                if step.get("uses", "").startswith("actions/checkout@"):
                    assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("app", [app for app in APPS if "infra-apply" in github(app)])
def test_an_apply_has_an_environment_a_saved_plan_a_backup_and_its_turn(app: str) -> None:
    applies = [
        job
        for workflow in github(app).values()
        for job in workflow["jobs"].values()
        if any("apply -input=false" in step.get("run", "") for step in job["steps"])
    ]
    assert applies
    for job in applies:
        titles = [step["name"] for step in job["steps"]]
        assert job["environment"]
        assert job["concurrency"]["cancel-in-progress"] is False
        order = ["Fetch the plan", "Unseal the plan", "Back up the state", "Keep the state", "Apply the plan"]
        assert [title for title in titles if title in order] == order
        role = next(step["with"]["role-to-assume"] for step in job["steps"] if "role-to-assume" in step.get("with", {}))
        assert role.endswith(f"-{job['environment']}-apply")


def test_environments_are_applied_in_the_order_of_promotion() -> None:
    jobs = github(SHOP)["infra-apply"]["jobs"]
    assert [name for name in jobs if name.startswith("apply")] == ["apply-dev", "apply-staging", "apply-prod"]
    assert jobs["plan-prod"]["needs"] == ["apply-staging"]
    assert jobs["apply-prod"]["needs"] == ["plan-prod"]


def test_only_what_fits_is_made() -> None:
    assert set(github("runtime-go")) == {"check", "image", "pins"}
    assert set(github("ecs")) == {"check", "infra-plan", "infra-apply", "drift", "image", "promote", "rollback", "pins"}
    assert set(github(SHOP)) == {*github("ecs"), "dr-drill"}
    assert not any("terraform" in file.text for file in rendered("runtime-go"))


@pytest.mark.parametrize("app", APPS)
def test_the_gate_runs_on_every_change(app: str) -> None:
    """A generated file that was edited by hand fails it, wherever it lies."""
    workflow = github(app)["check"]
    assert set(workflow[True]["pull_request"]) == {"branches"}
    assert any("groundplan check" in step.get("run", "") for step in workflow["jobs"]["check"]["steps"])


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_a_vulnerability_that_somebody_answers_for_does_not_stop_the_scan(forge: str, tmp_path: Path) -> None:
    text = (ROOT / "fixtures/apps/smallest/groundplan.yaml").read_text("utf-8")
    more = (
        "waivers:\n  - {rule: grype/CVE-2026-1234, reason: 'never parsed: \"x\"', until: 2027-01-31, owner: team-web}\n"
    )
    path = tmp_path / "groundplan.yaml"
    path.write_text(f"{text}delivery: {{ci: [{forge}]}}\n{more}", encoding="utf-8")
    product = spec.load(path).product
    assert product is not None
    made = {artifact.path: render.render_one(artifact, "groundplan.yaml").text for artifact in ci.plan(product)}
    assert yaml.safe_load(made[".grype.yaml"])["ignore"] == [
        {
            "vulnerability": "CVE-2026-1234",
            "include-aliases": True,
            "reason": 'never parsed: "x" (team-web, until 2027-01-31)',
        }
    ]
    pipeline = made[".github/workflows/image.yml" if forge == "github" else ".gitlab/ci/image.yml"]
    assert '-v "$PWD/.grype.yaml:/.grype.yaml:ro"' in pipeline
    assert "--config /.grype.yaml" in pipeline
    assert ".grype.yaml" not in {file.path for file in rendered("smallest")}


def test_the_environment_with_approvers_waits_for_a_hand() -> None:
    jobs = gitlab(SHOP)
    assert all(rule["when"] == "manual" for rule in jobs["infra-apply:apply-prod"]["rules"])
    assert not any("when" in rule for rule in jobs["infra-apply:apply-dev"]["rules"])


def test_the_protected_environment_waits_for_a_hand_without_named_approvers() -> None:
    jobs = gitlab("ecs")
    assert all(rule["when"] == "manual" for rule in jobs["rollback:deploy-prod"]["rules"])
    assert not any("when" in rule for rule in jobs["rollback:deploy-dev"]["rules"])


def test_who_is_to_be_asked_is_said_where_the_files_cannot_ask() -> None:
    made = next(file for file in rendered(SHOP) if file.path.endswith("workflows/infra-apply.yml"))
    lines = made.text.splitlines()
    note = "# Protect the environment prod at the forge, with reviewers team-shop-leads."
    assert made.origins[lines.index(note)].causes[0] == "delivery.approvals.prod"
    assert not any("environment dev at the forge" in line for line in lines)


def test_a_freeze_stops_everything_but_a_rollback() -> None:
    stopped = {
        f"{name}:{job}"
        for name, workflow in github(SHOP).items()
        for job, body in workflow["jobs"].items()
        if any(step["name"] == "No releases in a freeze" for step in body["steps"])
    }
    assert stopped == {
        *(f"infra-apply:apply-{name}" for name in ("dev", "staging", "prod")),
        *("image:deploy-dev", "promote:deploy-staging", "promote:deploy-prod"),
    }


def test_the_terraform_that_runs_is_one_that_the_files_ask_for() -> None:
    assert data.load("schemas/data/terraform.json")["terraform"]["version"] == ">= 1.11, < 2.0"
    major, minor, _ = PINS["programs"]["terraform"]["version"].split(".")
    assert (int(major), int(minor)) >= (1, 11)
    assert int(major) < 2


def test_a_job_with_secrets_lets_only_maintainers_have_its_files() -> None:
    jobs = gitlab(SHOP)
    assert jobs["infra-apply:plan-prod"]["artifacts"]["access"] == "maintainer"
    uploads = [
        step["with"]
        for job in github(SHOP)["infra-apply"]["jobs"].values()
        for step in job["steps"]
        if step.get("uses", "").startswith("actions/upload-artifact@")
    ]
    paths = {path for upload in uploads for path in upload["path"].split()}
    assert paths == {
        *("handover/tfplan.sealed", "handover/tfplan.sealed.key", "handover/state.sealed", "handover/state.sealed.key"),
        "handover/evidence.txt",
    }
    assert {upload["retention-days"] for upload in uploads if "tfplan" in upload["path"]} == {1}


def test_lines_know_the_spec_line_they_come_from() -> None:
    drift = next(file for file in rendered(SHOP) if file.path.endswith("workflows/drift.yml"))
    line = next(number for number, text in enumerate(drift.text.splitlines()) if "cron:" in text)
    assert drift.origins[line].causes[0] == "delivery.drift.every"
    image = next(file for file in rendered(SHOP) if file.path.endswith("workflows/image.yml"))
    line = next(number for number, text in enumerate(image.text.splitlines()) if "FAIL_ON:" in text)
    assert image.origins[line].causes[0] == "delivery.scan.fail_on"


@pytest.mark.parametrize(
    ("every", "cron"),
    [
        ("10m", "3,13,23,33,43,53 * * * *"),
        ("30m", "7,37 * * * *"),
        ("1h", "17 * * * *"),
        ("90m", "17 * * * *"),
        ("6h", "17 */6 * * *"),
        ("5h", "17 */4 * * *"),
        ("24h", "17 5 * * *"),
        ("7d", "17 5 * * 1"),
    ],
)
def test_drift_is_looked_for_at_least_so_often_and_never_on_the_hour(every: str, cron: str) -> None:
    assert how_often(every) == cron


# The shell itself, run


def shell(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return ran(
        ["sh", "-e", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, **variables},
    )


def fake(folder: Path, name: str, script: str) -> None:
    place = folder / "bin" / name
    place.parent.mkdir(exist_ok=True)
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(0o755)


@pytest.mark.parametrize(
    ("today", "code"), [("20261217", 0), ("20261218", 1), ("20261231", 1), ("20270104", 1), ("20270105", 0)]
)
def test_a_freeze_holds_on_its_first_and_last_day(tmp_path: Path, today: str, code: int) -> None:
    fake(tmp_path, "date", f"echo {today}")
    made = shell(scripts.freeze([("2026-12-18", "2027-01-04")]), tmp_path)
    assert made.returncode == code
    assert ("no releases from 2026-12-18 to 2027-01-04" in made.stderr) is bool(code)


@pytest.mark.parametrize(
    ("release", "code"), [("a" * 40, 0), ("main", 1), ("a" * 39, 1), ("A" * 40, 1), ("$(id)", 1), ("", 1)]
)
def test_a_release_is_a_commit(tmp_path: Path, release: str, code: int) -> None:
    assert shell(scripts.RELEASE, tmp_path, RELEASE=release).returncode == code


def test_what_is_sealed_can_be_unsealed_and_nothing_open_is_left(tmp_path: Path) -> None:
    for tool in ("openssl", "jq"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed, so sealing was not tried")
    key = "bm90IGEgc2VjcmV0IGF0IGFsbCwgYnV0IGxvbmcgZW5vdWdo"
    answer = f'{{"Plaintext": "{key}", "CiphertextBlob": "c2VhbGVk"}}'
    fake(tmp_path, "aws", f"case \"$2\" in generate-data-key) echo '{answer}' ;; decrypt) echo {key} ;; esac")
    (tmp_path / "tfplan").write_text("the plan")
    known = {"PLANS": str(tmp_path), "STATE_KEY": "alias/x", "SEALED": "tfplan"}
    made = shell(scripts.SEAL, tmp_path, **known)
    assert made.returncode == 0, made.stderr
    assert b"the plan" not in (tmp_path / "tfplan.sealed").read_bytes()
    (tmp_path / "tfplan").unlink()
    assert shell(scripts.UNSEAL, tmp_path, **known).returncode == 0
    assert (tmp_path / "tfplan").read_text() == "the plan"
    assert not (tmp_path / "key").exists()
    assert not (tmp_path / "key.json").exists()


@pytest.mark.parametrize(("result", "said"), [(0, "changed=false"), (2, "changed=true"), (1, None)])
def test_a_plan_says_whether_it_changes_anything(tmp_path: Path, result: int, said: str | None) -> None:
    fake(tmp_path, "terraform", f'case "$*" in *" plan "*) exit {result} ;; *) echo masked ;; esac')
    made = shell(scripts.PLANS + scripts.PLAN, tmp_path, PLANS=str(tmp_path / "handover"), ENVIRONMENT="dev")
    assert made.returncode == (1 if said is None else 0)
    if said:
        assert (tmp_path / "handover/changed").read_text().strip() == said
        assert "masked" in (tmp_path / "handover/plan.md").read_text()


@pytest.mark.parametrize(("versioning", "code"), [("Enabled", 0), ("Suspended", 1), ("None", 1)])
def test_nothing_is_applied_when_the_bucket_keeps_no_versions(tmp_path: Path, versioning: str, code: int) -> None:
    fake(tmp_path, "aws", f'case "$*" in *"--bucket the-bucket "*) echo {versioning} ;; *) exit 9 ;; esac')
    fake(tmp_path, "terraform", "echo state")
    root = tmp_path / "terraform/environments/dev"
    root.mkdir(parents=True)
    (root / "state.s3.tfbackend").write_text('bucket       = "the-bucket"\nkey          = "x"\n')
    assert shell(scripts.BACKUP, tmp_path, PLANS=str(tmp_path), ENVIRONMENT="dev").returncode == code
    assert (tmp_path / "state").exists() is (code == 0)


def repositories(tmp_path: Path) -> tuple[Path, Path]:
    remote, work = tmp_path / "remote.git", tmp_path / "work"
    ran(["git", "init", "-q", "--bare", str(remote)])
    ran(["git", "init", "-q", "-b", "main", str(work)])
    (work / "source.txt").write_text("x")
    for command in (["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "one"]):
        ran(["git", *command], cwd=work)
    return remote, work


def released(remote: Path, tmp_path: Path, number: int) -> Iterator[str]:
    work = tmp_path / f"work-{number}"
    shutil.copytree(tmp_path / "work", work)
    (work / "release").mkdir()
    (work / "handover").mkdir()
    (work / "release/manifests.yaml").write_text(f"number: {number}\n")
    (work / "digests.txt").write_text(f"web sha256:{number}\n")
    made = shell(
        scripts.GITOPS, work, REMOTE=str(remote), ENVIRONMENT="dev", RELEASE="a" * 40, PLANS=str(work / "handover")
    )
    assert made.returncode == 0, made.stderr
    listed = ran(
        ["git", "ls-tree", "--name-only", "deploy/dev"],
        cwd=remote,
    )
    yield listed.stdout
    shown = ran(
        ["git", "show", "deploy/dev:digests.txt"],
        cwd=remote,
    )
    yield shown.stdout
    count = ran(
        ["git", "rev-list", "--count", "deploy/dev"],
        cwd=remote,
    )
    yield count.stdout


def test_the_branch_of_an_environment_holds_only_what_is_to_run(tmp_path: Path) -> None:
    remote, _ = repositories(tmp_path)
    assert list(released(remote, tmp_path, 1)) == ["digests.txt\nmanifests.yaml\n", "web sha256:1\n", "1\n"]
    assert list(released(remote, tmp_path, 2)) == ["digests.txt\nmanifests.yaml\n", "web sha256:2\n", "2\n"]


@pytest.mark.parametrize(("release", "code"), [("a" * 40, 0), ("b" * 40, 1)])
def test_only_what_ran_before_is_promoted(tmp_path: Path, release: str, code: int) -> None:
    remote, work = repositories(tmp_path)
    assert list(released(remote, tmp_path, 1))
    made = shell(scripts.RAN_BEFORE, work, REMOTE=str(remote), BEFORE="dev", RELEASE=release)
    assert made.returncode == code
    assert ("never ran in dev" in made.stderr) is bool(code)


def test_a_promotion_asks_the_environment_before_and_a_rollback_does_not() -> None:
    def asked(workflow: str) -> dict[str, Any]:
        steps = [step for job in github(SHOP)[workflow]["jobs"].values() for step in job["steps"]]
        return {step["env"]["BEFORE"]: step["name"] for step in steps if "BEFORE" in step.get("env", {})}

    assert set(asked("promote")) == {"dev", "staging"}
    assert asked("rollback") == {}


def test_images_of_fargate_are_named_by_digest(tmp_path: Path) -> None:
    if not shutil.which("jq"):
        pytest.skip("jq is not installed, so the images were not put together")
    (tmp_path / "digests.txt").write_text("web sha256:1\napi sha256:2\n")
    made = shell(scripts.FARGATE + 'echo "$TF_VAR_images"', tmp_path, REGISTRY="r.example", APP="shop")
    assert made.stdout == '{"web":"r.example/shop-web@sha256:1","api":"r.example/shop-api@sha256:2"}\n'


@pytest.mark.parametrize("app", ["ecs", "shop"])
def test_publishing_waits_for_nobody_and_may_do_nothing_else(app: str) -> None:
    """A role and an environment of production would ask its reviewers before dev sees anything."""
    job = github(app)["image"]["jobs"]["publish"]
    assert "environment" not in job
    roles = [step["with"]["role-to-assume"] for step in job["steps"] if "role-to-assume" in step.get("with", {})]
    assert all(role.endswith("-publish") for role in roles)
    assert ("packages" in job["permissions"]) == job["env"]["REGISTRY_HOST"].startswith("ghcr.io")
    titles = [step["name"] for step in job["steps"]]
    assert titles.index("Sign and attest without a key") < titles.index("Name the release")


def test_only_the_account_with_the_registry_lets_images_be_pushed() -> None:
    made = spec.load(ROOT / "fixtures/apps/ecs/groundplan.yaml").product
    assert made is not None
    said = {artifact.environment: "publishes" in artifact.context["values"] for artifact in aws.bootstrap(made)}
    assert said == {"dev": False, "prod": True}


def test_images_are_pushed_without_a_name(tmp_path: Path) -> None:
    fake(tmp_path, "git", "echo 1")
    written = '{"web": {"containerimage.digest": "sha256:1"}, "api": {"containerimage.digest": "sha256:2"}}'
    fake(tmp_path, "docker", f"printf '%s\\n' \"$@\" > said; echo '{written}' > images.json")
    done = shell(scripts.PUSH, tmp_path, COMMIT="c", SERVICES="web api", REGISTRY="r.example", APP="shop")
    assert done.returncode == 0, done.stderr
    said = (tmp_path / "said").read_text()
    assert "push-by-digest=true" in said
    assert "web.tags=r.example/shop-web\n" in said
    assert "api.tags=r.example/shop-api\n" in said
    assert (tmp_path / "digests.txt").read_text() == "web sha256:1\napi sha256:2\n"


def test_a_release_that_has_its_name_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "digests.txt").write_text("web sha256:1\napi sha256:2\n")
    inspected = '*" inspect r/shop-web:c") exit 0 ;; *" inspect "*) exit 1 ;;'
    fake(tmp_path, "docker", f'case "$*" in {inspected} *) echo "$*" >> made ;; esac')
    assert shell(scripts.NAME, tmp_path, COMMIT="c", REGISTRY="r", APP="shop").returncode == 0
    assert (tmp_path / "made").read_text() == "buildx imagetools create --tag r/shop-api:c r/shop-api@sha256:2\n"


def test_a_change_of_infrastructure_keeps_the_images_that_run(tmp_path: Path) -> None:
    """Each task is asked by the name that Terraform gives it; a site that is handed out has none."""
    made = spec.load(ROOT / "fixtures/apps/ecs/groundplan.yaml").product
    assert made is not None
    asked = github("ecs")["infra-apply"]["jobs"]["plan-prod"]["env"]["TASKS"]
    files = {file.path: file.text for file in pipeline.generate(made)}
    services = files["terraform/environments/prod/services.tf"]
    assert all(f'"{pair.partition("=")[2]}"' in services for pair in asked.split())
    names = [pair.partition("=")[0] for pair in asked.split()]
    wanted = re.search(r"for name in \[(.*?)\]", files["terraform/environments/prod/variables.tf"])
    assert wanted is not None
    assert wanted[1] == ", ".join(f'"{name}"' for name in names)
    each = github("ecs")["infra-plan"]["jobs"]["plan"]["strategy"]["matrix"]["include"]
    assert [one["tasks"] for one in each] == [asked.replace("-prod-", "-dev-"), asked]
    if not shutil.which("jq"):
        pytest.skip("jq is not installed, so the images were not put together")
    fake(tmp_path, "aws", 'test "$4" = shop-prod-api-long || exit 9; echo r/shop-api@sha256:1')
    script = scripts.RUNNING + 'echo "$TF_VAR_images"'
    assert shell(script, tmp_path, TASKS="api=shop-prod-api-long").stdout == '{"api":"r/shop-api@sha256:1"}\n'
    assert shell(script, tmp_path, TASKS="api=shop-prod-web").returncode == 9
