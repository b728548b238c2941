"""Ids that cross rooms, so that one kind cannot be passed for another."""

from typing import NewType

RunId = NewType("RunId", str)
"""One `skep run`: sortable by start, such as `20261120T101530-4f2a`."""

JobKey = NewType("JobKey", str)
"""One job before its matrix is expanded, unique in its run: `<workflow file name>:<job id>`."""

LegKey = NewType("LegKey", str)
"""One job as it runs, unique in its run: its JobKey, and for a matrix job ` (a, b)` or `#n` behind it."""

StepId = NewType("StepId", str)
"""A step's id within its job: as written, or made as GitHub makes it (`__run`, `__run_2`)."""
