"""The real terraform, where it is installed: its formatter always, `validate` and `test` when they are asked for.

It works on a private copy, with a home of its own, no credential, and providers from this machine only.
The formatter takes a tenth of a second; the others take seconds for each root and start the provider, so they run
when `GROUNDPLAN_TERRAFORM` says `validate` or `test` (which includes `validate`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.checkers import Settings, terraform_run
from generator.checkers.workspace import Workspace
from generator.document import Location, TextFile
from generator.finding import Finding, NotChecked, Outcome, Pass, Severity, Tool

VARIABLE = "GROUNDPLAN_TERRAFORM"
STEPS = ("fmt", "validate", "test")
_FORMATTED = (".tf", ".tfvars", ".tftest.hcl", ".tfmock.hcl")
_INSTALL = "install terraform 1.11 or newer, or leave it out with --skip terraform-cli"
_LONGEST_SECONDS = 60
_FETCHED = re.compile(r"(?:^|/)\.terraform/")


def check(files: Sequence[TextFile], settings: Settings) -> Outcome:
    """What terraform says of the Terraform files."""
    return start(files, settings).finish()


def program() -> Path | None:
    """terraform on the path."""
    found = shutil.which("terraform")
    return Path(found) if found else None


def start(files: Sequence[TextFile], settings: Settings) -> Job:
    """Begin to format a copy; `finish` of the answer waits for it, and does the rest."""
    mine = tuple(file for file in files if file.path.endswith(_FORMATTED) and not _FETCHED.search(file.path))
    if not mine:
        return Job((), settings, None, None, Outcome())
    binary = program()
    if binary is None:
        missing = NotChecked("terraform fmt, validate and test", "terraform was not found", _INSTALL)
        return Job(mine, settings, None, None, Outcome(not_checked=(missing,)))
    memory = _memory(mine, binary, settings)
    if memory.is_file():
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            return Job(mine, settings, binary, None, _recalled(memory, mine))
    try:
        return Job(mine, settings, binary, _begin(mine, binary, memory), Outcome())
    except OSError as failure:
        reason = f"{binary} cannot be started: {failure.strerror}"
        broken = NotChecked("terraform fmt", reason, _INSTALL, fleeting=True)
        return Job(mine, settings, None, None, Outcome(not_checked=(broken,)))


@dataclass(frozen=True, slots=True)
class Formatting:
    """terraform fmt at work on a copy of the files, which it rewrites."""

    process: subprocess.Popen[bytes]
    version: subprocess.Popen[bytes]
    workspace: Workspace
    memory: Path


@dataclass(frozen=True, slots=True)
class Job:
    """terraform at work, or what is known without it."""

    files: tuple[TextFile, ...]
    settings: Settings
    binary: Path | None
    formatting: Formatting | None
    early: Outcome

    def finish(self) -> Outcome:
        """Wait for the formatter, then run the steps that were asked for."""
        first = self.early if self.formatting is None else _formatted(self.formatting, self.files)
        if self.binary is None:
            return first
        wanted = os.environ.get(VARIABLE, "fmt") or "fmt"
        if wanted not in STEPS:
            fix = f"write one of {', '.join(STEPS)}"
            row = NotChecked("terraform validate and test", f'{VARIABLE} is "{wanted}"', fix)
            return _joined(first, Outcome(not_checked=(row,)))
        if wanted == "fmt":
            fix = f"set {VARIABLE}=validate or {VARIABLE}=test"
            row = NotChecked("terraform validate and test", "they take seconds, so they run when asked for", fix)
            return _joined(first, Outcome(not_checked=(row,)))
        return _joined(first, terraform_run.check(self.files, self.binary, self.settings, test=wanted == "test"))


def _joined(first: Outcome, second: Outcome) -> Outcome:
    return Outcome(
        (*first.findings, *second.findings),
        (*first.passes, *second.passes),
        (*first.not_checked, *second.not_checked),
        tuple(dict.fromkeys((*first.tools, *second.tools))),
    )


# the formatter


def _begin(files: Sequence[TextFile], binary: Path, memory: Path) -> Formatting:
    workspace = Workspace(files)
    environment = terraform_run.environment(workspace.note("home"), None)
    quiet = subprocess.DEVNULL
    try:
        with workspace.note("answer").open("wb") as answer, workspace.note("error").open("wb") as error:
            process = subprocess.Popen(
                [str(binary), "fmt", "-recursive", "-list=true", "-no-color", "."],
                cwd=workspace.root,
                env=environment,
                stdin=quiet,
                stdout=answer,
                stderr=error,
            )
        version = subprocess.Popen(
            [str(binary), "version"],
            cwd=workspace.root,
            env=environment,
            stdin=quiet,
            stdout=subprocess.PIPE,
            stderr=quiet,
        )
    except OSError:
        workspace.close()
        raise
    return Formatting(process, version, workspace, memory)


def _formatted(work: Formatting, files: Sequence[TextFile]) -> Outcome:
    try:
        try:
            work.process.wait(_LONGEST_SECONDS)
            said = work.version.communicate(timeout=_LONGEST_SECONDS)[0].decode("utf-8", "replace").split()
        except subprocess.TimeoutExpired:
            work.process.kill()
            work.version.kill()
            work.version.communicate()
            reason = f"it took longer than {_LONGEST_SECONDS} s"
            return Outcome(not_checked=(NotChecked("terraform fmt", reason, "run it on fewer files", fleeting=True),))
        error = work.workspace.note("error").read_text(encoding="utf-8", errors="replace")
        answer = _answer(work, files, error)
        if work.process.returncode and not answer["refused"]:
            reason = f'it said "{_first(error)}" (exit {work.process.returncode})'
            fix = "run `terraform fmt -check -recursive` to see more"
            return Outcome(not_checked=(NotChecked("terraform fmt", reason, fix, fleeting=True),))
        answer["version"] = said[1].removeprefix("v") if len(said) > 1 else ""
        _remember(work.memory, json.dumps(answer))
        return _outcome(answer, files)
    finally:
        work.workspace.close()


def _answer(work: Formatting, files: Sequence[TextFile], error: str) -> dict[str, Any]:
    """What is remembered: the places where the copy was rewritten, and what could not be read."""
    listed = work.workspace.note("answer").read_text(encoding="utf-8", errors="replace").splitlines()
    names = {os.path.normpath(line) for line in listed}
    unformatted: dict[str, tuple[int, str]] = {}
    for file in files:
        name = work.workspace.names[file.path]
        if os.path.normpath(name) in names:
            mended = (work.workspace.root / name).read_text(encoding="utf-8", errors="replace")
            unformatted[file.path] = _difference(file.text, mended)
    refused = [[work.workspace.original(name), line, said] for name, line, said in _errors(error)]
    return {"unformatted": unformatted, "refused": refused}


def _difference(before: str, after: str) -> tuple[int, str]:
    """The first line that the formatter writes otherwise, and how it writes it."""
    old, new = before.split("\n"), after.split("\n")
    for number, (one, other) in enumerate(zip(old, new, strict=False), 1):
        if one != other:
            return number, other
    return max(min(len(old), len(new)), 1), new[len(old)] if len(new) > len(old) else ""


_ERROR = re.compile(
    r"^Error: (?P<summary>.+)\n\n  on (?P<name>.+?) line (?P<line>\d+)[^\n]*\n(?:[ \t]+[^\n]*\n)*\n(?P<detail>[^\n]+)",
    re.M,
)


def _errors(text: str) -> Iterator[tuple[str, int, str]]:
    """Name of the file, line and words of each error that terraform prints."""
    for match in _ERROR.finditer(text):
        yield match["name"], int(match["line"]), terraform_run.worded(match["summary"], match["detail"])


def _first(text: str) -> str:
    """The first line with words in it."""
    return next((line.strip("│╷╵ \t") for line in text.splitlines() if line.strip("│╷╵ \t")), "nothing")[:200]


def _outcome(answer: dict[str, Any], files: Sequence[TextFile]) -> Outcome:
    findings = [_unformatted(path, line, written) for path, (line, written) in answer["unformatted"].items()]
    for path, line, words in answer["refused"]:
        fix = "mend the line; often a quote, a bracket or an = is missing there or just before"
        at = Location(path, line, 1)
        findings.append(Finding("terraform/fmt", Severity.HIGH, words, at, fix=fix, subject=path))
    touched = {finding.at.path for finding in findings}
    passes = tuple(Pass("terraform/unformatted", file.path) for file in files if file.path not in touched)
    return Outcome(tuple(findings), passes, (), (Tool("terraform", str(answer["version"])),))


def _unformatted(path: str, line: int, written: str) -> Finding:
    shown = written.strip()[:80]
    message = f'terraform fmt writes this line as "{shown}"' if shown else "terraform fmt leaves this line out"
    return Finding(
        "terraform/unformatted",
        Severity.LOW,
        message,
        Location(path, line, 1),
        fix=f"run `terraform fmt {path}`",
        subject=path,
    )


# what the formatter said before


def _memory(files: Sequence[TextFile], binary: Path, settings: Settings) -> Path:
    """Where the answer for exactly these files and this program is remembered."""
    program_state = binary.resolve().stat()
    mark = hashlib.sha256(f"1\0{binary}\0{program_state.st_size}\0{program_state.st_mtime_ns}".encode())
    for file in sorted(files, key=lambda file: file.path):
        mark.update(f"\0{file.path}\0{file.text}".encode("utf-8", "surrogatepass"))
    return settings.cache / "terraform-fmt" / f"{mark.hexdigest()}.json"


def _recalled(memory: Path, files: Sequence[TextFile]) -> Outcome:
    return _outcome(json.loads(memory.read_text(encoding="utf-8")), files)


def _remember(memory: Path, text: str) -> None:
    """Keep an answer; a cache that cannot be written is no error, and half an answer is never seen."""
    with contextlib.suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = memory.with_suffix(f".{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(memory)
