"""Calls of reusable workflows: a leg of the calling job in, the jobs of the called workflow with their contexts out. Pure.

The caller's `github` context holds in the called workflow, its `env` does not. Source: GitHub's documentation of reusable workflows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from skep.model.errors import UserError
from skep.model.ids import JobKey
from skep.pipeline.expressions.limits import TEMPLATE_MEMORY_BYTES
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value, to_text
from skep.pipeline.plan.inputs import resolve_inputs
from skep.pipeline.plan.matrix import strategy_context
from skep.pipeline.plan.values import WorkflowPlan
from skep.pipeline.workflow.evaluate import evaluate_node, evaluate_text
from skep.pipeline.workflow.nodes import Scalar, Template
from skep.pipeline.workflow.tree import Job, Trigger, Workflow

from .legs import LegPlan
from .messages import JobNode


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlace:
    """Where a job stands in a run: in a workflow of its own, or in one that another job calls."""

    plan: WorkflowPlan
    job: Job
    base: str  # of the keys of all jobs beside it: `ci.yml:`, or the caller's leg and `/`
    title: str = ""  # before its name: `caller / `
    secrets: Mapping[str, str]
    parent: JobKey | None = None
    call: str = ""

    @property
    def key(self) -> JobKey:
        """The job's key."""
        return self.key_of(self.job.id)

    def key_of(self, job_id: str) -> JobKey:
        """The key of a job beside it. Ids compare without case."""
        job = self.plan.workflow.job(job_id)
        return JobKey(self.base + (job.id if job is not None else job_id))

    def node(self) -> JobNode:
        """The job as the scheduler sees it."""
        return JobNode(
            key=self.key,
            workflow=self.plan.key,
            needs=tuple(self.key_of(need.job_id) for need in self.job.needs),
            parent=self.parent,
            call=self.call,
        )


def places_of(plan: WorkflowPlan, secrets: Mapping[str, str]) -> list[JobPlace]:
    """The places of a started workflow's jobs."""
    return [JobPlace(plan=plan, job=job, base=f"{plan.key}:", secrets=secrets) for job in plan.workflow.jobs]


def called_places(leg: LegPlan, caller: JobPlace, variables: Mapping[str, str]) -> list[JobPlace]:
    """The places of the jobs that one leg calls. Raises UserError for wrong inputs or missing secrets."""
    called, trigger = _called(caller.job)
    scope = _scope(leg, caller, variables)
    given: Value = {} if caller.job.with_ is None else evaluate_node(caller.job.with_, scope)
    assert isinstance(given, Mapping)
    assert caller.job.uses is not None
    inputs, findings = resolve_inputs(trigger.inputs, given, scope, where=caller.job.uses.span)
    for finding in findings:
        if finding.is_error:
            raise UserError(
                finding.message, where=caller.job.uses.span, hint=finding.hint.replace("--input", "`with`:")
            )
    plan = WorkflowPlan(
        key=caller.plan.key,
        workflow=called,
        github=caller.plan.github,
        inputs=inputs,
        run_name=caller.plan.run_name,
    )
    secrets = _secrets(caller, trigger, scope)
    return [
        JobPlace(
            plan=plan,
            job=job,
            base=f"{leg.key}/",
            title=f"{leg.name} / ",
            secrets=secrets,
            parent=caller.key,
            call=str(leg.key),
        )
        for job in called.jobs
    ]


def call_outputs(
    caller: JobPlace,
    inputs: Mapping[str, Value],
    jobs: Mapping[str, Value],
    variables: Mapping[str, str],
) -> dict[str, str]:
    """The outputs of a called workflow, from its jobs' results and outputs (the `jobs` context). Empty ones are left out."""
    _, trigger = _called(caller.job)
    contexts: dict[str, Value] = {
        "github": caller.plan.github,
        "inputs": inputs,
        "vars": variables,
        "jobs": jobs,
    }
    scope = Scope(contexts=contexts, memory_bytes=TEMPLATE_MEMORY_BYTES)
    values = {
        spec.name: evaluate_text(spec.value, scope) for spec in trigger.outputs if spec.value is not None
    }
    return {name: value for name, value in values.items() if value}


def jobs_context(
    places: Sequence[JobPlace], state: Callable[[JobKey], tuple[str, Mapping[str, str]]]
) -> dict[str, Value]:
    """The `jobs` context; `state` gives result and outputs of a job."""
    context: dict[str, Value] = {}
    for place in places:
        result, outputs = state(place.key)
        context[place.job.id] = {"result": result, "outputs": dict(outputs)}
    return context


def _called(job: Job) -> tuple[Workflow, Trigger]:
    assert job.called is not None
    trigger = job.called.trigger("workflow_call")
    assert trigger is not None, "the reader refuses a call of a workflow that cannot be called"
    return job.called, trigger


def _scope(leg: LegPlan, caller: JobPlace, variables: Mapping[str, str]) -> Scope:
    contexts: dict[str, Value] = {
        "github": caller.plan.github,
        "inputs": caller.plan.inputs,
        "needs": leg.needs,
        "vars": variables,
        "matrix": leg.leg.values,
        "strategy": strategy_context(leg.strategy, leg.leg),
        "secrets": caller.secrets,
    }
    return Scope(contexts=contexts, memory_bytes=TEMPLATE_MEMORY_BYTES)


def _secrets(caller: JobPlace, trigger: Trigger, scope: Scope) -> dict[str, str]:
    job = caller.job
    given: dict[str, str] = dict(caller.secrets) if job.secrets_inherit else {}
    if job.secrets is not None:
        value = evaluate_node(job.secrets, scope)
        assert isinstance(value, Mapping)
        given = {name.upper(): to_text(item) for name, item in value.items()}
    for spec in trigger.secrets:
        if spec.required and not given.get(spec.name.upper()):
            assert job.uses is not None
            raise UserError(
                f"the secret `{spec.name}` is required by `{job.uses.text}` and is empty here",
                where=job.uses.span,
                hint=f"give {_wanted(job, spec.name)} to this run: `--secret` or `--secrets-file`",
            )
    return given


def _wanted(job: Job, name: str) -> str:
    """What the caller reads for a secret of the called workflow, as the user would give it."""
    if job.secrets_inherit or job.secrets is None:
        return f"`{name}`"
    texts = [
        node.text
        for key, node in job.secrets
        if key.lower() == name.lower() and isinstance(node, Scalar | Template)
    ]
    read = re.findall(r"secrets\.([A-Za-z_][\w-]*)", " ".join(texts))
    return " or ".join(f"`{one}`" for one in read) or f"`{name}`"
