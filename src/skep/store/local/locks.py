"""Locks that die with their process: an exclusive `flock` on a file."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os

_BUSY = {errno.EACCES, errno.EAGAIN}


class Lock:
    """A file locked for as long as this process lives or until `release`. Raises BlockingIOError when it
    is taken."""

    def __init__(self, path: str, *, wait: bool = False) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(self._fd)
            raise

    def release(self) -> None:
        """Lets go, also when a child process has inherited the file. Safe to repeat."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                fcntl.flock(self._fd, fcntl.LOCK_UN)
            os.close(self._fd)
            self._fd = -1


def is_held(path: str) -> bool:
    """Whether a living process holds the lock file. Looks only: a shared lock for an instant."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe in its place has no writer
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in _BUSY
    finally:
        os.close(fd)
    return False
