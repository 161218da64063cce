"""Logs: what is shipped, shaped, redacted, and how long it is kept."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import data, policy, render, spec
from generator.artifact import RenderedFile
from generator.document import SourceFile
from generator.finding import Severity
from generator.policy.monitoring import conftree
from generator.targets.monitoring import logs
from generator.targets.monitoring.logs import pipeline, record, store
from tests.conftest import APPS

TODAY = policy.Context(today="2026-11-23")
HEAD = "apiVersion: groundplan/v1\napp: shop\nowner: team-shop\n"
WEB = "services:\n  web: {runtime: node, port: 3000, public: shop.example.com}\n"
Made = dict[str, RenderedFile]


@pytest.fixture
def made(spec_file: Callable[[str], Path]) -> Callable[[str], Made]:
    def make(text: str) -> Made:
        loaded = spec.load(spec_file(HEAD + text))
        assert loaded.product is not None, loaded.findings
        return files_of(loaded.product)

    return make


def files_of(product: Any) -> Made:
    return {artifact.path: render.render_one(artifact, "groundplan.yaml") for artifact in logs.plan(product)}


def product_of(app: str) -> Any:
    loaded = spec.load(APPS / app / "groundplan.yaml")
    assert loaded.product is not None, loaded.findings
    return loaded.product


def monitored(shipper: str = "fluent-bit", kind: str = "elasticsearch", more: str = "") -> str:
    return f"{WEB}monitoring: {{logs: {{shipper: {shipper}, store: {kind}{more}}}}}\n"


EVERY = [(shipper, kind) for shipper in ("fluent-bit", "fluentd") for kind in ("elasticsearch", "loki")]
KUBERNETES = "monitoring/logs/prod/kubernetes"


def judged(files: Made) -> Any:
    sources = [SourceFile(file.path, file.text) for file in files.values()]
    outcome = policy.judge(sources, policy.rules(), TODAY)
    return policy.waive(policy.deduplicate(outcome.findings), sources, today=TODAY.today)


# All of it


@pytest.mark.parametrize("app", ["shop", "ecs", "smallest", "every-kind", "voting-app", "petclinic"])
def test_no_rule_finds_anything_in_an_example(app: str) -> None:
    found = [f for f in judged(files_of(product_of(app))).findings if f.severity >= Severity.LOW]
    assert [(finding.rule, str(finding.at), finding.message) for finding in found] == []


@pytest.mark.parametrize(("shipper", "kind"), EVERY)
def test_no_rule_finds_anything_in_a_variant(made: Any, shipper: str, kind: str) -> None:
    found = [f for f in judged(made(monitored(shipper, kind))).findings if f.severity >= Severity.LOW]
    assert [(finding.rule, str(finding.at), finding.message) for finding in found] == []


@pytest.mark.parametrize(("shipper", "kind"), EVERY)
def test_every_file_parses_and_every_line_has_a_cause(made: Any, shipper: str, kind: str) -> None:
    for path, file in made(monitored(shipper, kind)).items():
        if path.endswith(".yaml"):
            assert isinstance(yaml.safe_load(file.text), dict)
        elif path.endswith(".json"):
            json.loads(file.text)
        elif path.endswith(".ndjson"):
            assert all(json.loads(line) for line in file.text.splitlines())
        elif path.endswith(".conf"):
            assert conftree.read(file.text, path, "fluentd").get("problems").plain == []  # type: ignore[union-attr]
        assert len(file.origins) == file.text.count("\n")
        assert all(origin.causes for origin in file.origins), path
        assert file.text.endswith("\n")
        assert not re.search(r"[ \t]+$", file.text, re.M), path


@pytest.mark.parametrize(
    ("path", "text", "cause"),
    [
        ("monitoring/logs/prod/elasticsearch/ilm-policies/shop-prod-logs.json", '"30d"', "monitoring.logs.keep"),
        (
            "monitoring/logs/prod/elasticsearch/ilm-policies/shop-prod-audit.json",
            '"400d"',
            "monitoring.logs.audit_keep",
        ),
        (f"{KUBERNETES}/fluent-bit.yaml", "index: logs-shop-prod", "monitoring.logs.store"),
        (f"{KUBERNETES}/fluent-bit.yaml", "name: node-trace", "services.web.runtime.name"),
        (f"{KUBERNETES}/daemonset.yaml", "image: ", "monitoring.logs.shipper"),
        (f"{KUBERNETES}/podmonitor.yaml", "interval: 15s", "monitoring.metrics.interval"),
    ],
)
def test_a_line_answers_with_the_key_behind_it(made: Any, path: str, text: str, cause: str) -> None:
    file = made(monitored())[path]
    line = next(index for index, line in enumerate(file.text.splitlines()) if text in line)
    assert any(known == cause or known.startswith(f"{cause}.") for known in file.origins[line].causes)


def test_two_generations_are_the_same_bytes(made: Any) -> None:
    once, again = made(monitored()), made(monitored())
    assert {path: file.text for path, file in once.items()} == {path: file.text for path, file in again.items()}


@pytest.mark.parametrize("owner", ["team: {{ x }}", "${HOME} $(id)", "näme 🙂", "no"])
def test_a_hostile_owner_comes_back_equal(spec_file: Callable[[str], Path], owner: str) -> None:
    text = HEAD.replace("team-shop", json.dumps(owner, ensure_ascii=False)) + WEB
    loaded = spec.load(spec_file(text))
    if loaded.product is None:
        assert loaded.findings
        return
    daemonset = yaml.safe_load(files_of(loaded.product)[f"{KUBERNETES}/daemonset.yaml"].text)
    assert daemonset["metadata"]["labels"]["owner"] == loaded.product.base.owner


@pytest.mark.parametrize("text", ['a"b', "a\\b", "${HOME}", "]]--", "é\n"])
def test_a_lua_literal_holds_any_text(text: str) -> None:
    written = record.lua_string(text)
    assert "${" not in written
    assert written.isascii()
    assert "\n" not in written
    back = re.sub(r"\\(\d{3})", lambda match: chr(int(match[1])), written[1:-1]).encode("latin-1").decode()
    assert back == text


# Fluent Bit


def fluent_bit(files: Made, path: str = f"{KUBERNETES}/fluent-bit.yaml") -> dict[str, Any]:
    found = yaml.safe_load(files[path].text)
    assert isinstance(found, dict)
    return found


def test_nothing_is_unbounded(made: Any) -> None:
    found = fluent_bit(made(monitored()))
    (source,) = found["pipeline"]["inputs"]
    assert source["storage.type"] == "filesystem"
    assert source["mem_buf_limit"]
    assert found["service"]["storage.path"]
    for output in found["pipeline"]["outputs"]:
        assert isinstance(output["retry_limit"], int)
        assert output["storage.total_limit_size"]


def test_it_reads_its_own_namespace_and_remembers_where(made: Any) -> None:
    (source,) = fluent_bit(made(monitored()))["pipeline"]["inputs"]
    assert source["path"] == "/var/log/containers/*_shop-prod_*.log"
    assert source["db"].startswith(pipeline.STATE)
    assert source["multiline.parser"] == "docker, cri"


def test_audit_records_go_to_a_stream_of_their_own(made: Any) -> None:
    outputs = fluent_bit(made(monitored()))["pipeline"]["outputs"]
    assert {output["match"]: output["index"] for output in outputs} == {
        "kube.*": "logs-shop-prod",
        "audit.*": "logs-shop.audit-prod",
    }
    assert all(o["write_operation"] == "create" and o["suppress_type_name"] and o["tls.verify"] for o in outputs)


def test_no_key_stands_in_the_configuration(made: Any) -> None:
    found = fluent_bit(made(monitored()))
    assert found["env"] == [
        {"name": "LOG_STORE_KEY", "uri": "file:///var/run/secrets/log-store/key", "refresh_interval": 300}
    ]
    assert {output["http_api_key"] for output in found["pipeline"]["outputs"]} == {"${LOG_STORE_KEY}"}


@pytest.mark.parametrize(
    ("runtime", "parser"),
    [
        ("java", "java"),
        ("python", "python"),
        ("go", "go"),
        ("ruby", "ruby"),
        ("node", "node-trace"),
        ("php", "php-trace"),
    ],
)
def test_each_runtime_has_the_parser_of_its_traces(made: Any, runtime: str, parser: str) -> None:
    found = fluent_bit(made(f"services:\n  web: {{runtime: {runtime}, port: 8080}}\n"))
    first = found["pipeline"]["filters"][0]
    assert (first["name"], first["multiline.parser"]) == ("multiline", parser)
    own = [made_parser["name"] for made_parser in found.get("multiline_parsers", [])]
    assert own == ([parser] if parser.endswith("-trace") else [])


def test_a_product_without_traces_has_no_multiline_filter(made: Any) -> None:
    found = fluent_bit(made("services:\n  web: {image: 'nginx:1.29.3', port: 8080}\n"))
    assert [one["name"] for one in found["pipeline"]["filters"]] == ["kubernetes", "lua", "rewrite_tag"]


TRACES = {
    "node": "TypeError: no function\n    at web (/app/a.js:1:2)\n    at main (/app/b.js:3:4) {\n  code: 'E1'\n}",
    "dotnet": "Unhandled exception. System.InvalidOperationException: no\n   at Shop.Web.Run() in /src/a.cs:line 3",
    "php": "PHP Fatal error:  Uncaught Exception: no in a.php:3\nStack trace:\n#0 b.php(4): run()\n  thrown in a.php",
    "rust": "thread 'main' panicked at src/main.rs:2:5:\nno such thing\nnote: run with `RUST_BACKTRACE=1`",
}
PLAIN = ['{"level":"info","msg":"ready"}', "GET /health 200", "  indented text", "listening on :3000", ""]


def joined(runtime: str, lines: list[str]) -> list[str]:
    """What Fluent Bit's engine makes of lines: a state machine over the rules of a parser."""
    rules = record.OWN_TRACES[runtime]
    made: list[str] = []
    state = ""
    for line in lines:
        following = [
            to for name, pattern, to in rules if state and name == state and record.words(pattern).search(line)
        ]
        opening = [to for name, pattern, to in rules if name == "start_state" and record.words(pattern).search(line)]
        if following:
            made[-1] += f"\n{line}"
            state = following[0]
        else:
            made.append(line)
            state = opening[0] if opening else ""
    return made


