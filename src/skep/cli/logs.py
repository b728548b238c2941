"""What the jobs of a run printed: all of it, one job, one step, or what failed; also while it is running."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence

from skep.cli.log_output import LogOutput, Section
from skep.cli.project import RUN_HELP, open_project
from skep.events.fold import JobView, RunView, StepView
from skep.model.errors import UserError
from skep.model.outcome import Outcome
from skep.store.local.logs import log_path
from skep.store.local.records import RunRecords

FOLLOW_EVERY_S = 0.1


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `skep logs`."""
    parser.add_argument(
        "wanted", nargs="?", default="last", metavar="RUN", help=f"{RUN_HELP} (default: last)"
    )
    parser.add_argument("--job", metavar="JOB", help="only this job: its id, key or name")
    parser.add_argument("--step", metavar="STEP", help="only this step: its id, number or name")
    parser.add_argument("--failed", action="store_true", help="only steps that failed")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the run is over")
    parser.add_argument(
        "-t", "--timestamps", action="store_true", help="begin lines with the time they were written"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per line of output")
    parser.add_argument(
        "--raw", action="store_true", help="let control characters through, also to a terminal"
    )


def run(args: argparse.Namespace) -> int:
    """Prints logs; 0 also when there are none."""
    records = RunRecords(open_project(args).paths)
    output = LogOutput(
        sys.stdout.buffer,
        json=args.json,
        timestamps=args.timestamps,
        terminal=sys.stdout.isatty() and not args.raw,
        colour="NO_COLOR" not in os.environ,
    )
    try:
        run_id = records.find(args.wanted)
        view = records.view(run_id)
        select_jobs(view, args.job, may_come=args.follow and view.finished_at is None)
        while True:
            over = view.finished_at is not None
            _print(records, view, args, output, over=over)
            if over or not args.follow:
                return 0
            time.sleep(FOLLOW_EVERY_S)
            view = records.view(run_id)
    finally:
        records.close()


def _print(
    records: RunRecords, view: RunView, args: argparse.Namespace, output: LogOutput, *, over: bool
) -> None:
    logs = records.paths.run(view.run_id).logs
    for job in select_jobs(view, args.job, may_come=True):
        for section in sections(job, args.step, failed=args.failed):
            output.print(
                log_path(logs, job.leg), section, whole=over or section.end is not None or not args.follow
            )
    output.flush()


def select_jobs(view: RunView, wanted: str | None, *, may_come: bool = False) -> Sequence[JobView]:
    """The jobs that a word names: a leg or job key, a job id, or a displayed name. Raises UserError when
    there is none."""
    if wanted is None:
        return view.jobs
    found = [job for job in view.jobs if wanted in (job.leg, job.job, job.name, job.job.partition(":")[2])]
    if not found and not may_come:
        names = ", ".join(f"`{job.name}`" for job in view.jobs) or "none"
        raise UserError(f"run `{view.run_id}` has no job `{wanted}`", hint=f"its jobs: {names}")
    return found


def sections(job: JobView, wanted: str | None, *, failed: bool) -> Iterator[Section]:
    """The parts of a job's log that are asked for, in order: a part per step that ran, and what lies
    between."""
    ran = sorted(
        (step for step in job.steps if step.started_at is not None), key=lambda step: step.log_offset
    )
    if wanted is not None or failed:
        for step in ran:
            if _is_wanted(step, wanted) and (not failed or step.outcome == Outcome.FAILURE):
                yield Section(job=job, step=step, start=step.log_offset, end=step.log_end)
        return
    at = 0
    for step in ran:
        if step.log_offset > at:
            yield Section(job=job, step=None, start=at, end=step.log_offset)
        yield Section(job=job, step=step, start=step.log_offset, end=step.log_end)
        at = step.log_end if step.log_end is not None else sys.maxsize
    if at != sys.maxsize and job.finished_at is not None:
        yield Section(job=job, step=None, start=at, end=None)


def _is_wanted(step: StepView, wanted: str | None) -> bool:
    return wanted is None or wanted in (step.step, step.name, str(step.number))
