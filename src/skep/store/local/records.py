"""The runs of one repository: begun, listed, found, read back from their journals.

Order for a run: `reserve` its id and number, `begin` with its first fact, publish into the sink that
gives, `close` the
sink. Reading needs no order and may happen in other processes at the same time.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from skep.events.facts import Fact, RunStarted
from skep.events.fold import INTERRUPTED, RUNNING, RunView, fold
from skep.events.journal import Broken, Entry, chain, decode_fact, genesis
from skep.model.errors import StoreError, UserError
from skep.model.ids import RunId
from skep.store.local.database import open_database, storable, store_errors, transaction
from skep.store.local.durations import ExpectedDurations, expected_durations
from skep.store.local.locks import Lock, is_held
from skep.store.local.paths import StatePaths
from skep.store.local.retention import Keep, prune
from skep.store.local.sink import JournalSink, Schedule
from skep.store.local.verification import verify_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """The id and number of a run that is about to begin."""

    run_id: RunId
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run in a list."""

    run_id: RunId
    number: int
    status: str  # model.outcome.RunStatus
    event: str
    ref: str
    sha: str
    workflows: tuple[str, ...]
    started_at: float
    finished_at: float | None
    duration_s: float | None  # None: not finished


def new_run_id(now: float, random: Callable[[int], bytes]) -> RunId:
    """An id that sorts by start: UTC second and six random digits. `random` gives that many bytes
    (os.urandom)."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now))
    return RunId(f"{stamp}-{random(3).hex()}")


class RunRecords:
    """The records of one repository. Every method raises StoreError when they cannot be read or written."""

    def __init__(self, paths: StatePaths) -> None:
        """Opens the records, made if there are none."""
        self.paths = paths
        with store_errors(paths.repository):
            paths.create()
        self._connection = open_database(paths.database)

    # --- writing ---
    def reserve(self, now: float, random: Callable[[int], bytes]) -> Reservation:
        """The next run's id and number (1, 2, ...); a number is given once, also when its run never
        begins."""
        with store_errors(self.paths.database), transaction(self._connection):
            (number,) = self._connection.execute(
                "INSERT INTO counters VALUES ('run', 1) ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value"
            ).fetchone()
        return Reservation(run_id=new_run_id(now, random), number=number)

    def begin(
        self,
        started: RunStarted,
        *,
        on_failure: Callable[[StoreError], None],
        schedule: Schedule | None = None,
    ) -> JournalSink:
        """Writes a run's first fact and gives the sink for the others (do not publish `started` again).

        `schedule` is the event loop's `call_later`; without it batches are written as facts come.
        `on_failure` is called at most once, when later facts can no longer be written.
        """
        places = self.paths.run(started.run_id)
        with store_errors(places.root):
            places.create()
            alive = Lock(places.alive)
        try:
            with store_errors(self.paths.database):
                entry = _insert(self._connection, started)
                self._connection.execute(
                    "PRAGMA busy_timeout = 250"
                )  # from now on the caller has steps to serve
        except BaseException:
            alive.release()
            raise
        return JournalSink(
            self._connection,
            self.paths.database,
            started,
            entry,
            alive,
            schedule=schedule,
            on_failure=on_failure,
        )

    def prune(self, keep: Keep, now: float) -> tuple[str, ...]:
        """Drops the runs that `keep` no longer covers, with logs and artifacts; gives their ids."""
        with store_errors(self.paths.database):
            return prune(self._connection, self.paths, keep, now, self.is_alive)

    def close(self) -> None:
        """Lets the database go. Close the sink first. Safe to repeat."""
        with suppress(sqlite3.Error):
            self._connection.close()

    # --- reading ---
    def list_runs(self, limit: int = 20) -> tuple[RunRow, ...]:
        """The newest runs, newest first."""
        with store_errors(self.paths.database):
            found = self._connection.execute(
                "SELECT run_id, number, status, event, ref, sha, workflows, started_at, finished_at, duration_s"
                " FROM runs ORDER BY number DESC LIMIT ?",
                (min(limit, _ALL),),
            ).fetchall()
        return tuple(self._row(row) for row in found)

    def find(self, wanted: str) -> RunId:
        """The id of a run by `last`, its number, its id, or a beginning of its id. Raises UserError when
        it is none or many."""
        with store_errors(self.paths.database):
            found = self._connection.execute(
                _FIND_LAST if wanted == "last" else _FIND, _find_values(wanted)
            ).fetchall()
        if not found:
            raise UserError(
                "there is no run yet" if wanted == "last" else f"there is no run `{wanted}`",
                hint="`skep run` starts one" if wanted == "last" else "`skep runs` lists them",
            )
        exact = [run_id for run_id, is_exact in found if is_exact]
        if len(found) > 1 and not exact:
            names = ", ".join(f"`{run_id}`" for run_id, _ in found)
            raise UserError(f"`{wanted}` is the beginning of several runs", hint=f"it may be {names}")
        return RunId((exact or [found[0][0]])[0])

    def entries(self, run_id: str, *, after: int = 0) -> Iterator[Entry]:
        """The journal of a run, from the entry behind number `after` on."""
        with store_errors(self.paths.database):
            for sequence, text, digest in self._connection.execute(
                "SELECT sequence, entry, hash FROM journal WHERE run_id = ? AND sequence > ? ORDER BY sequence",
                (run_id, after),
            ):
                yield Entry(sequence=sequence, text=text, hash=digest)

    def facts(self, run_id: str, *, after: int = 0) -> Iterator[Fact]:
        """The facts of a run, in order."""
        for entry in self.entries(run_id, after=after):
            try:
                yield decode_fact(entry.text)
            except ValueError as error:
                raise StoreError(
                    f"entry {entry.sequence} of the journal of run `{run_id}` is damaged",
                    hint=f"`skep runs verify {run_id}` checks the whole journal",
                ) from error

    def view(self, run_id: str) -> RunView:
        """A run with its workflows, jobs, steps, annotations, summaries and artifacts, as it stands."""
        alive = self.is_alive(run_id)
        try:
            return fold(self.facts(run_id), alive=alive)
        except ValueError as error:
            if not self._is_known(run_id):
                raise UserError(
                    f"run `{run_id}` has been dropped", hint="`skep runs` lists the runs that are kept"
                ) from error
            raise StoreError(f"the journal of run `{run_id}` is damaged: {error}") from error

    def _is_known(self, run_id: str) -> bool:
        with store_errors(self.paths.database):
            query = "SELECT 1 FROM runs WHERE run_id = ?"
            return self._connection.execute(query, (run_id,)).fetchone() is not None

    def is_alive(self, run_id: str) -> bool:
        """Whether the process that executes a run lives and is not done with it; an id that no run can have is nobody's."""
        try:
            return is_held(self.paths.run(run_id).alive)
        except OSError:
            return False

    def verify(self, run_id: str) -> Broken | None:
        """The first entry of a run's journal that is not what was written, or None."""
        with store_errors(self.paths.database):
            return verify_run(self._connection, run_id)

    def expected_durations(self, *, steps: bool = True) -> ExpectedDurations:
        """What jobs and steps took in earlier successful runs; without `steps` in a fifth of the time."""
        with store_errors(self.paths.database):
            return expected_durations(self._connection, steps=steps)

    def _row(
        self, row: tuple[str, int, str, str, str, str, str, float, float | None, float | None]
    ) -> RunRow:
        run_id, number, status, event, ref, sha, workflows, started_at, finished_at, duration_s = row
        if status == RUNNING and not self.is_alive(run_id):
            status = INTERRUPTED
        return RunRow(
            run_id=RunId(run_id),
            number=number,
            status=status,
            event=event,
            ref=ref,
            sha=sha,
            workflows=tuple(json.loads(workflows)),
            started_at=started_at,
            finished_at=finished_at,
            duration_s=duration_s,
        )


