"""Wrong specs that state their own findings, and right ones that look wrong.

Each file in fixtures/rejects begins with `# expect: LINE:COLUMN rule`, or `PATH:LINE:COLUMN rule` for a
finding in a file that it extends; the comparison is exact, infos that name a target to come apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.errors import Fault
from generator.finding import Finding, Severity
from generator.spec import Loaded, load
from generator.specfile import MAX_BYTES

REJECTS = Path(__file__).resolve().parents[1] / "fixtures" / "rejects"
FILES = sorted(REJECTS.glob("*.yaml"))
MESSAGES = Path(__file__).resolve().parent / "golden" / "rejects.txt"
EXPECT = re.compile(rb"# expect: (?:(?P<path>\S+?):)?(?P<line>\d+):(?P<column>\d+) (?P<rule>\S+)")
ADVICE = {
    *("cross/region-not-allowed", "dr/rpo-not-met", "dr/rto-not-met", "monitoring/alert-not-tested"),
    *("monitoring/range-not-instant", "monitoring/rate-over-gauge", "monitoring/alert-never-fires"),
    *("monitoring/burn-alert-cannot-fire", "monitoring/latency-bucket-missing", "monitoring/metric-of-nobody"),
}
"""What is said of a spec that can be rendered all the same; everything else stops it."""
SMALL = "apiVersion: groundplan/v1\napp: shop\nowner: team-shop\nservices:\n  web:\n    runtime: node\n    port: 3000\n"


def expected(path: Path) -> list[str]:
    found = []
    for line in path.read_bytes().splitlines():
        match = EXPECT.fullmatch(line)
        if not match:
            break
        where = (match["path"] or path.name.encode()).decode()
        found.append(f"{where}:{int(match['line'])}:{int(match['column'])} {match['rule'].decode()}")
    return sorted(found)


def serious(loaded: Loaded) -> list[Finding]:
    """What is said above an info; that nobody is named to be woken is true of most of these small specs."""
    return [
        finding
        for finding in loaded.findings
        if finding.severity > Severity.INFO and finding.rule != "spec/no-receiver"
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_wrong_spec_gives_exactly_its_findings(path: Path) -> None:
    loaded = load(path)
    assert sorted(f"{finding.at} {finding.rule}" for finding in serious(loaded)) == expected(path)
    assert expected(path), "a wrong spec states at least one finding"
    assert (loaded.product is None) == any(finding.severity >= Severity.HIGH for finding in serious(loaded))
    assert loaded.product is None or {finding.rule for finding in serious(loaded)} <= ADVICE


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_message_says_what_and_what_to_do(path: Path) -> None:
    for finding in serious(load(path)):
        assert finding.fix, finding.message
        for text in (finding.message, finding.fix):
            assert text == text.strip()
            assert not text.endswith(".")
            assert not re.search(r"\b(?:invalid|failed|please|None|dict|NoneType)\b", text), text
        assert not finding.message[0].isupper() or finding.message.startswith(("LOG", "YAML", "AWS", "EKS")), (
            finding.message
        )


def test_messages_are_the_reviewed_ones(request: pytest.FixtureRequest) -> None:
    """Every message of the spec family as a user reads it; a changed one is read by a human before it is kept."""
    rows = [
        f"{path.stem}:{finding.at.line}:{finding.at.column}: {finding.rule}: {finding.message}; {finding.fix}\n"
        for path in FILES
        for finding in serious(load(path))
    ]
    if request.config.getoption("--update-golden"):
        MESSAGES.write_text("".join(rows), encoding="utf-8")
    assert "".join(rows) == MESSAGES.read_text(encoding="utf-8")


def test_there_are_many() -> None:
    assert len(FILES) >= 100


def test_a_typed_in_secret_is_not_repeated() -> None:
    for name in ("secret-typed-in", "secret-with-value"):
        for finding in serious(load(REJECTS / f"{name}.yaml")):
            assert "sk-live" not in f"{finding.message} {finding.fix} {finding.value}"


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"", ["g.yaml:1:1 spec/empty"]),
        (b"\n\n", ["g.yaml:1:1 spec/empty"]),
        (b"---\n", ["g.yaml:1:1 spec/empty"]),
        (b"null\n", ["g.yaml:1:1 spec/empty"]),
        (b"app: \xff\n", ["g.yaml:1:6 spec/not-utf8"]),
        (SMALL.encode("utf-16"), ["g.yaml:1:1 spec/not-utf8"]),
        (b"# " + b"x" * MAX_BYTES, ["g.yaml:1:1 spec/too-large"]),
    ],
    ids=["no-bytes", "blank-lines", "only-dashes", "null", "latin", "utf-16", "too-large"],
)
def test_a_file_that_holds_no_spec(tmp_path: Path, raw: bytes, found: list[str]) -> None:
    path = tmp_path / "g.yaml"
    path.write_bytes(raw)
    assert [f"{finding.at} {finding.rule}" for finding in load(path).findings] == found


@pytest.mark.parametrize(
    ("make", "says"),
    [(lambda path: None, "there is no"), (lambda path: path.mkdir(), "is a directory")],
    ids=["missing", "directory"],
)
def test_a_path_that_is_no_file(tmp_path: Path, make: Callable[[Path], None], says: str) -> None:
    path = tmp_path / "g.yaml"
    make(path)
    with pytest.raises(Fault, match=says) as caught:
        load(path)
    assert caught.value.fix


@pytest.mark.parametrize(
    "text",
    [
        SMALL,
        SMALL.replace("\n", "\r\n"),
        "\ufeff" + SMALL,
        "---\n" + SMALL,
        SMALL + "    env: {DEBUG: 'on', COUNTRY: 'NO', UMASK: '0022', LIMIT: '1e3', VERSION: '1.10', RATIO: 0.5}\n",
        SMALL + '    env: {URL: "${app}-${environment}", LITERAL: "$${HOME}", SHELL: $HOME}\n',
        SMALL + "    public: shop.example.com\n    size: small\n",
        SMALL + "    size: {cpu: 0.5, memory: 1.5Gi, cpu_limit: none}\n",
        SMALL + "    scale: {min: 3, max: 3}\n    command: [node, node]\n",
        SMALL + "environments:\n  dev:\n  prod: {services: {web: {scale: {min: 3}, public: shop.example.com}}}\n",
        SMALL + "resources:\n  db: {type: postgres, version: '17'}\n  orders: queue\n  mail: {type: external}\n",
        SMALL.replace("runtime: node", "runtime: {name: python, version: '3.13', package_manager: uv}"),
        SMALL.replace("runtime: node", "image: docker.io/library/nginx:1.29.3@sha256:" + "0123456789abcdef" * 4),
        SMALL.replace("port: 3000", "port: 1") + "    rollout: {strategy: canary, steps: [1, 100]}\n",
        SMALL + "  report: {runtime: go, schedule: '*/5 0-6,22 1-31/2 JAN-MAR MON-FRI'}\n",
    ],
)
def test_right_spec_that_looks_wrong_is_accepted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "g.yaml"
    path.write_bytes(text.encode())
    loaded = load(path)
    assert not serious(loaded)
    assert loaded.product is not None


def test_a_file_of_open_brackets_is_answered_at_once(tmp_path: Path) -> None:
    path = tmp_path / "groundplan.yaml"
    path.write_text("a: " + "[" * 100_000, encoding="utf-8")
    assert [finding.rule for finding in load(path).findings] == ["spec/too-deep"]
