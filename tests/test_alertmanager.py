"""Who hears of an alert: what is written for Alertmanager, held to the real programs and to our own rules."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import data, pipeline, spec
from generator.model import Product
from generator.render import render_one
from generator.targets.monitoring import alertmanager
from tests.amtool import CONFIG, Files, accepted, amtool, judged, receivers_of, write
from tests.conftest import APPS

HEAD = "apiVersion: groundplan/v1\napp: shop\nowner: team-shop\nservices: {web: {runtime: node, port: 3000}}\n"
SCRIPT = "monitoring/alertmanager/tests/routes.sh"
OBJECTS = "monitoring/alertmanager/kubernetes"
SECRETS = "/etc/alertmanager/secrets/shop-alertmanager"
EXAMPLES = sorted(path.name for path in APPS.iterdir() if (path / "groundplan.yaml").is_file())
Make = Callable[[str], Files]


def files_of(product: Product) -> Files:
    return {made.path: made.text for made in (render_one(a, product.spec_path) for a in alertmanager.plan(product))}


@pytest.fixture
def make(spec_file: Callable[[str], Path]) -> Make:
    def made(text: str) -> Files:
        loaded = spec.load(spec_file(HEAD + text))
        assert loaded.product is not None, loaded.findings
        return files_of(loaded.product)

    return made


@pytest.fixture
def config(make: Make) -> Callable[[str], dict[str, Any]]:
    def read_back(text: str) -> dict[str, Any]:
        document = yaml.safe_load(make(text)[CONFIG])
        assert isinstance(document, dict)
        return document

    return read_back


def product(name: str) -> Product:
    loaded = spec.load(APPS / name / "groundplan.yaml")
    assert loaded.product is not None
    return loaded.product


@functools.cache
def example(name: str) -> Files:
    return files_of(product(name))


def receiver(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = next(item for item in document["receivers"] if item["name"] == name)
    assert isinstance(found, dict)
    return found


# every example


@pytest.mark.parametrize("name", EXAMPLES)
def test_amtool_accepts_the_configuration_of_every_example(name: str, tmp_path: Path) -> None:
    accepted(write(tmp_path, example(name)))


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_class_of_alert_goes_where_the_script_says(name: str, tmp_path: Path) -> None:
    amtool()
    write(tmp_path, example(name))
    ran = subprocess.run(["sh", str(tmp_path / SCRIPT)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    environments = len(product(name).environments)
    assert len(ran.stdout.split()) == 5 * environments + 1


@pytest.mark.parametrize("name", EXAMPLES)
def test_our_rules_find_nothing(name: str) -> None:
    assert judged(example(name)) == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_line_answers(name: str) -> None:
    made = product(name)
    source = (APPS / name / "groundplan.yaml").read_text(encoding="utf-8").splitlines()
    templates = data.folder("templates")
    for artifact in alertmanager.plan(made):
        file = render_one(artifact, made.spec_path)
        lines = file.text.splitlines()
        assert len(lines) == len(file.origins)
        assert file.text.endswith("\n")
        assert not re.search(r"[ \t]+$|\n\n\Z", file.text, re.M), file.path
        for number in range(1, len(lines) + 1):
            trace = pipeline.why(file, number, made)
            assert (templates / trace.origin.template).is_file()
            assert trace.reasons, (file.path, number)
            assert all(1 <= reason.at.line <= len(source) for reason in trace.reasons), (file.path, number)


def test_a_line_answers_with_the_key_that_caused_it() -> None:
    made = product("shop")
    files = [render_one(artifact, made.spec_path) for artifact in alertmanager.plan(made)]
    config = next(file for file in files if file.path == CONFIG)
    answers = {
        text.strip(): origin.causes[0] for text, origin in zip(config.text.splitlines(), config.origins, strict=True)
    }
    assert answers['channel: "#shop-alerts"'] == "notify.ticket.slack"
    assert answers[f"routing_key_file: {SECRETS}/pagerduty-shop-oncall"] == "notify.page.pagerduty"
    assert answers["- environment = staging"] == "environments.staging"
    assert answers['- start_time: "03:00"'] == "delivery.maintenance_window"
    assert answers["- url: https://deadman.example.com/shop"] == "notify.deadman"


def test_bytes_do_not_depend_on_the_hash_seed() -> None:
    code = (
        "import hashlib, pathlib\nfrom generator import spec\nfrom generator.render import render_one\n"
        "from generator.targets.monitoring import alertmanager\n"
        f"made = spec.load(pathlib.Path({str(APPS / 'shop' / 'groundplan.yaml')!r})).product\n"
        "texts = [render_one(a, made.spec_path).text for a in alertmanager.plan(made)]\n"
        "print(hashlib.sha256(''.join(texts).encode()).hexdigest())\n"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]


# the tree

TREE = """
notify:
  page: {pagerduty: oncall}
  ticket: {slack: "#tickets"}
  stakeholders: {email: [cto@example.com]}
  deadman: https://deadman.example.com/x
