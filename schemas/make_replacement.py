"""Makes the Terraform half of data/replacement.json by asking the AWS provider itself.

    terraform providers schema -json > schema.json
    python schemas/make_replacement.py schema.json .terraform/providers/.../terraform-provider-aws_v5.100.0_x5 [TYPES]

TYPES is a regular expression; without it every type that is in the file already is asked for again.

A provider's schema does not say which arguments force a replacement; its plan does. For every argument of every
type below, this gives the provider a state and a configuration that differ in that argument alone, and keeps what
its `PlanResourceChange` answers. No account and no network: the provider plans from what it is given.
Needs grpcio and msgpack, which nothing else here does. What is said by hand in replacement.json (which types hold
data, what guards them, conditions) is kept.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROVIDER = "registry.terraform.io/hashicorp/aws"
TARGET = Path(__file__).with_name("data") / "replacement.json"
_COOKIE = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"
_ARN = "arn:aws:iam::123456789012:role/{}"
_TEXTS = (
    ("one-a", "two-b"),
    (_ARN.format("a"), _ARN.format("b")),
    ("10.0.0.0/16", "10.1.0.0/16"),
    ('{"a":1}', '{"a":2}'),
    ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
    ("1", "2"),
    ("sun:03:00-sun:05:00", "mon:03:00-mon:05:00"),
    ("true", "false"),
)
_VERSIONS = (("8.0", "8.1"), ("8", "9"))
_VALUES = {
    "container_definitions": (
        '[{"name":"a","image":"a","essential":true}]',
        '[{"name":"a","image":"b","essential":true}]',
    ),
    "protocol": ("HTTP", "HTTPS"),
}
"""Texts that a type asks for, by the argument's name."""

_TARGETS = {"target_type": "ip", "port": 8080, "protocol": "HTTP", "protocol_version": "HTTP1", "vpc_id": "vpc-1"}
_BASES: dict[str, dict[str, Any]] = {
    "aws_elasticache_replication_group": {"engine": "valkey", "engine_version": "8.0", "num_cache_clusters": 2},
    "aws_elasticache_cluster": {
        **{"engine": "memcached", "engine_version": "1.6.22", "node_type": "cache.t4g.small"},
        **{"num_cache_nodes": 1, "az_mode": "single-az"},
    },
    "aws_cloudwatch_metric_alarm": {"statistic": "Average", "metric_name": "a", "namespace": "b", "period": 60},
    "aws_sfn_state_machine": {"type": "STANDARD"},
    "aws_lb_target_group": _TARGETS,
    "aws_alb_target_group": _TARGETS,
    "aws_dynamodb_table": {
        **{"hash_key": "id", "billing_mode": "PAY_PER_REQUEST", "attribute": [{"name": "id", "type": "S"}]},
    },
    "aws_lambda_function": {
        **{"filename": "a.zip", "role": _ARN.format("a"), "handler": "a.b", "runtime": "nodejs22.x"},
        **{"package_type": "Zip"},
    },
    "aws_ecs_task_definition": {"container_definitions": _VALUES["container_definitions"][0]},
}
"""What must be set besides the required before a type can be planned."""

_DEEP = {"aws_wafv2_web_acl": 0, "aws_wafv2_rule_group": 0}
"""How deep to ask where statements hold statements, in thousands of ways; what is below stays unknown."""

_KNOWN: dict[str, Any] = {
    "engine_version_actual": "8.0.1",
    "fifo_throughput_scope": "",
    "read_capacity": 0,
    "write_capacity": 0,
}
"""What is computed and looked at by the plan, by name; everything else is `known`, 10 or false."""


_MOST_CRASHES = 3
"""After so many a type is left as it is: it looks at something that no sample has."""


class Crashed(Exception):
    """The provider ended in the middle of an answer."""


