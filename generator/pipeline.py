"""The product on one page: load -> plan -> render -> check -> trace -> waive.

Every step is a function from values to values; only checkers start programs.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from generator import checkers, data, layers, targets
from generator import secrets as secret
from generator.artifact import LineOrigin, RenderedFile
from generator.document import Location, Node, TextFile
from generator.errors import Fault
from generator.finding import Finding, NotChecked, Outcome
from generator.history import History
from generator.model import Product, Spec
from generator.render import render


def generate(product: Product) -> tuple[RenderedFile, ...]:
    """Every file the spec implies, sorted by path. Raises Fault when two artifacts claim one path."""
    made: dict[str, RenderedFile] = {}
    for name in wanted(product):
        for file in render(targets.target(name).plan(product), product.spec_path):
            if file.path in made:
                raise Fault(f"{made[file.path].target} and {file.target} both want to write {file.path}")
            made[file.path] = file
    return tuple(made[path] for path in sorted(made))


def history(product: Product) -> History:
    """What the lock is to remember of this generation."""
    if "terraform" not in wanted(product):
        return product.history
    from generator.targets import terraform

    return terraform.history(product)


def left_behind(product: Product) -> Iterator[Finding]:
    """What disappears from the spec while it holds data: it is forgotten, not destroyed, and somebody should know."""
    if "terraform" in wanted(product) and product.history:
        from generator.targets import terraform

        yield from terraform.left_behind(product)


def wanted(product: Product) -> tuple[str, ...]:
    """The targets to render: what the spec lists, or all there are."""
    listed = product.base.targets
    return tuple(name for name in targets.TARGETS if not listed or name in listed)


def prepare(settings: checkers.Settings, skip: Iterable[str] = ()) -> Mapping[str, Any]:
    """Programs started before there are files for them, by checker; for `check`, or `discard`."""
    names = [name for name in checkers.CHECKERS if name not in frozenset(skip) and name in checkers.SLOW_TO_START]
    return {name: checkers.checker(name).prepare(settings) for name in names}  # type: ignore[attr-defined]


def discard(prepared: Mapping[str, Any]) -> None:
    """End what was started early and is not needed."""
    for name, process in prepared.items():
        checkers.checker(name).discard(process)  # type: ignore[attr-defined]


def check(
    files: Sequence[TextFile],
    settings: checkers.Settings,
    skip: Iterable[str] = (),
    prepared: Mapping[str, Any] | None = None,
) -> Outcome:
    """All checkers over some files; those that start a program run beside the others."""
    early = prepared or {}
    left_out = frozenset(skip)
    chosen = {name: checkers.checker(name) for name in checkers.CHECKERS if name not in left_out}
    started: dict[str, Any] = {
        name: module.start(files, settings, *([early[name]] if name in early else []))
        for name, module in chosen.items()
        if hasattr(module, "start")
    }
    outcomes = [module.check(files, settings) for name, module in chosen.items() if name not in started]
    outcomes += [job.finish() for job in started.values()]
    outcomes += [_left_out(name) for name in checkers.CHECKERS if name in left_out]
    return together(outcomes)


def together(outcomes: Iterable[Outcome]) -> Outcome:
    """Several outcomes as one, in an order that depends on nothing but their content."""
    every = tuple(outcomes)
    return Outcome(
        findings=tuple(sorted((f for o in every for f in o.findings), key=lambda finding: finding.order)),
        passes=tuple(sorted({p for o in every for p in o.passes})),
        not_checked=tuple(sorted({n for o in every for n in o.not_checked})),
        tools=tuple(sorted({t for o in every for t in o.tools})),
    )


def _left_out(name: str) -> Outcome:
    return Outcome(not_checked=(NotChecked(name, "left out with --skip", f"run again without --skip {name}"),))


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a line is as it is: one spec path with its value, place and layer."""

    path: str
    node: Node

    @property
    def at(self) -> Location:
        """The place in the spec (of a mapping, its key), its pointer being the path as the environment sees it."""
        whole = isinstance(self.node.value, dict | tuple)
        return replace((self.node.key_at if whole else None) or self.node.at, pointer=self.path)


@dataclass(frozen=True, slots=True)
class Trace:
    """The whole answer for one line of output."""

    file: RenderedFile
    line: int
    origin: LineOrigin
    reasons: tuple[Reason, ...]


