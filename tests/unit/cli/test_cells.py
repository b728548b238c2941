"""Text measured in cells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.cli.cells import cell_width, cut, fill, one_line, without_colour, wrap

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40)


@pytest.mark.parametrize(
    ("text", "cells"), [("", 0), ("abc", 3), ("日本", 4), ("e\u0301x", 2), ("a\u200db", 2), ("é", 1)]
)
def test_wide_characters_take_two_cells_and_marks_none(text: str, cells: int) -> None:
    assert cell_width(text) == cells


@pytest.mark.parametrize(
    ("text", "cells", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 4, "abc…"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("日本語", 1, "…"),
        ("abc", 0, ""),
        ("abc", -3, ""),
        ("x" + "\u0301" * 500, 3, "x" + "\u0301" * 8 + "…"),
    ],
)
def test_a_line_is_cut_with_a_mark(text: str, cells: int, shown: str) -> None:
    assert cut(text, cells) == shown


@given(text=TEXTS, cells=st.integers(0, 30))
def test_what_was_cut_or_filled_fits(text: str, cells: int) -> None:
    assert cell_width(cut(text, cells)) <= cells
    assert cell_width(fill(text, cells)) == cells


@given(text=TEXTS, cells=st.integers(1, 30))
def test_wrapped_lines_fit_and_lose_nothing_but_blanks(text: str, cells: int) -> None:
    lines = wrap(text, cells)
    assert lines
    assert all(cell_width(line) <= max(cells, 2) for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\r\n", "two lines "),
        ("a\tb", "a b"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b]0;x\x07", "^[[2J^[]0;x^G"),
        ("a\u202eb", "a<U+202E>b"),
        ("z\u200bero\ufeff \u061c", "zero "),
        ("日\u2028本", "日 本"),
    ],
)
def test_foreign_text_becomes_one_harmless_line(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_colours_are_taken_out() -> None:
    assert without_colour("\x1b[1;31mx\x1b[0m") == "x"
