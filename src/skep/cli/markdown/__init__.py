"""Turns Markdown (GitHub's, as job summaries are written) into lines for a terminal. Pure; never raises, whatever the text.

Absent: reading, printing, and every scheme of links: nothing is opened or fetched.
"""
