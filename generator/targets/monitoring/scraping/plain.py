"""Prometheus' own configuration file, where no operator writes it.

On ECS the tasks are found by Prometheus itself (`aws_sd_configs`, Prometheus 3.8 or newer): Service Connect's
names are known inside its proxies only. Prometheus, Alertmanager and the exporter of CloudWatch are containers
of one task there and share its loopback.
https://prometheus.io/docs/prometheus/latest/configuration/configuration/#aws_sd_config
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.artifact import Artifact, because
from generator.model import Resource, Service, Spec
from generator.names import LIMIT, SHORT_LIMIT, cut
from generator.targets.monitoring.scraping import scrape
from generator.targets.monitoring.scraping.scrape import FOLDER, OWN_LIMIT, PLATFORM_LIMIT

_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_CLUSTER_TLS = {"ca_file": f"{_ACCOUNT}/ca.crt"}
_CLUSTER_TOKEN = {"credentials_file": f"{_ACCOUNT}/token"}

Job = dict[str, Any]


def plan(spec: Spec) -> Iterator[Artifact]:
    """The file of one environment; its rules lie beside it."""
    kubernetes = spec.platform.compute == "kubernetes"
    jobs = [*(_in_cluster if kubernetes else _on_ecs)(spec), *_watchers(spec)]
    yield configuration(spec, "prometheus.yaml", jobs, _alertmanager(spec), spec.environment.name)


def configuration(spec: Spec, name: str, jobs: list[Job], alertmanager: Any, environment: str) -> Artifact:
    """A configuration in the folder of an environment."""
    settings = {
        "scrape_interval": scrape.interval(spec),
        "scrape_timeout": scrape.timeout(spec),
        # groups say how often they are evaluated themselves
        "evaluation_interval": scrape.interval(spec),
        "external_labels": scrape.external_labels(spec),
    }
    context = {
        "keep": because(spec.monitoring.metrics.keep, "monitoring.metrics.keep"),
        "settings": settings,
        "alertmanager": alertmanager,
        "jobs": jobs,
    }
    path = f"{FOLDER}/{spec.environment.name}/{name}"
    template = "monitoring/scraping/prometheus.yaml.j2"
    return Artifact(path, "monitoring", template, context, "monitoring.metrics", environment)


def job(name: Any, discovery: Job, **more: Any) -> Job:
    """A scrape with the limit of a service, unless it says otherwise."""
    return {"job_name": name, "sample_limit": OWN_LIMIT, **more, **discovery}


def static(spec: Spec, target: Any, *, cause: str, labelled: bool = True) -> Job:
    """One fixed target."""
    group: Job = {"targets": [because(target, cause)]}
    if labelled:
        group["labels"] = {"namespace": scrape.namespace(spec)}
    return {"static_configs": [group]}


def of_service(service: Service, discovery: Job, **more: Any) -> Job:
    """The scrape of a service: its name is the job's."""
    path = service.metrics.path_ if service.metrics else "/metrics"
    metrics_path = because(path, service.at("metrics.path"))
    return job(because(service.name, service.path), discovery, metrics_path=metrics_path, **more)


def of_pushes(spec: Spec, discovery: Job) -> Iterator[Job]:
    """What services pushed, as the collector offers it, under the labels that every other metric has."""
    if scrape.pushing(spec):
        more: Job = {"honor_labels": True, "metric_relabel_configs": scrape.relabelled_pushes(spec)}
        name = because("pushed", scrape.pushed_cause(spec))
        yield job(name, discovery, sample_limit=OWN_LIMIT * len(scrape.pushing(spec)), **more)


def _on_ecs(spec: Spec) -> Iterator[Job]:
    for service in scrape.scraped(spec):
        port = because(service.metrics_port, service.at("metrics.port"))
        steps = [*_of_tasks(spec, service.name, service.path)]
        steps.append({"target_label": "namespace", "replacement": scrape.namespace(spec)})
        yield of_service(service, _ecs(spec, port), relabel_configs=steps)
    if scrape.pushing(spec):
        cause = scrape.pushed_cause(spec)
        found = {**_ecs(spec, scrape.GATEWAY_PORT), "relabel_configs": [*_of_tasks(spec, scrape.GATEWAY, cause)]}
        yield from of_pushes(spec, found)
        own = [*_of_tasks(spec, scrape.GATEWAY, cause)]
        yield job("collector", _ecs(spec, scrape.GATEWAY_OWN_PORT), relabel_configs=own)


def _of_tasks(spec: Spec, name: str, cause: str) -> Iterator[Job]:
    """The running tasks of one service of ECS, named as the Terraform of the same spec names it."""
    service = cut(f"{spec.app}-{spec.environment.name}-{name}", SHORT_LIMIT)
    yield _kept("__meta_ecs_service", because(service, "app", spec.environment.path, cause))
    yield _kept("__meta_ecs_last_status", "RUNNING")
    yield {"source_labels": ["__meta_ecs_task_arn"], "regex": ".*/(.+)", "target_label": "task", "replacement": "$1"}


