"""The docker target: every runtime, package manager and kind of service, judged by hadolint and read back."""

from __future__ import annotations

import datetime
import fnmatch
import http.server
import json
import shlex
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Mapping
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from generator import data, spec
from generator import dockerfile as reader
from generator.artifact import RenderedFile
from generator.errors import Fault
from generator.model import Metrics, Service
from generator.render import render
from generator.targets import docker
from tests import linted
from tests.docker_products import product, resource, service

RESOURCES = (resource("db", "postgres"), resource("old", "mysql"), resource("cache", "valkey"))


def combinations() -> dict[str, Service]:
    """One service per way to make an image, by a speaking name; each in a context of its own."""
    found: dict[str, Service] = {}

    def add(name: str, runtime: str, **given: object) -> None:
        found[name] = service(name, runtime, **({"context": f"apps/{name}"} | given))

    for runtime in docker.RECIPES:
        for manager in docker.MANAGERS.get(runtime, ("",)):
            add(f"{runtime}-{manager or 'api'}", runtime, package_manager=manager or None)
        for version in data.load(docker.DATA)["runtimes"][runtime]["lines"]:
            add(f"{runtime}-version-{version.replace('.', '-')}", runtime, version=version)
        add(f"{runtime}-own-build", runtime, command="make all", output="out/result", start="./serve --port 8080")
        add(f"{runtime}-grpc", runtime, protocol="grpc")
        add(f"{runtime}-uses", runtime, uses=("db", "old", "cache"))
        for kind in () if runtime == "static" else ("worker", "cron", "job"):
            add(f"{runtime}-{kind}", runtime, type=kind, port=None)
    add("node-next", "node", command="npx next build", output=".next/standalone")
    add("node-without-build", "node", output=".", start="node src/index.js")
    add("python-without-package", "python", output=".", start="gunicorn shop.wsgi")
    add("java-not-spring", "java", output="build/install/shop/lib", start="java -cp /app/* shop.Main")
    add("dotnet-project", "dotnet", output="src/Shop.Api/Shop.Api.csproj")
    add("static-plain", "static", output="public")
    add("worker-with-probe", "python", port=None, type="worker", health={"command": ("python", "-m", "shop.alive")})
    return found


COMBINATIONS = combinations()


def rendered(*services: Service, **given: object) -> dict[str, RenderedFile]:
    """The files of a product of these services, by path."""
    made = product(*services, resources=RESOURCES, **given)  # type: ignore[arg-type]
    return {file.path: file for file in render(docker.plan(made), made.spec_path)}


def dockerfile(**given: object) -> reader.Dockerfile:
    """The only Dockerfile of one service, read back."""
    return reader.read(rendered(service(**given))["Dockerfile"].text, "Dockerfile")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def files() -> dict[str, RenderedFile]:
    return rendered(*COMBINATIONS.values())


