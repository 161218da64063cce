"""Verbs judge a value: against what a rule says, or against the values of another fact.

A verb is a function of the value and one other; `among` says how many of the others must satisfy
it when they come from files: `every` (equals, is-at-least), `some` (is-one-of) or `none`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from generator.policy import lifetimes

Among: TypeAlias = Literal["every", "some", "none"]


@dataclass(frozen=True, slots=True)
class Context:
    """What a verdict may depend on besides the files: the date (`YYYY-MM-DD`, "" when unknown)."""

    today: str = ""


@dataclass(frozen=True, slots=True)
class Verb:
    """`test(value, other, context)`; `accepts` names what a rule may write behind it."""

    test: Callable[[Any, Any, Context], bool | None]
    accepts: Literal["scalar", "number", "list", "pattern", "flag", "mapping"]
    among: Among = "every"
    facts: bool = True
    """Whether it may compare with the values of another fact."""


def _equals(value: Any, other: Any, _: Context) -> bool:
    return bool(_same(value) == _same(other))


def _differs(value: Any, other: Any, _: Context) -> bool:
    return bool(_same(value) != _same(other))


def _is_in(value: Any, options: Any, _: Context) -> bool:
    if not isinstance(options, list):
        return bool(_same(value) == _same(options))
    return any(_same(value) == _same(option) for option in options)


def _is_not_in(value: Any, options: Any, context: Context) -> bool:
    return not _is_in(value, options, context)


def _matches(value: Any, pattern: Any, _: Context) -> bool:
    return bool(compiled(str(pattern)).search(_text(value)))


def _does_not_match(value: Any, pattern: Any, context: Context) -> bool:
    return not _matches(value, pattern, context)


def _ordered(compare: Callable[[float, float], bool]) -> Callable[[Any, Any, Context], bool | None]:
    def test(value: Any, other: Any, _: Context) -> bool | None:
        if any(isinstance(side, bool) or not isinstance(side, int | float) for side in (value, other)):
            return None  # what is no number cannot be compared, and is another rule's business
        return compare(value, other)

    return test


def _has_all(value: Any, wanted: Any, _: Context) -> bool:
    return frozenset(wanted) <= _set(value)


def _has_none(value: Any, unwanted: Any, _: Context) -> bool:
    return not frozenset(unwanted) & _set(value)


def _has_only(value: Any, allowed: Any, _: Context) -> bool:
    return _set(value) <= frozenset(allowed)


def _selects(value: Any, labels: Any, _: Context) -> bool:
    return bool(_set(value)) and _set(value) <= _set(labels)


def _is_part_of(value: Any, whole: Any, _: Context) -> bool:
    return _set(value) <= _set(whole)


def _is_prefix(value: Any, other: Any, _: Context) -> bool:
    return _text(other).startswith(_text(value))


def _is_supported(value: Any, days: Any, context: Context) -> bool | None:
    end = lifetimes.end_of_life(_text(value))
    if end is None or not context.today:
        return None
    return end > lifetimes.days_later(context.today, int(days))


VERBS: dict[str, Verb] = {
    "equals": Verb(_equals, "scalar"),
    "differs-from": Verb(_differs, "scalar"),
    "is-one-of": Verb(_is_in, "list", "some"),
    "is-none-of": Verb(_is_not_in, "list", "every"),
    "matches": Verb(_matches, "pattern", facts=False),
    "does-not-match": Verb(_does_not_match, "pattern", facts=False),
    "is-at-least": Verb(_ordered(lambda value, other: value >= other), "number"),
    "is-at-most": Verb(_ordered(lambda value, other: value <= other), "number"),
    "is-above": Verb(_ordered(lambda value, other: value > other), "number"),
    "is-below": Verb(_ordered(lambda value, other: value < other), "number"),
    "has-all": Verb(_has_all, "list", facts=False),
    "has-none": Verb(_has_none, "list", facts=False),
    "has-only": Verb(_has_only, "list", facts=False),
    "selects": Verb(_selects, "list", "some"),
    "is-part-of": Verb(_is_part_of, "list", "some"),
    "is-prefix-of": Verb(_is_prefix, "scalar", "some"),
    "is-supported-for-days": Verb(_is_supported, "number", facts=False),
    "exists": Verb(lambda value, _other, _: value is not None, "flag"),
    "is-absent": Verb(lambda value, _other, _: value is None, "flag"),
    "is-unique": Verb(_differs, "flag"),
}
"""`exists`, `is-absent` and `is-unique` look at presence, not at one pair; the engine does that."""


@functools.lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of a rule; `(?i)` in front makes it ignore case."""
    return re.compile(pattern)


def _same(value: Any) -> Any:
    """Scalars that a reader takes for the same: 8080 and "8080", but not true and 1."""
    if isinstance(value, bool) or value is None or isinstance(value, frozenset):
        return value
    if isinstance(value, int | float):
        return str(value)
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _set(value: Any) -> frozenset[str]:
    if isinstance(value, frozenset):
        return value
    if isinstance(value, list):
        return frozenset(_text(item) for item in value)
    return frozenset([_text(value)])