def _ecs(spec: Spec, port: Any) -> Job:
    cluster = spec.platform.cluster or cut(f"{spec.app}-{spec.environment.name}", LIMIT)
    cause = ("platform.cluster",) if spec.platform.cluster else ("app", spec.environment.path)
    region = because(spec.cloud.region if spec.cloud else None, "cloud.region")
    found = {"role": "ecs", "region": region, "clusters": [because(cluster, *cause)], "port": port}
    return {"aws_sd_configs": [found]}


def _kept(label: str, value: Any) -> Job:
    return {"source_labels": [label], "regex": value, "action": "keep"}


def _in_cluster(spec: Spec) -> Iterator[Job]:
    for service in scrape.scraped(spec):
        yield of_service(service, _pods([scrape.namespace(spec)]), relabel_configs=[*_of_pods(spec, service)])
    host = f"{scrape.GATEWAY}.{spec.platform.kubernetes.monitoring_namespace}.svc"
    names = {"names": [because(host, "platform.kubernetes.monitoring_namespace")], "type": "A"}
    yield from of_pushes(spec, {"dns_sd_configs": [{**names, "port": scrape.GATEWAY_PORT}]})
    if scrape.pushing(spec):
        yield job("collector", {"dns_sd_configs": [{**names, "port": scrape.GATEWAY_OWN_PORT}]})
    for resource in scrape.exported(spec):
        yield of_exporter(spec, resource, f"{resource.name}-exporter.{spec.namespace}.svc")
    yield from _platform(spec)


def of_exporter(spec: Spec, resource: Resource, host: str) -> Job:
    """What stands beside a store and answers for it."""
    target = f"{host}:{scrape.EXPORTER_PORTS[resource.type]}"
    return job(because(resource.name, resource.path), static(spec, target, cause=resource.path))


def _pods(namespaces: list[Any]) -> Job:
    return {"kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": namespaces}}]}


def _of_pods(spec: Spec, service: Service) -> Iterator[Job]:
    yield _kept("__meta_kubernetes_pod_label_app_kubernetes_io_name", because(service.name, service.path))
    number = because(str(service.metrics_port), service.at("metrics.port"))
    yield _kept("__meta_kubernetes_pod_container_port_number", number)
    yield {"target_label": "namespace", "replacement": scrape.namespace(spec)}
    yield {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"}
    yield {"source_labels": ["__meta_kubernetes_pod_container_name"], "target_label": "container"}


def _platform(spec: Spec) -> Iterator[Job]:
    """The cluster's own exporters; of its containers only ours."""
    name = "__meta_kubernetes_pod_label_app_kubernetes_io_name"
    port = "__meta_kubernetes_pod_container_port_number"
    space = [scrape.watchers(spec)]
    keep = {"honor_labels": True, "sample_limit": PLATFORM_LIMIT}
    state = [_kept(name, "kube-state-metrics"), _kept(port, "8080")]
    yield job("kube-state-metrics", _pods(space), **keep, relabel_configs=state)
    nodes = [
        _kept(name, "prometheus-node-exporter|node-exporter"),
        _kept(port, "9100"),
        {"source_labels": ["__meta_kubernetes_pod_node_name"], "target_label": "instance"},
    ]
    yield job("node-exporter", _pods(space), sample_limit=PLATFORM_LIMIT, relabel_configs=nodes)
    for title, path in (("cadvisor", "/metrics/cadvisor"), ("kubelet", "/metrics")):
        secure = {"scheme": "https", "authorization": _CLUSTER_TOKEN, "tls_config": _CLUSTER_TLS}
        only = [_kept("namespace", because(f"{spec.namespace}|", "app", spec.environment.path))]
        found = {"kubernetes_sd_configs": [{"role": "node"}]}
        yield job(title, found, **keep, metrics_path=path, **secure, metric_relabel_configs=only)
    if any(service.public for service in spec.services.values()):
        steps = [_kept("__meta_kubernetes_pod_container_port_name", "http-metrics")]
        yield job("cert-manager", _pods(["cert-manager"]), honor_labels=True, relabel_configs=steps)


def _alertmanager(spec: Spec) -> Any:
    return because(_beside(spec, f"{spec.app}-alertmanager", scrape.ALERTMANAGER_PORT), "notify")


def _beside(spec: Spec, name: str, port: int) -> str:
    if spec.platform.compute == "kubernetes":
        return f"{name}.{spec.platform.kubernetes.monitoring_namespace}.svc:{port}"
    return f"localhost:{port}"


def _watchers(spec: Spec) -> Iterator[Job]:
    """The monitoring itself, and the exporter of what the cloud measures."""
    if scrape.provider(spec) == "aws":
        target = _beside(spec, "cloudwatch-exporter", scrape.CLOUDWATCH_PORT)
        yield job("cloudwatch", static(spec, target, cause="cloud.provider", labelled=False))
    yield job("prometheus", static(spec, f"localhost:{scrape.PROMETHEUS_PORT}", cause="monitoring", labelled=False))
    target = _beside(spec, f"{spec.app}-alertmanager", scrape.ALERTMANAGER_PORT)
    yield job("alertmanager", static(spec, target, cause="notify", labelled=False))
