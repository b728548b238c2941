"""One earlier run as text: what it was, and the report that was shown at its end, whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from skep.cli.cells import one_line
from skep.cli.report.failures import Tail
from skep.cli.report.look import Look, count_text
from skep.cli.report.page import render_details
from skep.cli.report.summaries import render_summaries
from skep.cli.step_output import TAIL_BYTES
from skep.cli.tables import duration_text, short_ref, when_text
from skep.events.fold import JobView, RunView, StepView
from skep.store.local.logs import log_path
from skep.store.local.paths import StatePaths


def show_run(view: RunView, paths: StatePaths, *, summaries: bool) -> None:
    """Prints a run, or only its summaries: as they were written where nobody reads them on a terminal."""
    look = _look()
    if summaries:
        lines = list(render_summaries(view, look)) or [f"run #{view.number} has no summaries"]
    else:
        lines = list(render_run(view, tails(paths.run(view.run_id).logs), look))
    while lines and not lines[-1]:
        lines.pop()
    print("\n".join(lines))


def render_run(view: RunView, tail: Tail, look: Look) -> Iterator[str]:
    """A run's head, what it did not start, and the details of its report."""
    reason = f": {one_line(view.reason)}" if view.reason else ""
    yield look.paint(f"run #{view.number}  {view.run_id}  {view.status}{reason}", "1")
    yield one_line(f"{view.event} on {short_ref(view.ref)} ({view.sha[:12]}), {when_text(view.started_at)}")
    yield f"took {duration_text(view.duration_s)}, {duration_text(view.cpu_s)} CPU"
    for workflow in view.workflows:
        name = workflow.name or workflow.path
        title = name if workflow.run_name in ("", name) else f"{name}: {workflow.run_name}"
        yield one_line(f"{title}  ({workflow.path})  {workflow.status}")
    yield from (one_line(f"not started: {one.path}: {one.reason}") for one in view.skipped_workflows)
    yield ""
    yield from render_details(view, tail, look)
    if view.summaries:
        yield f"{count_text(len(view.summaries), 'step')} wrote summaries: skep runs show {view.number} --summary"


def tails(logs: str) -> Tail:
    """What gives the end of a step's output, from a run's folder of logs; nothing when it is not there any more."""

    def tail(job: JobView, step: StepView) -> bytes:
        end = step.log_end if step.log_end is not None else sys.maxsize
        try:
            with open(log_path(logs, job.leg), "rb") as file:
                end = min(end, file.seek(0, os.SEEK_END))
                start = max(step.log_offset, end - TAIL_BYTES)
                file.seek(start)
                return file.read(max(end - start, 0))
        except OSError:
            return b""

    return tail


def _look() -> Look:
    is_terminal = sys.stdout.isatty()
    width = os.get_terminal_size(sys.stdout.fileno()).columns if is_terminal else 0
    colour = is_terminal and not os.environ.get("NO_COLOR")
    return Look(width=max(width - 1, 0), colour=colour, markdown=is_terminal, whole=True)