@pytest.mark.parametrize("runtime", TRACES)
def test_a_trace_becomes_one_line_and_others_stay(runtime: str) -> None:
    trace = TRACES[runtime]
    assert joined(runtime, [*PLAIN, *trace.split("\n"), *PLAIN]) == [*PLAIN, trace, *PLAIN]


def test_every_runtime_of_ours_has_a_trace_to_try() -> None:
    assert set(TRACES) == set(record.OWN_TRACES)


def test_loki_has_a_stream_for_each_service_and_loses_nobody(made: Any) -> None:
    text = monitored(kind="loki").replace("services:\n", "services:\n  api: {runtime: go, port: 80}\n")
    found = fluent_bit(made(text))
    outputs = found["pipeline"]["outputs"]
    attributes = [
        {step["key"]: step["value"] for step in output["processors"]["logs"] if step["name"] == "content_modifier"}
        for output in outputs
    ]
    assert [one["service.name"] for one in attributes] == ["api", "web", "shop", "shop"]
    assert {one["service.namespace"] for one in attributes} == {"shop-prod"}
    assert attributes[-1]["log.type"] == "audit"
    assert {output["logs_uri"] for output in outputs} == {"/otlp/v1/logs"}
    assert not any(output["name"] == "loki" for output in outputs)
    rules = found["pipeline"]["filters"][-1]["rule"]
    emitted = {rule.split()[2] for rule in rules}
    assert {output["match"] for output in outputs} == (emitted - {"audit.$TAG"}) | {"audit.*"}


