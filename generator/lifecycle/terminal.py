"""The difference for people: first what needs a decision, then file by file and object by object."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from itertools import groupby

from generator.lifecycle import words
from generator.lifecycle.change import EFFECTS, Change, Difference, FileChange
from generator.reporters.wording import Style, counted, visible

_STYLES = {
    "+": "green",
    "-": "red",
    "~": "yellow",
    "-/+": "bold red",
    ">": "cyan",
    "o": "cyan",
    "loud": "bold white on red",
    "grave": "bold red",
    "unsure": "bold yellow",
    "heading": "bold underline",
    "good": "bold green",
    "bad": "bold red",
    "faint": "dim",
    "path": "bold",
}
_MOST_FILES, _MOST_ADDED, _MOST_FIELDS = 25, 8, 12
Line = tuple[tuple[str, str], ...]


def render(difference: Difference, style: Style, *, allow_replace: bool) -> str:
    """The difference as text for a terminal or a log."""
    painted = _painter() if style.colour else _plain
    lines = _all(difference, style, allow_replace)
    return "".join("".join(painted(kind, visible(part)) for kind, part in line).rstrip() + "\n" for line in lines)


def _plain(_style: str, text: str) -> str:
    return text


def _painter() -> Callable[[str, str], str]:
    from rich.color import ColorSystem
    from rich.style import Style as Painted

    styles = {name: Painted.parse(definition) for name, definition in _STYLES.items()}

    def paint(style: str, text: str) -> str:
        return styles[style].render(text, color_system=ColorSystem.STANDARD) if style and text.strip() else text

    return paint


def _all(difference: Difference, style: Style, allow_replace: bool) -> Iterator[Line]:
    yield from _decisions(difference, style.width)
    if not style.quiet:
        yield from _files(difference)
        for (area, scope), group in groupby(
            _by_place(difference), key=lambda change: (change.area, words.scope(change))
        ):
            yield (("heading", f"{area} {scope}".rstrip()),)
            yield from _group(list(group), style.width)
            yield ()
        yield from _closing(difference)
    good = difference.exit_code(allow_replace=allow_replace) == 0
    yield (("good" if good else "bad", words.verdict(difference, allow_replace=allow_replace)),)


def _by_place(difference: Difference) -> list[Change]:
    """By area and scope, and there the gravest first."""
    areas = {area: number for number, area in enumerate(words.AREAS)}
    return sorted(difference.changes, key=lambda change: (areas[change.area], words.scope(change), change.order))


def _decisions(difference: Difference, width: int) -> Iterator[Line]:
    for change in difference.gating:
        where = f"  [{words.scope(change)}]" if words.scope(change) else ""
        first, *rest = _wrapped(f"{words.sentence(change)}{where}", width)
        loud, _, tail = first.partition(" ")
        yield (("loud", f"{loud}"), ("grave", f" {tail}"))
        yield from (((("grave", f"    {line}")),) for line in rest)
    for finding in difference.findings:
        yield (("path", str(finding.at)), ("", ": "), ("grave", finding.severity.word), ("", f" {finding.rule}: "))
        yield from ((("", f"    {line}"),) for line in _wrapped(finding.message, width))
        yield from ((("faint", f"    {line}"),) for line in _wrapped(f"help: {finding.fix}", width))
    if difference.gating or difference.findings:
        yield ()


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(visible(text), width - 4, break_on_hyphens=False) if width >= 40 else [text]


def _files(difference: Difference) -> Iterator[Line]:
    if not difference.files:
        return
    yield (("heading", "files"), ("faint", f"  {difference.old} -> {difference.new}"))
    for file in difference.files[:_MOST_FILES]:
        yield _file(file)
    if len(difference.files) > _MOST_FILES:
        yield (("faint", f"  ... and {len(difference.files) - _MOST_FILES} more; -o json lists all"),)
    yield ()


def _file(file: FileChange) -> Line:
    sign = {"added": "+", "removed": "-", "changed": "~"}[file.action]
    state = {"edited": "  edited by hand: generate refuses", "foreign": "  not ours: generate refuses"}.get(file.state)
    lines = "".join(f" {mark}{number}" for mark, number in (("+", file.added), ("-", file.removed)) if number)
    return ((sign, f"  {sign} {file.path}"), ("faint", f" {lines}"), ("unsure", state or ""))


def _group(changes: list[Change], width: int) -> Iterator[Line]:
    plain = [change for change in changes if change.effect == "adds"]
    for change in changes:
        if change.effect != "adds" or len(plain) <= _MOST_ADDED:
            yield from _change(change, width)
    if len(plain) > _MOST_ADDED:
        kinds: dict[str, int] = {}
        for change in plain:
            kinds[change.kind] = kinds.get(change.kind, 0) + 1
        told = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
        first, *rest = _wrapped(f"+ {counted(len(plain), 'new object')}: {told}", width)
        yield (("+", f"  {first}"),)
        yield from ((("+", f"    {line}"),) for line in rest)


def _change(change: Change, width: int) -> Iterator[Line]:
    sign = words.symbol(change)
    kind = {"destroys-data": "grave", "replaces": "grave", "immutable": "grave"}.get(change.effect, "")
    kind = kind or ("unsure" if change.effect in ("may-replace", "unknown") else "faint")
    name = f' "{change.name}"' if change.name and change.name not in change.subject else ""
    yield ((sign, f"  {sign:<3} {change.subject}"), ("faint", name), (kind, f"  {words.effect(change)}"))
    if change.was:
        yield (("faint", f"        was {change.was}"),)
    for field in change.fields[:_MOST_FIELDS]:
        yield (
            ("", f"        {field.path}: {words.arrow(field)}"),
            ("grave" if field.effect in ("replaces", "immutable") else "faint", f"  {EFFECTS[field.effect]}"),
            ("faint", f" ({field.note})" if field.note else ""),
        )
    if len(change.fields) > _MOST_FIELDS:
        yield (("faint", f"        ... and {len(change.fields) - _MOST_FIELDS} more; -o json lists all"),)
    for note in change.notes:
        first, *rest = _wrapped(note, width - 6 if width else 0)
        yield (("faint", f"      ! {first}"),)
        yield from ((("faint", f"        {line}"),) for line in rest)


def _closing(difference: Difference) -> Iterator[Line]:
    if difference.changes:
        yield (("faint", f"{'changes':<12}"), ("", words.tally(difference.changes)))
    for note in difference.notes:
        yield (("faint", f"{'note':<12}"), ("", note))
    for item in difference.not_compared:
        yield (("unsure", f"{'not compared':<12} "), ("", f"{item.what}: {item.reason}; {item.fix}".rstrip("; ")))
