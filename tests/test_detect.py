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
    r"^\s*(?:- )?(?:# )?(?P<line>[^#]*?)\s*#.*?(?:found|read|named) in (?P<path>[^\s;`]+?)(?::(?P<number>\d+))?"
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


@pytest.mark.parametrize(
    ("source", "port"),
    [
        ("app.run(port=5001)", 5001),
        ("port = int(os.environ.get('PORT', 5002))", 5002),
        ("port = os.getenv('PORT', '5003')", 5003),
        ("HTTPServer(('', 5004), Handler).serve_forever()", 5004),
        ("# app.run(port=5005)", 8000),
        ("'''app.run(port=5006)'''", 8000),
    ],
)
def test_port_of_python(source: str, port: int, tmp_path: Path) -> None:
    (service,) = found(tmp_path, {**FLASK, "shop/serve.py": source}).services
    assert service.port is not None
    assert service.port.value == port


DJANGO = "Django\ngunicorn\n"


@pytest.mark.parametrize(
    ("files", "start"),
    [
        (FLASK, "gunicorn shop.web:app --bind 0.0.0.0:8000"),
        (
            {"requirements.txt": "fastapi\nuvicorn[standard]>=0.30\n", "app/main.py": "api = FastAPI()"},
            "uvicorn app.main:api --host 0.0.0.0 --port 8000",
        ),
        (
            {"requirements.txt": DJANGO, "manage.py": "", "shop/wsgi.py": "application = 1"},
            "gunicorn shop.wsgi:application --bind 0.0.0.0:8000",
        ),
        (
            {"requirements.txt": DJANGO, "src/manage.py": "", "src/shop/wsgi.py": "application = 1"},
            "gunicorn --chdir src shop.wsgi:application --bind 0.0.0.0:8000",
        ),
        ({"requirements.txt": "requests\n", "main.py": "if __name__ == '__main__':\n    go()"}, "python main.py"),
        ({**FLASK, "Procfile": "web: gunicorn shop.web:app --workers 3\n"}, "gunicorn shop.web:app --workers 3"),
        ({**FLASK, "Dockerfile": 'FROM python:3.13\nCMD ["gunicorn", "shop.web:app"]\n'}, "gunicorn shop.web:app"),
        ({**FLASK, "Dockerfile": "FROM a\nCMD flask run --debug\n"}, "gunicorn shop.web:app --bind 0.0.0.0:8000"),
        ({**FLASK, "Dockerfile": 'FROM a\nCMD ["/start.sh"]\n'}, "gunicorn shop.web:app --bind 0.0.0.0:8000"),
    ],
)
def test_start_of_python(files: dict[str, str | bytes], start: str, tmp_path: Path) -> None:
    (service,) = found(tmp_path, files).services
    assert service.start is not None
    assert service.start.value == start


def test_processes_of_a_procfile_are_services(tmp_path: Path) -> None:
    procfile = "release: flask db upgrade\nworker: celery -A shop worker\n# old: x\nweb: gunicorn shop.web:app\n"
    web, worker = found(tmp_path, {**FLASK, "Procfile": procfile}).services
    assert (web.name.value, worker.name.value, worker.port) == ("web", "worker", None)
    assert web.migrate is not None
    assert web.migrate.value == "flask db upgrade"
    assert worker.migrate is None


# the other languages

MAIN_GO = 'package main\n\nimport "os"\n\nfunc main() {\n\tX\n}\n'
POM = (
    "<project><artifactId>shop</artifactId><version>1</version><properties><java.version>21</java.version></properties>"
    "<dependencies>\n<dependency><artifactId>spring-boot-starter-web</artifactId></dependency>\n</dependencies>"
    "<build><plugins><plugin><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build></project>"
)
MAIN_JAVA = "class Shop {\n  public static void main(String[] a) {\n X\n }\n}\n"
CSPROJ = (
    '<Project Sdk="Microsoft.NET.Sdk.Web">'
    "<PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup></Project>"
)
CARGO = '[package]\nname = "shop"\n[dependencies]\naxum = "0.8"\n'
GEMFILE = 'source "https://rubygems.org"\ngem "sinatra"\ngem "puma"\n'
BASES: dict[str, tuple[dict[str, str | bytes], str, str]] = {
    "go": ({"go.mod": "module example.com/shop\n\ngo 1.26\n"}, "main.go", MAIN_GO),
    "java": ({"pom.xml": POM}, "src/main/java/shop/Shop.java", MAIN_JAVA),
    "dotnet": ({"Shop.csproj": CSPROJ}, "Program.cs", "X"),
    "rust": ({"Cargo.toml": CARGO}, "src/main.rs", "fn main() {\n X\n}\n"),
    "ruby": ({"Gemfile": GEMFILE, "config.ru": "run App"}, "app.rb", "X"),
    "php": ({"composer.json": '{"require": {"php": "8.4.*"}}'}, "public/index.php", "<?php\nX\n"),
}


