"""`init`: every variant is a project that passes its own gate and hooks, and nothing of anybody's is touched."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import __version__, cli, data, scaffold
from generator.checkers import provision
from generator.errors import Fault

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
VARIANTS = tuple(data.load("templates/project/cookiecutter.json")["variant"])
PROJECTS = [
    *((variant, forge, cloud) for variant in VARIANTS for forge in ("github", "gitlab") for cloud in ("none", "aws")),
]
BESIDE = {".editorconfig", ".gitignore", ".pre-commit-config.yaml", "CODEOWNERS", "README.md", "renovate.json"}


def init(*arguments: str) -> int:
    return cli.run(["init", "--no-input", *arguments])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts[:1]
    }


def ran(words: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **more}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("variant", "forge", "cloud"), PROJECTS, ids="-".join)
def test_a_project_has_all_its_files_and_passes_its_gate(variant: str, forge: str, cloud: str, here: Path) -> None:
    assert init("shop", "--app", "shop", "--variant", variant, "--forge", forge, "--cloud", cloud) == 0
    made = files(here / "shop")
    assert made.keys() >= BESIDE
    pipeline = ".github/workflows/check.yml" if forge == "github" else ".gitlab-ci.yml"
    assert "groundplan" in made[pipeline] or "groundplan" in made[".gitlab/ci/check.yml"]
    assert ("terraform/environments/prod/providers.tf" in made) is (cloud == "aws" and variant != "lint-only")
    words = ["lint", str(here / "shop")] if variant == "lint-only" else ["check", "--spec", str(here / "shop")]
    assert cli.run([*words, "--skip", "checkov", "-q"]) == 0
    if variant != "lint-only":
        assert made["groundplan.yaml"].startswith("# yaml-language-server: $schema=./groundplan.schema.json\n")
        assert json.loads(made["groundplan.schema.json"])["properties"]["services"]
        assert "compose.yaml" in made


@pytest.mark.parametrize("cloud", ["none", "aws"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_project_passes_its_own_hooks_at_once(variant: str, cloud: str, here: Path) -> None:
    pre_commit = shutil.which("pre-commit", path=str(BIN))
    if pre_commit is None:
        pytest.skip("pre-commit is not installed")
    if provision.environment(provision_settings()) is None:
        pytest.skip("checkov is not set up")
    assert init("shop", "--app", "shop", "--variant", variant, "--cloud", cloud) == 0
    shop = here / "shop"
    before = files(shop)
    ran(["git", "init", "-q"], shop)
    ran(["git", "add", "-A"], shop)
    done = ran([pre_commit, "run", "--all-files", "--verbose"], shop, PRE_COMMIT_HOME=str(here / "home"))
    assert done.returncode == 0, done.stdout + done.stderr
    named = re.findall(r"hook id: (\S+)", done.stdout)
    lone = ["groundplan-lint"]
    assert named == (
        lone if variant == "lint-only" else ["groundplan-validate", "groundplan-generate", "groundplan-check"]
    )
    assert files(shop) == before


def provision_settings() -> Any:
    from generator.checkers import Settings, user_cache

    return Settings(cache=user_cache(), offline=True)


@pytest.mark.parametrize("runtime", data.load("templates/project/cookiecutter.json")["runtime"])
def test_every_runtime_makes_a_clean_project_that_git_takes_whole(runtime: str, here: Path) -> None:
    assert init("shop", "--app", "shop", "--runtime", runtime) == 0
    shop = here / "shop"
    assert cli.run(["check", "--spec", str(shop), "--skip", "checkov", "--fail-on", "low", "-q"]) == 1  # no receiver
    ran(["git", "init", "-q"], shop)
    ignored = ran(["git", "check-ignore", "--no-index", *files(shop)], shop)
    assert ignored.stdout == ""
    for path, text in files(shop).items():
        assert text.endswith("\n"), path
        if not path.endswith(".md"):
            assert not re.search(r"[ \t]+$", text, re.MULTILINE), path


@pytest.mark.parametrize("variant", VARIANTS)
def test_plain_cookiecutter_makes_the_same(variant: str, here: Path) -> None:
    (here / "home").mkdir()
    words = ["cookiecutter", str(ROOT), "--directory", "templates/project", "--no-input", "-o", "plain"]
    done = ran([*words, f"variant={variant}", "app=shop", "cloud=aws"], here, HOME=str(here / "home"))
    assert done.returncode == 0, done.stderr
    assert init("ours/shop", "--app", "shop", "--variant", variant, "--cloud", "aws") == 0
    plain, ours = files(here / "plain" / "shop"), files(here / "ours" / "shop")
    assert plain.keys() == ours.keys()
    assert plain == ours
    assert not [path for path in (here / "plain").rglob("*") if path.is_dir() and not any(path.iterdir())]


WRONG = {
    "app": "Shop",
    "owner": "team shop",
    "service": "-web",
    "port": "http",
    "public": "shop example",
    "region": "eu west",
    "repository": "shop",
    "hooks": "a b",
}


@pytest.mark.parametrize("key", WRONG)
def test_a_wrong_answer_is_refused_by_us_and_by_plain_cookiecutter(
    key: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init(f"--{key}", WRONG[key]) == 2
    said = capsys.readouterr().err
    assert f"--{key}" in said
    assert WRONG[key] in said
    assert not any(here.iterdir())
    words = ["cookiecutter", str(ROOT), "--directory", "templates/project", "--no-input", f"{key}={WRONG[key]}"]
    done = ran(words, here, HOME=str(here))
    assert done.returncode != 0
    assert f"{key}: {WRONG[key]!r} is not" in done.stderr
    assert not (here / "shop").exists()


@pytest.mark.parametrize("key", ["app", "owner", "service", "public", "region", "repository", "hooks"])
@pytest.mark.parametrize(
    "hostile", ["no: x", '"', "${x}", "{{ 7 * 7 }}", "{% raw %}", "a\nb", '""" + str(1) + """', "a'b", "#", "\0"]
)
def test_no_answer_breaks_out(key: str, hostile: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = init("--app", "shop", f"--{key}", hostile)
    assert "bug" not in capsys.readouterr().err
    if code == 0:  # free enough to be taken: then it stands there as it was given
        spec = yaml.safe_load((here / "groundplan.yaml").read_text())
        hooks = yaml.safe_load((here / ".pre-commit-config.yaml").read_text())
        assert hostile in (spec.get("owner"), hooks["repos"][0]["repo"])
    else:
        assert code == 2
        assert not any(here.iterdir())


@pytest.mark.parametrize("owner", ["on", "no", "1234", "1e5", "null", "0x1f", "true", "1_000", "12.5", "y"])
def test_a_word_that_yaml_reads_otherwise_stays_a_text(owner: str, here: Path) -> None:
    assert init("--app", "shop", "--owner", owner) == 0
    assert yaml.safe_load((here / "groundplan.yaml").read_text())["owner"] == owner


def test_what_was_there_is_kept_and_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "README.md").write_text("mine")
    (here / ".gitignore").symlink_to("nowhere")
    assert init("--app", "shop") == 0
    assert "kept .gitignore, README.md: there already" in capsys.readouterr().err
    assert (here / "README.md").read_text() == "mine"
    assert str(Path(".gitignore").readlink()) == "nowhere"


def test_a_foreign_dockerfile_stops_the_rendering_and_nothing_of_it_is_lost(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "Dockerfile").write_text("FROM scratch\n")
    assert init("--app", "shop") == 1
    said = capsys.readouterr()
    assert "Dockerfile" in said.out
    assert "generate, when what stands above is mended" in said.err
    assert (here / "Dockerfile").read_text() == "FROM scratch\n"
    assert (here / "groundplan.yaml").is_file()
    assert not (here / "kubernetes").exists()


def test_a_spec_that_is_there_is_never_replaced(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init("--app", "shop") == 0
    before = files(here)
    assert init("--app", "other") == 2
    assert "groundplan.yaml exists already" in capsys.readouterr().err
    assert files(here) == before


def test_when_a_file_cannot_be_written_none_is(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / ".github").write_text("a file where a folder is needed")
    assert init("--variant", "lint-only") == 2
    assert "cannot be written" in capsys.readouterr().err
    assert [path.name for path in here.iterdir()] == [".github"]


def test_only_the_spec_when_that_is_asked(here: Path) -> None:
    assert init("--app", "shop", "--spec-only") == 0
    assert list(files(here)) == ["groundplan.yaml"]


def test_answers_come_from_a_file_and_flags_come_before_them(here: Path) -> None:
    Path("answers.yaml").write_text("app: books\nruntime: python\nport: 9001\ncloud: aws\nregion: eu-central-1\n")
    assert init("made", "--from-answers", "answers.yaml", "--runtime", "go") == 0
    spec = yaml.safe_load(Path("made/groundplan.yaml").read_text())
    assert spec["app"] == "books"
    assert spec["cloud"] == {"provider": "aws", "region": "eu-central-1"}
    assert spec["services"]["web"] | {"health": 0} == {"runtime": "go", "port": 9001, "health": 0}
    Path("answers.json").write_text(json.dumps({"app": "books", "variant": "static"}))
    assert init("other", "--from-answers", "answers.json") == 0
    assert yaml.safe_load(Path("other/groundplan.yaml").read_text())["services"]["web"]["runtime"] == "static"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("app: shop\nruntme: node\n", 'answers.yaml:2:1: "runtme" is not a key of'),
        ("app: shop\nruntime: cobol\n", "answers.yaml:2:10: "),
        ("app: [a\n", "answers.yaml:2:1: YAML cannot be read here"),
        ("app: Shop\nport: many\n", "answers.yaml:2:7: "),
        ("- app\n", "answers.yaml:1:1: "),
        ("", "has no answers"),
        ("app: no\n", "answers.yaml:1:6: "),
    ],
)
def test_a_wrong_answer_in_a_file_is_shown_at_its_place(
    text: str, said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("answers.yaml").write_text(text)
    assert init("--from-answers", "answers.yaml") == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in here.iterdir()] == ["answers.yaml"]


def test_all_wrong_answers_of_a_file_are_told_at_once(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("answers.yaml").write_text("app: Shop\nport: many\nforge: sourceforge\n")
    assert init("--from-answers", "answers.yaml") == 2
    assert len(re.findall(r"answers\.yaml:\d+:\d+", capsys.readouterr().err)) == 3


@pytest.mark.parametrize(
    ("url", "repository", "forge"),
    [
        ("https://github.com/acme/shop.git", "acme/shop", "github"),
        ("git@github.com:acme/shop.git", "acme/shop", "github"),
        ("ssh://git@gitlab.example.com:2222/group/sub/shop.git", "group/sub/shop", "gitlab"),
        ("https://user:token@gitlab.com/acme/shop/", "acme/shop", "gitlab"),
        ("/srv/git/shop.git", "", "github"),
        ("file:///srv/git/shop.git", "", "github"),
    ],
)
def test_the_repository_is_known_from_the_checkout(url: str, repository: str, forge: str, here: Path) -> None:
    ran(["git", "init", "-q"], here)
    ran(["git", "remote", "add", "other", "https://github.com/other/other.git"], here)
    ran(["git", "remote", "add", "origin", url], here)
    made = scaffold.complete(here, {})
    assert (made["repository"], made["forge"]) == (repository, forge)


def test_questions_are_asked_on_a_terminal_and_asked_again_until_they_can_be_answered(here: Path) -> None:
    master, slave = pty.openpty()
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    asked = subprocess.Popen(
        [str(BIN / "groundplan"), "init", "made", "--cloud", "none"],
        stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=here, text=True,
    )  # fmt: skip
    os.close(slave)
    answers = (
        "service",
        "Not One",
        "books",
        "",
        "front",
        "python",
        "many",
        "9000",
        "books.example.com",
        "",
        "",
        "",
        "",
    )
    os.write(master, "".join(f"{answer}\n" for answer in answers).encode())  # two of them are asked again
    _, told = asked.communicate(timeout=60)
    os.close(master)
    assert asked.returncode == 0, told
    assert "Name of the product" in told
    assert '"Not One" is not a name' in told
    spec = yaml.safe_load((here / "made" / "groundplan.yaml").read_text())
    assert spec["app"] == "books"
    assert spec["owner"] == "team-books"
    assert spec["services"]["front"]["public"] == "books.example.com"
    assert spec["services"]["front"]["port"] == 9000


def test_a_variant_asks_only_what_it_has_room_for(here: Path) -> None:
    asked = [question.key for question in scaffold.questions(here, {"variant": "lint-only"})]
    assert asked == ["variant", "app", "owner", "forge", "repository", "hooks"]
    static = [question.key for question in scaffold.questions(here, {"variant": "static"})]
    assert "runtime" not in static
    assert "port" in static


def test_the_template_repeats_no_fact_differently() -> None:
    """Pins, the version and the forms of answers stand in several files, since plain cookiecutter reads one only."""
    project = ROOT / "templates" / "project"
    settings = json.loads((project / "cookiecutter.json").read_text())
    schema = json.loads((ROOT / "schemas" / "answers.schema.json").read_text())["properties"]
    assert settings["_version"] == __version__
    assert list(schema) == list(scaffold.keys())
    for key, raw in settings.items():
        if isinstance(raw, list) and not key.startswith("_"):
            assert schema[key]["enum"] == raw
            words = settings["__prompts__"][key]
            assert set(words) in ({"__prompt__"}, {"__prompt__", *raw})
    pins = json.loads((ROOT / "schemas" / "data" / "actions.json").read_text())
    texts = [path.read_text() for path in project.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    used = {found for text in texts for found in re.findall(r"uses: (\S+)@(\S+) # (\S+)", text)}
    assert used
    for name, commit, version in used:
        assert pins["actions"][name]["commit"] == commit
        assert pins["actions"][name]["version"] == version
    gate = (ROOT / "gates" / "groundplan.gitlab-ci.yml").read_text()
    image = re.search(r"image: (\S+)", gate)
    assert image
    assert any(f"image: {image[1]}" in text for text in texts)


@pytest.mark.parametrize("variant", VARIANTS)
def test_settings_are_what_their_tools_expect(variant: str, here: Path) -> None:
    checker = shutil.which("check-jsonschema", path=str(BIN))
    if checker is None:
        pytest.skip("check-jsonschema is not installed")
    assert init("shop", "--variant", variant, "--app", "shop", "--repository", "acme/shop") == 0
    shop = here / "shop"
    for schema, path in (("renovate", "renovate.json"), ("github-workflows", ".github/workflows/check.yml")):
        done = ran([checker, "--builtin-schema", f"vendor.{schema}", path], shop)
        assert done.returncode == 0, done.stdout
    assert (shop / "CODEOWNERS").read_text().endswith("\n* @acme/team-shop\n")


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_the_pipeline_of_a_lint_only_project_is_clean(forge: str, here: Path) -> None:
    assert init("shop", "--variant", "lint-only", "--forge", forge) == 0
    shop = here / "shop"
    ran(["git", "init", "-q"], shop)
    if forge == "github":
        tools = [["actionlint", ".github/workflows/check.yml"], ["zizmor", "--offline", "--no-progress", "."]]
    else:
        tools = [["check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", ".gitlab-ci.yml"]]
    for words in tools:
        program = shutil.which(words[0], path=str(BIN))
        if program is None:
            pytest.skip(f"{words[0]} is not installed")
        done = ran([program, *words[1:]], shop)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_plain_template_without_groundplan_says_what_is_next(here: Path) -> None:
    (here / "home").mkdir()
    words = [str(BIN / "cookiecutter"), str(ROOT), "--directory", "templates/project", "--no-input", "app=shop"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(here / "home")}
    done = subprocess.run(words, cwd=here, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "groundplan schema > groundplan.schema.json && groundplan generate" in done.stdout
    assert (here / "shop" / "groundplan.yaml").is_file()


def test_answers_are_judged_one_by_one() -> None:
    assert scaffold.judged("port", "8080", "--port") == "8080"
    with pytest.raises(Fault, match="--port"):
        scaffold.judged("port", "70000", "--port")
