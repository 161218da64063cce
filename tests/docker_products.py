"""Products for the docker tests, built without a spec file: one service from a few words."""

from __future__ import annotations

import dataclasses
from typing import Any

from generator.document import Location, Node
from generator.model import (
    Build,
    Delivery,
    Environment,
    Health,
    KubernetesPlatform,
    Logs,
    MetricsStore,
    Monitoring,
    Platform,
    Product,
    Registry,
    Resource,
    Rollout,
    Runtime,
    Sampling,
    Scale,
    SecretStore,
    Service,
    Size,
    Spec,
    Traces,
)

AT = Location("groundplan.yaml", 1, 1)


def service(name: str = "web", runtime: str = "node", **given: Any) -> Service:
    """A service with the schema's defaults; `version`, `package_manager`, and the keys of `build` may be given flat."""
    path = f"services.{name}"
    arguments = given.pop("command_", ())
    build = {key: given.pop(key, None) for key in ("command", "start", "output")}
    health = {"live": "/health", "ready": "/ready", "startup_seconds": 150, "command": ()} | given.pop("health", {})
    values: dict[str, Any] = {
        "type": "api",
        "image": None,
        "runtime": Runtime(
            path=f"{path}.runtime",
            name=runtime,
            version=given.pop("version", None),
            package_manager=given.pop("package_manager", None),
        ),
        "build": Build(path=f"{path}.build", context=given.pop("context", "."), **build),
        "command": arguments,
        "port": 8080,
        "protocol": "http",
        "public": None,
        "health": Health(path=f"{path}.health", **health),
        "scale": Scale(path=f"{path}.scale", min=2, max=10, cpu=70, memory=None, requests_per_second=None, queue=None),
        "size": Size(path=f"{path}.size", cpu="1", memory="1Gi", cpu_limit="1", memory_limit="1Gi", disk="1Gi"),
        "rollout": Rollout(path=f"{path}.rollout", strategy="rolling"),
        "metrics": None,
        "slo": None,
        "migrate": None,
        "schedule": None,
        "storage": None,
        "spot": False,
        "env": {},
        "files": {},
    }
    for key in ("calls", "uses", "egress", "writable", "kubernetes_access", "host_access"):
        values[key] = ()
    known = {field.name for field in dataclasses.fields(Service)}
    return Service(path=path, name=name, **{key: value for key, value in (values | given).items() if key in known})


def resource(name: str, kind: str) -> Resource:
    """A resource of which only the type matters."""
    empty: dict[str, Any] = {field.name: None for field in dataclasses.fields(Resource)}
    return Resource(**(empty | {"path": f"resources.{name}", "name": name, "type": kind, "outputs": {}}))


def product(*services: Service, resources: tuple[Resource, ...] = (), description: str = "") -> Product:
    """A product of these services."""
    spec = Spec(
        path="",
        app="shop",
        owner="team-shop",
        description=description,
        tags={},
        cloud=None,
        platform=Platform(
            path="platform",
            compute="kubernetes",
            cluster=None,
            kubernetes=KubernetesPlatform(
                path="platform.kubernetes",
                version="1.36",
                gitops="none",
                layout="kustomize",
                gateway="gateway",
                gateway_namespace="gateway",
                monitoring_namespace="monitoring",
            ),
            secrets=SecretStore(path="platform.secrets", store="vault", sync="external-secrets"),
            registry=Registry(path="platform.registry", host="ghcr.io/acme", mirror=True, sign="keyless"),
        ),
        targets=("docker",),
        services={item.name: item for item in services},
        resources={item.name: item for item in resources},
        secrets={},
        notify=None,
        monitoring=_monitoring(),
        alerts={},
        disaster_recovery=None,
        cost=None,
        delivery=Delivery(path="delivery", ci=("github",), repository=None, maintenance_window="sun 03:00-05:00 UTC"),
        patches=(),
        environment=Environment(path="", name="", promote_from=None, protect=False, development=False),
        tree=Node({}, AT),
    )
    return Product("groundplan.yaml", spec, {})


def _monitoring() -> Monitoring:
    """As the schema's defaults are."""
    return Monitoring(
        path="monitoring",
        metrics=MetricsStore(path="monitoring.metrics", interval="15s", keep="15d", operator=True),
        logs=Logs(path="monitoring.logs", shipper="fluent-bit", store="elasticsearch", keep="30d", audit_keep="400d"),
        traces=Traces(
            path="monitoring.traces",
            store="jaeger",
            keep="7d",
            sampling=Sampling(path="monitoring.traces.sampling", errors=100, slow="1s", rest=5),
        ),
        dashboards=("infrastructure", "kubernetes", "applications"),
        grafana=None,
        runbooks=None,
    )
