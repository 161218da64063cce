"""Kubernetes manifests against the schemas of the versions they are for: this one and the next.

Strict: a field that the API does not have is a finding, since the server would drop it in silence.
The schemas are trimmed copies in `schemas/kubernetes/`; a kind that has none is reported as not checked.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from generator import data, shape, yamlfile
from generator.checkers import Settings
from generator.document import Location, Node, TextFile
from generator.finding import Finding, NotChecked, Outcome, Pass, Severity, Tool

_DIRECTIVES = ("$patch", "$retainKeys", "$deleteFromPrimitiveList", "$setElementOrder")
_LOOKS_LIKE_ONE = re.compile(r"^\s*[\"']?(?:apiVersion|kind)[\"']?\s*:", re.M)
_LISTS = ("configurations", "components", "crds", "generators", "resources", "transformers", "validators")
_OBJECTS: tuple[str, ...] = ("configMapGenerator", "helmCharts", "images", "labels", "patches", "patchesJson6902")
_OBJECTS += ("replacements", "replicas", "secretGenerator")
_SCALARS = ("namePrefix", "nameSuffix", "namespace")
_MAPS = ("buildMetadata", "commonAnnotations", "commonLabels", "generatorOptions", "helmGlobals", "metadata", "openapi")
_GONE = {"bases": "resources", "vars": "replacements", "commonLabels": "labels", "patchesStrategicMerge": "patches"}
"""Fields of kustomization.yaml: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/"""


def check(files: Sequence[TextFile], settings: Settings) -> Outcome:
    """Findings for every object that an API server of these versions would refuse or cut short."""
    mine = [file for file in files if _may_be_kubernetes(file)]
    if not mine:
        return Outcome()
    wanted, missing = versions(settings.kubernetes_versions)
    read = {file.path: yamlfile.read(file.text, file.path) for file in mine}
    patches = frozenset(_patches(read))
    findings: list[Finding] = []
    passes: list[Pass] = []
    unknown: dict[str, str] = {}
    for path, (documents, problems) in read.items():
        objects = [item for document in documents for item in _objects(document)]
        if objects or _is_kustomization(path) or path in patches:
            findings += problems
        for item in objects:
            if _is_kustomization(path):
                findings += _kustomization(item)
                continue
            found = list(_judged(item, wanted, partial=path in patches, unknown=unknown))
            findings += found
            if not found and _api(item) not in unknown:
                passes.append(Pass("kubernetes/schema", path, subject(item)))
    told = [
        NotChecked("kubernetes", f"there is no schema for {api}, as in {path}", "") for api, path in unknown.items()
    ]
    tools = (Tool("kubernetes schemas", ", ".join(wanted)),) if passes or findings else ()
    return Outcome(tuple(findings), tuple(passes), (*missing, *told), tools)


def versions(asked: Iterable[str]) -> tuple[tuple[str, ...], tuple[NotChecked, ...]]:
    """The versions to judge for: those asked for and the one after each, as far as there are schemas."""
    have = available()
    named = [".".join(version.split(".")[:2]) for version in asked] or list(have[-2:])
    wanted: dict[str, None] = {}
    missing = []
    for version in named:
        if version not in have:
            text = f"there are no schemas for Kubernetes {version}; there are {have[0]} to {have[-1]}"
            missing.append(NotChecked("kubernetes", text, "name a version among them"))
            continue
        wanted[version] = None
        after = have[have.index(version) + 1 :][:1]
        wanted |= dict.fromkeys(after)
    return tuple(wanted) or have[-2:], tuple(missing)


@functools.cache
def available() -> tuple[str, ...]:
    """Versions with schemas, the oldest first."""
    names = (path.stem.removeprefix("v") for path in (data.folder("schemas") / "kubernetes").glob("v*.json"))
    return tuple(sorted(names, key=lambda name: [int(word) for word in name.split(".")]))


def subject(item: Node) -> str:
    """`Deployment/shop/web`, or without a namespace `Namespace/shop`."""
    words = (item.word("kind"), item.word("metadata", "namespace"), item.word("metadata", "name"))
    return "/".join(word for word in words if word)


def _may_be_kubernetes(file: TextFile) -> bool:
    return file.path.endswith((".yaml", ".yml", ".json")) and bool(
        _LOOKS_LIKE_ONE.search(file.text) or '"apiVersion"' in file.text or _is_kustomization(file.path)
    )


def _is_kustomization(path: str) -> bool:
    return PurePosixPath(path).name in {"kustomization.yaml", "kustomization.yml", "Kustomization"}


def _objects(document: Node) -> Iterator[Node]:
    """The objects of a document: itself, or the items of a List."""
    if document.word("kind") == "List" and document.get("items") is not None:
        yield from document.listed("items")
    elif _is_kustomization(document.at.path) or (document.word("apiVersion") and document.word("kind")):
        yield document


def _patches(read: dict[str, tuple[tuple[Node, ...], tuple[Finding, ...]]]) -> Iterator[str]:
    for path, (documents, _) in read.items():
        if not _is_kustomization(path):
            continue
        for document in documents:
            for node in (*document.listed("patches"), *document.listed("patchesStrategicMerge")):
                name = node.word("path") or (str(node.value) if isinstance(node.value, str) else "")
                yield (PurePosixPath(path).parent / name).as_posix()


def _api(item: Node) -> str:
    return f"{item.word('apiVersion')}/{item.word('kind')}"


def _judged(item: Node, wanted: Sequence[str], *, partial: bool, unknown: dict[str, str]) -> Iterator[Finding]:
    """One object for every version; the same finding in several versions is told once, with their names."""
    item = _without_directives(item) if partial else item
    told: dict[shape.Difference, list[str]] = {}
    known = False
    for version in wanted:
        schema = schema_of(version, _api(item))
        if schema is None:
            continue
        known = True
        if partial or not _quick(version, _api(item)).is_valid(item.plain):
            for difference in shape.differences(item, schema, partial=partial):
                told.setdefault(difference, []).append(version)
    if not known:
        yield from _unknown_kind(item, wanted, unknown)
    for difference, where in told.items():
        yield _finding(difference, item, where, wanted)


def _finding(difference: shape.Difference, item: Node, where: Sequence[str], wanted: Sequence[str]) -> Finding:
    only = "" if len(where) == len(wanted) else f" in Kubernetes {', '.join(where)}"
    return Finding(
        f"kubernetes/{difference.rule}",
        Severity.HIGH,
        difference.message + only,
        difference.at,
        fix=difference.fix,
        subject=subject(item),
        property=difference.at.pointer,
    )


def _unknown_kind(item: Node, wanted: Sequence[str], unknown: dict[str, str]) -> Iterator[Finding]:
    """A kind of Kubernetes' own groups that does not exist is wrong; any other may be a custom one."""
    api, kind = item.word("apiVersion"), item.word("kind")
    groups = {name.rpartition("/")[0] for version in wanted for name in _file(f"v{version}.json")["kinds"]}
    same_kind = [name for name in _file(f"v{wanted[-1]}.json")["kinds"] if name.endswith(f"/{kind}")]
    if same_kind and api.partition("/")[0] not in {name.partition("/")[0] for name in _file("custom.json")["kinds"]}:
        message = f"{kind} is not in {api} in Kubernetes {', '.join(wanted)}"
        at = (item.get("apiVersion") or item).at
        fix = f"write apiVersion: {same_kind[0].rpartition('/')[0]}"
        yield Finding("kubernetes/unknown-api", Severity.HIGH, message, at, fix=fix, subject=subject(item))
    elif api in groups or "/" in api or api == "v1":
        unknown.setdefault(_api(item), item.at.path)


