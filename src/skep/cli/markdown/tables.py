"""Tables of Markdown as aligned lines; cells that are too wide are broken into several. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from skep.cli.cells import cell_width, one_line, without_colour
from skep.cli.markdown.blocks import Table
from skep.cli.markdown.spans import BOLD, DIM, plain_text, read_spans, wrap_spans

_GAP = 2
_MIN_COLUMN = 4


def render_table(table: Table, width: int, *, colour: bool) -> Iterator[str]:
    """Head, a line below it, rows. Columns for which there is no room at all are left out."""
    kept = min(len(table.head), max(width // (_MIN_COLUMN + _GAP), 1))
    widths = _fitted(_natural(table)[:kept], width - _GAP * (kept - 1))
    align = table.align[:kept]
    head = [
        wrap_spans(read_spans(cell, (BOLD,), urls=False), size, colour=colour)
        for cell, size in zip(table.head, widths, strict=False)
    ]
    yield from _lines(head, widths, align)
    rule = "  ".join("─" * size for size in widths)
    yield f"\x1b[{DIM}m{rule}\x1b[0m" if colour else rule
    for row in table.rows:
        cells = [
            wrap_spans(read_spans(cell, urls=False), size, colour=colour)
            for cell, size in zip(row, widths, strict=False)
        ]
        yield from _lines(cells, widths, align)
    if kept < len(table.head):
        yield f"… {len(table.head) - kept} more columns"


def _natural(table: Table) -> list[int]:
    """The cells each column would like."""
    rows = [table.head, *table.rows]
    return [
        max(1, *(cell_width(one_line(plain_text(read_spans(row[index], urls=False)))) for row in rows))
        for index in range(len(table.head))
    ]


def _fitted(wanted: Sequence[int], room: int) -> list[int]:
    """Widths whose sum fits: the widest columns give first."""
    widths = list(wanted)
    excess = sum(widths) - room
    while excess > 0:
        widest = max(widths)
        if widest <= _MIN_COLUMN:
            break
        at_top = [index for index, size in enumerate(widths) if size == widest]
        below = max([size for size in widths if size < widest] + [_MIN_COLUMN])
        cut = min(widest - below, -(-excess // len(at_top)))
        for index in at_top:
            step = min(cut, excess)
            widths[index] -= step
            excess -= step
            if excess <= 0:
                break
    return widths


def _lines(cells: Sequence[list[str]], widths: Sequence[int], align: Sequence[str]) -> Iterator[str]:
    for number in range(max(map(len, cells))):
        parts = []
        for lines, size, side in zip(cells, widths, align, strict=True):
            text = lines[number] if number < len(lines) else ""
            blank = max(size - cell_width(without_colour(text)), 0)
            left = blank if side == ">" else blank // 2 if side == "^" else 0
            parts.append(" " * left + text + " " * (blank - left))
        yield (" " * _GAP).join(parts).rstrip()
