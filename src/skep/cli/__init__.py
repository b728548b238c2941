"""Words typed in, a call made, text or JSON out.

Absent: rules; it decides nothing.
"""
