"""Grafana on a laptop: a part of `compose.monitoring.yaml`, which another module writes.

Everybody on the laptop may look and explore, nobody signs in, so there is no password to keep. What is changed by hand
lasts until the next start: the files of the repository are what counts.
"""

from __future__ import annotations

from typing import Any

from generator import data
from generator.artifact import because
from generator.model import Product
from generator.targets.monitoring.grafana.plan import FOLDER, READ_FROM

PORT = 3300
"""On the laptop; 3000 is what services themselves like to have."""


def services(product: Product) -> dict[str, Any]:
    """Grafana with the files of provisioning and the dashboards, both read-only."""
    image = data.load("schemas/data/monitoring-images-grafana.json")["images"]["grafana"]["image"]
    settings = {
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_AUTH_ANONYMOUS_ORG_ROLE": "Editor",
        "GF_AUTH_DISABLE_LOGIN_FORM": "true",
        "GF_SERVER_ROOT_URL": f"http://localhost:{PORT}",
        "GF_USERS_DEFAULT_THEME": "system",
    }
    made = {
        "image": image,
        "environment": settings,
        "ports": [f"127.0.0.1:{PORT}:3000"],
        "networks": ["edge", "backend"],
        "volumes": [
            f"./{FOLDER}/provisioning:/etc/grafana/provisioning:ro",
            f"./{FOLDER}/dashboards:{READ_FROM}:ro",
            "grafana-data:/var/lib/grafana",
        ],
        "healthcheck": {
            "test": ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:3000/api/health"],
            "interval": "10s",
            "timeout": "5s",
            "retries": 12,
            "start_period": "60s",
        },
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": "512m",
        "cpus": 1,
        "pids_limit": 512,
        "restart": "unless-stopped",
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
    }
    taken = {*product.base.services, *product.base.resources}
    return {"grafana-of-monitoring" if "grafana" in taken else "grafana": because(made, "monitoring.dashboards")}


def volumes(_product: Product) -> dict[str, Any]:
    """Its database: what was looked at lately, no dashboard of ours."""
    return {"grafana-data": because({}, "monitoring.dashboards")}