_ALL = 2**31  # more runs than that are nobody's
_FIND_LAST = "SELECT run_id, 1 FROM runs ORDER BY number DESC LIMIT 1"
_FIND = (
    "SELECT run_id, number = :number OR run_id = :wanted FROM runs"
    " WHERE number = :number OR substr(run_id, 1, length(:wanted)) = :wanted ORDER BY 2 DESC, number DESC LIMIT 6"
)


def _find_values(wanted: str) -> dict[str, str | int]:
    digits = wanted.removeprefix("#")
    return {
        "wanted": storable(wanted),
        "number": int(digits) if digits.isdecimal() and len(digits) < 10 else -1,
    }


def _insert(connection: sqlite3.Connection, started: RunStarted) -> Entry:
    """The row of a run and its first entry, together or not at all."""
    (entry,) = chain(genesis(started.run_id), 0, [started])
    with transaction(connection):
        connection.execute(
            "INSERT INTO runs (run_id, number, status, event, ref, sha, started_at, facts, head)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?)",
            (
                started.run_id,
                started.number,
                RUNNING,
                storable(started.event),
                storable(started.ref),
                storable(started.sha),
                started.at,
                entry.hash,
            ),
        )
        connection.execute(
            "INSERT INTO journal VALUES (?, 1, ?, ?)", (started.run_id, entry.text, entry.hash)
        )
    return entry
