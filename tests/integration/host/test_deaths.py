"""Whatever dies, and whenever: no process of a run outlives it by more than two seconds."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from skep.host.guard.client import Guard
from skep.host.guard.launch import launch_guard
from skep.model.errors import RunnerLost
from skep.testing.processes import alive_with, all_gone, new_marker

from .running import eventually, sh

PROGRAM = Path(__file__).with_name("deaths.py")
POINTS = [
    "guard launched",
    "nothing started",
    "spawn sent, loop blocked",
    "step runs",
    "many steps run",
    "steps come and go",
    "only daemons are left",
    "job is killed",
    "closing",
]


@contextmanager
def a_run_at(point: str, marker: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A run that has come to the point, and its guard's pid."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.Popen(
        [sys.executable, str(PROGRAM), point, marker], stdout=subprocess.PIPE, text=True, env=env
    )
    with run:
        assert run.stdout is not None
        line = run.stdout.readline().split()
        assert line[:-1] == ["at", *point.split()]
        try:
            yield run, int(line[-1])
        finally:
            run.kill()


@pytest.mark.parametrize("point", POINTS)
def test_nothing_stays_when_the_run_is_killed(point: str) -> None:
    marker = new_marker()
    with a_run_at(point, marker) as (run, guard):
        run.kill()
        run.wait()
        assert all_gone(marker)
        assert _ends(guard)


@pytest.mark.parametrize("point", [point for point in POINTS if point != "closing"])
def test_nothing_stays_when_the_guard_is_killed_and_the_run_says_so(point: str) -> None:
    marker = new_marker()
    with a_run_at(point, marker) as (run, guard):
        os.kill(guard, signal.SIGKILL)
        said, _ = run.communicate(timeout=20)
        assert "lost: the guard process of this run is gone: it was killed or crashed" in said
        assert run.returncode == 0
        assert all_gone(marker)


@pytest.mark.parametrize("point", ["step runs", "only daemons are left"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGSEGV])
def test_nothing_stays_when_the_guard_ends_by_another_signal(point: str, number: signal.Signals) -> None:
    marker = new_marker()
    with a_run_at(point, marker) as (run, guard):
        os.kill(guard, number)
        said, _ = run.communicate(timeout=20)
        assert "lost: " in said
        assert all_gone(marker)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_what_a_terminal_sends_does_not_end_the_guard(number: signal.Signals) -> None:
    marker = new_marker()
    with a_run_at("step runs", marker) as (run, guard):
        os.kill(guard, number)
        with pytest.raises(subprocess.TimeoutExpired):
            run.wait(0.3)
        run.kill()
        run.wait()
        assert all_gone(marker)


def test_a_stopped_run_that_is_killed_leaves_nothing() -> None:
    marker = new_marker()
    with a_run_at("many steps run", marker) as (run, _guard):
        run.send_signal(signal.SIGSTOP)
        run.kill()
        run.wait()
        assert all_gone(marker)


def test_the_loss_of_one_guard_spares_another_one_and_helper_commands() -> None:
    program = (
        "import asyncio, os, signal\n"
        "from skep.host.guard.client import Guard\n"
        "from skep.host.guard.launch import launch_guard\n"
        "from skep.host.process import run_sync\n"
        "async def main():\n"
        "    lost, kept = launch_guard(), launch_guard()\n"
        "    first, second = Guard(lost), Guard(kept)\n"
        "    await first.start(); await second.start()\n"
        "    helper = asyncio.create_task(asyncio.to_thread(run_sync, ['sh', '-c', 'sleep 0.6; echo done'], cwd='/'))\n"
        "    doomed = await first.spawn(['sleep', '60'], '/', dict(os.environ), print, 'a')\n"
        "    step = await second.spawn(['sh', '-c', 'sleep 0.6; exit 4'], '/', dict(os.environ), print, 'b')\n"
        "    await asyncio.sleep(0.2)\n"
        "    os.kill(lost.pid, signal.SIGKILL)\n"
        "    try: await doomed.wait()\n"
        "    except Exception as error: print(type(error).__name__)\n"
        "    print((await step.wait()).exit_code, (await helper).stdout)\n"
        "    await first.close(); await second.close()\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.stdout, done.stderr) == ("RunnerLost\n4 b'done\\n'\n", "")


def test_a_guard_that_breaks_kills_everything_and_says_why() -> None:
    marker = new_marker()

    async def go() -> None:
        launched = launch_guard()
        guard = Guard(launched)
        await guard.start()
        step = await sh(guard, "setsid sleep 60 & sleep 61; :", marker)
        assert await eventually(lambda: bool(alive_with(marker)))
        launched.sock.send(b"\x04\0\0\0junk")
        with pytest.raises(RunnerLost, match="is gone: ValueError: bad marshal data"):
            await step.wait()
        assert not alive_with(marker)
        assert await guard.kill_tracked("job") == ()
        with pytest.raises(RunnerLost):
            await sh(guard, "true")
        await guard.close()

    asyncio.run(go())


def test_the_points_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(
            f"\n[kill -9 of a run and of its guard: {len(POINTS)} points each, the guard not while closing]"
        )
    source = PROGRAM.read_text()
    assert all(f'"{point}"' in source for point in POINTS)


def _ends(pid: int) -> bool:
    from skep.host.guard.tree import is_alive
    from skep.testing.processes import GONE_S, wait_until

    return wait_until(lambda: not is_alive(pid), timeout_s=GONE_S)
