"""Spec -> how spans reach a store: agents, gateways that sample, Jaeger or Tempo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.artifact import Artifact, because
from generator.model import Product, Spec
from generator.targets.monitoring.traces import cluster, laptop, pipeline, store

FOLDER = laptop.FOLDER


def plan(product: Product) -> Iterator[Artifact]:
    """Every file below `monitoring/traces`."""
    for spec in product.environments.values():
        if spec.platform.compute == "kubernetes":
            yield from cluster.plan(spec, f"{FOLDER}/{spec.environment.name}")
        else:
            yield from _tasks(spec, f"{FOLDER}/{spec.environment.name}")
    spec, folder = laptop.shown(product), f"{FOLDER}/compose"
    kind = spec.monitoring.traces.store
    what = "both tiers in one, for a laptop: samples as the gateways do"
    yield _file(f"{folder}/collector.yaml", what, pipeline.gateway(spec, laptop.COLLECTOR, f"{kind}:{pipeline.GRPC}"))
    # it is in two networks, so one name would be the address in one of them
    body = store.configuration(spec, "0.0.0.0")  # noqa: S104
    yield _file(f"{folder}/{kind}.yaml", "keeps traces in a volume as long as the spec says", body)


def compose_services(product: Product) -> dict[str, Any]:
    """The services of `compose.monitoring.yaml` that have to do with traces, by name."""
    return laptop.services(product)


def _tasks(spec: Spec, folder: str) -> Iterator[Artifact]:
    """Configurations for ECS: the agent is a container of each task, which its services reach at localhost."""
    name = spec.environment.name
    body = pipeline.agent(spec, "127.0.0.1", "${env:COLLECTOR_GATEWAY}")
    what = "a container of each task; COLLECTOR_GATEWAY is the name that resolves to the gateways"
    yield _file(f"{folder}/agent.yaml", what, body, name)
    body = pipeline.gateway(spec, "${env:HOST_IP}", "${env:TRACE_STORE}")
    what = "HOST_IP is the address of the task, TRACE_STORE host:port of the store"
    yield _file(f"{folder}/gateway.yaml", what, body, name)


def _file(path: str, what: str, body: dict[str, Any], environment: str = "") -> Artifact:
    context = {"what": because(what, "monitoring.traces"), "object": body}
    template = "monitoring/traces/configuration.yaml.j2"
    return Artifact(path, "monitoring", template, context, "monitoring.traces", environment)