@pytest.mark.parametrize("kind", ["elasticsearch", "loki"])
@pytest.mark.parametrize("path", [f"{KUBERNETES}/fluent-bit.yaml", "monitoring/logs/compose/fluent-bit.yaml"])
def test_every_plugin_and_option_is_documented(made: Any, kind: str, path: str) -> None:
    facts = data.load("schemas/data/fluentbit.json")
    found = fluent_bit(made(monitored(kind=kind)), path)
    assert set(found["service"]) <= set(facts["service"])
    for sections, section in (("inputs", "input"), ("filters", "filter"), ("outputs", "output")):
        for one in found["pipeline"][sections]:
            assert one["name"] in facts["plugins"][section]
            known = {*facts["options"][section][one["name"]], *facts["common"][section]}
            strange = [key for key in one if key not in known and not key.startswith(tuple(facts["prefixes"]))]
            assert strange == [], one["name"]
    assert set(record.BUILT_IN.values()) <= set(facts["parsers"]["multiline"])


def test_every_image_has_its_version_and_where_it_was_read() -> None:
    facts = data.load("schemas/data/monitoring-images-logs.json")
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", facts["date"])
    for image in facts["images"].values():
        assert image["version"] in image["image"].rpartition(":")[2]
        assert image["source"].startswith("https://")
        assert image.get("released", "2000-01-01") <= facts["date"]
        assert not image["image"].endswith(":latest")


