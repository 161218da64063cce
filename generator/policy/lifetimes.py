"""When the line of an image ends, out of dated data (`schemas/data/runtimes.json`)."""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Iterator
from typing import Any

from generator import data
from generator.policy.dockertree import image_parts


def end_of_life(image: str) -> str | None:
    """The last supported day (`YYYY-MM-DD`) of what the image's tag names, or None when unknown."""
    parts = image_parts(image)
    tag = parts.get("tag", "")
    cycles = _cycles().get(parts.get("name", ""))
    if not cycles or not tag:
        return None
    best = max((cycle for cycle in cycles if _covers(cycle, tag)), key=len, default=None)
    return cycles[best] if best else None


def days_later(date: str, days: int) -> str:
    """A date some days on."""
    return (datetime.date.fromisoformat(date) + datetime.timedelta(days=days)).isoformat()


def _covers(cycle: str, tag: str) -> bool:
    """`20` covers `20`, `20.1.0` and `20-alpine`, not `2` or `200`."""
    return bool(re.match(re.escape(cycle) + r"(?![\d])", tag.removeprefix("v")))


@functools.cache
def _cycles() -> dict[str, dict[str, str]]:
    """Image name -> cycle -> end of life."""
    try:
        content = data.load("schemas/data/runtimes.json")
    except (FileNotFoundError, ValueError):
        return {}
    found: dict[str, dict[str, str]] = {}
    for names, cycles in _entries(content):
        for name in names:
            found.setdefault(name, {}).update(cycles)
    return found


def _entries(content: Any) -> Iterator[tuple[list[str], dict[str, str]]]:
    return iter(())
