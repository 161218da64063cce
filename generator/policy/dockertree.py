"""A Dockerfile as a tree of nodes, so that facts select from it by the same paths as from YAML.

What a reader of the file cares about is written out: the parts of an image reference, the single
commands of a RUN, and `final`: what the last stage is, its parents included.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from generator import dockerfile
from generator.dockerfile import Dockerfile, Instruction, Stage, Word
from generator.document import Location, Node, Scalar

_BOUNDARIES = frozenset(["&&", "||", ";", "|", "(", ")", "{", "}", "then", "do", "else", "fi", "done"])
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=\S*")


def tree(file: Dockerfile) -> Node:
    """`stages[]`, `final`, `directives` and `arguments` of a Dockerfile."""
    top = Location(file.path, 1, 1)
    stages = tuple(_stage(file, stage) for stage in file.stages)
    values: dict[str, Node] = {
        "stages": _list(stages, top, "stages"),
        "directives": _map({name: _leaf(value, top) for name, value in file.directives.items()}, top),
        "count": _leaf(len(stages), top),
        "lockfiles": _leaf(_names_lockfile(file), top),
    }
    if file.stages:
        values["final"] = _final(file, file.stages[-1])
    return Node(values, top)


def image_parts(reference: str) -> dict[str, str]:
    """Registry, repository, name, tag and digest of an image reference; a missing part is left out."""
    rest, _, digest = reference.partition("@")
    head, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    first = head.partition("/")[0]
    explicit = bool(slash) and ("." in first or ":" in first or first == "localhost")
    parts = {
        "registry": first if explicit else "docker.io",
        "repository": f"{head}/{name}" if slash else name,
        "name": name,
        "tag": tag,
        "digest": digest,
    }
    return {key: value for key, value in parts.items() if value}


def commands(instruction: Instruction) -> Iterator[Word]:
    """The single commands of a RUN, split at `&&`, `;` and `|`, unquoted, assignments in front left out."""
    if instruction.listed is not None:
        yield Word(" ".join(instruction.listed), instruction.text_at)
        return
    if instruction.bodies and instruction.text.startswith("<<"):
        for body in instruction.bodies:
            for offset, line in enumerate(body.text.split("\n")):
                if line.strip() and not line.lstrip().startswith("#"):
                    at = replace(body.at, line=body.at.line + offset)
                    yield from _split(tuple(Word(word, at) for word in line.split()))
        return
    yield from _split(instruction.words)


def _split(words: tuple[Word, ...]) -> Iterator[Word]:
    current: list[Word] = []
    for word in words:
        text = word.text
        if text in _BOUNDARIES:
            yield from _joined(current)
            current = []
        elif text.endswith(";"):
            yield from _joined([*current, Word(text.rstrip(";"), word.at)])
            current = []
        else:
            current.append(word)
    yield from _joined(current)


def _joined(words: list[Word]) -> Iterator[Word]:
    while words and _ASSIGNMENT.fullmatch(words[0].text):
        words = words[1:]
    if words and words[0].text:
        yield Word(" ".join(word.text for word in words), words[0].at)


def _stage(file: Dockerfile, stage: Stage) -> Node:
    values = _contents(stage.instructions, stage.at, f"stages[{stage.index}]")
    values["name"] = _leaf(stage.name, stage.at)
    values["last"] = _leaf(stage.index == len(file.stages) - 1, stage.at)
    values["platform"] = _leaf(stage.platform, stage.at)
    if stage.parent is None:
        at = replace(stage.base.at, pointer=f"stages[{stage.index}].from")
        parts = {key: _leaf(value, at) for key, value in image_parts(stage.image).items()}
        if stage.image != "scratch" and "$" not in stage.image:
            values["from"] = Node({"image": _leaf(stage.image, at), "written": _leaf(stage.base.text, at), **parts}, at)
    return Node(values, replace(stage.at, pointer=f"stages[{stage.index}]"))


def _final(file: Dockerfile, stage: Stage) -> Node:
    """The last stage with what its parents set before it."""
    lineage = list(reversed(list(file.lineage(stage))))
    instructions = [item for ancestor in lineage for item in ancestor.instructions]
    values = _contents(instructions, stage.at, "final")
    values["image"] = _leaf(lineage[0].image, lineage[0].base.at)
    values["own"] = Node(_contents(stage.instructions, stage.at, "final.own"), stage.at)
    return Node(values, replace(stage.at, pointer="final"))


def _contents(instructions: Iterable[Instruction], at: Location, where: str) -> dict[str, Node]:
    lists: dict[str, list[Node]] = {
        key: [] for key in ("run", "copy", "add", "expose", "env", "arg", "label", "volume", "workdir", "instruction")
    }
    single: dict[str, Node] = {}
    for item in instructions:
        lists["instruction"].append(_leaf(item.keyword, item.at))
        _collect(item, lists, single)
    values = {key: _list(tuple(found), at, f"{where}.{key}") for key, found in lists.items()}
    return values | single


def _collect(item: Instruction, lists: dict[str, list[Node]], single: dict[str, Node]) -> None:
    keyword = item.keyword
    if keyword == "RUN":
        lists["run"].append(_run(item))
    elif keyword in ("COPY", "ADD"):
        lists[keyword.lower()].append(_copy(item))
    elif keyword == "EXPOSE":
        lists["expose"].extend(_leaf(word.text.partition("/")[0], word.at) for word in item.words)
    elif keyword in ("ENV", "ARG", "LABEL"):
        lists[keyword.lower()].extend(
            Node({"name": _leaf(name.text, name.at), "value": _leaf(value, name.at)}, name.at)
            for name, value in item.pairs
        )
    elif keyword == "VOLUME":
        lists["volume"].extend(_leaf(word.text, word.at) for word in item.words)
    elif keyword == "WORKDIR":
        lists["workdir"].append(_leaf(item.text.strip("\"'"), item.text_at))
    elif keyword == "USER" and item.words:
        user, _, group = item.words[0].text.partition(":")
        at = item.words[0].at
        single["user"] = Node({"name": _leaf(user, at), "group": _leaf(group, at)}, at)
    elif keyword in ("HEALTHCHECK", "CMD", "ENTRYPOINT", "STOPSIGNAL", "SHELL", "MAINTAINER", "ONBUILD"):
        command = " ".join(item.listed) if item.listed is not None else item.text
        single[keyword.lower()] = Node(
            {
                "text": _leaf(command, item.text_at),
                "form": _leaf("exec" if item.listed is not None else "shell", item.at),
            },
            item.at,
        )


def _run(item: Instruction) -> Node:
    mounts = [flag.value for flag in item.flags if flag.name == "mount"]
    values = {
        "commands": _list(tuple(_leaf(word.text, word.at) for word in commands(item)), item.at, "commands"),
        "mounts": _list(tuple(_leaf(mount, item.at) for mount in mounts), item.at, "mounts"),
        "text": _leaf("\n".join([item.text, *(body.text for body in item.bodies)]), item.text_at),
    }
    return Node(values, item.at)


def _copy(item: Instruction) -> Node:
    paths = (
        [Word(path, item.text_at) for path in item.listed]
        if item.listed is not None
        else [word for word in item.words if not word.text.startswith("<<")]
    )
    sources = paths[:-1] if not item.bodies else []
    values: dict[str, Node] = {
        "sources": _list(tuple(_leaf(word.text, word.at) for word in sources), item.at, "sources"),
        "to": _leaf(paths[-1].text if paths else "", item.at),
    }
    values |= {flag.name: _leaf(flag.value, flag.at) for flag in item.flags}
    return Node(values, item.at)


_LOCKFILES = re.compile(
    r"package-lock\.json|package\*\.json|npm-shrinkwrap|pnpm-lock|yarn\.lock|bun\.lock|uv\.lock|poetry\.lock|Pipfile\.lock"
    r"|requirements|go\.sum|go\.\*|Cargo\.lock|Cargo\.\*|Gemfile\.lock|Gemfile\*|composer\.lock|composer\.\*|packages\.lock\.json|gradle\.lockfile"
)


def _names_lockfile(file: Dockerfile) -> bool:
    """Whether any stage copies or mounts a lockfile, or the whole context."""
    for stage in file.stages:
        for item in stage.instructions:
            if item.keyword in ("COPY", "ADD") and (
                _LOCKFILES.search(item.text) or any(word.text in (".", "./", "/") for word in item.words[:-1])
            ):
                return True
            if item.keyword == "RUN" and any(
                flag.name == "mount" and (_LOCKFILES.search(flag.value) or "type=bind" in flag.value)
                for flag in item.flags
            ):
                return True
    return False


def _leaf(value: Scalar, at: Location) -> Node:
    return Node(value, at)


def _list(nodes: tuple[Node, ...], at: Location, where: str) -> Node:
    return Node(
        tuple(replace(node, at=replace(node.at, pointer=f"{where}[{index}]")) for index, node in enumerate(nodes)),
        replace(at, pointer=where),
    )


def _map(nodes: dict[str, Node], at: Location) -> Node:
    return Node(dict(nodes), at)


def read(text: str, path: str) -> Node:
    """The tree of a Dockerfile's text."""
    return tree(dockerfile.read(text, path))
