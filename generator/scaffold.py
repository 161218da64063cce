"""`init`: a project from a few answers, laid out by cookiecutter from `templates/project`.

The same template works with plain cookiecutter, so questions, defaults and layout stand there and only there.
Nothing that exists is overwritten: what was there already is kept, and said.
"""

from __future__ import annotations

import contextlib
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator import data
from generator.document import Location, Node
from generator.errors import Fault
from generator.finding import Finding

SPEC_NAME = "groundplan.yaml"
_SETTINGS = "templates/project/cookiecutter.json"
_SCHEMA = "schemas/answers.schema.json"
_UNASKED = {
    "static": frozenset({"runtime"}),
    "several-services": frozenset({"service"}),
    "lint-only": frozenset({"service", "runtime", "port", "public", "cloud", "region"}),
}
"""Questions that a variant leaves no room for."""
_DETECTED = frozenset({"variant", "service", "runtime", "port", "public"})
"""Questions that a source tree answers."""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask, with the answer that fits when nobody says otherwise; `choices` are all there are."""

    key: str
    text: str
    default: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Laid:
    """Files that were written, and files that were there already and were left as they are."""

    written: tuple[str, ...]
    kept: tuple[str, ...]


def questions(directory: Path, answers: Mapping[str, str], *, detected: bool = False) -> Iterator[Question]:
    """The questions in order; an answer may be added between two of them, and later defaults depend on it.

    Those that a source tree answers are left out when it is `detected`; so are those a variant leaves no room for.
    """
    from cookiecutter.prompt import render_variable

    settings = data.load(_SETTINGS)
    environment = _environment(settings)
    place = dict(_of_the_place(directory))
    known: dict[str, Any] = {}
    for key in keys():
        raw = settings[key]
        choices = tuple(raw) if isinstance(raw, list) else ()
        default = choices[0] if choices else str(render_variable(environment, raw, known))
        default = place.get(key, default)
        left_out = _UNASKED.get(known.get("variant", ""), frozenset())
        left_out |= {"region"} if known.get("cloud") == "none" else frozenset()
        if key not in left_out and not (detected and key in _DETECTED):
            prompt = settings["__prompts__"][key]
            yield Question(key, prompt if isinstance(prompt, str) else prompt["__prompt__"], default, choices)
        known[key] = answers.get(key, default)


def complete(directory: Path, given: Mapping[str, str], *, detected: bool = False) -> dict[str, str]:
    """All answers: what was given, and the defaults."""
    settings = data.load(_SETTINGS)
    made = dict(given)
    for question in questions(directory, made, detected=detected):
        made.setdefault(question.key, question.default)
    for key in keys():
        made.setdefault(key, settings[key][0] if isinstance(settings[key], list) else "")
    if made["cloud"] != "none" and not made["region"] and "region" not in _UNASKED.get(made["variant"], ()):
        raise Fault(f"a cloud {made['cloud']} has a region", "name it with --region, as in --region eu-west-1")
    return made


def keys() -> tuple[str, ...]:
    """What can be answered, in the order of the questions."""
    return tuple(key for key in data.load(_SETTINGS) if not key.startswith("_"))


def from_file(path: Path) -> dict[str, str]:
    """Answers from a file, YAML or JSON. Raises Fault with the place of everything that is no answer."""
    from generator import yamlfile

    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Fault(f"the answers in {path} cannot be read: {reason}", "name a YAML or JSON file") from error
    documents, found = yamlfile.read(text, str(path))
    if found:
        raise Fault(_told(found))
    if not documents:
        raise Fault(f"{path} has no answers", f"write lines such as `app: shop`; there are: {', '.join(keys())}")
    return _judged(documents[0])


def judged(key: str, answer: str, origin: str) -> str:
    """An answer that can be one; `origin` says who gave it. Raises Fault with what can be answered instead."""
    value: str | int = int(answer) if key == "port" and re.fullmatch(r"-?\d{1,9}", answer) else answer
    at = Location(origin, 0, 0, key)
    return _judged(Node({key: Node(value, at, at)}, Location(origin)))[key]


def lay(
    directory: Path, answers: Mapping[str, str], beside: Mapping[str, str], only: frozenset[str] = frozenset()
) -> Laid:
    """Write the project, or `only` these files of it; texts of `beside` stand instead of the template's.

    All is written or nothing. Raises Fault when there is a spec already, when the spec would be wrong, and when a
    file cannot be written.
    """
    texts = {name: text for name, text in {**_rendered(answers), **beside}.items() if not only or name in only}
    if SPEC_NAME in texts:
        path = directory / SPEC_NAME
        if path.exists() or path.is_symlink():
            raise Fault(f"{path} exists already", "edit it, or name another directory")
        _proven(texts[SPEC_NAME])
    new = {name: text for name, text in texts.items() if not _taken(directory / name)}
    _write(directory, new)
    return Laid(tuple(new), tuple(name for name in texts if name not in new))


def _of_the_place(directory: Path) -> Iterator[tuple[str, str]]:
    """Defaults that the directory itself tells: its name, and where its repository came from."""
    name = re.sub(r"[^a-z0-9-]+", "-", directory.resolve().name.lower()).strip("-")[:31].rstrip("-")
    yield "app", name if re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", name) else "app"
    remote = _remote(directory)
    if remote is not None:
        yield "repository", remote[2]
        yield "forge", "gitlab" if "gitlab" in remote[1] else "github"


def _remote(directory: Path) -> re.Match[str] | None:
    """Host and `owner/name` of the repository that the checkout came from, as git keeps them."""
    try:
        text = (directory / ".git" / "config").read_text("utf-8", errors="replace")
    except OSError:
        return None
    url = re.search(r'^\[remote "origin"\][^\[]*?^\s*url\s*=\s*(\S+)', text, re.MULTILINE)
    form = r"(?:(?:https?|ssh|git)://)?(?:[^@/\s]+@)?([\w-]+(?:\.[\w-]+)+)(?::\d+)?[:/]([\w-][\w.-]*(?:/[\w-][\w.-]*?)+)(?:\.git)?/?"
    return re.fullmatch(form, url[1]) if url else None


def _told(findings: Iterable[Finding]) -> str:
    """The findings; what a spec's schema would say of an answer is said already."""
    return "\n".join(
        f"{finding.at}: {finding.message}"
        + (f"; {finding.fix}" if finding.fix and "schema`" not in finding.fix else "")
        for finding in findings
    )


