"""What the jobs of a run came to: outputs for their dependants, the conclusion of each workflow, the status of the run. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from skep.events.facts import JobFinished
from skep.model.ids import JobKey, LegKey
from skep.model.outcome import Outcome, RunStatus

_RANK = {Outcome.SKIPPED: 0, Outcome.SUCCESS: 1, Outcome.CANCELLED: 2, Outcome.FAILURE: 3}


class JobResults:
    """Collects results as legs and jobs end."""

    def __init__(self) -> None:
        self._outputs: dict[JobKey, dict[str, str]] = {}
        self._conclusions: dict[JobKey, Outcome] = {}
        self.problems: list[str] = []
        self.unsupported_legs: list[tuple[str, str]] = []  # name, reason
        self.unapproved: dict[LegKey, str] = {}  # leg -> its environment
        self._cancelled: set[str] = set()  # workflows

    def end_leg(self, job: JobKey, finished: JobFinished) -> None:
        """A leg ended. Of two legs that set one output, the later wins (GitHub's rule); an empty value does not count."""
        self._outputs.setdefault(job, {}).update(finished.outputs)
        self.end_job(job, Outcome(finished.conclusion))

    def end_job(self, job: JobKey, outcome: Outcome) -> None:
        """A job, or one more leg of it, ended like this; the worst counts."""
        before = self._conclusions.get(job, Outcome.SKIPPED)
        self._conclusions[job] = max(before, outcome, key=_RANK.__getitem__)

    def add_outputs(self, job: JobKey, outputs: Mapping[str, str]) -> None:
        """Outputs of a job that called a workflow, of one of its legs."""
        self._outputs.setdefault(job, {}).update(outputs)

    def outputs(self, job: JobKey) -> Mapping[str, str]:
        """The outputs of a job, {} when it set none."""
        return self._outputs.get(job, {})

    def problem(self, message: str) -> None:
        """Something other than a job failed."""
        self.problems.append(message)

    def unsupported(self, name: str, reason: str) -> None:
        """A leg cannot run on this machine."""
        self.unsupported_legs.append((name, reason))

    def cancel_workflow(self, workflow: str) -> None:
        """The workflow lost its place in a concurrency group: it ends no better than cancelled."""
        self._cancelled.add(workflow)

    def worst(self) -> Outcome:
        """The worst conclusion of any job."""
        cancelled = [Outcome.CANCELLED] if self._cancelled else []
        return max([*self._conclusions.values(), *cancelled], key=_RANK.__getitem__, default=Outcome.SKIPPED)

    def workflow_conclusion(self, workflow: str) -> Outcome:
        """The worst conclusion of the workflow's jobs."""
        own = [outcome for job, outcome in self._conclusions.items() if job.startswith(f"{workflow}:")]
        if workflow in self._cancelled:
            own.append(Outcome.CANCELLED)
        return max(own, key=_RANK.__getitem__, default=Outcome.SKIPPED)


def run_status(results: JobResults, *, cancelled: bool, allow_unsupported: bool) -> RunStatus:
    """How the run ended: a failure outweighs what could not run here, that outweighs success."""
    if cancelled:
        return RunStatus.CANCELLED
    worst = results.worst()
    if worst is Outcome.FAILURE or results.problems:
        return RunStatus.FAILURE
    if results.unapproved:
        return RunStatus.UNAPPROVED
    if worst is Outcome.CANCELLED:
        return RunStatus.CANCELLED
    if results.unsupported_legs and not allow_unsupported:
        return RunStatus.UNSUPPORTED
    return RunStatus.SUCCESS
