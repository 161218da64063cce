"""How a shell and `man` meet us: completion in the real shells, and the manual page against the commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from generator import completion, manpage, policy
from generator.checkers import CHECKERS
from generator.cli import main, run
from generator.options import FORMATS
from tests.conftest import ROOT

BIN = Path(sys.executable).parent


def _needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed: it is not asked")


def _offered(*words: str) -> list[str]:
    """What is offered for the last word."""
    *before, incomplete = words
    return [item.value for item in ShellComplete(main, {}, "groundplan", "").get_completions(before, incomplete)]


# completion


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("chec",), ["check"]),
        (("check", "-o", ""), list(FORMATS)),
        (("check", "--output", "ju"), ["junit"]),
        (("diff", "-o", ""), ["terminal", "json", "markdown"]),
        (("lint", "--skip", "had"), ["hadolint"]),
        (("lint", "--skip", ""), list(CHECKERS)),
        (("check", "--fail-on", "c"), ["critical"]),
        (("explain", "cross/probe"), [rule.id for rule in policy.rules() if rule.id.startswith("cross/probe")]),
        (("rules", "--family", "doc"), ["docker"]),
        (("schema", "re"), ["report"]),
        (("completion", ""), list(completion.SHELLS)),
        (("check", "--off"), ["--offline"]),
        (("explain", "no/such"), []),
    ],
    ids=" ".join,
)
def test_word_is_completed(words: tuple[str, ...], offered: list[str]) -> None:
    assert _offered(*words)[: len(offered) + 1] == offered


def test_rules_that_cannot_be_read_complete_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError

    monkeypatch.setattr(policy, "rules", broken)
    assert _offered("explain", "") == []


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_script_is_for_its_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    out = capsys.readouterr().out
    assert f"_GROUNDPLAN_COMPLETE={shell}_complete" in out
    assert out.endswith("\n")
    assert not out.endswith("\n\n\n")


def test_another_shell_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", "tcsh"]) == 2
    assert "'bash', 'zsh', 'fish'" in capsys.readouterr().err


def _script(tmp_path: Path, shell: str) -> Path:
    path = tmp_path / f"groundplan.{shell}"
    path.write_text(completion.script(shell, main), encoding="utf-8")
    return path


def _ran(*command: str, home: Path) -> str:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(home)}
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return done.stdout


@_needs("bash")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("groundplan chec", ["check"]),
        ("groundplan lint --skip check", ["checkov"]),
        ("groundplan report -o git", ["github", "gitlab"]),
    ],
)
def test_bash_completes(tmp_path: Path, line: str, offered: list[str]) -> None:
    words = line.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    code = f"source {_script(tmp_path, 'bash')}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; "
    code += "_groundplan_completion groundplan; printf '%s\\n' \"${COMPREPLY[@]}\"; complete -p groundplan"
    *found, registered = _ran("bash", "--norc", "-c", code, home=tmp_path).split("\n")[:-1]
    assert found == offered
    assert "_groundplan_completion" in registered


@_needs("fish")
def test_fish_completes_with_what_a_rule_says(tmp_path: Path) -> None:
    script = _script(tmp_path, "fish")
    rule = next(rule for rule in policy.rules() if rule.id == "docker/runs-as-root")
    code = f"source {script}; complete --do-complete 'groundplan explain docker/runs'"
    assert _ran("fish", "--no-config", "-c", code, home=tmp_path) == f"{rule.id}\t{rule.summary}\n"


@_needs("zsh")
def test_zsh_takes_the_script_and_its_answers(tmp_path: Path) -> None:
    script = _script(tmp_path, "zsh")
    code = f"autoload -Uz compinit; compinit -u -d {tmp_path}/dump; source {script}; print -r -- $_comps[groundplan]; "
    code += "COMP_WORDS='groundplan lint --skip had' COMP_CWORD=3 _GROUNDPLAN_COMPLETE=zsh_complete groundplan"
    assert _ran("zsh", "-f", "-c", code, home=tmp_path).split("\n") == [
        "_groundplan_completion",
        "plain",
        "hadolint",
        "_",
        "",
    ]


# the manual page


def test_page_is_that_of_the_commands(request: pytest.FixtureRequest) -> None:
    made = manpage.render(main)
    if request.config.getoption("--update-golden"):
        manpage.PATH.write_text(made, encoding="utf-8", newline="\n")
    assert manpage.PATH.read_text(encoding="utf-8") == made, "run `make man`, and read what changed"


def test_page_has_every_command_and_option() -> None:
    text = manpage.render(main).replace("\\-", "-")
    for name, command in main.commands.items():
        assert f".SS groundplan {name}" in text
        for option in (item for item in command.params if isinstance(item, click.Option)):
            assert max(option.opts, key=len) in text


def test_page_has_every_variable_of_ours() -> None:
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "generator").rglob("*.py"))
    used = {name for text in texts for name in re.findall(r"[\"\s](GROUNDPLAN_[A-Z_]+)\b", text)}
    assert len(used) >= 5
    assert used <= {name for name, _ in manpage.VARIABLES}


@pytest.mark.parametrize(
    ("text", "roff"),
    [
        ("plain", "plain"),
        (".dot", r"\&.dot"),
        ("'quote", r"\&'quote"),
        ("a\\b", r"a\eb"),
        ("--fail-on", r"\-\-fail\-on"),
        ("`x`", r"\(gax\(ga"),
    ],
)
def test_nothing_is_a_request_of_roff(text: str, roff: str) -> None:
    command = click.Command("x", help="first\n\n" + text)
    lines = manpage.render(click.Group("g", {"x": command}, help="A group.")).split("\n")
    assert roff in lines


@_needs("groff")
def test_groff_sets_the_page_without_a_warning() -> None:
    command = ["groff", "-man", "-Tutf8", "-ww", str(manpage.PATH)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    plain = re.sub("(?:.\b|\x1b\\[[0-9;]*m)", "", done.stdout)
    assert "groundplan check --fail-on high -o sarif=groundplan.sarif" in plain


@_needs("mandoc")
def test_mandoc_misses_nothing_but_a_date() -> None:
    command = ["mandoc", "-T", "lint", "-W", "warning", str(manpage.PATH)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    # a date would be one of a clock's, or one to forget
    assert [line for line in done.stdout.splitlines() if "missing date" not in line] == []
