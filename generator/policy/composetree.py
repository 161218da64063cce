"""A compose file in its long form: short notations written out, places kept.

`ports`, `environment`, `build`, `depends_on`, `networks` and `volumes` have two notations each
(https://docs.docker.com/reference/compose-file/services/); facts select from one.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from generator.document import Node

_PORT = re.compile(
    r"(?:(?P<host_ip>\[[0-9a-fA-F:]+\]|\d+\.\d+\.\d+\.\d+|\$\{[^}]+\}):)?"
    r"(?:(?P<published>\d+(?:-\d+)?|\$\{[^}]+\})?:)?(?P<target>\d+(?:-\d+)?|\$\{[^}]+\})(?:/(?P<protocol>\w+))?"
)
_DEFAULT = re.compile(r"\$\{\w+:?-([^}]*)\}")


def tree(root: Node) -> Node:
    """The document with every service in long form."""
    values = dict(root.value) if isinstance(root.value, dict) else {}
    services = values.get("services")
    if services is not None:
        values["services"] = Node({name: _service(node) for name, node in services.items()}, services.at)
    return Node(values, root.at, root.key_at)


def _service(service: Node) -> Node:
    values = dict(service.value) if isinstance(service.value, dict) else {}
    for key, written_out in _LONG.items():
        if key in values:
            values[key] = written_out(values[key])
    return Node(values, service.at, service.key_at)


def _ports(node: Node) -> Node:
    ports = tuple(_port(port) if not isinstance(port.value, dict) else port for port in node.elements())
    return Node(ports, node.at, node.key_at)


def _port(port: Node) -> Node:
    match = _PORT.fullmatch(_filled(str(port.value)))
    if match is None:
        return Node({}, port.at, port.key_at)
    parts = {key: value.strip("[]") for key, value in match.groupdict().items() if value}
    return Node({key: Node(value, port.at, port.key_at) for key, value in parts.items()}, port.at, port.key_at)


def _filled(text: str) -> str:
    """`${NAME:-value}` is `value`."""
    return _DEFAULT.sub(r"\1", text)


def _environment(node: Node) -> Node:
    if isinstance(node.value, dict):
        return node
    values: dict[str, Node] = {}
    for item in node.elements():
        name, equals, value = str(item.value).partition("=")
        values[name] = Node(value if equals else None, item.at, item.key_at)
    return Node(values, node.at, node.key_at)


def _build(node: Node) -> Node:
    if isinstance(node.value, dict):
        return node
    return Node({"context": node}, node.at, node.key_at)


def _names(node: Node) -> Node:
    """A list of names as a mapping from the name to an empty mapping."""
    if isinstance(node.value, dict):
        return node
    return Node({str(item.value): Node({}, item.at, item.key_at) for item in node.elements()}, node.at, node.key_at)


def _volumes(node: Node) -> Node:
    return Node(tuple(_volume(item) for item in node.elements()), node.at, node.key_at)


def _volume(item: Node) -> Node:
    if not isinstance(item.value, str):
        return item
    parts = item.value.split(":")
    names = ("target",) if len(parts) == 1 else ("source", "target", "mode")
    return Node(
        {name: Node(part, item.at, item.key_at) for name, part in zip(names, parts, strict=False)},
        item.at,
        item.key_at,
    )


def _healthcheck(node: Node) -> Node:
    test = node.get("test")
    if test is None or not isinstance(test.value, tuple) or not isinstance(node.value, dict):
        return node
    words = [str(word.value) for word in test.elements()]
    joined = Node(" ".join(words[1:] if words[:1] in (["CMD"], ["CMD-SHELL"]) else words), test.at, test.key_at)
    return Node({**node.value, "test": joined}, node.at, node.key_at)


_LONG: dict[str, Callable[[Node], Node]] = {
    "ports": _ports,
    "environment": _environment,
    "build": _build,
    "depends_on": _names,
    "networks": _names,
    "volumes": _volumes,
    "healthcheck": _healthcheck,
}
