"""Facts about AWS that decide what a spec may ask for: zones, sizes, versions, names.

The tables are dated data, each with its source (`schemas/data/aws.json`); functions here only look up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from generator import data

_GIB = 2**30
_MIB = 2**20
_AURORA = frozenset({"db.t4g.medium", "db.t4g.large"})
_FEW_SIZES = {256: (512, 1024, 2048)}
"""Where Fargate's memory does not grow by a fixed step."""


def _facts() -> Mapping[str, Any]:
    found: Mapping[str, Any] = data.load("schemas/data/aws.json")
    return found


def zones(region: str) -> tuple[str, ...] | None:
    """The zones of a region by name (`eu-west-1a`), or None for a region that AWS does not have."""
    letters = _facts()["regions"]["zones"].get(region)
    return None if letters is None else tuple(f"{region}{letter}" for letter in letters)


def geography(region: str) -> str | None:
    """The legal area of a region: `eu` for the European Union, else a country such as `us` or `uk`."""
    found: str | None = _facts()["regions"]["geography"].get(region)
    return found


def fargate_sizes() -> Mapping[int, tuple[int, ...]]:
    """CPU units (1024 are a core) -> the memory sizes in MiB that a task may have with them."""
    made = {}
    for units, (least, most, step) in _facts()["fargate"]["sizes"].items():
        made[int(units)] = _FEW_SIZES.get(int(units)) or tuple(range(least, most + 1, step))
    return made


def fargate(milli: int, count: int) -> tuple[int, int] | None:
    """The smallest task (CPU units, MiB) that holds so many thousandths of a core and bytes, or None."""
    for units, memories in fargate_sizes().items():
        if units * 1000 >= milli * 1024:
            for mib in memories:
                if mib * _MIB >= count:
                    return units, mib
    return None


def database_class(milli: int, count: int, *, aurora: bool) -> str | None:
    """The smallest class of RDS or Aurora with so many thousandths of a core and bytes, or None.

    Aurora has no general-purpose Graviton classes.
    """
    for name, (cores, gib) in _facts()["database_classes"]["sizes"].items():
        fits = cores * 1000 >= milli and gib * _GIB >= count
        if fits and (not aurora or name in _AURORA or name.startswith("db.r7g.")):
            return str(name)
    return None


def cache_node(count: int) -> str | None:
    """The smallest ElastiCache node with so many bytes, of which the engine sets some aside, or None."""
    for name, gib in _facts()["cache_nodes"]["sizes"].items():
        if gib * _GIB >= count:
            return str(name)
    return None


def ended(kind: str, version: str, *, aurora: bool = False) -> str | None:
    """The day on which standard support of a line of postgres, mysql or kubernetes ended, or None.

    Aurora keeps MySQL on days of its own, and PostgreSQL on those of RDS.
    """
    tables: Mapping[str, Any] = _facts()["ended"]
    own = tables.get(f"aurora-{kind}") if aurora else None
    lines: Mapping[str, str] = (own or tables.get(kind, {})).get("lines", {})
    parts = version.split(".")
    day = next((lines[line] for line in (version, ".".join(parts[:2]), parts[0]) if line in lines), None)
    return day if day is not None and day <= _facts()["date"] else None


def bucket_name_problem(name: str) -> str | None:
    """Why no bucket of S3 can have a name, or None.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    if not 3 <= len(name) <= 63:
        return "it has 3 to 63 characters"
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*[a-z0-9]", name):
        return "it has lower-case letters, digits, dots and dashes, and begins and ends with a letter or digit"
    if ".." in name or re.fullmatch(r"\d+\.\d+\.\d+\.\d+", name):
        return "it has no two dots in a row and is no address"
    for prefix in ("xn--", "sthree-", "amzn-s3-demo-"):
        if name.startswith(prefix):
            return f"names that begin with {prefix} are reserved"
    for suffix in ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3", "-an"):
        if name.endswith(suffix):
            return f"names that end with {suffix} are reserved"
    return None
