"""Derived facts about Terraform's language, its data stores and what runs: one resource at a time, or one root."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from generator import aws
from generator.document import Node
from generator.policy.documents import Document
from generator.policy.found import Found
from generator.policy.terraformfound import (
    UNKNOWN,
    Roots,
    absent,
    bare,
    flag,
    is_known,
    is_unknown,
    known,
    number,
    production,
    reach,
    references,
    resources,
    verdict,
    words,
    written,
)


def productions(documents: Sequence[Document]) -> Iterator[Found]:
    for document in documents:
        if document.format == "terraform" and document.configuration is not None:
            yield verdict(document, production(document), document.environment)


_REGISTRY = re.compile(r"(?:[\w.-]+\.[\w.-]+/)?[\w-]+/[\w-]+/[\w-]+(?://.*)?")
_REPOSITORY = re.compile(r"^(?:git|hg)::|^(?:github\.com|bitbucket\.org)/|\.git(?:[/?]|$)|^git@")
_MOVING = re.compile(r"[?&]ref=(?:main|master|develop|trunk|HEAD)(?:&|$)")


def pinned_modules(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether a module from a registry has a version, and one from a repository a ref that stays."""
    for document in resources(documents, "module"):
        node = document.root.get("source")
        source = known(node)
        if not source or source.startswith((".", "/")):
            continue
        if _REPOSITORY.search(source):
            holds = bool(re.search(r"[?&](?:ref|rev)=\w", source)) and not _MOVING.search(source)
        elif _REGISTRY.fullmatch(source):
            holds = not absent(document.root.get("version"))
        else:
            continue  # an archive or bucket has no version that could be asked for
        yield verdict(document, holds, source, node, ("source",))


_LENGTH = re.compile(r"\blength\((?P<of>(?:[^()]|\([^()]*\))*)\)\s*(?:$|[:)])")


