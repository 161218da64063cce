"""Derived facts about pipelines of GitHub Actions and GitLab CI.

Each is a verdict on one place, with what was seen there. A question is asked only where the file itself can answer it:
what a called workflow, an included file or the forge's settings add is not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

from generator.document import Node
from generator.monitoring.cron import longest_gap
from generator.policy.documents import Document
from generator.policy.found import Derive, Found, elements, items, text, whole
from generator.policy.workflowjobs import ACTION, GITHUB, GITLAB, Job, above, jobs, strings, triggers, workflows
from generator.quantity import seconds

_Judged: TypeAlias = Iterator[tuple[bool, str, Node, Document]]
"""Verdict, what was looked at, where, in which document."""

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
_STRANGERS = re.compile(
    r"\bgithub\.(?:head_ref\b|event\."
    r"(?:issue|pull_request|discussion|comment|review|review_comment|head_commit|commits|workflow_run|pages)\b"
    r"(?:\.(?!base\b)[\w*-]+|\[[^\]]*\])*?\.(?:title|body|message|name|email|ref|head_branch|page_name|default_branch)"
    r"(?![\w.]))"
)
_INPUT = re.compile(r"\b(?:github\.event\.)?inputs\.([\w-]+)")
_BOUNDED = frozenset({"boolean", "number", "choice", "environment"})
_SECRET = re.compile(r"\$\{\{[^}]*\bsecrets\.(?!GITHUB_TOKEN\b)[\w-]+[^}]*\}\}")
_CLOUD_KEYS = re.compile(
    r"(?i)\bsecrets\.[\w-]*(?:AWS_SECRET_ACCESS_KEY|AWS_ACCESS_KEY(?:_ID)?|AZURE_CLIENT_SECRET|AZURE_CREDENTIALS"
    r"|ARM_CLIENT_SECRET|GCP_(?:SA_KEY|CREDENTIALS)|GCP_SERVICE_ACCOUNT_KEY|GOOGLE_(?:APPLICATION_)?CREDENTIALS)"
)
_GITLAB_KEYS = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "ARM_CLIENT_SECRET", "GOOGLE_CREDENTIALS"})
_DEPRECATED = re.compile(r"::(?:set-output|save-state|set-env|add-path)\b")
_PIPED = re.compile(r"\b(?:curl|wget)\b[^\n|;&]*\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b|(?:ba|z)?sh\s+<\(\s*(?:curl|wget)\b")
_PLAN = re.compile(
    r"(?i)(?:^|[/\s*._-])(?:tfplan|terraform\.tfstate|plan\.(?:json|out|tfplan|cache|bin))\S*|\.tfplan\b"
)
_COVERED = re.compile(r"(?i)\.(?:sealed|enc|gpg|age|asc|sops)\b|redacted")
_GATES = re.compile(
    r"\b(?:groundplan\s+(?:check|lint|validate)|checkov|tflint|tfsec|trivy|grype|semgrep|hadolint|gitleaks|conftest"
    r"|pytest|npm\s+(?:run\s+)?test|npm\s+audit|go\s+test|mvn\s+\S*\s*(?:test|verify)|cargo\s+(?:test|audit))\b"
)
_BY_TAG = re.compile(r"\bkubectl\b[^\n]*\bset\s+image\b[^\n]*=\s*[\"']?(?P<image>[^\s\"']+)")
_HELM_TAG = re.compile(r"\bhelm\b[^\n]*--set(?:-string)?[ =][\"']?[\w.]*image\.tag=(?P<tag>[^\s\"']+)")
_SIGNS = re.compile(r"\bcosign(?:\b|@|:)(?:\\\n|[^\n])*?\bsign\b")
_VERIFIES = re.compile(r"\bcosign(?:\b|@|:)(?:\\\n|[^\n])*?\bverify(?:-attestation)?\b|gh\s+attestation\s+verify")
_PUBLIC = frozenset({"pull_request", "pull_request_target", "issue_comment", "workflow_run"})
_HEAD = re.compile(r"github\.event\.pull_request\.head|github\.head_ref|refs/pull/|github\.event\.workflow_run\.head")
_MARKS = re.compile(r"\$\{\{\s*|\s*\}\}")
_DAYS_MOST = 90


def _derived(judge: Callable[[Sequence[Document]], _Judged]) -> Derive:
    def derive(documents: Sequence[Document]) -> Iterator[Found]:
        for holds, shown, node, document in judge(documents):
            at = node.key_at if isinstance(node.value, dict) and node.key_at else node.at
            yield Found(holds, _MARKS.sub("", shown), at, document)

    return derive


# What is run


def _pinned(documents: Sequence[Document]) -> _Judged:
    for job in jobs(documents, GITHUB, ACTION):
        called = job.node.get("uses")
        used = [*((name, node) for name, _, node in job.uses()), *(((text(called), called),) if called else ())]
        for name, node in used:
            if name.startswith("docker://"):
                yield "@sha256:" in name, name, node, job.document
            elif not name.startswith("./"):
                yield bool(_COMMIT.fullmatch(name.rpartition("@")[2])), name, node, job.document


def _images(documents: Sequence[Document]) -> _Judged:
    for document in documents:
        if document.format not in (GITHUB, GITLAB):
            continue
        places = [document.root.get("default") or document.root, document.root] if document.format == GITLAB else []
        for place in [*places, *(job.node for job in jobs([document]))]:
            for node in _image_nodes(place):
                name = text(node.get("name")) or text(node)
                if name and "$" not in name.rpartition("/")[2]:
                    yield _stays(name), name, node, document


def _image_nodes(place: Node) -> Iterator[Node]:
    for key in ("image", "container"):
        node = place.get(key)
        if node is not None:
            yield node.get("image") or node
    yield from elements(place, "services")
    for _, service in items(place, "services"):
        yield service.get("image") or service


def _stays(image: str) -> bool:
    if "@sha256:" in image:
        return True
    tag = image.rpartition("/")[2].partition(":")[2]
    return bool(tag) and tag != "latest" and not tag.startswith(("latest-", "nightly", "edge"))


def _piped(documents: Sequence[Document]) -> _Judged:
    yield from _shell(documents, _PIPED.search)


def _old_commands(documents: Sequence[Document]) -> _Judged:
    yield from _shell(documents, _DEPRECATED.search, GITHUB, ACTION)


def _untrusted(documents: Sequence[Document]) -> _Judged:
    yield from _shell(documents, partial(_expressed, _STRANGERS), GITHUB, ACTION)


def _expressed(pattern: re.Pattern[str], script: str) -> re.Match[str] | None:
    """The pattern within an expression of the forge."""
    for found in _EXPRESSION.finditer(script):
        if match := pattern.search(found[0]):
            return match
    return None


def _inputs(documents: Sequence[Document]) -> _Judged:
    """Inputs that may be any text; those of a bounded type hold nothing but themselves."""
    for job in jobs(documents, GITHUB, ACTION):
        kinds = dict(_kinds(job.document))
        for node in job.scripts():
            expressions = (match[0] for match in _EXPRESSION.finditer(text(node)))
            names = [match for expression in expressions for match in _INPUT.finditer(expression)]
            free = next((match[0] for match in names if kinds.get(match[1]) not in _BOUNDED), None)
            yield free is None, free or job.name, node, job.document


def _kinds(document: Document) -> Iterator[tuple[str, str]]:
    started = triggers(document) if document.format == GITHUB else {}
    for place in (
        document.root,
        *(started[name] for name in ("workflow_dispatch", "workflow_call") if name in started),
    ):
        for name, given in items(place, "inputs"):
            yield name, text(given.get("type"), "string")


def _secrets_in_scripts(documents: Sequence[Document]) -> _Judged:
    yield from _shell(documents, _SECRET.search, GITHUB, ACTION)


def _shell(documents: Sequence[Document], search: Callable[[str], re.Match[str] | None], *formats: str) -> _Judged:
    """Every script, and what is wrong in it."""
    for job in jobs(documents, *(formats or (GITHUB, ACTION, GITLAB))):
        for node in job.scripts():
            found = search(text(node))
            yield found is None, " ".join(found[0].split()) if found else job.name, node, job.document


# Rights


def _broad(documents: Sequence[Document]) -> _Judged:
    for document in workflows(documents):
        top = document.root.get("permissions")
        if top is not None:
            wide = [f"{name}: write" for name, right in top.items() if text(right) == "write"]
            shown = text(top) if not isinstance(top.value, dict) else ", ".join(wide) or "none"
            yield not wide and shown not in ("write-all", "read-all"), shown, top, document
        for job in jobs([document]):
            rights = job.node.get("permissions")
            if rights is not None and not isinstance(rights.value, dict):
                yield text(rights) != "write-all", text(rights), rights, document


def _stated(documents: Sequence[Document]) -> _Judged:
    for job in jobs(documents, GITHUB):
        said = job.document.root.get("permissions") or job.node.get("permissions")
        yield said is not None, job.name, job.node, job.document


def _persisted(documents: Sequence[Document]) -> _Judged:
    for job in jobs(documents, GITHUB, ACTION):
        for name, step, node in job.uses():
            if name.startswith("actions/checkout@"):
                yield text(step.get("with", "persist-credentials")) == "false", name, node, job.document


def _cloud_keys(documents: Sequence[Document]) -> _Judged:
    for document in documents:
        if document.format == GITLAB:
            for place in (document.root, *(job.node for job in jobs([document]))):
                for name, node in items(place, "variables"):
                    if name in _GITLAB_KEYS:
                        yield False, name, node, document
        elif document.format in (GITHUB, ACTION):
            for job in jobs([document], document.format):
                bad = next((node for node in strings(job.node) if _CLOUD_KEYS.search(text(node))), None)
                found = _CLOUD_KEYS.search(text(bad)) if bad else None
                yield found is None, found[0] if found else job.name, bad or job.node, document


def _inherited(documents: Sequence[Document]) -> _Judged:
    for job in jobs(documents, GITHUB):
        given = job.node.get("secrets")
        if job.node.get("uses") is not None and given is not None:
            yield text(given) != "inherit", job.name, given, job.document


def _heads(documents: Sequence[Document]) -> _Judged:
    for document in workflows(documents):
        if not {"pull_request_target", "workflow_run"} & set(triggers(document)):
            continue
        for job in jobs([document]):
            for name, step, node in job.uses():
                if name.startswith("actions/checkout@"):
                    ref = " ".join(text(step.get("with", key)) for key in ("ref", "repository"))
                    yield not _HEAD.search(ref), ref.strip() or "the base", step.get("with", "ref") or node, document


def _runners(documents: Sequence[Document]) -> _Judged:
    for document in workflows(documents):
        if not _PUBLIC & set(triggers(document)):
            continue
        for job in jobs([document]):
            runs = job.node.get("runs-on")
            if runs is not None:
                labels = [text(node) for node in runs.walk()]
                yield "self-hosted" not in labels, job.name, runs, document


def _caches(documents: Sequence[Document]) -> _Judged:
    """A cache that a stranger's run may fill, in a run that has rights or makes a release."""
    for document in workflows(documents):
        started = triggers(document)
        tagged = "push" in started and started["push"].get("tags") is not None
        if not ({"pull_request_target", "workflow_run", "release"} & set(started) or tagged):
            continue
        for job in jobs([document]):
            for name, step, node in job.uses():
                kept = text(step.get("with", "cache"))
                if name.startswith("actions/cache") or (name.startswith("actions/setup-") and kept):
                    yield kept in ("false", "none") and not name.startswith("actions/cache"), name, node, document


