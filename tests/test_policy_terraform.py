"""Terraform under our rules: what is judged across modules and roots, and what nobody can know and nobody judges."""

from __future__ import annotations

import textwrap

import pytest

from generator import policy
from generator.document import Location, SourceFile
from generator.finding import Finding, Severity
from generator.policy import waivers
from generator.policy.documents import documents

TODAY = policy.Context(today="2026-11-23")


def judged(files: dict[str, str] | str, *rules: str) -> policy.Outcome:
    trees = {"main.tf": files} if isinstance(files, str) else files
    sources = [SourceFile(path, textwrap.dedent(text)) for path, text in trees.items()]
    return policy.judge(sources, [policy.rule(name) for name in rules], TODAY)


def caught(files: dict[str, str] | str, *rules: str) -> list[tuple[str, int, str]]:
    return [(finding.at.path, finding.at.line, finding.message) for finding in judged(files, *rules).findings]


DATABASE = """\
variable "public" {
  type = bool
%s}
resource "aws_db_instance" "db" {
  engine              = "postgres"
  publicly_accessible = %s
}
"""
RULE = "terraform/public-database"


@pytest.mark.parametrize(
    ("default", "value"),
    [("", "var.public"), ("", "!var.public"), ("", "var.public ? true : false"), ("", "data.aws_x.y.z"), ("", "false")],
    ids=["variable", "negated", "conditional", "data", "literal"],
)
def test_what_is_not_known_is_not_judged(default: str, value: str) -> None:
    assert caught(DATABASE % (default, value), RULE) == []


@pytest.mark.parametrize("value", ["var.public", "data.aws_x.y.z", "local.nothing"])
def test_what_is_not_known_is_no_pass(value: str) -> None:
    assert judged(DATABASE % ("", value), RULE).passes == ()


@pytest.mark.parametrize(
    ("default", "value"),
    [("", "true"), ("  default = true\n", "var.public"), ("  default = false\n", "!var.public")],
    ids=["literal", "default", "negated default"],
)
def test_what_is_known_is_judged(default: str, value: str) -> None:
    assert [message for _, _, message in caught(DATABASE % (default, value), RULE)] == [
        "aws_db_instance.db has a public address"
    ]


MODULE = """\
variable "public" {
  type    = bool
  default = %s
}
resource "aws_db_instance" "db" {
  engine              = "postgres"
  publicly_accessible = var.public
}
"""
CALL = """\
module "db" {
  source = "../modules/db"
%s}
"""


def test_what_a_caller_says_counts_and_not_the_default() -> None:
    files = {"modules/db/main.tf": MODULE % "false", "live/main.tf": CALL % "  public = true\n"}
    assert [path for path, _, _ in caught(files, RULE)] == ["modules/db/main.tf"]
    files = {"modules/db/main.tf": MODULE % "true", "live/main.tf": CALL % "  public = false\n"}
    assert caught(files, RULE) == []


def test_a_module_called_twice_is_reported_once() -> None:
    call = CALL % "  public = true\n"
    files = {"modules/db/main.tf": MODULE % "false", "a/main.tf": call, "b/main.tf": call}
    (finding,) = judged(files, RULE).findings
    assert [str(item.at) for item in finding.related] == ["a/main.tf:3:12", "b/main.tf:3:12"]


def test_a_resource_that_is_counted_away_is_not_judged() -> None:
    text = DATABASE % ("  default = true\n", "true")
    assert caught(text.replace("  engine ", "  count  = 0\n  engine "), RULE) == []


PRODUCTION = 'resource "aws_s3_bucket" "files" {\n  bucket        = "acme-files"\n  force_destroy = true\n}\n'


@pytest.mark.parametrize("folder", ["environments/prod", "live/production", "terraform/environments/prod-eu"])
def test_a_root_named_for_production_is_production(folder: str) -> None:
    assert len(caught({f"{folder}/main.tf": PRODUCTION}, "terraform/force-destroy")) == 1


@pytest.mark.parametrize("folder", ["environments/staging", "environments/dev", "modules/products", "."])
def test_another_root_is_not(folder: str) -> None:
    assert caught({f"{folder}/main.tf": PRODUCTION}, "terraform/force-destroy") == []


def test_a_module_is_production_where_a_root_of_production_calls_it() -> None:
    call = 'module "files" {\n  source = "../../modules/files"\n}\n'
    files = {"modules/files/main.tf": PRODUCTION, "environments/prod/main.tf": call}
    assert [path for path, _, _ in caught(files, "terraform/force-destroy")] == ["modules/files/main.tf"]
    files = {"modules/files/main.tf": PRODUCTION, "environments/dev/main.tf": call}
    assert caught(files, "terraform/force-destroy") == []


