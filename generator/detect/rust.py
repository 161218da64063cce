"""Rust: packages with programs, alone or in a workspace, which is then what an image is built from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.detect import lines, manifest, source
from generator.detect.found import Found, Process, Unit
from generator.detect.tree import Tree, join, parent

_WEB = frozenset({"axum", "actix-web", "rocket", "warp", "hyper", "poem", "tide", "salvo", "tonic", "rouille", "ntex"})
_LISTENS = re.compile(r"\bTcpListener::bind\(|\bHttpServer::new\(|\brocket::build\(")
PORTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\bbind\(\s*&?\(?\s*\"[^\":\n]*:(\d{2,5})\"",
        r"\bbind\(\s*\(\s*(?:\"[^\"\n]*\"|\[[\d, ]+\])\s*,\s*(\d{2,5})\b",
        r"\bSocketAddr::from\(\s*\(\s*\[[\d, ]+\]\s*,\s*(\d{2,5})\b",
        r"\"PORT\"\s*\)[^;\n]{0,60}?\"(\d{2,5})\"",
        r"\"PORT\"\s*\)[^;]{0,120}?unwrap_or\(\s*(\d{2,5})\s*\)",
        r"\b(?:port|PORT)\s*(?::\s*u16\s*)?=\s*(\d{2,5})\b",
    )
)


def units(tree: Tree) -> Iterator[Unit]:
    documents = {path: manifest.toml(tree, path) for path in tree.named("Cargo.toml")}
    workspaces = [parent(path) for path, document in documents.items() if document.at("workspace") is not None]
    for path, document in documents.items():
        unit = _unit(tree, path, document, workspaces)
        if unit is not None:
            yield unit


def _unit(tree: Tree, path: str, document: manifest.Toml, workspaces: list[str]) -> Unit | None:
    name = document.word("package", "name")
    if name is None:
        return None
    folder = parent(path)
    above = [place for place in workspaces if place in {".", folder} or folder.startswith(f"{place}/")]
    context = above[0] if above else folder
    whole = manifest.toml(tree, join(context, "Cargo.toml")) if context != folder else document
    libraries = {**_drivers(whole, ("workspace", "dependencies"), document), **_libraries(document)}
    libraries = {**_drivers(document, ("dependencies",), document), **libraries}
    processes = tuple(_processes(tree, folder, document, name))
    found = source.sources(tree, folder, "rust")
    listens = any(library in libraries for library in _WEB) or any(
        True for file in found for _ in file.matches(_LISTENS)
    )
    version, remark = _version(tree, folder, context, document)
    notes = []
    if tree.first(context, "Cargo.lock") is None:
        notes.append(
            f"{path} has no Cargo.lock beside it; cargo generate-lockfile makes it, and the image is built from it"
        )
    rocket = tree.first(folder, "Rocket.toml")
    port = manifest.toml(tree, rocket).at("default", "port") if rocket else None
    return Unit(
        folder=folder,
        context=context,
        runtime=Found("rust", path),
        runs=bool(processes),
        name=name,
        version=version,
        port=tree.found(port, manifest.toml(tree, rocket).where("default", "port"))
        if rocket and isinstance(port, int) and 0 < port < 65536
        else Found(8000, "", assumed="where Rocket listens unless told otherwise")
        if "rocket" in libraries
        else None,
        processes=tuple(Process(name=process.name, entry=process.entry, listens=listens) for process in processes)
        or (Process(),),
        libraries=libraries,
        remarks=(remark,) if remark else (),
        notes=tuple(notes),
    )


def _processes(tree: Tree, folder: str, document: manifest.Toml, name: Found[str]) -> Iterator[Process]:
    """The programs of a package: those it names, `src/main.rs`, and what lies in `src/bin`."""
    named = document.at("bin")
    words = (
        [entry["name"] for entry in named if isinstance(entry, dict) and isinstance(entry.get("name"), str)]
        if isinstance(named, list)
        else []
    )
    for word in words:
        if re.fullmatch(r"[\w-]+", word):
            found = Found(word, document.containing(f'"{word}"', "[[bin]]"))
            yield Process(name=found, entry=found)
    if words:
        return
    path = tree.first(folder, "src/main.rs")
    if path is not None and re.fullmatch(r"[\w-]+", name.value):
        yield Process(name=name, entry=name)
    for other in tree.below(join(folder, "src/bin"), ".rs"):
        match = re.fullmatch(r"([\w-]+)(?:\.rs|/main\.rs)", other.rpartition("src/bin/")[2])
        if match:
            yield Process(name=Found(match[1], other), entry=Found(match[1], other))


def _libraries(document: manifest.Toml) -> dict[str, Found[str]]:
    table = document.at("dependencies")
    return {
        name: Found(name, document.where("dependencies", name)) for name in (table if isinstance(table, dict) else {})
    }


def _drivers(document: manifest.Toml, keys: tuple[str, ...], user: manifest.Toml) -> dict[str, Found[str]]:
    """The databases that features of a crate choose, of crates that the user depends on."""
    table, used = document.at(*keys), user.at("dependencies")
    made: dict[str, Found[str]] = {}
    for name in ("sqlx", "sea-orm", "diesel", "diesel-async"):
        entry = table.get(name) if isinstance(table, dict) and isinstance(used, dict) and name in used else None
        features = entry.get("features") if isinstance(entry, dict) else None
        for feature in features if isinstance(features, list) else []:
            driver = str(feature).removeprefix("sqlx-")
            if driver in {"postgres", "mysql"}:
                made.setdefault(driver, Found(driver, document.where(*keys, name), seen=name))
    return made


def _version(tree: Tree, folder: str, context: str, document: manifest.Toml) -> tuple[Found[str] | None, str]:
    for place in dict.fromkeys((folder, context, ".")):
        for name in ("rust-toolchain.toml", "rust-toolchain"):
            path = tree.first(place, name)
            if path is None:
                continue
            text = tree.text(path)
            match = re.search(r"^\s*channel\s*=\s*\"([^\"\n]+)\"", text.text, re.MULTILINE) or re.match(
                r"\s*([\w.-]+)\s*$", text.text
            )
            if match is not None:
                return lines.line("rust", match[1], text.where(match.start(1)))
    whole = manifest.toml(tree, join(context, "Cargo.toml")) if context != folder else document
    said = document.word("package", "rust-version") or whole.word("workspace", "package", "rust-version")
    return lines.line("rust", said.value, said.where, least=True) if said else (None, "")
