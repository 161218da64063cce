"""What was found in a source tree: every value with the place where it stands.

A value that was concluded and not read is a guess, and says so; nothing else is made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Kind = TypeVar("Kind", bound="str | int")


@dataclass(frozen=True, slots=True)
class Found(Generic[Kind]):
    """A value, and where: `path:line`, or a path for the file itself.

    `seen` is what stands on that line when it is not the value itself; `assumed` says why a guess was made.
    """

    value: Kind
    where: str = ""
    seen: str = ""
    assumed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A program of the tree that runs. `context` is its folder, "." for the root."""

    name: Found[str]
    context: str
    runtime: Found[str] | None
    version: Found[str] | None = None
    package_manager: Found[str] | None = None
    command: Found[str] | None = None
    start: Found[str] | None = None
    output: Found[str] | None = None
    port: Found[int] | None = None
    live: Found[str] | None = None
    ready: Found[str] | None = None
    migrate: Found[str] | None = None
    calls: tuple[Found[str], ...] = ()
    uses: tuple[Found[str], ...] = ()
    env: Mapping[str, Found[str]] = field(default_factory=dict)
    unset: Mapping[str, Found[str]] = field(default_factory=dict)
    """Variables that are read and have no value here; the value says what is known of them."""
    remarks: tuple[str, ...] = ()
    """What was seen of it and has no key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Something that services use, by its name in the spec."""

    name: str
    type: Found[str]
    version: Found[str] | None = None


@dataclass(frozen=True, slots=True)
class Detection:
    """All that was found; `secrets` are names with the place of the variable, never values."""

    services: tuple[Service, ...]
    resources: tuple[Resource, ...]
    secrets: Mapping[str, Found[str]]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One program of a folder: its own name and start where several share the code."""

    name: Found[str] | None = None
    start: Found[str] | None = None
    port: Found[int] | None = None
    listens: bool = True
    entry: Found[str] | None = None
    """What is compiled: a main package of Go from its module, or a program of Rust by its name."""
    within: frozenset[str] | None = None
    """The folders whose sources are part of it, where a folder holds several programs; None for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A folder with a manifest, as the reader of its language understands it."""

    folder: str
    context: str = ""
    """The folder that its image is built from, when that is not its own."""
    runtime: Found[str]
    runs: bool
    """Whether something in it says how it is started; a library does not."""
    name: Found[str] | None = None
    version: Found[str] | None = None
    package_manager: Found[str] | None = None
    command: Found[str] | None = None
    output: Found[str] | None = None
    port: Found[int] | None = None
    live: Found[str] | None = None
    ready: Found[str] | None = None
    migrate: Found[str] | None = None
    processes: tuple[Process, ...] = (Process(),)
    libraries: Mapping[str, Found[str]] = field(default_factory=dict)
    """What it depends on at run time, by name."""
    remarks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