# Time and turns


def _timeouts(documents: Sequence[Document]) -> _Judged:
    for job in jobs(documents, GITHUB):
        if job.node.get("uses") is None:
            yield job.node.get("timeout-minutes") is not None, job.name, job.node, job.document


def _turns(documents: Sequence[Document]) -> _Judged:
    for job in jobs(documents):
        if job.changes_infrastructure or job.deploys:
            own = job.node.get("concurrency") or job.node.get("resource_group")
            turn = own or (job.document.root.get("concurrency") if job.github else None)
            yield turn is not None, job.name, job.node, job.document


def _cancelled(documents: Sequence[Document]) -> _Judged:
    for job in jobs(documents):
        if not (job.changes_infrastructure or job.deploys):
            continue
        if job.github:
            places = (job.node.get("concurrency"), job.document.root.get("concurrency"))
            flags = [node for place in places if place and (node := place.get("cancel-in-progress"))]
        else:
            flags = [node for node in (job.node.get("interruptible"),) if node]
        bad = next((node for node in flags if text(node) != "false"), None)
        yield bad is None, job.name, bad or job.node, job.document


def _hours(documents: Sequence[Document]) -> _Judged:
    for document in workflows(documents):
        for item in elements(triggers(document).get("schedule")):
            cron = item.get("cron")
            if cron is not None and len(text(cron).split()) == 5:
                yield text(cron).split()[0] not in ("0", "*"), text(cron), cron, document


