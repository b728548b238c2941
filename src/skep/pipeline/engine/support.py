"""What this release cannot run of a job, and why: found before the job starts, said plainly. Pure."""

from __future__ import annotations

from collections.abc import Callable

from skep.pipeline.workflow.nodes import Scalar
from skep.pipeline.workflow.tree import Job, Step, StepKind

from .uses import unavailable_reason


def unsupported_job(job: Job, has_native: Callable[[str, str], bool]) -> str | None:
    """Why no leg of the job can run here; None when nothing stands against it. `has_native`: (owner/name, ref) -> known."""
    if job.uses is not None:
        if job.called is not None:
            return None
        return f"it calls the reusable workflow `{job.uses.text}`, which is not on this machine"
    if _is_set(job.container):
        return "it runs in a `container`, and containers do not run here yet"
    if _is_set(job.services):
        return "it needs `services`, and those do not run here yet"
    for step in job.steps:
        if reason := _unsupported_step(step, has_native):
            return f"{step.span}: {reason}"
    return None


def _unsupported_step(step: Step, has_native: Callable[[str, str], bool]) -> str | None:
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
    return None if has_native(name.lower(), ref) else unavailable_reason(uses)


def _is_set(node: object) -> bool:
    return node is not None and not (isinstance(node, Scalar) and node.value in (None, ""))
