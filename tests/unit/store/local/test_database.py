"""The database opened, made, migrated, or refused with a reason."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from skep.model.errors import StoreError
from skep.store.local import database
from skep.store.local.database import MIGRATIONS, open_database, sqlite_version, store_error, transaction
from skep.store.local.paths import StatePaths
from skep.store.local.records import RunRecords

from .recording import record


def tables(connection: sqlite3.Connection) -> set[str]:
    return {
        name
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
    }


def test_a_new_database_has_every_table_in_wal_mode(tmp_path: Path) -> None:
    connection = open_database(str(tmp_path / "runs.sqlite"))
    assert tables(connection) == {"runs", "journal", "counters", "claims"}
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    assert connection.execute(
        "SELECT count(*) FROM pragma_table_list WHERE strict AND schema = 'main'"
    ).fetchone() == (4,)
    connection.close()


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_records_of_an_older_schema_are_migrated_and_kept(
    paths: StatePaths, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(database, "MIGRATIONS", MIGRATIONS[:version])  # the older Skep
        older = RunRecords(paths)
        run_id = record(older)
        older.close()
    newer = RunRecords(paths)
    assert newer.verify(run_id) is None
    assert newer.list_runs()[0].run_id == run_id
    newer.close()
    connection = sqlite3.connect(paths.database)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert "claims" in tables(connection)
    connection.close()


def test_a_migration_that_fails_leaves_the_older_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "runs.sqlite")
    open_database(path).close()
    monkeypatch.setattr(database, "MIGRATIONS", (*MIGRATIONS, ("CREATE TABLE more (x)", "nonsense")))
    with pytest.raises(StoreError):
        open_database(path)
    monkeypatch.undo()
    connection = open_database(path)
    assert "more" not in tables(connection)
    connection.close()


def test_records_of_a_newer_skep_are_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "runs.sqlite")
    connection = open_database(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="newer Skep") as caught:
        open_database(path)
    assert "SKEP_STATE_DIR" in caught.value.hint


def test_a_file_that_is_no_database_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    path.write_bytes(b"this is not a database, it is a sentence" * 100)
    with pytest.raises(StoreError, match="damaged") as caught:
        open_database(str(path))
    assert f"mv '{path}'" in caught.value.hint


def test_damage_in_the_middle_of_the_file_is_an_error_of_ours(paths: StatePaths, records: RunRecords) -> None:
    record(records)
    records.close()
    sqlite3.connect(paths.database).close()
    size = os.path.getsize(paths.database)
    with open(paths.database, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(StoreError):
        RunRecords(paths).list_runs()


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        RunRecords(
            StatePaths(state_dir=str(tmp_path / "file" / "s"), repository=str(tmp_path / "file" / "s" / "r"))
        )
    assert "SKEP_STATE_DIR" in caught.value.hint


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named(number: int) -> None:
    assert "disk is full" in str(store_error("/x", OSError(number, "no")))


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    connection = open_database(str(tmp_path / "runs.sqlite"))

    def write_then_fail() -> None:
        with transaction(connection):
            connection.execute("INSERT INTO counters VALUES ('run', 7)")
            raise KeyError

    with pytest.raises(KeyError):
        write_then_fail()
    assert connection.execute("SELECT count(*) FROM counters").fetchone() == (0,)
    connection.close()


def test_the_sqlite_version_is_one_with_strict_tables() -> None:
    assert sqlite_version() >= database.SQLITE_NEEDED
