"""What the writers share: how a forge's own words take the place of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from generator import data
from generator.artifact import Because

_WORD = re.compile(r"<([a-z-]+)(?::([\w.-]+))?(?:\|([^>]*))?>")

SEALED = frozenset({"handover/tfplan", "handover/state"})
"""Files that may hold secrets."""

Speak = Callable[[str, str, str], str]
"""A forge's word for one of ours: name, argument, default."""


def spoken(value: Any, speak: Speak) -> Any:
    """A value with the forge's words in it, causes kept."""
    if isinstance(value, Because):
        return Because(spoken(value.value, speak), value.causes)
    if isinstance(value, Mapping):
        return {key: spoken(item, speak) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [spoken(item, speak) for item in value]
    if isinstance(value, str):
        return _WORD.sub(lambda match: speak(match[1], match[2] or "", match[3] or ""), value)
    return value


def known() -> Any:
    """Commits of actions, digests of images, checksums of programs."""
    return data.load("schemas/data/actions.json")
