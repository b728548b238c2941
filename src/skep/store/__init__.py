"""Records in and out of SQL; the only room that talks it.

Absent: workflow syntax, processes.
"""
