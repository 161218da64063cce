"""Values survive every format: what is written is read back equal."""

from __future__ import annotations

import json
import shlex

import hcl2
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from generator import filters

HOSTILE = [
    "", " ", "no", "Yes", "on", "null", "~", "0550", "0o14", "1e3", "1_000", "1:30", "1.10", ".inf", "=", "<<", "- a",
    "a: b", "a #b", "#x", "{{ x }}", "${x}", "$${x}", "%{if}", "$(rm -rf /)", "`id`", "a\nb", "a\r\nb", "\ttab", "é", "😀",
    '"', "'", "\\", "\\n", "!tag", "&a", "*a", "@x", "%x", "2026-11-23", "\x7f", "\x85", "\u2028", "\ufeff", "\x00", "\x1b[31m",
    "*.md", "?", "? a", "a:", ":a", "[a]", "{a}", "|", ">", "key: [", "true", "0x1F", "+1", "-", "--", "---", "...", "10.0.0.0/8",
]  # fmt: skip
text = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=("Cs",))))
nested = st.recursive(
    text, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=6
)


@given(text)
def test_a_yaml_scalar_is_read_back_by_a_yaml_1_1_reader(value: str) -> None:
    assert yaml.safe_load(f"key: {filters.yaml_scalar(value)}\n") == {"key": value}


@given(text)
def test_a_yaml_scalar_is_read_back_by_a_yaml_1_2_reader(value: str) -> None:
    assert YAML(typ="safe", pure=True).load(f"key: {filters.yaml_scalar(value)}\n") == {"key": value}


@given(nested)
def test_a_flow_node_is_read_back(value: object) -> None:
    assert yaml.safe_load(f"key: {filters.yaml_flow(value)}\n") == {"key": value}


@given(nested)
def test_json_is_read_back(value: object) -> None:
    assert json.loads(filters.json_text(value)) == value


@given(text)
def test_a_shell_word_is_read_back(value: str) -> None:
    assert shlex.split(filters.shell(value)) == [value]


@given(st.lists(text))
def test_the_exec_form_is_one_line_and_read_back(value: list[str]) -> None:
    written = filters.json_array(value)
    assert "\n" not in written
    assert json.loads(written) == value


@pytest.mark.parametrize("value", [word for word in HOSTILE if "\x00" not in word])
def test_hcl_templates_are_literal(value: str) -> None:
    written = filters.hcl(value)
    assert "\n" not in written
    assert "${" not in written.replace("$${", "")
    assert "%{" not in written.replace("%%{", "")
    assert "key" in hcl2.loads(f"key = {written}\n")


@pytest.mark.parametrize("value", ["a b", "a\nb", "$(x)", "`x`", "a;b", "", "'", "a&&b", "$x"])
def test_a_dockerfile_word_refuses_what_could_break_out(value: str) -> None:
    with pytest.raises(ValueError, match="single word"):
        filters.word(value)


@pytest.mark.parametrize("value", ["node:24@sha256:abc", "/app", "10001:10001", "a-b_c.d"])
def test_a_dockerfile_word_keeps_plain_words(value: str) -> None:
    assert filters.word(value) == value


@given(text)
def test_user_shell_text_cannot_leave_its_instruction(value: str) -> None:
    written = filters.run(value)
    assert "\n" not in written
    assert not written.endswith("\\")


@given(text)
def test_a_comment_stays_on_its_line(value: str) -> None:
    assert len(filters.line(value).splitlines()) <= 1


@pytest.mark.parametrize(
    "value", ["shop.example.com", "/health", "3000m", "250m", "256Mi", "25%", "10.20.0.0/16", "http://api:80/x"]
)
def test_plain_words_stay_without_quotes(value: str) -> None:
    assert filters.yaml_scalar(value) == value
