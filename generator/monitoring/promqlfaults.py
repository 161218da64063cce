"""What is wrong with PromQL that parses: types, labels, and conditions that nothing can meet.

Kinds come from the catalogue; a metric it does not know is taken for a counter only when its name ends in `_total`.
What cannot be decided from the text is not said.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator

from generator.monitoring import catalogue, promql
from generator.monitoring.promql import (
    COMPARISONS,
    Aggregation,
    Binary,
    Call,
    Expression,
    Group,
    Labels,
    Matcher,
    Name,
    Number,
    Problem,
    Selector,
    Subquery,
    Text,
    Unary,
    bare,
    is_scalar,
)

RATES = frozenset(["rate", "irate", "increase"])
TRENDS = frozenset(
    ["delta", "idelta", "deriv", "predict_linear", "avg_over_time", "quantile_over_time", "stddev_over_time"]
)
"""Functions over a range that make sense for gauges only."""


def problems(text: str, given: frozenset[str] = frozenset()) -> tuple[Problem, ...]:
    """Everything that is wrong with an expression; `given` are labels that the project's own scraping adds."""
    read = promql.parse(text)
    return (read,) if isinstance(read, Problem) else tuple(faults(read, text, given))


def faults(expression: Expression, text: str, given: frozenset[str] = frozenset()) -> Iterator[Problem]:
    """What is wrong with an expression that parses, by place."""
    if isinstance(bare(expression), Selector) and bare(expression).range is not None:  # type: ignore[union-attr]
        yield Problem(
            "a range of samples is no value; put a function such as rate() around it", expression.start, "range"
        )
    found: list[Problem] = []
    for part in promql.walk(expression):
        match part:
            case Call():
                found += [*_ranged(part), *_quantiles(part)]
            case Aggregation():
                found += [*_averaged(part), *_quantile_bounds(part), *_grouped(part, given)]
            case Binary():
                found += [*_raw_comparison(part), *_mismatched(part), *_never(part, text)]
            case Selector():
                found += [*_contradictions(part), *_needless(part), *_foreign(part, given)]
    yield from sorted(set(found), key=lambda problem: (problem.offset, problem.kind, problem.message))


def kind_of(metric: str) -> str:
    """counter, gauge, histogram or summary; "" when nothing tells."""
    known = catalogue.metric(metric)
    if known is not None:
        return known.type
    return "counter" if metric.endswith("_total") and ":" not in metric else ""


def _ranged(call: Call) -> Iterator[Problem]:
    """Functions over a range: on what, and over what."""
    if not call.arguments or call.function not in RATES | TRENDS:
        return
    argument = bare(call.arguments[-1] if call.function == "quantile_over_time" else call.arguments[0])
    inner = bare(argument.inner) if isinstance(argument, Subquery) else argument
    if isinstance(inner, Selector):
        kind = kind_of(inner.metric)
        if call.function in RATES and kind == "gauge":
            yield Problem(f"{call.function}() of {inner.metric}, a gauge", inner.start, "rate-over-gauge")
        if call.function in TRENDS and kind == "counter":
            yield Problem(f"{call.function}() of {inner.metric}, a counter", inner.start, "trend-over-counter")
    elif call.function in RATES and isinstance(inner, Aggregation) and (counter := _raw_counter(inner)):
        message = f"{call.function}() of a {inner.operator}() over the counter {counter.metric}"
        yield Problem(message, inner.start, "rate-of-sum")


def _raw_counter(expression: Expression) -> Selector | None:
    """The counter whose bare value reaches the result through nothing but sums and scaling."""
    match expression:
        case Selector(range=None):
            return expression if kind_of(expression.metric) == "counter" else None
        case Group() | Unary():
            return _raw_counter(expression.inner)
        case Aggregation(operator="sum" | "avg" | "max" | "min" | "topk" | "bottomk" | "quantile"):
            return _raw_counter(expression.inner)
        case Binary(operator="*" | "/" | "+" | "-", left=left, right=right) if is_scalar(left) or is_scalar(right):
            return _raw_counter(right if is_scalar(left) else left)
        case Call(function="abs" | "ceil" | "floor" | "round", arguments=arguments) if arguments:
            return _raw_counter(arguments[0])
        case _:
            return None


