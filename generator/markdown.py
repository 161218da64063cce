"""Texts of the user's as Markdown: they read the same, and are never markup."""

from __future__ import annotations

import re

_MARKUP = re.compile(r"([\\`*_\[\]|~$])")


def written(text: str) -> str:
    """Text of the user's as Markdown that reads the same: no markup, no HTML, one line, no list or heading."""
    flat = " ".join(text.split())
    flat = _MARKUP.sub(r"\\\1", flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
    return re.sub(r"^(#+|[-+=]+|\d+[.)])", lambda match: f"{match[1][:-1]}\\{match[1][-1]}", flat)


def code(text: str, *, cell: bool = False) -> str:
    """Text as a code span, whatever backticks it has; within a table's cell a bar ends nothing."""
    flat = " ".join(text.split())
    runs = {len(run) for run in re.findall(r"`+", flat)}
    mark = "`" * next(length for length in range(1, len(runs) + 2) if length not in runs)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    shown = f"{mark}{pad}{flat}{pad}{mark}"
    return shown.replace("|", "\\|") if cell else shown
