"""Conditions in CEL, the language of Kubernetes' admission policies; the package is optional."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from generator.errors import Fault


def evaluate(expression: str, names: Mapping[str, Any]) -> Any:
    """The value of an expression over `value`, `shown`, `subject` and `service`."""
    found = _compiled(expression).eval(data=dict(names))
    if found.type().name() != "ERROR":
        return found.value()
    raise Fault(
        f"the CEL expression {expression!r} cannot be applied to {names['shown']!r}: {found.value()}", "mend the rule"
    )


@functools.lru_cache(maxsize=256)
def _compiled(expression: str) -> Any:
    try:
        from cel_expr_python import cel  # type: ignore[import-untyped]
    except ImportError:
        raise Fault(
            "a rule is written in CEL and cel-expr-python is not installed", "pip install cel-expr-python"
        ) from None
    text = cel.Type.STRING
    environment = cel.NewEnv(
        variables={"value": cel.Type.DYN, "shown": text, "subject": text, "service": text},
    )
    try:
        return environment.compile(expression)
    except RuntimeError as problem:
        first = str(problem).partition("\n")[0].rpartition("ERROR: ")[2]
        raise Fault(f"the CEL expression {expression!r} is wrong: {first}", "mend the rule") from None
