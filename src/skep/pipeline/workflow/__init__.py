"""Workflow text in, syntax tree with positions and findings out; pure.

Absent: files, git, what runs.
"""
