"""checkov's policies, from an environment of its own.

checkov and python-hcl2 own the same import name and break each other in one environment, so checkov is
found by configuration or set up once in the user's cache from a hash-locked list. A driver script runs
there and answers in JSON; it starts before our own checks and is waited for after them.

What a comment or annotation of checkov's skips is answered as a finding: all waivers are applied in one
place, so that the report lists them. A skip that only checkov understands is listed as not checked.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from generator.checkers import Settings, provision
from generator.checkers.workspace import Workspace
from generator.document import Location, TextFile
from generator.finding import Finding, NotChecked, Outcome, Pass, Severity, Tool

DRIVER = Path(__file__).resolve().parent / "checkov_driver.py"

_HIGH = frozenset(
    {
        *("CKV_K8S_1", "CKV_K8S_2", "CKV_K8S_3", "CKV_K8S_4"),
        *("CKV_K8S_16", "CKV_K8S_17", "CKV_K8S_18", "CKV_K8S_19", "CKV_K8S_27", "CKV_K8S_39"),
        *("CKV_K8S_33", "CKV_K8S_34", "CKV_K8S_44", "CKV_K8S_45", "CKV_K8S_49"),
        *("CKV2_K8S_1", "CKV2_K8S_2", "CKV2_K8S_3", "CKV2_K8S_5"),
        *("CKV_K8S_153", "CKV_K8S_154", "CKV_K8S_155", "CKV_K8S_156", "CKV_K8S_157", "CKV_K8S_158", "CKV_K8S_159"),
    }
)
"""Whoever takes the container has the node or the cluster: privileged, the host's namespaces, its container
socket, SYS_ADMIN, wildcard or self-raising roles, injection into the ingress controller."""

_LOW = frozenset(
    {
        *("CKV_K8S_8", "CKV_K8S_9", "CKV_K8S_10", "CKV_K8S_11", "CKV_K8S_12", "CKV_K8S_13", "CKV_K8S_15"),
        *("CKV_K8S_35", "CKV_K8S_43"),
        *("CKV_DOCKER_2", "CKV_DOCKER_5", "CKV_DOCKER_6", "CKV_DOCKER_9", "CKV_DOCKER_10", "CKV_DOCKER_11"),
    }
)
"""Good order rather than safety. checkov itself names no severity without its cloud service; all others are medium."""

_DOCKERFILE = re.compile(r"^(?:.+\.)?[Dd]ockerfile(?:\..+)?$(?<!\.[Dd]ockerignore)")
"""The names checkov takes for a Dockerfile; a Containerfile is none."""


def check(files: Sequence[TextFile], settings: Settings) -> Outcome:
    """checkov's verdicts on the Dockerfiles, Kubernetes manifests and Terraform among the files."""
    return start(files, settings).finish()


@dataclass(frozen=True, slots=True)
class Work:
    """A driver at work on some files, or, without a process, its answer as it was remembered."""

    files: tuple[TextFile, ...]
    workspace: Workspace
    process: subprocess.Popen[bytes] | None
    memory: Path | None = None
    """Where the answer is remembered, for work that takes long."""

    def finish(self) -> Outcome:
        """Wait for the driver and read its answer."""
        try:
            code = self.process.wait() if self.process is not None else 0
            answer, error = self.workspace.note("answer"), self.workspace.note("error")
            if code or not answer.is_file():
                return _stopped(error.read_text(encoding="utf-8", errors="replace"), code)
            text = answer.read_text(encoding="utf-8")
            if self.memory is not None and self.process is not None:
                _remember(self.memory, text)
            return _outcome(json.loads(text), self.workspace, self.files)
        finally:
            self.workspace.close()


@dataclass(frozen=True, slots=True)
class Job:
    """checkov at work, in one driver or two, and what is known without it."""

    early: Outcome
    works: tuple[Work, ...] = ()

    def finish(self) -> Outcome:
        """What all drivers say."""
        made = [work.finish() for work in self.works]
        return Outcome(
            findings=tuple(finding for outcome in made for finding in outcome.findings),
            passes=tuple(found for outcome in made for found in outcome.passes),
            not_checked=(*self.early.not_checked, *(row for outcome in made for row in outcome.not_checked)),
            tools=tuple(dict.fromkeys(tool for outcome in made for tool in outcome.tools)),
        )


