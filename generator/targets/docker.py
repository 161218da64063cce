"""Dockerfiles, ignore files and a bake file: how each built service becomes an image.

A service's context holds `Dockerfile` and `.dockerignore`, or, where several services share a context,
`Dockerfile.<service>` and `Dockerfile.<service>.dockerignore`. Versions, digests and pins are dated
data (`schemas/data/runtimes.json`); nothing here or in a template states one.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from generator import data
from generator.artifact import Artifact, because
from generator.errors import Fault
from generator.model import Product, Runtime, Service, Spec

UID = 10001
"""User and group of every image; pods and compose name the same."""

DATA = "schemas/data/runtimes.json"

MANAGERS: Mapping[str, tuple[str, ...]] = {
    "node": ("npm", "pnpm", "yarn", "bun"),
    "static": ("npm", "pnpm", "yarn", "bun"),
    "python": ("uv", "pip", "poetry"),
    "java": ("maven", "gradle"),
}
"""Package managers by runtime; the first is the default."""


def plan(product: Product) -> Iterator[Artifact]:
    """The files of every built service, and one bake file for all of them."""
    spec = product.base
    built = [service for service in spec.services.values() if service.built and service.runtime is not None]
    crowded = Counter(_context(service) for service in built)
    places = [_place(service, shared=crowded[_context(service)] > 1) for service in built]
    for place in places:
        yield from _service(spec, place)
    if places:
        yield _bake(spec, places)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of a service lie; paths are relative to the project."""

    service: Service
    context: str
    dockerfile: str

    @property
    def ignore(self) -> str:
        """BuildKit prefers `<dockerfile>.dockerignore` to the context's own."""
        name = PurePosixPath(self.dockerfile).name
        return self.path(".dockerignore" if name == "Dockerfile" else f"{name}.dockerignore")

    @property
    def configuration(self) -> str:
        """The web server's configuration, seen from the context."""
        name = PurePosixPath(self.dockerfile).name
        return "nginx.conf" if name == "Dockerfile" else f"nginx.{self.service.name}.conf"

    def path(self, name: str) -> str:
        return (PurePosixPath(self.context) / name).as_posix()


def _context(service: Service) -> str:
    return PurePosixPath(service.build.context).as_posix()


def _place(service: Service, *, shared: bool) -> Place:
    context = _context(service)
    name = f"Dockerfile.{service.name}" if shared else "Dockerfile"
    return Place(service, context, (PurePosixPath(context) / name).as_posix())


def _service(spec: Spec, place: Place) -> Iterator[Artifact]:
    service = place.service
    runtime = _runtime(service)
    recipe = RECIPES[runtime.name](spec, place, _images(runtime))
    context = {
        "service": service,
        "user": f"{UID}:{UID}",
        "image": recipe.images,
        "label": _labels(spec, service),
        "health": _health(service, recipe.probe),
        **_process(service, recipe),
        "command": recipe.command,
        "output": recipe.output,
        **recipe.extra,
    }
    yield Artifact(place.dockerfile, "docker", f"docker/{recipe.template}.Dockerfile.j2", context, service.path)
    ignored = "node" if runtime.name == "static" else runtime.name
    yield Artifact(
        place.ignore, "docker", f"docker/{ignored}.dockerignore.j2", {"command": recipe.command}, service.path
    )
    if runtime.name == "static":
        probes = because(
            list(dict.fromkeys((service.health.live, service.health.ready, "/healthz"))),
            service.health.at("live"),
            service.health.at("ready"),
        )
        values = {"service": service, "probes": probes}
        yield Artifact(place.path(place.configuration), "docker", "docker/nginx.conf.j2", values, service.path)


def _process(service: Service, recipe: Recipe) -> dict[str, Any]:
    """Entry point and arguments: the spec's `command` is the arguments, and a platform may replace them alone."""
    if service.command:
        entry = because([*recipe.init, *recipe.start.value], *recipe.start.causes)
        return {"entry": entry, "arguments": because(list(service.command), service.at("command"))}
    return {"entry": because(list(recipe.init), service.path), "arguments": recipe.start}


