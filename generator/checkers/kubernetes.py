"""Manifests against the strict schemas of the Kubernetes versions they must satisfy.

A kind without a schema is reported as not checked, never as a pass. A patch that a kustomization lists or
holds is judged as a part of an object: nothing is required of it, and it may hold merge directives and nulls.
"""

from __future__ import annotations

import dataclasses
import functools
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator import data
from generator.checkers import Settings, conformance, served
from generator.checkers.conformance import Breach
from generator.document import Location, Node, TextFile
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
_CUSTOM, _KUSTOMIZE, _OPERATIONS = "custom", "kustomization", "operations"

Schema = Mapping[str, Any]
Judge = tuple[Any, Schema]
"""A validator and what it was compiled from."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object of a file: a whole one, or a patch of one; `form` names what is no object of Kubernetes."""

    node: Node
    path: str
    patch: bool = False
    form: str = ""

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
    def key(self) -> str:
        """What its schema goes by."""
        return self.form or self.identity

    @property
    def noun(self) -> str:
        named = {_KUSTOMIZE: "Kustomization", _OPERATIONS: "JSON patch"}.get(self.form, self.kind)
        return f"{'an' if named[:1] in 'AEIOU' else 'a'} {named}"

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
    readings += [_operations(file) for file in files if file.path in patches and file not in mine]
    inline = [_inline(one, file.text) for one in kustomizations for file in mine if file.path == one.path]
    documents = [(root, reading.path) for reading in readings for root in reading.roots]
    manifests = [one for root, path in documents for one in _manifests(root, path, patches)]
    manifests += [one for reading in readings for one in reading.patches]
    manifests += [one for found in inline for one in found.patches]
    early = [finding for reading in (*readings, *inline) for finding in reading.findings]
    outcome = _outcome((*kustomizations, *manifests), versions, early)
    templates = tuple(one for reading in readings for one in reading.not_checked)
    tools = (Tool("kubernetes schemas", ", ".join(versions)),) if manifests else ()
    not_checked = (*(lacking if manifests else ()), *outcome.not_checked, *templates)
    return Outcome(outcome.findings, outcome.passes, not_checked, tools)


def _outcome(manifests: Sequence[Manifest], versions: Sequence[str], early: Iterable[Finding]) -> Outcome:
    """All manifests judged; what could not be read well (`early`) passes nothing of its file."""
    findings = list(early)
    unsound = {finding.at.path for finding in findings}
    passes: list[Pass] = []
    unknown: list[Manifest] = []
    judges = _judges(manifests, versions)
    for manifest in manifests:
        said = _judged(manifest, versions, judges)
        if said is None:
            unknown.append(manifest)
            continue
        findings += said
        passes += [] if said or manifest.path in unsound else [Pass(SCHEMA, manifest.path, manifest.subject)]
    return Outcome(tuple(findings), tuple(passes), tuple(_unknown(unknown)))


# files -> objects


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a file holds."""

    path: str
    roots: tuple[Node, ...] = ()
    kustomizations: tuple[Manifest, ...] = ()
    patches: tuple[Manifest, ...] = ()
    findings: tuple[Finding, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()


def _is_ours(file: TextFile) -> bool:
    name = posixpath.basename(file.path)
    if name in _KUSTOMIZATIONS:
        return True
    if not name.endswith((".yaml", ".yml", ".json")) or _COMPOSE.fullmatch(name):
        return False
    holds = ("apiVersion" in file.text, "kind" in file.text)
    return all(holds) if name.endswith(".json") else any(holds)


def _read(file: TextFile) -> _Reading:
    from generator import yamlfile

    text = _as_yaml(file.text) if file.path.endswith(".json") else file.text
    roots, findings = yamlfile.read(text, file.path)
    if findings and "{{" in file.text:
        reason = "it is a template of another program, which has to fill it in first"
        return _Reading(file.path, not_checked=(NotChecked(file.path, reason, "lint what the program makes of it"),))
    if posixpath.basename(file.path) in _KUSTOMIZATIONS:
        found = tuple(Manifest(root, file.path, form=_KUSTOMIZE) for root in roots[:1])
        return _Reading(file.path, kustomizations=found, findings=findings)
    held = tuple(root for root in roots if _is_object(root))
    halves = tuple(_half(root) for root in roots if _is_half(root))
    meant = held or halves or (not roots and "apiVersion" in file.text and "kind" in file.text)
    return _Reading(file.path, held, findings=(*findings, *halves) if meant else ())


_PAIR = re.compile(r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)


def _as_yaml(text: str) -> str:
    """JSON where it is no YAML: a tab is white space, and a character may be written as two surrogates."""

    def joined(match: re.Match[str]) -> str:
        high, low = (int(half, 16) for half in match.groups())
        return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"

    return _PAIR.sub(joined, text.replace("\t", " "))


_ELSEWHERE = ("backstage.io/", "groundplan/")
"""Formats that look like objects of a cluster and are none: a software catalogue's, and ours."""


