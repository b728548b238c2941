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

_WORD = 4
_STRIDES = (4, 8, 16, 32, 64)
# What it costs to look through 64 KiB, in microseconds, measured by bench/masking.py: one literal by bytes.find, and the
# words of one stride. Only their ratio matters.
_FIND_COST = 280  # / length of the literal
_WORDS_COST = 2300  # / stride
_LONG = 256  # literals above are few; whether a text ends within one is looked up for each
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
    heads: Mapping[
        bytes, tuple[bytes, ...]
    ]  # first word -> the literals of up to 256 bytes that begin with it
    reach: int  # bytes before the end of a text where one of these may have begun
    beginnings: frozenset[bytes]  # shorter than a word
    long: tuple[bytes, ...]
    multiline: bool  # some literal holds a newline

    def places(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Start and end of each occurrence of each literal, overlapping ones too, in no order."""
        for literal in self._candidates(text):
            start = text.find(literal)
            while start >= 0:
                yield start, start + len(literal)
                start = text.find(literal, start + 1)

    def held_from(self, text: bytes) -> int:
        """Where the longest end of `text` starts that is a proper beginning of a literal; its length if there is none."""
        size = len(text)
        if not self.multiline and text.endswith(b"\n"):
            return size
        held = max((self._held_short(text), *(_held_by(literal, text) for literal in self.long)))
        return size - held

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

    def _held_short(self, text: bytes) -> int:
        size = len(text)
        first = max(0, size - self.reach)
        if not self.multiline:
            first = max(first, text.rfind(b"\n") + 1)
        for start in range(first, size - _WORD + 1):
            literals = self.heads.get(text[start : start + _WORD])
            if literals:
                end = text[start:]
                if any(len(literal) > len(end) and literal.startswith(end) for literal in literals):
                    return size - start
        for length in range(min(_WORD - 1, size), 0, -1):
            if text[-length:] in self.beginnings:
                return length
        return 0


def prepare(forms: Iterable[bytes]) -> Literals:
    """Literals ready for search; costs some 10 microseconds per literal."""
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
    return Literals(
        forms=forms,
        stride=stride,
        by_word={word: tuple(found) for word, found in by_word.items()},
        words=frozenset(by_word),
        cores=short,
        heads=_heads(forms),
        reach=max((len(literal) - 1 for literal in forms if len(literal) <= _LONG), default=0),
        beginnings=frozenset(literal[:n] for literal in forms for n in range(1, min(_WORD, len(literal)))),
        long=tuple(literal for literal in forms if len(literal) > _LONG),
        multiline=any(b"\n" in literal for literal in forms),
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


def _heads(forms: frozenset[bytes]) -> dict[bytes, tuple[bytes, ...]]:
    heads: dict[bytes, list[bytes]] = defaultdict(list)
    for literal in forms:
        if _WORD < len(literal) <= _LONG:
            heads[literal[:_WORD]].append(literal)
    return {head: tuple(literals) for head, literals in heads.items()}


def _held_by(literal: bytes, text: bytes) -> int:
    """Length of the longest end of `text` that is a proper beginning of `literal`, if it is a word or longer."""
    start = text.find(literal[:_WORD], max(0, len(text) - len(literal) + 1))
    while start >= 0:
        if literal.startswith(text[start:]):
            return len(text) - start
        start = text.find(literal[:_WORD], start + 1)
    return 0
