"""Markdown text as blocks: headings, paragraphs, lists, tables, code, quotations, rules. Pure.

Source of the rules: CommonMark 0.31 section 4 and 5, tables and task lists from GitHub Flavored Markdown. Link reference definitions are
not known; blocks nested deeper than `NESTED` are paragraphs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

NESTED = 8
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ ]+(.*?))?(?:[ ]+#+)?[ ]*$")
_RULE = re.compile(r" {0,3}(?:(?:\*[ ]*){3,}|(?:-[ ]*){3,}|(?:_[ ]*){3,})$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^`]*)$")
_ITEM = re.compile(r"( {0,3})([-*+]|(\d{1,9})[.)])(?:( +)(.*)|$)")
_TASK = re.compile(r"\[([ xX])\] +")
_QUOTE = re.compile(r" {0,3}> ?")
_UNDERLINE = re.compile(r" {0,3}(=+|-+) *$")
_DELIMITERS = re.compile(r" {0,3}\|? *:?-+:? *(?:\| *:?-+:? *)*\|? *$")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 6."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text; a line break in it is a hard one."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """Lines as they are."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal line."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A quotation."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list. `done`: None when it is no task."""

    blocks: tuple[Block, ...]
    done: bool | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """A list; `start` None: with bullets."""

    items: tuple[Item, ...]
    start: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `align` holds `<`, `^` or `>` for each column; every row is as long as the head."""

    head: tuple[str, ...]
    align: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Code | Rule | Quote | Items | Table


def read_blocks(lines: Sequence[str], depth: int = 0) -> tuple[Block, ...]:
    """The blocks of a text, given as lines without tabs."""
    return tuple(_Reader(lines, depth).read())


class _Reader:
    def __init__(self, lines: Sequence[str], depth: int) -> None:
        self._lines, self._depth = lines, depth
        self._at = 0

    def read(self) -> list[Block]:
        blocks: list[Block] = []
        while self._at < len(self._lines):
            if not self._lines[self._at].strip():
                self._at += 1
                continue
            blocks.append(self._block())
        return blocks

    def _block(self) -> Block:
        line = self._lines[self._at]
        if fence := _FENCE.match(line):
            return self._fenced(fence)
        if line.startswith("    "):
            return self._indented()
        if heading := _HEADING.match(line):
            self._at += 1
            return Heading(len(heading[1]), heading[2] or "")
        if _RULE.match(line):
            self._at += 1
            return Rule()
        if self._depth < NESTED:
            if _QUOTE.match(line):
                return self._quote()
            if item := _ITEM.match(line):
                return self._list(item)
        if self._is_table():
            return self._table()
        return self._paragraph()

    def _fenced(self, fence: re.Match[str]) -> Code:
        mark, indent = fence[1], len(fence[0]) - len(fence[0].lstrip())
        self._at += 1
        start = self._at
        while self._at < len(self._lines):
            closing = self._lines[self._at].strip()
            if closing.startswith(mark) and not closing.strip(mark[0]):
                break
            self._at += 1
        body = self._lines[start : self._at]
        self._at += 1
        return Code(tuple(line[min(indent, len(line) - len(line.lstrip())) :] for line in body))

    def _indented(self) -> Code:
        start = self._at
        while self._at < len(self._lines) and (
            self._lines[self._at].startswith("    ") or not self._lines[self._at].strip()
        ):
            self._at += 1
        lines = [line[4:] for line in self._lines[start : self._at]]
        while lines and not lines[-1].strip():
            lines.pop()
        return Code(tuple(lines))

    def _quote(self) -> Quote:
        inner: list[str] = []
        while self._at < len(self._lines) and (line := self._lines[self._at]).strip():
            match = _QUOTE.match(line)
            if match is None and self._starts_block(line):
                break
            inner.append(line[match.end() :] if match else line)
            self._at += 1
        return Quote(read_blocks(inner, self._depth + 1))

    def _list(self, first: re.Match[str]) -> Items:
        items: list[Item] = []
        kind = first[2][-1]
        while self._at < len(self._lines):
            found = _ITEM.match(self._lines[self._at])
            if found is None or found[2][-1] != kind or _RULE.match(self._lines[self._at]):
                break
            items.append(self._item(found))
        return Items(tuple(items), int(first[3]) if first[3] else None)

    def _item(self, found: re.Match[str]) -> Item:
        blanks = found[4] or " "
        indent = len(found[1]) + len(found[2]) + (len(blanks) if len(blanks) < 5 else 1)
        text = found[5] or ""
        task = _TASK.match(text)
        inner = [text[task.end() :] if task else text]
        self._at += 1
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line.strip():
                if not self._goes_on(indent):
                    break
                inner.append("")
            elif line[:indent].isspace() and len(line) > indent:
                inner.append(line[indent:])
            elif inner[-1].strip() and not self._starts_block(line):
                inner.append(line.lstrip())
            else:
                break
            self._at += 1
        done = None if task is None else task[1] != " "
        return Item(read_blocks(inner, self._depth + 1), done)

    def _goes_on(self, indent: int) -> bool:
        """Whether what follows the blank lines here still belongs to the item; if another item follows, they are skipped."""
        at = self._at
        while at < len(self._lines) and not self._lines[at].strip():
            at += 1
        if at < len(self._lines) and self._lines[at][:indent].isspace():
            return True
        if at < len(self._lines) and _ITEM.match(self._lines[at]):
            self._at = at
        return False

    def _starts_block(self, line: str) -> bool:
        return bool(
            _FENCE.match(line)
            or _HEADING.match(line)
            or _RULE.match(line)
            or _QUOTE.match(line)
            or _ITEM.match(line)
        )

    def _paragraph(self) -> Block:
        parts: list[str] = []
        while self._at < len(self._lines) and (line := self._lines[self._at]).strip():
            if parts and (underline := _UNDERLINE.match(line)):
                self._at += 1
                return Heading(1 if underline[1][0] == "=" else 2, "".join(parts).strip())
            if parts and (self._starts_block(line) or self._is_table()):
                break
            hard = line.endswith(("  ", "\\"))
            parts.append(line.strip().removesuffix("\\") + ("\n" if hard else " "))
            self._at += 1
        return Paragraph("".join(parts).strip())

    def _is_table(self) -> bool:
        if self._at + 1 >= len(self._lines) or "|" not in self._lines[self._at]:
            return False
        under = self._lines[self._at + 1]
        if "-" not in under or not _DELIMITERS.match(under):
            return False
        return len(_row(self._lines[self._at])) == len(_row(under))

    def _table(self) -> Table:
        head, marks = _row(self._lines[self._at]), _row(self._lines[self._at + 1])
        align = tuple("^" if m[0] == m[-1] == ":" else ">" if m[-1] == ":" else "<" for m in marks)
        self._at += 2
        rows: list[tuple[str, ...]] = []
        while self._at < len(self._lines) and (line := self._lines[self._at]).strip():
            if self._starts_block(line):
                break
            cells = _row(line)[: len(head)]
            rows.append((*cells, *[""] * (len(head) - len(cells))))
            self._at += 1
        return Table(tuple(head), align, tuple(rows))


def _row(line: str) -> list[str]:
    """The cells of a table's line; `\\|` is no border."""
    text = line.strip()
    text = text.removeprefix("|")
    if text.endswith("|") and not text.endswith("\\|"):
        text = text[:-1]
    return [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", text)]
