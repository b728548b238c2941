"""Programs that tests start and kill: `python writer.py WHAT STATE_DIR [...]`, with src and tests on
PYTHONPATH."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable

from skep.events.facts import RunFinished
from skep.model.errors import StoreError
from skep.model.ids import LegKey, StepId
from skep.pipeline.ports import GroupClaim
from skep.store.local.groups import SqliteConcurrencyGroups
from skep.store.local.logs import FileLogStore
from skep.store.local.paths import state_paths
from skep.store.local.records import RunRecords
from skep.testing.facts import NOON, run_body, run_started, step_finished

KILLED_AT_ITS_POINT = -signal.SIGKILL


def never(error: StoreError) -> None:
    """An `on_failure` that must not be called."""
    raise AssertionError(error)


def one_run(state_dir: str, point: str) -> None:
    """Writes a run in three batches and dies by -9 before the `point`-th SQL statement."""
    left = int(point)

    def count(statement: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    records = RunRecords(state_paths(state_dir, "/project"))
    records._connection.set_trace_callback(count)
    reservation = records.reserve(time.time(), os.urandom)
    sink = records.begin(run_started(reservation.run_id, number=reservation.number), on_failure=never)
    for index, fact in enumerate(run_body()):
        sink.publish(fact)
        if index in (4, 10):
            sink.flush()
    sink.close()


def many_facts(state_dir: str, facts: str) -> None:
    """Writes a run of that many facts beside other processes; prints its id."""
    records = RunRecords(state_paths(state_dir, "/project"))
    reservation = records.reserve(time.time(), os.urandom)
    sink = records.begin(run_started(reservation.run_id, number=reservation.number), on_failure=never)
    for number in range(int(facts)):
        sink.publish(step_finished(number=number, at=NOON + number * 0.01))
    sink.publish(RunFinished(at=NOON + 99, status="success", duration_s=99.0, cpu_s=1.0))
    sink.close()
    print(reservation.run_id, reservation.number, flush=True)


def run_with_log(state_dir: str) -> None:
    """Begins a run, logs and publishes on an event loop, says so, and waits to be killed."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        paths = state_paths(state_dir, "/project")
        records = RunRecords(paths)
        number = records.reserve(NOON, os.urandom).number
        sink = records.begin(run_started(number=number), on_failure=never, schedule=loop.call_later)
        logs = FileLogStore(
            paths.run(sink.run_id).logs,
            clock=time.time,
            step_limit_bytes=1 << 20,
            on_failure=never,
            schedule=loop.call_later,
        )
        log = logs.open(LegKey("ci.yml:build"))
        log.write(StepId("__run"), b"before\n")
        for fact in run_body()[:6]:
            sink.publish(fact)
        await asyncio.sleep(0.3)  # six times the longest wait of a batch
        print("written", flush=True)
        await asyncio.sleep(60)

    asyncio.run(main())


def hold_group(state_dir: str, queue: str) -> None:
    """Claims a group, says what happens to the claim, and waits to be killed."""

    async def main() -> None:
        groups = SqliteConcurrencyGroups(state_paths(state_dir, "/project"))
        claim = GroupClaim(
            group="deploy", holder=f"run/{os.getpid()}", queue="max" if queue == "max" else "single"
        )
        print("claiming", flush=True)
        won = await groups.claim(claim, lambda: print("cancelled", flush=True))
        print("holding" if won else "replaced", flush=True)
        await asyncio.sleep(60)

    asyncio.run(main())


PROGRAMS: dict[str, Callable[..., None]] = {
    "one-run": one_run,
    "many-facts": many_facts,
    "hold-group": hold_group,
    "run-with-log": run_with_log,
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](*sys.argv[2:])