def counts(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether a counted resource counts by something else than the length of a list."""
    for document in documents:
        node = document.root.get("count expression") if document.format == "terraform" else None
        if node is not None and not document.kind.startswith("data."):
            listed = _LENGTH.search(written(node))
            yield verdict(document, listed is None, listed["of"] if listed else written(node), node, ("count",))


_STORES = (
    *("aws_db_instance", "aws_rds_cluster", "aws_docdb_cluster", "aws_neptune_cluster", "aws_dynamodb_table"),
    *("aws_efs_file_system", "aws_opensearch_domain", "aws_redshift_cluster", "aws_kms_key"),
)
_COPY = ("replicate_source_db", "replication_source_identifier")


def kept_stores(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether `prevent_destroy` stands at a data store, or at a guard that would be replaced with it."""
    roots = Roots(documents)
    for document in resources(documents, *_STORES):
        if any(not absent(document.root.get(name)) for name in _COPY):
            continue  # a replica holds nothing of its own
        own = flag(reach(document.root, "lifecycle", 0, "prevent_destroy"), False)
        guards = [
            other for other in roots.beside(document, "terraform_data", "null_resource") if _guards(other, document)
        ]
        if own is None or (not own and any(is_unknown(other.root.get("count")) for other in guards)):
            continue
        yield verdict(document, own or bool(guards), document.name)


def _guards(guard: Document, store: Document) -> bool:
    if flag(reach(guard.root, "lifecycle", 0, "prevent_destroy"), False) is not True:
        return False
    told = (
        guard.root.get("triggers_replace"),
        guard.root.get("triggers"),
        reach(guard.root, "lifecycle", 0, "replace_triggered_by"),
    )
    return any(bare(store) in references(node) for node in told)


_PASSWORDS: dict[str, tuple[str, ...]] = {
    "aws_db_instance": ("password",),
    "aws_rds_cluster": ("master_password",),
    "aws_docdb_cluster": ("master_password",),
    "aws_redshift_cluster": ("master_password",),
    "aws_elasticache_replication_group": ("auth_token",),
    "aws_elasticache_user": ("passwords",),
    "aws_memorydb_user": ("authentication_mode",),
    "aws_directory_service_directory": ("password",),
    "aws_dms_endpoint": ("password",),
}
_MADE = {
    "aws_iam_access_key": "secret",
    "random_password": "result",
    "tls_private_key": "private_key_pem",
    "aws_iam_user_login_profile": "password",
}
_SECRET_SOURCE = re.compile(r"\b(?:random_password|tls_private_key)\.|(?:password|secret|token|private_key)\b", re.I)


def passwords(documents: Sequence[Document]) -> Iterator[Found]:
    """Arguments for a secret, write-only ones included, that stand there as a text."""
    for document in documents:
        if document.format != "terraform":
            continue
        names: list[str] = []
        for name in _PASSWORDS.get(document.kind, ()):
            names += [name, f"{name}_wo"]
        if document.kind.startswith("provider."):
            names = ["access_key", "secret_key", "token", "password"]
        for name in names:
            node = document.root.get(name)
            if node is not None and any(
                known(part) for part in node.walk() if not isinstance(part.value, dict | tuple)
            ):
                yield Found(name, name, node.at, document, (name,))


def stored_secrets(documents: Sequence[Document]) -> Iterator[Found]:
    """Arguments and attributes through which a secret gets into the state."""
    for document in documents:
        if document.format != "terraform":
            continue
        for name in _PASSWORDS.get(document.kind, ()):
            node = document.root.get(name)
            if node is not None and node.layer != "unknown" and not absent(node) and not is_known(node):
                yield Found(name, name, node.at, document, (name,))
        if document.kind in _MADE and absent(document.root.get("pgp_key")):
            name = _MADE[document.kind]
            yield Found(name, name, document.root.at, document)
        if document.kind in ("aws_secretsmanager_secret_version", "aws_ssm_parameter"):
            name = "secret_string" if document.kind.endswith("version") else "value"
            node = document.root.get(name)
            if node is not None and any(
                _SECRET_SOURCE.search(part.note) for part in node.walk() if part.layer in UNKNOWN
            ):
                yield Found(name, name, node.at, document, (name,))


_FLAGS = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")


def public_blocks(documents: Sequence[Document]) -> Iterator[Found]:
    for document in resources(documents, "aws_s3_bucket_public_access_block"):
        answers = {name: flag(document.root.get(name), False) for name in _FLAGS}
        off = [name for name, answer in answers.items() if answer is False]
        if off or None not in answers.values():
            node = document.root.get(off[0]) if off else None
            yield verdict(document, not off, f"{', '.join(off)} off", node)


def acls(documents: Sequence[Document]) -> Iterator[Found]:
    for document in resources(documents, "aws_s3_bucket_acl", "aws_s3_bucket"):
        node = document.root.get("acl")
        acl = known(node)
        if acl:
            public = acl in ("public-read", "public-read-write", "authenticated-read", "website")
            yield verdict(document, not public, f'acl "{acl}"', node, ("acl",))


_DEAD = re.compile(r"dlq|dead|undeliver|failed", re.IGNORECASE)


def dead_letters(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether each queue has a dead-letter queue; what is one needs none."""
    taken, redriven = _redrives(documents)
    for document in resources(documents, "aws_sqs_queue"):
        policy, title = document.root.get("redrive_policy"), document.root.get("name")
        name = f"{document.name} {written(title) if title is not None else ''}"
        is_dead = (document.configuration, bare(document)) in taken or _DEAD.search(name)
        if is_dead or not absent(document.root.get("redrive_allow_policy")):
            continue
        if policy is None or policy.layer != "unknown":
            holds = not absent(policy) or (document.configuration, bare(document)) in redriven
            yield verdict(document, holds, document.name)


def dead_letter_kinds(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether a queue and the one of its dead letters are both ordered, or neither."""
    roots = Roots(documents)
    for document in resources(documents, "aws_sqs_queue"):
        policy = document.root.get("redrive_policy")
        own = flag(document.root.get("fifo_queue"), False)
        for other in roots.of(document, policy, "aws_sqs_queue"):
            theirs = flag(other.root.get("fifo_queue"), False)
            if own is not None and theirs is not None:
                shown = (
                    f"{document.name} is {'' if own else 'not '}FIFO, {other.name} is {'' if theirs else 'not '}FIFO"
                )
                yield verdict(document, own is theirs, shown, policy, ("redrive_policy",))


def _redrives(documents: Sequence[Document]) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Root and address of every queue that takes dead letters, and of every one that a resource gives such a queue."""
    taken: set[tuple[str, str]] = set()
    redriven: set[tuple[str, str]] = set()
    for document in documents:
        if document.format != "terraform":
            continue
        root = document.configuration
        for place, node in _below(document.root):
            if re.search(r"redrive_?policy|dead_?letter", ".".join(place), re.IGNORECASE):
                taken.update((root, name) for name in references(node))
        if document.kind in ("aws_sqs_queue_redrive_policy", "aws_sqs_queue_redrive_allow_policy"):
            into = redriven if document.kind == "aws_sqs_queue_redrive_policy" else taken
            into.update((root, name) for name in references(document.root.get("queue_url")))
    return taken, redriven


def _below(node: Node, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    """The leaves below a node with the names on the way to them."""
    if isinstance(node.value, dict):
        for key, child in node.items():
            yield from _below(child, (*place, key))
    elif isinstance(node.value, tuple):
        for child in node.elements():
            yield from _below(child, place)
    else:
        yield place, node


def cache_rest(documents: Sequence[Document]) -> Iterator[Found]:
    yield from _cache(documents, "at_rest_encryption_enabled", {"redis": False, "valkey": True})


def cache_transit(documents: Sequence[Document]) -> Iterator[Found]:
    yield from _cache(documents, "transit_encryption_enabled", {"redis": False})


def _cache(documents: Sequence[Document], name: str, defaults: dict[str, bool]) -> Iterator[Found]:
    """A switch of a cache whose default depends on the engine."""
    for document in resources(documents, "aws_elasticache_replication_group"):
        node = document.root.get(name)
        holds = (
            flag(node, False) if not absent(node) else defaults.get(known(document.root.get("engine"), "redis") or "")
        )
        if holds is not None:
            yield verdict(document, holds, name, node, (name,))


def engines(documents: Sequence[Document]) -> Iterator[Found]:
    """An engine with its version, as `rds-postgres:17.6` and `eks:1.34`, the names its end is looked up by."""
    for document in resources(documents, "aws_db_instance", "aws_eks_cluster"):
        engine = known(document.root.get("engine")) if document.kind == "aws_db_instance" else "Kubernetes"
        node = document.root.get("version" if document.kind == "aws_eks_cluster" else "engine_version")
        version = known(node)
        if engine and version and node is not None:
            name = "eks" if document.kind == "aws_eks_cluster" else f"rds-{engine}"
            yield Found(f"{name}:{version}", f"{engine} {version}", node.at, document)


def sizes(documents: Sequence[Document]) -> Iterator[Found]:
    for document in resources(documents, "aws_ecs_task_definition"):
        if "FARGATE" not in (words(document.root.get("requires_compatibilities")) or ()):
            continue
        cpu, memory = number(document.root.get("cpu")), number(document.root.get("memory"))
        if cpu is not None and memory is not None:
            shown = f"cpu {cpu:g} and memory {memory:g}"
            there = aws.fargate_sizes().get(int(cpu))
            node = document.root.get("cpu" if there is None else "memory")
            yield verdict(document, int(memory) in (there or ()), shown, node)


def task_roles(documents: Sequence[Document]) -> Iterator[Found]:
    for document in resources(documents, "aws_ecs_task_definition"):
        task, start = document.root.get("task_role_arn"), document.root.get("execution_role_arn")
        if task is None or start is None or absent(task) or absent(start):
            continue
        if "unknown" not in (task.layer, start.layer):
            yield verdict(document, written(task) != written(start), written(task), task, ("task_role_arn",))


def several(documents: Sequence[Document]) -> Iterator[Found]:
    for document in resources(documents, "aws_ecs_task_definition"):
        node = document.root.get("container_definitions")
        if node is not None and isinstance(node.value, tuple):
            yield verdict(document, len(node.value) > 1, str(len(node.value)))


def breakers(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether a broken deployment is taken back, by the circuit breaker or by alarms."""
    for document in resources(documents, "aws_ecs_service"):
        answers: list[bool | None] = []
        for block in ("deployment_circuit_breaker", "alarms"):
            answers += [_both(flag(reach(document.root, block, 0, key), False) for key in ("enable", "rollback"))]
        if True in answers or None not in answers:
            yield verdict(document, True in answers, document.name)


def _both(answers: Iterator[bool | None]) -> bool | None:
    every = list(answers)
    return False if False in every else None if None in every else True


def spot(documents: Sequence[Document]) -> Iterator[Found]:
    for document in resources(documents, "aws_ecs_service"):
        node = document.root.get("capacity_provider_strategy")
        if node is None or node.layer in UNKNOWN or is_unknown(node) or not node.value:
            continue
        steady = [
            item
            for item in node.elements()
            if "SPOT" not in (known(item.get("capacity_provider")) or "").upper()
            and ((number(item.get("base")) or 0) > 0 or (number(item.get("weight")) or 0) > 0)
        ]
        yield verdict(document, bool(steady), document.name, node, ("capacity_provider_strategy",))


_SCALED: dict[str, tuple[str, ...]] = {
    "aws_ecs_service": ("desired_count",),
    "aws_dynamodb_table": ("read_capacity", "write_capacity"),
    "aws_autoscaling_group": ("desired_capacity",),
}


def scaled(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether Terraform leaves alone what an autoscaler of the same root changes."""
    roots = Roots(documents)
    for scaler in resources(
        documents, "aws_appautoscaling_target", "aws_autoscaling_policy", "aws_autoscaling_schedule"
    ):
        node = scaler.root.get("resource_id") or scaler.root.get("autoscaling_group_name")
        for document in roots.of(scaler, node, *_SCALED):
            for name in _SCALED[document.kind]:
                value = document.root.get(name)
                if value is not None and not absent(value) and value.layer != "unknown":
                    yield verdict(document, name in _ignored(document), name, value, (name,))


def _ignored(document: Document) -> frozenset[str]:
    """The arguments that `ignore_changes` names; all of them for `all`."""
    node = reach(document.root, "lifecycle", 0, "ignore_changes")
    names = frozenset(written(part) for part in node.walk()) if node is not None else frozenset()
    return frozenset(name for every in _SCALED.values() for name in every) if "all" in names else names


def endpoints(documents: Sequence[Document]) -> Iterator[Found]:
    for document in resources(documents, "aws_eks_cluster"):
        public = flag(reach(document.root, "vpc_config", 0, "endpoint_public_access"), True)
        node = reach(document.root, "vpc_config", 0, "public_access_cidrs")
        from_where = words(node)
        if public is False:
            yield verdict(document, True, "private")
        elif public and from_where is not None:
            everybody = not from_where or "0.0.0.0/0" in from_where
            yield verdict(document, not everybody, ", ".join(from_where) or "0.0.0.0/0", node)


_PROMISES: dict[str, tuple[tuple[str, ...], ...]] = {
    "aws_db_instance": (("multi_az",), ("backup_retention_period",), ("deletion_protection",), ("storage_encrypted",)),
    "aws_rds_cluster": (("backup_retention_period",), ("deletion_protection",), ("storage_encrypted",)),
    "aws_dynamodb_table": (("deletion_protection_enabled",),),
    "aws_elasticache_replication_group": (
        ("num_cache_clusters",),
        ("snapshot_retention_limit",),
        ("multi_az_enabled",),
    ),
    "aws_appautoscaling_target": (("min_capacity",),),
    "aws_ecs_service": (("desired_count",),),
    "aws_cloudwatch_log_group": (("retention_in_days",),),
    "aws_kms_key": (("deletion_window_in_days",), ("enable_key_rotation",)),
    "aws_lb": (("enable_deletion_protection",),),
    "aws_s3_bucket_versioning": (),
}
_LESSER = re.compile(r"(?:^|[-_])(?:staging|stage|preprod|uat|test|qa|dev|development)(?:[-_]|$)")


def weaker(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether the root of production promises at least what the same resource promises in an earlier one."""
    there = [item for item in resources(documents, *_PROMISES) if item.address]
    lesser: dict[str, list[Document]] = {}
    for document in there:
        if _LESSER.search(document.environment) and not production(document):
            lesser.setdefault(document.address, []).append(document)
    for document in there:
        for path in _PROMISES[document.kind] if production(document) else ():
            own = _amount(document.root.get(*path), path)
            for other in lesser.get(document.address, ()):
                theirs = _amount(other.root.get(*path), path)
                if own is not None and theirs is not None:
                    names = (document.environment, other.environment)
                    shown = f"{path[-1]} {_said(own)} in {names[0]}, {_said(theirs)} in {names[1]}"
                    yield verdict(document, own >= theirs, shown, document.root.get(*path), path)


def _amount(node: Node | None, path: tuple[str, ...]) -> float | None:
    """How much it promises; logs that are kept for ever are kept longest."""
    if absent(node):
        return None
    switch = flag(node, False)
    if switch is not None:
        return float(switch)
    amount = number(node)
    return float("inf") if amount == 0 and path == ("retention_in_days",) else amount


def _said(amount: float) -> str:
    return "for ever" if amount == float("inf") else f"{amount:g}"
