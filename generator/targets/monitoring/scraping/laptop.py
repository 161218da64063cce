"""compose.monitoring.yaml: the whole stack beside the product on a laptop.

    docker compose -f compose.yaml -f compose.monitoring.yaml up

It shows the development environment, whose rules it loads; logs, traces and Grafana bring their own services.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from typing import Any

from generator.artifact import Artifact, because
from generator.model import Product, Resource, Spec
from generator.targets.monitoring.scraping import plain, scrape
from generator.targets.monitoring.scraping.scrape import FOLDER

FILE, CONFIGURATION = "compose.monitoring.yaml", "prometheus.compose.yaml"
_TARGET = "generator.targets.monitoring"
_PARTS = ("grafana", "logs", "traces")
_COLLECTOR = "collector"
_LOGGING = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}

Body = dict[str, Any]


def plan(product: Product) -> Iterator[Artifact]:
    """The overlay, and the configuration of Prometheus within it."""
    spec = shown(product)
    jobs = [*_jobs(spec)]
    target = because("alertmanager:9093", "notify")
    yield plain.configuration(spec, CONFIGURATION, jobs, target, spec.environment.name)
    services: Body = {**_servers(spec), **_exporters(spec)}
    volumes: Body = {name: because({}, "monitoring") for name in ("prometheus-data", "alertmanager-data")}
    for part in _parts():
        services = _joined(services, part.services(product))
        volumes |= part.volumes(product)
    context = {
        "app": because(spec.app, "app"),
        "services": [{"name": name, "body": body} for name, body in services.items()],
        "volumes": volumes,
        "secrets": _secrets(spec),
    }
    yield Artifact(FILE, "monitoring", "monitoring/scraping/compose.yaml.j2", context, "monitoring")


def shown(product: Product) -> Spec:
    """The environment whose rules a laptop tries: the first one for development, else the first."""
    specs = list(product.environments.values())
    return next((spec for spec in specs if spec.environment.development), specs[0])


def _parts() -> Iterator[Any]:
    """The modules `laptop` of the other parts: `services(product)` and `volumes(product)`."""
    return (importlib.import_module(f"{_TARGET}.{name}.laptop") for name in _PARTS if _is_there(f"{name}.laptop"))


def _is_there(name: str) -> bool:
    package, _, _ = name.partition(".")
    path = f"{_TARGET}.{name}"
    return importlib.util.find_spec(f"{_TARGET}.{package}") is not None and importlib.util.find_spec(path) is not None


def _joined(services: Body, more: Mapping[str, Any]) -> Body:
    """Several parts may add to one service: where its lines go, where it pushes to."""
    made = dict(services)
    for name, body in more.items():
        own = made.get(name)
        made[name] = because({**own.value, **body.value}, *own.causes, *body.causes) if own is not None else body
    return made


def _jobs(spec: Spec) -> Iterator[Body]:
    for service in scrape.scraped(spec):
        target = f"{service.name}:{service.metrics_port}"
        yield plain.of_service(service, plain.static(spec, target, cause=service.at("metrics.port")))
    pushed = plain.static(spec, f"{_COLLECTOR}:{scrape.GATEWAY_PORT}", cause="monitoring", labelled=False)
    if _has_collector():
        yield from plain.of_pushes(spec, pushed)
        own = plain.static(spec, f"{_COLLECTOR}:{scrape.GATEWAY_OWN_PORT}", cause="monitoring", labelled=False)
        yield plain.job(_COLLECTOR, own)
    for resource in _watched(spec):
        yield plain.of_exporter(spec, resource, f"{resource.name}-exporter")
    for name, target in (("prometheus", "localhost:9090"), ("alertmanager", "alertmanager:9093")):
        yield plain.job(name, plain.static(spec, target, cause="monitoring", labelled=False))


def _has_collector() -> bool:
    return _is_there("traces.laptop")


def _watched(spec: Spec) -> Iterator[Resource]:
    """Stand-ins that an exporter knows; on a laptop no cloud measures anything."""
    return (one for one in spec.resources.values() if one.type in scrape.EXPORTER_PORTS)


def _hardened(memory: str, **more: Any) -> Body:
    return {
        **more,
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": memory,
        "cpus": 1,
        "pids_limit": 256,
        "restart": "unless-stopped",
        "logging": _LOGGING,
    }


def _asks(address: str) -> Body:
    test = ["CMD", "wget", "-q", "-O", "/dev/null", address]
    return {"test": test, "interval": "10s", "timeout": "5s", "retries": 12, "start_period": "30s"}


def _servers(spec: Spec) -> Mapping[str, Any]:
    folder = because(f"./{FOLDER}/{spec.environment.name}:/etc/prometheus:ro", spec.environment.path)
    prometheus = _hardened(
        "1g",
        image=scrape.image("prometheus"),
        user="65534:65534",  # nobody, who owns the folder of data in the image
        command=[
            f"--config.file=/etc/prometheus/{CONFIGURATION}",
            "--storage.tsdb.path=/prometheus",
            because(f"--storage.tsdb.retention.time={spec.monitoring.metrics.keep}", "monitoring.metrics.keep"),
            "--web.external-url=http://localhost:9090",
        ],
        ports=["127.0.0.1:9090:9090"],
        networks=["edge", "backend"],
        volumes=[folder, "prometheus-data:/prometheus"],
        healthcheck=_asks("http://127.0.0.1:9090/-/healthy"),
    )
    alertmanager = _hardened(
        "128m",
        image=scrape.image("alertmanager"),
        user="65534:65534",
        command=[
            "--config.file=/etc/alertmanager/alertmanager.yaml",
            "--storage.path=/alertmanager",
            "--web.external-url=http://localhost:9093",
            "--cluster.listen-address=",
        ],
        ports=["127.0.0.1:9093:9093"],
        networks=["edge", "backend"],
        volumes=["./monitoring/alertmanager:/etc/alertmanager:ro", "alertmanager-data:/alertmanager"],
        healthcheck=_asks("http://127.0.0.1:9093/-/healthy"),
    )
    return {"prometheus": because(prometheus, "monitoring.metrics"), "alertmanager": because(alertmanager, "notify")}


def _exporters(spec: Spec) -> Mapping[str, Any]:
    user = spec.app.replace("-", "_")
    return {f"{one.name}-exporter": because(_exporter(one, user), one.path) for one in _watched(spec)}


def _exporter(resource: Resource, user: str) -> Body:
    port, name = scrape.EXPORTER_PORTS[resource.type], resource.name
    made = {"postgres": _postgres, "mysql": _mysql, "valkey": _redis}[resource.type](name, user)
    return _hardened(
        "64m",
        **made,
        user="65534:65534",
        networks=["backend"],
        healthcheck=_asks(f"http://127.0.0.1:{port}/metrics"),
        depends_on={name: {"condition": "service_healthy"}},
    )


def _postgres(name: str, user: str) -> Body:
    return {
        "image": scrape.image("postgres-exporter"),
        "environment": {
            "DATA_SOURCE_URI": f"{name}:5432/{user}?sslmode=disable",
            "DATA_SOURCE_USER": user,
            "DATA_SOURCE_PASS_FILE": f"/run/secrets/{name}-password",
        },
        "secrets": [f"{name}-password"],
    }


def _mysql(name: str, user: str) -> Body:
    return {
        "image": scrape.image("mysqld-exporter"),
        "command": [f"--mysqld.address={name}:3306", f"--mysqld.username={user}"],
        "environment": {"MYSQLD_EXPORTER_PASSWORD": f"${{{_variable(name)}:?set it in .env}}"},
    }


def _redis(name: str, _user: str) -> Body:
    return {
        "image": scrape.image("redis-exporter"),
        "environment": {
            "REDIS_ADDR": f"redis://{name}:6379",
            "REDIS_PASSWORD": f"${{{_variable(name)}:?set it in .env}}",
        },
    }


def _variable(name: str) -> str:
    """As compose.yaml calls it."""
    return f"{name.upper().replace('-', '_')}_PASSWORD"


def _secrets(spec: Spec) -> Body:
    return {
        f"{one.name}-password": because({"environment": _variable(one.name)}, one.path)
        for one in _watched(spec)
        if one.type == "postgres"
    }
