"""A schedule that GitHub does not keep, or a date that no year has."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.cron import cron_problem
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.rule import RuleInfo

_SHORTEST_MIN = 5
_HOURS = 24
_DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONTHS = {
    name: at + 1
    for at, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
    )
}


def check(context: LintContext) -> Iterator[Finding]:
    """Cron lines that fire more often than every 5 minutes, or never."""
    for trigger in context.workflow.triggers:
        for cron in trigger.schedules:
            if cron_problem(cron.cron):
                continue  # the reader says so
            minute, hour, day, month, weekday = cron.cron.split()
            gap = _shortest_gap(_values(minute, 0, 59), _values(hour, 0, 23))
            if gap < _SHORTEST_MIN:
                yield RULE.finding(
                    f"`{cron.cron}` asks for a run every {f'{gap} minutes' if gap > 1 else 'minute'}: "
                    "GitHub runs a schedule at most every 5 minutes",
                    cron.span,
                    hint="write `*/5` or more for the minutes",
                )
            if weekday == "*" and not _exists(_values(day, 1, 31), _values(month, 1, 12)):
                yield RULE.finding(
                    f"`{cron.cron}` never comes: no month that it names has such a day",
                    cron.span,
                    hint="the fields are minute, hour, day of month, month, day of week",
                )


def _values(field: str, least: int, most: int) -> frozenset[int]:
    """The numbers that a field stands for."""
    found: set[int] = set()
    for item in field.split(","):
        base, _, step = item.partition("/")
        first, dash, last = base.partition("-")
        low = least if base == "*" else _number(first)
        high = most if base == "*" or (step and not dash) else _number(last or first)
        found.update(range(low, high + 1, int(step or "1")))
    return frozenset(found)


def _number(text: str) -> int:
    return _MONTHS.get(text.lower()) or int(text)


def _shortest_gap(minutes: frozenset[int], hours: frozenset[int]) -> int:
    """Minutes between two runs, at least; over the hour too, when each hour is followed by the next."""
    times = sorted(minutes)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    if len(hours) == _HOURS:
        gaps.append(times[0] + 60 - times[-1])
    return min(gaps, default=60)


def _exists(days: frozenset[int], months: frozenset[int]) -> bool:
    return any(min(days) <= _DAYS_OF_MONTH[month - 1] for month in months)


RULE = RuleInfo(
    id="odd-schedule",
    severity=Severity.WARNING,
    summary="a schedule that GitHub does not keep",
    explanation=(
        "GitHub starts scheduled workflows at most every 5 minutes, and late when it is busy; a line that asks for more is "
        "accepted and not kept. A day that no named month has (31 4, 30 2) is accepted, too, and never comes."
    ),
    check=check,
)
"""The rule."""
