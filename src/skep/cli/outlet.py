"""Bytes to standard output without ever waiting for whoever reads them, while a run goes on.

A terminal or pipe is opened once more, so that it can be made non-blocking for us alone: the flag belongs to the open file
description, which the shell and others share. What the reader does not take at once is queued and written by the event loop. Without a
running loop, and to files, writes wait as usual.

A reader that went away (EPIPE, a terminal that was closed: EIO) ends the output, not the run: everything later is dropped.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

TERMINAL_QUEUE_BYTES = 1 << 20
PIPE_QUEUE_BYTES = 16 << 20
_WRITE_BYTES = 1 << 16


class Outlet:
    """Where a run's output goes. One thread; order is kept."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._encoding = stream.encoding or "utf-8"
        self._queue = bytearray()
        self._watched: asyncio.AbstractEventLoop | None = None
        self._socket: socket.socket | None = None
        self._opened = -1
        self.closed = False  # the reader went away
        try:
            stream.flush()
        except OSError:
            self.closed = True
        self.is_terminal = stream.isatty()
        self.is_unicode = self._encoding.lower().replace("-", "").startswith("utf")
        self._fd, self._waits = self._open(stream)

    @property
    def never_waits(self) -> bool:
        """Whether writing to it needs no waiting: false for files, and where a terminal could not be opened anew."""
        return not self._waits

    @property
    def queued_bytes(self) -> int:
        """What the reader has not taken yet."""
        return len(self._queue)

    def print(self, text: str) -> None:
        """A line that must not be lost."""
        self.write(self.encode(text + "\n"))

    def encode(self, text: str) -> bytes:
        """Text as the stream wants it."""
        return text.encode(self._encoding, "replace")

    def write(self, data: bytes) -> None:
        """Writes, or queues whatever the size: for what must not be lost."""
        if self.closed:
            return
        self._queue += data
        self._push()
        if self._queue and not self._watch():
            self.drain()

    def offer(self, data: bytes) -> bool:
        """Writes what a slow terminal may miss: False when its queue is full. A slow pipe misses nothing: then this waits."""
        if self.is_terminal and len(self._queue) + len(data) > TERMINAL_QUEUE_BYTES:
            return False
        self.write(data)
        if len(self._queue) > PIPE_QUEUE_BYTES:
            self.drain()
        return True

    def drain(self, within_s: float | None = None) -> bool:
        """Waits until all is written, or the time is over; whether all is."""
        poll = select.poll()
        if self._queue and not self.closed:
            poll.register(self._fd, select.POLLOUT)
        while self._queue and not self.closed:
            if not poll.poll(None if within_s is None else within_s * 1000) and within_s is not None:
                return False
            self._push()
        self._unwatch()
        return not self._queue

    def close(self) -> None:
        """Lets go what was opened here; the stream itself stays open. Safe to repeat."""
        self._unwatch()
        if self._socket is not None:
            self._socket.close()
        elif self._opened >= 0:
            os.close(self._opened)
        self._socket, self._opened, self.closed = None, -1, True

    def _open(self, stream: TextIO) -> tuple[int, bool]:
        """The descriptor to write to, and whether writing to it waits."""
        try:
            fd = stream.fileno()
        except (OSError, ValueError):
            return -1, True
        mode = os.fstat(fd).st_mode
        if stat.S_ISSOCK(mode):
            self._socket = socket.socket(fileno=os.dup(fd))
            return self._socket.fileno(), False
        if stat.S_ISFIFO(mode) or self.is_terminal:
            for path in _paths(fd, is_terminal=self.is_terminal):
                with suppress(OSError):
                    self._opened = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
                    return self._opened, False
        return fd, True

    def _push(self) -> None:
        """Writes what can be written now."""
        send = self._sender()
        try:
            while self._queue:
                done = send(bytes(self._queue[:_WRITE_BYTES]))
                del self._queue[:done]
        except BlockingIOError:
            return
        except OSError:  # EPIPE, EIO, and whatever else a reader can do to us: the run goes on without it
            self.closed = True
            self._queue.clear()
            self._unwatch()

    def _sender(self) -> Callable[[bytes], int]:
        if self._socket is not None:
            sock = self._socket
            return lambda data: sock.send(data, socket.MSG_DONTWAIT)
        if self._fd < 0:
            return lambda data: _write_text(self._stream, data)
        return lambda data: os.write(self._fd, data)

    def _watch(self) -> bool:
        """Lets the event loop write the rest; False without one."""
        if self._watched is not None:
            return True
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        if self._waits:
            return False
        loop.add_writer(self._fd, self._on_writable)
        self._watched = loop
        return True

    def _on_writable(self) -> None:
        self._push()
        if not self._queue:
            self._unwatch()

    def _unwatch(self) -> None:
        if self._watched is not None:
            if not self._watched.is_closed():
                self._watched.remove_writer(self._fd)
            self._watched = None


def _paths(fd: int, *, is_terminal: bool) -> list[str]:
    """Names under which the file behind a descriptor can be opened anew."""
    paths = [f"/proc/self/fd/{fd}"] if sys.platform == "linux" else []
    if is_terminal:
        with suppress(OSError):
            paths.append(os.ttyname(fd))
    return paths


def _write_text(stream: TextIO, data: bytes) -> int:
    stream.write(data.decode("utf-8", "replace"))
    stream.flush()
    return len(data)