def _is_object(node: Node) -> bool:
    api = node.word("apiVersion")
    return bool(api) and bool(node.word("kind")) and not api.startswith(_ELSEWHERE)


def _is_half(node: Node) -> bool:
    """An object of Kubernetes' own that does not say of which kind, or of which API, it is."""
    api, kind = node.word("apiVersion"), node.word("kind")
    if bool(api) == bool(kind) or not {"metadata", "kind" if api else "apiVersion"} & set(node.entries()):
        return False
    return served.has_api(api) if api else served.has_kind(kind)


def _half(node: Node) -> Finding:
    given, lacking = ("apiVersion", "kind") if node.word("apiVersion") else ("kind", "apiVersion")
    entry = node.get(lacking) or node.entries()[given]
    message = f"an object with `{given}: {node.word(given)}` needs `{lacking}`"
    rule = _RULES[conformance.MISSING]
    return Finding(rule, Severity.HIGH, message, entry.key_at or entry.at, fix=f"add `{lacking}`", property=lacking)


def _manifests(root: Node, path: str, patches: frozenset[str]) -> Iterator[Manifest]:
    """A document, and when it is a list of objects, each of them."""
    whole = Manifest(root, path, path in patches)
    yield whole
    if whole.identity == "v1/List":
        for item in root.listed("items"):
            if _is_object(item):
                yield from _manifests(item, path, frozenset())


def _patch_paths(kustomization: Manifest) -> Iterator[str]:
    folder = posixpath.dirname(kustomization.path)
    listed = [entry.word("path") for key in ("patches", "patchesJson6902") for entry in kustomization.node.listed(key)]
    listed += [entry.word() for entry in kustomization.node.listed("patchesStrategicMerge")]
    for path in listed:
        if path and "\n" not in path:
            yield posixpath.normpath(posixpath.join(folder, path))


def _operations(file: TextFile) -> _Reading:
    """A file of a JSON patch: a list of operations, without any kind."""
    from generator import yamlfile

    roots, findings = yamlfile.read(file.text, file.path)
    found = tuple(Manifest(root, file.path, form=_OPERATIONS) for root in roots)
    return _Reading(file.path, patches=found, findings=findings)


def _inline(kustomization: Manifest, text: str) -> _Reading:
    """The patches written into a kustomization, with their places in it."""
    from generator import yamlfile

    patches: list[Manifest] = []
    findings: list[Finding] = []
    for entry in kustomization.node.listed("patches"):
        node = entry.get("patch")
        if node is None or not isinstance(node.value, str):
            continue
        roots, said = yamlfile.read(node.value, kustomization.path)
        move = _mover(node.at, text.splitlines())
        findings += [dataclasses.replace(finding, at=move(finding.at)) for finding in said]
        for root in roots:
            form = "" if _is_object(root) else _OPERATIONS
            patches.append(Manifest(_moved(root, move), kustomization.path, patch=not form, form=form))
    return _Reading(kustomization.path, patches=tuple(patches), findings=tuple(findings))


