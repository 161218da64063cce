"""Roots for combinations that no example shows, judged by the static check, which knows every name and argument."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator import checkers, pipeline, spec
from generator.checkers import terraform
from generator.finding import Severity

HEAD = """apiVersion: groundplan/v1
app: shop
owner: team-shop
cloud: {{provider: aws, region: eu-west-1, dr_region: eu-central-1, domain: example.com{network}}}
platform: {{compute: {compute}{cluster}}}
services:
  web:
    runtime: node
    port: 3000
    public: shop.example.com
    env:
      DATABASE_URL: ${{db.url}}
      CACHE: ${{cache.url}}
      BUCKET: ${{uploads.name}}
      QUEUE: ${{jobs.url}}
      KEY: ${{key.value}}
      STRIPE: ${{secret.stripe}}
  worker: {{runtime: go, uses: [jobs, events]}}
resources:
  db: {{type: {engine}, aurora: {aurora}, backup: {{copy_to_dr: true, every: 6h}}}}
  cache: {{type: valkey}}
  uploads: {{type: bucket, replicate: true}}
  pages: {{type: cdn, origin: uploads, host: files.example.com}}
  jobs: {{type: queue, ordered: true}}
  events: {{type: topic}}
  key: {{type: secret, rotate: 30d}}
"""
SECRETS = "secrets: {{stripe: {{}}}}\n"
RECOVERY = "disaster_recovery: {{rto: 7d, rpo: 2d, strategy: {strategy}}}\n"
PLAIN = {"network": "", "cluster": "", "engine": "postgres", "aurora": "false"}


def judged(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "groundplan.yaml").write_text(text, encoding="utf-8")
    loaded = spec.load(tmp_path / "groundplan.yaml")
    assert [f.message for f in loaded.findings if f.severity >= Severity.MEDIUM] == []
    assert loaded.product is not None
    files = [file for file in pipeline.generate(loaded.product) if file.target == "terraform"]
    outcome = terraform.check(files, checkers.Settings(cache=tmp_path))
    assert len(outcome.passes) > 50
    return [f"{f.at} {f.rule} {f.message}" for f in outcome.findings]


@pytest.mark.parametrize("aurora", ["true", "false"])
@pytest.mark.parametrize("strategy", ["backup-restore", "pilot-light", "warm-standby", "active-active"])
@pytest.mark.parametrize("compute", ["kubernetes", "ecs"])
def test_every_strategy_of_recovery(compute: str, strategy: str, aurora: str, tmp_path: Path) -> None:
    words = {**PLAIN, "compute": compute, "aurora": aurora}
    assert judged(tmp_path, (HEAD + SECRETS + RECOVERY).format(**words, strategy=strategy)) == []


@pytest.mark.parametrize("engine", ["postgres", "mysql"])
@pytest.mark.parametrize("cluster", ["", ", cluster: platform"])
@pytest.mark.parametrize("network", ["", ", network: {existing: vpc-0a1b2c3d4e5f60718}"])
@pytest.mark.parametrize("compute", ["kubernetes", "ecs"])
def test_what_exists_is_used(compute: str, network: str, cluster: str, engine: str, tmp_path: Path) -> None:
    words = {**PLAIN, "compute": compute, "network": network, "cluster": cluster, "engine": engine}
    assert judged(tmp_path, (HEAD + SECRETS).format(**words)) == []
