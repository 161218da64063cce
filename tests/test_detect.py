"""A source tree -> a spec: whole samples to the letter, and single facts beside what looks like them and is none.

Every sample is a small application with real source in `source/` and the spec that comes of it in `expected.yaml`.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator import pipeline
from generator.detect import Detection, detect, spec_text
from generator.detect import tree as detect_tree
from generator.errors import Fault
from generator.finding import Severity
from generator.spec import load

SAMPLES = Path(__file__).parent.parent / "fixtures" / "detect"
NAMES = sorted(path.parent.relative_to(SAMPLES).as_posix() for path in SAMPLES.glob("**/source"))
ANSWERS = {"owner": "team-shop", "cloud": "none", "region": "", "forge": "github", "repository": ""}


def text_of(root: Path, app: str = "shop", **answers: str) -> str:
    return spec_text(detect(root), {**ANSWERS, "app": app, **answers})


def written(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def found(root: Path, files: dict[str, str | bytes]) -> Detection:
    return detect(written(root, files))


def serious(text: str, folder: Path) -> list[str]:
    path = folder / "groundplan.yaml"
    path.write_text(text)
    loaded = load(path)
    wrong = [f"{finding.at}: {finding.message}" for finding in loaded.findings if finding.severity >= Severity.MEDIUM]
    return wrong if loaded.product is not None else [*wrong, "no product"]


# whole samples


def sample(name: str) -> str:
    return text_of(SAMPLES / name / "source", app=name.rpartition("/")[2])


@pytest.mark.parametrize("name", NAMES)
def test_sample_gives_its_spec(name: str) -> None:
    expected = SAMPLES / name / "expected.yaml"
    if os.environ.get("GROUNDPLAN_UPDATE_DETECT"):
        expected.write_text(sample(name))
    assert sample(name) == expected.read_text()


@pytest.mark.parametrize("name", NAMES)
def test_spec_of_a_sample_loads_and_renders(name: str, tmp_path: Path) -> None:
    assert serious(sample(name), tmp_path) == []
    product = load(tmp_path / "groundplan.yaml").product
    assert product is not None
    paths = {file.path for file in pipeline.generate(product)}
    for service in product.base.services.values():
        beginning = f"{service.build.context}/Dockerfile".removeprefix("./")
        assert any(path.startswith(beginning) for path in paths)


_PLACED = re.compile(
    r"^\s*(?:- )?(?:# )?(?P<line>[^#]*?)\s*#.*?(?:found|read) in (?P<path>[^\s;`]+?)(?::(?P<number>\d+))?"
    r"(?: as `(?P<seen>.*)`)?(?:;.*)?$"
)


def placed(text: str) -> list[re.Match[str]]:
    return [match for line in text.splitlines() if (match := _PLACED.match(line))]


def holds(root: Path, match: re.Match[str]) -> bool:
    """Whether the place that a comment names has what the line says."""
    file = root / match["path"]
    if match["number"] is None:
        return file.exists()
    line = file.read_text().splitlines()[int(match["number"]) - 1]
    key, _, value = match["line"].strip().partition(":")
    wanted = [match["seen"]] if match["seen"] else [key.strip("# "), value.strip().strip("\"'")]
    if re.fullmatch(r"[a-z0-9-]+: \{\}", match["line"].strip()):
        wanted = re.findall(r"for (\w+),", match.string)
    return any(word and word in line for word in wanted)


@pytest.mark.parametrize("name", NAMES)
def test_every_comment_names_a_line_that_says_so(name: str) -> None:
    comments = placed(sample(name))
    assert len(comments) >= 2
    assert [match.string for match in comments if not holds(SAMPLES / name / "source", match)] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_a_service_says_where_it_is_from(name: str) -> None:
    body = sample(name).split("services:\n")[1].splitlines()
    silent = [
        line
        for before, line in zip(["", *body], body, strict=False)
        if re.search(r": \S", line) and not line.lstrip().startswith("#") and " # " not in line
        if not before.lstrip().startswith("# assumed: ")
    ]
    assert silent == []


@pytest.mark.parametrize(
    "wrong", ["    port: 3001    # found in server.js:1", "    port: 3000    # found in server.js:2"]
)
def test_a_comment_that_names_a_wrong_line_is_noticed(wrong: str, tmp_path: Path) -> None:
    written(tmp_path, {"server.js": "listen(3000)\nlisten(4)\n"})
    (match,) = placed(wrong)
    assert not holds(tmp_path, match)


# node

NODE = '{"name": "shop", "scripts": {"start": "node server.js"}, "dependencies": {"express": "5"}}\n'


def service_of(root: Path, source: str, name: str = "server.js", manifest: str = NODE) -> Detection:
    return found(root, {"package.json": manifest, name: source})


@pytest.mark.parametrize(
    ("source", "port"),
    [
        ("app.listen(3000)", 3000),
        ("app.listen(process.env.PORT || 4000)", 4000),
        ("const port = Number(process.env.PORT ?? '4100');", 4100),
        ("await app.listen({ port: 4200, host: '0.0.0.0' })", 4200),
        ("const PORT = 4300;\napp.listen(PORT)", 4300),
    ],
)
def test_port_of_node(source: str, port: int, tmp_path: Path) -> None:
    (service,) = service_of(tmp_path, source).services
    assert service.port is not None
    assert service.port.value == port


@pytest.mark.parametrize(
    "source",
    [
        "// app.listen(3000)",
        "/* app.listen(3000)\n app.listen(3001) */",
        "console.log('app.listen(3000)')",
        "console.log(`app.listen(3000)`)",
        "app.listen(process.env.PORT)",
        "app.listen(99999)",
    ],
)
def test_no_port_of_node(source: str, tmp_path: Path) -> None:
    (service,) = service_of(tmp_path, source).services
    assert service.port is None


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("process.env.MAIL_FROM", "MAIL_FROM"),
        ("process.env['MAIL_FROM']", "MAIL_FROM"),
        ("const url = `http://${process.env.MAIL_FROM}/x`", "MAIL_FROM"),
        ("import.meta.env.MAIL_FROM", "MAIL_FROM"),
        ("const a = /[/'\"]/; process.env.MAIL_FROM", "MAIL_FROM"),
    ],
)
def test_variable_of_node(source: str, name: str, tmp_path: Path) -> None:
    (service,) = service_of(tmp_path, source).services
    assert name in {**service.env, **service.unset}


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("server.js", "// process.env.MAIL_FROM"),
        ("server.js", "log('set process.env.MAIL_FROM')"),
        ("server.js", "log(`set process.env.MAIL_FROM`)"),
        ("test/server.js", "process.env.MAIL_FROM"),
        ("src/server.test.js", "process.env.MAIL_FROM"),
        ("docs/server.js", "process.env.MAIL_FROM"),
        ("examples/server.js", "process.env.MAIL_FROM"),
        ("node_modules/x/index.js", "process.env.MAIL_FROM"),
        ("dist/index.js", "process.env.MAIL_FROM"),
        ("README.md", "process.env.MAIL_FROM"),
        (".env", "MAIL_FROM=shop"),
    ],
)
def test_no_variable_of_node(path: str, source: str, tmp_path: Path) -> None:
    (service,) = service_of(tmp_path, source, path).services
    assert {**service.env, **service.unset} == {}


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({".nvmrc": "v22.11.0\n"}, "22"),
        ({".nvmrc": "lts/jod\n"}, "22"),
        ({".nvmrc": "lts/*\n"}, "24"),
        ({".node-version": "24\n"}, "24"),
        ({".tool-versions": "python 3.13\nnodejs 22.1.0\n"}, "22"),
        ({"package.json": NODE.replace("{", '{"engines": {"node": ">=20 <23"}, ', 1)}, "22"),
        ({"package.json": NODE.replace("{", '{"engines": {"node": "^22.4"}, ', 1)}, "22"),
        ({"package.json": NODE.replace("{", '{"engines": {"node": "20 || 22"}, ', 1)}, "22"),
        ({"package.json": NODE.replace("{", '{"engines": {"node": ">=18"}, ', 1)}, "24"),
        ({"Dockerfile": "FROM node:22-alpine\nCMD node server.js\n"}, "22"),
    ],
)
def test_version_of_node(files: dict[str, str | bytes], version: str, tmp_path: Path) -> None:
    (service,) = found(tmp_path, {"package.json": NODE, **files}).services
    assert service.version is not None
    assert service.version.value == version


@pytest.mark.parametrize("text", ["v18.2.0", "16", "lts/iron", "nightly", ""])
def test_version_that_is_no_line_is_said(text: str, tmp_path: Path) -> None:
    (service,) = found(tmp_path, {"package.json": NODE, ".nvmrc": text}).services
    assert service.version is None
    assert not text or any(text in remark for remark in service.remarks)


@pytest.mark.parametrize(
    "manifest",
    [
        '{"name": "lib", "main": "index.js", "dependencies": {"lodash": "4"}}',
        '{"name": "lib", "main": "index.js", "devDependencies": {"express": "5"}}',
        '{"name": "root", "private": true, "workspaces": ["apps/*"], "scripts": {"start": "node x.js"}}',
        "[1]",
        "{",
    ],
)
def test_library_is_no_service(manifest: str, tmp_path: Path) -> None:
    detection = service_of(tmp_path, "process.env.X", "index.js", manifest)
    assert detection.services == ()
    with pytest.raises(Fault, match="no service was found"):
        spec_text(detection, {**ANSWERS, "app": "shop"})


def test_files_that_vite_builds_are_static(tmp_path: Path) -> None:
    manifest = json.dumps(
        {"scripts": {"dev": "vite", "build": "vite build"}, "devDependencies": {"vite": "7"}}, indent=1
    )
    (service,) = found(tmp_path, {"package.json": manifest, "vite.config.ts": "build: { outDir: 'site' }"}).services
    assert service.runtime is not None
    assert service.output is not None
    assert (service.runtime.value, service.output.value, service.port) == ("static", "site", None)


# python

FLASK = {"requirements.txt": "flask==3.1\ngunicorn==23\n", "shop/web.py": "app = Flask(__name__)\n"}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("os.environ['MAIL_FROM']", "MAIL_FROM"),
        ('os.environ.get("MAIL_FROM")', "MAIL_FROM"),
        ("os.getenv('MAIL_FROM', 'x')", "MAIL_FROM"),
        ("f\"{os.environ['MAIL_FROM']}\"", "MAIL_FROM"),
        ("config('MAIL_FROM', default='x')", "MAIL_FROM"),
        ("env.str('MAIL_FROM')", "MAIL_FROM"),
    ],
)
def test_variable_of_python(source: str, name: str, tmp_path: Path) -> None:
    (service,) = found(tmp_path, {**FLASK, "shop/settings.py": source}).services
    assert name in {**service.env, **service.unset}


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("shop/a.py", "# os.environ['MAIL_FROM']"),
        ("shop/a.py", '"""Set os.environ["MAIL_FROM"]."""'),
        ("shop/a.py", "print('os.environ[\"MAIL_FROM\"]')"),
        ("tests/test_a.py", "os.environ['MAIL_FROM']"),
        ("shop/test_a.py", "os.environ['MAIL_FROM']"),
        ("conftest.py", "os.environ['MAIL_FROM']"),
        ("venv/lib/a.py", "os.environ['MAIL_FROM']"),
        ("docs/conf.py", "os.environ['MAIL_FROM']"),
    ],
)
def test_no_variable_of_python(path: str, source: str, tmp_path: Path) -> None:
    (service,) = found(tmp_path, {**FLASK, path: source}).services
    assert {**service.env, **service.unset} == {}


# secrets

VALUE = "hunter2-4711-aBcDeF"


@pytest.mark.parametrize(
    "name",
    [
        "SECRET_KEY",
        "STRIPE_API_KEY",
        "JWT_SECRET",
        "DB_PASSWORD",
        "GITHUB_TOKEN",
        "SENTRY_DSN",
        "SMTP_PASS",
        "appSecret",
    ],
)
@pytest.mark.parametrize("place", [".env.example", "compose.yaml", "Dockerfile", "server.js"])
def test_no_secret_value_is_copied(name: str, place: str, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        ".env": f"{name}={VALUE}\n",
        ".env.example": f"{name}={VALUE}\n" if place == ".env.example" else "",
        "compose.yaml": f"services:\n  web:\n    build: .\n    environment:\n      {name}: {VALUE}\n",
        "Dockerfile": f"FROM node:24\nENV {name}={VALUE}\nEXPOSE 3000\n" if place == "Dockerfile" else "FROM node:24\n",
        "package.json": NODE,
        "server.js": f"const a = process.env.{name} || '{VALUE if place == 'server.js' else 'x'}'",
    }
    if place != "compose.yaml":
        del files["compose.yaml"]
    text = text_of(written(tmp_path, files))
    assert VALUE not in text
    assert f"{name}: " in text
    assert "${secret." in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIGNED_WITH", "AKIAIOSFODNN7EXAMPLE"),
        ("BACKEND", "https://user:pass1234@example.net/"),
        ("OPAQUE", "9f86d081884c7d659a2feaa0c55ad015"),
        ("ISSUED", "eyJhbGciOiJIUzI1NiJ9.e30.abc"),
        ("HOOK", "https://hooks.slack.com/services/T00000000/B00000000/abcdefghijklmnop1234"),
    ],
)
def test_what_looks_secret_is_not_copied(name: str, value: str, tmp_path: Path) -> None:
    text = text_of(written(tmp_path, {"package.json": NODE, ".env.example": f"{name}={value}\n"}))
    assert value not in text
    assert name in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_LEVEL", "info"),
        ("TOKEN_TTL", "3600"),
        ("PASSWORD_MIN_LENGTH", "12"),
        ("CACHE_KEY_PREFIX", "shop"),
        ("SITE_URL", "https://shop.example"),
    ],
)
def test_plain_value_is_copied(name: str, value: str, tmp_path: Path) -> None:
    (service,) = found(tmp_path, {"package.json": NODE, ".env.example": f"{name}={value}\n"}).services
    assert service.env[name].value == value


# compose


def composed(root: Path, text: str, **files: str) -> Detection:
    return found(root, {"compose.yaml": text, "package.json": NODE, **files})


@pytest.mark.parametrize(
    ("image", "kind", "version"),
    [
        ("postgres:17-alpine", "postgres", "17"),
        ("docker.io/library/postgres:16.3@sha256:" + "0" * 64, "postgres", "16"),
        ("postgis/postgis:17-3.5", "postgres", None),
        ("mysql:8.4", "mysql", "8.4"),
        ("mariadb:11", "mysql", None),
        ("redis:7-alpine", "valkey", None),
        ("valkey/valkey:9.1", "valkey", "9.1"),
        ("mongo:8.0", "mongodb", "8.0"),
        ("minio/minio", "bucket", None),
        ("opensearchproject/opensearch:3", "search", None),
        ("${DB_IMAGE:-postgres:18}", "postgres", "18"),
    ],
)
def test_backing_service_of_an_image(image: str, kind: str, version: str | None, tmp_path: Path) -> None:
    text = f"services:\n  web: {{build: ., depends_on: [store]}}\n  store:\n    image: {image}\n"
    (resource,) = composed(tmp_path, text).resources
    assert (resource.name, resource.type.value) == ("store", kind)
    assert (resource.version.value if resource.version else None) == version


@pytest.mark.parametrize(
    "image", ["rabbitmq:4", "apache/kafka:4.0", "adminer", "axllent/mailpit", "nginx:1.29", "postgres-exporter"]
)
def test_image_that_is_no_resource_is_a_note(image: str, tmp_path: Path) -> None:
    text = f"services:\n  web: {{build: ., depends_on: [other]}}\n  other:\n    image: {image}\n"
    detection = composed(tmp_path, text)
    assert detection.resources == ()
    assert any(note.startswith("other (compose.yaml:4)") for note in detection.notes)


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("DATABASE_URL", "postgres://a:b@store:5432/x", "${store.url}"),
        ("WHERE", "postgresql+asyncpg://a:b@store/x", "${store.url}"),
        (
            "SPRING_DATASOURCE_URL",
            "jdbc:postgresql://store:5432/x",
            "jdbc:postgresql://${store.host}:${store.port}/${store.name}",
        ),
        ("DB_HOST", "store", "${store.host}"),
        ("DB_ADDR", "store:5432", "${store.host}:${store.port}"),
        ("DB_USER", "shop", "${store.username}"),
        ("DB_PASSWORD", "x", "${store.password}"),
        ("PGDATABASE", "shop", "${store.name}"),
        ("API_URL", "http://api:8000", "${api.url}"),
        ("API_URL", "http://api:8000/v1", "${api.url}/v1"),
        ("API_ADDR", "api:8000", "${api.host}:${api.port}"),
    ],
)
def test_variable_that_points_somewhere(name: str, value: str, meant: str, tmp_path: Path) -> None:
    text = (
        f"services:\n  web:\n    build: .\n    environment:\n      {name}: {value}\n"
        "  api: {build: api, expose: [8000]}\n  store: {image: 'postgres:17'}\n"
    )
    detection = composed(tmp_path, text, **{"api/package.json": NODE})
    web = next(service for service in detection.services if service.name.value == "web")
    assert web.env[name].value == meant
    assert [call.value for call in web.calls] == (["api"] if "api" in meant else [])
    assert serious(spec_text(detection, {**ANSWERS, "app": "shop"}), tmp_path) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("BACKEND_URL", "http://elsewhere:8000"), ("MODE", "store"), ("HOST", "localhost"), ("TITLE", "api")],
)
def test_variable_that_points_nowhere(name: str, value: str, tmp_path: Path) -> None:
    text = (
        f"services:\n  web:\n    build: .\n    environment:\n      {name}: {value}\n"
        "  api: {build: api, expose: [8000]}\n  store: {image: 'postgres:17'}\n"
    )
    detection = composed(tmp_path, text, **{"api/package.json": NODE})
    web = next(service for service in detection.services if service.name.value == "web")
    assert "${" not in str(web.env.get(name))
    assert web.calls == ()


def test_calls_in_a_circle_are_broken_and_said(tmp_path: Path) -> None:
    text = (
        "services:\n"
        "  web: {build: ., ports: ['80:3000'], environment: {API_URL: 'http://api:8000'}}\n"
        "  api: {build: api, ports: ['8000'], environment: {WEB_URL: 'http://web:3000'}}\n"
    )
    detection = composed(tmp_path, text, **{"api/package.json": NODE})
    web, api = detection.services
    assert [call.value for call in web.calls] == ["api"]
    assert "circle" in api.unset["WEB_URL"].value
    assert serious(spec_text(detection, {**ANSWERS, "app": "shop"}), tmp_path) == []


# bounds


def test_large_tree_is_read_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, {"package.json": NODE, "server.js": "app.listen(3000)"})
    for folder in range(200):
        (tmp_path / f"part{folder}").mkdir()
        for number in range(100):
            (tmp_path / f"part{folder}" / f"m{number}.js").write_text("process.env.X")
    opened: list[str] = []
    original = detect_tree.Tree._read
    monkeypatch.setattr(detect_tree.Tree, "_read", lambda self, path: opened.append(path) or original(self, path))
    (service,) = detect(tmp_path).services
    assert service.port is not None
    assert len(opened) <= detect_tree.MAX_FILES_READ
    assert len(opened) < 500


def test_folders_of_dependencies_are_not_listed(tmp_path: Path) -> None:
    files = {
        "package.json": NODE,
        **{f"{name}/package.json": NODE for name in ("node_modules/a", ".git", "vendor/b", "venv")},
    }
    assert len(found(tmp_path, dict(files)).services) == 1


def test_no_link_is_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    written(outside, {"package.json": NODE, "secret.js": "process.env.OUTSIDE"})
    written(inside, {"package.json": NODE, "server.js": "app.listen(3000)"})
    (inside / "linked").symlink_to(outside, target_is_directory=True)
    (inside / "linked.js").symlink_to(outside / "secret.js")
    (inside / "round").symlink_to(inside, target_is_directory=True)
    assert "OUTSIDE" not in text_of(inside)


HOSTILE: list[bytes] = [
    b"\0\0\0\0",
    b"\xff\xfe\x00",
    b"{" * 5_000,
    b"[" * 5_000,
    b"<a>" * 5_000,
    b'<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><project>&d;</project>',
    b"a" * 2_000_000,
    b"x" * 20_000,
    b"services: &a [*a, *a]",
    b"a: " * 3_000,
    b'{"scripts": {"start": 4}, "dependencies": [], "engines": "x", "name": {}}',
    b"[project]\ndependencies = 4\nname = [1]\n[tool.poetry]\ndependencies = 1\n",
    b"services:\n  web: 4\n  api: {build: [1], ports: {a: b}, environment: 3, depends_on: 4, command: {a: b}}\n",
    b"services:\n  ../x: {build: ../../etc}\n  '': {build: .}\n  '#': {image: 4}\n",
]
MANIFESTS = [
    "package.json",
    "pyproject.toml",
    "requirements.txt",
    "compose.yaml",
    "Dockerfile",
    "Procfile",
    ".nvmrc",
    ".env.example",
    "server.js",
    "app.py",
]


@pytest.mark.parametrize("name", MANIFESTS)
@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_file_is_survived(name: str, content: bytes, tmp_path: Path) -> None:
    detection = found(tmp_path, {"web/package.json": NODE, name: content, f"web/{name}x": content})
    assert serious(spec_text(detection, {**ANSWERS, "app": "shop"}), tmp_path) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(MANIFESTS), text=st.one_of(st.text(max_size=300), st.binary(max_size=300)))
def test_any_text_as_a_manifest_is_survived(name: str, text: str | bytes, tmp_path: Path) -> None:
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    detection = found(tmp_path, {"web/package.json": NODE, name: content})
    assert serious(spec_text(detection, {**ANSWERS, "app": "shop"}), tmp_path) == []
    (tmp_path / name).unlink()


def test_unreadable_file_is_a_note(tmp_path: Path) -> None:
    detection = found(tmp_path, {"web/package.json": NODE, "package.json": b"\xff\xfe", "compose.yaml": "a: [\n"})
    assert "package.json was not read: it is not UTF-8" in detection.notes
    assert any(note.startswith("compose.yaml:2 was not read to its end") for note in detection.notes)


def test_the_same_tree_gives_the_same_text_and_is_not_changed(tmp_path: Path) -> None:
    written(tmp_path, {"package.json": NODE, "server.js": "app.listen(3000)"})
    before = sorted(tmp_path.rglob("*"))
    assert text_of(tmp_path) == text_of(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before
