"""The manual page, made from the commands themselves, so that it says what `--help` says.

`make man` writes it; a test compares it with the commands, and the wheel installs it as share/man/man1/groundplan.1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from generator import __version__

PATH = Path(__file__).resolve().parent / "groundplan.1"

EXITS = (
    ("0", "clean, or nothing at or above --fail-on"),
    ("1", "at least one finding at or above --fail-on, or a required success criterion that is not met"),
    ("2", "usage, configuration, a malformed rule, a required tool that is missing, nothing to check"),
    ("3", "a bug of groundplan; the message has a line to report"),
    ("130", "interrupted"),
)
VARIABLES = (
    ("GROUNDPLAN_CACHE", "off: nothing is answered from memory, though nothing has changed"),
    ("GROUNDPLAN_CHECKOV", "a Python that has checkov, its environment, or its `checkov` command"),
    ("GROUNDPLAN_OFFLINE", "like --offline, for every command, when it is not empty"),
    ("GROUNDPLAN_PROMTOOL", "check (the default) or test: whether the tests of alerts are run"),
    ("GROUNDPLAN_TERRAFORM", "fmt (the default), validate or test: how far terraform itself goes"),
    ("GROUNDPLAN_TERRAFORM_CONFIG", "a CLI configuration of terraform's, or a folder laid out as its provider mirrors"),
    ("GROUNDPLAN_TRACEBACK", "shows the trace of a bug of ours when it is not empty"),
    ("NO_COLOR, FORCE_COLOR", "no colours, or colours where there is no terminal"),
    ("SOURCE_DATE_EPOCH", "the day on which waivers are judged, in seconds since 1970"),
    ("XDG_CACHE_HOME", "where the checkov environment and remembered answers are kept; ~/.cache by default"),
)
FILES = (
    ("groundplan.yaml", "the spec"),
    ("groundplan.lock", "what was written last, to be committed with it"),
)


def render(group: click.Group) -> str:
    """The page as roff, for the man macros."""
    return "\n".join(_lines(group)) + "\n"


def _lines(group: click.Group) -> Iterator[str]:
    context = click.Context(group, info_name="groundplan")
    yield f'.TH GROUNDPLAN 1 "" "groundplan {__version__}" "User Commands"'
    yield ".SH NAME"
    yield f"groundplan {_text('-')} {_text(group.get_short_help_str(200).rstrip('.'))}"
    yield ".SH SYNOPSIS"
    yield rf".B groundplan\fR {_text('COMMAND [OPTIONS] [ARGUMENTS]')}"
    yield ".SH DESCRIPTION"
    yield from _help(group.help or "")
    yield ".SH COMMANDS"
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None and not command.hidden:
            yield from _command(command, click.Context(command, info_name=name, parent=context))
    for title, rows in (("EXIT STATUS", EXITS), ("ENVIRONMENT", VARIABLES), ("FILES", FILES)):
        yield f".SH {title}"
        yield from _listed(rows)


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_text(f'groundplan {context.info_name} {usage}')}"
    yield from _help(command.help or "")
    options = (item for item in command.params if isinstance(item, click.Option))
    rows = [row for item in options if (row := item.get_help_record(context))]
    if rows:
        yield ".PP"
        yield "Options:"
        yield from _listed(rows)


def _help(text: str) -> Iterator[str]:
    """Paragraphs; one that click prints as it is, behind a `\\b`, keeps its lines."""
    for number, paragraph in enumerate(re.split(r"\n\s*\n", text.strip())):
        lines = paragraph.strip("\n").split("\n")
        as_it_is = lines[0].strip() == "\b"
        if number:
            yield ".PP"
        if not as_it_is:
            yield _text(" ".join(line.strip() for line in lines))
            continue
        yield ".nf"
        yield from (_text(line.strip()) for line in lines[1:])
        yield ".fi"


def _listed(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    for term, told in rows:
        yield ".TP"
        yield rf".B {_text(term)}"
        yield _text(told)


def _text(text: str) -> str:
    """Text in which nothing is a request or an escape of roff's; a hyphen stays one that can be copied."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("`", r"\(ga").replace("·", r"\(bu")
    return rf"\&{escaped}" if escaped[:1] in {".", "'"} else escaped


def main() -> None:
    """`python -m generator.manpage`: the page to standard output."""
    from generator.cli import main as group

    sys.stdout.write(render(group))


if __name__ == "__main__":
    main()
