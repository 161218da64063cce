"""What stands behind a line of a generated file, a rule, or a key of the spec: the answers of `why` and `explain`."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from generator import layers, pipeline, project, references, schema, spec
from generator.document import Node
from generator.errors import Fault
from generator.mistakes import nearest
from generator.model import Product
from generator.project import Project

_ELSEWHERE = {
    "spec": "A mistake in the spec; the finding names the value and the way out. `groundplan explain KEY` helps.",
    "disk": "The working tree is not what the spec says; `groundplan generate --diff` shows the difference.",
    "hcl": "A file that cannot be read as HCL.",
    "yaml": "A file that cannot be read as YAML, or reads differently from what was meant.",
    "waiver": "A waiver that has no reason, has expired, or accepts nothing any more.",
    "dr": "What is asked for a lost region is not reached. The finding shows the arithmetic, whose numbers and sources "
    "stand in schemas/data/recovery.json.",
    "schema": "The schema of the format refuses it: the server or program would refuse the file, or drop the key.",
    "promtool": "What Prometheus' own promtool says of a rule file, its tests or a configuration.",
    "amtool": "What Alertmanager's own amtool says of its configuration.",
    "hadolint": "A finding of hadolint; see https://github.com/hadolint/hadolint/wiki/{problem}",
    "checkov": "A policy of checkov; see https://www.checkov.io/5.Policy%20Index/all.html for {problem}",
}
"""Where findings are explained that no rule file describes."""
_NAMES_ELSEWHERE = {"hadolint": re.compile(r"(DL|SC)\d{4}"), "checkov": re.compile(r"CKV2?(_[A-Z0-9]+)+_\d+")}
"""How those of other tools call their rules; also without the family in front."""
_NOT_JUDGED = {
    "terraform/address-lost": "Only `groundplan diff` can tell: an address of the generation before is gone, it holds "
    "data, and no `moved` or `removed` block says what becomes of it. Applied, it would be destroyed.\n"
    "  In a generated tree both blocks are written for you while groundplan.lock remembers the call: restore the lock "
    "if it is not there, rename in the spec and nothing else, generate, and make other changes afterwards.",
}
"""Findings that come of comparing two generations, so that no rule file can judge them."""
_SCHEMA_PROBLEMS = frozenset(
    {
        "unknown-field",
        "unknown-key",
        "unknown-kind",
        "wrong-type",
        "missing-field",
        "missing-key",
        "invalid-value",
        "deprecated-field",
    }
)
_LONGEST_SHOWN = 100


def why(one: Project, file: str, line: int) -> str:
    """Everything behind one line of a generated file."""
    product = project.remembering(one)
    path = project.inside(one, file)
    files = {made.path: made for made in pipeline.generate(product)}
    if path not in files:
        raise Fault(
            f"{path} is not made from {project.name(one)}",
            "its files are listed by `groundplan generate --dry-run`",
        )
    made = files[path]
    if not 1 <= line <= len(made.origins):
        raise Fault(f"{path} has {len(made.origins)} lines", "name one of them")
    trace = pipeline.why(made, line, product)
    rows = [f"{path}:{line}: {made.text.splitlines()[line - 1].strip()}"]
    rows += [f"  because  {_reason(reason)}" for reason in trace.reasons]
    rows.append(f"  template {trace.origin.template}:{trace.origin.template_line}")
    if made.environment:
        rows.append(f"  in       environment {made.environment}")
    return "\n".join(rows) + "\n"


# rules


def is_rule(subject: str) -> bool:
    """Whether a word names a rule rather than a key: `family/name`, or what another tool calls its own."""
    return "/" in subject or any(form.fullmatch(subject) for form in _NAMES_ELSEWHERE.values())


def rule(name: str) -> str:
    """What a rule is for, and both examples. Raises Fault for one that nobody has."""
    from generator import policy

    name = _with_family(name)
    if any(name in {known.id, *known.aliases} for known in policy.rules()):
        return _of_ours(policy.rule(name))
    said = _of_others(name)
    return f"{name}\n  {said}\n" if said else _of_ours(policy.rule(name))


def _with_family(name: str) -> str:
    for family, form in _NAMES_ELSEWHERE.items():
        if form.fullmatch(name):
            return f"{family}/{name}"
    return name


def _of_others(name: str) -> str:
    """What is to be said of a finding that no rule file describes, or ""."""
    from generator.checkers.terraform.problems import PROBLEMS
    from generator.monitoring import judge

    family, _, problem = name.partition("/")
    if name in _NOT_JUDGED:
        return _NOT_JUDGED[name]
    if name == "cross/region-not-allowed":
        return "A region lies where `compliance.data_residency` does not let data lie."
    if family in {"kubernetes", "compose"} and problem in _SCHEMA_PROBLEMS:
        family = "schema"
    texts: Mapping[str, Mapping[str, str]] = {"terraform": PROBLEMS, "monitoring": judge.PROBLEMS}
    if family in texts:
        return texts[family].get(problem, "")
    form = _NAMES_ELSEWHERE.get(family)
    if form is not None and not form.fullmatch(problem):
        return ""
    return _ELSEWHERE.get(family, "").format(problem=problem)


def _of_ours(known: Any) -> str:
    rows = [f"{known.id} ({known.severity.word})", f"  {known.summary}", "", f"why  {known.why}", f"fix  {known.fix}"]
    rows += [f"also {', '.join(known.aliases)}"] if known.aliases else []
    rows += [f"tags {', '.join(known.tags)}"] if known.tags else []
    for kind, examples in known.examples.items():
        for example in examples[:1]:
            for path, text in example.items():
                rows += ["", f"{kind}: {path}", *(f"    {row}" for row in text.splitlines())]
    return "\n".join(rows) + "\n"


# keys


def key(given: Path | None, asked: str, environment: str | None) -> str:
    """What a key means and, in a project, where its value comes from, layer by layer.

    `environments.prod.services.web.port` asks what `services.web.port` is in prod.
    """
    meaning = _meaning(asked)
    rows = [f"{asked}: {meaning.get('description', meaning.get('title', ''))}"]
    if "default" in meaning:
        rows.append(f"  default  {json.dumps(meaning['default'], ensure_ascii=False)}")
    if meaning.get("examples"):
        rows.append(f"  example  {json.dumps(meaning['examples'][0], ensure_ascii=False)}")
    try:
        product = project.product(project.find(given))
    except Fault:
        if environment or given or _is_there():
            raise
        return "\n".join(rows) + "\n"
    rows += _chain(product, *_in_its_environment(asked, environment))
    return "\n".join(rows) + "\n"


def _is_there() -> bool:
    """Whether there is a project at all; without one, a key is explained all the same."""
    try:
        project.find(None)
    except Fault:
        return False
    return True


def _meaning(asked: str) -> Mapping[str, Any]:
    whole = project.spec_schema()
    words = spec.words(asked)
    meaning = schema.describe(whole, words) if words and ".." not in asked else None
    if meaning is None:
        hint = _meant(whole, words) or "see `groundplan schema` for all of them, or name a rule as family/name"
        raise Fault(f'"{asked}" is not a key of a spec', hint)
    return meaning


def _meant(whole: Mapping[str, Any], words: tuple[str, ...]) -> str:
    """A key that this is a slip of, or the whole paths of a key that was named alone."""
    for number, word in enumerate(words):
        if schema.describe(whole, words[: number + 1]) is not None:
            continue
        here = schema.describe(whole, words[:number]) or {}
        close = nearest(word, list(here.get("properties", {})))
        if close:
            return f'did you mean "{".".join((*words[:number], close, *words[number + 1 :]))}"?'
        ends = [path for path in _paths() if path.rpartition(".")[2] == word] if len(words) == 1 else []
        return f"did you mean {' or '.join(ends[:4])}?" if ends else ""
    return ""


@functools.cache
def _paths() -> tuple[str, ...]:
    """Every key of the spec by its path, the shortest first; `<name>` stands for any name."""
    whole = project.spec_schema()
    found: list[str] = []
    level = [("", whole)]
    for _ in range(5):
        below = [item for path, part in level for item in _below(path, part, whole)]
        found += [path for path, _ in below]
        level = below
    return tuple(path for path in found if not path.startswith("environments."))


def _below(path: str, part: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    lead = f"{path}." if path else ""
    for name, raw in part.get("properties", {}).items():
        yield f"{lead}{name}", schema.resolved(raw, whole)
    more = part.get("additionalProperties")
    if isinstance(more, Mapping):
        yield f"{lead}<name>", schema.resolved(more, whole)


def _in_its_environment(asked: str, environment: str | None) -> tuple[str, str | None]:
    """A key below `environments.<name>` is that key in that environment."""
    root, _, rest = asked.partition(".")
    name, _, inner = rest.partition(".")
    return (inner, name) if root == "environments" and inner else (asked, environment)


def _chain(product: Product, asked: str, environment: str | None) -> Iterator[str]:
    names = list(product.environments)
    if environment is not None and environment not in names:
        raise Fault(f'there is no environment "{environment}"', references.suggest(environment, names))
    for name in [environment] if environment else names:
        yield f"  in {name}:"
        yield from _layers(product.environments[name].tree, asked)


def _layers(tree: Node, asked: str) -> Iterator[str]:
    node = layers.locate(tree, asked)
    if not _reached(tree, asked):
        yield f"    {_why_not_set(tree, asked)}"
        return
    for number, layer in enumerate((node, *node.below)):
        lead = "    = " if number == 0 else "    over "
        yield f"{lead}{_brief(layer)}  {_layer(layer)}"


def _why_not_set(tree: Node, asked: str) -> str:
    """That a key has no value, or that the service or resource it is a key of does not exist."""
    kind, name = (*spec.words(asked), "", "")[:2]
    named = tree.get(kind) if kind in {"services", "resources"} else None
    known = list(named.value) if named is not None and isinstance(named.value, dict) else []
    if not known or not name or name in known:
        return "not set"
    return f'there is no {kind.removesuffix("s")} "{name}"; {references.suggest(name, known)}'


def _reached(tree: Node, asked: str) -> bool:
    node: Node | None = tree
    for word in spec.words(asked):
        node = node.get(int(word[1:-1]) if word.startswith("[") else word) if node else None
    return node is not None or layers.locate(tree, asked).at.pointer.endswith(asked)


# words


def _reason(reason: pipeline.Reason) -> str:
    shown = "" if isinstance(reason.node.value, dict | tuple) else f" = {_plain(reason.node)}"
    return f"{reason.path}{shown}  {_layer(reason.node)}"


def _brief(node: Node) -> str:
    """The value on one line that can be read; of a long mapping, its keys."""
    whole = _plain(node)
    if len(whole) <= _LONGEST_SHOWN or not isinstance(node.value, dict | tuple):
        return whole
    if isinstance(node.value, tuple):
        return f"a list of {len(node.value)}"
    return f"{{{', '.join(node.value)}}}"


def _plain(node: Node) -> str:
    return json.dumps(node.plain, ensure_ascii=False)


def _layer(node: Node) -> str:
    words = {"base": "the spec", "extends": "the parent", "environment": "the environment", "file": "the spec"}
    if node.layer == "default":
        return f"(default, at {node.at})"
    if node.layer == "derived":
        return f"(derived: {node.note}, at {node.at})" if node.note else f"(derived, at {node.at})"
    return f"({words.get(node.layer, node.layer)}, {node.at})"
