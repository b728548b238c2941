"""Versions of tools, and ranges of them: what `python-version`, `node-version` and version files say. Pure.

A range is read as npm reads it (`3.x`, `>=18 <21`, `^20.1`, `~3.11`, `18 || 20`), and as Python's packages write it
(`>=3.9,!=3.10.*`, `~=3.11`, `==3.12.*`). Source: npm's `semver`, "Ranges"; PyPA "Version specifiers".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeVar

LONGEST: Final = 256
"""No honest range is longer; a longer one is refused unread."""

Key = tuple[int, int, int, tuple[int | str, ...]]
"""Sorts versions: numbers, then what stands behind them (a pre-release before the release itself)."""

_FINAL: Final[tuple[int | str, ...]] = (1,)
_LOWEST: Final[tuple[int | str, ...]] = (-1,)
_NUMBER = r"\d{1,9}"
_VERSION = re.compile(
    rf"v?({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:[-.]?(a|b|c|rc|alpha|beta|dev|pre|preview|nightly)[-.]?(\d{{0,18}}))?\+?"
)
_PARTIAL = (
    rf"v?(?P<major>{_NUMBER}|[xX*])(?:\.(?P<minor>{_NUMBER}|[xX*]))?(?:\.(?P<patch>{_NUMBER}|[xX*]))?"
    r"(?:[-.]?(?P<tag>a|b|c|rc|alpha|beta)[-.]?(?P<serial>\d{1,9})|-(?P<lowest>0))?"
)
_COMPARATOR = re.compile(rf"\s*(?P<op>[<>]=?|={{1,3}}|!=|~=|~>?|\^)?\s*{_PARTIAL}(?=[\s,]|$)\s*,?")
_HYPHEN = re.compile(r"\s*(\S+)\s+-\s+(\S+)\s*")
_LETTERS = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolVersion:
    """A whole version. `pre`: `("rc", 1)` for a pre-release, else empty."""

    major: int
    minor: int
    patch: int
    pre: tuple[str, int] | None = None

    def __str__(self) -> str:
        """As npm writes it: `3.13.1`, `3.14.0-rc.1`."""
        text = f"{self.major}.{self.minor}.{self.patch}"
        return f"{text}-{self.pre[0]}.{self.pre[1]}" if self.pre else text

    @property
    def key(self) -> Key:
        """What versions are compared by."""
        behind = (0, self.pre[0], self.pre[1]) if self.pre else _FINAL
        return self.major, self.minor, self.patch, behind


def read_version_text(text: str) -> ToolVersion | None:
    """`3.13.1`, `v20.11.0`, `3.14.0rc1`, `3.14.0-rc.1`; None for anything else."""
    found = _VERSION.fullmatch(text.strip()) if len(text) <= LONGEST else None
    if not found:
        return None
    major, minor, patch = (int(number) for number in found.group(1, 2, 3))
    letters = _LETTERS.get(found[4] or "", found[4])
    return ToolVersion(
        major=major, minor=minor, patch=patch, pre=(letters, int(found[5] or 0)) if letters else None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Versions from `low` on and below `high` (None: without end); `excluded`: all but those."""

    low: Key
    high: Key | None
    excluded: bool = False

    def holds(self, key: Key) -> bool:
        """Whether a version passes."""
        return (self.low <= key and (self.high is None or key < self.high)) != self.excluded


@dataclass(frozen=True, kw_only=True)
class VersionRange:
    """What a range text means: one of `choices`, each with all of its spans."""

    text: str
    choices: tuple[tuple[Span, ...], ...]

    def has(self, version: ToolVersion, *, prereleases: bool = False) -> bool:
        """Whether a version is in it. Pre-releases only when asked for, or when the range names one of the same numbers."""
        for spans in self.choices:
            if all(span.holds(version.key) for span in spans) and (
                version.pre is None or prereleases or _names_prerelease(spans, version)
            ):
                return True
        return False

    @cached_property
    def is_exact(self) -> bool:
        """Whether only one version is meant."""
        return bool(re.fullmatch(rf"\s*=?\s*v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}\S*\s*", self.text))


