"""Looking for processes of this machine by a marker in their arguments, for tests of what must not stay."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable

from skep.host.guard.tree import is_alive

GONE_S = 2.0  # what the architecture promises: nothing outlives its run by more


def new_marker() -> str:
    """A word that no other process has in its arguments."""
    return f"marker-{uuid.uuid4().hex}"


def alive_with(marker: str) -> list[int]:
    """Pids of living processes (no zombies) that have the marker in their arguments; never our own."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        pid = int(name)
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                arguments = file.read()
        except OSError:
            continue
        if marker.encode() in arguments and pid != os.getpid() and is_alive(pid):
            found.append(pid)
    return found


def wait_until(fact: Callable[[], bool], *, timeout_s: float = 20.0) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + timeout_s
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def all_gone(marker: str) -> bool:
    """Whether every process with the marker is dead soon enough."""
    return wait_until(lambda: not alive_with(marker), timeout_s=GONE_S)
