"""The nouns of the shop, and how they look in JSON. Money is in cents."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Something for sale."""

    id: int
    sku: str
    name: str
    price_cents: int
    stock: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProduct:
    """A product as a caller describes it."""

    sku: str
    name: str
    price_cents: int
    stock: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """So many of one product."""

    product_id: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """A line of a placed order: the price is the one of that moment."""

    product_id: int
    quantity: int
    price_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order as a caller describes it."""

    customer: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order that was placed."""

    id: int
    customer: str
    status: str  # placed, cancelled
    total_cents: int
    placed_at: str  # ISO 8601, UTC
    lines: tuple[PricedLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """Some of many: ask again with `after=next` until `next` is null."""

    items: Sequence[Item]
    next: int | None
