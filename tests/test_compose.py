"""compose.yaml: what runs on one machine, and how it is kept from the rest of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import pipeline, spec

HEAD = "apiVersion: groundplan/v1\napp: shop\nowner: team-shop\nservices:\n"


@pytest.fixture
def compose(spec_file: Callable[[str], Path]) -> Callable[[str], dict[str, Any]]:
    def make(text: str) -> dict[str, Any]:
        loaded = spec.load(spec_file(HEAD + text))
        assert loaded.product is not None, loaded.findings
        files = {file.path: file.text for file in pipeline.generate(loaded.product)}
        made = yaml.safe_load(files["compose.yaml"])
        made["example"] = files.get(".env.example", "")
        assert isinstance(made, dict)
        return made

    return make


def test_only_public_services_are_published_and_on_this_machine_alone(compose: Any) -> None:
    web = "  web: {runtime: node, port: 3000, public: a.example.com, calls: [api]}\n"
    made = compose(f"{web}  api: {{runtime: go, port: 80}}\n")
    assert made["services"]["web"]["ports"] == ["127.0.0.1:3000:3000"]
    assert made["services"]["web"]["networks"] == ["edge", "backend"]
    assert "ports" not in made["services"]["api"]
    assert made["services"]["api"]["networks"] == ["backend"]
    assert made["networks"]["backend"] == {"internal": True}


def test_two_public_services_never_share_a_host_port(compose: Any) -> None:
    names = ("a", "b")
    made = compose("".join(f"  {name}: {{runtime: node, port: 3000, public: {name}.example.com}}\n" for name in names))
    assert made["services"]["b"]["ports"] == ["127.0.0.1:3001:3000"]


def test_a_service_with_egress_reaches_the_outside(compose: Any) -> None:
    made = compose("  w: {runtime: go, egress: [203.0.113.0/24]}\n")
    assert made["services"]["w"]["networks"] == ["edge", "backend"]


@pytest.mark.parametrize("kind", ["postgres", "mysql", "mongodb", "valkey", "queue", "bucket"])
def test_every_stand_in_is_hardened_healthy_and_waited_for(compose: Any, kind: str) -> None:
    made = compose(f"  w: {{runtime: go, uses: [store]}}\nresources: {{store: {{type: {kind}}}}}\n")
    store = made["services"]["store"]
    assert "@sha256:" in store["image"]
    assert store["read_only"] is True
    assert store["cap_drop"] == ["ALL"]
    assert store["networks"] == ["backend"]
    assert store["user"] != "0:0"
    assert store["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert made["services"]["w"]["depends_on"] == {"store": {"condition": "service_healthy"}}
    assert "ports" not in store


def test_no_password_is_written_and_every_name_it_needs_is_in_the_example(compose: Any) -> None:
    made = compose(
        '  w: {runtime: go, env: {URL: "${db.url}", KEY: "${secret.key}"}}\n'
        "resources: {db: {type: postgres}}\nsecrets: {key: {}}\n"
    )
    environment = made["services"]["w"]["environment"]
    assert environment["URL"] == "postgres://shop:${DB_PASSWORD:?set it in .env}@db:5432/shop"
    assert environment["KEY"] == "${KEY:?set it in .env}"
    assert made["secrets"]["db-password"] == {"environment": "DB_PASSWORD"}
    assert [line for line in made["example"].splitlines() if not line.startswith("#")] == ["DB_PASSWORD=", "KEY="]


def test_a_migration_runs_once_before_its_service(compose: Any) -> None:
    made = compose("  api: {runtime: python, port: 8000, migrate: python -m x}\n")
    assert made["services"]["api-migrate"]["entrypoint"] == ["python", "-m", "x"]
    assert made["services"]["api-migrate"]["restart"] == "no"
    assert made["services"]["api"]["depends_on"] == {"api-migrate": {"condition": "service_completed_successfully"}}


def test_jobs_run_when_asked(compose: Any) -> None:
    made = compose('  report: {runtime: python, schedule: "15 3 * * *"}\n')
    assert made["services"]["report"]["profiles"] == ["jobs"]