# The record


@pytest.fixture
def shape(made: Any) -> Callable[..., dict[str, Any]]:
    """The Lua of the generated file, run by the Lua that Fluent Bit has."""
    lua = pytest.importorskip("lupa.luajit21", reason="LuaJIT is not installed: not checked")
    filters = fluent_bit(made(monitored()))["pipeline"]["filters"]
    runtime = lua.LuaRuntime()
    runtime.execute(next(one["code"] for one in filters if one["name"] == "lua"))

    def table(value: Any) -> Any:
        if isinstance(value, dict):
            return runtime.table_from({key: table(inner) for key, inner in value.items()})
        return value

    def plain(value: Any) -> Any:
        if lua.lua_type(value) == "table":
            return {key: plain(inner) for key, inner in value.items()}
        return value

    def run(fields: dict[str, Any], tag: str = "kube.var.log.containers.x") -> dict[str, Any]:
        code, _, found = runtime.globals().shape(tag, 1.0, table(fields))
        assert code == 2
        answer = plain(found)
        assert isinstance(answer, dict)
        return answer

    return run


POD = {"labels": {"app.kubernetes.io/name": "web", "app.kubernetes.io/version": "1.2"}, "pod_name": "web-1"}


def test_names_are_those_of_metrics_and_traces(shape: Any) -> None:
    found = shape({"log": "hello", "kubernetes": POD, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"})
    assert found["service"] == {"name": "web", "namespace": "shop-prod", "version": "1.2"}
    assert found["environment"] == "prod"
    assert found["message"] == "hello"
    assert found["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert found["kubernetes"] == {"pod_name": "web-1"}
    assert "log" not in found


def test_on_a_laptop_the_tag_tells_the_service(shape: Any) -> None:
    assert shape({"message": "x"}, "compose.api")["service"]["name"] == "api"


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ({"level": 30}, "info"),
        ({"level": 60}, "fatal"),
        ({"severity": "ERROR"}, "error"),
        ({"levelname": "Warning"}, "warn"),
    ],
)
def test_levels_have_one_spelling(shape: Any, given: dict[str, Any], level: str) -> None:
    assert shape({"msg": "x", **given})["level"] == level


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abc.DEF-1_2", "abc.DEF-1_2"),
        ("authorization=Basic dXNlcjpwdw==", "dXNlcjpwdw"),
        ("got eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl back", "c2lnbmF0dXJl"),
        ("postgres://shop:pa55@db:5432/shop", "pa55"),
        ("login with password=hunter2&x=1", "hunter2"),
        ('{"password": "two words"}', "two words"),
        ("api_key: 0a1b2c", "0a1b2c"),
        ("paid with 4111 1111 1111 1111 today", "4111 1111"),
        ("paid with 5500-0000-0000-0004", "0000-0004"),
        ("key AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7EXAMPLE"),
    ],
)
def test_a_secret_in_a_text_does_not_leave(shape: Any, text: str, secret: str) -> None:
    found = shape({"log": text, "inner": {"again": text}})
    assert secret not in json.dumps(found)
    assert record.REDACTED in found["message"]
    assert record.REDACTED in found["inner"]["again"]


@pytest.mark.parametrize(
    "text",
    [
        "at 1732371213000 and 1732371213000000000 ns",
        "order 4111111111111112 shipped",
        "trace 4bf92f3577b34da6a3ce929d0e0e4736",
        "GET https://shop.example.com/a?page=2 200",
        "the basics of tokens",
        "2026-11-23T10:00:00.000Z ready",
    ],
)
def test_what_is_no_secret_stays(shape: Any, text: str) -> None:
    assert shape({"log": text})["message"] == text


