"""Python: pyproject.toml, requirements.txt, manage.py, and the applications that the source makes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from generator.detect import lines, manifest, node, source
from generator.detect.found import Found, Process, Unit
from generator.detect.tree import Tree, parent

_MANIFESTS = ("pyproject.toml", "requirements.txt", "pipfile", "setup.py", "manage.py")
_ASGI = ("fastapi", "starlette", "litestar", "quart", "sanic", "blacksheep")
_WSGI = ("flask", "bottle", "falcon", "pyramid")
_MADE = re.compile(
    r"^(?P<variable>[a-z]\w*)\s*(?::\s*[\w.]+\s*)?=\s*(?:\w+\.)?(?P<kind>FastAPI|Starlette|Litestar|Quart|Sanic|Flask|Celery)\(",
    re.MULTILINE,
)
_GUARD = re.compile(r"^if\s+__name__\s*==\s*[\"']", re.MULTILINE)
_SERVES = re.compile(r"\b(?:serve_forever|run_app|uvicorn\.run|\.run\(|serve\()")
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:[<>=!~;@(,].*)?$")
_EXTRAS = {
    ("fastapi", "standard"): ("fastapi-cli", "uvicorn"),
    ("fastapi", "all"): ("fastapi-cli", "uvicorn"),
    ("celery", "redis"): ("redis",),
    ("kombu", "redis"): ("redis",),
}
"""What an extra of a library brings: https://fastapi.tiangolo.com/#dependencies and Celery's bundles."""
PORTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"""["']PORT["']\s*,\s*(?:default\s*=\s*)?["']?(\d{2,5})\b""",
        r"""\b(?:run|run_app|serve|uvicorn\.run)\([^)\n]*\bport\s*=\s*(\d{2,5})\b""",
        r"""\b(?:HTTPServer|ThreadingHTTPServer|make_server|TCPServer)\(\s*\(?["'][^"'\n]*["']\s*,\s*(\d{2,5})\b""",
        r"""^\s*(?:PORT|port)\s*(?::\s*int\s*)?=\s*(\d{2,5})\b""",
    )
)
_ENTRIES = ("main.py", "app.py", "server.py", "run.py", "src/main.py", "app/main.py", "wsgi.py", "worker.py")


def units(tree: Tree) -> Iterator[Unit]:
    folders = dict.fromkeys(parent(path) for path in tree.named(*_MANIFESTS))
    inner = [
        folder for folder in folders if tree.first(folder, "pyproject.toml", "requirements.txt", "Pipfile", "setup.py")
    ]
    for folder in folders:
        below = folder in inner or not any(above == "." or folder.startswith(f"{above}/") for above in inner)
        if below:  # manage.py below a folder with a manifest is that one's
            yield _unit(tree, folder, inner)


def _unit(tree: Tree, folder: str, folders: Sequence[str]) -> Unit:
    path = tree.first(folder, "pyproject.toml")
    project = manifest.toml(tree, path) if path else None
    manager, notes = _manager(tree, folder, project)
    libraries = _libraries(tree, folder, project)
    found = source.sources(tree, folder, "python", folders)
    name = project and (project.word("project", "name") or project.word("tool", "poetry", "name"))
    version, remark = _version(tree, folder, project)
    made = _applications(found, folder)
    port = source.port(found, PORTS)
    web, remarks = _web(tree, folder, libraries, made, found, project, port)
    processes = [web] if web else []
    worker = _celery(made, libraries)
    if worker:
        processes.append(worker)
    packaged = project is not None and project.at("build-system") is not None and manager is not None
    whole = not packaged or manager is None or manager.value == "pip"
    return Unit(
        folder=folder,
        runtime=Found("python", _marker(tree, folder)),
        runs=bool(processes),
        name=name or None,
        version=version,
        package_manager=manager,
        output=Found(".", "", assumed="the source is not a package that is installed, so it is copied")
        if whole
        else None,
        port=port or _usual_port(libraries, web),
        processes=tuple(processes) or (Process(),),
        libraries=libraries,
        remarks=(*([remark] if remark else []), *remarks),
        notes=tuple(notes),
    )


def _marker(tree: Tree, folder: str) -> str:
    names = ("pyproject.toml", "requirements.txt", "Pipfile", "setup.py", "manage.py")
    return tree.first(folder, *names) or folder


