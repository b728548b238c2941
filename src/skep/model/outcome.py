"""How steps, jobs and runs end."""

from enum import StrEnum


class Outcome(StrEnum):
    """How a step or job ended, in GitHub's words. `outcome` is before, `conclusion` after continue-on-error."""

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


class RunStatus(StrEnum):
    """Where a run stands. `INTERRUPTED`: Skep itself died; found when the run is read back."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    UNSUPPORTED = "unsupported"  # jobs that this machine cannot run
    UNAPPROVED = "unapproved"  # jobs whose environment nobody approved
    INTERRUPTED = "interrupted"