@pytest.mark.parametrize(
    "key", ["Authorization", "Set-Cookie", "password", "X-Api-Key", "db_password", "refresh_token"]
)
def test_a_field_named_for_a_secret_is_emptied(shape: Any, key: str) -> None:
    found = shape({"log": "x", "headers": {key: "s3cr3t", "accept": "json"}})
    assert found["headers"] == {key: record.REDACTED, "accept": "json"}


def test_a_second_time_does_not_make_the_document_invalid(shape: Any) -> None:
    assert not {"@timestamp", "time", "_p"} & set(shape({"log": "x", "@timestamp": "1", "time": "2", "_p": "F"}))


# Fluentd


def test_fluentd_buffers_on_disk_and_waits_when_full(made: Any) -> None:
    text = made(monitored("fluentd"))[f"{KUBERNETES}/fluentd.conf"].text
    assert text.count("@type file") == text.count("overflow_action block") == text.count("retry_timeout") == 2
    assert "retry_forever" not in text
    assert "index_name logs-shop-prod\n" in text
    assert "index_name logs-shop.audit-prod\n" in text
    assert "languages js\n" in text


def test_fluentd_removes_the_same_keys(made: Any) -> None:
    text = made(monitored("fluentd"))[f"{KUBERNETES}/fluentd.conf"].text
    removed = re.search(r"remove_keys (authorization\S+)", text)
    assert removed is not None
    assert tuple(removed[1].split(",")) == record.SECRET_KEYS


# Retention


@pytest.mark.parametrize(
    ("keep", "rollover"),
    [("30d", "1d"), ("400d", "1d"), ("60d", "1d"), ("7d", "5h"), ("3d", "2h"), ("1d", "1h"), ("6h", "1h")],
)
def test_an_index_rolls_over_in_a_thirtieth_of_the_time(keep: str, rollover: str) -> None:
    phases = store.lifecycle(keep, "monitoring.logs.keep")["policy"]["phases"]
    assert phases["hot"]["actions"]["rollover"].value["max_age"] == rollover
    assert phases["delete"]["min_age"].value == keep


@pytest.mark.parametrize(("keep", "hours"), [("30d", "720h"), ("400d", "9600h"), ("36h", "36h"), ("1h", "24h")])
def test_loki_keeps_at_least_a_day(keep: str, hours: str) -> None:
    assert store.hours(keep) == hours


def test_an_environment_may_keep_for_another_time(made: Any) -> None:
    text = monitored(more=", keep: 90d") + ("environments:\n  dev: {monitoring: {logs: {keep: 7d}}}\n  prod: {}\n")
    files = made(text)
    for environment, keep, copies in (("dev", "7d", 0), ("prod", "90d", 1)):
        folder = f"monitoring/logs/{environment}/elasticsearch"
        found = json.loads(files[f"{folder}/ilm-policies/shop-{environment}-logs.json"].text)
        assert found["policy"]["phases"]["delete"]["min_age"] == keep
        settings = json.loads(files[f"{folder}/component-templates/shop-{environment}-logs-settings.json"].text)
        assert settings["template"]["settings"]["index"]["number_of_replicas"] == copies


def test_templates_name_what_there_is(made: Any) -> None:
    files = made(monitored())
    folder = "monitoring/logs/prod/elasticsearch"
    names = {kind: {Path(p).stem for p in files if p.startswith(f"{folder}/{kind}/")} for kind in KINDS}
    for name in names["index-templates"]:
        found = json.loads(files[f"{folder}/index-templates/{name}.json"].text)
        assert set(found["composed_of"]) <= names["component-templates"]
        assert found["data_stream"] == {}
        assert found["priority"] > 100
    for name in names["component-templates"]:
        index = json.loads(files[f"{folder}/component-templates/{name}.json"].text)["template"].get("settings", {})
        if index:
            assert index["index"]["lifecycle"]["name"] in names["ilm-policies"]


KINDS = ("ilm-policies", "component-templates", "index-templates")


def test_loki_keeps_each_environment_as_long_as_it_says(made: Any) -> None:
    text = monitored(kind="loki") + "environments:\n  dev: {monitoring: {logs: {keep: 7d}}}\n  prod: {}\n"
    limits = yaml.safe_load(made(text)["monitoring/logs/loki/loki.yaml"].text)["limits_config"]
    periods = {one["selector"]: one["period"] for one in limits["retention_stream"]}
    assert periods['{service_namespace="shop-dev"}'] == "168h"
    assert periods['{service_namespace="shop-prod"}'] == "720h"
    assert periods['{service_namespace="shop-prod", log_type="audit"}'] == "9600h"


