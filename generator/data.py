"""Where our data lies: at the top of a checkout, inside the package in a wheel."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The directory `templates`, `schemas`, `rules` or `data` of this installation."""
    packed = PACKAGE / "_data" / name
    return packed if packed.is_dir() else PACKAGE.parent / name


@functools.cache
def load(name: str) -> Any:
    """A JSON file of ours by its path, such as `schemas/spec.schema.json`; read once, not to be changed."""
    top, _, rest = name.partition("/")
    return json.loads((folder(top) / rest).read_text(encoding="utf-8"))
