"""A comparison with a text that the value never is."""

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
    id="impossible-value",
    severity=Severity.ERROR,
    summary="a comparison with a value that never occurs",
    explanation=(
        "Some values are one of a few words: a result is `success`, `failure`, `cancelled` or `skipped`, "
        "`runner.os` is `Linux`, `Windows` or `macOS`, `github.event_name` is the name of an event, a matrix "
        "value is one that the matrix lists, a choice input one of its options. Compared with any other word, "
        "such as `failed` or `ubuntu`, `==` is always false and `!=` always true. Write one of the words that "
        "occur."
    ),
    check=check,
)
