"""compose.yaml: the product on one machine, hardened as in production, with stand-ins for its resources."""

from generator.targets.compose.plan import plan

__all__ = ["plan"]
