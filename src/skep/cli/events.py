"""The journal of a run, fact by fact."""

from __future__ import annotations

import argparse
import sys

from skep.cli.project import RUN_HELP, open_project
from skep.store.local.records import RunRecords


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `skep events`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    export = actions.add_parser("export", help="print the facts of a run as they are in its journal")
    export.add_argument("wanted", nargs="?", default="last", metavar="RUN", help=RUN_HELP)
    export.add_argument(
        "--json-lines",
        action="store_true",
        help="one JSON object per line (the default, and the only form so far)",
    )


def run(args: argparse.Namespace) -> int:
    """Does what `skep events` was asked."""
    records = RunRecords(open_project().paths)
    try:
        for entry in records.entries(records.find(args.wanted)):
            sys.stdout.write(entry.text + "\n")
    finally:
        records.close()
    return 0
