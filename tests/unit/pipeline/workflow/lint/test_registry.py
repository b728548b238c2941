"""The list of rules: complete, in order, explained."""

from __future__ import annotations

import pkgutil

import pytest

from skep.pipeline.workflow.lint import registry, rules
from skep.pipeline.workflow.lint.check import OWN_RULES
from skep.pipeline.workflow.lint.registry import RULES


def test_every_file_with_a_rule_is_listed() -> None:
    files = {found.name for found in pkgutil.iter_modules(rules.__path__)}
    assert files == {rule.replace("-", "_") for rule in RULES}


def test_rules_are_listed_in_the_order_of_their_ids() -> None:
    assert list(RULES) == sorted(RULES)


def test_no_rule_has_the_id_of_one_about_suppressions() -> None:
    assert set(OWN_RULES) & set(RULES) == set()


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_says_why_and_what_to_do(rule: str) -> None:
    info = registry.RULES[rule]
    assert info.summary
    assert not info.summary.endswith(".")
    assert len(info.summary) <= 100
    assert 150 <= len(info.explanation) <= 1000
    assert info.explanation.endswith(".")
    assert "\n" not in info.explanation
