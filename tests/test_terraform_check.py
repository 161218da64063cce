# ruff: noqa: E501
"""The static check of Terraform: what it must find, what it must leave alone, and what the real terraform says."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from generator import checkers, pipeline, spec
from generator.checkers import terraform
from generator.checkers.terraform.problems import PROBLEMS
from generator.document import SourceFile
from generator.finding import Outcome, Severity
from tests import terraform_roots
from tests.conftest import APPS

BROKEN = sorted((APPS.parent / "terraform" / "broken").glob("*.tf"))
AWS_EXAMPLES = sorted(path.parents[1].name for path in APPS.glob("*/expected/terraform"))


def checked(**files: str) -> Outcome:
    """Files by path, `__` for a slash: `modules__queue__main` is modules/queue/main.tf."""
    made = [SourceFile(f"{name.replace('__', '/')}.tf", text) for name, text in files.items()]
    return terraform.check(made, checkers.Settings(cache=Path("/nonexistent")))


def rules(outcome: Outcome) -> list[str]:
    return [finding.rule for finding in outcome.findings]


def test_there_are_enough_broken_files() -> None:
    assert len(BROKEN) >= 30


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_has_its_finding(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    expected = text.splitlines()[0].removeprefix("# expect: ")
    found = terraform.check([SourceFile("main.tf", text)], checkers.Settings(cache=Path("/nonexistent")))
    loud = [f for f in found.findings if f.severity > Severity.LOW]
    assert [f"{f.at.line}:{f.at.column} {f.rule}" for f in loud] == [expected]
    assert all(f.message and f.fix for f in loud)


@pytest.mark.parametrize("name", sorted(set(AWS_EXAMPLES)))
def test_what_we_render_is_sound(name: str) -> None:
    loaded = spec.load(APPS / name / "groundplan.yaml")
    assert loaded.product is not None
    files = [file for file in pipeline.generate(loaded.product) if file.target == "terraform"]
    found = terraform.check(files, checkers.Settings(cache=Path("/nonexistent")))
    assert found.findings == ()
    assert len(found.passes) > 40


QUEUE = 'variable "name" {\n  type = string\n}\n\nresource "aws_sqs_queue" "this" {\n  name = var.name\n}\n\noutput "arn" {\n  value = aws_sqs_queue.this.arn\n}\n'


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param('source = "../queue"\n  name = "orders"', [], id="as it should be"),
        pytest.param('source = "../queue"', ["terraform/missing-module-argument"], id="argument missing"),
        pytest.param(
            'source = "../queue"\n  name = "a"\n  size = 1',
            ["terraform/unknown-module-argument"],
            id="argument unknown",
        ),
        pytest.param('source = "../queues"\n  name = "a"', ["terraform/module-missing"], id="folder missing"),
        pytest.param('source = "terraform-aws-modules/sqs/aws"\n  name = "a"', [], id="from a registry"),
        pytest.param('source = "git::https://example.com/queue.git"\n  name = "a"', [], id="from elsewhere"),
    ],
)
def test_a_call_is_held_to_its_module(call: str, expected: list[str]) -> None:
    root = f'module "orders" {{\n  {call}\n}}\n'
    assert rules(checked(modules__root__main=root, modules__queue__main=QUEUE)) == expected


def test_an_output_that_a_module_has_not() -> None:
    root = 'module "orders" {\n  source = "../queue"\n  name   = "a"\n}\n\noutput "url" {\n  value = module.orders.url\n}\n'
    found = checked(modules__root__main=root, modules__queue__main=QUEUE)
    assert rules(found) == ["terraform/undeclared-output"]
    assert found.findings[0].message == 'module.orders has no output "url"'


def test_a_module_that_was_not_given_is_said() -> None:
    found = checked(main='module "a" {\n  source = "../elsewhere/a"\n}\n')
    assert rules(found) == []
    assert [row.what for row in found.not_checked] == ["arguments of the module ../elsewhere/a"]


def test_a_provider_that_must_be_passed() -> None:
    needs = (
        'terraform {\n  required_providers {\n    aws = {\n      source = "hashicorp/aws"\n'
        "      configuration_aliases = [aws.east]\n    }\n  }\n}\n"
    )
    root = (
        'provider "aws" {\n  region = "eu-west-1"\n}\n\nmodule "a" {\n  source = "../a"\n'
        "  providers = {\n    aws = aws\n  }\n}\n"
    )
    assert rules(checked(m__root__main=root, m__a__main=needs)) == ["terraform/provider-not-passed"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('resource "google_storage_bucket" "a" {\n  nonsense = 1\n}\n', id="another provider's type"),
        pytest.param(
            'resource "aws_security_group" "a" {\n  ingress {\n    from_port = 1\n    to_port = 1\n    protocol = "tcp"\n  }\n}\n',
            id="a block for a list of objects",
        ),
        pytest.param(
            'locals {\n  a = { for name in ["x"] : name => upper(name) }\n}\n\noutput "a" {\n  value = local.a["x"]\n}\n',
            id="a name of a loop",
        ),
        pytest.param(
            'resource "aws_sqs_queue" "a" {\n  for_each = { x = 1 }\n  name = each.key\n}\n\n'
            'output "a" {\n  value = [for queue in aws_sqs_queue.a : queue.arn]\n}\n',
            id="all instances",
        ),
        pytest.param(
            'resource "aws_sqs_queue" "a" {\n  name = "a"\n\n  lifecycle {\n    ignore_changes = [tags, name]\n'
            '    postcondition {\n      condition = self.arn != ""\n      error_message = "no ARN"\n    }\n  }\n}\n',
            id="names in lifecycle",
        ),
        pytest.param(
            'resource "terraform_data" "a" {\n  triggers_replace = [1]\n\n  provisioner "local-exec" {\n'
            '    command = "echo ${self.id}"\n  }\n}\n',
            id="a provisioner's self",
        ),
        pytest.param(
            'data "aws_iam_policy_document" "a" {\n  dynamic "statement" {\n    for_each = { x = 1 }\n    iterator = row\n\n'
            '    content {\n      sid = row.key\n    }\n  }\n}\n\noutput "a" {\n  value = data.aws_iam_policy_document.a.json\n}\n',
            id="an iterator of a dynamic block",
        ),
        pytest.param(
            'resource "aws_sqs_queue" "a" {\n  delay_seconds = "30"\n  fifo_queue = "true"\n}\n',
            id="texts that are numbers",
        ),
        pytest.param(
            'output "a" {\n  value = path.module\n}\n\noutput "b" {\n  value = terraform.workspace\n}\n',
            id="what is always there",
        ),
        pytest.param("moved {\n  from = aws_sqs_queue.a\n  to   = aws_sqs_queue.b\n}\n", id="a move of what is gone"),
        pytest.param(
            'import {\n  to = aws_sqs_queue.a\n  id = "x"\n}\n\nresource "aws_sqs_queue" "a" {\n}\n', id="an import"
        ),
        pytest.param(
            "removed {\n  from = aws_sqs_queue.a\n\n  lifecycle {\n    destroy = false\n  }\n}\n", id="a removal"
        ),
        pytest.param(
            'check "a" {\n  data "aws_caller_identity" "me" {\n  }\n\n  assert {\n'
            '    condition = data.aws_caller_identity.me.id != ""\n    error_message = "nobody"\n  }\n}\n',
            id="a check",
        ),
        pytest.param(
            'ephemeral "aws_secretsmanager_random_password" "a" {\n}\n\nresource "aws_db_instance" "a" {\n'
            '  instance_class = "db.t4g.micro"\n  password_wo = ephemeral.aws_secretsmanager_random_password.a.random_password\n'
            "  password_wo_version = 1\n}\n",
            id="an ephemeral value",
        ),
    ],
)
def test_what_is_right_is_left_alone(text: str) -> None:
    assert rules(checked(main=text)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('variable "a" {\n  type = string\n}\n', "terraform/unused-variable"),
        ("locals {\n  a = 1\n}\n", "terraform/unused-local"),
        ('data "aws_caller_identity" "a" {\n}\n', "terraform/unused-data"),
    ],
)
def test_what_nobody_reads(text: str, expected: str) -> None:
    found = checked(main=text)
    assert rules(found) == [expected]
    assert found.findings[0].severity == Severity.LOW


@pytest.mark.parametrize(
    "text",
    [
        *["", "\x00", "{" * 5000, "a = " + "[" * 5000, 'x "', "<<E", "${", "a {" * 300],
        "locals {\n  a = " + "(" * 75 + "1" + ")" * 75 + "\n}\n",
        "locals {\n  a = " + "-" * 5000 + "1\n}\n",
        "locals {\n  a = " + "1 + " * 20000 + "1\n}\n",
        "locals {\n  a = " + "1 + " * 149 + "1\n}\n",
        "locals {\n  a = " + "true ? 1 : " * 3000 + "1\n}\n",
        "locals {\n  a = x" + ".y[0]" * 3000 + "\n}\n",
        'locals {\n  a = "' + "%{ if true }" * 400 + "%{ endif }" * 400 + '"\n}\n',
        "locals {\n" + "".join(f"  a{n} = local.a{n + 1}\n" for n in range(3000)) + "}\n",
        "locals {\n  a = [1][1e400]\n  b = [1][99999999999999999999]\n  c = [1][-1]\n}\n",
    ],
    ids=lambda text: repr(text[:30]),
)
def test_hostile_text_is_answered(text: str) -> None:
    found = checked(main=text)
    assert all(rule.startswith("terraform/") for rule in rules(found))


def test_other_providers_are_said_once() -> None:
    text = 'resource "google_storage_bucket" "a" {\n}\n\nresource "google_storage_bucket" "b" {\n}\n'
    assert [row.what for row in checked(main=text).not_checked] == ["types of the provider google"]


PROVIDER = 'terraform {\n  required_providers {\n    aws = {\n      source = "hashicorp/aws"\n    }\n  }\n}\n'


def real_answer(text: str, folder: Path, environment: dict[str, str]) -> list[tuple[int, str]]:
    """Lines and summaries of the errors of the real terraform."""
    (folder / "main.tf").write_text(text, encoding="utf-8")
    (folder / "versions.tf").write_text("" if "required_providers" in text else PROVIDER, encoding="utf-8")
    for words in (["init", "-backend=false", "-json"], ["validate", "-json"]):
        answer = terraform_roots.run(words, folder, environment).stdout
        whole = [json.loads(answer)] if words[0] == "validate" else [json.loads(line) for line in answer.splitlines()]
        rows = [row for said in whole for row in [*said.get("diagnostics", []), said.get("diagnostic")] if row]
        errors = [row for row in rows if row["severity"] == "error"]
        if errors:
            return [
                (row.get("range", {}).get("start", {}).get("line", 0), row["summary"].split("\n")[0]) for row in errors
            ]
    return []


@pytest.mark.slow
@pytest.mark.skipif(
    terraform_roots.TERRAFORM is None or terraform_roots.mirror() is None,
    reason="terraform or a mirror with its AWS provider is not installed",
)
def test_what_the_real_terraform_says_of_the_broken_files(tmp_path: Path) -> None:
    """Every file that we refuse is refused by the real terraform, nearly all at the same line; the table is printed."""
    environment = terraform_roots.settings(tmp_path)
    folder = tmp_path / "root"
    folder.mkdir()
    rows = []
    for path in BROKEN:
        text = path.read_text(encoding="utf-8")
        ours = text.splitlines()[0].removeprefix("# expect: ")
        rows.append((path.stem, ours, real_answer(text, folder, environment)))
    for name, ours, errors in rows:
        print(
            f"{name:36} ours {ours:44} terraform {errors[0][0] if errors else '-'} {errors[0][1] if errors else 'accepts'}"
        )
    same = [name for name, ours, errors in rows if int(ours.split(":")[0]) in {line for line, _ in errors}]
    print(
        f"{len(rows)} files, {sum(bool(errors) for *_, errors in rows)} refused by terraform, {len(same)} at our line"
    )
    assert [name for name, _, errors in rows if not errors] == []
    assert len(same) >= 0.9 * len(rows)


SOUND = APPS.parent / "terraform" / "sound"


def test_nothing_is_said_of_what_is_right() -> None:
    made = [SourceFile(path.relative_to(SOUND).as_posix(), path.read_text()) for path in sorted(SOUND.rglob("*.tf"))]
    found = terraform.check(made, checkers.Settings(cache=Path("/nonexistent")))
    assert [f"{f.at} {f.message}" for f in found.findings if f.severity > Severity.LOW] == []


@pytest.mark.slow
@pytest.mark.skipif(
    terraform_roots.TERRAFORM is None or terraform_roots.mirror() is None,
    reason="terraform or a mirror with its AWS provider is not installed",
)
def test_what_is_right_is_right_to_the_real_terraform(tmp_path: Path) -> None:
    folder = tmp_path / "sound"
    shutil.copytree(SOUND, folder)
    assert real_answer((SOUND / "main.tf").read_text(), folder, terraform_roots.settings(tmp_path)) == []


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("locals {\n  a = 1 b = 2\n}\n", "main.tf:2:9", "a new line is missing after this argument"),
        ("locals {\n  a = 'x'\n}\n", "main.tf:2:7", "a text stands in double quotes"),
        ('locals {\n  a = "x\n}\n', "main.tf:2:7", "the quote that ends this text is missing on its line"),
        ('locals {\n  a = "\\d"\n}\n', "main.tf:2:8", '"\\d" means nothing in a text'),
        ('locals {\n  a = "%{ if true }"\n}\n', "main.tf:2:8", "%{ endif } is missing"),
        ("locals {\n  a = [1 2]\n}\n", "main.tf:2:10", '"]" is missing'),
    ],
)
def test_what_cannot_be_read_is_said_where_it_is(text: str, place: str, words: str) -> None:
    (finding,) = checked(main=text).findings
    assert (str(finding.at), finding.rule) == (place, "terraform/syntax")
    assert finding.message.startswith(words)


@pytest.mark.parametrize("opening", ["<<E", "<<-E"])
def test_a_name_in_a_heredoc_is_judged_where_it_stands(opening: str) -> None:
    text = f'output "a" {{\n  value = {opening}\n    one\n    %{{ for x in var.gone }}${{x}}%{{ endfor }}\n    ${{var.lost}}\n  E\n}}\n'
    found = [(str(f.at), f.message) for f in checked(main=text).findings]
    assert found == [("main.tf:4:17", "var.gone is not declared"), ("main.tf:5:7", "var.lost is not declared")]


@pytest.mark.parametrize(
    "more",
    [{"a_override": 'variable "name" {\n  type = number\n}\n'}, {"broken": "a = = 1\n"}],
    ids=["override", "unreadable"],
)
def test_names_of_a_folder_that_is_not_wholly_known_are_left_alone(more: dict[str, str]) -> None:
    found = checked(main='output "a" {\n  value = var.elsewhere\n}\n', **more)
    assert [rule for rule in rules(found) if rule != "terraform/syntax"] == []


def test_what_overrides_is_said_to_be_left_out() -> None:
    found = checked(m__main='output "a" {\n  value = var.b\n}\n', m__override='variable "b" {\n}\n')
    assert [row.what for row in found.not_checked] == ["names and types in m"]


ONLY_REAL = sorted((APPS.parent / "terraform" / "only-terraform").glob("*.tf"))


@pytest.mark.parametrize("path", ONLY_REAL, ids=lambda path: path.stem)
def test_what_only_the_real_terraform_finds(path: Path) -> None:
    """What needs the provider's own code, or the value of a function: we are silent, and know it."""
    found = terraform.check([SourceFile("main.tf", path.read_text())], checkers.Settings(cache=Path("/nonexistent")))
    assert [f.rule for f in found.findings if f.severity > Severity.LOW] == []