class Provider:
    """A provider started as Terraform starts it, spoken to over its socket."""

    def __init__(self, program: str, schema: Any) -> None:
        self.program, self.schema = program, schema
        self.process: subprocess.Popen[str] | None = None
        self.crashes: dict[str, int] = {}
        self.refusals: dict[tuple[str, tuple[str, ...]], str] = {}
        self.start()

    def start(self) -> None:
        import grpc

        self.stop()
        environment = {"PATH": os.environ["PATH"], "HOME": tempfile.gettempdir(), "TF_PLUGIN_MAGIC_COOKIE": _COOKIE}
        environment |= {"PLUGIN_PROTOCOL_VERSIONS": "5", "AWS_EC2_METADATA_DISABLED": "true"}
        self.process = subprocess.Popen(
            [self.program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        words = self.process.stdout.readline().strip().split("|") if self.process.stdout else []
        channel = grpc.insecure_channel(
            f"unix:{words[3]}",
            options=[("grpc.max_receive_message_length", 1 << 28), ("grpc.default_authority", "localhost")],
        )
        self.call = lambda name, body: channel.unary_unary(f"/tfplugin5.Provider/{name}")(body, timeout=60)
        told = {"region": "eu-central-1", "access_key": "none", "secret_key": "none"}
        told |= dict.fromkeys(
            ("skip_credentials_validation", "skip_requesting_account_id", "skip_region_validation"), True
        )
        told["skip_metadata_api_check"] = "true"
        block = self.schema["provider"]["block"]
        config = {**empty(block), **told}
        answer = self.call("Configure", field(1, b"1.11.0") + field(2, value(config)))
        if problems := [part for number, part in fields(answer) if number == 1]:
            raise SystemExit(f"the provider cannot be configured: {problems}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def plan(self, kind: str, prior: Any, config: Any, proposed: Any) -> tuple[list[list[Any]], Any, list[str]]:
        """The paths that force a replacement, the planned state, and what the provider refuses."""
        import grpc
        import msgpack

        body = field(1, kind.encode()) + field(2, value(prior)) + field(3, value(proposed)) + field(4, value(config))
        try:
            answer = self.call("PlanResourceChange", body)
        except grpc.RpcError as error:
            if self.process is not None and self.process.poll() is None and "UNAVAILABLE" not in str(error):
                return [], None, [str(error)[:200]]
            self.start()
            raise Crashed(kind) from error
        paths, planned, errors = [], None, []
        for number, part in fields(answer):
            if number == 1:
                raw = dict(fields(part)).get(1, b"\xc0")
                planned = msgpack.unpackb(raw, strict_map_key=False)
            elif number == 2:
                paths.append([step(inner) for _, inner in fields(part)])
            elif number == 4:
                said = dict(fields(part))
                if said.get(1) == 1:
                    errors.append(bytes(said.get(2, b"")).decode())
        return paths, planned, errors


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number: int) -> bytes:
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    return bytes([*made, number])


def fields(raw: bytes) -> Iterator[tuple[int, Any]]:
    """Numbers and contents of a message; Terraform's have nothing but texts, messages and numbers."""
    i = 0

    def number() -> int:
        nonlocal i
        shift = found = 0
        while True:
            byte = raw[i]
            i += 1
            found |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return found

    while i < len(raw):
        tag = number()
        if tag & 7 == 0:
            yield tag >> 3, number()
        else:
            size = number()
            yield tag >> 3, raw[i : i + size]
            i += size


def step(raw: bytes) -> Any:
    for number, content in fields(raw):
        return content.decode() if number in (1, 2) else content
    return ""


def value(plain: Any) -> bytes:
    """A DynamicValue."""
    import msgpack

    packed: bytes = msgpack.packb(plain)
    return field(1, packed)


def empty(block: Any) -> dict[str, Any]:
    """An object of a block's type in which nothing is set."""
    made: dict[str, Any] = dict.fromkeys(block.get("attributes", {}))
    for name, inner in block.get("block_types", {}).items():
        mode = inner["nesting_mode"]
        made[name] = None if mode in ("single", "group") else {} if mode == "map" else []
    return made


def sample(kind: Any, number: int, texts: tuple[str, str]) -> Any:
    """A value of a type, one of two that differ."""
    if kind == "string":
        return texts[number]
    if kind == "number":
        return (10, 20)[number]
    if kind == "bool":
        return (False, True)[number]
    if kind == "dynamic":
        raise ValueError
    if kind[0] in ("list", "set"):
        return [sample(kind[1], number, texts)]
    if kind[0] == "map":
        return {"key": sample(kind[1], number, texts)}
    return {name: sample(inner, number, texts) for name, inner in kind[1].items()}


def least(block: Any, texts: tuple[str, str]) -> dict[str, Any]:
    """An object of a block's type with what is required."""
    made = empty(block)
    for name, attribute in block.get("attributes", {}).items():
        if attribute.get("required"):
            made[name] = sample(attribute["type"], 0, texts)
    for name, inner in block.get("block_types", {}).items():
        if inner.get("min_items") and inner["nesting_mode"] in ("list", "set"):
            made[name] = [least(inner["block"], texts) for _ in range(inner["min_items"])]
    return made


def arguments(block: Any, deep: int, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Paths of what may be set, with the attribute's type, or None for a block as a whole."""
    for name, attribute in block.get("attributes", {}).items():
        is_settable = (attribute.get("required") or attribute.get("optional")) and not attribute.get("write_only")
        if is_settable and (*above, name) not in (("id",), ("tags",), ("tags_all",)):
            yield (*above, name), attribute
    if len(above) > deep:
        return
    for name, inner in block.get("block_types", {}).items():
        if name == "timeouts" and not above:
            continue
        yield (*above, name), None
        yield from arguments(inner["block"], deep, (*above, name))


def placed(
    block: Any, path: tuple[str, ...], leaf: Any, texts: tuple[str, str], base: dict[str, Any]
) -> dict[str, Any]:
    """The base object with a value at a path; blocks on the way hold what they require."""
    name = path[0]
    if len(path) == 1:
        return {**base, name: leaf}
    inner = block["block_types"][name]
    single = inner["nesting_mode"] in ("single", "group")
    held = base.get(name) if single else (base.get(name) or [None])[0]
    made = placed(inner["block"], path[1:], leaf, texts, held or least(inner["block"], texts))
    return {**base, name: made if single else [made]}


def settled(provider: Provider, kind: str, block: Any, config: dict[str, Any]) -> dict[str, Any]:
    """A state as it is after apply: what the provider plans to create, and a value for what it will know then."""
    _, planned, errors = provider.plan(kind, None, config, proposal(block, empty(block), config, unknown=True))
    return known(block, planned if planned and not errors else config)


def known(block: Any, state: dict[str, Any]) -> dict[str, Any]:
    """A state in which nothing that is computed is open."""
    made = dict(state)
    for name, attribute in block.get("attributes", {}).items():
        if is_unknown(made[name]) or (made[name] is None and attribute.get("computed")):
            kind = attribute["type"]
            plain = {"string": _KNOWN.get(name, "known"), "bool": False, "number": _KNOWN.get(name, 10)}
            made[name] = plain.get(kind) if isinstance(kind, str) else sample(kind, 0, ("known", ""))
    for name, inner in block.get("block_types", {}).items():
        if isinstance(made[name], list):
            made[name] = [known(inner["block"], item) for item in made[name]]
        elif is_unknown(made[name]):
            made[name] = []
    return made


def is_unknown(plain: Any) -> bool:
    import msgpack

    return isinstance(plain, msgpack.ExtType)


def proposal(block: Any, prior: dict[str, Any], config: dict[str, Any], *, unknown: bool = False) -> dict[str, Any]:
    """What Terraform proposes: the configuration, and what is computed as it was, or open where nothing was."""
    import msgpack

    made = dict(config)
    for name, attribute in block.get("attributes", {}).items():
        if made[name] is None and attribute.get("computed"):
            made[name] = msgpack.ExtType(0, b"\0") if unknown else prior[name]
    for name, inner in block.get("block_types", {}).items():
        if isinstance(made[name], list) and isinstance(prior.get(name), list):
            pairs = zip(made[name], prior[name], strict=False)
            kept = [proposal(inner["block"], old, item) for item, old in pairs]
            rest = [
                proposal(inner["block"], empty(inner["block"]), item, unknown=True) for item in made[name][len(kept) :]
            ]
            made[name] = kept + rest
    return made


def at(tree: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if isinstance(tree, list):
            tree = tree[0] if tree else None
        if not isinstance(tree, dict):
            return None
        tree = tree.get(name)
    return tree


def pairs(kind: Any, path: tuple[str, ...]) -> list[tuple[str, str]]:
    """The pairs of texts worth trying for an argument; a pair of versions first where it is one."""
    if "string" not in json.dumps(kind):
        return [_TEXTS[0]]
    special = [_VALUES[path[-1]]] if path[-1] in _VALUES else []
    return [*special, *(_VERSIONS if "version" in path[-1] else ()), *_TEXTS]


def ask(provider: Provider, kind: str, block: Any, path: tuple[str, ...], old: Any, new: Any, texts: Any) -> str:
    """`replaces`, `in place`, or "" where the provider plans nothing or refuses."""
    if provider.crashes.get(kind, 0) > _MOST_CRASHES:
        return ""
    base = {**least(block, texts), **_BASES.get(kind, {})}
    before = placed(block, path, old, texts, base)
    config = placed(block, path, new, texts, base)
    try:
        prior = settled(provider, kind, block, before)
        proposed = proposal(block, prior, config)
        paths, planned, errors = provider.plan(kind, prior, config, proposed)
    except Crashed:
        provider.crashes[kind] = provider.crashes.get(kind, 0) + 1
        return ""
    if errors:
        provider.refusals[kind, path] = errors[0]
        return ""
    mine = [found for found in paths if found and [part for part in found if isinstance(part, str)][:1] == [path[0]]]
    if mine:
        return "replaces"
    if paths:
        provider.refusals[kind, path] = f"the sample is replaced for {paths}"
        return ""  # something else of the sample made it so
    if planned is None or at(planned, path) == at(prior, path):
        return ""
    return "in place"


def tried(provider: Provider, kind: str, block: Any, path: tuple[str, ...], attribute: Any) -> set[str]:
    """Everything the provider answers to changes of one argument."""
    answers: set[str] = set()
    if attribute is None:
        inner = block
        for name in path:
            nested = inner["block_types"][name]
            inner = nested["block"]
        one = least(inner, _TEXTS[0])
        single = nested["nesting_mode"] in ("single", "group")
        some, none = (one, None) if single else ([one], [])
        if not nested.get("min_items"):
            answers |= {ask(provider, kind, block, path, none, some, _TEXTS[0])}
            answers |= {ask(provider, kind, block, path, some, none, _TEXTS[0])}
        return answers - {""}
    versioned = "version" in path[-1]
    for texts in pairs(attribute["type"], path)[: 2 if kind in _DEEP else None]:
        try:
            one, two = (sample(attribute["type"], number, texts) for number in (0, 1))
        except ValueError:
            return set()
        answers |= {ask(provider, kind, block, path, one, two, texts)}
        if attribute["type"] in ("bool", "number") or versioned:
            answers |= {ask(provider, kind, block, path, two, one, texts)}
        if attribute.get("optional") and not attribute.get("computed"):
            answers |= {ask(provider, kind, block, path, None, one, texts)}
        if answers - {""}:
            break
    return answers - {""}


def default(provider: Provider, kind: str, block: Any, path: tuple[str, ...], attribute: Any) -> Any:
    """What the provider takes for an argument that is left out; None where it takes nothing or says so later."""
    base = {**least(block, _TEXTS[0]), **_BASES.get(kind, {})}
    config = base if len(path) == 1 else placed(block, path, None, _TEXTS[0], base)
    try:
        _, planned, errors = provider.plan(kind, None, config, proposal(block, empty(block), config, unknown=True))
    except Crashed:
        return None
    found = None if errors or at(config, path) is not None else at(planned, path)
    if isinstance(found, str | int | float | bool):
        return found
    if attribute["type"] == "bool" and ask(provider, kind, block, path, None, False, _TEXTS[0]) == "":
        return False
    return None


def measure(provider: Provider, kind: str, block: Any) -> dict[str, Any]:
    """A type's arguments by what happens when they change; `name{}` is a block that comes or goes."""
    made: dict[str, list[str]] = {"replaces": [], "sometimes": [], "in_place": [], "computed": []}
    defaults = {}
    for path, attribute in arguments(block, _DEEP.get(kind, 4)):
        answers = tried(provider, kind, block, path, attribute)
        name = ".".join(path) + ("" if attribute else "{}")
        if not answers and "-v" in sys.argv:
            print("   ", kind, name, provider.refusals.get((kind, path), "?"), file=sys.stderr)
        if not answers:
            continue
        word = "sometimes" if len(answers) > 1 else next(iter(answers)).replace(" ", "_")
        made[word].append(name)
        if word != "in_place" and attribute and attribute.get("optional"):
            if attribute.get("computed"):
                made["computed"].append(name)
            elif (known_default := default(provider, kind, block, path, attribute)) is not None:
                defaults[name] = known_default
    told: dict[str, Any] = {word: " ".join(sorted(paths)) for word, paths in made.items() if paths}
    return {**told, "defaults": defaults} if defaults else told


def written(whole: dict[str, Any]) -> str:
    """The file: one line for each type and each list, so that a change of one is a change of one line."""
    types = whole["terraform"]["types"]
    text = json.dumps({**whole, "terraform": {**whole["terraform"], "types": {}}}, indent=2, ensure_ascii=False)
    rows = [
        f"{json.dumps(name)}: {json.dumps(told, ensure_ascii=False)}" for name, told in sorted(types.items()) if told
    ]
    text = re.sub(r"\[\n\s+([^\[\]{}]*?)\n\s+\]", lambda found: "[" + re.sub(r"\n\s+", " ", found[1]) + "]", text)
    return text.replace('"types": {}', '"types": {\n      ' + ",\n      ".join(rows) + "\n    }", 1) + "\n"


def main() -> None:
    said = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["provider_schemas"][PROVIDER]
    whole = json.loads(TARGET.read_text(encoding="utf-8"))
    known = whole["terraform"]["types"]
    pattern = re.compile(sys.argv[3] if len(sys.argv) > 3 else "|".join(known))
    provider = Provider(sys.argv[2], said)
    atexit.register(provider.stop)
    for name, entry in sorted(said["resource_schemas"].items()):
        if pattern.fullmatch(name):
            known[name] = measure(provider, name, entry["block"])
            print(name, {word: len(paths) for word, paths in known[name].items()}, file=sys.stderr, flush=True)
            TARGET.write_text(written(whole), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
