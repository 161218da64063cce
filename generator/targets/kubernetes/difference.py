"""Two renderings of one object -> the strategic merge patch between them, with the origin of every value.

https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/ says how lists
merge: some by a key, others as a whole. A keyed list whose members differ is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.artifact import RenderedFile, because
from generator.document import Node
from generator.yamlfile import read

_MERGED_BY_NAME = frozenset({"containers", "initContainers"})
_MERGED = frozenset(
    {"env", "envFrom", "ports", "volumes", "volumeMounts", "topologySpreadConstraints", "imagePullSecrets"}
)
_REPLACE = {"$patch": "replace"}
_CORE = ("apps/", "batch/", "autoscaling/", "policy/", "networking.k8s.io/", "rbac.authorization.k8s.io/")


def objects(file: RenderedFile) -> dict[tuple[str, str], Node]:
    """The objects of a rendered file by kind and name."""
    nodes, _ = read(file.text, file.path)
    return {(node.word("kind"), node.word("metadata", "name")): node for node in nodes}


def difference(base: RenderedFile, full: RenderedFile) -> list[Any]:
    """What has to be patched so that `base` becomes `full`: one partial object each, or nothing."""
    if base.text == full.text:
        return []
    before, after = objects(base), objects(full)
    made = []
    for key, node in after.items():
        if key in before and before[key].plain != node.plain:
            core = "/" not in node.word("apiVersion") or node.word("apiVersion").startswith(_CORE)
            made.append({**identity(node, full), **_changed(before[key], node, full, core)})
    return made


def identity(node: Node, file: RenderedFile) -> dict[str, Any]:
    """What names an object."""
    place = {key: tree(child, file) for key, child in node.entries("metadata").items() if key in {"name", "namespace"}}
    kept = {key: tree(child, file) for key, child in node.entries().items() if key in {"apiVersion", "kind"}}
    return {**kept, "metadata": place}


def tree(node: Node, file: RenderedFile) -> Any:
    """A node as a value whose leaves know why they are there."""
    if isinstance(node.value, dict) and node.value:
        return {key: tree(child, file) for key, child in node.value.items()}
    if isinstance(node.value, tuple) and node.value:
        return [tree(child, file) for child in node.value]
    return because(node.plain, *file.origins[node.at.line - 1].causes)


def _changed(before: Node, after: Node, file: RenderedFile, core: bool) -> dict[str, Any]:
    old, new = before.entries(), after.entries()
    made: dict[str, Any] = {key: None for key in old if key not in new}
    for key, node in new.items():
        if key not in old:
            made[key] = tree(node, file)
        elif old[key].plain != node.plain:
            made[key] = _value(key, old[key], node, file, core)
    if "metadata" in made and isinstance(made["metadata"], Mapping):
        names = {
            key: tree(child, file) for key, child in after.entries("metadata").items() if key in {"name", "namespace"}
        }
        made["metadata"] = {**names, **made["metadata"]}
    return made


def _value(key: str, before: Node, after: Node, file: RenderedFile, core: bool) -> Any:
    if isinstance(before.value, dict) and isinstance(after.value, dict):
        return _changed(before, after, file, core)
    if not isinstance(after.value, tuple) or not core:
        return tree(after, file)
    if key in _MERGED_BY_NAME and [n.word("name") for n in before.listed()] == [n.word("name") for n in after.listed()]:
        pairs = zip(before.listed(), after.listed(), strict=True)
        return [
            {"name": tree(new.entries()["name"], file), **_changed(old, new, file, core)}
            for old, new in pairs
            if old.plain != new.plain
        ]
    return _whole(key, after, file)


def _whole(key: str, after: Node, file: RenderedFile) -> list[Any]:
    """A list that takes the place of the old one."""
    items = [tree(child, file) for child in after.listed()]
    return [_REPLACE, *items] if key in _MERGED | _MERGED_BY_NAME else items
