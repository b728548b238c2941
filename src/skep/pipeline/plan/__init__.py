"""Workflows and a trigger in, the jobs that shall run and why out; pure.

Absent: files, processes, git commands.
"""
