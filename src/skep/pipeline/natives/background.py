"""Long file work beside the loop, ended when its step is cancelled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from skep.cache.blobs import Stop

T = TypeVar("T")


async def in_thread(work: Callable[[Stop], T]) -> T:
    """The result of `work`, done in a thread. On cancellation `work` is told by its `stop` and waited for, so that nothing
    goes on writing into a workspace that is about to be removed."""
    stopped = threading.Event()
    task = asyncio.ensure_future(asyncio.to_thread(work, stopped.is_set))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stopped.set()
        with suppress(Exception):  # it was told to stop; how it says so is of no interest
            await task
        raise
