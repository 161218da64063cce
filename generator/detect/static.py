"""Plain files for a web server: an index.html where nothing else is."""

from __future__ import annotations

from collections.abc import Iterator

from generator.detect.found import Found, Unit
from generator.detect.tree import Tree, parent

_HOLDERS = frozenset({"public", "site", "www", "html", "static", "htdocs"})


def units(tree: Tree) -> Iterator[Unit]:
    """An index.html at the root or in a folder of the root, or in the usual folder of one."""
    for path in tree.named("index.html"):
        folder = parent(path)
        above, _, last = folder.rpartition("/")
        holder = last in _HOLDERS
        place = (above or ".") if holder else folder
        if place.count("/") > 1:
            continue
        made = Found(last, path) if holder else Found(".", "", assumed=f"{path} is there, and nothing that builds it")
        yield Unit(folder=place, runtime=Found("static", path), runs=True, output=made)
