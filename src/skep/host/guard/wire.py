"""Frames between a run and its guard: four bytes of length, then one marshalled tuple.

Marshal, because both ends are the same interpreter, it needs no import, and it keeps undecodable file names (surrogates)
as they are. Nobody else can write to the socket: no process below the guard inherits it.

| to the guard | meaning |
|---|---|
| `(SPAWN, number, tracking, argv, cwd, env)` | start; one file descriptor (output) comes with the frame's first byte |
| `(SIGNAL, number, signal)` | to the process group; SIGKILL: to everything that process started |
| `(KILL_TRACKED, request, tracking)` | kill everything with this tracking id, then answer |

| to the run | meaning |
|---|---|
| `(ENDED, number, wait status, CPU s, peak bytes, leftovers)` | the process ended; `leftovers`: its job has daemons |
| `(FAILED, number, stage, errno, text)` | it could not be started |
| `(KILLED, request, survivors)` | pids that did not die in time |
| `(BROKEN, text)` | the guard's own failure; it ends after this |
"""

from __future__ import annotations

import marshal

TYPE_CHECKING = False  # as in `typing`, without its import
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Message: TypeAlias = tuple[Any, ...]  # bytes become values here; the tables above list the shapes

SPAWN, SIGNAL, KILL_TRACKED = "spawn", "signal", "kill-tracked"
ENDED, FAILED, KILLED, BROKEN = "ended", "failed", "killed", "broken"

TRACKING = "RUNNER_TRACKING_ID"
"""The environment variable by which daemons are found, as in GitHub's runner. Source: actions/runner, `Constants.ProcessTrackingId`."""

CHUNK_BYTES = 1 << 16


def pack(message: Message) -> bytes:
    """One frame. Raises ValueError for anything but plain strings, numbers, tuples, lists and dicts."""
    body = marshal.dumps(message)
    return len(body).to_bytes(4, "little") + body


class Frames:
    """Turns bytes as they arrive into messages."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete with `data`, in order."""
        data = self._rest + data if self._rest else data
        messages: list[Message] = []
        at = 0
        while len(data) - at >= 4:
            end = at + 4 + int.from_bytes(data[at : at + 4], "little")
            if end > len(data):
                break
            messages.append(marshal.loads(data[at + 4 : end]))  # noqa: S302 - written by our own other end
            at = end
        self._rest = data[at:]
        return messages
