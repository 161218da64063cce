"""The policy engine: facts, joins, verbs, malformed rules, waivers, deduplication."""

from __future__ import annotations

import builtins
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from generator import data, policy, secrets
from generator.document import Location, SourceFile
from generator.errors import Fault
from generator.finding import Finding, Severity
from generator.policy import catalogue, lifetimes, loading, waivers
from generator.policy.documents import documents
from generator.policy.facts import KEYS, Facts, fact, facts
from generator.policy.rule import PARTS, parse
from generator.policy.verbs import VERBS

TODAY = policy.Context(today="2026-11-23")
HEAD = "severity: low\nsummary: S.\nwhy: W.\nfix: F.\n"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app.kubernetes.io/name: web}}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: web}}
    spec:
      securityContext: {runAsUser: 10001}
      initContainers:
        - {name: wait, image: "busybox:1.37.0"}
      containers:
        - name: web
          image: ghcr.io/acme/web:1.4.2
          ports: [{name: http, containerPort: 3000}]
          resources: {requests: {cpu: 250m, memory: 128Mi}, limits: {memory: 0.25Gi}}
          livenessProbe: {httpGet: {path: /health, port: http}}
"""


def selected(name: str, **files: str) -> list[Any]:
    sources = [SourceFile(path.replace("__", "/").replace("_", "."), text) for path, text in files.items()]
    return [value.value for value in Facts(documents(sources)).select(name) if not value.missing]


def found(rule: str, files: dict[str, str]) -> list[Finding]:
    sources = [SourceFile(path, text) for path, text in files.items()]
    return list(policy.judge(sources, [parse(HEAD + rule, "rules/t/t.yaml")], TODAY).findings)


# facts


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("kubernetes.container.image", ["ghcr.io/acme/web:1.4.2", "busybox:1.37.0"]),
        ("kubernetes.container.port", [3000]),
        ("kubernetes.container.user", [10001, 10001]),
        ("kubernetes.container.requests.cpu", [250]),
        ("kubernetes.container.limits.memory", [256 * 2**20]),
        ("kubernetes.probe.port", ["http"]),
        ("kubernetes.container.tag", ["1.4.2", "1.37.0"]),
        ("kubernetes.label.name", ["web"]),
        ("kubernetes.pod.labels", [frozenset({"app=web"})]),
    ],
)
def test_fact_of_a_deployment(name: str, values: list[Any]) -> None:
    assert selected(name, app_yaml=DEPLOYMENT) == values


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: x}]}",
        "apiVersion: apps/v1\nkind: StatefulSet\nspec: {template: {spec: {containers: [{name: a, image: x}]}}}",
        "apiVersion: batch/v1\nkind: Job\nspec: {template: {spec: {containers: [{name: a, image: x}]}}}",
        "kind: CronJob\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: x}]}}}}}",
        "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Pod, spec: {containers: [{name: a, image: x}]}}]",
        "a: 1\n---\napiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: x}]}",
    ],
)
def test_pods_are_found_in_every_kind(text: str) -> None:
    assert selected("kubernetes.container.image", app_yaml=text) == ["x"]


@pytest.mark.parametrize(
    ("ports", "host", "target"),
    [
        ("'8080:80'", "0.0.0.0", 80),
        ("'127.0.0.1:8080:80/tcp'", "127.0.0.1", 80),
        ("'[::1]:8080:80'", "::1", 80),
        ("'${PORT:-8080}:80'", "0.0.0.0", 80),
        ("{target: 80, published: 8080, host_ip: 127.0.0.1}", "127.0.0.1", 80),
    ],
)
def test_compose_port_in_both_notations(ports: str, host: str, target: int) -> None:
    text = f"services:\n  web:\n    image: a:1\n    ports: [{ports}]\n"
    assert [
        value.value
        for value in Facts(documents([SourceFile("compose.yaml", text)])).select("compose.service.host-address")
    ] == [host]
    assert selected("compose.service.port", compose_yaml=text) == [target]


@pytest.mark.parametrize("environment", ["[A=1, B]", "{A: 1, B: null}"])
def test_compose_environment_in_both_notations(environment: str) -> None:
    text = f"services: {{web: {{image: 'a:1', environment: {environment}}}}}"
    assert selected("compose.service.env.name", compose_yaml=text) == ["A", "B"]


def test_a_kustomize_patch_is_no_object() -> None:
    kustomization = "resources: [../base]\npatches: [{path: patch.yaml}]\n"
    files = {"o__kustomization_yaml": kustomization, "o__patch_yaml": DEPLOYMENT}
    assert selected("kubernetes.container.image", **files) == []


@pytest.mark.parametrize(
    ("files", "service"),
    [
        ({"compose.yaml": "services: {shop: {build: apps/web}}", "apps/web/Dockerfile": "FROM a\n"}, "shop"),
        (
            {
                "compose.yaml": "services: {shop: {build: {context: ., dockerfile: d/x.Dockerfile}}}",
                "d/x.Dockerfile": "FROM a\n",
            },
            "shop",
        ),
        ({"app.yaml": DEPLOYMENT, "images/Dockerfile.web": "FROM a\n"}, "web"),
        ({"apps/web/Dockerfile": "FROM a\n"}, "web"),
        ({"Dockerfile": "FROM a\n"}, ""),
    ],
)
def test_the_service_of_a_dockerfile(files: dict[str, str], service: str) -> None:
    found = documents([SourceFile(path, text) for path, text in files.items()])
    assert [item.service for item in found if item.format == "docker"] == [service]


def test_unknown_fact_is_a_fault_with_a_hint() -> None:
    with pytest.raises(Fault, match=r'did you mean "docker\.stage\.image"'):
        fact("docker.stage.imgae")


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "\t",
        "%",
        "{{ .Values }}",
        "- 1",
        "kind: Deployment",
        "kind: [a]\napiVersion: {}",
        "services: 3",
        "x: &a [*a]",
    ],
)
def test_no_file_stops_the_engine(text: str) -> None:
    files = [
        SourceFile(name, text)
        for name in ("a.yaml", "compose.yaml", "kustomization.yaml", "Dockerfile", ".dockerignore")
    ]
    outcome = policy.judge(files, policy.rules(), TODAY)
    assert all(finding.at.path in {file.path for file in files} for finding in outcome.findings)


ODD = ["3", "[1]", "{a: 1}", "null", "true", "'x'", "[[]]", "[{}]", "[null]", "{a: [{b: {}}]}"]
POD = "metadata: {0}\nspec: {{template: {{metadata: {0}, spec: {{containers: {0}, volumes: {0}}}}}, selector: {0}}}"
PLACES = {
    "app.yaml": POD,
    "b.yaml": "metadata: {{name: a}}\nspec: {{podSelector: {0}, ingress: {0}, egress: {0}, hard: {0}, rules: {0}}}",
    "c.yaml": "metadata: {{labels: {0}}}\nspec: {{template: {{spec: {{containers: [{0}, {{ports: {0}}}]}}}}}}",
    "d.yaml": "metadata: {{name: a}}\nspec: {{scaleTargetRef: {0}, metrics: {0}, data: {0}, ports: {0}}}",
}
KINDS = ["Deployment", "Pod", "CronJob", "Service", "NetworkPolicy", "HorizontalPodAutoscaler", "Ingress", "HTTPRoute"]
KINDS += ["ResourceQuota", "PodDisruptionBudget", "ExternalSecret", "Secret", "ConfigMap", "ServiceMonitor", "Role"]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("kind", KINDS)
def test_no_odd_object_stops_the_engine(kind: str, odd: str) -> None:
    files = [SourceFile(path, f"apiVersion: v1\nkind: {kind}\n{text.format(odd)}\n") for path, text in PLACES.items()]
    outcome = policy.judge(files, policy.rules(), TODAY)
    assert all(finding.at.line for finding in outcome.findings)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "key", ["ports", "build", "depends_on", "networks", "volumes", "healthcheck", "environment", "deploy", "cap_drop"]
)
def test_no_odd_compose_file_stops_the_engine(key: str, odd: str) -> None:
    text = f"services:\n  web: {{image: a, {key}: {odd}}}\n  b: {odd}\nvolumes: {odd}\n"
    assert policy.judge([SourceFile("compose.yaml", text)], policy.rules(), TODAY).passes


# verbs and joins

REQUEST, LIMIT = "kubernetes.container.requests.memory", "kubernetes.container.limits.memory"
KIND = "kubernetes.workload.kind"


@pytest.mark.parametrize(
    ("rule", "caught"),
    [
        ("each: kubernetes.replicas\nis-at-least: 3\n", True),
        ("each: kubernetes.replicas\nis-at-least: 2\n", False),
        ("each: kubernetes.container.requests.memory\nis-at-least: 0.2Gi\n", True),
        ("each: kubernetes.container.requests.memory\nis-at-most: 128Mi\n", False),
        ("each: kubernetes.container.requests.cpu\nis-below: 0.25\n", True),
        ("each: kubernetes.container.requests.cpu\nis-below: 0.26\n", False),
        (f"each: {LIMIT}\nis-above: {{fact: {REQUEST}, by: container}}\n", False),
        (f"each: {REQUEST}\nis-above: {{fact: {LIMIT}, by: container}}\n", True),
        ("each: kubernetes.container.liveness\nexists: true\n", False),
        ("each: kubernetes.container.readiness\nexists: true\n", True),
        ("each: kubernetes.container.liveness\nis-absent: true\n", True),
        ("each: kubernetes.name\nmatches: '^w'\n", False),
        ("each: kubernetes.name\ndoes-not-match: '^w'\n", True),
        ("each: kubernetes.selector.key\nequals: nothing\n", False),
        ("each: kubernetes.pod.labels\nhas-all: [app=web]\n", False),
        ("each: kubernetes.pod.labels\nhas-none: [app=web]\n", True),
        ("each: kubernetes.pod.labels\nhas-only: [app=api]\n", True),
        ("each: kubernetes.replicas\nequals: '2'\n", False),
        ("each: kubernetes.container.non-root\nequals: 0\n", True),
        ("each: kubernetes.replicas\nis-at-least: {fact: kubernetes.hpa.minimum, by: all}\n", False),
        ("each: kubernetes.container.liveness\nexists: {fact: kubernetes.container.readiness, by: container}\n", True),
        ("each: kubernetes.replicas\nis-at-least: 3\nwhere: [{is-at-least: 5}]\n", False),
        (f"each: kubernetes.replicas\nis-at-least: 3\nunless: [{{fact: {KIND}, equals: Deployment}}]\n", False),
        (f"each: kubernetes.replicas\nis-at-least: 3\nwhere: [{{fact: {KIND}, equals: Deployment}}]\n", True),
    ],
)
def test_verb(rule: str, caught: bool) -> None:
    assert bool(found(rule + "message: m\n", {"app.yaml": DEPLOYMENT})) is caught


def test_a_clash_names_the_other_end() -> None:
    (finding,) = found(
        "each: kubernetes.container.requests.memory\n"
        "is-above: {fact: kubernetes.container.limits.memory, by: container}\n"
        "message: '{container} asks for {value}, below {other} of {subject}'\n",
        {"app.yaml": DEPLOYMENT},
    )
    assert finding.message == "web asks for 128Mi, below 0.25Gi of Deployment/shop/web"
    assert str(finding.at) == "app.yaml:16:53"
    assert finding.subject == "Deployment/shop/web"
    assert finding.property == "spec.template.spec.containers[0].resources.requests.memory"
    assert [(str(other.at), other.message) for other in finding.related] == [
        ("app.yaml:16:78", "Deployment/shop/web: 0.25Gi")
    ]


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("FROM alpine:3.22.1 AS build\nFROM alpine:3.22.1 AS runtime\n", "stage/runtime"),
        ("FROM alpine:3.22.1 AS build\nFROM alpine:3.22.1\n", "stage/1"),
    ],
)
def test_the_subject_in_a_dockerfile_is_its_stage(text: str, subject: str) -> None:
    outcome = policy.judge([SourceFile("Dockerfile", text)], [policy.rule("docker/missing-user")], TODAY)
    assert [item.subject for item in outcome.findings] == [subject]


def test_a_pass_is_given_to_judged_subjects_only() -> None:
    rule = parse(HEAD + "each: kubernetes.replicas\nis-at-least: 2\nmessage: m\n", "rules/t/t.yaml")
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
    outcome = policy.judge([SourceFile("app.yaml", DEPLOYMENT + "---\n" + service)], [rule], TODAY)
    assert [(item.rule, item.path, item.subject) for item in outcome.passes] == [
        ("t/t", "app.yaml", "Deployment/shop/web")
    ]
    assert outcome.findings == ()


def test_the_same_files_in_another_order_give_the_same_findings() -> None:
    files = [
        SourceFile("a/Dockerfile", "FROM node\n"),
        SourceFile("b.yaml", DEPLOYMENT),
        SourceFile("c/Dockerfile", "FROM x\n"),
    ]
    assert policy.judge(files, policy.rules(), TODAY) == policy.judge(files[::-1], policy.rules(), TODAY)


def test_a_secret_is_never_quoted() -> None:
    key = "AKIA" + "Q7XMPL" * 2 + "R2D3"
    files = [
        SourceFile("a.env", f"KEY={key}\n"),
        SourceFile("compose.yaml", f"services: {{a: {{image: b, environment: {{PASSWORD: {key}}}}}}}\n"),
    ]
    outcome = policy.judge(files, policy.rules(), TODAY)
    assert {"secrets/literal", "secrets/literal-variable"} <= {finding.rule for finding in outcome.findings}
    assert key not in repr(outcome)


# lifetimes


@pytest.mark.parametrize(
    ("image", "end"),
    [
        ("node:20-alpine", "2026-04-30"),
        ("docker.io/library/node:20.1.0", "2026-04-30"),
        ("python:3.9-slim", "2025-10-31"),
        ("node:200", None),
        ("node:latest", None),
        ("example.com/own:1", None),
    ],
)
def test_end_of_life(image: str, end: str | None) -> None:
    assert lifetimes.end_of_life(image) == end


@pytest.mark.parametrize(("today", "caught"), [("2026-01-30", False), ("2026-02-01", True), ("", False)])
def test_support_is_judged_by_the_date_given(today: str, caught: bool) -> None:
    rule = parse(HEAD + "each: docker.stage.image\nis-supported-for-days: 89\nmessage: m\n", "rules/t/t.yaml")
    outcome = policy.judge([SourceFile("Dockerfile", "FROM node:20-alpine\n")], [rule], policy.Context(today=today))
    assert bool(outcome.findings) is caught


# malformed rules

MALFORMED = [
    (
        "each: docker.user\nexists: true\nmessage: m\nsevrity: low\n",
        '8:1: "sevrity" is not a key here; did you mean "severity"?',
    ),
    ("each: docker.usr\nexists: true\nmessage: m\n", 'there is no fact "docker.usr"; did you mean "docker.user"?'),
    ("each: docker.user\nmessage: m\n", "there is no verb"),
    ("each: docker.user\nexists: true\nequals: a\nmessage: m\n", "7:1: exists and equals are two verbs"),
    ("each: docker.user\nmatches: '('\nmessage: m\n", "6:1: this is not a regular expression"),
    ("each: docker.user\nis-one-of: root\nmessage: m\n", "6:1: is-one-of takes a list"),
    ("each: docker.user\nexists: false\nmessage: m\n", "6:1: exists takes true"),
    ("each: kubernetes.container.limits.memory\nis-at-least: lots\nmessage: m\n", '6:1: "lots" is not a memory'),
    ("each: docker.user\nequals: {fact: docker.expse}\nmessage: m\n", 'there is no fact "docker.expse"'),
    ("each: docker.user\nequals: {fact: docker.expose, by: colour}\nmessage: m\n", '"colour" is not one of'),
    ("each: docker.user\nmatches: {fact: docker.expose}\nmessage: m\n", "matches cannot compare with a fact"),
    ("each: docker.user\nexists: true\nmessage: 'a {colour}'\n", '7:1: "{colour}" is not known in a message'),
    ("each: docker.user\nexists: true\n", 'the key "message" is missing'),
    ("each: docker.user\nexists: true\nmessage: m\nwhere: {a: 1}\n", '8:1: "where" must be a list'),
    (
        "each: docker.user\nexists: true\nmessage: m\nexamples: {}\ntags: [a]\n",
        '9:1: "tags" must stand in front of "examples"',
    ),
    ("each: [\n", "6:1:"),
]


@pytest.mark.parametrize(("text", "message"), MALFORMED)
def test_a_malformed_rule_is_a_fault_with_its_place(text: str, message: str) -> None:
    with pytest.raises(Fault) as caught:
        parse(HEAD + text, "rules/t/t.yaml")
    assert str(caught.value).startswith("rules/t/t.yaml:")
    assert message in str(caught.value)
    assert caught.value.fix


def test_wrong_severity_is_a_fault() -> None:
    with pytest.raises(Fault, match=r't\.yaml:1:1: "bad" is not one of info, low'):
        parse(HEAD.replace("low", "bad") + "each: docker.user\nexists: true\nmessage: m\n", "rules/t/t.yaml")


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    return Draft202012Validator(data.load("schemas/rule.schema.json"))


def test_every_rule_satisfies_the_schema(schema: Draft202012Validator) -> None:
    for rule in policy.rules():
        errors = [error.message for error in schema.iter_errors(loading.plain(rule.source, rule.id))]
        assert errors == [], rule.id


def test_the_schema_knows_every_key() -> None:
    known = data.load("schemas/rule.schema.json")
    assert set(known["properties"]) == {*PARTS, *VERBS, "examples"}
    assert known["$defs"]["key"]["enum"] == list(KEYS)


# CEL


@pytest.mark.parametrize(
    ("expression", "caught"), [("value > 2", True), ("value >= 2 && subject.endsWith('web')", False)]
)
def test_cel(expression: str, caught: bool) -> None:
    pytest.importorskip("cel_expr_python")
    assert (
        bool(found(f'each: kubernetes.replicas\ncel: "{expression}"\nmessage: m\n', {"app.yaml": DEPLOYMENT})) is caught
    )


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("value >", "is wrong"),
        ("colour > 1", "is wrong"),
        ("value + 1", "no truth value"),
        ("value.startsWith('a')", "cannot be applied"),
    ],
)
def test_wrong_cel_is_a_fault(expression: str, message: str) -> None:
    pytest.importorskip("cel_expr_python")
    with pytest.raises(Fault, match=message):
        found(f'each: kubernetes.replicas\ncel: "{expression}"\nmessage: m\n', {"app.yaml": DEPLOYMENT})


def test_missing_cel_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("cel_expr_python"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(Fault, match="pip install cel-expr-python"):
        found("each: kubernetes.replicas\ncel: 'value != 17'\nmessage: m\n", {"app.yaml": DEPLOYMENT})


# finding rules, catalogue


@pytest.mark.parametrize("name", ["docker/latest-tag", "hadolint/DL3007", "dl3007", "DL3007"])
def test_a_rule_is_found_by_any_name(name: str) -> None:
    assert policy.rule(name).id == "docker/latest-tag"


def test_an_unknown_rule_is_a_fault_with_a_hint() -> None:
    with pytest.raises(Fault, match='did you mean "docker/latest-tag"'):
        policy.rule("docker/lastest-tag")


def test_the_catalogue_is_fresh() -> None:
    text = (data.folder("rules") / "README.md").read_text(encoding="utf-8")
    assert text == catalogue.markdown(), "run `python -m generator.policy.catalogue`"


def test_the_pack_is_as_large_as_promised() -> None:
    every = policy.rules()
    assert len([rule for rule in every if rule.family == "cross"]) >= 14
    assert len([rule for rule in every if rule.family != "cross"]) >= 45


def test_no_alias_belongs_to_two_rules() -> None:
    aliases = [alias for rule in policy.rules() for alias in rule.aliases]
    assert sorted(aliases) == sorted(set(aliases))


def test_every_fact_is_used_or_at_least_selects() -> None:
    for name in facts():
        assert isinstance(Facts(documents([SourceFile("app.yaml", DEPLOYMENT)])).select(name), tuple)


# waivers


def finding(rule: str = "docker/latest-tag", line: int = 2, path: str = "Dockerfile", **more: Any) -> Finding:
    aliases = policy.rule(rule).aliases if rule.partition("/")[0] in ("docker", "kubernetes") else ()
    at = Location(path, line, 1)
    return Finding(rule, Severity.MEDIUM, "m", at, **{"aliases": aliases, **more})


def applied(text: str, *findings: Finding, **more: Any) -> tuple[list[str], list[str]]:
    path = findings[0].at.path if findings else "Dockerfile"
    judged = waivers.apply(findings, [SourceFile(path, text)], today="2026-11-23", **more)
    return [item.rule for item in judged.findings], [item.finding.rule for item in judged.waived]


WAIVED = [
    '# groundplan: ignore[docker/latest-tag] reason="tried" until=2026-12-31\nFROM a\n',
    'x\nFROM a # groundplan: ignore[docker/latest-tag] reason="tried"\n',
    "# groundplan: ignore[hadolint/DL3007] reason=tried\nFROM a\n",
    '# groundplan: ignore[DL3007, docker/sudo] reason="tried"\nFROM a\n',
    "# hadolint ignore=DL3006,DL3007\nFROM a\n",
    "x\nx # hadolint global ignore=DL3007\n",
    "# checkov:skip=CKV_DOCKER_7:tried\nFROM a\n",
    '# groundplan: ignore-file[docker/latest-tag] reason="tried"\n\n\nFROM a\n',
    '# groundplan: ignore[docker/latest-tag] reason="tried"\n# another comment\nFROM a\n',
]


@pytest.mark.parametrize("text", WAIVED)
def test_a_comment_waives(text: str) -> None:
    line = next(
        number
        for number, words in enumerate(text.splitlines(), 1)
        if words.startswith("FROM") or words == "x # hadolint global ignore=DL3007"
    )
    rule = "docker/untagged-base-image" if "checkov" in text else "docker/latest-tag"
    remaining, waived = applied(text, finding(rule, line))
    assert waived == [rule]
    assert set(remaining) <= {"waiver/unused"}


KEPT = [
    ("# groundplan: ignore[docker/latest-tag]\nFROM a\n", ["docker/latest-tag", "waiver/no-reason"]),
    ('# groundplan: ignore[docker/latest-tag] reason=""\nFROM a\n', ["docker/latest-tag", "waiver/no-reason"]),
    (
        '# groundplan: ignore[docker/latest-tag] reason="x" until=2026-11-22\nFROM a\n',
        ["docker/latest-tag", "waiver/expired"],
    ),
    (
        '# groundplan: ignore[docker/latest-tag] reason="x" until=soon\nFROM a\n',
        ["docker/latest-tag", "waiver/no-date"],
    ),
    ('# groundplan: ignore[docker/sudo] reason="x"\nFROM a\n', ["docker/latest-tag", "waiver/unused"]),
    ('# groundplan: ignore[docker/latest-tag] reason="x"\nRUN a\nFROM a\n', ["docker/latest-tag", "waiver/unused"]),
    ("# hadolint ignore=DL3006\nFROM a\n", ["docker/latest-tag"]),
]


@pytest.mark.parametrize(
    ("until", "rules"),
    [("2026-12-01", []), ("", ["waiver/no-end"]), ("2026-11-22", ["waiver/expired"]), ("soon", ["waiver/no-date"])],
)
def test_an_accepted_vulnerability_has_an_end(until: str, rules: list[str]) -> None:
    """The scan of images uses it, so it is not said to be unused."""
    entry = {"rule": "grype/CVE-2026-1234", "reason": "never parsed"} | ({"until": until} if until else {})
    found = waivers.apply([], [], spec=[spec_waiver(**entry)], today="2026-11-23").findings
    assert [item.rule for item in found] == rules
    text = '# groundplan: ignore[grype/CVE-2026-1234] reason="only the spec is read for the scan"\nFROM a\n'
    assert sorted(applied(text, finding("docker/latest-tag", 2))[0]) == ["docker/latest-tag", "waiver/unused"]


@pytest.mark.parametrize(("text", "rules"), KEPT)
def test_a_waiver_that_does_not_hold(text: str, rules: list[str]) -> None:
    line = text[: text.index("FROM")].count("\n") + 1
    remaining, waived = applied(text, finding("docker/latest-tag", line))
    assert sorted(remaining) == sorted(rules)
    assert waived == []


def test_the_last_day_of_a_waiver_still_holds() -> None:
    assert applied('# groundplan: ignore[DL3007] reason="x" until=2026-11-23\nFROM a\n', finding())[1] == [
        "docker/latest-tag"
    ]


@pytest.mark.parametrize(
    "annotation", ["checkov.io/skip1: CKV_K8S_14=tried", "ignore-check.kube-linter.io/latest-tag: tried"]
)
def test_an_annotation_waives_its_own_document_only(annotation: str) -> None:
    text = f"kind: A\nmetadata:\n  annotations:\n    {annotation}\nspec: 1\n---\nkind: B\nspec: 2\n"
    inside, outside = (finding("kubernetes/moving-tag", line, "a.yaml") for line in (5, 8))
    assert applied(text, inside, outside) == (["kubernetes/moving-tag"], ["kubernetes/moving-tag"])


def spec_waiver(**entry: str) -> Any:
    from generator import yamlfile

    return yamlfile.read(json.dumps(entry), "groundplan.yaml")[0][0]


@pytest.mark.parametrize(
    ("rule", "at", "holds"),
    [
        ("docker/latest-tag", "services.web", True),
        ("DL3007", "services.web.runtime", True),
        ("docker/latest-tag", "services.we", False),
        ("docker/latest-tag", "services.api", False),
        ("docker/sudo", "services.web", False),
        ("docker/latest-tag", "", True),
    ],
)
def test_a_waiver_of_the_spec(rule: str, at: str, holds: bool) -> None:
    problem = finding(cause=Location("groundplan.yaml", 5, 3, "services.web.runtime"))
    entry = spec_waiver(rule=rule, at=at, reason="known", owner="team-shop", until="2027-06-30")
    remaining, waived = applied("FROM a\n", problem, spec=[entry])
    assert (remaining, waived) == (
        ([], ["docker/latest-tag"]) if holds else (["docker/latest-tag", "waiver/unused"], [])
    )


def test_a_waiver_of_the_spec_keeps_its_owner_and_end() -> None:
    entry = spec_waiver(rule="docker/latest-tag", reason="known", owner="team-shop", until="2027-06-30")
    (item,) = waivers.apply([finding()], [], spec=[entry], today="2026-11-23").waived
    assert (item.reason, item.owner, item.until, item.source) == ("known", "team-shop", "2027-06-30", "spec")


@pytest.mark.parametrize(
    ("own", "foreign", "kept"),
    [
        (finding(), finding("hadolint/DL3007", 2), ["docker/latest-tag"]),
        (finding(), finding("hadolint/DL3007", 3), ["docker/latest-tag", "hadolint/DL3007"]),
        (finding(), finding("hadolint/DL3018", 2), ["docker/latest-tag", "hadolint/DL3018"]),
        (finding("docker/missing-user", 9), finding("checkov/CKV_DOCKER_3", 1), ["docker/missing-user"]),
        (finding(), finding("hadolint/DL3007", 2, "other/Dockerfile"), ["docker/latest-tag", "hadolint/DL3007"]),
        (
            finding("kubernetes/moving-tag", 9, "a.yaml", subject="Deployment/shop/web"),
            finding("checkov/CKV_K8S_14", 1, "a.yaml", subject="Deployment.shop.web"),
            ["kubernetes/moving-tag"],
        ),
        (
            finding("kubernetes/moving-tag", 9, "a.yaml", subject="Deployment/shop/web"),
            finding("checkov/CKV_K8S_14", 1, "a.yaml", subject="Deployment.shop.api"),
            ["checkov/CKV_K8S_14", "kubernetes/moving-tag"],
        ),
    ],
)
def test_one_problem_is_one_finding(own: Finding, foreign: Finding, kept: list[str]) -> None:
    assert sorted(item.rule for item in policy.deduplicate([foreign, own, own])) == kept


PACKED = loading.plain((data.folder("rules") / "waivers.yaml").read_text(encoding="utf-8"), "rules/waivers.yaml")[
    "waivers"
]


@pytest.mark.parametrize("entry", PACKED, ids=lambda entry: entry["rule"])
def test_a_waiver_of_the_pack_says_why_and_is_still_needed(entry: dict[str, str], tmp_path: Path) -> None:
    from generator import pipeline, spec

    assert set(entry) <= {"rule", "path", "subject", "reason", "needed"}
    assert len(entry["reason"]) > 20
    text = (data.PACKAGE.parent / "fixtures" / "apps" / "shop" / "groundplan.yaml").read_text(encoding="utf-8")
    (tmp_path / "groundplan.yaml").write_text(text, encoding="utf-8")
    product = spec.load(tmp_path / "groundplan.yaml", tmp_path).product
    assert product is not None
    files = [file for file in pipeline.generate(product) if re.search(entry.get("path", ""), file.path)]
    assert [value for value in Facts(documents(files)).select(entry["needed"]) if not value.missing]


@pytest.mark.parametrize(
    ("cause", "waived"), [(Location("groundplan.yaml", 3, 1, "services.web.env"), True), (None, False)]
)
def test_a_waiver_of_the_pack_holds_for_generated_files_only(cause: Location | None, waived: bool) -> None:
    problem = finding("checkov/CKV_K8S_35", 3, "kubernetes/base/web/deployment.yaml", cause=cause)
    assert bool(waivers.apply([problem], [], today="2026-11-23").waived) is waived
    assert not waivers.apply([problem], [], today="2026-11-23", packed=False).waived


def test_checker(tmp_path: Path) -> None:
    from generator import checkers

    settings = checkers.Settings(cache=tmp_path, today="2026-11-23")
    outcome = checkers.checker("policy").check([SourceFile("Dockerfile", "FROM node:latest\n")], settings)
    assert "docker/latest-tag" in {item.rule for item in outcome.findings}


# overlays

KUSTOMIZATION = "namespace: shop-prod\nresources: [../../base]\npatches: [{path: patch.yaml}]\n"
HPA = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {minReplicas: 2, maxReplicas: 4, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
"""
QUOTA = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: a, namespace: shop-prod}\nspec: {hard: {pods: 6}}\n"


