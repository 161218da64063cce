"""Terraform as `terraform validate` would see it, without terraform, provider or network.

Types and arguments are judged by what the AWS provider says of itself (kept as data), names by what a folder
declares. Of other providers only the names are judged, and that is said.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from generator.checkers import Settings
from generator.checkers.terraform import bodies, facts, language, values
from generator.checkers.terraform.names import Folder, References
from generator.document import Location, TextFile
from generator.finding import Finding, NotChecked, Outcome, Pass, Severity, Tool
from generator.policy.hclread import Block, Unreadable, read

_READ = (".tf", ".tfvars", ".tftest.hcl", ".tfbackend")


def check(files: Sequence[TextFile], settings: Settings) -> Outcome:
    """Findings on every Terraform file; `settings` has nothing to say here."""
    del settings
    mine = [file for file in files if file.path.endswith(_READ)]
    if not mine:
        return Outcome()
    findings: list[Finding] = []
    folders: dict[str, Folder] = {}
    aside = [file for file in mine if _is_override(file.path)]
    for file in sorted(mine, key=lambda file: file.path):
        block = _read(file, findings)
        if block is not None and file.path.endswith(".tf") and file not in aside:
            folder = folders.setdefault(posixpath.dirname(file.path), Folder(posixpath.dirname(file.path)))
            findings += language.loose(block)
            for inner in block.blocks:
                findings += bodies.judge(inner)
                folder.declare(inner)
    broken = {posixpath.dirname(finding.at.path) for finding in findings if finding.rule == "terraform/syntax"}
    partly = {posixpath.dirname(file.path) for file in (*aside, *_json(files))}
    unseen: set[str] = set()
    for path, folder in folders.items():
        folder.whole = path not in broken | partly  # else what its other files declare is not known
    for folder in folders.values():
        findings += values.beside(language.judge(folder), findings)
        if folder.whole:
            references = References(folder, folders)
            findings += references.judge()
            unseen |= references.unseen
    findings += values.beside(values.judge(folders), findings)
    wrong = {finding.at.path for finding in findings}
    return Outcome(
        findings=tuple(findings),
        passes=tuple(Pass("terraform/schema", file.path) for file in mine if file.path not in wrong),
        not_checked=(*_strangers(folders), *_unseen(unseen), *_partly(partly)),
        tools=(Tool("terraform schema", f"aws {facts.version()}"),),
    )


def _read(file: TextFile, findings: list[Finding]) -> Block | None:
    try:
        return read(file.text, file.path)
    except Unreadable as error:
        place, _, column = str(error).rpartition(":")
        line = place.rpartition(":")[2]
        at = (
            Location(file.path, int(line), int(column))
            if line.isdigit() and column.isdigit()
            else Location(file.path, 1, 1)
        )
        text = file.text.splitlines()[at.line - 1 : at.line]
        shown = f": {text[0].strip()[:60]}" if text and text[0].strip() else ""
        fix = "look for a bracket, quote or = that is missing there or just before"
        message = f"{error.why or 'this cannot be read as HCL'}{shown}"
        findings.append(
            Finding("terraform/syntax", Severity.HIGH, message, at, fix=fix, aliases=(*bodies.REAL, "terraform/fmt"))
        )
        return None


def _strangers(folders: dict[str, Folder]) -> list[NotChecked]:
    """Providers whose types are not known here, each said once."""
    own = {"terraform"}
    found = {
        type_.split("_")[0]
        for folder in folders.values()
        for kind, type_, _ in folder.typed
        if not type_.startswith(facts.PREFIX)
    }
    why = "only the types of the AWS provider are known here"
    fix = "run `terraform validate` beside this; names and references are checked"
    return [NotChecked(f"types of the provider {name}", why, fix) for name in sorted(found - own)]


def _unseen(places: set[str]) -> list[NotChecked]:
    why, fix = "its files were not among those given", "give the folder that holds the roots and the modules"
    return [NotChecked(f"arguments of the module {place}", why, fix) for place in sorted(places)]


def _is_override(path: str) -> bool:
    """Whether a file changes blocks of other files, as Terraform merges them."""
    name = posixpath.basename(path)
    return name == "override.tf" or name.endswith("_override.tf")


def _json(files: Sequence[TextFile]) -> list[TextFile]:
    return [file for file in files if file.path.endswith(".tf.json")]


def _partly(places: set[str]) -> list[NotChecked]:
    why, fix = "it has files in JSON, or files that override others", "run `terraform validate` beside this"
    return [NotChecked(f"names and types in {place or '.'}", why, fix) for place in sorted(places)]
