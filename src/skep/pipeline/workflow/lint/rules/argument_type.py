"""A function gets a kind of value with which it cannot work."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.lint.typed import typed_findings


def check(context: LintContext) -> Iterator[Finding]:
    """What the types of expressions say about it."""
    return typed_findings(context, RULE)


RULE = RuleInfo(
    id="argument-type",
    severity=Severity.ERROR,
    summary="a function is given a kind of value it cannot use",
    explanation=(
        "Functions do not complain about wrong kinds of values: `contains` finds nothing in an object, "
        "`startsWith` of an array is false, `join` of an object is empty; `fromJSON` of what is no JSON and "
        "`case` with a condition that is no boolean fail the step. Give the function what it takes: an array "
        "or string for `contains`, strings for `startsWith` and `endsWith`, JSON text for `fromJSON`."
    ),
    check=check,
)
