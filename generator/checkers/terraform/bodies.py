"""Blocks against what the provider knows: what in them is unknown, missing, misplaced or of a wrong type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from generator.checkers.terraform.facts import PREFIX, Attribute, Body, Nested, body, names
from generator.document import Location
from generator.finding import Finding, Severity
from generator.mistakes import nearest
from generator.policy.hclread import Block, Expr

KINDS = {"resource": "resource", "data": "data source", "ephemeral": "ephemeral resource"}
_META = {
    "resource": {"count", "for_each", "provider", "depends_on"},
    "data": {"count", "for_each", "provider", "depends_on"},
    "ephemeral": {"count", "for_each", "provider", "depends_on"},
    "provider": {"alias", "version"},
}
_META_BLOCKS = {
    "resource": {"lifecycle", "provisioner", "connection"},
    "data": {"lifecycle"},
    "ephemeral": {"lifecycle"},
    "provider": set[str](),
}
FORMS: Mapping[str, tuple[frozenset[str], frozenset[str], frozenset[str]]] = {
    "variable": (
        frozenset(),
        frozenset({"type", "default", "description", "sensitive", "nullable", "ephemeral", "deprecated"}),
        frozenset({"validation"}),
    ),
    "output": (
        frozenset({"value"}),
        frozenset({"description", "sensitive", "depends_on", "ephemeral", "deprecated"}),
        frozenset({"precondition"}),
    ),
    "moved": (frozenset({"from", "to"}), frozenset(), frozenset()),
    "import": (frozenset({"to"}), frozenset({"id", "identity", "provider", "for_each"}), frozenset()),
    "removed": (frozenset({"from"}), frozenset(), frozenset({"lifecycle", "provisioner", "connection"})),
    "check": (frozenset(), frozenset(), frozenset({"assert", "data"})),
    "terraform": (
        frozenset(),
        frozenset({"required_version", "experiments"}),
        frozenset({"required_providers", "backend", "cloud", "provider_meta"}),
    ),
    "validation": (frozenset({"condition", "error_message"}), frozenset(), frozenset()),
    "precondition": (frozenset({"condition", "error_message"}), frozenset(), frozenset()),
    "postcondition": (frozenset({"condition", "error_message"}), frozenset(), frozenset()),
    "assert": (frozenset({"condition", "error_message"}), frozenset(), frozenset()),
}
"""Blocks of Terraform's own: arguments they need, arguments they may have, blocks they may have.

