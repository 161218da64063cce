"""Compose files against the Compose Specification's schema."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from generator import data, shape, yamlfile
from generator.checkers import Settings
from generator.document import Node, TextFile
from generator.finding import Finding, Outcome, Pass, Severity, Tool

_NAME = re.compile(r"(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml")


def check(files: Sequence[TextFile], _settings: Settings) -> Outcome:
    """Findings for every compose file among the files."""
    findings: list[Finding] = []
    passes: list[Pass] = []
    for file in files:
        if not _NAME.fullmatch(PurePosixPath(file.path).name):
            continue
        documents, problems = yamlfile.read(file.text, file.path)
        found = [*problems, *(item for document in documents for item in _judged(document))]
        findings += found
        if not found and documents:
            passes.append(Pass("compose/schema", file.path))
    tools = (Tool("compose schema", "compose-spec"),) if findings or passes else ()
    return Outcome(tuple(findings), tuple(passes), (), tools)


def _judged(document: Node) -> list[Finding]:
    schema: dict[str, Any] = data.load("schemas/compose.schema.json")
    if _quick().is_valid(document.plain):
        return []
    return [
        Finding(
            f"compose/{difference.rule}",
            Severity.HIGH,
            difference.message,
            difference.at,
            fix=difference.fix,
            subject=_service(difference.at.pointer),
            property=difference.at.pointer,
        )
        for difference in shape.differences(document, schema)
    ]


def _service(pointer: str) -> str:
    words = pointer.split(".")
    return words[1] if words[0] == "services" and len(words) > 1 else ""


@functools.cache
def _quick() -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(data.load("schemas/compose.schema.json"))
