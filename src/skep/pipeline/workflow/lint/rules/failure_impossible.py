"""A step that waits for a failure which cannot come: nothing before it, or `continue-on-error` swallows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.actions import is_true
from skep.pipeline.workflow.lint.facts.possible import Knowledge, Possible, holds, one_of
from skep.pipeline.workflow.lint.facts.running import written_condition
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.tree import Job, Step

_CONCLUSION = re.compile(r"steps\.([\w-]+)\.conclusion", re.IGNORECASE)


def check(context: LintContext) -> Iterator[Finding]:
    """Conditions of steps that are false after every outcome of the steps before them."""
    for job in context.workflow.jobs:
        earlier: list[Step] = []
        for step in context.steps_of(job):
            tree = written_condition(step.condition)
            if (
                tree is not None
                and holds(tree, Knowledge()) is not False  # false whatever happens: a rule of its own
                and holds(tree, _after(earlier)) is False
            ):
                yield _finding(job, step, earlier)
            earlier.append(step)


def _after(earlier: Sequence[Step]) -> Knowledge:
    """What is known behind these steps: one with `continue-on-error` never makes the job fail."""
    harmless = [step for step in earlier if is_true(step.continue_on_error)]
    conclusions: dict[str, Possible] = {
        f"steps.{step.id.lower()}.conclusion": one_of("success", "skipped", "cancelled") for step in harmless
    }
    return Knowledge(values=conclusions, statuses={} if len(harmless) < len(earlier) else {"failure": False})


def _finding(job: Job, step: Step, earlier: Sequence[Step]) -> Finding:
    where = step.condition.span
    if not earlier:
        return RULE.finding(
            "this condition never holds: `failure()` asks for failed steps of this job, and none stands before this one",
            where,
            hint="ask for the jobs before: `if: ${{ contains(needs.*.result, 'failure') }}`"
            if job.needs
            else "put the step behind those whose failure is meant",
        )
    named = _CONCLUSION.search(step.condition.written)
    hint = (
        "ask for what happened before `continue-on-error`: "
        f"`if: ${{{{ steps.{named[1] if named else '<id>'}.outcome == 'failure' }}}}`"
    )
    if named:
        message = "the conclusion of a step with `continue-on-error: true` is never `failure`"
    else:
        message = "every step before this one has `continue-on-error: true`, so none makes the job fail"
    return RULE.finding(f"this condition never holds: {message}", where, hint=hint)


RULE = RuleInfo(
    id="failure-impossible",
    severity=Severity.WARNING,
    summary="a step waits for a failure that cannot come",
    explanation=(
        "`failure()` in a step means: a step before it in the same job failed. It does not look at the jobs in `needs`, so in "
        "the first step of a reporting job it is always false. A failure under `continue-on-error: true` does not count "
        "either: the step's conclusion becomes `success`, and only its `outcome` tells of the failure."
    ),
    check=check,
)
"""The rule."""
