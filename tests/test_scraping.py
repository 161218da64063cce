"""What is scraped: held to the real promtool and kustomize, to the schemas of the operator, and to our own rules."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import data, policy, spec
from generator.checkers import Settings, compose, kubernetes
from generator.document import SourceFile
from generator.model import Product
from generator.render import render_one
from generator.targets.monitoring import scraping
from generator.targets.monitoring.scraping import cloudwatch, laptop
from tests.conftest import APPS

HEAD = "apiVersion: groundplan/v1\napp: shop\nowner: team-shop\n"
WEB = "services:\n  web: {runtime: node, port: 3000, metrics: {port: 9464}}\n"
EXAMPLES = sorted(
    path.name
    for path in APPS.iterdir()
    if (path / "groundplan.yaml").is_file() and not path.name.startswith("runtime-")  # these are images alone
)
PROD = "monitoring/prometheus/prod"
OBJECTS = f"{PROD}/kubernetes"
Files = dict[str, str]
Make = Callable[[str], Files]


def files_of(product: Product) -> Files:
    return {made.path: made.text for made in (render_one(one, product.spec_path) for one in scraping.plan(product))}


def product(name: str) -> Product:
    loaded = spec.load(APPS / name / "groundplan.yaml")
    assert loaded.product is not None
    return loaded.product


@functools.cache
def example(name: str) -> Files:
    return files_of(product(name))


@pytest.fixture
def make(spec_file: Callable[[str], Path]) -> Make:
    def made(text: str) -> Files:
        loaded = spec.load(spec_file(HEAD + text + "environments: {prod: {}}\n"))
        assert loaded.product is not None, loaded.findings
        return files_of(loaded.product)

    return made


def document(text: str) -> dict[str, Any]:
    read = yaml.safe_load(text)
    assert isinstance(read, dict)
    return read


def jobs(text: str) -> dict[str, dict[str, Any]]:
    return {job["job_name"]: job for job in document(text)["scrape_configs"]}


def without_discovery(text: str) -> str:
    """What this promtool may not be built with (discovery in Kubernetes and ECS), as fixed targets."""
    read = document(text)
    for job in read["scrape_configs"]:
        if job.pop("aws_sd_configs", None) or job.pop("kubernetes_sd_configs", None):
            job["static_configs"] = [{"targets": ["found:9090"]}]
    return yaml.safe_dump(read)


# every example


@pytest.mark.parametrize("app", EXAMPLES)
def test_promtool_takes_every_configuration(app: str, tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: no configuration was shown to it")
    found = {path: text for path, text in example(app).items() if Path(path).name.startswith("prometheus.")}
    plain = {path: text for path, text in found.items() if "scrape_configs:" in text}
    assert plain, "each product has at least the laptop's configuration"
    skipped = []
    for number, (path, text) in enumerate(plain.items()):
        file = tmp_path / f"{number}.yaml"
        if re.search(r"(?:aws|kubernetes)_sd_configs", text):
            skipped.append(path)
        file.write_text(without_discovery(text), encoding="utf-8")
        ran = subprocess.run([promtool, "check", "config", str(file)], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"{path}: {ran.stdout}{ran.stderr}"
    if skipped:
        pytest.skip(f"not checked: discovery of {', '.join(skipped)}; promtool accepts the rest")


@pytest.mark.parametrize("app", EXAMPLES)
def test_schemas_know_every_object(app: str, tmp_path: Path) -> None:
    sources = [SourceFile(path, text) for path, text in example(app).items()]
    settings = Settings(cache=tmp_path)
    for outcome in (kubernetes.check(sources, settings), compose.check(sources, settings)):
        assert [(str(one.at), one.message) for one in outcome.findings] == []
        assert outcome.not_checked == ()


@pytest.mark.parametrize("app", EXAMPLES)
def test_no_rule_of_ours_objects(app: str) -> None:
    ours = [rule for rule in policy.rules() if not rule.id.startswith("cross/")]
    sources = [SourceFile(path, text) for path, text in example(app).items()]
    outcome = policy.judge(sources, ours, policy.Context(today="2026-11-23"))
    found = [f"{one.at} {one.rule} {one.message}" for one in outcome.findings if one.severity.name != "INFO"]
    # the log shipper's own dependency is judged with the part that writes it
    assert [one for one in found if "compose/starts-too-early" not in one] == []


@pytest.mark.parametrize("app", EXAMPLES)
def test_kustomize_builds_every_environment(app: str, tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed: kustomize was not run")
    for path, text in example(app).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    for file in sorted(tmp_path.rglob("kustomization.yaml")):
        ran = subprocess.run([kubectl, "kustomize", file.parent], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        built = [one for one in yaml.safe_load_all(ran.stdout) if one]
        assert len(built) == len(document(file.read_text("utf-8"))["resources"])


@pytest.mark.parametrize("app", EXAMPLES)
def test_every_line_has_an_origin(app: str) -> None:
    one = product(app)
    for artifact in scraping.plan(one):
        made = render_one(artifact, one.spec_path)
        assert len(made.origins) == len(made.text.splitlines()), made.path
        assert all(origin.causes for origin in made.origins), made.path


@pytest.mark.parametrize("app", EXAMPLES)
def test_cloudwatch_is_asked_for_all_that_rules_read(app: str) -> None:
    for one in product(app).environments.values():
        assert cloudwatch.unknown(one) == []


def test_the_same_product_makes_the_same_files() -> None:
    assert files_of(product("shop")) == files_of(product("shop"))


# what is written where


@pytest.mark.parametrize(
    ("platform", "there", "absent"),
    [
        ("", f"{OBJECTS}/servicemonitor-web.yaml", f"{PROD}/prometheus.yaml"),
        ("monitoring: {metrics: {operator: false}}\n", f"{PROD}/prometheus.yaml", f"{OBJECTS}/kustomization.yaml"),
        (
            "platform: {compute: ecs}\ncloud: {provider: aws, region: eu-west-1}\n",
            *(f"{PROD}/prometheus.yaml", f"{OBJECTS}/kustomization.yaml"),
        ),
        ("cloud: {provider: aws, region: eu-west-1}\n", f"{OBJECTS}/scrapeconfig-cloudwatch.yaml", "compose.none"),
        ("", laptop.FILE, f"{PROD}/cloudwatch.yaml"),
        ("targets: [kubernetes]\n", f"{OBJECTS}/prometheus.yaml", laptop.FILE),
    ],
)
def test_file_is_where_the_platform_wants_it(make: Make, platform: str, there: str, absent: str) -> None:
    made = make(platform + WEB)
    assert there in made
    assert absent not in made


@pytest.mark.parametrize(
    ("platform", "discovery"),
    [
        ("monitoring: {metrics: {operator: false}}\n", "kubernetes_sd_configs"),
        ("platform: {compute: ecs}\ncloud: {provider: aws, region: eu-west-1}\n", "aws_sd_configs"),
    ],
)
def test_job_is_named_for_the_service(make: Make, platform: str, discovery: str) -> None:
    job = jobs(make(platform + WEB)[f"{PROD}/prometheus.yaml"])["web"]
    assert discovery in job
    assert {"target_label": "namespace", "replacement": "shop-prod"} in job["relabel_configs"]
    assert job["sample_limit"] > 0


def test_laptop_asks_the_service_by_its_name(make: Make) -> None:
    job = jobs(make(WEB)[f"{PROD}/{laptop.CONFIGURATION}"])["web"]
    assert job["static_configs"] == [{"targets": ["web:9464"], "labels": {"namespace": "shop-prod"}}]


def test_worker_without_a_service_is_found_by_its_pods(make: Make) -> None:
    made = make("services:\n  work: {runtime: node, type: worker, metrics: {port: 9464}}\n")
    monitor = document(made[f"{OBJECTS}/podmonitor-work.yaml"])
    assert monitor["spec"]["jobLabel"] == "app.kubernetes.io/name"
    assert monitor["spec"]["podMetricsEndpoints"][0]["port"] == "metrics"


def test_pushed_metrics_get_the_labels_of_scraped_ones(make: Make) -> None:
    made = make("services:\n  web: {runtime: node, port: 3000, metrics: {profile: otel}}\n")
    body = document(made[f"{OBJECTS}/scrapeconfig-pushed.yaml"])["spec"]
    assert body["honorLabels"] is True
    assert body["metricRelabelings"][0]["regex"] == "shop-prod/.+"
    assert [one.get("targetLabel") for one in body["metricRelabelings"]] == [None, "namespace", "job"]


@pytest.mark.parametrize(
    ("interval", "timeout"), [("15s", "10s"), ("30s", "10s"), ("6s", "4s"), ("1s", "666ms"), ("1m", "10s")]
)
def test_timeout_is_shorter_than_the_interval(make: Make, interval: str, timeout: str) -> None:
    made = make(f"monitoring: {{metrics: {{interval: {interval}}}}}\n{WEB}")
    server = document(made[f"{OBJECTS}/prometheus.yaml"])["spec"]
    assert (server["scrapeInterval"], server["scrapeTimeout"]) == (interval, timeout)


@pytest.mark.parametrize(("app", "environment", "replicas"), [("shop", "dev", 1), ("shop", "prod", 2)])
def test_strict_environment_has_two_servers_and_a_budget(app: str, environment: str, replicas: int) -> None:
    folder = f"monitoring/prometheus/{environment}/kubernetes"
    server = document(example(app)[f"{folder}/prometheus.yaml"])["spec"]
    assert server["replicas"] == replicas
    assert server["retention"] == "15d"
    assert server["externalLabels"] == {"app": "shop", "environment": environment}
    assert (f"{folder}/poddisruptionbudget.yaml" in example(app)) == (replicas > 1)


def test_prometheus_selects_its_objects_and_no_others() -> None:
    made = example("shop")
    server = document(made["monitoring/prometheus/prod/kubernetes/prometheus.yaml"])["spec"]
    kinds = {"ServiceMonitor": "serviceMonitor", "PodMonitor": "podMonitor", "PrometheusRule": "rule"}
    kinds["ScrapeConfig"] = "scrapeConfig"
    seen = set()
    for path, text in made.items():
        read = document(text) if "/kubernetes/" in path else {}
        if read.get("kind") in kinds:
            wanted = server[f"{kinds[read['kind']]}Selector"]["matchLabels"]
            labels = read["metadata"]["labels"]
            assert all(labels[key] == value for key, value in wanted.items()) == ("/prod/" in path), path
            seen.add(read["kind"])
    assert seen == set(kinds)


# CloudWatch


def test_cloudwatch_is_asked_for_our_resources_only() -> None:
    read = document(example("ecs")["monitoring/prometheus/prod/cloudwatch.yaml"])
    asked = {(job["namespace"], *(one["value"] for one in job["dimensions"])) for job in read["static"]}
    assert ("AWS/RDS", "tickets-prod-db") in asked
    assert ("AWS/ECS", "tickets-prod", "tickets-prod-api") in asked
    assert ("AWS/SQS", "tickets-prod-bookings.fifo") in asked
    assert all(any(part.startswith("tickets-prod") for part in one[1:]) for one in asked)
    found = read["discovery"]["jobs"]
    assert [job["type"] for job in found] == ["AWS/ElastiCache"]
    assert {one["key"]: one["value"] for one in found[0]["searchTags"]}["environment"] == "^prod$"


# a laptop


def test_exporters_stand_beside_the_stand_ins(make: Make) -> None:
    stores = "resources: {db: {type: postgres}, cache: {type: valkey}, old: {type: mysql}, jobs: {type: queue}}\n"
    web = "services:\n  web: {runtime: node, port: 3000, uses: [db, cache, old, jobs], metrics: {port: 9464}}\n"
    made = make(stores + web)
    services = document(made[laptop.FILE])["services"]
    assert {name for name in services if name.endswith("-exporter")} == {
        "db-exporter",
        "cache-exporter",
        "old-exporter",
    }
    scraped = jobs(made[f"{PROD}/{laptop.CONFIGURATION}"])
    assert scraped["db"]["static_configs"][0]["targets"] == ["db-exporter:9187"]
    assert scraped["cache"]["static_configs"][0]["labels"] == {"namespace": "shop-prod"}


@pytest.mark.parametrize("app", EXAMPLES)
def test_laptop_opens_ports_to_itself_only(app: str) -> None:
    services = document(example(app)[laptop.FILE])["services"]
    opened = [port for body in services.values() for port in body.get("ports", [])]
    assert opened
    assert all(port.startswith("127.0.0.1:") for port in opened)
    assert len({port.split(":")[1] for port in opened}) == len(opened)


def test_what_logs_and_traces_say_of_a_service_stands_together() -> None:
    service = document(example("shop")[laptop.FILE])["services"]["web"]
    assert {"logging", "environment"} <= set(service)


def test_every_image_has_a_version_and_a_source() -> None:
    for name, one in data.load("schemas/data/monitoring-images.json")["images"].items():
        assert one["version"] in one["image"], name
        assert one["source"].startswith("https://"), name


# values that are not ours


@pytest.mark.parametrize("value", ["no", "on", "0550", "1e3", "0x10", "null", "1.10"])
def test_value_of_a_tag_comes_back_as_it_was(make: Make, value: str) -> None:
    quoted = value.replace("'", "''")
    made = make(f"tags: {{note: '{quoted}'}}\n{WEB}")
    assert document(made[f"{OBJECTS}/prometheus.yaml"])["metadata"]["labels"]["note"] == value


def test_long_names_stay_within_limits(make: Make) -> None:
    long = "a" * 28
    made = make(f"services:\n  {long}: {{runtime: node, port: 3000, metrics: {{port: 9464}}}}\n")
    for path, text in made.items():
        if path.startswith(OBJECTS) and not path.endswith("kustomization.yaml"):
            assert len(document(text)["metadata"]["name"]) <= 63, path
