"""Prints parts of log files, and of each only what was not printed before."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from skep.cli.log_text import for_json, for_terminal
from skep.cli.tables import duration_text
from skep.events.fold import JobView, StepView
from skep.store.local.logs import read_times, time_at

READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of one job's log: a step's output, or what lies between (`step` None). `end` None: to the end
    of the file."""

    job: JobView
    step: StepView | None
    start: int
    end: int | None


class LogOutput:
    """Writes lines as text or JSON; remembers how far each section was printed."""

    def __init__(self, out: BinaryIO, *, json: bool, timestamps: bool, terminal: bool, colour: bool) -> None:
        self._out, self._json, self._timestamps = out, json, timestamps
        self._terminal, self._colour = terminal, colour
        self._printed: dict[tuple[str, int], int] = {}
        self._heading: tuple[str, int] | None = None

    def print(self, path: str, section: Section, *, whole: bool) -> None:
        """Prints what is new in a section; not `whole`: an unfinished last line waits for its end."""
        key = (section.job.leg, section.start)
        at = self._printed.get(key, section.start)
        plain = not (self._json or self._terminal or self._timestamps)
        times: tuple[Sequence[int], Sequence[float]] = ((), ()) if plain else read_times(path)
        try:
            file = open(path, "rb")  # noqa: SIM115 - a job that has printed nothing has no file
        except FileNotFoundError:
            return
        with file:
            for piece, last in _pieces(file, at, section.end, whole=whole):
                self._head(section)
                if plain:
                    self._out.write(piece + b"\n" if last and not piece.endswith(b"\n") else piece)
                else:
                    self._lines(piece, at, section, times)
                at += len(piece)
        self._printed[key] = at

    def flush(self) -> None:
        """Hands on what was printed."""
        self._out.flush()

    def _head(self, section: Section) -> None:
        key = (section.job.leg, section.start)
        if self._json or self._heading == key:
            return
        self._heading = key
        step = section.step
        title = f"step {step.number} {step.name} ({step.status}{_took(step)})" if step else "job"
        line = f"=== {section.job.name} | {title}"
        self._out.write((for_terminal(line.encode(), colour=False) + "\n").encode())

    def _lines(
        self, data: bytes, at: int, section: Section, times: tuple[Sequence[int], Sequence[float]]
    ) -> None:
        for line in data.removesuffix(b"\n").split(b"\n"):
            self._out.write(self._line(line, time_at(times, at), section))
            at += len(line) + 1

    def _line(self, line: bytes, at: float | None, section: Section) -> bytes:
        if self._json:
            step = section.step
            entry = {
                "leg": section.job.leg,
                "step": step.step if step else None,
                "at": at,
                "text": for_json(line),
            }
            return json.dumps(entry).encode() + b"\n"
        stamp = f"{_iso(at)} ".encode() if self._timestamps else b""
        shown = for_terminal(line, colour=self._colour).encode() if self._terminal else line
        return stamp + shown + b"\n"


def _pieces(file: BinaryIO, at: int, end: int | None, *, whole: bool) -> Iterator[tuple[bytes, bool]]:
    """Whole lines from `at` on, at most about 1 MiB at once, and whether the part ends there. Not `whole`:
    without an
    unfinished line at the end. A line that is longer comes in pieces."""
    while True:
        file.seek(at)
        wanted = READ_BYTES if end is None else min(READ_BYTES, end - at)
        data = file.read(wanted)
        last = len(data) < READ_BYTES
        cut = len(data) if whole and last else data.rfind(b"\n") + 1
        if not cut and not last:
            cut = len(data)
        if not cut:
            return
        yield data[:cut], last and cut == len(data)
        at += cut


def _took(step: StepView) -> str:
    return f", {duration_text(step.duration_s)}" if step.log_end is not None else ""


def _iso(at: float | None) -> str:
    """UTC to the millisecond, 24 characters."""
    if at is None:
        return "-".ljust(24)
    moment = dt.datetime.fromtimestamp(at, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
