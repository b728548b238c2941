"""One process that the guard started: its output as it comes, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from skep.host.process import ProgramNotFound
from skep.model.errors import HostError

SignalName: TypeAlias = Literal["INT", "TERM", "KILL"]
PIPE_BYTES = 1 << 16  # what Linux gives a pipe
LINGER_S = 5.0  # how long what a process left behind may go on writing for it; GitHub's runner waits as long
QUIET_S = 1.0  # but no longer than this without a word, so that a server in the background costs little
BUSY_PIPE_BYTES = 1 << 18  # what we ask for when a process fills it


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended, with what it and the children it waited for have used."""

    exit_code: int  # 128 + signal when a signal ended it
    signal: int
    cpu_s: float
    peak_memory_bytes: int  # at least the guard's own size (some 10 MB): Linux counts from before exec


class Child:
    """A started process. Made by `Guard.spawn`."""

    __slots__ = (
        "_deadline",
        "_end",
        "_error",
        "_fd",
        "_is_watched",
        "_lingering",
        "_loop",
        "_on_output",
        "_pending",
        "_pipe_bytes",
        "_send_signal",
        "_waiters",
        "argv",
        "cwd",
        "number",
        "tracking",
    )

    def __init__(
        self,
        send_signal: Callable[[int, SignalName], None],
        loop: asyncio.AbstractEventLoop,
        number: int,
        fd: int,
        *,
        on_output: Callable[[bytes], None],
        tracking: str,
        argv: Sequence[str],
        cwd: str,
    ) -> None:
        self.number, self.tracking, self.argv, self.cwd = number, tracking, argv, cwd
        self._send_signal, self._loop, self._fd, self._on_output = send_signal, loop, fd, on_output
        self._pipe_bytes = PIPE_BYTES
        self._is_watched = False
        self._end: Ended | None = None
        self._error: Exception | None = None
        self._pending: Ended | None = None  # it has ended, something it left still holds the pipe
        self._lingering: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._waiters: list[asyncio.Future[None]] = []

    async def wait(self) -> Ended:
        """The end of the process itself, after its output was delivered: what it left behind may write on for QUIET_S
        after each chunk, LINGER_S at most. Many may wait; cancelling a wait is harmless.

        Raises ProgramNotFound or HostError when it could not be started, RunnerLost when the guard is gone, and
        whatever `on_output` raised.
        """
        while self._end is None and self._error is None:
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter
        if self._error is not None:
            raise self._error
        assert self._end is not None
        return self._end

    def send(self, name: SignalName) -> None:
        """INT and TERM go to its process group; KILL to everything it started. Safe to repeat, and when ended."""
        self._send_signal(self.number, name)

    @property
    def is_open(self) -> bool:
        """Whether something still holds the output pipe."""
        return self._fd >= 0

    # --- for the guard's client -------------------------------------------------------------------------------------
    def open(self) -> None:
        """Begins to read, unless it has ended meanwhile."""
        if self._fd >= 0 and not self._is_watched:
            self._is_watched = True
            self._loop.add_reader(self._fd, self._on_readable)

    def close(self) -> None:
        """Stops reading."""
        if self._fd >= 0:
            if self._is_watched:
                self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def ended(self, status: int, cpu_s: float, peak_memory_bytes: int) -> None:
        """The guard reaped it. Its end is told when the pipe closes: `exec > >(tee log)` writes its last lines after the
        shell is gone. What a daemon writes later than that waits is read and dropped."""
        self._drain()
        code = os.waitstatus_to_exitcode(status)
        self._pending = Ended(
            exit_code=code if code >= 0 else 128 - code,
            signal=max(0, -code),
            cpu_s=cpu_s,
            peak_memory_bytes=peak_memory_bytes,
        )
        self._deadline = self._loop.time() + LINGER_S
        self.open()  # a daemon must neither block nor get SIGPIPE
        self._linger()

    def _linger(self) -> None:
        """Waits for more output, or tells the end when there will be none."""
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        left = self._deadline - self._loop.time()
        if self._fd >= 0 and self._error is None and left > 0:
            self._lingering = self._loop.call_later(min(QUIET_S, left), self._tell_end)
        else:
            self._tell_end()

    def _tell_end(self) -> None:
        self._end, self._pending = self._pending, None
        self._on_output = _drop
        self._wake()

    def failed(self, error: HostError) -> None:
        """It was never started, or nobody knows how it ended."""
        self._drain()
        self.close()
        if self._pending is not None:
            self._linger()  # somebody does know
            return
        self._error = self._error or error
        self._wake()

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    def _on_readable(self) -> int:
        """Reads once; gives the number of bytes, 0 when there is nothing now or never again."""
        if self._fd < 0:
            return 0
        try:
            chunk = os.read(self._fd, self._pipe_bytes)
        except BlockingIOError:
            return 0
        except OSError:
            chunk = b""
        if not chunk:
            self.close()
            if self._pending is not None:
                self._linger()
            return 0
        if len(chunk) == PIPE_BYTES == self._pipe_bytes:
            self._widen()
        try:
            self._on_output(chunk)
        except Exception as error:  # noqa: BLE001 - the guard's messages behind this one must not be lost; `wait` raises it
            self._error, self._on_output = error, _drop
        if self._pending is not None:
            self._linger()
        return len(chunk)

    def _drain(self) -> None:
        """Delivers what is in the pipe now, which is at most its size (and the end behind it), even if a daemon keeps filling it."""
        left = self._pipe_bytes
        while left >= 0 and (count := self._on_readable()):
            left -= count

    def _widen(self) -> None:
        self._pipe_bytes = BUSY_PIPE_BYTES  # also when the system refuses: it is only the size of a read then
        with contextlib.suppress(OSError):  # over the user's limit for all pipes
            fcntl.fcntl(self._fd, fcntl.F_SETPIPE_SZ, BUSY_PIPE_BYTES)


def _drop(_chunk: bytes) -> None:
    """Output nobody wants any more."""


def start_error(argv: Sequence[str], cwd: str, stage: str, code: int, text: str) -> HostError:
    """Why a process could not be started, in words."""
    name = argv[0] if argv else ""
    if stage == "cwd":
        return HostError(f"cannot start `{name}` in `{cwd}`: {text}", hint="is the working directory there?")
    if stage == "find" and code in (errno.ENOENT, errno.ENOTDIR):
        return ProgramNotFound(f"program not found: `{name}`", hint=f"install `{name}`, or put it on PATH")
    explained = {
        errno.ENOENT: ("the interpreter named in its first line is missing", ""),
        errno.E2BIG: (
            "its arguments and environment are too large for this system",
            "pass large values through files instead of `env`",
        ),
        errno.ENOEXEC: ("it is neither a program for this machine nor a script with a `#!` line", ""),
        errno.EACCES: ("no permission to execute it", f"`chmod +x {name}`"),
        errno.EMFILE: ("too many open files", "run fewer jobs at once (`-j`), or raise `ulimit -n`"),
        errno.ENFILE: ("the system has too many open files", "run fewer jobs at once (`-j`)"),
        errno.EAGAIN: (
            "the system's limit of processes is reached",
            "run fewer jobs at once (`-j`), or raise `ulimit -u`",
        ),
        errno.ENOMEM: ("out of memory", "run fewer jobs at once (`-j`)"),
    }
    reason, hint = explained.get(code, (text, ""))
    return HostError(f"cannot start `{name}`: {reason}", hint=hint)
