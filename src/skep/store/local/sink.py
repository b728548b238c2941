"""The journal of one run, written in batches.

`publish` only appends to a list. A batch is written 50 ms after its first fact (by the caller's
scheduler), at
256 facts, when the run is over, and at `close`. So a run killed with -9 loses at most its last 50 ms. Once
the store fails
it is said once and the run goes on without records; that another process writes at that moment is no failure.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

from skep.events.facts import Fact, RunFinished, RunStarted, WorkflowStarted
from skep.events.journal import Entry, chain
from skep.model.errors import StoreError
from skep.store.local.database import is_busy, store_error, transaction
from skep.store.local.locks import Lock

FLUSH_AFTER_S = 0.05
FLUSH_AT_FACTS = 256
KEEP_AT_MOST_FACTS = 100_000  # while another process blocks the database

Schedule = Callable[[float, Callable[[], None]], object]
"""Calls a function after that many seconds, on the caller's thread: an event loop's `call_later`."""


class JournalSink:
    """The EventSink of one run, behind its first fact. One thread only; never raises, never waits for
    long."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: str,
        started: RunStarted,
        first: Entry,
        alive: Lock,
        *,
        schedule: Schedule | None,
        on_failure: Callable[[StoreError], None],
    ) -> None:
        self.run_id = started.run_id
        self._connection, self._path, self._alive = connection, path, alive
        self._schedule, self._on_failure = schedule, on_failure
        self._pending: list[Fact] = []
        self._head, self._sequence = first.hash, first.sequence
        self._workflows: list[str] = []
        self._flushed_at = started.at
        self._scheduled = self._failed = self._closed = False

    def publish(self, fact: Fact) -> None:
        """Takes a fact; the run's last one is written before this returns."""
        if self._failed or self._closed:
            return
        self._pending.append(fact)
        if (
            isinstance(fact, RunFinished)
            or len(self._pending) % FLUSH_AT_FACTS == 0
            or (self._schedule is None and self._is_due(fact))
        ):
            self.flush()
        elif self._schedule is not None and not self._scheduled:
            self._scheduled = True
            self._schedule(FLUSH_AFTER_S, self._tick)

    def flush(self) -> None:
        """Writes what is pending, as one transaction."""
        batch = self._pending
        if not batch or self._failed:
            return
        entries = chain(self._head, self._sequence, batch)
        workflows = self._workflows + [
            fact.name or fact.path for fact in batch if isinstance(fact, WorkflowStarted)
        ]
        end = next((fact for fact in batch if isinstance(fact, RunFinished)), None)
        last = entries[-1]
        try:
            if end is not None:
                self._connection.execute(
                    "PRAGMA busy_timeout = 5000"
                )  # the steps are over: waiting disturbs nobody
            with transaction(self._connection):
                self._connection.executemany(
                    "INSERT INTO journal VALUES (?, ?, ?, ?)",
                    [(self.run_id, entry.sequence, entry.text, entry.hash) for entry in entries],
                )
                self._connection.execute(
                    "UPDATE runs SET facts = ?, head = ?, workflows = ? WHERE run_id = ?",
                    (last.sequence, last.hash, json.dumps(workflows), self.run_id),
                )
                if end is not None:
                    self._connection.execute(
                        "UPDATE runs SET status = ?, finished_at = ?, duration_s = ? WHERE run_id = ?",
                        (end.status, end.at, end.duration_s, self.run_id),
                    )
        except sqlite3.Error as error:
            if not is_busy(error) or len(batch) > KEEP_AT_MOST_FACTS:
                self._fail(error)
            return
        self._head, self._sequence, self._workflows = last.hash, last.sequence, workflows
        self._flushed_at = batch[-1].at
        self._pending = []

    def close(self) -> None:
        """Writes what is left and says that this process is done with the run. Safe to repeat."""
        if self._closed:
            return
        self.flush()
        self._closed = True
        self._alive.release()

    def _tick(self) -> None:
        self._scheduled = False
        if self._closed:
            return
        self.flush()
        if self._pending and self._schedule is not None and not self._failed:  # another process was writing
            self._scheduled = True
            self._schedule(FLUSH_AFTER_S, self._tick)

    def _is_due(self, fact: Fact) -> bool:
        return fact.at - self._flushed_at >= FLUSH_AFTER_S

    def _fail(self, error: sqlite3.Error) -> None:
        self._failed = True
        self._pending = []
        self._on_failure(store_error(self._path, error))
