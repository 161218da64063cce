"""Every report format: its bytes, its schema, and that no value of a user's breaks out of it.

Golden texts are renewed with `pytest tests/test_reporters.py --update-golden` and then read.
`schemas/sarif-2.1.0.schema.json` is the schema of the standard as SchemaStore publishes it (2.1.0-rtm.5).
"""

from __future__ import annotations

import io
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from generator import data, policy, reporters
from generator.document import Location
from generator.errors import Fault
from generator.finding import Finding, NotChecked, Pass, Related, Severity, Tool, Waived
from generator.report import (
    Box,
    Change,
    Criterion,
    Report,
    ReportedFile,
    Row,
    RuleText,
    Section,
    Summary,
    Value,
    Verdict,
)
from generator.reporters import Style, markdown
from generator.reporters.wording import visible

GOLDEN = Path(__file__).parent / "golden"

SPEC = """apiVersion: groundplan/v1
app: shop
owner: team-shop
services:
  web:
    runtime: node
    port: 3000
    replica: 3
    metrics: {port: 9090, path: /metrics}
"""
DEPLOYMENT = """# made by groundplan from shop.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
        - name: web
          ports:
            - {name: http, containerPort: 3000}
"""
SCRAPE = """scrape_configs:
  - job_name: shop/web
    static_configs:
      - targets: ["web:9090"]
"""
SOURCES = {"shop.yaml": SPEC, "kubernetes/base/web/deployment.yaml": DEPLOYMENT, "monitoring/scrape.yaml": SCRAPE}


@dataclass(frozen=True)
class Text:
    """A rule's text."""

    id: str
    severity: Severity
    summary: str
    why: str
    fix: str
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    url: str = ""


KEY = Finding(
    "spec/unknown-key",
    Severity.HIGH,
    '"replica" is not a key of a service',
    Location("shop.yaml", 8, 5, "services.web.replica"),
    fix='did you mean "replicas"?',
    property="services.web.replica",
    value="replica",
)
PORT = Finding(
    "cross/scrape-port-closed",
    Severity.MEDIUM,
    'scrape port 9090 is not a port of Service "web"',
    Location("monitoring/scrape.yaml", 4, 19, "scrape_configs[0].static_configs[0].targets[0]"),
    cause=Location("shop.yaml", 9, 21, "services.web.metrics.port"),
    related=(Related(Location("kubernetes/base/web/deployment.yaml", 12, 43), "the container listens on 3000"),),
    fix="scrape port 3000, or open port 9090",
    aliases=("checkov/CKV_EXAMPLE",),
    subject="scrape/shop/web",
    value="9090",
)
USER = Finding(
    "hadolint/DL3002",
    Severity.LOW,
    "Last USER should not be root",
    Location("apps/web/Dockerfile", 7),
    confidence="medium",
    url="https://github.com/hadolint/hadolint/wiki/DL3002",
)
RULE = Text(
    "cross/scrape-port-closed",
    Severity.MEDIUM,
    "A scrape job asks a port that nothing opens.",
    "Prometheus shows the target as down for ever, and every alert on it stays silent.",
    "Scrape a port of the Service.",
    ("monitoring",),
    ("checkov/CKV_EXAMPLE",),
)
EFS = Waived(
    replace(PORT, rule="checkov/CKV_K8S_35", message="Prefer secrets as files", severity=Severity.LOW, related=()),
    "the application reads its environment only",
    Location("shop.yaml", 3, 1, "waivers[0]"),
    owner="team-shop",
    until="2027-06-30",
)
PACK = replace(EFS, finding=USER, source="pack", owner="", until="", at=Location(""))


def _value(text: str, source: str = "declared", place: str = "shop.yaml:7:11 services.web.port") -> Value:
    return Value(text, source, place)


