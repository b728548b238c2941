"""The sqlite database of one repository: opened, migrated, and its errors turned into ours.

WAL with synchronous NORMAL: a killed process loses nothing it committed; a power cut may lose the last
moments, never the
database. Every schema change is one more entry of `MIGRATIONS`; the number of those applied is PRAGMA
user_version.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from skep.model.errors import StoreError
from skep.store.local.locks import Lock

MIGRATIONS: Sequence[Sequence[str]] = (
    (
        """CREATE TABLE runs (
            run_id TEXT NOT NULL PRIMARY KEY,
            number INTEGER NOT NULL UNIQUE,
            status TEXT NOT NULL,
            event TEXT NOT NULL,
            ref TEXT NOT NULL,
            sha TEXT NOT NULL,
            workflows TEXT NOT NULL DEFAULT '[]',
            started_at REAL NOT NULL,
            finished_at REAL,
            duration_s REAL,
            facts INTEGER NOT NULL DEFAULT 0,
            head TEXT NOT NULL,
            size_bytes INTEGER
        ) STRICT""",
        """CREATE TABLE journal (
            run_id TEXT NOT NULL,
            sequence INTEGER NOT NULL,
            entry TEXT NOT NULL,
            hash TEXT NOT NULL,
            PRIMARY KEY (run_id, sequence)
        ) STRICT, WITHOUT ROWID""",
        "CREATE TABLE counters (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    ),
    (
        """CREATE TABLE claims (
            ticket INTEGER PRIMARY KEY AUTOINCREMENT,
            group_name TEXT NOT NULL,
            holder TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('waiting', 'holding', 'replaced')),
            cancel_wanted INTEGER NOT NULL DEFAULT 0,
            lock_path TEXT NOT NULL,
            UNIQUE (group_name, holder)
        ) STRICT""",
    ),
)


def open_database(path: str, *, busy_timeout_s: float = 5.0) -> sqlite3.Connection:
    """A connection in autocommit mode to the database in an existing folder, made or migrated when needed.

    Raises StoreError when it is damaged, not writable, or of a newer Skep.
    """
    with store_errors(path):
        connection = sqlite3.connect(
            path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA synchronous = NORMAL")
            if _version(connection) != len(MIGRATIONS):
                _migrate(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One write transaction: committed at the end, rolled back on any error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def store_errors(path: str) -> Iterator[None]:
    """Turns what sqlite and the file system say into StoreError with a hint."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise store_error(path, error) from error


def store_error(path: str, error: sqlite3.Error | OSError) -> StoreError:
    """Our error for theirs. `path` is what could not be read or written."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (
        isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    ):
        return StoreError(
            f"the disk is full: `{path}` cannot be written",
            hint="free some space, drop old runs by `skep runs prune`, or set SKEP_STATE_DIR to a folder elsewhere",
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreError(
            f"the records in `{path}` are damaged ({error})",
            hint=f"move the file away, Skep then begins new records: mv '{path}' '{path}.damaged'",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(
            f"the records in `{path}` are locked by another process",
            hint="try again; `skep runs` shows which runs are alive",
        )
    return StoreError(
        f"the records in `{path}` cannot be read or written ({error})",
        hint="see that the folder is yours and writable, or set SKEP_STATE_DIR to one that is",
    )


def storable(text: str) -> str:
    """Text that sqlite takes: bytes that were no UTF-8 (surrogates) are written out, as `\\udcff`; other text is as it was."""
    return text.encode("utf-8", "backslashreplace").decode()


def is_busy(error: sqlite3.Error) -> bool:
    """Whether an error only says that another process is writing."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _migrate(connection: sqlite3.Connection, path: str) -> None:
    lock = Lock(f"{path}.lock", wait=True)  # WAL cannot be switched on by two at once
    try:
        version = _version(connection)
        if version > len(MIGRATIONS):
            raise StoreError(
                f"the records in `{path}` were written by a newer Skep (schema {version}, known {len(MIGRATIONS)})",
                hint="use that version, or set SKEP_STATE_DIR to another folder",
            )
        if version == 0:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
        for number in range(version, len(MIGRATIONS)):
            with transaction(connection):
                for statement in MIGRATIONS[number]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number + 1}")
    finally:
        lock.release()


SQLITE_NEEDED = (3, 37, 0)
"""The first sqlite with STRICT tables (2021-11)."""


def sqlite_version() -> tuple[int, ...]:
    """The version of the sqlite library inside this Python."""
    return sqlite3.sqlite_version_info
