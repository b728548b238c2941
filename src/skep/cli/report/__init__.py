"""Turns a finished run into the page that people read at its end: summaries, failures, annotations, artifacts, jobs, what to do next.

Absent: any I/O, and how a run is shown while it goes on (`cli.live`).
"""
