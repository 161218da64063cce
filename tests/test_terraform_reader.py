"""Values of Terraform's expressions as the rules and `diff` see them, each held against the real terraform."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from generator.document import Node, SourceFile
from generator.policy import terraformtree
from generator.policy.terraformfound import UNKNOWN
from tests import terraform_roots

KNOWN: list[tuple[str, Any]] = [
    ('join(",", [true, 1, 2.5])', "true,1,2.5"),
    ('"a-${4 / 2}"', "a-2"),
    ('"a-${7 / 2}-${1.0}-${true}"', "a-3.5-1-true"),
    ("0.1 + 0.2", 0.3),
    ("-7 % 3", -1),
    ('"5" + 3', 8),
    ("1 == 1.0", True),
    ('1 == "1"', False),
    ('tostring(1) == "1"', True),
    ('tonumber("5") == 5', True),
    ('tobool("true") == true', True),
    ("tostring(true)", "true"),
    ('tostring("a") == "a"', True),
    ('toset(["b", "a", "b"])', ["a", "b"]),
    ('length(toset(["a", "a"]))', 1),
    ('toset([1, "1"])', ["1"]),
    ('tolist(toset(["b", "a"]))', ["a", "b"]),
    ('tolist([1, "a"])[0]', "1"),
    ('tomap({a = 1, b = "x"})["a"]', "1"),
    ('setunion(["b", "a"], ["c", "a"])', ["a", "b", "c"]),
    ('setsubtract(["b", "a", "c"], ["a"])', ["b", "c"]),
    ('setintersection(["b", "a"], ["a", "c"])', ["a"]),
    ('distinct(["b", "a", "b"])', ["b", "a"]),
    ("contains([1, 2], 1)", True),
    ("contains([1], true)", False),
    ("[for k, v in {b = 1, a = 2} : k]", ["a", "b"]),
    ("[for v in {b = 1, a = 2} : v]", [2, 1]),
    ("[for x in [1, 2, 3] : x * 2 if x > 1]", [4, 6]),
    ('[for x in toset(["b", "a"]) : x]', ["a", "b"]),
    ('{for x in ["a", "b", "a"] : x => 1...}', {"a": [1, 1], "b": [1]}),
    ("{for x in [1.0] : x => x}", {"1": 1}),
    ("range(4, 1)", [4, 3, 2]),
    ("range(1, 10, 3)", [1, 4, 7]),
    ('format("%s-%d-%03d-%.1f-%t-%v%%", 2.0, 3.0, 7, 1.25, true, "x")', "2-3-007-1.2-true-x%"),
    ('title("it\'s a DOG foo_bar")', "It'S A DOG Foo_bar"),
    ('substr("hello", -3, 2)', "ll"),
    ('substr("hello", 1, -1)', "ello"),
    ('cidrsubnet("10.0.0.5/16", 8, 3)', "10.0.3.0/24"),
    ('cidrsubnets("10.0.0.0/16", 8, 4, 8)', ["10.0.0.0/24", "10.0.16.0/20", "10.0.32.0/24"]),
    ('cidrhost("10.0.0.0/24", 5)', "10.0.0.5"),
    ('cidrnetmask("10.0.0.0/20")', "255.255.240.0"),
    ('max(1, "10", 9)', 10),
    ("sum([1, 2.5])", 3.5),
    ("ceil(1.2) + floor(1.8) + abs(-3)", 6),
    ('alltrue([true, "true"])', True),
    ("alltrue([])", True),
    ("anytrue([false, true])", True),
    ("slice([1, 2, 3], 1, 3)", [2, 3]),
    ("chunklist([1, 2, 3], 2)", [[1, 2], [3]]),
    ("coalescelist([], [1])", [1]),
    ('try({a = 1}.b, "none")', "none"),
    ('try({a = 1}.a, "none")', 1),
    ('try({a = {}}.a.b.c, ["x"][3], "none")', "none"),
    ("can({a = 1}.b)", False),
    ("can({a = 1}.a)", True),
    ('jsondecode("{\\"a\\": [1, 2.5]}").a[1]', 2.5),
    ("jsondecode(jsonencode({a = 1})).a", 1),
    ("[{a = 1}, {a = 2}][*].a", [1, 2]),
    ("[1, 2] == [1, 2]", True),
    ('{a = 1} == {a = "1"}', False),
]
NOT_KNOWN = [
    pytest.param('["a"][-1]', id="index below zero"),
    pytest.param("slice([1], 0, 5)", id="end beyond the list"),
    pytest.param('format("%s", "a", "b")', id="too many values"),
    pytest.param('format("%999999999d", 1)', id="a width that fills the memory"),
    pytest.param('upper("straße")', id="a letter that becomes two"),
    pytest.param('length("👨‍👩‍👧")', id="a joined sign"),
    pytest.param('replace("abc", "/b/", "x")', id="a pattern"),
    pytest.param("1e999", id="infinite"),
    pytest.param("[1][1e999]", id="infinite index"),
    pytest.param('"1e999999999" + 1', id="a number that fills the memory"),
    pytest.param("1e29 * 1e29", id="a product that grows"),
    pytest.param("1 / 0", id="division by nothing"),
    pytest.param("sum([])", id="sum of nothing"),
    pytest.param("{for x in [null] : x => 1}", id="no key"),
    pytest.param("try(aws_sqs_queue.b.arn, 1)", id="what is there after apply"),
    pytest.param("can(aws_sqs_queue.b.arn)", id="whether something is there after apply"),
    pytest.param("try(var.undeclared, 1)", id="a variable that is not declared"),
    pytest.param("chunklist([1], -1)", id="chunks of less than nothing"),
    pytest.param("{a = 1}[true]", id="a key that is no text"),
]


def value(expression: str, more: str = "") -> Node:
    text = f'resource "aws_sqs_queue" "a" {{\n  name = {expression}\n}}\n{more}'
    (document,) = [found for found in terraformtree.documents([SourceFile("main.tf", text)]) if "queue" in found.kind]
    found = document.root.get("name")
    assert found is not None
    return found


@pytest.mark.parametrize(("expression", "expected"), KNOWN, ids=[expression for expression, _ in KNOWN])
def test_an_expression_has_its_value(expression: str, expected: object) -> None:
    found = value(expression)
    assert not any(node.layer in UNKNOWN for node in found.walk())
    assert json.dumps(found.plain) == json.dumps(expected)


@pytest.mark.parametrize("expression", NOT_KNOWN)
def test_what_cannot_be_told_is_not_told(expression: str) -> None:
    assert any(node.layer in UNKNOWN for node in value(expression).walk())


@pytest.mark.parametrize(
    ("kind", "default", "expected"),
    [
        ("string", "5", "5"),
        ("number", '"5"', 5),
        ("bool", '"true"', True),
        ("set(string)", '["b", "a", "b"]', ["a", "b"]),
        ("list(string)", "[1, true]", ["1", "true"]),
        ("map(number)", '{ a = "1" }', {"a": 1}),
        ("object({ a = string, b = optional(number, 2) })", "{ a = 1 }", {"a": "1", "b": 2}),
    ],
)
def test_a_variable_has_the_type_it_declares(kind: str, default: str, expected: object) -> None:
    declared = f'variable "v" {{\n  type    = {kind}\n  default = {default}\n}}\n'
    assert json.dumps(value("var.v", declared).plain) == json.dumps(expected)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_the_real_terraform_gives_the_same_values(tmp_path: Path) -> None:
    asked = ", ".join(f"jsonencode({expression})" for expression, _ in KNOWN)
    answer = subprocess.run(
        ["terraform", "console", "-no-color"],
        input=f"base64encode(jsonencode([{asked}]))\n",
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=terraform_roots.settings(tmp_path),
        check=True,
    )
    real = [json.loads(text) for text in json.loads(base64.b64decode(answer.stdout.strip().strip('"')))]
    assert real == [expected for _, expected in KNOWN]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "default"),
        ({"terraform.tfvars": 'v = "one"'}, "one"),
        ({"terraform.tfvars": 'v = "one"', "a.auto.tfvars": 'v = "two"'}, "two"),
        ({"b.auto.tfvars": 'v = "three"', "a.auto.tfvars": 'v = "two"'}, "three"),
        ({"terraform.tfvars": 'v = "one"', "terraform.tfvars.json": '{"v": "${json}"}'}, "${json}"),
        ({"a.auto.tfvars": 'v = "two"', "b.auto.tfvars.json": '{"v": "four", "//": "x"}'}, "four"),
        ({"a.auto.tfvars": 'v = "two"', "b.auto.tfvars.json": "[" * 5000}, "two"),
        ({"a.auto.tfvars.json": "[1]"}, "default"),
        ({"prod.tfvars": 'v = "only when it is named"'}, "default"),
    ],
)
def test_files_of_values_are_read_in_the_order_of_terraform(files: dict[str, str], expected: str) -> None:
    text = 'variable "v" {\n  default = "default"\n}\n\nresource "aws_sqs_queue" "a" {\n  name = var.v\n}\n'
    given = [SourceFile(name, body) for name, body in {"main.tf": text, **files}.items()]
    (document,) = [found for found in terraformtree.documents(given) if found.kind == "aws_sqs_queue"]
    assert document.root.word("name") == expected


def test_values_in_json_are_lists_and_maps_too() -> None:
    text = (
        'variable "v" {\n  type = map(object({ size = number, zones = list(string) }))\n}\n\n'
        'resource "aws_sqs_queue" "a" {\n  for_each = var.v\n'
        '  name     = join("-", concat([each.key, each.value.size], each.value.zones))\n}\n'
    )
    values = SourceFile("terraform.tfvars.json", '{"v": {"web": {"size": 2, "zones": ["a", "b"]}}}')
    (document,) = [
        found
        for found in terraformtree.documents([SourceFile("main.tf", text), values])
        if found.kind == "aws_sqs_queue"
    ]
    assert (document.address, document.root.word("name")) == ('aws_sqs_queue.a["web"]', "web-2-a-b")
