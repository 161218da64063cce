"""Derived facts about Terraform's network: security groups, listeners, subnets, NAT gateways."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from generator.document import Node
from generator.policy.documents import Document
from generator.policy.found import Found
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

_WORLD = frozenset(["0.0.0.0/0", "::/0"])
_WEB = ((80, 80), (443, 443))


@dataclass(frozen=True, slots=True)
class Opening:
    """One rule of a security group. `ports` is None when they are not known now, `protocol` "-1" means every one.

    `sources` are addresses (None when unknown), `group` and `peer` the nodes naming the two groups.
    """

    document: Document
    node: Node
    trail: Trail
    direction: str
    protocol: str | None
    ports: tuple[int, int] | None
    sources: list[str] | None
    group: Node | None
    peer: Node | None

    @property
    def where(self) -> Node:
        """What opens it to everybody, or the rule."""
        for name in ("cidr_ipv4", "cidr_ipv6", "cidr_blocks", "ipv6_cidr_blocks"):
            part = self.node.get(name)
            if part is not None and _WORLD & set(words(part) or ()):
                return part
        return self.node

    @property
    def open_to_world(self) -> bool | None:
        if self.sources is None:
            return None
        return bool(_WORLD & set(self.sources))

    def covers(self, protocol: str, port: int) -> bool | None:
        """Whether it lets a port through, or None when it cannot be told."""
        if self.protocol is None or (self.ports is None and self.protocol != "-1"):
            return None
        if self.protocol in ("-1", "all"):
            return True
        assert self.ports is not None  # noqa: S101 - only every protocol has no ports
        return (
            self.protocol in (protocol, {"tcp": "6", "udp": "17"}[protocol]) and self.ports[0] <= port <= self.ports[1]
        )


def openings(documents: Sequence[Document]) -> Iterator[Opening]:
    """Every rule of every security group, in whichever of the three ways it is written."""
    for document in documents:
        if document.format != "terraform":
            continue
        root = document.root
        if document.kind in ("aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"):
            direction = "ingress" if "ingress" in document.kind else "egress"
            sources = _union(root.get("cidr_ipv4"), root.get("cidr_ipv6"))
            group, peer = root.get("security_group_id"), root.get("referenced_security_group_id")
            yield _opening(document, root, (), direction, "ip_protocol", sources, group, peer)
        elif document.kind == "aws_security_group_rule":
            direction = known(root.get("type")) or ""
            group, peer = root.get("security_group_id"), root.get("source_security_group_id")
            sources = _union(root.get("cidr_blocks"), root.get("ipv6_cidr_blocks"))
            yield _opening(document, root, (), direction, "protocol", sources, group, peer)
        elif document.kind in ("aws_security_group", "aws_default_security_group"):
            for direction in ("ingress", "egress"):
                for index, node in enumerate(_blocks(root, direction)):
                    if node.layer not in UNKNOWN:
                        sources = _union(node.get("cidr_blocks"), node.get("ipv6_cidr_blocks"))
                        trail = (direction, index)
                        peer = node.get("security_groups")
                        yield _opening(document, node, trail, direction, "protocol", sources, None, peer)


def _blocks(root: Node, name: str) -> Iterator[Node]:
    node = root.get(name)
    if node is not None:
        yield from node.elements()


def _union(*nodes: Node | None) -> list[str] | None:
    """What is known of both lists; an open one is enough to know, an unknown one is not."""
    every = [words(node) for node in nodes]
    found = [word for each in every if each for word in each]
    if _WORLD & set(found):
        return found
    return None if None in every else found


def _opening(
    document: Document,
    node: Node,
    trail: Trail,
    direction: str,
    protocol: str,
    sources: list[str] | None,
    group: Node | None,
    peer: Node | None,
) -> Opening:
    word = known(node.get(protocol))
    first, last = number(node.get("from_port")), number(node.get("to_port"))
    ports = None if first is None or last is None else (int(first), int(last))
    return Opening(document, node, trail, direction, word or None, ports, sources, group, peer)


def ingress(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether the internet is kept out; web ports are for everybody unless the group is certainly no balancer's."""
    users: _Users | None = None
    for opening in openings(documents):
        if opening.direction != "ingress" or opening.open_to_world is None:
            continue
        if opening.protocol is None or opening.protocol in ("icmp", "icmpv6", "1", "58"):
            continue
        if opening.ports is None and opening.protocol != "-1":
            continue
        holds = not opening.open_to_world
        if not holds and opening.protocol != "-1" and opening.ports in _WEB:
            users = users or _Users(documents)
            holds = not users.is_no_balancer(opening)
        yield verdict(opening.document, holds, _ports(opening), opening.where, opening.trail)


