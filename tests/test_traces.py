"""Traces: what is kept, by whom it is decided, and that the same service has one name everywhere."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import policy, render, spec
from generator.artifact import RenderedFile
from generator.checkers import Settings, compose, kubernetes
from generator.document import SourceFile
from generator.finding import Severity
from generator.targets.monitoring import scraping, traces
from tests.conftest import APPS

TODAY = policy.Context(today="2026-11-23")
HEAD = "apiVersion: groundplan/v1\napp: shop\nowner: team-shop\n"
WEB = "services:\n  web: {runtime: node, port: 3000, public: shop.example.com}\n"
KUBERNETES = "monitoring/traces/prod/kubernetes"
Made = dict[str, RenderedFile]


@pytest.fixture
def made(spec_file: Callable[[str], Path]) -> Callable[[str], Made]:
    def make(text: str) -> Made:
        loaded = spec.load(spec_file(HEAD + text))
        assert loaded.product is not None, loaded.findings
        return files_of(loaded.product)

    return make


def files_of(product: Any) -> Made:
    return {artifact.path: render.render_one(artifact, "groundplan.yaml") for artifact in traces.plan(product)}


def product_of(app: str) -> Any:
    loaded = spec.load(APPS / app / "groundplan.yaml")
    assert loaded.product is not None, loaded.findings
    return loaded.product


def monitored(store: str = "jaeger", more: str = "") -> str:
    return f"{WEB}monitoring: {{traces: {{store: {store}{more}}}}}\n"


def read(files: Made, path: str) -> Any:
    return yaml.safe_load(files[path].text)


def judged(files: Made) -> list[tuple[str, str, str]]:
    sources = [SourceFile(file.path, file.text) for file in files.values()]
    outcome = policy.judge(sources, policy.rules(), TODAY)
    kept = policy.waive(policy.deduplicate(outcome.findings), sources, today=TODAY.today)
    return [(f.rule, str(f.at), f.message) for f in kept.findings if f.severity >= Severity.LOW]


@pytest.mark.parametrize("app", ["shop", "ecs", "smallest", "every-kind", "voting-app"])
def test_no_rule_finds_anything_in_an_example(app: str) -> None:
    assert judged(files_of(product_of(app))) == []


@pytest.mark.parametrize("store", ["jaeger", "tempo"])
def test_no_rule_finds_anything_in_a_variant(made: Any, store: str) -> None:
    assert judged(made(monitored(store))) == []


@pytest.mark.parametrize("store", ["jaeger", "tempo"])
def test_every_file_parses_and_every_line_has_a_cause(made: Any, store: str) -> None:
    for path, file in made(monitored(store)).items():
        assert isinstance(yaml.safe_load(file.text), dict), path
        assert len(file.origins) == len(file.text.splitlines())
        assert all(origin.causes for origin in file.origins), path


@pytest.mark.parametrize("app", ["shop", "ecs"])
def test_the_limiter_is_first_and_the_batch_last(app: str) -> None:
    for path, file in files_of(product_of(app)).items():
        service = yaml.safe_load(file.text).get("service") or {}
        for pipeline in service.get("pipelines", {}).values():
            assert pipeline["processors"][0] == "memory_limiter", path
            assert pipeline["processors"][-1] == "batch", path


def named(files: Made) -> dict[str, Any]:
    policies = read(files, f"{KUBERNETES}/gateway.yaml")["processors"]["tail_sampling"]["policies"]
    return {policy["name"]: policy for policy in policies}


@pytest.mark.parametrize(
    ("sampling", "names"),
    [
        ("{errors: 100, slow: 2s, rest: 10}", ["errors", "slow", "rest"]),
        ("{errors: 50, slow: 2s, rest: 0}", ["errors", "slow"]),
        ("{errors: 0, slow: 2s, rest: 5}", ["slow", "rest"]),
    ],
)
def test_what_is_not_wanted_has_no_policy(made: Any, sampling: str, names: list[str]) -> None:
    assert list(named(made(monitored(more=f", sampling: {sampling}")))) == names


def test_the_numbers_are_those_of_the_spec(made: Any) -> None:
    policies = named(made(monitored(more=", sampling: {errors: 40, slow: 1500ms, rest: 7}")))
    errors, rest = (policies[name]["and"]["and_sub_policy"] for name in ("errors", "rest"))
    assert errors[0]["status_code"]["status_codes"] == ["ERROR"]
    assert errors[1]["probabilistic"]["sampling_percentage"] == 40
    assert policies["slow"]["latency"]["threshold_ms"] == 1500
    assert rest[0]["probabilistic"]["sampling_percentage"] == 7
    assert rest[1]["type"] == "rate_limiting"


@pytest.mark.parametrize(("slow", "wait"), [("100ms", "10s"), ("4s", "10s"), ("20s", "40s")])
def test_a_decision_waits_until_a_trace_can_be_slow(made: Any, slow: str, wait: str) -> None:
    files = made(monitored(more=f", sampling: {{errors: 100, slow: {slow}, rest: 1}}"))
    assert read(files, f"{KUBERNETES}/gateway.yaml")["processors"]["tail_sampling"]["decision_wait"] == wait


def test_traces_are_kept_as_long_as_the_spec_says(made: Any) -> None:
    jaeger = made(monitored(more=", keep: 3d"))
    cleaner = read(jaeger, f"{KUBERNETES}/jaeger-cronjob.yaml")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    days, _, prefix = cleaner["containers"][0]["args"]
    kept = read(jaeger, f"{KUBERNETES}/jaeger.yaml")["extensions"]["jaeger_storage"]["backends"]["traces"]
    assert days == "3"
    assert prefix == f"--index-prefix={kept['elasticsearch']['indices']['index_prefix']}" == "--index-prefix=shop-prod"
    storage = read(jaeger, "monitoring/traces/compose/jaeger.yaml")["extensions"]["jaeger_storage"]
    assert storage["backends"]["traces"]["badger"]["ttl"]["spans"] == "72h"
    tempo = made(monitored("tempo", ", keep: 3d"))
    assert read(tempo, f"{KUBERNETES}/tempo.yaml")["compactor"]["compaction"]["block_retention"] == "72h"


def test_agents_send_a_trace_to_one_gateway(made: Any) -> None:
    files = made(monitored())
    agent = read(files, f"{KUBERNETES}/agent.yaml")
    balanced = agent["exporters"]["load_balancing/traces"]
    service = read(files, f"{KUBERNETES}/gateway-service.yaml")
    assert balanced["routing_key"] == "traceID"
    assert balanced["resolver"]["dns"]["hostname"].split(".")[0] == service["metadata"]["name"]
    assert service["spec"]["clusterIP"] == "None"
    assert {8888, 8889} <= {port["port"] for port in service["spec"]["ports"]}


@pytest.mark.parametrize("store", ["jaeger", "tempo"])
def test_kustomize_builds_it(made: Any, store: str, tmp_path: Path) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not here")
    for path, file in made(monitored(store)).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(file.text, encoding="utf-8")
    done = subprocess.run(
        ["kubectl", "kustomize", str(tmp_path / KUBERNETES)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    objects = list(yaml.safe_load_all(done.stdout))
    maps = {item["metadata"]["name"] for item in objects if item["kind"] == "ConfigMap"}
    used = {
        volume["configMap"]["name"]
        for item in objects
        if item["kind"] in {"DaemonSet", "Deployment", "StatefulSet"}
        for volume in item["spec"]["template"]["spec"]["volumes"]
        if "configMap" in volume
    }
    assert used == maps
    assert len(maps) == 3


@pytest.mark.parametrize("word", ["true", "no", "null", "1e3", "0x10", "012", "2026-11-23"])
def test_a_word_that_yaml_takes_for_something_else_stays_a_word(spec_file: Callable[[str], Path], word: str) -> None:
    text = HEAD.replace("team-shop", f'"{word}"') + f'tags: {{centre: "{word}"}}\n{monitored()}'
    loaded = spec.load(spec_file(text))
    assert loaded.product is not None, loaded.findings
    labels = read(files_of(loaded.product), f"{KUBERNETES}/agent-daemonset.yaml")["metadata"]["labels"]
    assert (labels["owner"], labels["centre"]) == (word, word)


@pytest.mark.parametrize("hostile", ["a: b # c", "{{ app }}", "x]: &y *z", "${env:HOME}"])
def test_what_is_no_label_is_refused_before_anything_is_rendered(
    spec_file: Callable[[str], Path], hostile: str
) -> None:
    loaded = spec.load(spec_file(HEAD.replace("team-shop", f"'{hostile}'") + monitored()))
    assert loaded.product is None
    assert [finding.rule for finding in loaded.findings] == ["spec/wrong-form"]


ALL = sorted(path.parent.name for path in APPS.glob("*/groundplan.yaml"))


@pytest.mark.parametrize("app", ALL)
def test_every_example_is_whole_and_the_same_twice(app: str, tmp_path: Path) -> None:
    files = files_of(product_of(app))
    assert {path: file.text for path, file in files_of(product_of(app)).items()} == {
        path: file.text for path, file in files.items()
    }
    for file in files.values():
        assert all(origin.causes for origin in file.origins), file.path
        body = yaml.safe_load(file.text)
        for pipeline in body.get("service", {}).get("pipelines", {}).values():
            for part in ("receivers", "processors", "exporters"):
                assert pipeline[part], file.path
                assert set(pipeline[part]) <= set(body[part]), file.path
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not here; the rest holds")
    for path, file in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(file.text, encoding="utf-8")
    for folder in sorted(tmp_path.glob("monitoring/traces/*/kubernetes")):
        done = subprocess.run(
            ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("app", ["shop", "ecs", "smallest"])
def test_the_schemas_of_kubernetes_and_compose_agree(app: str, tmp_path: Path) -> None:
    product = product_of(app)
    overlay = {artifact.path: artifact for artifact in scraping.plan(product)}["compose.monitoring.yaml"]
    files = [*files_of(product).values(), render.render_one(overlay, "groundplan.yaml")]
    assert "collector" in yaml.safe_load(files[-1].text)["services"]
    sources = [SourceFile(file.path, file.text) for file in files]
    settings = Settings(cache=tmp_path)
    for outcome in (kubernetes.check(sources, settings), compose.check(sources, settings)):
        assert [(f.rule, str(f.at), f.message) for f in outcome.findings] == []
        assert outcome.not_checked == ()


@pytest.mark.parametrize("store", ["jaeger", "tempo"])
def test_a_laptop_switches_the_libraries_on(spec_file: Callable[[str], Path], store: str) -> None:
    product = spec.load(spec_file(HEAD + monitored(store))).product
    assert product is not None
    services = traces.compose_services(product)
    assert set(services) == {"web", "collector", store}
    told = {name: value.value for name, value in services["web"].value["environment"].items()}
    assert told["OTEL_SDK_DISABLED"] == "false"
    assert told["OTEL_SERVICE_NAME"] == "web"
    assert told["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector:4318"
    collector = read(files_of(product), "monitoring/traces/compose/collector.yaml")
    assert collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"] == "collector:4318"
    assert collector["exporters"]["otlp_grpc/store"]["endpoint"] == f"{store}:4317"


def test_what_the_user_sets_stays(spec_file: Callable[[str], Path]) -> None:
    own = WEB.replace("port: 3000", 'port: 3000, env: {OTEL_SDK_DISABLED: "true"}')
    product = spec.load(spec_file(HEAD + own)).product
    assert product is not None
    assert "OTEL_SDK_DISABLED" not in traces.compose_services(product)["web"].value["environment"]


def test_jaeger_and_its_cleaner_reach_the_store_by_one_login() -> None:
    files = files_of(product_of("shop"))
    folder = "monitoring/traces/prod/kubernetes"
    kept = read(files, f"{folder}/jaeger.yaml")["extensions"]["jaeger_storage"]["backends"]["traces"]["elasticsearch"]
    assert kept["server_urls"] == ["https://elasticsearch.monitoring.svc:9200"]
    pod = read(files, f"{folder}/jaeger-deployment.yaml")["spec"]["template"]["spec"]
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    names = {volume["name"]: volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    assert names == {"store": "trace-store"}
    assert kept["auth"]["basic"]["password_file"] == f"{mounts['store']}/password"
    assert kept["tls"]["ca_file"] == f"{mounts['store']}/ca.crt"
    job = read(files, f"{folder}/jaeger-cronjob.yaml")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    variables = {one["name"]: one.get("value") for one in job["containers"][0]["env"]}
    assert variables["ES_USERNAME"] == kept["auth"]["basic"]["username"]
    assert variables["ES_TLS_CA"] == kept["tls"]["ca_file"]
    assert job["containers"][0]["args"][1] == kept["server_urls"][0]
