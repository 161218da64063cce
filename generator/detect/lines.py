"""Versions as people write them -> the lines that images exist for (`schemas/data/runtimes.json`)."""

from __future__ import annotations

import re

from generator import data
from generator.detect.found import Found

_NAMES = {"iron": "20", "jod": "22", "krypton": "24"}
"""https://github.com/nodejs/Release/blob/main/CODENAMES.md"""
_NUMBER = re.compile(r"(?<![\w.])v?(\d+(?:\.\d+)*)")


def line(runtime: str, written: str, where: str, *, least: bool = False) -> tuple[Found[str] | None, str]:
    """The line that a version belongs to, or None and a remark that says why there is none.

    `least` is for a version that is the lowest that will do.
    """
    known = list(data.load("schemas/data/runtimes.json")["runtimes"][runtime]["lines"])
    default = str(data.load("schemas/data/runtimes.json")["runtimes"][runtime]["default"])
    shown = " ".join(written.split())[:40]
    text = shown.strip("\"' ")
    wanted = _wanted(runtime, f">={text}" if least else text, default, known)
    if least and any(_allows(text, candidate) for candidate in known):
        wanted = _wanted(runtime, text, default, known)
    if wanted in known:
        return Found(wanted, where, seen="" if wanted == shown else shown), ""
    listed = ", ".join(known)
    return None, f'version: {where} says "{shown}", and known here are {listed}; {default} is taken'


def _wanted(runtime: str, text: str, default: str, known: list[str]) -> str:
    """The newest line that a range leaves room for, the usual one before others."""
    word = text.lower().removeprefix("lts/")
    if runtime == "node" and (word in _NAMES or text.lower() in {"lts/*", "node", "lts", "current", "*"}):
        return _NAMES.get(word, default)
    if runtime == "rust" and text == "stable":
        return default
    numbers = [match[1] for match in _NUMBER.finditer(text)]
    if not numbers:
        return ""
    for candidate in (default, *known):
        if _allows(text, candidate):
            return candidate
    return ""


def _allows(text: str, candidate: str) -> bool:
    """Whether a range has room for a line; alternatives with `||` or `|`, bounds with blanks or commas between."""
    for alternative in re.split(r"\|\|?", text):
        bounds = re.findall(r"(>=|<=|~>|~=|\^|~|>|<|==|=)?\s*v?(\d+(?:\.\d+)*)(\.[x*]|\+)?", alternative)
        if bounds and all(_within(candidate, operator, number, rest) for operator, number, rest in bounds):
            return True
    return False


def _within(candidate: str, operator: str, number: str, rest: str) -> bool:
    have, bound = _parts(candidate), _parts(number)
    short = bound[: len(have)]
    if operator in {">=", ">"} or rest == "+":
        return have >= short
    if operator == "<=":
        return have <= short
    if operator == "<":
        return have < short or (have == short and any(bound[len(have) :]))
    if operator in {"~>", "~="}:  # all but the last number stays
        fixed = bound[:-1] or bound
        return have[: len(fixed)] == fixed[: len(have)] and have >= short
    if operator == "^":
        return have[0] == bound[0] and have >= short
    return have[: len(short)] == short


def _parts(version: str) -> list[int]:
    return [int(part[:9]) for part in version.split(".")]
