"""GitHub's filter patterns for branches, tags and paths: text -> something that matches names.

Source of the rules: "Filter pattern cheat sheet" of GitHub's workflow syntax reference.

    *        any characters but `/`          ?   zero or one of the character or class before it
    **       any characters                  +   one or more of the character or class before it
    **/      any folders, or none            \\x  the character x itself
    [a-z0-9] one character of the class      !   first in the pattern: takes names out again

The last pattern that matches a name decides. Names keep their case. Patterns become `re` programs; one with many
wildcards, where `re` could take minutes on an unlucky name, is matched by following all its states at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

_MAX_WILDCARDS_FOR_RE = 3  # backtracking costs about length ** wildcards


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternError:
    """Why a pattern is not one. `position` counts characters from 0."""

    text: str
    position: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One compiled filter pattern."""

    text: str  # as written, with its `!`
    negated: bool
    matches: Callable[[str], bool]  # whether a whole name fits, the `!` left aside


@dataclass(frozen=True, slots=True)
class _Atom:
    """One part of a pattern. `skip`: from here so many atoms may be left out together."""

    source: str  # an `re` expression for one character
    optional: bool = False
    unbounded: bool = False
    skip: int = 0

    def regex(self) -> str:
        """This atom with its quantifier."""
        if self.unbounded:
            return self.source + ("*" if self.optional else "+")
        return self.source + ("?" if self.optional else "")


class _ScanError(Exception):
    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


@lru_cache(maxsize=8192)
def compile_pattern(text: str) -> Pattern | PatternError:
    """The pattern, or what is wrong with it."""
    negated = text.startswith("!")
    try:
        atoms = _Scanner(text, 1 if negated else 0).scan()
    except _ScanError as wrong:
        return PatternError(text=text, position=wrong.position, message=str(wrong))
    wildcards = sum(1 for atom in atoms if atom.unbounded or atom.optional)
    matches = _by_re(atoms) if wildcards <= _MAX_WILDCARDS_FOR_RE else _by_states(atoms)
    return Pattern(text=text, negated=negated, matches=matches)


def last_match(patterns: Sequence[Pattern], name: str) -> Pattern | None:
    """The pattern that decides on a name: the last one that matches it; None when none does."""
    for pattern in reversed(patterns):
        if pattern.matches(name):
            return pattern
    return None


def included(patterns: Sequence[Pattern], name: str) -> bool:
    """Whether the patterns together take a name: the last match exists and is not a `!` one."""
    deciding = last_match(patterns, name)
    return deciding is not None and not deciding.negated


class _Scanner:
    """Reads a pattern into atoms, one character class or character at a time."""

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._start = start
        self._at = start
        self._atoms: list[_Atom] = []

    def scan(self) -> tuple[_Atom, ...]:
        if self._at == len(self._text):
            raise _ScanError(self._at, "the pattern is empty")
        while self._at < len(self._text):
            self._step(self._text[self._at])
        return tuple(self._atoms)

    def _step(self, char: str) -> None:
        if char == "*":
            self._stars()
        elif char in "?+":
            self._quantifier(char)
        elif char == "[":
            self._class()
        elif char == "\\":
            if self._at + 1 == len(self._text):
                raise _ScanError(self._at, "nothing follows `\\`")
            self._character(self._text[self._at + 1], 2)
        else:
            self._character(char, 1)

    def _character(self, char: str, width: int) -> None:
        self._atoms.append(_Atom(re.escape(char)))
        self._at += width

    def _stars(self) -> None:
        begin = self._at
        while self._text[self._at : self._at + 1] == "*":
            self._at += 1
        if self._at - begin == 1:
            self._atoms.append(_Atom("[^/]", optional=True, unbounded=True))
            return
        # `**/` at the start of a path segment stands for any number of folders, also none
        segment_start = begin == self._start or self._text[begin - 1] == "/"
        if segment_start and self._text[self._at : self._at + 1] == "/":
            self._atoms.append(_Atom(".", optional=True, unbounded=True, skip=2))
            self._atoms.append(_Atom("/"))
            self._at += 1
        else:
            self._atoms.append(_Atom(".", optional=True, unbounded=True))

    def _quantifier(self, char: str) -> None:
        if not self._atoms:
            raise _ScanError(self._at, f"`{char}` needs a character or a class before it")
        atom = self._atoms[-1]
        self._atoms[-1] = replace(
            atom, optional=atom.optional or char == "?", unbounded=atom.unbounded or char == "+"
        )
        self._at += 1

    def _class(self) -> None:
        begin, at, parts = self._at, self._at + 1, []
        while at < len(self._text) and self._text[at] != "]":
            low, at = self._class_character(at)
            high = low
            if self._text[at : at + 1] == "-" and self._text[at + 1 : at + 2] not in ("", "]"):
                high, at = self._class_character(at + 1)
            if low > high:
                raise _ScanError(begin, f"the range `{low}-{high}` runs backwards")
            parts.append(re.escape(low) if low == high else f"{re.escape(low)}-{re.escape(high)}")
        if at >= len(self._text):
            raise _ScanError(begin, "`[` is not closed by `]`")
        if not parts:
            raise _ScanError(begin, "`[]` is empty")
        self._atoms.append(_Atom(f"[{''.join(parts)}]"))
        self._at = at + 1

    def _class_character(self, at: int) -> tuple[str, int]:
        if self._text[at] == "\\" and at + 1 < len(self._text):
            return self._text[at + 1], at + 2
        return self._text[at], at + 1


def _by_re(atoms: Sequence[_Atom]) -> Callable[[str], bool]:
    parts: list[str] = []
    closes: dict[int, str] = {}
    for index, atom in enumerate(atoms):
        if atom.skip:
            parts.append("(?:")
            closes[index + atom.skip - 1] = ")?"
        parts.append(atom.regex() + closes.get(index, ""))
    program = re.compile("".join(parts), re.DOTALL)
    return lambda name: program.fullmatch(name) is not None


def _by_states(atoms: Sequence[_Atom]) -> Callable[[str], bool]:
    """A matcher whose time grows with pattern times name, never faster: all states at once, as bits of an int."""
    count = len(atoms)
    reachable = [1 << count] * (count + 1)  # without reading a character, from each state
    for index in range(count - 1, -1, -1):
        atom = atoms[index]
        reachable[index] = 1 << index
        if atom.optional:
            reachable[index] |= reachable[index + 1]
        if atom.skip:
            reachable[index] |= reachable[index + atom.skip]
    # after reading a character in an unbounded atom: stay, or go on, but never leave out the rest of a group
    inside = [(1 << index) | reachable[index + 1] for index in range(count)]
    accepts = [re.compile(atom.source, re.DOTALL).match for atom in atoms]

    def matches(name: str) -> bool:
        states = reachable[0]
        for char in name:
            following = 0
            for index in range(count):
                if states >> index & 1 and accepts[index](char):
                    following |= inside[index] if atoms[index].unbounded else reachable[index + 1]
            states = following
            if not states:
                return False
        return bool(states >> count & 1)

    return matches
