"""Run records of one user on one machine, in raw sqlite3.

Absent: the hub, workflow syntax.
"""
