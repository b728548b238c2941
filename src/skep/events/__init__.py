"""Facts in, an ordered, hash-chained journal and its readers out.

Absent: SQL, files, workflows, who listens.
"""
