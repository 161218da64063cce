"""The real promtool and amtool, where they are installed: rule files, configurations, and the tests when asked for.

They work on a private copy. Reading takes a tenth of a second; the tests of a large product take many, so they run
when `GROUNDPLAN_PROMTOOL` says `test`. An older program refuses keys it does not know: that is no verdict on the file.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from generator.checkers import Settings
from generator.checkers.workspace import Workspace
from generator.document import Location, TextFile
from generator.finding import Finding, NotChecked, Outcome, Pass, Severity, Tool

VARIABLE = "GROUNDPLAN_PROMTOOL"
STEPS = ("check", "test")
_LONGEST_SECONDS = 600
_KEYS: Mapping[str, tuple[str, ...]] = {
    "tests": ("rule_files", "tests"),
    "rules": ("groups",),
    "configuration": ("scrape_configs",),
    "alertmanager": ("route", "receivers"),
}
"""Top-level keys by which a file is known, the most telling first."""

_UNKNOWN = re.compile(
    r"field (?P<key>\w+) not found in type|(?:unknown|unsupported) (?:service discovery|receiver)"
    r"|unable to find the type for"
)
_PLACE = re.compile(r"(?:^|[\s:])(?:line )?(?P<line>\d+)(?::(?P<column>\d+))?: ")
_INSTALL = {
    "promtool": "install it (it comes with Prometheus), or leave it out with --skip promtool",
    "amtool": "install it (it comes with Alertmanager), or leave it out with --skip promtool",
}


@dataclass(frozen=True, slots=True)
class _Said:
    """What a program says of one file; "" is nothing to say against it."""

    path: str
    text: str


class _Unanswered(Exception):
    """A program that gave no verdict; its text says why."""


def check(files: Sequence[TextFile], _settings: Settings) -> Outcome:
    """What the programs say of rule files, their tests, and the configurations of Prometheus and Alertmanager."""
    kinds = {name: [file for file in files if _kind(file) == name] for name in _KEYS}
    if not any(kinds.values()):
        return Outcome()
    workspace = Workspace([file for file in files if _kind(file) or file.path.endswith(".tmpl")])
    try:
        rules = _answered("promtool", _with_promtool(kinds, workspace))
        return _joined([*rules, *_answered("amtool", _with_amtool(kinds["alertmanager"], workspace))])
    finally:
        workspace.close()


def _answered(tool: str, outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    """The outcomes as far as the program gives any; what it does not answer is not checked."""
    try:
        yield from outcomes
    except _Unanswered as reason:
        row = NotChecked(
            f"files by {tool}", str(reason), f"run `{tool} --version` to see whether it works", fleeting=True
        )
        yield Outcome(not_checked=(row,))


def _kind(file: TextFile) -> str:
    if not file.path.endswith((".yaml", ".yml")):
        return ""
    for name, keys in _KEYS.items():
        if all(re.search(rf"^{key}:", file.text, re.MULTILINE) for key in keys):
            rules = name != "rules" or re.search(r"^\s+(?:- )?rules:", file.text, re.MULTILINE)
            return name if rules else ""
    return ""


def _with_promtool(kinds: Mapping[str, Sequence[TextFile]], workspace: Workspace) -> Iterator[Outcome]:
    rules, tests, configurations = kinds["rules"], kinds["tests"], kinds["configuration"]
    if not (rules or tests or configurations):
        return
    program = shutil.which("promtool")
    if program is None:
        what = "rules of Prometheus, their tests and its configuration by promtool"
        yield Outcome(not_checked=(NotChecked(what, "promtool was not found", _INSTALL["promtool"]),))
        return
    yield Outcome(tools=(_version(program, "promtool"),))
    if rules:
        answer = _run([program, "check", "rules", "--lint=all", "--lint-fatal", *_places(rules, workspace)], workspace)
        yield _verdict("promtool", "rules", rules, _by_file(answer, workspace))
    for file in configurations:
        answer = _run([program, "check", "config", "--syntax-only", workspace.names[file.path]], workspace)
        yield _verdict("promtool", "configuration", [file], [_Said(file.path, _failure(answer))])
    if tests:
        yield from _tests(program, tests, workspace)


def _tests(program: str, tests: Sequence[TextFile], workspace: Workspace) -> Iterator[Outcome]:
    wanted = os.environ.get(VARIABLE, "check") or "check"
    many = f"{len(tests)} files of tests of alerts by promtool"
    if wanted not in STEPS:
        row = NotChecked(many, f'{VARIABLE} is "{wanted}"', f"write one of {', '.join(STEPS)}")
        yield Outcome(not_checked=(row,))
    elif wanted == "check":
        row = NotChecked(many, "they take seconds, so they run when asked for", f"set {VARIABLE}=test")
        yield Outcome(not_checked=(row,))
    else:
        for file in tests:
            answer = _run([program, "test", "rules", workspace.names[file.path]], workspace)
            yield _verdict("promtool", "test", [file], [_Said(file.path, _failure(answer))])


def _with_amtool(files: Sequence[TextFile], workspace: Workspace) -> Iterator[Outcome]:
    if not files:
        return
    program = shutil.which("amtool")
    if program is None:
        row = NotChecked("Alertmanager's configuration by amtool", "amtool was not found", _INSTALL["amtool"])
        yield Outcome(not_checked=(row,))
        return
    yield Outcome(tools=(_version(program, "amtool"),))
    for file in files:
        answer = _run([program, "check-config", workspace.names[file.path]], workspace)
        yield _verdict("amtool", "configuration", [file], [_Said(file.path, _failure(answer))])


def _places(files: Sequence[TextFile], workspace: Workspace) -> list[str]:
    return [workspace.names[file.path] for file in files]


def _run(command: Sequence[str], workspace: Workspace) -> str:
    """Everything it says, in its order, when something is wrong. Raises _Unanswered for what stops it before."""
    try:
        done = subprocess.run(
            command,
            cwd=workspace.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    except OSError as failure:
        raise _Unanswered(f"{command[0]} cannot be started: {failure.strerror}") from failure
    except subprocess.TimeoutExpired as failure:
        raise _Unanswered(f"it took longer than {_LONGEST_SECONDS} s") from failure
    if done.returncode and "FAILED:" not in done.stdout:
        first = (done.stdout.strip().splitlines() or ["nothing"])[0]
        raise _Unanswered(f'it said "{first[:200]}" (exit {done.returncode})')
    return done.stdout if done.returncode else ""


def _version(program: str, name: str) -> Tool:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return Tool(name, "unknown")
    match = re.search(r"version (\d+\.\d+\.\d+)", said.stdout + said.stderr)
    return Tool(name, match[1] if match else "unknown")


def _failure(answer: str) -> str:
    """What stands behind FAILED; "" when nothing failed."""
    _, failed, rest = answer.partition("FAILED:")
    lines = [line.strip() for line in rest.splitlines() if line.strip() and not line.startswith("amtool: error")]
    return " ".join(lines) if failed else ""


def _by_file(answer: str, workspace: Workspace) -> Iterator[_Said]:
    """`promtool check rules` begins each file with its name; a failure names no file but the last one begun."""
    for part in re.split(r"^Checking ", answer, flags=re.MULTILINE)[1:]:
        name, _, rest = part.partition("\n")
        yield _Said(workspace.original(name.strip()), _failure(rest))


def _verdict(tool: str, problem: str, files: Sequence[TextFile], said: Iterable[_Said]) -> Outcome:
    failures = {one.path: one.text for one in said if one.text}
    passes = tuple(Pass(f"{tool}/{problem}", file.path) for file in files if file.path not in failures)
    unknown = {path: text for path, text in failures.items() if _UNKNOWN.search(text)}
    rows = tuple(
        NotChecked(f"{path} by {tool}", text, f"a newer {tool} may know it") for path, text in sorted(unknown.items())
    )
    found = tuple(
        _finding(f"{tool}/{problem}", path, text) for path, text in sorted(failures.items()) if path not in unknown
    )
    return Outcome(findings=found, passes=passes, not_checked=rows)


def _finding(rule: str, path: str, text: str) -> Finding:
    place = _PLACE.search(text)
    line, column = (int(place["line"]), int(place["column"] or 1)) if place else (1, 1)
    short = re.sub(r"^\S*?: (?=\d+:|yaml|line)", "", text)
    severity = Severity.MEDIUM if "lint error" in text else Severity.HIGH
    return Finding(rule, severity, short[:600], Location(path, line, column), fix="mend the file as it says")


def _joined(outcomes: Sequence[Outcome]) -> Outcome:
    return Outcome(
        tuple(finding for one in outcomes for finding in one.findings),
        tuple(row for one in outcomes for row in one.passes),
        tuple(row for one in outcomes for row in one.not_checked),
        tuple(tool for one in outcomes for tool in one.tools),
    )
