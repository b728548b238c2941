"""Findings as text for people and as JSON for programs.

.github/workflows/ci.yml:7:5: error: unexpected key `need` [unknown-key]
    7 |     need: build
      |     ^^^^

hint: did you mean `needs`?
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

from skep.model.finding import Finding, Location, Severity

_WIDTH = 100  # columns of an excerpt
_LEAD = 30  # columns kept before the caret when a line is cut
_TAB = 4
_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTICE: "36"}


def render_finding(finding: Finding, source: str | None, *, colour: bool) -> str:
    """One finding as lines without a final newline: place, message, excerpt with carets, hint.

    `source` is the whole text of its file; without it there is no excerpt. Control characters of the text are shown
    escaped, so nothing in it reaches the terminal as a command.
    """
    where = place_of(finding)
    severity = _paint(str(finding.severity), f"1;{_COLOURS[finding.severity]}", colour)
    rule = _paint(f"[{finding.rule}]", "2", colour)
    place = _paint(printable(str(where)), "1", colour)
    parts = [f"{place}: {severity}: {printable(finding.message)} {rule}"]
    if source is not None and where.line:
        parts += _excerpt(where, source, colour=colour)
    if finding.hint:
        parts += ["", f"{_paint('hint', '1', colour)}: {printable(finding.hint)}"]
    return "\n".join(parts)


def render_findings(findings: Iterable[Finding], sources: Mapping[str, str], *, colour: bool) -> str:
    """All findings in the order of their places, an empty line between them. `sources`: path -> text."""
    ordered = sorted(findings, key=_order)
    return "\n\n".join(
        render_finding(finding, sources.get(finding.where.path), colour=colour) for finding in ordered
    )


def finding_json(finding: Finding) -> dict[str, str | int]:
    """One finding as a JSON object; lines and columns count from 1, 0 = unknown, ends are exclusive."""
    where = place_of(finding)
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "message": finding.message,
        "hint": finding.hint,
        "path": where.path,
        "line": where.line,
        "column": where.column,
        "end_line": where.end_line,
        "end_column": where.end_column,
    }


def place_of(finding: Finding) -> Location:
    """Where to point: the part of a value that is wrong, when that is known, else the whole value."""
    return finding.focus or finding.where


def printable(text: str) -> str:
    """The text on one line with control, format and undecodable characters escaped, as `\\x1b`."""
    return "".join(_shown(character) for character in text)


def _order(finding: Finding) -> tuple[str, int, int]:
    where = place_of(finding)
    return where.path, where.line, where.column


def _excerpt(where: Location, source: str, *, colour: bool) -> list[str]:
    line = _line(source.removeprefix("\ufeff"), where.line)
    if line is None:
        return []
    first = min(where.column - 1, len(line))
    last = where.end_column - 1 if where.end_line == where.line else len(line)
    # a line may be a megabyte long: only what can be shown is looked at
    before, marked, after = (
        line[max(first - _WIDTH, 0) : first],
        line[first:last][:_WIDTH],
        line[last:][:_WIDTH],
    )
    before_text = _expanded(before, 0)
    marked_text = _expanded(marked.rstrip() or marked, _columns(before_text))
    after_text = _expanded(after, _columns(before_text) + _columns(marked_text))
    if len(before_text) > _WIDTH - _LEAD or first > _WIDTH:
        before_text = "…" + before_text[max(len(before_text) - _LEAD, 0) :]
    room = max(_WIDTH - len(before_text), 1)
    shown = before_text + _cut(marked_text + after_text, room)
    carets = max(min(_columns(marked_text), _columns(_cut(marked_text, room))), 1)
    number = f"{where.line:>5}"
    gutter = " " * len(number)
    pointer = " " * _columns(before_text) + _paint("^" * carets, "1;31", colour)
    return [
        f"{_paint(f'{number} |', '2', colour)} {shown}".rstrip(),
        f"{_paint(f'{gutter} |', '2', colour)} {pointer}",
    ]


def _line(source: str, number: int) -> str | None:
    lines = _lines(source)
    return lines[number - 1] if number <= len(lines) else None


@lru_cache(maxsize=4)
def _lines(source: str) -> list[str]:
    """Lines as YAML counts them, without their ends."""
    return re.split("\r\n|[\n\r\x85\u2028\u2029]", source)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def _expanded(text: str, column: int) -> str:
    """The text with tabs as blanks up to the next stop, and nothing a terminal would obey."""
    parts = []
    for character in text:
        shown = " " * (_TAB - column % _TAB) if character == "\t" else _shown(character)
        parts.append(shown)
        column += _columns(shown)
    return "".join(parts)


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if character in {"\t", " ", "\xa0"}:
        return " "
    if "\udc80" <= character <= "\udcff":
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _columns(text: str) -> int:
    """How many terminal columns a text without tabs takes."""
    if text.isascii():
        return len(text)
    return sum(_character_columns(character) for character in text)


def _character_columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _paint(text: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text
