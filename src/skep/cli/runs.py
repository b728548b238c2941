"""Earlier runs of this project: list them, show one, check its journal, drop old ones."""

from __future__ import annotations

import argparse
import dataclasses
import json
import time

from skep.cache.artifacts import Artifacts
from skep.cli.project import RUN_HELP, Project, add_setting_flags, open_project
from skep.cli.tables import duration_text, render_table, short_ref, when_text
from skep.model.ids import RunId
from skep.store.local.records import RunRecords, RunRow
from skep.store.local.retention import Keep


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `skep runs`."""
    parser.add_argument(
        "--limit", type=int, default=20, metavar="N", help="show the newest N runs (default: 20)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    show = actions.add_parser("show", help="one run with its jobs, steps and annotations")
    show.add_argument("--summary", action="store_true", help="print the summaries that its steps wrote")
    verify = actions.add_parser("verify", help="check the hash chain of a run's journal")
    for action in (show, verify):
        action.add_argument("wanted", nargs="?", default="last", metavar="RUN", help=RUN_HELP)
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    prune = actions.add_parser("prune", help="drop runs beyond keep_days, keep_bytes and keep_count now")
    prune.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    add_setting_flags(prune, "keep_days", "keep_bytes", "keep_count")


def run(args: argparse.Namespace) -> int:
    """Does what `skep runs` was asked."""
    project = open_project(args)
    records = RunRecords(project.paths)
    try:
        if args.action == "show":
            return _show(records, args)
        if args.action == "verify":
            return _verify(records, args)
        if args.action == "prune":
            return _prune(records, project, args)
        return _list(records, args)
    finally:
        records.close()


def drop_old_runs(records: RunRecords, project: Project, now: float) -> tuple[str, ...]:
    """Drops the runs that the settings no longer cover: records, logs and artifacts. Gives their ids. Raises StoreError."""
    dropped = records.prune(keep_of(project), now)
    artifacts = Artifacts(project.paths.artifacts)
    for run_id in dropped:
        artifacts.remove_run(RunId(run_id))
    return dropped


def keep_of(project: Project) -> Keep:
    """What the settings say of old runs."""
    settings = project.settings
    return Keep(days=settings.keep_days, size_bytes=settings.keep_bytes, count=settings.keep_count)


def _list(records: RunRecords, args: argparse.Namespace) -> int:
    rows = records.list_runs(args.limit)
    if args.json:
        print(json.dumps([dataclasses.asdict(row) for row in rows], indent=2))
        return 0
    headings = ("run", "when", "trigger", "ref", "workflows", "status", "duration", "id")
    print(render_table(headings, [_cells(row) for row in rows]) or "no runs yet; `skep run` starts one")
    return 0


def _cells(row: RunRow) -> tuple[str, ...]:
    return (
        f"#{row.number}",
        when_text(row.started_at),
        row.event,
        short_ref(row.ref),
        ", ".join(row.workflows),
        row.status,
        "" if row.duration_s is None else duration_text(row.duration_s),
        row.run_id,
    )


def _show(records: RunRecords, args: argparse.Namespace) -> int:
    view = records.view(records.find(args.wanted))
    if args.json:
        print(json.dumps(dataclasses.asdict(view), indent=2))
    else:
        from skep.cli.runs_show import show_run  # the report is no business of the other actions

        show_run(view, records.paths, summaries=args.summary)
    return 0


def _verify(records: RunRecords, args: argparse.Namespace) -> int:
    run_id = records.find(args.wanted)
    broken = records.verify(run_id)
    if args.json:
        print(
            json.dumps(
                {
                    "run_id": run_id,
                    "intact": broken is None,
                    "broken": dataclasses.asdict(broken) if broken else None,
                }
            )
        )
    elif broken is None:
        print(f"run {run_id}: the journal is as it was written")
    else:
        print(f"run {run_id}: the journal was changed: {broken.reason}")
    return 0 if broken is None else 1


def _prune(records: RunRecords, project: Project, args: argparse.Namespace) -> int:
    dropped = drop_old_runs(records, project, time.time())
    print(json.dumps(dropped) if args.json else f"dropped {len(dropped)} runs")
    return 0
