"""A small shop: products, stock and orders behind a web API, kept in SQLite. Standard library only."""

__version__ = "1.0.0"