def _manager(tree: Tree, folder: str, project: manifest.Toml | None) -> tuple[Found[str] | None, list[str]]:
    for lock, name in (("uv.lock", "uv"), ("poetry.lock", "poetry")):
        path = tree.first(folder, lock)
        if path:
            return Found(name, path), []
    requirements = tree.first(folder, "requirements.txt")
    if project is not None and project.at("tool", "poetry") is not None and not requirements:
        note = f"{project.file.path} is of poetry and has no poetry.lock beside it; poetry lock makes it"
        return Found("poetry", project.where("tool", "poetry"), seen="poetry"), [note]
    if requirements:
        notes = []
        if "--hash=" not in tree.text(requirements).text:
            notes.append(
                f"{requirements} has no hashes, and an image is built from what is pinned; "
                "uv pip compile --generate-hashes makes them"
            )
        return Found("pip", requirements), notes
    pipfile = tree.first(folder, "Pipfile")
    if pipfile:
        return None, [f"{pipfile}: pipenv is not a package manager known here; uv, pip and poetry are"]
    if project is not None:
        return None, [
            f"{project.file.path} has no lockfile beside it; uv lock makes one, and the image is built from it"
        ]
    return None, []


def _libraries(tree: Tree, folder: str, project: manifest.Toml | None) -> dict[str, Found[str]]:
    made: dict[str, Found[str]] = {}
    if project is not None:
        listed = project.at("project", "dependencies")
        for text in listed if isinstance(listed, list) else []:
            _add(made, text, lambda text: project.containing(text, "dependencies"))
        table = project.at("tool", "poetry", "dependencies")
        for name in table if isinstance(table, dict) else {}:
            if name != "python":
                made[_canonical(name)] = Found(
                    _canonical(name), project.where("tool", "poetry", "dependencies", name), seen=name
                )
    made |= _of_pipenv(tree, folder)
    for name in ("requirements.txt", "requirements/base.txt", "requirements/production.txt", "requirements/prod.txt"):
        path = tree.first(folder, name)
        if path is None:
            continue
        for number, line in tree.text(path).lines():
            if not line.lstrip().startswith(("-", "#")):
                where = f"{path}:{number}"
                _add(made, re.split(r" #| --|\\", " ".join(line.split()))[0], lambda _, where=where: where)
    return made


def _of_pipenv(tree: Tree, folder: str) -> dict[str, Found[str]]:
    path = tree.first(folder, "Pipfile")
    listed = manifest.toml(tree, path) if path else None
    packages = listed.at("packages") if listed is not None else None
    if listed is None or not isinstance(packages, dict):
        return {}
    names = ((_canonical(name), listed.where("packages", name), name) for name in packages)
    return {plain: Found(plain, where, seen=name) for plain, where, name in names}


def _add(made: dict[str, Found[str]], text: object, where: object) -> None:
    match = _NAME.fullmatch(" ".join(text.split())) if isinstance(text, str) else None
    if match and callable(where):
        name = _canonical(match[1])
        made.setdefault(name, Found(name, where(text), seen="" if name in str(text) else match[1]))
        for extra in re.findall(r"[\w-]+", (re.search(r"\[([^\]]*)\]", str(text)) or ("", ""))[1]):
            for brought in _EXTRAS.get((name, extra.lower()), ()):
                made.setdefault(brought, Found(brought, where(text), seen=match[1]))


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


_Made = tuple[str, str, str, str]
"""Module, variable, class and place of an application."""


def _applications(found: Sequence[source.Source], folder: str) -> list[_Made]:
    made = []
    for file in found:
        for match in file.matches(_MADE):
            made.append((_module(file.file.path, folder), match["variable"], match["kind"], file.where(match)))
    return made


def _module(path: str, folder: str) -> str:
    inner = path if folder == "." else path[len(folder) + 1 :]
    inner = inner.removesuffix(".py").removesuffix("/__init__")
    return inner.removeprefix("src/").replace("/", ".")


def _web(
    tree: Tree,
    folder: str,
    libraries: Mapping[str, Found[str]],
    made: Sequence[_Made],
    found: Sequence[source.Source],
    project: manifest.Toml | None,
    port: Found[int] | None,
) -> tuple[Process | None, list[str]]:
    """What answers requests, or the one program of the folder."""
    number = port.value if port else 8000
    remarks = []
    manage = tree.first(folder, "manage.py") or next((path for path in tree.below(folder, "/manage.py")), None)
    if manage is not None:
        remarks.append("migrate: python manage.py migrate would fit; it is not written, since it changes data")
    wanted = [entry for entry in made if entry[2] != "Celery"]
    server = _server(libraries, wanted, tree, folder, manage, number)
    if server is not None:
        return Process(start=server), remarks
    for name in _ENTRIES:
        path = tree.first(folder, name)
        file = next((entry for entry in found if entry.file.path == path), None)
        guard = next(file.matches(_GUARD), None) if file is not None else None
        if file is not None and guard is not None:
            start = Found(f"python {name}", file.where(guard), seen="__name__")
            return Process(start=start, listens=any(True for _ in file.matches(_SERVES)) or port is not None), remarks
    scripts = project.at("project", "scripts") if project is not None else None
    if isinstance(scripts, dict) and len(scripts) == 1 and project is not None and project.at("build-system"):
        name = next(iter(scripts))
        return Process(start=Found(name, project.where("project", "scripts", name)), listens=port is not None), remarks
    if wanted:
        what = f"{wanted[0][2]} is made in {wanted[0][3]}, and no server for it is among the dependencies"
        return Process(start=None, listens=True), [*remarks, f"start: {what}"]
    return None, remarks


