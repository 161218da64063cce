"""checkov's runners without its command line: a request in on stdin, verdicts out as JSON.

Runs inside checkov's own environment and imports nothing of ours. What its command line hides is
said here: files it cannot read, checks that crash. What only the command line does is left out:
the cloud service, the threads, and most of the two seconds of imports.

    {"root": DIR, "files": {"dockerfile": [PATH...], "kubernetes": [PATH...]}, "answer": FILE}
"""

from __future__ import annotations

import concurrent.futures
import gc
import importlib
import importlib.abc
import importlib.machinery
import json
import logging
import os
import socket
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

WARM = "--warm"
TUNED_VERSION = "3.3.30"
"""The one version whose imports the stand-ins below were measured and compared with."""

TUNED_FRAMEWORKS = {"dockerfile", "kubernetes"}

STAND_INS = (
    "aiohttp",
    "aiomultiprocess",
    "boto3",
    "botocore",
    "cloudsplaining",
    "cyclonedx",
    "detect_secrets",
    "docker",
    "ecdsa",
    "git",
    "hcl2",
    "junit_xml",
    "lark",
    "license_expression",
    "networkx",
    "policy_sentry",
    "prettytable",
    "pydantic",
    "pydantic_core",
    "rdflib",
    "requests",
    "spdx_tools",
    "tabulate",
    "urllib3",
    "charset_normalizer",
    "checkov.common.sast",
    "checkov.terraform.checks",
)
"""Packages these two runners import and never use, three quarters of the start-up time."""


class StandInUsed(BaseException):
    """A stand-in was needed after all; not an `Exception`, so that no check swallows it."""


