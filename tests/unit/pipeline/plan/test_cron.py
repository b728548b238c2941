"""Cron lines: what is one, and when it fires next, also when clocks change."""

import json
from datetime import UTC, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.pipeline.plan.cron import CronError, CronSchedule, next_after, parse_cron, shortest_interval_s

from .building import CASES

DATA = json.loads((CASES / "cron.json").read_text(encoding="utf-8"))
ACCEPTED = cast("list[str]", DATA["accepted"])
REFUSED = cast("list[str]", DATA["refused"])
NEXT = cast("list[tuple[str, str, str, str | None]]", [tuple(row) for row in DATA["next"]])


def schedule(text: str) -> CronSchedule:
    parsed = parse_cron(text)
    assert isinstance(parsed, CronSchedule), parsed
    return parsed


@pytest.mark.parametrize("text", ACCEPTED)
def test_a_cron_line_is_accepted(text: str) -> None:
    assert schedule(text).text == " ".join(text.split())


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_cron_line_says_why(text: str) -> None:
    parsed = parse_cron(text)
    assert isinstance(parsed, CronError)
    assert parsed.message


@pytest.mark.parametrize(("text", "zone", "after", "expected"), NEXT)
def test_the_next_time_in_its_zone(text: str, zone: str, after: str, expected: str | None) -> None:
    found = next_after(schedule(text), datetime.fromisoformat(after), ZoneInfo(zone))
    assert (found.isoformat() if found else None) == expected


def test_the_next_time_needs_an_aware_moment() -> None:
    with pytest.raises(ValueError, match="time zone"):
        next_after(schedule("* * * * *"), datetime(2026, 1, 1), ZoneInfo("UTC"))  # noqa: DTZ001 (on purpose)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("* * * * *", 60),
        ("*/5 * * * *", 300),
        ("0 5 * * *", 86400),
        ("59,0 5,6 * * *", 60),
        ("50,0 5,7 * * *", 3000),
        ("58,2 * * * *", 240),
        ("10,50 4 * * *", 2400),
    ],
)
def test_the_shortest_interval_of_a_line(text: str, seconds: float) -> None:
    assert shortest_interval_s(schedule(text)) == seconds


FIELDS = st.tuples(
    st.integers(0, 59), st.integers(0, 23), st.integers(1, 28), st.integers(1, 12), st.integers(0, 6)
)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])


@given(FIELDS, st.sets(st.integers(0, 4)), MOMENTS, ZONES)
def test_the_next_time_is_later_and_fires(
    fields: tuple[int, ...], stars: set[int], moment: datetime, zone: str
) -> None:
    words = ["*" if index in stars else str(value) for index, value in enumerate(fields)]
    line = schedule(" ".join(words))
    found = next_after(line, moment, ZoneInfo(zone))
    assert found is not None
    assert found > moment
    local = found.astimezone(ZoneInfo(zone))
    skipped_hour = local.utcoffset() != (found - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).utcoffset()
    assert line.fires_at(local) or skipped_hour


@given(FIELDS, MOMENTS)
def test_in_utc_no_earlier_minute_fires(fields: tuple[int, ...], moment: datetime) -> None:
    line = schedule(f"{fields[0]} {fields[1]} * * *")
    found = next_after(line, moment, ZoneInfo("UTC"))
    assert found is not None
    minute = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while minute < found:
        assert not line.fires_at(minute)
        minute += timedelta(minutes=1)


@given(st.text("0123456789*/,- SUNJAnf", max_size=30))
def test_any_text_is_a_schedule_or_an_error(text: str) -> None:
    parsed = parse_cron(text)
    if isinstance(parsed, CronSchedule):
        assert parsed.minutes
        assert parsed.hours
        assert parsed.days
        assert parsed.months
        assert parsed.weekdays
