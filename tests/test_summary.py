"""The summary of a product: values from the model with their source, boxes and verdicts from rules alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from generator import data
from generator.document import Location
from generator.finding import Finding, Pass, Severity, Waived
from generator.model import Product
from generator.report import Box, Report, ReportedFile, Summary, Value
from generator.spec import load
from generator.summary import BOXES, PROBES, REPRODUCIBLE_BUILD, summarise

SPEC = """\
apiVersion: groundplan/v1
app: shop
owner: team-shop
cloud: {provider: aws, region: eu-west-1}
services:
  web:
    runtime: node
    build: {context: apps/web}
    port: 3000
    public: shop.example.com
    calls: [api]
    scale: {min: 2, max: 6}
  api:
    runtime: python
    build: {context: apps/api}
    port: 8000
    uses: [db]
    scale: {min: 3, max: 3}
    metrics: {port: 9000, path: /metrics}
  proxy:
    image: docker.io/library/caddy:2.11.2
    port: 8080
    spot: true
  nightly:
    runtime: go
    schedule: {cron: "15 3 * * *", time_zone: Europe/Berlin}
resources:
  db: {type: postgres, version: "17", size: {storage: 100Gi}, highly_available: true}
  files: {type: bucket}
environments:
  dev:
    services: {web: {scale: {min: 1, max: 1}}}
    resources: {db: {size: {storage: 10Gi}, highly_available: false}}
  prod:
    promote_from: dev
    protect: true
