"""A rule: what it selects, how it judges, what it says. One YAML file each, `rules/<family>/<name>.yaml`.

The part in front of `examples:` is read at once; the examples, larger than all the rest, only
when somebody asks for them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generator import data
from generator.errors import Fault
from generator.finding import Severity
from generator.mistakes import nearest
from generator.policy import facts, loading
from generator.policy.derived import EVERYWHERE
from generator.policy.facts import KEYS, LOCAL_KEYS, Fact
from generator.policy.loading import Malformed, Mould
from generator.policy.verbs import VERBS, compiled

PARTS = (
    *("severity", "confidence", "summary", "why", "fix", "each", "where", "unless"),
    *("message", "tags", "aliases", "url", "cel"),
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verb with what it compares to: a literal, or the values of `fact` that share `by`."""

    verb: str
    argument: Any = None
    fact: str = ""
    by: str = "object"


@dataclass(frozen=True, slots=True)
class Condition:
    """A judgement that must hold, on the value itself or on `fact` joined to it."""

    judgement: Judgement
    fact: str = ""
    by: str = "object"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `id` is its path below `rules/`; `aliases` are the ids other linters give the same problem."""

    id: str
    severity: Severity
    confidence: str
    summary: str
    why: str
    fix: str
    each: tuple[str, ...]
    judgement: Judgement
    message: str
    where: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    url: str = ""
    source: str = field(default="", repr=False, compare=False)

    @property
    def facts(self) -> frozenset[str]:
        """All facts it speaks about."""
        conditions = (*self.where, *self.unless)
        named = {*self.each, self.judgement.fact}
        named |= {condition.fact for condition in conditions} | {condition.judgement.fact for condition in conditions}
        return frozenset(named - {""})

    @property
    def is_local(self) -> bool:
        """Whether a value is judged by its own object alone, so that environments make no difference."""
        conditions = (*self.where, *self.unless)
        keys = {self.judgement.by} | {condition.by for condition in conditions}
        keys |= {condition.judgement.by for condition in conditions}
        ways = {facts.fact(name).derive for name in self.facts}
        return keys <= LOCAL_KEYS and ways <= EVERYWHERE | {""}

    @property
    def family(self) -> str:
        return self.id.partition("/")[0]

    @property
    def examples(self) -> Mapping[str, tuple[Mapping[str, str], ...]]:
        """`good` and `bad`: trees of files (path -> text) that the rule accepts and refuses."""
        body = loading.plain(self.source, f"rules/{self.id}.yaml").get("examples", {})
        return {
            side: tuple(body.get(side, [])) if isinstance(body.get(side), list) else (body.get(side, {}),)
            for side in ("good", "bad")
        }


def rules() -> tuple[Rule, ...]:
    """All rules of the pack, by id; read once a process."""
    return tuple(_pack().values())


def rule(identity: str) -> Rule:
    """One rule by its id or by any of its aliases; an unknown one is a fault."""
    found = _pack().get(identity) or _aliases().get(identity.lower())
    if found is None:
        close = nearest(identity, [*_pack(), *(alias for item in rules() for alias in item.aliases)])
        hint = f'did you mean "{close}"?' if close else "`groundplan rules` lists them"
        raise Fault(f'there is no rule "{identity}"', hint)
    return found


def parse(text: str, path: str) -> Rule:
    """A rule out of the text of `rules/<family>/<name>.yaml`; a malformed one is a fault with its place."""
    identity = re.sub(r"^(?:.*/)?rules/|\.ya?ml$", "", path)
    head, _, examples = text.partition("\nexamples:")
    body = loading.plain(head, path)
    try:
        if late := re.search(r"(?m)^(\w[\w-]*):", examples):
            raise Malformed((late[1],), f'"{late[1]}" must stand in front of "examples", which comes last')
        return _compiled(body, identity, text)
    except Malformed as problem:
        raise loading.fault(text, path, problem) from None


def folder_rules(folder: Path) -> tuple[Rule, ...]:
    """The rules below a folder, in order of their ids."""
    found = []
    for path in folder.glob("*/*.yaml"):
        identity = path.relative_to(folder).as_posix()
        found.append(parse(path.read_text(encoding="utf-8"), f"rules/{identity}"))
    found.sort(key=lambda rule: rule.id)
    return tuple(found)


@functools.cache
def _pack() -> dict[str, Rule]:
    return {item.id: item for item in folder_rules(data.folder("rules"))}


@functools.cache
def _aliases() -> dict[str, Rule]:
    found: dict[str, Rule] = {}
    for item in rules():
        for alias in item.aliases:
            found.setdefault(alias.lower(), item)
            found.setdefault(alias.partition("/")[2].lower(), item)
    return found


def _compiled(body: dict[str, Any], identity: str, source: str) -> Rule:
    mould = Mould(body)
    mould.only(*PARTS, *VERBS)
    each = tuple(mould.words("each"))
    if not each:
        raise Malformed((), 'the key "each" is missing: it names the fact that is judged')
    known = [_fact(name, ("each",)) for name in each]
    judgement = _judgement(mould, known[0])
    return Rule(
        id=identity,
        severity=Severity.of(mould.one_of("severity", [level.word for level in Severity])),
        confidence=mould.one_of("confidence", ["high", "medium", "low"], "high"),
        summary=mould.word("summary"),
        why=mould.word("why").strip(),
        fix=mould.word("fix").strip(),
        each=each,
        judgement=judgement,
        message=_message(mould),
        where=_conditions(mould, "where", known[0]),
        unless=_conditions(mould, "unless", known[0]),
        tags=tuple(mould.words("tags")),
        aliases=tuple(mould.words("aliases")),
        url=mould.word("url", ""),
        source=source,
    )


def _message(mould: Mould) -> str:
    message = mould.word("message")
    for name in re.findall(r"\{([^}]*)\}", message):
        if name not in ("value", "subject", "other", "service", "container", "name", "file", "kind", "namespace"):
            raise Malformed(("message",), f'"{{{name}}}" is not known in a message')
    return message


def _fact(name: Any, place: tuple[str | int, ...]) -> Fact:
    try:
        return facts.fact(str(name))
    except Fault as problem:
        raise Malformed(place, str(problem)) from None


def _judgement(mould: Mould, about: Fact) -> Judgement:
    if "cel" in mould.body:
        _one_verb(mould, "cel")
        return Judgement("cel", mould.word("cel"))
    verb = _one_verb(mould)
    return _verb(verb, mould.body[verb], (*mould.place, verb), about)


def _one_verb(mould: Mould, given: str = "") -> str:
    found = [key for key in mould.body if key in VERBS or key == "cel"]
    if len(found) != 1:
        problem = f"{found[0]} and {found[1]} are two verbs" if found else "there is no verb"
        place = (*mould.place, found[1]) if found else mould.place
        raise Malformed(place, f"{problem}: a rule judges by one of {', '.join(VERBS)}")
    return given or found[0]


def _verb(verb: str, argument: Any, place: tuple[str | int, ...], about: Fact) -> Judgement:
    kind = VERBS[verb]
    if isinstance(argument, dict):
        mould = Mould(argument, place)
        mould.only("fact", "by")
        by = mould.one_of("by", KEYS, "object")
        if verb == "is-unique":
            return Judgement(verb, True, about.name, by)
        if not kind.facts:
            raise Malformed(place, f"{verb} cannot compare with a fact")
        return Judgement(verb, None, _fact(mould.word("fact"), (*place, "fact")).name, by)
    return Judgement(verb, _literal(verb, argument, place, about))


def _literal(verb: str, argument: Any, place: tuple[str | int, ...], about: Fact) -> Any:
    accepts = VERBS[verb].accepts
    if accepts == "flag":
        if argument is not True:
            raise Malformed(place, f"{verb} takes true, or a fact and what it is joined by")
    elif accepts == "list":
        if not isinstance(argument, list):
            raise Malformed(place, f"{verb} takes a list, or a fact and what it is joined by")
    elif accepts == "pattern":
        try:
            compiled(str(argument))
        except re.error as problem:
            raise Malformed(place, f"this is not a regular expression: {problem}") from None
    elif accepts == "number":
        return _quantity(argument, place, about)
    elif isinstance(argument, list):
        raise Malformed(place, f"{verb} takes one value")
    return argument


def _quantity(argument: Any, place: tuple[str | int, ...], about: Fact) -> float:
    """A literal in the unit of the fact it is compared with: `256Mi` beside a memory is a number of bytes."""
    from generator.document import Location, Node
    from generator.policy.readings import READINGS

    reading = about.reading if about.reading in ("cpu", "memory", "seconds", "file-mode") else "number"
    try:
        found = READINGS[reading](Node(argument, Location("")))
    except ValueError:
        raise Malformed(place, f'"{argument}" is not a {reading.replace("-", " ")}') from None
    assert isinstance(found, int | float)  # noqa: S101 - these readings give numbers
    return found


def _conditions(mould: Mould, key: str, about: Fact) -> tuple[Condition, ...]:
    body = mould.body.get(key)
    if body is None:
        return ()
    if not isinstance(body, list):
        raise Malformed((*mould.place, key), f'"{key}" must be a list of conditions')
    return tuple(_condition(item, (*mould.place, key, index), about) for index, item in enumerate(body))


def _condition(item: Any, place: tuple[str | int, ...], about: Fact) -> Condition:
    mould = Mould(item, place)
    mould.only("fact", "by", *VERBS)
    named = mould.word("fact", "")
    subject = _fact(named, (*place, "fact")) if named else about
    return Condition(_judgement(mould, subject), named, mould.one_of("by", KEYS, "object"))
