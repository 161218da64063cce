"""Facts about AWS: what is in the dated tables, and what is looked up in them."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Mapping
from typing import Any

import pytest

from generator import aws, data

FACTS: Mapping[str, Any] = data.load("schemas/data/aws.json")
MIB, GIB = 2**20, 2**30


def sourced(part: Any, path: str = "") -> list[tuple[str, str]]:
    """Every table with where it was read."""
    if not isinstance(part, dict):
        return []
    own = [(path, part["source"])] if "source" in part else []
    return own + [found for key, below in part.items() for found in sourced(below, f"{path}/{key}")]


def test_the_tables_are_dated_and_say_where_they_are_from() -> None:
    assert datetime.date.fromisoformat(FACTS["date"]) <= datetime.date(2026, 11, 23)
    assert {path for path, _ in sourced(FACTS)} == {
        *(f"/{name}" for name in FACTS if name not in {"$comment", "date", "ended"}),
        *(f"/ended/{kind}" for kind in FACTS["ended"]),
    }
    assert all(source.startswith("https://docs.aws.amazon.com/") for _, source in sourced(FACTS))


def test_every_region_has_zones_and_a_geography() -> None:
    regions = FACTS["regions"]
    assert list(regions["zones"]) == list(regions["geography"])
    for region, letters in regions["zones"].items():
        assert re.fullmatch(r"[a-z]{2}-[a-z]+-\d", region)
        assert list(letters) == sorted(set(letters))
        assert len(letters) >= (2 if region == "us-west-1" else 3), region


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("eu-west-1", ("eu-west-1a", "eu-west-1b", "eu-west-1c")),
        ("us-west-1", ("us-west-1a", "us-west-1b")),
        ("ca-central-1", ("ca-central-1a", "ca-central-1b", "ca-central-1d")),
        ("ap-northeast-1", ("ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d")),
        ("ap-southeast-6", ("ap-southeast-6a", "ap-southeast-6b", "ap-southeast-6c")),
        ("us-gov-west-1", None),
        ("cn-north-1", None),
        ("eu-west-9", None),
        ("eu-west-1a", None),
        ("", None),
    ],
)
def test_zones_of_a_region(region: str, expected: tuple[str, ...] | None) -> None:
    assert aws.zones(region) == expected


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("eu-central-1", "eu"),
        ("eu-south-2", "eu"),
        ("eu-west-2", "uk"),
        ("eu-central-2", "ch"),
        ("us-west-2", "us"),
        ("ca-central-1", "ca"),
        ("ap-southeast-6", "nz"),
        ("nowhere-1", None),
    ],
)
def test_geography_of_a_region(region: str, expected: str | None) -> None:
    assert aws.geography(region) == expected


def test_fargate_has_the_sizes_that_aws_publishes() -> None:
    sizes = aws.fargate_sizes()
    assert {units: (min(memories), max(memories), len(memories)) for units, memories in sizes.items()} == {
        256: (512, 2048, 3),
        512: (1024, 4096, 4),
        1024: (2048, 8192, 7),
        2048: (4096, 16384, 13),
        4096: (8192, 30720, 23),
        8192: (16384, 61440, 12),
        16384: (32768, 122880, 12),
    }
    assert sizes[256] == (512, 1024, 2048)
    assert all(list(memories) == sorted(set(memories)) for memories in sizes.values())


@pytest.mark.parametrize(
    ("milli", "count", "expected"),
    [
        pytest.param(1, 1, (256, 512), id="anything"),
        pytest.param(250, 512 * MIB, (256, 512), id="the smallest task"),
        pytest.param(251, 512 * MIB, (512, 1024), id="a little more cpu"),
        pytest.param(250, 512 * MIB + 1, (256, 1024), id="a little more memory"),
        pytest.param(100, 1536 * MIB, (256, 2048), id="no such memory"),
        pytest.param(250, 3 * GIB, (512, 3072), id="memory that takes more cpu"),
        pytest.param(1000, GIB, (1024, 2048), id="cpu that takes more memory"),
        pytest.param(2000, 16 * GIB, (2048, 16384), id="two full cores"),
        pytest.param(4000, 31 * GIB, (8192, 32768), id="beyond four cores"),
        pytest.param(8000, 17 * GIB, (8192, 20480), id="steps of four"),
        pytest.param(16000, 120 * GIB, (16384, 122880), id="the largest task"),
        pytest.param(16001, GIB, None, id="too much cpu"),
        pytest.param(250, 120 * GIB + 1, None, id="too much memory"),
    ],
)
def test_the_smallest_task(milli: int, count: int, expected: tuple[int, int] | None) -> None:
    assert aws.fargate(milli, count) == expected


@pytest.mark.parametrize(
    ("milli", "count", "aurora", "expected"),
    [
        (500, GIB, False, "db.t4g.micro"),
        (500, GIB + 1, False, "db.t4g.small"),
        (1000, 4 * GIB, False, "db.t4g.medium"),
        (2000, 8 * GIB, False, "db.m7g.large"),
        (2000, 16 * GIB, False, "db.r7g.large"),
        (2001, 8 * GIB, False, "db.m7g.xlarge"),
        (4000, 32 * GIB, False, "db.r7g.xlarge"),
        (64000, 512 * GIB, False, "db.r7g.16xlarge"),
        (64001, GIB, False, None),
        (1000, 513 * GIB, False, None),
        (500, GIB, True, "db.t4g.medium"),
        (2000, 8 * GIB, True, "db.t4g.large"),
        (4000, 8 * GIB, True, "db.r7g.xlarge"),
        (32000, 128 * GIB, True, "db.r7g.8xlarge"),
        (65000, GIB, True, None),
    ],
)
def test_the_smallest_class_of_a_database(milli: int, count: int, aurora: bool, expected: str | None) -> None:
    assert aws.database_class(milli, count, aurora=aurora) == expected


@pytest.mark.parametrize("aurora", [False, True])
def test_no_smaller_class_would_have_held_it(aurora: bool) -> None:
    sizes = FACTS["database_classes"]["sizes"]
    for milli, gib in itertools.product((100, 2000, 4000, 8000, 16000, 48000, 64000), (1, 8, 16, 64, 256, 512)):
        name = aws.database_class(milli, gib * GIB, aurora=aurora)
        assert name is not None
        assert sizes[name][0] * 1000 >= milli
        assert sizes[name][1] >= gib
        below = [
            other for other, (cores, held) in sizes.items() if cores * 1000 >= milli and gib <= held < sizes[name][1]
        ]
        assert aurora or not below


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, "cache.t4g.micro"),
        (512 * MIB, "cache.t4g.micro"),
        (512 * MIB + 1, "cache.t4g.small"),
        (3 * GIB, "cache.t4g.medium"),
        (4 * GIB, "cache.m7g.large"),
        (13 * GIB, "cache.r7g.large"),
        (419 * GIB, "cache.r7g.16xlarge"),
        (420 * GIB, None),
    ],
)
def test_the_smallest_node_of_a_cache(count: int, expected: str | None) -> None:
    assert aws.cache_node(count) == expected


def test_nodes_of_a_cache_grow() -> None:
    held = list(FACTS["cache_nodes"]["sizes"].values())
    assert held == sorted(held)


@pytest.mark.parametrize(
    ("kind", "version", "aurora", "expected"),
    [
        ("postgres", "13", False, "2026-02-28"),
        ("postgres", "13.21", False, "2026-02-28"),
        ("mysql", "8.0", False, "2026-07-31"),
        ("mysql", "8.0.40", False, "2026-07-31"),
        ("mysql", "5.7", True, "2024-10-31"),
        ("mysql", "5.7.44", True, "2024-10-31"),
        ("postgres", "12", True, "2025-02-28"),
        ("kubernetes", "1.33", False, "2026-07-29"),
        ("kubernetes", "1.33.4", False, "2026-07-29"),
    ],
)
def test_a_line_has_ended(kind: str, version: str, aurora: bool, expected: str) -> None:
    assert aws.ended(kind, version, aurora=aurora) == expected


@pytest.mark.parametrize(
    ("kind", "version", "aurora"),
    [
        pytest.param("postgres", "14", False, id="ends next year"),
        pytest.param("postgres", "18", False, id="end not known"),
        pytest.param("mysql", "8.4", False, id="supported for long"),
        pytest.param("mysql", "8.0", True, id="Aurora keeps it for longer"),
        pytest.param("kubernetes", "1.34", False, id="ends next week"),
        pytest.param("kubernetes", "1.36", False, id="the newest"),
        pytest.param("valkey", "8", False, id="no days are known"),
        pytest.param("mysql", "8.0.40", True, id="a patch of what Aurora keeps"),
        pytest.param("mysql", "8.4.9", False, id="a patch of what is supported"),
        pytest.param("mysql", "80", False, id="another line"),
        pytest.param("kubernetes", "1", False, id="no line"),
    ],
)
def test_a_line_has_not_ended(kind: str, version: str, aurora: bool) -> None:
    assert aws.ended(kind, version, aurora=aurora) is None


def test_lines_end_in_their_order() -> None:
    for entry in FACTS["ended"].values():
        days = [datetime.date.fromisoformat(day) for day in entry["lines"].values()]
        assert days == sorted(days)


@pytest.mark.parametrize("name", ["abc", "shop-prod-media-123456789012", "a.b.c", "1a2", "x" * 63, "192.168.5.a"])
def test_a_bucket_can_have_a_name(name: str) -> None:
    assert aws.bucket_name_problem(name) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ab", "3 to 63"),
        ("x" * 64, "3 to 63"),
        ("Shop", "lower-case"),
        ("shop_prod", "lower-case"),
        ("-shop", "begins and ends"),
        ("shop-", "begins and ends"),
        ("shop.", "begins and ends"),
        ("shop\n", "lower-case"),
        ("shop..prod", "two dots"),
        ("192.168.5.4", "no address"),
        ("xn--shop", "begin with xn--"),
        ("sthree-shop", "begin with sthree-"),
        ("amzn-s3-demo-shop", "begin with amzn-s3-demo-"),
        ("shop-s3alias", "end with -s3alias"),
        ("shop--ol-s3", "end with --ol-s3"),
        ("shop.mrap", "end with .mrap"),
        ("shop--x-s3", "end with --x-s3"),
        ("shop--table-s3", "end with --table-s3"),
    ],
)
def test_no_bucket_can_have_a_name(name: str, reason: str) -> None:
    assert reason in (aws.bucket_name_problem(name) or "")
