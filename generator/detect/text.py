"""What was found -> the text of a spec: every line says in a comment where it was found, or that it is a guess."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from generator.detect.found import Detection, Found, Kind, Resource, Service
from generator.errors import Fault
from generator.filters import line, yaml_scalar

_COLUMN = 40
_WIDTH = 116
_SCHEMA = "# yaml-language-server: $schema=./groundplan.schema.json"


def spec_text(detection: Detection, answers: Mapping[str, str]) -> str:
    """The spec of what was found. Raises Fault when there is nothing to write one of."""
    if not detection.services:
        raise Fault(
            "no service was found: no manifest of a language known here says how something is started",
            "write the spec from answers, as in groundplan init --runtime node, or name the folder of the source",
        )
    lines = [*_head(answers), "services:"]
    for service in detection.services:
        lines += _service(service)
    if detection.resources:
        lines += ["", "resources:"]
        for resource in detection.resources:
            lines += _resource(resource)
    if detection.secrets:
        lines += ["", "secrets:" + " " * 32 + "# names only: values are put into the store, never into a file"]
        for name, found in detection.secrets.items():
            lines.append(_with(f"  {name}: {{}}", f"for {found.value}, {_place(found)}"))
    lines += [*_delivery(answers), *_notes(detection)]
    return "\n".join(lines) + "\n"


def _head(answers: Mapping[str, str]) -> Iterator[str]:
    yield _SCHEMA
    yield f"# What {answers['app']} is made of, as its source tells. A comment says where each line was found;"
    yield "# `assumed` is a guess: look at it first. `groundplan explain KEY` says what a key means."
    yield "apiVersion: groundplan/v1"
    yield f"app: {yaml_scalar(answers['app'])}"
    yield _with(f"owner: {yaml_scalar(answers['owner'])}", "the team that answers for it: in every label and alert")
    if answers.get("cloud", "none") != "none":
        yield f"cloud: {{provider: {yaml_scalar(answers['cloud'])}, region: {yaml_scalar(answers['region'])}}}"
    yield ""


def _delivery(answers: Mapping[str, str]) -> Iterator[str]:
    forge, repository = answers.get("forge", "github"), answers.get("repository", "")
    if forge != "gitlab" and not repository:
        return
    yield ""
    yield "delivery:"
    if forge == "gitlab":
        yield "  ci: [gitlab]"
    if repository:
        yield f"  repository: {yaml_scalar(repository)}"


def _notes(detection: Detection) -> Iterator[str]:
    if detection.notes:
        yield ""
        yield "# Seen in the source, and not in the spec:"
        yield from (f"# - {line(note)}" for note in detection.notes)


def _with(text: str, comment: str) -> str:
    """A line and its comment, in a column where the line is short enough."""
    return f"{text:<{_COLUMN - 1}} # {line(comment)}"


def _place(found: Found[Kind]) -> str:
    if found.assumed:
        return f"assumed: {found.assumed}"
    shown = f" as `{found.seen}`" if found.seen and found.seen != str(found.value) else ""
    return f"found in {found.where}{shown}"


def _key(indent: int, key: str, found: Found[Kind] | None) -> Iterator[str]:
    if found is None:
        return
    text, place = f"{' ' * indent}{key}: {yaml_scalar(_literal(found.value))}", _place(found)
    if found.assumed and max(len(text), _COLUMN - 1) + len(place) > _WIDTH:
        yield f"{' ' * indent}# {line(place)}"
        yield text
    else:
        yield _with(text, place)


def _literal(value: str | int) -> str | int:
    """A text in which `${` means the two characters."""
    return value.replace("${", "$${") if isinstance(value, str) else value


def _service(service: Service) -> Iterator[str]:
    yield _with(f"  {service.name.value}:", _place(service.name))
    if service.runtime is not None:
        yield "    runtime:"
        yield from _key(6, "name", service.runtime)
        yield from _key(6, "version", service.version)
        yield from _key(6, "package_manager", service.package_manager)
    yield from _build(service)
    yield from _key(4, "port", service.port)
    yield from _health(service)
    yield from _key(4, "migrate", service.migrate)
    yield from _list("calls", service.calls)
    yield from _list("uses", service.uses)
    yield from _env(service)
    for remark in service.remarks:
        yield f"    # {line(remark)}"


def _build(service: Service) -> Iterator[str]:
    parts = [
        *(
            [_with(f"      context: {yaml_scalar(service.context)}", f"found in {service.context}")]
            * (service.context != ".")
        ),
        *_key(6, "command", service.command),
        *_key(6, "start", service.start),
        *_key(6, "output", service.output),
    ]
    if parts:
        yield "    build:"
        yield from parts


def _health(service: Service) -> Iterator[str]:
    if service.live is not None and service.ready is not None:
        yield "    health:"
        yield from _key(6, "live", service.live)
        yield from _key(6, "ready", service.ready)
    elif service.port is not None:
        said = "no such route was found; these are asked unless you say others"
        yield _with("    # health: {live: /health, ready: /ready}", said)


def _list(key: str, found: tuple[Found[str], ...]) -> Iterator[str]:
    if found:
        yield f"    {key}:"
        for entry in found:
            yield _with(f"      - {yaml_scalar(entry.value)}", _place(entry))


def _env(service: Service) -> Iterator[str]:
    if service.env:
        yield "    env:"
    elif service.unset:
        yield "    # env:"
    for name, found in service.env.items():
        shown = Found(found.value, found.where, seen="" if found.seen == name else found.seen, assumed=found.assumed)
        yield _with(f"      {name}: {_text(found.value)}", _place(shown))
    for name, found in service.unset.items():
        seen = f" as `{found.seen}`" if found.seen else ""
        yield _with(f"      # {name}:", f"{_verb(found.where)} in {found.where}{seen}; {found.value}")


def _verb(where: str) -> str:
    """Sources read a variable; files of examples and of compose only name it."""
    name = where.rpartition("/")[2]
    return "named" if "compose" in name or ".env" in name or name.startswith(("env.", "example.")) else "read"


def _text(value: str) -> str:
    """A text that stays a text; references stand in quotes, as everywhere in a spec."""
    return f'"{value}"' if "${" in value else yaml_scalar(value)


def _resource(resource: Resource) -> Iterator[str]:
    yield f"  {resource.name}:"
    yield from _key(4, "type", resource.type)
    yield from _key(4, "version", resource.version)
