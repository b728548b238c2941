"""Tests of the shop: `store/` below the web, `api/` through it."""
