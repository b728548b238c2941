"""A run that stops at a named point and waits to be killed, or for its guard to be killed. Run by `test_deaths`.

deaths.py POINT MARKER     prints `at POINT <pid of the guard>`, and how it ended if it was not killed
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading

from skep.host.guard.client import Guard
from skep.host.guard.launch import launch_guard
from skep.model.errors import RunnerLost

STAY = "while :; do sleep 0.1; done"
FAMILY = (
    f"bash -c '{STAY}' $0 & setsid bash -c 'trap \"\" TERM INT HUP; {STAY}' $0 & "
    f"(setsid bash -c \"RUNNER_TRACKING_ID=x setsid bash -c '{STAY}' $0 & \" $0 &) ; "
)


def at(point: str, guard_pid: int) -> None:
    """Says that the point is reached."""
    print("at", point, guard_pid, flush=True)


async def main(point: str, marker: str) -> None:
    """Goes on to the point."""
    launched = launch_guard()
    if point == "guard launched":
        at(point, launched.pid)
    guard = Guard(launched)
    await guard.start()

    async def step(script: str, job: str = "job") -> None:
        child = await guard.spawn(["bash", "-c", script, marker], "/", dict(os.environ), lambda _c: None, job)
        await child.wait()

    match point:
        case "guard launched" | "nothing started":
            at(point, launched.pid)
            await step("sleep 1000")
        case "spawn sent, loop blocked":
            tasks = [asyncio.create_task(step(FAMILY + STAY)) for _ in range(10)]
            await asyncio.sleep(0)
            at(point, launched.pid)
            threading.Event().wait(1)
            await asyncio.gather(*tasks)
        case "step runs":
            task = asyncio.create_task(step(FAMILY + STAY))
            await asyncio.sleep(0.3)
            at(point, launched.pid)
            await task
        case "many steps run":
            tasks = [asyncio.create_task(step(FAMILY + STAY, f"job {i}")) for i in range(20)]
            await asyncio.sleep(0.5)
            at(point, launched.pid)
            await asyncio.gather(*tasks)
        case "steps come and go":
            threading.Timer(0.2, at, (point, launched.pid)).start()
            while True:
                await step(f"setsid sleep 1000 & exit 0; # {marker}")
        case "only daemons are left":
            await step(FAMILY)
            at(point, launched.pid)
            await step("sleep 1000", "other job")
        case "job is killed":
            await step(FAMILY)
            threading.Timer(0.001, at, (point, launched.pid)).start()
            while True:
                await guard.kill_tracked("job")
                await step(FAMILY)
        case "closing":
            await step(FAMILY)
            at(point, launched.pid)
            await guard.close()
            await asyncio.sleep(1)


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1], sys.argv[2]))
    except RunnerLost as error:
        print("lost:", error, flush=True)
