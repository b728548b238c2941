"""Markdown on a terminal: cases are tests/cases/markdown/*.md with their .txt (50 cells, no colours) and .colour."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden import CASES, check_golden
from skep.cli.cells import cell_width, without_colour
from skep.cli.markdown.render import render_markdown

FILES = sorted((CASES / "markdown").glob("*.md"))
PIECES = st.sampled_from(
    [
        *(
            "# ",
            "## h\n",
            "\n",
            "\n\n",
            "- ",
            "* ",
            "1. ",
            "    ",
            "> ",
            "```",
            "~~~",
            "`",
            "``",
            "*",
            "**",
            "_",
            "~~",
        ),
        *(
            "|",
            "|-|-|\n",
            "|a|b|\n",
            "[",
            "](",
            ")",
            "![",
            "<b>",
            "</b>",
            "<table>",
            "<tr>",
            "<td>",
            "</table>",
            "<li>",
        ),
        *(
            "<ul>",
            "</ul>",
            "<pre>",
            "</pre>",
            "<!--",
            "-->",
            "<a href='x'>",
            "</a>",
            "<blockquote>",
            "</blockquote>",
        ),
        *(
            "<details><summary>",
            "</summary>",
            "&lt;",
            "&#27;",
            "\x1b[2J",
            "\u202e",
            "日本",
            "word ",
            "x",
            " ",
            "\\",
            "\t",
        ),
        *(
            "---\n",
            "===\n",
            "- [ ] ",
            "- [x] ",
            "<script>",
            "</script>",
            "<br>",
            "<https://a.b>",
            "<img alt='i'>",
            "\r",
        ),
    ]
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.parametrize("colour", [False, True], ids=["plain", "colour"])
def test_a_text_is_shown_as_its_case_says(file: Path, *, colour: bool, update_cases: bool) -> None:
    lines = render_markdown(file.read_text(encoding="utf-8"), width=50, colour=colour)
    shown = "\n".join(line.replace("\x1b[", "^") for line in lines) + "\n"
    check_golden(file.with_suffix(".colour" if colour else ".txt"), shown, update=update_cases)


@given(pieces=st.lists(PIECES, max_size=40), width=st.integers(0, 100), colour=st.booleans())
def test_any_text_is_shown_within_the_width_and_harmless(
    pieces: list[str], width: int, *, colour: bool
) -> None:
    for line in render_markdown("".join(pieces), width=width, colour=colour):
        shown = without_colour(line) if colour else line
        assert not set(shown) & {*map(chr, range(32)), "\x7f", "\x9b", "\u202e"}
        if not shown.startswith("    ") and "    " not in shown:
            assert cell_width(shown) <= max(width, 200 if width < 60 else width)


@given(text=st.text(max_size=300))
def test_no_text_is_an_error(text: str) -> None:
    render_markdown(text, width=40, colour=True)


REPEATED = [
    "**a",
    "](",
    "<!--",
    "<a",
    "[a](",
    "> ",
    "- ",
    "`` ",
    "&x",
    "<li>",
    "|-",
    "<td>",
    "<b",
    "__a ",
    "|a|\n|-|\n",
]


@pytest.mark.parametrize("piece", [*"*_`[]()<>!#|-~\\&", *REPEATED])
def test_the_work_grows_with_the_text_and_not_with_its_square(piece: str) -> None:
    def calls(characters: int) -> int:
        found = 0

        def count(_frame: FrameType, _event: str, _argument: object) -> None:
            nonlocal found
            found += 1

        text = piece * (characters // len(piece))
        sys.setprofile(count)
        try:
            render_markdown(text, width=80, colour=True)
        finally:
            sys.setprofile(None)
        return found

    assert calls(16_000) <= 5 * calls(4_000) + 2_000
