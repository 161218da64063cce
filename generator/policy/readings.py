"""What a written value means: a number of bytes, the tag of an image, the port of an address.

A reading answers None when there is nothing to read (no tag, no port), and raises ValueError when
the text is no such thing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TypeAlias

from generator import quantity
from generator.document import Node, Scalar
from generator.policy.dockertree import image_parts
from generator.secrets import secret_kind

Read: TypeAlias = "Scalar | frozenset[str]"
Reading: TypeAlias = Callable[[Node], Read]

_URL = re.compile(
    r"\b[a-z][a-z0-9+.-]*://(?:[^/@\s]*@)?(?P<host>\[[^\]]+\]|[A-Za-z0-9.-]+)(?::(?P<port>\d+))?(?P<path>/[^\s'\"|);?]*)?"
)


def text(node: Node) -> str:
    """The scalar as text."""
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    return "" if node.value is None else str(node.value)


def number(node: Node) -> Scalar:
    """A whole number, written as one or as text."""
    if isinstance(node.value, bool):
        raise ValueError
    word = text(node).strip()
    return int(word) if re.fullmatch(r"-?\d{1,18}", word) else float(word)


def cpu(node: Node) -> Scalar:
    return quantity.millicores(text(node))


def memory(node: Node) -> Scalar:
    """Bytes, in Kubernetes' or compose's notation."""
    word = text(node)
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)([bkmg])b?", word):
        return round(float(match[1]) * {"b": 1, "k": 2**10, "m": 2**20, "g": 2**30}[match[2]])
    return quantity.byte_count(word)


def seconds(node: Node) -> Scalar:
    """A duration; a bare number counts seconds."""
    word = text(node)
    if re.fullmatch(r"\d{1,12}", word):
        return int(word)
    total, rest = 0.0, word
    while match := re.match(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", rest):
        total += quantity.milliseconds(match.group()) / 1000
        rest = rest[match.end() :]
    if rest or not word or not math.isfinite(total):
        raise ValueError
    return total


def image_part(part: str) -> Reading:
    def read(node: Node) -> Read:
        word = text(node)
        return None if "$" in word or not word else image_parts(word).get(part)

    return read


def image_repository(node: Node) -> Read:
    """Registry and path without tag and digest, the implied registry written out."""
    word = text(node)
    if "$" in word or not word:
        return None
    parts = image_parts(word)
    repository = parts.get("repository", "")
    if repository.startswith(parts["registry"] + "/"):
        return repository
    return f"docker.io/{repository if '/' in repository else 'library/' + repository}"


def file_mode(node: Node) -> Scalar:
    """Permission bits, written in octal."""
    return int(text(node), 8)


def url_part(part: str) -> Reading:
    def read(node: Node) -> Read:
        match = _URL.search(text(node))
        if match is None or match[part] is None:
            return None
        return int(match[part]) if part == "port" else match[part]

    return read


def words(node: Node) -> Read:
    """A sequence of texts, or the keys of a mapping, as a set."""
    if isinstance(node.value, dict):
        return frozenset(node.value)
    return frozenset(text(item) for item in node.elements())


def pairs(node: Node) -> Read:
    """A mapping of labels as a set of `key=value`."""
    return frozenset(f"{key}={text(value)}" for key, value in node.items())


def lower(node: Node) -> str:
    return text(node).lower()


def length(node: Node) -> Scalar:
    """How many characters, elements or keys."""
    return len(node.value) if isinstance(node.value, dict | tuple) else len(text(node))


def percent_or_number(node: Node) -> Scalar:
    """A count; a percentage is no count."""
    return None if text(node).endswith("%") else number(node)


def user_id(node: Node) -> Scalar:
    """The user of `user:group` when it is a number."""
    return number(Node(text(node).partition(":")[0], node.at))


def reference(node: Node) -> Read:
    """`Kind/name` of a reference to another object."""
    kind, name = node.get("kind"), node.get("name")
    return f"{text(kind)}/{text(name)}" if kind and name else None


def secret(node: Node) -> Read:
    """What kind of secret the text is, never the text."""
    return secret_kind(text(node))


READINGS: dict[str, Reading] = {
    "text": text,
    "number": number,
    "cpu": cpu,
    "memory": memory,
    "seconds": seconds,
    "image-tag": image_part("tag"),
    "image-digest": image_part("digest"),
    "image-name": image_part("name"),
    "image-registry": image_part("registry"),
    "image-repository": image_repository,
    "file-mode": file_mode,
    "url-host": url_part("host"),
    "url-port": url_part("port"),
    "url-path": url_part("path"),
    "words": words,
    "pairs": pairs,
    "lower": lower,
    "length": length,
    "count": percent_or_number,
    "reference": reference,
    "user-id": user_id,
    "secret": secret,
}

HIDING = frozenset(
    ["secret", "image-tag", "image-digest", "url-port", "url-path", "url-host", "reference", "image-repository"]
)
"""Readings whose result is quoted instead of the text: a part of it, or what must not be seen."""
