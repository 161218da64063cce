"""Derived facts about configuration: which ConfigMaps and secrets are needed, which there are, what leaks."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from generator.document import Location, Node
from generator.policy.documents import POD, Document
from generator.policy.found import Found, elements, items, of_kind, text, workloads
from generator.secrets import is_literal, is_random, known, names_secret

Trail = tuple[str | int, ...]


def config_references(documents: Sequence[Document]) -> Iterator[Found]:
    """The names of ConfigMaps that pods cannot start without."""
    for document, pod in workloads(documents):
        for node in _references(pod, "configMapKeyRef", "configMapRef", "configMap"):
            name = node.get("name")
            if name is not None and text(name) != "kube-root-ca.crt" and text(node.get("optional")) != "true":
                yield Found(text(name), text(name), name.at, document, POD[document.kind])


def config_names(documents: Sequence[Document]) -> Iterator[Found]:
    for document in of_kind(documents, "ConfigMap"):
        yield Found(document.name, document.name, document.root.at, document)
    for document in documents:
        if document.format == "kustomization":
            for generator in elements(document.root, "configMapGenerator"):
                name = text(generator.get("name"))
                yield Found(name, name, generator.at, document)


def secret_references(documents: Sequence[Document]) -> Iterator[Found]:
    """`name/key` that pods need, when the files say which keys that secret has."""
    told: dict[str, set[str]] = {}
    for document in documents:
        for made, key_made, _ in _secrets_made(document):
            told.setdefault(made, set()).add(key_made)
    for document, pod in workloads(documents):
        for name, key in _secret_keys_read(pod):
            if text(name) in told and "*" not in told[text(name)]:
                value = f"{text(name)}/{text(key)}"
                yield Found(value, value, key.at, document, POD[document.kind])


def _secret_keys_read(pod: Node) -> Iterator[tuple[Node, Node]]:
    for node in _references(pod, "secretKeyRef"):
        name, key = node.get("name"), node.get("key")
        if name and key and text(node.get("optional")) != "true":
            yield name, key
    for node in _references(pod, "secret"):
        name = node.get("secretName")
        for item in elements(node, "items"):
            key = item.get("key")
            if name and key and text(node.get("optional")) != "true":
                yield name, key


def secret_keys(documents: Sequence[Document]) -> Iterator[Found]:
    """`name/key` of every secret that the files make; `name/*` when the keys are not told."""
    for document in documents:
        for name, key, node in _secrets_made(document):
            value = f"{name}/{key}"
            yield Found(value, value, node.at, document)


def _secrets_made(document: Document) -> Iterator[tuple[str, str, Node]]:
    root = document.root
    if document.format == "kustomization":
        for generator in elements(root, "secretGenerator"):
            name = text(generator.get("name"))
            if generator.get("envs") or generator.get("env"):
                yield name, "*", generator
            for literal in elements(generator, "literals"):
                yield name, text(literal).partition("=")[0], literal
            for file in elements(generator, "files"):
                yield name, posixpath.basename(text(file).partition("=")[0]), file
    elif document.format != "kubernetes":
        return
    elif document.kind == "Secret":
        for key, node in (*items(root, "data"), *items(root, "stringData")):
            yield document.name, key, node
    elif document.kind == "SealedSecret":
        for key, node in items(root, "spec", "encryptedData"):
            yield document.name, key, node
    elif document.kind == "ExternalSecret":
        yield from _external(document)


def _external(document: Document) -> Iterator[tuple[str, str, Node]]:
    """What External Secrets Operator writes: a template's keys alone, unless it is told to merge."""
    spec = document.root.get("spec") or document.root
    name = text(spec.get("target", "name")) or document.name
    template = spec.get("target", "template")
    composed = list(items(template, "data"))
    for key, node in composed:
        yield name, key, node
    if template is not None and template.get("templateFrom"):
        yield name, "*", template
    if composed and text(spec.get("target", "template", "mergePolicy"), "Replace") != "Merge":
        return
    for entry in elements(spec, "data"):
        yield name, text(entry.get("secretKey")), entry
    for source in elements(spec, "dataFrom"):
        yield name, "*", source


def _references(pod: Node, *names: str) -> Iterator[Node]:
    """All mappings below the pod spec that stand under one of the keys."""
    for node in pod.walk():
        for key, child in node.items():
            if key in names and isinstance(child.value, dict):
                yield child


def known_secrets(documents: Sequence[Document]) -> Iterator[Found]:
    """Texts of the shape of a secret, by line; the kind is told, the text never is."""
    for document in documents:
        if document.format == "text":
            for kind, offset in known(document.text):
                line = document.text.count("\n", 0, offset) + 1
                column = offset - document.text.rfind("\n", 0, offset)
                yield Found(kind, kind, Location(document.file, line, column), document)


