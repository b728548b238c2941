"""Requests of GitHub's toolkits in, their artifacts, caches and tokens out: small apps over the same stores as the native actions.

Absent: workflows, steps, how an action is started.
"""
