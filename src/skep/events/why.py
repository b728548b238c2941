"""A run as it stands, and a workflow, job or step of it -> why it ended as it did, down to the root cause. Pure.

A job is explained by its own end, or by what it waited for: `deploy` was skipped: it needs `test`, which was skipped: it needs
`build`, which failed in step 2 `make` with exit code 2. Every part of that chain stands in the journal; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from skep.events.chain import RANK, Chain, cancel_reason
from skep.events.clauses import CANCELLED, FAILURE, SUCCESS
from skep.events.explanation import Explanation
from skep.events.fold import INTERRUPTED, QUEUED, RUNNING, JobView, RunView, StepView, WorkflowView

NOT_STARTED = "not started"


def explain_run(view: RunView) -> tuple[Explanation, ...]:
    """Everything of a run that did not succeed: the run, workflows, jobs; root causes first."""
    return (
        *_run_itself(view),
        *explain_jobs(view, view.jobs),
        *_undecided(view),
        *(
            explain_workflow(view, one)
            for one in view.workflows
            if one.status != SUCCESS
            and not any(job.job in one.jobs and job.status != SUCCESS for job in view.jobs)
        ),
        *(not_started(one.path, one.reason) for one in view.skipped_workflows),
    )


def explain_jobs(view: RunView, jobs: Iterable[JobView]) -> tuple[Explanation, ...]:
    """Those of the jobs that did not succeed; failures first, what was skipped last."""
    unwell = [job for job in jobs if job.status != SUCCESS or job.outcome == FAILURE]
    return tuple(
        explain_job(view, job) for job in sorted(unwell, key=lambda job: RANK.get(job.status, len(RANK)))
    )


def explain_job(view: RunView, job: JobView) -> Explanation:
    """Why one leg ended as it did."""
    return Chain(view).of_job(job)


def explain_step(view: RunView, job: JobView, step: StepView) -> Explanation:
    """Why one step ended as it did."""
    return Chain(view).of_step(job, step)


def explain_workflow(view: RunView, workflow: WorkflowView) -> Explanation:
    """Why a workflow started, and how it ended."""
    started = f"started: {workflow.reason}" if workflow.reason else "started"
    ended = (
        f"; it is {workflow.status}"
        if workflow.status in (RUNNING, INTERRUPTED)
        else f"; it ended as {workflow.status}"
    )
    cancelled = cancel_reason(view, workflow.key)
    return Explanation(
        kind="workflow",
        key=workflow.path,
        name=workflow.name or workflow.key,
        status=workflow.status,
        sentence=f"`{workflow.key}` {started}{ended}" + (f": {cancelled}" if cancelled else ""),
    )


def not_started(path: str, reason: str) -> Explanation:
    """Why a workflow did not start."""
    name = path.rpartition("/")[2]
    return Explanation(
        kind="workflow", key=path, name=name, status=NOT_STARTED, sentence=f"`{name}` did not start: {reason}"
    )


# --- the run as a whole ------------------------------------------------------------------------------------------------
def _run_itself(view: RunView) -> Iterator[Explanation]:
    sentence = ""
    if view.status == INTERRUPTED:
        sentence = f"the run was interrupted: its process ({view.pid}) ended before it was done"
    elif view.status == CANCELLED and (reason := view.reason or cancel_reason(view)):
        sentence = f"the run was cancelled: {reason}"
    elif view.reason:
        sentence = f"the run ended as {view.status}: {view.reason}"
    if sentence:
        yield Explanation(
            kind="run", key=view.run_id, name=f"#{view.number}", status=view.status, sentence=sentence
        )


def _undecided(view: RunView) -> Iterable[Explanation]:
    """Jobs of a run that goes on, or was interrupted, that nothing is recorded of yet."""
    known = {job.job for job in view.jobs} | {call.job for call in view.calls}
    for workflow in view.workflows:
        for key in workflow.jobs:
            if key not in known and view.status in (RUNNING, INTERRUPTED):
                yield explain_undecided(view, key)


def explain_undecided(view: RunView, key: str) -> Explanation:
    """A job that was not decided: what it waits for."""
    name = key.partition(":")[2]
    ended = {job.job for job in view.jobs if job.finished_at is not None}
    needs: Sequence[str] = next((one.needs.get(key, ()) for one in view.workflows if key in one.jobs), ())
    open_needs = ", ".join(f"`{one.partition(':')[2]}`" for one in needs if one not in ended)
    verb = "waits" if view.status == RUNNING else "waited"
    what = open_needs or "its workflow's concurrency group"
    return Explanation(kind="job", key=key, name=name, status=QUEUED, sentence=f"`{name}` {verb} for {what}")
