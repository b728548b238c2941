"""How long a run will take, from what its legs took before. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from skep.cli.live.model import LiveRun
from skep.cli.live.order import longest_ways


def expected_total(run: LiveRun, expected: Mapping[str, float], slots: int) -> float:
    """Seconds: the longest chain of needs, or all work spread over the slots if that is more. 0 when nothing is known.

    `expected` is by leg; the legs of a job that is not expanded yet are those that earlier runs had.
    """
    by_job: dict[str, float] = {}
    work = 0.0
    jobs = [job for workflow in run.workflows.values() for job in workflow.jobs.values()]
    known = {job.key for job in jobs}
    for leg, seconds in expected.items():
        job = _job_of(leg, known)
        if job is not None:
            by_job[job] = max(by_job.get(job, 0.0), seconds)
            work += seconds
    if not by_job:
        return 0.0
    needs = {job.key: job.needs for job in jobs}
    ways = longest_ways(list(needs), needs, by_job)
    return max(*ways.values(), work / max(slots, 1), 0.0)


def _job_of(leg: str, known: set[str]) -> str | None:
    """The job of a leg: its key, with ` (a, b)` or `#n` behind it for a matrix."""
    if leg in known:
        return leg
    for cut in (leg.partition(" (")[0], leg.rpartition("#")[0]):
        if cut in known:
            return cut
    return None