https://developer.hashicorp.com/terraform/language
"""
_LIFECYCLE = frozenset(
    {"create_before_destroy", "prevent_destroy", "ignore_changes", "replace_triggered_by", "destroy"}
)
LABELS = {
    "resource": 2,
    "data": 2,
    "ephemeral": 2,
    "module": 1,
    "variable": 1,
    "output": 1,
    "provider": 1,
    "check": 1,
    "locals": 0,
    "terraform": 0,
    "moved": 0,
    "import": 0,
    "removed": 0,
}
"""Blocks that may stand in a file, and how many names each has."""


REAL = ("terraform/validate",)
"""What the real terraform says of the same place is the same problem."""


def found(rule: str, message: str, at: Location, fix: str, severity: Severity = Severity.HIGH) -> Finding:
    aliases = () if severity <= Severity.LOW else REAL
    return Finding(f"terraform/{rule}", severity, message, at, fix=fix, aliases=aliases, property=at.pointer)


def suggestion(word: str, known: Iterator[str] | list[str] | tuple[str, ...], otherwise: str) -> str:
    near = nearest(word, list(known))
    return f'did you mean "{near}"?' if near else otherwise


def judge(block: Block) -> Iterator[Finding]:
    """A block of the top of a file: its names, its form, and for AWS what is in it."""
    wanted = LABELS.get(block.kind)
    if wanted is None:
        fix = suggestion(block.kind, list(LABELS), f"the blocks are {', '.join(LABELS)}")
        yield found("unknown-block", f'"{block.kind}" is not a block of Terraform', block.at, fix)
        return
    if len(block.labels) != wanted:
        message = f"{block.kind} has {wanted or 'no'} name{'' if wanted == 1 else 's'}, {len(block.labels)} stand here"
        form = " ".join(['"NAME"'] * wanted)
        yield found("wrong-labels", message, block.at, f"write {block.kind} {form}".strip())
        return
    if block.kind in FORMS:
        yield from _form(block)
    if block.kind in KINDS:
        yield from _typed(block)
    if block.kind == "provider" and block.labels[0] == "aws":
        known = body("provider", "aws")
        if known is not None:
            yield from _body(block, known, _META["provider"], _META_BLOCKS["provider"], "provider aws")


def _typed(block: Block) -> Iterator[Finding]:
    """A resource, data source or ephemeral resource."""
    name = block.labels[0]
    if "count" in block.attributes and "for_each" in block.attributes:
        at = block.attributes["for_each"][1]
        yield found("count-and-for-each", "count and for_each stand together", at, "keep one of them")
    for inner in block.blocks:
        if inner.kind == "lifecycle":
            yield from _lifecycle(inner)
    if not name.startswith(PREFIX):
        return
    known = body(block.kind, name)
    if known is None:
        other = next((kind for kind in KINDS if kind != block.kind and body(kind, name) is not None), None)
        fix = (
            f"it is a {KINDS[other]}: write {other}"
            if other
            else suggestion(name, names(block.kind), "see the provider's documentation for its types")
        )
        owner = "the AWS provider" if name.startswith("aws_") else "Terraform"
        yield found("unknown-type", f'{owner} has no {KINDS[block.kind]} "{name}"', block.at, fix)
        return
    yield from _body(block, known, _META[block.kind], _META_BLOCKS[block.kind], name)


def _form(block: Block) -> Iterator[Finding]:
    """A block of Terraform's own."""
    needed, allowed, blocks = FORMS[block.kind]
    for name, (_, at) in block.attributes.items():
        if name not in needed | allowed:
            fix = suggestion(name, [*needed, *allowed], "remove it")
            yield found("unknown-argument", f'{block.kind} has no argument "{name}"', at, fix)
    for name in sorted(needed - set(block.attributes)):
        yield found("missing-argument", f'{block.kind} needs "{name}"', block.at, f"add {name}")
    for inner in block.blocks:
        if inner.kind not in blocks:
            fix = suggestion(inner.kind, sorted(blocks), "remove it")
            yield found("unknown-nested-block", f'{block.kind} has no block "{inner.kind}"', inner.at, fix)
        elif inner.kind in FORMS:
            yield from _form(inner)
        elif inner.kind == "lifecycle":
            yield from _lifecycle(inner)


def _lifecycle(block: Block) -> Iterator[Finding]:
    for name, (expr, at) in block.attributes.items():
        if name not in _LIFECYCLE:
            fix = suggestion(name, sorted(_LIFECYCLE), "remove it")
            yield found("unknown-argument", f'lifecycle has no argument "{name}"', at, fix)
        elif name in {"prevent_destroy", "create_before_destroy", "destroy"} and expr.kind != "lit":
            message = f"{name} is read before anything is calculated, so it is true or false"
            yield found("value-not-literal", message, expr.at, "write true or false")
    for inner in block.blocks:
        if inner.kind in {"precondition", "postcondition"}:
            yield from _form(inner)
        else:
            yield found("unknown-nested-block", f'lifecycle has no block "{inner.kind}"', inner.at, "remove it")


def _body(block: Block, known: Body, meta: set[str], meta_blocks: set[str], where: str) -> Iterator[Finding]:
    """What stands in a block against what the provider knows of it."""
    for name, (expr, at) in block.attributes.items():
        if name in meta:
            continue
        attribute = known.attributes.get(name)
        if attribute is not None:
            yield from _attribute(name, attribute, expr, at, where)
        elif name in known.blocks:
            message = f'"{name}" is a block of {where}, not an argument'
            yield found("block-as-argument", message, at, f"write {name} {{ … }} without the =")
        else:
            fix = suggestion(name, [*known.attributes, *known.blocks], "see the provider's documentation")
            yield found("unknown-argument", f'{where} has no argument "{name}"', at, fix)
    for name, at in block.repeated:
        yield found("repeated-argument", f'"{name}" is given twice', at, "keep one of them")
    counts: dict[str, int] = {}
    dynamic: set[str] = set()
    for inner in block.blocks:
        yield from _nested(inner, known, meta_blocks, where, counts, dynamic)
    yield from _missing(block, known, where, counts, dynamic)


