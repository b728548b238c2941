"""The scheduler: which job may be decided, which leg may start, what must be cancelled. Pure: no clock, no I/O.

Theory. Jobs form a DAG over all workflows of a run; there are no stages. A job whose needs have all ended is *decided*
by the shell, which evaluates `if`, `strategy` and `concurrency` (they may read the outputs of needs) and answers with
legs, or with the reason why there are none.
A leg with a concurrency group claims it first; then it queues for one of `limit` slots, in the order in which legs became ready.

    job:  WAITING -> DECIDING -> ACTIVE -> ENDED           leg:  CLAIMING -> QUEUED -> RUNNING -> ENDED
          needs open  DecideJob    legs     result                ClaimGroup   ready     StartLeg   LegEnded

| fact            | what follows                                                                              |
|-----------------|-------------------------------------------------------------------------------------------|
| WorkflowAdmitted| its jobs without open needs are decided                                                     |
| JobDecided      | legs claim or queue; no legs: the job ends with the outcome given                           |
| GroupHeld       | the leg queues;  GroupLost: the leg ends as cancelled                                       |
| LegEnded        | a slot is free; fail-fast cancels the siblings; the last leg ends the job, that may ready others |
| (called jobs)   | the last of them ends their caller: EndCall, then its dependants are decided               |
| CancelAsked     | running legs are told to cancel, waiting legs end as cancelled; undecided jobs are still decided: `always()` |

Invariants (tested with hypothesis): no job is decided before its needs ended; every job ends; RunEnded comes exactly once, last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import assert_never

from skep.model.ids import JobKey, LegKey
from skep.model.outcome import Outcome

from .messages import (
    CancelAsked,
    CancelLeg,
    ClaimGroup,
    Command,
    DecideJob,
    DropLeg,
    EndCall,
    GroupHeld,
    GroupLost,
    Happening,
    JobDecided,
    JobNode,
    LegEnded,
    RunEnded,
    StartLeg,
    WorkflowAdmitted,
    WorkflowEnded,
)


# --- state -----------------------------------------------------------------------------------------------------------
class Phase(Enum):
    """Where a job or leg stands."""

    WAITING = "waiting"
    DECIDING = "deciding"
    ACTIVE = "active"
    CLAIMING = "claiming"
    QUEUED = "queued"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job and, once decided, its legs."""

    node: JobNode
    phase: Phase = Phase.WAITING
    open_needs: int = 0
    legs: tuple[LegKey, ...] = ()
    open_legs: int = 0
    fail_fast: bool = True
    max_parallel: int | None = None
    called: tuple[
        JobKey, ...
    ] = ()  # jobs of the reusable workflow it calls; `open_legs` counts those that have not ended
    outcome: Outcome = Outcome.SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class LegState:
    """One leg of a decided job."""

    job: JobKey
    phase: Phase
    cancelling: bool = False


@dataclass(frozen=True, slots=True)
class RunState:
    """The scheduler's whole memory. `advance` returns a new one; parts that do not change are shared."""

    limit: int
    jobs: Mapping[JobKey, JobState]
    dependants: Mapping[JobKey, tuple[JobKey, ...]]
    open_jobs: Mapping[str, int]  # workflow -> jobs that have not ended
    legs: Mapping[LegKey, LegState] = field(default_factory=dict)
    queue: tuple[LegKey, ...] = ()  # legs ready for a slot, in the order they became ready
    running: int = 0
    admitted: frozenset[str] = frozenset()
    cancelled: frozenset[str] = frozenset()  # workflows, and calls of reusable ones
    over: bool = False

    def was_cancelled(self, job: JobKey) -> bool:
        """Whether the workflow of a job, or a call it is in, was told to stop."""
        node = self.jobs[job].node
        if node.workflow in self.cancelled:
            return True
        return any(node.call == call or node.call.startswith(f"{call}/") for call in self.cancelled)

    def ancestors(self, job: JobKey) -> Iterable[JobState]:
        """Every job that `job` stands on, near or far: the status functions of GitHub look at all of them."""
        seen: set[JobKey] = set()
        open_keys = deque(self.jobs[job].node.needs)
        while open_keys:
            key = open_keys.popleft()
            if key not in seen:
                seen.add(key)
                yield self.jobs[key]
                open_keys.extend(self.jobs[key].node.needs)


