"""Makes functions.json from `terraform metadata functions -json | python schemas/terraform/make_functions.py`.

A function is `[result, parameters, last]`: a parameter is `[type, nullable]`, `last` the parameter that may be
repeated or null. Types are written as in aws.jsonl.gz: `s` text, `n` number, `b` boolean, `y` any, `["l", T]` list,
`["e", T]` set, `["m", T]` map. Names and types are facts; no description is kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

VERSION = "1.11.4"  # of the terraform that was asked
_WORDS = {"string": "s", "number": "n", "bool": "b", "dynamic": "y"}
_LETTERS = {"list": "l", "set": "e", "map": "m"}


def main() -> None:
    said = json.load(sys.stdin)["function_signatures"]
    made = {name: signature(entry) for name, entry in sorted(said.items()) if "::" not in name}
    about = json.dumps({"terraform": VERSION})
    rows = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in made.items())
    target = Path(__file__).with_name("functions.json")
    target.write_text(f'{{"about": {about}, "functions": {{\n{rows}\n}}}}\n', encoding="utf-8")


def signature(said: dict[str, Any]) -> list[Any]:
    last = said.get("variadic_parameter")
    return [kind(said["return_type"]), [parameter(row) for row in said.get("parameters", [])], last and parameter(last)]


def parameter(said: dict[str, Any]) -> list[Any]:
    return [kind(said["type"]), bool(said.get("is_nullable"))]


def kind(said: Any) -> Any:
    return _WORDS[said] if isinstance(said, str) else [_LETTERS[said[0]], kind(said[1])]


if __name__ == "__main__":
    main()
