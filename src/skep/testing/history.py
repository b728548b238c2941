"""A long history for tests and figures: many small finished runs, written the way real ones are."""

from __future__ import annotations

import os

from skep.events import facts as f
from skep.model.errors import StoreError
from skep.store.local.paths import StatePaths
from skep.store.local.records import RunRecords
from skep.testing.facts import NOON, run_body, run_started


def write_history(paths: StatePaths, runs: int) -> None:
    """Records that many runs of `run_body`, a minute apart."""
    records = RunRecords(paths)
    body = run_body()[:-1]
    try:
        for _ in range(runs):
            number = records.reserve(NOON, os.urandom).number
            at = NOON + 60.0 * number
            started = run_started(f"20261120T120000-{number:06x}", number=number, at=at)
            sink = records.begin(started, on_failure=_never)
            for fact in body:
                sink.publish(fact)
            sink.publish(f.RunFinished(at=at, status="failure", duration_s=4.0, cpu_s=0.5))
            sink.close()
    finally:
        records.close()


def _never(error: StoreError) -> None:
    raise error