"""
DOCKERFILES = {
    "apps/web/Dockerfile": (
        "# syntax=docker/dockerfile:1\n"
        "FROM docker.io/library/node:24.21.0-alpine3.24@sha256:"
        "ebfe2f90462722a7a4de65e91990e97fe0d401c70e0e762c5b53302f905ec1c1 AS base\n"
        "FROM --platform=$BUILDPLATFORM docker.io/library/golang:1.27.2-alpine3.24 AS build\n"
        "from base as runtime\n"
    ),
    "apps/api/Dockerfile": "FROM example.com/python:1 AS build\nFROM example.com/base:2\n",
    "apps/api/Dockerfile.other": "FROM example.com/other:1\n",
}
QUIET = Report(command="report", spec_path="groundplan.yaml")


@pytest.fixture
def product(spec_file: Callable[[str], Path]) -> Product:
    loaded = load(spec_file(SPEC))
    assert loaded.product, loaded.findings
    return loaded.product


@pytest.fixture
def value(product: Product) -> Callable[[str, str, str], Value]:
    """A cell of the summary by label, subject and environment."""
    summary = summarise(product, QUIET, DOCKERFILES)

    def find(label: str, subject: str, environment: str) -> Value:
        index = summary.environments.index(environment)
        rows = [row for section in summary.sections for row in section.rows]
        return next(row.values[index] for row in rows if (row.label, row.subject) == (label, subject))

    return find


def test_sections_are_those_of_the_founding_document_in_its_order(product: Product) -> None:
    summary = summarise(product, QUIET, {})
    assert [
        (section.title, list(dict.fromkeys(row.label for row in section.rows))) for section in summary.sections
    ] == [
        ("Container Configuration", ["Base Image", "Image Size", "Security Scan"]),
        ("Infrastructure Components", ["Compute", "Storage", "Networking", "Database"]),
        ("Deployment Strategy", ["Environment", "Scaling", "High Availability"]),
        ("Monitoring Setup", ["Metrics", "Logging", "Alerts"]),
        ("Cost Estimate", ["Monthly Cost", "Cost Optimization"]),
    ]
    assert [box.text for box in summary.boxes] == [
        "Image vulnerability scanning enabled",
        "Network policies configured",
        "Secrets management implemented",
        "Encryption at rest and in transit",
    ]
    assert len(summary.criteria) == 7
    assert summary.environments == ("dev", "prod")


@pytest.mark.parametrize(
    ("label", "subject", "environment", "text", "source"),
    [
        ("Base Image", "api", "prod", "example.com/base:2, no digest; end of support unknown", "derived"),
        ("Base Image", "proxy", "prod", "docker.io/library/caddy:2.11.2 (as it is)", "declared"),
        ("Base Image", "nightly", "prod", "unknown", "unknown"),
        ("Image Size", "", "prod", "not measured", "unknown"),
        ("Security Scan", "", "prod", "not scanned", "unknown"),
        ("Storage", "", "dev", "10Gi across 1 volume; without a given size: files", "derived"),
        ("Storage", "", "prod", "100Gi across 1 volume; without a given size: files", "derived"),
        ("Networking", "public hosts", "prod", "shop.example.com to web", "declared"),
        ("Networking", "declared flows", "prod", "web to api, api to db", "derived"),
        ("Networking", "subnets and security groups", "prod", "not generated yet", "unknown"),
        ("Environment", "", "dev", "dev; development defaults", "declared"),
        ("Environment", "", "prod", "prod; strict defaults; promoted from dev; protected", "declared"),
        ("Scaling", "web", "dev", "1, fixed; rollout rolling", "declared"),
        ("Scaling", "web", "prod", "2 to 6 by cpu 70 %; rollout rolling", "declared"),
        ("Scaling", "proxy", "prod", "2 to 10 by cpu 70 %; rollout rolling", "derived"),
        ("Scaling", "nightly", "prod", "runs at 15 3 * * * Europe/Berlin", "declared"),
        ("Metrics", "endpoints", "prod", "web by OTLP, api 9000/metrics", "declared"),
        ("Monthly Cost", "", "prod", "not estimated yet", "unknown"),
        ("Cost Optimization", "", "prod", "spot: proxy", "declared"),
    ],
)
def test_value_and_source(
    value: Callable[[str, str, str], Value], label: str, subject: str, environment: str, text: str, source: str
) -> None:
    found = value(label, subject, environment)
    assert (found.text, found.source) == (text, source)
    assert found.place or source == "derived"


@pytest.mark.parametrize(
    ("label", "subject", "environment", "place"),
    [
        ("Scaling", "web", "dev", "groundplan.yaml:32:"),
        ("Scaling", "web", "prod", "groundplan.yaml:12:"),
        ("Networking", "public hosts", "prod", "groundplan.yaml:10:"),
        ("Database", "db", "dev", "groundplan.yaml:33:"),
        ("Base Image", "web", "prod", "apps/web/Dockerfile:2 and data of "),
        ("Base Image", "proxy", "prod", "groundplan.yaml:21:"),
    ],
)
def test_value_names_the_place_that_says_most(
    value: Callable[[str, str, str], Value], label: str, subject: str, environment: str, place: str
) -> None:
    assert value(label, subject, environment).place.startswith(place)


def test_base_image_tells_digest_and_end_of_support_of_line_and_distribution(
    value: Callable[[str, str, str], Value],
) -> None:
    text = value("Base Image", "web", "prod").text
    assert text.startswith("docker.io/library/node:24.21.0-alpine3.24, digest sha256:ebfe2f904627; ")
    assert "node 24 supported until 20" in text


def test_compute_is_summed_per_environment(value: Callable[[str, str, str], Value]) -> None:
    assert value("Compute", "", "dev").text.startswith("5 to 14 pods of 3 services; at the least ")
    assert value("Compute", "", "prod").text.startswith("7 to 19 pods of 3 services; at the least ")
    assert value("Compute", "", "prod").text.endswith("; 1 cron")


def test_database_differs_by_environment(value: Callable[[str, str, str], Value]) -> None:
    dev, prod = (value("Database", "db", name).text for name in ("dev", "prod"))
    assert dev.startswith("postgres 17; one instance; 2 cpu; 4Gi memory; 10Gi storage")
    assert prod.startswith("postgres 17; highly available; 2 cpu; 4Gi memory; 100Gi storage")


# boxes


def _boxes(product: Product, report: Report) -> dict[str, Box]:
    summary = summarise(product, report, {})
    return {box.text: box for outer in summary.boxes for box in (outer, *outer.parts)}


def _passing(*rules: str) -> tuple[Pass, ...]:
    return tuple(Pass(rule, "a.yaml", "x") for rule in rules)


EVERY = _passing(*(name for box in BOXES for inner in (box, *box.parts) for need in inner.needs for name in need))
LEAST = _passing(*(need[-1] for box in BOXES for inner in (box, *box.parts) for need in inner.needs))


@pytest.mark.parametrize("passes", [EVERY, LEAST], ids=["every rule", "one rule a need"])
def test_boxes_are_ticked_when_their_rules_pass(product: Product, passes: tuple[Pass, ...]) -> None:
    boxes = _boxes(product, replace(QUIET, passes=passes))
    assert all(box.ticked for box in boxes.values())
    assert all(rule in box.reason for box in boxes.values() for rule in box.rules[:1] if not box.parts)


def test_no_box_is_ticked_when_nothing_was_judged(product: Product) -> None:
    boxes = _boxes(product, QUIET)
    assert not any(box.ticked for box in boxes.values())
    assert all("not checked: " in box.reason or box.parts for box in boxes.values())


def test_rules_that_decide_exist_or_their_whole_family_is_to_come() -> None:
    promises = [inner for box in BOXES for inner in (box, *box.parts)]
    names = {name for promise in promises for need in (*promise.needs, promise.unless) for name in need}
    names |= {name for need in (*PROBES, *REPRODUCIBLE_BUILD) for name in need}
    families = {path.name for path in data.folder("rules").iterdir() if path.is_dir()}
    ours = {name for name in names if name.partition("/")[0] in families}
    assert len(ours) >= 10
    assert {name for name in ours if not (data.folder("rules") / f"{name}.yaml").is_file()} == set()


@pytest.mark.parametrize("missing", [need for box in BOXES for need in box.needs], ids=lambda need: need[0])
def test_one_missing_rule_leaves_its_box_open(product: Product, missing: tuple[str, ...]) -> None:
    passes = tuple(item for item in EVERY if item.rule not in missing)
    box = next(box for box in BOXES if missing in box.needs)
    found = _boxes(product, replace(QUIET, passes=passes))[box.text]
    assert not found.ticked
    assert f"not checked: {missing[0]} judged nothing" in found.reason


@pytest.mark.parametrize("name", [name for box in BOXES for name in (*(need[0] for need in box.needs), *box.unless)])
@pytest.mark.parametrize("by_alias", [False, True], ids=["by id", "by alias"])
@pytest.mark.parametrize("waived", [False, True], ids=["found", "waived"])
def test_a_finding_or_a_waiver_opens_the_box(product: Product, name: str, by_alias: bool, waived: bool) -> None:
    finding = Finding("other/rule" if by_alias else name, Severity.INFO, "m", Location("a"), aliases=(name,))
    more = {"waived": (Waived(finding, "because", Location("a")),)} if waived else {"findings": (finding,)}
    box = next(box for box in BOXES if any(name in need for need in (*box.needs, box.unless)))
    found = _boxes(product, replace(QUIET, passes=EVERY, **more))[box.text]
    assert not found.ticked
    assert (f"{name} is waived once" if waived else f"1 finding of {name}") in found.reason


# success criteria


HEALTHY = _passing("kubernetes/missing-liveness", "kubernetes/missing-readiness")
BUILT = _passing("docker/unpinned-base-image", "docker/unlocked-install")
REPRODUCIBLE = "Deployments are reproducible and idempotent"
TENDED = "Auto-scaling and health checks are configured"


def _states(summary: Summary, text: str) -> list[str]:
    return [verdict.state for criterion in summary.criteria if criterion.text == text for verdict in criterion.verdicts]


def _finding(rule: str, severity: str, path: str = "a.yaml", cause: str = "") -> Finding:
    pointer = Location("groundplan.yaml", 1, 1, cause) if cause else None
    return Finding(rule, Severity.of(severity), "m", Location(path, 1), pointer)


@pytest.mark.parametrize(
    ("text", "passes", "findings", "states"),
    [
        (TENDED, (), (), ["unknown", "unknown"]),
        (TENDED, HEALTHY[:1], (), ["unknown", "unknown"]),
        (TENDED, HEALTHY, (), ["met", "met"]),
        (TENDED, HEALTHY, (_finding("kubernetes/missing-liveness", "high"),), ["not met", "not met"]),
        (TENDED, HEALTHY, (_finding("kubernetes/missing-liveness", "low"),), ["open", "open"]),
        (
            TENDED,
            HEALTHY,
            (_finding("kubernetes/missing-liveness", "high", "kubernetes/overlays/dev/web.yaml"),),
            ["not met", "met"],
        ),
        (
            TENDED,
            HEALTHY,
            (_finding("kubernetes/missing-liveness", "high", "a.yaml", "environments.prod.services.web"),),
            ["met", "not met"],
        ),
        (TENDED, HEALTHY, (_finding("cross/other", "critical"),), ["met", "met"]),
        (REPRODUCIBLE, (), (), ["unknown", "unknown"]),
        (REPRODUCIBLE, BUILT, (), ["met", "met"]),
        (REPRODUCIBLE, BUILT, (_finding("docker/unlocked-install", "medium"),), ["not met", "not met"]),
    ],
)
def test_verdicts_follow_from_rules(
    product: Product, text: str, passes: tuple[Pass, ...], findings: tuple[Finding, ...], states: list[str]
) -> None:
    report = replace(QUIET, passes=passes, findings=findings)
    summary = summarise(product, report, {})
    assert _states(summary, text) == states
    assert replace(report, summary=summary).exit_code == int(
        any(found.severity >= Severity.MEDIUM for found in findings)
    )


@pytest.mark.parametrize(
    ("state", "expected"), [("current", "met"), ("written", "met"), ("stale", "not met"), ("missing", "not met")]
)
def test_files_that_differ_from_the_spec_are_not_reproducible(product: Product, state: str, expected: str) -> None:
    report = replace(QUIET, passes=BUILT, files=(ReportedFile("a.yaml", "kubernetes", state, 1),))
    assert _states(summarise(product, report, {}), REPRODUCIBLE) == [expected, expected]


def test_what_nobody_measured_is_unknown_and_never_met(product: Product) -> None:
    summary = summarise(product, replace(QUIET, passes=EVERY + HEALTHY + BUILT), {})
    states = {criterion.text: {verdict.state for verdict in criterion.verdicts} for criterion in summary.criteria}
    assert [text for text, found in states.items() if found == {"met"}] == [REPRODUCIBLE, TENDED]
    assert all(found == {"unknown"} for text, found in states.items() if text not in {REPRODUCIBLE, TENDED})


def test_smallest_product_has_no_cloud_and_no_database(spec_file: Callable[[str], Path]) -> None:
    text = "apiVersion: groundplan/v1\napp: shop\nowner: team\nservices:\n  web: {runtime: node, port: 3000}\n"
    loaded = load(spec_file(text))
    assert loaded.product, loaded.findings
    summary = summarise(loaded.product, QUIET, {})
    rows = {(row.label, row.subject): row.values for section in summary.sections for row in section.rows}
    assert summary.environments == ("prod",)
    assert rows["Networking", ""] == (Value("no cloud network", "derived", "the spec names no cloud"),)
    assert rows["Database", ""][0].text == "none"
    assert rows["High Availability", ""][0].text.startswith("zones unknown: the spec names no cloud; 1 of 1 service ")
    assert rows["Environment", ""][0].source == "derived"


# what only a larger product has


LARGE = """\
apiVersion: groundplan/v1
app: shop
owner: team-shop
cloud: {provider: aws, region: eu-west-1, network: {existing: vpc-0123}}
services:
  web:
    runtime: node
    port: 3000
    uses: [jobs]
    scale: {min: 2, max: 9, cpu: 60, memory: 80, requests_per_second: 100, queue: {name: jobs, per_replica: 20}}
  agent: {runtime: go, type: daemon}
  store: {runtime: go, type: stateful, port: 7000, storage: {size: 5Gi, mount: /data}, scale: {min: 3, max: 3}}