ANY: Final[tuple[Span, ...]] = (Span(low=(0, 0, 0, _LOWEST), high=None),)
_NOTHING: Final = Span(low=(0, 0, 0, _LOWEST), high=(0, 0, 0, _LOWEST))  # `>*`


def read_range(text: str) -> VersionRange | None:
    """A range; None when it cannot be read."""
    if len(text) > LONGEST:
        return None
    choices = [_read_choice(part) for part in text.split("||")]
    if None in choices:
        return None
    return VersionRange(text=text, choices=tuple(spans for spans in choices if spans is not None))


def newest(candidates: Iterable[tuple[ToolVersion, T]]) -> tuple[ToolVersion, T] | None:
    """The candidate with the highest version, the first of equals; None when there is none."""
    return max(candidates, key=lambda candidate: candidate[0].key, default=None)


def _read_choice(text: str) -> tuple[Span, ...] | None:
    if text.strip() in ("", "*", "x", "X"):
        return ANY
    hyphen = _HYPHEN.fullmatch(text)
    if hyphen:
        text = f">={hyphen[1]} <={hyphen[2]}"
    spans, at = [], 0
    while at < len(text.rstrip()):
        found = _COMPARATOR.match(text, at)
        span = _span(found) if found else None
        if found is None or span is None:
            return None
        spans.append(span)
        at = found.end()
    return tuple(spans)


def _span(found: re.Match[str]) -> Span | None:
    numbers = _numbers(found)
    low, after = _low(found, numbers), _after(found, numbers)
    match found["op"] or "=":
        case "=" | "==" | "===":
            return Span(low=low, high=after)
        case "!=":
            return Span(low=low, high=after, excluded=True)
        case ">=":
            return Span(low=low, high=None)
        case ">":
            return Span(low=after, high=None) if after else _NOTHING
        case "<":
            return Span(low=(0, 0, 0, _LOWEST), high=low)
        case "<=":
            return Span(low=(0, 0, 0, _LOWEST), high=after)
        case "~" | "~>":
            return Span(low=low, high=_next(numbers, 1 if len(numbers) > 1 else 0))
        case "^":
            return Span(low=low, high=_next(numbers, _caret_place(numbers)))
        case "~=":
            return Span(low=low, high=_next(numbers, len(numbers) - 2)) if len(numbers) > 1 else None
        case _:
            return None


def _numbers(found: re.Match[str]) -> list[int]:
    """The numbers before the first `x`."""
    numbers = []
    for part in found.group("major", "minor", "patch"):
        if part is None or part in "xX*":
            break
        numbers.append(int(part))
    return numbers


def _low(found: re.Match[str], numbers: list[int]) -> Key:
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    if found["tag"]:
        return major, minor, patch, (0, _LETTERS.get(found["tag"], found["tag"]), int(found["serial"]))
    lowest = bool(found["lowest"]) or len(numbers) < 3
    return major, minor, patch, _LOWEST if lowest else _FINAL


def _after(found: re.Match[str], numbers: list[int]) -> Key | None:
    """Where what a comparator names ends: just behind a whole version, at the next of a partial one."""
    if len(numbers) == 3:
        major, minor, patch, behind = _low(found, numbers)
        return major, minor, patch, (*behind, 0)
    return _next(numbers, len(numbers) - 1)


def _next(numbers: list[int], place: int) -> Key | None:
    """The lowest version with the number at `place` one higher; None when there is no such number."""
    if place < 0 or not numbers:
        return None
    major, minor, patch = [*numbers[:place], numbers[place] + 1, 0, 0, 0][:3]
    return major, minor, patch, _LOWEST


def _caret_place(numbers: list[int]) -> int:
    """The leftmost number that is not 0, or the last one given."""
    return next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)


def _names_prerelease(spans: tuple[Span, ...], version: ToolVersion) -> bool:
    triple = version.key[:3]
    return any(span.low[:3] == triple and span.low[3][0] != 1 and _is_named(span.low) for span in spans)


def _is_named(low: Key) -> bool:
    return low[3][0] == 0
