"""Values as HCL: what `terraform fmt` would write, and nothing a value could break out of."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import hcl
from generator.filters import Expression
from generator.policy import hclread
from generator.policy.hclread import Expr

TERRAFORM = shutil.which("terraform")


def text(value: dict[str, Any]) -> str:
    return "".join(f"{line}\n" for line, _ in hcl.body(value, 0))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"a": 1, "long": True}, "a    = 1\nlong = true\n", id="neighbours are aligned"),
        pytest.param(
            {"a": 1, "b": {"c": 2}, "dd": 3},
            "a = 1\nb = {\n  c = 2\n}\ndd = 3\n",
            id="what opens a bracket stands alone",
        ),
        pytest.param({"a": {}, "bb": []}, "a  = {}\nbb = []\n", id="empty ones stay on their line"),
        pytest.param({"a": Expression("module.x.y")}, "a = module.x.y\n", id="an expression of ours is bare"),
        pytest.param({"a": ["x", Expression("var.y")]}, 'a = ["x", var.y]\n', id="in a list too"),
        pytest.param(
            {"a": [{"b": 1}, {"c": 2}]},
            "a = [\n  {\n    b = 1\n  },\n  {\n    c = 2\n  },\n]\n",
            id="objects in a list",
        ),
        pytest.param({"a": ["x" * 60, "y" * 60]}, f'a = [\n  "{"x" * 60}",\n  "{"y" * 60}",\n]\n', id="a long list"),
        pytest.param({"for": 1, "a b": 2, "a-b": 3}, '"for" = 1\n"a b" = 2\na-b   = 3\n', id="keys that need quotes"),
        pytest.param({"a": "${x} %{y} $${z}"}, 'a = "$${x} %%{y} $$${z}"\n', id="templates are escaped"),
        pytest.param({"a": 'q"\\\n\t'}, 'a = "q\\"\\\\\\n\\t"\n', id="quotes and line breaks"),
    ],
)
def test_a_body_is_written(value: dict[str, Any], expected: str) -> None:
    assert text(value) == expected


HOSTILE = st.text(alphabet=st.sampled_from("ab\"\\${}%\n\t\r<>EOT#/*'`é😀 =[],:"), max_size=12)
VALUES = st.recursive(
    st.one_of(HOSTILE, st.integers(-9, 99_999), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.from_regex(r"[a-z][a-z-]{0,8}", fullmatch=True), inner, max_size=3),
    ),
    max_leaves=8,
)
BODIES = st.dictionaries(
    st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True).filter(lambda key: hcl.key(key) == key), VALUES, max_size=4
)


def plain(expr: Expr) -> Any:
    """A literal expression as a value."""
    if expr.kind == "obj":
        return {str(plain(key)) if key.kind != "name" else key.parts[0]: plain(item) for key, item in expr.parts}
    if expr.kind == "list":
        return [plain(item) for item in expr.parts]
    if expr.kind == "un":
        return -plain(expr.parts[1])
    if expr.kind == "tpl":
        assert all(isinstance(part, str) for part in expr.parts), "nothing may be calculated"
        return "".join(expr.parts)
    return expr.parts[0]


@given(BODIES)
def test_a_value_comes_back_equal(value: dict[str, Any]) -> None:
    read = hclread.read(text(value), "main.tf")
    assert {name: plain(expr) for name, (expr, _) in read.attributes.items()} == value


@settings(max_examples=30, deadline=None)
@pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed")
@given(st.lists(BODIES.filter(bool), min_size=1, max_size=12))
def test_terraform_changes_nothing(bodies: list[dict[str, Any]]) -> None:
    """One start of terraform for many bodies, each in a block of its own."""
    blocks = "\n".join(f"locals {{\n{indented(body)}}}\n" for body in bodies)
    assert TERRAFORM is not None
    done = subprocess.run([TERRAFORM, "fmt", "-"], input=blocks, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, blocks)


def indented(value: dict[str, Any]) -> str:
    return "".join(f"{line}\n" for line, _ in hcl.body(value, 2))
