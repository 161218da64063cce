"""How long a schedule of cron rests at most: what "late" means for a run.

Five fields as in crontab(5); when both day fields are given, either may match.
"""

from __future__ import annotations

import datetime
import functools
import itertools

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_START = datetime.date(2027, 1, 1)
_SPAN_DAYS = 366 * 9
"""Long enough for the 29th of February."""
_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


@functools.cache
def longest_gap(expression: str) -> int:
    """Seconds between two runs that lie furthest apart. Raises ValueError for what is no schedule."""
    fields = _MACROS.get(expression.strip().lower(), expression).lower().split()
    if len(fields) != 5:
        raise ValueError(f"{expression!r} has not five fields")
    minutes, hours = _field(fields[0], 0, 59), _field(fields[1], 0, 23)
    times = sorted(hour * 60 + minute for hour in hours for minute in minutes)
    within = max((later - earlier for earlier, later in itertools.pairwise(times)), default=0)
    days = _days(fields)
    if not days:
        raise ValueError(f"{expression!r} never comes")
    apart = max((later - earlier for earlier, later in itertools.pairwise(days)), default=_SPAN_DAYS)
    return max(within, apart * 1440 - times[-1] + times[0]) * 60


def _days(fields: list[str]) -> list[int]:
    of_month, months = _field(fields[2], 1, 31), _field(fields[3], 1, 12, _MONTHS, 1)
    of_week = {day % 7 for day in _field(fields[4], 0, 7, _DAYS)}
    either = fields[2] not in {"*", "?"} and fields[4] not in {"*", "?"}
    found = []
    for number in range(_SPAN_DAYS):
        date = _START + datetime.timedelta(days=number)
        day, week = date.day in of_month, date.isoweekday() % 7 in of_week
        if date.month in months and ((day or week) if either else (day and week)):
            found.append(number)
    return found


def _field(text: str, least: int, most: int, names: tuple[str, ...] = (), first: int = 0) -> set[int]:
    """The numbers of one field: `*`, `5`, `1-5`, `*/15`, `mon,wed`."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        low, dash, high = span.partition("-")
        if span in {"*", "?"}:
            start, end = least, most
        else:
            start = _number(low, names, first)
            end = _number(high, names, first) if dash else (most if step else start)
        found.update(range(start, end + 1, int(step or 1)))
    return found


def _number(text: str, names: tuple[str, ...], first: int) -> int:
    return names.index(text) + first if text in names else int(text)
