"""The report as one HTML page for people: the summary, then findings to filter, group and search.

The page stands alone: it loads nothing, its own policy (Content-Security-Policy) allows only the style and the script
inside it, by their hashes, and without the script everything is still there. Every value passes `visible` and the
escaping of Jinja in one place, `finalize`, so no template can forget either.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator import data
from generator.document import Location
from generator.finding import Finding, Severity, Waived
from generator.report import Box, Report, Row, RuleText, Value, Verdict, tally
from generator.reporters.drawing import svg
from generator.reporters.frame import frame, without_secrets
from generator.reporters.wording import (
    CODE_SPAN,
    Style,
    counted,
    family,
    place,
    severities,
    states,
    tool,
    verdict,
    visible,
)

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

_ROOM = 110
"""Cells of a source line that are shown; a line of a dashboard can have a hundred thousand."""

_POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; img-src data:; base-uri 'none'; form-action 'none'"
)
_HEADINGS_AFTER = ("Findings", "Waivers", "Not checked", "Changes", "Rules")

Note = tuple[str, "Markup"]


@dataclass(frozen=True, slots=True)
class _Card:
    """A finding as it is shown."""

    id: str
    rule: str
    severity: str
    family: str
    tool: str
    at: str
    message: str
    frame: Markup | None
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    path: str
    cards: tuple[_Card, ...]


@dataclass(frozen=True, slots=True)
class _Family:
    """How many findings a family has, by severity from the worst."""

    name: str
    numbers: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.numbers)


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    tally: str
    text: RuleText | None
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the contents."""

    title: str
    id: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class _Chart:
    title: str
    svg: Markup


@dataclass(frozen=True, slots=True)
class _Picture:
    """A drawing of an environment; the first of the last environment is open, since that is what people ask for."""

    title: str
    about: str
    svg: Markup
    open: bool


@dataclass(frozen=True, slots=True)
class _Page:
    """All that the template lays out, beside the report itself."""

    title: str
    verdict: str
    facts: tuple[Note, ...]
    contents: tuple[_Entry, ...]
    severities: tuple[Severity, ...]
    families: tuple[_Family, ...]
    tools: tuple[tuple[str, int], ...]
    charts: tuple[_Chart, ...]
    pictures: tuple[_Picture, ...]
    groups: tuple[_Group, ...]
    found: Mapping[str, int]
    waived: tuple[Waived, ...]
    changes: str
    rules: tuple[_Rule, ...]
    targets: bool


def render(report: Report, sources: Mapping[str, str], _style: Style) -> str:
    environment = _environment()
    css, js = (_ours(name) for name in ("report.css", "report.js"))
    policy = _POLICY.format(script=_hashed(js), style=_hashed(css))
    page = _page(report, without_secrets(report, sources))
    text = environment.get_template("report/page.html.j2").render(
        report=report, page=page, policy=policy, css=_markup(css), js=_markup(js)
    )
    return text.rstrip("\n") + "\n"


def _ours(name: str) -> str:
    return (data.folder("templates") / "report" / name).read_text(encoding="utf-8")


def _hashed(text: str) -> str:
    """How a policy names an inline style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _markup(text: str) -> Markup:
    """Text that is markup already; everything else is escaped."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(data.folder("templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_seen,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., Any]] = {
        "anchor": _anchor,
        "place": _placed,
        "prose": _prose,
        "rule_anchor": _rule_anchor,
        "runs": _runs,
        "told": _sources_of,
    }
    made.filters.update(filters)
    return made


def _seen(value: object) -> object:
    """What a template prints: our own markup as it is, anything else with nothing hidden in it."""
    return value if hasattr(value, "__html__") else visible(str(value))


# pieces of text


def _escaped(text: str) -> str:
    return html.escape(visible(text))


def _prose(said: str) -> Markup:
    """A sentence whose spans in backticks are code."""
    parts = CODE_SPAN.split(visible(said))
    return _markup("".join(f"<code>{html.escape(p)}</code>" if n % 2 else html.escape(p) for n, p in enumerate(parts)))


