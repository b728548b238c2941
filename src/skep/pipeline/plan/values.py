"""What a plan is made of: the trigger, what it starts and what not, and matrix legs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from skep.model.finding import Finding
from skep.pipeline.expressions.values import Value
from skep.pipeline.workflow.tree import Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerFacts:
    """What happened, in the terms of GitHub's event payloads."""

    event: str  # GitHub's event name: push, pull_request, schedule, ...
    ref: str  # refs/heads/x, refs/tags/x, refs/pull/N/merge
    sha: str  # the commit the run is for
    payload: Mapping[str, Value]  # github.event
    before: str = ""  # push: the commit before; '' otherwise
    base_ref: str = ""  # pull_request, merge_group: short name of the target branch
    head_ref: str = ""  # pull_request: short name of the source branch
    action: str = ""  # activity type, compared with `types`
    schedule: str = ""  # schedule: the cron line that fired; '' = every one
    changed_paths: tuple[str, ...] | None = None  # None: not known, so path filters pass
    changed_since: str = ""  # where the changes begin, or why they are not known: "since the upstream branch"
    inputs: Mapping[str, str] = field(default_factory=dict)  # dispatch inputs as typed by the user
    workflow_name: str = ""  # workflow_run: the name of the workflow that ran


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryFacts:
    """What the `github` context says of the repository and its user."""

    repository: str  # owner/name, from the remote; `local/<folder>` without one
    owner: str
    actor: str
    default_branch: str
    root: str  # absolute path of the project
    server_url: str = "https://github.com"
    api_url: str = "https://api.github.com"
    graphql_url: str = "https://api.github.com/graphql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether a trigger starts one workflow, and the filter that decided."""

    path: str
    name: str
    starts: bool
    reason: str  # one sentence: "`paths` matches `src/a.py`", "branch `dev` matches no pattern of `branches`"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowPlan:
    """One workflow that starts, with the contexts that are fixed for its whole run."""

    key: str  # unique in the run: the file name, `ci.yml`
    workflow: Workflow
    github: Mapping[str, Value]  # the `github` context without what is per job or step
    inputs: Mapping[str, Value]
    run_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything one trigger starts, what it does not start and why, and what is wrong."""

    trigger: TriggerFacts
    workflows: tuple[WorkflowPlan, ...]
    decisions: tuple[Decision, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixLeg:
    """One row of a matrix."""

    index: int
    values: Mapping[str, Value]
    suffix: str  # `(a, b)` of the scalar leaves, '' without a matrix; the job's name is cut at 100 characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """An evaluated `strategy:`. A job without one has a single leg with an empty matrix."""

    legs: tuple[MatrixLeg, ...]
    fail_fast: bool = True
    max_parallel: int | None = None
    is_matrix: bool = False
