"""Starts a guard. Light enough to be called before anything heavy is imported, so that both start at the same time."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass

from skep.host.guard.main import SOCKET_FD
from skep.host.guard.tree import become_subreaper
from skep.model.errors import HostError

GUARDS: set[int] = set()
"""Pids of the guards of this process that run now."""

GUARD_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH")
"""All that a guard inherits: steps can read the environment of the process above them, and the user's holds secrets."""

PROGRAM = "import sys; sys.path.append(sys.argv[1]); from guard.main import main; main(int(sys.argv[2]))"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchedGuard:
    """A guard process and our end of its socket. Closing the socket makes it kill everything and end."""

    pid: int
    sock: socket.socket


def launch_guard() -> LaunchedGuard:
    """Starts a guard as our child, in its own session, and makes us a subreaper too. Call it after entering namespaces.

    Raises HostError.
    """
    if not sys.platform.startswith("linux"):
        raise HostError(
            "steps can only be run on Linux",
            hint="on other systems, run Skep in a Linux machine or container",
        )
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    options = ["-I", "-S"] + (["-B"] if sys.dont_write_bytecode else [])
    options += ["-X", "utf8"] if sys.flags.utf8_mode else []
    argv = [sys.executable, *options, "-c", PROGRAM, home, str(os.getpid())]
    null = os.open(os.devnull, os.O_RDWR)
    try:
        become_subreaper()
        pid = os.posix_spawn(
            sys.executable,
            argv,
            {name: os.environ[name] for name in GUARD_VARIABLES if name in os.environ},
            file_actions=[(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
            + [(os.POSIX_SPAWN_DUP2, theirs.fileno(), SOCKET_FD)],
            setsid=True,
        )
    except OSError as error:
        ours.close()
        raise HostError(f"cannot start the guard process: {error.strerror}") from error
    finally:
        theirs.close()
        os.close(null)
    ours.setblocking(False)
    GUARDS.add(pid)
    return LaunchedGuard(pid=pid, sock=ours)


def forget_guard(pid: int) -> None:
    """A guard has ended. Orphans go to init again when it was our last one."""
    GUARDS.discard(pid)
    if not GUARDS:
        become_subreaper(False)
