"""Terraform files as documents: each resource as it takes effect in its root, with the values that are known now.

Variables with values, locals, local modules, `count`, `for_each` and dynamic blocks are followed. Everything else
becomes a node of the layer `unknown`, or `reference` where it is sure to have a value, and its note keeps what it
refers to; nobody may judge it.
"""

from __future__ import annotations

import functools
import json
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from generator.document import Location, Node, TextFile
from generator.policy.documents import Document
from generator.policy.hclread import Block, Expr, Unreadable, read
from generator.policy.terraformexpressions import Expressions, Module, Scope, all_here, literal, text_of, unknown
from generator.policy.terraformfound import UNKNOWN

_ENVIRONMENT = re.compile(r"(?:^|/)(?:overlays|environments|envs|live|stages|accounts)/([^/]+)(?:/|$)")
_NAMED = re.compile(
    r"(?:^|[-_])(?:prod|prd|production|live|staging|stage|preprod|uat|test|qa|dev|development)(?:[-_]|$)"
)
_SETTINGS = re.compile(r".*\.tfbackend|backend[\w.-]*\.hcl")
_WRAPPERS = ("terragrunt.hcl", "root.hcl", "terramate.tm.hcl")
_DEPTH, _DEEPEST, _MOST = 12, 50, 20_000
"""Modules in modules, values in JSON, resources of a project: nobody writes more by hand."""


_TRIED = re.compile(r"(?:^|/)(?:examples?|tests?|fixtures|(?:[\w-]*-)?bootstrap|tf-?state)(?:/|$)")
"""Folders whose state may well lie beside them: what is tried out, and what makes the place for state."""


def documents(files: Sequence[TextFile]) -> Iterator[Document]:
    """All documents of the Terraform files: folders, variables, outputs, providers, module calls, resources."""
    folders: dict[str, list[Block]] = {}
    values: dict[str, dict[str, tuple[Expr, Location]]] = {}
    settings: dict[str, list[Block]] = {}
    for file in sorted(files, key=lambda file: file.path):
        folder, name = posixpath.split(file.path)
        if not name.endswith(".tf") and not _SETTINGS.fullmatch(name):
            continue
        block = _read(file.text, file.path)
        if block is None:
            continue
        if _SETTINGS.fullmatch(name):
            settings.setdefault(folder, []).append(block)
        else:
            folders.setdefault(folder, []).append(block)
    for file in sorted(filter(_gives_values, files), key=_precedence):
        block = _read_json(file.text, file.path) if file.path.endswith(".json") else _read(file.text, file.path)
        if block is not None:
            values.setdefault(posixpath.dirname(file.path), {}).update(block.attributes)
    if folders:
        project = _Project(folders, values)
        project.settings = settings
        project.elsewhere = any(posixpath.basename(file.path) in _WRAPPERS for file in files)
        yield from project.documents()


@functools.lru_cache(maxsize=2048)
def _read(text: str, path: str) -> Block | None:
    """A file that cannot be read is the business of the format's own checker."""
    try:
        return read(text, path)
    except Unreadable:
        return None


def _gives_values(file: TextFile) -> bool:
    """Whether Terraform reads values of variables from the file without being told to."""
    name = posixpath.basename(file.path).removesuffix(".json")
    return name == "terraform.tfvars" or name.endswith(".auto.tfvars")


def _precedence(file: TextFile) -> tuple[bool, str]:
    """The later of two files that give a value counts.

    https://developer.hashicorp.com/terraform/language/values/variables#variable-definition-precedence
    """
    return posixpath.basename(file.path).removesuffix(".json") != "terraform.tfvars", file.path


def _read_json(text: str, path: str) -> Block | None:
    """Values that are given in JSON, as if they were written in HCL; texts in it hold no expressions."""
    at = Location(path, 1, 1)
    try:
        given = json.loads(text)
        values = {name: (_expression(value, at, 0), at) for name, value in given.items()}
    except (ValueError, AttributeError, RecursionError):
        return None
    return Block("", (), at, values)


