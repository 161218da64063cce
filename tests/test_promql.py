"""PromQL: trees with places, the labels a result keeps, and what is wrong with an expression and what is not."""

from __future__ import annotations

import pytest

from generator import policy
from generator.document import SourceFile
from generator.monitoring import promql
from generator.monitoring.promqlfaults import problems
from generator.policy.monitoring import alerttemplates
from generator.policy.monitoring.expressions import filled


def tree(text: str) -> promql.Expression:
    read = promql.parse(text)
    assert not isinstance(read, promql.Problem), read
    return read


VALID = [
    'sum(rate(x{a="b",a!="c"}[5m] offset 5m)) by (job) / on(job) group_left(y) z',
    "sum by (job) (x) / on (job) group_left() (y)",
    "x * on (a) group_left (y) (z)",
    "-1 + - x",
    "-(-1)^2",
    "x offset 5m [1h:5m]",
    '{"foo.bar", a="b"}',
    '{__name__=~"a.*"}',
    "topk(5, x) by (a)",
    "time() - hour()",
    "round(x, 5)",
    "x @ end() offset -1h",
    "x @ 1609746000",
    "a UNLESS ON () b",
    "SUM WITHOUT (a) (x)",
    'count_values("v", x)',
    "x == bool 1",
    "sum by (a,) (x)",
    "x > +Inf",
    "max_over_time(rate(x[1m])[5m:30s]) # why",
    "sum(x)\n  # a comment\n / 2",
    "5m * x",
    "x{a=`b`, c='d\\'e'}",
    "x and on() y or z unless w",
    "by",
    "limitk(3, x)",
]


@pytest.mark.parametrize("text", VALID)
def test_every_part_has_its_place(text: str) -> None:
    read = tree(text)
    assert not any(isinstance(part, promql.Opaque) for part in promql.walk(read))
    for part in promql.walk(read):
        assert 0 <= part.start < part.end <= len(text)
        for child in promql.children(part):
            assert part.start <= child.start
            assert child.end <= part.end
    for selector in promql.selectors(read):
        shown = text[selector.start : selector.end]
        assert selector.metric in shown or not selector.metric
        for matcher in selector.matchers:
            assert text[matcher.at :].startswith(matcher.label)


def test_a_selector_tells_its_range_and_offset() -> None:
    (selector,) = promql.selectors(tree('rate(x{a="b", c=~"d.*"}[1h30m] offset 5m)'))
    assert (selector.metric, selector.range, selector.offset) == ("x", 5400.0, 300.0)
    assert [(m.label, m.operator, m.value) for m in selector.matchers] == [("a", "=", "b"), ("c", "=~", "d.*")]


@pytest.mark.parametrize(
    ("text", "offset", "kind"),
    [
        ("sum(rate(x[5m]", 8, "syntax"),
        ("sum(x))", 6, "syntax"),
        ("foo(x)", 0, "syntax"),
        ("1 + foo(x)", 4, "syntax"),
        ('x{a=~"("}', 5, "syntax"),
        ("x{a=b}", 4, "syntax"),
        ("a b", 2, "syntax"),
        ("x > ", 2, "syntax"),
        ("", 0, "syntax"),
        ("x ? y", 2, "syntax"),
        ("1 + rate(x)", 4, "range"),
        ("sum(x[5m])", 0, "range"),
    ],
)
def test_a_refusal_points_into_the_text(text: str, offset: int, kind: str) -> None:
    read = promql.parse(text)
    assert isinstance(read, promql.Problem)
    assert abs(read.offset - offset) <= 1
    assert read.kind == kind
    assert read.message


