"""One job's steps in, exit codes out: where steps execute.

Absent: workflow syntax, scheduling.
"""
