"""Which lines of the tree are worth the room there is. Pure.

Everything is shown when it fits. Else rows are taken by what they are worth (`_JOB_WORTH`, `_LEG_WORTH`; the lower the
better) until the room is full, and shown in the order of the tree; a workflow's title counts what it hides. A matrix is one
row; of its legs only those that failed or run get rows of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from skep.cli.live.model import Job, Leg, LiveRun, Standing, WorkflowState

_JOB_WORTH = {
    Standing.RUNNING: 0,
    Standing.FAILURE: 1,
    Standing.WAITING: 4,
    Standing.CANCELLED: 5,
    Standing.UNSUPPORTED: 5,
    Standing.SUCCESS: 6,
    Standing.SKIPPED: 7,
}
_LEG_WORTH = {Standing.FAILURE: 2, Standing.RUNNING: 3}
_WORST = max(_JOB_WORTH.values())


@dataclass(slots=True, eq=False)
class Row:
    """One line: of a workflow (`job` None), a job (`leg` None: it has no leg yet, or is a matrix), or a leg."""

    workflow: WorkflowState
    job: Job | None = None
    leg: Leg | None = None
    depth: int = 0
    hidden: int = 0  # of a workflow: rows of its jobs that are not shown


def choose_rows(run: LiveRun, room: int) -> list[Row]:
    """The rows to show in so many lines, in the order of the tree."""
    everything = list(_all_rows(run))
    if len(everything) <= room:
        return [row for row, _ in everything]
    return _best(everything, room)


def _all_rows(run: LiveRun) -> Iterator[tuple[Row, int]]:
    """Every row with its worth; a title is worth what the best of its jobs is."""
    for workflow in run.workflows.values():
        rows = [found for job in workflow.shown() for found in _job_rows(workflow, job)]
        yield Row(workflow), min((worth for _, worth in rows), default=_WORST)
        yield from rows


def _job_rows(workflow: WorkflowState, job: Job) -> Iterator[tuple[Row, int]]:
    worth = _JOB_WORTH[job.standing]
    if not job.is_matrix:
        leg = next(iter(job.legs.values()), None)
        yield Row(workflow, job, leg, job.depth), worth
        return
    yield Row(workflow, job, None, job.depth), worth
    for leg in job.legs.values():
        if leg.standing in _LEG_WORTH:
            yield Row(workflow, job, leg, job.depth + 1), _LEG_WORTH[leg.standing]


def _best(everything: list[tuple[Row, int]], room: int) -> list[Row]:
    ranked = sorted(
        range(len(everything)), key=lambda index: everything[index][1]
    )  # stable: tree order within a worth
    titles: dict[str, int] = {}
    for index, (row, _) in enumerate(everything):
        if row.job is None:
            titles[row.workflow.key] = index
    taken: set[int] = set()
    for index in ranked:
        wanted = {index, titles[everything[index][0].workflow.key]} - taken
        if len(taken) + len(wanted) > room:
            break
        taken |= wanted
    rows = [everything[index][0] for index in sorted(taken)]
    _count_hidden(rows, (row for row, _ in everything))
    return rows


def _count_hidden(rows: list[Row], everything: Iterable[Row]) -> None:
    titles = {row.workflow.key: row for row in rows if row.job is None}
    shown = {id(row) for row in rows}
    for row in everything:
        if row.job is not None and id(row) not in shown and row.workflow.key in titles:
            titles[row.workflow.key].hidden += 1
