"""The contexts of one running job: what `${{ }}` sees and what a process gets in its environment, at each moment of the job.

A `JobFrame` holds what is the same for all steps of a job; a `StepsFrame` is one list of steps with its own `steps` context and status:
the job's own list, or that of a composite action inside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from skep.model.outcome import Outcome
from skep.pipeline.expressions.limits import TEMPLATE_MEMORY_BYTES
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import CaseSensitive, Value
from skep.pipeline.plan.matrix import strategy_context
from skep.pipeline.plan.values import MatrixLeg, Strategy, WorkflowPlan
from skep.pipeline.ports import JobBox
from skep.pipeline.workflow.tree import Job, Step

from .file_hashes import FileHashes
from .matchers import Matchers

GITHUB_NAMES = [
    "action",
    "action_path",
    "action_ref",
    "action_repository",
    "actor",
    "actor_id",
    "api_url",
    "base_ref",
    "env",
    "event_name",
    "event_path",
    "graphql_url",
    "head_ref",
    "job",
    "output",
    "path",
    "ref",
    "ref_name",
    "ref_protected",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "retention_days",
    "run_attempt",
    "run_id",
    "run_number",
    "server_url",
    "sha",
    "state",
    "step_summary",
    "triggering_actor",
    "workflow",
    "workflow_ref",
    "workflow_sha",
    "workspace",
]
"""Names of the `github` context that steps see as GITHUB_*. Source: actions/runner `GitHubContext.cs`."""
_VARIABLES = [(name, f"GITHUB_{name.upper()}") for name in GITHUB_NAMES]


@dataclass(slots=True, kw_only=True)
class JobFrame:
    """One leg while it runs. Changes only between steps."""

    plan: WorkflowPlan
    job: Job
    leg: MatrixLeg
    strategy: Strategy
    box: JobBox
    github: dict[str, Value]  # of this job
    runner: Mapping[str, Value]
    needs: Mapping[str, Value]
    secrets: Mapping[str, Value]
    vars: Mapping[str, Value]
    written_env: dict[str, str] = field(default_factory=dict)  # workflow and job `env`
    file_env: dict[str, str] = field(default_factory=dict)  # GITHUB_ENV of earlier steps
    paths: list[str] = field(default_factory=list)  # GITHUB_PATH of earlier steps, first = last added
    matchers: Matchers = field(default_factory=Matchers)
    cancelled: Callable[[], bool] = lambda: False
    hashes: FileHashes

    def add_path(self, folder: str) -> None:
        """Puts a folder in front of PATH; one that is there already moves to the front."""
        if folder in self.paths:
            self.paths.remove(folder)
        self.paths.insert(0, folder)

    def job_context(self, status: Outcome) -> dict[str, Value]:
        """The `job` context of a job without containers."""
        return {"status": status.value, "check_run_id": None}


@dataclass(slots=True, kw_only=True)
class StepsFrame:
    """One list of steps while it runs: the job's, or a composite action's.

    Which status functions look at which status: those of a composite's main steps at the composite alone, all others at
    the job. Source: actions/runner `SuccessFunction.cs`, `CompositeActionHandler.cs` (`action_status`).
    """

    job: JobFrame
    outer: StepsFrame | None = None  # the list that the composite's step stands in
    steps: dict[str, Value] = field(default_factory=dict)  # the `steps` context
    status: Outcome = Outcome.SUCCESS
    inputs: Mapping[str, Value] | None = None  # a composite's own; None: those of the workflow
    outer_env: dict[str, str] = field(default_factory=dict)  # `env` of the steps this list is nested in
    github: dict[str, Value] = field(default_factory=dict)  # action, action_path, ... of a composite
    id_prefix: str = ""  # of nested steps in logs and facts: `setup.`
    depth: int = 0

    def env_context(self, step_env: Mapping[str, str] | None = None) -> CaseSensitive:
        """The `env` context: what workflow, job, earlier steps and the step itself set, not the machine's."""
        env = CaseSensitive(self.job.written_env)
        env.update(self.job.file_env)
        env.update(self.outer_env)
        if step_env:
            env.update(step_env)
        return env

    def scope(
        self,
        github: Mapping[str, Value],
        step_env: Mapping[str, str] | None = None,
        status: Outcome | None = None,
    ) -> Scope:
        """What expressions of the next step see. `status`: what success() and failure() look at, when not at this list."""
        job = self.job
        seen = self.list_status() if status is None else status
        inputs = job.plan.inputs if self.inputs is None else self.inputs
        return Scope(
            contexts={
                "github": github,
                "env": self.env_context(step_env),
                "vars": job.vars,
                "job": job.job_context(self.job_status()),
                "steps": self.steps,
                "runner": job.runner,
                "secrets": job.secrets,
                "strategy": strategy_context(job.strategy, job.leg),
                "matrix": job.leg.values,
                "needs": job.needs,
                "inputs": inputs,
            },
            functions={
                "always": lambda _: True,
                "success": lambda _: seen is Outcome.SUCCESS,
                "failure": lambda _: seen is Outcome.FAILURE,
                "cancelled": lambda _: job.cancelled(),
                "hashfiles": job.hashes,
            },
            memory_bytes=TEMPLATE_MEMORY_BYTES,
        )

    def job_status(self) -> Outcome:
        """`job.status` as of now: inside a composite too it is the job's."""
        top = self
        while top.outer is not None:
            top = top.outer
        return Outcome.CANCELLED if self.job.cancelled() else top.status

    def list_status(self) -> Outcome:
        """How this list stands. A composite that begins in a failed or cancelled job begins as a success."""
        return self.job_status() if self.outer is None else self.status

    def show_outputs(self, step: Step, outputs: Mapping[str, str]) -> None:
        """Lets a step that is ending see its own outputs: in its `continue-on-error`."""
        if step.id_written:
            self.steps[step.id] = {"outputs": _by_name(outputs)}

    def record(self, step: Step, outputs: Mapping[str, str], outcome: Outcome, conclusion: Outcome) -> None:
        """Writes an ended step into the status of this list, and into the `steps` context when its id was written."""
        if step.id_written:
            self.steps[step.id] = {
                "outputs": _by_name(outputs),
                "outcome": outcome.value,
                "conclusion": conclusion.value,
            }
        self.worsen(conclusion)

    def worsen(self, conclusion: Outcome) -> None:
        """Counts the conclusion of a step: a cancelled one outweighs a failed one."""
        if conclusion is Outcome.CANCELLED or (
            conclusion is Outcome.FAILURE and self.status is Outcome.SUCCESS
        ):
            self.status = conclusion


