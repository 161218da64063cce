"""What a cloud has nothing against, close to what it refuses; the refusals are in fixtures/rejects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from generator.finding import Severity
from generator.spec import load

LONG = "a" * 31
WEB = "services:\n  web: {runtime: node, port: 3000}\n"
AWS = "cloud: {provider: aws, region: eu-west-1}\n"
ECS = f"{AWS}platform: {{compute: ecs}}\n"


def env(text: str) -> str:
    return f'services:\n  web: {{runtime: node, port: 3000, env: {{VALUE: "{text}"}}}}\n'


def network(settings: str, region: str = "eu-west-1") -> str:
    return f"{WEB}cloud: {{provider: aws, region: {region}, network: {{{settings}}}}}\n"


def two(accounts: str, dev: str, prod: str) -> str:
    return (
        f"{WEB}cloud: {{provider: aws, region: eu-west-1, account: {accounts}}}\n"
        f"environments:\n  dev: {{cloud: {dev}}}\n  prod: {{cloud: {prod}}}\n"
    )


ONE, OTHER = '{dev: "111111111111", prod: "111111111111"}', '{dev: "111111111111", prod: "222222222222"}'


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(network("zones: 2", "us-west-1"), id="as many zones as there are"),
        pytest.param(network("cidr: 10.0.0.0/16"), id="the largest network"),
        pytest.param(network("cidr: 192.168.8.0/23"), id="the smallest network of three zones"),
        pytest.param(network("cidr: 172.31.0.0/21, zones: 6", "us-east-1"), id="the smallest network of six zones"),
        pytest.param(network("cidr: 100.64.0.0/16"), id="a shared range"),
        pytest.param(network("existing: vpc-0a1b2c3d, zones: 1, cidr: 8.8.8.8/32"), id="a network that exists"),
        pytest.param(two(OTHER, "{}", "{}"), id="one range in two accounts"),
        pytest.param(two(ONE, "{}", "{network: {cidr: 10.1.0.0/16}}"), id="two ranges in one account"),
        pytest.param(two(ONE, "{}", "{region: eu-west-3}"), id="one range in two regions"),
        pytest.param(two("{}", "{}", "{}"), id="one range in accounts that nobody named"),
        pytest.param(env("${db.url}") + ECS + "resources: {db: postgres}\n", id="a whole secret on ECS"),
        pytest.param(env("at ${db.host}:${db.port}") + ECS + "resources: {db: postgres}\n", id="no secret within text"),
        pytest.param(env("url=${c.url}") + ECS + "resources: {c: valkey}\n", id="a cache's address within text"),
        pytest.param(env("user:${db.password}") + AWS + "resources: {db: postgres}\n", id="composed by a cluster"),
        pytest.param(
            env("${db.password}") + ECS + "resources: {db: {type: postgres, credentials: managed}}\n",
            id="the cloud's own password, whole",
        ),
        pytest.param(f"{WEB}{AWS}resources: {{{LONG}: bucket}}\n", id="a bucket whose name is cut"),
        pytest.param(
            f"{WEB}{AWS}resources: {{a: bucket}}\nenvironments: {{{LONG}: {{}}}}\n", id="an environment of a long name"
        ),
        pytest.param(
            "services:\n  report: {runtime: go, schedule: '0 0 13 * *'}\n  two: {runtime: go, schedule: '0 0 * * 5'}\n"
            + ECS,
            id="a day, and a weekday",
        ),
        pytest.param("services:\n  report: {runtime: go, schedule: '0 0 13 * 5'}\n" + AWS, id="both, in a cluster"),
        pytest.param(f"{WEB}{AWS}delivery: {{maintenance_window: 'sun 03:00-03:10 UTC'}}\n", id="a window for nothing"),
        pytest.param(
            f"{WEB}{AWS}resources: {{db: postgres, c: valkey}}\n"
            "delivery: {maintenance_window: 'sun 23:30-00:30 Europe/Berlin'}\n",
            id="the shortest window",
        ),
        pytest.param(
            f"{WEB}cloud: {{provider: aws, region: eu-west-1, dr_region: eu-central-1}}\n"
            "compliance: {data_residency: [eu, us]}\n",
            id="regions where data may stay",
        ),
        pytest.param(
            f"{WEB}{AWS}platform: {{cluster: shared, kubernetes: {{version: '1.31'}}}}\n", id="not our cluster"
        ),
        pytest.param(
            "services:\n  web: {runtime: node, port: 3000, size: {cpu: 16, memory: 60Gi, cpu_limit: none}}\n" + ECS,
            id="the largest task",
        ),
    ],
)
@pytest.mark.parametrize("app", ["shop", LONG])
def test_nothing_is_said_of_what_the_cloud_can_do(spec_file: Callable[[str], Path], app: str, text: str) -> None:
    loaded = load(spec_file(f"apiVersion: groundplan/v1\napp: {app}\nowner: team-shop\n{text}"))
    said = [found for found in loaded.findings if found.severity > Severity.INFO and found.rule != "spec/no-receiver"]
    assert [f"{found.at} {found.rule}" for found in said] == []
    assert loaded.product is not None
