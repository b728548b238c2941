"""The terminal under the live view: its size, its modes, and whether it is ours to draw on.

While the view stands, the cursor is hidden and typed characters are not echoed (an Enter would move the view under our
feet). `leave` undoes both; it is called on every way out, and again by `atexit` should one be missed.
"""

from __future__ import annotations

import atexit
import os
import termios
from collections.abc import Mapping
from contextlib import suppress
from typing import TextIO

from skep.cli.live.paint import HIDE_CURSOR, SHOW_CURSOR
from skep.cli.outlet import Outlet

_LOCAL_FLAGS = 3  # index in what tcgetattr gives
_LEAVE_WITHIN_S = 0.5


class Terminal:
    """`enter` and `leave` in turn, each safe to repeat."""

    def __init__(self, fd: int, outlet: Outlet, environ: Mapping[str, str]) -> None:
        self._fd, self._outlet = fd, outlet
        self._modes: list[int | list[bytes | int]] | None = None
        self.entered = False
        name = environ.get("TERM", "")
        self.reflows = name != "linux" and (not name.startswith("screen") or "TMUX" in environ)

    def size(self) -> tuple[int, int]:
        """Columns and lines; zeros when the terminal does not know."""
        with suppress(OSError):
            size = os.get_terminal_size(self._fd)
            return size.columns, size.lines
        return 0, 0

    def is_ours(self) -> bool:
        """Whether this process is in the foreground of it."""
        return in_foreground(self._fd)

    def enter(self) -> None:
        """Hides the cursor and stops the echo."""
        if self.entered or self._outlet.closed:
            return
        self.entered = True
        atexit.register(self.leave)
        self._outlet.write(HIDE_CURSOR.encode())
        with suppress(termios.error, OSError):
            modes = termios.tcgetattr(self._fd)
            self._modes = list(modes)
            modes[_LOCAL_FLAGS] &= ~termios.ECHO
            termios.tcsetattr(self._fd, termios.TCSANOW, modes)

    def leave(self) -> None:
        """Undoes `enter`. A terminal that takes nothing (Ctrl-S) gets half a second for it."""
        if not self.entered:
            return
        self.entered = False
        atexit.unregister(self.leave)
        if self._modes is not None and self.is_ours():
            with suppress(termios.error, OSError):
                termios.tcsetattr(self._fd, termios.TCSANOW, self._modes)
        self._modes = None
        self._outlet.write(SHOW_CURSOR.encode())
        self._outlet.drain(_LEAVE_WITHIN_S)


def in_foreground(fd: int) -> bool:
    """Whether this process is in the foreground process group of a terminal; true where nobody can tell."""
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:
        return True


def fits_live_view(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether a stream is a terminal that the live view can be drawn on, in the foreground."""
    if not stream.isatty() or environ.get("TERM", "dumb") in ("", "dumb"):
        return False
    return in_foreground(stream.fileno())
