"""What earlier generations put into Terraform, as the lock remembers it.

State that exists is bound to addresses. The lock names the module calls of each environment, so that a
rename in the spec can be told from a removal and an addition, and what was moved once stays written down.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
    renamed: list[tuple[str, str]] = []
    for old in list(vanished):
        alike = [new for new in appeared if calls[new] == past.calls[old]]
        rivals = [name for name in vanished if past.calls[name] == past.calls[old]]
        if len(alike) == 1 and len(rivals) == 1:
            renamed.append((old, alike[0]))
            vanished.remove(old)
            appeared.remove(alike[0])
    left = [name for name in vanished if past.calls[name].module in holding]
    removed = [name for name in dict.fromkeys([*past.removed, *left]) if name not in calls]
    taken = {new for _, new in renamed}
    earlier = [move for move in _without_sources(past.moved, calls) if move[1] not in taken]
    return Past(calls, _leading([*earlier, *renamed], {*calls, *removed}), tuple(removed))


def _without_sources(moves: Sequence[tuple[str, str]], calls: Collection[str]) -> list[tuple[str, str]]:
    """The moves but for those away from a name that is called again; what was moved to such a name goes on past it."""
    kept = list(moves)
    for old, new in moves:
        if old in calls:
            kept.remove((old, new))
            kept = [(first, new if second == old else second) for first, second in kept]
    return [move for move in kept if move[0] != move[1]]


def _leading(moves: Sequence[tuple[str, str]], ends: Collection[str]) -> tuple[tuple[str, str], ...]:
    """The moves that lead to one of these names at last, if by way of others: nobody knows who applied which."""
    kept: list[tuple[str, str]] = []
    known = set(ends)
    waiting = list(moves)
    while ready := [move for move in waiting if move[1] in known]:
        kept += ready
        known |= {old for old, _ in ready}
        waiting = [move for move in waiting if move not in ready]
    return tuple(move for move in moves if move in kept)
