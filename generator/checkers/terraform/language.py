"""Terraform's own blocks against the rules of its language, which hold whatever the provider is.

https://developer.hashicorp.com/terraform/language
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from generator.checkers.terraform.bodies import KINDS, found, suggestion
from generator.checkers.terraform.names import Folder
from generator.checkers.terraform.types import Kind, misfit, of_constraint
from generator.document import Location
from generator.finding import Finding
from generator.policy.hclread import Block, Expr

_NAME = re.compile(r"[^\W\d][\w-]*")
_RESERVED = frozenset({"source", "version", "providers", "count", "for_each", "lifecycle", "depends_on", "locals"})
_VERSIONS = re.compile(
    r"\s*(?:=|!=|>|>=|<|<=|~>)?\s*v?\d+(?:\.\d+)*(?:-[\w.-]+)?(?:\+[\w.-]+)?\s*"
    r"(?:,\s*(?:=|!=|>|>=|<|<=|~>)?\s*v?\d+(?:\.\d+)*(?:-[\w.-]+)?(?:\+[\w.-]+)?\s*)*"
)
_LITERAL: Mapping[str, tuple[str, ...]] = {
    "variable": ("default", "sensitive", "nullable", "ephemeral", "description"),
    "module": ("source", "version"),
    "provider": ("alias", "version"),
    "terraform": ("required_version",),
    "output": ("sensitive", "ephemeral", "description"),
}
"""Arguments that are read before anything is calculated."""
_PROVISIONERS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "local-exec": (frozenset({"command"}), frozenset({"working_dir", "interpreter", "environment", "quiet"})),
    "remote-exec": (frozenset(), frozenset({"inline", "script", "scripts"})),
    "file": (frozenset({"destination"}), frozenset({"source", "content"})),
}
"""What each needs, and what else it takes. https://developer.hashicorp.com/terraform/language/resources/provisioners/syntax"""
_CONDITIONS = frozenset({"validation", "precondition", "postcondition", "assert"})


def judge(folder: Folder) -> Iterator[Finding]:
    """All blocks of a folder, each for itself and then together."""
    for block in folder.blocks:
        yield from _names(block)
        yield from _literals(block)
        yield from _conditions(block, block)
        yield from _repeated(block)
        yield from _BY_KIND.get(block.kind, _nothing)(block)
        if block.kind in KINDS:
            yield from _typed(block)
    yield from _once(folder)


def loose(top: Block) -> Iterator[Finding]:
    """Arguments that stand outside of every block."""
    for name, (_, at) in top.attributes.items():
        fix = "put it into a block: locals for a value of your own"
        yield found("unknown-argument", f'"{name}" stands outside of every block', at, fix)


def text_of(expr: Expr) -> str | None:
    """A text that is written out, else None."""
    if expr.kind == "tpl" and all(isinstance(part, str) for part in expr.parts):
        return "".join(expr.parts)
    return None


def within(part: Any) -> Iterator[Expr]:
    """An expression and all it is made of."""
    ahead = [part]
    while ahead:
        this = ahead.pop()
        if isinstance(this, Expr):
            yield this
            ahead += this.parts
        elif isinstance(this, tuple | list):
            ahead += this


def references(part: Any) -> Iterator[tuple[str, ...]]:
    """The names that references in an expression begin with: `var, name` or `aws_sqs_queue, this, arn`."""
    for expr in within(part):
        if expr.kind == "get" and expr.parts[0].kind == "name":
            yield (str(expr.parts[0].parts[0]), *[str(word) for sort, word in expr.parts[1] if sort == "attr"])


def _nothing(_block: Block) -> Iterator[Finding]:
    yield from ()


# every block


def _names(block: Block) -> Iterator[Finding]:
    wanted = "a name begins with a letter or underscore and holds letters, digits, underscores and dashes"
    for label in block.labels if block.kind != "provisioner" else ():
        if not _NAME.fullmatch(label):
            yield found("wrong-name", f'"{label}" is no name', block.at, wanted)
    if block.kind == "variable" and block.labels and block.labels[0] in _RESERVED:
        message = f'"{block.labels[0]}" means something else in a module block, so no variable is called so'
        yield found("wrong-name", message, block.at, "choose another name")