environments: {dev: {}, staging: {}, prod: {}}
"""
COPIED = ["stakeholders", "page"]


@pytest.mark.parametrize("owner", ["team-shop", "another", ""])
@pytest.mark.parametrize(
    ("environment", "severity", "expected"),
    [
        ("dev", "page", ["ticket"]),
        ("dev", "ticket", ["ticket"]),
        ("dev", "info", ["nobody"]),
        ("staging", "page", COPIED),
        ("staging", "ticket", ["ticket"]),
        ("staging", "info", ["nobody"]),
        ("prod", "page", COPIED),
        ("prod", "ticket", ["ticket"]),
        ("prod", "info", ["nobody"]),
        ("prod", "critical", ["ticket"]),
        ("prod", "", ["ticket"]),
        ("elsewhere", "page", ["ticket"]),
        ("", "page", ["ticket"]),
    ],
)
def test_an_alert_goes_by_environment_and_severity_whoever_owns_it(
    make: Make, tmp_path: Path, environment: str, severity: str, owner: str, expected: list[str]
) -> None:
    path = write(tmp_path, make(TREE))
    labels = {"alertname": "A", "service": "web", "environment": environment, "severity": severity, "owner": owner}
    assert receivers_of(path, {key: value for key, value in labels.items() if value}) == expected


@pytest.mark.parametrize(("environment", "expected"), [("dev", "nobody"), ("staging", "nobody"), ("prod", "deadman")])
def test_only_the_last_environment_beats(make: Make, tmp_path: Path, environment: str, expected: str) -> None:
    """Environments with one address would cover for each other."""
    path = write(tmp_path, make(TREE))
    assert receivers_of(path, {"alertname": "Watchdog", "severity": "info", "environment": environment}) == [expected]


def test_an_environment_with_an_address_of_its_own_beats_too(config: Any) -> None:
    own = "environments: {staging: {notify: {deadman: https://deadman.example.com/staging}}, prod: {}}\n"
    document = config(f"notify: {{deadman: https://deadman.example.com/prod}}\n{own}")
    names = [item["name"] for item in document["receivers"]]
    assert names == ["deadman-staging", "deadman-prod", "nobody"]
    assert receiver(document, "deadman-staging")["webhook_configs"][0]["url"].endswith("/staging")


def test_a_heartbeat_comes_every_minute_and_never_says_that_it_ended(config: Any) -> None:
    document = config(TREE)
    beat = document["route"]["routes"][0]
    assert beat["matchers"] == ["alertname = Watchdog", "environment = prod"]
    assert (beat["group_wait"], beat["group_interval"], beat["repeat_interval"]) == ("0s", "30s", "50s")
    assert receiver(document, "deadman")["webhook_configs"] == [
        {"url": "https://deadman.example.com/x", "send_resolved": False}
    ]


def test_a_page_repeats_sooner_than_a_ticket_and_every_repetition_is_due(config: Any) -> None:
    route = config(TREE)["route"]
    assert route["group_by"] == ["alertname", "service", "environment"]
    assert (route["group_wait"], route["group_interval"], route["repeat_interval"]) == ("5m", "30m", "1d")
    page = route["routes"][-1]["routes"][1]
    assert page["receiver"] == "page"
    assert (page["group_wait"], page["group_interval"], page["repeat_interval"]) == ("30s", "5m", "1h")


def test_inhibitions_name_what_must_be_equal_and_never_mute_the_heartbeat(config: Any) -> None:
    cluster, page = config(TREE)["inhibit_rules"]
    assert cluster["equal"] == ["environment"]
    assert cluster["target_matchers"] == ["alertname != ClusterDown", "alertname != Watchdog"]
    assert page["source_matchers"] == ["severity = page", "service =~ .+"]
    assert (page["target_matchers"], page["equal"]) == (["severity = ticket"], ["service", "environment"])


def test_without_receivers_the_tree_stands_and_ends_at_nobody(config: Any) -> None:
    document = config("")
    assert document["receivers"] == [{"name": "nobody"}]
    assert document["route"]["receiver"] == "nobody"
    assert len(document["route"]["routes"][-1]["routes"]) == 3


def test_receivers_that_differ_have_names_of_their_own(config: Any) -> None:
    notify = 'notify: {page: {pagerduty: "${environment}-oncall"}, ticket: {slack: "#tickets"}}\n'
    document = config(f"{notify}environments: {{staging: {{}}, prod: {{}}}}\n")
    assert [item["name"] for item in document["receivers"]] == ["page-staging", "page-prod", "ticket", "nobody"]
    keys = [
        receiver(document, f"page-{name}")["pagerduty_configs"][0]["routing_key_file"] for name in ("staging", "prod")
    ]
    assert keys == [f"{SECRETS}/pagerduty-staging-oncall", f"{SECRETS}/pagerduty-prod-oncall"]


def test_nobody_is_woken_for_development_alone(config: Any) -> None:
    notify = "notify: {page: {pagerduty: oncall}, ticket: {email: [a@example.com]}}\n"
    document = config(f"{notify}environments: {{dev: {{}}}}\n")
    assert [item["name"] for item in document["receivers"]] == ["ticket", "nobody"]


# receivers

TITLE = '{{ template "groundplan.title" . }}'
TEXT = '{{ template "groundplan.text" . }}'
KINDS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "pagerduty by name": (
        "pagerduty: shop-oncall",
        "pagerduty_configs",
        {"routing_key_file": f"{SECRETS}/pagerduty-shop-oncall", "severity": "critical", "send_resolved": True},
        {},
    ),
    "pagerduty by secret": (
        'pagerduty: "${secret.hook}"',
        "pagerduty_configs",
        {"routing_key_file": f"{SECRETS}/hook"},
        {},
    ),
    "slack by channel": (
        'slack: "#incidents"',
        "slack_configs",
        {"channel": "#incidents", "send_resolved": True},
        {"slack_api_url_file": f"{SECRETS}/slack-url"},
    ),
    "slack by secret": ('slack: "${secret.hook}"', "slack_configs", {"api_url_file": f"{SECRETS}/hook"}, {}),
    "opsgenie by team": (
        "opsgenie: Shop Team",
        "opsgenie_configs",
        {"responders": [{"name": "Shop Team", "type": "team"}], "priority": "P1"},
        {"opsgenie_api_key_file": f"{SECRETS}/opsgenie-key"},
    ),
    "opsgenie by secret": ('opsgenie: "${secret.hook}"', "opsgenie_configs", {"api_key_file": f"{SECRETS}/hook"}, {}),
    "teams by secret": (
        'teams: "${secret.hook}"',
        "msteamsv2_configs",
        {"webhook_url_file": f"{SECRETS}/hook", "title": TITLE, "text": TEXT},
        {},
    ),
    "webhook by address": (
        "webhook: https://hooks.example.com/a?b=c",
        "webhook_configs",
        {"url": "https://hooks.example.com/a?b=c", "send_resolved": True},
        {},
    ),
    "webhook by secret": ('webhook: "${secret.hook}"', "webhook_configs", {"url_file": f"{SECRETS}/hook"}, {}),
    "webhook with a secret in it": (
        'webhook: "https://hooks.example.com/${secret.hook}"',
        "webhook_configs",
        {"url_file": f"{SECRETS}/page-webhook"},
        {},
    ),
    "webhook of something that exists": (
        'webhook: "${pager.url}"',
        "webhook_configs",
        {"url": "https://pager.example.com/in"},
        {},
    ),
    "e-mail": (
        "email: [a@example.com, b@example.com]",
        "email_configs",
        {"to": "a@example.com, b@example.com", "send_resolved": True, "html": "", "text": TEXT},
        {
            "smtp_smarthost": "smtp-relay.monitoring.svc:587",
            "smtp_from": "alertmanager@example.com",
            "smtp_auth_password_file": f"{SECRETS}/smtp-password",
            "smtp_require_tls": True,
        },
    ),
}
REST = "secrets: {hook: {}}\nresources: {pager: {type: external, outputs: {url: https://pager.example.com/in}}}\n"


@pytest.mark.parametrize("kind", KINDS)
def test_a_receiver_is_written_as_alertmanager_takes_it(config: Any, kind: str) -> None:
    written, key, expected, shared = KINDS[kind]
    document = config(f"notify: {{page: {{{written}}}}}\n{REST}")
    body = receiver(document, "page")
    assert set(body) == {"name", key}
    assert {name: body[key][0].get(name) for name in expected} == expected
    assert {name: document["global"].get(name) for name in shared} == shared
    if not shared:
        assert document["global"] == {"resolve_timeout": "5m"}


@pytest.mark.parametrize("kind", KINDS)
def test_amtool_and_our_rules_accept_every_kind(make: Make, tmp_path: Path, kind: str) -> None:
    made = make(f"notify: {{page: {{{KINDS[kind][0]}}}, ticket: {{{KINDS[kind][0]}}}}}\n{REST}")
    assert judged(made) == []
    accepted(write(tmp_path, made))


def test_a_page_is_more_urgent_than_a_ticket(config: Any) -> None:
    document = config("notify: {page: {pagerduty: a, opsgenie: a}, ticket: {pagerduty: a, opsgenie: a}}\n")
    urgency = {name: receiver(document, name) for name in ("page", "ticket")}
    assert [urgency[name]["pagerduty_configs"][0]["severity"] for name in urgency] == ["critical", "warning"]
    assert [urgency[name]["opsgenie_configs"][0]["priority"] for name in urgency] == ["P1", "P3"]


HOSTILE = ['": {{', "{{ .Labels }}", "${x", "$(rm -rf /)", "no", "0550", "😀", "a: b # c", "' or 1=1", "\\n", "-"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_names(make: Make, tmp_path: Path, text: str) -> None:
    said = json.dumps(text.replace("${", "$${"))
    page = f"pagerduty: {said}, opsgenie: {said}"
    made = make(f"notify: {{page: {{{page}}}}}\n")
    document = yaml.safe_load(made[CONFIG])
    body = receiver(document, "page")
    team = body["opsgenie_configs"][0]["responders"][0]["name"]
    assert team.replace('{{ "{{" }}', "{{") == text
    assert "{{" not in team.replace('{{ "{{" }}', "")
    for path in re.findall(r"(?:key|url)_file: (\S+)", made[CONFIG]):
        assert re.fullmatch(rf"{SECRETS}/[a-z0-9-]+", path)
    listed = yaml.safe_load(made[f"{OBJECTS}/externalsecret.yaml"])["spec"]["data"]
    assert all(re.fullmatch(r"[-._a-zA-Z0-9]+", item["secretKey"]) for item in listed)
    accepted(write(tmp_path, made))


@pytest.mark.parametrize("address", ["a{{.X}}@example.com", "a'b\"@example.com", "ä@exämple.com"])
def test_hostile_addresses_stay_addresses(make: Make, tmp_path: Path, address: str) -> None:
    made = make(f"notify: {{ticket: {{email: [{json.dumps(address)}]}}}}\n")
    to = receiver(yaml.safe_load(made[CONFIG]), "ticket")["email_configs"][0]["to"]
    ran = subprocess.run(
        [amtool(), "template", "render", "--template.glob=/none/*.tmpl", f"--template.text={to}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.strip() == address, ran.stderr
    accepted(write(tmp_path, made))


def test_names_that_lose_something_stay_apart(config: Any) -> None:
    document = config('notify: {page: {pagerduty: "A b"}, ticket: {pagerduty: "a B"}}\n')
    keys = {receiver(document, name)["pagerduty_configs"][0]["routing_key_file"] for name in ("page", "ticket")}
    assert len(keys) == 2


def test_an_address_typed_where_a_name_belongs_is_not_repeated(make: Make) -> None:
    made = make("notify: {page: {pagerduty: https://hooks.example.com/T0/B0/zzz}}\n")
    assert "zzz" not in "".join(made.values())
    assert f"{SECRETS}/page-pagerduty" in made[CONFIG]


# maintenance

WINDOWS: dict[str, list[tuple[str, str, str, str]]] = {
    "sun 03:00-05:00 UTC": [("sunday", "03:00", "05:00", "UTC")],
    "mon 23:00-01:00 Europe/Berlin": [
        ("monday", "23:00", "24:00", "Europe/Berlin"),
        ("tuesday", "00:00", "01:00", "Europe/Berlin"),
    ],
    "sun 22:30-02:30 UTC": [("sunday", "22:30", "24:00", "UTC"), ("monday", "00:00", "02:30", "UTC")],
    "sat 22:00-00:00 UTC": [("saturday", "22:00", "24:00", "UTC")],
    "fri 00:00-23:59 America/Argentina/Buenos_Aires": [("friday", "00:00", "23:59", "America/Argentina/Buenos_Aires")],
}


@pytest.mark.parametrize("window", WINDOWS)
def test_a_window_mutes_tickets_and_never_pages(make: Make, tmp_path: Path, window: str) -> None:
    made = make(f"{TREE}delivery: {{maintenance_window: {window}}}\n")
    document = yaml.safe_load(made[CONFIG])
    (interval,) = document["time_intervals"]
    ranges = [(*part["weekdays"], *part["times"][0].values(), part["location"]) for part in interval["time_intervals"]]
    assert ranges == WINDOWS[window]
    muted = {route["receiver"] for route in branches(document["route"]) if "mute_time_intervals" in route}
    assert muted == {"ticket"}
    accepted(write(tmp_path, made))


@pytest.mark.parametrize("window", ["sun 03:00-03:00 UTC", "sun 00:00-00:00 UTC"])
def test_a_window_without_length_mutes_nothing(make: Make, tmp_path: Path, window: str) -> None:
    made = make(f"{TREE}delivery: {{maintenance_window: {window}}}\n")
    assert "mute_time_intervals" not in made[CONFIG]
    assert "time_intervals" not in made[CONFIG]
    accepted(write(tmp_path, made))


def test_windows_that_differ_have_names_of_their_own(config: Any) -> None:
    own = "environments: {staging: {delivery: {maintenance_window: mon 23:00-01:00 UTC}}, prod: {}}\n"
    document = config(f'notify: {{ticket: {{slack: "#a"}}}}\n{own}')
    assert [item["name"] for item in document["time_intervals"]] == ["maintenance-staging", "maintenance-prod"]
    assert [
        route["mute_time_intervals"] for route in branches(document["route"]) if "mute_time_intervals" in route
    ] == [
        ["maintenance-staging"],
        ["maintenance-prod"],
    ]


def branches(route: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield route
    for child in route.get("routes", []):
        yield from branches(child)


# in the cluster


def test_the_operator_finds_its_configuration_and_every_secret(make: Make) -> None:
    made = make(f"{TREE}secrets: {{slack-url: {{}}}}\n")
    body = yaml.safe_load(made[f"{OBJECTS}/alertmanager.yaml"])["spec"]
    kustomization = yaml.safe_load(made["monitoring/alertmanager/kustomization.yaml"])
    (generated,) = kustomization["secretGenerator"]
    assert generated["name"] == body["configSecret"] == "shop-alertmanager-config"
    assert generated["files"] == ["alertmanager.yaml", "templates/groundplan.tmpl"]
    external = yaml.safe_load(made[f"{OBJECTS}/externalsecret.yaml"])["spec"]
    assert body["secrets"] == [external["target"]["name"]] == ["shop-alertmanager"]
    wanted = {Path(path).name for path in re.findall(rf"_file: {SECRETS}/\S+", made[CONFIG])}
    given_ = {item["secretKey"]: item["remoteRef"] for item in external["data"]}
    assert set(given_) == wanted == {"pagerduty-oncall", "slack-url", "smtp-password"}
    assert given_["slack-url"] == {"key": "shop/prod/slack-url", "property": "value"}
    assert given_["smtp-password"] == {"key": "shop/prod/alertmanager", "property": "smtp-password"}


@pytest.mark.parametrize(
    ("environments", "replicas"), [("{dev: {}}", 1), ("{dev: {}, prod: {}}", 2), ("{prod: {}}", 2)]
)
def test_a_strict_environment_has_two_replicas_that_keep_what_they_know(
    make: Make, environments: str, replicas: int
) -> None:
    made = make(f"environments: {environments}\n")
    body = yaml.safe_load(made[f"{OBJECTS}/alertmanager.yaml"])["spec"]
    assert body["replicas"] == replicas
    assert ("storage" in body) == (f"{OBJECTS}/poddisruptionbudget.yaml" in made) == (replicas == 2)
    assert "secrets" not in body
    assert f"{OBJECTS}/externalsecret.yaml" not in made


@pytest.mark.parametrize(
    "text",
    [
        "monitoring: {metrics: {operator: false}}\n",
        "platform: {compute: ecs}\ncloud: {provider: aws, region: eu-west-1}\n",
    ],
)
def test_without_the_operator_there_are_no_objects(make: Make, text: str) -> None:
    assert sorted(make(text)) == [CONFIG, "monitoring/alertmanager/templates/groundplan.tmpl", SCRIPT]


@pytest.mark.parametrize("sync", ["sops", "vault-operator"])
def test_another_way_of_secrets_gets_no_external_secret(make: Make, sync: str) -> None:
    made = make(f"notify: {{page: {{pagerduty: a}}}}\nplatform: {{secrets: {{sync: {sync}}}}}\n")
    assert f"{OBJECTS}/externalsecret.yaml" not in made
    assert yaml.safe_load(made[f"{OBJECTS}/alertmanager.yaml"])["spec"]["secrets"] == ["shop-alertmanager"]


def test_kustomize_builds_it(make: Make, tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed: the kustomization is not built")
    made = make(TREE)
    write(tmp_path, made)
    ran = subprocess.run(
        [kubectl, "kustomize", str(tmp_path / "monitoring/alertmanager")], capture_output=True, text=True, check=True
    )
    objects = {item["kind"]: item for item in yaml.safe_load_all(ran.stdout)}
    assert set(objects["Secret"]["data"]) == {"alertmanager.yaml", "groundplan.tmpl"}
    assert {item["metadata"]["namespace"] for item in objects.values()} == {"monitoring"}
    assert {"Alertmanager", "Service", "ServiceAccount", "NetworkPolicy", "PodDisruptionBudget"} <= set(objects)


# messages

ALERTS = [
    {
        "status": "firing",
        "labels": {"alertname": "A<b>", "service": "web", "environment": "prod", "severity": "page", "owner": "t&x"},
        "annotations": {
            "summary": "web <!channel> fails",
            "description": "5 % & more",
            "runbook_url": "https://r.example.com/web.md#a|b",
            "dashboard_url": "/d/web",
        },
    },
    {"status": "resolved", "labels": {"alertname": "A<b>", "severity": "page"}, "annotations": {"summary": "two"}},
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("title", "[FIRING:1] A<b> web (prod)"),
        ("slack.title", "[FIRING:1] A&lt;b&gt; web (prod)"),
        (
            "text",
            (
                "FIRING web <!channel> fails: 5 % & more (page)\nRESOLVED two (page)\nowner: t&x\n"
                "runbook: https://r.example.com/web.md#a|b\ndashboard: /d/web"
            ),
        ),
        (
            "slack.text",
            (
                "• web &lt;!channel&gt; fails: 5 % &amp; more <https://r.example.com/web.md#a%7Cb|runbook>\n"
                "✓ two\nowner: t&amp;x"
            ),
        ),
        ("owner", "t&x"),
        ("runbook", "https://r.example.com/web.md#a|b"),
    ],
)
def test_a_message_says_what_is_wrong_and_where_help_is(make: Make, tmp_path: Path, name: str, expected: str) -> None:
    common = {"alertname": "A<b>", "service": "web", "environment": "prod", "owner": "t&x"}
    message = {"status": "firing", "alerts": ALERTS, "commonLabels": common, "commonAnnotations": {}}
    write(tmp_path, make(""))
    (tmp_path / "data.json").write_text(json.dumps(message), encoding="utf-8")
    command = [amtool(), "template", "render", f"--template.data={tmp_path / 'data.json'}"]
    command += [f"--template.glob={tmp_path / 'monitoring/alertmanager/templates'}/*.tmpl"]
    command += [f'--template.text={{{{ template "groundplan.{name}" . }}}}']
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == expected


def test_every_template_that_is_printed_is_defined() -> None:
    texts = example("shop")
    defined = re.findall(r'define "([^"]+)"', texts["monitoring/alertmanager/templates/groundplan.tmpl"])
    used = re.findall(r'template "([^"]+)"', str(yaml.safe_load(texts[CONFIG])))
    assert used
    assert set(used) <= set(defined)


# the real Alertmanager


@pytest.fixture
def running(make: Make, tmp_path: Path) -> Iterator[str]:
    """The address of an Alertmanager that runs our configuration; it delivers nothing within the test."""
    program = shutil.which("alertmanager") or shutil.which("prometheus-alertmanager")
    if program is None:
        pytest.skip("Alertmanager is not installed: inhibition was not tried")
    path = write(tmp_path, make(TREE))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [program, f"--config.file={path}", f"--storage.path={tmp_path / 'data'}"]
    command += [f"--web.listen-address={address}", "--cluster.listen-address="]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert answers(f"http://{address}/-/ready"), "Alertmanager did not start with the configuration"
        yield f"http://{address}/api/v2/alerts"
    finally:
        process.terminate()
        process.wait(timeout=10)


def answers(address: str) -> bool:
    for _ in range(100):
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=1):
            return True
        time.sleep(0.1)
    return False


def muted(address: str, alerts: list[dict[str, str]]) -> list[str]:
    """The names of the alerts that others mute."""
    body = json.dumps([{"labels": labels} for labels in alerts]).encode()
    request = urllib.request.Request(address, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5):
        pass
    for _ in range(50):
        with urllib.request.urlopen(address, timeout=5) as reply:
            found = json.load(reply)
        if len(found) == len(alerts):
            break
        time.sleep(0.1)
    assert len(found) == len(alerts)
    time.sleep(0.3)  # the inhibitor reads alerts beside the store
    with urllib.request.urlopen(address, timeout=5) as reply:
        found = json.load(reply)
    return sorted(alert["labels"]["alertname"] for alert in found if alert["status"]["inhibitedBy"])


def alert(name: str, severity: str, environment: str = "prod", service: str = "web") -> dict[str, str]:
    labels = {"alertname": name, "severity": severity, "environment": environment, "service": service}
    return {key: value for key, value in labels.items() if value}


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        ([alert("Page", "page"), alert("Ticket", "ticket")], ["Ticket"]),
        ([alert("Page", "page"), alert("Ticket", "ticket", service="api")], []),
        ([alert("Page", "page", "staging"), alert("Ticket", "ticket")], []),
        ([alert("Page", "page", service=""), alert("Ticket", "ticket", service="")], []),
        ([alert("Page", "page"), alert("Other", "page")], []),
        ([alert("Page", "page"), alert("Info", "info")], []),
        (
            [
                alert("ClusterDown", "page", service="platform"),
                alert("Watchdog", "info", service="platform"),
                alert("Page", "page"),
                alert("Ticket", "ticket", service="api"),
                alert("Elsewhere", "page", "staging"),
            ],
            ["Page", "Ticket"],
        ),
        ([alert("ClusterDown", "page", ""), alert("Page", "page", "")], []),
    ],
    ids=[
        "a page over the ticket of its service",
        "not of another service",
        "not of another environment",
        "not without a service",
        "not a page over a page",
        "not over what nobody hears of",
        "a cluster over all of its environment but the heartbeat",
        "not without an environment",
    ],
)
def test_what_mutes_what_in_the_real_alertmanager(
    running: str, alerts: list[dict[str, str]], expected: list[str]
) -> None:
    assert muted(running, alerts) == expected
