"""Whether a schedule is one. Source: GitHub's `schedule` event: POSIX cron, five fields, names of months and days."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*\Z")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    least: int
    most: int
    words: tuple[str, ...] = ()
    first_word: int = 0

    def number(self, text: str) -> int | None:
        if text.lower() in self.words:
            return self.words.index(text.lower()) + self.first_word
        if text.isascii() and text.isdigit() and self.least <= int(text[:9]) <= self.most:
            return int(text)
        return None


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS, 1),
    _Field("day of week", 0, 6, _DAYS, 0),
)


def cron_problem(text: str) -> str:
    """What is wrong with a cron line; '' when nothing is."""
    parts = text.split()
    if len(parts) != len(_FIELDS):
        return f"a schedule has 5 fields, this one {len(parts)}"
    for field, part in zip(_FIELDS, parts, strict=True):
        if not all(_item_is_valid(item, field) for item in part.split(",")):
            return f"`{part[:40]}` is no {field.name} ({field.least}-{field.most})"
    return ""


def timezone_problem(text: str) -> str:
    """What is wrong with the form of a time zone's name; whether it exists is not known here."""
    return "" if _ZONE.match(text) else "a time zone is written as `Europe/Berlin`"


def _item_is_valid(item: str, field: _Field) -> bool:
    base, slash, step = item.partition("/")
    if slash and not (step.isascii() and step.isdigit() and 0 < int(step[:9]) <= max(field.most, 1)):
        return False
    if base == "*":
        return True
    first, dash, last = base.partition("-")
    low = field.number(first)
    if not dash:
        return low is not None
    high = field.number(last)
    return low is not None and high is not None and low <= high
