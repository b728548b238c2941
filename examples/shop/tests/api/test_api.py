"""The API as a caller sees it: a real server, real requests."""

import json
import os
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from wsgiref.simple_server import make_server

from shop import __version__
from shop.__main__ import QuietHandler, Server
from shop.api import Shop
from shop.database import connect
from tests.database import JOURNAL, NOON, DatabaseTest

LAMP = {"sku": "LAMP-1", "name": "Lamp", "price_cents": 1999, "stock": 3}
ADMIN = {"Authorization": "Bearer secret"}


class ApiTest(DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        pages = tempfile.TemporaryDirectory()
        self.addCleanup(pages.cleanup)
        self.pages = pages.name
        shop = Shop(
            open_database=lambda: connect(self.path, journal=JOURNAL),
            admin_token="secret",
            pages=self.pages,
            now=lambda: NOON,
        )
        server = make_server("127.0.0.1", 0, shop, server_class=Server, handler_class=QuietHandler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data=data, method=method, headers=dict(headers or {})
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def test_health_says_the_version(self) -> None:
        self.assertEqual(
            self.ask("GET", "/health"), (200, {"status": "ok", "version": __version__, "products": 0})
        )

    def test_a_product_that_was_added_can_be_read(self) -> None:
        status, added = self.ask("POST", "/api/products", LAMP, ADMIN)
        self.assertEqual((status, self.ask("GET", f"/api/products/{added['id']}")), (201, (200, added)))

    def test_only_the_admin_adds_products(self) -> None:
        self.assertEqual(self.ask("POST", "/api/products", LAMP)[0], 401)
        self.assertEqual(self.ask("POST", "/api/products", LAMP, {"Authorization": "Bearer wrong"})[0], 401)

    def test_a_sku_is_taken_once(self) -> None:
        self.ask("POST", "/api/products", LAMP, ADMIN)
        self.assertEqual(self.ask("POST", "/api/products", LAMP, ADMIN)[0], 409)

    def test_every_problem_of_a_product_is_named_at_once(self) -> None:
        status, answer = self.ask(
            "POST", "/api/products", {"sku": "small", "price_cents": -1, "stock": True}, ADMIN
        )
        self.assertEqual(status, 422)
        self.assertEqual(
            [detail.split(":")[0] for detail in answer["details"]], ["name", "sku", "price_cents", "stock"]
        )

    def test_what_is_no_order_is_refused(self) -> None:
        for body in (b"{", b"[]", {}, {"customer": "ada", "lines": []}, {"customer": "ada", "lines": [3]}):
            with self.subTest(body=body):
                self.assertEqual(self.ask("POST", "/api/orders", body)[0], 422)
        twice = {"customer": "ada", "lines": [{"product_id": 1, "quantity": 1}] * 2}
        self.assertEqual(
            self.ask("POST", "/api/orders", twice)[1]["details"], ["lines: a product appears twice"]
        )

    def test_an_order_goes_through_and_can_be_cancelled(self) -> None:
        lamp = self.ask("POST", "/api/products", LAMP, ADMIN)[1]
        order = {"customer": "ada", "lines": [{"product_id": lamp["id"], "quantity": 2}]}
        status, placed = self.ask("POST", "/api/orders", order, {"Idempotency-Key": "one"})
        self.assertEqual((status, placed["total_cents"], placed["placed_at"]), (201, 3998, NOON.isoformat()))
        self.assertEqual(self.ask("POST", "/api/orders", order, {"Idempotency-Key": "one"}), (200, placed))
        self.assertEqual(self.ask("GET", "/api/orders?customer=ada")[1]["items"], [placed])
        self.assertEqual(self.ask("POST", "/api/orders", order)[0], 409)  # one lamp is left
        self.assertEqual(self.ask("DELETE", f"/api/orders/{placed['id']}")[1]["status"], "cancelled")
        self.assertEqual(self.ask("DELETE", f"/api/orders/{placed['id']}")[0], 409)

    def test_unknown_paths_and_methods_are_told_apart(self) -> None:
        self.assertEqual(self.ask("GET", "/nothing")[0], 404)
        self.assertEqual(self.ask("GET", "/api/products/7")[0], 404)
        self.assertEqual(self.ask("PUT", "/api/products", {})[0], 405)

    def test_a_page_that_does_not_exist_is_refused(self) -> None:
        self.assertEqual(self.ask("GET", "/api/products?limit=1000")[0], 422)
        self.assertEqual(self.ask("GET", "/api/products?after=x")[0], 422)

    def test_the_web_part_is_served_and_nothing_beside_it(self) -> None:
        with open(os.path.join(self.pages, "index.html"), "w", encoding="utf-8") as page:
            page.write("<title>shop</title>")
        with urllib.request.urlopen(self.url + "/", timeout=30) as response:
            self.assertIn(b"<title>shop</title>", response.read())
        self.assertEqual(self.ask("GET", "/../shop.db")[0], 404)
        self.assertEqual(self.ask("GET", "/main.js")[0], 404)
