"""What the engine is given to work with: ports, options and values that are the same for every job of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from skep.events.facts import Fact, JobFinished
from skep.model.ids import LegKey, RunId
from skep.pipeline.ports import (
    Approvals,
    ConcurrencyGroups,
    EventSink,
    LogStore,
    NativeAction,
    NodePrograms,
    RemoteActions,
    Runner,
    ToolkitServices,
)

from .kept_outputs import RUN_LIMIT_BYTES, Room
from .output import MaskingStream


class Masking(Protocol):
    """The secrets of a run, or of one of its jobs (`skep.host.masking.Masker`). A secret added later masks what comes later.

    `add` raises UserError when a job masks too much already.
    """

    def child(self) -> Masking:
        """For one job: masks what this masks, now and later, and what is added to it alone."""
        ...

    def add(self, secret: str) -> None: ...

    def mask(self, text: str) -> str: ...

    def contains_secret(self, text: str) -> bool: ...

    def stream(self) -> MaskingStream: ...


class Clock(Protocol):
    """Wall time in seconds since the epoch, and a monotonic time in seconds."""

    def now(self) -> float: ...

    def monotonic(self) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelTiming:
    """How long a cancelled step may take to end: GitHub's grace by default, in seconds."""

    after_interrupt_s: float = 7.5
    after_terminate_s: float = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class HookScripts:
    """Scripts around every job and step, absolute; '' for none. They run with `bash -e` in the environment of steps."""

    job_started: str = ""
    job_completed: str = ""
    step_started: str = ""
    step_completed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the user asked of this run."""

    jobs: int = 2  # legs at once, `-j`
    secrets: Mapping[str, str] = field(default_factory=dict)
    vars: Mapping[str, str] = field(default_factory=dict)
    token: str = ""  # github.token
    matrix: Mapping[str, Sequence[str]] = field(default_factory=dict)  # only legs with these values
    allow_unsupported: bool = False
    debug: bool = False  # ACTIONS_STEP_DEBUG
    in_place: bool = False
    reused: Mapping[LegKey, JobFinished] = field(
        default_factory=dict
    )  # legs of an earlier run that need not run again
    hooks: HookScripts = field(default_factory=HookScripts)
    job_timeout_minutes: float = 360.0  # where the job says nothing
    cancel_timing: CancelTiming = field(default_factory=CancelTiming)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerFacts:
    """The `runner` context, and which labels this machine answers to."""

    os: str
    arch: str
    name: str
    unsupported_reason: Callable[[Sequence[str]], str | None]  # labels of runs-on -> why not here


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineServices:
    """Every port the engine uses. Built in `wiring`; the engine chooses nothing. A job has its own, with masks of its own."""

    run_id: RunId
    run_number: int
    runner: Runner
    runner_facts: RunnerFacts
    native_action: Callable[[str, str], NativeAction | None]  # (owner/name[/path] in lower case, ref)
    hash_files: Callable[
        [Sequence[str], str, Callable[[], bool]], str
    ]  # arguments of hashFiles, workspace, whether nobody wants it any more -> digest; called in threads
    events: EventSink
    logs: LogStore
    groups: ConcurrencyGroups
    approvals: Approvals
    masking: Masking
    clock: Clock
    find_program: Callable[[str, str], str | None]  # name, PATH -> path
    options: RunOptions
    project_root: str
    outputs_room: Room = field(
        default_factory=lambda: Room(RUN_LIMIT_BYTES)
    )  # for the outputs of all jobs, shared by them
    remote: RemoteActions | None = None  # None: only local and native actions are at hand
    node: NodePrograms | None = None  # None: the `node` on PATH
    toolkits: ToolkitServices | None = None  # None: actions find no artifact, cache or OIDC service

    def publish(self, fact: Fact) -> None:
        """Hands a fact to the sinks."""
        self.events.publish(fact)