def _days(documents: Sequence[Document]) -> _Judged:
    for job in jobs(documents, GITHUB, ACTION, GITLAB):
        for name, step, _ in job.uses():
            days = step.get("with", "retention-days")
            if name.startswith("actions/upload-artifact@") and (number := whole(days)) is not None and days:
                yield number <= _DAYS_MOST, f"{number} days", days, job.document
        gone = job.node.get("artifacts", "expire_in")
        if not job.github and job.node.get("artifacts", "paths") is not None:
            shown = text(gone) or "the default of the server"
            yield bool(gone) and shown != "never", shown, gone or job.node, job.document


# Terraform


def _approved(documents: Sequence[Document]) -> _Judged:
    for job in jobs(documents):
        if job.changes_infrastructure:
            waits = job.node.get("environment")
            if not job.github and waits is None:
                rules = [*elements(job.node, "rules"), job.node]
                waits = next((rule for rule in rules if text(rule.get("when")) == "manual"), None)
            yield waits is not None, job.name, job.node, job.document


def _saved(documents: Sequence[Document]) -> _Judged:
    for job in jobs(documents):
        for command, node in job.applies():
            words = command.split()
            rest = [word for word in words[words.index("apply") + 1 :] if not word.startswith("-")]
            named = bool(rest) and rest[0] not in ("|", "||", "&&", ";", ">", "2>&1")
            yield named and "-auto-approve" not in words, command, node, job.document


