"""The real terraform, where it is installed: how it formats, and, given providers, what it validates and tests.

Nothing is fetched: providers come from a filesystem mirror that a CLI configuration names
(GROUNDPLAN_TERRAFORM_CONFIG), and everything happens in a copy. Without it only the format is judged, and that is said.
https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import posixpath
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from generator.checkers import Settings
from generator.checkers.workspace import Workspace
from generator.document import Location, TextFile
from generator.finding import Finding, NotChecked, Outcome, Pass, Severity, Tool

CONFIGURATION = "GROUNDPLAN_TERRAFORM_CONFIG"
_FORMATTED = (".tf", ".tfvars", ".tftest.hcl")
_SECONDS = 600
_WORKERS = 2


def check(files: Sequence[TextFile], settings: Settings) -> Outcome:
    """What terraform says of the files, in a copy of them."""
    mine = [file for file in files if file.path.endswith(_FORMATTED)]
    if not any(file.path.endswith(".tf") for file in mine):
        return Outcome()
    program = shutil.which("terraform")
    if program is None:
        why, fix = "terraform was not found", "install it; our own check of types and names has run"
        return Outcome(not_checked=(NotChecked("terraform fmt, validate and test", why, fix),))
    workspace = Workspace(mine)
    try:
        run = _Terraform(program, workspace)
        made = run.formatted(mine)
        return _together(made, run.validated(mine, settings), Outcome(tools=(Tool("terraform", run.version()),)))
    except (OSError, subprocess.TimeoutExpired) as error:
        why = "it took too long" if isinstance(error, subprocess.TimeoutExpired) else str(error)
        return Outcome(not_checked=(NotChecked("terraform fmt, validate and test", why, f"try {program} by hand"),))
    finally:
        workspace.close()


def _together(*outcomes: Outcome) -> Outcome:
    return Outcome(
        findings=tuple(finding for outcome in outcomes for finding in outcome.findings),
        passes=tuple(found for outcome in outcomes for found in outcome.passes),
        not_checked=tuple(row for outcome in outcomes for row in outcome.not_checked),
        tools=tuple(tool for outcome in outcomes for tool in outcome.tools),
    )


class _Terraform:
    def __init__(self, program: str, workspace: Workspace) -> None:
        self.program = program
        self.workspace = workspace
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
        self.configuration = os.environ.get(CONFIGURATION, "")
        own = self.workspace.note("terraform.rc")
        own.write_text("", encoding="utf-8")
        self.environment = {
            **kept,
            "TF_CLI_CONFIG_FILE": self.configuration or str(own),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
        }

    def run(self, *words: str, folder: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *words],
            cwd=self.workspace.root / folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )

    def version(self) -> str:
        return str(json.loads(self.run("version", "-json").stdout).get("terraform_version", "unknown"))

    def formatted(self, files: Sequence[TextFile]) -> Outcome:
        """Files that `terraform fmt` would write otherwise; one that it cannot read is another check's finding."""
        done = self.run("fmt", "-check", "-list=true", "-recursive", ".")
        wrong = {self.workspace.original(line.strip()) for line in done.stdout.splitlines() if line.strip()}
        findings = tuple(
            Finding(
                "terraform/unformatted",
                Severity.LOW,
                "terraform fmt would write this file otherwise",
                Location(file.path, 1, 1),
                fix="run `terraform fmt`",
            )
            for file in files
            if file.path in wrong
        )
        if done.returncode not in {0, 3}:
            return Outcome(findings=findings)
        return Outcome(findings, tuple(Pass("terraform/unformatted", f.path) for f in files if f.path not in wrong))

    def validated(self, files: Sequence[TextFile], settings: Settings) -> Outcome:
        if not self.configuration:
            why = f"{CONFIGURATION} names no CLI configuration with a mirror of providers"
            fix = "set it to one with provider_installation { filesystem_mirror { … } }; our own check has run"
            return Outcome(not_checked=(NotChecked("terraform validate and test", why, fix),))
        if not Path(self.configuration).is_file():
            why = f"{self.configuration}, which {CONFIGURATION} names, is no file"
            return Outcome(not_checked=(NotChecked("terraform validate and test", why, "mend the path"),))
        settings.progress("terraform validate and test")
        folders = sorted({posixpath.dirname(file.path) for file in files if file.path.endswith(".tf")})
        tested = {posixpath.dirname(posixpath.dirname(f.path)) for f in files if f.path.endswith(".tftest.hcl")}
        with concurrent.futures.ThreadPoolExecutor(_WORKERS) as pool:
            made = list(pool.map(lambda folder: self._folder(folder, tests=folder in tested), folders))
        return _together(*made)

    def _folder(self, folder: str, *, tests: bool) -> Outcome:
        name = self.workspace.names.get(folder, folder)
        started = self.run("init", "-backend=false", "-no-color", "-input=false", folder=name)
        if started.returncode:
            why = _first(started.stderr) or "terraform init did not work"
            return Outcome(not_checked=(NotChecked(f"{folder} by terraform validate", why, "see `terraform init`"),))
        findings: list[Finding] = []
        if not self._takes_providers(name):  # such a module is only whole when it is called
            answer = json.loads(self.run("validate", "-json", folder=name).stdout)
            findings += [_diagnosed(row, folder) for row in answer.get("diagnostics", [])]
        if tests:
            findings += self._tested(folder, name)
        passes = () if findings else (Pass("terraform/validate", f"{folder or '.'}/"),)
        return Outcome(tuple(findings), passes)

    def _takes_providers(self, name: str) -> bool:
        texts = (path.read_text(encoding="utf-8") for path in (self.workspace.root / name).glob("*.tf"))
        return any("configuration_aliases" in text for text in texts)

    def _tested(self, folder: str, name: str) -> Iterator[Finding]:
        done = self.run("test", "-no-color", folder=name)
        for file, line in re.findall(r"on (\S+\.tftest\.hcl) line (\d+)", done.stderr + done.stdout):
            at = Location(posixpath.join(folder, file), int(line), 1)
            message = "this does not hold when terraform tests it"
            yield Finding("terraform/test", Severity.HIGH, message, at, fix="run `terraform test` to see why")
        if done.returncode and not re.search(r"on \S+\.tftest\.hcl line", done.stderr + done.stdout):
            message = f"terraform test did not pass: {_first(done.stderr)}"
            yield Finding("terraform/test", Severity.HIGH, message, Location(f"{folder}/"), fix="run it by hand")


def _diagnosed(row: dict[str, object], folder: str) -> Finding:
    place = row.get("range")
    severity = Severity.HIGH if row.get("severity") == "error" else Severity.LOW
    detail = str(row.get("detail") or "").partition("\n")[0]
    message = f"{row.get('summary')}{f': {detail}' if detail else ''}"
    if not isinstance(place, dict):
        return Finding("terraform/validate", severity, message, Location(f"{folder}/"), fix="see `terraform validate`")
    start = place["start"]
    at = Location(posixpath.normpath(posixpath.join(folder, place["filename"])), start["line"], start["column"])
    return Finding("terraform/validate", severity, message, at, fix="see `terraform validate`")


def _first(text: str) -> str:
    return next((line.strip("│ ") for line in text.splitlines() if line.strip("│╷╵ ")), "")[:200]
