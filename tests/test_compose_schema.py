"""Compose files against the specification's schema: one finding for a mistake, none for what compose takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator import data
from generator.checkers import Settings, compose
from generator.document import SourceFile
from generator.finding import Finding, Outcome
from tests.conftest import APPS

WEB = "services:\n  web:\n    image: web\n    "


def outcome(text: str, path: str = "compose.yaml") -> Outcome:
    return compose.check([SourceFile(path, text)], Settings(cache=Path("unused")))


def said(text: str) -> list[tuple[str, str, str, str]]:
    return [(f.rule, f"{f.at.line}:{f.at.column}", f.message, f.fix) for f in outcome(text).findings]


CAUGHT = {
    "a slip in a key": (
        WEB + "imgae: x",
        ("compose/unknown-key", "4:5", '"imgae" is not a key of `web`', 'did you mean "image"?'),
    ),
    "a key of the top": (
        WEB + "init: true\nservice: {}",
        ("compose/unknown-key", "5:1", '"service" is not a key of a compose file', 'did you mean "services"?'),
    ),
    "a list as a mapping": (
        WEB + "ports: {a: 80}",
        ("compose/wrong-type", "4:12", "`ports` is a list, and here stands a mapping", "begin each entry with `- `"),
    ),
    "a truth value where a text stands": (
        WEB + "restart: true",
        ("compose/wrong-type", "4:14", "`restart` is a text, and here stands true", "put quotes around it"),
    ),
    "what fits no branch": (
        WEB + "depends_on: db",
        (
            "compose/wrong-type",
            "4:17",
            '`depends_on` is a list or a mapping, and here stands "db"',
            "begin each entry with `- `",
        ),
    ),
    "a mistake within the branch that was meant": (
        WEB + "depends_on: {db: {condition: healthy}}",
        (
            "compose/invalid-value",
            "4:34",
            '"healthy" is not a value of `condition`',
            'did you mean "service_healthy"?',
        ),
    ),
    "a required key of the branch that was meant": (
        WEB + "depends_on: {db: {restart: true}}",
        ("compose/missing-key", "4:18", "`db` needs `condition`", "add `condition`"),
    ),
    "a slip in the branch of a build": (
        WEB + "build: {contxt: .}",
        ("compose/unknown-key", "4:13", '"contxt" is not a key of `build`', 'did you mean "context"?'),
    ),
    "a slip in the branch of a port": (
        WEB + "ports: [{target: 80, publish: 80}]",
        ("compose/unknown-key", "4:26", '"publish" is not a key of an entry of `ports`', 'did you mean "published"?'),
    ),
    "a port twice": (
        WEB + "expose: ['80', '80']",
        ("compose/invalid-value", "4:13", "a list is not accepted for `expose`", "remove what is there twice"),
    ),
    "a variable that is a mapping, not quoted back": (
        WEB + "environment: {PIN: {a: 1}}",
        (
            "compose/wrong-type",
            "4:24",
            "`PIN` is a text or a number or true or false, and here stands a mapping",
            "write a text",
        ),
    ),
    "a percentage above all": (
        WEB + "cpu_percent: 120",
        ("compose/invalid-value", "4:18", "120 is not accepted for `cpu_percent`", "it is at most 100"),
    ),
    "a name of a service with a space": (
        'services:\n  "my web": {image: x}',
        ("compose/unknown-key", "2:3", '"my web" is not a key of `services`', "remove it"),
    ),
    "a key given twice": (
        WEB + "image: other",
        (
            "yaml/duplicate-key",
            "4:5",
            '"image" is given twice; most readers keep the last one',
            "keep one of the two",
        ),
    ),
    "a word that stands for nothing": (
        WEB + "privileged: [y]",
        (
            "compose/wrong-type",
            "4:17",
            "`privileged` is a text or true or false, and here stands a list",
            "write a text",
        ),
    ),
    "an empty file": ("# nothing\n", ("compose/missing-key", "1:1", "the file is empty", "add `services`")),
    "an empty document": (
        "---\n",
        (
            "compose/wrong-type",
            "2:1",
            "a compose file is a mapping, and here stands nothing",
            "write a mapping of keys and values",
        ),
    ),
    "a file that is a list": (
        "- services",
        (
            "compose/wrong-type",
            "1:1",
            "a compose file is a mapping, and here stands a list",
            "write a mapping of keys and values",
        ),
    ),
}


@pytest.mark.parametrize(("text", "expected"), CAUGHT.values(), ids=CAUGHT.keys())
def test_a_mistake_is_one_finding_at_its_place(text: str, expected: tuple[str, str, str, str]) -> None:
    assert said(text) == [expected]
    assert outcome(text).passes == ()


FINE = {
    "the least": "services: {web: {image: x}}",
    "an extension": "x-common: &c {image: x}\nservices:\n  web:\n    <<: *c\n    x-note: 1",
    "ports in every form": WEB + "ports: [80, '80:80', {target: 80, published: '8080', host_ip: 127.0.0.1}]",
    "variables as a list": WEB + "environment: [A=1, B]",
    "variables as a mapping": WEB + "environment: {A: 1, B: null, C: yes}",
    "a word that YAML 1.1 takes for a truth value": WEB + "restart: no",
    "words in a list": WEB + "command: [on, off, y, 'true']",
    "a dependency that is healthy": WEB + "depends_on: {db: {condition: service_healthy}}",
    "a check": WEB + "healthcheck: {test: [CMD, /app, check], interval: 10s, retries: 3, start_period: 5s}",
    "what an override takes away": WEB + "ports: !reset null\n    environment: !reset\n    command: !override [a]",
    "y and n": WEB + "restart: n\n    command: [y, Y, N]\n    environment: {A: y}",
    "limits": WEB + "deploy: {resources: {limits: {cpus: '1', memory: 256M}}, replicas: 2}",
    "hardening": WEB
    + "read_only: true\n    cap_drop: [ALL]\n    security_opt: ['no-new-privileges:true']\n    tmpfs: [/tmp]",
    "an interpolation": WEB + "ports: ['${PORT:-80}:80']\n    privileged: ${P}",
    "networks, volumes, secrets": (
        WEB + "networks: [a]\n    volumes: [v:/v, {type: tmpfs, target: /t}]\n    secrets: [s]\n"
        "networks: {a: {internal: true}, b: null}\nvolumes: {v: {}}\nsecrets: {s: {file: ./s}}"
    ),
    "an old version key": "version: '3.9'\nservices: {}",
    "development": WEB + "develop: {watch: [{path: src, action: sync, target: /app}]}",
}


@pytest.mark.parametrize("text", FINE.values(), ids=FINE.keys())
def test_what_compose_takes_is_no_finding(text: str) -> None:
    assert said(text) == []
    assert [(one.rule, one.path) for one in outcome(text).passes] == [("compose/schema", "compose.yaml")]


@pytest.mark.parametrize(
    "path",
    ["compose.yaml", "a/compose.yml", "docker-compose.yml", "docker-compose.prod.yaml", "compose.override.yaml"],
)
def test_a_compose_file_is_known_by_its_name(path: str) -> None:
    assert [one.at.path for one in outcome("services: {web: {imgae: x}}", path).findings] == [path]


@pytest.mark.parametrize("path", ["web.yaml", "composer.yaml", "compose.json", "kubernetes/compose/a.yaml"])
def test_another_file_is_left_alone(path: str) -> None:
    assert outcome("services: {web: {imgae: x}}", path) == Outcome()


def test_every_mistake_is_said_in_the_order_of_the_file() -> None:
    text = "services:\n  a: {imgae: x}\n  b: {ports: {}}\nvolume: {}\n"
    assert [f.at.line for f in outcome(text).findings] == [2, 3, 4]
    assert [f.subject for f in outcome(text).findings] == ["services.a", "services.b", ""]


def test_the_schema_says_where_it_comes_from() -> None:
    comment = data.load("schemas/compose.schema.json")["$comment"]
    assert [word in comment for word in ("compose-spec/compose-spec", "sha256", "Apache-2.0")] == [True] * 3
    assert [(tool.name, len(tool.version)) for tool in outcome("services: {}").tools] == [("compose schema", 12)]


@pytest.mark.parametrize("path", sorted(APPS.glob("*/expected/compose.yaml")), ids=lambda path: path.parent.parent.name)
def test_what_we_generate_has_no_finding(path: Path) -> None:
    made: tuple[Finding, ...] = outcome(path.read_text(encoding="utf-8")).findings
    assert [f"{f.at}: {f.message}" for f in made] == []
