"""The formats for CI servers: JUnit, GitHub annotations, GitLab code quality; and what holds for every format.

`tests/junit.xsd` and the table of GitLab's fields below state the formats as their readers document them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from generator import reporters
from generator.cli import main
from generator.document import Location
from generator.finding import NotChecked, Pass, Severity
from generator.options import FORMATS
from generator.report import Criterion, Report, Verdict
from generator.reporters.wording import visible
from tests import page
from tests.conftest import ROOT
from tests.test_reporters import CLEAN, EFS, FULL, HOSTILE, KEY, PORT, SOURCES, SUMMARY, USER, _hostile

EMPTY = Report(command="lint")
CORPUS = ROOT / "fixtures" / "corpora" / "public"
UNMET = replace(
    FULL,
    summary=replace(
        SUMMARY, criteria=(Criterion("Reproducible", True, (Verdict("met", ""), Verdict("not met", "stale"))),)
    ),
)
WITH_EACH = [
    pytest.param(report, id=name)
    for name, report in (("full", FULL), ("clean", CLEAN), ("empty", EMPTY), ("unmet", UNMET))
]


# every format


def test_command_line_offers_every_format() -> None:
    assert tuple(reporters.REPORTERS) == FORMATS


def test_lint_writes_every_format_to_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CORPUS)
    names = [name for name in FORMATS if name != "terminal"]
    chosen = [part for name in names for part in ("-o", f"{name}={tmp_path / name}")]
    result = CliRunner().invoke(main, ["lint", ".", "--skip", "checkov", "-q", *chosen], standalone_mode=False)
    assert result.exception is None
    assert result.return_value == 1
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    number = len(json.loads((tmp_path / "json").read_text(encoding="utf-8"))["findings"])
    assert len(page.read((tmp_path / "html").read_text(encoding="utf-8")).all("article")) == number > 100
    assert len(json.loads((tmp_path / "gitlab").read_text(encoding="utf-8"))) == number


# JUnit

XSD = etree.XMLSchema(etree.parse(Path(__file__).with_name("junit.xsd")))


def _junit(report: Report) -> ElementTree.Element:
    return ElementTree.fromstring(reporters.render("junit", report, SOURCES))


@pytest.mark.parametrize("report", [*WITH_EACH, *(pytest.param(_hostile(text), id=ascii(text)) for text in HOSTILE)])
def test_junit_is_valid_and_counts_right(report: Report) -> None:
    text = reporters.render("junit", report, SOURCES)
    XSD.assertValid(etree.fromstring(text.encode()))
    root = ElementTree.fromstring(text)
    for part in (root, *root):
        assert int(part.attrib["tests"]) == len(list(part.iter("testcase")))
        assert int(part.attrib["failures"]) == len(list(part.iter("failure")))
        assert int(part.attrib.get("skipped", len(list(part.iter("skipped"))))) == len(list(part.iter("skipped")))
    names = [case.attrib["name"] for case in root.iter("testcase")]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "text",
    ["<testsuite name='x'/>", "<testsuites name='a' tests='0' failures='0' errors='0' skipped='0'/>", "<testsuites/>"],
)
def test_junit_schema_refuses_what_readers_refuse(text: str) -> None:
    assert not XSD.validate(etree.fromstring(text))


@given(st.text(max_size=20))
@settings(max_examples=100, deadline=None)
def test_junit_can_hold_any_text(text: str) -> None:
    (case,) = _junit(replace(EMPTY, findings=(replace(KEY, message=text),))).iter("testcase")
    (failure,) = case
    assert failure.attrib["message"].replace("\\u", "") == re.sub(
        "[\ufffe\uffff]", lambda match: f"{ord(match[0]):04x}", visible(text)
    ).replace("\\u", "")


def _outcomes(report: Report) -> dict[str, str]:
    outcome = {"failure": "failed", "skipped": "skipped"}
    return {
        case.attrib["name"]: next((outcome[part.tag] for part in case if part.tag in outcome), "passed")
        for case in _junit(report).iter("testcase")
    }


HERE = "cross/scrape-port-closed in monitoring/scrape.yaml"
WAIVED = replace(EFS, finding=PORT)
PASSED = Pass(PORT.rule, PORT.at.path, "another")


@pytest.mark.parametrize(
    ("report", "outcome"),
    [
        pytest.param(replace(EMPTY, passes=(PASSED,)), "passed", id="pass"),
        pytest.param(replace(EMPTY, findings=(PORT,)), "failed", id="at the gate"),
        pytest.param(replace(EMPTY, findings=(PORT,), fail_on=Severity.HIGH), "passed", id="below the gate"),
        pytest.param(replace(EMPTY, findings=(PORT,), passes=(PASSED,)), "failed", id="one of two"),
        pytest.param(replace(EMPTY, waived=(WAIVED,)), "skipped", id="waived"),
        pytest.param(replace(EMPTY, waived=(WAIVED,), passes=(PASSED,)), "skipped", id="waived and passed"),
        pytest.param(replace(EMPTY, waived=(WAIVED,), findings=(PORT,)), "failed", id="one of two waived"),
    ],
)
def test_case_is_a_rule_on_a_file(report: Report, outcome: str) -> None:
    assert _outcomes(report) == {HERE: outcome}


@pytest.mark.parametrize(
    ("required", "state", "outcome"),
    [
        (True, "not met", "failed"),
        (False, "not met", "skipped"),
        (True, "unknown", "skipped"),
        (True, "open", "passed"),
        (True, "met", "passed"),
    ],
)
def test_criterion_is_a_case_an_environment(required: bool, state: str, outcome: str) -> None:
    criterion = Criterion("Safe", required, (Verdict("met", "proven"), Verdict(state, "because")))
    report = replace(EMPTY, summary=replace(SUMMARY, criteria=(criterion,)))
    assert _outcomes(report) == {"Safe in dev": "passed", "Safe in prod": outcome}


def test_what_was_not_checked_is_skipped_with_the_way_to_check_it() -> None:
    twice = (NotChecked("a", "one", "do this"), NotChecked("a", "two"))
    (case,) = _junit(replace(EMPTY, not_checked=twice)).iter("testcase")
    assert case.attrib["name"] == "a"
    assert case[0].attrib["message"] == "one; do this; two"


def test_junit_has_a_suite_a_tool_with_its_version() -> None:
    root = _junit(FULL)
    versions = {suite.attrib["name"]: [item.attrib["value"] for item in suite.iter("property")] for suite in root}
    assert versions == {
        "checkov": [],
        "groundplan": ["0.0.0"],
        "hadolint": ["2.15.1"],
        "success criteria": [],
        "not checked": [],
    }


def test_several_findings_of_a_rule_in_a_file_are_one_failure_that_lists_them() -> None:
    found = tuple(
        replace(PORT, at=replace(PORT.at, line=line), severity=Severity.of(word))
        for line, word in ((2, "medium"), (1, "high"), (3, "low"))
    )
    (failure,) = _junit(replace(EMPTY, findings=found)).iter("failure")
    assert failure.attrib == {
        "type": "high",
        "message": 'scrape port 9090 is not a port of Service "web"; 1 finding more',
    }
    assert [line.split(": ")[0] for line in str(failure.text).split("\n")] == [
        f"monitoring/scrape.yaml:{n}:19" for n in (1, 2, 3)
    ]


@pytest.mark.parametrize("fail_on", ["info", "low", "medium", "high", "critical"])
@pytest.mark.parametrize("report", WITH_EACH)
def test_junit_fails_when_the_gate_is_closed(report: Report, fail_on: str) -> None:
    judged = replace(report, fail_on=Severity.of(fail_on))
    assert ("failed" in _outcomes(judged).values()) == bool(judged.exit_code)


# GitHub


@dataclass(frozen=True)
class Command:
    """A workflow command as the runner reads it."""

    name: str
    properties: dict[str, str]
    message: str


def _unescaped(text: str, table: Sequence[tuple[str, str]]) -> str:
    for coded, plain in table:
        text = text.replace(coded, plain)
    return text.replace("%25", "%")


def _commands(report: Report) -> tuple[list[Command], str]:
    """The commands and the last line, read as the runner does: up to the first `::` behind the name."""
    *lines, last = reporters.render("github", report, SOURCES).splitlines()
    data_ = (("%0D", "\r"), ("%0A", "\n"))
    commands = []
    for line in lines:
        match = re.fullmatch(r"::(error|warning|notice) (.*?)::(.*)", line)
        assert match, line
        pairs = (pair.split("=", 1) for pair in match[2].split(","))
        properties = {key: _unescaped(value, (*data_, ("%3A", ":"), ("%2C", ","))) for key, value in pairs}
        commands.append(Command(match[1], properties, _unescaped(match[3], data_)))
    return commands, last


def test_annotation_has_the_place_the_rule_and_the_way_out() -> None:
    commands, last = _commands(FULL)
    assert commands[1] == Command(
        "warning",
        {"file": "monitoring/scrape.yaml", "line": "4", "col": "19", "title": "medium cross/scrape-port-closed"},
        'scrape port 9090 is not a port of Service "web"\n'
        "caused by shop.yaml:9:21 services.web.metrics.port\n"
        "see kubernetes/base/web/deployment.yaml:12:43: the container listens on 3000\n"
        "way out: scrape port 3000, or open port 9090",
    )
    assert [command.name for command in commands] == ["error", "warning", "notice", "notice"]
    assert last == "not clean: 2 findings at or above medium"


@pytest.mark.parametrize(
    ("at", "place"),
    [
        (Location("a.yaml"), {"file": "a.yaml"}),
        (Location("a.yaml", 3), {"file": "a.yaml", "line": "3"}),
        (Location("./a.yaml", 3, 4), {"file": "a.yaml", "line": "3", "col": "4"}),
        (Location("a,b:c%d.yaml", 3), {"file": "a,b:c%d.yaml", "line": "3"}),
        (Location("a%0Ab%3A%25.yaml", 3), {"file": "a%0Ab%3A%25.yaml", "line": "3"}),
        (Location(""), {}),
    ],
)
def test_annotation_names_as_much_of_the_place_as_is_known(at: Location, place: dict[str, str]) -> None:
    (command,), _ = _commands(replace(EMPTY, findings=(replace(KEY, at=at),)))
    assert {key: value for key, value in command.properties.items() if key != "title"} == place


@pytest.mark.parametrize("text", [*HOSTILE, "100%0A::error::x", "%25", "a%2Cb=c::d"], ids=ascii)
def test_nothing_breaks_out_of_a_command(text: str) -> None:
    commands, last = _commands(_hostile(text))
    assert [command.name for command in commands] == ["error", "notice"]
    assert commands[0].properties["title"] == visible(f"high a/{text}")
    assert commands[0].message.split("\n")[0] == visible(text)
    assert last.startswith("not clean: ")


@pytest.mark.parametrize(
    ("severity", "name"),
    [("critical", "error"), ("high", "error"), ("medium", "warning"), ("low", "notice"), ("info", "notice")],
)
def test_github_command_of_a_severity(severity: str, name: str) -> None:
    (command,), _ = _commands(replace(EMPTY, findings=(replace(KEY, severity=Severity.of(severity)),)))
    assert command.name == name


@pytest.mark.parametrize("number", [1, 9, 10, 11, 60])
@pytest.mark.parametrize("not_checked", [(), (NotChecked("a", "b"),)], ids=["all checked", "not all checked"])
def test_no_more_is_printed_than_github_shows_and_the_rest_is_counted(
    number: int, not_checked: tuple[NotChecked, ...]
) -> None:
    words = ("low", "critical", "medium", "info", "high")
    found = tuple(
        replace(USER, at=Location(f"{word}.yaml", line), severity=Severity.of(word))
        for word in words
        for line in range(1, number + 1)
    )
    commands, _ = _commands(replace(EMPTY, findings=found, not_checked=not_checked))
    kinds = Counter(command.name for command in commands)
    assert max(kinds.values()) <= 10
    order = [
        Severity.of(command.properties["title"].split()[0]) for command in commands if "file" in command.properties
    ]
    assert order == sorted(order, reverse=True)
    left = len(found) - len(order)
    closing = [command.message for command in commands if "more than GitHub shows" in command.message]
    assert [int(message.split()[0]) for message in closing] == ([left] if left else [])
    assert bool(left) == (number > 5) or number == 5


def test_required_criterion_that_is_not_met_is_an_error() -> None:
    commands, last = _commands(replace(EMPTY, summary=UNMET.summary))
    assert commands == [
        Command("error", {"title": "groundplan: success criterion"}, "Reproducible: not met in prod: stale")
    ]
    assert last == "not clean: 1 required criterion is not met"


def test_clean_report_is_one_line() -> None:
    assert reporters.render("github", CLEAN, {}) == "clean: nothing at or above medium\n"


# GitLab

QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string"},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "additionalProperties": False,
                "properties": {
                    "path": {"type": "string", "not": {"pattern": "^(\\./|/)"}},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "additionalProperties": False,
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def _gitlab(report: Report) -> list[dict[str, Any]]:
    issues: list[dict[str, Any]] = json.loads(reporters.render("gitlab", report, SOURCES))
    return issues


@pytest.mark.parametrize("report", [*WITH_EACH, *(pytest.param(_hostile(text), id=ascii(text)) for text in HOSTILE)])
def test_code_quality_has_the_documented_fields(report: Report) -> None:
    issues = _gitlab(report)
    jsonschema.validate(issues, QUALITY)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    assert len(issues) == len(report.findings) + len(report.unmet)


@pytest.mark.parametrize(
    ("severity", "word"),
    [("critical", "blocker"), ("high", "critical"), ("medium", "major"), ("low", "minor"), ("info", "info")],
)
def test_code_quality_severity(severity: str, word: str) -> None:
    (issue,) = _gitlab(replace(EMPTY, findings=(replace(KEY, severity=Severity.of(severity)),)))
    assert issue["severity"] == word


def test_fingerprint_stays_when_lines_move_and_is_unique_when_findings_are_alike() -> None:
    twice = (KEY, replace(KEY, at=replace(KEY.at, line=20)))
    moved = tuple(replace(item, at=replace(item.at, line=item.at.line + 5)) for item in twice)
    first, second = (
        [issue["fingerprint"] for issue in _gitlab(replace(EMPTY, findings=found))] for found in (twice, moved)
    )
    assert first == second
    assert first[0] == KEY.fingerprint != first[1]


@pytest.mark.parametrize(
    ("path", "kept"), [("./a/b.yaml", "a/b.yaml"), ("a/b.yaml", "a/b.yaml"), (".github/a", ".github/a")]
)
def test_code_quality_path_is_relative_without_a_dot(path: str, kept: str) -> None:
    (issue,) = _gitlab(replace(EMPTY, findings=(replace(KEY, at=Location(path)),)))
    assert issue["location"] == {"path": kept, "lines": {"begin": 1}}


def test_criterion_that_closes_the_gate_is_an_issue_of_the_spec() -> None:
    issue = _gitlab(UNMET)[-1]
    assert issue["description"] == "not met in prod: Reproducible: stale"
    assert (issue["severity"], issue["location"]["path"]) == ("critical", "shop.yaml")