GUARDED = """\
variable "protect" {
  type    = bool
  default = %s
}
resource "aws_db_instance" "this" {
  engine = "postgres"
}
resource "terraform_data" "keep" {
  count            = var.protect ? 1 : 0
  triggers_replace = [aws_db_instance.this.id]
  lifecycle {
    prevent_destroy = true
  }
}
"""


@pytest.mark.parametrize(("default", "count"), [("true", 0), ("false", 1)])
def test_a_guard_counts_when_it_is_there(default: str, count: int) -> None:
    files = {"environments/prod/main.tf": GUARDED % default}
    assert len(caught(files, "terraform/data-store-not-protected")) == count


WEAKER = {
    "environments/staging/main.tf": 'module "db" {\n  source = "../../modules/db"\n  days = 14\n}\n',
    "environments/prod/main.tf": 'module "db" {\n  source = "../../modules/db"\n  days = 7\n}\n',
    "modules/db/main.tf": """\
    variable "days" {
      type = number
    }
    resource "aws_db_instance" "this" {
      engine                  = "postgres"
      backup_retention_period = var.days
    }
    """,
}


def test_production_that_keeps_less_than_staging_is_weaker() -> None:
    messages = [message for _, _, message in caught(WEAKER, "cross/environment-weaker")]
    assert messages == ["backup_retention_period 7 in prod, 14 in staging"]


def test_production_that_keeps_more_is_not() -> None:
    files = {**WEAKER, "environments/prod/main.tf": WEAKER["environments/prod/main.tf"].replace("7", "30")}
    assert caught(files, "cross/environment-weaker") == []


SKIPPED = """\
resource "aws_sns_topic" "a" {
  #checkov:skip=CKV_AWS_26:read by everybody anyway
  name = "a"
}

resource "aws_sns_topic" "b" {
  name = "b"
}
"""


def test_a_skip_of_checkov_covers_its_own_resource_alone() -> None:
    file = SourceFile("main.tf", SKIPPED)
    findings = policy.judge([file], [policy.rule("terraform/unencrypted-topic")], TODAY).findings
    assert [item.subject for item in findings] == ["aws_sns_topic.a", "aws_sns_topic.b"]
    result = waivers.apply(findings, [file])
    assert [item.subject for item in result.findings] == ["aws_sns_topic.b"]


EVERY = [rule.id for rule in policy.rules() if rule.id.startswith(("terraform/", "cross/"))]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "resource {}\n",
        'resource "aws_db_instance" "a" {\n',
        'resource "aws_iam_role_policy" "a" {\n  policy = "not json"\n}\n',
        'resource "aws_iam_role_policy" "a" {\n  policy = jsonencode({Statement = "x"})\n}\n',
        'resource "aws_iam_role" "a" {\n  assume_role_policy = jsonencode([1, null, true])\n}\n',
        'resource "aws_ecs_task_definition" "a" {\n  container_definitions = jsonencode({})\n}\n',
        'resource "aws_ecs_task_definition" "a" {\n  container_definitions = jsonencode([null, {portMappings = 3}])\n}',
        'resource "aws_security_group" "a" {\n  ingress = var.rules\n  egress  = null\n}\n',
        'resource "aws_subnet" "a" {\n  vpc_id     = "v"\n  cidr_block = "10.0.0.0/99"\n}\n',
        'resource "aws_lb_listener" "a" {\n  protocol       = []\n  default_action = "x"\n}\n',
        'module "a" {\n  source = "."\n}\n',
        'module "a" {\n}\nvariable "a" {\n  default = null\n}\noutput "b" {\n}\n',
        'data "aws_iam_policy_document" "a" {\n  statement {\n    actions = [1, null]\n    principals {}\n  }\n}\n',
    ],
)
def test_odd_files_are_answered(text: str) -> None:
    """Whatever stands there, every rule gives an answer with a place in the file."""
    for finding in judged(text, *EVERY).findings:
        assert finding.at.path == "main.tf"
        assert finding.at.line >= 1


DOUBLING = (
    "locals {\n  a0 = %s\n" + "".join(f"  a{n} = [local.a{n - 1}, local.a{n - 1}]\n" for n in range(1, 60)) + "}\n"
)
LONGER = "locals {\n  a0 = %s\n" + "".join(f'  a{n} = "${{local.a{n - 1}}}${{local.a{n - 1}}}"\n' for n in range(1, 60))