def _expression(value: Any, at: Location, depth: int) -> Expr:
    if depth > _DEEPEST:
        raise ValueError
    if isinstance(value, dict):
        pairs = [
            (Expr("tpl", at, (name,)), _expression(inner, at, depth + 1))
            for name, inner in value.items()
            if name != "//"
        ]
        return Expr("obj", at, tuple(pairs))
    if isinstance(value, list):
        return Expr("list", at, tuple(_expression(item, at, depth + 1) for item in value))
    return Expr("tpl" if isinstance(value, str) else "lit", at, (value,))


class _Project(Expressions):
    def __init__(self, folders: dict[str, list[Block]], values: dict[str, dict[str, tuple[Expr, Location]]]) -> None:
        super().__init__()
        self._folders = folders
        self._values = values
        self.elsewhere = False
        """Whether a wrapper writes backends and providers that no file shows."""
        self.settings: dict[str, list[Block]] = {}
        """Values of a backend that stand in a file of their own, by folder."""
        self._number = 0
        self._called: set[str] = set()
        for folder, blocks in folders.items():
            for block in blocks:
                for call in block.blocks:
                    target = self._target(folder, call) if call.kind == "module" else None
                    if target is not None and target != folder:
                        self._called.add(target)

    def documents(self) -> Iterator[Document]:
        for folder in sorted(self._folders):
            yield from self._folder(folder)
        for folder in sorted(self._folders):
            if folder not in self._called:
                module = self._module(folder, "", folder, {}, 0)
                yield from self._resources(module)

    def _target(self, folder: str, call: Block) -> str | None:
        expr = call.attributes.get("source")
        source = literal(expr[0]) if expr else None
        if not isinstance(source, str) or not source.startswith(("./", "../", ".")):
            return None
        target = posixpath.normpath(posixpath.join(folder, source))
        target = "" if target == "." else target
        return target if target in self._folders else None

    def _environment(self, folder: str) -> str:
        if match := _ENVIRONMENT.search(folder):
            return match[1]
        last = posixpath.basename(folder)
        return last if _NAMED.search(last) else ""

    def _document(self, kind: str, root: Node, name: str, folder: str) -> Document:
        self._number += 1
        place = (root.at.path, self._number, name)
        return Document("terraform", kind, root, *place, environment=self._environment(folder))

    def _folder(self, folder: str) -> Iterator[Document]:
        """What a folder says of itself: versions, backend, variables, outputs, providers and module calls."""
        tops = [block for each in self._folders[folder] for block in each.blocks]
        module = Module(folder, tops, root=folder)
        settings = [block for block in tops if block.kind == "terraform"]
        providers = [block for block in tops if block.kind == "provider" and block.labels]
        backends = [inner for block in settings for inner in block.blocks if inner.kind in ("backend", "cloud")]
        is_called = folder in self._called
        is_root = not is_called and bool(backends or any(block.attributes or block.blocks for block in providers))
        at = settings[0].at if settings else self._folders[folder][0].at
        values: dict[str, Node] = {"root": Node(is_root, at)}
        makes = any(block.kind in ("resource", "module") for block in tops)
        values["applied"] = Node(is_root and makes and not self.elsewhere and not _TRIED.search(folder), at)
        if backends:
            name = backends[0].labels[0] if backends[0].labels else "cloud"
            values["backend"] = Node(name, backends[0].at)
        for block in settings:
            if "required_version" in block.attributes:
                values["required_version"] = self.value(block.attributes["required_version"][0], module, {})
            for inner in block.blocks:
                if inner.kind == "required_providers":
                    values["required_providers"] = self._body(inner, module, {})
        if is_called:
            inner_nodes = tuple(Node(block.labels[0], block.at) for block in providers)
            values["inner_providers"] = Node(inner_nodes, at)
        shown = f'folder "{folder}"' if folder else "the top folder"
        yield self._document("configuration", Node(values, at), shown, folder)
        for backend in backends:
            if backend.labels:
                told = self.settings.get(folder, [])
                body = self._body(told[0] if len(told) == 1 and not backend.attributes else backend, module, {})
                yield self._document(f"backend.{backend.labels[0]}", body, f"backend.{backend.labels[0]}", folder)
        for block in tops:
            yield from self._declaration(block, module, folder, is_called)

    def _declaration(self, block: Block, module: Module, folder: str, is_called: bool) -> Iterator[Document]:
        name = block.labels[0] if block.labels else ""
        if block.kind in ("variable", "output"):
            values = {
                key: Node(expr.text, expr.at) if key in ("type", "value") else self.value(expr, module, {})
                for key, (expr, _) in block.attributes.items()
            }
            values["name"] = Node(name, block.at)
            prefix = {"variable": "var", "output": "output"}[block.kind]
            yield self._document(block.kind, Node(values, block.at), f"{prefix}.{name}", folder)
        elif block.kind == "module":
            yield self._document("module", self._body(block, module, {}, lazy=True), f"module.{name}", folder)
        elif block.kind == "provider" and not is_called and (block.attributes or block.blocks):
            body = self._body(block, self._module(folder, "", folder, {}, _DEPTH), {})
            yield self._document(f"provider.{name}", body, f"provider.{name}", folder)

    def _module(
        self, folder: str, prefix: str, root: str, given: dict[str, tuple[Expr, Module, Scope]], depth: int
    ) -> Module:
        tops = [block for each in self._folders[folder] for block in each.blocks]
        module = Module(folder, tops, prefix, root, dict(given), depth=depth)
        for block in module.of("locals"):
            module.locals.update({name: expr for name, (expr, _) in block.attributes.items()})
        if not prefix:
            for name, (expr, _) in self._values.get(folder, {}).items():
                module.given[name] = (expr, Module("", []), {})
        return module

    def children(self, name: str, module: Module) -> list[tuple[str, Module]]:
        if name in module.children:
            return module.children[name]
        call = next((block for block in module.of("module") if block.labels[:1] == (name,)), None)
        target = self._target(module.folder, call) if call is not None else None
        mark = f"module.{name}"
        if (
            call is None
            or target is None
            or target == module.folder
            or module.depth >= _DEPTH
            or mark in module.pending
        ):
            return []
        module.pending.add(mark)
        made = []
        for key, scope in self.instances(call, module):
            given = {
                argument: (expr, module, scope)
                for argument, (expr, _) in call.attributes.items()
                if argument not in ("source", "version", "count", "for_each", "providers", "depends_on")
            }
            child = self._module(target, f"{module.prefix}module.{name}{key}.", module.root, given, module.depth + 1)
            child.service = _service(name, key) or module.service
            made.append((key, child))
        module.pending.discard(mark)
        module.children[name] = made
        return made

    def instances(self, block: Block, module: Module) -> list[tuple[str, Scope]]:
        if "count" in block.attributes:
            node = self.value(block.attributes["count"][0], module, {})
            if isinstance(node.value, int | float) and not isinstance(node.value, bool) and 0 <= node.value <= 200:
                count = int(node.value)
                return [(f"[{index}]", {"count.index": Node(index, node.at)}) for index in range(count)]
            return [("", {})]
        if "for_each" in block.attributes:
            node = self.value(block.attributes["for_each"][0], module, {})
            if node.layer in UNKNOWN or any(item.layer in UNKNOWN for item in node.elements()):
                return [("", {})]
            entries = list(node.items()) or [(str(item.value), item) for item in node.elements()]
            return [(f'["{key}"]', {"each.key": Node(key, node.at), "each.value": value}) for key, value in entries]
        return [("", {})]

    def _resources(self, module: Module) -> Iterator[Document]:
        for block in module.blocks:
            if block.kind not in ("resource", "data", "ephemeral") or len(block.labels) < 2:
                continue
            kind, name = block.labels[:2]
            front = "" if block.kind == "resource" else f"{block.kind}."
            for key, scope in self.instances(block, module):
                if self._number > _MOST:
                    return
                body = self._body(block, module, scope)
                if repeated := {n: block.attributes[n] for n in ("count", "for_each") if n in block.attributes}:
                    values = dict(body.value) if isinstance(body.value, dict) else {}
                    for attribute, (expr, _) in repeated.items():
                        node = self.value(expr, module, {})
                        values[attribute] = replace(node, at=expr.at)
                        values[f"{attribute} expression"] = Node(expr.text, expr.at)
                    body = Node(values, body.at)
                yield replace(
                    self._document(f"{front}{kind}", body, f"{front}{kind}.{name}", module.root),
                    address=f"{module.prefix}{front}{kind}.{name}{key}",
                    configuration=module.root,
                    service=module.service or _container(body, kind),
                )
        for call in module.of("module"):
            for _, child in self.children(call.labels[0] if call.labels else "", module):
                if self._number > _MOST:
                    return
                yield from self._resources(child)

    def _body(self, block: Block, module: Module, scope: Scope, *, lazy: bool = False) -> Node:
        values: dict[str, Node] = {}
        for name, (expr, at) in block.attributes.items():
            if lazy and name not in ("source", "version"):
                continue
            if name in ("ignore_changes", "replace_triggered_by", "depends_on", "providers", "provider"):
                values[name] = self._traversals(expr, module)
                continue
            if name in ("count", "for_each"):
                continue
            node = self.value(expr, module, scope)
            moved = all_here(_structured(name, node), expr.at)
            values[name] = replace(moved, at=expr.at, key_at=at)
        lists: dict[str, list[Node]] = {}
        for inner in block.blocks:
            if inner.kind == "dynamic" and inner.labels:
                made = self._dynamic(inner, module, scope)
                if made is None:
                    values[inner.labels[0]] = unknown(inner.at, "unknown", "")
                else:
                    lists.setdefault(inner.labels[0], []).extend(made)
            else:
                node = self._body(inner, module, scope)
                if inner.labels and isinstance(node.value, dict):
                    node = Node({**node.value, "type": Node(inner.labels[0], inner.at)}, node.at)
                lists.setdefault(inner.kind, []).append(node)
        for name, nodes in lists.items():
            if name not in values:
                values[name] = Node(tuple(nodes), nodes[0].at if nodes else block.at)
        return Node(values, block.at, block.at)

    def _dynamic(self, block: Block, module: Module, scope: Scope) -> list[Node] | None:
        content = next((inner for inner in block.blocks if inner.kind == "content"), None)
        if content is None or "for_each" not in block.attributes:
            return None
        over = self.value(block.attributes["for_each"][0], module, scope)
        iterator = block.attributes.get("iterator")
        name = iterator[0].text if iterator else block.labels[0]
        if over.layer in UNKNOWN:
            return None
        entries = [(Node(key, over.at), value) for key, value in sorted(over.items())]
        entries += [(item, item) for item in over.elements()]
        return [
            self._body(content, module, {**scope, f"{name}.key": key, f"{name}.value": value}) for key, value in entries
        ]

    def _traversals(self, expr: Expr, module: Module) -> Node:
        """A list of references or argument names, as texts."""
        items = expr.parts if expr.kind == "list" else (expr,)
        nodes = []
        for item in items:
            text = item.text or text_of(item)
            head = text.partition(".")[0]
            known = "." not in text or head in ("self",)
            layer, note = ("file", "") if known else ("reference", f"${{{module.prefix}{text}}}")
            nodes.append(Node(text if known else None, item.at, layer=layer, note=note))
        return Node(tuple(nodes), expr.at)


