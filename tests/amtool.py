"""The real amtool, and our own rules: what a configuration of Alertmanager is held to.

An amtool older than a key refuses the file by name: that is a visible skip, and our rules still judge the file.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import policy
from generator.document import SourceFile

CONFIG = "monitoring/alertmanager/alertmanager.yaml"
SINCE = {"url_file": (0, 26), "msteams_configs": (0, 26), "msteamsv2_configs": (0, 28)}
"""Keys that an older amtool refuses: https://github.com/prometheus/alertmanager/releases"""

Files = dict[str, str]


def judged(files: Files) -> list[str]:
    """Findings of every rule of ours, with their places."""
    sources = [SourceFile(path, text) for path, text in files.items()]
    outcome = policy.judge(sources, policy.rules(), policy.Context(today="2026-11-23"))
    return [f"{finding.at} {finding.rule} {finding.message}" for finding in outcome.findings]


@functools.cache
def amtool() -> str:
    found = shutil.which("amtool")
    if found is None:
        pytest.skip("amtool is not installed: nothing of Alertmanager's own was asked")
    return found


@functools.cache
def amtool_version() -> tuple[int, int]:
    said = subprocess.run([amtool(), "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"version (\d+)\.(\d+)", said.stdout + said.stderr)
    assert match is not None
    return int(match[1]), int(match[2])


def write(folder: Path, files: Files) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder / CONFIG


def accepted(path: Path) -> None:
    """amtool takes the file. What is newer than this amtool must be all that it refuses, and is skipped aloud."""
    version, text = amtool_version(), path.read_text(encoding="utf-8")
    newer = [key for key, since in SINCE.items() if re.search(rf"(?<!\w){key}:", text) and version < since]
    ran = subprocess.run([amtool(), "check-config", str(path)], capture_output=True, text=True, check=False)
    if not newer:
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return
    assert set(re.findall(r"field (\w+) not found", ran.stdout)) == set(newer), ran.stdout
    path.write_text(yaml.safe_dump(without_newer(yaml.safe_load(text))), encoding="utf-8")
    ran = subprocess.run([amtool(), "check-config", str(path)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    words = " and ".join(newer)
    pytest.skip(f"not checked: amtool {version[0]}.{version[1]} does not know {words}; it accepts the rest")


def without_newer(document: dict[str, Any]) -> dict[str, Any]:
    for item in document["receivers"]:
        item.pop("msteams_configs", None)
        item.pop("msteamsv2_configs", None)
        for webhook in item.get("webhook_configs", []):
            if webhook.pop("url_file", ""):
                webhook["url"] = "https://hooks.example.com"
    return document


def receivers_of(path: Path, labels: dict[str, str]) -> list[str]:
    """The receivers that the real route tree gives an alert."""
    pairs = [f"{key}={value}" for key, value in labels.items()]
    command = [amtool(), "config", "routes", "test", f"--config.file={path}", *pairs]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.strip().split(",")
