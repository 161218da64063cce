"""What somebody accepted: findings set aside with a reason, and findings about the waivers themselves.

Three sources: comments in the judged file, `waivers` in the spec, and the pack's own list of places
where a linter contradicts reality. A waiver by any name of a rule holds for every name.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from generator import data
from generator.document import Location, Node, TextFile
from generator.finding import Finding, Severity, Waived
from generator.policy import loading
from generator.policy.rule import rules

SCAN = "grype/"
"""What begins the name of a vulnerability that the scan of images is to accept."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """One acceptance. `rules` are all names it is known by; `covers` says which places."""

    names: frozenset[str]
    reason: str
    at: Location
    covers: Callable[[Finding], bool]
    source: str
    owner: str = ""
    until: str = ""
    written: str = ""
    """The rule as its author wrote it."""
    ours: bool = True
    """Whether it is in our notation, whose faults are findings."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The findings that remain (those about waivers among them), and those that were accepted."""

    findings: tuple[Finding, ...]
    waived: tuple[Waived, ...]


def apply(
    findings: Sequence[Finding],
    files: Sequence[TextFile],
    *,
    spec: Iterable[Node] = (),
    today: str = "",
    packed: bool = True,
    whole: bool = True,
) -> Judged:
    """Set aside what is waived in the files, in the spec or by the pack, and judge those waivers.

    `spec` holds the entries of the spec's `waivers`: `{rule, at, reason, owner, until}`; `packed` is
    False to see what the pack's own list hides; `whole` is False when
    some checker was left out, so that nobody knows which waivers are used.
    """
    waivers = [waiver for file in files for waiver in in_file(file)]
    waivers += [_of_spec(node) for node in spec]
    extra = [finding for waiver in waivers if waiver.ours for finding in _faults(waiver, today)]
    live = [waiver for waiver in waivers if _is_live(waiver, today)]
    used: set[int] = set()
    kept: list[Finding] = []
    waived: list[Waived] = []
    for finding in findings:
        waiver = next((item for item in live if _holds(item, finding)), None)
        if waiver is None and packed:
            waiver = next((item for item in pack() if _holds(item, finding)), None)
        if waiver is None:
            kept.append(finding)
            continue
        used.update(id(item) for item in live if _holds(item, finding))
        waived.append(Waived(finding, waiver.reason, waiver.at, waiver.owner, waiver.until, waiver.source))
    idle = [waiver for waiver in live if waiver.ours and id(waiver) not in used and not _of_scan(waiver)]
    extra += [_unused(waiver) for waiver in idle if whole]
    return Judged(
        tuple(sorted([*kept, *extra], key=lambda finding: finding.order)),
        tuple(sorted(waived, key=lambda item: (item.finding.order, item.at))),
    )


