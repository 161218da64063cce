"""What one generation changes in another: files, objects and their fields, and what each change does.

An effect is never "none" for want of knowledge: where neither the data table nor the format tells, it is `unknown`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from generator.document import Location
from generator.finding import Finding, NotChecked

EFFECTS = {
    "destroys-data": "DESTROYS DATA",
    "replaces": "REPLACES",
    "immutable": "immutable",
    "may-replace": "may replace",
    "unknown": "replacement unknown",
    "removes": "removes",
    "restarts-pods": "restarts pods",
    "recreates-container": "recreates the container",
    "in-place": "in place",
    "renews": "renewed, as with every change",
    "adds": "adds",
    "forgets": "forgets",
    "moves": "moves",
    "none": "no effect",
}
"""Every effect in the words of people, the gravest first."""

_ORDER = {effect: number for number, effect in enumerate(EFFECTS)}
_GATING = frozenset({"destroys-data", "replaces", "immutable"})


@dataclass(frozen=True, slots=True)
class Value:
    """One side of a field. `state` is known, unknown (known only after apply), hidden (a secret) or absent."""

    plain: Any = None
    state: str = "known"

    @property
    def is_there(self) -> bool:
        return self.state != "absent"


ABSENT = Value(None, "absent")
NOWHERE = Location("")


@dataclass(frozen=True, slots=True)
class Field:
    """A field that changes, by its path in the object; `note` says on what the effect depends."""

    path: str
    old: Value
    new: Value
    effect: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one object.

    `subject` is `Deployment/shop/web`, `service web` or a Terraform address; `name` is what it is called where it
    runs; `data` says what it holds ("the database"), "" for nothing. `was` is the address before a move.
    """

    area: str
    scope: str
    kind: str
    subject: str
    action: str
    effect: str
    fields: tuple[Field, ...] = ()
    notes: tuple[str, ...] = ()
    at: Location = NOWHERE
    name: str = ""
    data: str = ""
    was: str = ""
    environments: tuple[str, ...] = ()

    @property
    def gates(self) -> bool:
        """Whether somebody has to agree to it: it replaces something, or destroys data."""
        return self.effect in _GATING

    @property
    def order(self) -> tuple[int, str, str, str]:
        return (_ORDER[self.effect], self.area, self.scope, self.subject)


@dataclass(frozen=True, slots=True, order=True)
class FileChange:
    """A file that writing would add, remove or change; `state` is what `groundplan check` calls it."""

    path: str
    action: str
    added: int
    removed: int
    state: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """The whole answer; `old` and `new` name the two generations."""

    old: str
    new: str
    files: tuple[FileChange, ...] = ()
    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    not_compared: tuple[NotChecked, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def gating(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.gates)

    def exit_code(self, *, allow_replace: bool) -> int:
        """1 when somebody has to agree to what happens, unless they did."""
        return 0 if allow_replace else int(bool(self.gating or self.findings))


def worst(effects: Iterable[str], default: str = "none") -> str:
    """The gravest of some effects."""
    return min(effects, key=lambda effect: _ORDER[effect], default=default)