_RANDOM_NAMES = re.compile(r"(?i)key|token|auth|secret|pass")


def literal_secrets(documents: Sequence[Document]) -> Iterator[Found]:
    """Variables named for a secret whose value stands there in plain text."""
    for document, name, value, node, trail in _variables(documents):
        random = bool(_RANDOM_NAMES.search(name)) and is_random(value)
        if is_literal(value) and (names_secret(name) or random) and not name.lower().endswith(("_file", "url")):
            yield Found(name, name, node.at, document, trail)


def _variables(documents: Sequence[Document]) -> Iterator[tuple[Document, str, str, Node, Trail]]:
    for document in documents:
        if document.format == "compose":
            for service, node in items(document.root, "services"):
                for name, value in items(node, "environment"):
                    yield document, name, text(value), value, ("services", service, "environment", name)
        elif document.format == "docker":
            yield from _image_variables(document)
        elif document.kind == "aws_ecs_task_definition":
            yield from _task_variables(document)
    for document, pod in workloads(documents):
        for kind in ("containers", "initContainers"):
            for index, container in enumerate(elements(pod, kind)):
                for number, variable in enumerate(elements(container, "env")):
                    found = variable.get("value")
                    if found is not None:
                        trail: Trail = (*POD[document.kind], kind, index, "env", number)
                        yield document, text(variable.get("name")), text(found), found, trail


def _task_variables(document: Document) -> Iterator[tuple[Document, str, str, Node, Trail]]:
    for index, container in enumerate(elements(document.root, "container_definitions")):
        for number, variable in enumerate(elements(container, "environment")):
            value = variable.get("value")
            if value is not None:
                trail: Trail = ("container_definitions", index, "environment", number)
                yield document, text(variable.get("name")), text(value), value, trail


def _image_variables(document: Document) -> Iterator[tuple[Document, str, str, Node, Trail]]:
    for index, stage in enumerate(elements(document.root, "stages")):
        for kind in ("env", "arg"):
            for number, pair in enumerate(elements(stage, kind)):
                yield document, text(pair.get("name")), text(pair.get("value")), pair, ("stages", index, kind, number)


_SENSITIVE = (".env", ".git/config")


def exposed_context(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether what must stay out is kept out of a context that is copied whole."""
    ignores = {document.file: document for document in documents if document.format == "dockerignore"}
    for document in documents:
        if document.format != "docker":
            continue
        for index, stage in enumerate(elements(document.root, "stages")):
            for kind, place, source in _copied(stage):
                if text(source) in (".", "./", "/", "*"):
                    taken = [path for path in _SENSITIVE if not _ignored(path, _ignore_file(document, ignores))]
                    shown = " and ".join(path.partition("/")[0] for path in taken)
                    at = replace(source.at, pointer=f"stages[{index}].{kind}[{place}]")
                    yield Found(not taken, shown, at, document, ("stages", index, kind, place))


def _copied(stage: Node) -> Iterator[tuple[str, int, Node]]:
    """What a stage takes from the build context."""
    for kind in ("copy", "add"):
        for place, instruction in enumerate(elements(stage, kind)):
            if instruction.get("from") is None:
                for source in elements(instruction, "sources"):
                    yield kind, place, source


def _ignore_file(document: Document, ignores: dict[str, Document]) -> tuple[str, ...]:
    """The patterns for a Dockerfile: its own ignore file, else the nearest one up the tree."""
    folder = posixpath.dirname(document.file)
    names = [f"{document.file}.dockerignore", posixpath.join(folder, ".dockerignore")]
    while folder not in {"", "/"}:
        folder = posixpath.dirname(folder)
        names.append(posixpath.join(folder, ".dockerignore"))
    for name in names:
        if name in ignores:
            return tuple(text(line) for line in elements(ignores[name].root, "lines"))
    return ()


def _ignored(path: str, patterns: tuple[str, ...]) -> bool:
    """Docker's reading of the patterns: the last that matches the path or a directory above it decides."""
    answer = False
    parts = path.split("/")
    prefixes = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    for pattern in patterns:
        keep = pattern.startswith("!")
        body = pattern.removeprefix("!").strip("/").removeprefix("./")
        if any(_glob(body).fullmatch(prefix) for prefix in prefixes):
            answer = not keep
    return answer


def _glob(pattern: str) -> re.Pattern[str]:
    pieces = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(pieces.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*|\?)", pattern)))
