"""Files -> findings. Each checker is a module with `check(files, settings)`; the table is the registry.

Modules are named, not imported: a checker costs nothing until it runs.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from generator.document import TextFile
from generator.finding import Outcome


def user_cache() -> Path:
    """Our directory in the user's cache (https://specifications.freedesktop.org/basedir-spec/latest/)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "groundplan"


def silent(_message: str) -> None:
    """The progress callback that says nothing."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a checker may use of the world around it.

    `cache` is the user's cache directory; `checkov` a configured executable of a checkov environment;
    `offline` forbids provisioning; `kubernetes_versions` are the versions every manifest must satisfy;
    `progress` is told what long work is under way.
    """

    cache: Path
    checkov: Path | None = None
    offline: bool = False
    kubernetes_versions: tuple[str, ...] = ()
    today: str = ""
    progress: Callable[[str], None] = field(default=silent, compare=False)


class Checker(Protocol):
    """What a checker module looks like. `files` may hold any format; a checker takes what is its own."""

    def check(self, files: Sequence[TextFile], settings: Settings) -> Outcome: ...


CHECKERS: dict[str, str] = {
    "hadolint": "generator.checkers.hadolint",
    "checkov": "generator.checkers.checkov",
    "kubernetes": "generator.checkers.kubernetes",
    "compose": "generator.checkers.compose",
    "yaml": "generator.checkers.yamlsyntax",
    "hcl": "generator.checkers.hcl",
    "terraform": "generator.checkers.terraform",
    "terraform-cli": "generator.checkers.terraform_cli",
    "promtool": "generator.checkers.promtool",
    "policy": "generator.checkers.policy",
}


SLOW_TO_START = ("checkov",)
"""Checkers that can be started before there are files for them: modules with `prepare` and `discard` as well."""


def checker(name: str) -> Checker:
    """The checker module by its name in the table."""
    return cast("Checker", importlib.import_module(CHECKERS[name]))