def test_the_script_puts_each_file_where_it_belongs(made: Any, tmp_path: Path) -> None:
    files = made(monitored())
    for path, file in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(file.text, encoding="utf-8")
    fake = tmp_path / "bin" / "curl"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$*" >> "$CALLS"\n', encoding="utf-8")
    fake.chmod(0o755)
    calls = tmp_path / "calls"
    environment = {
        "PATH": f"{fake.parent}:{os.environ['PATH']}",
        "CALLS": str(calls),
        "ELASTICSEARCH_URL": "https://es.example.com:9200/",
        "KIBANA_URL": "https://kibana.example.com",
        "KIBANA_OBJECTS": "shop.ndjson",
    }
    script = tmp_path / "monitoring/logs/prod/elasticsearch/apply.sh"
    subprocess.run(["/bin/sh", str(script)], env=environment, check=True, capture_output=True)
    addresses = [line.split()[-1] for line in calls.read_text(encoding="utf-8").splitlines()]
    assert [address.removeprefix("https://es.example.com:9200/") for address in addresses] == [
        "_ilm/policy/shop-prod-audit",
        "_ilm/policy/shop-prod-logs",
        "_component_template/shop-prod-audit-settings",
        "_component_template/shop-prod-logs-mappings",
        "_component_template/shop-prod-logs-settings",
        "_index_template/shop-prod-audit",
        "_index_template/shop-prod-logs",
        "https://kibana.example.com/api/saved_objects/_import?overwrite=true",
    ]


def test_the_script_says_what_it_needs(made: Any, tmp_path: Path) -> None:
    script = tmp_path / "apply.sh"
    script.write_text(made(monitored())["monitoring/logs/prod/elasticsearch/apply.sh"].text, encoding="utf-8")
    done = subprocess.run(["/bin/sh", str(script)], env={"PATH": os.environ["PATH"]}, check=False, capture_output=True)
    assert done.returncode != 0
    assert b"ELASTICSEARCH_URL" in done.stderr


# Kibana


def saved(files: Made) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files["monitoring/logs/kibana/shop.ndjson"].text.splitlines()]


def test_saved_objects_refer_to_one_another(made: Any) -> None:
    objects = saved(made(monitored()))
    assert [one["type"] for one in objects] == ["index-pattern", "search", "dashboard"]
    there = {(one["type"], one["id"]) for one in objects}
    for one in objects:
        assert all((reference["type"], reference["id"]) in there for reference in one["references"])
    assert objects[1]["attributes"]["title"] == "critical-errors (shop)"


def test_every_panel_has_its_references_and_none_overlap(made: Any) -> None:
    *_, board = saved(made(monitored()))
    panels = json.loads(board["attributes"]["panelsJSON"])
    names = {reference["name"] for reference in board["references"]}
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["panelIndex"] == panel["gridData"]["i"]
        assert any(name.startswith(f"{panel['panelIndex']}:") for name in names)
        grid = panel["gridData"]
        cells = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 48
        taken |= cells


def test_ids_stay_and_differ_by_product(made: Any) -> None:
    ids = [one["id"] for one in saved(made(monitored()))]
    assert ids == [one["id"] for one in saved(made(monitored(more=", keep: 90d")))]
    assert len(set(ids)) == 3


# The cluster


@pytest.mark.parametrize("shipper", ["fluent-bit", "fluentd"])
def test_kubectl_builds_the_manifests(made: Any, tmp_path: Path, shipper: str) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed: not checked")
    for path, file in made(monitored(shipper)).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(file.text, encoding="utf-8")
    done = subprocess.run(
        ["kubectl", "kustomize", str(tmp_path / KUBERNETES)], check=True, capture_output=True, text=True
    )
    objects = {one["kind"]: one for one in yaml.safe_load_all(done.stdout)}
    assert set(objects) == {
        *("ServiceAccount", "Role", "RoleBinding", "NetworkPolicy", "PodMonitor", "DaemonSet", "ConfigMap"),
    }
    config = objects["ConfigMap"]["metadata"]["name"]
    volumes = objects["DaemonSet"]["spec"]["template"]["spec"]["volumes"]
    assert config in [volume.get("configMap", {}).get("name") for volume in volumes]
    assert re.search(r"-config-[a-z0-9]{10}$", config)


