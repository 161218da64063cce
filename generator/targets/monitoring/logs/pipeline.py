"""Fluent Bit's pipeline in its YAML notation: what is read, shaped, buffered and delivered.

Nothing is unbounded: lines wait on disk up to a limit, and are tried again up to a limit. Order is meaning here: the
multiline filter comes first, since what it joins goes through all filters once more.
https://docs.fluentbit.io/manual/data-pipeline/filters/multiline-stacktrace
"""

from __future__ import annotations

from typing import Any

from generator.artifact import because
from generator.model import Spec
from generator.targets.monitoring.logs import record
from generator.targets.monitoring.logs.names import audit_stream, stream

STATE = "/var/lib/fluent-bit"
"""Where offsets and waiting chunks lie."""

SECRETS = "/var/run/secrets/log-store"
"""Where the key and the authority of the store are mounted."""

HTTP_PORT = 2020
FORWARD_PORT = 24224

_OTHERS = "OTHERS"
"""Who is none of the services; names of services have no capitals."""

_RETRIES = 12
"""With a base of 5 s and a cap of 60 s some ten minutes; what waits on disk is tried for that long."""


def service() -> dict[str, Any]:
    """Health, metrics and limits of the shipper itself."""
    return {
        "flush": 1,
        "grace": 10,
        "daemon": False,
        "log_level": "info",
        "http_server": True,
        "http_listen": "0.0.0.0",  # noqa: S104 - probes and scrapes come from outside the pod
        "http_port": HTTP_PORT,
        "health_check": True,
        "hc_errors_count": 5,
        "hc_retry_failure_count": 5,
        "hc_period": 60,
        "hot_reload": True,
        "scheduler.base": 5,
        "scheduler.cap": 60,
        "storage.path": f"{STATE}/chunks",
        "storage.sync": "normal",
        "storage.checksum": False,
        "storage.max_chunks_up": 64,
        "storage.backlog.mem_limit": "16M",
        "storage.metrics": True,
        "storage.delete_irrecoverable_chunks": True,
    }


def multiline_parsers(spec: Spec) -> list[Any]:
    """The stack traces that Fluent Bit does not know itself, of the runtimes that the product has."""
    return [
        because(
            {
                "name": record.parser_name(runtime),
                "type": "regex",
                "flush_timeout": 1000,
                "rules": [
                    {"state": state, "regex": pattern, "next_state": following}
                    for state, pattern, following in record.OWN_TRACES[runtime]
                ],
            },
            cause,
        )
        for runtime, cause in record.runtimes(spec).items()
        if runtime in record.OWN_TRACES
    ]


def from_cluster(spec: Spec) -> list[Any]:
    """The container logs of the product's own namespace."""
    path = f"/var/log/containers/*_{spec.namespace}_*.log"
    return [
        {
            "name": "tail",
            "alias": "containers",
            "tag": "kube.*",
            "path": because(path, spec.environment.path, "app"),
            "multiline.parser": "docker, cri",
            "db": f"{STATE}/containers.db",
            "db.locking": True,
            "read_from_head": True,
            "refresh_interval": 10,
            "rotate_wait": 30,
            "buffer_chunk_size": "64k",
            "buffer_max_size": "1M",
            "skip_long_lines": True,
            "skip_empty_lines": True,
            "mem_buf_limit": "32M",
            "storage.type": "filesystem",
            "storage.pause_on_chunks_overlimit": True,
        }
    ]


def from_compose() -> list[Any]:
    """What Docker's fluentd driver sends, tagged `compose.<service>`."""
    return [
        {
            "name": "forward",
            "alias": "containers",
            "listen": "0.0.0.0",  # noqa: S104 - published on the loopback only
            "port": FORWARD_PORT,
            "buffer_chunk_size": "1M",
            "buffer_max_size": "6M",
            "mem_buf_limit": "32M",
            "storage.type": "filesystem",
        }
    ]


def filters(spec: Spec, *, cluster: bool) -> list[Any]:
    """Join traces, read JSON, learn whose it is, shape and redact, set audit records apart."""
    match = "kube.*" if cluster else "compose.*"
    parsed = _metadata(match) if cluster else _json(match)
    shaped = {
        "name": "lua",
        "alias": "shape",
        "match": match,
        "call": "shape",
        "protected_mode": True,
        "code": because(record.lua(spec), "monitoring.logs", "app"),
    }
    return [*_traces(spec, match), parsed, shaped, _parted(spec, match)]


def _traces(spec: Spec, match: str) -> list[Any]:
    found = record.runtimes(spec)
    if not found:
        return []
    parsers = because(", ".join(record.parser_name(runtime) for runtime in found), *found.values())
    return [
        {
            "name": "multiline",
            "alias": "traces",
            "match": match,
            "multiline.key_content": "log",
            "multiline.parser": parsers,
            "mode": "parser",
            "buffer": True,
            "flush_ms": 2000,
            "emitter_name": "traces",
            "emitter_storage.type": "filesystem",
            "emitter_mem_buf_limit": "16M",
        }
    ]


