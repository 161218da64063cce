"""Trees that linters are compared on: the public corpus and what our own examples yield."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator import pipeline, spec
from generator.checkers import Settings, checkov, provision, user_cache
from generator.document import SourceFile
from tests.conftest import APPS, ROOT

CORPORA = ("public", "smallest", "shop")


def corpus(name: str) -> tuple[SourceFile, ...]:
    """The files of a corpus; those of an example are generated, so that they are never out of date."""
    if name == "public":
        root = ROOT / "fixtures" / "corpora" / "public"
        paths = sorted(path for path in root.rglob("*") if path.is_file())
        return tuple(SourceFile(path.relative_to(root).as_posix(), path.read_text("utf-8")) for path in paths)
    product = spec.load(APPS / name / "groundplan.yaml").product
    assert product is not None, f"the spec of {name} has errors"
    return tuple(SourceFile(file.path, file.text) for file in pipeline.generate(product))


def write(files: tuple[SourceFile, ...], root: Path) -> Path:
    for file in files:
        place = root / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(file.text, encoding="utf-8", newline="\n")
    return root


def whole(files: tuple[SourceFile, ...]) -> tuple[SourceFile, ...]:
    """Without the patches of kustomize, which the checker leaves out."""
    partial = checkov.patches(files)
    return tuple(file for file in files if file.path not in partial)


def checkov_python() -> Path:
    """The Python of the checkov environment; where there is none, the comparison is skipped and says so."""
    python = provision.environment(Settings(cache=user_cache(), offline=True))
    if not isinstance(python, Path):
        pytest.skip("checkov's environment is not set up (`make checkov`), so its verdicts are not compared")
    return python
