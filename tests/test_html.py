"""The report as a page: what stands in it, that it stands alone and lets nothing out, and how it behaves.

The page is read back as a tree, and driven in a real Chromium where one is installed.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import data, policy, reporters
from generator.cli import main
from generator.document import Location
from generator.finding import Finding, Severity
from generator.report import Report, ReportedFile
from generator.reporters.wording import visible
from tests import page
from tests.page import Element
from tests.test_reporters import CLEAN, FULL, HOSTILE, KEY, PORT, SOURCES, USER, _headings, _hostile
from tests.test_reports import CORPUS, WITH_EACH


def _many(number: int) -> Report:
    """Findings of every rule of ours, on as many files as a large project has."""
    pack = policy.rules()
    paths = [f"kubernetes/overlays/prod/service-{n}/deployment.yaml" for n in range(max(number // 20, 1))]
    found = []
    for count, rule in zip(range(number), itertools.cycle(pack), strict=False):
        at = Location(paths[count % len(paths)], count % 50 + 1, 5, f"spec.containers[{count}]")
        cause = Location("groundplan.yaml", count % 50 + 1, 3, "services.web.port")
        found.append(
            Finding(rule.id, rule.severity, f"container {count}: {rule.summary}", at, cause=cause, fix=rule.fix)
        )
    files = tuple(ReportedFile(path, "", "linted", 50) for path in paths)
    return Report(command="lint", findings=tuple(found), rules=pack, files=files, version="0.0.0")


def _html(report: Report, sources: dict[str, str] | None = None) -> Element:
    return page.read(reporters.render("html", report, SOURCES if sources is None else sources))


# HTML: what stands in it


@pytest.mark.parametrize("report", WITH_EACH)
def test_headings_are_those_of_the_markdown_report_in_its_order(report: Report) -> None:
    markdown = [
        title for title in _headings(reporters.render("markdown", report, SOURCES)) if not title.startswith("`")
    ]
    found = [item.text for item in _html(report).walk() if item.tag in {"h1", "h2"}]
    assert [title for title in found if title != "Rules"] == markdown


def test_finding_has_all_its_parts() -> None:
    (card,) = [item for item in _html(FULL).all("article") if PORT.rule in item.text]
    words = " ".join(card.text.split())
    assert words == (
        "medium cross/scrape-port-closed monitoring/scrape.yaml:4:19 "
        'scrape port 9090 is not a port of Service "web" '
        '3 | static_configs: 4 | - targets: ["web:9090"] | ^^^^^^^^^^ '
        "Way outscrape port 3000, or open port 9090 "
        "Caused byshop.yaml:9:21 services.web.metrics.port"
        "9 | metrics: {port: 9090, path: /metrics} | ^^^^ "
        "Seekubernetes/base/web/deployment.yaml:12:43: the container listens on 3000"
    )
    assert {key: card.attributes[f"data-{key}"] for key in ("severity", "family", "tool", "path", "rule")} == {
        "severity": "medium",
        "family": "cross",
        "tool": "groundplan",
        "path": "monitoring/scrape.yaml",
        "rule": PORT.rule,
    }


@pytest.mark.parametrize(
    ("text", "column", "marked", "caret"),
    [
        ("a: b", 4, "b", "   ^"),
        ('a: "<b> c"', 4, '"<b> c"', "   ^^^^^^^"),
        ("日本: 1", 5, "1", "      ^"),
        ("\ta: 1", 2, "a", "    ^"),
        ("<i>: </pre>&amp;", 6, "</pre>&amp;", "     ^^^^^^^^^^^"),
    ],
)
def test_frame_marks_the_word_and_has_a_caret_below_it(text: str, column: int, marked: str, caret: str) -> None:
    root = _html(replace(CLEAN, findings=(replace(KEY, at=Location("x", 1, column)),)), {"x": text})
    frame = root.one("pre")
    assert frame.one("mark").text == marked
    assert frame.text.split("\n")[0] == f"1 | {text.replace(chr(9), '    ')}"
    assert frame.one("b").text == caret
    assert frame.one("span", "caret").attributes["aria-hidden"] == "true"


def test_long_line_is_cut() -> None:
    root = _html(replace(CLEAN, findings=(replace(KEY, at=Location("x", 1, 5000)),)), {"x": "word " * 20000})
    assert max(map(len, root.one("pre").text.split("\n"))) < 130


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain", "<dd>plain</dd>"),
        ("set `a: <b>` here", "<dd>set <code>a: &lt;b&gt;</code> here</dd>"),
        ("one ` alone", "<dd>one ` alone</dd>"),
        ("a < b && c", "<dd>a &lt; b &amp;&amp; c</dd>"),
    ],
)
def test_code_in_a_sentence_is_code(said: str, shown: str) -> None:
    assert shown in reporters.render("html", replace(CLEAN, findings=(replace(KEY, fix=said),)), {})


@pytest.mark.parametrize(
    ("url", "linked"),
    [
        ("https://example.com/a?b=1&c", True),
        ("http://example.com", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("https://e.example/ x", False),
        ('https://e.example/"x', False),
        ("//e.example", False),
    ],
)
def test_only_web_addresses_are_links(url: str, linked: bool) -> None:
    root = _html(replace(CLEAN, findings=(replace(USER, url=url),)))
    outside = {item.attributes["href"] for item in root.all("a") if not item.attributes["href"].startswith("#")}
    assert outside == ({url} if linked else set())


@pytest.mark.parametrize("report", [*WITH_EACH, pytest.param(_many(200), id="many")])
def test_every_link_inside_the_page_leads_somewhere(report: Report) -> None:
    root = _html(report)
    names = Counter(item.attributes["id"] for item in root.walk() if "id" in item.attributes)
    assert max(names.values()) == 1
    targets = {item.attributes["href"][1:] for item in root.all("a") if item.attributes["href"].startswith("#")}
    assert targets
    assert targets <= set(names)


def test_same_finding_twice_has_two_names() -> None:
    root = _html(replace(CLEAN, findings=(KEY, replace(KEY, at=replace(KEY.at, line=9)))))
    first, second = (item.attributes["id"] for item in root.all("article"))
    assert (first, second) == (f"f-{KEY.fingerprint}", f"f-{KEY.fingerprint}-2")


def test_box_links_to_its_rule_which_says_how_often_it_passed() -> None:
    root = _html(FULL)
    link = next(item for item in root.all("ul", "boxes")[0].all("a") if item.text == "cross/flow-not-allowed")
    assert root.with_id(link.attributes["href"][1:]).text.split("\n")[0] == "cross/flow-not-allowed 2 passes"


@pytest.mark.parametrize("report", WITH_EACH)
def test_rows_of_a_table_are_as_wide_as_its_head(report: Report) -> None:
    for table in _html(report).all("table"):
        widths = {
            sum(int(cell.attributes.get("colspan", "1")) for cell in row.walk() if cell.tag in {"th", "td"})
            for row in table.all("tr")
        }
        assert len(widths) == 1


def test_charts_say_their_figures_in_words_and_in_a_table() -> None:
    root = _html(FULL)
    severity, of_family = root.all("svg")
    assert severity.attributes["aria-label"] == "Findings by severity: 1 high, 1 medium, 1 low"
    assert of_family.attributes["aria-label"] == (
        "Findings by family: cross 1 (1 medium); hadolint 1 (1 low); spec 1 (1 high)"
    )
    assert {item.attributes["role"] for item in (severity, of_family)} == {"img"}
    rows = [
        [cell.text for cell in row.walk() if cell.tag in {"th", "td"}] for row in root.one("table", "figures").all("tr")
    ]
    assert rows == [
        ["Family", "critical", "high", "medium", "low", "info", "all"],
        ["cross", "0", "0", "1", "0", "0", "1"],
        ["hadolint", "0", "0", "0", "1", "0", "1"],
        ["spec", "0", "1", "0", "0", "0", "1"],
        ["all", "0", "1", "1", "1", "0", "3"],
    ]


def test_bars_are_in_proportion() -> None:
    found = tuple(replace(USER, severity=Severity.of(word)) for word in ("high", "low", "low", "low"))
    severity, of_family = _html(replace(CLEAN, findings=found)).all("svg")
    bars = [(item.attributes["class"], item.attributes["width"]) for item in severity.all("rect")]
    assert [bar for bar in bars if bar[0] != "track"] == [("high", "33.33%"), ("low", "100.00%")]
    stacked = [item.attributes for item in of_family.all("rect") if item.attributes["class"] != "track"]
    assert [(item["class"], item["x"], item["width"]) for item in stacked] == [
        ("high", "0.00%", "25.00%"),
        ("low", "25.00%", "75.00%"),
    ]


# HTML: stands alone, and is safe

LOADING = frozenset(
    {"src", "srcset", "poster", "data", "action", "formaction", "background", "ping", "manifest", "xlink:href"}
)


@pytest.mark.parametrize("report", [*WITH_EACH, pytest.param(_hostile("https://e.example/x.png"), id="hostile")])
def test_nothing_is_loaded(report: Report) -> None:
    root = _html(report)
    assert not [(item.tag, name) for item in root.walk() for name in item.attributes if name in LOADING]
    assert {item.attributes["href"] for item in root.all("link")} == {"data:,"}
    assert not root.all("base")
    assert not re.search(r"url\(|@import|@font-face", root.one("style").text)
    assert not re.search(
        r"fetch|XMLHttpRequest|import\(|WebSocket|EventSource|sendBeacon|new Image|\beval\b", root.one("script").text
    )


def test_policy_of_the_page_names_its_own_style_and_script_only() -> None:
    root = _html(FULL)
    (policy_,) = [item for item in root.all("meta") if item.attributes.get("http-equiv") == "Content-Security-Policy"]
    hashes = {
        tag: base64.b64encode(hashlib.sha256(root.one(tag).text.encode()).digest()).decode()
        for tag in ("script", "style")
    }
    assert policy_.attributes["content"].split("; ") == [
        "default-src 'none'",
        f"script-src 'sha256-{hashes['script']}'",
        f"style-src 'sha256-{hashes['style']}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]


KNOWN = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "link",
        "style",
        "body",
        "a",
        "header",
        "div",
        "p",
        "span",
        "h1",
        "h2",
        "h3",
        "button",
        "nav",
        "ul",
        "li",
        "main",
        "section",
        "dl",
        "dt",
        "dd",
        "details",
        "summary",
        "table",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "th",
        "td",
        "figure",
        "figcaption",
        "svg",
        "text",
        "rect",
        "form",
        "fieldset",
        "legend",
        "label",
        "input",
        "select",
        "option",
        "output",
        "datalist",
        "article",
        "pre",
        "code",
        "i",
        "b",
        "mark",
        "wbr",
        "script",
    ]
)


@pytest.mark.parametrize(
    "text", [*HOSTILE, "</script><script>alert(1)</script>", "' onclick='alert(1)", '" onfocus="x'], ids=ascii
)
def test_nothing_breaks_out_of_html(text: str) -> None:
    root = _html(_hostile(text), {text or "x": text})
    for item in root.walk():
        assert item.tag in KNOWN | {""}
        assert not [name for name in item.attributes if name.startswith("on") or name == "style"]
    assert [len(root.all(tag)) for tag in ("script", "style", "form", "article", "title")] == [1, 1, 1, 1, 1]
    assert all(re.match("#|https?://", item.attributes["href"]) for item in root.all("a"))
    said = root.one("p", "message").text
    assert said.replace("`", "") == visible(text).replace("`", "")


@given(st.text(alphabet=st.sampled_from(list("<>\"'&`/=;-! \n\t\r\0ascriptxé\u202e\u2028")), max_size=16))
@settings(max_examples=60, deadline=None)
def test_values_come_back_from_html(text: str) -> None:
    found = replace(KEY, at=Location(f"f{text}", 1, 1), fix="", rule=f"a/{text}")
    (card,) = _html(replace(CLEAN, findings=(found,)), {}).all("article")
    assert card.attributes["data-path"] == visible(f"f{text}")
    assert card.attributes["data-rule"] == visible(f"a/{text}")


def test_page_is_whole_without_its_script() -> None:
    root = _html(FULL)
    hidden = [item.attributes.get("id") for item in root.walk() if "hidden" in item.attributes]
    assert sorted(map(str, hidden)) == ["filter", "nothing", "theme"]
    assert len(root.all("article")) == len(FULL.findings)
    assert all("open" in item.attributes for item in root.all("details", "group"))


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


TONES = ("critical", "high", "medium", "low", "info")
ON_PAPER = ("ink", "faint", "link", "good", "bad", *TONES)


@pytest.mark.parametrize(
    ("above", "below", "least"),
    [
        *((tone, ground, 4.5) for tone in ON_PAPER for ground in ("page", "card", "sunken")),
        *(("on", tone, 4.5) for tone in (*TONES, "good")),
        ("ink", "marked", 4.5),
        *(("edge", ground, 3.0) for ground in ("page", "card")),
    ],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_have_the_contrast_of_wcag_aa(above: str, below: str, least: float, scheme: str) -> None:
    css = (data.folder("templates") / "report" / "report.css").read_text(encoding="utf-8")
    pairs = re.findall(r"--(\w+): light-dark\((#\w{6}), (#\w{6})\)", css)
    colours = {name: light if scheme == "light" else dark for name, light, dark in pairs}
    assert _contrast(colours[above], colours[below]) >= least


def test_five_thousand_findings_stay_small() -> None:
    report = _many(5000)
    text = "\n".join(f"  key{number}: a value of a usual length" for number in range(60))
    sources = {**{file.path: text for file in report.files}, "groundplan.yaml": text}
    assert len(reporters.render("html", report, sources)) < 8_000_000


# HTML: in a real browser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
in_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: the page is not driven")

MIXED = replace(
    FULL,
    findings=(
        USER,
        PORT,
        KEY,
        *(
            replace(USER, rule="docker/latest-tag", message=f"tag {n}", at=Location("apps/api/Dockerfile", n))
            for n in (1, 2)
        ),
        replace(KEY, severity=Severity.CRITICAL, message="Ünïcödé word", at=Location("shop.yaml", 3)),
    ),
)


@dataclass(frozen=True)
class Shown:
    """What Chromium made of a page: its tree, what its console said and which hosts it asked."""

    root: Element
    console: tuple[str, ...]
    asked: frozenset[str]

    @property
    def visible(self) -> list[str]:
        """Places of the findings that are shown, in order."""
        groups = [item for item in self.root.all("details", "group") if "hidden" not in item.attributes]
        cards = [card for group in groups for card in group.all("article") if "hidden" not in card.attributes]
        return [card.one("a", "at").text for card in cards]


@pytest.fixture
def browse(tmp_path: Path) -> Callable[..., Shown]:
    """Opens a text as a page in Chromium, with no name to be resolved, at a fragment."""

    def opened(text: str, fragment: str = "") -> Shown:
        path, log = tmp_path / "report.html", tmp_path / "net.json"
        path.write_text(text, encoding="utf-8")
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        flags += ["--disable-component-update", "--disable-sync", "--disable-extensions", "--enable-logging=stderr"]
        flags += [
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--log-net-log={log}",
        ]
        command = [str(CHROMIUM), *flags, "--dump-dom", f"{path.as_uri()}{fragment}"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return Shown(page.read(run.stdout), tuple(re.findall(r"CONSOLE.*", run.stderr)), _asked(log))

    return opened


def _asked(log: Path) -> frozenset[str]:
    """The hosts that were asked for something, but those that Chromium itself asks at every start."""
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    urls = [event["params"]["url"] for event in events if "url" in event.get("params", {})]
    hosts = {found[1] for url in urls if (found := re.match(r"(?:https?|wss?|ftp)://([^/:]+)", url))}
    return frozenset(host for host in hosts if not host.endswith((".google.com", ".googleapis.com", ".gstatic.com")))


EVERY = [
    "apps/api/Dockerfile:1:0",
    "apps/api/Dockerfile:2:0",
    "apps/web/Dockerfile:7:0",
    "monitoring/scrape.yaml:4:19",
    "shop.yaml:3:0",
    "shop.yaml:8:5",
]


@in_chromium
@pytest.mark.parametrize(
    ("fragment", "places"),
    [
        ("", EVERY),
        ("#findings", EVERY),
        ("#severity=high", ["shop.yaml:8:5"]),
        ("#severity=high,critical", ["shop.yaml:3:0", "shop.yaml:8:5"]),
        ("#family=docker", EVERY[:2]),
        ("#tool=hadolint", ["apps/web/Dockerfile:7:0"]),
        ("#path=apps/", EVERY[:3]),
        ("#text=SCRAPE%20port", ["monitoring/scrape.yaml:4:19"]),
        ("#text=ünïcödé", ["shop.yaml:3:0"]),
        ("#severity=low&path=api&text=tag+file:2", ["apps/api/Dockerfile:2:0"]),
        ("#family=no-such", []),
        ("#severity=info", []),
        ("#group=severity", ["shop.yaml:3:0", "shop.yaml:8:5", "monitoring/scrape.yaml:4:19", *EVERY[:3]]),
        ("#group=rule&severity=low", ["apps/api/Dockerfile:1:0", "apps/api/Dockerfile:2:0", "apps/web/Dockerfile:7:0"]),
    ],
)
def test_fragment_filters_and_groups(browse: Callable[..., Shown], fragment: str, places: list[str]) -> None:
    shown = browse(reporters.render("html", MIXED, SOURCES), fragment)
    assert shown.visible == places
    assert shown.root.with_id("shown").text == f"{len(places)} of 6 findings"
    assert ("hidden" in shown.root.with_id("nothing").attributes) == bool(places)
    assert shown.console == ()
    assert shown.asked == frozenset()


@in_chromium
def test_script_shows_its_controls_and_groups_have_names(browse: Callable[..., Shown]) -> None:
    shown = browse(reporters.render("html", MIXED, SOURCES), "#group=severity")
    assert not [
        item
        for item in shown.root.walk()
        if item.attributes.get("id") in {"filter", "theme"} and "hidden" in item.attributes
    ]
    names = [group.one("h3").text for group in shown.root.all("details", "group")]
    assert names == ["critical", "high", "medium", "low"]


@in_chromium
def test_link_to_a_rule_opens_it(browse: Callable[..., Shown]) -> None:
    text = reporters.render("html", MIXED, SOURCES)
    name = f"rule-{PORT.rule}"
    assert "open" not in browse(text).root.with_id(name).attributes
    assert "open" in browse(text, f"#{name}").root.with_id(name).attributes


@in_chromium
def test_policy_holds_even_where_escaping_would_not(browse: Callable[..., Shown]) -> None:
    attack = '<img src="http://evil.example/x.png" onerror="document.title=1"><script>document.title = "taken"</script>'
    text = reporters.render("html", MIXED, SOURCES).replace("<main>", f"<main>{attack}")
    shown = browse(text)
    assert shown.root.one("title").text == "shop: Infrastructure Configuration Summary"
    assert shown.asked == frozenset()
    assert any("Content Security Policy" in line for line in shown.console)


@in_chromium
def test_request_would_be_seen(browse: Callable[..., Shown]) -> None:
    assert browse('<!DOCTYPE html><img src="http://seen.example/x.png">').asked == {"seen.example"}


@in_chromium
def test_hostile_values_do_nothing_in_a_browser(browse: Callable[..., Shown]) -> None:
    text = "</script><script>document.title='taken'</script><img src=x onerror=alert(1)>\u202e'\"`"
    shown = browse(reporters.render("html", _hostile(text), {text: text}), "#text=script")
    assert shown.console == ()
    assert shown.root.one("title").text.endswith(": Infrastructure Configuration Summary")
    assert len(shown.visible) == 1


@in_chromium
def test_real_findings_of_lint_can_be_filtered(
    browse: Callable[..., Shown], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(CORPUS)
    made = tmp_path / "made.html"
    CliRunner().invoke(main, ["lint", ".", "--skip", "checkov", "-q", "-o", f"html={made}"], standalone_mode=False)
    text = made.read_text(encoding="utf-8")
    wanted = [card for card in page.read(text).all("article") if card.attributes["data-severity"] == "high"]
    shown = browse(text, "#severity=high")
    assert len(shown.visible) == len(wanted) > 5
    assert (shown.console, shown.asked) == ((), frozenset())


# diagrams


def _drawn_report(app: str = "shop") -> Report:
    from generator import spec, summary
    from tests.conftest import APPS

    product = spec.load(APPS / app / "groundplan.yaml").product
    assert product is not None
    bare = Report(command="check", spec_path="groundplan.yaml")
    return replace(bare, summary=summary.summarise(product, bare, {}))


@pytest.mark.parametrize("app", ["shop", "smallest", "online-boutique", "two-regions", "ecs"])
def test_every_drawing_of_every_environment_stands_in_the_page_and_in_the_json(app: str) -> None:
    report = _drawn_report(app)
    assert report.summary
    text = reporters.render("html", report, {})
    assert text.count('<svg class="drawing"') == len(report.summary.diagrams) >= 4
    told = json.loads(reporters.render("json", report, {}))["summary"]["diagrams"]
    assert [(item["environment"], item["title"]) for item in told] == [
        (item.environment, item.graph.title) for item in report.summary.diagrams
    ]
    for number, item in enumerate(report.summary.diagrams):
        start = text.index(f'aria-labelledby="diagram-{number}-title')
        picture = text[start : text.index("</svg>", start)]
        assert picture.count('<g class="node ') == len(item.graph.nodes)
        loops = sum(edge.source == edge.target for edge in item.graph.edges)
        assert len(re.findall(r'<path class="(?:flow|aside)"', picture)) == len(item.graph.edges) - loops


def test_no_two_boxes_of_a_drawing_overlap_and_all_lie_inside() -> None:
    from generator.reporters.drawing import svg

    report = _drawn_report("online-boutique")
    assert report.summary
    for item in report.summary.diagrams:
        picture = svg(item.graph, "d")
        room = re.search(r'viewBox="0 0 (\d+) (\d+)"', picture)
        assert room
        wide, high = map(int, room.groups())
        found = re.findall(r'<g class="node \w+"><rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"', picture)
        boxes = [tuple(map(int, box)) for box in found]
        assert boxes
        for x, y, w, h in boxes:
            assert x >= 0
            assert x + w <= wide
            assert y >= 0
            assert y + h <= high
        for one, other in itertools.combinations(boxes, 2):
            apart = one[0] + one[2] <= other[0] or other[0] + other[2] <= one[0]
            assert apart or one[1] + one[3] <= other[1] or other[1] + other[3] <= one[1]


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"', "&", "a\u202eb", "x" * 500])
def test_a_label_of_a_drawing_is_text(text: str) -> None:
    from generator.diagrams.graph import Edge, Group, Node, graph
    from generator.reporters.drawing import svg

    nodes = [Node("a", (text, text), "service", ("app",), "g"), Node("b", (text,), "store", ("app",), "g")]
    made = graph("network", text, text, nodes, [Edge("a", "b", text, ("app",))], [Group("g", text, ("app",))])
    assert "<script" not in svg(made, "d")
    assert "\u202e" not in svg(made, "d")


def test_a_circle_of_services_is_drawn() -> None:
    from generator.diagrams.graph import Edge, Node, graph
    from generator.reporters.drawing import svg

    nodes = [Node(name, (name,), "service", ("app",)) for name in "abc"]
    edges = [Edge(one, other, "calls", ("app",)) for one, other in ("ab", "bc", "ca", "aa")]
    picture = svg(graph("network", "N", "n", nodes, edges), "d")
    assert picture.count('<path class="flow"') == 3