def schema_of(version: str, api: str) -> dict[str, Any] | None:
    """The schema of `apps/v1/Deployment` for a version, with its definitions; None where there is none."""
    for name in (f"v{version}.json", "custom.json"):
        file = _file(name)
        if api in file["kinds"]:
            return {**file["kinds"][api], "$defs": file["$defs"]}
    return None


def _file(name: str) -> dict[str, Any]:
    made: dict[str, Any] = data.load(f"schemas/kubernetes/{name}")
    return made


@functools.cache
def _quick(version: str, api: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(schema_of(version, api) or True)


def _without_directives(node: Node) -> Node:
    """A patch without what only the merge understands."""
    if isinstance(node.value, dict):
        kept = {key: _without_directives(child) for key, child in node.items() if not key.startswith(_DIRECTIVES)}
        return Node(kept, node.at, node.key_at)
    if isinstance(node.value, tuple):
        items = (child for child in node.value if set(child.entries()) != {"$patch"})
        return Node(tuple(_without_directives(child) for child in items), node.at, node.key_at)
    return node


def _kustomization(document: Node) -> Iterator[Finding]:
    """Fields and their forms, and fields that kustomize has given up."""
    known = {"apiVersion", "kind", "sortOptions", *_LISTS, *_OBJECTS, *_SCALARS, *_MAPS, *_GONE}
    for key, node in document.items():
        at = node.key_at or node.at
        if key in _GONE:
            message = f'"{key}" is deprecated in kustomize'
            yield _kustomize("deprecated-field", Severity.LOW, message, at, f"use `{_GONE[key]}`")
        elif key not in known:
            import difflib

            near = difflib.get_close_matches(key, sorted(known), n=1)
            fix = f'did you mean "{near[0]}"?' if near else "remove it"
            yield _kustomize("unknown-field", Severity.HIGH, f'"{key}" is not a field of a kustomization', at, fix)
        elif key in (*_LISTS, *_OBJECTS) and not isinstance(node.value, tuple):
            yield _kustomize("wrong-type", Severity.HIGH, f"{key} is a list", node.at, "write it as a list")
        elif key in _SCALARS and not isinstance(node.value, str):
            yield _kustomize("wrong-type", Severity.HIGH, f"{key} is a text", node.at, "quote it")


def _kustomize(rule: str, severity: Severity, message: str, at: Location, fix: str) -> Finding:
    return Finding(f"kubernetes/{rule}", severity, message, at, fix=fix, property=at.pointer)
