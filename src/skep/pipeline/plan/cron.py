"""Cron lines of `on.schedule`: five fields, a time zone, and the next time they fire.

Fields: minute 0-59, hour 0-23, day 1-31, month 1-12 or JAN-DEC, weekday 0-6 or SUN-SAT; each a list of `*`, `n`, `a-b`,
with an optional `/step` (`n/step` runs to the end of the range). When both days are restricted, either suffices (POSIX).

Clock changes: a time that the spring jump leaves out fires right after the jump, as GitHub documents. A time that comes
twice in autumn fires the first time only, except when every hour fires.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SEARCH_DAYS = 366 * 9  # 29 February may be eight years away
_MAX_DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class CronError:
    """Why a line is not a cron line."""

    text: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CronSchedule:
    """A parsed cron line: the values each field allows."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 0 = Sunday
    any_day: bool  # the day field begins with `*`
    any_weekday: bool

    def fires_on(self, day: date) -> bool:
        """Whether the line fires at some time of that local day."""
        if day.month not in self.months:
            return False
        in_days = day.day in self.days
        in_weekdays = day.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return in_days and in_weekdays
        return in_days or in_weekdays

    def fires_at(self, moment: datetime) -> bool:
        """Whether the line fires in that minute of local time."""
        return moment.minute in self.minutes and moment.hour in self.hours and self.fires_on(moment.date())


@dataclass(frozen=True, slots=True)
class _Range:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    first_name: int = 0


_FIELDS = (
    _Range("minute", 0, 59),
    _Range("hour", 0, 23),
    _Range("day", 1, 31),
    _Range("month", 1, 12, _MONTHS, 1),
    _Range("weekday", 0, 6, _WEEKDAYS, 0),
)


class _FieldError(Exception):
    pass


@lru_cache(maxsize=2048)
def parse_cron(text: str) -> CronSchedule | CronError:
    """The schedule of a cron line, or what is wrong with it."""
    words = text.split()
    if len(words) != len(_FIELDS):
        return CronError(text=text, message=f"a cron line has 5 fields, this has {len(words)}")
    try:
        minutes, hours, days, months, weekdays = (
            frozenset(_field(word, field)) for word, field in zip(words, _FIELDS, strict=True)
        )
    except _FieldError as wrong:
        return CronError(text=text, message=str(wrong))
    return CronSchedule(
        text=" ".join(words),
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=weekdays,
        any_day=words[2].startswith("*"),
        any_weekday=words[4].startswith("*"),
    )


def next_after(schedule: CronSchedule, moment: datetime, zone: ZoneInfo) -> datetime | None:
    """The first time after `moment` (aware) at which the line fires in that zone, in UTC; None for never (30 February)."""
    if moment.tzinfo is None:
        raise ValueError("`moment` must carry a time zone")
    after = moment.astimezone(UTC)
    # the local day before too: a zone's jump may put a time of that day behind `moment`
    first_day = moment.astimezone(zone).date() - timedelta(days=1)
    for offset in range(_SEARCH_DAYS):
        day = first_day + timedelta(days=offset)
        if schedule.fires_on(day):
            later = [fire for fire in _times_of(schedule, day, zone) if fire > after]
            if later:
                return min(later)
    return None


def shortest_interval_s(schedule: CronSchedule) -> float:
    """The shortest time between two firings within one day, in seconds; a day when there is only one."""
    times = [hour * 60 + minute for hour in sorted(schedule.hours) for minute in sorted(schedule.minutes)]
    return min((later - earlier for earlier, later in itertools.pairwise(times)), default=24 * 60) * 60.0


def _times_of(schedule: CronSchedule, day: date, zone: ZoneInfo) -> Iterator[datetime]:
    both_folds = len(schedule.hours) == 24
    for hour in sorted(schedule.hours):
        for minute in sorted(schedule.minutes):
            local = datetime.combine(day, time(hour, minute), zone)
            first = local.astimezone(UTC)
            if first.astimezone(zone).replace(fold=0, tzinfo=None) != local.replace(tzinfo=None):
                yield _end_of_gap(local, zone)
                continue
            yield first
            if both_folds:
                yield local.replace(fold=1).astimezone(UTC)


def _end_of_gap(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment at which the clock jumps over a local time that does not exist, by halving."""
    before = local.replace(fold=1).astimezone(UTC)
    after = local.replace(fold=0).astimezone(UTC)
    old_offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == old_offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _field(word: str, field: _Range) -> set[int]:
    values: set[int] = set()
    for part in word.split(","):
        values |= _part(part, word, field)
    return values


def _part(part: str, word: str, field: _Range) -> set[int]:
    span, slash, step_text = part.partition("/")
    step = 1
    if slash:
        step = _number(step_text, word, field, names=False)
        if step == 0:
            raise _FieldError(f"the step of `{word}` in the {field.name} field must not be 0")
    if span == "*":
        low, high = field.low, field.high
    else:
        low_text, dash, high_text = span.partition("-")
        low = _number(low_text, word, field, names=True)
        high = _number(high_text, word, field, names=True) if dash else (field.high if slash else low)
    if low > high:
        raise _FieldError(f"the range `{span}` of the {field.name} field runs backwards")
    return set(range(low, high + 1, step))


def _number(text: str, word: str, field: _Range, *, names: bool) -> int:
    if names and text.upper() in field.names:
        return field.names.index(text.upper()) + field.first_name
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise _FieldError(f"`{word}` is not a value of the {field.name} field")
    number = int(text)
    if names and not field.low <= number <= field.high:
        raise _FieldError(f"{number} is outside {field.low}-{field.high} of the {field.name} field")
    if number > field.high:
        raise _FieldError(f"the step {number} is greater than {field.high} of the {field.name} field")
    return number
