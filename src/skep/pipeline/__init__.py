"""Workflow text in, outcome of its jobs out.

Absent: SQL, the terminal, settings.
"""
