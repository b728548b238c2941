"""What shows a run while it runs and at its end: a job tree on a terminal, plain lines elsewhere, or JSON for programs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol, TextIO

from skep.cli.main import COMMANDS
from skep.cli.outlet import Outlet
from skep.cli.plain_output import PlainOutput
from skep.cli.report.look import Look
from skep.events.facts import Fact, WorkflowSkipped
from skep.events.journal import encode_fact
from skep.model.ids import LegKey, StepId
from skep.pipeline.plan.values import Plan


class RunTalk(Protocol):
    """What is said to the user beside the facts."""

    def warn(self, message: str) -> None:
        """A warning of ours."""
        ...

    def interrupted(self, name: str, times: int) -> None:
        """The user sent a signal, for the first or second time: what follows from it."""
        ...

    def suspend(self) -> Callable[[], None]:
        """Gives the terminal to whoever asks the user something; what it gives takes it back."""
        ...


class RunOutput(RunTalk, Protocol):
    """An EventSink that shows a run. Nothing here raises when the reader goes away. `close` comes last, whatever happened."""

    def publish(self, fact: Fact) -> None: ...

    def take_log(self, leg: LegKey, step: StepId, chunk: bytes) -> None: ...

    def nothing(self, plan: Plan) -> None:
        """Says that the trigger starts nothing, and why."""
        ...

    def finish(self) -> None:
        """Says how it ended, after the last fact."""
        ...

    def close(self) -> None:
        """Leaves the terminal as it was found. Safe to repeat."""
        ...


def open_output(
    stream: TextIO,
    environ: Mapping[str, str],
    *,
    as_json: bool,
    plain: bool,
    logs: bool,
    slots: int,
    expected: Callable[[], Mapping[str, float]],
) -> RunOutput:
    """What shows a run on a stream. `slots`: how many jobs run at once; `expected`: seconds by leg from earlier runs."""
    outlet = Outlet(stream)
    if as_json:
        return JsonOutput(outlet)
    from skep.cli.live.terminal import Terminal, fits_live_view

    colour = outlet.is_terminal and not environ.get("NO_COLOR")
    terminal = Terminal(stream.fileno() if outlet.is_terminal else -1, outlet, environ)
    width = max(terminal.size()[0] - 1, 0) if outlet.is_terminal else 0
    look = Look(width=width, colour=colour, markdown=outlet.is_terminal)
    report = PlainOutput(outlet, logs=logs, look=look, expected=expected, commands=frozenset(COMMANDS))
    if plain or not fits_live_view(stream, environ) or not outlet.never_waits:
        return report
    from skep.cli.live.view import LiveOutput

    return LiveOutput(outlet, terminal, report, logs=logs, colour=colour, slots=slots)


class JsonOutput:
    """Every fact as one JSON object a line, with its name under `fact`; the shape of the journal."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def publish(self, fact: Fact) -> None:
        """Prints a fact."""
        self._outlet.print(encode_fact(fact))

    def take_log(self, leg: LegKey, step: StepId, chunk: bytes) -> None:
        """Logs are read with `skep logs`."""

    def nothing(self, plan: Plan) -> None:
        """One object per workflow that does not start."""
        for decision in plan.decisions:
            self.publish(WorkflowSkipped(at=time.time(), path=decision.path, reason=decision.reason))

    def finish(self) -> None:
        """The last fact has said it."""
        self._outlet.drain()

    def warn(self, message: str) -> None:
        """A warning, on standard error."""
        with suppress(OSError):
            print(f"warning: {message}", file=sys.stderr)

    def interrupted(self, name: str, times: int) -> None:
        """Says on standard error what the user's signal does."""
        what = "cancelling; once more kills" if times == 1 else "killing everything now"
        with suppress(OSError):
            print(f"\n{name}: {what}", file=sys.stderr)

    def suspend(self) -> Callable[[], None]:
        """Nothing disturbs."""
        return lambda: None

    def close(self) -> None:
        """Lets the outlet go. Safe to repeat."""
        self._outlet.close()
