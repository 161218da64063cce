"""Runbooks: every alert of every example has its heading, and no value of a spec breaks out of a page."""

from __future__ import annotations

import dataclasses
import functools
import re
import subprocess
from pathlib import Path

import pytest

from generator import data, markdown, render, spec
from generator.artifact import RenderedFile
from generator.model import Product
from generator.monitoring import addresses
from generator.monitoring.alert import Alert
from generator.monitoring.rules import groups
from generator.targets.monitoring import runbooks

APPS = sorted(path.parent.name for path in Path("fixtures/apps").glob("*/groundplan.yaml"))
PARTS = ["Meaning", "Impact", "First look", "Likely causes", "Mitigation", "Escalation", "After"]


@functools.cache
def product(app: str) -> Product:
    loaded = spec.load(Path(f"fixtures/apps/{app}/groundplan.yaml")).product
    assert loaded is not None
    return loaded


@functools.cache
def alerts(app: str) -> dict[str, tuple[Alert, ...]]:
    return {
        name: tuple(alert for group in groups(one) for alert in group.alerts)
        for name, one in product(app).environments.items()
    }


@functools.cache
def pages(app: str) -> dict[str, RenderedFile]:
    return {made.path: render.render_one(made, "groundplan.yaml") for made in runbooks.plan(product(app))}


def outside_fences(text: str) -> list[str]:
    """The lines that are Markdown, not code."""
    kept, fence = [], ""
    for line in text.splitlines():
        mark = re.match(r"`{3,}", line)
        if mark and not fence:
            fence = mark.group()
        elif mark and line.strip() == fence:
            fence = ""
        elif not fence:
            kept.append(line)
    assert not fence, "a fence is never closed"
    return kept


def anchors(text: str) -> list[str]:
    return [line[3:].strip().lower() for line in outside_fences(text) if line.startswith("## ")]


@pytest.mark.parametrize("app", APPS)
def test_every_alert_has_one_heading_that_its_address_names(app: str) -> None:
    wanted: set[tuple[str, str]] = set()
    for environment, found in alerts(app).items():
        for alert in found:
            url = addresses.runbook_url(product(app).environments[environment], alert.subject, alert.name)
            path, _, anchor = url.rpartition("/")[2].partition("#")
            wanted.add((f"docs/infrastructure/runbooks/{path}", anchor))
    there = [(path, anchor) for path, file in pages(app).items() for anchor in anchors(file.text)]
    assert wanted
    assert sorted(there) == sorted(wanted)


@pytest.mark.parametrize("app", APPS)
def test_every_section_has_all_parts_in_their_order(app: str) -> None:
    for path, file in pages(app).items():
        for section in re.split(r"(?m)^## ", file.text)[1:]:
            parts = [line[4:] for line in outside_fences(section) if line.startswith("### ")]
            assert parts == PARTS, (path, section.split("\n")[0])


@pytest.mark.parametrize("app", APPS)
def test_every_guide_in_use_exists(app: str) -> None:
    folder = data.folder("templates") / "monitoring/runbooks"
    used = {alert.guide for found in alerts(app).values() for alert in found}
    assert used <= {path.name.removesuffix(".md.j2") for path in folder.iterdir()}


@pytest.mark.parametrize("app", APPS)
def test_what_the_alert_asks_stands_in_its_section(app: str) -> None:
    last = list(alerts(app).values())[-1]
    for alert in last:
        text = pages(app)[addresses.runbook_path(alert.subject)].text
        section = text[text.index(f"\n## {alert.name}\n") :].partition("\n## ")[2].partition("\n## ")[0]
        assert all(line.strip() in section for line in alert.expr.splitlines())
        assert f"`{alert.causes[0]}`" in section


@pytest.mark.parametrize("app", APPS)
def test_links_to_other_pages_lead_to_pages(app: str) -> None:
    for file in pages(app).values():
        for target in re.findall(r"\]\((?!/|<|#|https?:)([^)]+)\)", "\n".join(outside_fences(file.text))):
            assert f"docs/infrastructure/runbooks/{target}" in pages(app)


@pytest.mark.parametrize("app", APPS)
def test_every_line_knows_where_it_comes_from(app: str) -> None:
    for file in pages(app).values():
        assert len(file.origins) == file.text.count("\n")
        assert all(origin.causes and origin.template.endswith(".j2") for origin in file.origins)


@pytest.mark.parametrize(
    ("app", "subject", "line"),
    [
        ("shop", "api", "NAMESPACE=shop-prod  # dev: shop-dev, staging: shop-staging"),
        ("shop", "api", 'kubectl -n "$NAMESPACE" rollout undo deployment/api && '),
        ("shop", "db", "STORE=shop-prod-db  # dev: shop-dev-db, staging: shop-staging-db"),
        ("shop", "db", 'aws rds modify-db-instance --db-instance-identifier "$STORE"'),
        ("shop", "orders", "aws sqs start-message-move-task"),
        ("shop", "report", "create job --from=cronjob/report report-by-hand"),
        ("shop", "web", "Slack (\\#shop-incidents)"),
        ("ecs", "web", "SERVICE=tickets-prod-web  # dev: tickets-dev-web"),
        ("ecs", "web", 'aws ecs describe-services --cluster "$CLUSTER" --services "$SERVICE"'),
        ("voting-app", "platform", "`notify.page`"),
        ("shop", "web", "A page alert in dev reaches Slack (\\#shop-alerts) as a ticket does."),
        ("shop", "web", "A page alert in staging, prod reaches PagerDuty (shop-oncall), Slack (\\#shop-incidents); "),
        ("shop", "platform", "An info alert in prod of this name reaches the service at `notify.deadman`"),
        ("ecs", "web", "A page alert in prod reaches nobody who could act"),
        ("shop", "platform", "VAULT=shop-prod  # dev: shop-dev"),
        ("shop", "report", "Nothing remembers an earlier version of a job"),
    ],
)
def test_a_page_says(app: str, subject: str, line: str) -> None:
    assert line in pages(app)[addresses.runbook_path(subject)].text


