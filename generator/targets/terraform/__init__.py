"""Spec -> Terraform: modules of our own, one root for each environment, and what must exist before them.

The modules are plain HCL below `templates/terraform/<cloud>/modules` and are copied as they are;
a root holds nothing but calls of the modules that its environment needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from generator import data
from generator.artifact import Artifact
from generator.document import Location
from generator.finding import Finding, Severity
from generator.history import Called, History, Past, advance
from generator.model import Product, Spec
from generator.targets.terraform import aws
from generator.targets.terraform.call import Call, Expression
from generator.targets.terraform.root import Root

CLOUDS = {"aws": aws}
"""Clouds by the spec's word."""

ROOT = "terraform"


def plan(product: Product) -> Iterator[Artifact]:
    """Roots, the modules they call, and the bootstrap."""
    modules: dict[tuple[str, str], None] = {}
    for spec in product.environments.values():
        cloud = CLOUDS.get(spec.cloud.provider) if spec.cloud else None
        if cloud is None:
            continue
        root = cloud.root(spec)
        yield from _root(spec, root)
        yield from _moves(spec, root, product)
        modules |= dict.fromkeys((spec.cloud.provider, call.module) for call in root.calls) if spec.cloud else {}
    for provider in dict.fromkeys(provider for provider, _ in modules):
        yield from _bootstrap(provider)
        yield from CLOUDS[provider].bootstrap(product)
        modules[(provider, "identity")] = None  # the bootstrap calls it
    for provider, module in modules:
        yield from _module(provider, module)


def _root(spec: Spec, root: Root) -> Iterator[Artifact]:
    folder = f"{ROOT}/environments/{spec.environment.name}"

    def artifact(name: str, template: str, context: Mapping[str, Any], origin: str) -> Artifact:
        return Artifact(
            f"{folder}/{name}", "terraform", f"terraform/{template}.j2", context, origin, spec.environment.name
        )

    yield artifact("versions.tf", "root-versions.tf", _versions("aws"), "cloud.provider")
    yield artifact("providers.tf", "aws/providers.tf", {"providers": root.providers, "tags": root.tags}, "cloud")
    yield artifact("state.s3.tfbackend", "backend.hcl", {"values": root.backend}, "cloud")
    for name, template, context, origin in root.lookups:
        yield artifact(name, template, context, origin)
    by_file: dict[str, list[Call]] = {}
    for call in root.calls:
        by_file.setdefault(call.file, []).append(call)
    for name, calls in by_file.items():
        yield artifact(f"{name}.tf", "calls.tf", {"calls": [call.context() for call in calls]}, _common(calls))
    if root.variables:
        yield artifact("variables.tf", "variables.tf", {"variables": root.variables}, "services")
    if root.outputs:
        yield artifact("outputs.tf", "outputs.tf", {"outputs": root.outputs}, "services")


def history(product: Product) -> History:
    """What the lock is to remember: the calls of each environment, with the moves and removals so far."""
    made = dict(product.history)
    for name, spec in product.environments.items():
        if spec.cloud is not None and spec.cloud.provider in CLOUDS:
            made[name] = _past(spec, CLOUDS[spec.cloud.provider].root(spec), product)
    return made


def left_behind(product: Product) -> Iterator[Finding]:
    """A finding for each call that vanishes now and holds data."""
    for name, past in history(product).items():
        before = product.history.get(name, Past())
        for gone in past.removed:
            if gone not in before.removed:
                called = before.calls[gone]
                message = f"module.{gone} of {name} ({called.module}) is no longer in the spec, and it holds data"
                fix = (
                    "it is forgotten, not destroyed: delete it by hand when its data is not needed; "
                    "if it was renamed, rename it alone, generate, and change it afterwards"
                )
                at = product.environments[name].tree.at if name in product.environments else product.base.tree.at
                place = Location(product.spec_path, max(at.line, 1), max(at.column, 1))
                yield Finding(
                    "terraform/data-left-behind", Severity.MEDIUM, message, place, fix=fix, subject=f"{name}/{gone}"
                )


def _past(spec: Spec, root: Root, product: Product) -> Past:
    calls = {call.name: Called(call.module, call.fingerprint) for call in root.calls}
    return advance(product.history.get(spec.environment.name, Past()), calls, aws.HOLDING)


def _moves(spec: Spec, root: Root, product: Product) -> Iterator[Artifact]:
    past = _past(spec, root, product)
    if not past.moved and not past.removed:
        return
    context = {
        "moved": [
            {"source": Expression(f"module.{old}"), "target": Expression(f"module.{new}")} for old, new in past.moved
        ],
        "removed": [
            {
                "source": Expression(f"module.{name}"),
                "reason": "It left the spec while it held data, which stays in the cloud.",
            }
            for name in past.removed
        ],
    }
    path = f"{ROOT}/environments/{spec.environment.name}/moved.tf"
    yield Artifact(path, "terraform", "terraform/moves.tf.j2", context, spec.environment.path, spec.environment.name)


def _common(calls: Iterable[Call]) -> str:
    """The spec path above all of some calls: `resources.db` alone, `resources` of several."""
    paths = [call.origin.split(".") for call in calls]
    shared = []
    for words in zip(*paths, strict=False):
        if len(set(words)) > 1:
            break
        shared.append(words[0])
    return ".".join(shared) or "environments"


def _versions(provider: str) -> dict[str, Any]:
    wanted = data.load("schemas/data/terraform.json")
    known = wanted["providers"][provider]
    return {
        "versions": {"terraform": wanted["terraform"]["version"]},
        "provider": {"source": known["source"], "version": known["version"]},
    }


def _module(provider: str, module: str) -> Iterator[Artifact]:
    """A module's files as they stand, and its `versions.tf`."""
    yield from _as_they_stand(f"terraform/{provider}/modules/{module}", f"{ROOT}/modules/{module}")
    yield _versions_file(f"{ROOT}/modules/{module}", _module_versions(provider, module))


def _bootstrap(provider: str) -> Iterator[Artifact]:
    """The root that makes what the others need; its values are a file for each environment."""
    readme = f"terraform/{provider}/README.md"
    yield Artifact(f"{ROOT}/README.md", "terraform", readme, {}, "cloud.provider")
    yield from _as_they_stand(f"terraform/{provider}/bootstrap", f"{ROOT}/bootstrap")
    yield _versions_file(f"{ROOT}/bootstrap", _versions(provider))


def _as_they_stand(folder: str, target: str) -> Iterator[Artifact]:
    templates = data.folder("templates")
    for path in sorted((templates / folder).rglob("*")):
        if path.is_file():
            name = path.relative_to(templates / folder).as_posix()
            yield Artifact(f"{target}/{name}", "terraform", f"{folder}/{name}", {}, "cloud.provider")


def _versions_file(target: str, context: Mapping[str, Any]) -> Artifact:
    template = "terraform/module-versions.tf.j2"
    return Artifact(f"{target}/versions.tf", "terraform", template, context, "cloud.provider")


def _module_versions(provider: str, module: str) -> dict[str, Any]:
    made = _versions(provider)
    aliases = data.load("schemas/data/terraform.json")["aliases"].get(module)
    if aliases:
        names = [Expression(f"{provider}.{alias}") for alias in aliases]
        made["provider"] = {**made["provider"], "configuration_aliases": names}
    return made