def _literals(block: Block) -> Iterator[Finding]:
    for name in _LITERAL.get(block.kind, ()):
        if name not in block.attributes:
            continue
        expr = block.attributes[name][0]
        if any(inner.kind in {"get", "call", "for"} for inner in within(expr)):
            message = f'"{name}" is read before anything is calculated, so it is written out'
            yield found("value-not-literal", message, expr.at, "write the value itself, or use a local value elsewhere")
        elif name in {"sensitive", "nullable", "ephemeral"} and misfit(_written(expr), "b"):
            yield found("wrong-argument-type", f'"{name}" is true or false', expr.at, "write true or false")


def _written(expr: Expr) -> Kind:
    text = text_of(expr)
    if text is not None:
        return Kind("s", text)
    return Kind({"list": ("t",), "obj": {}}.get(expr.kind, "b" if isinstance(expr.parts[0], bool) else "n"))


def _conditions(block: Block, owner: Block) -> Iterator[Finding]:
    """A condition refers to something, that of a variable to the variable."""
    for inner in block.blocks:
        condition = inner.attributes.get("condition")
        if inner.kind in _CONDITIONS and condition is not None:
            names = list(references(condition[0]))
            own = ("var", owner.labels[0]) if owner.kind == "variable" and owner.labels else ()
            if own and inner.kind == "validation" and not any(name[:2] == own for name in names):
                message = f"the condition does not refer to var.{own[1]}, whose values it is for"
                yield found("condition-of-nothing", message, condition[0].at, f"compare var.{own[1]}")
            elif not names:
                fix = "refer to what is to be checked"
                message = "the condition refers to nothing, so it checks nothing"
                yield found("condition-of-nothing", message, condition[0].at, fix)
        yield from _conditions(inner, owner)


def _repeated(block: Block) -> Iterator[Finding]:
    for name, at in block.repeated:
        yield found("repeated-argument", f'"{name}" is given twice', at, "keep one of them")
    for inner in block.blocks:
        yield from _repeated(inner)


# blocks by kind


def _locals(block: Block) -> Iterator[Finding]:
    for inner in block.blocks:
        yield found("unknown-nested-block", "locals hold values only", inner.at, f"write {inner.kind} = {{ … }}")


def _variable(block: Block) -> Iterator[Finding]:
    given = block.attributes.get("type")
    if given is not None:
        yield from _constraint(given[0], member=False)


_SHAPES = {"list": "one type", "set": "one type", "map": "one type", "object": "names with types in braces"}


def _constraint(expr: Expr, *, member: bool) -> Iterator[Finding]:
    """A type, as `type` of a variable has it; only members of objects may be optional."""
    text = text_of(expr)
    if text is not None:
        fix = (
            f"write {text} without quotes" if text in {"string", "number", "bool"} else "write the type without quotes"
        )
        yield found("wrong-type", f'a type is no text, "{text}" stands here', expr.at, fix)
    elif expr.kind == "name":
        if expr.parts[0] not in {"string", "number", "bool", "any", "list", "map", "set"}:
            words = ["string", "number", "bool", "any", "list", "set", "map", "object", "tuple"]
            fix = suggestion(str(expr.parts[0]), words, f"the types are {', '.join(words)}")
            yield found("wrong-type", f'there is no type "{expr.parts[0]}"', expr.at, fix)
    elif expr.kind != "call":
        fix = "write string, number, bool, any, list(…), set(…), map(…), object({…}) or tuple([…])"
        yield found("wrong-type", "this is no type", expr.at, fix)
    else:
        yield from _constructed(str(expr.parts[0]), expr.parts[1], expr, member=member)