SUMMARY = Summary(
    app="shop",
    environments=("dev", "prod"),
    sections=(
        Section(
            "Container Configuration",
            (
                Row("Base Image", (_value("docker.io/library/node:24", "derived", "Dockerfile:3"),) * 2, "web"),
                Row("Image Size", (_value("not measured", "unknown", "no image report was imported"),) * 2),
            ),
        ),
        Section("Deployment Strategy", (Row("Scaling", (_value("1 to 2"), _value("2 to 10", "derived", "")), "web"),)),
    ),
    boxes=(
        Box("Network policies configured", True, ("cross/flow-not-allowed",), "cross/flow-not-allowed passed 4 times"),
        Box(
            "Encryption at rest and in transit",
            False,
            (),
            "not proven: Encryption at rest",
            (Box("Encryption at rest", False, ("terraform/x",), "not checked: terraform/x judged nothing"),),
        ),
    ),
    criteria=(Criterion("Deployments are reproducible", True, (Verdict("met", "proven"), Verdict("unknown", "why"))),),
)
FULL = Report(
    command="report",
    spec_path="shop.yaml",
    files=(
        ReportedFile("kubernetes/base/web/deployment.yaml", "kubernetes", "current", 12),
        ReportedFile("monitoring/scrape.yaml", "monitoring", "stale", 4),
    ),
    findings=(USER, PORT, KEY),
    waived=(PACK, EFS),
    not_checked=(NotChecked("checkov", "no checkov was found", "run `groundplan check` once with the network on"),),
    tools=(Tool("hadolint", "2.15.1"),),
    passes=(Pass("cross/flow-not-allowed", "a.yaml", "x"), Pass("cross/flow-not-allowed", "a.yaml", "y")),
    changes=(Change("monitoring/scrape.yaml", "updated"),),
    rules=(RULE,),
    summary=SUMMARY,
    version="0.0.0",
)
CLEAN = Report(command="check", spec_path="shop.yaml", files=FULL.files[:1], version="0.0.0")


def _shown(report: Report, sources: Mapping[str, str], style: Style | None = None) -> str:
    return reporters.render("terminal", report, sources, style)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with the one that is kept."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8", newline="")
        assert text == path.read_text(encoding="utf-8")

    return compare


# bytes


@pytest.mark.parametrize("name", reporters.REPORTERS)
@pytest.mark.parametrize(("label", "report"), [("full", FULL), ("clean", CLEAN)])
def test_bytes_are_those_of_the_golden_text(
    name: str, label: str, report: Report, golden: Callable[[str, str], None]
) -> None:
    golden(f"report-{label}.{name}", reporters.render(name, report, SOURCES))


def test_colours_and_width_are_those_of_the_golden_text(golden: Callable[[str, str], None]) -> None:
    text = _shown(FULL, SOURCES, Style(60, colour=True))
    golden("report-full.coloured", text)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert plain == _shown(FULL, SOURCES, Style(60))


@pytest.mark.parametrize("name", reporters.REPORTERS)
def test_order_of_the_input_does_not_show(name: str) -> None:
    turned = replace(
        FULL,
        **{
            key: getattr(FULL, key)[::-1]
            for key in ("files", "findings", "waived", "not_checked", "tools", "passes", "changes", "rules")
        },
    )
    assert reporters.render(name, turned, SOURCES) == reporters.render(name, FULL, SOURCES)


@pytest.mark.parametrize("name", reporters.REPORTERS)
@pytest.mark.parametrize("report", [FULL, CLEAN, Report(command="lint")], ids=["full", "clean", "empty"])
def test_text_ends_with_one_line_feed(name: str, report: Report) -> None:
    text = reporters.render(name, report, {})
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\r" not in text


def test_unknown_format_is_a_fault_that_lists_the_known() -> None:
    with pytest.raises(
        Fault, match='"yaml" is not an output format; take one of terminal, json, markdown, html, sarif'
    ):
        reporters.render("yaml", CLEAN, {})


