"""What a job is called in a report. Pure."""

from __future__ import annotations

from skep.cli.cells import one_line
from skep.events.fold import JobView


def leg_name(job: JobView) -> str:
    """`ci / test (3.11)`: the workflow's file without its ending, and the job as it is displayed."""
    return shown_name(job.job, job.name)


def shown_name(job_key: str, name: str) -> str:
    """The same, from a job's key and displayed name."""
    workflow = job_key.rpartition(":")[0]
    return one_line(f"{workflow.removesuffix('.yml').removesuffix('.yaml')} / {name}")


def step_cause(exit_code: int | None, reason: str) -> str:
    """Why a step failed: `exit code 2`, or what else was the reason."""
    if exit_code is not None and reason in ("", f"Process completed with exit code {exit_code}."):
        return f"exit code {exit_code}"
    return one_line(reason.rstrip(".")) or "failed"
