"""A small model of a terminal: what a user sees after a program wrote its bytes."""

from __future__ import annotations

import re
import unicodedata

_CSI = re.compile(r"\x1b\[([?]?)([0-9;]*)([A-Za-z])")


class Screen:
    """`width` x `height` cells with scrollback; knows what the live view uses, and refuses everything else."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.rows: list[list[str]] = [[] for _ in range(height)]
        self.scrollback: list[str] = []
        self.row = self.column = 0
        self.wraps = self.cursor_shown = True
        self.unknown: list[str] = []
        self.widest = 0  # the farthest cell ever written while wrapping was off
        self._rest = ""

    def feed(self, text: str) -> None:
        """Shows what was written; cut anywhere."""
        text, self._rest = self._rest + text, ""
        at = 0
        while at < len(text):
            character = text[at]
            if character == "\x1b":
                match = _CSI.match(text, at)
                if match is None:
                    if len(text) - at < 12:
                        self._rest = text[at:]
                        return
                    self.unknown.append(text[at : at + 12])
                    at += 1
                    continue
                self._control(match)
                at = match.end()
                continue
            self._put(character)
            at += 1

    def lines(self) -> list[str]:
        """What is on the screen, without empty lines at its end."""
        found = [self._text(row) for row in self.rows]
        while found and not found[-1]:
            found.pop()
        return found

    def everything(self) -> str:
        """The scrollback and the screen."""
        return "\n".join([*self.scrollback, *self.lines()])

    def resize(self, width: int, height: int) -> None:
        """As a terminal that does not reflow: lines are cut, what does not fit above goes to the scrollback."""
        self.width = width
        self.rows = [row[:width] for row in self.rows]
        while len(self.rows) > height:
            if self.row < len(self.rows) - 1:
                self.rows.pop()
            else:
                self.scrollback.append(self._text(self.rows.pop(0)))
                self.row -= 1
        self.rows += [[] for _ in range(height - len(self.rows))]
        self.height, self.column = height, min(self.column, width - 1)

    @staticmethod
    def _text(row: list[str]) -> str:
        return "".join(row).rstrip()

    def _put(self, character: str) -> None:
        if character == "\n":
            self._down()
        elif character == "\r":
            self.column = 0
        elif not character.isprintable():
            self.unknown.append(character)
        else:
            self._show(character)

    def _show(self, character: str) -> None:
        if unicodedata.category(character) in ("Mn", "Me", "Cf"):
            return
        cells = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if not self.wraps:
            self.widest = max(self.widest, self.column + cells)
        if self.column + cells > self.width:
            if not self.wraps:
                return
            self.column = 0
            self._down()
        row = self.rows[self.row]
        row += [" "] * (self.column + cells - len(row))
        row[self.column : self.column + cells] = [character, *[""] * (cells - 1)]
        self.column += cells

    def _down(self) -> None:
        if self.row < self.height - 1:
            self.row += 1
        else:
            self.scrollback.append(self._text(self.rows.pop(0)))
            self.rows.append([])

    def _control(self, match: re.Match[str]) -> None:
        private, argument, final = match.groups()
        if final == "m":
            return
        if private and final in "hl" and argument in ("7", "25"):
            if argument == "7":
                self.wraps = final == "h"
            else:
                self.cursor_shown = final == "h"
        elif final == "A":
            self.row = max(self.row - int(argument or 1), 0)
        elif final == "K" and not argument:
            del self.rows[self.row][self.column :]
        elif final == "J" and not argument:
            del self.rows[self.row][self.column :]
            self.rows[self.row + 1 :] = [[] for _ in self.rows[self.row + 1 :]]
        else:
            self.unknown.append(match[0])
