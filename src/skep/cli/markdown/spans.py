"""Inline Markdown as styled pieces of text, and pieces broken into lines. Pure; the time is linear in the text.

Source of the rules: CommonMark 0.31 section 6 and GitHub Flavored Markdown, without the finer points of nested emphasis.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from skep.cli.cells import cell_width, one_line, wrap

Span = tuple[str, tuple[str, ...]]
"""A piece of text with its SGR codes."""

BOLD, ITALIC, STRIKE, CODE, LINK, DIM = "1", "3", "9", "36", "4", "2"
HARD_BREAK = "\n"
_NESTED = 6
_CANDIDATES = 20
_TOKEN = re.compile(
    r"\\(?P<escape>[!-/:-@\[-`{-~])|(?P<ticks>`+)|(?P<bracket>!?\[)|<(?P<auto>(?:https?://|mailto:)[^\s<>]{1,2000})>"
    r"|(?P<mark>\*{1,3}|_{1,3}|~~)|(?P<entity>&(?:#\w{1,8}|\w{1,31});)"
)
_TARGET = re.compile(
    r"""\(\s*<?(?P<url>[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)>?(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)"""
)
_STYLES = {1: (ITALIC,), 2: (BOLD,), 3: (BOLD, ITALIC)}


def read_spans(text: str, style: tuple[str, ...] = (), depth: int = 0, *, urls: bool = True) -> list[Span]:
    """The pieces of a paragraph, heading or cell. `HARD_BREAK` inside a piece is a line break. `urls`: say where links lead."""
    return list(_Reader(text, style, depth, urls=urls).read())


def plain_text(spans: list[Span]) -> str:
    """The pieces without their styles."""
    return "".join(text for text, _ in spans)


def wrap_spans(spans: list[Span], width: int, *, colour: bool) -> list[str]:
    """Lines of at most so many cells, broken at blanks; with colour codes or without."""
    lines: list[list[Span]] = [[]]
    used = 0
    for text, style in spans:
        for number, part in enumerate(text.split(HARD_BREAK)):
            if number:
                lines.append([])
                used = 0
            for word in re.findall(r" +|[^ ]+", one_line(part)):
                cells = cell_width(word)
                if word[0] == " ":
                    if used and used + cells <= width:
                        lines[-1].append((word, style))
                        used += cells
                    continue
                if used and used + cells > width:
                    lines.append([])
                    used = 0
                for index, piece in enumerate(wrap(word, width) if cells > width else [word]):
                    if index:
                        lines.append([])
                    lines[-1].append((piece, style))
                    used = (0 if index else used) + cell_width(piece)
    return ["".join(_painted(span, colour=colour) for span in _joined(line)).rstrip() for line in lines]


def _joined(line: list[Span]) -> list[Span]:
    """Neighbours of one style as one piece, without the blanks at the end of the line."""
    found: list[Span] = []
    for text, style in line:
        if found and found[-1][1] == style:
            found[-1] = found[-1][0] + text, style
        else:
            found.append((text, style))
    if found:
        found[-1] = found[-1][0].rstrip(), found[-1][1]
    return found


def _painted(span: Span, *, colour: bool) -> str:
    text, style = span
    return f"\x1b[{';'.join(style)}m{text}\x1b[0m" if colour and style and text.strip() else text


class _Reader:
    """Reads one text; `_absent` remembers which closers do not come any more, so that nothing is searched for twice."""

    def __init__(self, text: str, style: tuple[str, ...], depth: int, *, urls: bool) -> None:
        self._text, self._style, self._depth, self._urls = text, style, depth, urls
        self._absent: set[str] = set()
        self._closers: dict[int, int] | None = None

    def read(self) -> Iterator[Span]:
        text, at = self._text, 0
        while token := _TOKEN.search(text, at):
            if token.start() > at:
                yield text[at : token.start()], self._style
            at = token.end()
            spans, end = self._take(token)
            yield from spans
            at = max(at, end)
        if at < len(text):
            yield text[at:], self._style

    def _take(self, token: re.Match[str]) -> tuple[list[Span], int]:
        """The pieces a token stands for, and where reading goes on."""
        if token["escape"]:
            return [(token["escape"], self._style)], token.end()
        if token["entity"]:
            return [(_entity(token["entity"]), self._style)], token.end()
        if token["auto"]:
            return [(token["auto"], (*self._style, LINK))], token.end()
        if token["ticks"]:
            found = self._code(token["ticks"], token.end())
        elif token["bracket"]:
            found = self._link(token)
        else:
            found = self._emphasis(token["mark"], token.start(), token.end())
        return found or ([(token[0], self._style)], token.end())

    def _code(self, ticks: str, start: int) -> tuple[list[Span], int] | None:
        if ticks in self._absent:
            return None
        at = start
        while (end := self._text.find(ticks, at)) >= 0:
            after = end + len(ticks)
            while after < len(self._text) and self._text[after] == "`":
                after += 1
            if after - end == len(ticks):
                inner = self._text[start:end].replace("\n", " ")
                if inner[:1] == inner[-1:] == " " and inner.strip():
                    inner = inner[1:-1]
                return [(inner, (*self._style, CODE))], after
            at = after
        self._absent.add(ticks)
        return None

    def _link(self, token: re.Match[str]) -> tuple[list[Span], int] | None:
        if self._closers is None:
            self._closers = _matching_brackets(self._text)
        close = self._closers.get(token.end() - 1)
        target = _TARGET.match(self._text, close + 1) if close is not None else None
        if close is None or target is None or self._depth >= _NESTED:
            return None
        inner, url = self._text[token.end() : close], target["url"]
        if token["bracket"] == "![":
            alt = plain_text(read_spans(inner, depth=self._depth + 1))
            return [(f"[{alt or 'image'}]", (*self._style, DIM))], target.end()
        spans = read_spans(inner, (*self._style, LINK), self._depth + 1, urls=self._urls)
        if self._urls and url and not url.startswith("#") and plain_text(spans) != url:
            spans.append((f" ({url})", (*self._style, DIM)))
        return spans, target.end()

    def _emphasis(self, mark: str, start: int, end: int) -> tuple[list[Span], int] | None:
        text = self._text
        opens = end < len(text) and not text[end].isspace()
        if mark[0] == "_" and start and text[start - 1].isalnum():
            opens = False
        if not opens or mark in self._absent or self._depth >= _NESTED:
            return None
        at = end
        for _ in range(_CANDIDATES):
            close = text.find(mark, at)
            if close < 0:
                self._absent.add(mark)
                return None
            if self._closes(mark, close):
                style = (STRIKE,) if mark == "~~" else _STYLES[len(mark)]
                inner = read_spans(text[end:close], (*self._style, *style), self._depth + 1, urls=self._urls)
                return inner, close + len(mark)
            at = close + 1
            while at < len(text) and text[at] == mark[0]:
                at += 1
        return None

    def _closes(self, mark: str, at: int) -> bool:
        text, after = self._text, at + len(mark)
        if text[at - 1].isspace() or text[at - 1] == "\\":
            return False
        if mark in ("*", "_") and text[after : after + 1] == mark:
            return False
        return not (mark[0] == "_" and text[after : after + 1].isalnum())


def _matching_brackets(text: str) -> dict[int, int]:
    """Where each `[` is closed."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for match in re.finditer(r"\\.|[\[\]]", text, re.DOTALL):
        if match[0] == "[":
            opened.append(match.start())
        elif match[0] == "]" and opened:
            found[opened.pop()] = match.start()
    return found


def _entity(entity: str) -> str:
    from html import unescape  # two thousand names: only for texts with entities

    return unescape(entity)
