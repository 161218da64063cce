"""`terraform validate` and `terraform test` of every root among the files, in a copy, with the providers at hand.

A root is a folder that no other calls as a module. What a root needs and this machine has not (a provider, a module
from a registry) is no finding: it is said as not checked.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import posixpath
import re
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.checkers import Settings
from generator.checkers.workspace import Workspace
from generator.document import Location, TextFile
from generator.finding import Finding, NotChecked, Outcome, Pass, Severity, Tool

CONFIGURATION = "GROUNDPLAN_TERRAFORM_CONFIG"
"""A CLI configuration of terraform's, or a folder laid out as its filesystem mirrors are."""

_WANTED = (".tf", ".tfvars", ".tf.json", ".tfvars.json", ".tftest.hcl", ".tftest.json", ".tfmock.hcl")
_LONGEST_SECONDS = 300
_AT_ONCE = 2
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "COMSPEC", "LD_LIBRARY_PATH")
_ELSEWHERE = frozenset(
    {
        "Error accessing remote module registry",
        "Failed to download module",
        "Failed to query available provider packages",
        "Failed to install provider",
        "Module not found",
        "Unreadable module directory",
        "Unsupported Terraform Core version",
        "Registry service unreachable",
        "Invalid registry hostname",
        "Required plugins are not installed",
        "Provider configuration not present",
        "Failed to load plugin schemas",
    }
)
"""What terraform says when something is missing here, not wrong there."""


def check(files: Sequence[TextFile], binary: Path, settings: Settings, *, test: bool) -> Outcome:
    """Validate every root; with `test`, run the tests of every folder that has some, too."""
    given = configuration()
    if isinstance(given, NotChecked):
        return Outcome(not_checked=(given,))
    mine = [file for file in files if file.path.endswith(_WANTED) and "/.terraform/" not in f"/{file.path}"]
    workspace = Workspace(mine)
    try:
        folders = _folders(mine)
        config = _written(given, workspace)
        calls = {path: _calls(path, folder) for path, folder in folders.items()}
        called = {target for targets in calls.values() for target in targets}
        work = [_Root(path, folders, calls, workspace, binary, config, path not in called, test) for path in folders]
        work = [root for root in work if root.is_root or root.tests()]
        settings.progress(f"terraform {'test' if test else 'validate'}: {len(work)} folders")
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            outcomes = list(pool.map(_Root.outcome, work))
    finally:
        workspace.close()
    return Outcome(
        tuple(dict.fromkeys(finding for outcome in outcomes for finding in outcome.findings)),
        tuple(found for outcome in outcomes for found in outcome.passes),
        tuple(dict.fromkeys(row for outcome in outcomes for row in outcome.not_checked)),
        tuple(dict.fromkeys(tool for outcome in outcomes for tool in outcome.tools)),
    )


def environment(home: Path, config: Path | None) -> dict[str, str]:
    """What terraform may see of ours: the path and the language, no credential, and a network that answers nothing."""
    home.mkdir(exist_ok=True)
    nothing = home / "empty.tfrc"
    nothing.touch()
    nowhere = "http://127.0.0.1:9"
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        **dict.fromkeys(proxies, nowhere),
        "HOME": str(home),
        "USERPROFILE": str(home),
        "APPDATA": str(home),
        "TF_CLI_CONFIG_FILE": str(config or nothing),
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "CHECKPOINT_DISABLE": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_TERMINAL_PROMPT": "0",
    }


def worded(summary: str, detail: str) -> str:
    """Terraform's words as a message of ours: one sentence, no full stop, the detail where there is one."""
    text = " ".join((detail or summary).split())
    sentence = re.split(r"(?<=[a-z\"')\]])\. (?=[A-Z])", text)[0].rstrip(".")
    return f"{summary.rstrip('.')}: {sentence}"[:400] if detail else sentence[:400]


# what is at hand


def configuration() -> Path | NotChecked | None:
    """The CLI configuration or mirror that was given; None where none was."""
    for variable in (CONFIGURATION, "TF_CLI_CONFIG_FILE"):
        named = os.environ.get(variable)
        if not named:
            continue
        path = Path(named).absolute()
        if path.exists():
            return path
        if variable == CONFIGURATION:
            what = "terraform validate and test"
            return NotChecked(what, f"there is nothing at {named}", f"mend {CONFIGURATION}")
    return None


def _written(configuration: Path | None, workspace: Workspace) -> Path:
    """A file for terraform: what was given, or one that knows a mirror only, which may be empty."""
    if configuration is not None and configuration.is_file():
        return configuration
    mirror = configuration or workspace.note("no-providers")
    mirror.mkdir(exist_ok=True)
    path = workspace.note("mirror.tfrc")
    quoted = json.dumps(str(mirror)).replace("${", "$${").replace("%{", "%%{")
    text = f"provider_installation {{\n  filesystem_mirror {{\n    path = {quoted}\n  }}\n}}\n"
    path.write_text(text, encoding="utf-8")
    return path


# folders and calls


