"""The command line as a person and a pipeline meet it: messages, streams, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from generator import cli, options, project
from tests.conftest import APPS, ROOT

SMALLEST = (APPS / "smallest" / "groundplan.yaml").read_text(encoding="utf-8")
FAST = ("--skip", "checkov")


@pytest.fixture
def here(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project directory that is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROUNDPLAN_OFFLINE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("GROUNDPLAN_CHECKOV", raising=False)
    return tmp_path


def spec(here: Path, text: str = SMALLEST) -> Path:
    path = here / "groundplan.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_from_spec_to_a_clean_gate(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec(here)
    assert cli.run(["validate"]) == 0
    assert cli.run(["generate"]) == 0
    assert (here / "Dockerfile").is_file()
    assert cli.run(["check", *FAST]) == 0
    assert "checkov: left out with --skip" in capsys.readouterr().out


def test_a_stale_tree_closes_the_gate_and_generate_opens_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec(here)
    assert cli.run(["check", *FAST]) == 1
    assert "disk/missing" in capsys.readouterr().out
    assert cli.run(["generate", "-q"]) == 0
    spec(here, SMALLEST.replace("3000", "3001"))
    assert cli.run(["check", *FAST]) == 1
    assert "disk/stale" in capsys.readouterr().out
    assert cli.run(["generate", "-q"]) == 0
    assert cli.run(["check", *FAST]) == 0


def test_the_gate_level_is_the_users(here: Path) -> None:
    spec(here)
    assert cli.run(["generate", "-q"]) == 0
    assert cli.run(["check", *FAST, "--fail-on", "info"]) == 1
    assert cli.run(["check", *FAST, "--fail-on", "critical"]) == 0


def test_a_wrong_spec_shows_place_value_and_way_out(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec(here, SMALLEST.replace("    port: 3000\n", "    prot: 3000\n"))
    assert cli.run(["validate"]) == 1
    out = capsys.readouterr().out
    assert "groundplan.yaml:8:5: high spec/unknown-key" in out
    assert 'did you mean "port"?' in out
    assert "    ^^^^" in out
    assert cli.run(["generate"]) == 1
    assert list(here.iterdir()) == [here / "groundplan.yaml"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["validate"], "there is no groundplan.yaml here or above"),
        (["validate", "--spec", "no.yaml"], "there is no no.yaml"),
        (["validate", "--spec", "."], "is a directory"),
        (["why", "compose.yaml"], "names no line"),
        (["why", "nothing.yaml:1"], "is not made from"),
        (["why", "Dockerfile:9999"], "lines"),
        (["explain", "services.web.prot"], "is not a key of a spec"),
        (["explain", "cross/no-such-rule"], "no-such-rule"),
        (["explain", "services.web.port", "--env", "prd"], 'did you mean "prod"?'),
        (["rules", "--family", "nonsense"], "there are:"),
        (["lint", "nowhere"], "there is no nowhere"),
        (["lint", "empty"], "nothing to check"),
        (["check", "--skip", "chekov"], "there is no checker"),
        (["check", "-o", "html4"], "is not a report format"),
        (["frobnicate"], "No such command"),
        (["eject", "--yes"], "are not what the spec says"),
    ],
)
def test_faults_say_what_and_what_next(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    (here / "empty").mkdir()
    if arguments[0] != "validate":
        spec(here)
    assert cli.run(arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_machine_formats_stand_alone_on_standard_output(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec(here)
    cli.run(["generate", "-q"])
    capsys.readouterr()
    assert cli.run(["check", *FAST, "-o", "json", "-o", "sarif=out/x.sarif", "-o", "terminal"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["exit_code"] == 0
    assert "clean" in captured.err
    assert json.loads((here / "out" / "x.sarif").read_text())["version"] == "2.1.0"


def test_the_exit_code_is_the_same_in_every_format(here: Path) -> None:
    spec(here)
    codes = {cli.run(["check", *FAST, "-o", name]) for name in options.FORMATS}
    assert codes == {1}


def test_dry_run_and_diff_write_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec(here)
    assert cli.run(["generate", "--dry-run"]) == 0
    assert "created Dockerfile" in capsys.readouterr().out
    assert cli.run(["generate", "--diff"]) == 0
    assert "+++ b/compose.yaml" in capsys.readouterr().out
    assert list(here.iterdir()) == [here / "groundplan.yaml"]


def test_why_answers_with_spec_and_template(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec(here)
    cli.run(["generate", "-q"])
    lines = (here / "kubernetes/base/web/deployment.yaml").read_text().splitlines()
    number = next(index for index, line in enumerate(lines, 1) if "containerPort" in line)
    capsys.readouterr()
    assert cli.run(["why", f"kubernetes/base/web/deployment.yaml:{number}"]) == 0
    out = capsys.readouterr().out
    assert "services.web.port = 3000  (the spec, groundplan.yaml:8:11)" in out
    assert "template kubernetes/pod.yaml.j2:" in out


def test_explain_prints_the_chain_of_layers(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "platform.yaml").write_text("services: {web: {scale: {min: 3}}}\n")
    spec(
        here,
        "extends: platform.yaml\n"
        + SMALLEST
        + "    scale: {min: 4}\nenvironments:\n  dev: {}\n  prod: {services: {web: {scale: {min: 5}}}}\n",
    )
    assert cli.run(["explain", "services.web.scale.min", "--env", "prod"]) == 0
    out = capsys.readouterr().out
    assert out.index("= 5  (the environment, groundplan.yaml:14") < out.index("over 4  (the spec") < out.index("over 3")
    assert "platform.yaml:1:" in out


def test_explain_a_rule_prints_why_fix_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["explain", "cross/probe-port-closed"]) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("why  ", "fix  ", "good: ", "bad: "))
    assert cli.run(["explain", "monitoring/no-error-budget"]) == 0
    assert "100 %" in capsys.readouterr().out
    assert cli.run(["explain", "hadolint/DL3008"]) == 0
    assert "wiki/DL3008" in capsys.readouterr().out


def test_rules_and_schemas_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["rules", "-o", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) >= 52
    for name in ("spec", "report", "rule"):
        assert cli.run(["schema", name]) == 0
        assert json.loads(capsys.readouterr().out)["$schema"].endswith("2020-12/schema")


def test_lint_judges_files_nobody_generated(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "Dockerfile").write_text("FROM node:latest\nCMD node x\n")
    assert cli.run(["lint", ".", *FAST]) == 1
    assert "docker/latest-tag" in capsys.readouterr().out


def test_lint_says_what_it_cannot_read(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "chart" / "templates").mkdir(parents=True)
    (here / "chart" / "Chart.yaml").write_text("apiVersion: v2\nname: x\nversion: 1.0.0\n")
    (here / "chart" / "templates" / "d.yaml").write_text("kind: Deployment\nmetadata: {{ .Values.x }}\n")
    (here / "broken.yaml").write_text("a: [1\n")
    (here / "binary.yaml").write_bytes(b"\0\1")
    (here / "loop").symlink_to(here)
    assert cli.run(["lint", ".", *FAST]) == 1
    out = capsys.readouterr().out
    assert "broken.yaml:2:1: high yaml/syntax" in out
    assert "1 Helm template below chart/templates/" in out
    assert "binary.yaml: it is too large or no text" in out
    assert "d.yaml:" not in out


def test_eject_strips_our_marks_and_what_remains_lints_as_before(here: Path) -> None:
    spec(here)
    cli.run(["generate", "-q"])
    assert cli.run(["eject", "--yes"]) == 0
    left = [path for path in here.rglob("*") if path.is_file() and path.name != "groundplan.yaml"]
    assert all("made by groundplan" not in path.read_text() for path in left)
    assert not (here / "groundplan.lock").exists()
    assert cli.run(["lint", ".", *FAST]) == 0


def test_a_second_spec_does_not_take_the_files_of_the_first(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec(here)
    assert cli.run(["generate", "-q"]) == 0
    (here / "other.yaml").write_text(SMALLEST.replace("app: shop", "app: other"), encoding="utf-8")
    assert cli.run(["generate", "-q", "--spec", "other.yaml"]) == 2
    assert "groundplan.yaml" in capsys.readouterr().err
    assert cli.run(["check", "-q", *FAST]) == 0


def test_a_conflicted_lock_is_mended_by_generate(here: Path) -> None:
    spec(here)
    assert cli.run(["generate", "-q"]) == 0
    lock = here / "groundplan.lock"
    whole = lock.read_text()
    lock.write_text(
        whole.replace('"tool": "0.1.0",', '<<<<<<< a\n  "tool": "0.1.0",\n=======\n  "tool": "0.0.9",\n>>>>>>> b')
    )
    assert cli.run(["check", *FAST]) == 2
    assert cli.run(["generate", "-q"]) == 0
    assert lock.read_text() == whole


def test_a_bug_of_ours_is_a_line_and_exit_code_3(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec(here)

    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError("x")

    monkeypatch.setattr(project, "validate", broken)
    assert cli.run(["validate"]) == 3
    assert "this is a bug of groundplan" in capsys.readouterr().err


def test_an_interruption_is_130(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec(here)

    def interrupted(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(project, "validate", interrupted)
    assert cli.run(["validate"]) == 130


def test_checkov_that_cannot_be_had_is_not_checked_and_not_silent(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec(here)
    cli.run(["generate", "-q"])
    cli.run(["check", "--offline"])
    assert "checkov: its environment is not set up" in capsys.readouterr().out


HEAVY = ("click", "rich", "jinja2", "yaml", "ruamel", "jsonschema", "jsonschema_rs", "hcl2", "cookiecutter")


def test_the_version_needs_no_library() -> None:
    code = (
        "import sys\nsys.argv = ['groundplan', '--version']\nfrom generator.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[1] == "[]"


def test_help_has_examples_for_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for name in sorted(cli.main.commands):
        assert cli.run([name, "--help"]) == 0
        assert f"groundplan {name}" in capsys.readouterr().out
