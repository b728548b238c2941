"""The places in the text of `format` and its arguments do not match."""

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
    id="format-placeholder",
    severity=Severity.ERROR,
    summary="`format` with places and arguments that do not match",
    explanation=(
        "`format('{0} {1}', a)` fails when it is evaluated, because `{1}` has no argument; so does a single "
        "brace in its text. An argument without a place is not shown anywhere. Number the places from `{0}`, "
        "give one argument for each, and double a brace that is meant: `{{` or `}}`."
    ),
    check=check,
)
