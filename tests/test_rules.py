"""Every rule is held to its own examples, and the pack to its shape."""

from __future__ import annotations

import pytest

from generator import policy
from generator.document import SourceFile
from generator.policy.facts import facts

TODAY = policy.Context(today="2026-11-23")
RULES = {rule.id: rule for rule in policy.rules()}


def ids(side: str) -> list[tuple[str, int]]:
    return [(rule.id, index) for rule in RULES.values() for index in range(len(rule.examples[side]))]


def judged(identity: str, side: str, index: int) -> policy.Outcome:
    files = [SourceFile(path, text) for path, text in RULES[identity].examples[side][index].items()]
    return policy.judge(files, [RULES[identity]], TODAY)


@pytest.mark.parametrize(("identity", "index"), ids("bad"))
def test_the_bad_example_is_refused(identity: str, index: int) -> None:
    findings = judged(identity, "bad", index).findings
    assert findings
    for finding in findings:
        assert finding.message.strip()
        assert "{" not in finding.message
        assert finding.at.line > 0
        assert finding.fix


@pytest.mark.parametrize(("identity", "index"), ids("good"))
def test_the_good_example_is_accepted(identity: str, index: int) -> None:
    assert [finding.message for finding in judged(identity, "good", index).findings] == []


@pytest.mark.parametrize("identity", RULES)
def test_a_rule_has_an_example_of_each_side(identity: str) -> None:
    examples = RULES[identity].examples
    assert examples["good"]
    assert examples["bad"]
    assert all(tree for side in examples.values() for tree in side)


@pytest.mark.parametrize("identity", RULES)
def test_one_good_example_is_judged_not_overlooked(identity: str) -> None:
    """A good example that the rule never looks at would prove nothing."""
    rule = RULES[identity]
    if rule.judgement.verb in ("is-absent", "is-none-of", "does-not-match", "differs-from", "is-unique"):
        return  # the best of these is the text without the value
    outcomes = [judged(identity, "good", index) for index in range(len(rule.examples["good"]))]
    assert any(outcome.passes for outcome in outcomes)


@pytest.mark.parametrize("identity", RULES)
def test_a_rule_speaks_in_whole_sentences(identity: str) -> None:
    rule = RULES[identity]
    for text in (rule.summary, rule.why, rule.fix):
        assert text.endswith((".", "`", ")")), text
        assert text[0].isupper() or text[0] in "`\"'", text
    assert not rule.message.endswith(".")
    assert len(rule.summary) <= 110
    assert all("/" in alias for alias in rule.aliases)


def test_every_fact_is_described() -> None:
    for fact in facts().values():
        assert fact.says
        assert fact.format in {
            *("docker", "dockerignore", "compose", "kubernetes", "kustomization", "terraform", "text"),
            *("prometheus", "prometheus-rules", "prometheus-tests", "alertmanager", "grafana", "collector"),
            *("fluent-bit", "fluentd", "github-workflow", "github-action", "gitlab-ci"),
        }
