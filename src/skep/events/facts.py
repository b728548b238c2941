"""The facts of a run: what happened, each as one frozen value. The journal, the terminal and `--json` all read these.

A fact says only what cannot be derived from earlier ones. Times are seconds since the epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from skep.model.ids import JobKey, LegKey, StepId


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Base: when it happened. The name in journals and `--json` is the class's name in snake_case."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Fact):
    """A run begins."""

    run_id: str
    number: int  # 1, 2, ... per repository
    event: str
    ref: str
    sha: str
    root: str
    argv: tuple[str, ...]
    pid: int
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowStarted(Fact):
    """One workflow of the run begins."""

    workflow: str  # WorkflowPlan.key
    path: str
    name: str
    run_name: str
    jobs: tuple[JobKey, ...]
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # job key -> job keys
    reason: str = ""  # the filters that let it start


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowSkipped(Fact):
    """A workflow that this trigger does not start."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobExpanded(Fact):
    """A job's condition and matrix are known: these legs will run."""

    job: JobKey
    legs: tuple[LegKey, ...]
    names: tuple[str, ...]
    because: tuple[str, ...] = ()  # why its `if` was true: sentences with the values it saw; masked


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCalled(Fact):
    """A job calls a reusable workflow, whose jobs run in its place."""

    job: JobKey
    leg: LegKey  # of the calling job
    name: str
    path: str  # of the called workflow
    jobs: tuple[JobKey, ...]
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSkipped(Fact):
    """A job that will not run."""

    job: JobKey
    leg: LegKey
    name: str
    reason: str
    outcome: str = "skipped"  # or `cancelled`, or `failure` when it could not be planned
    because: tuple[str, ...] = ()  # why its `if` was false: sentences with the values it saw; masked


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted(Fact):
    """A leg's first step is about to run."""

    job: JobKey
    leg: LegKey
    name: str
    runs_on: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(Fact):
    """A step begins."""

    leg: LegKey
    step: StepId
    number: int  # 1, 2, ... within the job, post steps included
    name: str
    log_offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(Fact):
    """A step ended, or was skipped (then it never started)."""

    leg: LegKey
    step: StepId
    number: int
    name: str
    outcome: str
    conclusion: str
    exit_code: int | None = None
    reason: str = ""  # why it was skipped, or failed other than by its exit code
    because: tuple[str, ...] = ()  # why its `if` came out as it did: sentences with the values it saw; masked
    cpu_s: float = 0.0
    peak_memory_bytes: int = 0
    duration_s: float = 0.0
    log_end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotated(Fact):
    """An annotation: by a workflow command, a problem matcher, or Skep itself."""

    leg: LegKey
    step: StepId
    level: str  # error, warning, notice
    message: str
    title: str = ""
    path: str = ""
    line: int = 0
    end_line: int = 0
    column: int = 0
    end_column: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryWritten(Fact):
    """A step wrote Markdown to GITHUB_STEP_SUMMARY; masked."""

    leg: LegKey
    step: StepId
    markdown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactStored(Fact):
    """An artifact of this run was stored."""

    leg: LegKey
    name: str
    size_bytes: int
    files: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFinished(Fact):
    """A leg ended."""

    job: JobKey
    leg: LegKey
    name: str
    outcome: str  # before the job's continue-on-error
    conclusion: str
    outputs: Mapping[str, str] = field(default_factory=dict)  # masked ones are dropped
    reason: str = ""
    cpu_s: float = 0.0
    peak_memory_bytes: int = 0
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentJudged(Fact):
    """Whether a leg may deploy to its environment, and who said so."""

    leg: LegKey
    environment: str
    approved: bool
    by: str  # `command line or settings`, the name of whoever sat at the terminal, or why nobody could


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed(Fact):
    """A leg with an environment ended: what GitHub calls a deployment."""

    leg: LegKey
    environment: str
    url: str  # `environment.url`, evaluated after the steps; '' without one
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReused(Fact):
    """A leg that need not run again: an earlier run's success holds."""

    job: JobKey
    leg: LegKey
    name: str
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested(Fact):
    """Somebody or something wants the run, a workflow or a job to stop."""

    target: str  # 'run', a workflow key, or a leg
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFinished(Fact):
    """All jobs of a workflow ended."""

    workflow: str
    conclusion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Fact):
    """The run ended; the last fact of its journal."""

    status: str  # model.outcome.RunStatus
    duration_s: float
    cpu_s: float
    reason: str = ""
