"""HCL files are read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.checkers import Settings, hcl
from generator.document import SourceFile


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache=tmp_path)


@pytest.mark.parametrize(
    "text", ["", "# x\n", 'a = "b"', 'target "web" {\n  tags = ["a", "b"]\n}\n', 'a = "$${x} %%{y} \\"q\\""\n']
)
def test_right_files_pass(text: str, settings: Settings) -> None:
    outcome = hcl.check([SourceFile("docker-bake.hcl", text)], settings)
    assert not outcome.findings
    assert [item.rule for item in outcome.passes] == ["hcl/syntax"]


@pytest.mark.parametrize(("text", "line"), [("a = {\n", 1), ('a = 1\nb = "x\n', 2), ("}\n", 1), ("a = = 1\n", 1)])
def test_wrong_files_are_findings_with_a_place(text: str, line: int, settings: Settings) -> None:
    found = hcl.check([SourceFile("x.tf", text)], settings).findings
    assert [item.rule for item in found] == ["hcl/syntax"]
    assert found[0].at.line >= 1
    assert found[0].at.line <= line + 1


def test_other_files_are_not_looked_at(settings: Settings) -> None:
    outcome = hcl.check([SourceFile("x.yaml", "}{")], settings)
    assert outcome.findings == outcome.passes == outcome.tools == ()


def test_what_was_read_is_remembered_and_what_was_not_is_judged_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong = SourceFile("a.hcl", "a = 1\n"), SourceFile("b.hcl", "a = {\n")
    first = hcl.check([right, wrong], settings)
    monkeypatch.setattr(hcl, "_judged", lambda file: first.findings[0] if file is wrong else pytest.fail("read twice"))
    assert hcl.check([right, wrong], settings) == first