@pytest.mark.parametrize(
    ("text", "kept", "lost"),
    [
        ("x", ["a", "instance"], []),
        ('x{a=""}', ["b"], ["a"]),
        ("sum(x)", [], ["a"]),
        ("sum by (a, b) (x)", ["a", "b"], ["c"]),
        ("sum without (a) (x)", ["b"], ["a"]),
        ("sum by (a) (sum by (b) (x))", [], ["a", "b"]),
        ("topk by (a) (3, x)", ["a", "b"], []),
        ('count_values("v", x)', ["v"], ["a"]),
        ('absent(x{a="b", c=~"d"})', ["a"], ["c", "instance"]),
        ("rate(x[5m]) > 3", ["a"], []),
        ("vector(1)", [], ["a"]),
        ("time() - x", ["a"], []),
        ("histogram_quantile(0.9, sum by (le, a) (rate(x[5m])))", ["a"], ["le"]),
        ('label_replace(sum(x), "a", "$1", "b", "(.*)")', ["a"], ["b"]),
        ("x / on(a) y", ["a"], ["b"]),
        ("x / ignoring(a) y", ["b"], ["a"]),
        ("x * on(a) group_left(c) sum by (a, c) (y)", ["a", "b", "c"], []),
        ("x * on(a) group_left(c) sum by (a) (y)", ["a", "b"], ["c"]),
        ("sum by (a) (x) * on(a) group_right() y", ["a", "b"], []),
        ("sum by (a) (x) or sum by (b) (y)", ["a", "b"], ["c"]),
        ("sum by (a) (x) unless y", ["a"], ["b"]),
        ("sum by (a) (x) / sum by (a) (y)", ["a"], ["b"]),
    ],
)
def test_which_labels_a_result_keeps(text: str, kept: list[str], lost: list[str]) -> None:
    labels = promql.labels(tree(text))
    assert [label for label in kept if not labels.may_have(label)] == []
    assert [label for label in lost if labels.may_have(label)] == []


@pytest.mark.parametrize(
    ("text", "kind", "at"),
    [
        ("rate(node_memory_MemFree_bytes[5m])", "rate-over-gauge", "node_memory"),
        ("increase(kube_deployment_spec_replicas[5m])", "rate-over-gauge", "kube_deployment"),
        ("orders_total > 5", "counter-without-rate", "orders"),
        ("sum(kube_pod_container_status_restarts_total) * 2 > 3", "counter-without-rate", "kube_pod"),
        ("avg by (job) (http_requests_total)", "counter-without-rate", "http_requests"),
        ("deriv(http_requests_total[5m])", "trend-over-counter", "http_requests"),
        ("avg_over_time(http_requests_total[5m])", "trend-over-counter", "http_requests"),
        ("rate(sum(http_requests_total)[5m:1m])", "rate-of-sum", "sum(http"),
        ("histogram_quantile(0.9, sum by (job) (rate(x_bucket[5m])))", "quantile-without-le", "sum by"),
        ("histogram_quantile(0.9, sum without (le) (rate(x_bucket[5m])))", "quantile-without-le", "sum without"),
        ("histogram_quantile(0.9, rate(x_count[5m]))", "quantile-over-non-buckets", "x_count"),
        ("histogram_quantile(95, rate(x_bucket[5m]))", "quantile-out-of-range", "95"),
        ("quantile(1.5, x)", "quantile-out-of-range", "1.5"),
        ('up{job="a", job="b"}', "unsatisfiable-matcher", 'job="b"'),
        ('up{job="x", job=~"y.*"}', "unsatisfiable-matcher", 'job=~"y'),
        ('up{job="x", job!="x"}', "unsatisfiable-matcher", 'job!="x'),
        ('up{job!~".*"}', "unsatisfiable-matcher", "job!~"),
        ('up{job=~"shop"}', "regex-not-needed", "job=~"),
        ("count(up == 1) == 0", "never-true", "== 0"),
        ("count(up) < 1", "never-true", "< 1"),
        ("absent(up) > 1", "never-true", "> 1"),
        ("up > 1", "never-true", "> 1"),
        ("x / x > 1", "never-true", "> 1"),
        ("rate(orders_total[5m]) < 0", "never-true", "< 0"),
        ("(x > 5) < 3", "never-true", "< 3"),
        ("vector(1) > 2", "never-true", "> 2"),
        ("hour() > 24", "never-true", "> 24"),
        ("sum by (a) (x) / sum(y)", "labels-do-not-match", "/ sum"),
        ("sum by (a) (x) / on (b) sum by (b) (y)", "labels-do-not-match", "b) sum"),
        ("up == 0 and sum(y) > 3", "labels-do-not-match", "and"),
        ("node_load1 / count(machine_cpu_cores)", "labels-do-not-match", "/ count"),
        ("sum(pg_locks_count) / (pg_settings_max_connections * 64 * x) > 0.2", "labels-do-not-match", "/ (pg"),
        ('http_server_requests_seconds_count{route="/x"}', "unknown-label", "route"),
        ("sum by (status_code) (rate(http_server_requests_seconds_count[5m]))", "unknown-label", "status_code"),
        ('kube_pod_status_phase{phasee="Failed"}', "unknown-label", "phasee"),
        ("x[5m]", "range", "x[5m]"),
    ],
)
def test_a_mistake_is_found_at_its_place(text: str, kind: str, at: str) -> None:
    found = [problem for problem in problems(text) if problem.kind == kind]
    assert found, problems(text)
    assert text[found[0].offset :].startswith(at)
    assert len(found[0].message) <= 120


