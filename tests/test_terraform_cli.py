"""The real terraform as a checker: what it is asked, what it may see, and what is said when it cannot answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from generator.checkers import Settings, terraform, terraform_cli, terraform_run
from generator.document import SourceFile
from generator.finding import Outcome, Severity
from generator.policy import waivers
from tests import terraform_roots

TIDY = 'variable "name" {\n  type = string\n}\n\noutput "name" {\n  value = var.name\n}\n'
UNTIDY = 'variable "name" {\ntype   = string\n}\n'
UNREADABLE = 'output "a" {\n  value = = 1\n}\n'
QUEUE = 'resource "aws_sqs_queue" "this" {\n  name = "orders"\n}\n'
TEST = (
    'run "a" {\n  command = plan\n\n  assert {\n    condition     = output.name == "x"\n'
    '    error_message = "it is not x"\n  }\n}\n'
)

installed = pytest.mark.skipif(terraform_roots.TERRAFORM is None, reason="terraform is not installed")
provider = pytest.mark.skipif(
    terraform_roots.TERRAFORM is None or terraform_roots.mirror() is None,
    reason="terraform or a mirror with its AWS provider is not installed",
)


@pytest.fixture(autouse=True)
def _nothing_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GROUNDPLAN_TERRAFORM", "GROUNDPLAN_TERRAFORM_CONFIG", "TF_CLI_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def checked(tmp_path: Path) -> Callable[..., Outcome]:
    def run(files: dict[str, str]) -> Outcome:
        made = [SourceFile(path, text) for path, text in files.items()]
        return terraform_cli.check(made, Settings(cache=tmp_path / "cache"))

    return run


def said(outcome: Outcome) -> list[str]:
    return [f"{finding.at} {finding.rule}" for finding in outcome.findings]


def unchecked(outcome: Outcome) -> list[str]:
    return [row.what for row in outcome.not_checked]


# the formatter


@installed
def test_tidy_files_pass_and_the_rest_is_said(checked: Callable[..., Outcome]) -> None:
    found = checked({"a/main.tf": TIDY, "a/x.tfvars": 'name = "x"\n', "README.md": "# a"})
    assert said(found) == []
    assert {(row.rule, row.path) for row in found.passes} == {
        ("terraform/unformatted", "a/main.tf"),
        ("terraform/unformatted", "a/x.tfvars"),
    }
    assert unchecked(found) == ["terraform validate and test"]
    assert [tool.name for tool in found.tools] == ["terraform"]


@installed
def test_an_untidy_line_is_pointed_at(checked: Callable[..., Outcome]) -> None:
    found = checked({"a/main.tf": UNTIDY, "a/other.tf": TIDY})
    (finding,) = found.findings
    assert (str(finding.at), finding.rule, finding.severity) == ("a/main.tf:2:1", "terraform/unformatted", Severity.LOW)
    assert finding.message == 'terraform fmt writes this line as "type = string"'
    assert finding.fix == "run `terraform fmt a/main.tf`"
    assert [row.path for row in found.passes] == ["a/other.tf"]


@installed
def test_a_file_that_terraform_cannot_read_hides_no_other(checked: Callable[..., Outcome]) -> None:
    found = checked({"a/bad.tf": UNREADABLE, "a/main.tf": UNTIDY})
    assert said(found) == ["a/main.tf:2:1 terraform/unformatted", "a/bad.tf:2:1 terraform/fmt"]
    assert "expected the start of an expression" in found.findings[1].message.lower()
    assert found.passes == ()


@installed
def test_an_answer_is_remembered_for_the_same_files(checked: Callable[..., Outcome], tmp_path: Path) -> None:
    files = {"a/main.tf": UNTIDY, "a/bad.tf": UNREADABLE}
    first = checked(files)
    (kept,) = (tmp_path / "cache" / "terraform-fmt").iterdir()
    assert checked(files) == first
    kept.write_text("{", encoding="utf-8")
    assert checked(files) == first  # a broken memory is no answer
    assert said(checked({**files, "a/main.tf": TIDY})) == ["a/bad.tf:2:1 terraform/fmt"]


@pytest.mark.parametrize("files", [{}, {"a.yaml": "a: 1"}, {"a/.terraform/modules/x/main.tf": UNTIDY}])
def test_files_of_others_are_left_alone(checked: Callable[..., Outcome], files: dict[str, str]) -> None:
    assert checked(files) == Outcome()


@installed
def test_a_path_that_leaves_the_project_is_read_in_the_copy(checked: Callable[..., Outcome]) -> None:
    assert said(checked({"../../etc/main.tf": UNTIDY})) == ["../../etc/main.tf:2:1 terraform/unformatted"]


# what cannot be done is said


def test_no_terraform_is_said(checked: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (row,) = checked({"main.tf": TIDY}).not_checked
    assert (row.what, row.reason) == ("terraform fmt, validate and test", "terraform was not found")
    assert "install" in row.fix


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A terraform that is a shell script."""

    def make(script: str) -> Path:
        place = tmp_path / "bin" / "terraform"
        place.parent.mkdir()
        place.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        place.chmod(0o755)
        monkeypatch.setenv("PATH", f"{place.parent}{os.pathsep}{os.environ['PATH']}")
        return place

    return make


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for terraform")
def test_a_terraform_that_breaks_is_no_pass(checked: Callable[..., Outcome], fake: Callable[[str], Path]) -> None:
    fake("echo 'Segmentation fault' >&2; exit 139")
    found = checked({"main.tf": TIDY})
    assert found.passes == ()
    assert found.not_checked[0].reason == 'it said "Segmentation fault" (exit 139)'


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for terraform")
def test_a_terraform_that_hangs_is_ended(
    checked: Callable[..., Outcome], fake: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake("exec sleep 60")
    monkeypatch.setattr(terraform_cli, "_LONGEST_SECONDS", 0.2)
    found = checked({"main.tf": TIDY})
    assert (found.passes, found.not_checked[0].reason) == ((), "it took longer than 0.2 s")


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for terraform")
def test_a_validate_that_hangs_ends_with_all_it_started(
    checked: Callable[..., Outcome], fake: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake(f'[ "$1" = init ] || exit 0\nsleep 60 &\necho $! > {tmp_path}/child\nwait')
    monkeypatch.setattr(terraform_run, "_LONGEST_SECONDS", 1)
    monkeypatch.setenv("GROUNDPLAN_TERRAFORM", "validate")
    found = checked({"main.tf": TIDY})
    assert "terraform init took longer than 1 s" in [row.reason for row in found.not_checked]
    child = (tmp_path / "child").read_text().strip()
    state = Path(f"/proc/{child}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


@installed
@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("GROUNDPLAN_TERRAFORM", "plan", 'GROUNDPLAN_TERRAFORM is "plan"'),
        ("GROUNDPLAN_TERRAFORM_CONFIG", "/no/such", "there is nothing at /no/such"),
    ],
)
def test_a_wrong_setting_is_said(
    checked: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, variable: str, value: str, reason: str
) -> None:
    monkeypatch.setenv("GROUNDPLAN_TERRAFORM", "validate")
    monkeypatch.setenv(variable, value)
    assert [row.reason for row in checked({"main.tf": TIDY}).not_checked] == [reason]


# what terraform may see


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for terraform")
def test_terraform_sees_no_credential_and_no_home(
    checked: Callable[..., Outcome], fake: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake(f"env >> {tmp_path}/seen; pwd >> {tmp_path}/where")
    secrets = {
        **{"AWS_SECRET_ACCESS_KEY": "hush", "GOOGLE_CREDENTIALS": "hush", "ARM_CLIENT_SECRET": "hush"},
        **{"TF_VAR_password": "hush", "TF_TOKEN_app_terraform_io": "hush", "GITHUB_TOKEN": "hush"},
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GROUNDPLAN_TERRAFORM", "test")
    checked({"main.tf": TIDY})
    seen = dict(line.partition("=")[::2] for line in (tmp_path / "seen").read_text().splitlines())
    assert "hush" not in seen.values()
    assert seen["HOME"] != os.environ["HOME"]
    assert seen["HTTPS_PROXY"] == "http://127.0.0.1:9"
    assert str(Path.cwd()) not in (tmp_path / "where").read_text().splitlines()


# validate and test


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    def ask(step: str, *, mirror: bool = False) -> None:
        monkeypatch.setenv("GROUNDPLAN_TERRAFORM", step)
        if mirror:
            monkeypatch.setenv("GROUNDPLAN_TERRAFORM_CONFIG", str(terraform_roots.mirror()))

    return ask


CALL = 'module "a" {\n  source = "../a"\n  name   = "x"\n}\n\noutput "name" {\n  value = module.a.name\n}\n'


@installed
def test_roots_are_validated_with_what_they_call(checked: Callable[..., Outcome], asked: Callable[..., None]) -> None:
    asked("validate")
    found = checked({"root/main.tf": CALL, "a/main.tf": TIDY})
    assert [row.path for row in found.passes if row.rule == "terraform/validate"] == ["root"]
    wrong = checked({"root/main.tf": CALL.replace("name   =", "title  ="), "a/main.tf": TIDY})
    assert said(wrong) == [
        "root/main.tf:1:12 terraform/validate",
        "root/main.tf:3:3 terraform/validate",
    ]
    assert wrong.findings[1].message.startswith("Unsupported argument: ")
    assert all(finding.fix for finding in wrong.findings)


@installed
def test_a_provider_that_is_not_here_is_said(checked: Callable[..., Outcome], asked: Callable[..., None]) -> None:
    asked("validate")
    (row,) = checked({"main.tf": QUEUE}).not_checked
    assert row.what == "terraform validate of ."
    assert "hashicorp/aws" in row.reason
    assert "GROUNDPLAN_TERRAFORM_CONFIG" in row.fix


@installed
@pytest.mark.parametrize(
    "source", ["terraform-aws-modules/sqs/aws", "git::https://example.com/a.git", "https://example.com/a.zip"]
)
def test_a_module_from_elsewhere_is_not_fetched(
    checked: Callable[..., Outcome], asked: Callable[..., None], source: str
) -> None:
    asked("validate")
    found = checked({"main.tf": f'module "a" {{\n  source = "{source}"\n}}\n'})
    assert (said(found), unchecked(found)) == ([], ["terraform validate of ."])


@installed
def test_one_mistake_is_said_once(checked: Callable[..., Outcome], asked: Callable[..., None], tmp_path: Path) -> None:
    """What the static check, the formatter and validate all find is one finding: ours."""
    asked("validate")
    files = {"a/main.tf": 'output "a" {\n  value = uper("a")\n}\n', "b/main.tf": UNREADABLE}
    static = terraform.check([SourceFile(*item) for item in files.items()], Settings(cache=tmp_path))
    real = checked(files)
    assert said(real) == [
        "b/main.tf:2:1 terraform/fmt",
        "a/main.tf:2:11 terraform/validate",
        "b/main.tf:2:11 terraform/validate",
    ]
    kept = waivers.deduplicate([*static.findings, *real.findings])
    assert [f"{f.at} {f.rule}" for f in kept] == [
        "a/main.tf:2:11 terraform/unknown-function",
        "b/main.tf:2:11 terraform/syntax",
    ]


@provider
def test_the_provider_judges_types(checked: Callable[..., Outcome], asked: Callable[..., None]) -> None:
    asked("validate", mirror=True)
    found = checked({"main.tf": QUEUE.replace("name", "nmae")})
    assert said(found) == ["main.tf:2:3 terraform/validate"]
    assert found.findings[0].fix == 'did you mean "name"?'
    assert ("terraform provider hashicorp/aws", "5.100.0") in {(tool.name, tool.version) for tool in found.tools}


@installed
def test_tests_of_a_folder_are_run(checked: Callable[..., Outcome], asked: Callable[..., None]) -> None:
    asked("test")
    test = TEST.replace("  command = plan\n", '  command = plan\n\n  variables {\n    name = "x"\n  }\n')
    found = checked({"a/main.tf": TIDY, "a/tests/a.tftest.hcl": test})
    assert [(row.rule, row.path) for row in found.passes][-2:] == [
        ("terraform/validate", "a"),
        ("terraform/test", "a/tests/a.tftest.hcl"),
    ]
    wrong = checked({"a/main.tf": TIDY, "a/tests/a.tftest.hcl": test.replace('name = "x"', 'name = "y"')})
    assert said(wrong) == ["a/tests/a.tftest.hcl:9:21 terraform/test"]
    assert wrong.findings[0].message == 'run "a": Test assertion failed: it is not x'


@installed
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            'resource "terraform_data" "a" {\n  provisioner "local-exec" {\n    command = "touch /tmp/ran"\n  }\n}\n',
            "it could run the programs of a provisioner on this machine",
        ),
        (QUEUE, "it would ask the provider aws, which it does not mock"),
    ],
)
def test_a_test_that_would_reach_out_is_not_run(
    asked: Callable[..., None], code: str, reason: str, tmp_path: Path
) -> None:
    asked("test")
    folders = terraform_run._folders([SourceFile("main.tf", code), SourceFile("a.tftest.hcl", TEST)])
    calls = {"": frozenset[str]()}
    root = terraform_run._Root("", folders, calls, None, tmp_path, tmp_path, True, True)  # type: ignore[arg-type]
    assert root._danger(root.tests()[0]) == reason


@provider
def test_a_module_that_is_given_its_providers_is_checked_where_it_is_called(
    checked: Callable[..., Outcome], asked: Callable[..., None]
) -> None:
    asked("validate", mirror=True)
    needs = (
        'terraform {\n  required_providers {\n    aws = {\n      source                = "hashicorp/aws"\n'
        "      configuration_aliases = [aws.east]\n    }\n  }\n}\n\n"
        'data "aws_region" "east" {\n  provider = aws.east\n}\n'
    )
    found = checked({"main.tf": needs})
    assert (said(found), unchecked(found)) == ([], ["terraform validate of ."])
    assert "checked where it is called" in found.not_checked[0].fix
