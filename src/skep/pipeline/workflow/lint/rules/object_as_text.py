"""An object or array is put where only text can stand."""

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
    id="object-as-text",
    severity=Severity.ERROR,
    summary="an object or array where text is wanted",
    explanation=(
        "An object within text becomes the word `Object`, an array the word `Array`; as the whole value of a "
        "name, a variable or an input it fails the step. Take the property that is meant, or write "
        "`toJSON(...)` to see all of it, or `join(array, ', ')`."
    ),
    check=check,
)
