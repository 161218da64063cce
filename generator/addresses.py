"""Networks cut into blocks: which zone gets which addresses, and which network lies beside another."""

from __future__ import annotations

import ipaddress

PRIVATE = tuple(
    ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
"""Blocks that no host of the Internet has."""


def beside(cidr: str) -> str:
    """A private block of the same size that does not overlap, in the same private range where there is one."""
    block = ipaddress.IPv4Network(cidr)
    size, start = block.num_addresses, int(block.network_address)
    for candidate in (start ^ 1 << 23, start ^ 1 << 19, start ^ size, *(int(range_[0]) for range_ in PRIVATE)):
        other = ipaddress.IPv4Network((candidate - candidate % size, block.prefixlen))
        if not other.overlaps(block) and any(other.subnet_of(range_) for range_ in PRIVATE):
            return str(other)
    raise ValueError(f"beside {cidr} lies no private block of its size")


def subnets(cidr: str, zones: tuple[str, ...], smallest: int = 28) -> dict[str, dict[str, str]] | None:
    """Each zone's public, private and data block, or None where the network is too small for `smallest` prefixes.

    Private blocks are a quarter of the network each (an eighth for more than three zones); the last
    part is shared by the small public and data blocks. AWS has no subnet below /28:
    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
    """
    network = ipaddress.IPv4Network(cidr)
    private_bits, small_bits = bits(len(zones))
    if network.prefixlen + private_bits + small_bits > smallest:
        return None
    large = list(network.subnets(prefixlen_diff=private_bits))
    small = list(large[-1].subnets(prefixlen_diff=small_bits))
    half = len(small) // 2
    return {
        zone: {"public": str(small[number]), "private": str(large[number]), "data": str(small[half + number])}
        for number, zone in enumerate(zones)
    }


def bits(zones: int) -> tuple[int, int]:
    """By how much private blocks are smaller than the network, and the others than a private block."""
    return (2, 3) if zones <= 3 else (3, 4)
