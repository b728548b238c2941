"""A workflow that can be read in, findings about what it will do wrong out.

Absent: files, processes, settings; rules see texts and trees that are handed in.
"""
