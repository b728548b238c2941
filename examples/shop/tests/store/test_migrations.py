"""The schema comes up once, whole, and unchanged."""

import dataclasses

from shop.database import Migration, MigrationChanged, known_migrations, migrate
from tests.database import JOURNAL, DatabaseTest


class MigrationTest(DatabaseTest):
    def test_a_second_migration_has_nothing_to_do(self) -> None:
        self.assertEqual(migrate(self.connection), [])

    def test_the_database_is_in_the_asked_journal_mode(self) -> None:
        self.assertEqual(self.connection.execute("PRAGMA journal_mode").fetchone()[0], JOURNAL)

    def test_a_changed_migration_is_refused(self) -> None:
        first, *others = known_migrations()
        changed = [dataclasses.replace(first, sql=first.sql + "-- later thought\n"), *others]
        with self.assertRaises(MigrationChanged):
            migrate(self.connection, changed)

    def test_a_failing_migration_leaves_nothing_behind(self) -> None:
        broken = Migration(
            version=99, name="broken", sql="CREATE TABLE half (id);\nCREATE TABLE half (id);\n"
        )
        with self.assertRaisesRegex(Exception, "already exists"):
            migrate(self.connection, [*known_migrations(), broken])
        tables = {row[0] for row in self.connection.execute("SELECT name FROM sqlite_master")}
        self.assertNotIn("half", tables)

    def test_two_processes_may_migrate_at_once(self) -> None:
        self.connection.executescript(
            "DROP TABLE idempotency_keys; DELETE FROM schema_migrations WHERE version = 3;"
        )
        self.connection.execute("DROP INDEX orders_by_customer")
        applied: list[int] = []
        self.at_once(
            lambda connection: applied.extend(migration.version for migration in migrate(connection)), times=4
        )
        self.assertEqual(applied, [3])
