"""Jobs of pipelines in one shape, whatever the forge: what they run, when, and with which rights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from generator.document import Node
from generator.policy.documents import Document
from generator.policy.found import elements, text

GITHUB, ACTION, GITLAB = "github-workflow", "github-action", "gitlab-ci"

_NOT_JOBS = frozenset(
    [
        *("default", "include", "stages", "variables", "workflow", "image", "services", "cache", "pages-template"),
        *("before_script", "after_script", "spec", "types"),
    ]
)
_APPLIES = re.compile(r"\b(?:terraform|tofu|terragrunt)\b(?:\s+-chdir=\S+)?\s+apply\b(?:\\\n|[^\n])*")
_DEPLOYS = re.compile(
    r"\bkubectl\b[^\n|]*\s(?:apply|set\s+image|rollout\s+restart)\b|\bhelm\b[^\n|]*\s(?:upgrade|install)\b"
    r"|\baws\s+ecs\s+update-service\b|\bgcloud\s+run\s+deploy\b|\bargocd\s+app\s+(?:sync|set)\b"
)


@dataclass(frozen=True, slots=True)
class Job:
    """A job with the document it stands in; `node` is its mapping."""

    document: Document
    name: str
    node: Node

    @property
    def github(self) -> bool:
        return self.document.format != GITLAB

    @property
    def steps(self) -> tuple[Node, ...]:
        """The steps of a GitHub job or composite action; none on GitLab."""
        return self.node.listed("steps") if self.github else ()

    def scripts(self) -> Iterator[Node]:
        """Every piece of shell."""
        for step in self.steps:
            if (run := step.get("run")) is not None:
                yield run
        if not self.github:
            for key in ("before_script", "script", "after_script"):
                node = self.node.get(key)
                if node is not None and isinstance(node.value, str):
                    yield node
                for line in elements(node):
                    if isinstance(line.value, str):
                        yield line

    def uses(self) -> Iterator[tuple[str, Node, Node]]:
        """What its steps use: reference, the step, and the place of the reference."""
        for step in self.steps:
            if (used := step.get("uses")) is not None and text(used):
                yield text(used), step, used

    @property
    def shell(self) -> str:
        return "\n".join(text(node) for node in self.scripts())

    def applies(self) -> Iterator[tuple[str, Node]]:
        """Each `terraform apply` with its place."""
        for node in self.scripts():
            for found in _APPLIES.finditer(text(node)):
                yield " ".join(found[0].replace("\\\n", " ").split()), node

    @property
    def changes_infrastructure(self) -> bool:
        return any(True for _ in self.applies())

    @property
    def deploys(self) -> bool:
        """Whether it brings images to where they run."""
        return bool(_DEPLOYS.search(self.shell))

    def needs(self) -> frozenset[str]:
        """The jobs it waits for, by name."""
        node = self.node.get("needs")
        if node is None:
            return frozenset()
        one = [text(node)] if isinstance(node.value, str) else []
        return frozenset([*one, *(text(item.get("job")) or text(item) for item in node.elements())])


def jobs(documents: Sequence[Document], *formats: str) -> Iterator[Job]:
    """The jobs of all documents of some formats (of pipelines when none is named), in file order."""
    wanted = formats or (GITHUB, GITLAB)
    for document in documents:
        if document.format not in wanted:
            continue
        if document.format == GITHUB:
            for name, node in document.root.entries("jobs").items():
                if isinstance(node.value, dict):
                    yield Job(document, name, node)
        elif document.format == ACTION:
            runs = document.root.get("runs")
            if runs is not None:
                yield Job(document, document.root.word("name"), runs)
        elif document.format == GITLAB:
            for name, node in document.root.items():
                if name not in _NOT_JOBS and not name.startswith(".") and isinstance(node.value, dict):
                    yield Job(document, name, node)


def workflows(documents: Sequence[Document]) -> Iterator[Document]:
    """The workflows of GitHub."""
    return (document for document in documents if document.format == GITHUB)


def triggers(document: Document) -> Mapping[str, Node]:
    """What starts a workflow of GitHub, in any of the three ways to write it."""
    node = document.root.get("on") or document.root.get("true")
    if node is None:
        return {}
    if isinstance(node.value, dict):
        return node.value
    if isinstance(node.value, tuple):
        return {text(item): item for item in node.value}
    return {text(node): node}


def above(job: Job, documents: Sequence[Document]) -> tuple[Job, ...]:
    """The jobs of its file that it waits for, directly or through others."""
    own = {other.name: other for other in jobs(documents) if other.document.file == job.document.file}
    found: dict[str, Job] = {}
    waiting = [*job.needs()]
    while waiting:
        name = waiting.pop()
        if name in own and name not in found:
            found[name] = own[name]
            waiting.extend(own[name].needs())
    return tuple(found.values())


def strings(node: Node) -> Iterator[Node]:
    """Every text below a node."""
    return (found for found in node.walk() if isinstance(found.value, str))