def overlaid(patch: str, rule: str, **more: str) -> list[tuple[str, str]]:
    texts = {
        "base/app.yaml": f"{DEPLOYMENT}---\n{HPA}",
        "overlays/prod/kustomization.yaml": KUSTOMIZATION,
        "overlays/prod/patch.yaml": patch,
        "overlays/prod/quota.yaml": QUOTA,
        **more,
    }
    files = [SourceFile(path, text) for path, text in texts.items()]
    outcome = policy.judge(files, [policy.rule(rule)], TODAY)
    return [(str(item.at), item.message) for item in outcome.findings]


def patched(spec: str, kind: str = "HorizontalPodAutoscaler") -> str:
    return f"apiVersion: x/v1\nkind: {kind}\nmetadata: {{name: web}}\nspec: {spec}\n"


@pytest.mark.parametrize(
    ("patch", "found"),
    [
        (patched("{maxReplicas: 6}"), []),
        (patched("{maxReplicas: 7}"), [("overlays/prod/quota.yaml:4:21", "the quota is too small: pods 6, 7 needed")]),
        (patched("{maxReplicas: 7}").replace("web", "other"), []),
    ],
)
def test_an_overlay_is_judged_as_it_is_deployed(patch: str, found: list[tuple[str, str]]) -> None:
    assert overlaid(patch, "cross/quota-too-small") == found


