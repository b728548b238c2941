"""Products and their stock."""

import sqlite3
from dataclasses import asdict

from shop.database import transaction
from shop.errors import Conflict, NotFound
from shop.values import NewProduct, Page, Product


def list_products(connection: sqlite3.Connection, *, after: int = 0, limit: int = 20) -> Page[Product]:
    """Products in the order of their ids."""
    rows = connection.execute(
        "SELECT * FROM products WHERE id > ? ORDER BY id LIMIT ?", (after, limit + 1)
    ).fetchall()
    items = [Product(**dict(row)) for row in rows[:limit]]
    return Page(items=items, next=items[-1].id if len(rows) > limit else None)


def get_product(connection: sqlite3.Connection, product_id: int) -> Product:
    """One product. Raises NotFound."""
    row = connection.execute("SELECT * FROM products WHERE id = ?", (product_id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no product {product_id}")
    return Product(**dict(row))


def add_product(connection: sqlite3.Connection, product: NewProduct) -> Product:
    """Puts a product on sale. Raises Conflict when its sku is taken."""
    with transaction(connection):
        try:
            cursor = connection.execute(
                "INSERT INTO products (sku, name, price_cents, stock) VALUES (:sku, :name, :price_cents, :stock)",
                asdict(product),
            )
        except sqlite3.IntegrityError as error:
            raise Conflict(f"the sku `{product.sku}` is taken") from error
    return get_product(connection, cursor.lastrowid or 0)
