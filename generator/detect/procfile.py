"""Procfiles: `name: command`, a line a process; `release` runs before each rollout."""

from __future__ import annotations

import re
from dataclasses import dataclass

from generator.detect.found import Found, Process
from generator.detect.tree import Tree

_LINE = re.compile(r"([A-Za-z0-9_-]+):\s*+(\S.*)")


@dataclass(frozen=True, slots=True)
class Procfile:
    processes: tuple[Process, ...] = ()
    release: Found[str] | None = None


def read(tree: Tree, folder: str) -> Procfile:
    """The processes of a folder, `web` first; what is for development alone is left out."""
    path = tree.first(folder, "Procfile")
    if path is None:
        return Procfile()
    processes: list[Process] = []
    release = None
    for number, line in tree.text(path).lines():
        match = _LINE.match(line.rstrip())
        if match is None or line.lstrip().startswith("#") or not match[2].isprintable():
            continue
        name, command, where = match[1], match[2], f"{path}:{number}"
        if name == "release":
            release = Found(command, where)
            continue
        made = Process(name=Found(name, where), start=Found(command, where), listens=name == "web")
        processes.insert(0 if name == "web" else len(processes), made)
    return Procfile(tuple(processes), release)
