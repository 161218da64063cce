"""checkov: its verdicts are the command line's; what it swallows is said; its environment is made once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from generator.checkers import Settings, checkov, provision
from generator.document import SourceFile
from generator.finding import Finding, NotChecked, Outcome, Severity
from generator.policy import waivers
from tests import linted

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: web, namespace: shop{more}}}
spec: {{containers: [{{name: web, image: "web:1"}}]}}
"""
CRASHING = """\
apiVersion: v1
kind: Pod
metadata: {name: odd, namespace: shop}
spec: {containers: [{name: a, image: "a:1", command: 5, securityContext: none}]}
"""


@pytest.fixture(scope="session")
def python() -> Path:
    return linted.checkov_python()


@pytest.fixture
def settings(python: Path, tmp_path: Path) -> Settings:
    return Settings(cache=tmp_path / "cache", checkov=python, offline=True)


def source(**files: str) -> list[SourceFile]:
    return [SourceFile(path.replace("__", "/").replace("_", "."), text) for path, text in files.items()]


def own(findings: tuple[Finding, ...]) -> list[Finding]:
    """Those that are about the run, not a verdict of checkov's."""
    return [finding for finding in findings if "CKV" not in finding.rule]


# equality


def command_line(python: Path, root: Path, home: Path) -> dict[str, Counter[Any]]:
    """What a user sees who runs checkov, without a network."""
    start = "import sys; from checkov.main import Checkov; sys.exit(Checkov().run())"
    frameworks = ("dockerfile", "kubernetes", "terraform")
    options = ("-d", ".", "--framework", *frameworks, "-o", "json", "--skip-download", "--soft-fail")
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "HTTPS_PROXY": "http://127.0.0.1:9"}
    done = subprocess.run(
        [str(python), "-c", start, *options], cwd=root, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    reports = json.loads(done.stdout)
    rows: dict[str, Counter[Any]] = {}
    for verdict in ("failed", "passed", "skipped"):
        rows[verdict] = Counter(
            (row["check_id"], row["file_path"].lstrip("/"), row["resource"], *row["file_line_range"])
            for report in (reports if isinstance(reports, list) else [reports])
            for row in report["results"][f"{verdict}_checks"]
        )
    return rows


def ask(
    python: Path, root: Path, driver: Path = checkov.DRIVER, *, answer: Path, seed: str = "0", terraform: bool = False
) -> dict[str, Any]:
    """The driver's own answer for all files in a directory, given in reverse."""
    names = sorted((path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()), reverse=True)
    files = {
        "dockerfile": [name for name in names if "ockerfile" in name and not name.endswith("ignore")],
        "kubernetes": [name for name in names if name.endswith((".yaml", ".yml", ".json"))],
    }
    if terraform:
        files = {"terraform": [name for name in names if name.endswith((".tf", ".hcl"))]}
    request = json.dumps({"root": str(root), "files": files, "answer": str(answer)})
    environment = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed, "PYTHONUTF8": "1"}
    done = subprocess.run(
        [str(python), "-s", str(driver)], input=request.encode(), env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    made: dict[str, Any] = json.loads(answer.read_text("utf-8"))
    return made


def by_verdict(answer: dict[str, Any]) -> dict[str, Counter[Any]]:
    rows: dict[str, Counter[Any]] = {"failed": Counter(), "passed": Counter(), "skipped": Counter()}
    for row in answer["records"]:
        rows[row["verdict"]][row["check"], row["path"], row["resource"], row["first"], row["last"]] += 1
    return rows


@pytest.mark.parametrize("name", linted.CORPORA)
def test_verdicts_are_those_of_the_command_line(name: str, python: Path, settings: Settings, tmp_path: Path) -> None:
    files = linted.corpus(name)
    root = linted.write(linted.whole(files), tmp_path / "tree")
    theirs = command_line(python, root, tmp_path)
    assert theirs["passed"]
    answer = ask(python, root, answer=tmp_path / "answer")
    assert answer["tuned"]
    made = by_verdict(answer)
    if any(file.path.endswith(".tf") for file in files):
        more = by_verdict(ask(python, root, answer=tmp_path / "more", terraform=True))
        made = {verdict: rows + more[verdict] for verdict, rows in made.items()}
    assert made == theirs

    outcome = checkov.check(files, settings)
    assert not own(outcome.findings)
    remaining = waivers.apply(outcome.findings, files, packed=False).findings
    assert two(f for f in remaining if f.rule.startswith("checkov/")) == reduced(theirs["failed"])
    assert two(outcome.findings) == reduced(theirs["failed"] + theirs["skipped"])
    assert {(found.rule, found.path) for found in outcome.passes} == set(reduced(theirs["passed"]))


def two(findings: Any) -> Counter[tuple[str, str]]:
    return Counter((finding.rule, finding.at.path) for finding in findings)


def reduced(rows: Counter[Any]) -> Counter[tuple[str, str]]:
    counted: Counter[tuple[str, str]] = Counter()
    for (check, path, *_rest), count in rows.items():
        counted[f"checkov/{check}", path] += count
    return counted


def test_the_public_corpus_has_every_kind_of_verdict(python: Path, tmp_path: Path) -> None:
    """Else the comparison above compares little."""
    answer = ask(python, linted.write(linted.corpus("public"), tmp_path / "tree"), answer=tmp_path / "answer")
    failed = {row["check"] for row in answer["records"] if row["verdict"] == "failed"}
    assert {"CKV2_K8S_5", "CKV2_K8S_6", "CKV_K8S_16", "CKV_K8S_27", "CKV_DOCKER_3", "CKV2_DOCKER_2"} <= failed
    assert len(failed) > 40
    assert {row["verdict"] for row in answer["records"]} == {"failed", "passed", "skipped"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('TUNED_VERSION = "3.3.30"', 'TUNED_VERSION = "0.0.1"'),
        ('    "urllib3",\n', '    "urllib3",\n    "dpath",\n    "rustworkx",\n'),
        ('    "urllib3",\n', '    "urllib3",\n    "yaml",\n'),
        ('TUNED_FRAMEWORKS = {"dockerfile", "kubernetes"}', "TUNED_FRAMEWORKS = set()"),
    ],
    ids=["other-version", "needed-while-judging", "needed-while-importing", "other-framework"],
)
def test_without_tuning_the_verdicts_are_the_same(old: str, new: str, python: Path, tmp_path: Path) -> None:
    root = linted.write(linted.corpus("public"), tmp_path / "tree")
    text = checkov.DRIVER.read_text("utf-8")
    assert old in text
    changed = tmp_path / "driver.py"
    changed.write_text(text.replace(old, new), "utf-8")
    tuned = ask(python, root, answer=tmp_path / "tuned")
    untuned = ask(python, root, changed, answer=tmp_path / "untuned")
    assert (tuned.pop("tuned"), untuned.pop("tuned")) == (True, False)
    assert tuned == untuned