@pytest.mark.parametrize(
    "text",
    [
        "up == 0",
        "rate(http_requests_total[5m]) > 10",
        "http_requests_total > 0 and on (job) up == 0",
        "http_requests_total - http_requests_total offset 1h > 100",
        "rate(x[5m])",
        "max(redis_memory_used_bytes) > 1e9",
        "changes(kube_deployment_status_observed_generation[10m]) > 3",
        "resets(process_start_time_seconds[1h]) > 3",
        "histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m])))",
        "histogram_quantile(0.99, sum(rate(http_server_request_duration_seconds[5m])))",
        "histogram_quantile(0.99, job:latency:buckets)",
        '(count(redis_instance_info{role="master"}) or vector(0)) < 1',
        "sum(up) < 2",
        'up{job=~"a|b", job!="b"}',
        'up{job="shop-web", job=~"shop-.*"}',
        'up{job="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", job=~"(a+)+"}',
        "100 - (avg by (instance) (rate(node_cpu_seconds_total{mode='idle'}[5m])) * 100) > 80",
        "node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.1 and node_filesystem_readonly == 0",
        "kube_pod_info * on (namespace, pod) group_left (owner_name) kube_pod_owner",
        "sum by (a) (x) / ignoring (b) group_left sum by (a, b) (y)",
        "sum by (job) (rate(a_total[5m])) / sum by (job) (rate(b_total[5m])) > 0.05",
        "node_load1 / count without (cpu, mode) (node_cpu_seconds_total{mode='idle'}) > 2",
        "up == 0 unless on (instance) node_load1 > 5",
        "absent(up{job='x'}) or up{job='x'} == 0",
        'http_requests_total{anything="x"}',
        'kube_pod_labels{label_team="x"}',
        'up{job=""}',
        "predict_linear(kubelet_volume_stats_available_bytes[6h], 4 * 3600) < 0",
        "time() - node_boot_time_seconds < 600",
        "ALERTS{alertname='x'} == 1",
        "vector(1)",
    ],
)
def test_what_is_right_is_left_alone(text: str) -> None:
    assert problems(text) == ()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("rate(x[$__rate_interval])", "rate(x[5m              ])"),
        ('x{a=~"$name"}', 'x{a=~"....."}'),
        ('x{a="${name:regex}"}', 'x{a="............."}'),
        ("rate(x[[[window]]])", "rate(x[5m        ])"),
        ("sum(x) / $__range_s", "sum(x) / 1111111111"),
        ("sum by ($by) (x)", "sum by (xxx) (x)"),
        ("sum by (a, $by) (x)", "sum by (a, xxx) (x)"),
        ("topk($n, x)", "topk(11, x)"),
        ("histogram_quantile(${q}, x)", "histogram_quantile(1111, x)"),
        ("clamp_max(x, $most) > $least", "clamp_max(x, 11111) > 111111"),
        ('sum($metric{job="$job"})', 'sum(xxxxxxx{job="...."})'),
        ("rate(${prefix}_total[5m])", "rate(xxxxxxxxx_total[5m])"),
        ("sum(app_$what)", "sum(app_xxxxx)"),
        ("x / on ($label) y", "x / on (xxxxxx) y"),
        ("x offset $shift", "x offset 5m    "),
        ("x[$__range:$step]", "x[5m      :5m   ]"),
        ("up", "up"),
    ],
)
def test_variables_of_grafana_keep_their_width(written: str, read: str) -> None:
    assert filled(written) == read
    assert len(filled(written)) == len(written)
    assert not isinstance(promql.parse(filled(written)), promql.Problem)


