"""A catalogue to try things with: always the same products."""

import random
import sqlite3

from shop.database import transaction

THINGS = ("Lamp", "Chair", "Table", "Shelf", "Mug", "Kettle", "Clock", "Rug", "Vase", "Mirror")
KINDS = ("Small", "Large", "Oak", "Steel", "Blue", "Red", "Folding", "Quiet", "Round", "Plain")


def fill(connection: sqlite3.Connection, count: int) -> int:
    """Adds products up to `count`; returns how many were added."""
    chance = random.Random(20)  # noqa: S311 - the same products every time
    present: int = connection.execute("SELECT count(*) FROM products").fetchone()[0]
    products = [
        (
            f"S-{number:05}",
            f"{chance.choice(KINDS)} {chance.choice(THINGS)}",
            chance.randrange(100, 20000),
            chance.randrange(200),
        )
        for number in range(1, count + 1)
    ]
    with transaction(connection):
        connection.executemany(
            "INSERT INTO products (sku, name, price_cents, stock) VALUES (?, ?, ?, ?)", products[present:]
        )
    return max(0, count - present)