def test_the_answer_is_the_same_bytes(python: Path, tmp_path: Path) -> None:
    for number in ("1", "2"):
        root = linted.write(linted.corpus("public"), tmp_path / f"a longer place {number}" / number)
        ask(python, root, answer=tmp_path / number, seed=number)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


# what checkov hides


def test_a_file_that_cannot_be_parsed_is_a_finding(settings: Settings) -> None:
    broken = "apiVersion: v1\nkind: Pod\nmetadata: {name: web\nspec: {}\n"
    outcome = checkov.check(source(broken_yaml=broken, good_yaml=POD.format(more="")), settings)
    (found,) = own(outcome.findings)
    assert (found.rule, found.severity, str(found.at)) == ("checkov/parse", Severity.HIGH, "broken.yaml:4:5")
    assert found.message == "checkov cannot read the file: expected ',' or '}', but got ':'"
    assert {row.path for row in outcome.passes} == {"good.yaml"}


def test_a_crash_inside_a_check_is_a_finding(settings: Settings) -> None:
    outcome = checkov.check(source(odd_yaml=CRASHING, good_yaml=POD.format(more="")), settings)
    (found,) = own(outcome.findings)
    assert (found.rule, found.severity, found.at.path) == ("checkov/check-crashed", Severity.MEDIUM, "odd.yaml")
    assert found.message.startswith("checkov crashed, and CKV_K8S_")
    assert "more checked nothing here: TypeError: argument of type 'int' is not" in found.message
    judged = {row.rule for row in outcome.passes if row.path == "good.yaml"}
    assert "checkov/CKV_K8S_16" in judged
    assert not {row.rule for row in outcome.passes if row.path == "odd.yaml"} & {"checkov/CKV_K8S_16"}


