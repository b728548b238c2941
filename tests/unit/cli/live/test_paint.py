"""What is written to the terminal makes the screen what it shall be: tried on a model of a screen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from screen import Screen
from skep.cli.live.paint import erase, repaint, rows_taken

WIDTH, HEIGHT = 20, 8
LINES = st.lists(st.text("abc é日", max_size=WIDTH // 2), max_size=HEIGHT - 1)
FRAMES = st.lists(st.tuples(LINES, LINES), min_size=1, max_size=6)


@given(frames=FRAMES)
def test_the_screen_ends_with_the_view_and_all_lines_above_it_in_order(
    frames: list[tuple[list[str], list[str]]],
) -> None:
    screen = Screen(WIDTH, HEIGHT)
    screen.feed("$ skep run\r\n")
    above: list[str] = ["$ skep run"]
    drawn: list[str] = []
    for view, lines in frames:
        screen.feed(repaint(drawn, view, lines))
        drawn = view
        above += lines
        shown = [*screen.scrollback, *(screen._text(row) for row in screen.rows[: screen.row])]
        assert shown == [line.rstrip() for line in (*above, *view)]
        assert screen.column == 0
        assert screen.wraps
    screen.feed(erase(len(drawn)))
    assert [*screen.scrollback, *(screen._text(row) for row in screen.rows[: screen.row])] == [
        line.rstrip() for line in above
    ]
    assert screen.unknown == []


@given(view=LINES)
def test_nothing_is_written_when_nothing_changed(view: list[str]) -> None:
    assert repaint(view, view) == "" or not view


def test_only_changed_lines_are_written() -> None:
    written = repaint(["one", "two", "three"], ["one", "2", "three"])
    assert "2" in written
    assert "one" not in written
    assert "three" not in written


def test_broken_lines_count_where_the_terminal_reflows() -> None:
    lines = ["\x1b[1m" + "x" * 25 + "\x1b[0m", "", "日本語"]
    assert rows_taken(lines, 10, reflows=True) == 3 + 1 + 1
    assert rows_taken(lines, 10, reflows=False) == 3
    assert rows_taken(lines, 0, reflows=True) == 3
