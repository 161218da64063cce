"""Kubernetes objects by what the spec says; every byte of the examples is in test_golden."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import pipeline, spec

HEAD = "apiVersion: groundplan/v1\napp: shop\nowner: team-shop\n"
Objects = dict[tuple[str, str], Any]


@pytest.fixture
def objects(spec_file: Callable[[str], Path]) -> Callable[[str], Objects]:
    """The objects of the base by kind and name."""

    def make(text: str) -> Objects:
        loaded = spec.load(spec_file(HEAD + text))
        assert loaded.product is not None, loaded.findings
        made: Objects = {}
        for file in pipeline.generate(loaded.product):
            if file.path.startswith("kubernetes/base/") and "kustomization" not in file.path:
                for item in yaml.safe_load_all(file.text):
                    made[item["kind"], item["metadata"]["name"]] = item
        return made

    return make


def pod(item: dict[str, Any]) -> dict[str, Any]:
    inner = item["spec"]
    inner = inner["jobTemplate"]["spec"] if item["kind"] == "CronJob" else inner
    made: dict[str, Any] = inner["template"]["spec"]
    return made


@pytest.mark.parametrize(
    ("service", "kind"),
    [
        ("{runtime: node, port: 3000}", "Deployment"),
        ("{runtime: node}", "Deployment"),
        ('{runtime: node, schedule: "0 3 * * *"}', "CronJob"),
        ("{type: job, runtime: node}", "Job"),
        ("{type: daemon, runtime: node}", "DaemonSet"),
        ("{type: stateful, runtime: node, port: 3000, storage: {size: 1Gi, mount: /data}}", "StatefulSet"),
    ],
)
def test_the_type_decides_the_workload_and_each_is_restricted(objects: Any, service: str, kind: str) -> None:
    made = objects(f"services: {{x: {service}}}\n")
    spec_ = pod(made[kind, "x"])
    container = spec_["containers"][0]
    assert spec_["automountServiceAccountToken"] is False
    assert spec_["enableServiceLinks"] is False
    assert spec_["securityContext"]["runAsUser"] >= 10000
    assert spec_["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert set(container["resources"]["requests"]) == {"cpu", "memory", "ephemeral-storage"}
    assert ("NetworkPolicy", "x") in made
    assert ("ServiceAccount", "x") in made


def test_an_autoscaler_owns_the_replicas(objects: Any) -> None:
    made = objects("services: {a: {runtime: go, port: 1}, b: {runtime: go, port: 1, scale: {min: 3, max: 3}}}\n")
    assert "replicas" not in made["Deployment", "a"]["spec"]
    assert made["HorizontalPodAutoscaler", "a"]["spec"]["minReplicas"] == 2
    assert made["Deployment", "b"]["spec"]["replicas"] == 3
    assert ("HorizontalPodAutoscaler", "b") not in made


def test_a_single_pod_has_no_budget(objects: Any) -> None:
    made = objects("services: {a: {runtime: go, port: 1, scale: {min: 1}}, b: {runtime: go, port: 1}}\n")
    assert ("PodDisruptionBudget", "a") not in made
    assert made["PodDisruptionBudget", "b"]["spec"]["maxUnavailable"] == 1


def test_flows_are_exactly_what_is_declared(objects: Any) -> None:
    made = objects(
        "services:\n  web: {runtime: node, port: 3000, public: a.example.com, calls: [api]}\n"
        "  api: {runtime: go, port: 8080, uses: [db], metrics: 9000}\nresources: {db: {type: postgres}}\n"
    )
    web, api = made["NetworkPolicy", "web"]["spec"], made["NetworkPolicy", "api"]["spec"]
    assert [rule["ports"][0]["port"] for rule in web["egress"]] == [8080, 4318]
    assert web["egress"][-1]["to"][0]["namespaceSelector"]["matchLabels"] == {
        "kubernetes.io/metadata.name": "monitoring"
    }
    assert [rule["ports"][0]["port"] for rule in api["ingress"]] == [8080, 9000]
    assert [rule["ports"][0]["port"] for rule in api["egress"]] == [5432, 4318]
    assert made["NetworkPolicy", "default-deny"]["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_a_public_service_is_reached_by_https_and_http_redirects(objects: Any) -> None:
    made = objects("services: {web: {runtime: node, port: 3000, public: a.example.com}}\n")
    route, redirect = made["HTTPRoute", "web"]["spec"], made["HTTPRoute", "web-redirect"]["spec"]
    assert route["parentRefs"][0]["sectionName"] == "https"
    assert redirect["rules"][0]["filters"][0]["requestRedirect"] == {"scheme": "https", "statusCode": 301}


def test_secrets_come_by_reference_and_known_values_by_configuration(objects: Any) -> None:
    made = objects(
        'services:\n  a:\n    runtime: go\n    calls: [b]\n    env: {URL: "${db.url}", B: "${b.url}", N: 1, T: true}\n'
        "  b: {runtime: go, port: 80}\nresources: {db: {type: postgres}}\n"
    )
    container = pod(made["Deployment", "a"])["containers"][0]
    assert {"name": "URL", "valueFrom": {"secretKeyRef": {"name": "db-connection", "key": "url"}}} in container["env"]
    told = {
        name: value for name, value in made["ConfigMap", "a-config"]["data"].items() if not name.startswith("OTEL_")
    }
    assert told == {"B": "http://b:80", "N": "1", "T": "true"}
    assert made["ExternalSecret", "db-connection"]["spec"]["data"][0]["remoteRef"]["property"] == "url"


def test_a_composed_secret_is_composed_where_it_is_read(objects: Any) -> None:
    made = objects(
        'services: {a: {runtime: go, env: {DSN: "user=${db.username} $(x)"}}}\nresources: {db: {type: postgres}}\n'
    )
    variables = {item["name"]: item for item in pod(made["Deployment", "a"])["containers"][0]["env"]}
    assert variables["DSN"]["value"] == "user=$(DB_USERNAME) $$(x)"
    assert list(variables).index("DB_USERNAME") < list(variables).index("DSN")


@pytest.mark.parametrize(
    ("service", "probe"),
    [
        ("port: 80", "httpGet"),
        ("port: 80, protocol: grpc", "grpc"),
        ("port: 80, protocol: tcp", "tcpSocket"),
        ("health: {command: [a]}", "exec"),
    ],
)
def test_probes_speak_the_protocol(objects: Any, service: str, probe: str) -> None:
    container = pod(objects(f"services: {{a: {{runtime: go, {service}}}}}\n")["Deployment", "a"])["containers"][0]
    assert probe in container["startupProbe"]
    assert container["livenessProbe"] != container["readinessProbe"]


def test_zones_are_a_condition_only_when_there_are_pods_for_each(objects: Any) -> None:
    made = objects("services: {a: {runtime: go, scale: {min: 2}}, b: {runtime: go, scale: {min: 3}}}\n")
    ways = [pod(made["Deployment", name])["topologySpreadConstraints"][0]["whenUnsatisfiable"] for name in ("a", "b")]
    assert ways == ["ScheduleAnyway", "DoNotSchedule"]


def test_no_cpu_limit_brings_its_own_waiver(objects: Any) -> None:
    made = objects("services: {a: {runtime: go, port: 1, size: {cpu_limit: none}}}\n")["Deployment", "a"]
    assert "cpu" not in pod(made)["containers"][0]["resources"]["limits"]
    assert made["metadata"]["annotations"]["checkov.io/skip1"].startswith("CKV_K8S_11=")


def test_nothing_is_rendered_for_another_platform(objects: Any) -> None:
    assert objects("platform: {compute: ecs}\nservices: {a: {runtime: go}}\n") == {}
