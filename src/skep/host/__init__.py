"""This machine: processes, mounts, files, clock, globs, masking.

Absent: workflows, runs, the store, settings.
"""
