"""An action is given an input that will go away."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.action_uses import action_uses
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.report import quoted


def check(context: LintContext) -> Iterator[Finding]:
    """Entries of `with` whose input has a deprecation message."""
    for use in action_uses(context):
        for key, _ in use.given:
            face = use.input(key.text)
            if face is not None and face.deprecated:
                yield RULE.finding(
                    f"the input {quoted(key.text)} of {quoted(use.uses.text)} is deprecated",
                    key.span,
                    hint=face.deprecated if use.is_local else f"write {face.deprecated}",
                )


RULE = RuleInfo(
    id="deprecated-input",
    severity=Severity.WARNING,
    summary="an action is given an input that will go away",
    explanation=(
        "The author of the action has marked the input as deprecated: it still works, and stops working with a later version. "
        "Write what the action's message says instead."
    ),
    check=check,
)
