"""What stands side by side in one environment, monitoring files included, and what is judged once for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from generator.policy.documents import Document
from generator.policy.found import Derive, Found

_WATCHED = re.compile(r"(?:^|/)monitoring/(?:prometheus|logs|traces)/([^/]+)/")


def worlds(documents: Sequence[Document]) -> Iterator[tuple[Document, ...]]:
    """For each environment its documents; objects of an operator lie in the environment's folder as plain files do."""
    from generator.policy import overlays

    known = {item.environment for item in documents if item.environment}
    yield from overlays.worlds([_placed(item, known) for item in documents])


def _placed(document: Document, known: set[str]) -> Document:
    match = _WATCHED.search(document.file)
    own = document.format in ("kubernetes", "prometheus-rules")
    if document.environment or not own or match is None or match.group(1) not in known:
        return document
    return replace(document, environment=match.group(1))


def each(judge: Callable[[Sequence[Document]], Iterator[Found]]) -> Derive:
    """A fact that looks at one environment at a time; the same answer in several is given once."""

    def derive(documents: Sequence[Document]) -> Iterator[Found]:
        seen = set()
        for world in worlds(documents):
            for found in judge(world):
                key = (found.at, found.trail, found.value, found.shown)
                if key not in seen:
                    seen.add(key)
                    yield found

    return derive
