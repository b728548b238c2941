"""A workflow in, what is certain of it before anything runs out: conditions, scripts, matrix rows, names.

Absent: findings, severities; what is not certain is None, and rules stay silent about it.
"""
