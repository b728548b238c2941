"""Stopping what runs: signals that ask for it, and GitHub's grace (SIGINT, 7.5 s, SIGTERM, 2.5 s, kill) for a process.

Source of the times: actions/runner `ProcessInvoker`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum

from skep.pipeline.ports import StepProcess

from .services import CancelTiming


class StopKind(StrEnum):
    """Why something is told to stop."""

    CANCEL = "cancel"  # the job was cancelled: steps whose `if` still holds go on
    TIMEOUT = "timeout"  # the step's own time is over
    KILL = "kill"  # at once, no grace: second Ctrl-C, or the grace of the job is over


class StopSignal:
    """Asks for a stop, of a leg or of one step. May be raised again with a harder kind; each kind is told once."""

    def __init__(self) -> None:
        self.raised: dict[StopKind, str] = {}  # kind -> reason, in order
        self._listeners: list[Callable[[StopKind], None]] = []

    def __bool__(self) -> bool:
        return bool(self.raised)

    def fire(self, kind: StopKind, reason: str) -> None:
        """Tells all listeners, at once."""
        if kind not in self.raised:
            self.raised[kind] = reason
            for listener in list(self._listeners):
                listener(kind)

    def listen(self, listener: Callable[[StopKind], None]) -> Callable[[], None]:
        """Calls `listener` for every kind fired from now on; the result ends that."""
        self._listeners.append(listener)

        def stop_listening() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop_listening


class GracefulStop:
    """Ends one process with grace. `begin` may be called any number of times; `over` when the process has ended."""

    def __init__(self, process: StepProcess, timing: CancelTiming) -> None:
        self._process = process
        self._timing = timing
        self._timer: asyncio.TimerHandle | None = None
        self.begun: StopKind | None = None

    def begin(self, kind: StopKind) -> None:
        """Interrupts, later terminates, later kills; `KILL` kills now."""
        if kind is StopKind.KILL:
            self.over()
            self.begun = self.begun or kind
            self._process.send("KILL")
        elif self.begun is None:
            self.begun = kind
            self._process.send("INT")
            self._later(self._timing.after_interrupt_s, self._terminate)

    def over(self) -> None:
        """The process has ended, or is killed: no more signals by timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _terminate(self) -> None:
        self._process.send("TERM")
        self._later(self._timing.after_terminate_s, self._kill)

    def _kill(self) -> None:
        self._timer = None
        self._process.send("KILL")

    def _later(self, delay_s: float, call: Callable[[], None]) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay_s, call)
