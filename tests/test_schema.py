"""The spec's schema describes itself wholly, and the validator speaks the user's words."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from generator import data, editor_schema, mistakes, schema
from generator.document import Node
from generator.specfile import parse

SPEC: Mapping[str, Any] = data.load("schemas/spec.schema.json")
APPS = Path(__file__).resolve().parents[1] / "fixtures" / "apps"


def parts(part: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every schema of the file that describes a value, conditions left out."""
    yield path, part
    for name, below in part.get("$defs", {}).items():
        yield from parts(below, f"$defs.{name}")
    for name, below in part.get("properties", {}).items():
        yield from parts(below, f"{path}.{name}")
    for word in ("items", "additionalProperties", "propertyNames"):
        if isinstance(part.get(word), Mapping):
            yield from parts(part[word], f"{path}<{word}>")


COMPLETE = schema.complete(SPEC)
PARTS = dict(parts(SPEC))
COMPLETE_PARTS = dict(parts(COMPLETE))
KEYS = {
    path: (name, owner, schema.resolved(below, SPEC))
    for path, owner in PARTS.items()
    for name, below in owner.get("properties", {}).items()
    for path in (f"{path}.{name}",)
}


def node(text: str) -> Node:
    tree, found = parse(text, "g.yaml")
    assert tree is not None, found
    return tree


def said(text: str, part: Mapping[str, Any]) -> list[str]:
    return [
        f"{f.at.line}:{f.at.column} {f.rule}: {f.message}; {f.fix}"
        for f in schema.validate(node(text), part, family="x")
    ]


def test_schema_is_valid() -> None:
    Draft202012Validator.check_schema(SPEC)
    assert SPEC["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(editor_schema.for_editors(SPEC))


@pytest.mark.parametrize("path", PARTS)
def test_every_part_is_explained(path: str) -> None:
    part = schema.resolved(PARTS[path], SPEC)
    assert part.get("title"), path
    assert part.get("description", "").endswith("."), path
    assert part.get("examples"), path


@pytest.mark.parametrize("path", KEYS)
def test_leaving_a_key_out_has_a_meaning(path: str) -> None:
    name, owner, part = KEYS[path]
    derived = part.get("x-default") == "derived" or part.get("x-absent")
    chosen = any(name in option["required"] for option in owner.get("oneOf", ()))
    assert name in owner.get("required", ()) or "default" in part or derived or chosen, path


@pytest.mark.parametrize("path", PARTS)
def test_every_object_is_closed(path: str) -> None:
    part = PARTS[path]
    kinds = part.get("type", ())
    if "object" in ([kinds] if isinstance(kinds, str) else kinds) and "x-open" not in part:
        more = part.get("additionalProperties")
        assert more is False or (isinstance(more, Mapping) and "propertyNames" in part), path


@pytest.mark.parametrize("path", PARTS)
def test_examples_and_defaults_hold(path: str) -> None:
    part = {"$defs": COMPLETE["$defs"], **schema.resolved(COMPLETE_PARTS[path], COMPLETE)}
    judge = Draft202012Validator(part)
    for value in [*part["examples"], *([part["default"]] if "default" in part else [])]:
        tree = node(json.dumps({"value": value})).get("value")
        assert tree is not None
        assert not [error.message for error in judge.iter_errors(schema.expand(tree, part).plain)], (path, value)


@pytest.mark.parametrize("path", [path for path, part in PARTS.items() if "x-discriminator" in part])
def test_a_discriminator_knows_every_value_and_every_key(path: str) -> None:
    part = PARTS[path]
    choice = part["x-discriminator"]
    assert set(choice["keys"]) == set(schema.resolved(part["properties"][choice["key"]], SPEC)["enum"])
    assert {key for keys in choice["keys"].values() for key in keys} == set(part["properties"])


@pytest.mark.parametrize("path", [path for path, part in PARTS.items() if "pattern" in part])
def test_every_pattern_is_said_in_words(path: str) -> None:
    assert PARTS[path].get("x-form"), path


@pytest.mark.parametrize("app", sorted(path.parent.name for path in APPS.glob("*/groundplan.yaml")))
def test_editors_accept_what_we_accept(app: str) -> None:
    text = (APPS / app / "groundplan.yaml").read_text(encoding="utf-8")
    judge = Draft202012Validator(editor_schema.for_editors(SPEC))
    assert not [error.message for error in judge.iter_errors(node(text).plain)]


def test_editor_schema_has_no_annotations_of_ours() -> None:
    assert '"x-' not in json.dumps(editor_schema.for_editors(SPEC))


def test_an_editor_is_told_of_wrong_overrides() -> None:
    judge = Draft202012Validator(editor_schema.for_editors(SPEC))
    right = {"apiVersion": "groundplan/v1", "app": "shop", "owner": "t", "services": {"web": {"runtime": "node"}}}
    assert judge.is_valid(
        right | {"environments": {"dev": {"services": {"web": {"port": None, "public": "a.example.com"}}}}}
    )
    assert not judge.is_valid(right | {"environments": {"dev": {"services": {"web": {"prot": 1}}}}})
    assert not judge.is_valid(right | {"resources": {"db": {"type": "postgres", "versioned": True}}})


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("services: {web: {runtime: node}}", ("services", "web", "runtime"), {"name": "node"}),
        ("services: {web: {public: a.example.com}}", ("services", "web", "public"), {"host": "a.example.com"}),
        ("services: {web: {schedule: 1 2 * * *}}", ("services", "web", "schedule"), {"cron": "1 2 * * *"}),
        ("services: {web: {size: large}}", ("services", "web", "size"), {"profile": "large"}),
        ("services: {web: {metrics: 9000}}", ("services", "web", "metrics"), {"port": 9000}),
        ("resources: {q: queue}", ("resources", "q"), {"type": "queue"}),
        (
            "environments: {dev: {services: {web: {public: a.b}}}}",
            ("environments", "dev", "services", "web", "public"),
            {"host": "a.b"},
        ),
        ("services: {web: {port: 1}}", ("services", "web", "port"), 1),
    ],
)
def test_shorthand_is_written_out(text: str, path: tuple[str, ...], value: Any) -> None:
    found = schema.expand(node(text), SPEC).get(*path)
    assert found is not None
    assert found.plain == value