def test_plain_output_imports_no_rich_and_no_reporter_but_its_own() -> None:
    code = (
        "import sys; from generator import reporters; from generator.report import Report\n"
        "reporters.render('terminal', Report(command='check'), {})\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] == 'rich' or m.startswith('generator.reporters.')))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    names = ("frame", "terminal", "wording")
    assert shown == str([f"generator.reporters.{name}" for name in names])


# exit code


@pytest.mark.parametrize(
    ("found", "fail_on", "code"),
    [
        ((), "info", 0),
        ((USER,), "medium", 0),
        ((USER,), "low", 1),
        ((PORT,), "medium", 1),
        ((PORT,), "high", 0),
        ((KEY, USER), "critical", 0),
    ],
)
def test_exit_code_follows_the_gate(found: tuple[Finding, ...], fail_on: str, code: int) -> None:
    assert Report(command="check", findings=found, fail_on=Severity.of(fail_on)).exit_code == code


@pytest.mark.parametrize(
    ("required", "state", "code"),
    [(True, "not met", 1), (False, "not met", 0), (True, "unknown", 0), (True, "open", 0), (True, "met", 0)],
)
def test_required_criterion_that_is_not_met_closes_the_gate(required: bool, state: str, code: int) -> None:
    criterion = Criterion("text", required, (Verdict("met", ""), Verdict(state, "")))
    report = replace(CLEAN, summary=replace(SUMMARY, criteria=(criterion,)))
    assert report.exit_code == code
    assert ("not met" in _shown(report, {})) == (code == 1)


# schemas


def _errors(schema: dict[str, Any], document: Any) -> list[str]:
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return [error.message for error in kind(schema).iter_errors(document)]


@pytest.mark.parametrize("report", [FULL, CLEAN, Report(command="lint")], ids=["full", "clean", "empty"])
@pytest.mark.parametrize(
    ("name", "schema"), [("json", "schemas/report.schema.json"), ("sarif", "schemas/sarif-2.1.0.schema.json")]
)
def test_document_is_valid(name: str, schema: str, report: Report) -> None:
    assert _errors(data.load(schema), json.loads(reporters.render(name, report, {}))) == []


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"extra": 1},
        {"exit_code": 3},
        {"fail_on": "error"},
        {"findings": [{}]},
        {"summary": {"app": "shop"}},
    ],
    ids=str,
)
def test_schema_refuses_what_is_not_a_report(change: dict[str, object]) -> None:
    document = json.loads(reporters.render("json", FULL, {}))
    assert _errors(data.load("schemas/report.schema.json"), {**document, **change})


def test_every_object_of_the_schema_is_closed_and_complete() -> None:
    def objects(node: object) -> list[dict[str, object]]:
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        own = [node] if isinstance(node, dict) and node.get("type") == "object" else []
        return own + [found for child in children for found in objects(child)]

    for found in objects(data.load("schemas/report.schema.json")):
        assert "additionalProperties" in found
        if found["additionalProperties"] is False:
            assert found["required"] == list(found["properties"])  # type: ignore[call-overload]


# sarif as code scanning reads it


def _sarif(report: Report) -> dict[str, object]:
    run: dict[str, object] = json.loads(reporters.render("sarif", report, {}))["runs"][0]
    return run


def test_sarif_results_point_at_their_rules() -> None:
    run = _sarif(FULL)
    rules = run["tool"]["driver"]["rules"]  # type: ignore[index]
    for result in run["results"]:  # type: ignore[attr-defined]
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert [rule["id"] for rule in rules] == sorted({rule["id"] for rule in rules})


def test_sarif_names_the_place_in_the_spec_first() -> None:
    result = next(item for item in _sarif(FULL)["results"] if item["ruleId"] == PORT.rule)  # type: ignore[attr-defined]
    first, second = result["relatedLocations"]
    assert first["physicalLocation"]["artifactLocation"] == {"uri": "shop.yaml", "uriBaseId": "SRCROOT"}
    assert first["physicalLocation"]["region"] == {"startLine": 9, "startColumn": 21}
    assert first["message"]["text"] == "caused by services.web.metrics.port"
    assert second["message"]["text"] == "the container listens on 3000"


def test_sarif_suppresses_what_is_waived() -> None:
    found = [item for item in _sarif(FULL)["results"] if "suppressions" in item]  # type: ignore[attr-defined]
    assert [item["suppressions"][0]["kind"] for item in found] == ["external", "external"]
    assert found[1]["suppressions"][0]["justification"] == (
        "the application reads its environment only (until 2027-06-30), team-shop"
    )


@pytest.mark.parametrize(
    ("severity", "level", "score"),
    [
        ("critical", "error", "9.5"),
        ("high", "error", "8.0"),
        ("medium", "warning", "5.5"),
        ("low", "note", "2.5"),
        ("info", "note", None),
    ],
)
def test_sarif_level_and_score(severity: str, level: str, score: str | None) -> None:
    run = _sarif(Report(command="lint", findings=(replace(USER, severity=Severity.of(severity)),)))
    rule = run["tool"]["driver"]["rules"][0]  # type: ignore[index]
    assert run["results"][0]["level"] == rule["defaultConfiguration"]["level"] == level  # type: ignore[index]
    assert rule["properties"].get("security-severity") == score