@pytest.mark.parametrize("app", ["shop", "ecs", "voting-app", "every-kind"])
def test_each_guide_is_laid_out_where_it_is_used(app: str) -> None:
    """A guide may be used by any alert of its kind, on AWS and beside it: none asks for a command that is not there."""
    last = list(product(app).environments.values())[-1]
    pattern = next(alert for found in alerts(app).values() for alert in found)
    made = 0
    for path in sorted((data.folder("templates") / "monitoring/runbooks").iterdir()):
        guide = path.name.removesuffix(".md.j2")
        kind, types = KINDS.get(guide, ("service", ()))
        subjects = {
            "service": [name for name, service in last.services.items() if fits(guide, service.type)],
            "resource": [name for name, resource in last.resources.items() if resource.type in types],
            "platform": ["platform"],
        }[kind]
        for subject in subjects:
            alert = dataclasses.replace(pattern, guide=guide, kind=kind, subject=subject)
            (page,) = runbooks.pages(product(app), {last.environment.name: [alert]})
            text = render.render_one(page, "groundplan.yaml").text
            assert len(outside_fences(text)) > 40
            made += 1
    assert made > 20


def fits(guide: str, kind: str) -> bool:
    """Jobs have runs, and no requests, replicas or revisions."""
    if guide in {"cron-late", "cron-failed"}:
        return kind == "cron"
    if guide == "job-failed":
        return kind == "job"
    return kind not in {"cron", "job"} or guide in {"cpu-throttled", "custom", "memory-near-limit", "pod-restarts"}


@pytest.mark.parametrize("app", APPS)
def test_commands_fit_the_workload(app: str) -> None:
    """kubectl knows revisions of what stays, and replicas of what can have several."""
    for file in pages(app).values():
        assert not re.search(r"rollout \w+ (?!deployment/|statefulset/|daemonset/)", file.text)
        assert not re.search(r" scale (?!deployment/|statefulset/)\w+/", file.text)
        assert "None" not in re.findall(r"--(?:min|max)-capacity (\w+)", file.text)


@pytest.mark.parametrize("app", APPS)
def test_pages_are_laid_out_as_markdown_is(app: str) -> None:
    """Blank lines around headings and code, never two, none at the end: what markdownlint asks for."""
    for file in pages(app).values():
        assert "\n\n\n" not in file.text
        assert file.text.endswith("\n")
        assert not file.text.endswith("\n\n")
        lines, prose = file.text.split("\n"), set(outside_fences(file.text))
        assert all(line == line.rstrip() for line in lines)
        for number, line in enumerate(lines):
            if line.startswith("#") and number > 1 and line in prose:
                assert (lines[number - 1], lines[number + 1]) == ("", ""), line


@pytest.mark.parametrize("app", APPS)
def test_a_shell_reads_every_command(app: str) -> None:
    blocks = [block for file in pages(app).values() for block in re.findall(r"```sh\n(.*?)```", file.text, re.S)]
    assert blocks
    read = subprocess.run(["sh", "-n"], input="\n".join(blocks), text=True, capture_output=True, check=False)
    assert read.stderr == ""


_DATABASES = ("postgres", "mysql")
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(("database-connections", "database-cpu", "database-storage"), ("resource", _DATABASES)),
    **dict.fromkeys(("replication-lag", "store-down"), ("resource", _DATABASES)),
    **dict.fromkeys(("cache-cpu", "cache-evictions", "cache-memory"), ("resource", ("valkey",))),
    **dict.fromkeys(("dead-letters", "queue-deep", "queue-old"), ("resource", ("queue",))),
    **dict.fromkeys(("backup-late", "certificate-expiring", "collector-dropping", "logs-dropping"), ("platform", ())),
    **dict.fromkeys(("node-pressure", "prometheus-failing", "quota-near", "watchdog"), ("platform", ())),
}

HOSTILE = [
    "a | b\nc",
    "`code` and ```",
    "<script>alert(1)</script>",
    "[x](javascript:1)",
    "# heading",
    "- item",
    "1. item",
    "*bold* _it_ ~~no~~ $x$",
    "back\\slash",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_stays_text(text: str) -> None:
    alert = dataclasses.replace(alerts("shop")["prod"][0], summary=text, expr=f"up == 0\n# {text}\n```\n## Forged")
    (page,) = runbooks.pages(product("shop"), {"prod": [alert]})
    lines = outside_fences(render.render_one(page, "groundplan.yaml").text)
    assert [line for line in lines if line.startswith("## ")] == [f"## {alert.name}"]
    assert not any("<script" in line or re.search(r"(?<!\\)\]\(javascript", line) for line in lines)
    (row,) = [line for line in lines if line.startswith(f"| [{alert.name}]")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 4
    assert markdown.written(text) in lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "`plain`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("a|b", "`a|b`"),
        ("two\nlines", "`two lines`"),
    ],
)
def test_code_spans_hold_what_they_are_given(text: str, shown: str) -> None:
    assert markdown.code(text) == shown


def test_a_cell_of_a_table_escapes_bars_in_code() -> None:
    assert markdown.code("a|b", cell=True) == "`a\\|b`"
