"""The checker that starts promtool and amtool: what they say is a finding, what they do not know a remark."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from generator import checkers
from generator.checkers import Settings, promtool
from generator.document import SourceFile
from generator.finding import Outcome, Severity

RULES = "groups:\n  - name: a\n    rules:\n      - alert: Down\n        expr: up == 0\n        for: 5m\n"
TESTS = (
    "rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n"
    "      - {series: up, values: 0x10}\n    alert_rule_test:\n      - eval_time: 8m\n        alertname: Down\n"
    "        exp_alerts: [{exp_labels: {}, exp_annotations: {}}]\n"
)
ALERTMANAGER = "route: {receiver: a}\nreceivers: [{name: a}]\n"

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not here")
needs_amtool = pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not here")


def asked(files: dict[str, str], tmp_path: Path) -> Outcome:
    sources = [SourceFile(path, text) for path, text in files.items()]
    return promtool.check(sources, Settings(cache=tmp_path))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param(
            {"r.yaml": RULES.replace("up == 0", "up ==")},
            [("promtool/rules", 5, Severity.HIGH, "unexpected end of input")],
            id="PromQL that cannot be read",
        ),
        pytest.param(
            {"r.yaml": "groups:\n  - name: a\n    rules:\n" + "      - {record: y, expr: sum(up)}\n" * 2},
            [("promtool/rules", 1, Severity.MEDIUM, "duplicate rule")],
            id="a rule that stands twice",
        ),
        pytest.param(
            {"good.yaml": RULES, "bad.yaml": RULES.replace("for: 5m", "for: soon")},
            [("promtool/rules", 1, Severity.HIGH, "duration")],
            id="one bad file of two",
        ),
        pytest.param(
            {"p.yaml": "global: {scrape_interval: 5s}\nscrape_configs: [{job_name: a, scrape_timeout: 10s}]\n"},
            [("promtool/configuration", 1, Severity.HIGH, "scrape timeout")],
            id="a timeout above the interval",
        ),
        pytest.param({"good.yaml": RULES}, [], id="good rules"),
        pytest.param({"values.yaml": "groups: [admins]\n"}, [], id="groups of something else"),
    ],
)
@needs_promtool
def test_what_promtool_says(files: dict[str, str], said: list[tuple[str, int, Severity, str]], tmp_path: Path) -> None:
    found = asked(files, tmp_path).findings
    assert [(one.rule, one.at.line, one.severity) for one in found] == [row[:3] for row in said]
    assert all(text in one.message for one, (*_, text) in zip(found, said, strict=True))


@needs_promtool
def test_what_is_good_is_a_pass(tmp_path: Path) -> None:
    outcome = asked({"rules.yaml": RULES}, tmp_path)
    assert [(one.rule, one.path) for one in outcome.passes] == [("promtool/rules", "rules.yaml")]
    assert [tool.name for tool in outcome.tools] == ["promtool"]


@needs_promtool
def test_tests_run_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"rules.yaml": RULES, "rules.test.yaml": TESTS}
    monkeypatch.delenv(promtool.VARIABLE, raising=False)
    assert ["they take seconds" in one.reason for one in asked(files, tmp_path).not_checked] == [True]
    monkeypatch.setenv(promtool.VARIABLE, "test")
    outcome = asked(files, tmp_path)
    assert {one.rule for one in outcome.passes} == {"promtool/rules", "promtool/test"}
    assert not outcome.not_checked
    wrong = asked({**files, "rules.yaml": RULES.replace("5m", "30m")}, tmp_path)
    assert [one.rule for one in wrong.findings] == ["promtool/test"]
    assert "Down" in wrong.findings[0].message
    monkeypatch.setenv(promtool.VARIABLE, "perhaps")
    assert "perhaps" in asked(files, tmp_path).not_checked[0].reason


@needs_amtool
def test_what_amtool_says(tmp_path: Path) -> None:
    assert [one.rule for one in asked({"a.yaml": ALERTMANAGER}, tmp_path).passes] == ["amtool/configuration"]
    found = asked({"a.yaml": ALERTMANAGER.replace("receiver: a", "receiver: b")}, tmp_path).findings
    assert ['undefined receiver "b"' in one.message for one in found] == [True]


@needs_amtool
def test_a_key_that_it_does_not_know_is_no_verdict(tmp_path: Path) -> None:
    text = ALERTMANAGER.replace("{name: a}", "{name: a, fax_configs: [{number: 1}]}")
    outcome = asked({"a.yaml": text}, tmp_path)
    assert not outcome.findings
    assert ["fax_configs" in one.reason for one in outcome.not_checked] == [True]


def test_what_is_absent_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    outcome = asked({"rules.yaml": RULES, "a.yaml": ALERTMANAGER}, tmp_path)
    assert [one.reason for one in outcome.not_checked] == ["promtool was not found", "amtool was not found"]
    assert not outcome.passes


def test_it_is_silent_where_there_is_nothing_of_its_own(tmp_path: Path) -> None:
    assert asked({"compose.yaml": "services: {}\n", "x.tf": "a = 1\n"}, tmp_path) == Outcome()
    assert "promtool" in checkers.CHECKERS


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'it crashed' >&2; exit 2", 'it said "it crashed" (exit 2)'),
        ("exit 139", 'it said "nothing" (exit 139)'),
        ("exec sleep 60", "it took longer than 1 s"),
    ],
    ids=["crashed", "killed", "too slow"],
)
def test_what_it_does_not_answer_has_not_passed(
    script: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("promtool", "amtool"):
        (folder / name).write_text(f"#!/bin/sh\ncase $1 in --version) echo version 9.9.9; exit;; esac\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(promtool, "_LONGEST_SECONDS", 1)
    rules = "groups:\n  - name: a\n    rules:\n      - {alert: Up, expr: up == 0}\n"
    routes = "route: {receiver: a}\nreceivers: [{name: a}]\n"
    outcome = asked({"rules.yaml": rules, "alertmanager.yaml": routes}, tmp_path)
    assert not outcome.passes
    assert not outcome.findings
    assert [(row.what, row.reason, row.fleeting) for row in outcome.not_checked] == [
        ("files by promtool", reason, True),
        ("files by amtool", reason, True),
    ]
