"""Runs the real `skep` on a pseudo terminal: keys in, a screen out."""

from __future__ import annotations

import codecs
import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from screen import Screen

from .skep_process import SkepProject


class OnTerminal:
    """`skep WORDS` as the foreground job of a terminal of its own; a context manager that leaves nothing behind."""

    def __init__(
        self,
        project: SkepProject,
        *words: str,
        width: int = 80,
        height: int = 24,
        shell: str = "",
        **env: str,
    ) -> None:
        """`shell`: a script for bash that runs it as `"$@"`; for job control, which needs a shell."""
        self.screen = Screen(width or 80, height or 24)
        self.written = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.master, self.slave = os.openpty()
        _set_size(self.master, width, height)
        self.process = subprocess.Popen(
            [*(["bash", "-c", shell, "-"] if shell else []), sys.executable, "-m", "skep.cli.main", *words],
            cwd=project.root,
            env={**project.env, "TERM": "xterm-256color", "LANG": "C.UTF-8", **env},
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads here
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.hang_up()

    def pump(self, seconds: float = 0.05) -> None:
        """Reads what comes within that time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not select.select([self.master], [], [], left)[0]:
                return
            try:
                data = os.read(self.master, 65536)
            except OSError:  # EIO: nobody has it open any more
                return
            text = self._decoder.decode(data)
            self.written += text
            self.screen.feed(text)

    def wait_for(self, condition: Callable[[], bool], within_s: float = 20.0) -> None:
        """Reads until something holds of the screen."""
        until = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < until, f"did not come:\n{self.screen.everything()}"
            self.pump()

    def shows(self, text: str, within_s: float = 20.0) -> None:
        """Reads until a text is on the screen."""
        self.wait_for(lambda: any(text in line for line in self.screen.lines()), within_s)

    def end(self, within_s: float = 30.0) -> int:
        """Reads to the end of the program; gives its exit code."""
        self.wait_for(lambda: self.process.poll() is not None, within_s)
        self.pump(0.2)
        return self.process.returncode

    def press(self, keys: str) -> None:
        """Types."""
        os.write(self.master, keys.encode())

    def resize(self, width: int, height: int) -> None:
        """Changes the terminal's size; the program is told by SIGWINCH."""
        self.pump()
        self.screen.resize(width, height)
        _set_size(self.master, width, height)

    def echoes(self) -> bool:
        """Whether typed characters are shown."""
        flags: int = termios.tcgetattr(self.slave)[3]
        return bool(flags & termios.ECHO)

    def hang_up(self) -> None:
        """Closes the terminal. Safe to repeat."""
        for fd in (self.slave, self.master):
            with suppress(OSError):
                os.close(fd)


def _set_size(fd: int, width: int, height: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
