"""Literals that come one by one, thousands of them perhaps, and the places where any of them stands in a text.

Adding costs some microseconds however many there are, unlike `literals`, which prepares all at once and then searches
faster. A few literals are searched for one after the other. Of many, each occurrence of a literal of 7 bytes or more covers
a whole 4-byte word that starts at a multiple of 4 in the text: these words of the text are looked up among the first
four words of each literal, those at its bytes 0 to 3. Of many shorter literals, all pieces of the text of their lengths are looked up.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from .beginnings import Beginnings

_WORD = 4
_SHORTEST_INDEXED = 2 * _WORD - 1
_FEW = 40  # to search for them one by one is as fast as to look all words of the text up, measured at 64 KiB
_MANY_SHORT = 200


class GrowingLiterals:
    """A set of literals, none empty. To be changed by one thread, while others may search."""

    def __init__(self) -> None:
        self.forms: set[bytes] = set()
        self._few: tuple[bytes, ...] = ()
        self._by_word: dict[int, list[bytes]] = {}
        self._short: dict[int, set[bytes]] = {}  # by length
        self._beginnings = Beginnings()

    def add(self, literals: Iterable[bytes]) -> None:
        """Adds literals, none of which is in the set yet."""
        for literal in literals:
            self.forms.add(literal)
            self._beginnings.add(literal)
            if len(self._few) < _FEW:
                self._few = (*self._few, literal)
            elif len(literal) < _SHORTEST_INDEXED:
                self._short.setdefault(len(literal), set()).add(literal)
            else:
                for word in {int.from_bytes(literal[at : at + _WORD], sys.byteorder) for at in range(_WORD)}:
                    self._by_word.setdefault(word, []).append(literal)

    def places(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Start and end of each occurrence of each literal, overlapping ones too, in no order."""
        for literal in self._few:
            yield from _places_of(literal, text)
        for length, literals in tuple(self._short.items()):
            yield from _short_places(length, literals, text)
        if self._by_word:
            yield from self._indexed_places(text)

    def held_from(self, text: bytes) -> int:
        """Where the longest end of `text` starts that is a proper beginning of a literal; its length if there is none."""
        return self._beginnings.held_from(text)

    def _indexed_places(self, text: bytes) -> Iterator[tuple[int, int]]:
        words = memoryview(text)[: len(text) // _WORD * _WORD].cast("I").tolist()
        found = self._by_word.keys() & words
        if not found:
            return
        for index, word in enumerate(words):
            if word in found:
                at = (
                    index * _WORD
                )  # a literal that holds the word at byte 0 to 3 begins here, or up to 3 bytes before
                for literal in self._by_word[word]:
                    yield from _places_of(literal, text, max(0, at - _WORD + 1), at + len(literal))


def _places_of(
    literal: bytes, text: bytes, first: int = 0, end: int = sys.maxsize
) -> Iterator[tuple[int, int]]:
    start = text.find(literal, first, end)
    while start >= 0:
        yield start, start + len(literal)
        start = text.find(literal, start + 1, end)


def _short_places(length: int, literals: set[bytes], text: bytes) -> Iterator[tuple[int, int]]:
    if len(literals) > _MANY_SHORT:
        pieces = {text[at : at + length] for at in range(len(text) - length + 1)}
        literals = literals & pieces
    for literal in tuple(literals):
        yield from _places_of(literal, text)
