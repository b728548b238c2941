"""What a run says while it runs and at its end: plain lines for people, or one JSON object a line for programs."""

from __future__ import annotations

import os
import time
from typing import Protocol, TextIO

from skep.cli.log_text import for_terminal
from skep.cli.tables import duration_text, short_ref
from skep.events.facts import (
    Annotated,
    CancelRequested,
    Fact,
    JobFinished,
    JobSkipped,
    JobStarted,
    RunFinished,
    RunStarted,
    StepFinished,
    WorkflowSkipped,
    WorkflowStarted,
)
from skep.events.journal import encode_fact
from skep.model.ids import LegKey, StepId
from skep.pipeline.plan.values import Plan

_TAIL_BYTES = 64 * 1024
_TAIL_LINES = 30
_MARKS = {"success": "ok", "failure": "FAILED", "cancelled": "cancelled", "skipped": "skipped"}
_COLOURS = {"success": "32", "failure": "31", "cancelled": "33", "skipped": "2", "unsupported": "33"}


class RunOutput(Protocol):
    """An EventSink that shows a run."""

    def publish(self, fact: Fact) -> None: ...

    def take_log(self, leg: LegKey, step: StepId, chunk: bytes) -> None: ...

    def nothing(self, plan: Plan) -> None:
        """Says that the trigger starts nothing, and why."""
        ...

    def finish(self) -> None:
        """Says how it ended, after the last fact."""
        ...


