"""A step's output stream: bytes in as they come, masked bytes to the log, workflow commands to their interpreter.

Nearly all output holds no command, so whole chunks are searched for the two markers and pass at once when neither
is there. Commands are read before masking (a `set-output` value may be a secret), everything written is masked.
An unfinished last line is held back only while it may still become a command.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from skep.model.ids import StepId
from skep.pipeline.ports import LogSink

_HOLD_LIMIT = 1 << 20
"""An unfinished line longer than this is text, whatever it begins with."""
_MARKED_LINE = re.compile(rb"^(?:[^\S\n]*::|[^\n]*##\[)[^\n]*\n?", re.MULTILINE)


class MaskingStream(Protocol):
    """A masker for one stream of bytes (`skep.host.masking`)."""

    def feed(self, chunk: bytes) -> bytes: ...

    def finish(self) -> bytes: ...


class LineWatch(Protocol):
    """What looks at whole lines of output while it is true: the problem matchers."""

    def __bool__(self) -> bool: ...

    def take(self, lines: list[str]) -> None: ...


class StepOutput:
    """Takes the output of one step. `on_line` gets each line that may hold a command; it gives the text to log, or None."""

    def __init__(
        self,
        step: StepId,
        masking: MaskingStream,
        log: LogSink,
        on_line: Callable[[str], str | None],
        watch: LineWatch | None = None,
    ) -> None:
        self._step = step
        self._masking = masking
        self._log = log
        self._on_line = on_line
        self._held = b""
        self._watch = watch
        self._unwatched = b""  # the beginning of a line that is not whole yet

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes of the process, cut anywhere."""
        if self._held:
            chunk = self._held + chunk
            self._held = b""
        if b"::" in chunk or b"##[" in chunk:
            self._feed_marked(chunk)
        else:
            self._write(self._hold_back(chunk))

    def line(self, text: str) -> None:
        """Takes one line that is whole: of Skep itself or of a native action; commands work in it."""
        self.feed(text.encode("utf-8", "replace") + b"\n")

    def say(self, text: str) -> None:
        """Logs a line of Skep's own in which nothing is a command: it may quote the user's text."""
        if self._held:
            self._write(self._held + b"\n")
            self._held = b""
        self._emit(text.encode("utf-8", "replace") + b"\n")

    def finish(self) -> None:
        """The stream has ended: what is held back goes out."""
        if self._held:
            held, self._held = self._held, b""
            self._take_line(held)
        if self._unwatched:
            self._look_at(b"\n")
        if rest := self._masking.finish():
            self._log.write(self._step, rest)

    def _feed_marked(self, chunk: bytes) -> None:
        whole, tail = self._split_tail(chunk)
        position = 0
        for match in _MARKED_LINE.finditer(whole):
            self._write(whole[position : match.start()])
            self._take_line(match.group())
            position = match.end()
        self._write(whole[position:])
        self._write(self._hold_back(tail))

    def _take_line(self, raw: bytes) -> None:
        line = raw.rstrip(b"\r\n").decode("utf-8", "replace")
        text = self._on_line(line)
        if text is None:
            return
        if text == line:
            self._write(raw)
        else:
            self._emit(text.encode("utf-8", "replace") + b"\n")

    def _hold_back(self, chunk: bytes) -> bytes:
        """What of `chunk` may be logged now; the rest is kept."""
        whole, tail = self._split_tail(chunk)
        if tail and len(tail) <= _HOLD_LIMIT and _may_become_command(tail):
            self._held = tail
            return whole
        return chunk

    @staticmethod
    def _split_tail(chunk: bytes) -> tuple[bytes, bytes]:
        cut = chunk.rfind(b"\n") + 1
        return chunk[:cut], chunk[cut:]

    def _write(self, data: bytes) -> None:
        if self._watch:
            self._look_at(data)
        self._emit(data)

    def _emit(self, data: bytes) -> None:
        if data and (masked := self._masking.feed(data)):
            self._log.write(self._step, masked)

    def _look_at(self, data: bytes) -> None:
        whole, newline, rest = (self._unwatched + data).rpartition(b"\n")
        self._unwatched = rest[-_HOLD_LIMIT:]
        if newline and self._watch:
            self._watch.take([line.rstrip("\r") for line in whole.decode("utf-8", "replace").split("\n")])


def _may_become_command(tail: bytes) -> bool:
    start = tail[:4096].lstrip()
    return not start or start.startswith(b":") or b"##[" in tail or tail.endswith(b"#")