def _judged(document: Node) -> dict[str, str]:
    from generator import schema

    found = tuple(schema.validate(document, data.load(_SCHEMA), family="answers"))
    if found:
        raise Fault(_told(found))
    return {key: node.word() for key, node in document.items()}


def _environment(settings: Mapping[str, Any]) -> Any:
    from cookiecutter.utils import create_env_with_context

    with _own_extensions():
        return create_env_with_context({"cookiecutter": dict(settings)})


@contextlib.contextmanager
def _own_extensions() -> Iterator[None]:
    """cookiecutter imports the extensions that a template names from the template's own directory."""
    written = sys.dont_write_bytecode
    sys.path.insert(0, str(data.folder("templates") / "project"))
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        del sys.path[0]
        sys.dont_write_bytecode = written


def _rendered(answers: Mapping[str, str]) -> dict[str, str]:
    """The texts of a project by their paths. Answers are values: nothing in them is read as a template."""
    from cookiecutter.generate import generate_files
    from cookiecutter.prompt import render_variable

    settings = dict(data.load(_SETTINGS))
    del settings["__prompts__"]
    environment = _environment(settings)
    derived = {key: render_variable(environment, settings[key], dict(answers)) for key in settings if key[:2] == "__"}
    with tempfile.TemporaryDirectory() as folder, _own_extensions():
        made = generate_files(
            repo_dir=data.folder("templates") / "project",
            context={"cookiecutter": {**settings, **answers, **derived}},
            output_dir=folder,
            accept_hooks=False,
        )
        files = sorted(path for path in Path(made).rglob("*") if path.is_file())
        return {path.relative_to(made).as_posix(): path.read_text("utf-8") for path in files}


def _proven(text: str) -> None:
    """A spec we write is one that `validate` accepts; otherwise an answer was wrong."""
    from generator.finding import Severity
    from generator.spec import load

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / SPEC_NAME
        path.write_text(text, encoding="utf-8")
        loaded = load(path)
    wrong = [finding for finding in loaded.findings if finding.severity >= Severity.MEDIUM]
    if wrong or loaded.product is None:
        worst = max(wrong or loaded.findings, key=lambda finding: finding.severity)
        raise Fault(f"with these answers the spec would be wrong: {worst.message}", worst.fix)


def _taken(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _write(directory: Path, texts: Mapping[str, str]) -> None:
    """New files only; when one cannot be written, those before it are taken away again."""
    done: list[Path] = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                done.append(path)
                file.write(text)
    except OSError as error:
        for path in done:
            path.unlink(missing_ok=True)
        raise Fault(f"{error.filename} cannot be written: {error.strerror}", "nothing was written") from error
