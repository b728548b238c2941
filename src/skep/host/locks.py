"""Advisory locks between processes (flock): held by an open file, so the kernel lets go whatever kills the holder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager


class Lock:
    """A held lock."""

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    def release(self) -> None:
        """Lets go. Safe to repeat."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)


def _open(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def lock_shared(path: str) -> Lock:
    """Waits for a lock that many may hold at once. Raises OSError."""
    handle = _open(path)
    fcntl.flock(handle, fcntl.LOCK_SH)
    return Lock(handle)


@contextmanager
def lock_exclusive(path: str) -> Iterator[None]:
    """Waits for a lock of ours alone, for the length of a `with`. Raises OSError."""
    handle = _open(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def try_exclusive(path: str) -> Iterator[bool]:
    """Whether nobody else holds the lock; if so it is ours for the length of a `with`. Raises OSError."""
    handle = _open(path)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
