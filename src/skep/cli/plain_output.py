"""A run as plain lines: one per workflow, job and step as they come; at the end the report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from skep.cli.cells import one_line
from skep.cli.outlet import Outlet
from skep.cli.report.look import COLOURS, OTHER_COLOUR, Look, count_text
from skep.cli.report.names import shown_name
from skep.cli.report.page import render_report
from skep.cli.run_record import RunRecord
from skep.cli.step_output import LogLines
from skep.cli.tables import duration_text, short_ref
from skep.events.facts import (
    CancelRequested,
    Fact,
    JobFinished,
    JobReused,
    JobSkipped,
    JobStarted,
    RunFinished,
    RunStarted,
    StepFinished,
    WorkflowSkipped,
    WorkflowStarted,
)
from skep.model.ids import LegKey, StepId
from skep.pipeline.plan.values import Plan

_SUSPEND_WITHIN_S = 0.5
_MARKS = {"success": "ok", "failure": "FAILED", "cancelled": "cancelled", "skipped": "skipped"}


class PlainOutput:
    """A RunOutput for pipes, files and plain terminals. `expected` gives seconds by leg, asked for once and only while the run goes on."""

    def __init__(
        self,
        outlet: Outlet,
        *,
        logs: bool,
        look: Look,
        expected: Callable[[], Mapping[str, float]],
        commands: frozenset[str] = frozenset(),
    ) -> None:
        self._outlet, self._look, self._commands = outlet, look, commands
        self._logs = LogLines(colour=look.colour) if logs else None
        self._record = RunRecord()
        self._names: dict[str, str] = {}  # leg -> name as shown
        self._missed = 0
        self._load_expected = expected
        self._expected: Mapping[str, float] | None = None

    def nothing(self, plan: Plan) -> None:
        """Says why no workflow starts."""
        self._say(f"`{plan.trigger.event}` starts no workflow here")
        for decision in plan.decisions:
            self._say(f"  {decision.path}: {decision.reason}")

    def publish(self, fact: Fact) -> None:
        """Prints what the fact is worth, and keeps what the end needs."""
        self.keep(fact)
        match fact:
            case RunStarted():
                self._say(headline(fact))
            case WorkflowSkipped():
                self._say(f"{fact.path} is not started: {fact.reason}", "2")
            case WorkflowStarted():
                name = f"  {fact.name}" if fact.name != fact.path else ""
                self._say(f"{fact.path}{name}  ({count_text(len(fact.jobs), 'job')})", "1")
            case JobSkipped():
                self._line(
                    fact.leg, fact.outcome, COLOURS.get(fact.outcome, OTHER_COLOUR)
                )  # the end says why
            case JobReused():
                self._line(fact.leg, "success, from the earlier run", "2")
            case JobStarted():
                self._line(fact.leg, "started", "2")
            case StepFinished():
                self._step(fact)
            case JobFinished():
                self._flush_partial(fact.leg)
                how = fact.conclusion + (f" ({fact.reason})" if fact.reason else "")
                colour = COLOURS.get(fact.conclusion, OTHER_COLOUR)
                self._line(fact.leg, f"{how} in {duration_text(fact.duration_s)}", colour)
            case CancelRequested():
                self._say(f"cancelling {fact.target}: {fact.reason}", "33")
            case _:
                pass

    def take_log(self, leg: LegKey, step: StepId, chunk: bytes) -> None:
        """Keeps the end of each step's output; with `--logs` shows every line."""
        self.keep_output(leg, step, chunk)
        if self._logs is not None:
            self._show(self._logs.take(leg, self.name(leg), chunk))

    def finish(self) -> None:
        """The report."""
        if self._record.began:
            self._say("")
            look = replace(self._look, expected=self._expected or {})
            for line in render_report(self._record.view(), self._record.tail, look, self._commands):
                self._outlet.print(line)
        self._outlet.drain()

    def warn(self, message: str) -> None:
        """A warning, on standard error."""
        with suppress(OSError):
            print(f"warning: {message}", file=sys.stderr)

    def interrupted(self, name: str, times: int) -> None:
        """Says what the user's signal does."""
        what = "cancelling; once more kills" if times == 1 else "killing everything now"
        with suppress(OSError):
            print(f"\n{name}: {what}", file=sys.stderr)

    def suspend(self) -> Callable[[], None]:
        """Somebody asks the user something: what was said so far is said first."""
        self._outlet.drain(_SUSPEND_WITHIN_S)
        return lambda: None

    def close(self) -> None:
        """Lets the outlet go. Safe to repeat."""
        self._outlet.close()

    # --- for the live view, which shows the same end ---
    def keep(self, fact: Fact) -> None:
        """Keeps a fact for the report."""
        self._record.take(fact)
        if isinstance(fact, (JobStarted, JobSkipped, JobReused)):
            self._names[fact.leg] = shown_name(fact.job, fact.name)
        if isinstance(fact, (JobFinished, RunFinished)):
            self.expected()

    def keep_output(self, leg: LegKey, step: StepId, chunk: bytes) -> None:
        """Keeps output for the report."""
        self._record.take_output(leg, step, chunk)

    def name(self, leg: str) -> str:
        """A leg as it is shown."""
        return self._names.get(leg) or one_line(leg)

    def expected(self) -> Mapping[str, float]:
        """What legs took in earlier runs, in seconds."""
        if self._expected is None:
            self._expected = self._load_expected()
        return self._expected

    def _step(self, fact: StepFinished) -> None:
        self._flush_partial(fact.leg)
        if fact.outcome == "skipped":
            if not fact.reason.startswith("an earlier step failed"):
                self._line(fact.leg, f"  - {fact.name}  ({fact.reason})", "2")
            return
        mark = _MARKS.get(fact.outcome, fact.outcome)
        text = f"  {mark}  {fact.name}  {duration_text(fact.duration_s)}"
        if fact.outcome == "failure":
            text += f"  ({fact.reason})" if fact.reason else ""
            if fact.conclusion == "success":
                text += ", goes on: continue-on-error"
        self._line(fact.leg, text, COLOURS.get(fact.conclusion, OTHER_COLOUR))

    def _flush_partial(self, leg: str) -> None:
        if self._logs is not None:
            self._show(self._logs.end(leg, self.name(leg)))

    def _show(self, lines: list[str]) -> None:
        """Lines of logs: a terminal that is too slow for them misses some, and is told."""
        if not lines:
            return
        if not self._outlet.offer(self._outlet.encode("\n".join(lines) + "\n")):
            self._missed += len(lines)
        elif self._missed:
            self._say(f"… {self._missed:,} lines came too fast for this terminal; `skep logs` has them", "2")
            self._missed = 0

    def _line(self, leg: str, text: str, colour: str = "") -> None:
        self._say(f"{self.name(leg)}  {text}", colour)

    def _say(self, text: str, colour: str = "") -> None:
        self._outlet.print(self._look.paint(one_line(text), colour))


def headline(fact: RunStarted) -> str:
    """The first line of a run."""
    return f"run {fact.run_id}  {fact.event}  {short_ref(fact.ref)}@{fact.sha[:7] or 'no commit'}"
