"""Fluent Bit's classic notation and Fluentd's as trees with places."""

from __future__ import annotations

from generator.document import Location, Node


def read(text: str, path: str, form: str) -> Node:
    """The sections of a file, in the shape that the YAML notation has."""
    at = Location(path, 1, 1)
    return Node({"form": Node(form, at), "lines": Node(text.count("\n"), at)}, at)