def of_language(root: Path, language: str, code: str, path: str = "") -> Detection:
    files, main, text = BASES[language]
    if path:
        return found(root, {**files, main: text.replace("X", ""), path: text.replace("X", code)})
    return found(root, {**files, main: text.replace("X", code)})


@pytest.mark.parametrize(
    ("language", "code", "default"),
    [
        ("go", 'os.Getenv("MAIL_FROM")', None),
        ("go", 'os.LookupEnv("MAIL_FROM")', None),
        ("go", 'getEnv("MAIL_FROM", "shop")', "shop"),
        ("java", 'System.getenv("MAIL_FROM");', None),
        ("java", 'System.getenv().getOrDefault("MAIL_FROM", "shop");', "shop"),
        ("dotnet", 'Environment.GetEnvironmentVariable("MAIL_FROM") ?? "shop";', "shop"),
        ("dotnet", 'builder.Configuration["MAIL_FROM"];', None),
        ("rust", 'std::env::var("MAIL_FROM").unwrap();', None),
        ("rust", 'env::var("MAIL_FROM").unwrap_or_else(|_| "shop".into());', "shop"),
        ("ruby", 'ENV["MAIL_FROM"]', None),
        ("ruby", 'ENV.fetch("MAIL_FROM", "shop")', "shop"),
        ("ruby", 'ENV.fetch("MAIL_FROM") { "shop" }', "shop"),
        ("php", "getenv('MAIL_FROM');", None),
        ("php", "$_ENV['MAIL_FROM'] ?? 'shop';", "shop"),
        ("php", "env('MAIL_FROM', 'shop');", "shop"),
    ],
)
def test_variable_of_a_language(language: str, code: str, default: str | None, tmp_path: Path) -> None:
    (service,) = of_language(tmp_path, language, code).services
    assert "MAIL_FROM" in (service.env if default else service.unset)
    assert not default or service.env["MAIL_FROM"].value == default


@pytest.mark.parametrize(
    ("language", "code", "path"),
    [
        ("go", '// os.Getenv("MAIL_FROM")', ""),
        ("go", '/* os.Getenv("MAIL_FROM") */', ""),
        ("go", 'log.Print(`os.Getenv("MAIL_FROM")`)', ""),
        ("go", 'os.Getenv("MAIL_FROM")', "main_test.go"),
        ("go", 'os.Getenv("MAIL_FROM")', "vendor/x/x.go"),
        ("java", '// System.getenv("MAIL_FROM");', ""),
        ("java", 'log("System.getenv(\\"MAIL_FROM\\")");', ""),
        ("java", 'System.getenv("MAIL_FROM");', "src/test/java/shop/Shop.java"),
        ("java", 'System.getenv("MAIL_FROM");', "target/Shop.java"),
        ("dotnet", '// Environment.GetEnvironmentVariable("MAIL_FROM")', ""),
        ("dotnet", 'Environment.GetEnvironmentVariable("MAIL_FROM");', "Shop.Tests/A.cs"),
        ("dotnet", 'Environment.GetEnvironmentVariable("MAIL_FROM");', "obj/A.cs"),
        ("rust", '// std::env::var("MAIL_FROM")', ""),
        ("rust", 'println!("std::env::var(\\"MAIL_FROM\\")");', ""),
        ("rust", 'std::env::var("MAIL_FROM").unwrap();', "tests/a.rs"),
        ("rust", 'std::env::var("MAIL_FROM").unwrap();', "examples/a.rs"),
        ("ruby", '# ENV["MAIL_FROM"]', ""),
        ("ruby", '=begin\nENV["MAIL_FROM"]\n=end', ""),
        ("ruby", 'ENV["MAIL_FROM"]', "spec/a.rb"),
        ("php", "// getenv('MAIL_FROM');", ""),
        ("php", "# getenv('MAIL_FROM');", ""),
        ("php", "getenv('MAIL_FROM');", "tests/ATest.php"),
        ("php", "$_SERVER['REQUEST_URI'] ?? '';", ""),
    ],
)
def test_no_variable_of_a_language(language: str, code: str, path: str, tmp_path: Path) -> None:
    (service,) = of_language(tmp_path, language, code, path).services
    assert {**service.env, **service.unset} == {}


