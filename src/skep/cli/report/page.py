"""The page at the end of a run: what is long first, the verdict and the next step last, where the eye is. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from skep.cli.cells import one_line
from skep.cli.report.annotations import render_annotations
from skep.cli.report.failures import Tail, failed_steps, render_failures
from skep.cli.report.jobs import render_jobs
from skep.cli.report.look import COLOURS, OTHER_COLOUR, Look, columns, count_text, size_text
from skep.cli.report.summaries import render_summaries
from skep.cli.tables import duration_text
from skep.events.fold import RunView

ARTIFACTS = 30


def render_report(view: RunView, tail: Tail, look: Look, commands: Collection[str] = ()) -> Iterator[str]:
    """Everything that is worth saying about a run, as lines. `commands`: the commands that hints may name."""
    yield from render_summaries(view, look)
    yield from render_details(view, tail, look)
    yield look.paint(_verdict(view), COLOURS.get(view.status, OTHER_COLOUR))
    yield from (look.paint(hint, "2") for hint in _hints(view, commands))


def render_details(view: RunView, tail: Tail, look: Look) -> Iterator[str]:
    """What failed, annotations, artifacts, deployments, jobs; each block with an empty line behind it."""
    yield from render_failures(view, tail, look)
    yield from render_annotations(view, look)
    yield from _artifacts(view, look)
    yield from _deployments(view, look)
    yield from render_jobs(view, look)


def _artifacts(view: RunView, look: Look) -> Iterator[str]:
    if not view.artifacts:
        return
    yield look.paint("artifacts", "1")
    shown = view.artifacts if look.whole else view.artifacts[:ARTIFACTS]
    rows = [
        (f"  {one_line(one.name)}", count_text(one.files, "file"), size_text(one.size_bytes)) for one in shown
    ]
    yield from (look.fit(line) for line in columns(rows, right=frozenset({1, 2})))
    if left := len(view.artifacts) - len(shown):
        yield look.paint(f"  … {left:,} more: skep runs show {view.number}", "2")
    yield ""


def _deployments(view: RunView, look: Look) -> Iterator[str]:
    if not view.deployments:
        return
    approved = {one.leg: one.by for one in view.approvals if one.approved}
    yield look.paint("deployments", "1")
    rows = [
        (
            f"  {one_line(one.environment)}",
            one.outcome,
            f"approved by {one_line(approved[one.leg])}" if one.leg in approved else "",
            one_line(one.url),
        )
        for one in view.deployments
    ]
    yield from (look.fit(line) for line in columns(rows))
    yield ""


def _verdict(view: RunView) -> str:
    counts = {status: sum(job.status == status for job in view.jobs) for status in ("failure", "cancelled")}
    used = f", {view.cpu_s:.1f} s CPU" if view.cpu_s else ""
    text = f"{view.status} in {duration_text(view.duration_s)}{used}"
    if view.reason:
        return f"{text}: {one_line(view.reason)}"
    words = [
        f"{count_text(number, 'job')} {word}"
        for (_, number), word in zip(counts.items(), ("failed", "cancelled"), strict=True)
        if number
    ]
    return f"{text}: {' and '.join(words)} of {len(view.jobs):,}" if words else text


def _hints(view: RunView, commands: Collection[str]) -> Iterator[str]:
    if view.status == "unsupported":
        yield "some jobs cannot run on this machine; --allow-unsupported lets the run succeed without them"
    if view.status == "unapproved":
        yield "some jobs deploy to an environment that nobody approved; --approve ENV lets them"
    if failed_steps(view):
        yield f"whole logs: skep logs {view.number} --failed"
    if view.status not in ("success", "running") and "why" in commands:
        yield f"the cause of each: skep why {view.number}"