resources:
  jobs: {type: queue}
  cache: {type: valkey, size: {memory: 2Gi}}
monitoring: {metrics: {interval: 15s, keep: 15d}, logs: {shipper: fluent-bit, store: elasticsearch, keep: 30d}}
notify: {page: {slack: "#shop"}}
alerts:
  Late: {when: "${jobs.depth} > 10", for: 5m, severity: page, summary: late}
cost:
  currency: EUR
  monthly_limit: {prod: 6000}
  off_hours: {environments: [dev], stop: "19:00", start: "07:00", time_zone: Europe/Berlin}
environments:
  dev: {services: {agent: null}, resources: {cache: null}}
  prod: {}
"""
MADE = replace(QUIET, files=(ReportedFile("monitoring/a.yaml", "monitoring", "current", 1),))


@pytest.mark.parametrize(
    ("label", "subject", "environment", "report", "text"),
    [
        ("Networking", "", "prod", QUIET, "existing network vpc-0123"),
        ("Networking", "public hosts", "prod", QUIET, "none"),
        ("Storage", "", "prod", QUIET, "15Gi across 3 volumes; without a given size: cache"),
        ("Storage", "", "dev", QUIET, "15Gi across 3 volumes"),
        ("Database", "cache", "dev", QUIET, "not in this environment"),
        ("Database", "cache", "prod", QUIET, "valkey; highly available; 2Gi memory; backup every 24h, kept 30d"),
        ("Scaling", "agent", "dev", QUIET, "not in this environment"),
        ("Scaling", "agent", "prod", QUIET, "a daemon: one pod a node"),
        ("Base Image", "agent", "dev", QUIET, "not in this environment"),
        (
            "Scaling",
            "web",
            "prod",
            QUIET,
            "2 to 9 by cpu 60 %, memory 80 %, 100 requests a second each, 20 of jobs each; rollout rolling",
        ),
        ("Monthly Cost", "limit", "prod", QUIET, "6000 EUR"),
        ("Monthly Cost", "limit", "dev", QUIET, "none"),
        ("Cost Optimization", "", "prod", QUIET, "none declared"),
        ("Cost Optimization", "", "dev", QUIET, "off from 19:00 to 07:00 Europe/Berlin"),
        ("Metrics", "endpoints", "prod", QUIET, "web by OTLP"),
        ("Metrics", "collection", "prod", QUIET, "not generated yet; the spec says interval 15s, keep 15d"),
        ("Metrics", "collection", "prod", MADE, "interval 15s, keep 15d"),
        ("Logging", "", "prod", MADE, "shipper fluent-bit, store elasticsearch, keep 30d"),
        ("Alerts", "", "prod", QUIET, "not generated yet; declared: Late; receivers: page"),
        ("Alerts", "", "prod", MADE, "46 alerts, 9 of which page, with 92 tests; declared: Late; receivers: page"),
    ],
)
def test_value_of_a_large_product(
    spec_file: Callable[[str], Path], label: str, subject: str, environment: str, report: Report, text: str
) -> None:
    loaded = load(spec_file(LARGE))
    assert loaded.product, loaded.findings
    summary = summarise(loaded.product, report, {})
    rows = {(row.label, row.subject): row.values for section in summary.sections for row in section.rows}
    assert rows[label, subject][summary.environments.index(environment)].text == text
