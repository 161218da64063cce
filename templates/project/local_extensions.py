"""What the templates of a new project may call, found by cookiecutter beside its settings."""

from __future__ import annotations

import json

from cookiecutter.utils import simple_filter


@simple_filter
def yaml(value: str) -> str:
    """A string as YAML that every reader takes for the same string: plain where it can be, else in double quotes."""
    import yaml as reader

    try:
        plain = reader.safe_load(f"key: {value}\n") == {"key": value}
    except reader.YAMLError:
        plain = False
    careful = value[:1].isalpha() and value.lower() not in {"y", "n"} and not set(value) & set(",[]{}")
    return value if plain and careful else json.dumps(value)
