"""The logs of a run: one file per leg, appended in large pieces, with the time of each piece beside it.

A piece is written when 256 KiB have gathered and otherwise 50 ms after its first byte (by the caller's
scheduler). Beside
`<leg>.log` lies `<leg>.times`: pairs (offset of a piece, seconds since the epoch), 16 bytes each, little
endian.
"""

from __future__ import annotations

import errno
import os
import re
import struct
from bisect import bisect_right
from collections.abc import Callable, Sequence
from hashlib import sha256

from skep.model.errors import StoreError
from skep.model.ids import LegKey, StepId
from skep.store.local.database import store_error
from skep.store.local.sink import Schedule

PIECE_BYTES = 256 * 1024
FLUSH_AFTER_S = 0.05
TAIL_BYTES = 64 * 1024
_TIME = struct.Struct("<Qd")
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


def log_path(logs: str, leg: str) -> str:
    """The file of a leg's log in a run's log folder: readable, safe, and different for each leg."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", leg).strip("-")[:80]
    return f"{logs}/{name}-{sha256(leg.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}.log"


def read_times(path: str) -> tuple[Sequence[int], Sequence[float]]:
    """The offsets of a log's pieces and when each was written; empty without a record of them."""
    try:
        with open(path.removesuffix(".log") + ".times", "rb") as file:
            data = file.read()
    except OSError:
        return (), ()
    pairs = list(_TIME.iter_unpack(data[: len(data) // _TIME.size * _TIME.size]))
    return [offset for offset, _ in pairs], [at for _, at in pairs]


def time_at(times: tuple[Sequence[int], Sequence[float]], offset: int) -> float | None:
    """When the byte at an offset was written, seconds since the epoch; None when it is not known."""
    index = bisect_right(times[0], offset) - 1
    return times[1][index] if index >= 0 else None


def last_lines(path: str, start: int, end: int | None, *, lines: int) -> list[bytes]:
    """The last lines of a part of a log, without their ends; fewer when they are long. [] when the file is gone."""
    try:
        with open(path, "rb") as file:
            stop = min(end, os.fstat(file.fileno()).st_size) if end is not None else file.seek(0, os.SEEK_END)
            begin = max(start, stop - TAIL_BYTES)
            file.seek(begin)
            data = file.read(max(stop - begin, 0))
    except OSError:
        return []
    found = data.removesuffix(b"\n").split(b"\n") if data else []
    return (found[1:] if begin > start and len(found) > 1 else found)[-lines:]


class FileLogStore:
    """The LogStore of one run. `on_failure` is called at most once per run, when output can no longer be
    kept."""

    def __init__(
        self,
        logs: str,
        *,
        clock: Callable[[], float],
        step_limit_bytes: int,
        on_failure: Callable[[StoreError], None],
        schedule: Schedule | None = None,
    ) -> None:
        """`logs` is an existing folder; `clock` gives seconds since the epoch; `schedule` is an event
        loop's `call_later`."""
        self._logs, self._clock, self._schedule = logs, clock, schedule
        self._step_limit_bytes, self._on_failure = step_limit_bytes, on_failure
        self._failed = False

    def open(self, leg: LegKey) -> FileLogSink:
        """The sink of a leg. A log that cannot be opened is reported and then drops what it gets."""
        return FileLogSink(
            log_path(self._logs, leg),
            clock=self._clock,
            schedule=self._schedule,
            step_limit_bytes=self._step_limit_bytes,
            on_failure=self._report,
        )

    def _report(self, error: StoreError) -> None:
        if not self._failed:
            self._failed = True
            self._on_failure(error)


class FileLogSink:
    """The LogSink of one leg. One thread only; never raises."""

    def __init__(
        self,
        path: str,
        *,
        clock: Callable[[], float],
        schedule: Schedule | None,
        step_limit_bytes: int,
        on_failure: Callable[[StoreError], None],
    ) -> None:
        self.path = path
        self.dropped: dict[StepId, int] = {}  # bytes beyond the limit, per step
        self._clock, self._schedule, self._limit, self._on_failure = (
            clock,
            schedule,
            step_limit_bytes,
            on_failure,
        )
        self._room: dict[StepId, int] = {}
        self._buffer = bytearray()
        self._written = 0
        self._began_at = 0.0
        self._scheduled = self._closed = False
        self._fd = self._times_fd = -1
        try:
            self._fd = os.open(path, _FLAGS, 0o600)
            self._times_fd = os.open(path.removesuffix(".log") + ".times", _FLAGS, 0o600)
        except OSError as error:
            self._fail(error)

    def write(self, step: StepId, chunk: bytes) -> None:
        """Appends a step's output, up to the limit of the step."""
        room = self._room.get(step, self._limit) - len(chunk)
        self._room[step] = room
        if room < 0:
            chunk = self._cut(step, chunk, -room)
        if chunk:
            self._append(chunk)

    def tell(self) -> int:
        """Bytes kept so far, those not yet written included."""
        return self._written + len(self._buffer)

    def flush(self) -> None:
        """Writes what has gathered, and its time."""
        if not self._buffer:
            return
        try:
            if self._fd >= 0:
                os.write(self._times_fd, _TIME.pack(self._written, self._began_at))
                _write_all(self._fd, self._buffer)
        except OSError as error:
            self._fail(error)
        self._written += len(self._buffer)
        self._buffer.clear()

    def close(self) -> None:
        """Writes what is left, and how much was dropped. Safe to repeat."""
        if self._closed:
            return
        self._closed = True
        for step, dropped in self.dropped.items():
            self._buffer += f"[skep] {dropped:,} bytes of step `{step}` were not kept\n".encode()
        self.flush()
        self._close_files()

    def _append(self, chunk: bytes) -> None:
        buffer = self._buffer
        if not buffer:
            self._began_at = self._clock()
            if self._schedule is not None and not self._scheduled:
                self._scheduled = True
                self._schedule(FLUSH_AFTER_S, self._tick)
        buffer += chunk
        if len(buffer) >= PIECE_BYTES or (
            self._schedule is None and self._clock() - self._began_at >= FLUSH_AFTER_S
        ):
            self.flush()

    def _cut(self, step: StepId, chunk: bytes, over: int) -> bytes:
        """What of a chunk is still kept when it goes over the limit by that much."""
        first = step not in self.dropped
        dropped = min(over, len(chunk))
        self.dropped[step] = self.dropped.get(step, 0) + dropped
        if not first:
            return b""
        note = f"\n[skep] more than {self._limit:,} bytes of output: the rest of this step is not kept\n"
        return chunk[: len(chunk) - dropped] + note.encode()

    def _tick(self) -> None:
        self._scheduled = False
        self.flush()

    def _fail(self, error: OSError) -> None:
        self._close_files()
        self._on_failure(store_error(self.path, error))

    def _close_files(self) -> None:
        for fd in (self._fd, self._times_fd):
            if fd >= 0:
                os.close(fd)
        self._fd = self._times_fd = -1


def _write_all(fd: int, data: bytearray) -> None:
    done = os.write(fd, data)
    while done < len(data):
        with memoryview(data) as view:
            written = os.write(fd, view[done:])
        if written == 0:
            raise OSError(errno.EIO, "nothing was written")
        done += written
