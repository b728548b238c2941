"""Whether a text ends with what may be the beginning of one of many literals: so much of it must wait for what follows."""

from __future__ import annotations

from collections import defaultdict

_WORD = 4
_LONG = 256  # literals above are few; whether a text ends within one is looked up for each


class Beginnings:
    """The proper beginnings of literals, which may be added at any time."""

    def __init__(self) -> None:
        self._heads: defaultdict[bytes, list[bytes]] = defaultdict(
            list
        )  # first word -> the literals of up to 256 bytes that begin with it
        self._reach = 0  # bytes before the end of a text where one of these may have begun
        self._short: set[bytes] = set()  # beginnings shorter than a word
        self._long: list[bytes] = []
        self._multiline = False  # some literal holds a newline

    def add(self, literal: bytes) -> None:
        """Adds a literal, which is not empty."""
        size = len(literal)
        self._short.update([literal[:length] for length in range(1, min(_WORD, size))])
        if size > _LONG:
            self._long.append(literal)
        elif size > _WORD:
            self._heads[literal[:_WORD]].append(literal)
            self._reach = max(self._reach, size - 1)
        else:
            self._reach = max(self._reach, size - 1)
        self._multiline = self._multiline or b"\n" in literal

    def held_from(self, text: bytes) -> int:
        """Where the longest end of `text` starts that is a proper beginning of a literal; its length if there is none."""
        size = len(text)
        if not self._multiline and text.endswith(b"\n"):
            return size
        held = max((self._held_short(text), *(_held_by(literal, text) for literal in self._long)))
        return size - held

    def _held_short(self, text: bytes) -> int:
        size = len(text)
        first = max(0, size - self._reach)
        if not self._multiline:
            first = max(first, text.rfind(b"\n") + 1)
        for start in range(first, size - _WORD + 1):
            literals = self._heads.get(text[start : start + _WORD])
            if literals:
                end = text[start:]
                if any(len(literal) > len(end) and literal.startswith(end) for literal in literals):
                    return size - start
        for length in range(min(_WORD - 1, size), 0, -1):
            if text[-length:] in self._short:
                return length
        return 0


def _held_by(literal: bytes, text: bytes) -> int:
    """Length of the longest end of `text` that is a proper beginning of `literal`, if it is a word or longer."""
    start = text.find(literal[:_WORD], max(0, len(text) - len(literal) + 1))
    while start >= 0:
        if literal.startswith(text[start:]):
            return len(text) - start
        start = text.find(literal[:_WORD], start + 1)
    return 0