def test_the_pod_is_hardened_and_reads_only_logs(made: Any) -> None:
    pod = yaml.safe_load(made(monitored())[f"{KUBERNETES}/daemonset.yaml"].text)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    hosts = {volume["name"]: volume["hostPath"]["path"] for volume in pod["volumes"] if "hostPath" in volume}
    assert set(hosts.values()) == {"/var/log/containers", "/var/log/pods"}
    assert all(mount["readOnly"] for mount in container["volumeMounts"] if mount["name"] in hosts)


def test_it_may_read_pods_of_the_product_alone(made: Any) -> None:
    files = made(monitored())
    role = yaml.safe_load(files[f"{KUBERNETES}/role.yaml"].text)
    binding = yaml.safe_load(files[f"{KUBERNETES}/rolebinding.yaml"].text)
    assert role["kind"] == "Role"
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "shop-prod"
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]
    assert binding["subjects"][0]["namespace"] == "monitoring"


def test_without_the_operator_there_is_no_object_of_it(made: Any) -> None:
    files = made(f"{WEB}monitoring: {{metrics: {{operator: false}}}}\n")
    assert f"{KUBERNETES}/podmonitor.yaml" not in files
    assert "podmonitor.yaml" not in files[f"{KUBERNETES}/kustomization.yaml"].text


def test_tasks_of_ecs_log_to_the_cloud_and_have_the_laptop_alone() -> None:
    paths = set(files_of(product_of("ecs")))
    assert not any("/kubernetes/" in path for path in paths)
    assert "monitoring/logs/compose/fluent-bit.yaml" in paths


# The laptop


@pytest.mark.parametrize(("shipper", "kind"), EVERY)
def test_the_laptops_parts_fit_together(made: Any, spec_file: Callable[[str], Path], shipper: str, kind: str) -> None:
    files = made(monitored(shipper, kind))
    product = spec.load(spec_file(HEAD + monitored(shipper, kind))).product
    assert product is not None
    services = {name: _bare(body) for name, body in logs.compose_services(product).items()}
    volumes = logs.compose_volumes(product)
    assert services["web"]["logging"]["options"]["tag"] == "compose.web"
    for name, service in services.items():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith("./"):
                assert any(path == source[2:] or path.startswith(f"{source[2:]}/") for path in files), (name, source)
            else:
                assert source in volumes
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert set(service.get("depends_on", {})) <= set(services)
    assert ("elasticsearch" in services) == (kind == "elasticsearch")


def test_a_service_that_is_called_like_the_store_keeps_its_name(spec_file: Callable[[str], Path]) -> None:
    text = "services:\n  logs: {runtime: go, port: 80}\n  kibana: {runtime: go, port: 81}\n"
    product = spec.load(spec_file(HEAD + text)).product
    assert product is not None
    services = {name: _bare(body) for name, body in logs.compose_services(product).items()}
    assert services["logs"] == {"logging": services["kibana"]["logging"] | {"options": _options("logs")}}
    assert services["logs-setup"]["environment"]["KIBANA_URL"] == "http://kibana-of-logs:5601"
    assert set(services["logs-setup"]["depends_on"]) == {"elasticsearch", "kibana-of-logs"}


def _options(name: str) -> dict[str, str]:
    return {"fluentd-address": "127.0.0.1:24224", "fluentd-async": "true", "tag": f"compose.{name}"}


def _bare(value: Any) -> Any:
    if hasattr(value, "causes"):
        return _bare(value.value)
    if isinstance(value, dict):
        return {key: _bare(inner) for key, inner in value.items()}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


# The rules, where their own examples do not reach


def found(files: dict[str, str], rule: str) -> list[str]:
    sources = [SourceFile(path, text) for path, text in files.items()]
    return [f"{f.at}: {f.message}" for f in policy.judge(sources, [policy.rule(rule)], TODAY).findings]


CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: fluent-bit}
data:
  fluent-bit.conf: |
    [SERVICE]
        Flush 1
    @INCLUDE /fluent-bit/etc/input.conf
    @INCLUDE output.conf
  input.conf: |
    [INPUT]
        Name tail
        Tag  kube.*
        Path /var/log/containers/*.log
  output.conf: |
    [OUTPUT]
        Name  es
        Match kubernetes.*
"""


def test_a_configuration_in_a_config_map_is_judged_at_its_place() -> None:
    assert found({"cm.yaml": CONFIG_MAP}, "monitoring/log-output-matches-nothing") == [
        "cm.yaml:18:15: es matches kubernetes.*; no input gives such a tag"
    ]


def test_what_is_included_is_followed_and_what_is_not_there_is_not_guessed() -> None:
    apart = {"a/fluent-bit.conf": "[SERVICE]\n    Flush 1\n@INCLUDE in.conf\n[OUTPUT]\n    Name es\n    Match web\n"}
    rule = "monitoring/log-output-matches-nothing"
    assert found(apart, rule) == []
    there = {**apart, "a/in.conf": "[INPUT]\n    Name tail\n    Tag app\n"}
    assert len(found(there, rule)) == 1
    assert found({**there, "a/in.conf": "[INPUT]\n    Name tail\n    Tag web\n"}, rule) == []


@pytest.mark.parametrize(
    ("path", "loops"),
    [
        ("/var/log/containers/*.log", True),
        ("/var/log/pods/*/*/*.log", True),
        ("/var/log/containers/*_shop_*.log", False),
        ("/var/log/app/*.log", False),
    ],
)
def test_only_a_tail_of_all_containers_reads_itself(path: str, loops: bool) -> None:
    output = "  outputs:\n    - {name: stdout, match: '*'}\n"
    text = f"pipeline:\n  inputs:\n    - {{name: tail, tag: a, path: '{path}'}}\n{output}"
    assert (found({"f.yaml": text}, "monitoring/log-feedback-loop") != []) is loops


def test_a_part_is_not_asked_for_what_its_whole_has() -> None:
    part = {"in.conf": "[INPUT]\n    Name tail\n    Tag app\n    Parser json\n"}
    assert found(part, "monitoring/missing-log-parser") == []
    whole = {**part, "fluent-bit.conf": "[SERVICE]\n    Flush 1\n@INCLUDE in.conf\n"}
    assert found(whole, "monitoring/missing-log-parser") == ["in.conf:4:12: nothing defines the parser json"]
    shipped = {**part, "fluent-bit.conf": "[SERVICE]\n    Parsers_File parsers.conf\n@INCLUDE in.conf\n"}
    assert found(shipped, "monitoring/missing-log-parser") == []


@pytest.mark.parametrize(
    ("tag", "match", "meets"),
    [
        ("kube.*", "*", True),
        ("kube.*", "kube.var.log.*", True),
        ("kube.*", "kubernetes.*", False),
        ("app", "app", True),
        ("app", "ap", False),
        ("app.web", "*.web", True),
        ("kube.*", "*.log", True),
    ],
)
def test_tags_meet_patterns(tag: str, match: str, meets: bool) -> None:
    text = (
        f"pipeline:\n  inputs:\n    - {{name: tail, tag: '{tag}'}}\n  outputs:\n    - {{name: es, match: '{match}'}}\n"
    )
    assert (found({"f.yaml": text}, "monitoring/log-output-matches-nothing") == []) is meets


@pytest.mark.parametrize(
    ("host", "remote"),
    [
        ("logs.example.com", True),
        ("es", False),
        ("es.monitoring.svc", False),
        ("es.monitoring.svc.cluster.local", False),
        ("10.0.0.3", False),
        ("${ES_HOST}", False),
        ("203.0.113.7", True),
    ],
)
def test_only_what_leaves_the_network_must_be_encrypted(host: str, remote: bool) -> None:
    output = f"  outputs:\n    - {{name: es, match: a, host: '{host}'}}\n"
    text = f"pipeline:\n  inputs:\n    - {{name: tail, tag: a}}\n{output}"
    assert (found({"f.yaml": text}, "monitoring/logs-sent-in-clear") != []) is remote


@pytest.mark.parametrize("value", ["${KEY}", "#{ENV['KEY']}", "{{ .Values.key }}", ""])
def test_a_reference_is_no_secret(value: str) -> None:
    text = f"<match **>\n  @type elasticsearch\n  password {value}\n</match>\n"
    assert found({"f.conf": text}, "monitoring/secret-in-log-configuration") == []
