"""Hostile values go through a whole spec and come back equal from every format that holds them."""

from __future__ import annotations

import json
from pathlib import Path

import hcl2
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator import pipeline, spec
from generator.artifact import RenderedFile
from tests.test_filters import HOSTILE

# a spec cannot hold what YAML cannot: control characters, lone surrogates
ALLOWED = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\ufffe\uffff\x85\u2028\u2029")
VALUES = st.one_of(
    st.sampled_from([word for word in HOSTILE if word.isprintable()]),
    st.text(ALLOWED, max_size=20),
    st.just("a\nb: c\n"),
)


def rendered(folder: Path, value: str) -> dict[str, RenderedFile]:
    written = value.replace("${", "$${")
    content = {
        "apiVersion": "groundplan/v1",
        "app": "shop",
        "owner": "team-shop",
        "description": written,
        "services": {
            "web": {
                "runtime": "node",
                "port": 3000,
                "env": {"HOSTILE": written},
                "files": {"/etc/hostile": written},
                "build": {"start": "node server.js"},
                "health": {"command": ["/bin/check", written]} if value.strip() else {},
            }
        },
    }
    path = folder / "groundplan.yaml"
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    loaded = spec.load(path)
    assert loaded.product is not None, loaded.findings
    return {file.path: file for file in pipeline.generate(loaded.product)}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(VALUES)
def test_a_value_comes_back_equal_from_every_file(tmp_path_factory: object, value: str) -> None:
    folder = tmp_path_factory.mktemp("spec")  # type: ignore[attr-defined]
    files = rendered(folder, value)
    config = yaml.safe_load(files["kubernetes/base/web/config.yaml"].text)
    assert config["data"]["HOSTILE"] == value
    texts = yaml.safe_load(files["kubernetes/base/web/files.yaml"].text)
    assert list(texts["data"].values()) == [value]
    compose = yaml.safe_load(files["compose.yaml"].text)
    assert compose["services"]["web"]["environment"]["HOSTILE"].replace("$$", "$") == value
    assert compose["configs"]["web-file-0"]["content"].replace("$$", "$") == value
    pod = yaml.safe_load(files["kubernetes/base/web/deployment.yaml"].text)["spec"]["template"]["spec"]
    if value.strip():
        assert pod["containers"][0]["livenessProbe"]["exec"]["command"] == ["/bin/check", value]
    assert hcl2.loads(files["docker-bake.hcl"].text)
    for file in files.values():
        if file.path.endswith(".yaml"):
            list(yaml.safe_load_all(file.text))
