"""The files that `lint` reads: those that are named or lie below a folder, and what must be known to judge them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator import disk
from generator.dockerfile import is_dockerfile
from generator.document import SourceFile
from generator.errors import Fault
from generator.finding import NotChecked
from generator.memory import Inputs
from generator.spec import shown

SPEC_NAMES = ("groundplan.yaml", "groundplan.yml")
_LEFT_OUT = frozenset(
    {".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__", ".terraform", disk.STAGING}
)
_MAX_BYTES = 2_000_000
_SUFFIXES = (
    *(".yaml", ".yml", ".json", ".dockerignore", ".Dockerfile", ".hcl", ".tf", ".tfvars", ".tfbackend"),
    *(".conf", ".tmpl"),
)
_SPEC = re.compile(r"^apiVersion: *[\"']?groundplan/", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Gathered:
    """`files` are to be judged, `beside` only read with them; `folders` are those that were looked into."""

    files: tuple[SourceFile, ...]
    beside: tuple[SourceFile, ...]
    not_checked: tuple[NotChecked, ...]
    inputs: Inputs


def gather(paths: Sequence[Path], root: Path) -> Gathered:
    """The text files below some paths; no link is followed. Raises Fault for a path that is not there."""
    files, unread, folders = _read(paths, root)
    asked = tuple(dict.fromkeys(path for file in files for path in _ignore_files(file, root)))
    known = {file.path for file in files}
    texts = {shown(path, root): _text(path) for path in asked if path.is_file() and shown(path, root) not in known}
    beside = tuple(SourceFile(name, text) for name, text in texts.items() if text is not None)
    kept, charts = _without_charts(files)
    names = (*(file.path for file in files), *(row.what for row in unread), *(str(path) for path in asked))
    inputs = Inputs(tuple(sorted({os.path.join(root, name) for name in names})), folders)  # noqa: PTH118
    return Gathered(kept, beside, (*unread, *charts, *_specs(files)), inputs)


def of_interest(file: Path) -> bool:
    """Whether a file has a name of the kinds that are linted; of documents only runbooks, to which alerts link."""
    name = file.name
    if name.endswith(".md"):
        return "runbook" in file.as_posix().lower()
    return name.endswith(_SUFFIXES) or "ockerfile" in name or name == "Containerfile"


def _read(paths: Sequence[Path], root: Path) -> tuple[tuple[SourceFile, ...], tuple[NotChecked, ...], tuple[str, ...]]:
    made: dict[Path, SourceFile] = {}
    unread: list[NotChecked] = []
    folders: list[str] = []
    for path in paths:
        if not path.exists():
            raise Fault(f"there is no {path}", "name a file or directory that exists")
        for file in _walk(path, folders):
            place = file.resolve()
            text = None if place in made or file.stat().st_size > _MAX_BYTES else _text(place)
            if text is not None:
                made[place] = SourceFile(shown(place, root), text)
            elif place not in made:
                unread.append(NotChecked(shown(place, root), "it is too large or no text", "leave it out of the paths"))
    return tuple(made.values()), tuple(unread), tuple(sorted(folders))


def _walk(path: Path, walked: list[str]) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for folder, folders, names in os.walk(path):
        walked.append(os.path.abspath(folder))  # noqa: PTH100
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        for name in sorted(names):
            file = Path(folder) / name
            if of_interest(file) and file.is_file() and not file.is_symlink():
                yield file


def _text(path: Path) -> str | None:
    raw = path.read_bytes()
    if b"\0" in raw:
        return None
    return raw.decode("utf-8-sig", "replace").replace("\r\n", "\n")


def _ignore_files(file: SourceFile, root: Path) -> Iterator[Path]:
    """Where Docker looks for what the context of a Dockerfile leaves out."""
    if is_dockerfile(file.path):
        place = root / file.path
        yield place.with_name(f"{place.name}.dockerignore")
        yield place.with_name(".dockerignore")


def _without_charts(files: Sequence[SourceFile]) -> tuple[tuple[SourceFile, ...], tuple[NotChecked, ...]]:
    """The files without templates of Helm charts, which are no YAML before they are rendered."""
    charts = [file.path.removesuffix("Chart.yaml") for file in files if Path(file.path).name == "Chart.yaml"]
    templates = tuple(f"{chart}templates/" for chart in charts)
    kept = tuple(file for file in files if not file.path.startswith(templates)) if templates else tuple(files)
    left = len(files) - len(kept)
    if not left:
        return kept, ()
    what = f"{left} Helm template{'s' if left > 1 else ''} below {', '.join(templates)}"
    return kept, (NotChecked(what, "a template is no manifest", "lint the output of `helm template`"),)


def _specs(files: Sequence[SourceFile]) -> Iterator[NotChecked]:
    """A spec is no file that lint knows; that nothing is said of it must not look like success."""
    for file in files:
        if Path(file.path).name in SPEC_NAMES or _SPEC.search(file.text):
            yield NotChecked(file.path, "it is a spec", f"run `groundplan validate --spec {file.path}`")
