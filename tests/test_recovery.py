"""What a lost region costs, as tables: data lost, time away, and the arithmetic that a person reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from generator import data, layers, recovery
from generator.model import Spec
from generator.recovery import Reached, Step, spoken
from generator.spec import load

SPEC = """\
apiVersion: groundplan/v1
app: shop
owner: team-shop
cloud: {provider: aws, region: eu-west-1, dr_region: eu-central-1}
services:
  web: {runtime: node, port: 3000}
"""
PLAN = "disaster_recovery: {{rto: 30d, rpo: 30d, strategy: {strategy}, failover: {failover}}}\n"
FOLLOWED = ("pilot-light", "warm-standby", "active-active")


@pytest.fixture
def spec(spec_file: Callable[[str], Path]) -> Callable[..., Spec]:
    def made(strategy: str, resources: str = "", failover: str = "manual") -> Spec:
        text = SPEC + PLAN.format(strategy=strategy, failover=failover)
        loaded = load(spec_file(text + (f"resources:\n{resources}" if resources else "")))
        assert loaded.product is not None, loaded.findings
        return loaded.product.environments["prod"]

    return made


def reached(spec: Spec) -> dict[str, tuple[tuple[int, str], ...] | None]:
    """Each store with the seconds and causes of its steps."""
    assert spec.disaster_recovery is not None
    return {
        resource.name: None if found.steps is None else tuple((step.seconds, step.cause) for step in found.steps)
        for resource, found in recovery.data_loss(spec, spec.disaster_recovery)
    }


COPY, LAG = 3600, 900
REPLICA = ((LAG, "disaster_recovery.strategy"),)


def backups(name: str, every: int) -> tuple[tuple[int, str], ...]:
    path = f"resources.{name}.backup"
    return ((every, f"{path}.every"), (COPY, f"{path}.copy_to_dr"))


@pytest.mark.parametrize(
    ("strategy", "resource", "steps"),
    [
        ("backup-restore", "{type: postgres}", None),
        ("backup-restore", "{type: postgres, backup: {every: 1h}}", None),
        ("backup-restore", "{type: postgres, backup: {copy_to_dr: true}}", ((1800, "resources.it.backup.copy_to_dr"),)),
        ("backup-restore", "{type: mysql, backup: {copy_to_dr: true}}", ((1800, "resources.it.backup.copy_to_dr"),)),
        (
            "backup-restore",
            "{type: postgres, aurora: true, backup: {every: 6h, copy_to_dr: true}}",
            backups("it", 21_600),
        ),
        ("backup-restore", "{type: mysql, aurora: true, backup: {every: 6h}}", None),
        *((strategy, "{type: postgres}", REPLICA) for strategy in FOLLOWED),
        *((strategy, "{type: mysql, aurora: true}", REPLICA) for strategy in FOLLOWED),
        *((strategy, "{type: postgres, backup: {copy_to_dr: true}}", REPLICA) for strategy in FOLLOWED),
        *((strategy, "{type: bucket}", None) for strategy in ("backup-restore", *FOLLOWED)),
        *(
            (strategy, "{type: bucket, replicate: true}", ((900, "resources.it.replicate"),))
            for strategy in ("backup-restore", *FOLLOWED)
        ),
        ("backup-restore", "{type: bucket, backup: {every: 1d, copy_to_dr: true}}", backups("it", 86_400)),
        ("active-active", "{type: bucket, backup: {every: 12h, copy_to_dr: true}}", backups("it", 43_200)),
        (
            "backup-restore",
            "{type: bucket, replicate: true, backup: {every: 1d, copy_to_dr: true}}",
            ((900, "resources.it.replicate"),),
        ),
    ],
)
def test_how_old_the_copy_of_a_store_may_be(
    spec: Callable[..., Spec], strategy: str, resource: str, steps: tuple[tuple[int, str], ...] | None
) -> None:
    made = spec(strategy, f"  it: {resource}\n")
    assert reached(made) == {"it": steps}
    for _, cause in steps or ():
        assert layers.locate(made.tree, cause).at.line, "every cause stands in the spec or beside it"


def test_only_stores_hold_what_exists_nowhere_else(spec: Callable[..., Spec]) -> None:
    resources = "  db: postgres\n  cache: valkey\n  jobs: queue\n  news: topic\n  scans: bucket\n  key: secret\n"
    assert list(reached(spec("warm-standby", resources))) == ["db", "scans"]


@pytest.mark.parametrize(
    ("strategy", "failover", "names"),
    [
        ("backup-restore", "manual", "detection decision build restore dns"),
        ("backup-restore", "automatic", "detection decision build restore dns"),
        ("pilot-light", "manual", "detection decision build promotion dns"),
        ("pilot-light", "automatic", "detection decision build promotion dns"),
        ("warm-standby", "manual", "detection decision promotion dns"),
        ("warm-standby", "automatic", "detection promotion dns"),
        ("active-active", "manual", "detection decision promotion dns"),
        ("active-active", "automatic", "detection promotion dns"),
    ],
)
def test_how_long_the_product_is_away(spec: Callable[..., Spec], strategy: str, failover: str, names: str) -> None:
    plan = spec(strategy, failover=failover).disaster_recovery
    assert plan is not None
    facts = data.load("schemas/data/recovery.json")["aws"]
    found = recovery.time_away(plan)
    assert found.subject == f"the product with {strategy}"
    assert found.steps is not None
    assert [(step.says, step.seconds) for step in found.steps] == [
        (facts[name]["says"], facts[name]["seconds"]) for name in names.split()
    ]
    causes = dict(zip(names.split(), (step.cause for step in found.steps), strict=True))
    assert causes["detection"] == causes["dns"] == ""
    assert causes.get("build", "disaster_recovery.strategy") == "disaster_recovery.strategy"


def test_standing_by_is_never_slower_than_building() -> None:
    def away(strategy: str, failover: str) -> int:
        from generator.model import DisasterRecovery

        plan = DisasterRecovery(
            path="disaster_recovery", rto="1h", rpo="1h", strategy=strategy, drill="90d", failover=failover
        )
        return recovery.time_away(plan).seconds or 0

    for failover in ("manual", "automatic"):
        times = [away(strategy, failover) for strategy in ("backup-restore", *FOLLOWED)]
        assert times == sorted(times, reverse=True)
    assert all(away(strategy, "automatic") <= away(strategy, "manual") for strategy in FOLLOWED)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0s"),
        (1, "1s"),
        (59, "59s"),
        (60, "1m"),
        (90, "1m 30s"),
        (3600, "1h"),
        (5400, "1h 30m"),
        (3601, "1h 1s"),
        (86_399, "23h 59m 59s"),
        (90_000, "25h"),
    ],
)
def test_seconds_are_said_as_people_do(count: int, said: str) -> None:
    assert spoken(count) == said


@pytest.mark.parametrize(
    ("steps", "count", "said"),
    [
        (None, None, "nothing is copied to the second region"),
        ((Step("logs are behind", 900, ""),), 900, "15m (logs are behind)"),
        (
            (Step("a backup every 1h", 3600, "a"), Step("a copy", 1830, "")),
            5430,
            "1h (a backup every 1h) + 30m 30s (a copy) = 1h 30m 30s",
        ),
        ((Step("a", 1, ""), Step("b", 2, ""), Step("c", 60, "")), 63, "1s (a) + 2s (b) + 1m (c) = 1m 3s"),
    ],
)
def test_the_arithmetic_is_shown(steps: tuple[Step, ...] | None, count: int | None, said: str) -> None:
    found = Reached("db", steps)
    assert (found.seconds, found.arithmetic) == (count, said)


@pytest.mark.parametrize(
    ("plan", "resource", "said"),
    [
        ("{rto: 30d, rpo: 30m}", "{type: postgres, backup: {copy_to_dr: true}}", None),
        ("{rto: 30d, rpo: 29m}", "{type: postgres, backup: {copy_to_dr: true}}", "a longer `rpo`, or a `strategy`"),
        ("{rto: 30d, rpo: 29m}", "{type: postgres}", "`backup.copy_to_dr: true`, or a `strategy`"),
        ("{rto: 30d, rpo: 15m, strategy: pilot-light}", "{type: postgres}", None),
        ("{rto: 30d, rpo: 14m, strategy: pilot-light}", "{type: postgres}", "write a longer `rpo`"),
        ("{rto: 30d, rpo: 15m}", "{type: bucket, replicate: true}", None),
        ("{rto: 30d, rpo: 14m}", "{type: bucket, replicate: true}", "write a longer `rpo`"),
        ("{rto: 30d, rpo: 2h}", "{type: bucket, backup: {every: 1h, copy_to_dr: true}}", None),
        ("{rto: 30d, rpo: 2h}", "{type: bucket, backup: {every: 2h, copy_to_dr: true}}", "a shorter `backup.every`"),
        ("{rto: 30d, rpo: 2h}", "{type: bucket}", "or a `backup` with `copy_to_dr`"),
    ],
)
def test_a_loss_beyond_what_was_asked_is_said_with_a_way_out(
    spec_file: Callable[[str], Path], plan: str, resource: str, said: str | None
) -> None:
    loaded = load(spec_file(f"{SPEC}disaster_recovery: {plan}\nresources:\n  it: {resource}\n"))
    fixes = [finding.fix for finding in loaded.findings if finding.rule == "dr/rpo-not-met"]
    assert len(fixes) == (said is not None)
    assert all(said in fix for fix in fixes if said is not None)


@pytest.mark.parametrize(
    ("rto", "failover", "met"), [("12m30s", "automatic", None), ("13m", "automatic", True), ("12m", "automatic", False)]
)
def test_the_time_asked_for_is_met_to_the_minute(
    spec_file: Callable[[str], Path], rto: str, failover: str, met: bool | None
) -> None:
    plan = f"disaster_recovery: {{rto: {rto}, rpo: 1h, strategy: warm-standby, failover: {failover}}}\n"
    loaded = load(spec_file(SPEC + plan))
    rules = {finding.rule for finding in loaded.findings}
    if met is None:
        assert "spec/wrong-form" in rules, "one number and one unit"
    else:
        assert ("dr/rto-not-met" in rules) is not met


def test_every_number_has_a_source() -> None:
    for name, fact in data.load("schemas/data/recovery.json")["aws"].items():
        assert isinstance(fact["seconds"], int), name
        assert fact["seconds"] > 0, name
        assert fact["source"], name
        assert (fact["source"] == "assumption") <= ("assumed" in fact["says"]), name