def _metadata(match: str) -> dict[str, Any]:
    """A pod may neither choose a parser nor keep its lines out: both would be ways around the audit."""
    return {
        "name": "kubernetes",
        "alias": "metadata",
        "match": match,
        "kube_tag_prefix": "kube.var.log.containers.",
        "merge_log": True,
        "keep_log": False,
        "k8s-logging.parser": False,
        "k8s-logging.exclude": False,
        "labels": True,
        "annotations": False,
        "buffer_size": "256k",
        "kube_meta_cache_ttl": "300s",
    }


def _json(match: str) -> dict[str, Any]:
    return {"name": "parser", "match": match, "key_name": "log", "parser": "json", "reserve_data": True}


def _parted(spec: Spec, match: str) -> dict[str, Any]:
    """Audit records go their own way; for Loki every service does, since its name is an attribute of the resource."""
    rules: list[Any] = [because("$log_type ^audit$ audit.$TAG false", "monitoring.logs.audit_keep")]
    if spec.monitoring.logs.store == "loki":
        for name, service in spec.services.items():
            rules.append(because(f"$service['name'] ^{name}(-migrate)?$ app.{name} false", service.path))
        rules.append(because(f"$service['name'] ^.*$ app.{_OTHERS} false", "monitoring.logs.store"))
    return {
        "name": "rewrite_tag",
        "alias": "parted",
        "match": match,
        "rule": rules,
        "emitter_name": "parted",
        "emitter_storage.type": "filesystem",
        "emitter_mem_buf_limit": "16M",
    }


def outputs(spec: Spec, *, cluster: bool) -> list[Any]:
    """To the store of the spec; in a cluster with TLS and a key, on a laptop inside the network of its containers."""
    if spec.monitoring.logs.store == "loki":
        return _loki(spec, cluster=cluster)
    match = "kube.*" if cluster else "compose.*"
    cause = "monitoring.logs.store"
    return [
        because(_elasticsearch("logs", match, stream(spec), "1G", cluster=cluster), cause),
        because(_elasticsearch("audit", "audit.*", audit_stream(spec), "256M", cluster=cluster), cause),
    ]


def _elasticsearch(alias: str, match: str, index: str, limit: str, *, cluster: bool) -> dict[str, Any]:
    return {
        "name": "es",
        "alias": alias,
        "match": match,
        "host": "${ELASTICSEARCH_HOST}",
        "port": 9200,
        **_secured(cluster),
        **({"http_api_key": "${LOG_STORE_KEY}"} if cluster else {}),
        "index": index,
        "write_operation": "create",
        "suppress_type_name": True,
        "generate_id": True,
        "compress": "gzip",
        "buffer_size": "1M",
        "trace_error": True,
        **_bounded(limit),
    }


def _loki(spec: Spec, *, cluster: bool) -> list[Any]:
    found = [because(_otlp(spec, name, cluster=cluster), service.path) for name, service in spec.services.items()]
    others = because(_otlp(spec, _OTHERS, cluster=cluster), "monitoring.logs.store")
    return [*found, others, because(_otlp(spec, "", cluster=cluster), "monitoring.logs.audit_keep")]


def _otlp(spec: Spec, name: str, *, cluster: bool) -> dict[str, Any]:
    """By OTLP: attributes of the resource become labels of the stream, everything else its structured metadata."""
    attributes = {
        "service.name": spec.app if name in ("", _OTHERS) else name,
        "service.namespace": spec.namespace,
        "deployment.environment.name": spec.environment.name,
        **({} if name else {"log.type": "audit"}),
    }
    inserted = [
        {
            "name": "content_modifier",
            "context": "otel_resource_attributes",
            "action": "upsert",
            "key": key,
            "value": value,
        }
        for key, value in attributes.items()
    ]
    return {
        "name": "opentelemetry",
        "alias": name or "audit",
        "match": f"app.{name}" if name else "audit.*",
        "host": "${LOKI_HOST}",
        "port": 3100,
        "logs_uri": "/otlp/v1/logs",
        "logs_body_key": "$message",
        "logs_body_key_attributes": True,
        "logs_severity_text_message_key": "$level",
        "logs_trace_id_message_key": "$trace_id",
        "logs_span_id_message_key": "$span_id",
        "log_response_payload": False,
        **_secured(cluster),
        **({"header": ["Authorization Bearer ${LOG_STORE_KEY}"]} if cluster else {}),
        "compress": "gzip",
        **_bounded("512M"),
        "processors": {"logs": [{"name": "opentelemetry_envelope"}, *inserted]},
    }


def _secured(cluster: bool) -> dict[str, Any]:
    if not cluster:
        return {"tls": False}
    return {"tls": True, "tls.verify": True, "tls.verify_hostname": True, "tls.ca_file": f"{SECRETS}/ca.crt"}


def _bounded(limit: str) -> dict[str, Any]:
    return {"workers": 2, "retry_limit": _RETRIES, "storage.total_limit_size": limit, "net.keepalive": True}