def _constructed(name: str, arguments: Sequence[Expr], expr: Expr, *, member: bool) -> Iterator[Finding]:
    first = arguments[0] if arguments else None
    if name == "optional" and member and first is not None and len(arguments) <= 2:
        yield from _constraint(first, member=False)
        if len(arguments) == 2 and (reason := misfit(_shape(arguments[1]), of_constraint(first))):
            yield found("wrong-default", f"the default is {reason}", arguments[1].at, f"give {reason}")
    elif name == "optional":
        message = "optional stands at members of an object, with a type and at most a default"
        yield found("wrong-type", message, expr.at, "write object({ name = optional(string) })")
    elif name in {"list", "set", "map"} and first is not None and len(arguments) == 1:
        yield from _constraint(first, member=False)
    elif name == "object" and first is not None and len(arguments) == 1 and first.kind == "obj":
        for _, value in first.parts:
            yield from _constraint(value, member=True)
    elif name == "tuple" and first is not None and len(arguments) == 1 and first.kind == "list":
        for item in first.parts:
            yield from _constraint(item, member=False)
    elif name in {*_SHAPES, "tuple"}:
        wanted = _SHAPES.get(name, "types in brackets")
        yield found("wrong-type", f"{name} takes {wanted}", expr.at, f"give {wanted}")
    else:
        fix = suggestion(name, [*_SHAPES, "tuple", "optional"], "see the types of Terraform")
        yield found("wrong-type", f'there is no type "{name}"', expr.at, fix)


def _shape(expr: Expr) -> Kind:
    """The type of a value that is written out; not known for anything else."""
    if expr.kind in {"tpl", "list", "obj"}:
        return _written(expr) if expr.kind == "tpl" else Kind("y")
    if expr.kind == "lit":
        return Kind("z") if expr.parts[0] is None else _written(expr)
    return Kind("y")


_ELSEWHERE = re.compile(
    r"::|^[a-z]+://|^(?:github\.com|bitbucket\.org|gitlab\.com)/|^git@|^s3|^gcs|\.git\b|[?]|^/|^[A-Za-z]:"
)


def _module(block: Block) -> Iterator[Finding]:
    for inner in block.blocks:
        message = f'a module block has no block "{inner.kind}"'
        yield found("unknown-nested-block", message, inner.at, "give it to the module as an argument, or remove it")
    if "source" not in block.attributes:
        return
    expr = block.attributes["source"][0]
    source = text_of(expr)
    if source is None:
        if expr.kind in {"lit", "list", "obj"}:
            yield found("wrong-module-source", "the source of a module is a text", expr.at, 'write "./…" or an address')
    elif source.startswith(("./", "../")) or source in {".", ".."}:
        if "version" in block.attributes:
            message = "a module of this project has no version of its own"
            yield found("wrong-module-source", message, block.attributes["version"][1], "remove version")
    elif not _ELSEWHERE.search(source) and len(source.split("//")[0].split("/")) not in {3, 4}:
        message = f'"{source}" is neither a path nor an address'
        yield found("wrong-module-source", message, expr.at, f'write "./{source}" for a folder of this project')
    if "version" in block.attributes:
        yield from _version(block.attributes["version"][0])


def _version(expr: Expr) -> Iterator[Finding]:
    text = text_of(expr)
    if text is not None and not _VERSIONS.fullmatch(text):
        yield found("wrong-version", f'"{text}" is no bound on versions', expr.at, 'write ">= 1.2, < 2.0" or "~> 1.2"')


def _terraform(block: Block) -> Iterator[Finding]:
    if "required_version" in block.attributes:
        yield from _version(block.attributes["required_version"][0])
    for inner in block.blocks:
        if inner.kind != "required_providers":
            continue
        for expr, _ in inner.attributes.values():
            if expr.kind != "obj":
                yield from _version(expr)
                continue
            for key, value in expr.parts:
                yield from _required(str(key.parts[0]) if key.parts else "", key.at, value)


def _required(name: str, at: Location, value: Expr) -> Iterator[Finding]:
    known = ["source", "version", "configuration_aliases"]
    if name not in known:
        fix = suggestion(name, known, f"there are {', '.join(known)}")
        yield found("unknown-argument", f'a required provider has no "{name}"', at, fix)
    elif name == "version":
        yield from _version(value)
    elif name == "source":
        text = text_of(value)
        if text is not None and not re.fullmatch(r"(?:[\w.:-]+/)?(?:[\w-]+/)?[\w-]+", text):
            fix = 'write it as "hashicorp/aws", or with its host in front'
            yield found("wrong-argument-type", f'"{text}" is no source of a provider', value.at, fix)