def prepare(settings: Settings) -> subprocess.Popen[bytes] | None:
    """Start the driver before there are files, so that it imports while we render; None where that is not possible.

    Whoever prepares hands the process to `start`, or calls `discard`.
    """
    python = provision.environment(replace(settings, offline=True))
    if isinstance(python, NotChecked):
        return None
    command = [str(python), "-s", str(DRIVER), "--warm"]
    quiet = subprocess.DEVNULL
    try:
        return subprocess.Popen(command, env=_environment(), stdin=subprocess.PIPE, stdout=quiet, stderr=quiet)
    except OSError:
        return None


def discard(process: subprocess.Popen[bytes] | None) -> None:
    """End a prepared driver that nobody needs."""
    if process is not None:
        process.kill()
        process.communicate()


def _asked(process: subprocess.Popen[bytes], request: bytes) -> bool:
    """Whether a prepared driver took the request."""
    try:
        if process.stdin is not None:
            process.stdin.write(request)
            process.stdin.close()
            return True
    except OSError:
        discard(process)
    return False


def start(files: Sequence[TextFile], settings: Settings, prepared: subprocess.Popen[bytes] | None = None) -> Job:
    """Begin the work, in a driver that is `prepared` or a fresh one; `finish` of the answer waits for it."""
    partial = patches(files)
    huge = dict(_huge(files))
    frameworks = _frameworks(file for file in files if file.path not in partial and file.path not in huge)
    early = Outcome(not_checked=(*_left_out(files, partial), *huge.values()))
    if not frameworks:
        discard(prepared)
        return Job(early)
    python = provision.environment(settings)
    if isinstance(python, NotChecked):
        return Job(replace(early, not_checked=(*early.not_checked, python)))
    terraform = frameworks.pop(TERRAFORM, [])
    works: list[Work] = []
    try:
        if terraform:  # it takes longest, so it begins first
            works.append(_begin(python, {TERRAFORM: terraform}, None, _memory(terraform, python, settings)))
        if frameworks:
            works.append(_begin(python, frameworks, prepared, None))
        else:
            discard(prepared)
    except OSError as failure:
        for work in works:
            work.finish()
        reason = f"{python} cannot be started: {failure.strerror}"
        broken = NotChecked("checkov", reason, provision.MEND, fleeting=True)
        return Job(replace(early, not_checked=(*early.not_checked, broken)))
    return Job(early, tuple(works))


TERRAFORM = "terraform"


def _begin(
    python: Path,
    frameworks: dict[str, list[TextFile]],
    prepared: subprocess.Popen[bytes] | None,
    memory: Path | None,
) -> Work:
    """Ask a driver, or the memory of an earlier answer. Raises OSError where none can be started."""
    mine = tuple(file for every in frameworks.values() for file in every)
    workspace = Workspace(mine)
    if memory is not None and memory.is_file():
        workspace.note("answer").write_bytes(memory.read_bytes())
        return Work(mine, workspace, None)
    request = {
        "root": str(workspace.root),
        "files": {name: sorted(workspace.names[file.path] for file in every) for name, every in frameworks.items()},
        "answer": str(workspace.note("answer")),
    }
    workspace.note("request").write_text(json.dumps(request), encoding="utf-8")
    workspace.note("error").touch()
    if prepared is not None and _asked(prepared, workspace.note("request").read_bytes()):
        return Work(mine, workspace, prepared)
    command = [str(python), "-s", str(DRIVER)]
    try:
        with workspace.note("request").open("rb") as asked, workspace.note("error").open("wb") as error:
            process = subprocess.Popen(command, env=_environment(), stdin=asked, stdout=error, stderr=error)
    except OSError:
        workspace.close()
        raise
    return Work(mine, workspace, process, memory)


def _memory(files: Sequence[TextFile], python: Path, settings: Settings) -> Path:
    """Where the answer for exactly these files is remembered: the driver and checkov's version are part of its name.

    A root's verdicts depend on all modules it calls, so they are remembered for all files together.
    """
    mark = hashlib.sha256(f"{DRIVER.read_text(encoding='utf-8')}\0{python}".encode())
    for file in sorted(files, key=lambda file: file.path):
        mark.update(f"\0{file.path}\0{file.text}".encode("utf-8", "surrogatepass"))
    return settings.cache / "checkov-answers" / f"{mark.hexdigest()}.json"