def test_a_finding_in_a_patch_points_at_the_patch() -> None:
    found = overlaid(patched("{minReplicas: 1}"), "kubernetes/minimum-below-two")
    assert found == [("overlays/prod/patch.yaml:4:21", "the autoscaler may go down to 1")]


def test_a_deleted_object_is_gone() -> None:
    patch = 'apiVersion: x/v1\nkind: Deployment\nmetadata: {name: web}\n"$patch": delete\n'
    assert overlaid(patch, "cross/autoscaler-target-missing") == []
    other = DEPLOYMENT.replace("name: web, namespace", "name: other, namespace")
    found = overlaid(patch, "cross/autoscaler-target-missing", **{"base/b.yaml": other})
    assert [message for _, message in found] == ["there is no Deployment/web to scale"]


def test_containers_are_merged_by_name() -> None:
    spec = '{template: {spec: {containers: [{name: web, image: "ghcr.io/acme/web:latest"}]}}}'
    found = overlaid(patched(spec, "Deployment"), "kubernetes/moving-tag")
    assert [place for place, _ in found] == ["overlays/prod/patch.yaml:4:58"]
    assert overlaid(patched(spec, "Deployment"), "cross/probe-port-closed") == []


def test_an_inline_patch_counts() -> None:
    inline = "resources: [../../base]\npatches:\n  - target: {kind: HorizontalPodAutoscaler, name: web}\n"
    inline += "    patch: |\n      spec: {minReplicas: 1}\n"
    found = overlaid(
        patched("{}"),
        "kubernetes/minimum-below-two",
        **{"overlays/prod/kustomization.yaml": inline, "overlays/prod/patch.yaml": ""},
    )
    assert [place.partition(":")[0] for place, _ in found] == ["overlays/prod/kustomization.yaml"]


