"""Rendering: text, escaping by format, and the origin of each line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import pytest

from generator import data, render
from generator.artifact import Artifact, because
from generator.model import Public, Reference, Rollout, Text


@pytest.fixture
def rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Renders `template` with `context`; other templates by name."""
    monkeypatch.setattr(data, "folder", lambda _name: tmp_path)
    render._environment.cache_clear()

    def make(template: str, path: str = "t.yaml.j2", others: dict[str, str] | None = None, **context: Any) -> Any:
        for file, text in {path: template, **(others or {})}.items():
            (tmp_path / file).write_text(text, encoding="utf-8")
        render._environment.cache_clear()
        return render.render_one(Artifact("out", "test", path, context, "services.web"), "groundplan.yaml")

    yield make
    render._environment.cache_clear()


PUBLIC = Public(path="services.web.public", host="shop.example.com", path_prefix="/", waf=False, rate_limit=None)


def origins(file: Any) -> list[tuple[str, int, tuple[str, ...]]]:
    lines = file.text.splitlines()
    assert len(lines) == len(file.origins)
    return [(text, origin.template_line, origin.causes) for text, origin in zip(lines, file.origins, strict=True)]


def test_a_value_answers_with_its_path_and_a_literal_with_the_artifact(rendered: Any) -> None:
    assert origins(rendered("kind: X\nhost: {{ public.host }}\n", public=PUBLIC)) == [
        ("kind: X", 1, ("services.web",)),
        ("host: shop.example.com", 2, ("services.web.public.host",)),
    ]


def test_a_literal_inside_a_condition_answers_with_the_condition(rendered: Any) -> None:
    file = rendered("{% if public.host %}\na: 1\n{% endif %}\nb: 2\n", public=PUBLIC)
    assert origins(file) == [("a: 1", 2, ("services.web.public.host",)), ("b: 2", 4, ("services.web",))]


def test_a_condition_that_does_not_hold_explains_nothing(rendered: Any) -> None:
    file = rendered("{% if public.waf %}\na: 1\n{% endif %}\nb: 2\n", public=PUBLIC)
    assert origins(file) == [("b: 2", 4, ("services.web",))]


def test_a_printed_false_is_explained(rendered: Any) -> None:
    assert origins(rendered("a: {{ public.waf }}\n", public=PUBLIC)) == [("a: false", 1, ("services.web.public.waf",))]


def test_derived_values_answer_with_their_causes(rendered: Any) -> None:
    file = rendered("a: {{ name }}\n", name=because("x-y", "app", "environments.prod"))
    assert origins(file)[0][2][0] == "app"


def test_loops_answer_for_each_element(rendered: Any) -> None:
    file = rendered(
        "{% for k, v in tags.items() %}\n{{ k }}: {{ v }}\n{% endfor %}\n", tags=because({"a": "1", "b": "2"}, "tags")
    )
    assert [line[2][0] for line in origins(file)] == ["tags.a", "tags.b"]


def test_includes_answer_with_their_own_template(rendered: Any) -> None:
    file = rendered(
        "a: 1\n{{ shift(2) }}\n{% include 'u.yaml.j2' %}\n{{ shift(-2) }}\n  z: 1\n",
        others={"u.yaml.j2": "b: 1\nc: 2\n"},
    )
    assert file.text == "a: 1\n  b: 1\n  c: 2\n  z: 1\n"
    assert [origin.template for origin in file.origins] == ["t.yaml.j2", "u.yaml.j2", "u.yaml.j2", "t.yaml.j2"]


def test_block_style_keeps_the_cause_of_each_line(rendered: Any) -> None:
    value = {"a": because("1", "env.A"), "b": [{"c": because(2, "env.C"), "d": {}}]}
    file = rendered("x:\n{{ value | block(2) }}\n", value=value)
    assert file.text == 'x:\n  a: "1"\n  b:\n    - c: 2\n      d: {}\n'
    assert [causes[0] for _, _, causes in origins(file)][1:4] == ["env.A", "env.C", "env.C"]


@pytest.mark.parametrize(
    "text", ["a\nb\n", "a\nb", "a\n\n", "\n", " x\n", "a \nb\n", "", "# no\n", "x: [\n", "é\n", "a\tb\n"]
)
def test_literal_blocks_are_read_back(rendered: Any, text: str) -> None:
    import yaml

    file = rendered("k:\n  v: {{ text | literal(4) }}\nw: 1\n", text=because(text, "env.T"))
    assert yaml.safe_load(file.text) == {"k": {"v": text}, "w": 1}


def test_an_unknown_variable_is_an_error_and_not_an_empty_string(rendered: Any) -> None:
    with pytest.raises(jinja2.UndefinedError):
        rendered("a: {{ nothing }}\n")


def test_an_unknown_key_of_the_model_is_an_error(rendered: Any) -> None:
    with pytest.raises(jinja2.UndefinedError):
        rendered("a: {{ public.hots }}\n", public=PUBLIC)


def test_templates_reach_no_python(rendered: Any) -> None:
    with pytest.raises((jinja2.exceptions.SecurityError, jinja2.UndefinedError)):
        rendered("a: {{ ''.__class__.__mro__ }}\n")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("t.yaml.j2", "no", 'a: "no"\n'),
        ("t.hcl.j2", "${x}", 'a: "$${x}"\n'),
        ("t.json.j2", 'q"', 'a: "q\\""\n'),
        ("t.md.j2", "a\nb", "a: a b\n"),
    ],
)
def test_a_bare_value_goes_through_the_writer_of_its_format(rendered: Any, name: str, value: str, text: str) -> None:
    assert rendered("a: {{ value }}\n", path=name, value=value).text == text


def test_a_dockerfile_word_that_could_break_out_is_refused(rendered: Any) -> None:
    with pytest.raises(ValueError, match="single word"):
        rendered("EXPOSE {{ value }}\n", path="t.Dockerfile.j2", value="80\nRUN x")


def test_properties_of_the_model_are_traced_to_what_they_read(rendered: Any) -> None:
    text = Text(path="services.web.env.A", parts=(Reference("db", "url", "resource", secret=True),))
    assert rendered("a: {{ text.secret }}\n", text=text).text == "a: true\n"
    assert rendered("a: {{ rollout.strategy }}\n", rollout=Rollout(path="r", strategy="rolling")).origins[0].causes == (
        "r.strategy",
    )