@pytest.mark.parametrize("count", [1000, 30000])
@pytest.mark.parametrize(
    ("begin", "middle", "end"), [("(", "x", ")"), ("-", "x", ""), ("", "x", "+x"), ("sum(", "x", ")")]
)
def test_a_monstrous_expression_is_survived(begin: str, middle: str, end: str, count: int) -> None:
    assert problems(begin * count + middle + end * count) == ()


@pytest.mark.parametrize(
    "text", ["\ud800", "x\x00", 'x{a="\ud800"}', "é", "x[99999999999999999999y]", "x @ 1e400", "\n#"]
)
def test_a_strange_text_is_refused_not_stumbled_over(text: str) -> None:
    assert [problem.kind for problem in problems(text)] == ["syntax"]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("{{ $labels.pod }} in {{ $labels.namespace }}", ["pod", "namespace"]),
        ("{{ .Labels.pod }}", ["pod"]),
        ('{{ index $labels "a_b" }}', ["a_b"]),
        ("{{ with $labels.pod }}{{ . }}{{ end }}", ["pod"]),
        ("$labels.pod", []),
        ("{{ $value }}", []),
    ],
)
def test_which_labels_a_text_quotes(text: str, labels: list[str]) -> None:
    assert [use.word for use in alerttemplates.labels(text)] == labels


@pytest.mark.parametrize(
    ("text", "unknown", "at"),
    [
        ("{{ $labels.pod } is down", False, 0),
        ("{{ if $value }}x", False, 15),
        ("x{{ end }}", False, 1),
        ("{{ $label.pod }}", True, 3),
        ("{{ $values }}", True, 3),
        ("{{ $value | humanise }}", True, 12),
        ("{{ .CommonLabels.job }}", True, 3),
        ("{{ humanize1000 $value }}", True, 3),
    ],
)
def test_a_template_is_refused(text: str, unknown: bool, at: int) -> None:
    (flaw,) = alerttemplates.flaws(text)
    assert (flaw.unknown, flaw.at) == (unknown, at)


@pytest.mark.parametrize(
    "text",
    [
        "{{ $labels.pod }}: {{ $value | humanizePercentage }}",
        '{{ printf "%.2f" $value }}%',
        '{{ with query "up" }}{{ . | first | value }}{{ end }}',
        '{{ range $i, $s := query "up" }}{{ $s.Labels.job }} {{ end }}',
        '{{ $x := query "up" }}{{ len $x }}',
        "{{ if gt $value 5.0 }}high{{ else if eq $value 1.0 }}one{{ else }}low{{ end }}",
        "{{- $externalLabels.cluster -}}",
        '{{ "{{" }} is two braces',
        '{{ (query "up" | first).Value }}',
        "{{/* a note */}}",
        "no template } at all {",
        '{{ reReplaceAll "a(.*)" "$1" $labels.instance }}',
        "{{ $labels }}",
        '{{ "3600" | humanizeDuration }}',
    ],
)
def test_a_template_is_accepted(text: str) -> None:
    assert list(alerttemplates.flaws(text)) == []


