"""Somebody's text on the user's terminal: it shows, and does nothing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.cli.log_text import plain_line, plain_lines
from skep.cli.tables import render_table

_ACTIVE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a plain name, größer", "a plain name, größer"),
        ("a\nci / forged  success", "a | ci / forged  success"),
        ("\x1b[2Jx", "^[[2Jx"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "<U+009B>31mred"),
        ("\x1b]0;title\a", "^[]0;title^G"),
        ("main\u202egnp", "main<U+202E>gnp"),
        ("a\udcffb", "a?b"),
        ("over\rwritten", "over | written"),
        ("", ""),
    ],
)
def test_foreign_text_is_one_harmless_line(text: str, shown: str) -> None:
    assert plain_line(text) == shown


@given(st.text(st.characters(codec=None)))
def test_nothing_that_acts_on_a_terminal_is_left(text: str) -> None:
    assert not _ACTIVE.search(plain_line(text))
    assert not _ACTIVE.search(plain_lines(text).replace("\n", ""))


def test_a_table_stays_a_table_whatever_its_cells_say() -> None:
    table = render_table(("a", "b"), [("x\ny", "\x1b[2J"), ("long enough", "z")])
    assert table.splitlines() == ["a            b", "x | y        ^[[2J", "long enough  z"]
