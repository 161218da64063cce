"""Makes aws.jsonl.gz from what a provider says of itself.

    terraform providers schema -json | python schemas/terraform/make.py

One line of JSON for each type, sorted: kind, name, and its blocks, the inner ones first and the whole last, each once,
since the provider repeats some a hundred times. A block is `{"a": attributes, "b": blocks}`; an attribute is
`[flags, type]` with the flags r required, o optional, c computed, w write-only, d deprecated, and a type `s` text,
`n` number, `b` boolean, `y` any, `["l", T]` list, `["e", T]` set, `["m", T]` map, or an object by its names; an inner
block is `[nesting, least, most, number]`, the number being its place among the blocks. Names and types of arguments
are facts; no description is kept.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

PROVIDER = "registry.terraform.io/hashicorp/aws"
VERSION = "5.100.0"
DATE = "2025-06-12"  # of the provider's release, as its binary says
KINDS = {
    "resource": "resource_schemas",
    "data": "data_source_schemas",
    "ephemeral": "ephemeral_resource_schemas",
}
_WORDS = {"string": "s", "number": "n", "bool": "b", "dynamic": "y"}
_LETTERS = {"list": "l", "set": "e", "map": "m"}


def main() -> None:
    said = json.load(sys.stdin)["provider_schemas"][PROVIDER]
    rows: list[list[Any]] = [["about", "aws", {"provider": PROVIDER, "version": VERSION, "date": DATE}]]
    rows.append(["provider", "aws", blocks(said["provider"]["block"])])
    for kind, key in KINDS.items():
        rows += [[kind, name, blocks(entry["block"])] for name, entry in sorted(said[key].items())]
    lines = "".join(json.dumps(row, separators=(",", ":"), sort_keys=True) + "\n" for row in rows)
    target = Path(__file__).with_name("aws.jsonl.gz")
    target.write_bytes(gzip.compress(lines.encode(), compresslevel=9, mtime=0))


def blocks(said: dict[str, Any]) -> list[dict[str, Any]]:
    """A block and all within it, each once."""
    places: dict[str, int] = {}
    made: list[dict[str, Any]] = []
    block(said, places, made)
    return made


def block(said: dict[str, Any], places: dict[str, int], made: list[dict[str, Any]]) -> int:
    """The place of a block among those made, where it stands from now on."""
    this: dict[str, Any] = {"a": {name: attribute(entry) for name, entry in said.get("attributes", {}).items()}}
    if said.get("block_types"):
        this["b"] = {
            name: [
                *[entry["nesting_mode"], entry.get("min_items", 0), entry.get("max_items", 0)],
                block(entry["block"], places, made),
            ]
            for name, entry in sorted(said["block_types"].items())
        }
    key = json.dumps(this, sort_keys=True)
    if key not in places:
        places[key] = len(made)
        made.append(this)
    return places[key]


def attribute(said: dict[str, Any]) -> list[Any]:
    words = (("r", "required"), ("o", "optional"), ("c", "computed"), ("w", "write_only"), ("d", "deprecated"))
    flags = "".join(letter for letter, word in words if said.get(word))
    if "nested_type" in said:
        inner = {name: attribute(entry)[1] for name, entry in said["nested_type"]["attributes"].items()}
        mode = _LETTERS.get(said["nested_type"]["nesting_mode"])
        return [flags, [mode, inner] if mode else inner]
    return [flags, kind(said["type"])]


def kind(said: Any) -> Any:
    """A type; an object keeps its names, since a block may be written for it."""
    if isinstance(said, str):
        return _WORDS[said]
    if said[0] == "object":
        return {name: kind(inner) for name, inner in said[1].items()}
    return [_LETTERS[said[0]], kind(said[1])] if said[0] in _LETTERS else "y"


if __name__ == "__main__":
    main()