@pytest.mark.parametrize(
    ("language", "code", "port"),
    [
        ("go", 'http.ListenAndServe(":8081", nil)', 8081),
        ("go", 'router.Run("0.0.0.0:8082")', 8082),
        ("go", 'e.Start(":1323")', 1323),
        ("go", 'http.Server{Addr: ":8083"}.ListenAndServe()', 8083),
        ("java", "HttpServer.create(new InetSocketAddress(8084), 0);", 8084),
        ("dotnet", "options.ListenAnyIP(8085);", 8085),
        ("dotnet", 'app.Run("http://0.0.0.0:8086");', 8086),
        ("rust", 'TcpListener::bind("0.0.0.0:8087")', 8087),
        ("rust", 'HttpServer::new(app).bind(("0.0.0.0", 8088))', 8088),
        ("rust", "SocketAddr::from(([0, 0, 0, 0], 8089))", 8089),
        ("ruby", "set :port, 4567", 4567),
        ("ruby", 'port ENV.fetch("PORT") { 3001 }', 3001),
        ("php", "", 8080),
        ("java", "", 8080),
    ],
)
def test_port_of_a_language(language: str, code: str, port: int, tmp_path: Path) -> None:
    (service,) = of_language(tmp_path, language, code).services
    assert service.port is not None
    assert service.port.value == port


@pytest.mark.parametrize(
    ("language", "code", "live"),
    [
        ("go", 'mux.HandleFunc("/healthz", ok)', "/healthz"),
        ("go", 'r.GET("/health", ok)\nhttp.ListenAndServe(":1", nil)', "/health"),
        ("java", '@GetMapping("/livez")', "/livez"),
        ("dotnet", 'app.MapHealthChecks("/healthz");', "/healthz"),
        ("rust", 'Router::new().route("/health", get(ok))', "/health"),
        ("ruby", 'get "/health" do', "/health"),
        ("ruby", 'get "up" => "rails/health#show"', "/up"),
        ("php", "Route::get('/up', fn () => 1);", "/up"),
    ],
)
def test_route_of_health(language: str, code: str, live: str, tmp_path: Path) -> None:
    ports = {"go": 'http.ListenAndServe(":80", nil)', "rust": 'TcpListener::bind("0.0.0.0:80")'}
    (service,) = of_language(tmp_path, language, f"{code}\n{ports.get(language, '')}").services
    assert service.live is not None
    assert service.live.value == live


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("go", '// mux.HandleFunc("/healthz", ok)'),
        ("go", 'http.Get("http://other/healthz")'),
        ("go", 'client.Get("/healthz")'),
        ("java", 'log("see /health");'),
        ("dotnet", 'await client.GetAsync("/healthz");'),
        ("ruby", '# get "/health"'),
        ("php", "$title = '/healthy-food';"),
    ],
)
def test_no_route_of_health(language: str, code: str, tmp_path: Path) -> None:
    (service,) = of_language(tmp_path, language, f'{code}\n http.ListenAndServe(":80", nil)').services
    assert service.live is None


@pytest.mark.parametrize(
    ("language", "files", "version"),
    [
        ("go", {"go.mod": "module a.b/c\n\ngo 1.27.1\n"}, "1.27"),
        ("go", {"go.mod": "module a.b/c\n\ngo 1.22\n"}, "1.27"),
        (
            "java",
            {
                "pom.xml": POM.replace(
                    "java.version>21</java.version", "maven.compiler.release>25</maven.compiler.release"
                )
            },
            "25",
        ),
        ("java", {"pom.xml": POM.replace("java.version>21", "java.version>17")}, None),
        ("dotnet", {"Shop.csproj": CSPROJ.replace("net10.0", "net8.0")}, None),
        ("rust", {"rust-toolchain.toml": '[toolchain]\nchannel = "1.98.1"\n'}, "1.98"),
        ("rust", {"rust-toolchain": "stable\n"}, "1.99"),
        ("ruby", {".ruby-version": "ruby-3.4.2\n"}, "3.4"),
        ("ruby", {"Gemfile": GEMFILE + 'ruby ">= 3.2"\n'}, "4.0"),
        ("ruby", {".ruby-version": "2.7\n"}, None),
        ("php", {"composer.json": '{"require": {"php": ">=8.2"}}'}, "8.5"),
        ("php", {"composer.json": '{"require": {"php": "^8.0"}, "config": {"platform": {"php": "8.4.1"}}}'}, "8.4"),
        ("php", {"composer.json": '{"require": {"php": "^7.4"}}'}, None),
    ],
)
def test_version_of_a_language(language: str, files: dict[str, str], version: str | None, tmp_path: Path) -> None:
    base, main, text = BASES[language]
    (service,) = found(tmp_path, {**base, main: text.replace("X", ""), **files}).services
    assert (service.version.value if service.version else None) == version
    assert version or any(remark.startswith("version:") for remark in service.remarks)


