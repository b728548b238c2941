"""The code under work: git, trees, mirrors, diffs.

Absent: workflows, jobs, the store.
"""