def _nested(
    inner: Block, known: Body, meta_blocks: set[str], where: str, counts: dict[str, int], dynamic: set[str]
) -> Iterator[Finding]:
    name, content = inner.kind, inner
    if name in meta_blocks:
        return
    if name == "dynamic" and inner.labels:
        name = inner.labels[0]
        dynamic.add(name)
        contents = [child for child in inner.blocks if child.kind == "content"]
        if not contents or "for_each" not in inner.attributes:
            missing = "content" if not contents else "for_each"
            yield found("missing-argument", f'dynamic "{name}" needs {missing}', inner.at, f"add {missing}")
            return
        content = contents[0]
    else:
        counts[name] = counts.get(name, 0) + 1
    place = f"{where}.{name}"
    if name in known.blocks:
        yield from _body(content, known.blocks[name].body, set(), set(), place)
    elif name in known.attributes and known.attributes[name].objects is not None:
        yield from _object(content, known.attributes[name].objects or {}, place)
    elif name in known.attributes:
        message = f'"{name}" is an argument of {where}, not a block'
        yield found("argument-as-block", message, inner.at, f"write {name} = … instead")
    else:
        fix = suggestion(name, [*known.blocks, *known.attributes], "see the provider's documentation")
        yield found("unknown-nested-block", f'{where} has no block "{name}"', inner.at, fix)


def _object(block: Block, known: Mapping[str, Any], where: str) -> Iterator[Finding]:
    """A block written for an attribute that is a list of objects."""
    for name, (_, at) in block.attributes.items():
        if name not in known:
            fix = suggestion(name, list(known), "remove it")
            yield found("unknown-argument", f'{where} has no argument "{name}"', at, fix)


def _missing(block: Block, known: Body, where: str, counts: Mapping[str, int], dynamic: set[str]) -> Iterator[Finding]:
    for name, attribute in known.attributes.items():
        if attribute.required and name not in block.attributes and name not in counts and name not in dynamic:
            yield found("missing-argument", f'{where} needs "{name}"', block.at, f"add {name}")
    for name, nested in known.blocks.items():
        count = counts.get(name, 0)
        if name not in dynamic and count < _least(nested):
            message = f'{where} needs {"a" if nested.least == 1 else nested.least} block "{name}"'
            yield found("missing-block", message, block.at, f"add {name} {{ … }}")
        elif count > (nested.most or count):
            second = [inner for inner in block.blocks if inner.kind == name][nested.most]
            message = f'{where} has at most {nested.most} block{"s" if nested.most > 1 else ""} "{name}"'
            yield found("too-many-blocks", message, second.at, "keep what is meant, remove the rest")


def _least(nested: Nested) -> int:
    return nested.least


def _attribute(name: str, attribute: Attribute, expr: Expr, at: Location, where: str) -> Iterator[Finding]:
    if not attribute.settable:
        message = f'"{name}" of {where} is decided by AWS and cannot be set'
        yield found("computed-argument-set", message, at, "remove it; other blocks may read it")
        return
    wanted = mismatch(expr, attribute.type)
    if wanted:
        yield found("wrong-argument-type", f'"{name}" of {where} is {wanted}', expr.at, f"give {wanted}")


def mismatch(expr: Expr, kind: Any) -> str:
    """What a type wants where a literal cannot be turned into it, else ""."""
    value: Any = None
    if expr.kind == "lit":
        value = expr.parts[0]
    elif expr.kind == "tpl" and all(isinstance(part, str) for part in expr.parts):
        value = "".join(expr.parts)
    elif expr.kind not in {"list", "obj"}:
        return ""
    if expr.kind == "lit" and value is None:
        return ""
    if kind == "y":
        return ""
    if isinstance(kind, str):
        return _scalar(expr, value, kind)
    collection = isinstance(kind, list) and kind[0] in {"l", "e"}
    if collection and expr.kind == "list":
        return next((f"a list; each of it {wanted}" for item in expr.parts if (wanted := mismatch(item, kind[1]))), "")
    if collection and expr.kind == "obj":
        return "a list"
    if not collection and expr.kind == "list":
        return "a map"
    if expr.kind == "obj":
        return ""
    return "a list" if collection else "a map"


def _scalar(expr: Expr, value: Any, kind: str) -> str:
    words = {"s": "a text", "n": "a number", "b": "true or false"}
    if expr.kind in {"list", "obj"}:
        return words[kind]
    if kind == "n" and (isinstance(value, bool) or (isinstance(value, str) and not _is_number(value))):
        return words[kind]
    if kind == "b" and not isinstance(value, bool) and value not in {"true", "false"}:
        return words[kind]
    return ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
