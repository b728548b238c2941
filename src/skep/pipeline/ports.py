"""What the engine needs from outside, as small protocols: where steps run, where facts and logs go, who holds a group."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from skep.events.facts import Fact
from skep.model.ids import LegKey, RunId, StepId
from skep.model.outcome import Outcome
from skep.pipeline.expressions.values import Value


# --- where steps run -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class JobBox:
    """The places of one job, all absolute, existing, and of this job alone (except `tool_cache`)."""

    leg: LegKey
    root: str  # holds workspace, temp and home; removed by `dispose`
    workspace: str  # GITHUB_WORKSPACE; empty until checkout
    temp: str  # RUNNER_TEMP
    home: str  # HOME of the steps
    tool_cache: str  # RUNNER_TOOL_CACHE, shared by runs
    commands: str  # Skep's own folder, elsewhere: scripts, GITHUB_* files, the event file
    env: Mapping[str, str]  # what a step may see of the machine: the allow-list, HOME, temp


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """One process to start: absolute or PATH-found program, full environment."""

    argv: Sequence[str]
    cwd: str
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnd:
    """How a process ended, with what it and the children it waited for have used."""

    exit_code: int  # 128 + signal when a signal ended it
    signal: int = 0
    cpu_s: float = 0.0
    peak_memory_bytes: int = 0


class StepProcess(Protocol):
    """A started process and everything it started."""

    async def wait(self) -> ProcessEnd:
        """The end of the process itself; daemons it left may still live.

        What they write after it ended is still delivered, until the pipe closes: for at most 1 s after each chunk, and
        5 s in all.
        """
        ...

    def send(self, signal: Literal["INT", "TERM", "KILL"]) -> None:
        """INT and TERM go to its process group; KILL to the whole tree, daemons included. Safe to repeat, and when ended."""
        ...


class Runner(Protocol):
    """Executes the steps of jobs somewhere. Calls for different jobs may overlap.

    Order: `prepare`, any number of `start` (several may be alive), `dispose`. `dispose` kills what is left, must succeed
    when called twice and after a failed `prepare`. Raises HostError (RunnerLost when processes were lost), nothing else.
    """

    async def prepare(self, leg: LegKey) -> JobBox: ...
    async def start(self, box: JobBox, spec: ProcessSpec, on_output: Callable[[bytes], None]) -> StepProcess:
        """Starts a process; `on_output` gets stdout and stderr in one stream, in chunks as they come, on the loop's thread."""
        ...

    async def dispose(self, box: JobBox) -> None: ...


class Trees(Protocol):
    """Puts the user's tree (tracked and untracked-not-ignored files, as they are now) into workspaces.

    `place` may be called for many jobs at once; each target is private: no byte written there is ever seen elsewhere.
    """

    async def place(self, target: str) -> PlacedTree:
        """Fills the empty or missing folder `target`, with a private `.git` whose HEAD is the user's HEAD."""
        ...

    async def remove(self, target: str) -> None:
        """Undoes `place`: unmounts and deletes. Safe to repeat."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedTree:
    """What `place` did."""

    method: Literal["overlay", "reflink", "copy", "in-place"]
    sha: str
    ref: str
    took_s: float


# --- actions Skep does itself ------------------------------------------------------------------------------------------
class Phase(StrEnum):
    """When an action runs within its job."""

    MAIN = "main"
    POST = "post"


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeCall:
    """One use of a native action, everything evaluated."""

    action: str  # owner/name[/path], lower-cased: `actions/cache`, `actions/cache/restore`
    ref: str  # as written behind @: `v4`
    phase: Phase
    inputs: Mapping[
        str, str
    ]  # lower-cased names, as written in `with`; defaults are the action's own business
    env: Mapping[str, str]  # the step's whole environment
    github: Mapping[str, Value]
    box: JobBox
    run_id: RunId
    leg: LegKey
    state: Mapping[str, str] = field(default_factory=dict)  # post: what main saved
    job_status: Outcome = Outcome.SUCCESS  # so far
    log: Callable[[str], None]  # one line of step log; workflow commands such as `::error::` work in it
    publish: Callable[[Fact], None]  # for facts an action knows: ArtifactStored
    run: Callable[
        [Sequence[str], str], Awaitable[ProcessEnd]
    ]  # (argv, cwd): a process in the box, output to the step log


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeResult:
    """What a native action did. Not ok = the step fails; the reason was logged by `::error::`."""

    ok: bool = True
    outputs: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)  # as GITHUB_ENV
    paths: Sequence[str] = ()  # as GITHUB_PATH
    state: Mapping[str, str] = field(default_factory=dict)  # main: kept for post
    post: bool = False  # main: run this action's post phase after the job's steps


ProcessRun = Callable[[Sequence[str], str], Awaitable[ProcessEnd]]
"""(argv, cwd): runs a process in a job's box, its output to the step's log."""


class NativeAction(Protocol):
    """An action that Skep does itself instead of starting a process for it. Calls for different jobs overlap."""

    async def __call__(self, call: NativeCall) -> NativeResult:
        """Does the action. Raises UserError for wrong inputs, HostError when the machine refuses."""
        ...


# --- actions of other repositories ------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedAction:
    """What a `uses` of another repository stands for: files on this machine."""

    uses: str  # as it names itself: `owner/name[/path]@ref`
    repository: str  # owner/name
    ref: str
    sha: str
    tree: str
    root: str  # of the repository's files; read-only, shared by runs
    folder: str  # of the action, or the path of a reusable workflow: `root` and the path
    notes: Sequence[str] = ()  # for the log: fetched now, not locked, without submodules


class RemoteActions(Protocol):
    """Actions and reusable workflows of other repositories. Calls overlap; the same `uses` stays the same for a run."""

    def problem(self, uses: str) -> str | None:
        """Why it cannot be had, as far as that is known without asking anybody; None when nothing is known against it."""
        ...

    async def fetch(self, uses: str) -> FetchedAction:
        """Its files. Raises UserError when it may not be used or is not what was locked, HostError when it cannot be had."""
        ...


class NodePrograms(Protocol):
    """Finds, or installs, the `node` that a JavaScript action runs on."""

    async def __call__(
        self, major: int, box: JobBox, path: str, say: Callable[[str], None], run: ProcessRun
    ) -> str:
        """The program for actions written for Node `major`, preferably the one on `path`. `run` starts an installer.
        Raises UserError when there is none, with the way out."""
        ...


# --- what actions built on GitHub's toolkits expect -----------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class ToolkitJob:
    """The job in whose name a process talks to the toolkits' services."""

    run_id: RunId
    leg: LegKey
    box: JobBox
    github: Mapping[str, Value]
    environment: str = ""  # it deploys to
    may_have_id_token: bool = False  # `permissions: id-token: write`
    publish: Callable[[Fact], None] = lambda _fact: None  # ArtifactStored; called on the loop's thread


