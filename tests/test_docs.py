"""Documents: every path, command, name and number in them is one of the files they speak of."""

from __future__ import annotations

import dataclasses
import functools
import json
import posixpath
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from generator import data, pipeline, render, spec
from generator.artifact import RenderedFile
from generator.model import Product
from generator.targets import ci, docs
from generator.targets.docs import site
from tests.conftest import APPS

NAMES = sorted(path.parent.name for path in APPS.glob("*/groundplan.yaml"))
FOLDER = "docs/infrastructure/"


def load(path: Path) -> Product:
    made = spec.load(path).product
    assert made is not None
    return made


def whole(made: Product) -> Product:
    """With every target, whatever the example lists, so that documents have something to speak of."""
    specs = {name: dataclasses.replace(one, targets=()) for name, one in made.environments.items()}
    return dataclasses.replace(made, base=dataclasses.replace(made.base, targets=()), environments=specs)


@functools.cache
def product(app: str) -> Product:
    return whole(load(APPS / app / "groundplan.yaml"))


@functools.cache
def tree(app: str) -> dict[str, RenderedFile]:
    return {file.path: file for file in pipeline.generate(product(app))}


def documents(app: str) -> dict[str, RenderedFile]:
    """The documents of this target, without the runbooks of the monitoring."""
    return {
        path: file
        for path, file in tree(app).items()
        if file.target == "docs" and path.endswith(".md") and "/diagrams/" not in path
    }


@pytest.mark.parametrize("app", NAMES)
def test_every_product_has_every_document(app: str) -> None:
    names = {"README.md", "deployment.md", "runbook.md", "disaster-recovery.md", "onboarding.md"}
    assert {path.removeprefix(FOLDER) for path in documents(app)} == names
    assert "catalog-info.yaml" in tree(app)
    assert all(f"{FOLDER}diagrams/{name}.md" in tree(app) for name in product(app).environments)


@pytest.mark.parametrize("app", NAMES)
def test_every_line_answers_why(app: str) -> None:
    for file in documents(app).values():
        assert len(file.origins) == file.text.count("\n")
        assert all(origin.causes for origin in file.origins)
        assert not re.search(r"[ \t]+$|\n{3}", file.text), file.path
        assert "None" not in file.text
        assert "Because" not in file.text


def anchors(text: str) -> set[str]:
    """Headings as GitHub links to them."""
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("app", NAMES)
def test_every_link_leads_somewhere(app: str) -> None:
    files = tree(app)
    links = 0
    for path, file in documents(app).items():
        for target in re.findall(r"\]\(([^)]+)\)", file.text):
            place, _, anchor = target.partition("#")
            there = posixpath.normpath(posixpath.join(posixpath.dirname(path), place)) if place else path
            assert there in files, (path, target)
            assert not anchor or anchor in anchors(files[there].text), (path, target)
            links += 1
    assert links > 8


@pytest.mark.parametrize("app", NAMES)
def test_the_pipelines_it_names_are_those_that_are_made(app: str) -> None:
    made = product(app)
    names = {
        Path(artifact.path).stem
        for artifact in ci.plan(made)
        if artifact.path.startswith((".github/workflows/", ".gitlab/ci/"))
    }
    assert set(site.pipelines(made)) == names


@pytest.mark.parametrize("app", NAMES)
def test_every_path_it_names_is_there(app: str) -> None:
    made = tree(app)
    folders = {folder for path in made for folder in _parents(path)}
    for path, file in documents(app).items():
        spans = re.findall(r"`([^`\n]+)`", file.text)
        paths = {span for span in spans if re.match(r"(kubernetes|terraform|monitoring|docs|\.github|\.gitlab)/", span)}
        paths |= set(re.findall(r"-chdir=(\S+)", file.text)) | set(re.findall(r"-k (\S+)", file.text))
        paths |= set(re.findall(r"docker build --check --file (\S+)", file.text))
        paths |= set(re.findall(r"-f (compose\S*)", file.text))
        for named in paths:
            assert named in made or named in folders, (path, named)
        for root, variables in re.findall(r"-chdir=(\S+) apply -var-file=(\S+)", file.text):
            assert f"{root}/{variables}" in made, (path, variables)


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


@pytest.mark.parametrize("app", NAMES)
def test_the_environment_file_is_asked_for_where_there_is_one(app: str) -> None:
    said = "cp .env.example .env" in tree(app)[f"{FOLDER}onboarding.md"].text
    assert said is (".env.example" in tree(app))