def test_sarif_path_is_a_uri() -> None:
    run = _sarif(Report(command="lint", findings=(replace(USER, at=Location("a b/ü#?.yaml", 1)),)))
    place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]  # type: ignore[index]
    assert place["uri"] == "a%20b/%C3%BC%23%3F.yaml"


# markdown


HEADINGS = [
    "Infrastructure Configuration Summary",
    "Container Configuration:",
    "Infrastructure Components:",
    "Deployment Strategy:",
    "Monitoring Setup:",
    "Cost Estimate:",
    "Security Measures:",
    "Success Criteria",
    "Findings",
    "Waivers",
    "Not checked",
    "Changes",
]


def _headings(text: str) -> list[str]:
    tokens = MarkdownIt().parse(text)
    return [after.content for token, after in itertools.pairwise(tokens) if token.type == "heading_open"]


def test_markdown_has_only_known_headings_in_order() -> None:
    found = [title for title in _headings(reporters.render("markdown", FULL, SOURCES)) if not title.startswith("`")]
    assert found == [title for title in HEADINGS if title in found]
    assert {"Security Measures:", "Findings", "Waivers", "Not checked", "Changes"} <= set(found)


@pytest.mark.parametrize(
    ("ticked", "mark"), [(True, "- [x] Boxed: because (`a/b`)"), (False, "- [ ] Boxed: because (`a/b`)")]
)
def test_markdown_box(ticked: bool, mark: str) -> None:
    report = replace(CLEAN, summary=replace(SUMMARY, boxes=(Box("Boxed", ticked, ("a/b",), "because"),)))
    assert mark in reporters.render("markdown", report, {}).splitlines()


# terminal


def test_terminal_underlines_the_word_at_the_place() -> None:
    lines = _shown(Report(command="validate", findings=(KEY,)), SOURCES).splitlines()
    number = next(index for index, line in enumerate(lines) if line.startswith("8 | "))
    assert lines[number] == "8 |     replica: 3"
    assert lines[number + 1] == "  |     ^^^^^^^"


@pytest.mark.parametrize(
    ("text", "column", "caret"),
    [
        ("a: b", 4, "   ^"),
        ('a: "b c"', 4, "   ^^^^^"),
        ("\ta: 1", 2, "    ^"),
        ("日本: 1", 5, "      ^"),
        ("e\u0301: x", 5, "   ^"),
        ("a: [b, c]", 8, "       ^"),
        ("a:", 9, "  ^"),
    ],
)
def test_caret_stands_below_the_word(text: str, column: int, caret: str) -> None:
    found = replace(KEY, at=Location("x", 1, column))
    lines = _shown(Report(command="validate", findings=(found,)), {"x": text}).splitlines()
    assert lines[3] == f"  | {caret}"


@pytest.mark.parametrize("column", [1, 40, 300, 999])
def test_long_line_is_cut_around_the_caret(column: int) -> None:
    text = "".join(f"{number:04d} " for number in range(200))
    found = replace(KEY, at=Location("x", 1, column))
    lines = _shown(Report(command="validate", findings=(found,)), {"x": text}, Style(60)).splitlines()
    assert all(len(line) <= 60 for line in lines[1:4])
    start = lines[3].index("^")
    assert lines[2][start] == text[column - 1] or text[column - 1] == " "


@pytest.mark.parametrize("at", [Location("gone.yaml", 3, 1), Location("shop.yaml", 99, 1), Location("shop.yaml")])
def test_place_without_a_text_has_no_frame(at: Location) -> None:
    text = _shown(Report(command="validate", findings=(replace(KEY, at=at),)), SOURCES)
    assert " | " not in text
    assert text.startswith(f"{at}: high spec/unknown-key: ")


def test_information_is_a_line_each_behind_the_rest() -> None:
    told = replace(KEY, severity=Severity.INFO, at=Location("a.yaml", 1, 1))
    lines = _shown(Report(command="lint", findings=(told, KEY)), {**SOURCES, "a.yaml": "x: 1\n"}).splitlines()
    assert lines[0].startswith("shop.yaml:8:5: high ")
    assert lines[8].startswith("a.yaml:1:1: info ")
    assert "1 | x: 1" not in lines