def _covered(documents: Sequence[Document]) -> _Judged:
    for job in jobs(documents, GITHUB, ACTION, GITLAB):
        for name, step, node in job.uses():
            if name.startswith("actions/upload-artifact@"):
                paths = text(step.get("with", "path")).split()
                bad = [path for path in paths if _PLAN.search(path) and not _COVERED.search(path)]
                yield not bad, ", ".join(bad or paths), step.get("with", "path") or node, job.document
        listed = job.node.get("artifacts", "paths") if not job.github else None
        if listed is not None:
            closed = text(job.node.get("artifacts", "access")) in ("none", "maintainer")
            names = [text(path) for path in listed.elements()]
            bad = [path for path in names if _PLAN.search(path) and not _COVERED.search(path)]
            yield closed or not bad, ", ".join(bad or names), listed, job.document


# Gates and releases


def _gates(documents: Sequence[Document]) -> _Judged:
    for job in jobs(documents):
        if job.github:
            for step in job.steps:
                if _GATES.search(text(step.get("run"))):
                    free = step.get("continue-on-error") or job.node.get("continue-on-error")
                    yield text(free, "false") == "false", text(step.get("name"), job.name), free or step, job.document
        elif _GATES.search(job.shell):
            free = job.node.get("allow_failure")
            yield free is None or text(free) == "false", job.name, free or job.node, job.document


def _conditions(documents: Sequence[Document]) -> _Judged:
    for job in jobs(documents, GITHUB, ACTION):
        for place in (job.node, *job.steps):
            node = place.get("if")
            said = text(node)
            if node is not None and "${{" in said:
                whole_expression = re.fullmatch(r"\$\{\{.*\}\}", said, re.DOTALL) and said.count("${{") == 1
                yield bool(whole_expression), " ".join(said.split()), node, job.document
            elif node is not None:
                yield True, " ".join(said.split()), node, job.document


def _digests(documents: Sequence[Document]) -> _Judged:
    for job in jobs(documents):
        for node in job.scripts():
            script = text(node)
            for found in _BY_TAG.finditer(script):
                image = found["image"]
                yield "@" in image or "digest" in image.lower(), image, node, job.document
            for found in _HELM_TAG.finditer(script):
                yield "sha256:" in found["tag"], f"image.tag={found['tag']}", node, job.document


def _verified(documents: Sequence[Document]) -> _Judged:
    """A deploy has a verification before it, once the pipelines sign."""
    every = tuple(jobs(documents))
    if not any(_SIGNS.search(job.shell) for job in every):
        return
    for job in every:
        if job.deploys:
            earlier = (job, *above(job, documents))
            yield any(_VERIFIES.search(one.shell) for one in earlier), job.name, job.node, job.document


