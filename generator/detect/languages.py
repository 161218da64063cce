"""The languages that are read, in one visible table: where two meet in a folder, the earlier one is asked first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from generator.detect import dotnet, go, java, node, php, python, ruby, rust, source, static
from generator.detect.found import Process, Unit
from generator.detect.source import Read, Source
from generator.detect.tree import Tree

READERS: tuple[Callable[[Tree], Iterator[Unit]], ...] = (
    java.units,
    dotnet.units,
    go.units,
    rust.units,
    ruby.units,
    php.units,
    python.units,
    node.units,
    static.units,
)

PORTS: Mapping[str, Sequence[re.Pattern[str]]] = {
    "java": java.PORTS,
    "dotnet": dotnet.PORTS,
    "go": go.PORTS,
    "rust": rust.PORTS,
    "ruby": ruby.PORTS,
    "python": python.PORTS,
    "node": node.PORTS,
}
"""How a source says where it listens, the surest form first."""


def sources(tree: Tree, unit: Unit, process: Process, folders: Sequence[str]) -> tuple[Source, ...]:
    """The sources of one process: all of its folder, or those packages that it is made of."""
    found = source.sources(tree, unit.folder, unit.runtime.value, folders)
    if process.within is None:
        return found
    return tuple(file for file in found if (file.file.path.rpartition("/")[0] or ".") in process.within)


def variables(tree: Tree, unit: Unit, process: Process, folders: Sequence[str]) -> dict[str, Read]:
    """The variables that the sources of a process read, and those that its configuration files name."""
    runtime = unit.runtime.value
    found = sources(tree, unit, process, folders)
    made = source.variables(found, runtime)
    if runtime == "java":
        made = {**java.variables(tree, unit.folder, folders), **made}
    if runtime == "dotnet":
        made = {**dotnet.variables(found), **made}
    return made
