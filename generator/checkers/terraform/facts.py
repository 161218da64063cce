"""What the AWS provider and Terraform itself know: types, their arguments and blocks.

The provider's stand in `schemas/terraform/aws.jsonl.gz`, a line each.
"""

from __future__ import annotations

import functools
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator import data

PREFIX = ("aws_", "terraform_")
"""Types whose names begin like this are known here: the provider's, and those of Terraform itself."""
_OWN = (
    (
        '["resource","terraform_data",[{"a":{"id":["c","s"],"input":["o","y"],"output":["c","y"],'
        '"triggers_replace":["o","y"]}}]]'
    ),
    (
        '["data","terraform_remote_state",[{"a":{"backend":["r","s"],"config":["o","y"],"defaults":["o","y"],'
        '"outputs":["c","y"],"workspace":["o","s"]}}]]'
    ),
)
"""What Terraform has without any provider.

https://developer.hashicorp.com/terraform/language/resources/terraform-data
https://developer.hashicorp.com/terraform/language/state/remote-state-data
"""


@dataclass(frozen=True, slots=True)
class Attribute:
    """`type` is `s`, `n`, `b`, `y`, a pair of a letter (l, e, m) and a type, or a mapping of names to types."""

    flags: str
    type: Any

    @property
    def required(self) -> bool:
        return "r" in self.flags

    @property
    def settable(self) -> bool:
        return "r" in self.flags or "o" in self.flags

    @property
    def objects(self) -> Mapping[str, Any] | None:
        """The names of its objects, where it is a list or set of them: a block may be written for it."""
        if isinstance(self.type, list) and self.type[0] in {"l", "e"} and isinstance(self.type[1], dict):
            return self.type[1]
        return None


@dataclass(frozen=True, slots=True)
class Nested:
    """A nested block: how often it may stand, and what is in it."""

    nesting: str
    least: int
    most: int
    body: Body


@dataclass(frozen=True, slots=True)
class Body:
    attributes: Mapping[str, Attribute]
    blocks: Mapping[str, Nested]


def version() -> str:
    """The provider's version the facts are of."""
    return str(json.loads(_lines()["about", "aws"])[2]["version"])


def names(kind: str) -> tuple[str, ...]:
    """Every type of a kind: resource, data or ephemeral."""
    return tuple(name for known, name in _lines() if known == kind)


@functools.lru_cache(maxsize=256)
def body(kind: str, name: str) -> Body | None:
    """What may stand in a block of a type (`provider` has the one name `aws`), or None for none the provider has."""
    line = _lines().get((kind, name))
    return None if line is None else _bodies(json.loads(line)[2])


@functools.cache
def _lines() -> Mapping[tuple[str, str], str]:
    """Each type's line, unread: a project needs a few dozen of two thousand."""
    raw = (data.folder("schemas") / "terraform" / "aws.jsonl.gz").read_bytes()
    made = {}
    for line in (*gzip.decompress(raw).decode().splitlines(), *_OWN):
        kind, name, _ = line.split(",", 2)
        made[kind[2:-1], name[1:-1]] = line
    return made


def _bodies(said: Sequence[Mapping[str, Any]]) -> Body:
    """The last of some blocks, whose inner blocks stand before it and are shared."""
    made: list[Body] = []
    for block in said:
        attributes = {name: Attribute(flags, kind) for name, (flags, kind) in block["a"].items()}
        blocks = {
            name: Nested(nesting, least, most, made[place])
            for name, (nesting, least, most, place) in block.get("b", {}).items()
        }
        made.append(Body(attributes, blocks))
    return made[-1]
