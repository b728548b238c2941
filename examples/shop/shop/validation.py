"""JSON from outside in, values out; every problem is named at once."""

import json
import re
from collections.abc import Mapping
from typing import Any, TypeGuard

from shop.errors import Invalid
from shop.values import Line, NewOrder, NewProduct

SKU = re.compile(r"[A-Z0-9]+(-[A-Z0-9]+)*")
MAX_NAME = 200
MAX_LINES = 50
MAX_QUANTITY = 1000
MAX_PAGE = 100


def read_json(body: bytes) -> Mapping[str, Any]:
    """The object that a request carries. Raises Invalid when it carries none."""
    try:
        value = json.loads(body or b"null")
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise Invalid("the body is not JSON", [str(error)]) from error
    if not isinstance(value, dict):
        raise Invalid("the body must be a JSON object")
    return value


def read_product(body: bytes) -> NewProduct:
    """A new product. Raises Invalid with all problems."""
    data = read_json(body)
    problems: list[str] = []
    sku, name = _text(data, "sku", problems), _text(data, "name", problems)
    if sku and not SKU.fullmatch(sku):
        problems.append("sku: capitals and digits, parts joined by `-`")
    price, stock = _count(data, "price_cents", problems), _count(data, "stock", problems)
    if problems:
        raise Invalid("this is not a product", problems)
    return NewProduct(sku=sku, name=name, price_cents=price, stock=stock)


def read_order(body: bytes) -> NewOrder:
    """A new order. Raises Invalid with all problems."""
    data = read_json(body)
    problems: list[str] = []
    customer = _text(data, "customer", problems)
    given = data.get("lines")
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_LINES:
        raise Invalid("this is not an order", [*problems, f"lines: a list of 1 to {MAX_LINES}"])
    lines = [_line(item, f"lines[{place}]", problems) for place, item in enumerate(given)]
    products = [line.product_id for line in lines]
    if len(set(products)) != len(products):
        problems.append("lines: a product appears twice")
    if problems:
        raise Invalid("this is not an order", problems)
    return NewOrder(customer=customer, lines=tuple(lines))


def read_page(query: Mapping[str, str]) -> tuple[int, int]:
    """`after` and `limit` of a list request. Raises Invalid."""
    after, limit = query.get("after", "0"), query.get("limit", "20")
    if not after.isdecimal() or not limit.isdecimal() or not 1 <= int(limit) <= MAX_PAGE:
        raise Invalid("no such page", [f"after: a number; limit: 1 to {MAX_PAGE}"])
    return int(after), int(limit)


def _line(item: object, where: str, problems: list[str]) -> Line:
    if not isinstance(item, dict):
        problems.append(f"{where}: an object with product_id and quantity")
        return Line(product_id=0, quantity=0)
    product_id, quantity = item.get("product_id"), item.get("quantity")
    if not _is_count(product_id):
        problems.append(f"{where}.product_id: a number")
    if not _is_count(quantity) or not 1 <= quantity <= MAX_QUANTITY:
        problems.append(f"{where}.quantity: 1 to {MAX_QUANTITY}")
    return Line(
        product_id=product_id if _is_count(product_id) else 0, quantity=quantity if _is_count(quantity) else 0
    )


def _text(data: Mapping[str, Any], field: str, problems: list[str]) -> str:
    value = data.get(field)
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_NAME:
        problems.append(f"{field}: a text of 1 to {MAX_NAME} characters")
        return ""
    return value.strip()


def _count(data: Mapping[str, Any], field: str, problems: list[str]) -> int:
    value = data.get(field)
    if not _is_count(value):
        problems.append(f"{field}: a whole number, 0 or more")
        return 0
    return value


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