def _coded(text: str) -> Markup:
    return _markup(f"<code>{_escaped(text)}</code>")


def _placed(at: Location) -> Markup:
    """A place in a cell of a table, which may break behind a slash."""
    return _markup(f"<code>{_escaped(place(at)).replace('/', '/<wbr>')}</code>")


def _linked(url: str) -> Markup:
    """A link to be followed by hand, for web addresses only; nothing is ever loaded from one."""
    if not re.fullmatch(r"https?://[^\s<>\"'\x00-\x20]+", url):
        return _coded(url)
    return _markup(f'<a href="{_escaped(url)}" rel="noreferrer">{_escaped(url)}</a>')


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _rule_anchor(rule: str) -> str:
    """A rule's id in the page: readable where that is safe, a hash where it is not."""
    plain = re.fullmatch(r"[A-Za-z0-9_./-]+", rule)
    return f"rule-{rule if plain else hashlib.sha256(rule.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _sources_of(row: Row, names: Sequence[str]) -> Markup:
    """Where the values of a row come from, said once when it is one place."""
    by_source: dict[str, list[str]] = {}
    for name, value in zip(names, row.values, strict=True):
        by_source.setdefault(value.source + (f": {value.place}" if value.place else ""), []).append(name)
    if len(by_source) == 1:
        return _prose(next(iter(by_source)))
    told = (_markup(", ").join(map(_coded, of)) + " " + _prose(source) for source, of in by_source.items())
    return _markup("; ").join(told)


def _runs(values: Sequence[Value | Verdict]) -> Iterator[tuple[Value | Verdict, int]]:
    """Neighbours that say the same, as one cell and its width; where they come from does not show in the cell."""
    for _, same in itertools.groupby(values, key=_said):
        first, *others = same
        yield first, 1 + len(others)


def _said(value: Value | Verdict) -> tuple[str, str]:
    return (value.text, value.source) if isinstance(value, Value) else (value.state, value.reason)


# the page


def _page(report: Report, sources: Mapping[str, str]) -> _Page:
    said = verdict(report)
    families = tuple(_families(report))
    rules = tuple(_rules(report))
    name = report.summary.app if report.summary else report.spec_path or report.command
    return _Page(
        title=f"{name}: Infrastructure Configuration Summary",
        verdict=f"{said[0].upper()}{said[1:]}.",
        facts=tuple(_facts(report)),
        contents=tuple(_contents(report, rules)),
        severities=tuple(sorted(Severity, reverse=True)),
        families=families,
        tools=tuple(tally(tool(finding.rule) for finding in report.findings).items()),
        charts=(
            _Chart("Findings by severity", _by_severity(report)),
            _Chart("Findings by family", _by_family(families)),
        )
        if report.findings
        else (),
        pictures=tuple(_pictures(report)),
        groups=tuple(_groups(report, sources)),
        found=Counter(finding.at.path for finding in report.findings),
        waived=tuple(sorted(report.waived, key=lambda item: item.finding.order)),
        changes=_changes(report),
        rules=rules,
        targets=any(file.target for file in report.files),
    )


def _facts(report: Report) -> Iterator[Note]:
    if report.summary:
        yield "App", _coded(report.summary.app)
    if report.spec_path:
        yield "Spec", _coded(report.spec_path)
    if report.files:
        yield "Files", _prose(f"{len(report.files)} ({states(report)})")
    yield "Findings", _prose(f"{severities(report)}; gate at {report.fail_on.word}")
    tools = ", ".join(f"{of.name} {of.version}" for of in sorted(report.tools))
    yield "Made with", _prose(f"groundplan {report.version}" + (f"; checked by {tools}" if tools else ""))


