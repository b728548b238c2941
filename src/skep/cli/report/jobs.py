"""The table of a run's jobs. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from skep.cli.cells import cut, one_line
from skep.cli.report.look import COLOURS, MARKS, OTHER_COLOUR, WORDS, Look, columns, count_text
from skep.cli.report.names import leg_name
from skep.cli.tables import duration_text
from skep.events.fold import JobView, RunView

LIMIT = 60
"""More jobs than that: those that went well are counted, the slowest of them shown."""
SLOWEST = 10
DEVIATION = 0.25
DEVIATION_S = 1.0
"""A job is compared with earlier runs when it differs by both, the share and the seconds."""
_NOTE_CELLS = 200
_WIDE = 60  # narrower: no room for CPU and memory
_STOPPED = ("running", "interrupted", "cancelled")


def render_jobs(view: RunView, look: Look) -> Iterator[str]:
    """A line per job with result, time, CPU and memory; of very many those that matter."""
    jobs = list(view.jobs) if look.whole else chosen_jobs(view.jobs)
    if not jobs:
        return
    rows: list[tuple[str, ...]] = [("", "job", "result", "time", "CPU", "memory", "")]
    rows += [_cells(job, look) for job in jobs]
    if look.width and look.width < _WIDE:
        rows = [(*row[:4], "", "", row[6]) for row in rows]
    lines = columns(rows, right=frozenset({3, 4, 5}), heading=True)
    yield look.paint(lines[0], "2")
    for job, line in zip(jobs, lines[1:], strict=True):
        yield look.paint(
            look.fit(line), "" if job.status == "success" else COLOURS.get(job.status, OTHER_COLOUR)
        )
    if left := len(view.jobs) - len(jobs):
        yield look.paint(f"… {count_text(left, 'more job')}: skep runs show {view.number}", "2")
    yield ""


def chosen_jobs(jobs: tuple[JobView, ...]) -> list[JobView]:
    """All, or of very many those that did not succeed and the slowest of the others; in the order given."""
    if len(jobs) <= LIMIT:
        return list(jobs)
    good = [job for job in jobs if job.status in ("success", "skipped") or _never_ran(job)]
    good_legs = {job.leg for job in good}
    bad = [job for job in jobs if job.leg not in good_legs][: LIMIT - SLOWEST]
    slowest = sorted(good, key=lambda job: -job.duration_s)[:SLOWEST]
    kept = {job.leg for job in (*bad, *slowest)}
    return [job for job in jobs if job.leg in kept]


def _never_ran(job: JobView) -> bool:
    """Whether it was cancelled before it began: there is nothing to say of it."""
    return job.status == "cancelled" and job.started_at is None


def deviation(job: JobView, expected_s: float | None) -> str:
    """How a job's time compares with what it usually takes; empty when it is about that, or not known."""
    if not expected_s or job.status != "success":
        return ""
    more = job.duration_s - expected_s
    if abs(more) < max(DEVIATION_S, DEVIATION * expected_s):
        return ""
    if more > expected_s:
        how = f"{job.duration_s / expected_s:.1f} times as long as usual"
    else:
        how = f"{abs(more) / expected_s:.0%} {'slower' if more > 0 else 'faster'} than usual"
    return f"{how} ({duration_text(expected_s)})"


def _cells(job: JobView, look: Look) -> tuple[str, ...]:
    ran = job.started_at is not None
    notes = [
        one_line(job.reason),
        "from the earlier run" if job.reused else "",
        deviation(job, look.expected.get(job.leg)),
    ]
    if job.outcome != job.status and job.outcome and job.status == "success":
        notes.insert(0, f"{WORDS.get(job.outcome, job.outcome)}, continue-on-error")
    if job.status in _STOPPED:
        notes += [f"in `{one_line(step.name)}`" for step in job.steps if step.status == job.status]
    return (
        MARKS.get(job.status, "!"),
        leg_name(job),
        "cached" if job.reused else WORDS.get(job.status, one_line(job.status)),
        duration_text(job.duration_s) if ran else "",
        duration_text(job.cpu_s) if ran and job.cpu_s else "",
        f"{job.peak_memory_bytes >> 20} MiB" if ran and job.peak_memory_bytes else "",
        cut("; ".join(note for note in notes if note), _NOTE_CELLS),
    )
