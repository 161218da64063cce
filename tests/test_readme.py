"""The README's tour is run as it stands, and its output compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from generator import policy
from tests import linted
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
TOUR = README.partition("## Five minutes")[2].partition("## What it does")[0]


def steps() -> list[tuple[str, str]]:
    """(command, what the README shows below it), in order."""
    made: list[tuple[str, str]] = []
    for block in re.findall(r"```console\n(.*?)```", TOUR, re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, shown = part.partition("\n")
            made.append((command, shown))
    return made


def test_the_tour_is_true(tmp_path: Path) -> None:
    python = linted.checkov_python()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GROUNDPLAN_CHECKOV": str(python),
        "LC_ALL": "C",
    }
    if subprocess.run(["which", "groundplan"], env=environment, capture_output=True, check=False).returncode:
        pytest.skip("the groundplan command is not installed beside this Python")
    assert len(steps()) >= 7
    for command, shown in steps():
        done = subprocess.run(
            ["/bin/sh", "-c", f"{command} 2>&1"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert everywhere(done.stdout) == everywhere(shown), command


def everywhere(text: str) -> str:
    """What is the same on every machine: promtool and amtool may be there or not."""
    text = re.sub(r"(?:amtool|promtool) [\d.]+(?:, )?", "", text)
    text = re.sub(
        r"^not checked \d+ .*\n|^ {12}.*(?:amtool|promtool).*\n|; \d+ things? not checked$", "", text, flags=re.M
    )
    return text.rstrip()


def test_the_figures_are_true() -> None:
    count = len(policy.rules())
    across = sum(rule.family == "cross" for rule in policy.rules())
    assert f"[{count} rules of our own](rules/README.md), {across} of them across files" in README


def test_every_file_it_names_exists() -> None:
    for path in re.findall(r"\]\(([\w./-]+)\)", README):
        assert (ROOT / path).exists(), path
