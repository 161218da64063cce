"""Shared by all tests: the flag that rewrites golden files, and a project on disk."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# the same examples in every run, so that a red run means a change; HUNT=1 looks for other ones
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis.settings.load_profile("default" if os.environ.get("HUNT") else "steady")

ROOT = Path(__file__).resolve().parent.parent
APPS = ROOT / "fixtures" / "apps"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the expected trees; read them before keeping"
    )


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the tests may reach the network: any connection but to a local socket is an error."""

    def refuse(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(("127.", "::1", "localhost")):
            raise AssertionError(f"a test tried to connect to {address}")
        original(self, address)

    original = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(autouse=True)
def _no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command that a test starts does its work; tests of the memory itself switch it on."""
    monkeypatch.setenv("GROUNDPLAN_CACHE", "off")


@pytest.fixture
def spec_file(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a spec into a directory of its own."""

    def write(text: str) -> Path:
        path = tmp_path / "groundplan.yaml"
        path.write_text(text, encoding="utf-8", newline="\n")
        return path

    return write
