"""What a shell script is made of: words, operators, and the variables that the shell replaces."""

from __future__ import annotations

from dataclasses import dataclass


class ScriptError(Exception):
    """The script cannot be read: a quote or bracket is not closed, or it is no shell script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A word (quotes removed, expansions as written) or an operator."""

    text: str
    start: int
    end: int
    operator: bool = False
    quoted: bool = False  # a part of it stood in quotes
    open: bool = False  # what it will be depends on expansions or `${{ }}`


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """`$NAME` or `${NAME}` where the shell replaces it."""

    name: str
    start: int
    optional: bool  # with a default of its own, or only asked whether it is set
