"""The text of a `${{ }}` in, its value out; pure.

Absent: files, processes, the shape of a workflow.
"""
