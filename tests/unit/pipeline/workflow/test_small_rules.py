"""Cron lines, time zones, filter patterns and ids: what is one, and what not."""

from __future__ import annotations

import pytest

from skep.pipeline.workflow.cron import cron_problem, timezone_problem
from skep.pipeline.workflow.identifiers import Identifiers, action_reference, made_step_id
from skep.pipeline.workflow.patterns import pattern_problem
from skep.pipeline.workflow.report import did_you_mean, quoted


@pytest.mark.parametrize(
    "line",
    [
        "* * * * *",
        "0 0 1 1 0",
        "59 23 31 12 6",
        "*/15 0-6/2 1,15 JAN-mar mon-FRI",
        "5/10 * * * *",
        "0  4\t* * *",
    ],
)
def test_this_is_a_schedule(line: str) -> None:
    assert cron_problem(line) == ""


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "5 fields"),
        ("* * * *", "5 fields"),
        ("* * * * * *", "5 fields"),
        ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day of month"),
        ("* * * 13 *", "month"),
        ("* * * * 7", "day of week"),
        ("5-1 * * * *", "minute"),
        ("*/0 * * * *", "minute"),
        ("*/x * * * *", "minute"),
        ("1, * * * *", "minute"),
        ("-1 * * * *", "minute"),
        ("1- * * * *", "minute"),
        ("² * * * *", "minute"),
        ("@daily", "5 fields"),
        ("* * * foo *", "month"),
        ("1/2/3 * * * *", "minute"),
    ],
)
def test_this_is_no_schedule(line: str, problem: str) -> None:
    assert problem in cron_problem(line)


def test_a_time_zone_has_the_form_of_one() -> None:
    assert [
        timezone_problem(name) for name in ("UTC", "Europe/Berlin", "America/Port-au-Prince", "Etc/GMT+5")
    ] == [""] * 4
    assert all(timezone_problem(name) for name in ("", "some where", "Europe/", "../etc/passwd", "/UTC"))


@pytest.mark.parametrize(
    "pattern",
    ["main", "**", "releases/**-alpha", "v[12].[0-9]+", "!docs/**", "a?b+", "\\*", "[]]x"[1:], "x[a-z]y"],
)
def test_this_pattern_can_match(pattern: str) -> None:
    assert pattern_problem(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("!", "empty"),
        ("a[bc", "not closed"),
        ("a[]", "matches nothing"),
        ("[z-a]", "wrong way"),
        ("?a", "nothing stands before"),
        ("!+a", "nothing stands before"),
        ("a\\", "nothing follows"),
    ],
)
def test_this_pattern_can_never_match(pattern: str, problem: str) -> None:
    assert problem in pattern_problem(pattern)


@pytest.mark.parametrize("name", ["a", "_", "A-1", "a__", "x" * 99])
def test_this_is_an_id(name: str) -> None:
    assert Identifiers().problem_with(name) == ""


@pytest.mark.parametrize("name", ["", "1a", "-a", "a b", "a.b", "ä", "__a", "x" * 100, "a\n"])
def test_this_is_no_id(name: str) -> None:
    assert Identifiers().problem_with(name)


def test_a_made_id_avoids_written_ones_without_case() -> None:
    ids = Identifiers()
    assert ids.problem_with("__Run".removeprefix("__")) == ""
    assert [ids.make("run"), ids.make("RUN")] == ["run_2", "RUN_3"]


@pytest.mark.parametrize(
    ("uses", "base"),
    [
        ("a/b@c", "a/b"),
        ("a\\b@c", "a/b"),
        ("a/b/c/d@e/f", "a/b"),
        ("docker://", "run"),
        (".\\x", "self"),
        ("a@b", "run"),
        ("a/b", "run"),
        ("a/b@", "run"),
        ("a/b@c@d", "run"),
    ],
)
def test_an_id_is_made_of_what_a_step_uses(uses: str, base: str) -> None:
    assert made_step_id(uses) == base


def test_an_action_reference_has_three_parts() -> None:
    assert action_reference("actions/checkout@v4") == ("actions", "checkout", "v4")
    assert action_reference("checkout@v4") is None


def test_a_hint_names_the_nearest_word_or_all_when_they_are_few() -> None:
    assert did_you_mean("neds", ["needs", "name"]) == "did you mean `needs`?"
    assert did_you_mean("RUNS-ON", ["runs-on"]) == "did you mean `runs-on`?"
    assert did_you_mean("zzz", ["a", "b"]) == "known here: `a`, `b`"
    assert did_you_mean("zzz", ["a", "b"], list_all=False) == ""
    assert did_you_mean("zzz", [str(number) * 9 for number in range(99)]) == ""
    assert did_you_mean("x" * 10_000_000, ["needs"], list_all=False) == ""


def test_quoted_text_is_short_and_on_one_line() -> None:
    assert quoted("a\n  b") == "`a b`"
    assert len(quoted("x" * 500)) == 62
