"""HCL files are read back: what cannot be parsed is a finding, not a surprise in a pipeline.

The parser takes a quarter of a second to start, so a text that it has read once is remembered by its hash.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from generator.checkers import Settings
from generator.document import Location, TextFile
from generator.finding import Finding, Outcome, Pass, Severity, Tool

_SUFFIXES = (".hcl",)
_TERRAFORM = (".tftest.hcl", ".tfmock.hcl", ".terraform.lock.hcl")
"""Files of Terraform's, which have a checker of their own."""


def check(files: Sequence[TextFile], settings: Settings) -> Outcome:
    """A finding for each HCL file that python-hcl2 cannot read."""
    mine = [file for file in files if file.path.endswith(_SUFFIXES) and not file.path.endswith(_TERRAFORM)]
    if not mine:
        return Outcome()
    from importlib import metadata

    version = metadata.version("python-hcl2")
    found = {file.path: _remembered(file, settings.cache / "read-hcl" / version) for file in mine}
    return Outcome(
        findings=tuple(item for item in found.values() if item is not None),
        passes=tuple(Pass("hcl/syntax", path) for path, item in found.items() if item is None),
        tools=(Tool("python-hcl2", version),),
    )


def _remembered(file: TextFile, folder: Path) -> Finding | None:
    """The verdict on a text; that it can be read is kept in the cache, a finding is made anew."""
    mark = folder / hashlib.sha256(file.text.encode("utf-8", "surrogatepass")).hexdigest()
    if mark.is_file():
        return None
    found = _judged(file)
    if found is None:
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            mark.touch()
    return found


def _judged(file: TextFile) -> Finding | None:
    import hcl2

    try:
        hcl2.loads(file.text if file.text.endswith("\n") else f"{file.text}\n")
    except Exception as error:  # the parser's errors have no common class of their own
        place = re.search(r"line (\d+)[, ]+col(?:umn)? (\d+)", str(error))
        line, column = (int(word) for word in place.groups()) if place else (1, 1)
        at = Location(file.path, max(line, 1), max(column, 1))
        first = str(error).strip().splitlines()[0]
        message = f"HCL cannot be read here: {first}"
        return Finding("hcl/syntax", Severity.HIGH, message, at, fix="mend the line; often a quote or brace is missing")
    return None
