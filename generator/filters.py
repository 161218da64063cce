"""What templates may call: the one place where a value becomes text of a format.

Each format has a writer that is applied to every `{{ value }}` of its templates, so that no value
can break out and no template can forget. Filters that have already written give `Written`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from typing import Any


class Written(str):
    """Text that is already in its format; `str()` keeps the class, so the render loop can tell it from layout."""

    __slots__ = ()

    def __str__(self) -> str:
        return self


class Expression(str):
    """HCL of our own (`module.network.vpc_id`), never a user's text: written as it is."""

    __slots__ = ()


_RESERVED = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"}
_PLAIN = re.compile(r"[A-Za-z/](?:(?:[\w ./@%+=;()-]|:(?=[\w/]))*[\w/)%])?", re.ASCII)
_PLAIN_NUMBER_FIRST = re.compile(r"\d+\.\d+\.\d+\.\d+(?:/\d+)?|\d+(?:m|g|Ki|Mi|Gi|Ti|%|ms|s|h|d)", re.ASCII)
_SINGLE = re.compile(r"[ -&(-~]+")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_SAFE_WORD = re.compile(r"[A-Za-z0-9_@%+=:,./-]+", re.ASCII)


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


def json_text(value: Any) -> str:
    """JSON on one line; unprintable characters are escaped, others kept."""
    return _UNPRINTABLE.sub(_escaped, json.dumps(value, ensure_ascii=False))


def yaml_scalar(value: Any) -> str:
    """A scalar that YAML 1.1 and 1.2 readers both give back equal."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return json.dumps(value)
    text = str(value)
    if text.lower() not in _RESERVED and (_PLAIN.fullmatch(text) or _PLAIN_NUMBER_FIRST.fullmatch(text)):
        return text
    if ('"' in text or "\\" in text) and _SINGLE.fullmatch(text):
        return f"'{text}'"  # easier to read than a text full of backslashes
    return json_text(text)


def yaml_flow(value: Any) -> str:
    """A value as a YAML flow node on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{yaml_scalar(str(key))}: {yaml_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(yaml_flow(item) for item in value) + "]"
    return yaml_scalar(value)


def hcl(value: Any) -> str:
    """An HCL literal: templates (`${`, `%{`) are escaped by doubling.

    https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#template-expressions
    """
    if isinstance(value, Expression):
        return str(value)
    if isinstance(value, dict):
        if not value:
            return "{}"
        return "{ " + ", ".join(f"{hcl(str(key))} = {hcl(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(hcl(item) for item in value) + "]"
    if isinstance(value, str):
        # HCL escapes no control character but \n \r \t; \u covers the rest, and json writes \b, \f so
        text = re.sub(r"\\(.)", lambda match: _CONTROL.get(match[1], match[0]), json_text(value))
        return re.sub(r"([$%])\{", r"\1\1{", text)
    return json.dumps(value)


_CONTROL = {"b": "\\u0008", "f": "\\u000c"}
"""Escapes of JSON that HCL does not know."""


def word(value: Any) -> str:
    """A single safe word, for places in a Dockerfile that know no quoting. Raises ValueError for anything else."""
    text = str(value)
    if not _SAFE_WORD.fullmatch(text):
        raise ValueError(f"{text!r} is not a single word; this place of a Dockerfile knows no quoting")
    return text


def line(value: Any) -> str:
    """Text on one line: control characters and line breaks become spaces."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", str(value)).strip()


def row(value: Any) -> str:
    """Text on one line that keeps its indentation."""
    text = str(value)
    return " " * (len(text) - len(text.lstrip(" "))) + line(text)


def quoted(value: Any) -> str:
    """A double-quoted Dockerfile value (ENV, LABEL): `\\`, `"` and `$` are escaped.

    A line break cannot stand in a Dockerfile value; it becomes a space.
    https://docs.docker.com/reference/dockerfile/#environment-replacement
    """
    return '"' + re.sub(r'([\\"$])', r"\\\1", line(value)) + '"'


def json_array(value: Any) -> str:
    """The exec form: a JSON array of strings."""
    items = value if isinstance(value, list | tuple) else [value]
    return json_text([str(item) for item in items])


def run(value: Any) -> str:
    """Shell text of the user's as the argument of RUN: line breaks cannot leave the instruction."""
    text = str(value).strip()
    if (
        re.search(r"[\x00-\x08\x0a-\x1f\x7f]", text)
        or "<<" in text
        or text.startswith(("[", "--", "#"))
        or text.endswith("\\")
    ):
        return json_text(["/bin/sh", "-ec", text])
    return text


def shell(value: Any) -> str:
    """One POSIX shell word."""
    return shlex.quote(str(value))


WRITERS: dict[str, Callable[[Any], str]] = {
    "yaml": yaml_flow,
    "json": json_text,
    "hcl": hcl,
    "tf": hcl,
    "Dockerfile": word,
    "dockerignore": word,
    "conf": word,
    "md": line,
    "dot": line,
    "txt": line,
    "env": line,
}
"""What a bare `{{ value }}` goes through, by the template's suffix before `.j2`."""

FILTERS: dict[str, Callable[[Any], str]] = {
    "json": json_text,
    "exec": json_array,
    "quoted": quoted,
    "run": run,
    "shell": shell,
    "comment": line,
    "row": row,
    "yaml": yaml_flow,
    "hcl": hcl,
    "word": word,
}
"""Filters by name; each takes a bare value and gives text of its format."""
