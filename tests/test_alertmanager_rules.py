"""The rules about Alertmanager: their idea of a route tree is amtool's, and what they say of Alertmanager is true."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator import policy
from generator.policy.monitoring import routes
from generator.yamlfile import read
from tests.amtool import accepted, amtool, judged, receivers_of

# the rules' idea of a route tree

PARSED = {
    "severity = page": [("severity", "=", "page")],
    'severity="page"': [("severity", "=", "page")],
    'severity=~"page|ticket"': [("severity", "=~", "page|ticket")],
    '{a="b", c!~"d,e"}': [("a", "=", "b"), ("c", "!~", "d,e")],
    "a!=b": [("a", "!=", "b")],
    'a="say \\"x\\""': [("a", "=", 'say "x"')],
    "team=": [("team", "=", "")],
}


@pytest.mark.parametrize("written", PARSED)
def test_a_matcher_is_read(written: str) -> None:
    assert [(item.label, item.sign, item.value) for item in routes.parsed(written)] == PARSED[written]


@pytest.mark.parametrize(
    ("wider", "narrower", "expected"),
    [
        ("", 'a="b"', True),
        ('a="b"', 'a="b", c="d"', True),
        ('a=~"b|c"', 'a="c"', True),
        ('a=~"b|c|d"', 'a=~"b|c"', True),
        ('a=~".*"', "", True),
        ('a!="b"', 'a="c"', True),
        ('a="b"', 'a="c"', False),
        ('a="b"', "", False),
        ('a!="b"', "", False),
        ('a=~"b.*"', 'a=~"b.+"', False),
        ('a="b"', 'a=~"b|c"', False),
    ],
)
def test_what_one_matcher_says_of_another(wider: str, narrower: str, expected: bool) -> None:
    assert routes.covers(routes.parsed(wider), routes.parsed(narrower)) is expected


_LABELS = {"severity": ["page", "ticket"], "team": ["a", "b"]}


def _matcher() -> st.SearchStrategy[str]:
    pairs = [(label, value) for label, values in _LABELS.items() for value in values]
    return st.tuples(st.sampled_from(pairs), st.sampled_from(["=", "!=", "=~", "!~"])).map(
        lambda drawn: f'{drawn[0][0]}{drawn[1]}"{drawn[0][1]}"'
    )


def _trees() -> st.SearchStrategy[dict[str, Any]]:
    def node(children: st.SearchStrategy[list[dict[str, Any]]]) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries(
            {
                "matchers": st.lists(_matcher(), max_size=2),
                "continue": st.booleans(),
                "receiver": st.sampled_from(["r1", "r2", "r3"]),
                "routes": children,
            }
        )

    leaf = node(st.just([]))
    return st.lists(node(st.lists(leaf, max_size=2)), max_size=3).map(
        lambda children: {
            "route": {"receiver": "r0", "routes": children},
            "receivers": [{"name": f"r{number}"} for number in range(4)],
        }
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=_trees(), severity=st.sampled_from(_LABELS["severity"]), team=st.sampled_from(_LABELS["team"]))
def test_routes_are_walked_as_amtool_walks_them(
    tmp_path: Path, document: dict[str, Any], severity: str, team: str
) -> None:
    path = tmp_path / "tree.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    (root,), _ = read(path.read_text(encoding="utf-8"), "tree.yaml")
    tree = routes.tree(root)
    assert tree is not None
    labels = {"severity": severity, "team": team, "alertname": "A"}
    assert [route.receiver for route in routes.reached(tree, labels)] == receivers_of(path, labels)


# what must not be found

TREE_OF = "route: {receiver: chat, group_by: [alertname], routes: [{%s}]}\n"
QUIET = {
    "a default receiver that delivers takes what is not urgent": (
        "receiver: pager, matchers: ['severity=\"critical\"']",
        "warning",
    ),
    "a tree by team": ("receiver: pager, matchers: ['team=\"a\"']", "critical"),
    "a severity in an old notation": ("receiver: pager, match_re: {severity: page|critical}", "critical"),
    "a severity that nobody is to hear of": ("receiver: nobody, matchers: ['severity=\"ticket\"']", "ticket"),
    "a severity among others": ("receiver: pager, matchers: ['severity=~\"page|critical\"']", "critical"),
    "what a label of the metric may decide": (
        "receiver: pager, matchers: ['severity=\"critical\"', 'pod=~\"web-.*\"']",
        "critical",
    ),
}
PAIR = (
    "receivers:\n  - {name: chat, webhook_configs: [{url: https://a.example.com}]}\n"
    "  - {name: pager, webhook_configs: [{url: https://b.example.com}]}\n"
    "  - {name: nobody}\n"
)


@pytest.mark.parametrize("case", QUIET)
def test_a_routed_severity_is_left_alone(case: str) -> None:
    condition, severity = QUIET[case]
    rules = f"groups: [{{name: g, rules: [{{alert: A, expr: up == 0, labels: {{severity: {severity}}}}}]}}]\n"
    found = judged({"alertmanager.yaml": TREE_OF % condition + PAIR, "rules.yaml": rules})
    assert not [line for line in found if "severity-not-routed" in line]


def test_a_secret_is_never_quoted() -> None:
    text = "route: {receiver: chat, group_by: [alertname]}\nreceivers:\n"
    text += "  - {name: chat, slack_configs: [{api_url: https://hooks.example.com/services/zzz}]}\n"
    found = [line for line in judged({"alertmanager.yaml": text}) if "secret-in-alertmanager" in line]
    assert len(found) == 1
    assert "zzz" not in found[0]


# what the rules say of Alertmanager itself

REFUSED = {
    "duplicate-receiver",
    "mistaken-key",
    "pattern-not-re2",
    "receiver-undefined",
    "receiver-without-address",
    "root-route-conditional",
    "time-interval-undefined",
    "time-range-backwards",
}
"""Rules that say that Alertmanager refuses the file; of all others it must not know."""

JUDGING = [rule for rule in policy.rules() if any("alertmanager.yaml" in tree for tree in rule.examples["bad"])]


@pytest.mark.parametrize(
    ("identity", "side", "index"),
    [
        (rule.id, side, index)
        for rule in JUDGING
        for side in ("good", "bad")
        for index in range(len(rule.examples[side]))
    ],
)
def test_what_a_rule_says_of_alertmanager_is_true(tmp_path: Path, identity: str, side: str, index: int) -> None:
    tree = policy.rule(identity).examples[side][index]
    if "alertmanager.yaml" not in tree:
        return
    for path, text in tree.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    if side == "bad" and identity.partition("/")[2] in REFUSED:
        command = [amtool(), "check-config", str(tmp_path / "alertmanager.yaml")]
        assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    else:
        accepted(tmp_path / "alertmanager.yaml")
