"""The template language of alerts: which labels a text uses, and what Prometheus could not expand.

Only what is sure from the text: fields of a dot that `range` or `with` has moved are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ACTION = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`')
_VARIABLE = re.compile(r"\$(\w*)")
_LABEL = re.compile(r"(?:\$labels|(?<![\w)])\.Labels)\.(\w+)|index\s+(?:\$labels|\.Labels)\s+\"(\w+)\"")
_FIELD = re.compile(r"(?<![\w)\]$.])\.([A-Z]\w*)")

VARIABLES = frozenset(["", "labels", "value", "externalLabels", "externalURL", "annotations"])
FIELDS = frozenset(["Labels", "Value", "ExternalLabels", "ExternalURL", "Annotations"])
KEYWORDS = frozenset(["if", "else", "end", "range", "with", "define", "template", "block", "break", "continue"])
FUNCTIONS = frozenset(
    [
        *(
            "query",
            "first",
            "label",
            "value",
            "strvalue",
            "args",
            "reReplaceAll",
            "safeHtml",
            "match",
            "title",
            "toUpper",
        ),
        *("toLower", "graphLink", "tableLink", "sortByLabel", "stripPort", "stripDomain", "humanize", "humanize1024"),
        *("humanizeDuration", "humanizePercentage", "humanizeTimestamp", "toTime", "toDuration", "now", "pathPrefix"),
        *("externalURL", "parseDuration", "urlQueryEscape", "tmpl", "join", "and", "or", "not", "eq", "ne", "lt", "le"),
        *("gt", "ge", "len", "index", "slice", "print", "printf", "println", "html", "js", "urlquery", "call", "true"),
        *("false", "nil"),
    ]
)
"""Of Prometheus (https://prometheus.io/docs/prometheus/latest/configuration/template_reference/) and of Go."""


@dataclass(frozen=True, slots=True)
class Use:
    """A word of a template and where it stands in the text."""

    word: str
    at: int


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a template; `unknown` when it is a name that means nothing here."""

    message: str
    at: int
    unknown: bool


def labels(text: str) -> tuple[Use, ...]:
    """The labels of the alert that a text quotes."""
    found: list[Use] = []
    for action in _ACTION.finditer(text):
        for match in _LABEL.finditer(action[1]):
            found.append(Use(match[1] or match[2], action.start(1) + match.start()))
    return tuple(found)


def uses_value(text: str) -> bool:
    """Whether the measured value is quoted."""
    return any(re.search(r"\$value\b|(?<!\w)\.Value\b", action[1]) for action in _ACTION.finditer(text))


def flaws(text: str) -> Iterator[Flaw]:
    """What Prometheus would refuse, or would put nothing for."""
    yield from _open(text)
    declared = {name for action in _ACTION.finditer(text) for name in re.findall(r"\$(\w+)(?=\s*(?:,|:=))", action[1])}
    moved = re.search(r"\{\{-?\s*(?:range|with|define|block)\b", text) is not None
    for action in _ACTION.finditer(text):
        bare = _QUOTED.sub(lambda match: '"' + " " * (len(match.group()) - 2) + '"', action[1])
        if bare.lstrip().startswith("/*"):
            continue
        for match in _VARIABLE.finditer(bare):
            if match[1] not in VARIABLES | declared:
                yield Flaw(f"there is no variable ${match[1]}", action.start(1) + match.start(), True)
        if not moved:
            for match in _FIELD.finditer(bare):
                if match[1] not in FIELDS:
                    yield Flaw(
                        f"there is no field .{match[1]} in an alert of Prometheus",
                        action.start(1) + match.start(),
                        True,
                    )
        yield from _functions(bare, action.start(1))


def _open(text: str) -> Iterator[Flaw]:
    rest = _ACTION.sub(lambda match: " " * len(match.group()), text)
    if (at := rest.find("{{")) >= 0:
        yield Flaw("two opened braces are not closed", at, False)
    depth = 0
    for action in _ACTION.finditer(text):
        word = action[1].split(maxsplit=1)[0] if action[1].strip() else ""
        depth += word in ("if", "range", "with", "define", "block")
        depth -= word == "end"
        if depth < 0:
            yield Flaw("an end closes nothing", action.start(), False)
            return
    if depth > 0:
        yield Flaw("an end is missing", max(len(text) - 1, 0), False)


def _functions(bare: str, start: int) -> Iterator[Flaw]:
    for match in re.finditer(
        r"(?:^|[|(]|:=|\belse\s+)\s*(?:(?:if|range|with|else|template|define|block)\b\s*)*([A-Za-z]\w*)", bare
    ):
        if match[1] not in FUNCTIONS | KEYWORDS:
            yield Flaw(f"there is no function {match[1]}", start + match.start(1), True)