class Journal:
    """What checkov would keep to itself."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.unread: dict[str, dict[str, Any]] = {}
        self.templates: set[str] = set()
        self.crashes: set[tuple[str, str, str]] = set()
        self.graph_check = ""

    def relative(self, path: str) -> str:
        return os.path.relpath(Path(self.root, path), self.root).replace(os.sep, "/")

    def cannot_read(self, path: str, error: BaseException) -> None:
        mark = getattr(error, "problem_mark", None)
        self.unread[self.relative(path)] = {
            "line": mark.line + 1 if mark else 0,
            "column": mark.column + 1 if mark else 0,
            "message": getattr(error, "problem", None) or _told(error, self.root),
        }

    def crashed(self, path: str, check: str, error: BaseException) -> None:
        self.crashes.add((self.relative(path) if path else "", check, _told(error, self.root)))


def main() -> int:
    here = Path(__file__).resolve().parent  # holds our `checkov.py`, which must not be taken for the tool
    sys.path[:] = [path for path in sys.path if Path(path).resolve() != here]
    _silence()
    if WARM in sys.argv:
        _warm()
    asked = sys.stdin.read()
    if not asked:
        return 0  # it was started early, and there was nothing to judge
    request = json.loads(asked)
    os.chdir(request["root"])
    request["root"] = str(Path.cwd())
    if _StandIns.installed and not (request.get("tuned", True) and _tunable(request["files"])):
        return _again(request, ImportError("it was started for other frameworks"))
    try:
        answer = verdicts(request, tuned=request.get("tuned", True) and _tunable(request["files"]))
    except (StandInUsed, ImportError, AttributeError, TypeError) as error:
        if not _StandIns.installed:
            raise
        return _again(request, error)
    Path(request["answer"]).write_text(json.dumps(answer, sort_keys=True), encoding="utf-8")
    return 0


def _warm() -> None:
    """Import the runners while the files are still being made; what goes wrong here goes wrong again, and is told."""
    gc.disable()
    try:
        if _tunable({name: [] for name in TUNED_FRAMEWORKS}):
            _StandIns.install()
            for name in sorted(TUNED_FRAMEWORKS):
                importlib.import_module(f"checkov.{name}.runner")
    except Exception as error:
        print(f"early start: {type(error).__name__}: {error}", file=sys.stderr)


def verdicts(request: dict[str, Any], *, tuned: bool) -> dict[str, Any]:
    """Every verdict of the frameworks that have files, in one order."""
    gc.disable()  # half a second of a short life
    concurrent.futures.ThreadPoolExecutor = _Here  # type: ignore[misc, assignment]
    if tuned and not _StandIns.installed:
        _StandIns.install()
    journal = Journal(request["root"])
    runners = {name: importlib.import_module(f"checkov.{name}.runner") for name in sorted(request["files"])}
    _listen(journal)
    if tuned:
        _StandIns.seal()
    records: list[dict[str, Any]] = []
    for name, module in runners.items():
        records.extend(_judged(module.Runner, name, request["files"][name], journal))
    if _StandIns.used:
        raise StandInUsed(_StandIns.used[0])
    return {
        "version": _version(),
        "tuned": tuned,
        "records": sorted(records, key=lambda record: json.dumps(record, sort_keys=True)),
        "unread": [{"path": path, **why} for path, why in sorted(journal.unread.items())],
        "templates": sorted(journal.templates),
        "crashes": [{"path": path, "check": check, "error": told} for path, check, told in sorted(journal.crashes)],
    }


def _judged(runner: Any, framework: str, files: list[str], journal: Journal) -> list[dict[str, Any]]:
    """One framework; a file on which the whole runner dies is left out and told."""
    try:
        return list(_run(runner, framework, files, journal))
    except Exception as error:  # anything can come out of a foreign program
        whole = error
    sound = []
    for file in files:
        try:
            tuple(_run(runner, framework, [file], journal))
            sound.append(file)
        except Exception as error:
            journal.crashed(file, "", error)
    if len(sound) == len(files):  # only together are they too much
        journal.crashed("", framework, whole)
        return []
    return _judged(runner, framework, sound, journal) if sound else []


def _run(runner: Any, framework: str, files: list[str], journal: Journal) -> Iterator[dict[str, Any]]:
    from checkov.runner_filter import RunnerFilter

    paths = [str(Path(journal.root, file)) for file in files]
    # a root of Terraform is judged with the modules it calls, so all of it is shown at once
    whole = framework == "terraform"
    report = runner().run(
        root_folder=journal.root if whole else None,
        files=None if whole else paths,
        runner_filter=RunnerFilter(framework=[framework], show_progress_bar=False),
    )
    every = (("failed", report.failed_checks), ("passed", report.passed_checks), ("skipped", report.skipped_checks))
    for verdict, records in every:
        for record in records:
            yield _plain(record, framework, verdict, journal)
    for path in report.parsing_errors:
        journal.unread.setdefault(
            journal.relative(path), {"line": 0, "column": 0, "message": f"checkov cannot read this {framework} file"}
        )


def _plain(record: Any, framework: str, verdict: str, journal: Journal) -> dict[str, Any]:
    resource = str(record.resource)
    if resource.startswith(journal.root):
        resource = resource[len(journal.root) :].replace(os.sep, "/")
    first, last = [*(record.file_line_range or ()), 0, 0][:2]
    return {
        "verdict": verdict,
        "framework": framework,
        "check": record.check_id,
        "name": record.check_name or "",
        "path": journal.relative(record.file_abs_path),
        "resource": resource,
        "first": first or 0,
        "last": last or 0,
        "reason": str(record.check_result.get("suppress_comment") or ""),
        "guideline": record.guideline or "",
    }


def _listen(journal: Journal) -> None:
    """Hear of what checkov catches and drops: crashed checks and unreadable files."""
    from checkov.common.checks.base_check import BaseCheck
    from checkov.common.graph.checks_infra.registry import BaseRegistry
    from checkov.common.models.enums import CheckResult

    _Here.journal = journal
    run, run_graph = BaseCheck.run, BaseRegistry.run_check_parallel

    def heard(self: Any, scanned_file: str, *rest: Any, **named: Any) -> Any:
        try:
            return run(self, scanned_file, *rest, **named)
        except Exception as error:
            journal.crashed(scanned_file, self.id, error)
            unknown = CheckResult.UNKNOWN
            # a verdict on a Dockerfile is a pair
            pair = "dockerfile" in type(self).__module__
            return {"result": (unknown, None) if pair else unknown, "evaluated_keys": [], "suppress_comment": ""}

    def heard_graph(self: Any, check: Any, *rest: Any) -> Any:
        journal.graph_check = check.id
        return run_graph(self, check, *rest)

    BaseCheck.run = heard
    BaseRegistry.run_check_parallel = heard_graph
    if "checkov.kubernetes.runner" in sys.modules:
        from checkov.kubernetes.parser import k8_json, k8_yaml

        for parser in (k8_yaml, k8_json):
            parser.load = _hearing_load(parser.load, journal)
    if "checkov.dockerfile.runner" in sys.modules:
        from checkov.dockerfile import utils

        utils.parse = _hearing_load(utils.parse, journal)


def _hearing_load(load: Callable[[Any], Any], journal: Journal) -> Callable[[Any], Any]:
    def heard(filename: Any) -> Any:
        try:
            found = load(filename)
        except Exception as error:
            journal.cannot_read(str(filename), error)
            raise
        if found == ([{}], []) and _speaks_kubernetes(filename):
            journal.templates.add(journal.relative(str(filename)))
        return found

    return heard


def _speaks_kubernetes(filename: Any) -> bool:
    text = Path(filename).read_text(encoding="utf-8", errors="replace")
    return "apiVersion" in text and "kind" in text


class _Here(concurrent.futures.Executor):
    """An executor that works at once: one order, and no exception lost in a future nobody reads."""

    journal: Journal | None = None

    def __init__(self, *_rest: Any, **_named: Any) -> None:
        pass

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            if self.journal:
                self.journal.crashed("", self.journal.graph_check, error)
            future.set_exception(error)
        return future

    def map(self, fn: Callable[..., Any], *iterables: Iterable[Any], **_named: Any) -> Iterator[Any]:
        return iter([fn(*args) for args in zip(*iterables, strict=False)])


class _Kind(type):
    """The class of stand-in classes: while checkov is imported, anything may be done with them."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        _StandIns.touched(f"{cls.__name__}.{name}")
        return cls

    def __call__(cls, *args: Any, **named: Any) -> Any:
        _StandIns.touched(cls.__name__)
        return super().__call__(*args, **named)

    def __getitem__(cls, _key: Any) -> Any:
        return cls

    def __or__(cls, _other: Any) -> Any:
        return cls

    def __ror__(cls, _other: Any) -> Any:
        return cls


