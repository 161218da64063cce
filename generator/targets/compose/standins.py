"""What stands in for a resource on a developer's machine, and what its outputs are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from generator import data
from generator.artifact import because
from generator.model import Resource

_KIND = {"queue": "elasticmq", "bucket": "seaweedfs", "search": "opensearch"}
"""Image in the dated data for a resource type; other types are called like their image."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """A backing service. `outputs` are the values its resource has here; `password` its variable, if it has one."""

    body: dict[str, Any]
    outputs: Mapping[str, str]
    password: str = ""
    volumes: tuple[str, ...] = ()
    configs: Mapping[str, Any] = field(default_factory=dict)


def stand_in(resource: Resource, app: str) -> StandIn | None:
    """The stand-in of a resource, or None where none exists."""
    make = _MAKERS.get(resource.type)
    return make(resource, app) if make else None


def image(resource: Resource) -> Any:
    """The image of the resource's line (or the default one), with its digest where that is known."""
    lines = data.load("schemas/data/runtimes.json")["images"][_KIND.get(resource.type, resource.type)]
    wanted = resource.version if resource.version in lines["lines"] else lines["default"]
    found = lines["lines"][wanted]["image"]
    reference = f"{found['ref']}@{found['digest']}" if found["digest"] else found["ref"]
    return because(reference, resource.at("version") if resource.version else resource.at("type"), resource.path)


def password_name(resource: Resource) -> str:
    return f"{resource.name.upper().replace('-', '_')}_PASSWORD"


def _wanted(variable: str) -> str:
    """Interpolation that refuses to start without a value."""
    return f"${{{variable}:?set it in .env}}"


def _body(resource: Resource, user: str, **more: Any) -> dict[str, Any]:
    """What every stand-in has: the image, hardened, limited, on the inner network only."""
    return {
        "image": image(resource),
        "user": user,
        **more,
        "networks": ["backend"],
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": more.get("mem_limit", "512m"),
        "cpus": 1,
        "pids_limit": 256,
        "restart": "unless-stopped",
        "logging": LOGGING,
    }


LOGGING = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}


def _healthy(*test: str, start: str = "30s") -> dict[str, Any]:
    return {"test": list(test), "interval": "10s", "timeout": "5s", "retries": 5, "start_period": start}


def _postgres(resource: Resource, app: str) -> StandIn:
    name, password = app.replace("-", "_"), password_name(resource)
    major = int(
        (resource.version or data.load("schemas/data/runtimes.json")["images"]["postgres"]["default"]).split(".")[0]
    )
    folder = "/var/lib/postgresql" if major >= 18 else "/var/lib/postgresql/data"
    body = _body(
        resource,
        "70:70",  # postgres in the alpine image
        environment={
            "POSTGRES_DB": name,
            "POSTGRES_USER": name,
            "POSTGRES_PASSWORD_FILE": f"/run/secrets/{resource.name}-password",
        },
        secrets=[f"{resource.name}-password"],
        volumes=[f"{resource.name}-data:{folder}"],
        tmpfs=["/tmp:size=64m", "/var/run/postgresql:size=1m,uid=70,gid=70"],  # noqa: S108
        healthcheck=_healthy("CMD", "pg_isready", "--username", name, "--dbname", name),
        shm_size="128m",
    )
    return StandIn(body, _database(resource, name, password, 5432, "postgres"), password, (f"{resource.name}-data",))


def _mysql(resource: Resource, app: str) -> StandIn:
    name, password = app.replace("-", "_"), password_name(resource)
    secret = f"/run/secrets/{resource.name}-password"
    body = _body(
        resource,
        "999:999",  # mysql in the official image
        environment={
            "MYSQL_DATABASE": name,
            "MYSQL_USER": name,
            "MYSQL_PASSWORD_FILE": secret,
            "MYSQL_RANDOM_ROOT_PASSWORD": "yes",
        },
        secrets=[f"{resource.name}-password"],
        volumes=[f"{resource.name}-data:/var/lib/mysql"],
        tmpfs=["/tmp:size=64m", "/var/run/mysqld:size=1m,uid=999,gid=999"],  # noqa: S108
        healthcheck=_healthy("CMD", "mysqladmin", "ping", "--host", "127.0.0.1", "--silent", start="60s"),
        mem_limit="1g",
    )
    return StandIn(body, _database(resource, name, password, 3306, "mysql"), password, (f"{resource.name}-data",))


