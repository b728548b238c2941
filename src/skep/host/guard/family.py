"""Whose process is whose: the guard's direct children, each with the process and the job it comes from.

Everything that runs below the guard hangs below one of its direct children: a process it started, or an orphan that came
back to it (the guard is a subreaper). So it is enough to know the owner of each orphan. In this order:
its session is that of a process we started; its environment holds a known tracking id; it shares a session with an orphan
whose owner is known; only one job is open. Otherwise nobody owns it, and it dies with the run.
"""

from __future__ import annotations

import os

from .tree import OwnChildren, environ_value
from .wire import TRACKING


class Started:
    """A process the guard started: the session and group leader of everything that stays in its session."""

    __slots__ = ("number", "pid", "tracking")

    def __init__(self, number: int, pid: int, tracking: str) -> None:
        self.number = number
        self.pid = pid
        self.tracking = tracking


class Family:
    """The guard's direct children. Not thread-safe; nobody else may reap them."""

    def __init__(self) -> None:
        self.started: dict[int, Started] = {}  # by pid; not yet reaped
        self.by_number: dict[int, Started] = {}
        self.sessions: dict[int, Started] = {}  # ended ones that may have left something in their session
        self.orphans: dict[
            int, tuple[int, str]
        ] = {}  # pid -> number (0: not known), tracking id ('': not known)
        self.trackings: set[str] = set()
        self.children = OwnChildren()

    def add(self, number: int, pid: int, tracking: str) -> None:
        """A process was started."""
        self.started[pid] = self.by_number[number] = Started(number, pid, tracking)
        self.trackings.add(tracking)

    def reaped(self, pid: int) -> Started | None:
        """A direct child is gone; gives what we started, None for an orphan."""
        self.orphans.pop(pid, None)
        process = self.started.pop(pid, None)
        if process is not None:
            del self.by_number[process.number]
        return process

    def adopt(self, ended: list[Started]) -> None:
        """Takes in the orphans that came to us since the last call, after the `ended` ones were reaped."""
        present = self.children.pids()
        if len(present) == len(self.started):  # every child is one we started: nothing was left behind
            self.orphans.clear()
            self.sessions.clear()
            return
        for process in ended:
            self.sessions[process.pid] = process
        self.orphans = {pid: self.orphans[pid] for pid in present if pid in self.orphans}
        for pid in present:
            if pid not in self.started and not self.orphans.get(pid, (0, ""))[1]:
                self.orphans[pid] = self._owner(pid, ended)
        owners = {
            number for number, _ in self.orphans.values()
        }  # a session nobody is in may get a new meaning
        self.sessions = {pid: process for pid, process in self.sessions.items() if process.number in owners}

    def _owner(self, pid: int, ended: list[Started]) -> tuple[int, str]:
        try:
            session = os.getsid(pid)
        except OSError:
            return 0, ""
        process = self.started.get(session) or self.sessions.get(session)
        if process is not None:
            return process.number, process.tracking
        tracking = environ_value(pid, TRACKING) or ""
        if tracking not in self.trackings:
            for other, owner in self.orphans.items():
                if owner[1] and _session_of(other) == session:
                    return owner
            tracking = self._only_open_job(ended)
        candidates = {p.number for p in (*self.started.values(), *ended) if p.tracking == tracking}
        return candidates.pop() if len(candidates) == 1 else 0, tracking

    def _only_open_job(self, ended: list[Started]) -> str:
        jobs = {p.tracking for p in (*self.started.values(), *ended)}
        jobs.update(owner[1] for owner in self.orphans.values() if owner[1])
        return jobs.pop() if len(jobs) == 1 else ""

    def has_leftovers(self, tracking: str) -> bool:
        """Whether daemons of this job may be alive beside what we started."""
        return any(owner[1] in (tracking, "") for owner in self.orphans.values())

    def roots_of_process(self, number: int) -> list[int]:
        """Direct children that come from this process: itself while it lives, and its daemons.

        Daemons of its job that come from an unknown one of several processes count when no other process of the job lives.
        """
        process = self.by_number.get(number) or next(
            (p for p in self.sessions.values() if p.number == number), None
        )
        if process is None:
            return []
        tracking = process.tracking
        alone = not any(p.tracking == tracking and p.number != number for p in self.started.values())
        wanted = {(number, tracking), (0, tracking)} if alone else {(number, tracking)}
        return self._alive(number) + [pid for pid, owner in self.orphans.items() if owner in wanted]

    def _alive(self, number: int) -> list[int]:
        process = self.by_number.get(number)
        return [process.pid] if process else []

    def roots_of_job(self, tracking: str) -> list[int]:
        """Direct children that belong to this job."""
        started = [pid for pid, process in self.started.items() if process.tracking == tracking]
        return started + [pid for pid, owner in self.orphans.items() if owner[1] == tracking]

    def forget_job(self, tracking: str) -> None:
        """The job is over and its processes are dead."""
        self.trackings.discard(tracking)


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0
