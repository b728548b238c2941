"""An action is given an input that it does not have."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.action_uses import action_uses
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.report import did_you_mean, quoted


def check(context: LintContext) -> Iterator[Finding]:
    """Entries of `with` that the action does not declare; a warning where the action is not in the project."""
    for use in action_uses(context):
        for key, _ in use.given:
            if use.input(key.text) is None:
                yield RULE.finding(
                    f"{quoted(use.uses.text)} has no input {quoted(key.text)}",
                    key.span,
                    hint=did_you_mean(key.text, (one.name for one in use.inputs)),
                    severity=None if use.is_local else Severity.WARNING,
                )


RULE = RuleInfo(
    id="unknown-input",
    severity=Severity.ERROR,
    summary="an action is given an input that it does not have",
    explanation=(
        "GitHub only notes an unexpected input in the log and goes on, so a misspelt one keeps its default without anybody "
        "noticing. Inputs of actions in the project are read from their `action.yml`; those of the most used public actions "
        "are known up to a version, and what is not among them is a warning. Inputs of reusable workflows are checked when "
        "the file is read. Correct the name, or declare the input."
    ),
    check=check,
)
