"""How a report is drawn, and the few ways in which its parts use that. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from skep.cli.cells import cell_width, cut

MARKS = {"success": "✓", "failure": "✗", "skipped": "-"}
WORDS = {"success": "ok", "failure": "failed"}
COLOURS = {"success": "32", "failure": "31", "skipped": "2", "error": "31", "warning": "33", "notice": "36"}
OTHER_COLOUR = "33"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Where a report goes. `width` 0: not a terminal, lines may have any length."""

    width: int = 0
    colour: bool = False
    markdown: bool = False  # render summaries; else they are shown as they were written
    whole: bool = False  # all of everything, whatever its length
    expected: Mapping[str, float] = field(default_factory=dict)  # seconds by leg, from earlier runs

    def paint(self, text: str, colour: str) -> str:
        """A text in a colour, where there are colours."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colour and colour and text else text

    def fit(self, text: str) -> str:
        """A line without colours, cut to the width."""
        return cut(text, self.width) if self.width else text


def size_text(size_bytes: int) -> str:
    """`812 B`, `3.4 kB`, `12 MB`."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def count_text(number: int, noun: str) -> str:
    """`1 job`, `2 jobs`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def columns(
    rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset(), heading: bool = False
) -> list[str]:
    """Cells one below the other, two blanks apart; those numbered in `right` end at the same cell. The last column is not padded.

    Columns that are empty in every row are left out; the first row is a heading when `heading` says so.
    """
    if not rows:
        return []
    body = rows[1:] if heading else rows
    widths = [
        max(cell_width(row[index]) for row in rows) if any(row[index] for row in body) else 0
        for index in range(len(rows[0]))
    ]
    lines = []
    for row in rows:
        cells = []
        for index, (cell, width) in enumerate(zip(row, widths, strict=True)):
            if width:
                pad = " " * (width - cell_width(cell))
                cells.append(pad + cell if index in right else cell + pad)
        lines.append("  ".join(cells).rstrip())
    return lines
