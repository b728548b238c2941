"""Fakes, builders and contract suites, for us and for plugin authors.

Absent: production code paths.
"""
