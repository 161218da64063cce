"""Compose files against the schema of the Compose Specification.

Compose reads `no`, `on` and `yes` as texts (YAML 1.2) where our reader sees truth values (YAML 1.1, for
Kubernetes), so such words are put back before anything is said about them. What an overriding file marks
with `!reset` is taken away by Compose, whatever stands behind it.
"""

from __future__ import annotations

import dataclasses
import functools
import posixpath
import re
from collections.abc import Sequence
from typing import Any

from generator import data
from generator.checkers import Settings, conformance
from generator.checkers.conformance import Breach
from generator.document import Location, Node, TextFile
from generator.finding import Finding, Outcome, Pass, Severity, Tool

SCHEMA = "compose/schema"
_RULES = {
    conformance.UNKNOWN: "compose/unknown-key",
    conformance.TYPE: "compose/wrong-type",
    conformance.MISSING: "compose/missing-key",
    conformance.VALUE: "compose/invalid-value",
}
_NAME = re.compile(r"(?:docker-)?compose(?:[.-][^/]*)?\.ya?ml")
_WORD = re.compile(r"[A-Za-z]+")


def check(files: Sequence[TextFile], _settings: Settings) -> Outcome:
    """What does not conform in the compose files among the files."""
    mine = [file for file in files if is_compose(file.path)]
    if not mine:
        return Outcome()
    findings: list[Finding] = []
    passes: list[Pass] = []
    for file in mine:
        said = _findings(file)
        findings += said
        passes += [] if said else [Pass(SCHEMA, file.path)]
    return Outcome(tuple(findings), tuple(passes), (), (Tool("compose schema", version()),))


def is_compose(path: str) -> bool:
    """compose.yaml, docker-compose.yml, compose.override.yaml, docker-compose.prod.yml."""
    return _NAME.fullmatch(posixpath.basename(path)) is not None


def _findings(file: TextFile) -> list[Finding]:
    from generator import yamlfile

    roots, findings = yamlfile.read(file.text, file.path)
    said = list(findings)
    if not roots and not findings:
        said.append(
            _finding(Breach(Location(file.path, 1, 1), conformance.MISSING, "the file is empty", "add `services`"))
        )
    for root in roots:
        validator, schema = _validator()
        if validator.is_valid(root.plain):
            continue
        node = _as_compose_reads(root, file.text.splitlines())
        errors = validator.iter_errors(node.plain)
        breaches = conformance.breaches(errors, node, schema, noun="a compose file")
        said += [_finding(breach) for breach in sorted(set(breaches))]
    return said


def _finding(breach: Breach) -> Finding:
    subject = ".".join(breach.property.split(".")[:2]) if breach.property.startswith("services.") else ""
    return Finding(
        _RULES[breach.problem],
        Severity.HIGH,
        breach.message.replace(" is not a field of ", " is not a key of "),
        breach.at,
        fix=breach.fix.replace("its fields are: ", "its keys are: "),
        subject=subject,
        property=breach.property,
        value=breach.value,
    )


def _as_compose_reads(node: Node, lines: Sequence[str]) -> Node:
    if isinstance(node.value, dict):
        kept = {key: child for key, child in node.value.items() if not _is_reset(child, lines)}
        return dataclasses.replace(node, value={k: _as_compose_reads(v, lines) for k, v in kept.items()})
    if isinstance(node.value, tuple):
        return dataclasses.replace(node, value=tuple(_as_compose_reads(child, lines) for child in node.value))
    if isinstance(node.value, bool) and node.at.line <= len(lines):
        match = _WORD.match(lines[node.at.line - 1], node.at.column - 1)
        if match and match[0].lower() not in {"true", "false"}:
            return dataclasses.replace(node, value=match[0])
    return node


def _is_reset(node: Node, lines: Sequence[str]) -> bool:
    return node.at.line <= len(lines) and lines[node.at.line - 1].startswith("!reset", node.at.column - 1)


@functools.cache
def _validator() -> tuple[Any, Any]:
    import jsonschema_rs

    schema = data.load("schemas/compose.schema.json")
    return jsonschema_rs.validator_for(schema), schema


def version() -> str:
    """The hash of the specification's schema, as short as one shows a commit."""
    comment = str(data.load("schemas/compose.schema.json")["$comment"])
    match = re.search(r"sha256 ([0-9a-f]{12})", comment)
    return match[1] if match else ""
