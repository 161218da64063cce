"""What earlier generations put into Terraform, as the lock remembers it.

State that exists is bound to addresses. The lock names the module calls of each environment, so that a
rename in the spec can be told from a removal and an addition, and what was moved once stays written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Called:
    """A module call: the module and a hash of its arguments without those that hold its own name."""

    module: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Past:
    """One environment: its calls by name, the moves (from, to) and the calls whose data was left behind."""

    calls: Mapping[str, Called] = field(default_factory=dict)
    moved: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()


History = Mapping[str, Past]
"""The past of each environment by name."""


def advance(past: Past, calls: Mapping[str, Called], holding: frozenset[str]) -> Past:
    """The past with what is called now: renames as moves, and what vanished with data as left behind.

    One call that vanished and one that appeared, of the same module and with the same arguments, are one
    call renamed. `holding` names the modules whose resources hold data.
    """
    vanished = [name for name in past.calls if name not in calls]
    appeared = [name for name in calls if name not in past.calls]
    moved = [move for move in past.moved if move[1] in calls or any(move[1] == other[0] for other in past.moved)]
    for old in list(vanished):
        alike = [new for new in appeared if calls[new] == past.calls[old]]
        rivals = [name for name in vanished if past.calls[name] == past.calls[old]]
        if len(alike) == 1 and len(rivals) == 1:
            moved.append((old, alike[0]))
            vanished.remove(old)
            appeared.remove(alike[0])
    left = [name for name in vanished if past.calls[name].module in holding]
    removed = [name for name in dict.fromkeys([*past.removed, *left]) if name not in calls]
    return Past(calls, tuple(move for move in moved if move[0] not in calls), tuple(removed))
