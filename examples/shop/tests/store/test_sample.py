"""The sample catalogue is the same everywhere; SHOP_SAMPLE may name one that another job has made."""

import os
import shutil
import unittest

from shop import catalogue, sample
from shop.database import connect, migrate
from tests.database import JOURNAL, DatabaseTest


class SampleTest(DatabaseTest):
    def test_filling_twice_adds_nothing(self) -> None:
        self.assertEqual(sample.fill(self.connection, 30), 30)
        self.assertEqual(sample.fill(self.connection, 30), 0)

    def test_all_pages_together_are_the_whole_catalogue(self) -> None:
        sample.fill(self.connection, 45)
        seen: list[int] = []
        after: int | None = 0
        while after is not None:
            page = catalogue.list_products(self.connection, after=after, limit=20)
            seen += [product.id for product in page.items]
            after = page.next
        self.assertEqual(seen, list(range(1, 46)))

    @unittest.skipUnless(os.environ.get("SHOP_SAMPLE"), "SHOP_SAMPLE names no database")
    def test_the_shared_sample_is_the_one_of_this_version(self) -> None:
        copy = self.path + ".sample"
        shutil.copy(os.environ["SHOP_SAMPLE"], copy)
        shared = connect(copy, journal=JOURNAL)
        self.addCleanup(shared.close)
        self.assertEqual(migrate(shared), [])
        count = shared.execute("SELECT count(*) FROM products").fetchone()[0]
        sample.fill(self.connection, count)
        rows = "SELECT * FROM products ORDER BY id"
        self.assertEqual(
            [tuple(row) for row in shared.execute(rows)],
            [tuple(row) for row in self.connection.execute(rows)],
        )
