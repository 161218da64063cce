"""Networks cut into blocks that lie inside and never overlap, and the network beside another."""

from __future__ import annotations

import ipaddress
import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from generator import addresses

PRIVATE = [ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]


@st.composite
def networks(draw: st.DrawFn) -> ipaddress.IPv4Network:
    """Private blocks that a VPC may have."""
    block = draw(st.sampled_from(PRIVATE))
    prefix = draw(st.integers(16, 28))
    number = draw(st.integers(0, 2 ** (prefix - block.prefixlen) - 1))
    return ipaddress.IPv4Network((int(block.network_address) + number * 2 ** (32 - prefix), prefix))


def zones(count: int) -> tuple[str, ...]:
    return tuple(f"eu-west-1{letter}" for letter in "abcdef"[:count])


@given(networks(), st.integers(1, 6))
def test_subnets_lie_inside_and_never_overlap(network: ipaddress.IPv4Network, count: int) -> None:
    made = addresses.subnets(str(network), zones(count))
    smallest = 23 if count <= 3 else 21
    assert (made is None) == (network.prefixlen > smallest)
    assume(made is not None)
    assert tuple(made or {}) == zones(count)
    blocks = [ipaddress.IPv4Network(block) for tiers in (made or {}).values() for block in tiers.values()]
    assert len(blocks) == 3 * count
    assert all(block.subnet_of(network) and 16 <= block.prefixlen <= 28 for block in blocks)
    assert not any(first.overlaps(second) for first, second in itertools.combinations(blocks, 2))


@given(networks())
def test_another_zone_moves_no_subnet(network: ipaddress.IPv4Network) -> None:
    """A subnet that moved would be replaced, and everything in it; a fourth zone is known to."""
    assume(network.prefixlen <= 21)
    for least, most in ((1, 3), (4, 6)):
        made = [addresses.subnets(str(network), zones(number)) or {} for number in range(least, most + 1)]
        for fewer, more in itertools.pairwise(made):
            assert fewer.items() <= more.items()


def test_a_layout() -> None:
    assert addresses.subnets("10.0.0.0/16", zones(3)) == {
        "eu-west-1a": {"public": "10.0.192.0/21", "private": "10.0.0.0/18", "data": "10.0.224.0/21"},
        "eu-west-1b": {"public": "10.0.200.0/21", "private": "10.0.64.0/18", "data": "10.0.232.0/21"},
        "eu-west-1c": {"public": "10.0.208.0/21", "private": "10.0.128.0/18", "data": "10.0.240.0/21"},
    }


@given(networks())
def test_the_network_beside_is_another_private_one(network: ipaddress.IPv4Network) -> None:
    other = ipaddress.IPv4Network(addresses.beside(str(network)))
    assert other.prefixlen == network.prefixlen
    assert not other.overlaps(network)
    assert any(other.subnet_of(block) for block in PRIVATE)


@pytest.mark.parametrize(
    ("network", "other"),
    [
        ("10.0.0.0/16", "10.128.0.0/16"),
        ("10.128.0.0/16", "10.0.0.0/16"),
        ("10.60.0.0/16", "10.188.0.0/16"),
        ("172.16.0.0/16", "172.24.0.0/16"),
        ("172.31.4.0/22", "172.23.4.0/22"),
        ("192.168.4.0/22", "192.168.0.0/22"),
        ("192.168.0.0/16", "10.0.0.0/16"),
        ("100.64.0.0/16", "100.72.0.0/16"),
    ],
)
def test_which_network_lies_beside(network: str, other: str) -> None:
    assert addresses.beside(network) == other


def test_beside_what_fills_every_private_range_lies_nothing() -> None:
    with pytest.raises(ValueError, match="no private block"):
        addresses.beside("0.0.0.0/4")
