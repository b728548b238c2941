"""Places inside scalars: from an offset in a value to line and column in the file."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from skep.model.finding import Location
from skep.pipeline.expressions.errors import ExpressionError

from .nodes import Scalar

_OPEN = "${{"


@dataclass(slots=True)
class Source:
    """The text of one file, looked at only when something in it is wrong."""

    text: str
    last_text: str = ""  # the expression that `focus` was asked about last
    _line_starts: list[int] = field(default_factory=list)

    def inside(self, scalar: Scalar, offset: int, length: int) -> Location:
        """The place of `length` characters at an offset of the scalar's value; the whole scalar when it cannot be found."""
        start = self._offset(scalar.span.line, scalar.span.column)
        end = self._offset(scalar.span.end_line, scalar.span.end_column)
        written = self.text[start:end]
        needle = str(scalar.value)[offset : offset + max(length, 1)]
        before = str(scalar.value).count(needle, 0, offset)
        found = _nth(written, needle, before)
        return scalar.span if found < 0 else self._location(scalar.span, start + found, len(needle))

    def focus(self, scalar: Scalar, text: str, number: int, error: ExpressionError) -> Location:
        """The place of an expression error: in the `number`-th `${{ }}` of the scalar, or in the scalar as a whole."""
        self.last_text = text
        start = self._offset(scalar.span.line, scalar.span.column)
        end = self._offset(scalar.span.end_line, scalar.span.end_column)
        written = self.text[start:end]
        opened = _nth(written, _OPEN, number)
        begin = opened + len(_OPEN) if opened >= 0 else 0
        at = written.find(text, begin)
        length = error.length or 1
        if at >= 0:
            return self._location(scalar.span, start + at + error.position, length)
        if opened >= 0:
            return self._location(scalar.span, start + opened, len(_OPEN))
        return scalar.span

    def offset(self, line: int, column: int) -> int:
        """The offset of a place in the text; lines and columns count from 1."""
        return self._offset(line, column)

    def written(self, span: Location) -> str:
        """What stands at a place, quotes and indentation included."""
        return self.text[self._offset(span.line, span.column) : self._offset(span.end_line, span.end_column)]

    def place(self, path: str, start: int, end: int) -> Location:
        """The place of a stretch of the text; it may reach over several lines."""
        starts = self._starts()
        line, end_line = bisect_right(starts, start), bisect_right(starts, end)
        return Location(
            path=path,
            line=line,
            column=start - starts[line - 1] + 1,
            end_line=end_line,
            end_column=end - starts[end_line - 1] + 1,
        )

    def _location(self, span: Location, offset: int, length: int) -> Location:
        line = bisect_right(self._starts(), offset)
        column = offset - self._starts()[line - 1] + 1
        return Location(path=span.path, line=line, column=column, end_line=line, end_column=column + length)

    def _offset(self, line: int, column: int) -> int:
        starts = self._starts()
        return starts[min(line, len(starts)) - 1] + column - 1 if line else 0

    def _starts(self) -> list[int]:
        if not self._line_starts:
            self._line_starts.append(0)
            # the breaks YAML counts: CR LF is one, LF, CR, NEL, LS and PS are one each
            for number, character in enumerate(self.text):
                if character in "\n\x85\u2028\u2029" or (
                    character == "\r" and self.text[number + 1 : number + 2] != "\n"
                ):
                    self._line_starts.append(number + 1)
        return self._line_starts


def _nth(text: str, needle: str, number: int) -> int:
    found = -1
    for _ in range(number + 1):
        found = text.find(needle, found + 1)
        if found < 0:
            return -1
    return found