def deduplicate(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding for one problem: ours instead of a foreign one that is its alias at the same place or subject."""
    every = list(dict.fromkeys(findings))
    ours = [finding for finding in every if finding.aliases]
    by_file: dict[str, list[Finding]] = {}
    for finding in ours:
        by_file.setdefault(finding.at.path, []).append(finding)
    dropped = set()
    for index, finding in enumerate(every):
        for own in by_file.get(finding.at.path, ()):
            if own is not finding and _is_alias(finding.rule, own.aliases) and _same_thing(own, finding):
                dropped.add(index)
    kept = [finding for index, finding in enumerate(every) if index not in dropped]
    return tuple(sorted(kept, key=lambda finding: finding.order))


def in_file(file: TextFile) -> Iterator[Waiver]:
    """The waivers that stand in a file's comments and annotations."""
    if not any(mark in file.text for mark in ("groundplan:", "checkov", "hadolint", "kube-linter", "trivy:")):
        return
    lines = file.text.splitlines()
    for number, line in enumerate(lines, 1):
        for notation in _NOTATIONS:
            yield from notation(file.path, lines, number, line)


def names(rule: str) -> frozenset[str]:
    """A rule's id and all its aliases, in lower case; an alias stands with and without its tool."""
    return _names().get(rule.lower(), frozenset([rule.lower(), rule.rpartition("/")[2].lower()]))


@functools.cache
def pack() -> tuple[Waiver, ...]:
    """Where a linter contradicts reality, out of `rules/waivers.yaml`."""
    path = data.folder("rules") / "waivers.yaml"
    if not path.is_file():
        return ()
    entries = loading.plain(path.read_text(encoding="utf-8"), "rules/waivers.yaml").get("waivers", [])
    return tuple(_of_pack(entry, index) for index, entry in enumerate(entries))


_OURS = re.compile(
    r"(?:#|//)\s*groundplan:\s*(?P<kind>ignore|ignore-file)\[(?P<rules>[^\]]*)\]"
    r"(?P<rest>[^\n]*)"
)
_FIELD = re.compile(r"(reason|until|owner)=(?:\"([^\"]*)\"|'([^']*)'|(\S+))")
_CHECKOV_COMMENT = re.compile(r"(?:#|//)\s*checkov:skip=(?P<rule>[\w,]+)(?::\s*(?P<reason>[^\n]*))?")
_CHECKOV_ANNOTATION = re.compile(
    r"""^\s*["']?checkov\.io/skip\d*["']?\s*:\s*["']?(?P<rule>CKV\w+)=?(?P<reason>[^"'\n]*)"""
)
_HADOLINT = re.compile(r"#\s*hadolint\s+(?P<scope>global\s+)?ignore\s*=\s*(?P<rules>[\w,\s]+?)\s*(?:#(?P<reason>.*))?$")
_KUBE_LINTER = re.compile(
    r"""^\s*["']?ignore-check\.kube-linter\.io/(?P<rule>[\w-]+)["']?\s*:\s*["']?(?P<reason>[^"'\n]*)"""
)
_TRIVY = re.compile(r"(?:#|//|\s)\s*trivy:ignore:(?P<rule>AVD-[\w-]+)(?::exp:(?P<until>[\d-]+))?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _ours(path: str, lines: list[str], number: int, line: str) -> Iterator[Waiver]:
    match = _OURS.search(line)
    if match is None:
        return
    fields = {name: double or single or bare for name, double, single, bare in _FIELD.findall(match["rest"])}
    column = match.start() + 1
    alone = not line[: match.start()].strip()
    for rule in filter(None, (word.strip() for word in match["rules"].split(","))):
        covers = (
            _whole_file(path) if match["kind"] == "ignore-file" else _lines(path, _spoken(path, lines, number, alone))
        )
        yield Waiver(
            names(rule),
            fields.get("reason", ""),
            Location(path, number, column),
            covers,
            "file",
            fields.get("owner", ""),
            fields.get("until", ""),
            rule,
        )


def _checkov(path: str, lines: list[str], number: int, line: str) -> Iterator[Waiver]:
    match = _CHECKOV_COMMENT.search(line) or _CHECKOV_ANNOTATION.search(line)
    if match is not None:
        document = _block_lines(lines, number) if path.endswith(".tf") else _document_lines(lines, number)
        for rule in match["rule"].split(","):
            yield _foreign(
                f"checkov/{rule}", match["reason"], path, number, match.start() + 1, _between(path, *document)
            )


def _hadolint(path: str, lines: list[str], number: int, line: str) -> Iterator[Waiver]:
    match = _HADOLINT.search(line)
    if match is None:
        return
    covers = _whole_file(path) if match["scope"] else _lines(path, _target(lines, number, True))
    for rule in match["rules"].replace(",", " ").split():
        yield _foreign(f"hadolint/{rule}", match["reason"], path, number, match.start() + 1, covers)


def _kube_linter(path: str, lines: list[str], number: int, line: str) -> Iterator[Waiver]:
    match = _KUBE_LINTER.search(line)
    if match is not None:
        covers = _between(path, *_document_lines(lines, number))
        yield _foreign(f"kube-linter/{match['rule']}", match["reason"], path, number, 1, covers)


def _trivy(path: str, lines: list[str], number: int, line: str) -> Iterator[Waiver]:
    """Above or beside the first line of a block it speaks of the whole block."""
    found = list(_TRIVY.finditer(line))
    if not found:
        return
    first, last = _spoken(path, lines, number, not line[: found[0].start()].strip())
    for match in found:
        waiver = _foreign(f"trivy/{match['rule']}", "", path, number, match.start() + 1, _between(path, first, last))
        yield replace(waiver, until=match["until"] or "")


_NOTATIONS = (_ours, _checkov, _hadolint, _kube_linter, _trivy)


def _foreign(rule: str, reason: str | None, path: str, line: int, column: int, covers: Any) -> Waiver:
    said = (reason or "").strip() or f"set aside by {rule.partition('/')[0]}'s own comment"
    return Waiver(names(rule), said, Location(path, line, column), covers, "file", written=rule, ours=False)


def _target(lines: list[str], number: int, alone: bool) -> tuple[int, int]:
    """The lines a comment speaks of: its own, or the next that is no comment, with its continuation."""
    if not alone:
        return number, number
    index = number
    while index < len(lines) and (not lines[index].strip() or lines[index].lstrip().startswith(("#", "//"))):
        index += 1
    first = last = index + 1
    while last <= len(lines) and lines[last - 1].rstrip().endswith("\\"):
        last += 1
    return first, last


def _spoken(path: str, lines: list[str], number: int, alone: bool) -> tuple[int, int]:
    """The lines a comment speaks of; in Terraform the whole block, when it stands at the first line of one."""
    first, last = _target(lines, number, alone)
    if path.endswith(".tf") and first <= len(lines) and lines[first - 1][:1].isalpha():
        return _block_lines(lines, first)
    return first, last


def _document_lines(lines: list[str], number: int) -> tuple[int, int]:
    """The lines of the YAML document around a line; all lines where there is no `---`."""
    first, last = 1, len(lines)
    for index, line in enumerate(lines, 1):
        if line.startswith("---"):
            if index < number:
                first = index
            elif index > number:
                last = index - 1
                break
    return first, last


def _block_lines(lines: list[str], number: int) -> tuple[int, int]:
    """The lines of the HCL block around a line: from where it begins at the margin to the brace that ends it."""
    first, last = number, number
    while first > 1 and not (lines[first - 1][:1].isalpha() and lines[first - 1].rstrip().endswith("{")):
        first -= 1
    while last < len(lines) and not lines[last - 1].startswith("}"):
        last += 1
    return first, last


def _lines(path: str, target: tuple[int, int]) -> Callable[[Finding], bool]:
    return _between(path, *target)


def _between(path: str, first: int, last: int) -> Callable[[Finding], bool]:
    return lambda finding: finding.at.path == path and first <= finding.at.line <= last


def _whole_file(path: str) -> Callable[[Finding], bool]:
    return lambda finding: finding.at.path == path


def _of_spec(node: Node) -> Waiver:
    """An entry of the spec's `waivers`; `at` is a spec path, and covers all below it."""

    def word(key: str) -> str:
        found = node.get(key)
        return str(found.value) if found is not None and found.value is not None else ""

    scope = word("at")

    def covers(finding: Finding) -> bool:
        pointer = finding.cause.pointer if finding.cause else finding.at.pointer
        return not scope or pointer == scope or pointer.startswith((f"{scope}.", f"{scope}["))

    return Waiver(
        names(word("rule")), word("reason"), node.at, covers, "spec", word("owner"), word("until"), word("rule")
    )


def _of_pack(entry: Mapping[str, Any], index: int) -> Waiver:
    """It holds for what we generate, which a cause in the spec tells; other people's files are theirs."""
    path, subject = str(entry.get("path", "")), str(entry.get("subject", ""))

    def covers(finding: Finding) -> bool:
        generated = finding.cause is not None
        return generated and bool(re.search(path, finding.at.path)) and bool(re.search(subject, finding.subject))

    return Waiver(
        names(str(entry["rule"])),
        str(entry["reason"]),
        Location("rules/waivers.yaml", 0, 0, f"waivers[{index}]"),
        covers,
        "pack",
        written=str(entry["rule"]),
    )


def _holds(waiver: Waiver, finding: Finding) -> bool:
    return bool(waiver.names & ({finding.rule.lower()} | _lowered(finding.aliases))) and waiver.covers(finding)


def _lowered(aliases: tuple[str, ...]) -> set[str]:
    return {alias.lower() for alias in aliases}


def _of_scan(waiver: Waiver) -> bool:
    """An accepted vulnerability: the scan of images reads it from the spec, and no check of ours has such findings."""
    return waiver.source == "spec" and waiver.written.startswith(SCAN)


def _is_live(waiver: Waiver, today: str) -> bool:
    """A waiver without a reason or past its end sets nothing aside."""
    if not waiver.reason.strip() or (waiver.until and not _DATE.fullmatch(waiver.until)):
        return False
    return not (waiver.until and today and waiver.until < today)


def _faults(waiver: Waiver, today: str) -> Iterator[Finding]:
    if not waiver.reason.strip():
        yield _finding(
            waiver,
            "waiver/no-reason",
            f'the waiver of "{waiver.written}" gives no reason',
            'write reason="…": why the finding is acceptable here',
        )
    elif waiver.until and not _DATE.fullmatch(waiver.until):
        yield _finding(waiver, "waiver/no-date", f'"{waiver.until}" is not a date', "write the last day as YYYY-MM-DD")
    elif _of_scan(waiver) and not waiver.until:
        yield _finding(
            waiver,
            "waiver/no-end",
            f'"{waiver.written}" is accepted for ever, in every image',
            "write until: YYYY-MM-DD, the day by which it is mended or looked at again",
        )
    elif waiver.until and today and waiver.until < today:
        yield _finding(
            waiver,
            "waiver/expired",
            f'the waiver of "{waiver.written}" ended on {waiver.until}',
            "mend what it covered, or decide anew and move the date",
        )


def _unused(waiver: Waiver) -> Finding:
    return _finding(
        waiver,
        "waiver/unused",
        f'the waiver of "{waiver.written}" covers no finding',
        "remove it; an old waiver would hide the next problem",
    )


_SEVERITIES = {"waiver/unused": Severity.LOW}


def _finding(waiver: Waiver, rule: str, message: str, fix: str) -> Finding:
    return Finding(
        rule=rule,
        severity=_SEVERITIES.get(rule, Severity.MEDIUM),
        message=message,
        at=waiver.at,
        cause=waiver.at if waiver.source == "spec" else None,
        fix=fix,
        value=waiver.written,
    )


@functools.cache
def _names() -> dict[str, frozenset[str]]:
    """Every name of a rule -> all its names."""
    found: dict[str, frozenset[str]] = {}
    for rule in rules():
        every = {rule.id.lower(), *(alias.lower() for alias in rule.aliases)}
        for name in list(every):
            found[name] = found.get(name, frozenset()) | every
        for alias in rule.aliases:
            short = alias.rpartition("/")[2].lower()
            found[short] = found.get(short, frozenset()) | every
    return found


def _is_alias(rule: str, aliases: tuple[str, ...]) -> bool:
    return rule.lower() in {alias.lower() for alias in aliases}


def _same_thing(own: Finding, other: Finding) -> bool:
    """Same line, or same subject; a foreign finding on the whole file is about everything in it.

    checkov looks at a Dockerfile as a whole and names any of its lines.
    """
    if other.at.line in (0, own.at.line) or other.rule.startswith("checkov/CKV_DOCKER"):
        return True
    return bool(own.subject) and _bare(own.subject) == _bare(other.subject)


def _bare(subject: str) -> tuple[str, ...]:
    """`Deployment/shop/web` and checkov's `Deployment.shop.web` are one; a namespace or module may be left out."""
    if front := re.match(r"(?:module[/.][^/.]+[/.])+|data[/.](?=aws_)", subject):
        subject = subject[front.end() :]
    parts = tuple(part for part in re.split(r"[/.]", subject) if part not in ("default", ""))
    return (parts[0], parts[-1]) if parts else ()