@pytest.mark.slow
@pytest.mark.skipif(
    terraform_roots.TERRAFORM is None or terraform_roots.mirror() is None,
    reason="terraform or a mirror with its AWS provider is not installed",
)
def test_the_real_terraform_does_find_it(tmp_path: Path) -> None:
    environment = terraform_roots.settings(tmp_path)
    (tmp_path / "root").mkdir()
    for path in ONLY_REAL:
        text = path.read_text(encoding="utf-8")
        expected = text.splitlines()[0].removeprefix("# only terraform: ")
        assert expected in [summary for _, summary in real_answer(text, tmp_path / "root", environment)], path.stem


def test_every_problem_is_explained() -> None:
    named = {path.read_text(encoding="utf-8").split()[3].removeprefix("terraform/") for path in BROKEN}
    code = "".join(path.read_text() for path in Path(terraform.__file__).parent.glob("*.py"))
    named |= set(re.findall(r'(?:found|say|_low|want)\(\s*"([a-z-]+)"', code))
    assert named - set(PROBLEMS) == set()


def test_two_mistakes_on_a_line_are_both_said() -> None:
    found = checked(main='output "a" {\n  value = uper(var.gone)\n}\n')
    assert sorted(rules(found)) == ["terraform/undeclared-variable", "terraform/unknown-function"]
