"""`skep why` and its kin with 10,000 runs of history, and on a run of 1,500 facts: the whole command."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from bench.stopwatch import cpu, interleave, lap, say, wall
from skep.events.facts import Fact, RunFinished
from skep.model.errors import StoreError
from skep.model.ids import LegKey
from skep.store.local.logs import FileLogStore
from skep.store.local.paths import StatePaths, state_paths
from skep.store.local.records import RunRecords
from skep.testing.facts import BUILD, NOON, run_body, run_started, step_finished
from skep.testing.history import write_history

RUNS = 10_000
ROUNDS = 9
SOURCE = Path(__file__).resolve().parents[1] / "src"


def main() -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "project")
        (root / ".github" / "workflows").mkdir(parents=True)
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "HOME": folder}
        env["SKEP_STATE_DIR"] = f"{folder}/state"
        paths = state_paths(env["SKEP_STATE_DIR"], str(root))
        _measure(root, env, "a run of 12 facts", paths, 0)
        write_history(paths, RUNS)
        say("why.expected_durations (10,000 runs)", _durations(paths), "ms CPU")
        _measure(root, env, "10,000 runs", paths, RUNS)
        _big_run(paths)
        _measure(root, env, "a run of 1,500 facts", paths, RUNS + 1)


def _measure(root: Path, env: dict[str, str], what: str, paths: StatePaths, runs: int) -> None:
    if not runs:
        write_history(paths, 1)

    def skep(*words: str) -> list[str]:
        return [sys.executable, "-m", "skep.cli.main", *words]

    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "why": skep("why"),
        "why JOB": skep("why", "build"),
        "runs": skep("runs"),
        "logs": skep("logs"),
    }
    laps = interleave(
        ROUNDS, *(lambda argv=argv: lap(argv, cwd=str(root), env=env) for argv in commands.values())
    )
    for name, taken in zip(commands, laps, strict=True):
        label = f"why.{name.replace(' ', '_')} ({what})"
        say(label, wall(taken) * 1000, "ms")
        say(label, cpu(taken) * 1000, "ms CPU")


def _durations(paths: StatePaths) -> float:
    """What an estimate or a live view reads of the history."""
    records = RunRecords(paths)
    started = time.process_time()
    records.expected_durations()
    took = time.process_time() - started
    records.close()
    return took * 1000


def _big_run(paths: StatePaths) -> None:
    """200 jobs' worth of facts and a log of 10 MB."""
    records = RunRecords(paths)
    number = records.reserve(NOON, os.urandom).number
    started = run_started(f"20261121T120000-{number:06x}", number=number)
    sink = records.begin(started, on_failure=_never)
    facts: list[Fact] = [*run_body()[:-1], *(step_finished(number=one, at=NOON) for one in range(2, 1500))]
    facts.append(RunFinished(at=NOON, status="failure", duration_s=9.0, cpu_s=1.0))
    for fact in facts:
        sink.publish(fact)
    sink.close()
    records.close()
    store = FileLogStore(
        paths.run(started.run_id).logs, clock=lambda: NOON, step_limit_bytes=1 << 30, on_failure=_never
    )
    log = store.open(LegKey(BUILD))
    log.close()


def _never(error: StoreError) -> None:
    raise error
