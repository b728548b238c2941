"""Durations, counts and output in the few words that a line of the view has room for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from skep.cli.cells import one_line
from skep.cli.live.model import Leg, Standing, count_standings
from skep.cli.log_text import for_terminal

_WORDS = {"success": "ok", "failure": "failed"}
_COUNT_ORDER = ("success", "failure", "cancelled", "unsupported", "skipped", "running", "waiting")


def clock_text(seconds: float) -> str:
    """A duration that is still growing, in whole seconds: `12 s`, `2:05`, `1:02:05`, `120 h`; at most eight characters for a year."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02}"
    if whole >= 360_000:
        return f"{whole // 3600} h"
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"


def done_text(seconds: float) -> str:
    """A duration that is over: tenths below ten seconds."""
    return f"{max(seconds, 0.0):.1f} s" if seconds < 9.95 else clock_text(seconds + 0.5)


def expected_text(seconds: float) -> str:
    """A duration to compare a growing one with: tenths only below three seconds."""
    return f"{seconds:.1f} s" if seconds < 3 else clock_text(seconds + 0.5)


def last_line(tail: bytes) -> str:
    """The last line with something on it, safe and without colours and GitHub's group marks."""
    for line in reversed(tail.split(b"\n")):
        stripped = line.strip()
        if stripped == b"##[endgroup]":
            return ""  # behind the script's header nothing was printed yet
        if stripped:
            shown = one_line(for_terminal(stripped, colour=False)).strip()
            if shown:
                return shown.removeprefix("##[group]").removeprefix("##[error]").removeprefix("##[warning]")
    return ""


def counts_text(legs: Iterable[Leg], marks: Mapping[str, str], cells: int) -> str:
    """How many legs stand where: `3 ok, 1 failed, 2 running`, or `✓3 ✗1 ●2` where there is not so much room."""
    counts = count_standings(legs)
    found = [(one, number) for one in _COUNT_ORDER if (number := counts.get(Standing(one)))]
    words = ", ".join(f"{number} {_WORDS.get(one, one)}" for one, number in found)
    return words if len(words) <= cells else " ".join(f"{marks[one]}{number}" for one, number in found)