def test_shorthand_keeps_its_place() -> None:
    host = schema.expand(node("services:\n  web:\n    public: a.b\n"), SPEC).get("services", "web", "public", "host")
    assert host is not None
    assert (host.at.line, host.at.column, host.at.pointer) == (3, 13, "services.web.public.host")


def test_defaults_are_nodes_that_say_so() -> None:
    tree = schema.fill(node("services:\n  web: {runtime: {name: node}}\n"), SPEC)
    live = tree.get("services", "web", "health", "live")
    assert live is not None
    assert (live.value, live.layer, live.at.line, live.at.pointer) == (
        "/health",
        "default",
        2,
        "services.web.health.live",
    )
    assert live.note


def test_defaults_fit_the_type_of_a_resource() -> None:
    tree = schema.fill(node("resources: {db: {type: postgres}, orders: {type: queue}}"), SPEC)
    assert set(tree.entries("resources", "db")) == {"type", "aurora", "backup"}
    assert set(tree.entries("resources", "orders")) == {"type", "dead_letter_after", "visibility", "ordered"}


def test_given_values_are_kept() -> None:
    tree = schema.fill(node("services: {web: {health: {live: /up}}}"), SPEC)
    health = tree.get("services", "web", "health")
    assert health is not None
    assert health.plain == {"live": "/up", "ready": "/ready", "startup_seconds": 150, "command": []}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cloud: {provider: aws}", [("cloud", "terraform")]),
        ("targets: [docker, docs]", []),
        ("compliance: {standards: [soc2]}", [("compliance", "compliance")]),
        ("platform: {kubernetes: {mesh: none}}", []),
        ("platform: {kubernetes: {mesh: istio}}", [("mesh: istio", "mesh")]),
        ("resources: {db: {type: postgres, version: 17}}", []),
        ("resources: {db: {type: postgres, backup: {keep: 30d}}}", [("backup", "terraform")]),
        ("resources: {db: {type: postgres, ordered: true}}", []),
        ("services: {web: {slo: {availability: 99}, port: 1}}", []),
        ("environments: {dev: {services: {web: {rollout: {strategy: canary}}}}}", [("strategy: canary", "rollouts")]),
        ("environments: {dev: {disaster_recovery: null}}", []),
    ],
)
def test_what_nothing_renders_is_named(text: str, found: list[tuple[str, str]]) -> None:
    assert [(key, target) for _, key, target in schema.unrendered(node(text), SPEC)] == found


@pytest.mark.parametrize(
    ("path", "title"),
    [
        (("services", "web", "scale", "min"), "Least"),
        (("services", "web", "writable", "[0]"), "File path"),
        (("environments", "dev", "services", "web", "port"), "Port"),
        (("resources", "db"), "Resource"),
        ((), "Spec"),
    ],
)
def test_a_key_is_described(path: tuple[str, ...], title: str) -> None:
    found = schema.describe(SPEC, path)
    assert found is not None
    assert found["title"] == title