def _server(
    libraries: Mapping[str, Found[str]], made: Sequence[_Made], tree: Tree, folder: str, manage: str | None, port: int
) -> Found[str] | None:
    """An application server that is a dependency, and what it serves."""
    if made:
        module, variable, kind, where = made[0]
        target = f"{module}:{variable}"
        asgi = kind not in {"Flask"}
        if asgi and "uvicorn" in libraries:
            return _concluded(f"uvicorn {target} --host 0.0.0.0 --port {port}", libraries["uvicorn"], where)
        if asgi and "fastapi" in libraries and "fastapi-cli" in libraries:
            return _concluded(f"fastapi run --port {port}", libraries["fastapi-cli"], where)
        if asgi and "hypercorn" in libraries:
            return _concluded(f"hypercorn {target} --bind 0.0.0.0:{port}", libraries["hypercorn"], where)
        if not asgi and "gunicorn" in libraries:
            return _concluded(f"gunicorn {target} --bind 0.0.0.0:{port}", libraries["gunicorn"], where)
        if not asgi and "waitress" in libraries:
            return _concluded(f"waitress-serve --port={port} {target}", libraries["waitress"], where)
    if manage is None:
        return None
    place = parent(manage)
    for name, server in (
        ("asgi.py", "uvicorn"),
        ("wsgi.py", "gunicorn"),
        ("asgi.py", "daphne"),
        ("wsgi.py", "waitress"),
    ):
        path = next((path for path in tree.below(place, f"/{name}", name) if path.endswith(f"/{name}")), None)
        if path is None or server not in libraries or (server == "uvicorn" and "gunicorn" in libraries):
            continue
        target = f"{_module(path, place)}:application"
        begin = "" if place == folder else f"--chdir {place if folder == '.' else place[len(folder) + 1 :]} "
        if begin and server != "gunicorn":
            continue
        command = {
            "uvicorn": f"uvicorn {target} --host 0.0.0.0 --port {port}",
            "gunicorn": f"gunicorn {begin}{target} --bind 0.0.0.0:{port}",
            "daphne": f"daphne --bind 0.0.0.0 --port {port} {target}",
            "waitress": f"waitress-serve --port={port} {target}",
        }[server]
        return _concluded(command, libraries[server], path)
    return None


def _concluded(command: str, server: Found[str], where: str) -> Found[str]:
    return Found(
        command, "", assumed=f"{server.value} is a dependency ({server.where}), and {where} makes what it serves"
    )


def _usual_port(libraries: Mapping[str, Found[str]], web: Process | None) -> Found[int] | None:
    if web is None or not web.listens:
        return None
    if web.start is not None and re.search(r"\b8000\b", web.start.value):
        return Found(8000, "", assumed="nothing says where it listens; its server is told this port")
    if "flask" in libraries:
        return Found(5000, "", assumed="where Flask listens unless told otherwise")
    return None


def _celery(made: Sequence[_Made], libraries: Mapping[str, Found[str]]) -> Process | None:
    """A worker, where the source makes a Celery application."""
    for module, variable, kind, where in made:
        if kind == "Celery" and "celery" in libraries:
            start = Found(f"celery --app {module}:{variable} worker", "", assumed=f"{where} makes a Celery application")
            return Process(name=Found("worker", "", assumed="what takes tasks of Celery"), start=start, listens=False)
    return None


def _version(tree: Tree, folder: str, project: manifest.Toml | None) -> tuple[Found[str] | None, str]:
    for place in dict.fromkeys((folder, ".")):
        path = tree.first(place, ".python-version")
        if path is not None and (text := tree.text(path).text.strip()):
            return lines.line("python", text.split("\n")[0], f"{path}:1")
        for text, where in node.tool_versions(tree, place, "python"):
            return lines.line("python", text, where)
        path = tree.first(place, "runtime.txt")
        if path is not None and (match := re.match(r"python-(\S+)", tree.text(path).text)):
            return lines.line("python", match[1], f"{path}:1")
    pipfile = tree.first(folder, "Pipfile")
    asked = manifest.toml(tree, pipfile).word("requires", "python_version") if pipfile else None
    if asked is not None:
        return lines.line("python", asked.value, asked.where)
    if project is not None:
        for keys in (("project", "requires-python"), ("tool", "poetry", "dependencies", "python")):
            said = project.word(*keys)
            if said is not None:
                return lines.line("python", said.value, said.where)
    return None, ""
