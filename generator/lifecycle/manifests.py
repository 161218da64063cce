"""Kubernetes objects and compose files of two generations, object by object.

Overlays are applied first: what is compared is what each environment deploys, and what is the same everywhere is
said once.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from generator.document import Location, Node, SourceFile
from generator.lifecycle import effects
from generator.lifecycle.change import Change, Field, worst
from generator.lifecycle.fields import Pair, compare
from generator.policy.documents import Document, documents
from generator.policy.overlays import effective, worlds

_SUFFIXES = (".yaml", ".yml", ".json")
_LAYER = re.compile(r"(?:^|/)(?:base|overlays|environments|envs)(?:/|$)")
_COMPOSE = re.compile(r"(docker-)?compose([.-][\w.-]+)?\.ya?ml", re.IGNORECASE)
_UNSEEN = frozenset({"status"})
Objects = Mapping[tuple[str, str, str], Document]


def concerned(paths: Iterable[str], every: Iterable[str]) -> tuple[str, ...]:
    """The YAML files to be read for some changed ones: these, and the layers that lie over each other with them."""
    changed = [path for path in paths if path.endswith(_SUFFIXES)]
    trees = {path[: match.start()] for path in changed if (match := _LAYER.search(path))}
    layered = [path for path in every if path.endswith(_SUFFIXES) and _above(path) in trees]
    return tuple(sorted({*changed, *layered}))


def _above(path: str) -> str | None:
    match = _LAYER.search(path)
    return path[: match.start()] if match else None


def changes(old: Sequence[SourceFile], new: Sequence[SourceFile]) -> Iterator[Change]:
    """What changes in the objects of Kubernetes and of compose files."""
    before, after = (documents(files, terraform=False) for files in (old, new))
    yield from _together(_kubernetes(before, after))
    yield from _compose(before, after)


# Kubernetes


def _kubernetes(before: Sequence[Document], after: Sequence[Document]) -> Iterator[Change]:
    sides = [dict(_environments(side)) for side in (before, after)]
    for environment in dict.fromkeys([*sides[0], *sides[1]]):
        objects = [side.get(environment, {}) for side in sides]
        for key in dict.fromkeys([*objects[0], *objects[1]]):
            change = _object(environment, objects[0].get(key), objects[1].get(key))
            if change is not None:
                yield change


def _environments(found: Sequence[Document]) -> Iterator[tuple[str, Objects]]:
    """The objects of each environment by kind, namespace and name; of kustomizations by their folder."""
    for world in worlds(effective(found)):
        named = [item.environment for item in world if item.environment]
        yield (named[0] if named else ""), {_key(item): item for item in world if item.format in _OBJECTS}


_OBJECTS = frozenset({"kubernetes", "kustomization"})


def _key(item: Document) -> tuple[str, str, str]:
    if item.format == "kustomization":
        return ("Kustomization", "", posixpath.dirname(item.file))
    return (item.kind, item.lives_in if item.kind not in _UNBOUND else "", item.name)


_UNBOUND = frozenset(
    {
        *("Namespace", "ClusterRole", "ClusterRoleBinding", "StorageClass", "PersistentVolume", "PriorityClass"),
        *("IngressClass", "GatewayClass", "RuntimeClass", "CustomResourceDefinition", "ValidatingWebhookConfiguration"),
        *("MutatingWebhookConfiguration", "ClusterIssuer", "ClusterSecretStore", "Node"),
    }
)
"""Kinds that live in no namespace."""


def _object(environment: str, old: Document | None, new: Document | None) -> Change | None:
    there = new or old
    if there is None:
        return None
    subject = "/".join(part for part in _key(there) if part)
    base = Change(
        "kubernetes",
        "",
        "Kustomization" if there.format == "kustomization" else there.kind,
        subject,
        "change",
        "none",
        at=there.root.at,
        name=there.name,
        environments=(environment,) if environment else (),
    )
    if old is None:
        return replace(base, action="add", effect="adds")
    if new is None:
        return _removed(base, there)
    return _changed(base, old, new)


def _removed(base: Change, old: Document) -> Change:
    """`kubectl apply` leaves alone what it is not told of; what prunes, deletes it."""
    data, note = effects.of_removal(old.kind)
    kept = "kubectl apply leaves it running; whatever prunes (Argo CD, kubectl apply --prune) deletes it"
    notes = (note, kept) if note else (kept,)
    gone = replace(base, action="remove", notes=notes, data=data)
    return replace(gone, effect="destroys-data" if data else "removes")


def _changed(base: Change, old: Document, new: Document) -> Change | None:
    plain = {"kind": base.kind, "immutable": _plain(old.root, "immutable"), "type": _plain(old.root, "spec", "type")}
    fields = []
    for pair in compare(old.root, new.root):
        if pair.path.partition(".")[0] in _UNSEEN:
            continue
        effect = effects.of_field(base.kind, pair.path, pair, plain)
        if effect.word == "immutable" and _remade(new.root):
            effect = effects.Effect("renews", "the hook deletes the old one first; without Argo CD or Helm, delete it")
        shown = _hidden(base.kind, pair)
        fields.append(Field(pair.path, shown.old, shown.new, effect.word, effect.note))
    if not fields:
        return None
    gravest = worst(field.effect for field in fields)
    notes = (_IMMUTABLE,) if gravest == "immutable" else ()
    first = next(field for field in fields if field.effect == gravest)
    return replace(base, effect=gravest, fields=tuple(fields), notes=notes, at=_place(new.root, first.path, new))


_IMMUTABLE = "the API server refuses this change; the object must be deleted and made anew"


_HOOKS = (
    ("argocd.argoproj.io/hook-delete-policy", "BeforeHookCreation"),
    ("helm.sh/hook-delete-policy", "before-hook-creation"),
)


def _remade(root: Node) -> bool:
    """Whether a deployer deletes the object before it applies it anew, as it does with hooks."""
    return any(word in root.word("metadata", "annotations", key) for key, word in _HOOKS)


def _plain(root: Node, *path: str) -> object:
    node = root.get(*path)
    return node.value if node is not None else None


def _hidden(kind: str, pair: Pair) -> Pair:
    """The data of a Secret is not repeated, whatever it is called."""
    if kind != "Secret" or not pair.path.startswith(("data", "stringData")):
        return pair
    sides = [replace(side, plain=None, state="hidden") if side.is_there else side for side in (pair.old, pair.new)]
    return replace(pair, old=sides[0], new=sides[1])


def _place(root: Node, path: str, document: Document) -> Location:
    """Where a field stands in the new object, or the nearest above it."""
    node = root
    for word in re.findall(r'[^.\[\]"]+', path):
        inner = node.get(word)
        if inner is None and isinstance(node.value, tuple):
            inner = next((item for item in node.elements() if word in _scalars(item)), None)
        if inner is None:
            break
        node = inner
    return node.at if node.at.path else Location(document.file, 1, 1)


def _scalars(node: Node) -> set[str]:
    return {str(child.value) for _, child in node.items() if not isinstance(child.value, dict | tuple)}


def _together(found: Iterable[Change]) -> Iterator[Change]:
    """What is the same in several environments, once."""
    groups: dict[tuple[object, ...], list[Change]] = {}
    for change in found:
        same = (change.kind, _unbound(change.subject), change.action, change.effect, change.fields, change.notes)
        groups.setdefault(_hashable(same), []).append(change)
    for alike in groups.values():
        environments = tuple(name for change in alike for name in change.environments)
        subjects = {change.subject for change in alike}
        subject = alike[0].subject if len(subjects) == 1 else _unbound(alike[0].subject)
        yield replace(alike[0], environments=environments, subject=subject)


def _unbound(subject: str) -> str:
    """`Deployment/shop-prod/web` without its namespace."""
    words = subject.split("/")
    return f"{words[0]}/{words[-1]}" if len(words) == 3 and words[0] != "Kustomization" else subject


def _hashable(value: object) -> tuple[object, ...]:
    return (repr(value),)


# compose


def _compose(before: Sequence[Document], after: Sequence[Document]) -> Iterator[Change]:
    sides = [{item.file: item.root for item in side if item.format == "compose"} for side in (before, after)]
    for path in sorted({*sides[0], *sides[1]}):
        old, new = sides[0].get(path), sides[1].get(path)
        for part in ("services", "volumes", "networks", "secrets", "configs"):
            one, other = (dict(side.entries(part)) if side is not None else {} for side in (old, new))
            for name in dict.fromkeys([*one, *other]):
                change = _part(path, part, name, one.get(name), other.get(name))
                if change is not None:
                    yield change


_BUILDS = frozenset({"build"})
_UNUSED = frozenset({"profiles", "develop", "x-develop"})


def _part(path: str, part: str, name: str, old: Node | None, new: Node | None) -> Change | None:
    there = new or old
    if there is None:
        return None
    kind = part.removesuffix("s")
    base = Change("compose", path, kind, f"{kind} {name}", "change", "in-place", at=there.key_at or there.at, name=name)
    if old is None:
        return replace(base, action="add", effect="adds")
    if new is None:
        kept = "it stays, with its data, until `docker compose down --volumes` or `docker volume rm`"
        return replace(base, action="remove", effect="removes", notes=(kept,) if part == "volumes" else ())
    fields = tuple(Field(pair.path, pair.old, pair.new, _compose_effect(part, pair.path)) for pair in compare(old, new))
    if not fields:
        return None
    fresh = part == "volumes" and any(field.path.split(".")[0] in {"name", "driver", "external"} for field in fields)
    notes = ("a container gets another volume; the data stays in the one it had",) if fresh else ()
    return replace(base, fields=fields, effect=worst(field.effect for field in fields), notes=notes)


def _compose_effect(part: str, path: str) -> str:
    if part != "services" or path.partition(".")[0] in _UNUSED:
        return "in-place"
    return "recreates-container"


def is_compose(path: str) -> bool:
    return bool(_COMPOSE.fullmatch(posixpath.basename(path)))
