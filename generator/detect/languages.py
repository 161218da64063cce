"""The languages that are read, in one visible table: where two meet in a folder, the earlier one is asked first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from generator.detect import node, python, source
from generator.detect.found import Unit
from generator.detect.source import Read
from generator.detect.tree import Tree

READERS: tuple[Callable[[Tree], Iterator[Unit]], ...] = (python.units, node.units)

PORTS: Mapping[str, Sequence[re.Pattern[str]]] = {"python": python.PORTS, "node": node.PORTS}
"""How a source says where it listens, the surest form first."""


def variables(tree: Tree, folder: str, runtime: str, folders: Sequence[str]) -> dict[str, Read]:
    """The variables that the sources of a folder read, and those its configuration files name."""
    return source.variables(source.sources(tree, folder, runtime, folders), runtime)
