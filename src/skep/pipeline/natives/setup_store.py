"""Things that are made once and used by every later run: whole or not there, whoever makes them and whatever dies."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from skep.host.locks import try_exclusive
from skep.host.removal import remove_tree
from skep.model.errors import HostError

WAIT_S = 0.05


async def make_once(folder: str, make: Callable[[str], Awaitable[None]]) -> bool:
    """Sees to it that `folder` is there: `make` fills an empty folder beside it, which is then renamed. True when it was
    made now. Many jobs and processes may ask at once: one makes, the others wait. What a killed one left goes first.

    Raises what `make` raises, HostError when the folder cannot be made.
    """
    if _is_there(folder):
        return False
    parent, name = os.path.split(folder)
    try:
        os.makedirs(parent, exist_ok=True)
        async with held(f"{parent}/.{name}.lock"):
            if _is_there(folder):
                return False
            await asyncio.to_thread(_sweep, parent, f".{name}.part-")
            part = tempfile.mkdtemp(prefix=f".{name}.part-", dir=parent)
            try:
                os.chmod(part, 0o755)  # noqa: S103 - others may look, nobody else may write
                await make(part)
                os.rename(part, folder)
            except BaseException:
                remove_tree(part)
                raise
    except OSError as error:
        raise HostError(
            f"cannot make `{folder}`: {error.strerror or error}", hint="is the disk full? see `skep doctor`"
        ) from error
    return True


@asynccontextmanager
async def held(path: str) -> AsyncIterator[None]:
    """The lock at `path`, waited for without blocking the loop; the kernel lets go when the holder dies."""
    while True:
        with try_exclusive(path) as ours:
            if ours:
                yield
                return
        await asyncio.sleep(WAIT_S)


def _is_there(folder: str) -> bool:
    return os.path.isdir(folder)


def _sweep(parent: str, prefix: str) -> None:
    for name in os.listdir(parent):
        if name.startswith(prefix):
            remove_tree(f"{parent}/{name}")
