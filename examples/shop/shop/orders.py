"""Orders: placed all or nothing, at the price of the moment, never more than is in stock."""

import hashlib
import json
import sqlite3
from dataclasses import asdict
from datetime import datetime

from shop.catalogue import get_product
from shop.database import transaction
from shop.errors import Conflict, NotFound
from shop.values import Line, NewOrder, Order, Page, PricedLine


def place_order(
    connection: sqlite3.Connection, order: NewOrder, *, now: datetime, key: str = ""
) -> tuple[Order, bool]:
    """The order, and whether it is new: the same idempotency key gives the first answer again.

    Raises Conflict when something is sold out or the key was used for another request, NotFound for an unknown product.
    """
    digest = hashlib.sha256(json.dumps(asdict(order), sort_keys=True).encode()).hexdigest()
    with transaction(connection):
        earlier = _earlier(connection, key, digest)
        if earlier is not None:
            return earlier, False
        priced = [_reserve(connection, line) for line in order.lines]
        total = sum(line.quantity * line.price_cents for line in priced)
        cursor = connection.execute(
            "INSERT INTO orders (customer, status, total_cents, placed_at) VALUES (?, 'placed', ?, ?)",
            (order.customer, total, now.isoformat()),
        )
        order_id = cursor.lastrowid or 0
        connection.executemany(
            "INSERT INTO order_lines VALUES (?, ?, ?, ?)",
            [(order_id, line.product_id, line.quantity, line.price_cents) for line in priced],
        )
        if key:
            connection.execute("INSERT INTO idempotency_keys VALUES (?, ?, ?)", (key, digest, order_id))
    return get_order(connection, order_id), True


def cancel_order(connection: sqlite3.Connection, order_id: int) -> Order:
    """Puts the goods back. Raises NotFound, or Conflict when it was cancelled before."""
    with transaction(connection):
        order = get_order(connection, order_id)
        if order.status == "cancelled":
            raise Conflict(f"order {order_id} is cancelled already")
        connection.execute("UPDATE orders SET status = 'cancelled' WHERE id = ?", (order_id,))
        connection.executemany(
            "UPDATE products SET stock = stock + ? WHERE id = ?",
            [(line.quantity, line.product_id) for line in order.lines],
        )
    return get_order(connection, order_id)


def get_order(connection: sqlite3.Connection, order_id: int) -> Order:
    """One order with its lines. Raises NotFound."""
    row = connection.execute("SELECT * FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no order {order_id}")
    return _with_lines(connection, row)


def list_orders(
    connection: sqlite3.Connection, customer: str, *, after: int = 0, limit: int = 20
) -> Page[Order]:
    """A customer's orders, oldest first."""
    rows = connection.execute(
        "SELECT * FROM orders WHERE customer = ? AND id > ? ORDER BY id LIMIT ?", (customer, after, limit + 1)
    ).fetchall()
    items = [_with_lines(connection, row) for row in rows[:limit]]
    return Page(items=items, next=items[-1].id if len(rows) > limit else None)


def _earlier(connection: sqlite3.Connection, key: str, digest: str) -> Order | None:
    row = connection.execute(
        "SELECT request_digest, order_id FROM idempotency_keys WHERE key = ?", (key,)
    ).fetchone()
    if row is None:
        return None
    if row["request_digest"] != digest:
        raise Conflict("this idempotency key was used for another order")
    return get_order(connection, row["order_id"])


def _reserve(connection: sqlite3.Connection, line: Line) -> PricedLine:
    product = get_product(connection, line.product_id)
    if product.stock < line.quantity:
        raise Conflict(f"only {product.stock} of `{product.sku}` left", [f"product_id {product.id}"])
    connection.execute("UPDATE products SET stock = stock - ? WHERE id = ?", (line.quantity, product.id))
    return PricedLine(product_id=product.id, quantity=line.quantity, price_cents=product.price_cents)


def _with_lines(connection: sqlite3.Connection, row: sqlite3.Row) -> Order:
    lines = connection.execute(
        "SELECT product_id, quantity, price_cents FROM order_lines WHERE order_id = ? ORDER BY product_id",
        (row["id"],),
    )
    return Order(**dict(row), lines=tuple(PricedLine(**dict(line)) for line in lines))
