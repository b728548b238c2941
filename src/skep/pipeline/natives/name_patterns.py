"""Patterns of artifact names, as minimatch reads them: `*`, `?`, `[a-z]`, `{a,b}`, `!(a|b)`, a leading `!`.

A name is one path segment; a leading `.` is matched only by a `.`. Source: isaacs/minimatch, README.

How a name is matched: from the pattern's end to its beginning, with the set of all positions in the name from which what
follows matches, as bits of an int. So the time grows with pattern times name, never faster.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from skep.model.errors import UserError

from .brace_words import DEEPEST, expand_braces

_EXTENDED = "?*+@!"
_LONGEST = 65_536  # characters of a pattern; minimatch refuses longer ones too


@dataclass(frozen=True, slots=True)
class _Sign:
    """One character: this one, or for which `accepts` is true."""

    text: str
    accepts: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class _Star:
    """Any characters, or none."""


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """`?(a|b)` and its like."""

    kind: str
    choices: tuple[tuple[_Part, ...], ...]
    negates: bool  # it is `!(...)`, or one is in it


_Part: TypeAlias = "_Sign | _Star | _Group"
_NOTHING = _Sign("", re.compile(r"(?!)"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """A pattern without braces. `hides`: it does not match names with a leading dot."""

    parts: tuple[_Part, ...]
    hides: bool


def name_matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a name matches `pattern`. A pattern that begins with `#` is a comment, and an empty one matches nothing.

    Raises UserError for one that is absurdly long or deep.
    """
    if len(pattern) > _LONGEST:
        raise UserError(f"the pattern has {len(pattern)} characters; {_LONGEST} is the limit")
    if pattern.startswith("#"):
        return lambda _: False
    bare = pattern.lstrip("!")  # before `!(`, too: there `!(a)` is only read further on
    negated = (len(pattern) - len(bare)) % 2 == 1
    words = [_read(word) for word in expand_braces(bare) if word]

    def matches(name: str) -> bool:
        found = name not in (".", "..") and any(_Matching(name).whole(word) for word in words)
        return found != negated

    return matches


# --- reading -----------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Open:
    kind: str
    choices: list[list[_Part]]


def _read(text: str) -> _Word:
    """One word of a pattern, which is not empty."""
    hides = text.startswith("!(") or (text[:1] in ("*", "?", "[") and text[1:2] != "(")
    stack = [_Open("", [[]])]
    reads = list(_reads(text))
    closed = _closed_groups(reads)
    for index, read in enumerate(reads):
        top = stack[-1]
        if isinstance(read, _Star | _Sign):
            top.choices[-1].append(read)
        elif read in ("|", ")") and len(stack) == 1:
            top.choices[-1].append(_Sign(read))
        elif read == "|":
            top.choices.append([])
        elif read == ")":
            stack.pop()
            stack[-1].choices[-1].append(_group(top))
        elif index in closed:
            stack.append(_Open(read, [[]]))
            if len(stack) > DEEPEST:
                raise UserError(f"the pattern's groups nest deeper than {DEEPEST}")
        else:
            top.choices[-1] += _not_a_group(read)
    return _Word(parts=tuple(stack[0].choices[0]), hides=hides)


def _reads(text: str) -> Iterator[_Sign | _Star | str]:
    """Signs and stars; `|`, `)` and the sign before a `(` as they are."""
    at = 0
    while at < len(text):
        sign, following = text[at], text[at + 1 : at + 2]
        at += 1
        if sign in _EXTENDED and following == "(":
            at += 1
            yield sign
        elif sign in "|)":
            yield sign
        elif sign == "*":
            while text[at : at + 1] == "*" and text[at + 1 : at + 2] != "(":
                at += 1
            yield _Star()
        elif sign == "?":
            yield _Sign("", re.compile(".", re.DOTALL))
        elif sign == "[" and (end := text.find("]", at + 1)) >= 0:
            yield _class(text[at:end])
            at = end + 1
        elif sign == "\\" and following:
            at += 1
            yield _Sign(following)
        else:
            yield _Sign(sign)


def _class(inner: str) -> _Sign:
    negated = inner[0] in "!^" and len(inner) > 1
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", inner[1:] if negated else inner)
    try:
        return _Sign("", re.compile(f"[{'^' if negated else ''}{escaped}]"))
    except re.error:
        return _NOTHING


def _closed_groups(reads: Sequence[_Sign | _Star | str]) -> set[int]:
    opened: list[int] = []
    closed: set[int] = set()
    for index, read in enumerate(reads):
        if read == ")":
            if opened:
                closed.add(opened.pop())
        elif isinstance(read, str) and read != "|":
            opened.append(index)
    return closed


def _not_a_group(sign: str) -> list[_Part]:
    first: _Part = _Star() if sign == "*" else _Sign(sign)
    if sign == "?":
        first = _Sign("", re.compile(".", re.DOTALL))
    return [first, _Sign("(")]


def _group(group: _Open) -> _Group:
    inner = (part for choice in group.choices for part in choice)
    negates = group.kind == "!" or any(isinstance(part, _Group) and part.negates for part in inner)
    return _Group(group.kind, tuple(tuple(choice) for choice in group.choices), negates)


# --- matching ----------------------------------------------------------------------------------------------------------
class _Matching:
    """One name. Positions are bits: 0 is the beginning of the name, its length the end.

    `tail` is where what follows may begin as a `!(...)` sees it: it does not see that a group around it may come again.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._masks: dict[_Sign, int] = {}
        self._known: dict[tuple[int, int, int], int] = {}

    def whole(self, word: _Word) -> bool:
        if word.hides and self._name.startswith("."):
            return False
        end = 1 << len(self._name)
        return bool(self._before(word.parts, end, end) & 1)

    def _before(self, parts: Sequence[_Part], ends: int, tail: int) -> int:
        """The positions from which the parts lead to one of `ends`."""
        looks_ahead = any(isinstance(part, _Group) and part.negates for part in parts)
        for part in reversed(parts):
            was, ends = ends, self._before_part(part, ends, tail)
            if looks_ahead:
                tail = ends if tail == was else self._before_part(part, tail, tail)
        return ends

    def _before_part(self, part: _Part, ends: int, tail: int) -> int:
        if isinstance(part, _Sign):
            return (ends >> 1) & self._mask(part)
        if isinstance(part, _Star):
            return (1 << ends.bit_length()) - 1
        key = (id(part), ends, tail)
        if key not in self._known:
            self._known[key] = self._before_group(part, ends, tail)
        return self._known[key]

    def _before_group(self, group: _Group, ends: int, tail: int) -> int:
        if group.kind == "!":
            forbidden = self._before_any(group, tail, tail)
            return ((1 << ends.bit_length()) - 1) & ~forbidden
        found = self._before_any(group, ends, tail)
        if group.kind in "*+":
            new = found
            while new := self._before_any(group, new, tail) & ~found:
                found |= new
        return found | ends if group.kind in "?*" else found

    def _before_any(self, group: _Group, ends: int, tail: int) -> int:
        found = 0
        for choice in group.choices:
            found |= self._before(choice, ends, tail)
        return found

    def _mask(self, sign: _Sign) -> int:
        """The positions of characters that the sign is."""
        if sign not in self._masks:
            accepts = sign.accepts
            self._masks[sign] = sum(
                1 << at
                for at, char in enumerate(self._name)
                if (accepts.fullmatch(char) if accepts else char == sign.text)
            )
        return self._masks[sign]
