"""Concurrency groups that hold across the processes of one repository: rows of the database, and locks
that die with us.

A claim is a row  waiting -> holding -> gone,  or  waiting -> replaced -> gone.  Rows of one group are in
line by ticket.
Every process holds one lock file for all its claims; rows whose lock file nobody holds belong to the dead
and are removed
by whoever waits behind them. Whoever leaves makes the next one in line the holder, in the same
transaction. Nothing is opened, locked or polled before the first claim.

Waiting ones look every 10 to 50 ms, holding ones every 50 ms whether somebody wants them cancelled; within
one process a
release wakes the next at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace

from skep.model.errors import StoreError
from skep.pipeline.ports import GroupClaim
from skep.store.local.database import (
    is_busy,
    open_database,
    storable,
    store_error,
    store_errors,
    transaction,
)
from skep.store.local.locks import Lock, is_held
from skep.store.local.paths import StatePaths

FIRST_WAIT_S, LONGEST_WAIT_S = 0.01, 0.05
GIVE_UP_S = 10.0  # another process keeps the database locked


@dataclass(slots=True)
class _Holding:
    cancelled: Callable[[], None]
    told: bool = False


class SqliteConcurrencyGroups:
    """The ConcurrencyGroups of one process. One event loop only. `claim` raises StoreError."""

    def __init__(self, paths: StatePaths) -> None:
        self._paths = paths
        self._opened: tuple[_Lines, Lock] | None = None
        self._holding: dict[tuple[str, str], _Holding] = {}
        self._watching: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    async def claim(self, claim: GroupClaim, cancelled: Callable[[], None]) -> bool:
        """See ConcurrencyGroups."""
        claim = _storable(claim)
        lines, lock = self._open()
        await self._retrying(lambda: lines.stand_in(claim, lock))
        self._wake()
        try:
            won = await self._wait(lines, claim)
        except BaseException:
            self._forget(claim)
            raise
        if won:
            self._holding[claim.group, claim.holder] = _Holding(cancelled)
            if self._watching is None or self._watching.done():
                self._watching = asyncio.create_task(self._watch(lines, lock))
        return won

    async def release(self, claim: GroupClaim) -> None:
        """See ConcurrencyGroups. When the store fails the group is let go at the end of the process."""
        self._forget(_storable(claim))

    async def close(self) -> None:
        """Lets everything go. Safe to repeat."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
            self._watching = None
        if self._opened is None:
            return
        lines, lock = self._opened
        self._opened = None
        self._holding.clear()
        with contextlib.suppress(sqlite3.Error):
            lines.leave_all(lock)
        lines.connection.close()
        with contextlib.suppress(OSError):
            os.unlink(lock.path)
        lock.release()

    def _open(self) -> tuple[_Lines, Lock]:
        if self._opened is None:
            with store_errors(self._paths.locks):
                self._paths.create()
                lock = Lock(f"{self._paths.locks}/groups-{os.getpid()}-{os.urandom(4).hex()}")
            try:
                connection = open_database(self._paths.database, busy_timeout_s=0.05)
            except StoreError:
                os.unlink(lock.path)
                lock.release()
                raise
            self._opened = (_Lines(connection, self._paths.locks), lock)
        return self._opened

    async def _wait(self, lines: _Lines, claim: GroupClaim) -> bool:
        pause_s = FIRST_WAIT_S
        while True:
            self._changed.clear()
            turn = await self._retrying(lambda: lines.look(claim))
            if turn is not None:
                return turn
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), pause_s)
            pause_s = min(pause_s * 1.5, LONGEST_WAIT_S)

    async def _watch(self, lines: _Lines, lock: Lock) -> None:
        """Tells holders of this process that somebody wants them cancelled, as long as there are any."""
        while self._holding:
            with contextlib.suppress(sqlite3.Error):  # looked at again in a moment
                for key in lines.wanted(lock):
                    holding = self._holding.get(key)
                    if holding is not None and not holding.told:
                        holding.told = True
                        holding.cancelled()
            await asyncio.sleep(LONGEST_WAIT_S)

    def _forget(self, claim: GroupClaim) -> None:
        self._holding.pop((claim.group, claim.holder), None)
        if self._opened is not None:
            with contextlib.suppress(sqlite3.Error):
                self._opened[0].leave(claim)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()

    async def _retrying(self, action: Callable[[], bool | None]) -> bool | None:
        until = asyncio.get_running_loop().time() + GIVE_UP_S
        while True:
            try:
                return action()
            except sqlite3.Error as error:
                if not is_busy(error) or asyncio.get_running_loop().time() > until:
                    raise store_error(self._paths.database, error) from error
            await asyncio.sleep(FIRST_WAIT_S)