def _mongodb(resource: Resource, app: str) -> StandIn:
    name, password = app.replace("-", "_"), password_name(resource)
    body = _body(
        resource,
        "999:999",  # mongodb in the official image
        environment={
            "MONGO_INITDB_ROOT_USERNAME": name,
            "MONGO_INITDB_ROOT_PASSWORD_FILE": f"/run/secrets/{resource.name}-password",
            "HOME": "/tmp",  # noqa: S108
        },
        secrets=[f"{resource.name}-password"],
        volumes=[f"{resource.name}-data:/data/db", f"{resource.name}-config:/data/configdb"],
        tmpfs=["/tmp:size=64m"],  # noqa: S108
        healthcheck=_healthy("CMD", "mongosh", "--quiet", "--eval", "quit(db.adminCommand('ping').ok ? 0 : 1)"),
        mem_limit="1g",
    )
    outputs = _database(resource, name, password, 27017, "mongodb")
    outputs["url"] += "?authSource=admin"
    return StandIn(body, outputs, password, (f"{resource.name}-data", f"{resource.name}-config"))


def _database(resource: Resource, name: str, password: str, port: int, scheme: str) -> dict[str, str]:
    host = resource.name
    return {
        "host": host,
        "port": str(port),
        "name": name,
        "reader_host": host,
        "username": name,
        "password": _wanted(password),
        "url": f"{scheme}://{name}:{_wanted(password)}@{host}:{port}/{name}",
    }


def _valkey(resource: Resource, _app: str) -> StandIn:
    password = password_name(resource)
    secret = f"/run/secrets/{resource.name}-password"
    read = f'"$$(cat {secret})"'
    body = _body(
        resource,
        "999:1000",  # valkey in the alpine image
        entrypoint=["/bin/sh", "-ec"],
        command=[f'exec valkey-server --save "" --appendonly no --requirepass {read}'],
        secrets=[f"{resource.name}-password"],
        tmpfs=["/data:size=64m,uid=999,gid=1000"],
        healthcheck=_healthy("CMD-SHELL", f"REDISCLI_AUTH={read} valkey-cli ping | grep -q PONG", start="10s"),
    )
    outputs = {
        "host": resource.name,
        "port": "6379",
        "password": _wanted(password),
        "url": f"redis://:{_wanted(password)}@{resource.name}:6379/0",
    }
    return StandIn(body, outputs, password)


def _queue(resource: Resource, _app: str) -> StandIn:
    name, dead = resource.name, f"{resource.name}-dead-letter"
    queue = f"{name}.fifo" if resource.ordered else name
    config = _queue_configuration(resource, queue, dead)
    body = _body(
        resource,
        "10001:10001",
        configs=[{"source": f"{name}-config", "target": "/opt/elasticmq.conf"}],
        tmpfs=["/tmp:size=64m"],  # noqa: S108
        healthcheck=_healthy(
            "CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:9324/?Action=ListQueues", start="10s"
        ),
    )
    outputs = {
        "name": queue,
        "url": f"http://{name}:9324/000000000000/{queue}",
        "arn": f"arn:aws:sqs:elasticmq:000000000000:{queue}",
        "dead_letter_name": dead,
    }
    return StandIn(body, outputs, configs={f"{name}-config": {"content": because(config, resource.path)}})


def _queue_configuration(resource: Resource, queue: str, dead: str) -> str:
    """ElasticMQ's configuration: the queue, its dead letters, both made at start."""
    visibility = (
        (resource.visibility or "30s").replace("m", " minutes").replace("s", " seconds")
        if resource.visibility
        else "30 seconds"
    )
    fifo = "\n    fifo = true" if resource.ordered else ""
    return (
        'include classpath("application.conf")\n'
        f"node-address {{ host = {resource.name} }}\n"
        "queues {\n"
        f'  "{queue}" {{\n'
        f"    defaultVisibilityTimeout = {visibility}{fifo}\n"
        f'    deadLettersQueue {{ name = "{dead}", maxReceiveCount = {resource.dead_letter_after or 5} }}\n'
        "  }\n"
        f'  "{dead}" {{ }}\n'
        "}\n"
    )


def _bucket(resource: Resource, app: str) -> StandIn:
    name = f"{app}-{resource.name}"
    body = _body(
        resource,
        "10001:10001",
        command=["server", "-dir=/data", "-s3", "-ip.bind=0.0.0.0"],
        tmpfs=["/data:size=1g,uid=10001,gid=10001", "/tmp:size=64m"],  # noqa: S108
        healthcheck=_healthy("CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:9333/cluster/healthz"),
        mem_limit="1g",
    )
    outputs = {
        "name": name,
        "region": "us-east-1",
        "arn": f"arn:aws:s3:::{name}",
        "endpoint": f"http://{resource.name}:8333",
    }
    return StandIn(body, outputs)


_MAKERS: Mapping[str, Callable[[Resource, str], StandIn]] = {
    "postgres": _postgres,
    "mysql": _mysql,
    "mongodb": _mongodb,
    "valkey": _valkey,
    "queue": _queue,
    "bucket": _bucket,
}
