"""What the scheduler is told and what it answers: nodes, happenings, commands. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from skep.model.ids import JobKey, LegKey
from skep.model.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNode:
    """What the scheduler knows of a job before it is decided."""

    key: JobKey
    workflow: str
    needs: tuple[JobKey, ...] = ()
    parent: JobKey | None = None  # the job that calls the reusable workflow this one is in
    call: str = ""  # which call of the parent: its leg; nested calls begin with it and `/`


# --- facts in --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowAdmitted:
    """The workflow holds its concurrency group, or has none."""

    workflow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDecided:
    """The shell evaluated a job. Without legs, `outcome` is how the job ends; with legs it cannot end better than `floor`."""

    job: JobKey
    legs: tuple[LegKey, ...] = ()
    claiming: frozenset[LegKey] = frozenset()  # legs that must hold a concurrency group first
    fail_fast: bool = True
    max_parallel: int | None = None
    called: tuple[
        JobNode, ...
    ] = ()  # the job calls a reusable workflow, once a leg: the jobs in there, no legs of its own
    outcome: Outcome = Outcome.SKIPPED
    floor: Outcome = Outcome.SUCCESS  # SKIPPED: some legs cannot run here, so dependants shall not


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupHeld:
    """The leg holds its concurrency group."""

    leg: LegKey


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLost:
    """A newer claim took the leg's place in the queue of its group."""

    leg: LegKey


@dataclass(frozen=True, slots=True, kw_only=True)
class LegEnded:
    """A started leg ended, with its conclusion."""

    leg: LegKey
    conclusion: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAsked:
    """Somebody wants a workflow, or with '' the whole run, to stop."""

    workflow: str = ""


Happening = WorkflowAdmitted | JobDecided | GroupHeld | GroupLost | LegEnded | CancelAsked


# --- commands out ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class DecideJob:
    """All needs have ended: evaluate the job and answer with JobDecided."""

    job: JobKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimGroup:
    """Claim the leg's concurrency group and answer with GroupHeld or GroupLost."""

    leg: LegKey


@dataclass(frozen=True, slots=True, kw_only=True)
class StartLeg:
    """Run the leg and answer with LegEnded."""

    leg: LegKey


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelLeg:
    """Tell a running leg to cancel; it still answers with LegEnded."""

    leg: LegKey
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropLeg:
    """A leg that never started has ended as cancelled: give up its claim, write it down."""

    leg: LegKey
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCall:
    """All jobs that a job called have ended: its outputs can be evaluated, before its dependants are decided."""

    job: JobKey


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowEnded:
    """All jobs of a workflow ended."""

    workflow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """Everything ended."""


Command = DecideJob | ClaimGroup | StartLeg | CancelLeg | DropLeg | EndCall | WorkflowEnded | RunEnded
