"""Whether the `needs` of jobs name jobs and have an order."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from skep.model.finding import Location

from .report import Report, did_you_mean, quoted
from .tree import Job


def check_needs(jobs: Sequence[Job], jobs_span: Location, report: Report) -> None:
    """Reports needs that name no job, and needs that can never be met.

    Source: actions/runner `WorkflowTemplateConverter.ConvertToJobs`: there must be a job without needs, and every need of
    a job that can never start is reported.
    """
    if not any(not job.needs for job in jobs):
        report.error(
            "no-root-job",
            "the workflow must contain at least one job with no `needs`"
            if jobs
            else "the workflow must contain at least one job",
            jobs_span,
        )
        return
    names = {job.id.lower(): job.id for job in jobs}
    never = _never_started(jobs)
    for job in jobs:
        for need in job.needs if job.id.lower() in never else ():
            wanted = need.job_id.lower()
            if wanted not in names:
                report.error(
                    "unknown-need",
                    f"job {quoted(job.id)} needs {quoted(need.job_id)}, which is not a job of this workflow",
                    need.span,
                    hint=did_you_mean(need.job_id, set(names.values()) - {job.id}),
                )
            elif wanted in never:
                report.error(
                    "needs-cycle",
                    f"job {quoted(job.id)} needs {quoted(need.job_id)}, which {_why(wanted, never)}",
                    need.span,
                    hint="break the circle of `needs`" if _on_cycle(wanted, never) else "",
                )


def _never_started(jobs: Sequence[Job]) -> dict[str, list[str]]:
    """Lower-cased ids of jobs that can never start, and their lower-cased needs among all names."""
    waiting = {job.id.lower(): {need.job_id.lower() for need in job.needs} for job in jobs}
    dependants: dict[str, list[str]] = {}
    for name, needs in waiting.items():
        for need in needs:
            dependants.setdefault(need, []).append(name)
    ready = deque(name for name, needs in waiting.items() if not needs)
    left = {name: len(needs) for name, needs in waiting.items()}
    while ready:
        done = ready.popleft()
        waiting.pop(done, None)
        for name in dependants.get(done, ()):
            left[name] -= 1
            if left[name] == 0:
                ready.append(name)
    return {name: sorted(needs) for name, needs in waiting.items()}


def _why(name: str, never: dict[str, list[str]]) -> str:
    if _on_cycle(name, never):
        return "is on a circle of `needs`"
    return "can never start"


def _on_cycle(name: str, never: dict[str, list[str]]) -> bool:
    seen: set[str] = set()
    todo = list(never[name])
    while todo:
        at = todo.pop()
        if at == name:
            return True
        if at not in seen:
            seen.add(at)
            todo.extend(never.get(at, ()))
    return False
