"""checkov's policies, from an environment of its own.

checkov and python-hcl2 own the same import name and break each other in one environment, so checkov is
found by configuration or set up once in the user's cache from a hash-locked list. A driver script runs
there and answers in JSON; it starts before our own checks and is waited for after them.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from generator.checkers import Settings
from generator.checkers.hadolint import is_dockerfile
from generator.checkers.workspace import Workspace
from generator.document import Location, TextFile
from generator.finding import Finding, NotChecked, Outcome, Pass, Severity, Tool

HERE = Path(__file__).resolve().parent
DRIVER = HERE / "checkov_driver.py"
REQUIREMENTS = HERE / "checkov-requirements.txt"
VARIABLE = "GROUNDPLAN_CHECKOV"
_READY = "groundplan-ready"

_HIGH = frozenset({"CKV_K8S_16", "CKV_K8S_17", "CKV_K8S_18", "CKV_K8S_19", "CKV_K8S_27", "CKV_K8S_39", "CKV_K8S_49"})
"""Checks whose failure opens the node or the cluster: privileged, host namespaces, the container socket, SYS_ADMIN."""

_LOW = frozenset({"CKV_K8S_43", "CKV_K8S_35", "CKV_K8S_15", "CKV_K8S_8", "CKV_K8S_9", "CKV_DOCKER_2"})
"""Checks of good order rather than of safety. checkov itself gives no severities without its cloud service."""


def check(files: Sequence[TextFile], settings: Settings) -> Outcome:
    """checkov's verdicts on the Dockerfiles and Kubernetes manifests among the files."""
    return start(files, settings).finish()


@dataclass(frozen=True, slots=True)
class Job:
    """checkov at work, or what is known without it."""

    process: subprocess.Popen[str] | None
    workspace: Workspace | None
    early: Outcome

    def finish(self) -> Outcome:
        """Wait for the driver and read its answer."""
        if self.process is None or self.workspace is None:
            return self.early
        try:
            text, error = self.process.communicate()
            return _outcome(text, error, self.process.returncode, self.workspace)
        finally:
            self.workspace.close()


def start(files: Sequence[TextFile], settings: Settings) -> Job:
    """Begin the work; `finish` of the answer waits for it."""
    mine = whole(files)
    frameworks = frameworks_of(mine)
    if not frameworks:
        return Job(None, None, Outcome())
    python = environment(settings)
    if isinstance(python, NotChecked):
        return Job(None, None, Outcome(not_checked=(python,)))
    workspace = Workspace(mine)
    request = json.dumps({"root": str(workspace.root), "frameworks": frameworks})
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            [str(python), "-I", str(DRIVER)],
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
            env=clean,
            encoding="utf-8",
        )
    except OSError as error:
        workspace.close()
        reason = NotChecked("checkov", f"{python} cannot be started: {error.strerror}", f"mend {VARIABLE}")
        return Job(None, None, Outcome(not_checked=(reason,)))
    if process.stdin is not None:
        process.stdin.write(request)
        process.stdin.close()
        process.stdin = None
    return Job(process, workspace, Outcome())


def whole(files: Sequence[TextFile]) -> tuple[TextFile, ...]:
    """The files that checkov can judge alone: kustomizations and the patches they name are parts of objects."""
    patches = _patches(files)
    return tuple(
        file
        for file in files
        if (is_dockerfile(file.path) or file.path.endswith((".yaml", ".yml", ".json")))
        and not PurePosixPath(file.path).name.startswith("kustomization.")
        and file.path not in patches
    )


def frameworks_of(files: Iterable[TextFile]) -> list[str]:
    """The runners that have something to do."""
    dockerfiles = kubernetes = False
    for file in files:
        dockerfiles = dockerfiles or is_dockerfile(file.path)
        kubernetes = kubernetes or ("apiVersion" in file.text and "kind" in file.text)
    return [name for name, needed in (("dockerfile", dockerfiles), ("kubernetes", kubernetes)) if needed]


def _patches(files: Iterable[TextFile]) -> frozenset[str]:
    """Paths that a kustomization among the files lists as patches."""
    from generator.yamlfile import read

    found: set[str] = set()
    for file in files:
        place = PurePosixPath(file.path)
        if place.name not in {"kustomization.yaml", "kustomization.yml"}:
            continue
        for document in read(file.text, file.path)[0]:
            for key in ("patches", "patchesStrategicMerge", "patchesJson6902"):
                for node in document.listed(key):
                    name = node.word("path") or (str(node.value) if isinstance(node.value, str) else "")
                    found.add((place.parent / name).as_posix())
    return frozenset(found)


# the environment


