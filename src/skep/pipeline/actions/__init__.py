"""action.yml in, a step tree out; it runs nothing.

Absent: processes, the network.
"""
