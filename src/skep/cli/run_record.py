"""What a run has said so far, kept for the report at its end."""

from __future__ import annotations

from skep.cli.step_output import StepTails
from skep.events.facts import Fact, StepFinished
from skep.events.fold import JobView, RunView, StepView, fold


class RunRecord:
    """Takes the facts and the output of one run, in order."""

    def __init__(self) -> None:
        self._facts: list[Fact] = []
        self._tails = StepTails()

    @property
    def began(self) -> bool:
        """Whether there is anything to report."""
        return bool(self._facts)

    def take(self, fact: Fact) -> None:
        """Keeps a fact."""
        self._facts.append(fact)
        if isinstance(fact, StepFinished) and fact.conclusion != "failure":
            self._tails.drop(fact.leg, fact.step)

    def take_output(self, leg: str, step: str, chunk: bytes) -> None:
        """Keeps the end of what a step prints."""
        self._tails.take(leg, step, chunk)

    def view(self) -> RunView:
        """The run as it stands."""
        return fold(self._facts, alive=True)

    def tail(self, job: JobView, step: StepView) -> bytes:
        """The last bytes that a failed step printed."""
        return self._tails.get(job.leg, step.step)
