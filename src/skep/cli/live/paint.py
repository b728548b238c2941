"""From the lines on the screen to the lines that shall be there, in as few bytes as that takes. Pure.

The cursor rests at the beginning of the line below the view. Nothing but cursor up, erase and line ends is used: every
terminal since the VT100 can do it. While lines of the view are written automatic wrapping is off: a line whose width the
terminal counts differently cannot spoil the count of lines.
"""

from __future__ import annotations

from collections.abc import Sequence

from skep.cli.cells import cell_width, without_colour

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"
_ERASE_LINE, _ERASE_BELOW = "\x1b[K", "\x1b[J"


def repaint(old: Sequence[str], new: Sequence[str], above: Sequence[str] = ()) -> str:
    """What turns `old` into `new`, with the lines of `above` put over the view for good. Empty when nothing changes."""
    if above:
        return erase(len(old)) + "".join(f"{line}\r\n" for line in above) + _drawn(new)
    if not old:
        return _drawn(new)
    same = min(len(old), len(new))
    changed = [index for index in range(same) if old[index] != new[index]]
    if not changed and len(old) == len(new):
        return ""
    first = changed[0] if changed else same
    text = _up(len(old) - first) + _NO_WRAP
    at = first
    for index in changed:
        text += "\r\n" * (index - at) + new[index] + _ERASE_LINE + "\r\n"
        at = index + 1
    text += "\r\n" * (same - at) + "".join(f"{line}{_ERASE_LINE}\r\n" for line in new[same:])
    return text + (_ERASE_BELOW if len(new) < len(old) else "") + _WRAP


def erase(rows: int) -> str:
    """Takes the view, so many rows of it, from the screen; the cursor is then where it began.

    Its first row is erased alone: erasing everything from the corner of the screen is taken for `clear` by some terminals (tmux),
    which then keep the view in their history.
    """
    return f"{_up(rows)}{_ERASE_LINE}\r\n{_ERASE_BELOW}{_up(1)}" if rows else ""


def rows_taken(lines: Sequence[str], width: int, *, reflows: bool) -> int:
    """Rows that drawn lines take once the terminal is so wide: those that reflow break lines that became too long."""
    if not reflows or width < 1:
        return len(lines)
    return sum(max(-(-cell_width(without_colour(line)) // width), 1) for line in lines)


def _drawn(lines: Sequence[str]) -> str:
    return _NO_WRAP + "".join(f"{line}{_ERASE_LINE}\r\n" for line in lines) + _WRAP if lines else ""


def _up(rows: int) -> str:
    return f"\x1b[{rows}A\r" if rows else "\r"
