"""The web API as a WSGI application: routes to calls, values to JSON, errors to statuses."""

import hmac
import json
import mimetypes
import os
import re
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIEnvironment

from shop import __version__, catalogue, orders
from shop.errors import NotAllowed, NotFound, ShopError, Unauthorized
from shop.validation import read_order, read_page, read_product

MAX_BODY = 1 << 20
PAGES = {"/": "index.html", "/app.css": "app.css"}
SCRIPT = re.compile(r"/(?P<name>[a-z]+\.js)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a route sees of a request."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    token: str
    key: str  # Idempotency-Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a route says."""

    status: HTTPStatus = HTTPStatus.OK
    body: Any = None  # a value for JSON, or bytes
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The application: where the database is opened, who may change the catalogue, where the pages are."""

    open_database: Callable[[], sqlite3.Connection]
    admin_token: str = ""
    pages: str = ""  # folder of the built web part; empty: API only
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        try:
            answer = self.answer(_read_request(environ))
            status = f"{answer.status.value} {answer.status.phrase}"
        except ShopError as error:
            status = error.status
            answer = Answer(body={"error": str(error), "details": error.details})
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        headers = {"Content-Type": answer.kind, "Content-Length": str(len(body)), **answer.headers}
        start_response(status, list(headers.items()))
        return [body]

    def answer(self, request: Request) -> Answer:
        """Finds the route and carries it out. Raises ShopError."""
        allowed = []
        for method, pattern, route in ROUTES:
            found = pattern.fullmatch(request.path)
            if found and method == request.method:
                numbers = [int(number) for number in found.groups()]
                with closing(self.open_database()) as connection:
                    return route(self, connection, request, *numbers)
            allowed += [method] if found else []
        if allowed:
            raise NotAllowed(f"{request.path} knows {', '.join(allowed)}")
        return self._page(request)

    def _page(self, request: Request) -> Answer:
        script = SCRIPT.fullmatch(request.path)
        name = script["name"] if script else PAGES.get(request.path, "")
        file = os.path.join(self.pages, name) if self.pages and name else ""
        if request.method != "GET" or not os.path.isfile(file):
            raise NotFound(f"there is nothing at {request.path}")
        with open(file, "rb") as page:
            return Answer(body=page.read(), kind=mimetypes.guess_type(name)[0] or "application/octet-stream")


def health(shop: Shop, connection: sqlite3.Connection, request: Request) -> Answer:
    """Alive, able to read the database, and which version."""
    products = connection.execute("SELECT count(*) FROM products").fetchone()[0]
    return Answer(body={"status": "ok", "version": __version__, "products": products})


def list_products(shop: Shop, connection: sqlite3.Connection, request: Request) -> Answer:
    """One page of the catalogue."""
    after, limit = read_page(request.query)
    return Answer(body=asdict(catalogue.list_products(connection, after=after, limit=limit)))


def get_product(shop: Shop, connection: sqlite3.Connection, request: Request, product_id: int) -> Answer:
    """One product."""
    return Answer(body=asdict(catalogue.get_product(connection, product_id)))


def add_product(shop: Shop, connection: sqlite3.Connection, request: Request) -> Answer:
    """Needs the admin token."""
    if not shop.admin_token or not hmac.compare_digest(request.token.encode(), shop.admin_token.encode()):
        raise Unauthorized("this needs the admin token")
    product = catalogue.add_product(connection, read_product(request.body))
    return Answer(
        status=HTTPStatus.CREATED, body=asdict(product), headers={"Location": f"/api/products/{product.id}"}
    )


def list_orders(shop: Shop, connection: sqlite3.Connection, request: Request) -> Answer:
    """One page of a customer's orders."""
    after, limit = read_page(request.query)
    page = orders.list_orders(connection, request.query.get("customer", ""), after=after, limit=limit)
    return Answer(body=asdict(page))


def get_order(shop: Shop, connection: sqlite3.Connection, request: Request, order_id: int) -> Answer:
    """One order."""
    return Answer(body=asdict(orders.get_order(connection, order_id)))


def place_order(shop: Shop, connection: sqlite3.Connection, request: Request) -> Answer:
    """201 for a new order, 200 when the idempotency key repeats an earlier one."""
    order, is_new = orders.place_order(connection, read_order(request.body), now=shop.now(), key=request.key)
    status = HTTPStatus.CREATED if is_new else HTTPStatus.OK
    return Answer(status=status, body=asdict(order), headers={"Location": f"/api/orders/{order.id}"})


def cancel_order(shop: Shop, connection: sqlite3.Connection, request: Request, order_id: int) -> Answer:
    """Cancels an order."""
    return Answer(body=asdict(orders.cancel_order(connection, order_id)))


ROUTES: list[tuple[str, re.Pattern[str], Callable[..., Answer]]] = [
    ("GET", re.compile(r"/health"), health),
    ("GET", re.compile(r"/api/products"), list_products),
    ("POST", re.compile(r"/api/products"), add_product),
    ("GET", re.compile(r"/api/products/(\d{1,15})"), get_product),
    ("GET", re.compile(r"/api/orders"), list_orders),
    ("POST", re.compile(r"/api/orders"), place_order),
    ("GET", re.compile(r"/api/orders/(\d{1,15})"), get_order),
    ("DELETE", re.compile(r"/api/orders/(\d{1,15})"), cancel_order),
]


def _read_request(environ: WSGIEnvironment) -> Request:
    length = environ.get("CONTENT_LENGTH") or "0"
    size = min(int(length), MAX_BODY) if length.isdecimal() else 0
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO") or "/",
        query=dict(parse_qsl(environ.get("QUERY_STRING", ""))),
        body=environ["wsgi.input"].read(size) if size else b"",
        token=environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer "),
        key=environ.get("HTTP_IDEMPOTENCY_KEY", ""),
    )
