"""Manifests against the strict schemas of the Kubernetes versions they must satisfy.

A kind without a schema is reported as not checked, never as a pass. A patch that a kustomization lists is
judged as a part of an object: nothing is required of it, and it may hold merge directives and nulls.
"""

from __future__ import annotations

import functools
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator import data
from generator.checkers import Settings, conformance
from generator.checkers.conformance import Breach
from generator.document import Node, TextFile
from generator.finding import Finding, NotChecked, Outcome, Pass, Severity, Tool

SCHEMA = "kubernetes/schema"
_RULES = {
    conformance.UNKNOWN: "kubernetes/unknown-field",
    conformance.TYPE: "kubernetes/wrong-type",
    conformance.MISSING: "kubernetes/missing-field",
    conformance.VALUE: "kubernetes/invalid-value",
}
_KUSTOMIZATIONS = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
_COMPOSE = re.compile(r"(?:docker-)?compose[^/]*\.ya?ml")
_CUSTOM, _KUSTOMIZE = "custom", "kustomization"

Schema = Mapping[str, Any]
Judge = tuple[Any, Schema]
"""A validator and what it was compiled from."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object of a file: a whole one, or a patch of one."""

    node: Node
    path: str
    patch: bool = False

    @property
    def api(self) -> str:
        return self.node.word("apiVersion")

    @property
    def kind(self) -> str:
        return self.node.word("kind")

    @property
    def identity(self) -> str:
        return f"{self.api}/{self.kind}"

    @property
    def subject(self) -> str:
        """`Deployment/shop/web`; without a namespace `Deployment/web`."""
        names = (self.kind, self.node.word("metadata", "namespace"), self.node.word("metadata", "name"))
        return "/".join(name for name in names if name)


def check(files: Sequence[TextFile], settings: Settings) -> Outcome:
    """What does not conform in the manifests and kustomizations among the files."""
    mine = [file for file in files if _is_ours(file)]
    if not mine:
        return Outcome()
    versions, lacking = _versions(settings.kubernetes_versions)
    readings = [_read(file) for file in mine]
    kustomizations = [one for reading in readings for one in reading.kustomizations]
    patches = frozenset(path for one in kustomizations for path in _patch_paths(one))
    findings: list[Finding] = [finding for reading in readings for finding in reading.findings]
    unsound = {finding.at.path for finding in findings}
    passes: list[Pass] = []
    unknown: list[Manifest] = []
    manifests = [
        one for reading in readings for root in reading.roots for one in _manifests(root, reading.path, patches)
    ]
    judges = _judges((*kustomizations, *manifests), versions)
    for manifest in (*kustomizations, *manifests):
        said = _judged(manifest, versions, judges)
        if said is None:
            unknown.append(manifest)
            continue
        findings += said
        passes += [] if said or manifest.path in unsound else [Pass(SCHEMA, manifest.path, manifest.subject)]
    not_checked = (*(lacking if manifests else ()), *_unknown(unknown), *(n for r in readings for n in r.not_checked))
    not_checked = (*not_checked, *(one for k in kustomizations for one in _inline_patches(k)))
    tools = (Tool("kubernetes schemas", ", ".join(versions)),) if manifests else ()
    return Outcome(tuple(findings), tuple(passes), not_checked, tools)


def available() -> tuple[str, ...]:
    """The Kubernetes versions we have schemas of, oldest first."""
    names = (path.stem[1:] for path in (data.folder("schemas") / "kubernetes").glob("v*.json"))
    return tuple(sorted(names, key=_number))