def _contents(report: Report, rules: Sequence[_Rule]) -> Iterator[_Entry]:
    if report.summary:
        sections = (section.title for section in report.summary.sections)
        for title in (*sections, "Security Measures", "Success Criteria"):
            yield _Entry(title, _anchor(title))
        if report.summary.diagrams:
            yield _Entry("Diagrams", "diagrams", len(report.summary.diagrams))
    counts = (report.findings, report.waived, report.not_checked, report.changes, rules)
    for title, things in zip(_HEADINGS_AFTER, counts, strict=True):
        if things or title != "Rules":
            yield _Entry(title, _anchor(title), len(things))


def _pictures(report: Report) -> Iterator[_Picture]:
    drawings = report.summary.diagrams if report.summary else ()
    last = drawings[-1].environment if drawings else ""
    for number, drawing in enumerate(drawings):
        picture = _markup(svg(drawing.graph, f"diagram-{number}"))
        title = f"{drawing.graph.title} of {drawing.environment}"
        first = drawing.environment == last and drawing.graph.view == "network"
        yield _Picture(title, drawing.graph.about, picture, first)


def _changes(report: Report) -> str:
    actions = tally(change.action for change in report.changes)
    told = ", ".join(f"{number} {action}" for action, number in actions.items())
    return f"{counted(len(report.changes), 'file')}: {told}."


# findings


def _groups(report: Report, sources: Mapping[str, str]) -> Iterator[_Group]:
    seen: Counter[str] = Counter()
    for path, found in itertools.groupby(report.ordered, key=lambda finding: finding.at.path):
        cards = []
        for finding in found:
            seen[finding.fingerprint] += 1
            number = seen[finding.fingerprint]
            cards.append(_card(finding, f"f-{finding.fingerprint}" + (f"-{number}" if number > 1 else ""), sources))
        yield _Group(path, tuple(cards))


def _card(finding: Finding, name: str, sources: Mapping[str, str]) -> _Card:
    return _Card(
        id=name,
        rule=finding.rule,
        severity=finding.severity.word,
        family=family(finding.rule),
        tool=tool(finding.rule),
        at=str(finding.at),
        message=finding.message,
        frame=_frame(finding.at, sources, around=1),
        notes=tuple(_notes(finding, sources)),
    )


def _notes(finding: Finding, sources: Mapping[str, str]) -> Iterator[Note]:
    if finding.fix:
        yield "Way out", _prose(finding.fix)
    if finding.cause and finding.cause != finding.at:
        apart = finding.cause.path != finding.at.path or abs(finding.cause.line - finding.at.line) > 1
        below = _frame(finding.cause, sources, around=0) if apart else None
        shown = f'<pre class="frame">{below}</pre>' if below else ""
        yield "Caused by", _markup(_coded(place(finding.cause)) + _markup(shown))
    for other in finding.related:
        yield "See", _markup(_coded(place(other.at)) + (": " + _prose(other.message) if other.message else ""))
    if finding.confidence != "high":
        yield "Confidence", _prose(finding.confidence)
    if finding.url:
        yield "More", _linked(finding.url)


def _frame(at: Location, sources: Mapping[str, str], *, around: int) -> Markup | None:
    """Numbered lines, the word in question marked, and a caret below it that is not read aloud."""
    lines = tuple(frame(at, sources, _ROOM, around=around))
    if not lines:
        return None
    margin = len(str(lines[-1].number))
    told = []
    for line in lines:
        word = f"<mark>{html.escape(line.word)}</mark>" if line.word else ""
        text = f"<i>{line.number:>{margin}} | </i>{html.escape(line.before)}{word}{html.escape(line.after)}"
        below = f"\n<i>{' ' * margin} | </i><b>{line.caret}</b>"
        told.append(text + (f'<span class="caret" aria-hidden="true">{below}</span>' if line.caret else ""))
    return _markup("\n".join(told))


# rules


