"""Kustomize overlays as what they deploy: the base's objects with the overlay's patches laid over them.

A merged object keeps the place of every value, so that a finding points at the file that decides.
Patches in JSON notation (RFC 6902) are not applied.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from generator.document import Node
from generator.policy.documents import POD, Document

_KEYS = {"containers": "name", "initContainers": "name", "env": "name", "volumes": "name", "volumeMounts": "mountPath"}
"""Lists of pods that are merged by a key of their elements; all others are replaced."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Part of an object, for the objects of a kind and name."""

    kind: str
    name: str
    root: Node
    file: str


def effective(found: Sequence[Document]) -> tuple[Document, ...]:
    """The documents with patches applied: a patched object stands once for each overlay that changes it.

    A base object that every overlay replaces is left out, since nobody deploys it.
    """
    overlays = [item for item in found if item.format == "kustomization" and item.environment]
    patches = {overlay.environment: list(_patches(overlay, found)) for overlay in overlays}
    made: list[Document] = []
    for document in found:
        if document.format == "patch":
            continue
        if document.format != "kubernetes" or document.environment:
            made.append(document)
            continue
        changed = _changed(document, patches)
        if not changed or len(changed) < len(patches):
            made.append(replace(document, replaced=frozenset(changed)))
        made.extend(item for item in changed.values() if item is not None)
    return tuple(made)


def worlds(documents: Sequence[Document]) -> Iterator[tuple[Document, ...]]:
    """For each environment what stands side by side in it; everything, when there are no environments."""
    overlaid = {item.environment for item in documents if item.format in {"kubernetes", "kustomization"}} - {""}
    environments = sorted(overlaid or {item.environment for item in documents if item.environment})
    if not environments:
        yield tuple(documents)
    kustomizations = {posixpath.dirname(item.file): item for item in documents if item.format == "kustomization"}
    listed = {file for folder in kustomizations for file in _listed(folder, kustomizations, ())}
    for name in environments:
        there = [item for item in documents if item.environment in ("", name) and name not in item.replaced]
        homes: dict[str, str] = {}
        for item in there:
            node = item.root.get("namespace") if item.format == "kustomization" else None
            if node is not None:
                folder = posixpath.dirname(item.file)
                homes |= dict.fromkeys(_listed(folder, kustomizations, ()), str(node.value))
        usual = next(iter(homes.values()), "")
        yield tuple(_moved_into(item, homes.get(item.file, "" if item.file in listed else usual)) for item in there)


def _listed(folder: str, kustomizations: Mapping[str, Document], above: tuple[str, ...]) -> Iterator[str]:
    """The files that a kustomization deploys, those of the folders it names and the patches included."""
    if folder not in kustomizations or folder in above:
        return
    root = kustomizations[folder].root
    entries = [*root.listed("resources"), *root.listed("bases"), *root.listed("components")]
    entries += [patch.get("path") or patch for patch in root.listed("patches")]
    for entry in entries:
        if isinstance(entry.value, str):
            path = posixpath.normpath(posixpath.join(folder, entry.value))
            yield path
            yield from _listed(path, kustomizations, (*above, folder))


def _moved_into(document: Document, namespace: str) -> Document:
    if not namespace or document.format != "kubernetes":
        return document
    return replace(document, moved_to=namespace)


def _changed(document: Document, patches: dict[str, list[Patch]]) -> dict[str, Document | None]:
    """The object as each environment has it, where that is not as the base has it; None where it is removed."""
    changed: dict[str, Document | None] = {}
    for environment, every in patches.items():
        mine = [patch for patch in every if (patch.kind, patch.name) == (document.kind, document.name)]
        if not mine:
            continue
        root: Node | None = document.root
        for patch in mine:
            root = merged(root, patch.root, pods=document.kind in POD) if root is not None else None
        changed[environment] = (
            replace(document, root=root, environment=environment, file=mine[-1].file) if root is not None else None
        )
    return changed


def merged(base: Node, over: Node, *, pods: bool) -> Node | None:
    """A strategic merge: maps merge, null removes, lists of pods merge by their key; None when deleted."""
    directive = over.get("$patch")
    if directive is not None and directive.value == "delete":
        return None
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return over
    if directive is not None and directive.value == "replace":
        return over
    values = dict(base.value)
    for key, node in over.items():
        if node.value is None:
            values.pop(key, None)
        elif key != "$patch":
            result = _merged_at(key, values[key], node, pods) if key in values else node
            if result is None:
                values.pop(key, None)
            else:
                values[key] = result
    return Node(values, base.at, base.key_at)


def _merged_at(key: str, base: Node, over: Node, pods: bool) -> Node | None:
    by = _KEYS.get(key) if pods else None
    if by is None or not isinstance(base.value, tuple) or not isinstance(over.value, tuple):
        return merged(base, over, pods=pods)
    order: dict[object, Node] = {_name(item, by): item for item in base.elements()}
    for item in over.elements():
        name = _name(item, by)
        result = merged(order[name], item, pods=pods) if name in order else item
        if result is None:
            del order[name]
        else:
            order[name] = result
    return Node(tuple(order.values()), base.at, base.key_at)


def _name(item: Node, by: str) -> object:
    node = item.get(by)
    return node.value if node is not None and not isinstance(node.value, dict | tuple) else id(item)


def _patches(overlay: Document, found: Sequence[Document]) -> Iterator[Patch]:
    """The patches of an overlay in their order, those written inline among them."""
    folder = posixpath.dirname(overlay.file)
    by_file: dict[str, list[Document]] = {}
    for item in found:
        if item.format == "patch":
            by_file.setdefault(item.file, []).append(item)
    for key in ("patchesStrategicMerge", "patches"):
        for entry in (overlay.root.get(key) or overlay.root).elements():
            path = entry.get("path") if isinstance(entry.value, dict) else entry
            inline = entry.get("patch")
            if inline is not None and isinstance(inline.value, str):
                yield from _inline(inline, entry, overlay)
            elif path is not None and isinstance(path.value, str):
                for item in by_file.get(posixpath.normpath(posixpath.join(folder, path.value)), ()):
                    kind, name = _target(entry)
                    yield Patch(kind or item.kind, name or item.name, item.root, item.file)


def _inline(text: Node, entry: Node, overlay: Document) -> Iterator[Patch]:
    """A patch inside the kustomization; its values stand where the text begins."""
    from generator import yamlfile

    kind, name = _target(entry)
    for root in yamlfile.read(str(text.value), overlay.file)[0]:
        own, title = root.get("kind"), root.get("metadata", "name")
        if isinstance(root.value, dict):
            kind = kind or str(own.value if own else "")
            name = name or str(title.value if title else "")
            yield Patch(kind, name, _moved(root, text), overlay.file)


def _target(entry: Node) -> tuple[str, str]:
    kind, name = entry.get("target", "kind"), entry.get("target", "name")
    return str(kind.value) if kind else "", str(name.value) if name else ""


def _moved(node: Node, to: Node) -> Node:
    at = replace(to.at, pointer=node.at.pointer)
    if isinstance(node.value, dict):
        return Node({key: _moved(child, to) for key, child in node.items()}, at)
    if isinstance(node.value, tuple):
        return Node(tuple(_moved(child, to) for child in node.elements()), at)
    return Node(node.value, at)
