"""Lines on their way to the place above the view: few, safe, and no more than a terminal can take."""

from __future__ import annotations

from collections.abc import Sequence

from skep.cli.cells import one_line
from skep.cli.step_output import LogLines

LIMIT = 1000
"""Lines kept between two frames; of more only the number is told. Nobody reads ten thousand lines a second."""


class Scroll:
    """A queue of lines. `logs` None: output of steps is not shown."""

    def __init__(self, logs: LogLines | None) -> None:
        self._logs = logs
        self._names: dict[str, str] = {}
        self._lines: list[str] = []
        self._missed = 0

    @property
    def waits(self) -> bool:
        """Whether there is something to show."""
        return bool(self._lines)

    def add(self, lines: Sequence[str]) -> None:
        """Lines of ours, always shown; foreign names in them are made safe."""
        self._lines += [one_line(line) for line in lines]

    def name(self, leg: str, name: str) -> None:
        """What a leg's lines begin with."""
        self._names[leg] = name

    def take(self, leg: str, chunk: bytes) -> None:
        """Output of a step."""
        if self._logs is None:
            return
        if len(self._lines) >= LIMIT:
            self._missed += chunk.count(b"\n")
        else:
            self._take(self._logs.take(leg, self._names.get(leg, leg), chunk))

    def end(self, leg: str) -> None:
        """A step ended: what it began is a line."""
        if self._logs is not None:
            self._take(self._logs.end(leg, self._names.get(leg, leg)))

    def finish(self) -> None:
        """The run ended: steps that did not, too."""
        for leg in self._names:
            self.end(leg)

    def give(self) -> list[str]:
        """Hands the lines over."""
        lines, self._lines = self._lines, []
        if self._missed:
            lines.append(f"… {self._missed:,} lines came too fast to show; `skep logs` has them")
            self._missed = 0
        return lines

    def _take(self, lines: list[str]) -> None:
        room = max(LIMIT - len(self._lines), 0)
        self._lines += lines[:room]
        self._missed += len(lines[room:])
