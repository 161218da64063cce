"""Fluent Bit's classic notation and Fluentd's: what is read, and where it stands."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from generator.policy.monitoring import conftree

CLASSIC = """\
@SET host=es.example.com
@INCLUDE inputs.conf

[SERVICE]
    Flush        1
    # a comment
    Parsers_File parsers.conf
[INPUT]
    Name   tail
    Path   /var/log/a b/*.log
\tTag\tapp.*
[FILTER]
    Name   modify
    Add    team shop
    Add    tier front
[OUTPUT]
    name   es
    match  *
    HTTP_Passwd
[PARSER]
    Name   app
    Regex  ^(?<time>[^ ]+) # (?<rest>.*)$
[MULTILINE_PARSER]
    name  trace
    rule  "start_state" "/^Error/" "cont"
    rule  "cont" "/^ at/" "cont"
"""

FLUENTD = """\
@include conf.d/*.conf
<system>
  log_level info # only what matters
</system>
<source>
  @type tail
  path "/var/log/\\"odd\\".log"
  tag 'app'
  <parse>
    @type json
    keys [
      "a", # first
      "b"
    ]
  </parse>
</source>
<label @APP>
  <match app.** audit.*>
    @type copy
    <store ignore_error>
      @type stdout
      host "#{ENV['HOST']}"
    </store>
    pattern /a # b/
  </match>
</label>
"""


def classic(text: str) -> Any:
    return conftree.read(text, "fluent-bit.conf", "fluent-bit")


def fluentd(text: str) -> Any:
    return conftree.read(text, "fluentd.conf", "fluentd")


def test_classic_has_the_shape_of_the_yaml_notation() -> None:
    assert classic(CLASSIC).plain == {
        "includes": ["inputs.conf"],
        "env": {"host": "es.example.com"},
        "service": {"flush": "1", "parsers_file": "parsers.conf"},
        "pipeline": {
            "inputs": [{"name": "tail", "path": "/var/log/a b/*.log", "tag": "app.*"}],
            "filters": [{"name": "modify", "add": ["team shop", "tier front"]}],
            "outputs": [{"name": "es", "match": "*", "http_passwd": ""}],
        },
        "parsers": [{"name": "app", "regex": "^(?<time>[^ ]+) # (?<rest>.*)$"}],
        "multiline_parsers": [{"name": "trace", "rule": ['"start_state" "/^Error/" "cont"', '"cont" "/^ at/" "cont"']}],
        "problems": [],
    }


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        (("service", "flush"), 5, 18),
        (("pipeline", "inputs", 0), 8, 1),
        (("pipeline", "inputs", 0, "tag"), 11, 6),
        (("pipeline", "filters", 0, "add", 1), 15, 12),
        (("pipeline", "outputs", 0, "http_passwd"), 19, 5),
        (("includes", 0), 2, 1),
    ],
)
def test_a_value_knows_its_place(path: tuple[Any, ...], line: int, column: int) -> None:
    node = classic(CLASSIC).get(*path)
    assert (node.at.line, node.at.column) == (line, column)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Flush 1\n[SERVICE]\n", "Flush stands in no section"),
        ("@INCLUDE\n[SERVICE]\n", "@INCLUDE is no command of Fluent Bit"),
        ("@SET nothing\n[SERVICE]\n", "@SET is no command of Fluent Bit"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, problem: str) -> None:
    assert classic(text).get("problems").plain == [problem]


def test_fluentd_keeps_directives_in_each_other() -> None:
    made = fluentd(FLUENTD)
    assert made.get("problems").plain == []
    assert made.get("@include").plain == "conf.d/*.conf"
    system, source, label = made.get("@inside").value
    assert system.get("log_level").plain == "info"
    assert source.get("path").plain == '/var/log/"odd".log'
    assert source.get("tag").plain == "app"
    assert '"b"' in source.get("@inside", 0, "keys").plain
    assert label.get("@argument").plain == "@APP"
    match = label.get("@inside", 0)
    assert match.get("@argument").plain == "app.** audit.*"
    assert match.get("pattern").plain == "/a # b/"
    assert match.get("@inside", 0, "@argument").plain == "ignore_error"
    assert match.get("@inside", 0, "host").plain == "#{ENV['HOST']}"
    assert match.get("@inside", 0).at.line == 20


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("<match **>\n  @type null\n", ["<match> is never closed"]),
        ("<match **>\n</filter>\n</match>\n", ["</filter> ends no <filter>"]),
        ("</match>\n", ["</match> ends no <match>"]),
        ("<match **>\n<store>\n</match>\n", ["</match> ends no <match>"]),
        ("<match **>\n<buffer\n</match>\n", ["<buffer is no directive"]),
        ("<match **>\n  @type null\n</match>\n", []),
    ],
)
def test_what_is_not_closed_is_told(text: str, problems: list[str]) -> None:
    assert fluentd(text).get("problems").plain == problems


ANY = some.text(alphabet="[]<>/@#\"'{}\\ \n\tabcINPUTmatch*=", max_size=200)


@pytest.mark.parametrize("form", ["fluent-bit", "fluentd"])
@given(text=ANY)
def test_any_text_is_read_and_every_place_is_within_it(form: str, text: str) -> None:
    lines = max(len(text.splitlines()), 1)
    for node in conftree.read(text, "x.conf", form).walk():
        assert 1 <= node.at.line <= lines
        assert node.at.column >= 1


def test_sections_are_those_of_an_independent_grammar() -> None:
    grammar = pytest.importorskip("tree_sitter_fluentbit", reason="the grammar is not installed: not checked")
    tree_sitter = pytest.importorskip("tree_sitter")
    language = tree_sitter.Language(grammar.language())
    text = CLASSIC.replace("\t", "    ")  # it knows no tabs
    root = tree_sitter.Parser(language).parse(text.encode()).root_node
    found: list[tuple[str, str]] = []
    for section in (node for node in root.children if node.type == "section"):
        body = section.child_by_field_name("body")
        for entry in (node for node in (body.children if body else ()) if node.type == "entry"):
            key, value = entry.child_by_field_name("key"), entry.child_by_field_name("value")
            if key is not None and value is not None:
                found.append((key.text.decode().lower(), value.text.decode().strip()))
    made = classic(text)
    ours = [
        (key, str(value.value))
        for node in made.walk()
        for key, child in node.items()
        for value in (child.elements() if isinstance(child.value, tuple) else [child])
        if isinstance(value.value, str) and key not in ("host", "includes", "problems", "http_passwd")
    ]
    assert len(found) > 10
    assert sorted(found) == sorted(ours)