@pytest.mark.parametrize(
    "files",
    [
        {"go.mod": "module a.b/c\n", "lib.go": "package c\n"},
        {"pom.xml": POM, "src/main/java/A.java": "class A {}"},
        {"pom.xml": "<project><packaging>pom</packaging></project>"},
        {"A.csproj": CSPROJ.replace(".Web", "")},
        {
            "A.csproj": CSPROJ.replace(
                "</Project>", '<ItemGroup><PackageReference Include="xunit" /></ItemGroup></Project>'
            )
        },
        {"Cargo.toml": CARGO, "src/lib.rs": "pub fn a() {}"},
        {"Gemfile": GEMFILE, "lib/a.rb": "A = 1"},
        {"composer.json": '{"type": "library"}', "public/index.php": "<?php"},
        {"pyproject.toml": "[project]\nname = 'a'\n", "a/__init__.py": "B = 1"},
        {"docs/index.html": "<p>"},
    ],
)
def test_what_nothing_starts_is_no_service(files: dict[str, str | bytes], tmp_path: Path) -> None:
    assert found(tmp_path, files).services == ()


def test_modules_are_built_from_their_root(tmp_path: Path) -> None:
    root = "<project><packaging>pom</packaging><modules><module>api</module></modules></project>"
    files: dict[str, str | bytes] = {
        "pom.xml": root,
        "mvnw": "",
        "api/pom.xml": POM,
        "api/src/main/java/A.java": MAIN_JAVA,
    }
    (service,) = found(tmp_path, files).services
    assert (service.name.value, service.context) == ("api", ".")
    assert service.command is not None
    assert "--projects api --also-make" in service.command.value
    assert service.output is not None
    assert service.output.value == "api/target/shop-1.jar"


def test_workspace_of_rust_is_built_from_its_root(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "Cargo.toml": '[workspace]\nmembers = ["crates/*"]\n',
        "crates/api/Cargo.toml": CARGO.replace("shop", "shop_api"),
        "crates/api/src/main.rs": "fn main() {}",
        "crates/core/Cargo.toml": CARGO.replace("shop", "core"),
        "crates/core/src/lib.rs": "",
    }
    (service,) = found(tmp_path, files).services
    assert (service.name.value, service.context) == ("shop-api", ".")
    assert service.command is not None
    assert "--bin shop_api" in service.command.value


def test_main_package_elsewhere_is_built_from_there(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "go.mod": "module a.b/shop\n",
        "services/mail/main.go": MAIN_GO.replace("X", ""),
    }
    (service,) = found(tmp_path, files).services
    assert service.command is not None
    assert service.command.value == "go build -o bin/mail ./services/mail"


def test_properties_of_spring_are_read(tmp_path: Path) -> None:
    properties = (
        "server:\n  port: ${PORT:9090}\nspring:\n  datasource:\n    url: ${DATABASE_URL}\n"
        "mail:\n  from: ${MAIL_FROM:shop}\n# x: ${COMMENTED_OUT}\n"
    )
    pom = POM.replace("</dependencies>", "<dependency><artifactId>postgresql</artifactId></dependency></dependencies>")
    files: dict[str, str | bytes] = {
        "pom.xml": pom,
        "src/main/java/A.java": MAIN_JAVA,
        "src/main/resources/application.yml": properties,
        "src/test/resources/application.yml": "a: ${ONLY_IN_TESTS}",
    }
    (service,) = found(tmp_path, files).services
    assert service.port is not None
    assert service.port.value == 9090
    assert {name: value.value for name, value in service.env.items()} == {
        "DATABASE_URL": "jdbc:postgresql://${db.host}:${db.port}/${db.name}",
        "MAIL_FROM": "shop",
    }
    assert service.unset == {}


# frameworks


def manifest_of(libraries: list[str], scripts: dict[str, str], tools: list[str] | None = None) -> str:
    return json.dumps(
        {
            "name": "shop",
            "scripts": scripts,
            "dependencies": dict.fromkeys(libraries, "1"),
            "devDependencies": dict.fromkeys(tools or [], "1"),
        },
        indent=1,
    )


