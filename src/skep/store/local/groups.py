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
        self._opened: tuple[sqlite3.Connection, Lock] | None = None
        self._holding: dict[tuple[str, str], _Holding] = {}
        self._watching: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    async def claim(self, claim: GroupClaim, cancelled: Callable[[], None]) -> bool:
        """See ConcurrencyGroups."""
        claim = _storable(claim)
        connection, lock = self._open()
        await self._retrying(lambda: _stand_in_line(connection, claim, lock.path))
        self._wake()
        try:
            won = await self._wait(connection, claim)
        except BaseException:
            self._forget(claim)
            raise
        if won:
            self._holding[claim.group, claim.holder] = _Holding(cancelled)
            if self._watching is None or self._watching.done():
                self._watching = asyncio.create_task(self._watch(connection, lock.path))
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
        connection, lock = self._opened
        self._opened = None
        self._holding.clear()
        with contextlib.suppress(sqlite3.Error):
            connection.execute("DELETE FROM claims WHERE lock_path = ?", (lock.path,))
        connection.close()
        with contextlib.suppress(OSError):
            os.unlink(lock.path)
        lock.release()

    def _open(self) -> tuple[sqlite3.Connection, Lock]:
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
            self._opened = (connection, lock)
        return self._opened

    async def _wait(self, connection: sqlite3.Connection, claim: GroupClaim) -> bool:
        pause_s = FIRST_WAIT_S
        while True:
            self._changed.clear()
            turn = await self._retrying(lambda: _look(connection, claim))
            if turn is not None:
                return turn
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), pause_s)
            pause_s = min(pause_s * 1.5, LONGEST_WAIT_S)

    async def _watch(self, connection: sqlite3.Connection, lock_path: str) -> None:
        """Tells holders of this process that somebody wants them cancelled, as long as there are any."""
        while self._holding:
            with contextlib.suppress(sqlite3.Error):  # looked at again in a moment
                wanted = connection.execute(
                    "SELECT group_name, holder FROM claims WHERE lock_path = ? AND cancel_wanted",
                    (lock_path,),
                ).fetchall()
                for key in wanted:
                    holding = self._holding.get(key)
                    if holding is not None and not holding.told:
                        holding.told = True
                        holding.cancelled()
            await asyncio.sleep(LONGEST_WAIT_S)

    def _forget(self, claim: GroupClaim) -> None:
        self._holding.pop((claim.group, claim.holder), None)
        if self._opened is not None:
            with contextlib.suppress(sqlite3.Error):
                _leave(self._opened[0], claim)
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


def _stand_in_line(connection: sqlite3.Connection, claim: GroupClaim, lock_path: str) -> None:
    with transaction(connection):
        _promote(connection, claim.group)
        if claim.queue == "single":
            connection.execute(
                "UPDATE claims SET state = 'replaced' WHERE group_name = ? AND state = 'waiting'",
                (claim.group,),
            )
        if claim.cancel_in_progress:
            connection.execute(
                "UPDATE claims SET cancel_wanted = 1 WHERE group_name = ? AND state = 'holding'",
                (claim.group,),
            )
        connection.execute(
            "INSERT INTO claims (group_name, holder, state, lock_path) VALUES (?, ?, 'waiting', ?)",
            (claim.group, claim.holder, lock_path),
        )
        _promote(connection, claim.group)


def _look(connection: sqlite3.Connection, claim: GroupClaim) -> bool | None:
    """True: ours now; False: replaced; None: others are before us."""
    line = _line(connection, claim.group)
    if not any(state == "holding" and is_held(path) for _, _, state, path in line):  # the holder has died
        with transaction(connection):
            _promote(connection, claim.group)
        line = _line(connection, claim.group)
    state = next((state for _, holder, state, _ in line if holder == claim.holder), "replaced")
    if state == "replaced":
        _leave(connection, claim)
    return {"holding": True, "replaced": False}.get(state)


def _promote(connection: sqlite3.Connection, group: str) -> None:
    """Removes the dead; when nobody holds the group the first in line does. Within a transaction."""
    alive: list[_Row] = []
    for row in _line(connection, group):
        if is_held(row[3]):
            alive.append(row)
        else:
            connection.execute("DELETE FROM claims WHERE lock_path = ?", (row[3],))
            with contextlib.suppress(OSError):
                os.unlink(row[3])
    waiting = [ticket for ticket, _, state, _ in alive if state == "waiting"]
    if waiting and not any(state == "holding" for _, _, state, _ in alive):
        connection.execute("UPDATE claims SET state = 'holding' WHERE ticket = ?", (waiting[0],))


def _leave(connection: sqlite3.Connection, claim: GroupClaim) -> None:
    with transaction(connection):
        connection.execute(
            "DELETE FROM claims WHERE group_name = ? AND holder = ?", (claim.group, claim.holder)
        )
        _promote(connection, claim.group)


_Row = tuple[int, str, str, str]


def _line(connection: sqlite3.Connection, group: str) -> list[_Row]:
    """The claims of a group, first in line first: ticket, holder, state, lock file."""
    return connection.execute(
        "SELECT ticket, holder, state, lock_path FROM claims WHERE group_name = ? ORDER BY ticket", (group,)
    ).fetchall()