@dataclass(frozen=True, slots=True)
class _Folder:
    """The Terraform files of a folder, and its tests, which may lie in `tests` below it."""

    files: tuple[TextFile, ...]
    tests: tuple[TextFile, ...]


def _folders(files: Iterable[TextFile]) -> dict[str, _Folder]:
    code: dict[str, list[TextFile]] = {}
    tests: dict[str, list[TextFile]] = {}
    for file in sorted(files, key=lambda file: file.path):
        folder = posixpath.dirname(file.path)
        if file.path.endswith((".tf", ".tf.json")):
            code.setdefault(folder, []).append(file)
        elif file.path.endswith(".tftest.hcl"):
            tests.setdefault(folder, []).append(file)
    return {
        path: _Folder(tuple(mine), (*tests.get(path, ()), *tests.get(posixpath.join(path, "tests"), ())))
        for path, mine in sorted(code.items())
    }


def _calls(path: str, folder: _Folder) -> frozenset[str]:
    """The folders that a folder or its tests call as modules."""
    return frozenset(
        posixpath.normpath(posixpath.join(path, source))
        for file in (*folder.files, *folder.tests)
        for source in _sources(file.text, file.path)
    )


@functools.lru_cache(maxsize=1024)
def _sources(text: str, path: str) -> tuple[str, ...]:
    """Local sources of the module blocks in a file, those in the runs of a test among them."""
    from generator.policy import hclread

    try:
        top = hclread.read(text, path)
    except hclread.Unreadable:
        return ()  # terraform says so itself
    inner = (block for run in top.blocks if run.kind == "run" for block in run.blocks)
    calls = [block for block in (*top.blocks, *inner) if block.kind == "module" and "source" in block.attributes]
    words = ("".join(map(str, block.attributes["source"][0].parts)) for block in calls)
    return tuple(word for word in words if word.startswith(("./", "../")))


# one root


