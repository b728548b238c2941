"""Log bytes made fit for where they go: a terminal gets nothing that could act on it, a pipe gets the bytes.

Output of jobs is not ours: escape sequences in it may rename windows, move the cursor over what was
printed, or answer
questions into the user's shell. So on a terminal only colours pass; everything else is shown in caret
notation (`^[`).
"""

from __future__ import annotations

import re

_COLOUR = re.compile(r"(\x1b\[[0-9;:]*m)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
RESET = "\x1b[0m"


def for_terminal(line: bytes, *, colour: bool) -> str:
    """One line without its end, safe to print: colours kept or dropped, of overwritten lines what was seen
    last."""
    text = line.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2]
    pieces = _COLOUR.split(text)
    if len(pieces) == 1:
        return _CONTROL.sub(_visible, text)
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            pieces[index] = _CONTROL.sub(_visible, piece)
        elif not colour:
            pieces[index] = ""
    return "".join(pieces) + (RESET if colour else "")


def plain_line(text: str) -> str:
    """Somebody's text (a name, a reason, a ref) as one harmless line without colours; line ends in it become ` | `."""
    if text.isprintable():
        return text
    whole = " | ".join(line for line in text.splitlines() if line)
    return for_terminal(whole.encode("utf-8", "replace"), colour=False)


def plain_lines(text: str) -> str:
    """Somebody's lines, each harmless and without colours."""
    if text.isprintable():
        return text
    return "\n".join(map(plain_line, text.split("\n")))


def for_json(line: bytes) -> str:
    """One line without its end as text; bytes that are no UTF-8 become U+FFFD."""
    return line.decode("utf-8", "replace").rstrip("\r")


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return f"^{chr(code + 0x40)}"
    return "^?" if code == 0x7F else f"<U+{code:04X}>"