class ToolkitServices(Protocol):
    """Artifacts, caches and OIDC tokens by GitHub's own protocols. Nothing is started before the first call that needs it.

    Order: any number of `variables`, for different jobs at once, then `close`.
    """

    async def variables(self, job: ToolkitJob, *, action: bool) -> dict[str, str]:
        """What a process must find in its environment: `action`, all of an action's; else a `run:` step's, OIDC alone and
        only where the job may have tokens. What ends in TOKEN is secret. Raises HostError."""
        ...

    async def close(self) -> None:
        """Ends the services and forgets unfinished uploads. Safe to repeat."""
        ...


# --- where facts and output go -------------------------------------------------------------------------------------------
class EventSink(Protocol):
    """Takes facts in order. Never blocks for long, never raises."""

    def publish(self, fact: Fact) -> None: ...


class LogSink(Protocol):
    """Takes the masked output of one job, in order. Not shared by jobs."""

    def write(self, step: StepId, chunk: bytes) -> None:
        """Appends whole or partial lines of a step's output."""
        ...

    def tell(self) -> int:
        """Bytes kept so far: where the next step's output begins."""
        ...

    def close(self) -> None: ...


class LogStore(Protocol):
    """Opens the log of each job."""

    def open(self, leg: LegKey) -> LogSink: ...


# --- protected environments --------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """An answer to whether a job may deploy."""

    granted: bool
    by: str  # who or what said so


class Approvals(Protocol):
    """Says whether jobs may deploy to an environment. Calls may overlap."""

    async def ask(self, environment: str, job: str) -> Approval:
        """Whether the job of that name may run against the environment. May wait for a person; asked once a leg."""
        ...


# --- groups across processes -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class GroupClaim:
    """A wish to hold a concurrency group."""

    group: str  # lower-cased
    holder: str  # unique: `<run id>/<workflow key>` or `<run id>/<leg>`
    cancel_in_progress: bool = False
    queue: Literal["single", "max"] = "single"


class ConcurrencyGroups(Protocol):
    """Concurrency groups that hold across processes of one repository.

    One holder runs, one waits (`queue: max`: many); a newer waiting claim replaces the older, whose `claim` returns False.
    A holder that died lets go by itself.
    """

    async def claim(self, claim: GroupClaim, cancelled: Callable[[], None]) -> bool:
        """Waits until the group is ours: True; False when a newer claim took our place in the queue.
        `cancelled` is called once, later, when a newer claim with cancel-in-progress wants the group."""
        ...

    async def release(self, claim: GroupClaim) -> None:
        """Lets go, or gives up waiting. Safe to repeat."""
        ...
