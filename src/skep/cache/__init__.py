"""Content hash in, bytes out.

Absent: workflows, jobs, what the bytes mean.
"""
