"""Orders take what is there, once, or nothing."""

import sqlite3

from shop import catalogue, orders
from shop.errors import Conflict, NotFound
from shop.values import Line, NewOrder
from tests.database import LAMP, MUG, NOON, DatabaseTest


class OrderTest(DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        self.lamp = catalogue.add_product(self.connection, LAMP)
        self.mug = catalogue.add_product(self.connection, MUG)

    def order(self, *lines: tuple[int, int]) -> NewOrder:
        return NewOrder(
            customer="ada", lines=tuple(Line(product_id=item, quantity=count) for item, count in lines)
        )

    def stock(self) -> tuple[int, ...]:
        return tuple(catalogue.get_product(self.connection, item.id).stock for item in (self.lamp, self.mug))

    def test_an_order_takes_its_goods_and_keeps_the_price_of_the_moment(self) -> None:
        order, is_new = orders.place_order(
            self.connection, self.order((self.lamp.id, 2), (self.mug.id, 1)), now=NOON
        )
        self.connection.execute("UPDATE products SET price_cents = 1")
        self.assertTrue(is_new)
        self.assertEqual(orders.get_order(self.connection, order.id).total_cents, 2 * 1999 + 500)
        self.assertEqual(self.stock(), (1, 9))

    def test_an_order_of_more_than_is_there_takes_nothing(self) -> None:
        with self.assertRaisesRegex(Conflict, "only 3 of `LAMP-1` left"):
            orders.place_order(self.connection, self.order((self.mug.id, 1), (self.lamp.id, 4)), now=NOON)
        self.assertEqual(self.stock(), (3, 10))

    def test_the_same_key_places_one_order(self) -> None:
        wanted = self.order((self.lamp.id, 1))
        first, _ = orders.place_order(self.connection, wanted, now=NOON, key="k1")
        again, is_new = orders.place_order(self.connection, wanted, now=NOON, key="k1")
        self.assertEqual((again, is_new), (first, False))
        self.assertEqual(self.stock(), (2, 10))

    def test_the_same_key_with_another_order_is_refused(self) -> None:
        orders.place_order(self.connection, self.order((self.lamp.id, 1)), now=NOON, key="k1")
        with self.assertRaises(Conflict):
            orders.place_order(self.connection, self.order((self.lamp.id, 2)), now=NOON, key="k1")

    def test_a_cancelled_order_gives_its_goods_back_once(self) -> None:
        order, _ = orders.place_order(self.connection, self.order((self.lamp.id, 3)), now=NOON)
        self.assertEqual(orders.cancel_order(self.connection, order.id).status, "cancelled")
        with self.assertRaises(Conflict):
            orders.cancel_order(self.connection, order.id)
        self.assertEqual(self.stock(), (3, 10))

    def test_an_unknown_product_or_order_is_not_found(self) -> None:
        with self.assertRaises(NotFound):
            orders.place_order(self.connection, self.order((99, 1)), now=NOON)
        with self.assertRaises(NotFound):
            orders.get_order(self.connection, 99)

    def test_the_last_goods_are_sold_once_when_many_want_them(self) -> None:
        sold: list[str] = []

        def buy(connection: sqlite3.Connection) -> None:
            try:
                orders.place_order(connection, self.order((self.lamp.id, 1)), now=NOON)
                sold.append("sold")
            except Conflict:
                sold.append("refused")

        self.at_once(buy, times=8)
        self.assertEqual((sold.count("sold"), sold.count("refused")), (3, 5))
        self.assertEqual(self.stock()[0], 0)

    def test_orders_come_in_pages(self) -> None:
        placed = [
            orders.place_order(self.connection, self.order((self.mug.id, 1)), now=NOON)[0].id
            for _ in range(5)
        ]
        first = orders.list_orders(self.connection, "ada", limit=3)
        rest = orders.list_orders(self.connection, "ada", after=first.next or 0, limit=3)
        self.assertEqual([order.id for order in (*first.items, *rest.items)], placed)
        self.assertIsNone(rest.next)