def _raw_comparison(part: Binary) -> Iterator[Problem]:
    if part.operator not in (">", ">=", "<", "<="):
        return
    for side, other in ((part.left, part.right), (part.right, part.left)):
        counter, threshold = _raw_counter(side), bare(other)
        if counter is not None and isinstance(threshold, Number) and threshold.value != 0:  # "> 0" asks: was it ever?
            message = f"{counter.metric} is a counter and is compared as it stands"
            yield Problem(message, counter.start, "counter-without-rate")


def _averaged(part: Aggregation) -> Iterator[Problem]:
    if part.operator == "avg" and (counter := _raw_counter(part.inner)):
        message = f"{counter.metric} is a counter and is averaged as it stands"
        yield Problem(message, counter.start, "counter-without-rate")


def _quantiles(call: Call) -> Iterator[Problem]:
    if call.function in ("histogram_quantile", "quantile_over_time") and call.arguments:
        yield from _outside(call.arguments[0], f"{call.function}()")
    if call.function != "histogram_quantile" or len(call.arguments) < 2:
        return
    selectors = promql.selectors(call.arguments[1])
    for selector in selectors:
        plain = selector.metric.endswith(("_count", "_sum", "_total")) or kind_of(selector.metric) == "gauge"
        if plain and ":" not in selector.metric:
            message = f"{selector.metric} has no buckets to take a quantile of"
            yield Problem(message, selector.start, "quantile-over-non-buckets")
    buckets = [selector for selector in selectors if selector.metric.endswith("_bucket")]
    if buckets and len(buckets) == len(selectors) and not promql.labels(call.arguments[1]).may_have("le"):
        yield Problem(
            f"the label le of {buckets[0].metric} is summed away, and with it the buckets",
            call.arguments[1].start,
            "quantile-without-le",
        )


def _quantile_bounds(part: Aggregation) -> Iterator[Problem]:
    if part.operator == "quantile" and part.parameter is not None:
        yield from _outside(part.parameter, "quantile()")


def _outside(argument: Expression, name: str) -> Iterator[Problem]:
    value = bare(argument)
    if isinstance(value, Number) and not 0 <= value.value <= 1:
        message = f"{name} takes a number from 0 to 1, not {value.value:g}"
        yield Problem(message, value.start, "quantile-out-of-range")


# Labels


_FREE = (
    "label_",
    "annotation_",
    "tag_",
    "custom_tag_",
    "dimension_",
    "exported_",
    "__",
    "k8s_",
    "otel_",
    "kubernetes_io_",
)
_OPEN = ("prometheus-client http", "Prometheus, every scrape")
"""Producers whose labels every application chooses itself."""


def _foreign(selector: Selector, given: frozenset[str]) -> Iterator[Problem]:
    for matcher in selector.matchers:
        if matcher.value != "" and _is_foreign(matcher.label, (selector,), given):
            yield Problem(_unknown(matcher.label, selector.metric), matcher.at, "unknown-label")


def _grouped(part: Aggregation, given: frozenset[str]) -> Iterator[Problem]:
    if part.grouping != "by" or any(_makes_labels(inner) for inner in promql.walk(part.inner)):
        return
    selectors = promql.selectors(part.inner)
    for name in part.labels:
        if selectors and _is_foreign(name.text, selectors, given):
            yield Problem(_unknown(name.text, selectors[0].metric), name.at, "unknown-label")


def _makes_labels(part: Expression) -> bool:
    return (isinstance(part, Call) and part.function in ("label_replace", "label_join", "info")) or (
        isinstance(part, Aggregation) and part.operator == "count_values"
    )


