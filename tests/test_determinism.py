"""The same input gives the same bytes: hash seeds, directories, locales, time zones, repetition."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from generator import pipeline, spec
from tests.conftest import APPS, ROOT


def tree(folder: Path) -> str:
    """A hash over every path and byte below a directory."""
    made = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        made.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return made.hexdigest()


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("LC_")}
    return subprocess.run(
        [sys.executable, "-m", "generator", *arguments],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), "GROUNDPLAN_OFFLINE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


VARIANTS = {
    "seed 0": {"PYTHONHASHSEED": "0", "LANG": "C", "TZ": "UTC"},
    "seed 4711": {"PYTHONHASHSEED": "4711", "LANG": "C.UTF-8", "TZ": "Asia/Tokyo"},
}


@pytest.mark.parametrize("name", ["shop", "runtime-node"])
def test_seeds_directories_locales_and_time_zones_change_no_byte(name: str, tmp_path: Path) -> None:
    seen = set()
    for number, environment in enumerate(VARIANTS.values()):
        folder = tmp_path / ("deep/er" if number else "a") / "project"
        folder.mkdir(parents=True)
        (folder / "groundplan.yaml").write_bytes((APPS / name / "groundplan.yaml").read_bytes())
        done = run(folder, "generate", "--quiet", **environment)
        assert done.returncode == 0, done.stderr
        seen.add((tree(folder), done.stdout))
    assert len(seen) == 1


def test_reports_are_the_same_bytes(tmp_path: Path) -> None:
    seen = set()
    for number, environment in enumerate(VARIANTS.values()):
        folder = tmp_path / str(number) / "project"
        folder.mkdir(parents=True)
        (folder / "groundplan.yaml").write_bytes((APPS / "shop" / "groundplan.yaml").read_bytes())
        assert run(folder, "generate", "-q", **environment).returncode == 0
        outputs = ("json", "markdown", "sarif", "terminal")
        for name in outputs:
            done = run(folder, "check", "--skip", "checkov", "-o", name, **environment)
            assert done.returncode == 0, done.stdout + done.stderr
            seen.add((name, done.stdout))
    assert len(seen) == len(outputs)


def test_twenty_runs_are_the_same_bytes() -> None:
    seen = set()
    for _ in range(20):
        product = spec.load(APPS / "shop" / "groundplan.yaml").product
        assert product is not None
        seen.add(hashlib.sha256("".join(f.path + f.text for f in pipeline.generate(product)).encode()).hexdigest())
    assert len(seen) == 1


def test_a_second_generate_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "groundplan.yaml").write_bytes((APPS / "shop" / "groundplan.yaml").read_bytes())
    assert run(tmp_path, "generate", "-q").returncode == 0
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert run(tmp_path, "generate", "-q").returncode == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_schema_for_editors_is_the_same_twice() -> None:
    made = {
        subprocess.run(
            [sys.executable, "-m", "generator", "schema"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(made) == 1
