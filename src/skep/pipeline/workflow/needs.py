"""Whether the `needs` of jobs name jobs and have an order."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from skep.model.finding import Location

from .report import Report, did_you_mean, quoted
from .tree import Job


def check_needs(jobs: Sequence[Job], jobs_span: Location, report: Report) -> None:
    """Reports needs that name no job, and needs that can never be met.

    Source: actions/runner `WorkflowTemplateConverter.ConvertToJobs`: there must be a job without needs. GitHub also reports
    every need of a job that waits for one of those; here the cause is said once, and not what follows from it.
    """
    if not any(not job.needs for job in jobs):
        report.error(
            "no-root-job",
            "the workflow must contain at least one job with no `needs`"
            if jobs
            else "the workflow must contain at least one job",
            jobs_span,
            hint="every job waits for another one: its `needs` form a circle, or name jobs that do not exist"
            if jobs
            else "",
        )
        return
    names = {job.id.lower(): job.id for job in jobs}
    never = _left_after_peeling({job.id.lower(): {need.job_id.lower() for need in job.needs} for job in jobs})
    circles = _on_circles(never)
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
            elif wanted in circles:
                report.error(
                    "needs-cycle",
                    f"job {quoted(job.id)} needs {quoted(need.job_id)}, which is on a circle of `needs`",
                    need.span,
                    hint="break the circle of `needs`",
                )


def _left_after_peeling(needs: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """What is left when, again and again, everything whose needs are gone goes; unknown needs never go."""
    dependants = _turned(needs)
    left = {name: len(wanted) for name, wanted in needs.items()}
    ready = deque(name for name, count in left.items() if not count)
    while ready:
        for name in dependants.get(ready.popleft(), ()):
            left[name] -= 1
            if not left[name]:
                ready.append(name)
    return {name: needs[name] for name, count in left.items() if count}


def _on_circles(never: Mapping[str, set[str]]) -> set[str]:
    """Those of jobs that can never start that are on a circle (or between two), not behind one or behind an unknown need."""
    known = {name: {need for need in needs if need in never} for name, needs in never.items()}
    behind = _left_after_peeling(known)
    needed = _turned({name: {need for need in needs if need in behind} for name, needs in behind.items()})
    return set(_left_after_peeling({name: needed.get(name, set()) for name in behind}))


def _turned(needs: Mapping[str, set[str]]) -> dict[str, set[str]]:
    dependants: dict[str, set[str]] = {}
    for name, wanted in needs.items():
        for need in wanted:
            dependants.setdefault(need, set()).add(name)
    return dependants