def _moved(block: Block) -> Iterator[Finding]:
    ends = [block.attributes[name][0] for name in ("from", "to") if name in block.attributes]
    for expr in ends:
        if expr.kind not in {"get", "name"}:
            yield found("wrong-address", "an address is written without quotes", expr.at, "write aws_sqs_queue.orders")
    if len(ends) == 2 and all(expr.kind == "get" for expr in ends) and _is_module(ends[0]) != _is_module(ends[1]):
        message = "a module is moved to a module, a resource to a resource"
        yield found("wrong-address", message, ends[1].at, "name two resources, or two modules")
    if (
        block.kind == "removed"
        and ends
        and ends[0].kind == "get"
        and any(sort == "idx" for sort, _ in ends[0].parts[1])
    ):
        fix = "remove the brackets: all instances are let go of"
        yield found("wrong-address", "removed speaks of a whole resource", ends[0].at, fix)


def _is_module(expr: Expr) -> bool:
    words = [word for sort, word in expr.parts[1] if sort == "attr"]
    return bool(expr.parts[0].parts[0] == "module" and len(words) == 1)


def _import(block: Block) -> Iterator[Finding]:
    if not {"id", "identity"} & set(block.attributes):
        yield found("missing-argument", 'import needs "id"', block.at, "add id")
    elif "id" in block.attributes and text_of(block.attributes["id"][0]) == "":
        yield found("missing-argument", "the id is empty", block.attributes["id"][0].at, "give the id of what exists")


def _check(block: Block) -> Iterator[Finding]:
    if not any(inner.kind == "assert" for inner in block.blocks):
        yield found("missing-block", "check needs a block assert", block.at, "add assert { … }")
    for inner in [inner for inner in block.blocks if inner.kind == "data"][1:]:
        yield found("too-many-blocks", "check has at most 1 data source", inner.at, "write another check for it")


_BY_KIND = {
    "locals": _locals,
    "variable": _variable,
    "module": _module,
    "terraform": _terraform,
    "moved": _moved,
    "removed": _moved,
    "import": _import,
    "check": _check,
}


# resources


def _typed(block: Block) -> Iterator[Finding]:
    lifecycles = [inner for inner in block.blocks if inner.kind == "lifecycle"]
    for inner in lifecycles[1:]:
        yield found("too-many-blocks", f"{block.kind} has at most 1 block lifecycle", inner.at, "make them one")
    for inner in lifecycles if block.kind != "resource" else ():
        for name, (_, at) in inner.attributes.items():
            message = f'lifecycle of a {KINDS[block.kind]} has no argument "{name}"'
            yield found("unknown-argument", message, at, "remove it; only resources have it")
    for inner in block.blocks:
        if inner.kind == "provisioner" and block.kind == "resource":
            yield from _provisioner(inner)
    if "depends_on" in block.attributes:
        yield from _depends(block.attributes["depends_on"][0])


def _provisioner(block: Block) -> Iterator[Finding]:
    name = block.labels[0] if block.labels else ""
    if name not in _PROVISIONERS:
        fix = suggestion(name, list(_PROVISIONERS), f"there are {', '.join(_PROVISIONERS)}")
        yield found("unknown-type", f'Terraform has no provisioner "{name}"', block.at, fix)
        return
    needed, allowed = _PROVISIONERS[name]
    for argument, (_, at) in block.attributes.items():
        if argument not in {*needed, *allowed, "when", "on_failure"}:
            fix = suggestion(argument, [*needed, *allowed, "when", "on_failure"], "remove it")
            yield found("unknown-argument", f'{name} has no argument "{argument}"', at, fix)
    for argument in sorted(needed - set(block.attributes)):
        yield found("missing-argument", f'{name} needs "{argument}"', block.at, f"add {argument}")


def _depends(expr: Expr) -> Iterator[Finding]:
    """depends_on names whole things, not their attributes."""
    for item in expr.parts if expr.kind == "list" else ():
        if item.kind != "get" or item.parts[0].kind != "name":
            continue
        root = str(item.parts[0].parts[0])
        most = {"data": 2, "ephemeral": 2}.get(root, 1)
        if (
            root not in {"module", "var", "local"}
            and len([word for sort, word in item.parts[1] if sort == "attr"]) > most
        ):
            message = "depends_on names whole resources, not an attribute of one"
            yield found("wrong-address", message, item.at, "remove what follows its name")


# the folder