def _rules(report: Report) -> Iterator[_Rule]:
    """Every rule that the page names, with its text where it is ours."""
    texts = {rule.id: rule for rule in report.rules}
    found = Counter(finding.rule for finding in report.findings)
    waived = Counter(item.finding.rule for item in report.waived)
    passed = Counter(item.rule for item in report.passes)
    boxes = report.summary.boxes if report.summary else ()
    urls: dict[str, str] = {}
    for finding in (*report.ordered, *(item.finding for item in report.waived)):
        if finding.url:
            urls.setdefault(finding.rule, finding.url)
    for name in sorted({*found, *waived, *itertools.chain.from_iterable(_ruled(box) for box in boxes)}):
        counts = ((found[name], "finding"), (waived[name], "waiver"), (passed[name], "pass"))
        told = ", ".join(_number(number, noun) for number, noun in counts if number)
        text = texts.get(name)
        notes = tuple(_rule_notes(text, urls.get(name, "")))
        yield _Rule(name, told or "judged nothing", text, notes)


def _ruled(box: Box) -> Iterator[str]:
    yield from box.rules
    for part in box.parts:
        yield from _ruled(part)


def _number(number: int, noun: str) -> str:
    return f"{number} passes" if noun == "pass" and number > 1 else counted(number, noun)


def _rule_notes(text: RuleText | None, url: str) -> Iterator[Note]:
    if text:
        yield "Why", _prose(text.why)
        yield "Way out", _prose(text.fix)
        if text.tags:
            yield "Asked by", _prose(", ".join(text.tags))
        if text.aliases:
            yield "Also called", _prose(", ".join(text.aliases))
    address = text.url if text and text.url else url
    if address:
        yield "More", _linked(address)


# charts


def _families(report: Report) -> Iterator[_Family]:
    """The families, the one with the most findings first."""
    found = Counter((family(finding.rule), finding.severity) for finding in report.findings)
    words = sorted(Severity, reverse=True)
    rows = [_Family(name, tuple(found[name, word] for word in words)) for name in {name for name, _ in found}]
    yield from sorted(rows, key=lambda row: (-row.total, row.name))


def _by_severity(report: Report) -> Markup:
    words = sorted(Severity, reverse=True)
    rows = [(word.word, [report.counts[word] if word == other else 0 for other in words]) for word in words]
    return _bars(f"Findings by severity: {severities(report)}", rows)


def _by_family(families: Sequence[_Family]) -> Markup:
    words = [severity.word for severity in sorted(Severity, reverse=True)]
    told = []
    for row in families:
        parts = ", ".join(f"{number} {word}" for number, word in zip(row.numbers, words, strict=True) if number)
        told.append(f"{row.name} {row.total} ({parts})")
    return _bars(f"Findings by family: {'; '.join(told)}", [(row.name, row.numbers) for row in families])


def _bars(label: str, rows: Sequence[tuple[str, Sequence[int]]]) -> Markup:
    """Horizontal bars, stacked by severity. Lengths are percentages, so that the text keeps its size."""
    most = max((sum(numbers) for _, numbers in rows), default=0) or 1
    drawn = []
    for row, (name, numbers) in enumerate(rows):
        top = row * 34
        drawn.append(f'<text x="0" y="{top + 13}">{_escaped(name)}</text>')
        drawn.append(f'<text x="100%" y="{top + 13}" text-anchor="end">{sum(numbers)}</text>')
        drawn.append(f'<rect class="track" x="0" y="{top + 19}" width="100%" height="8"/>')
        start = 0.0
        for severity, number in zip(sorted(Severity, reverse=True), numbers, strict=True):
            if number:
                width = 100 * number / most
                drawn.append(
                    f'<rect class="{severity.word}" x="{start:.2f}%" y="{top + 19}" width="{width:.2f}%" height="8"/>'
                )
                start += width
    inner = "\n".join(drawn)
    return _markup(
        f'<svg class="chart" role="img" aria-label="{_escaped(label)}" height="{len(rows) * 34}">\n{inner}\n</svg>'
    )
