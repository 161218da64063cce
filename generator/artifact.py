"""A file to be written: first as a plan (which template, which values), then as text.

Values in an artifact's context may be wrapped by `because`, which ties a derived value to the
spec places it was made from; values read straight from the model need no wrapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Because:
    """A derived value and the spec paths it comes from, the most telling one first."""

    value: Any
    causes: tuple[str, ...]


def because(value: Any, *causes: str) -> Any:
    """Tie a derived value to spec paths (`services.web.port`); templates see the bare value."""
    return Because(value, causes)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A planned file.

    `path` is relative to the project; `template` names a file below `templates/`; `origin` is the
    spec path that answers for every line without a better answer (`services.web`).
    `environment` is "" for files that serve all environments.
    """

    path: str
    target: str
    template: str
    context: Mapping[str, Any]
    origin: str
    environment: str = ""


@dataclass(frozen=True, slots=True)
class LineOrigin:
    """Where one line of output came from: template place and the spec paths read for it."""

    template: str
    template_line: int
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A file's full text; `origins[i]` answers for line i + 1."""

    path: str
    target: str
    text: str
    origins: tuple[LineOrigin, ...] = field(default=(), repr=False)
    environment: str = ""
