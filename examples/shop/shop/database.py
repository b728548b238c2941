"""Opens the database and brings it to the newest schema."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources

JOURNAL_MODES = ("wal", "delete", "memory")
BUSY_TIMEOUT_MS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step of the schema: its number, its name, its SQL."""

    version: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """What the step said when it was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


class MigrationChanged(Exception):
    """A migration that was applied says something else now."""


def connect(path: str, *, journal: str = "wal") -> sqlite3.Connection:
    """A connection with foreign keys on; transactions are begun by `transaction` only."""
    if journal not in JOURNAL_MODES:
        raise ValueError(f"journal mode `{journal}` is none of {', '.join(JOURNAL_MODES)}")
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing; takes the write lock at once, so that two writers queue instead of failing half-way."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def known_migrations() -> list[Migration]:
    """The migrations that come with this version, in order."""
    folder = resources.files("shop") / "migrations"
    files = sorted(
        (file.name, file.read_text(encoding="utf-8")) for file in folder.iterdir() if file.name[0].isdigit()
    )
    return [
        Migration(version=int(name[:4]), name=name[5:].removesuffix(".sql"), sql=sql)
        for name, sql in files
        if name.endswith(".sql")
    ]


def migrate(connection: sqlite3.Connection, migrations: list[Migration] | None = None) -> list[Migration]:
    """Applies what is missing and returns it. Safe to repeat, and for two processes at once."""
    wanted = known_migrations() if migrations is None else migrations
    with transaction(connection):
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, digest TEXT NOT NULL)"
        )
        applied = dict(connection.execute("SELECT version, digest FROM schema_migrations").fetchall())
        missing = [migration for migration in wanted if migration.version not in applied]
        for migration in wanted:
            if applied.get(migration.version, migration.digest) != migration.digest:
                raise MigrationChanged(
                    f"migration {migration.version:04} ({migration.name}) was changed after it ran"
                )
        for migration in missing:
            _apply(connection, migration)
    return missing


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    # not `executescript`: it would commit the transaction around all of this
    statement = ""
    for line in migration.sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
    connection.execute("INSERT INTO schema_migrations VALUES (?, ?)", (migration.version, migration.digest))
