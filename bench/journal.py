"""Microseconds of CPU per fact: encoded and chained, verified, decoded, written to the store; logs and the
claim of a group."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable

from bench.stopwatch import say
from skep.events.facts import Fact, RunFinished
from skep.events.fold import fold
from skep.events.journal import chain, decode_fact, genesis, verify_chain
from skep.model.errors import StoreError
from skep.model.ids import LegKey, StepId
from skep.pipeline.ports import GroupClaim
from skep.store.local.groups import SqliteConcurrencyGroups
from skep.store.local.logs import FileLogStore
from skep.store.local.paths import StatePaths, state_paths
from skep.store.local.records import RunRecords
from skep.testing.facts import NOON, run_body, run_started, step_finished

FACTS = 15_000
ROUNDS = 5
LINES = 1_000_000
CLAIMS = 500


def main() -> None:
    """Prints the figures."""
    batch = [fact for _ in range(FACTS // len(run_body())) for fact in run_body()[:-1]]
    entries = chain(genesis("r"), 0, batch)
    say("journal.encode_and_chain", best(lambda: chain(genesis("r"), 0, batch), len(batch)), "us/fact")
    say("journal.verify", best(lambda: verify_chain(entries, previous=genesis("r")), len(batch)), "us/fact")
    say("journal.decode", best(lambda: [decode_fact(entry.text) for entry in entries], len(batch)), "us/fact")
    say("journal.fold", best(lambda: fold([run_started(), *batch], alive=True), len(batch)), "us/fact")
    with tempfile.TemporaryDirectory() as folder:
        paths = state_paths(folder, "/project")
        say("journal.publish_to_sqlite", _publish(paths, batch), "us/fact")
        say("journal.run_of_1500_facts", _run_of_1500(paths), "ms CPU")
        say("logs.write_a_million_lines", _logs(folder), "ms CPU")
        say("groups.claim_and_release", asyncio.run(_groups(paths)), "us")


def best(action: Callable[[], object], facts: int) -> float:
    """The least CPU time of some rounds, in microseconds per fact."""
    took = []
    for _ in range(ROUNDS):
        started = time.process_time()
        action()
        took.append(time.process_time() - started)
    return min(took) / facts * 1e6


def _never(error: StoreError) -> None:
    raise error


def _write(paths: StatePaths, batch: list[Fact]) -> None:
    records = RunRecords(paths)
    reservation = records.reserve(time.time(), os.urandom)
    sink = records.begin(run_started(reservation.run_id, number=reservation.number), on_failure=_never)
    for fact in batch:
        sink.publish(fact)
    sink.publish(RunFinished(at=NOON + 9, status="success", duration_s=9.0, cpu_s=1.0))
    sink.close()
    records.close()


def _publish(paths: StatePaths, batch: list[Fact]) -> float:
    return best(lambda: _write(paths, batch), len(batch))


def _run_of_1500(paths: StatePaths) -> float:
    """As 200 jobs in two seconds: a batch every 50 ms, opening and closing the store included."""
    batch: list[Fact] = [step_finished(number=number, at=NOON + number * 2 / 1500) for number in range(1500)]
    return best(lambda: _write(paths, batch), 1) / 1000


def _logs(folder: str) -> float:
    chunk = b"a line of output, as long as lines of output mostly are\n" * 800

    def write() -> None:
        store = FileLogStore(folder, clock=time.time, step_limit_bytes=1 << 40, on_failure=_never)
        log = store.open(LegKey("a"))
        for _ in range(LINES // 800):
            log.write(StepId("__run"), chunk)
        log.close()
        os.unlink(log.path)

    return best(write, 1) / 1000


async def _groups(paths: StatePaths) -> float:
    groups = SqliteConcurrencyGroups(paths)
    started = time.process_time()
    for number in range(CLAIMS):
        claim = GroupClaim(group=f"group-{number}", holder="bench")
        await groups.claim(claim, lambda: None)
        await groups.release(claim)
    took = time.process_time() - started
    await groups.close()
    return took / CLAIMS * 1e6
