"""What Prometheus' template functions make of a number, so that a test can expect the very words of an alert.

After https://github.com/prometheus/prometheus/blob/main/template/template.go; Go's `%.4g` and Python's agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping


def number(value: float) -> str:
    """A number of PromQL or of promtool's series, never in exponents."""
    text = f"{value:.12f}".rstrip("0").rstrip(".")
    return text or "0"


def _general(value: float) -> str:
    return f"{value:.4g}"


def percentage(value: float) -> str:
    """`humanizePercentage`."""
    return f"{_general(value * 100)}%"


def scaled(value: float) -> str:
    """`humanize`: k, M, G above a thousand, m, u below one."""
    if value == 0 or math.isnan(value) or math.isinf(value):
        return _general(value)
    prefixes = ("", "k", "M", "G", "T", "P") if abs(value) >= 1 else ("", "m", "u", "n", "p")
    step = 0
    while step + 1 < len(prefixes) and (
        abs(value) >= 1000 if abs(value) >= 1 and prefixes[1] == "k" else abs(value) < 1
    ):
        value = value / 1000 if prefixes[1] == "k" else value * 1000
        step += 1
    return f"{_general(value)}{prefixes[step]}"


def binary(value: float) -> str:
    """`humanize1024`: ki, Mi, Gi."""
    for prefix in ("", "ki", "Mi", "Gi", "Ti"):
        if abs(value) < 1024:
            return f"{_general(value)}{prefix}"
        value /= 1024
    return f"{_general(value)}Pi"


def duration(value: float) -> str:
    """`humanizeDuration`: `1h 2m 3s` from a minute on, `1.5s` below, `300ms` below a second."""
    if value == 0:
        return "0s"
    if abs(value) >= 1:
        sign, whole = ("-" if value < 0 else ""), int(abs(value))
        seconds, minutes, hours, days = whole % 60, whole // 60 % 60, whole // 3600 % 24, whole // 86400
        if days:
            return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
        if hours:
            return f"{sign}{hours}h {minutes}m {seconds}s"
        if minutes:
            return f"{sign}{minutes}m {seconds}s"
        return f"{_general(value)}s"
    for prefix in ("m", "u", "n"):
        value *= 1000
        if abs(value) >= 1:
            return f"{_general(value)}{prefix}s"
    return f"{_general(value * 1000)}ps"


FORMS: Mapping[str, tuple[str, Callable[[float], str]]] = {
    "percentunit": ("humanizePercentage", percentage),
    "percent": ("humanize", scaled),
    "s": ("humanizeDuration", duration),
    "bytes": ("humanize1024", binary),
    "reqps": ("humanize", scaled),
    "short": ("humanize", scaled),
}
"""By Grafana's unit: the template function, and what it yields."""


def template(unit: str) -> str:
    """`{{ $value | humanizePercentage }}`."""
    return f"{{{{ $value | {FORMS[unit][0]} }}}}"


def said(unit: str, value: float) -> str:
    """What the template yields for a value."""
    return FORMS[unit][1](value)
