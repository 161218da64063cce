"""Dockerfiles of a tree: what they listen on, start, and ask for health."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from generator import dockerfile
from generator.detect.found import Found
from generator.detect.tree import Tree

_BASES = {
    "node": "node", "python": "python", "golang": "go", "openjdk": "java", "eclipse-temurin": "java", "maven": "java",
    "gradle": "java", "amazoncorretto": "java", "sdk": "dotnet", "aspnet": "dotnet", "rust": "rust", "ruby": "ruby",
    "php": "php", "frankenphp": "php", "nginx": "static", "caddy": "static", "httpd": "static",
}  # fmt: skip
ASKED = re.compile(
    r"(?:https?://[\w.\[\]${}-]+?|\b(?:localhost|127\.0\.0\.1|0\.0\.0\.0))(?::[\w${}-]+)?(?P<path>/(?!/)[\w./-]*)"
)
"""The path that a health check asks its own process for."""
_LITERAL = re.compile(r"[^$`\\]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a Dockerfile says of the process in its last stage."""

    path: str
    runtime: Found[str] | None = None
    version: Found[str] | None = None
    """The tag of the base image; it is not fitted to a line yet."""
    port: Found[int] | None = None
    start: Found[str] | None = None
    health: Found[str] | None = None
    environment: tuple[tuple[str, str, str], ...] = ()


def read(tree: Tree, path: str) -> Image:
    """What a Dockerfile says; nothing when there is none."""
    text = tree.text(path).text
    if not text.strip():
        return Image(path=path)
    read_file = dockerfile.read(text, path)
    if not read_file.stages:
        return Image(path=path)
    last = read_file.stages[-1]
    instructions = [item for stage in reversed([*read_file.lineage(last)]) for item in stage.instructions]
    found: dict[str, dockerfile.Instruction] = {item.keyword: item for item in instructions}
    runtime, version = _runtime(tree, read_file)
    names = {name.text: value for item in instructions if item.keyword in {"ENV", "ARG"} for name, value in item.pairs}
    environment = tuple(
        (name.text, value, f"{path}:{name.at.line}")
        for item in instructions
        if item.keyword == "ENV"
        for name, value in item.pairs
    )
    return Image(
        path=path,
        runtime=runtime,
        version=version,
        port=_port(tree, path, found.get("EXPOSE"), names),
        start=_start(tree, path, found),
        health=_health(tree, path, found.get("HEALTHCHECK")),
        environment=environment,
    )


def _runtime(tree: Tree, file: dockerfile.Dockerfile) -> tuple[Found[str] | None, Found[str] | None]:
    """A web server when the last stage is one, else the language of the first stage whose base tells one."""
    made: list[tuple[Found[str], Found[str] | None]] = []
    for stage in file.stages:
        name, _, tag = stage.image.partition("@")[0].rpartition("/")[2].partition(":")
        runtime = _BASES.get(name)
        if runtime is not None:
            where = f"{file.path}:{stage.base.at.line}"
            version = tree.found(tag, where) if re.match(r"\d", tag) else None
            made.append((tree.found(runtime, where, name), version))
    last = made[-1] if made and made[-1][0].value == "static" else None
    return last or (made[0] if made else (None, None))


def _port(tree: Tree, path: str, item: dockerfile.Instruction | None, names: dict[str, str]) -> Found[int] | None:
    if item is None or not item.words:
        return None
    text = dockerfile.expand(item.words[0].text, names).partition("/")[0]
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536):
        return None
    return tree.found(int(text), f"{path}:{item.words[0].at.line}", item.words[0].text)


def _start(tree: Tree, path: str, found: dict[str, dockerfile.Instruction]) -> Found[str] | None:
    """ENTRYPOINT and CMD together, without the small init programs that our images have of their own."""
    items = [found[key] for key in ("ENTRYPOINT", "CMD") if key in found]
    if not items:
        return None
    if items[0].keyword == "ENTRYPOINT" and items[0].listed is None:
        items = items[:1]  # the shell form takes no CMD
    words: list[str] = []
    for item in items:
        words += item.listed if item.listed is not None else [item.text]
    while words and words[0] in {"tini", "/sbin/tini", "/usr/bin/tini", "dumb-init", "/usr/bin/dumb-init", "--", "-g"}:
        words = words[1:]
    text = shlex.join(words) if all(item.listed is not None for item in items) else " ".join(words)
    if not text or not text.isprintable() or not _LITERAL.fullmatch(text):
        return None
    last = items[-1]
    return tree.found(
        text, f"{path}:{last.at.line}", last.text if len(last.text) <= 60 else "", *words[:1], last.keyword
    )


def _health(tree: Tree, path: str, item: dockerfile.Instruction | None) -> Found[str] | None:
    match = ASKED.search(item.text) if item is not None else None
    if item is None or match is None or match["path"] == "/":
        return None
    lines = tree.text(path).text.split("\n")
    for number in range(item.at.line, item.last_line + 1):
        if number <= len(lines) and match["path"] in lines[number - 1]:
            return Found(match["path"], f"{path}:{number}")
    return None
