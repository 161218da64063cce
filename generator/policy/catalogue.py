"""`rules/README.md`, made from the rules: `python -m generator.policy.catalogue` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from generator import data
from generator.policy.rule import Rule, rules

_FAMILIES = {
    "ci": "Pipelines",
    "compose": "Compose files",
    "cross": "Across artifacts",
    "docker": "Dockerfiles",
    "kubernetes": "Kubernetes objects",
    "monitoring": "Monitoring",
    "names": "Names and labels",
    "secrets": "Secrets",
    "terraform": "Terraform",
}


def markdown() -> str:
    """The whole catalogue."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    every = rules()
    yield "<!-- made by `python -m generator.policy.catalogue` from the rules below; do not edit -->"
    yield "# Rules"
    yield ""
    yield f"{len(every)} rules, one file each. Every rule runs its own examples as tests."
    yield "`groundplan explain RULE` prints one of them, by this id or by the id of another linter."
    yield "How to add one stands at the top of [facts.yaml](facts.yaml)."
    for family, members in groupby(every, key=lambda rule: rule.family):
        yield ""
        yield f"## {_FAMILIES.get(family, family.capitalize())}"
        yield ""
        yield "| rule | severity | problem | also known as |"
        yield "|--|--|--|--|"
        yield from (_row(rule) for rule in members)


def _row(rule: Rule) -> str:
    aliases = ", ".join(rule.aliases)
    return f"| [{rule.id}]({rule.id}.yaml) | {rule.severity.word} | {_cell(rule.summary)} | {aliases} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    (data.folder("rules") / "README.md").write_text(markdown(), encoding="utf-8", newline="\n")
