"""How one job or step ended, in the words that follow its name: `failed with exit code 2`. Pure; part of `why`."""

from __future__ import annotations

from skep.events.fold import INTERRUPTED, RUNNING, JobView, StepView
from skep.model.outcome import Outcome

SUCCESS, FAILURE, CANCELLED, SKIPPED = (
    str(one) for one in (Outcome.SUCCESS, Outcome.FAILURE, Outcome.CANCELLED, Outcome.SKIPPED)
)
NO_REASON = "no reason is recorded"


def plain_clause(job: JobView) -> str:
    """For a job whose end explains itself."""
    match job.status:
        case "success":
            return "did not run again: its success in an earlier run holds" if job.reused else "succeeded"
        case "unsupported":
            return f"cannot run on this machine: {job.reason}"
        case "queued":
            return "waits for a free slot or its concurrency group"
        case "running":
            step = next((one for one in job.steps if one.status == RUNNING), None)
            return "is running" + (f": {step_name(step)}" if step else "")
        case "interrupted":
            step = next((one for one in job.steps if one.status == INTERRUPTED), None)
            at = f" in {step_name(step)}" if step else ""
            return f"was interrupted{at}: the process that ran it ended before it was done"
        case other:
            return f"ended as {other}" + (f": {job.reason}" if job.reason else "")


def step_clause(step: StepView) -> str:
    """For a step, whatever became of it."""
    if step.outcome == FAILURE:
        passed = "" if step.status == FAILURE else ", which its `continue-on-error` lets pass"
        return f"failed{failed_how(step)}{passed}"
    if step.status == SKIPPED:
        return f"was skipped: {step.reason or NO_REASON}"
    if step.status == CANCELLED:
        return f"was cancelled: {step.reason or NO_REASON}"
    return {SUCCESS: "succeeded", RUNNING: "is running", INTERRUPTED: "was interrupted"}.get(
        step.status, f"ended as {step.status}"
    )


def failed_how(step: StepView) -> str:
    """What goes on behind `failed`: ` with exit code 2`, or a colon and why else."""
    if step.exit_code and step.reason in ("", f"Process completed with exit code {step.exit_code}."):
        return f" with exit code {step.exit_code}"
    return f": {step.reason.rstrip('.') or NO_REASON}"


def step_name(step: StepView) -> str:
    r"""`step 2 \`make\`` in a sentence."""
    return f"step {step.number} `{step.name}`"


def blames_needs(job: JobView) -> bool:
    """Whether the needs of a skipped job are the reason, not its own `if` alone."""
    if job.because:
        return any("success()" in one or "needs." in one for one in job.because)
    return not job.reason.startswith(("`if", "no leg"))


def blames_status(step: StepView) -> bool:
    """Whether a step before is the reason why this one was skipped, not its own `if` alone."""
    if step.because:
        return any("success()" in one for one in step.because)
    return step.reason == "an earlier step failed"


def failed_before(job: JobView, step: StepView) -> StepView | None:
    """The first step before this one that failed for good."""
    return next((one for one in job.steps if one.number < step.number and one.status == FAILURE), None)
