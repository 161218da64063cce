"""Which projects some changed files are part of: what a hook before a commit has to look at.

A file is part of a project when it is the spec, what that extends, the lock, or what the lock says was generated.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from generator import lock
from generator.memory import Inputs
from generator.project import Project
from generator.sources import SPEC_NAMES

_EXTENDS = re.compile(r"^extends:\s*[\"']?([^\"'\s#]+)", re.MULTILINE)


def projects(files: Iterable[Path]) -> tuple[Project, ...]:
    """The projects that these files are part of, each once, sorted; none when they are part of none."""
    mine: dict[Path, set[str]] = {}
    for file in files:
        for folder in (place := Path(os.path.abspath(file))).parents:  # noqa: PTH100
            if any((folder / name).is_file() for name in (*SPEC_NAMES, lock.NAME)):
                mine.setdefault(folder, set()).add(place.relative_to(folder).as_posix())
                break
    found = (_concerned(folder, paths) for folder, paths in sorted(mine.items()))
    return tuple(project for project in found if project is not None)


def inputs(files: Iterable[Path]) -> Inputs:
    """Where a spec or lock was looked for."""
    folders = {folder for file in files for folder in Path(os.path.abspath(file)).parents}  # noqa: PTH100
    return Inputs(tuple(sorted(str(folder / name) for folder in folders for name in (*SPEC_NAMES, lock.NAME))))


def _concerned(folder: Path, paths: set[str]) -> Project | None:
    known = lock.salvage(folder)
    names = [name for name in (known.spec, *SPEC_NAMES) if name and (folder / name).is_file()]
    if not names:
        return None
    spec = folder / names[0]
    parts = {names[0], lock.NAME, *known.files, *_extended(spec)}
    return Project(spec, folder) if parts & paths else None


def _extended(spec: Path) -> Iterator[str]:
    """What a spec extends, and what that extends, as paths from its folder; the spec's own checks find the rest."""
    seen: set[Path] = set()
    here: Path | None = spec
    while here is not None and here not in seen:
        seen.add(here)
        try:
            named = _EXTENDS.search(here.read_text("utf-8", errors="replace"))
        except OSError:
            return
        here = Path(os.path.normpath(here.parent / named[1])) if named else None
        if here is not None:
            yield Path(os.path.relpath(here, spec.parent)).as_posix()