@dataclass(frozen=True, slots=True)
class _Root:
    path: str
    folders: Mapping[str, _Folder]
    calls: Mapping[str, frozenset[str]]
    workspace: Workspace
    binary: Path
    config: Path
    is_root: bool
    test: bool

    @property
    def shown(self) -> str:
        return self.path or "."

    def tests(self) -> tuple[TextFile, ...]:
        return self.folders[self.path].tests if self.test else ()

    def outcome(self) -> Outcome:
        """Initialise the copy, validate it, run its tests; the first step that cannot be done ends it."""
        try:
            return self._outcome()
        except subprocess.TimeoutExpired as slow:
            reason = f"terraform {slow.cmd[1]} took longer than {slow.timeout:.0f} s"
            return self._undone(reason, "run it by hand, or on fewer files")
        except OSError as failure:
            return self._undone(f"{self.binary} cannot be started: {failure.strerror}", "install terraform anew")

    def _outcome(self) -> Outcome:
        refused = self._diagnostics(self._run("init", "-backend=false", "-input=false", "-json"))
        if outcome := self._missing(refused):
            return outcome
        if refused:
            return Outcome(tuple(self._finding(row) for row in refused))
        tools = tuple(self._providers())
        if not self.is_root:
            return self._tested(tools)
        answer = _json(self._run("validate", "-json"))
        if answer is None:
            return self._undone("terraform validate answered nothing that can be read", "run it by hand")
        rows = list(answer.get("diagnostics", []))
        if outcome := self._missing(rows):
            return outcome if not self.tests() else _both(outcome, self._tested(tools))
        wrong = tuple(self._finding(row) for row in rows)
        if any(finding.severity > Severity.LOW for finding in wrong):
            return Outcome(wrong, (), (), tools)
        passed = Outcome(wrong, (Pass("terraform/validate", self.shown),), (), tools)
        return _both(passed, self._tested(tools))

    def _missing(self, rows: Iterable[dict[str, Any]]) -> Outcome | None:
        """Not checked, when terraform lacks something here."""
        lacking = [row for row in rows if row.get("severity") == "error" and row.get("summary") in _ELSEWHERE]
        if not lacking:
            return None
        fix = f"let {CONFIGURATION} name a CLI configuration with a filesystem mirror, or the mirror itself"
        if lacking[0]["summary"] == "Provider configuration not present":
            fix = "nothing to do: it is a module that is given its providers, and is checked where it is called"
        return self._undone(worded(lacking[0]["summary"], lacking[0].get("detail", "")), fix)

    def _undone(self, reason: str, fix: str) -> Outcome:
        row = NotChecked(f"terraform validate of {self.shown}", reason, fix, fleeting=True)
        return Outcome(not_checked=(row,))

    def _run(self, *words: str) -> str:
        """Run terraform in the folder, and end all it started when it takes too long."""
        command = [str(self.binary), *words, "-no-color"]
        folder = self.workspace.root / self.path
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(self.workspace.note("home"), self.config),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return process.communicate(timeout=_LONGEST_SECONDS)[0].decode("utf-8", "replace")
        except BaseException:
            _end(process)
            raise

    def _diagnostics(self, text: str) -> list[dict[str, Any]]:
        """The errors among lines of JSON."""
        rows = [row.get("diagnostic") for line in text.splitlines() if (row := _json(line)) is not None]
        return [row for row in rows if row and row.get("severity") == "error" and not _is_heading(row)]

    def _finding(self, row: Mapping[str, Any], rule: str = "terraform/validate", front: str = "") -> Finding:
        summary, detail = str(row.get("summary", "")), str(row.get("detail", ""))
        at = self._place(row.get("range"))
        severity = Severity.HIGH if row.get("severity") == "error" else Severity.LOW
        return Finding(
            rule,
            severity,
            f"{front}{worded(summary, detail)}",
            at,
            fix=_advice(detail),
            subject=str((row.get("snippet") or {}).get("context") or ""),
        )

    def _place(self, said: Any) -> Location:
        """Where a diagnostic points, as the file is called by its owner."""
        if not isinstance(said, dict):
            return Location(self.folders[self.path].files[0].path)
        name = posixpath.normpath(posixpath.join(self.path, str(said.get("filename", "")).replace(os.sep, "/")))
        begin = said.get("start", {})
        return Location(self.workspace.original(name), int(begin.get("line", 0)), int(begin.get("column", 0)))

    def _providers(self) -> Iterator[Tool]:
        """The providers that took part, as the lock file that terraform wrote names them."""
        lock = self.workspace.root / self.path / ".terraform.lock.hcl"
        text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
        for name, version in re.findall(r'^provider "([^"]+)" \{\s*version\s*=\s*"([^"]+)"', text, re.M):
            yield Tool(f"terraform provider {name.removeprefix('registry.terraform.io/')}", version)

    # tests

    def _tested(self, tools: tuple[Tool, ...]) -> Outcome:
        if not self.tests():
            return Outcome(tools=tools)
        made = [self._tested_one(file) for file in self.tests()]
        return functools.reduce(_both, made, Outcome(tools=tools))

    def _tested_one(self, file: TextFile) -> Outcome:
        if reason := self._danger(file):
            fix = "run it by hand, with credentials of a test account"
            return Outcome(not_checked=(NotChecked(f"terraform test of {file.path}", reason, fix),))
        name = posixpath.relpath(file.path, self.path or ".")
        lines = [row for line in self._run("test", "-json", f"-filter={name}").splitlines() if (row := _json(line))]
        findings = tuple(
            self._finding(row["diagnostic"], "terraform/test", _run_name(row))
            for row in lines
            if row.get("type") == "diagnostic" and row["diagnostic"].get("severity") == "error"
        )
        summary = next((row["test_summary"] for row in lines if row.get("type") == "test_summary"), None)
        if findings:
            return Outcome(findings)
        if summary is None or summary.get("status") != "pass" or not summary.get("passed"):
            status = summary.get("status", "nothing") if summary else "nothing"
            reason = f'terraform test ended with "{status}" and no run that passed'
            undone = NotChecked(f"terraform test of {file.path}", reason, "run it by hand", fleeting=True)
            return Outcome(not_checked=(undone,))
        return Outcome((), (Pass("terraform/test", file.path),))

    def _danger(self, file: TextFile) -> str:
        """Why a test is not run here: it would start programs or ask a cloud."""
        reached = self._reached()
        texts = [each.text for path in reached for each in self.folders[path].files]
        if any(re.search(r"^\s*provisioner\s+\"", text, re.M) for text in texts):
            return "it could run the programs of a provisioner on this machine"
        mocked = set(re.findall(r"^\s*mock_provider\s+\"([\w-]+)\"", file.text, re.M))
        typed = {name for text in texts for name in re.findall(_TYPED, text)}
        open_ones = sorted(typed - mocked - {"terraform"})
        return f"it would ask the provider {open_ones[0]}, which it does not mock" if open_ones else ""

    def _reached(self) -> frozenset[str]:
        """This folder and all it calls, by whatever way."""
        seen: set[str] = set()
        ahead = [self.path]
        while ahead:
            path = ahead.pop()
            if path not in seen and path in self.folders:
                seen.add(path)
                ahead += self.calls[path]
        return frozenset(seen)


_TYPED = re.compile(r'^\s*(?:resource|data|ephemeral)\s+"([a-z0-9-]+)_', re.M)


def _both(first: Outcome, second: Outcome) -> Outcome:
    return Outcome(
        (*first.findings, *second.findings),
        (*first.passes, *second.passes),
        (*first.not_checked, *second.not_checked),
        (*first.tools, *second.tools),
    )


def _is_heading(row: Mapping[str, Any]) -> bool:
    """Whether it only says that others follow."""
    return str(row.get("summary", "")).startswith("Terraform encountered problems during initialisation")


def _run_name(row: Mapping[str, Any]) -> str:
    name = row.get("@testrun")
    return f'run "{name}": ' if name else ""


def _advice(detail: str) -> str:
    """What terraform proposes, if it does."""
    found = re.search(r"Did you mean ([^?]+)\?", detail)
    return f"did you mean {found[1]}?" if found else "mend it; these are the words of terraform itself"


def _json(text: str) -> dict[str, Any] | None:
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End terraform and the providers it started."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.communicate()
