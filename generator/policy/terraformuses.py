"""Derived facts across resources of a root, and between a root and other files: ports, rights, secrets, hosts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from generator.document import Node
from generator.policy.documents import Document
from generator.policy.found import Found, of_kind, workloads
from generator.policy.found import text as word_of
from generator.policy.terraformfound import (
    UNKNOWN,
    Roots,
    Trail,
    absent,
    bare,
    flag,
    is_unknown,
    known,
    number,
    reach,
    references,
    resources,
    verdict,
    words,
    written,
)
from generator.policy.terraformnetwork import Opening, openings
from generator.policy.terraformrights import Statement, statements


def identities(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether the ServiceAccount of a pod identity association is in the manifests of its namespace."""
    accounts: dict[str, set[str]] = {}
    for account in of_kind(documents, "ServiceAccount"):
        accounts.setdefault(account.lives_in, set()).add(account.name)
    for document in resources(documents, "aws_eks_pod_identity_association"):
        namespace, node = known(document.root.get("namespace")), document.root.get("service_account")
        name = known(node)
        if not namespace or not name or not ({namespace, ""} & set(accounts)):
            continue  # manifests of that namespace are elsewhere
        holds = name in accounts.get(namespace, ()) or name in accounts.get("", ())
        yield verdict(document, holds, f'"{namespace}/{name}"', node, ("service_account",))


_SERVICES = {
    "aws_sqs_queue": "sqs",
    "aws_s3_bucket": "s3",
    "aws_sns_topic": "sns",
    "aws_dynamodb_table": "dynamodb",
    "aws_kinesis_stream": "kinesis",
}


