"""An action is not given an input that it needs."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.action_uses import action_uses
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.report import quoted


def check(context: LintContext) -> Iterator[Finding]:
    """Required inputs without a default that `with` does not name."""
    for use in action_uses(context):
        if use.gives_computed_names:
            continue
        given = {key.text.lower() for key, _ in use.given}
        for one in use.inputs:
            if one.needed and one.name.lower() not in given:
                yield RULE.finding(
                    f"{quoted(use.uses.text)} needs the input {quoted(one.name)}",
                    use.uses.span,
                    hint=f"give it below `with:`, as `{one.name}: ...`",
                )


RULE = RuleInfo(
    id="missing-input",
    severity=Severity.WARNING,
    summary="an action is not given an input that it needs",
    explanation=(
        "An input that is `required` and has no default is not enforced by GitHub: the action starts with an empty text, and "
        "fails later, or does something else. Give the input below `with:`, or give it a default in the `action.yml` when it "
        "is not needed after all. Inputs of reusable workflows are enforced, and checked when the file is read."
    ),
    check=check,
)