def _is_foreign(label: str, selectors: tuple[Selector, ...], given: frozenset[str]) -> bool:
    """Whether a metric lacks the label, and it is one that other producers give or nearly one of the metric's own."""
    if label in catalogue.TARGET_LABELS or label in given or label.startswith(_FREE):
        return False
    metrics = [catalogue.metric(selector.metric) for selector in selectors]
    own: set[str] = set()
    for metric in metrics:
        if metric is None or metric.unit == "info" or metric.producer.startswith(_OPEN) or label in metric.labels:
            return False
        own.update(metric.labels)
    return label in _every_label() or _misspelt(label, own)


def _unknown(label: str, metric: str) -> str:
    import difflib

    known = catalogue.metric(metric)
    close = difflib.get_close_matches(label, known.labels if known is not None else (), n=1, cutoff=0.5)
    return f'{metric} has no label "{label}"' + (f'; did you mean "{close[0]}"?' if close else "")


@functools.cache
def _every_label() -> frozenset[str]:
    return frozenset(label for metric in catalogue.known().values() for label in metric.labels)


def _misspelt(label: str, own: set[str]) -> bool:
    import difflib

    return bool(difflib.get_close_matches(label, sorted(own), n=1, cutoff=0.8))


def _contradictions(selector: Selector) -> Iterator[Problem]:
    """Matchers that no series can meet together."""
    fixed: dict[str, Matcher] = {}
    for matcher in selector.matchers:
        if matcher.operator == "=":
            first = fixed.setdefault(matcher.label, matcher)
            if first.value != matcher.value:
                message = f'{matcher.label} cannot be "{first.value}" and "{matcher.value}" at once'
                yield Problem(message, matcher.at, "unsatisfiable-matcher")
    for matcher in selector.matchers:
        exact = fixed.get(matcher.label)
        if matcher.operator == "!~" and matcher.value in (".*", ".*?"):
            message = f'{matcher.label}!~"{matcher.value}" excludes every value, the missing one too'
            yield Problem(message, matcher.at, "unsatisfiable-matcher")
        elif exact is not None and matcher is not exact and not _admits(matcher, exact.value):
            message = f'{matcher.label}="{exact.value}" never meets {matcher.label}{matcher.operator}"{matcher.value}"'
            yield Problem(message, matcher.at, "unsatisfiable-matcher")


def _admits(matcher: Matcher, value: str) -> bool:
    if matcher.operator in ("=", "!="):
        return matcher.operator == "=" or matcher.value != value
    if re.search(r"\)[*+{?]", matcher.value) or len(re.findall(r"[*+{]", matcher.value)) > 3 or len(value) > 200:
        return True  # Python goes back and forth where RE2 does not, and could be held up by such a pattern
    try:
        matched = re.fullmatch(matcher.value, value) is not None
    except re.error:
        return True  # a notation of RE2 that Python lacks
    return matched == (matcher.operator == "=~")


def _needless(selector: Selector) -> Iterator[Problem]:
    for matcher in selector.matchers:
        if matcher.operator in ("=~", "!~") and matcher.value and not re.search(r"[\\.+*?()|\[\]{}^$]", matcher.value):
            plain = "=" if matcher.operator == "=~" else "!="
            shown = f'{matcher.label}{matcher.operator}"{matcher.value}"'
            message = f'{shown} asks for one plain text, which {matcher.label}{plain}"{matcher.value}" does too'
            yield Problem(message, matcher.at, "regex-not-needed")


