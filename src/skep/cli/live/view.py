"""A run shown as a job tree that is redrawn in place, at most ten times a second, and as a report at its end.

Everything happens on the event loop's thread. Facts and output only change the state and ask for a redraw; a redraw is left
out while the terminal has not taken the one before, so the run never waits for it. Signals: a new size redraws; a stop
(Ctrl-Z) leaves the terminal first; a continue enters it again, once it is ours.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from skep.cli.live.estimate import expected_total
from skep.cli.live.model import LiveRun
from skep.cli.live.paint import erase, repaint, rows_taken
from skep.cli.live.render import Look, render_live
from skep.cli.live.scroll import Scroll
from skep.cli.live.terminal import Terminal
from skep.cli.outlet import Outlet
from skep.cli.plain_output import PlainOutput, headline
from skep.cli.step_output import LogLines
from skep.events.facts import Fact, JobStarted, RunFinished, RunStarted, StepFinished, WorkflowSkipped
from skep.model.ids import LegKey, StepId
from skep.pipeline.plan.values import Plan

FRAME_S = 0.1
CLOCK_S = 1.0
"""How long the view may stand when nothing happens: its clocks show whole seconds."""
EXPECT_AFTER_S = 0.05

Expected = Callable[[], Mapping[str, float]]
"""Gives what each leg took in earlier runs, in seconds. Called once, when the run is under way."""


class LiveOutput:
    """A RunOutput for a terminal that is ours. `report` shows the end (and keeps what that needs)."""

    def __init__(
        self, outlet: Outlet, terminal: Terminal, report: PlainOutput, *, logs: bool, colour: bool, slots: int
    ) -> None:
        self._outlet, self._terminal, self._report = outlet, terminal, report
        self._run = LiveRun()
        self._look = Look(colour=colour, unicode=outlet.is_unicode)
        self._slots = slots
        self._drawn: list[str] = []
        self._scroll = Scroll(LogLines(colour=colour) if logs else None)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._soon = self._away = False  # a redraw is due; the terminal is not ours now
        self._last = 0.0
        self._signals: list[int] = []

    # --- a RunOutput ---
    def publish(self, fact: Fact) -> None:
        """Takes a fact; the view follows soon."""
        self._report.keep(fact)
        self._run.take(fact)
        match fact:
            case RunStarted():
                self._begin()
                self._scroll.add([headline(fact)])
            case WorkflowSkipped():
                self._scroll.add([f"{fact.path} is not started: {fact.reason}"])
            case JobStarted():
                self._scroll.name(fact.leg, self._report.name(fact.leg))
            case StepFinished():
                self._scroll.end(fact.leg)
            case RunFinished():
                self._end()
                return
            case _:
                pass
        self._changed()

    def take_log(self, leg: LegKey, step: StepId, chunk: bytes) -> None:
        """Keeps the last line for the view; with `--logs` the lines go above it."""
        self._report.keep_output(leg, step, chunk)
        self._run.take_output(leg, chunk)
        self._scroll.take(leg, chunk)
        if not self._soon:
            self._changed()

    def nothing(self, plan: Plan) -> None:
        """Says why no workflow starts."""
        self._report.nothing(plan)

    def finish(self) -> None:
        """The report."""
        self._report.finish()

    def warn(self, message: str) -> None:
        """A warning, above the view; elsewhere when errors go elsewhere."""
        if self._terminal.entered and sys.stderr.isatty():
            self._scroll.add([f"warning: {message}"])
            self._changed()
        else:
            self._report.warn(message)

    def interrupted(self, name: str, times: int) -> None:
        """Shows at once that the run is being stopped."""
        self._run.interrupts, self._run.interrupt_name = times, name
        self._run.cancelled_at = self._run.cancelled_at or time.time()
        self._draw()

    def suspend(self) -> Callable[[], None]:
        """Gives the terminal to somebody who asks the user something; what it gives takes it back."""
        self._leave(draw=True)
        return self._enter

    def close(self) -> None:
        """Leaves the terminal as it was found, whatever happened. Safe to repeat."""
        self._end()
        self._report.close()

    # --- the view ---
    def _begin(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.call_later(EXPECT_AFTER_S, self._expect)
        for number, handler in (
            (signal.SIGWINCH, self._resize),
            (signal.SIGTSTP, self._stop),
            (signal.SIGCONT, self._continue),
            (signal.SIGQUIT, self._quit),
        ):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._loop.add_signal_handler(number, handler)
                self._signals.append(number)
        self._enter()

    def _end(self) -> None:
        self._scroll.finish()
        if self._loop is not None and not self._loop.is_closed():
            for number in self._signals:
                self._loop.remove_signal_handler(number)
        self._signals = []
        self._leave(draw=True)
        self._loop = None

    def _expect(self) -> None:
        if self._loop is not None:
            expected = self._report.expected()
            total = expected_total(self._run, expected, self._slots)
            self._look = replace(self._look, expected=expected, expected_total_s=total)
            self._changed()

    def _changed(self) -> None:
        """Something is new: redraw, but not before the frame's time."""
        if self._soon or self._loop is None:
            return
        self._soon = True
        self._schedule(max(self._last + FRAME_S - self._loop.time(), 0.0))

    def _schedule(self, delay_s: float) -> None:
        assert self._loop is not None
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(delay_s, self._draw)

    def _draw(self) -> None:
        """One frame; then the clock's next one is due, or sooner what could not be drawn now."""
        if self._loop is None:
            return
        self._soon = False
        self._last = self._loop.time()
        if self._away and self._terminal.is_ours():
            self._away = False
            self._terminal.enter()
        if self._outlet.closed or self._away or not self._terminal.entered:
            self._schedule(CLOCK_S)
        elif self._outlet.queued_bytes:
            self._schedule(FRAME_S)
        else:
            self._paint()
            self._schedule(FRAME_S if self._scroll.waits else CLOCK_S)

    def _paint(self) -> None:
        width, height = self._terminal.size()
        if (width, height) != (self._look.width, self._look.height):
            self._forget(width)
            self._look = replace(self._look, width=width, height=height)
        lines = render_live(self._run, self._look, time.time())
        text = repaint(self._drawn, lines, self._scroll.give())
        self._drawn = lines
        if text:
            self._outlet.write(self._outlet.encode(text))

    def _forget(self, width: int) -> None:
        """Erases what was drawn for another size."""
        rows = rows_taken(self._drawn, width, reflows=self._terminal.reflows)
        self._drawn = []
        self._outlet.write(erase(rows).encode())

    def _enter(self) -> None:
        if self._loop is None:
            return
        self._away = not self._terminal.is_ours()
        if not self._away:
            self._terminal.enter()
            self._changed()

    def _leave(self, *, draw: bool = False) -> None:
        """Takes the view away; `draw`: what waits to be shown above it is shown first."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._soon = None, False
        if self._terminal.entered:
            above = self._scroll.give() if draw else []
            self._outlet.write(
                self._outlet.encode(repaint(self._drawn, [], above) if above else erase(len(self._drawn)))
            )
            self._drawn = []
            self._terminal.leave()

    # --- signals ---
    def _resize(self) -> None:
        self._changed()

    def _stop(self) -> None:
        """Ctrl-Z: the terminal as it was, then stop as everybody does."""
        self._stop_by(signal.SIGTSTP, self._stop)

    def _quit(self) -> None:
        """Ctrl-\\: likewise, then die."""
        self._stop_by(signal.SIGQUIT, self._quit)

    def _stop_by(self, number: signal.Signals, handler: Callable[[], None]) -> None:
        assert self._loop is not None
        self._leave()
        self._loop.remove_signal_handler(number)
        os.kill(os.getpid(), number)
        self._loop.add_signal_handler(number, handler)  # reached when continued
        self._enter()

    def _continue(self) -> None:
        """Somebody else had the terminal: what is on it is not ours any more."""
        if self._terminal.entered:
            self._drawn = []
            with suppress(OSError):
                self._terminal.leave()
        self._enter()