def why(file: RenderedFile, line: int, product: Product) -> Trace:
    """Template place and spec places behind a line (counted from 1) of a generated file."""
    origin = file.origins[line - 1]
    spec = product.spec(file.environment)
    return Trace(file, line, origin, tuple(reason(path, spec) for path in origin.causes))


def inputs(file: RenderedFile, product: Product) -> dict[str, Any]:
    """What a file was made from: the spec values read for it, by path, and the templates, by hash."""
    spec = product.spec(file.environment)
    causes = {cause for origin in file.origins for cause in origin.causes}
    templates = {origin.template for origin in file.origins}
    values = {cause: layers.locate(spec.tree, cause).plain for cause in sorted(causes)}
    return {**values, **{name: _template(name) for name in sorted(templates)}}


@functools.cache
def _template(name: str) -> str:
    return hashlib.sha256((data.folder("templates") / name).read_bytes()).hexdigest()


def reason(path: str, spec: Spec) -> Reason:
    """The node at a spec path, or the nearest above it."""
    return Reason(path, layers.locate(spec.tree, path))


def trace(findings: Iterable[Finding], files: Iterable[RenderedFile], product: Product) -> Iterator[Finding]:
    """Point each finding at the spec line that caused it, not only at the output line."""
    by_path: Mapping[str, RenderedFile] = {file.path: file for file in files}
    calls = _calls(by_path)
    for finding in findings:
        place = _said(finding, by_path, calls)
        file = by_path.get(place.path)
        if file is None or finding.cause is not None or not file.origins:
            yield finding
            continue
        line = min(max(place.line, 1), len(file.origins))
        yield replace(finding, cause=why(file, line, product).reasons[0].at)


def _said(finding: Finding, by_path: Mapping[str, RenderedFile], calls: Mapping[str, Location]) -> Location:
    """The generated line that answers for a finding: in a module, which is the same for all, the line that calls it."""
    if not finding.at.path.startswith(_MODULES):
        return finding.at
    callers = [item.at for item in finding.related if item.at.path in by_path and not item.at.path.startswith(_MODULES)]
    called = _CALLED.match(finding.subject)
    if callers:
        return callers[0]
    return calls.get(called.group(1), finding.at) if called else finding.at


def _calls(by_path: Mapping[str, RenderedFile]) -> Mapping[str, Location]:
    """Where each module is called, by the name of the call; of several environments the last one answers."""
    made = {}
    for path in sorted(by_path):
        if path.startswith("terraform/") and not path.startswith(_MODULES) and path.endswith(".tf"):
            for number, text in enumerate(by_path[path].text.splitlines(), 1):
                if (found := _CALL.match(text)) is not None:
                    made[found.group(1)] = Location(path, number, 1)
    return made


_MODULES = "terraform/modules/"
_CALL = re.compile(r'module "([\w-]+)" \{')
_CALLED = re.compile(r"module\.([\w-]+)")


def secrets(files: Sequence[RenderedFile], product: Product) -> Iterator[Finding]:
    """What looks like a secret in what would be written; nothing is written then.

    Templates hold none, so the rule is only asked when the spec itself holds something like one.
    """
    if any(_suspicious(spec.tree) for spec in (product.base, *product.environments.values())):
        from generator import policy
        from generator.policy import waivers

        rules = (policy.rule("secrets/literal"), policy.rule("secrets/literal-variable"))
        found = policy.judge(files, rules, policy.Context()).findings
        accepted = product.base.tree.listed("waivers")
        kept = waivers.apply(tuple(found), files, spec=accepted, whole=False).findings
        yield from (finding for finding in kept if finding.rule.startswith("secrets/"))


def _suspicious(tree: Node) -> bool:
    """Whether any text of a spec has the shape of a secret, or stands under a secret's name."""
    for node in tree.walk():
        if isinstance(node.value, str) and node.layer not in {"default", "derived"}:
            name = node.at.pointer.rpartition(".")[2]
            if secret.known(node.value) or secret.is_random(node.value):
                return True
            if secret.names_secret(name) and secret.is_literal(node.value):
                return True
    return False


def unmarked(file: RenderedFile) -> str:
    """A file's text without the comment that says who made it."""
    return "".join(line for line in file.text.splitlines(keepends=True) if _MARK not in line)


_MARK = "made by groundplan "
