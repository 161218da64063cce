"""Derived facts about rights: what policies allow, and whom roles trust."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from generator.document import Node
from generator.policy.documents import Document
from generator.policy.found import Found
from generator.policy.terraformfound import (
    UNKNOWN,
    Trail,
    is_unknown,
    known,
    resources,
    verdict,
    words,
    written,
)

_POLICIES = {
    "aws_iam_policy": ("policy",),
    "aws_iam_role_policy": ("policy",),
    "aws_iam_user_policy": ("policy",),
    "aws_iam_group_policy": ("policy",),
    "aws_iam_role": ("assume_role_policy", "inline_policy"),
    "aws_ssoadmin_permission_set_inline_policy": ("inline_policy",),
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy, out of a policy document or JSON. Lists are nodes, which may be unknown."""

    document: Document
    node: Node
    trail: Trail
    effect: str | None
    actions: Node | None
    resources: Node | None
    principals: tuple[tuple[str | None, Node | None], ...]
    conditions: tuple[tuple[str | None, str, Node | None], ...]
    """Test, variable (with `${…}` where unknown) and values."""
    certain: bool
    """Whether all its parts are told; not when blocks are made of something unknown."""


def statements(documents: Sequence[Document]) -> Iterator[Statement]:
    """The statements of every policy that can be read."""
    for document in documents:
        if document.format != "terraform":
            continue
        if document.kind == "data.aws_iam_policy_document":
            for index, node in enumerate(_listed(document.root.get("statement"))):
                yield _written_as_block(document, node, ("statement", index))
        for name in _POLICIES.get(document.kind, ()):
            for trail, policy in _policies(document.root.get(name), (name,)):
                for index, node in enumerate(_listed(policy.get("Statement"))):
                    yield _written_as_json(document, node, (*trail, "Statement", index))


def _policies(node: Node | None, trail: Trail) -> Iterator[tuple[Trail, Node]]:
    if node is None or node.layer in UNKNOWN:
        return
    if isinstance(node.value, tuple):
        for index, block in enumerate(node.elements()):
            inner = block.get("policy")
            if inner is not None:
                yield from _policies(inner, (*trail, index, "policy"))
    elif isinstance(node.value, dict):
        yield trail, node


def _listed(node: Node | None) -> list[Node]:
    if node is None or node.layer in UNKNOWN:
        return []
    return list(node.elements()) if isinstance(node.value, tuple) else [node] if isinstance(node.value, dict) else []


def _written_as_block(document: Document, node: Node, trail: Trail) -> Statement:
    principals = tuple((known(item.get("type")), item.get("identifiers")) for item in _listed(node.get("principals")))
    conditions = tuple(
        (known(item.get("test")), written(item.get("variable") or item), item.get("values"))
        for item in _listed(node.get("condition"))
    )
    blocks = [node.get(name) for name in ("principals", "condition", "not_principals")]
    certain = node.layer not in UNKNOWN and not any(block is not None and block.layer in UNKNOWN for block in blocks)
    return Statement(
        document,
        node,
        trail,
        known(node.get("effect"), "Allow"),
        node.get("actions"),
        node.get("resources"),
        principals,
        conditions,
        certain,
    )


def _written_as_json(document: Document, node: Node, trail: Trail) -> Statement:
    principal = node.get("Principal")
    principals: list[tuple[str | None, Node | None]] = []
    if principal is not None and isinstance(principal.value, dict):
        principals = [(kind, who) for kind, who in principal.items()]
    elif principal is not None:
        principals = [("*", principal)]
    conditions: list[tuple[str | None, str, Node | None]] = []
    for test, body in node.entries("Condition").items():
        conditions += [(test, variable, values) for variable, values in body.items()]
    unsure = any((part := node.get(name)) is not None and part.layer in UNKNOWN for name in ("Principal", "Condition"))
    return Statement(
        document,
        node,
        trail,
        known(node.get("Effect"), "Allow"),
        node.get("Action"),
        node.get("Resource"),
        tuple(principals),
        tuple(conditions),
        node.layer not in UNKNOWN and not unsure,
    )


def _scalars(node: Node | None) -> Iterator[Node]:
    """The one text, or the texts of the list."""
    if node is not None and isinstance(node.value, tuple):
        yield from node.elements()
    elif node is not None:
        yield node


def actions(documents: Sequence[Document]) -> Iterator[Found]:
    """Every action that a policy of an identity allows; what a resource lets others do is its own business."""
    for statement in statements(documents):
        if statement.effect != "Allow" or statement.principals or not statement.certain:
            continue
        for node in _scalars(statement.actions):
            word = known(node)
            if word:
                yield Found(word, word, node.at, statement.document, statement.trail)


