"""Spec -> how lines of the services become searchable: shipper, store, retention, what Kibana shows.

On Kubernetes each environment has a shipper and a store's settings of its own. Tasks on ECS write to CloudWatch
(Terraform makes the groups and keeps them as long); for them, as for everybody, there is the stack on a laptop, which
uses the first environment's settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.artifact import Artifact, because
from generator.model import Product, Spec
from generator.targets.monitoring.logs import cluster, fluentd, laptop, pipeline, store

FOLDER = laptop.FOLDER


def plan(product: Product) -> Iterator[Artifact]:
    """Every file below `monitoring/logs`."""
    first = next(iter(product.environments.values()))
    for spec in product.environments.values():
        on_kubernetes = spec.platform.compute == "kubernetes"
        if on_kubernetes:
            folder = f"{FOLDER}/{spec.environment.name}/kubernetes"
            yield _shipper(spec, folder, in_cluster=True)
            yield from cluster.plan(spec, folder)
        if spec.monitoring.logs.store == "elasticsearch" and (on_kubernetes or spec is first):
            yield from _elasticsearch(spec)
    yield _shipper(first, f"{FOLDER}/compose", in_cluster=False)
    if any(spec.monitoring.logs.store == "elasticsearch" for spec in product.environments.values()):
        context: dict[str, Any] = {"objects": store.kibana(product)}
        path = f"{FOLDER}/kibana/{product.base.app}.ndjson"
        yield Artifact(path, "monitoring", "monitoring/logs/kibana.json.j2", context, "monitoring.logs")
    if any(spec.monitoring.logs.store == "loki" for spec in product.environments.values()):
        context = {"limits": store.loki_limits(product)}
        path = f"{FOLDER}/loki/loki.yaml"
        yield Artifact(path, "monitoring", "monitoring/logs/loki.yaml.j2", context, "monitoring.logs")


def compose_services(product: Product) -> dict[str, Any]:
    """The services of `compose.monitoring.yaml` that have to do with logs, by name; merged over `compose.yaml`."""
    return laptop.services(product)


def compose_volumes(product: Product) -> dict[str, Any]:
    """The named volumes those services need."""
    return laptop.volumes(product)


def _shipper(spec: Spec, folder: str, *, in_cluster: bool) -> Artifact:
    environment = spec.environment.name if in_cluster else ""
    if spec.monitoring.logs.shipper == "fluentd":
        host = cluster.host(spec) if in_cluster else spec.monitoring.logs.store
        context = fluentd.context(spec, cluster=in_cluster, host=host, secrets=pipeline.SECRETS)
        path, template = f"{folder}/fluentd.conf", "monitoring/logs/fluentd.conf.j2"
    else:
        context = _fluent_bit(spec, in_cluster=in_cluster)
        path, template = f"{folder}/fluent-bit.yaml", "monitoring/logs/fluent-bit.yaml.j2"
    return Artifact(path, "monitoring", template, context, "monitoring.logs", environment)


def _fluent_bit(spec: Spec, *, in_cluster: bool) -> dict[str, Any]:
    key = {"name": "LOG_STORE_KEY", "uri": f"file://{pipeline.SECRETS}/key", "refresh_interval": 300}
    what = "container logs of the namespace, joined, shaped, redacted, buffered on disk"
    return {
        "what": because(
            what if in_cluster else what.replace("of the namespace", "as Docker sends them"), "monitoring.logs"
        ),
        "env": [key] if in_cluster else [],
        "service": pipeline.service(),
        "parsers": [] if in_cluster else [{"name": "json", "format": "json"}],
        "multiline_parsers": pipeline.multiline_parsers(spec),
        "inputs": pipeline.from_cluster(spec) if in_cluster else pipeline.from_compose(),
        "filters": pipeline.filters(spec, cluster=in_cluster),
        "outputs": pipeline.outputs(spec, cluster=in_cluster),
    }


def _elasticsearch(spec: Spec) -> Iterator[Artifact]:
    folder, environment = f"{FOLDER}/{spec.environment.name}/elasticsearch", spec.environment.name
    for name, body in store.elasticsearch(spec).items():
        context = {"document": body}
        template = "monitoring/logs/document.json.j2"
        yield Artifact(f"{folder}/{name}", "monitoring", template, context, "monitoring.logs", environment)
    template = "monitoring/logs/apply.sh"
    yield Artifact(f"{folder}/apply.sh", "monitoring", template, {}, "monitoring.logs", environment)
