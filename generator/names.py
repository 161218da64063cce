"""Names of things in a cloud: prefix, environment, name; cut with a stable mark where a service limits them."""

from __future__ import annotations

import hashlib

LIMIT = 50
"""Leaves room for what modules append: an account number for buckets, a word for roles."""

SHORT_LIMIT = 32
"""Load balancers and target groups: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html"""

_MARK = 6
"""Characters of the hash that keeps a cut name apart from its neighbours."""


def cut(name: str, limit: int) -> str:
    """A name of at most `limit` characters: longer ones end in a hash of the whole."""
    if len(name) <= limit:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:_MARK]
    return f"{name[: limit - _MARK - 1].rstrip('-')}-{mark}"
