"""Skep takes a change from commit to production. This package root holds the version only."""

__version__ = "0.1.0"
