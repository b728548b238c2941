"""Turns the facts of a run that is under way into a job tree that is redrawn in place on a terminal.

Absent: what a run does, where its records lie, and the report at its end (`cli.report`).
"""
