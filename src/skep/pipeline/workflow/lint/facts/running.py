"""Which jobs may run on an occasion, and which job keeps them from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from skep.pipeline.expressions.names import STATUS_FUNCTIONS
from skep.pipeline.expressions.syntax import Node
from skep.pipeline.workflow.lint.sites import parsed
from skep.pipeline.workflow.tree import Condition, Job, Workflow

from .occasions import Occasion
from .possible import Knowledge, certainly, holds


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutlook:
    """What is certain of one job on one occasion."""

    own: bool | None  # its own `if`, jobs it needs left aside
    runs: bool | None  # the whole
    skipped_by: tuple[
        str, ...
    ] = ()  # ids, in lower case, of jobs before it that are certainly skipped, nearest first


def job_outlooks(workflow: Workflow, occasion: Occasion) -> dict[str, JobOutlook]:
    """Job id in lower case -> outlook. `runs` is None where failures and outputs of jobs decide."""
    found: dict[str, JobOutlook] = {}
    jobs = {job.id.lower(): job for job in workflow.jobs}
    for name in _in_order(jobs):
        found[name] = _outlook(jobs[name], jobs, found, occasion.knowledge)
    return found


def _outlook(
    job: Job, jobs: Mapping[str, Job], found: Mapping[str, JobOutlook], knowledge: Knowledge
) -> JobOutlook:
    skipped = tuple(name for name in ancestors(job, jobs) if name in found and found[name].runs is False)
    results = {
        f"needs.{need.job_id.lower()}.result": certainly("skipped")
        for need in job.needs
        if need.job_id.lower() in skipped
    }
    tree = job.condition.expression.tree
    written = own_condition(job)
    hopeful = replace(knowledge, statuses={"success": True, "failure": None, "cancelled": None})
    own = True if written is None else holds(written, hopeful)
    actual = replace(
        knowledge,
        values={**knowledge.values, **results},
        statuses={"success": False if skipped else None, "failure": None, "cancelled": None},
    )
    return JobOutlook(own=own, runs=None if tree is None else holds(tree, actual), skipped_by=skipped)


def own_condition(job: Job) -> Node | None:
    """The `if` as written, without the `success()` that GitHub adds; None when there is none."""
    return written_condition(job.condition)


def written_condition(condition: Condition) -> Node | None:
    """An `if` as written, without what GitHub adds; None when there is none."""
    text = condition.written.strip()
    if not text:
        return None
    if text.startswith("${{") and text.endswith("}}") and text.count("${{") == 1:
        text = text[3:-2].strip()
    return parsed(text) if "${{" not in text else condition.expression.tree


def waits_for_success(job: Job) -> bool:
    """Whether the job runs only when all before it succeeded: its `if` calls no status function."""
    written = own_condition(job)
    return written is None or parsed_functions(job).isdisjoint(STATUS_FUNCTIONS)


def parsed_functions(job: Job) -> frozenset[str]:
    """The functions that the `if` as written calls, in lower case."""
    functions = job.condition.expression.functions
    added = job.condition.expression.text.startswith("success()") and "success" not in job.condition.written
    return functions - {"success"} if added else functions


def ancestors(job: Job, jobs: Mapping[str, Job]) -> Iterator[str]:
    """The ids of all jobs that come before it, nearest first, each once."""
    seen = {job.id.lower()}
    waiting = [need.job_id.lower() for need in job.needs]
    while waiting:
        name = waiting.pop(0)
        if name not in seen and name in jobs:
            seen.add(name)
            yield name
            waiting.extend(need.job_id.lower() for need in jobs[name].needs)


def _in_order(jobs: Mapping[str, Job]) -> Iterator[str]:
    done: set[str] = set()
    waiting = list(jobs)
    while waiting:
        ready = [n for n in waiting if all(x in done for x in ancestors(jobs[n], jobs))]
        if not ready:  # a circle, which the reader has refused
            return
        yield from ready
        done.update(ready)
        waiting = [name for name in waiting if name not in done]