def egress(documents: Sequence[Document]) -> Iterator[Found]:
    for opening in openings(documents):
        if opening.direction == "egress" and opening.open_to_world is not None and opening.protocol is not None:
            every = opening.protocol in ("-1", "all") or opening.ports in ((0, 65535), (1, 65535))
            yield verdict(
                opening.document, not (every and opening.open_to_world), "everything", opening.where, opening.trail
            )


def _ports(opening: Opening) -> str:
    if opening.protocol in ("-1", "all") or opening.ports is None:
        return "every port"
    first, last = opening.ports
    return f"port {first}" if first == last else f"the range of ports {first}-{last}"


class _Users:
    """Which resources a security group is attached to."""

    _WEARING = ("security_groups", "security_group_ids", "vpc_security_group_ids")
    _BALANCERS = ("aws_lb", "aws_alb", "aws_elb", "aws_cloudfront_vpc_origin", "aws_apigatewayv2_vpc_link")

    def __init__(self, documents: Sequence[Document]) -> None:
        self._wearers: dict[tuple[str, str], set[str]] = {}
        for document in documents:
            if document.format != "terraform" or document.kind == "aws_security_group":
                continue
            for node in (document.root, *(part for part in document.root.walk() if isinstance(part.value, dict))):
                for name in self._WEARING:
                    for group in references(node.get(name)):
                        self._wearers.setdefault((document.configuration, group), set()).add(document.kind)

    def is_no_balancer(self, opening: Opening) -> bool:
        """Whether all that wears the group is known, and none of it is a load balancer."""
        document = opening.document
        groups = references(opening.group) if opening.group is not None else {bare(document)}
        if len(groups) != 1:
            return False
        kinds = self._wearers.get((document.configuration, next(iter(groups))), set())
        only = {
            "aws_instance",
            "aws_ecs_service",
            "aws_db_instance",
            "aws_rds_cluster",
            "aws_elasticache_replication_group",
        }
        return bool(kinds) and kinds <= only


def flows_in(documents: Sequence[Document]) -> Iterator[Found]:
    """A group that is let in by another: may it send there?"""
    yield from _flows(documents, "ingress", "egress")


def flows_out(documents: Sequence[Document]) -> Iterator[Found]:
    """A group that another may send to: does it let it in?"""
    yield from _flows(documents, "egress", "ingress")


def _flows(documents: Sequence[Document], told: str, wanted: str) -> Iterator[Found]:
    """Judged only where both groups and every rule of the other one are in the same root, and known."""
    every = list(openings(documents))
    roots = Roots(documents)
    for opening in every:
        if opening.direction != told or opening.protocol != "tcp" or opening.ports is None or opening.group is None:
            continue
        own = roots.of(opening.document, opening.group, "aws_security_group")
        peers = roots.of(opening.document, opening.peer, "aws_security_group")
        if len(own) != 1 or len(peers) != 1:
            continue
        other = peers[0]
        if any(node.layer in UNKNOWN or is_unknown(node.get("ingress")) for node in (other.root,)):
            continue
        answers = [
            _answers(candidate, own[0], opening.ports)
            for candidate in every
            if candidate.direction == wanted
            and candidate.document.configuration == other.configuration
            and _belongs(candidate, other)
        ]
        inline_unknown = other.root.get(wanted) is not None and (other.root.get(wanted) or other.root).layer in UNKNOWN
        if None in answers or inline_unknown or _doubtful(every, other, wanted):
            continue
        if roots.opaque and True not in answers:
            continue
        first, last = opening.ports
        shown = f"{other.name} at port {first}" if first == last else f"{other.name} at ports {first}-{last}"
        yield verdict(opening.document, True in answers, shown, opening.peer)


def _belongs(candidate: Opening, group: Document) -> bool:
    if candidate.group is None:
        return candidate.document is group
    return bare(group) in references(candidate.group)


def _doubtful(every: Sequence[Opening], group: Document, direction: str) -> bool:
    """Whether a rule of the root may belong to the group without anybody knowing."""
    return any(
        candidate.group is not None
        and candidate.group.layer == "unknown"
        and candidate.document.configuration == group.configuration
        and candidate.direction == direction
        for candidate in every
    )


def _answers(candidate: Opening, own: Document, ports: tuple[int, int]) -> bool | None:
    """Whether a rule of the other group matches this flow."""
    covered = candidate.covers("tcp", ports[0])
    if covered is False:
        return False
    if candidate.open_to_world:
        return covered
    if bare(own) in references(candidate.peer):
        return covered
    if candidate.sources is None or (candidate.peer is not None and candidate.peer.layer == "unknown"):
        return None
    if candidate.sources:
        return None  # an address range may hold the other group's addresses
    prefix = candidate.node.get("prefix_list_id")
    self_rule = flag(candidate.node.get("self"), False)
    if self_rule or not absent(prefix):
        return False
    return False if candidate.peer is not None and not absent(candidate.peer) else None


