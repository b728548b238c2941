"""Blocks of Markdown as lines for a terminal. Pure; control characters, escape sequences and HTML never come through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from skep.cli.cells import cell_width, one_line
from skep.cli.markdown.blocks import (
    Block,
    Code,
    Heading,
    Item,
    Items,
    Paragraph,
    Quote,
    Rule,
    Table,
    read_blocks,
)
from skep.cli.markdown.html import html_to_markdown
from skep.cli.markdown.spans import BOLD, CODE, DIM, Span, read_spans, wrap_spans
from skep.cli.markdown.tables import render_table

MIN_WIDTH = 16
_HEADINGS = {1: (BOLD, "4"), 2: (BOLD,), 3: (BOLD,)}


def render_markdown(text: str, *, width: int, colour: bool) -> list[str]:
    """The lines of a text, none longer than `width` cells except code. No blank lines at the beginning or the end."""
    source = html_to_markdown(text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = [line.expandtabs(4) for line in source.split("\n")]
    return list(_Renderer(colour=colour).blocks(read_blocks(lines), max(width, MIN_WIDTH)))


class _Renderer:
    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def blocks(self, blocks: Sequence[Block], width: int, *, tight: bool = False) -> Iterator[str]:
        for number, block in enumerate(blocks):
            if number and not tight:
                yield ""
            yield from self._block(block, max(width, MIN_WIDTH))

    def _block(self, block: Block, width: int) -> Iterator[str]:
        match block:
            case Heading(level=level, text=text):
                style = _HEADINGS.get(level, (BOLD, DIM))
                prefix = "" if self._colour else "#" * level + " "
                yield from self._wrapped([(prefix, ()), *read_spans(text, style)], width)
            case Paragraph(text=text):
                yield from self._wrapped(read_spans(text), width)
            case Code(lines=lines):
                yield from (f"    {self._paint(_code_line(line), CODE)}".rstrip() for line in lines)
            case Rule():
                yield self._paint("─" * min(width, 40), DIM)
            case Quote(blocks=inner):
                bar = self._paint("│", DIM)
                yield from (f"{bar} {line}" for line in self.blocks(inner, width - 2))
            case Items():
                yield from self._list(block, width)
            case Table():
                yield from render_table(block, width, colour=self._colour)
            case _:
                assert_never(block)

    def _list(self, block: Items, width: int) -> Iterator[str]:
        start = block.start
        last = (start or 0) + len(block.items) - 1
        for number, item in enumerate(block.items):
            mark = "•" if start is None else f"{start + number}.".rjust(len(f"{last}."))
            if item.done is not None:
                mark = "☑" if item.done else "☐"
            yield from self._item(item, mark, width)

    def _item(self, item: Item, mark: str, width: int) -> Iterator[str]:
        indent = cell_width(mark) + 1
        lines = list(self.blocks(item.blocks, width - indent, tight=True)) or [""]
        yield f"{mark} {lines[0]}".rstrip()
        yield from (f"{' ' * indent}{line}".rstrip() for line in lines[1:])

    def _wrapped(self, spans: list[Span], width: int) -> list[str]:
        return wrap_spans(spans, width, colour=self._colour)

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and text.strip() else text


def _code_line(line: str) -> str:
    """A line of code, its blanks kept."""
    return one_line(line).rstrip()