@pytest.mark.parametrize(
    ("files", "facts"),
    [
        (
            {
                "package.json": manifest_of(
                    ["next"], {"build": "next build", "start": "next start", "dev": "next dev"}
                ),
                "next.config.mjs": "export default { output: 'standalone' }",
                "app/api/health/route.ts": "export const GET = () => Response.json({})",
            },
            ("node", "node server.js", ".next/standalone", 3000, "/api/health"),
        ),
        (
            {"package.json": manifest_of(["next"], {"build": "next build", "start": "next start"})},
            ("node", "npm run start", ".", 3000, None),
        ),
        (
            {
                "package.json": manifest_of(
                    ["@nestjs/core"], {"build": "nest build", "start": "nest start", "start:prod": "node dist/main"}
                ),
                "src/health.controller.ts": "@Controller('health')\nexport class H {\n  @Get()\n  ok() {}\n}",
                "src/main.ts": "await app.listen(3333);",
            },
            ("node", "node dist/main", "dist", 3333, "/health"),
        ),
        (
            {"package.json": manifest_of(["astro"], {"build": "astro build", "start": "astro dev"})},
            ("static", None, "dist", None, None),
        ),
        (
            {"package.json": manifest_of(["react", "react-scripts"], {"build": "x", "start": "react-scripts start"})},
            ("static", None, "build", None, None),
        ),
        (
            {
                "package.json": manifest_of(["fastify"], {}),
                "server.js": "f.get('/livez', ok); f.listen({ port: 3003 })",
            },
            ("node", "node server.js", ".", 3003, "/livez"),
        ),
        (
            {
                "package.json": manifest_of(["express"], {"start": "node index.js"}),
                "Dockerfile": "FROM node:24\nEXPOSE 3004\nHEALTHCHECK CMD wget http://localhost:3004/alive || exit 1\n",
            },
            ("node", "node index.js", ".", 3004, "/alive"),
        ),
    ],
    ids=["next-standalone", "next", "nest", "astro", "react-scripts", "fastify", "express-with-dockerfile"],
)
def test_framework_of_node(
    files: dict[str, str | bytes], facts: tuple[str, str | None, str | None, int | None, str | None], tmp_path: Path
) -> None:
    detection = found(tmp_path, files)
    (service,) = detection.services
    seen = [
        entry.value if entry else None
        for entry in (service.runtime, service.start, service.output, service.port, service.live)
    ]
    assert tuple(seen) == facts
    assert serious(spec_text(detection, {**ANSWERS, "app": "shop"}), tmp_path) == []


@pytest.mark.parametrize(
    ("lock", "manager"),
    [("package-lock.json", "npm"), ("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"), ("bun.lock", "bun")],
)
def test_package_manager_of_a_lockfile(lock: str, manager: str, tmp_path: Path) -> None:
    detection = found(tmp_path, {"package.json": NODE, lock: ""})
    (service,) = detection.services
    assert service.package_manager is not None
    assert (service.package_manager.value, service.package_manager.where) == (manager, lock)
    assert not any("no lockfile" in note for note in detection.notes)


def test_missing_lockfile_is_a_note(tmp_path: Path) -> None:
    detection = found(tmp_path, {"package.json": NODE})
    assert detection.services[0].package_manager is None
    assert any(note.startswith("package.json has no lockfile beside it") for note in detection.notes)


@pytest.mark.parametrize(
    ("manifest", "kinds"),
    [
        (manifest_of(["express", "pg", "ioredis"], {"start": "node x.js"}), ["postgres", "valkey"]),
        (manifest_of(["express", "mongoose"], {"start": "node x.js"}), ["mongodb"]),
        (manifest_of(["express", "@aws-sdk/client-s3"], {"start": "node x.js"}), ["bucket"]),
        (manifest_of(["express"], {"start": "node x.js"}, ["pg", "ioredis"]), []),
        (manifest_of(["express", "pg", "mysql2"], {"start": "node x.js"}), []),
        (manifest_of(["express", "pg-format-like"], {"start": "node x.js"}), []),
    ],
)
def test_backing_service_of_a_library(manifest: str, kinds: list[str], tmp_path: Path) -> None:
    detection = found(tmp_path, {"package.json": manifest})
    assert [resource.type.value for resource in detection.resources] == kinds