def uses(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether a role allows anything of the service behind a resource that its task or its pods are told of."""
    rights = Rights(documents)
    for document in resources(documents, "aws_ecs_task_definition"):
        named = {
            (_SERVICES[target.kind], bare(target)): node
            for node in _variables(document)
            for target in rights.roots.of(document, node, *_SERVICES)
        }
        role = document.root.get("task_role_arn")
        allowed = None if not named else frozenset() if absent(role) else rights.allowed(document, role)
        for (service, address), node in named.items() if allowed is not None else ():
            yield verdict(document, _allows(allowed or frozenset(), service), address, node)
    yield from _pod_uses(documents, rights)


def _allows(actions: frozenset[str], service: str) -> bool:
    return any(action == "*" or action.partition(":")[0] == service for action in actions)


def _pod_uses(documents: Sequence[Document], rights: Rights) -> Iterator[Found]:
    """Pods that read the connection secret of a resource, against the role of their ServiceAccount."""
    told = _connections(documents, rights.roots)
    if not told:
        return
    synchronised: dict[str, dict[str, str]] = {}
    for secret in of_kind(documents, "ExternalSecret"):
        name = word_of(secret.root.get("spec", "target", "name")) or secret.name
        for entry in secret.root.listed("spec", "data"):
            synchronised.setdefault(name, {}).update(told.get(word_of(entry.get("remoteRef", "key")), {}))
    for association in resources(documents, "aws_eks_pod_identity_association"):
        allowed = rights.allowed(association, association.root.get("role_arn"))
        account = (known(association.root.get("namespace")), known(association.root.get("service_account")))
        for document, pod in workloads(documents) if allowed is not None else ():
            if (document.lives_in, word_of(pod.get("serviceAccountName"))) != account:
                continue
            for name, node in _secrets_read(pod):
                for service, address in synchronised.get(name, {}).items():
                    yield Found(_allows(allowed or frozenset(), service), address, node.at, document)


def _content(version: Document) -> Node | None:
    """What a secret holds, by whichever of the two arguments has it."""
    own = [version.root.get(name) for name in ("secret_string_wo", "secret_string")]
    return next((node for node in own if not absent(node)), None)


def _connections(documents: Sequence[Document], roots: Roots) -> dict[str, dict[str, str]]:
    """Secret names with the services and addresses of the resources they tell of."""
    found: dict[str, dict[str, str]] = {}
    for version in resources(documents, "aws_secretsmanager_secret_version"):
        content = _content(version)
        about = next((part for key in ("arn", "url") if content and (part := content.get(key)) is not None), content)
        for secret in roots.of(version, version.root.get("secret_id"), "aws_secretsmanager_secret"):
            for target in roots.of(version, about, *_SERVICES):
                name = known(secret.root.get("name"))
                if name:
                    held = found.setdefault(name, {})
                    # of several with one secret, the copies in other regions come last by name
                    held[_SERVICES[target.kind]] = min(held.get(_SERVICES[target.kind], "~"), bare(target))
    return found


def _secrets_read(pod: Node) -> Iterator[tuple[str, Node]]:
    """The names of the secrets that pods read, each once."""
    seen: set[str] = set()
    for node in pod.walk():
        for key, child in node.items():
            name = child.get("secretName" if key == "secret" else "name")
            if key in ("secretKeyRef", "secretRef", "secret") and name is not None and word_of(name) not in seen:
                seen.add(word_of(name))
                yield word_of(name), name


def _variables(document: Document) -> Iterator[Node]:
    node = document.root.get("container_definitions")
    if node is None or not isinstance(node.value, tuple):
        return
    for container in node.elements():
        for variable in container.listed("environment"):
            value = variable.get("value")
            if value is not None:
                yield value


class Rights:
    """What roles allow, as far as all of their policies are in the files."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.roots = Roots(documents)
        self._statements: dict[int, list[Statement]] = {}
        for statement in statements(documents):
            self._statements.setdefault(id(statement.document), []).append(statement)

    def allowed(self, document: Document, node: Node | None) -> frozenset[str] | None:
        """The actions that the role a node refers to allows, or None when they are not all told."""
        if self.roots.opaque:
            return None
        roles = self.roots.of(document, node, "aws_iam_role")
        if len(roles) != 1:
            return None
        role = roles[0]
        inline = role.root.get("inline_policy")
        if not absent(role.root.get("managed_policy_arns")) or (inline is not None and not _is_empty(inline)):
            return None
        found: set[str] = set()
        for holder in self.roots.beside(role, *_HOLDERS):
            whose = holder.root.get("role") or holder.root.get("roles")
            if not self._is_of(role, holder, whose):
                if whose is None or any(part.layer == "unknown" for part in whose.walk()):
                    return None
                continue
            actions = self._actions(holder)
            if actions is None:
                return None
            found |= actions
        return frozenset(found)

    def _is_of(self, role: Document, holder: Document, whose: Node | None) -> bool:
        name = known(role.root.get("name"))
        return role in self.roots.of(holder, whose, "aws_iam_role") or (bool(name) and name in (words(whose) or ()))

    def _actions(self, holder: Document) -> set[str] | None:
        """The allowed actions of what a resource attaches to a role."""
        if holder.kind != "aws_iam_role_policy_attachment":
            return self._policy(holder) if holder.kind == "aws_iam_role_policy" else None
        policies = self.roots.of(holder, holder.root.get("policy_arn"), "aws_iam_policy")
        return self._policy(policies[0]) if len(policies) == 1 else None

    def _policy(self, holder: Document) -> set[str] | None:
        """The allowed actions of one policy, through the policy document it refers to."""
        node = holder.root.get("policy")
        source = holder
        if node is None:
            return None
        if node.layer in UNKNOWN:
            sources = self.roots.of(holder, node, "data.aws_iam_policy_document")
            if len(sources) != 1 or node.note.count("${") != 1:
                return None
            source = sources[0]
            merged = [source.root.get(name) for name in ("source_policy_documents", "override_policy_documents")]
            statement = source.root.get("statement")
            if statement is None or statement.layer in UNKNOWN or any(not absent(item) for item in merged):
                return None
        elif not isinstance(node.value, dict):
            return None
        found: set[str] = set()
        for told in self._statements.get(id(source), ()):
            actions = words(told.actions)
            if not actions or told.effect is None or not told.certain:
                return None
            found |= set(actions) if told.effect == "Allow" else set()
        return found or None


_HOLDERS = (
    *("aws_iam_role_policy", "aws_iam_role_policy_attachment", "aws_iam_policy_attachment"),
    *("aws_iam_role_policy_attachments_exclusive", "aws_iam_role_policies_exclusive"),
)


def _is_empty(node: Node) -> bool:
    return node.layer not in UNKNOWN and not node.value


def target_ports(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether the port a load balancer sends to is one of the container, and of the tasks' security groups."""
    roots = Roots(documents)
    every = list(openings(documents))
    for document in resources(documents, "aws_ecs_service"):
        tasks = roots.of(document, document.root.get("task_definition"), "aws_ecs_task_definition")
        blocks = document.root.get("load_balancer")
        for index, block in enumerate(blocks.elements() if blocks is not None else ()):
            port, node = number(reach(block, "container_port")), reach(block, "container_port")
            if port is None or len(tasks) != 1:
                continue
            trail = ("load_balancer", index, "container_port")
            container = known(reach(block, "container_name"))
            ports = _ports(tasks[0], container)
            if ports is not None and port not in ports:
                listed = ", ".join(f"{item:g}" for item in sorted(ports)) or "none"
                shown = f'the load balancer sends to port {port:g}, and container "{container}" has {listed}'
                yield verdict(document, False, shown, node, trail)
                continue
            opened = _opened(document, roots, every, int(port))
            if opened or (opened is False and not roots.opaque):
                shown = f"the load balancer sends to port {port:g}, which no security group of the tasks lets in"
                yield verdict(document, opened, shown, node, trail)
            elif opened is None and ports is not None:
                yield verdict(document, True, f"port {port:g}", node, trail)


def _ports(task: Document, container: str | None) -> set[float] | None:
    node = task.root.get("container_definitions")
    if node is None or not isinstance(node.value, tuple) or not container:
        return None
    for item in node.elements():
        name = known(item.get("name"))
        if name is None:
            return None
        if name == container:
            mappings = item.get("portMappings")
            if mappings is None or is_unknown(mappings):
                return set() if mappings is None else None
            return {found for part in mappings.elements() if (found := number(part.get("containerPort"))) is not None}
    return set()


def _opened(document: Document, roots: Roots, every: Sequence[Opening], port: int) -> bool | None:
    """Whether a group of the service lets a port in; None when a group or a rule is not told."""
    node = reach(document.root, "network_configuration", 0, "security_groups")
    groups = roots.of(document, node, "aws_security_group")
    if node is None or len(groups) != len(list(node.elements())) or not groups:
        return None
    answers: list[bool | None] = []
    for opening in every:
        if opening.direction != "ingress" or opening.document.configuration != document.configuration:
            continue
        if opening.group is not None and opening.group.layer == "unknown":
            return None
        owners = {bare(group) for group in groups}
        mine = opening.document in groups if opening.group is None else bool(owners & references(opening.group))
        if mine:
            answers.append(opening.covers("tcp", port))
    if any((group.root.get("ingress") or group.root).layer in UNKNOWN for group in groups):
        return None
    return True if True in answers else None if None in answers or not answers else False


def health_paths(documents: Sequence[Document]) -> Iterator[Found]:
    """The path at which a load balancer asks for health, told of the task behind the target group."""
    roots = Roots(documents)
    for document in resources(documents, "aws_ecs_service"):
        tasks = roots.of(document, document.root.get("task_definition"), "aws_ecs_task_definition")
        blocks = document.root.get("load_balancer")
        for block in blocks.elements() if blocks is not None else ():
            for group in roots.of(document, reach(block, "target_group_arn"), "aws_lb_target_group"):
                node = reach(group.root, "health_check", 0, "path")
                path = known(node)
                if path and len(tasks) == 1 and node is not None:
                    yield Found(path, path, node.at, tasks[0], ("health_check", 0, "path"))


def secret_keys(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether a key of a Secrets Manager secret that pods or tasks read is written by the same environment."""
    roots = Roots(documents)
    keys: dict[str, set[str]] = {}
    for version in resources(documents, "aws_secretsmanager_secret_version"):
        content = _content(version)
        for secret in roots.of(version, version.root.get("secret_id"), "aws_secretsmanager_secret"):
            told = set(content.value) if content is not None and isinstance(content.value, dict) else {"*"}
            keys.setdefault(f"{secret.configuration}:{bare(secret)}", set()).update(told)
    names = {
        name: keys.get(f"{secret.configuration}:{bare(secret)}", {"*"})
        for secret in resources(documents, "aws_secretsmanager_secret")
        if (name := known(secret.root.get("name")))
    }
    yield from _read_by_pods(documents, names)
    yield from _read_by_tasks(documents, roots, keys)


def _read_by_pods(documents: Sequence[Document], names: dict[str, set[str]]) -> Iterator[Found]:
    for document in of_kind(documents, "ExternalSecret"):
        for index, entry in enumerate(document.root.listed("spec", "data")):
            reference, node = entry.get("remoteRef"), entry.get("remoteRef", "property")
            name = word_of(reference.get("key")) if reference is not None else ""
            if name not in names or node is None or "*" in names[name]:
                continue
            key = word_of(node)
            shown = f'"{key}" is no key of secret "{name}", which has {", ".join(sorted(names[name]))}'
            holds = key.partition(".")[0] in names[name] or key in names[name]
            yield Found(holds, shown, node.at, document, ("spec", "data", index, "remoteRef", "property"))


_VALUE_FROM = re.compile(r"\$\{[^}]*\.(?:arn|id|secret_arn)\}:(?P<key>[^:${}]+)(?::[^:]*){0,2}")


def _read_by_tasks(documents: Sequence[Document], roots: Roots, keys: dict[str, set[str]]) -> Iterator[Found]:
    for document in resources(documents, "aws_ecs_task_definition"):
        containers = document.root.get("container_definitions")
        for index, container in enumerate(containers.elements() if containers is not None else ()):
            for place, entry in enumerate(container.listed("secrets")):
                node = entry.get("valueFrom")
                match = _VALUE_FROM.fullmatch(written(node)) if node is not None else None
                secrets = roots.of(document, node, "aws_secretsmanager_secret")
                if match is None or len(secrets) != 1:
                    continue
                told = keys.get(f"{secrets[0].configuration}:{bare(secrets[0])}", {"*"})
                if "*" in told:
                    continue
                name = known(secrets[0].root.get("name")) or secrets[0].name
                shown = f'"{match["key"]}" is no key of secret "{name}", which has {", ".join(sorted(told))}'
                trail = ("container_definitions", index, "secrets", place)
                yield verdict(document, match["key"] in told, shown, node, trail)


def backups(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether a vault allows what a plan keeps, and whether a copy is kept as long as the vault asks."""
    roots = Roots(documents)
    locks: dict[tuple[str, str], tuple[float, float]] = {}
    for lock in resources(documents, "aws_backup_vault_lock_configuration"):
        least = number(lock.root.get("min_retention_days")) or 0
        most = number(lock.root.get("max_retention_days")) or float("inf")
        for vault in roots.of(lock, lock.root.get("backup_vault_name"), "aws_backup_vault"):
            locks[vault.configuration, bare(vault)] = (least, most)
    for plan in resources(documents, "aws_backup_plan"):
        rules = plan.root.get("rule")
        for index, rule in enumerate(rules.elements() if rules is not None else ()):
            parts: list[tuple[Node, Node | None, Trail]] = [(rule, reach(rule, "target_vault_name"), ("rule", index))]
            copies = rule.get("copy_action")
            for place, copy in enumerate(copies.elements() if copies is not None else ()):
                parts.append((copy, reach(copy, "destination_vault_arn"), ("rule", index, "copy_action", place)))
            for part, where, trail in parts:
                node = reach(part, "lifecycle", 0, "delete_after")
                days = number(node)
                for vault in roots.of(plan, where, "aws_backup_vault"):
                    bounds = locks.get((vault.configuration, bare(vault)))
                    if bounds is None or days is None:
                        continue
                    allowed = f"at least {bounds[0]:g}" if days < bounds[0] else f"at most {bounds[1]:g}"
                    shown = f"backups are kept for {days:g} days, and {vault.name} takes {allowed}"
                    yield verdict(plan, bounds[0] <= days <= bounds[1], shown, node, trail)


def hosts(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether a certificate of the listener, or of the distribution, names each host that is served."""
    roots = Roots(documents)
    for rule in resources(documents, "aws_lb_listener_rule", "aws_alb_listener_rule"):
        listeners = roots.of(rule, rule.root.get("listener_arn"), "aws_lb_listener", "aws_alb_listener")
        names = _certified(listeners[0], roots) if len(listeners) == 1 else None
        conditions = rule.root.get("condition")
        for index, condition in enumerate(conditions.elements() if conditions is not None else ()):
            node = reach(condition, "host_header", 0, "values")
            for host in (words(node) or ()) if names is not None else ():
                if "*" not in host and "?" not in host:
                    yield verdict(rule, _covers(names or set(), host), host, node, ("condition", index))
    for document in resources(documents, "aws_cloudfront_distribution"):
        certificate = reach(document.root, "viewer_certificate", 0, "acm_certificate_arn")
        names = _names(roots.of(document, certificate, "aws_acm_certificate"))
        node = document.root.get("aliases")
        for host in (words(node) or ()) if names is not None else ():
            yield verdict(document, _covers(names or set(), host), host, node, ("aliases",))


def _certified(listener: Document, roots: Roots) -> set[str] | None:
    """The names in all certificates of a listener, or None when one of them is not told."""
    if known(listener.root.get("protocol")) not in ("HTTPS", "TLS"):
        return None
    nodes = [listener.root.get("certificate_arn")]
    for more in roots.beside(listener, "aws_lb_listener_certificate"):
        target = more.root.get("listener_arn")
        if bare(listener) in references(target):
            nodes.append(more.root.get("certificate_arn"))
        elif target is None or target.layer == "unknown":
            return None
    found: set[str] = set()
    for node in nodes:
        validations = roots.of(listener, node, "aws_acm_certificate_validation")
        certificates = roots.of(listener, node, "aws_acm_certificate")
        for validation in validations:
            certificates += roots.of(validation, validation.root.get("certificate_arn"), "aws_acm_certificate")
        names = _names(certificates)
        if names is None:
            return None
        found |= names
    return found


def _names(certificates: Sequence[Document]) -> set[str] | None:
    if not certificates:
        return None
    found: set[str] = set()
    for certificate in certificates:
        main, others = (
            known(certificate.root.get("domain_name")),
            words(certificate.root.get("subject_alternative_names")),
        )
        if not main or others is None:
            return None
        found |= {main, *others}
    return found


def _covers(names: set[str], host: str) -> bool:
    return host in names or f"*.{host.partition('.')[2]}" in names


def log_groups(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether the group a container logs into is made, where its root makes groups and all their names are known."""
    if Roots(documents).opaque:
        return
    made: dict[str, list[str | None]] = {}
    for group in resources(documents, "aws_cloudwatch_log_group"):
        made.setdefault(group.configuration, []).append(known(group.root.get("name")))
    for document in resources(documents, "aws_ecs_task_definition"):
        names = made.get(document.configuration)
        containers = document.root.get("container_definitions")
        for index, container in enumerate(containers.elements() if containers is not None else ()):
            options = reach(container, "logConfiguration", "options")
            node = reach(options, "awslogs-group") if options is not None else None
            name = known(node)
            if not name or not names or None in names or options is None:
                continue
            if known(reach(container, "logConfiguration", "logDriver")) != "awslogs":
                continue
            if flag(reach(options, "awslogs-create-group"), False) is False:
                trail = ("container_definitions", index, "logConfiguration", "options", "awslogs-group")
                yield verdict(document, name in names, f'"{name}"', node, trail)
