"""The wheel, built from what git tracks, works in an empty environment outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import APPS, ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clean = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: what the wheel would be made of is not known")
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("fixtures/", "tests/")):
            (clean / name).parent.mkdir(parents=True, exist_ok=True)
            (clean / name).write_bytes((ROOT / name).read_bytes())
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(clean)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl"))


def test_the_wheel_holds_all_data_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "generator/_data/templates/docker/node.Dockerfile.j2",
        "generator/_data/schemas/spec.schema.json",
        "generator/_data/schemas/kubernetes/v1.36.json",
        "generator/_data/rules/facts.yaml",
        "generator/checkers/checkov-requirements.txt",
        "generator/checkers/checkov_driver.py",
        "generator/_data/templates/report/report.js",
        "generator/py.typed",
    ):
        assert needed in names
    assert [name for name in names if name.endswith("/data/share/man/man1/groundplan.1")]
    assert not [name for name in names if name.startswith(("tests/", "fixtures/", "benchmarks/"))]


def test_it_works_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """Our dependencies are lent by path, since nothing is fetched here; the code and the data are the wheel's."""
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    lent = [path for path in sys.path if path.endswith("site-packages")]
    project = tmp_path / "project"
    project.mkdir()
    (project / "groundplan.yaml").write_bytes((APPS / "smallest" / "groundplan.yaml").read_bytes())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *lent]), "GROUNDPLAN_OFFLINE": "1"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-S", "-m", "generator", *arguments]
        return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)

    where = "import generator; print(generator.__file__)"
    found = subprocess.run(
        [sys.executable, "-S", "-c", where], cwd=project, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith(str(site))
    for arguments in (
        ["generate", "-q"],
        ["check", "--skip", "checkov"],
        ["lint", ".", "--skip", "checkov"],
        ["rules"],
    ):
        done = run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    expected = APPS / "smallest" / "expected"
    for path in (path for path in expected.rglob("*") if path.is_file()):
        assert (project / path.relative_to(expected)).read_bytes() == path.read_bytes()
