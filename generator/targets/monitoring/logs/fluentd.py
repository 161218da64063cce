"""Fluentd's configuration: the same work as Fluent Bit's pipeline, in the words of the plugins of its image.

The plugins are those of fluentd-kubernetes-daemonset for Elasticsearch 9; none of them speaks OTLP, so lines for Loki
are put into OTLP's JSON one a request, which is slow: Fluent Bit batches them.
https://github.com/fluent/fluentd-kubernetes-daemonset/blob/master/docker-image/v1.19/debian-elasticsearch9/Gemfile
"""

from __future__ import annotations

from typing import Any

from generator.artifact import because
from generator.model import Spec
from generator.targets.monitoring.logs import record
from generator.targets.monitoring.logs.names import audit_stream, stream

STATE = "/fluentd/state"
COMMAND = ["tini", "--", "fluentd", "-c", "/etc/logs/fluentd.conf", "-p", "/fluentd/plugins", "--no-supervisor"]
METRICS_PATH = "/metrics"
HTTP_PORT = 24231
AGENT_PORT = 24220

_LANGUAGES = {
    "java": "java",
    "python": "python",
    "go": "go",
    "ruby": "ruby",
    "node": "js",
    "dotnet": "csharp",
    "php": "php",
}
"""What fluent-plugin-detect-exceptions calls a runtime.

https://github.com/GoogleCloudPlatform/fluent-plugin-detect-exceptions#configuration
"""


def context(spec: Spec, *, cluster: bool, host: str, secrets: str) -> dict[str, Any]:
    """What the template prints; each value is a single word, since the notation quotes by its own rules."""
    logs = spec.monitoring.logs
    languages = {_LANGUAGES[name]: cause for name, cause in record.runtimes(spec).items() if name in _LANGUAGES}
    return {
        "cluster": cluster,
        "state": STATE,
        "tag": "kubernetes" if cluster else "compose",
        "namespace": because(spec.namespace, "app", spec.environment.path),
        "environment": because(spec.environment.name, spec.environment.path),
        "languages": because(",".join(languages), *languages.values()) if languages else "",
        "keys": because(",".join(record.SECRET_KEYS), "monitoring.logs"),
        "store": because(logs.store, "monitoring.logs.store"),
        "index": because(stream(spec), "monitoring.logs.store"),
        "audit_index": because(audit_stream(spec), "monitoring.logs.audit_keep"),
        "host": because(host, "monitoring.logs.store"),
        "secrets": secrets,
        "scheme": "https" if cluster else "http",
    }
