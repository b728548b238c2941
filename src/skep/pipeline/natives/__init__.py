"""Well-known actions done by Skep itself: checkout, cache, artifacts.

Absent: scheduling, SQL.
"""
