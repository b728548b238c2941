"""Patterns of artifact names, as minimatch reads them: `*`, `?`, `[a-z]`, `{a,b}`, `!(a|b)`, a leading `!`.

A name is one path segment; a leading `.` is matched only by a `.`. Source: isaacs/minimatch, README.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice

_MANY_WORDS = 1000  # alternatives of braces; a pattern that makes more is a mistake
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_EXTENDED = "?*+@!"


def name_matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a name matches `pattern`. A pattern that begins with `#` is a comment, and an empty one matches nothing."""
    if pattern.startswith("#"):
        return lambda _: False
    negated = len(pattern) - len(
        pattern.lstrip("!")
    )  # before `!(`, too: there `!(a)` is only read further on
    words = [re.compile(_Translator(word).whole(), re.DOTALL) for word in expand_braces(pattern[negated:])]

    def matches(name: str) -> bool:
        found = name not in (".", "..") and any(word.fullmatch(name) for word in words)
        return found != bool(negated % 2)

    return matches


def expand_braces(pattern: str) -> list[str]:
    """`a{b,c}` to `ab`, `ac`; `{1..3}` to its numbers; anything else stays as it is."""
    return list(islice(_expand(pattern), _MANY_WORDS))


def _expand(pattern: str) -> Iterator[str]:
    found = _braces(pattern)
    if found is None:
        yield pattern
        return
    start, end, parts = found
    for part in parts:
        for inner in _expand(part):
            for tail in _expand(pattern[end:]):
                yield pattern[:start] + inner + tail


def _braces(pattern: str) -> tuple[int, int, list[str]] | None:
    """The first braces that mean something: where they start and end, and their alternatives."""
    for start, sign in enumerate(pattern):
        if sign != "{" or pattern[start - 1 : start] in ("$", "\\"):
            continue
        depth, cuts = 0, [start]
        for at in range(start, len(pattern)):
            depth += {"{": 1, "}": -1}.get(pattern[at], 0)
            if pattern[at] == "," and depth == 1:
                cuts.append(at)
            if depth == 0:
                parts = [pattern[a + 1 : b] for a, b in zip(cuts, [*cuts[1:], at], strict=True)]
                numbers = _RANGE.fullmatch(parts[0]) if len(parts) == 1 else None
                if numbers:
                    parts = _numbers(int(numbers[1]), int(numbers[2]))
                if len(parts) > 1:
                    return start, at + 1, parts
                break
    return None


def _numbers(first: int, last: int) -> list[str]:
    step = 1 if last >= first else -1
    count = min(abs(last - first) + 1, _MANY_WORDS)
    return [str(first + step * n) for n in range(count)]


class _Translator:
    """One word of a pattern to a regular expression."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def whole(self) -> str:
        begins = self._text[:2]
        hides = begins == "!(" or (begins[:1] in ("*", "?", "[") and begins[1:] != "(")
        visible = r"(?!\.)" if hides else ""
        return visible + self._until("") if self._text else r"(?!)"

    def _until(self, ends: str) -> str:
        out = []
        while self._at < len(self._text) and self._text[self._at] not in (ends or "\0"):
            out.append(self._next())
        return "".join(out)

    def _next(self) -> str:
        sign = self._text[self._at]
        if sign in _EXTENDED and self._text[self._at + 1 : self._at + 2] == "(":
            extended = self._extended(sign)
            if extended is not None:
                return extended
        self._at += 1
        if sign == "*":
            while (
                self._text[self._at : self._at + 1] == "*" and self._text[self._at + 1 : self._at + 2] != "("
            ):
                self._at += 1
            return ".*?" if self._at < len(self._text) else ".*"
        if sign == "?":
            return "."
        if sign == "[":
            return self._class()
        if sign == "\\" and self._at < len(self._text):
            sign = self._text[self._at]
            self._at += 1
        return re.escape(sign)

    def _class(self) -> str:
        end = self._text.find("]", self._at + 1)
        if end < 0:
            return r"\["
        inner = self._text[self._at : end]
        self._at = end + 1
        negated = inner[0] in "!^" and len(inner) > 1
        escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", inner[1:] if negated else inner)
        expression = f"[{'^' if negated else ''}{escaped}]"
        try:
            re.compile(expression)
        except re.error:
            return r"(?!)"
        return expression

    def _extended(self, sign: str) -> str | None:
        start = self._at
        self._at += 2
        words = []
        while True:
            words.append(self._until("|)"))
            if self._at >= len(self._text):
                self._at = start
                return None
            self._at += 1
            if self._text[self._at - 1] == ")":
                break
        group = "|".join(words)
        if sign == "!":
            rest = _Translator(self._text[self._at :])
            return f"(?!(?:{group}){rest._until('') if rest._text else ''}$).*?"
        return f"(?:{group}){'' if sign == '@' else sign}"
