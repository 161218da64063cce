"""Report -> text. Each format is a module with `render(report, sources)`; the table is the registry.

Every format is bytes-stable, ends with a line feed, and lets no value of the user's break out of it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Protocol, cast

from generator.errors import Fault
from generator.report import Report
from generator.reporters.wording import Style

__all__ = ["REPORTERS", "Reporter", "Style", "render", "reporter"]


class Reporter(Protocol):
    """What a reporter module looks like; `sources` has texts by path, for source frames."""

    def render(self, report: Report, sources: Mapping[str, str], style: Style) -> str: ...


REPORTERS: dict[str, str] = {
    "terminal": "generator.reporters.terminal",
    "json": "generator.reporters.json",
    "markdown": "generator.reporters.markdown",
    "html": "generator.reporters.html",
    "sarif": "generator.reporters.sarif",
    "junit": "generator.reporters.junit",
    "github": "generator.reporters.github",
    "gitlab": "generator.reporters.gitlab",
}


def reporter(name: str) -> Reporter:
    """The reporter module by its name in the table. Raises Fault for an unknown one."""
    if name not in REPORTERS:
        raise Fault(f'"{name}" is not an output format', f"take one of {', '.join(REPORTERS)}")
    return cast("Reporter", importlib.import_module(REPORTERS[name]))


def render(name: str, report: Report, sources: Mapping[str, str], style: Style | None = None) -> str:
    """The report in a format; only formats for a terminal look at the style."""
    return reporter(name).render(report, sources, style or Style())
