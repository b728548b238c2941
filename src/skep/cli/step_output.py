"""What steps print, as it comes: kept to its end for the report, or cut into lines for whoever watches."""

from __future__ import annotations

from collections import deque

from skep.cli.log_text import for_terminal

TAIL_BYTES = 64 * 1024
LINE_BYTES = 64 * 1024
"""A line without an end is shown in pieces of this size."""


class StepTails:
    """The last bytes of each step's output. Chunks are kept as they came: nothing is copied, whatever the amount."""

    def __init__(self) -> None:
        self._chunks: dict[tuple[str, str], deque[bytes]] = {}
        self._sizes: dict[tuple[str, str], int] = {}

    def take(self, leg: str, step: str, chunk: bytes) -> None:
        """Takes the next output of a step."""
        key = leg, step
        chunks = self._chunks.get(key)
        if chunks is None:
            chunks = self._chunks[key] = deque()
        chunks.append(chunk)
        size = self._sizes.get(key, 0) + len(chunk)
        while size - len(chunks[0]) >= TAIL_BYTES:
            size -= len(chunks.popleft())
        if len(chunks) > TAIL_BYTES // 256:  # many small ones: an object costs more than what is in it
            joined = b"".join(chunks)
            chunks.clear()
            chunks.append(joined)
        self._sizes[key] = size

    def drop(self, leg: str, step: str) -> None:
        """Forgets a step: nobody will ask for it."""
        self._chunks.pop((leg, step), None)
        self._sizes.pop((leg, step), None)

    def get(self, leg: str, step: str) -> bytes:
        """The last bytes, at least `TAIL_BYTES` when there were as many."""
        return b"".join(self._chunks.get((leg, step), ()))


class LogLines:
    """Output of many jobs as lines that say whose they are: `name | text`."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour
        self._partial: dict[str, bytes] = {}

    def take(self, leg: str, name: str, chunk: bytes) -> list[str]:
        """The lines that a chunk ends."""
        data = self._partial.pop(leg, b"") + chunk
        whole, newline, rest = data.rpartition(b"\n")
        if len(rest) > LINE_BYTES:
            whole, newline, rest = data, b"\n", b""
        if rest:
            self._partial[leg] = rest
        if not newline:
            return []
        return [f"{name} | {for_terminal(line, colour=self._colour)}" for line in whole.split(b"\n")]

    def end(self, leg: str, name: str) -> list[str]:
        """The line that a step began and did not end."""
        rest = self._partial.pop(leg, b"")
        return [f"{name} | {for_terminal(rest, colour=self._colour)}"] if rest else []