@pytest.fixture(scope="module")
def tree(files: Mapping[str, RenderedFile], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("images")
    for path, file in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(file.text, encoding="utf-8")
    return root


@pytest.fixture(params=sorted(COMBINATIONS))
def image(request: pytest.FixtureRequest, files: Mapping[str, RenderedFile]) -> reader.Dockerfile:
    path = f"apps/{request.param}/Dockerfile"
    return reader.read(files[path].text, path)


# the data


def test_data_has_the_shape_of_its_schema() -> None:
    from jsonschema import Draft202012Validator

    schema = data.load("schemas/data/runtimes.schema.json")
    Draft202012Validator.check_schema(schema)
    assert not [error.message for error in Draft202012Validator(schema).iter_errors(data.load(docker.DATA))]


def test_data_covers_every_recipe_and_every_manager() -> None:
    known = data.load(docker.DATA)
    assert set(known["runtimes"]) == set(docker.RECIPES)
    assert {
        "postgres",
        "mysql",
        "mongodb",
        "valkey",
        "elasticmq",
        "seaweedfs",
        "opensearch",
        "rabbitmq",
        "nats",
    } <= set(known["images"])


def _lines() -> list[tuple[str, str, Mapping[str, object], bool]]:
    known = data.load(docker.DATA)
    return [
        (kind, version, line, version == entry["default"])
        for kind, entry in (known["runtimes"] | known["images"]).items()
        for version, line in entry["lines"].items()
    ]


@pytest.mark.parametrize(("kind", "version", "line", "default"), _lines(), ids=lambda value: str(value)[:20])
def test_line_is_supported_for_ninety_days_more(
    kind: str, version: str, line: Mapping[str, object], default: bool
) -> None:
    assert default or any(other == kind and is_default for other, _, _, is_default in _lines())
    if line["end_of_life"] is None:
        assert line["support"]
        return
    today = datetime.date.fromisoformat(data.load(docker.DATA)["date"])
    assert datetime.date.fromisoformat(str(line["end_of_life"])) > today + datetime.timedelta(days=90), version


def _images() -> list[Mapping[str, object]]:
    known = data.load(docker.DATA)
    found = [
        image
        for entry in known["runtimes"].values()
        for line in entry["lines"].values()
        for image in line["images"].values()
    ]
    found += [line["image"] for entry in known["images"].values() for line in entry["lines"].values()]
    return [*found, *known["tools"].values()]


@pytest.mark.parametrize("record", _images(), ids=lambda record: str(record["ref"]))
def test_image_says_what_it_is_built_on_and_one_digest_belongs_to_one_tag(record: Mapping[str, object]) -> None:
    assert record.get("base") is None or record["base"] in data.load(docker.DATA)["distributions"]
    tags = {other["ref"] for other in _images() if other["digest"] and other["digest"] == record["digest"]}
    assert len(tags) <= 1


# what real tools say


def hadolint(root: Path, paths: list[str]) -> list[str]:
    """What hadolint finds, as `path:line code`."""
    program = Path(sysconfig.get_path("scripts")) / "hadolint"
    command = [str(program), "--no-fail", "--format", "json", *paths]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return [f"{item['file']}:{item['line']} {item['code']}" for item in json.loads(done.stdout)]


def test_hadolint_has_nothing_to_say(tree: Path) -> None:
    paths = sorted(str(path.relative_to(tree)) for path in tree.rglob("Dockerfile*") if path.suffix != ".dockerignore")
    assert len(paths) == len(COMBINATIONS)
    assert hadolint(tree, paths) == []


def test_hadolint_would_speak(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM node:latest\nRUN apt-get install curl\n")
    assert {"Dockerfile:1 DL3007", "Dockerfile:2 DL3008"} <= set(hadolint(tmp_path, ["Dockerfile"]))


@pytest.mark.slow
def test_checkov_has_nothing_to_say(tree: Path) -> None:
    program = linted.checkov_python().parent / "checkov"
    command = [str(program), "--framework", "dockerfile", "-d", ".", "--skip-download", "-o", "json", "--compact"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    summary = json.loads(done.stdout)["summary"]
    assert (summary["failed"], summary["parsing_errors"], summary["skipped"]) == (0, 0, 0)
    assert summary["passed"] > len(COMBINATIONS)


# every image


def test_directives_come_before_our_own_comment(files: Mapping[str, RenderedFile]) -> None:
    for path, file in files.items():
        if path.endswith("/Dockerfile"):
            first = file.text.split("\n")[:3]
            assert first[:2] == ["# syntax=docker/dockerfile:1", "# check=error=true"], path
            assert first[2].startswith("# made by groundplan "), path


def test_base_images_are_written_out(image: reader.Dockerfile) -> None:
    assert not image.preamble
    for stage in image.stages:
        assert "$" not in stage.base.text
        assert stage.base.text.count("/") >= 2, "the registry is named"
        assert ":" in stage.base.text.rsplit("/", 1)[1]


def test_last_stage_holds_results_only(image: reader.Dockerfile) -> None:
    assert len(image.stages) >= 2
    for instruction in image.stages[-1].instructions:
        if instruction.keyword != "COPY":
            continue
        source = instruction.flag("from")
        names = [word.text for word in instruction.words]
        assert instruction.flag("link"), instruction.text
        assert source or names[0] in {"package.json", "nginx.conf"}, instruction.text
        assert names[0] != "."


def test_runs_as_a_number_with_exec_forms(image: reader.Dockerfile) -> None:
    last = {item.keyword: item for item in image.stages[-1].instructions}
    assert last["USER"].text == "10001:10001"
    assert last["CMD"].listed
    assert last["ENTRYPOINT"].listed is not None
    assert last["WORKDIR"].text.startswith("/")
    assert last["STOPSIGNAL"].text in {"SIGTERM", "SIGQUIT"}
    assert last["HEALTHCHECK"].text == "NONE" or last["HEALTHCHECK"].listed


def test_health_is_asked_only_of_what_answers(image: reader.Dockerfile) -> None:
    name = image.path.split("/")[1]
    last = image.stages[-1].instructions
    ports = [item.text for item in last if item.keyword == "EXPOSE"]
    health = next(item for item in last if item.keyword == "HEALTHCHECK")
    listens = COMBINATIONS[name].port is not None
    assert ports == (["8080"] if listens else [])
    speaks = COMBINATIONS[name].protocol == "http" and listens
    can_ask = COMBINATIONS[name].runtime.name in {"node", "python", "ruby", "php", "static"}  # type: ignore[union-attr]
    asked = (speaks and can_ask) or bool(COMBINATIONS[name].health.command)
    assert (health.text != "NONE") == asked


def test_metrics_port_is_exposed_once() -> None:
    def ports(number: int) -> list[str]:
        metrics = Metrics(
            path="services.web.metrics",
            port=number,
            path_="/metrics",
            profile="otel",
            buckets=(),
            requests=None,
            duration=None,
            status=None,
            route=None,
            series={},
        )
        return [item.text for item in dockerfile(metrics=metrics).stages[-1].instructions if item.keyword == "EXPOSE"]

    assert ports(9000) == ["8080", "9000"]
    assert ports(8080) == ["8080"]
    assert ports(None) == ["8080"]


PROBES = {
    "node": docker._node_probe,
    "bun": docker._bun_probe,
    "python": docker._python_probe,
    "ruby": docker._ruby_probe,
    "php": docker._php_probe,
    "wget": docker._wget_probe,
}


class Answers(http.server.BaseHTTPRequestHandler):
    """200 on /well, 500 elsewhere."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/well" else 500)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@pytest.mark.parametrize("program", PROBES)
def test_probe_tells_well_from_ill(program: str) -> None:
    found = sys.executable if program == "python" else shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed, so its probe was not run")
    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        ends = [
            subprocess.run([found, *PROBES[program](url + path)[1:]], capture_output=True, timeout=20, check=False)
            for path in ("/well", "/ill")
        ]
        server.shutdown()
    assert ends[0].returncode == 0
    assert ends[1].returncode != 0


def test_init_for_runtimes_that_reap_nothing(image: reader.Dockerfile) -> None:
    runtime = COMBINATIONS[image.path.split("/")[1]].runtime
    entry = [item.listed for item in image.stages[-1].instructions if item.keyword == "ENTRYPOINT"]
    wanted = {"node": [("dumb-init", "--")]}
    tini = {name: [("tini", "-g", "--")] for name in ("python", "ruby", "php")}
    assert entry == (wanted | tini).get(runtime.name if runtime else "", [()])


def test_labels_are_complete(image: reader.Dockerfile) -> None:
    labels = {
        name.text: value
        for item in image.stages[-1].instructions
        if item.keyword == "LABEL"
        for name, value in item.pairs
    }
    prefix = "org.opencontainers.image."
    keys = ("title", "description", "version", "revision", "source", "licenses", "base.name")
    assert {prefix + key for key in keys} <= set(labels)
    assert labels[f"{prefix}base.name"] == image.stages[-1].base.text.partition("@")[0]
    assert labels.get(f"{prefix}base.digest", "") == image.stages[-1].base.text.partition("@")[2]


def test_no_secret_travels_as_argument(image: reader.Dockerfile) -> None:
    for stage in image.stages:
        names = [name.text for item in stage.instructions if item.keyword in {"ARG", "ENV"} for name, _ in item.pairs]
        assert not [name for name in names if any(word in name for word in ("SECRET", "TOKEN", "PASSWORD", "KEY"))]


LOCKED = {
    "node-npm": "npm ci",
    "node-pnpm": "pnpm install --frozen-lockfile",
    "node-yarn": "yarn install --immutable",
    "node-bun": "bun install --frozen-lockfile",
    "static-pnpm": "pnpm install --frozen-lockfile",
    "python-uv": "uv sync --locked --no-dev",
    "python-pip": "install --require-hashes",
    "python-poetry": "poetry install --only main",
    "go-api": "go mod download",
    "java-maven": "./mvnw",
    "java-gradle": "./gradlew",
    "dotnet-api": "--locked-mode",
    "rust-api": "cargo build --release --locked",
    "ruby-api": "bundle install",
    "php-api": "composer install --no-dev",
}


@pytest.mark.parametrize(("name", "install"), LOCKED.items(), ids=LOCKED)
def test_installs_what_is_locked_before_sources(name: str, install: str, files: Mapping[str, RenderedFile]) -> None:
    text = files[f"apps/{name}/Dockerfile"].text
    assert install in text
    assert "--mount=type=cache,id=" in text
    if name != "rust-api":  # its sources come first; caches do the work of a layer
        assert text.index(install) < text.index("COPY . .")


@pytest.mark.parametrize("name", ["go-api", "rust-api", "java-maven", "dotnet-api", "static-npm", "php-api"])
def test_what_yields_no_native_modules_is_built_where_it_is_fast(name: str, files: Mapping[str, RenderedFile]) -> None:
    build = reader.read(files[f"apps/{name}/Dockerfile"].text, "Dockerfile").stages[0]
    assert build.platform == "$BUILDPLATFORM"


@pytest.mark.parametrize("name", ["python-uv", "ruby-api", "node-next"])
def test_what_yields_native_modules_is_built_where_it_runs(name: str, files: Mapping[str, RenderedFile]) -> None:
    image = reader.read(files[f"apps/{name}/Dockerfile"].text, "Dockerfile")
    assert [stage.platform for stage in image.stages] == [""] * len(image.stages)


def test_production_modules_of_node_come_from_their_own_stage(files: Mapping[str, RenderedFile]) -> None:
    image = reader.read(files["apps/node-npm/Dockerfile"].text, "Dockerfile")
    assert [stage.platform for stage in image.stages] == ["$BUILDPLATFORM", "", ""]
    assert "npm ci --omit=dev" in " ".join(item.text for item in image.stages[1].instructions)


def test_libraries_follow_the_resources_used(files: Mapping[str, RenderedFile]) -> None:
    assert "libpq5" in files["apps/ruby-uses/Dockerfile"].text
    assert "libpq" not in files["apps/ruby-api/Dockerfile"].text
    assert "install-php-extensions pdo_pgsql pdo_mysql redis" in files["apps/php-uses/Dockerfile"].text


# the context


def _ignored(path: str, patterns: list[str]) -> bool:
    """As Docker reads the file: the last pattern that matches the path or a directory above it decides."""
    parts = path.split("/")
    above = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    ignored = False
    for pattern in patterns:
        bare = pattern.lstrip("!").removeprefix("**/")
        deep = "**/" in pattern
        hit = any(
            fnmatch.fnmatch(part, bare) if deep and "/" not in bare else fnmatch.fnmatch(whole, bare)
            for part, whole in zip(parts, above, strict=True)
        )
        if hit:
            ignored = not pattern.startswith("!")
    return ignored


def _patterns(files: Mapping[str, RenderedFile], path: str) -> list[str]:
    lines = files[path].text.split("\n")
    return [line for line in lines if line and not line.startswith("#")]


def test_nothing_that_is_copied_is_ignored(image: reader.Dockerfile, files: Mapping[str, RenderedFile]) -> None:
    patterns = _patterns(files, image.path.replace("Dockerfile", ".dockerignore"))
    for stage in image.stages:
        for item in stage.instructions:
            if item.keyword == "COPY" and item.flag("from") is None:
                for word in item.words[:-1]:
                    name = word.text.replace("[", "").replace("]", "").replace("**/", "src/").replace("*", "x")
                    assert name == "." or not _ignored(name.removeprefix("./"), patterns), name


SECRET_FILES = [
    ".env",
    ".env.production",
    "config/.env",
    "certs/server.key",
    "a/b/tls.pem",
    "id_rsa",
    "terraform.tfstate",
]
NEEDED_FILES = [
    "README.md",
    "src/id_generator.py",
    "app/docs/page.tsx",
    "src/build.rs",
    "app/secrets/service.go",
    "package.json",
]


@pytest.mark.parametrize("runtime", docker.RECIPES)
def test_context_leaves_out_secrets_and_keeps_sources(runtime: str, files: Mapping[str, RenderedFile]) -> None:
    manager = docker.MANAGERS.get(runtime, ("api",))[0]
    patterns = _patterns(files, f"apps/{runtime}-{manager}/.dockerignore")
    assert [path for path in SECRET_FILES if not _ignored(path, patterns)] == []
    assert [path for path in NEEDED_FILES if _ignored(path, patterns)] == []
    assert _ignored(".git/config", patterns)


def test_services_that_share_a_context_have_files_of_their_own() -> None:
    made = rendered(service("web", "static"), service("api", "go"), service("alone", "node", context="apps/alone"))
    assert sorted(made) == [
        "Dockerfile.api",
        "Dockerfile.api.dockerignore",
        "Dockerfile.web",
        "Dockerfile.web.dockerignore",
        "apps/alone/.dockerignore",
        "apps/alone/Dockerfile",
        "docker-bake.hcl",
        "nginx.web.conf",
    ]
    assert "COPY --link nginx.web.conf /etc/nginx/nginx.conf" in made["Dockerfile.web"].text


def test_a_service_with_an_image_is_not_built() -> None:
    assert rendered(service("web", image="ghcr.io/acme/web:1", runtime="node")) == {}


# bake


def test_bake_has_a_target_per_service(tmp_path: Path) -> None:
    import hcl2

    text = rendered(service("web", "static"), service("api", "go", context="apps/api"))["docker-bake.hcl"].text
    read = hcl2.loads(text)
    targets = {name.strip('"'): body for entry in read["target"] for name, body in entry.items()}
    assert set(targets) == {"_common", "web", "api"}
    assert "linux/amd64" in str(targets["_common"]["platforms"])
    assert "linux/arm64" in str(targets["_common"]["platforms"])
    assert "mode=max" in str(targets["_common"]["attest"])
    assert "rewrite-timestamp=true" in str(targets["_common"]["output"])
    assert str(targets["api"]["context"]).strip('"') == "apps/api"
    assert "${REGISTRY}/shop-api:${VERSION}" in str(targets["api"]["tags"])


def test_bake_aligns_as_the_formatter_would() -> None:
    lines = rendered(service("web", "go"))["docker-bake.hcl"].text.split("\n")
    body = [line for line in lines[lines.index('target "web" {') :] if " = " in line and not line.endswith("{")]
    assert len({line.index("=") for line in body if line.startswith("  ") and not line.startswith("    ")}) == 1


# the user's own text


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("node dist/server.js", ["node", "dist/server.js"]),
        ("node -e 'a b' \"c d\"", ["node", "-e", "a b", "c d"]),
        ("node --max-old-space-size=256 a.js", ["node", "--max-old-space-size=256", "a.js"]),
        ("a && b", ["/bin/sh", "-c", "a && b"]),
        ("A=1 node a.js", ["/bin/sh", "-c", "A=1 node a.js"]),
        ("node $MAIN", ["/bin/sh", "-c", "node $MAIN"]),
        ("exec node a.js", ["/bin/sh", "-c", "exec node a.js"]),
        ("node 'open", ["/bin/sh", "-c", "node 'open"]),
        ("node a.js\nrm -rf /", ["/bin/sh", "-c", "node a.js\nrm -rf /"]),
    ],
)
def test_start_becomes_words_or_goes_to_a_shell(start: str, expected: list[str]) -> None:
    assert docker.words(start) == expected


def test_arguments_can_be_replaced_alone() -> None:
    last = dockerfile(start="node a.js", command_=("--verbose", "x y")).stages[-1].instructions
    assert [item.listed for item in last[-2:]] == [("dumb-init", "--", "node", "a.js"), ("--verbose", "x y")]


def test_without_a_shell_words_stand_as_written() -> None:
    assert docker.words("/app/api --level $LEVEL", shell=False) == ["/app/api", "--level", "$LEVEL"]
    assert docker.words("'", shell=False) == ["'"]


HOSTILE = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60).filter(
    lambda text: bool(text.strip())
) | st.sampled_from(
    [
        '": {{',
        "${x}",
        "$(rm -rf /)",
        "a\nUSER root",
        "no",
        "0550",
        "👻 'q' \"d\"",
        "cat <<EOF",
        "x \\",
        "{{ 7*7 }}",
        "--mount=x",
        "#c",
    ]
)


@hypothesis.settings(max_examples=150, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
@hypothesis.given(start=HOSTILE)
def test_any_start_comes_back_equal(start: str) -> None:
    image = dockerfile(start=start)
    command = next(item for item in image.stages[-1].instructions if item.keyword == "CMD")
    assert command.listed is not None
    if command.listed[:2] == ("/bin/sh", "-c") and start.split()[:1] != ["/bin/sh"]:
        assert command.listed[2] == start
    else:
        assert list(command.listed) == shlex.split(start)
    assert image.stages[-1].instructions[-1] is command


@hypothesis.settings(max_examples=150, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
@hypothesis.given(command=HOSTILE)
def test_any_build_command_stays_in_its_instruction(command: str) -> None:
    text = rendered(service(command=command, output="dist"))["Dockerfile"].text
    if "<<" in command:  # quoted, so BuildKit sees no here-document in it
        line = next(line for line in text.split("\n") if line.startswith('RUN ["/bin/sh", "-ec", '))
        assert json.loads(line.removeprefix("RUN ")) == ["/bin/sh", "-ec", command]
        return
    image = reader.read(text, "Dockerfile")
    plain = dockerfile(command="make", output="dist")
    shape = [[item.keyword for item in stage.instructions] for stage in image.stages]
    assert shape == [[item.keyword for item in stage.instructions] for stage in plain.stages]
    run = [item for item in image.stages[0].instructions if item.keyword == "RUN"][-1]
    assert (run.listed[2] if run.listed else run.text).strip() == command.strip()


@hypothesis.settings(max_examples=100, deadline=None)
@hypothesis.given(description=HOSTILE, live=st.sampled_from(["/health", "/he'alth", '/"', "/a\\b", "/ünï", "/${x}"]))
def test_any_description_and_path_stay_in_their_place(description: str, live: str) -> None:
    made = rendered(service(health={"live": live}), description=description)
    image = reader.read(made["Dockerfile"].text, "Dockerfile")
    last = image.stages[-1].instructions
    assert [item.keyword for item in last][-3:] == ["LABEL", "ENTRYPOINT", "CMD"]
    health = next(item.listed for item in last if item.keyword == "HEALTHCHECK")
    assert health is not None
    assert health[:2] == ("node", "-e")
    script = health[2].removeprefix("fetch(").partition(").then")[0]
    assert json.loads(json.dumps(script[1:-1]).replace("\\\\u", "\\u")) == f"http://127.0.0.1:8080{live}"


# what cannot be built


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"runtime": "node", "version": "20"}, "node 20 is not among the lines known on 2026-11-23: 26, 24, 22"),
        ({"runtime": "python", "package_manager": "npm"}, "npm is not a package manager of python"),
        ({"runtime": "node", "output": "../secrets"}, "'../secrets' is no path that an image can be built from"),
        ({"runtime": "node", "output": "my dist"}, "'my dist' is no path that an image can be built from"),
    ],
)
def test_says_what_cannot_be_built(given: dict[str, str], message: str) -> None:
    with pytest.raises(Fault) as fault:
        rendered(service(**given))
    assert fault.value.message == message
    assert fault.value.fix


@pytest.mark.parametrize(
    ("version", "tag"), [("24", ":24."), ("24.21", ":24."), (None, ":24."), ("22", ":22."), ("26", ":26.")]
)
def test_version_chooses_the_line(version: str | None, tag: str) -> None:
    assert all(tag in stage.base.text for stage in dockerfile(version=version).stages)


# whole specs

APPS = Path(__file__).resolve().parent.parent / "fixtures" / "apps"


@pytest.mark.parametrize("runtime", docker.RECIPES)
def test_example_of_each_runtime_is_clean(runtime: str, tmp_path: Path) -> None:
    loaded = spec.load(APPS / f"runtime-{runtime}" / "groundplan.yaml")
    assert loaded.findings == ()
    assert loaded.product is not None
    made = list(render(docker.plan(loaded.product), loaded.product.spec_path))
    images = [file.path for file in made if reader.is_dockerfile(file.path)]
    assert len(images) == len(loaded.product.base.services)
    for file in made:
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file.path).write_text(file.text, encoding="utf-8")
    assert hadolint(tmp_path, images) == []


# provenance


def test_every_line_knows_its_cause(files: Mapping[str, RenderedFile]) -> None:
    for path, file in files.items():
        assert len(file.origins) == file.text.count("\n"), path
        assert all(origin.causes and origin.template.startswith("docker/") for origin in file.origins), path


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("FROM docker.io/library/node", "services.web.runtime.version"),
        ("EXPOSE 3000", "services.web.port"),
        ("CMD [", "services.web.build.start"),
        ("    CMD [", "services.web.health.live"),
        ("RUN make", "services.web.build.command"),
        ("COPY --link --from=build", "services.web.build.output"),
    ],
)
def test_line_points_at_the_key_that_caused_it(line: str, cause: str) -> None:
    web = service(version="24", port=3000, start="node a.js", command="make", output="lib")
    file = rendered(web)["Dockerfile"]
    found = [origin for text, origin in zip(file.text.split("\n"), file.origins, strict=False) if text.startswith(line)]
    assert found
    assert any(found.startswith(cause) for found in found[0].causes)
