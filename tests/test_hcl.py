"""HCL files are read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.checkers import Settings, hcl
from generator.document import SourceFile

SETTINGS = Settings(cache=Path())


@pytest.mark.parametrize(
    "text", ["", "# x\n", 'a = "b"', 'target "web" {\n  tags = ["a", "b"]\n}\n', 'a = "$${x} %%{y} \\"q\\""\n']
)
def test_right_files_pass(text: str) -> None:
    outcome = hcl.check([SourceFile("docker-bake.hcl", text)], SETTINGS)
    assert not outcome.findings
    assert [item.rule for item in outcome.passes] == ["hcl/syntax"]


@pytest.mark.parametrize(("text", "line"), [("a = {\n", 1), ('a = 1\nb = "x\n', 2), ("}\n", 1), ("a = = 1\n", 1)])
def test_wrong_files_are_findings_with_a_place(text: str, line: int) -> None:
    found = hcl.check([SourceFile("x.tf", text)], SETTINGS).findings
    assert [item.rule for item in found] == ["hcl/syntax"]
    assert found[0].at.line >= 1
    assert found[0].at.line <= line + 1


def test_other_files_are_not_looked_at() -> None:
    outcome = hcl.check([SourceFile("x.yaml", "}{")], SETTINGS)
    assert outcome.findings == outcome.passes == outcome.tools == ()