class JsonOutput:
    """Every fact as one JSON object a line, with its name under `fact`; the shape of the journal."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def publish(self, fact: Fact) -> None:
        """Prints a fact."""
        _print(self._out, encode_fact(fact))

    def take_log(self, leg: LegKey, step: StepId, chunk: bytes) -> None:
        """Logs are read with `skep logs`."""

    def nothing(self, plan: Plan) -> None:
        """One object per workflow that does not start."""
        for decision in plan.decisions:
            self.publish(WorkflowSkipped(at=time.time(), path=decision.path, reason=decision.reason))

    def finish(self) -> None:
        """The last fact has said it."""


class PlainOutput:
    """A line per workflow, job and step as they come; at the end what failed, with its last lines and annotations."""

    def __init__(self, out: TextIO, *, logs: bool, root: str) -> None:
        self._out = out
        self._logs = logs
        self._root = root
        self._colour = out.isatty() and not os.environ.get("NO_COLOR")
        self._names: dict[str, str] = {}  # leg -> name as shown
        self._tails: dict[tuple[str, str], bytearray] = {}
        self._partial: dict[str, bytes] = {}
        self._failed: list[StepFinished] = []
        self._annotations: list[Annotated] = []
        self._jobs: list[JobFinished | JobSkipped] = []
        self._run_id = ""
        self._end: RunFinished | None = None

    def nothing(self, plan: Plan) -> None:
        """Says why no workflow starts."""
        _print(self._out, f"`{plan.trigger.event}` starts no workflow here")
        for decision in plan.decisions:
            _print(self._out, f"  {decision.path}: {decision.reason}")

    def publish(self, fact: Fact) -> None:
        """Prints what the fact is worth, and keeps what the end needs."""
        match fact:
            case RunStarted():
                self._run_id = fact.run_id
                ref = short_ref(fact.ref)
                self._say(f"run {fact.run_id}  {fact.event}  {ref}@{fact.sha[:7] or 'no commit'}")
            case WorkflowSkipped():
                self._say(f"{fact.path} is not started: {fact.reason}", "2")
            case WorkflowStarted():
                name = f"  {fact.name}" if fact.name != fact.path else ""
                self._say(f"{fact.path}{name}  ({_count(len(fact.jobs), 'job')})", "1")
            case JobSkipped():
                self._jobs.append(fact)
                self._names[fact.leg] = self._name(fact.job, fact.name)
                self._line(fact.leg, fact.outcome, _COLOURS.get(fact.outcome, ""))  # the end says why
            case JobStarted():
                self._names[fact.leg] = self._name(fact.job, fact.name)
                self._line(fact.leg, "started", "2")
            case StepFinished():
                self._step(fact)
            case JobFinished():
                self._jobs.append(fact)
                self._flush_partial(fact.leg)
                how = fact.conclusion + (f" ({fact.reason})" if fact.reason else "")
                self._line(
                    fact.leg, f"{how} in {duration_text(fact.duration_s)}", _COLOURS.get(fact.conclusion, "")
                )
            case Annotated():
                self._annotations.append(fact)
            case CancelRequested():
                self._say(f"cancelling {fact.target}: {fact.reason}", "33")
            case RunFinished():
                self._end = fact
            case _:
                pass

    def take_log(self, leg: LegKey, step: StepId, chunk: bytes) -> None:
        """Keeps the last bytes of each step; with `--logs` shows every line."""
        tail = self._tails.get((leg, step))
        if tail is None:
            tail = self._tails[leg, step] = bytearray()
        tail += chunk[-_TAIL_BYTES:]
        if len(tail) > 2 * _TAIL_BYTES:
            del tail[:-_TAIL_BYTES]
        if self._logs:
            self._show_lines(leg, chunk)

    def finish(self) -> None:
        """What failed, annotations, one line a job, the verdict."""
        for step in self._failed:
            self._failed_step(step)
        self._print_annotations()
        self._print_jobs()
        if self._end is not None:
            cpu = f", {self._end.cpu_s:.1f} s CPU" if self._end.cpu_s else ""
            text = f"{self._end.status} in {duration_text(self._end.duration_s)}{cpu}"
            if self._end.reason:
                text += f": {self._end.reason}"
            self._say(text, _COLOURS.get(self._end.status, "33"))
            if self._end.status == "unsupported":
                self._say(
                    "some jobs cannot run on this machine; --allow-unsupported lets the run succeed without them",
                    "2",
                )
            if self._failed:
                self._say(f"whole logs: skep logs {self._run_id} --failed", "2")

    def _name(self, job: str, name: str) -> str:
        workflow = job.rpartition(":")[0]
        return f"{workflow.removesuffix('.yml').removesuffix('.yaml')} / {name}"

    def _step(self, fact: StepFinished) -> None:
        self._flush_partial(fact.leg)
        if fact.conclusion != "failure":
            self._tails.pop((fact.leg, fact.step), None)
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
            else:
                self._failed.append(fact)
        self._line(fact.leg, text, _COLOURS.get(fact.conclusion, ""))

    def _failed_step(self, step: StepFinished) -> None:
        self._say("")
        self._say(f"--- {self._names.get(step.leg, step.leg)}: {step.name}", "1")
        lines = bytes(self._tails.get((step.leg, step.step), b"")).splitlines()
        if len(lines) > _TAIL_LINES:
            self._say(f"... {len(lines) - _TAIL_LINES} earlier lines: skep logs {self._run_id} --failed", "2")
        for line in lines[-_TAIL_LINES:]:
            self._say(for_terminal(line, colour=self._colour))

    def _print_annotations(self) -> None:
        shown = [fact for fact in self._annotations if fact.path or fact.level != "error"]
        if shown:
            self._say("")
        for fact in shown:
            place = f"{fact.path}:{fact.line}: " if fact.line else f"{fact.path}: " if fact.path else ""
            title = f"{fact.title}: " if fact.title else ""
            where = self._names.get(fact.leg, fact.leg)
            colour = {"error": "31", "warning": "33"}.get(fact.level, "36")
            self._say(f"{place}{fact.level}: {title}{_flat(fact.message)}  ({where})", colour)

    def _print_jobs(self) -> None:
        self._say("")
        names = {fact.leg: self._names.get(fact.leg, fact.name) for fact in self._jobs}
        width = max((len(name) for name in names.values()), default=0)
        for fact in self._jobs:
            if isinstance(fact, JobSkipped):
                text, colour = f"{fact.outcome}: {fact.reason}", _COLOURS.get(fact.outcome, "")
            else:
                used = f"{duration_text(fact.duration_s)}, {fact.cpu_s:.1f} s CPU, {fact.peak_memory_bytes >> 20} MiB"
                text, colour = f"{fact.conclusion}  {used}", _COLOURS.get(fact.conclusion, "")
                if fact.outcome != fact.conclusion:
                    text += f"  ({fact.outcome}, continue-on-error)"
            self._say(f"{names[fact.leg]:<{width}}  {text}", colour)

    def _show_lines(self, leg: LegKey, chunk: bytes) -> None:
        data = self._partial.pop(leg, b"") + chunk
        whole, newline, rest = data.rpartition(b"\n")
        if rest:
            self._partial[leg] = rest
        if newline:
            prefix = f"{self._names.get(leg, leg)} | "
            lines = [prefix + for_terminal(line, colour=self._colour) for line in whole.split(b"\n")]
            _print(self._out, "\n".join(lines))

    def _flush_partial(self, leg: str) -> None:
        if rest := self._partial.pop(leg, b""):
            _print(self._out, f"{self._names.get(leg, leg)} | {for_terminal(rest, colour=self._colour)}")

    def _line(self, leg: str, text: str, colour: str = "") -> None:
        self._say(f"{self._names.get(leg, leg)}  {text}", colour)

    def _say(self, text: str, colour: str = "") -> None:
        text = for_terminal(text.encode("utf-8", "replace"), colour=self._colour) if "\x1b" in text else text
        _print(self._out, f"\x1b[{colour}m{text}\x1b[0m" if self._colour and colour else text)


def _print(out: TextIO, text: str) -> None:
    out.write(text + "\n")
    out.flush()


def _flat(message: str) -> str:
    return " | ".join(line for line in message.splitlines() if line)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
