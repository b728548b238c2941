"""The live view as lines: state, time, size and colours in, text out. Pure; no line is longer than `width - 1` cells.

title of a workflow                  3 ok, 1 failed, 2 running (12 more)
  ✓ build                   4 s
    ● test         2:05 of ~3 min    Run tests › test_api.py ....
    · package                        waits for test, web
run #12  2:10 of ~4 min  3 ok, 1 failed, 2 running
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from skep.cli.cells import cell_width, cut, fill
from skep.cli.live.model import Job, Leg, LiveRun, Standing
from skep.cli.live.rows import Row, choose_rows
from skep.cli.live.words import clock_text, counts_text, done_text, expected_text, last_line

_MARKS = {
    "success": "✓",
    "failure": "✗",
    "running": "●",
    "waiting": "·",
    "skipped": "-",
    "cancelled": "!",
    "unsupported": "!",
}
_PLAIN_MARKS = {**_MARKS, "success": "+", "failure": "x", "running": ">", "waiting": "."}
COLOURS = {
    "success": "32",
    "failure": "31",
    "running": "36",
    "cancelled": "33",
    "unsupported": "33",
    "skipped": "2",
    "waiting": "2",
}
_SLOW = 1.5  # times the expected duration and
_SLOW_BY_S = 3.0  # so many seconds more: worth a colour
_MIN_NOTE = 10  # cells; with less there is no use in saying anything
_MIN_BOTH = 24  # for step and last line
_DEFAULT_SIZE = (80, 24)
_MIN_WIDTH = 12  # narrower: the status alone
GRACE_S = 10.0
"""What a step gets to end by itself: INT, 7.5 s later TERM, 2.5 s later KILL (`engine.stopping`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the view is drawn. Sizes of 0 (a terminal that does not know its own) count as 80 x 24."""

    width: int = 80
    height: int = 24
    colour: bool = False
    unicode: bool = True
    expected: Mapping[str, float] = field(default_factory=dict)  # seconds by leg
    expected_total_s: float = 0.0  # 0: not known


def render_live(run: LiveRun, look: Look, now: float) -> list[str]:
    """The whole view at a moment (epoch seconds), at most `height - 1` lines."""
    width, height = look.width or _DEFAULT_SIZE[0], look.height or _DEFAULT_SIZE[1]
    page = _Page(run, look, max(width - 1, 1), now)
    feet = page.feet()
    room = height - 1 - len(feet)
    if room < 2 or width < _MIN_WIDTH:
        return feet[-max(height - 1, 1) :]
    rows = choose_rows(run, room)
    return [*page.tree(rows), *feet]


class _Page:
    """One rendering."""

    def __init__(self, run: LiveRun, look: Look, width: int, now: float) -> None:
        self.run, self.look, self.width, self.now = run, look, width, now
        self.marks = _MARKS if look.unicode else _PLAIN_MARKS
        self.arrow, self.cut_mark = (" › ", "…") if look.unicode else (" > ", "~")

    def tree(self, rows: list[Row]) -> list[str]:
        step = 2 if self.width >= 50 else 1
        deepest = max(self.width // 6, 2)
        cells = [(row, 0 if row.job is None else min(2 + step * row.depth, deepest)) for row in rows]
        widest = max(
            (indent + 2 + cell_width(self._name(row)) for row, indent in cells if row.job), default=0
        )
        names = min(-(-widest // 4) * 4, max(self.width * 45 // 100, 12))
        timed = self.width >= 30
        expects = self.width >= 60 and any(row.leg and row.leg.key in self.look.expected for row in rows)
        return [
            self._title(row) if row.job is None else self._line(row, indent, names, timed, expects)
            for row, indent in cells
        ]

    def _title(self, row: Row) -> str:
        text = row.workflow.title
        if row.hidden:
            text += f"  ({row.hidden} more)"
        if len(self.run.workflows) > 1:
            legs = [leg for job in row.workflow.shown() for leg in _legs_or_job(job)]
            text += f"  {counts_text(legs, self.marks, self.width - cell_width(text) - 2)}"
        return self.paint(self.cut(text, self.width), "1")

    def _line(self, row: Row, indent: int, names: int, timed: bool, expects: bool) -> str:
        assert row.job is not None
        standing = row.leg.standing if row.leg else row.job.standing
        mark = self.paint(self.marks[standing], COLOURS[standing])
        room = max(min(names, self.width) - indent - 2, 1)
        line = " " * indent + mark + " " + self.fill(self._name(row), room)
        used = indent + 2 + room
        if timed:
            text, slow = self._elapsed(row)
            line += self.paint(f" {text:>8}", "33" if slow else "2")
            used += 9
        if expects:
            expected = self.look.expected.get(row.leg.key) if row.leg else None
            over = expected is None or standing not in (Standing.RUNNING, Standing.WAITING)
            line += self.paint(
                f" {'' if over or expected is None else f'of ~{expected_text(expected)}':<9}", "2"
            )
            used += 10
        left = self.width - used - 2
        note, colour = self._note(row, standing, left)
        if note and left >= _MIN_NOTE:
            line += "  " + self.paint(self.cut(note, left), colour)
        return line.rstrip() if not self.look.colour else line

    def _name(self, row: Row) -> str:
        assert row.job is not None
        return row.leg.name if row.leg else row.job.name

    def _elapsed(self, row: Row) -> tuple[str, bool]:
        """How long it has run, and whether that is much more than expected."""
        if row.leg is None:
            assert row.job is not None
            legs = [leg for leg in row.job.legs.values() if leg.started_at]
            if not legs:
                return "", False
            if row.job.is_over:
                end = max(leg.started_at + leg.duration_s for leg in legs)
                return done_text(end - min(leg.started_at for leg in legs)), False
            return clock_text(self.now - min(leg.started_at for leg in legs)), False
        if row.leg.standing is Standing.RUNNING:
            took, expected = self.now - row.leg.started_at, self.look.expected.get(row.leg.key)
            slow = expected is not None and took > max(expected * _SLOW, expected + _SLOW_BY_S)
            return clock_text(took), slow
        return (done_text(row.leg.duration_s) if row.leg.started_at else ""), False

    def _note(self, row: Row, standing: Standing, left: int) -> tuple[str, str]:
        """What is said behind the times, and its colour."""
        assert row.job is not None
        if row.leg is None:
            if row.job.is_matrix:
                return counts_text(row.job.legs.values(), self.marks, left), "31" if _has_failed(
                    row.job
                ) else "2"
            return self._waits(row), "2"
        if standing is Standing.RUNNING:
            return (row.leg.step if left < _MIN_BOTH else self._activity(row.leg)), ""
        if standing is Standing.WAITING:
            return "queued", "2"
        return row.leg.reason, COLOURS[standing] if standing is Standing.FAILURE else "2"

    def _waits(self, row: Row) -> str:
        assert row.job is not None
        others = row.workflow.jobs
        names = [others[key].name for key in row.job.needs if key in others and not others[key].is_over]
        return f"waits for {', '.join(names)}" if names else ""

    def _activity(self, leg: Leg) -> str:
        line = last_line(leg.tail)
        return f"{leg.step}{self.arrow}{line}" if line and leg.step else leg.step or line

    # --- the lines below the tree ---
    def feet(self) -> list[str]:
        run = self.run
        legs = [leg for job in run.jobs() for leg in _legs_or_job(job)]
        total = self.look.expected_total_s
        time = clock_text(self.now - run.started_at) + (f" of ~{expected_text(total)}" if total else "")
        status = f"run #{run.number}  {time}  "
        status += counts_text(legs, self.marks, self.width - len(status))
        lines = [self.paint(self.cut(status, self.width), "1")]
        return [*self._stopping(), *lines]

    def _stopping(self) -> list[str]:
        """Once the end was asked for: since when, what is waited for, and how to hurry."""
        run = self.run
        if not run.cancelled_at and not run.interrupts:
            return []
        running = run.running()
        since = max(self.now - run.cancelled_at, 0.0) if run.cancelled_at else 0.0
        if run.interrupts > 1:
            first = f"{run.interrupt_name}: killing everything now"
        else:
            grace = (
                f"steps get {GRACE_S:.0f} s to end" if since <= GRACE_S else "clean-up steps may still run"
            )
            first = f"cancelling for {clock_text(since)}: {grace}; Ctrl-C again kills"
        names = [f"{leg.name} ({leg.step})" if leg.step else leg.name for leg in running]
        second = f"waiting for {', '.join(names)}" if names else "waiting for the last job to clean up"
        return [self.paint(self.cut(text, self.width), "33") for text in (first, second)]

    def paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.look.colour and colour and text.strip() else text

    def cut(self, text: str, cells: int) -> str:
        return cut(text if self.look.unicode else _ascii(text), cells, mark=self.cut_mark)

    def fill(self, text: str, cells: int) -> str:
        shown = self.cut(text, cells)
        return fill(shown, cells)


def _legs_or_job(job: Job) -> list[Leg]:
    """Its legs; a job that has none yet counts as one that waits."""
    return list(job.legs.values()) or [Leg(job.key, job.name)]


def _has_failed(job: Job) -> bool:
    return any(leg.standing is Standing.FAILURE for leg in job.legs.values())


def _ascii(text: str) -> str:
    return text if text.isascii() else text.encode("ascii", "replace").decode()
