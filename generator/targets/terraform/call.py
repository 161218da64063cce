"""A call of a module in the root of an environment: what every cloud's plan is made of."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from generator.artifact import Because, because
from generator.filters import Expression

_NAMED = frozenset({"name", "connection_secret_name", "discovery_name", "image", "load_balancer"})
"""Arguments in which a call's own name, or something made from it, stands."""


@dataclass(frozen=True, slots=True)
class Call:
    """`module "<name>"`: which module, in which file of the root, with which arguments.

    `origin` is the spec path that answers for the block; `providers` maps the module's provider
    names to the root's, and is empty where the module takes the root's own.
    """

    name: str
    module: str
    file: str
    origin: str
    arguments: Mapping[str, Any]
    providers: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"module.{self.name}"

    def output(self, name: str, *causes: str) -> Any:
        """One of its outputs as an argument of another call."""
        return because(Expression(f"{self.address}.{name}"), *(causes or (self.origin,)))

    @property
    def fingerprint(self) -> str:
        """A hash of the arguments without those that hold its own name: equal for a call that was only renamed."""
        kept = {key: _bare(value) for key, value in self.arguments.items() if key not in _NAMED}
        text = json.dumps(kept, sort_keys=True, default=str)
        item = identifier(self.origin.rpartition(".")[2])
        text = re.sub(rf"\bmodule\.([a-z]+)_{re.escape(item)}(?=[_.])", r"module.\1_", text)  # its twin elsewhere
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def context(self) -> dict[str, Any]:
        """As `calls.tf.j2` prints it."""
        providers = {Expression(name): Expression(value) for name, value in self.providers.items()}
        return {
            "name": because(self.name, self.origin),
            "source": because(f"../../modules/{self.module}", self.origin),
            "providers": because(providers, self.origin) if providers else {},
            "arguments": dict(self.arguments),
        }


def identifier(*words: str) -> str:
    """A name of HCL from names of the spec, whose dashes become underscores; they hold no underscore themselves."""
    return "_".join(word.replace("-", "_") for word in words if word)


def whole(text: str) -> int | float:
    """A number of the spec: `6000` and `6000.0` are the same whole number."""
    number = float(text)
    return int(number) if number.is_integer() else number


def _bare(value: Any) -> Any:
    """A value without the causes it is wrapped in."""
    if isinstance(value, Because):
        return _bare(value.value)
    if isinstance(value, Mapping):
        return {key: _bare(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_bare(item) for item in value]
    return value


__all__ = ["Call", "Expression", "identifier", "whole"]