class _Anything(metaclass=_Kind):
    """A class, function or value of a package that is not there."""

    def __init__(self, *_args: Any, **_named: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        _StandIns.touched(name)
        return _Anything

    def __call__(self, *args: Any, **_named: Any) -> Any:
        _StandIns.touched("a call")
        return args[0] if args and callable(args[0]) else self  # as a decorator it changes nothing


class _Module(types.ModuleType):
    __path__: list[str] = []  # noqa: RUF012
    __all__: list[str] = []  # noqa: RUF012

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _Kind(name, (_Anything,), {"__module__": self.__name__})
        setattr(self, name, made)
        return made


class _StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serves the packages in STAND_INS as empty shells, and notices when one is needed."""

    installed = False
    sealed = False
    used: list[str] = []  # noqa: RUF012

    @classmethod
    def install(cls) -> None:
        cls.installed = True
        sys.meta_path.insert(0, cls())

    @classmethod
    def seal(cls) -> None:
        """From here on a touch is a need."""
        cls.sealed = True

    @classmethod
    def touched(cls, name: str) -> None:
        if cls.sealed:
            cls.used.append(name)
            raise StandInUsed(name)

    def find_spec(self, fullname: str, _path: Any = None, _target: Any = None) -> Any:
        if any(fullname == name or fullname.startswith(f"{name}.") for name in STAND_INS):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: Any) -> types.ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def _tunable(files: dict[str, list[str]]) -> bool:
    return set(files) <= TUNED_FRAMEWORKS and _version() == TUNED_VERSION


def _version() -> str:
    from checkov.version import version

    return str(version)


def _again(request: dict[str, Any], error: BaseException) -> int:
    """The same in a fresh interpreter with everything imported: slower and safe."""
    import subprocess

    print(f"untuned because of {type(error).__name__}: {error}", file=sys.stderr)
    again = json.dumps({**request, "tuned": False})
    words = [word for word in sys.orig_argv[1:] if word != WARM]
    return subprocess.run([sys.executable, *words], input=again, text=True, check=False).returncode


def _silence() -> None:
    """No network, no log, no stray line on stdout, no other process."""

    def refuse(*_args: Any, **_named: Any) -> NoReturn:
        raise OSError("checkov is run without a network")

    socket.socket.connect = refuse  # type: ignore[method-assign]
    socket.socket.connect_ex = refuse  # type: ignore[method-assign]
    socket.getaddrinfo = refuse
    logging.disable(logging.CRITICAL)
    sys.stdout = sys.stderr
    os.environ["CHECKOV_PARALLELIZATION_TYPE"] = "none"  # what a forked child sees is not heard of here


def _told(error: BaseException, root: str) -> str:
    return f"{type(error).__name__}: {error}".replace(root + os.sep, "").splitlines()[0][:300]


if __name__ == "__main__":
    sys.exit(main())
