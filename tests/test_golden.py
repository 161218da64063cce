"""Every byte of every example, and what must hold of every line of it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from generator import data, pipeline, spec
from generator.artifact import RenderedFile
from generator.model import Product
from generator.targets import kubernetes
from generator.yamlfile import read
from tests.conftest import APPS

EXAMPLES = sorted(path.parent.name for path in APPS.glob("*/groundplan.yaml"))
EXPECTED = "expected"


@cache
def product(name: str) -> Product:
    loaded = spec.load(APPS / name / "groundplan.yaml")
    assert loaded.product is not None, loaded.findings
    return loaded.product


@cache
def rendered(name: str) -> tuple[RenderedFile, ...]:
    return pipeline.generate(product(name))


def test_there_are_examples() -> None:
    assert {"smallest", "with-database", "shop", "runtime-node", "runtime-go"} <= set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_byte_is_as_reviewed(name: str, request: pytest.FixtureRequest) -> None:
    folder, digests = APPS / name / EXPECTED, APPS / name / "expected.sha256"
    made = {file.path: file.text for file in rendered(name) if not copied(file) and in_full(name, file)}
    others = [file for file in rendered(name) if not copied(file) and not in_full(name, file)]
    listed = "".join(f"{hashlib.sha256(file.text.encode()).hexdigest()}  {file.path}\n" for file in others)
    if request.config.getoption("--update-golden"):
        shutil.rmtree(folder, ignore_errors=True)
        digests.unlink(missing_ok=True)
        if listed:
            digests.write_text(listed, encoding="utf-8", newline="\n")
        for path, text in made.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8", newline="\n")
    kept = {
        path.relative_to(folder).as_posix(): path.read_bytes().decode() for path in folder.rglob("*") if path.is_file()
    }
    assert sorted(made) == sorted(kept), "the files differ; see them with --update-golden and git diff"
    for path, text in made.items():
        assert text == kept[path], path
    assert listed == (digests.read_text(encoding="utf-8") if digests.exists() else "")


IN_FULL = frozenset({"smallest", "shop", "ecs"})


def in_full(name: str, file: RenderedFile) -> bool:
    """Whether the whole text is kept: much of monitoring, pipelines and documents is alike, so most keep digests."""
    return file.target not in {"monitoring", "ci", "docs"} or (name in IN_FULL and file.environment in {"", "prod"})


def copied(file: RenderedFile) -> bool:
    """Whether a file is the same for every spec: the modules of Terraform, which are kept once."""
    return not file.origins[-1].template.endswith(".j2")


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_copied_is_copied_whole(name: str) -> None:
    for file in rendered(name):
        if copied(file):
            kept = (data.folder("templates") / file.origins[-1].template).read_text(encoding="utf-8")
            assert file.text.partition("\n")[2] == kept, file.path


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_line_answers_why(name: str) -> None:
    """Template file and line exist, the spec place exists, and a literal line is the template's own text."""
    templates = data.folder("templates")
    source = (APPS / name / "groundplan.yaml").read_text(encoding="utf-8").splitlines()
    for file in rendered(name):
        lines = file.text.splitlines()
        assert len(lines) == len(file.origins), file.path
        for number, text in enumerate(lines, 1):
            trace = pipeline.why(file, number, product(name))
            origin = trace.origin
            template = (templates / origin.template).read_text(encoding="utf-8").splitlines()
            assert 1 <= origin.template_line <= len(template), (file.path, number)
            written = template[origin.template_line - 1]
            if "{{" not in written and "{%" not in written:
                assert written.strip() == text.strip(), (file.path, number, written)
            assert trace.reasons, (file.path, number)
            for reason in trace.reasons:
                assert 1 <= reason.at.line <= len(source), (file.path, number, reason)


@pytest.mark.parametrize("name", EXAMPLES)
def test_form_of_every_file(name: str) -> None:
    """LF, one final newline, no trailing blanks, a mark where the format has comments."""
    for file in rendered(name):
        assert file.text.endswith("\n"), file.path
        assert not file.text.endswith("\n\n"), file.path
        assert "\r" not in file.text, file.path
        assert not re.search(r"[ \t]+$", file.text, re.M), file.path
        if not file.path.endswith((".json", ".ndjson")):
            assert "made by groundplan" in "".join(file.text.splitlines(keepends=True)[:3]), file.path
        assert not PurePosixPath(file.path).is_absolute()


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_yaml_file_is_read_back(name: str) -> None:
    for file in rendered(name):
        if file.path.endswith(".yaml"):
            documents, found = read(file.text, file.path)
            assert documents, file.path
            assert not found, found
            list(yaml.safe_load_all(file.text))


def _kubectl() -> str:
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip("kubectl is not installed: the overlays are not built")
    return found


@pytest.mark.parametrize("name", [name for name in EXAMPLES if (APPS / name / EXPECTED / "kubernetes").is_dir()])
def test_an_overlay_builds_to_the_environment_in_full(name: str, tmp_path: Path) -> None:
    """The real kustomize makes of base and patches exactly what the environment says."""
    kubectl = _kubectl()
    for file in rendered(name):
        if file.path.startswith("kubernetes/"):
            (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file.path).write_text(file.text, encoding="utf-8")
    for environment, effective in product(name).environments.items():
        overlay = tmp_path / "kubernetes" / "overlays" / environment
        done = subprocess.run([kubectl, "kustomize", str(overlay)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        built = {_key(item): item for item in yaml.safe_load_all(done.stdout)}
        for file in kubernetes.rendered_environment(product(name), environment):
            for wanted in yaml.safe_load_all(file.text):
                found = built.pop(_key(wanted))
                expected = _environment(wanted, environment, effective.namespace)
                assert _sorted(found) == _sorted(expected), (environment, file.path)
        assert {kind for kind, _ in built} == {"Namespace", "LimitRange", "ResourceQuota"}


def _key(item: dict[str, Any]) -> tuple[str, str]:
    return item["kind"], item["metadata"]["name"]


def _environment(item: dict[str, Any], environment: str, namespace: str) -> dict[str, Any]:
    """What the overlay itself adds: namespace and environment label, in pod templates too."""
    made: dict[str, Any] = json.loads(json.dumps(item))
    made["metadata"]["namespace"] = namespace
    made["metadata"].setdefault("labels", {})["environment"] = environment
    for subject in made.get("subjects", []):
        subject["namespace"] = namespace
    inner = made.get("spec", {})
    for path in (("template",), ("jobTemplate",), ("jobTemplate", "spec", "template")):
        place = inner
        for key in path:
            place = place.get(key, {}) if isinstance(place, dict) else {}
        if place and made["kind"] != "ExternalSecret":
            place.setdefault("metadata", {}).setdefault("labels", {})["environment"] = environment
    for claim in inner.get("volumeClaimTemplates", []) if isinstance(inner, dict) else []:
        claim["metadata"].setdefault("labels", {})["environment"] = environment
    return made


def _sorted(value: Any) -> Any:
    """Lists of named things have no order that matters."""
    if isinstance(value, dict):
        return {key: _sorted(child) for key, child in value.items()}
    if isinstance(value, list):
        items = [_sorted(child) for child in value]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    return value
