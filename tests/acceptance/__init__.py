"""Skep as a user sees it: the command line, the examples, the set-up."""