def _mover(at: Location, lines: Sequence[str]) -> Callable[[Location], Location]:
    """From a place in a block of text to its place in the file; in any other text, to where the text begins."""
    if lines[at.line - 1][at.column - 1 : at.column] != "|":
        return lambda place: dataclasses.replace(at, pointer=place.pointer)
    first = next((line for line in lines[at.line :] if line.strip()), "")
    indent = len(first) - len(first.lstrip())
    return lambda place: Location(at.path, min(at.line + place.line, len(lines)), indent + place.column, place.pointer)


def _moved(node: Node, move: Callable[[Location], Location]) -> Node:
    value = node.value
    if isinstance(value, dict):
        value = {key: _moved(child, move) for key, child in value.items()}
    elif isinstance(value, tuple):
        value = tuple(_moved(child, move) for child in value)
    return dataclasses.replace(node, value=value, at=move(node.at), key_at=move(node.key_at) if node.key_at else None)


# objects -> findings


def _judges(manifests: Iterable[Manifest], versions: Sequence[str]) -> Mapping[tuple[str, bool], Judge]:
    """A compiled schema for each source, of the kinds met in it: they share most definitions."""
    kinds: dict[tuple[str, bool], set[str]] = {}
    for manifest in manifests:
        for source in _sources(manifest, versions):
            kinds.setdefault((source, manifest.patch), set()).add(manifest.key)
    return {
        (source, patch): _compiled(source, versions[-1], tuple(sorted(met)), patch)
        for (source, patch), met in kinds.items()
    }


def _judged(
    manifest: Manifest, versions: Sequence[str], judges: Mapping[tuple[str, bool], Judge]
) -> list[Finding] | None:
    """The findings about an object; None when there is no schema of its kind."""
    refused = _refused(manifest, versions)
    if refused is not None:
        return [refused]
    sources = _sources(manifest, versions)
    if not sources:
        return None
    instance = {manifest.key: manifest.node.plain}
    said: dict[Breach, list[str]] = {}  # the fix may name other fields in each version
    fixes: dict[Breach, str] = {}
    for source in sources:
        validator, schema = judges[(source, manifest.patch)]
        if not validator.is_valid(instance):
            errors = validator.iter_errors(instance)
            for breach in conformance.breaches(errors, manifest.node, schema, noun=manifest.noun, wrapped=True):
                same = dataclasses.replace(breach, fix="")
                fixes[same] = breach.fix
                if source not in said.setdefault(same, []):
                    said[same].append(source)
    found = [
        _finding(manifest, dataclasses.replace(breach, fix=fixes[breach]), where)
        for breach, where in sorted(said.items())
    ]
    return [*found, *_nameless(manifest)]


def _sources(manifest: Manifest, versions: Sequence[str]) -> tuple[str, ...]:
    """The schema files that know the kind."""
    if manifest.form:
        return (manifest.form,)
    if manifest.identity == "v1/List":
        return tuple(versions[-1:])
    if manifest.identity in _schemas(_CUSTOM)["kinds"]:
        return (_CUSTOM,)
    return tuple(version for version in versions if manifest.identity in _schemas(f"v{version}")["kinds"])


def _finding(manifest: Manifest, breach: Breach, sources: Sequence[str]) -> Finding:
    versions = [source for source in sources if source not in {_CUSTOM, _KUSTOMIZE, _OPERATIONS}]
    # a custom kind grows with its controller, which may be younger than our schema of it
    doubtful = _CUSTOM in sources and breach.problem == conformance.UNKNOWN and not breach.fix.startswith("did you")
    return Finding(
        _RULES[breach.problem],
        Severity.LOW if doubtful else Severity.HIGH,
        f"{breach.message} (Kubernetes {' and '.join(versions)})" if versions else breach.message,
        breach.at,
        fix=f"{breach.fix}; newer versions of its controller may have more" if doubtful else breach.fix,
        confidence="medium" if doubtful else "high",
        subject=manifest.subject,
        property=breach.property,
        value=breach.value,
    )