@pytest.mark.parametrize("app", NAMES)
def test_namespaces_clusters_and_workloads_of_commands_exist(app: str) -> None:
    manifests = "\n".join(
        file.text for path, file in tree(app).items() if path.startswith(("kubernetes/", "terraform/"))
    )
    for file in documents(app).values():
        for namespace in re.findall(r"kubectl -n (\w\S*)|export NAMESPACE=(\S+)", file.text):
            assert re.search(rf"namespace: {''.join(namespace)}$", manifests, re.MULTILINE)
        for kind, name in re.findall(r"(deployment|statefulset|daemonset)/(\S+)", file.text):
            assert any(path.endswith(f"/{name}/{kind}.yaml") for path in tree(app)), name
        for cluster in re.findall(r"--name (\S+)|export CLUSTER=(\S+)|--cluster (\w\S*)", file.text):
            assert f'"{"".join(cluster)}"' in manifests, cluster
        for names in re.findall(r"--services (\w.*)", file.text):
            assert all(f'"{name}"' in manifests for name in names.split()), names
        for bucket in re.findall(r"BUCKET=([\w-]+)-\$", file.text):
            assert f'"{bucket}"' in manifests, bucket
        for identifier in re.findall(r"--(?:source-)?db-(?:instance|cluster)-identifier ([\w-]+)", file.text):
            assert f'"{identifier.removesuffix("-restored")}"' in manifests, identifier


@pytest.mark.parametrize("app", NAMES)
def test_commands_are_shell_and_said_once(app: str) -> None:
    for path, file in documents(app).items():
        for block in re.findall(r"^```sh\n(.*?)^```", file.text, re.MULTILINE | re.DOTALL):
            read = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, check=False)
            assert not read.stderr, (path, block)
            lines = [line for line in block.splitlines() if not line.startswith("#")]
            assert len(lines) == len(set(lines)), (path, block)


@pytest.mark.parametrize("app", NAMES)
def test_a_plan_is_given_what_its_root_asks_for(app: str) -> None:
    """Variables without a default, which no file beside the root sets, are named on the command line."""
    files = tree(app)
    for path, file in documents(app).items():
        for root, options in re.findall(r"-chdir=(terraform/environments/\S+) plan(.*)", file.text):
            text = "".join(
                one.text for name, one in files.items() if name.startswith(f"{root}/") and name.endswith(".tf")
            )
            asked = re.findall(r'^variable "(\w+)" \{\n((?:  .*\n|\n)*)', text, re.MULTILINE)
            missing = {name for name, body in asked if "  default" not in body}
            assert ("-var-file=images.tfvars.json" in options) == ("images" in missing), (path, options)
            assert missing <= {"images"}, path


@pytest.mark.parametrize("app", NAMES)
def test_documents_speak_of_what_the_product_runs_on(app: str) -> None:
    computes = {one.platform.compute for one in product(app).environments.values()}
    words = {"kubernetes": r"kubectl|\b[Pp]ods?\b|manifests", "ecs": r"aws ecs"}
    for compute, form in words.items():
        if compute not in computes:
            assert not [path for path, file in documents(app).items() if re.search(form, file.text)]


@pytest.mark.parametrize("app", NAMES)
def test_every_secret_that_somebody_must_provide_is_named(app: str) -> None:
    """Keys of the store that Terraform does not write, and Secrets that no file makes."""
    made = product(app)
    text = tree(app)[f"{FOLDER}deployment.md"].text
    connections = {f"{made.base.app}/{env}/{name}" for env, one in made.environments.items() for name in one.resources}
    for path, file in tree(app).items():
        if path.startswith(("kubernetes/overlays", "monitoring")) and path.endswith(".yaml"):
            for key in re.findall(r"key: \"?([\w-]+/[\w-]+/[\w-]+)", file.text):
                assert key in connections or f"`{key}`" in text, (path, key)
    secrets = {
        name
        for path, file in tree(app).items()
        if path.startswith("monitoring/") and path.endswith(".yaml") and "/kubernetes/" in path
        for name in re.findall(r"secretName: \"?([\w-]+)", file.text)
    }
    own = {
        name
        for file in tree(app).values()
        for name in re.findall(r"kind: (?:ExternalSecret|Secret)\nmetadata:\n  name: \"?([\w-]+)", file.text)
    }
    for name in secrets - own:
        assert f"`{name}`" in text, name


NUMBER = re.compile(r"(?<![\w.#/-])\d[\d.,:/]*(?:ms|s|m|h|d|Gi|Mi|%)?(?![\w-])")
SAID = {"15m"}
"""What a command looks back on; no fact of the product."""