# files -> objects


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a file holds."""

    path: str
    roots: tuple[Node, ...] = ()
    kustomizations: tuple[Manifest, ...] = ()
    findings: tuple[Finding, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()


def _is_ours(file: TextFile) -> bool:
    name = posixpath.basename(file.path)
    if name in _KUSTOMIZATIONS:
        return True
    if not name.endswith((".yaml", ".yml", ".json")) or _COMPOSE.fullmatch(name):
        return False
    return "apiVersion" in file.text and "kind" in file.text


def _read(file: TextFile) -> _Reading:
    from generator import yamlfile

    text = _as_yaml(file.text) if file.path.endswith(".json") else file.text
    roots, findings = yamlfile.read(text, file.path)
    if findings and "{{" in file.text:
        reason = "it is a template of another program, which has to fill it in first"
        return _Reading(file.path, not_checked=(NotChecked(file.path, reason, "lint what the program makes of it"),))
    if posixpath.basename(file.path) in _KUSTOMIZATIONS:
        return _Reading(file.path, (), tuple(Manifest(root, file.path) for root in roots[:1]), findings)
    held = tuple(root for root in roots if _is_object(root))
    unread = any(finding.rule in {"yaml/syntax", "yaml/tab", "yaml/too-large"} for finding in findings)
    return _Reading(file.path, held, (), findings if held or unread else ())


_PAIR = re.compile(r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)


def _as_yaml(text: str) -> str:
    """JSON where it is no YAML: a tab is white space, and a character may be written as two surrogates."""

    def joined(match: re.Match[str]) -> str:
        high, low = (int(half, 16) for half in match.groups())
        return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"

    return _PAIR.sub(joined, text.replace("\t", " "))


def _is_object(node: Node) -> bool:
    return bool(node.word("apiVersion")) and bool(node.word("kind"))


def _manifests(root: Node, path: str, patches: frozenset[str]) -> Iterator[Manifest]:
    """A document, and when it is a list of objects, each of them."""
    whole = Manifest(root, path, path in patches)
    yield whole
    if whole.identity == "v1/List":
        yield from (Manifest(item, path) for item in root.listed("items") if _is_object(item))


def _patch_paths(kustomization: Manifest) -> Iterator[str]:
    folder = posixpath.dirname(kustomization.path)
    listed = [entry.word("path") for key in ("patches", "patchesJson6902") for entry in kustomization.node.listed(key)]
    listed += [entry.word() for entry in kustomization.node.listed("patchesStrategicMerge")]
    for path in listed:
        if path and "\n" not in path:
            yield posixpath.normpath(posixpath.join(folder, path))


def _inline_patches(kustomization: Manifest) -> Iterator[NotChecked]:
    count = sum(1 for entry in kustomization.node.listed("patches") if entry.get("patch") is not None)
    if count:
        what = f"{count} inline {'patch' if count == 1 else 'patches'} of {kustomization.path}"
        yield NotChecked(
            what, "a text inside YAML is not judged", "put a patch into a file of its own and name its `path`"
        )


# objects -> findings


def _judges(manifests: Iterable[Manifest], versions: Sequence[str]) -> Mapping[tuple[str, bool], Judge]:
    """A compiled schema for each source, of the kinds met in it: they share most definitions."""
    kinds: dict[tuple[str, bool], set[str]] = {}
    for manifest in manifests:
        for source in _sources(manifest, versions):
            kinds.setdefault((source, manifest.patch), set()).add(_key(manifest))
    return {
        (source, patch): _compiled(source, versions[-1], tuple(sorted(met)), patch)
        for (source, patch), met in kinds.items()
    }


def _judged(
    manifest: Manifest, versions: Sequence[str], judges: Mapping[tuple[str, bool], Judge]
) -> list[Finding] | None:
    """The findings about an object; None when there is no schema of its kind."""
    gone = _gone(manifest)
    if gone is not None:
        return [gone]
    sources = _sources(manifest, versions)
    if not sources:
        return None
    instance = {_key(manifest): manifest.node.plain}
    noun = f"{'an' if manifest.kind[:1] in 'AEIOU' else 'a'} {manifest.kind}" if manifest.kind else "a kustomization"
    said: dict[Breach, list[str]] = {}
    for source in sources:
        validator, schema = judges[(source, manifest.patch)]
        if not validator.is_valid(instance):
            errors = validator.iter_errors(instance)
            for breach in conformance.breaches(errors, manifest.node, schema, noun=noun, wrapped=True):
                said.setdefault(breach, []).append(source)
    return [_finding(manifest, breach, where) for breach, where in sorted(said.items())]


def _key(manifest: Manifest) -> str:
    return _KUSTOMIZE if posixpath.basename(manifest.path) in _KUSTOMIZATIONS else manifest.identity


def _sources(manifest: Manifest, versions: Sequence[str]) -> tuple[str, ...]:
    """The schema files that know the kind."""
    if _key(manifest) == _KUSTOMIZE:
        return (_KUSTOMIZE,)
    if manifest.identity == "v1/List":
        return tuple(versions[-1:])
    if manifest.identity in _schemas(_CUSTOM)["kinds"]:
        return (_CUSTOM,)
    return tuple(version for version in versions if manifest.identity in _schemas(f"v{version}")["kinds"])


def _finding(manifest: Manifest, breach: Breach, sources: Sequence[str]) -> Finding:
    versions = [source for source in sources if source not in {_CUSTOM, _KUSTOMIZE}]
    return Finding(
        _RULES[breach.problem],
        Severity.HIGH,
        f"{breach.message} (Kubernetes {' and '.join(versions)})" if versions else breach.message,
        breach.at,
        fix=breach.fix,
        subject=manifest.subject,
        property=breach.property,
        value=breach.value,
    )


def _gone(manifest: Manifest) -> Finding | None:
    """An API that no version serves any more, where no policy rule already says so."""
    row = _removed().get((manifest.api, manifest.kind))
    if row is None or not row.get("finding"):
        return None
    at = manifest.node.entries()["apiVersion"].at
    message = f"{manifest.api} {manifest.kind} is not served since Kubernetes {row['removed']}"
    fix = f"write `apiVersion: {row['replacement']}`" if row["replacement"] else "remove the object"
    return Finding(
        "kubernetes/api-removed",
        Severity.HIGH,
        message,
        at,
        fix=fix,
        subject=manifest.subject,
        property="apiVersion",
        value=manifest.api,
        url=row["source"],
    )


def _unknown(manifests: Iterable[Manifest]) -> Iterator[NotChecked]:
    """Kinds without a schema, each said once."""
    first: dict[tuple[str, str], str] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for manifest in manifests:
        key = (manifest.api, manifest.kind)
        first.setdefault(key, manifest.path)
        counts[key] += 1
    for (api, kind), path in sorted(first.items()):
        others = f" and {counts[(api, kind)] - 1} more" if counts[(api, kind)] > 1 else ""
        row = _removed().get((api, kind))
        if row:
            reason = f"Kubernetes serves it no more since {row['removed']}, so there is no schema of it"
            fix = f"move it to {row['replacement']}" if row["replacement"] else "remove it"
        else:
            reason, fix = "there is no schema of it", "have its own controller or `kubectl --dry-run=server` check it"
        yield NotChecked(f"fields of {kind} ({api}) in {path}{others}", reason, fix)


# versions and schemas


def _versions(wanted: Sequence[str]) -> tuple[tuple[str, ...], tuple[NotChecked, ...]]:
    """The versions to judge by: those wanted and the one after each; what we lack is said."""
    have = available()
    if not wanted:
        return have[-2:], ()
    short = [".".join(version.removeprefix("v").split(".")[:2]) for version in wanted]
    asked = sorted({*short, *(f"1.{_number(version)[1] + 1}" for version in short)}, key=_number)
    known = tuple(version for version in asked if version in have)
    reason = f"there are schemas of {have[0]} to {have[-1]} only"
    lacking = tuple(NotChecked(f"manifests against Kubernetes {v}", reason) for v in asked if v not in have)
    nearest = have[-1] if _number(asked[0]) > _number(have[-1]) else have[0]
    return known or (nearest,), lacking


def _number(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return (int(major) if major.isdigit() else 1, int(minor) if minor.isdigit() else 0)


def _schemas(source: str) -> Any:
    return data.load(f"schemas/kubernetes/{source}.json")


@functools.cache
def _removed() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    return {(row["apiVersion"], row["kind"]): row for row in _schemas("removed")["removed"]}


@functools.cache
def _compiled(source: str, newest: str, identities: tuple[str, ...], patch: bool) -> Judge:
    """One validator for some kinds of a source: of a mapping with an object below its `apiVersion/kind`."""
    import jsonschema_rs

    whole = _kinds(source, newest, identities)
    schema = _partial(whole) if patch else whole
    return jsonschema_rs.validator_for(schema), schema


def _kinds(source: str, newest: str, identities: Sequence[str]) -> dict[str, Any]:
    if source == _KUSTOMIZE:
        kinds, definitions = {_KUSTOMIZE: _schemas(source)}, _schemas(source)["$defs"]
    elif source == _CUSTOM:
        kinds = _schemas(_CUSTOM)["kinds"]
        definitions = {**_schemas(f"v{newest}")["$defs"], **_schemas(_CUSTOM)["$defs"]}
    else:
        kinds = {**_schemas(f"v{source}")["kinds"], "v1/List": _LIST}
        definitions = _schemas(f"v{source}")["$defs"]
    chosen = {identity: kinds[identity] for identity in identities}
    return {"properties": chosen, "$defs": _needed(chosen, definitions)}


_LIST: Schema = {
    "type": "object",
    "required": ["apiVersion", "items", "kind"],
    "additionalProperties": False,
    "properties": {
        "apiVersion": {"enum": ["v1"]},
        "kind": {"enum": ["List"]},
        "metadata": {"type": ["object", "null"]},
        "items": {"type": "array", "items": {"type": "object", "required": ["apiVersion", "kind"]}},
    },
}


def _needed(kind: Schema, definitions: Schema) -> dict[str, Any]:
    needed: dict[str, Any] = {}
    open_: list[Any] = [kind]
    while open_:
        part = open_.pop()
        if isinstance(part, list):
            open_ += part
        elif isinstance(part, dict):
            name = part.get("$ref")
            name = name.removeprefix("#/$defs/") if isinstance(name, str) else ""
            if name and name not in needed:
                needed[name] = definitions[name]
                open_.append(definitions[name])
            open_ += part.values()
    return needed


_DIRECTIVES: Schema = {"$patch": {"enum": ["delete", "merge", "replace"]}, "$retainKeys": {"type": "array"}}


def _partial(part: Any, named: bool = False) -> Any:
    """A schema of parts: nothing required, null for what is to be removed, the directives of a strategic merge."""
    if isinstance(part, list):
        return [_partial(item) for item in part]
    if not isinstance(part, Mapping):
        return part
    if named:
        return {key: _partial(value) for key, value in part.items()}
    made = {
        key: _partial(value, key in {"properties", "$defs"})
        for key, value in part.items()
        if key not in {"required", "enum", "type"}
    }
    if "type" in part:
        kinds = part["type"] if isinstance(part["type"], list) else [part["type"]]
        made["type"] = list(dict.fromkeys((*kinds, "null")))
    if "enum" in part:
        made["enum"] = list(dict.fromkeys((*part["enum"], None)))
    if "properties" in made and made.get("additionalProperties") is False:
        made["properties"].update(_DIRECTIVES)
        made["patternProperties"] = {r"^\$(setElementOrder|deleteFromPrimitiveList)/": {"type": "array"}}
    return made
