"""Node.js, and the files that its tools build for a web server: what a package.json and its neighbours say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from generator.detect import lines, manifest, source
from generator.detect.found import Found, Process, Unit
from generator.detect.tree import Tree, join, parent

SERVERS = (
    "next", "@nestjs/core", "express", "fastify", "koa", "@hapi/hapi", "hono", "restify", "polka", "h3", "nuxt",
    "@remix-run/serve", "@remix-run/node", "@astrojs/node", "@sveltejs/adapter-node", "@adonisjs/core",
    "@feathersjs/feathers", "@trpc/server", "socket.io", "ws", "apollo-server", "@apollo/server",
)  # fmt: skip
_BUILDERS: dict[str, str] = {
    "astro": "dist", "gatsby": "public", "react-scripts": "build", "@vue/cli-service": "dist", "vite": "dist",
    "@11ty/eleventy": "_site", "vitepress": ".vitepress/dist", "@docusaurus/core": "build", "parcel": "dist",
    "@angular/cli": "",
}  # fmt: skip
"""Tools that make files for a web server, and where they put them unless told otherwise."""
_LOCKS = (
    ("package-lock.json", "npm"), ("npm-shrinkwrap.json", "npm"), ("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"),
    ("bun.lock", "bun"), ("bun.lockb", "bun"),
)  # fmt: skip
_ENTRIES = ("server.js", "index.js", "app.js", "main.js", "src/server.js", "src/index.js", "src/app.js", "src/main.js",
            "server.mjs", "index.mjs", "src/index.mjs", "src/server.mjs", "bin/www")  # fmt: skip
_DEVELOPING = re.compile(
    r"\b(?:nodemon|ts-node(?:-dev)?|tsx|vite(?! preview)|nest start|ng serve|next dev|webpack(?:-dev-server| serve)|"
    r"concurrently|react-scripts start|astro (?:dev|preview)|node --watch|parcel)\b"
)
_STARTS = ("start:prod", "start:production", "serve:prod", "prod", "start")
PORTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"""(?:["']PORT|\bPORT)\b["'\])]*\s*(?:\|\||\?\?|,)\s*["'`]?(\d{2,5})\b""",
        r"""\.listen\(\s*\{[^}\n]*\bport:\s*(\d{2,5})\b""",
        r"""\.listen\(\s*["']?(\d{2,5})\b""",
        r"""\b(?:const|let|var)\s+(?:port|PORT|httpPort)\s*(?::\s*\w+\s*)?=\s*["']?(\d{2,5})\b""",
        r"""\bport:\s*(\d{2,5})\b""",
    )
)
_USUAL_PORTS = {
    "next": 3000,
    "nuxt": 3000,
    "@nestjs/core": 3000,
    "@remix-run/serve": 3000,
    "@sveltejs/adapter-node": 3000,
}


@dataclass(frozen=True)
class _Package:
    tree: Tree
    folder: str
    json: manifest.Json

    @property
    def path(self) -> str:
        return self.json.file.path

    def libraries(self, *keys: str) -> dict[str, Found[str]]:
        made: dict[str, Found[str]] = {}
        for key in keys or ("dependencies", "optionalDependencies"):
            made |= {name: Found(name, where) for name, (_, where) in self.json.entries(key).items()}
        return made

    def scripts(self) -> dict[str, tuple[str, str]]:
        return {
            name: (text, where)
            for name, (text, where) in self.json.entries("scripts").items()
            if isinstance(text, str) and text.strip() and text.isprintable()
        }


def units(tree: Tree) -> Iterator[Unit]:
    for path in tree.named("package.json"):
        package = _Package(tree, parent(path), manifest.json(tree, path))
        if package.json.value is not None:
            yield _unit(package)


def _unit(package: _Package) -> Unit:
    libraries = package.libraries()
    tools = package.libraries("dependencies", "devDependencies")
    scripts = package.scripts()
    serving = next((name for name in SERVERS if name in libraries), None)
    builder = next((name for name in _BUILDERS if name in tools), None)
    runtime = "static" if builder and serving is None and "build" in scripts and not _started(scripts) else "node"
    manager, notes = _manager(package)
    name = package.json.word("name")
    version, remark = (None, "") if runtime == "static" else _version(package)
    remarks = [remark] if remark else []
    workspace = package.json.at("workspaces")[0] is not None or package.tree.first(
        package.folder, "pnpm-workspace.yaml"
    )
    made = Unit(
        folder=package.folder,
        runtime=Found(runtime, package.path) if runtime == "node" else _static_place(tools, builder or ""),
        runs=True,
        name=Found(name.value.rpartition("/")[2], name.where) if name else None,
        version=version,
        package_manager=manager,
        libraries=libraries,
        notes=tuple(notes),
        remarks=tuple(remarks),
    )
    if runtime == "static":
        return _static(package, made, builder or "", scripts)
    return _server(package, made, serving, scripts, workspace=bool(workspace))


def _static_place(tools: dict[str, Found[str]], builder: str) -> Found[str]:
    return Found("static", tools[builder].where, seen=builder)


def _started(scripts: dict[str, tuple[str, str]]) -> bool:
    """Whether a script starts a server of the package's own."""
    return any(
        name in scripts and not _DEVELOPING.search(scripts[name][0]) and "serve" not in scripts[name][0]
        for name in _STARTS
    )


def _run(manager: str, script: str) -> str:
    return f"{manager} run {script}"


def _static(package: _Package, unit: Unit, builder: str, scripts: dict[str, tuple[str, str]]) -> Unit:
    from dataclasses import replace

    manager = unit.package_manager.value if unit.package_manager else "npm"
    command = Found(_run(manager, "build"), scripts["build"][1], seen="build")
    output = _out_dir(package) or (
        Found(_BUILDERS[builder], "", assumed=f"where {builder} puts what it builds, unless told otherwise")
        if _BUILDERS[builder]
        else None
    )
    remarks = unit.remarks
    if output is None:
        remarks = (*remarks, f"output: dist is taken; {builder} puts its files where angular.json says")
    return replace(unit, command=command, output=output, remarks=remarks)


def _out_dir(package: _Package) -> Found[str] | None:
    names = [f"vite.config.{end}" for end in ("ts", "js", "mjs", "mts")] + [
        f"astro.config.{end}" for end in ("mjs", "ts", "js")
    ]
    path = package.tree.first(package.folder, *names)
    if path is None:
        return None
    file = source.read(package.tree.text(path), "node")
    for match in file.matches(re.compile(r"""\boutDir:\s*["'](?:\./)?([\w./-]{1,60}?)/?["']""")):
        if ".." not in match[1]:
            return Found(match[1], file.where(match, 1))
    return None


def _server(
    package: _Package, unit: Unit, serving: str | None, scripts: dict[str, tuple[str, str]], *, workspace: bool
) -> Unit:
    from dataclasses import replace

    manager = unit.package_manager.value if unit.package_manager else "npm"
    start, remarks = _start(package, manager, scripts, serving)
    standalone = _standalone(package) if serving == "next" else None
    command = Found(_run(manager, "build"), scripts["build"][1], seen="build") if "build" in scripts else None
    if standalone is not None:
        start = Found("node server.js", "", assumed="what a standalone build of Next.js is started with")
    made = standalone or output(package.tree, package.folder, start, command)
    routes = _file_routes(package, serving)
    runs = start is not None and (not workspace or serving is not None)
    port = None
    if serving in _USUAL_PORTS:
        port = Found(_USUAL_PORTS[serving], "", assumed=f"where {serving} listens unless told otherwise")
    return replace(
        unit,
        runs=runs,
        command=command,
        output=made,
        port=port,
        live=routes.get("live"),
        ready=routes.get("ready"),
        processes=(Process(start=start, listens=serving is not None), *_workers(manager, scripts)),
        remarks=(*unit.remarks, *remarks),
    )


_WORKER = re.compile(r"(?:start:)?(workers?|queue|jobs?|consumer|scheduler|cron)(?::start|:prod)?")


def _workers(manager: str, scripts: dict[str, tuple[str, str]]) -> Iterator[Process]:
    """Scripts that start what takes work: named so, and not for development."""
    seen: set[str] = set()
    for name, (text, where) in scripts.items():
        match = _WORKER.fullmatch(name)
        if match is None or match[1] in seen or _DEVELOPING.search(text):
            continue
        seen.add(match[1])
        plain = re.fullmatch(r"node [\w./-]+", text)
        start = Found(text, where) if plain else Found(_run(manager, name), where, seen=name)
        yield Process(name=Found(match[1], where), start=start, listens=False)


def _start(
    package: _Package, manager: str, scripts: dict[str, tuple[str, str]], serving: str | None
) -> tuple[Found[str] | None, list[str]]:
    """The command of production: a script, or the entry that `main` or a usual name tells."""
    remarks: list[str] = []
    for name in _STARTS:
        if name not in scripts:
            continue
        text, where = scripts[name]
        if _DEVELOPING.search(text):
            remarks.append(f"start: {name} in {where} is for development ({text.split()[0]})")
            continue
        if re.fullmatch(r"node [\w./-]+", text):
            return package.tree.found(text, where), remarks
        return Found(_run(manager, name), where, seen=name), remarks
    if serving is None:
        return None, remarks
    main = package.json.word("main")
    if main is not None and re.fullmatch(r"[\w./-]+\.[cm]?js", main.value):
        return package.tree.found(f"node {main.value.removeprefix('./')}", main.where, main.value), remarks
    entry = package.tree.first(package.folder, *_ENTRIES)
    if entry is not None:
        inner = entry if package.folder == "." else entry[len(package.folder) + 1 :]
        return Found(f"node {inner}", entry, assumed=f"{entry} is there, and {serving} is a dependency"), remarks
    return None, remarks


def _standalone(package: _Package) -> Found[str] | None:
    path = package.tree.first(package.folder, *(f"next.config.{end}" for end in ("js", "mjs", "ts", "cjs")))
    if path is None:
        return None
    file = source.read(package.tree.text(path), "node")
    for match in file.matches(re.compile(r"""\boutput:\s*["'](standalone)["']""")):
        return Found(".next/standalone", file.where(match, 1), seen="standalone")
    return None


def output(tree: Tree, folder: str, start: Found[str] | None, command: Found[str] | None) -> Found[str] | None:
    """What the image needs to run: the folder that is built, or the whole source."""
    if start is None:
        return None
    match = re.fullmatch(r"node (?:\./)?([\w.-]+)/[\w./-]+", start.value)
    if command is None:
        return Found(".", "", assumed="nothing is built, so the source itself is what runs")
    if match and not any(True for _ in tree.below(join(folder, match[1]))):
        return Found(match[1], start.where, seen=start.seen or match[1], assumed=start.assumed)
    return Found(".", "", assumed="what runs is not in one folder that is built")


def _file_routes(package: _Package, serving: str | None) -> dict[str, Found[str]]:
    """Routes that a framework takes from the names of files."""
    if serving not in {"next", "@sveltejs/adapter-node"}:
        return {}
    made: dict[str, Found[str]] = {}
    for path in package.tree.below(package.folder, ".ts", ".js", ".tsx"):
        inner = path if package.folder == "." else path[len(package.folder) + 1 :]
        match = re.fullmatch(
            r"(?:src/)?(?:app/((?:api/)?[\w/-]+)/route|pages/(api/[\w/-]+?)(?:/index)?)\.[jt]sx?", inner
        )
        match = match or re.fullmatch(r"src/(routes)/([\w/-]+)/\+server\.[jt]s", inner)
        route = (match[2] or match[1]) if match else ""
        last = route.rpartition("/")[2]
        if last in {"health", "healthz", "live", "livez"}:
            made.setdefault("live", Found(f"/{route}", path))
        elif last in {"ready", "readyz"}:
            made.setdefault("ready", Found(f"/{route}", path))
    return made


def _manager(package: _Package) -> tuple[Found[str] | None, list[str]]:
    """What installs: as the manifest says, else as the lockfile tells."""
    tree, folder = package.tree, package.folder
    locks = [(path, manager) for name, manager in _LOCKS if (path := tree.first(folder, name))]
    said = package.json.word("packageManager")
    name = said.value.partition("@")[0] if said else ""
    if said and name in {manager for _, manager in _LOCKS}:
        notes = [] if any(manager == name for _, manager in locks) else [_unlocked(tree, folder, name)]
        return Found(name, said.where), notes
    if locks:
        return Found(locks[0][1], locks[0][0]), []
    above = _lock_above(tree, folder)
    manager = Found(dict(_LOCKS)[above.rpartition("/")[2]], above) if above else None
    return manager, [_unlocked(tree, folder, "npm")]


def _lock_above(tree: Tree, folder: str) -> str:
    """The lockfile of the workspace that a package is part of."""
    while folder != ".":
        folder = parent(folder)
        lock = tree.first(folder, *(name for name, _ in _LOCKS))
        if lock is not None:
            return lock
    return ""


def _unlocked(tree: Tree, folder: str, manager: str) -> str:
    path, lock = join(folder, "package.json"), _lock_above(tree, folder)
    if lock:
        return f"{path} has its lockfile in {lock}; an image of {folder} alone needs one beside it"
    return f"{path} has no lockfile beside it; {manager} install makes one, and the image is built from it"


def _version(package: _Package) -> tuple[Found[str] | None, str]:
    tree, folder = package.tree, package.folder
    found: list[tuple[str, str]] = []
    for keys in (("engines", "node"), ("volta", "node")):
        said = package.json.word(*keys)
        if said is not None:
            found.append((said.value, said.where))
    for place in dict.fromkeys((folder, ".")):
        for name in (".nvmrc", ".node-version"):
            path = tree.first(place, name)
            if path is not None and (text := tree.text(path).text.strip()):
                found.append((text.split("\n")[0], f"{path}:1"))
        found += tool_versions(tree, place, "nodejs", "node")
    exact = [entry for entry in found if re.match(r"v?\d", entry[0])]
    for text, where in exact[:1] or found[:1]:
        return lines.line("node", text, where)
    return None, ""


def tool_versions(tree: Tree, folder: str, *names: str) -> list[tuple[str, str]]:
    """Lines of `.tool-versions` and of mise, of one of the tools."""
    path = tree.first(folder, ".tool-versions")
    if path is None:
        return []
    made = []
    for number, line in tree.text(path).lines():
        words = line.partition("#")[0].split()
        if len(words) > 1 and words[0] in names:
            made.append((re.sub(r"^(?:temurin|openjdk|corretto|zulu)-", "", words[1]), f"{path}:{number}"))
    return made