@pytest.mark.parametrize("path", [("nothing",), ("services", "web", "nothing"), ("app", "below")])
def test_no_key_no_description(path: tuple[str, ...]) -> None:
    assert schema.describe(SPEC, path) is None


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [
        ("port", "port", 0),
        ("prot", "port", 1),
        ("por", "port", 1),
        ("ports", "port", 1),
        ("abc", "xyz", 3),
        ("", "ab", 2),
    ],
)
def test_distance(one: str, other: str, edits: int) -> None:
    assert mistakes.distance(one, other) == mistakes.distance(other, one) == edits


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("startupSeconds", ["live", "startup_seconds"], "startup_seconds"),
        ("services", ["service"], "service"),
        ("max", ["min"], ""),
        ("replicas", ["rollout", "runtime"], ""),
        ("enviroments", ["environments", "env"], "environments"),
        ("time", ["time_zone", "cron"], "time_zone"),
        ("x", [], ""),
    ],
)
def test_what_was_meant(word: str, known: list[str], meant: str) -> None:
    assert mistakes.nearest(word, known) == meant


WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=6,
)
SHOP = node((APPS / "shop" / "groundplan.yaml").read_text(encoding="utf-8"))


def grafted(tree: Node, place: int, value: Any) -> tuple[Node, int]:
    """The tree with another value at its n-th node, and how many nodes are left to count."""
    if place == 0:
        return schema.tree(value, tree.at), -1
    place -= 1
    if isinstance(tree.value, dict):
        made = {}
        for key, child in tree.value.items():
            made[key], place = grafted(child, place, value) if place >= 0 else (child, place)
        return dataclasses.replace(tree, value=made), place
    items = []
    for child in tree.elements():
        new, place = grafted(child, place, value) if place >= 0 else (child, place)
        items.append(new)
    return (dataclasses.replace(tree, value=tuple(items)) if items else tree), place


@settings(max_examples=200, deadline=None)
@given(st.integers(0, sum(1 for _ in SHOP.walk()) - 1), WILD)
def test_any_value_anywhere_is_accepted_or_told(place: int, value: Any) -> None:
    made, _ = grafted(SHOP, place, value)
    made = schema.expand(made, SPEC)
    right = Draft202012Validator(COMPLETE).is_valid(made.plain)
    found = list(schema.validate(made, SPEC, family="x"))
    assert bool(found) is not right
    assert all(finding.fix and finding.at.line for finding in found)
    schema.fill(made, SPEC)
    list(schema.unrendered(made, SPEC))


THING = {
    "title": "Thing",
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"title": "Name", "type": "string", "maxLength": 3, "examples": ["abc"]},
        "many": {
            "title": "Many",
            "type": "array",
            "maxItems": 1,
            "items": {"type": "integer", "maximum": 9, "examples": [1]},
        },
        "colour": {"title": "Colour", "enum": ["red", "green"]},
    },
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("name: abc", []),
        ("many: [1]", ["1:1 x/missing-key: a thing needs `name`; add `name: abc`"]),
        ("nmae: abc", ['1:1 x/unknown-key: "nmae" is not a key of a thing; did you mean "name"?']),
        ("name: abcd", ["1:7 x/too-many: `name` has 4 characters; it has at most 3 characters; for example abc"]),
        ("name: 1", ['1:7 x/wrong-type: `name` is a text, and here stands 1; quote it: "1"']),
        ("{name: a, many: 1}", ["1:17 x/wrong-type: `many` is a list, and here stands 1; write a list: [1]"]),
        (
            "{name: a, many: [10]}",
            ["1:18 x/out-of-range: an entry of `many` is at most 9, and here stands 10; for example 1"],
        ),
        ("{name: a, colour: gren}", ['1:19 x/not-one-of: "gren" is not a colour; did you mean "green"?']),
        ("{name: a, colour: blue}", ['1:19 x/not-one-of: "blue" is not a colour; write one of: red, green']),
        ("{name: a, zzz: 1}", ['1:11 x/unknown-key: "zzz" is not a key of a thing; its keys are: name, many, colour']),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert said(text, THING) == found


def test_one_mistake_is_said_once() -> None:
    both = {"title": "Spec", "properties": {"a": {"type": "string", "enum": ["x"], "pattern": "x", "title": "A"}}}
    assert said("a: [1]", both) == ["1:4 x/wrong-type: `a` is a text, and here stands a list; see `groundplan schema`"]


def test_a_long_value_is_cut() -> None:
    message = said(f"name: {'x' * 500}\ncolour: {'y' * 500}", THING)[1]
    assert len(message) < 200
    assert "…" in message
