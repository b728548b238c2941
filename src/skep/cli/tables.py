"""Values as short words and aligned columns."""

from __future__ import annotations

import time
from collections.abc import Sequence

from skep.cli.log_text import plain_line


def render_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns wide enough for their cells, two blanks apart; the last is not padded. No line for an empty
    table."""
    if not rows:
        return ""
    lines = [[plain_line(cell) for cell in line] for line in (headings, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def duration_text(seconds: float) -> str:
    """`850 ms`, `12.3 s`, `2 min 5 s`, `1 h 2 min`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def when_text(at: float) -> str:
    """A moment in local time, to the second: `2026-11-20 10:15:30`."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def short_ref(ref: str) -> str:
    """`refs/heads/main` -> `main`."""
    for prefix in ("refs/heads/", "refs/tags/", "refs/"):
        if ref.startswith(prefix):
            return ref.removeprefix(prefix)
    return ref
