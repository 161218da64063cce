"""Every YAML file can be read: the checkers of a format see only the files they recognise."""

from __future__ import annotations

from collections.abc import Sequence

from generator import yamlfile
from generator.checkers import Settings
from generator.document import TextFile
from generator.finding import Outcome, Pass


def check(files: Sequence[TextFile], _settings: Settings) -> Outcome:
    """What cannot be read, or reads differently from what was meant, in any YAML file."""
    read = {
        file.path: yamlfile.read(file.text, file.path)[1] for file in files if file.path.endswith((".yaml", ".yml"))
    }
    return Outcome(
        findings=tuple(finding for found in read.values() for finding in found),
        passes=tuple(Pass("yaml/syntax", path) for path, found in read.items() if not found),
    )