def _once(folder: Folder) -> Iterator[Finding]:
    """What stands once in a module: each provider without an alias, the backend, the required providers; no circles."""
    seen: set[tuple[str, ...]] = set()
    for block in folder.blocks:
        if block.kind == "provider" and block.labels:
            alias = block.attributes.get("alias")
            named = (text_of(alias[0]) or "" if alias else "",)
            if named[0] and not _NAME.fullmatch(named[0]):
                fix = "write letters, digits, underscores and dashes"
                yield found("wrong-name", f'"{named[0]}" is no alias', alias[0].at if alias else block.at, fix)
            yield from _twice(("provider", block.labels[0], *named), seen, block.at)
        for inner in block.blocks if block.kind == "terraform" else ():
            if inner.kind in {"backend", "cloud", "required_providers"}:
                kind = "backend" if inner.kind == "cloud" else inner.kind
                yield from _twice((kind,), seen, inner.at)
    yield from _circles(folder)
    yield from _strange_functions(folder)


def _strange_functions(folder: Folder) -> Iterator[Finding]:
    """Functions of providers that the module does not require."""
    asked = {
        name
        for block in folder.blocks
        if block.kind == "terraform"
        for inner in block.blocks
        if inner.kind == "required_providers"
        for name in inner.attributes
    }
    for block in folder.blocks:
        for expr in _expressions(block):
            for call in within(expr):
                words = str(call.parts[0]).split("::") if call.kind == "call" else []
                if len(words) == 3 and words[0] == "provider" and words[1] not in asked:
                    message = f'"{words[1]}" is not among the required providers, so it has no function {words[2]}'
                    yield found("unknown-function", message, call.at, f"require {words[1]} in terraform {{ … }}")


def _twice(name: tuple[str, ...], seen: set[tuple[str, ...]], at: Location) -> Iterator[Finding]:
    if name in seen:
        message = f"{' '.join(word for word in name if word)} is declared twice"
        fix = "give one of them an alias of its own" if name[0] == "provider" else "keep one of them"
        yield found("declared-twice", message, at, fix)
    seen.add(name)


def _circles(folder: Folder) -> Iterator[Finding]:
    """Locals and resources that need each other before either can be known."""
    places: dict[str, Location] = {f"local.{name}": at for name, (_, at) in folder.locals.items()}
    needs = {f"local.{name}": _needed(folder, [expr]) for name, (expr, _) in folder.locals.items()}
    for (kind, type_, name), block in folder.typed.items():
        shown = _shown(kind, type_, name)
        places[shown] = block.at
        needs[shown] = _needed(folder, list(_expressions(block)))
    state: dict[str, int] = {}
    for start in needs:
        for circle in _circle(start, needs, state):
            message = f"{' needs '.join([*circle, circle[0]])}, so none of them can be first"
            yield found("circle", message, places[circle[0]], "let one of them do without the other")


def _circle(start: str, needs: Mapping[str, Sequence[str]], state: dict[str, int]) -> Iterator[list[str]]:
    """Depth first without recursion; 1 is on the way, 2 is done."""
    if state.get(start):
        return
    way = [(start, iter(needs[start]))]
    state[start] = 1
    while way:
        here, ahead = way[-1]
        following = next(ahead, None)
        if following is None:
            state[here] = 2
            way.pop()
        elif state.get(following) == 1:
            names = [name for name, _ in way]
            yield names[names.index(following) :]
        elif following in needs and not state.get(following):
            state[following] = 1
            way.append((following, iter(needs[following])))


def _shown(kind: str, type_: str, name: str) -> str:
    return f"{'' if kind == 'resource' else f'{kind}.'}{type_}.{name}"


def _needed(folder: Folder, parts: Iterable[Any]) -> list[str]:
    made: dict[str, None] = {}
    for part in parts:
        for words in references(part):
            if words[0] == "local" and len(words) > 1:
                made[f"local.{words[1]}"] = None
            elif words[0] in {"data", "ephemeral"} and words[:3] and len(words) > 2:
                made[_shown(words[0], words[1], words[2])] = None
            elif len(words) > 1 and ("resource", words[0], words[1]) in folder.typed:
                made[_shown("resource", words[0], words[1])] = None
    return list(made)


def _expressions(block: Block) -> Iterator[Expr]:
    for expr, _ in block.attributes.values():
        yield expr
    for inner in block.blocks:
        if inner.kind != "lifecycle":
            yield from _expressions(inner)
