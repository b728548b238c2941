"""Many literals in, the places where any of them stands in a text out; and the end of a text that may begin one.

How a text is searched without trying hundreds of literals on it: an occurrence of a literal of `stride + 3` bytes covers
a whole 4-byte word that starts at a multiple of `stride` in the text, whatever its alignment. So only these words of the
text are looked up in a set that holds the first `stride` words of each literal; a word found there names the few literals
worth a real search. Literals too short for the stride are searched one by one; which stride is cheapest follows from the
lengths of the literals.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .beginnings import Beginnings

_WORD = 4
_STRIDES = (4, 8, 16, 32, 64)
# What it costs to look through 64 KiB, in microseconds, measured by bench/masking.py: one literal by bytes.find, and the
# words of one stride. Only their ratio matters.
_FIND_COST = 280  # / length of the literal
_WORDS_COST = 2300  # / stride
_TOO_MANY_TO_COMPARE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Literals:
    """A set of literals, none empty, prepared for search. Immutable. Build with `prepare`."""

    forms: frozenset[bytes]
    stride: int  # 0: no word table
    by_word: Mapping[int, tuple[bytes, ...]]
    words: frozenset[int]
    cores: Mapping[
        bytes, tuple[bytes, ...]
    ]  # a short literal that contains no other -> those that contain it, and itself
    beginnings: Beginnings

    def places(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Start and end of stretches that, together, are all occurrences of all literals; in no order, some overlap."""
        for literal in self._candidates(text):
            yield from stretches_of(literal, text)

    def held_from(self, text: bytes) -> int:
        """Where the longest end of `text` starts that is a proper beginning of a literal; its length if there is none."""
        return self.beginnings.held_from(text)

    def _candidates(self, text: bytes) -> set[bytes]:
        found: set[bytes] = set()
        for core, literals in self.cores.items():
            if core in text:
                found.update(literals)
        if self.stride:
            whole = memoryview(text)[: len(text) // _WORD * _WORD].cast("I")
            for word in self.words.intersection(whole[:: self.stride // _WORD].tolist()):
                found.update(self.by_word[word])
        return found


def stretches_of(
    literal: bytes, text: bytes, first: int = 0, end: int = sys.maxsize
) -> Iterator[tuple[int, int]]:
    """Start and end of the stretches of `text[first:end]` that occurrences of the literal cover; those that overlap or touch
    are one, so that a text of one repeated letter gives one stretch and not thousands."""
    size = len(literal)
    start = text.find(literal, first, end)
    while start >= 0:
        stop = start + size
        following = text.find(literal, start + 1, end)
        if 0 <= following <= stop:
            while (last := text.rfind(literal, stop - size + 1, min(end, stop + size))) >= 0:
                stop = last + size
            following = text.find(literal, stop + 1, end)
        yield start, stop
        start = following


def prepare(forms: Iterable[bytes]) -> Literals:
    """Literals ready for search; costs some 10 microseconds per literal. For those that come one by one: `growing_literals`."""
    forms = frozenset(forms)
    cores = _cores(forms)
    stride = _cheapest_stride(cores)
    shortest = stride + _WORD - 1 if stride else sys.maxsize
    by_word: dict[int, set[bytes]] = defaultdict(set)
    for literal in forms:
        for offset in range(stride if len(literal) >= shortest else 0):
            by_word[int.from_bytes(literal[offset : offset + _WORD], sys.byteorder)].add(literal)
    short = {
        core: tuple(literal for literal in literals if len(literal) < shortest)
        for core, literals in cores.items()
        if len(core) < shortest
    }
    beginnings = Beginnings()
    for literal in forms:
        beginnings.add(literal)
    return Literals(
        forms=forms,
        stride=stride,
        by_word={word: tuple(found) for word, found in by_word.items()},
        words=frozenset(by_word),
        cores=short,
        beginnings=beginnings,
    )


def _cheapest_stride(cores: Iterable[bytes]) -> int:
    lengths = [len(core) for core in cores]

    def cost(stride: int) -> float:
        singles = sum(_FIND_COST / length for length in lengths if not stride or length < stride + _WORD - 1)
        return singles + (_WORDS_COST / stride if stride else 0)

    return min((0, *_STRIDES), key=cost)


def _cores(forms: frozenset[bytes]) -> dict[bytes, tuple[bytes, ...]]:
    """Literals that contain no other, each with those that contain it first. Not for many: they are too many to compare."""
    if len(forms) > _TOO_MANY_TO_COMPARE:
        return {literal: (literal,) for literal in forms}
    cores: dict[bytes, list[bytes]] = {}
    for literal in sorted(forms, key=len):
        core = next((core for core in cores if core in literal), literal)
        cores.setdefault(core, []).append(literal)
    return {core: tuple(literals) for core, literals in cores.items()}
