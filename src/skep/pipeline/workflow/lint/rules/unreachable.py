"""A job or step whose condition is false on every trigger of its workflow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.occasions import Occasion, occasions
from skep.pipeline.workflow.lint.facts.possible import Knowledge, holds
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.lint.sites import ExpressionSite

_MOST_SHOWN = 4


def check(context: LintContext) -> Iterator[Finding]:
    """Conditions that no trigger makes true; steps are looked at on the triggers on which their job may run."""
    everything = occasions(context.workflow)
    of_job: dict[str, Sequence[Occasion]] = {}
    for site in context.expressions:
        if site.key == "jobs.<job>.if" and site.job is not None and site.whole:
            left = _left(site, everything)
            of_job[site.job.id] = left
            if everything and not left and not _is_constant(site):
                yield _finding(f"job `{site.job.id}`", site, everything)
    for site in context.expressions:
        if site.key == "jobs.<job>.steps.if" and site.job is not None and site.whole:
            possible = of_job.get(site.job.id, everything)
            if possible and not _left(site, possible) and not _is_constant(site):
                yield _finding("this step", site, possible)


def _left(site: ExpressionSite, among: Sequence[Occasion]) -> list[Occasion]:
    return [occasion for occasion in among if holds(site.tree, occasion.knowledge) is not False]


def _is_constant(site: ExpressionSite) -> bool:
    """False whatever is known: a rule of its own."""
    return holds(site.tree, Knowledge()) is not None


def _finding(what: str, site: ExpressionSite, among: Sequence[Occasion]) -> Finding:
    labels = list(dict.fromkeys(f"`{occasion.event}`" for occasion in among))
    shown = ", ".join(labels[:_MOST_SHOWN]) + (" and others" if labels[_MOST_SHOWN:] else "")
    return RULE.finding(
        f"{what} can never run: its condition is false on every trigger ({shown})",
        site.span,
        hint="add the trigger it waits for below `on:`, correct the condition, or remove it",
    )


RULE = RuleInfo(
    id="unreachable",
    severity=Severity.WARNING,
    summary="a job or step whose condition is false on every trigger",
    explanation=(
        "Each trigger says something for certain: the name of the event, whether there is a pull request, whether the ref is a "
        "branch or a tag. When a condition is false with all that `on:` lists, the job or step is skipped in every run: the "
        "trigger is missing, its name is misspelt, or the condition mixes two that never come together. Jobs that wait for "
        "such a job are reported by `skipped-need`."
    ),
    check=check,
)
