"""Text measured as a terminal shows it: in cells, not in characters; cut, filled and made fit for one line. Pure.

Source of the widths: Unicode TR11 (East Asian Width), wide and fullwidth take two cells, marks that combine take none. Terminals
differ on emoji made of several characters; what is drawn in place therefore also switches automatic wrapping off.
"""

from __future__ import annotations

import re
from functools import lru_cache

from skep.cli.log_text import for_terminal

_SEPARATORS = re.compile(r"[\t\n\x0b\x0c\r\x85\u2028\u2029]+")
_INVISIBLE = re.compile(r"[\u061c\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
_SGR = re.compile(r"\x1b\[[0-9;:]*m")
MARKS_PER_CELL = 8
"""More combining marks than that on one cell are somebody's joke, and cost time to measure and to draw."""


def one_line(text: str) -> str:
    """Foreign text as one harmless line without colours: no control, direction or invisible character is left."""
    if text.isascii() and text.isprintable():
        return text
    flat = _INVISIBLE.sub("", _SEPARATORS.sub(" ", text))
    return for_terminal(flat.encode("utf-8", "replace"), colour=False)


def cell_width(text: str) -> int:
    """Cells that a line without control characters takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def cut(text: str, cells: int, *, mark: str = "…") -> str:
    """The beginning of a line that fits into so many cells, with `mark` at its end when something is missing."""
    if text.isascii():
        if len(text) <= cells:
            return text
    elif cell_width(text) <= cells and len(text) <= MARKS_PER_CELL * (cells + 1):
        return text
    room = cells - cell_width(mark)
    return _head(text, room) + mark if room >= 0 else _head(text, max(cells, 0))


def fill(text: str, cells: int) -> str:
    """A line cut or filled with blanks to exactly so many cells."""
    shown = cut(text, cells)
    return shown + " " * (cells - cell_width(shown))


def without_colour(text: str) -> str:
    """A line without colour sequences."""
    return _SGR.sub("", text) if "\x1b" in text else text


def wrap(text: str, cells: int) -> list[str]:
    """A line broken at blanks into lines that fit; words that are too long are broken anywhere. At least one line."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cell_width(joined) <= cells:
            line = joined
            continue
        if line:
            lines.append(line)
        *pieces, line = _pieces(word, max(cells, 2))
        lines += pieces
    return [*lines, line]


def _pieces(word: str, cells: int) -> list[str]:
    """A word cut into pieces that fit; the last may be empty."""
    pieces: list[str] = []
    at = 0
    while cell_width(word[at:]) > cells:
        piece = _head(word[at : at + MARKS_PER_CELL * cells], cells) or word[at : at + 1]
        pieces.append(piece)
        at += len(piece)
    return [*pieces, word[at:]]


def _head(text: str, cells: int) -> str:
    """The longest beginning within so many cells."""
    if text.isascii():
        return text[: max(cells, 0)]
    used = marks = 0
    for index, character in enumerate(text):
        taken = _cells(character)
        used += taken
        marks = 0 if taken else marks + 1
        if used > cells or marks > MARKS_PER_CELL:
            return text[:index]
    return text


@lru_cache(maxsize=4096)
def _cells(character: str) -> int:
    if character.isascii():
        return 1
    import unicodedata  # only those who need it pay for the tables

    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
