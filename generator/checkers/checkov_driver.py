"""Runs inside checkov's environment: a request on standard input, checkov's verdicts as JSON on standard output.

    {"root": DIRECTORY, "frameworks": ["kubernetes", …], "tuned": true}

Imports nothing of ours. Nothing is asked of any network. When the version is the one this file was tuned
for, modules that the runners import and never use for local files are stood in for, which takes three
quarters of the start away; a test proves that the verdicts are the same. Any other version, or any trouble
with the tuned start, runs checkov as it is.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import io
import json
import logging
import os
import socket
import sys
import types
from typing import Any

TUNED_FOR = "3.3.30"

_PACKAGES = frozenset(
    {
        "aiodns",
        "aiohttp",
        "boto3",
        "botocore",
        "cloudsplaining",
        "cyclonedx",
        "detect_secrets",
        "docker",
        "git",
        "gitdb",
        "license_expression",
        "openai",
        "policy_sentry",
        "prettytable",
        "requests",
        "s3transfer",
        "spdx_tools",
        "tabulate",
        "tqdm",
    }
)
_TERRAFORM_ONLY = frozenset({"hcl2", "pycep"})
_MODULES = frozenset({"checkov.common.sast.report_types"})
_RUNNERS = {
    "dockerfile": "checkov.dockerfile.runner",
    "kubernetes": "checkov.kubernetes.runner",
    "terraform": "checkov.terraform.runner",
}


class _AnyName(type):
    """A class whose every attribute exists."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _StandIn


class _StandIn(metaclass=_AnyName):
    """What a stood-in module gives for any name: may be called, subclassed and asked, and does nothing."""

    def __init__(self, *_arguments: Any, **_named: Any) -> None:
        pass

    def __call__(self, *_arguments: Any, **_named: Any) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self


class _Module(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _StandIn


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands in for the packages that are not used here."""

    def __init__(self, packages: frozenset[str]) -> None:
        self.packages = packages

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> Any:
        if name.partition(".")[0] in self.packages or name in _MODULES:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: Any) -> types.ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def main() -> None:
    request = json.load(sys.stdin)
    _offline()
    crashes = _Crashes()
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        runners, tuned = _runners(request)
        logging.getLogger().addHandler(crashes)
        reports = [_run(runner, name, request["root"]) for name, runner in runners.items()]
    answer = {
        "version": importlib.metadata.version("checkov"),
        "tuned": tuned,
        "passed": [record for report in reports for record in report["passed"]],
        "failed": [record for report in reports for record in report["failed"]],
        "skipped": [record for report in reports for record in report["skipped"]],
        "unparsed": sorted({path for report in reports for path in report["unparsed"]}),
        "crashes": sorted(set(crashes.messages)),
    }
    json.dump(answer, sys.stdout, sort_keys=True)


def _offline() -> None:
    """No connection can be made, whatever a version of checkov would like to ask."""
    for name in list(os.environ):
        if name.startswith(("BC_", "CKV_", "CHECKOV_", "PRISMA_")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ["LOG_LEVEL"] = "ERROR"

    def refuse(*_arguments: Any, **_named: Any) -> Any:
        raise OSError("groundplan runs checkov without a network")

    socket.socket.connect = refuse  # type: ignore[method-assign]
    socket.socket.connect_ex = refuse  # type: ignore[method-assign]
    socket.getaddrinfo = refuse


def _runners(request: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    names = [name for name in request["frameworks"] if name in _RUNNERS]
    if request.get("tuned", True) and importlib.metadata.version("checkov") == TUNED_FOR:
        finder = _Finder(_PACKAGES if "terraform" in names else _PACKAGES | _TERRAFORM_ONLY)
        before = set(sys.modules)
        sys.meta_path.insert(0, finder)
        try:
            if "terraform" not in names:
                _without_terraform_checks()
            return {name: _runner(name) for name in names}, True
        except Exception:  # whatever it is, the untuned start has the last word
            for name in set(sys.modules) - before:
                del sys.modules[name]
            sys.meta_path.remove(finder)
    return {name: _runner(name) for name in names}, False


def _without_terraform_checks() -> None:
    """The package `checkov.terraform` imports all its checks at once; a bare package lets its parts be imported."""
    found = importlib.util.find_spec("checkov")
    if found is None or not found.submodule_search_locations:
        raise ImportError("checkov")
    package = types.ModuleType("checkov.terraform")
    package.__path__ = [os.path.join(next(iter(found.submodule_search_locations)), "terraform")]  # noqa: PTH118
    sys.modules["checkov.terraform"] = package


def _runner(name: str) -> Any:
    return importlib.import_module(_RUNNERS[name]).Runner()


def _run(runner: Any, name: str, root: str) -> dict[str, Any]:
    from checkov.runner_filter import RunnerFilter

    report = runner.run(root_folder=root, runner_filter=RunnerFilter(framework=[name]))
    return {
        "passed": _records(report.passed_checks),
        "failed": _records(report.failed_checks),
        "skipped": _records(report.skipped_checks),
        "unparsed": [os.path.relpath(path, root) if os.path.isabs(path) else path for path in report.parsing_errors],  # noqa: PTH117
    }


def _records(checks: Any) -> list[dict[str, Any]]:
    made = [
        {
            "id": check.check_id,
            "name": check.check_name,
            "path": str(check.file_path).lstrip("/"),
            "resource": check.resource,
            "lines": list(check.file_line_range or [1, 1]),
            "url": check.guideline or "",
            "reason": (check.check_result or {}).get("suppress_comment", "") or "",
        }
        for check in checks
    ]
    return sorted(made, key=lambda row: (row["path"], row["lines"], row["resource"], row["id"]))


class _Crashes(logging.Handler):
    """Checks that raised: checkov logs and goes on, as if nothing had been left unjudged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage().splitlines()[0])


if __name__ == "__main__":
    main()
