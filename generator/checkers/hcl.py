"""HCL files are read back: what cannot be parsed is a finding, not a surprise in a pipeline."""

from __future__ import annotations

import re
from collections.abc import Sequence

from generator.checkers import Settings
from generator.document import Location, TextFile
from generator.finding import Finding, Outcome, Pass, Severity, Tool

_SUFFIXES = (".hcl", ".tf", ".tfvars")


def check(files: Sequence[TextFile], _settings: Settings) -> Outcome:
    """A finding for each HCL file that python-hcl2 cannot read."""
    mine = [file for file in files if file.path.endswith(_SUFFIXES)]
    if not mine:
        return Outcome()
    from importlib import metadata

    found = {file.path: _judged(file) for file in mine}
    return Outcome(
        findings=tuple(item for item in found.values() if item is not None),
        passes=tuple(Pass("hcl/syntax", path) for path, item in found.items() if item is None),
        tools=(Tool("python-hcl2", metadata.version("python-hcl2")),),
    )


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