def _mismatched(part: Binary) -> Iterator[Problem]:
    """Sides that are matched on labels which one of them has lost."""
    if part.operator == "or" or is_scalar(part.left) or is_scalar(part.right):
        return
    left, right = promql.labels(part.left), promql.labels(part.right)
    if part.matching == "on":
        yield from _lost_keys(part.labels, left, right)
        return
    if part.grouping:
        return
    ignored = frozenset(name.text for name in part.labels)
    left, right = left.less(ignored), right.less(ignored)
    if left.only is not None and right.only is not None:
        if left.only != right.only:
            message = f"left has {_named(left)}, right {_named(right)}: they never match"
            yield Problem(message, part.at, "labels-do-not-match")
        return
    for one, other, where in ((part.left, right, "right"), (part.right, left, "left")):
        if "instance" not in ignored and _scraped(one) and not other.may_have("instance"):
            message = f"the {where} side has lost the label instance, which the other has: they never match"
            yield Problem(message, part.at, "labels-do-not-match")


def _lost_keys(names: tuple[Name, ...], left: Labels, right: Labels) -> Iterator[Problem]:
    for name in names:
        if left.may_have(name.text) != right.may_have(name.text):
            side = "left" if right.may_have(name.text) else "right"
            message = f'on({name.text}): the {side} side has lost the label "{name.text}", so nothing matches'
            yield Problem(message, name.at, "labels-do-not-match")


def _named(labels: Labels) -> str:
    names = ", ".join(sorted(labels.only or ()))
    return (names if len(names) <= 40 else f"{names[:39]}…") or "no labels"


def _scraped(expression: Expression) -> bool:
    """Whether it is the series of a known metric as a scrape leaves them, with `instance`."""
    match expression:
        case Selector():
            known = catalogue.metric(expression.metric)
            return known is not None and not expression.metric.startswith(("ALERTS", "aws_", "target_info"))
        case Group() | Unary() | Subquery():
            return _scraped(expression.inner)
        case Call(function=function, arguments=arguments) if function in RATES | TRENDS and arguments:
            return _scraped(arguments[0])
        case Binary(left=left, right=right) if is_scalar(left) or is_scalar(right):
            return _scraped(right if is_scalar(left) else left)
        case Binary(left=left, right=right, matching="", operator=operator) if operator not in promql.SETS:
            return _scraped(left) or _scraped(right)
        case _:
            return False


# Conditions that nothing can meet


_ANY = (-math.inf, math.inf)
_COUNTS = (0.0, math.inf)
_FIXED = {
    **{"absent": (1.0, 1.0), "absent_over_time": (1.0, 1.0), "sgn": (-1.0, 1.0), "minute": (0.0, 59.0)},
    **{"hour": (0.0, 23.0), "day_of_week": (0.0, 6.0), "day_of_month": (1.0, 31.0), "day_of_year": (1.0, 366.0)},
    **{"month": (1.0, 12.0), "days_in_month": (28.0, 31.0), "abs": _COUNTS, "count_over_time": (1.0, math.inf)},
    **{"rate": _COUNTS, "irate": _COUNTS, "increase": _COUNTS, "resets": _COUNTS, "changes": _COUNTS},
    **{"present_over_time": (1.0, 1.0), "time": _COUNTS, "timestamp": _COUNTS, "stddev_over_time": _COUNTS},
}
_SAME = frozenset(
    [
        *("min_over_time", "max_over_time", "avg_over_time", "last_over_time", "quantile_over_time", "first_over_time"),
        *("sort", "sort_desc", "sort_by_label", "label_replace", "label_join", "ceil", "floor", "round"),
    ]
)
"""Functions whose result lies where their argument lies."""


def _never(part: Binary, text: str) -> Iterator[Problem]:
    if part.operator not in COMPARISONS:
        return
    left, right = _bounds(part.left, text), _bounds(part.right, text)
    if _is_possible(part.operator, left, right):
        return
    shown = text[part.left.start : part.left.end]
    shown = shown if len(shown) <= 60 else shown[:59] + "…"
    message = f"{shown} is {_range(left)}, so {part.operator} {text[part.right.start : part.right.end]} never holds"
    yield Problem(message, part.at, "never-true")


def _range(bounds: tuple[float, float]) -> str:
    low, high = bounds
    if low == high:
        return f"always {low:g}"
    if math.isinf(high):
        return f"at least {low:g}"
    return f"at most {high:g}" if math.isinf(low) else f"between {low:g} and {high:g}"