def findings(rule: str, expression: str) -> list[str]:
    text = f"groups:\n  - name: a\n    rules:\n      - alert: A\n        expr: |\n          {expression}\n"
    judged = next(item for item in policy.rules() if item.id == f"monitoring/{rule}")
    return [
        finding.message for finding in policy.judge([SourceFile("a.yaml", text)], [judged], policy.Context()).findings
    ]


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ("rate(kube_pod_container_status_restarts[5m]) > 0", "kube_pod_container_status_restarts_total"),
        ("node_memory_MemFree < 1e6", "node_memory_MemFree_bytes"),
        ("rate(container_cpu_usage_second_total[5m]) > 1", "container_cpu_usage_seconds_total"),
        ("kube_pod_contianer_info > 0", "kube_pod_container_info"),
        ("node_load1_total > 4", "node_load1"),
    ],
)
def test_a_slip_in_a_metric_is_found(expression: str, meant: str) -> None:
    (message,) = findings("unknown-metric", expression)
    assert f'did you mean "{meant}"?' in message


@pytest.mark.parametrize(
    "expression",
    [
        "rate(orders_placed_total[5m]) < 1",
        "rate(http_request_total[5m]) < 1",
        "node_memory_Mapped_bytes > 1e9",
        "pg_stat_user_tables_last_autoanalyze > 0",
        "redis_memory_used_lua_bytes > 1e9",
        "node_load10 > 5",
        "job:up:sum < 1",
        '{__name__=~"node_.*"} > 3',
    ],
)
def test_another_metric_is_no_slip(expression: str) -> None:
    assert findings("unknown-metric", expression) == []


@pytest.mark.parametrize(
    ("expression", "silent"),
    [
        ("up == 0", True),
        ("absent(up)", True),
        ("up unless on (job) shop:maintenance", True),
        ("sum by (job) (up == 0)", True),
        ("ALERTS{severity='page'}", True),
        ("vector(1)", True),
        ("up == 0 or absent(up)", True),
        ("up", False),
        ("up == bool 0", False),
        ("sum(node_filesystem_readonly)", False),
        ("up == 0 or node_filesystem_readonly", False),
        ("rate(errors_total[5m])", False),
    ],
)
def test_an_alert_can_be_silent(expression: str, silent: bool) -> None:
    assert (findings("alert-without-comparison", expression) == []) == silent


RULES = """\
groups:
  - name: shop
    rules:
      - alert: A
        expr: |
          # both of them
          up == 0
            and foo(up)
      - alert: B
        expr: >-
          up ==
          0 + bar(up)
      - alert: C
        expr: "up{job=\\"shop\\"} == baz(1)"
      - alert: D
        expr: 'up{job=''shop''} == qux(1)'
      - alert: E
        expr: up ==
          quux(1)
"""


def test_a_mistake_is_shown_where_the_file_has_it() -> None:
    files = [SourceFile("rules.yaml", RULES)]
    rule = next(rule for rule in policy.rules() if rule.id == "monitoring/syntax-error")
    found = policy.judge(files, [rule], policy.Context()).findings
    lines = RULES.split("\n")
    shown = [lines[finding.at.line - 1][finding.at.column - 1 :].partition("(")[0] for finding in found]
    assert shown == ["foo", "bar", "baz", "qux", "quux"]
    assert [finding.property for finding in found] == [f"groups[0].rules[{index}].expr" for index in range(5)]


def test_a_mistake_in_a_dashboard_is_shown_in_its_query() -> None:
    text = '{"title": "x", "panels": [{"targets": [{"expr": "sum(up{job=\\"$job\\"}) / foo(up)"}]}]}'
    rule = next(rule for rule in policy.rules() if rule.id == "monitoring/syntax-error")
    (found,) = policy.judge([SourceFile("x.json", text)], [rule], policy.Context()).findings
    assert text[found.at.column - 1 :].startswith("foo(")


def test_an_operators_object_is_judged_as_the_rules_in_it() -> None:
    inner = "\n".join(f"  {line}" for line in RULES.rstrip().split("\n"))
    text = f"apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {{name: a}}\nspec:\n{inner}\n"
    rule = next(rule for rule in policy.rules() if rule.id == "monitoring/syntax-error")
    assert len(policy.judge([SourceFile("a.yaml", text)], [rule], policy.Context()).findings) == 5
