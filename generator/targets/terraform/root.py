"""The root module of an environment, as values: what a cloud's plan gives to the target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generator.targets.terraform.call import Call


@dataclass(frozen=True, slots=True)
class Root:
    """Everything in `environments/<name>`; the parts are printed by the templates of `templates/terraform`."""

    calls: tuple[Call, ...]
    providers: tuple[Mapping[str, Any], ...]
    tags: Mapping[str, Any]
    backend: Mapping[str, Any]
    lookups: tuple[tuple[str, str, Mapping[str, Any], str], ...] = ()
    """Data sources for what exists: file name, template, context, origin."""
    variables: tuple[Mapping[str, Any], ...] = ()
    outputs: tuple[Mapping[str, Any], ...] = ()