def test_two_databases_are_said_and_none_is_chosen(tmp_path: Path) -> None:
    manifest = manifest_of(["express", "pg", "mysql2"], {"start": "node x.js"})
    (service,) = found(tmp_path, {"package.json": manifest}).services
    assert any("mysql" in remark and "postgres" in remark for remark in service.remarks)


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("prisma/schema.prisma", 'datasource db {\n  provider = "postgresql"\n}\n', "postgres"),
        ("prisma/schema.prisma", 'generator client {\n  provider = "prisma-client-js"\n}\n', None),
        ("prisma/schema.prisma", 'datasource db {\n  provider = "sqlite"\n}\n', None),
        (".env.example", "DB_CONNECTION=mysql\n", "mysql"),
        (".env.example", "# DB_CONNECTION=mysql\n", None),
        ("config/database.yml", "production:\n  adapter: mysql2\n", "mysql"),
        ("config/database.yml", "production:\n  # adapter: mysql2\n", None),
    ],
)
def test_database_that_is_declared(path: str, text: str, kind: str | None, tmp_path: Path) -> None:
    detection = found(tmp_path, {"package.json": NODE, path: text})
    assert [resource.type.value for resource in detection.resources] == ([kind] if kind else [])


def test_declared_database_is_chosen_of_two(tmp_path: Path) -> None:
    manifest = manifest_of(["express", "pg", "mysql2"], {"start": "node x.js"})
    files: dict[str, str | bytes] = {
        "package.json": manifest,
        "prisma/schema.prisma": 'datasource db {\n  provider = "mysql"\n}\n',
    }
    detection = found(tmp_path, files)
    assert [resource.type.value for resource in detection.resources] == ["mysql"]
    assert not any(remark.startswith("uses:") for remark in detection.services[0].remarks)


@pytest.mark.parametrize(
    ("scripts", "names"),
    [
        ({"start": "node web.js", "worker": "node worker.js"}, ["web", "worker"]),
        ({"start": "node web.js", "start:worker": "bullmq-run jobs"}, ["web", "worker"]),
        ({"start": "node web.js", "worker": "nodemon worker.js"}, ["shop"]),
        ({"start": "node web.js", "worker:test": "node worker.js"}, ["shop"]),
    ],
)
def test_worker_of_a_script(scripts: dict[str, str], names: list[str], tmp_path: Path) -> None:
    detection = found(tmp_path, {"package.json": manifest_of(["express"], scripts)})
    assert [service.name.value for service in detection.services][1:] == names[1:]


