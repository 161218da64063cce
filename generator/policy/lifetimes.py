"""When the line of an image, or of an engine of AWS, ends, out of dated data (`schemas/data`)."""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Iterator

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
    """Image name -> line -> last supported day."""
    found: dict[str, dict[str, str]] = {}
    for name, line, end in (*_supported(), *_ended(), *_managed()):
        found.setdefault(name, {})[line] = end
    return found


def _supported() -> Iterator[tuple[str, str, str]]:
    """The lines that our own images come from."""
    content = data.load("schemas/data/runtimes.json")
    for group in ("runtimes", "images"):
        for entry in content.get(group, {}).values():
            for line, body in entry.get("lines", {}).items():
                images = list(body.get("images", {}).values()) or [body.get("image", {})]
                for image in images:
                    name = image_parts(image.get("ref", "")).get("name", "")
                    if name and body.get("end_of_life"):
                        yield name, line, body["end_of_life"]
    for distribution, body in content.get("distributions", {}).items():
        name, _, line = distribution.rpartition("-")
        if body.get("end_of_life"):
            yield name, line, body["end_of_life"]


def _ended() -> Iterator[tuple[str, str, str]]:
    """The lines that are over, which nobody would choose and many still run."""
    for name, entry in data.load("schemas/data/ended.json")["images"].items():
        for line, end in entry["lines"].items():
            yield name, line, end


def _managed() -> Iterator[tuple[str, str, str]]:
    """The lines of engines that AWS runs, where standard support ends on a day of its own."""
    for kind, entry in data.load("schemas/data/aws.json")["ended"].items():
        for line, end in entry["lines"].items():
            yield {"kubernetes": "eks"}.get(kind, f"rds-{kind}"), line, end
