"""HCL as we read it against HCL as terraform reads it: files with a mistake put in at random, always the same ones."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

import pytest

from generator.policy import hclread
from tests import terraform_roots
from tests.conftest import APPS

PUT_IN = [
    *["{", "}", "[", "]", "(", ")", '"', "${", "%{", "=", "?", ":", ".", "*", "[*]", "...", "==", "&&", "||", "%", "/"],
    *["for ", " if ", " in ", "null", "-", "!", "\n", ",", "\\", "~", "<<E\n", "//", "#", "/*", "*/", '"a"', "1", ".5"],
    *["a.b", "a.0", "::", "=>", " ", "\t", "\r\n", "'", "@", ";", "`", "&", "|", "<", "é", "$${", "%%{", "()", "[]"],
    *["{}", "x = 1", "x {}", 'x "y" {\n}\n', '"x" = 1', "(x) = 1"],
]
SOUND = APPS.parent / "terraform" / "sound"


def blocks() -> list[str]:
    """Every block of the files that are right."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(SOUND.rglob("*.tf"))]
    found = [block for text in texts for block in re.findall(r"^[a-z].*?^}\n", text, re.M | re.S)]
    # of a long block its lines are tried one by one, or a mistake in most of it would never be seen
    lines = [
        f"locals {{\n{line}\n}}\n"
        for block in found
        for line in block.splitlines()
        if re.match(r"  \w+ += .*[^{(\[-]$", line)
    ]
    return [block for block in found if len(block) < 1500] + lines


def mutated(block: str, chance: random.Random) -> str:
    for _ in range(chance.choice([1, 1, 1, 2])):
        at = chance.randint(0, len(block))
        kind = chance.randint(0, 2)
        if kind == 0:
            block = block[:at] + chance.choice(PUT_IN) + block[at:]
        elif kind == 1:
            block = block[:at] + block[at + chance.randint(1, 3) :]
        else:
            at = chance.choice([place for place, sign in enumerate(block) if sign in '{}[]()",=\n'])
            block = block[:at] + block[at + 1 :]
    return block


def is_read(text: str) -> bool:
    try:
        return not _repeats(hclread.read(text, "a.tf"))
    except hclread.Unreadable:
        return False


def _repeats(block: hclread.Block) -> bool:
    """An argument given twice, which terraform refuses while it reads and we refuse later."""
    return bool(block.repeated) or any(_repeats(inner) for inner in block.blocks)


@pytest.mark.skipif(terraform_roots.TERRAFORM is None, reason="terraform is not installed")
@pytest.mark.parametrize("seed", range(1, 6))
def test_we_read_what_terraform_reads(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    every = blocks()
    texts = {f"f{number}.tf": mutated(chance.choice(every), chance) for number in range(400)}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    assert terraform_roots.TERRAFORM is not None
    command = [terraform_roots.TERRAFORM, "fmt", "-no-color", "-list=false", "-write=false", "."]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "CHECKPOINT_DISABLE": "1"}
    said = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False).stderr
    refused = set(re.findall(r"on (?:\S*/)?(f\d+\.tf) line", said))
    assert 100 < len(refused) < 350
    assert {name: texts[name] for name in texts if is_read(texts[name]) == (name in refused)} == {}