def _refused(manifest: Manifest, versions: Sequence[str]) -> Finding | None:
    """An object of an API that not all of the versions have."""
    if manifest.form or manifest.identity == "v1/List" or manifest.identity in _schemas(_CUSTOM)["kinds"]:
        return None
    said = served.refusal(manifest.api, manifest.kind, versions)
    if said is None:
        return None
    node = manifest.node.entries()[said.property]
    return Finding(
        said.rule,
        Severity.HIGH,
        said.message,
        node.at,
        fix=said.fix,
        subject=manifest.subject,
        property=said.property,
        value=str(node.plain),
        url=said.url,
    )


def _nameless(manifest: Manifest) -> Iterator[Finding]:
    """What no cluster takes, though no schema says so."""
    if manifest.form or manifest.patch or manifest.identity == "v1/List":
        return
    metadata = manifest.node.get("metadata")
    given = metadata.entries() if metadata else {}
    named = [key for key in ("name", "generateName") if key in given and given[key].plain not in (None, "")]
    if named or (metadata and metadata.value and not given):
        return
    at = (metadata.key_at if metadata else None) or manifest.node.at
    message = "`metadata` needs `name`" if metadata else f"{manifest.noun} needs `metadata.name`"
    rule, name = _RULES[conformance.MISSING], "metadata.name"
    yield Finding(rule, Severity.HIGH, message, at, fix=f"add `{name}`", subject=manifest.subject, property=name)


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
        row = served.removed(api, kind)
        if row:
            reason = f"Kubernetes serves it no more since {row['removed']}, so there is no schema of it"
            fix = f"move it to {row['replacement']}" if row["replacement"] else "remove it"
        else:
            reason, fix = "there is no schema of it", "have its own controller or `kubectl --dry-run=server` check it"
        yield NotChecked(f"fields of {kind} ({api}) in {path}{others}", reason, fix)


# versions and schemas


def _versions(wanted: Sequence[str]) -> tuple[tuple[str, ...], tuple[NotChecked, ...]]:
    """The versions to judge by: those wanted and the one after each; what we lack is said."""
    have = served.available()
    if not wanted:
        return have[-2:], ()
    short = [".".join(version.removeprefix("v").split(".")[:2]) for version in wanted]
    asked = sorted({*short, *(f"1.{served.number(version)[1] + 1}" for version in short)}, key=served.number)
    known = tuple(version for version in asked if version in have)
    reason = f"there are schemas of {have[0]} to {have[-1]} only"
    lacking = tuple(NotChecked(f"manifests against Kubernetes {v}", reason) for v in asked if v not in have)
    nearest = have[-1] if served.number(asked[0]) > served.number(have[-1]) else have[0]
    return known or (nearest,), lacking


def _schemas(source: str) -> Any:
    return data.load(f"schemas/kubernetes/{source}.json")


@functools.cache
def _compiled(source: str, newest: str, identities: tuple[str, ...], patch: bool) -> Judge:
    """One validator for some kinds of a source: of a mapping with an object below its `apiVersion/kind`."""
    import jsonschema_rs

    whole = _kinds(source, newest, identities)
    schema = _partial(whole) if patch else whole
    return jsonschema_rs.validator_for(schema), schema


def _kinds(source: str, newest: str, identities: Sequence[str]) -> dict[str, Any]:
    if source == _OPERATIONS:
        return {"properties": {_OPERATIONS: _JSON_PATCH}}
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


_JSON_PATCH: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["op", "path"],
        "additionalProperties": False,
        "properties": {
            "op": {"enum": ["add", "copy", "move", "remove", "replace", "test"]},
            "path": {"type": "string"},
            "from": {"type": "string"},
            "value": {},
        },
    },
}
"""RFC 6902; whether the result is an object that conforms, only `kubectl kustomize` tells."""


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
        if key not in {"required", "minItems", "minProperties", "enum", "type"}
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
