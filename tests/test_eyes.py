"""What new users met: each was a defect once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from generator import cli, lock, options, scaffold
from generator.document import SourceFile
from generator.policy import waivers

SPEC = """\
apiVersion: groundplan/v1
app: shop
owner: team-shop
targets: [docker, compose]
services:
  web: {runtime: node, port: 3000}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def generated(here: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    (here / "groundplan.yaml").write_text(SPEC)
    assert cli.run(["generate", "-q"]) == 0
    capsys.readouterr()
    return here


def test_a_dockerfile_outside_the_current_directory_is_linted(here: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "Dockerfile").write_text("FROM node:24\nCOPY . .\n")
    command = [sys.executable, "-m", "generator", "lint", "../a/Dockerfile", "--skip", "checkov"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "docker/secret-file-in-context" in done.stdout


def test_waivers_of_a_long_file_are_looked_for_in_no_time() -> None:
    """It took ten seconds for a schema of ten thousand lines; here it would take minutes."""
    text = "".join(f'  "urn:groundplan:{number}": "checkov hadolint trivy",\n' for number in range(40_000))
    began = time.process_time()
    assert list(waivers.in_file(SourceFile("groundplan.schema.json", text))) == []
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "path", ["groundplan.yaml", "groundplan.lock", "compose.yaml", "Dockerfile", "notes.json", "."]
)
def test_a_report_replaces_no_file_of_the_users(path: str, generated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (generated / "notes.json").write_text('{"mine": true}\n')
    before = {file: file.read_bytes() for file in generated.iterdir() if file.is_file()}
    assert cli.run(["check", "--skip", "checkov", "-o", f"json={path}"]) == 2
    assert path in capsys.readouterr().err
    assert {file: file.read_bytes() for file in generated.iterdir() if file.is_file()} == before


@pytest.mark.parametrize("name", options.FORMATS)
def test_a_report_replaces_the_report_before_it(name: str, generated: Path) -> None:
    for _ in range(2):
        assert cli.run(["check", "--skip", "checkov", "-q", "-o", f"{name}=out/report"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "json=/proc/nowhere/x.json"), "cannot be written"),
        (("-o", "json", "-o", "sarif"), "json and sarif both go to standard output"),
        (("-o", "json="), "names no file"),
    ],
)
def test_a_report_that_cannot_be_written_is_no_bug_of_ours(
    words: tuple[str, ...], said: str, generated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["check", "--skip", "checkov", *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("redirected", ["> /dev/full", ">&-", ">&- 2>&-"])
def test_a_stream_that_takes_nothing_is_no_bug_of_ours(redirected: str, generated: Path) -> None:
    line = f'"{sys.executable}" -m generator rules {redirected}'
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    done = subprocess.run(["/bin/sh", "-c", line], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 2}, done.stderr
    assert "bug" not in done.stderr


def test_a_place_is_copied_from_a_finding_with_its_column(generated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for place in ("compose.yaml:6", "compose.yaml:6:3", "compose.yaml:6:3:"):
        assert cli.run(["why", place]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] == said[2]


def test_a_spec_behind_a_link_names_no_place_of_this_machine(here: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.yaml").write_text(SPEC)
    (here / "groundplan.yaml").symlink_to("../elsewhere.yaml")
    assert cli.run(["generate", "-q"]) == 0
    assert str(tmp_path) not in (here / "compose.yaml").read_text()
    assert json.loads((here / lock.NAME).read_text())["spec"] == "groundplan.yaml"


def test_a_dockerfile_of_ours_is_clean_alone(generated: Path) -> None:
    """What its context leaves out stands in a file beside it."""
    assert cli.run(["lint", "Dockerfile", "--skip", "checkov", "-q"]) == 0
    (generated / ".dockerignore").unlink()
    assert cli.run(["lint", "Dockerfile", "--skip", "checkov", "-q"]) == 1


@pytest.mark.parametrize("text", [SPEC, f"# a comment\n{SPEC}", ""], ids=["spec", "with a comment", "empty"])
def test_a_spec_that_is_linted_is_said_to_be_unchecked(
    text: str, generated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (generated / "groundplan.yaml").write_text(text)
    cli.run(["lint", ".", "--skip", "checkov"])
    assert "groundplan.yaml: it is a spec; run `groundplan validate --spec groundplan.yaml`" in capsys.readouterr().out


def test_the_frame_of_a_foreign_file_is_its_own_text(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "groundplan.yaml").write_text(SPEC)
    (here / "Dockerfile").write_text("FROM mine\n")
    assert cli.run(["generate"]) == 1
    said = capsys.readouterr().out
    assert "1 | FROM mine" in said
    assert "# syntax" not in said


def test_a_lock_of_another_spec_is_said_once(generated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (generated / "other.yaml").write_text(SPEC.replace("3000", "3001"))
    assert cli.run(["check", "--spec", "other.yaml", "--skip", "checkov"]) == 2
    assert "belongs to groundplan.yaml" in capsys.readouterr().err


def test_a_waiver_of_what_did_not_run_is_not_unused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    waived = '# groundplan: ignore[docker/latest-tag] reason="a try"\nFROM node:latest\n'
    (here / "Dockerfile").write_text(waived)
    cli.run(["lint", ".", "--skip", "policy", "--skip", "checkov"])
    assert "waiver/unused" not in capsys.readouterr().out


@pytest.mark.parametrize("waived", [False, True])
def test_a_password_in_a_spec_is_not_written(waived: bool, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = SPEC.replace("port: 3000}", "port: 3000, env: {DB_PASSWORD: hunter2hunter2}}")
    accepted = "waivers:\n  - {rule: secrets/literal-variable, reason: a try, until: 2098-01-01}\n" if waived else ""
    (here / "groundplan.yaml").write_text(text + accepted)
    assert cli.run(["generate"]) == (0 if waived else 1)
    assert (here / "compose.yaml").exists() is waived
    if not waived:
        said = capsys.readouterr().out
        assert "secrets/literal-variable" in said
        assert "caused by" in said
        assert "groundplan.yaml:6:" in said


# explain


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("services.wbe.port", 'there is no service "wbe"; did you mean "web"?'),
        ("environments.prod.services.web.port", "  in prod:\n    = 3000"),
        ("DL3008", "wiki/DL3008"),
        ("CKV_K8S_22", "kubernetes/writable-root"),
        ("CKV_AWS_20", "checkov"),
        ("services.web", "a program of the product"),
    ],
)
def test_what_is_asked_is_explained(generated: Path, capsys: pytest.CaptureFixture[str], asked: str, said: str) -> None:
    assert cli.run(["explain", asked]) == 0
    told = capsys.readouterr().out
    assert said.lower() in told.lower()
    assert max(len(line) for line in told.splitlines()) < 400


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("services..port", "is not a key of a spec"),
        ("", "is not a key of a spec"),
        ("services.web.prot", 'did you mean "services.web.port"?'),
        ("port", "did you mean services.<name>.port or services.<name>.metrics.port?"),
        ("hadolint/NOPE", 'there is no rule "hadolint/NOPE"'),
        ("checkov/CKV_X", 'there is no rule "checkov/CKV_X"'),
        ("docker/nope", "`groundplan rules` lists them"),
        ("cross/probe-port-close", 'did you mean "cross/probe-port-closed"?'),
        ("environments.prd.services.web.port", 'there is no environment "prd"; did you mean "prod"?'),
    ],
)
def test_what_is_not_there_is_not_explained(
    generated: Path, capsys: pytest.CaptureFixture[str], asked: str, said: str
) -> None:
    assert cli.run(["explain", asked]) == 2
    assert said in capsys.readouterr().err


def test_a_broken_spec_is_named_as_it_was_found(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "groundplan.yaml").write_text(SPEC + "nonsense: 1\n")
    for command in (["diff"], ["explain", "app"], ["why", "compose.yaml:1"]):
        assert cli.run(command) == 2
        told = capsys.readouterr().err
        assert told.endswith("see `groundplan validate`\n")
        assert str(here) not in told


# what else is printed


def test_rules_are_written_to_the_named_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["rules", "--family", "ci", "-o", "json=rules.json"]) == 0
    assert capsys.readouterr().out == ""
    assert all(rule["id"].startswith("ci/") for rule in json.loads((here / "rules.json").read_text()))
    assert cli.run(["rules", "-o", "sarif"]) == 2


@pytest.mark.parametrize(("word", "said"), [("help", "Usage: groundplan "), ("version", "groundplan 0.")])
def test_what_people_type_first_is_answered(capsys: pytest.CaptureFixture[str], word: str, said: str) -> None:
    assert cli.run([word]) == 0
    assert capsys.readouterr().out.startswith(said)


def test_help_knows_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["help", "lint"]) == 0
    assert "groundplan lint ." in capsys.readouterr().out


def test_without_a_terminal_it_is_said_what_was_taken(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["init", "shop", "--variant", "lint-only", "--owner", "team-a"]) == 0
    told = capsys.readouterr().err
    assert "no terminal to ask on, so these are taken: --app shop --forge github" in told
    assert cli.run(["init", "shop", "--variant", "lint-only", "--no-input"]) == 0
    told = capsys.readouterr().err
    assert "taken" not in told
    assert "wrote" not in told


def test_a_region_is_asked_only_of_a_cloud(here: Path) -> None:
    def asked(cloud: str) -> list[str]:
        return [question.key for question in scaffold.questions(here, {"cloud": cloud})]

    assert "region" in asked("aws")
    assert "region" not in asked("none")


# the spec


def test_a_name_that_is_a_boolean_elsewhere_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("true", "no", "null"):
        (here / "groundplan.yaml").write_text(SPEC.replace("web:", f"{name}:"))
        assert cli.run(["validate"]) == 1
        assert f"6:3: high spec/ambiguous-boolean: the key `{name}`" in capsys.readouterr().out
    (here / "groundplan.yaml").write_text(SPEC.replace("web:", '"no":'))
    assert cli.run(["validate"]) == 0


@pytest.mark.parametrize(("name", "meant"), [("prdo", "prod"), ("stagging", "staging"), ("perf", ""), ("prod", "")])
def test_an_environment_a_letter_away_from_a_usual_one(
    here: Path, capsys: pytest.CaptureFixture[str], name: str, meant: str
) -> None:
    (here / "groundplan.yaml").write_text(SPEC + f"environments:\n  dev: {{}}\n  {name}: {{}}\n")
    assert cli.run(["validate"]) == 0
    assert (f'a letter away from "{meant}"' in capsys.readouterr().out) == bool(meant)


def test_a_host_of_two_environments_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = SPEC.replace("port: 3000", "port: 3000, public: shop.example.com") + "environments:\n  dev: {}\n  prod: {}\n"
    (here / "groundplan.yaml").write_text(text)
    assert cli.run(["validate", "-q"]) == 0
    said = "6:44: low spec/shared-host: dev and prod are both reached as shop.example.com"
    assert said in capsys.readouterr().out
    (here / "groundplan.yaml").write_text(
        text.replace("dev: {}", "dev: {services: {web: {public: shop.dev.example.com}}}")
    )
    assert cli.run(["validate", "-q"]) == 0
    assert "shared-host" not in capsys.readouterr().out


def test_a_reference_to_nothing_is_told_beside_other_mistakes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "groundplan.yaml").write_text(
        SPEC.replace("port: 3000", 'prot: 3000, env: {A: "${dbb.url}"}') + "resources: {db: postgres}\n"
    )
    assert cli.run(["validate", "-q"]) == 1
    told = capsys.readouterr().out
    assert "spec/unknown-key" in told
    assert '"dbb"' in told
    (here / "groundplan.yaml").write_text(SPEC.replace("port", "prot").replace("services:", "services: 3 #"))
    assert cli.run(["validate", "-q"]) == 1