def _is_possible(operator: str, left: tuple[float, float], right: tuple[float, float]) -> bool:
    (low, high), (bottom, top) = left, right
    match operator:
        case ">":
            return high > bottom
        case ">=":
            return high >= bottom
        case "<":
            return low < top
        case "<=":
            return low <= top
        case "==":
            return low <= top and bottom <= high
        case _:
            return not (low == high == bottom == top)


def _bounds(part: Expression, text: str) -> tuple[float, float]:
    """Between what the value can lie; what is unknown can be anything."""
    match part:
        case Number(value=value):
            return _ANY if math.isnan(value) else (value, value)
        case Group() | Subquery():
            return _bounds(part.inner, text)
        case Unary():
            low, high = _bounds(part.inner, text)
            return (-high, -low) if part.operator == "-" else (low, high)
        case Selector():
            known = catalogue.metric(part.metric)
            if known is None:
                return _ANY
            if known.unit in ("boolean", "info"):
                return (0.0, 1.0)
            return _COUNTS if known.type == "counter" else _ANY
        case Call():
            return _call_bounds(part, text)
        case Aggregation():
            return _aggregation_bounds(part, text)
        case Binary():
            return _binary_bounds(part, text)
        case _:
            return _ANY


def _call_bounds(part: Call, text: str) -> tuple[float, float]:
    if part.function in _FIXED:
        return _FIXED[part.function]
    vectors = [argument for argument in part.arguments if not isinstance(bare(argument), Text | Number)]
    if part.function in ("vector", "scalar") and part.arguments:
        return _bounds(part.arguments[0], text) if part.function == "vector" else _ANY
    if part.function in _SAME and vectors:
        return _bounds(vectors[0], text)
    return _ANY


def _aggregation_bounds(part: Aggregation, text: str) -> tuple[float, float]:
    if part.operator == "count":
        return (1.0, math.inf)
    if part.operator == "group":
        return (1.0, 1.0)
    if part.operator in ("stddev", "stdvar"):
        return _COUNTS
    low, high = _bounds(part.inner, text)
    if part.operator in ("min", "max", "avg", "quantile", "topk", "bottomk", "limitk"):
        return low, high
    if part.operator == "sum":
        return (low if low >= 0 else -math.inf, high if high <= 0 else math.inf)
    return _ANY


def _binary_bounds(part: Binary, text: str) -> tuple[float, float]:
    left, right = _bounds(part.left, text), _bounds(part.right, text)
    if part.operator in COMPARISONS:
        return (0.0, 1.0) if part.boolean else _filtered(part.operator, left, right)
    if part.operator in ("and", "unless"):
        return left
    if part.operator == "or":
        return min(left[0], right[0]), max(left[1], right[1])
    if part.operator == "/" and text[part.left.start : part.left.end] == text[part.right.start : part.right.end]:
        return (1.0, 1.0)
    if part.operator == "+":
        return left[0] + right[0], left[1] + right[1]
    if part.operator == "-":
        return left[0] - right[1], left[1] - right[0]
    if part.operator in "*/" and right[0] == right[1] and right[0] > 0 and not math.isinf(right[0]):
        factor = right[0] if part.operator == "*" else 1 / right[0]
        return left[0] * factor, left[1] * factor
    if part.operator == "*" and left[0] == left[1] and left[0] > 0:
        return right[0] * left[0], right[1] * left[0]
    if part.operator in "*/" and left[0] >= 0 and right[0] >= 0:
        return _COUNTS
    return _ANY


def _filtered(operator: str, left: tuple[float, float], right: tuple[float, float]) -> tuple[float, float]:
    """What a comparison lets through."""
    low, high = left
    if operator in (">", ">="):
        return max(low, right[0]), high
    if operator in ("<", "<="):
        return low, min(high, right[1])
    return (max(low, right[0]), min(high, right[1])) if operator == "==" else left
