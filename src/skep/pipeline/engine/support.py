"""What this release cannot run of a job, and why: found before the job starts, said plainly. Pure."""

from __future__ import annotations

from collections.abc import Callable

from skep.pipeline.actions.remote import parse_reference
from skep.pipeline.workflow.nodes import Scalar
from skep.pipeline.workflow.tree import Job, Step, StepKind

from .uses import unavailable_reason

Problem = Callable[[str], str | None]
"""Why an action or workflow of another repository cannot be had (`ports.RemoteActions.problem`)."""


def unsupported_job(
    job: Job, has_native: Callable[[str, str], bool], remote_problem: Problem | None = None
) -> str | None:
    """Why no leg of the job can run here; None when nothing stands against it. `has_native`: (owner/name, ref) -> known.
    `remote_problem` None: nothing of other repositories is at hand."""
    if job.uses is not None:
        if job.called is not None:
            return None
        if remote_problem is not None and (reason := remote_problem(job.uses.text)):
            return f"it calls the reusable workflow `{job.uses.text}`: {reason}"
        return f"it calls the reusable workflow `{job.uses.text}`, which is not on this machine"
    if _is_set(job.container):
        return "it runs in a `container`, and containers do not run here yet"
    if _is_set(job.services):
        return "it needs `services`, and those do not run here yet"
    for step in job.steps:
        if reason := _unsupported_step(step, has_native, remote_problem):
            return f"{step.span}: {reason}"
    return None


def _unsupported_step(
    step: Step, has_native: Callable[[str, str], bool], remote_problem: Problem | None
) -> str | None:
    if step.kind not in (StepKind.RUN, StepKind.USES):
        return f"`{step.kind.value}` steps do not run here yet"
    if step.background is not None:
        return "`background` steps do not run here yet"
    if step.kind is not StepKind.USES or step.uses is None or step.condition.written:
        return None  # a step with an `if` may never run: it is judged when it does
    uses = step.uses.text.strip()
    if uses.startswith((".", "$/")):
        return None
    name, _, ref = uses.partition("@")
    if has_native(name.lower(), ref):
        return None
    if remote_problem is None or parse_reference(uses) is None:
        return unavailable_reason(uses)
    return remote_problem(uses)


def _is_set(node: object) -> bool:
    return node is not None and not (isinstance(node, Scalar) and node.value in (None, ""))
