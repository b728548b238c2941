"""The failed steps of a run with the last lines they printed. Pure.

Groups (`##[group]` to `##[endgroup]`) are folded to their title, unless an error was printed in them or they were not ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from skep.cli.cells import one_line
from skep.cli.log_text import for_terminal
from skep.cli.report.look import Look, count_text
from skep.cli.report.names import leg_name, step_cause
from skep.cli.tables import duration_text
from skep.events.fold import JobView, RunView, StepView

LINES = 30
SHOWN = 5
"""Failed steps whose output is shown; more of them say the same, mostly."""
NAMED = 20
_GROUP, _END = b"##[group]", b"##[endgroup]"
_MARKED = {
    b"##[error]": ("error: ", "1;31"),
    b"##[warning]": ("warning: ", "33"),
    b"##[notice]": ("notice: ", "36"),
    b"##[debug]": ("debug: ", "2"),
    _GROUP: ("", "1"),
}

Tail = Callable[[JobView, StepView], bytes]
"""Gives the last bytes that a step printed."""


def failed_steps(view: RunView) -> list[tuple[JobView, StepView]]:
    """The steps that made their job fail."""
    return [(job, step) for job in view.jobs for step in job.steps if step.status == "failure"]


def render_failures(view: RunView, tail: Tail, look: Look) -> Iterator[str]:
    """For each failed step its name, why it failed, and what it printed last; of very many the first with output, the others by name."""
    found = failed_steps(view)
    shown = len(found) if look.whole else SHOWN
    for job, step in found[:shown]:
        yield _heading(job, step, look)
        lines = fold_groups(tail(job, step).splitlines())
        if len(lines) > LINES:
            hidden = count_text(len(lines) - LINES, "earlier line")
            yield look.paint(f"  … {hidden}: skep logs {view.number} --failed", "2")
        yield from (f"  {_shown(line, look)}" for line in lines[-LINES:])
        yield ""
    if len(found) > shown:
        yield from (_heading(job, step, look) for job, step in found[shown : shown + NAMED])
        if more := len(found) - shown - NAMED:
            yield from (
                [look.paint(f"  … {more:,} more: skep logs {view.number} --failed", "2")] if more > 0 else []
            )
        yield ""


def _heading(job: JobView, step: StepView, look: Look) -> str:
    cause = f"{step_cause(step.exit_code, step.reason)} after {duration_text(step.duration_s)}"
    return look.paint(look.fit(f"✗ {leg_name(job)}: {one_line(step.name)}: {cause}"), "1;31")


def fold_groups(lines: Sequence[bytes]) -> list[bytes]:
    """Lines with every ended group reduced to its first one, `##[group]Title`; groups do not nest."""
    found: list[bytes] = []
    start: int | None = None  # where the open group begins in `found`
    for line in lines:
        if line.startswith(_GROUP):
            start = len(found)
        elif line.startswith(_END):
            if start is not None and not any(inner.startswith(b"##[error]") for inner in found[start:]):
                del found[start + 1 :]
            start = None
            continue
        found.append(line)
    return found


def _shown(line: bytes, look: Look) -> str:
    for mark, (word, colour) in _MARKED.items():
        if line.startswith(mark):
            text = word + for_terminal(line[len(mark) :], colour=False)
            return look.paint(f"▸ {text}" if mark == _GROUP else text, colour)
    return for_terminal(line, colour=look.colour)
