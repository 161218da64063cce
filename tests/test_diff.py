"""What a new generation changes, and what it does to what runs."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest

from generator import cli, data, secrets, yamlfile
from generator.checkers.terraform import facts
from generator.lifecycle import diff, effects, terminal, words, written
from generator.lifecycle.change import EFFECTS, Change, Difference
from generator.reporters import Style
from tests.conftest import APPS

ROOT = "terraform/environments/prod"
DATABASE = """
resource "aws_db_instance" "this" {
  identifier          = "shop-prod-db"
  engine              = "postgres"
  engine_version      = "17"
  storage_encrypted   = true
  deletion_protection = true
  instance_class      = "db.t4g.small"
}
"""


def compared(
    old: Mapping[str, str],
    new: Mapping[str, str],
    beside: Mapping[str, str] | None = None,
    states: Mapping[str, str] | None = None,
) -> Difference:
    return diff.compare(old, new, beside=beside, states=states)


def roots(old: str, new: str) -> Difference:
    return compared({f"{ROOT}/main.tf": old}, {f"{ROOT}/main.tf": new})


def only(difference: Difference) -> Change:
    assert len(difference.changes) == 1, [change.subject for change in difference.changes]
    return difference.changes[0]


# Terraform: one argument


@pytest.mark.parametrize(
    ("old", "new", "effect"),
    [
        pytest.param('instance_class      = "db.t4g.small"', 'instance_class = "db.m7g.large"', "in-place", id="class"),
        pytest.param('engine_version      = "17"', 'engine_version = "18"', "in-place", id="version"),
        pytest.param("deletion_protection = true", "deletion_protection = false", "in-place", id="protection"),
        pytest.param("storage_encrypted   = true", "storage_encrypted = false", "destroys-data", id="encryption"),
        pytest.param('"postgres"', '"mysql"', "destroys-data", id="engine"),
        pytest.param('"shop-prod-db"', '"shop-prod-data"', "in-place", id="identifier"),
        pytest.param(
            'engine              = "postgres"', 'engine = "postgres"\n  tags = {a = "b"}', "in-place", id="tags"
        ),
        pytest.param("= true\n", '= true\n  kms_key_id = "arn:a"\n', "may-replace", id="key given, was computed"),
        pytest.param('"db.t4g.small"', '"db.t4g.small"\n  not_an_argument = 1', "unknown", id="not in the table"),
    ],
)
def test_an_argument_of_a_database(old: str, new: str, effect: str) -> None:
    assert old in DATABASE
    change = only(roots(DATABASE, DATABASE.replace(old, new, 1)))
    assert (change.effect, change.action, change.subject) == (effect, "change", "aws_db_instance.this")
    assert change.name.startswith("shop-prod-d")
    assert change.environments == ("prod",)


@pytest.mark.parametrize(
    ("kind", "old", "new", "effect"),
    [
        pytest.param("aws_s3_bucket", 'bucket = "a"', 'bucket = "b"', "destroys-data", id="name of a bucket"),
        pytest.param("aws_sqs_queue", "fifo_queue = false", "fifo_queue = true", "destroys-data", id="fifo"),
        pytest.param("aws_sqs_queue", "", "fifo_queue = false", "none", id="the default written out"),
        pytest.param("aws_sqs_queue", "", "delay_seconds = 5", "in-place", id="delay"),
        pytest.param("aws_kms_key", "", 'key_usage = "ENCRYPT_DECRYPT"', "none", id="default of a key"),
        pytest.param("aws_kms_key", "", 'key_usage = "SIGN_VERIFY"', "destroys-data", id="other use of a key"),
        pytest.param("aws_lb_target_group", "port = 80", "port = 81", "replaces", id="port of a target group"),
        pytest.param("aws_vpc", 'cidr_block = "10.0.0.0/16"', 'cidr_block = "10.1.0.0/16"', "replaces", id="network"),
        pytest.param("aws_ecs_task_definition", 'family = "a"', 'family = "b"', "renews", id="task definition"),
        pytest.param(
            "aws_elasticache_replication_group", 'engine_version = "8.0"', 'engine_version = "8.1"', "in-place"
        ),
        pytest.param(
            "aws_elasticache_replication_group", 'engine_version = "8.1"', 'engine_version = "8.0"', "destroys-data"
        ),
        pytest.param("aws_dynamodb_table", 'hash_key = "a"', 'hash_key = "b"', "destroys-data", id="key of a table"),
        pytest.param("terraform_data", "input = 1", "input = 2", "in-place", id="terraform_data"),
        pytest.param("terraform_data", "triggers_replace = 1", "triggers_replace = 2", "renews", id="its trigger"),
        pytest.param("aws_nobody_knows", "a = 1", "a = 2", "unknown", id="unknown type"),
        pytest.param("aws_sqs_queue", "name = 17", 'name = "17"', "", id="a number is its text"),
        pytest.param("aws_subnet", "", "timeouts {\n create = 1\n}", "", id="timeouts are nobody's"),
        pytest.param("aws_sqs_queue", "", "lifecycle {\n prevent_destroy = true\n}", "none", id="lifecycle"),
    ],
)
def test_an_argument(kind: str, old: str, new: str, effect: str) -> None:
    difference = roots(*(f'resource "{kind}" "this" {{\n{side}\n}}\n' for side in (old, new)))
    assert [change.effect for change in difference.changes] == ([effect] if effect else [])


def test_what_the_table_does_not_know_is_said_and_gates_nothing() -> None:
    difference = roots(*(f'resource "aws_nobody_knows" "this" {{\n a = {side}\n}}\n' for side in "12"))
    assert [item.what for item in difference.not_compared] == ["what replaces aws_nobody_knows"]
    assert difference.exit_code(allow_replace=False) == 0
    assert "ask `terraform plan`" in words.verdict(difference, allow_replace=False)


def test_what_terraform_was_told_to_ignore_has_no_effect() -> None:
    kept = "  lifecycle {\n    ignore_changes = [engine]\n  }\n}\n"
    old = DATABASE.rstrip().removesuffix("}") + kept
    change = only(roots(old, old.replace('"postgres"', '"mysql"')))
    assert (change.effect, change.fields[0].note) == ("none", "Terraform ignores it (ignore_changes)")


# Terraform: what follows from a replacement


def test_a_replacement_says_what_is_lost_and_what_stands_in_its_way() -> None:
    keep = (
        'resource "terraform_data" "keep" {\n  triggers_replace = [aws_db_instance.this.id]\n'
        "  lifecycle {\n    prevent_destroy = true\n  }\n}\n"
    )
    difference = roots(DATABASE + keep, DATABASE.replace("encrypted   = true", "encrypted = false") + keep)
    database = difference.changes[0]
    assert words.sentence(database).startswith(
        'REPLACES the database "shop-prod-db" (aws_db_instance.storage_encrypted: true -> false); '
        "its data is lost unless restored from a snapshot"
    )
    assert "AWS refuses to delete it while deletion_protection is true" in database.notes
    assert "Terraform refuses while terraform_data.keep has prevent_destroy" in database.notes
    assert difference.exit_code(allow_replace=False) == 1
    assert difference.exit_code(allow_replace=True) == 0


def test_a_source_that_is_null_makes_no_replica() -> None:
    text = DATABASE.replace("{\n", "{\n  replicate_source_db = null\n", 1)
    assert only(roots(text, text.replace('"postgres"', '"mysql"'))).effect == "destroys-data"
    replica = DATABASE.replace("{\n", '{\n  replicate_source_db = "arn:a"\n', 1)
    assert only(roots(replica, replica.replace('"postgres"', '"mysql"'))).effect == "replaces"


def test_what_refers_to_something_replaced_may_be_replaced_too() -> None:
    text = (
        'resource "aws_vpc" "this" {\n  cidr_block = "10.0.0.0/16"\n}\n'
        'resource "aws_subnet" "a" {\n  vpc_id = aws_vpc.this.id\n  cidr_block = "10.0.1.0/24"\n}\n'
        'resource "aws_security_group" "b" {\n  name = "b"\n  vpc_id = aws_vpc.this.id\n}\n'
        'resource "aws_sqs_queue" "c" {\n  name = "c"\n}\n'
    )
    difference = roots(text, text.replace("10.0.0.0/16", "10.9.0.0/16"))
    assert {change.subject: change.effect for change in difference.changes} == {
        "aws_vpc.this": "replaces",
        "aws_subnet.a": "may-replace",
        "aws_security_group.b": "may-replace",
    }
    assert "aws_vpc.this is replaced" in difference.changes[-1].fields[0].note


def test_a_reference_to_an_argument_is_its_value() -> None:
    text = (
        'resource "aws_sqs_queue" "this" {\n  name = "a"\n}\n'
        'resource "aws_ssm_parameter" "name" {\n  name = "n"\n  type = "String"\n  value = aws_sqs_queue.this.name\n}\n'
    )
    changes = {change.subject: change for change in roots(text, text.replace('"a"', '"b"')).changes}
    field = changes["aws_ssm_parameter.name"].fields[0]
    assert (field.path, field.old.plain, field.new.plain) == ("value", "a", "b")


def test_what_cannot_be_computed_is_said() -> None:
    text = 'variable "a" {}\nresource "aws_vpc" "this" {\n  cidr_block = yamldecode("a: 1")\n  tags = {a = "%s"}\n}\n'
    difference = roots(text % "b", text % "c")
    assert [field.path for field in only(difference).fields] == ["tags.a"]
    assert [item.what for item in difference.not_compared] == [f"1 argument of {ROOT} (aws_vpc.this.cidr_block)"]


# Terraform: addresses

MODULE = {
    "terraform/modules/database/main.tf": 'variable "name" {}\n' + DATABASE.replace('"shop-prod-db"', "var.name"),
}


def module(*names: str, extra: str = "", source: str = "database") -> dict[str, str]:
    calls = "".join(
        f'module "{name}" {{\n  source = "../../modules/{source}"\n  name = "shop-db"\n}}\n' for name in names
    )
    return {**MODULE, f"{ROOT}/resources.tf": calls + extra}


MOVED = "moved {\n  from = module.old\n  to   = module.new\n}\n"
REMOVED = "removed {\n  from = module.old\n  lifecycle {\n    destroy = false\n  }\n}\n"
DESTROYED = REMOVED.replace("false", "true")


@pytest.mark.parametrize(
    ("new", "effects_", "findings"),
    [
        pytest.param(module("new"), ["destroys-data", "adds"], 1, id="rename without moved"),
        pytest.param(module("new", extra=MOVED), ["moves"], 0, id="rename with moved"),
        pytest.param(module(), ["destroys-data"], 1, id="removal"),
        pytest.param(module(extra=REMOVED), ["forgets"], 0, id="removal that forgets"),
        pytest.param(module(extra=DESTROYED), ["destroys-data"], 0, id="removal that destroys, said aloud"),
        pytest.param(module("old", "more"), ["adds"], 0, id="one more"),
        pytest.param(module("old"), [], 0, id="nothing"),
    ],
)
def test_a_module_call(new: dict[str, str], effects_: list[str], findings: int) -> None:
    difference = compared(module("old"), {**new, f"{ROOT}/outputs.tf": "# something\n"})
    assert [change.effect for change in difference.changes] == effects_
    assert len(difference.findings) == findings
    assert difference.exit_code(allow_replace=False) == int("destroys-data" in effects_)


def test_an_address_that_is_lost_is_found_where_it_was_with_a_way_out() -> None:
    finding = compared(module("old"), module("new")).findings[0]
    assert (finding.rule, finding.severity.word) == ("terraform/address-lost", "high")
    assert finding.message.startswith(
        "module.old.aws_db_instance.this is not declared any more, and it holds the database"
    )
    assert "moved { from = module.old.aws_db_instance.this, to = module.new.aws_db_instance.this }" in finding.fix
    assert "removed { from = module.old, lifecycle { destroy = false } }" in finding.fix
    assert finding.at.path.startswith(ROOT)


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ('resource "aws_cloudwatch_log_group" "a" {\n  name = "a"\n  skip_destroy = true\n}\n', "forgets"),
        ('resource "aws_db_instance" "a" {\n  replicate_source_db = "arn:a"\n}\n', "removes"),
        ('resource "aws_lb" "a" {\n  name = "a"\n}\n', "removes"),
    ],
)
def test_what_goes_without_loss_is_not_lost(text: str, effect: str) -> None:
    difference = roots(text, "")
    assert only(difference).effect == effect
    assert not difference.findings


def test_a_moved_block_of_the_users_own_counts() -> None:
    difference = compared(module("old"), module("new"), beside={f"{ROOT}/mine.tf": MOVED})
    assert [change.effect for change in difference.changes] == ["moves"]
    assert not difference.findings


def test_moves_follow_each_other_and_end() -> None:
    chain = "".join(
        f"moved {{\n  from = module.{old}\n  to = module.{new}\n}}\n"
        for old, new in (("old", "a"), ("a", "b"), ("b", "a"), ("b", "new"))
    )
    difference = compared(module("old"), module("new", extra=chain))
    assert {change.effect for change in difference.changes} <= {"moves", "adds", "destroys-data"}
    straight = chain.replace("moved {\n  from = module.b\n  to = module.a\n}\n", "")
    assert [change.effect for change in compared(module("old"), module("new", extra=straight)).changes] == ["moves"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("", "count = 1", ["moves"], id="gets a count"),
        pytest.param("count = 1", "", ["moves"], id="loses its count"),
        pytest.param("count = 2", "count = 1", ["destroys-data"], id="one fewer"),
        pytest.param('for_each = toset(["a"])', 'for_each = toset(["a", "b"])', ["adds"], id="one more key"),
        pytest.param("count = 1", 'for_each = toset(["a"])', ["destroys-data", "adds"], id="from count to for_each"),
    ],
)
def test_repetition_of_a_resource(old: str, new: str, expected: list[str]) -> None:
    texts = [f'resource "aws_sqs_queue" "this" {{\n  {side}\n  name = "a"\n}}\n' for side in (old, new)]
    assert [change.effect for change in roots(*texts).changes] == expected


def test_a_move_in_a_module_counts_for_every_call() -> None:
    old, new = module("one", "two"), module("one", "two")
    path = "terraform/modules/database/main.tf"
    renamed = new[path].replace('"aws_db_instance" "this"', '"aws_db_instance" "main"')
    new[path] = renamed + "moved {\n  from = aws_db_instance.this\n  to = aws_db_instance.main\n}\n"
    difference = compared(old, new)
    assert [(change.effect, change.was) for change in difference.changes] == [
        ("moves", "module.one.aws_db_instance.this"),
        ("moves", "module.two.aws_db_instance.this"),
    ]


def test_a_root_that_is_not_generated_any_more_destroys_nothing() -> None:
    difference = compared(module("old"), dict(MODULE))
    assert [(change.effect, change.subject) for change in difference.changes] == [("forgets", ROOT)]
    assert not difference.findings


@pytest.mark.parametrize(
    ("old", "new", "effect"),
    [
        ('region = "eu-west-1"', 'region = "eu-central-1"', "replaces"),
        ('default_tags {\n tags = {\n a = "b"\n }\n }', 'default_tags {\n tags = {\n a = "c"\n }\n }', "in-place"),
        ('allowed_account_ids = ["1"]', 'allowed_account_ids = ["2"]', "unknown"),
    ],
)
def test_a_provider(old: str, new: str, effect: str) -> None:
    change = only(roots(*(f'provider "aws" {{\n{side}\n}}\n{DATABASE}' for side in (old, new))))
    assert (change.kind, change.effect) == ("provider", effect)


# Kubernetes


def deployment(**changes: str) -> str:
    text = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  replicas: 2\n"
        "  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n"
        "      containers:\n        - name: web\n          image: web:1\n          env:\n"
        "            - {name: LEVEL, value: info}\n            - {name: DB_PASSWORD, value: hunter2hunter2}\n"
        "        - {name: side, image: side:1}\n"
    )
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    return text


def objects(old: str, new: str, path: str = "kubernetes/web.yaml") -> Difference:
    return compared({path: old}, {path: new})


@pytest.mark.parametrize(
    ("changes", "path", "effect"),
    [
        pytest.param({"web:1": "web:2"}, "spec.template.spec.containers[web].image", "restarts-pods", id="image"),
        pytest.param({"replicas: 2": "replicas: 3"}, "spec.replicas", "in-place", id="replicas"),
        pytest.param(
            {"{matchLabels: {app: web}}": "{matchLabels: {app: shop}}"},
            "spec.selector.matchLabels.app",
            "immutable",
            id="selector",
        ),
        pytest.param(
            {"value: info": "value: debug"}, "spec.template.spec.containers[web].env[LEVEL].value", "restarts-pods"
        ),
        pytest.param(
            {"namespace: shop": "namespace: shop, labels: {a: b}"}, "metadata.labels.a", "in-place", id="label"
        ),
    ],
)
def test_a_deployment(changes: dict[str, str], path: str, effect: str) -> None:
    change = only(objects(deployment(), deployment(**changes)))
    assert change.subject == "Deployment/shop/web"
    assert [(field.path, field.effect) for field in change.fields] == [(path, effect)]
    assert change.gates == (effect == "immutable")


@pytest.mark.parametrize(
    ("kind", "old", "new", "effect"),
    [
        ("StatefulSet", "spec: {serviceName: a}", "spec: {serviceName: b}", "immutable"),
        ("StatefulSet", "spec: {replicas: 1}", "spec: {replicas: 2}", "in-place"),
        ("StatefulSet", "spec: {updateStrategy: {type: A}}", "spec: {updateStrategy: {type: B}}", "in-place"),
        ("Service", "spec: {clusterIP: 10.0.0.1}", "spec: {clusterIP: 10.0.0.2}", "immutable"),
        ("Service", "spec: {}", "spec: {clusterIP: 10.0.0.2}", "in-place"),
        ("Service", "spec: {selector: {a: b}}", "spec: {selector: {a: c}}", "in-place"),
        ("PersistentVolumeClaim", "spec: {storageClassName: a}", "spec: {storageClassName: b}", "immutable"),
        (
            "PersistentVolumeClaim",
            "spec: {resources: {requests: {storage: 1Gi}}}",
            "spec: {resources: {requests: {storage: 2Gi}}}",
            "in-place",
        ),
        ("Job", "spec: {template: {spec: {a: 1}}}", "spec: {template: {spec: {a: 2}}}", "immutable"),
        ("Job", "spec: {parallelism: 1}", "spec: {parallelism: 2}", "in-place"),
        ("CronJob", "spec: {schedule: a}", "spec: {schedule: b}", "in-place"),
        ("RoleBinding", "roleRef: {name: a}", "roleRef: {name: b}", "immutable"),
        ("StorageClass", "provisioner: a", "provisioner: b", "immutable"),
        ("ConfigMap", "data: {a: b}", "data: {a: c}", "in-place"),
        ("ConfigMap", "immutable: true\ndata: {a: b}", "immutable: true\ndata: {a: c}", "immutable"),
        ("DaemonSet", "spec: {template: {a: 1}}", "spec: {template: {a: 2}}", "restarts-pods"),
    ],
)
def test_a_field_of_an_object(kind: str, old: str, new: str, effect: str) -> None:
    texts = [f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: a}}\n{side}\n" for side in (old, new)]
    assert only(objects(*texts)).effect == effect


def test_a_job_that_a_hook_makes_anew_gates_nothing() -> None:
    hook = "annotations: {argocd.argoproj.io/hook-delete-policy: BeforeHookCreation}"
    text = f"apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: a\n  {hook}\nspec: {{template: {{a: 1}}}}\n"
    change = only(objects(text, text.replace("a: 1", "a: 2")))
    assert (change.effect, change.gates) == ("renews", False)


@pytest.mark.parametrize(
    ("kind", "effect"),
    [("PersistentVolumeClaim", "destroys-data"), ("Namespace", "destroys-data"), ("Service", "removes")],
)
def test_an_object_that_goes(kind: str, effect: str) -> None:
    gone = compared({"kubernetes/a.yaml": f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: a}}\n"}, {})
    assert only(gone).effect == effect
    assert "kubectl apply leaves it" in " ".join(only(gone).notes)


def test_an_overlay_is_applied_and_what_is_alike_is_said_once() -> None:
    base = "kubernetes/base/web.yaml"
    tree = {base: deployment()}
    for name in ("dev", "prod"):
        folder = f"kubernetes/overlays/{name}"
        tree[f"{folder}/kustomization.yaml"] = (
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
            f"namespace: shop-{name}\nresources: [../../base]\npatches: [{{path: web.yaml}}]\n"
        )
        tree[f"{folder}/web.yaml"] = (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 4}\n"
        )
    image = only(compared(tree, {**tree, base: deployment(**{"web:1": "web:2"})}))
    assert (image.environments, image.subject) == (("dev", "prod"), "Deployment/web")
    hidden = compared(tree, {**tree, base: deployment(**{"replicas: 2": "replicas: 3"})})
    assert [file.path for file in hidden.files] == [base]
    assert not hidden.changes
    patch = "kubernetes/overlays/prod/web.yaml"
    scaled = only(compared(tree, {**tree, patch: tree[patch].replace("4", "5")}))
    assert (scaled.environments, scaled.subject) == (("prod",), "Deployment/shop-prod/web")
    spaces = {**tree, "kubernetes/overlays/prod/kustomization.yaml": "kind: Kustomization\nnamespace: other\n"}
    assert any(change.effect == "immutable" for change in compared(tree, spaces).changes)


# compose


def test_compose() -> None:
    old = "services:\n  web: {image: 'web:1', ports: ['80:8080']}\n  db: {image: 'db:1'}\nvolumes:\n  data: {}\n"
    new = "services:\n  web: {image: 'web:2', ports: ['80:8080']}\n  cache: {image: 'c:1'}\n"
    changes = {change.subject: change.effect for change in objects(old, new, "compose.yaml").changes}
    assert changes == {
        "service web": "recreates-container",
        "service db": "removes",
        "service cache": "adds",
        "volume data": "removes",
    }


# what cannot be compared, and what must not be read


def test_nothing_changed_is_nothing() -> None:
    tree = {**module("old"), "kubernetes/web.yaml": deployment()}
    difference = compared(tree, dict(tree))
    assert (difference.files, difference.changes, difference.findings) == ((), (), ())
    assert words.verdict(difference, allow_replace=False) == "nothing changes"


def test_files_that_are_the_same_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    real = yamlfile.read

    def noted(text: str, path: str) -> object:
        seen.append(path)
        return real(text, path)

    monkeypatch.setattr(yamlfile, "read", noted)
    monkeypatch.setattr("generator.policy.terraformtree.documents", lambda files: pytest.fail("Terraform was read"))
    tree = {
        **module("old"),
        "kubernetes/web.yaml": deployment(),
        "other/db.yaml": deployment(),
        "Dockerfile": "FROM a\n",
    }
    compared(tree, {**tree, "Dockerfile": "FROM b\n", "kubernetes/web.yaml": deployment(**{"web:1": "web:2"})})
    assert set(seen) == {"kubernetes/web.yaml"}


def test_only_the_roots_that_are_touched_are_compared() -> None:
    tree = module("old")
    other = {path.replace("prod", "dev"): text for path, text in tree.items() if path.startswith(ROOT)}
    both = {**tree, **other}
    difference = compared(both, {**both, **module("old", "more")})
    assert {change.scope for change in difference.changes} == {ROOT}


@pytest.mark.parametrize(
    ("path", "broken"),
    [
        pytest.param("kubernetes/web.yaml", "a: [1\nb: }\n", id="yaml"),
        pytest.param("compose.yaml", "services: {a: [\n", id="compose"),
        pytest.param(f"{ROOT}/resources.tf", 'module "a" {\n', id="hcl"),
    ],
)
def test_an_old_file_that_cannot_be_read_is_said_and_nothing_is_made_up(path: str, broken: str) -> None:
    new = {"kubernetes/web.yaml": deployment(), "compose.yaml": "services: {a: {image: b}}\n", **module("old")}
    difference = compared({**new, path: broken}, new)
    assert [file.path for file in difference.files] == [path]
    assert not difference.changes
    assert not difference.findings
    assert any(item.what == f"{path} as it was" for item in difference.not_compared)


def test_a_secret_is_not_repeated() -> None:
    difference = objects(deployment(), deployment(hunter2hunter2="correcthorse99"))
    texts = [
        terminal.render(difference, Style(), allow_replace=False),
        written.as_json(difference, allow_replace=False),
        written.as_markdown(difference, allow_replace=False),
    ]
    assert all("hunter2" not in text and "correcthorse" not in text for text in texts)
    assert "(hidden) -> (hidden)" in texts[0]


# formats


def everything() -> Difference:
    """One of each effect that there is."""
    old = {
        **module("old"),
        "kubernetes/web.yaml": deployment(),
        "compose.yaml": "services: {a: {image: 'b:1'}, gone: {image: c}}\n",
    }
    lost = module("new")
    lost[f"{ROOT}/more.tf"] = 'resource "aws_vpc" "a" {\n  cidr_block = "10.0.0.0/16"\n}\n'
    old[f"{ROOT}/more.tf"] = lost[f"{ROOT}/more.tf"].replace("10.0", "10.1")
    new = {
        **lost,
        "kubernetes/web.yaml": deployment(
            **{"{matchLabels: {app: web}}": "{matchLabels: {app: shop}}", "web:1": "web:2"}
        ),
        "compose.yaml": "services: {a: {image: 'b`|<b>\\u202e'}}\n",
    }
    return compared(old, new, states={"compose.yaml": "edited"})


def test_json_is_what_its_schema_says() -> None:
    schema = data.load("schemas/diff.schema.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    made = json.loads(written.as_json(everything(), allow_replace=False))
    jsonschema.validate(made, schema)
    assert made["exit_code"] == 1
    assert set(made["counts"]) == set(EFFECTS) == set(schema["$defs"]["effect"]["enum"])


def test_for_people_the_decision_comes_first_and_colour_is_for_terminals() -> None:
    plain = terminal.render(everything(), Style(), allow_replace=False)
    assert plain.startswith("DESTROYS the database")
    assert "\x1b" not in plain
    assert "edited by hand" in plain
    assert plain.endswith("agree with --allow-replace\n")
    assert "\x1b[" in terminal.render(everything(), Style(colour=True, width=100), allow_replace=False)
    quiet = terminal.render(everything(), Style(quiet=True), allow_replace=True)
    assert "CANNOT CHANGE Deployment/shop/web" in quiet
    assert "compose" not in quiet


def test_markdown_lets_nothing_out_of_its_cell() -> None:
    text = written.as_markdown(everything(), allow_replace=False)
    assert text.startswith("## What this changes\n\n❌")
    assert "> [!CAUTION]" in text
    assert "\u202e" not in text
    row = next(line for line in text.splitlines() if "service a" in line)
    assert row.replace("\\|", "").count("|") == 5


def test_the_same_input_gives_the_same_bytes() -> None:
    assert written.as_json(everything(), allow_replace=False) == written.as_json(everything(), allow_replace=False)


# the data


def test_every_type_of_our_modules_is_in_the_table() -> None:
    folder = data.folder("templates") / "terraform" / "aws"
    used = {
        kind
        for path in folder.rglob("*.tf")
        for kind in re.findall(r'^resource "(aws_\w+)"', path.read_text(encoding="utf-8"), re.M)
    }
    known = effects.table()["terraform"]["types"]
    assert used
    # the provider needs minutes to plan one web ACL, whose statements nest; what replaces it is said to be unknown
    assert used - set(known) <= {"aws_wafv2_web_acl"}
    assert len(known) >= 60


def test_the_table_says_where_it_is_from_and_names_types_that_exist() -> None:
    table = effects.table()["terraform"]
    assert table["provider"]["version"] == "5.100.0" == facts.version()
    assert table["source"]
    assert effects.table()["kubernetes"]["source"]
    every = {*facts.names("resource"), "terraform_data"}
    for part in ("holds", "guards", "conditions", "routine", "read", "types"):
        assert not set(table[part]) - every, part
    assert all(table["types"].values())


@pytest.mark.parametrize("part", ["replaces", "sometimes", "in_place", "computed"])
def test_the_table_names_arguments_that_exist(part: str) -> None:
    for kind, said in effects.table()["terraform"]["types"].items():
        for path in said.get(part, "").split():
            body = facts.body("resource", kind)
            *above, last = path.split(".")
            for name in above:
                assert body is not None
                body = body.blocks[name].body
            assert body is not None
            assert last in body.attributes or last.removesuffix("{}") in body.blocks, f"{kind}.{path}"


@pytest.mark.parametrize("kind", ["aws_db_instance", "aws_s3_bucket", "aws_kms_key", "aws_sqs_queue", "aws_vpc"])
def test_no_argument_has_two_effects(kind: str) -> None:
    said = effects.table()["terraform"]["types"][kind]
    lists = [said.get(word, "").split() for word in ("replaces", "sometimes", "in_place")]
    assert sum(map(len, lists)) == len({name for names in lists for name in names})


# the command line


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    spec = (APPS / "with-database" / "groundplan.yaml").read_text(encoding="utf-8")
    (tmp_path / "groundplan.yaml").write_text(spec, encoding="utf-8")
    return tmp_path


def edit(here: Path, old: str, new: str) -> None:
    path = here / "groundplan.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def git(here: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(here), *who, *arguments], check=True, capture_output=True)


def test_against_the_files_and_against_a_commit(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["generate", "-q"]) == 0
    git(here, "init", "-q")
    git(here, "add", "-A")
    git(here, "commit", "-q", "-m", "one")
    capsys.readouterr()
    assert cli.run(["diff"]) == 0
    assert capsys.readouterr().out == "nothing changes\n"
    edit(here, "port: ", "port: 1")
    assert cli.run(["diff", "-o", "json"]) in (0, 1)
    by_files = json.loads(capsys.readouterr().out)
    assert cli.run(["diff", "-o", "json", "--against", "HEAD"]) in (0, 1)
    by_commit = json.loads(capsys.readouterr().out)
    assert by_files["changes"]
    assert by_files["changes"] == by_commit["changes"]
    assert cli.run(["generate", "-q"]) == 0
    capsys.readouterr()
    assert cli.run(["diff", "-q"]) == 0
    assert cli.run(["diff", "-o", "json", "--against", "HEAD"]) in (0, 1)
    assert json.loads(capsys.readouterr().out.partition("\n")[2])["changes"] == by_commit["changes"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--against", "nobody"], 'git knows no revision "nobody"'),
        (["--against", "--all"], 'git knows no revision "--all"'),
        (["-o", "sarif"], "'sarif' is not a report format"),
    ],
)
def test_usage(here: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    git(here, "init", "-q")
    assert cli.run(["diff", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_where_there_is_no_repository(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["diff", "--against", "HEAD"]) == 2
    assert "is not in a git repository" in capsys.readouterr().err


def test_where_there_is_no_lock_everything_is_new_and_that_is_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["diff"]) == 0
    out = capsys.readouterr().out
    assert "there is no groundplan.lock here" in out
    assert "+ compose.yaml" in out


def test_a_wrong_spec_is_a_fault(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(here, "app:", "apq:")
    assert cli.run(["diff"]) == 2
    assert "groundplan validate" in capsys.readouterr().err


def test_formats_go_where_they_are_sent(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["diff", "-o", "markdown=out/comment.md", "-o", "json=out/diff.json"]) == 0
    assert (here / "out" / "comment.md").read_text(encoding="utf-8").startswith("## What this changes")
    jsonschema.validate(json.loads((here / "out" / "diff.json").read_text()), data.load("schemas/diff.schema.json"))
    assert "files" in capsys.readouterr().out


def test_the_schema_is_published(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["schema", "diff"]) == 0
    assert json.loads(capsys.readouterr().out)["$id"] == "urn:groundplan:diff:1"


def test_names_of_arguments_are_no_secrets() -> None:
    assert not [name for name in ("kms_key_id", "secret_arns", "key_usage") if secrets.names_secret(name)]
