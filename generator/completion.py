"""What a shell completes: click's own mechanism, and the values that only we know.

The values are looked up when a shell asks, and a name that cannot be looked up completes to nothing: a shell that
prints an error at the press of a key is worse than one that stays silent.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_GROUNDPLAN_COMPLETE"

Completer = Callable[["click.Context", "click.Parameter", str], "list[CompletionItem]"]


def script(shell: str, group: click.Command) -> str:
    """What the shell is to read, in its own language."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None, shell  # noqa: S101 - click has all of SHELLS, and a test holds it to that
    return kind(group, {}, "groundplan", _VARIABLE).source()


def _completer(values: Callable[[], Iterable[tuple[str, str]]]) -> Completer:
    def complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        with contextlib.suppress(Exception):
            return [CompletionItem(name, help=told) for name, told in values() if name.startswith(incomplete)]
        return []

    return complete


def _checkers() -> Iterable[tuple[str, str]]:
    from generator.checkers import CHECKERS

    return ((name, "") for name in CHECKERS)


def _rules() -> Iterable[tuple[str, str]]:
    from generator import policy

    return ((rule.id, rule.summary) for rule in policy.rules())


def _families() -> Iterable[tuple[str, str]]:
    from generator import policy

    return ((name, "") for name in sorted({rule.id.partition("/")[0] for rule in policy.rules()}))


checkers = _completer(_checkers)
rules = _completer(_rules)
families = _completer(_families)
