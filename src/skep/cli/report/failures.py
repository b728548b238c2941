"""The failed steps of a run with the last lines they printed. Pure.

Groups (`##[group]` to `##[endgroup]`) are folded to their title, unless an error was printed in them or they were not ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from skep.cli.cells import one_line
from skep.cli.log_text import for_terminal
from skep.cli.report.look import Look, count_text
from skep.cli.report.names import leg_name
from skep.cli.tables import duration_text
from skep.events.fold import JobView, RunView, StepView

LINES = 30
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
    """For each failed step its name, why it failed, and what it printed last."""
    for job, step in failed_steps(view):
        yield look.paint(look.fit(f"✗ {leg_name(job)}: {one_line(step.name)}"), "1;31")
        yield look.paint(f"  {_cause(step)} after {duration_text(step.duration_s)}", "2")
        lines = fold_groups(tail(job, step).splitlines())
        if len(lines) > LINES:
            hidden = count_text(len(lines) - LINES, "earlier line")
            yield look.paint(f"  … {hidden}: skep logs {view.number} --failed", "2")
        yield from (f"  {_shown(line, look)}" for line in lines[-LINES:])
        yield ""


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


def _cause(step: StepView) -> str:
    if step.reason:
        return one_line(step.reason)
    return f"exit code {step.exit_code}" if step.exit_code is not None else "failed"
