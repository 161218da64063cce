"""`${name.output}`: what a string refers to, whether that exists, and who may say it.

One namespace for services and resources; `app`, `environment`, `cloud` and `secret` are reserved roots.
No expressions, no nesting, no defaults; `$${` is a literal `${`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from generator.mistakes import nearest
from generator.model import Reference

PUBLIC_OUTPUTS: Mapping[str, tuple[str, ...]] = {
    "postgres": ("host", "port", "name", "reader_host"),
    "mysql": ("host", "port", "name", "reader_host"),
    "mongodb": ("host", "port", "name", "reader_host"),
    "valkey": ("host", "port"),
    "queue": ("name", "url", "arn", "dead_letter_name"),
    "topic": ("name", "url", "arn", "dead_letter_name"),
    "bucket": ("name", "region", "arn", "endpoint"),
    "cdn": ("host", "url"),
    "search": ("host", "port"),
    "volume": ("name",),
    "secret": (),
    "external": (),
    "service": ("host", "port", "url", "public_url"),
}
SECRET_OUTPUTS: Mapping[str, tuple[str, ...]] = {
    "postgres": ("username", "password", "url"),
    "mysql": ("username", "password", "url"),
    "mongodb": ("username", "password", "url"),
    "valkey": ("password", "url"),
    "search": ("username", "password", "url"),
    "secret": ("value",),
}
SIGNALS: Mapping[str, tuple[str, ...]] = {
    "postgres": ("cpu", "connections", "storage_free", "replication_lag"),
    "mysql": ("cpu", "connections", "storage_free", "replication_lag"),
    "mongodb": ("cpu", "connections", "storage_free"),
    "valkey": ("cpu", "connections", "memory"),
    "queue": ("depth", "oldest_message_age"),
    "topic": ("depth", "oldest_message_age"),
    "search": ("cpu", "storage_free"),
    "bucket": ("size",),
    "volume": ("storage_free",),
    "service": ("cpu", "memory", "requests_per_second", "error_rate", "latency_p99"),
}
RESERVED = ("app", "environment", "cloud", "secret")

_TOKEN = re.compile(r"\$\$\{|\$\{([^{}]*)(\}?)")
_NAME = re.compile(r"([a-z][a-z0-9-]*)(?:\.([a-z][a-z0-9_-]*))?")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a reference; `offset` is where it begins in the string."""

    rule: str
    message: str
    fix: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """What can be referred to: names to kinds (`service` or a resource type), and the declared secrets."""

    kinds: Mapping[str, str]
    secrets: tuple[str, ...]
    external: Mapping[str, tuple[str, ...]]
    """Outputs that external resources declare, and secrets of type `secret` need none."""

    def outputs(self, name: str) -> tuple[str, ...]:
        kind = self.kinds[name]
        return (*PUBLIC_OUTPUTS.get(kind, ()), *SECRET_OUTPUTS.get(kind, ()), *self.external.get(name, ()))

    def signals(self, name: str) -> tuple[str, ...]:
        return SIGNALS.get(self.kinds[name], ())


def split(text: str) -> Iterator[tuple[int, str | None, str]]:
    """The string as (offset, reference body or None, literal text), in order; `$${` becomes `${`."""
    end = 0
    for match in _TOKEN.finditer(text):
        if match.start() > end:
            yield end, None, text[end : match.start()]
        if match.group() == "$${":
            yield match.start(), None, "${"
        else:
            yield match.start(), match.group(1) if match.group(2) else f"{match.group(1)}\0", match.group()
        end = match.end()
    if end < len(text):
        yield end, None, text[end:]


def resolve(body: str, offset: int, scope: Scope) -> Reference | Problem:
    """What `${body}` means in a scope, or why it means nothing."""
    shown = "${" + body.rstrip("\0") + "}"
    if body.endswith("\0"):
        fix = "close it with `}`; write `$${` for the two characters themselves"
        return Problem("reference-form", f"`${{{body[:-1]}` is not closed, or has another `${{` in it", fix, offset)
    head, _, tail = body.partition(".")
    if head in {"resources", "services"} and tail:
        return Problem("reference-form", f"{shown} names its kind, which is known", f"write ${{{tail}}}", offset)
    match = _NAME.fullmatch(body)
    if not match:
        fix = "write ${name.output}; there are no expressions, functions or defaults"
        return Problem("reference-form", f"{shown} is not a reference", fix, offset)
    name, output = match.group(1), match.group(2) or ""
    if name in RESERVED:
        return _reserved(name, output, shown, offset, scope)
    if name not in scope.kinds:
        return Problem(
            "unknown-reference",
            f'{shown}: there is no service or resource "{name}"',
            suggest(name, scope.kinds),
            offset,
        )
    return _output(name, output, shown, offset, scope)


def suggest(word: str, known: Mapping[str, str] | tuple[str, ...] | list[str]) -> str:
    """The way out for an unknown name."""
    near = nearest(word, list(known))
    if near:
        return f'did you mean "{near}"?'
    return f"there are: {', '.join(known)}" if known else "none is declared yet"


def _reserved(name: str, output: str, shown: str, offset: int, scope: Scope) -> Reference | Problem:
    if name == "secret":
        if output in scope.secrets:
            return Reference(name, output, "secret", secret=True)
        if not output:
            fix = f"there are: {', '.join(scope.secrets)}" if scope.secrets else "none is declared yet"
            return Problem("unknown-output", f"{shown} names no secret", f"write ${{secret.name}}; {fix}", offset)
        fix = suggest(output, scope.secrets)
        return Problem("unknown-reference", f'{shown}: there is no secret "{output}"', fix, offset)
    valid = {"app": ("",), "environment": ("",), "cloud": ("provider", "region", "dr_region", "domain")}[name]
    if output in valid:
        return Reference(name, output, name, secret=False)
    fix = f"write {' or '.join('${' + name + ('.' + word if word else '') + '}' for word in valid)}"
    return Problem("unknown-output", f'{shown}: {name} has no output "{output}"', fix, offset)


def _output(name: str, output: str, shown: str, offset: int, scope: Scope) -> Reference | Problem:
    kind = scope.kinds[name]
    public = (*PUBLIC_OUTPUTS.get(kind, ()), *scope.external.get(name, ()))
    secret = SECRET_OUTPUTS.get(kind, ())
    category = "service" if kind == "service" else "resource"
    if output in public:
        return Reference(name, output, category, secret=False)
    if output in secret or (not output and secret):
        return Reference(name, output, category, secret=True)
    if output in scope.signals(name):
        return Reference(name, output, "signal", secret=False)
    valid = (*public, *secret)
    article = "a service" if kind == "service" else f"a resource of type {kind}"
    if not output:
        return Problem("unknown-output", f"{shown} needs an output", f"{name} has: {', '.join(valid)}", offset)
    message = f'{shown}: "{output}" is not an output of {name}, {article}'
    signals = scope.signals(name)
    near = nearest(output, [*valid, *signals])
    listed = f"{name} has: {', '.join(valid)}" if valid else f"{name} has none"
    listed += f"; for alerts: {', '.join(signals)}" if signals else ""
    return Problem("unknown-output", message, f'did you mean "{near}"? {listed}' if near else listed, offset)