def _bake(spec: Spec, places: list[Place]) -> Artifact:
    targets = [
        {
            "name": because(place.service.name, place.service.path),
            "context": because(place.context, place.service.build.at("context")),
            "dockerfile": because(
                PurePosixPath(place.dockerfile).name, place.service.build.at("context"), place.service.path
            ),
            "image": because(f"{spec.app}-{place.service.name}", place.service.path, "app"),
            # its tag moves, which no tag of an image does
            "cache": because(f"{spec.app}-buildcache:{place.service.name}", place.service.path, "app"),
            "owner": because(spec.owner, "owner"),
        }
        for place in places
    ]
    context = {
        "registry": because(spec.platform.registry.host, spec.platform.registry.at("host")),
        "names": because([place.service.name for place in places], "services"),
        "targets": targets,
    }
    return Artifact("docker-bake.hcl", "docker", "docker/bake.hcl.j2", context, "services")


def _runtime(service: Service) -> Runtime:
    if service.runtime is None:
        raise AssertionError(f"{service.name} is not built")
    return service.runtime


def _images(runtime: Runtime) -> dict[str, dict[str, Any]]:
    """The images of the runtime's line. Raises Fault for a version that the data does not know."""
    known = data.load(DATA)["runtimes"][runtime.name]
    wanted = runtime.version or known["default"]
    for version, line in known["lines"].items():
        if wanted == version or wanted.startswith(f"{version}.") or version.startswith(f"{wanted}."):
            cause = runtime.at("version" if runtime.version else "name")
            return {name: _image(record, cause) for name, record in line["images"].items()}
    raise Fault(
        f"{runtime.name} {wanted} is not among the lines known on {data.load(DATA)['date']}: "
        + ", ".join(known["lines"]),
        f"name one of them in {runtime.at('version')}",
    )


def _tool(name: str, cause: str) -> dict[str, Any]:
    return _image(data.load(DATA)["tools"][name], cause)


def _image(record: Mapping[str, Any], cause: str) -> dict[str, Any]:
    digest = record["digest"]
    return {
        "name": because(record["ref"] + (f"@{digest}" if digest else ""), cause),
        "ref": because(record["ref"], cause),
        "digest": because(digest, cause),
        "base": record.get("base", ""),
    }


def _pin(package: str, base: str) -> str:
    return str(data.load(DATA)["packages"][package][base]["pin"])


def _labels(spec: Spec, service: Service) -> dict[str, Any]:
    repository = spec.tree.get("delivery", "repository")
    source = f"https://github.com/{repository.value}" if repository else "unknown"
    return {
        "title": because(f"{spec.app}-{service.name}", service.path, "app"),
        "description": because(
            spec.description or f"The service {service.name} of {spec.app}.",
            "description" if spec.description else service.path,
        ),
        "source": because(source, "delivery.repository") if repository else source,
        "licenses": "NOASSERTION",
    }


Probe = Callable[[str], tuple[str, ...]]


def _health(service: Service, probe: Probe | None) -> dict[str, Any]:
    """The words that ask the service how it is, or the reason why nothing is asked."""
    health = service.health
    if health.command:
        return {"words": because(list(health.command), health.at("command"))}
    if service.port is None:
        return _silent("it listens on no port; one that ends is started again by the platform", service.path)
    if service.protocol not in {"http", "https"}:
        why = f"{service.protocol} is not asked from inside; Kubernetes and load balancers ask it themselves"
        return _silent(why, service.at("protocol"))
    if probe is None:
        why = "the image holds nothing that could ask; Kubernetes, ECS and load balancers ask from outside"
        return _silent(why, service.path)
    url = f"http://127.0.0.1:{service.port}{health.live}"
    return {"words": because(list(probe(url)), health.at("live"), service.at("port"))}


def _silent(reason: str, cause: str) -> dict[str, Any]:
    return {"words": (), "reason": because(reason, cause)}


