"""From nothing, or from a source tree, to a project that its own gate passes: what `init` does.

The files of `scaffold` are written first, then all that the spec renders, as `generate` writes it: all or nothing,
and never over a file that was there.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from generator import editor_schema, project, scaffold
from generator.finding import Severity
from generator.project import Made
from generator.scaffold import SPEC_NAME, Laid

SCHEMA_NAME = "groundplan.schema.json"
LINT_ONLY = "lint-only"


@dataclass(frozen=True, slots=True)
class Started:
    """A project that was begun; `made` is the report of what its spec renders, when it was rendered."""

    directory: Path
    laid: Laid
    made: Made | None
    notes: tuple[str, ...]
    """What was seen in the source and is not in the spec."""

    @property
    def told(self) -> Iterator[str]:
        """What happened and what comes next, a sentence a line."""
        if self.laid.written:
            yield f"wrote {', '.join(self.laid.written)}"
        if self.laid.kept:
            yield f"kept {', '.join(self.laid.kept)}: there already, and not touched"
        for note in self.notes:
            yield f"seen, and not in the spec: {note}"
        if self.made is not None and self.made.report.changes:
            yield f"rendered {len(self.made.report.changes)} files from {SPEC_NAME}"
        yield f"next: {self._next}"

    @property
    def _next(self) -> str:
        there = "" if self.directory.resolve() == Path.cwd() else f"cd {shlex.quote(str(self.directory))} && "
        if SPEC_NAME not in self.laid.written:
            return f"{there}groundplan lint ."
        if self.made is None:
            return f"{there}groundplan generate"
        if not self.made.report.changes:
            return f"{there}groundplan generate, when what stands above is mended; --force replaces files of yours"
        return f"{there}groundplan check"


def bootstrap(directory: Path, given: Mapping[str, str], *, detected: bool, spec_only: bool) -> Started:
    """Make a project in a directory. Raises Fault for answers that make none, and when there is a spec already."""
    answers = scaffold.complete(directory, given, detected=detected)
    texts: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    if detected:
        texts[SPEC_NAME], notes, answers["runtime"] = _found(directory, answers)
    if spec_only:
        laid = scaffold.lay(directory, answers, texts, only=frozenset({SPEC_NAME}))
        return Started(directory, laid, None, notes)
    if answers["variant"] != LINT_ONLY:
        texts[SCHEMA_NAME] = editor_schema.text()
    laid = scaffold.lay(directory, answers, texts)
    if SPEC_NAME not in laid.written:
        return Started(directory, laid, None, notes)
    made, _ = project.generate(project.find(directory / SPEC_NAME), Severity.MEDIUM, write=True, force=False)
    return Started(directory, laid, made, notes)


def _found(directory: Path, answers: Mapping[str, str]) -> tuple[str, tuple[str, ...], str]:
    """The spec of a source tree, what could not be said in it, and the first runtime."""
    from generator.detect import detect, spec_text

    found = detect(directory)
    runtimes = [service.runtime.value for service in found.services if service.runtime is not None]
    return spec_text(found, answers), tuple(found.notes), str(runtimes[0]) if runtimes else answers["runtime"]
