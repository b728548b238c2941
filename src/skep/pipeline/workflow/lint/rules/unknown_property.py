"""An expression reads something that does not exist."""

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
    id="unknown-property",
    severity=Severity.ERROR,
    summary="an expression reads something that is not there",
    explanation=(
        "An unknown property is no error for GitHub: it is null, so a condition is silently false and a text "
        "silently empty. This rule knows the steps above, the jobs in `needs`, the values of the matrix, the "
        "declared inputs and outputs, and the properties of the contexts, and reports every name that is none "
        "of them. Correct the spelling, declare the input or output, or add the job to `needs`. Properties of "
        "`github.event`, `env`, `vars`, `secrets` and whatever is computed are not known and never reported."
    ),
    check=check,
)
