"""Our rules: facts select values with their places, verbs judge them, waivers accept what is known."""

from generator.policy.engine import judge
from generator.policy.rule import Rule, rule, rules
from generator.policy.verbs import Context
from generator.policy.waivers import deduplicate

__all__ = ["Context", "Rule", "deduplicate", "judge", "rule", "rules"]
