"""Grafana: dashboards, the sources they read, and how both get into a Grafana, by files or by its operator.

Each dashboard is one JSON file. Files of provisioning read it, and kustomize makes a ConfigMap of the same file for
Kubernetes, so there is no second copy to fall behind.
"""

from generator.targets.monitoring.grafana.plan import plan

__all__ = ["plan"]
