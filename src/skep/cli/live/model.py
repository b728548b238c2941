"""The state behind the live view: the facts of a run folded, one by one, into workflows, jobs and legs as they stand.

Unlike `events.fold`, which reads a whole journal once, this takes facts as they come and costs the same for each. No clock, no I/O.

    leg:  WAITING (expanded, no slot yet) -> RUNNING -> its conclusion;   a job without legs is WAITING.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from skep.cli.cells import one_line
from skep.cli.live.order import tree_order
from skep.cli.report.names import step_cause
from skep.events import facts as f

TAIL_BYTES = 1024
"""What is kept of each leg's output: enough for its last line, whatever the step prints."""


class Standing(StrEnum):
    """Where a leg or job stands; once it ended, its conclusion."""

    RUNNING = "running"
    FAILURE = "failure"
    WAITING = "waiting"
    CANCELLED = "cancelled"
    UNSUPPORTED = "unsupported"
    SUCCESS = "success"
    SKIPPED = "skipped"


@dataclass(slots=True, eq=False)
class Leg:
    """One leg as it stands."""

    key: str
    name: str
    standing: Standing = Standing.WAITING
    started_at: float = 0.0
    duration_s: float = 0.0
    step: str = ""  # the one that runs now; of a failed leg the one that failed
    reason: str = ""
    tail: bytes = b""  # the end of what the current step printed


@dataclass(slots=True, eq=False)
class Job:
    """One job with its legs, and where the tree shows it."""

    key: str
    name: str
    needs: tuple[str, ...] = ()
    depth: int = 0
    legs: dict[str, Leg] = field(default_factory=dict)
    called: list[Job] = field(default_factory=list)  # the jobs of the workflow it calls, shown in its place

    @property
    def is_matrix(self) -> bool:
        """Whether it is shown as one line with counts."""
        return len(self.legs) > 1

    @property
    def standing(self) -> Standing:
        """Of its legs the one that matters most to who watches; open legs beside ended ones count as running."""
        found = {leg.standing for leg in self.legs.values()}
        if not found:
            return Standing.WAITING
        if Standing.WAITING in found and len(found) > 1:
            return Standing.RUNNING
        return next(one for one in Standing if one in found)

    @property
    def is_over(self) -> bool:
        """Whether every leg ended, or every job it called."""
        if self.called:
            return all(job.is_over for job in self.called)
        return bool(self.legs) and not any(
            leg.standing in (Standing.WAITING, Standing.RUNNING) for leg in self.legs.values()
        )


@dataclass(slots=True, eq=False)
class WorkflowState:
    """One workflow; `jobs` in the order of the tree."""

    key: str
    title: str
    jobs: dict[str, Job]

    def shown(self) -> Iterator[Job]:
        """Its jobs without those that called others."""
        return (job for job in self.jobs.values() if not job.called)


