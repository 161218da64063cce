"""The tables in the READMEs of Terraform modules, made from the code: `python -m tests.module_readmes` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from generator import data

AWS = data.folder("templates") / "terraform" / "aws"


def folders() -> list[Path]:
    """Every module, and the bootstrap."""
    return [*sorted(path for path in (AWS / "modules").iterdir() if path.is_dir()), AWS / "bootstrap"]


def written(folder: Path) -> str:
    """The README with its tables as the code says them."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    for name, rows in (("inputs", inputs(folder)), ("outputs", outputs(folder))):
        table = "".join(f"{row}\n" for row in rows)
        head, mark, rest = text.partition(f"<!-- {name} -->\n")
        _, end, tail = rest.partition(f"<!-- /{name} -->")
        text = f"{head}{mark}{table}{end}{tail}"
    return text


def inputs(folder: Path) -> Iterator[str]:
    yield "| name | type | default | meaning |"
    yield "|--|--|--|--|"
    for name, body in _blocks(folder, "variable"):
        default = _value(body, "default")
        shown = f"`{default}`" if default else "required"
        yield f"| `{name}` | `{_value(body, 'type')}` | {shown} | {_words(body)} |"


def outputs(folder: Path) -> Iterator[str]:
    yield "| name | meaning |"
    yield "|--|--|"
    for name, body in _blocks(folder, "output"):
        yield f"| `{name}` | {_words(body)} |"


def _blocks(folder: Path, kind: str) -> Iterator[tuple[str, str]]:
    text = (folder / f"{kind}s.tf").read_text(encoding="utf-8")
    for match in re.finditer(rf'^{kind} "(\w+)" \{{\n(.*?)^\}}', text, re.M | re.S):
        yield match.group(1), match.group(2)


def _value(body: str, key: str) -> str:
    """An attribute's expression on one line."""
    match = re.search(rf"^  {key} += (.*?)(?=^  \w|^\n|\Z)", body, re.M | re.S)
    if match is None:
        return ""
    flat = ", ".join(re.sub(r"\s+", " ", line.strip().rstrip(",")) for line in match.group(1).strip().splitlines())
    return re.sub(r"(?<=[({\[]), |, (?=[)}\]])", "", flat).replace("|", "\\|")


def _words(body: str) -> str:
    said = _value(body, "description").strip('"')
    return said.replace('\\"', '"').replace("<", "&lt;")


if __name__ == "__main__":
    for module in folders():
        (module / "README.md").write_text(written(module), encoding="utf-8", newline="\n")
