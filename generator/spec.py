"""Text -> Product: read, extend, expand, merge, derive, validate, resolve, build.

Mistakes are findings, all of them in one run, each at the layer that made it. A Product is given
only when nothing at or above high was found, so whatever holds one may rely on it.
"""

from __future__ import annotations

import dataclasses
import os
import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from generator import data, derive, layers, lines, references, schema, semantics, specfile
from generator.document import Location, Node, pointer
from generator.finding import Finding, Related, Severity
from generator.model import Environment, Part, Product, Spec, Text

MAX_PARENTS = 10
_ENVIRONMENT_KEYS = ("promote_from", "protect")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What reading a spec gives: the product unless something serious was found, and all findings.

    `sources` has the text of every file that was read, for source frames.
    """

    product: Product | None
    findings: tuple[Finding, ...]
    sources: Mapping[str, str]


def load(path: Path, root: Path | None = None) -> Loaded:
    """Read a spec file; places are relative to `root` (default: the file's directory). Raises Fault for no file."""
    root = (root or path.parent).resolve()
    sources: dict[str, str] = {}
    tree, found = _read(path, root, sources, ())
    if tree is None:
        return Loaded(None, _ordered(found), sources)
    name = shown(path, root)
    effective, more = _effective(tree)
    found = (*found, *more, *semantics.shared_hosts({key: node for key, node in effective.items() if key}))
    if any(finding.severity >= Severity.HIGH for finding in found):
        return Loaded(None, _ordered(found), sources)
    specs = {key: _build_spec(node, key, tree.get("environments", key)) for key, node in effective.items()}
    base = specs.pop("")
    found = (*found, *_of_the_cloud(specs), *_of_the_monitoring(specs))
    whole = not any(finding.severity >= Severity.HIGH for finding in found)
    return Loaded(Product(name, base, specs) if whole else None, _ordered(found), sources)


def _of_the_cloud(specs: Mapping[str, Spec]) -> list[Finding]:
    """What the cloud says of sizes, regions and networks; its facts are only read for a cloud they are about."""
    if not any(spec.cloud is not None and spec.cloud.provider == "aws" for spec in specs.values()):
        return []
    from generator import cloud

    return cloud.judge(specs)


def _of_the_monitoring(specs: Mapping[str, Spec]) -> list[Finding]:
    """What the promises and alerts come to; nothing is computed where no monitoring is made."""
    if not any(spec.renders("monitoring") for spec in specs.values()):
        return []
    from generator.monitoring.judge import judge

    return judge(specs)


def shown(path: Path, root: Path) -> str:
    """The path as messages show it: relative to the project where it can be, with forward slashes."""
    for place in (Path(os.path.abspath(path)), path.resolve()):  # noqa: PTH100  # a link is shown by its own name
        for top in (root, root.resolve()):
            if place.is_relative_to(top):
                return place.relative_to(top).as_posix()
    return path.as_posix()


_FOLLOWS: Mapping[str, frozenset[str]] = {
    "spec/wrong-type": frozenset({"spec/ambiguous-boolean", "spec/ambiguous-number", "spec/tag", "spec/alias"}),
    "spec/wrong-form": frozenset(
        {"spec/unknown-environment", "spec/ambiguous-boolean", "spec/ambiguous-number", "spec/tag", "spec/alias"}
    ),
    "spec/not-one-of": frozenset({"spec/ambiguous-boolean", "spec/ambiguous-number", "spec/tag"}),
    "spec/too-few": frozenset({"spec/empty-value"}),
    "spec/wrong-name": frozenset(
        {"spec/unknown-service", "spec/unknown-resource", "spec/unknown-secret", "spec/unknown-environment"}
    ),
}
"""Rules that only repeat what another one said at the same place."""


def _ordered(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """By place; nothing twice, and nothing that merely follows from another."""
    unique = {
        (finding.rule, finding.at.path, finding.at.line, finding.at.column, finding.message): finding
        for finding in reversed(tuple(found))
    }
    said = {key[:4] for key in unique}
    kept = [
        finding
        for (rule, *place, _), finding in unique.items()
        if not any((other, *place) in said for other in _FOLLOWS.get(rule, ()))
    ]
    return tuple(sorted(kept, key=lambda finding: finding.order))


def _schema() -> Mapping[str, Any]:
    return typing.cast("Mapping[str, Any]", data.load("schemas/spec.schema.json"))


# reading and extending


def _read(
    path: Path, root: Path, sources: dict[str, str], children: tuple[Path, ...]
) -> tuple[Node | None, tuple[Finding, ...]]:
    """A file with its parents merged below it, shorthand expanded."""
    name = shown(path, root)
    tree, found, sources[name] = specfile.read(path, name)
    if tree is None:
        return None, found
    tree = layers.stamped(schema.expand(tree, _schema()), "extends" if children else "base")
    parent = tree.get("extends")
    if parent is None:
        return tree, found
    lower, more = _parent(parent, path, root, sources, (*children, path.resolve()))
    own = layers.without_keys(tree, "extends")
    return (layers.merge(lower, own) if lower else own), (*found, *more)


def _parent(
    node: Node, path: Path, root: Path, sources: dict[str, str], children: tuple[Path, ...]
) -> tuple[Node | None, tuple[Finding, ...]]:
    where = node.value
    if not isinstance(where, str):
        return None, (_error("wrong-type", "`extends` names one file", node.at, "write a path such as platform.yaml"),)
    if "://" in where:
        message = f'"{where}" would have to be fetched, and nothing is fetched here'
        return None, (
            _error("extends-not-local", message, node.at, "copy the file into the repository and name its path"),
        )
    target = path.parent / where
    if target.resolve() in children:
        message = f'"{where}" extends a file that extends it'
        return None, (_error("extends-cycle", message, node.at, "remove one of the two `extends`"),)
    if len(children) > MAX_PARENTS:
        message = f"more than {MAX_PARENTS} files extend one another"
        return None, (_error("extends-too-deep", message, node.at, "merge some of them"),)
    if not target.is_file():
        message = f'"{where}" is not a file beside {node.at.path}'
        return None, (_error("extends-missing", message, node.at, "mend the path"),)
    return _read(target, root, sources, children)


# one effective tree for each environment


def _effective(tree: Node) -> tuple[dict[str, Node], tuple[Finding, ...]]:
    """The complete tree of the base ("") and of each environment, and what is wrong with them."""
    found = [*schema.validate(layers.without_nulls(tree), _schema(), family="spec"), *_not_rendered(tree)]
    broken = any(finding.severity >= Severity.HIGH for finding in found)
    overrides = tree.entries("environments")
    written = layers.without_keys(tree, "environments")
    base = layers.without_nulls(written)
    found += [*semantics.nulls(written), *semantics.names(base, overrides), *semantics.slips(overrides)]
    if broken:  # the rest would find the same again, but for what only reads names
        said = {finding.at.pointer for finding in found}
        return {}, (*found, *(one for one in _dangling(base, overrides) if one.at.pointer not in said))
    trees: dict[str, Node] = {}
    for name in ("", *(overrides or ("prod",))):
        layer = overrides.get(name)
        merged = base if layer is None else layers.merge(base, semantics.known(_override(layer), base))
        complete = schema.fill(derive.derive(merged, name), _schema())
        if layer is not None:
            found += schema.validate(complete, _schema(), family="spec")
        complete, problems = _resolved(complete, name)
        found += problems
        found += [*semantics.judge(complete, name, base), *lines.judge(complete)]
        trees[name] = complete
    found += semantics.promotion(overrides)
    return trees, tuple(found)


def _dangling(base: Node, overrides: Mapping[str, Node]) -> Iterator[Finding]:
    """References to nothing in a tree that has other mistakes as well."""
    blocks = [base.get(block) for block in ("services", "resources", "secrets")]
    if all(block is None or isinstance(block.value, dict) for block in blocks):
        for name in ("", *overrides):
            merged = layers.merge(base, semantics.known(_override(overrides[name]), base)) if name else base
            yield from _resolved(merged, name)[1]


def _override(layer: Node) -> Node:
    """What an environment changes, without what it is."""
    changes = layers.without_keys(layer, *_ENVIRONMENT_KEYS)
    return layers.stamped(changes if isinstance(changes.value, dict) else Node({}, layer.at), "environment")


def _not_rendered(tree: Node) -> Iterator[Finding]:
    """An info for every key whose target does not exist yet: nothing is ignored in silence."""
    provider = tree.word("cloud", "provider") or "none"
    for node, key, target in schema.unrendered(tree, _schema()):
        if target == "terraform" and provider == "aws":
            continue
        message = f'"{key}" is read and checked, but the {target} target that renders it does not exist yet'
        if target == "terraform" and provider == "none":
            message = f'"{key}" is read and checked, but only a cloud needs it, and the spec names none'
        elif target == "terraform":
            message = f'"{key}" is read and checked, but the terraform target does not know {provider} yet'
        at = node.key_at or node.at
        yield Finding("spec/not-rendered-yet", Severity.INFO, message, at, property=node.at.pointer, value=target)


# references


def scope(tree: Node) -> references.Scope:
    """What the strings of an effective tree can refer to."""
    resources = tree.entries("resources")
    kinds = dict.fromkeys(tree.entries("services"), "service")
    kinds |= {name: resource.word("type") or "external" for name, resource in resources.items()}
    external = {name: tuple(resource.entries("outputs")) for name, resource in resources.items()}
    return references.Scope(kinds, tuple(tree.entries("secrets")), external)


def _resolved(tree: Node, environment: str) -> tuple[Node, tuple[Finding, ...]]:
    """The tree with `${app}`, `${environment}` and `${cloud.…}` filled in; every other reference is judged."""
    found: list[Finding] = []
    known = scope(tree)
    constants = {"app": tree.word("app"), "environment": environment or "base"}
    for key in ("provider", "region", "dr_region", "domain"):
        constants[f"cloud.{key}"] = tree.word("cloud", key)

    def visit(node: Node) -> Node:
        if isinstance(node.value, dict):
            return dataclasses.replace(node, value={key: visit(child) for key, child in node.value.items()})
        if isinstance(node.value, tuple):
            return dataclasses.replace(node, value=tuple(visit(child) for child in node.value))
        if isinstance(node.value, str) and "$" in node.value and not semantics.holds_name(node):
            return dataclasses.replace(node, value=filled(node, node.value))
        return node

    def filled(node: Node, text: str) -> str:
        made = []
        for offset, body, literal in references.split(text):
            if body is None:
                made.append("$${" if literal == "${" and text[offset : offset + 3] == "$${" else literal)
                continue
            meant = references.resolve(body, offset, known)
            if isinstance(meant, references.Problem):
                found.append(_reference_error(node, meant))
            elif meant.kind in {"app", "environment", "cloud"}:
                made.append(constants[body])
                continue
            else:
                found.extend(semantics.placement(node, meant, offset))
            made.append(literal)
        return "".join(made)

    return visit(tree), tuple(found)


def _reference_error(node: Node, problem: references.Problem) -> Finding:
    return _error(problem.rule, problem.message, semantics.inside(node.at, problem.offset), problem.fix)


def _error(rule: str, message: str, at: Location, fix: str, *related: Related) -> Finding:
    return Finding(f"spec/{rule}", Severity.HIGH, message, at, fix=fix, related=related, property=at.pointer)


# building


def _build_spec(tree: Node, name: str, overrides: Node | None) -> Spec:
    environment = Environment(
        path=pointer("environments", name) if name else "environments",
        name=name,
        promote_from=overrides.word("promote_from") or None if overrides else None,
        protect=_protected(name, overrides),
        development=name in derive.DEVELOPMENT,
    )
    values = {key: node for key, node in tree.items() if key != "environments"}
    return typing.cast(
        "Spec", build(Spec, Node(values, tree.at), "", scope(tree), {"environment": environment, "tree": tree})
    )


def _protected(name: str, overrides: Node | None) -> bool:
    """What the spec says, else yes unless it is known to be a development environment."""
    given = overrides.get("protect") if overrides else None
    return bool(given.value) if given is not None else name not in derive.DEVELOPMENT


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return typing.get_type_hints(kind)


def build(kind: type[Part], node: Node, path: str, known: references.Scope, given: Mapping[str, Any]) -> Part:
    """A model part from its node, field by field; `given` are fields that no key holds."""
    values: dict[str, Any] = {"path": path, **given}
    for field in dataclasses.fields(kind):
        if field.name not in values:
            key = field.name.rstrip("_")
            values[field.name] = _value(
                _hints(typing.cast("Any", kind))[field.name], node.get(key), pointer(path, key), known
            )
    return kind(**values)


def _value(hint: Any, node: Node | None, path: str, known: references.Scope) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        inner = next(argument for argument in arguments if argument is not type(None))
        return None if node is None or node.value is None else _value(inner, node, path, known)
    if origin is tuple:
        children = tuple(node.elements()) if node else ()
        return tuple(_value(arguments[0], child, pointer(path, index), known) for index, child in enumerate(children))
    if origin is dict:
        entries = tuple(node.items()) if node else ()
        return {key: _named(arguments[1], key, child, pointer(path, key), known) for key, child in entries}
    if hint is Text:
        return text(node, path, known)
    if isinstance(hint, type) and issubclass(hint, Part):
        return build(hint, node or Node({}, Location("")), path, known, {})
    return _scalar(hint, node, path)


def _named(hint: Any, name: str, node: Node, path: str, known: references.Scope) -> Any:
    """A value of a map keyed by name: a part with a `name` is told it."""
    if isinstance(hint, type) and issubclass(hint, Part):
        given = {"name": name} if any(field.name == "name" for field in dataclasses.fields(hint)) else {}
        return build(hint, node, path, known, given)
    return _value(hint, node, path, known)


def _scalar(hint: Any, node: Node | None, path: str) -> Any:
    value = node.value if node else None
    if value is None:
        neutral: dict[Any, Any] = {bool: False, str: ""}
        if hint in neutral:
            return neutral[hint]
        raise KeyError(f"{path} has neither a value nor a default")
    if hint is str:
        return str(value).lower() if isinstance(value, bool) else str(value).replace("$${", "${")
    return hint(value)


def text(node: Node | None, path: str, known: references.Scope) -> Text:
    """A string with its references resolved; the tree was judged before, so all are known."""
    value = node.value if node else None
    whole = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
    parts = []
    for offset, body, literal in references.split(whole):
        meant = None if body is None else references.resolve(body, offset, known)
        parts.append(literal if meant is None or isinstance(meant, references.Problem) else meant)
    return Text(path=path, parts=_joined(parts))


def _joined(parts: list[Any]) -> tuple[Any, ...]:
    """Neighbouring literals as one."""
    made: list[Any] = []
    for part in parts:
        if isinstance(part, str) and made and isinstance(made[-1], str):
            made[-1] += part
        else:
            made.append(part)
    return tuple(made)


def words(line: str) -> tuple[str, ...]:
    """A spec path in pieces, for `explain`."""
    return tuple(word for word in re.split(r"\.|(?=\[)", line) if word)
