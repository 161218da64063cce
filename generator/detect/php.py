"""PHP: composer.json, and the front controller that answers; the image's own server listens."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.detect import lines, manifest
from generator.detect.found import Found, Process, Unit
from generator.detect.tree import Tree, parent

PORTS: tuple[re.Pattern[str], ...] = ()


def units(tree: Tree) -> Iterator[Unit]:
    for path in tree.named("composer.json"):
        document = manifest.json(tree, path)
        if document.value is not None:
            yield _unit(tree, path, document)


def _unit(tree: Tree, path: str, document: manifest.Json) -> Unit:
    folder = parent(path)
    libraries = {name: Found(name, where) for name, (_, where) in document.entries("require").items() if name != "php"}
    front = tree.first(folder, "public/index.php", "index.php", "web/index.php")
    kind = document.word("type")
    library = kind is not None and kind.value in {"library", "composer-plugin", "symfony-bundle", "phpstan-extension"}
    processes = []
    if front is not None and not library:
        processes.append(Process())
    if processes and "laravel/horizon" in libraries:
        start = Found("php artisan horizon", libraries["laravel/horizon"].where, seen="laravel/horizon")
        processes.append(
            Process(name=Found("worker", "", assumed="what takes jobs of Horizon"), start=start, listens=False)
        )
    version, remark = _version(tree, folder, document)
    remarks = [remark] if remark else []
    if front is not None and not front.endswith("public/index.php"):
        remarks.append(f"output: the server of the image serves public/, and what answers is {front}")
    if "laravel/framework" in libraries:
        remarks.append("migrate: php artisan migrate --force would fit; it is not written, since it changes data")
    if "symfony/messenger" in libraries:
        remarks.append(
            "a worker that runs php bin/console messenger:consume may be missing: its transports were not read"
        )
    notes = []
    if libraries and tree.first(folder, "composer.lock") is None:
        notes.append(f"{path} has no composer.lock beside it; composer update makes it, and the image is built from it")
    name = document.word("name")
    return Unit(
        folder=folder,
        runtime=Found("php", path),
        runs=bool(processes),
        name=Found(name.value.rpartition("/")[2], name.where) if name else None,
        version=version,
        output=Found(".", "", assumed="nothing is built, so the source itself is what runs"),
        port=Found(8080, "", assumed="the server of the image is told this port") if processes else None,
        processes=tuple(processes) or (Process(),),
        libraries=libraries,
        remarks=tuple(remarks),
        notes=tuple(notes),
    )


def _version(tree: Tree, folder: str, document: manifest.Json) -> tuple[Found[str] | None, str]:
    for keys in (("config", "platform", "php"), ("require", "php")):
        said = document.word(*keys)
        if said is not None:
            return lines.line("php", said.value, said.where)
    path = tree.first(folder, ".php-version")
    if path is not None and (text := tree.text(path).text.strip()):
        return lines.line("php", text, f"{path}:1")
    return None, ""
