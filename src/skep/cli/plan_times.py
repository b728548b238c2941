"""What `skep plan` says of time: the jobs of a plan and the times of earlier runs -> an estimate, as words and as JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence

from skep.cli.tables import duration_text
from skep.model.errors import StoreError
from skep.model.ids import JobKey
from skep.pipeline.engine.estimate import Estimate, JobWork, estimate_run
from skep.pipeline.plan.outlook import JobOutlook, Verdict
from skep.pipeline.plan.values import WorkflowPlan
from skep.pipeline.workflow.tree import Job
from skep.store.local.paths import StatePaths
from skep.store.local.records import RunRecords

_SHOWN_UNKNOWN = 5

Times = Mapping[str, float]
"""Leg -> the median of what it took when it succeeded, seconds."""


def earlier_times(paths: StatePaths) -> Times:
    """What legs took in earlier runs; {} when there are none. A history that cannot be read is told, and is no obstacle."""
    if not os.path.exists(paths.database):
        return {}  # planning writes nothing, also no empty history
    try:
        records = RunRecords(paths)
        try:
            return records.expected_durations().jobs
        finally:
            records.close()
    except StoreError as error:
        print(f"warning: no estimate: {error}", file=sys.stderr)
        return {}


def estimate_plan(
    workflows: Sequence[WorkflowPlan],
    outlooks: Mapping[str, Sequence[JobOutlook]],
    times: Times,
    *,
    jobs: int,
) -> Estimate:
    """What all workflows of a plan take together with `-j jobs`."""
    several = len(workflows) > 1
    works: list[JobWork] = []
    for item in workflows:
        prefix = f"{item.key.rpartition('.')[0]} / " if several else ""
        for outlook in outlooks[item.key]:
            job = item.workflow.job(outlook.id)
            assert job is not None
            works.extend(_works(item, outlook, job, times, prefix))
    return estimate_run(works, jobs=jobs)


def estimate_text(estimate: Estimate) -> str:
    """One line: the time, for how many jobs at once, the critical path, and what is not counted."""
    if not estimate.job_s:
        return "estimated time: not known, because none of these jobs has succeeded here yet"
    path = " > ".join(estimate.critical_path)
    about = "at least" if estimate.unknown else "about"
    line = f"estimated time: {about} {duration_text(estimate.wall_s)} with -j {estimate.jobs} (critical path: {path})"
    if not estimate.unknown:
        return line
    names = ", ".join(f"`{name}`" for name in estimate.unknown[:_SHOWN_UNKNOWN])
    more = len(estimate.unknown) - _SHOWN_UNKNOWN
    return f"{line}; not counted, never succeeded here: {names}" + (f" and {more} more" if more > 0 else "")


def estimate_json(estimate: Estimate) -> dict[str, object] | None:
    """The estimate for programs; None when nothing is known."""
    if not estimate.job_s:
        return None
    return {
        "wall_s": round(estimate.wall_s, 3),
        "jobs": estimate.jobs,
        "critical_path": list(estimate.critical_path),
        "critical_path_s": round(estimate.critical_s, 3),
        "not_counted": list(estimate.unknown),
    }


def job_seconds(estimate: Estimate, item: WorkflowPlan, job: JobOutlook) -> float | None:
    """What one job takes with all its legs beside each other; None when it is not known."""
    return estimate.job_s.get(JobKey(f"{item.key}:{job.id}"))


# --- jobs -> what the estimate asks for --------------------------------------------------------------------------------
def _works(item: WorkflowPlan, outlook: JobOutlook, job: Job, times: Times, prefix: str) -> Iterator[JobWork]:
    key = JobKey(f"{item.key}:{job.id}")
    needs = tuple(_key_of(item, need) for need in outlook.needs)
    runs = outlook.verdict is not Verdict.SKIPPED and not outlook.after_trouble and not outlook.unsupported
    legs = [] if not runs else _leg_keys(key, outlook, times)
    called = job.called
    if called is None:
        yield JobWork(
            key=key,
            name=prefix + job.id,
            workflow=item.key,
            needs=needs,
            legs=tuple(times.get(leg) for leg in legs),
            max_parallel=outlook.max_parallel,
        )
        return
    inner = [
        work
        for leg in legs
        for work in _called_works(item.key, leg, job, needs, times, prefix=f"{prefix}{job.id} / ")
    ]
    yield from inner
    yield JobWork(
        key=key,
        name=prefix + job.id,
        workflow=item.key,
        needs=(*needs, *(work.key for work in inner)),
    )


def _leg_keys(key: JobKey, outlook: JobOutlook, times: Times) -> list[str]:
    """The legs that will run; of a matrix that is not known yet those that ran before."""
    if outlook.legs is not None:
        return [leg.key for leg in outlook.legs if not leg.unsupported]
    return [leg for leg in times if leg.startswith(f"{key} ") and "/" not in leg] or [key]


def _called_works(
    workflow: str, leg: str, caller: Job, needs: tuple[JobKey, ...], times: Times, *, prefix: str
) -> Iterator[JobWork]:
    """The jobs of a called workflow, which begin when their caller does. Those with a matrix or an `if` go by what ran before."""
    assert caller.called is not None
    for job in caller.called.jobs:
        key = JobKey(f"{leg}/{job.id}")
        own = tuple(JobKey(f"{leg}/{need.job_id}") for need in job.needs) or needs
        if job.called is not None:
            inner = list(_called_works(workflow, key, job, own, times, prefix=f"{prefix}{job.id} / "))
            yield from inner
            yield JobWork(
                key=key, name=prefix + job.id, workflow=workflow, needs=(*own, *(one.key for one in inner))
            )
            continue
        ran = [seconds for one, seconds in times.items() if one == key or one.startswith(f"{key} ")]
        unknown: tuple[float | None, ...] = () if job.condition.written else (None,)
        yield JobWork(key=key, name=prefix + job.id, workflow=workflow, needs=own, legs=tuple(ran) or unknown)


def _key_of(item: WorkflowPlan, job_id: str) -> JobKey:
    job = item.workflow.job(job_id)
    return JobKey(f"{item.key}:{job.id if job is not None else job_id}")