def listeners(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether a listener speaks TLS, or does nothing but redirect or refuse; internal balancers are left alone."""
    roots = Roots(documents)
    for document in resources(documents, "aws_lb_listener", "aws_alb_listener"):
        node = document.root.get("protocol")
        protocol = known(node)
        if protocol in ("HTTPS", "TLS"):
            yield verdict(document, True, protocol, node, ("protocol",))
        if protocol != "HTTP":
            continue
        balancers = roots.of(document, document.root.get("load_balancer_arn"), "aws_lb", "aws_alb")
        if any(flag(item.root.get("internal"), False) is not False for item in balancers):
            continue
        actions = [known(reach(action, "type")) for action in _blocks(document.root, "default_action")]
        if actions and None not in actions:
            safe = all(action in ("redirect", "fixed-response") for action in actions)
            yield verdict(document, safe, protocol, node, ("protocol",))


def priorities(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether the priority of a rule is free; the first of two keeps it."""
    taken: dict[tuple[str, str, str], Document] = {}
    for document in resources(documents, "aws_lb_listener_rule", "aws_alb_listener_rule"):
        listener, node = document.root.get("listener_arn"), document.root.get("priority")
        priority = known(node)
        if listener is None or listener.layer == "unknown" or not written(listener) or not priority:
            continue
        key = (document.configuration, written(listener), priority)
        holder = taken.setdefault(key, document)
        yield verdict(document, holder is document, priority, node, ("priority",))


_MODERN = re.compile(r"^ELBSecurityPolicy-(?:TLS-1-2|FS-1-2|TLS13-1-2|TLS13-1-3)|^TLSv1\.[23]_|^TLS_1_[23]$")


def tls(documents: Sequence[Document]) -> Iterator[Found]:
    for document in resources(documents, "aws_lb_listener", "aws_alb_listener"):
        if known(document.root.get("protocol")) in ("HTTPS", "TLS"):
            node = document.root.get("ssl_policy")
            policy = known(node, "ELBSecurityPolicy-2016-08")
            if policy:
                yield verdict(document, bool(_MODERN.match(policy)), policy, node, ("ssl_policy",))
    for document in resources(documents, "aws_cloudfront_distribution"):
        for index, block in enumerate(_blocks(document.root, "viewer_certificate")):
            if flag(reach(block, "cloudfront_default_certificate"), False) is False:
                node = reach(block, "minimum_protocol_version")
                version = known(node, "TLSv1")
                if version:
                    trail = ("viewer_certificate", index, "minimum_protocol_version")
                    yield verdict(document, bool(_MODERN.match(version)), version, node or block, trail)
    for document in resources(documents, "aws_api_gateway_domain_name"):
        node = document.root.get("security_policy")
        policy = known(node)
        if policy:
            yield verdict(document, bool(_MODERN.match(policy)), policy, node, ("security_policy",))


def subnets(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether a subnet's addresses are its own; the earlier of two keeps them."""
    taken: dict[tuple[str, str], list[tuple[ipaddress.IPv4Network, Document]]] = {}
    for document in resources(documents, "aws_subnet"):
        network, node = document.root.get("vpc_id"), document.root.get("cidr_block")
        if network is None or network.layer == "unknown" or not written(network):
            continue
        try:
            own = ipaddress.IPv4Network(known(node) or "")
        except ValueError:
            continue
        others = taken.setdefault((document.configuration, written(network)), [])
        clash = next((item for item in others if item[0].overlaps(own)), None)
        others.append((own, document))
        shown = f"{own} and {clash[0]} of {clash[1].name}" if clash else str(own)
        yield verdict(document, clash is None, shown, node, ("cidr_block",))


def nats(documents: Sequence[Document]) -> Iterator[Found]:
    """Whether a network over several zones has more than one way out."""
    gateways: dict[tuple[str, str], list[Document]] = {}
    zones: dict[tuple[str, str], set[str]] = {}
    for document in resources(documents, "aws_nat_gateway", "aws_subnet"):
        key = (document.configuration, bare(document).rpartition(document.kind)[0])
        if document.kind == "aws_subnet":
            zone = document.root.get("availability_zone")
            if zone is not None and not absent(zone) and zone.layer != "unknown":
                zones.setdefault(key, set()).add(written(zone))
        elif known(document.root.get("connectivity_type"), "public") == "public":
            gateways.setdefault(key, []).append(document)
    for key, there in gateways.items():
        repeated = any(not absent(item.root.get(name)) for item in there for name in ("count", "for_each"))
        unsure = any(is_unknown(item.root.get(name)) for item in there for name in ("count", "for_each"))
        spread = len(zones.get(key, ()))
        if spread < 2 or unsure or (repeated and len(there) == 1 and not _is_one(there[0])):
            continue
        yield verdict(there[0], len(there) > 1, f"{spread} zones")


def _is_one(document: Document) -> bool:
    """Whether a repeated resource is expanded, so that one document is one instance."""
    return document.address.endswith("]")
