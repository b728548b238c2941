"""kill -9 of a process that writes records: the run reads back, nothing is stale, the next run begins."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from skep.events.fold import RunView
from skep.pipeline.ports import GroupClaim
from skep.store.local.groups import SqliteConcurrencyGroups
from skep.store.local.logs import log_path
from skep.store.local.paths import StatePaths, state_paths
from skep.store.local.records import RunRecords
from skep.store.local.retention import Keep
from skep.testing.facts import BUILD, NOON, RUN_STEP, run_body, run_started
from tools import PROJECT

from . import writer

LIMIT_S = 30.0  # only a hang takes that long
MORE_POINTS_THAN_THERE_ARE = 200


def start(*words: str) -> subprocess.Popen[str]:
    """A program of writer.py."""
    path = f"{PROJECT / 'src'}{os.pathsep}{PROJECT / 'tests'}"
    return subprocess.Popen(
        [sys.executable, writer.__file__, *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """Programs that are killed at the end."""
    programs: list[subprocess.Popen[str]] = []
    yield programs
    for program in programs:
        program.kill()
        program.communicate()


def line(program: subprocess.Popen[str]) -> str:
    """The next line a program says; empty when it never does."""
    assert program.stdout is not None
    timer = threading.Timer(LIMIT_S, program.kill)
    timer.start()
    try:
        return program.stdout.readline().strip()
    finally:
        timer.cancel()


def reads_back(paths: StatePaths) -> RunView | None:
    """What another process sees after the death, and whether it could go on from there."""
    records = RunRecords(paths)
    rows = records.list_runs()
    view = records.view(rows[0].run_id) if rows else None
    if view is not None:
        assert records.verify(view.run_id) is None
        facts = list(records.facts(view.run_id))
        assert facts == [run_started(view.run_id, number=view.number), *run_body()][: len(facts)]
        assert rows[0].status == view.status
    reservation = records.reserve(NOON, os.urandom)
    sink = records.begin(
        run_started("20270101T000000-000000", number=reservation.number), on_failure=writer.never
    )
    assert view is None or reservation.number > view.number
    sink.close()
    assert len(records.prune(Keep(count=1), NOON)) == len(rows)
    records.close()
    return view


def test_a_writer_killed_before_any_sql_statement_leaves_a_run_that_reads_back(
    tmp_path: Path, started: list[subprocess.Popen[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []
    for point in range(1, MORE_POINTS_THAN_THERE_ARE):
        folder = str(tmp_path / str(point))
        program = start("one-run", folder, str(point))
        started.append(program)
        code = program.wait(LIMIT_S)
        view = reads_back(state_paths(folder, "/project"))
        seen.append(view.status if view else "nothing")
        if code == 0:
            break
        assert code == writer.KILLED_AT_ITS_POINT
    killed = seen[:-1]
    with capsys.disabled():
        print(
            f" [killed at {len(killed)} points: {', '.join(f'{killed.count(one)} {one}' for one in dict.fromkeys(killed))}] ",
            end="",
        )
    assert len(killed) > 30
    assert killed == sorted(
        killed, key=["nothing", "interrupted", "failure"].index
    )  # more is kept the later it dies
    assert set(killed) == {"nothing", "interrupted"}
    assert seen[-1] == "failure"


def test_what_was_published_and_logged_before_the_last_batch_survives(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    started.append(start("run-with-log", str(tmp_path)))
    assert line(started[0]) == "written"
    started[0].send_signal(signal.SIGKILL)
    started[0].wait(LIMIT_S)
    paths = state_paths(str(tmp_path), "/project")
    log = Path(log_path(paths.run(run_started().run_id).logs, BUILD))
    assert log.read_bytes() == b"before\n"
    view = reads_back(paths)
    assert view is not None
    (step,) = next(job for job in view.jobs if job.leg == BUILD).steps
    assert (view.status, step.step, step.status) == ("interrupted", RUN_STEP, "interrupted")


def test_many_processes_write_at_once_from_the_first_moment_on(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    started += [start("many-facts", str(tmp_path), "400") for _ in range(4)]
    said = [line(program).split() for program in started]
    assert sorted(number for _, number in said) == ["1", "2", "3", "4"]
    records = RunRecords(state_paths(str(tmp_path), "/project"))
    for run_id, _ in said:
        assert records.verify(run_id) is None
        assert len(list(records.entries(run_id))) == 402
    assert {row.status for row in records.list_runs()} == {"success"}
    records.close()


# --- concurrency groups -------------------------------------------------------------------------------------
def our_claim(paths: StatePaths, *, cancel: bool = False) -> bool:
    """Claims the group of `hold-group` in this process and lets it go."""

    async def main() -> bool:
        groups = SqliteConcurrencyGroups(paths)
        claim = GroupClaim(group="deploy", holder="ours", queue="max", cancel_in_progress=cancel)
        async with asyncio.timeout(LIMIT_S):
            won = await groups.claim(claim, lambda: None)
            await groups.release(claim)
        await groups.close()
        return won

    return asyncio.run(main())


def test_a_killed_holder_lets_go(tmp_path: Path, started: list[subprocess.Popen[str]]) -> None:
    started.append(start("hold-group", str(tmp_path), "single"))
    assert [line(started[0]), line(started[0])] == ["claiming", "holding"]
    killer = threading.Timer(0.2, started[0].kill)
    killer.start()
    assert our_claim(state_paths(str(tmp_path), "/project"))
    killer.join()
    assert os.listdir(state_paths(str(tmp_path), "/project").locks) == []


def test_a_killed_waiter_is_passed_over(tmp_path: Path, started: list[subprocess.Popen[str]]) -> None:
    holder, waiter = start("hold-group", str(tmp_path), "max"), None
    started.append(holder)
    assert [line(holder), line(holder)] == ["claiming", "holding"]
    waiter = start("hold-group", str(tmp_path), "max")
    started.append(waiter)
    assert line(waiter) == "claiming"
    waiter.kill()
    waiter.wait(LIMIT_S)
    holder.kill()
    assert our_claim(state_paths(str(tmp_path), "/project"))


def test_cancel_in_progress_reaches_the_holder_in_another_process(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    program = start("hold-group", str(tmp_path), "single")
    started.append(program)
    assert [line(program), line(program)] == ["claiming", "holding"]

    def end_when_cancelled() -> None:
        assert line(program) == "cancelled"
        program.kill()

    ender = threading.Thread(target=end_when_cancelled)
    ender.start()
    assert our_claim(state_paths(str(tmp_path), "/project"), cancel=True)
    ender.join(LIMIT_S)


def test_nothing_is_made_for_groups_before_the_first_claim(tmp_path: Path) -> None:
    SqliteConcurrencyGroups(state_paths(str(tmp_path / "state"), "/project"))
    assert os.listdir(tmp_path) == []