@pytest.mark.parametrize(
    "files",
    [
        {"main.tf": DOUBLING % '"x"' + 'resource "aws_sns_topic" "a" {\n  kms_master_key_id = local.a59\n}\n'},
        {"main.tf": LONGER % '"x"' + '}\nresource "aws_sns_topic" "a" {\n  name = local.a59\n}\n'},
        {"main.tf": 'locals {\n  a = local.b\n  b = local.a\n}\nresource "aws_sns_topic" "a" {\n  name = local.a\n}\n'},
        {"main.tf": 'resource "aws_sns_topic" "a" {\n  count = 1000000000\n  name  = "a"\n}\n'},
        {"main.tf": 'resource "aws_sns_topic" "a" {\n  name = [for n in range(1000000000) : n]\n}\n'},
        {"main.tf": 'resource "aws_sns_topic" "a" {\n  name = ' + "[" * 5000 + "]" * 5000 + "\n}\n"},
        {"main.tf": 'resource "a" "b" {\n' + "x {\n" * 3000 + "}\n" * 3001},
        {"main.tf": 'resource "aws_iam_policy" "a" {\n  policy = "' + "[" * 900 + "]" * 900 + '"\n}\n'},
        {"main.tf": 'module "b" {\n  source = "./b"\n}\n', "b/main.tf": 'module "a" {\n  source = "../"\n}\n'},
        {
            **{f"m{n}/main.tf": f'module "m" {{\n  source = "../m{n + 1}"\n  count  = 150\n}}\n' for n in range(6)},
            "m6/main.tf": 'resource "aws_sns_topic" "a" {\n  name = "a"\n}\n',
        },
    ],
    ids=["doubling", "longer", "cycle", "count", "range", "brackets", "blocks", "json", "modules in a ring", "modules"],
)
def test_what_was_made_to_explode_does_not(files: dict[str, str]) -> None:
    judged(files, *EVERY)


BOTH_WAYS = {
    "main.tf": """\
    module "web" {
      source  = "./group"
      clients = { api = module.api.id }
    }
    module "api" {
      source  = "./group"
      clients = { web = module.web.id }
    }
    """,
    "group/main.tf": """\
    variable "clients" {
      type = map(string)
    }
    resource "aws_security_group" "this" {
      name = "this"
    }
    resource "aws_vpc_security_group_ingress_rule" "this" {
      for_each                     = var.clients
      security_group_id            = aws_security_group.this.id
      referenced_security_group_id = each.value
      ip_protocol                  = "tcp"
      from_port                    = 80
      to_port                      = 80
    }
    output "id" {
      value = aws_security_group.this.id
    }
    """,
}


def test_modules_that_refer_to_each_other_are_followed() -> None:
    messages = [message for _, _, message in caught(BOTH_WAYS, "cross/group-opened-to-nobody")]
    assert messages == ["aws_security_group.this at port 80 is let in, and may not send there"]


def test_a_module_from_elsewhere_may_do_what_no_file_shows() -> None:
    elsewhere = 'module "rules" {\n  source  = "acme/rules/aws"\n  version = "1.0.0"\n}\n'
    files = {**BOTH_WAYS, "rules.tf": elsewhere}
    assert caught(files, "cross/group-opened-to-nobody") == []


COUNTED = """\
resource "aws_security_group" "db" {
  count = 1
  name  = "db"
}
resource "aws_db_instance" "db" {
  engine                 = "postgres"
  vpc_security_group_ids = aws_security_group.db[*].id
}
resource "aws_vpc_security_group_ingress_rule" "db" {
  security_group_id = %s
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}
"""


@pytest.mark.parametrize("reference", ["aws_security_group.db[0].id", "one(aws_security_group.db[*].id)"])
def test_a_web_port_that_no_load_balancer_wears_is_open(reference: str) -> None:
    assert len(caught(COUNTED % reference, "terraform/open-ingress")) == 1


@pytest.mark.parametrize(
    ("count", "listed"),
    [
        ("length(var.names)", True),
        ("var.on ? length(var.names) : 0", True),
        ("length(var.names) > 0 ? 1 : 0", False),
        ("var.on ? 1 : 0", False),
        ("2", False),
    ],
)
def test_a_count_over_names_is_told_from_a_switch(count: str, listed: bool) -> None:
    text = f'variable "names" {{}}\nvariable "on" {{}}\nresource "aws_sqs_queue" "q" {{\n  count = {count}\n}}\n'
    assert bool(caught(text, "terraform/index-address")) is listed