_JSON = frozenset(
    ["policy", "assume_role_policy", "inline_policy", "container_definitions", "redrive_policy", "redrive_allow_policy"]
)


def _structured(name: str, node: Node) -> Node:
    """JSON that is written as a text, as the value it stands for."""
    if name not in _JSON or not isinstance(node.value, str):
        return node
    try:
        return _of_plain(json.loads(node.value), node.at, 0)
    except (ValueError, RecursionError):
        return node


def _of_plain(value: Any, at: Location, depth: int) -> Node:
    if depth > _DEEPEST:
        raise ValueError
    if isinstance(value, dict):
        return Node({str(key): _of_plain(item, at, depth + 1) for key, item in value.items()}, at)
    if isinstance(value, list):
        return Node(tuple(_of_plain(item, at, depth + 1) for item in value), at)
    return Node(value, at)


def _service(label: str, key: str) -> str:
    """`web` of `module "service_web"`, and of an instance `["web"]` of `module "service"`."""
    match = re.fullmatch(r"(?:service|job|app|workload)s?[_-](.+)", label)
    if match:
        return match[1].replace("_", "-")
    if re.fullmatch(r"(?:service|job|app|workload)s?", label) and key.startswith('["'):
        return key[2:-2]
    return ""


def _container(body: Node, kind: str) -> str:
    """The service of a task definition of its own: the name of its only container, else of its family."""
    if kind != "aws_ecs_task_definition":
        return ""
    containers = body.listed("container_definitions")
    return containers[0].word("name") if len(containers) == 1 else body.word("family")