def _by_name(outputs: Mapping[str, str]) -> dict[str, Value]:
    """Outputs by names compared without case: the first spelling stays, the last value counts (`DictionaryContextData.cs`)."""
    spellings: dict[str, str] = {}
    return {spellings.setdefault(name.lower(), name): value for name, value in outputs.items()}


def exported_variables(github: Mapping[str, Value], runner: Mapping[str, Value]) -> dict[str, str]:
    """The GITHUB_* and RUNNER_* variables of a step. Users cannot override them."""
    env = {"GITHUB_ACTIONS": "true"}
    for name, variable in _VARIABLES:
        value = github.get(name)
        if value is not None:
            env[variable] = value if type(value) is str else _text(value)
    for name, value in runner.items():
        if value not in (None, ""):
            env[f"RUNNER_{name.upper()}"] = _text(value)
    return env


def input_variables(inputs: Mapping[str, str]) -> dict[str, str]:
    """INPUT_* variables of an action: upper-cased, blanks to `_`, dashes kept."""
    return {f"INPUT_{name.replace(' ', '_').upper()}": value for name, value in inputs.items()}


def before_nul(text: str) -> str:
    """What a process sees of a value: C strings end at the first NUL (.NET, which starts the runner's steps, cuts too)."""
    return text.partition("\0")[0]


def passable(env: Mapping[str, str]) -> dict[str, str]:
    """The variables as a process can get them: cut at NUL, `A=B: c` as `A: B=c`, none without a name."""
    passed: dict[str, str] = {}
    for written, value in env.items():
        name, rest = written, value
        if "=" in name or "\0" in name:
            name, _, rest = before_nul(f"{written}={value}").partition("=")
        if name:
            passed[name] = before_nul(rest)
    return passed


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)