def test_a_file_that_kills_the_runner_does_not_take_the_others_with_it(settings: Settings) -> None:
    deadly = POD.format(more=', annotations: {"checkov.io/skip1": "CKV_K8S_8=a=b"}')
    outcome = checkov.check(source(deadly_yaml=deadly, good_yaml=POD.format(more="")), settings)
    (found,) = own(outcome.findings)
    assert (found.rule, found.severity, found.at.path) == ("checkov/check-crashed", Severity.HIGH, "deadly.yaml")
    assert found.message.startswith("checkov crashed, and it checked nothing here: ValueError: too many values")
    assert {f.at.path for f in outcome.findings if "CKV" in f.rule} == {"good.yaml"}


def test_a_helm_template_is_not_checked(settings: Settings) -> None:
    outcome = checkov.check(source(pod_yaml=POD.format(more=", labels: {a: '{{ .Values.a }}'}")), settings)
    assert not outcome.findings
    assert not outcome.passes
    assert [(row.what, row.reason) for row in outcome.not_checked] == [("pod.yaml by checkov", "it is a Helm template")]


def test_the_driver_reaches_no_network(python: Path) -> None:
    script = f"""
import importlib.util, socket, sys
spec = importlib.util.spec_from_file_location("driver", {str(checkov.DRIVER)!r})
driver = importlib.util.module_from_spec(spec)
spec.loader.exec_module(driver)
driver._silence()
for ask in (
    lambda: socket.create_connection(("192.0.2.1", 80)),
    lambda: socket.getaddrinfo("example.com", 80),
    lambda: socket.socket().connect(("192.0.2.1", 80)),
):
    try:
        ask()
    except OSError as error:
        print(error, file=sys.stderr)
"""
    done = subprocess.run([str(python), "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == ["checkov is run without a network"] * 3


# findings


def test_a_verdict_becomes_a_finding(settings: Settings) -> None:
    manifest = "# a comment\n" + POD.format(more="")
    files = source(k__web_yaml=manifest, Dockerfile="FROM debian:12\nEXPOSE 22\nRUN sudo true\n")
    outcome = checkov.check(files, settings)
    found = {finding.rule: finding for finding in outcome.findings}
    assert found["checkov/CKV_K8S_22"] == Finding(
        "checkov/CKV_K8S_22",
        Severity.MEDIUM,
        "Use read-only filesystem for containers where possible",
        found["checkov/CKV_K8S_22"].at,
        subject="Pod/shop/web",
    )
    assert str(found["checkov/CKV_K8S_22"].at) == "k/web.yaml:2:1"
    assert found["checkov/CKV_K8S_43"].severity == Severity.LOW
    assert str(found["checkov/CKV_DOCKER_1"].at) == "Dockerfile:2:1"
    assert found["checkov/CKV_DOCKER_1"].subject == "Dockerfile/EXPOSE"
    assert str(found["checkov/CKV_DOCKER_3"].at) == "Dockerfile", "no instruction is at fault, the whole file is"
    assert ("checkov/CKV_K8S_16", "k/web.yaml", "Pod/shop/web") in {(p.rule, p.path, p.subject) for p in outcome.passes}
    assert [(tool.name, tool.version) for tool in outcome.tools] == [("checkov", "3.3.30")]


def test_a_privileged_container_is_high(settings: Settings) -> None:
    text = POD.format(more="").replace('image: "web:1"', 'image: "web:1", securityContext: {privileged: true}')
    found = {f.rule: f.severity for f in checkov.check(source(pod_yaml=text), settings).findings}
    assert found["checkov/CKV_K8S_16"] == Severity.HIGH


SKIPPING_POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    checkov.io/skip1: CKV_K8S_43=the registry is immutable
spec: {containers: [{name: web, image: "web:1"}]}
"""


@pytest.mark.parametrize(
    ("path", "text", "rule"),
    [
        ("pod.yaml", SKIPPING_POD, "checkov/CKV_K8S_43"),
        ("Dockerfile", "# checkov:skip=CKV_DOCKER_2: the registry is immutable\nFROM a:1\n", "checkov/CKV_DOCKER_2"),
        ("Dockerfile", "FROM a:1\n# checkov:skip=CKV_DOCKER_3: the registry is immutable\n", "checkov/CKV_DOCKER_3"),
    ],
    ids=["annotation", "first-line", "last-line"],
)
def test_a_skip_is_a_finding_that_is_set_aside(path: str, text: str, rule: str, settings: Settings) -> None:
    files = [SourceFile(path, text)]
    outcome = checkov.check(files, settings)
    assert not outcome.not_checked
    judged = waivers.apply(outcome.findings, files, packed=False)
    assert [(row.finding.rule, row.reason) for row in judged.waived] == [(rule, "the registry is immutable")]
    assert rule not in {finding.rule for finding in judged.findings}


def test_a_skip_that_only_checkov_understands_is_not_checked(settings: Settings) -> None:
    text = POD.format(more=', annotations: {"cortex.io/skip1": "CKV_K8S_43=the registry is immutable"}')
    outcome = checkov.check(source(pod_yaml=text), settings)
    assert "checkov/CKV_K8S_43" not in {finding.rule for finding in outcome.findings}
    assert [(row.what, row.reason) for row in outcome.not_checked] == [
        ("checkov/CKV_K8S_43 on pod.yaml:1:1", "skipped in the file: the registry is immutable")
    ]


@pytest.mark.parametrize(
    ("listed", "path"),
    [
        ("patches: [{path: patches/a.yaml}]", "o/patches/a.yaml"),
        ("patches: [{path: ./a.yaml}]", "o/a.yaml"),
        ("patches: [{path: ../a.yaml}]", "a.yaml"),
        ("patchesStrategicMerge: [a.yaml]", "o/a.yaml"),
        ("patchesJson6902: [{path: a.yaml, target: {kind: Pod}}]", "o/a.yaml"),
    ],
)
def test_a_patch_is_no_whole_object(listed: str, path: str, settings: Settings) -> None:
    files = [
        SourceFile("o/kustomization.yaml", f"kind: Kustomization\n{listed}\n"),
        SourceFile(path, POD.format(more="")),
    ]
    assert checkov.patches(files) == {path}
    outcome = checkov.check(files, settings)
    assert not outcome.findings
    assert [row.what for row in outcome.not_checked] == [f"{path} by checkov"]


@pytest.mark.parametrize(
    "listed",
    [
        "resources: [patches/a.yaml]",
        "patches: [{patch: 'kind: Pod'}]",
        "patches: []",
        "patches: nonsense",
        "- odd",
        "{",
    ],
)
def test_what_no_kustomization_patches_is_judged(listed: str) -> None:
    files = [SourceFile("o/kustomization.yaml", f"{listed}\n"), SourceFile("o/patches/a.yaml", POD.format(more=""))]
    assert not checkov.patches(files)


@pytest.mark.parametrize(
    ("path", "text"),
    [("compose.yaml", "services: {}\n"), ("README.md", "apiVersion kind"), ("Dockerfile.dockerignore", "*")],
)
def test_without_anything_to_judge_nothing_is_started(path: str, text: str, tmp_path: Path) -> None:
    nowhere = Settings(cache=tmp_path, checkov=tmp_path / "no-such-checkov")
    assert checkov.check([SourceFile(path, text)], nowhere) == Outcome()


def aliases(levels: int) -> str:
    """A file whose values grow ninefold with each line."""
    lines = [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join([POD.format(more="") + "data:", "  a0: &a0 [x, x, x, x, x, x, x, x, x]", *lines, ""])


def test_a_file_that_explodes_is_not_checked(settings: Settings) -> None:
    outcome = checkov.check(source(bomb_yaml=aliases(12), good_yaml=POD.format(more="")), settings)
    assert [(row.what, row.reason) for row in outcome.not_checked] == [
        ("bomb.yaml by checkov", "the file holds more than 200,000 values")
    ]
    assert {found.path for found in outcome.passes} == {"good.yaml"}


def test_a_few_aliases_are_checked(settings: Settings) -> None:
    outcome = checkov.check(source(few_yaml=aliases(2)), settings)
    assert not outcome.not_checked
    assert {found.path for found in outcome.passes} == {"few.yaml"}


def test_a_containerfile_is_not_checked(tmp_path: Path) -> None:
    outcome = checkov.check(source(Containerfile="FROM debian:12\n"), Settings(cache=tmp_path))
    assert [(row.what, row.reason) for row in outcome.not_checked] == [
        ("Containerfile by checkov", "checkov reads no Containerfile")
    ]


@pytest.mark.parametrize(
    "path", ["../x/pod.yaml", "/srv/pod.yaml", ".hidden/pod.yaml", "node_modules/pod.yaml", "ä b/pod.yaml"]
)
def test_a_path_is_answered_as_it_was_given(path: str, settings: Settings) -> None:
    outcome = checkov.check([SourceFile(path, POD.format(more=""))], settings)
    assert {finding.at.path for finding in outcome.findings} == {path}
    assert {found.path for found in outcome.passes} == {path}


# the environment


@pytest.mark.parametrize("named", ["env", "env/bin/python", "env/bin/checkov", "link"])
def test_a_configured_checkov_is_found(named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = tmp_path / "env" / "bin"
    scripts.mkdir(parents=True)
    for name in ("python", "checkov"):
        (scripts / name).write_text("#!/bin/sh\n")
        (scripts / name).chmod(0o755)
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "checkov").symlink_to(scripts / "checkov")
    wanted = tmp_path / ("link/checkov" if named == "link" else named)
    assert provision.environment(Settings(cache=tmp_path, checkov=wanted)) == scripts / "python"
    monkeypatch.setenv(provision.VARIABLE, str(wanted))
    assert provision.environment(Settings(cache=tmp_path)) == scripts / "python"


def test_a_configured_checkov_that_is_not_there_is_not_checked(tmp_path: Path) -> None:
    (missing,) = checkov.check(source(Dockerfile="FROM a:1\n"), Settings(tmp_path, tmp_path / "gone")).not_checked
    assert missing.reason == f"there is no Python with checkov at {tmp_path / 'gone'}"


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A machine on which checkov was never used."""
    monkeypatch.delenv(provision.VARIABLE, raising=False)
    return Settings(cache=tmp_path / "cache")


def test_offline_nothing_is_set_up(fresh: Settings) -> None:
    outcome = checkov.check(source(Dockerfile="FROM a:1\n"), Settings(fresh.cache, offline=True))
    assert [row.reason for row in outcome.not_checked] == ["its environment is not set up, and --offline forbids it"]
    assert not fresh.cache.exists()


def steps(log: Path, *, exit_code: int = 0) -> Any:
    """Instead of a venv and pip: a Python that is ours, and a line in a log."""

    def commands(_folder: Path, python: Path) -> Iterator[list[str]]:
        made = f"""
import pathlib
python = pathlib.Path({str(python)!r})
python.parent.mkdir(parents=True, exist_ok=True)
python.symlink_to({sys.executable!r})
print("made", file=open({str(log)!r}, "a"))
"""
        yield [sys.executable, "-c", made]
        told = "WARNING: slow\\nERROR: no route to the index"
        yield [sys.executable, "-c", f"import sys; print('{told}', file=sys.stderr); sys.exit({exit_code})"]

    return commands


def test_the_environment_is_made_once_by_many(fresh: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provision, "_commands", steps(tmp_path / "log"))
    with ThreadPoolExecutor(4) as pool:
        pythons = list(pool.map(lambda _: provision.environment(fresh), range(4)))
    assert isinstance(pythons[0], Path)
    assert len(set(pythons)) == 1
    assert provision.environment(fresh) == pythons[0]
    assert (tmp_path / "log").read_text() == "made\n"


def test_a_failure_says_why_and_is_tried_again(
    fresh: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(provision, "_commands", steps(tmp_path / "log", exit_code=1))
    failed = provision.environment(Settings(fresh.cache, progress=told.append))
    assert isinstance(failed, NotChecked)
    assert failed.reason == "its environment could not be set up: no route to the index"
    assert provision.VARIABLE in failed.fix
    assert told == ["setting up checkov in an environment of its own; once, and about a minute"]
    monkeypatch.setattr(provision, "_commands", steps(tmp_path / "other log"))
    next(fresh.cache.glob("checkov-*/bin/python")).unlink()  # as `venv --clear` does
    assert isinstance(provision.environment(fresh), Path)


def test_a_broken_environment_is_made_anew(fresh: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provision, "_commands", steps(tmp_path / "log"))
    python = provision.environment(fresh)
    assert isinstance(python, Path)
    python.unlink()
    assert provision.environment(fresh) == python
    assert (tmp_path / "log").read_text() == "made\nmade\n"


def test_a_cache_that_cannot_be_written_is_not_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(provision.VARIABLE, raising=False)
    (tmp_path / "cache").write_text("a file")
    failed = provision.environment(Settings(tmp_path / "cache" / "below"))
    assert isinstance(failed, NotChecked)
    assert failed.reason.startswith("its environment could not be set up: ")


def test_a_driver_that_dies_is_not_checked(tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho ModuleNotFoundError: no checkov >&2\nexit 1\n")
    fake.chmod(0o755)
    outcome = checkov.check(source(Dockerfile="FROM a:1\n"), Settings(tmp_path, fake))
    assert [(row.what, row.reason) for row in outcome.not_checked] == [
        ("checkov", "it stopped: ModuleNotFoundError: no checkov")
    ]
    assert not outcome.passes


def test_every_requirement_is_pinned_and_hashed() -> None:
    lines = provision.REQUIREMENTS.read_text("utf-8").splitlines()
    pins = [index for index, line in enumerate(lines) if line and not line.startswith((" ", "#"))]
    assert len(pins) > 80
    assert all("==" in lines[index] and "--hash=sha256:" in lines[index + 1] for index in pins)
    assert f"checkov=={_tuned()} \\" in lines


def _tuned() -> str:
    text = checkov.DRIVER.read_text("utf-8")
    return text.split('TUNED_VERSION = "', 1)[1].split('"', 1)[0]


def test_a_driver_started_early_gives_the_same_verdicts(settings: Settings) -> None:
    files = linted.corpus("public")
    prepared = checkov.prepare(settings)
    assert prepared is not None
    assert checkov.start(files, settings, prepared).finish() == checkov.check(files, settings)


def test_a_driver_started_early_for_nothing_ends(settings: Settings) -> None:
    for end in (checkov.discard, lambda process: checkov.start([], settings, process).finish()):
        prepared = checkov.prepare(settings)
        assert prepared is not None
        end(prepared)
        assert prepared.poll() is not None


def test_a_driver_that_died_early_is_started_again(settings: Settings) -> None:
    prepared = checkov.prepare(settings)
    assert prepared is not None
    prepared.kill()
    prepared.wait()
    files = source(pod__yaml=POD.format(more=""))
    assert checkov.start(files, settings, prepared).finish() == checkov.check(files, settings)
