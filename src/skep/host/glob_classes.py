"""The sets of characters, `[a-z]`, in one name of a glob pattern: text -> regular expressions, in linear time.

Source: minimatch 3 (`glob_patterns` says which options).
"""

from __future__ import annotations

import re


class GlobClasses:
    """The classes of one text. Made once, because whether a `[` begins one may hang on what stands far behind it."""

    def __init__(self, text: str) -> None:
        self._signs: list[str] = []  # unescaped
        self._starts: list[int] = []  # in the text
        self._index: dict[int, int] = {}  # of a `[` in the text -> of what follows it
        self._closes: list[bool] = []  # whether a sign is a `]` that may end a class
        self._take(text)
        count = len(self._signs)
        self._end = [count] * (count + 2)  # by sign: the next `]` from it on
        self._runs_back = [False] * (
            count + 4
        )  # by sign: whether a range from it on, before that `]`, runs backwards
        for index in range(count - 1, -1, -1):
            self._end[index] = index if self._closes[index] else self._end[index + 1]
            self._runs_back[index] = not self._closes[index] and self._goes_wrong(index, self._end[index])

    def read(self, start: int) -> tuple[str, int] | None:
        """The class whose `[` is at `start`, as an expression, and the offset behind it; None when it is not closed or a range
        runs backwards: then the `[` is text."""
        first = self._index[start]
        negated = (
            first < len(self._signs) and self._signs[first] in ("!", "^") and not self._is_escaped(first)
        )
        first += negated
        end = self._end[first]
        wrong = self._runs_back[first]
        if end == first and not negated:  # a `]` at the very beginning is one of the characters
            end = self._end[first + 1]
            wrong = first < len(self._signs) and self._goes_wrong(first, end)
        if end >= len(self._signs) or wrong:
            return None
        body = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in self._ranges(first, end))
        after = self._starts[end] + 1
        if not body:
            return ("." if negated else "(?!)"), after
        return f"[{'^' if negated else ''}{body}]", after

    def _take(self, text: str) -> None:
        at = 0
        while at < len(text):
            self._starts.append(at)
            escaped = text[at] == "\\" and at + 1 < len(text)
            sign = text[at + escaped]
            at += 1 + escaped
            self._signs.append(sign)
            self._closes.append(sign == "]" and not escaped)
            if sign == "[" and not escaped:
                self._index[at - 1] = len(self._signs)

    def _is_escaped(self, index: int) -> bool:
        following = self._starts[index + 1] if index + 1 < len(self._starts) else self._starts[index] + 1
        return following - self._starts[index] > 1

    def _is_range(self, index: int, end: int) -> bool:
        return index + 2 < end and self._signs[index + 1] == "-"

    def _goes_wrong(self, index: int, end: int) -> bool:
        if not self._is_range(index, end):
            return self._runs_back[index + 1]
        return self._signs[index] > self._signs[index + 2] or self._runs_back[index + 3]

    def _ranges(self, index: int, end: int) -> list[tuple[str, str]]:
        ranges: list[tuple[str, str]] = []
        while index < end:
            width = 2 if self._is_range(index, end) else 0
            ranges.append((self._signs[index], self._signs[index + width]))
            index += width + 1
        return ranges
