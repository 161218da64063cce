"""The stack of logs on a laptop: Docker hands each container's lines to the shipper, which stores them beside it.

These are parts of `compose.monitoring.yaml`, which another module writes. The address of the shipper is the host's,
since it is Docker itself that sends; `fluentd-async` lets a service start when the shipper does not.
https://docs.docker.com/engine/logging/drivers/fluentd/
"""

from __future__ import annotations

from typing import Any

from generator.artifact import because
from generator.model import Product, Spec
from generator.targets.monitoring.logs import fluentd, pipeline
from generator.targets.monitoring.logs.names import image

FOLDER = "monitoring/logs"

_LOGGING = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}


def services(product: Product) -> dict[str, Any]:
    """The shipper, the store with what sets it up, and for each service of the product where its lines go."""
    spec = _first(product)
    name = _names(spec)
    made: dict[str, Any] = {own: _handed_over(own, service.path) for own, service in product.base.services.items()}
    made[name["logs"]] = because(_shipper(spec, name), "monitoring.logs.shipper")
    stored = _loki(name) if spec.monitoring.logs.store == "loki" else _elasticsearch(spec, name)
    return {**made, **{other: because(body, "monitoring.logs.store") for other, body in stored.items()}}


def volumes(product: Product) -> dict[str, Any]:
    """The named volumes of those services."""
    store = _first(product).monitoring.logs.store
    return {name: because({}, "monitoring.logs.store") for name in ("logs-state", f"{store}-data")}


def _first(product: Product) -> Spec:
    """The environment that a laptop stands in for."""
    return next(iter(product.environments.values()))


def _names(spec: Spec) -> dict[str, str]:
    """What the services are called; a name that the product has already gets a tail."""
    taken = {*spec.services, *spec.resources}
    wanted = ("logs", "elasticsearch", "kibana", "logs-setup", "loki")
    return {name: f"{name}-of-logs" if name in taken else name for name in wanted}


def _handed_over(name: str, cause: str) -> Any:
    options = {
        "fluentd-address": f"127.0.0.1:{pipeline.FORWARD_PORT}",
        "fluentd-async": "true",
        "tag": f"compose.{name}",
    }
    return because({"logging": {"driver": "fluentd", "options": options}}, cause)


def _hardened(memory: str, **more: Any) -> dict[str, Any]:
    return {
        **more,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": memory,
        "cpus": 1,
        "pids_limit": 512,
        "restart": "unless-stopped",
        "logging": _LOGGING,
    }


def _shipper(spec: Spec, called: dict[str, str]) -> dict[str, Any]:
    fluent = spec.monitoring.logs.shipper == "fluentd"
    name = "fluentd.conf" if fluent else "fluent-bit.yaml"
    state = fluentd.STATE if fluent else pipeline.STATE
    kind = spec.monitoring.logs.store
    command = fluentd.COMMAND if fluent else ["/fluent-bit/bin/fluent-bit", "-c", f"/etc/logs/{name}"]
    return _hardened(
        "512m" if fluent else "256m",
        image=image(spec.monitoring.logs.shipper),
        user="0:0",  # a new named volume belongs to root
        **({"entrypoint": command} if fluent else {"command": command}),
        environment={f"{kind.upper()}_HOST": called[kind]},
        ports=[f"127.0.0.1:{pipeline.FORWARD_PORT}:{pipeline.FORWARD_PORT}"],
        networks=["edge", "backend"],
        volumes=[f"./{FOLDER}/compose/{name}:/etc/logs/{name}:ro", f"logs-state:{state}"],
        read_only=True,
        tmpfs=["/tmp:size=64m"],  # noqa: S108
        depends_on={called[kind]: {"condition": "service_healthy" if kind == "elasticsearch" else "service_started"}},
    )


def _elasticsearch(spec: Spec, called: dict[str, str]) -> dict[str, Any]:
    search, board = called["elasticsearch"], called["kibana"]
    store = _hardened(
        "1536m",
        image=image("elasticsearch"),
        environment={
            "discovery.type": "single-node",
            "xpack.security.enabled": "false",
            "ES_JAVA_OPTS": "-Xms512m -Xmx512m",
        },
        networks=["backend"],
        volumes=["elasticsearch-data:/usr/share/elasticsearch/data"],
        healthcheck=_asks("http://127.0.0.1:9200/_cluster/health?wait_for_status=yellow&timeout=4s"),
    )
    view = _hardened(
        "1g",
        image=image("kibana"),
        environment={"ELASTICSEARCH_HOSTS": f"http://{search}:9200", "TELEMETRY_ENABLED": "false"},
        ports=["127.0.0.1:5601:5601"],
        networks=["edge", "backend"],
        healthcheck=_asks("http://127.0.0.1:5601/api/status"),
        depends_on={search: {"condition": "service_healthy"}},
    )
    setup = _hardened(
        "256m",
        image=image("elasticsearch"),
        entrypoint=["/bin/sh", "/setup/apply.sh"],
        environment={
            "ELASTICSEARCH_URL": f"http://{search}:9200",
            "KIBANA_URL": f"http://{board}:5601",
            "KIBANA_OBJECTS": f"/kibana/{spec.app}.ndjson",
        },
        networks=["backend"],
        volumes=[f"./{FOLDER}/{spec.environment.name}/elasticsearch:/setup:ro", f"./{FOLDER}/kibana:/kibana:ro"],
        depends_on={name: {"condition": "service_healthy"} for name in (search, board)},
    )
    return {search: store, board: view, called["logs-setup"]: {**setup, "restart": "no"}}


def _loki(called: dict[str, str]) -> dict[str, Any]:
    """Its image has neither shell nor client, so it can have no health check."""
    return {
        called["loki"]: _hardened(
            "512m",
            image=image("loki"),
            command=["-config.file=/etc/loki/loki.yaml"],
            user="0:0",  # a new named volume belongs to root
            networks=["backend"],
            volumes=[f"./{FOLDER}/loki/loki.yaml:/etc/loki/loki.yaml:ro", "loki-data:/loki"],
            read_only=True,
            tmpfs=["/tmp:size=64m"],  # noqa: S108
        )
    }


def _asks(address: str) -> dict[str, Any]:
    test = ["CMD", "curl", "--fail", "--silent", "--output", "/dev/null", address]
    return {"test": test, "interval": "10s", "timeout": "5s", "retries": 12, "start_period": "60s"}
