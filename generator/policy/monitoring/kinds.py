"""Which monitoring format a document is: told by its keys, since the names of such files are free."""

from __future__ import annotations

import re

from generator.document import Node

EMBEDDED = (
    ("PrometheusRule", ("spec",), "prometheus-rules"),
    ("OpenTelemetryCollector", ("spec", "config"), "collector"),
)
"""Objects of operators that hold such a document: kind, where, and its format."""


def format_of(root: Node) -> str:
    """`prometheus`, `prometheus-rules`, `prometheus-tests`, `alertmanager`, `grafana`, `collector` or `fluent-bit`.

    What is none of these is "", somebody else's.
    """
    if _listed(root, "scrape_configs") or (root.get("alerting") and root.get("global")):
        return "prometheus"
    if any(group.get("rules") is not None and group.get("name") is not None for group in root.listed("groups")):
        return "prometheus-rules"
    if _listed(root, "tests") and _listed(root, "rule_files"):
        return "prometheus-tests"
    if _listed(root, "receivers") and root.get("route") is not None:
        return "alertmanager"
    if _listed(root, "panels") and (root.get("schemaVersion") is not None or root.get("title") is not None):
        return "grafana"
    if root.get("service", "pipelines") is not None and root.get("receivers") is not None:
        return "collector"
    if _listed(root, "pipeline", "inputs") or _listed(root, "pipeline", "outputs"):
        return "fluent-bit"
    return ""


def format_of_text(text: str) -> str:
    """`fluent-bit` or `fluentd` for their own notations, "" for any other file ending in .conf."""
    if re.search(r"(?im)^\s*\[(?:SERVICE|INPUT|OUTPUT|FILTER|PARSER|MULTILINE_PARSER)\]\s*$", text):
        return "fluent-bit"
    if re.search(r"(?m)^\s*<(?:source|match|filter|system|label)\b[^>]*>\s*$", text):
        return "fluentd"
    return ""


def _listed(root: Node, *path: str) -> bool:
    node = root.get(*path)
    return node is not None and isinstance(node.value, tuple)
