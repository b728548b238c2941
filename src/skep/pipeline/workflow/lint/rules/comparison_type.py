"""A comparison of two kinds of values that are never equal."""

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
    id="comparison-type",
    severity=Severity.ERROR,
    summary="a comparison whose kinds of values never match",
    explanation=(
        "`==` compares strings with strings without case, and turns everything else into numbers first: the "
        "text `true` becomes no number and is not equal to the boolean `true`. An object or array equals "
        "nothing but itself. So `inputs.flag == 'true'` with a boolean input, `steps.x.outputs.y == true` and "
        "`needs.build == 'success'` are decided before the workflow runs. Compare a boolean with `true`, an "
        "output with `'true'`, and a property instead of an object."
    ),
    check=check,
)