def environment(settings: Settings) -> Path | NotChecked:
    """A Python that has checkov: configured, in the cache, or set up now."""
    configured = settings.checkov or (Path(value) if (value := os.environ.get(VARIABLE)) else None)
    if configured is not None:
        return _configured(configured)
    folder = settings.cache / f"checkov-{_identity()}"
    python = folder / "bin" / "python"
    if (folder / _READY).is_file():
        return python
    if settings.offline:
        fix = f"run once without --offline, or point {VARIABLE} at a Python that has checkov"
        return NotChecked("checkov", "its environment is not set up, and --offline forbids it", fix)
    return _provision(folder, python, settings)


def _configured(path: Path) -> Path | NotChecked:
    """A directory, a Python, or the `checkov` command of an environment."""
    candidates = [path / "bin" / "python", path] if path.is_dir() else [path]
    if path.name == "checkov":
        candidates = [path.resolve().parent / "python", path.parent / "python"]
    found = next((candidate for candidate in candidates if candidate.is_file()), None)
    if found is None:
        return NotChecked("checkov", f"there is no Python with checkov at {path}", f"mend {VARIABLE}, or leave it out")
    return found


def _identity() -> str:
    """The environment's name in the cache: the locked list and the Python that runs it."""
    locked = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    return f"{locked}-py{sys.version_info.major}{sys.version_info.minor}"


def _provision(folder: Path, python: Path, settings: Settings) -> Path | NotChecked:
    """Set the environment up in its final place (a venv cannot be moved); the mark of readiness is written last."""
    fix = f"see that the package index can be reached, or point {VARIABLE} at a Python that has checkov"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / f"{folder.name}.lock").open("w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            if (folder / _READY).is_file():
                return python  # another process was faster
            settings.progress(
                "setting up checkov in an environment of its own; this is done once and takes about a minute"
            )
            for command in _commands(folder, python):
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    reason = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
                    return NotChecked("checkov", f"its environment could not be set up: {reason[0][:300]}", fix)
            (folder / _READY).write_text("", encoding="utf-8")
    except OSError as error:
        return NotChecked("checkov", f"its environment could not be set up: {error}", fix)
    settings.progress("checkov is ready")
    return python


def _commands(folder: Path, python: Path) -> list[list[str]]:
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    return [
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [*install, "--require-hashes", "--only-binary", ":all:", "--requirement", str(REQUIREMENTS)],
    ]


# the answer


def _outcome(text: str, error: str, code: int, workspace: Workspace) -> Outcome:
    try:
        answer = json.loads(text)
    except ValueError:
        last = (error or text).strip().splitlines()[-1:] or [f"exit {code}"]
        fix = "run `checkov --version` in its environment; set it up anew by removing it from the cache"
        return Outcome(not_checked=(NotChecked("checkov", f"it stopped: {last[0][:300]}", fix),))
    findings = [_finding(row, workspace) for row in (*answer["failed"], *answer["skipped"])]
    findings += [_unparsed(path, workspace) for path in answer["unparsed"]]
    passes = tuple(Pass(f"checkov/{row['id']}", _path(row, workspace), _subject(row)) for row in answer["passed"])
    crashed = tuple(
        NotChecked("checkov", f"a check of checkov's crashed: {message[:300]}", "report it to checkov")
        for message in answer["crashes"]
    )
    return Outcome(tuple(findings), passes, crashed, (Tool("checkov", answer["version"]),))


def _path(row: dict[str, Any], workspace: Workspace) -> str:
    return workspace.original(row["path"]) or row["path"]


def _subject(row: dict[str, Any]) -> str:
    """checkov's `Deployment.shop.web` as `Deployment/shop/web`; a Dockerfile's resource is its own path."""
    resource = str(row["resource"])
    if resource.startswith("/"):
        return str(row["path"])
    kind, _, rest = resource.partition(".")
    namespace, _, name = rest.partition(".")
    return f"{kind}/{namespace}/{name}" if name else resource


def _finding(row: dict[str, Any], workspace: Workspace) -> Finding:
    severity = Severity.HIGH if row["id"] in _HIGH else Severity.LOW if row["id"] in _LOW else Severity.MEDIUM
    at = Location(_path(row, workspace), int(row["lines"][0]), 1)
    return Finding(f"checkov/{row['id']}", severity, str(row["name"]), at, subject=_subject(row), url=row["url"])


def _unparsed(path: str, workspace: Workspace) -> Finding:
    at = Location(workspace.original(path) or path, 1, 1)
    return Finding("checkov/unparsed", Severity.HIGH, "checkov cannot read the file", at, fix="mend its syntax")
