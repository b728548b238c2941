"""A fresh database for each test, in the journal mode of SHOP_JOURNAL."""

import os
import sqlite3
import tempfile
import threading
import unittest
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

from shop.database import connect, migrate
from shop.values import NewProduct

JOURNAL = os.environ.get("SHOP_JOURNAL") or "wal"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LAMP = NewProduct(sku="LAMP-1", name="Lamp", price_cents=1999, stock=3)
MUG = NewProduct(sku="MUG-1", name="Mug", price_cents=500, stock=10)


class DatabaseTest(unittest.TestCase):
    """Gives each test `self.path` and `self.connection`."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "shop.db")
        self.connection = self.open()
        migrate(self.connection)

    def open(self) -> sqlite3.Connection:
        """Another connection to the same database, closed after the test."""
        connection = self.open_in_thread()
        self.addCleanup(connection.close)
        return connection

    def open_in_thread(self) -> sqlite3.Connection:
        """A connection that the calling thread closes itself."""
        return connect(self.path, journal=JOURNAL)

    def at_once(self, work: Callable[[sqlite3.Connection], None], times: int) -> None:
        """Does the work in several threads, each with its own connection."""

        def one() -> None:
            with closing(self.open_in_thread()) as connection:
                work(connection)

        threads = [threading.Thread(target=one) for _ in range(times)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