@pytest.mark.parametrize("app", NAMES)
def test_no_document_states_a_number_that_nothing_else_states(app: str) -> None:
    made = product(app)
    others = "\n".join(file.text for path, file in tree(app).items() if file.target != "docs")
    others += json.dumps([one.tree.plain for one in made.environments.values()])
    others += json.dumps(data.load("schemas/data/recovery.json"))
    terms = {word for file in documents(app).values() for word in re.findall(r"(\d+[hms](?: \d+[ms])*) \(", file.text)}
    sums = {word for file in documents(app).values() for word in re.findall(r"= (\d+[hms](?: \d+[ms])*) \|", file.text)}
    known = {part for words in terms | sums for part in words.split()}
    for path, file in documents(app).items():
        text = re.sub(r"^\d+\. |^## \d\. ", "", file.text, flags=re.MULTILINE).partition("-->")[2]
        for number in NUMBER.findall(text):
            plain = number.strip(".,:/")
            assert plain in SAID or plain in known or plain in others, (path, number)


@pytest.mark.parametrize("app", NAMES)
def test_the_arithmetic_of_recovery_is_right(app: str) -> None:
    units = {"h": 3600, "m": 60, "s": 1}

    def seconds(text: str) -> int:
        return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", text))

    for line in tree(app)[f"{FOLDER}disaster-recovery.md"].text.splitlines():
        if line.startswith(("| time away", "| data lost")):
            _, _, _, asked, reached, how, met, _ = [cell.strip() for cell in line.split("|")]
            if reached == "unbounded":
                assert met == "no"
                continue
            terms, _, total = how.partition(" = ")
            parts = re.findall(r"(?:^|\+ )((?:\d+[hms] ?)+)\(", terms)
            assert sum(map(seconds, parts)) == seconds(reached) == (seconds(total) if total else seconds(reached))
            assert met == ("yes" if seconds(reached) <= seconds(asked) else "no")


@pytest.mark.parametrize("app", NAMES)
def test_the_catalogue_is_whole(app: str) -> None:
    """References resolve, names are Backstage's; owners are groups of the company, which are not ours to define."""
    entities = list(yaml.safe_load_all(tree(app)["catalog-info.yaml"].text))
    made = product(app).base
    assert len(entities) == 1 + len(made.services) + len(made.resources)
    names = {f"{entity['kind'].lower()}:default/{entity['metadata']['name']}" for entity in entities}
    assert len(names) == len(entities)
    required = {"System": {"owner"}, "Component": {"type", "lifecycle", "owner"}, "Resource": {"type", "owner"}}
    for entity in entities:
        assert entity["apiVersion"] == "backstage.io/v1alpha1"
        assert re.fullmatch(r"[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*", entity["metadata"]["name"])
        assert len(entity["metadata"]["name"]) <= 63
        assert required[entity["kind"]] <= entity["spec"].keys()
        assert set(entity["spec"].get("dependsOn", ())) <= names
        assert all(re.fullmatch(r"[a-z0-9+#]+(?:-[a-z0-9+#]+)*", tag) for tag in entity["metadata"].get("tags", ()))


HOSTILE = [
    "| a | b |",
    "`x` ``y``",
    "<script>alert(1)</script>",
    "# heading",
    "- item",
    "[x](javascript:1)",
    "*b* _i_ $x$",
    "1. one",
]


def shape(text: str) -> list[Any]:
    """The structure of a document without its words."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inner = [child for token in tokens for child in token.children or ()]
    return [(token.type, token.tag) for token in tokens] + sorted(
        t.type for t in inner if t.type in {"link_open", "html_inline"}
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_the_users_changes_a_document(text: str, tmp_path: Path) -> None:
    def made(words: str) -> dict[str, str]:
        body: dict[str, Any] = {
            "apiVersion": "groundplan/v1",
            "app": "shop",
            "owner": "team-shop",
            "description": words,
            "cloud": {"provider": "aws", "region": "eu-west-1"},
            "services": {"web": {"runtime": "node", "port": 3000, "migrate": words, "uses": ["db"]}},
            "resources": {"db": {"type": "postgres", "version": 17}},
            "secrets": {"token": {"owner": words}},
            "delivery": {"approvals": {"prod": [words]}},
            "notify": {"page": {"slack": "#shop_alerts"}},
        }
        path = tmp_path / "groundplan.yaml"
        path.write_text(yaml.safe_dump(body), encoding="utf-8")
        files = (render.render_one(artifact, "groundplan.yaml") for artifact in docs.plan(load(path)))
        return {file.path: file.text for file in files if file.path.endswith(".md")}

    plain, hostile = made("plain words"), made(text)
    assert plain.keys() == hostile.keys()
    for path, body in hostile.items():
        assert shape(body) == shape(plain[path]), path


@pytest.mark.parametrize("app", NAMES)
def test_tables_have_as_many_cells_as_heads(app: str) -> None:
    for file in documents(app).values():
        for table in re.findall(r"(?:^\|.*\n)+", file.text, re.MULTILINE):
            counts = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
            assert len(counts) == 1, table
