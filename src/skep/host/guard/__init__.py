"""Requests to start and to kill -> processes below one guard process, and how each of them ended.

The package runs twice: `main` in the guard itself, as a program that imports nothing of Skep (relative imports only, no
`typing`, no `dataclasses`: it starts in a few milliseconds); `launch` and `client` in the process of the run.

Absent: jobs, steps and their meaning; a process has a number, and a tracking id that several processes may share.
"""
