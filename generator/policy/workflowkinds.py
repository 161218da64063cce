"""Which pipeline notation a YAML document is: told by its keys, and by its path where keys do not tell."""

from __future__ import annotations

import posixpath
import re

from generator.document import Node

_GITLAB_NAME = re.compile(r"\.gitlab-ci\.ya?ml|.*\.gitlab-ci\.ya?ml")
_GITLAB_FOLDER = re.compile(r"(?:^|/)\.gitlab/")


def format_of(root: Node, path: str) -> str:
    """`github-workflow`, `github-action`, `gitlab-ci` or `groundplan`; "" for what is none of these."""
    if root.word("apiVersion").startswith("groundplan/"):
        return "groundplan"
    if isinstance(_value(root, "runs"), dict) and root.get("runs", "using") is not None:
        return "github-action"
    jobs = _value(root, "jobs")
    if isinstance(jobs, dict) and (root.get("on") or root.get("true") or "/workflows/" in f"/{path}"):
        return "github-workflow"
    if _is_gitlab(root, path):
        return "gitlab-ci"
    return ""


def _is_gitlab(root: Node, path: str) -> bool:
    if _GITLAB_NAME.fullmatch(posixpath.basename(path)):
        return True
    return bool(_GITLAB_FOLDER.search(path)) and any(job.get("script") is not None for _, job in root.items())


def _value(root: Node, key: str) -> object:
    node = root.get(key)
    return node.value if node is not None else None
