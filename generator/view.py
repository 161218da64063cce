"""Values that note which spec paths a template reads: the source of line provenance.

A context is handed to a template as a `View`. Reading a leaf gives the bare value and notes its
path; reading a container gives another view. What a property of the
model reads is noted as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass
from typing import Any

from generator.artifact import Because
from generator.document import pointer
from generator.model import Part


@dataclass(slots=True)
class Trace:
    """The reads since the last `take`: spec path, and whether the value was truthy."""

    reads: list[tuple[str, bool]] = field(default_factory=list)

    def note(self, path: str, value: object) -> None:
        if path:
            self.reads.append((path, bool(value)))

    def take(self) -> tuple[str, ...]:
        """The paths whose values were truthy, in order of reading, without repetition; then forget all.

        A falsy value led to nothing being printed, so it explains no line.
        """
        paths = tuple(dict.fromkeys(path for path, truthy in self.reads if truthy))
        self.reads.clear()
        return paths

    def take_all(self) -> tuple[str, ...]:
        """All paths read; for a printed value even `0` and `false` are an explanation."""
        paths = tuple(dict.fromkeys(path for path, _ in self.reads))
        self.reads.clear()
        return paths


class View:
    """A container (model part, mapping or sequence) seen by a template."""

    __slots__ = ("_path", "_trace", "_value")

    def __init__(self, value: Any, path: str, trace: Trace) -> None:
        self._value = value
        self._path = value.path if isinstance(value, Part) else path
        self._trace = trace

    def __getattr__(self, name: str) -> Any:
        owner = type(self._value)
        if isinstance(getattr(owner, name, None), property):
            return wrap(getattr(_Reader(self._value, self._path, self._trace), name), "", self._trace)
        if is_dataclass(self._value) and name in getattr(owner, "__dataclass_fields__", {}):
            path = pointer(self._path, name.rstrip("_")) if isinstance(self._value, Part) else ""
            return wrap(getattr(self._value, name), path, self._trace)
        raise AttributeError(name)

    def __getitem__(self, key: Any) -> Any:
        path = pointer(self._path, key) if self._path else ""
        return wrap(self._value[key], path, self._trace)

    def items(self) -> Iterator[tuple[Any, Any]]:
        for key in self._value:
            self._trace.note(pointer(self._path, key) if self._path else "", True)
            yield key, self[key]

    def keys(self) -> Iterator[Any]:
        return (key for key, _ in self.items())

    def values(self) -> Iterator[Any]:
        return (value for _, value in self.items())

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self._value, Mapping):
            return self.keys()
        return (self[index] for index in range(len(self._value)))

    def __len__(self) -> int:
        return len(self._value)

    def __bool__(self) -> bool:
        truth = bool(self._value)
        self._trace.note(self._path, truth)
        return truth

    def __contains__(self, item: object) -> bool:
        self._trace.note(self._path, True)
        return item in self._value

    def __eq__(self, other: object) -> bool:
        return bool(bare(self) == bare(other))

    def __str__(self) -> str:
        return str(bare(self))

    __hash__ = None  # type: ignore[assignment]


class _Reader:
    """A part as its own properties see it: bare values, each noted when it is read."""

    __slots__ = ("_path", "_trace", "_value")

    def __init__(self, value: Any, path: str, trace: Trace) -> None:
        self._value, self._path, self._trace = value, path, trace

    def __getattr__(self, name: str) -> Any:
        computed = getattr(type(self._value), name, None)
        if isinstance(computed, property) and computed.fget is not None:
            return computed.fget(self)
        value = getattr(self._value, name)
        self._trace.note(pointer(self._path, name.rstrip("_")) if self._path else "", value)
        return value


def wrap(value: Any, path: str, trace: Trace) -> Any:
    """A leaf as itself, noted; anything else as a view."""
    if isinstance(value, View):
        return value
    if isinstance(value, Because):
        for cause in reversed(value.causes):
            trace.note(cause, value.value)
        inner = wrap(value.value, "", trace)
        if isinstance(inner, View) and not inner._path and value.causes:
            return View(inner._value, value.causes[0], trace)
        return inner
    if isinstance(value, Mapping | list | tuple) or is_dataclass(value):
        return View(value, path, trace)
    trace.note(path, value)
    return value


def bare(value: Any) -> Any:
    """A view as plain dicts and lists, every leaf noted as read."""
    if isinstance(value, Because):
        return bare(value.value)
    if not isinstance(value, View):
        return value
    inner = value._value
    if isinstance(inner, Mapping):
        return {key: bare(value[key]) for key in inner}
    if isinstance(inner, list | tuple):
        return [bare(value[index]) for index in range(len(inner))]
    value._trace.note(value._path, inner)
    return inner


def root(value: Any, trace: Trace) -> Any:
    """A variable of the context: noted when the template uses it, not when it is looked up."""
    if isinstance(value, Because):
        return View(value.value, value.causes[0] if value.causes else "", trace)
    return View(value, "", trace) if isinstance(value, Mapping | list | tuple) or is_dataclass(value) else value


def leaves(value: Any, trace: Trace) -> tuple[Any, tuple[str, ...]]:
    """A value in bare form and the paths behind it, without disturbing what was noted before."""
    kept, trace.reads = trace.reads, []
    plain = bare(value)
    paths = trace.take_all()
    trace.reads = kept
    return plain, paths
