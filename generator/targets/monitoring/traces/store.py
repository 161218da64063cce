"""Where traces are kept, and for how long: Jaeger v2 (itself a collector) or Tempo.

In a cluster Jaeger writes daily indices to the Elasticsearch of the logs, and a job deletes the old ones; on a laptop
it keeps them in a file of its own, which forgets by itself.
https://www.jaegertracing.io/docs/2.20/storage/elasticsearch/
https://grafana.com/docs/tempo/v2.10.x/configuration/
"""

from __future__ import annotations

from typing import Any

from generator import data
from generator.artifact import because
from generator.model import Spec
from generator.quantity import seconds
from generator.targets.monitoring.traces.pipeline import GRPC, HEALTH, telemetry

UI = {"jaeger": 16686, "tempo": 3200}
DATA = "/data"
USER, SECRET, SECRETS = "jaeger", "trace-store", "/var/run/secrets/trace-store"
"""Who Jaeger is to Elasticsearch; the Secret holds `password` and `ca.crt`, and is made by whoever runs the store."""

_CAUSE = "monitoring.traces.keep"

Part = dict[str, Any]


def image(name: str) -> Any:
    """An image of the dated data."""
    listed = data.load("schemas/data/monitoring-images-traces.json")["images"]
    return because(listed[name]["image"], "monitoring.traces.store" if name != "collector" else "monitoring.traces")


def days(spec: Spec) -> int:
    """Whole days, since indices are daily; never fewer than asked for."""
    return max(1, -(-seconds(spec.monitoring.traces.keep) // 86400))


def prefix(spec: Spec) -> Any:
    """What the indices of an environment begin with; no data stream of Elasticsearch's own is called so."""
    return because(spec.namespace, "app", spec.environment.path)


def configuration(spec: Spec, host: str, *, search: str = "") -> Part:
    """The store's own configuration; `search` is the address of Elasticsearch, "" for a file."""
    if spec.monitoring.traces.store == "tempo":
        return _tempo(spec)
    return _jaeger(spec, host, search)


def _hours(spec: Spec) -> Any:
    return because(f"{-(-seconds(spec.monitoring.traces.keep) // 3600)}h", _CAUSE)


def _jaeger(spec: Spec, host: str, search: str) -> Part:
    limiter = {"check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 20}
    return {
        "extensions": {
            "healthcheckv2": {"use_v2": True, "http": {"endpoint": f"{host}:{HEALTH}"}},
            "jaeger_storage": {"backends": {"traces": _elasticsearch(spec, search) if search else _badger(spec)}},
            "jaeger_query": {
                "storage": {"traces": "traces"},
                "http": {"endpoint": f"{host}:{UI['jaeger']}"},
            },
        },
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"{host}:{GRPC}"}}}},
        "processors": {"memory_limiter": limiter, "batch": {}},
        "exporters": {"jaeger_storage_exporter": {"trace_storage": "traces"}},
        "service": {
            "extensions": ["healthcheckv2", "jaeger_storage", "jaeger_query"],
            "telemetry": telemetry(host),
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "processors": ["memory_limiter", "batch"],
                    "exporters": ["jaeger_storage_exporter"],
                }
            },
        },
    }


def _elasticsearch(spec: Spec, search: str) -> Part:
    daily = {"date_layout": "2006-01-02", "rollover_frequency": "day"}
    kinds = ("spans", "services", "dependencies")
    return {
        "elasticsearch": {
            "server_urls": [search],
            "auth": {"basic": {"username": USER, "password_file": f"{SECRETS}/password"}},
            "tls": {"ca_file": f"{SECRETS}/ca.crt"},
            "indices": {"index_prefix": prefix(spec), **{kind: dict(daily) for kind in kinds}},
        }
    }


def _badger(spec: Spec) -> Part:
    folders = {"keys": f"{DATA}/keys", "values": f"{DATA}/values"}
    return {"badger": {"directories": folders, "ephemeral": False, "ttl": {"spans": _hours(spec)}}}


def _tempo(spec: Spec) -> Part:
    return {
        "server": {"http_listen_port": UI["tempo"], "log_level": "warn"},
        "distributor": {"receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"0.0.0.0:{GRPC}"}}}}},
        "compactor": {"compaction": {"block_retention": _hours(spec)}},
        "storage": {
            "trace": {
                "backend": "local",
                "local": {"path": f"{DATA}/blocks"},
                "wal": {"path": f"{DATA}/wal"},
            }
        },
        "usage_report": {"reporting_enabled": False},
    }
