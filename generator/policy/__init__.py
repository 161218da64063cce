"""Our rules: facts select values with their places, verbs judge them, waivers accept what is known.

`judge` first, then trace the findings to the spec, then `deduplicate`, then `waive`.
"""

from generator.policy.engine import judge
from generator.policy.rule import Rule, folder_rules, rule, rules
from generator.policy.verbs import Context
from generator.policy.waivers import apply as waive
from generator.policy.waivers import deduplicate

__all__ = ["Context", "Rule", "deduplicate", "folder_rules", "judge", "rule", "rules", "waive"]