class LiveRun:
    """A run as it stands. `take` every fact in order; everything else may be read at any time."""

    def __init__(self) -> None:
        self.number = 0
        self.started_at = 0.0
        self.workflows: dict[str, WorkflowState] = {}
        self.cancelled_at = 0.0  # 0: nobody asked for the run's end
        self.interrupts = 0  # how often the user asked
        self.interrupt_name = ""
        self._legs: dict[str, Leg] = {}

    def take(self, fact: f.Fact) -> None:
        """Takes the next fact; one about things unknown adds them."""
        match fact:
            case f.StepStarted():
                leg = self._leg(fact.leg)
                leg.step, leg.tail = one_line(fact.name), b""
            case f.StepFinished():
                self._end_step(fact)
            case f.JobStarted():
                leg = self._add_leg(fact.job, fact.leg, fact.name)
                leg.standing, leg.started_at = Standing.RUNNING, fact.at
            case f.JobFinished():
                self._end_job(fact)
            case f.JobExpanded():
                for key, name in zip(fact.legs, fact.names, strict=False):
                    self._add_leg(fact.job, key, name)
            case f.JobReused():
                leg = self._add_leg(fact.job, fact.leg, fact.name)
                leg.standing, leg.reason = Standing.SUCCESS, "from the earlier run"
            case f.JobCalled():
                self._call(fact)
            case f.JobSkipped():
                leg = self._add_leg(fact.job, fact.leg, fact.name)
                leg.standing, leg.reason = _standing(fact.outcome), one_line(fact.reason)
            case f.WorkflowStarted():
                self._add_workflow(fact)
            case f.RunStarted():
                self.number, self.started_at = fact.number, fact.at
            case f.CancelRequested() if fact.target == "run":
                self.cancelled_at = self.cancelled_at or fact.at
            case _:
                pass

    def take_output(self, leg: str, chunk: bytes) -> None:
        """Keeps the end of what a leg printed. Cheap, whatever the amount."""
        state = self._leg(leg)
        state.tail = chunk[-TAIL_BYTES:] if len(chunk) >= TAIL_BYTES else (state.tail + chunk)[-TAIL_BYTES:]

    def jobs(self) -> Iterator[Job]:
        """Every job that is shown, workflow by workflow, in tree order."""
        for workflow in self.workflows.values():
            yield from workflow.shown()

    def running(self) -> list[Leg]:
        """The legs that run, the oldest first."""
        found = [leg for leg in self._legs.values() if leg.standing is Standing.RUNNING]
        return sorted(found, key=lambda leg: leg.started_at)

    def _add_workflow(self, fact: f.WorkflowStarted) -> None:
        jobs: dict[str, Job] = {}
        for key, depth in tree_order(fact.jobs, fact.needs):
            name = one_line(key.partition(":")[2] or key)
            jobs[key] = Job(key, name, fact.needs.get(key, ()), depth)
        title = fact.name if fact.name != fact.path else fact.path.rpartition("/")[2]
        self.workflows[fact.workflow] = WorkflowState(fact.workflow, one_line(title), jobs)

    def _call(self, fact: f.JobCalled) -> None:
        """The called jobs stand behind their caller, who is not shown any more."""
        caller = self._job(fact.job)
        workflow = self.workflows[fact.job.partition(":")[0]]
        for key, depth in tree_order(fact.jobs, fact.needs):
            name = one_line(key.partition(":")[2] or key)
            caller.called.append(Job(key, name, fact.needs.get(key, ()), caller.depth + depth))
        jobs: dict[str, Job] = {}
        for job in workflow.jobs.values():
            jobs[job.key] = job
            if job is caller:
                jobs.update((inner.key, inner) for inner in caller.called)
        workflow.jobs = jobs

    def _job(self, key: str) -> Job:
        name = key.partition(":")[0]
        workflow = self.workflows.get(name)
        if workflow is None:
            workflow = self.workflows[name] = WorkflowState(name, one_line(name), {})
        job = workflow.jobs.get(key)
        if job is None:
            job = workflow.jobs[key] = Job(key, one_line(key.partition(":")[2] or key))
        return job

    def _add_leg(self, job_key: str, key: str, name: str) -> Leg:
        leg = self._legs.get(key)
        if leg is None:
            leg = self._legs[key] = Leg(key, one_line(name))
            job = self._job(job_key)
            job.legs[key] = leg
            if len(job.legs) == 1:
                job.name = leg.name
            else:
                job.name = one_line(job_key.partition(":")[2] or job_key)
        return leg

    def _leg(self, key: str) -> Leg:
        return self._legs.get(key) or self._add_leg(key, key, key)

    def _end_step(self, fact: f.StepFinished) -> None:
        leg = self._leg(fact.leg)
        if fact.conclusion == Standing.FAILURE and not leg.reason:
            leg.reason = f"{one_line(fact.name)}: {step_cause(fact.exit_code, fact.reason)}"
        leg.step, leg.tail = "", b""

    def _end_job(self, fact: f.JobFinished) -> None:
        leg = self._add_leg(fact.job, fact.leg, fact.name)
        leg.standing, leg.duration_s = _standing(fact.conclusion), fact.duration_s
        leg.step, leg.tail = "", b""
        if fact.outcome != fact.conclusion:
            leg.reason = f"{one_line(fact.outcome)}, continue-on-error"
        elif leg.standing is Standing.SUCCESS:
            leg.reason = ""
        elif fact.reason and not leg.reason:
            leg.reason = one_line(fact.reason)


def count_standings(legs: Iterable[Leg]) -> dict[Standing, int]:
    """How many legs stand where."""
    counts: dict[Standing, int] = {}
    for leg in legs:
        counts[leg.standing] = counts.get(leg.standing, 0) + 1
    return counts


def _standing(outcome: str) -> Standing:
    try:
        return Standing(outcome)
    except ValueError:
        return Standing.FAILURE  # a word of a later version: better seen than overlooked
