"""`init`: a first spec from a few answers, commented so that the next key is found in the file itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.artifact import Artifact
from generator.errors import Fault
from generator.render import render_one

_PORTS = {"node": 3000, "python": 8000, "static": 8080}
_REGIONS = {"aws": "eu-west-1", "gcp": "europe-west1", "azure": "westeurope"}
SPEC_NAME = "groundplan.yaml"


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask, with the answer that fits when nobody says otherwise."""

    key: str
    text: str
    default: str | int


def questions(directory: Path, given: Mapping[str, Any]) -> Iterator[Question]:
    """The questions in order; a default may depend on what was given already."""
    app = re.sub(r"[^a-z0-9-]+", "-", directory.resolve().name.lower()).strip("-")[:31]
    app = app if re.fullmatch(r"[a-z][a-z0-9-]+", app) else "app"
    runtime = str(given.get("runtime", "node"))
    cloud = str(given.get("cloud", "none"))
    yield Question("app", "Name of the product", app)
    yield Question("owner", "Team that answers for it", f"team-{given.get('app', app)}")
    yield Question("service", "Name of the first service", "web")
    yield Question("runtime", "Runtime (node python go java dotnet rust ruby php static)", "node")
    yield Question("port", "Port it listens on (0 for none)", _PORTS.get(runtime, 8080))
    yield Question("public", "Public host name (empty for none)", "")
    yield Question("cloud", "Cloud (aws gcp azure none)", "none")
    yield Question("region", "Region", _REGIONS.get(cloud, ""))


def write(directory: Path, answers: Mapping[str, Any]) -> Path:
    """Write the spec; nothing that exists is overwritten. Raises Fault when a spec is there, or would be wrong."""
    path = directory / SPEC_NAME
    if path.exists() or path.is_symlink():
        raise Fault(f"{path} exists already", "edit it, or name another directory")
    text = rendered(answers)
    _proven(text)
    directory.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def rendered(answers: Mapping[str, Any]) -> str:
    """The text of the spec."""
    cloud = str(answers["cloud"])
    place = {"provider": cloud, "region": str(answers["region"])} if cloud != "none" else {}
    context = {**answers, "cloud_place": place}
    artifact = Artifact(SPEC_NAME, "project", "project/groundplan.yaml.j2", context, "app")
    return render_one(artifact, SPEC_NAME).text


def _proven(text: str) -> None:
    """A spec we write is one that `validate` accepts; otherwise an answer was wrong."""
    import tempfile

    from generator.spec import load

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / SPEC_NAME
        path.write_text(text, encoding="utf-8")
        loaded = load(path)
    if loaded.product is None:
        worst = max(loaded.findings, key=lambda finding: finding.severity)
        raise Fault(f"with these answers the spec would be wrong: {worst.message}", worst.fix)