@pytest.mark.parametrize(("command", "said"), [("celery -A shop beat", True), ("celery -A shop worker", False)])
def test_clock_runs_once(command: str, said: bool, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {**FLASK, "Procfile": f"web: gunicorn shop.web:app\nother: {command}\n"}
    other = found(tmp_path, files).services[1]
    assert any(remark.startswith("scale:") for remark in other.remarks) is said


@pytest.mark.parametrize("name", NAMES)
def test_no_value_of_a_secret_is_in_a_sample(name: str) -> None:
    text = sample(name)
    for word in ("not-for-copying", "never_copied", "still-a-secret", "insecure_key", "postgres:postgres"):
        assert word not in text


# the text


@pytest.mark.parametrize(
    "name", ["app", "Secret", "cloud", "environment", "9lives", "a b", "x" * 60, "Über", "no", "null"]
)
def test_name_of_a_service_is_one_that_a_spec_takes(name: str, tmp_path: Path) -> None:
    text = json.dumps({"services": {name: {"build": "."}, f"{name}!": {"build": "."}}})
    detection = composed(tmp_path, text)
    assert len({service.name.value for service in detection.services}) == 2
    assert serious(spec_text(detection, {**ANSWERS, "app": "shop"}), tmp_path) == []


@pytest.mark.parametrize(
    "value", ["yes", "1", "null", "a: b", "# x", "[1]", "${X}", "$$", "'", '"', "- a", "*a", "%", "0x1f"]
)
def test_value_is_quoted_where_it_must_be(value: str, tmp_path: Path) -> None:
    text = text_of(written(tmp_path, {"package.json": NODE, ".env.example": f"PLAIN_ONE={value}\n"}))
    assert serious(text, tmp_path) == []


def test_answers_stand_in_the_text(tmp_path: Path) -> None:
    written(tmp_path, {"package.json": NODE})
    text = text_of(tmp_path, cloud="aws", region="eu-west-1", forge="gitlab", repository="acme/shop")
    assert text.startswith("# yaml-language-server: $schema=./groundplan.schema.json\n")
    assert "cloud: {provider: aws, region: eu-west-1}" in text
    assert "delivery:\n  ci: [gitlab]\n  repository: acme/shop\n" in text
    assert serious(text, tmp_path) == []


def test_files_in_the_place_of_ours_are_said(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "package.json": NODE,
        "Dockerfile": "FROM node:24\n",
        "compose.yaml": "services: {}\n",
    }
    notes = found(tmp_path, files).notes
    assert any(note.startswith("Dockerfile, compose.yaml: ours would stand there") for note in notes)


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
        ("WHERE", "postgresql://a:b@store/x", "${store.url}"),
        (
            "DATABASE_URL",
            "postgresql+asyncpg://a:b@store/x",
            "postgresql+asyncpg://${store.username}:${store.password}@${store.host}:${store.port}/${store.name}",
        ),
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
    (b'"' + b'\\"' * 4_000 + b"\n") * 40,
    (b"=/[" * 3_000 + b"\n") * 40,
    (b"a" + b" " * 9_000 + b"x\n") * 40,
    (b"a=" + b" " * 9_000 + b"x\n") * 40,
    b"server:\n" + b"  a: b\n" * 5_000,
    b"`" + b"\\`" * 4_000,
    b'{"scripts": {"start": 4}, "dependencies": [], "engines": "x", "name": {}}',
    b"[project]\ndependencies = 4\nname = [1]\n[tool.poetry]\ndependencies = 1\n",
    b"services:\n  web: 4\n  api: {build: [1], ports: {a: b}, environment: 3, depends_on: 4, command: {a: b}}\n",
    b"services:\n  ../x: {build: ../../etc}\n  '': {build: .}\n  '#': {image: 4}\n",
]
MANIFESTS = [
    *("package.json", "pyproject.toml", "requirements.txt", "compose.yaml", "Dockerfile", "Procfile", ".nvmrc"),
    *(".env.example", "server.js", "app.py", "go.mod", "main.go", "pom.xml", "build.gradle", "A.csproj", "Program.cs"),
    *("Cargo.toml", "Gemfile", "config.ru", "composer.json", "index.html"),
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


# what owners of real trees met


def test_go_port_that_is_assigned_is_whole(tmp_path: Path) -> None:
    main = 'package main\n\nfunc main() {\n\tport := "9090"\n\thttp.ListenAndServe(":"+port, nil)\n}\n'
    (service,) = found(tmp_path, {"go.mod": "module a.b/c\n\ngo 1.25\n", "main.go": main}).services
    assert service.port is not None
    assert (service.port.value, service.port.where) == (9090, "main.go:4")


def test_go_program_that_migrates_is_no_service(tmp_path: Path) -> None:
    serves = 'package main\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n'
    files: dict[str, str | bytes] = {
        "go.mod": "module a.b/c\n\ngo 1.25\n",
        "cmd/server/main.go": serves,
        "cmd/migrate/main.go": "package main\n\nfunc main() {}\n",
    }
    made = found(tmp_path, files)
    assert [service.name.value for service in made.services] == ["server"]
    assert "migrate (cmd/migrate) runs to its end, so it is no service" in made.notes


def test_extras_of_a_library_bring_what_they_bring(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "pyproject.toml": '[project]\nname = "a"\ndependencies = [\n  "fastapi[standard]",\n  "celery[redis]",\n]\n',
        "uv.lock": "version = 1\n",
        "main.py": 'from fastapi import FastAPI\napp = FastAPI()\n\n@app.get("/livez")\ndef live(): ...\n',
    }
    made = found(tmp_path, files)
    (service,) = made.services
    assert service.start is not None
    assert service.start.value == "uvicorn main:app --host 0.0.0.0 --port 8000"
    assert service.live is not None
    assert [(one.type.value, one.type.where) for one in made.resources] == [("valkey", "pyproject.toml:5")]


def test_fields_of_settings_are_variables(tmp_path: Path) -> None:
    settings = (
        "class Settings(BaseSettings):\n"
        '    """Of the service."""\n\n'
        "    database_url: PostgresDsn\n"
        "    page_size: int = 50\n"
        "    api_token: str\n"
        '    model_config = SettingsConfigDict(env_prefix="inv_")\n\n'
        "    def dsn(self) -> str:\n"
        '        local: str = "x"\n'
        "        return local\n\n\n"
        "class Other(BaseModel):\n"
        "    size: int = 3\n"
    )
    files: dict[str, str | bytes] = {"requirements.txt": "asyncpg\nuvicorn\nfastapi\n", "settings.py": settings}
    files["main.py"] = "app = FastAPI()\n"
    (service,) = found(tmp_path, files).services
    assert {name: (one.value, one.where) for name, one in service.env.items()} == {
        "INV_DATABASE_URL": ("${db.url}", "settings.py:4"),
        "INV_PAGE_SIZE": ("50", "settings.py:5"),
        "INV_API_TOKEN": ("${secret.inv-api-token}", "settings.py:6"),
    }


def test_address_of_a_type_means_the_one_store_of_it(tmp_path: Path) -> None:
    settings = (
        'DATABASES = {"default": dj_database_url.config(default="sqlite:///db.sqlite3")}\n'
        'CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "redis://localhost:6379/0")\n'
        'OTHER_URL = os.environ.get("OTHER_URL", "redis://redis.example.com/0")\n'
    )
    files: dict[str, str | bytes] = {
        "requirements.txt": "gunicorn\npsycopg\nredis\n",
        "settings.py": settings,
        "Procfile": "web: gunicorn a.wsgi\n",
    }
    (service,) = found(tmp_path, files).services
    assert {name: one.value for name, one in service.env.items()} == {
        "DATABASE_URL": "${db.url}",
        "CELERY_BROKER_URL": "${cache.url}",
    }
    assert set(service.unset) == {"OTHER_URL"}  # somebody else's
    assert service.env["DATABASE_URL"].where == "settings.py:1"


def test_what_is_done_already_is_not_proposed(tmp_path: Path) -> None:
    listed = "web: gunicorn a.wsgi\nworker: celery -A a worker\nrelease: python manage.py migrate\n"
    files: dict[str, str | bytes] = {"requirements.txt": "gunicorn\n", "manage.py": "", "Procfile": listed}
    made = found(tmp_path, files)
    assert [service.migrate is not None for service in made.services] == [True, False]
    assert not [text for service in made.services for text in service.remarks if text.startswith("migrate:")]


def test_member_of_a_workspace_is_installed_as_the_workspace_is(tmp_path: Path) -> None:
    scripts = '"scripts": {"build": "nest build", "start": "node dist/main"}'
    package = f'{{"name": "api", {scripts}, "dependencies": {{"@nestjs/core": "11", "amqplib": "1"}}}}'
    main = "const app = await NestFactory.create(M);\napp.setGlobalPrefix('api');\nawait app.listen(3000);\n"
    files: dict[str, str | bytes] = {
        "package.json": '{"private": true}',
        "pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
        "apps/api/package.json": package,
        "apps/api/src/main.ts": main,
        "apps/api/src/health.ts": "@Controller('health')\nclass H {\n  @Get('live') live() {}\n}\n",
    }
    (service,) = found(tmp_path, files).services
    assert service.package_manager is not None
    assert (service.package_manager.value, service.package_manager.where) == ("pnpm", "pnpm-lock.yaml")
    assert service.command is not None
    assert service.command.value == "pnpm run build"
    assert service.live is not None
    assert service.live.value == "/api/health/live"
    assert any("amqplib (apps/api/package.json:1) speaks with RabbitMQ" in text for text in service.remarks)
    files["apps/api/src/main.ts"] = main.replace("'api')", "'api', { exclude: ['health'] })")
    (service,) = found(tmp_path, files).services
    assert service.live is not None
    assert service.live.value == "/health/live"


def test_features_of_a_crate_choose_the_database(tmp_path: Path) -> None:
    server = '[package]\nname = "server"\n[dependencies]\naxum = "0.8"\nsqlx = { workspace = true }\n'
    files: dict[str, str | bytes] = {
        "Cargo.toml": '[workspace]\nmembers = ["server"]\n[workspace.package]\nrust-version = "1.82"\n'
        '[workspace.dependencies]\nsqlx = { version = "0.8", features = ["mysql", "runtime-tokio"] }\n',
        "Cargo.lock": "",
        "server/Cargo.toml": server,
        "server/src/main.rs": 'fn main() { axum::serve(a, b); std::env::var("DATABASE_URL"); }\n',
    }
    made = found(tmp_path, files)
    assert [(one.type.value, one.type.where) for one in made.resources] == [("mysql", "Cargo.toml:6")]
    (service,) = made.services
    assert service.version is not None
    assert service.version.where == "Cargo.toml:4"
    files["Cargo.toml"] = '[workspace]\nmembers = ["server"]\n'
    files["server/Cargo.toml"] = server.replace("workspace = true", 'version = "0.8", features = ["sqlite"]')
    assert found(tmp_path, files).resources == ()


def test_pipfile_names_libraries_and_version(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "Pipfile": '[packages]\nflask = "*"\ngunicorn = "*"\n[requires]\npython_version = "3.13"\n',
        "app.py": "app = Flask(__name__)\n",
    }
    (service,) = found(tmp_path, files).services
    assert service.start is not None
    assert service.start.value == "gunicorn app:app --bind 0.0.0.0:8000"
    assert service.version is not None
    assert (service.version.value, service.version.where) == ("3.13", "Pipfile:5")
