"""A job waits for one that is certainly skipped on a trigger for which the job itself is meant to run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.occasions import Occasion, occasions
from skep.pipeline.workflow.lint.facts.running import JobOutlook, job_outlooks, waits_for_success
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.tree import Job, Need, Workflow

_MOST_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Blocked:
    """One job on one occasion: skipped, although it is meant to run."""

    occasion: Occasion
    by: str  # the job whose own `if` is false then


def check(context: LintContext) -> Iterator[Finding]:
    """One finding for each `needs` entry behind which a skipped job stands."""
    workflow = context.workflow
    seen = [(occasion, job_outlooks(workflow, occasion)) for occasion in occasions(workflow)]
    for job in workflow.jobs:
        if job.needs and waits_for_success(job):
            yield from _job_findings(workflow, job, seen)


def _job_findings(
    workflow: Workflow, job: Job, seen: list[tuple[Occasion, dict[str, JobOutlook]]]
) -> Iterator[Finding]:
    name = job.id.lower()
    wanted = [(occasion, outlooks) for occasion, outlooks in seen if outlooks[name].own is not False]
    never = bool(wanted) and all(outlooks[name].runs is False for _, outlooks in wanted)
    blocked: dict[str, list[_Blocked]] = {}
    for occasion, outlooks in wanted:
        mine = outlooks[name]
        if mine.runs is False and mine.skipped_by and (never or _is_meant(job, outlooks)):
            need = _need_before(job, mine.skipped_by[0], outlooks)
            root = _root(mine.skipped_by, outlooks)
            blocked.setdefault(need.job_id, []).append(_Blocked(occasion=occasion, by=root))
    for need in job.needs:
        if need.job_id in blocked:
            ways = [occasion for occasion, _ in seen]
            yield _finding(workflow, job, need, blocked[need.job_id], ways=ways, never=never)


def _is_meant(job: Job, outlooks: Mapping[str, JobOutlook]) -> bool:
    """Whether the job should run: its `if` says so for certain, or it also waits for jobs that do run then."""
    mine = outlooks[job.id.lower()]
    if job.condition.written.strip():
        return mine.own is True
    return any(outlooks[need.job_id.lower()].runs is not False for need in job.needs)


def _need_before(job: Job, skipped: str, outlooks: Mapping[str, JobOutlook]) -> Need:
    """The entry of `needs` that is skipped, or has the skipped job behind it."""
    for need in job.needs:
        if need.job_id.lower() == skipped:
            return need
    return next(
        (need for need in job.needs if skipped in outlooks[need.job_id.lower()].skipped_by), job.needs[0]
    )


def _root(skipped: tuple[str, ...], outlooks: Mapping[str, JobOutlook]) -> str:
    """The job that starts the chain: its own `if` is false."""
    return next((name for name in skipped if outlooks[name].own is False), skipped[0])


def _finding(
    workflow: Workflow, job: Job, need: Need, blocked: list[_Blocked], *, ways: list[Occasion], never: bool
) -> Finding:
    root = workflow.job(blocked[0].by)
    written = " ".join(root.condition.written.split()) if root is not None else ""
    root_id = root.id if root is not None else blocked[0].by
    when = _when([item.occasion for item in blocked], ways)
    behind = "" if root_id.lower() == need.job_id.lower() else f" (behind `{need.job_id}`)"
    chance = "can never run" if never else f"cannot run on {when}"
    own = _bare(job.condition.written)
    accepting = " && ".join(["!cancelled()", "!failure()", *([f"({own})"] if own else [])])
    other = f"take `{need.job_id}` out of `needs`" if never else f"give `{job.id}` the same condition"
    return RULE.finding(
        f"job `{job.id}` {chance}: it needs `{root_id}`{behind}, which is skipped "
        f"{f'on {when}' if never else 'then'} by its `if: {written}`",
        need.span,
        hint=f"to run although it is skipped, write `if: ${{{{ {accepting} }}}}`; else {other}",
    )


def _when(blocked: list[Occasion], ways: list[Occasion]) -> str:
    """The occasions, or the name of the event when they are all that it has."""
    labels: dict[str, None] = {}
    for occasion in blocked:
        whole = all(way in blocked for way in ways if way.event == occasion.event)
        labels[f"`{occasion.event}`" if whole else occasion.label] = None
    shown = list(labels)
    more = f" and {len(shown) - _MOST_SHOWN} more" if shown[_MOST_SHOWN:] else ""
    return ", ".join(shown[:_MOST_SHOWN]) + more


def _bare(condition: str) -> str:
    """An `if` without `${{ }}` around it, on one line."""
    text = " ".join(condition.split())
    return (
        text[3:-2].strip()
        if text.startswith("${{") and text.endswith("}}") and text.count("${{") == 1
        else text
    )


RULE = RuleInfo(
    id="skipped-need",
    severity=Severity.WARNING,
    summary="a job needs one that is skipped when it should run",
    explanation=(
        "A job runs only when every job before it succeeded, and a skipped job did not succeed: the skip goes on to all that "
        "need it, also through jobs with `always()`. When the `if` of a needed job is false on a trigger for which this job "
        "is meant - its own `if` names that trigger, or other jobs it waits for do run - it is silently skipped with it. "
        "Write `if: ${{ !cancelled() && !failure() }}` to accept the skip, or give both jobs the same "
        "condition."
    ),
    check=check,
)
"""The rule."""
