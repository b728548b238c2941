"""How long a run will take: the scheduler itself, fed with the times of earlier runs instead of with processes. Pure.

It supposes that all goes well: every job that may run succeeds in the median of its earlier times. Concurrency groups held by
other runs and the machine's load are not known, so this is an estimate and no promise.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skep.model.ids import JobKey, LegKey
from skep.model.outcome import Outcome

from . import schedule
from .messages import (
    Command,
    DecideJob,
    Happening,
    JobDecided,
    JobNode,
    LegEnded,
    StartLeg,
    WorkflowAdmitted,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWork:
    """One job that may run, and what each of its legs takes. Without legs it takes no time: it is skipped, or only waits."""

    key: JobKey
    name: str
    workflow: str
    needs: tuple[JobKey, ...] = ()
    legs: tuple[float | None, ...] = ()  # seconds; None: it never ran here
    max_parallel: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run will take. All times in seconds."""

    wall_s: float
    jobs: int  # legs that may run at once, the `-j` it is for
    critical_path: tuple[
        str, ...
    ]  # names of the jobs that hold up the end, even with any number of processors
    critical_s: float
    job_s: Mapping[JobKey, float]  # jobs whose time is known, their legs as they run beside each other
    unknown: tuple[str, ...]  # names of jobs that never ran here: they count as nothing


def estimate_run(works: Sequence[JobWork], *, jobs: int) -> Estimate:
    """The estimate for `-j jobs`. Needs name works given here and have no circle."""
    unknown = tuple(one.name for one in works if one.legs and _known(one.legs) is None)
    times = {one.key: _filled(one.legs) for one in works}
    job_s = {
        one.key: _span(times[one.key], one.max_parallel)
        for one in works
        if one.legs and one.name not in unknown
    }
    path, critical_s = _critical_path(works, {key: job_s.get(key, 0.0) for key in times})
    return Estimate(
        wall_s=_simulated(works, times, jobs),
        jobs=jobs,
        critical_path=path,
        critical_s=critical_s,
        job_s=job_s,
        unknown=unknown,
    )


# --- legs ------------------------------------------------------------------------------------------------------------
def _known(legs: Sequence[float | None]) -> float | None:
    """The median of the known times; None when there is none."""
    known = sorted(leg for leg in legs if leg is not None)
    return known[len(known) // 2] if known else None


def _filled(legs: Sequence[float | None]) -> tuple[float, ...]:
    """A leg that never ran takes as long as its siblings mostly do."""
    usual = _known(legs) or 0.0
    return tuple(usual if leg is None else leg for leg in legs)


def _span(legs: Sequence[float], max_parallel: int | None) -> float:
    """From the first leg's start to the last one's end, on a machine without limits of its own."""
    ends: list[float] = []
    for leg in legs:
        free_at = heapq.heappop(ends) if max_parallel is not None and len(ends) >= max_parallel else 0.0
        heapq.heappush(ends, free_at + leg)
    return max(ends, default=0.0)


def _critical_path(works: Sequence[JobWork], job_s: Mapping[JobKey, float]) -> tuple[tuple[str, ...], float]:
    """The chain of needs that takes longest, its jobs without time left out."""
    by_key = {one.key: one for one in works}
    ends: dict[JobKey, tuple[float, tuple[JobKey, ...]]] = {}

    def end_of(key: JobKey) -> tuple[float, tuple[JobKey, ...]]:
        before = max((ends[need] for need in by_key[key].needs if need in ends), default=(0.0, ()))
        return before[0] + job_s[key], (*before[1], key)

    waiting = list(works)
    while waiting:
        ready = [one for one in waiting if all(need in ends or need not in by_key for need in one.needs)]
        for one in ready or waiting:
            ends[one.key] = end_of(one.key)
        waiting = [one for one in waiting if one.key not in ends]
    total, keys = max(ends.values(), default=(0.0, ()))
    return tuple(by_key[key].name for key in keys if job_s[key] > 0), total


# --- the schedule ----------------------------------------------------------------------------------------------------
def _simulated(works: Sequence[JobWork], times: Mapping[JobKey, tuple[float, ...]], jobs: int) -> float:
    """When the last leg ends: the scheduler's own decisions, its clock moved from end to end."""
    by_key = {one.key: one for one in works}
    workflows = list(dict.fromkeys(one.workflow for one in works))
    nodes = [JobNode(key=one.key, workflow=one.workflow, needs=one.needs) for one in works]
    state, commands = schedule.begin(nodes, workflows, jobs)
    leg_s: dict[LegKey, float] = {}
    running: list[tuple[float, LegKey]] = []
    inbox: list[Happening] = [WorkflowAdmitted(workflow=workflow) for workflow in workflows]
    now = 0.0

    def obey(command: Command) -> None:
        if isinstance(command, DecideJob):
            keys = tuple(LegKey(f"{command.job}#{number}") for number in range(len(times[command.job])))
            leg_s.update(zip(keys, times[command.job], strict=True))
            inbox.append(
                JobDecided(
                    job=command.job,
                    legs=keys,
                    max_parallel=by_key[command.job].max_parallel,
                    outcome=Outcome.SUCCESS,
                )
            )
        elif isinstance(command, StartLeg):
            heapq.heappush(running, (now + leg_s[command.leg], command.leg))

    for command in commands:
        obey(command)
    while inbox or running:
        if not inbox:
            now, leg = heapq.heappop(running)
            inbox.append(LegEnded(leg=leg, conclusion=Outcome.SUCCESS))
        state, commands = schedule.advance(state, inbox.pop(0))
        for command in commands:
            obey(command)
    return now