def _remember(memory: Path, text: str) -> None:
    """Keep an answer; a cache that cannot be written is no error, and half an answer is never seen."""
    with contextlib.suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = memory.with_suffix(f".{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(memory)


def patches(files: Sequence[TextFile]) -> frozenset[str]:
    """Parts of objects, which a judge of whole objects would condemn: what a kustomization lists as its patches."""
    from generator.yamlfile import read

    found: set[str] = set()
    for file in files:
        place = PurePosixPath(file.path)
        if place.name not in {"kustomization.yaml", "kustomization.yml"}:
            continue
        for document in read(file.text, file.path)[0]:
            for key in ("patches", "patchesStrategicMerge", "patchesJson6902"):
                for node in document.listed(key):
                    name = node.word("path") or node.word()
                    if name and "\n" not in name:  # else it is an inline patch
                        found.add(os.path.normpath(place.parent / name))
    return frozenset(found)


def _frameworks(files: Iterator[TextFile]) -> dict[str, list[TextFile]]:
    """Which runner has what to do; a runner without files is not even imported."""
    found: dict[str, list[TextFile]] = {}
    for file in files:
        name = PurePosixPath(file.path).name
        if _DOCKERFILE.match(name):
            found.setdefault("dockerfile", []).append(file)
        elif name.endswith((".tf", ".tfvars", ".hcl")):
            found.setdefault(TERRAFORM, []).append(file)
        elif name.startswith("kustomization."):
            continue
        elif _is_manifest(file):
            found.setdefault("kubernetes", []).append(file)
    if not any(file.path.endswith(".tf") for file in found.get(TERRAFORM, ())):
        found.pop(TERRAFORM, None)  # variables or a bake file alone are no Terraform
    return found


def _is_manifest(file: TextFile) -> bool:
    """What checkov looks at before it takes a file for one of Kubernetes."""
    return file.path.endswith((".yaml", ".yml", ".json")) and "apiVersion" in file.text and "kind" in file.text


def _huge(files: Sequence[TextFile]) -> Iterator[tuple[str, NotChecked]]:
    """Files that checkov would unfold until the memory ends; only aliases or sheer size can do that."""
    from generator.yamlfile import MAX_BYTES, read

    for file in files:
        if _is_manifest(file) and (("&" in file.text and "*" in file.text) or len(file.text) > MAX_BYTES):
            for found in read(file.text, file.path)[1]:
                if found.rule.endswith(("/too-many-values", "/too-large")):
                    yield file.path, NotChecked(f"{file.path} by checkov", found.message, found.fix)


def _left_out(files: Sequence[TextFile], partial: frozenset[str]) -> Iterator[NotChecked]:
    listed = sorted(file.path for file in files if file.path in partial)
    if listed:
        what = f"{len(listed)} kustomize patches by checkov" if len(listed) > 1 else f"{listed[0]} by checkov"
        fix = "the bases are checked; for an overlay as a whole, lint the output of `kubectl kustomize`"
        yield NotChecked(what, "a patch is part of an object, and checkov judges whole ones", fix)
    for file in files:
        if PurePosixPath(file.path).name.split(".")[0] == "Containerfile":
            yield NotChecked(f"{file.path} by checkov", "checkov reads no Containerfile", "call it Dockerfile")


def _environment() -> dict[str, str]:
    """The user's, without what configures checkov or Python; the same order of sets in every run."""
    foreign = ("BC_", "CKV_", "CHECKOV_", "PRISMA_", "PYTHON", "LOG_LEVEL")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    return {**kept, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "LOG_LEVEL": "ERROR"}


def _stopped(error: str, code: int) -> Outcome:
    last = error.strip().splitlines()[-1:] or [f"exit {code}"]
    row = NotChecked("checkov", f"it stopped: {last[0][:300]}", provision.MEND, fleeting=True)
    return Outcome(not_checked=(row,))


def _outcome(answer: dict[str, Any], workspace: Workspace, files: Sequence[TextFile]) -> Outcome:
    rows: dict[str, list[tuple[dict[str, Any], str]]] = {"failed": [], "passed": [], "skipped": []}
    for row in answer["records"]:
        rows[row["verdict"]].append((row, workspace.original(row["path"])))
    findings = [_finding(row, path) for row, path in rows["failed"]]
    skipped, unknown = _skipped([(_finding(row, path), row["reason"]) for row, path in rows["skipped"]], files)
    findings += skipped
    findings += [_unread(row, workspace.original(row["path"])) for row in answer["unread"]]
    findings += [
        _crashed(list(crashes), workspace.original(path))
        for path, crashes in itertools.groupby(answer["crashes"], key=lambda row: row["path"])
        if path
    ]
    passes = tuple(Pass(f"checkov/{row['check']}", path, _subject(row, path)) for row, path in rows["passed"])
    hidden = (*unknown, *_hidden(answer, workspace))
    return Outcome(tuple(findings), passes, hidden, (Tool("checkov", answer["version"]),))


def _skipped(found: Sequence[tuple[Finding, str]], files: Sequence[TextFile]) -> tuple[list[Finding], list[NotChecked]]:
    """What the file's author skips: findings where our waivers see the comment too, else only said."""
    if not found:
        return [], []
    from generator.policy import waivers

    judged = waivers.apply([finding for finding, _reason in found], files, packed=False)
    waived = {(item.finding.rule, item.finding.at, item.finding.subject) for item in judged.waived}
    known: list[Finding] = []
    unknown: list[NotChecked] = []
    for finding, reason in found:
        if (finding.rule, finding.at, finding.subject) in waived:
            known.append(finding)
        else:
            told = f"skipped in the file: {reason}" if reason else "skipped in the file"
            unknown.append(NotChecked(f"{finding.rule} on {finding.at}", told, "remove the skip to have it checked"))
    return known, unknown


def _hidden(answer: dict[str, Any], workspace: Workspace) -> Iterator[NotChecked]:
    fix = "render it, as with `helm template`, and check the result"
    for path in answer["templates"]:
        yield NotChecked(f"{workspace.original(path)} by checkov", "it is a Helm template", fix)
    for row in answer["crashes"]:
        if not row["path"]:  # it looks at all files at once
            yield NotChecked(f"checkov's {row['check']}", f"it crashed: {row['error']}", "report it to checkov")


def _finding(row: dict[str, Any], path: str) -> Finding:
    check = row["check"]
    severity = Severity.HIGH if check in _HIGH else Severity.LOW if check in _LOW else Severity.MEDIUM
    at = Location(path, _line(row), 1 if _line(row) else 0)
    return Finding(f"checkov/{check}", severity, row["name"], at, subject=_subject(row, path), url=row["guideline"])


def _line(row: dict[str, Any]) -> int:
    """0, the whole file, where checkov speaks of a Dockerfile and of no instruction in it."""
    whole = row["framework"] == "dockerfile" and row["resource"].endswith(".")
    # a comment that skips covers lines, and 0 is none
    return 0 if whole and row["verdict"] == "failed" else int(row["first"])


def _subject(row: dict[str, Any], path: str) -> str:
    """checkov's `Deployment.shop.web` as `Deployment/shop/web`, its `/Dockerfile.USER` as `Dockerfile/USER`."""
    resource = str(row["resource"])
    if row["framework"] == TERRAFORM:
        return resource
    if row["framework"] == "dockerfile":
        return f"{path}/{resource.rpartition('.')[2]}".rstrip("/")
    return "/".join(resource.split(".", 2))


def _unread(row: dict[str, Any], path: str) -> Finding:
    at = Location(path, row["line"], row["column"])
    fix = "mend its syntax; checkov checked nothing in this file"
    return Finding("checkov/parse", Severity.HIGH, f"checkov cannot read the file: {row['message']}", at, fix=fix)


def _crashed(rows: list[dict[str, Any]], path: str) -> Finding:
    """One finding a file: what upsets one check upsets fifty. No name of a check: the file as a whole was too much."""
    names = [row["check"] for row in rows if row["check"]]
    listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    lost = f"{listed} checked nothing here" if len(names) == len(rows) else "it checked nothing here"
    return Finding(
        "checkov/check-crashed",
        Severity.MEDIUM if len(names) == len(rows) else Severity.HIGH,
        f"checkov crashed, and {lost}: {rows[0]['error']}",
        Location(path),
        fix="see whether the file is what its apiVersion and kind promise; else report it to checkov",
        subject=path,
    )