_PUSHES = re.compile(
    r"\bdocker\s+(?:image\s+)?push\b|\bbuildx\s+(?:build|bake)\b[^\n]*(?:--push|push=true|type=registry)"
    r"|\b(?:ko|jib|buildah\s+push|podman\s+push|kaniko/executor)\b"
)
_SCANS = re.compile(
    r"\b(?:trivy|grype|snyk|docker\s+scout|anchore|clair(?:ctl)?|twistcli|osv-scanner)\b", re.IGNORECASE
)


def _scanned(documents: Sequence[Document]) -> _Judged:
    """A file whose jobs push an image has one that looks for its vulnerabilities."""
    by_file: dict[str, list[Job]] = {}
    for job in jobs(documents):
        by_file.setdefault(job.document.file, []).append(job)
    for own in by_file.values():
        scans = any(_SCANS.search(job.shell) or any(_SCANS.search(used) for used, _, _ in job.uses()) for job in own)
        for job in own:
            built = any("build-push-action" in used and text(step.get("with", "push")) for used, step, _ in job.uses())
            if built or _PUSHES.search(job.shell):
                yield scans, job.name, job.node, job.document


def _drift(documents: Sequence[Document]) -> _Judged:
    for promise in (document for document in documents if document.format == "groundplan"):
        asked = promise.root.word("delivery", "drift", "every")
        if not asked:
            continue
        for document in workflows(documents):
            looks = any("-refresh-only" in job.shell or "groundplan drift" in job.shell for job in jobs([document]))
            for item in elements(triggers(document).get("schedule")) if looks else ():
                cron = item.get("cron")
                try:
                    late = longest_gap(text(cron)) > seconds(asked)
                except ValueError:
                    continue  # neither schedule nor span: somebody else's finding
                if cron is not None:
                    yield not late, f'"{text(cron)}" for {asked}', cron, document


# GitLab


def _includes(documents: Sequence[Document]) -> _Judged:
    for document in documents:
        include = document.root.get("include") if document.format == GITLAB else None
        if include is None:
            continue
        for node in include.elements() if isinstance(include.value, tuple) else (include,):
            yield *_included(node), node, document


def _included(node: Node) -> tuple[bool, str]:
    """Whether an include always brings the same text, and what it names."""
    if project := text(node.get("project")):
        return bool(_COMMIT.fullmatch(text(node.get("ref")))), f"{project}@{text(node.get('ref'), 'HEAD')}"
    if component := text(node.get("component")):
        version = component.rpartition("@")[2]
        return bool(_COMMIT.fullmatch(version) or re.fullmatch(r"v?\d+\.\d+\.\d+", version)), component
    remote = text(node.get("remote")) or (text(node) if text(node).startswith("http") else "")
    if remote:
        return node.get("integrity") is not None, remote
    return True, text(node.get("local")) or text(node.get("template")) or text(node)


def _ruled(documents: Sequence[Document]) -> _Judged:
    for job in jobs(documents, GITLAB):
        if job.changes_infrastructure or job.deploys:
            bounds = [job.node.get(key) for key in ("rules", "only", "extends")]
            yield any(bounds), job.name, job.node, job.document


_JUDGES: dict[str, Callable[[Sequence[Document]], _Judged]] = {
    "approved-applies": _approved,
    "cached": _caches,
    "cloud-keys": _cloud_keys,
    "conditions": _conditions,
    "container-images": _images,
    "covered-plans": _covered,
    "deployed-digests": _digests,
    "drift-schedules": _drift,
    "full-hours": _hours,
    "gates": _gates,
    "head-checkouts": _heads,
    "includes": _includes,
    "inherited-secrets": _inherited,
    "kept-days": _days,
    "script-inputs": _inputs,
    "old-commands": _old_commands,
    "persisted-credentials": _persisted,
    "pinned-actions": _pinned,
    "piped-installers": _piped,
    "rights-broad": _broad,
    "rights-stated": _stated,
    "ruled-deploys": _ruled,
    "runners": _runners,
    "saved-plans": _saved,
    "scanned-images": _scanned,
    "script-secrets": _secrets_in_scripts,
    "timeouts": _timeouts,
    "turns": _turns,
    "uncancelled": _cancelled,
    "untrusted-input": _untrusted,
    "verified-deploys": _verified,
}

DERIVED: dict[str, Derive] = {f"workflow-{name}": _derived(judge) for name, judge in _JUDGES.items()}