def begin(nodes: Sequence[JobNode], workflows: Sequence[str], limit: int) -> tuple[RunState, list[Command]]:
    """The first state. `needs` name nodes given here and have no cycle (the reader and the planner see to it).

    Nothing starts before its workflow is admitted; a workflow without jobs ends at once.
    """
    if limit < 1:
        raise ValueError("limit must be at least 1")
    dependants: dict[JobKey, list[JobKey]] = {node.key: [] for node in nodes}
    open_jobs = dict.fromkeys(workflows, 0)
    for node in nodes:
        open_jobs[node.workflow] += 1
        for need in dict.fromkeys(node.needs):
            dependants[need].append(node.key)
    state = RunState(
        limit=limit,
        jobs={node.key: JobState(node=node, open_needs=len(set(node.needs))) for node in nodes},
        dependants={key: tuple(keys) for key, keys in dependants.items()},
        open_jobs=open_jobs,
    )
    work = _Work(state)
    for workflow in workflows:
        if not open_jobs[workflow]:
            work.commands.append(WorkflowEnded(workflow=workflow))
    return work.finish()


def advance(state: RunState, happening: Happening) -> tuple[RunState, list[Command]]:
    """The next state, and what the shell must now do, in order. A fact about something that has already ended changes nothing."""
    work = _Work(state)
    match happening:
        case WorkflowAdmitted(workflow=workflow):
            work.admit(workflow)
        case JobDecided():
            work.decide(happening)
        case GroupHeld(leg=leg):
            work.enqueue(leg)
        case GroupLost(leg=leg):
            work.drop(leg, "a newer run waits for the same concurrency group")
        case LegEnded(leg=leg, conclusion=conclusion):
            work.end_leg(leg, conclusion)
        case CancelAsked(workflow=workflow):
            work.cancel(workflow)
        case _:
            assert_never(happening)
    return work.finish()