_RESTRICTABLE = re.compile(
    r"s3:(?:Get|Put|Delete)Object|s3:(?:ListBucket|DeleteBucket|PutBucketPolicy)$"
    r"|sqs:(?:SendMessage|ReceiveMessage|DeleteMessage|PurgeQueue|ChangeMessageVisibility)$"
    r"|dynamodb:(?:GetItem|PutItem|UpdateItem|DeleteItem|Query|Scan|BatchGetItem|BatchWriteItem|DeleteTable)$"
    r"|secretsmanager:(?:GetSecretValue|PutSecretValue|DeleteSecret)$"
    r"|ssm:(?:GetParameter|GetParameters|GetParametersByPath|PutParameter)$"
    r"|kms:(?:Decrypt|Encrypt|GenerateDataKey|ScheduleKeyDeletion)$"
    r"|iam:(?:PassRole|CreatePolicyVersion|AttachRolePolicy|PutRolePolicy|UpdateAssumeRolePolicy)$"
    r"|lambda:InvokeFunction$|sts:AssumeRole$|rds-db:connect$|ecs:(?:RunTask|UpdateService)$"
)
"""Actions whose resources can always be named."""


def scopes(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether what writes, or reads what is secret, names its resources; a condition may narrow it another way."""
    for statement in statements(documents):
        if statement.effect != "Allow" or statement.principals or statement.conditions or not statement.certain:
            continue
        found = words(statement.actions)
        if found is None or not found or statement.resources is None:
            continue
        restrictable = [action for action in found if _RESTRICTABLE.match(action)]
        told = _told(statement.resources)
        if not restrictable or ("*" not in told and not _refers(statement.resources)):
            continue
        everywhere = "*" in told
        shown = ", ".join(restrictable[:3])
        yield verdict(statement.document, not everywhere, shown, statement.resources, statement.trail)


def _told(node: Node | None) -> list[str]:
    return [word for part in _scalars(node) if (word := known(part))]


_WIDE = re.compile(
    r"^\*$|^repo:\*|^repo:[^/]*\*|^repo:[^/:]+/\*|^project_path:\*|^project_path:[^/]*/?\*:|^system:serviceaccount:.*\*"
)


def trusts(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether the one who may take a role is told exactly: no `*`, and a subject and audience for a federated one."""
    for statement in statements(documents):
        taken = words(statement.actions)
        if statement.effect != "Allow" or taken is None or not statement.principals or not statement.certain:
            continue
        if not any(action.startswith("sts:AssumeRole") or action == "sts:*" for action in taken):
            continue
        told = _trusted(statement, "sts:AssumeRoleWithWebIdentity" in taken)
        if told is not None:
            yield verdict(statement.document, not told, told or "whom it names", statement.node, statement.trail)


def _trusted(statement: Statement, by_web_identity: bool) -> str | None:
    """Whom a role trusts beyond what is exact; "" when it is exact, None when nobody can tell."""
    everybody = any("*" in _told(who) for kind, who in statement.principals if kind in ("AWS", "*"))
    if everybody and not statement.conditions:
        return "everybody"
    federated = any(kind == "Federated" for kind, _ in statement.principals)
    if not (federated and by_web_identity):
        return "" if all(not is_unknown(who) or _refers(who) for _, who in statement.principals) else None
    names = [(variable, values) for _, variable, values in statement.conditions]
    subjects = [values for variable, values in names if variable.endswith((":sub", ":repository", ":project_path"))]
    if any(variable.endswith("}") for variable, _ in names):
        return None
    if not subjects:
        return "any subject of the provider"
    wide = [word for values in subjects for word in _told(values) if _WIDE.search(word)]
    if wide:
        return f'the subject "{wide[0]}"'
    if not any(variable.endswith(":aud") for variable, _ in names):
        return "any audience of the provider"
    return ""


def _refers(node: Node | None) -> bool:
    return node is not None and all(part.layer != "unknown" for part in node.walk())


_ATTACHMENTS = (
    *("aws_iam_role_policy_attachment", "aws_iam_policy_attachment"),
    *("aws_iam_user_policy_attachment", "aws_iam_group_policy_attachment"),
)


def attached(documents: Sequence[Document]) -> Iterator[Found]:
    """Every policy of AWS that is attached, by the end of its ARN; the partition in front may be unknown."""
    for document in resources(documents, *_ATTACHMENTS, "aws_iam_role"):
        name = "managed_policy_arns" if document.kind == "aws_iam_role" else "policy_arn"
        for node in _scalars(document.root.get(name)):
            if match := re.search(r":iam::aws:(policy/[\w+=,.@/-]+)$", written(node)):
                yield Found(match[1], match[1], node.at, document, (name,))
