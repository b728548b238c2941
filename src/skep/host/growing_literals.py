"""Literals that come one by one, thousands of them perhaps, and where they stand in a text.

Adding costs some microseconds however many there are, unlike `literals`, which prepares all at once and then searches
faster. A few literals are searched for one after the other. Of many, each occurrence of a literal of 11 bytes or more covers
a whole 8-byte word that starts at a multiple of 4 in the text, whatever 11 bytes of it one looks at: these words of the text are
looked up among the four words of one such window of each literal. Of many shorter literals, all pieces of the text of
their lengths are looked up.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator

from .beginnings import Beginnings
from .literals import stretches_of

_WORD = 8
_STEP = 4
_WINDOW = _WORD + _STEP - 1
_FEW = 40  # to search for them one by one is as fast as to look all words of the text up, measured at 64 KiB
_MANY_SHORT = 200
_CROWD = 64  # literals behind one word: then another window is tried
_WINDOWS = 8  # of one literal, at most
_SEARCH_BYTES = 400  # of text, searched for a literal, take the time of one look at a place


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
            elif len(literal) < _WINDOW:
                self._short.setdefault(len(literal), set()).add(literal)
            else:
                for word in self._chosen_words(literal):
                    self._by_word.setdefault(word, []).append(literal)

    def places(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Start and end of stretches that, together, are all occurrences of all literals; in no order, some overlap."""
        for literal in self._few:
            yield from stretches_of(literal, text)
        for length, literals in tuple(self._short.items()):
            yield from _short_places(length, literals, text)
        if self._by_word:
            yield from self._indexed_places(text)

    def held_from(self, text: bytes) -> int:
        """Where the longest end of `text` starts that is a proper beginning of a literal; its length if there is none."""
        return self._beginnings.held_from(text)

    def _chosen_words(self, literal: bytes) -> set[int]:
        """The four words of a window of the literal that has not many literals behind them yet: they often begin alike."""
        chosen: set[int] = set()
        crowd = sys.maxsize
        for at in range(0, min(len(literal) - _WINDOW + 1, _WINDOWS * _STEP), _STEP):
            words = {int.from_bytes(literal[i : i + _WORD], sys.byteorder) for i in range(at, at + _STEP)}
            behind = max([len(self._by_word.get(word, ())) for word in words])
            if behind < crowd:
                chosen, crowd = words, behind
            if crowd < _CROWD:
                break
        return chosen

    def _indexed_places(self, text: bytes) -> Iterator[tuple[int, int]]:
        at_words: defaultdict[int, list[int]] = defaultdict(list)
        for offset in range(0, _WORD, _STEP):
            end = offset + max(0, len(text) - offset) // _WORD * _WORD
            words = memoryview(text)[offset:end].cast("Q").tolist()
            if found := self._by_word.keys() & words:
                for index, word in enumerate(words):
                    if word in found:
                        at_words[word].append(offset + index * _WORD)
        for word, places in at_words.items():
            for literal in self._by_word[word]:
                if len(places) * _SEARCH_BYTES > len(text):
                    yield from stretches_of(literal, text)
                    continue
                for at in places:  # the literal holds the word
                    first = max(0, at + _WORD - len(literal))
                    yield from stretches_of(literal, text, first, at + len(literal))


def _short_places(length: int, literals: set[bytes], text: bytes) -> Iterator[tuple[int, int]]:
    if len(literals) > _MANY_SHORT:
        pieces = {text[at : at + length] for at in range(len(text) - length + 1)}
        literals = literals & pieces
    for literal in tuple(literals):
        yield from stretches_of(literal, text)
