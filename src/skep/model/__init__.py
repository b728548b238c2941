"""The nouns that cross rooms: ids, locations, findings, outcomes, errors.

Absent: any I/O, any clock, any other room.
"""
