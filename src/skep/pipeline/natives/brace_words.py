"""The braces of shell patterns: `a{b,c}` to `ab`, `ac`; `{1..3}` to its numbers; anything else stays as it is.

Source: isaacs/minimatch, README ("brace expansion"). Time and memory are bounded, whatever the pattern.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice, product
from typing import TypeAlias

from skep.model.errors import UserError

DEEPEST = 50
"""Groups and braces may nest so deep."""
_MOST_WORDS = 1000  # a pattern that makes more is a mistake
_MOST_CHARACTERS = 1 << 20  # of all words together
_RANGE = re.compile(r"(-?\d{1,9})\.\.(-?\d{1,9})")
_SPECIAL = re.compile(r"[{},]")

Piece: TypeAlias = "str | list[list[Piece]]"
"""Text, or alternatives."""


@dataclass(slots=True)
class _Open:
    """A brace that is open."""

    at: int
    means: bool  # not behind `$` or `\\`
    parts: list[list[Piece]] = field(default_factory=lambda: [[]])
    text_from: int = 0  # what follows the last special sign


def expand_braces(pattern: str) -> list[str]:
    """The words of a pattern, the first thousand at most. Raises UserError when braces nest too deep."""
    most = max(1, min(_MOST_WORDS, _MOST_CHARACTERS // (len(pattern) + 1)))
    return _words(_pieces(pattern), most)


def _pieces(pattern: str) -> list[Piece]:
    stack = [_Open(0, means=False)]
    closes = _closing(pattern)
    for found in _SPECIAL.finditer(pattern):
        at, sign, top = found.start(), found.group(), stack[-1]
        if sign == "{" and at in closes:
            top.parts[-1].append(pattern[top.text_from : at])
            stack.append(_Open(at, means=pattern[max(0, at - 1) : at] not in ("$", "\\"), text_from=at + 1))
            if len(stack) > DEEPEST:
                raise UserError(f"the pattern's braces nest deeper than {DEEPEST}")
        elif sign == "," and len(stack) > 1:
            top.parts[-1].append(pattern[top.text_from : at])
            top.parts.append([])
            top.text_from = at + 1
        elif sign == "}" and len(stack) > 1:
            top.parts[-1].append(pattern[top.text_from : at])
            stack.pop()
            stack[-1].parts[-1] += _closed(top, pattern[top.at + 1 : at])
            stack[-1].text_from = at + 1
    root = stack[0]
    return [*root.parts[0], pattern[root.text_from :]]


def _closing(pattern: str) -> set[int]:
    """The braces that are closed."""
    opened: list[int] = []
    closed: set[int] = set()
    for found in _SPECIAL.finditer(pattern):
        if found.group() == "{":
            opened.append(found.start())
        elif found.group() == "}" and opened:
            closed.add(opened.pop())
    return closed


def _closed(group: _Open, inner: str) -> list[Piece]:
    """What a pair of braces means: alternatives, or text with braces around it."""
    numbers = _RANGE.fullmatch(inner)
    if group.means and numbers:
        return [[[number] for number in _numbers(int(numbers[1]), int(numbers[2]))]]
    if group.means and len(group.parts) > 1:
        return [group.parts]
    text: list[Piece] = ["{"]
    for index, part in enumerate(group.parts):
        text += [",", *part] if index else part
    return [*text, "}"]


def _numbers(first: int, last: int) -> list[str]:
    step = 1 if last >= first else -1
    count = min(abs(last - first) + 1, _MOST_WORDS)
    return [str(first + step * n) for n in range(count)]


def _words(pieces: list[Piece], most: int) -> list[str]:
    choices = [[piece] if isinstance(piece, str) else _alternatives(piece, most) for piece in pieces]
    return ["".join(word) for word in islice(product(*choices), most)]


def _alternatives(parts: list[list[Piece]], most: int) -> list[str]:
    words: list[str] = []
    for part in parts:
        words += _words(part, most - len(words))
        if len(words) >= most:
            break
    return words
