"""A guard and a few words to start real processes with it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from skep.host.guard.child import Child
from skep.host.guard.client import Guard


@asynccontextmanager
async def a_guard() -> AsyncIterator[Guard]:
    """A started guard, closed at the end."""
    guard = Guard()
    await guard.start()
    try:
        yield guard
    finally:
        await guard.close()


def with_guard(test: Callable[[Guard], Awaitable[None]]) -> None:
    """Runs a test with a guard of its own."""

    async def go() -> None:
        async with a_guard() as guard:
            await test(guard)

    asyncio.run(go())


async def sh(
    guard: Guard, script: str, *arguments: str, job: str = "job", output: list[bytes] | None = None
) -> Child:
    """Starts a bash script; `arguments` are its $0, $1, ... (a marker, for example)."""
    take = (lambda _chunk: None) if output is None else output.append
    argv = ["bash", "-c", script, *arguments]
    return await guard.spawn(argv, "/", dict(os.environ), take, job)


async def eventually(fact: Callable[[], bool], *, timeout_s: float = 20.0) -> bool:
    """Whether something becomes true in time, while the loop goes on."""
    try:
        async with asyncio.timeout(timeout_s):
            while not fact():  # noqa: ASYNC110 - facts of /proc announce themselves to nobody
                await asyncio.sleep(0.01)
    except TimeoutError:
        return False
    return True
