"""Fewer workflows, jobs and legs than the trigger starts: `--workflow`, `--job`, `--matrix`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from skep.model.errors import UserError
from skep.pipeline.expressions.values import to_text
from skep.pipeline.workflow.tree import Job, Workflow

from .names import did_you_mean
from .values import Decision, MatrixLeg, Plan, WorkflowPlan

NOT_SELECTED = "not selected by `--workflow`"
"""The reason of a decision on a workflow that was not asked for."""


def select_jobs(plan: Plan, *, workflows: Sequence[str] = (), jobs: Sequence[str] = ()) -> Plan:
    """The plan with these workflows (file name, path or name) and these jobs with all they need; () keeps all.

    A job is written `job`, or `workflow:job` where several workflows have it. Findings about other workflows go.
    A workflow that the trigger does not start stays out; its decision says why. Raises UserError on an unknown name.
    """
    if workflows:
        plan = select_paths(plan, _chosen_paths(plan.decisions, workflows))
    if jobs:
        plan = _only_jobs(plan, jobs)
    return plan


def select_paths(plan: Plan, paths: Collection[str]) -> Plan:
    """The plan with the workflows of these paths only. The decisions on all others say NOT_SELECTED."""
    return replace(
        plan,
        workflows=tuple(item for item in plan.workflows if item.workflow.path in paths),
        decisions=tuple(
            decision if decision.path in paths else replace(decision, starts=False, reason=NOT_SELECTED)
            for decision in plan.decisions
        ),
        findings=tuple(finding for finding in plan.findings if finding.where.path in paths),
    )


def leg_selected(leg: MatrixLeg, wanted: Mapping[str, Sequence[str]]) -> bool:
    """Whether a leg has one of the wanted values for each wanted key that it has; compared as text without case."""
    for key, value in leg.values.items():
        texts = next((texts for name, texts in wanted.items() if name.lower() == key.lower()), None)
        if texts is not None and to_text(value).lower() not in [text.lower() for text in texts]:
            return False
    return True


def _chosen_paths(decisions: Sequence[Decision], wanted: Sequence[str]) -> set[str]:
    chosen: set[str] = set()
    for name in wanted:
        paths = {decision.path for decision in decisions if name in _names_of(decision)}
        if not paths:
            known = [decision.path.rpartition("/")[2] for decision in decisions]
            raise UserError(f"there is no workflow `{name}`", hint=did_you_mean(name, known))
        chosen |= paths
    return chosen


def _names_of(decision: Decision) -> tuple[str, ...]:
    file_name = decision.path.rpartition("/")[2]
    return decision.path, f"./{decision.path}", file_name, file_name.rpartition(".")[0], decision.name


def _only_jobs(plan: Plan, wanted: Sequence[str]) -> Plan:
    chosen: dict[str, set[str]] = {item.key: set() for item in plan.workflows}
    for name in wanted:
        found = False
        for item in plan.workflows:
            job = _job_of(item, name)
            if job is not None:
                chosen[item.key] |= _with_needs(item.workflow, job)
                found = True
        if not found:
            raise _unknown_job(plan, name)
    kept = tuple(
        replace(item, workflow=_reduced(item.workflow, chosen[item.key]))
        for item in plan.workflows
        if chosen[item.key]
    )
    paths = {item.workflow.path for item in kept}
    return replace(
        plan,
        workflows=kept,
        decisions=tuple(
            decision
            if decision.path in paths or not decision.starts
            else replace(decision, starts=False, reason="it has no job selected by `--job`")
            for decision in plan.decisions
        ),
        findings=tuple(finding for finding in plan.findings if finding.where.path in paths),
    )


def _job_of(item: WorkflowPlan, name: str) -> Job | None:
    job = item.workflow.job(name)
    if job is not None or ":" not in name:
        return job
    workflow, _, job_id = name.rpartition(":")
    names = (item.key, item.key.rpartition(".")[0], item.workflow.path, item.workflow.name)
    return item.workflow.job(job_id) if workflow in names else None


def _with_needs(workflow: Workflow, job: Job) -> set[str]:
    found: set[str] = set()
    waiting = [job]
    while waiting:
        current = waiting.pop()
        if current.id in found:
            continue
        found.add(current.id)
        needed = (workflow.job(need.job_id) for need in current.needs)
        waiting.extend(other for other in needed if other is not None)
    return found


def _reduced(workflow: Workflow, job_ids: set[str]) -> Workflow:
    return replace(workflow, jobs=tuple(job for job in workflow.jobs if job.id in job_ids))


def _unknown_job(plan: Plan, name: str) -> UserError:
    known = [job.id for item in plan.workflows for job in item.workflow.jobs]
    if not known:
        reasons = "; ".join(f"`{decision.path}`: {decision.reason}" for decision in plan.decisions[:3])
        return UserError(f"there is no job `{name}`: `{plan.trigger.event}` starts no workflow", hint=reasons)
    return UserError(
        f"there is no job `{name}` in what `{plan.trigger.event}` starts", hint=did_you_mean(name, known)
    )
