"""What the commands take: options that several share, report formats with their files, and the answers of `init`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from generator import completion
from generator.finding import Severity

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

FORMATS = ("terminal", "json", "markdown", "html", "sarif", "junit", "github", "gitlab")
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Output:
    """One `-o FORMAT[=PATH]`; without a path it goes to standard output."""

    format: str
    path: Path | None


class _OutputType(click.ParamType):  # type: ignore[type-arg]
    name = "FORMAT[=PATH]"

    def __init__(self, formats: tuple[str, ...]) -> None:
        self.formats = formats

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Output:
        if isinstance(value, Output):
            return value
        name, given, path = str(value).partition("=")
        if name not in self.formats:
            self.fail(f"{name!r} is not a report format; there are: {', '.join(self.formats)}", param, ctx)
        if given and not path:
            self.fail(f"{value!r} names no file; leave the = out for standard output", param, ctx)
        if path and (reason := not_replaced(Path(path))):
            self.fail(f"{path} {reason}; name another file", param, ctx)
        return Output(name, Path(path) if path else None)

    def shell_complete(self, _ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in self.formats if name.startswith(incomplete)]


def not_replaced(path: Path) -> str:
    """Why a report must not be written there, or "": only a report of ours, or nothing, may be in its place."""
    if path.is_dir():
        return "is a directory"
    try:
        with path.open("rb") as stream:
            head = stream.read(65536)
    except OSError:
        return ""  # there is none, or writing will say why not
    if path.name in {"groundplan.yaml", "groundplan.yml", "groundplan.lock"} or b"apiVersion: groundplan/" in head:
        return "is a spec or its lock"
    if b"made by groundplan" in head.partition(b"\n")[0] or _locked(path):
        return "is a generated file"
    ours = not head.strip() or b"groundplan" in head or b"clean: " in head or head.lstrip().startswith((b"[", b"::"))
    return "" if ours else "exists and is no report of groundplan"


def _locked(path: Path) -> bool:
    """Whether a lock above says that the file was generated."""
    from generator import lock

    place = Path(os.path.abspath(path))  # noqa: PTH100
    for folder in place.parents:
        if (folder / lock.NAME).is_file():
            return place.relative_to(folder).as_posix() in lock.salvage(folder).files
    return False


def _one_on_stdout(_ctx: click.Context, _param: click.Parameter, outputs: tuple[Output, ...]) -> tuple[Output, ...]:
    """What a program reads stands alone on standard output."""
    alone = [output.format for output in outputs if output.path is None and output.format != "terminal"]
    if len(alone) > 1:
        raise click.UsageError(f"{' and '.join(alone)} both go to standard output; give one a file: -o {alone[1]}=FILE")
    return outputs


def reports(formats: tuple[str, ...], noun: str) -> Callable[[F], F]:
    """The option `-o FORMAT[=PATH]` for some formats; gives `Output`s."""
    return click.option(
        "-o",
        "--output",
        "outputs",
        type=_OutputType(formats),
        multiple=True,
        callback=_one_on_stdout,
        help=f"{noun} ({', '.join(formats)}); repeatable.",
    )


def together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options on one command, in the order of its help."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


SPEC = click.option(
    "--spec",
    "spec",
    type=click.Path(path_type=Path),
    help="The spec; by default groundplan.yaml here or in a directory above.",
)
OUTPUT = reports(FORMATS, "Report format")
LIST_OUTPUT = reports(("terminal", "json"), "Format")
FAIL_ON = click.option(
    "--fail-on",
    type=click.Choice([severity.word for severity in sorted(Severity, reverse=True)]),
    default="medium",
    show_default=True,
    help="The least severity that makes the exit code 1.",
)
SKIP = click.option(
    "--skip",
    multiple=True,
    metavar="CHECKER",
    help="Leave a checker out; it is reported as not checked.",
    shell_complete=completion.checkers,
)
OFFLINE = click.option("--offline", is_flag=True, help="Never prepare the checkov environment; use what is there.")
CHANGED = click.argument("changed", metavar="[--changed FILE...]", nargs=-1, type=click.Path(path_type=Path))
ONLY_CHANGED = click.option(
    "--changed",
    "of_changed",
    is_flag=True,
    help="For hooks: the projects that the named files are part of, and nothing where they are part of none.",
)
QUIET = click.option("-q", "--quiet", is_flag=True, help="The verdict, and findings that are more than information.")


def answers(function: F) -> F:
    """The questions of `init` as options."""
    for flag, text in (
        ("hooks", "Address of groundplan's repository for pre-commit."),
        ("repository", "Owner and name of the repository."),
        ("forge", "github or gitlab."),
        ("region", "The cloud's region."),
        ("cloud", "aws or none."),
        ("public", "Its public host name, if it has one."),
        ("port", "Where the service listens; 0 for none."),
        ("runtime", "node, python, go, java, dotnet, rust, ruby or php."),
        ("service", "The first service's name."),
        ("owner", "The team that answers for it."),
        ("app", "The product's name."),
        ("variant", "service, several-services, static or lint-only."),
    ):
        function = click.option(f"--{flag}", help=text)(function)
    return function
