"""Reading YAML with places: what each word is, where it stands, and what is said of a file that is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import yamlfile
from generator.document import Node


def read(text: str) -> tuple[tuple[Node, ...], list[tuple[str, int, int]]]:
    nodes, findings = yamlfile.read(text, "a.yaml")
    return nodes, [(f.rule, f.at.line, f.at.column) for f in findings]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("Off", False),
        ("y", True),
        ("N", False),
        ("yN", "yN"),
        ("~", None),
        ("''", ""),
        ("'yes'", "yes"),
        ("0", 0),
        ("-12", -12),
        ("0644", 0o644),
        ("0x1F", 31),
        ("1_000", 1000),
        ("08", 8.0),
        ("0o17", 15),
        ("0b11", 3),
        ("-0x1F", -31),
        ("+5", 5),
        ("0x", "0x"),
        ("1__0", 10),
        ("_1", "_1"),
        ("1e999", "1e999"),
        ("9" * 5000, "9" * 5000),
        ("\u0661\u0662", "\u0661\u0662"),
        ("!!str 8080", "8080"),
        ("!!str y", "y"),
        ("1.10", 1.1),
        ("1e3", 1000.0),
        ("1.2.3", "1.2.3"),
        ("10:30", "10:30"),
        ("2026-11-23", "2026-11-23"),
        ("250m", "250m"),
        (".", "."),
        ("-", [None]),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("", None),
    ],
)
def test_a_value_is_what_kubernetes_reads(text: str, value: Any) -> None:
    nodes, findings = read(f"k: {text}" if text != "-" else "k:\n  -")
    assert (nodes[0].plain, findings) == ({"k": value}, [])


def test_every_value_and_key_knows_its_place() -> None:
    [root], _ = read("a:\n  - b: 1\n    c: x\n")
    node = root.get("a", 0, "c")
    assert node is not None
    assert node.key_at is not None
    assert (node.at.line, node.at.column, node.at.pointer) == (3, 8, "a[0].c")
    assert (node.key_at.line, node.key_at.column) == (3, 5)


def test_several_documents_and_none() -> None:
    assert [node.plain for node in read("a: 1\n---\nb: 2\n---\n")[0]] == [{"a": 1}, {"b": 2}, None]
    assert read("# nothing\n") == ((), [])


def test_anchors_and_merges_are_written_out() -> None:
    [root], findings = read("x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\nz: *x\n")
    assert (root.plain, findings) == ({"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}, "z": {"a": 1, "b": 2}}, [])


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{below}'] * 10)}]\n" for below, name in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", ("yaml/duplicate-key", 2, 1)),
        ("a: {b: 1, b: 2}\n", ("yaml/duplicate-key", 1, 11)),
        ("a: [1\n", ("yaml/syntax", 2, 1)),
        ("a: b: c\n", ("yaml/syntax", 1, 5)),
        ("a:\n\tb: 1\n", ("yaml/tab", 2, 1)),
        ("a: \x07\n", ("yaml/syntax", 1, 1)),
        ("a: *nobody\n", ("yaml/syntax", 1, 4)),
        (BOMB, ("yaml/too-many-values", 1, 1)),
        ("a: " + "[" * 150 + "]" * 150, ("yaml/too-many-values", 1, 1)),
        ("[" * 200_000, ("yaml/too-many-values", 1, 1)),
        ("- " * 200_000, ("yaml/too-many-values", 1, 1)),
        ("? " * 200_000, ("yaml/too-many-values", 1, 1)),
        ("".join(" " * depth + "a:\n" for depth in range(2_000)), ("yaml/too-many-values", 1, 1)),
        ("a: {[b]: c}", ("yaml/key-not-a-text", 1, 5)),
        ("a: " + "x" * (yamlfile.MAX_BYTES + 1), ("yaml/too-large", 1, 1)),
    ],
    ids=[
        "key twice",
        "key twice in a flow",
        "open list",
        "two colons",
        "tab",
        "control",
        "alias",
        "bomb",
        "deep",
        "brackets that would kill the parser",
        "dashes that would kill the parser",
        "questions that would kill the parser",
        "deep by indentation",
        "a list as a key",
        "large",
    ],
)
def test_a_file_that_is_none_says_why_and_where(text: str, said: tuple[str, int, int]) -> None:
    assert read(text)[1] == [said]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "the file holds more than 200,000 values"),
        ("[" * 200 + "]" * 200, "the file nests its values more than 100 deep"),
        ("a: &a [*a]", "the file nests its values more than 100 deep"),
    ],
    ids=["bomb", "deep", "an alias of itself"],
)
def test_a_file_that_would_grow_says_how(text: str, message: str) -> None:
    assert [finding.message for finding in yamlfile.read(text, "a.yaml")[1]] == [message]


def test_what_stands_before_a_mistake_is_read() -> None:
    nodes, findings = read("a: 1\n---\nb: [\n")
    assert ([node.plain for node in nodes], [rule for rule, *_ in findings]) == ([{"a": 1}], ["yaml/syntax"])


def test_a_key_given_twice_names_the_first() -> None:
    [finding] = yamlfile.read("a: 1\nb: 1\na: 2\n", "a.yaml")[1]
    assert [(related.at.line, related.message) for related in finding.related] == [(1, "first given here")]


LETTERS = st.characters(categories=("L", "N"))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(LETTERS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(LETTERS), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(json_values)
def test_json_is_read_as_json(value: Any) -> None:
    nodes, findings = yamlfile.read(json.dumps(value, ensure_ascii=False), "a.json")
    assert findings == ()
    assert [node.plain for node in nodes] == [value]
