"""Our own rules over all files: one engine, no program, no network."""

from __future__ import annotations

from collections.abc import Sequence

from generator.checkers import Settings
from generator.document import TextFile
from generator.finding import Outcome


def check(files: Sequence[TextFile], settings: Settings) -> Outcome:
    """The findings and passes of every rule of the pack."""
    from generator import policy

    return policy.judge(files, policy.rules(), policy.Context(today=settings.today))
