"""The facts of a run folded into what a reader wants to see: its workflows, jobs and steps as they stand.
Pure.

A leg goes  (expanded: queued) -> running -> its conclusion,  a step  running -> its conclusion.  A run
without RunFinished is
running while the process that writes it lives, else interrupted; so are then its unfinished legs and steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from skep.events import facts as f
from skep.model.outcome import Outcome, RunStatus

F = TypeVar("F", bound=f.Fact)
V = TypeVar("V", "StepView", "JobView", "WorkflowView")

RUNNING, QUEUED, INTERRUPTED = str(RunStatus.RUNNING), "queued", str(RunStatus.INTERRUPTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One step as it stands. `status` is its conclusion once it ended, before that `running`."""

    step: str
    number: int
    name: str
    status: str
    outcome: str = ""
    exit_code: int | None = None
    reason: str = ""
    because: tuple[str, ...] = ()  # what decided its `if`
    started_at: float | None = None  # None: skipped
    duration_s: float = 0.0
    cpu_s: float = 0.0
    peak_memory_bytes: int = 0
    log_offset: int = 0
    log_end: int | None = None  # None: it is still written


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """One leg as it stands. `status` is its conclusion once it ended, before that `queued` or `running`."""

    job: str
    leg: str
    name: str
    status: str
    outcome: str = ""
    reason: str = ""
    because: tuple[str, ...] = ()  # what decided its `if`
    runs_on: tuple[str, ...] = ()
    started_at: float | None = None
    finished_at: float | None = None
    duration_s: float = 0.0
    cpu_s: float = 0.0
    peak_memory_bytes: int = 0
    outputs: Mapping[str, str] = field(default_factory=dict)
    reused: bool = False  # it did not run: its success in an earlier run holds
    steps: tuple[StepView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowView:
    """One workflow of the run as it stands."""

    key: str
    path: str
    name: str
    run_name: str
    status: str
    jobs: tuple[str, ...]
    needs: Mapping[str, tuple[str, ...]]
    started_at: float
    finished_at: float | None = None
    reason: str = ""  # the filters that let it start


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run as it stands, from its journal alone."""

    run_id: str
    number: int
    status: str
    event: str
    ref: str
    sha: str
    root: str
    argv: tuple[str, ...]
    version: str
    pid: int
    started_at: float
    finished_at: float | None
    duration_s: float
    cpu_s: float
    reason: str
    workflows: tuple[WorkflowView, ...]
    skipped_workflows: tuple[f.WorkflowSkipped, ...]
    jobs: tuple[JobView, ...]
    annotations: tuple[f.Annotated, ...]
    summaries: tuple[f.SummaryWritten, ...]
    artifacts: tuple[f.ArtifactStored, ...]
    approvals: tuple[f.EnvironmentJudged, ...]
    deployments: tuple[f.Deployed, ...]
    cancellations: tuple[f.CancelRequested, ...]
    calls: tuple[f.JobCalled, ...] = ()  # jobs that called a reusable workflow: its jobs stand for them


def fold(facts: Iterable[f.Fact], *, alive: bool) -> RunView:
    """The run behind a journal; `alive`: the process that writes it still runs. Raises ValueError without
    a RunStarted."""
    state = _Folding()
    for fact in facts:
        state.take(fact)
        state.last_at = max(state.last_at, fact.at)
    return state.view(alive=alive)


class _Folding:
    """What has been seen so far; lives for one `fold`."""

    def __init__(self) -> None:
        self.started: f.RunStarted | None = None
        self.finished: f.RunFinished | None = None
        self.workflows: dict[str, WorkflowView] = {}
        self.legs: dict[str, JobView] = {}
        self.steps: dict[str, dict[tuple[int, str], StepView]] = {}
        self.kept: dict[type[f.Fact], list[f.Fact]] = {}
        self.last_at = 0.0

    def take(self, fact: f.Fact) -> None:
        match fact:
            case f.StepStarted():
                self.take_step(fact)
            case f.StepFinished():
                self.take_step_end(fact)
            case f.JobStarted():
                self.take_job(fact)
            case f.JobFinished():
                self.take_job_end(fact)
            case f.JobExpanded():
                self.take_expansion(fact)
            case f.JobSkipped():
                self.take_skip(fact)
            case f.JobReused():
                self._take_reuse(fact)
            case f.JobCalled():
                self._take_call(fact)
            case f.WorkflowStarted():
                self.take_workflow(fact)
            case f.WorkflowFinished():
                self.take_workflow_end(fact)
            case f.RunStarted():
                self.started = fact
            case f.RunFinished():
                self.finished = fact
            case _:
                self.kept.setdefault(type(fact), []).append(fact)

    def take_workflow(self, fact: f.WorkflowStarted) -> None:
        self.workflows[fact.workflow] = WorkflowView(
            key=fact.workflow,
            path=fact.path,
            name=fact.name,
            run_name=fact.run_name,
            status=RUNNING,
            jobs=fact.jobs,
            needs=fact.needs,
            started_at=fact.at,
            reason=fact.reason,
        )

    def _take_call(self, fact: f.JobCalled) -> None:
        """The called jobs belong to the workflow of their caller."""
        self.kept.setdefault(f.JobCalled, []).append(fact)
        workflow = self.workflows.get(fact.job.partition(":")[0])
        if workflow is not None:
            self.workflows[workflow.key] = replace(
                workflow, jobs=(*workflow.jobs, *fact.jobs), needs={**workflow.needs, **fact.needs}
            )

    def take_workflow_end(self, fact: f.WorkflowFinished) -> None:
        if fact.workflow in self.workflows:
            self.workflows[fact.workflow] = replace(
                self.workflows[fact.workflow], status=fact.conclusion, finished_at=fact.at
            )

    def take_expansion(self, fact: f.JobExpanded) -> None:
        for leg, name in zip(fact.legs, fact.names, strict=False):
            queued = JobView(job=fact.job, leg=leg, name=name, status=QUEUED, because=fact.because)
            self.legs.setdefault(leg, queued)

    def take_skip(self, fact: f.JobSkipped) -> None:
        self.legs[fact.leg] = JobView(
            job=fact.job,
            leg=fact.leg,
            name=fact.name,
            status=fact.outcome,
            outcome=fact.outcome,
            reason=fact.reason,
            because=fact.because,
            finished_at=fact.at,
        )

    def _take_reuse(self, fact: f.JobReused) -> None:
        self.legs[fact.leg] = JobView(
            job=fact.job,
            leg=fact.leg,
            name=fact.name,
            status=str(Outcome.SUCCESS),
            outcome=str(Outcome.SUCCESS),
            outputs=fact.outputs,
            finished_at=fact.at,
            reused=True,
        )

    def take_job(self, fact: f.JobStarted) -> None:
        before = self.legs.get(fact.leg)
        self.legs[fact.leg] = JobView(
            job=fact.job,
            leg=fact.leg,
            name=fact.name,
            status=RUNNING,
            because=before.because if before else (),
            runs_on=fact.runs_on,
            started_at=fact.at,
        )

    def take_job_end(self, fact: f.JobFinished) -> None:
        before = self.legs.get(fact.leg) or JobView(
            job=fact.job, leg=fact.leg, name=fact.name, status=RUNNING
        )
        self.legs[fact.leg] = replace(
            before,
            status=fact.conclusion,
            outcome=fact.outcome,
            reason=fact.reason,
            outputs=fact.outputs,
            finished_at=fact.at,
            duration_s=fact.duration_s,
            cpu_s=fact.cpu_s,
            peak_memory_bytes=fact.peak_memory_bytes,
        )

    def take_step(self, fact: f.StepStarted) -> None:
        self.steps.setdefault(fact.leg, {})[fact.number, fact.step] = StepView(
            step=fact.step,
            number=fact.number,
            name=fact.name,
            status=RUNNING,
            started_at=fact.at,
            log_offset=fact.log_offset,
        )

    def take_step_end(self, fact: f.StepFinished) -> None:
        steps = self.steps.setdefault(fact.leg, {})
        before = steps.get((fact.number, fact.step))
        steps[fact.number, fact.step] = StepView(
            step=fact.step,
            number=fact.number,
            name=fact.name,
            status=fact.conclusion,
            outcome=fact.outcome,
            exit_code=fact.exit_code,
            reason=fact.reason,
            because=fact.because,
            started_at=before.started_at if before else None,
            duration_s=fact.duration_s,
            cpu_s=fact.cpu_s,
            peak_memory_bytes=fact.peak_memory_bytes,
            log_offset=before.log_offset if before else fact.log_end,
            log_end=fact.log_end,
        )

    def view(self, *, alive: bool) -> RunView:
        start, end = self.started, self.finished
        if start is None:
            raise ValueError("a journal begins with `run_started`")
        status = end.status if end else RUNNING if alive else INTERRUPTED
        open_status = (
            None if end is None and alive else INTERRUPTED
        )  # what becomes of things that never ended
        return RunView(
            run_id=start.run_id,
            number=start.number,
            status=status,
            event=start.event,
            ref=start.ref,
            sha=start.sha,
            root=start.root,
            argv=start.argv,
            version=start.version,
            pid=start.pid,
            started_at=start.at,
            finished_at=end.at if end else None if alive else self.last_at,
            duration_s=end.duration_s if end else self.last_at - start.at,
            cpu_s=end.cpu_s if end else 0.0,
            reason=end.reason if end else "",
            workflows=tuple(_closed(one, open_status) for one in self.workflows.values()),
            jobs=tuple(self.job(one, open_status) for one in self.legs.values()),
            skipped_workflows=self.of(f.WorkflowSkipped),
            annotations=self.of(f.Annotated),
            summaries=self.of(f.SummaryWritten),
            artifacts=self.of(f.ArtifactStored),
            approvals=self.of(f.EnvironmentJudged),
            deployments=self.of(f.Deployed),
            cancellations=self.of(f.CancelRequested),
            calls=self.of(f.JobCalled),
        )

    def job(self, leg: JobView, open_status: str | None) -> JobView:
        steps = sorted(self.steps.get(leg.leg, {}).values(), key=lambda step: step.number)
        return replace(_closed(leg, open_status), steps=tuple(_closed(step, open_status) for step in steps))

    def of(self, kind: type[F]) -> tuple[F, ...]:
        return tuple(fact for fact in self.kept.get(kind, ()) if isinstance(fact, kind))


def _closed(one: V, open_status: str | None) -> V:
    """What never ended, with the status of that."""
    if open_status is None or one.status not in (RUNNING, QUEUED):
        return one
    return replace(one, status=open_status)
