"""Compose files: services that are built here, and images that stand for what they use."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from generator import dockerfile
from generator.detect import manifest
from generator.detect.found import Found
from generator.detect.image import ASKED
from generator.detect.tree import Tree, join, parent
from generator.document import Node

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_OTHERS = re.compile(r"(?:docker-)?compose[.-][\w.-]+\.ya?ml$")
MOST_SERVICES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeService:
    """One service of a compose file; `context` is "" for one that is not built."""

    name: Found[str]
    path: str
    """The compose file."""
    context: str
    file: str
    """Its Dockerfile, from the root."""
    image: Found[str] | None
    command: Found[str] | None
    ports: tuple[Found[int], ...]
    health: Found[str] | None
    environment: tuple[tuple[str, str, str], ...]
    """(name, value, place); the value is "" when none is written."""
    depends: tuple[Found[str], ...]


def read(tree: Tree) -> tuple[ComposeService, ...]:
    """The services of the compose file nearest to the root of each folder; overrides are said and left out."""
    found: list[ComposeService] = []
    folders: set[str] = set()
    for path in sorted(tree.named(*NAMES), key=lambda path: (path.count("/"), NAMES.index(path.rpartition("/")[2]))):
        if parent(path) in folders or any(parent(path).startswith(f"{folder}/") or folder == "." for folder in folders):
            continue  # one file tells of a folder and of those in it
        folders.add(parent(path))
        document = manifest.yaml(tree, path)
        services = document.entries("services") if document is not None else {}
        if len(services) > MOST_SERVICES:
            tree.note(f"{path} has {len(services)} services, of which {MOST_SERVICES} were read")
        found += [_service(tree, path, name, node) for name, node in list(services.items())[:MOST_SERVICES]]
    for path in tree.files:
        if _OTHERS.fullmatch(path):
            tree.note(f"{path} was not read: a spec has `environments` for what differs")
    return tuple(service for service in found if service.name.value)


def _service(tree: Tree, path: str, name: str, node: Node) -> ComposeService:
    key_at = node.key_at or node.at
    folder = parent(path)
    build = node.get("build")
    context, file = "", ""
    if build is not None and build.value is not None:
        context = join(folder, _text(build.get("context") or build) or ".")
        file = join(context, _text(build.get("dockerfile")) or "Dockerfile") if context else ""
    image = node.get("image")
    return ComposeService(
        name=Found(name, f"{path}:{key_at.line}"),
        path=path,
        context=context,
        file=file,
        image=_found(tree, image, _text(image)) if image is not None and _text(image) else None,
        command=_command(tree, node.get("command")),
        ports=tuple(_ports(tree, node)),
        health=_health(tree, node.get("healthcheck", "test")),
        environment=tuple(_environment(node)),
        depends=tuple(_depends(node)),
    )


def _text(node: Node | None) -> str:
    """A scalar with its variables filled in by their defaults."""
    if node is None or node.value is None or isinstance(node.value, dict | tuple):
        return ""
    text = str(node.value).lower() if isinstance(node.value, bool) else str(node.value)
    return dockerfile.expand(text.replace("$$", "\0"), {}).replace("\0", "$")


def _found(tree: Tree, node: Node, value: str, *seen: str) -> Found[str]:
    return tree.found(value, manifest.where(node), *seen)


def _command(tree: Tree, node: Node | None) -> Found[str] | None:
    """The command on one line; one with variables that have no value is not taken."""
    if node is None:
        return None
    words = [_text(child) for child in node.elements()]
    text = shlex.join(words) if words else " ".join(_text(node).split())
    if not text or "$" in text or not text.isprintable():
        return None
    first = next(node.elements(), node)
    return _found(tree, first, text, *text.split()[:1], "command")


def _ports(tree: Tree, node: Node) -> Iterator[Found[int]]:
    for child in [*node.listed("ports"), *node.listed("expose")]:
        target = child.get("target") or child
        text = _text(target).partition("/")[0].rpartition(":")[2]
        if text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536:
            yield tree.found(int(text), manifest.where(target))


def _health(tree: Tree, node: Node | None) -> Found[str] | None:
    """The path that a health check asks for."""
    for child in [*node.elements()] or [node] if node is not None else []:
        match = ASKED.search(_text(child))
        if match and match["path"] != "/":
            return _found(tree, child, match["path"])
    return None


def _environment(node: Node) -> Iterator[tuple[str, str, str]]:
    for name, child in node.entries("environment").items():
        yield name, _text(child), f"{child.at.path}:{(child.key_at or child.at).line}"
    for child in node.listed("environment"):
        name, _, value = _text(child).partition("=")
        yield name, value, manifest.where(child)


def _depends(node: Node) -> Iterator[Found[str]]:
    for key in ("depends_on", "links"):
        for child in node.listed(key):
            yield Found(_text(child).partition(":")[0], manifest.where(child))
        for name, child in node.entries(key).items():
            yield Found(name, f"{child.at.path}:{(child.key_at or child.at).line}")