@pytest.mark.parametrize("folder", ["bootstrap", "examples/complete", "tests/setup"])
def test_state_beside_what_is_tried_out_is_left_alone(folder: str) -> None:
    text = 'provider "aws" {\n  region = "eu-central-1"\n}\nresource "aws_sqs_queue" "q" {\n  name = "q"\n}\n'
    assert caught({f"{folder}/main.tf": text}, "terraform/state-not-remote") == []
    assert len(caught({"main.tf": text}, "terraform/state-not-remote")) == 1


def test_state_that_a_wrapper_keeps_is_left_alone() -> None:
    text = 'provider "aws" {\n  region = "eu-central-1"\n}\nresource "aws_sqs_queue" "q" {\n  name = "q"\n}\n'
    assert caught({"main.tf": text, "terragrunt.hcl": ""}, "terraform/state-not-remote") == []


def test_values_of_a_tfvars_file_count() -> None:
    files = {"main.tf": DATABASE % ("  default = false\n", "var.public"), "terraform.tfvars": "public = true\n"}
    assert len(caught(files, RULE)) == 1


def test_a_password_in_a_task_is_a_literal_secret() -> None:
    text = """\
    resource "aws_ecs_task_definition" "web" {
      container_definitions = jsonencode([{
        name        = "web"
        environment = [{ name = "DB_PASSWORD", value = "hunter2-and-more" }]
      }])
    }
    """
    assert [path for path, _, _ in caught(text, "secrets/literal-variable")] == ["main.tf"]


@pytest.mark.parametrize(
    ("foreign", "kept"),
    [
        ("aws_sns_topic.a", 1),
        ("aws_sns_topic/a", 1),
        ("module/alarms/aws_sns_topic.a", 1),
        ("aws_sns_topic/b", 2),
        ("aws_sqs_queue/a", 2),
    ],
)
def test_checkov_and_we_say_it_once(foreign: str, kept: int) -> None:
    findings = judged('resource "aws_sns_topic" "a" {\n  name = "a"\n}\n', "terraform/unencrypted-topic").findings
    other = Finding("checkov/CKV_AWS_26", Severity.MEDIUM, "m", Location("main.tf", 9, 1), subject=foreign)
    assert len(waivers.deduplicate([*findings, other])) == kept


OPTIONAL = """\
variable "db" {
  type = object({
    public = optional(bool%s)
    name   = string
  })
%s}
resource "aws_db_instance" "db" {
  engine              = "postgres"
  publicly_accessible = var.db.public
}
"""


@pytest.mark.parametrize(
    ("default", "given", "count"),
    [
        (", true", '  default = { name = "a" }\n', 1),
        (", false", '  default = { name = "a" }\n', 0),
        ("", '  default = { name = "a" }\n', 0),
        (", false", '  default = { name = "a", public = true }\n', 1),
        (", true", '  default = { name = "a", public = null }\n', 1),
        (", true", "", 0),
    ],
)
def test_a_type_fills_in_its_defaults(default: str, given: str, count: int) -> None:
    assert len(caught(OPTIONAL % (default, given), RULE)) == count


def test_null_for_what_is_not_nullable_is_the_default() -> None:
    module = (MODULE % "true").replace("  default", "  nullable = false\n  default")
    files = {"modules/db/main.tf": module, "live/main.tf": CALL % "  public = null\n"}
    assert len(caught(files, RULE)) == 1


VALUES = {
    "1 + 2 * 3": 7,
    "10 - 3 - 2": 5,
    "true && !false": True,
    '1 == 1 ? 2 == 3 ? "x" : "y" : "z"': "y",
    '"${"a"}-${1 + 1}"': "a-2",
    '"$${x} %%{y}"': "${x} %{y}",
    '"a\\tb\\"c\\\\d"': 'a\tb"c\\d',
    "[for x in [1, 2, 3] : x * 2 if x > 1]": [4, 6],
    "{for k, v in {a = 1, b = 2} : upper(k) => v + 1}": {"A": 2, "B": 3},
    '{a = 1, "b" = 2, ("c") = 3}': {"a": 1, "b": 2, "c": 3},
    "[{n = 1}, {n = 2}][*].n": [1, 2],
    "merge([{a = 1}, {b = 2}]...)": {"a": 1, "b": 2},
    "flatten([[1, [2]], 3])": [1, 2, 3],
    'format("%s-%d", "a", 5)': "a-5",
    'substr("hello", -3, -1)': "llo",
    'cidrsubnet("10.0.0.0/16", 4, 15)': "10.0.240.0/20",
    'element(["a", "b", "c"], 4)': "b",
    'slice(["a", "b", "c"], 1, 3)': ["b", "c"],
    'coalesce(null, "", "x")': "x",
    'one(["x"])': "x",
    "<<-EOT\n    a\n      b\n    EOT": "a\n  b\n",
    "[ # one\n 1, /* two */ 2,\n]": [1, 2],
}


