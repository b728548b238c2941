"""The live view as lines: cases are tests/cases/live/*.run with their .txt."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden import CASES, check_golden
from skep.cli.cells import cell_width, without_colour
from skep.cli.live.render import Look, render_live
from skep.cli.live.words import clock_text, done_text, expected_text, last_line

from .script import read_script

FILES = sorted((CASES / "live").glob("*.run"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_state_is_drawn_as_its_case_says(file: Path, *, update_cases: bool) -> None:
    lines = read_script(file.read_text(encoding="utf-8")).lines()
    shown = "\n".join(line.replace("\x1b", "^") for line in lines) + "\n"
    check_golden(file.with_suffix(".txt"), shown, update=update_cases)


@given(
    file=st.sampled_from(FILES),
    width=st.integers(0, 120),
    height=st.integers(0, 40),
    colour=st.booleans(),
    now=st.floats(-10, 1e6),
)
def test_no_size_is_exceeded(file: Path, width: int, height: int, *, colour: bool, now: float) -> None:
    script = read_script(file.read_text(encoding="utf-8"))
    look = Look(width=width, height=height, colour=colour, expected=script.look.expected)
    lines = render_live(script.run, look, script.now + now)

    assert all(cell_width(without_colour(line)) <= max((width or 80) - 1, 1) for line in lines)
    assert 1 <= len(lines) <= max((height or 24) - 1, 1)


@given(names=st.lists(st.text(max_size=30), min_size=1, max_size=5), output=st.binary(max_size=200))
def test_nothing_foreign_reaches_the_terminal(names: list[str], output: bytes) -> None:
    from skep.events import facts as f
    from skep.model.ids import JobKey, LegKey, StepId
    from skep.testing.facts import NOON, run_started

    script = read_script("")
    script.run.take(run_started())
    for number, name in enumerate(names):
        leg = LegKey(f"ci.yml:{number}")
        script.run.take(f.JobStarted(at=NOON, job=JobKey(leg), leg=leg, name=name, runs_on=()))
        script.run.take(f.StepStarted(at=NOON, leg=leg, step=StepId("s"), number=1, name=name, log_offset=0))
        script.run.take_output(leg, output)
    for line in render_live(script.run, Look(width=200, height=50), NOON):
        assert line.isprintable() or not line.isascii()
        assert not set(line) & {*map(chr, range(32)), "\x7f", "\x9b", "\u202e", "\u2028", "\u061c"}


@pytest.mark.parametrize(
    ("seconds", "texts"),
    [
        (-1, ("0 s", "0.0 s", "-1.0 s")),
        (0.44, ("0 s", "0.4 s", "0.4 s")),
        (9.96, ("9 s", "10 s", "10 s")),
        (59.9, ("59 s", "1:00", "1:00")),
        (125, ("2:05", "2:05", "2:05")),
        (3725.2, ("1:02:05", "1:02:05", "1:02:05")),
    ],
)
def test_durations_are_short(seconds: float, texts: tuple[str, ...]) -> None:
    assert (clock_text(seconds), done_text(seconds), expected_text(seconds)) == texts


@pytest.mark.parametrize(
    ("tail", "line"),
    [
        (b"", ""),
        (b"one\ntwo", "two"),
        (b"one\n\n  \n", "one"),
        (b"10%\r20%\r", "20%"),
        (b"##[group]Run x\nx\n##[endgroup]\n", ""),
        (b"##[error]bad\n", "bad"),
        (b"\x1b[31mred\x1b[0m\x1b[2J\n", "red^[[2J"),
        (b"\xff\xfe\n", "��"),
    ],
)
def test_the_last_line_is_the_last_with_something_on_it(tail: bytes, line: str) -> None:
    assert last_line(tail) == line