def _node_probe(url: str) -> tuple[str, ...]:
    code = f"fetch({_javascript(url)}).then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"
    return ("node", "-e", code)


def _bun_probe(url: str) -> tuple[str, ...]:
    return ("bun", *_node_probe(url)[1:])


def _javascript(text: str) -> str:
    escaped = re.sub(r"[^ -&(-\[\]-~]", lambda match: _unicode_escape(match.group()), text)
    return f"'{escaped}'"


def _unicode_escape(character: str) -> str:
    return "".join(f"\\u{unit:04x}" for unit in memoryview(character.encode("utf-16-le")).cast("H"))


def _python_probe(url: str) -> tuple[str, ...]:
    return ("python", "-c", "import sys,urllib.request as r;r.urlopen(sys.argv[1],timeout=2)", url)


def _ruby_probe(url: str) -> tuple[str, ...]:
    return ("ruby", "-rnet/http", "-e", "exit Net::HTTP.get_response(URI(ARGV[0])).is_a?(Net::HTTPSuccess)", url)


def _php_probe(url: str) -> tuple[str, ...]:
    return ("php", "-r", "exit(@file_get_contents($argv[1])===false?1:0);", url)


def _wget_probe(url: str) -> tuple[str, ...]:
    return ("wget", "-q", "-O", "/dev/null", url)


# the user's shell text

_SHELL = re.compile(r"[|&;<>()$`\\*?\[\]{}~#!\x00-\x1f\x7f]|^\s*\w+=")
_BUILTINS = frozenset({".", ":", "case", "cd", "eval", "exec", "exit", "export", "for", "if", "set", "source", "trap"})


def words(text: str, *, shell: bool = True) -> list[str]:
    """A start command as the words of an exec form.

    What only a shell understands is handed to one, unless the image has none: then the words stand as written.
    """
    if not _SHELL.search(text) or not shell:
        try:
            found = shlex.split(text)
        except ValueError:
            found = []
        if found and (not shell or found[0] not in _BUILTINS):
            return found
    return ["/bin/sh", "-c", text] if shell else [text]


