"""Makes `schemas/compose.schema.json`: the Compose Specification's own schema, without its prose.

    python schemas/make_compose.py WHEEL

WHEEL is PyPI's check-jsonschema, which carries an unchanged copy; its hash is recorded, since the copy names no commit.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parent / "compose.schema.json"
_PROSE = {"description", "title", "default", "deprecated", "examples"}


def main(wheel: Path) -> None:
    text = (zipfile.Path(wheel) / "check_jsonschema/builtin_schemas/vendor/compose-spec.json").read_bytes()
    name, version = wheel.name.split("-")[:2]
    made: dict[str, Any] = {
        "$comment": {
            "source": "https://github.com/compose-spec/compose-spec/blob/main/schema/compose-spec.json",
            "by": f"PyPI {name} {version}, sha256 {hashlib.sha256(text).hexdigest()}",
            "licence": "Apache-2.0",
        },
        **_trimmed(json.loads(text)),
    }
    made["$comment"] = "; ".join(f"{key} {value}" for key, value in made["$comment"].items())
    OUT.write_text(json.dumps(made, separators=(",", ":"), sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"{OUT.name}: {OUT.stat().st_size:,} bytes\n")


def _trimmed(part: Any, *, named: bool = False) -> Any:
    """Without prose; below `properties` and `$defs` a key is a name, whatever it is called."""
    if isinstance(part, list):
        return [_trimmed(item) for item in part]
    if not isinstance(part, dict):
        return part
    named_below = {"properties", "$defs", "patternProperties"}
    return {
        key: _trimmed(value, named=not named and key in named_below)
        for key, value in part.items()
        if named or key not in _PROSE
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
