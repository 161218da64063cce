"""Kubernetes manifests: a base, and one overlay per environment that holds its differences only.

The base is what the spec says without an environment. Each environment is rendered in full as well,
and the overlay is the difference between the two, so it can neither forget nor repeat a line.
"""

from generator.targets.kubernetes.plan import plan, rendered_environment

__all__ = ["plan", "rendered_environment"]