@pytest.mark.parametrize(
    "secret",
    [
        Finding("secrets/literal", Severity.CRITICAL, "a password", Location("x", 3, 1)),
        Finding("other/rule", Severity.LOW, "m", Location("x", 3, 1), aliases=("checkov/CKV_SECRET_6",)),
        Finding("secrets/literal", Severity.CRITICAL, "a key", Location("gone", 1), Location("x", 3, 1)),
    ],
    ids=["rule", "alias", "cause"],
)
@pytest.mark.parametrize("waived", [False, True], ids=["found", "waived"])
def test_no_frame_shows_a_secret(secret: Finding, waived: bool) -> None:
    text = "first: 1\nname: x\nkey: hunter2\nmore: hunter2\nafter: 1\nlast: 1\n"
    near = tuple(replace(KEY, at=Location("x", number, 1)) for number in (1, 2, 4, 6))
    found = near if waived else (*near, secret)
    report = Report(
        command="lint", findings=found, waived=(Waived(secret, "r", Location("s", 1)),) if waived else (), version="0"
    )
    for name in reporters.REPORTERS:
        assert "hunter2" not in reporters.render(name, report, {"x": text})
    assert "6 | last: 1" in _shown(report, {"x": text})


def test_many_findings_are_cut_to_the_worst_and_the_rest_is_counted() -> None:
    many = tuple(replace(USER, at=Location("x", number)) for number in range(1, 101))
    text = _shown(Report(command="lint", findings=(*many, replace(KEY, at=Location("z", 1)))), {})
    assert text.count("hadolint/DL3002: ") == 49
    assert "z:1:0: high spec/unknown-key" in text
    assert "... and 51 findings more, none of them worse; -o json lists all" in text


def test_not_checked_is_said_even_when_all_is_well() -> None:
    text = _shown(replace(CLEAN, not_checked=FULL.not_checked), {})
    assert "not checked 1 thing\n" in text
    assert "checkov: no checkov was found; run `groundplan check` once with the network on" in text
    assert text.splitlines()[-1] == "clean: nothing at or above medium; 1 thing not checked"


def test_quiet_is_one_line_a_finding_and_the_verdict() -> None:
    assert _shown(CLEAN, {}, Style(quiet=True)) == "clean: nothing at or above medium\n"
    lines = _shown(FULL, SOURCES, Style(quiet=True)).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "apps/web/Dockerfile",
        "monitoring/scrape.yaml",
        "shop.yaml",
        "not clean",
    ]