class _Work:
    """One call of `advance`: the parts of the state that changed, and the commands so far."""

    def __init__(self, state: RunState) -> None:
        self.state = state
        self.jobs = dict(state.jobs)
        self.legs = dict(state.legs)
        self.dependants = state.dependants
        self.open_jobs = dict(state.open_jobs)
        self.queue = list(state.queue)
        self.running = state.running
        self.admitted = state.admitted
        self.cancelled = state.cancelled
        self.commands: list[Command] = []

    def finish(self) -> tuple[RunState, list[Command]]:
        self._fill_slots()
        over = not any(self.open_jobs.values())
        if over and not self.state.over:
            self.commands.append(RunEnded())
        state = RunState(
            limit=self.state.limit,
            jobs=self.jobs,
            dependants=self.dependants,
            open_jobs=self.open_jobs,
            legs=self.legs,
            queue=tuple(self.queue),
            running=self.running,
            admitted=self.admitted,
            cancelled=self.cancelled,
            over=over,
        )
        return state, self.commands

    def admit(self, workflow: str) -> None:
        if workflow in self.admitted:
            return
        self.admitted |= {workflow}
        for key, job in list(self.jobs.items()):
            if job.node.workflow == workflow:
                self._decide_when_ready(key)

    def decide(self, decided: JobDecided) -> None:
        job = self.jobs[decided.job]
        if job.phase is not Phase.DECIDING:
            return
        if decided.called:
            self._call(decided)
            return
        if not decided.legs:
            self._end_job(decided.job, decided.outcome)
            return
        self.jobs[decided.job] = replace(
            job,
            phase=Phase.ACTIVE,
            legs=decided.legs,
            open_legs=len(decided.legs),
            fail_fast=decided.fail_fast,
            max_parallel=decided.max_parallel,
            outcome=decided.floor,
        )
        for leg in decided.legs:
            self.legs[leg] = LegState(job=decided.job, phase=Phase.CLAIMING)
            if leg in decided.claiming:
                self.commands.append(ClaimGroup(leg=leg))
            else:
                self.enqueue(leg)

    def _call(self, decided: JobDecided) -> None:
        nodes = decided.called
        self.jobs[decided.job] = replace(
            self.jobs[decided.job],
            phase=Phase.ACTIVE,
            open_legs=len(nodes),
            fail_fast=decided.fail_fast,
            called=tuple(node.key for node in nodes),
        )
        dependants = {**self.dependants, **{node.key: () for node in nodes}}
        for node in nodes:
            self.jobs[node.key] = JobState(node=node, open_needs=len(set(node.needs)))
            self.open_jobs[node.workflow] += 1
            for need in dict.fromkeys(node.needs):
                dependants[need] = (*dependants[need], node.key)
        self.dependants = dependants
        for node in nodes:
            self._decide_when_ready(node.key)

    def enqueue(self, leg: LegKey) -> None:
        if self.legs[leg].phase is Phase.CLAIMING:
            self.legs[leg] = replace(self.legs[leg], phase=Phase.QUEUED)
            self.queue.append(leg)

    def drop(self, leg: LegKey, reason: str) -> None:
        if self.legs[leg].phase in (Phase.CLAIMING, Phase.QUEUED):
            if leg in self.queue:
                self.queue.remove(leg)
            self.commands.append(DropLeg(leg=leg, reason=reason))
            self._close_leg(leg, Outcome.CANCELLED)

    def end_leg(self, leg: LegKey, conclusion: Outcome) -> None:
        if self.legs[leg].phase is Phase.RUNNING:
            self.running -= 1
            self._close_leg(leg, conclusion)

    def cancel(self, workflow: str) -> None:
        targets = frozenset([workflow]) if workflow else frozenset(self.open_jobs)
        self.cancelled |= targets
        for leg, at in list(self.legs.items()):
            if self.jobs[at.job].node.workflow in targets:
                self._cancel_leg(leg, "the run was cancelled")
        for name in targets:
            # A workflow that still waits for its concurrency group never starts; its jobs are decided now, as cancelled ones.
            self.admit(name)

    def _cancel_leg(self, leg: LegKey, reason: str) -> None:
        at = self.legs[leg]
        if at.phase is Phase.RUNNING and not at.cancelling:
            self.legs[leg] = replace(at, cancelling=True)
            self.commands.append(CancelLeg(leg=leg, reason=reason))
        else:
            self.drop(leg, reason)

    def _close_leg(self, leg: LegKey, conclusion: Outcome) -> None:
        at = self.legs[leg]
        self.legs[leg] = replace(at, phase=Phase.ENDED)
        job = self.jobs[at.job]
        self.jobs[at.job] = job = replace(
            job, open_legs=job.open_legs - 1, outcome=_worse(job.outcome, conclusion)
        )
        if not job.open_legs:
            self._end_job(at.job, job.outcome)
        elif conclusion is Outcome.FAILURE and job.fail_fast:
            for sibling in job.legs:
                self._cancel_leg(sibling, f"fail-fast: `{leg}` failed")

    def _end_job(self, key: JobKey, outcome: Outcome) -> None:
        job = self.jobs[key]
        if job.phase is Phase.ENDED:
            return
        self.jobs[key] = replace(job, phase=Phase.ENDED, outcome=outcome)
        workflow = job.node.workflow
        self.open_jobs[workflow] -= 1
        if not self.open_jobs[workflow]:
            self.commands.append(WorkflowEnded(workflow=workflow))
        for dependant in self.dependants[key]:
            other = self.jobs[dependant]
            self.jobs[dependant] = replace(other, open_needs=other.open_needs - 1)
            self._decide_when_ready(dependant)
        if job.node.parent is not None:
            self._end_called(job.node.parent, job.node.call, outcome)

    def _end_called(self, parent: JobKey, call: str, outcome: Outcome) -> None:
        caller = self.jobs[parent]
        self.jobs[parent] = caller = replace(caller, open_legs=caller.open_legs - 1)
        if caller.open_legs:
            if outcome is Outcome.FAILURE and caller.fail_fast:
                self._cancel_calls(
                    {self.jobs[key].node.call for key in caller.called} - {call},
                    f"fail-fast: `{call}` failed",
                )
            return
        self.commands.append(EndCall(job=parent))
        outcomes = {self.jobs[key].outcome for key in caller.called}
        for worst in (Outcome.FAILURE, Outcome.CANCELLED, Outcome.SUCCESS, Outcome.SKIPPED):
            if worst in outcomes:
                self._end_job(parent, worst)
                return

    def _cancel_calls(self, calls: set[str], reason: str) -> None:
        """Stops the legs of some calls; jobs in them that still wait are decided as cancelled ones."""
        self.cancelled |= calls
        for leg, at in list(self.legs.items()):
            own = self.jobs[at.job].node.call
            if any(own == call or own.startswith(f"{call}/") for call in calls):
                self._cancel_leg(leg, reason)

    def _decide_when_ready(self, key: JobKey) -> None:
        job = self.jobs[key]
        if job.phase is Phase.WAITING and not job.open_needs and job.node.workflow in self.admitted:
            self.jobs[key] = replace(job, phase=Phase.DECIDING)
            self.commands.append(DecideJob(job=key))

    def _fill_slots(self) -> None:
        held_back: list[LegKey] = []
        for position, leg in enumerate(self.queue):
            if self.running >= self.state.limit:
                held_back.extend(self.queue[position:])
                break
            if self._at_max_parallel(self.jobs[self.legs[leg].job]):
                held_back.append(leg)
                continue
            self.legs[leg] = replace(self.legs[leg], phase=Phase.RUNNING)
            self.running += 1
            self.commands.append(StartLeg(leg=leg))
        self.queue = held_back

    def _at_max_parallel(self, job: JobState) -> bool:
        if job.max_parallel is None:
            return False
        return sum(self.legs[leg].phase is Phase.RUNNING for leg in job.legs) >= job.max_parallel


_RANK = {Outcome.SUCCESS: 0, Outcome.SKIPPED: 1, Outcome.CANCELLED: 2, Outcome.FAILURE: 3}


def _worse(one: Outcome, other: Outcome) -> Outcome:
    return one if _RANK[one] >= _RANK[other] else other
