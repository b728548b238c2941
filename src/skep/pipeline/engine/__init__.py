"""A plan in, outcomes and facts out: the scheduler decides, the shell does.

Absent: SQL, the terminal, how a runner isolates.
"""
