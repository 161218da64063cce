"""Our own YAML data, read fast when it is right and with places when it is not.

The C loader gives plain values in a fraction of the time that places cost; only a malformed file
is read again, to point at the mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from generator.errors import Fault


class Malformed(Exception):
    """Something in our YAML data is wrong: where in the document, and what."""

    def __init__(self, place: Sequence[str | int], message: str) -> None:
        super().__init__(message)
        self.place = tuple(place)
        self.message = message


class Mould:
    """A mapping that must have a certain shape; every question it is asked may raise `Malformed`."""

    def __init__(self, body: Any, place: Sequence[str | int] = ()) -> None:
        self.place = tuple(place)
        if not isinstance(body, dict):
            raise Malformed(self.place, "this must be a mapping")
        self.body: dict[str, Any] = body

    def only(self, *keys: str) -> None:
        """Refuse every other key."""
        import difflib

        for key in self.body:
            if key not in keys:
                close = difflib.get_close_matches(str(key), keys, n=1)
                hint = f'; did you mean "{close[0]}"?' if close else ""
                raise Malformed((*self.place, key), f'"{key}" is not a key here{hint}')

    def word(self, key: str, default: str | None = None) -> str:
        """A string that must be there unless it has a default."""
        value = self.body.get(key, default)
        if value is None:
            raise Malformed(self.place, f'the key "{key}" is missing')
        if not isinstance(value, str):
            raise Malformed((*self.place, key), f'"{key}" must be a text')
        return value

    def one_of(self, key: str, options: Sequence[str], default: str | None = None) -> str:
        """A string out of a few."""
        value = self.word(key, default)
        if value not in options:
            raise Malformed((*self.place, key), f'"{value}" is not one of {", ".join(options)}')
        return value

    def words(self, key: str) -> list[str]:
        """A list of strings; a single string is a list of one, nothing an empty one."""
        value = self.body.get(key)
        if value is None:
            return []
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise Malformed((*self.place, key), f'"{key}" must be a text or a list of texts')
        return found


def plain(text: str, path: str) -> Any:
    """A YAML document as plain values; a syntax error is a fault with its place."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        found = yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader either way
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        problem = getattr(error, "problem", None) or "this is not YAML"
        raise Fault(f"{place}: {problem}", "mend the file") from None
    if not isinstance(found, dict):
        raise Fault(f"{path}:1:1: this must be a mapping", "mend the file")
    return found


def fault(text: str, path: str, problem: Malformed) -> Fault:
    """The fault that points at the mistake; a missing key points at the mapping around it."""
    from generator import yamlfile

    roots, _ = yamlfile.read(text, path)
    where = f"{path}:1:1"
    if roots:
        node = roots[0]
        for key in problem.place:
            below = node.get(key)
            if below is None:
                break
            node = below
        at = node.key_at or node.at
        where = f"{path}:{at.line}:{at.column}"
    return Fault(
        f"{where}: {problem.message}", "see rules/facts.yaml and schemas/rule.schema.json for what is possible"
    )