def _storable(claim: GroupClaim) -> GroupClaim:
    """Names may hold anything: they are made of folder names, variables and matrix values."""
    return replace(claim, group=storable(claim.group), holder=storable(claim.holder))


@dataclass(frozen=True, slots=True)
class _Lines:
    """The claims in the database, and where the lock files lie that they name."""

    connection: sqlite3.Connection
    locks: str

    def stand_in(self, claim: GroupClaim, lock: Lock) -> None:
        """Puts a claim at the end of its line."""
        execute = self.connection.execute
        with transaction(self.connection):
            self._promote(claim.group)
            if claim.queue == "single":
                execute(
                    "UPDATE claims SET state = 'replaced' WHERE group_name = ? AND state = 'waiting'",
                    (claim.group,),
                )
            if claim.cancel_in_progress:
                execute(
                    "UPDATE claims SET cancel_wanted = 1 WHERE group_name = ? AND state = 'holding'",
                    (claim.group,),
                )
            execute(
                "INSERT INTO claims (group_name, holder, state, lock_path) VALUES (?, ?, 'waiting', ?)",
                (claim.group, claim.holder, _name(lock)),
            )
            self._promote(claim.group)

    def look(self, claim: GroupClaim) -> bool | None:
        """True: ours now; False: replaced; None: others are before us."""
        line = self._line(claim.group)
        if not any(state == "holding" and self._is_held(name) for _, _, state, name in line):
            with transaction(self.connection):  # the holder has died
                self._promote(claim.group)
            line = self._line(claim.group)
        state = next((state for _, holder, state, _ in line if holder == claim.holder), "replaced")
        if state == "replaced":
            self.leave(claim)
        return {"holding": True, "replaced": False}.get(state)

    def leave(self, claim: GroupClaim) -> None:
        """Takes a claim out of its line."""
        with transaction(self.connection):
            self.connection.execute(
                "DELETE FROM claims WHERE group_name = ? AND holder = ?", (claim.group, claim.holder)
            )
            self._promote(claim.group)

    def leave_all(self, lock: Lock) -> None:
        """Takes all claims of a process out."""
        self.connection.execute("DELETE FROM claims WHERE lock_path = ?", (_name(lock),))

    def wanted(self, lock: Lock) -> list[tuple[str, str]]:
        """Group and holder of the process's claims that somebody wants cancelled."""
        return self.connection.execute(
            "SELECT group_name, holder FROM claims WHERE lock_path = ? AND cancel_wanted", (_name(lock),)
        ).fetchall()

    def _promote(self, group: str) -> None:
        """Removes the dead; when nobody holds the group the first in line does. Within a transaction."""
        alive: list[_Row] = []
        for row in self._line(group):
            if self._is_held(row[3]):
                alive.append(row)
            else:
                self.connection.execute("DELETE FROM claims WHERE lock_path = ?", (row[3],))
                if _is_name(row[3]):
                    with contextlib.suppress(OSError):
                        os.unlink(f"{self.locks}/{row[3]}")
        waiting = [ticket for ticket, _, state, _ in alive if state == "waiting"]
        if waiting and not any(state == "holding" for _, _, state, _ in alive):
            self.connection.execute("UPDATE claims SET state = 'holding' WHERE ticket = ?", (waiting[0],))

    def _line(self, group: str) -> list[_Row]:
        """First in line first."""
        return self.connection.execute(
            "SELECT ticket, holder, state, lock_path FROM claims WHERE group_name = ? ORDER BY ticket",
            (group,),
        ).fetchall()

    def _is_held(self, name: str) -> bool:
        return _is_name(name) and is_held(f"{self.locks}/{name}")


_Row = tuple[int, str, str, str]  # ticket, holder, state, name of the lock file


def _name(lock: Lock) -> str:
    """What the database holds of a lock file: the state folder's own path may be no text."""
    return os.path.basename(lock.path)


def _is_name(text: object) -> bool:
    """Whether a row can mean one of our lock files: somebody may have changed the database."""
    return isinstance(text, str) and text.startswith("groups-") and not {"/", "\0"} & set(text)
