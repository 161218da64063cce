"""`moved` and `removed` blocks: which address was another one before, and what is let go of and not destroyed.

Blocks in a module count for every instance of it, as they do in Terraform.
"""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from generator.document import SourceFile
from generator.policy.hclread import Block, Unreadable, read

_BLOCK = re.compile(r"^\s*(?:moved|removed)\s*\{", re.M)
_KEY = re.compile(r"\[[^\]]*\]")
_MOST_HOPS = 20


@dataclass(frozen=True, slots=True)
class Letting:
    """A `removed` block: an address without keys, and whether what it names is destroyed."""

    address: str
    destroys: bool


@dataclass(frozen=True, slots=True)
class Moves:
    """Every move and removal in one root, by whole addresses."""

    moved: tuple[tuple[str, str], ...] = ()
    removed: tuple[Letting, ...] = ()

    def now(self, address: str, known: Iterable[str] | Mapping[str, object]) -> str:
        """The address that an old one has in the new code; itself where nothing moves it."""
        here = address
        for _ in range(_MOST_HOPS):
            if here in known:
                return here
            target = next((moved for old, new in self.moved if (moved := _moved(here, old, new)) != here), here)
            if target == here:
                break
            here = target
        return here if here in known else _counted(here, known)

    def follow(self, reference: str) -> str:
        """What a reference is called after every move, whatever it names."""
        for _ in range(_MOST_HOPS):
            target = next(
                (moved for old, new in self.moved if (moved := _moved(reference, old, new)) != reference), reference
            )
            if target == reference:
                break
            reference = target
        return reference

    def letting(self, address: str) -> Letting | None:
        """The removal that covers an address."""
        bare = _KEY.sub("", address)
        return next(
            (item for item in self.removed if bare == item.address or bare.startswith(f"{item.address}.")), None
        )


def _moved(address: str, old: str, new: str) -> str:
    if address == old:
        return new
    if address.startswith((f"{old}.", f"{old}[")):
        return new + address[len(old) :]
    return address


def _counted(address: str, known: Iterable[str] | Mapping[str, object]) -> str:
    """Terraform itself moves a resource to instance 0 when it gets a `count`, and back when it loses it."""
    other = address.removesuffix("[0]") if address.endswith("[0]") else f"{address}[0]"
    return other if other in known else address


def moves(files: Sequence[SourceFile], root: str, prefixes: Mapping[str, Sequence[str]]) -> Moves:
    """The moves of a root; `prefixes` gives, by module folder, the addresses under which it is called there."""
    moved: list[tuple[str, str]] = []
    removed: list[Letting] = []
    for file in files:
        folder = posixpath.dirname(file.path)
        places = [""] if folder == root else list(prefixes.get(folder, ()))
        if not places or not _BLOCK.search(file.text):
            continue
        for block in _blocks(file.text, file.path):
            source, target = _address(block, "from"), _address(block, "to")
            for prefix in places:
                if block.kind == "moved" and source and target:
                    moved.append((prefix + source, prefix + target))
                elif block.kind == "removed" and source:
                    removed.append(Letting(_KEY.sub("", prefix + source), _destroys(block)))
    return Moves(tuple(moved), tuple(removed))


@functools.lru_cache(maxsize=64)
def _blocks(text: str, path: str) -> tuple[Block, ...]:
    try:
        return tuple(block for block in read(text, path).blocks if block.kind in {"moved", "removed"})
    except Unreadable:
        return ()


def _address(block: Block, name: str) -> str:
    given = block.attributes.get(name)
    return re.sub(r"\s+", "", given[0].text) if given else ""


def _destroys(block: Block) -> bool:
    """Terraform destroys what a `removed` block names unless it says otherwise."""
    for inner in block.blocks:
        if inner.kind == "lifecycle" and "destroy" in inner.attributes:
            return inner.attributes["destroy"][0].text != "false"
    return True


def closures(files: Sequence[SourceFile], beside: Sequence[SourceFile] = ()) -> dict[str, frozenset[str]]:
    """For each root folder, the folders of its modules and itself.

    A folder that is called from a file of either side is a module, also where nobody calls it any more.
    """
    calls = _calls(files)
    called = {target for side in (calls, _calls(beside)) for made in side.values() for target in made}
    return {folder: frozenset(_reach(folder, calls)) for folder in sorted(calls) if folder not in called}


def _calls(files: Sequence[SourceFile]) -> dict[str, set[str]]:
    calls: dict[str, set[str]] = {}
    for file in files:
        if file.path.endswith(".tf"):
            folder = posixpath.dirname(file.path)
            calls.setdefault(folder, set()).update(set(_sources(file.text, folder)) - {folder})
    return calls


_SOURCE = re.compile(r'^\s*source\s*=\s*"(\.{1,2}/[^"]*)"', re.M)


def _sources(text: str, folder: str) -> Iterator[str]:
    for match in _SOURCE.finditer(text):
        yield posixpath.normpath(posixpath.join(folder, match[1]))


def _reach(folder: str, calls: Mapping[str, set[str]]) -> set[str]:
    seen, open_ = {folder}, [folder]
    while open_:
        for target in calls.get(open_.pop(), ()):
            if target not in seen:
                seen.add(target)
                open_.append(target)
    return seen