def test_two_environments_never_meet() -> None:
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
    text = DEPLOYMENT.replace("ports:", "envFrom: [{configMapRef: {name: settings}}]\n          ports:")
    names = config.replace("settings", "other")
    files = {"base/app.yaml": text, "overlays/dev/a.yaml": config, "overlays/prod/a.yaml": names}
    outcome = policy.judge(
        [SourceFile(path, body) for path, body in files.items()], [policy.rule("cross/configmap-missing")], TODAY
    )
    assert [item.message for item in outcome.findings] == ['there is no ConfigMap "settings"']


# secrets: made up at run time, so that no scanner stumbles over this file

LONG = "aB3" * 12


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("key AKIA" + "Q7XMPL" * 2 + "R2D3", "AWS access key"),
        ("ghp_" + LONG, "GitHub token"),
        ("glpat-" + LONG[:20], "GitLab token"),
        ("sk_" + "live_" + LONG, "Stripe key"),
        ("-----BEGIN " + "RSA PRIVATE KEY-----", "private key"),
        ("postgres://shop:" + "hunter2@db/shop", "password in an address"),
        ("postgres://shop:$PASSWORD@db/shop", None),
        ("postgres://shop:${PASSWORD}@db/shop", None),
        ("amqp://guest:guest@queue", None),
        ("https://example.com:8080/a@b", None),
        ("sha256:" + "0a" * 32, None),
        ("ghp_short", None),
    ],
)
def test_shape_of_a_secret(text: str, kind: str | None) -> None:
    assert secrets.secret_kind(text) == kind


@pytest.mark.parametrize(
    ("name", "value", "caught"),
    [
        ("DB_PASSWORD", "hunter2", True),
        ("api-key", "hunter2", True),
        ("SESSION_AUTH", "q8Zt2LmX0vRb" + "7KpW3sYd9HfN1c", True),
        ("DB_PASSWORD", "${DB_PASSWORD}", False),
        ("DB_PASSWORD", "", False),
        ("DB_PASSWORD", "changeme", False),
        ("DB_PASSWORD_FILE", "/run/secrets/db", False),
        ("SECRET_NAME", "shop-db", False),
        ("TOKENIZER", "bert-base-uncased", False),
        ("AUTH_ORIGINS", "https://a.example.com,https://b.example.com", False),
        ("LOG_LEVEL", "info", False),
    ],
)
def test_variable_that_holds_a_secret(name: str, value: str, caught: bool) -> None:
    text = json.dumps({"services": {"a": {"image": "b:1", "environment": {name: value}}}})
    outcome = policy.judge([SourceFile("compose.yaml", text)], [policy.rule("secrets/literal-variable")], TODAY)
    assert bool(outcome.findings) is caught
