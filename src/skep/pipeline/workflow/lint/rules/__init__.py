"""A workflow in, findings about one kind of mistake out: one file for each.

Absent: files, processes, settings, other rules.
"""
