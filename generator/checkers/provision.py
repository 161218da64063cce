"""Where checkov runs: a Python that was configured, or an environment set up once in the user's cache.

An environment is named for the locked list and the Python it was made with, so that a change of either
makes another one. It is made in its final place, since a venv cannot be moved, and marked when whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from generator.checkers import Settings, user_cache
from generator.finding import NotChecked

VARIABLE = "GROUNDPLAN_CHECKOV"
REQUIREMENTS = Path(__file__).resolve().parent / "checkov-requirements.txt"
MEND = f"remove its environment from the cache to have it set up anew, or mend {VARIABLE}"
_READY = "groundplan-ready"
_SCRIPTS, _PYTHON = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")


def environment(settings: Settings) -> Path | NotChecked:
    """A Python that has checkov: configured, in the cache, or set up now."""
    named = os.environ.get(VARIABLE)
    configured = settings.checkov or (Path(named) if named else None)
    if configured is not None:
        return _configured(configured)
    folder = settings.cache.absolute() / f"checkov-{_identity()}"
    python = folder / _SCRIPTS / _PYTHON
    if _is_ready(folder, python):
        return python
    if settings.offline:
        fix = f"run once without --offline, or point {VARIABLE} at a Python that has checkov"
        return NotChecked("checkov", "its environment is not set up, and --offline forbids it", fix, fleeting=True)
    return _made(folder, python, settings)


def _configured(path: Path) -> Path | NotChecked:
    """The Python of an environment that was named by its directory, its Python, or its `checkov` command."""
    if path.is_dir():
        candidates = [path / _SCRIPTS / _PYTHON]
    elif path.stem == "checkov":
        candidates = [path.parent / _PYTHON, path.resolve().parent / _PYTHON]  # the second for a link into it
    else:
        candidates = [path]
    for candidate in candidates:
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate.absolute()
    reason = f"there is no Python with checkov at {path}"
    return NotChecked("checkov", reason, f"mend {VARIABLE}, or leave it out", fleeting=True)


def _identity() -> str:
    """The environment's name: the locked list and the Python that runs it."""
    locked = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    return f"{locked}-{sys.implementation.cache_tag}"


def _is_ready(folder: Path, python: Path) -> bool:
    """Whole, and its Python still there: that is a link, which an upgrade of the system's Python breaks."""
    return (folder / _READY).is_file() and python.exists()


def _made(folder: Path, python: Path, settings: Settings) -> Path | NotChecked:
    fix = f"see that the package index can be reached, or point {VARIABLE} at a Python that has checkov"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.with_name(f"{folder.name}.lock")):
            if _is_ready(folder, python):
                return python  # another process was faster
            settings.progress("setting up checkov in an environment of its own; once, and about a minute")
            (folder / _READY).unlink(missing_ok=True)
            for command in _commands(folder, python):
                done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
                if done.returncode:
                    reason = f"its environment could not be set up: {_cause(done)}"
                    return NotChecked("checkov", reason, fix, fleeting=True)
            (folder / _READY).write_text("", encoding="utf-8")
    except OSError as error:
        return NotChecked("checkov", f"its environment could not be set up: {error}", fix, fleeting=True)
    settings.progress("checkov is ready")
    return python


def _commands(folder: Path, python: Path) -> Iterator[list[str]]:
    yield [sys.executable, "-m", "venv", "--clear", str(folder)]
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    # wheels only: nothing of a package runs while it is installed
    yield [*install, "--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", str(REQUIREMENTS)]


def _cause(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines or [f"exit {done.returncode}"]
    return errors[0].removeprefix("ERROR: ")[:300]


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time; the lock goes with the process that holds it."""
    with path.open("w", encoding="utf-8") as guard:
        try:
            import fcntl
        except ImportError:  # no such lock on this system; two first runs at once are then on their own
            yield
            return
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def main() -> int:
    """`python -m generator.checkers.provision`: set the environment up now, for machines without a network later."""
    found = environment(Settings(cache=user_cache(), progress=lambda message: print(message, file=sys.stderr)))
    if isinstance(found, NotChecked):
        print(f"{found.reason}; {found.fix}", file=sys.stderr)
        return 2
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
