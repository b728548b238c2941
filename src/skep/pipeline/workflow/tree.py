"""The syntax tree of a workflow file: every key of 2026 GitHub Actions, with positions, nothing evaluated.

A `Node` field is a value that may hold expressions; it is evaluated when its contexts exist. `None`: the key is absent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from skep.model.finding import Location
from skep.model.ids import StepId
from skep.pipeline.expressions.compile import Expression

from .nodes import MappingNode, Node, Scalar


class InputType(StrEnum):
    """The declared type of a dispatch or call input."""

    STRING = "string"
    BOOLEAN = "boolean"
    NUMBER = "number"
    CHOICE = "choice"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """One declared input of `workflow_dispatch` or `workflow_call`."""

    name: str
    type: InputType = InputType.STRING
    description: str = ""
    required: bool = False
    default: Node | None = None
    options: tuple[str, ...] = ()
    deprecation_message: str = ""
    span: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSpec:
    """One declared secret of `workflow_call`."""

    name: str
    required: bool = False
    span: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """One declared output of `workflow_call`; `value` may use the `jobs` context."""

    name: str
    description: str = ""
    value: Node | None = None
    span: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """One entry of `on.schedule`."""

    cron: str
    timezone: str = "UTC"
    span: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One event under `on:` with its filters. A filter that is None was not written; () was written and is empty."""

    event: str
    span: Location
    types: tuple[Scalar, ...] | None = None
    branches: tuple[Scalar, ...] | None = None
    branches_ignore: tuple[Scalar, ...] | None = None
    tags: tuple[Scalar, ...] | None = None
    tags_ignore: tuple[Scalar, ...] | None = None
    paths: tuple[Scalar, ...] | None = None
    paths_ignore: tuple[Scalar, ...] | None = None
    workflows: tuple[Scalar, ...] | None = None  # workflow_run
    names: tuple[Scalar, ...] | None = None  # image_version
    versions: tuple[Scalar, ...] | None = None  # image_version
    schedules: tuple[Cron, ...] = ()
    inputs: tuple[InputSpec, ...] = ()  # workflow_dispatch, workflow_call
    secrets: tuple[SecretSpec, ...] = ()  # workflow_call
    outputs: tuple[OutputSpec, ...] = ()  # workflow_call
    written: Node | None = None  # all that stands below the event's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """An `if:`, compiled; `success() && (...)` is already added where GitHub adds it."""

    expression: Expression
    written: str  # as the user wrote it, '' when the key is absent
    span: Location


class StepKind(StrEnum):
    """What a step does."""

    RUN = "run"
    USES = "uses"
    WAIT = "wait"
    WAIT_ALL = "wait-all"
    CANCEL = "cancel"
    PARALLEL = "parallel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a job or of a composite action."""

    id: StepId  # as written or made as GitHub does: `__run`, `__actions_checkout_2`
    kind: StepKind
    span: Location
    condition: Condition
    id_written: bool = False
    name: Node | None = None
    run: Node | None = None
    uses: Scalar | None = None
    with_: MappingNode | Node | None = None
    env: Node | None = None
    shell: Node | None = None
    working_directory: Node | None = None
    timeout_minutes: Node | None = None
    continue_on_error: Node | None = None
    background: Node | None = None
    targets: tuple[StepId, ...] = ()  # wait, cancel
    steps: tuple[Step, ...] = ()  # parallel


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDefaults:
    """`defaults.run` of a workflow or a job."""

    shell: Node | None = None
    working_directory: Node | None = None
    written: Node | None = None  # the whole `defaults:`


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One entry of `needs`."""

    job_id: str
    span: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One entry under `jobs:`: with steps, or a call of a reusable workflow (`uses` set)."""

    id: str
    span: Location  # of the id
    condition: Condition
    name: Node | None = None
    needs: tuple[Need, ...] = ()
    strategy: Node | None = None
    permissions: Node | None = None
    concurrency: Node | None = None
    # with steps
    runs_on: Node | None = None
    timeout_minutes: Node | None = None
    cancel_timeout_minutes: Node | None = None
    continue_on_error: Node | None = None
    container: Node | None = None
    services: Node | None = None
    env: Node | None = None
    environment: Node | None = None
    outputs: MappingNode | None = None
    defaults: RunDefaults = field(default_factory=RunDefaults)
    snapshot: Node | None = None
    steps: tuple[Step, ...] = ()
    # a call of a reusable workflow
    uses: Scalar | None = None
    with_: MappingNode | None = None
    secrets: MappingNode | None = None
    secrets_inherit: bool = False
    called: Workflow | None = None  # read together with its caller, when its text was given


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """One workflow file."""

    path: str  # `.github/workflows/ci.yml`
    span: Location
    name: str | None = None
    description: str = ""
    run_name: Node | None = None
    triggers: tuple[Trigger, ...] = ()
    env: Node | None = None
    defaults: RunDefaults = field(default_factory=RunDefaults)
    permissions: Node | None = None
    concurrency: Node | None = None
    jobs: tuple[Job, ...] = ()

    def trigger(self, event: str) -> Trigger | None:
        """The entry of `on:` for an event name; None when the workflow does not listen to it."""
        for trigger in self.triggers:
            if trigger.event == event:
                return trigger
        return None

    def job(self, job_id: str) -> Job | None:
        """The job of that id, compared without case as GitHub does."""
        folded = job_id.lower()
        for job in self.jobs:
            if job.id.lower() == folded:
                return job
        return None
