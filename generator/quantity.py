"""Quantities as people write them: cpu, memory, durations.

Kubernetes' notation (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/)
for cpu and memory; a number with `ms`, `s`, `m`, `h`, `d` for durations.
"""

from __future__ import annotations

import re

_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50}
_DECIMAL = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
_DURATION_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def millicores(text: str | int | float) -> int:
    """`250m` is 250, `2` is 2000, `0.5` is 500. Raises ValueError."""
    word = str(text)
    return int(word[:-1]) if word.endswith("m") else round(float(word) * 1000)


def cpu(milli: int) -> str:
    """250 is `250m`, 2000 is `2`."""
    return f"{milli}m" if milli % 1000 else str(milli // 1000)


def byte_count(text: str | int) -> int:
    """`256Mi` is 268435456. Raises ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?", str(text))
    if not match:
        raise ValueError(f"{text!r} is not a quantity of bytes")
    number, unit = match.groups()
    return round(float(number) * {**_BINARY, **_DECIMAL}.get(unit or "", 1))


def memory(count: int) -> str:
    """The shortest binary notation: 268435456 is `256Mi`."""
    for unit in ("Pi", "Ti", "Gi", "Mi", "Ki"):
        if count and count % _BINARY[unit] == 0:
            return f"{count // _BINARY[unit]}{unit}"
    return str(count)


def milliseconds(text: str | int) -> int:
    """`300ms` is 300, `5m` is 300000. Raises ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", str(text))
    if not match:
        raise ValueError(f"{text!r} is not a duration")
    number, unit = match.groups()
    return round(float(number) * _DURATION_MS[unit])


def seconds(text: str | int) -> int:
    """Whole seconds, rounded up, so that a short duration is never zero. Raises ValueError."""
    return -(-milliseconds(text) // 1000)