class _Stream(io.StringIO):
    """A stream that says whether it is a terminal; it has no size."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(
    ("terminal", "environ", "style"),
    [
        (True, {}, Style(80, colour=True)),
        (True, {"NO_COLOR": "1"}, Style(80)),
        (True, {"NO_COLOR": ""}, Style(80, colour=True)),
        (True, {"TERM": "dumb"}, Style(80)),
        (False, {}, Style()),
        (False, {"FORCE_COLOR": "1"}, Style(colour=True)),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, Style()),
    ],
)
def test_style_of_a_stream(terminal: bool, environ: dict[str, str], style: Style) -> None:
    assert Style.of(_Stream(terminal), environ) == style


# hostile values

HOSTILE = [
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "line\nbreak\r\n## Heading\n- [x] box",
    "a | b || `c` ``d`` |",
    "[click](javascript:alert(1)) ![x](http://e.example/x.png) <img src=x onerror=alert(1)>",
    "</td><script>alert(1)</script>&lt;",
    "\u202eevil\u2066\u200b\ufeff\u2028\x9b31m\x00",
    "\ud800 lone",
    "@everyone https://e.example www.e.example",
    "# head",
    "- item",
    "`",
    "\\",
    "",
    "::error file=x::y",
]


def _hostile(text: str) -> Report:
    at = Location(text or "x", 1, 1, text)
    found = Finding(
        f"a/{text}",
        Severity.HIGH,
        text,
        at,
        cause=at,
        related=(Related(at, text),),
        fix=text,
        aliases=(text,),
        subject=text,
        property=text,
        value=text,
        url=text,
    )
    rule = Text(found.rule, Severity.HIGH, text, text, text, (text,), (text,), text)
    row = Row("Label", (Value(text, "declared", text), Value(text, "unknown", text)), text)
    return Report(
        command="report",
        spec_path=text,
        files=(ReportedFile(text, text, "stale", 1),),
        findings=(found,),
        waived=(Waived(found, text, at, text, text),),
        not_checked=(NotChecked(text, text, text),),
        tools=(Tool(text, text),),
        changes=(Change(text, "created"),),
        rules=(rule,),
        summary=Summary(
            text,
            ("dev", text or "prod"),
            (Section("Container Configuration", (row,)),),
            (Box(text, False, (text,), text),),
            (Criterion("C", True, (Verdict("met", text), Verdict("met", text))),),
        ),
        version="0.0.0",
    )


@pytest.mark.parametrize("name", reporters.REPORTERS)
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_control_character_gets_out(name: str, text: str) -> None:
    shown = reporters.render(name, _hostile(text), {text or "x": text})
    assert all(char == "\n" or visible(char) == char for char in shown)
    assert shown.encode()


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_json_gives_the_value_back(text: str) -> None:
    found = json.loads(reporters.render("json", _hostile(text), {}))["findings"][0]
    assert found["message"] == found["value"] == found["fix"] == text


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_documents_are_valid(text: str) -> None:
    sarif = json.loads(reporters.render("sarif", _hostile(text), {}))
    assert _errors(data.load("schemas/sarif-2.1.0.schema.json"), sarif) == []
    # a link of SARIF's own would need an unescaped bracket
    messages = [item["message"]["text"] for item in sarif["runs"][0]["results"]]
    assert not any(re.search(r"(?<!\\)\[[^\]]*\]\(", message) for message in messages)


def _markup(text: str) -> tuple[list[str], list[str], list[int]]:
    """Of a Markdown text: headings, inline tokens that are more than text and code, and cells per table row."""
    inert = {"text", "code_inline", "strong_open", "strong_close", "em_open", "em_close", "text_special"}
    tokens = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table").parse(text)
    headings = [token.content for before, token in itertools.pairwise(tokens) if before.type == "heading_open"]
    active = [child.type for token in tokens for child in token.children or () if child.type not in inert]
    active += [token.type for token in tokens if token.type in {"html_block", "fence", "code_block", "hr"}]
    widths, width = [], 0
    for token in tokens:
        width = 0 if token.type == "tr_open" else width + (token.type in {"td_open", "th_open"})
        if token.type == "tr_close":
            widths.append(width)
    return headings, active, widths


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_nothing_breaks_out_of_markdown(text: str) -> None:
    calm, hostile = (_markup(reporters.render("markdown", _hostile(said), {})) for said in ("calm", text))
    assert len(hostile[0]) == len(calm[0])
    assert hostile[1] == []
    assert hostile[2] == calm[2]


@given(st.text(alphabet=st.sampled_from(list("`|\\[]()<>*_#!@:-+=~&\n\r\t ax1.é\x1b\u202e")), max_size=12))
@settings(max_examples=150, deadline=None)
def test_nothing_ever_breaks_out_of_markdown(text: str) -> None:
    said, coded = markdown.text(text), markdown.code(text)
    page = f"| a | b |\n| -- | -- |\n| x {said} | {coded} |\n\n{said}.\n"
    headings, active, widths = _markup(page)
    assert (headings, active, widths) == ([], [], [2, 2])


@given(st.text(max_size=20))
@settings(max_examples=150, deadline=None)
def test_code_span_shows_the_value(text: str) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(f"| a |\n| -- |\n| {markdown.code(text)} |\n")
    spans = [child.content for token in tokens for child in token.children or () if child.type == "code_inline"]
    shown = visible(text)
    assert spans == ([shown] if shown.strip() else [])


@pytest.mark.parametrize("text", ["plain", "Ünïcödé", "日本", "e\u0301", "🙂", "a b"])
def test_readable_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_every_rule_of_the_pack_can_be_told() -> None:
    pack: tuple[RuleText, ...] = policy.rules()
    found = tuple(Finding(rule.id, rule.severity, "m", Location("a", 1)) for rule in pack)
    report = Report(command="lint", findings=found, rules=pack)
    sarif, plain = (json.loads(reporters.render(name, report, {})) for name in ("sarif", "json"))
    assert _errors(data.load("schemas/sarif-2.1.0.schema.json"), sarif) == []
    assert _errors(data.load("schemas/report.schema.json"), plain) == []
    assert [rule["id"] for rule in plain["rules"]] == sorted(rule.id for rule in pack)
    for told, rule in zip(sarif["runs"][0]["tool"]["driver"]["rules"], sorted(pack, key=lambda it: it.id), strict=True):
        assert told["shortDescription"]["text"] == rule.summary
        assert rule.why in told["help"]["text"]
        assert told["properties"]["tags"]
