"""A job waits for one that is certainly skipped on a trigger for which the job itself is meant to run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from skep.model.finding import Finding, Severity
from skep.pipeline.expressions.syntax import Node, children, static_path
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.occasions import Occasion, occasions
from skep.pipeline.workflow.lint.facts.possible import Knowledge, holds
from skep.pipeline.workflow.lint.facts.running import (
    JobOutlook,
    ancestors,
    job_outlooks,
    waits_for_success,
    written_condition,
)
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.tree import Job, Need, Workflow

_MOST_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Blocked:
    """One job on one occasion: skipped, although it is meant to run."""

    occasion: Occasion
    by: str  # the job whose own `if` is false then
    severity: Severity


def check(context: LintContext) -> Iterator[Finding]:
    """One finding for each `needs` entry behind which a skipped job stands."""
    workflow = context.workflow
    seen = [(occasion, job_outlooks(workflow, occasion)) for occasion in occasions(workflow)]
    for job in workflow.jobs:
        if job.needs and waits_for_success(job):
            yield from _job_findings(workflow, job, seen, _needs_read(context, job))


def _needs_read(context: LintContext, job: Job) -> frozenset[str]:
    """The needs whose outputs or results the job reads, so that they stand in `needs` for that."""
    paths = (
        static_path(node) for site in context.expressions if site.job is job for node in _walk(site.tree)
    )
    return frozenset(path[1].lower() for path in paths if path and path[0].lower() == "needs" and path[1:])


def _walk(tree: Node) -> Iterator[Node]:
    yield tree
    for child in children(tree):
        yield from _walk(child)


def _job_findings(
    workflow: Workflow,
    job: Job,
    seen: list[tuple[Occasion, dict[str, JobOutlook]]],
    read: frozenset[str],
) -> Iterator[Finding]:
    name = job.id.lower()
    jobs = {one.id.lower(): one for one in workflow.jobs}
    wanted = [(occasion, outlooks) for occasion, outlooks in seen if outlooks[name].own is not False]
    never = bool(wanted) and all(outlooks[name].runs is False for _, outlooks in wanted)
    blocked: dict[str, list[_Blocked]] = {}
    for occasion, outlooks in wanted:
        mine = outlooks[name]
        if mine.runs is not False or not mine.skipped_by:
            continue
        need = _need_before(job, mine.skipped_by[0], outlooks)
        root = _root(mine.skipped_by, outlooks)
        behind = frozenset(ancestors(jobs[need.job_id.lower()], jobs))
        severity = RULE.severity if never else _meant(job, outlooks, behind, read)
        if severity is not None and not _is_switched_off(jobs[root]):
            blocked.setdefault(need.job_id, []).append(
                _Blocked(occasion=occasion, by=root, severity=severity)
            )
    for need in job.needs:
        if need.job_id in blocked:
            ways = [occasion for occasion, _ in seen]
            yield _finding(workflow, job, need, blocked[need.job_id], ways=ways, never=never)


def _meant(
    job: Job, outlooks: Mapping[str, JobOutlook], behind: frozenset[str], read: frozenset[str]
) -> Severity | None:
    """How certain it is that the job should run; None: it may be meant to be skipped, as the next one in a chain.

    Certain when its own `if` says so, or when it also waits for a job that runs and has nothing to do with the chain.
    Likely when such a job is `behind` the skipped one, and is not there for what it gives.
    """
    mine = outlooks[job.id.lower()]
    if job.condition.written.strip():
        return RULE.severity if mine.own is True else None
    running = [name for need in job.needs if outlooks[name := need.job_id.lower()].runs is not False]
    if any(name not in behind for name in running):
        return RULE.severity
    return Severity.NOTICE if any(name not in read for name in running) else None


def _is_switched_off(job: Job) -> bool:
    """Whether its `if` is false whatever happens: `if: false` switches a chain off on purpose."""
    tree = written_condition(job.condition)
    return tree is not None and holds(tree, Knowledge()) is False


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
        severity=min((item.severity for item in blocked), key=list(Severity).index),
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
