"""What a spec asks for against the dated data: versions of runtimes and engines, and the tools that fit them."""

from __future__ import annotations

from collections.abc import Iterator

from generator import data
from generator.document import Node
from generator.finding import Finding, Severity

KNOWN = "schemas/data/runtimes.json"
ENDED = "schemas/data/ended.json"


def judge(tree: Node) -> Iterator[Finding]:
    """Findings for one effective tree."""
    for service in tree.entries("services").values():
        yield from _runtime(service)
        yield from _program(service)
    for resource in tree.entries("resources").values():
        yield from _engine(resource)


def _runtime(service: Node) -> Iterator[Finding]:
    """The line must be one that we have images of; an ended one says when it ended."""
    version, name = service.get("runtime", "version"), service.word("runtime", "name")
    known = data.load(KNOWN)["runtimes"].get(name)
    if version is None or known is None:
        return
    asked = str(version.value)
    if any(_same_line(asked, line) for line in known["lines"]):
        return
    ended = next((day for line, day in _ended(name).items() if _same_line(asked, line)), "")
    listed = ", ".join(known["lines"])
    if ended:
        message = f"{name} {asked} ended on {ended}"
    else:
        message = f"{name} {asked} is not among the lines known on {data.load(KNOWN)['date']}"
    yield _finding("unknown-version", Severity.HIGH, message, version, f"write one of: {listed}")


def _program(service: Node) -> Iterator[Finding]:
    """A compiled service is one program in its image; a directory could not be started."""
    output, name = service.get("build", "output"), service.word("runtime", "name")
    if output is not None and name in {"go", "rust"} and output.value in {".", "./"}:
        message = f"the image of a {name} service holds its program, and {output.value} is a directory"
        yield _finding("wrong-form", Severity.HIGH, message, output, "name the program's file, or leave `output` out")


def _engine(resource: Node) -> Iterator[Finding]:
    """Only the stand-in of a resource needs a line of ours, so another one is said and not refused."""
    version, kind = resource.get("version"), resource.word("type")
    known = data.load(KNOWN)["images"].get(kind)
    if version is None or known is None or str(version.value) in known["lines"]:
        return
    message = f"{kind} {version.value} is not in the data; locally {kind} {known['default']} stands in for it"
    fix = f"write one of: {', '.join(known['lines'])}, to develop against the same line"
    yield _finding("unknown-version", Severity.INFO, message, version, fix)


def _same_line(asked: str, line: str) -> bool:
    """Whether a version belongs to a line: `24.1` to `24`, and `3` to `3.14`."""
    return asked == line or asked.startswith(f"{line}.") or line.startswith(f"{asked}.")


def _ended(name: str) -> dict[str, str]:
    found: dict[str, str] = data.load(ENDED)["images"].get(name, {}).get("lines", {})
    return found


def _finding(rule: str, severity: Severity, message: str, node: Node, fix: str) -> Finding:
    return Finding(f"spec/{rule}", severity, message, node.at, fix=fix, property=node.at.pointer)