def _command(service: Service, default: str | None = None) -> dict[str, Any] | None:
    """The build command. A here-document would swallow the lines below it, so it goes in exec form."""
    text, cause = service.build.command, service.build.at("command")
    if text is None:
        text, cause = default, service.build.path
    if not text or not text.strip():
        return None
    if "<<" in text:
        return {"words": because(["/bin/sh", "-ec", text], cause)}
    return {"words": (), "text": because(text, cause)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a runtime makes an image: which template, and the values that only it has."""

    template: str
    images: Mapping[str, Any]
    start: Any
    output: Any = ""
    command: Mapping[str, Any] | None = None
    probe: Probe | None = None
    init: tuple[str, ...] = ()
    extra: Mapping[str, Any]


_TINI = ("tini", "-g", "--")
_DUMB_INIT = ("dumb-init", "--")


def _start(service: Service, default: str | list[str], *, shell: bool = True) -> Any:
    if service.build.start:
        return because(words(service.build.start, shell=shell), service.build.at("start"))
    return because(default if isinstance(default, list) else shlex.split(default), service.build.path)


def _output(service: Service, default: str) -> Any:
    """A path below the place of the build, without `./` in front."""
    given = service.build.output
    if given is None:
        return because(default, service.build.path) if default else ""
    path = _relative(given)
    if not _PATH.fullmatch(path) or ".." in PurePosixPath(path).parts:
        raise Fault(
            f"{given!r} is no path that an image can be built from",
            f"write letters, digits and . _ - / in {service.build.at('output')}, and stay below the build context",
        )
    return because(path, service.build.at("output"))


_PATH = re.compile(r"[A-Za-z0-9_@%+=,./-]+", re.ASCII)


def _relative(path: str) -> str:
    return PurePosixPath(path.lstrip("/")).as_posix()


def _manager(runtime: Runtime) -> str:
    known = MANAGERS[runtime.name]
    if runtime.package_manager is None:
        return known[0]
    if runtime.package_manager not in known:
        raise Fault(
            f"{runtime.package_manager} is not a package manager of {runtime.name}",
            f"write one of {', '.join(known)} in {runtime.at('package_manager')}",
        )
    return runtime.package_manager


def _node(_spec: Spec, place: Place, images: dict[str, Any]) -> Recipe:
    service = place.service
    manager = _manager(_runtime(service))
    if manager == "bun":
        images = {"node": _tool("bun", _runtime(service).at("package_manager"))}
        base = "alpine-3.24"  # bun's image names no release; the pin has been the same since 3.19
    else:
        base = images["node"]["base"]
    program = "bun" if manager == "bun" else "node"
    standalone = _relative(service.build.output or ".") == ".next/standalone"
    unsaid = service.build.output is None and service.build.command is None
    script = "server.js" if standalone else f"dist/{'server' if service.listens else service.name}.js"
    return Recipe(
        template="node",
        images={**images, "runtime": images["node"]},
        start=_start(service, f"{program} {script}"),
        output=_output(service, "dist"),
        command=_command(service, f"{manager} run build" if unsaid else None),
        probe=_bun_probe if manager == "bun" else _node_probe,
        init=_DUMB_INIT,
        extra={
            "standalone": because(True, service.build.at("output")) if standalone else False,
            "install": f"docker/install-{manager}.Dockerfile.j2",
            "pins": {"dumb_init": _pin("dumb-init", base), **_node_pins(service)},
        },
    )


def _node_pins(service: Service) -> dict[str, Any]:
    cause = _runtime(service).at("package_manager")
    return {name: because(_pin(name, "npm"), cause) for name in ("pnpm", "yarn")}


def _python(spec: Spec, place: Place, images: dict[str, Any]) -> Recipe:
    service = place.service
    manager = _manager(_runtime(service))
    package = spec.app.replace("-", "_")
    start = service.build.start or ""
    default = package if manager == "pip" else ""
    return Recipe(
        template=f"python-{manager}",
        images={
            **images,
            "runtime": images["python"],
            "uv": _tool("uv", _runtime(service).at("package_manager")),
        },
        start=_start(service, f"python -m {package}.{service.name.replace('-', '_')}"),
        output=_output(service, default),
        command=_command(service),
        probe=_python_probe,
        init=_TINI,
        extra={
            "gunicorn": because("gunicorn" in start, service.build.at("start")),
            "pins": {"init": [_pin("tini", images["python"]["base"])], "poetry": _pin("poetry", "pypi")},
        },
    )


def _go(_spec: Spec, place: Place, images: dict[str, Any]) -> Recipe:
    service = place.service
    return Recipe(
        template="go",
        images=images,
        start=_start(service, f"/app/{service.name}", shell=False),
        output=_output(service, f"bin/{service.name}"),
        command=_command(service),
        extra={},
    )


def _java(_spec: Spec, place: Place, images: dict[str, Any]) -> Recipe:
    service = place.service
    manager = _manager(_runtime(service))
    layered = service.build.start is None
    return Recipe(
        template=f"java-{manager}",
        images=images,
        start=_start(service, "java -jar application.jar", shell=False),
        output=_output(service, ""),
        command=_command(service),
        extra={"layered": because(layered, service.build.path), "manager": manager},
    )


def _dotnet(_spec: Spec, place: Place, images: dict[str, Any]) -> Recipe:
    service = place.service
    given = service.build.output or "."
    project = because(f"{_pascal(service.name)}.csproj", service.build.path)
    if given.endswith("proj"):
        project = _output(service, "")
        service = replace(service, build=replace(service.build, output=None))
    library = PurePosixPath(project.value).stem
    return Recipe(
        template="dotnet",
        images=images,
        start=_start(service, f"dotnet {library}.dll", shell=False),
        output=_output(service, "out"),
        command=_command(service),
        extra={"project": project},
    )


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def _rust(_spec: Spec, place: Place, images: dict[str, Any]) -> Recipe:
    service = place.service
    return Recipe(
        template="rust",
        images={**images, "xx": _tool("xx", _runtime(service).at("name"))},
        start=_start(service, f"/app/{service.name}", shell=False),
        output=_output(service, f"bin/{service.name}"),
        command=_command(service),
        extra={"binary": because(service.name, service.path)},
    )


_RUBY_LIBRARIES = {
    "postgres": ("libpq-dev", "libpq5"),
    "mysql": ("default-libmysqlclient-dev", "libmariadb3"),
}
"""What a client library of a resource needs: to build, and to run."""


def _ruby(spec: Spec, place: Place, images: dict[str, Any]) -> Recipe:
    service = place.service
    used = _used(spec, service)
    libraries = [_RUBY_LIBRARIES[kind] for kind in _RUBY_LIBRARIES if kind in used]
    build = ["build-essential", "git", "libyaml-dev", "pkg-config", *(build for build, _ in libraries)]
    run = [run for _, run in libraries]
    server = f"bundle exec puma --bind tcp://0.0.0.0:{service.port}"
    return Recipe(
        template="ruby",
        images={**images, "runtime": images["ruby"]},
        start=_start(service, server if service.listens else f"bundle exec ruby {service.name}.rb"),
        output=_output(service, "."),
        command=_command(service),
        probe=_ruby_probe,
        init=_TINI,
        extra={
            "pins": {
                "init": because([*run, _pin("tini", images["ruby"]["base"])], service.at("uses"), service.path),
                "build": because(build, service.at("uses"), service.path),
                "libraries": because(bool(run), service.at("uses")),
            }
        },
    )


def _used(spec: Spec, service: Service) -> set[str]:
    return {spec.resources[name].type for name in service.uses if name in spec.resources}


_PHP_EXTENSIONS = {"postgres": "pdo_pgsql", "mysql": "pdo_mysql", "mongodb": "mongodb", "valkey": "redis"}


def _php(spec: Spec, place: Place, images: dict[str, Any]) -> Recipe:
    service = place.service
    used = _used(spec, service)
    extensions = [extension for kind, extension in _PHP_EXTENSIONS.items() if kind in used]
    server = "frankenphp run --config /etc/frankenphp/Caddyfile --adapter caddyfile"
    return Recipe(
        template="php",
        images={**images, "composer": _tool("composer", _runtime(service).at("name"))},
        start=_start(service, server if service.listens else f"php {service.name}.php"),
        output=_output(service, "."),
        command=_command(service),
        probe=_php_probe,
        init=_TINI,
        extra={
            "extensions": because(extensions, service.at("uses")),
            "pins": {"init": [_pin("tini", images["runtime"]["base"])]},
        },
    )


def _static(_spec: Spec, place: Place, images: dict[str, Any]) -> Recipe:
    service = place.service
    runtime = _runtime(service)
    manager = _manager(runtime)
    if manager == "bun":
        images = {**images, "build": _tool("bun", runtime.at("package_manager"))}
    plain = service.build.command is None and service.build.output is not None and runtime.package_manager is None
    return Recipe(
        template="static",
        images=images,
        start=_start(service, ["nginx", "-g", "daemon off;"]),
        output=_output(service, "dist"),
        command=_command(service, None if plain else f"{manager} run build"),
        probe=_wget_probe,
        extra={
            "install": "" if plain else f"docker/install-{manager}.Dockerfile.j2",
            "pins": _node_pins(service),
            "configuration": because(place.configuration, service.path),
        },
    )


RECIPES: dict[str, Callable[[Spec, Place, dict[str, Any]], Recipe]] = {
    "node": _node,
    "python": _python,
    "go": _go,
    "java": _java,
    "dotnet": _dotnet,
    "rust": _rust,
    "ruby": _ruby,
    "php": _php,
    "static": _static,
}
