"""All workflows and one trigger -> the plan: what starts with which contexts, what does not and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skep.model.errors import SkepError
from skep.model.finding import Finding
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value
from skep.pipeline.workflow.evaluate import evaluate_text
from skep.pipeline.workflow.tree import Workflow

from .contexts import github_context
from .inputs import input_texts, resolve_inputs
from .triggers import decide, matching_schedules, pattern_findings
from .values import Plan, RepositoryFacts, TriggerFacts, WorkflowPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What is the same for every workflow of the run."""

    trigger: TriggerFacts
    repository: RepositoryFacts
    run_id: str
    run_number: int
    run_attempt: int
    token: str
    variables: Mapping[str, Value]
    known_inputs: frozenset[str]  # of any workflow that starts


def build_plan(
    workflows: Sequence[Workflow],
    trigger: TriggerFacts,
    repository: RepositoryFacts,
    *,
    run_id: str,
    run_number: int,
    token: str = "",
    run_attempt: int = 1,
    variables: Mapping[str, str] | None = None,
) -> Plan:
    """The plan, workflows in the order given. Never raises on user text: what is wrong comes as findings."""
    decisions = [decide(workflow, trigger) for workflow in workflows]
    starting = [workflow for workflow, decision in zip(workflows, decisions, strict=True) if decision.starts]
    run = _Run(
        trigger=trigger,
        repository=repository,
        run_id=run_id,
        run_number=run_number,
        run_attempt=run_attempt,
        token=token,
        variables=dict(variables or {}),
        known_inputs=_known_inputs(starting, trigger),
    )
    findings = [finding for workflow in workflows for finding in pattern_findings(workflow, trigger.event)]
    plans: list[WorkflowPlan] = []
    for workflow in starting:
        plan, found = _plan_workflow(workflow, run, _key(workflow, plans))
        plans.append(plan)
        findings.extend(found)
    return Plan(
        trigger=trigger,
        workflows=tuple(plans),
        decisions=tuple(decisions),
        findings=tuple(findings),
    )


def _plan_workflow(workflow: Workflow, run: _Run, key: str) -> tuple[WorkflowPlan, list[Finding]]:
    github = github_context(
        run.trigger,
        run.repository,
        workflow,
        run_id=run.run_id,
        run_number=run.run_number,
        run_attempt=run.run_attempt,
        token=run.token,
    )
    findings: list[Finding] = []
    inputs: dict[str, Value] = {}
    if run.trigger.event == "workflow_dispatch":
        inputs = _dispatch_inputs(workflow, run, github, findings)
        github["event"] = {**run.trigger.payload, "inputs": input_texts(inputs)}
    if run.trigger.event == "schedule":
        github["event"] = {**run.trigger.payload, "schedule": _fired_line(workflow, run.trigger)}
    run_name = _run_name(workflow, run, github, inputs, findings)
    plan = WorkflowPlan(key=key, workflow=workflow, github=github, inputs=inputs, run_name=run_name)
    return plan, findings


def _dispatch_inputs(
    workflow: Workflow, run: _Run, github: Mapping[str, Value], findings: list[Finding]
) -> dict[str, Value]:
    on = workflow.trigger("workflow_dispatch")
    specs = on.inputs if on is not None else ()
    declared = {spec.name.lower() for spec in specs}
    # an input that another started workflow declares is meant for that one
    given = {
        name: value
        for name, value in run.trigger.inputs.items()
        if name.lower() in declared or name.lower() not in run.known_inputs
    }
    scope = Scope(contexts={"github": github, "vars": run.variables})
    where = on.span if on is not None else workflow.span
    values, found = resolve_inputs(specs, given, scope, where=where)
    findings.extend(found)
    return values


def _run_name(
    workflow: Workflow,
    run: _Run,
    github: Mapping[str, Value],
    inputs: Mapping[str, Value],
    findings: list[Finding],
) -> str:
    if workflow.run_name is not None:
        scope = Scope(contexts={"github": github, "inputs": inputs, "vars": run.variables})
        try:
            text = evaluate_text(workflow.run_name, scope).strip()
        except SkepError as error:
            where = error.where or workflow.run_name.span
            findings.append(Finding(rule="run-name", message=str(error), where=where, hint=error.hint))
            text = ""
        if text:
            return text
    return _default_run_name(workflow, run.trigger)


def _default_run_name(workflow: Workflow, trigger: TriggerFacts) -> str:
    """As GitHub shows it: the commit's first line for a push, the title of a pull request, else the workflow's name."""
    source = {"push": ("head_commit", "message"), "pull_request": ("pull_request", "title")}.get(
        trigger.event
    )
    if source is not None:
        holder = trigger.payload.get(source[0])
        text = holder.get(source[1]) if isinstance(holder, Mapping) else None
        if isinstance(text, str) and text.strip():
            return text.strip().splitlines()[0]
    return workflow.name or workflow.path


def _fired_line(workflow: Workflow, trigger: TriggerFacts) -> str:
    """The line of `schedule` that fired: when none was named, the workflow's first."""
    on = workflow.trigger("schedule")
    chosen = matching_schedules(on.schedules, trigger.schedule) if on is not None else ()
    return chosen[0].cron if chosen else trigger.schedule


def _known_inputs(workflows: Sequence[Workflow], trigger: TriggerFacts) -> frozenset[str]:
    return frozenset(
        spec.name.lower()
        for workflow in workflows
        for on in workflow.triggers
        if on.event == trigger.event
        for spec in on.inputs
    )


def _key(workflow: Workflow, earlier: Sequence[WorkflowPlan]) -> str:
    name = workflow.path.rpartition("/")[2]
    if any(plan.key == name for plan in earlier):
        return workflow.path
    return name