@pytest.mark.parametrize(("text", "value"), VALUES.items(), ids=list(VALUES))
def test_an_expression_has_the_value_that_terraform_gives_it(text: str, value: object) -> None:
    """Each of these was put to `terraform console`."""
    files = [SourceFile("main.tf", f'resource "a" "b" {{\n  x = {text}\n}}\n')]
    found = next(item for item in documents(files) if item.address == "a.b").root.get("x")
    assert found is not None
    assert found.plain == value


OPENED = """\
%sresource "aws_vpc_security_group_ingress_rule" "ssh" {
  description = "ssh"
  ip_protocol = "tcp"
  from_port   = 22
  to_port     = 22
  cidr_ipv4   = "0.0.0.0/0"%s
}

resource "aws_vpc_security_group_ingress_rule" "more" {
  description = "ssh"
  ip_protocol = "tcp"
  from_port   = 22
  to_port     = 22
  cidr_ipv4   = "0.0.0.0/0"
}
"""


@pytest.mark.parametrize(
    ("above", "beside", "kept"),
    [
        ("#trivy:ignore:AVD-AWS-0107\n", "", ["more"]),
        ("# trivy:ignore:AVD-AWS-0107:exp:2027-01-01\n", "", ["more"]),
        ("#trivy:ignore:AVD-AWS-0107:exp:2026-01-01\n", "", ["ssh", "more"]),
        ("#trivy:ignore:AVD-AWS-0104\n", "", ["ssh", "more"]),
        ("", " # trivy:ignore:AVD-AWS-0107", ["more"]),
        ("", ' # groundplan: ignore[terraform/open-ingress] reason="a test"', ["more"]),
        ('# groundplan: ignore[trivy/AVD-AWS-0107] reason="a test"\n', "", ["more"]),
    ],
)
def test_comments_of_trivy_are_honoured(above: str, beside: str, kept: list[str]) -> None:
    file = SourceFile("main.tf", OPENED % (above, beside))
    findings = policy.judge([file], [policy.rule("terraform/open-ingress")], TODAY).findings
    left = waivers.apply(findings, [file], today=TODAY.today).findings
    assert [item.subject.rpartition(".")[2] for item in left if item.rule == "terraform/open-ingress"] == kept


def test_what_a_caller_puts_into_a_list_is_found_where_it_is_used() -> None:
    files = {
        "live/main.tf": 'module "a" {\n  source = "../web"\n  containers = [{ name = "w", privileged = true }]\n}\n',
        "web/main.tf": """\
        variable "containers" {
          type = any
        }
        resource "aws_ecs_task_definition" "web" {
          family                = "web"
          container_definitions = jsonencode(var.containers)
        }
        """,
    }
    (finding,) = judged(files, "terraform/privileged-task").findings
    assert str(finding.at) == "web/main.tf:6:27"
    assert [str(item.at) for item in finding.related] == ["live/main.tf:3:44"]


@pytest.mark.parametrize("name", ["state.s3.tfbackend", "backend.hcl"])
@pytest.mark.parametrize(("lock", "count"), [("use_lockfile = true\n", 0), ("", 1), ("use_lockfile = false\n", 1)])
def test_a_backend_is_read_from_its_file(name: str, lock: str, count: int) -> None:
    block = 'terraform {\n  backend "s3" {}\n}\n'
    files = {"live/versions.tf": block, f"live/{name}": 'bucket = "state"\nencrypt = true\n' + lock}
    outcome = judged(files, "terraform/state-not-locked")
    assert [finding.at.path for finding in outcome.findings] == [f"live/{name}"] * count
    assert len(outcome.passes) == 1 - count
    assert caught(files, "terraform/state-not-encrypted") == []


def test_a_backend_whose_values_are_elsewhere_is_not_judged() -> None:
    files = {"live/versions.tf": 'terraform {\n  backend "s3" {}\n}\n'}
    assert caught(files, "terraform/state-not-locked", "terraform/state-not-encrypted") == []
